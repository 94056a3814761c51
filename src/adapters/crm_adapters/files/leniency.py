"""Readings of cells beyond the strict ones: each has a name, and each one made is told (IMP-03).

A cell is read strictly first. What that refuses is read by the readings that are allowed, into the
text that the strict reading takes.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Final

from crm_adapters.files.cells import Cell
from crm_adapters.files.forms import Form, When, usual_forms
from crm_adapters.files.vocabulary import written
from crm_core.kernel.dates import EARLIEST_YEAR, ESTATE_ZONE, LATEST_YEAR, zone
from crm_core.kernel.sentences import Malformed
from crm_core.kernel.text import fold_width
from crm_core.kernel.values import frozen

NUMBERS: Final = ("brackets", "currency", "plus", "spaces", "thousands", "zeros")
TEXTS: Final = ("full_width", "invisible_marks", "line_breaks", "text_marks")
DATES: Final = ("date_forms", "serial_dates", "times_dropped")
INSTANTS: Final = ("midnights", "zone_assumed")
READINGS: Final = tuple(sorted((*NUMBERS, *TEXTS, *DATES, *INSTANTS)))
"""All of them: the lenient reading allows each."""

OF_SPREADSHEETS: Final = frozenset({"midnights", "zone_assumed"})
"""Allowed where a cell is a date or an instant of a spreadsheet, which has no offsets."""

_THOUSANDS = re.compile(r"-?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]*)?")
_BRACKETED = re.compile(r"\((.+)\)|(.+)-")
_ZEROS = re.compile(r"(-?[0-9]+)\.([0-9]{0,2})0*")
_BARE = re.compile(r"(-?)(\.[0-9]{1,2})")
_SERIAL = re.compile(r"([0-9]{5})(?:\.[0-9]+)?")
_INVISIBLE = re.compile("[\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u2069\\ufeff\\xad]")
_BREAKS = re.compile(r"\s*[\r\n]+\s*")
_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - a spreadsheet's days have no zone
_FIRST_SERIAL, _LAST_SERIAL = 20_000, 73_050
"""1954 and 2100: a number beyond is hardly meant as a day."""


@frozen
class Manner:
    """How cells are read.

    Args:
        allowed: Readings that are allowed, of `READINGS`.
        forms: Forms of dates that are declared; they count before the usual ones.
        zone: Where days and times without an offset are.
    """

    allowed: Collection[str] = frozenset()
    forms: Sequence[Form] = ()
    zone: str = ESTATE_ZONE


STRICT = Manner()


def reread(cell: Cell, text: str, manner: Manner) -> tuple[str, tuple[str, ...]] | None:
    """A cell that was refused, as the strict reading takes it, and the readings made.

    Args:
        cell: What the column is declared to hold.

    Returns:
        None if the readings that are allowed do not lead there.
    """
    code, made = cell.code, list[str]()
    plain = _plain(text, made)
    if code == "amount_malformed":
        plain = _amount(plain, made)
    elif code in ("date_malformed", "instant_malformed"):
        found = _moment(plain, code == "date_malformed", manner, made)
        if found is None:
            return None
        plain = found
    elif code == "text_malformed":
        # Words stay as they are typed, full-width ones too.
        plain, made = _text(text)
    if plain == text or not set(made) <= {*manner.allowed, "declared"}:
        return None
    try:
        cell.parse(plain)
    except Malformed:
        return None
    return plain, tuple(name for name in made if name != "declared")


def _plain(text: str, made: list[str]) -> str:
    """Without marks, width and blanks that say nothing."""
    found = _INVISIBLE.sub("", text)
    if found != text:
        made.append("invisible_marks")
    folded = fold_width(found)
    if folded != found:
        made.append("full_width")
    if folded[:1] in ("'", "`"):
        made.append("text_marks")
        folded = folded[1:]
    return folded.strip()


def _text(text: str) -> tuple[str, list[str]]:
    made = []
    found = _INVISIBLE.sub("", text)
    if found != text:
        made.append("invisible_marks")
    joined = _BREAKS.sub(" ", found)
    if joined != found:
        made.append("line_breaks")
    return joined.strip(), made


def _amount(text: str, made: list[str]) -> str:
    """Each thing that is written around digits is taken away, in turn."""
    bare = _currency().sub(r"\1\2", text).strip()
    if bare != text:
        _note(made, "currency")
    if (match := _BRACKETED.fullmatch(bare)) and not bare.startswith("-"):
        bare = f"-{(match[1] or match[2]).strip()}"
        _note(made, "brackets")
    # Never between digits: two numbers in one cell are not one.
    squeezed = re.sub(r"(?<![0-9])\s+|\s+(?![0-9])", "", bare)
    if squeezed != bare:
        bare = squeezed
        _note(made, "spaces")
    if bare.startswith("+"):
        bare = bare[1:]
        _note(made, "plus")
    if _THOUSANDS.fullmatch(bare):
        bare = bare.replace(",", "")
        _note(made, "thousands")
    if (short := _BARE.fullmatch(bare)) is not None:
        bare = f"{short[1]}0{short[2]}"
        _note(made, "zeros")
    if (zeros := _ZEROS.fullmatch(bare)) is not None:
        cut = f"{zeros[1]}.{zeros[2]}" if zeros[2] else zeros[1]
        if cut != bare:
            bare = cut
            _note(made, "zeros")
    return bare


@cache
def _currency() -> re.Pattern[str]:
    """A currency before the digits or behind them."""
    words = {fold_width(word) for word in written("currencies")} | set(written("currencies"))
    one = "|".join(re.escape(word) for word in sorted(words, key=lambda word: (-len(word), word)))
    return re.compile(rf"^([-+(]?)\s*(?:{one})|\s*(?:{one})(\)?)$", re.IGNORECASE)


def _note(made: list[str], name: str) -> None:
    if name not in made:
        made.append(name)


def _moment(text: str, is_day: bool, manner: Manner, made: list[str]) -> str | None:
    """A day or an instant, however it is written, as the strict reading takes it."""
    when = _declared(text, manner, made) or _usual(text, made) or _serial(text, made)
    if when is None:
        return None
    if is_day:
        if when.at is not None and "declared" not in made:
            # The day on which it was, where it was written.
            _note(made, "times_dropped")
        return when.day.isoformat()
    if when.at is None and "declared" not in made:
        _note(made, "midnights")
    if not EARLIEST_YEAR <= when.day.year <= LATEST_YEAR:
        return None
    at = datetime.combine(when.day, when.at or time())
    if when.offset is not None:
        return f"{(at - when.offset).isoformat()}Z"
    if "declared" not in made:
        _note(made, "zone_assumed")
    place = at.replace(tzinfo=zone(manner.zone))
    return place.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _declared(text: str, manner: Manner, made: list[str]) -> When | None:
    for one in manner.forms:
        if (when := one.read(text)) is not None:
            made.append("declared")
            return when
    return None


def _usual(text: str, made: list[str]) -> When | None:
    for one in usual_forms():
        if (when := one.read(text)) is not None:
            # What is written in order, but for its offset or its time, is of the usual form.
            if not _ISO.match(text):
                _note(made, "date_forms")
            return when
    return None


_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2})?|$)")


def _serial(text: str, made: list[str]) -> When | None:
    match = _SERIAL.fullmatch(text)
    if match is None or not _FIRST_SERIAL <= int(match[1]) <= _LAST_SERIAL:
        return None
    _note(made, "serial_dates")
    days, _, part = text.partition(".")
    at = _EPOCH + timedelta(days=int(days), seconds=round(float(f"0.{part or 0}") * 86400))
    return When(at.date(), at.time() if part.strip("0") else None)


def spreadsheet_text(value: date | datetime) -> str:
    """A date or an instant of a spreadsheet as text; it has no offset."""
    if not isinstance(value, datetime):
        return value.isoformat()
    rounded = value + timedelta(microseconds=500)
    rounded = rounded.replace(microsecond=rounded.microsecond // 1000 * 1000)
    if rounded.time() == time():
        return rounded.date().isoformat()
    return rounded.isoformat()
