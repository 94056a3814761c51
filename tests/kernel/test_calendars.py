"""Working time is counted as the clock on the wall shows it: exactly, and at no cost of length."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_core.kernel.calendar_files import working_calendar
from crm_core.kernel.calendars import ALWAYS, Segment, WorkingCalendar
from crm_core.kernel.policy import PolicyFault, read_toml
from crm_core.kernel.public_holidays import HolidayNotice, shipped_notices
from crm_core.kernel.shifts import Shift
from crm_core.kernel.working_time import UncoveredYear
from crm_core.testing.strategies import calendars
from crm_core.testing.strategies.calendars import CLOCK_CHANGES, counts, shifts_of
from policy_faults import said

pytestmark = pytest.mark.rule("REQ-11")

HOUR = 3600
SHANGHAI = ZoneInfo("Asia/Shanghai")


def office(*hours: str, zone: str = "Asia/Shanghai", **more: object) -> WorkingCalendar:
    week = {day: list(hours) for day in ("mon", "tue", "wed", "thu", "fri")}
    return working_calendar({"name": "office", "zone": zone, "week": week, **more})


def daily(*hours: str, zone: str = "Asia/Shanghai") -> WorkingCalendar:
    week = {day: list(hours) for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
    return working_calendar({"name": "daily", "zone": zone, "week": week})


def at(text: str, zone: str = "Asia/Shanghai") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


# --- said in words -------------------------------------------------------------------------------

PLAIN = office("09:00-17:00")
LUNCH = office("09:00-12:00", "13:30-17:00")
NIGHT = office("22:00-06:00")
CN = office("09:00-17:00", public_holidays="cn", make_up_day="fri")


@pytest.mark.parametrize(
    ("calendar", "start", "seconds", "due"),
    [
        pytest.param(PLAIN, "2026-03-06T16:30", HOUR, "2026-03-09T09:30", id="friday half past 4"),
        pytest.param(LUNCH, "2026-03-05T11:30", HOUR, "2026-03-05T14:00", id="over lunch"),
        pytest.param(LUNCH, "2026-03-05T12:30", HOUR, "2026-03-05T14:30", id="from lunch"),
        pytest.param(NIGHT, "2026-03-05T23:30", HOUR, "2026-03-06T00:30", id="over midnight"),
        pytest.param(NIGHT, "2026-03-07T05:30", HOUR, "2026-03-09T22:30", id="friday's night"),
        pytest.param(NIGHT, "2026-03-06T05:30", HOUR, "2026-03-06T22:30", id="between nights"),
        pytest.param(PLAIN, "2026-03-05T16:00", HOUR, "2026-03-05T17:00", id="at closing, not on"),
        pytest.param(PLAIN, "2026-03-05T17:00", 0, "2026-03-06T09:00", id="nothing rolls"),
        pytest.param(PLAIN, "2026-03-05T10:00", 0, "2026-03-05T10:00", id="nothing stays"),
        pytest.param(PLAIN, "2026-03-05T17:00", 1, "2026-03-06T09:00:01", id="to the second"),
        pytest.param(CN, "2026-09-30T16:30", HOUR, "2026-10-08T09:30", id="before national day"),
        pytest.param(CN, "2026-10-09T16:30", HOUR, "2026-10-10T09:30", id="make-up saturday"),
        pytest.param(CN, "2026-10-10T16:30", HOUR, "2026-10-12T09:30", id="after it sunday"),
        pytest.param(PLAIN, "2026-03-09T09:30", -HOUR, "2026-03-06T16:30", id="back over weekend"),
        pytest.param(PLAIN, "2026-03-06T17:00", -8 * HOUR, "2026-03-06T09:00", id="to opening"),
        pytest.param(ALWAYS, "2026-03-06T16:30", HOUR, "2026-03-06T17:30", id="day and night"),
    ],
)
def test_due_times(calendar: WorkingCalendar, start: str, seconds: int, due: str) -> None:
    assert calendar.add(at(start), seconds) == at(due)


@pytest.mark.parametrize(
    ("calendar", "start", "end", "seconds"),
    [
        pytest.param(LUNCH, "2026-03-06T09:00", "2026-03-06T17:00", 23_400, id="a day"),
        pytest.param(LUNCH, "2026-03-06T09:00", "2027-03-06T09:00", 261 * 23_400, id="a year"),
        pytest.param(CN, "2026-01-01T00:00", "2027-01-01T00:00", 248 * 8 * HOUR, id="of notices"),
        pytest.param(PLAIN, "2026-03-06T17:00", "2026-03-09T09:00", 0, id="a weekend"),
        pytest.param(PLAIN, "2026-03-06T17:00", "2026-03-05T09:00", 0, id="the wrong way round"),
        pytest.param(NIGHT, "2026-03-06T00:00", "2026-03-07T00:00", 8 * HOUR, id="two nights"),
    ],
)
def test_elapsed_working_time(
    calendar: WorkingCalendar, start: str, end: str, seconds: int
) -> None:
    assert calendar.elapsed(at(start), at(end)) == seconds


def test_a_day_of_its_own_goes_before_a_holiday_and_that_before_its_weekday() -> None:
    calendar = office(
        "09:00-17:00",
        public_holidays="cn",
        make_up_day="mon",
        exceptions={"2026-10-01": ["10:00-12:00"], "2026-10-09": []},
        holidays=[date(2026, 10, 10), date(2026, 10, 12)],
    )
    found = {n: calendar.hours(date(2026, 10, n)) for n in (1, 2, 8, 9, 10, 11, 12, 13)}
    nine_to_five = (Shift(9 * HOUR, 17 * HOUR),)
    assert found == {
        1: (Shift(10 * HOUR, 12 * HOUR),),
        2: (),
        8: nine_to_five,
        9: (),
        10: (),
        11: (),
        12: (),
        13: nine_to_five,
    }


@pytest.mark.rule("REQ-15")
def test_the_trace_says_why() -> None:
    trace = CN.segments(at("2026-09-30T16:00"), at("2026-10-10T10:00"))
    said = [(s.end.astimezone(SHANGHAI).strftime("%d %H:%M"), s.counted, s.why) for s in trace]
    assert said == [
        ("30 17:00", True, "working hours"),
        ("01 00:00", False, "outside working hours"),
        ("08 00:00", False, "public holiday 国庆节"),
        ("08 09:00", False, "outside working hours"),
        ("08 17:00", True, "working hours"),
        ("09 09:00", False, "outside working hours"),
        ("09 17:00", True, "working hours"),
        ("10 09:00", False, "outside working hours"),
        ("10 10:00", True, "make-up working day 国庆节"),
    ]
    weekend = PLAIN.segments(at("2026-03-07T00:00"), at("2026-03-09T00:00"))
    assert [s.why for s in weekend] == ["no working day"]
    night = office("22:00-06:00", exceptions={"2026-03-05": ["20:00-04:00"]}, holidays=[])
    assert [
        (s.counted, s.why) for s in night.segments(at("2026-03-05T12:00"), at("2026-03-06T23:00"))
    ] == [
        (False, "outside working hours"),
        (True, "hours of that day"),
        (False, "outside working hours"),
        (True, "working hours"),
    ]
    closed = office("09:00-17:00", exceptions={"2026-03-05": []}, holidays=[date(2026, 3, 6)])
    whys = [s.why for s in closed.segments(at("2026-03-05T00:00"), at("2026-03-07T00:00"))]
    assert whys == ["closed on that day", "holiday"]
    assert ALWAYS.segments(at("2020-01-01T00:00"), at("2026-01-01T00:00")) == (
        Segment(at("2020-01-01T00:00"), at("2026-01-01T00:00"), True, "working hours"),
    )


def test_working_days_keep_the_time_of_day() -> None:
    assert PLAIN.add_days(at("2026-03-05T11:00"), 2) == at("2026-03-09T11:00")
    assert PLAIN.add_days(at("2026-03-05T18:00"), 1) == at("2026-03-09T09:00")
    assert PLAIN.add_days(at("2026-03-07T11:00"), 0) == at("2026-03-09T09:00")
    assert PLAIN.add_days(at("2026-03-09T11:00"), -1) == at("2026-03-06T11:00")
    assert PLAIN.add_days(at("2026-03-09T11:00"), -6) == at("2026-02-27T11:00")
    short = office("09:00-17:00", exceptions={"2026-03-06": ["09:00-10:00"]})
    assert short.add_days(at("2026-03-05T11:00"), 1) == at("2026-03-09T09:00")
    assert CN.add_days(at("2026-09-30T11:00"), 3) == at("2026-10-10T11:00")
    assert CN.working_days(date(2026, 10, 1), date(2026, 10, 31)) == 18
    assert CN.working_days(date(2026, 10, 2), date(2026, 10, 1)) == 0


# --- clock changes -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "hours", "day", "seconds"),
    [
        ("Europe/Berlin", "00:00-24:00", "2011-03-27", 23 * HOUR),
        ("Europe/Berlin", "00:00-24:00", "2011-10-30", 25 * HOUR),
        ("Europe/Berlin", "02:00-03:00", "2011-03-27", 0),
        ("Europe/Berlin", "02:30-04:00", "2011-03-27", HOUR),
        ("Europe/Berlin", "02:00-03:00", "2011-10-30", 2 * HOUR),
        ("Europe/Berlin", "02:30-03:30", "2011-10-30", 5400),
        ("Europe/Berlin", "09:00-17:00", "2011-03-27", 8 * HOUR),
        ("America/New_York", "01:00-03:00", "2012-03-11", HOUR),
        ("America/New_York", "01:00-03:00", "2012-11-04", 3 * HOUR),
        ("Australia/Lord_Howe", "00:00-24:00", "2011-04-03", 88_200),
        ("Australia/Lord_Howe", "00:00-24:00", "2011-10-02", 84_600),
        ("Asia/Shanghai", "00:00-24:00", "1986-05-04", 23 * HOUR),
        ("Asia/Shanghai", "00:00-24:00", "1991-09-15", 25 * HOUR),
        ("Asia/Shanghai", "00:00-24:00", "2011-05-01", 24 * HOUR),
        ("America/Sao_Paulo", "00:00-02:00", "2011-10-16", HOUR),
        ("Pacific/Apia", "09:00-17:00", "2011-12-30", 0),
    ],
)
def test_a_time_leapt_over_counts_not_at_all_and_one_shown_twice_counts_twice(
    zone: str, hours: str, day: str, seconds: int
) -> None:
    calendar = daily(hours, zone=zone)
    start = at(f"{day}T00:00", zone)
    following = date.fromisoformat(day) + timedelta(days=1)
    end = at(f"{following}T00:00", zone)
    assert calendar.elapsed(start, end) == seconds


def test_a_night_shift_is_as_long_as_the_night() -> None:
    """Saturday 22:00 to Sunday 06:00 lasts seven hours, or nine, where the clocks change."""
    calendar = daily("22:00-06:00", zone="Europe/Berlin")
    for day, hours in (("2011-03-26", 7), ("2011-10-29", 9), ("2011-07-02", 8)):
        start = at(f"{day}T22:00", "Europe/Berlin")
        assert calendar.add(start, hours * HOUR) == start + timedelta(hours=hours)
        assert calendar.add(start, hours * HOUR + 1) > start + timedelta(hours=hours + 1)


@pytest.mark.parametrize(("zone", "change"), CLOCK_CHANGES)
def test_a_clock_changes_at_its_very_second(zone: str, change: datetime) -> None:
    """The last second that the old clock shows is worked, and the first one of the new."""
    second = timedelta(seconds=1)
    seconds = []
    for instant in (change - second, change):
        wall = instant.astimezone(ZoneInfo(zone))
        seconds.append(wall.hour * HOUR + wall.minute * 60 + wall.second)
    assert (seconds[1] - seconds[0]) % 86_400 != 1 or zone == "Pacific/Apia"
    shifts = {Shift(start, start + 1) for start in seconds}
    calendar = WorkingCalendar("x", zone, (shifts,) * 7)
    assert calendar.elapsed(change - 2 * second, change + 2 * second) == 2
    assert calendar.segments(change - second, change + second)[0].end == change + second


def test_every_zone_opens_at_nine_all_the_year_round() -> None:
    """No change of any clock is overlooked: the year 1939 had two within four days."""
    for name in sorted(available_timezones() - {"localtime", "Factory"}):
        zone = ZoneInfo(name)
        calendar = daily("09:00-09:01", zone=name)
        for year in (1939, 2011):
            for month in range(1, 13):
                for day in (1, 5, 9, 14, 19, 23, 28):
                    opening = datetime(year, month, day, 9, tzinfo=zone).astimezone(UTC)
                    asked = opening - timedelta(hours=3)
                    assert calendar.roll(asked) == opening, (name, opening)


# --- what is refused -----------------------------------------------------------------------------


def faults(text: str) -> dict[str, str]:
    with pytest.raises(PolicyFault) as refused:
        working_calendar(read_toml(text), "calendars.x")
    paths = [path for path, _ in refused.value.faults]
    assert len(set(paths)) == len(paths)
    assert all(path.startswith("calendars.x.") for path in paths)
    return {path.removeprefix("calendars.x."): why for path, why in said(refused.value).items()}


HEAD = 'name = "x"\nzone = "Asia/Shanghai"\n'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (HEAD + "[week]", {"week": "no working time"}),
        (HEAD + "[week]\nmon = []", {"week": "no working time"}),
        (HEAD + '[week]\n[exceptions]\n2026-01-05 = ["09:00-10:00"]', {"week": "no working time"}),
        (HEAD, {"week": "is missing"}),
        (HEAD + 'week = "always"', {"week": "a table is expected"}),
        (HEAD + '[week]\nmon = "09:00-17:00"', {"week.mon": "a list of hours is expected"}),
        (HEAD + '[week]\nmonday = ["09:00-17:00"]', {"week.monday": "not a weekday"}),
        (HEAD + '[week]\nmon = ["09:00-12:00", "11:59-13:00"]', {"week.mon": "overlap"}),
        (HEAD + '[week]\nmon = ["22:00-06:00"]\ntue = ["05:59-09:00"]', {"week.mon": "next day"}),
        (HEAD + '[week]\nsun = ["22:00-06:00"]\nmon = ["05:59-09:00"]', {"week.sun": "next day"}),
        (
            HEAD + '[week]\nmon = ["22:00-06:00"]\n[exceptions]\n2026-03-10 = ["05:59-07:00"]',
            {"exceptions.2026-03-09": "next day"},
        ),
        (
            HEAD + '[week]\nmon = ["01:00-02:00"]\n[exceptions]\n2026-03-08 = ["20:00-01:01"]',
            {"exceptions.2026-03-08": "next day"},
        ),
        (
            HEAD + '[week]\nwed = ["09:00-10:00"]\n[exceptions]\n2026-03-08 = ["20:00-02:00"]\n'
            '2026-03-09 = ["01:00-03:00"]',
            {"exceptions.2026-03-08": "next day"},
        ),
        (
            HEAD + 'public_holidays = "xx"\nmake_up_day = "mon"\n[week]\nmon = ["09:00-10:00"]',
            {"public_holidays": "no notices for `xx`"},
        ),
        (
            HEAD + 'public_holidays = "cn"\n[week]\nmon = ["09:00-10:00"]',
            {"make_up_day": "mon, tue"},
        ),
        (
            HEAD + 'public_holidays = "cn"\nmake_up_day = "sun"\n[week]\nmon = ["09:00-10:00"]',
            {"make_up_day": "`sun` has no hours"},
        ),
        (HEAD + 'make_up_day = "mon"\n[week]\nmon = ["09:00-10:00"]', {"make_up_day": "missing"}),
        (
            HEAD + 'holidays = ["2026-01-01"]\n[week]\nmon = ["09:00-10:00"]',
            {"holidays": "a list of dates"},
        ),
        (
            HEAD + 'holidays = [2026-03-09]\n[week]\nmon = ["09:00-10:00"]\n[exceptions]\n'
            "2026-03-09 = []",
            {"holidays.2026-03-09": "hours of its own"},
        ),
        (
            HEAD + '[week]\nmon = ["09:00-10:00"]\n[exceptions]\n2026-02-29 = []\n"7 March" = []',
            {"exceptions.2026-02-29": "no such day", "exceptions.7 March": "YYYY-MM-DD"},
        ),
        (
            """
            name = 7
            zone = "Asia/Nowhere"
            colour = "red"
            [week]
            mon = ["9-17"]
            tue = ["09:00-12:00", "10:00-11:00"]
            """,
            {
                "name": "text",
                "zone": "not a known time zone",
                "colour": "not known here",
                "week.mon[0]": "hours are written",
                "week.tue": "overlap",
            },
        ),
    ],
)
def test_a_calendar_that_cannot_be_meant_is_refused_with_all_its_faults(
    text: str, expected: dict[str, str]
) -> None:
    found = faults(text)
    assert sorted(found) == sorted(expected)
    for path, words in expected.items():
        assert words in found[path]


@pytest.mark.parametrize(
    "hours",
    [
        "",
        "09:00",
        "9:00-17:00",
        "09:00-09:00",
        "24:00-06:00",
        "09:00-24:01",
        "09:60-10:00",
        "09:00 - 17:00",
        "09:00-17:00\n",
        "09:00–17:00",
        "-09:00",
        "09:00-25:00",
        "０９:00-17:00",
    ],
)
def test_hours_in_another_form_are_refused(hours: str) -> None:
    table = {"name": "x", "zone": "UTC", "week": {"mon": [hours], "tue": ["09:00-10:00"]}}
    with pytest.raises(PolicyFault, match=r"^week\.mon\[0\]: hours are written"):
        working_calendar(table)


def test_shifts_may_touch() -> None:
    calendar = daily("00:00-08:00", "08:00-16:00", "16:00-24:00")
    start = at("2026-03-05T03:00")
    assert calendar.add(start, 1_000_000) == start + timedelta(seconds=1_000_000)
    assert daily("22:00-06:00", "06:00-07:00").elapsed(
        at("2026-03-05T00:00"), at("2026-03-06T00:00")
    ) == (9 * HOUR)


@pytest.mark.parametrize(("start", "end"), [(-1, 5), (0, 0), (5, 5), (86_400, 86_401), (5, 86_406)])
def test_a_shift_that_cannot_be_is_refused(start: int, end: int) -> None:
    with pytest.raises(ValueError, match="begins on its day"):
        Shift(start, end)
    assert str(Shift(0, 86_400)) == "00:00-24:00"
    assert str(Shift(79_200, 108_005)) == "22:00-06:00:05"


# --- years without a notice ----------------------------------------------------------------------


def test_a_year_without_a_notice_is_counted_by_the_regular_week_and_said_to_be() -> None:
    """On 1 January 2027, a Friday, the office is taken to be open: nobody has said otherwise."""
    inside, last = at("2026-12-30T10:00"), at("2027-01-01T00:00")
    assert CN.elapsed(inside, last) == 15 * HOUR
    assert CN.provisional(inside, last) == ()
    assert CN.add(inside, 16 * HOUR) == at("2027-01-01T10:00")
    assert CN.provisional(inside, at("2027-01-01T10:00")) == (2027,)
    assert CN.roll(at("2026-12-31T17:00")) == at("2027-01-01T09:00")
    assert CN.working(at("2027-10-01T10:00"))
    assert CN.hours(date(2027, 10, 1)) == CN.hours(date(2026, 9, 23))
    assert CN.add_days(inside, 2) == at("2027-01-01T10:00")
    assert CN.working_days(date(2027, 1, 1), date(2027, 1, 7)) == 5
    assert CN.subtract(at("2007-01-04T10:00"), HOUR + 1) == at("2006-12-31T16:59:59")
    found = CN.segments(at("2026-12-31T16:00"), at("2027-01-01T10:00"))
    assert [(s.counted, s.why, s.provisional) for s in found] == [
        (True, "working hours", False),
        (False, "outside working hours", False),
        (False, "outside working hours", True),
        (True, "working hours", True),
    ]
    assert found[2].start == last


def test_what_a_notice_rules_of_the_year_before_holds_there_too() -> None:
    """The notice for 2007 has the last weekend of 2006 worked, of which nothing else is known."""
    assert CN.elapsed(at("2006-12-30T09:00"), at("2006-12-31T17:00")) == 16 * HOUR
    assert CN.provisional(at("2006-12-30T09:00"), at("2006-12-31T17:00")) == (2006,)


def test_the_hours_after_midnight_belong_to_the_year_in_which_the_shift_began() -> None:
    """The first hours of 2007 are a shift of 2006, of which nobody has a notice."""
    calendar = office("22:00-06:00", public_holidays="cn", make_up_day="mon")
    assert calendar.provisional(at("2007-01-01T05:59"), at("2007-01-04T22:30")) == (2006,)
    assert calendar.provisional(at("2007-01-01T06:00"), at("2007-01-04T22:30")) == ()
    early, *_ = calendar.segments(at("2007-01-01T03:00"), at("2007-01-02T00:00"))
    assert (early.end, early.counted, early.provisional) == (at("2007-01-01T06:00"), True, True)


@pytest.mark.parametrize("year", [1999, 2006, 2027, 2028, 2096, 2200])
def test_any_year_has_an_answer(year: int) -> None:
    """Two years after the last notice, on a leap day, far ahead, long before the first."""
    start = at(f"{year}-02-27T16:00")
    due = CN.add(start, 40 * HOUR)
    assert CN.elapsed(start, due) == 40 * HOUR
    assert CN.provisional(start, due) == (year,)
    assert all(s.provisional for s in CN.segments(start, due))


def test_a_calendar_that_keeps_no_holidays_is_never_provisional() -> None:
    start, end = at("2026-12-30T10:00"), at("2029-01-01T10:00")
    for calendar in (PLAIN, ALWAYS, NIGHT):
        assert calendar.provisional(start, end) == ()
        assert calendar.counting(start, end) == ()
        assert not any(s.provisional for s in calendar.segments(start, end))
        assert calendar.under(shipped_notices("cn")) is calendar


NOTICE_2027 = HolidayNotice.parse(
    'kind = "holidays"\ncountry = "cn"\nyear = 2027\n'
    '[policy]\nname = "ours-cn-2027"\nversion = 1\n'
    '[[holidays]]\nname = "元旦"\noff = ["01-01..01-03"]\nworked = ["2026-12-27"]\n'
)


def test_a_calendar_goes_by_the_notices_it_is_given() -> None:
    """With the notice for 2027 its first day is free, and the Sunday before is worked for it."""
    known = CN.under((*shipped_notices("cn"), NOTICE_2027))
    inside = at("2026-12-31T10:00")
    assert CN.add(inside, 8 * HOUR) == at("2027-01-01T10:00")
    assert known.add(inside, 8 * HOUR) == at("2027-01-04T10:00")
    assert known.elapsed(at("2026-12-27T09:00"), at("2026-12-27T17:00")) == 8 * HOUR
    assert known.provisional(inside, at("2028-01-01T00:00")) == ()
    assert known.provisional(inside, at("2028-01-01T00:00:01")) == (2028,)
    bare = known.under(())
    assert bare.provisional(inside, at("2027-01-04T10:00")) == (2026, 2027)
    assert bare.add(inside, 8 * HOUR) == at("2027-01-01T10:00")


def test_a_calendar_says_which_notices_counted() -> None:
    """The notice for 2027 counts in December too, where it rules a day of it."""
    known = CN.under((*shipped_notices("cn"), NOTICE_2027))
    shipped = {notice.year: notice.ref for notice in shipped_notices("cn")}
    spans = {
        ("2026-03-02T10:00", "2026-03-03T10:00"): (2026,),
        ("2025-12-31T10:00", "2026-01-05T10:00"): (2025, 2026),
        ("2026-12-24T10:00", "2026-12-28T10:00"): (2026, 2027),
        ("2026-12-29T10:00", "2026-12-30T10:00"): (2026,),
        ("2027-01-02T10:00", "2028-02-02T10:00"): (2027,),
        ("2028-02-02T10:00", "2028-02-03T10:00"): (),
    }
    refs = {**shipped, 2027: NOTICE_2027.ref}
    for (start, end), years in spans.items():
        assert known.counting(at(start), at(end)) == tuple(refs[year] for year in years), start


def test_no_notice_is_the_first_to_say_that_a_calendar_cannot_be() -> None:
    """A make-up day can stand beside any other day: that is looked at before there is one."""
    week = {"mon": ["05:00-09:00"], "wed": ["09:00-17:00"], "fri": ["22:00-06:00"]}
    table = {"name": "x", "zone": "Asia/Shanghai", "week": week, "public_holidays": "cn"}
    for weekday in ("mon", "fri"):
        with pytest.raises(PolicyFault) as refused:
            working_calendar({**table, "make_up_day": weekday}, notices=())
        assert list(said(refused.value)) == ["make_up"]
    assert working_calendar({**table, "make_up_day": "wed"}, notices=()).provisional(
        at("2026-01-01T12:00"), at("2026-01-02T00:00")
    ) == (2026,)


def test_a_calendar_ends_somewhere() -> None:
    for seconds in (10**12, 10**18, -(10**12), -(10**18)):
        with pytest.raises(UncoveredYear, match="no calendar"):
            PLAIN.add(at("2026-03-05T09:00"), seconds)
    with pytest.raises(UncoveredYear, match="3000"):
        PLAIN.roll(at("3000-01-02T09:00"))
    with pytest.raises(UncoveredYear, match="1899"):
        PLAIN.roll(at("1899-12-31T09:00"))


def test_an_instant_needs_an_offset() -> None:
    naive = datetime(2026, 3, 5, 9)  # noqa: DTZ001 - this is the point
    for ask in (
        PLAIN.roll,
        PLAIN.working,
        lambda t: PLAIN.add(t, 1),
        lambda t: PLAIN.add_days(t, 1),
    ):
        with pytest.raises(ValueError, match="needs an offset"):
            ask(naive)


# --- beside the slow way -------------------------------------------------------------------------

MINUTE = timedelta(minutes=1)


@st.composite
def spans(draw: st.DrawFn, days: int = 3) -> tuple[WorkingCalendar, datetime, datetime]:
    """A calendar of a zone, and a span of minutes near a change of its clock."""
    zone, change = draw(st.sampled_from(CLOCK_CHANGES))
    calendar = draw(calendars(zone, change.date()))
    start = change + draw(st.integers(-days * 1440, days * 720)) * MINUTE
    return calendar, start, start + draw(st.integers(0, days * 1440)) * MINUTE


@st.composite
def notices(draw: st.DrawFn) -> tuple[WorkingCalendar, datetime, datetime]:
    """The same around the holidays of a year with a notice."""
    day = date(draw(st.integers(2008, 2025)), draw(st.sampled_from((2, 5, 10))), 1)
    calendar = draw(calendars("Asia/Shanghai", day, public=True))
    start = at(f"{day}T00:00") + draw(st.integers(-14_400, 14_400)) * MINUTE
    return calendar, start, start + draw(st.integers(0, 4_320)) * MINUTE


def walked(calendar: WorkingCalendar, start: datetime, end: datetime) -> int:
    minutes = (end - start) // MINUTE
    return sum(60 * counts(calendar, start + n * MINUTE) for n in range(minutes))


@settings(max_examples=40, deadline=None)
@given(spans() | notices())
def test_elapsed_time_is_what_the_minutes_add_up_to(
    case: tuple[WorkingCalendar, datetime, datetime],
) -> None:
    calendar, start, end = case
    assert calendar.elapsed(start, end) == walked(calendar, start, end)


@given(spans() | notices(), st.integers(0, 10**6))
def test_an_instant_counts_if_the_wall_clock_says_so(
    case: tuple[WorkingCalendar, datetime, datetime], micro: int
) -> None:
    calendar, start, end = case
    for instant in (start, end, start + timedelta(microseconds=micro), end - MINUTE / 60):
        assert calendar.working(instant) is counts(calendar, instant)
        day = instant.astimezone(ZoneInfo(calendar.zone)).date()
        assert calendar.hours(day) == shifts_of(calendar, day)


TICK = timedelta(microseconds=1)


@given(spans() | notices(), st.integers(1, 10 * 86_400), st.integers(0, 10**6 - 1))
def test_adding_and_elapsing_are_inverse(
    case: tuple[WorkingCalendar, datetime, datetime], seconds: int, micro: int
) -> None:
    """The due instant is the first one when so much has passed; back, the last one before."""
    calendar, start, _ = case
    start += timedelta(microseconds=micro)
    due = calendar.add(start, seconds)
    assert due.tzinfo is UTC
    assert calendar.elapsed(start, due) == seconds
    assert calendar.elapsed(start, due - TICK) == seconds - 1
    assert calendar.working(due - TICK)
    before = calendar.subtract(start, seconds)
    assert calendar.add(start, -seconds) == before
    assert calendar.elapsed(before, start) == seconds
    assert calendar.working(before)
    assert calendar.elapsed(before + TICK, start) == seconds - 1


@given(spans() | notices(), st.data())
def test_parts_add_up_and_more_time_is_never_less(
    case: tuple[WorkingCalendar, datetime, datetime], data: st.DataObject
) -> None:
    calendar, start, end = case
    middle = start + data.draw(st.integers(0, (end - start) // timedelta(seconds=1))) * MINUTE / 60
    first, second = calendar.elapsed(start, middle), calendar.elapsed(middle, end)
    assert first + second == calendar.elapsed(start, end)
    assert 0 <= first <= calendar.elapsed(start, end) <= (end - start) // timedelta(seconds=1)


@given(spans() | notices())
def test_adding_in_steps_is_adding_at_once(
    case: tuple[WorkingCalendar, datetime, datetime],
) -> None:
    calendar, start, end = case
    seconds = (end - start) // timedelta(seconds=1) + 2
    half = seconds // 2
    assert calendar.add(calendar.add(start, half), seconds - half) == calendar.add(start, seconds)
    assert start <= calendar.add(start, half) <= calendar.add(start, seconds)


@given(spans() | notices())
def test_rolling_ends_at_working_time_and_stays(
    case: tuple[WorkingCalendar, datetime, datetime],
) -> None:
    calendar, start, _ = case
    rolled = calendar.roll(start)
    assert calendar.working(rolled)
    assert calendar.roll(rolled) == rolled == calendar.add(start, 0)
    assert rolled >= start
    assert calendar.elapsed(start, rolled) == 0
    assert (rolled == start) is counts(calendar, start)
    back = calendar.subtract(start, 0)
    assert back <= start
    assert calendar.elapsed(back, start) == 0
    assert back == start or (calendar.working(back - TICK) and not calendar.working(back))


@pytest.mark.rule("REQ-15")
@settings(deadline=None)
@given(spans() | notices())
def test_the_trace_covers_the_span_and_adds_up(
    case: tuple[WorkingCalendar, datetime, datetime],
) -> None:
    calendar, start, end = case
    trace = calendar.segments(start, end)
    edges = [start, *(segment.end for segment in trace)]
    assert [segment.start for segment in trace] == edges[:-1]
    assert edges[-1] == end
    counted = sum((s.end - s.start for s in trace if s.counted), timedelta())
    assert counted == timedelta(seconds=calendar.elapsed(start, end))
    for segment in trace:
        assert segment.start < segment.end
        for instant in (segment.start, segment.end - TICK):
            assert counts(calendar, instant) is segment.counted
    assert all((a.counted, a.why) != (b.counted, b.why) for a, b in pairwise(trace))


@given(st.sampled_from(CLOCK_CHANGES), st.integers(-(10**8), 10**8), st.integers(1, 10**8))
def test_day_and_night_is_plain_arithmetic_in_every_zone(
    change: tuple[str, datetime], offset: int, seconds: int
) -> None:
    zone, instant = change
    start, span = instant + timedelta(seconds=offset), timedelta(seconds=seconds)
    for calendar in (ALWAYS, daily("00:00-24:00", zone=zone), daily("07:00-19:00", "19:00-07:00")):
        assert calendar.add(start, seconds) == start + span
        assert calendar.subtract(start, seconds) == start - span
        assert calendar.elapsed(start, start + span) == seconds
        assert calendar.roll(start) == start


@given(spans(), st.lists(st.integers(1900, 2200), max_size=4))
def test_what_was_asked_before_changes_no_answer(
    case: tuple[WorkingCalendar, datetime, datetime], years: list[int]
) -> None:
    """The sums that a calendar keeps are the same whatever it is asked first."""
    calendar, start, end = case
    fresh = attrs.evolve(calendar)
    for year in years:
        instant = datetime(year, 6, 1, tzinfo=UTC)
        assert calendar.working(instant) is counts(calendar, instant)
    assert calendar.elapsed(start, end) == fresh.elapsed(start, end)
    assert calendar.add(start, 10**7) == fresh.add(start, 10**7)
    assert calendar.segments(start, end) == fresh.segments(start, end)


@given(spans())
def test_the_name_of_a_calendar_changes_nothing(
    case: tuple[WorkingCalendar, datetime, datetime],
) -> None:
    calendar, start, end = case
    other = attrs.evolve(calendar, name="renamed")
    assert other.segments(start, end) == calendar.segments(start, end)
    assert other.add(start, 5_000) == calendar.add(start, 5_000)


@given(notices(), st.integers(-40, 40))
def test_working_days_are_counted_day_by_day(
    case: tuple[WorkingCalendar, datetime, datetime], days: int
) -> None:
    calendar, start, _ = case
    rolled = calendar.roll(start).astimezone(SHANGHAI)
    day, step, left = rolled.date(), 1 if days > 0 else -1, abs(days)
    while left:
        day += timedelta(days=step)
        left -= bool(shifts_of(calendar, day))
    same_time = datetime.combine(day, rolled.time(), SHANGHAI).astimezone(UTC)
    assert calendar.add_days(start, days) == calendar.roll(same_time)
    first, last = sorted((rolled.date(), day))
    numbers = range((last - first).days + 1)
    assert calendar.working_days(first, last) == sum(
        bool(shifts_of(calendar, first + timedelta(days=n))) for n in numbers
    )


def test_a_calendar_is_a_value() -> None:
    CN.roll(at("2020-03-05T09:00"))
    for same in (copy.deepcopy(CN), pickle.loads(pickle.dumps(CN)), attrs.evolve(CN)):
        assert same == CN
        assert hash(same) == hash(CN)
        assert same.add(at("2020-03-05T09:00"), 10**6) == CN.add(at("2020-03-05T09:00"), 10**6)
    assert PLAIN != LUNCH
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        CN.name = "other"  # type: ignore[misc]
