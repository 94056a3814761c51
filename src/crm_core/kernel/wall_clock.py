"""The clock on the wall of a zone, and instants and days as numbers: what time is counted by.

Instants are counted in ticks of a microsecond, so that nothing is rounded before the end, and days
by number; both from the beginning of 1970.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from crm_core.kernel.dates import offset_changes, zone
from crm_core.kernel.sentences import Malformed

DAY = 86_400
"""Seconds that the wall clock shows between two midnights."""

TICK = 1_000_000
"""Ticks of a second."""

DAY_TICKS = DAY * TICK

THURSDAY = 3
"""The weekday of day 0."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = _EPOCH.toordinal()

_SECOND, _A_TICK = timedelta(seconds=1), timedelta(microseconds=1)


def tick_of(at: datetime) -> int:
    """Number of the tick that begins at an instant.

    Raises:
        Malformed: the instant has no offset.
    """
    if at.tzinfo is None:
        raise Malformed("offset_missing")
    since = at - _EPOCH
    return (since.days * DAY + since.seconds) * TICK + since.microseconds


def instant_of(tick: int) -> datetime:
    """The instant at which a tick begins, in UTC."""
    return _EPOCH + timedelta(microseconds=tick)


def number_of(day: date) -> int:
    """Number of a day."""
    return day.toordinal() - _EPOCH_DAY


def date_of(number: int) -> date:
    """The day of a number."""
    return date.fromordinal(number + _EPOCH_DAY)


def year_of(tick: int) -> int:
    """The year of a tick; roughly, but beyond the last one, where no date can say."""
    day = tick // DAY_TICKS + _EPOCH_DAY
    return date.fromordinal(day).year if 0 < day <= date.max.toordinal() else day // 365


def start_of_year(year: int) -> int:
    """The tick with which a year of UTC begins."""
    return number_of(date(year, 1, 1)) * DAY_TICKS


@lru_cache(maxsize=4096)
def clock_changes(name: str, year: int) -> tuple[tuple[int, int], ...]:
    """From when which offset is in force in a year of UTC, in ticks; first from its beginning."""
    at, end = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    changes = offset_changes(zone(name), at, end - _SECOND)
    return tuple((tick_of(since), offset // _A_TICK) for since, offset in changes)
