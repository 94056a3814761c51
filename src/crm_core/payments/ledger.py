"""The ledger: what is asked of a household and what it gave (PAY-01, PAY-03).

It says nothing of which money settles what; that is `allocation`. Whatever order facts come to be
known in, the ledger of the same facts is the same; only of numbers that are used again is what was
said before of the old one void.

A household has a ledger for every tenure (PAY-16). Charges belong to who owed when they fell due;
money belongs to who paid it, settles what it names whoever owes that, and what is left over of it
stays with its payer.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from operator import attrgetter
from typing import Any

from attrs import field

from crm_core.kernel.tenures import ONE, Tenures
from crm_core.kernel.values import define
from crm_core.payments.allocation_policy import OLDEST_FIRST, Epochs
from crm_core.payments.events import (
    ChargeCancelled,
    ChargeCorrected,
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
    WaiverTakenBack,
)

LATE_CHARGE, COSTS, REFUND = "late_charge", "enforcement_costs", "refund"
"""Kinds of what is asked for beside principal: late charges, costs of enforcement (PAY-08), and
what was paid back of money that then bounced (PAY-01)."""


@define
class Charge:
    """A charge that stands, without what was never owed of it.

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
        origin: Number of the payment, where the log says that it came, and whose money it is.
    """

    effective: date
    amount_fen: int
    charge: str | None
    position: int
    origin: tuple[str, int, int]

    @property
    def payment(self) -> int:
        """Where the log says that the money came."""
        return self.origin[1]

    @property
    def tenure(self) -> int:
        """Whose money it is: the number of the tenure."""
        return self.origin[2]


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
class Waiver:
    """An amount of a charge that is not asked for from a day on, until it is taken back (PAY-01).

    Args:
        waiver: Its number.
        write_off: Whether it only gives up what stays owed: money for the charge comes first.
        start: First day on which it counts.
        end: First day on which it counts no more; None if it was not taken back.
        positions: Where the log says so.
    """

    waiver: str
    charge: str
    amount_fen: int
    write_off: bool
    start: date
    end: date | None
    positions: tuple[int, ...]

    def covers(self, day: date) -> bool:
        """Whether it counts on a day."""
        return self.start <= day and (self.end is None or day < self.end)


@define
class Ledger:
    """What is asked of a household in one tenure and what it gave, as known at some cut-off.

    Args:
        charges: Principal, oldest due first.
        settlements: Money by the day from which it counts: that which names a charge of this
            tenure, whoever paid it, and the rest of what its own people paid.
        disputes: Disputes of charges that stand, in the order in which they were opened.
        late: Late charges and costs of enforcement, oldest due first.
        waivers: Waivers and write-offs of charges that stand.
        debts: What was paid back of money that bounced, by the day on which it was owed again.
        abroad: Charges of other tenures that its own people gave money for, with their ledgers.
        tenure: The number of the tenure.
        shared: Numbers of its charges that people of other tenures gave money for.
        epochs: The allocation policies of the account, where one is another than oldest first.
        corrected: Where the log says what negative bills took off, by charge.
    """

    charges: list[Charge] = field(factory=list)
    settlements: list[Settlement] = field(factory=list)
    disputes: list[Dispute] = field(factory=list)
    late: list[Charge] = field(factory=list)
    waivers: list[Waiver] = field(factory=list)
    debts: list[Charge] = field(factory=list)
    abroad: list[tuple[str, Ledger]] = field(factory=list, repr=False)
    tenure: int = 0
    shared: set[str] = field(factory=set)
    epochs: Epochs = ()
    corrected: dict[str, list[int]] = field(factory=dict)

    @classmethod
    def of(cls, facts: Iterable[tuple[Any, int]], epochs: Epochs = ()) -> Ledger:
        """The ledger of account events with their positions, in the order of the log.

        It is that of a household that never changed hands; of others see `ledgers`.
        """
        return ledgers(facts, ONE, epochs)[0]

    @property
    def plain(self) -> bool:
        """Whether charges of principal and money tell all."""
        more = self.disputes or self.late or self.waivers or self.debts
        return not (more or self.shared or self.abroad or self.epochs)

    def disputed_on(self, day: date) -> dict[str, int]:
        """Amounts in dispute on a day, by charge."""
        found: dict[str, int] = {}
        for dispute in self.disputes:
            if dispute.covers(day):
                found[dispute.charge] = found.get(dispute.charge, 0) + dispute.amount_fen
        return found

    def given_up_on(self, day: date, *, write_off: bool) -> dict[str, int]:
        """What waivers, or write-offs, give up on a day, by charge."""
        found: dict[str, int] = {}
        for waiver in self.waivers:
            if waiver.write_off == write_off and waiver.covers(day):
                found[waiver.charge] = found.get(waiver.charge, 0) + waiver.amount_fen
        return found

    def turns(self) -> set[date]:
        """Days on which something else counts than on the day before, but for what falls due."""
        days = {settlement.effective for settlement in self.settlements}
        for parts in (self.disputes, self.waivers):
            days |= {day for part in parts for day in (part.start, part.end) if day is not None}
        days |= {debt.due for debt in self.debts}
        for number, there in self.abroad:
            days |= {s.effective for s in there.settlements if s.charge == number}
            days |= {d for w in there.waivers if w.charge == number for d in (w.start, w.end) if d}
        return days


def ledgers(
    facts: Iterable[tuple[Any, int]], tenures: Tenures = ONE, epochs: Epochs = ()
) -> tuple[Ledger, ...]:
    """The ledgers of a household, one for each tenure, by its number (PAY-16).

    Args:
        facts: Account events with their positions, in the order of the log; others do no harm.
        epochs: By which policies its money is allocated; the default if there are none.
    """
    book = _gathered(facts, tenures)
    found = (book.ledger(),) if len(tenures.every) == 1 else book.every_ledger()
    if any(epoch.policy.method != OLDEST_FIRST for epoch in epochs):
        for ledger in found:
            ledger.epochs = epochs
    return found


def given_on(ledger: Ledger, on: date) -> tuple[dict[str, int], int]:
    """Money in force at the end of a day: by the charge that it names, and what names none."""
    named: dict[str, int] = {}
    pool = 0
    for settlement in ledger.settlements:
        if settlement.effective > on:
            break
        if settlement.charge is None:
            pool += settlement.amount_fen
        else:
            named[settlement.charge] = named.get(settlement.charge, 0) + settlement.amount_fen
    return named, pool


def free_on(ledger: Ledger, on: date, asked: Callable[[Charge], int]) -> tuple[dict[str, int], int]:
    """How much of each charge the money that names it settles, and what money is free.

    Free is what names no charge, what names none that stands, and what a charge did not need, less
    what was paid back; what was paid back of money that is not there is owed instead.

    Args:
        asked: What a charge asks for on the day.
    """
    given, pool = given_on(ledger, on)
    used: dict[str, int] = {}
    if given:
        for charge in (*ledger.charges, *ledger.late):
            fen = given.pop(charge.number, 0)
            if fen > 0:
                taken = min(fen, asked(charge))
                used[charge.number] = taken
                pool += fen - taken
            else:
                pool += fen
        # Whatever is known under no number names none.
        pool += sum(given.values())
    for number in ledger.shared:
        left = left_over(ledger, number, on)
        pool -= sum(fen for money, fen in left if money.tenure != ledger.tenure)
    for number, there in ledger.abroad:
        left = left_over(there, number, on)
        pool += sum(fen for money, fen in left if money.tenure == ledger.tenure)
    return used, pool + sum([debt.amount_fen for debt in ledger.debts if debt.due <= on])


def left_over(ledger: Ledger, number: str, on: date) -> Iterator[tuple[Settlement, int]]:
    """What a charge did not need of each payment that names it: what came first is needed first."""
    for money, _, left in _needed(ledger, number, on):
        if left:
            yield money, left


def waiting(ledger: Ledger, on: date) -> int:
    """What its own people gave for charges of other tenures that are due later, less the reverse.

    Until such a charge falls due the money is credit of who paid it.
    """
    fen = 0
    for number, there in ledger.abroad:
        if _charge(there, number).due > on:
            needed = _needed(there, number, on)
            fen += sum(taken for money, taken, _ in needed if money.tenure == ledger.tenure)
    for number in ledger.shared:
        if _charge(ledger, number).due > on:
            needed = _needed(ledger, number, on)
            fen -= sum(taken for money, taken, _ in needed if money.tenure != ledger.tenure)
    return fen


def with_payers(ledger: Ledger, number: str, on: date) -> Iterator[tuple[Settlement, int]]:
    """What of the money that names a charge is credit of who paid it."""
    if _charge(ledger, number).due <= on:
        yield from left_over(ledger, number, on)
    else:
        yield from ((money, taken + left) for money, taken, left in _needed(ledger, number, on))


def _charge(ledger: Ledger, number: str) -> Charge:
    return next(c for c in (*ledger.charges, *ledger.late) if c.number == number)


def _needed(ledger: Ledger, number: str, on: date) -> Iterator[tuple[Settlement, int, int]]:
    """The payments that name a charge: how much of each it takes, and how much it leaves."""
    left = asked_on(ledger, on)(_charge(ledger, number))
    payments: dict[int, list[Settlement]] = {}
    for settlement in ledger.settlements:
        if settlement.charge == number and settlement.effective <= on:
            payments.setdefault(settlement.payment, []).append(settlement)
    # Whatever the log heard of first: the order of becoming known never matters.
    in_order = sorted(payments.values(), key=lambda parts: (parts[0].effective, parts[0].origin))
    for parts in in_order:
        fen = sum(part.amount_fen for part in parts)
        taken = min(left, max(fen, 0))
        left -= taken
        yield parts[0], taken, fen - taken


def asked_on(ledger: Ledger, on: date) -> Callable[[Charge], int]:
    """What a charge asks for on a day: its amount without what is waived; never below zero."""
    waived = ledger.given_up_on(on, write_off=False) if ledger.waivers else {}
    if not waived:
        return _AMOUNT
    return lambda charge: max(charge.amount_fen - waived.get(charge.number, 0), 0)


def whose(tenures: Tenures, member: str | None, day: date) -> int:
    """The tenure that a charge, a payment or a refund of a day belongs to (PAY-16).

    Args:
        member: Who is named as debtor, payer or payee, if somebody is.
    """
    found = None if member is None else tenures.of(member, day)
    return tenures.index(day) if found is None else found


# --- from facts to ledgers ---------------------------------------------------------------------


def _gathered(facts: Iterable[tuple[Any, int]], tenures: Tenures) -> _Book:
    book = _Book(tenures)
    step_of, charges, several = _STEPS.get, book.charges, book.several
    for event, position in facts:
        kind = type(event)
        if kind is ChargeRaised and not several:
            # Most of what there is, and looked at whenever an account is.
            number, fen = event.charge, event.amount_fen
            charges[number] = Charge(event.due, number, fen, position, event.kind, event.period)
            if fen <= 0 or event.kind == COSTS:
                book.corrected = True
            continue
        step = step_of(kind)
        if step is not None:
            step(book, event, position)
    return book


class _Book:
    """What is gathered on the way to ledgers.

    Args:
        tenures: Whose dealings those of a day are.
        corrected: Whether something is there that charges and money alone do not tell.
    """

    __slots__ = (
        "charges", "corrected", "corrections", "disputes", "late", "owners", "payments", "refunded",
        "settlements", "several", "tenures", "upheld", "waivers",
    )  # fmt: skip

    def __init__(self, tenures: Tenures) -> None:
        self.tenures = tenures
        self.several = len(tenures.every) > 1
        self.charges: dict[str, Charge] = {}
        self.payments: dict[str, list[Settlement]] = {}
        self.settlements: list[Settlement] = []
        self.corrected = self.refunded = False
        self.corrections: dict[str, tuple[str, int, int]] = {}
        self.disputes: dict[str, Dispute] = {}
        self.late: dict[str, Charge] = {}
        self.owners: dict[str, int] = {}
        self.upheld: dict[str, int] = {}
        self.waivers: dict[str, Waiver] = {}

    def whose(self, member: str | None, day: date) -> int:
        """The tenure that a member's money, or charge, of a day belongs to."""
        return whose(self.tenures, member, day) if self.several else 0

    def ledger(self, tenure: int = 0) -> Ledger:
        """The ledger of a household with one tenure, or what its tenures are made of."""
        self.settlements.sort(key=_BY_EFFECTIVE)
        charges = list(self.charges.values())
        if not self.corrected:
            charges.sort(key=_BY_DUE)
            ledger = Ledger(charges, self.settlements)
        else:
            ledger = self._corrected(charges)
        if self.refunded and not self.several:
            _owe_again(ledger)
        return ledger

    def _corrected(self, charges: list[Charge]) -> Ledger:
        """With what takes charges back, or adds to them."""
        less = dict(self.upheld)
        corrected: dict[str, list[int]] = {}
        for of, fen, position in self.corrections.values():
            less[of] = less.get(of, 0) + fen
            corrected.setdefault(of, []).append(position)
        for number, fen in less.items():
            # What was never owed is void from the start, as a charge raised by mistake is.
            if number in self.charges:
                self.charges[number].amount_fen -= fen
        standing = {c.number: c for c in charges if c.amount_fen > 0}
        late = {n: c for n, c in self.late.items() if c.of in standing}
        costs = [c for c in standing.values() if c.kind == COSTS]
        waivers = [w for w in self.waivers.values() if w.charge in standing or w.charge in late]
        disputes = [d for d in self.disputes.values() if d.charge in standing]
        return Ledger(
            sorted([c for c in standing.values() if c.kind != COSTS], key=_BY_DUE),
            self.settlements,
            [d for d in disputes if standing[d.charge].kind != COSTS],
            sorted([*late.values(), *costs], key=_BY_DUE),
            waivers,
            corrected=corrected,
        )

    def every_ledger(self) -> tuple[Ledger, ...]:
        """The ledgers of all tenures."""
        whole = self.ledger()
        owners = self.owners | {c.number: self.owners[str(c.of)] for c in whole.late if c.of}
        every = range(len(self.tenures.every))
        found = [Ledger(tenure=number, corrected=whole.corrected) for number in every]
        standing = {charge.number for charge in (*whole.charges, *whole.late)}
        for charge in whole.charges:
            found[owners[charge.number]].charges.append(charge)
        for charge in whole.late:
            found[owners[charge.number]].late.append(charge)
        for dispute in whole.disputes:
            found[owners[dispute.charge]].disputes.append(dispute)
        for waiver in whole.waivers:
            found[owners[waiver.charge]].waivers.append(waiver)
        for settlement in whole.settlements:
            here = settlement.tenure
            named = settlement.charge
            there = owners[named] if named in standing and named is not None else here
            found[there].settlements.append(settlement)
            if there != here:
                number = str(settlement.charge)
                found[there].shared.add(number)
                pair = (number, found[there])
                if all(
                    known is not pair[1] or name != number for name, known in found[here].abroad
                ):
                    found[here].abroad.append(pair)
        if self.refunded:
            for ledger in found:
                _owe_again(ledger)
        return tuple(found)


def _owe_again(ledger: Ledger) -> None:
    """Enter what was paid back of money that is not there, on the day on which it was gone."""
    if all(s.charge is not None or s.amount_fen >= 0 for s in ledger.settlements):
        return
    for day in sorted(ledger.turns()):
        _, free = free_on(ledger, day, asked_on(ledger, day))
        if free < 0:
            number = f"{REFUND}-{day.isoformat()}"
            behind = max(s.position for s in ledger.settlements if s.effective <= day)
            debt = Charge(day, number, -free, behind, REFUND, "")
            ledger.debts.append(debt)
    if ledger.debts:
        ledger.charges = sorted([*ledger.charges, *ledger.debts], key=_BY_DUE)


def _raised(book: _Book, e: ChargeRaised, position: int) -> None:
    charge = Charge(e.due, e.charge, e.amount_fen, position, e.kind, e.period)
    if book.several:
        book.owners[e.charge] = book.whose(e.debtor, e.due)
    if e.amount_fen <= 0 or e.kind == COSTS:
        book.corrected = True
    book.charges[e.charge] = charge


def _bill_corrected(book: _Book, e: ChargeCorrected, position: int) -> None:
    if e.of in book.charges:
        book.corrected = True
        book.corrections[e.charge] = (e.of, e.amount_fen, position)


def _cancelled(book: _Book, e: ChargeCancelled, _position: int) -> None:
    number = e.charge
    book.corrections.pop(number, None)
    if book.charges.pop(number, None) is not None:
        book.upheld.pop(number, None)
        book.corrections = {n: c for n, c in book.corrections.items() if c[0] != number}
        book.disputes = {n: d for n, d in book.disputes.items() if d.charge != number}
        for late in [n for n, c in book.late.items() if c.of == number]:
            _without(book, late)
    _without(book, number)


def _without(book: _Book, number: str) -> None:
    """Forget a late charge, if it is one, and what was waived of it or of the charge."""
    book.late.pop(number, None)
    book.waivers = {n: w for n, w in book.waivers.items() if w.charge != number}


def _paid(book: _Book, e: PaymentReceived | PaymentMovedIn, position: int) -> None:
    tenure = book.whose(e.payer, e.paid_on) if book.several else 0
    origin = (e.payment, position, tenure)
    if not e.parts:
        # Nearly every payment; each is looked at whenever an account is.
        whole = Settlement(e.paid_on, e.amount_fen, e.charge, position, origin)
        book.payments[e.payment] = [whole]
        book.settlements.append(whole)
        return
    named: list[tuple[str | None, int]] = [(part.charge, part.amount_fen) for part in e.parts]
    rest = e.amount_fen - sum(fen for _, fen in named)
    named += [(None, rest)] if rest else []
    parts = [Settlement(e.paid_on, fen, charge, position, origin) for charge, fen in named]
    book.payments[e.payment] = parts
    book.settlements += parts


def _reversed(book: _Book, e: PaymentReversed, position: int) -> None:
    _back(book, e.payment, e.on, position)


def _moved_out(book: _Book, e: PaymentMovedOut, position: int) -> None:
    _back(book, e.payment, e.paid_on, position)


def _back(book: _Book, number: str, on: date, position: int) -> None:
    for part in book.payments.pop(number, ()):
        back = Settlement(on, -part.amount_fen, part.charge, position, part.origin)
        book.settlements.append(back)


def _refunded(book: _Book, e: CreditRefunded, position: int) -> None:
    book.refunded = True
    origin = (e.refund, position, book.whose(e.payee, e.on))
    book.settlements.append(Settlement(e.on, -e.amount_fen, None, position, origin))


def _waived(book: _Book, e: ChargeWaived, position: int) -> None:
    if e.charge in book.charges or e.charge in book.late:
        book.corrected = True
        book.waivers[e.waiver] = Waiver(
            e.waiver, e.charge, e.amount_fen, e.write_off, e.on, None, (position,)
        )


def _taken_back(book: _Book, e: WaiverTakenBack, position: int) -> None:
    waiver = book.waivers.get(e.waiver)
    if waiver is not None:
        waiver.end = e.on
        waiver.positions = (*waiver.positions, position)


def _disputed(book: _Book, e: ChargeDisputed, position: int) -> None:
    if e.charge in book.charges:
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
    of = book.charges.get(e.of)
    if of is not None:
        book.corrected = True
        book.late[e.charge] = Charge(e.due, e.charge, e.amount_fen, position, LATE_CHARGE, "", e.of)


_STEPS: dict[type, Callable[[_Book, Any, int], None]] = {
    ChargeRaised: _raised,
    ChargeCorrected: _bill_corrected,
    ChargeCancelled: _cancelled,
    PaymentReceived: _paid,
    PaymentMovedIn: _paid,
    PaymentReversed: _reversed,
    PaymentMovedOut: _moved_out,
    CreditRefunded: _refunded,
    ChargeWaived: _waived,
    WaiverTakenBack: _taken_back,
    ChargeDisputed: _disputed,
    DisputeDecided: _decided,
    DisputeWithdrawn: _withdrawn,
    LateChargeClaimed: _claimed,
}

_BY_DUE = attrgetter("due", "number")
_BY_EFFECTIVE = attrgetter("effective")
_AMOUNT: Callable[[Charge], int] = attrgetter("amount_fen")


def due_by(charges: list[Charge], on: date) -> int:
    """How many of the charges are due on a day or before."""
    return bisect_right(charges, on, key=attrgetter("due"))
