"""Yearly purchases: what is listed is what a grading counts, to the fen (PAY-13, T17)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from paying import CLERK, FINANCE, day

from crm_adapters.wiring import open_crm
from crm_core.crm import CRM
from crm_core.kernel.dates import parse_instant
from crm_core.kernel.sealed import Personal
from crm_core.owners.commands import RegisterHousehold, TransferOwnership, owner_id
from crm_core.payments.commands import RaiseCharge, RecordPurchase
from crm_core.testing.strategies.dealings import Estate, estates, play

EARLY, LATER = (parse_instant(f"{on}T09:00:00+08:00") for on in ("2011-01-01", "2012-02-01"))


@pytest.fixture
def crm() -> Iterator[CRM]:
    """Households with a charge of the year that nobody has to have paid yet."""
    with open_crm("memory:") as opened:
        for number in range(1, 5):
            home = f"V{number}"
            file = RegisterHousehold(
                *(home, "Anhe", "1", "1", f"10{number}"), owner=Personal(owner_id(home), "x")
            )
            opened.do(file, by=CLERK, at=EARLY)
            opened.do(
                RaiseCharge(home, "C1", "management_fee", "2011-12", 1, day("2011-12-31")),
                by=FINANCE,
                at=EARLY,
            )
        yield opened


def buy(crm: CRM, home: str, number: str, fen: int, on: str, at: Any = EARLY) -> None:
    crm.do(RecordPurchase(home, number, "cleaning", fen, day(on)), by=CLERK, at=at)


def listed(crm: CRM, year: int, **other: Any) -> dict[tuple[str, str], int]:
    rows = crm.accounts.purchases(year, **other)
    return {(household, found.tenure): found.purchases_fen for household, found in rows}


@pytest.mark.rule("PAY-13", "GRD-03")
def test_ten_thousand_yuan_are_ten_thousand_whatever_is_given_back_after_the_year(
    crm: CRM,
) -> None:
    """T17: 10,000.00 to the fen, in parts, on the first and the last day of the year."""
    buy(crm, "V1", "B1", 4_000_00, "2011-01-01")
    buy(crm, "V1", "B2", 6_000_00, "2011-12-31")
    buy(crm, "V1", "B3", -1, "2012-01-01", LATER)
    buy(crm, "V2", "B1", 10_000_00, "2011-06-30")
    buy(crm, "V2", "B2", -1, "2011-12-31")
    buy(crm, "V3", "B1", 8_000_00, "2010-12-31")
    assert listed(crm, 2011) == {("V1", "first"): 10_000_00, ("V2", "first"): 9_999_99}
    assert listed(crm, 2012) == {("V1", "first"): -1}
    assert listed(crm, 2012, known=EARLY) == {}
    assert listed(crm, 2010, households=["V2", "V3"]) == {("V3", "first"): 8_000_00}
    [(_, first), *_] = crm.accounts.purchases(2011)
    assert (first.bought_fen, first.refunded_fen, len(first.positions)) == (10_000_00, 0, 2)
    graded = {g.household: (g.facts.purchases_fen, g.outcome) for g in crm.grade(2011).gradings}
    assert [graded[home][0] for home in ("V1", "V2", "V3")] == [10_000_00, 9_999_99, 0]
    assert graded["V1"][1].layer == "main"


@pytest.mark.rule("PAY-13", "PAY-16")
def test_what_the_seller_bought_is_not_the_buyers(crm: CRM) -> None:
    buy(crm, "V1", "B1", 700_00, "2011-05-31")
    buy(crm, "V1", "B2", 200_00, "2011-06-01")
    crm.do(
        TransferOwnership(
            "V1",
            "V1#buyer",
            day("2011-06-01"),
            Personal("V1#buyer", "x"),
            reason="transfer of ownership",
        ),
        by=CLERK,
        at=EARLY,
    )
    assert listed(crm, 2011) == {("V1", "first"): 700_00, ("V1", "2011-06-01"): 200_00}


@pytest.mark.rule("PAY-13", "GRD-01")
@settings(max_examples=25)
@given(estates(2011, households_max=3))
def test_what_is_listed_is_what_a_grading_counts(estate: Estate) -> None:
    with open_crm("memory:") as crm:
        play(crm, estate)
        known = parse_instant("2013-01-01T00:00:00+08:00")
        found = listed(crm, 2011, known=known)
        for grading in crm.grade(2011, known=known).gradings:
            file = crm.accounts.statement(grading.household, date(2011, 12, 31), known=known)
            key = (grading.household, file["tenure"])
            assert grading.facts.purchases_fen == found.get(key, 0)
