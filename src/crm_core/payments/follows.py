"""What follows from what happens to accounts: commands, notices, and the collection of the day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from crm_core.kernel.dates import local_date, start_of_day
from crm_core.kernel.recorded import Recorded
from crm_core.kernel.slice import Notice, Reaction
from crm_core.kernel.ticking import DueCommand, Look, NothingBefore, Source
from crm_core.payments.collection.commands import AdvanceCollection
from crm_core.payments.collection.policy import DEFAULT_COLLECTION, CollectionPolicy
from crm_core.payments.collection.watch import WATCHED, Watched
from crm_core.payments.commands import AcceptMovedPayment
from crm_core.payments.credit import CreditPolicy
from crm_core.payments.events import PaymentMovedOut, PaymentReceived


def _accept_moved(recorded: Recorded[PaymentMovedOut]) -> tuple[Any, ...]:
    event = recorded.event
    return (
        AcceptMovedPayment(
            household=event.to_household,
            payment=event.payment,
            from_household=recorded.household,
            amount_fen=event.amount_fen,
            paid_on=event.paid_on,
            method=event.method,
            reason=event.reason,
        ),
    )


REACTIONS: dict[type, Reaction] = {PaymentMovedOut: _accept_moved}


def _told_paid(event: PaymentReceived) -> Notice:
    return Notice(
        "payment-received",
        {"payment": event.payment, "amount": event.amount_fen, "paid_on": event.paid_on},
    )


NOTICES: dict[type, Callable[[Any], Notice]] = {PaymentReceived: _told_paid}


def _due(row: Watched, look: Look) -> tuple[DueCommand | NothingBefore, ...]:
    """The first day that brings something about in a household's collection (PAY-10).

    What the next day brings about depends on it, and is looked at after it. Days that change
    nothing leave nothing behind; they are not looked at again until something changes.
    """
    today = local_date(look.now - timedelta(microseconds=1), look.zone)
    policy = look.policies.find(CollectionPolicy, DEFAULT_COLLECTION, today)
    credit = look.policies.find(CreditPolicy, policy.credit, today)
    days = row.days(today, look.zone, policy, credit)
    for day in days.come:
        command = AdvanceCollection(row.household, day)
        if look.changes(command):
            # Facts of the same day can bring about something more, so the acts so far count.
            id = f"tick:collection:{row.household}:{day}:{row.acts}"
            return (DueCommand(id, command, start_of_day(day, look.zone)),)
    return (NothingBefore(None if days.next is None else start_of_day(days.next, look.zone)),)


CLOCK = (Source("collection", WATCHED, _due),)
