"""What a table holds, and where: its header is looked for, and its kind by what stands there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from attrs import field

from crm_adapters.files.kinds import KINDS
from crm_adapters.files.mapping import ANYTHING, TableMapping, fill, headers_in
from crm_adapters.files.rows.kind import FileKind
from crm_adapters.files.sheets import ImportFault, Table, is_blank
from crm_adapters.files.texts import LinesBroken
from crm_adapters.files.vocabulary import folded, headers_of, is_ignored
from crm_core.errors import Fault
from crm_core.kernel.values import define, frozen

SEARCHED = 40
"""Rows in which the header is looked for: what stands above it is a title, or whose file it is."""

_LEAST = 2
"""Known headers in a row that is taken for the header although some are missing."""


@define
class Layout:
    """Where the columns of a table are.

    Args:
        row: Row of the header.
        header: As it stands in the file.
        direct: Columns, and the place of each.
        composed: Columns that are made of several places: text, and place of each header in it.
        constants: What columns hold in every row.
        defaults: What columns hold where a row has nothing in them.
        where: Places, and what a row has to hold there to be of this table.
        unnamed: Places without a header.
        ignored: Headers of columns that are passed over.
    """

    row: int
    header: list[str]
    direct: dict[str, int] = field(factory=dict)
    composed: dict[str, tuple[str, dict[str, int]]] = field(factory=dict)
    constants: Mapping[str, str] = field(factory=dict)
    defaults: Mapping[str, str] = field(factory=dict)
    where: list[tuple[int, tuple[str, ...]]] = field(factory=list)
    unnamed: list[int] = field(factory=list)
    ignored: list[str] = field(factory=list)

    def title(self, column: str) -> str:
        """What the file calls a column."""
        if column in self.direct:
            return self.header[self.direct[column]].strip()
        if column in self.composed:
            return self.composed[column][0]
        return column

    def values(self, cells: Sequence[str]) -> dict[str, str | None]:
        """What each column holds in a row, None where it is empty."""
        found: dict[str, str | None] = {
            column: cells[place].strip() or None for column, place in self.direct.items()
        }
        for column, (text, places) in self.composed.items():
            parts = {header: cells[place].strip() for header, place in places.items()}
            found[column] = fill(text, parts) or None
        if self.constants:
            found.update(self.constants)
        for column, text in self.defaults.items():
            found[column] = found.get(column) or text
        return found

    def value(self, column: str, cells: Sequence[str]) -> str:
        """What a column holds in a row that may be too short; an empty text for nothing."""
        if column in self.direct and column not in self.defaults:
            place = self.direct[column]
            return cells[place].strip() if place < len(cells) else ""
        padded = [*cells, *[""] * (len(self.header) - len(cells))]
        return self.values(padded).get(column) or ""

    def takes(self, cells: Sequence[str]) -> bool:
        """Whether a row is of this table."""
        if not self.where:
            return True
        texts = [cells[place].strip() if place < len(cells) else "" for place, _ in self.where]
        return all(
            bool(text) if words == (ANYTHING,) else text in words
            for text, (_, words) in zip(texts, self.where, strict=True)
        )


def lay_out(
    table: Table,
    kind: FileKind,
    mapping: TableMapping | None,
    defaults: Mapping[str, str],
    *,
    lenient: bool,
) -> Layout | list[ImportFault]:
    """Where the columns are, or everything that is wrong with the header.

    Args:
        defaults: What columns hold where a row has nothing in them.
        lenient: Pass over columns that nobody knows.
    """
    needed = [folded(header) for header in (mapping.headers if mapping else ())]
    given = {*(mapping.columns if mapping else ()), *(mapping.constants if mapping else ())}
    required = [c for c in kind.required if c not in given and c not in defaults]
    try:
        found = _header(table, kind, needed, required)
    except LinesBroken as error:
        return [table.wrong(error.row, "", error.fault)]
    if found is None:
        return [table.wrong(1, "", Fault("file_empty"))]
    row, header = found
    constants = mapping.constants if mapping else {}
    layout = Layout(row, header, constants=constants, defaults=defaults)
    faults = [*_map(table, layout, mapping)] if mapping else []
    faults += _recognise(table, layout, kind, given, lenient=lenient or mapping is not None)
    there = {*given, *layout.direct}
    for column in required:
        if column not in there:
            missing = Fault("column_missing", values={"missing": column})
            faults.append(table.wrong(row, column, missing))
    return faults or layout


def _header(
    table: Table, kind: FileKind, needed: Sequence[str], required: Sequence[str]
) -> tuple[int, list[str]] | None:
    """The row that is the header, trimmed: the first that has everything, or else the most."""
    known = headers_of(kind)
    first = best = None
    most = _LEAST - 1
    for row, cells in islice(table.lines(), SEARCHED):
        if is_blank(cells):
            continue
        titles = [folded(cell) for cell in cells if cell]
        columns = {known[title] for title in titles if title in known}
        if first is None:
            first = (row, cells)
        if set(needed) <= set(titles) and set(required) <= columns:
            best = (row, cells)
            break
        score = len(columns) + len(set(needed) & set(titles))
        if score > most:
            best, most = (row, cells), score
    chosen = best or first
    return None if chosen is None else (chosen[0], list(chosen[1]))


def _map(table: Table, layout: Layout, mapping: TableMapping) -> Iterator[ImportFault]:
    """Places of the headers that a mapping names."""
    places = {folded(title): place for place, title in reversed([*enumerate(layout.header)])}
    for column, text in mapping.columns.items():
        found = {header: places.get(folded(header)) for header in headers_in(text)}
        for header, place in found.items():
            if place is None:
                yield _missing(table, layout, header)
        there = {header: place for header, place in found.items() if place is not None}
        if len(there) < len(found):
            continue
        if text in there:
            layout.direct[column] = there[text]
        else:
            layout.composed[column] = (text, there)
    for header, words in mapping.where.items():
        place = places.get(folded(header))
        if place is None:
            yield _missing(table, layout, header)
        else:
            layout.where.append((place, words))


def _missing(table: Table, layout: Layout, header: str) -> ImportFault:
    fault = Fault("column_missing", values={"missing": header}, sentence="header_missing")
    return table.wrong(layout.row, header, fault)


def _recognise(
    table: Table, layout: Layout, kind: FileKind, given: set[str], *, lenient: bool
) -> Iterator[ImportFault]:
    """Columns whose header is known, the library's own names before those of others."""
    used = {*layout.direct.values()}
    for _, places in layout.composed.values():
        used.update(places.values())
    used.update(place for place, _ in layout.where)
    own = {name: name for name in kind.columns} | dict(kind.aliases)
    others = headers_of(kind)
    taken = {own[title.strip()] for title in layout.header if title.strip() in own}
    for place, cell in enumerate(layout.header):
        title = cell.strip()
        if place in used:
            continue
        column = own.get(title, "")
        if not column and (other := others.get(folded(title), "")) not in taken:
            column = other
        if not title:
            layout.unnamed.append(place)
        elif column and column not in given:
            if column in layout.direct:
                twice = Fault("column_twice", values={"named": column})
                yield table.wrong(layout.row, title, twice)
            else:
                layout.direct[column] = place
        elif column or lenient or is_ignored(title):
            layout.ignored.append(title)
        else:
            values = {"kind": kind.name, "columns": kind.columns}
            unknown = Fault("column_unknown", values=values)
            yield table.wrong(layout.row, title, unknown)


def kind_of(table: Table) -> FileKind | None:
    """The kind of which a table has all required columns and the most of all; None if in doubt."""
    found = [(len(fit.columns), fit.kind) for fit in _fits(table) if not fit.missing]
    found.sort(key=lambda scored: scored[0], reverse=True)
    if not found or (len(found) > 1 and found[0][0] == found[1][0]):
        return None
    return found[0][1]


@frozen
class Fit:
    """How far a table is one of a kind.

    Args:
        columns: Those of the kind that its header has.
        missing: Required ones that it has not.
        others: Headers that say nothing of that kind.
    """

    kind: FileKind
    columns: frozenset[str]
    missing: tuple[str, ...]
    others: tuple[str, ...]


def nearest(table: Table) -> Fit | None:
    """The kind of which a table has the most; None where its rows have no header that is known.

    Headers are told to people: a row of which nothing but one cell is known may be of data.
    """
    fits = [fit for fit in _fits(table) if len(fit.columns) > _LEAST]
    return max(fits, key=lambda fit: len(fit.columns) - len(fit.missing), default=None)


def _fits(table: Table) -> Iterator[Fit]:
    try:
        for kind in KINDS:
            header = _header(table, kind, (), kind.required)
            known = headers_of(kind)
            titles = [title.strip() for title in (header[1] if header else []) if title.strip()]
            columns = {known[folded(one)] for one in titles if folded(one) in known}
            yield Fit(
                kind=kind,
                columns=frozenset(columns),
                missing=tuple(one for one in kind.required if one not in columns),
                others=tuple(one for one in titles if folded(one) not in known),
            )
    except LinesBroken:
        return


def fits(table: Table, mapping: TableMapping) -> bool:
    """Whether a mapping is about this table: by its sheet, or by its headers."""
    if mapping.sheet:
        return folded(mapping.sheet) == folded(table.sheet)
    needed = {folded(header) for header in mapping.headers}
    try:
        return any(
            needed <= {folded(cell) for cell in cells if cell}
            for _, cells in islice(table.lines(), SEARCHED)
        )
    except LinesBroken:
        return False


def has_known_header(cells: Sequence[str]) -> bool:
    """Whether a row is the header of some kind, by words that are not ASCII."""
    titles = {folded(cell) for cell in cells if cell and not cell.isascii()}
    return any(len(titles & set(headers_of(kind))) > _LEAST for kind in KINDS)
