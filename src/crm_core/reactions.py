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
from crm_core.requests.commands import FollowIncident, LinkToIncident, ReceiveRequest
from crm_core.requests.events import CustomerDissatisfied
from crm_core.requests.incidents import IncidentAnswered, IncidentResolved, RequestGathered
from crm_core.requests.inspections import FindingRecorded


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


def _opened_by_finding(recorded: Recorded[FindingRecorded]) -> tuple[Any, ...]:
    event = recorded.event
    if event.request is None:
        return ()
    return (
        ReceiveRequest(
            request=event.request,
            household=event.household,
            channel="inspection",
            kind="repair",
            trade=event.trade,
            severity=event.severity,
            summary=event.summary,
            received_at=event.found_at,
            first_asked=event.found_by,
            place=event.place,
        ),
    )


def _gathered(recorded: Recorded[RequestGathered]) -> tuple[Any, ...]:
    """Who asks late hears what the others were told."""
    e = recorded.event
    link = LinkToIncident(e.request, e.incident)
    if not e.note:
        return (link,)
    told = FollowIncident(e.request, e.incident, "answered", e.note, e.gathered_at, e.gathered_by)
    return (link, told)


def _answered(recorded: Recorded[IncidentAnswered]) -> tuple[Any, ...]:
    e = recorded.event
    return tuple(
        FollowIncident(request, e.incident, "answered", e.note, e.answered_at, e.answered_by)
        for request in e.requests
    )


def _resolved(recorded: Recorded[IncidentResolved]) -> tuple[Any, ...]:
    e = recorded.event
    return tuple(
        FollowIncident(request, e.incident, "done", e.note, e.resolved_at, e.resolved_by)
        for request in e.requests
    )


REACTIONS: dict[type, Callable[[Recorded[Any]], tuple[Any, ...]]] = {
    CustomerDissatisfied: _follow_up,
    FindingRecorded: _opened_by_finding,
    IncidentAnswered: _answered,
    IncidentResolved: _resolved,
    PaymentMovedOut: _accept_moved,
    RequestGathered: _gathered,
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
