"""Days are plain, instants are aware, and every conversion names its zone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_core.kernel.dates import (
    Period,
    as_utc,
    instant_text,
    local_date,
    parse_date,
    parse_instant,
    start_of_day,
    zone,
)
from crm_core.testing.strategies import days, instants, periods


@pytest.fixture(params=["UTC", "Pacific/Kiritimati", "America/New_York"])
def machine_zone(request: pytest.FixtureRequest) -> Iterator[None]:
    """The test runs as on a machine in that zone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", request.param)
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2011",
        "2011-1-1",
        "2011-01-1",
        "20110101",
        "2011/01/01",
        "01-01-2011",
        "2011-W01-1",
        "2011-001",
        " 2011-01-01",
        "2011-01-01\n",
        "2011-01-01T00:00:00",
        "２０１１-01-01",
        "2011年1月1日",
        "2011-00-10",
        "2011-13-01",
        "2011-02-29",
        "2100-02-29",
        "2011-04-31",
        "0000-01-01",
        "-001-01-01",
    ],
)
def test_what_is_not_a_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"YYYY-MM-DD|no such day"):
        parse_date(text)


def test_leap_days_are_days() -> None:
    assert parse_date("2000-02-29") == date(2000, 2, 29)
    assert parse_date("2012-02-29") == date(2012, 2, 29)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2011-12-31",
        "2011-12-31T09:00:00",  # no offset: whose nine o'clock?
        "2011-12-31T09:00:00 +08:00",
        "2011-12-31T09:00:00+0800",
        "2011-12-31T09:00:00+08",
        "2011-12-31T09:00:00+08:00[Asia/Shanghai]",
        "2011-12-31T09+08:00",
        "2011-12-31T24:00:00+08:00",
        "2011-12-31T09:60:00Z",
        "2011-12-31T23:59:60Z",
        "2011-02-29T09:00:00Z",
        "2011-12-31T09:00:00.1234567Z",
        "2011-12-31T09:00:00,5Z",
        "2011-12-31T09:00:00z",
        "2011-12-31T09:00:00+24:00",
        "1325293200",
        "0001-01-01T00:00:00+08:00",
        "9999-12-31T23:59:59-08:00",
    ],
)
def test_what_is_not_an_instant_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"with an offset|no such instant"):
        parse_instant(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2011-12-31T09:00+08:00", datetime(2011, 12, 31, 1, tzinfo=UTC)),
        ("2011-12-31 09:00:00+08:00", datetime(2011, 12, 31, 1, tzinfo=UTC)),
        ("2011-12-31T09:00:00Z", datetime(2011, 12, 31, 9, tzinfo=UTC)),
        ("2011-12-31T09:00:00.25-00:30", datetime(2011, 12, 31, 9, 30, 0, 250000, tzinfo=UTC)),
        ("2012-02-29T23:59:59.999999Z", datetime(2012, 2, 29, 23, 59, 59, 999999, tzinfo=UTC)),
    ],
)
def test_an_instant_is_read_as_utc(text: str, expected: datetime) -> None:
    found = parse_instant(text)
    assert found == expected
    assert found.tzinfo is UTC


@given(instants())
def test_an_instant_is_written_in_utc_and_read_again(instant: datetime) -> None:
    text = instant_text(instant)
    assert text.endswith("Z")
    assert parse_instant(text) == instant


@given(instants(), st.integers(-14 * 60, 14 * 60))
def test_the_offset_an_instant_comes_with_does_not_matter(instant: datetime, minutes: int) -> None:
    elsewhere = instant.astimezone(timezone(timedelta(minutes=minutes)))
    assert instant_text(elsewhere) == instant_text(instant)
    assert local_date(elsewhere) == local_date(instant)


@pytest.mark.usefixtures("machine_zone")
def test_an_instant_without_an_offset_is_refused_everywhere() -> None:
    """Nowhere does the zone of the machine stand in for the one that is missing."""
    naive = datetime(2011, 12, 31, 9)  # noqa: DTZ001 - this is the point
    for use in (as_utc, local_date, instant_text):
        with pytest.raises(ValueError, match="needs an offset"):
            use(naive)


@pytest.mark.usefixtures("machine_zone")
@pytest.mark.rule("GRD-08")
def test_days_do_not_depend_on_the_zone_of_the_machine() -> None:
    new_year = datetime(2011, 12, 31, 16, 0, tzinfo=UTC)
    assert local_date(new_year) == date(2012, 1, 1)
    assert local_date(new_year - timedelta(microseconds=1)) == date(2011, 12, 31)
    assert start_of_day(date(2012, 1, 1)) == new_year


def test_summer_time_that_was_once_kept_in_shanghai_is_kept_here() -> None:
    """On 1 July 1988 the clocks of Shanghai stood at UTC+9: the day began an hour earlier."""
    assert start_of_day(date(1988, 7, 1)) == datetime(1988, 6, 30, 15, tzinfo=UTC)
    assert local_date(datetime(1988, 6, 30, 15, tzinfo=UTC)) == date(1988, 7, 1)
    assert local_date(datetime(1988, 6, 30, 14, 59, 59, tzinfo=UTC)) == date(1988, 6, 30)
    assert start_of_day(date(1988, 12, 1)) == datetime(1988, 11, 30, 16, tzinfo=UTC)


@given(days(), st.sampled_from(["Asia/Shanghai", "Asia/Hong_Kong", "UTC", "Europe/Berlin"]))
def test_a_day_begins_on_that_day(day: date, name: str) -> None:
    start = start_of_day(day, name)
    assert local_date(start, name) == day
    assert local_date(start - timedelta(seconds=1), name) == day - timedelta(days=1)


@pytest.mark.parametrize("name", ["", "Asia/Nowhere", "../etc/passwd", "UTC+8", "\x00", "/"])
def test_a_zone_nobody_knows_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not a known time zone"):
        zone(name)


@given(periods())
def test_the_period_before_ends_the_day_before(period: Period) -> None:
    before = period.before()
    assert before.end + timedelta(days=1) == period.start
    assert period.start in period
    assert period.end in period
    assert before.end not in period
    if period != Period.of_year(period.start.year):
        assert before.end - before.start == period.end - period.start


def test_the_year_before_a_leap_year_is_a_whole_year() -> None:
    assert Period.of_year(2012).before() == Period.of_year(2011)
    assert Period.of_year(2013).before() == Period.of_year(2012)


def test_a_period_does_not_end_before_it_starts() -> None:
    with pytest.raises(ValueError, match="on or after its start"):
        Period(date(2011, 1, 2), date(2011, 1, 1))
    assert date(2011, 1, 1) in Period(date(2011, 1, 1), date(2011, 1, 1))
