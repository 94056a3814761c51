"""Allocation: which money settles which charge, as a function of the facts and not their order.

As of a day D (PAY-02, PAY-03; decision records 0009 and 0022):

1. every settlement that names a charge settles it, up to its amount;
2. all that is left over is one pool, which settles unpaid charges oldest due first,
   the same due date by charge number;
3. what is disputed on D is settled by the pool after everything that is not, and late charges
   after all principal, so that money without a name is never taken for an acknowledgement, and
   a late charge never keeps principal unpaid;
4. what then remains is credit in advance.

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
    ChargeDisputed,
    ChargeRaised,
    ChargeWaived,
    CreditRefunded,
    DisputeDecided,
    DisputeWithdrawn,
    LateChargeClaimed,
    PaymentMovedIn,
    PaymentMovedOut,
    PaymentReceived,
    PaymentReversed,
)

LATE_CHARGE = "late_charge"
"""Kind of what is asked for beyond principal (PAY-08)."""


@define
class Charge:
    """A charge that is not cancelled, without what a dispute took off it.

    Args:
        of: For a late charge the number of the charge that was late.
    """

    due: date
    number: str
    amount_fen: int
    position: int
    kind: str
    period: str
    of: str | None = None


@define
class Settlement:
    """Money that counts from a day on; negative where it is taken back.

    Args:
        effective: First day on which it counts.
        amount_fen: Signed amount.
        charge: The charge it names, if any.
        position: Where the log says so.
    """

    effective: date
    amount_fen: int
    charge: str | None
    position: int


@define
class Dispute:
    """An amount of a charge that does not age from a day on, until the day it is decided (PAY-06).

    Args:
        start: First day on which it does not age.
        end: First day on which it ages again; None while the dispute is open.
        positions: Where the log says so.
    """

    charge: str
    amount_fen: int
    start: date
    end: date | None
    positions: tuple[int, ...]

    def covers(self, day: date) -> bool:
        """Whether the amount is in dispute on a day."""
        return self.start <= day and (self.end is None or day < self.end)


@define
class Ledger:
    """What is asked of one household and what it gave, as known at some cut-off.

    Args:
        charges: Principal, oldest due first.
        settlements: Money and waivers, by the day from which they count.
        disputes: Disputes of charges that stand, in the order in which they were opened.
        late: Late charges, oldest due first.
    """

    charges: list[Charge] = field(factory=list)
    settlements: list[Settlement] = field(factory=list)
    disputes: list[Dispute] = field(factory=list)
    late: list[Charge] = field(factory=list)

    @classmethod
    def of(cls, facts: Iterable[tuple[Any, int]]) -> Ledger:
        """The ledger of account events with their positions, in the order of the log."""
        book = _Book()
        step_of = _STEPS.get
        for event, position in facts:
            step = step_of(type(event))
            if step is not None:
                step(book, event, position)
        if book.corrected:
            return book.corrected_ledger()
        book.settlements.sort(key=_BY_EFFECTIVE)
        return cls(sorted(book.charges.values(), key=_BY_DUE), book.settlements)

    def disputed_on(self, day: date) -> dict[str, int]:
        """Amounts in dispute on a day, by charge."""
        found: dict[str, int] = {}
        for dispute in self.disputes:
            if dispute.covers(day):
                found[dispute.charge] = found.get(dispute.charge, 0) + dispute.amount_fen
        return found


@frozen
class Allocation:
    """How the charges stand on one day.

    Args:
        unpaid: What is still open of each charge, oldest due first; settled ones are left out.
        advance_fen: Credit in advance.
        disputed: How much of what is open is in dispute, by charge.
        late: What is still open of each late charge.
    """

    unpaid: tuple[tuple[Charge, int], ...]
    advance_fen: int
    disputed: Mapping[str, int] = field(factory=dict)
    late: tuple[tuple[Charge, int], ...] = ()

    def undisputed(self) -> tuple[tuple[Charge, int], ...]:
        """What is open and ages (PAY-04, PAY-06)."""
        disputed = self.disputed
        if not disputed:
            return self.unpaid
        left = ((c, fen - disputed.get(c.number, 0)) for c, fen in self.unpaid)
        return tuple((charge, fen) for charge, fen in left if fen)


def allocate(ledger: Ledger, on: date) -> Allocation:
    """How the charges stand at the end of the day `on`."""
    named: dict[str, int] = {}
    pool = 0
    for settlement in ledger.settlements:
        if settlement.effective > on:
            break
        if settlement.charge is None:
            pool += settlement.amount_fen
        else:
            named[settlement.charge] = named.get(settlement.charge, 0) + settlement.amount_fen
    charges, late = ledger.charges, ledger.late
    needs = [charge.amount_fen for charge in charges]
    extra = [charge.amount_fen for charge in late]
    if named:
        _settle_named(charges, needs, named)
        if late:
            _settle_named(late, extra, named)
        # Whatever a name did not need is in the pool, and what is known under no name.
        pool += sum(named.values())
    if not ledger.disputes:
        pool = _settle(extra, _settle(needs, pool))
        unpaid = tuple([pair for pair in zip(charges, needs, strict=True) if pair[1]])
        if not late:
            return Allocation(unpaid, pool)
        return Allocation(unpaid, pool, {}, _open(late, extra))
    contested = ledger.disputed_on(on)
    parts = [min(contested.get(c.number, 0), n) for c, n in zip(charges, needs, strict=True)]
    needs = [need - part for need, part in zip(needs, parts, strict=True)]
    pool = _settle(extra, _settle(parts, _settle(needs, pool)))
    disputed = {c.number: part for c, part in zip(charges, parts, strict=True) if part}
    needs = [need + part for need, part in zip(needs, parts, strict=True)]
    return Allocation(_open(charges, needs), pool, disputed, _open(late, extra))


def _settle_named(charges: list[Charge], needs: list[int], named: dict[str, int]) -> None:
    """Let every sum settle the charge it names; what is not needed stays in `named`."""
    for index, charge in enumerate(charges):
        given = named.get(charge.number)
        if given is not None and given > 0:
            used = min(given, needs[index])
            needs[index] -= used
            named[charge.number] = given - used


def _settle(needs: list[int], pool: int) -> int:
    """Let the pool settle needs in their order; what remains of it."""
    if pool > 0:
        for index, need in enumerate(needs):
            if need > pool:
                needs[index] = need - pool
                return 0
            pool -= need
            needs[index] = 0
    return pool


def _open(charges: list[Charge], needs: list[int]) -> tuple[tuple[Charge, int], ...]:
    return tuple([pair for pair in zip(charges, needs, strict=True) if pair[1]])


class _Book:
    """What is gathered on the way to a ledger.

    Args:
        corrected: Whether something is there that charges and money alone do not tell.
    """

    __slots__ = (
        "cancelled", "charges", "corrected", "disputes", "late", "payments", "settlements",
        "upheld", "waivers",
    )  # fmt: skip

    def __init__(self) -> None:
        self.charges: dict[str, Charge] = {}
        self.payments: dict[str, Settlement] = {}
        self.settlements: list[Settlement] = []
        self.corrected = False
        self.cancelled: set[str] = set()
        self.disputes: dict[str, Dispute] = {}
        self.late: dict[str, Charge] = {}
        self.upheld: dict[str, int] = {}
        self.waivers: list[Settlement] = []

    def corrected_ledger(self) -> Ledger:
        """The ledger with what takes charges back, or adds to them."""
        for number, fen in self.upheld.items():
            # What was never owed is void from the start, as a charge raised by mistake is.
            if number in self.charges:
                self.charges[number].amount_fen -= fen
        void = self.cancelled
        charges = {n: c for n, c in self.charges.items() if n not in void and c.amount_fen > 0}
        late = {n: c for n, c in self.late.items() if n not in void and c.of in charges}
        # A waiver is not money: where its charge is cancelled or not known it gives nothing.
        waivers = [w for w in self.waivers if w.charge in charges or w.charge in late]
        disputes = [d for d in self.disputes.values() if d.charge in charges]
        return Ledger(
            sorted(charges.values(), key=_BY_DUE),
            sorted([*self.settlements, *waivers], key=_BY_EFFECTIVE),
            disputes,
            sorted(late.values(), key=_BY_DUE),
        )


def _raised(book: _Book, e: ChargeRaised, position: int) -> None:
    book.charges[e.charge] = Charge(e.due, e.charge, e.amount_fen, position, e.kind, e.period)


def _cancelled(book: _Book, e: ChargeCancelled, _position: int) -> None:
    book.corrected = True
    book.cancelled.add(e.charge)


def _paid(book: _Book, e: PaymentReceived | PaymentMovedIn, position: int) -> None:
    payment = Settlement(e.paid_on, e.amount_fen, e.charge, position)
    book.payments[e.payment] = payment
    book.settlements.append(payment)


def _reversed(book: _Book, e: PaymentReversed, position: int) -> None:
    _back(book, e.payment, e.on, position)


def _moved_out(book: _Book, e: PaymentMovedOut, position: int) -> None:
    _back(book, e.payment, e.paid_on, position)


def _back(book: _Book, number: str, on: date, position: int) -> None:
    payment = book.payments.pop(number, None)
    if payment is not None:
        back = Settlement(on, -payment.amount_fen, payment.charge, position)
        book.settlements.append(back)


def _refunded(book: _Book, e: CreditRefunded, position: int) -> None:
    book.settlements.append(Settlement(e.on, -e.amount_fen, None, position))


def _waived(book: _Book, e: ChargeWaived, position: int) -> None:
    book.corrected = True
    book.waivers.append(Settlement(e.on, e.amount_fen, e.charge, position))


def _disputed(book: _Book, e: ChargeDisputed, position: int) -> None:
    book.corrected = True
    book.disputes[e.dispute] = Dispute(e.charge, e.amount_fen, e.on, None, (position,))


def _decided(book: _Book, e: DisputeDecided, position: int) -> None:
    dispute = _ended(book, e.dispute, e.on, position)
    if dispute is not None and e.upheld_fen:
        dispute.amount_fen -= e.upheld_fen
        book.upheld[dispute.charge] = book.upheld.get(dispute.charge, 0) + e.upheld_fen


def _withdrawn(book: _Book, e: DisputeWithdrawn, position: int) -> None:
    _ended(book, e.dispute, e.on, position)


def _ended(book: _Book, number: str, on: date, position: int) -> Dispute | None:
    dispute = book.disputes.get(number)
    if dispute is not None:
        dispute.end = on
        dispute.positions = (*dispute.positions, position)
    return dispute


def _claimed(book: _Book, e: LateChargeClaimed, position: int) -> None:
    book.corrected = True
    book.late[e.charge] = Charge(e.due, e.charge, e.amount_fen, position, LATE_CHARGE, "", e.of)


_STEPS: dict[type, Callable[[_Book, Any, int], None]] = {
    ChargeRaised: _raised,
    ChargeCancelled: _cancelled,
    PaymentReceived: _paid,
    PaymentMovedIn: _paid,
    PaymentReversed: _reversed,
    PaymentMovedOut: _moved_out,
    CreditRefunded: _refunded,
    ChargeWaived: _waived,
    ChargeDisputed: _disputed,
    DisputeDecided: _decided,
    DisputeWithdrawn: _withdrawn,
    LateChargeClaimed: _claimed,
}

_BY_DUE = attrgetter("due", "number")
_BY_EFFECTIVE = attrgetter("effective")
