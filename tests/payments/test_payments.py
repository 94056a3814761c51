"""Payments: what is booked, what it settles, and the credit grade that follows."""

from __future__ import annotations

import ast
import calendar
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise, permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paying import (
    ACCOUNTS,
    ANY_DAY,
    BOOKED,
    CLERK,
    DEFAULT,
    FEBRUARY,
    FINANCE,
    JANUARY,
    MANAGER,
    MARCH,
    REFUSED,
    TABLES,
    accept_moved,
    advance,
    bought,
    buy,
    cancel,
    cancelled,
    charge_it,
    day,
    decide_refund,
    decide_waiver,
    grade,
    move,
    moved_out,
    paid,
    pay,
    placed,
    raised,
    refund,
    refund_proposed,
    refunded,
    reverse,
    reversed_,
    unpaid,
    waive,
    waived,
    waiver_proposed,
)

import crm_core
from crm_adapters.wiring import open_crm
from crm_core.crm import CRM
from crm_core.errors import Refused
from crm_core.gradings.facts import gather
from crm_core.gradings.reading import DEFAULT_READING, Reading
from crm_core.kernel.dates import ESTATE_ZONE, Period, parse_instant
from crm_core.kernel.policy import PolicyFault
from crm_core.kernel.recorded import SYSTEM, Appended, Commit, Cutoff
from crm_core.owners.commands import RegisterHousehold
from crm_core.payments import ACCOUNT, Account, CreditPolicy, Ledger, allocate, credit_standing
from crm_core.payments.answers import AMOUNT_FEN_MAX, ledger
from crm_core.payments.books import trial_balance
from crm_core.payments.commands import (
    CHARGE_KINDS,
    METHODS,
    DecideRefund,
    DecideWaiver,
    MovePayment,
    ProposeRefund,
    ProposeWaiver,
    RaiseCharge,
    ReceivePayment,
    ReversePayment,
)
from crm_core.payments.credit import course
from crm_core.payments.events import (
    ChargeCancelled,
    ChargeCorrected,
    ChargeDisputed,
    ChargeRaised,
    CreditRefunded,
    DisputeDecided,
    LateChargeClaimed,
    PaymentMovedIn,
    PaymentMovedOut,
    PaymentReceived,
    PaymentReversed,
    PurchaseRefunded,
)
from crm_core.payments.views import account_view
from crm_core.ports import EventLog
from crm_core.slices import shipped
from crm_core.testing.laws import check_decider
from crm_core.testing.scenario import given as scenario
from crm_core.testing.strategies import (
    Estate,
    account_commands,
    account_openings,
    account_stories,
    estates,
    play,
)
from policy_faults import said

# --- PAY-01: what is booked ------------------------------------------------------------------


@pytest.mark.rule("PAY-01", "PAY-13")
@pytest.mark.parametrize(
    ("past", "command", "event"),
    BOOKED,
    ids=lambda value: type(value).__name__ if not isinstance(value, list) else "",
)
def test_what_is_asked_of_an_account_is_booked(past: list[Any], command: Any, event: Any) -> None:
    scenario(ACCOUNT, *past).when(command).then(event)


@pytest.mark.rule("PAY-01")
@pytest.mark.parametrize("kind", CHARGE_KINDS)
@pytest.mark.parametrize("fen", [1, AMOUNT_FEN_MAX])
def test_a_charge_is_of_any_known_kind_and_any_amount_from_one_fen(kind: str, fen: int) -> None:
    scenario(ACCOUNT).when(charge_it(kind=kind, amount_fen=fen)).then(
        ChargeRaised("C1", kind, "2011-01", fen, day("2011-01-31"), None)
    )


@pytest.mark.rule("PAY-01")
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("fen", [1, AMOUNT_FEN_MAX])
def test_a_payment_is_made_in_any_known_way_with_any_amount_from_one_fen(
    method: str, fen: int
) -> None:
    scenario(ACCOUNT).when(pay(method=method, amount_fen=fen)).then(
        PaymentReceived("P1", fen, day("2011-01-20"), method, None, (), None)
    )


@pytest.mark.rule("PAY-01")
def test_a_charge_cancelled_twice_is_cancelled_once() -> None:
    scenario(ACCOUNT, raised(), cancelled()).when(cancel()).nothing()


@pytest.mark.rule("PAY-01", "LOG-06")
@pytest.mark.parametrize(("past", "command", "code", "rule"), REFUSED)
def test_what_cannot_be_booked_is_refused(
    past: list[Any], command: Any, code: str, rule: str
) -> None:
    scenario(ACCOUNT, *past).when(command).refused(code, rule)


@pytest.mark.rule("PAY-01")
def test_an_amount_that_is_refused_says_what_would_be_accepted() -> None:
    refusal = scenario(ACCOUNT, raised(), paid(fen=30_00)).when(waive(fen=70_01)).refusal
    assert refusal is not None
    assert refusal.details == {"charge": "C1", "unpaid_fen": 70_00, "amount_fen": 70_01}
    assert refusal.message == "70.00 yuan of charge `C1` are unpaid, not 70.01"
    refusal = scenario(ACCOUNT, paid(fen=30_00)).when(refund(fen=30_01)).refusal
    assert refusal is not None
    assert refusal.details == {"credit_fen": 30_00, "amount_fen": 30_01}
    scenario(ACCOUNT, raised(), paid(fen=30_00)).when(waive(fen=70_00), decide_waiver()).then(
        waiver_proposed(fen=70_00), waived(fen=70_00)
    )
    scenario(ACCOUNT, paid(fen=30_00)).when(refund(fen=30_00), decide_refund()).then(
        refund_proposed(fen=30_00), refunded(fen=30_00)
    )


def test_the_account_keeps_the_laws_of_a_decider() -> None:
    opening = account_openings() | account_stories()
    check_decider(ACCOUNT, account_commands(), opening=opening, max_examples=100)


# --- PAY-02: what a payment settles ----------------------------------------------------------


@pytest.mark.rule("PAY-02")
@pytest.mark.parametrize(
    ("events", "left", "in_advance"),
    [
        ([], {"C1": 100_00, "C2": 100_00, "C3": 100_00}, 0),
        # The named charge first, though older ones stay unpaid.
        ([paid(charge="C2")], {"C1": 100_00, "C3": 100_00}, 0),
        # Without a name the oldest unpaid.
        ([paid()], {"C2": 100_00, "C3": 100_00}, 0),
        ([paid(fen=1)], {"C1": 99_99, "C2": 100_00, "C3": 100_00}, 0),
        ([paid(fen=100_01)], {"C2": 99_99, "C3": 100_00}, 0),
        # In part, and what a named charge does not need goes to the oldest.
        ([paid(fen=40_00, charge="C2")], {"C1": 100_00, "C2": 60_00, "C3": 100_00}, 0),
        ([paid(fen=150_00, charge="C2")], {"C1": 50_00, "C3": 100_00}, 0),
        ([paid(charge="C2"), paid("P2", charge="C2")], {"C3": 100_00}, 0),
        # A name comes before the pool, whichever was paid first.
        ([paid(), paid("P2", "2011-01-25", charge="C1")], {"C3": 100_00}, 0),
        # A name that is not known counts as none.
        ([paid(charge="C9")], {"C2": 100_00, "C3": 100_00}, 0),
        # What then remains is credit in advance.
        ([paid(fen=300_00)], {}, 0),
        ([paid(fen=300_01)], {}, 1),
        ([paid(fen=500_00, charge="C3")], {}, 200_00),
        # A cancelled charge asks for nothing, and what was paid on it is free.
        ([cancelled("C1")], {"C2": 100_00, "C3": 100_00}, 0),
        ([paid(charge="C1"), cancelled("C1")], {"C3": 100_00}, 0),
    ],
)
def test_what_payments_settle(events: list[Any], left: dict[str, int], in_advance: int) -> None:
    booked = [JANUARY, FEBRUARY, MARCH, *events]
    assert unpaid(booked, "2011-04-30") == left
    assert advance(booked, "2011-04-30") == in_advance


@pytest.mark.rule("PAY-02")
def test_charges_due_the_same_day_are_settled_by_their_number() -> None:
    same_day = [raised(number, "2011-01-31") for number in ("C3", "C1", "C2")]
    for order in permutations(same_day):
        assert unpaid([*order, paid(fen=150_00)], "2011-02-01") == {"C2": 50_00, "C3": 100_00}


@pytest.mark.rule("PAY-02")
def test_credit_in_advance_settles_the_next_charge_whenever_that_is_raised() -> None:
    early = [paid(fen=250_00)]
    assert advance(early, "2011-01-20") == 250_00
    # It is credit until something falls due.
    every = [*early, JANUARY, FEBRUARY, MARCH]
    assert advance(every, "2011-01-30") == 250_00
    assert advance(every, "2011-01-31") == 150_00
    assert advance(every, "2011-02-28") == 50_00
    assert unpaid(every, "2011-03-31") == {"C3": 50_00}
    assert advance(every, "2011-03-31") == 0
    upcoming = allocate(Ledger.of(placed(every)), day("2011-01-20")).upcoming
    assert [(charge.number, fen) for charge, fen in upcoming] == [("C3", 50_00)]


@pytest.mark.rule("PAY-02")
def test_only_charges_due_before_the_day_are_overdue() -> None:
    booked = [JANUARY, FEBRUARY, MARCH]
    assert grade(booked, "2011-01-30") == ("A", 0, 0)
    assert grade(booked, "2011-01-31") == ("A", 0, 0)
    assert grade(booked, "2011-02-01") == ("B1", 1, 100_00)
    assert grade(booked, "2011-02-28") == ("B1", 28, 100_00)
    assert grade(booked, "2011-03-01") == ("B1", 29, 200_00)
    # One fen is enough to be overdue, and the oldest counts.
    nearly = [*booked, paid(fen=99_99, charge="C1"), paid("P2", charge="C2")]
    assert grade(nearly, "2011-03-05") == ("B2", 33, 1)


@pytest.mark.rule("PAY-01", "PAY-02")
def test_a_waiver_lowers_what_its_charge_asks_for_from_its_day_on() -> None:
    booked = [JANUARY, FEBRUARY, waived(charge="C1", fen=60_00)]
    assert unpaid(booked, "2011-02-14") == {"C1": 100_00}
    assert unpaid(booked, "2011-02-15") == {"C1": 40_00}
    # What was paid on the charge becomes free; the waiver itself is not money.
    assert unpaid([*booked, paid(charge="C1")], "2011-02-28") == {"C2": 40_00}


@pytest.mark.rule("PAY-01", "PAY-15")
def test_a_waiver_of_a_charge_that_is_cancelled_later_is_no_credit() -> None:
    """Else a charge raised by mistake, waived and then cancelled could be refunded in cash."""
    booked = [JANUARY, waived(charge="C1"), cancelled("C1")]
    assert advance(booked, "2011-04-30") == 0
    scenario(ACCOUNT, *booked).when(refund(fen=1)).refused("refund_exceeds_credit")
    assert unpaid([*booked, FEBRUARY], "2011-04-30") == {"C2": 100_00}


@pytest.mark.rule("PAY-01", "PAY-02")
def test_a_refund_lowers_credit_in_advance_from_its_day_on() -> None:
    booked = [paid(fen=150_00), refunded(fen=50_00)]
    assert advance(booked, "2011-02-14") == 150_00
    assert advance(booked, "2011-02-15") == 100_00
    # A payment that names its charge is not taken back by it.
    named = [paid(fen=150_00, charge="C1"), refunded(fen=50_00), JANUARY, FEBRUARY]
    assert advance(named, "2011-02-14") == 50_00
    assert advance(named, "2011-02-15") == 0
    assert unpaid(named, "2011-02-28") == {"C2": 100_00}


@pytest.mark.rule("PAY-01", "PAY-15")
@pytest.mark.case("K20")
def test_a_refund_of_money_that_is_taken_back_later_leaves_a_debt_and_no_credit() -> None:
    """It is due when the payment bounces, and is settled in its place among the charges."""
    booked = [paid(), refunded(), reversed_(on="2011-03-01")]
    assert advance(booked, "2011-02-28") == 0
    assert advance(booked, "2011-03-01") == 0
    assert unpaid(booked, "2011-03-01") == {"refund-2011-03-01": 100_00}
    assert grade(booked, "2011-03-01") == ("A", 0, 0)
    assert grade(booked, "2011-04-01") == ("B2", 31, 100_00)
    again = [*booked, JANUARY, paid("P2", "2011-03-02", fen=150_00)]
    assert unpaid(again, "2011-03-02") == {"refund-2011-03-01": 50_00}
    assert advance(again, "2011-03-02") == 0


# --- PAY-03: two times (T11) -----------------------------------------------------------------


@pytest.fixture
def crm() -> Iterator[CRM]:
    with open_crm("memory:") as opened:
        for number, household in enumerate(("V1", "V2", "V3"), 1):
            opened.do(
                RegisterHousehold(household, "Anhe", "1", "1", f"{number}01"),
                by=CLERK,
                id=f"register-{household}",
                at=parse_instant("2010-01-01T00:00:00+08:00"),
            )
        yield opened


def credit_of(crm: CRM, household: str, on: str, known: str | None = None) -> tuple[str, int, int]:
    instant = None if known is None else parse_instant(known)
    [line] = crm.accounts.credit(day(on), known=instant, households=[household])
    return line.grade, line.overdue_days, line.overdue_fen


NOON = parse_instant("2011-12-01T12:00:00+08:00")


def tell(crm: CRM, command: Any, at: datetime) -> None:
    """By a clerk; what they propose is approved by a manager at once."""
    crm.do(command, by=CLERK, at=at)
    if isinstance(command, ProposeWaiver):
        crm.do(DecideWaiver("V1", command.waiver, True, command.on), by=MANAGER, at=at)


@pytest.mark.rule("PAY-03")
def test_arrears_can_be_asked_for_any_day_as_known_at_any_instant(crm: CRM) -> None:
    """T11: paid on 30 December, booked on 5 January; both answers stay available."""
    crm.do(charge_it(due=day("2011-12-01")), by=FINANCE, at=NOON)
    booked = parse_instant("2012-01-05T10:00:00+08:00")
    crm.do(pay(paid_on=day("2011-12-30")), by=FINANCE, at=booked)
    year_end, before, then = (
        "2011-12-31T23:59:59+08:00",
        "2012-01-05T09:59:59+08:00",
        "2012-01-05T10:00:00+08:00",
    )
    table = {
        (on, known): credit_of(crm, "V1", on, known)
        for on in ("2011-12-29", "2011-12-30", "2011-12-31")
        for known in (year_end, before, then)
    }
    assert table == {
        ("2011-12-29", year_end): ("B1", 28, 100_00),
        ("2011-12-29", before): ("B1", 28, 100_00),
        ("2011-12-29", then): ("B1", 28, 100_00),
        ("2011-12-30", year_end): ("B1", 29, 100_00),
        ("2011-12-30", before): ("B1", 29, 100_00),
        ("2011-12-30", then): ("A", 0, 0),
        ("2011-12-31", year_end): ("B1", 30, 100_00),
        ("2011-12-31", before): ("B1", 30, 100_00),
        ("2011-12-31", then): ("A", 0, 0),
    }
    # Later facts change none of it.
    crm.do(reverse(on="2012-01-10"), by=FINANCE, at=parse_instant("2012-02-01T09:00:00+08:00"))
    for (on, known), expected in table.items():
        assert credit_of(crm, "V1", on, known) == expected
    assert credit_of(crm, "V1", "2012-01-09") == ("A", 0, 0)
    assert credit_of(crm, "V1", "2012-01-10") == ("B2", 40, 100_00)


@pytest.mark.rule("PAY-03")
def test_a_charge_is_not_overdue_before_it_is_known(crm: CRM) -> None:
    late = parse_instant("2011-12-20T09:00:00+08:00")
    crm.do(charge_it(due=day("2011-12-01")), by=FINANCE, at=late)
    assert credit_of(crm, "V1", "2011-12-19", "2011-12-20T08:59:59+08:00") == ("A", 0, 0)
    assert credit_of(crm, "V1", "2011-12-19", "2011-12-20T09:00:00+08:00") == ("B1", 18, 100_00)


@pytest.mark.rule("PAY-03")
@pytest.mark.parametrize(
    ("first", "late", "before", "after"),
    [
        (pay(charge="C1"), reverse(on="2011-02-01"), "A", "B1"),
        (pay(), move(), "A", "B1"),
        (pay(amount_fen=1), waive(fen=99_99, by=None), "B1", "A"),
        (pay(amount_fen=1), cancel(), "B1", "A"),
    ],
)
def test_corrections_count_from_when_they_are_known(
    crm: CRM, first: Any, late: Any, before: str, after: str
) -> None:
    known = parse_instant("2011-03-01T10:00:00+08:00")
    at = parse_instant("2011-01-05T10:00:00+08:00")
    for told, when in ((charge_it(), at), (first, at), (late, known)):
        tell(crm, told, when)
    assert credit_of(crm, "V1", "2011-02-20", "2011-03-01T09:59:59+08:00")[0] == before
    assert credit_of(crm, "V1", "2011-02-20", "2011-03-01T10:00:00+08:00")[0] == after


# --- PAY-04: the grade (T13) -----------------------------------------------------------------

BUCKETS = {
    "credit-cn-default": (30, 90, 180, 365),
    "credit-ageing-30": (30, 60, 90, 120),
}
DUES = [
    day(text)
    for text in (
        "2011-01-01",
        "2011-12-31",
        "2012-01-31",
        "2012-02-28",
        "2012-02-29",
        "2012-12-31",
        "2000-02-29",
        "2099-03-01",
        "2099-12-31",
        "2100-02-28",
        "2100-03-01",
    )
]


@pytest.mark.rule("PAY-04")
@pytest.mark.parametrize("due", DUES, ids=str)
@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (-1, "A"),
        (0, "A"),
        (1, "B1"),
        (30, "B1"),
        (31, "B2"),
        (90, "B2"),
        (91, "B3"),
        (180, "B3"),
        (181, "B4"),
        (365, "B4"),
        (366, "B5"),
        (10_000, "B5"),
    ],
)
def test_the_grade_follows_from_the_days_since_the_due_date(
    due: date, days: int, expected: str
) -> None:
    """The due date is day 0; a leap day is a day like any other, and 2100 has none."""
    on = due + timedelta(days=days)
    assert DEFAULT.grade(due, on) == expected
    booked = Ledger.of([(ChargeRaised("C1", "other", "x", 1, due, None), 1)])
    now = credit_standing(booked, on, DEFAULT)
    overdue = (max(days, 0), 1) if expected != "A" else (0, 0)
    assert (now.grade, now.overdue_days, now.overdue_fen) == (expected, *overdue)


@pytest.mark.rule("PAY-04")
def test_one_year_overdue_in_leap_years_and_others() -> None:
    # From 1 March to 1 March: 365 days, or 366 with a 29 February between.
    assert DEFAULT.grade(day("2011-03-01"), day("2012-03-01")) == "B5"
    assert DEFAULT.grade(day("2012-03-01"), day("2013-03-01")) == "B4"
    assert DEFAULT.grade(day("2099-03-01"), day("2100-03-01")) == "B4"
    assert DEFAULT.grade(day("2103-03-01"), day("2104-03-01")) == "B5"


@pytest.mark.rule("PAY-04")
@pytest.mark.parametrize("name", BUCKETS)
def test_tables_in_days_are_right_on_every_day(name: str) -> None:
    table = shipped().find(CreditPolicy, name, ANY_DAY)
    due = day("2011-11-15")
    for days in range(-3, 800):
        ends_before = sum(1 for end in BUCKETS[name] if days > end)
        expected = "A" if days <= 0 else f"B{ends_before + 1}"
        assert table.grade(due, due + timedelta(days=days)) == expected


def months_begun(due: date, on: date) -> int:
    """Whole months since `due`, a month begun counting in full; a short month ends on its last."""
    full = (on.year - due.year) * 12 + on.month - due.month
    last = calendar.monthrange(on.year, on.month)[1]
    return full + (1 if on.day > min(due.day, last) else 0)


@pytest.mark.rule("PAY-04")
@pytest.mark.parametrize("due", [*DUES, day("2011-08-31"), day("2011-11-30")], ids=str)
def test_the_table_in_months_is_right_on_every_day(due: date) -> None:
    table = shipped().find(CreditPolicy, "credit-months", ANY_DAY)
    assert table.grade(due, due) == "A"
    for days in range(1, 800):
        on = due + timedelta(days=days)
        months = months_begun(due, on)
        expected = next((f"B{n}" for n, end in enumerate((3, 6, 12, 24), 1) if months <= end), "B5")
        assert table.grade(due, on) == expected, on


@pytest.mark.rule("PAY-04")
@pytest.mark.parametrize(
    ("due", "last_day", "expected"),
    [
        ("2011-01-31", "2011-04-30", "B1"),
        ("2011-08-31", "2012-02-29", "B2"),
        ("2010-08-31", "2011-02-28", "B2"),
        ("2099-08-31", "2100-02-28", "B2"),
        ("2012-02-29", "2013-02-28", "B3"),
        ("2012-02-29", "2014-02-28", "B4"),
        ("2010-02-28", "2012-02-28", "B4"),
    ],
)
def test_a_month_ends_on_the_same_day_or_the_last_of_a_shorter_one(
    due: str, last_day: str, expected: str
) -> None:
    table = shipped().find(CreditPolicy, "credit-months", ANY_DAY)
    assert table.grade(day(due), day(last_day)) == expected
    worse = f"B{int(expected[1]) + 1}"
    assert table.grade(day(due), day(last_day) + timedelta(days=1)) == worse


AMOUNT = next(table for table in TABLES if table.unit == "months_of_fee")


def by_amount(*charges: tuple[str, str, str, int], on: str = "2011-06-01") -> str:
    """The grade of unpaid charges: kind, period, due date, amount."""
    events = [
        ChargeRaised(f"C{n}", kind, period, fen, day(due), None)
        for n, (kind, period, due, fen) in enumerate(charges)
    ]
    return credit_standing(Ledger.of(placed(events)), day(on), AMOUNT).grade


@pytest.mark.rule("PAY-04")
@pytest.mark.parametrize(
    ("fen", "expected"),
    [
        (1, "B1"),
        (100_00, "B1"),
        (100_01, "B2"),
        (300_00, "B2"),
        (300_01, "B3"),
        (600_00, "B3"),
        (600_01, "B4"),
        (1200_00, "B4"),
        (1200_01, "B5"),
    ],
)
def test_the_table_by_amount_counts_months_of_the_management_fee(fen: int, expected: str) -> None:
    fee = ChargeRaised("C1", "management_fee", "2011-05", 100_00, day("2011-05-01"), None)
    rest = ChargeRaised("C2", "utilities", "2011-01", 2000_00, day("2011-01-01"), None)
    left = paid(fen=2100_00 - fen, on="2011-05-02")
    ledger = Ledger.of(placed([fee, rest, left]))
    assert credit_standing(ledger, day("2011-05-02"), AMOUNT).overdue_fen == fen
    assert credit_standing(ledger, day("2011-05-02"), AMOUNT).grade == expected
    assert credit_standing(ledger, day("2011-01-01"), AMOUNT).grade == "A"


@pytest.mark.rule("PAY-04")
def test_the_fee_of_a_month_is_that_of_the_newest_management_fee_due_before_the_day() -> None:
    # A year's fee is twelve months of it, a quarter's three.
    assert by_amount(("management_fee", "2011", "2011-01-01", 1200_00)) == "B4"
    assert by_amount(("management_fee", "2011-Q1", "2011-01-01", 300_00)) == "B2"
    assert by_amount(("management_fee", "2011Q1", "2011-01-01", 300_00)) == "B2"
    assert by_amount(("management_fee", "2011-01", "2011-01-01", 300_00)) == "B1"
    # The newest counts, and none that is due later or on the day.
    old = ("management_fee", "2011-01", "2011-01-01", 100_00)
    new = ("management_fee", "2011-05", "2011-05-01", 200_00)
    assert by_amount(old, new) == "B2"
    assert by_amount(old, new, on="2011-05-01") == "B1"
    assert by_amount(("management_fee", "2011-01", "2011-01-01", 600_00), new) == "B3"
    assert (
        by_amount(("management_fee", "2011-01", "2011-01-01", 600_00), new, on="2011-05-01") == "B1"
    )
    # Other charges count only where there is no management fee.
    assert by_amount(old, ("parking", "2011-05", "2011-05-01", 900_00)) == "B4"
    assert by_amount(("parking", "2011-05", "2011-05-01", 900_00)) == "B1"


@pytest.mark.rule("PAY-04")
def test_all_shipped_tables_have_the_six_grades_in_their_order() -> None:
    named = [p.name for p in shipped().refs() if p.name.startswith("credit-")]
    assert sorted(named) == sorted(table.ref.name for table in TABLES)
    for table in TABLES:
        assert table.ranking.values == ("A", "B1", "B2", "B3", "B4", "B5")


@pytest.mark.rule("PAY-04", "GRD-11")
@pytest.mark.parametrize(
    ("before", "after", "path"),
    [
        ('grade = "B2"', 'grade = "X"', "buckets"),
        ('grade = "B2"', 'grade = "B1"', "buckets"),
        ('[[buckets]]\ngrade = "B4"\nupto = 365\n', "", "buckets"),
        ("upto = 90", "upto = 30", "buckets"),
        ("upto = 0", "upto = 1", "buckets"),
        ('grade = "B5"', 'grade = "B5"\nupto = 999', "buckets"),
        ("upto = 365\n", "", "buckets"),
        ('unit = "days"', 'unit = "weeks"', "unit"),
        ('kind = "credit"', 'kind = "sla"', "kind"),
    ],
)
def test_a_table_has_the_six_grades_and_rising_limits_in_days_or_months(
    before: str, after: str, path: str
) -> None:
    folder = Path(crm_core.__file__ or "").parent / "payments" / "policies"
    text = (folder / "credit-cn-default.toml").read_text(encoding="utf-8")
    assert before in text
    with pytest.raises(PolicyFault) as found:
        CreditPolicy.parse(text.replace(before, after))
    assert set(said(found.value)) == {path}


@pytest.mark.rule("PAY-04")
def test_a_named_table_can_be_asked_for(crm: CRM) -> None:
    crm.do(charge_it(due=day("2011-01-31")), by=FINANCE, at=NOON)
    found = {
        table.ref.name: next(
            iter(crm.accounts.credit(day("2011-05-01"), households=["V1"], policy=table.ref.name))
        ).grade
        for table in TABLES
    }
    assert found == {
        "credit-cn-default": "B2",
        "credit-ageing-30": "B3",
        "credit-months": "B2",
        "credit-amount-in-months-of-fee": "B1",
    }


# --- PAY-05: always current ------------------------------------------------------------------


@pytest.mark.rule("PAY-05")
def test_the_grade_is_current_after_every_payment_and_changes_with_the_calendar(crm: CRM) -> None:
    crm.do(charge_it("C1", due=day("2011-01-31")), by=FINANCE, at=NOON)
    crm.do(charge_it("C2", due=day("2011-03-31")), by=FINANCE, at=NOON)
    on = "2011-05-15"
    seen = [credit_of(crm, "V1", on)]
    for number, payment in enumerate(
        [
            pay("P1", amount_fen=99_99, paid_on=day("2011-05-10")),
            pay("P2", amount_fen=1, paid_on=day("2011-05-11")),
            pay("P3", amount_fen=100_00, paid_on=day("2011-05-12")),
        ]
    ):
        crm.do(payment, by=FINANCE, id=f"pay-{number}", at=NOON)
        seen.append(credit_of(crm, "V1", on))
    assert seen == [("B3", 104, 200_00), ("B3", 104, 100_01), ("B2", 45, 100_00), ("A", 0, 0)]
    # With the calendar alone: nothing is booked between these days.
    grades = [credit_of(crm, "V1", on)[0] for on in ("2011-01-31", "2011-02-01", "2011-03-03")]
    assert grades == ["A", "B1", "B2"]


@pytest.mark.rule("PAY-05")
def test_a_grade_names_the_charges_and_the_money_behind_it(crm: CRM) -> None:
    charged = crm.do(charge_it("C1", due=day("2011-01-31")), by=FINANCE, at=NOON)
    payment = crm.do(pay(amount_fen=40_00, paid_on=day("2011-02-03")), by=FINANCE, at=NOON)
    events = list(crm.history("account/V1"))
    view = account_view(
        Ledger.of((e.event, e.position) for e in events), day("2011-03-10"), DEFAULT
    )
    assert view == {
        "credit": "B2",
        "overdue_days": 38,
        "overdue_fen": 60_00,
        "advance_fen": 0,
        "unpaid": [
            {
                "charge": "C1",
                "due": "2011-01-31",
                "amount_fen": 100_00,
                "unpaid_fen": 60_00,
                "disputed_fen": 0,
                "position": charged.position,
            }
        ],
    }
    [(_, told)] = crm.log.facts(households=["V1"])
    found = gather(
        told,
        Period(day("2011-02-01"), day("2011-03-10")),
        Cutoff(crm.log.head(), NOON),
        DEFAULT,
        ESTATE_ZONE,
        shipped().find(Reading, DEFAULT_READING, day("2011-03-10")),
    )
    assert found.evidence.credit == (charged.position, payment.position)


# --- PAY-07: the worst of a window (T14) -----------------------------------------------------

YEAR = Period.of_year(2011)


def over_the_year(events: Sequence[Any], window: Period = YEAR) -> tuple[str, str, int]:
    over = course(Ledger.of(placed(events)), window, DEFAULT)
    return over.worst, over.last, over.entered["B2"]


@pytest.mark.rule("PAY-07")
def test_the_worst_grade_stays_after_payment() -> None:
    """T14: due on 31 January, 31 days later it is 3 March."""
    for paid_on, worst in (("2011-03-02", "B1"), ("2011-03-03", "B1"), ("2011-03-04", "B2")):
        booked = [JANUARY, paid(on=paid_on)]
        assert over_the_year(booked)[:2] == (worst, "A")
        assert grade(booked, "2011-12-31") == ("A", 0, 0)


@pytest.mark.rule("PAY-07")
@pytest.mark.parametrize(
    ("due", "paid_on", "worst"),
    [
        ("2010-12-30", "2010-12-31", "A"),
        ("2010-12-30", "2011-01-01", "A"),  # overdue on 31 December 2010 alone
        ("2010-12-30", "2011-01-02", "B1"),  # and on 1 January
        ("2010-12-31", "2011-01-02", "B1"),
        ("2011-12-30", None, "B1"),  # on the last day alone
        ("2011-12-31", None, "A"),
        ("2010-11-30", "2011-01-01", "A"),
        ("2010-11-30", "2011-01-02", "B2"),
    ],
)
def test_the_window_holds_its_first_and_its_last_day_and_no_other(
    due: str, paid_on: str | None, worst: str
) -> None:
    booked = [raised(due=due), *([paid(on=paid_on)] if paid_on else [])]
    assert over_the_year(booked)[0] == worst


@pytest.mark.rule("PAY-07")
@pytest.mark.parametrize(
    ("due", "paid_on", "entered"),
    [
        ("2010-11-30", None, 0),  # B2 on 31 December already
        ("2010-12-01", None, 1),  # B2 from 1 January on: day 31
        ("2011-11-29", None, 1),  # day 32 is 31 December
        ("2011-11-30", None, 1),  # day 31
        ("2011-12-01", None, 0),
        ("2011-01-31", "2011-03-03", 0),
        ("2011-01-31", "2011-03-04", 1),
    ],
)
def test_b2_is_entered_on_a_day_of_the_window_after_a_better_one(
    due: str, paid_on: str | None, entered: int
) -> None:
    booked = [raised(due=due), *([paid(on=paid_on)] if paid_on else [])]
    assert over_the_year(booked)[2] == entered


@pytest.mark.rule("PAY-07", "PAY-01")
def test_what_is_entered_again_after_payment_or_by_a_reversal_is_counted_again() -> None:
    twice = [JANUARY, paid(on="2011-03-10"), raised("C2", "2011-06-30"), paid("P2", "2011-09-30")]
    assert over_the_year(twice) == ("B3", "A", 2)
    # From A straight into B2: the payment is reversed when the charge is old.
    bounced = [JANUARY, paid(on="2011-03-10"), reversed_(on="2011-03-20")]
    assert over_the_year(bounced) == ("B4", "B4", 2)
    # On the last day of the window, and on the first.
    on_the_last = [JANUARY, paid(), reversed_(on="2011-12-31")]
    assert over_the_year(on_the_last) == ("B4", "B4", 1)
    assert over_the_year([JANUARY, paid(), reversed_(on="2012-01-01")]) == ("A", "A", 0)
    on_the_first = [raised(due="2010-06-30"), paid(on="2010-06-30"), reversed_(on="2011-01-01")]
    assert over_the_year(on_the_first) == ("B5", "B5", 1)
    before_it = [raised(due="2010-06-30"), paid(on="2010-06-30"), reversed_(on="2010-12-31")]
    assert over_the_year(before_it) == ("B5", "B5", 0)
    # The next charge is as old: paying the first changes nothing.
    both = [JANUARY, raised("C2", "2011-02-01"), paid(on="2011-03-10")]
    assert over_the_year(both) == ("B4", "B4", 1)


@pytest.mark.rule("PAY-07")
def test_the_worst_grade_is_as_known_at_the_cut_off(crm: CRM) -> None:
    """Paid in time and booked late: whoever asked before it was booked saw arrears."""
    crm.do(charge_it(due=day("2011-01-31")), by=FINANCE, at=NOON)
    late = parse_instant("2012-01-05T10:00:00+08:00")
    crm.do(pay(paid_on=day("2011-01-31")), by=FINANCE, at=late)
    [then] = crm.grade(2011, known=late - timedelta(seconds=1)).gradings[:1]
    [later] = crm.grade(2011, known=late).gradings[:1]
    assert (then.household, then.facts.worst_credit) == ("V1", "B4")
    assert (later.household, later.facts.worst_credit) == ("V1", "A")


@pytest.mark.rule("PAY-04", "PAY-07")
@settings(max_examples=60)
@given(ACCOUNTS, st.sampled_from([2010, 2011, 2012]))
def test_the_course_of_a_year_is_what_a_look_at_every_single_day_shows(
    booked: tuple[Any, ...], year: int
) -> None:
    ledger = Ledger.of(placed(booked))
    window = Period.of_year(year)
    days = [
        window.start + timedelta(days=n) for n in range(-1, (window.end - window.start).days + 1)
    ]
    for table in TABLES:
        rank = table.ranking.values.index
        seen = [credit_standing(ledger, on, table) for on in days]
        ranks = [rank(one.grade) for one in seen]
        over = course(ledger, window, table)
        assert rank(over.worst) == max(ranks[1:])
        assert rank(over.last) == ranks[-1]
        assert list(over.entered.values()) == [
            sum(1 for before, after in pairwise(ranks) if before < level <= after)
            for level in range(6)
        ]
        overdue = [
            on - timedelta(days=one.overdue_days)
            for on, one in zip(days, seen, strict=True)
            if one.overdue_days
        ]
        assert over.since == min(overdue, default=None)


# --- T12: reversed, partial, over, moved -----------------------------------------------------


@pytest.mark.rule("PAY-01", "PAY-03")
def test_a_reversed_payment_does_not_count_from_its_reversal_on() -> None:
    for charge in (None, "C1"):
        booked = [JANUARY, paid(charge=charge), reversed_(on="2011-03-10")]
        assert grade(booked, "2011-03-09") == ("A", 0, 0)
        assert grade(booked, "2011-03-10") == ("B2", 38, 100_00)
        assert unpaid(booked, "2011-03-10") == {"C1": 100_00}


@pytest.mark.rule("PAY-01")
def test_a_payment_for_the_wrong_household_is_moved_with_its_own_date(crm: CRM) -> None:
    """T12, with what follows from the move in the other account."""
    at, moved = NOON, parse_instant("2012-01-20T09:00:00+08:00")
    for household in ("V1", "V2"):
        charge = RaiseCharge(household, "C1", "parking", "2011-12", 100_00, day("2011-12-01"))
        crm.do(charge, by=FINANCE, at=at)
    crm.do(pay(paid_on=day("2011-12-01"), charge="C1"), by=FINANCE, at=at)
    receipt = crm.do(move(), by=FINANCE, id="move", at=moved, correlation="letter-1")
    out, into = crm.host.texts.each(crm.log.feed(after=receipt.position - 1))
    assert out.event == moved_out(on="2011-12-01")
    assert (out.stream, into.stream) == ("account/V1", "account/V2")
    assert into.event == PaymentMovedIn(
        "P1", "V1", 100_00, day("2011-12-01"), "wechat", None, "wrong room", (), None
    )
    assert (into.envelope.causation, into.envelope.correlation) == ("move:0", "letter-1")
    assert into.household == "V2"
    assert into.recorded == out.recorded == moved
    # From the day it was paid, as known from the move on.
    before = "2012-01-20T08:59:59+08:00"
    assert credit_of(crm, "V1", "2011-12-31", before) == ("A", 0, 0)
    assert credit_of(crm, "V2", "2011-12-31", before) == ("B1", 30, 100_00)
    assert credit_of(crm, "V1", "2011-12-31") == ("B1", 30, 100_00)
    assert credit_of(crm, "V2", "2011-12-31") == ("A", 0, 0)
    # What was moved here can be moved on.
    crm.do(MovePayment("V2", "P1", "V3", "wrong again"), by=FINANCE, at=moved)
    assert credit_of(crm, "V2", "2011-12-31") == ("B1", 30, 100_00)
    accounts = [crm.get(Account, household) for household in ("V1", "V2", "V3")]
    books = [Ledger.of((e, 0) for e in account.facts.values()) for account in accounts if account]
    assert [allocate(book, ANY_DAY.replace(year=2012)).advance_fen for book in books] == [
        0,
        0,
        100_00,
    ]


@pytest.mark.rule("PAY-01", "LOG-01")
def test_a_repeated_command_adds_nothing(crm: CRM) -> None:
    for command, id in ((charge_it(), "c"), (pay(), "p"), (move(), "m")):
        first = crm.do(command, by=FINANCE, id=id, at=NOON)
        head = crm.log.head()
        assert crm.do(command, by=FINANCE, id=id) == first
        assert crm.log.head() == head
    account = crm.get(Account, "V2")
    assert account is not None
    assert [type(event) for event in account.facts.values()] == [PaymentMovedIn]


@pytest.mark.rule("PAY-01", "PAY-15")
@pytest.mark.parametrize(("to", "code"), [("V9", "unknown_household"), ("V2", "payment_exists")])
def test_a_payment_leaves_an_account_only_if_the_other_takes_it(
    crm: CRM, to: str, code: str
) -> None:
    """Else the money would be in neither account."""
    crm.do(pay(), by=FINANCE, at=NOON)
    crm.do(ReceivePayment("V2", "P1", 1, day("2011-01-20"), "cash"), by=FINANCE, at=NOON)
    head = crm.log.head()
    with pytest.raises(Refused) as refused:
        crm.do(move(to=to), by=FINANCE, at=NOON)
    assert refused.value.reason == code
    assert crm.log.head() == head


@pytest.mark.rule("PAY-01", "PAY-15")
def test_a_payment_that_was_moved_can_come_back_under_its_number(crm: CRM) -> None:
    """It counts as it did before it left, and can leave and come back again."""
    crm.do(charge_it("C1"), by=FINANCE, at=NOON)
    crm.do(charge_it("C2", due=day("2011-02-28")), by=FINANCE, at=NOON)
    crm.do(pay(charge="C2"), by=FINANCE, at=NOON)
    before = crm.get(Account, "V1")
    for _ in range(2):
        crm.do(move(), by=FINANCE, at=NOON)
        crm.do(MovePayment("V2", "P1", "V1", "no, it was right"), by=FINANCE, at=NOON)
    account = crm.get(Account, "V1")
    assert before is not None
    assert account is not None
    later = date(2012, 1, 1)
    allocation = allocate(ledger(account), later)
    assert allocation == allocate(ledger(before), later)
    assert [charge.number for charge, _ in allocation.unpaid] == ["C1"]
    assert [number for number, _ in account.live()] == ["P1"]
    crm.do(ReversePayment("V1", "P1", day("2011-03-01"), "bounced"), by=FINANCE, at=NOON)
    # What was reversed is gone, and its number free: the cheque that bounced is presented again.
    crm.do(pay(paid_on=day("2011-03-05")), by=FINANCE, at=NOON)
    with pytest.raises(Refused) as refused:
        crm.do(pay(), by=FINANCE, at=NOON)
    assert refused.value.reason == "payment_exists"
    here = crm.get(Account, "V1")
    assert here is not None
    assert [number for number, _ in here.live()] == ["P1"]
    # It is another payment: it names what it names, and not what the first one did.
    assert [c.number for c, _ in allocate(ledger(here), later).unpaid] == ["C2"]


@pytest.mark.rule("LOG-08", "PAY-01")
def test_nobody_books_the_other_half_of_a_move_that_was_never_made(crm: CRM) -> None:
    for by in (FINANCE, MANAGER, SYSTEM):
        with pytest.raises(Refused) as refused:
            crm.do(accept_moved(), by=by, at=NOON)
        assert (refused.value.reason, refused.value.rule) == ("given_inside_only", "LOG-08")


class Interrupted(Exception):
    """The process ends here."""


class BreakingLog:
    """A log on which the process ends after so many appends."""

    def __init__(self, log: EventLog, appends: int) -> None:
        self.log, self.left = log, appends

    def append(self, commits: Iterable[Commit]) -> list[Appended]:
        if self.left == 0:
            raise Interrupted
        self.left -= 1
        return self.log.append(commits)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.log, name)


@pytest.mark.rule("PAY-01", "LOG-01")
def test_a_move_that_was_interrupted_is_finished_when_it_is_repeated(crm: CRM) -> None:
    crm.do(pay(), by=FINANCE, at=NOON)
    log: Any = BreakingLog(crm.log, 1)
    interrupted = CRM(log, vault=crm.host.vault, clock=crm.clock, ids=crm.ids, reads=crm.host.reads)
    with pytest.raises(Interrupted):
        interrupted.do(move(), by=FINANCE, id="move", at=NOON)
    assert crm.get(Account, "V2") is None
    crm.do(move(), by=FINANCE, id="move", at=NOON)
    account = crm.get(Account, "V2")
    assert account is not None
    assert [event.payment for event in account.facts.values()] == ["P1"]


# --- PAY-13: purchases (T17) -----------------------------------------------------------------


def purchases_of_2011(crm: CRM, household: str = "V1") -> int:
    gradings = {one.household: one for one in crm.grade(2011).gradings}
    return gradings[household].facts.purchases_fen


@pytest.mark.rule("PAY-13")
@pytest.mark.parametrize("total", [799_999, 800_000, 1_000_000])
def test_purchases_of_a_year_add_up(crm: CRM, total: int) -> None:
    """T17: 7,999.99, 8,000.00 and 10,000.00, bought in parts on the first and the last day."""
    crm.do(buy("B1", total - 1, "2011-01-01"), by=FINANCE, at=NOON)
    crm.do(buy("B2", 3, "2011-12-31"), by=FINANCE, at=NOON)
    crm.do(buy("B3", -2, "2011-12-31"), by=FINANCE, at=NOON)
    assert purchases_of_2011(crm) == total


@pytest.mark.rule("PAY-13")
def test_a_refund_counts_in_the_year_of_its_own_date(crm: CRM) -> None:
    """T17: 10,000.00 stays 10,000.00 when a fen is given back after the year's end."""
    crm.do(buy("B1", 1_000_000, "2011-12-31"), by=FINANCE, at=NOON)
    crm.do(buy("B2", -1, "2012-01-01"), by=FINANCE, at=parse_instant("2012-01-01T09:00:00+08:00"))
    assert purchases_of_2011(crm) == 1_000_000
    [next_year] = [one for one in crm.grade(2012).gradings if one.household == "V1"]
    assert (next_year.facts.purchases_fen, next_year.facts.previous_purchases_fen) == (
        -1,
        1_000_000,
    )
    crm.do(buy("B3", -1, "2011-12-31"), by=FINANCE, at=parse_instant("2012-01-02T09:00:00+08:00"))
    assert purchases_of_2011(crm) == 999_999


@pytest.mark.rule("PAY-13")
def test_purchases_settle_no_charge_and_are_no_arrears() -> None:
    booked = [JANUARY, bought(), PurchaseRefunded("B2", "cleaning", 1, ANY_DAY)]
    assert unpaid(booked, "2011-12-31") == {"C1": 100_00}
    assert advance([bought()], "2011-12-31") == 0


# --- PAY-14: no fee by grade -----------------------------------------------------------------


def imports_of(module: str) -> set[str]:
    """Modules of the core that a module's own text imports, those under functions included."""
    base = Path(crm_core.__file__ or "").parent.parent
    path = base.joinpath(*module.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively"
            name = node.module or ""
            found.add(name)
            found |= {f"{name}.{alias.name}" for alias in node.names}
    return {
        name
        for name in found
        if name.startswith("crm_core.")
        and (
            base.joinpath(*name.split(".")).is_dir()
            or base.joinpath(*name.split(".")).with_suffix(".py").is_file()
        )
    }


@pytest.mark.rule("PAY-14")
def test_payments_do_not_import_gradings_not_even_through_others() -> None:
    folder = Path(crm_core.__file__ or "").parent / "payments"
    waiting = [f"crm_core.payments.{file.stem}" for file in folder.glob("*.py")]
    reached: set[str] = set()
    while waiting:
        module = waiting.pop()
        if module not in reached:
            reached.add(module)
            waiting.extend(imports_of(module))
    assert "crm_core.payments.decide" in reached
    assert "crm_core.kernel.decider" in reached
    assert [name for name in reached if name.startswith("crm_core.gradings")] == []
    # The same walk sees it where it is meant.
    assert "crm_core.gradings.facts" in imports_of("crm_core.gradings.engines.port")


@pytest.mark.rule("PAY-14")
def test_the_import_contract_forbids_it() -> None:
    project = Path(__file__).parents[2] / "pyproject.toml"
    if not project.is_file():
        pytest.skip("the tests do not stand beside the project's pyproject.toml")
    contracts = tomllib.loads(project.read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    [layers] = [contract for contract in contracts if contract["type"] == "layers"]
    floors = [set(floor.split(" | ")) for floor in layers["layers"]]
    [gradings] = [number for number, floor in enumerate(floors) if "gradings" in floor]
    [payments] = [number for number, floor in enumerate(floors) if "payments" in floor]
    assert gradings < payments
    assert (layers["containers"], layers["exhaustive"]) == (["crm_core"], True)
    assert not layers.get("ignore_imports")


# --- PAY-15: the books balance ---------------------------------------------------------------


def explained(events: Sequence[Any], on: date) -> tuple[int, int]:
    """What the account must come to on a day, added up from the events alone.

    Returns:
        What was asked for and is due, without what was never owed and before anything was given up;
        and the money that is there.
    """
    asked: dict[str, tuple[date, int]] = {}
    of: dict[str, tuple[str, int]] = {}
    disputed: dict[str, str] = {}
    came: dict[str, Any] = {}
    money = 0
    for event in events:
        match event:
            case ChargeRaised():
                asked[event.charge] = (event.due, event.amount_fen)
            case ChargeCorrected():
                of[event.charge] = (event.of, -event.amount_fen)
            case LateChargeClaimed():
                asked[event.charge] = (event.due, event.amount_fen)
                of[event.charge] = (event.of, 0)
            case ChargeCancelled():
                # With a charge falls what was said of it.
                gone = {event.charge, *(n for n, (one, _) in of.items() if one == event.charge)}
                asked = {n: said for n, said in asked.items() if n not in gone}
                of = {n: said for n, said in of.items() if n not in gone}
                disputed = {n: one for n, one in disputed.items() if one not in gone}
            case ChargeDisputed():
                disputed[event.dispute] = event.charge
            case DisputeDecided() if event.dispute in disputed:
                of[f"upheld {event.dispute}"] = (disputed[event.dispute], -event.upheld_fen)
            case PaymentReceived() | PaymentMovedIn():
                came[event.payment] = event
                money += event.amount_fen if event.paid_on <= on else 0
            case PaymentReversed():
                money -= came[event.payment].amount_fen if event.on <= on else 0
            case PaymentMovedOut():
                money -= event.amount_fen if event.paid_on <= on else 0
            case CreditRefunded():
                money -= event.amount_fen if event.on <= on else 0
            case _:
                pass
    owed = {number: fen for number, (_, fen) in asked.items()}
    for one, fen in of.values():
        if fen and one in owed:
            owed[one] += fen
    # What is claimed for being late falls with a charge of which nothing was owed.
    late = {n for n, (one, fen) in of.items() if not fen and owed.get(one, 0) <= 0}
    due = sum(owed[n] for n, (day, _) in asked.items() if day <= on and n not in late)
    return due, money


@pytest.mark.rule("PAY-15", "PAY-01")
@pytest.mark.case("K25")
@given(ACCOUNTS)
def test_the_books_balance_after_every_event_on_every_day_on_which_something_happens(
    booked: tuple[Any, ...],
) -> None:
    for count in range(len(booked) + 1):
        events = booked[:count]
        ledger = Ledger.of(placed(events))
        turns = ledger.turns() | {c.due for c in (*ledger.charges, *ledger.late)}
        for on in {date.min, date.max, *turns, *(d - timedelta(days=1) for d in turns)}:
            books = trial_balance(placed(events), on)
            assert sum(books.accounts.values()) == 0
            assert books.unexplained_fen == 0
            asked, money = explained(events, on)
            allocation = allocate(ledger, on)
            # Not a fen is lost: what is still asked for less what is in advance is the rest.
            given_up = sum(allocation.given_up.values())
            assert allocation.owed_fen == asked - given_up - money
            assert books.accounts["waived"] == given_up
            assert all(0 < fen <= charge.amount_fen for charge, fen in allocation.unpaid)
            assert allocation.advance_fen >= 0
            # Nothing is owed on both sides at once, but for money that waits for what it names.
            waits = sum(
                settlement.amount_fen
                for settlement in ledger.settlements
                if settlement.effective <= on
                and any(
                    charge.number == settlement.charge and charge.due > on
                    for charge in (*ledger.charges, *ledger.late)
                )
            )
            assert not (allocation.unpaid and allocation.advance_fen > waits)


@pytest.mark.rule("PAY-15")
@given(estates(2011))
def test_money_moved_between_households_is_neither_lost_nor_made(estate: Estate) -> None:
    with open_crm("memory:") as crm:
        accepted = play(crm, estate)
        accounts = [crm.get(Account, home) for home in estate.households]
    commands = [entry.command for entry in accepted]
    amounts = {c.payment: c.amount_fen for c in commands if isinstance(c, ReceivePayment)}
    proposed = {c.refund: c for c in commands if isinstance(c, ProposeRefund)}
    for on in (date(2010, 12, 31), date(2011, 7, 1), date.max):
        came = went = 0
        for command in commands:
            match command:
                case ReceivePayment():
                    came += command.amount_fen if command.paid_on <= on else 0
                case ReversePayment():
                    went += amounts[command.payment] if command.on <= on else 0
                case DecideRefund(approved=True):
                    asked = proposed[command.refund]
                    went += asked.amount_fen if max(asked.on, command.on) <= on else 0
                case _:
                    pass
        books = [
            trial_balance(((e, 0) for e in one.facts.values()), on).accounts
            for one in accounts
            if one is not None
        ]
        assert sum(book["moved"] for book in books) == 0
        assert sum(book["cash"] for book in books) == came - went


# --- properties of allocation ----------------------------------------------------------------


@st.composite
def charges_and_payments(draw: st.DrawFn) -> list[Any]:
    """Commands that are accepted in whatever order they come."""
    commands: list[Any] = []
    days = st.dates(date(2011, 1, 1), date(2011, 6, 30))
    for number in range(draw(st.integers(1, 4))):
        fen, due = draw(st.integers(1, 300)), draw(days)
        commands.append(charge_it(f"C{number}", amount_fen=fen, due=due))
    for number in range(draw(st.integers(1, 5))):
        fen, on = draw(st.integers(1, 400)), draw(days)
        charge = draw(st.none() | st.sampled_from(["C0", "C1", "C2", "C3"]))
        commands.append(
            pay(f"P{number}", amount_fen=fen, paid_on=on, charge=charge, charge_follows=True)
        )
    return commands


def facts_of(commands: Sequence[Any]) -> list[Any]:
    return list(scenario(ACCOUNT).when(*commands).events)


LOOKS = [date(2011, 1, 1) + timedelta(days=11 * n) for n in range(24)]


@pytest.mark.rule("PAY-02")
@given(charges_and_payments(), st.data())
def test_any_order_of_charges_and_payments_gives_the_same_totals_and_arrears(
    commands: list[Any], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(commands))
    one, other = Ledger.of(placed(facts_of(commands))), Ledger.of(placed(facts_of(shuffled)))
    for on in LOOKS:
        first, second = allocate(one, on), allocate(other, on)
        assert first.advance_fen == second.advance_fen
        assert [(c.number, fen) for c, fen in first.unpaid] == [
            (c.number, fen) for c, fen in second.unpaid
        ]
        assert credit_standing(one, on, DEFAULT) == credit_standing(other, on, DEFAULT)
        assert trial_balance(placed(facts_of(commands)), on) == trial_balance(
            placed(facts_of(shuffled)), on
        )


@pytest.mark.rule("PAY-01", "PAY-02")
@given(charges_and_payments(), st.dates(date(2011, 1, 1), date(2011, 6, 30)), st.integers(0, 90))
def test_a_reversal_restores_what_was_before(commands: list[Any], on: date, later: int) -> None:
    before = facts_of(commands)
    for charge in (None, "C0"):
        payment = PaymentReceived("PX", 150, on, "cash", charge, (), None)
        back = PaymentReversed("PX", on + timedelta(days=later), "bounced")
        without, during = Ledger.of(placed(before)), Ledger.of(placed([*before, payment]))
        after = Ledger.of(placed([*before, payment, back]))
        for look in LOOKS:
            then = during if on <= look < back.on else without
            assert allocate(after, look) == allocate(then, look)


@pytest.mark.rule("PAY-02", "PAY-05", "GRD-15")
@given(
    ACCOUNTS,
    st.integers(1, 500_00),
    st.dates(date(2009, 1, 1), date(2012, 3, 31)),
    st.sampled_from([None, "C1", "C2", "C3", "C9"]),
)
def test_a_payment_never_worsens_a_grade_on_any_day(
    booked: tuple[Any, ...], fen: int, on: date, charge: str | None
) -> None:
    payment = PaymentReceived("PX", fen, on, "cash", charge, (), None)
    without = Ledger.of(placed(booked))
    with_it = Ledger.of(placed([*booked, payment]))
    turns = {s.effective for s in with_it.settlements} | {c.due for c in with_it.charges}
    looks = {turn + timedelta(days=n) for turn in turns for n in (-1, 0, 1, 31, 91, 366)}
    for table in TABLES:
        rank = table.ranking.values.index
        for look in looks:
            before, after = (
                credit_standing(without, look, table),
                credit_standing(with_it, look, table),
            )
            assert rank(after.grade) <= rank(before.grade)
            assert after.overdue_fen <= before.overdue_fen
            assert look >= on or after == before
        for year in (2010, 2011):
            window = Period.of_year(year)
            before_it, now = (course(one, window, table) for one in (without, with_it))
            assert rank(now.worst) <= rank(before_it.worst)


@pytest.mark.rule("PAY-02")
@given(charges_and_payments())
def test_what_names_a_charge_settles_it_before_anything_else(commands: list[Any]) -> None:
    """Against a plain reading of the rule, with nothing but dictionaries."""
    events = facts_of(commands)
    charges = {e.charge: e for e in events if isinstance(e, ChargeRaised)}
    for on in LOOKS:
        left = {number: charge.amount_fen for number, charge in charges.items()}
        pool = 0
        for event in events:
            if isinstance(event, PaymentReceived) and event.paid_on <= on:
                taken = min(left.get(event.charge or "", 0), event.amount_fen)
                if taken:
                    left[event.charge or ""] -= taken
                pool += event.amount_fen - taken
        due = [number for number in left if charges[number].due <= on]
        waits = sum(charges[n].amount_fen - left[n] for n in left if n not in due)
        for number in sorted(due, key=lambda n: (charges[n].due, n)):
            taken = min(pool, left[number])
            left[number] -= taken
            pool -= taken
        found = allocate(Ledger.of(placed(events)), on)
        assert found.advance_fen == pool + waits
        assert {c.number: fen for c, fen in found.unpaid} == {n: left[n] for n in due if left[n]}
