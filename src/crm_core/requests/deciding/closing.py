"""Confirming and closing, and opening again (REQ-08, REQ-16)."""

from __future__ import annotations

from datetime import datetime, timedelta

import attrs

from crm_core.kernel.canonical import digest_of
from crm_core.kernel.decider import Decision, Refusal
from crm_core.kernel.refusals import no_reason, unknown
from crm_core.kernel.text import ID_LENGTH_MAX
from crm_core.requests import clocks as timing
from crm_core.requests.clocks import CLOSING
from crm_core.requests.commands import (
    OPINIONS,
    SATISFIED,
    CloseImported,
    ConfirmClosing,
    NoteFailedAttempt,
    Reopen,
    VoidRequest,
)
from crm_core.requests.deciding.course import Course, finished_at
from crm_core.requests.deciding.refusals import apology_open, not_done, not_open
from crm_core.requests.events import (
    IMPORT,
    ConfirmationAttemptFailed,
    CustomerDissatisfied,
    RequestClosed,
    RequestReopened,
    RequestVoided,
    WorkReportedDone,
)
from crm_core.requests.state import Closed, Done, NotReceived, Open, Paused, Request, RequestState

# --- what is said --------------------------------------------------------------------------------


def note_attempt(command: NoteFailedAttempt, course: Course) -> Decision:
    """The customer did not answer; once that was often enough, the request closes unconfirmed."""
    if not isinstance(course.state, Done):
        return not_done(course.state)
    return (
        ConfirmationAttemptFailed(
            request=command.request,
            attempted_at=command.attempted_at,
            channel=command.channel,
            clocks=(),
            counts_from=command.attempted_at,
            entered_by=command.by.id,
            evidence=command.evidence,
        ),
    )


def confirm(command: ConfirmClosing, course: Course) -> Decision:
    """The customer's own word closes the request; who is not satisfied gets another one."""
    state = course.state
    if not isinstance(state, Done):
        return not_done(state)
    refused = _indefinite(command)
    if refused is not None:
        return refused
    if command.word.member in {*at_work(state), state.owner}:
        return Refusal("word_of_staff", "LOG-08", {"member": command.word.member})
    if state.duties:
        return apology_open()
    closed = RequestClosed(
        request=command.request,
        closed_at=command.confirmed_at,
        outcome="confirmed",
        opinion=command.opinion,
        words=command.words,
        word=command.word,
        counts_from=command.confirmed_at,
        entered_by=command.by.id,
        evidence=command.evidence,
    )
    if command.opinion == SATISFIED:
        return (closed,)
    return (
        closed,
        CustomerDissatisfied(
            request=command.request,
            channel=state.received.channel,
            household=state.household,
            owner=state.owner,
            place=state.received.place,
            said_at=command.confirmed_at,
            severity=state.severity,
            successor=_successor(state),
            trade=state.trade,
        ),
    )


def close_imported(command: CloseImported, course: Course) -> Decision:
    """What another system closed: it closes whatever was owed, and late where it was late."""
    if not isinstance(course.state, Open | Paused | Done):
        return not_open(course.state)
    closed = RequestClosed(
        request=command.request,
        closed_at=command.closed_at,
        outcome="unconfirmed",
        opinion=None,
        words="",
        word=None,
        counts_from=command.closed_at,
        entered_by=command.by.id,
        evidence=None,
    )
    if isinstance(course.state, Done):
        return (closed,)
    done = WorkReportedDone(
        request=command.request,
        done_at=command.closed_at,
        done_by=IMPORT,
        clocks=(),
        counts_from=command.closed_at,
        entered_by=command.by.id,
        evidence=None,
    )
    return (done, closed)


def void(command: VoidRequest, state: RequestState) -> Decision:
    """It never came in; its number can be used again."""
    if isinstance(state, NotReceived):
        return ()
    if not command.reason.strip():
        return no_reason("LOG-06")
    return (
        RequestVoided(
            request=command.request,
            household=state.household,
            received_at=state.received_at,
            reason=command.reason,
        ),
    )


def reopen(command: Reopen, course: Course) -> Decision:
    """The request is open again: its first verdict stays, a second clock starts (REQ-16)."""
    state = course.state
    if not isinstance(state, Closed | Done):
        return Refusal("request_not_closed", "REQ-16")
    if not command.reason.strip():
        return no_reason("REQ-16", "reopening")
    return (
        RequestReopened(
            request=command.request,
            household=state.household,
            kind=state.kind,
            trade=state.trade,
            severity=state.severity,
            place=state.received.place,
            owner=state.owner,
            received_at=state.received_at,
            reopened_at=command.reopened_at,
            reason=command.reason,
            clocks=(),
            counts_from=command.reopened_at,
            entered_by=command.by.id,
            evidence=command.evidence,
        ),
    )


def _successor(state: Request) -> str:
    """Number of the request that follows; the same however often it is worked out."""
    number = f"{state.request}-{state.reopened + 2}"
    return number if len(number) <= ID_LENGTH_MAX else digest_of(number)[:32]


def at_work(state: Request) -> frozenset[str]:
    """Ids of who did the work: who arrived, who reported it done, and who had the order."""
    has = state.assignment
    given = {has.to} if state.ordered and has.form == "operator" else set()
    return frozenset(state.hands) | given


def _indefinite(command: ConfirmClosing) -> Refusal | None:
    """An opinion is one of three, and who is not satisfied says why (REQ-08)."""
    if command.opinion not in OPINIONS:
        return unknown("opinion", command.opinion, OPINIONS, rule="REQ-08")
    if command.opinion != SATISFIED and not command.words.strip():
        return Refusal("words_missing", "REQ-08", {"opinion": command.opinion})
    return None


# --- what it leads to ----------------------------------------------------------------------------


def attempted(course: Course, e: ConfirmationAttemptFailed, at: datetime) -> None:
    """The customer is to be asked again, unless that was often enough (REQ-08: three in three)."""
    state = course.state
    if not isinstance(state, Done):
        return
    course.happens(attrs.evolve(e, clocks=course.asked(state.attempts + 1, at)))
    if _exhausted(course.state, at) and not course.state.duties:
        course.closes_unanswered(at)


def _exhausted(state: Request, at: datetime) -> bool:
    """Enough attempts, over enough days since the work was done.

    The third day begins 48 hours after the work was reported done.
    """
    targets = state.targets
    spread = at - finished_at(state)
    return state.attempts >= targets.confirm_attempts and spread >= timedelta(
        days=targets.confirm_days - 1
    )


def closed(course: Course, e: RequestClosed, at: datetime) -> None:
    """It is closed."""
    if isinstance(course.state, Done):
        course.happens(e)


def reopened(course: Course, e: RequestReopened, at: datetime) -> None:
    """A second closing clock starts."""
    if isinstance(course.state, Closed | Done):
        seconds = course.state.targets.close_seconds
        clock = timing.start(course.name(CLOSING), at, seconds, course.counting(at))
        course.happens(attrs.evolve(e, clocks=(clock,)))
