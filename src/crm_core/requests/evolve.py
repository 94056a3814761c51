"""What follows for a request from an event: `evolve`, and what an event does to clocks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

import attrs

from crm_core.kernel.decider import by_event
from crm_core.requests.clocks import (
    APOLOGY,
    ARRIVAL,
    COMMITMENT,
    CONFIRMATION,
    PROGRESS,
    PROMISE,
    WORK,
    Clock,
    Pause,
    kind_of,
)
from crm_core.requests.events import (
    Apologised,
    ArrivedOnSite,
    CalendarRenewed,
    ClockBreached,
    ClockWarned,
    CommitmentAccepted,
    CommitmentBroken,
    CommitmentKept,
    CommitmentMade,
    CommitmentRenegotiated,
    ConfirmationAttemptFailed,
    ConfirmationDue,
    CustomerAnswered,
    Escalated,
    HandedOver,
    LinkedToIncident,
    MarkedDuplicate,
    OrderDispatched,
    OrderGivenBack,
    PauseExtended,
    PolicyRebased,
    ProgressNoted,
    Reclassified,
    RequestClosed,
    RequestMerged,
    RequestPaused,
    RequestReceived,
    RequestReopened,
    RequestResumed,
    WorkReportedDone,
)
from crm_core.requests.state import (
    Assignment,
    Closed,
    Done,
    Duty,
    Merged,
    NotReceived,
    Open,
    Paused,
    Promise,
    Request,
    RequestState,
)

R = TypeVar("R", bound=Request)

_ASKING = frozenset({CONFIRMATION})
_CONTACT = frozenset({PROMISE, PROGRESS})
_EVERY = WORK | {APOLOGY, CONFIRMATION}

_STOPS: dict[type, tuple[frozenset[str], str]] = {
    Apologised: (frozenset({APOLOGY}), "apologised_at"),
    ArrivedOnSite: (frozenset({ARRIVAL}), "arrived_at"),
    CommitmentAccepted: (_CONTACT, "accepted_at"),
    CommitmentMade: (_CONTACT, "made_at"),
    CommitmentRenegotiated: (_CONTACT, "renegotiated_at"),
    CustomerAnswered: (_CONTACT, "answered_at"),
    RequestClosed: (_ASKING, "closed_at"),
    RequestMerged: (_EVERY, "merged_at"),
    RequestReopened: (_ASKING, "reopened_at"),
    WorkReportedDone: (WORK, "done_at"),
}
"""Which kinds of clocks an event stops, and the field that says when."""


class Stopped(NamedTuple):
    """Clocks that an event stops, by their kinds and by their names, and when.

    Args:
        lifted: A clock that is taken away, because it should never have run.
    """

    kinds: frozenset[str] = frozenset()
    names: tuple[str, ...] = ()
    at: datetime | None = None
    lifted: str = ""

    def has(self, clock: str) -> bool:
        """Whether it stops that clock."""
        return kind_of(clock) in self.kinds or clock in self.names


_NOTHING = Stopped()


def stopped_by(event: Any) -> Stopped:
    """The clocks that an event stops."""
    kind = type(event)
    if kind is CommitmentKept:
        return Stopped(names=(event.clock,), at=event.kept_at, lifted=event.lifted)
    if kind is ProgressNoted:
        # Only what the customer hears ends a silence (REQ-07).
        told = event.customer_told
        return Stopped(frozenset({PROGRESS}), at=event.noted_at) if told else _NOTHING
    found = _STOPS.get(kind)
    if found is None:
        return _NOTHING
    names = (event.replaces,) if kind is CommitmentRenegotiated else ()
    return Stopped(found[0], names, getattr(event, found[1]))


# --- what follows from an event --------------------------------------------------------------


def _received(_: RequestState, e: RequestReceived) -> RequestState:
    running = tuple(Clock(clock, e.policy, notices=e.notices) for clock in e.clocks)
    counts = {kind_of(clock.clock): 1 for clock in e.clocks}
    return Open(
        e,
        e.owner,
        Assignment(e.owner),
        e.kind,
        e.trade,
        e.severity,
        e.policy,
        e.notices,
        e.targets,
        running,
        counts,
    )


def _committed(state: Request, e: CommitmentMade) -> RequestState:
    promise = Promise(e.promised_by, e.form, e.made_at, e.clock)
    first = state.first_promise_at or e.made_at
    return _clocked(state, e, promise=promise, first_promise_at=first)


def _accepted(state: Request, e: CommitmentAccepted) -> RequestState:
    promise = state.promise
    first = state.first_promise_at or e.accepted_at
    for clock in e.clocks:
        if kind_of(clock.clock) == COMMITMENT:
            promise = Promise(state.owner, "outcome", e.accepted_at, clock.clock)
    return _clocked(state, e, promise=promise, first_promise_at=first)


def _renegotiated(state: Request, e: CommitmentRenegotiated) -> RequestState:
    promise = Promise(e.promised_by, e.form, e.renegotiated_at, e.clock)
    return _clocked(state, e, promise=promise)


def _kept(state: Request, e: CommitmentKept) -> RequestState:
    promise = state.promise
    if promise is not None and promise.clock == e.clock:
        promise = None
    duties = tuple(duty for duty in state.duties if duty.clock != e.lifted)
    return _clocked(state, e, promise=promise, duties=duties)


def _broken(state: Request, e: CommitmentBroken) -> RequestState:
    apology = next((c.clock for c in e.clocks if kind_of(c.clock) == APOLOGY), "")
    duty = Duty(e.promised_by, e.due_at, e.clock, apology)
    after: Request = _clocked(state, e, promise=None, duties=(*state.duties, duty))
    if not e.given_up:
        return after
    running = tuple(attrs.evolve(c, broken=True) if c.name == e.clock else c for c in after.running)
    return _changed(after, running=running)


def _handed_over(state: Request, e: HandedOver) -> RequestState:
    assignment = state.assignment
    if assignment == Assignment(e.from_owner):
        assignment = Assignment(e.to_owner)
    return _changed(state, owner=e.to_owner, assignment=assignment)


def _dispatched(state: Request, e: OrderDispatched) -> RequestState:
    return _clocked(state, e, assignment=Assignment(e.to, e.form, e.mode))


def _given_back(state: Request, e: OrderGivenBack) -> RequestState:
    return _changed(state, assignment=Assignment(e.to, e.form))


def _paused(state: Request, e: RequestPaused) -> RequestState:
    pause = Pause(e.reason, e.side, e.paused_at, e.expected_end)
    return _as(Paused, state, pause=pause)


def _extended(state: Request, e: PauseExtended) -> RequestState:
    if not isinstance(state, Paused) or state.pause is None:
        return state
    return _changed(state, pause=attrs.evolve(state.pause, expected_end=e.expected_end))


def _resumed(state: Request, e: RequestResumed) -> RequestState:
    if not isinstance(state, Paused) or state.pause is None:
        return state
    pauses = state.pauses.append(attrs.evolve(state.pause, until=e.resumed_at))
    return _clocked(state, e, status=Open, pauses=pauses)


def _done(state: Request, e: WorkReportedDone) -> RequestState:
    return _clocked(
        state,
        e,
        status=Done,
        done_at=e.done_at,
        done_by=e.done_by,
        promise=None,
        attempts=0,
        last_attempt_at=None,
    )


def _attempted(state: Request, e: ConfirmationAttemptFailed) -> RequestState:
    return _clocked(state, e, attempts=state.attempts + 1, last_attempt_at=e.attempted_at)


def _apologised(state: Request, e: Apologised) -> RequestState:
    return _clocked(state, e, duties=())


def _closed(state: Request, e: RequestClosed) -> RequestState:
    return _clocked(
        state, e, status=Closed, closed_at=e.closed_at, outcome=e.outcome, satisfied=e.satisfied
    )


def _reopened(state: Request, e: RequestReopened) -> RequestState:
    return _clocked(state, e, status=Open, reopened=state.reopened + 1)


def _reclassified(state: Request, e: Reclassified) -> RequestState:
    return _clocked(
        state,
        e,
        superseding=True,
        kind=e.kind,
        trade=e.trade,
        severity=e.severity,
        targets=e.targets,
    )


def _rebased(state: Request, e: PolicyRebased) -> RequestState:
    return _clocked(
        state, e, superseding=True, policy=e.policy, notices=e.notices, targets=e.targets
    )


def _renewed(state: Request, e: CalendarRenewed) -> RequestState:
    """Also a clock that is due as before goes by the other notices from here on."""
    after: Request = _clocked(state, e, notices=e.notices)
    running = tuple(attrs.evolve(clock, notices=e.notices) for clock in after.running)
    return _changed(after, running=running)


def _duplicate(state: Request, e: MarkedDuplicate) -> RequestState:
    return _changed(state, duplicate_of=e.of)


def _merged(state: Request, e: RequestMerged) -> RequestState:
    return _clocked(state, e, status=Merged, promise=None, merged_at=e.merged_at)


def _linked(state: Request, e: LinkedToIncident) -> RequestState:
    return _changed(state, incident=e.incident)


# --- changing a state ------------------------------------------------------------------------


def _clocked(
    state: Request,
    event: Any,
    *,
    status: type[Request] | None = None,
    superseding: bool = False,
    **changes: Any,
) -> Request:
    """The request after an event that stops clocks and sets others.

    Args:
        status: Its status afterwards, if another.
        superseding: Whether a clock that is set anew is kept as it stood (REQ-14).
    """
    stopped = stopped_by(event)
    set_anew = {clock.clock: clock for clock in getattr(event, "clocks", ())}
    policy = changes.get("policy", state.policy)
    notices = changes.get("notices", state.notices)
    running: list[Clock] = []
    finished, superseded = state.finished, state.superseded
    for clock in state.running:
        name = clock.set.clock
        if name in set_anew:
            if superseding:
                superseded = superseded.append(clock)
            new = set_anew.pop(name)
            running.append(Clock(new, policy, clock.stopped_at, clock.broken, notices))
        elif stopped.has(name):
            finished = finished.append(
                Clock(clock.set, clock.policy, stopped.at, clock.broken, clock.notices)
            )
        elif name != stopped.lifted:
            running.append(clock)
    counts = state.counts
    if set_anew:
        counts = dict(counts)
        for name, new in set_anew.items():
            kind = kind_of(name)
            counts[kind] = counts.get(kind, 0) + 1
            running.append(Clock(new, policy, notices=notices))
    changes |= {
        "running": tuple(running),
        "finished": finished,
        "superseded": superseded,
        "counts": counts,
    }
    return _changed(state, **changes) if status is None else _as(status, state, **changes)


_COMMON = tuple(field.name for field in attrs.fields(Request))
_FIELDS: dict[type[Request], tuple[str, ...]] = {
    kind: tuple(field.name for field in attrs.fields(kind))
    for kind in (Open, Paused, Done, Closed, Merged)
}


def _changed(state: R, **changes: Any) -> R:
    """The same request in the same status."""
    kind = type(state)
    values = {name: getattr(state, name) for name in _FIELDS[kind]}
    values.update(changes)
    return kind(**values)


def _as(status: type[R], state: Request, **changes: Any) -> R:
    """The same request in another status."""
    values = {name: getattr(state, name) for name in _COMMON}
    values.update(changes)
    return status(**values)


# --- the table ---------------------------------------------------------------------------------


def _of_received(step: Callable[[Any, Any], RequestState]) -> Callable[[Any, Any], RequestState]:
    """Nothing happens to a request that never came in."""

    def evolve(state: RequestState, event: Any) -> RequestState:
        return state if isinstance(state, NotReceived) else step(state, event)

    return evolve


evolve = by_event(
    {RequestReceived: _received}
    | {
        kind: _of_received(step)
        for kind, step in (
            (CommitmentMade, _committed),
            (CommitmentAccepted, _accepted),
            (CommitmentRenegotiated, _renegotiated),
            (CommitmentKept, _kept),
            (CommitmentBroken, _broken),
            (CustomerAnswered, _clocked),
            (HandedOver, _handed_over),
            (OrderDispatched, _dispatched),
            (OrderGivenBack, _given_back),
            (ArrivedOnSite, _clocked),
            (ProgressNoted, _clocked),
            (RequestPaused, _paused),
            (PauseExtended, _extended),
            (RequestResumed, _resumed),
            (WorkReportedDone, _done),
            (ConfirmationDue, _clocked),
            (ConfirmationAttemptFailed, _attempted),
            (Apologised, _apologised),
            (RequestClosed, _closed),
            (RequestReopened, _reopened),
            (Reclassified, _reclassified),
            (PolicyRebased, _rebased),
            (MarkedDuplicate, _duplicate),
            (RequestMerged, _merged),
            (LinkedToIncident, _linked),
            (ClockWarned, _clocked),
            (ClockBreached, _clocked),
            (Escalated, _clocked),
            (CalendarRenewed, _renewed),
        )
    }
)
"""`(state, event) -> state`: total, and it never refuses."""
