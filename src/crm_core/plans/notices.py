"""What staff are told of plans: work that is theirs now, and what came to be late (OUT-01)."""

from __future__ import annotations

from crm_core.kernel.slice import Reading, StaffNotice, StaffNotices
from crm_core.plans.difficulties import DifficultyLearned, DifficultyOverdue, DifficultyReassigned
from crm_core.plans.events import (
    EvaluationMissed,
    PlanDrafted,
    PlanPassed,
    PlanReturned,
    ReportMissed,
    TaskAssigned,
    TaskOverdue,
    TaskReassigned,
)

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


def _step(plan: str, step: str, role: str) -> tuple[StaffNotice, ...]:
    return (StaffNotice("plan-waits", {"plan": plan, "step": step}, None, role=role),)


STAFF_NOTICES: dict[type, StaffNotices] = {
    DifficultyLearned: _helping,
    DifficultyOverdue: _unsolved,
    DifficultyReassigned: _helping,
    EvaluationMissed: lambda e, _: _step(e.plan, "evaluation", LEADER),
    PlanDrafted: lambda e, _: _step(e.plan, "review", REVIEWER),
    PlanPassed: lambda e, _: _step(e.plan, "approval", DIRECTOR),
    PlanReturned: lambda e, _: _step(e.plan, "refinement", LEADER),
    ReportMissed: lambda e, _: _step(e.plan, "report", LEADER),
    TaskAssigned: _given,
    TaskOverdue: _late,
    TaskReassigned: _given,
}
