"""Statistics of requests for a frozen period, and what they count (REQ-18).

They are computed from the events known at a cut-off, so the same period can be counted again at
any later time and gives the same numbers. What is counted of a clock or a promise is its verdict,
where the request stands by then: what came to be known late counts as timely knowledge would have
(REQ-10, REQ-15).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from typing import Any

from attrs import field

from crm_core.kernel.dates import Period, local_date
from crm_core.kernel.recorded import Cutoff, Recorded
from crm_core.kernel.values import define, frozen
from crm_core.requests.clocks import CLOSING, kind_of
from crm_core.requests.events import (
    EVENTS,
    Apologised,
    HandedOver,
    RequestClosed,
    RequestReopened,
    WorkReportedDone,
)
from crm_core.requests.evolve import evolve
from crm_core.requests.parts import PROMISE_BROKEN, PROMISE_KEPT, UNANSWERED, Taken
from crm_core.requests.state import NotReceived, Request, RequestState
from crm_core.requests.verdicts import Pinned, verdicts

DIMENSIONS = ("trade", "kind", "place", "staff", "household")

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


@frozen
class Happening:
    """Something that counts: what, on which day, for which request, and the event behind it.

    Args:
        staff: Who promised or apologised; of all else who owned the request then.
    """

    count: str
    day: date
    trade: str
    kind: str
    place: str
    staff: str
    household: str
    position: int

    def value(self, dimension: str) -> str:
        """What it counts for."""
        return str(getattr(self, dimension))


@frozen
class Statistics:
    """Numbers of a period as known at a cut-off.

    Args:
        total: The counts of all requests, over all estates of the company, in the order of
            `COUNTS`.
        rows: For each dimension and value, the same.
    """

    period: Period
    cutoff: Cutoff
    total: dict[str, int]
    rows: dict[str, dict[str, dict[str, int]]]


@define
class _Told:
    """A request as it stands, and the positions of what made it so."""

    state: RequestState = field(factory=NotReceived)
    received: int = 0
    entries: list[int] = field(factory=list)
    taken: dict[Taken, int] = field(factory=dict)

    def add(self, recorded: Recorded[Any]) -> None:
        """One more event."""
        before = self.state
        if isinstance(before, NotReceived):
            self.received = recorded.position
        self.state = evolve(before, recorded.event)
        if not isinstance(self.state, Request):
            # It never came in; what comes by that number again is another one.
            self.entries, self.taken = [], {}
            return
        if isinstance(before, Request) and len(self.state.entries) < len(self.entries):
            left = list(self.state.entries)
            known = zip(before.entries, self.entries, strict=False)
            self.entries = [
                position for entry, position in known if any(entry is one for one in left)
            ]
        if len(self.state.entries) > len(self.entries):
            self.entries.append(recorded.position)
        last = self.state.taken.last
        if last is not None:
            self.taken.setdefault(last, recorded.position)


def happenings(
    events: Iterable[Recorded[Any]],
    cutoff: Cutoff,
    zone: str,
    place_of: PlaceOf,
    pinned: Pinned,
) -> Iterable[Happening]:
    """Everything that counts, in the order of the log.

    Args:
        pinned: Where the policies of clocks are found.
    """
    told: dict[str, _Told] = {}
    for recorded in events:
        if cutoff.sees(recorded):
            request = getattr(recorded.event, "request", "")
            told.setdefault(request, _Told()).add(recorded)
    found: list[Happening] = []
    for one in told.values():
        state = one.state
        if isinstance(state, NotReceived):
            continue
        place = place_of(state.household) or state.received.place
        found.extend(
            Happening(
                count=count,
                day=local_date(at, zone),
                trade=state.trade,
                kind=state.kind,
                place=place,
                staff=staff,
                household=state.household,
                position=position,
            )
            for count, at, staff, position in _counted(one, state, cutoff, pinned)
        )
    return sorted(found, key=lambda happening: happening.position)


def _counted(
    one: _Told, state: Request, cutoff: Cutoff, pinned: Pinned
) -> Iterator[tuple[str, datetime, str, int]]:
    """What counts of a request, when, for whom, and the position of the event behind it."""
    yield "received", state.received_at, state.received.owner, one.received
    done: dict[datetime, int] = {}
    for entry, position in zip(state.entries, one.entries, strict=False):
        at = entry.counts_from
        if at is None:
            continue
        if isinstance(entry, WorkReportedDone):
            done.setdefault(at, position)
        elif isinstance(entry, RequestClosed):
            # Nobody's opinion is no good one (REQ-08).
            yield entry.opinion or "unconfirmed", at, _owner(state, at), position
        elif isinstance(entry, RequestReopened):
            yield "reopened", at, _owner(state, at), position
        elif isinstance(entry, Apologised):
            yield "apologies", at, entry.apologised_by, position
    for step in state.taken:
        if step.what in _PROMISES:
            yield _PROMISES[step.what], step.at, step.by, one.taken.get(step, one.received)
        elif step.what == UNANSWERED:
            position = one.taken.get(step, one.received)
            yield "unconfirmed", step.at, _owner(state, step.at), position
    for verdict in verdicts(state, cutoff.known, pinned):
        at = verdict.stopped_at
        if at in done and kind_of(verdict.clock) == CLOSING and not verdict.superseded:
            count = "done_in_time" if verdict.kept else "done_late"
            yield count, at, _owner(state, at), done[at]


_PROMISES = {PROMISE_KEPT: "promises_kept", PROMISE_BROKEN: "promises_broken"}


def _owner(state: Request, at: datetime) -> str:
    """Who owned the request at an instant."""
    owner = state.received.owner
    for entry in state.entries:
        if isinstance(entry, HandedOver) and entry.counts_from and entry.counts_from <= at:
            owner = entry.to_owner
    return owner


def statistics(found: Iterable[Happening], period: Period, cutoff: Cutoff) -> Statistics:
    """Counts of a period, of all and for each trade, kind, place, member of staff and household."""
    total = dict.fromkeys(COUNTS, 0)
    rows: dict[str, dict[str, dict[str, int]]] = {dimension: {} for dimension in DIMENSIONS}
    for happening in found:
        if happening.day in period:
            total[happening.count] += 1
            for dimension in DIMENSIONS:
                row = rows[dimension].setdefault(
                    happening.value(dimension), dict.fromkeys(COUNTS, 0)
                )
                row[happening.count] += 1
    ordered = {name: dict(sorted(values.items())) for name, values in rows.items()}
    return Statistics(period=period, cutoff=cutoff, total=total, rows=ordered)
