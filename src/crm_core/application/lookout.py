"""The clock looks for what is more than usual, on every day that has ended (REQ-19)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from crm_core.application.desk import Desk, Given
from crm_core.application.host import Host
from crm_core.application.places import place_of
from crm_core.errors import Invalid
from crm_core.kernel.dates import local_date, sortable_text, start_of_day
from crm_core.kernel.recorded import SYSTEM
from crm_core.owners.views import DIRECTORY
from crm_core.requests.early_warning import (
    ALL,
    OCCURRENCES,
    OUTLOOK,
    WARNINGS,
    Counted,
    LookForWarnings,
    Unusual,
    first_day,
    raise_warning,
    unusual,
    warning_id,
)
from crm_core.requests.sla import DEFAULT_SLA, EarlyWarning, SlaPolicy

SOURCE = "warnings"
"""What a tick counts them under."""

PAGE_ROWS = 1000

_DAY = timedelta(days=1)


def look(host: Host, desk: Desk, now: datetime) -> int:
    """Raise the warnings of every day that has ended since the last look; how many events.

    The days of a window before the last look are looked at again, for facts that came late. The
    first look goes back as far as the policy looks for what is usual; what lies before is history.
    A day is looked at once, and what was counted is read once, however many days have passed.
    """
    yesterday = local_date(now, host.zone) - _DAY
    outlook, _ = host.log.fold(OUTLOOK.stream(ALL), OUTLOOK.decider.evolve, OUTLOOK.decider.initial)
    if outlook.upto is not None and outlook.upto >= yesterday:
        return 0
    days = _days(host, outlook.upto, yesterday)
    if not days:
        return 0
    host.views.catch_up(OCCURRENCES)
    counted = list(_counted(host, min(first_day(on, table) for on, table in days.items()), now))
    if not counted:
        return 0
    written = 0
    for found in _news(host, unusual(counted, days)):
        command = raise_warning(found)
        id = f"tick:warning:{warning_id(command)}:{found.count}"
        given = Given(SYSTEM, inside=True, id=id, at=now)
        written += len(desk.do(command, given).events)
    noted = Given(SYSTEM, inside=True, id=f"tick:warnings:{yesterday.isoformat()}", at=now)
    return written + len(desk.do(LookForWarnings(yesterday), noted).events)


def _days(host: Host, upto: date | None, yesterday: date) -> dict[date, EarlyWarning]:
    """The days to look at, each with the table in force on it; one without a table is none."""
    latest = _table(host, yesterday)
    if latest is None:
        return {}
    if upto is None:
        first = yesterday - _DAY * (latest.window_days * latest.usual_windows - 1)
    else:
        first = upto - _DAY * (latest.window_days - 1)
    days = {}
    for n in range((yesterday - first).days + 1):
        day = first + _DAY * n
        table = _table(host, day)
        if table is not None:
            days[day] = table
    return days


def _table(host: Host, day: date) -> EarlyWarning | None:
    try:
        return host.policies.find(SlaPolicy, DEFAULT_SLA, day).early_warning
    except Invalid:
        return None


def _counted(host: Host, first: date, now: datetime) -> Iterator[Counted]:
    """All that happened from a day on, until today began."""
    host.views.catch_up(DIRECTORY)
    upto = sortable_text(start_of_day(local_date(now, host.zone), host.zone) - _MOMENT)
    after = (sortable_text(start_of_day(first, host.zone)), "")
    places: dict[str, str] = {}
    while rows := host.views.scan(OCCURRENCES, upto=upto, after=after, limit=PAGE_ROWS):
        for _, _, one in rows:
            home = one.household
            if home and home not in places:
                line = host.views.get(DIRECTORY, home)
                places[home] = "" if line is None else place_of(line)
            yield Counted(
                place=places.get(home) or one.place,
                trade=one.trade,
                measure=one.measure,
                day=local_date(one.at, host.zone),
                position=one.position,
            )
        after = rows[-1][0], rows[-1][1]


_MOMENT = timedelta(microseconds=1)


def _news(host: Host, found: list[Unusual]) -> Iterator[Unusual]:
    """What nobody was warned of: a window that shares days with a warned one has more in it."""
    if not found:
        return
    host.views.catch_up(WARNINGS)
    warned: dict[tuple[str, str, str], tuple[date, int]] = {}
    after = (min(one.window.start for one in found).isoformat(), "")
    while rows := host.views.scan(WARNINGS, after=after, limit=PAGE_ROWS):
        for _, _, raised in rows:
            warned[raised.place, raised.trade, raised.measure] = raised.window_end, raised.count
        after = rows[-1][0], rows[-1][1]
    for one in found:
        end, count = warned.get(one.of, (date.min, 0))
        if end < one.window.start or one.count > count:
            warned[one.of] = one.window.end, one.count
            yield one
