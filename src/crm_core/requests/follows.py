"""What follows from what happens to requests: commands, and steps as time passes."""

from __future__ import annotations

from typing import Any

from crm_core.kernel.dates import instant_text
from crm_core.kernel.recorded import Recorded
from crm_core.kernel.sealed import typed
from crm_core.kernel.slice import Reaction
from crm_core.kernel.ticking import DueCommand, Look, Source
from crm_core.requests.commands import (
    FollowIncident,
    LinkToIncident,
    ReceiveRequest,
    RenewCalendar,
    TakeStep,
)
from crm_core.requests.events import (
    CustomerDissatisfied,
    PolicyRebased,
    RequestReopened,
    RequestRetold,
)
from crm_core.requests.incidents import IncidentAnswered, IncidentResolved, RequestGathered
from crm_core.requests.inspections import FindingRecorded
from crm_core.requests.views import DUE_REQUESTS, DueRequest

# --- commands ------------------------------------------------------------------------------------


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
            summary=typed(event.summary),
            received_at=event.found_at,
            first_asked=event.found_by,
            place=typed(event.place),
        ),
    )


def _gathered(recorded: Recorded[RequestGathered]) -> tuple[Any, ...]:
    """Who asks late hears what the others were told."""
    e = recorded.event
    link = LinkToIncident(e.request, e.incident)
    if not e.note:
        return (link,)
    told = FollowIncident(
        request=e.request,
        incident=e.incident,
        what="answered",
        note=typed(e.note),
        at=e.gathered_at,
        told_by=e.gathered_by,
    )
    return (link, told)


def _answered(recorded: Recorded[IncidentAnswered]) -> tuple[Any, ...]:
    e = recorded.event
    return tuple(
        FollowIncident(
            request=request,
            incident=e.incident,
            what="answered",
            note=typed(e.note),
            at=e.answered_at,
            told_by=e.answered_by,
        )
        for request in e.requests
    )


def _resolved(recorded: Recorded[IncidentResolved]) -> tuple[Any, ...]:
    e = recorded.event
    return tuple(
        FollowIncident(
            request=request,
            incident=e.incident,
            what="done",
            note=typed(e.note),
            at=e.resolved_at,
            told_by=e.resolved_by,
        )
        for request in e.requests
    )


def _open_again(
    recorded: Recorded[PolicyRebased | RequestReopened | RequestRetold],
) -> tuple[Any, ...]:
    """While it was closed, or under another policy, a notice may have come (REQ-11)."""
    return (RenewCalendar(recorded.event.request, recorded.recorded),)


REACTIONS: dict[type, Reaction] = {
    CustomerDissatisfied: _follow_up,
    FindingRecorded: _opened_by_finding,
    IncidentAnswered: _answered,
    IncidentResolved: _resolved,
    RequestGathered: _gathered,
    PolicyRebased: _open_again,
    RequestReopened: _open_again,
    RequestRetold: _open_again,
}

# --- the clock -----------------------------------------------------------------------------------


def _due(row: DueRequest, _look: Look) -> tuple[DueCommand, ...]:
    """The next step of every clock of a request that runs, the earliest first.

    One that cannot be taken does not keep the other clocks waiting (REQ-13).
    """
    # What is told anew may come to the same step again.
    told = f":{row.retold}" if row.retold else ""
    return tuple(
        DueCommand(
            f"tick:{row.request}:{step.clock}:{step.step}:{instant_text(step.at)}{told}",
            TakeStep(row.request, clock=step.clock, step=step.step, at=step.at),
            step.at,
        )
        for step in row.in_order()
    )


CLOCK = (Source("requests", DUE_REQUESTS, _due),)
