"""A large town without its log: the kept rows of a smaller one, many times over.

Households are numbered on, and positions lie behind those of the copy before, as if the town went
on so: rows, references, evidence and cut-offs stay consistent with each other. Files are as large
as the engine makes them. Planted errors stand in the first copy alone, whose positions are those of
the log; so whatever a replay suspects can be looked up there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl

from crm_adapters.frames.kept import MERGED_ROWS, KeptFile

DIGEST = "0" * 64
ROW_GROUP = 131_072


class Copied:
    """The log of the smaller town, that says it ends where the kept rows end.

    Args:
        files: Files of the kept rows.
    """

    def __init__(self, log: Any, ends: Sequence[int]) -> None:
        self._log = log
        self._ends = set(ends)

    def head(self) -> int:
        return max(self._ends)

    def feed(self, *, after: int = 0, upto: int | None = None, **how: Any) -> Iterator[Any]:
        if upto in self._ends:
            assert after == upto - 1, "the kept rows are not up to the end"
            return iter([SimpleNamespace(digest=DIGEST, position=upto)])
        events: Iterator[Any] = self._log.feed(after=after, upto=upto, **how)
        return events

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)


def copy(
    facts: Sequence[KeptFile],
    gradings: Sequence[KeptFile],
    folder: Path,
    *,
    copies: int,
    households: int,
    planted: set[str],
) -> tuple[list[int], int]:
    """Write the rows that many times over.

    Args:
        households: In the town that is copied.
        planted: Runs of planted errors that stay; others are left out.

    Returns:
        Where the files end, and how many events they stand for.
    """
    # Behind all positions of the log, and nobody's own.
    step = facts[-1].upto + 1
    told = pl.concat([pl.read_parquet(file.path, glob=False) for file in facts])
    told = told.sort("home", "position")
    graded = pl.concat([pl.read_parquet(file.path, glob=False) for file in gradings])
    graded = graded.sort("household", "position").with_columns(
        cutoff_position=pl.col("cutoff_position") + copies * step
    )
    wrong = pl.col("run").str.starts_with("planted-")
    first = graded.filter(~wrong | pl.col("run").is_in(planted))
    others = graded.filter(~wrong)
    events = sum(file.events for file in facts)
    of_all = events * copies + first.height + others.height * (copies - 1)
    at_once = max(1, min(MERGED_ROWS // events, copies))
    ends = []
    for start in range(0, copies, at_once):
        some = range(start, min(start + at_once, copies))
        after, upto = start * step, (some[-1] + 1) * step
        for name, parts in (
            (_shape(facts), (_facts(told, n, step, households) for n in some)),
            (
                _shape(gradings),
                (_gradings(others if n else first, n, step, households) for n in some),
            ),
        ):
            rows = pl.concat(parts)
            path = folder / f"{name}-{after:020}-{upto:020}-{rows.height}-{DIGEST[:16]}.parquet"
            rows.write_parquet(path, row_group_size=ROW_GROUP)
        ends.append(upto)
    return ends, of_all


def _shape(files: Sequence[KeptFile]) -> str:
    """The name of the shape, as files begin with it."""
    return "-".join(files[0].path.name.split("-")[:2])


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
    lists = [name for name, kind in rows.schema.items() if kind == pl.List(pl.Int64)]
    return rows.with_columns(
        pl.col("position", *lists) + number * step,
        *(_renamed(name, number * households) for name in ("household", "concerns")),
    )


def _renamed(column: str, by: int) -> pl.Expr:
    """Names of households in a text, so many numbers on."""
    text = pl.col(column)
    number = text.str.extract(r"V(\d{7})").cast(pl.Int64) + by
    name = pl.format("V{}", number.cast(pl.String).str.zfill(7))
    return pl.when(number.is_null()).then(text).otherwise(text.str.replace(r"V\d{7}", name))
