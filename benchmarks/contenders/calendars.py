"""Working time: the same office hours and holidays for crm-core and for its rivals.

businesstimedelta knows hours and holidays. workalendar knows which days are worked; the hours of a
day are counted here, in the plainest way, day by day, as its own methods go.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from importlib.metadata import version
from time import perf_counter
from typing import Any
from zoneinfo import ZoneInfo

from crm_core.kernel.calendars import WorkingCalendar
from crm_core.kernel.public_holidays import public_holidays
from crm_core.kernel.shifts import Shift

ZONE = ZoneInfo("Asia/Shanghai")
HOURS = ((time(9), time(12)), (time(13), time(18)))
DAYS_OFF = {day: name for day, name in public_holidays("cn").off if day.weekday() < 5}
A_DAY, A_YEAR = 8 * 3600, 2000 * 3600

Pair = tuple[Callable[[datetime, int], datetime], Callable[[datetime, datetime], int]]


def crm_core() -> Pair:
    shifts = tuple(Shift(a.hour * 3600, b.hour * 3600) for a, b in HOURS)
    week = (*((shifts,) * 5), (), ())
    calendar = WorkingCalendar("office", "Asia/Shanghai", week, holidays=DAYS_OFF)
    return calendar.add, calendar.elapsed


def businesstimedelta() -> Pair:
    import businesstimedelta as peer
    import pytz

    zone = pytz.timezone("Asia/Shanghai")
    working = peer.WorkDayRule(HOURS[0][0], HOURS[1][1], working_days=[0, 1, 2, 3, 4], tz=zone)
    lunch = peer.LunchTimeRule(HOURS[0][1], HOURS[1][0], working_days=[0, 1, 2, 3, 4], tz=zone)
    rules = peer.Rules([working, lunch, peer.HolidayRule(DAYS_OFF, tz=zone)])

    def elapsed(start: datetime, end: datetime) -> int:
        found = rules.difference(start, end)
        return int(found.hours * 3600 + found.seconds)

    def add(start: datetime, seconds: int) -> datetime:
        return start + peer.BusinessTimeDelta(rules, seconds=seconds)

    return add, elapsed


def workalendar() -> Pair:
    from workalendar.core import Calendar

    class Office(Calendar):  # type: ignore[misc]
        """Our days off; weekends are free."""

        def get_weekend_days(self) -> tuple[int, int]:
            return (5, 6)

        def get_calendar_holidays(self, year: int) -> list[tuple[date, str]]:
            return [(day, name) for day, name in DAYS_OFF.items() if day.year == year]

    office = Office()

    def spans(day: date) -> list[tuple[datetime, datetime]]:
        if not office.is_working_day(day):
            return []
        return [(datetime.combine(day, a, ZONE), datetime.combine(day, b, ZONE)) for a, b in HOURS]

    def elapsed(start: datetime, end: datetime) -> int:
        day, found = start.date(), timedelta()
        while day <= end.date():
            for a, b in spans(day):
                found += max(min(b, end) - max(a, start), timedelta())
            day += timedelta(days=1)
        return found // timedelta(seconds=1)

    def add(start: datetime, seconds: int) -> datetime:
        day, left = start.date(), timedelta(seconds=seconds)
        while True:
            for a, b in spans(day):
                open_for = b - max(a, start)
                if open_for >= left:
                    return max(a, start) + left
                left -= max(open_for, timedelta())
            day += timedelta(days=1)

    return add, elapsed


class Contender:
    """What it can be asked for; `peer` is the name of a function above."""

    def __init__(self) -> None:
        self._made: dict[str, Pair] = {}

    def versions(self) -> dict[str, str]:
        packages = ["attrs" if name == "crm_core" else name for name in self._made]
        return {package: version(package) for package in packages}

    def _pair(self, peer: str) -> Pair:
        if peer not in self._made:
            self._made[peer] = globals()[peer]()
        return self._made[peer]

    def answers(self, peer: str, seconds: int, count: int) -> list[Any]:
        """What it says, to be compared: due instants, and the seconds elapsed until them."""
        add, elapsed = self._pair(peer)
        found = []
        for start in _starts(count):
            due = add(start, seconds)
            found.append([due.astimezone(ZONE).isoformat(), elapsed(start, due)])
        return found

    def add(self, peer: str, seconds: int, count: int) -> float:
        """Seconds for one sum."""
        add, _ = self._pair(peer)
        starts = _starts(count)
        began = perf_counter()
        for start in starts:
            add(start, seconds)
        return (perf_counter() - began) / count

    def elapsed(self, peer: str, seconds: int, count: int) -> float:
        """Seconds for one difference."""
        _, elapsed = self._pair(peer)
        # What is between the ends is known, because ours is the inverse of adding.
        add, _ = self._pair("crm_core")
        spans = [(start, add(start, seconds).astimezone(ZONE)) for start in _starts(count)]
        gc.collect()
        began = perf_counter()
        for start, end in spans:
            elapsed(start, end)
        return (perf_counter() - began) / count

    def first(self, peer: str, seconds: int) -> float:
        """Seconds to make a calendar and get its first answer."""
        start = _starts(1)[0]
        began = perf_counter()
        add, _ = globals()[peer]()
        add(start, seconds)
        return perf_counter() - began


def _starts(count: int) -> list[datetime]:
    """Instants at all times of day and week, from 2014 on."""
    first = datetime(2014, 1, 2, 9, tzinfo=ZONE)
    return [first + timedelta(hours=37 * n % 8760, seconds=61 * n % 3600) for n in range(count)]
