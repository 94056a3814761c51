"""Files of text: their bytes as a table, whatever separates the cells (IMP-03)."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import Final

from crm_adapters.files.encodings import Decoded, decode, is_unmistakably_chinese
from crm_adapters.files.sheets import COLUMNS_MAX, ROWS_MAX, Lines, Sightings, Table
from crm_core.errors import Fault
from crm_core.kernel.values import define

SEPARATORS: Final = (",", ";", "\t", "|")

_SAID = re.compile(r"\"?sep=([,;|\t])\"?[,;\t ]*\r?\n?", re.IGNORECASE)
"""A first line by which some programs tell a spreadsheet what separates the cells."""


class LinesBroken(Exception):
    """A table of text cannot be read on.

    Args:
        row: Where.
        fault: Why.
    """

    def __init__(self, row: int, fault: Fault) -> None:
        super().__init__(row, fault)
        self.row, self.fault = row, fault


@define
class _Text:
    """Text that is split into rows each time it is read."""

    text: str
    separator: str
    first: int

    def lines(self) -> Lines:
        reader = csv.reader(
            io.StringIO(self.text, newline=""), delimiter=self.separator, strict=True
        )
        row = self.first - 1
        while True:
            row += 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                values = {"reason": str(error)}
                raise LinesBroken(row, Fault("csv_malformed", values=values)) from None
            if len(cells) > COLUMNS_MAX and any(cells[COLUMNS_MAX:]):
                raise LinesBroken(row, _too_large())
            if row > ROWS_MAX:
                raise LinesBroken(row, _too_large())
            if cells:
                yield row, cells


def _too_large() -> Fault:
    values = {"rows": ROWS_MAX, "columns": COLUMNS_MAX}
    return Fault("file_too_large", values=values, sentence="sheet_too_large")


def table_of(
    path: Path, raw: bytes, encoding: str, separator: str | None, *, lenient: bool
) -> Table | tuple[int, Fault]:
    """The table in a file of text, or the row at which it cannot be read and why.

    Args:
        encoding: As declared, for files without a mark.
        separator: What stands between cells, if somebody says so.
        lenient: Read another separator where the first lines have it and no comma, and GB18030
            where it is unmistakable.
    """
    seen = Sightings()
    decoded = decode(raw, encoding)
    if not isinstance(decoded, Decoded) and lenient and encoding == "utf-8":
        chinese = is_unmistakably_chinese(raw)
        if chinese is not None and _has_known_header(chinese):
            seen.see("gb18030")
            decoded = Decoded(chinese, "gb18030", marked=False)
    if not isinstance(decoded, Decoded):
        return decoded
    if decoded.encoding.startswith("utf-16"):
        seen.see("utf_16")
    text, first = decoded.text, 1
    said = _SAID.match(text)
    if said is not None:
        seen.see("separator_said")
        text, first, separator = text[said.end() :], 2, said[1]
    if separator is None:
        found = _separator(text)
        if found != "," and not lenient:
            name = {";": "`;`", "\t": "TAB", "|": "`|`"}[found]
            return 1, Fault("separator_wrong", values={"separator": name})
        if found != ",":
            seen.see("separator_found")
        separator = found
    lines = _Text(text, separator, first).lines
    size = text.count("\n") + 1
    return Table(path, path.name, "", lines, size, separator=separator, seen=seen)


def _separator(text: str) -> str:
    """What separates the cells: a comma, unless the first lines have another and no comma."""
    lines = [line for line in text[:20_000].splitlines()[:40] if line.strip()]
    counts = {s: max((line.count(s) for line in lines), default=0) for s in SEPARATORS}
    if counts[","]:
        widest = max(SEPARATORS, key=lambda s: sum(line.count(s) for line in lines))
        # A comma within words beside columns that are separated otherwise.
        steady = [line.count(widest) for line in lines if line.count(widest)]
        is_other = widest != "," and len(steady) == len(lines) and min(steady) > counts[","]
        return widest if is_other else ","
    return max(SEPARATORS, key=lambda s: counts[s]) if any(counts.values()) else ","


def _has_known_header(text: str) -> bool:
    from crm_adapters.files.recognising import has_known_header

    separator = _separator(text)
    rows = csv.reader(io.StringIO(text[:20_000], newline=""), delimiter=separator)
    try:
        return any(has_known_header(cells) for _, cells in zip(range(40), rows, strict=False))
    except csv.Error:
        return False
