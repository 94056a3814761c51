"""Tables that are written for somebody: XLSX, CSV and JSON, with a mark of who had them made.

Nothing in them is ever a formula (IMP-02), and what is done against that is undone on reading. The
mark stands where an import passes over it: on a sheet of its own, in a line behind the rows, or
beside them (PRV-10).
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import Any

from attrs import Factory

from crm_adapters.outputs import NOTHING, Kept, written_whole
from crm_adapters.register import TABLE
from crm_adapters.reports.spreadsheets import harmless
from crm_adapters.reports.workbook import workbook
from crm_core.errors import Invalid
from crm_core.kernel.dates import instant_text
from crm_core.kernel.sealed import Withheld
from crm_core.kernel.values import frozen

FORMS = (".xlsx", ".csv", ".json")
"""Endings of names, by which the form is chosen."""

SHEET_ROWS_MAX = 1_048_576
"""As many rows has a sheet of a spreadsheet, its header among them."""

MARK = "# crm-core"
"""How the first cell of a watermark begins."""

Cell = str | int | Decimal | None


@frozen
class Watermark:
    """Who had a table made, when, and what for (PRV-10).

    Args:
        by: Role and id.
        purpose: Empty where none was stated.
        export: The number under which the log says that it left; empty where it need not.
    """

    by: str
    at: datetime
    purpose: str
    export: str = ""

    def cells(self) -> list[str]:
        """Its parts, as they stand in one line."""
        said = [MARK, harmless(self.by), instant_text(self.at), harmless(self.purpose)]
        return [*said, self.export] if self.export else said


def is_watermark(cells: Sequence[str]) -> bool:
    """Whether a line of a file is the mark that was written behind its rows."""
    return bool(cells) and cells[0] == MARK


@frozen
class Table:
    """A table to be written.

    Args:
        name: Of what, e.g. `charges`.
        columns: Codes of the columns.
        rows: As many cells each.
        withheld: Columns that are left out, each with the reason.
        leads: Columns that lead to doors or persons: where one of them says anything, it is noted
            that the table leaves before it is written (PRV-10).
    """

    name: str
    columns: Sequence[str]
    rows: Iterable[Sequence[Any]]
    withheld: Mapping[str, str] = Factory(dict)
    leads: Sequence[str] = ()

    def leading(self, rows: Sequence[Sequence[Any]]) -> tuple[str, ...]:
        """Those of the columns that lead to doors or persons in which these rows say anything."""
        return tuple(
            name
            for place, name in enumerate(self.columns)
            if name in self.leads and any(_says(row[place]) for row in rows)
        )


def _says(cell: Any) -> bool:
    return not isinstance(cell, Withheld) and cell not in (None, "")


def write_table(
    path: Path,
    table: Table,
    watermark: Watermark,
    *,
    most: int | None = None,
    kept: Kept = NOTHING,
) -> int:
    """Write a table; the form follows the name's ending. It is readable by its owner only.

    Args:
        most: So many rows may be written; None for as many as the form has room for.

    Returns:
        How many rows it has.

    Raises:
        Invalid: the name ends otherwise than in `FORMS`, there are too many rows, something lies
            there that may not be replaced, or it leads to doors or persons and nobody noted that it
            leaves (PRV-10).
    """
    form = path.suffix.lower()
    if form not in FORMS:
        raise Invalid.one("form_unknown", "--out", sentence="form_of_table_unknown", file=path.name)
    room = SHEET_ROWS_MAX - 1 if form == ".xlsx" else None
    limit = min((one for one in (most, room) if one is not None), default=None)
    rows = list(table.rows if limit is None else islice(table.rows, limit + 1))
    if limit is not None and len(rows) > limit:
        raise Invalid.one("export_too_large", "--out", most=limit)
    if not watermark.export and table.leading(rows):
        raise Invalid.one("table_unmarked", table=table.name)
    content = _CONTENT[form](table, rows, watermark)
    written_whole(path, content, private=True, kept=kept, where="--out", kind=TABLE)
    return len(rows)


def _xlsx(table: Table, rows: Sequence[Sequence[Cell]], watermark: Watermark) -> bytes:
    cells = [[_safe(cell) for cell in row] for row in rows]
    mark = ("crm", [watermark.cells()])
    return workbook(table.name, [list(table.columns), *cells], mark)


def _csv(table: Table, rows: Sequence[Sequence[Cell]], watermark: Watermark) -> bytes:
    out = StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(table.columns)
    writer.writerows([_safe(cell) for cell in row] for row in rows)
    writer.writerow(watermark.cells())
    # With a byte order mark, by which spreadsheets see that it is UTF-8.
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _json(table: Table, rows: Sequence[Sequence[Cell]], watermark: Watermark) -> bytes:
    made = {
        "by": watermark.by,
        "at": instant_text(watermark.at),
        "purpose": watermark.purpose,
        "export": watermark.export or None,
    }
    told = [
        {
            name: str(cell) if isinstance(cell, Decimal) else cell
            for name, cell in zip(table.columns, row, strict=True)
        }
        for row in rows
    ]
    data = {"table": table.name, "made": made, "rows": told}
    return json.dumps(data, ensure_ascii=False, indent=1).encode() + b"\n"


_CONTENT = {".xlsx": _xlsx, ".csv": _csv, ".json": _json}


def _safe(cell: Cell) -> str | int | Decimal:
    if cell is None:
        return ""
    return harmless(cell) if isinstance(cell, str) else cell
