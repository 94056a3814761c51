"""Which event leads to which command: pure, one table.

A reaction's command id is derived from the event that caused it, so however often it is run it
takes effect once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from crm_core.events import catalog
from crm_core.kernel.recorded import Recorded
from crm_core.payments.commands import AcceptMovedPayment
from crm_core.payments.events import PaymentMovedOut


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


REACTIONS: dict[type, Callable[[Recorded[Any]], tuple[Any, ...]]] = {
    PaymentMovedOut: _accept_moved,
}


LEADING = frozenset(
    name
    for kind in catalog().types
    if kind.cls in REACTIONS
    for name in (f"{kind.name}/{version}" for version in range(1, kind.version + 1))
)
"""Stored names of the events that lead to commands, all versions of them."""


def react(recorded: Recorded[Any]) -> tuple[tuple[str, Any], ...]:
    """Commands that follow from an event, each with its id."""
    reaction = REACTIONS.get(type(recorded.event))
    if reaction is None:
        return ()
    cause = recorded.envelope.event_id
    return tuple((f"{cause}>{n}", command) for n, command in enumerate(reaction(recorded)))
