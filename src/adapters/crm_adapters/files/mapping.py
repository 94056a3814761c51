"""Mappings: how somebody else's files are read, as a file that is kept with the import (IMP-03).

    estate = "星河小区"

    [[tables]]
    kind = "payments"
    sheet = "收款明细"

    [tables.columns]
    payment = "收据号"                  # a header of the file
    household = "{楼栋}-{房号}"          # several, joined

    [tables.values.method]
    "扫码" = "wechat"

What stands for one table may also stand at the top, without `tables`.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from collections.abc import Mapping as Table
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from attrs import evolve, field

from crm_adapters.files.cells import cell_codes
from crm_adapters.files.encodings import ENCODINGS
from crm_adapters.files.forms import Form, form
from crm_adapters.files.kinds import KINDS
from crm_adapters.files.leniency import READINGS, Manner
from crm_adapters.files.rows.kind import FileKind
from crm_adapters.files.vocabulary import folded
from crm_core.errors import Fault, Invalid
from crm_core.kernel.dates import zone
from crm_core.kernel.sentences import Malformed
from crm_core.kernel.values import frozen

MAPPING_BYTES_MAX: Final = 32 * 1024
"""Bytes of a mapping file: it is kept with the import, in one event."""

SEPARATORS: Final = (",", ";", "\t", "|")

_OF_FILE = ("encoding", "estate", "lenient", "readings", "separator", "zone")
_OF_TABLE = ("columns", "constants", "dates", "distinct", "kind", "sheet", "values", "where")
_KINDS = {kind.name: kind for kind in KINDS}
_HEADER = re.compile(r"\{([^{}]+)\}")
ANYTHING: Final = "*"
"""In `where`: whatever is not empty. In `values`: any other word."""


@frozen
class TableMapping:
    """How one table is read.

    Args:
        kind: What its rows are.
        sheet: Name of its sheet; empty for any.
        columns: For each column a header of the file, or headers in braces within other text.
        constants: What a column holds in every row.
        values: For each column what the words of the file mean, as they are compared.
        where: Headers, and what a row has to hold there to be of this table.
        dates: Forms of dates and instants.
        distinct: Whether a row that says nothing new is passed over.
    """

    kind: FileKind
    sheet: str = ""
    columns: Table[str, str] = field(factory=dict)
    constants: Table[str, str] = field(factory=dict)
    values: Table[str, Table[str, str]] = field(factory=dict)
    where: Table[str, tuple[str, ...]] = field(factory=dict)
    dates: tuple[Form, ...] = ()
    distinct: bool = False

    @property
    def headers(self) -> list[str]:
        """The headers of the file that it names."""
        named = [header for text in self.columns.values() for header in headers_in(text)]
        return [*dict.fromkeys((*named, *self.where))]


@frozen
class Mapping:
    """A mapping file.

    Args:
        tables: What it says of each table, at least one.
        estate: Estate of households whose row names none.
        encoding: How the files are written, if it says so.
        separator: What stands between cells of text files, if it says so.
        readings: Readings of cells that are allowed.
        zone: Where days and times without an offset are, if it says so.
        text: As it was written.
        digest: Of what it says, however it is written.
    """

    tables: tuple[TableMapping, ...]
    estate: str | None = None
    encoding: str | None = None
    separator: str | None = None
    readings: frozenset[str] = frozenset()
    zone: str | None = None
    text: str = ""
    digest: str = ""

    def manner(self, table: TableMapping, zone: str) -> Manner:
        """How cells of that table are read, in an estate of that zone."""
        return Manner(self.readings, table.dates, self.zone or zone)


def headers_in(text: str) -> list[str]:
    """The headers that a column is made of."""
    return _HEADER.findall(text) or [text]


def fill(text: str, cells: Table[str, str]) -> str:
    """What a column holds in a row; empty where any of its parts is."""
    named = _HEADER.findall(text)
    if not named:
        return cells[text]
    if not all(cells[name] for name in named):
        return ""
    return _HEADER.sub(lambda match: cells[match[1]], text)


def read_mapping(path: Path) -> Mapping:
    """The mapping in a file.

    Raises:
        Invalid: it cannot be read, or says what no mapping does.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise Invalid.one("mapping_unreadable", path.name, reason=error.strerror) from error
    return mapping_of(raw, path.name)


def mapping_of(raw: bytes, name: str = "") -> Mapping:
    """The mapping that is written so; see `read_mapping`."""
    if len(raw) > MAPPING_BYTES_MAX:
        raise Invalid.one("mapping_too_large", name, most=MAPPING_BYTES_MAX)
    try:
        text = raw.decode("utf-8-sig")
        said = tomllib.loads(text)
    except ValueError as error:
        raise Invalid.one("mapping_unreadable", name, reason=str(error)) from error
    reader = _Reader()
    mapping = reader.mapping(said, text)
    if reader.faults or mapping is None:
        raise Invalid([evolve(fault, where=f"{name}:{fault.where}") for fault in reader.faults])
    return mapping


class _Reader:
    """Reads a mapping and keeps everything that is wrong with it."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def wrong(self, where: str, malformed: Malformed) -> None:
        self.faults.append(Fault.of("mapping_malformed", malformed, where))

    def mapping(self, said: dict[str, Any], text: str) -> Mapping | None:
        tables = said.get("tables")
        if tables is None:
            tables = [{key: said[key] for key in _OF_TABLE if key in said}]
            self._known("", said, (*_OF_FILE, *_OF_TABLE))
        else:
            self._known("", said, (*_OF_FILE, "tables"))
        if not isinstance(tables, list) or not all(isinstance(one, dict) for one in tables):
            self.wrong("tables", Malformed("table_list_expected"))
            return None
        found = [self._table(f"tables.{at}.", one) for at, one in enumerate(tables, start=1)]
        zone_name = self._word("", said, "zone")
        if zone_name is not None:
            try:
                zone(zone_name)
            except Malformed as error:
                self.wrong("zone", error)
        canonical = json.dumps(said, sort_keys=True, ensure_ascii=False, default=str)
        return Mapping(
            tables=tuple(one for one in found if one is not None),
            estate=self._word("", said, "estate"),
            encoding=self._among("", said, "encoding", ENCODINGS),
            separator=self._among("", said, "separator", SEPARATORS),
            readings=self._readings(said),
            zone=zone_name,
            text=text,
            digest=sha256(canonical.encode()).hexdigest(),
        )

    def _table(self, at: str, said: dict[str, Any]) -> TableMapping | None:
        self._known(at, said, _OF_TABLE)
        name = self._among(at, said, "kind", tuple(_KINDS))
        if name is None:
            if "kind" not in said:
                self.wrong(f"{at}kind", Malformed("not_among", accepted=tuple(_KINDS)))
            return None
        kind = _KINDS[name]
        columns = self._words(at, said, "columns", kind)
        constants = self._words(at, said, "constants", kind)
        for column in sorted(set(columns) & set(constants)):
            self.wrong(f"{at}constants.{column}", Malformed("column_twice", named=column))
        return TableMapping(
            kind=kind,
            sheet=self._word(at, said, "sheet") or "",
            columns=columns,
            constants=constants,
            values=dict(self._values(at, said.get("values", {}), kind)),
            where=dict(self._where(at, said.get("where", {}))),
            dates=tuple(self._dates(at, said.get("dates", []))),
            distinct=self._flag(at, said, "distinct"),
        )

    def _known(self, at: str, said: dict[str, Any], known: tuple[str, ...]) -> None:
        for key in said:
            if key not in known:
                self.wrong(f"{at}{key}", Malformed("not_among", accepted=known))

    def _word(self, at: str, said: dict[str, Any], key: str) -> str | None:
        word = said.get(key)
        if word is not None and not (isinstance(word, str) and word.strip()):
            self.wrong(f"{at}{key}", Malformed("text_expected"))
            return None
        return word

    def _flag(self, at: str, said: dict[str, Any], key: str) -> bool:
        flag = said.get(key, False)
        if not isinstance(flag, bool):
            self.wrong(f"{at}{key}", Malformed("not_among", accepted=("true", "false")))
        return flag is True

    def _among(self, at: str, said: dict[str, Any], key: str, known: tuple[str, ...]) -> str | None:
        word = said.get(key)
        if word is not None and word not in known:
            self.wrong(f"{at}{key}", Malformed("not_among", accepted=known))
            return None
        return word

    def _readings(self, said: dict[str, Any]) -> frozenset[str]:
        if self._flag("", said, "lenient"):
            return frozenset(READINGS)
        found = said.get("readings", [])
        if not isinstance(found, list) or not set(map(str, found)) <= set(READINGS):
            self.wrong("readings", Malformed("not_among", accepted=READINGS))
            return frozenset()
        return frozenset(map(str, found))

    def _words(self, at: str, said: dict[str, Any], key: str, kind: FileKind) -> dict[str, str]:
        words = said.get(key, {})
        if not isinstance(words, dict):
            self.wrong(f"{at}{key}", Malformed("table_expected"))
            return {}
        found = {}
        for column, word in words.items():
            if column not in kind.columns:
                accepted = kind.columns
                self.wrong(f"{at}{key}.{column}", Malformed("not_among", accepted=accepted))
            elif not (isinstance(word, str) and word.strip()):
                self.wrong(f"{at}{key}.{column}", Malformed("text_expected"))
            else:
                found[column] = word.strip()
        return found

    def _values(self, at: str, said: Any, kind: FileKind) -> Iterator[tuple[str, dict[str, str]]]:
        if not isinstance(said, dict):
            self.wrong(f"{at}values", Malformed("table_expected"))
            return
        for column, words in said.items():
            where = f"{at}values.{column}"
            if column not in kind.columns:
                self.wrong(where, Malformed("not_among", accepted=kind.columns))
            elif not isinstance(words, dict) or not all(isinstance(w, str) for w in words.values()):
                self.wrong(where, Malformed("table_expected"))
            else:
                accepted = cell_codes(kind.row)[column].words
                for word, meant in words.items():
                    if accepted and meant not in accepted:
                        self.wrong(f"{where}.{word}", Malformed("not_among", accepted=accepted))
                yield column, {folded(word): meant for word, meant in words.items()}

    def _where(self, at: str, said: Any) -> Iterator[tuple[str, tuple[str, ...]]]:
        if not isinstance(said, dict):
            self.wrong(f"{at}where", Malformed("table_expected"))
            return
        for header, words in said.items():
            wanted = [words] if isinstance(words, str) else words
            if not isinstance(wanted, list) or not all(isinstance(word, str) for word in wanted):
                self.wrong(f"{at}where.{header}", Malformed("text_expected"))
            else:
                yield header, tuple(wanted)

    def _dates(self, at: str, said: Any) -> Iterator[Form]:
        for text in [said] if isinstance(said, str) else said if isinstance(said, list) else [None]:
            try:
                if not isinstance(text, str):
                    raise Malformed("text_expected")
                yield form(text)
            except Malformed as error:
                self.wrong(f"{at}dates", error)
