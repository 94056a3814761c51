"""Walking inspections: what was found, and the request that follows from it (REQ-20)."""

from __future__ import annotations

from datetime import datetime

import attrs

from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.catalog import EventType
from crm_core.kernel.commands import looked_up
from crm_core.kernel.decider import Decider, Decision, Refusal, by_event
from crm_core.kernel.recorded import Actor
from crm_core.kernel.sealed import Text
from crm_core.kernel.values import define, frozen
from crm_core.requests.deciding.refusals import unknown_word


@frozen
class FindingRecorded:
    """Something was found on a round; `request` is the one it opens, if it does."""

    finding: str
    household: str
    place: Text
    trade: str
    severity: str
    summary: Text
    found_at: datetime
    found_by: str
    request: str | None


EVENTS = (EventType("requests.finding_recorded", 1, FindingRecorded),)


@define
class Finding:
    """A finding as it stands; None if there is none."""

    recorded: FindingRecorded | None = None


@frozen
class RecordFinding:
    """Record what was found on a round; who gives it has found it.

    Args:
        household: The household it concerns, or an empty text for what belongs to all.
        request: Number of the request to open; None if nothing has to be done.
    """

    finding: str
    place: str
    trade: str
    severity: str
    summary: str
    found_at: datetime
    household: str = ""
    request: str | None = None
    by: Actor = looked_up()
    known_at: datetime = looked_up()
    request_taken: bool = looked_up()


def decide(command: RecordFinding, state: Finding) -> Decision:
    """Events that follow from the command, or why not."""
    if state.recorded is not None:
        return Refusal("finding_exists", "REQ-20", {"finding": command.finding})
    refused = unknown_word(trade=command.trade, severity=command.severity)
    if refused is not None:
        return refused
    if not command.place:
        return Refusal("place_missing", "REQ-20", sentence="place_missing_finding")
    if command.found_at > command.known_at:
        details = {"now": command.known_at.isoformat()}
        return Refusal("not_yet", "REQ-20", details, "not_yet_finding")
    if command.request_taken:
        # It would seem to have opened what somebody else had asked for.
        return Refusal("request_exists", "REQ-01", {"request": command.request})
    return (
        FindingRecorded(
            finding=command.finding,
            household=command.household,
            place=command.place,
            trade=command.trade,
            severity=command.severity,
            summary=command.summary,
            found_at=command.found_at,
            found_by=command.by.id,
            request=command.request,
        ),
    )


FINDING = Aggregate(
    Decider(
        "finding",
        Finding(),
        decide,
        by_event({FindingRecorded: lambda state, e: attrs.evolve(state, recorded=e)}),
    ),
    (RecordFinding,),
    lambda command: command.finding,
    lambda command: command.household,
)
