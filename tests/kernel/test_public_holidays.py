"""Public holidays and make-up working days are what the official notices say, day by day."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import date, timedelta
from typing import Any

import pytest

from crm_core.kernel.canonical import digest_of
from crm_core.kernel.public_holidays import PublicHolidays, public_holidays, read_notices
from kernel.shared_data import shared_file

pytestmark = pytest.mark.rule("REQ-11")

CN = public_holidays("cn")


def test_every_row_of_the_notices_is_there_and_no_other() -> None:
    """678 rows of 2007 to 2026, against a table that somebody else has made from the notices."""
    path = shared_file("china-holidays/holiday_cn_2007_2026.csv")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 678
    expected = {(row["date"], row["name"], row["is_off_day"]) for row in rows}
    found = {(str(day), name, "1") for day, name in CN.off}
    found |= {(str(day), name, "0") for day, name in CN.make_up}
    assert found == expected
    assert {int(row["notice_year"]) for row in rows} == set(range(CN.first_year, CN.last_year + 1))


PUBLISHED = "bd592c5c14a93db86b349551ee39a75443f458c91f93cb4eca077c3479d67a93"


def test_a_published_year_never_changes() -> None:
    """Whoever must change this line changes verdicts of the past; a new year does not change it."""
    through = date(2026, 12, 24)  # what is later, the next notice may rule
    days = [
        [[str(day), name] for day, name in listed if day <= through]
        for listed in (CN.off, CN.make_up)
    ]
    assert digest_of(days) == PUBLISHED


def test_what_people_remember() -> None:
    """Facts that need no file beside this one."""
    off, make_up = dict(CN.off), dict(CN.make_up)
    assert (CN.country, CN.first_year, CN.last_year) == ("cn", 2007, 2026)
    assert off[date(2015, 9, 3)].startswith("抗日战争")
    assert make_up[date(2015, 9, 6)].startswith("抗日战争")
    assert date(2020, 2, 2) in off  # prolonged when the epidemic began
    assert date(2007, 12, 30) in off  # ruled by the notice for 2008
    assert make_up[date(2011, 12, 31)] == "元旦"
    assert off[date(2023, 9, 29)] == "中秋节、国庆节"
    national = Counter(day.year for day in off if (day.month, day.day) == (10, 1))
    assert national == Counter(range(2007, 2027))
    # The second notice of 2020 ended the holiday by name: work begins on Monday, 3 February.
    assert [day for day in make_up if day.weekday() < 5] == [date(2020, 2, 3)]


def notice(**holiday: Any) -> dict[str, Any]:
    return {"holidays": [{"name": "x", "off": ["05-01"], **holiday}]}


def test_days_are_read_singly_and_in_runs() -> None:
    read = read_notices(
        "x", {"2008": notice(off=["2007-12-30..01-01", "02-29"], worked=["2007-12-29", "03-01"])}
    )
    assert read == PublicHolidays(
        "x",
        2008,
        2008,
        {date(2007, 12, 30) + timedelta(days=n): "x" for n in range(3)} | {date(2008, 2, 29): "x"},
        {date(2007, 12, 29): "x", date(2008, 3, 1): "x"},
    )


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"2007": notice(), "2009": notice()}, "a year between two others has no notice"),
        ({"2007": notice(off=["02-29"])}, "day"),
        ({"2007": notice(worked=["05-01"])}, "both a day off and a working day"),
        (
            {"2007": {"holidays": [{"name": n, "off": ["05-01"]} for n in ("x", "y")]}},
            "`2007-05-01` comes twice",
        ),
    ],
)
def test_a_table_that_cannot_be_meant_is_refused(data: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_notices("x", data)


def test_only_countries_with_notices_are_known() -> None:
    with pytest.raises(ValueError, match=r"no notices for `\.\./cn`; there are cn"):
        public_holidays("../cn")
    with pytest.raises(ValueError, match="not before"):
        PublicHolidays("x", 2008, 2007, {}, {})
