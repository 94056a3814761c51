"""Early warnings: what is unusual to the event, and the clock that looks every day (REQ-19)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import attrs
import pytest
from asking import CLERK, DAY, HOUR, MINUTE, OPERATOR, RECEIVE, SLA, START, given, register, word
from hypothesis import given as hypothesis_given
from hypothesis import strategies as st

from crm_adapters import open_crm
from crm_core import CRM
from crm_core.application import lookout
from crm_core.requests import WARNING, ConfirmClosing, ReportDone
from crm_core.requests.early_warning import (
    Counted,
    RaiseWarning,
    WarningRaised,
    WarningsLooked,
    first_day,
    unusual,
)
from crm_core.requests.sla import EarlyWarning

TABLE = SLA.early_warning
ON = date(2011, 3, 1)
"""The day of `START` where the estate is."""

MIDNIGHT = datetime.fromisoformat("2011-03-02T00:00:00+08:00")
"""When it has ended."""


@pytest.fixture
def crm() -> Iterator[CRM]:
    with open_crm("memory:") as opened:
        for home, building in (("V1", "1"), ("V2", "2")):
            register(opened, home, "星河", building, "1", home)
        yield opened


def receive(crm: CRM, request: str, at: datetime, home: str = "V1", **changes: Any) -> None:
    said = attrs.evolve(RECEIVE, request=request, household=home, received_at=at, **changes)
    crm.do(said, by=CLERK, at=at)


def many(crm: CRM, name: str, count: int, at: datetime) -> None:
    for n in range(count):
        receive(crm, f"{name}{n}", at + n * MINUTE)


def raised(crm: CRM) -> list[tuple[str, str, date, int]]:
    return [(w.place, w.measure, w.window_end, w.count) for w in crm.requests.raised()]


# --- above, and exactly --------------------------------------------------------------------------


def counted(count: int, on: date, place: str = "星河 1") -> list[Counted]:
    return [Counted(place, "engineering", "volume", on, n) for n in range(count)]


@pytest.mark.rule("REQ-19")
def test_exactly_twice_the_usual_is_no_warning_and_one_more_is() -> None:
    """24 in eight weeks are three a week, so six are twice the usual, and not above it."""
    assert (TABLE.percent, TABLE.window_days, TABLE.usual_windows) == (200, 7, 8)
    before = counted(24, ON - 20 * DAY)
    assert unusual([*before, *counted(6, ON)], {ON: TABLE}) == []
    [found] = unusual([*before, *counted(7, ON)], {ON: TABLE})
    assert (found.count, found.usual_per_mille) == (7, 3000)


@pytest.mark.rule("REQ-19")
def test_what_is_usual_is_not_rounded_before_it_is_compared() -> None:
    """Ten in three windows: half as many again is exactly five, however a third is written."""
    table = EarlyWarning(window_days=7, usual_windows=3, percent=150, at_least=1)
    before = counted(10, ON - 10 * DAY)
    assert unusual([*before, *counted(5, ON)], {ON: table}) == []
    assert len(unusual([*before, *counted(6, ON)], {ON: table})) == 1


@pytest.mark.rule("REQ-19")
def test_five_are_enough_and_four_are_not() -> None:
    assert TABLE.at_least == 5
    assert unusual(counted(4, ON), {ON: TABLE}) == []
    assert len(unusual(counted(5, ON), {ON: TABLE})) == 1


@pytest.mark.rule("REQ-19")
@hypothesis_given(st.lists(st.tuples(st.sampled_from("AB"), st.integers(0, 90)), max_size=60))
def test_many_days_at_once_give_what_each_day_gives(happened: list[tuple[str, int]]) -> None:
    """Counted anew for each day by hand, window by window."""
    table = attrs.evolve(TABLE, at_least=2, usual_windows=2)
    found = [
        Counted(place, "engineering", "volume", ON + n * DAY, position)
        for position, (place, n) in enumerate(happened)
    ]
    days = {ON + n * DAY: table for n in range(20, 100)}
    expected = []
    for on in days:
        for place in "AB":
            ages = [(on - one.day).days for one in found if one.place == place]
            now = sum(0 <= age < 7 for age in ages)
            before = sum(7 <= age < 21 for age in ages)
            assert (on - first_day(on, table)).days == 20
            if now >= 2 and now * 2 > before * 2:
                expected.append((on, place, now))
    assert [(w.window.end, w.place, w.count) for w in unusual(found, days)] == expected


# --- the clock -----------------------------------------------------------------------------------


@pytest.mark.rule("REQ-19")
def test_the_clock_warns_once_the_day_has_ended_and_not_before(crm: CRM) -> None:
    many(crm, "N", 5, START)
    crm.tick(MIDNIGHT - MINUTE)
    assert raised(crm) == []
    assert crm.tick(MIDNIGHT).events[lookout.SOURCE] == 2
    [warning] = crm.requests.raised()
    assert (warning.place, warning.trade, warning.measure) == ("星河 1", "engineering", "volume")
    assert (warning.window_start, warning.window_end, warning.count) == (ON - 6 * DAY, ON, 5)
    numbers = {e.position: e.event.request for e in crm.log.feed(names=["requests.received/1"])}
    assert [numbers[position] for position in warning.positions] == [f"N{n}" for n in range(5)]
    assert [w.positions for w in crm.requests.warnings(ON)] == [warning.positions]


@pytest.mark.rule("REQ-19")
def test_a_clock_that_looks_again_records_nothing_twice(crm: CRM) -> None:
    many(crm, "N", 5, START)
    crm.tick(MIDNIGHT)
    for later in (timedelta(), HOUR, DAY - MINUTE):
        assert crm.tick(MIDNIGHT + later).events[lookout.SOURCE] == 0
    assert crm.tick(MIDNIGHT + DAY).events[lookout.SOURCE] == 1, "that it has looked"
    assert len(raised(crm)) == 1, "the same five are no news on the day after"
    receive(crm, "N9", MIDNIGHT + DAY + HOUR)
    crm.tick(MIDNIGHT + 2 * DAY)
    assert [(end, count) for _, _, end, count in raised(crm)] == [(ON, 5), (ON + 2 * DAY, 6)]


@pytest.mark.rule("REQ-19")
def test_every_day_since_the_last_look_is_looked_at_after_a_long_gap(crm: CRM) -> None:
    """The same warnings as of a clock that ran every day, whose windows lie months apart."""
    bursts = (START, START + 70 * DAY, START + 150 * DAY)
    last = MIDNIGHT + 200 * DAY
    many(crm, "A", 5, bursts[0])
    crm.tick(MIDNIGHT)
    for name, at in zip("BC", bursts[1:], strict=True):
        many(crm, name, 5, at)
    crm.tick(last)
    seldom = raised(crm)
    assert [end for _, _, end, _ in seldom] == [ON, ON + 70 * DAY, ON + 150 * DAY]
    with open_crm("memory:") as daily:
        register(daily, "V1", "星河", "1", "1", "V1")
        for name, at in zip("ABC", bursts, strict=True):
            many(daily, name, 5, at)
        for n in range(201):
            daily.tick(MIDNIGHT + n * DAY)
        assert raised(daily) == seldom


@pytest.mark.rule("REQ-19")
def test_what_comes_to_be_known_within_the_week_is_looked_at_on_its_day(crm: CRM) -> None:
    many(crm, "N", 4, START)
    crm.tick(MIDNIGHT)
    assert raised(crm) == []
    late = attrs.evolve(RECEIVE, request="L1", household="V1", received_at=START)
    crm.do(late, by=CLERK, at=MIDNIGHT + 3 * DAY)
    crm.tick(MIDNIGHT + 4 * DAY)
    assert raised(crm) == [("星河 1", "volume", ON, 5)]
    crm.do(attrs.evolve(late, request="L2"), by=CLERK, at=MIDNIGHT + 4 * DAY)
    crm.tick(MIDNIGHT + 5 * DAY)
    assert raised(crm)[0] == ("星河 1", "volume", ON, 5)
    assert {count for _, _, _, count in raised(crm)} == {5, 6}, "a window that grew is news"


@pytest.mark.rule("REQ-19")
def test_the_first_look_leaves_old_history_alone(crm: CRM) -> None:
    """What was imported of years is asked for with `warnings`, and warns nobody today."""
    many(crm, "A", 5, START - 57 * DAY)
    many(crm, "B", 5, START - 50 * DAY)
    crm.tick(MIDNIGHT)
    ends = [end for _, _, end, _ in raised(crm)]
    assert ends[0] == ON - 55 * DAY, "the window that a day of the last eight weeks ends"
    assert all(end > ON - 56 * DAY for end in ends)
    assert len(crm.requests.warnings(ON - 57 * DAY)) == 1


@pytest.mark.rule("REQ-19")
def test_the_clock_counts_dissatisfied_customers_and_each_place_by_itself(crm: CRM) -> None:
    for n in range(5):
        receive(crm, f"N{n}", START - 20 * DAY + n * 3 * DAY, ("V1", "V2")[n % 2])
        crm.do(ReportDone(f"N{n}", START), by=OPERATOR, at=START)
    for n in range(5):
        home = ("V1", "V2")[n % 2]
        said = ConfirmClosing(f"N{n}", START + HOUR, "dissatisfied", word(home), "still wet")
        crm.do(said, by=CLERK, at=START + HOUR)
    crm.tick(MIDNIGHT)
    assert raised(crm) == [], "three in one building and two in the other"
    for n in range(5, 7):
        receive(crm, f"N{n}", START - 20 * DAY)
        crm.do(ReportDone(f"N{n}", START), by=OPERATOR, at=START)
        said = ConfirmClosing(f"N{n}", START + DAY, "dissatisfied", word("V1"), "still wet")
        crm.do(said, by=CLERK, at=START + DAY)
    crm.tick(MIDNIGHT + DAY)
    assert ("星河 1", "dissatisfaction", ON + DAY, 5) in raised(crm)
    assert {place for place, _, _, _ in raised(crm)} == {"星河 1"}


@pytest.mark.rule("REQ-19")
def test_where_nothing_happened_the_clock_notes_nothing(crm: CRM) -> None:
    before = crm.log.head()
    assert crm.tick(MIDNIGHT).events[lookout.SOURCE] == 0
    assert crm.log.head() == before


@pytest.mark.rule("REQ-19")
def test_the_clock_notes_how_far_it_has_looked(crm: CRM) -> None:
    receive(crm, "N1", START)
    crm.tick(MIDNIGHT)
    crm.tick(MIDNIGHT + 5 * DAY)
    looked = [e.event for e in crm.history("outlook/warnings")]
    assert looked == [WarningsLooked(ON), WarningsLooked(ON + 5 * DAY)]


@pytest.mark.rule("REQ-19")
def test_a_window_is_warned_of_again_only_with_more_in_it() -> None:
    raise_it = RaiseWarning(
        place="星河 1",
        trade="cleaning",
        measure="volume",
        window_start=ON,
        window_end=ON,
        count=5,
        usual_per_mille=0,
        positions=(1, 2, 3, 4, 5),
    )
    more = attrs.evolve(raise_it, count=6, positions=(1, 2, 3, 4, 5, 6))
    events = given(WARNING).when(raise_it, raise_it, more, raise_it).events
    assert [(type(e), e.count) for e in events] == [(WarningRaised, 5), (WarningRaised, 6)]
