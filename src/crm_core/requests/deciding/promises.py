"""Promises: made, accepted, moved, given up; the answer that was promised; the apology owed."""

from __future__ import annotations

from datetime import datetime

from crm_core.kernel.decider import Decision, Refusal
from crm_core.kernel.refusals import no_reason
from crm_core.requests.clocks import APOLOGY, CLOSING, TARGET, ClockSet
from crm_core.requests.commands import (
    PROMISE_FORMS,
    AcceptCommitment,
    AnswerCustomer,
    Apologise,
    GiveUpCommitment,
    MakeCommitment,
    Renegotiate,
)
from crm_core.requests.deciding.course import Course, begun, clock_named
from crm_core.requests.deciding.refusals import not_open, outstanding, too_early
from crm_core.requests.events import (
    Apologised,
    CommitmentAccepted,
    CommitmentMade,
    CommitmentRenegotiated,
    CustomerAnswered,
)
from crm_core.requests.state import Closed, Merged, NotReceived, Open, Paused, RequestState


def make(command: MakeCommitment, state: RequestState) -> Decision:
    """Somebody promises in person; one promise is outstanding at a time (REQ-03)."""
    if not isinstance(state, Open):
        return not_open(state)
    at = command.made_at
    refused = _unfit(command.form, command.due_at, at)
    if refused is not None:
        return refused
    if at < begun(state):
        return too_early("promise", begun(state))
    course = Course(command, state).time_passes(at)
    if course.state.promise is not None:
        return outstanding()
    clock = course.commitment(at, command.due_at)
    course.happens(_made(command, at, clock, course.silence(at)))
    return course.decided()


def accept(command: AcceptCommitment, state: RequestState) -> Decision:
    """The customer accepts: the agreed time replaces the target (REQ-04)."""
    if not isinstance(state, Open):
        return not_open(state)
    at = command.accepted_at
    if at < begun(state):
        return too_early("acceptance", begun(state))
    course = Course(command, state).time_passes(at)
    state = course.state
    promised = None if state.promise is None else clock_named(state, state.promise.clock)
    due_at = command.due_at or (None if promised is None else promised.set.due_at)
    if due_at is None:
        return Refusal("no_promise", "REQ-04", sentence="no_promise_to_accept")
    if promised is not None and due_at != promised.set.due_at:
        return outstanding()
    if due_at <= at:
        return Refusal("promise_in_the_past", "REQ-03")
    closing = state.clock(CLOSING)
    assert closing is not None, "INVARIANT: the closing clock runs while a request is open"
    changed = [course.set_anew(closing, at, agreed=due_at)]
    if promised is None:
        changed.append(course.commitment(at, due_at))
    arrival = course.arrival(at) if command.on_site else None
    if arrival is not None:
        changed.append(arrival)
    changed.append(course.silence(at))
    course.happens(
        CommitmentAccepted(
            request=command.request,
            due_at=due_at,
            word=command.word,
            accepted_at=at,
            clocks=tuple(changed),
        )
    )
    return course.decided()


def renegotiate(command: Renegotiate, state: RequestState) -> Decision:
    """Before its time a promise is replaced; afterwards another one is made (REQ-10)."""
    if not isinstance(state, Open):
        return not_open(state)
    at = command.renegotiated_at
    refused = _unfit(command.form, command.due_at, at)
    if refused is not None:
        return refused
    if not command.reason:
        return no_reason("REQ-10", "renegotiating")
    if at < begun(state):
        return too_early("promise", begun(state))
    if state.promise is None and not state.duties:
        return Refusal("no_promise", "REQ-10", sentence="no_promise_to_renegotiate")
    course = Course(command, state).time_passes(at)
    clock = course.commitment(at, command.due_at)
    changed = [clock]
    promise, closing = course.state.promise, course.state.clock(CLOSING)
    if closing is not None and closing.set.basis != TARGET:
        changed.append(course.set_anew(closing, at, agreed=command.due_at))
    silence = course.silence(at)
    changed.append(silence)
    if promise is None:
        # Its time had passed: the earlier promise stays broken, and this is another one.
        course.happens(_made(command, at, clock, silence))
        return course.decided()
    course.happens(
        CommitmentRenegotiated(
            request=command.request,
            promised_by=command.by.id,
            form=command.form,
            outcome=command.outcome,
            clock=clock.clock,
            due_at=command.due_at,
            renegotiated_at=at,
            reason=command.reason,
            replaces=promise.clock,
            word=command.word,
            clocks=tuple(changed),
        )
    )
    return course.decided()


def give_up(command: GiveUpCommitment, state: RequestState) -> Decision:
    """A promise cannot be kept, and that is said before its time: it is broken now (REQ-09)."""
    if not isinstance(state, Open | Paused):
        return not_open(state)
    if not command.reason:
        return no_reason("REQ-09", "giving_up")
    if state.promise is None:
        return Refusal("no_promise", "REQ-10", sentence="no_promise_to_give_up")
    if command.given_up_at < state.promise.made_at:
        return too_early("giving_up", state.promise.made_at)
    course = Course(command, state).time_passes(command.given_up_at)
    if course.state.promise is not None:
        course.breaks_promise(command.given_up_at, command.reason, given_up=True)
    return course.decided()


def answer(command: AnswerCustomer, state: RequestState) -> Decision:
    """The customer has the answer; a promise of one is kept by it."""
    if not isinstance(state, Open | Paused):
        return not_open(state)
    at = command.answered_at
    if at < begun(state):
        return too_early("answer", begun(state))
    course = Course(command, state).time_passes(at)
    answered = CustomerAnswered(command.request, command.by.id, at, (course.silence(at),))
    if course.state.promise is not None and course.state.promise.form == "answer":
        course.keeps_promise(at)
    course.happens(answered)
    return course.decided()


def apologise(command: Apologise, state: RequestState) -> Decision:
    """An apology has three parts, and lifts every duty that is owed by then (REQ-09)."""
    if isinstance(state, NotReceived | Closed | Merged):
        return not_open(state)
    at = command.apologised_at
    for what, text in (
        ("apology", command.apology),
        ("cause", command.cause),
        ("remedy", command.remedy),
    ):
        if not text.strip():
            return Refusal(f"{what}_missing", "REQ-09")
    course = Course(command, state).time_passes(at)
    state = course.state
    if not state.duties:
        return Refusal("no_apology_owed", "REQ-09")
    owed = [clock.set.started_at for clock in state.running if clock.kind == APOLOGY]
    if at < max(owed):
        return too_early("apology", max(owed))
    course.happens(
        Apologised(
            request=command.request,
            apology=command.apology,
            cause=command.cause,
            remedy=command.remedy,
            apologised_at=at,
            apologised_by=command.by.id,
            # A request that waited for the apology alone can be closed now.
            clocks=course.asked(state.attempts, at),
        )
    )
    return course.decided()


def _unfit(form: str, due_at: datetime, made_at: datetime) -> Refusal | None:
    if form not in PROMISE_FORMS:
        return Refusal("promise_of_nothing", "REQ-03", {"accepted": list(PROMISE_FORMS)})
    if due_at <= made_at:
        return Refusal("promise_in_the_past", "REQ-03")
    return None


def _made(
    command: MakeCommitment | Renegotiate, at: datetime, clock: ClockSet, silence: ClockSet
) -> CommitmentMade:
    return CommitmentMade(
        request=command.request,
        promised_by=command.by.id,
        form=command.form,
        outcome=command.outcome,
        clock=clock.clock,
        due_at=command.due_at,
        made_at=at,
        word=command.word if isinstance(command, Renegotiate) else None,
        clocks=(clock, silence),
    )
