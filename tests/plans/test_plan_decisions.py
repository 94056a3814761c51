"""Plans by given, when and then: what each step accepts, refuses, leads to (PLN-01 to PLN-03)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import attrs
import pytest
from caring import DAY, DIRECTOR, GIFT, JAN, MANAGER, OWNER, SPECIALIST, SUPERVISOR, VISIT, draft

from crm_core.kernel.policy import PolicyRef
from crm_core.kernel.recorded import Actor
from crm_core.kernel.word import Word
from crm_core.plans import (
    PLAN,
    ApprovePlan,
    ArchivePlan,
    AssignTask,
    CancelTask,
    CheckReport,
    CheckTask,
    DropPlan,
    EndPlan,
    EvaluatePlan,
    FinishTask,
    GuideEvaluation,
    HearFeedback,
    ImprovePlan,
    OpenPlan,
    ReassignTask,
    RecordSpending,
    ReportOnPlan,
    ReviewPlan,
    SuggestForPlan,
    SummarisePlan,
    WithdrawSpending,
)
from crm_core.plans.commands import FollowHousehold, TellPlanDue
from crm_core.plans.events import (
    EvaluationGuided,
    EvaluationMissed,
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
from crm_core.plans.policy import DEFAULT_CARE, CarePolicy
from crm_core.slices import shipped
from crm_core.testing import given

POLICY = shipped().find(CarePolicy, DEFAULT_CARE, JAN)
REF: PolicyRef = POLICY.ref
END, NEW_YEAR = date(2024, 12, 31), date(2025, 1, 1)

OPENED = PlanOpened("P1", "V1", "A1", "", None, JAN, "never called on", "S1")
DRAFTED = PlanDrafted(
    plan="P1",
    version=1,
    method="regular visits",
    goal="they tell us what they need",
    measures=(VISIT, GIFT),
    budget_fen=500_00,
    runs_from=JAN,
    runs_to=END,
    answer="",
    on=JAN,
    drafted_by="U1",
)
PASSED = PlanPassed("P1", 1, JAN, "M1")
RETURNED = PlanReturned("P1", 1, JAN, "fewer gifts", "M1")
APPROVED = PlanApproved("P1", 1, JAN, REF, "D1")
IN_FORCE = (OPENED, DRAFTED, PASSED, APPROVED)
TASK = TaskAssigned("P1", "T1", "M1", "first visit", "S1", date(2024, 3, 31), JAN, "U1")
DONE = TaskDone("P1", "T1", date(2024, 3, 1), "visited", "S1")
SPENT = SpendingRecorded("P1", "X1", "M1", 300_00, JAN, "receipt 5", "F1")
EVALUATED = PlanEvaluated("P1", 2024, "partly", NEW_YEAR, "one visit of four", 0, "U1")
GUIDED = EvaluationGuided("P1", 2024, NEW_YEAR, "fewer", "M1")
IMPROVED = PlanImproved("P1", 2024, NEW_YEAR, "two a year", "U1")
SUMMARISED = PlanSummarised(
    plan="P1",
    year=2024,
    on=NEW_YEAR,
    summary="a beginning",
    budget_fen=500_00,
    spent_fen=0,
    tasks=0,
    tasks_checked=0,
    tasks_late=0,
    feedback=0,
    summarised_by="S1",
)
YEAR = (EVALUATED, GUIDED, IMPROVED, SUMMARISED)
STOPPED = PlanStopped("P1", "sold", 0, date(2024, 6, 1))


def by(command: Any, actor: Actor = SUPERVISOR, **more: Any) -> Any:
    """A command as it is decided: who gives it, and nothing out of the way looked up."""
    found: dict[str, Any] = {"by": actor}
    for name in ("gone", "strangers", "no_basis"):
        if hasattr(command, name):
            found[name] = () if name == "strangers" else ""
    if isinstance(command, ApprovePlan):
        found |= {"policy": POLICY, "known_on": command.on}
    if isinstance(command, FollowHousehold):
        found = {"gone": "", "known_on": JAN}
    if isinstance(command, TellPlanDue):
        found = {}
    return attrs.evolve(command, **{**found, **more})


OPEN = by(OpenPlan("P1", "never called on", JAN, "V1", "A1"), SPECIALIST)
DRAFT = by(draft())
REVIEW = by(ReviewPlan("P1", 1, True, JAN), MANAGER)
APPROVE = by(ApprovePlan("P1", 1, True, JAN), DIRECTOR)
ASSIGN = by(AssignTask("P1", "T1", "M1", "first visit", "S1", date(2024, 3, 31), JAN))
SPEND = by(RecordSpending("P1", "X1", "M1", 300_00, JAN, "receipt 5"), Actor("F1", "finance"))

# --- drafting --------------------------------------------------------------------------------


@pytest.mark.rule("PLN-01")
def test_a_plan_is_for_one_household_or_for_one_layer() -> None:
    given(PLAN).when(OPEN).then(OPENED)
    given(PLAN, OPENED).when(OPEN).refused("plan_exists", "PLN-01")
    for whom in ({"household": ""}, {"layer": "main", "list_year": 2023}):
        given(PLAN).when(attrs.evolve(OPEN, **whom)).refused("plan_for_whom", "PLN-01")
    layer = attrs.evolve(OPEN, household="", assessment="", layer="main", list_year=2023)
    opened = attrs.evolve(OPENED, household="", assessment="", layer="main", list_year=2023)
    given(PLAN).when(layer).then(opened)
    given(PLAN).when(attrs.evolve(layer, layer="best")).refused("unknown_layer", "PLN-01")
    given(PLAN).when(attrs.evolve(OPEN, suggestion=" ")).refused("note_missing", "PLN-01")


@pytest.mark.rule("PLN-01")
@pytest.mark.parametrize(
    "why", ["assessment_missing", "assessment_of_others", "assessment_old", "list_missing"]
)
def test_a_plan_without_what_it_follows_from_is_not_begun(why: str) -> None:
    refused = given(PLAN).when(attrs.evolve(OPEN, no_basis=why))
    refused.refused("plan_without_basis", "PLN-01")
    assert refused.refusal is not None
    assert refused.refusal.sentence == why
    assert refused.refusal.told("zh") != refused.refusal.told("en") != why


@pytest.mark.rule("PLN-01")
def test_a_version_states_method_measures_persons_and_a_budget_that_is_their_sum() -> None:
    given(PLAN, OPENED).when(DRAFT).then(DRAFTED)
    given(PLAN).when(DRAFT).refused("unknown_plan", "PLN-01")
    for changes, code in (
        ({"method": ""}, "note_missing"),
        ({"goal": " "}, "note_missing"),
        ({"measures": ()}, "measures_missing"),
        ({"measures": (VISIT, VISIT)}, "measure_twice"),
        ({"measures": (VISIT,) * 101}, "measures_too_many"),
        ({"measures": (attrs.evolve(VISIT, kind="fee_discount"),)}, "unknown_measure_kind"),
        ({"measures": (attrs.evolve(VISIT, feasible=""),)}, "measure_incomplete"),
        ({"measures": (attrs.evolve(VISIT, economical=""),)}, "measure_incomplete"),
        ({"measures": (attrs.evolve(VISIT, responsible=""),)}, "measure_incomplete"),
        ({"measures": (attrs.evolve(VISIT, cost_fen=-1),)}, "cost_out_of_range"),
        ({"measures": (attrs.evolve(VISIT, due=END + DAY),)}, "measure_not_within"),
        ({"measures": (attrs.evolve(VISIT, due=JAN - DAY),)}, "measure_not_within"),
        ({"runs_to": JAN - DAY}, "plan_backwards"),
        ({"runs_from": JAN - DAY}, "plan_backwards"),
        ({"runs_to": date(2031, 1, 1)}, "plan_too_long"),
        ({"strangers": ("S9",)}, "unknown_staff"),
        ({"on": JAN - DAY}, "too_early"),
        ({"gone": "sold"}, "household_gone"),
    ):
        given(PLAN, OPENED).when(attrs.evolve(DRAFT, **changes)).refused(code)


@pytest.mark.rule("PLN-01", "GRD-14")
def test_nothing_that_is_owed_and_no_repair_is_a_measure() -> None:
    for kind in ("fee", "discount", "deposit", "repair", "priority", "access", "utilities"):
        measures = (attrs.evolve(VISIT, kind=kind),)
        given(PLAN, OPENED).when(attrs.evolve(DRAFT, measures=measures)).refused(
            "unknown_measure_kind", "PLN-01"
        )


@pytest.mark.rule("PLN-02", "PLN-03")
def test_what_is_over_is_not_approved_whatever_day_is_said() -> None:
    """Given a version whose last day has passed, when the director approves it as of a day within
    it, then that is refused: money that was spent meanwhile would have had a plan.
    """
    passed = given(PLAN, OPENED, DRAFTED, PASSED)
    late = END + DAY
    passed.when(attrs.evolve(APPROVE, on=late, known_on=late)).refused("plan_over", "PLN-02")
    passed.when(attrs.evolve(APPROVE, known_on=late)).refused("plan_over", "PLN-02")
    passed.when(attrs.evolve(APPROVE, known_on=END)).then(APPROVED)
    # Nothing is lost by rejecting it.
    rejected = attrs.evolve(APPROVE, approved=False, reason="too late", known_on=late)
    assert passed.when(rejected).events


@pytest.mark.rule("PLN-02")
def test_nobody_drafts_alone() -> None:
    alone = attrs.evolve(OPENED, opened_by="U1")
    given(PLAN, alone).when(DRAFT).refused("drafted_alone", "PLN-02")
    helped = given(PLAN, alone).when(by(SuggestForPlan("P1", "a visit", JAN), SPECIALIST), DRAFT)
    assert helped.events[-1] == DRAFTED


# --- the chain -------------------------------------------------------------------------------


@pytest.mark.rule("PLN-02")
def test_a_version_comes_back_with_suggestions_and_is_refined_with_an_answer() -> None:
    back = attrs.evolve(REVIEW, passed=False, suggestions="fewer gifts")
    given(PLAN, OPENED, DRAFTED).when(back).then(RETURNED)
    silent = attrs.evolve(back, suggestions="")
    given(PLAN, OPENED, DRAFTED).when(silent).refused("note_missing", "PLN-01")
    refined = given(PLAN, OPENED, DRAFTED, RETURNED)
    refined.when(DRAFT).refused("note_missing")
    answered = attrs.evolve(DRAFT, answer="one gift is left")
    refined.when(answered).then(attrs.evolve(DRAFTED, version=2, answer="one gift is left"))


@pytest.mark.rule("PLN-02")
def test_the_director_approves_what_the_manager_passed_and_nothing_else() -> None:
    given(PLAN, OPENED, DRAFTED, PASSED).when(APPROVE).then(APPROVED)
    given(PLAN, OPENED, DRAFTED).when(APPROVE).refused("plan_not_at_step", "PLN-02")
    given(PLAN, OPENED, DRAFTED, RETURNED).when(APPROVE).refused("plan_not_at_step", "PLN-02")
    given(PLAN, OPENED).when(REVIEW).refused("plan_not_at_step", "PLN-02")
    given(PLAN, *IN_FORCE).when(APPROVE).refused("plan_not_at_step", "PLN-02")
    no = attrs.evolve(APPROVE, approved=False)
    given(PLAN, OPENED, DRAFTED, PASSED).when(no).refused("reason_missing", "PLN-02")
    no = attrs.evolve(no, reason="too dear")
    rejected = PlanRejected("P1", 1, JAN, "too dear", "D1")
    given(PLAN, OPENED, DRAFTED, PASSED).when(no).then(rejected)
    given(PLAN, OPENED, DRAFTED, PASSED, rejected).when(DRAFT).refused("note_missing")


@pytest.mark.rule("PLN-02")
def test_who_read_an_older_version_decides_nothing() -> None:
    second = attrs.evolve(DRAFTED, version=2)
    given(PLAN, OPENED, DRAFTED, second).when(REVIEW).refused("version_outdated", "PLN-02")
    passed = attrs.evolve(PASSED, version=2)
    given(PLAN, OPENED, DRAFTED, second, passed).when(APPROVE).refused("version_outdated")
    # What was passed and then drafted anew is passed no more.
    given(PLAN, OPENED, DRAFTED, PASSED, second).when(APPROVE).refused("plan_not_at_step")


@pytest.mark.rule("PLN-02", "LOG-08")
@pytest.mark.parametrize(
    ("past", "reviewers_barred"),
    [
        ((OPENED, DRAFTED), {"S1", "S2", "U1"}),
        ((attrs.evolve(OPENED, opened_by="M1"), DRAFTED), {"M1", "S1", "S2", "U1"}),
    ],
)
def test_whoever_had_a_part_in_a_plan_reviews_and_approves_it_never(
    past: tuple[Any, ...], reviewers_barred: set[str]
) -> None:
    state = PLAN.decider.fold(past)
    own = PLAN.own(REVIEW, state)
    assert own is not None
    assert own.others == reviewers_barred
    state = PLAN.decider.fold((*past, RETURNED, attrs.evolve(DRAFTED, version=2), PASSED))
    own = PLAN.own(APPROVE, state)
    # Also who returned it: what came of their suggestions is in it.
    assert own is not None
    assert own.others == reviewers_barred | {"M1"}


@pytest.mark.rule("PLN-02")
def test_a_draft_can_be_dropped_and_what_is_in_force_stays() -> None:
    drop = by(DropPlan("P1", JAN, "they moved out"))
    dropped = PlanDropped("P1", JAN, "they moved out", "U1")
    given(PLAN, OPENED, DRAFTED).when(drop).then(dropped)
    given(PLAN, OPENED, DRAFTED).when(attrs.evolve(drop, reason="")).refused("reason_missing")
    given(PLAN, OPENED, DRAFTED, dropped).when(DRAFT).refused("plan_dropped", "PLN-02")
    given(PLAN, *IN_FORCE).when(drop).refused("nothing_drafted", "PLN-02")
    second = attrs.evolve(DRAFTED, version=2)
    given(PLAN, *IN_FORCE, second).when(drop, ASSIGN).then(dropped, TASK)


@pytest.mark.rule("PLN-01")
def test_measures_are_adjusted_by_another_version_and_the_one_in_force_holds_until_then() -> None:
    second = attrs.evolve(DRAFT, measures=(attrs.evolve(VISIT, cost_fen=900_00),))
    drafted = given(PLAN, *IN_FORCE).when(second)
    assert (drafted.after.budget_fen, drafted.after.version) == (500_00, 2)
    chain = (attrs.evolve(REVIEW, version=2), attrs.evolve(APPROVE, version=2))
    approved = given(PLAN, *IN_FORCE).when(second, *chain)
    assert (approved.after.budget_fen, approved.after.since) == (900_00, JAN)


# --- carrying out ----------------------------------------------------------------------------


@pytest.mark.rule("PLN-03")
def test_nothing_is_carried_out_that_was_not_approved() -> None:
    feedback = HearFeedback("P1", "F1", "V1", "good", Word(OWNER, "phone", "call 9"), JAN)
    report = by(ReportOnPlan("P1", "R1", JAN, "begun"), SPECIALIST)
    end = by(EndPlan("P1", JAN, "they moved out"))
    for command in (ASSIGN, SPEND, by(feedback), report, end):
        given(PLAN, OPENED, DRAFTED, PASSED).when(command).refused("plan_not_approved", "PLN-03")
        given(PLAN).when(command).refused("unknown_plan", "PLN-01")
        given(PLAN, *IN_FORCE).when(attrs.evolve(command, on=JAN - DAY)).refused("too_early")


@pytest.mark.rule("PLN-03")
def test_a_task_goes_to_a_person_with_a_deadline_within_the_plan() -> None:
    given(PLAN, *IN_FORCE).when(ASSIGN).then(TASK)
    given(PLAN, *IN_FORCE, TASK).when(ASSIGN).refused("task_exists", "PLN-03")
    for changes, code in (
        ({"measure": "M9"}, "unknown_measure"),
        ({"what": ""}, "note_missing"),
        ({"person": ""}, "note_missing"),
        ({"strangers": ("S1",)}, "unknown_staff"),
        ({"due": END + DAY}, "deadline_not_within"),
        ({"due": JAN - DAY}, "deadline_not_within"),
        ({"gone": "void"}, "household_gone"),
        ({"on": END + DAY, "due": END + DAY}, "plan_over"),
    ):
        given(PLAN, *IN_FORCE).when(attrs.evolve(ASSIGN, **changes)).refused(code)


@pytest.mark.rule("PLN-03")
def test_its_person_does_it_another_checks_it_and_it_may_come_back() -> None:
    finish = by(FinishTask("P1", "T1", date(2024, 3, 1), "visited"), SPECIALIST)
    check = by(CheckTask("P1", "T1", False, date(2024, 3, 2), "nobody was at home"))
    checked = TaskChecked("P1", "T1", False, date(2024, 3, 2), "nobody was at home", "U1")
    with_task = given(PLAN, *IN_FORCE, TASK)
    with_task.when(finish).then(DONE)
    with_task.when(finish, finish).then(DONE)
    with_task.when(attrs.evolve(finish, by=SUPERVISOR)).refused("not_their_task", "PLN-03")
    with_task.when(check).refused("task_not_done", "PLN-03")
    done = given(PLAN, *IN_FORCE, TASK, DONE)
    done.when(check).then(checked)
    done.when(attrs.evolve(check, note="")).refused("note_missing")
    again = given(PLAN, *IN_FORCE, TASK, DONE, checked)
    again.when(attrs.evolve(finish, on=date(2024, 3, 9))).then(
        attrs.evolve(DONE, on=date(2024, 3, 9))
    )
    own = PLAN.own(check, PLAN.decider.fold((*IN_FORCE, TASK, DONE)))
    assert own is not None
    assert own.proposed_by == "S1"


@pytest.mark.rule("PLN-03")
def test_a_task_is_given_to_another_or_cancelled_for_a_reason() -> None:
    other = by(ReassignTask("P1", "T1", "S2", END, JAN, "on leave"))
    with_task = given(PLAN, *IN_FORCE, TASK)
    with_task.when(other).then(TaskReassigned("P1", "T1", "S2", END, JAN, "on leave", "U1"))
    with_task.when(attrs.evolve(other, reason="")).refused("reason_missing", "PLN-03")
    with_task.when(attrs.evolve(other, person="S1", due=TASK.due)).nothing()
    cancel = by(CancelTask("P1", "T1", JAN, "they called themselves"))
    cancelled = TaskCancelled("P1", "T1", JAN, "they called themselves", "U1")
    with_task.when(cancel).then(cancelled)
    with_task.when(attrs.evolve(cancel, reason="")).refused("reason_missing")
    gone = given(PLAN, *IN_FORCE, TASK, cancelled)
    for command in (other, cancel, by(FinishTask("P1", "T1", JAN, "x"), SPECIALIST)):
        gone.when(command).refused("task_over", "PLN-03")
        given(PLAN, *IN_FORCE).when(command).refused("unknown_task", "PLN-03")


@pytest.mark.rule("PLN-03")
def test_spending_beyond_the_budget_is_refused() -> None:
    given(PLAN, *IN_FORCE).when(SPEND).then(SPENT)
    with_spent = given(PLAN, *IN_FORCE, SPENT)
    with_spent.when(SPEND).refused("spending_exists", "PLN-03")
    more = attrs.evolve(SPEND, spending="X2", measure="M2", amount_fen=200_01)
    refused = with_spent.when(more)
    refused.refused("budget_exceeded", "PLN-03")
    assert refused.refusal is not None
    assert refused.refusal.details == {"left_fen": 200_00}
    all_of_it = attrs.evolve(more, amount_fen=200_00)
    assert with_spent.when(all_of_it).after.spent_fen == 500_00
    for changes, code in (
        ({"amount_fen": 0}, "amount_not_positive"),
        ({"amount_fen": -5}, "amount_not_positive"),
        ({"receipt": ""}, "note_missing"),
        ({"measure": "M9"}, "unknown_measure"),
        ({"on": END + DAY}, "plan_over"),
    ):
        with_spent.when(attrs.evolve(all_of_it, **changes)).refused(code)


@pytest.mark.rule("PLN-03")
def test_what_was_approved_for_one_measure_is_not_spent_on_another() -> None:
    some = attrs.evolve(SPENT, amount_fen=250_00)
    with_spent = given(PLAN, *IN_FORCE, some)
    more = attrs.evolve(SPEND, spending="X2", amount_fen=50_01)
    refused = with_spent.when(more)
    refused.refused("budget_exceeded", "PLN-03")
    assert refused.refusal is not None
    assert refused.refusal.details == {"left_fen": 50_00, "measure": "M1"}
    assert refused.refusal.sentence == "budget_exceeded_measure"
    assert with_spent.when(attrs.evolve(more, amount_fen=50_00)).after.spent_on("M1") == 300_00
    # What was withdrawn can be spent again.
    withdrawn = SpendingWithdrawn("P1", "X1", 250_00, JAN, "entered twice", "U1")
    again = given(PLAN, *IN_FORCE, some, withdrawn).when(attrs.evolve(more, amount_fen=300_00))
    assert again.after.spent_fen == 300_00


@pytest.mark.rule("PLN-03", "LOG-06")
def test_spending_that_was_none_is_withdrawn_by_another_and_gives_its_money_back() -> None:
    withdraw = by(WithdrawSpending("P1", "X1", JAN, "entered twice"))
    withdrawn = SpendingWithdrawn("P1", "X1", 300_00, JAN, "entered twice", "U1")
    with_spent = given(PLAN, *IN_FORCE, SPENT)
    assert with_spent.when(withdraw).then(withdrawn).after.spent_fen == 0
    with_spent.when(withdraw, withdraw).then(withdrawn)
    with_spent.when(attrs.evolve(withdraw, reason="")).refused("reason_missing", "PLN-03")
    given(PLAN, *IN_FORCE).when(withdraw).refused("unknown_spending", "PLN-03")
    own = PLAN.own(withdraw, PLAN.decider.fold((*IN_FORCE, SPENT)))
    assert own is not None
    assert own.proposed_by == "F1"


@pytest.mark.rule("PLN-03")
def test_no_version_comes_into_force_that_costs_less_than_was_spent() -> None:
    less = attrs.evolve(DRAFT, measures=(attrs.evolve(VISIT, cost_fen=299_99),))
    given(PLAN, *IN_FORCE, SPENT).when(less).refused("budget_below_spent", "PLN-03")
    drafted = attrs.evolve(DRAFTED, version=2, budget_fen=299_99)
    passed = attrs.evolve(PASSED, version=2)
    late = given(PLAN, *IN_FORCE, drafted, passed, SPENT)
    late.when(attrs.evolve(APPROVE, version=2)).refused("budget_below_spent", "PLN-03")
    # Enough in all, but not for the measure on which it was spent.
    moved = (attrs.evolve(VISIT, cost_fen=299_99), attrs.evolve(GIFT, cost_fen=900_00))
    refused = given(PLAN, *IN_FORCE, SPENT).when(attrs.evolve(DRAFT, measures=moved))
    refused.refused("budget_below_spent", "PLN-03")
    assert refused.refusal is not None
    assert refused.refusal.details["measure"] == "M1"
    drafted = attrs.evolve(drafted, measures=moved, budget_fen=1199_99)
    late = given(PLAN, *IN_FORCE, drafted, passed, SPENT)
    late.when(attrs.evolve(APPROVE, version=2)).refused("budget_below_spent", "PLN-03")
    # A measure that is given up keeps its costs within the whole.
    only = (attrs.evolve(GIFT, cost_fen=300_00),)
    left = attrs.evolve(DRAFTED, version=2, measures=only, budget_fen=300_00)
    after = given(PLAN, *IN_FORCE, SPENT, left, passed, attrs.evolve(APPROVED, version=2))
    after.when(attrs.evolve(SPEND, spending="X2", measure="M2", amount_fen=1)).refused(
        "budget_exceeded", "PLN-03"
    )


@pytest.mark.rule("PLN-03", "LOG-08")
def test_nobody_cancels_their_own_task_or_gives_themselves_more_time() -> None:
    state = PLAN.decider.fold((*IN_FORCE, TASK))
    due = TASK.due

    def own(command: Any) -> bool:
        found = PLAN.own(command, state)
        return found is not None and TASK.person in found.others

    assert own(CancelTask("P1", "T1", JAN, "not needed"))
    assert own(ReassignTask("P1", "T1", "S1", due + DAY, JAN, "no time"))
    assert own(ReassignTask("P1", "T1", "S2", due + DAY, JAN, "no time"))
    # To hand it on, with no more time, is no decision about one's own work.
    assert not own(ReassignTask("P1", "T1", "S2", due, JAN, "ill"))


@pytest.mark.rule("PLN-02", "LOG-08")
def test_who_has_a_task_of_a_plan_decides_nothing_about_it() -> None:
    later = TaskReassigned("P1", "T1", "M3", TASK.due, JAN, "ill", "U1")
    state = PLAN.decider.fold((*IN_FORCE, attrs.evolve(TASK, person="M2"), later))
    for command in (ReviewPlan("P1", 2, True, JAN), ApprovePlan("P1", 2, True, JAN)):
        own = PLAN.own(command, state)
        assert own is not None
        assert {"M2", "M3"} <= own.others


@pytest.mark.rule("PLN-03")
def test_reports_are_checked_by_another_and_feedback_is_of_the_household() -> None:
    report = by(ReportOnPlan("P1", "R1", JAN, "begun"), SPECIALIST)
    reported = PlanReported("P1", "R1", JAN, "begun", "S1")
    check = by(CheckReport("P1", "R1", True, JAN, "as it should be"))
    given(PLAN, *IN_FORCE).when(report, check).then(
        reported, ReportChecked("P1", "R1", True, JAN, "as it should be", "U1")
    )
    given(PLAN, *IN_FORCE, reported).when(report).refused("report_exists", "PLN-03")
    given(PLAN, *IN_FORCE).when(check).refused("unknown_report", "PLN-03")
    given(PLAN, *IN_FORCE, reported).when(check, check).refused("report_checked", "PLN-03")
    own = PLAN.own(check, PLAN.decider.fold((*IN_FORCE, reported)))
    assert own is not None
    assert own.proposed_by == "S1"
    word = Word(OWNER, "phone", "call 9")
    heard = by(HearFeedback("P1", "F1", "V1", "glad", word, JAN), SPECIALIST)
    assert given(PLAN, *IN_FORCE).when(heard).after.feedback["F1"].word == word
    given(PLAN, *IN_FORCE).when(heard, heard).refused("feedback_exists", "PLN-03")
    other = attrs.evolve(heard, household="V2", of_another=True)
    given(PLAN, *IN_FORCE).when(other).refused("feedback_of_another", "PLN-03")


@pytest.mark.rule("PLN-03")
def test_a_plan_ends_early_for_a_reason_and_then_nothing_new_is_begun() -> None:
    end = by(EndPlan("P1", date(2024, 6, 1), "they move out"))
    ended = PlanEnded("P1", date(2024, 6, 1), "they move out", "U1")
    given(PLAN, *IN_FORCE).when(end).then(ended)
    given(PLAN, *IN_FORCE).when(attrs.evolve(end, reason="")).refused("reason_missing")
    given(PLAN, *IN_FORCE).when(attrs.evolve(end, on=NEW_YEAR)).refused("plan_over")
    # Not as of a day before what was done for it: nobody would have to answer for that.
    july = attrs.evolve(SPEND, on=date(2024, 7, 1))
    spent = given(PLAN, *IN_FORCE).when(july)
    given(PLAN, *IN_FORCE, *spent.events).when(end).refused("too_early", "PLN-03")
    back = by(WithdrawSpending("P1", "X1", date(2024, 7, 2), "not bought"), MANAGER)
    assert given(PLAN, *IN_FORCE, *spent.events).when(back, end).events[-1] == ended
    report = by(ReportOnPlan("P1", "R1", date(2024, 7, 1), "one visit"), SPECIALIST)
    given(PLAN, *IN_FORCE).when(report, end).refused("too_early", "PLN-03")
    finish = by(FinishTask("P1", "T1", date(2024, 7, 1), "visited"), SPECIALIST)
    given(PLAN, *IN_FORCE, TASK).when(finish, end).refused("too_early", "PLN-03")
    over = given(PLAN, *IN_FORCE, ended)
    for command in (ASSIGN, DRAFT, end):
        over.when(command).refused("plan_ended", "PLN-03")
    late = attrs.evolve(SPEND, on=date(2024, 6, 1))
    assert over.when(late).after.spent_fen == 300_00
    over.when(attrs.evolve(SPEND, on=date(2024, 6, 2))).refused("plan_over")


# --- closing ---------------------------------------------------------------------------------

EVALUATE = by(EvaluatePlan("P1", 2024, "partly", NEW_YEAR, "one visit of four"))
GUIDE = by(GuideEvaluation("P1", 2024, NEW_YEAR, "fewer"), MANAGER)
IMPROVE = by(ImprovePlan("P1", 2024, NEW_YEAR, "two a year"))
SUMMARISE = by(SummarisePlan("P1", 2024, NEW_YEAR, "a beginning"), SPECIALIST)
ARCHIVE = by(ArchivePlan("P1", NEW_YEAR), SPECIALIST)
ARCHIVED = PlanArchived("P1", NEW_YEAR, "S1")


@pytest.mark.rule("PLN-03")
def test_a_year_is_evaluated_guided_improved_summarised_and_filed_in_this_order() -> None:
    steps = (EVALUATE, GUIDE, IMPROVE, SUMMARISE, ARCHIVE)
    given(PLAN, *IN_FORCE).when(*steps).then(*YEAR, ARCHIVED)
    for n, step in enumerate(steps[1:], 1):
        refused = given(PLAN, *IN_FORCE, *YEAR[: n - 1]).when(step)
        refused.refused("year_not_summarised" if step is ARCHIVE else "year_not_yet", "PLN-03")
    for n, (step, code) in enumerate(
        zip(steps[:3], ("year_evaluated", "year_guided", "year_improved"), strict=True)
    ):
        given(PLAN, *IN_FORCE, *YEAR[: n + 1]).when(step).refused(code, "PLN-03")
    own = PLAN.own(GUIDE, PLAN.decider.fold((*IN_FORCE, EVALUATED)))
    assert own is not None
    assert own.proposed_by == "U1"


@pytest.mark.rule("PLN-03")
def test_a_year_is_evaluated_once_it_or_the_plan_is_over() -> None:
    given(PLAN, *IN_FORCE).when(attrs.evolve(EVALUATE, on=END)).refused("too_early", "PLN-03")
    given(PLAN, *IN_FORCE).when(attrs.evolve(EVALUATE, year=2025)).refused("year_not_of_plan")
    given(PLAN, *IN_FORCE).when(attrs.evolve(EVALUATE, effect="grand")).refused("unknown_effect")
    given(PLAN, *IN_FORCE).when(attrs.evolve(EVALUATE, findings="")).refused("note_missing")
    ended = PlanEnded("P1", date(2024, 6, 1), "they move out", "U1")
    early = attrs.evolve(EVALUATE, on=date(2024, 6, 1))
    assert given(PLAN, *IN_FORCE, ended).when(early).refusal is None
    assert given(PLAN, *IN_FORCE, STOPPED).when(early).refusal is None
    long = attrs.evolve(DRAFTED, runs_to=date(2025, 12, 31))
    two = given(PLAN, OPENED, long, PASSED, APPROVED)
    two.when(EVALUATE).then(EVALUATED)
    two.when(attrs.evolve(EVALUATE, year=2025)).refused("too_early")


@pytest.mark.rule("PLN-03")
def test_nothing_is_filed_that_is_not_over_or_leaves_something_open() -> None:
    given(PLAN, *IN_FORCE, *YEAR).when(ARCHIVE).then(ARCHIVED)
    given(PLAN, *IN_FORCE, *YEAR).when(attrs.evolve(ARCHIVE, on=END)).refused("plan_not_over")
    given(PLAN, *IN_FORCE, TASK, *YEAR).when(ARCHIVE).refused("tasks_open", "PLN-03")
    given(PLAN, *IN_FORCE, TASK, DONE, *YEAR).when(ARCHIVE).refused("tasks_open", "PLN-03")
    second = attrs.evolve(DRAFTED, version=2)
    given(PLAN, *IN_FORCE, second, *YEAR).when(ARCHIVE).refused("plan_pending", "PLN-03")
    # Money that came to be known behind the summary: the summary is written anew.
    spent = given(PLAN, *IN_FORCE, *YEAR, SPENT)
    spent.when(ARCHIVE).refused("summary_outdated", "PLN-03")
    anew = spent.when(SUMMARISE, ARCHIVE)
    assert anew.events == (attrs.evolve(SUMMARISED, spent_fen=300_00), ARCHIVED)
    filed = given(PLAN, *IN_FORCE, *YEAR, ARCHIVED)
    for command in (ASSIGN, SPEND, EVALUATE, SUMMARISE, ARCHIVE, DRAFT, REVIEW):
        filed.when(command).refused("plan_archived", "PLN-03")


# --- the clock -------------------------------------------------------------------------------


@pytest.mark.rule("PLN-03")
def test_the_clock_tells_once_of_each_deadline_and_never_of_what_was_done() -> None:
    late = TellPlanDue("P1", "task", "T1", TASK.due)
    overdue = TaskOverdue("P1", "T1", "S1", TASK.due)
    given(PLAN, *IN_FORCE, TASK).when(late, late).then(overdue)
    for past in ((), (TASK, DONE), (TASK, STOPPED), (TASK, PlanEnded("P1", JAN, "x", "U1"))):
        given(PLAN, *IN_FORCE, *past).when(late).nothing()
    moved = TaskReassigned("P1", "T1", "S2", END, JAN, "on leave", "U1")
    given(PLAN, *IN_FORCE, TASK, moved).when(late).nothing()
    given(PLAN, *IN_FORCE, TASK, overdue, moved).when(TellPlanDue("P1", "task", "T1", END)).then(
        TaskOverdue("P1", "T1", "S2", END)
    )
    due = JAN + timedelta(days=30)
    report = TellPlanDue("P1", "report", "", due)
    given(PLAN, *IN_FORCE).when(report, report).then(ReportMissed("P1", due))
    missed = TellPlanDue("P1", "evaluation", "2024", date(2025, 2, 1))
    told = EvaluationMissed("P1", 2024, date(2025, 2, 1))
    given(PLAN, *IN_FORCE).when(missed, missed).then(told)
    given(PLAN, *IN_FORCE, EVALUATED).when(missed).nothing()


@pytest.mark.rule("PLN-03")
def test_a_plan_stops_when_its_household_is_gone_and_goes_on_when_that_was_not_so() -> None:
    gone = by(FollowHousehold("P1"), gone="sold", known_on=date(2024, 6, 1))
    back = by(FollowHousehold("P1"), known_on=date(2024, 6, 9))
    resumed = PlanResumed("P1", 0, date(2024, 6, 9))
    given(PLAN, *IN_FORCE).when(gone, gone).then(STOPPED)
    given(PLAN, *IN_FORCE).when(back).nothing()
    given(PLAN, *IN_FORCE, STOPPED).when(back, back).then(resumed)
    given(PLAN, *IN_FORCE, STOPPED).when(ASSIGN).refused("household_gone", "PLN-03")
    given(PLAN, *IN_FORCE, STOPPED, resumed).when(ASSIGN).then(TASK)
    given(PLAN, *IN_FORCE, STOPPED, resumed).when(gone).then(attrs.evolve(STOPPED, nth=1))
    layer = attrs.evolve(OPENED, household="", layer="main", list_year=2023)
    given(PLAN, layer, DRAFTED, PASSED, APPROVED).when(gone).nothing()
