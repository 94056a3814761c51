"""Decisions about a request: which subject of `deciding` answers which command."""

from __future__ import annotations

from typing import Any

from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.authority import Own
from crm_core.kernel.decider import Decider, by_command
from crm_core.requests.commands import (
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
    RenewCalendar,
    Reopen,
    ReportDone,
    ResumeRequest,
    ReturnOrder,
    TakeStep,
)
from crm_core.requests.deciding import (
    closing,
    corrections,
    doing,
    orders,
    promises,
    receiving,
    renewing,
    time,
)
from crm_core.requests.evolve import evolve
from crm_core.requests.state import Assignment, Done, NotReceived, RequestState

_DECIDE: dict[type, Any] = {
    ReceiveRequest: receiving.receive,
    MakeCommitment: promises.make,
    AcceptCommitment: promises.accept,
    Renegotiate: promises.renegotiate,
    GiveUpCommitment: promises.give_up,
    AnswerCustomer: promises.answer,
    HandOver: orders.hand_over,
    Dispatch: orders.dispatch,
    GrabOrder: orders.grab,
    RefuseOrder: orders.refuse,
    ReturnOrder: orders.hand_back,
    Arrive: doing.arrive,
    NoteProgress: doing.note_progress,
    PauseRequest: doing.pause,
    ExtendPause: doing.extend,
    ResumeRequest: doing.resume,
    ReportDone: doing.report_done,
    NoteFailedAttempt: closing.note_attempt,
    ConfirmClosing: closing.confirm,
    Apologise: promises.apologise,
    CloseImported: closing.close_imported,
    Reopen: closing.reopen,
    Reclassify: corrections.reclassify,
    Rebase: corrections.rebase,
    MarkDuplicate: corrections.mark_duplicate,
    MergeDuplicate: corrections.merge,
    LinkToIncident: doing.link,
    FollowIncident: doing.follow,
    TakeStep: time.take_step,
    RenewCalendar: renewing.renew,
}

decide = by_command(_DECIDE)
"""Events that follow from a command, or why not."""


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
    inside=frozenset({LinkToIncident, FollowIncident, RenewCalendar, TakeStep}),
)
