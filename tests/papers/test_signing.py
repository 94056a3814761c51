"""Papers that are reviewed and approved as a whole (REP-01)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from attrs import define

from crm_adapters import open_crm
from crm_core import CRM, Actor, Invalid, Refused
from crm_core.application.papers import PAPERS
from crm_core.application.papers.model import APPROVED, REVIEWED, Stamp
from crm_core.kernel.dates import start_of_day
from crm_core.owners import RegisterHousehold
from crm_core.payments.commands import RaiseCharge
from crm_core.signing import ApprovePaper, PaperApproved, ReviewPaper

BOSS, DIRECTOR = Actor("S2", "supervisor"), Actor("S1", "director")
MANAGER = Actor("S3", "manager")
CLERK = Actor("S17", "specialist")
HOME = "V00001"
TABLE = "credit-table"
DAY = date(2024, 6, 30)


@define
class Clock:
    at: datetime

    def now(self) -> datetime:
        return self.at


SIGNED = ("credit-table", "return-visits", "work-record")


@pytest.fixture
def crm() -> Iterator[CRM]:
    with open_crm("memory:") as opened:
        opened.host.clock = Clock(start_of_day(date(2024, 7, 3)) + timedelta(hours=10))
        opened.do(RegisterHousehold(HOME, "estate", "1", "1", "101", kind="person"), by=CLERK)
        charge(opened, "C1", date(2024, 6, 1))
        yield opened


def charge(crm: CRM, number: str, due: date) -> None:
    raised = RaiseCharge(HOME, number, "management_fee", "2024-06", 100_00, due)
    crm.do(raised, by=Actor("F1", "finance"))


def later(crm: CRM, days: int = 1) -> date:
    crm.clock.at += timedelta(days=days)  # type: ignore[attr-defined]
    now: datetime = crm.clock.now()
    return now.date()


def stamps(crm: CRM, **how: Any) -> dict[str, tuple[str, str]]:
    made = crm.papers.paper(TABLE, by=BOSS, purpose="collection", on=DAY, **how)
    return {one.what: (str(one.on), one.by) for one in made.stamps if one.on is not None}


def why(crm: CRM, command: Any, by: Actor) -> str:
    with pytest.raises(Refused) as caught:
        crm.do(command, by=by)
    return caught.value.refusal.code


@pytest.mark.rule("REP-01")
def test_what_is_reviewed_and_approved_says_so_on_every_copy(crm: CRM) -> None:
    """Given a credit table, when a supervisor reviews it and a manager approves it a day later,
    then every copy bears both days, with the places and without."""
    assert set(stamps(crm)) == {"drafted"}
    crm.do(ReviewPaper(TABLE, "", DAY), by=BOSS)
    assert stamps(crm)[REVIEWED] == ("2024-07-03", "S2")
    assert APPROVED not in stamps(crm)
    later(crm)
    crm.do(ApprovePaper(TABLE, "", DAY), by=MANAGER)
    for options in ((), ("places",)):
        assert stamps(crm, options=options)[REVIEWED] == ("2024-07-03", "S2")
        assert stamps(crm, options=options)[APPROVED] == ("2024-07-04", "S3")
    # Of another day it is another paper.
    made = crm.papers.paper(TABLE, by=BOSS, on=date(2024, 6, 29))
    assert Stamp(REVIEWED, None, "") in made.stamps


@pytest.mark.rule("REP-01")
def test_a_fact_that_comes_to_be_known_since_makes_it_another_paper(crm: CRM) -> None:
    """What nobody looked over bears no stamp; as it was known then, it still does."""
    crm.do(ReviewPaper(TABLE, "", DAY), by=BOSS)
    crm.do(ApprovePaper(TABLE, "", DAY), by=MANAGER)
    then = crm.clock.now()
    later(crm)
    charge(crm, "C2", date(2024, 7, 4))  # Not of that day: the table says the same.
    assert {REVIEWED, APPROVED} <= set(stamps(crm))
    later(crm)
    charge(crm, "C3", date(2024, 5, 1))
    assert set(stamps(crm)) == {"drafted"}
    assert {REVIEWED, APPROVED} <= set(stamps(crm, known=then))
    # Reviewed anew it waits for an approval anew.
    crm.do(ReviewPaper(TABLE, "", DAY), by=BOSS)
    assert (stamps(crm)[REVIEWED], APPROVED in stamps(crm)) == (("2024-07-05", "S2"), False)
    crm.do(ApprovePaper(TABLE, "", DAY), by=MANAGER)
    assert stamps(crm)[APPROVED] == ("2024-07-05", "S3")


@pytest.mark.rule("REP-01", "LOG-08")
def test_who_reviews_again_takes_no_approval_away(crm: CRM) -> None:
    """A supervisor cannot undo what the director approved, as long as it says the same."""
    crm.do(ReviewPaper(TABLE, "", DAY), by=BOSS)
    crm.do(ApprovePaper(TABLE, "", DAY), by=DIRECTOR)
    later(crm)
    crm.do(ReviewPaper(TABLE, "", DAY), by=BOSS)
    assert stamps(crm)[REVIEWED] == ("2024-07-04", "S2")
    assert stamps(crm)[APPROVED] == ("2024-07-03", "S1")
    crm.do(ApprovePaper(TABLE, "", DAY), by=MANAGER)
    assert stamps(crm)[APPROVED] == ("2024-07-04", "S3")


@pytest.mark.rule("REP-01")
def test_what_is_approved_is_what_was_reviewed(crm: CRM) -> None:
    """A fact between review and approval is in neither."""
    crm.do(ReviewPaper(TABLE, "", DAY), by=BOSS)
    charge(crm, "C3", date(2024, 5, 1))
    crm.do(ApprovePaper(TABLE, "", DAY), by=MANAGER)
    reviewed, approved = crm.log.feed(
        names=["signing.paper_reviewed/1", "signing.paper_approved/1"]
    )
    assert reviewed.event.position == approved.event.position == reviewed.position - 1
    assert set(stamps(crm)) == {"drafted"}


@pytest.mark.rule("REP-01", "LOG-08")
def test_nobody_approves_what_they_reviewed_themselves(crm: CRM) -> None:
    crm.do(ReviewPaper(TABLE, "", DAY), by=MANAGER)
    assert why(crm, ApprovePaper(TABLE, "", DAY), MANAGER) == "own_proposal"
    assert why(crm, ApprovePaper(TABLE, "", DAY), Actor("S3", "director")) == "own_proposal"
    assert why(crm, ApprovePaper(TABLE, "", DAY), BOSS) == "role_insufficient"
    assert why(crm, ReviewPaper(TABLE, "", DAY), CLERK) == "role_insufficient"
    crm.do(ApprovePaper(TABLE, "", DAY), by=DIRECTOR)
    assert why(crm, ApprovePaper(TABLE, "", DAY), DIRECTOR) == "paper_approved"


@pytest.mark.rule("REP-01")
def test_a_paper_that_there_is_not_is_not_signed(crm: CRM) -> None:
    assert {name for name, paper in PAPERS.items() if paper.is_signed} == set(SIGNED)
    for paper, about, code in (
        ("maintenance-plan", "P1", "unknown_paper"),
        ("novel", "", "unknown_paper"),
        (TABLE, "2024", "paper_about_other"),
        ("work-record", "", "paper_about_other"),
        ("work-record", "next", "paper_about_other"),
    ):
        assert why(crm, ReviewPaper(paper, about, DAY), BOSS) == code
        assert why(crm, ApprovePaper(paper, about, DAY), MANAGER) == code
    assert why(crm, ApprovePaper("work-record", "2024", DAY), MANAGER) == "paper_unreviewed"
    with pytest.raises((Refused, Invalid)):
        crm.do(ReviewPaper(TABLE, "", date(2024, 7, 4)), by=BOSS)  # Tomorrow.
    with pytest.raises(Invalid):
        crm.do(ReviewPaper(TABLE, "", DAY, position=7), by=BOSS)  # type: ignore[call-arg]


@pytest.mark.rule("REP-01")
def test_what_is_reviewed_waits_for_who_may_approve_it(crm: CRM) -> None:
    def waiting(who: Actor) -> list[tuple[str, str]]:
        return [(one.subject, one.act) for one in crm.todo(by=who) if one.what == "paper"]

    crm.do(ReviewPaper("work-record", "2024", DAY), by=MANAGER)
    assert waiting(DIRECTOR) == [("work-record:2024:2024-06-30", "approve-paper")]
    assert waiting(MANAGER) == waiting(BOSS) == []
    crm.do(ReviewPaper("work-record", "2024", DAY), by=BOSS)
    assert waiting(MANAGER) == waiting(DIRECTOR) != []
    crm.do(ApprovePaper("work-record", "2024", DAY), by=MANAGER)
    assert waiting(DIRECTOR) == []
    [approved] = crm.log.feed(names=["signing.paper_approved/1"])
    assert isinstance(approved.event, PaperApproved)
