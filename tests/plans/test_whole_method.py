"""The whole method of relationship maintenance, from a new household to the summary of its year.

档案 → 评估分级 → 名册 → 方案 → 审核 → 实施 → 评估 → 改进 → 归档, each step by whose it is.
"""

from __future__ import annotations

from datetime import date

import pytest
from caring import (
    DIRECTOR,
    FINANCE,
    GIFT,
    MANAGER,
    S2,
    SPECIALIST,
    SUPERVISOR,
    VISIT,
    WORD,
    draft,
    gather,
    open_plan,
    opened,
    propose,
    settle,
)

from crm_core.kernel.sealed import Personal
from crm_core.owners.card.commands import RecordItem
from crm_core.payments import RaiseCharge, ReceivePayment
from crm_core.plans import (
    ApprovePlan,
    ArchivePlan,
    AssignTask,
    BeginCare,
    CheckReport,
    CheckTask,
    CompileList,
    ConsultNeeds,
    DecideAssessment,
    EvaluatePlan,
    FinishTask,
    GiveAdvice,
    GuideEvaluation,
    HearFeedback,
    HoldMeeting,
    ImprovePlan,
    LearnDifficulty,
    MaintenancePlan,
    RecordSpending,
    ReportOnPlan,
    ReviewPlan,
    SuggestForPlan,
    SummarisePlan,
)
from crm_core.plans.assessments import KINDS

NEW = "V7"
NEW_WORD = type(WORD)(f"{NEW}#owner", "counter", "form 3")


@pytest.mark.rule("PLN-01", "PLN-02", "PLN-03", "PLN-04", "LOG-08")
def test_from_a_new_household_to_the_archived_summary_of_its_year() -> None:
    with opened() as estate:
        crm = estate.crm
        estate.on(date(2023, 5, 1))
        estate.do(BeginCare(date(2023, 5, 1)), MANAGER)

        # 1 档案: the file, and what they need, asked at signing.
        estate.on(date(2023, 6, 1))
        settle(estate, NEW, date(2023, 6, 1))
        estate.tick(date(2023, 6, 2))
        assert ("needs", "first") in estate.todo(SPECIALIST)
        estate.do(ConsultNeeds(NEW, "quiet on weekdays", NEW_WORD, date(2023, 6, 2)), SPECIALIST)
        # What is left is the visit after the hand-over (VIS-01).
        assert estate.todo(SPECIALIST) == [("visit", "hand_over:in-2023-06-01")]
        item = RecordItem(
            NEW, f"{NEW}#owner", "need", Personal(f"{NEW}#owner", "quiet"), date(2023, 6, 2)
        )
        estate.do(item, SPECIALIST)
        estate.do(RaiseCharge(NEW, "C1", "parking", "2023-07", 100, date(2023, 7, 1)), SPECIALIST)
        estate.do(ReceivePayment(NEW, "P", 100, date(2023, 6, 2), "cash"), SPECIALIST)

        # 2 评估分级: the grade of the year, and beside it how the relation stands.
        estate.on(date(2024, 1, 5))
        run = crm.grade(2023, by=SUPERVISOR)
        for kind in KINDS:
            estate.do(gather("A7", kind, date(2024, 1, 5), NEW), SPECIALIST)
        estate.do(propose("A7", date(2024, 1, 5)), SPECIALIST)
        assert ("assessment", "A7") in estate.todo(SUPERVISOR)
        assert ("assessment", "A7") not in estate.todo(SPECIALIST)
        estate.do(DecideAssessment("A7", date(2024, 1, 5), "distant"), SUPERVISOR)

        # 3 名册
        (listed,) = estate.do(CompileList(2023, date(2024, 1, 5)), SUPERVISOR)
        assert (listed.run, listed.households) == (run.run, len(run.gradings))

        # 4 方案
        estate.on(date(2024, 1, 10))
        opening = open_plan("P7", date(2024, 1, 10), NEW)
        estate.do(type(opening)("P7", "never called on", date(2024, 1, 10), NEW, "A7"), SPECIALIST)
        assert crm.care.suggestions(NEW).by_layer == ("message", "information")
        estate.do(draft("P7", date(2024, 1, 10), (VISIT,)), SUPERVISOR)

        # 5 审核: returned with a suggestion, refined, passed, approved.
        back = ReviewPlan("P7", 1, False, date(2024, 1, 11), "nothing for the festival")
        estate.on(date(2024, 1, 11)).do(back, MANAGER)
        suggestion = SuggestForPlan("P7", "a gift at Mid-Autumn", date(2024, 1, 12))
        estate.on(date(2024, 1, 12)).do(suggestion, SPECIALIST)
        refined = draft("P7", date(2024, 1, 12), (VISIT, GIFT), answer="a gift was added")
        assert ("plan_refinement", "P7") in estate.todo(SUPERVISOR)
        estate.do(refined, SUPERVISOR)
        estate.do(ReviewPlan("P7", 2, True, date(2024, 1, 12)), MANAGER)
        assert ("plan_approval", "P7") in estate.todo(DIRECTOR)
        estate.on(date(2024, 1, 15)).do(ApprovePlan("P7", 2, True, date(2024, 1, 15)), DIRECTOR)
        assert [one.version for one in crm.care.versions("P7")] == [1, 2]

        # 6 实施: tasks, feedback, reports, money.
        task = AssignTask(
            "P7", "T1", "M1", "first visit", "S1", date(2024, 3, 31), date(2024, 1, 16)
        )
        estate.on(date(2024, 1, 16)).do(task, SUPERVISOR)
        assert ("plan_task", "T1") in estate.todo(SPECIALIST)
        estate.on(date(2024, 3, 1))
        estate.do(FinishTask("P7", "T1", date(2024, 3, 1), "visited, tea was had"), SPECIALIST)
        estate.do(
            HearFeedback("P7", "F1", NEW, "glad that somebody came", NEW_WORD, date(2024, 3, 1)),
            SPECIALIST,
        )
        estate.do(ReportOnPlan("P7", "R1", date(2024, 3, 1), "first visit was made"), SPECIALIST)
        estate.do(RecordSpending("P7", "X1", "M1", 80_00, date(2024, 3, 1), "receipt 5"), FINANCE)
        estate.do(CheckTask("P7", "T1", True, date(2024, 3, 1), "they talked"), SUPERVISOR)
        estate.do(CheckReport("P7", "R1", True, date(2024, 3, 1), "as it should be"), SUPERVISOR)
        learned = LearnDifficulty(
            "Q1", NEW, "the door does not close", NEW_WORD, "S2", date(2024, 3, 8), date(2024, 3, 1)
        )
        estate.do(learned, SPECIALIST)
        assert ("difficulty", "Q1") in estate.todo(S2)
        estate.on(date(2024, 3, 4))
        estate.do(GiveAdvice("Q1", "oil the hinge", True, date(2024, 3, 4)), S2)

        # The calendar: Mid-Autumn 2024 was on 17 September, its days off from 15 on.
        estate.tick(date(2024, 9, 13))
        assert crm.get(MaintenancePlan, "P7", by=MANAGER, purpose="care") is not None
        estate.on(date(2024, 11, 15))
        estate.do(HoldMeeting(2024, date(2024, 11, 15), "all of the important came"), MANAGER)

        # 7 评估, 8 改进, 9 归档
        estate.on(date(2025, 1, 6))
        on = date(2025, 1, 6)
        estate.do(EvaluatePlan("P7", 2024, "partly", on, "one visit of four"), SUPERVISOR)
        assert ("plan_guidance", "2024") in estate.todo(MANAGER)
        estate.do(GuideEvaluation("P7", 2024, on, "plan fewer, and make them"), MANAGER)
        estate.do(ImprovePlan("P7", 2024, on, "two visits a year"), SUPERVISOR)
        estate.do(SummarisePlan("P7", 2024, on, "a beginning"), SPECIALIST)
        assert ("plan_archive", "P7") in estate.todo(SPECIALIST)
        estate.do(ArchivePlan("P7", on), SPECIALIST)

        shown = crm.care.plan("P7")
        assert shown["stands"] == "archived"
        (year,) = shown["years"]
        assert (year["effect"], year["spent_fen"]) == ("partly", 80_00)
        assert estate.names("plan/P7")[-5:] == [
            "plans.evaluated", "plans.evaluation_guided", "plans.improved", "plans.summarised",
            "plans.archived",
        ]  # fmt: skip
        for by in (SPECIALIST, S2, SUPERVISOR, MANAGER, DIRECTOR):
            assert not [one for one in estate.todo(by) if one[0].startswith(("plan", "task"))]
