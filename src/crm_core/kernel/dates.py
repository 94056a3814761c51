"""Instants, dates and periods; every conversion names its zone."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from crm_core.kernel.sentences import Malformed
from crm_core.kernel.values import frozen

ESTATE_ZONE = "Asia/Shanghai"
"""Zone of an estate's days and years unless it says otherwise."""

EARLIEST_YEAR, LATEST_YEAR = 1900, 2200
"""Years that facts and decisions lie in; others are slips, or overflow in a zone."""

EARLIEST_INSTANT = datetime(EARLIEST_YEAR, 1, 1, tzinfo=UTC)
"""The first instant at which something can be known."""

D = TypeVar("D", bound=date)

_DAY, _SECOND = timedelta(days=1), timedelta(seconds=1)

_STEP = timedelta(days=3)
"""No zone has ever changed its clock twice within three days."""

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ](?:[01][0-9]|2[0-3]):[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?"
    r"(Z|[+-][0-9]{2}:[0-9]{2})"
)


@frozen(order=True)
class Period:
    """Whole days from `start` to `end`, both included."""

    start: date
    end: date

    def __attrs_post_init__(self) -> None:
        if self.end < self.start:
            raise Malformed("period_reversed", end=self.end.isoformat())

    @classmethod
    def of_year(cls, year: int) -> Period:
        """The calendar year: the window of a yearly grading (GRD-01)."""
        return cls(date(year, 1, 1), date(year, 12, 31))

    def before(self) -> Period:
        """The calendar year before a calendar year; else as many days before."""
        if self == Period.of_year(self.start.year):
            return Period.of_year(self.start.year - 1)
        days = self.end - self.start
        end = self.start - timedelta(days=1)
        return Period(end - days, end)

    def __contains__(self, day: date) -> bool:
        return self.start <= day <= self.end


@lru_cache(maxsize=64)
def zone(name: str) -> ZoneInfo:
    """The zone of that name.

    Raises:
        Malformed: no such zone is known here.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Malformed("zone_unknown", zone=name) from error


def parse_date(text: str) -> date:
    """`YYYY-MM-DD`, and nothing else.

    Raises:
        Malformed: another form, or a day that does not exist.
    """
    if _DATE.fullmatch(text) is None:
        raise Malformed("date_form")
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Malformed("day_unknown") from error


def parse_instant(text: str) -> datetime:
    """ISO 8601 with an offset, as UTC.

    Raises:
        Malformed: no offset, another form, or an instant that does not exist.
    """
    if _INSTANT.fullmatch(text) is None:
        raise Malformed("instant_form")
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Malformed("instant_unknown") from error


def likely(day: D) -> D:
    """The date or instant itself, if it lies in the years of facts and decisions.

    Raises:
        Malformed: it does not.
    """
    if EARLIEST_YEAR <= day.year <= LATEST_YEAR:
        return day
    raise Malformed("year_unlikely", first=EARLIEST_YEAR, last=LATEST_YEAR)


def likely_instant(instant: datetime) -> datetime:
    """The instant in UTC, if it lies in the years of facts and decisions.

    Raises:
        Malformed: it has no offset, or does not.
    """
    # First as it is written: at the ends of the calendar there is no other offset to go to.
    return likely(as_utc(likely(instant)))


def as_utc(instant: datetime) -> datetime:
    """The instant in UTC.

    Raises:
        Malformed: the instant has no offset.
    """
    if instant.tzinfo is None:
        raise Malformed("offset_missing")
    return instant.astimezone(UTC)


def add_months(day: date, months: int) -> date:
    """The same day of a later month, or that month's last day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def start_of_day(day: date, zone_name: str = ESTATE_ZONE) -> datetime:
    """00:00 of `day` in the zone, as UTC."""
    return datetime.combine(day, time(), tzinfo=zone(zone_name)).astimezone(UTC)


def local_date(instant: datetime, zone_name: str = ESTATE_ZONE) -> date:
    """The day on which `instant` falls in the zone.

    Raises:
        Malformed: the instant has no offset; the zone of the machine must not stand in for it.
    """
    if instant.tzinfo is None:
        raise Malformed("offset_missing")
    return instant.astimezone(zone(zone_name)).date()


def instants_of(period: Period, zone_name: str) -> tuple[tuple[datetime, datetime], ...]:
    """The instants that fall on days of the period: spans from a first one up to, without, a last.

    There is one span, unless a clock is put back across midnight at an end of the period: then a
    day that had begun is left again.
    """
    place = zone(zone_name)
    turns = set[datetime]()
    for day in (period.start, period.end + timedelta(days=1)):
        midnight = datetime.combine(day, time(), tzinfo=UTC)
        last = midnight + 2 * _DAY
        changes = offset_changes(place, midnight - 2 * _DAY, last)
        for (first, offset), (behind, _) in pairwise([*changes, (last, timedelta())]):
            turns.add(first)
            if first <= midnight - offset < behind:
                turns.add(midnight - offset)
    spans: list[tuple[datetime, datetime]] = []
    for first, last in pairwise(sorted(turns)):
        if local_date(first, zone_name) in period:
            if spans and spans[-1][1] == first:
                first = spans.pop()[0]  # noqa: PLW2901
            spans.append((first, last))
    return tuple(spans)


def offset_changes(
    place: ZoneInfo, first: datetime, last: datetime
) -> list[tuple[datetime, timedelta]]:
    """From when which offset is in force between two instants, whole seconds; first from `first`.

    A change exactly at `last` is one of them.
    """
    found = [(first, _offset(place, first))]
    at = first
    while at < last:
        after = min(at + _STEP, last)
        known = found[-1][1]
        if _offset(place, after) != known:
            low, high = at, after
            while high - low > _SECOND:
                middle = low + (high - low) // _SECOND // 2 * _SECOND
                same = _offset(place, middle) == known
                low, high = (middle, high) if same else (low, middle)
            found.append((high, _offset(place, high)))
        at = after
    return found


def _offset(place: ZoneInfo, at: datetime) -> timedelta:
    found = at.astimezone(place).utcoffset()
    assert found is not None
    return found


def instant_text(instant: datetime) -> str:
    """The instant as it is stored: UTC with `Z`.

    Raises:
        Malformed: the instant has no offset.
    """
    return as_utc(instant).isoformat().replace("+00:00", "Z")


def sortable_text(instant: datetime) -> str:
    """The instant as text that sorts as instants do: always to the microsecond.

    Raises:
        Malformed: the instant has no offset.
    """
    return as_utc(instant).isoformat(timespec="microseconds").replace("+00:00", "Z")
