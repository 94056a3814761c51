"""Confirming and closing, and opening again (REQ-08, REQ-16)."""

from __future__ import annotations

from datetime import datetime, timedelta

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
)
from crm_core.requests.deciding.course import Course, begun, finished_at
from crm_core.requests.deciding.refusals import apology_open, not_done, not_open, too_early
from crm_core.requests.events import (
    ConfirmationAttemptFailed,
    CustomerDissatisfied,
    RequestClosed,
    RequestReopened,
    WorkReportedDone,
)
from crm_core.requests.state import Closed, Done, Open, Request, RequestState

IMPORT = "import"
"""Who did the work of a request that was closed in another system."""


def note_attempt(command: NoteFailedAttempt, state: RequestState) -> Decision:
    """The customer did not answer; once that was often enough, the request closes unconfirmed."""
    if not isinstance(state, Done):
        return not_done(state)
    at = command.attempted_at
    earliest = state.last_attempt_at or finished_at(state)
    if at < earliest:
        return too_early("attempt", earliest)
    course = Course(command, state)
    changed = course.asked(state.attempts + 1, at)
    course.happens(ConfirmationAttemptFailed(command.request, at, command.channel, changed))
    if _exhausted(course.state, at) and not state.duties:
        course.happens(unconfirmed(course.state, at))
    return course.decided()


def confirm(command: ConfirmClosing, state: RequestState) -> Decision:
    """The customer's own word closes the request; who is not satisfied gets another one."""
    if not isinstance(state, Done):
        return not_done(state)
    refused = _indefinite(command)
    if refused is not None:
        return refused
    if command.word.member in {*at_work(state), state.owner}:
        return Refusal("word_of_staff", "LOG-08", {"member": command.word.member})
    if command.confirmed_at < finished_at(state):
        return too_early("confirmation", finished_at(state))
    if state.duties:
        return apology_open()
    closed = RequestClosed(
        request=command.request,
        closed_at=command.confirmed_at,
        outcome="confirmed",
        opinion=command.opinion,
        words=command.words,
        reason="confirmed by the customer",
        word=command.word,
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


def close_imported(command: CloseImported, state: RequestState) -> Decision:
    """What another system closed: no clock of ours looks back at it, no apology is on record."""
    if not isinstance(state, Open | Done):
        return not_open(state)
    earliest = finished_at(state) if isinstance(state, Done) else begun(state)
    if command.closed_at < earliest:
        return too_early("done", earliest)
    if state.duties:
        return apology_open()
    closed = _without_answer(state, command.closed_at, "closed in the system it came from")
    if isinstance(state, Done):
        return (closed,)
    return (WorkReportedDone(command.request, command.closed_at, IMPORT, ()), closed)


def reopen(command: Reopen, state: RequestState) -> Decision:
    """The request is open again: its first verdict stays, a second clock starts (REQ-16)."""
    if not isinstance(state, Closed | Done):
        return Refusal("request_not_closed", "REQ-16")
    if not command.reason:
        return no_reason("REQ-16", "reopening")
    at = command.reopened_at
    closed_at = state.closed_at if isinstance(state, Closed) else None
    earliest = closed_at or finished_at(state)
    if at < earliest:
        return too_early("reopening", earliest)
    course = Course(command, state)
    seconds = state.targets.close_seconds
    course.happens(
        RequestReopened(
            request=command.request,
            household=state.household,
            kind=state.kind,
            trade=state.trade,
            severity=state.severity,
            place=state.received.place,
            owner=state.owner,
            received_at=state.received_at,
            reopened_at=at,
            reason=command.reason,
            clocks=(timing.start(course.name(CLOSING), at, seconds, course.policy),),
        )
    )
    return course.decided()


def unconfirmed(state: Request, at: datetime) -> RequestClosed:
    """The customer was asked in vain for long enough."""
    return _without_answer(state, at, f"{state.attempts} attempts without an answer")


def at_work(state: Request) -> frozenset[str]:
    """Ids of who did the work: who arrived, who reported it done, and who had the order."""
    has = state.assignment
    return state.hands | ({has.to} if state.ordered and has.form == "operator" else set())


def _indefinite(command: ConfirmClosing) -> Refusal | None:
    """An opinion is one of three, and who is not satisfied says why (REQ-08)."""
    if command.opinion not in OPINIONS:
        return unknown("opinion", command.opinion, OPINIONS, rule="REQ-08")
    if command.opinion != SATISFIED and not command.words.strip():
        return Refusal("words_missing", "REQ-08", {"opinion": command.opinion})
    return None


def _without_answer(state: Request, at: datetime, reason: str) -> RequestClosed:
    return RequestClosed(
        request=state.request,
        closed_at=at,
        outcome="unconfirmed",
        opinion=None,
        words="",
        reason=reason,
        word=None,
    )


def _exhausted(state: Request, at: datetime) -> bool:
    """Enough attempts, over enough days since the work was done (REQ-08: three in three).

    The third day begins 48 hours after the work was reported done.
    """
    targets = state.targets
    spread = at - finished_at(state)
    return state.attempts >= targets.confirm_attempts and spread >= timedelta(
        days=targets.confirm_days - 1
    )


def _successor(state: Request) -> str:
    """Number of the request that follows; the same however often it is worked out."""
    number = f"{state.request}-{state.reopened + 2}"
    return number if len(number) <= ID_LENGTH_MAX else digest_of(number)[:32]
