"""Inputs that went wrong when life was untidy, kind by kind (K01, K02, K08 to K11, K13)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from crm_adapters import open_crm
from crm_adapters.files.importing import import_files
from crm_core import CRM, Actor, Personal, Refused, Request
from crm_core.kernel.dates import Period
from crm_core.kernel.word import Word
from crm_core.owners import RegisterHousehold
from crm_core.owners.commands import owner_id
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
    GiveUpCommitment,
    MakeCommitment,
    NoteFailedAttempt,
    NoteProgress,
    PauseRequest,
    ReceiveRequest,
    Reclassify,
    Renegotiate,
    Reopen,
    ReportDone,
    ResumeRequest,
)
from crm_core.requests.events import (
    ClockBreached,
    ClockWarned,
    CommitmentBroken,
    CommitmentKept,
    ProgressNoted,
    StepLifted,
)
from crm_core.requests.incidents import GatherRequest, OpenIncident, ResolveIncident
from crm_core.requests.views import request_view

SHANGHAI = timezone(timedelta(hours=8))
LI, WU = Actor("li", "specialist"), Actor("wu", "specialist")
LEADER, OPERATOR = Actor("sun", "supervisor"), Actor("zhao", "operator")
WORD = Word(owner_id("V1"), "phone", "call 77")
ABSENT = "customer_absent"


def at(hour: int, minute: int = 0, day: int = 4) -> datetime:
    """4 March 2024 is a Monday."""
    return datetime(2024, 3, day, hour, minute, tzinfo=SHANGHAI)


def seen(hour: int, minute: int = 0, day: int = 4) -> Evidence:
    return Evidence("gate_log", "page 3", at(hour, minute, day))


@pytest.fixture
def crm(tmp_path: Path) -> Iterator[CRM]:
    """A log in a file, with the household of all cases."""
    with open_crm(f"sqlite:///{tmp_path / 'log.db'}", create=True) as opened:
        owner = Personal(owner_id("V1"), "张三")
        file = RegisterHousehold("V1", "星河", "1", "1", "101", owner=owner)
        opened.do(file, by=LI, at=at(8))
        yield opened


def received(crm: CRM, severity: str = "general", request: str = "R1") -> None:
    asked = ReceiveRequest(
        request=request,
        household="V1",
        channel="phone",
        kind="repair",
        trade="engineering",
        severity=severity,
        summary="水管漏水",
        received_at=at(9),
        first_asked="li",
        place="厨房",
    )
    crm.do(asked, by=LI, at=at(9))


def shown(crm: CRM, now: datetime, request: str = "R1") -> dict[str, Any]:
    state = crm.get(Request, request)
    assert state is not None
    return request_view(state, now, crm.requests.pinned, traced=True)


def verdict(crm: CRM, clock: str, now: datetime, request: str = "R1") -> tuple[bool | None, int]:
    """Whether the clock was kept, and by how much it is over, in its own time."""
    [found] = [
        v
        for v in shown(crm, now, request)["verdicts"]
        if v["clock"] == clock and not v["superseded"]
    ]
    return found["kept"], found["late_seconds"]


def happened(crm: CRM, kind: type, request: str = "R1") -> list[Any]:
    events = [recorded.event for recorded in crm.log.read(f"request/{request}")]
    return [event for event in events if isinstance(event, kind)]


# --- K01: what stops a clock in a pause ----------------------------------------------------------

STOPS_IN_A_PAUSE = (
    (AnswerCustomer("R1", at(12)), LI, "promise-1", -180),
    (MakeCommitment("R1", "fixed", at(18), at(12)), LI, "promise-1", -180),
    (ReportDone("R1", at(12)), OPERATOR, "promise-1", -180),
    (ReportDone("R1", at(12)), OPERATOR, "closing-1", -1680),
    (AcceptCommitment("R1", WORD, at(12), at(18)), LI, "promise-1", -180),
)


@pytest.mark.rule("REQ-12", "REQ-15")
@pytest.mark.case("K01")
@pytest.mark.parametrize(("command", "by", "clock", "left"), STOPS_IN_A_PAUSE)
@pytest.mark.parametrize("ticked", [False, True])
def test_what_stops_a_clock_in_a_pause_is_judged_as_if_the_pause_ended_there(
    crm: CRM, command: Any, by: Actor, clock: str, left: int, *, ticked: bool
) -> None:
    """120 s were counted when the pause began: whatever ends it, that many."""
    received(crm)
    crm.do(PauseRequest("R1", ABSENT, at(9, 2), at(13)), by=LI, at=at(9, 2))
    if ticked:
        crm.tick(at(11, 59))
    crm.do(command, by=by, at=at(12))
    assert verdict(crm, clock, at(12, 1)) == (True, left)
    breached = [e.clock for e in happened(crm, ClockBreached)]
    assert clock not in breached
    assert not happened(crm, CommitmentBroken)


@pytest.mark.rule("REQ-12")
@pytest.mark.case("K01")
def test_the_pause_itself_goes_on_unless_the_event_ends_it(crm: CRM) -> None:
    received(crm)
    crm.do(PauseRequest("R1", ABSENT, at(9, 2), at(13)), by=LI, at=at(9, 2))
    crm.do(AnswerCustomer("R1", at(12)), by=LI, at=at(12))
    assert shown(crm, at(12, 1))["status"] == "paused"
    crm.tick(at(13, 28))
    assert verdict(crm, "closing-1", at(13, 28)) == (None, 0)
    crm.tick(at(13, 29))
    assert verdict(crm, "closing-1", at(13, 29)) == (False, 60)


# --- K02: by how much is counted time ------------------------------------------------------------


@pytest.mark.rule("REQ-15")
@pytest.mark.case("K02")
@pytest.mark.parametrize("ticks", [(), (at(9, 31),), (at(9, 31), at(11), at(12, 5))])
def test_by_how_much_is_counted_and_a_pause_is_none_of_it(
    crm: CRM, ticks: tuple[datetime, ...]
) -> None:
    received(crm)
    for tick in ticks:
        if tick < at(10):
            crm.tick(tick)
    crm.do(PauseRequest("R1", ABSENT, at(10), at(12)), by=LI, at=at(10))
    for tick in ticks:
        if tick > at(10):
            crm.tick(tick)
    crm.do(ReportDone("R1", at(12, 10)), by=OPERATOR, at=at(12, 10))
    assert verdict(crm, "closing-1", at(13)) == (False, 2400)
    [clock] = [c for c in shown(crm, at(13))["clocks"] if c["clock"] == "closing-1"]
    assert clock["counted_seconds"] == 1800 + 2400
    assert [e.at for e in happened(crm, ClockBreached) if e.clock == "closing-1"] == [at(9, 30)]


# --- K08: knowledge that comes late --------------------------------------------------------------


def promised(crm: CRM) -> None:
    received(crm)
    crm.do(MakeCommitment("R1", "fixed", at(10), at(9, 3)), by=LI, at=at(9, 3))


LATE_PAUSE = PauseRequest("R1", ABSENT, at(9, 29), at(12), evidence=seen(9, 28))


@pytest.mark.rule("REQ-09", "REQ-10", "REQ-12")
@pytest.mark.case("K08")
def test_a_pause_typed_in_late_by_another_with_evidence_leaves_no_duty(crm: CRM) -> None:
    promised(crm)
    crm.tick(at(10, 30))
    assert shown(crm, at(10, 31))["apology_owed"]
    crm.do(LATE_PAUSE, by=WU, at=at(10, 35))
    assert not shown(crm, at(10, 36))["apology_owed"]
    lifted = {(e.what, e.clock) for e in happened(crm, StepLifted)}
    assert {("promise_broken", "commitment-1"), ("breached", "closing-1")} <= lifted
    assert {e.because for e in happened(crm, StepLifted)} == {"paused"}
    crm.do(ReportDone("R1", at(12, 10)), by=OPERATOR, at=at(12, 10))
    assert verdict(crm, "commitment-1", at(13)) == (True, -1260)
    crm.do(ConfirmClosing("R1", at(12, 20), "satisfied", WORD), by=LI, at=at(12, 20))
    assert shown(crm, at(13))["status"] == "closed"


@pytest.mark.rule("REQ-09", "REQ-10")
@pytest.mark.case("K08")
@pytest.mark.parametrize(
    ("by", "evidence"),
    [
        (LI, seen(9, 28)),
        (WU, None),
        (WU, seen(10, 34)),
        (WU, Evidence("gate_log", " ", at(9, 28))),
        (Actor("li", "supervisor"), seen(9, 28)),
    ],
    ids=["own", "none", "younger", "nowhere", "own-under-another-role"],
)
def test_what_is_not_shown_by_another_is_kept_and_lifts_nothing(
    crm: CRM, by: Actor, evidence: Evidence | None
) -> None:
    """It counts from when it became known; somebody else can confirm it later."""
    promised(crm)
    crm.tick(at(10, 30))
    late = PauseRequest("R1", ABSENT, at(9, 29), at(12), evidence=evidence)
    crm.do(late, by=by, at=at(10, 35))
    view = shown(crm, at(10, 36))
    assert view["apology_owed"]
    assert view["status"] == "paused"
    assert not happened(crm, StepLifted)
    [entry] = [e for e in view["entries"] if e["what"] == "paused"]
    assert entry["at"] != entry["counts_from"]
    with pytest.raises(Refused, match=r"entry_own|evidence_insufficient"):
        crm.do(ConfirmEntry("R1", entry["entry"], seen(9, 28)), by=LI, at=at(10, 40))
    crm.do(ConfirmEntry("R1", entry["entry"], seen(9, 28)), by=LEADER, at=at(10, 41))
    assert not shown(crm, at(10, 42))["apology_owed"]


@pytest.mark.rule("REQ-09")
@pytest.mark.case("K08")
def test_work_done_in_time_that_came_to_be_known_late_lifts_the_duty(crm: CRM) -> None:
    promised(crm)
    crm.tick(at(11))
    done = ReportDone("R1", at(9, 25), evidence=seen(9, 24))
    crm.do(done, by=OPERATOR, at=at(11, 5))
    assert not shown(crm, at(11, 6))["apology_owed"]
    assert verdict(crm, "commitment-1", at(11, 6)) == (True, -2100)
    assert verdict(crm, "closing-1", at(11, 6)) == (True, -300)
    [kept] = happened(crm, CommitmentKept)
    assert kept.late
    assert kept.kept_at == at(9, 25)


@pytest.mark.rule("REQ-13")
@pytest.mark.case("K08")
def test_what_turns_out_to_have_been_due_is_recorded_late_and_says_so(crm: CRM) -> None:
    """A pause that ended earlier than was thought: the breach is found, and told as late."""
    received(crm)
    crm.do(PauseRequest("R1", ABSENT, at(9, 10), at(12)), by=LI, at=at(9, 10))
    crm.do(NoteProgress("R1", "still away", customer_told=False, noted_at=at(11, 30)), by=LI)
    crm.do(ResumeRequest("R1", at(9, 40)), by=WU, at=at(11, 40))
    found = [e for e in happened(crm, ClockBreached) if e.clock == "closing-1"]
    assert [(e.at, e.late) for e in found] == [(at(10), True)]
    assert verdict(crm, "closing-1", at(11, 40)) == (False, 6000)


# --- K09: closings of a file ---------------------------------------------------------------------

HEADER = "request,household,channel,kind,trade,severity,summary,received_at,due_at,closed_at\n"


def closing_file(folder: Path, *rows: tuple[str, str, str], day: str = "01") -> Path:
    """Requests of that day of March, 9:00, with what was agreed and when they were closed."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [
        f"{number},V1,phone,repair,engineering,general,水管,"
        f"2024-03-{day}T09:00:00+08:00,{due},{closed}\n"
        for number, due, closed in rows
    ]
    path = folder / "requests.csv"
    path.write_text(HEADER + "".join(lines), encoding="utf-8")
    return path


@pytest.mark.rule("REQ-09", "IMP-03")
@pytest.mark.case("K09")
@pytest.mark.parametrize(
    ("closed", "kept"),
    [("2024-03-01T12:00:00+08:00", True), ("2024-03-02T12:00:00+08:00", False)],
    ids=["in-time", "late"],
)
def test_a_closing_that_a_file_brings_late_closes_and_a_late_one_closes_late(
    crm: CRM, tmp_path: Path, closed: str, *, kept: bool
) -> None:
    due = "2024-03-02T09:00:00+08:00"
    opened = closing_file(tmp_path / "open", ("R7", due, ""))
    assert not import_files(crm, [opened], by=LI).faults
    crm.tick(at(9, 0, 3))
    assert shown(crm, at(9, 0, 3), "R7")["apology_owed"]
    weekly = closing_file(tmp_path / "closed", ("R7", due, closed))
    assert not import_files(crm, [weekly], by=LI).faults
    view = shown(crm, at(9, 0, 5), "R7")
    assert (view["status"], view["outcome"]) == ("closed", "unconfirmed")
    assert not view["apology_owed"]
    assert verdict(crm, "closing-1", at(9, 0, 5), "R7")[0] is kept
    assert verdict(crm, "commitment-1", at(9, 0, 5), "R7")[0] is kept


@pytest.mark.rule("REQ-09", "REQ-12")
@pytest.mark.case("K09")
def test_a_closing_of_a_file_closes_what_is_paused_or_was(crm: CRM, tmp_path: Path) -> None:
    first = closing_file(tmp_path / "open", ("R8", "", ""), ("R9", "", ""), day="04")
    assert not import_files(crm, [first], by=LI).faults
    for number, ends in (("R8", at(9, 0, 9)), ("R9", at(9, 30))):
        crm.do(PauseRequest(number, ABSENT, at(9, 10), ends), by=LI, at=at(9, 10))
    rows = [(number, "", "2024-03-04T10:00:00+08:00") for number in ("R8", "R9")]
    weekly = closing_file(tmp_path / "closed", *rows, day="04")
    assert not import_files(crm, [weekly], by=LI).faults
    for number, counted in (("R8", 600), ("R9", 600 + 1800)):
        assert shown(crm, at(11), number)["status"] == "closed"
        assert verdict(crm, "closing-1", at(11), number)[1] == counted - 1800


# --- K10, K11: what is set, and reckoned, in a pause ---------------------------------------------


@pytest.mark.rule("REQ-12", "REQ-13")
@pytest.mark.case("K10")
@pytest.mark.parametrize("ticks", [(), (at(11, 45),), (at(12, 1), at(12, 11))])
def test_what_is_set_anew_in_a_pause_counts_from_receipt_less_the_pauses(
    crm: CRM, ticks: tuple[datetime, ...]
) -> None:
    received(crm, "major")
    crm.do(PauseRequest("R1", ABSENT, at(9, 5), at(12)), by=LI, at=at(9, 5))
    crm.do(Reclassify("R1", "looked at", at(11, 30), severity="general"), by=LI, at=at(11, 30))
    for tick in (*ticks, at(13)):
        crm.tick(tick)
    warned = [(e.percent, e.at) for e in happened(crm, ClockWarned) if e.clock == "closing-1"]
    assert warned == [(50, at(12, 10)), (80, at(12, 19))]
    assert [e.at for e in happened(crm, ClockBreached) if e.clock == "closing-1"] == [at(12, 25)]


@pytest.mark.rule("REQ-07", "REQ-12")
@pytest.mark.case("K11")
def test_what_is_left_does_not_shrink_while_it_stands_still(crm: CRM) -> None:
    """5 h left when it was paused: whoever is told in the pause hears of half of that each time."""
    received(crm, "major")
    crm.do(PauseRequest("R1", ABSENT, at(10), at(18)), by=LI, at=at(10))
    for hour in (11, 12, 13, 14):
        crm.do(NoteProgress("R1", "away", customer_told=True, noted_at=at(hour)), by=LI)
    silences = [e.clocks[0].seconds for e in happened(crm, ProgressNoted)]
    assert silences == [9000] * 4


@pytest.mark.rule("REQ-12")
@pytest.mark.case("K10")
def test_a_promise_does_not_run_on_in_a_pause(crm: CRM) -> None:
    promised(crm)
    crm.do(PauseRequest("R1", ABSENT, at(9, 50), at(11, 50)), by=LI, at=at(9, 50))
    crm.tick(at(12))
    assert not happened(crm, CommitmentBroken)
    crm.tick(at(12, 1))
    assert [e.broken_at for e in happened(crm, CommitmentBroken)] == [at(12)]


# --- K13: staff alone move a promise -------------------------------------------------------------

FAR = datetime(2029, 1, 1, tzinfo=SHANGHAI)


@pytest.mark.rule("REQ-03", "REQ-09", "REQ-10")
@pytest.mark.case("K13")
def test_a_promise_that_staff_alone_move_is_broken(crm: CRM) -> None:
    promised(crm)
    moved = Renegotiate("R1", "fixed", FAR, at(9, 59), "no staff")
    crm.do(moved, by=LI, at=at(9, 59))
    assert shown(crm, at(10))["apology_owed"]
    assert verdict(crm, "commitment-1", at(10))[0] is False
    assert [(e.why, e.broken_at) for e in happened(crm, CommitmentBroken)] == [("moved", at(9, 59))]
    assert not happened(crm, CommitmentKept)


@pytest.mark.rule("REQ-04", "REQ-10")
@pytest.mark.case("K13")
def test_a_promise_that_the_customer_let_move_is_kept_and_its_time_is_the_target(crm: CRM) -> None:
    promised(crm)
    moved = Renegotiate("R1", "fixed", at(15), at(9, 20), "the part comes", word=WORD)
    crm.do(moved, by=WU, at=at(9, 20))
    assert not shown(crm, at(10))["apology_owed"]
    assert verdict(crm, "commitment-1", at(10)) == (True, -2400)
    crm.do(ReportDone("R1", at(15)), by=OPERATOR, at=at(15))
    assert verdict(crm, "closing-1", at(16)) == (True, 0)
    assert verdict(crm, "commitment-2", at(16)) == (True, 0)


@pytest.mark.rule("REQ-10")
@pytest.mark.case("K13")
@pytest.mark.parametrize(
    "command",
    [
        Renegotiate("R1", "fixed", at(12), at(9, 20), "no staff"),
        GiveUpCommitment("R1", at(9, 20), "no staff"),
    ],
)
def test_a_colleague_breaks_nobody_s_promise_and_a_leader_can(crm: CRM, command: Any) -> None:
    promised(crm)
    with pytest.raises(Refused, match="promise_of_another"):
        crm.do(command, by=WU, at=at(9, 20))
    crm.do(command, by=LEADER, at=at(9, 20))
    [broken] = happened(crm, CommitmentBroken)
    assert broken.promised_by == "li"


@pytest.mark.rule("REQ-03")
def test_a_promise_of_nothing_is_none(crm: CRM) -> None:
    received(crm)
    with pytest.raises(Refused, match="outcome_missing"):
        crm.do(MakeCommitment("R1", "  ", at(10), at(9, 3)), by=LI, at=at(9, 3))


@pytest.mark.rule("REQ-09")
def test_the_new_time_stays_owed_until_somebody_promises_one(crm: CRM) -> None:
    promised(crm)
    crm.tick(at(10, 1))
    sorry = Apologise("R1", "we are sorry", "the valve came late", "done tonight", at(10, 5))
    crm.do(sorry, by=LI, at=at(10, 5))
    assert shown(crm, at(10, 6))["new_time_owed"]
    crm.do(MakeCommitment("R1", "fixed", at(12), at(10, 7)), by=LI, at=at(10, 7))
    assert not shown(crm, at(10, 8))["new_time_owed"]


@pytest.mark.rule("REQ-09")
def test_an_apology_can_promise_the_new_time_itself(crm: CRM) -> None:
    promised(crm)
    crm.tick(at(10, 1))
    sorry = Apologise("R1", "sorry", "the valve came late", "tonight", at(10, 5), at(12))
    crm.do(sorry, by=WU, at=at(10, 5))
    assert not shown(crm, at(10, 6))["new_time_owed"]
    crm.tick(at(12, 1))
    assert [e.promised_by for e in happened(crm, CommitmentBroken)] == ["li", "wu"]


@pytest.mark.rule("REQ-09")
@pytest.mark.parametrize(("minute", "evidence"), [(20, None), (40, None), (40, seen(10, 19))])
def test_an_apology_older_than_the_latest_broken_promise_does_not_lift_it(
    crm: CRM, minute: int, evidence: Evidence | None
) -> None:
    promised(crm)
    crm.tick(at(10, 1))
    crm.do(MakeCommitment("R1", "fixed", at(11), at(10, 2)), by=LI, at=at(10, 2))
    crm.tick(at(11, 1))
    old = Apologise("R1", "sorry", "late valve", "tonight", at(10, minute), evidence=evidence)
    crm.do(old, by=WU, at=at(11, 5))
    view = shown(crm, at(11, 6))
    assert view["apology_owed"], "the promise of 11:00 was broken after it"
    assert [c["clock"] for c in view["clocks"] if c["next_step"]].count("apology-2") == 1


# --- incidents, orders, reopening: late and in pauses --------------------------------------------


def incident(crm: CRM) -> None:
    crm.do(OpenIncident("I1", "1 幢", "engineering", "停水", at(8, 50)), by=LI, at=at(8, 50))
    crm.do(GatherRequest("I1", "R1", at(9, 5)), by=LI, at=at(9, 5))


@pytest.mark.rule("REQ-17")
def test_no_incident_reaches_back_before_the_request(crm: CRM) -> None:
    received(crm)
    incident(crm)
    crm.do(ResolveIncident("I1", "water is back", at(8, 55)), by=OPERATOR, at=at(9, 6))
    assert verdict(crm, "closing-1", at(10)) == (True, -1800)
    assert shown(crm, at(10))["clocks"][0]["started_at"] == "2024-03-04T01:00:00Z"


@pytest.mark.rule("REQ-17", "REQ-12")
@pytest.mark.case("K01")
def test_what_an_incident_brings_in_a_pause_is_judged_as_anything_else(crm: CRM) -> None:
    received(crm)
    incident(crm)
    crm.do(PauseRequest("R1", ABSENT, at(9, 10), at(13)), by=LI, at=at(9, 10))
    crm.do(AnswerIncident("I1", "the main is being mended", at(10)), by=LI, at=at(10))
    assert shown(crm, at(10))["status"] == "paused"
    crm.do(ResolveIncident("I1", "water is back", at(12)), by=OPERATOR, at=at(12))
    assert verdict(crm, "closing-1", at(12)) == (True, -1200)


@pytest.mark.rule("REQ-05")
def test_arrival_does_not_begin_anew_with_each_order(crm: CRM) -> None:
    received(crm)
    for minute in (5, 20):
        order = Dispatch("R1", "zhao", "operator", at(9, minute), on_site=True)
        crm.do(order, by=LI, at=at(9, minute))
    crm.do(Arrive("R1", at(9, 36)), by=OPERATOR, at=at(9, 36))
    assert verdict(crm, "arrival-1", at(10)) == (False, 60)
    clocks = [clock["clock"] for clock in shown(crm, at(10))["clocks"]]
    assert [name for name in clocks if name.startswith("arrival")] == ["arrival-1"]


@pytest.mark.rule("REQ-10")
def test_broken_promises_count_for_who_promised_and_not_for_the_owner(crm: CRM) -> None:
    received(crm)
    crm.do(MakeCommitment("R1", "fixed", at(10), at(9, 3)), by=WU, at=at(9, 3))
    crm.tick(at(10, 1))
    assert [e.promised_by for e in happened(crm, CommitmentBroken)] == ["wu"]
    staff = crm.requests.statistics(MARCH).rows["staff"]
    assert (staff["wu"]["promises_broken"], staff["li"]["promises_broken"]) == (1, 0)


@pytest.mark.rule("REQ-16")
def test_what_was_before_a_reopening_can_still_come_to_be_known(crm: CRM) -> None:
    """The first clock's verdict follows late knowledge; the second is not touched by it."""
    received(crm)
    crm.do(ReportDone("R1", at(9, 50)), by=OPERATOR, at=at(9, 50))
    crm.do(ConfirmClosing("R1", at(10), "satisfied", WORD), by=LI, at=at(10))
    crm.do(Reopen("R1", at(11), "leaks again"), by=LI, at=at(11))
    crm.tick(at(11, 10))
    assert verdict(crm, "closing-1", at(11, 10))[0] is False
    late = PauseRequest("R1", ABSENT, at(9, 10), at(9, 45), evidence=seen(9, 9))
    crm.do(late, by=WU, at=at(11, 15))
    assert verdict(crm, "closing-1", at(11, 15)) == (True, -900)
    assert verdict(crm, "closing-2", at(11, 15)) == (None, -900)


# --- statistics ----------------------------------------------------------------------------------

MARCH = Period(date(2024, 3, 1), date(2024, 3, 31))


@pytest.mark.rule("REQ-10", "REQ-15", "REQ-18")
def test_statistics_count_verdicts_as_they_were_known(crm: CRM) -> None:
    """Before the pause was known the promise was broken; since then it is kept, and in time."""
    promised(crm)
    crm.tick(at(10, 30))
    crm.do(LATE_PAUSE, by=WU, at=at(10, 35))
    crm.do(ReportDone("R1", at(12, 1)), by=OPERATOR, at=at(12, 1))
    before = crm.requests.statistics(MARCH, known=at(10, 31))
    assert (before.total["promises_broken"], before.total["promises_kept"]) == (1, 0)
    now = crm.requests.statistics(MARCH)
    assert (now.total["promises_broken"], now.total["promises_kept"]) == (0, 1)
    assert (now.total["done_in_time"], now.total["done_late"]) == (1, 0)
    assert now.rows["household"]["V1"] == now.total == now.rows["kind"]["repair"]
    assert now.rows["staff"]["li"]["promises_kept"] == 1


@pytest.mark.rule("REQ-08", "REQ-18")
def test_unconfirmed_counts_as_nobody_s_opinion(crm: CRM, tmp_path: Path) -> None:
    """Neither what another system closed, nor who was asked in vain."""
    closed = closing_file(tmp_path / "closed", ("R7", "", "2024-03-01T10:00:00+08:00"))
    assert not import_files(crm, [closed], by=LI).faults
    received(crm)
    crm.do(ReportDone("R1", at(9, 10)), by=OPERATOR, at=at(9, 10))
    for day in (4, 5, 6):
        crm.do(NoteFailedAttempt("R1", at(9, 20, day), "phone"), by=LI, at=at(9, 20, day))
    assert shown(crm, at(10, 0, 6))["outcome"] == "unconfirmed"
    total = crm.requests.statistics(MARCH).total
    assert (total["unconfirmed"], total["satisfied"]) == (2, 0)


@pytest.mark.rule("REQ-18")
def test_statistics_count_what_was_put_right_as_what_it_is(crm: CRM) -> None:
    received(crm)
    crm.do(Reclassify("R1", "looked at", at(9, 5), kind="complaint"), by=LI, at=at(9, 5))
    found = crm.requests.statistics(MARCH)
    assert set(found.rows["kind"]) == {"complaint"}


@pytest.mark.rule("REQ-18")
def test_statistics_are_over_all_estates_of_the_company(crm: CRM) -> None:
    owner = Personal(owner_id("V2"), "李四")
    crm.do(RegisterHousehold("V2", "月湖", "2", "1", "102", owner=owner), by=LI, at=at(8))
    received(crm)
    asked = ReceiveRequest(
        request="R2",
        household="V2",
        channel="phone",
        kind="repair",
        trade="engineering",
        severity="general",
        summary="停电",
        received_at=at(9),
        first_asked="li",
    )
    crm.do(asked, by=LI, at=at(9))
    found = crm.requests.statistics(MARCH)
    assert found.total["received"] == 2
    assert {place: row["received"] for place, row in found.rows["place"].items()} == {
        "星河 1": 1,
        "月湖 2": 1,
    }
