"""What the clock brings about, recorded (PAY-10, REQ-09, REQ-13; decision record 0021)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from attrs import frozen

from crm_core.application.calendars import renew_calendars
from crm_core.application.checking import utc
from crm_core.application.desk import Desk, Given
from crm_core.application.host import Host
from crm_core.application.work import Planned
from crm_core.errors import Conflict, Invalid, Refused
from crm_core.kernel.dates import sortable_text
from crm_core.kernel.decider import Refusal
from crm_core.kernel.recorded import SYSTEM, Actor
from crm_core.kernel.ticking import DueCommand, Look, Source

PAGE_ROWS = 1000
"""Rows that are looked at, and commands that are written, at once."""


@frozen
class Tick:
    """What a tick did.

    Args:
        now: The instant it was asked for.
        events: How many events were recorded, by source.
    """

    now: datetime
    events: dict[str, int]


def tick(host: Host, desk: Desk, now: datetime | None, by: Actor) -> Tick:
    """Record all that the clock has brought about; see `CRM.tick`."""
    desk.may(by, "tick")
    at = utc(now, "now") or host.clock.now()
    events = {"calendars": renew_calendars(host, desk, at)}
    for source in host.registry.clock:
        events[source.name] = 0
        written = None
        while written != 0:
            host.views.catch_up(source.view)
            written = _take_due(host, desk, source, at)
            events[source.name] += written
    return Tick(at, events)


def _take_due(host: Host, desk: Desk, source: Source, now: datetime) -> int:
    """One round of what is due; what follows from it is due in the next."""
    written = 0
    for page in _pages(host, desk, source, now):
        known = host.log.outcomes([due.id for due in page])
        fresh = [Planned(d.command, d.id, now) for d in page if d.id not in known]
        try:
            written += desk.batch(fresh, by=SYSTEM, inside=True, on_refusal=_passed_over)
        except (Conflict, Invalid):
            # Somebody else wrote there meanwhile, or a row leads to other streams: one by one.
            written += sum(_take_one(desk, due, now) for due in page)
    return written


def _pages(host: Host, desk: Desk, source: Source, now: datetime) -> Iterator[list[DueCommand]]:
    """What is due, page by page, each with a look of its own.

    A target is still kept at the very instant at which it is due, so only what lies before now is.
    """
    upto = sortable_text(now - timedelta(microseconds=1))
    after = ("", "")
    while True:
        rows = host.views.scan(source.view, upto=upto, after=after, limit=PAGE_ROWS)
        if not rows:
            return
        look = Look(now, host.zone, host.policies, desk.changes(now))
        yield [due for _, _, row in rows for due in source.due(row, look)]
        after = rows[-1][0], rows[-1][1]


def _take_one(desk: Desk, due: DueCommand, now: datetime) -> int:
    try:
        receipt = desk.do(due.command, Given(SYSTEM, inside=True, id=due.id, at=now))
    except Refused:
        return 0
    return len(receipt.events)


def _passed_over(_planned: Planned, _refusal: Refusal) -> None:
    """What has moved on since it fell due is no fault of the clock."""
