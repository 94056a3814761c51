"""客服工作记录表: the year's requests, and what was done about each (REQ-01 to REQ-16)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Any

from crm_core.application.papers.base import SIGNED, YEAR, Ask, Filled, Paper, line, printed, typed
from crm_core.application.papers.model import (
    DAY,
    DRAFTED,
    INSTANT,
    NUMBER,
    SIGN,
    TABLE,
    Line,
    Printed,
    Section,
)
from crm_core.kernel.dates import local_date
from crm_core.kernel.recorded import Recorded
from crm_core.requests import REQUEST
from crm_core.requests.clocks import CLOSING
from crm_core.requests.events import EVENTS, ArrivedOnSite, CommitmentMade, CommitmentRenegotiated
from crm_core.requests.parts import BREACHED, PROMISE_BROKEN
from crm_core.requests.state import Closed, Request, status_of

NAMES = tuple(kind.stored for kind in EVENTS)

_RECEIVED = "requests.received/1"
_RECLASSIFIED = "requests.reclassified/1"
_LATE = ("requests.clock_breached/1.at", "requests.commitment_broken/1.due_at")


def _work(ask: Ask) -> Filled:
    told = _by_request(ask)
    year, zone = int(ask.asked.about), ask.sources.host.zone
    found = []
    for events in told.values():
        state = REQUEST.decider.fold(one.event for one in events)
        if isinstance(state, Request) and local_date(state.received_at, zone).year == year:
            found.append(state)
    found.sort(key=lambda one: (one.received_at, one.request))
    numbers = {one.request for one in found}
    entered = (e for number, events in told.items() if number in numbers for e in events)
    return Filled(
        stamps=[ask.entered(DRAFTED, entered)],
        policies=tuple(sorted({f"{one.policy} {one.policy.digest}" for one in found})),
        lines={"kinds": _kinds(found), "requests": [_line(one, zone) for one in found]},
    )


def _by_request(ask: Ask) -> dict[str, list[Recorded[Any]]]:
    """What is seen of each request, in the order of the log, its texts opened."""
    found: dict[str, list[Recorded[Any]]] = {}
    for recorded in ask.sources.host.log.feed(names=NAMES):
        if ask.seen(recorded) and recorded.stream.startswith(f"{REQUEST.decider.name}/"):
            number = recorded.stream.partition("/")[2]
            found.setdefault(number, []).append(ask.sources.texts.opened(recorded))
    return found


def _kinds(requests: Iterable[Request]) -> Iterator[Line]:
    came, ended, late = Counter[str](), Counter[str](), Counter[str]()
    for one in requests:
        came[one.kind] += 1
        ended[one.kind] += isinstance(one, Closed)
        late[one.kind] += _late(one)
    for kind in sorted(came):
        yield line(
            "", request_kind=kind, received=came[kind], closed=ended[kind], overdue=late[kind]
        )


def _late(request: Request) -> bool:
    """Whether its closing came too late, or a promise was broken, and that stands."""
    return any(
        step.what == PROMISE_BROKEN or (step.what == BREACHED and step.clock.startswith(CLOSING))
        for step in request.taken
    )


def _line(request: Request, zone: str) -> Line:
    counted = [one for one in request.entries if one.counts_from is not None]
    promises = [e for e in counted if isinstance(e, CommitmentMade | CommitmentRenegotiated)]
    arrivals = [one.arrived_at for one in counted if isinstance(one, ArrivedOnSite)]
    closed = request if isinstance(request, Closed) else None
    received = request.received
    return line(
        received.household,
        request=request.request,
        received_at=request.received_at,
        household=received.household or None,
        spot=typed(received.spot or received.place),
        channel=received.channel,
        request_kind=request.kind,
        severity=request.severity,
        summary=typed(received.summary),
        owner=request.owner,
        assigned_to=request.assignment.to,
        promised_until=promises[-1].due_at if promises else None,
        arrived_at=max(arrivals, default=None),
        done_at=request.done_at,
        closed_on=_day(None if closed is None else closed.closed_at, zone),
        request_status=status_of(request),
        opinion=None if closed is None else closed.opinion,
        words=None if closed is None else typed(closed.words),
        late=_late(request),
    )


def _day(instant: datetime | None, zone: str) -> date | None:
    return None if instant is None else local_date(instant, zone)


def _kind(data: str = "") -> Printed:
    sources = (f"{_RECEIVED}.kind", f"{_RECLASSIFIED}.kind")
    return printed("request_kind", *sources, kind="kind", data=data)


WORK_RECORD = Paper(
    name="work-record",
    about=YEAR,
    main="requests",
    stamps={DRAFTED: (f"{_RECEIVED}@recorded", f"{_RECEIVED}@actor"), **SIGNED},
    fill=_work,
    sections=(
        Section(
            "kinds",
            TABLE,
            (
                _kind("statistic"),
                printed("received", f"{_RECEIVED}.received_at", kind=NUMBER, data="statistic"),
                printed("closed", "requests.closed/1.closed_at", kind=NUMBER, data="statistic"),
                printed("overdue", *_LATE, kind=NUMBER, data="statistic"),
            ),
            key=("request_kind",),
        ),
        Section(
            "requests",
            TABLE,
            (
                printed("request", f"{_RECEIVED}.request", kind=SIGN),
                printed("received_at", f"{_RECEIVED}.received_at", kind=INSTANT),
                printed("household", f"{_RECEIVED}.household", kind=SIGN),
                printed("spot", f"{_RECEIVED}.spot", f"{_RECEIVED}.place"),
                printed("channel", f"{_RECEIVED}.channel", kind="channel"),
                _kind(),
                printed(
                    "severity",
                    f"{_RECEIVED}.severity",
                    f"{_RECLASSIFIED}.severity",
                    kind="severity",
                ),
                printed("summary", f"{_RECEIVED}.summary"),
                printed(
                    "owner", f"{_RECEIVED}.owner", "requests.handed_over/1.to_owner", kind=SIGN
                ),
                printed("assigned_to", "requests.order_dispatched/1.to", kind="trade"),
                printed(
                    "promised_until",
                    "requests.commitment_made/1.due_at",
                    "requests.commitment_renegotiated/1.due_at",
                    kind=INSTANT,
                ),
                printed("arrived_at", "requests.arrived_on_site/1.arrived_at", kind=INSTANT),
                printed("done_at", "requests.work_reported_done/1.done_at", kind=INSTANT),
                printed("closed_on", "requests.closed/1.closed_at", kind=DAY),
                printed(
                    "request_status",
                    "requests.closed/1.outcome",
                    "requests.paused/1.paused_at",
                    "requests.merged/1.into",
                    kind="request",
                ),
                printed("opinion", "requests.closed/1.opinion", kind="opinion"),
                printed("words", "requests.closed/1.words"),
                printed("late", *_LATE, kind="late"),
            ),
            key=("request",),
        ),
    ),
)
"""客服工作记录表: every request of a year with its course."""
