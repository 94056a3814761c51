"""Questions about plans, assessments, what is suggested, and the calendar of care."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any, Unpack

from crm_core.application.access import Access, Asked
from crm_core.application.adopted import every
from crm_core.application.desk import Desk
from crm_core.application.gradings import Gradings
from crm_core.application.host import Host, present_day
from crm_core.application.studies import Studies
from crm_core.errors import Invalid
from crm_core.gradings.uses import Influence, Use
from crm_core.kernel.public_holidays import HolidayNotice, in_force
from crm_core.kernel.recorded import Recorded
from crm_core.kernel.values import frozen
from crm_core.plans.assessments import EVENTS as _ASSESSMENTS
from crm_core.plans.company_care import CALENDAR, WHOLE, CareCalendar
from crm_core.plans.decide import PLAN
from crm_core.plans.events import PlanDrafted
from crm_core.plans.policy import DEFAULT_CARE, CarePolicy, day_of
from crm_core.plans.state import MaintenancePlan
from crm_core.plans.views import PLANS, PlanLine

PAGE_ROWS = 1000


def layers_of(host: Host, desk: Desk) -> Callable[[str, date], str]:
    """The layer of a household that care may go by on a day (GRD-14)."""
    studies = Studies(host, desk, Gradings(host, desk, ()))

    def layer(household: str, day: date) -> str:
        return studies.influence(household, Use.CARE_PLAN, on=day).layer or ""

    return layer


@frozen
class Suggestion:
    """What is suggested for a household, and on what ground.

    Args:
        by_layer: Measures by the layer, by `because_layer` of what it stands for.
        by_type: The measures that the method names for the type (应对措施).
    """

    household: str
    by_layer: tuple[str, ...]
    by_type: tuple[str, ...]
    because_layer: str
    because_type: str


@frozen
class Occurrence:
    """An occasion of a year.

    Args:
        day: Its day; None of birthdays, and where no official notice says it.
        from_day: The first day on which households are thought of.
        opened: For how many of them something was opened; None while it was not served.
    """

    occasion: str
    kind: str
    day: date | None
    from_day: date | None
    opened: int | None


class PlanQuestions:
    """Questions about care.

    Args:
        host: Ports and policies.
        desk: Opens what people typed.
        studies: Knows what a grade may influence.
        access: Knows who may see what.
    """

    def __init__(self, host: Host, desk: Desk, studies: Studies, access: Access) -> None:
        self._host, self._desk, self._studies = host, desk, studies
        self._access = access

    def plans(
        self,
        *,
        household: str | None = None,
        layer: str | None = None,
        **_asked: Unpack[Asked],
    ) -> Iterator[PlanLine]:
        """All plans by their number; of one household, or for one layer."""
        views = self._host.views
        views.catch_up(PLANS)
        after = ("", "")
        while rows := views.scan(PLANS, after=after, limit=PAGE_ROWS):
            after = rows[-1][0], rows[-1][1]
            for _, _, line in rows:
                if household is not None and line.household != household:
                    continue
                if layer is None or line.layer == layer:
                    yield line

    def plan(self, plan: str, **asked: Unpack[Asked]) -> dict[str, Any]:
        """A plan as it stands: its version in force and the pending one, tasks, money, years.

        Each part is withheld from who may not see what is of its class (PRV-01).

        Raises:
            Refused: they may not know of the household at all.
            Invalid: there is no such plan.
        """
        decider = PLAN.decider
        state: MaintenancePlan
        state, _ = self._host.log.fold(
            PLAN.stream(plan), decider.evolve, decider.initial, opened=self._desk.texts.event
        )
        if state.opened is None:
            raise Invalid.one("care_plan_unknown", plan=plan)
        look = self._access.look(asked.get("by"), asked.get("purpose"), "care.plan")
        shown = _shown(plan, state, present_day(self._host))
        return look.plain(shown, "care.plan", state.household)

    def versions(self, plan: str, **_asked: Unpack[Asked]) -> list[PlanDrafted]:
        """Every version of a plan that was drafted, the first one first (PLN-01)."""
        told = self._desk.texts.each(self._host.log.read(PLAN.stream(plan)))
        return [one.event for one in told if isinstance(one.event, PlanDrafted)]

    def assessments(self, household: str, **_asked: Unpack[Asked]) -> list[Recorded[Any]]:
        """What was proposed and decided of how the relation with a household stands."""
        names = [kind.stored for kind in _ASSESSMENTS]
        found: list[Recorded[Any]] = []
        for _, events in self._host.log.by_household(households=[household], names=names):
            found += self._desk.texts.each(events)
        return found

    def suggestions(
        self, household: str, *, on: date | None = None, **_asked: Unpack[Asked]
    ) -> Suggestion:
        """What is suggested for a household, by what a grade may influence alone (GRD-14)."""
        day = on or present_day(self._host)
        policy = self.policy(day)
        layer, type = self._asked(household, day)
        return Suggestion(
            household=household,
            by_layer=policy.measures(layer),
            by_type=policy.measures(type),
            because_layer=layer.because,
            because_type=type.because,
        )

    def _asked(self, household: str, day: date) -> tuple[Influence, Influence]:
        asked = self._studies.influence
        return (
            asked(household, Use.CARE_PLAN, on=day),
            asked(household, Use.CARE_MEASURES, on=day),
        )

    def policy(self, on: date | None = None) -> CarePolicy:
        """The policy of care of a day; by default of the present one."""
        return self._host.policies.find(CarePolicy, DEFAULT_CARE, on or present_day(self._host))

    def calendar(self, year: int) -> list[Occurrence]:
        """The occasions of a year, with what came of those that were served (PLN-04)."""
        host, decider = self._host, CALENDAR.decider
        state: CareCalendar
        state, _ = host.log.fold(CALENDAR.stream(WHOLE), decider.evolve, decider.initial)
        policy = self.policy()
        known = every(host.log, host.registry, host.policies, HolidayNotice)
        notices = in_force(known, present_day(host))
        found = []
        for one in policy.occasions:
            day = day_of(one, year, policy.country, notices)
            served = None if day is None else state.served.get((one.name, day))
            found.append(
                Occurrence(
                    occasion=one.name,
                    kind=one.kind,
                    day=day,
                    from_day=None if day is None else day - timedelta(days=one.days_before),
                    opened=None if served is None else served.opened,
                )
            )
        return sorted(found, key=lambda one: (one.day is None, one.day or date.max, one.occasion))


def _shown(plan: str, state: MaintenancePlan, today: date) -> dict[str, Any]:
    opened = state.opened
    assert opened is not None, "INVARIANT: it was asked whether there is such a plan"
    return {
        "plan": plan,
        "household": opened.household,
        "layer": opened.layer,
        "assessment": opened.assessment,
        "list_year": opened.list_year,
        "stands": state.stands(today),
        "version": state.version,
        "approved_on": None if state.approved is None else state.approved.on,
        "approved_by": None if state.approved is None else state.approved.approved_by,
        "in_force": None if state.in_force is None else _version(state.in_force),
        "pending": None
        if state.pending is None
        else {**_version(state.pending), "stands": state.pending_is},
        "budget_fen": state.budget_fen,
        "spent_fen": state.spent_fen,
        "tasks": [
            {
                "task": task.task,
                "measure": task.measure,
                "person": task.person,
                "due": task.due,
                "status": task.status,
                "late": list(task.late),
            }
            for task in state.all_tasks()
        ],
        "feedback": [
            {
                "feedback": one.feedback,
                "household": one.household,
                "on": one.on,
                "what": one.what,
            }
            for one in state.feedback.values()
        ],
        "reports": [
            {
                "report": one.report,
                "on": one.on,
                "what": one.what,
                "effective": None
                if (checked := state.checked.get(one.report)) is None
                else checked.effective,
            }
            for one in state.reports.values()
        ],
        "reports_missed": sorted(state.missed),
        "years": [_year(state, year) for year in state.years()],
        "archived_on": None if state.archived is None else state.archived.on,
    }


def _version(drafted: PlanDrafted) -> dict[str, Any]:
    return {
        "version": drafted.version,
        "method": drafted.method,
        "goal": drafted.goal,
        "budget_fen": drafted.budget_fen,
        "runs_from": drafted.runs_from,
        "runs_to": drafted.runs_to,
        "drafted_by": drafted.drafted_by,
        "measures": [
            {
                "measure": one.measure,
                "kind": one.kind,
                "what": one.what,
                "responsible": one.responsible,
                "due": one.due,
                "cost_fen": one.cost_fen,
                "feasible": one.feasible,
                "economical": one.economical,
            }
            for one in drafted.measures
        ],
    }


def _year(state: MaintenancePlan, year: int) -> dict[str, Any]:
    evaluated, summary = state.evaluated.get(year), state.summary(year)
    guided, improved = state.guided.get(year), state.improved.get(year)
    return {
        "year": year,
        "effect": None if evaluated is None else evaluated.effect,
        "findings": None if evaluated is None else evaluated.findings,
        "guidance": None if guided is None else guided.guidance,
        "improvement": None if improved is None else improved.improvement,
        "summary": None if summary is None else summary.summary,
        "spent_fen": None if summary is None else summary.spent_fen,
    }


__all__ = ["Occurrence", "PlanQuestions", "Suggestion", "layers_of"]
