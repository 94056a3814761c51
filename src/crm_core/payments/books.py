"""The books: every event as postings of equal debit and credit, and what they add up to (PAY-15).

Charges and money are written from the events alone and know nothing of allocation, so that the two
can be held against each other: what a household owes by its account in the books must be what
allocation says is unpaid, less its credit in advance. The difference is unexplained money, and it
is 0 fen. What of a write-off has lapsed because money came after all, and what of a payment for
somebody else's charge is left over, hangs on allocation and is entered from it, day by day.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import attrs

from crm_core.kernel.tenures import ONE, Tenures
from crm_core.kernel.values import define
from crm_core.payments.allocation import allocate
from crm_core.payments.allocation_policy import Epochs
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
)
from crm_core.payments.ledger import Ledger, ledgers, whose, with_payers

ACCOUNTS = ("household", "cash", "charges", "late_charges", "waived", "moved", "tenures")
"""What the household owes; money; what was asked for, of either kind; what was given up; payments
between households, and between the tenures of one: both add up to nothing over all of them."""


@define(frozen=True)
class Posting:
    """One debit and the credit of the same amount.

    Args:
        on: The day it counts from.
        position: Log position of the event behind it; 0 where several are.
        debit: Account that receives.
        credit: Account that gives.
        amount_fen: Above zero.
        what: What happened: the stored name of the event, without slice and version.
        number: Number of the charge, payment, refund, waiver or dispute.
        charge: The charge it is about or names, if any.
        tenure: Number of the tenure whose account it moves.
    """

    on: date
    position: int
    debit: str
    credit: str
    amount_fen: int
    what: str
    number: str
    charge: str | None = None
    tenure: int = 0


@define(frozen=True)
class TrialBalance:
    """The books on one day.

    Args:
        accounts: Debits less credits in fen, by account; they add up to zero.
        unexplained_fen: What the household owes by the books, less what allocation says it owes:
            the sum of the differences of its tenures, each taken without its sign.
    """

    accounts: Mapping[str, int]
    unexplained_fen: int


def postings(
    facts: Iterable[tuple[Any, int]],
    tenures: Tenures = ONE,
    epochs: Epochs = (),
    books: Sequence[Ledger] | None = None,
) -> list[Posting]:
    """The postings of account events with their positions, in the order of the log.

    A charge is posted on its due date; what is void from the start is posted back on that day.

    Args:
        books: The ledgers of these facts, for who has made them already.
    """
    facts = list(facts)
    books = ledgers(facts, tenures, epochs) if books is None else books
    derived = (p for ledger in books for p in _from_allocation(ledger))
    return [*_Writer(tenures).write(facts), *derived]


def trial_balance(
    facts: Iterable[tuple[Any, int]], on: date, tenures: Tenures = ONE, epochs: Epochs = ()
) -> TrialBalance:
    """The books at the end of a day."""
    facts = list(facts)
    accounts = dict.fromkeys(ACCOUNTS, 0)
    owed = [0] * len(tenures.every)
    for posting in postings(facts, tenures, epochs):
        if posting.on <= on:
            accounts[posting.debit] += posting.amount_fen
            accounts[posting.credit] -= posting.amount_fen
            owed[posting.tenure] += _moves(posting)
    unexplained = sum(
        abs(fen - allocate(ledger, on).owed_fen)
        for fen, ledger in zip(owed, ledgers(facts, tenures, epochs), strict=True)
    )
    return TrialBalance(accounts, unexplained)


def _moves(posting: Posting) -> int:
    """What a posting adds to what the household owes."""
    fen = posting.amount_fen
    return fen * ((posting.debit == "household") - (posting.credit == "household"))


def _from_allocation(ledger: Ledger) -> Iterator[Posting]:
    """What is given up of charges, and left over of payments for charges of other tenures."""
    if not ledger.waivers and not ledger.shared:
        return
    waivers = {w.charge: w for w in ledger.waivers}
    before: dict[tuple[str, int], int] = {}
    dues = {charge.due for charge in (*ledger.charges, *ledger.late)}
    for day in sorted(ledger.turns() | dues):
        now: dict[tuple[str, int], int] = {}
        for number, fen in allocate(ledger, day).given_up.items():
            now[number, -1] = fen
        for number in ledger.shared:
            for money, fen in with_payers(ledger, number, day):
                if money.tenure != ledger.tenure:
                    key = (number, money.tenure)
                    now[key] = now.get(key, 0) + fen
        for key in sorted(now.keys() | before.keys()):
            fen = now.get(key, 0) - before.get(key, 0)
            if fen and key[1] < 0:
                waiver = waivers[key[0]]
                yield _given_up(day, fen, waiver.waiver, key[0], ledger.tenure)
            elif fen:
                yield from _left_over(day, fen, key[0], ledger.tenure, key[1])
        before = now


def _given_up(on: date, fen: int, waiver: str, charge: str, tenure: int) -> Posting:
    debit, credit = ("waived", "household") if fen > 0 else ("household", "waived")
    return Posting(
        on=on,
        position=0,
        debit=debit,
        credit=credit,
        amount_fen=abs(fen),
        what="charge_waived" if fen > 0 else "waiver_lapsed",
        number=waiver,
        charge=charge,
        tenure=tenure,
    )


def _left_over(on: date, fen: int, charge: str, here: int, there: int) -> Iterator[Posting]:
    for tenure, gives in ((here, fen > 0), (there, fen < 0)):
        yield Posting(
            on=on,
            position=0,
            debit="household" if gives else "tenures",
            credit="tenures" if gives else "household",
            amount_fen=abs(fen),
            what="left_over",
            number=charge,
            charge=charge,
            tenure=tenure,
        )


class _Writer:
    """Writes one household's books; knows what may have to be posted back."""

    def __init__(self, tenures: Tenures) -> None:
        self._tenures = tenures
        self._standing: dict[str, list[Posting]] = {}
        self._payments: dict[str, list[Posting]] = {}
        self._disputed: dict[str, str] = {}
        self._corrected: dict[str, tuple[str, Posting]] = {}
        self._asked_in: dict[str, int] = {}
        self._late: set[int] = set()

    def write(self, facts: Iterable[tuple[Any, int]]) -> Iterator[Posting]:
        facts = list(facts)
        for ledger in ledgers(facts, self._tenures):
            # Money names a charge that stands in the end, also one that was raised afterwards.
            for charge in (*ledger.charges, *ledger.late):
                self._asked_in[charge.number] = ledger.tenure
            self._late |= {charge.position for charge in ledger.late}
        for event, position in facts:
            match event:
                case ChargeRaised() if event.amount_fen > 0:
                    tenure = whose(self._tenures, event.debtor, event.due)
                    yield self._asked(event, position, "charges", tenure)
                case LateChargeClaimed() if event.of in self._standing:
                    tenure = self._standing[event.of][0].tenure
                    asked = self._asked(event, position, "late_charges", tenure)
                    yield asked
                    if position not in self._late:
                        # What it was claimed for is void, or was never owed.
                        yield self._turned(asked, position, event.charge)
                        self._standing.pop(event.charge)
                case ChargeCorrected() if event.of in self._standing:
                    yield self._less(
                        event.of, event.amount_fen, position, "charge_corrected", event.charge
                    )
                case ChargeCancelled():
                    yield from self._void(event.charge, position)
                case DisputeDecided() if event.upheld_fen and event.dispute in self._disputed:
                    number = self._disputed[event.dispute]
                    yield self._less(
                        number, event.upheld_fen, position, "dispute_decided", event.dispute
                    )
                case ChargeDisputed() if event.charge in self._standing:
                    self._disputed[event.dispute] = event.charge
                case PaymentReceived():
                    yield from self._money(event, position, "cash", "payment_received")
                case PaymentMovedIn():
                    yield from self._money(event, position, "moved", "payment_moved_in")
                case PaymentReversed() | PaymentMovedOut():
                    yield from self._back(event, position)
                case CreditRefunded():
                    yield Posting(
                        on=event.on,
                        position=position,
                        debit="household",
                        credit="cash",
                        amount_fen=event.amount_fen,
                        what="credit_refunded",
                        number=event.refund,
                        tenure=whose(self._tenures, event.payee, event.on),
                    )
                case _:
                    pass

    def _asked(
        self, event: ChargeRaised | LateChargeClaimed, position: int, account: str, tenure: int
    ) -> Posting:
        asked = Posting(
            on=event.due,
            position=position,
            debit="household",
            credit=account,
            amount_fen=event.amount_fen,
            what="charge_raised" if account == "charges" else "late_charge_claimed",
            number=event.charge,
            charge=event.charge,
            tenure=tenure,
        )
        self._standing[event.charge] = [asked]
        return asked

    def _less(self, charge: str, fen: int, position: int, what: str, number: str) -> Posting:
        """So much of a charge was never owed: it is posted back on the day it fell due."""
        asked = self._standing[charge][0]
        less = attrs.evolve(
            asked,
            position=position,
            debit=asked.credit,
            credit="household",
            amount_fen=fen,
            what=what,
            number=number,
        )
        self._standing[charge].append(less)
        if what == "charge_corrected":
            self._corrected[number] = (charge, less)
        return less

    def _void(self, charge: str, position: int) -> Iterator[Posting]:
        """Post back a charge, or a negative bill, on its own day."""
        if charge in self._corrected:
            of, less = self._corrected.pop(charge)
            if less in self._standing.get(of, ()):
                self._standing[of].remove(less)
                yield self._turned(less, position, charge)
            return
        for posting in self._standing.pop(charge, ()):
            yield self._turned(posting, position, charge)
        self._disputed = {d: c for d, c in self._disputed.items() if c != charge}

    @staticmethod
    def _turned(posting: Posting, position: int, number: str) -> Posting:
        return attrs.evolve(
            posting,
            position=position,
            debit=posting.credit,
            credit=posting.debit,
            what="charge_cancelled",
            number=number,
        )

    def _money(
        self, event: PaymentReceived | PaymentMovedIn, position: int, account: str, what: str
    ) -> Iterator[Posting]:
        own = whose(self._tenures, event.payer, event.paid_on)
        parts: list[tuple[str | None, int]] = [
            (part.charge, part.amount_fen) for part in event.parts
        ]
        rest = event.amount_fen - sum(fen for _, fen in parts)
        if rest:
            parts.append((None if event.parts else event.charge, rest))
        self._payments[event.payment] = [
            Posting(
                on=event.paid_on,
                position=position,
                debit=account,
                credit="household",
                amount_fen=fen,
                what=what,
                number=event.payment,
                charge=charge,
                tenure=own if charge is None else self._asked_in.get(charge, own),
            )
            for charge, fen in parts
        ]
        yield from self._payments[event.payment]

    def _back(self, event: PaymentReversed | PaymentMovedOut, position: int) -> Iterator[Posting]:
        for posting in self._payments.pop(event.payment, ()):
            moved = isinstance(event, PaymentMovedOut)
            yield attrs.evolve(
                posting,
                on=posting.on if isinstance(event, PaymentMovedOut) else event.on,
                position=position,
                debit="household",
                # Cash goes back out even of a payment that had been moved here.
                credit="moved" if moved else "cash",
                what="payment_moved_out" if moved else "payment_reversed",
            )
