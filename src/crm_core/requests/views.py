"""Requests as they are read: verdicts with their trace, and the read models (REQ-13, REQ-15)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from attrs import frozen

from crm_core.kernel.calendars import Segment
from crm_core.kernel.dates import instant_text, sortable_text
from crm_core.kernel.policy import PolicyRef
from crm_core.kernel.projection import Projection, Put, Remove, Rows
from crm_core.kernel.recorded import Recorded
from crm_core.requests import clocks as timing
from crm_core.requests.clocks import (
    PAUSE,
    RESUME,
    SECOND,
    WORK,
    Clock,
    ClockSet,
    Pause,
    kind_of,
)
from crm_core.requests.events import (
    EVENTS,
    CommitmentAccepted,
    HandedOver,
    PauseExtended,
    Reclassified,
    RequestClosed,
    RequestMerged,
    RequestPaused,
    RequestReceived,
    RequestReopened,
    RequestResumed,
    WorkReportedDone,
)
from crm_core.requests.evolve import stopped_by
from crm_core.requests.sla import SlaPolicy
from crm_core.requests.state import Closed, Paused, Request

Pinned = Callable[[PolicyRef], SlaPolicy]
"""Where a pinned policy is found; see `PolicyBook.pinned`."""


@frozen
class Verdict:
    """Whether one clock was kept.

    Args:
        clock: Kind and ordinal: `closing-1`, after reopening `closing-2`.
        superseded: Whether the clock is told as it stood before a re-base or another severity.
        policy: Policy it was held to.
        basis: `target` or `commitment`.
        started_at: When the clock started.
        due_at: When it was due; exactly then is still kept. In a pause: as if it ended at once.
        stopped_at: When it stopped, or None while it runs.
        kept: True, False, or None while it runs and is not yet due.
        late_seconds: Seconds over (positive) or to spare (negative), counted to `stopped_at` or
            to now.
    """

    clock: str
    superseded: bool
    policy: str
    basis: str
    started_at: datetime
    due_at: datetime
    stopped_at: datetime | None
    kept: bool | None
    late_seconds: int


def verdicts(state: Request, now: datetime) -> list[Verdict]:
    """All verdicts of a request by the start of their clocks, superseded ones first.

    They are read from what was recorded: no policy and no calendar of today can change them.
    """
    pause = state.pause if isinstance(state, Paused) else None
    # A clock that ran when it was superseded stops when the one that replaced it does.
    stops = {clock.name: clock.stopped_at for clock in state.clocks()}
    found = []
    for clock in state.superseded:
        stopped = clock.stopped_at or stops.get(clock.name)
        found.append(_verdict(clock, stopped, _until(clock, pause, now), superseded=True))
    for clock in state.clocks():
        stopped = clock.stopped_at
        found.append(_verdict(clock, stopped, _until(clock, pause, now), superseded=False))
    return found


def answer_verdict(state: Request) -> dict[str, Any] | None:
    """Whether the phone was answered in time, counted in rings (REQ-02)."""
    rings, target = state.received.rings, state.received.targets.answer_rings
    if rings is None:
        return None
    return {"rings": rings, "target": target, "kept": rings <= target}


def trace(clock: Clock, state: Request, now: datetime, pinned: Pinned) -> tuple[Segment, ...]:
    """Every stretch of a clock's time, counted or not, and why (REQ-15).

    Raises:
        UnknownPolicy, PolicyDigestMismatch: the policy that the clock was set by is not at hand.
    """
    calendar = timing.calendar_of(clock.kind, clock.set.basis, pinned(clock.policy))
    pauses = _pauses(state) if clock.kind in WORK else ()
    end = clock.stopped_at or max(now, clock.set.started_at)
    return timing.trace(calendar, clock.set.started_at, end, pauses)


def request_view(state: Request, now: datetime, pinned: Pinned | None = None) -> dict[str, Any]:
    """The request as plain data.

    Args:
        pinned: With it, clocks and verdicts are told with their trace.
    """
    shown: dict[str, Any] = {
        "request": state.request,
        "status": type(state).__name__.lower(),
        "household": state.household,
        "channel": state.received.channel,
        "kind": state.kind,
        "trade": state.trade,
        "severity": state.severity,
        "place": state.received.place,
        "summary": state.received.summary,
        "owner": state.owner,
        "assigned_to": state.assignment.to,
        "received_at": instant_text(state.received_at),
        "policy": str(state.policy),
        "duplicate_of": state.duplicate_of,
        "incident": state.incident,
        "follows": state.received.follows,
        "reopened": state.reopened,
        "apology_owed": bool(state.duties),
        "answer": answer_verdict(state),
        "verdicts": [_verdict_shown(verdict) for verdict in verdicts(state, now)],
    }
    if isinstance(state, Closed):
        shown["outcome"], shown["satisfied"] = state.outcome, state.satisfied
    if pinned is not None:
        shown["policy_digest"] = state.policy.digest
        shown["pauses"] = [_pause_shown(pause) for pause in _pauses(state)]
        shown["clocks"] = [_clock_shown(clock, state, now, pinned) for clock in state.clocks()]
    return shown


def _verdict(
    clock: Clock, stopped_at: datetime | None, until: datetime, *, superseded: bool
) -> Verdict:
    late = (stopped_at or until) - clock.set.due_at
    kept: bool | None = late <= timedelta(0) and not clock.broken
    if stopped_at is None and kept:
        kept = None
    return Verdict(
        clock.name,
        superseded,
        str(clock.policy),
        clock.set.basis,
        clock.set.started_at,
        clock.set.due_at,
        stopped_at,
        kept,
        late // SECOND,
    )


def _until(clock: Clock, pause: Pause | None, now: datetime) -> datetime:
    """Up to when a clock has run: in a pause no further than to where it stands still."""
    stands = pause is not None and clock.kind in WORK
    return max(pause.since, clock.set.started_at) if pause is not None and stands else now


def _pauses(state: Request) -> tuple[Pause, ...]:
    open_one = (state.pause,) if isinstance(state, Paused) and state.pause is not None else ()
    return (*state.pauses, *open_one)


def _verdict_shown(verdict: Verdict) -> dict[str, Any]:
    return {
        "clock": verdict.clock,
        "superseded": verdict.superseded,
        "policy": verdict.policy,
        "basis": verdict.basis,
        "due_at": instant_text(verdict.due_at),
        "stopped_at": instant_text(verdict.stopped_at) if verdict.stopped_at else None,
        "kept": verdict.kept,
        "late_seconds": verdict.late_seconds,
    }


def _pause_shown(pause: Pause) -> dict[str, Any]:
    return {
        "reason": pause.reason,
        "side": pause.side,
        "since": instant_text(pause.since),
        "expected_end": instant_text(pause.expected_end),
        "until": None if pause.until is None else instant_text(pause.until),
    }


def _clock_shown(clock: Clock, state: Request, now: datetime, pinned: Pinned) -> dict[str, Any]:
    segments = trace(clock, state, now, pinned)
    return {
        "clock": clock.name,
        "started_at": instant_text(clock.set.started_at),
        "target_seconds": clock.set.seconds,
        "counted_seconds": sum((s.end - s.start for s in segments if s.counted), timedelta())
        // SECOND,
        "next_step": clock.set.step if clock.stopped_at is None and clock.set.step else None,
        "next_at": instant_text(clock.set.next_at)
        if clock.stopped_at is None and clock.set.next_at is not None
        else None,
        "trace": [
            {
                "from": instant_text(segment.start),
                "to": instant_text(segment.end),
                "counted": segment.counted,
                "why": segment.why,
            }
            for segment in segments
        ],
    }


# --- read models -----------------------------------------------------------------------------


@frozen
class OpenRequest:
    """A request that is not closed.

    Args:
        status: `open`, `paused` or `done`.
        due_at: End of its closing clock as it stands.
    """

    request: str
    household: str
    status: str
    owner: str
    kind: str
    trade: str
    severity: str
    place: str
    received_at: datetime
    due_at: datetime


@frozen
class Step:
    """What falls due on one clock of a request."""

    clock: str
    step: str
    at: datetime


@frozen
class DueRequest:
    """What falls due on a request, one step for each clock that runs."""

    request: str
    steps: tuple[Step, ...]

    def first(self) -> Step:
        """What falls due next."""
        return min(self.steps, key=lambda step: (step.at, step.clock))


Changes = Iterable[Put[Any] | Remove]


def _open_changes(rows: Rows[OpenRequest], recorded: Recorded[Any]) -> Changes:
    event = recorded.event
    if isinstance(event, RequestReceived):
        return (_begun(event),)
    if isinstance(event, RequestClosed | RequestMerged):
        return (Remove(event.request),)
    found = rows.get(event.request)
    if found is None:
        if not isinstance(event, RequestReopened):
            return ()
        return (_begun(event),)
    return (_put_open(_open_row(found, event)),)


def _begun(event: RequestReceived | RequestReopened) -> Put[OpenRequest]:
    row = OpenRequest(
        event.request,
        event.household,
        "open",
        event.owner,
        event.kind,
        event.trade,
        event.severity,
        event.place,
        event.received_at,
        event.clocks[0].due_at,
    )
    return _put_open(row)


def _open_row(row: OpenRequest, event: Any) -> OpenRequest:
    status, owner, due_at = row.status, row.owner, row.due_at
    kind, trade, severity = row.kind, row.trade, row.severity
    if isinstance(event, HandedOver):
        owner = event.to_owner
    elif isinstance(event, Reclassified):
        kind, trade, severity = event.kind, event.trade, event.severity
    status = _STATUS.get(type(event), status)
    for clock in getattr(event, "clocks", ()):
        if kind_of(clock.clock) == timing.CLOSING:
            due_at = clock.due_at
    return OpenRequest(
        row.request,
        row.household,
        status,
        owner,
        kind,
        trade,
        severity,
        row.place,
        row.received_at,
        due_at,
    )


_STATUS = {
    RequestPaused: "paused",
    RequestResumed: "open",
    WorkReportedDone: "done",
    RequestReopened: "open",
}


def _put_open(row: OpenRequest) -> Put[OpenRequest]:
    return Put(row.request, row, sortable_text(row.due_at))


def _due_changes(rows: Rows[DueRequest], recorded: Recorded[Any]) -> Changes:
    event = recorded.event
    if isinstance(event, RequestMerged):
        return (Remove(event.request),)
    found = rows.get(event.request)
    before = () if found is None else found.steps
    steps = {step.clock: step for step in before}
    if isinstance(event, RequestPaused):
        steps = {name: step for name, step in steps.items() if kind_of(name) not in WORK}
        steps[PAUSE] = Step(PAUSE, RESUME, event.expected_end)
    elif isinstance(event, PauseExtended):
        steps[PAUSE] = Step(PAUSE, RESUME, event.expected_end)
    elif isinstance(event, RequestResumed):
        steps.pop(PAUSE, None)
    stopped = stopped_by(event)
    steps = {n: s for n, s in steps.items() if not stopped.has(n) and n != stopped.lifted}
    clocks: tuple[ClockSet, ...] = getattr(event, "clocks", ())
    for clock in clocks:
        steps.pop(clock.clock, None)
        # What is set in a pause stands still with the rest; resuming sets it anew.
        stands = PAUSE in steps and kind_of(clock.clock) in WORK
        if clock.next_at is not None and not stands:
            steps[clock.clock] = Step(clock.clock, clock.step, clock.next_at)
    after = tuple(steps[name] for name in sorted(steps))
    if after == before:
        return ()
    if not after:
        return (Remove(event.request),)
    row = DueRequest(event.request, after)
    return (Put(event.request, row, sortable_text(row.first().at)),)


_NAMES = {kind.cls: kind.stored for kind in EVENTS}

OPEN = Projection(
    "requests.open",
    1,
    OpenRequest,
    frozenset(
        _NAMES[cls]
        for cls in (
            RequestReceived,
            CommitmentAccepted,
            HandedOver,
            RequestPaused,
            RequestResumed,
            WorkReportedDone,
            RequestReopened,
            Reclassified,
            RequestClosed,
            RequestMerged,
        )
    )
    | {"requests.commitment_renegotiated/1", "requests.policy_rebased/1"},
    _open_changes,
)
"""Requests that are not closed, by the end of their closing clock."""

DUE = Projection("requests.due", 1, DueRequest, frozenset(_NAMES.values()), _due_changes)
"""What falls due on requests, by the instant at which it does."""
