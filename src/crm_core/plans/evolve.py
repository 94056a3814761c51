"""What follows from the events of a plan."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from crm_core.plans.events import (
    EvaluationGuided,
    EvaluationMissed,
    FeedbackHeard,
    PlanApproved,
    PlanArchived,
    PlanDrafted,
    PlanDropped,
    PlanEnded,
    PlanEvaluated,
    PlanImproved,
    PlanOpened,
    PlanPassed,
    PlanRejected,
    PlanReported,
    PlanResumed,
    PlanReturned,
    PlanStopped,
    PlanSuggestionMade,
    PlanSummarised,
    ReportChecked,
    ReportMissed,
    SpendingRecorded,
    SpendingWithdrawn,
    TaskAssigned,
    TaskCancelled,
    TaskChecked,
    TaskDone,
    TaskOverdue,
    TaskReassigned,
)
from crm_core.plans.state import (
    CANCELLED,
    CHECKED,
    DONE,
    DRAFTED,
    NEW,
    PASSED,
    RETURNED,
    MaintenancePlan,
    PlanTask,
)

_evolve = attrs.evolve


def _opened(state: MaintenancePlan, e: PlanOpened) -> MaintenancePlan:
    return _evolve(
        state,
        household=e.household,
        opened=e,
        hands=state.hands | {e.opened_by},
        helped=state.helped | {e.opened_by},
        step_on=e.on,
    )


def _suggested(state: MaintenancePlan, e: PlanSuggestionMade) -> MaintenancePlan:
    who = e.suggested_by
    return _evolve(state, hands=state.hands | {who}, helped=state.helped | {who})


def _drafted(state: MaintenancePlan, e: PlanDrafted) -> MaintenancePlan:
    named = {measure.responsible for measure in e.measures}
    return _evolve(
        state,
        version=e.version,
        pending=e,
        pending_is=DRAFTED,
        hands=state.hands | named | {e.drafted_by},
        step_on=e.on,
    )


def _returned(state: MaintenancePlan, e: PlanReturned) -> MaintenancePlan:
    reviewers = state.reviewers | {e.reviewed_by}
    return _evolve(state, pending_is=RETURNED, reviewers=reviewers, step_on=e.on)


def _passed(state: MaintenancePlan, e: PlanPassed) -> MaintenancePlan:
    reviewers = state.reviewers | {e.reviewed_by}
    return _evolve(state, pending_is=PASSED, reviewers=reviewers, step_on=e.on)


def _approved(state: MaintenancePlan, e: PlanApproved) -> MaintenancePlan:
    return _evolve(
        state,
        in_force=state.pending,
        approved=e,
        since=state.since or e.on,
        pending=None,
        pending_is="",
        step_on=e.on,
    )


def _rejected(state: MaintenancePlan, e: PlanRejected) -> MaintenancePlan:
    return _evolve(state, pending_is=RETURNED, step_on=e.on)


def _dropped(state: MaintenancePlan, e: PlanDropped) -> MaintenancePlan:
    gone = state.in_force is None
    return _evolve(state, pending=None, pending_is="", dropped=gone, step_on=e.on)


# --- tasks -----------------------------------------------------------------------------------


def _assigned(state: MaintenancePlan, e: TaskAssigned) -> MaintenancePlan:
    task = PlanTask(
        task=e.task,
        measure=e.measure,
        person=e.person,
        due=e.due,
        since=e.on,
        persons=(e.person,),
    )
    return _evolve(state.changed(task), hands=state.hands | {e.person})


def _task(state: MaintenancePlan, number: str, **changes: Any) -> MaintenancePlan:
    task = state.task(number)
    return state if task is None else state.changed(_evolve(task, **changes))


def _reassigned(state: MaintenancePlan, e: TaskReassigned) -> MaintenancePlan:
    task = state.task(e.task)
    if task is None:
        return state
    persons = (*(one for one in task.persons if one != e.person), e.person)
    changed = _evolve(task, person=e.person, due=e.due, status=NEW, persons=persons, done_by="")
    return _evolve(state.changed(changed), hands=state.hands | {e.person})


def _done(state: MaintenancePlan, e: TaskDone) -> MaintenancePlan:
    return _task(state, e.task, status=DONE, done_by=e.done_by, done_on=e.on)


def _checked(state: MaintenancePlan, e: TaskChecked) -> MaintenancePlan:
    return _task(state, e.task, status=CHECKED if e.effective else NEW)


def _cancelled(state: MaintenancePlan, e: TaskCancelled) -> MaintenancePlan:
    return _task(state, e.task, status=CANCELLED)


def _overdue(state: MaintenancePlan, e: TaskOverdue) -> MaintenancePlan:
    task = state.task(e.task)
    return state if task is None else state.changed(_evolve(task, late=(*task.late, e.due)))


# --- feedback, reports, money ----------------------------------------------------------------


def _reported(state: MaintenancePlan, e: PlanReported) -> MaintenancePlan:
    last = e.on if state.last_report is None else max(state.last_report, e.on)
    return _evolve(state, reports=state.reports.add(e.report, e), last_report=last)


def _spent(state: MaintenancePlan, e: SpendingRecorded) -> MaintenancePlan:
    return _evolve(
        state,
        spent=state.spent.add(e.spending, e),
        spent_fen=state.spent_fen + e.amount_fen,
        spending_moved=True,
    )


def _withdrawn(state: MaintenancePlan, e: SpendingWithdrawn) -> MaintenancePlan:
    return _evolve(
        state,
        withdrawn=state.withdrawn.add(e.spending, e),
        spent_fen=state.spent_fen - e.amount_fen,
        spending_moved=True,
    )


def _stopped(state: MaintenancePlan, e: PlanStopped) -> MaintenancePlan:
    return _evolve(state, stopped=e, stops=e.nth + 1)


EVOLVE: dict[type, Callable[[Any, Any], Any]] = {
    PlanOpened: _opened,
    PlanSuggestionMade: _suggested,
    PlanDrafted: _drafted,
    PlanReturned: _returned,
    PlanPassed: _passed,
    PlanApproved: _approved,
    PlanRejected: _rejected,
    PlanDropped: _dropped,
    TaskAssigned: _assigned,
    TaskReassigned: _reassigned,
    TaskDone: _done,
    TaskChecked: _checked,
    TaskCancelled: _cancelled,
    TaskOverdue: _overdue,
    FeedbackHeard: lambda s, e: _evolve(s, feedback=s.feedback.add(e.feedback, e)),
    PlanReported: _reported,
    ReportChecked: lambda s, e: _evolve(s, checked=s.checked.add(e.report, e)),
    ReportMissed: lambda s, e: _evolve(s, missed=s.missed | {e.due}),
    SpendingRecorded: _spent,
    SpendingWithdrawn: _withdrawn,
    PlanEnded: lambda s, e: _evolve(s, ended=e),
    PlanStopped: _stopped,
    PlanResumed: lambda s, _: _evolve(s, stopped=None),
    PlanEvaluated: lambda s, e: _evolve(s, evaluated=s.evaluated.add(e.year, e)),
    EvaluationGuided: lambda s, e: _evolve(s, guided=s.guided.add(e.year, e)),
    EvaluationMissed: lambda s, e: _evolve(s, not_evaluated=s.not_evaluated | {e.year}),
    PlanImproved: lambda s, e: _evolve(s, improved=s.improved.add(e.year, e)),
    PlanSummarised: lambda s, e: _evolve(s, summaries=s.summaries.append(e), spending_moved=False),
    PlanArchived: lambda s, e: _evolve(s, archived=e),
}
"""By the class of an event, what the plan is then."""
