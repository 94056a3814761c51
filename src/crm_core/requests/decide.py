"""Decisions about a request."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, TypeVar

import attrs

from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.decider import Decider, Refusal, dispatch
from crm_core.requests.commands import (
    CHANNELS,
    KINDS,
    SEVERITIES,
    TRADES,
    AcceptCommitment,
    CloseImported,
    ConfirmClosing,
    HandOver,
    MakeCommitment,
    MarkDuplicate,
    NoteFailedAttempt,
    Rebase,
    ReceiveRequest,
    Reopen,
    ReportDone,
)
from crm_core.requests.events import (
    CommitmentAccepted,
    CommitmentMade,
    ConfirmationAttemptFailed,
    HandedOver,
    MarkedDuplicate,
    PolicyRebased,
    RequestClosed,
    RequestReceived,
    RequestReopened,
    WorkReportedDone,
)
from crm_core.requests.state import Clock, Closed, Done, NotReceived, Open, Request, RequestState

Decision = tuple[Any, ...] | Refusal
R = TypeVar("R", bound=Request)


# --- what follows from a command -------------------------------------------------------------


def _receive(command: ReceiveRequest, state: RequestState) -> Decision:
    if not isinstance(state, NotReceived):
        return Refusal(
            "request_exists", "REQ-01", f"request `{command.request}` was received already"
        )
    for what, value, known in (
        ("channel", command.channel, CHANNELS),
        ("kind", command.kind, KINDS),
        ("trade", command.trade, TRADES),
        ("severity", command.severity, SEVERITIES),
    ):
        if value not in known:
            return Refusal(
                f"unknown_{what}", "REQ-01", f"`{value}` is not one of {', '.join(known)}"
            )
    if not command.first_asked:
        return Refusal("owner_missing", "REQ-01", "a request is owned by the person first asked")
    policy = command.policy
    assert policy is not None, "INVARIANT: the policy in force is looked up before deciding"
    received = RequestReceived(
        command.request,
        command.household,
        command.channel,
        command.kind,
        command.trade,
        command.severity,
        command.place,
        command.summary,
        command.first_asked,
        command.received_at,
        policy.ref,
        policy.targets(command.severity, command.channel),
    )
    if command.agreed_due_at is None:
        return (received,)
    if not command.agreed_on:
        return Refusal("evidence_missing", "REQ-04", "an acceptance names its evidence")
    return (
        received,
        CommitmentAccepted(command.request, command.agreed_due_at, command.agreed_on),
    )


def _make_commitment(command: MakeCommitment, state: RequestState) -> Decision:
    if not isinstance(state, Open):
        return _not_open(state)
    if not command.promised_by:
        return Refusal("promise_impersonal", "REQ-03", "a promise is made by a named person")
    if command.due_at <= command.made_at:
        return Refusal("promise_in_the_past", "REQ-03", "a promise is due after it is made")
    if command.made_at < state.clocks[-1].started_at:
        return _too_early("a promise", state.clocks[-1].started_at)
    return (
        CommitmentMade(
            command.request, command.promised_by, command.outcome, command.due_at, command.made_at
        ),
    )


def _accept_commitment(command: AcceptCommitment, state: RequestState) -> Decision:
    if not isinstance(state, Open):
        return _not_open(state)
    promised = state.promised
    if promised is not None and promised[0] < state.clocks[-1].started_at:
        promised = None  # a promise of the time before the request was reopened (REQ-16)
    due_at = command.due_at or (promised[1] if promised else None)
    if due_at is None:
        return Refusal("no_promise", "REQ-04", "there is no promise to accept")
    if not command.evidence:
        return Refusal("evidence_missing", "REQ-04", "an acceptance names its evidence")
    return (CommitmentAccepted(command.request, due_at, command.evidence),)


def _hand_over(command: HandOver, state: RequestState) -> Decision:
    if isinstance(state, NotReceived | Closed):
        return _not_open(state)
    if not command.to_owner:
        return Refusal("owner_missing", "REQ-01", "a request is never without an owner")
    if not command.reason:
        return Refusal("reason_missing", "REQ-01", "a request is handed over for a reason")
    if command.to_owner == state.owner:
        return ()
    return (HandedOver(command.request, state.owner, command.to_owner, command.reason),)


def _report_done(command: ReportDone, state: RequestState) -> Decision:
    if not isinstance(state, Open):
        return _not_open(state)
    if command.done_at < state.clocks[-1].started_at:
        return _too_early("done", state.clocks[-1].started_at)
    return (WorkReportedDone(command.request, command.done_at, command.done_by),)


def _note_attempt(command: NoteFailedAttempt, state: RequestState) -> Decision:
    if not isinstance(state, Done):
        return _not_done(state)
    earlier = state.attempts
    if command.attempted_at < (earlier[-1] if earlier else _stopped(state)):
        return _too_early("an attempt", earlier[-1] if earlier else _stopped(state))
    attempt = ConfirmationAttemptFailed(command.request, command.attempted_at, command.channel)
    attempts = (*earlier, command.attempted_at)
    if not _exhausted(attempts, state):
        return (attempt,)
    closed = RequestClosed(
        command.request,
        command.attempted_at,
        "unconfirmed",
        None,
        f"{len(attempts)} attempts without an answer",
    )
    return (attempt, closed)


def _exhausted(attempts: tuple[datetime, ...], state: Done) -> bool:
    """Enough attempts, over enough days since the work was done (REQ-08: three in three).

    The third day begins 48 hours after the work was reported done.
    """
    targets = state.targets
    if len(attempts) < targets.confirm_attempts:
        return False
    spread = attempts[-1] - _stopped(state)
    return spread >= timedelta(days=targets.confirm_days - 1)


def _confirm(command: ConfirmClosing, state: RequestState) -> Decision:
    if not isinstance(state, Done):
        return _not_done(state)
    if command.confirmed_at < _stopped(state):
        return _too_early("a confirmation", _stopped(state))
    return (
        RequestClosed(
            command.request,
            command.confirmed_at,
            "confirmed",
            command.satisfied,
            "confirmed by the customer",
        ),
    )


def _close_imported(command: CloseImported, state: RequestState) -> Decision:
    done = _report_done(ReportDone(command.request, command.closed_at, command.done_by), state)
    if isinstance(done, Refusal):
        return done
    closed = RequestClosed(
        command.request,
        command.closed_at,
        "unconfirmed",
        None,
        "closed in the system it came from",
    )
    return (*done, closed)


def _reopen(command: Reopen, state: RequestState) -> Decision:
    if not isinstance(state, Closed | Done):
        return Refusal("request_not_closed", "REQ-16", "only a closed request is reopened")
    if not command.reason:
        return Refusal("reason_missing", "REQ-16", "a request is reopened for a reason")
    earliest = (state.closed_at if isinstance(state, Closed) else None) or _stopped(state)
    if command.reopened_at < earliest:
        return _too_early("reopening", earliest)
    return (RequestReopened(command.request, command.reopened_at, command.reason, state.targets),)


def _rebase(command: Rebase, state: RequestState) -> Decision:
    if not isinstance(state, Open):
        return _not_open(state)
    policy = command.policy
    assert policy is not None, "INVARIANT: the policy in force is looked up before deciding"
    if not command.reason:
        return Refusal("reason_missing", "REQ-14", "a request is re-based for a reason")
    if str(policy.ref) == state.policy:
        return ()
    targets = policy.targets(state.received.severity, state.received.channel)
    return (PolicyRebased(command.request, policy.ref, targets, command.reason),)


def _mark_duplicate(command: MarkDuplicate, state: RequestState) -> Decision:
    if isinstance(state, NotReceived):
        return _not_open(state)
    if command.of == command.request:
        return Refusal("duplicate_of_itself", "GRD-02", "a request is no duplicate of itself")
    if state.duplicate_of is not None:
        return Refusal(
            "duplicate_already", "GRD-02", f"it is a duplicate of `{state.duplicate_of}` already"
        )
    return (MarkedDuplicate(command.request, command.of, command.reason),)


_DECIDE: dict[type, Any] = {
    ReceiveRequest: _receive,
    MakeCommitment: _make_commitment,
    AcceptCommitment: _accept_commitment,
    HandOver: _hand_over,
    ReportDone: _report_done,
    NoteFailedAttempt: _note_attempt,
    ConfirmClosing: _confirm,
    CloseImported: _close_imported,
    Reopen: _reopen,
    Rebase: _rebase,
    MarkDuplicate: _mark_duplicate,
}


def decide(command: Any, state: RequestState) -> Decision:
    """Events that follow from the command, or why not."""
    return _DECIDE[type(command)](command, state)  # type: ignore[no-any-return]


# --- what follows from an event --------------------------------------------------------------


def _received(_: RequestState, e: RequestReceived) -> RequestState:
    due_at = e.received_at + timedelta(seconds=e.targets.close_seconds)
    policy = str(e.policy)
    clock = Clock(e.received_at, due_at, "target", policy)
    return Open(e, e.owner, policy, e.targets, (clock,))


def _committed(state: RequestState, e: CommitmentMade) -> RequestState:
    if isinstance(state, NotReceived):
        return state
    first = state.first_promise_at or e.made_at
    promised = (e.made_at, e.due_at, e.promised_by)
    return attrs.evolve(state, promised=promised, first_promise_at=first)


def _accepted(state: RequestState, e: CommitmentAccepted) -> RequestState:
    if isinstance(state, NotReceived):
        return state
    clock = state.clocks[-1]
    held = Clock(clock.started_at, e.due_at, "commitment", clock.policy, clock.stopped_at)
    return attrs.evolve(state, clocks=(*state.clocks[:-1], held))


def _handed_over(state: RequestState, e: HandedOver) -> RequestState:
    if isinstance(state, NotReceived):
        return state
    return attrs.evolve(state, owner=e.to_owner)


def _done(state: RequestState, e: WorkReportedDone) -> RequestState:
    if isinstance(state, NotReceived):
        return state
    clock = state.clocks[-1]
    stopped = Clock(clock.started_at, clock.due_at, clock.basis, clock.policy, e.done_at)
    return _as(Done, state, clocks=(*state.clocks[:-1], stopped))


def _attempted(state: RequestState, e: ConfirmationAttemptFailed) -> RequestState:
    if not isinstance(state, Done):
        return state
    return attrs.evolve(state, attempts=(*state.attempts, e.attempted_at))


def _closed(state: RequestState, e: RequestClosed) -> RequestState:
    if isinstance(state, NotReceived):
        return state
    return _as(Closed, state, closed_at=e.closed_at, outcome=e.outcome, satisfied=e.satisfied)


def _reopened(state: RequestState, e: RequestReopened) -> RequestState:
    if isinstance(state, NotReceived):
        return state
    due_at = e.reopened_at + timedelta(seconds=e.targets.close_seconds)
    clock = Clock(e.reopened_at, due_at, "target", state.policy)
    return _as(Open, state, clocks=(*state.clocks, clock))


def _rebased(state: RequestState, e: PolicyRebased) -> RequestState:
    if isinstance(state, NotReceived):
        return state
    clock = state.clocks[-1]
    policy = str(e.policy)
    due_at = clock.due_at
    if clock.basis == "target":
        due_at = clock.started_at + timedelta(seconds=e.targets.close_seconds)
    renewed = Clock(clock.started_at, due_at, clock.basis, policy, clock.stopped_at)
    return attrs.evolve(
        state,
        policy=policy,
        targets=e.targets,
        clocks=(*state.clocks[:-1], renewed),
        superseded=(*state.superseded, (state.promise, clock)),
    )


def _duplicate(state: RequestState, e: MarkedDuplicate) -> RequestState:
    if isinstance(state, NotReceived):
        return state
    return attrs.evolve(state, duplicate_of=e.of)


evolve = dispatch(
    {
        RequestReceived: _received,
        CommitmentMade: _committed,
        CommitmentAccepted: _accepted,
        HandedOver: _handed_over,
        WorkReportedDone: _done,
        ConfirmationAttemptFailed: _attempted,
        RequestClosed: _closed,
        RequestReopened: _reopened,
        PolicyRebased: _rebased,
        MarkedDuplicate: _duplicate,
    }
)


def _as(status: type[R], state: Request, **changes: Any) -> R:
    """The same request in another status."""
    s = state
    clocks = changes.pop("clocks", s.clocks)
    return status(
        s.received,
        s.owner,
        s.policy,
        s.targets,
        clocks,
        s.promised,
        s.first_promise_at,
        s.superseded,
        s.duplicate_of,
        **changes,
    )


def _id(command: Any) -> str:
    return command.request  # type: ignore[no-any-return]


def _household(command: Any) -> str:
    return getattr(command, "household", "")


REQUEST = Aggregate(
    Decider("request", NotReceived(), decide, evolve), tuple(_DECIDE), _id, _household
)


# --- refusals --------------------------------------------------------------------------------


def _stopped(state: Request) -> datetime:
    return state.clocks[-1].stopped_at or state.clocks[-1].started_at


def _not_open(state: RequestState) -> Refusal:
    return Refusal("request_not_open", "REQ-08", f"the request is {_status(state)}, not open")


def _not_done(state: RequestState) -> Refusal:
    return Refusal(
        "request_not_done",
        "REQ-08",
        f"the request is {_status(state)}; it closes after it was reported done",
    )


def _too_early(what: str, earliest: datetime) -> Refusal:
    return Refusal("too_early", "REQ-08", f"{what} cannot be before {earliest.isoformat()}")


def _status(state: RequestState) -> str:
    return {NotReceived: "not received", Open: "open", Done: "done", Closed: "closed"}[type(state)]
