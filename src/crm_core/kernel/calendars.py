"""Working calendars (工作日历): which seconds count for a clock (REQ-11, decision record 0019).

An instant counts when the clock on the wall, in the calendar's zone, then reads a time inside a
shift (班次). A shift belongs to the day on which it begins, also where it runs past midnight. So a
time that the wall clock leaps over counts not at all, and one that it shows twice counts twice.

Every answer is arithmetic on sums that are kept for the week, for the days that differ from it and
for the changes of the zone's clock: it costs the same for a day and for ten years.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Any

from attrs import define, field, frozen

from crm_core.kernel.dates import as_utc, parse_date, zone
from crm_core.kernel.policy import PathFault, PolicyFault, wrong
from crm_core.kernel.public_holidays import PublicHolidays, public_holidays
from crm_core.kernel.sentences import Malformed

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

FIRST_YEAR, LAST_YEAR = 1900, 2999
"""Years that a calendar answers for; one on public holidays answers for those with a notice."""

_DAY = 86_400
_TICK = 1_000_000
"""Microseconds: what instants are counted in, so that nothing is rounded before the end."""

_DAY_TICKS = _DAY * _TICK
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = _EPOCH.toordinal()
_THURSDAY = 3  # the weekday of the epoch


class UncoveredYear(Malformed):
    """The calendar cannot know how a year is worked: no official notice, or out of its range."""

    def __init__(self, year: int, country: str = "") -> None:
        if country:
            super().__init__("year_without_notice", country=country, year=year)
        else:
            super().__init__("year_without_calendar", year=year)
        self.year, self.country = year, country


@frozen(order=True)
class Shift:
    """Working time of a day, from `start` up to and without `end`.

    Args:
        start: Seconds of the wall clock after midnight.
        end: The same; above 86,400 it lies on the day after.
    """

    start: int
    end: int

    def __attrs_post_init__(self) -> None:
        if not 0 <= self.start < _DAY or not self.start < self.end <= self.start + _DAY:
            raise Malformed("shift_form")

    def __str__(self) -> str:
        return f"{_clock(self.start)}-{_clock(self.end if self.end <= _DAY else self.end - _DAY)}"


@frozen
class Segment:
    """A stretch of time that counts, or does not, and why (REQ-15).

    Args:
        start: First instant of it.
        end: First instant after it.
        counted: Whether the clock ran.
        why: What decided, e.g. `working hours` or `public holiday 春节`.
    """

    start: datetime
    end: datetime
    counted: bool
    why: str


Shifts = tuple[Shift, ...]


def _dated(
    days: Mapping[date, Iterable[Shift]] | Iterable[tuple[date, Iterable[Shift]]],
) -> tuple[tuple[date, Shifts], ...]:
    pairs = days.items() if isinstance(days, Mapping) else days
    return tuple(sorted((day, tuple(sorted(shifts))) for day, shifts in pairs))


def _ordered(shifts: Iterable[Shift]) -> Shifts:
    return tuple(sorted(shifts))


def _weekly(week: Iterable[Iterable[Shift]]) -> tuple[Shifts, ...]:
    return tuple(map(_ordered, week))


def _days(days: Iterable[date]) -> tuple[date, ...]:
    return tuple(sorted(set(days)))


@frozen
class WorkingCalendar:
    """When work is done, in one zone.

    What holds for a day is, in this order: its own hours, a holiday, the public notice, its
    weekday. Instants go in and come out aware and in UTC; between two of them time is counted to
    the microsecond and given in whole seconds.

    Args:
        name: What it is called; nothing depends on it.
        zone: Name of its zone, e.g. `Asia/Shanghai`.
        week: Shifts of Monday to Sunday.
        exceptions: Days with hours of their own, or with none.
        holidays: Days without work.
        public: Public holidays that are kept; other years than theirs are not answered for.
        make_up: Shifts of a make-up working day of the public notices.

    Raises:
        PolicyFault: shifts overlap, the week has no working time, or the zone is not known.
    """

    name: str
    zone: str
    week: tuple[Shifts, ...] = field(converter=_weekly)
    exceptions: tuple[tuple[date, Shifts], ...] = field(default=(), converter=_dated)
    holidays: tuple[date, ...] = field(default=(), converter=_days)
    public: PublicHolidays | None = None
    make_up: Shifts = field(default=(), converter=_ordered)
    _sums: _Sums = field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        faults = list(_faults(self))
        if faults:
            raise PolicyFault(faults)
        object.__setattr__(self, "_sums", _Sums.of(self))

    def working(self, at: datetime) -> bool:
        """Whether the clock runs at that instant.

        Raises:
            UncoveredYear: the calendar does not know that year.
        """
        tick = _tick(at)
        done = self._sums.done(tick)
        return self._sums.done(tick + 1) > done

    def add(self, start: datetime, seconds: int) -> datetime:
        """The instant when that much working time is over.

        Time that is used up with a shift is due at the end of the shift, not at the next opening;
        adding nothing rolls to working time. A negative amount is subtracted.

        Raises:
            UncoveredYear: the start or the result lies in a year that the calendar does not know.
        """
        if seconds < 0:
            return self.subtract(start, -seconds)
        if seconds == 0:
            return self.roll(start)
        done = self._sums.done(_tick(start))
        return _instant(self._sums.find(done + seconds * _TICK - 1) + 1)

    def subtract(self, end: datetime, seconds: int) -> datetime:
        """The last instant from which that much working time leads up to `end`.

        Subtracting nothing leads back to the last closing, unless `end` is working time itself.

        Raises:
            UncoveredYear: the end or the result lies in a year that the calendar does not know.
        """
        done = self._sums.done(_tick(end))
        if seconds == 0:
            return as_utc(end) if self.working(end) else _instant(self._sums.find(done - 1) + 1)
        return _instant(self._sums.find(done - seconds * _TICK))

    def elapsed(self, start: datetime, end: datetime) -> int:
        """Whole working seconds from `start` to `end`; none where the end is not after the start.

        Raises:
            UncoveredYear: a year between them is not known to the calendar.
        """
        first, last = _tick(start), _tick(end)
        if last <= first:
            return 0
        return (self._sums.done(last) - self._sums.done(first)) // _TICK

    def roll(self, at: datetime) -> datetime:
        """The instant itself where work is done, else the next opening.

        Raises:
            UncoveredYear: it, or the opening, lies in a year that the calendar does not know.
        """
        return _instant(self._sums.find(self._sums.done(_tick(at))))

    def segments(self, start: datetime, end: datetime) -> tuple[Segment, ...]:
        """The whole span from `start` to `end` in stretches that count or do not (REQ-15).

        Neighbours differ in what they say. Its length is that of the answer: a year of office
        hours has some thousand segments.

        Raises:
            UncoveredYear: a year between them is not known to the calendar.
        """
        first, last = _tick(start), _tick(end)
        if last <= first:
            return ()
        found: list[tuple[int, int, bool, str]] = []
        for begin, stop, counted, why in self._sums.walk(self, first, last):
            if found and found[-1][2:] == (counted, why):
                found[-1] = (found[-1][0], stop, counted, why)
            else:
                found.append((begin, stop, counted, why))
        return tuple(Segment(_instant(a), _instant(b), on, why) for a, b, on, why in found)

    def hours(self, day: date) -> Shifts:
        """The shifts that begin on a day of the calendar's zone.

        Raises:
            UncoveredYear: the calendar does not know that year.
        """
        return self._sums.hours(_number(day))[0]

    def add_days(self, start: datetime, days: int) -> datetime:
        """The instant so many working days later (or earlier), at the same time of day.

        A start outside working time is rolled forward first, and so is a result.

        Raises:
            UncoveredYear: the start or the result lies in a year that the calendar does not know.
        """
        at = self.roll(start).astimezone(zone(self.zone))
        day = self._sums.nth_day(_number(at.date()), days)
        moved = datetime.combine(_date(day), at.time(), at.tzinfo)
        return self.roll(moved)

    def working_days(self, first: date, last: date) -> int:
        """How many days from `first` to `last`, both included, have shifts of their own.

        Raises:
            UncoveredYear: a year between them is not known to the calendar.
        """
        if last < first:
            return 0
        return self._sums.days(_number(last) + 1) - self._sums.days(_number(first))


# --- faults --------------------------------------------------------------------------------------


def _faults(calendar: WorkingCalendar) -> Iterator[PathFault]:
    """What is wrong with a calendar."""
    try:
        zone(calendar.zone)
    except Malformed as error:
        yield "zone", error
    if len(calendar.week) != len(WEEKDAYS):
        yield wrong("week", "week_of_other_length", days=len(calendar.week))
        return
    if not any(calendar.week):
        yield wrong("week", "no_working_time")
    own = [(f"week.{name}", hours) for name, hours in zip(WEEKDAYS, calendar.week, strict=True)]
    own += [(f"exceptions.{day}", hours) for day, hours in calendar.exceptions]
    own += [("make_up", calendar.make_up)]
    bad = {path for path, hours in own if any(b.start < a.end for a, b in pairwise(hours))}
    yield from (wrong(path, "shifts_overlap") for path in sorted(bad))
    listed = {day for day, _ in calendar.exceptions}
    if len(listed) < len(calendar.exceptions):
        yield wrong("exceptions", "a_day_twice")
    yield from (
        wrong(f"holidays.{day}", "holiday_with_hours") for day in calendar.holidays if day in listed
    )
    if calendar.public is None and calendar.make_up:
        yield wrong("make_up", "make_up_without_holidays")
    if calendar.public is not None and not calendar.make_up:
        yield wrong("make_up", "make_up_missing")
    if not bad:
        yield from _clashes(calendar)


def _clashes(calendar: WorkingCalendar) -> Iterator[PathFault]:
    """Shifts that run into those of the next day."""
    for i, name in enumerate(WEEKDAYS):
        if _clash(calendar.week[i], calendar.week[(i + 1) % 7]):
            yield wrong(f"week.{name}", "shift_runs_on")
    hours = _special(calendar)
    for day, (shifts, why, _) in sorted(hours.items()):
        for one, other in ((day - 1, day), (day, day + 1)):
            # Two special neighbours meet in the turn of the later one only.
            if one == day and other in hours:
                continue
            before = shifts if one == day else _hours(calendar, hours, one)
            after = shifts if other == day else _hours(calendar, hours, other)
            if (one in hours or other in hours) and _clash(before, after):
                path = f"exceptions.{_date(one)}" if why == _OWN else f"{_date(one)}"
                yield wrong(path, "shift_runs_on")


def _hours(calendar: WorkingCalendar, special: Mapping[int, _Hours], day: int) -> Shifts:
    found = special.get(day)
    return calendar.week[(day + _THURSDAY) % 7] if found is None else found[0]


def _clash(hours: Shifts, following: Shifts) -> bool:
    return bool(hours and following and hours[-1].end - _DAY > following[0].start)


# --- what holds for a day ------------------------------------------------------------------------

_REGULAR, _OWN = "working hours", "hours of that day"
_OUTSIDE, _FREE = "outside working hours", "no working day"

_Hours = tuple[Shifts, str, str]
"""Shifts of a day, why they count, and why the rest of it does not."""


def _special(calendar: WorkingCalendar) -> dict[int, _Hours]:
    """The days, by number, that do not follow their weekday."""
    found: dict[int, _Hours] = {}
    if calendar.public is not None:
        for day, name in calendar.public.off:
            found[_number(day)] = ((), "", f"public holiday {name}")
        for day, name in calendar.public.make_up:
            found[_number(day)] = (calendar.make_up, f"make-up working day {name}", _OUTSIDE)
    for day in calendar.holidays:
        found[_number(day)] = ((), "", "holiday")
    for day, shifts in calendar.exceptions:
        found[_number(day)] = (shifts, _OWN, _OUTSIDE if shifts else "closed on that day")
    return found


@frozen
class _Profile:
    """The working time between two midnights, in ticks of the wall clock."""

    starts: tuple[int, ...]
    ends: tuple[int, ...]
    before: tuple[int, ...]
    total: int

    @classmethod
    def of(cls, previous: Shifts, own: Shifts) -> _Profile:
        """From the shifts that begin on the day and those of the day before."""
        parts = [(0, shift.end - _DAY) for shift in previous if shift.end > _DAY]
        parts += [(shift.start, min(shift.end, _DAY)) for shift in own]
        before, total = [], 0
        for start, end in parts:
            before.append(total)
            total += (end - start) * _TICK
        return cls(
            tuple(start * _TICK for start, _ in parts),
            tuple(end * _TICK for _, end in parts),
            tuple(before),
            total,
        )

    def until(self, ticks: int) -> int:
        """Working time from midnight."""
        i = bisect_right(self.starts, ticks) - 1
        if i < 0:
            return 0
        return self.before[i] + min(ticks, self.ends[i]) - self.starts[i]

    def find(self, done: int) -> int:
        """Where the working tick of that number begins."""
        i = bisect_right(self.before, done) - 1
        return self.starts[i] + done - self.before[i]


@define(eq=False)
class _Sums:
    """Sums of working time, by day of the wall clock and by change of the zone's clock.

    `done` counts the working ticks before an instant, from a zero of its own; `find` is its
    inverse. Both go from the instant to the wall clock by the offset in force, from there to the
    day, and from the day to its place in the week or among the special days.
    """

    zone: str
    week: tuple[_Profile, ...]
    week_hours: tuple[Shifts, ...]
    week_before: tuple[int, ...]
    """Working ticks from Monday to each weekday, and of the whole week."""
    days_before: tuple[int, ...]
    """The same for working days."""
    special_hours: dict[int, _Hours]
    special: dict[int, _Profile]
    special_days: list[int]
    special_done: list[int]
    """Working ticks before each special day."""
    shifted: list[int]
    """By how much the special days before have changed the sum of the weeks; one more at the end"""
    counted_days: list[int]
    """Special days that are worked where their weekday is not, or the other way round."""
    shifted_days: list[int]
    first: int
    last: int
    country: str
    """First and last day that is known, and whose notices say so."""
    late: int
    """How long the longest shift runs past midnight."""
    since: list[int] = field(factory=list)
    """Instants from which an offset is in force."""
    offsets: list[int] = field(factory=list)
    constants: list[int] = field(factory=list)
    """What is to be added to the sum by the wall clock while the offset is in force."""
    marks: list[int] = field(factory=list)
    """The sum at each of these instants."""
    years: list[int] = field(factory=list)
    """First year and last year that these lists hold."""
    begin: int = 0
    """First instant that these lists hold."""
    end: int = 0
    """First instant after them."""

    @classmethod
    def of(cls, calendar: WorkingCalendar) -> _Sums:
        week = tuple(
            _Profile.of(calendar.week[i - 1], calendar.week[i]) for i in range(len(WEEKDAYS))
        )
        hours = _special(calendar)
        public = calendar.public
        years = (public.first_year, public.last_year) if public else (FIRST_YEAR, LAST_YEAR)
        shifts = [s for one in (*calendar.week, calendar.make_up) for s in one]
        shifts += [s for _, one in calendar.exceptions for s in one]
        sums = cls(
            zone=calendar.zone,
            week=week,
            week_hours=calendar.week,
            week_before=_running(profile.total for profile in week),
            days_before=_running(int(bool(one)) for one in calendar.week),
            special_hours=hours,
            special={},
            special_days=[],
            special_done=[],
            shifted=[0],
            counted_days=[],
            shifted_days=[0],
            first=_number(date(years[0], 1, 1)),
            last=_number(date(years[1], 12, 31)),
            country=public.country if public else "",
            late=max(0, *(shift.end - _DAY for shift in shifts)) * _TICK,
        )
        for day in sorted({*hours, *(day + 1 for day in hours)}):
            profile = _Profile.of(_hours(calendar, hours, day - 1), _hours(calendar, hours, day))
            regular = week[(day + _THURSDAY) % 7]
            if profile == regular:
                continue
            sums.special[day] = profile
            sums.special_days.append(day)
            sums.special_done.append(sums._weeks(day) + sums.shifted[-1])
            sums.shifted.append(sums.shifted[-1] + profile.total - regular.total)
        for day, (own, _, _) in sorted(hours.items()):
            change = bool(own) - bool(calendar.week[(day + _THURSDAY) % 7])
            if change:
                sums.counted_days.append(day)
                sums.shifted_days.append(sums.shifted_days[-1] + change)
        return sums

    # --- the wall clock ---

    def _weeks(self, day: int) -> int:
        """Working ticks before a day if every week were regular."""
        weeks, weekday = divmod(day + _THURSDAY, 7)
        return weeks * self.week_before[7] + self.week_before[weekday]

    def _wall(self, wall: int) -> int:
        """Working ticks before a reading of the wall clock."""
        day, ticks = divmod(wall, _DAY_TICKS)
        weeks, weekday = divmod(day + _THURSDAY, 7)
        profile = self.special.get(day)
        if profile is None:
            profile = self.week[weekday]
        return (
            weeks * self.week_before[7]
            + self.week_before[weekday]
            + self.shifted[bisect_left(self.special_days, day)]
            + profile.until(ticks)
        )

    def _find_wall(self, done: int) -> int:
        """The reading at which the working tick of that number begins."""
        i = bisect_right(self.special_done, done)
        if i:
            profile = self.special[self.special_days[i - 1]]
            rest = done - self.special_done[i - 1]
            if rest < profile.total:
                return self.special_days[i - 1] * _DAY_TICKS + profile.find(rest)
        weeks, rest = divmod(done - self.shifted[i], self.week_before[7])
        weekday = bisect_right(self.week_before, rest) - 1
        day = weeks * 7 + weekday - _THURSDAY
        return day * _DAY_TICKS + self.week[weekday].find(rest - self.week_before[weekday])

    def _check(self, wall: int, *, asked: bool) -> None:
        """Fail closed outside the years that are known, and name the year.

        Args:
            wall: A reading of the wall clock.
            asked: Whether it is one that was asked for, not one that was searched for: a search
                fails at the first year that is not known, wherever it would have led.
        """
        if wall < self.first * _DAY_TICKS + (self.late if self.country else 0):
            before = _date(self.first - 1).year
            raise UncoveredYear(min(_year(wall), before) if asked else before, self.country)
        if wall > (self.last + 1) * _DAY_TICKS:
            raise UncoveredYear(_year(wall) if asked else _date(self.last + 1).year, self.country)

    # --- instants ---

    def done(self, tick: int) -> int:
        """Working ticks before an instant."""
        if not self.begin <= tick < self.end:
            self._reach(_year(tick))
        i = bisect_right(self.since, tick) - 1
        wall = tick + self.offsets[i]
        self._check(wall, asked=True)
        return self.constants[i] + self._wall(wall)

    def find(self, done: int) -> int:
        """The instant at which the working tick of that number begins."""
        while done < self.marks[0]:
            wall = self._find_wall(done - self.constants[0])
            self._check(wall, asked=False)
            self._reach(min(_year(wall), self.years[0] - 1))
        while True:
            i = bisect_right(self.marks, done) - 1
            wall = self._find_wall(done - self.constants[i])
            tick = wall - self.offsets[i]
            if tick < self.end:
                break
            self._check(wall, asked=False)
            self._reach(max(_year(tick), self.years[1] + 1))
        self._check(wall + 1, asked=False)
        return tick

    def _reach(self, year: int) -> None:
        """Take up the changes of the zone's clock up to a year, in a run with those known."""
        if not FIRST_YEAR - 1 <= year <= LAST_YEAR + 1:
            raise UncoveredYear(year)
        if not self.years:
            self.years = [year, year - 1]
            self.begin = self.end = _start_of(year)
        for later in range(self.years[1] + 1, year + 1):
            for since, offset in _changes(self.zone, later):
                self._append(since, offset)
            self.years[1], self.end = later, _start_of(later + 1)
        for earlier in range(self.years[0] - 1, year - 1, -1):
            self._prepend(_changes(self.zone, earlier))
            self.years[0], self.begin = earlier, _start_of(earlier)

    def _append(self, since: int, offset: int) -> None:
        if not self.since:
            mark = self._wall(since + offset)
        elif offset == self.offsets[-1]:
            return
        else:
            mark = self.constants[-1] + self._wall(since + self.offsets[-1])
        self.since.append(since)
        self.offsets.append(offset)
        self.marks.append(mark)
        self.constants.append(mark - self._wall(since + offset))

    def _prepend(self, changes: tuple[tuple[int, int], ...]) -> None:
        for (since, offset), until in zip(
            reversed(changes), (self.begin, *(s for s, _ in reversed(changes[1:]))), strict=True
        ):
            if offset == self.offsets[0]:
                # The same offset as later: it has been in force for longer.
                self.since[0] = since
                self.marks[0] = self.constants[0] + self._wall(since + offset)
                continue
            constant = self.marks[0] - self._wall(until + offset)
            self.since.insert(0, since)
            self.offsets.insert(0, offset)
            self.constants.insert(0, constant)
            self.marks.insert(0, constant + self._wall(since + offset))

    # --- days ---

    def hours(self, day: int) -> _Hours:
        """What holds for a day."""
        if not self.first <= day <= self.last:
            raise UncoveredYear(_date(day).year, self.country)
        found = self.special_hours.get(day)
        if found is not None:
            return found
        own = self.week_hours[(day + _THURSDAY) % 7]
        return own, _REGULAR, _OUTSIDE if own else _FREE

    def days(self, day: int) -> int:
        """Working days before a day, from a zero of its own."""
        if not self.first <= day <= self.last + 1:
            raise UncoveredYear(_date(day).year, self.country)
        weeks, weekday = divmod(day + _THURSDAY, 7)
        return (
            weeks * self.days_before[7]
            + self.days_before[weekday]
            + self.shifted_days[bisect_left(self.counted_days, day)]
        )

    def nth_day(self, day: int, number: int) -> int:
        """The working day so many working days after a day, or before it."""
        if number == 0:
            return day
        wanted = self.days(day + 1 if number > 0 else day) + number
        low, high = self.first, self.last
        if not self.days(low) < wanted + (number < 0) <= self.days(high + 1):
            year = _date(high + 1 if number > 0 else low - 1).year
            raise UncoveredYear(year, self.country)
        # The last day before which fewer are counted than wanted is the wanted one itself.
        wanted += number < 0
        while low < high:
            middle = (low + high + 1) // 2
            if self.days(middle) < wanted:
                low = middle
            else:
                high = middle - 1
        return low

    # --- the trace ---

    def walk(
        self, calendar: WorkingCalendar, first: int, last: int
    ) -> Iterator[tuple[int, int, bool, str]]:
        """All of the span in pieces of a day, with the reason for each."""
        self.done(first)
        self.done(last)
        at = bisect_right(self.since, first) - 1
        while at < len(self.since) and self.since[at] < last:
            offset = self.offsets[at]
            begin = max(first, self.since[at])
            stop = last if at + 1 == len(self.since) else min(last, self.since[at + 1])
            for start, end, counted, why in self._walk_wall(begin + offset, stop + offset):
                yield start - offset, end - offset, counted, why
            at += 1

    def _walk_wall(self, begin: int, stop: int) -> Iterator[tuple[int, int, bool, str]]:
        day = begin // _DAY_TICKS
        while day * _DAY_TICKS < stop:
            midnight = day * _DAY_TICKS
            reached = midnight
            own, on, off = self.hours(day)
            parts = [(shift.start, min(shift.end, _DAY), on) for shift in own]
            if self.late and day > self.first:
                earlier, why, _ = self.hours(day - 1)
                parts[:0] = [(0, s.end - _DAY, why) for s in earlier if s.end > _DAY]
            pieces = []
            for start, end, why in parts:
                pieces.append((reached, midnight + start * _TICK, False, off))
                reached = midnight + end * _TICK
                pieces.append((midnight + start * _TICK, reached, True, why))
            pieces.append((reached, midnight + _DAY_TICKS, False, off))
            for start, end, counted, why in pieces:
                if max(start, begin) < min(end, stop):
                    yield max(start, begin), min(end, stop), counted, why
            day += 1


def _running(amounts: Iterable[int]) -> tuple[int, ...]:
    sums = [0]
    for amount in amounts:
        sums.append(sums[-1] + amount)
    return tuple(sums)


# --- instants and zones --------------------------------------------------------------------------


def _tick(at: datetime) -> int:
    if at.tzinfo is None:
        raise Malformed("offset_missing")
    since = at - _EPOCH
    return (since.days * _DAY + since.seconds) * _TICK + since.microseconds


def _instant(tick: int) -> datetime:
    return _EPOCH + timedelta(microseconds=tick)


def _number(day: date) -> int:
    return day.toordinal() - _EPOCH_DAY


def _date(number: int) -> date:
    return date.fromordinal(number + _EPOCH_DAY)


def _year(tick: int) -> int:
    """The year of a tick; roughly, but beyond the last one, where no date can say."""
    day = tick // _DAY_TICKS + _EPOCH_DAY
    return date.fromordinal(day).year if 0 < day <= date.max.toordinal() else day // 365


def _start_of(year: int) -> int:
    return _number(date(year, 1, 1)) * _DAY_TICKS


_STEP = timedelta(days=3)
"""No zone has ever changed its clock twice within three days."""

_SECOND = timedelta(seconds=1)


@lru_cache(maxsize=4096)
def _changes(name: str, year: int) -> tuple[tuple[int, int], ...]:
    """From when which offset is in force in a year of UTC, in ticks; first from its beginning."""
    place = zone(name)

    def offset(at: datetime) -> int:
        found = at.astimezone(place).utcoffset()
        assert found is not None
        return (found.days * _DAY + found.seconds) * _TICK

    at, end = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    found = [(_tick(at), offset(at))]
    while at < end - _SECOND:
        after = min(at + _STEP, end - _SECOND)
        if offset(after) != found[-1][1]:
            low, high = at, after
            while high - low > _SECOND:
                middle = low + (high - low) // _SECOND // 2 * _SECOND
                low, high = (middle, high) if offset(middle) == found[-1][1] else (low, middle)
            found.append((_tick(high), offset(high)))
        at = after
    return tuple(found)


# --- reading -------------------------------------------------------------------------------------

ALWAYS = WorkingCalendar("24x7", "UTC", ((Shift(0, _DAY),),) * 7)
"""Day and night, every day."""

_KEYS = ("name", "zone", "week", "exceptions", "holidays", "public_holidays", "make_up_day")
_HOURS = re.compile(
    r"([01][0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9]))?"
    r"-(?:(24):(00)(?::(00))?|([01][0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9]))?)"
)


def working_calendar(data: Mapping[str, Any], where: str = "") -> WorkingCalendar:
    """A calendar from its table.

        name = "office"
        zone = "Asia/Shanghai"
        public_holidays = "cn"               # optional: whose notices are kept
        make_up_day = "fri"                  # with it: the weekday whose hours a make-up day has
        holidays = [2026-03-09]              # optional: days without work
        [week]                               # a weekday that is left out has no hours
        mon = ["08:30-12:00", "13:30-17:30"]
        fri = ["22:00-06:00"]                # over midnight
        [exceptions]                         # optional: days with hours of their own
        2026-03-07 = ["09:00-12:00"]

    Args:
        data: The table.
        where: What the paths of faults begin with.

    Raises:
        PolicyFault: all that is wrong, each with its path.
    """
    faults: list[PathFault] = []
    made = _read(data, faults)
    if made is not None:
        return made
    raise PolicyFault([(".".join(filter(None, (where, path))), what) for path, what in faults])


def _read(data: Mapping[str, Any], faults: list[PathFault]) -> WorkingCalendar | None:
    faults += [wrong(str(key), "unknown_key", key=str(key)) for key in data if key not in _KEYS]
    name, place = (_text(data, key, faults) for key in ("name", "zone"))
    week = _table(data, "week", faults)
    faults += [
        wrong(f"week.{key}", "weekday_unknown", day=str(key), accepted=WEEKDAYS)
        for key in week
        if key not in WEEKDAYS
    ]
    hours = [_read_hours(week.get(day, []), f"week.{day}", faults) for day in WEEKDAYS]
    exceptions: dict[date, Shifts] = {}
    for key, value in _table(data, "exceptions", faults, needed=False).items():
        read = _read_hours(value, f"exceptions.{key}", faults)
        try:
            exceptions[parse_date(str(key))] = read
        except Malformed as error:
            faults.append((f"exceptions.{key}", error))
    holidays = data.get("holidays", [])
    if not isinstance(holidays, list) or any(type(day) is not date for day in holidays):
        faults.append(wrong("holidays", "dates_expected"))
        holidays = []
    public, make_up = _read_public(data, hours, faults)
    read_badly = bool(faults)
    try:
        made = WorkingCalendar(name, place, hours, exceptions, holidays, public, make_up)
    except PolicyFault as error:
        told = {path for path, _ in faults}
        faults += [
            fault
            for fault in error.faults
            # What could not be read is not missing as well.
            if fault[0] not in told and not (read_badly and fault[0] in ("week", "make_up"))
        ]
        return None
    return None if read_badly else made


def _read_public(
    data: Mapping[str, Any], hours: list[Shifts], faults: list[PathFault]
) -> tuple[PublicHolidays | None, Shifts]:
    if "public_holidays" not in data:
        if "make_up_day" in data:
            faults.append(wrong("make_up_day", "make_up_day_alone"))
        return None, ()
    public = None
    try:
        public = public_holidays(str(data["public_holidays"]))
    except Malformed as error:
        faults.append(("public_holidays", error))
    weekday = data.get("make_up_day")
    if weekday not in WEEKDAYS:
        faults.append(wrong("make_up_day", "one_of_expected", accepted=WEEKDAYS))
        return public, ()
    make_up = hours[WEEKDAYS.index(weekday)]
    if not make_up:
        faults.append(wrong("make_up_day", "weekday_without_hours", day=weekday))
    return public, make_up


def _text(data: Mapping[str, Any], key: str, faults: list[PathFault]) -> str:
    value = data.get(key)
    if isinstance(value, str) and value:
        return value
    faults.append(wrong(key, "text_expected" if key in data else "missing"))
    return ""


def _table(
    data: Mapping[str, Any], key: str, faults: list[PathFault], *, needed: bool = True
) -> Mapping[str, Any]:
    value = data.get(key, {})
    if not isinstance(value, Mapping):
        faults.append(wrong(key, "table_expected"))
        return {}
    if needed and key not in data:
        faults.append(wrong(key, "missing"))
    return value


def _read_hours(value: Any, path: str, faults: list[PathFault]) -> Shifts:
    if not isinstance(value, list):
        faults.append(wrong(path, "hours_expected"))
        return ()
    found = []
    for i, text in enumerate(value):
        shift = _read_shift(text)
        if shift is None:
            faults.append(wrong(f"{path}[{i}]", "hours_form"))
        else:
            found.append(shift)
    return tuple(sorted(found))


def _read_shift(text: Any) -> Shift | None:
    read = _HOURS.fullmatch(text) if isinstance(text, str) else None
    if read is None:
        return None
    numbers = [int(digits) for digits in read.groups(default="0")]
    start = numbers[0] * 3600 + numbers[1] * 60 + numbers[2]
    end = (numbers[3] + numbers[6]) * 3600 + numbers[7] * 60 + numbers[8]
    if start == end:
        return None
    return Shift(start, end if end > start else end + _DAY)


def _clock(seconds: int) -> str:
    hours, rest = divmod(seconds, 3600)
    text = f"{hours:02}:{rest // 60:02}"
    return f"{text}:{rest % 60:02}" if rest % 60 else text
