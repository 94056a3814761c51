"""The books: every event as postings of equal debit and credit, and what they add up to (PAY-15).

They are written from the events alone and know nothing of allocation, so that the two can be held
against each other: what a household owes by its account in the books must be what allocation says
is unpaid, less its credit in advance. The difference is unexplained money, and it is 0 fen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from attrs import define

from crm_core.payments.events import (
    ChargeCancelled,
    ChargeDisputed,
    ChargeRaised,
    ChargeWaived,
    CreditRefunded,
    DisputeDecided,
    LateChargeClaimed,
    PaymentMovedIn,
    PaymentMovedOut,
    PaymentReceived,
    PaymentReversed,
)
from crm_core.payments.ledger import Allocation, Ledger, allocate

ACCOUNTS = ("household", "cash", "charges", "late_charges", "waived", "moved")
"""What the household owes; money; what was asked for, of either kind; what was given up; and
payments between households, which add up to nothing over all of them."""


@define(frozen=True)
class Posting:
    """One debit and the credit of the same amount.

    Args:
        on: The day it counts from.
        position: Log position of the event behind it.
        debit: Account that receives.
        credit: Account that gives.
        amount_fen: Above zero.
        what: What happened: the stored name of the event, without slice and version.
        number: Number of the charge, payment, refund, waiver or dispute.
        charge: The charge it is about or names, if any.
    """

    on: date
    position: int
    debit: str
    credit: str
    amount_fen: int
    what: str
    number: str
    charge: str | None = None


@define(frozen=True)
class TrialBalance:
    """The books on one day.

    Args:
        accounts: Debits less credits in fen, by account; they add up to zero.
        unexplained_fen: What the household owes by the books, less what allocation says it owes.
    """

    accounts: Mapping[str, int]
    unexplained_fen: int


def postings(facts: Iterable[tuple[Any, int]]) -> list[Posting]:
    """The postings of account events with their positions, in the order of the log.

    A charge is posted on its due date; what is void from the start is posted back on that day.
    """
    return list(_Writer().write(facts))


def trial_balance(facts: Iterable[tuple[Any, int]], on: date) -> TrialBalance:
    """The books at the end of a day."""
    facts = list(facts)
    accounts = dict.fromkeys(ACCOUNTS, 0)
    for posting in postings(facts):
        if posting.on <= on:
            accounts[posting.debit] += posting.amount_fen
            accounts[posting.credit] -= posting.amount_fen
    ledger = Ledger.of(facts)
    return TrialBalance(accounts, accounts["household"] - owed(ledger, allocate(ledger, on), on))


def owed(ledger: Ledger, allocation: Allocation, on: date) -> int:
    """What a household owes on a day by allocation, below zero if it is owed something.

    Charges that are due later are not owed yet; what has settled them is credit till then.
    """
    unpaid = {c.number: fen for c, fen in (*allocation.unpaid, *allocation.late)}
    early = sum(
        c.amount_fen - unpaid.get(c.number, 0)
        for c in (*ledger.charges, *ledger.late)
        if c.due > on
    )
    open_fen = sum(fen for c, fen in (*allocation.unpaid, *allocation.late) if c.due <= on)
    return open_fen - early - allocation.advance_fen


class _Writer:
    """Writes one household's books; knows what may have to be posted back."""

    def __init__(self) -> None:
        self._standing: dict[str, list[Posting]] = {}
        self._payments: dict[str, PaymentReceived | PaymentMovedIn] = {}
        self._disputed: dict[str, str] = {}
        self._due: dict[str, date] = {}
        self._left: dict[str, int] = {}
        self._late_of: dict[str, list[str]] = {}

    def write(self, facts: Iterable[tuple[Any, int]]) -> Iterator[Posting]:
        for event, position in facts:
            match event:
                case ChargeRaised():
                    yield self._asked(event.charge, event.amount_fen, event.due, position)
                case LateChargeClaimed():
                    if self._left.get(event.of):
                        yield self._asked(
                            event.charge, event.amount_fen, event.due, position, "late_charges"
                        )
                        self._late_of.setdefault(event.of, []).append(event.charge)
                case ChargeCancelled():
                    yield from self._void(event.charge, position)
                case DisputeDecided() if event.upheld_fen:
                    yield from self._upheld(event, position)
                case ChargeDisputed():
                    self._disputed[event.dispute] = event.charge
                case PaymentReceived():
                    self._payments[event.payment] = event
                    yield _money(event.paid_on, position, "cash", event, "payment_received")
                case PaymentMovedIn():
                    self._payments[event.payment] = event
                    yield _money(event.paid_on, position, "moved", event, "payment_moved_in")
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
                    )
                case ChargeWaived() if self._left.get(event.charge):
                    waived = Posting(
                        on=event.on,
                        position=position,
                        debit="waived",
                        credit="household",
                        amount_fen=event.amount_fen,
                        what="charge_waived",
                        number=event.waiver,
                        charge=event.charge,
                    )
                    self._standing[event.charge].append(waived)
                    yield waived
                case _:
                    pass

    def _asked(
        self, charge: str, fen: int, due: date, position: int, account: str = "charges"
    ) -> Posting:
        what = "charge_raised" if account == "charges" else "late_charge_claimed"
        asked = Posting(
            on=due,
            position=position,
            debit="household",
            credit=account,
            amount_fen=fen,
            what=what,
            number=charge,
            charge=charge,
        )
        self._standing[charge] = [asked]
        self._due[charge] = due
        self._left[charge] = fen
        return asked

    def _void(self, charge: str, position: int) -> Iterator[Posting]:
        """Post back a charge with its waivers and its late charges, each on its own day."""
        self._left.pop(charge, None)
        for p in self._standing.pop(charge, ()):
            yield Posting(
                on=p.on,
                position=position,
                debit=p.credit,
                credit=p.debit,
                amount_fen=p.amount_fen,
                what="charge_cancelled",
                number=charge,
                charge=charge,
            )
        for late in self._late_of.pop(charge, ()):
            yield from self._void(late, position)

    def _upheld(self, event: DisputeDecided, position: int) -> Iterator[Posting]:
        charge = self._disputed.get(event.dispute, "")
        if charge not in self._left:
            return
        if self._left[charge] <= event.upheld_fen:
            yield from self._void(charge, position)
            return
        self._left[charge] -= event.upheld_fen
        less = Posting(
            on=self._due[charge],
            position=position,
            debit="charges",
            credit="household",
            amount_fen=event.upheld_fen,
            what="dispute_decided",
            number=event.dispute,
            charge=charge,
        )
        self._standing[charge].append(less)
        yield less

    def _back(self, event: PaymentReversed | PaymentMovedOut, position: int) -> Iterator[Posting]:
        payment = self._payments.pop(event.payment, None)
        if payment is None:
            return
        moved = isinstance(event, PaymentMovedOut)
        yield Posting(
            on=payment.paid_on if isinstance(event, PaymentMovedOut) else event.on,
            position=position,
            debit="household",
            # Cash goes back out even of a payment that had been moved here.
            credit="moved" if moved else "cash",
            amount_fen=payment.amount_fen,
            what="payment_moved_out" if moved else "payment_reversed",
            number=event.payment,
            charge=payment.charge,
        )


def _money(
    on: date, position: int, account: str, event: PaymentReceived | PaymentMovedIn, what: str
) -> Posting:
    return Posting(
        on=on,
        position=position,
        debit=account,
        credit="household",
        amount_fen=event.amount_fen,
        what=what,
        number=event.payment,
        charge=event.charge,
    )
