"""Tables as they lie in files, before anybody knows what they mean (IMP-03)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from attrs import field

from crm_core.errors import Fault
from crm_core.kernel.decider import Refusal
from crm_core.kernel.sentences import Lang, Malformed
from crm_core.kernel.values import define, frozen

BYTES_MAX: Final = 256 * 1024 * 1024
"""Bytes of one import file, and of what a spreadsheet unpacks to."""

ROWS_MAX: Final = 1_000_000
"""Rows of one table."""

COLUMNS_MAX: Final = 256
"""Columns of one table."""

FAULTS_MAX: Final = 200_000
"""Faults of one table that are told; behind them it is read no further."""

Lines = Iterator[tuple[int, list[str]]]
"""Rows as a spreadsheet counts them, each with its cells as text."""


@frozen
class ImportFault:
    """One thing that is wrong with an import.

    Args:
        file: Name of the file; where it has several tables, with that of the sheet.
        row: Row as a spreadsheet counts, beginning with 1; 0 for the whole file.
        column: Header of the column as it stands in the file, or an empty text.
        wrong: What is wrong and what would be taken, or what the business refuses; never personal
            data.
        sheet: Name of the sheet, where the file has sheets.
        value: The cell as it stands, where it cannot be personal.
        repair: What would mend it, where the fault does not say so already.
    """

    file: str
    row: int
    column: str
    wrong: Fault | Refusal
    sheet: str = ""
    value: str | None = None
    repair: Malformed | None = None

    @property
    def code(self) -> str:
        """Its stable code."""
        return self.wrong.code

    @property
    def message(self) -> str:
        """What is wrong, in English."""
        return self.wrong.message

    def told(self, lang: Lang) -> str:
        """What is wrong, in one sentence."""
        return self.wrong.told(lang)

    def mended(self, lang: Lang) -> str:
        """What would mend it; an empty text where what is wrong says so."""
        return "" if self.repair is None else self.repair.told(lang)


@frozen
class Seen:
    """Something about a table that was seen, passed over or read in a way of its own.

    Args:
        what: Its code, e.g. `total_rows` or `thousands`.
        column: Header of the column, or an empty text.
    """

    what: str
    column: str = ""


@define
class Sightings:
    """What was seen, how often, and where first."""

    counts: Counter[Seen] = field(factory=Counter)
    rows: dict[Seen, list[int]] = field(factory=dict)

    def see(self, what: str, column: str = "", row: int = 0, times: int = 1) -> None:
        """Note it once more."""
        seen = Seen(what, column)
        self.counts[seen] += times
        first = self.rows.setdefault(seen, [])
        if row and len(first) < 5:
            first.append(row)


@define
class Table:
    """A table of a file.

    Args:
        path: Where the file lies.
        file: Its name.
        sheet: Name of the sheet, where the file has sheets.
        lines: Reads it from its beginning.
        size: Lines there are, or about that: a cell of text may hold several.
        text: Whether it is one of text.
        separator: What separates the cells of text.
        formulas: Cells that hold a formula, as row and place, both from 0.
        broken: Cells that hold an error of the spreadsheet, in the same way, and which.
        seen: What was seen of it so far.
        fault: Row, and what is wrong with a file that cannot be read; nobody asks for `lines` then.
    """

    path: Path
    file: str
    sheet: str
    lines: Callable[[], Lines]
    size: int = 0
    text: bool = True
    separator: str = ","
    formulas: Collection[tuple[int, int]] = ()
    broken: Mapping[tuple[int, int], str] = field(factory=dict)
    seen: Sightings = field(factory=Sightings)
    fault: tuple[int, Fault] | None = None

    @property
    def name(self) -> str:
        """What the file is called; where it has sheets, with that of the sheet."""
        return f"{self.file}:{self.sheet}" if self.sheet else self.file

    def wrong(self, row: int, column: str, wrong: Fault, **more: Any) -> ImportFault:
        """That something is wrong with it."""
        return ImportFault(self.name, row, column, wrong, self.sheet, **more)


def is_blank(cells: Sequence[str]) -> bool:
    """Whether there is nothing in a row."""
    return not any(cell and not cell.isspace() for cell in cells)
