"""Every command about plans, care and difficulties."""

from __future__ import annotations

from datetime import date, timedelta

from attrs import evolve

from crm_core.owners import TransferOwnership
from crm_core.plans import (
    ApprovePlan,
    ArchivePlan,
    AssignTask,
    BeginCare,
    CancelTask,
    CheckReport,
    CheckTask,
    CompileList,
    ConsultNeeds,
    DecideAssessment,
    DraftPlan,
    DropPlan,
    EndPlan,
    EvaluatePlan,
    FinishTask,
    GatherInformation,
    GiveAdvice,
    GuideEvaluation,
    HandOverGift,
    HearFeedback,
    HoldMeeting,
    ImprovePlan,
    LearnDifficulty,
    Measure,
    OfferCare,
    OpenPlan,
    PlanMeeting,
    ProposeAssessment,
    ReassignDifficulty,
    ReassignTask,
    RecordSpending,
    ReportOnPlan,
    ReviewPlan,
    SuggestForPlan,
    SummarisePlan,
    SuspendCare,
    TellExperience,
    WithdrawSpending,
)
from crm_core.plans.assessments import KINDS
from crm_core.plans.care import OpenCare
from crm_core.privacy import GiveConsent, WithdrawConsent
from crm_core.signing import ApprovePaper, ReviewPaper
from privacy.singing import CLERK, COLLEAGUE, COMPANY, HOME, OWNER, SING, Choir, person, word


def plans(choir: Choir) -> None:
    """A plan from its assessment to its archive, and two that end before."""
    day = choir.on("2024-02-23")
    for kind in KINDS:
        choir.say(GatherInformation("A1", HOME, f"I-{kind}", kind, day, SING, SING), by=CLERK)
    choir.say(
        ProposeAssessment(
            "A1", date(2023, 1, 1), date(2023, 12, 31), SING, SING, SING, SING, SING, "distant",
            day,
        ),
        DecideAssessment("A1", day, "strained", SING),
    )  # fmt: skip
    measure = Measure("M1", "visit", SING, CLERK.id, date(2024, 12, 20), 300_00, SING, SING)
    for plan in ("P1", "P2", "P3"):
        choir.say(OpenPlan(plan, SING, day, HOME, "A1"), by=CLERK)
    choir.say(DropPlan("P2", day, SING), SuggestForPlan("P1", SING, day))
    draft = DraftPlan("P1", SING, SING, (measure,), day, date(2024, 12, 31), day)
    choir.say(
        draft, ReviewPlan("P1", 1, False, day, SING), evolve(draft, answer=SING),
        ReviewPlan("P1", 2, True, day, SING), ApprovePlan("P1", 2, True, day, SING),
    )  # fmt: skip
    choir.say(OpenPlan("P4", SING, day, HOME, "A1"), by=CLERK)
    choir.say(evolve(draft, plan="P4", runs_to=date(2028, 12, 31)))
    choir.say(ReviewPlan("P4", 1, True, day), ApprovePlan("P4", 1, True, day))
    choir.say(
        evolve(draft, plan="P3"), ReviewPlan("P3", 1, True, day),
        ApprovePlan("P3", 1, True, day), EndPlan("P3", day, SING),
    )  # fmt: skip
    due = day + timedelta(days=20)
    for task in ("T1", "T2"):
        choir.say(AssignTask("P1", task, "M1", SING, CLERK.id, due, day))
    choir.say(ReassignTask("P1", "T2", COLLEAGUE.id, due, day, SING))
    choir.say(CancelTask("P1", "T2", day, SING))
    choir.say(
        HearFeedback("P1", "B1", HOME, SING, word(), day), ReportOnPlan("P1", "W1", day, SING),
        CheckReport("P1", "W1", True, day, SING), RecordSpending("P1", "X1", "M1", 1_00, day, SING),
        WithdrawSpending("P1", "X1", day, SING),
    )  # fmt: skip
    choir.tick("2024-04-03")
    day = choir.on("2024-04-04")
    choir.say(FinishTask("P1", "T1", day, SING), by=CLERK)
    choir.say(CheckTask("P1", "T1", True, day, SING))


def archive(choir: Choir) -> None:
    """What came of it."""
    day = choir.on("2025-01-08")
    choir.say(
        EvaluatePlan("P1", 2024, "partly", day, SING), GuideEvaluation("P1", 2024, day, SING),
        ImprovePlan("P1", 2024, day, SING), SummarisePlan("P1", 2024, day, SING),
        ArchivePlan("P1", day),
    )  # fmt: skip
    choir.say(CompileList(2024, day), whose=COMPANY)
    choir.say(ReviewPaper("work-record", "2024", day), whose=COMPANY)
    choir.say(ApprovePaper("work-record", "2024", day), whose=COMPANY)


def care(choir: Choir) -> None:
    """Greetings, gifts and offers, meetings, and what somebody cannot do alone."""
    day = choir.on("2024-02-05")
    choir.say(BeginCare(day), whose=COMPANY)
    choir.tick("2024-02-08")
    choir.inside(OpenCare(HOME, "mid_autumn", date(2024, 9, 15), "important"))
    day = choir.on("2024-02-09")
    choir.say(GiveConsent(HOME, OWNER, "marketing", 1, choir.now(), word()))
    choir.say(
        OfferCare(HOME, "O1", "trial", OWNER, SING, day),
        TellExperience(HOME, "O1", SING, word(), day),
        PlanMeeting(2024, day + timedelta(days=60), day),
        LearnDifficulty("Q1", HOME, SING, word(), CLERK.id, day, day),
        ReassignDifficulty("Q1", COLLEAGUE.id, day, day, SING),
    )
    choir.say(WithdrawConsent(HOME, OWNER, "marketing", choir.now(), word()))
    buyer = person("V3#buyer")
    choir.say(
        TransferOwnership("V3", "V3#buyer", day, buyer, SING),
        whose="V3",
    )
    choir.tick("2024-02-12")
    day = choir.on("2024-02-13")
    choir.say(GiveAdvice("Q1", SING, True, day), by=COLLEAGUE)
    choir.say(ConsultNeeds("V3", SING, word("V3#buyer"), day), whose="V3")


def feast(choir: Choir) -> None:
    """The gift is handed over, a meeting held, and the calendar given up."""
    day = choir.on("2024-09-15")
    choir.say(HandOverGift(HOME, "mid_autumn-2024", day))
    day = choir.on("2024-12-28")
    choir.say(HoldMeeting(2024, day, SING), whose=COMPANY)


def unwished(choir: Choir) -> None:
    """A gift that is called back, a year without a meeting, and the end of the calendar."""
    choir.on("2025-09-01")
    choir.inside(OpenCare(HOME, "mid_autumn", date(2025, 10, 6), "important"))
    choir.say(WithdrawConsent(HOME, OWNER, "care", choir.now(), word()))
    choir.tick("2025-09-03")
    day = choir.on("2026-01-15")
    choir.tick()
    choir.say(SuspendCare(day, SING), whose=COMPANY)
