"""What options and arguments can hold; whatever is wrong with one is told from the catalogue."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import click

from crm_adapters.cli.acting import person
from crm_adapters.cli.language import say, unfit
from crm_core.errors import Invalid
from crm_core.kernel.dates import EARLIEST_YEAR, LATEST_YEAR, parse_date, parse_instant, zone
from crm_core.kernel.text import check_id

_WHOLE = re.compile(r"-?[0-9]{1,18}", re.ASCII)


def _year(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError(say("year_form"))
    return _within(int(text))


def _within(year: int) -> int:
    if EARLIEST_YEAR <= year <= LATEST_YEAR:
        return year
    raise ValueError(say("year_out_of_range", first=EARLIEST_YEAR, last=LATEST_YEAR))


def _years(text: str) -> tuple[int, int]:
    first, _, last = text.partition("-")
    return _year(first), _year(last or first)


def _date(text: str) -> date:
    day = parse_date(text)
    _within(day.year)
    return day


def _instant(text: str) -> datetime:
    instant = parse_instant(text)
    _within(instant.year)
    return instant


def _zone(text: str) -> str:
    try:
        zone(text)
    except ValueError as error:
        raise Invalid.one("zone_unknown", "--zone", zone=text) from error
    return text


class Text(click.ParamType[Any]):
    """A value that is written in one way only."""

    def __init__(self, name: str, parse: Callable[[str], Any]) -> None:
        self.name = name
        self._parse = parse

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        try:
            return self._parse(value) if isinstance(value, str) else value
        except ValueError as error:
            self.fail(say("value_unfit", value=value, why=unfit(error)), param, ctx)


class OneOf(click.Choice[str]):
    """One of a few words."""

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        if value not in self.choices:
            like = get_close_matches(str(value), map(str, self.choices), 1)
            code = "not_one_of_but" if like else "not_one_of"
            self.fail(say(code, value=value, accepted=self.choices, like=like), param, ctx)
        return value


class Whole(click.ParamType[int]):
    """A whole number, in a range if one is given."""

    name = "integer"

    def __init__(self, least: int | None = None, most: int | None = None) -> None:
        self._least, self._most = least, most

    def convert(self, value: Any, param: Any, ctx: Any) -> int:
        if isinstance(value, str) and not _WHOLE.fullmatch(value):
            self.fail(say("whole_number_form", value=value), param, ctx)
        found = int(value)
        if self._least is not None and found < self._least:
            self.fail(say("number_too_small", value=value, least=self._least), param, ctx)
        if self._most is not None and found > self._most:
            self.fail(say("number_too_large", value=value, most=self._most), param, ctx)
        return found


class Place(click.ParamType[Path]):
    """The path of a file or of a folder to be written, which is not there as the other."""

    def __init__(self, name: str) -> None:
        self.name = name

    def convert(self, value: Any, param: Any, ctx: Any) -> Path:
        path = Path(value)
        if self.name == "file" and path.is_dir():
            self.fail(say("is_a_folder", path=value), param, ctx)
        if self.name == "folder" and path.is_file():
            self.fail(say("is_a_file", path=value), param, ctx)
        return path


DATE, INSTANT = Text("date", _date), Text("instant", _instant)
YEAR, YEARS = Text("year", _year), Text("years", _years)
PERSON, ID = Text("person", person), Text("id", check_id)
ZONE = Text("name", _zone)
FILE, FOLDER = Place("file"), Place("folder")
PATH = click.Path(path_type=Path)
