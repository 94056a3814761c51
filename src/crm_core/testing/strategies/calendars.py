"""Working calendars for Hypothesis, and what they answer said the slow way.

`counts` asks for one instant what the rule asks for: the wall clock of the zone, the day, its
shifts. Whoever walks from instant to instant with it gets what a calendar computes from sums.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from crm_core.kernel.calendars import WorkingCalendar
from crm_core.kernel.public_holidays import PublicHolidays, public_holidays
from crm_core.kernel.shifts import Shift

CLOCK_CHANGES = (
    ("Asia/Shanghai", datetime(1986, 5, 3, 18, tzinfo=UTC)),
    ("Asia/Shanghai", datetime(1991, 9, 14, 17, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2011, 3, 27, 1, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2011, 10, 30, 1, tzinfo=UTC)),
    ("America/New_York", datetime(2012, 3, 11, 7, tzinfo=UTC)),
    ("America/New_York", datetime(2012, 11, 4, 6, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2011, 4, 2, 15, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2011, 10, 1, 15, 30, tzinfo=UTC)),
    ("America/Sao_Paulo", datetime(2011, 10, 16, 3, tzinfo=UTC)),
    ("Pacific/Apia", datetime(2011, 12, 30, 10, tzinfo=UTC)),
    ("Asia/Baku", datetime(2012, 3, 25, tzinfo=UTC)),
    ("Africa/Niamey", datetime(1960, 1, 1, tzinfo=UTC)),
)
"""Changes of the clock, by zone: forward and back, by half an hour, at midnight here and in UTC, at
New Year, by a whole day."""

_DAY = 86_400


def shifts(night: bool = True) -> SearchStrategy[tuple[Shift, ...]]:
    """Shifts of one day that do not overlap, to the minute; none on some days.

    Args:
        night: The last one may run past midnight, up to 03:00.
    """

    def made(bounds: list[int], over: int | None) -> tuple[Shift, ...]:
        ordered = sorted(minute * 60 for minute in bounds)
        found = [Shift(a, b) for a, b in zip(ordered[::2], ordered[1::2], strict=False)]
        if over is not None and (not found or found[-1].end <= 22 * 3600):
            found.append(Shift(22 * 3600, _DAY + over * 60))
        return tuple(found)

    # Not before 03:00: a shift of the evening before may run until then.
    bounds = st.lists(st.integers(180, 1440), unique=True, max_size=6)
    over = st.none() | st.integers(0, 180) if night else st.none()
    whole = st.sampled_from(((), (Shift(9 * 3600, 12 * 3600), Shift(13 * 3600, 17 * 3600))))
    return whole | st.builds(made, bounds, over)


def calendars(
    zone: str = "Asia/Shanghai", around: date = date(2011, 10, 1), public: bool = False
) -> SearchStrategy[WorkingCalendar]:
    """Calendars of any week, with days of their own and holidays around a day.

    Args:
        zone: Name of its zone.
        around: Exceptions and holidays lie within a fortnight of it.
        public: Whether the Chinese public holidays are kept.
    """
    near = st.integers(-14, 14).map(lambda n: around + timedelta(days=n))
    exceptions = st.dictionaries(near, shifts(), max_size=5)
    weeks = st.lists(shifts(), min_size=7, max_size=7).filter(any)
    notices = public_holidays("cn") if public else None

    def made(
        week: list[tuple[Shift, ...]],
        own: dict[date, tuple[Shift, ...]],
        closed: set[date],
        make_up: tuple[Shift, ...],
    ) -> WorkingCalendar:
        return WorkingCalendar(
            name="any",
            zone=zone,
            week=week,
            exceptions=own,
            holidays=closed - set(own),
            public=notices,
            make_up=make_up if public else (),
        )

    return st.builds(made, weeks, exceptions, st.sets(near, max_size=3), shifts().filter(bool))


def counts(calendar: WorkingCalendar, at: datetime) -> bool:
    """Whether an instant is working time, by looking at the clock on the wall."""
    wall = at.astimezone(ZoneInfo(calendar.zone))
    second = wall.hour * 3600 + wall.minute * 60 + wall.second
    day = wall.date()
    before = day - timedelta(days=1)
    return any(s.start <= second < s.end for s in shifts_of(calendar, day)) or any(
        second < s.end - _DAY for s in shifts_of(calendar, before)
    )


def shifts_of(calendar: WorkingCalendar, day: date) -> tuple[Shift, ...]:
    """The shifts that begin on a day, by looking at one source after the other."""
    own = dict(calendar.exceptions)
    if day in own:
        return own[day]
    if day in calendar.holidays:
        return ()
    if calendar.public is not None:
        if day in _by_day(calendar.public, off=True):
            return ()
        if day in _by_day(calendar.public, off=False):
            return calendar.make_up
    return calendar.week[day.weekday()]


def _by_day(public: PublicHolidays, *, off: bool) -> dict[date, str]:
    return dict(public.off if off else public.make_up)
