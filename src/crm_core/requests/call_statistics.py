"""Calls of a period: in time, late, missed, for each line and member of staff (REQ-02, REQ-18).

Each call counts once: a request that says how often the phone rang is a call, unless a call that
is on record led to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from typing import Any

from crm_core.kernel.dates import Period, local_date
from crm_core.kernel.recorded import Cutoff, Recorded
from crm_core.kernel.values import frozen
from crm_core.requests.calls import EVENTS as _CALLS
from crm_core.requests.calls import PHONE, CallAnswered, CallLinked, CallMissed, CallWithdrawn
from crm_core.requests.events import EVENTS as _REQUESTS
from crm_core.requests.events import RequestReceived, RequestVoided

DIMENSIONS = ("line", "staff")

COUNTS = ("calls", "in_time", "late", "missed", "untold")
"""What is counted, each on the day on which the call came.

A call is in time, late or missed, and a missed one is breached; of a request by phone of which
nobody told the rings it is untold.
"""

CALL_NAMES = frozenset(
    kind.stored
    for kind in (*_CALLS, *_REQUESTS)
    if kind in _CALLS or kind.cls in (RequestReceived, RequestVoided)
)
"""Stored names of the events that are looked at."""

OnDuty = Callable[[str, datetime], tuple[str, ...]]
"""Who was on duty on a line at an instant."""


@frozen
class CallVerdict:
    """How one call was taken.

    Args:
        staff: Who answered it; for a missed one whoever was on duty, and one empty text if nobody
            was.
        verdict: One of `COUNTS` behind the first.
    """

    line: str
    staff: tuple[str, ...]
    day: date
    verdict: str


@frozen
class CallStatistics:
    """Calls of a period as known at a cut-off.

    Args:
        rows: For each dimension and value, the counts in the order of `COUNTS`. A missed call
            counts for everybody who was on duty.
    """

    period: Period
    cutoff: Cutoff
    rows: dict[str, dict[str, dict[str, int]]]


def answered(rings: int, target_rings: int) -> str:
    """The verdict of an answered call: exactly so many rings are still in time."""
    return "in_time" if rings <= target_rings else "late"


def call_verdicts(
    events: Iterable[Recorded[Any]], cutoff: Cutoff, zone: str, on_duty: OnDuty
) -> Iterator[CallVerdict]:
    """Every call that counts, as known at the cut-off."""
    calls: dict[str, CallAnswered | CallMissed] = {}
    led: dict[str, str] = {}
    asked: list[RequestReceived] = []
    for recorded in events:
        if not cutoff.sees(recorded):
            continue
        event = recorded.event
        if isinstance(event, CallAnswered | CallMissed):
            calls[event.call] = event
            if isinstance(event, CallAnswered) and event.request is not None:
                led[event.call] = event.request
        elif isinstance(event, CallLinked):
            led[event.call] = event.request
        elif isinstance(event, CallWithdrawn):
            calls.pop(event.call, None)
            led.pop(event.call, None)
        elif isinstance(event, RequestReceived) and _by_phone(event):
            asked.append(event)
        elif isinstance(event, RequestVoided):
            asked = [one for one in asked if one.request != event.request]
    for call in calls.values():
        if isinstance(call, CallAnswered):
            staff: tuple[str, ...] = (call.answered_by,)
            verdict = answered(call.rings, call.target_rings)
        else:
            staff = on_duty(call.line, call.came_at) or ("",)
            verdict = "missed"
        yield CallVerdict(
            line=call.line, staff=staff, day=local_date(call.came_at, zone), verdict=verdict
        )
    told = set(led.values())
    for request in asked:
        if request.request not in told:
            yield CallVerdict(
                line="",
                staff=(request.owner,),
                day=local_date(request.received_at, zone),
                verdict="untold"
                if request.rings is None
                else answered(request.rings, request.targets.answer_rings),
            )


def _by_phone(event: RequestReceived) -> bool:
    """Whether somebody called; what follows from dissatisfaction came by no call of its own."""
    return event.channel == PHONE and (event.follows is None or event.rings is not None)


def call_statistics(found: Iterable[CallVerdict], period: Period, cutoff: Cutoff) -> CallStatistics:
    """Counts of a period for each line and member of staff."""
    rows: dict[str, dict[str, dict[str, int]]] = {dimension: {} for dimension in DIMENSIONS}
    for call in found:
        if call.day in period:
            for dimension, values in (("line", (call.line,)), ("staff", call.staff)):
                for value in values:
                    row = rows[dimension].setdefault(value, dict.fromkeys(COUNTS, 0))
                    row["calls"] += 1
                    row[call.verdict] += 1
    ordered = {name: dict(sorted(values.items())) for name, values in rows.items()}
    return CallStatistics(period, cutoff, ordered)
