"""Who confirms a closing, how, and with what opinion (REQ-08)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import attrs
import pytest
from asking import (
    CLERK,
    DAY,
    E5,
    HOUR,
    MINUTE,
    OPERATOR,
    RECEIVE,
    S18,
    START,
    SUPERVISOR,
    has_its_sentence,
    register,
    word,
)

from crm_adapters import open_crm
from crm_core import CRM, Actor, Invalid, Personal, Refused, Request
from crm_core.kernel.dates import Period
from crm_core.kernel.word import Word
from crm_core.owners import AddMember
from crm_core.requests import (
    Arrive,
    Closed,
    ConfirmClosing,
    Dispatch,
    Done,
    HandOver,
    NoteFailedAttempt,
    Reopen,
    ReportDone,
    ReturnOrder,
)
from crm_core.requests.commands import OPINIONS

MARCH = Period(date(2011, 3, 1), date(2011, 3, 31))


@pytest.fixture
def crm() -> Iterator[CRM]:
    """R1 of V1, and P1 of the hall."""
    with open_crm("memory:") as opened:
        register(opened, "V1", "星河", "1", "2", "301")
        register(opened, "V2", "星河", "1", "2", "302")
        do(opened, attrs.evolve(RECEIVE, request="R1", household="V1"), at=START)
        do(opened, attrs.evolve(RECEIVE, request="P1", household="", place="大堂"), at=START)
        yield opened


def do(crm: CRM, *commands: Any, by: Actor = CLERK, at: datetime = START + DAY) -> None:
    for command in commands:
        crm.do(command, by=by, at=at)


def refused(crm: CRM, command: Any, by: Actor = CLERK) -> str:
    """The reason, and that nothing was recorded."""
    before = crm.log.head()
    with pytest.raises(Refused) as found:
        do(crm, command, by=by)
    has_its_sentence(found.value.refusal)
    assert crm.log.head() == before
    return found.value.reason


def state(crm: CRM, request: str = "R1") -> Any:
    return crm.get(Request, request)


def said(opinion: str, words: str = "", request: str = "R1") -> ConfirmClosing:
    return ConfirmClosing(request, START + HOUR, opinion, word("V1"), words)


def done(request: str = "R1", at: datetime = START + 20 * MINUTE) -> ReportDone:
    return ReportDone(request, at)


def counts(crm: CRM) -> dict[str, int]:
    """How often each opinion was counted, and none."""
    row = crm.requests.statistics(MARCH).rows["trade"]["engineering"]
    return {name: row[name] for name in (*OPINIONS, "unconfirmed")}


# --- a definite opinion --------------------------------------------------------------------------


@pytest.mark.rule("REQ-08")
@pytest.mark.parametrize("vague", ["", "ok", "yes", "unconfirmed", "Satisfied", "满意", "none"])
def test_what_is_no_definite_opinion_closes_nothing(crm: CRM, vague: str) -> None:
    do(crm, done(), by=OPERATOR)
    assert refused(crm, said(vague, "good")) == "unknown_opinion"
    assert isinstance(state(crm), Done)


@pytest.mark.rule("REQ-08")
@pytest.mark.parametrize("nothing", [True, None, 1])
def test_a_truth_value_is_no_opinion(crm: CRM, nothing: Any) -> None:
    do(crm, done(), by=OPERATOR)
    with pytest.raises(Invalid):
        do(crm, said(nothing))


@pytest.mark.rule("REQ-08")
@pytest.mark.parametrize("opinion", ["partly", "dissatisfied"])
def test_who_is_not_satisfied_says_why_and_has_a_new_request(crm: CRM, opinion: str) -> None:
    do(crm, done(), by=OPERATOR)
    for nothing in ("", "  "):
        assert refused(crm, said(opinion, nothing)) == "words_missing"
    do(crm, said(opinion, "the wall is still wet"))
    closed = state(crm)
    assert isinstance(closed, Closed)
    assert (closed.outcome, closed.opinion, closed.words) == (
        "confirmed",
        opinion,
        "the wall is still wet",
    )
    follow = state(crm, "R1-2")
    assert (follow.received.follows, follow.kind) == ("R1", "complaint")


@pytest.mark.rule("REQ-08")
def test_who_is_satisfied_need_say_no_more_and_asks_for_nothing(crm: CRM) -> None:
    do(crm, done(), by=OPERATOR)
    do(crm, said("satisfied"))
    assert state(crm, "R1-2") is None


@pytest.mark.rule("REQ-08", "REQ-18")
@pytest.mark.parametrize("opinion", OPINIONS)
def test_each_opinion_is_counted_as_what_it_is(crm: CRM, opinion: str) -> None:
    do(crm, done(), by=OPERATOR)
    do(crm, said(opinion, "said so"))
    assert counts(crm) == dict.fromkeys((*OPINIONS, "unconfirmed"), 0) | {opinion: 1}


@pytest.mark.rule("REQ-08", "REQ-18")
def test_nobody_s_opinion_counts_as_unconfirmed_and_never_as_satisfied(crm: CRM) -> None:
    do(crm, done(), by=OPERATOR)
    for days in range(3):
        asked = NoteFailedAttempt("R1", START + 20 * MINUTE + days * DAY, "phone")
        do(crm, asked, at=START + 4 * DAY)
    closed = state(crm)
    assert isinstance(closed, Closed)
    assert (closed.outcome, closed.opinion, closed.words) == ("unconfirmed", None, "")
    assert counts(crm) == dict.fromkeys(OPINIONS, 0) | {"unconfirmed": 1}


# --- who says it, and who enters it --------------------------------------------------------------


@pytest.mark.case("K14")
@pytest.mark.rule("REQ-08", "LOG-08")
@pytest.mark.parametrize("role", ["specialist", "supervisor", "manager", "director"])
def test_who_did_the_work_enters_no_opinion_under_any_role(crm: CRM, role: str) -> None:
    do(crm, done(), by=OPERATOR)
    assert refused(crm, said("satisfied"), OPERATOR) == "role_insufficient"
    for opinion in OPINIONS:
        assert refused(crm, said(opinion, "x"), Actor(OPERATOR.id, role)) == "own_matter"
    assert isinstance(state(crm), Done)


@pytest.mark.case("K14")
@pytest.mark.rule("REQ-08", "LOG-08")
def test_nor_does_who_came_who_had_the_order_or_who_reported_it(crm: CRM) -> None:
    """E4 comes, the order goes on to E5, the clerk reports it done."""
    do(crm, Dispatch("R1", OPERATOR.id, "operator", START + MINUTE, on_site=True))
    do(crm, Arrive("R1", START + 5 * MINUTE), by=OPERATOR)
    handed_on = ReturnOrder("R1", "no ladder", START + 6 * MINUTE, E5.id)
    do(crm, handed_on, by=OPERATOR)
    do(crm, done())
    for did in (OPERATOR.id, E5.id, CLERK.id):
        assert refused(crm, said("satisfied"), Actor(did, "director")) == "own_matter"
    do(crm, said("satisfied"), by=S18)


@pytest.mark.case("K14")
@pytest.mark.rule("REQ-08", "LOG-08")
def test_an_owner_who_gave_the_order_to_themselves_has_done_the_work(crm: CRM) -> None:
    """Whoever is said to have reported it done."""
    do(crm, Dispatch("R1", CLERK.id, "operator", START + MINUTE))
    do(crm, done(), by=OPERATOR)
    assert refused(crm, said("satisfied"), CLERK) == "own_matter"
    do(crm, said("satisfied"), by=S18)


@pytest.mark.rule("REQ-08")
@pytest.mark.parametrize("idle", [E5.id, CLERK.id])
def test_who_gave_the_order_back_or_got_it_back_and_did_nothing_may_enter_it(
    crm: CRM, idle: str
) -> None:
    do(crm, Dispatch("R1", E5.id, "operator", START + MINUTE))
    do(crm, ReturnOrder("R1", "not mine", START + 2 * MINUTE), by=E5)
    do(crm, done(), by=OPERATOR)
    do(crm, said("satisfied"), by=Actor(idle, "specialist"))


@pytest.mark.rule("REQ-08", "REQ-16")
def test_who_did_the_work_the_first_time_may_enter_what_is_said_of_the_second(crm: CRM) -> None:
    do(crm, done(), Reopen("R1", START + 30 * MINUTE, "leaks again"))
    do(crm, done(at=START + 40 * MINUTE), by=OPERATOR)
    do(crm, said("satisfied"))


@pytest.mark.case("K14")
@pytest.mark.rule("REQ-08", "LOG-08")
def test_who_did_the_work_does_not_say_that_nobody_answered(crm: CRM) -> None:
    """Three attempts that nobody made would close it as surely as a word that nobody gave."""
    do(crm, done(), by=OPERATOR)
    asked = NoteFailedAttempt("R1", START + HOUR, "phone")
    for role in ("specialist", "manager"):
        assert refused(crm, asked, Actor(OPERATOR.id, role)) == "own_matter"
    do(crm, asked)
    assert state(crm).attempts == 1


@pytest.mark.case("K14")
@pytest.mark.rule("REQ-08", "LOG-08")
@pytest.mark.parametrize("request_", ["R1", "P1"])
def test_the_customer_is_none_of_those_who_worked_on_it(crm: CRM, request_: str) -> None:
    """Though there is no register of staff: the operator and the owner of the request live here."""
    for number in (OPERATOR.id, SUPERVISOR.id):
        do(crm, AddMember("V1", number, "tenant", date(2011, 1, 1), Personal(number, "李四")))
    do(crm, HandOver(request_, SUPERVISOR.id, "shift ended"))
    do(crm, done(request_), by=OPERATOR)
    yes = attrs.evolve(said("satisfied"), request=request_)
    for staff in (OPERATOR.id, SUPERVISOR.id, CLERK.id):
        theirs = attrs.evolve(yes, word=Word(staff, "phone", "call 77"))
        assert refused(crm, theirs) == "word_of_staff"
    member = "V1#owner" if request_ == "R1" else "visitor-7"
    do(crm, attrs.evolve(yes, word=Word(member, "phone", "call 77")))


@pytest.mark.case("K14")
@pytest.mark.rule("REQ-08", "LOG-08")
def test_nobody_and_a_neighbour_confirm_nothing(crm: CRM) -> None:
    do(crm, done(), by=OPERATOR)
    for who, code in (("", "evidence_missing"), ("V2#owner", "not_a_member")):
        theirs = attrs.evolve(said("satisfied"), word=Word(who, "phone", "call 77"))
        assert refused(crm, theirs) == code
