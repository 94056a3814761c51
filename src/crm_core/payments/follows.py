"""What follows from what happens to accounts: commands, notices, and the collection of the day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from crm_core.kernel.dates import local_date, start_of_day
from crm_core.kernel.recorded import Recorded
from crm_core.kernel.sealed import typed
from crm_core.kernel.slice import Notice, Reaction
from crm_core.kernel.ticking import DueCommand, Look, NothingBefore, Source
from crm_core.payments.collection.commands import CatchUpCollection
from crm_core.payments.collection.course import course_of, told_of
from crm_core.payments.collection.decide import COLLECTION, identity
from crm_core.payments.collection.state import Collection
from crm_core.payments.collection.watch import WATCHED, Watched
from crm_core.payments.commands import AcceptMovedPayment
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
            reason=typed(event.reason),
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
    """What the days until now bring about in each tenure's collection, at once (PAY-10, PAY-16).

    Days that change nothing leave nothing behind; they are not looked at again until something
    changes.
    """
    home, sight = row.household, look.sight
    today = local_date(look.now - timedelta(microseconds=1), look.zone)
    told = told_of(home, sight, today)
    due: list[DueCommand] = []
    following: list[date] = []
    for tenure in told.tenures.every:
        command = CatchUpCollection(home, today, tenure.key)
        key = identity(home, tenure.key)
        state: Collection = sight.state(COLLECTION, key)
        days, following_day = course_of(command, state, sight, told, first=True)
        if days:
            # Facts of the same day can bring about something more, so the acts so far count.
            id = f"tick:collection:{key}:{today}:{state.acts}"
            due.append(DueCommand(id, command, start_of_day(days[0].on, look.zone)))
        if following_day is not None:
            following.append(following_day)
    if due:
        # What they bring about writes the row anew, and it is looked at once more.
        return tuple(due)
    first = min(following, default=None)
    return (NothingBefore(None if first is None else start_of_day(first, look.zone)),)


CLOCK = (Source("collection", WATCHED, _due),)
