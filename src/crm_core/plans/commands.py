"""What can be asked of a maintenance plan."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from crm_core.kernel.commands import AHEAD, DayAhead, Id, looked_up
from crm_core.kernel.recorded import Actor
from crm_core.kernel.values import frozen
from crm_core.kernel.word import Word
from crm_core.plans.events import Measure
from crm_core.plans.policy import CarePolicy

EFFECTS = ("reached", "partly", "missed")
"""What a year of a plan has come to."""

GONE = ("erased", "sold", "void")
"""Why a household is not there any more for which a plan was made."""

STEPS = ("evaluation", "report", "task")
"""What the clock tells of a plan."""


@frozen
class OpenPlan:
    """Begin a plan for a household or for a layer, and suggest what to do; a specialist does.

    Args:
        household: Whom it is for; with `assessment`, the number of a decided one of theirs.
        layer: Which layer it is for instead; with `list_year`, whose list has been compiled.
        no_basis: Why the assessment or the list carries no plan, if it does not.
    """

    plan: str
    suggestion: str
    on: date
    household: str = ""
    assessment: Id = ""
    layer: str = ""
    list_year: int | None = None
    by: Actor = looked_up()
    no_basis: str = looked_up()


@frozen
class SuggestForPlan:
    """Suggest something for the next version of a plan."""

    plan: str
    suggestion: str
    on: date
    by: Actor = looked_up()
    gone: str = looked_up()


@frozen
class DraftPlan:
    """Draft a version of a plan, the first one or a refined one; a supervisor does (PLN-01).

    Args:
        method: How the relation is cared for (维护方式).
        measures: With persons, deadlines, costs, and why they are feasible and worth it.
        answer: What became of the suggestions, where a version came back.
        strangers: Who of those it names is not on the staff, where there is a register.
    """

    plan: str
    method: str
    goal: str
    measures: Annotated[tuple[Measure, ...], AHEAD]
    runs_from: DayAhead
    runs_to: DayAhead
    on: date
    answer: str = ""
    by: Actor = looked_up()
    gone: str = looked_up()
    strangers: tuple[str, ...] = looked_up()


@frozen
class ReviewPlan:
    """Pass a version on to the director, or give it back with suggestions; a manager does.

    Args:
        version: The version that was read.
    """

    plan: str
    version: int
    passed: bool
    on: date
    suggestions: str = ""
    by: Actor = looked_up()
    gone: str = looked_up()


@frozen
class ApprovePlan:
    """Approve a version that was passed, or not, for a reason; the director does (PLN-02)."""

    plan: str
    version: int
    approved: bool
    on: date
    reason: str = ""
    by: Actor = looked_up()
    gone: str = looked_up()
    known_on: date = looked_up()
    policy: CarePolicy = looked_up()


@frozen
class DropPlan:
    """Give up what was drafted and not approved."""

    plan: str
    on: date
    reason: str
    by: Actor = looked_up()


@frozen
class AssignTask:
    """Give a part of a measure to a person, with a deadline (PLN-03)."""

    plan: str
    task: Id
    measure: Id
    what: str
    person: Id
    due: DayAhead
    on: date
    by: Actor = looked_up()
    gone: str = looked_up()
    strangers: tuple[str, ...] = looked_up()


@frozen
class ReassignTask:
    """Give a task to another person, or set another deadline, for a reason."""

    plan: str
    task: Id
    person: Id
    due: DayAhead
    on: date
    reason: str
    by: Actor = looked_up()
    gone: str = looked_up()
    strangers: tuple[str, ...] = looked_up()


@frozen
class FinishTask:
    """Say that a task is done; its person does."""

    plan: str
    task: Id
    on: date
    what: str
    by: Actor = looked_up()


@frozen
class CheckTask:
    """Judge what was done; another person than who did it."""

    plan: str
    task: Id
    effective: bool
    on: date
    note: str
    by: Actor = looked_up()


@frozen
class CancelTask:
    """Cancel a task that is not needed any more."""

    plan: str
    task: Id
    on: date
    reason: str
    by: Actor = looked_up()


@frozen
class HearFeedback:
    """Record what a customer said of the work; for a layer, of which household they are.

    Args:
        word: Who said it, and where that is on record.
        of_another: Whether the plan is for another household; files of one household are one.
    """

    plan: str
    feedback: Id
    household: str
    what: str
    word: Word
    on: date
    by: Actor = looked_up()
    of_another: bool = looked_up()


@frozen
class ReportOnPlan:
    """Report on the work, as is to be done regularly."""

    plan: str
    report: Id
    on: date
    what: str
    by: Actor = looked_up()


@frozen
class CheckReport:
    """Check the records and judge the effect; another person than who reported."""

    plan: str
    report: Id
    effective: bool
    on: date
    note: str
    by: Actor = looked_up()


@frozen
class RecordSpending:
    """Record that money was spent on a measure; beyond the budget it is refused (PLN-03)."""

    plan: str
    spending: Id
    measure: Id
    amount_fen: int
    on: date
    receipt: str
    by: Actor = looked_up()


@frozen
class WithdrawSpending:
    """Say that it was not spent; another person than who recorded it."""

    plan: str
    spending: Id
    on: date
    reason: str
    by: Actor = looked_up()


@frozen
class EndPlan:
    """End a plan that is in force before its last day."""

    plan: str
    on: date
    reason: str
    by: Actor = looked_up()


@frozen
class EvaluatePlan:
    """Judge what a year of the plan has come to; the supervisor does.

    Args:
        effect: One of `EFFECTS`.
    """

    plan: str
    year: int
    effect: str
    on: date
    findings: str
    by: Actor = looked_up()


@frozen
class GuideEvaluation:
    """Give guidance on an evaluation; a manager who did not make it does."""

    plan: str
    year: int
    on: date
    guidance: str
    by: Actor = looked_up()


@frozen
class ImprovePlan:
    """Say what is to become better, or why nothing has to."""

    plan: str
    year: int
    on: date
    improvement: str
    by: Actor = looked_up()


@frozen
class SummarisePlan:
    """Write the summary of a year; figures come from the records."""

    plan: str
    year: int
    on: date
    summary: str
    by: Actor = looked_up()


@frozen
class ArchivePlan:
    """File everything about a plan that is over and summarised."""

    plan: str
    on: date
    by: Actor = looked_up()


@frozen
class TellPlanDue:
    """Keep that something was not done in time; the clock does.

    Args:
        step: One of `STEPS`.
        number: The task; the year of an evaluation.
        due: The last day on which it would have been in time.
    """

    plan: str
    step: str
    number: str
    due: date


@frozen
class FollowHousehold:
    """Keep that the household of a plan is gone, or back; the clock does."""

    plan: str
    gone: str = looked_up()
    known_on: date = looked_up()
