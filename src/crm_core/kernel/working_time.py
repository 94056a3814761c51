"""Sums of working time: what a calendar answers from, at the same cost for a day and ten years.

They are kept for the week, for the days that differ from it and for the changes of the zone's
clock.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from datetime import date

from attrs import field

from crm_core.kernel.public_holidays import PublicHolidays
from crm_core.kernel.sentences import Malformed
from crm_core.kernel.shifts import FREE, OUTSIDE, REGULAR, WEEKDAYS, Hours, Shifts
from crm_core.kernel.values import define, frozen
from crm_core.kernel.wall_clock import (
    DAY,
    DAY_TICKS,
    THURSDAY,
    TICK,
    clock_changes,
    date_of,
    number_of,
    start_of_year,
    year_of,
)

FIRST_YEAR, LAST_YEAR = 1900, 2999
"""Years that a calendar answers for."""


class UncoveredYear(Malformed):
    """A year out of the range of all calendars; within it a notice may be missing, an answer never.

    No command leads here: its instants and the targets of a policy are bounded.
    """

    def __init__(self, year: int) -> None:
        super().__init__("year_without_calendar", year=year)
        self.year = year


def shifts_on(week: tuple[Shifts, ...], special: Mapping[int, Hours], day: int) -> Shifts:
    """The shifts of a day, by its number: its own, or those of its weekday."""
    found = special.get(day)
    return week[(day + THURSDAY) % 7] if found is None else found[0]


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
        parts = [(0, shift.end - DAY) for shift in previous if shift.end > DAY]
        parts += [(shift.start, min(shift.end, DAY)) for shift in own]
        before, total = [], 0
        for start, end in parts:
            before.append(total)
            total += (end - start) * TICK
        return cls(
            tuple(start * TICK for start, _ in parts),
            tuple(end * TICK for _, end in parts),
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
class Sums:
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
    special_hours: dict[int, Hours]
    special: dict[int, _Profile]
    special_days: list[int]
    special_done: list[int]
    """Working ticks before each special day."""
    shifted: list[int]
    """By how much the special days before have changed the sum of the weeks; one more at the end"""
    counted_days: list[int]
    """Special days that are worked where their weekday is not, or the other way round."""
    shifted_days: list[int]
    noticed: frozenset[int] | None
    """Years with an official notice; None where none is needed."""
    first: int
    last: int
    """First and last day that is answered for."""
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
    def of(
        cls,
        zone: str,
        week: tuple[Shifts, ...],
        special: dict[int, Hours],
        public: PublicHolidays | None,
        make_up: Shifts,
    ) -> Sums:
        """The sums of a calendar.

        Args:
            zone: Name of its zone.
            week: Shifts of Monday to Sunday.
            special: What holds for the days, by number, that do not follow their weekday.
            public: Public holidays that are kept.
            make_up: Shifts of their make-up working days.
        """
        profiles = tuple(_Profile.of(week[i - 1], week[i]) for i in range(len(WEEKDAYS)))
        shifts = [s for one in (*week, make_up) for s in one]
        shifts += [s for own, _, _ in special.values() for s in own]
        sums = cls(
            zone=zone,
            week=profiles,
            week_hours=week,
            week_before=_running(profile.total for profile in profiles),
            days_before=_running(int(bool(one)) for one in week),
            special_hours=special,
            special={},
            special_days=[],
            special_done=[],
            shifted=[0],
            counted_days=[],
            shifted_days=[0],
            noticed=None if public is None else public.years,
            first=number_of(date(FIRST_YEAR, 1, 1)),
            last=number_of(date(LAST_YEAR, 12, 31)),
            late=max(0, *(shift.end - DAY for shift in shifts)) * TICK,
        )
        for day in sorted({*special, *(day + 1 for day in special)}):
            profile = _Profile.of(shifts_on(week, special, day - 1), shifts_on(week, special, day))
            regular = profiles[(day + THURSDAY) % 7]
            if profile == regular:
                continue
            sums.special[day] = profile
            sums.special_days.append(day)
            sums.special_done.append(sums._weeks(day) + sums.shifted[-1])
            sums.shifted.append(sums.shifted[-1] + profile.total - regular.total)
        for day, (own, _, _) in sorted(special.items()):
            change = bool(own) - bool(week[(day + THURSDAY) % 7])
            if change:
                sums.counted_days.append(day)
                sums.shifted_days.append(sums.shifted_days[-1] + change)
        return sums

    # --- the wall clock ---

    def _weeks(self, day: int) -> int:
        """Working ticks before a day if every week were regular."""
        weeks, weekday = divmod(day + THURSDAY, 7)
        return weeks * self.week_before[7] + self.week_before[weekday]

    def _wall(self, wall: int) -> int:
        """Working ticks before a reading of the wall clock."""
        day, ticks = divmod(wall, DAY_TICKS)
        weeks, weekday = divmod(day + THURSDAY, 7)
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
                return self.special_days[i - 1] * DAY_TICKS + profile.find(rest)
        weeks, rest = divmod(done - self.shifted[i], self.week_before[7])
        weekday = bisect_right(self.week_before, rest) - 1
        day = weeks * 7 + weekday - THURSDAY
        return day * DAY_TICKS + self.week[weekday].find(rest - self.week_before[weekday])

    def _check(self, wall: int, *, asked: bool) -> None:
        """Fail closed outside the years that are answered for, and name the year.

        Args:
            wall: A reading of the wall clock.
            asked: Whether it is one that was asked for, not one that was searched for: a search
                fails at the first year beyond, wherever it would have led.
        """
        if wall < self.first * DAY_TICKS:
            raise UncoveredYear(min(year_of(wall), FIRST_YEAR - 1) if asked else FIRST_YEAR - 1)
        if wall > (self.last + 1) * DAY_TICKS:
            raise UncoveredYear(year_of(wall) if asked else LAST_YEAR + 1)

    # --- instants ---

    def done(self, tick: int) -> int:
        """Working ticks before an instant."""
        if not self.begin <= tick < self.end:
            self._reach(year_of(tick))
        i = bisect_right(self.since, tick) - 1
        wall = tick + self.offsets[i]
        self._check(wall, asked=True)
        return self.constants[i] + self._wall(wall)

    def find(self, done: int) -> int:
        """The instant at which the working tick of that number begins."""
        while done < self.marks[0]:
            wall = self._find_wall(done - self.constants[0])
            self._check(wall, asked=False)
            self._reach(min(year_of(wall), self.years[0] - 1))
        while True:
            i = bisect_right(self.marks, done) - 1
            wall = self._find_wall(done - self.constants[i])
            tick = wall - self.offsets[i]
            if tick < self.end:
                break
            self._check(wall, asked=False)
            self._reach(max(year_of(tick), self.years[1] + 1))
        self._check(wall + 1, asked=False)
        return tick

    def _reach(self, year: int) -> None:
        """Take up the changes of the zone's clock up to a year, in a run with those known."""
        if not FIRST_YEAR - 1 <= year <= LAST_YEAR + 1:
            raise UncoveredYear(year)
        if not self.years:
            self.years = [year, year - 1]
            self.begin = self.end = start_of_year(year)
        for later in range(self.years[1] + 1, year + 1):
            for since, offset in clock_changes(self.zone, later):
                self._append(since, offset)
            self.years[1], self.end = later, start_of_year(later + 1)
        for earlier in range(self.years[0] - 1, year - 1, -1):
            self._prepend(clock_changes(self.zone, earlier))
            self.years[0], self.begin = earlier, start_of_year(earlier)

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

    def hours(self, day: int) -> Hours:
        """What holds for a day."""
        if not self.first <= day <= self.last:
            raise UncoveredYear(date_of(day).year)
        found = self.special_hours.get(day)
        if found is not None:
            return found
        own = self.week_hours[(day + THURSDAY) % 7]
        return own, REGULAR, OUTSIDE if own else FREE

    def days(self, day: int) -> int:
        """Working days before a day, from a zero of its own."""
        if not self.first <= day <= self.last + 1:
            raise UncoveredYear(date_of(day).year)
        weeks, weekday = divmod(day + THURSDAY, 7)
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
            year = date_of(high + 1 if number > 0 else low - 1).year
            raise UncoveredYear(year)
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

    def provisional(self, day: int) -> bool:
        """Whether a day lies in a year without the official notice that it needs."""
        return self.noticed is not None and date_of(day).year not in self.noticed

    def unknown_years(self, first: int, last: int) -> tuple[int, ...]:
        """The years without a notice that the span from `first` to, without, `last` lies in."""
        if self.noticed is None or last <= first:
            return ()
        self.done(first)
        self.done(last)
        begin = first + self.offsets[bisect_right(self.since, first) - 1]
        stop = last - 1 + self.offsets[bisect_right(self.since, last - 1) - 1]
        # The hours after midnight may belong to a shift of the day before.
        reached = range(year_of(begin - self.late), year_of(stop) + 1)
        return tuple(year for year in reached if year not in self.noticed)

    def walk(self, first: int, last: int) -> Iterator[tuple[int, int, bool, str, bool]]:
        """All of the span in pieces of a day, with the reason for each.

        The last value says whether the piece is provisional.
        """
        self.done(first)
        self.done(last)
        at = bisect_right(self.since, first) - 1
        while at < len(self.since) and self.since[at] < last:
            offset = self.offsets[at]
            begin = max(first, self.since[at])
            stop = last if at + 1 == len(self.since) else min(last, self.since[at + 1])
            for start, end, counted, why, unsure in self._walk_wall(begin + offset, stop + offset):
                yield start - offset, end - offset, counted, why, unsure
            at += 1

    def _walk_wall(self, begin: int, stop: int) -> Iterator[tuple[int, int, bool, str, bool]]:
        day = begin // DAY_TICKS
        while day * DAY_TICKS < stop:
            midnight = day * DAY_TICKS
            reached = midnight
            own, on, off = self.hours(day)
            unsure = self.provisional(day)
            parts = [(shift.start, min(shift.end, DAY), on, unsure) for shift in own]
            if self.late and day > self.first:
                earlier, why, _ = self.hours(day - 1)
                since = unsure or self.provisional(day - 1)
                parts[:0] = [(0, s.end - DAY, why, since) for s in earlier if s.end > DAY]
            pieces = []
            for start, end, why, doubted in parts:
                pieces.append((reached, midnight + start * TICK, False, off, unsure))
                reached = midnight + end * TICK
                pieces.append((midnight + start * TICK, reached, True, why, doubted))
            pieces.append((reached, midnight + DAY_TICKS, False, off, unsure))
            for start, end, counted, why, doubted in pieces:
                if max(start, begin) < min(end, stop):
                    yield max(start, begin), min(end, stop), counted, why, doubted
            day += 1


def _running(amounts: Iterable[int]) -> tuple[int, ...]:
    sums = [0]
    for amount in amounts:
        sums.append(sums[-1] + amount)
    return tuple(sums)
