"""Public holidays and make-up working days are what the official notices say, day by day."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import date, timedelta

import pytest

from crm_core.kernel.canonical import digest_of
from crm_core.kernel.policy import PolicyFault
from crm_core.kernel.public_holidays import (
    HolidayNotice,
    in_force,
    public_holidays,
    together,
)
from kernel.shared_data import shared_file
from policy_faults import said

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
    assert {int(row["notice_year"]) for row in rows} == set(CN.years)


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
    assert (CN.country, sorted(CN.years)) == ("cn", list(range(2007, 2027)))
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


# --- a notice as a policy ------------------------------------------------------------------------


def text(holidays: str = 'off = ["01-01"]', year: int = 2028, version: int = 1, **said: str) -> str:
    """The file of a notice, as a host writes it."""
    said = {
        "country": "cn",
        "name": f"ours-cn-{year}",
        "effective_from": f"{year - 1}-11-01",
        **said,
    }
    return (
        f'kind = "holidays"\ncountry = "{said["country"]}"\nyear = {year}\n'
        f'[policy]\nname = "{said["name"]}"\nversion = {version}\napproved_by = "director"\n'
        f'effective_from = {said["effective_from"]}\nimpact_assessment = "PIA"\n'
        f'[[holidays]]\nname = "元旦"\n{holidays}\n'
    )


def test_days_are_read_singly_and_in_runs() -> None:
    read = HolidayNotice.parse(
        text('off = ["2027-12-30..01-01", "02-29"]\nworked = ["2027-12-29", "03-01"]')
    )
    off = [date(2027, 12, 30) + timedelta(days=n) for n in range(3)] + [date(2028, 2, 29)]
    assert (read.country, read.year) == ("cn", 2028)
    assert read.off == tuple((day, "元旦") for day in off)
    assert read.make_up == ((date(2027, 12, 29), "元旦"), (date(2028, 3, 1), "元旦"))


def test_a_day_more_is_another_notice() -> None:
    one, other = (HolidayNotice.parse(text(f'off = ["{days}"]')) for days in ("01-01", "01-02"))
    assert one.ref.digest != other.ref.digest
    assert one == HolidayNotice.parse(text('off = ["01-01"]  # as published'))


def faults(text: str) -> dict[str, str]:
    with pytest.raises(PolicyFault) as refused:
        HolidayNotice.parse(text)
    return said(refused.value)


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        (text('off = ["02-30"]'), {"holidays[0].off[0]": "lie in 2028"}),
        (text('off = ["1 May"]'), {"holidays[0].off[0]": "MM-DD"}),
        (text('off = ["01-03..01-01"]'), {"holidays[0].off[0]": "MM-DD"}),
        (text('off = ["01-01..2029-01-01"]'), {"holidays[0].off[0]": "lie in 2028"}),
        (text('off = ["2027-11-30"]'), {"holidays[0].off[0]": "the December before"}),
        (text('off = ["01-01"]\nworked = ["01-01"]'), {"holidays": "both a day off and a working"}),
        (
            text('off = ["01-01"]\n[[holidays]]\nname = "x"\noff = ["01-01"]'),
            {"holidays[1].off[0]": "`2028-01-01` comes twice"},
        ),
        (text("off = []"), {"holidays": "one is expected"}),
        (text(name="ours"), {"policy.name": "ending in `-cn-2028`"}),
        (text(name="ours-cn-2027"), {"policy.name": "ending in `-cn-2028`"}),
        (text(country="de", name="ours-de-2028"), {"country": "one of cn"}),
        (text(year=1776), {"year": "between 1900 and 2200"}),
        (text().replace('"holidays"', '"sla"'), {"kind": "`sla` is not `holidays`"}),
    ],
)
def test_a_notice_that_cannot_be_meant_is_refused(wrong: str, expected: dict[str, str]) -> None:
    found = faults(wrong)
    assert found.keys() == expected.keys()
    for path, why in expected.items():
        assert why in found[path]


def test_of_two_notices_for_one_year_the_one_that_came_into_force_last_holds() -> None:
    """So a release that brings a notice of its own does not displace the one that was adopted."""
    adopted = HolidayNotice.parse(text('off = ["01-01"]', effective_from="2027-11-05"))
    later = HolidayNotice.parse(text('off = ["01-02"]', version=2, effective_from="2028-01-26"))
    released = HolidayNotice.parse(
        text('off = ["01-03"]', name="holidays-cn-2028", effective_from="2000-01-01", version=9)
    )
    draft = HolidayNotice.parse(text('off = ["01-04"]').replace('approved_by = "director"\n', ""))
    known = (later, released, draft, adopted)
    for day, expected in (
        (date(2027, 11, 4), released),
        (date(2027, 11, 5), adopted),
        (date(2028, 1, 25), adopted),
        (date(2028, 1, 26), later),
    ):
        assert in_force(known, day) == (expected,), day
    assert in_force((draft,), date(2030, 1, 1)) == ()


def test_of_two_notices_about_one_day_that_of_the_later_year_holds() -> None:
    """It was published last, as the notice for 2008 that took back a working day of 2007."""
    before = HolidayNotice.parse(text('off = ["12-31"]', year=2027))
    after = HolidayNotice.parse(text('off = ["01-01"]\nworked = ["2027-12-31"]'))
    found = together("cn", (after, before))
    assert dict(found.make_up) == {date(2027, 12, 31): "元旦"}
    assert dict(found.off) == {date(2028, 1, 1): "元旦"}
    assert found.years == {2027, 2028}


def test_only_countries_with_notices_are_known() -> None:
    with pytest.raises(ValueError, match=r"no notices for `\.\./cn`; there are cn"):
        public_holidays("../cn")
