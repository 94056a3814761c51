"""What is kept of plans and care: plans, what waits for persons, what the clock watches."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

import attrs

from crm_core.kernel.catalog import EventType
from crm_core.kernel.dates import sortable_text
from crm_core.kernel.projection import Projection, Put, Remove, Rows
from crm_core.kernel.recorded import Recorded
from crm_core.kernel.ticking import NEVER
from crm_core.kernel.values import frozen
from crm_core.kernel.worklists import SETTLED
from crm_core.plans import assessments, care, company_care, difficulties, graded_list
from crm_core.plans import events as _plans
from crm_core.plans.care import (
    CareCalledBack,
    CareOpened,
    ConsultationDue,
    GiftHandedOver,
    NeedsConsulted,
)
from crm_core.plans.difficulties import (
    AdviceGiven,
    DifficultyLearned,
    DifficultyReassigned,
)
from crm_core.plans.events import (
    PlanApproved,
    PlanArchived,
    PlanDrafted,
    PlanDropped,
    PlanEnded,
    PlanOpened,
    PlanPassed,
    PlanRejected,
    PlanResumed,
    PlanReturned,
    PlanStopped,
    SpendingRecorded,
    SpendingWithdrawn,
    TaskAssigned,
    TaskCancelled,
    TaskChecked,
    TaskDone,
    TaskReassigned,
)

EVENTS: tuple[EventType, ...] = (
    *_plans.EVENTS,
    *assessments.EVENTS,
    *graded_list.EVENTS,
    *care.EVENTS,
    *company_care.EVENTS,
    *difficulties.EVENTS,
)
"""Everything the slice records."""

STORED = {kind.cls: kind.stored for kind in EVENTS}
"""The stored names of its events by their class."""

PLAN_NAMES = frozenset(kind.stored for kind in _plans.EVENTS)
CARE_NAMES = frozenset(kind.stored for kind in care.EVENTS)
DIFFICULTY_NAMES = frozenset(kind.stored for kind in difficulties.EVENTS)

# --- plans, as they are listed ---------------------------------------------------------------


@frozen
class PlanLine:
    """A plan in the list.

    Args:
        stage: Where it stands: one of the words of `state`, without what only a day tells.
        stopped: Whether its household is gone.
        person: Who drafted the last version.
        budget_fen: Of the version in force; of the last one drafted, where none is.
        runs_to: Its last day, likewise.
        next_budget_fen: Of the last version drafted.
        next_runs_to: Its last day.
    """

    plan: str
    household: str
    layer: str
    stage: str
    stopped: bool = False
    version: int = 0
    person: str = ""
    budget_fen: int = 0
    spent_fen: int = 0
    runs_to: date | None = None
    next_budget_fen: int = 0
    next_runs_to: date | None = None


_PENDING = ("open", "drafted", "returned", "passed")

_STAGES: dict[type, str] = {
    PlanArchived: "archived",
    PlanDropped: "dropped",
    PlanEnded: "over",
    PlanPassed: "passed",
    PlanRejected: "returned",
    PlanReturned: "returned",
}


def _line(rows: Rows[PlanLine], recorded: Recorded[Any]) -> Iterable[Put[PlanLine]]:
    event = recorded.event
    if isinstance(event, PlanOpened):
        line = PlanLine(event.plan, event.household, event.layer, "open")
        return (Put(event.plan, line, event.plan),)
    before = rows.get(event.plan)
    if before is None:
        return ()
    line = _changed(before, event)
    return () if line == before else (Put(event.plan, line, event.plan),)


def _changed(line: PlanLine, event: Any) -> PlanLine:
    pending, changes = line.stage in _PENDING, dict[str, Any]()
    match event:
        case PlanDrafted():
            changes = {"version": event.version, "person": event.drafted_by}
            changes |= {"next_budget_fen": event.budget_fen, "next_runs_to": event.runs_to}
            if pending:
                changes |= {"budget_fen": event.budget_fen, "runs_to": event.runs_to}
                changes |= {"stage": "drafted"}
        case PlanApproved():
            changes = {"budget_fen": line.next_budget_fen, "runs_to": line.next_runs_to}
            changes |= {"stage": "in_force"}
        case PlanStopped() | PlanResumed():
            changes = {"stopped": isinstance(event, PlanStopped)}
        case SpendingRecorded():
            changes = {"spent_fen": line.spent_fen + event.amount_fen}
        case SpendingWithdrawn():
            changes = {"spent_fen": line.spent_fen - event.amount_fen}
        case PlanArchived() | PlanEnded():
            changes = {"stage": _STAGES[type(event)]}
        case _:
            # What becomes of a version that is drafted beside one in force shows in the plan.
            changes = {"stage": _STAGES[type(event)]} if pending else {}
    return attrs.evolve(line, **changes)


PLANS = Projection(
    name="plans.plans",
    version=1,
    row=PlanLine,
    names=frozenset(
        STORED[cls]
        for cls in (
            PlanApproved,
            PlanDrafted,
            PlanOpened,
            PlanResumed,
            PlanStopped,
            SpendingRecorded,
            SpendingWithdrawn,
            *_STAGES,
        )
    ),
    apply=_line,
)
"""All plans by their number."""

# --- what waits for persons ------------------------------------------------------------------


@frozen
class OpenTask:
    """Something that a person, or whoever cares for households, is to do.

    Args:
        what: `plan_task`, `difficulty`, `gift` or `needs`.
        subject: Its number.
        person: Whose it is; empty for whoever may do it.
        due: The last day on which it is in time.
        since: Since when it waits.
        is_done: Whether it is said to be done, and somebody else is to look at it.
    """

    what: str
    subject: str
    person: str
    due: date
    since: datetime
    is_done: bool = False


@frozen
class OpenTasks:
    """What waits in one stream."""

    of: str
    household: str
    tasks: tuple[OpenTask, ...]
    rests: bool = False


def _waits(rows: Rows[OpenTasks], recorded: Recorded[Any]) -> Iterable[Put[OpenTasks] | Remove]:
    event, key = recorded.event, recorded.stream
    if recorded.name in _ENDS:
        return (Remove(f"care/{recorded.household}"),)
    before = rows.get(key) or OpenTasks(key, recorded.household, ())
    if isinstance(event, PlanStopped | PlanEnded):
        after = attrs.evolve(before, rests=True)
    elif isinstance(event, PlanResumed):
        after = attrs.evolve(before, rests=False)
    else:
        after = attrs.evolve(before, tasks=_tasks(before.tasks, event, recorded.recorded))
    if after == before:
        return ()
    if not after.tasks and not after.rests:
        return (Remove(key),)
    first = min((task.since for task in after.tasks), default=recorded.recorded)
    return (Put(key, after, SETTLED if after.rests else sortable_text(first)),)


def _tasks(before: tuple[OpenTask, ...], event: Any, at: datetime) -> tuple[OpenTask, ...]:
    made = _made(event, at)
    if made is not None:
        # Who signed before, and was never asked, is nobody any more.
        kept = (one for one in before if one.what != made.what or not _replaces(made, one))
        return (*kept, made)
    if isinstance(event, TaskDone | TaskChecked) and not getattr(event, "effective", False):
        is_done = isinstance(event, TaskDone)
        return tuple(
            attrs.evolve(one, is_done=is_done) if one.subject == event.task else one
            for one in before
        )
    settled = _settled(event)
    return tuple(one for one in before if (one.what, one.subject) != settled)


def _replaces(made: OpenTask, one: OpenTask) -> bool:
    return made.what == "needs" or made.subject == one.subject


def _made(event: Any, at: datetime) -> OpenTask | None:
    if isinstance(event, TaskAssigned | TaskReassigned):
        return OpenTask("plan_task", event.task, event.person, event.due, at)
    if isinstance(event, DifficultyLearned | DifficultyReassigned):
        return OpenTask("difficulty", event.difficulty, event.person, event.due, at)
    if isinstance(event, CareOpened) and event.gift_fen:
        return OpenTask("gift", event.care, "", event.on, at)
    if isinstance(event, ConsultationDue):
        return OpenTask("needs", event.tenure, "", event.due, at)
    return None


def _settled(event: Any) -> tuple[str, str]:
    if isinstance(event, TaskChecked | TaskCancelled):
        return "plan_task", event.task
    if isinstance(event, AdviceGiven) and event.solved:
        return "difficulty", event.difficulty
    if isinstance(event, GiftHandedOver | CareCalledBack):
        return "gift", event.care
    if isinstance(event, NeedsConsulted):
        return "needs", event.tenure
    return "", ""


_ENDS = frozenset({"owners.household_voided/1", "privacy.household_erased/1"})
"""After which nobody is there to be cared for; by their names, a public contract (LOG-02)."""

TASKS = Projection(
    name="plans.tasks",
    version=1,
    row=OpenTasks,
    names=_ENDS
    | frozenset(
        STORED[cls]
        for cls in (
            AdviceGiven,
            CareCalledBack,
            CareOpened,
            ConsultationDue,
            DifficultyLearned,
            DifficultyReassigned,
            GiftHandedOver,
            NeedsConsulted,
            PlanEnded,
            PlanResumed,
            PlanStopped,
            TaskAssigned,
            TaskCancelled,
            TaskChecked,
            TaskDone,
            TaskReassigned,
        )
    ),
    apply=_waits,
)
"""What waits for persons, by stream."""

# --- what the clock watches ------------------------------------------------------------------

TENURE_NAMES = frozenset(
    {
        "owners.debtor_agreed/1",
        "owners.debtor_released/1",
        "owners.household_merged/1",
        "owners.household_voided/1",
        "owners.member_added/1",
        "owners.merge_undone/1",
        "owners.role_end_voided/1",
        "owners.role_ended/1",
        "owners.role_voided/1",
    }
)
"""Events by which a household may change hands, or come to nothing (PAY-16).

By their names, which are a public contract (LOG-02): what they say is none of this slice's
business, and look-ups tell what follows from it.
"""

MERGED_NAME = "owners.household_merged/1"

SAID_NAMES = frozenset(
    {
        "messages.preference_changed/1",
        "privacy.consent_given/1",
        "privacy.consent_withdrawn/1",
        "privacy.household_erased/1",
        "privacy.member_erased/1",
    }
)
"""Events after which somebody may not be told any more of what waits for them."""


@frozen
class WatchedCare:
    """A plan, or a household, of which something may fall due.

    Args:
        plan: The plan; empty for a household.
        plans: Of a household: its plans that are not filed.
        difficulties: Of a household: its difficulties that are not solved.
        cared: Of a household: whether anything was ever done for it beside its plans.
        position: Of the latest event about it: a row that was seen is the same row if this is.
    """

    plan: str
    household: str
    plans: tuple[str, ...]
    difficulties: tuple[str, ...]
    cared: bool
    position: int


def plan_key(plan: str) -> str:
    """The key of a plan's row."""
    return f"plan/{plan}"


def home_key(household: str) -> str:
    """The key of a household's row."""
    return f"home/{household}"


def _watch(rows: Rows[WatchedCare], recorded: Recorded[Any]) -> Iterable[Put[WatchedCare] | Remove]:
    if recorded.name in PLAN_NAMES:
        return _watch_plan(rows, recorded)
    return _watch_home(rows, recorded)


def _watch_plan(
    rows: Rows[WatchedCare], recorded: Recorded[Any]
) -> Iterable[Put[WatchedCare] | Remove]:
    event, position = recorded.event, recorded.position
    key = plan_key(event.plan)
    row = rows.get(key) or WatchedCare(event.plan, recorded.household, (), (), False, position)
    if isinstance(event, PlanOpened):
        row = WatchedCare(event.plan, event.household, (), (), False, position)
    is_over = isinstance(event, PlanArchived)
    yield Put(key, attrs.evolve(row, position=position), NEVER if is_over else "")
    if row.household and isinstance(event, PlanOpened | PlanArchived):
        home = _home(rows, row.household, position)
        plans = tuple(plan for plan in home.plans if plan != event.plan)
        if not is_over:
            plans = (*plans, event.plan)
        yield Put(home_key(row.household), attrs.evolve(home, plans=plans), "")


def _watch_home(
    rows: Rows[WatchedCare], recorded: Recorded[Any]
) -> Iterable[Put[WatchedCare] | Remove]:
    household, event, position = recorded.household, recorded.event, recorded.position
    if recorded.name == MERGED_NAME:
        yield from _joined(rows, event.household, event.into, position)
        household = event.household
    if not household:
        return
    if recorded.name in SAID_NAMES and rows.get(home_key(household)) is None:
        return
    home = _home(rows, household, position)
    if isinstance(event, DifficultyLearned):
        home = attrs.evolve(home, difficulties=(*home.difficulties, event.difficulty))
    elif isinstance(event, AdviceGiven) and event.solved:
        left = tuple(one for one in home.difficulties if one != event.difficulty)
        home = attrs.evolve(home, difficulties=left)
    cared = home.cared or recorded.name in CARE_NAMES
    yield Put(home_key(household), attrs.evolve(home, cared=cared, position=position), "")
    if recorded.name in CARE_NAMES or recorded.name in DIFFICULTY_NAMES:
        return
    for plan in home.plans:
        row = rows.get(plan_key(plan))
        if row is not None:
            yield Put(plan_key(plan), attrs.evolve(row, position=position), "")


def _joined(
    rows: Rows[WatchedCare], household: str, into: str, position: int
) -> Iterable[Put[WatchedCare]]:
    """What becomes of the surviving file concerns the plans of the one that was merged (OWN-09)."""
    duplicate = rows.get(home_key(household))
    if duplicate is not None and (duplicate.plans or duplicate.difficulties):
        home = _home(rows, into, position)
        joined = attrs.evolve(
            home,
            plans=tuple(dict.fromkeys((*home.plans, *duplicate.plans))),
            difficulties=tuple(dict.fromkeys((*home.difficulties, *duplicate.difficulties))),
        )
        yield Put(home_key(into), joined, "")


def _home(rows: Rows[WatchedCare], household: str, position: int) -> WatchedCare:
    found = rows.get(home_key(household))
    return found or WatchedCare("", household, (), (), False, position)


WATCHED = Projection(
    name="plans.watched",
    version=1,
    row=WatchedCare,
    names=PLAN_NAMES | CARE_NAMES | DIFFICULTY_NAMES | TENURE_NAMES | SAID_NAMES,
    apply=_watch,
)
"""Plans and households of which something may fall due, the earliest first (PLN-03, PLN-04)."""

__all__ = [
    "EVENTS",
    "PLANS",
    "STORED",
    "TASKS",
    "WATCHED",
    "OpenTask",
    "OpenTasks",
    "PlanLine",
    "SpendingWithdrawn",
    "WatchedCare",
]
