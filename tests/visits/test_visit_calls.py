"""How a call goes: script, hours, attempts, who may call, opinions, what is taken back (VIS-04)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import attrs
import pytest
from visiting import (
    CLERK,
    DAY,
    DIRECTOR,
    FITTER,
    HOUR,
    MINUTE,
    OTHER,
    START,
    SUPERVISOR,
    at,
    close,
    estate,
    finished,
    home,
    made,
    now,
    open_visits,
    receive,
    refused,
    repair,
    tick,
    visit,
)

from crm_core import CRM, Actor, Invalid, Refused
from crm_core.kernel.word import Word
from crm_core.privacy.consent import WithdrawConsent
from crm_core.requests import Open, Reopen, Request
from crm_core.slices import shipped
from crm_core.testing import given
from crm_core.visits import (
    VISITS,
    AppointVisit,
    NoteVisitAttempt,
    RecordOccasion,
    WithdrawOccasion,
    WithdrawVisit,
)
from crm_core.visits.commands import Call
from crm_core.visits.events import (
    OccasionRecorded,
    VisitAppointed,
    VisitAttempted,
    VisitCalledOff,
    VisitGivenUp,
    VisitMade,
    VisitScheduled,
    VisitWithdrawn,
)
from crm_core.visits.policy import CONTENTS, DEFAULT_VISITS, VisitPolicy

pytestmark = pytest.mark.rule("VIS-04")

POLICY = shipped().find(VisitPolicy, DEFAULT_VISITS, date(2024, 5, 6))
CALL = Call(
    policy=POLICY,
    hours=POLICY.calendar,
    members=frozenset({"V1#owner", "V1#b"}),
    barred=frozenset(),
    staff=False,
    hands=frozenset({"E1"}),
    trade="engineering",
    severity="major",
    place="",
)
SCHEDULED = VisitScheduled(
    visit="repair_finished:R1",
    household="V1",
    row="repair_finished",
    content="explain",
    purpose="service",
    means=("phone", "home_visit"),
    request="R1",
    occasion=None,
    draw=None,
    since=START,
    from_at=START + 3 * DAY,
    due_at=START + 5 * DAY,
    latest_at=START + 5 * DAY,
    lapses_at=START + 35 * DAY,
    must=True,
    seed="",
    hands=("E1",),
    policy=POLICY.ref,
)
WHEN = START + 3 * DAY  # Thursday, 10:00
RECORD = attrs.evolve(made("repair_finished:R1", WHEN, contact_left="E1"), by=CLERK, call=CALL)
MADE = VisitMade(
    visit="repair_finished:R1",
    household="V1",
    visited_at=WHEN,
    means="phone",
    member="V1#owner",
    address="ms",
    convenient=True,
    opinion="A",
    words="",
    contact_left="E1",
    visited_by="S9",
    successor=None,
    recording=1,
    trade="engineering",
    severity="major",
    place="",
    request="R1",
)
ATTEMPT = NoteVisitAttempt(
    "V1", "repair_finished:R1", WHEN, "phone", "no_answer", by=CLERK, call=CALL
)


def attempted(n: int, when: datetime, **other: Any) -> VisitAttempted:
    values: dict[str, Any] = {
        "means": "phone",
        "result": "no_answer",
        "next_at": when + 3 * HOUR,
        "appointed": False,
        **other,
    }
    return VisitAttempted(
        visit="repair_finished:R1",
        household="V1",
        attempted_at=when,
        attempt=n,
        attempted_by="S9",
        **values,
    )


# --- given, when, then ---------------------------------------------------------------------------


def test_a_visit_that_went_well_is_recorded_with_who_said_what() -> None:
    given(VISITS, SCHEDULED).when(RECORD).then(MADE).state(
        lambda state: state.address_of("V1#owner") == "ms"
    )


def test_who_is_dissatisfied_gets_a_request_and_who_is_fairly_satisfied_gets_none() -> None:
    unhappy = attrs.evolve(RECORD, opinion="C", words="it drips")
    given(VISITS, SCHEDULED).when(unhappy).then(
        attrs.evolve(MADE, opinion="C", words="it drips", successor="V1-repair_finished:R1-1")
    )
    given(VISITS, SCHEDULED).when(attrs.evolve(RECORD, opinion="B")).then(
        attrs.evolve(MADE, opinion="B")
    )


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"visit": "repair_finished:R2"}, "unknown_visit"),
        ({"by": Actor("E1", "supervisor")}, "own_work"),
        ({"means": "sms"}, "unknown_means"),
        ({"visited_at": START + 2 * DAY}, "too_early"),
        ({"visited_at": WHEN + 9 * HOUR}, "outside_hours"),
        ({"visited_at": START + 5 * DAY + 24 * HOUR}, "outside_hours"),
        ({"member": "V2#owner"}, "not_a_member"),
        ({"call": attrs.evolve(CALL, barred=frozenset({"V1#owner"}))}, "do_not_call"),
        ({"call": attrs.evolve(CALL, staff=True)}, "word_of_staff"),
        ({"address": "mate"}, "unknown_address"),
        ({"convenient": None}, "convenience_missing"),
        ({"convenient": False}, "not_convenient"),
        ({"opinion": None}, "unknown_opinion"),
        ({"opinion": "D"}, "unknown_opinion"),
        ({"opinion": "C", "words": " "}, "words_missing"),
        ({"contact_left": ""}, "contact_missing"),
        ({"contact_left": "E2"}, "unknown_contact"),
    ],
)
def test_a_call_that_keeps_to_no_rule_is_not_recorded(change: dict[str, Any], code: str) -> None:
    given(VISITS, SCHEDULED).when(attrs.evolve(RECORD, **change)).refused(code)


def test_who_did_the_work_is_known_by_the_request_as_it_stands_now() -> None:
    late = attrs.evolve(CALL, hands=frozenset({"E1", "S9"}))
    given(VISITS, SCHEDULED).when(attrs.evolve(RECORD, call=late)).refused("own_work", "VIS-04")


def test_in_writing_nobody_is_asked_for_an_opinion() -> None:
    told = attrs.evolve(
        SCHEDULED, visit="repair_arranged:R1", row="repair_arranged", means=("sms",)
    )
    by_sms = attrs.evolve(
        RECORD,
        visit="repair_arranged:R1",
        means="sms",
        convenient=None,
        opinion=None,
        contact_left="",
        visited_at=WHEN + 9 * HOUR,
    )
    given(VISITS, told).when(by_sms).state(lambda state: not list(state.open()))
    given(VISITS, told).when(attrs.evolve(by_sms, opinion="A")).refused("nobody_spoken_to")
    given(VISITS, told).when(attrs.evolve(by_sms, convenient=True)).refused("nobody_spoken_to")


def test_a_visit_is_made_once() -> None:
    again = attrs.evolve(RECORD, visited_at=WHEN + HOUR, by=OTHER)
    given(VISITS, SCHEDULED, MADE).when(again).refused("visit_not_open", "VIS-04")


def test_nobody_is_called_again_within_seven_days_unless_they_asked_for_it_or_complained() -> None:
    other = attrs.evolve(SCHEDULED, visit="repair_finished:R2", request="R2")
    second = attrs.evolve(RECORD, visit="repair_finished:R2", visited_at=WHEN + DAY)
    before = (SCHEDULED, other, MADE)
    given(VISITS, *before).when(second).refused("called_lately", "VIS-04")
    # The same call can serve both.
    given(VISITS, *before).when(attrs.evolve(second, visited_at=WHEN)).state(
        lambda state: not list(state.open())
    )
    after = attrs.evolve(second, visited_at=WHEN + 7 * DAY)
    given(VISITS, *before).when(after).state(lambda state: not list(state.open()))
    asked = VisitAppointed(
        visit="repair_finished:R2",
        household="V1",
        appointed_at=WHEN + DAY,
        said_at=WHEN,
        word=Word("V1#owner", "phone", "8"),
        entered_by="S9",
    )
    given(VISITS, *before, asked).when(second).state(lambda state: not list(state.open()))
    complaint = attrs.evolve(other, visit="complaint_closed:R2", row="complaint_closed")
    about = attrs.evolve(second, visit="complaint_closed:R2", contact_left="")
    given(VISITS, SCHEDULED, complaint, MADE).when(about).state(
        lambda state: not list(state.open())
    )


def test_after_three_attempts_in_vain_nobody_is_tried_any_more() -> None:
    later = attrs.evolve(ATTEMPT, attempted_at=WHEN + 4 * HOUR)
    last = attrs.evolve(ATTEMPT, attempted_at=WHEN + DAY)
    given(VISITS, SCHEDULED).when(ATTEMPT, later, last).then(
        attempted(1, WHEN),
        # Three hours of calling later: 18:00 ends the day, so on Friday at 11:00.
        attempted(2, WHEN + 4 * HOUR, next_at=WHEN + 7 * HOUR),
        attempted(3, WHEN + DAY),
        VisitGivenUp("repair_finished:R1", "V1", "unreached", 3, WHEN + DAY),
    ).state(lambda state: not list(state.open()))
    past = (SCHEDULED, VisitGivenUp("repair_finished:R1", "V1", "unreached", 3, WHEN + DAY))
    given(VISITS, *past).when(attrs.evolve(ATTEMPT, attempted_at=WHEN + 2 * DAY)).refused(
        "visit_not_open"
    )
    # Who calls back is heard all the same.
    given(VISITS, *past).when(attrs.evolve(RECORD, visited_at=WHEN + DAY + HOUR)).state(
        lambda state: state.visit("repair_finished:R1").status == "made"
    )


def test_calls_within_minutes_are_one_attempt() -> None:
    """A clerk in a hurry lets it ring three times and calls it a day."""
    soon = [attrs.evolve(ATTEMPT, attempted_at=WHEN + n * MINUTE) for n in (1, 2, 3)]
    given(VISITS, SCHEDULED).when(ATTEMPT, *soon).state(
        lambda state: [(one.attempts, one.status) for one in state.every()] == [(1, "open")]
    )
    given(VISITS, SCHEDULED).when(ATTEMPT, *soon).state(
        lambda state: state.visit("repair_finished:R1").next_at == WHEN + 3 * HOUR + 3 * MINUTE
    )
    # Before the time that they named nobody waits for a call.
    busy = attrs.evolve(ATTEMPT, result="not_convenient", agreed_at=WHEN + DAY)
    before = attrs.evolve(ATTEMPT, attempted_at=WHEN + 6 * HOUR)
    then = attrs.evolve(ATTEMPT, attempted_at=WHEN + DAY - 30 * MINUTE)
    given(VISITS, SCHEDULED).when(busy, before).state(
        lambda state: state.visit("repair_finished:R1").attempts == 1
    )
    given(VISITS, SCHEDULED).when(busy, then).state(
        lambda state: state.visit("repair_finished:R1").attempts == 2
    )
    # Who refuses is not tried again, however soon that is.
    no = attrs.evolve(soon[0], result="refused")
    given(VISITS, SCHEDULED).when(ATTEMPT, no).state(
        lambda state: state.visit("repair_finished:R1").why == "refused"
    )


def test_the_time_after_an_attempt_counts_while_calls_are_made() -> None:
    friday = datetime(2024, 5, 10, 8, tzinfo=UTC)  # 16:00
    given(VISITS, SCHEDULED).when(attrs.evolve(ATTEMPT, attempted_at=friday)).then(
        attempted(1, friday, next_at=datetime(2024, 5, 13, 2, tzinfo=UTC))
    )


def test_who_refuses_is_not_tried_again() -> None:
    given(VISITS, SCHEDULED).when(attrs.evolve(ATTEMPT, result="refused")).state(
        lambda state: state.visit("repair_finished:R1").why == "refused"
    )


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"result": "asleep"}, "unknown_result"),
        ({"visit": "x"}, "unknown_visit"),
        ({"by": Actor("E1", "specialist")}, "own_work"),
        ({"attempted_at": WHEN + 9 * HOUR}, "outside_hours"),
        ({"result": "not_there"}, "no_appointment"),
        ({"result": "missed_by_us"}, "no_appointment"),
        ({"result": "not_convenient", "agreed_at": WHEN}, "too_early"),
    ],
)
def test_an_attempt_that_cannot_be_is_none(change: dict[str, Any], code: str) -> None:
    given(VISITS, SCHEDULED).when(attrs.evolve(ATTEMPT, **change)).refused(code, "VIS-04")


def test_an_attempt_is_told_once() -> None:
    given(VISITS, SCHEDULED, attempted(1, WHEN)).when(ATTEMPT).refused("attempt_exists")


def test_a_time_that_suits_the_member_lies_at_any_hour() -> None:
    evening = WHEN + 9 * HOUR  # 19:00
    busy = attrs.evolve(ATTEMPT, result="not_convenient", agreed_at=evening)
    early = attrs.evolve(RECORD, visited_at=evening - 30 * MINUTE)
    given(VISITS, SCHEDULED).when(busy, early).state(lambda state: not list(state.open()))
    too_early = attrs.evolve(RECORD, visited_at=evening - 31 * MINUTE)
    given(VISITS, SCHEDULED).when(busy, too_early).refused("outside_hours")


def test_an_appointment_that_is_missed_leads_to_the_next_attempt() -> None:
    appoint = AppointVisit(
        household="V1",
        visit="repair_finished:R1",
        at=WHEN + HOUR,
        said_at=WHEN,
        word=Word("V1#owner", "phone", "8"),
        by=CLERK,
        call=CALL,
    )
    missed = attrs.evolve(ATTEMPT, attempted_at=WHEN + HOUR, result="not_there")
    found = given(VISITS, SCHEDULED).when(appoint, missed)
    found.state(lambda state: state.visit("repair_finished:R1").attempts == 1)
    found.state(lambda state: state.visit("repair_finished:R1").next_at == WHEN + 4 * HOUR)
    found.state(lambda state: state.visit("repair_finished:R1").appointed_at is None)
    # That we did not come is not held against who waited.
    ours = attrs.evolve(missed, result="missed_by_us", attempted_at=WHEN + 9 * HOUR)
    given(VISITS, SCHEDULED).when(appoint, ours).state(
        lambda state: state.visit("repair_finished:R1").attempts == 0
    )
    given(VISITS, SCHEDULED).when(attrs.evolve(appoint, at=WHEN - DAY)).refused("too_early")
    given(VISITS, SCHEDULED).when(appoint, appoint).state(lambda state: state.told == 2)


def test_what_was_made_before_it_was_called_off_is_recorded_afterwards() -> None:
    off = VisitCalledOff("repair_finished:R1", "V1", "matter", WHEN + HOUR)
    given(VISITS, SCHEDULED, off).when(RECORD).then(MADE)
    late = attrs.evolve(RECORD, visited_at=WHEN + 2 * HOUR)
    given(VISITS, SCHEDULED, off).when(late).refused("visit_not_open")


@pytest.mark.rule("LOG-06")
def test_a_visit_recorded_by_mistake_is_made_again_and_its_number_of_requests_is_another() -> None:
    withdraw = WithdrawVisit("V1", "repair_finished:R1", "another flat", by=SUPERVISOR)
    unhappy = attrs.evolve(MADE, opinion="C", words="no", successor="V1-repair_finished:R1-1")
    taken_back = VisitWithdrawn(
        visit="repair_finished:R1",
        household="V1",
        reason="another flat",
        withdrawn_by="S2",
        successor="V1-repair_finished:R1-1",
    )
    given(VISITS, SCHEDULED, unhappy).when(withdraw).then(taken_back)
    again = attrs.evolve(RECORD, opinion="C", words="no")
    given(VISITS, SCHEDULED, unhappy, taken_back).when(again).then(
        attrs.evolve(unhappy, recording=2, successor="V1-repair_finished:R1-2")
    )
    given(VISITS, SCHEDULED).when(withdraw).refused("visit_not_made", "VIS-04")
    given(VISITS, SCHEDULED, MADE).when(attrs.evolve(withdraw, reason=" ")).refused(
        "reason_missing", "LOG-06"
    )
    given(VISITS).when(withdraw).refused("unknown_visit")


@pytest.mark.rule("VIS-01")
def test_an_occasion_is_told_once_and_its_number_is_not_used_again() -> None:
    record = RecordOccasion("V1", "O1", "installation", date(2024, 5, 6), "order 7", by=CLERK)
    recorded = OccasionRecorded(
        occasion="O1",
        household="V1",
        kind="installation",
        on=date(2024, 5, 6),
        until=None,
        reference="order 7",
        recorded_by="S9",
    )
    given(VISITS).when(record).then(recorded)
    given(VISITS, recorded).when(attrs.evolve(record, by=OTHER)).nothing()
    given(VISITS, recorded).when(attrs.evolve(record, reference="8")).refused("occasion_exists")
    given(VISITS).when(attrs.evolve(record, kind="party")).refused("unknown_occasion", "VIS-01")
    given(VISITS).when(attrs.evolve(record, reference="")).refused("reference_missing")
    given(VISITS).when(attrs.evolve(record, until=date(2024, 6, 1))).refused("until_wrong")
    service = attrs.evolve(record, kind="special_service")
    given(VISITS).when(service).refused("until_wrong")
    given(VISITS).when(attrs.evolve(service, until=date(2024, 5, 5))).refused("until_wrong")
    withdraw = WithdrawOccasion("V1", "O1", "another flat", by=CLERK)
    given(VISITS).when(withdraw).refused("occasion_unknown")
    given(VISITS, recorded).when(attrs.evolve(withdraw, reason="")).refused("reason_missing")
    given(VISITS, recorded).when(withdraw, withdraw).state(lambda state: not [*state.standing()])
    given(VISITS, recorded).when(withdraw, record).refused("occasion_withdrawn")


# --- with everything around it -------------------------------------------------------------------


@pytest.fixture
def crm() -> Iterator[CRM]:
    with estate() as opened:
        finished(opened, severity="major")
        tick(opened)
        at(opened, WHEN)
        yield opened


def test_dissatisfaction_opens_a_request_once_however_often_it_is_sent(crm: CRM) -> None:
    call = made("repair_finished:R1", WHEN, opinion="C", words="it drips again", contact_left="E1")
    first = crm.do(call, by=CLERK, id="visit-1")
    assert crm.do(call, by=CLERK, id="visit-1") == first
    found = crm.get(Request, "V1-repair_finished:R1-1", by=CLERK, purpose="service")
    assert isinstance(found, Open)
    assert (found.kind, found.received.channel, found.owner) == ("complaint", "phone", "S9")
    assert (found.received.asked_by, found.received.follows) == ("V1#owner", "R1")
    assert (found.received.summary, found.trade) == ("it drips again", "engineering")
    received = list(crm.log.feed(names={"requests.received/1"}))
    assert len(received) == 2
    assert received[-1].envelope.causation is not None


def test_two_who_record_it_at_once_open_one_request(crm: CRM) -> None:
    call = made("repair_finished:R1", WHEN, opinion="C", words="no", contact_left="E1")
    crm.do(call, by=CLERK)
    again = attrs.evolve(call, visited_at=WHEN)
    assert refused(crm, again, OTHER) == ("visit_not_open", "VIS-04")
    assert len([*crm.log.feed(names={"requests.received/1"})]) == 2


@pytest.mark.rule("LOG-08")
def test_nobody_visits_about_their_own_work_under_any_role(crm: CRM) -> None:
    call = made("repair_finished:R1", WHEN, contact_left="E1")
    for role in ("specialist", "supervisor", "director"):
        assert refused(crm, call, Actor("E1", role)) == ("own_matter", "LOG-08")
        assert not [t for t in crm.todo(by=Actor("E1", role)) if t.what == "visit"]
        assert not crm.care.visits.due(by=Actor("E1", role))
        with pytest.raises(Refused, match="own_work"):
            crm.care.visits.script("V1", "repair_finished:R1", by=Actor("E1", role))
    assert [t.subject for t in crm.todo(by=CLERK) if t.what == "visit"] == ["repair_finished:R1"]
    assert refused(crm, call, FITTER)[0] == "role_insufficient"


@pytest.mark.rule("LOG-08")
def test_who_recorded_a_visit_does_not_make_it_go_away(crm: CRM) -> None:
    crm.do(made("repair_finished:R1", WHEN, contact_left="E1"), by=SUPERVISOR)
    withdraw = WithdrawVisit("V1", "repair_finished:R1", "another flat")
    assert refused(crm, withdraw, SUPERVISOR) == ("own_matter", "LOG-08")
    assert refused(crm, withdraw, CLERK)[0] == "role_insufficient"
    crm.do(withdraw, by=DIRECTOR)
    assert open_visits(crm) == {"repair_finished:R1"}
    assert tick(crm) == 0


@pytest.mark.rule("OWN-03")
def test_a_visit_stands_in_the_contact_log_of_the_file_until_it_is_withdrawn(crm: CRM) -> None:
    def log() -> list[tuple[str, str, str]]:
        file = crm.owners.file("V1", by=CLERK, purpose="care")
        assert file is not None
        told = [one for one in file.contact_log if one.number == "repair_finished:R1"]
        assert file.figures.contacts == len(file.contact_log)
        return [(one.what, one.channel, one.number) for one in told]

    assert log() == []
    crm.do(made("repair_finished:R1", WHEN, contact_left="E1"), by=SUPERVISOR)
    assert log() == [("visit", "phone", "repair_finished:R1")]
    crm.do(WithdrawVisit("V1", "repair_finished:R1", "another flat"), by=DIRECTOR)
    assert log() == []


@pytest.mark.rule("PRV-05")
def test_who_may_not_be_called_is_not(crm: CRM) -> None:
    home(crm, "V9", moved_in=date(2023, 12, 1))
    tick(crm)
    number = "months_4_6:in-2023-12-01"
    assert visit(crm, number, "V9").from_at < WHEN
    crm.do(WithdrawConsent("V9", "V9#owner", "care", WHEN), by=CLERK)
    assert refused(crm, made(number, WHEN, "V9")) == ("do_not_call", "VIS-04")
    said = crm.care.visits.script("V9", number, by=CLERK)
    assert (said.may_call, said.barred) == (False, ("V9#owner",))
    assert "do_not_call" in said.because


def test_a_stranger_and_a_member_of_staff_are_no_member(crm: CRM) -> None:
    call = made("repair_finished:R1", WHEN, contact_left="E1", member="V2#owner")
    assert refused(crm, call) == ("not_a_member", "VIS-04")


def test_nobody_says_what_the_library_looks_up(crm: CRM) -> None:
    call = made("repair_finished:R1", WHEN, contact_left="E1")
    with pytest.raises(Invalid, match="call"):
        crm.do(attrs.evolve(call, call=CALL), by=CLERK)


def test_visits_that_are_due_wait_for_the_desk_until_they_are_made_or_lapse(crm: CRM) -> None:
    def waits(when: datetime) -> list[str]:
        return [t.subject for t in crm.todo(by=CLERK, now=when) if t.what == "visit"]

    found = visit(crm, "repair_finished:R1")
    assert waits(found.from_at - MINUTE) == []
    assert waits(found.from_at) == ["repair_finished:R1"]
    assert waits(found.lapses_at - MINUTE) == ["repair_finished:R1"]
    assert waits(found.lapses_at) == []
    attempt = NoteVisitAttempt("V1", "repair_finished:R1", WHEN, "phone", "no_answer")
    crm.do(attempt, by=CLERK)
    assert waits(WHEN + HOUR) == []
    assert waits(WHEN + 3 * HOUR) == ["repair_finished:R1"]
    at(crm, WHEN + 3 * HOUR)
    crm.do(made("repair_finished:R1", now(crm), contact_left="E1"), by=CLERK)
    assert waits(WHEN + 4 * HOUR) == []


def test_the_script_greets_by_the_form_of_address_and_names_who_did_the_repair(crm: CRM) -> None:
    said = crm.care.visits.script("V1", "repair_finished:R1", by=CLERK, lang="en")
    assert said.may_call
    assert (said.member, said.address, said.attempts_left) == ("V1#owner", "neutral", 3)
    assert said.lines[0] == ("Good day, Li Hua! This is S9 of the customer service centre of Anhe.")
    assert "convenient" in said.lines[1]
    assert "E1" in said.lines[3]
    chinese = crm.care.visits.script("V1", "repair_finished:R1", by=CLERK, lang="zh")
    assert chinese.lines[0] == "您好，Li Hua业主！我是Anhe物业客户服务中心的S9。"
    crm.do(made("repair_finished:R1", WHEN, contact_left="E1", address="ms"), by=CLERK)
    receive(crm, "R2", severity="major")
    at(crm, WHEN + MINUTE)
    repair(crm, "R2")
    close(crm, "R2")
    tick(crm)
    late = crm.care.visits.script(
        "V1", "repair_finished:R2", by=CLERK, lang="en", now=WHEN + 9 * HOUR
    )
    assert late.lines[0].startswith("Good day, Ms Li Hua!")
    assert set(late.because) == {"too_early", "outside_hours", "called_lately"}
    # Three days later is a Sunday; calls are made again on Monday at 9:00.
    assert late.next_at == datetime(2024, 5, 13, 1, tzinfo=UTC)


def test_a_visit_that_is_not_there_has_no_script(crm: CRM) -> None:
    with pytest.raises(Invalid, match="no visit"):
        crm.care.visits.script("V1", "nothing", by=CLERK)


@pytest.mark.rule("VIS-03")
def test_there_are_six_contents_and_each_has_its_words() -> None:
    assert CONTENTS == (
        "explain", "publicity", "affection", "mediation", "suggestion", "guidance"
    )  # fmt: skip
    for lang in ("zh", "en"):
        assert set(POLICY.script[lang].contents) == set(CONTENTS)


def test_hours_are_those_of_working_days() -> None:
    hours = POLICY.under(())
    assert hours.working(datetime(2024, 5, 6, 1, tzinfo=UTC))
    assert not hours.working(datetime(2024, 5, 6, 0, 59, tzinfo=UTC))
    assert not hours.working(datetime(2024, 5, 6, 10, tzinfo=UTC))
    assert not hours.working(datetime(2024, 5, 12, 2, tzinfo=UTC))


def test_an_opened_request_that_is_closed_is_visited_like_any_other(crm: CRM) -> None:
    crm.do(made("repair_finished:R1", WHEN, opinion="C", words="no", contact_left="E1"), by=CLERK)
    repair(crm, "V1-repair_finished:R1-1")
    close(crm, "V1-repair_finished:R1-1")
    tick(crm)
    assert "complaint_closed:V1-repair_finished:R1-1" in open_visits(crm)


def test_a_visit_made_stays_made_when_its_request_is_opened_again(crm: CRM) -> None:
    crm.do(made("repair_finished:R1", WHEN, contact_left="E1"), by=CLERK)
    crm.do(Reopen("R1", WHEN, "again"), by=CLERK)
    tick(crm)
    assert visit(crm, "repair_finished:R1").status == "made"
