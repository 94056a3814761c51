"""What falls due of plans and of care as time passes (PLN-03, PLN-04)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta

from crm_core.kernel.dates import local_date, start_of_day
from crm_core.kernel.ticking import DueCommand, Look, NothingBefore, Source
from crm_core.plans.care import CARE, GIFT_DAYS, CallBackCare, Care, OweConsultation
from crm_core.plans.closing import next_report
from crm_core.plans.commands import FollowHousehold, TellPlanDue
from crm_core.plans.company_care import CALENDAR, WHOLE, CareCalendar
from crm_core.plans.decide import PLAN
from crm_core.plans.difficulties import DIFFICULTY, Difficulty, TellDifficultyDue
from crm_core.plans.policy import CarePolicy
from crm_core.plans.state import NEW, MaintenancePlan
from crm_core.plans.views import WATCHED, WatchedCare

_DAY, _MOMENT = timedelta(days=1), timedelta(microseconds=1)


def _due(row: WatchedCare, look: Look) -> Iterable[DueCommand | NothingBefore]:
    if not row.plan and not (row.cared or row.difficulties or _has_begun(look)):
        # Most households of a log that nobody cares for by it: nothing of them is read.
        return (NothingBefore(None),)
    found = list(_of_plan(row.plan, look) if row.plan else _of_home(row, look))
    found.sort(key=lambda due: due.at)
    ahead = [due.at for due in found if due.at >= look.now]
    ahead += _changes_hands(row.household, look)
    return (*found, NothingBefore(min(ahead, default=None)))


def _has_begun(look: Look) -> bool:
    calendar: CareCalendar = look.sight.state(CALENDAR, WHOLE)
    return calendar.begun is not None


def _late_from(due: date, look: Look) -> datetime:
    """The first instant at which what was due on a day is late."""
    return start_of_day(due + _DAY, look.zone)


def _changes_hands(household: str, look: Look) -> list[datetime]:
    """When the household is known to change hands."""
    if not household:
        return []
    today = local_date(look.now, look.zone)
    spans = look.sight.tenures(household).spans
    return [start_of_day(span.first, look.zone) for span in spans if span.first > today]


# --- of a plan -------------------------------------------------------------------------------


def _of_plan(plan: str, look: Look) -> Iterator[DueCommand]:
    state: MaintenancePlan = look.sight.state(PLAN, plan)
    if state.opened is None or state.archived is not None or _is_dropped(state):
        return
    if state.household:
        # Before all else: nothing is due of a plan whose household is gone.
        nth = f"back:{state.stops}" if state.stopped is not None else f"gone:{state.stops}"
        began = min(start_of_day(state.opened.on, look.zone), look.now - _MOMENT)
        yield DueCommand(f"tick:plan:{plan}:{nth}", FollowHousehold(plan), began)
    if state.approved is None:
        return
    policy = look.sight.pinned(CarePolicy, state.approved.policy)
    yield from _of_work(plan, state, policy, look)
    for year in state.years():
        if year not in state.evaluated and year not in state.not_evaluated:
            due = state.year_is_over_from(year) + timedelta(days=policy.evaluation_days)
            yield _told(plan, "evaluation", str(year), due, look)


def _of_work(
    plan: str, state: MaintenancePlan, policy: CarePolicy, look: Look
) -> Iterator[DueCommand]:
    if state.stopped is not None or state.ended is not None:
        return
    for task in state.all_tasks():
        if task.status == NEW and task.due not in task.late:
            yield _told(plan, "task", task.task, task.due, look)
    due = next_report(state, policy.report_days)
    if due is not None:
        yield _told(plan, "report", "", due, look)


def _told(plan: str, step: str, number: str, due: date, look: Look) -> DueCommand:
    return DueCommand(
        f"tick:plan:{plan}:{step}:{number}:{due.isoformat()}",
        TellPlanDue(plan, step, number, due),
        _late_from(due, look),
    )


def _is_dropped(state: MaintenancePlan) -> bool:
    return state.dropped and state.in_force is None


# --- of a household --------------------------------------------------------------------------


def _of_home(row: WatchedCare, look: Look) -> Iterator[DueCommand]:
    household, now = row.household, look.now - _MOMENT
    care: Care = look.sight.state(CARE, household)
    for opened in care.gifts_open():
        back = CallBackCare(household, opened.care)
        id = f"tick:care:{household}:{opened.care}:back"
        late = _late_from(opened.on + timedelta(days=GIFT_DAYS), look)
        # It is looked at whenever somebody of the household says something, and once it is late.
        yield DueCommand(id, back, now)
        yield DueCommand(id, back, late)
    if _has_begun(look):
        tenure = look.sight.tenures(household).on(local_date(look.now, look.zone)).key
        if tenure not in care.due and tenure not in care.consulted:
            id = f"tick:care:{household}:needs:{tenure}"
            yield DueCommand(id, OweConsultation(household), now)
    for number in row.difficulties:
        one: Difficulty = look.sight.state(DIFFICULTY, number)
        if one.due is not None and not one.solved and one.due not in one.late:
            id = f"tick:difficulty:{number}:{one.due.isoformat()}"
            yield DueCommand(id, TellDifficultyDue(number, one.due), _late_from(one.due, look))


CLOCK = (Source("plans", WATCHED, _due),)
