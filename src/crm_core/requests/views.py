"""Requests as they are read: one as plain data, and the read models of all (REQ-13, REQ-15)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from crm_core.kernel.dates import instant_text, sortable_text
from crm_core.kernel.projection import Projection, Put, Remove, Rows
from crm_core.kernel.recorded import Recorded
from crm_core.kernel.values import frozen
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
    ENTRY_NAMES,
    EVENTS,
    ClosedUnanswered,
    CommitmentAccepted,
    CommitmentRenegotiated,
    Entry,
    HandedOver,
    PauseEnded,
    PauseExtended,
    PolicyRebased,
    Reclassified,
    RequestClosed,
    RequestMerged,
    RequestPaused,
    RequestReceived,
    RequestReopened,
    RequestResumed,
    RequestRetold,
    RequestVoided,
    WorkReportedDone,
    entered_at,
)
from crm_core.requests.evolve import stopped_by
from crm_core.requests.parts import Standing
from crm_core.requests.state import Closed, Request, new_time_owed, pauses_of, status_of
from crm_core.requests.verdicts import (
    Pinned,
    Verdict,
    answer_verdict,
    trace,
    verdicts,
)


def request_view(
    state: Request, now: datetime, pinned: Pinned, *, traced: bool = False
) -> dict[str, Any]:
    """The request as plain data.

    Args:
        pinned: Where the policies of its clocks are found.
        traced: Whether its clocks are told with their trace, and what was said of it.
    """
    shown: dict[str, Any] = {
        "request": state.request,
        "status": status_of(state),
        "household": state.household,
        "channel": state.received.channel,
        "kind": state.kind,
        "trade": state.trade,
        "severity": state.severity,
        "place": state.received.spot or state.received.place,
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
        "new_time_owed": new_time_owed(state),
        "answer": answer_verdict(state),
        "verdicts": [_verdict_shown(verdict) for verdict in verdicts(state, now, pinned)],
    }
    if isinstance(state, Closed):
        shown["outcome"] = state.outcome
        shown["opinion"], shown["words"] = state.opinion, state.words
    if traced:
        shown["policy_digest"] = state.policy.digest
        shown["pauses"] = [_pause_shown(pause) for pause in pauses_of(state)]
        shown["clocks"] = [_clock_shown(clock, state, now, pinned) for clock in state.clocks()]
        shown["entries"] = [
            _entry_shown(number, entry) for number, entry in enumerate(state.entries, 1)
        ]
    return shown


def _entry_shown(number: int, entry: Entry) -> dict[str, Any]:
    evidence, counts_from = entry.evidence, entry.counts_from
    return {
        "entry": number,
        "what": ENTRY_NAMES[type(entry)],
        "at": instant_text(entered_at(entry)),
        "counts_from": None if counts_from is None else instant_text(counts_from),
        "entered_by": entry.entered_by,
        "evidence": None if evidence is None else f"{evidence.kind}: {evidence.reference}",
    }


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
        "provisional": bool(verdict.provisional),
        "provisional_years": list(verdict.provisional),
        "notices": [{"notice": str(notice), "digest": notice.digest} for notice in verdict.notices],
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
                "provisional": segment.provisional,
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
    """What falls due on a request, one step for each clock that runs.

    Args:
        retold: Position at which its course was told anew last, or 0; steps after that are others.
    """

    request: str
    steps: tuple[Step, ...]
    retold: int

    def first(self) -> Step:
        """What falls due next."""
        return min(self.steps, key=_when)

    def in_order(self) -> list[Step]:
        """What falls due on each clock, the earliest first."""
        return sorted(self.steps, key=_when)


def _when(step: Step) -> tuple[datetime, str]:
    return step.at, step.clock


Changes = Iterable[Put[Any] | Remove]


def _open_changes(rows: Rows[OpenRequest], recorded: Recorded[Any]) -> Changes:
    event = recorded.event
    if _counts_nowhere(event):
        return ()
    if isinstance(event, RequestReceived):
        return (_begun(event),)
    if isinstance(event, RequestClosed | ClosedUnanswered | RequestMerged | RequestVoided):
        return (Remove(event.request),)
    if isinstance(event, RequestRetold):
        return (_retold(event),)
    found = rows.get(event.request)
    if found is not None:
        return (_put_open(_open_row(found, event)),)
    if isinstance(event, RequestReopened) and event.clocks:
        return (_begun(event),)
    return ()  # Over; or reopened before what was known of it, and told anew with the next event.


def _counts_nowhere(event: Any) -> bool:
    """Whether it is kept alone. What came late, and counts, is followed by where that led."""
    return isinstance(event, Entry) and event.counts_from is None


def _begun(event: RequestReceived | RequestReopened) -> Put[OpenRequest]:
    row = OpenRequest(
        request=event.request,
        household=event.household,
        status="open",
        owner=event.owner,
        kind=event.kind,
        trade=event.trade,
        severity=event.severity,
        place=event.place,
        received_at=event.received_at,
        due_at=_due([c for c in event.clocks if kind_of(c.clock) == timing.CLOSING], event),
    )
    return _put_open(row)


def _retold(event: RequestRetold) -> Put[OpenRequest] | Remove:
    standing = event.standing
    if standing.status in ("closed", "merged"):
        return Remove(event.request)
    clocks = (*standing.finished, *standing.running)
    return _put_open(
        OpenRequest(
            request=event.request,
            household=event.household,
            status=standing.status,
            owner=standing.owner,
            kind=standing.kind,
            trade=standing.trade,
            severity=standing.severity,
            place=event.place,
            received_at=event.received_at,
            due_at=_due([c.set for c in clocks if c.kind == timing.CLOSING], event),
        )
    )


def _due(
    closing: list[ClockSet], event: RequestReceived | RequestReopened | RequestRetold
) -> datetime:
    """When the latest of the closing clocks is due; at once where an event has none."""
    latest = max(closing, key=lambda clock: clock.started_at, default=None)
    return event.received_at if latest is None else latest.due_at


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
        request=row.request,
        household=row.household,
        status=status,
        owner=owner,
        kind=kind,
        trade=trade,
        severity=severity,
        place=row.place,
        received_at=row.received_at,
        due_at=due_at,
    )


_STATUS = {
    RequestPaused: "paused",
    RequestResumed: "open",
    PauseEnded: "open",
    WorkReportedDone: "done",
    RequestReopened: "open",
}


def _put_open(row: OpenRequest) -> Put[OpenRequest]:
    return Put(row.request, row, sortable_text(row.due_at))


def _due_changes(rows: Rows[DueRequest], recorded: Recorded[Any]) -> Changes:
    event = recorded.event
    if _counts_nowhere(event):
        return ()
    if isinstance(event, RequestMerged | RequestVoided):
        return (Remove(event.request),)
    found = rows.get(event.request)
    before = () if found is None else found.steps
    retold = 0 if found is None else found.retold
    steps = {step.clock: step for step in before}
    if isinstance(event, RequestPaused):
        steps = {name: step for name, step in steps.items() if kind_of(name) not in WORK}
        steps[PAUSE] = Step(PAUSE, RESUME, event.expected_end)
    elif isinstance(event, PauseExtended):
        steps[PAUSE] = Step(PAUSE, RESUME, event.expected_end)
    elif isinstance(event, RequestResumed | PauseEnded):
        steps.pop(PAUSE, None)
    elif isinstance(event, RequestRetold):
        # What came late may have moved the steps above; where the request stands now replaces them.
        steps, retold = _steps_of(event.standing), recorded.position
    stopped = stopped_by(event)
    steps = {n: s for n, s in steps.items() if not stopped.has(n)}
    clocks: tuple[ClockSet, ...] = getattr(event, "clocks", ())
    for clock in clocks:
        steps.pop(clock.clock, None)
        # What is set in a pause stands still with the rest; resuming sets it anew.
        stands = PAUSE in steps and kind_of(clock.clock) in WORK
        if clock.next_at is not None and not stands:
            steps[clock.clock] = Step(clock.clock, clock.step, clock.next_at)
    after = tuple(steps[name] for name in sorted(steps))
    if after == before and not isinstance(event, RequestRetold):
        return ()
    if not after:
        return (Remove(event.request),)
    row = DueRequest(event.request, after, retold)
    return (Put(event.request, row, sortable_text(row.first().at)),)


def _steps_of(standing: Standing) -> dict[str, Step]:
    paused = standing.pause
    steps = {
        clock.name: Step(clock.name, clock.set.step, clock.set.next_at)
        for clock in standing.running
        if clock.set.next_at is not None and not (paused and clock.kind in WORK)
    }
    if paused is not None:
        steps[PAUSE] = Step(PAUSE, RESUME, paused.expected_end)
    return steps


_NAMES = {kind.cls: kind.stored for kind in EVENTS}

OPEN = Projection(
    name="requests.open",
    version=1,
    row=OpenRequest,
    names=frozenset(
        _NAMES[cls]
        for cls in (
            RequestReceived,
            CommitmentAccepted,
            CommitmentRenegotiated,
            HandedOver,
            RequestPaused,
            RequestResumed,
            WorkReportedDone,
            RequestReopened,
            Reclassified,
            PolicyRebased,
            RequestClosed,
            ClosedUnanswered,
            RequestMerged,
            PauseEnded,
            RequestRetold,
            RequestVoided,
        )
    ),
    apply=_open_changes,
)
"""Requests that are not closed, by the end of their closing clock."""

DUE_REQUESTS = Projection(
    name="requests.due",
    version=1,
    row=DueRequest,
    names=frozenset(_NAMES.values()),
    apply=_due_changes,
)
"""What falls due on requests, by the instant at which it does."""
