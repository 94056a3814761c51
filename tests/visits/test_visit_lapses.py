"""What nobody made until it was too late, and who does not work here any more (VIS-04)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
from visiting import (
    CLERK,
    DAY,
    DIRECTOR,
    MINUTE,
    START,
    SUPERVISOR,
    at,
    estate,
    finished,
    made,
    now,
    open_visits,
    receive,
    refused,
    state,
    tick,
    visit,
)

from crm_core import CRM
from crm_core.kernel.dates import Period
from crm_core.owners import MergeHousehold
from crm_core.requests import MarkDuplicate, UndoDuplicate
from crm_core.staff import EndStaffRole, RecordTraining, RecordUndertaking, RegisterStaff
from crm_core.visits import NoteVisitAttempt, WithdrawVisit
from crm_core.visits.events import VisitGivenUp, VisitScheduled

pytestmark = pytest.mark.rule("VIS-04")

REPAIR = "repair_finished:R1"
WHEN = START + 3 * DAY


@pytest.fixture
def crm() -> Iterator[CRM]:
    """A repair that was urgent is closed, and its visit scheduled."""
    with estate(households=3) as opened:
        finished(opened, severity="major")
        tick(opened)
        yield opened


def lapse(crm: CRM) -> None:
    at(crm, visit(crm, REPAIR).lapses_at + MINUTE)
    tick(crm)


def test_a_visit_that_nobody_made_is_given_up_once_its_time_is_over(crm: CRM) -> None:
    ends = visit(crm, REPAIR).lapses_at
    at(crm, ends - MINUTE)
    assert tick(crm) == 0
    at(crm, ends + MINUTE)
    assert tick(crm) == 1
    assert tick(crm) == 0
    events = [one.event for one in crm.history("visits/V1")]
    assert [type(one) for one in events] == [VisitScheduled, VisitGivenUp]
    assert (events[-1].why, events[-1].at, events[-1].attempts) == ("lapsed", ends, 0)
    assert not open_visits(crm)
    may = Period(date(2024, 5, 1), date(2024, 5, 31))
    [found] = [r for r in crm.care.visits.coverage(may).rows if r.row == "repair_finished"]
    # Who was tried in vain was given up; here nobody tried.
    assert (found.missed, found.given_up, found.met) == (1, 0, False)


def test_a_clock_that_stood_still_gives_up_all_that_lapsed_meanwhile(crm: CRM) -> None:
    finished(crm, "R2", "V2", severity="major")
    tick(crm)
    at(crm, START + 400 * DAY)
    tick(crm)
    for household in ("V1", "V2"):
        assert {one.why for one in state(crm, household).every()} == {"lapsed"}


def test_what_was_made_in_time_is_recorded_after_it_lapsed_and_nothing_later(crm: CRM) -> None:
    lapse(crm)
    late = made(REPAIR, visit(crm, REPAIR).lapses_at, contact_left="E1")
    assert refused(crm, late) == ("visit_not_open", "VIS-04")
    crm.do(made(REPAIR, WHEN, contact_left="E1"), by=CLERK)
    assert visit(crm, REPAIR).status == "made"
    # A record that was none leaves the visit as it was: nobody made it, and it is too late.
    crm.do(WithdrawVisit("V1", REPAIR, "another flat"), by=SUPERVISOR)
    tick(crm)
    assert visit(crm, REPAIR).why == "lapsed"


@pytest.mark.rule("VIS-04")
def test_who_was_called_lately_is_not_tried_either_and_who_had_no_time_was_called(crm: CRM) -> None:
    """Given a household that was called on Thursday, when somebody rings them on Friday for another
    visit, then that is refused, whether they answer or not.
    """
    finished(crm, "R2", "V1", severity="major")
    tick(crm)
    other = "repair_finished:R2"
    at(crm, WHEN)
    busy = NoteVisitAttempt("V1", REPAIR, WHEN, "phone", "not_convenient")
    crm.do(busy, by=CLERK)
    friday = at(crm, WHEN + DAY)
    for result in ("no_answer", "not_convenient"):
        again = NoteVisitAttempt("V1", other, friday, "phone", result)
        assert refused(crm, again) == ("called_lately", "VIS-04")
    assert refused(crm, made(other, friday, contact_left="E1")) == ("called_lately", "VIS-04")
    # The visit for which they had no time is tried again, as it was to be.
    crm.do(NoteVisitAttempt("V1", REPAIR, friday, "phone", "no_answer"), by=CLERK)
    # Nobody was spoken to: that is in nobody's way a week after Thursday.
    week = at(crm, WHEN + 7 * DAY)
    crm.do(NoteVisitAttempt("V1", other, week, "phone", "no_answer"), by=CLERK)


def test_what_was_called_off_and_is_called_for_too_late_is_not_scheduled_again(crm: CRM) -> None:
    receive(crm, "R2")
    crm.do(MarkDuplicate("R1", "R2", "the same door"), by=CLERK)
    tick(crm)
    assert visit(crm, REPAIR).why == "matter"
    at(crm, visit(crm, REPAIR).lapses_at + MINUTE)
    crm.do(UndoDuplicate("R1", "another door", now(crm)), by=CLERK)
    tick(crm)
    assert visit(crm, REPAIR).status == "called_off"
    scheduled = [r for r in crm.history("visits/V1") if isinstance(r.event, VisitScheduled)]
    assert [r.event.visit for r in scheduled].count(REPAIR) == 1


def test_who_was_called_as_another_file_of_the_household_is_left_in_peace(crm: CRM) -> None:
    """Called on Thursday, merged on Friday: on Monday they are the same people."""
    finished(crm, "R2", "V2", severity="major")
    tick(crm)
    at(crm, WHEN)
    crm.do(made(REPAIR, WHEN, contact_left="E1"), by=CLERK)
    at(crm, WHEN + DAY)
    crm.do(MergeHousehold("V1", "V2", date(2024, 5, 10), "the same flat"), by=SUPERVISOR)
    monday = at(crm, WHEN + 4 * DAY)
    tick(crm)
    call = made("repair_finished:R2", monday, "V2", contact_left="E1")
    assert refused(crm, call) == ("called_lately", "VIS-04")
    said = crm.care.visits.script("V2", "repair_finished:R2", by=CLERK, lang="en")
    assert "called_lately" in said.because
    at(crm, WHEN + 7 * DAY)
    crm.do(made("repair_finished:R2", now(crm), "V2", contact_left="E1"), by=CLERK)


def test_the_contact_of_who_does_not_work_here_any_more_is_not_left(crm: CRM) -> None:
    long_ago = date(2020, 1, 1)
    for staff, role in (("D1", "director"), ("S9", "specialist"), ("E1", "operator")):
        crm.do(RegisterStaff(staff, role, long_ago), by=DIRECTOR)
    crm.do(RecordUndertaking("S9", "N-1", long_ago, date(2025, 1, 1)), by=DIRECTOR)
    crm.do(RecordTraining("S9", "PIPL", long_ago, date(2025, 1, 1)), by=DIRECTOR)
    crm.do(EndStaffRole("E1", "operator", date(2024, 5, 7), "left"), by=DIRECTOR)
    at(crm, WHEN)
    said = crm.care.visits.script("V1", REPAIR, by=CLERK, lang="en")
    assert not any("E1" in line for line in said.lines)
    assert refused(crm, made(REPAIR, WHEN, contact_left="E1")) == ("unknown_contact", "VIS-04")
    crm.do(made(REPAIR, WHEN), by=CLERK)
    assert visit(crm, REPAIR).status == "made"


def test_a_visit_that_a_draw_brought_lapses_like_any_other(crm: CRM) -> None:
    crm.care.visits.draw("D1", "random", 3, by=SUPERVISOR)
    at(crm, visit(crm, "draw:D1", "V3").lapses_at + MINUTE)
    tick(crm)
    assert visit(crm, "draw:D1", "V3").why == "lapsed"
