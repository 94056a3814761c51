"""Rows of events, kept in Parquet files beside the log and never behind it (decision record 0032).

A file holds the rows of the events behind one position up to another. Its name says which two, how
many events they were and the digest of the last of them: whoever looks that event up in the log
knows whether the file is of this log. Before rows are read they are brought up to the end of the
log. A folder of such files can be deleted at any time.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from time import time
from typing import Any, NamedTuple, Protocol

import polars as pl

from crm_core.kernel.recorded import Recorded
from crm_core.ports import EventLog

EVENTS = 500_000
"""Events taken from the log at a time."""

MERGED_ROWS = 8_000_000
"""Files are not merged into larger ones than this."""

LINGER_SECONDS = 3600.0
"""Files that were merged stay for those who are still reading them."""


class KeptFile(NamedTuple):
    """A file with the rows of so many events behind position `after` up to `upto`."""

    path: Path
    after: int
    upto: int
    events: int
    digest: str


class Shape(Protocol):
    """What is kept of which events."""

    @property
    def name(self) -> str:
        """What files are called; it changes with the shape of the rows."""
        ...

    @property
    def events(self) -> frozenset[str]:
        """Stored names of the events."""
        ...

    def rows(self, events: Sequence[Recorded[Any]], before: Sequence[KeptFile]) -> pl.DataFrame:
        """The rows of events of households, sorted as they are kept.

        Args:
            before: The files that hold the rows of all events before them.
        """
        ...


class Kept:
    """The rows of a log in one shape.

    Args:
        folder: Where the files lie; it is made when there is something to keep.
    """

    def __init__(self, log: EventLog, shape: Shape, folder: Path) -> None:
        self._log = log
        self._shape = shape
        self._folder = folder
        self._name = re.compile(
            re.escape(shape.name) + r"-([0-9]{20})-([0-9]{20})-([0-9]+)-([0-9a-f]{16})\.parquet"
        )

    def files(self) -> list[KeptFile]:
        """The files that hold the rows up to the end of the log, brought up to it."""
        chain = self.chain()
        head = self._log.head()
        after = chain[-1].upto if chain else 0
        if after < head:
            events = self._log.feed(after=after, upto=head, names=self._shape.events)
            while lot := list(islice(events, EVENTS)):
                # Nobody reads what concerns no household by households.
                mine = [recorded for recorded in lot if recorded.household]
                # Behind the last lot there is nothing of this shape up to the end of the log.
                upto = lot[-1].position if len(lot) == EVENTS else head
                rows = self._shape.rows(mine, chain)
                chain.append(self._write(rows, after, upto, len(mine)))
                after = upto
                chain = self._merged(chain)
            if chain and after < head:
                chain[-1] = self._reaching(chain[-1], head)
        self._sweep(chain)
        return chain

    def chain(self) -> list[KeptFile]:
        """The files, as they are, that follow each other from the beginning and are of this log."""
        found: dict[int, list[KeptFile]] = {}
        for path in self._folder.glob(f"{self._shape.name}-*.parquet"):
            named = self._name.fullmatch(path.name)
            if named is not None:
                file = KeptFile(path, int(named[1]), int(named[2]), int(named[3]), named[4])
                found.setdefault(file.after, []).append(file)
        chain: list[KeptFile] = []
        after = 0
        while candidates := [file for file in found.get(after, ()) if self._is_ours(file)]:
            chain.append(max(candidates, key=lambda one: one.upto))
            after = chain[-1].upto
        return chain

    def _digest(self, position: int) -> str | None:
        """Part of the digest of the event at a position, or None if there is no event."""
        found = next(self._log.feed(after=position - 1, upto=position), None)
        return None if found is None else found.digest[:16]

    def _is_ours(self, file: KeptFile) -> bool:
        return self._digest(file.upto) == file.digest

    def _path(self, after: int, upto: int, events: int) -> KeptFile:
        digest = self._digest(upto)
        # INVARIANT: the log ends behind what was read from it.
        assert digest is not None
        name = f"{self._shape.name}-{after:020}-{upto:020}-{events}-{digest}.parquet"
        return KeptFile(self._folder / name, after, upto, events, digest)

    def _reaching(self, file: KeptFile, upto: int) -> KeptFile:
        """The same file for a log that has grown by nothing of this shape."""
        longer = self._path(file.after, upto, file.events)
        with suppress(FileExistsError):
            try:
                os.link(file.path, longer.path)
            except OSError:
                # Where files cannot have two names.
                self._put(pl.read_parquet(file.path, glob=False), longer)
        return longer

    def _write(self, rows: pl.DataFrame, after: int, upto: int, events: int) -> KeptFile:
        file = self._path(after, upto, events)
        self._put(rows, file)
        return file

    def _put(self, rows: pl.DataFrame, file: KeptFile) -> None:
        """Write the rows: they are whole under the file's name, or not there."""
        self._folder.mkdir(parents=True, exist_ok=True)
        draft = file.path.with_suffix(f".{os.getpid()}")
        rows.write_parquet(draft, row_group_size=131_072)
        with draft.open("rb+") as written:
            os.fsync(written.fileno())
        draft.replace(file.path)

    def _merged(self, chain: list[KeptFile]) -> list[KeptFile]:
        """Few files: a new one is merged with those before it that are not much larger."""
        while len(chain) > 1:
            *rest, one, two = chain
            events = one.events + two.events
            if one.events > 4 * two.events or events > MERGED_ROWS:
                break
            both = pl.concat([pl.read_parquet(file.path, glob=False) for file in (one, two)])
            merged = both.sort(both.columns[0], "position")
            chain = [*rest, self._write(merged, one.after, two.upto, events)]
        return chain

    def _sweep(self, chain: Sequence[KeptFile]) -> None:
        """Remove what is no part of the rows any more and nobody can be reading."""
        current = {file.path for file in chain}
        for path in self._folder.glob(f"{self._shape.name}-*"):
            if path not in current:
                with suppress(OSError):
                    if time() - path.stat().st_mtime > LINGER_SECONDS:
                        path.unlink()
