"""sqlite3 alone: rows that were encoded before, into the same table, one transaction a batch."""

from __future__ import annotations

import gc
import sqlite3
from itertools import count as counter
from time import perf_counter

from contenders import work
from contenders.crm import commit
from crm_adapters import open_crm
from crm_adapters.codec import Codec
from crm_adapters.keys import LocalVault
from crm_core.gradings.facts import EVENT_NAMES
from crm_core.owners.facts import REGISTERED
from crm_core.slices import catalog

EVENT = "INSERT INTO crm_events VALUES ('', ?, ?, ?, ?, ?, ?)"
COMMAND = "INSERT INTO crm_commands VALUES ('', ?, ?, ?, ?)"
SELECT = (
    "SELECT position, stream, version, name, household, state FROM crm_events"
    " WHERE tenant = '' AND household <> '' AND name IN ({}) ORDER BY household, position"
)


class Contender:
    """What it can be asked for."""

    def __init__(self) -> None:
        self._codec = Codec(catalog(), LocalVault(None))
        self._opened: dict[str, sqlite3.Connection] = {}
        self._numbers = counter(1)
        self._position = 0

    def versions(self) -> dict[str, str]:
        return {"SQLite": sqlite3.sqlite_version}

    def append(self, url: str, batch: int, count: int, commands: bool = False) -> float:
        """Insert `count` batches; with `commands`, the command's row too."""
        connection = self._connection(url)
        tasks = [self._rows(batch) for _ in range(count)]
        gc.collect()
        execute, executemany = connection.execute, connection.executemany
        started = perf_counter()
        for rows, command in tasks:
            execute("BEGIN IMMEDIATE")
            if batch == 1:
                execute(EVENT, rows[0])
            else:
                executemany(EVENT, rows)
            if commands:
                execute(COMMAND, command)
            execute("COMMIT")
        return perf_counter() - started

    def select(self, url: str) -> float:
        """Every row that a grading is about, a household after the other; nothing is decoded."""
        connection = self._connection(url)
        names = sorted(EVENT_NAMES | {REGISTERED})
        query = SELECT.format(", ".join("?" * len(names)))
        gc.collect()
        started = perf_counter()
        count = sum(1 for _ in connection.execute(query, names))
        seconds = perf_counter() - started
        assert count
        return seconds

    def close(self, url: str) -> None:
        self._opened.pop(url).close()

    def close_all(self) -> None:
        for url in list(self._opened):
            self.close(url)

    def _rows(self, batch: int) -> tuple[list[tuple[object, ...]], tuple[object, ...]]:
        number = next(self._numbers)
        planned = commit(number, batch)
        append = planned.appends[0]
        rows, _ = self._codec.encode(append.stream, append.tip, append.household, append.events)
        first = self._position + 1
        self._position += batch
        placed = [(position, *row[1:]) for position, row in enumerate(rows, first)]
        return placed, (planned.command, work.digest(number), first, self._position)

    def _connection(self, url: str) -> sqlite3.Connection:
        if url not in self._opened:
            open_crm(url, create=True).close()  # the tables
            path = url.removeprefix("sqlite:///")
            connection = sqlite3.connect(path, isolation_level=None)
            for pragma in ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON"):
                connection.execute(f"PRAGMA {pragma}")
            self._opened[url] = connection
        return self._opened[url]
