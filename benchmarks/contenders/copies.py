"""A large town without its log: the kept rows of a smaller one, many times over.

Households are numbered on, and positions lie behind those of the copy before, as if the town went
on so: rows, references, evidence and cut-offs stay consistent with each other. Files are as large
as the engine makes them. Planted errors stand in the first copy alone, whose positions are those of
the log; so whatever a replay suspects can be looked up there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import polars as pl

from crm_adapters.frames.kept import MERGED_ROWS, Kept
from crm_adapters.frames.shapes import EVIDENCE

DIGEST = "0" * 64


class Copied:
    """The log of the smaller town, that says it goes on up to a position behind its end."""

    def __init__(self, log: Any, upto: int) -> None:
        self._log = log
        self._end = log.head()
        self._upto = upto

    def head(self) -> int:
        return self._upto

    def feed(self, *, after: int = 0, upto: int | None = None, **how: Any) -> Iterator[Any]:
        if upto is not None and upto > self._end:
            assert after == upto - 1, "the kept rows are not up to the end"
            return iter([SimpleNamespace(digest=DIGEST)])
        events: Iterator[Any] = self._log.feed(after=after, upto=upto, **how)
        return events

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)


def copy(
    tables: Sequence[Kept], into: Sequence[Kept], copies: int, households: int, planted: set[str]
) -> int:
    """Write the rows that many times over; how many events they stand for.

    Args:
        tables: Kept facts and kept gradings of the town.
        into: The same of a `Copied` log up to `ends(log, copies)`.
        households: In the town.
        planted: Runs of planted errors that stay; others are left out.
    """
    facts, gradings = (table.files() for table in tables)
    told = pl.concat([pl.read_parquet(file.path, glob=False) for file in facts])
    told = told.sort("home", "position")
    graded = pl.concat([pl.read_parquet(file.path, glob=False) for file in gradings])
    step = facts[-1].upto + 1
    graded = graded.sort("household", "position").with_columns(
        cutoff_position=pl.col("cutoff_position") + copies * step
    )
    wrong = pl.col("run").str.starts_with("planted-")
    first = graded.filter(~wrong | pl.col("run").is_in(planted))
    others = graded.filter(~wrong)
    events = sum(file.events for file in facts)
    at_once = max(1, min(MERGED_ROWS // events, copies))
    for start in range(0, copies, at_once):
        some = range(start, min(start + at_once, copies))
        after, upto = start * step, some.stop * step
        # Nobody asks of copies whether they are what a log says: any sum will do.
        rows = pl.concat(_facts(told, n, step, households) for n in some)
        into[0]._write(rows, after, upto, events * len(some), facts[-1].digests)
        rows = pl.concat(_gradings(others if n else first, n, step, households) for n in some)
        into[1]._write(rows, after, upto, rows.height, gradings[-1].digests)
    return events * copies + first.height + others.height * (copies - 1)


def ends(log: Any, copies: int) -> int:
    """Where the copies end: each begins behind all positions of the one before."""
    return copies * (int(log.head()) + 1)


def _facts(rows: pl.DataFrame, number: int, step: int, households: int) -> pl.DataFrame:
    if not number:
        return rows
    by = number * step
    texts = (_renamed(name, number * households) for name in ("household", "reference", "other"))
    # A number of a text is made of twice a position.
    return rows.with_columns(pl.col("home", "position") + by, pl.col("ref", "of") + 2 * by, *texts)


def _gradings(rows: pl.DataFrame, number: int, step: int, households: int) -> pl.DataFrame:
    if not number:
        return rows
    return rows.with_columns(
        pl.col("position") + number * step,
        # Which evidence it is stands in the number of its position.
        pl.col("evidence") + number * step * len(EVIDENCE),
        *(_renamed(name, number * households) for name in ("household", "concerns")),
    )


def _renamed(column: str, by: int) -> pl.Expr:
    """Names of households in a text, so many numbers on."""
    text = pl.col(column)
    number = text.str.extract(r"V(\d{7})").cast(pl.Int64) + by
    name = pl.format("V{}", number.cast(pl.String).str.zfill(7))
    return pl.when(number.is_null()).then(text).otherwise(text.str.replace(r"V\d{7}", name))
