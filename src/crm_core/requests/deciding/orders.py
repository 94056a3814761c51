"""Orders: who owns a request, and who does the work (REQ-01, REQ-06)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import attrs

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
from crm_core.requests.deciding.course import Course
from crm_core.requests.deciding.refusals import not_open
from crm_core.requests.events import HandedOver, OrderDispatched, OrderGivenBack
from crm_core.requests.parts import Assignment
from crm_core.requests.rotation import next_turn, trade_of
from crm_core.requests.state import Closed, Merged, Open, Paused, Request, RequestState

# --- what is said --------------------------------------------------------------------------------


def hand_over(command: HandOver, course: Course) -> Decision:
    """Another person owns the request; it always has an owner (REQ-01)."""
    state = course.state
    if isinstance(state, Closed | Merged):
        return not_open(state)
    if not command.to_owner:
        return Refusal("owner_missing", "REQ-01", sentence="owner_missing_handed_over")
    if not command.reason.strip():
        return no_reason("REQ-01", "handing_over")
    if command.to_owner == state.owner:
        return ()
    if command.stranger:
        return _stranger(command.to_owner)
    return (
        HandedOver(
            request=command.request,
            from_owner=state.owner,
            to_owner=command.to_owner,
            reason=command.reason,
            counts_from=state.told_until,
            entered_by=command.by.id,
            evidence=None,
        ),
    )


def dispatch(command: Dispatch, course: Course) -> Decision:
    """The work goes to a department or one operator, or to whose turn it is."""
    if not isinstance(course.state, Open | Paused):
        return not_open(course.state)
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
    given_to = Assignment(to, form, command.mode)
    at, on_site = command.dispatched_at, command.on_site
    return (_ordered(command, given_to, at, on_site=on_site, turn=turn),)


def grab(command: GrabOrder, course: Course) -> Decision:
    """Who takes an order that was offered to a department has it."""
    state = course.state
    if not isinstance(state, Open | Paused):
        return not_open(state)
    if state.assignment.mode != "grab" or state.assignment.form != "department":
        return Refusal("order_taken", "REQ-06")
    crew, who = command.crew, command.by.id
    if not crew.is_of_trade(who):
        return Refusal("not_of_trade", "REQ-06", {"staff": who, "trade": crew.trade})
    if not crew.is_on_duty(who):
        return Refusal("not_on_duty", "REQ-06", {"staff": who, "trade": crew.trade})
    given = Assignment(who, "operator", "grab")
    return (_ordered(command, given, command.grabbed_at, on_site=False, turn=None),)


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


def refuse(command: RefuseOrder, course: Course) -> Decision:
    """An order is refused when it comes."""
    return _give_back(command, course.state, "refused", command.refused_at)


def hand_back(command: ReturnOrder, course: Course) -> Decision:
    """An order that was taken on is given back."""
    return _give_back(command, course.state, "returned", command.returned_at)


def _ordered(
    command: Dispatch | GrabOrder,
    given: Assignment,
    at: datetime,
    *,
    on_site: bool,
    turn: int | None,
) -> OrderDispatched:
    return OrderDispatched(
        request=command.request,
        to=given.to,
        form=given.form,
        mode=given.mode,
        turn=turn,
        on_site=on_site,
        dispatched_at=at,
        clocks=(),
        counts_from=at,
        entered_by=command.by.id,
        evidence=command.evidence,
    )


def _give_back(
    command: RefuseOrder | ReturnOrder, state: Request, how: str, at: datetime
) -> Decision:
    if not isinstance(state, Open | Paused):
        return not_open(state)
    if not command.reason.strip():
        return no_reason("REQ-06", "giving_back")
    if command.form not in ASSIGNEE_FORMS:
        return Refusal(
            "order_unknown", "REQ-06", {"forms": list(ASSIGNEE_FORMS)}, "order_unknown_form"
        )
    has = state.assignment
    if has == Assignment(state.owner) or not _has(command.by, has):
        return Refusal("not_assigned", "REQ-06")
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
            counts_from=at,
            entered_by=command.by.id,
            evidence=command.evidence,
        ),
    )


def _has(by: Actor, assignment: Assignment) -> bool:
    """Whether the order lies with that person, or with the department they act for."""
    who = by.role if assignment.form == "department" else by.id
    return assignment.to == who


def _stranger(staff: str) -> Refusal:
    return Refusal("unknown_staff", "REQ-06", {"staff": staff})


# --- what it leads to ----------------------------------------------------------------------------


def handed_over(course: Course, e: HandedOver, at: datetime) -> None:
    """The other person owns it."""
    if not isinstance(course.state, Closed | Merged):
        course.happens(e)


def ordered(course: Course, e: OrderDispatched, at: datetime) -> None:
    """Whoever is to come has a clock, and a silence begins."""
    state = course.state
    if not isinstance(state, Open | Paused):
        return
    arrival = course.arrival(at) if e.on_site else ()
    silence = course.silence(at) if state.clock(PROGRESS) is None else ()
    course.happens(attrs.evolve(e, clocks=(*arrival, *silence)))


def given_back(course: Course, e: OrderGivenBack, at: datetime) -> None:
    """It lies with another one."""
    if isinstance(course.state, Open | Paused):
        course.happens(e)
