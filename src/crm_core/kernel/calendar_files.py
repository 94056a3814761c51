"""Working calendars as people write them: tables, with all that is wrong in them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from crm_core.kernel.calendars import WorkingCalendar
from crm_core.kernel.dates import parse_date
from crm_core.kernel.policy import PathFault, PolicyFault, wrong
from crm_core.kernel.public_holidays import (
    COUNTRIES,
    HolidayNotice,
    PublicHolidays,
    public_holidays,
    together,
)
from crm_core.kernel.sentences import Malformed
from crm_core.kernel.shifts import WEEKDAYS, Shift, Shifts
from crm_core.kernel.wall_clock import DAY

_KEYS = ("name", "zone", "week", "exceptions", "holidays", "public_holidays", "make_up_day")
_HOURS = re.compile(
    r"([01][0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9]))?"
    r"-(?:(24):(00)(?::(00))?|([01][0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9]))?)"
)


def working_calendar(
    data: Mapping[str, Any], where: str = "", notices: Iterable[HolidayNotice] | None = None
) -> WorkingCalendar:
    """A calendar from its table.

        name = "office"
        zone = "Asia/Shanghai"
        public_holidays = "cn"               # optional: whose notices are kept
        make_up_day = "fri"                  # with it: the weekday whose hours a make-up day has
        holidays = [2026-03-09]              # optional: days without work
        [week]                               # a weekday that is left out has no hours
        mon = ["08:30-12:00", "13:30-17:30"]
        fri = ["22:00-06:00"]                # over midnight
        [exceptions]                         # optional: days with hours of their own
        2026-03-07 = ["09:00-12:00"]

    Args:
        data: The table.
        where: What the paths of faults begin with.
        notices: Official notices that it goes by; by default those that come with the package.

    Raises:
        PolicyFault: all that is wrong, each with its path.
    """
    faults: list[PathFault] = []
    made = _read(data, faults, notices)
    if made is not None:
        return made
    raise PolicyFault([(".".join(filter(None, (where, path))), what) for path, what in faults])


def _read(
    data: Mapping[str, Any], faults: list[PathFault], notices: Iterable[HolidayNotice] | None
) -> WorkingCalendar | None:
    faults += [wrong(str(key), "unknown_key", key=str(key)) for key in data if key not in _KEYS]
    name, place = (_text(data, key, faults) for key in ("name", "zone"))
    week = _table(data, "week", faults)
    faults += [
        wrong(f"week.{key}", "weekday_unknown", day=str(key), accepted=WEEKDAYS)
        for key in week
        if key not in WEEKDAYS
    ]
    hours = [_read_hours(week.get(day, []), f"week.{day}", faults) for day in WEEKDAYS]
    exceptions: dict[date, Shifts] = {}
    for key, value in _table(data, "exceptions", faults, needed=False).items():
        read = _read_hours(value, f"exceptions.{key}", faults)
        try:
            exceptions[parse_date(str(key))] = read
        except Malformed as error:
            faults.append((f"exceptions.{key}", error))
    holidays = data.get("holidays", [])
    if not isinstance(holidays, list) or any(type(day) is not date for day in holidays):
        faults.append(wrong("holidays", "dates_expected"))
        holidays = []
    public, make_up = _read_public(data, hours, faults, notices)
    read_badly = bool(faults)
    try:
        made = WorkingCalendar(
            name=name,
            zone=place,
            week=hours,
            exceptions=exceptions,
            holidays=holidays,
            public=public,
            make_up=make_up,
        )
    except PolicyFault as error:
        told = {path for path, _ in faults}
        faults += [
            fault
            for fault in error.faults
            # What could not be read is not missing as well.
            if fault[0] not in told and not (read_badly and fault[0] in ("week", "make_up"))
        ]
        return None
    return None if read_badly else made


def _read_public(
    data: Mapping[str, Any],
    hours: list[Shifts],
    faults: list[PathFault],
    notices: Iterable[HolidayNotice] | None,
) -> tuple[PublicHolidays | None, Shifts]:
    if "public_holidays" not in data:
        if "make_up_day" in data:
            faults.append(wrong("make_up_day", "make_up_day_alone"))
        return None, ()
    public, country = None, str(data["public_holidays"])
    if country not in COUNTRIES:
        faults.append(wrong("public_holidays", "notices_missing", country=country, known=COUNTRIES))
    else:
        public = public_holidays(country) if notices is None else together(country, notices)
    weekday = data.get("make_up_day")
    if weekday not in WEEKDAYS:
        faults.append(wrong("make_up_day", "one_of_expected", accepted=WEEKDAYS))
        return public, ()
    make_up = hours[WEEKDAYS.index(weekday)]
    if not make_up:
        faults.append(wrong("make_up_day", "weekday_without_hours", day=weekday))
    return public, make_up


def _text(data: Mapping[str, Any], key: str, faults: list[PathFault]) -> str:
    value = data.get(key)
    if isinstance(value, str) and value:
        return value
    faults.append(wrong(key, "text_expected" if key in data else "missing"))
    return ""


def _table(
    data: Mapping[str, Any], key: str, faults: list[PathFault], *, needed: bool = True
) -> Mapping[str, Any]:
    value = data.get(key, {})
    if not isinstance(value, Mapping):
        faults.append(wrong(key, "table_expected"))
        return {}
    if needed and key not in data:
        faults.append(wrong(key, "missing"))
    return value


def _read_hours(value: Any, path: str, faults: list[PathFault]) -> Shifts:
    if not isinstance(value, list):
        faults.append(wrong(path, "hours_expected"))
        return ()
    found = []
    for i, text in enumerate(value):
        shift = _read_shift(text)
        if shift is None:
            faults.append(wrong(f"{path}[{i}]", "hours_form"))
        else:
            found.append(shift)
    return tuple(sorted(found))


def _read_shift(text: Any) -> Shift | None:
    read = _HOURS.fullmatch(text) if isinstance(text, str) else None
    if read is None:
        return None
    numbers = [int(digits) for digits in read.groups(default="0")]
    start = numbers[0] * 3600 + numbers[1] * 60 + numbers[2]
    end = (numbers[3] + numbers[6]) * 3600 + numbers[7] * 60 + numbers[8]
    if start == end:
        return None
    return Shift(start, end if end > start else end + DAY)
