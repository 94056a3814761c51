"""Which minutes are worked, minute by minute (REQ-11).

Minutes are counted from the first of January 2024 in Shanghai, where the clocks have not been moved
since 1991, so that any day of a life has 1,440 of them.
The files are read as the plain TOML that they are; nothing of the library is asked.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

SHANGHAI = timezone(timedelta(hours=8))
FIRST_DAY = date(2024, 1, 1)
EPOCH = datetime(2024, 1, 1, tzinfo=SHANGHAI)
A_DAY = 24 * 60
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

CORE = Path(__file__).resolve().parents[3] / "src" / "crm_core"
SHIPPED_TEXT = (CORE / "requests/policies/sla-cn-default.toml").read_text(encoding="utf-8")
NOTICES_TEXT = (CORE / "kernel/holidays/cn.toml").read_text(encoding="utf-8")


def minute(text: str) -> int:
    """The minute of `2024-03-04 09:00`, as the clock on the wall shows it."""
    found = datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=SHANGHAI)
    return (found - EPOCH) // timedelta(minutes=1)


def instant(at: int, seconds: int = 0) -> datetime:
    return EPOCH + timedelta(minutes=at, seconds=seconds)


def clock_time(at: int) -> str:
    """A minute for people to read."""
    return instant(at).strftime("%a %Y-%m-%d %H:%M")


class Notices:
    """Days off and days worked in exchange, from the official notices."""

    def __init__(self, text: str) -> None:
        self.off: set[date] = set()
        self.worked: set[date] = set()
        self.years: set[int] = set()
        for year, table in tomllib.loads(text).items():
            self.years.add(int(year))
            for holiday in table["holidays"]:
                self.off |= set(_days(holiday.get("off", ()), int(year)))
                self.worked |= set(_days(holiday.get("worked", ()), int(year)))


def _days(spans: list[str], year: int) -> Iterator[date]:
    for span in spans:
        first, _, last = span.partition("..")
        day, end = _day(first, year), _day(last or first, year)
        while day <= end:
            yield day
            day += timedelta(days=1)


def _day(text: str, year: int) -> date:
    return date.fromisoformat(text if len(text) == 10 else f"{year}-{text}")


NOTICES = Notices(NOTICES_TEXT)


class Calendar:
    """The hours of one clock; without a table day and night."""

    def __init__(self, table: dict[str, Any] | None = None) -> None:
        assert table is None or table["zone"] == "Asia/Shanghai", "the model knows no other zone"
        self._table = table
        self._minutes: dict[int, list[bool]] = {}

    def worked(self, at: int) -> bool:
        """Whether the minute that begins then counts."""
        if self._table is None:
            return True
        number, within = divmod(at, A_DAY)
        if number not in self._minutes:
            self._minutes[number] = self._minutes_of(FIRST_DAY + timedelta(days=number))
        return self._minutes[number][within]

    def _minutes_of(self, day: date) -> list[bool]:
        today = self._shifts(day)
        # A shift over midnight belongs to the day on which it begins.
        before = [(a - A_DAY, b - A_DAY) for a, b in self._shifts(day - timedelta(days=1))]
        return [any(a <= m < b for a, b in (*today, *before)) for m in range(A_DAY)]

    def _shifts(self, day: date) -> list[tuple[int, int]]:
        """The shifts that begin on a day, in minutes from its midnight."""
        table = self._table
        assert table is not None
        own = {str(key): hours for key, hours in table.get("exceptions", {}).items()}
        if day.isoformat() in own:
            return [_shift(text) for text in own[day.isoformat()]]
        if day in table.get("holidays", ()):
            return []
        weekday = WEEKDAYS[day.weekday()]
        # A year without a notice goes by its regular week (REQ-11).
        if table.get("public_holidays") == "cn" and day.year in NOTICES.years:
            if day in NOTICES.off:
                return []
            if day in NOTICES.worked:
                weekday = table["make_up_day"]
        return [_shift(text) for text in table["week"].get(weekday, ())]


def _shift(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d\d):(\d\d)-(\d\d):(\d\d)", text)
    assert found, f"the model knows hours on whole minutes only, not {text}"
    a, b, c, d = map(int, found.groups())
    begin, end = a * 60 + b, c * 60 + d
    return begin, end if end > begin else end + A_DAY


@dataclass(frozen=True)
class Rules:
    """The numbers of a policy, and the calendar of each clock. Targets are in seconds."""

    text: str
    calendars: dict[str, Calendar]
    promise: dict[str, int]
    arrival: dict[str, int]
    close: dict[str, int]
    progress_percent: int
    progress_max: int
    progress_min: int
    apology: int
    attempts: int
    days: int
    reasons: tuple[str, ...]

    @classmethod
    def read(cls, text: str) -> Rules:
        data = tomllib.loads(text)
        known = {"24x7": Calendar()}
        known |= {name: Calendar(table) for name, table in data.get("hours", {}).items()}
        return cls(
            text=text,
            calendars={clock: known[name] for clock, name in data["calendars"].items()},
            promise=data["promise_seconds"],
            arrival=data["arrival_seconds"],
            close=data["close_seconds"],
            progress_percent=data["progress"]["percent"],
            progress_max=data["progress"]["seconds_max"],
            progress_min=data["progress"]["seconds_min"],
            apology=data["apology"]["seconds"],
            attempts=data["confirmation"]["attempts"],
            days=data["confirmation"]["days"],
            reasons=(*data["pauses"]["customer"], *data["pauses"]["third_party"]),
        )


DAY_AND_NIGHT = Calendar()

SHIPPED = Rules.read(SHIPPED_TEXT)

OFFICE_TEXT = SHIPPED_TEXT.replace("version = 1", "version = 2")
OFFICE_TEXT = OFFICE_TEXT.replace('arrival = "24x7"', 'arrival = "office"')
OFFICE_TEXT = OFFICE_TEXT.replace('closing = "24x7"', 'closing = "office"')
OFFICE_TEXT = OFFICE_TEXT.replace('progress = "service-hours"', 'progress = "office"')
OFFICE_TEXT += """
[hours.office]
zone = "Asia/Shanghai"
public_holidays = "cn"
make_up_day = "fri"

[hours.office.week]
mon = ["08:30-12:00", "13:30-17:30"]
tue = ["08:30-12:00", "13:30-17:30"]
wed = ["08:30-12:00", "13:30-17:30"]
thu = ["08:30-12:00", "13:30-17:30", "22:00-02:00"]
fri = ["08:30-12:00", "13:30-17:30"]
"""
"""The shipped policy with arrival, closing and progress in office hours, and one night shift."""

OFFICE = Rules.read(OFFICE_TEXT)
