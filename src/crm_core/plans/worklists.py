"""Whose turn it is in a plan, and what waits for persons (PLN-02, PLN-03)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from crm_core.kernel.commands import act_of
from crm_core.kernel.dates import local_date
from crm_core.kernel.roles import LEADERS
from crm_core.kernel.worklists import (
    EVERY,
    Asker,
    Task,
    Waits,
    Worklist,
    end_of_day,
    waiting,
)
from crm_core.plans.assessments import (
    AssessmentDecided,
    AssessmentProposed,
    AssessmentReturned,
    DecideAssessment,
    InformationGathered,
)
from crm_core.plans.care import ConsultNeeds, HandOverGift
from crm_core.plans.commands import (
    ApprovePlan,
    ArchivePlan,
    AssignTask,
    CheckReport,
    CheckTask,
    DraftPlan,
    EvaluatePlan,
    FinishTask,
    GuideEvaluation,
    ImprovePlan,
    ReassignTask,
    ReportOnPlan,
    ReviewPlan,
    SummarisePlan,
)
from crm_core.plans.difficulties import GiveAdvice, ReassignDifficulty
from crm_core.plans.events import (
    EvaluationGuided,
    EvaluationMissed,
    PlanApproved,
    PlanArchived,
    PlanDrafted,
    PlanDropped,
    PlanEvaluated,
    PlanImproved,
    PlanOpened,
    PlanPassed,
    PlanRejected,
    PlanReported,
    PlanReturned,
    PlanSummarised,
    ReportChecked,
    ReportMissed,
    TaskAssigned,
    TaskCancelled,
    TaskChecked,
    TaskDone,
    TaskReassigned,
)
from crm_core.plans.state import RETURNED, MaintenancePlan
from crm_core.plans.views import STORED, TASKS, OpenTask, OpenTasks

# --- decisions -------------------------------------------------------------------------------


def _plan(event: Any) -> str:
    return event.plan  # type: ignore[no-any-return]


def _year(event: Any) -> str:
    return str(event.year)


def _every(_event: Any) -> str:
    return EVERY


def _of_plan(_subject: str, plan: str) -> Mapping[str, object]:
    return {"plan": plan}


def _of_year(year: str, plan: str) -> Mapping[str, object]:
    return {"plan": plan, "year": int(year)}


def _is_refined(state: MaintenancePlan, _subject: str, _role: str) -> bool:
    return state.pending_is == RETURNED


_CLOSED: Mapping[type, Callable[[Any], str | None]] = {PlanArchived: _every}
_PENDING: Mapping[type, Callable[[Any], str | None]] = {
    PlanDropped: _every,
    PlanArchived: _every,
}

DECISIONS = waiting(
    "plans",
    STORED,
    (
        Waits(
            what="assessment",
            command=DecideAssessment,
            opens={AssessmentProposed: lambda e: e.assessment},
            settles={
                AssessmentDecided: _every,
                AssessmentReturned: _every,
                InformationGathered: _every,
            },
            fields=lambda _subject, assessment: {"assessment": assessment},
        ),
        Waits(
            what="plan_draft",
            command=DraftPlan,
            opens={PlanOpened: _plan},
            settles={PlanDrafted: _every, **_PENDING},
            fields=_of_plan,
        ),
        Waits(
            what="plan_refinement",
            command=DraftPlan,
            opens={PlanReturned: _plan, PlanRejected: _plan},
            settles={PlanDrafted: _every, **_PENDING},
            fields=_of_plan,
            allows=_is_refined,
        ),
        Waits(
            what="plan_review",
            command=ReviewPlan,
            opens={PlanDrafted: _plan},
            settles={PlanReturned: _every, PlanPassed: _every, **_PENDING},
            fields=_of_plan,
        ),
        Waits(
            what="plan_approval",
            command=ApprovePlan,
            opens={PlanPassed: _plan},
            settles={
                PlanApproved: _every,
                PlanDrafted: _every,
                PlanRejected: _every,
                **_PENDING,
            },
            fields=_of_plan,
        ),
        Waits(
            what="plan_tasks",
            command=AssignTask,
            opens={PlanApproved: _plan},
            settles={TaskAssigned: _every, **_CLOSED},
            fields=_of_plan,
        ),
        Waits(
            what="task_check",
            command=CheckTask,
            opens={TaskDone: lambda e: e.task},
            settles={
                TaskCancelled: lambda e: e.task,
                TaskChecked: lambda e: e.task,
                TaskReassigned: lambda e: e.task,
            },
            fields=lambda task, plan: {"plan": plan, "task": task},
        ),
        Waits(
            what="plan_report",
            command=ReportOnPlan,
            opens={ReportMissed: _plan},
            settles={PlanReported: _every, **_CLOSED},
            fields=_of_plan,
        ),
        Waits(
            what="report_check",
            command=CheckReport,
            opens={PlanReported: lambda e: e.report},
            settles={ReportChecked: lambda e: e.report, **_CLOSED},
            fields=lambda report, plan: {"plan": plan, "report": report},
        ),
        Waits(
            what="plan_evaluation",
            command=EvaluatePlan,
            opens={EvaluationMissed: _year},
            settles={PlanEvaluated: _year, **_CLOSED},
            fields=_of_year,
        ),
        Waits(
            what="plan_guidance",
            command=GuideEvaluation,
            opens={PlanEvaluated: _year},
            settles={EvaluationGuided: _year, **_CLOSED},
            fields=_of_year,
        ),
        Waits(
            what="plan_improvement",
            command=ImprovePlan,
            opens={EvaluationGuided: _year},
            settles={PlanImproved: _year, **_CLOSED},
            fields=_of_year,
        ),
        Waits(
            what="plan_summary",
            command=SummarisePlan,
            opens={PlanImproved: _year},
            settles={PlanSummarised: _year, **_CLOSED},
            fields=_of_year,
        ),
        Waits(
            what="plan_archive",
            command=ArchivePlan,
            opens={PlanSummarised: _plan},
            settles=_CLOSED,
            fields=_of_plan,
            allows=lambda state, _subject, _role: all(
                state.summary(year) is not None for year in state.years()
            ),
        ),
    ),
)
"""Whose turn it is: in the chain of approval, with a year, with an assessment."""


# --- tasks -----------------------------------------------------------------------------------

_ACTS = {
    "difficulty": GiveAdvice,
    "gift": HandOverGift,
    "needs": ConsultNeeds,
    "plan_task": FinishTask,
}

_GIVEN_ANEW = {"difficulty": ReassignDifficulty, "plan_task": ReassignTask}
"""What is to be done where whose it is does not work here any more."""


def _own_tasks(row: OpenTasks, asker: Asker) -> Iterable[Task]:
    """What somebody has to do; for who leads others what is late, or was somebody's who left."""
    today = local_date(asker.now, asker.zone)
    for one in row.tasks:
        if one.is_done:
            continue
        orphaned = bool(one.person) and asker.has_left(one.person)
        because = _because(one, row, asker, orphaned or one.due < today)
        if because:
            acts = _GIVEN_ANEW if orphaned else _ACTS
            yield Task(
                what=one.what,
                subject=one.subject,
                household=row.household,
                act=act_of(acts[one.what]),
                since=one.since,
                due_at=end_of_day(one.due, asker.zone),
                because=because,
                details={"person": one.person} if one.person else {},
            )


def _because(one: OpenTask, row: OpenTasks, asker: Asker, is_led: bool) -> str:
    """Why it is theirs: their own, or their role's; an empty text if it is not."""
    if one.person:
        if one.person == asker.id:
            return "own"
        return "role" if is_led and asker.role in LEADERS else ""
    if "specialist" not in asker.roles:
        return ""
    today = local_date(asker.now, asker.zone)
    command: Any
    if one.what == "gift":
        command = HandOverGift(row.household, one.subject, today)
    else:
        command = ConsultNeeds(row.household, "", None, today)  # type: ignore[arg-type]
    return "role" if asker.may(command) else ""


OWN_TASKS = Worklist(TASKS, _own_tasks)
"""Tasks of plans, difficulties, gifts and consultations."""
