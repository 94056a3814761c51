"""Results on standard output, for people or machines; messages and progress beside it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from io import StringIO
from time import monotonic
from typing import Any

from attrs import define
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

from crm_core.kernel.dates import instant_text

PROGRESS_AFTER_SECONDS = 1.0

WIDTH_MAX = 10_000
"""Rich leaves out whole columns of what is too wide for it; nothing is too wide for this."""

LAST_COLUMN_WIDTH_MIN = 16


@define
class Output:
    """Where results go.

    Args:
        json: Machine-readable results, and nothing else, on standard output.
    """

    json: bool = False

    def result(self, data: Any, show: Callable[[], None]) -> None:
        """Print the result: as JSON, or as `show` prints it."""
        try:
            if self.json:
                _write_json(data)
            else:
                show()
            sys.stdout.flush()
        except BrokenPipeError:
            # The reader has gone, as `head` does. The work is done and its status stands;
            # what is still buffered must not fail once more when the process ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def print(self, text: str = "") -> None:
        """A line of a result for people."""
        _write(text + "\n")

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """A table for people; columns of numbers to the right.

        A narrow terminal cuts the last column short, and no other.
        """
        cells = [["" if cell is None else str(cell) for cell in row] for row in rows]
        table = Table(box=None, header_style="bold", pad_edge=False)
        for index, column in enumerate(columns):
            numeric = all(isinstance(row[index], int) for row in rows)
            table.add_column(column, justify="right" if numeric else "left", no_wrap=True)
        widths = [max(map(cell_len, column)) for column in zip(columns, *cells, strict=True)]
        terminal = sys.stdout.isatty()
        left = Console().width - sum(widths[:-1]) - 2 * len(widths[:-1])
        for *row, last in cells:
            table.add_row(*row, _cut(last, max(left, LAST_COLUMN_WIDTH_MIN)) if terminal else last)
        # Rich ends the process itself where a pipe is broken, so it does not get to write.
        text = StringIO()
        Console(
            file=text, force_terminal=terminal, highlight=False, markup=False, width=WIDTH_MAX
        ).print(table)
        _write(text.getvalue())

    def say(self, text: str) -> None:
        """A message beside the result, on standard error."""
        sys.stderr.write(text + "\n")

    @contextmanager
    def progress(self, what: str, total: int | None) -> Iterator[Callable[[int], None]]:
        """A progress bar with rate and time left on standard error, after one second of work."""
        started = monotonic()
        done = 0
        bar: Progress | None = None
        task: Any = None

        def advance(count: int) -> None:
            nonlocal done, bar, task
            done += count
            if bar is None and monotonic() - started >= PROGRESS_AFTER_SECONDS:
                bar = _bar()
                task = bar.add_task(what, total=total, completed=done, rate="")
                bar.start()
            if bar is not None and (done % 500 < count or done == total):
                rate = f"{done / (monotonic() - started):,.0f}/s"
                bar.update(task, completed=done, rate=rate)

        try:
            yield advance
        finally:
            if bar is not None:
                bar.stop()


def _bar() -> Progress:
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


def _write(text: str) -> None:
    """To standard output; characters its encoding does not have are replaced."""
    try:
        sys.stdout.write(text)
    except UnicodeEncodeError:
        encoding = sys.stdout.encoding
        sys.stdout.write(text.encode(encoding, "replace").decode(encoding))


def _write_json(data: Any) -> None:
    """One line; with escapes where the encoding of standard output does not have a character."""
    try:
        sys.stdout.write(json.dumps(data, ensure_ascii=False, default=_plain) + "\n")
    except UnicodeEncodeError:
        sys.stdout.write(json.dumps(data, default=_plain) + "\n")


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return instant_text(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"`{type(value).__name__}` cannot be printed")
