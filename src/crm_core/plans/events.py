"""What happens to a maintenance plan. Names and fields are a storage contract."""

from __future__ import annotations

from datetime import date

from crm_core.kernel.catalog import EventType
from crm_core.kernel.commands import Id
from crm_core.kernel.policy import PolicyRef
from crm_core.kernel.sealed import Text
from crm_core.kernel.values import frozen
from crm_core.kernel.word import Word


@frozen
class Measure:
    """A measure of a plan (维护措施), with who carries it out, until when, and what it costs.

    Args:
        measure: Its number within the plan.
        kind: One of `policy.MEASURES`.
        what: What is done.
        responsible: Who carries it out (负责人员).
        due: The last day for it.
        cost_fen: What it costs at most; the budget of a plan is the sum (维护费用预算).
        feasible: Why it can be done (可行性).
        economical: Why it is worth its cost (节约性).
    """

    measure: Id
    kind: str
    what: Text
    responsible: Id
    due: date
    cost_fen: int
    feasible: Text
    economical: Text


# --- 方案: how it is drafted ------------------------------------------------------------------


@frozen
class PlanOpened:
    """A plan was begun, with a suggestion what to do (PLN-01).

    Args:
        household: Whom it is for; empty for a plan for a layer.
        assessment: The decided assessment that it follows from, of a household.
        layer: Which layer it is for; empty for a plan for one household.
        list_year: The year whose compiled list says who is in that layer.
    """

    plan: str
    household: str
    assessment: str
    layer: str
    list_year: int | None
    on: date
    suggestion: Text
    opened_by: str


@frozen
class PlanSuggestionMade:
    """Somebody who helps to draft or refine the plan suggested something (PLN-02)."""

    plan: str
    on: date
    suggestion: Text
    suggested_by: str


@frozen
class PlanDrafted:
    """A version of the plan was drafted (PLN-01).

    Args:
        method: How the relation is cared for (维护方式).
        budget_fen: What its measures cost together, and may cost at most.
        answer: What became of the suggestions with which the version before came back.
    """

    plan: str
    version: int
    method: Text
    goal: Text
    measures: tuple[Measure, ...]
    budget_fen: int
    runs_from: date
    runs_to: date
    answer: Text
    on: date
    drafted_by: str


# --- 审核: how it is decided ------------------------------------------------------------------


@frozen
class PlanReturned:
    """The manager gave a version back, with suggestions."""

    plan: str
    version: int
    on: date
    suggestions: Text
    reviewed_by: str


@frozen
class PlanPassed:
    """The manager passed a version on to the director."""

    plan: str
    version: int
    on: date
    reviewed_by: str


@frozen
class PlanApproved:
    """The director approved a version: it is in force (PLN-02).

    Args:
        policy: The policy whose intervals hold for it from now on.
    """

    plan: str
    version: int
    on: date
    policy: PolicyRef
    approved_by: str


@frozen
class PlanRejected:
    """The director did not approve a version: it is to be refined, or dropped."""

    plan: str
    version: int
    on: date
    reason: Text
    rejected_by: str


@frozen
class PlanDropped:
    """What was drafted and not approved is given up; a version in force stays so."""

    plan: str
    on: date
    reason: Text
    dropped_by: str


# --- 实施: how it is carried out --------------------------------------------------------------


@frozen
class TaskAssigned:
    """A part of a measure was given to a person, with a deadline (PLN-03)."""

    plan: str
    task: str
    measure: str
    what: Text
    person: str
    due: date
    on: date
    assigned_by: str


@frozen
class TaskReassigned:
    """Another person, or another deadline; for a reason."""

    plan: str
    task: str
    person: str
    due: date
    on: date
    reason: Text
    assigned_by: str


@frozen
class TaskDone:
    """Its person says that the task is done."""

    plan: str
    task: str
    on: date
    what: Text
    done_by: str


@frozen
class TaskChecked:
    """Another person looked at what was done: it had its effect, or is to be done again."""

    plan: str
    task: str
    effective: bool
    on: date
    note: Text
    checked_by: str


@frozen
class TaskCancelled:
    """The task is not needed any more."""

    plan: str
    task: str
    on: date
    reason: Text
    cancelled_by: str


@frozen
class TaskOverdue:
    """The deadline of a task passed; recorded by the clock, once for each deadline."""

    plan: str
    task: str
    person: str
    due: date


@frozen
class FeedbackHeard:
    """What a customer said of the work (客户反馈)."""

    plan: str
    feedback: str
    household: str
    on: date
    what: Text
    word: Word
    heard_by: str


@frozen
class PlanReported:
    """A regular report on the work (PLN-03)."""

    plan: str
    report: str
    on: date
    what: Text
    reported_by: str


@frozen
class ReportChecked:
    """The records were checked, and the effect judged."""

    plan: str
    report: str
    effective: bool
    on: date
    note: Text
    checked_by: str


@frozen
class ReportMissed:
    """No report came in time; recorded by the clock, once for each day one was due."""

    plan: str
    due: date


@frozen
class SpendingRecorded:
    """Money was spent on a measure, within the budget (PLN-03).

    Args:
        receipt: Where that is on record.
    """

    plan: str
    spending: str
    measure: str
    amount_fen: int
    on: date
    receipt: Text
    recorded_by: str


@frozen
class SpendingWithdrawn:
    """It was not spent; another person than who recorded it says so."""

    plan: str
    spending: str
    amount_fen: int
    on: date
    reason: Text
    withdrawn_by: str


@frozen
class PlanEnded:
    """The plan ended before its last day."""

    plan: str
    on: date
    reason: Text
    ended_by: str


@frozen
class PlanStopped:
    """The household is not there any more for which it was made; recorded by the clock.

    Args:
        because: `sold`, `void` or `erased`.
        nth: How often it had stopped before.
        on: The day on which that was known.
    """

    plan: str
    because: str
    nth: int
    on: date


@frozen
class PlanResumed:
    """What had stopped it turned out not to be so; recorded by the clock."""

    plan: str
    nth: int
    on: date


# --- 评估, 改进, 归档: how it is closed --------------------------------------------------------


@frozen
class PlanEvaluated:
    """The effect of a year was judged (PLN-03).

    Args:
        effect: One of `commands.EFFECTS`.
        spent_fen: What had been spent of the plan by then.
    """

    plan: str
    year: int
    effect: str
    on: date
    findings: Text
    spent_fen: int
    evaluated_by: str


@frozen
class EvaluationGuided:
    """The manager's guidance on an evaluation."""

    plan: str
    year: int
    on: date
    guidance: Text
    guided_by: str


@frozen
class EvaluationMissed:
    """A year was not evaluated in time; recorded by the clock, once."""

    plan: str
    year: int
    due: date


@frozen
class PlanImproved:
    """What is to become better, or why nothing has to."""

    plan: str
    year: int
    on: date
    improvement: Text
    improved_by: str


@frozen
class PlanSummarised:
    """The summary of a year (客户维护总结表), with what the records say of it.

    Args:
        spent_fen: What was spent of the plan by then.
        tasks: How many tasks there were; those that were cancelled are none.
        tasks_checked: How many of them were done, and found to have had their effect.
        tasks_late: How many deadlines passed.
        feedback: How often customers were heard.
    """

    plan: str
    year: int
    on: date
    summary: Text
    budget_fen: int
    spent_fen: int
    tasks: int
    tasks_checked: int
    tasks_late: int
    feedback: int
    summarised_by: str


@frozen
class PlanArchived:
    """Everything about the plan is filed (归档); nothing is added any more."""

    plan: str
    on: date
    archived_by: str


EVENTS = (
    EventType("plans.opened", 1, PlanOpened, "on"),
    EventType("plans.suggestion_made", 1, PlanSuggestionMade, "on"),
    EventType("plans.drafted", 1, PlanDrafted, "on"),
    EventType("plans.returned", 1, PlanReturned, "on"),
    EventType("plans.passed", 1, PlanPassed, "on"),
    EventType("plans.approved", 1, PlanApproved, "on"),
    EventType("plans.rejected", 1, PlanRejected, "on"),
    EventType("plans.dropped", 1, PlanDropped, "on"),
    EventType("plans.task_assigned", 1, TaskAssigned, "on"),
    EventType("plans.task_reassigned", 1, TaskReassigned, "on"),
    EventType("plans.task_done", 1, TaskDone, "on"),
    EventType("plans.task_checked", 1, TaskChecked, "on"),
    EventType("plans.task_cancelled", 1, TaskCancelled, "on"),
    EventType("plans.task_overdue", 1, TaskOverdue, "due"),
    EventType("plans.feedback_heard", 1, FeedbackHeard, "on"),
    EventType("plans.reported", 1, PlanReported, "on"),
    EventType("plans.report_checked", 1, ReportChecked, "on"),
    EventType("plans.report_missed", 1, ReportMissed, "due"),
    EventType("plans.spending_recorded", 1, SpendingRecorded, "on"),
    EventType("plans.spending_withdrawn", 1, SpendingWithdrawn, "on"),
    EventType("plans.ended", 1, PlanEnded, "on"),
    EventType("plans.stopped", 1, PlanStopped, "on"),
    EventType("plans.resumed", 1, PlanResumed, "on"),
    EventType("plans.evaluated", 1, PlanEvaluated, "on"),
    EventType("plans.evaluation_guided", 1, EvaluationGuided, "on"),
    EventType("plans.evaluation_missed", 1, EvaluationMissed, "due"),
    EventType("plans.improved", 1, PlanImproved, "on"),
    EventType("plans.summarised", 1, PlanSummarised, "on"),
    EventType("plans.archived", 1, PlanArchived, "on"),
)
