"""Orders: who owns a request, and who does the work (REQ-01, REQ-06)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from crm_core.kernel.decider import Decision, Refusal
from crm_core.kernel.recorded import Actor
from crm_core.kernel.refusals import no_reason
from crm_core.requests.clocks import PROGRESS
from crm_core.requests.commands import (
    ASSIGNEE_FORMS,
    MODES,
    Dispatch,
    GrabOrder,
    HandOver,
    RefuseOrder,
    ReturnOrder,
)
from crm_core.requests.deciding.course import Course, begun
from crm_core.requests.deciding.refusals import not_open, too_early
from crm_core.requests.events import HandedOver, OrderDispatched, OrderGivenBack
from crm_core.requests.rotation import next_turn, trade_of
from crm_core.requests.state import (
    Assignment,
    Closed,
    Merged,
    NotReceived,
    Open,
    Paused,
    Request,
    RequestState,
)


def hand_over(command: HandOver, state: RequestState) -> Decision:
    """Another person owns the request; it always has an owner (REQ-01)."""
    if isinstance(state, NotReceived | Closed | Merged):
        return not_open(state)
    if not command.to_owner:
        return Refusal("owner_missing", "REQ-01", sentence="owner_missing_handed_over")
    if not command.reason:
        return no_reason("REQ-01", "handing_over")
    if command.to_owner == state.owner:
        return ()
    if command.stranger:
        return _stranger(command.to_owner)
    return (HandedOver(command.request, state.owner, command.to_owner, command.reason),)


def dispatch(command: Dispatch, state: RequestState) -> Decision:
    """The work goes to a department or one operator, or to whose turn it is."""
    if not isinstance(state, Open | Paused):
        return not_open(state)
    if command.form not in ASSIGNEE_FORMS or command.mode not in MODES:
        return Refusal(
            "order_unknown", "REQ-06", {"forms": list(ASSIGNEE_FORMS), "modes": list(MODES)}
        )
    to, form, turn = command.to, command.form, None
    if command.mode == "round_robin":
        if form == "operator" and to:
            return Refusal("order_unknown", "REQ-06", sentence="order_unknown_round_robin")
        given = next_turn(command.crew, command.rotation, command.request)
        if given is None:
            return Refusal("nobody_on_duty", "REQ-06", {"trade": command.crew.trade})
        to, form, turn = given.staff, "operator", given.turn
    if not to:
        return Refusal("assignee_missing", "REQ-06")
    if command.mode == "grab" and form != "department":
        return Refusal("order_unknown", "REQ-06", sentence="order_unknown_grab")
    if command.stranger:
        return _stranger(to)
    at = command.dispatched_at
    if at < begun(state):
        return too_early("order", begun(state))
    course = Course(command, state).time_passes(at)
    given_to = Assignment(to, form, command.mode)
    return _ordered(course, given_to, at, on_site=command.on_site, turn=turn)


def grab(command: GrabOrder, state: RequestState) -> Decision:
    """Who takes an order that was offered to a department has it."""
    if not isinstance(state, Open | Paused):
        return not_open(state)
    at = command.grabbed_at
    if at < begun(state):
        return too_early("grabbing", begun(state))
    if state.assignment.mode != "grab" or state.assignment.form != "department":
        return Refusal("order_taken", "REQ-06")
    crew, who = command.crew, command.by.id
    if not crew.is_of_trade(who):
        return Refusal("not_of_trade", "REQ-06", {"staff": who, "trade": crew.trade})
    if not crew.is_on_duty(who):
        return Refusal("not_on_duty", "REQ-06", {"staff": who, "trade": crew.trade})
    course = Course(command, state).time_passes(at)
    return _ordered(course, Assignment(who, "operator", "grab"), at, on_site=False, turn=None)


def order_of(command: Dispatch | GrabOrder, state: RequestState) -> tuple[str, datetime] | None:
    """The trade whose operators must be known for it, and when; None where none must."""
    if not isinstance(state, Request):
        return None
    if isinstance(command, GrabOrder):
        return trade_of(state.assignment.to, state), command.grabbed_at
    return trade_of(command.to, state), command.dispatched_at


def named_by(command: Any) -> str:
    """The person whom it gives the work or the request to; empty where it names none."""
    if isinstance(command, HandOver):
        return command.to_owner
    if isinstance(command, Dispatch) and command.mode != "order":
        return ""
    return command.to if command.form == "operator" else ""


def refuse(command: RefuseOrder, state: RequestState) -> Decision:
    """An order is refused when it comes."""
    return _give_back(command, state, "refused", command.refused_at)


def hand_back(command: ReturnOrder, state: RequestState) -> Decision:
    """An order that was taken on is given back."""
    return _give_back(command, state, "returned", command.returned_at)


def _ordered(
    course: Course, given: Assignment, at: datetime, *, on_site: bool, turn: int | None
) -> Decision:
    arrival = course.arrival(at) if on_site else None
    silence = course.silence(at) if course.state.clock(PROGRESS) is None else None
    course.happens(
        OrderDispatched(
            request=course.request,
            to=given.to,
            form=given.form,
            mode=given.mode,
            turn=turn,
            on_site=on_site,
            dispatched_at=at,
            clocks=tuple(clock for clock in (arrival, silence) if clock is not None),
        )
    )
    return course.decided()


def _give_back(
    command: RefuseOrder | ReturnOrder, state: RequestState, how: str, at: datetime
) -> Decision:
    if not isinstance(state, Open | Paused):
        return not_open(state)
    if not command.reason:
        return no_reason("REQ-06", "giving_back")
    if command.form not in ASSIGNEE_FORMS:
        return Refusal(
            "order_unknown", "REQ-06", {"forms": list(ASSIGNEE_FORMS)}, "order_unknown_form"
        )
    has = state.assignment
    if has == Assignment(state.owner) or not _has(command.by, has):
        return Refusal("not_assigned", "REQ-06")
    if at < begun(state):
        return too_early("giving_back", begun(state))
    if command.to == has.to:
        return Refusal("not_assigned", "REQ-06", sentence="not_assigned_again")
    if command.stranger:
        return _stranger(command.to)
    to, form = (command.to, command.form) if command.to else (state.owner, "operator")
    return (
        OrderGivenBack(
            request=command.request,
            from_assignee=has.to,
            to=to,
            form=form,
            how=how,
            reason=command.reason,
            given_back_at=at,
        ),
    )


def _has(by: Actor, assignment: Assignment) -> bool:
    """Whether the order lies with that person, or with the department they act for."""
    who = by.role if assignment.form == "department" else by.id
    return assignment.to == who


def _stranger(staff: str) -> Refusal:
    return Refusal("unknown_staff", "REQ-06", {"staff": staff})
