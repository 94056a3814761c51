"""Decisions about a request: which subject of `deciding` answers which command."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from crm_core.kernel.aggregate import Aggregate, Beside
from crm_core.kernel.authority import Own
from crm_core.kernel.decider import Decide, Decider, Decision, Refusal, by_command
from crm_core.kernel.refusals import no_reason
from crm_core.requests.commands import (
    AcceptCommitment,
    AnswerCustomer,
    Apologise,
    Arrive,
    CloseImported,
    ConfirmClosing,
    ConfirmEntry,
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
    RenewCalendar,
    Reopen,
    ReportDone,
    ResumeRequest,
    ReturnOrder,
    TakeStep,
    UndoDuplicate,
    VoidClosing,
    VoidRequest,
)
from crm_core.requests.deciding import (
    closing,
    corrections,
    doing,
    duplicates,
    orders,
    promises,
    receiving,
    renewing,
)
from crm_core.requests.deciding.course import Course
from crm_core.requests.deciding.refusals import not_open
from crm_core.requests.deciding.telling import Says, Teller, policies_of
from crm_core.requests.events import (
    Apologised,
    ArrivedOnSite,
    ClosingVoided,
    CommitmentAccepted,
    CommitmentGivenUp,
    CommitmentMade,
    CommitmentRenegotiated,
    ConfirmationAttemptFailed,
    CustomerAnswered,
    HandedOver,
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
    RequestReopened,
    RequestResumed,
    WorkReportedDone,
)
from crm_core.requests.evolve import evolve, standing_of
from crm_core.requests.rotation import ROTATION, turn_of
from crm_core.requests.state import Merged, NotReceived, Open, Paused, Request, RequestState

_TICK = timedelta(microseconds=1)

TELLER = Teller(
    {
        Apologised: promises.apologised,
        ArrivedOnSite: doing.arrived,
        CommitmentAccepted: promises.accepted,
        CommitmentGivenUp: promises.given_up,
        CommitmentMade: promises.made,
        CommitmentRenegotiated: promises.renegotiated,
        ConfirmationAttemptFailed: closing.attempted,
        CustomerAnswered: promises.answered,
        HandedOver: orders.handed_over,
        OrderDispatched: orders.ordered,
        OrderGivenBack: orders.given_back,
        PauseExtended: doing.extended,
        PolicyRebased: corrections.rebased,
        ProgressNoted: doing.noted,
        Reclassified: corrections.reclassified,
        RequestClosed: closing.closed,
        RequestMerged: duplicates.merged,
        RequestPaused: doing.paused,
        RequestReopened: closing.reopened,
        RequestResumed: doing.resumed,
        WorkReportedDone: doing.done,
    }
)
"""What each entry leads to."""

_SAYS: dict[type, tuple[str, Says]] = {
    MakeCommitment: ("made_at", promises.make),
    AcceptCommitment: ("accepted_at", promises.accept),
    Renegotiate: ("renegotiated_at", promises.renegotiate),
    GiveUpCommitment: ("given_up_at", promises.give_up),
    AnswerCustomer: ("answered_at", promises.answer),
    Dispatch: ("dispatched_at", orders.dispatch),
    GrabOrder: ("grabbed_at", orders.grab),
    RefuseOrder: ("refused_at", orders.refuse),
    ReturnOrder: ("returned_at", orders.hand_back),
    Arrive: ("arrived_at", doing.arrive),
    NoteProgress: ("noted_at", doing.note_progress),
    PauseRequest: ("paused_at", doing.pause),
    ExtendPause: ("extended_at", doing.extend),
    ResumeRequest: ("resumed_at", doing.resume),
    ReportDone: ("done_at", doing.report_done),
    NoteFailedAttempt: ("attempted_at", closing.note_attempt),
    ConfirmClosing: ("confirmed_at", closing.confirm),
    Apologise: ("apologised_at", promises.apologise),
    CloseImported: ("closed_at", closing.close_imported),
    Reopen: ("reopened_at", closing.reopen),
    Reclassify: ("reclassified_at", corrections.reclassify),
    Rebase: ("rebased_at", corrections.rebase),
}
"""What a command says happened, and the field that says when."""


def _said(at_field: str, says: Says) -> Callable[[Any, RequestState], Decision]:
    def decide(command: Any, state: RequestState) -> Decision:
        return TELLER.enter(command, state, getattr(command, at_field), says)

    return decide


def _hand_over(command: HandOver, state: RequestState) -> Decision:
    if isinstance(state, NotReceived):
        return not_open(state)
    # It says no instant: it is the last thing that is known.
    return TELLER.enter(command, state, state.told_until, orders.hand_over)


def _merge(command: MergeDuplicate, state: RequestState) -> Decision:
    if isinstance(state, NotReceived):
        return not_open(state)
    refused = duplicates.unfit_merge(command, state)
    if refused is not None:
        return refused
    decided = TELLER.enter(command, state, command.merged_at, duplicates.merge)
    if isinstance(decided, Refusal) or state.duplicate_of is None:
        return decided
    return tuple(event for event in decided if not isinstance(event, MarkedDuplicate))


def _undo(command: UndoDuplicate, state: RequestState) -> Decision:
    undone = duplicates.undo(command, state)
    if isinstance(undone, Refusal) or not isinstance(state, Merged):
        return undone
    # Without the merge it stands where it would have come to: its clocks ran all the time.
    merged = [entry for entry in state.entries if isinstance(entry, RequestMerged)]
    kept = [entry for entry in state.entries if not isinstance(entry, RequestMerged)]
    return undone + TELLER.again(command, state, kept, merged[-1])


def _follow(command: FollowIncident, state: RequestState) -> Decision:
    goes_along = isinstance(state, Open | Paused) and state.incident == command.incident
    if not goes_along:
        return ()
    at = doing.follows_at(command, state)
    decided = TELLER.enter(command, state, at, doing.follow)
    return () if isinstance(decided, Refusal) else decided


def _renew(command: RenewCalendar, state: RequestState) -> Decision:
    renewed = renewing.renew(command, state)
    if isinstance(renewed, Refusal) or not renewed:
        return renewed
    after = evolve(state, renewed[0])
    assert isinstance(after, Request)
    told = TELLER.again(command, after, after.entries, renewed[0])
    if len(told) == 1 and told[0].standing == standing_of(after):
        # Nothing of it lies in a year that the notice is about.
        return renewed
    return renewed + told


def _void_closing(command: VoidClosing, state: RequestState) -> Decision:
    if isinstance(state, NotReceived):
        return ()
    voided = ClosingVoided(command.request, command.closed_at, command.reason)
    after = evolve(state, voided)
    assert isinstance(after, Request)
    if len(after.entries) == len(state.entries):
        return ()
    if not command.reason.strip():
        return no_reason("LOG-06")
    return (voided, *TELLER.again(command, after, after.entries, voided))


def _take_step(command: TakeStep, state: RequestState) -> Decision:
    """Record what fell due; a step that has been taken, or has moved on, is nothing."""
    if isinstance(state, NotReceived):
        return not_open(state)
    until = max(command.at + _TICK, command.until or command.at)
    return tuple(Course(state, policies_of(command, state)).passes(until).events)


_DECIDE: dict[type, Any] = {
    ReceiveRequest: receiving.receive,
    HandOver: _hand_over,
    MarkDuplicate: duplicates.mark,
    MergeDuplicate: _merge,
    UndoDuplicate: _undo,
    VoidClosing: _void_closing,
    VoidRequest: closing.void,
    LinkToIncident: doing.link,
    FollowIncident: _follow,
    ConfirmEntry: TELLER.confirm,
    TakeStep: _take_step,
    RenewCalendar: _renew,
    **{command: _said(at, says) for command, (at, says) in _SAYS.items()},
}

decide: Decide = by_command(_DECIDE)
"""Events that follow from a command, or why not."""


def _id(command: Any) -> str:
    return command.request  # type: ignore[no-any-return]


def _household(command: Any) -> str:
    return getattr(command, "household", "")


def _own(command: Any, state: RequestState) -> Own | None:
    """Who did the work enters neither what the customer says of it, nor that they said nothing.

    Three attempts that nobody made would close it as surely as a word that nobody gave (REQ-08).
    """
    if not isinstance(command, ConfirmClosing | NoteFailedAttempt) or not isinstance(
        state, Request
    ):
        return None
    return Own(others=closing.at_work(state))


def _beside(command: Any, decided: tuple[Any, ...]) -> tuple[Beside, ...]:
    """A turn stands or falls with the order that it gave (REQ-06)."""
    turn = turn_of(command, decided) if type(command) is Dispatch else None
    return () if turn is None else (Beside(ROTATION, turn.trade, turn),)


def _asked(state: Any) -> tuple[str, ...]:
    """Who asked for it, if that is known."""
    asked_by = state.received.asked_by if isinstance(state, Request) else None
    return () if asked_by is None else (asked_by,)


REQUEST = Aggregate(
    Decider("request", NotReceived(), decide, evolve),
    tuple(_DECIDE),
    _id,
    _household,
    own=_own,
    beside=_beside,
    asked=_asked,
    inside=frozenset(
        {LinkToIncident, FollowIncident, RenewCalendar, TakeStep, VoidClosing, VoidRequest}
    ),
)
