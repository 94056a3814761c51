"""The changes of a household's credit over a period, each with what it came of (PAY-05)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any

import pytest
from agreeing import claimed
from claiming import decided, disputed
from hypothesis import given
from hypothesis import strategies as st
from paying import (
    ACCOUNTS,
    CLERK,
    DEFAULT,
    FEBRUARY,
    FINANCE,
    JANUARY,
    TABLES,
    cancelled,
    day,
    paid,
    placed,
    raised,
    refunded,
    reversed_,
    waived,
)

from crm_adapters.wiring import open_crm
from crm_core.crm import CRM
from crm_core.errors import Invalid
from crm_core.kernel.dates import Period, parse_instant
from crm_core.kernel.sealed import Personal
from crm_core.owners.commands import RegisterHousehold, TransferOwnership, owner_id
from crm_core.payments import CreditPolicy, Ledger, credit_standing
from crm_core.payments.changes import CreditChange, changes
from crm_core.payments.commands import RaiseCharge, ReceivePayment

Row = tuple[str, str, str, bool, list[tuple[int, str, str]]]


def row(change: CreditChange) -> Row:
    causes = [(cause.position, cause.what, cause.number) for cause in change.causes]
    return (change.day.isoformat(), change.before, change.after, change.calendar, causes)


def told(events: Sequence[Any], first: str = "2011-01-01", last: str = "2011-12-31") -> list[Row]:
    return [row(one) for one in changes(placed(events), Period(day(first), day(last)), DEFAULT)]


def aged(position: int, charge: str = "C1") -> list[tuple[int, str, str]]:
    return [(position, "charge_raised", charge)]


@pytest.mark.rule("PAY-05")
def test_a_charge_that_nobody_pays_grows_older_and_the_payment_ends_it() -> None:
    booked = [JANUARY, paid(on="2011-05-02")]
    assert told(booked) == [
        ("2011-02-01", "A", "B1", True, aged(1)),
        ("2011-03-03", "B1", "B2", True, aged(1)),
        ("2011-05-02", "B2", "A", False, [(2, "payment_received", "P1")]),
    ]
    # The first day is compared with the day before it; the last is one of the days.
    assert told(booked, "2011-02-01", "2011-02-01") == [("2011-02-01", "A", "B1", True, aged(1))]
    assert told(booked, "2011-02-02", "2011-03-02") == []
    assert told([], "2011-01-01", "2011-12-31") == []


@pytest.mark.rule("PAY-05", "PAY-06", "PAY-01")
@pytest.mark.parametrize(
    ("events", "change"),
    [
        (
            [JANUARY, disputed(on="2011-02-10")],
            ("2011-02-10", "B1", "A", False, [(2, "charge_disputed", "D1")]),
        ),
        (
            [JANUARY, disputed(on="2011-01-10"), decided(on="2011-04-10")],
            ("2011-04-10", "A", "B2", False, [(3, "dispute_decided", "D1")]),
        ),
        (
            [JANUARY, waived(on=day("2011-02-10"))],
            ("2011-02-10", "B1", "A", False, [(2, "charge_waived", "W1")]),
        ),
        (
            [JANUARY, paid(), reversed_(on="2011-02-10")],
            ("2011-02-10", "A", "B1", False, [(3, "payment_reversed", "P1")]),
        ),
        # Each pays a half, and neither would do alone.
        (
            [JANUARY, paid(on="2011-02-10", fen=50_00), paid("P2", "2011-02-10", 50_00)],
            (
                "2011-02-10", "B1", "A", False,
                [(2, "payment_received", "P1"), (3, "payment_received", "P2")],
            ),
        ),
        # Each pays all of it, and either would do: they brought it about together.
        (
            [JANUARY, paid(on="2011-02-10"), paid("P2", "2011-02-10")],
            (
                "2011-02-10", "B1", "A", False,
                [(2, "payment_received", "P1"), (3, "payment_received", "P2")],
            ),
        ),
        # What also happened on that day is no cause.
        (
            [JANUARY, paid(on="2011-02-10", fen=1), paid("P2", "2011-02-10")],
            ("2011-02-10", "B1", "A", False, [(3, "payment_received", "P2")]),
        ),
        ([JANUARY, paid(on="2011-03-03", fen=1)], ("2011-03-03", "B1", "B2", True, aged(1))),
        (
            [JANUARY, FEBRUARY, paid(on="2011-03-10", charge="C1")],
            ("2011-03-10", "B2", "B1", False, [(3, "payment_received", "P1")]),
        ),
    ],
)  # fmt: skip
def test_a_change_names_what_it_came_of_and_no_more(events: list[Any], change: Row) -> None:
    assert change in told(events)


@pytest.mark.rule("PAY-05", "PAY-08", "PAY-13")
def test_what_moves_no_grade_makes_no_change() -> None:
    late = [claimed(), cancelled("L1")]
    assert told([JANUARY, *late]) == told([JANUARY])
    assert told([raised(), cancelled()]) == []


@pytest.mark.rule("PAY-05", "PAY-01")
@pytest.mark.case("K20")
def test_the_debt_of_a_bounced_refund_is_a_change_of_its_own() -> None:
    booked = [paid(), refunded(on="2011-02-01"), reversed_(on="2011-02-10")]
    [first, *_] = told(booked)
    assert first[:4] == ("2011-02-11", "A", "B1", True)
    assert [position for position, *_ in first[4]] == [3]


@pytest.mark.rule("PAY-05", "PAY-04")
@given(
    ACCOUNTS,
    st.sampled_from(TABLES),
    st.dates(date(2010, 10, 1), date(2011, 12, 31)),
    st.integers(0, 400),
)
def test_the_changes_replay_to_the_credit_of_every_day(
    booked: tuple[Any, ...], policy: CreditPolicy, first: date, length: int
) -> None:
    facts = list(placed(booked))
    ledger = Ledger.of(facts)
    window = Period(first, first + timedelta(days=length))
    found = list(changes(facts, window, policy))
    assert [one.day for one in found] == sorted({one.day for one in found})
    grade = credit_standing(ledger, first - timedelta(days=1), policy).grade
    to_come = iter(found)
    coming = next(to_come, None)
    for days in range(length + 1):
        on = first + timedelta(days=days)
        if coming is not None and coming.day == on:
            assert coming.before == grade != coming.after
            grade = coming.after
            coming = next(to_come, None)
        assert grade == credit_standing(ledger, on, policy).grade
    assert coming is None
    positions = {position for _, position in facts}
    for one in found:
        assert {cause.position for cause in one.causes} <= positions
        assert one.causes


# --- asked of a company ------------------------------------------------------------------------


def at(text: str) -> Any:
    return parse_instant(f"{text}T09:00:00+08:00")


def charge(number: str, due: str) -> RaiseCharge:
    return RaiseCharge("V1", number, "management_fee", due[:7], 100_00, day(due))


@pytest.fixture
def crm() -> Iterator[CRM]:
    """V1 owes since January, was sold on 1 June; a payment of March came to be known in July."""
    with open_crm("memory:") as opened:
        buyer = Personal("V1#buyer", "x")
        told = [
            (
                RegisterHousehold(
                    "V1", "Anhe", "1", "1", "101", owner=Personal(owner_id("V1"), "x")
                ),
                CLERK,
                "2010-01-01",
            ),
            (charge("C1", "2011-01-31"), FINANCE, "2011-01-01"),
            (charge("C2", "2011-06-30"), FINANCE, "2011-01-01"),
            (
                TransferOwnership(
                    "V1", "V1#buyer", day("2011-06-01"), buyer, reason="transfer of ownership"
                ),
                CLERK,
                "2011-06-01",
            ),
            (
                ReceivePayment("V1", "P1", 100_00, day("2011-03-10"), "cash", "C1"),
                FINANCE,
                "2011-07-10",
            ),
        ]
        for command, by, known in told:
            opened.do(command, by=by, at=at(known))
        yield opened


@pytest.mark.rule("PAY-05", "PAY-03", "PAY-16")
def test_changes_are_those_of_whose_credit_it_is_and_of_what_was_known(crm: CRM) -> None:
    def asked(**known: Any) -> list[tuple[str, str, str, bool, list[str]]]:
        return [
            (*row(one)[:4], [cause.what for cause in one.causes])
            for one in crm.accounts.changes("V1", day("2011-01-01"), day("2011-07-31"), **known)
        ]

    buyer = ("2011-07-01", "A", "B1", True, ["charge_raised"])
    begun = [
        ("2011-02-01", "A", "B1", True, ["charge_raised"]),
        ("2011-03-03", "B1", "B2", True, ["charge_raised"]),
    ]
    assert asked(known=at("2011-07-09")) == [
        *begun,
        ("2011-05-02", "B2", "B3", True, ["charge_raised"]),
        ("2011-06-01", "B3", "A", False, ["tenure", "tenure"]),
        buyer,
        ("2011-07-31", "B1", "B2", True, ["charge_raised"]),
    ]
    assert asked() == [
        *begun,
        ("2011-03-10", "B2", "A", False, ["payment_received"]),
        buyer,
        ("2011-07-31", "B1", "B2", True, ["charge_raised"]),
    ]
    for on in ("2011-03-09", "2011-05-31", "2011-06-01", "2011-07-31"):
        [line] = crm.accounts.credit(day(on), households=["V1"], known=at("2011-07-09"))
        found = crm.accounts.changes("V1", day("2010-01-01"), day(on), known=at("2011-07-09"))
        assert [one.after for one in found][-1] == line.grade


@pytest.mark.rule("PAY-05")
def test_changes_of_nobody_and_of_no_days_are_faults(crm: CRM) -> None:
    for asked, code in (
        (("V9", day("2011-01-01"), day("2011-01-31")), "household_unknown"),
        (("V1", day("2011-01-31"), day("2011-01-01")), "period_malformed"),
    ):
        with pytest.raises(Invalid) as found:
            crm.accounts.changes(*asked)
        assert [fault.code for fault in found.value.faults] == [code]
    with pytest.raises(Invalid, match="has no file"):
        crm.accounts.changes("V1", day("2011-01-01"), day("2011-01-31"), known=at("2009-12-31"))
