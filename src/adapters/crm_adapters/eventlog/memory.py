"""Rows in memory: a real store for tests, trials and what-if, gone with the process."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from threading import RLock

from crm_adapters.codec.rows import StoredRow, bare
from crm_adapters.eventlog.bell import Bell, BellListener
from crm_adapters.eventlog.store import FORMAT, Batch
from crm_adapters.eventlog.tiles import MemoryTiles, Tiles
from crm_core.errors import Conflict
from crm_core.kernel.canonical import DIGEST_END, DIGEST_START
from crm_core.kernel.recorded import Appended, Tip
from crm_core.ports import Frontier, Listener


class MemoryStore:
    """Keeps rows in lists; safe for threads: readers wait for another thread's transaction.

    Every object is one tenant's log: in memory, tenants share nothing.
    """

    contiguous = True
    exact = True
    format_number = FORMAT

    def __init__(self) -> None:
        self.bell = Bell()
        self.tiles: Tiles = MemoryTiles()
        self._lock = RLock()
        self._rows: list[StoredRow] = []
        self._streams: dict[str, list[StoredRow]] = {}
        self._households: dict[str, list[StoredRow]] = {}
        self._commands: dict[str, Appended] = {}

    def insert(self, batch: Batch) -> int:
        with self._lock:
            for stream, expected in batch.expected.items():
                actual = len(self._streams.get(stream, ()))
                if actual != (expected or 0):
                    raise Conflict(stream, expected or 0, actual)
            fresh: set[str] = set()
            for command, *_ in batch.commands:
                if command in self._commands or command in fresh:
                    raise Conflict(command, 0, 1, "command_conflict")
                fresh.add(command)
            first = len(self._rows) + 1
            for offset, row in enumerate(batch.rows):
                self._add(row._replace(position=first + offset))
            for command, digest, start, end in batch.commands:
                self._commands[command] = Appended(command, digest, first + start, first + end)
        self.bell.ring()
        return first

    @contextmanager
    def transaction(self) -> Iterator[MemoryStore]:
        with self._lock:
            before = len(self._rows)
            commands = set(self._commands)
            try:
                yield self
            except BaseException:
                for row in reversed(self._rows[before:]):
                    self._streams[row.stream].pop()
                    if row.household:
                        self._households[row.household].pop()
                del self._rows[before:]
                self.tiles.drop()
                for command in set(self._commands) - commands:
                    del self._commands[command]
                raise

    def read(self, stream: str, after: int) -> Sequence[StoredRow]:
        with self._lock:
            return list(self._streams.get(stream, ())[after:])

    def bare(self, stream: str) -> Sequence[tuple[int, str, str]]:
        return [(row.version, row.name, row.state) for row in self.read(stream, 0)]

    def tips(self, streams: Collection[str]) -> dict[str, Tip]:
        with self._lock:
            found = ((stream, self._streams.get(stream)) for stream in streams)
            return {
                stream: Tip(rows[-1].version, rows[-1].state[DIGEST_START:DIGEST_END])
                for stream, rows in found
                if rows
            }

    def page(
        self, after: int, upto: int, names: Collection[str] | None, limit: int
    ) -> Sequence[StoredRow]:
        with self._lock:
            rows = self._rows[after:upto] if names else self._rows[after : min(upto, after + limit)]
        if names is None:
            return rows
        return list(islice((row for row in rows if row.name in names), limit))

    def page_without(
        self, after: int, upto: int, names: Collection[str], limit: int
    ) -> Sequence[StoredRow]:
        with self._lock:
            rows = self._rows[after:upto] if names else self._rows[after : min(upto, after + limit)]
        return list(islice((row for row in rows if row.name not in names), limit))

    def count(self, after: int) -> int:
        with self._lock:
            return max(len(self._rows) - after, 0)

    def household_page(
        self,
        after: tuple[str, int],
        upto: int,
        names: Collection[str] | None,
        households: Sequence[str] | None,
        limit: int,
    ) -> Sequence[StoredRow]:
        found: list[StoredRow] = []
        with self._lock:
            for household in sorted(self._households if households is None else set(households)):
                if household < after[0]:
                    continue
                rows = self._households.get(household, [])
                start = 0
                if household == after[0]:
                    start = bisect_right(rows, after[1], key=lambda row: row.position)
                for row in rows[start:]:
                    if row.position > upto or (names is not None and row.name not in names):
                        continue
                    found.append(row)
                    if len(found) == limit:
                        return found
        return found

    def bare_household_page(
        self,
        after: tuple[str, int],
        upto: int,
        names: Collection[str] | None,
        households: Sequence[str] | None,
        limit: int,
    ) -> Sequence[tuple[str, int, str, str]]:
        return bare(self.household_page(after, upto, names, households, limit))

    def outcomes(self, commands: Collection[str]) -> dict[str, Appended]:
        with self._lock:
            return {c: self._commands[c] for c in commands if c in self._commands}

    def empty(self) -> bool:
        return self.head() == 0

    def head(self) -> int:
        with self._lock:
            return len(self._rows)

    def frontier(self) -> Frontier:
        return Frontier(self.head(), 0, None)

    def listen(self) -> Listener:
        return BellListener(self.bell, self.bell.rung)

    def raw(self) -> Iterator[tuple[int, bytes, int, bytes, bytes, bytes]]:
        with self._lock:
            rows = list(self._rows)
        for row in rows:
            yield (
                row.position,
                row.stream.encode(),
                row.version,
                row.name.encode(),
                row.household.encode(),
                row.state.encode(),
            )

    def close(self) -> None:
        """Nothing is held open."""

    def _add(self, row: StoredRow) -> None:
        self._rows.append(row)
        self._streams.setdefault(row.stream, []).append(row)
        if row.household:
            self._households.setdefault(row.household, []).append(row)
