"""The distinct matters of a household: what was put right counts as it stands now (GRD-02)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from crm_adapters.wiring import open_crm
from crm_core.crm import CRM
from crm_core.gradings.engines.port import Ask
from crm_core.gradings.events import GradingDecided
from crm_core.gradings.matters import Matters, standing_duplicates
from crm_core.gradings.reading import DEFAULT_READING, Reading
from crm_core.kernel.dates import Period, parse_instant
from crm_core.kernel.recorded import Actor
from crm_core.kernel.sealed import Personal
from crm_core.kernel.word import Word
from crm_core.owners.commands import AddMember, ConfirmConduct, RegisterHousehold
from crm_core.payments.commands import RaiseCharge, ReceivePayment
from crm_core.payments.credit import CreditPolicy
from crm_core.requests.commands import (
    ConfirmClosing,
    MarkDuplicate,
    MergeDuplicate,
    ReceiveRequest,
    Reclassify,
    ReportDone,
    UndoDuplicate,
)
from crm_core.requests.incidents import GatherRequest, OpenIncident
from crm_core.slices import shipped

CLERK, OPERATOR = Actor("S1", "specialist"), Actor("E1", "operator")
MANAGER = Actor("M1", "manager")
START = parse_instant("2011-03-01T09:00:00+08:00")
BEFORE = parse_instant("2010-12-31T23:59:59+08:00")
READING = shipped().find(Reading, DEFAULT_READING, date(2011, 12, 31))
CREDIT = shipped().find(CreditPolicy, "credit-cn-default", date(2011, 12, 31))
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def crm() -> Iterator[CRM]:
    with open_crm("memory:") as opened:
        for number, home in enumerate(("V1", "V2"), 1):
            do(opened, RegisterHousehold(home, "Anhe", "1", "1", f"{number}01"), at=BEFORE - DAY)
            charge = RaiseCharge(home, "C1", "parking", "2011", 100_00, date(2011, 7, 1))
            paid = ReceivePayment(home, "P1" + home, 100_00, date(2011, 7, 1), "cash")
            do(opened, charge, paid, at=BEFORE - DAY)
        yield opened


def do(crm: CRM, *commands: Any, at: datetime = START, by: Actor = CLERK) -> list[int]:
    """Positions of the last event of each."""
    return [crm.do(command, by=by, at=at).position for command in commands]


def asks(number: str, home: str = "V1", at: datetime = START, **other: Any) -> ReceiveRequest:
    said = {
        "channel": "phone",
        "kind": "complaint",
        "trade": "cleaning",
        "severity": "general",
        "summary": "",
        "first_asked": "S1",
    }
    return ReceiveRequest(request=number, household=home, received_at=at, **(said | other))


def same(number: str, of: str) -> MarkDuplicate:
    return MarkDuplicate(number, of, "the same smell")


def into(number: str, of: str) -> MergeDuplicate:
    return MergeDuplicate(number, of, "the same smell", START + HOUR)


def apart(number: str) -> UndoDuplicate:
    return UndoDuplicate(number, "another smell", START + 2 * HOUR)


def now_is(number: str, kind: str) -> Reclassify:
    return Reclassify(number, "heard again", START + HOUR, kind)


def graded(
    crm: CRM, home: str = "V1", year: int = 2011, known: datetime | None = None
) -> GradingDecided:
    """As the events engine decides, after the columnar one has found the same facts."""
    ask = Ask(Period.of_year(year), crm.gradings.cutoff(known), CREDIT, READING)
    run = crm.grade(year, known=known)
    gathered = crm.gradings.engine("frames").gather(ask)
    assert [(g.household, g.facts, g.evidence, g.tenure, g.allocations) for g in run.gradings] == [
        *gathered
    ]
    [found] = [grading for grading in run.gradings if grading.household == home]
    assert len(found.evidence.attention) == found.facts.attention
    return found


def attention(crm: CRM, home: str = "V1", **how: Any) -> int:
    return graded(crm, home, **how).facts.attention


@pytest.mark.case("K15")
@pytest.mark.rule("GRD-02")
def test_complaints_that_were_repairs_all_along_are_no_matters(crm: CRM) -> None:
    """Four, and a disturbance: a problem customer, until the four are put right."""
    do(crm, *(asks(f"R{n}") for n in range(4)))
    do(crm, ConfirmConduct("V1", "disturbance", date(2011, 5, 1), "note"), by=MANAGER)
    first = graded(crm)
    assert (first.facts.attention, first.outcome.type) == (4, "problem")
    later = START + 400 * DAY
    do(crm, *(now_is(f"R{n}", "repair") for n in range(4)), at=later)
    again = graded(crm)
    assert (again.facts.attention, again.outcome.type) == (0, "ordinary")
    assert graded(crm, known=later - timedelta(seconds=1)).facts.attention == 4


@pytest.mark.case("K15")
@pytest.mark.rule("GRD-02")
def test_a_repair_that_was_a_complaint_counts_for_the_day_on_which_it_came_in(crm: CRM) -> None:
    [came] = do(crm, asks("R1", at=BEFORE, kind="repair"), at=BEFORE)
    assert attention(crm, year=2010) == 0
    do(crm, now_is("R1", "complaint"))
    found = graded(crm, year=2010)
    assert (found.facts.attention, found.evidence.attention) == (1, (came,))
    assert attention(crm, year=2011) == 0
    do(crm, Reclassify("R1", "after all", START + 2 * HOUR, "repair"))
    assert attention(crm, year=2010) == 0


@pytest.mark.case("K15")
@pytest.mark.rule("GRD-02")
def test_another_severity_or_trade_makes_no_other_matter(crm: CRM) -> None:
    do(crm, asks("R1"), asks("R2", kind="repair"))
    for number in ("R1", "R2"):
        do(crm, Reclassify(number, "worse", START + HOUR, None, "security", "major"))
    assert attention(crm) == 1


@pytest.mark.parametrize("say", [same, into], ids=["marked", "merged"])
@pytest.mark.case("K05", "K06")
@pytest.mark.rule("GRD-02")
def test_a_duplicate_counts_by_its_head_until_that_is_undone(crm: CRM, say: Any) -> None:
    first, second = do(crm, asks("R1"), asks("R2"))
    do(crm, say("R1", "R2"))
    assert graded(crm).evidence.attention == (second,)
    known = START + DAY
    do(crm, apart("R1"), at=known)
    assert graded(crm).evidence.attention == (first, second)
    assert attention(crm, known=known - timedelta(seconds=1)) == 1
    do(crm, same("R2", "R1"), at=known)
    assert graded(crm).evidence.attention == (first,)


@pytest.mark.case("K05")
@pytest.mark.rule("GRD-02")
def test_a_duplicate_of_last_year_s_matter_counts_for_itself_this_year_and_once(crm: CRM) -> None:
    do(crm, asks("R0", at=BEFORE), at=BEFORE)
    first, _ = do(crm, asks("R1"), asks("R2"))
    do(crm, same("R1", "R0"), same("R2", "R1"))
    assert graded(crm).evidence.attention == (first,)
    assert attention(crm, year=2010) == 1


@pytest.mark.case("K06")
@pytest.mark.rule("GRD-02")
def test_a_duplicate_of_the_neighbour_s_request_counts_for_itself_here(crm: CRM) -> None:
    """Both belong to one incident; it stays a matter of each household."""
    do(crm, asks("N1", "V2"), asks("R1"), OpenIncident("I1", "Anhe 1", "cleaning", "smell", START))
    do(crm, *(GatherRequest("I1", number, START) for number in ("R1", "N1")), into("R1", "N1"))
    assert (attention(crm), attention(crm, "V2")) == (1, 1)
    do(crm, asks("R2"))
    do(crm, same("R2", "R1"))
    assert (attention(crm), attention(crm, "V2")) == (1, 1)


@pytest.mark.case("K06", "K15")
@pytest.mark.rule("GRD-02")
def test_a_duplicate_of_a_repair_counts_for_itself(crm: CRM) -> None:
    do(crm, asks("R1"), asks("R2"), asks("R3"))
    do(crm, same("R2", "R1"), same("R3", "R1"))
    assert attention(crm) == 1
    do(crm, now_is("R1", "repair"))
    assert attention(crm) == 1
    do(crm, now_is("R2", "repair"), now_is("R3", "repair"))
    assert attention(crm) == 0


@pytest.mark.rule("GRD-02", "REQ-08")
def test_a_follow_up_of_the_same_matter_is_no_further_one(crm: CRM) -> None:
    """Who is not satisfied has a new request, and twice over one matter still."""
    owner = Personal("V1#owner", "somebody")
    do(crm, AddMember("V1", "V1#owner", "owner", date(2011, 1, 1), owner), asks("R1"))
    for number in ("R1", "R1-2"):
        do(crm, ReportDone(number, START + 10 * DAY), by=OPERATOR)
        word = Word("V1#owner", "phone", "call 77")
        no = ConfirmClosing(number, START + 10 * DAY, "partly", word, "still smells")
        do(crm, no, at=START + 11 * DAY)
    assert attention(crm) == 1
    do(crm, asks("R9"))
    assert attention(crm) == 2


@pytest.mark.rule("GRD-02", "GRD-08")
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_where_no_head_counts_the_first_that_came_says_what_the_matter_is(
    order: tuple[int, ...],
) -> None:
    """A repair is the head: whoever came first stands for the others, however they were entered.

    What came is an enquiry, a complaint after it, and an opinion whose day is before both.
    """
    came = (
        ("R1", "enquiry", (0, START)),
        ("R2", "complaint", (0, START + DAY)),
        ("opinion/O1", "forum", (1, date(2010, 1, 1))),
    )
    matters = Matters[str, str](READING.no_matters)
    matters.received("R0", 1, kind="repair", came=(0, START), within=True, follows=None)
    for position, one in enumerate(order, 2):
        number, kind, at = came[one]
        matters.received(number, position, kind=kind, came=at, within=True, follows="R0")
    [(position, kind)] = matters.counted()
    assert (kind, position) == ("enquiry", order.index(0) + 2)


@pytest.mark.case("K05", "K06")
@pytest.mark.rule("GRD-02")
def test_heads_that_no_command_would_name_count_for_nobody_and_hide_nobody() -> None:
    """An older log may call requests duplicates of nothing, of a neighbour's, or in a circle."""

    def counted(*marks: tuple[str, str]) -> list[int]:
        matters = Matters[str, str](READING.no_matters)
        for position, request in enumerate(("R1", "R2", "R3"), 1):
            matters.received(
                request, position, kind="enquiry", came=(0, START), within=True, follows=None
            )
        for request, of in marks:
            matters.marked(request, of)
        return sorted(position for position, _ in matters.counted())

    assert counted(("R1", "nothing")) == [1, 2, 3]
    assert counted(("R1", "nothing"), ("R3", "nothing")) == [1, 2]
    assert counted(("R3", "R1"), ("R1", "N7")) == [1, 2]
    assert len(counted(("R1", "R2"), ("R2", "R3"), ("R3", "R1"))) == 1
    assert standing_duplicates([("A", "B"), ("B", "A")]) == {"A": "B"}
