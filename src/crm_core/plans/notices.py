"""What staff are told of plans: work that is theirs now, and what came to be late (OUT-01)."""

from __future__ import annotations

from crm_core.kernel.slice import Reading, StaffNotice, StaffNotices
from crm_core.plans.decide import PLAN
from crm_core.plans.difficulties import (
    DIFFICULTY,
    Difficulty,
    DifficultyLearned,
    DifficultyOverdue,
    DifficultyReassigned,
)
from crm_core.plans.events import (
    EvaluationMissed,
    PlanApproved,
    PlanDrafted,
    PlanEnded,
    PlanPassed,
    PlanRejected,
    PlanResumed,
    PlanReturned,
    PlanStopped,
    ReportMissed,
    TaskAssigned,
    TaskCancelled,
    TaskChecked,
    TaskOverdue,
    TaskReassigned,
)
from crm_core.plans.state import MaintenancePlan

LEADER, REVIEWER, DIRECTOR = "supervisor", "manager", "director"


def _given(event: TaskAssigned | TaskReassigned, _: Reading) -> tuple[StaffNotice, ...]:
    values = {"task": event.task, "plan": event.plan, "due": event.due}
    return (StaffNotice("task-given", values, None, person=event.person),)


def _late(event: TaskOverdue, _: Reading) -> tuple[StaffNotice, ...]:
    values = {"task": event.task, "due": event.due}
    return (
        StaffNotice("task-late", values, None, person=event.person),
        StaffNotice("task-late", values, None, role=LEADER),
    )


def _helping(
    event: DifficultyLearned | DifficultyReassigned, _: Reading
) -> tuple[StaffNotice, ...]:
    values = {"task": event.difficulty, "plan": event.difficulty, "due": event.due}
    return (StaffNotice("task-given", values, None, person=event.person),)


def _unsolved(event: DifficultyOverdue, _: Reading) -> tuple[StaffNotice, ...]:
    values = {"task": event.difficulty, "due": event.due}
    return (
        StaffNotice("task-late", values, None, person=event.person),
        StaffNotice("task-late", values, None, role=LEADER),
    )


def _handed_on(event: TaskReassigned, reading: Reading) -> tuple[StaffNotice, ...]:
    state: MaintenancePlan = reading.state(PLAN, event.plan)
    task = state.task(event.task)
    had = () if task is None else task.persons
    others = [one for one in had if one != event.person]
    values = {"task": event.task, "plan": event.plan, "how": "handed_on"}
    return (
        *_given(event, reading),
        *(StaffNotice("task-over", values, None, person=one) for one in others[-1:]),
    )


def _cancelled(event: TaskCancelled, reading: Reading) -> tuple[StaffNotice, ...]:
    return _of_task(event, "cancelled", reading)


def _to_be_done_again(event: TaskChecked, reading: Reading) -> tuple[StaffNotice, ...]:
    return () if event.effective else _of_task(event, "again", reading)


def _of_task(
    event: TaskCancelled | TaskChecked, how: str, reading: Reading
) -> tuple[StaffNotice, ...]:
    state: MaintenancePlan = reading.state(PLAN, event.plan)
    task = state.task(event.task)
    if task is None:
        return ()
    values = {"task": event.task, "plan": event.plan, "how": how}
    return (StaffNotice("task-over", values, None, person=task.person),)


def _rests(
    event: PlanEnded | PlanResumed | PlanStopped, reading: Reading
) -> tuple[StaffNotice, ...]:
    """Whoever is at work for it, who drafted it, and who leads."""
    state: MaintenancePlan = reading.state(PLAN, event.plan)
    values = {"plan": event.plan, "how": _HOW[type(event)]}
    people = [task.person for task in state.all_tasks() if task.is_open]
    if state.in_force is not None:
        people += [one.responsible for one in state.in_force.measures]
        people.append(state.in_force.drafted_by)
    return (
        StaffNotice("plan-rests", values, None, role=LEADER),
        *(StaffNotice("plan-rests", values, None, person=one) for one in sorted(set(people))),
    )


_HOW: dict[type, str] = {PlanEnded: "ended", PlanResumed: "resumed", PlanStopped: "stopped"}


def _helping_instead(event: DifficultyReassigned, reading: Reading) -> tuple[StaffNotice, ...]:
    state: Difficulty = reading.state(DIFFICULTY, event.difficulty)
    values = {"task": event.difficulty, "plan": event.difficulty, "how": "handed_on"}
    before = [one for one in state.persons if one != event.person]
    return (
        *_helping(event, reading),
        *(StaffNotice("task-over", values, None, person=one) for one in before[-1:]),
    )


def _step(plan: str, step: str, role: str) -> tuple[StaffNotice, ...]:
    return (StaffNotice("plan-waits", {"plan": plan, "step": step}, None, role=role),)


STAFF_NOTICES: dict[type, StaffNotices] = {
    DifficultyLearned: _helping,
    DifficultyOverdue: _unsolved,
    DifficultyReassigned: _helping_instead,
    EvaluationMissed: lambda e, _: _step(e.plan, "evaluation", LEADER),
    PlanApproved: lambda e, _: _step(e.plan, "tasks", LEADER),
    PlanDrafted: lambda e, _: _step(e.plan, "review", REVIEWER),
    PlanEnded: _rests,
    PlanPassed: lambda e, _: _step(e.plan, "approval", DIRECTOR),
    PlanRejected: lambda e, _: _step(e.plan, "refinement", LEADER),
    PlanResumed: _rests,
    PlanReturned: lambda e, _: _step(e.plan, "refinement", LEADER),
    PlanStopped: _rests,
    ReportMissed: lambda e, _: _step(e.plan, "report", LEADER),
    TaskAssigned: _given,
    TaskCancelled: _cancelled,
    TaskChecked: _to_be_done_again,
    TaskOverdue: _late,
    TaskReassigned: _handed_on,
}
