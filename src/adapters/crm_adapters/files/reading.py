"""Reading the rows of a table: every fault kept, every reading beyond the strict ones noted."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from operator import attrgetter
from pathlib import Path
from typing import Any

from attrs import astuple, evolve, field
from cattrs.errors import ClassValidationError

from crm_adapters.files.cells import Cell, cell_codes, cell_faults, structurer
from crm_adapters.files.finding import Declared, Found
from crm_adapters.files.leniency import OF_SPREADSHEETS, READINGS, Manner, reread
from crm_adapters.files.mapping import ANYTHING
from crm_adapters.files.recognising import Layout, lay_out
from crm_adapters.files.rows.kind import FileKind
from crm_adapters.files.sheets import FAULTS_MAX, ImportFault, Table, is_blank
from crm_adapters.files.tables import is_watermark
from crm_adapters.files.telling import caused, repair, showable
from crm_adapters.files.texts import LinesBroken
from crm_adapters.files.vocabulary import folded, is_note, is_total, values_of
from crm_core.application.present import Present
from crm_core.errors import Fault
from crm_core.kernel.dates import ESTATE_ZONE
from crm_core.kernel.decider import Refusal
from crm_core.kernel.values import define

LENIENT = frozenset(READINGS)


@define
class ReadFile:
    """A table as read.

    Args:
        name: What it is called, in faults and in the report.
        layout: Where its columns are, None if that cannot be told.
        rows: Row number and typed row of every line without a fault.
        count: Lines, faulty ones included.
        faults: Everything wrong.
        rejected: The cells of faulty lines by row number, for a reject file.
        whole: Whether it could be read to its end.
    """

    kind: FileKind
    name: str
    table: Table
    layout: Layout | None = None
    rows: list[tuple[int, Any]] = field(factory=list)
    count: int = 0
    faults: list[ImportFault] = field(factory=list)
    rejected: dict[int, list[str]] = field(factory=dict)
    whole: bool = False

    @property
    def path(self) -> Path:
        """Where the file lies."""
        return self.table.path

    @property
    def headers(self) -> dict[str, str]:
        """The columns that are there, and what the file calls each."""
        if self.layout is None:
            return {}
        there = (*self.layout.direct, *self.layout.composed, *self.layout.constants)
        return {column: self.layout.title(column) for column in there}

    def title(self, column: str) -> str:
        """What the file calls a column."""
        return self.layout.title(column) if self.layout is not None else column

    def wrong(
        self, row: int, column: str, wrong: Fault | Refusal, text: str | None = None
    ) -> ImportFault:
        """That something is wrong with a row, in a column if one is named."""
        mend = repair(wrong, text, cell_codes(self.kind.row).get(column))
        shown = None if text is None or not showable(self.kind, column, text) else text
        return ImportFault(self.name, row, self.title(column), wrong, self.table.sheet, shown, mend)

    def lost(self, column: str) -> list[str]:
        """What the faulty lines have in one column; an empty text where they have nothing."""
        if self.layout is None:
            return []
        return [self.layout.value(column, cells) for cells in self.rejected.values()]

    def lost_of(self, *columns: str) -> dict[tuple[str, ...], list[int]]:
        """The faulty lines by what they have in some columns."""
        found: dict[tuple[str, ...], list[int]] = {}
        texts = zip(*(self.lost(column) for column in columns), strict=False)
        for row, text in zip(self.rejected, texts, strict=False):
            found.setdefault(text, []).append(row)
        return found


def read_table(
    found: Found,
    declared: Declared,
    present: Present,
    progress: Callable[[int], None],
    zone: str = ESTATE_ZONE,
) -> ReadFile:
    """Read a table; nothing in it stops the reading but its encoding, its header and its size.

    Args:
        zone: Where days and times without an offset are, if no mapping says so.
    """
    table = found.table
    read = ReadFile(found.kind, found.name, table)
    if table.fault is not None:
        row, fault = table.fault
        read.faults.append(read.wrong(row, "", fault))
        return read
    mapping = declared.mapping
    estate = mapping.estate if mapping is not None and "estate" in found.kind.columns else None
    defaults = {} if estate is None else {"estate": estate}
    layout = lay_out(table, found.kind, found.mapping, defaults, lenient=declared.lenient)
    if not isinstance(layout, Layout):
        read.faults += [evolve(fault, file=read.name) for fault in layout]
        return read
    read.layout = layout
    for title in layout.ignored:
        table.seen.see("ignored_columns", title)
    rows = _Rows(read, layout, _manner(found, declared, zone), _words(found))
    try:
        rows.read(present, progress, is_distinct=bool(found.mapping and found.mapping.distinct))
        read.whole = True
    except LinesBroken as error:
        read.faults.append(read.wrong(error.row, "", error.fault))
    return read


def read_again(file: ReadFile, rows: Collection[int]) -> dict[int, list[str]]:
    """The cells of some rows: those of a row that could be read are not kept as text."""
    found = {}
    try:
        for row, cells in file.table.lines():
            if row in rows:
                found[row] = cells
    except LinesBroken:
        pass  # It is told, and what stands before is there.
    return found


def _manner(found: Found, declared: Declared, zone: str) -> Manner:
    mapping = declared.mapping
    manner = Manner(zone=zone)
    if mapping is not None and found.mapping is not None:
        manner = mapping.manner(found.mapping, zone)
    allowed = frozenset(manner.allowed)
    if declared.lenient:
        allowed = LENIENT
    elif not found.table.text:
        allowed |= OF_SPREADSHEETS
    return evolve(manner, allowed=allowed)


def _words(found: Found) -> Mapping[str, Mapping[str, str]]:
    """What words of the file mean, by column; those of the mapping before those we know."""
    words = {column: dict(meant) for column, meant in values_of(found.kind).items()}
    for column, meant in (found.mapping.values if found.mapping else {}).items():
        words[column] = {**words.get(column, {}), **meant}
    return words


class _Rows:
    """The rows of one table, as they are read."""

    def __init__(
        self,
        read: ReadFile,
        layout: Layout,
        manner: Manner,
        words: Mapping[str, Mapping[str, str]],
    ) -> None:
        self.file, self.layout, self.manner = read, layout, manner
        self.seen = read.table.seen
        self.words = words
        self.cells: Mapping[str, Cell] = cell_codes(read.kind.row)
        self.structure = structurer(read.kind.row)
        self.is_rereading = bool(manner.allowed or manner.forms)
        odd = read.table.formulas or read.table.broken
        self.odd_places = dict(layout.direct) if odd else {}
        self.unnamed: set[int] = set()
        self.needed = [layout.direct[c] for c in read.kind.required if c in layout.direct]

    def read(self, present: Present, progress: Callable[[int], None], *, is_distinct: bool) -> None:
        """Read all of them.

        Raises:
            LinesBroken: it cannot be read on.
        """
        read, kind = self.file, self.file.kind
        identity = attrgetter(*kind.told_apart)
        numbers: dict[Any, int] = {}
        said: set[Any] = set()
        for row, cells in self._of_table():
            read.count += 1
            if read.count % 1000 == 0:
                progress(1000)
            before = len(read.faults)
            if before >= FAULTS_MAX:
                values = {"most": FAULTS_MAX}
                raise LinesBroken(row, Fault("faults_too_many", values=values))
            typed = self._typed(row, cells)
            if typed is not None:
                for column, fault in (*kind.wrong(typed), *_still_to_come(typed, present)):
                    self._fault(row, column, fault, cells)
            if len(read.faults) > before:
                read.rejected[row] = cells
                continue
            whole = astuple(typed) if is_distinct else None
            if whole in said:
                self.seen.see("repeated_rows", row=row)
                read.count -= 1
                continue
            first = numbers.setdefault(identity(typed), row)
            if first != row:
                twice = Fault("row_twice", values={"key": kind.key, "first": first})
                self._fault(row, kind.key, twice, cells)
                read.rejected[row] = cells
                continue
            if is_distinct:
                said.add(whole)
            read.rows.append((row, typed))

    def _of_table(self) -> Iterator[tuple[int, list[str]]]:
        """The rows behind the header that are rows, not blanks, sums, notes or the header again."""
        layout, seen = self.layout, self.seen
        header = layout.header
        held: list[tuple[int, list[str]]] = []
        for row, found in self.file.table.lines():
            if is_watermark(found):
                continue
            if is_blank(found):
                if row > layout.row:
                    seen.see("blank_rows", row=row)
                continue
            if row < layout.row:
                seen.see("title_rows", row=row)
            if row <= layout.row:
                continue
            cells = self._fitted(found)
            if cells == header:
                seen.see("repeated_headers", row=row)
            elif not layout.takes(cells):
                seen.see("other_rows", row=row)
            elif (is_less := self._lacks(cells)) and self._is_total(cells):
                seen.see("total_rows", row=row)
            elif is_less and self._is_note(cells):
                held.append((row, cells))
            else:
                yield from held
                held.clear()
                yield row, cells
        for row, _ in held:
            seen.see("notes", row=row)

    def _fitted(self, cells: list[str]) -> list[str]:
        """As wide as the header where only blanks are too many."""
        width = len(self.layout.header)
        if len(cells) > width and is_blank(cells[width:]):
            return cells[:width]
        if len(cells) < width and (not self.file.table.text or "spaces" in self.manner.allowed):
            return [*cells, *[""] * (width - len(cells))]
        return cells

    def _lacks(self, cells: list[str]) -> bool:
        """Whether a cell is empty, or not there, that has to be filled."""
        width = len(cells)
        return any(place >= width or not cells[place].strip() for place in self.needed)

    def _is_total(self, cells: list[str]) -> bool:
        first = next((cell for cell in cells if cell and not cell.isspace()), "")
        return is_total(first.strip())

    def _is_note(self, cells: list[str]) -> bool:
        filled = [cell.strip() for cell in cells if cell and not cell.isspace()]
        return len(filled) <= 4 and all(map(is_note, filled))

    def _typed(self, row: int, cells: list[str]) -> Any:
        """The row, None where something is wrong with it."""
        width = len(self.layout.header)
        if len(cells) != width:
            counts = {"cells": len(cells), "width": width}
            self.file.faults.append(self.file.wrong(row, "", Fault("row_width", values=counts)))
            return None
        if self.odd_places and self._has_odd(row):
            return None
        for place in self.layout.unnamed:
            if cells[place].strip() and place not in self.unnamed:
                self.unnamed.add(place)
                kind = self.file.kind
                known = {"kind": kind.name, "columns": kind.columns}
                unknown = Fault("column_unknown", values=known)
                self.file.faults.append(self.file.wrong(self.layout.row, "", unknown))
        values = self.layout.values(cells)
        for column, meant in self.words.items():
            if (text := values.get(column)) and text not in self.cells[column].words:
                values[column] = meant.get(folded(text)) or meant.get(ANYTHING, text)
        try:
            return self.structure(values)
        except ClassValidationError as error:
            faults = cell_faults(error)
        if self.is_rereading and self._reread(row, values, faults):
            try:
                return self.structure(values)
            except ClassValidationError as error:
                faults = cell_faults(error)
        for column, fault in faults:
            self._fault(row, column, fault, cells)
        return None

    def _reread(
        self, row: int, values: dict[str, str | None], faults: list[tuple[str, Fault]]
    ) -> bool:
        """Read the faulty cells as far as it is allowed; whether any was."""
        before = dict(values)
        for column, fault in faults:
            text = values.get(column)
            cell = self.cells.get(column)
            if text is None or cell is None or fault.code != cell.code:
                continue
            found = reread(cell, text, self.manner)
            if found is not None:
                values[column], made = found
                for what in made:
                    self.seen.see(what, self.layout.title(column), row=row)
        return values != before

    def _has_odd(self, row: int) -> bool:
        """Tell formulas and errors of the spreadsheet among the columns of a row."""
        read, table = self.file, self.file.table
        before = len(read.faults)
        for column, place in self.odd_places.items():
            if (row - 1, place) in table.broken:
                values = {"error": table.broken[row - 1, place]}
                read.faults.append(read.wrong(row, column, Fault("cell_broken", values=values)))
            elif (row - 1, place) in table.formulas:
                code = self.cells[column].code
                formula = Fault(code, sentence="formula_of_spreadsheet")
                read.faults.append(read.wrong(row, column, formula))
        return len(read.faults) > before

    def _fault(self, row: int, column: str, fault: Fault, cells: list[str]) -> None:
        text = self.layout.value(column, cells) if column in self.cells else None
        self.file.faults.append(self.file.wrong(row, column, caused(fault, text), text or None))


def _still_to_come(row: Any, present: Present) -> Iterator[tuple[str, Fault]]:
    """Columns that say what happened, and name a day or an instant behind the present."""
    for fault in present.faults(row):
        yield fault.where.rpartition(".")[2], evolve(fault, where="")
