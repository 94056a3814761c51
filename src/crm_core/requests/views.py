"""Verdicts: was a promise kept, and by how much (REQ-03, REQ-04, REQ-14, REQ-16)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from attrs import frozen

from crm_core.kernel.dates import instant_text
from crm_core.requests.state import Clock, Request


@frozen
class Verdict:
    """Whether one clock was kept.

    Args:
        clock: `promise`, or `closing` with its ordinal: `closing-1`, `closing-2` after reopening.
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
    found = [_closing(clock, f"superseded-{n}", now) for n, clock in enumerate(state.superseded, 1)]
    found.append(_promise(state, now))
    found.extend(_closing(clock, f"closing-{n}", now) for n, clock in enumerate(state.clocks, 1))
    return found


def request_view(state: Request, now: datetime) -> dict[str, Any]:
    """The request as plain data."""
    return {
        "request": state.request,
        "status": type(state).__name__.lower(),
        "household": state.household,
        "channel": state.channel,
        "kind": state.kind,
        "trade": state.trade,
        "severity": state.severity,
        "summary": state.summary,
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


def _closing(clock: Clock, name: str, now: datetime) -> Verdict:
    return _verdict(
        name, clock.policy, clock.basis, clock.started_at, clock.due_at, clock.stopped_at, now
    )


def _promise(state: Request, now: datetime) -> Verdict:
    due_at = state.received_at + timedelta(seconds=state.targets.promise_seconds)
    first = state.first_promise_at
    if first is None and state.clocks[0].stopped_at is not None:
        # Done before anything was promised: the answer itself ended the wait.
        first = state.clocks[0].stopped_at
    return _verdict("promise", state.policy, "target", state.received_at, due_at, first, now)


def _verdict(
    name: str,
    policy: str,
    basis: str,
    started_at: datetime,
    due_at: datetime,
    stopped_at: datetime | None,
    now: datetime,
) -> Verdict:
    end = stopped_at or now
    late = end - due_at
    kept: bool | None = late <= timedelta(0)
    if stopped_at is None and kept:
        kept = None
    seconds = late // timedelta(seconds=1)
    return Verdict(name, policy, basis, started_at, due_at, stopped_at, kept, seconds)
