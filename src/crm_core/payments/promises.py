"""Promises to pay and payment plans: kept, broken or renegotiated (PAY-09).

What becomes of a promise is, as allocation is, a function of the facts and never stored: a payment
that is booked late keeps the promise it was made for, as known from then on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from crm_core.kernel.tenures import Tenures
from crm_core.kernel.values import frozen
from crm_core.payments.events import (
    PaymentMovedIn,
    PaymentMovedOut,
    PaymentPromised,
    PaymentReceived,
    PaymentReversed,
)
from crm_core.payments.ledger import whose

OPEN, KEPT, BROKEN, RENEGOTIATED = "open", "kept", "broken", "renegotiated"


@frozen
class PromiseStanding:
    """What has become of a promise by a day.

    Args:
        promise: The promise.
        status: `open`, `kept`, `broken` or `renegotiated`.
        paid_fen: What was paid from the day of the promise on, until the last instalment.
        broken_on: Due date of the first instalment that was not paid in full by then.
    """

    promise: PaymentPromised
    status: str
    paid_fen: int
    broken_on: date | None


def promises(facts: Iterable[Any], on: date) -> tuple[PromiseStanding, ...]:
    """Every promise made on or before a day, and what has become of it, in the order of the log.

    An instalment is kept if all that was paid since the promise, reversals taken off, covers it
    and those before it at the end of its due date. A promise renegotiated before it is broken is
    not broken; afterwards the new one stands beside the broken one.
    """
    made: list[PaymentPromised] = []
    money: list[tuple[date, int]] = []
    payments: dict[str, PaymentReceived | PaymentMovedIn] = {}
    for event in facts:
        kind = type(event)
        if kind is PaymentPromised:
            if event.on <= on:
                made.append(event)
        elif kind is PaymentReceived or kind is PaymentMovedIn:
            payments[event.payment] = event
            money.append((event.paid_on, event.amount_fen))
        elif kind is PaymentReversed or kind is PaymentMovedOut:
            payment = payments.pop(event.payment, None)
            if payment is not None:
                back = event.on if kind is PaymentReversed else event.paid_on
                money.append((back, -payment.amount_fen))
    replaced = {event.replaces: event.on for event in made if event.replaces is not None}
    return tuple(_standing(event, money, on, replaced.get(event.promise)) for event in made)


def said_in(facts: Iterable[Any], tenures: Tenures, tenure: int) -> Iterator[Any]:
    """The facts without the promises and the money of other tenures (PAY-16)."""
    for event in facts:
        kind = type(event)
        if kind is PaymentPromised:
            if whose(tenures, event.word.member, event.on) == tenure:
                yield event
        elif kind is PaymentReceived or kind is PaymentMovedIn:
            if whose(tenures, event.payer, event.paid_on) == tenure:
                yield event
        else:
            yield event


def open_promise(standings: Iterable[PromiseStanding]) -> PromiseStanding | None:
    """The promise that is being kept, if there is one; at most one is at a time."""
    return next((one for one in standings if one.status == OPEN), None)


def _standing(
    promise: PaymentPromised, money: list[tuple[date, int]], on: date, replaced: date | None
) -> PromiseStanding:
    last = min(on, promise.instalments[-1].due)
    paid = _paid(money, promise.on, last)
    needed = 0
    for instalment in promise.instalments:
        needed += instalment.amount_fen
        if replaced is not None and instalment.due >= replaced:
            return PromiseStanding(promise, RENEGOTIATED, paid, None)
        if instalment.due < on and _paid(money, promise.on, instalment.due) < needed:
            return PromiseStanding(promise, BROKEN, paid, instalment.due)
    if replaced is not None:
        return PromiseStanding(promise, RENEGOTIATED, paid, None)
    return PromiseStanding(promise, KEPT if paid >= needed else OPEN, paid, None)


def _paid(money: list[tuple[date, int]], start: date, end: date) -> int:
    return sum(fen for day, fen in money if start <= day <= end)
