"""Promises: made, accepted, moved, given up; the answer that was promised; the apology owed.

Of each: what a command says happened, and what that leads to.
"""

from __future__ import annotations

from datetime import datetime

import attrs

from crm_core.kernel.decider import Decision, Refusal
from crm_core.kernel.recorded import Actor
from crm_core.kernel.refusals import no_reason
from crm_core.kernel.roles import LEADERS
from crm_core.requests.clocks import APOLOGY, CLOSING, ClockSet
from crm_core.requests.commands import (
    PROMISE_FORMS,
    AcceptCommitment,
    AnswerCustomer,
    Apologise,
    GiveUpCommitment,
    MakeCommitment,
    Renegotiate,
)
from crm_core.requests.deciding.course import Course
from crm_core.requests.deciding.refusals import no_promise, not_open, outstanding, too_early
from crm_core.requests.events import (
    Apologised,
    CommitmentAccepted,
    CommitmentGivenUp,
    CommitmentMade,
    CommitmentRenegotiated,
    CustomerAnswered,
)
from crm_core.requests.parts import GIVEN_UP, MOVED, Promise
from crm_core.requests.state import Done, Merged, Open, Paused

# --- what is said --------------------------------------------------------------------------------


def make(command: MakeCommitment, course: Course) -> Decision:
    """Somebody promises in person; one promise is outstanding at a time (REQ-03)."""
    if not isinstance(course.state, Open | Paused):
        return not_open(course.state)
    at = command.made_at
    refused = _unfit(command.outcome, command.form, command.due_at, at)
    if refused is not None:
        return refused
    if course.state.promise is not None:
        return outstanding()
    return (
        CommitmentMade(
            request=command.request,
            promised_by=command.by.id,
            form=command.form,
            outcome=command.outcome,
            clock="",
            due_at=command.due_at,
            made_at=at,
            clocks=(),
            counts_from=at,
            entered_by=command.by.id,
            evidence=command.evidence,
        ),
    )


def accept(command: AcceptCommitment, course: Course) -> Decision:
    """The customer accepts: the agreed time replaces the target (REQ-04)."""
    state = course.state
    if not isinstance(state, Open | Paused):
        return not_open(state)
    promised = course.promised_for(command.accepted_at)
    due_at = command.due_at or promised
    if due_at is None:
        return no_promise("REQ-04", "accept")
    if promised is not None and due_at != promised:
        return outstanding()
    refused = _past(due_at, command.accepted_at)
    if refused is not None:
        return refused
    return (
        CommitmentAccepted(
            request=command.request,
            due_at=due_at,
            word=command.word,
            accepted_at=command.accepted_at,
            on_site=command.on_site,
            clocks=(),
            counts_from=command.accepted_at,
            entered_by=command.by.id,
            evidence=command.evidence,
        ),
    )


def renegotiate(command: Renegotiate, course: Course) -> Decision:
    """Before its time a promise is replaced; afterwards another one is made (REQ-10)."""
    state, at = course.state, command.renegotiated_at
    if not isinstance(state, Open | Paused):
        return not_open(state)
    refused = _unfit(command.outcome, command.form, command.due_at, at)
    if refused is not None:
        return refused
    if not command.reason.strip():
        return no_reason("REQ-10", "renegotiating")
    promise = state.promise
    if promise is None and not state.duties:
        return no_promise("REQ-10", "renegotiate")
    # Where its time had passed, the earlier promise stays broken, and this is another one.
    if promise is not None and command.word is None:
        refused = _anothers(promise, command.by)
        if refused is not None:
            return refused
    return (
        CommitmentRenegotiated(
            request=command.request,
            promised_by=command.by.id,
            form=command.form,
            outcome=command.outcome,
            clock="",
            due_at=command.due_at,
            renegotiated_at=at,
            reason=command.reason,
            replaces="",
            word=command.word,
            clocks=(),
            counts_from=at,
            entered_by=command.by.id,
            evidence=command.evidence,
        ),
    )


def give_up(command: GiveUpCommitment, course: Course) -> Decision:
    """A promise cannot be kept, and that is said before its time: it is broken now (REQ-09)."""
    state = course.state
    if not isinstance(state, Open | Paused):
        return not_open(state)
    if not command.reason.strip():
        return no_reason("REQ-09", "giving_up")
    if state.promise is None and not state.duties:
        return no_promise("REQ-10", "give_up")
    # Where its time has passed by then, it is broken, and the apology is owed, all the same.
    refused = None if state.promise is None else _anothers(state.promise, command.by)
    if refused is not None:
        return refused
    return (
        CommitmentGivenUp(
            request=command.request,
            given_up_at=command.given_up_at,
            reason=command.reason,
            counts_from=command.given_up_at,
            entered_by=command.by.id,
            evidence=command.evidence,
        ),
    )


def answer(command: AnswerCustomer, course: Course) -> Decision:
    """The customer has the answer; a promise of one is kept by it."""
    if not isinstance(course.state, Open | Paused):
        return not_open(course.state)
    return (
        CustomerAnswered(
            request=command.request,
            answered_by=command.by.id,
            answered_at=command.answered_at,
            clocks=(),
            counts_from=command.answered_at,
            entered_by=command.by.id,
            evidence=command.evidence,
        ),
    )


def apologise(command: Apologise, course: Course) -> Decision:
    """An apology has three parts and the new time, and lifts every duty owed by then (REQ-09)."""
    state, at = course.state, command.apologised_at
    if isinstance(state, Merged) and not state.duties:
        return not_open(state)
    for what, text in (
        ("apology", command.apology),
        ("cause", command.cause),
        ("remedy", command.remedy),
    ):
        if not text.strip():
            return Refusal(f"{what}_missing", "REQ-09")
    if not state.duties:
        return Refusal("no_apology_owed", "REQ-09")
    earliest = min(clock.set.started_at for clock in state.running if clock.kind == APOLOGY)
    if at < earliest:
        return too_early("apology", earliest)
    promises = isinstance(state, Open | Paused) and state.promise is None
    new_due_at = command.new_due_at
    if not promises and new_due_at is not None:
        return outstanding() if state.promise is not None else not_open(state)
    if new_due_at is not None:
        refused = _past(new_due_at, at)
        if refused is not None:
            return refused
    return (
        Apologised(
            request=command.request,
            apology=command.apology,
            cause=command.cause,
            remedy=command.remedy,
            apologised_at=at,
            apologised_by=command.by.id,
            new_due_at=new_due_at,
            lifts=(),
            clocks=(),
            counts_from=at,
            entered_by=command.by.id,
            evidence=command.evidence,
        ),
    )


def _unfit(outcome: str, form: str, due_at: datetime, made_at: datetime) -> Refusal | None:
    if form not in PROMISE_FORMS:
        return Refusal("promise_of_nothing", "REQ-03", {"accepted": list(PROMISE_FORMS)})
    if not outcome.strip():
        return Refusal("outcome_missing", "REQ-03")
    return _past(due_at, made_at)


def _past(due_at: datetime, at: datetime) -> Refusal | None:
    """A promise is for a time to come (REQ-03)."""
    if due_at <= at:
        return Refusal("promise_in_the_past", "REQ-03")
    return None


def _anothers(promise: Promise, by: Actor) -> Refusal | None:
    """Only who promised, or leads them, breaks a promise; a colleague does not (REQ-10)."""
    if by.id == promise.by or by.role in LEADERS:
        return None
    return Refusal("promise_of_another", "REQ-10", {"promised_by": promise.by})


# --- what it leads to ----------------------------------------------------------------------------


def made(course: Course, e: CommitmentMade, at: datetime) -> None:
    """Its clock runs, and a silence begins."""
    state = course.state
    if not isinstance(state, Open | Paused) or state.promise is not None or e.due_at <= at:
        return
    clock = course.commitment(at, e.due_at)
    course.happens(attrs.evolve(e, clock=clock.clock, clocks=(clock, *course.silence(at))))


def accepted(course: Course, e: CommitmentAccepted, at: datetime) -> None:
    """The agreed time replaces the target; it is promised, if it was not."""
    state = course.state
    closing = state.clock(CLOSING)
    # Accepted is the promise as it stands: a pause that comes to be known moves both.
    due_at = course.promised_for(at) or e.due_at
    if not isinstance(state, Open | Paused) or closing is None:
        return
    if due_at <= at and at != e.accepted_at:
        return
    agreed = max(due_at, at)
    clocks = [course.set_anew(closing, at, agreed=agreed)]
    if state.promise is None:
        clocks.append(course.commitment(at, agreed))
    if e.on_site:
        clocks.extend(course.arrival(at))
    if e.word is not None:
        clocks.extend(course.silence(at, clocks[0]))
    course.happens(attrs.evolve(e, due_at=due_at, clocks=tuple(clocks)))


def renegotiated(course: Course, e: CommitmentRenegotiated, at: datetime) -> None:
    """With the customer's word the first promise is kept, by staff alone it is broken (REQ-10)."""
    state = course.state
    if not isinstance(state, Open | Paused) or e.due_at <= at:
        return
    replaces = ""
    if state.promise is not None:
        replaces = state.promise.clock
        if e.word is not None:
            course.keeps_promise(at)
        else:
            course.breaks_promise(at, MOVED)
    clock, closing = course.commitment(at, e.due_at), state.clock(CLOSING)
    agreed: tuple[ClockSet, ...] = ()
    if e.word is not None and closing is not None:
        # The customer accepted the time: it replaces the target (REQ-04).
        agreed = (course.set_anew(closing, at, agreed=e.due_at),)
    clocks = (clock, *agreed, *course.silence(at, *agreed))
    course.happens(attrs.evolve(e, clock=clock.clock, replaces=replaces, clocks=clocks))


def given_up(course: Course, e: CommitmentGivenUp, at: datetime) -> None:
    """The promise is broken, and an apology is owed."""
    if isinstance(course.state, Open | Paused):
        course.happens(e)
        if course.state.promise is not None:
            course.breaks_promise(at, GIVEN_UP)


def answered(course: Course, e: CustomerAnswered, at: datetime) -> None:
    """A silence ends, and another begins; a promise of an answer is kept."""
    state = course.state
    if not isinstance(state, Open | Paused):
        return
    if state.promise is not None and state.promise.form == "answer":
        course.keeps_promise(at)
    course.happens(attrs.evolve(e, clocks=course.silence(at)))


def apologised(course: Course, e: Apologised, at: datetime) -> None:
    """What is owed by then is lifted; the new time is promised in person."""
    state = course.state
    # No apology is for what was broken after it.
    lifts = tuple(
        clock.name
        for clock in state.running
        if clock.kind == APOLOGY and clock.set.started_at <= e.apologised_at
    )
    if not lifts:
        return
    clocks = []
    new_due_at = e.new_due_at
    open_ = isinstance(state, Open | Paused) and state.promise is None
    if open_ and new_due_at is not None and new_due_at > at:
        clocks.append(course.commitment(at, new_due_at))
    if isinstance(state, Done) and state.attempts >= state.targets.confirm_attempts:
        # A request that waited for the apology alone can be closed now.
        clocks.extend(course.asked(state.attempts, at))
    course.happens(attrs.evolve(e, lifts=lifts, clocks=tuple(clocks)))
