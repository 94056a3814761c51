"""Work lists of requests: orders, promises of the day, apologies, breaches (REQ-06, REQ-13).

An entry stands on the list of whose work it is, and goes when the work is done, decided, closed,
merged or handed over.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import attrs

from crm_core.kernel.dates import sortable_text
from crm_core.kernel.projection import Projection, Put, Remove
from crm_core.kernel.recorded import Recorded
from crm_core.kernel.values import frozen
from crm_core.kernel.worklists import SETTLED, Asker, Task, Waits, Worklist, waiting
from crm_core.requests.clocks import (
    APOLOGY,
    CLOSING,
    CONFIRMATION,
    Clock,
    ClockSet,
    kind_of,
    percent_of,
)
from crm_core.requests.commands import SATISFIED, ConfirmClosing, MakeCommitment
from crm_core.requests.early_warning import EVENTS as _WARNINGS
from crm_core.requests.early_warning import WarningRaised
from crm_core.requests.events import (
    EVENTS,
    Apologised,
    ClockBreached,
    ClosedUnanswered,
    CommitmentBroken,
    ConfirmationAttemptFailed,
    ConfirmationDue,
    Escalated,
    HandedOver,
    OrderDispatched,
    OrderGivenBack,
    PauseEnded,
    RequestClosed,
    RequestMerged,
    RequestPaused,
    RequestReceived,
    RequestReopened,
    RequestResumed,
    RequestRetold,
    RequestVoided,
    StepLifted,
    WorkReportedDone,
)
from crm_core.requests.evolve import stopped_by, told_by
from crm_core.requests.improvement import EVENTS as _PLANS
from crm_core.requests.improvement import (
    DecideImprovement,
    ImprovementApproved,
    ImprovementProposed,
    ImprovementRejected,
    ProposeImprovement,
)
from crm_core.requests.parts import Standing
from crm_core.requests.state import Request, new_time_owed

SOON = timedelta(days=1)
"""What is due within it waits for today."""

WARNED_DAYS = 7
"""How long an early warning stands on the lists: as long as its window."""

_OVER = ("closed", "merged")


@frozen
class Owed:
    """An apology that is owed.

    Args:
        clock: The clock of the apology.
    """

    clock: str
    since: datetime
    due_at: datetime


@frozen
class Told:
    """A breach that goes on, and the role that was told of it.

    Args:
        percent: How much of the target was used up then.
    """

    clock: str
    role: str
    percent: int
    at: datetime


@frozen
class WorkOnRequest:
    """What a request asks of people.

    Args:
        status: `open`, `paused`, `done`, `closed` or `merged`.
        assignee: Who does the work; `form` and `mode` say in which way.
        assigned_at: Since when.
        due_at: The end of its closing clock as it stands.
        done_by: Who reported it done.
        told_until: All that happened before has been told; see `Request`.
        ask_since: Since when the customer is to be asked for confirmation, if so.
        owed: Apologies that are owed.
        broken: Whether a promise was ever broken, so that a new time may be owed.
        told: Breaches that go on.
        steps: All breaches that were told and not lifted: those of a clock that is told anew to
            run on go on, e.g. where a merge was undone.
    """

    request: str
    household: str
    status: str
    owner: str
    assignee: str
    form: str
    mode: str
    assigned_at: datetime
    received_at: datetime
    due_at: datetime
    done_by: str
    told_until: datetime
    ask_since: datetime | None
    owed: tuple[Owed, ...]
    broken: bool
    told: tuple[Told, ...]
    steps: tuple[Told, ...]


# --- the rows ----------------------------------------------------------------------------------


def _work(rows: Any, recorded: Recorded[Any]) -> Iterable[Put[WorkOnRequest] | Remove]:
    event = recorded.event
    if isinstance(event, RequestVoided):
        return (Remove(event.request),)
    if isinstance(event, RequestReceived):
        return (_put(_received(event)),)
    before = rows.get(event.request)
    if before is None:
        return ()
    moves, told_until = told_by(event, before.told_until)
    after = _clocked(_changed(before, event), event) if moves else _late(before, event)
    broken = before.broken or isinstance(event, CommitmentBroken)
    after = attrs.evolve(after, told_until=told_until, broken=broken)
    return () if after == before else (_put(after),)


def _put(row: WorkOnRequest) -> Put[WorkOnRequest]:
    order = SETTLED if row.status in _OVER else sortable_text(row.due_at)
    return Put(row.request, row, order)


def _received(event: RequestReceived) -> WorkOnRequest:
    return WorkOnRequest(
        request=event.request,
        household=event.household,
        status="open",
        owner=event.owner,
        assignee=event.owner,
        form="operator",
        mode="order",
        assigned_at=event.received_at,
        received_at=event.received_at,
        due_at=event.clocks[0].due_at,
        done_by="",
        told_until=event.received_at,
        ask_since=None,
        owed=(),
        broken=False,
        told=(),
        steps=(),
    )


def _changed(row: WorkOnRequest, event: Any) -> WorkOnRequest:
    """What an event says of people and of the status."""
    match event:
        case OrderDispatched(to=to, form=form, mode=mode, dispatched_at=at):
            return attrs.evolve(row, assignee=to, form=form, mode=mode, assigned_at=at)
        case OrderGivenBack(to=to, form=form, given_back_at=at):
            return attrs.evolve(row, assignee=to, form=form, mode="order", assigned_at=at)
        case HandedOver(from_owner=old, to_owner=new):
            if (row.assignee, row.form, row.mode) == (old, "operator", "order"):
                row = attrs.evolve(row, assignee=new)
            return attrs.evolve(row, owner=new)
        case RequestPaused():
            return attrs.evolve(row, status="paused")
        case RequestResumed() | PauseEnded():
            return attrs.evolve(row, status="open")
        case WorkReportedDone(done_by=who):
            return attrs.evolve(row, status="done", done_by=who, ask_since=None)
        case ConfirmationDue(due_at=at):
            return attrs.evolve(row, ask_since=at)
        case ConfirmationAttemptFailed():
            return attrs.evolve(row, ask_since=None)
        case Apologised(lifts=lifts):
            return attrs.evolve(row, owed=tuple(one for one in row.owed if one.clock not in lifts))
        case CommitmentBroken(clocks=clocks, broken_at=at):
            more = [Owed(c.clock, at, c.due_at) for c in clocks if kind_of(c.clock) == APOLOGY]
            return attrs.evolve(row, owed=(*row.owed, *more))
        case ClockBreached(clock=clock, told=role, at=at):
            return _breaches(row, Told(clock, role, 100, at))
        case Escalated(clock=clock, told=role, percent=percent, at=at):
            return _breaches(row, Told(clock, role, percent, at))
        case RequestClosed(word=None):
            return attrs.evolve(row, status="closed", ask_since=None, owed=(), told=())
        case RequestClosed() | ClosedUnanswered():
            return attrs.evolve(row, status="closed", ask_since=None, told=())
        case RequestMerged():
            return attrs.evolve(row, status="merged", ask_since=None, owed=(), told=())
        case RequestReopened(reopened_at=at):
            return attrs.evolve(row, status="open", ask_since=None, assigned_at=at)
        case StepLifted(clock=clock, percent=percent, at=at):
            gone = (clock, percent, at)
            told, steps = (
                tuple(one for one in some if (one.clock, one.percent, one.at) != gone)
                for some in (row.told, row.steps)
            )
            return attrs.evolve(row, told=told, steps=steps)
        case RequestRetold(standing=standing):
            return _stands(row, standing)
    return row


def _breaches(row: WorkOnRequest, told: Told) -> WorkOnRequest:
    return attrs.evolve(row, told=(*row.told, told), steps=(*row.steps, told))


def _late(row: WorkOnRequest, event: Any) -> WorkOnRequest:
    """Of what is recorded late only breaches matter before it is told where the request stands."""
    return _changed(row, event) if isinstance(event, ClockBreached | Escalated) else row


def _stands(row: WorkOnRequest, standing: Standing) -> WorkOnRequest:
    """Where the request stands after its course was told anew."""
    running = {clock.name: clock.set for clock in standing.running}
    closing = [c for c in (*standing.finished, *standing.running) if c.kind == CLOSING]
    given, asking = (
        standing.assignment,
        [c for n, c in running.items() if kind_of(n) == CONFIRMATION],
    )
    same = (row.assignee, row.form) == (given.to, given.form)
    return attrs.evolve(
        row,
        status=standing.status,
        owner=standing.owner,
        assignee=given.to,
        form=given.form,
        mode=given.mode,
        assigned_at=row.assigned_at if same else row.told_until,
        due_at=max(closing, key=_started).set.due_at if closing else row.due_at,
        done_by=standing.done_by,
        ask_since=standing.last_attempt_at or standing.done_at if asking else None,
        owed=tuple(
            Owed(duty.clock, running[duty.clock].started_at, running[duty.clock].due_at)
            for duty in standing.duties
            if duty.clock in running
        ),
        told=tuple(one for one in row.steps if _went_on(one, running.get(one.clock))),
    )


def _started(clock: Clock) -> datetime:
    return clock.set.started_at


def _went_on(told: Told, clock: ClockSet | None) -> bool:
    """Whether a clock runs that has come as far as was told."""
    return clock is not None and (not clock.step or percent_of(clock.step) > told.percent)


def _clocked(row: WorkOnRequest, event: Any) -> WorkOnRequest:
    """What it does to clocks: one that stops, or begins anew, is in breach no longer."""
    stopped = stopped_by(event)
    clocks: tuple[ClockSet, ...] = getattr(event, "clocks", ())
    again = {c.clock for c in clocks if c.step and percent_of(c.step) <= 100}
    told = tuple(one for one in row.told if not stopped.has(one.clock) and one.clock not in again)
    due_at = next((c.due_at for c in clocks if kind_of(c.clock) == CLOSING), row.due_at)
    if (told, due_at) == (row.told, row.due_at):
        return row
    return attrs.evolve(row, told=told, due_at=due_at)


# --- whose work it is --------------------------------------------------------------------------


def _tasks(row: WorkOnRequest, asker: Asker) -> Iterable[Task]:
    yield from _orders(row, asker)
    if row.owner == asker.id:
        if row.status == "open" and row.due_at <= asker.now + SOON:
            yield _task("request_due", row, "report-done", row.received_at, row.due_at)
        for owed in row.owed:
            yield _task("apology", row, "apologise", owed.since, owed.due_at)
        if row.broken and not row.owed and _new_time_owed(row, asker):
            yield _task("new_time", row, "make-commitment", row.told_until, None)
    yield from _to_confirm(row, asker)
    for told in row.told:
        if told.role in asker.roles:
            details = {"clock": told.clock, "percent": str(told.percent)}
            yield _task("breach", row, "", told.at, None, because="role", details=details)


def _new_time_owed(row: WorkOnRequest, asker: Asker) -> bool:
    """Whether nobody has promised another time since a promise was broken (REQ-09)."""
    promise = MakeCommitment(row.request, "", due_at=asker.now, made_at=asker.now)
    state = asker.state_of(promise)
    return isinstance(state, Request) and new_time_owed(state)


def _orders(row: WorkOnRequest, asker: Asker) -> Iterable[Task]:
    if row.status not in ("open", "paused"):
        return
    since, due_at = row.assigned_at, row.due_at
    if row.form == "department":
        if asker.is_of(row.assignee):
            what, act = ("order_to_grab", "grab-order") if row.mode == "grab" else ("order", "")
            yield _task(what, row, act, since, due_at, because="department")
    elif row.assignee == asker.id and row.assignee != row.owner:
        yield _task("order", row, "report-done", since, due_at)


def _to_confirm(row: WorkOnRequest, asker: Asker) -> Iterable[Task]:
    """Its owner asks the customer, or others of the desk if the owner did the work (REQ-08)."""
    if row.status != "done" or row.ask_since is None or row.ask_since > asker.now:
        return
    theirs = row.owner == asker.id
    if not theirs and row.owner != row.done_by:
        return
    if asker.may(ConfirmClosing(row.request, asker.now, SATISFIED, None)):  # type: ignore[arg-type]
        because = "own" if theirs else "role"
        yield _task("confirmation", row, "confirm-closing", row.ask_since, None, because=because)


def _task(
    what: str,
    row: WorkOnRequest,
    act: str,
    since: datetime,
    due_at: datetime | None,
    *,
    because: str = "own",
    details: dict[str, str] | None = None,
) -> Task:
    return Task(
        what=what,
        subject=row.request,
        household=row.household,
        act=act,
        since=since,
        due_at=due_at,
        because=because,
        details=details or {},
    )


WORK_ON_REQUESTS = Projection(
    name="requests.work",
    version=1,
    row=WorkOnRequest,
    names=frozenset(kind.stored for kind in EVENTS),
    apply=_work,
)
"""What requests ask of people; those that are over stand behind the rest."""

WAITING = waiting(
    "requests",
    {kind.cls: kind.stored for kind in (*_PLANS, *_WARNINGS)},
    (
        Waits(
            what="improvement",
            command=DecideImprovement,
            opens={ImprovementProposed: lambda e: e.plan},
            settles={ImprovementApproved: lambda e: e.plan, ImprovementRejected: lambda e: e.plan},
            fields=lambda subject, _: {"plan": subject},
        ),
        Waits(
            what="early_warning",
            command=ProposeImprovement,
            opens={WarningRaised: lambda e: f"{e.place} {e.trade} {e.measure}"},
            settles={},
            fields=lambda _, __: {},
            days=WARNED_DAYS,
        ),
    ),
)

WORKLISTS = (Worklist(WORK_ON_REQUESTS, _tasks), WAITING)
