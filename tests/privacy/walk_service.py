"""Every command about requests, visits, surveys and what the owners say."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from attrs import evolve

from crm_core import Planned
from crm_core.kernel.dates import start_of_day
from crm_core.kernel.recorded import Actor
from crm_core.opinions import RecordOpinion, WithdrawOpinion
from crm_core.owners import RegisterHousehold
from crm_core.requests import (
    AcceptCommitment,
    AnswerCustomer,
    AnswerIncident,
    Apologise,
    Arrive,
    ConfirmClosing,
    ConfirmEntry,
    Dispatch,
    Evidence,
    ExtendPause,
    GiveUpCommitment,
    GrabOrder,
    HandOver,
    MakeCommitment,
    MarkDuplicate,
    MergeDuplicate,
    NoteFailedAttempt,
    NoteProgress,
    PauseRequest,
    Rebase,
    ReceiveRequest,
    Reclassify,
    RefuseOrder,
    Renegotiate,
    Reopen,
    ReportDone,
    ResumeRequest,
    ReturnOrder,
    UndoDuplicate,
)
from crm_core.requests.calls import AnswerCall, LinkCall, MissCall, WithdrawCall
from crm_core.requests.commands import CloseImported
from crm_core.requests.improvement import (
    DecideImprovement,
    EndImprovement,
    ProposeImprovement,
    SuperviseExecution,
)
from crm_core.requests.incidents import GatherRequest, OpenIncident, ResolveIncident
from crm_core.requests.inspections import RecordFinding
from crm_core.staff import CancelCover, PlanCover, RetireLine
from crm_core.surveys import (
    AnswerByName,
    CancelSurvey,
    CheckForum,
    DecidePublication,
    EndWatch,
    ExplainMiss,
    HoldOwnersMeeting,
    OpenSurvey,
    ReachHousehold,
    RecordAttendance,
    RecordOutlay,
    RecordPost,
    TurnPost,
    WatchForum,
    WithdrawAnswer,
    WithdrawAttendance,
    WithdrawOutlay,
    WithdrawPost,
    WithdrawPublication,
)
from crm_core.visits import (
    VISITS,
    AppointVisit,
    CallOffDraw,
    NoteVisitAttempt,
    RecordOccasion,
    RecordVisit,
    Visits,
    WithdrawOccasion,
    WithdrawVisit,
)
from privacy.singing import (
    CLERK,
    COLLEAGUE,
    COMPANY,
    FITTER,
    HOME,
    LEADER,
    MONEY,
    OTHER,
    OWNER,
    SING,
    Choir,
    person,
    word,
)


def _received(choir: Choir, number: str, home: str = HOME, **other: Any) -> ReceiveRequest:
    said = ReceiveRequest(
        number, home, "counter", "repair", "engineering", "general", SING, choir.now(), CLERK.id,
        place=SING if home else "大堂", asked_by=f"{home}#owner" if home else None,
    )  # fmt: skip
    return evolve(said, **other)


def shown(choir: Choir, minutes: float = 0) -> Evidence:
    """What shows that it was so."""
    return Evidence("recording", SING, choir.now(minutes))


def requests(choir: Choir) -> None:
    """Requests on every way that one can go."""
    choir.on("2024-03-04", 9)
    for number in ("R1", "R2", "R3", "R4", "R5", "R6", "R7", "R8"):
        choir.say(_received(choir, number))
    choir.say(_received(choir, "R9", agreed_due_at=choir.now() + timedelta(days=3), agreed=word()))
    choir.say(_received(choir, "N1", OTHER), whose=OTHER)
    choir.later(minutes=5)
    due = choir.now() + timedelta(hours=8)
    choir.say(
        MakeCommitment("R1", SING, due, choir.now(), evidence=shown(choir)),
        AcceptCommitment("R1", word(), choir.now(), evidence=shown(choir)),
        Dispatch("R1", FITTER.id, "operator", choir.now(), on_site=True, evidence=shown(choir)),
    )
    choir.later(minutes=10)
    choir.say(Arrive("R1", choir.now(), evidence=shown(choir)), by=FITTER)
    choir.say(
        NoteProgress("R1", SING, True, choir.now(), evidence=shown(choir)),
        PauseRequest("R1", "customer_absent", choir.now(), due, SING, evidence=shown(choir)),
        ExtendPause("R1", SING, choir.now(), due + timedelta(hours=5), evidence=shown(choir)),
    )
    choir.later(minutes=10)
    choir.say(
        ResumeRequest("R1", choir.now(), evidence=shown(choir)),
        Renegotiate(
            "R1", SING, due + timedelta(hours=1), choir.now(), SING, word=word(),
            evidence=shown(choir),
        ),
        GiveUpCommitment("R1", choir.now(), SING, evidence=shown(choir)),
        AnswerCustomer("R1", choir.now(), evidence=shown(choir)),
        Reclassify("R1", SING, choir.now(), severity="major", evidence=shown(choir)),
    )  # fmt: skip
    choir.say(ReportDone("R1", choir.now(), evidence=shown(choir)), by=FITTER)
    choir.say(NoteFailedAttempt("R1", choir.now(), "phone", evidence=shown(choir)))
    choir.later(hours=1)
    choir.say(Apologise("R1", SING, SING, SING, choir.now(), evidence=shown(choir)), by=LEADER)
    choir.say(
        ConfirmClosing("R1", choir.now(), "partly", word(), SING, evidence=shown(choir)),
        by=COLLEAGUE,
    )
    choir.say(
        Reopen("R1", choir.now(), SING, evidence=shown(choir)), HandOver("R1", COLLEAGUE.id, SING)
    )
    _orders(choir)
    _duplicates(choir)
    _late(choir)


def _orders(choir: Choir) -> None:
    choir.say(
        Dispatch("R2", "engineering", "department", choir.now(), "grab", evidence=shown(choir))
    )
    choir.say(GrabOrder("R2", choir.now(), evidence=shown(choir)), by=FITTER)
    choir.say(ReturnOrder("R2", SING, choir.now(), evidence=shown(choir)), by=FITTER)
    choir.say(Dispatch("R3", FITTER.id, "operator", choir.now(), evidence=shown(choir)))
    choir.say(RefuseOrder("R3", SING, choir.now(), evidence=shown(choir)), by=FITTER)


def _duplicates(choir: Choir) -> None:
    choir.say(
        MarkDuplicate("R4", "R5", SING),
        UndoDuplicate("R4", SING, choir.now()),
        MergeDuplicate("R6", "R5", SING, choir.now(), evidence=shown(choir)),
    )
    choir.say(OpenIncident("I1", "大堂", "engineering", SING, choir.now()), whose=COMPANY)
    choir.say(GatherRequest("I1", "R7", choir.now()))
    choir.say(
        AnswerIncident("I1", SING, choir.now()),
        ResolveIncident("I1", SING, choir.now()),
        RecordFinding("F2", SING, "engineering", "general", SING, choir.now()),
        whose=COMPANY,
    )
    choir.say(RecordFinding("F1", SING, "engineering", "general", SING, choir.now(), HOME, "R12"))


def _late(choir: Choir) -> None:
    """What became too late, and what was entered too late."""
    choir.tick("2024-03-06", 18)
    then = start_of_day(date(2024, 3, 4)) + timedelta(hours=9, minutes=4)
    proof = Evidence("recording", SING, then)
    due = then + timedelta(days=9)
    choir.say(MakeCommitment("R5", SING, due, then, evidence=proof), by=CLERK)
    choir.say(ConfirmEntry("R5", 1, proof), by=LEADER)
    at = datetime(2024, 3, 7, 2, tzinfo=UTC)
    choir.on("2024-03-07")
    choir.crm.batch([Planned(CloseImported("R8", at), "i1", at)], by=Actor("x", "host"),
                    imported=at)  # fmt: skip


def clocks(choir: Choir) -> None:
    """A request that is held to clocks which go by public holidays, and these are announced."""
    choir.on("2024-03-04", 9)
    owner = person(OWNER)
    choir.say(RegisterHousehold(HOME, "星河", "1", "1", "101", owner=owner))
    choir.say(_received(choir, "R1"))
    choir.on("2024-03-06")
    choir.say(Rebase("R1", SING, choir.now(), evidence=shown(choir)))
    choir.tick("2024-03-07")
    choir.tick("2024-12-01")
    choir.tick("2030-01-02")


def calls(choir: Choir) -> None:
    """The hotline, who has it, and what is learnt from how it went."""
    day = choir.on("2024-03-08", 9)
    start = choir.now() + timedelta(days=1)
    choir.say(
        PlanCover("hotline", "A", CLERK.id, start, start + timedelta(hours=8)),
        PlanCover("hotline", "B", CLERK.id, start, start + timedelta(hours=8)),
        CancelCover("hotline", "B", SING),
        whose=CLERK.id,
    )
    choir.say(
        AnswerCall("K1", "hotline", choir.now(), 1),
        MissCall("K2", "hotline", choir.now(), 6),
        MissCall("K3", "hotline", choir.now(), 6),
        WithdrawCall("K3", SING),
        whose=COMPANY,
    )
    choir.say(_received(choir, "R10", channel="phone", rings=2))
    choir.say(LinkCall("K1", "R10"))
    choir.tick("2024-03-12")
    choir.say(RetireLine("hotline", choir.now() + timedelta(days=2), SING), whose=COMPANY)
    choir.say(
        ProposeImprovement(
            "P1", SING, "volume", "trade", "security", date(2023, 1, 1), date(2023, 12, 31),
            day + timedelta(days=10), day + timedelta(days=20), -200, CLERK.id, LEADER.id,
        ),
        DecideImprovement("P1", True, day, SING),
        whose=COMPANY,
    )  # fmt: skip
    choir.on("2024-03-20")
    choir.say(SuperviseExecution("P1", date(2024, 3, 20), True, SING), whose=COMPANY)
    choir.on("2024-04-02")
    choir.say(EndImprovement("P1", date(2024, 4, 2), SING), whose=COMPANY)


def visits(choir: Choir) -> None:
    """Who is called upon, and what they say."""
    day = choir.on("2024-04-08")
    choir.say(
        RecordOccasion(HOME, "O1", "installation", day, SING),
        RecordOccasion(HOME, "O2", "installation", day, SING),
        WithdrawOccasion(HOME, "O2", SING),
    )
    choir.crm.care.visits.draw("D1", "random", 2, content="affection", by=LEADER)
    choir.crm.care.visits.draw("D2", "random", 2, content="affection", by=LEADER)
    choir.say(CallOffDraw("D2", SING), whose=COMPANY)
    choir.tick("2024-04-12", 10)
    one = _open(choir)[0]
    choir.say(NoteVisitAttempt(HOME, one.visit, choir.now(), "phone", "no_answer"))
    choir.later(hours=4)
    choir.say(
        AppointVisit(HOME, one.visit, choir.now() + timedelta(minutes=5), choir.now(), word())
    )
    choir.later(minutes=6)
    choir.say(
        RecordVisit(HOME, one.visit, choir.now(), "phone", OWNER, "ms", True, "B", SING),
        WithdrawVisit(HOME, one.visit, SING),
    )


def _open(choir: Choir) -> list[Any]:
    decider = VISITS.decider
    found, _ = choir.crm.log.fold(VISITS.stream(HOME), decider.evolve, decider.initial)
    assert isinstance(found, Visits)
    return [one for one in found.open() if one.from_at <= choir.now() < one.lapses_at]


def opinions(choir: Choir) -> None:
    """What somebody says of the company."""
    day = choir.on("2024-04-20")
    choir.say(
        RecordOpinion(HOME, "O1", "meeting", OWNER, day, SING),
        WithdrawOpinion(HOME, "O1", day, SING),
    )


def surveys(choir: Choir) -> None:
    """By name and without, and one that is given up."""
    day = choir.on("2024-05-06")
    last = day + timedelta(days=3)
    choir.say(OpenSurvey("Y1", day, last), whose=COMPANY)
    choir.say(OpenSurvey("Y2", day, last, named=True, reason=SING), whose=COMPANY)
    choir.say(OpenSurvey("Y3", day, last), CancelSurvey("Y3", day, SING), whose=COMPANY)
    choir.say(ReachHousehold("Y2", HOME, "paper", day))
    answers = ("overall=5", f"comment={SING}")
    choir.say(
        AnswerByName("Y2", HOME, OWNER, "paper", day, answers, reference=SING),
        WithdrawAnswer("Y2", HOME, day, SING),
    )
    for home in (HOME, OTHER):
        slip = choir.crm.care.surveys.take_slip("Y1", home, "app", by=CLERK)
        choir.crm.care.surveys.cast(slip, ("overall=5",), by=CLERK)
    choir.tick("2024-05-12")


def forum(choir: Choir) -> None:
    """Where owners write, where they meet, and what they are told."""
    day = choir.on("2024-06-03", 8)
    choir.say(WatchForum("F1", "星河", CLERK.id, "09:00", day), whose=COMPANY)
    choir.on("2024-06-03", 9)
    choir.say(CheckForum("F1", choir.now(), 2, SING), whose=COMPANY, by=CLERK)
    for post in ("B1", "B2"):
        choir.say(RecordPost("F1", post, post, day, SING, HOME, OWNER), by=CLERK)
    choir.say(
        TurnPost("F1", "B1", "R11", "repair", "engineering", "general", day, HOME, SING),
        WithdrawPost("F1", "B2", day, SING),
    )
    choir.tick("2024-06-06")
    choir.say(
        ExplainMiss("F1", date(2024, 6, 4), SING), EndWatch("F1", date(2024, 6, 6), SING),
        whose=COMPANY,
    )  # fmt: skip
    day = choir.on("2024-06-07")
    choir.say(HoldOwnersMeeting("M1", "星河", day, SING), whose=COMPANY)
    choir.say(
        RecordAttendance("M1", HOME, OWNER, day), WithdrawAttendance("M1", HOME, OWNER, day, SING)
    )
    choir.say(
        RecordOutlay("X1", "星河", "repairs", 300_00, day, SING), WithdrawOutlay("X1", day, SING),
        whose=COMPANY,
    )  # fmt: skip
    for number in ("P1", "P2", "P3"):
        choir.crm.care.publications.draft(
            number, "statement", "星河", date(2024, 5, 1), date(2024, 5, 31), by=MONEY
        )
    choir.say(
        DecidePublication("P1", True, day), WithdrawPublication("P1", day, SING),
        DecidePublication("P2", False, day, SING), DecidePublication("P3", True, day),
        whose=COMPANY,
    )  # fmt: skip
