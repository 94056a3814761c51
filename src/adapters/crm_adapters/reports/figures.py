"""Bars, shares and matrices of the report, and the words of a credit table's spans."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from crm_adapters.reports.speech import Word, sentence
from crm_core.kernel.values import frozen
from crm_core.payments.credit import CreditPolicy

BAR_MIN = 0.6
"""Narrowest bar, in percent, of what is not nothing: one household of thousands is still seen."""

_HEAT = (0, 2, 10, 25, 50)
"""Steps of shading in percent of all households: above the first, the second, and so on."""


@frozen
class Bar:
    """One line of a table with a bar.

    Args:
        key: The value counted, e.g. `main`.
        name: Its words.
        note: What it covers, if that is said.
        households: How many, of households or charges.
        share: Of all, as text.
        width: Of the bar, in percent.
        yuan: Amount, where one is shown; with share and width of its own.
    """

    key: str
    name: Word
    households: str
    share: str
    width: str
    note: Word = ("", "")
    yuan: str = ""
    yuan_share: str = ""
    yuan_width: str = ""


@frozen
class Cell:
    """One cell of a matrix: its text and how dark it is, from 0 to 5."""

    text: str
    heat: int


@frozen
class MatrixRow:
    """One row of a matrix, with its sum."""

    key: str
    name: Word
    cells: tuple[Cell, ...]
    total: str


def share(count: int, total: int) -> str:
    """A count of all, in percent."""
    return f"{count * 100 / total:.1f} %" if total else "–"


def width(count: int, total: int) -> str:
    """Of a bar, in percent."""
    if count <= 0 or total <= 0:
        return "0"
    return f"{max(count * 100 / total, BAR_MIN):.2f}"


def bar(key: str, name: Word, count: int, total: int) -> Bar:
    """A count of all, as a line with a bar."""
    return Bar(key, name, f"{count:,}", share(count, total), width(count, total))


def bars(
    counts: Counter[str], keys: Iterable[str], words: Callable[[str], Word], total: int
) -> list[Bar]:
    """A line for each key."""
    return [bar(key, words(key), counts[key], total) for key in keys]


def matrix(
    counts: Mapping[tuple[str, str], int],
    rows: Iterable[tuple[str, Word]],
    columns: Iterable[str],
) -> tuple[MatrixRow, ...]:
    """A row for each key with its words, and a cell for each column."""
    columns = tuple(columns)
    total = sum(counts.values())
    found = []
    for key, name in rows:
        numbers = [counts.get((key, column), 0) for column in columns]
        cells = tuple(_cell(number, total) for number in numbers)
        found.append(MatrixRow(key, name, cells, f"{sum(numbers):,}"))
    return tuple(found)


def _cell(count: int, total: int) -> Cell:
    percent = count * 100 / total if total else 0
    return Cell(f"{count:,}", sum(1 for step in _HEAT if percent > step))


def span(credit: CreditPolicy, index: int) -> Word:
    """How long something is overdue in a bucket of the credit table."""
    if index == 0:
        return sentence("nothing_overdue")
    before, upto = credit.buckets[index - 1].upto or 0, credit.buckets[index].upto
    unit = "days" if credit.unit == "days" else "months"
    if upto is None:
        return sentence(f"over_{unit}", before=before)
    if unit == "days":
        return sentence("from_to_days", first=before + 1, upto=upto)
    if before == 0:
        return sentence("upto_months", upto=upto)
    return sentence("over_upto_months", before=before, upto=upto)
