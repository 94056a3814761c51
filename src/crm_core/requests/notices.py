"""What households and staff are told of a request, by the event it follows from (OUT-01).

A household hears that its request came in, what it was promised, that a promise will not be kept,
the apology with reason and remedy, and that the work is done (REQ-09). Staff hear of work that is
theirs now (REQ-06), and the holders of a role of what was escalated to it (REQ-13).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from crm_core.kernel.slice import Notice, Reading, StaffNotice, StaffNotices
from crm_core.requests.clocks import APOLOGY, kind_of
from crm_core.requests.decide import REQUEST
from crm_core.requests.events import (
    Apologised,
    ClockBreached,
    CommitmentBroken,
    CommitmentMade,
    Escalated,
    HandedOver,
    OrderDispatched,
    OrderGivenBack,
    RequestReceived,
    RequestReopened,
    WorkReportedDone,
)
from crm_core.requests.parts import Assignment
from crm_core.requests.state import Open, Paused, Request

DEPARTMENT, GRAB = "department", "grab"

# --- households --------------------------------------------------------------------------------


def _received(event: RequestReceived) -> Notice:
    answer_by = event.received_at + timedelta(seconds=event.targets.promise_seconds)
    values = {"request": event.request, "answer_by": answer_by}
    return Notice("request-received", values, event.received_at)


def _promised(event: CommitmentMade) -> Notice:
    values = {"request": event.request, "due_at": event.due_at}
    return Notice("commitment-made", values, event.made_at)


def _broken(event: CommitmentBroken) -> Notice:
    values = {"request": event.request, "due_at": event.due_at}
    return Notice("commitment-broken", values, event.broken_at)


def _apologised(event: Apologised) -> Notice:
    values: dict[str, object] = {"request": event.request}
    if event.new_due_at is None:
        return Notice("apology-made", values, event.apologised_at)
    values["new_due_at"] = event.new_due_at
    return Notice("apology-made-new-time", values, event.apologised_at)


def _done(event: WorkReportedDone) -> Notice:
    values = {"request": event.request, "done_at": event.done_at}
    return Notice("request-done", values, event.done_at)


NOTICES: dict[type, Callable[[Any], Notice]] = {
    Apologised: _apologised,
    CommitmentBroken: _broken,
    CommitmentMade: _promised,
    RequestReceived: _received,
    WorkReportedDone: _done,
}

# --- staff -------------------------------------------------------------------------------------


def _ordered(event: OrderDispatched, reading: Reading) -> tuple[StaffNotice, ...]:
    """Who was given the order; not who took it from the offer themselves."""
    if event.mode == GRAB and event.form != DEPARTMENT:
        return ()
    template = "order-offered" if event.mode == GRAB else "order-given"
    return _to_assignee(template, event, event.dispatched_at, reading)


def _given_back(event: OrderGivenBack, reading: Reading) -> tuple[StaffNotice, ...]:
    return _to_assignee("order-given-back", event, event.given_back_at, reading)


def _to_assignee(template: str, event: Any, at: Any, reading: Reading) -> tuple[StaffNotice, ...]:
    """Whom the order lies with, as long as it does: nobody runs for work that moved on."""
    state = reading.state(REQUEST, event.request)
    has = state.assignment if isinstance(state, Open | Paused) else None
    if has is None or (has.to, has.form) != (event.to, event.form):
        return ()
    values = {"request": event.request, "given_at": at}
    if event.form == DEPARTMENT:
        return (StaffNotice(template, values, at, department=event.to),)
    return (StaffNotice(template, values, at, person=event.to),)


def _handed_over(event: HandedOver, reading: Reading) -> tuple[StaffNotice, ...]:
    state = reading.state(REQUEST, event.request)
    if not isinstance(state, Request) or state.owner != event.to_owner:
        return ()
    values = {"request": event.request, "received_at": state.received_at}
    return (StaffNotice("request-handed-over", values, None, person=event.to_owner),)


def _reopened(event: RequestReopened, reading: Reading) -> tuple[StaffNotice, ...]:
    """Who owns it, and who still has the order."""
    values = {"request": event.request, "reopened_at": event.reopened_at}
    told = [StaffNotice("request-reopened", values, event.reopened_at, person=event.owner)]
    state = reading.state(REQUEST, event.request)
    if isinstance(state, Open | Paused) and state.assignment != Assignment(state.owner):
        told += [
            StaffNotice("request-reopened", values, event.reopened_at, person=state.assignment.to)
            if state.assignment.form != DEPARTMENT
            else StaffNotice(
                "request-reopened", values, event.reopened_at, department=state.assignment.to
            )
        ]
    return tuple(told)


def _owes(event: CommitmentBroken, reading: Reading) -> tuple[StaffNotice, ...]:
    """Who owns the request owes the apology (REQ-09)."""
    state = reading.state(REQUEST, event.request)
    due = [clock.due_at for clock in event.clocks if kind_of(clock.clock) == APOLOGY]
    if not due or not isinstance(state, Request) or not state.duties:
        return ()
    values = {"request": event.request, "due_at": due[0]}
    return (StaffNotice("apology-owed", values, event.broken_at, person=state.owner),)


def _breached(event: ClockBreached, _: Reading) -> tuple[StaffNotice, ...]:
    values = {"request": event.request, "clock": kind_of(event.clock), "at": event.at}
    return (StaffNotice("clock-breached", values, event.at, role=event.told),)


def _escalated(event: Escalated, _: Reading) -> tuple[StaffNotice, ...]:
    values = {
        "request": event.request,
        "clock": kind_of(event.clock),
        "percent": event.percent,
        "at": event.at,
    }
    return (StaffNotice("breach-escalated", values, event.at, role=event.told),)


STAFF_NOTICES: dict[type, StaffNotices] = {
    ClockBreached: _breached,
    CommitmentBroken: _owes,
    Escalated: _escalated,
    HandedOver: _handed_over,
    OrderDispatched: _ordered,
    OrderGivenBack: _given_back,
    RequestReopened: _reopened,
}
