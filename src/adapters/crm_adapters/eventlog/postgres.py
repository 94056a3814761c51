"""The log in PostgreSQL.

One call of a function on the server appends a batch: lock, conditions, rows and commands in one
round trip, committed with it. A transaction advisory lock keeps the order of positions the order
of commits, so a reader never passes a gap; unlike a table lock it stops neither readers nor
vacuum (decision record 0011).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import Engine, text
from sqlalchemy.engine import URL
from sqlalchemy.pool import NullPool

from crm_adapters.eventlog.database import COLUMNS, CursorWriter, Database, make_engine
from crm_adapters.eventlog.store import Batch
from crm_core.errors import (
    CommitUnknown,
    Conflict,
    Failed,
    NotALog,
    StoreFull,
    StoreUnreachable,
)

LOCK = 4_702_111_234_474_983_745
"""Key of the advisory lock that orders appends: any constant that all writers share."""

_CONFLICT = "CR001"

_FUNCTION = f"""
CREATE OR REPLACE FUNCTION crm_append(
    streams text[], versions int[], names text[], households text[], states text[],
    touched text[], expected int[],
    command_ids text[], digests text[], starts int[], ends int[],
    consumer text, tracked bigint
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    first bigint;
    at int;
    reached bigint;
BEGIN
    PERFORM pg_advisory_xact_lock({LOCK});
    IF consumer IS NOT NULL THEN
        SELECT max(position) INTO reached FROM crm_tracking t
            WHERE t.consumer = crm_append.consumer;
        IF reached >= tracked THEN
            RAISE EXCEPTION '%', json_build_array('tracking of ' || consumer, tracked - 1, reached)
                USING ERRCODE = '{_CONFLICT}';
        END IF;
        INSERT INTO crm_tracking VALUES (crm_append.consumer, tracked);
    END IF;
    FOR i IN 1 .. coalesce(array_length(touched, 1), 0) LOOP
        SELECT max(version) INTO at FROM crm_events WHERE stream = touched[i];
        IF coalesce(at, 0) IS DISTINCT FROM expected[i]
            AND NOT (at IS NULL AND expected[i] IS NULL)
        THEN
            RAISE EXCEPTION '%',
                json_build_array(touched[i], coalesce(expected[i], -1), coalesce(at, 0))
                USING ERRCODE = '{_CONFLICT}';
        END IF;
    END LOOP;
    SELECT coalesce(max(position), 0) + 1 INTO first FROM crm_events;
    INSERT INTO crm_events ({COLUMNS})
        SELECT first + n - 1, s, v, e, h, t
        FROM unnest(streams, versions, names, households, states)
            WITH ORDINALITY AS u(s, v, e, h, t, n);
    INSERT INTO crm_commands
        SELECT c, d, first + a, first + b FROM unnest(command_ids, digests, starts, ends)
            AS u(c, d, a, b);
    RETURN first;
END $$
"""

_CALL = (
    "SELECT crm_append(%b::text[], %b::int[], %b::text[], %b::text[], %b::text[], %b::text[],"
    " %b::int[], %b::text[], %b::text[], %b::int[], %b::int[], %b::text, %b::bigint)"
)


class PostgresDatabase(Database):
    """A log in one PostgreSQL database."""

    mark = "%s"
    driver_errors = (psycopg.Error,)

    def __init__(self, url: URL) -> None:
        if "+" not in url.drivername:
            url = url.set(drivername="postgresql+psycopg")
        super().__init__(
            make_engine(
                url,
                pool_size=8,
                max_overflow=32,
                # Single statements commit by themselves, in one round trip; what is longer
                # begins and ends its own transaction, so nothing is left open either.
                isolation_level="AUTOCOMMIT",
                pool_reset_on_return=None,
            )
        )

    def schema_engine(self) -> Engine:
        return make_engine(self.engine.url, poolclass=NullPool)

    def lock(self, connection: Any) -> None:
        connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))

    def create(self, connection: Any) -> None:
        super().create(connection)
        connection.exec_driver_sql(_FUNCTION.replace("%", "%%"))

    def insert(self, batch: Batch, *, tracking: tuple[str, int] | None = None) -> int:
        command = batch.commands[0][0] if batch.commands else None
        with self.translate(None):
            connection = self.engine.raw_connection()
            driver: Any = connection.driver_connection
            try:
                with self.translate(command):
                    return self.insert_with(driver.cursor(), batch, tracking=tracking)
            finally:
                _give_back(connection)

    @contextmanager
    def transaction(self) -> Iterator[CursorWriter]:
        with self.translate(None):
            connection = self.engine.raw_connection()
            driver: Any = connection.driver_connection
            try:
                cursor = driver.cursor()
                cursor.execute("BEGIN")
                try:
                    # Readers of tips and pages in between must not slip behind another writer.
                    cursor.execute(f"SELECT pg_advisory_xact_lock({LOCK})")
                    yield CursorWriter(self, cursor)
                except BaseException:
                    if not driver.closed:
                        cursor.execute("ROLLBACK")
                    raise
                with self.translate("?"):
                    cursor.execute("COMMIT")
            finally:
                _give_back(connection)

    @contextmanager
    def write(self) -> Iterator[Any]:
        with self.translate(None):
            connection = self.engine.raw_connection()
            driver: Any = connection.driver_connection
            try:
                with driver.transaction():
                    yield driver.cursor()
            finally:
                _give_back(connection)

    def insert_with(
        self, cursor: Any, batch: Batch, *, tracking: tuple[str, int] | None = None
    ) -> int:
        _, streams, versions, names, households, states = (
            zip(*batch.rows, strict=True) if batch.rows else ((),) * 6
        )
        commands, digests, starts, ends = (
            zip(*batch.commands, strict=True) if batch.commands else ((), (), (), ())
        )
        consumer, tracked = tracking or (None, None)
        try:
            cursor.execute(
                _CALL,
                (
                    list(streams),
                    list(versions),
                    list(names),
                    list(households),
                    list(states),
                    list(batch.expected),
                    list(batch.expected.values()),
                    list(commands),
                    list(digests),
                    list(starts),
                    list(ends),
                    consumer,
                    tracked,
                ),
            )
        except psycopg.errors.UniqueViolation as error:
            raise Conflict(next(iter(batch.expected), "?"), -1, None) from error
        except psycopg.Error as error:
            if error.sqlstate == _CONFLICT:
                raise _conflict(error) from error
            raise
        [(first,)] = cursor.fetchall()
        return int(first)

    def raw(self) -> Iterator[tuple[int, bytes, int, bytes, bytes, bytes]]:
        with self.translate(None):
            connection = self.engine.raw_connection()
            driver: Any = connection.driver_connection
            try:
                with driver.transaction(), driver.cursor(name="crm_verify") as cursor:
                    cursor.itersize = 4000
                    cursor.execute(f"SELECT {COLUMNS} FROM crm_events ORDER BY position")
                    for position, stream, version, name, household, state in cursor:
                        yield (
                            position,
                            stream.encode(),
                            version,
                            name.encode(),
                            household.encode(),
                            state.encode(),
                        )
            finally:
                _give_back(connection)

    def failure(self, error: BaseException, command: str | None) -> Failed:
        state = getattr(error, "sqlstate", None) or ""
        if state in ("53100", "53200"):
            return StoreFull(f"no space is left for `{self.name}`; nothing was written")
        lost = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
        if command and lost and not state.startswith(("53", "55", "57014")):
            return CommitUnknown(command)
        if state.startswith("42"):
            return NotALog(f"`{self.name}` does not have the tables of a log")
        reason = str(error).strip().splitlines()
        return StoreUnreachable(f"`{self.name}` cannot be used: {reason[0] if reason else state}")


def _give_back(connection: Any) -> None:
    """Back to the pool, unless it is broken or stands in the middle of something."""
    driver = connection.driver_connection
    if driver.closed or driver.info.transaction_status != TransactionStatus.IDLE:
        connection.invalidate()
    else:
        connection.close()


def _conflict(error: psycopg.Error) -> Conflict:
    stream, expected, actual = json.loads(error.diag.message_primary or '["?", -1, null]')
    return Conflict(stream, expected, actual)
