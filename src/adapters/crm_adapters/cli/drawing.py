"""What is drawn for people: tables, and the bar of a long piece of work."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from io import StringIO
from typing import Any

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from crm_adapters.cli.shown import Amount

WIDTH_MAX = 10_000
"""Rich leaves out whole columns of what is too wide for it; nothing is too wide for this."""

LAST_COLUMN_WIDTH_MIN = 16


def table_text(columns: Sequence[str], rows: Sequence[Sequence[Any]], *, terminal: bool) -> str:
    """A table; columns of numbers to the right.

    Args:
        terminal: A narrow one cuts the last column short, and no other.
    """
    cells = [["" if cell is None else str(cell) for cell in row] for row in rows]
    table = Table(box=None, header_style="bold", pad_edge=False)
    for index, column in enumerate(columns):
        numeric = all(isinstance(row[index], int | Amount) for row in rows)
        table.add_column(column, justify="right" if numeric else "left", no_wrap=True)
    widths = [max(map(cell_len, column)) for column in zip(columns, *cells, strict=True)]
    left = Console().width - sum(widths[:-1]) - 2 * len(widths[:-1])
    for *row, last in cells:
        table.add_row(*row, _cut(last, max(left, LAST_COLUMN_WIDTH_MIN)) if terminal else last)
    # Rich ends the process itself where a pipe is broken, so it does not get to write.
    text = StringIO()
    Console(
        file=text, force_terminal=terminal, highlight=False, markup=False, width=WIDTH_MAX
    ).print(table)
    return text.getvalue()


def progress_bar() -> Progress:
    """A bar with rate and time left, on standard error."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        console=Console(file=sys.stderr),
    )


def _cut(text: str, width: int) -> str:
    return text if cell_len(text) <= width else set_cell_size(text, width - 1) + "…"
