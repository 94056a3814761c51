"""Incidents: one outage, many requests; answers and closings fan out (REQ-17)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import attrs

from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.catalog import EventType
from crm_core.kernel.commands import looked_up
from crm_core.kernel.decider import Decider, Decision, Evolve, Refusal, by_command, by_event
from crm_core.kernel.growing import EMPTY, GrowingMap
from crm_core.kernel.recorded import Actor
from crm_core.kernel.sealed import Text
from crm_core.kernel.values import define, frozen
from crm_core.requests.deciding.refusals import unknown_word

# --- events ----------------------------------------------------------------------------------


@frozen
class IncidentOpened:
    """Something happened that many will ask about."""

    incident: str
    place: str
    trade: str
    summary: Text
    opened_at: datetime
    opened_by: str


@frozen
class RequestGathered:
    """A request belongs to the incident; `note` is what was told to the others, if anything."""

    incident: str
    request: str
    gathered_at: datetime
    gathered_by: str
    note: Text


@frozen
class IncidentAnswered:
    """All who asked are told the same."""

    incident: str
    note: Text
    answered_at: datetime
    answered_by: str
    requests: tuple[str, ...]


@frozen
class IncidentResolved:
    """The incident is over: the work of all its requests is done."""

    incident: str
    note: Text
    resolved_at: datetime
    resolved_by: str
    requests: tuple[str, ...]


EVENTS = (
    EventType("requests.incident_opened", 1, IncidentOpened),
    EventType("requests.request_gathered", 1, RequestGathered),
    EventType("requests.incident_answered", 1, IncidentAnswered),
    EventType("requests.incident_resolved", 1, IncidentResolved),
)


# --- state -----------------------------------------------------------------------------------


@define
class Incident:
    """An incident as it stands.

    Args:
        opened: How it began; None if it never did.
        requests: Numbers of its requests, with when they were gathered.
        note: What was told last.
        resolved_at: When it was over.
    """

    opened: IncidentOpened | None = None
    requests: GrowingMap[str, datetime] = EMPTY
    note: str = ""
    resolved_at: datetime | None = None


# --- commands --------------------------------------------------------------------------------


@frozen
class OpenIncident:
    """Say that something happened that many will ask about."""

    incident: str
    place: str
    trade: str
    summary: str
    opened_at: datetime
    by: Actor = looked_up()


@frozen
class GatherRequest:
    """Let a request belong to the incident.

    Args:
        refused_there: Why the request cannot be linked, if it cannot.
    """

    incident: str
    request: str
    gathered_at: datetime
    refused_there: Refusal | None = looked_up()
    by: Actor = looked_up()


@frozen
class AnswerIncident:
    """Tell all who asked."""

    incident: str
    note: str
    answered_at: datetime
    by: Actor = looked_up()


@frozen
class ResolveIncident:
    """Report the work done, for all requests at once."""

    incident: str
    note: str
    resolved_at: datetime
    by: Actor = looked_up()


# --- decisions -------------------------------------------------------------------------------


def _open(command: OpenIncident, state: Incident) -> Decision:
    if state.opened is not None:
        return Refusal("incident_exists", "REQ-17", {"incident": command.incident})
    refused = unknown_word(trade=command.trade)
    if refused is not None:
        return refused
    return (
        IncidentOpened(
            incident=command.incident,
            place=command.place,
            trade=command.trade,
            summary=command.summary,
            opened_at=command.opened_at,
            opened_by=command.by.id,
        ),
    )


def _gather(command: GatherRequest, state: Incident) -> Decision:
    refused = _unfit(state, command.gathered_at)
    if refused is not None:
        return refused
    if command.request in state.requests:
        return ()
    if command.refused_there is not None:
        return command.refused_there
    return (
        RequestGathered(
            incident=command.incident,
            request=command.request,
            gathered_at=command.gathered_at,
            gathered_by=command.by.id,
            note=state.note,
        ),
    )


def _answer(command: AnswerIncident, state: Incident) -> Decision:
    refused = _unfit(state, command.answered_at)
    if refused is not None:
        return refused
    if not command.note.strip():
        return Refusal("note_missing", "REQ-17", sentence="note_missing_answer")
    return (
        IncidentAnswered(
            incident=command.incident,
            note=command.note,
            answered_at=command.answered_at,
            answered_by=command.by.id,
            requests=tuple(state.requests),
        ),
    )


def _resolve(command: ResolveIncident, state: Incident) -> Decision:
    refused = _unfit(state, command.resolved_at)
    if refused is not None:
        return refused
    return (
        IncidentResolved(
            incident=command.incident,
            note=command.note,
            resolved_at=command.resolved_at,
            resolved_by=command.by.id,
            requests=tuple(state.requests),
        ),
    )


def _unfit(state: Incident, at: datetime) -> Refusal | None:
    if state.opened is None or state.resolved_at is not None:
        return Refusal("incident_not_open", "REQ-17")
    if at < state.opened.opened_at:
        earliest = state.opened.opened_at.isoformat()
        return Refusal("too_early", "REQ-17", {"earliest": earliest}, "too_early_incident")
    return None


_DECIDE: dict[type, Any] = {
    OpenIncident: _open,
    GatherRequest: _gather,
    AnswerIncident: _answer,
    ResolveIncident: _resolve,
}


evolve: Evolve = by_event(
    {
        IncidentOpened: lambda state, e: attrs.evolve(state, opened=e),
        RequestGathered: lambda state, e: attrs.evolve(
            state, requests=state.requests.add(e.request, e.gathered_at)
        ),
        IncidentAnswered: lambda state, e: attrs.evolve(state, note=e.note),
        IncidentResolved: lambda state, e: attrs.evolve(state, resolved_at=e.resolved_at),
    }
)

INCIDENT = Aggregate(
    Decider("incident", Incident(), by_command(_DECIDE), evolve),
    tuple(_DECIDE),
    lambda command: command.incident,
    lambda _: "",
    needs_file=False,
)
