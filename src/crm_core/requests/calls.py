"""The phone: every call is a fact, also one that became no request or was missed (REQ-02).

Of who called nothing is kept: a call says when it came, on which line, how often it rang and who
answered it. What it was about is the request that it led to.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import attrs

from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.authority import Own
from crm_core.kernel.catalog import EventType
from crm_core.kernel.commands import looked_up
from crm_core.kernel.decider import Decider, Decision, Refusal, by_command, by_event
from crm_core.kernel.policy import PolicyRef
from crm_core.kernel.recorded import Actor
from crm_core.kernel.refusals import no_reason
from crm_core.kernel.sealed import Text
from crm_core.kernel.values import define, frozen
from crm_core.requests.sla import SlaPolicy
from crm_core.requests.state import Request, RequestState

PHONE = "phone"
"""The channel of requests that a call leads to."""


# --- events ----------------------------------------------------------------------------------


@frozen
class CallAnswered:
    """A call was answered, after so many rings of those that the policy allows.

    Args:
        call: Its number.
        line: The line it came on, e.g. `hotline`; duty is planned for lines.
        came_at: When it began to ring.
        request: The request it led to, where that was known at once.
        target_rings: Answered within so many rings it was answered in time.
    """

    call: str
    line: str
    came_at: datetime
    rings: int
    answered_by: str
    request: str | None
    target_rings: int
    policy: PolicyRef


@frozen
class CallMissed:
    """A call was not answered.

    Args:
        call: Its number.
        came_at: When it began to ring.
        rings: How often it rang; None where nobody knows.
    """

    call: str
    line: str
    came_at: datetime
    rings: int | None
    recorded_by: str


@frozen
class CallLinked:
    """The call led to a request that was received behind it.

    Args:
        call: Its number.
        linked_by: Who said so.
    """

    call: str
    request: str
    linked_by: str


@frozen
class CallWithdrawn:
    """The call was recorded by mistake, and counts no more.

    Args:
        call: Its number; it stands for no other call.
        withdrawn_by: Who took it back: another than who recorded it or was on duty.
    """

    call: str
    reason: Text
    withdrawn_by: str


EVENTS = (
    EventType("requests.call_answered", 1, CallAnswered),
    EventType("requests.call_missed", 1, CallMissed),
    EventType("requests.call_linked", 1, CallLinked),
    EventType("requests.call_withdrawn", 1, CallWithdrawn),
)


# --- state -----------------------------------------------------------------------------------


@define
class Call:
    """A call as it stands.

    Args:
        taken: What became of it when it came; None if there was none.
        request: The request it led to.
        withdrawn: Why it counts no more, if so.
    """

    taken: CallAnswered | CallMissed | None = None
    request: str | None = None
    withdrawn: CallWithdrawn | None = None


# --- commands --------------------------------------------------------------------------------


@frozen
class AnswerCall:
    """Record a call that was answered; who gives it has answered it.

    Args:
        rings: How often it rang.
        request: The request it led to, if that was received.
    """

    call: str
    line: str
    came_at: datetime
    rings: int
    request: str | None = None
    by: Actor = looked_up()
    known_at: datetime = looked_up()
    policy: SlaPolicy = looked_up()
    refused_there: Refusal | None = looked_up()


@frozen
class MissCall:
    """Record a call that nobody answered."""

    call: str
    line: str
    came_at: datetime
    rings: int | None = None
    by: Actor = looked_up()
    known_at: datetime = looked_up()


@frozen
class LinkCall:
    """Say which request an answered call led to."""

    call: str
    request: str
    by: Actor = looked_up()
    refused_there: Refusal | None = looked_up()


@frozen
class WithdrawCall:
    """Take back a call that was recorded by mistake.

    Neither who recorded it, nor who was on duty when it came.
    """

    call: str
    reason: str
    by: Actor = looked_up()
    on_duty: tuple[str, ...] = looked_up()


# --- decisions -------------------------------------------------------------------------------


def _answer(command: AnswerCall, state: Call) -> Decision:
    refused = _unfit(command) or command.refused_there
    if refused is not None:
        return refused
    answered = CallAnswered(
        call=command.call,
        line=command.line,
        came_at=command.came_at,
        rings=command.rings,
        answered_by=command.by.id,
        request=command.request,
        target_rings=command.policy.answer.rings,
        policy=command.policy.ref,
    )
    decided = _once(answered, state)
    if decided == () and command.request not in (None, state.request):
        return _linked(command, command.request, state)
    return decided


def _miss(command: MissCall, state: Call) -> Decision:
    refused = _unfit(command)
    if refused is not None:
        return refused
    missed = CallMissed(
        call=command.call,
        line=command.line,
        came_at=command.came_at,
        rings=command.rings,
        recorded_by=command.by.id,
    )
    return _once(missed, state)


def _once(taken: CallAnswered | CallMissed, state: Call) -> Decision:
    """The call, unless the same was told before; a number stands for one call for ever."""
    if state.withdrawn is not None:
        return Refusal("call_withdrawn", "REQ-02", {"call": taken.call})
    if state.taken is None:
        return (taken,)
    if _said(taken) == _said(state.taken):
        return ()
    return Refusal("call_exists", "REQ-02", {"call": taken.call})


def _said(taken: CallAnswered | CallMissed) -> tuple[Any, ...]:
    """What was told of a call, whoever told it and whatever policy was in force."""
    answered_by = taken.answered_by if isinstance(taken, CallAnswered) else None
    return type(taken), taken.line, taken.came_at, taken.rings, answered_by


def _unfit(command: AnswerCall | MissCall) -> Refusal | None:
    if not command.line:
        return Refusal("line_missing", "REQ-02")
    if command.rings is not None and command.rings < 0:
        return Refusal("rings_below_none", "REQ-02")
    if command.came_at > command.known_at:
        return Refusal("not_yet", "REQ-02", {"now": command.known_at.isoformat()}, "not_yet_call")
    return None


def _link(command: LinkCall, state: Call) -> Decision:
    taken = state.taken
    if not isinstance(taken, CallAnswered) or state.withdrawn is not None:
        return Refusal("call_not_answered", "REQ-02", {"call": command.call})
    if state.request == command.request:
        return ()
    return command.refused_there or _linked(command, command.request, state)


def _linked(command: AnswerCall | LinkCall, request: str, state: Call) -> Decision:
    if state.request is not None:
        return Refusal("call_linked", "REQ-02", {"request": state.request})
    return (CallLinked(call=command.call, request=request, linked_by=command.by.id),)


def _withdraw(command: WithdrawCall, state: Call) -> Decision:
    if state.taken is None:
        return Refusal("unknown_call", "REQ-02", {"call": command.call})
    if state.withdrawn is not None:
        return ()
    if not command.by.ids.isdisjoint(command.on_duty):
        return Refusal("own_matter", "LOG-08", {"act": "withdraw-call"})
    if not command.reason.strip():
        return no_reason("REQ-02", "withdrawing_call")
    return (CallWithdrawn(command.call, command.reason, command.by.id),)


def _own(command: Any, state: Call) -> Own | None:
    """Nobody makes go away what they recorded themselves: a late answer, or what they missed."""
    if not isinstance(command, WithdrawCall) or state.taken is None:
        return None
    taken = state.taken
    return Own(taken.answered_by if isinstance(taken, CallAnswered) else taken.recorded_by)


def refused_request(request: RequestState, number: str, came_at: datetime | None) -> Refusal | None:
    """Why a call cannot have led to a request, if so.

    Args:
        came_at: When the call came; None where there was no such call.
    """
    if not isinstance(request, Request):
        return Refusal("unknown_request", "REQ-02", {"request": number})
    if request.received.channel != PHONE:
        return Refusal("request_not_by_phone", "REQ-02", {"request": number})
    if came_at is not None and request.received_at < came_at:
        return Refusal("request_before_call", "REQ-02", {"request": number})
    return None


_DECIDE: dict[type, Any] = {
    AnswerCall: _answer,
    MissCall: _miss,
    LinkCall: _link,
    WithdrawCall: _withdraw,
}

CALL = Aggregate(
    Decider(
        "call",
        Call(),
        by_command(_DECIDE),
        by_event(
            {
                CallAnswered: lambda state, e: attrs.evolve(state, taken=e, request=e.request),
                CallMissed: lambda state, e: attrs.evolve(state, taken=e),
                CallLinked: lambda state, e: attrs.evolve(state, request=e.request),
                CallWithdrawn: lambda state, e: attrs.evolve(state, withdrawn=e),
            }
        ),
    ),
    tuple(_DECIDE),
    lambda command: command.call,
    lambda _: "",
    needs_file=False,
    own=_own,
)
