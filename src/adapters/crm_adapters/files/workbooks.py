"""Workbooks (XLSX): their sheets as tables of text, by calamine (IMP-03).

Before it is unpacked a workbook is looked at: how large it says it is, whether that is true, and
how far its cells reach; a small file can be made to fill any memory. The same look finds formulas,
errors and hidden rows, of which calamine says nothing.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import unescape

from attrs import field

from crm_adapters.files.leniency import spreadsheet_text
from crm_adapters.files.sheets import (
    BYTES_MAX,
    COLUMNS_MAX,
    ROWS_MAX,
    Lines,
    Sightings,
    Table,
    is_blank,
)
from crm_core.errors import Fault
from crm_core.kernel.values import define

CELLS_MAX: Final = 16 * ROWS_MAX
"""Cells between the first of a sheet and its last, empty ones too: calamine makes room for each."""

TEXT_MAX: Final = 128 * 1024
"""Bytes of one text of a sheet; a spreadsheet takes 32,767 characters."""

_TAG = re.compile(rb"<(?:\w+:)?(c|row|f)\b([^<>]*)>")
_AT = re.compile(rb"""\br\s*=\s*["']([A-Z]{1,3})([0-9]{1,7})["']""")
_ROW_AT = re.compile(rb"""\br\s*=\s*["']([0-9]{1,7})["']""")
_HIDDEN = re.compile(rb"""\bhidden\s*=\s*["'](?:1|true)["']""")
_ODD_CELLS = re.compile(rb"""<(?:\w+:)?c\b[^<>]*\bt\s*=\s*["']e["'][^<>]*>|<(?:\w+:)?f\b""")
_IS_ERROR = re.compile(rb"""\bt\s*=\s*["']e["']""")
_ERROR = re.compile(rb"<(?:\w+:)?v>([^<]*)<")
_SHEET = re.compile(rb"<(?:\w+:)?sheet\b([^<>]*)>")
_RELATION = re.compile(rb"<(?:\w+:)?Relationship\b([^<>]*)>")
_ATTRIBUTE = re.compile(rb"""([\w:]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")

_SHARED = "xl/sharedStrings.xml"
_TEXT = re.compile(rb"<(?:\w+:)?si\b")
_OF_SHARED = re.compile(rb"""\bt\s*=\s*["']s["'][^<>]*>\s*<(?:\w+:)?v>([0-9]{1,9})<""")

_WHOLE_MAX = 10**15
"""A spreadsheet keeps fifteen digits of a number."""


@define
class _Look:
    """What the look at a sheet found."""

    formulas: set[tuple[int, int]] = field(factory=set)
    errors: dict[tuple[int, int], str] = field(factory=dict)
    hidden: set[int] = field(factory=set)


def tables_of(path: Path, raw: bytes) -> list[Table] | Fault:
    """The visible sheets of a workbook that are not empty, or why it cannot be read."""
    try:
        import python_calamine as calamine
    except ModuleNotFoundError:
        return Fault("spreadsheet_unread", sentence="calamine_missing")
    try:
        looks = _look(raw)
        if isinstance(looks, Fault):
            return looks
        with calamine.load_workbook(io.BytesIO(raw)) as book:
            return _tables(path, book, looks, calamine.SheetVisibleEnum.Visible)
    except calamine.PasswordError:
        return Fault("spreadsheet_unread", sentence="spreadsheet_locked")
    except (calamine.CalamineError, zipfile.BadZipFile, zlib.error, OSError, ValueError, EOFError,
            NotImplementedError, RuntimeError, KeyError):  # fmt: skip
        return Fault("spreadsheet_unread", sentence="spreadsheet_broken")


def _look(raw: bytes) -> dict[str, _Look] | Fault:
    """What is in each sheet, by its name, besides values."""
    with zipfile.ZipFile(io.BytesIO(raw)) as parts:
        names = {info.filename for info in parts.infolist()}
        if "xl/workbook.xml" not in names:
            return Fault("spreadsheet_unread", sentence="spreadsheet_of_another_kind")
        whole = sum(info.file_size for info in parts.infolist())
        if whole > BYTES_MAX:
            return Fault(
                "file_too_large", values={"most": BYTES_MAX}, sentence="unpacked_too_large"
            )
        found, fault = {}, None
        sheets, shared = dict(_sheets(parts)), _shared_sizes(parts)
        for info in parts.infolist():
            # Every part is unpacked, so that none is larger than it says.
            content = parts.read(info)
            if info.filename in sheets.values():
                look = _look_at(content, shared)
                if isinstance(look, Fault):
                    fault = look
                else:
                    found[info.filename] = look
            elif max(map(len, content.split(b"<"))) > TEXT_MAX:
                fault = Fault("spreadsheet_unread", sentence="spreadsheet_broken")
            if fault is not None:
                return fault
        return {name: found[part] for name, part in sheets.items() if part in found}


def _sheets(parts: zipfile.ZipFile) -> Iterator[tuple[str, str]]:
    """Name of each sheet, and of the part that holds it."""
    relations = {}
    for match in _RELATION.finditer(parts.read("xl/_rels/workbook.xml.rels")):
        said = _attributes(match[1])
        relations[said.get("Id", "")] = said.get("Target", "")
    for match in _SHEET.finditer(parts.read("xl/workbook.xml")):
        said = _attributes(match[1])
        key = next((value for name, value in said.items() if name.endswith(":id")), "")
        target = relations.get(key, "")
        yield said.get("name", ""), target[1:] if target.startswith("/") else f"xl/{target}"


def _attributes(tag: bytes) -> dict[str, str]:
    quotes = {"&quot;": '"', "&apos;": "'"}
    return {
        name.decode(): unescape((one or other).decode(), quotes)
        for name, one, other in _ATTRIBUTE.findall(tag)
    }


def _shared_sizes(parts: zipfile.ZipFile) -> list[int]:
    """Bytes of each text that cells may share."""
    if _SHARED not in parts.namelist():
        return []
    return [len(text) for text in _TEXT.split(parts.read(_SHARED))[1:]]


def _look_at(content: bytes, shared: list[int]) -> _Look | Fault:
    """Formulas, errors and hidden rows of a sheet, unless it reaches too far.

    Args:
        shared: Bytes of each text that cells may share; each cell gets a copy.
    """
    look = _Look()
    columns, rows = set(), set()
    for match in _AT.finditer(content):
        columns.add(match[1])
        rows.add(match[2])
    wide = max(map(_column, columns), default=0) + 1
    last = max(map(int, rows), default=0)
    if wide > COLUMNS_MAX or last > ROWS_MAX or wide * last > CELLS_MAX:
        values = {"rows": ROWS_MAX, "columns": COLUMNS_MAX}
        return Fault("file_too_large", values=values, sentence="sheet_too_large")
    if max(map(len, content.split(b"<"))) > TEXT_MAX:
        return Fault("spreadsheet_unread", sentence="spreadsheet_broken")
    if shared and max(shared) * content.count(b"<v") > BYTES_MAX:
        places = (int(match[1]) for match in _OF_SHARED.finditer(content))
        if sum(shared[place] for place in places if place < len(shared)) > BYTES_MAX:
            values = {"most": BYTES_MAX}
            return Fault("file_too_large", values=values, sentence="unpacked_too_large")
    if _HIDDEN.search(content):
        look.hidden.update(_hidden_rows(content))
    if _ODD_CELLS.search(content):
        _find_odd_cells(content, look)
    return look


def _hidden_rows(content: bytes) -> Iterator[int]:
    for match in _TAG.finditer(content):
        if match[1] == b"row" and _HIDDEN.search(match[2]):
            row = _ROW_AT.search(match[2])
            if row is not None:
                yield int(row[1]) - 1


def _find_odd_cells(content: bytes, look: _Look) -> None:
    """Cells with a formula, and with an error."""
    at = (0, 0)
    for match in _TAG.finditer(content):
        if match[1] == b"c" and (place := _AT.search(match[2])) is not None:
            at = (int(place[2]) - 1, _column(place[1]))
            if _IS_ERROR.search(match[2]):
                error = _ERROR.search(content, match.end())
                look.errors[at] = error[1].decode() if error else ""
        elif match[1] == b"f":
            look.formulas.add(at)


def _column(letters: bytes) -> int:
    place = 0
    for letter in letters:
        place = place * 26 + letter - 64
    return place - 1


def _tables(path: Path, book: Any, looks: dict[str, _Look], visible: Any) -> list[Table]:
    found = []
    hidden = 0
    for sheet in book.sheets_metadata:
        if sheet.visible != visible:
            hidden += 1
            continue
        if sheet.name not in looks:
            continue  # A chart, which has no cells.
        grid = book.get_sheet_by_name(sheet.name)
        rows = _texts(grid.to_python(skip_empty_area=False))
        if all(map(is_blank, rows)):
            continue
        look, seen = looks[sheet.name], Sightings()
        _fill_merged(rows, grid.merged_cell_ranges or [], seen)
        for row in sorted(look.hidden):
            if row < len(rows) and not is_blank(rows[row]):
                seen.see("hidden_rows", row=row + 1)
        found.append(
            Table(
                path=path,
                file=path.name,
                sheet=sheet.name,
                lines=_Rows(rows).lines,
                size=len(rows),
                text=False,
                formulas=look.formulas,
                broken=look.errors,
                seen=seen,
            )
        )
    if found and hidden:
        found[0].seen.see("hidden_sheets", times=hidden)
    return found


@define
class _Rows:
    rows: list[list[str]]

    def lines(self) -> Lines:
        return enumerate(self.rows, start=1)


def _texts(rows: list[list[Any]]) -> list[list[str]]:
    return [[cell if type(cell) is str else _text(cell) for cell in row] for row in rows]


def _text(cell: Any) -> str:
    """A cell as its text would be typed; numbers as far as a spreadsheet keeps them."""
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, int | float):
        return f"{cell:.15g}" if abs(cell) < _WHOLE_MAX else f"{cell:.14e}"
    if isinstance(cell, date | datetime):
        return spreadsheet_text(cell)
    return cell.isoformat() if isinstance(cell, time) else str(cell)


def _fill_merged(rows: list[list[str]], merged: list[Any], seen: Sightings) -> None:
    """What is merged over several rows stands in each of them, in the first of its columns."""
    for (top, left), (bottom, _) in merged:
        if bottom == top or top >= len(rows) or left >= len(rows[top]) or not rows[top][left]:
            continue
        for row in range(top + 1, min(bottom + 1, len(rows))):
            rows[row][left] = rows[top][left]
            seen.see("merged_cells", row=row + 1)
