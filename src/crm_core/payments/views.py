"""Arrears, statements and the credit table as people read them; every one true on its own day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from attrs import field

from crm_core.kernel.dates import Period, add_months
from crm_core.kernel.tenures import FIRST, ONE, Tenures
from crm_core.kernel.values import define, frozen
from crm_core.payments.allocation import allocate
from crm_core.payments.allocation_policy import Epochs
from crm_core.payments.books import postings
from crm_core.payments.credit import (
    GRADES,
    MONTHS_OF_FEE,
    CreditPolicy,
    course,
    credit_standing,
)
from crm_core.payments.late import LateChargePolicy, late_charges
from crm_core.payments.ledger import Ledger, ledgers
from crm_core.payments.limitation import limits
from crm_core.payments.promises import promises, said_in


def account_view(ledger: Ledger, on: date, policy: CreditPolicy) -> dict[str, Any]:
    """How the account stands at the end of a day, as plain data."""
    allocation = allocate(ledger, on)
    now = credit_standing(ledger, on, policy)
    return {
        "credit": now.grade,
        "overdue_days": now.overdue_days,
        "overdue_fen": now.overdue_fen,
        "advance_fen": allocation.advance_fen,
        "unpaid": [
            {
                "charge": charge.number,
                "due": charge.due.isoformat(),
                "amount_fen": charge.amount_fen,
                "unpaid_fen": fen,
                "disputed_fen": allocation.disputed.get(charge.number, 0),
                "position": charge.position,
            }
            for charge, fen in allocation.unpaid
        ],
    }


# --- ageing ----------------------------------------------------------------------------------


@frozen
class Aged:
    """A household's arrears on a day.

    Args:
        grade: Credit grade.
        overdue_days: Days since the due date of the oldest unpaid, undisputed charge.
        overdue_fen: Unpaid, undisputed principal that is overdue.
        disputed_fen: Overdue principal that is in dispute and does not age.
        buckets: The overdue amount by the grade that each charge's own age falls into.
    """

    grade: str
    overdue_days: int
    overdue_fen: int
    disputed_fen: int
    buckets: Mapping[str, int]


def aged(ledger: Ledger, on: date, policy: CreditPolicy) -> Aged:
    """The arrears at the end of a day, of what the ledger knows.

    A table in months of the fee knows no age of a single charge: all falls into the bucket of the
    household's own grade.
    """
    now = credit_standing(ledger, on, policy)
    allocation = allocate(ledger, on)
    buckets = dict.fromkeys(GRADES[1:], 0)
    for charge, fen in allocation.undisputed():
        if charge.due < on:
            of_amount = policy.unit == MONTHS_OF_FEE
            buckets[now.grade if of_amount else policy.grade(charge.due, on)] += fen
    disputed = sum(
        allocation.disputed.get(charge.number, 0)
        for charge, _ in allocation.unpaid
        if charge.due < on
    )
    return Aged(
        grade=now.grade,
        overdue_days=now.overdue_days,
        overdue_fen=now.overdue_fen,
        disputed_fen=disputed,
        buckets=buckets,
    )


@define
class Ageing:
    """Arrears added up over households: of a bucket, an estate, or everybody.

    Args:
        households: How many have arrears.
        overdue_fen: Unpaid, undisputed principal that is overdue.
        disputed_fen: Overdue principal in dispute.
        buckets: The overdue amount by bucket.
    """

    households: int = 0
    overdue_fen: int = 0
    disputed_fen: int = 0
    buckets: dict[str, int] = field(factory=lambda: dict.fromkeys(GRADES[1:], 0))

    def add(self, one: Aged) -> None:
        """Count one more household."""
        self.households += one.overdue_fen > 0
        self.overdue_fen += one.overdue_fen
        self.disputed_fen += one.disputed_fen
        for bucket, fen in one.buckets.items():
            self.buckets[bucket] += fen


# --- the statement of one account ------------------------------------------------------------


def statement(
    facts: Iterable[tuple[Any, int]],
    on: date,
    policy: CreditPolicy,
    late: LateChargePolicy | None = None,
    *,
    tenures: Tenures = ONE,
    tenure: int = 0,
    epochs: Epochs = (),
) -> dict[str, Any]:
    """An account on a day: every movement with the balance after it, and what is open.

    A balance above zero is owed, one below zero is credit in advance: it is what is unpaid, late
    charges included, less the credit, on every day. A charge moves it on its due date. Late charges
    are shown by a policy only if one is given.

    Args:
        facts: Events of account and collection of one household with their positions, in the
            order of the log.
        tenures: The tenures of the household.
        tenure: The number of the one whose account it is (PAY-16).
        epochs: By which policies its money is allocated (PAY-02).
    """
    facts = list(facts)
    ledger = ledgers(facts, tenures, epochs)[tenure]
    view = account_view(ledger, on, policy)
    ends = {limit.charge: limit.ends_on for limit in limits(facts, on, tenures, epochs)}
    for row in view["unpaid"]:
        end = ends.get(row["charge"])
        row["limitation_ends"] = None if end is None else end.isoformat()
    balance = 0
    lines = []
    moves = [p for p in postings(facts, tenures, epochs) if p.on <= on and p.tenure == tenure]
    for posting in sorted(moves, key=lambda p: (p.on, p.position)):
        fen = posting.amount_fen if posting.debit == "household" else -posting.amount_fen
        balance += fen
        lines.append(
            {
                "on": posting.on.isoformat(),
                "what": posting.what,
                "number": posting.number,
                "charge": posting.charge,
                "amount_fen": fen,
                "balance_fen": balance,
                "position": posting.position,
            }
        )
    found = () if late is None else late_charges(ledger, on, late)
    return {
        **view,
        "tenure": tenures.every[tenure].key,
        "debtors": list(tenures.every[tenure].debtors),
        "allocation": [
            {"since": None if one.first == date.min else one.first.isoformat(), "policy": str(ref)}
            for one in epochs
            for ref in (one.policy.ref,)
        ],
        "balance_fen": balance,
        "lines": lines,
        "late_unpaid_fen": sum(fen for _, fen in allocate(ledger, on).late),
        "late_charges": [
            {
                "charge": one.charge,
                "days": one.days,
                "amount_fen": one.amount_fen,
                "capped": one.capped,
            }
            for one in found
        ],
        "promises": [
            {
                "promise": one.promise.promise,
                "on": one.promise.on.isoformat(),
                "status": one.status,
                "promised_fen": sum(part.amount_fen for part in one.promise.instalments),
                "paid_fen": one.paid_fen,
                "last_due": one.promise.instalments[-1].due.isoformat(),
                "broken_on": None if one.broken_on is None else one.broken_on.isoformat(),
            }
            for one in promises(said_in((event for event, _ in facts), tenures, tenure), on)
        ],
    }


# --- the credit table (信用等级表) --------------------------------------------------------------


@frozen
class CreditRow:
    """A line of the credit table.

    Args:
        overdue_days: Days since the due date of the oldest unpaid, undisputed charge.
        disputed_fen: Overdue principal in dispute.
        worst: Worst grade on any day of the last twelve months (PAY-07).
        oldest: The oldest overdue charge, or None.
        tenure: Key of the tenure whose line it is.
    """

    household: str
    estate: str
    grade: str
    overdue_days: int
    overdue_fen: int
    disputed_fen: int
    worst: str
    oldest: str | None
    tenure: str = FIRST
    building: str = ""
    unit: str = ""
    room: str = ""


def credit_row(
    household: str, estate: str, ledger: Ledger, on: date, policy: CreditPolicy
) -> CreditRow:
    """A household's line on a day, of what the ledger knows."""
    now = credit_standing(ledger, on, policy)
    over = course(ledger, last_twelve_months(on), policy)
    disputed = aged(ledger, on, policy).disputed_fen
    return CreditRow(
        household=household,
        estate=estate,
        grade=now.grade,
        overdue_days=now.overdue_days,
        overdue_fen=now.overdue_fen,
        disputed_fen=disputed,
        worst=over.worst,
        oldest=now.oldest,
    )


def last_twelve_months(on: date) -> Period:
    """The twelve months that end with a day: from the day after the same day a year before."""
    before = add_months(on, -12)
    return Period(date.fromordinal(before.toordinal() + 1), on)
