"""Which event leads to which command: pure, one table.

A reaction's command id is derived from the event that caused it, so however often it is run it
takes effect once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from crm_core.kernel.recorded import Recorded
from crm_core.payments.commands import AcceptMovedPayment
from crm_core.payments.events import PaymentMovedOut
from crm_core.requests.commands import ReceiveRequest
from crm_core.requests.events import CustomerDissatisfied


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


def _follow_up(recorded: Recorded[CustomerDissatisfied]) -> tuple[Any, ...]:
    """A customer who is not satisfied has made a new request (REQ-08)."""
    event = recorded.event
    return (
        ReceiveRequest(
            request=event.successor,
            household=event.household,
            channel=event.channel,
            kind="complaint",
            trade=event.trade,
            severity=event.severity,
            summary=f"not satisfied with {event.request}",
            received_at=event.said_at,
            first_asked=event.owner,
            place=event.place,
            follows=event.request,
        ),
    )


REACTIONS: dict[type, Callable[[Recorded[Any]], tuple[Any, ...]]] = {
    CustomerDissatisfied: _follow_up,
    PaymentMovedOut: _accept_moved,
}


def react(recorded: Recorded[Any]) -> tuple[tuple[str, Any], ...]:
    """Commands that follow from an event, each with its id."""
    reaction = REACTIONS.get(type(recorded.event))
    if reaction is None:
        return ()
    cause = recorded.envelope.event_id
    return tuple((f"{cause}>{n}", command) for n, command in enumerate(reaction(recorded)))
