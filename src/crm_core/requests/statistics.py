"""Statistics of requests for a frozen period, and what they count (REQ-18).

They are computed from the events known at a cut-off, so the same period can be counted again at
any later time and gives the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Any

from attrs import define, frozen

from crm_core.kernel.dates import Period, local_date
from crm_core.kernel.recorded import Cutoff, Recorded
from crm_core.requests.clocks import CLOSING, kind_of
from crm_core.requests.events import (
    EVENTS,
    Apologised,
    CommitmentBroken,
    CommitmentKept,
    HandedOver,
    Reclassified,
    RequestClosed,
    RequestReceived,
    RequestReopened,
    WorkReportedDone,
)

DIMENSIONS = ("trade", "kind", "place", "staff")

COUNTS = (
    "received",
    "done_in_time",
    "done_late",
    "satisfied",
    "partly",
    "dissatisfied",
    "unconfirmed",
    "reopened",
    "promises_kept",
    "promises_broken",
    "apologies",
)
"""What is counted, each on the day on which it happened."""

EVENT_NAMES = frozenset(kind.stored for kind in EVENTS)
"""Stored names of the events that are counted."""

PlaceOf = Callable[[str], str]
"""The place of a household, e.g. its estate and building."""


@define
class _Request:
    """What must be known of a request to count what happens to it."""

    trade: str
    kind: str
    place: str
    staff: str
    due_at: datetime

    def value(self, dimension: str) -> str:
        return str(getattr(self, dimension))


@frozen
class Happening:
    """Something that counts: what, on which day, for which request, and the event behind it."""

    count: str
    day: date
    trade: str
    kind: str
    place: str
    staff: str
    position: int

    def value(self, dimension: str) -> str:
        """What it counts for."""
        return str(getattr(self, dimension))


@frozen
class Statistics:
    """Numbers of a period as known at a cut-off.

    Args:
        rows: For each dimension and value, the counts in the order of `COUNTS`.
    """

    period: Period
    cutoff: Cutoff
    rows: dict[str, dict[str, dict[str, int]]]


def happenings(
    events: Iterable[Recorded[Any]], cutoff: Cutoff, zone: str, place_of: PlaceOf
) -> Iterable[Happening]:
    """Everything that counts, in the order of the log."""
    known: dict[str, _Request] = {}
    for recorded in events:
        if not cutoff.sees(recorded):
            continue
        event = recorded.event
        if isinstance(event, RequestReceived):
            place = place_of(event.household) or event.place
            known[event.request] = _Request(
                trade=event.trade,
                kind=event.kind,
                place=place,
                staff=event.owner,
                due_at=event.clocks[0].due_at,
            )
        request = known.get(getattr(event, "request", ""))
        if request is None:
            continue
        if isinstance(event, HandedOver):
            request.staff = event.to_owner
        elif isinstance(event, Reclassified):
            request.trade, request.kind = event.trade, event.kind
        for clock in getattr(event, "clocks", ()):
            if kind_of(clock.clock) == CLOSING:
                request.due_at = clock.due_at
        found = _counted(event, request)
        if found is not None:
            count, at, staff = found
            yield Happening(
                count=count,
                day=local_date(at, zone),
                trade=request.trade,
                kind=request.kind,
                place=request.place,
                staff=staff,
                position=recorded.position,
            )


def _counted(event: Any, request: _Request) -> tuple[str, datetime, str] | None:
    """What an event counts as, when, and for whom."""
    match event:
        case RequestReceived():
            return "received", event.received_at, event.owner
        case WorkReportedDone():
            kept = event.done_at <= request.due_at
            return "done_in_time" if kept else "done_late", event.done_at, request.staff
        case RequestClosed():
            # Nobody's opinion is no good one (REQ-08).
            return event.opinion or "unconfirmed", event.closed_at, request.staff
        case RequestReopened():
            return "reopened", event.reopened_at, request.staff
        case CommitmentKept():
            return "promises_kept", event.kept_at, event.promised_by
        case CommitmentBroken():
            return "promises_broken", event.broken_at, event.promised_by
        case Apologised():
            return "apologies", event.apologised_at, event.apologised_by
    return None


def statistics(found: Iterable[Happening], period: Period, cutoff: Cutoff) -> Statistics:
    """Counts of a period for each trade, kind, place and member of staff."""
    rows: dict[str, dict[str, dict[str, int]]] = {dimension: {} for dimension in DIMENSIONS}
    for happening in found:
        if happening.day in period:
            for dimension in DIMENSIONS:
                row = rows[dimension].setdefault(
                    happening.value(dimension), dict.fromkeys(COUNTS, 0)
                )
                row[happening.count] += 1
    ordered = {name: dict(sorted(values.items())) for name, values in rows.items()}
    return Statistics(period, cutoff, ordered)
