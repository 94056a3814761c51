"""Public holidays (节假日) and make-up working days (调休) from official notices (REQ-11).

Only a notice says which weekends are worked: nothing is computed for a year without one. A notice
is policy data, one for each year: the package brings some, and a host supplies what is missing.
Reading the package's own tables counts as reading code, not as I/O (decision record 0008).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from attrs import field

from crm_core.kernel.dates import EARLIEST_YEAR, LATEST_YEAR
from crm_core.kernel.policy import (
    Header,
    PathFault,
    PolicyFault,
    PolicyRef,
    by_path,
    digest_of_table,
    read_toml,
    structure,
    wrong,
)
from crm_core.kernel.sentences import Malformed
from crm_core.kernel.values import define, frozen

KIND = "holidays"
"""What the file of a notice says under `kind`."""

COUNTRIES = ("cn",)
"""Countries whose public holidays a calendar can keep."""

Days = tuple[tuple[date, str], ...]
"""Days with the holiday they belong to, sorted."""


def _sorted(pairs: Mapping[date, str] | Iterable[tuple[date, str]]) -> Days:
    return tuple(sorted(dict(pairs).items()))


@frozen
class HolidayNotice:
    """The official notice (放假通知) of a country for a year, as a policy.

    Args:
        country: Whose notice, e.g. `cn`.
        year: The year it is for; it may rule the last days of the year before too.
        off: Days off, with the holiday they belong to.
        make_up: Days named as worked, nearly all weekend days, with the holiday they make up for.
    """

    header: Header
    ref: PolicyRef
    country: str = field(eq=False)
    year: int = field(eq=False)
    off: Days = field(converter=_sorted, eq=False)
    make_up: Days = field(converter=_sorted, eq=False)

    @classmethod
    def parse(cls, text: str) -> HolidayNotice:
        """The notice in TOML text.

            kind = "holidays"
            country = "cn"
            year = 2027

            [policy]
            name = "our-holidays-cn-2027"    # ends with country and year
            version = 1

            [[holidays]]
            name = "元旦"
            off = ["01-01..01-03"]           # days, or runs of days
            worked = ["2026-12-27"]          # in full where it is a day of the year before

        Raises:
            PolicyFault: the text is not such a notice; all faults with their paths.
        """
        return _parsed(text)

    @classmethod
    def of_table(cls, data: dict[str, Any]) -> HolidayNotice:
        """The notice in a table; see `parse`."""
        contents = structure(data, _Contents)
        faults = list(_faults(contents))
        off: dict[date, str] = {}
        make_up: dict[date, str] = {}
        for i, holiday in enumerate(contents.holidays):
            faults += _read(contents.year, holiday.name, f"holidays[{i}].off", holiday.off, off)
            faults += _read(
                contents.year, holiday.name, f"holidays[{i}].worked", holiday.worked, make_up
            )
        faults += [
            wrong("holidays", "day_off_and_worked", day=day.isoformat())
            for day in sorted(off.keys() & make_up.keys())
        ]
        if faults:
            raise PolicyFault(sorted(faults, key=by_path))
        policy = contents.policy
        return cls(
            header=policy,
            ref=PolicyRef(digest_of_table(data), policy.name, policy.version),
            country=contents.country,
            year=contents.year,
            off=off,
            make_up=make_up,
        )

    def rules(self, first: date, last: date) -> bool:
        """Whether it says anything of the days from `first` to `last`.

        Of its own year it says of every day how it is worked, also where that is as usual.
        """
        if first.year <= self.year <= last.year:
            return True
        return any(first <= day <= last for day, _ in (*self.off, *self.make_up))


@lru_cache(maxsize=64)
def _parsed(text: str) -> HolidayNotice:
    """Whoever takes in a request looks at all notices that were adopted."""
    return HolidayNotice.of_table(read_toml(text))


@define
class _Holiday:
    """A holiday in the file of a notice."""

    name: str
    off: tuple[str, ...]
    worked: tuple[str, ...] = ()


@define
class _Contents:
    """The file of a notice."""

    kind: str
    country: str
    year: int
    policy: Header
    holidays: tuple[_Holiday, ...]


def _faults(contents: _Contents) -> Iterator[PathFault]:
    if contents.kind != KIND:
        yield wrong("kind", "unknown_kind", kind=contents.kind, needed=KIND)
    if contents.country not in COUNTRIES:
        yield wrong("country", "one_of_expected", accepted=COUNTRIES)
    if not EARLIEST_YEAR <= contents.year <= LATEST_YEAR:
        yield wrong("year", "year_out_of_range", earliest=EARLIEST_YEAR, latest=LATEST_YEAR)
    # Of one name the highest version holds, so the notices of two years must not share one.
    ending = f"-{contents.country}-{contents.year}"
    if not contents.policy.name.endswith(ending):
        yield wrong("policy.name", "ending_expected", ending=ending)
    if not any(holiday.off for holiday in contents.holidays):
        yield wrong("holidays", "one_at_least_expected")


def _read(
    year: int, name: str, path: str, written: Iterable[str], found: dict[date, str]
) -> Iterator[PathFault]:
    """Take up the days that are written, or say what is wrong with them."""
    if not EARLIEST_YEAR <= year <= LATEST_YEAR:
        return
    for i, run in enumerate(written):
        first, dots, last = run.partition("..")
        try:
            day, end = _day(year, first), _day(year, last if dots else first)
        except ValueError:
            yield wrong(f"{path}[{i}]", "day_of_notice_form", year=year)
            continue
        if end < day or not date(year - 1, 12, 1) <= day or end.year > year:
            yield wrong(f"{path}[{i}]", "day_of_notice_form", year=year)
            continue
        while day <= end:
            if found.setdefault(day, name) != name:
                yield wrong(f"{path}[{i}]", "day_twice", day=day.isoformat())
            day += timedelta(days=1)


def _day(year: int, text: str) -> date:
    if len(text) == len("MM-DD"):
        text = f"{year:04}-{text}"
    if len(text) != len("YYYY-MM-DD"):
        raise ValueError(text)
    return date.fromisoformat(text)


# --- what several notices say together -----------------------------------------------------------


@frozen
class PublicHolidays:
    """What the notices of one country say about the days of some years.

    Args:
        country: Whose notices, e.g. `cn`.
        years: Years with a notice.
        off: Days off, with the holiday they belong to.
        make_up: Days named as worked, with the holiday they make up for.
        notices: The notices that say so, by year.
    """

    country: str
    years: frozenset[int] = frozenset()
    off: Days = field(default=(), converter=_sorted)
    make_up: Days = field(default=(), converter=_sorted)
    notices: tuple[HolidayNotice, ...] = ()


def together(country: str, notices: Iterable[HolidayNotice]) -> PublicHolidays:
    """What the notices of a country say, one for each year.

    Where two say something about one day, that of the later year holds: it was published last.
    """
    off: dict[date, str] = {}
    make_up: dict[date, str] = {}
    own = tuple(
        sorted((n for n in notices if n.country == country), key=lambda notice: notice.year)
    )
    for notice in own:
        for days, holding, others in (
            (notice.off, off, make_up),
            (notice.make_up, make_up, off),
        ):
            for day, name in days:
                holding[day] = name
                others.pop(day, None)
    return PublicHolidays(
        country=country,
        years=frozenset(notice.year for notice in own),
        off=off,
        make_up=make_up,
        notices=own,
    )


def in_force(notices: Iterable[HolidayNotice], day: date) -> tuple[HolidayNotice, ...]:
    """The notices to be used on a day: one for each country and year, sorted by them.

    Of several for one year it is the one that came into force last. So a notice that a host has
    adopted is not displaced by one that a later release of the package brings.
    """
    found: dict[tuple[str, int], HolidayNotice] = {}
    for notice in notices:
        if notice.header.missing() or not notice.header.covers(day):
            continue
        key = (notice.country, notice.year)
        there = found.get(key)
        if there is None or _rank(notice) > _rank(there):
            found[key] = notice
    return tuple(found[key] for key in sorted(found))


def _rank(notice: HolidayNotice) -> tuple[date, int, str, str]:
    first = notice.header.effective_from or date.min
    return first, notice.ref.version, notice.ref.name, notice.ref.digest


# --- those that come with the package ------------------------------------------------------------


@lru_cache(maxsize=8)
def shipped_notices(country: str) -> tuple[HolidayNotice, ...]:
    """The notices of a country that come with the package, by year.

    Raises:
        Malformed: there are none for that country.
    """
    if country not in COUNTRIES:
        raise Malformed("notices_missing", country=country, known=COUNTRIES)
    from importlib.resources import files  # Slow to load, and not every program reads them.

    file = files("crm_core.kernel") / "holidays" / f"{country}.toml"
    table = read_toml(file.read_text(encoding="utf-8"))
    return tuple(read_notices(country, table))


def read_notices(country: str, table: Mapping[str, Any]) -> Iterator[HolidayNotice]:
    """The notices of a table with a key for each year, each as if it had a file of its own.

    Raises:
        PolicyFault: one of them is none.
    """
    for year in sorted(table, key=int):
        yield HolidayNotice.of_table(
            {
                "kind": KIND,
                "country": country,
                "year": int(year),
                "policy": {
                    "name": f"holidays-{country}-{year}",
                    "version": 1,
                    "effective_from": date(2000, 1, 1),
                    "approved_by": "director",
                    "impact_assessment": "PIA-HOLIDAYS-1",
                },
                **table[year],
            }
        )


@lru_cache(maxsize=8)
def public_holidays(country: str) -> PublicHolidays:
    """What the notices of a country that come with the package say together.

    Raises:
        Malformed: there are none for that country.
    """
    return together(country, shipped_notices(country))
