"""Forms in which dates and instants are written, e.g. `D/M/YYYY hh:mm` (IMP-03).

`YYYY`, `YY`, `MM`, `M`, `DD`, `D`, `MMM` (an English month), `hh`, `h`, `mm`, `ss`, `fff` (parts of
a second) and `AM` stand for what they say; any other character for itself. `YY` is of this century.
"""

from __future__ import annotations

import re
from datetime import date, time, timedelta
from functools import lru_cache

from crm_adapters.files.vocabulary import written
from crm_core.kernel.sentences import Malformed
from crm_core.kernel.values import frozen

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

_TOKENS = {
    "YYYY": "(?P<year>[0-9]{4})",
    "YY": "(?P<short>[0-9]{2})",
    "MMM": "(?P<name>[A-Za-z]{3})[a-z]{0,6}",
    "MM": "(?P<month>[0-9]{2})",
    "M": "(?P<month>[0-9]{1,2})",
    "DD": "(?P<day>[0-9]{2})",
    "D": "(?P<day>[0-9]{1,2})",
    "hh": "(?P<hour>[0-9]{2})",
    "h": "(?P<hour>[0-9]{1,2})",
    "mm": "(?P<minute>[0-9]{2})",
    "ss": "(?P<second>[0-9]{2})",
    "fff": "(?P<part>[0-9]{1,9})",
    "AM": "(?P<half>{halves})",
}
_SPLIT = re.compile("YYYY|YY|MMM|MM|M|DD|D|hh|h|mm|ss|fff|AM")

_TIME = (
    r"(?:[T ]*(?P<before>{halves})?\s*(?P<hour>[0-9]{{1,2}}):(?P<minute>[0-9]{{2}})"
    r"(?::(?P<second>[0-9]{{2}})(?:\.(?P<part>[0-9]{{1,9}}))?)?\s*(?P<half>{halves})?"
    r"\s*(?P<offset>Z|[+-][0-9]{{2}}:?[0-9]{{2}})?)?"
)
"""A usual time of day behind a date."""


@frozen
class When:
    """What a text says of when: a day, and a time and an offset if it says so."""

    day: date
    at: time | None = None
    offset: timedelta | None = None


@frozen
class Form:
    """A form.

    Args:
        text: As it is written.
        pattern: What it takes.
    """

    text: str
    pattern: re.Pattern[str]

    def read(self, text: str) -> When | None:
        """What a text of that form says; None if it is of another, or of no calendar."""
        match = self.pattern.fullmatch(text)
        if match is None:
            return None
        found = {name: value for name, value in match.groupdict().items() if value is not None}
        try:
            return _when(found)
        except ValueError:
            return None


@lru_cache(maxsize=256)
def form(text: str) -> Form:
    """The form that is written so.

    Raises:
        Malformed: it does not say year, month and day once each.
    """
    pattern, names, place = "", [], 0
    for match in _SPLIT.finditer(text):
        token = (
            _TOKENS[match[0]].format(halves=_halves()) if match[0] == "AM" else _TOKENS[match[0]]
        )
        pattern += re.escape(text[place : match.start()]) + token
        names.append(match[0])
        place = match.end()
    pattern += re.escape(text[place:])
    kinds = sorted({"MMM": "M", "AM": "A"}.get(name, name[0]) for name in names)
    if not {"Y", "M", "D"} <= set(kinds) or len(set(kinds)) != len(kinds):
        raise Malformed("date_form_unknown", form=text)
    return Form(text, re.compile(pattern, re.IGNORECASE))


@lru_cache(maxsize=1)
def usual_forms() -> tuple[Form, ...]:
    """The usual forms of dates in which day and month cannot be taken for each other.

    A time may stand behind.
    """
    behind = _TIME.format(halves=_halves())
    return tuple(
        Form(text, re.compile(form(text).pattern.pattern + behind, re.IGNORECASE))
        for text in written("dates")
    )


def _halves() -> str:
    words = sorted((*written("forenoon"), *written("afternoon")), key=len, reverse=True)
    return "|".join(map(re.escape, words))


def _when(found: dict[str, str]) -> When:
    month = found.get("month") or str(MONTHS.index(found["name"].lower()) + 1)
    year = int(found["year"]) if "year" in found else 2000 + int(found["short"])
    day = date(year, int(month), int(found["day"]))
    if "hour" not in found:
        return When(day)
    hour = _hour(int(found["hour"]), found.get("half") or found.get("before"))
    micro = int(found.get("part", "0").ljust(6, "0")[:6])
    at = time(hour, int(found.get("minute", 0)), int(found.get("second", 0)), micro)
    return When(day, at, _offset(found.get("offset")))


def _hour(hour: int, half: str | None) -> int:
    if half is None:
        return hour
    later = half.casefold() in {word.casefold() for word in written("afternoon")}
    if later:
        return hour + 12 if hour < 12 else hour
    return 0 if hour == 12 else hour


def _offset(text: str | None) -> timedelta | None:
    if text is None:
        return None
    if text in ("Z", "z"):
        return timedelta()
    found = timedelta(hours=int(text[1:3]), minutes=int(text[-2:]))
    return -found if text[0] == "-" else found
