"""The limitation watch: until when a court can still be asked for a charge (PAY-12)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pytest
from agreeing import acknowledged, claimed, promised
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from paying import FEBRUARY, JANUARY, day, paid, placed, raised

from crm_core.kernel.tenures import FIRST, Span, Tenure, Tenures
from crm_core.payments import limits
from crm_core.payments.acts import Proof, StepDone
from crm_core.payments.limitation import LIMITATIONS, last_day

NEW = raised(due="2019-01-31")
"""A charge of the time in which limitation is three years."""


def ends(events: Sequence[Any], on: str = "2011-06-01") -> dict[str, str]:
    return {one.charge: one.ends_on.isoformat() for one in limits(placed(events), day(on))}


def demand(act: str = "formal_demand", on: str = "2012-06-30", proof: str = "delivery") -> StepDone:
    return StepDone("V1", 1, act, "S1", ("C1",), day(on), (Proof(proof, "slip 9"),), None)


@pytest.mark.rule("PAY-12")
@pytest.mark.parametrize(
    ("runs_from", "end", "article"),
    [
        # Two years, which were over before 1 October 2017.
        ("2011-01-31", "2013-01-31", "art. 135"),
        ("1986-12-31", "1988-12-31", "art. 135"),
        ("2015-09-30", "2017-09-30", "art. 135"),
        # What was not over on that day gets three.
        ("2015-10-01", "2018-10-01", "art. 188"),
        ("2016-02-29", "2019-02-28", "art. 188"),
        ("2017-09-30", "2020-09-30", "art. 188"),
        ("2017-10-01", "2020-10-01", "art. 188"),
        ("2017-12-31", "2020-12-31", "art. 188"),
        ("2019-01-31", "2022-01-31", "art. 188"),
        ("9998-01-01", "9999-12-31", "art. 188"),
    ],
)
def test_how_long_a_debt_can_be_sued_for_is_the_law_of_its_time(
    runs_from: str, end: str, article: str
) -> None:
    found, law = last_day(day(runs_from))
    assert (found.isoformat(), law.article) == (end, article)


@pytest.mark.rule("PAY-12")
def test_the_table_says_from_when_how_long_by_which_article_of_what() -> None:
    assert [(row.first_day, row.years, row.article) for row in LIMITATIONS] == [
        (date(1987, 1, 1), 2, "art. 135"),
        (date(2017, 10, 1), 3, "art. 188"),
        (date(2021, 1, 1), 3, "art. 188"),
    ]
    assert [row.source.partition(",")[0] for row in LIMITATIONS] == [
        "General Principles of the Civil Law",
        "General Provisions of the Civil Law",
        "Civil Code",
    ]
    [limit] = limits(placed([NEW]), day("2019-06-01"))
    assert limit.law == LIMITATIONS[2]
    [limit] = limits(placed([JANUARY]), day("2019-06-01"))
    assert limit.law == LIMITATIONS[0]


@pytest.mark.rule("PAY-12")
@given(st.dates(date(1980, 1, 1), date(2030, 12, 31)))
def test_a_later_day_never_ends_sooner(runs_from: date) -> None:
    end, law = last_day(runs_from)
    assert last_day(runs_from + timedelta(days=1))[0] >= end
    assert end.year - runs_from.year == law.years
    assert (law.years == 2) == (end < date(2017, 10, 1))


@pytest.mark.rule("PAY-12")
@pytest.mark.parametrize(
    ("events", "on", "end"),
    [
        ([], "2011-06-01", "2013-01-31"),
        # A documented demand begins it anew; without proof of delivery it does not.
        ([demand()], "2013-02-01", "2014-06-30"),
        ([demand()], "2012-06-29", "2013-01-31"),
        ([demand(proof="notice")], "2013-02-01", "2013-01-31"),
        ([demand("written_notice")], "2013-02-01", "2014-06-30"),
        ([demand("lawyers_letter")], "2013-02-01", "2014-06-30"),
        ([demand("visit")], "2013-02-01", "2013-01-31"),
        ([demand("legal_action", proof="filing")], "2013-02-01", "2014-06-30"),
        # On the last day it is in time, a day later it is not; an acknowledgement always is.
        ([demand(on="2013-01-31")], "2013-06-01", "2015-01-31"),
        ([demand(on="2013-02-01")], "2013-06-01", "2013-01-31"),
        ([acknowledged(on="2013-02-01")], "2013-06-01", "2015-02-01"),
        ([acknowledged(charges=("C9",))], "2013-06-01", "2013-01-31"),
        ([demand(), acknowledged(on="2012-01-31")], "2013-02-01", "2014-06-30"),
        # Begun anew often enough, it lasts into the time of three years.
        (
            [demand(on="2012-12-01"), demand(on="2014-12-01"), demand(on="2016-11-30")],
            "2017-06-01",
            "2019-11-30",
        ),
        # Over in 2013, it is not brought back by the longer time of 2017.
        ([demand(on="2018-01-01")], "2018-06-01", "2013-01-31"),
        ([acknowledged(on="2018-01-01")], "2018-06-01", "2021-01-01"),
        # A payment alone is not taken for an acknowledgement.
        ([paid(fen=1, charge="C1")], "2012-01-01", "2013-01-31"),
    ],
)
def test_it_begins_anew_by_a_documented_demand_or_an_acknowledgement(
    events: list[Any], on: str, end: str
) -> None:
    assert ends([JANUARY, *events], on) == {"C1": end}


@pytest.mark.rule("PAY-12", "PAY-09")
@pytest.mark.parametrize("charge", [JANUARY, NEW], ids=["two years", "three years"])
def test_a_promise_begins_anew_what_runs_and_never_brings_back_what_is_over(charge: Any) -> None:
    """Who promises acknowledges what can be sued for; only a document that names a charge revives.

    On the last day the promise is in time, on the day after it is not.
    """
    last, _ = last_day(charge.due)
    late = last + timedelta(days=1)

    def end(event: Any) -> str:
        return ends([charge, event], "2030-01-01")["C1"]

    assert end(promised(on=last.isoformat())) == last_day(last)[0].isoformat() > last.isoformat()
    assert end(promised(on=late.isoformat())) == last.isoformat()
    assert end(promised(on="2029-12-31")) == last.isoformat()
    assert end(acknowledged(on=late.isoformat())) == last_day(late)[0].isoformat()
    # Brought back by a document, it runs again, and a promise begins that anew.
    [limit] = limits(
        placed(
            [charge, acknowledged(on=late.isoformat()), evolve(promised(), on=late.replace(day=28))]
        ),
        day("2030-01-01"),
    )
    assert (limit.runs_from, limit.restarts) == (late.replace(day=28), (2, 3))


@pytest.mark.rule("PAY-12")
def test_a_promise_acknowledges_what_is_overdue_and_undisputed_on_its_day() -> None:
    later = raised("C2", "2011-03-31")
    assert ends([JANUARY, later, promised()], "2011-06-01") == {
        "C1": "2013-03-01",
        "C2": "2013-03-31",
    }


@pytest.mark.rule("PAY-12")
def test_only_what_is_overdue_is_watched_soonest_end_first() -> None:
    leap = raised("C0", "2012-02-29")
    booked = [FEBRUARY, JANUARY, leap, raised("C9", "2012-06-01"), paid(charge="C2")]
    assert ends(booked, "2012-06-01") == {"C1": "2013-01-31", "C0": "2014-02-28"}
    assert list(ends(booked, "2012-06-01")) == ["C1", "C0"]
    [first, _] = limits(placed([*booked, acknowledged(on="2012-05-01")]), day("2012-06-01"))
    assert (first.charge, first.days_left(day("2014-03-01"))) == ("C0", -1)
    assert limits(placed([JANUARY]), day("2011-01-31")) == ()
    # What is asked for beside principal can be sued for too, each from its own due date.
    beside = [JANUARY, claimed(), evolve(raised("E1", "2011-02-10"), kind="enforcement_costs")]
    assert ends(beside, "2011-06-01") == {
        "C1": "2013-01-31",
        "E1": "2013-02-10",
        "L1": "2013-03-31",
    }


@pytest.mark.rule("PAY-12", "PAY-16")
def test_a_promise_begins_anew_what_its_own_tenure_owes() -> None:
    """The seller owes January; the buyer, who came in February, promises in March."""
    first, second = Tenure(FIRST, ("a",)), Tenure("2011-02-01", ("b",))
    sold = Tenures((first, second), (Span(date.min, 0), Span(day("2011-02-01"), 1)))
    facts = list(placed([JANUARY, raised("C2", "2011-02-10"), promised()]))
    found = limits(facts, day("2011-06-01"), sold)
    assert {one.charge: one.ends_on.isoformat() for one in found} == {
        "C1": "2013-01-31",
        "C2": "2013-03-01",
    }
