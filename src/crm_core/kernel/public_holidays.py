"""Public holidays (节假日) and make-up working days (调休) from official notices (REQ-11).

Only a notice says which weekends are worked: nothing is computed for a year without one. Reading
the package's own tables counts as reading code, not as I/O (decision record 0008).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from attrs import field, frozen

from crm_core.kernel.sentences import Malformed


def _sorted(pairs: Mapping[date, str] | Iterable[tuple[date, str]]) -> tuple[tuple[date, str], ...]:
    return tuple(sorted(dict(pairs).items()))


@frozen
class PublicHolidays:
    """What the notices of one country say about the days of some years.

    Args:
        country: Whose notices, e.g. `cn`.
        first_year: First year with a notice.
        last_year: Last year with a notice; there is one for each year between.
        off: Days off, with the holiday they belong to.
        make_up: Days named as worked, nearly all weekend days, with the holiday they make up for.
    """

    country: str
    first_year: int
    last_year: int
    off: tuple[tuple[date, str], ...] = field(converter=_sorted)
    make_up: tuple[tuple[date, str], ...] = field(converter=_sorted)

    def __attrs_post_init__(self) -> None:
        twice = {day for day, _ in self.off} & {day for day, _ in self.make_up}
        if twice:
            raise Malformed("day_off_and_worked", day=min(twice).isoformat())
        if self.last_year < self.first_year:
            raise Malformed("years_reversed", first=self.first_year, last=self.last_year)


@lru_cache(maxsize=8)
def public_holidays(country: str) -> PublicHolidays:
    """The notices of a country that come with the package.

    Raises:
        Malformed: there are none for that country.
    """
    if country not in COUNTRIES:
        raise Malformed("notices_missing", country=country, known=COUNTRIES)
    import tomllib
    from importlib.resources import files  # Slow to load, and few calendars keep public holidays.

    file = files("crm_core.kernel") / "holidays" / f"{country}.toml"
    return read_notices(country, tomllib.loads(file.read_text(encoding="utf-8")))


COUNTRIES = ("cn",)
"""Countries whose notices come with the package."""


def read_notices(country: str, data: Mapping[str, Any]) -> PublicHolidays:
    """The notices in a table: a key for each year, and per holiday its days off and worked.

    Days are written `MM-DD`, runs of days `MM-DD..MM-DD`; a day of the year before is written in
    full, for a notice also rules the last days before its year.

    Raises:
        Malformed: a year is missing between two others, or a day does not exist or comes twice.
    """
    years = sorted(map(int, data))
    if years != list(range(years[0], years[-1] + 1)):
        raise Malformed("notice_missing")
    off: dict[date, str] = {}
    make_up: dict[date, str] = {}
    for year in years:
        for holiday in data[str(year)]["holidays"]:
            for found, written in (
                (off, holiday["off"]),
                (make_up, holiday.get("worked", ())),
            ):
                for day in _days(year, written):
                    if found.setdefault(day, holiday["name"]) != holiday["name"]:
                        raise Malformed("day_twice", day=day.isoformat())
    return PublicHolidays(
        country=country, first_year=years[0], last_year=years[-1], off=off, make_up=make_up
    )


def _days(year: int, written: Iterable[str]) -> Iterable[date]:
    for run in written:
        first, _, last = run.partition("..")
        day, end = _day(year, first), _day(year, last or first)
        while day <= end:
            yield day
            day += timedelta(days=1)


def _day(year: int, text: str) -> date:
    return date.fromisoformat(text if len(text) > len("MM-DD") else f"{year:04}-{text}")
