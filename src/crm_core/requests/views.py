"""Verdicts: was a promise kept, and by how much (REQ-03, REQ-04, REQ-14, REQ-16)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import attrs
from attrs import frozen

from crm_core.kernel.dates import instant_text
from crm_core.kernel.projection import Projection, Put, Remove, Rows
from crm_core.kernel.recorded import Recorded
from crm_core.requests.events import (
    CommitmentAccepted,
    PolicyRebased,
    RequestReceived,
    RequestReopened,
)
from crm_core.requests.state import Clock, Request


@frozen
class Verdict:
    """Whether one clock was kept.

    Args:
        clock: `promise`, or `closing` with its ordinal: `closing-1`, `closing-2` after reopening;
            `superseded-promise-1` and `superseded-1` as they stood before the first re-base.
        policy: Policy it was held to.
        basis: `target` or `commitment`.
        started_at: When the clock started.
        due_at: When it was due; exactly then is still kept.
        stopped_at: When it stopped, or None while it runs.
        kept: True, False, or None while it runs and is not yet due.
        late_seconds: Seconds over (positive) or to spare (negative), counted to `stopped_at` or
            to now.
    """

    clock: str
    policy: str
    basis: str
    started_at: datetime
    due_at: datetime
    stopped_at: datetime | None
    kept: bool | None
    late_seconds: int


def verdicts(state: Request, now: datetime) -> list[Verdict]:
    """All verdicts of a request: those superseded by a re-base first, then one per clock."""
    found = []
    # A clock that ran when it was superseded stops when the one that replaced it does.
    stops = {clock.started_at: clock.stopped_at for clock in state.clocks}
    for n, (promise, closing) in enumerate(state.superseded, 1):
        answered = promise.stopped_at or state.promise.stopped_at
        found.append(_verdict(f"superseded-promise-{n}", promise, answered, now))
        done = stops[closing.started_at]
        found.append(_verdict(f"superseded-{n}", closing, done, now))
    found.append(_verdict("promise", state.promise, state.promise.stopped_at, now))
    for n, clock in enumerate(state.clocks, 1):
        found.append(_verdict(f"closing-{n}", clock, clock.stopped_at, now))
    return found


def request_view(state: Request, now: datetime) -> dict[str, Any]:
    """The request as plain data."""
    return {
        "request": state.request,
        "status": type(state).__name__.lower(),
        "household": state.household,
        "channel": state.received.channel,
        "kind": state.received.kind,
        "trade": state.received.trade,
        "severity": state.received.severity,
        "summary": state.received.summary,
        "owner": state.owner,
        "received_at": instant_text(state.received_at),
        "duplicate_of": state.duplicate_of,
        "verdicts": [
            {
                "clock": verdict.clock,
                "policy": verdict.policy,
                "basis": verdict.basis,
                "due_at": instant_text(verdict.due_at),
                "stopped_at": instant_text(verdict.stopped_at) if verdict.stopped_at else None,
                "kept": verdict.kept,
                "late_seconds": verdict.late_seconds,
            }
            for verdict in verdicts(state, now)
        ],
    }


def _verdict(name: str, clock: Clock, stopped_at: datetime | None, now: datetime) -> Verdict:
    late = (stopped_at or now) - clock.due_at
    kept: bool | None = late <= timedelta(0)
    if stopped_at is None and kept:
        kept = None
    seconds = late // timedelta(seconds=1)
    return Verdict(
        name, clock.policy, clock.basis, clock.started_at, clock.due_at, stopped_at, kept, seconds
    )


@frozen
class OpenRequest:
    """A request whose closing clock runs.

    Args:
        since: When the clock started: receipt, or reopening.
        due_at: When it is due.
        basis: Why then: `target` or `commitment`.
    """

    request: str
    household: str
    since: datetime
    due_at: datetime
    basis: str


def _open(rows: Rows[OpenRequest], recorded: Recorded[Any]) -> Iterator[Put[OpenRequest] | Remove]:
    event = recorded.event
    row = rows.get(event.request)
    if isinstance(event, RequestReceived | RequestReopened):
        since = event.received_at if isinstance(event, RequestReceived) else event.reopened_at
        due_at = since + timedelta(seconds=event.targets.close_seconds)
        row = OpenRequest(event.request, recorded.household, since, due_at, "target")
    elif isinstance(event, CommitmentAccepted):
        row = row and attrs.evolve(row, due_at=event.due_at, basis="commitment")
    elif isinstance(event, PolicyRebased):
        if row is not None and row.basis == "target":
            due_at = row.since + timedelta(seconds=event.targets.close_seconds)
            row = attrs.evolve(row, due_at=due_at)
    else:
        row = None
    if row is None:
        yield Remove(event.request)
    else:
        yield Put(row.request, row, instant_text(row.due_at.replace(microsecond=0)))


OPEN = Projection(
    "requests.open",
    1,
    OpenRequest,
    (
        "requests.closed/1",
        "requests.commitment_accepted/1",
        "requests.policy_rebased/1",
        "requests.received/1",
        "requests.reopened/1",
        "requests.work_reported_done/1",
    ),
    _open,
)
"""Requests being worked on, in order of when they are due (REQ-08): UTC, whole seconds."""
