"""What follows for a request from an event: `evolve`, and what an event does to clocks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeVar

import attrs

from crm_core.kernel.decider import by_event
from crm_core.kernel.growing import NOTHING, GrowingList
from crm_core.requests.clocks import (
    APOLOGY,
    ARRIVAL,
    COMMITMENT,
    CONFIRMATION,
    PASSED,
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
    ClosedUnanswered,
    ClosingVoided,
    CommitmentAccepted,
    CommitmentBroken,
    CommitmentGivenUp,
    CommitmentKept,
    CommitmentMade,
    CommitmentRenegotiated,
    ConfirmationAttemptFailed,
    ConfirmationDue,
    CustomerAnswered,
    DuplicateUndone,
    Entry,
    EntryConfirmed,
    Escalated,
    HandedOver,
    LinkedToIncident,
    MarkedDuplicate,
    OrderDispatched,
    OrderGivenBack,
    PauseEnded,
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
    RequestRetold,
    RequestVoided,
    StepLifted,
    WorkReportedDone,
    told_elsewhere,
)
from crm_core.requests.parts import (
    ASKED,
    BREACHED,
    ESCALATED,
    PROMISE_BROKEN,
    PROMISE_KEPT,
    UNANSWERED,
    WARNED,
    Assignment,
    Duty,
    Noticed,
    Promise,
    Standing,
    Taken,
)
from crm_core.requests.state import (
    STATUSES,
    Closed,
    Done,
    Merged,
    NotReceived,
    Open,
    Paused,
    Request,
    RequestState,
    pause_of,
    status_of,
)

R = TypeVar("R", bound=Request)

_ASKING = frozenset({CONFIRMATION})
_CONTACT = frozenset({PROMISE, PROGRESS})

_TICK = timedelta(microseconds=1)

_IMPORTED = _ASKING | {APOLOGY}

_STOPS: dict[type, frozenset[str]] = {
    ArrivedOnSite: frozenset({ARRIVAL}),
    ClosedUnanswered: _ASKING,
    CommitmentAccepted: _CONTACT,
    CommitmentMade: _CONTACT,
    CommitmentRenegotiated: _CONTACT,
    CustomerAnswered: _CONTACT,
    RequestClosed: _ASKING,
    RequestMerged: WORK | _ASKING,
    RequestReopened: _ASKING,
    WorkReportedDone: WORK,
}
"""Which kinds of clocks an event stops."""


class Stopped(NamedTuple):
    """Clocks that an event stops, by their kinds and by their names, and when."""

    kinds: frozenset[str] = frozenset()
    names: tuple[str, ...] = ()
    at: datetime | None = None

    def has(self, clock: str) -> bool:
        """Whether it stops that clock."""
        return kind_of(clock) in self.kinds or clock in self.names


_NOTHING = Stopped()


def stopped_by(event: Any) -> Stopped:
    """The clocks that an event stops, and when: an entry from when it counts."""
    kind = type(event)
    if kind is CommitmentKept or (kind is CommitmentBroken and event.why != PASSED):
        at = event.kept_at if kind is CommitmentKept else event.broken_at
        return Stopped(names=(event.clock,), at=at)
    if kind is Apologised:
        return Stopped(names=event.lifts, at=event.counts_from)
    if kind is ProgressNoted:
        # Only what the customer hears ends a silence (REQ-07).
        return (
            Stopped(frozenset({PROGRESS}), at=event.counts_from)
            if event.customer_told
            else _NOTHING
        )
    kinds = _STOPS.get(kind)
    if kinds is None:
        return _NOTHING
    if kind is RequestClosed and event.word is None:
        # No apology is on record of what another system closed (REQ-09).
        kinds = _IMPORTED
    return Stopped(kinds, at=event.closed_at if kind is ClosedUnanswered else event.counts_from)


# --- what follows from an event ------------------------------------------------------------------


def _received(_: RequestState, e: RequestReceived) -> RequestState:
    return Open(
        received=e,
        owner=e.owner,
        assignment=Assignment(e.owner),
        kind=e.kind,
        trade=e.trade,
        severity=e.severity,
        policy=e.policy,
        noticed=(Noticed(e.received_at, e.notices),),
        targets=e.targets,
        running=tuple(Clock(clock, e.policy) for clock in e.clocks),
        counts={kind_of(clock.clock): 1 for clock in e.clocks},
        told_until=e.received_at,
    )


def _voided(_: RequestState, __: RequestVoided) -> RequestState:
    return NotReceived()


def _at(e: Entry) -> datetime:
    """From when an entry counts that does."""
    assert e.counts_from is not None, "INVARIANT: only entries that count move a request"
    return e.counts_from


def _committed(state: Request, e: CommitmentMade) -> Request:
    return _clocked(state, e, promise=Promise(e.promised_by, e.form, _at(e), e.clock))


def _accepted(state: Request, e: CommitmentAccepted) -> Request:
    promise = state.promise
    for clock in e.clocks:
        if kind_of(clock.clock) == COMMITMENT:
            promise = Promise(state.owner, "outcome", _at(e), clock.clock)
    return _clocked(state, e, promise=promise)


def _renegotiated(state: Request, e: CommitmentRenegotiated) -> Request:
    return _clocked(state, e, promise=Promise(e.promised_by, e.form, _at(e), e.clock))


def _kept(state: Request, e: CommitmentKept) -> Request:
    promise = state.promise
    if promise is not None and promise.clock == e.clock:
        promise = None
    return _clocked(state, e, promise=promise)


def _broken(state: Request, e: CommitmentBroken) -> Request:
    apology = next((c.clock for c in e.clocks if kind_of(c.clock) == APOLOGY), "")
    duty = Duty(e.promised_by, e.due_at, e.clock, apology)
    if e.why != PASSED:
        # Given up, it is broken whenever that was.
        running = tuple(
            Clock(c.set, c.policy, broken=True) if c.name == e.clock else c for c in state.running
        )
        state = _changed(state, running=running)
    return _clocked(state, e, promise=None, duties=(*state.duties, duty))


def _handed_over(state: Request, e: HandedOver) -> Request:
    assignment = state.assignment
    if assignment == Assignment(e.from_owner):
        assignment = Assignment(e.to_owner)
    return _changed(state, owner=e.to_owner, assignment=assignment)


def _dispatched(state: Request, e: OrderDispatched) -> Request:
    return _clocked(state, e, assignment=Assignment(e.to, e.form, e.mode), ordered=True)


def _given_back(state: Request, e: OrderGivenBack) -> Request:
    ordered = (e.to, e.form) != (state.owner, "operator")
    return _changed(state, assignment=Assignment(e.to, e.form), ordered=ordered)


def _arrived(state: Request, e: ArrivedOnSite) -> Request:
    return _clocked(state, e, hands=_with(state.hands, e.arrived_by))


def _with(hands: tuple[str, ...], who: str) -> tuple[str, ...]:
    return hands if who in hands else (*hands, who)


def _paused(state: Request, e: RequestPaused) -> Request:
    pause = Pause(e.reason, e.side, _at(e), e.expected_end)
    return _as(Paused, state, pause=pause)


def _extended(state: Request, e: PauseExtended) -> Request:
    pause = pause_of(state)
    if pause is None:
        return state
    return _changed(state, pause=attrs.evolve(pause, expected_end=e.expected_end))


def _resumed(state: Request, e: RequestResumed) -> Request:
    return _gone_on(state, e, _at(e))


def _pause_ended(state: Request, e: PauseEnded) -> Request:
    return _gone_on(state, e, e.ended_at)


def _gone_on(state: Request, e: Any, at: datetime) -> Request:
    pause = pause_of(state)
    if pause is None:
        return state
    return _clocked(
        state, e, status=Open, pauses=state.pauses.append(attrs.evolve(pause, until=at))
    )


def _done(state: Request, e: WorkReportedDone) -> Request:
    return _clocked(
        state,
        e,
        status=Done,
        done_at=e.counts_from,
        done_by=e.done_by,
        hands=_with(state.hands, e.done_by),
        promise=None,
        attempts=0,
        last_attempt_at=None,
    )


def _attempted(state: Request, e: ConfirmationAttemptFailed) -> Request:
    return _clocked(state, e, attempts=state.attempts + 1, last_attempt_at=e.counts_from)


def _apologised(state: Request, e: Apologised) -> Request:
    promise = state.promise
    for clock in e.clocks:
        if kind_of(clock.clock) == COMMITMENT:
            promise = Promise(e.apologised_by, "outcome", _at(e), clock.clock)
    duties = tuple(duty for duty in state.duties if duty.clock not in e.lifts)
    return _clocked(state, e, duties=duties, promise=promise)


def _closed(state: Request, e: RequestClosed) -> Request:
    duties = state.duties if e.word is not None else ()
    return _clocked(
        state,
        e,
        status=Closed,
        closed_at=e.counts_from,
        outcome=e.outcome,
        opinion=e.opinion,
        words=e.words,
        duties=duties,
    )


def _unanswered(state: Request, e: ClosedUnanswered) -> Request:
    return _clocked(state, e, status=Closed, closed_at=e.closed_at, outcome="unconfirmed")


def _reopened(state: Request, e: RequestReopened) -> Request:
    return _clocked(state, e, status=Open, reopened=state.reopened + 1, hands=())


def _reclassified(state: Request, e: Reclassified) -> Request:
    return _clocked(
        state,
        e,
        superseding=True,
        kind=e.kind,
        trade=e.trade,
        severity=e.severity,
        targets=e.targets,
    )


def _rebased(state: Request, e: PolicyRebased) -> Request:
    return _clocked(state, e, superseding=True, policy=e.policy, targets=e.targets)


def _merged(state: Request, e: RequestMerged) -> Request:
    return _clocked(state, e, status=Merged, promise=None, merged_at=e.counts_from)


# --- what stands beside the course ---------------------------------------------------------------


def _duplicate(state: Request, e: MarkedDuplicate) -> Request:
    return _changed(state, duplicate_of=e.of)


def _undone(state: Request, _: DuplicateUndone) -> Request:
    entries: GrowingList[Entry] = NOTHING
    for entry in state.entries:
        if not isinstance(entry, RequestMerged):
            entries = entries.append(entry)
    return _changed(state, duplicate_of=None, entries=entries)


def _closing_voided(state: Request, e: ClosingVoided) -> Request:
    entries: GrowingList[Entry] = NOTHING
    for entry in state.entries:
        if not told_elsewhere(entry, e.closed_at):
            entries = entries.append(entry)
    return _changed(state, entries=entries)


def _linked(state: Request, e: LinkedToIncident) -> Request:
    return _changed(state, incident=e.incident)


def _confirmed(state: Request, e: EntryConfirmed) -> Request:
    entries: GrowingList[Entry] = NOTHING
    for number, entry in enumerate(state.entries, 1):
        counts = e.counts_from if number == e.entry else entry.counts_from
        entries = entries.append(attrs.evolve(entry, counts_from=counts))
    return _changed(state, entries=entries)


def _lifted(state: Request, e: StepLifted) -> Request:
    taken: GrowingList[Taken] = NOTHING
    for step in state.taken:
        if (step.what, step.clock, step.percent, step.at) != (e.what, e.clock, e.percent, e.at):
            taken = taken.append(step)
    return _changed(state, taken=taken)


def _renewed(state: Request, e: CalendarRenewed) -> Request:
    earlier = tuple(one for one in state.noticed if one.since < e.since)
    return _changed(state, noticed=(*earlier, Noticed(e.since, e.notices)))


def standing_of(state: Request) -> Standing:
    """Where a request stands in its course."""
    found = {field.name: getattr(state, field.name, None) for field in attrs.fields(Standing)}
    return Standing(
        **found
        | {
            "status": status_of(state),
            "outcome": getattr(state, "outcome", ""),
            "words": getattr(state, "words", ""),
            "finished": tuple(state.finished),
            "superseded": tuple(state.superseded),
            "pauses": tuple(state.pauses),
        }
    )


def _retold(state: Request, e: RequestRetold) -> Request:
    status = STATUSES.get(e.standing.status)
    if status is None:  # No decider says so; a fold refuses nothing all the same.
        return state
    changes = {name: getattr(e.standing, name) for name in _FIELDS[status] if name in _STANDING}
    for name in ("finished", "superseded", "pauses"):
        grown: GrowingList[Any] = NOTHING
        for item in changes[name]:
            grown = grown.append(item)
        changes[name] = grown
    counts = Counter(clock.kind for clock in (*e.standing.finished, *e.standing.running))
    changes |= {"counts": dict(counts), "told_until": e.told_until, "retold": state.retold + 1}
    return _as(status, state, **changes)


# --- changing a state ----------------------------------------------------------------------------


_AGREEMENTS = frozenset({CommitmentAccepted, CommitmentRenegotiated})
"""What replaces a target; a breach of before stays readable (REQ-04)."""


def _breached(state: Request, clock: str) -> bool:
    return any(step.what == BREACHED and step.clock == clock for step in state.taken)


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
    running: list[Clock] = []
    finished, superseded = state.finished, state.superseded
    for clock in state.running:
        name = clock.set.clock
        if name in set_anew:
            if superseding or (type(event) in _AGREEMENTS and _breached(state, name)):
                superseded = superseded.append(clock)
            running.append(Clock(set_anew.pop(name), policy, clock.stopped_at, clock.broken))
        elif stopped.has(name):
            finished = finished.append(Clock(clock.set, clock.policy, stopped.at, clock.broken))
        else:
            running.append(clock)
    counts = state.counts
    if set_anew:
        counts = dict(counts)
        for name, new in set_anew.items():
            kind = kind_of(name)
            counts[kind] = counts.get(kind, 0) + 1
            running.append(Clock(new, policy))
    changes |= {
        "running": tuple(running),
        "finished": finished,
        "superseded": superseded,
        "counts": counts,
    }
    return _changed(state, **changes) if status is None else _as(status, state, **changes)


_COMMON = tuple(field.name for field in attrs.fields(Request))
_FIELDS: dict[type[Request], tuple[str, ...]] = {
    kind: tuple(field.name for field in attrs.fields(kind)) for kind in STATUSES.values()
}
_STANDING = frozenset(field.name for field in attrs.fields(Standing)) - {"status"}


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


# --- the table -----------------------------------------------------------------------------------


def _entered(step: Callable[[Any, Any], Request]) -> Callable[[Any, Any], RequestState]:
    """What was said stands among the entries; what came late moves nothing before it is told."""

    def evolve(state: RequestState, event: Any) -> RequestState:
        if isinstance(state, NotReceived):
            # Nothing happens to a request that never came in.
            return state
        moves, told_until = told_by(event, state.told_until)
        after = step(state, event) if moves else state
        if after is state:
            after = _changed(state)
        after.entries = state.entries.append(event)
        after.told_until = told_until
        return after

    return evolve


def _stepped(step: Callable[[Any, Any], Request]) -> Callable[[Any, Any], RequestState]:
    """A step that time took; one that is recorded late moves nothing before it is told."""

    def evolve(state: RequestState, event: Any) -> RequestState:
        if isinstance(state, NotReceived):
            return state
        moves, told_until = told_by(event, state.told_until)
        after = step(state, event) if moves else _changed(state)
        after.taken = state.taken.append(_TAKEN[type(event)](event))
        after.told_until = told_until
        return after

    return evolve


def _of_received(step: Callable[[Any, Any], Request]) -> Callable[[Any, Any], RequestState]:
    """Nothing happens to a request that never came in."""

    def evolve(state: RequestState, event: Any) -> RequestState:
        return state if isinstance(state, NotReceived) else step(state, event)

    return evolve


def told_by(event: Any, told_until: datetime) -> tuple[bool, datetime]:
    """Whether an event moves the request as it stands, and until when it is told afterwards.

    What comes late, and what is recorded late, moves nothing before `RequestRetold` does.
    """
    if isinstance(event, Entry):
        at = event.counts_from
        moves = at is not None and at >= told_until
        return moves, max(told_until, at) if at is not None and moves else told_until
    taken = taken_of(event)
    if taken is None:
        return True, told_until
    # What happens at the very instant of a step comes before it, but for what an entry brings.
    follows = taken.what == PROMISE_KEPT or getattr(event, "why", PASSED) != PASSED
    return not event.late, max(told_until, taken.at if follows else taken.at + _TICK)


def taken_of(event: Any) -> Taken | None:
    """The step of an event that time brought about."""
    found = _TAKEN.get(type(event))
    return None if found is None else found(event)


_TAKEN: dict[type, Callable[[Any], Taken]] = {
    ClockWarned: lambda e: Taken(WARNED, e.clock, e.percent, e.at, ""),
    ClockBreached: lambda e: Taken(BREACHED, e.clock, 100, e.at, ""),
    Escalated: lambda e: Taken(ESCALATED, e.clock, e.percent, e.at, ""),
    ConfirmationDue: lambda e: Taken(
        ASKED, e.clocks[0].clock if e.clocks else "", e.attempt, e.due_at, ""
    ),
    ClosedUnanswered: lambda e: Taken(UNANSWERED, "", 0, e.closed_at, ""),
    CommitmentBroken: lambda e: Taken(PROMISE_BROKEN, e.clock, 100, e.broken_at, e.promised_by),
    CommitmentKept: lambda e: Taken(PROMISE_KEPT, e.clock, 100, e.kept_at, e.promised_by),
}

_ENTRIES: dict[type, Callable[[Any, Any], Request]] = {
    CommitmentMade: _committed,
    CommitmentAccepted: _accepted,
    CommitmentRenegotiated: _renegotiated,
    CommitmentGivenUp: lambda state, _: state,
    CustomerAnswered: _clocked,
    HandedOver: _handed_over,
    OrderDispatched: _dispatched,
    OrderGivenBack: _given_back,
    ArrivedOnSite: _arrived,
    ProgressNoted: _clocked,
    RequestPaused: _paused,
    PauseExtended: _extended,
    RequestResumed: _resumed,
    WorkReportedDone: _done,
    ConfirmationAttemptFailed: _attempted,
    Apologised: _apologised,
    RequestClosed: _closed,
    RequestReopened: _reopened,
    Reclassified: _reclassified,
    PolicyRebased: _rebased,
    RequestMerged: _merged,
}

_STEPS: dict[type, Callable[[Any, Any], Request]] = {
    ClockWarned: _clocked,
    ClockBreached: _clocked,
    Escalated: _clocked,
    ConfirmationDue: _clocked,
    ClosedUnanswered: _unanswered,
    CommitmentBroken: _broken,
    CommitmentKept: _kept,
}

_BESIDE: dict[type, Callable[[Any, Any], Request]] = {
    PauseEnded: _pause_ended,
    MarkedDuplicate: _duplicate,
    LinkedToIncident: _linked,
    EntryConfirmed: _confirmed,
    DuplicateUndone: _undone,
    StepLifted: _lifted,
    CalendarRenewed: _renewed,
    ClosingVoided: _closing_voided,
    RequestRetold: _retold,
}

_WHOLE: dict[type, Callable[[Any, Any], RequestState]] = {
    RequestReceived: _received,
    RequestVoided: _voided,
}

evolve = by_event(
    _WHOLE
    | {kind: _entered(step) for kind, step in _ENTRIES.items()}
    | {kind: _stepped(step) for kind, step in _STEPS.items()}
    | {kind: _of_received(step) for kind, step in _BESIDE.items()}
)
"""`(state, event) -> state`: total, and it never refuses."""
