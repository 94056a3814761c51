"""Views in a database: the same statements for all, but for how a row takes another's place.

It may be the database of the log or another one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import attrs

from crm_adapters.eventlog.database import Database
from crm_adapters.projections.memory import first_revision
from crm_adapters.projections.store import (
    BUILDING,
    LIVE,
    RETIRED,
    Change,
    Checkpoint,
    Place,
)
from crm_core.errors import ViewNotReady
from crm_core.kernel.dates import instant_text
from crm_core.kernel.projection import Parked

CLEARED_ROWS = 1000
"""Rows of a retired build deleted in one transaction: nobody else waits long for its end."""

NAMED_ROWS = 500
"""Rows asked for by their keys in one statement; SQLite takes as many values."""

_CHECKPOINT = "consumer, version, build, position, revision, state, held_until, mark"
_PARKED = "position, stream, stream_version, name, error, tries, first_at, last_at"
_VIEW_KEY = ("tenant", "view", "version", "build", '"key"')
_PARKED_KEY = ("tenant", "consumer", "version", "build", "position")
_BUILD = "tenant = ? AND consumer = ? AND version = ? AND build = ?"
_ROWS = "tenant = ? AND view = ? AND version = ? AND build = ?"
_LIVE = (
    "tenant = ? AND view = ? AND version = ? AND build = (SELECT build FROM crm_checkpoints"
    f" WHERE tenant = ? AND consumer = ? AND version = ? AND state = '{LIVE}')"
)


class _Undo(Exception):
    """Leaves a transaction without a trace."""


class DatabaseViewStore:
    """Keeps views in a database.

    Args:
        database: An opened database with the tables of a log; rows are those of its tenant.
        owned: Whether closing the views closes it.
    """

    def __init__(self, database: Database, *, owned: bool = False) -> None:
        self._database = database
        self._tenant = database.tenant
        self._owned = owned

    # --- places reached -------------------------------------------------------------------

    def checkpoints(self, consumer: str | None = None) -> list[Checkpoint]:
        chosen, values = ("", ()) if consumer is None else (" AND consumer = ?", (consumer,))
        rows = self._rows(
            f"SELECT {_CHECKPOINT} FROM crm_checkpoints WHERE tenant = ?{chosen}"
            " ORDER BY consumer, version, build",
            (self._tenant, *values),
        )
        return [_checkpoint(row) for row in rows]

    def checkpoint(self, place: Place) -> Checkpoint | None:
        rows = self._rows(
            f"SELECT {_CHECKPOINT} FROM crm_checkpoints WHERE {_BUILD}", (self._tenant, *place)
        )
        return _checkpoint(rows[0]) if rows else None

    def begin(self, place: Place, state: str) -> None:
        with self._database.write() as cursor:
            cursor.execute(
                self._sql(
                    self._database.insert_new.format(
                        f"INTO crm_checkpoints (tenant, {_CHECKPOINT})"
                        " VALUES (?, ?, ?, ?, 0, ?, ?, NULL, '')"
                    )
                ),
                (self._tenant, *place, first_revision(), state),
            )

    def commit(self, change: Change) -> bool:
        seen = change.seen
        at = (self._tenant, *seen.place)
        put = [(*at, key, *row) for key, row in change.rows.items() if row is not None]
        gone = [(*at, key) for key, row in change.rows.items() if row is None]
        unparked = [(*at, position) for position in change.unparked]
        parked = [(*at, *_parked_values(one)) for one in change.parked]
        with self._database.write() as cursor:
            # First, so that of several workers those that come too late do nothing more.
            cursor.execute(
                self._sql(
                    "UPDATE crm_checkpoints SET position = ?, mark = ?, revision = revision + 1,"
                    f" held_until = NULL WHERE {_BUILD} AND revision = ? AND state <> '{RETIRED}'"
                ),
                (change.position, change.mark, *at, seen.revision),
            )
            if cursor.rowcount != 1:
                return False
            self._many(cursor, f'DELETE FROM crm_views WHERE {_ROWS} AND "key" = ?', gone)
            self._many(
                cursor,
                'INSERT INTO crm_views (tenant, view, version, build, "key", sort, data)'
                " VALUES (?, ?, ?, ?, ?, ?, ?)"
                + self._database.replacing(_VIEW_KEY, ("sort", "data")),
                put,
            )
            self._many(cursor, f"DELETE FROM crm_parked WHERE {_BUILD} AND position = ?", unparked)
            self._many(
                cursor,
                f"INSERT INTO crm_parked (tenant, consumer, version, build, {_PARKED})"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                + self._database.replacing(_PARKED_KEY, ("error", "tries", "last_at")),
                parked,
            )
        return True

    def hold(self, seen: Checkpoint, until: datetime) -> Checkpoint | None:
        with self._database.write() as cursor:
            cursor.execute(
                self._sql(
                    "UPDATE crm_checkpoints SET revision = revision + 1, held_until = ?"
                    f" WHERE {_BUILD} AND revision = ? AND state <> '{RETIRED}'"
                ),
                (instant_text(until), self._tenant, *seen.place, seen.revision),
            )
            if cursor.rowcount != 1:
                return None
        return attrs.evolve(seen, revision=seen.revision + 1, held_until=until)

    def switch(self, seen: Checkpoint) -> bool:
        consumer, version, build = seen.place
        others = "tenant = ? AND consumer = ? AND version = ? AND build <> ? AND state = 'live'"
        at = (self._tenant, consumer, version, build)
        try:
            with self._database.write() as cursor:
                cursor.execute(
                    self._sql(
                        f"UPDATE crm_checkpoints SET state = '{LIVE}', revision = revision + 1"
                        f" WHERE {_BUILD} AND revision = ? AND state = '{BUILDING}'"
                    ),
                    (*at, seen.revision),
                )
                if cursor.rowcount != 1:
                    return False
                cursor.execute(
                    self._sql(
                        f"UPDATE crm_checkpoints SET state = '{RETIRED}', revision = revision + 1"
                        f" WHERE {others} AND position <= ?"
                    ),
                    (*at, seen.position),
                )
                cursor.execute(
                    self._sql(f"SELECT count(*) FROM crm_checkpoints WHERE {others}"), at
                )
                [(ahead,)] = cursor.fetchall()
                if ahead:
                    raise _Undo
        except _Undo:
            return False
        return True

    def retire(self, place: Place) -> None:
        with self._database.write() as cursor:
            cursor.execute(
                self._sql(
                    f"UPDATE crm_checkpoints SET state = '{RETIRED}', revision = revision + 1"
                    f" WHERE {_BUILD}"
                ),
                (self._tenant, *place),
            )

    def clear(self, place: Place) -> None:
        found = self.checkpoint(place)
        if found is None or found.state != RETIRED:
            return
        at = (self._tenant, *place)
        some = f'SELECT "key" FROM crm_views WHERE {_ROWS} LIMIT {CLEARED_ROWS}'
        while keys := self._rows(some, at):
            with self._database.write() as cursor:
                self._many(
                    cursor,
                    f'DELETE FROM crm_views WHERE {_ROWS} AND "key" = ?',
                    [(*at, key) for (key,) in keys],
                )
        with self._database.write() as cursor:
            cursor.execute(self._sql(f"DELETE FROM crm_parked WHERE {_BUILD}"), at)
            # Last: until then an interruption leaves it marked as retired.
            cursor.execute(self._sql(f"DELETE FROM crm_checkpoints WHERE {_BUILD}"), at)

    # --- rows -----------------------------------------------------------------------------

    def row(self, place: Place, key: str) -> str | None:
        rows = self._rows(
            f'SELECT data FROM crm_views WHERE {_ROWS} AND "key" = ?', (self._tenant, *place, key)
        )
        return rows[0][0] if rows else None

    def live_row(self, consumer: str, version: int, key: str) -> str | None:
        at = (self._tenant, consumer, version)
        rows = self._rows(
            f'SELECT data FROM crm_views WHERE {_LIVE} AND "key" = ?', (*at, *at, key)
        )
        if not rows:
            self._check_ready(consumer, version)
        return rows[0][0] if rows else None

    def live_named(self, consumer: str, version: int, keys: Sequence[str]) -> dict[str, str]:
        self._check_ready(consumer, version)
        at = (self._tenant, consumer, version)
        found: dict[str, str] = {}
        for first in range(0, len(keys), NAMED_ROWS):
            some = keys[first : first + NAMED_ROWS]
            marks = ", ".join("?" * len(some))
            rows = self._rows(
                f'SELECT "key", data FROM crm_views WHERE {_LIVE} AND "key" IN ({marks})',
                (*at, *at, *some),
            )
            found.update(rows)
        return found

    def live_rows(
        self, consumer: str, version: int, after: tuple[str, str], upto: str | None, limit: int
    ) -> list[tuple[str, str, str]]:
        at = (self._tenant, consumer, version)
        chosen, values = ("", ()) if upto is None else (" AND sort <= ?", (upto,))
        rows = self._rows(
            f'SELECT sort, "key", data FROM crm_views WHERE {_LIVE} AND (sort, "key") > (?, ?)'
            f'{chosen} ORDER BY sort, "key" LIMIT ?',
            (*at, *at, *after, *values, limit),
        )
        if not rows:
            self._check_ready(consumer, version)
        return [tuple(row) for row in rows]

    def _check_ready(self, consumer: str, version: int) -> None:
        found = [c for c in self.checkpoints(consumer) if c.place.version == version]
        if not any(c.state == LIVE for c in found):
            raise ViewNotReady(consumer, version)

    # --- parked ---------------------------------------------------------------------------

    def parked(
        self, place: Place, *, stream: str | None = None, after: int = 0, limit: int = 1000
    ) -> list[Parked]:
        chosen, values = ("", ()) if stream is None else (" AND stream = ?", (stream,))
        rows = self._rows(
            f"SELECT {_PARKED} FROM crm_parked WHERE {_BUILD} AND position > ?{chosen}"
            " ORDER BY position LIMIT ?",
            (self._tenant, *place, after, *values, limit),
        )
        return [_parked(row) for row in rows]

    def parked_streams(self, place: Place) -> dict[str, int]:
        rows = self._rows(
            f"SELECT stream, min(position) FROM crm_parked WHERE {_BUILD}"
            " GROUP BY stream ORDER BY min(position)",
            (self._tenant, *place),
        )
        return dict(rows)

    def parked_count(self, place: Place) -> int:
        rows = self._rows(f"SELECT count(*) FROM crm_parked WHERE {_BUILD}", (self._tenant, *place))
        return int(rows[0][0])

    def close(self) -> None:
        if self._owned:
            self._database.close()

    # --- within ---------------------------------------------------------------------------

    def _sql(self, statement: str) -> str:
        """The statement with the database's own place-holders."""
        return statement.replace("?", self._database.mark)

    def _rows(self, statement: str, values: Sequence[Any]) -> list[Any]:
        return self._database.rows(self._sql(statement), values)

    def _many(self, cursor: Any, statement: str, values: Sequence[Any]) -> None:
        if values:
            cursor.executemany(self._sql(statement), values)


def _checkpoint(row: Any) -> Checkpoint:
    consumer, version, build, position, revision, state, held_until, mark = row
    until = None if held_until is None else datetime.fromisoformat(held_until)
    return Checkpoint(Place(consumer, version, build), position, revision, state, until, mark)


def _parked(row: Any) -> Parked:
    position, stream, version, name, error, tries, first_at, last_at = row
    return Parked(
        position=position,
        stream=stream,
        version=version,
        name=name,
        error=error,
        tries=tries,
        first_at=datetime.fromisoformat(first_at),
        last_at=datetime.fromisoformat(last_at),
    )


def _parked_values(one: Parked) -> tuple[Any, ...]:
    return (
        one.position,
        one.stream,
        one.version,
        one.name,
        one.error,
        one.tries,
        instant_text(one.first_at),
        instant_text(one.last_at),
    )
