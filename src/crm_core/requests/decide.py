"""Decisions about a request."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.authority import Own
from crm_core.kernel.canonical import digest_of
from crm_core.kernel.decider import Decider, Refusal
from crm_core.kernel.recorded import Actor
from crm_core.kernel.text import ID_LENGTH_MAX
from crm_core.kernel.word import Word
from crm_core.kernel.working_time import UncoveredYear
from crm_core.requests import clocks as timing
from crm_core.requests.clocks import (
    APOLOGY,
    ARRIVAL,
    ATTEMPT,
    CLOSE,
    CLOSING,
    COMMITMENT,
    CONFIRMATION,
    PASSED,
    PROGRESS,
    PROMISE,
    TARGET,
    WORK,
    Clock,
    ClockSet,
    Pause,
)
from crm_core.requests.commands import (
    ASSIGNEE_FORMS,
    CHANNELS,
    KINDS,
    MODES,
    PROMISE_FORMS,
    SEVERITIES,
    TRADES,
    AcceptCommitment,
    AnswerCustomer,
    Apologise,
    Arrive,
    CloseImported,
    ConfirmClosing,
    Dispatch,
    ExtendPause,
    FollowIncident,
    GiveUpCommitment,
    GrabOrder,
    HandOver,
    LinkToIncident,
    MakeCommitment,
    MarkDuplicate,
    MergeDuplicate,
    NoteFailedAttempt,
    NoteProgress,
    PauseRequest,
    Rebase,
    ReceiveRequest,
    Reclassify,
    RefuseOrder,
    Renegotiate,
    Reopen,
    ReportDone,
    ResumeRequest,
    ReturnOrder,
    TakeStep,
)
from crm_core.requests.events import (
    Apologised,
    ArrivedOnSite,
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
    CustomerDissatisfied,
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
from crm_core.requests.evolve import evolve
from crm_core.requests.sla import BREACH, SlaPolicy
from crm_core.requests.state import (
    Assignment,
    Closed,
    Done,
    Merged,
    NotReceived,
    Open,
    Paused,
    Request,
    RequestState,
)

Decision = tuple[Any, ...] | Refusal

IMPORT = "import"
"""Who did the work of a request that was closed in another system."""

PAUSE, RESUME = "pause", "resume"
"""What stands for a pause, and for its end, among the clocks and steps that fall due."""


class _Course:
    """A request in the course of one command: what has happened so far, and where that led."""

    def __init__(self, command: Any, state: Request) -> None:
        self.request = state.request
        self.policy: SlaPolicy = command.policy
        self.state: Request = state
        self.events: list[Any] = []

    def happens(self, event: Any) -> None:
        """Add an event, and go on from what it leads to."""
        self.events.append(event)
        self.state = evolve(self.state, event)

    def time_passes(self, at: datetime) -> _Course:
        """What time alone has brought about by then stands before what is asked for."""
        pause = _pause(self.state)
        if pause is not None and pause.expected_end <= at:
            # A promise whose time had passed before the pause was broken before it ended.
            self._promise_passes(pause.since)
            self.resumes(pause.expected_end)
        pause = _pause(self.state)
        self._promise_passes(at if pause is None else min(at, pause.since))
        return self

    def _promise_passes(self, limit: datetime) -> None:
        promise = self.state.promise
        clock = None if promise is None else _named(self.state, promise.clock)
        if clock is not None and clock.set.due_at < limit:
            self.breaks_promise(clock.set.due_at, _TIME_PASSED, given_up=False)

    def resumes(self, at: datetime) -> None:
        """The pause ends; the clocks of the work go on from where they stood."""
        pause = _pause(self.state)
        assert pause is not None
        moved = tuple(
            timing.after_pause(clock.set, self.policy, pause.since, at)
            for clock in self.state.running
            if clock.kind in WORK
        )
        self.happens(RequestResumed(self.request, at, moved))

    def breaks_promise(self, broken_at: datetime, reason: str, *, given_up: bool) -> None:
        """The promise is broken, and an apology is owed (REQ-09)."""
        promise = self.state.promise
        assert promise is not None
        clock = _named(self.state, promise.clock)
        assert clock is not None
        seconds = self.state.targets.apology_seconds
        apology = timing.start(self.name(APOLOGY), broken_at, seconds, self.policy)
        passed = timing.after_step(clock.set, self.policy, self.pauses)
        self.happens(
            CommitmentBroken(
                self.request,
                promise.by,
                promise.clock,
                clock.set.due_at,
                broken_at,
                given_up,
                reason,
                (passed, apology),
            )
        )

    def keeps_promise(self, at: datetime) -> None:
        """What was promised is there: in time, or it would have been broken before."""
        promise = self.state.promise
        if promise is not None:
            clock = _named(self.state, promise.clock)
            assert clock is not None
            due_at = clock.set.due_at
            self.happens(CommitmentKept(self.request, promise.by, promise.clock, due_at, at, ""))

    def finds_kept(self, at: datetime) -> None:
        """Promises that were kept, which only came to be known when they were called broken."""
        for duty in self.state.duties:
            clock = _named(self.state, duty.commitment)
            if at <= duty.due_at and clock is not None and not clock.broken:
                self.happens(
                    CommitmentKept(
                        self.request,
                        duty.promised_by,
                        duty.commitment,
                        duty.due_at,
                        at,
                        duty.clock,
                    )
                )

    def name(self, kind: str) -> str:
        """Name of the next clock of a kind."""
        return f"{kind}-{self.state.counts.get(kind, 0) + 1}"

    @property
    def pauses(self) -> tuple[Pause, ...]:
        """The pauses that are over."""
        return tuple(self.state.pauses)

    def silence(self, at: datetime) -> ClockSet:
        """The clock of the silence that begins when the customer has heard something (REQ-07)."""
        progress = self.policy.progress
        closing = self.state.clock(CLOSING)
        seconds = progress.seconds_max
        if closing is not None:
            calendar = timing.calendar_of(CLOSING, closing.set.basis, self.policy)
            left = timing.elapsed(calendar, at, closing.set.due_at) or closing.set.seconds
            seconds = left * progress.percent // 100
        bounded = min(max(seconds, progress.seconds_min), progress.seconds_max)
        return timing.start(self.name(PROGRESS), at, bounded, self.policy, pauses=self.pauses)

    def arrival(self, at: datetime) -> ClockSet | None:
        """The clock of arrival, if it has not been started yet (REQ-05)."""
        if self.state.counts.get(ARRIVAL):
            return None
        seconds = self.state.targets.arrival_seconds
        return timing.start(self.name(ARRIVAL), at, seconds, self.policy, pauses=self.pauses)

    def commitment(self, at: datetime, due_at: datetime) -> ClockSet:
        """The clock of a promise: nothing falls due on it but that its time has passed."""
        return timing.start(self.name(COMMITMENT), at, 0, self.policy, agreed=due_at)

    def decided(self) -> Decision:
        """All that has happened."""
        return tuple(self.events)


# --- taking in -------------------------------------------------------------------------------


def _receive(command: ReceiveRequest, state: RequestState) -> Decision:
    if not isinstance(state, NotReceived):
        return Refusal("request_exists", "REQ-01", {"request": command.request})
    for what, value, known in (
        ("channel", command.channel, CHANNELS),
        ("kind", command.kind, KINDS),
        ("trade", command.trade, TRADES),
        ("severity", command.severity, SEVERITIES),
    ):
        if value not in known:
            return _unknown(what, value, known)
    if not command.first_asked:
        return Refusal("owner_missing", "REQ-01", sentence="owner_missing_received")
    if not command.household and not command.place:
        return Refusal("place_missing", "REQ-01", sentence="place_missing_request")
    if command.rings is not None and (command.channel != "phone" or command.rings < 0):
        return Refusal("rings_without_phone", "REQ-02")
    policy = command.policy
    targets = policy.targets(command.severity, command.channel)
    at = command.received_at
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
        at,
        policy.ref,
        targets,
        (
            timing.start(f"{CLOSING}-1", at, targets.close_seconds, policy),
            timing.start(f"{PROMISE}-1", at, targets.promise_seconds, policy),
        ),
        command.follows,
        command.rings,
    )
    due_at = command.agreed_due_at
    if due_at is None:
        return (received,)
    if command.agreed is None and not command.imported:
        return Refusal("evidence_missing", "REQ-04")
    agreed = (
        timing.start(f"{CLOSING}-1", at, 0, policy, agreed=due_at),
        timing.start(f"{COMMITMENT}-1", at, 0, policy, agreed=due_at),
    )
    accepted = CommitmentAccepted(command.request, due_at, command.agreed, at, agreed)
    return (received, accepted)


# --- promises --------------------------------------------------------------------------------


def _make_commitment(command: MakeCommitment, state: RequestState) -> Decision:
    if not isinstance(state, Open):
        return _not_open(state)
    refused = _unfit_promise(command.form, command.due_at, command.made_at)
    if refused is not None:
        return refused
    if command.made_at < _begun(state):
        return _too_early("promise", _begun(state))
    course = _Course(command, state).time_passes(command.made_at)
    if course.state.promise is not None:
        return _outstanding()
    clock = course.commitment(command.made_at, command.due_at)
    at = command.made_at
    course.happens(_made(command, at, None, clock, course.silence(at)))
    return course.decided()


def _made(
    command: MakeCommitment | Renegotiate,
    at: datetime,
    word: Word | None,
    clock: ClockSet,
    silence: ClockSet,
) -> CommitmentMade:
    return CommitmentMade(
        command.request,
        command.by.id,
        command.form,
        command.outcome,
        clock.clock,
        command.due_at,
        at,
        word,
        (clock, silence),
    )


def _accept_commitment(command: AcceptCommitment, state: RequestState) -> Decision:
    if not isinstance(state, Open):
        return _not_open(state)
    at = command.accepted_at
    if at < _begun(state):
        return _too_early("acceptance", _begun(state))
    course = _Course(command, state).time_passes(at)
    state = course.state
    promised = None if state.promise is None else _named(state, state.promise.clock)
    due_at = command.due_at or (None if promised is None else promised.set.due_at)
    if due_at is None:
        return Refusal("no_promise", "REQ-04", sentence="no_promise_to_accept")
    if promised is not None and due_at != promised.set.due_at:
        return _outstanding()
    if due_at <= at:
        return Refusal("promise_in_the_past", "REQ-03")
    closing = state.clock(CLOSING)
    assert closing is not None, "INVARIANT: the closing clock runs while a request is open"
    changed = [
        timing.start(
            closing.name,
            closing.set.started_at,
            0,
            course.policy,
            at=at,
            pauses=course.pauses,
            agreed=due_at,
        )
    ]
    if promised is None:
        changed.append(course.commitment(at, due_at))
    arrival = course.arrival(at) if command.on_site else None
    if arrival is not None:
        changed.append(arrival)
    changed.append(course.silence(at))
    course.happens(CommitmentAccepted(command.request, due_at, command.word, at, tuple(changed)))
    return course.decided()


def _renegotiate(command: Renegotiate, state: RequestState) -> Decision:
    if not isinstance(state, Open):
        return _not_open(state)
    at = command.renegotiated_at
    refused = _unfit_promise(command.form, command.due_at, at)
    if refused is not None:
        return refused
    if not command.reason:
        return _no_reason("REQ-10", "renegotiating")
    if at < _begun(state):
        return _too_early("promise", _begun(state))
    if state.promise is None and not state.duties:
        return Refusal("no_promise", "REQ-10", sentence="no_promise_to_renegotiate")
    course = _Course(command, state).time_passes(at)
    clock = course.commitment(at, command.due_at)
    changed = [clock]
    promise, closing = course.state.promise, course.state.clock(CLOSING)
    if closing is not None and closing.set.basis != TARGET:
        changed.append(
            timing.start(
                closing.name,
                closing.set.started_at,
                0,
                course.policy,
                at=at,
                pauses=course.pauses,
                agreed=command.due_at,
            )
        )
    changed.append(course.silence(at))
    if promise is None:
        # Its time had passed: the earlier promise stays broken, and this is another one.
        course.happens(_made(command, at, command.word, clock, changed[-1]))
        return course.decided()
    course.happens(
        CommitmentRenegotiated(
            command.request,
            command.by.id,
            command.form,
            command.outcome,
            clock.clock,
            command.due_at,
            at,
            command.reason,
            promise.clock,
            command.word,
            tuple(changed),
        )
    )
    return course.decided()


def _give_up(command: GiveUpCommitment, state: RequestState) -> Decision:
    if not isinstance(state, Open | Paused):
        return _not_open(state)
    if not command.reason:
        return _no_reason("REQ-09", "giving_up")
    if state.promise is None:
        return Refusal("no_promise", "REQ-10", sentence="no_promise_to_give_up")
    if command.given_up_at < state.promise.made_at:
        return _too_early("giving_up", state.promise.made_at)
    course = _Course(command, state).time_passes(command.given_up_at)
    if course.state.promise is not None:
        course.breaks_promise(command.given_up_at, command.reason, given_up=True)
    return course.decided()


def _answer(command: AnswerCustomer, state: RequestState) -> Decision:
    if not isinstance(state, Open | Paused):
        return _not_open(state)
    at = command.answered_at
    if at < _begun(state):
        return _too_early("answer", _begun(state))
    course = _Course(command, state).time_passes(at)
    answered = CustomerAnswered(command.request, command.by.id, at, (course.silence(at),))
    if course.state.promise is not None and course.state.promise.form == "answer":
        course.keeps_promise(at)
    course.happens(answered)
    return course.decided()


def _apologise(command: Apologise, state: RequestState) -> Decision:
    if isinstance(state, NotReceived | Closed | Merged):
        return _not_open(state)
    at = command.apologised_at
    for what, text in (
        ("apology", command.apology),
        ("cause", command.cause),
        ("remedy", command.remedy),
    ):
        if not text.strip():
            return Refusal(f"{what}_missing", "REQ-09")
    course = _Course(command, state).time_passes(at)
    state = course.state
    if not state.duties:
        return Refusal("no_apology_owed", "REQ-09")
    owed = [clock.set.started_at for clock in state.running if clock.kind == APOLOGY]
    if at < max(owed):
        return _too_early("apology", max(owed))
    asking = state.clock(CONFIRMATION)
    changed: tuple[ClockSet, ...] = ()
    if asking is not None:
        # A request that waited for the apology alone can be closed now.
        changed = (_asked(state, asking, state.attempts, course.policy, at),)
    course.happens(
        Apologised(
            command.request,
            command.apology,
            command.cause,
            command.remedy,
            at,
            command.by.id,
            changed,
        )
    )
    return course.decided()


# --- who does it -----------------------------------------------------------------------------


def _hand_over(command: HandOver, state: RequestState) -> Decision:
    if isinstance(state, NotReceived | Closed | Merged):
        return _not_open(state)
    if not command.to_owner:
        return Refusal("owner_missing", "REQ-01", sentence="owner_missing_handed_over")
    if not command.reason:
        return _no_reason("REQ-01", "handing_over")
    if command.to_owner == state.owner:
        return ()
    return (HandedOver(command.request, state.owner, command.to_owner, command.reason),)


def _dispatch(command: Dispatch, state: RequestState) -> Decision:
    if not isinstance(state, Open | Paused):
        return _not_open(state)
    if command.form not in ASSIGNEE_FORMS or command.mode not in MODES:
        return Refusal(
            "order_unknown", "REQ-06", {"forms": list(ASSIGNEE_FORMS), "modes": list(MODES)}
        )
    to, form = command.to, command.form
    if command.mode == "round_robin":
        if not command.pool or not all(command.pool):
            return Refusal("pool_missing", "REQ-06")
        to, form = command.pool[command.turn % len(command.pool)], "operator"
    if not to:
        return Refusal("assignee_missing", "REQ-06")
    if command.mode == "grab" and form != "department":
        return Refusal("order_unknown", "REQ-06", sentence="order_unknown_grab")
    at = command.dispatched_at
    if at < _begun(state):
        return _too_early("order", _begun(state))
    course = _Course(command, state).time_passes(at)
    return _ordered(course, to, form, command.mode, command.on_site, at)


def _ordered(
    course: _Course, to: str, form: str, mode: str, on_site: bool, at: datetime
) -> Decision:
    arrival = course.arrival(at) if on_site else None
    silence = course.silence(at) if course.state.clock(PROGRESS) is None else None
    changed = tuple(clock for clock in (arrival, silence) if clock is not None)
    course.happens(OrderDispatched(course.request, to, form, mode, on_site, at, changed))
    return course.decided()


def _grab(command: GrabOrder, state: RequestState) -> Decision:
    if not isinstance(state, Open | Paused):
        return _not_open(state)
    if command.grabbed_at < _begun(state):
        return _too_early("grabbing", _begun(state))
    if state.assignment.mode != "grab" or state.assignment.form != "department":
        return Refusal("order_taken", "REQ-06")
    course = _Course(command, state).time_passes(command.grabbed_at)
    return _ordered(course, command.by.id, "operator", "grab", False, command.grabbed_at)


def _give_back(
    command: RefuseOrder | ReturnOrder, state: RequestState, how: str, at: datetime
) -> Decision:
    if not isinstance(state, Open | Paused):
        return _not_open(state)
    if not command.reason:
        return _no_reason("REQ-06", "giving_back")
    if command.form not in ASSIGNEE_FORMS:
        return Refusal(
            "order_unknown", "REQ-06", {"forms": list(ASSIGNEE_FORMS)}, "order_unknown_form"
        )
    has = state.assignment
    if has == Assignment(state.owner) or not _has(command.by, has):
        return Refusal("not_assigned", "REQ-06")
    if at < _begun(state):
        return _too_early("giving_back", _begun(state))
    if command.to == has.to:
        return Refusal("not_assigned", "REQ-06", sentence="not_assigned_again")
    to, form = (command.to, command.form) if command.to else (state.owner, "operator")
    return (OrderGivenBack(command.request, has.to, to, form, how, command.reason, at),)


def _has(by: Actor, assignment: Assignment) -> bool:
    """Whether the order lies with that person, or with the department they act for."""
    who = by.role if assignment.form == "department" else by.id
    return assignment.to == who


def _refuse(command: RefuseOrder, state: RequestState) -> Decision:
    return _give_back(command, state, "refused", command.refused_at)


def _return(command: ReturnOrder, state: RequestState) -> Decision:
    return _give_back(command, state, "returned", command.returned_at)


# --- work ------------------------------------------------------------------------------------


def _arrive(command: Arrive, state: RequestState) -> Decision:
    if not isinstance(state, Open):
        return _not_open(state)
    course = _Course(command, state).time_passes(command.arrived_at)
    clock = course.state.clock(ARRIVAL)
    if clock is None:
        return Refusal("nobody_expected", "REQ-05")
    if command.arrived_at < clock.set.started_at:
        return _too_early("arrival", clock.set.started_at)
    course.happens(ArrivedOnSite(command.request, command.arrived_at, command.by.id))
    return course.decided()


def _note_progress(command: NoteProgress, state: RequestState) -> Decision:
    if not isinstance(state, Open | Paused):
        return _not_open(state)
    at = command.noted_at
    if not command.note:
        return Refusal("note_missing", "REQ-07", sentence="note_missing_progress")
    if at < _begun(state):
        return _too_early("note", _begun(state))
    course = _Course(command, state).time_passes(at)
    told = (course.silence(at),) if command.customer_told else ()
    course.happens(
        ProgressNoted(command.request, command.note, command.customer_told, at, command.by.id, told)
    )
    return course.decided()


def _pause_request(command: PauseRequest, state: RequestState) -> Decision:
    if isinstance(state, Paused):
        return Refusal("already_paused", "REQ-12")
    if not isinstance(state, Open):
        return _not_open(state)
    at = command.paused_at
    course = _Course(command, state)
    side = course.policy.side(command.reason)
    if side is None:
        return Refusal(
            "pause_reason_unknown",
            "REQ-12",
            {"reasons": [*course.policy.pauses.customer, *course.policy.pauses.third_party]},
        )
    if command.expected_end <= at:
        return Refusal("pause_without_end", "REQ-12")
    if at < _begun(state):
        return _too_early("pause", _begun(state))
    course.time_passes(at)
    course.happens(
        RequestPaused(command.request, command.reason, side, command.note, at, command.expected_end)
    )
    return course.decided()


def _extend(command: ExtendPause, state: RequestState) -> Decision:
    if not isinstance(state, Paused):
        return _not_paused(state)
    if not command.reason:
        return _no_reason("REQ-12", "extending")
    assert state.pause is not None
    if command.extended_at < state.pause.since:
        return _too_early("extending", state.pause.since)
    if command.extended_at >= state.pause.expected_end:
        return Refusal("pause_over", "REQ-12")
    if command.expected_end <= command.extended_at:
        return Refusal("pause_without_end", "REQ-12")
    return (
        PauseExtended(command.request, command.reason, command.extended_at, command.expected_end),
    )


def _resume(command: ResumeRequest, state: RequestState) -> Decision:
    if not isinstance(state, Paused):
        return _not_paused(state)
    assert state.pause is not None
    if command.resumed_at < state.pause.since:
        return _too_early("resuming", state.pause.since)
    course = _Course(command, state).time_passes(command.resumed_at)
    if isinstance(course.state, Paused):
        course.resumes(command.resumed_at)
    return course.decided()


def _report_done(command: ReportDone, state: RequestState) -> Decision:
    if not isinstance(state, Open | Paused):
        return _not_open(state)
    earliest = max(_begun(state), _paused_since(state))
    if command.done_at < earliest:
        return _too_early("done", earliest)
    course = _Course(command, state).time_passes(command.done_at)
    _finish(course, command.done_at, command.by.id)
    return course.decided()


def _finish(course: _Course, at: datetime, by: str) -> None:
    if isinstance(course.state, Paused):
        course.resumes(at)
    course.keeps_promise(at)
    course.finds_kept(at)
    targets = course.state.targets
    asking = timing.confirmation(
        course.name(CONFIRMATION),
        at,
        targets.confirm_attempts,
        0,
        targets.confirm_days,
        course.policy,
    )
    course.happens(WorkReportedDone(course.request, at, by, (asking,)))


# --- confirmation and closing ----------------------------------------------------------------


def _note_attempt(command: NoteFailedAttempt, state: RequestState) -> Decision:
    if not isinstance(state, Done):
        return _not_done(state)
    earliest = state.last_attempt_at or _finished_at(state)
    if command.attempted_at < earliest:
        return _too_early("attempt", earliest)
    course = _Course(command, state)
    asking = state.clock(CONFIRMATION)
    changed: tuple[ClockSet, ...] = ()
    if asking is not None:
        at = command.attempted_at
        changed = (_asked(state, asking, state.attempts + 1, course.policy, at),)
    course.happens(
        ConfirmationAttemptFailed(command.request, command.attempted_at, command.channel, changed)
    )
    if _exhausted(course.state, command.attempted_at) and not state.duties:
        course.happens(_unconfirmed(course.state, command.attempted_at))
    return course.decided()


def _asked(state: Request, asking: Clock, made: int, policy: SlaPolicy, at: datetime) -> ClockSet:
    """The clock of asking the customer after so many attempts; what it says lies ahead."""
    targets = state.targets
    found = timing.confirmation(
        asking.name,
        asking.set.started_at,
        targets.confirm_attempts,
        made,
        targets.confirm_days,
        policy,
    )
    if found.step == CLOSE and at > found.due_at:
        return timing.with_step(found, at, CLOSE)
    return found


def _exhausted(state: Request, at: datetime) -> bool:
    """Enough attempts, over enough days since the work was done (REQ-08: three in three).

    The third day begins 48 hours after the work was reported done.
    """
    targets = state.targets
    spread = at - _finished_at(state)
    return state.attempts >= targets.confirm_attempts and spread >= timedelta(
        days=targets.confirm_days - 1
    )


def _unconfirmed(state: Request, at: datetime) -> RequestClosed:
    reason = f"{state.attempts} attempts without an answer"
    return RequestClosed(state.request, at, "unconfirmed", None, reason, None)


def _confirm(command: ConfirmClosing, state: RequestState) -> Decision:
    if not isinstance(state, Done):
        return _not_done(state)
    if command.confirmed_at < _finished_at(state):
        return _too_early("confirmation", _finished_at(state))
    if state.duties:
        return _apology_open()
    closed = RequestClosed(
        command.request,
        command.confirmed_at,
        "confirmed",
        command.satisfied,
        "confirmed by the customer",
        command.word,
    )
    if command.satisfied:
        return (closed,)
    return (
        closed,
        CustomerDissatisfied(
            command.request,
            state.received.channel,
            state.household,
            state.owner,
            state.received.place,
            command.confirmed_at,
            state.severity,
            _successor(state),
            state.trade,
        ),
    )


def _successor(state: Request) -> str:
    """Number of the request that follows; the same however often it is worked out."""
    number = f"{state.request}-{state.reopened + 2}"
    return number if len(number) <= ID_LENGTH_MAX else digest_of(number)[:32]


def _close_imported(command: CloseImported, state: RequestState) -> Decision:
    """What another system closed: no clock of ours looks back at it, no apology is on record."""
    if not isinstance(state, Open | Done):
        return _not_open(state)
    earliest = _finished_at(state) if isinstance(state, Done) else _begun(state)
    if command.closed_at < earliest:
        return _too_early("done", earliest)
    if state.duties:
        return _apology_open()
    closed = RequestClosed(
        command.request,
        command.closed_at,
        "unconfirmed",
        None,
        "closed in the system it came from",
        None,
    )
    if isinstance(state, Done):
        return (closed,)
    return (WorkReportedDone(command.request, command.closed_at, IMPORT, ()), closed)


def _reopen(command: Reopen, state: RequestState) -> Decision:
    if not isinstance(state, Closed | Done):
        return Refusal("request_not_closed", "REQ-16")
    if not command.reason:
        return _no_reason("REQ-16", "reopening")
    closed_at = state.closed_at if isinstance(state, Closed) else None
    earliest = closed_at or _finished_at(state)
    if command.reopened_at < earliest:
        return _too_early("reopening", earliest)
    course = _Course(command, state)
    closing = timing.start(
        course.name(CLOSING), command.reopened_at, state.targets.close_seconds, course.policy
    )
    course.happens(
        RequestReopened(
            command.request,
            state.household,
            state.kind,
            state.trade,
            state.severity,
            state.received.place,
            state.owner,
            state.received_at,
            command.reopened_at,
            command.reason,
            (closing,),
        )
    )
    return course.decided()


# --- putting right ---------------------------------------------------------------------------


def _reclassify(command: Reclassify, state: RequestState) -> Decision:
    if not isinstance(state, Open | Paused):
        return _not_open(state)
    kind, trade = command.kind or state.kind, command.trade or state.trade
    severity = command.severity or state.severity
    for what, value, known in (
        ("kind", kind, KINDS),
        ("trade", trade, TRADES),
        ("severity", severity, SEVERITIES),
    ):
        if value not in known:
            return _unknown(what, value, known)
    if not command.reason:
        return _no_reason("REQ-12", "reclassifying")
    at = command.reclassified_at
    if at < _begun(state):
        return _too_early("reclassifying", _begun(state))
    if (kind, trade, severity) == (state.kind, state.trade, state.severity):
        return ()
    course = _Course(command, state).time_passes(at)
    targets = course.policy.targets(severity, state.received.channel)
    changed = _set_anew(course, targets.close_seconds, targets.arrival_seconds, None, at)
    course.happens(
        Reclassified(command.request, kind, trade, severity, command.reason, targets, at, changed)
    )
    return course.decided()


def _rebase(command: Rebase, state: RequestState) -> Decision:
    if not isinstance(state, Open | Paused):
        return _not_open(state)
    policy = command.policy
    if not command.reason:
        return _no_reason("REQ-14", "rebasing")
    if command.rebased_at < _begun(state):
        return _too_early("rebasing", _begun(state))
    if policy.ref == state.policy:
        return ()
    course = _Course(command, state)
    targets = policy.targets(state.severity, state.received.channel)
    changed = _set_anew(
        course,
        targets.close_seconds,
        targets.arrival_seconds,
        targets.promise_seconds,
        command.rebased_at,
    )
    course.happens(
        PolicyRebased(
            command.request, policy.ref, targets, command.reason, command.rebased_at, changed
        )
    )
    return course.decided()


def _set_anew(
    course: _Course, close: int, arrival: int, promise: int | None, at: datetime
) -> tuple[ClockSet, ...]:
    """Running clocks under other targets: from their own start, so nothing counted is lost."""
    targets = {CLOSING: close, ARRIVAL: arrival, PROMISE: promise}
    changed = []
    for clock in course.state.running:
        seconds = targets.get(clock.kind)
        if seconds is not None and clock.set.basis == TARGET:
            anew = timing.start(
                clock.name,
                clock.set.started_at,
                seconds,
                course.policy,
                at=at,
                pauses=course.pauses,
            )
            if anew.seconds != clock.set.seconds or anew.due_at != clock.set.due_at:
                changed.append(anew)
    return tuple(changed)


def _mark_duplicate(command: MarkDuplicate, state: RequestState) -> Decision:
    if isinstance(state, NotReceived):
        return _not_open(state)
    refused = _unfit_duplicate(command.request, command.of, state)
    if refused is not None:
        return refused
    return (MarkedDuplicate(command.request, command.of, command.reason),)


def _merge(command: MergeDuplicate, state: RequestState) -> Decision:
    if not isinstance(state, Open | Paused):
        return _not_open(state)
    known = state.duplicate_of == command.into
    refused = None if known else _unfit_duplicate(command.request, command.into, state)
    if refused is not None:
        return refused
    earliest = max(_begun(state), _paused_since(state))
    if command.merged_at < earliest:
        return _too_early("merging", earliest)
    course = _Course(command, state).time_passes(command.merged_at)
    if course.state.duties:
        return _apology_open()
    if course.state.promise is not None:
        return _outstanding()
    if isinstance(course.state, Paused):
        course.resumes(command.merged_at)
    if not known:
        course.happens(MarkedDuplicate(command.request, command.into, command.reason))
    course.happens(RequestMerged(command.request, command.into, command.merged_at))
    return course.decided()


# --- incidents -------------------------------------------------------------------------------


def _link(command: LinkToIncident, state: RequestState) -> Decision:
    if not isinstance(state, Open | Paused):
        return _not_open(state)
    if state.incident == command.incident:
        return ()
    if state.incident is not None:
        return Refusal("incident_linked", "REQ-17", {"incident": state.incident})
    return (LinkedToIncident(command.request, command.incident),)


def _follow(command: FollowIncident, state: RequestState) -> Decision:
    if not isinstance(state, Open | Paused) or state.incident != command.incident:
        return ()
    at = max(command.at, _begun(state), _paused_since(state))
    course = _Course(command, state).time_passes(at)
    if command.what == "done":
        _finish(course, at, command.told_by)
    else:
        told = (course.silence(at),)
        by = command.told_by
        course.happens(ProgressNoted(command.request, command.note, True, at, by, told))
    return course.decided()


# --- what time brings ------------------------------------------------------------------------


def _take_step(command: TakeStep, state: RequestState) -> Decision:
    """Record a step that fell due; one that has been taken, or has moved on, is nothing."""
    if isinstance(state, NotReceived):
        return _not_open(state)
    if command.clock == PAUSE:
        pause = _pause(state)
        if pause is None or pause.expected_end != command.at:
            return ()
        return _Course(command, state).time_passes(command.at).decided()
    clock = _named(state, command.clock)
    if clock is None or (clock.set.step, clock.set.next_at) != (command.step, command.at):
        return ()
    pause = _pause(state)
    if pause is not None and clock.kind in WORK and command.at > pause.since:
        return ()
    course = _Course(command, state)
    _STEPS.get(command.step.partition("_")[0], _escalates)(course, clock.set, command.at)
    return course.decided()


def _warns(course: _Course, clock: ClockSet, at: datetime) -> None:
    percent = int(clock.step.partition("_")[2])
    after = timing.after_step(clock, course.policy, course.pauses)
    course.happens(ClockWarned(course.request, clock.clock, percent, at, (after,)))


def _breaches(course: _Course, clock: ClockSet, at: datetime) -> None:
    after = timing.after_step(
        timing.with_step(clock, clock.next_at, BREACH), course.policy, course.pauses
    )
    told = course.policy.escalation.roles[0]
    course.happens(ClockBreached(course.request, clock.clock, at, told, (after,)))


def _escalates(course: _Course, clock: ClockSet, at: datetime) -> None:
    percent = int(clock.step.partition("_")[2])
    escalation = course.policy.escalation
    told = escalation.roles[
        min((percent - 100) // escalation.step_percent, len(escalation.roles) - 1)
    ]
    after = timing.after_step(clock, course.policy, course.pauses)
    course.happens(Escalated(course.request, clock.clock, percent, at, told, (after,)))


def _passes(course: _Course, _: ClockSet, at: datetime) -> None:
    course.breaks_promise(at, _TIME_PASSED, given_up=False)


def _asks(course: _Course, clock: ClockSet, at: datetime) -> None:
    attempt = int(clock.step.removeprefix(ATTEMPT))
    after = timing.attempted(clock, course.policy, course.state.targets.confirm_attempts)
    course.happens(ConfirmationDue(course.request, attempt, at, (after,)))


def _closes(course: _Course, clock: ClockSet, at: datetime) -> None:
    """Asked in vain for long enough; else the staff have not asked, and that is a breach."""
    state = course.state
    if state.attempts >= state.targets.confirm_attempts and not state.duties:
        course.happens(_unconfirmed(state, at))
    else:
        _breaches(course, clock, at)


_STEPS = {
    "warn": _warns,
    BREACH: _breaches,
    PASSED: _passes,
    ATTEMPT.rstrip("_"): _asks,
    CLOSE: _closes,
}
"""What follows from a step, by the first word of its name; all others escalate."""

_TIME_PASSED = "its time has passed"


# --- the aggregate ---------------------------------------------------------------------------


_DECIDE: dict[type, Any] = {
    ReceiveRequest: _receive,
    MakeCommitment: _make_commitment,
    AcceptCommitment: _accept_commitment,
    Renegotiate: _renegotiate,
    GiveUpCommitment: _give_up,
    AnswerCustomer: _answer,
    HandOver: _hand_over,
    Dispatch: _dispatch,
    GrabOrder: _grab,
    RefuseOrder: _refuse,
    ReturnOrder: _return,
    Arrive: _arrive,
    NoteProgress: _note_progress,
    PauseRequest: _pause_request,
    ExtendPause: _extend,
    ResumeRequest: _resume,
    ReportDone: _report_done,
    NoteFailedAttempt: _note_attempt,
    ConfirmClosing: _confirm,
    Apologise: _apologise,
    CloseImported: _close_imported,
    Reopen: _reopen,
    Reclassify: _reclassify,
    Rebase: _rebase,
    MarkDuplicate: _mark_duplicate,
    MergeDuplicate: _merge,
    LinkToIncident: _link,
    FollowIncident: _follow,
    TakeStep: _take_step,
}


def decide(command: Any, state: RequestState) -> Decision:
    """Events that follow from the command, or why not."""
    try:
        return _DECIDE[type(command)](command, state)  # type: ignore[no-any-return]
    except UncoveredYear as error:
        # Nothing falls due on a day of which nobody knows whether it is worked.
        return Refusal("calendar_uncovered", "REQ-11", {"year": error.year})


def _id(command: Any) -> str:
    return command.request  # type: ignore[no-any-return]


def _household(command: Any) -> str:
    return getattr(command, "household", "")


def _own(command: Any, state: RequestState) -> Own | None:
    """Who did the work does not enter what the customer says of it (REQ-08)."""
    if type(command) is not ConfirmClosing or not isinstance(state, Done):
        return None
    did = {state.done_by}
    if state.assignment != Assignment(state.owner) and state.assignment.form == "operator":
        did.add(state.assignment.to)
    return Own(others=frozenset(did))


REQUEST = Aggregate(
    Decider("request", NotReceived(), decide, evolve),
    tuple(_DECIDE),
    _id,
    _household,
    own=_own,
    inside=frozenset({LinkToIncident, FollowIncident, TakeStep}),
)


# --- what the state says ---------------------------------------------------------------------


def _named(state: Request, name: str) -> Clock | None:
    for clock in state.running:
        if clock.set.clock == name:
            return clock
    return None


def _pause(state: Request) -> Pause | None:
    return state.pause if isinstance(state, Paused) else None


def _paused_since(state: Request) -> datetime:
    pause = _pause(state)
    return state.received_at if pause is None else pause.since


def _begun(state: Request) -> datetime:
    """Nothing is asked of a request for a time before its closing clock, or its last pause."""
    closing = state.clock(CLOSING)
    begun = state.received_at if closing is None else closing.set.started_at
    last = state.pauses.last
    return begun if last is None or last.until is None else max(begun, last.until)


def _finished_at(state: Request) -> datetime:
    return state.done_at or state.received_at


# --- refusals --------------------------------------------------------------------------------


def _unknown(what: str, value: str, known: tuple[str, ...]) -> Refusal:
    return Refusal(f"unknown_{what}", "REQ-01", {"value": value, "accepted": list(known)})


def _no_reason(rule: str, doing: str) -> Refusal:
    return Refusal("reason_missing", rule, sentence=f"reason_missing_{doing}")


def _unfit_promise(form: str, due_at: datetime, made_at: datetime) -> Refusal | None:
    if form not in PROMISE_FORMS:
        return Refusal("promise_of_nothing", "REQ-03", {"accepted": list(PROMISE_FORMS)})
    if due_at <= made_at:
        return Refusal("promise_in_the_past", "REQ-03")
    return None


def _unfit_duplicate(request: str, of: str, state: Request) -> Refusal | None:
    if of == request:
        return Refusal("duplicate_of_itself", "GRD-02")
    if state.duplicate_of is not None:
        return Refusal("duplicate_already", "GRD-02", {"of": state.duplicate_of})
    return None


def _outstanding() -> Refusal:
    return Refusal("promise_outstanding", "REQ-10")


def _apology_open() -> Refusal:
    return Refusal("apology_open", "REQ-09")


def _not_open(state: RequestState) -> Refusal:
    return _in_status("request_not_open", "REQ-08", state)


def _not_paused(state: RequestState) -> Refusal:
    return _in_status("not_paused", "REQ-12", state)


def _not_done(state: RequestState) -> Refusal:
    return _in_status("request_not_done", "REQ-08", state)


def _in_status(code: str, rule: str, state: RequestState) -> Refusal:
    status = "not_received" if isinstance(state, NotReceived) else type(state).__name__.lower()
    return Refusal(code, rule, {"status": status}, f"{code}_{status}")


def _too_early(what: str, earliest: datetime) -> Refusal:
    return Refusal("too_early", "REQ-08", {"earliest": earliest.isoformat()}, f"too_early_{what}")
