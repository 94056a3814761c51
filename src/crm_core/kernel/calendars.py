"""Working calendars (工作日历): which seconds count for a clock (REQ-11, decision record 0019).

An instant counts when the clock on the wall, in the calendar's zone, then reads a time inside a
shift (班次). A shift belongs to the day on which it begins, also where it runs past midnight. So a
time that the wall clock leaps over counts not at all, and one that it shows twice counts twice.

Every answer is arithmetic on sums (`working_time`): it costs the same for a day and for ten years.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise

from attrs import evolve, field

from crm_core.kernel.dates import as_utc, zone
from crm_core.kernel.policy import PathFault, PolicyFault, PolicyRef, wrong
from crm_core.kernel.public_holidays import HolidayNotice, PublicHolidays, together
from crm_core.kernel.sentences import Malformed
from crm_core.kernel.shifts import OUTSIDE, OWN, WEEKDAYS, Hours, Shift, Shifts
from crm_core.kernel.values import frozen
from crm_core.kernel.wall_clock import DAY, TICK, date_of, instant_of, number_of, tick_of
from crm_core.kernel.working_time import Sums, shifts_on


@frozen
class Segment:
    """A stretch of time that counts, or does not, and why (REQ-15).

    Args:
        start: First instant of it.
        end: First instant after it.
        counted: Whether the clock ran.
        why: What decided, e.g. `working hours` or `public holiday 春节`.
        provisional: Whether it lies in a year whose official notice is not at hand.
    """

    start: datetime
    end: datetime
    counted: bool
    why: str
    provisional: bool = False


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
    weekday. A year whose notice is not at hand follows its weekdays, and is provisional. Instants
    go in and come out aware and in UTC; between two of them time is counted to the microsecond and
    given in whole seconds.

    Args:
        name: What it is called; nothing depends on it.
        zone: Name of its zone, e.g. `Asia/Shanghai`.
        week: Shifts of Monday to Sunday.
        exceptions: Days with hours of their own, or with none.
        holidays: Days without work.
        public: Public holidays that are kept, as far as there are notices.
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
    _sums: Sums = field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        faults = list(_faults(self))
        if faults:
            raise PolicyFault(faults)
        sums = Sums.of(
            zone=self.zone,
            week=self.week,
            special=_special(self),
            public=self.public,
            make_up=self.make_up,
        )
        object.__setattr__(self, "_sums", sums)

    def working(self, at: datetime) -> bool:
        """Whether the clock runs at that instant.

        Raises:
            UncoveredYear: no calendar answers for that year.
        """
        tick = tick_of(at)
        done = self._sums.done(tick)
        return self._sums.done(tick + 1) > done

    def add(self, start: datetime, seconds: int) -> datetime:
        """The instant when that much working time is over.

        Time that is used up with a shift is due at the end of the shift, not at the next opening;
        adding nothing rolls to working time. A negative amount is subtracted.

        Raises:
            UncoveredYear: the start or the result lies in a year that no calendar answers for.
        """
        if seconds < 0:
            return self.subtract(start, -seconds)
        if seconds == 0:
            return self.roll(start)
        done = self._sums.done(tick_of(start))
        return instant_of(self._sums.find(done + seconds * TICK - 1) + 1)

    def subtract(self, end: datetime, seconds: int) -> datetime:
        """The last instant from which that much working time leads up to `end`.

        Subtracting nothing leads back to the last closing, unless `end` is working time itself.

        Raises:
            UncoveredYear: the end or the result lies in a year that no calendar answers for.
        """
        done = self._sums.done(tick_of(end))
        if seconds == 0:
            return as_utc(end) if self.working(end) else instant_of(self._sums.find(done - 1) + 1)
        return instant_of(self._sums.find(done - seconds * TICK))

    def elapsed(self, start: datetime, end: datetime) -> int:
        """Whole working seconds from `start` to `end`; none where the end is not after the start.

        Raises:
            UncoveredYear: no calendar answers for a year between them.
        """
        first, last = tick_of(start), tick_of(end)
        if last <= first:
            return 0
        return (self._sums.done(last) - self._sums.done(first)) // TICK

    def roll(self, at: datetime) -> datetime:
        """The instant itself where work is done, else the next opening.

        Raises:
            UncoveredYear: it, or the opening, lies in a year that no calendar answers for.
        """
        return instant_of(self._sums.find(self._sums.done(tick_of(at))))

    def segments(self, start: datetime, end: datetime) -> tuple[Segment, ...]:
        """The whole span from `start` to `end` in stretches that count or do not (REQ-15).

        Neighbours differ in what they say. Its length is that of the answer: a year of office
        hours has some thousand segments.

        Raises:
            UncoveredYear: no calendar answers for a year between them.
        """
        first, last = tick_of(start), tick_of(end)
        if last <= first:
            return ()
        found: list[tuple[int, int, bool, str, bool]] = []
        for piece in self._sums.walk(first, last):
            if found and found[-1][2:] == piece[2:]:
                found[-1] = (found[-1][0], *piece[1:])
            else:
                found.append(piece)
        return tuple(
            Segment(
                start=instant_of(begin),
                end=instant_of(end),
                counted=counted,
                why=why,
                provisional=unsure,
            )
            for begin, end, counted, why, unsure in found
        )

    @property
    def week_seconds(self) -> int:
        """Working time of a regular week."""
        return self._sums.week_before[7] // TICK

    def provisional(self, start: datetime, end: datetime) -> tuple[int, ...]:
        """The years between two instants whose official notice is not at hand (REQ-11).

        Empty where the calendar keeps no public holidays: then no notice is needed.

        Raises:
            UncoveredYear: no calendar answers for a year between them.
        """
        return self._sums.unknown_years(tick_of(start), tick_of(end))

    def counting(self, start: datetime, end: datetime) -> tuple[PolicyRef, ...]:
        """The official notices that say anything of the days between two instants (REQ-11)."""
        if self.public is None or not self.public.notices:
            return ()
        first, last = (at.astimezone(zone(self.zone)).date() for at in (start, end))
        before = first - timedelta(days=1)
        return tuple(n.ref for n in self.public.notices if n.rules(before, last))

    def under(self, notices: Iterable[HolidayNotice]) -> WorkingCalendar:
        """The same calendar by these notices instead of those it has, as far as it keeps any."""
        if self.public is None:
            return self
        country = self.public.country
        return _under(self, tuple(notice for notice in notices if notice.country == country))

    def hours(self, day: date) -> Shifts:
        """The shifts that begin on a day of the calendar's zone.

        Raises:
            UncoveredYear: no calendar answers for that year.
        """
        return self._sums.hours(number_of(day))[0]

    def add_days(self, start: datetime, days: int) -> datetime:
        """The instant so many working days later (or earlier), at the same time of day.

        A start outside working time is rolled forward first, and so is a result.

        Raises:
            UncoveredYear: the start or the result lies in a year that no calendar answers for.
        """
        at = self.roll(start).astimezone(zone(self.zone))
        day = self._sums.nth_day(number_of(at.date()), days)
        moved = datetime.combine(date_of(day), at.time(), at.tzinfo)
        return self.roll(moved)

    def working_days(self, first: date, last: date) -> int:
        """How many days from `first` to `last`, both included, have shifts of their own.

        Raises:
            UncoveredYear: no calendar answers for a year between them.
        """
        if last < first:
            return 0
        return self._sums.days(number_of(last) + 1) - self._sums.days(number_of(first))


@lru_cache(maxsize=256)
def _under(calendar: WorkingCalendar, notices: tuple[HolidayNotice, ...]) -> WorkingCalendar:
    assert calendar.public is not None
    return evolve(calendar, public=together(calendar.public.country, notices))


# --- what holds for a day ------------------------------------------------------------------------


def _special(calendar: WorkingCalendar) -> dict[int, Hours]:
    """The days, by number, that do not follow their weekday."""
    found: dict[int, Hours] = {}
    if calendar.public is not None:
        for day, name in calendar.public.off:
            found[number_of(day)] = ((), "", f"public holiday {name}")
        for day, name in calendar.public.make_up:
            found[number_of(day)] = (calendar.make_up, f"make-up working day {name}", OUTSIDE)
    return found | _own(calendar)


def _own(calendar: WorkingCalendar) -> dict[int, Hours]:
    """The days, by number, of which the calendar itself says how they are worked."""
    found: dict[int, Hours] = {}
    for day in calendar.holidays:
        found[number_of(day)] = ((), "", "holiday")
    for day, shifts in calendar.exceptions:
        found[number_of(day)] = (shifts, OWN, OUTSIDE if shifts else "closed on that day")
    return found


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
    # A notice may put a make-up day beside any other, and none that comes later may be the first
    # to say that the calendar cannot be.
    beside = [*calendar.week, *(hours for _, hours in calendar.exceptions), calendar.make_up]
    if any(_clash(calendar.make_up, day) or _clash(day, calendar.make_up) for day in beside):
        yield wrong("make_up", "shift_runs_on")
    hours = _own(calendar)
    for day, (shifts, why, _) in sorted(hours.items()):
        for one, other in ((day - 1, day), (day, day + 1)):
            # Two special neighbours meet in the turn of the later one only.
            if one == day and other in hours:
                continue
            before = shifts if one == day else shifts_on(calendar.week, hours, one)
            after = shifts if other == day else shifts_on(calendar.week, hours, other)
            if why == OWN and _clash(before, after):
                yield wrong(f"exceptions.{date_of(one)}", "shift_runs_on")


def _clash(hours: Shifts, following: Shifts) -> bool:
    return bool(hours and following and hours[-1].end - DAY > following[0].start)


ALWAYS = WorkingCalendar("24x7", "UTC", ((Shift(0, DAY),),) * 7)
"""Day and night, every day."""
