"""Allocation as policy: one after the other, by contract, or by the Civil Code (PAY-02)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from importlib.resources import files
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from paying import (
    ACCOUNTS,
    ANY_DAY,
    cancelled,
    corrected,
    day,
    paid,
    placed,
    raised,
    refunded,
    reversed_,
    waived,
)

from crm_core.kernel.policy import PolicyFault
from crm_core.payments.allocation import allocate
from crm_core.payments.allocation_policy import (
    Agreed,
    AllocationPolicy,
    Epoch,
    Epochs,
    epochs,
)
from crm_core.payments.events import ChargeRaised, LateChargeClaimed
from crm_core.payments.ledger import Ledger
from crm_core.slices import shipped
from policy_faults import said

USUAL = shipped().find(AllocationPolicy, "allocation-cn-default", ANY_DAY)
CODE = shipped().find(AllocationPolicy, "allocation-cn-civil-code", ANY_DAY)
TEXT = (files("crm_core") / "payments/policies/allocation-cn-civil-code.toml").read_text("utf-8")
BY_CODE: Epochs = (Epoch(date.min, CODE),)


def stands(events: Sequence[Any], on: str, by: Epochs = BY_CODE) -> tuple[dict[str, int], int]:
    """What is unpaid, late charges and costs included, and the credit in advance."""
    found = allocate(Ledger.of(placed(events), by), day(on))
    return {c.number: fen for c, fen in (*found.unpaid, *found.late)}, found.advance_fen


def parking(number: str, due: str, fen: int = 100_00, kind: str = "parking") -> ChargeRaised:
    return ChargeRaised(number, kind, due[:7], fen, day(due), None)


def late_claim(number: str, of: str, fen: int, on: str) -> LateChargeClaimed:
    return LateChargeClaimed(number, of, fen, day(on), day(on), USUAL.ref, "F1")


# --- to the letter -----------------------------------------------------------------------------


@pytest.mark.rule("PAY-02")
def test_what_falls_due_on_the_same_day_is_settled_in_proportion() -> None:
    """Article 560: by number under the contract's clause, in proportion under the code."""
    booked = [raised("C1"), raised("C2", fen=50_00), paid(on="2011-02-01", fen=60_00)]
    assert stands(booked, "2011-02-01", ()) == ({"C1": 40_00, "C2": 50_00}, 0)
    assert stands(booked, "2011-02-01") == ({"C1": 60_00, "C2": 30_00}, 0)


@pytest.mark.rule("PAY-02")
def test_the_odd_fen_goes_to_the_first_number() -> None:
    booked = [*(raised(n, fen=1_00) for n in ("C1", "C2", "C3")), paid(on="2011-02-01", fen=1_00)]
    assert stands(booked, "2011-02-01") == ({"C1": 66, "C2": 67, "C3": 67}, 0)


@pytest.mark.rule("PAY-02")
def test_the_heavier_debt_comes_before_the_older_one() -> None:
    """A management fee bears a late charge, parking bears none."""
    booked = [
        parking("P-1", "2011-01-31"),
        raised("C2", "2011-02-28"),
        paid(on="2011-03-01", fen=100_00),
    ]
    assert stands(booked, "2011-03-01", ()) == ({"C2": 100_00}, 0)
    assert stands(booked, "2011-03-01") == ({"P-1": 100_00}, 0)


@pytest.mark.rule("PAY-02")
def test_what_is_due_comes_before_what_is_not_and_money_that_came_stays_where_it_went() -> None:
    """The lighter debt was the only one that was due when the money came: it is paid for good."""
    booked = [
        parking("P-1", "2011-01-31"),
        paid(on="2011-02-01", fen=100_00),
        raised("C2", "2011-02-28"),
    ]
    assert stands(booked, "2011-03-01") == ({"C2": 100_00}, 0)


@pytest.mark.rule("PAY-02", "PAY-08")
def test_costs_come_first_then_interest_then_principal() -> None:
    """Article 561; the contract's clause puts principal first."""
    booked = [
        raised("C1"),
        late_claim("L1", "C1", 10_00, "2011-02-10"),
        parking("K1", "2011-02-15", 20_00, "enforcement_costs"),
    ]
    for fen, left in (
        (15_00, {"C1": 100_00, "L1": 10_00, "K1": 5_00}),
        (25_00, {"C1": 100_00, "L1": 5_00}),
        (35_00, {"C1": 95_00}),
    ):
        events = [*booked, paid(on="2011-02-20", fen=fen)]
        assert stands(events, "2011-02-20") == (left, 0)
        assert stands(events, "2011-02-20", ())[0] == {
            "C1": 100_00 - fen,
            "L1": 10_00,
            "K1": 20_00,
        }


@pytest.mark.rule("PAY-02")
def test_what_the_payer_names_comes_before_everything() -> None:
    booked = [
        raised("C1"),
        parking("K1", "2011-02-15", 20_00, "enforcement_costs"),
        paid(on="2011-02-20", charge="C1"),
    ]
    assert stands(booked, "2011-02-20") == ({"K1": 20_00}, 0)


@pytest.mark.rule("PAY-02", "PAY-01")
def test_money_for_a_charge_that_was_cancelled_can_bounce_too() -> None:
    """It names nothing that stands: it is free, and taken back it was never there."""
    booked = [
        raised("C1"),
        raised("C2", fen=50_00),
        paid("P1", on="2011-02-01", fen=30_00),
        paid("P2", on="2011-02-01", fen=20_00, charge="C2"),
        cancelled("C2"),
    ]
    assert stands(booked, "2011-02-09") == ({"C1": 50_00}, 0)
    bounced = [*booked, reversed_("P2", on="2011-02-10")]
    assert stands(bounced, "2011-02-10") == ({"C1": 70_00}, 0)


@pytest.mark.rule("PAY-02", "PAY-01")
def test_under_the_code_too_a_bounce_takes_back_what_the_money_had_settled() -> None:
    booked = [raised("C1"), paid(on="2011-02-01"), reversed_(on="2011-03-01")]
    assert stands(booked, "2011-02-28") == ({}, 0)
    assert stands(booked, "2011-03-01") == ({"C1": 100_00}, 0)
    refund = [paid(on="2011-02-01"), refunded(on="2011-02-15"), reversed_(on="2011-03-01")]
    assert stands(refund, "2011-03-01") == ({"refund-2011-03-01": 100_00}, 0)
    write_off = [raised("C1"), waived(write_off=True), paid(on="2011-03-01")]
    assert stands(write_off, "2011-03-01") == ({}, 0)


# --- a change of policy ------------------------------------------------------------------------

APRIL = (Epoch(date.min, USUAL), Epoch(date(2011, 4, 1), CODE))


@pytest.mark.rule("PAY-02")
def test_a_payment_is_allocated_by_the_policy_of_its_day() -> None:
    booked = [
        raised("C1"),
        raised("C2"),
        paid("P1", on="2011-03-31", fen=60_00),
        paid("P2", on="2011-04-01", fen=70_00),
    ]
    # The oldest number first, then what is left in proportion: 40 and 100.
    assert stands(booked, "2011-03-31", APRIL) == ({"C1": 40_00, "C2": 100_00}, 0)
    assert stands(booked, "2011-04-01", APRIL) == ({"C1": 20_00, "C2": 50_00}, 0)


@pytest.mark.rule("PAY-02", "PAY-15")
@given(ACCOUNTS, st.dates(date(2010, 1, 1), date(2012, 1, 31)))
def test_the_course_has_no_gap_over_a_change_of_policy(
    booked: tuple[Any, ...], change: date
) -> None:
    """The change itself moves nothing: what it finds on its day is what the day before left."""
    before = Ledger.of(placed(booked))
    turned = Ledger.of(placed(booked), (Epoch(date.min, USUAL), Epoch(change, CODE)))
    turns = before.turns() | {c.due for c in (*before.charges, *before.late)}
    for on in {change - timedelta(days=1), change, *(turn for turn in turns if turn < change)}:
        if on < change or not any(turn == change for turn in turns):
            assert allocate(turned, on) == allocate(before, on)
    for on in {date.max, *turns}:
        one, other = allocate(before, on), allocate(turned, on)
        # Whoever divides it, it is the same money.
        assert one.owed_fen == other.owed_fen
        assert sum(fen for _, fen in other.unpaid) >= 0
        assert other.advance_fen >= 0


@pytest.mark.rule("PAY-02", "PAY-15")
@given(ACCOUNTS)
def test_under_every_policy_the_same_is_owed(booked: tuple[Any, ...]) -> None:
    usual = Ledger.of(placed(booked))
    for by in (BY_CODE, APRIL, (*APRIL, Epoch(date(2011, 9, 1), USUAL))):
        ledger = Ledger.of(placed(booked), by)
        for on in usual.turns() | {c.due for c in (*usual.charges, *usual.late)}:
            one, other = allocate(usual, on), allocate(ledger, on)
            assert one.owed_fen == other.owed_fen
            assert all(0 < fen <= c.amount_fen for c, fen in (*other.unpaid, *other.late))


# --- which policy holds ------------------------------------------------------------------------


def policy(name: str, since: str, **more: Any) -> AllocationPolicy:
    """The code's way under another name, from a day on."""
    header = attrs.evolve(CODE.header, name=name, effective_from=day(since), **more)
    return attrs.evolve(CODE, header=header, ref=attrs.evolve(CODE.ref, name=name))


def told(found: Epochs) -> list[tuple[str, str]]:
    return [(epoch.first.isoformat(), epoch.policy.ref.name) for epoch in found]


@pytest.mark.rule("PAY-02", "GRD-11")
@pytest.mark.parametrize(
    ("before", "after", "path"),
    [
        ('kind = "allocation"', 'kind = "credit"', "kind"),
        ('method = "civil_code"', 'method = "by_size"', "method"),
        ('method = "civil_code"', 'method = "oldest_first"', "heavier"),
    ],
)
def test_an_allocation_policy_is_read_strictly(before: str, after: str, path: str) -> None:
    text = TEXT.replace(before, after)
    assert text != TEXT
    with pytest.raises(PolicyFault) as found:
        AllocationPolicy.parse(text)
    assert path in said(found.value)


@pytest.mark.rule("PAY-02")
def test_an_estate_has_one_policy_with_its_effective_date() -> None:
    anhe = attrs.evolve(policy("allocation-anhe", "2011-04-01"), estates=("Anhe",))
    book = [USUAL, CODE, anhe]
    usual, code = ("0001-01-01", "allocation-cn-default"), ("2011-04-01", "allocation-anhe")
    assert told(epochs(book, "Anhe")) == [usual, code]
    assert told(epochs(book, "Other")) == [usual]
    draft = attrs.evolve(anhe, header=attrs.evolve(anhe.header, approved_by=""))
    assert told(epochs([USUAL, draft], "Anhe")) == [usual]
    ended = attrs.evolve(anhe, header=attrs.evolve(anhe.header, effective_to=day("2011-12-31")))
    back = ("2012-01-01", "allocation-cn-default")
    assert told(epochs([USUAL, ended], "Anhe")) == [usual, code, back]


@pytest.mark.rule("PAY-02")
def test_a_clause_of_the_contract_replaces_the_estates_policy() -> None:
    clause = Agreed(day("2011-02-01"), day("2011-06-30"), "allocation-cn-civil-code")
    assert told(epochs([USUAL, CODE], "Anhe", [clause])) == [
        ("0001-01-01", "allocation-cn-default"),
        ("2011-02-01", "allocation-cn-civil-code"),
        ("2011-07-01", "allocation-cn-default"),
    ]


@pytest.mark.rule("PAY-01", "PAY-02")
def test_what_a_bill_was_corrected_by_was_never_owed() -> None:
    booked = [raised("C1"), paid(charge="C1"), corrected(of="C1", fen=30_00)]
    for by in ((), BY_CODE):
        assert stands(booked, "2011-02-01", by) == ({}, 30_00)
