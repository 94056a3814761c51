"""Allocation: which money settles which charge, as a function of the facts and not their order.

As of a day D (PAY-02, PAY-03; decision record 0009):

1. every settlement that names a charge settles it, up to its amount;
2. all that is left over is one pool, which settles unpaid charges oldest due first,
   the same due date by charge number;
3. what then remains is credit in advance.

Nothing is lost: unpaid charges and settlements account for every fen (PAY-15).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from operator import attrgetter
from typing import Any

from attrs import define, field, frozen

from crm_core.payments.events import (
    ChargeCancelled,
    ChargeRaised,
    ChargeWaived,
    CreditRefunded,
    PaymentMovedIn,
    PaymentMovedOut,
    PaymentReceived,
    PaymentReversed,
)


@frozen
class Charge:
    """A charge that is not cancelled."""

    due: date
    number: str
    amount_fen: int
    position: int


@frozen
class Settlement:
    """Money that counts from a day on; negative where it is taken back.

    Args:
        effective: First day on which it counts.
        amount_fen: Signed amount.
        charge: The charge it names, if any.
        position: Where the log says so.
        ledger: Which side of the books it is: `cash`, `waived` or `moved`.
    """

    effective: date
    amount_fen: int
    charge: str | None
    position: int
    ledger: str


@define
class Ledger:
    """Charges and settlements of one household, as known at some cut-off."""

    charges: list[Charge] = field(factory=list)
    settlements: list[Settlement] = field(factory=list)

    @classmethod
    def of(cls, facts: Iterable[tuple[Any, int]]) -> Ledger:
        """The ledger of account events with their positions, in the order of the log."""
        book = _Book()
        steps = _STEPS
        for event, position in facts:
            step = steps.get(type(event))
            if step is not None:
                step(book, event, position)
        charges = [c for c in book.charges.values() if c.number not in book.cancelled]
        charges.sort(key=_BY_DUE)
        settlements = book.settlements
        if book.waivers:
            # A waiver is not money: where its charge is cancelled or not known it gives nothing.
            numbers = {charge.number for charge in charges}
            settlements.extend(waiver for waiver in book.waivers if waiver.charge in numbers)
        settlements.sort(key=_BY_EFFECTIVE)
        return cls(charges, settlements)


@frozen
class Allocation:
    """How the charges stand on one day.

    Args:
        unpaid: What is still open of each charge, oldest due first; settled ones are left out.
        advance_fen: Credit in advance.
    """

    unpaid: tuple[tuple[Charge, int], ...]
    advance_fen: int


def allocate(ledger: Ledger, on: date) -> Allocation:
    """How the charges stand at the end of the day `on`."""
    named: dict[str, int] = {}
    total = 0
    for settlement in ledger.settlements:
        if settlement.effective > on:
            break
        total += settlement.amount_fen
        if settlement.charge is not None:
            named[settlement.charge] = named.get(settlement.charge, 0) + settlement.amount_fen
    needs = []
    applied = 0
    for charge in ledger.charges:
        settled = min(max(named.get(charge.number, 0), 0), charge.amount_fen)
        applied += settled
        needs.append(charge.amount_fen - settled)
    pool = total - applied
    unpaid = []
    for charge, need in zip(ledger.charges, needs, strict=True):
        if 0 < need <= pool:
            pool -= need
        elif need > 0:
            unpaid.append((charge, need - max(pool, 0)))
            pool = min(pool, 0)
    return Allocation(tuple(unpaid), pool)


def trial_balance(ledger: Ledger, on: date) -> Mapping[str, int]:
    """Debits (positive) and credits (negative) of the account in fen; they sum to zero (PAY-15)."""
    allocation = allocate(ledger, on)
    books = {"cash": 0, "waived": 0, "moved": 0}
    for settlement in ledger.settlements:
        if settlement.effective <= on:
            books[settlement.ledger] += settlement.amount_fen
    return {
        **books,
        "receivable": sum(fen for _, fen in allocation.unpaid),
        "charged": -sum(charge.amount_fen for charge in ledger.charges),
        "advance": -allocation.advance_fen,
    }


class _Book:
    """What is gathered on the way to a ledger."""

    __slots__ = ("cancelled", "charges", "payments", "settlements", "waivers")

    def __init__(self) -> None:
        self.charges: dict[str, Charge] = {}
        self.cancelled: set[str] = set()
        self.payments: dict[str, Settlement] = {}
        self.settlements: list[Settlement] = []
        self.waivers: list[Settlement] = []


def _raised(book: _Book, e: ChargeRaised, position: int) -> None:
    book.charges[e.charge] = Charge(e.due, e.charge, e.amount_fen, position)


def _cancelled(book: _Book, e: ChargeCancelled, _position: int) -> None:
    book.cancelled.add(e.charge)


def _received(book: _Book, e: PaymentReceived, position: int) -> None:
    payment = Settlement(e.paid_on, e.amount_fen, e.charge, position, "cash")
    book.payments[e.payment] = payment
    book.settlements.append(payment)


def _moved_in(book: _Book, e: PaymentMovedIn, position: int) -> None:
    payment = Settlement(e.paid_on, e.amount_fen, e.charge, position, "moved")
    book.payments[e.payment] = payment
    book.settlements.append(payment)


def _reversed(book: _Book, e: PaymentReversed, position: int) -> None:
    payment = book.payments.pop(e.payment, None)
    if payment is not None:
        # Cash goes back out even of a payment that had been moved here.
        back = Settlement(e.on, -payment.amount_fen, payment.charge, position, "cash")
        book.settlements.append(back)


def _moved_out(book: _Book, e: PaymentMovedOut, position: int) -> None:
    payment = book.payments.pop(e.payment, None)
    if payment is not None:
        back = Settlement(e.paid_on, -payment.amount_fen, payment.charge, position, "moved")
        book.settlements.append(back)


def _refunded(book: _Book, e: CreditRefunded, position: int) -> None:
    book.settlements.append(Settlement(e.on, -e.amount_fen, None, position, "cash"))


def _waived(book: _Book, e: ChargeWaived, position: int) -> None:
    book.waivers.append(Settlement(e.on, e.amount_fen, e.charge, position, "waived"))


_STEPS: dict[type, Callable[[_Book, Any, int], None]] = {
    ChargeRaised: _raised,
    ChargeCancelled: _cancelled,
    PaymentReceived: _received,
    PaymentMovedIn: _moved_in,
    PaymentReversed: _reversed,
    PaymentMovedOut: _moved_out,
    CreditRefunded: _refunded,
    ChargeWaived: _waived,
}

_BY_DUE = attrgetter("due", "number")
_BY_EFFECTIVE = attrgetter("effective")
