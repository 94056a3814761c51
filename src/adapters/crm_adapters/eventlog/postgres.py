"""The log in PostgreSQL.

Writers take no lock: a position is the id of the writing transaction and the ordinal of the row in
it, and readers stop before the oldest transaction that is still open, so everything they pass is
final (decision record 0016). One call of a function on the server appends a batch: conditions,
rows and commands in one round trip, committed with it. What is large goes over COPY.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from select import POLLIN, poll
from struct import Struct
from time import monotonic, sleep
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import Engine, event, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.pool import NullPool

from crm_adapters.eventlog.bell import BellListener
from crm_adapters.eventlog.database import COLUMNS, Database, make_engine
from crm_adapters.eventlog.guards import POSTGRES_GUARDS, POSTGRES_LIFTED
from crm_adapters.eventlog.postgres_checks import PostgresInspection
from crm_adapters.eventlog.routines import (
    ALTERED,
    BEHIND,
    CONFLICT,
    INSERTED,
    LOCK,
    MOVED,
    ONCE,
    READS_LOCK,
    ROUTINES,
    ROWS_MAX,
    SETTLED,
    START,
)
from crm_adapters.eventlog.store import Batch, Inspection, Writer
from crm_core.errors import (
    CommitUnknown,
    Conflict,
    Failed,
    Invalid,
    NotALog,
    StoreFull,
    StoreUnreachable,
)
from crm_core.ports import Frontier, Listener

CHANNEL = "crm_appended"
"""Channel on which appends are announced; the payload is the tenant."""

RING_SECONDS = 0.02
"""Appends are announced no more often than this: who listens looks again for a while anyway."""

SETTLE_SECONDS = 0.25
"""How long a reader waits for what this process itself has appended."""

_CALL = (
    "SELECT crm_append(%b::text, %b::int, %b::text[], %b::int[], %b::text[], %b::text[],"
    " %b::text[], %b::text[], %b::int[], %b::text[], %b::text[], %b::int[], %b::int[],"
    " %b::text, %b::bigint)"
)

_CALL_STREAM = (
    "SELECT crm_append_stream(%b::text, %b::text, %b::int, %b::text, %b::text[], %b::text[],"
    " %b::text, %b::text)"
)

_COPY_EVENTS = f"COPY crm_events (tenant, {COLUMNS}) FROM STDIN (FORMAT BINARY)"
_COPY_COMMANDS = "COPY crm_commands FROM STDIN (FORMAT BINARY)"
_COPY_HEAD = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_COPY_END = b"\xff\xff"

_LOST = ("53", "55", "57014")
"""States in which the server says itself that nothing was committed."""


class PostgresDatabase(Database):
    """A log in one PostgreSQL database.

    Args:
        contiguous: Make a new log with positions without gaps; its writers take turns. A log that
            exists stays as it was made.
    """

    mark = "%s"
    driver_errors = (psycopg.Error,)
    insert_tiles = "INSERT INTO {} ON CONFLICT DO NOTHING"
    lifted, routines = POSTGRES_LIFTED, (*ROUTINES, *POSTGRES_GUARDS)
    households_max = 16
    # Behind a fence: with order and limit in sight the planner may walk through all households in
    # order, hoping to meet those named early. What is named is read whole, so few are at a time.
    _named = (
        "SELECT * FROM (SELECT {columns} FROM crm_events WHERE {where} OFFSET 0) AS named"
        " ORDER BY household, position LIMIT {mark}"
    )

    def __init__(
        self,
        url: URL,
        tenant: str = "",
        *,
        create: bool = False,
        outdated: bool = False,
        contiguous: bool = False,
    ) -> None:
        if "+" not in url.drivername:
            url = url.set(drivername="postgresql+psycopg")
        engine = make_engine(
            url,
            pool_size=8,
            max_overflow=32,
            # Single statements commit by themselves, in one round trip; what is longer
            # begins and ends its own transaction, so nothing is left open either.
            isolation_level="AUTOCOMMIT",
            pool_reset_on_return=None,
        )
        event.listen(engine, "connect", self._configure)
        event.listen(engine, "checkout", _check_alive)
        # Connections that have appended before: taking one from here costs next to nothing.
        self._writers: deque[Any] = deque()
        self._own = 0
        self._rung = 0.0
        self._new_contiguous = contiguous
        super().__init__(engine, tenant, create=create, outdated=outdated)
        if outdated:
            return
        [(self.contiguous,)] = self.rows("SELECT origin IS NULL FROM crm_origin", ())
        self._own = self._visible()

    def _configure(self, connection: Any, _record: Any) -> None:
        try:
            if connection.info.parameter_status("in_hot_standby") == "on":
                # Nothing is decided on what may be behind (LOG-01).
                raise psycopg.OperationalError("the server is a standby")
            # What row-level security compares with; statements name the tenant all the same.
            connection.execute("SELECT set_config('crm.tenant', %s, false)", (self.tenant,))
            connection.commit()
        except psycopg.Error:
            # The pool knows nothing of it yet.
            connection.close()
            raise

    def schema_engine(self) -> Engine:
        engine = make_engine(self.engine.url, poolclass=NullPool)
        event.listen(engine, "connect", self._configure)
        return engine

    def lock(self, connection: Any) -> None:
        connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))

    def create(self, connection: Any) -> None:
        super().create(connection)
        for statement in (*ONCE, START[self._new_contiguous]):
            connection.exec_driver_sql(statement)

    def close(self) -> None:
        while self._writers:
            self._writers.pop().close()
        super().close()

    # --- writing -------------------------------------------------------------------------

    def insert(self, batch: Batch, *, tracking: tuple[str, int] | None = None) -> int:
        command = batch.commands[0][0] if batch.commands else None
        with self.translate(None), self._writing() as driver, self.translate(command):
            cursor = driver.cursor()
            try:
                first = self.insert_with(cursor, batch, tracking=tracking)
            except _Moved:
                self._reanchor(cursor)
                first = self.insert_with(cursor, batch, tracking=tracking)
            if batch.rows:
                self._announce(cursor, first + len(batch.rows) - 1)
            return first

    @contextmanager
    def transaction(self) -> Iterator[Writer]:
        with self.translate(None), self._writing() as driver:
            cursor = driver.cursor()
            cursor.execute("BEGIN")
            # Row-level security allows no COPY.
            [(secured,)] = cursor.execute("SELECT row_security_active('crm_events')").fetchall()
            writer = _CallWriter(self, cursor) if secured else _CopyWriter(self, cursor)
            try:
                yield writer
                writer.finish()
            except BaseException as error:
                if not driver.closed:
                    writer.leave(error)
                raise
            with self.translate("?"):
                cursor.execute("COMMIT")
            if writer.last:
                self._announce(cursor, writer.last)

    @contextmanager
    def write(self) -> Iterator[Any]:
        with self.translate(None), self._writing() as driver, driver.transaction():
            yield driver.cursor()

    def take_turn(self, cursor: Any) -> None:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", (READS_LOCK, self.tenant))

    def insert_with(
        self,
        cursor: Any,
        batch: Batch,
        *,
        tracking: tuple[str, int] | None = None,
        before: int = 0,
    ) -> int:
        """Insert in the transaction of the cursor, which has written `before` rows already."""
        _check_size(before + len(batch.rows))
        statement, values = self._call(batch, tracking, before)
        try:
            cursor.execute(statement, values)
        except psycopg.Error as error:
            raise self._refusal(error, batch) or error from error
        [(first,)] = cursor.fetchall()
        return int(first)

    def _call(
        self, batch: Batch, tracking: tuple[str, int] | None, before: int
    ) -> tuple[str, tuple[Any, ...]]:
        """The call that appends the batch: the short one where it will do."""
        rows = batch.rows
        _, streams, versions, names, households, states = (
            zip(*rows, strict=True) if rows else ((),) * 6
        )
        if len(batch.commands) == len(batch.expected) == len(set(households)) == 1:
            [(stream, expected)] = batch.expected.items()
            [(command, digest, _, _)] = batch.commands
            if expected is not None and tracking is None and not before:
                values = (expected, households[0], list(names), list(states), command, digest)
                return _CALL_STREAM, (self.tenant, stream, *values)
        commands, digests, starts, ends = (
            zip(*batch.commands, strict=True) if batch.commands else ((), (), (), ())
        )
        return _CALL, (
            self.tenant,
            before,
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
            *(tracking or (None, None)),
        )

    def _refusal(self, error: psycopg.Error, batch: Batch) -> Exception | None:
        """What an error of the server's says about the batch, if it is about the batch."""
        if isinstance(error, psycopg.errors.UniqueViolation):
            # Another transaction was first between our look and our insert.
            tips = self.tips(batch.expected)
            for stream, expected in batch.expected.items():
                found = tips.get(stream)
                if found is not None and found.version != (expected or 0):
                    return Conflict(stream, -1 if expected is None else expected, found.version)
            return Conflict(next(iter(batch.expected), "?"), -1, None)
        if isinstance(error, psycopg.errors.DeadlockDetected):
            return Conflict(next(iter(batch.expected), "?"), -1, None)
        if error.sqlstate == CONFLICT:
            return Conflict(*json.loads(error.diag.message_primary or '["?",-1,null]'))
        if error.sqlstate == ALTERED:
            written, sent = json.loads(error.diag.message_primary or "[0, 0]")
            return NotALog("rows_altered", database=self.name, written=written, sent=sent)
        return _Moved() if error.sqlstate == MOVED else None

    @contextmanager
    def _writing(self) -> Iterator[Any]:
        """The driver's connection, kept for the next writer if it is in order."""
        self.check_process()
        connection = self._idle_writer() or self.connect()
        driver: Any = connection.driver_connection
        try:
            yield driver
        finally:
            if driver.closed or driver.info.transaction_status != TransactionStatus.IDLE:
                connection.invalidate()
            elif len(self._writers) < self.engine.pool.size():  # type: ignore[attr-defined]
                self._writers.append(connection)
            else:
                connection.close()

    def _idle_writer(self) -> Any:
        """A connection that has written before and still has a server behind it, or None."""
        while self._writers:
            with suppress(IndexError):
                connection = self._writers.pop()
                if _alive(connection.driver_connection):
                    return connection
                connection.invalidate()
        return None

    def _announce(self, cursor: Any, last: int) -> None:
        self._own = max(self._own, last)
        self.bell.ring()
        now = monotonic()
        if now - self._rung < RING_SECONDS:
            return
        self._rung = now
        # By itself, after the commit: PostgreSQL lets transactions that notify commit one by one.
        try:
            cursor.execute("SELECT pg_notify(%s, %s)", (CHANNEL, self.tenant))
        except psycopg.Error:
            # What was appended is appended; who listens finds it at the next poll.
            return

    def _reanchor(self, cursor: Any) -> None:
        """Move the origin of positions: this log was restored into another cluster."""
        cursor.execute("SELECT crm_reanchor(%s)", (self.tenant,))

    # --- reading -------------------------------------------------------------------------

    def head(self) -> int:
        deadline = 0.0
        while True:
            position = self.frontier().position
            if position >= self._own:
                return position
            deadline = deadline or monotonic() + SETTLE_SECONDS
            if monotonic() > deadline:
                # A long transaction of others; once is often enough to have waited for it.
                self._own = position
                return position
            sleep(0.001)

    def frontier(self) -> Frontier:
        [(edge, beyond, position, last)] = self.rows(SETTLED, (self.tenant, self.tenant))
        if last is None:
            return Frontier(0, 0, None)
        if edge is None:
            return Frontier(int(last), 0, None)
        if last >= beyond:
            with self.translate(None), self._writing() as driver:
                self._reanchor(driver.cursor())
            return self.frontier()
        if last < edge:
            return Frontier(int(position), 0, None)
        [(behind, seconds)] = self.rows(BEHIND, (self.tenant, edge))
        return Frontier(
            int(position or 0), int(behind), None if seconds is None else float(seconds)
        )

    def _visible(self) -> int:
        [(last,)] = self.rows(
            "SELECT coalesce(max(position), 0) FROM crm_events WHERE tenant = %s", (self.tenant,)
        )
        return int(last)

    def listen(self) -> Listener:
        return _NotifyListener(self)

    @contextmanager
    def inspect(self, *, deep: bool = False) -> Iterator[Inspection]:
        with self.translate(None), self._inspecting() as rows, self._inspecting() as around:
            yield PostgresInspection(self, rows, around, deep=deep)

    @contextmanager
    def _inspecting(self) -> Iterator[Any]:
        """A connection that sees one instant."""
        connection = self.connect()
        driver: Any = connection.driver_connection
        try:
            driver.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield driver
            driver.execute("ROLLBACK")
        finally:
            if driver.closed or driver.info.transaction_status != TransactionStatus.IDLE:
                connection.invalidate()
            else:
                connection.close()

    def failure(self, error: BaseException, command: str | None) -> Failed:
        state = getattr(error, "sqlstate", None) or ""
        if state in ("53100", "53200"):
            return StoreFull("store_full", store=self.name)
        lost = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
        if command and lost and not state.startswith(_LOST):
            return CommitUnknown(command)
        if state.startswith("42") and state != "42501":
            return NotALog("tables_missing", database=self.name)
        lines = str(error).strip().splitlines()
        reason = lines[0] if lines else state
        return StoreUnreachable("store_unusable", store=self.name, reason=reason)


class _Moved(Exception):
    """The log was restored into another cluster, and its positions must be anchored anew."""


class _CallWriter:
    """A transaction of many batches through the function on the server."""

    def __init__(self, database: PostgresDatabase, cursor: Any) -> None:
        self._database, self._cursor = database, cursor
        self._written = 0
        self.last = 0

    def insert(self, batch: Batch) -> int:
        try:
            first = self._database.insert_with(self._cursor, batch, before=self._written)
        except _Moved:
            self._cursor.execute("ROLLBACK")
            self._database._reanchor(self._cursor)
            self._cursor.execute("BEGIN")
            first = self._database.insert_with(self._cursor, batch, before=self._written)
        self._written += len(batch.rows)
        self.last = first + len(batch.rows) - 1
        return first

    def finish(self) -> None:
        """Nothing is left to be sent."""

    def leave(self, _error: BaseException) -> None:
        """Undo what was begun."""
        self._cursor.execute("ROLLBACK")


_Row = Struct("!hi").pack
_Number4, _Number8, _Length = Struct("!ii").pack, Struct("!iq").pack, Struct("!i").pack


_COUNTED = ", ".join(INSERTED.format(table=f"crm_{what}") for what in ("events", "commands"))


class _CopyWriter:
    """A transaction of many batches over COPY: the server takes rows while we encode the next.

    Conditions are looked up on a second connection, as others have committed them; what comes in
    between the look and the row breaks a unique constraint.
    """

    def __init__(self, database: PostgresDatabase, cursor: Any) -> None:
        self._database, self._cursor = database, cursor
        self._copying: Any = None
        self._copy: Any = None
        self._commands: list[bytes] = []
        self._sent = 0
        # Counts go on over several transactions of a connection.
        self._earlier: list[int] = [0, 0]
        self._written = 0
        self._first = 0
        self.last = 0
        self._expected: dict[str, int | None] = {}

    def insert(self, batch: Batch) -> int:
        database = self._database
        _check_size(self._written + len(batch.rows))
        if not self._first:
            [(anchored, first, *self._earlier)] = self._cursor.execute(
                f"SELECT crm_anchored(%b::text), crm_first_position(%b::text, 0), {_COUNTED}",
                (database.tenant, database.tenant),
            ).fetchall()
            if not anchored:
                self._cursor.execute("ROLLBACK")
                database._reanchor(self._cursor)
                self._cursor.execute("BEGIN")
                return self.insert(batch)
            self._first = int(first)
        self._check(batch)
        self._expected.update(batch.expected)
        first = self._first + self._written
        tenant = database.tenant.encode()
        head = _Row(7, len(tenant)) + tenant
        parts: list[bytes] = []
        for position, (_, stream, version, name, household, state) in enumerate(batch.rows, first):
            s, n, h, t = stream.encode(), name.encode(), household.encode(), state.encode()
            parts += (
                head,
                _Number8(8, position),
                _Length(len(s)),
                s,
                _Number4(4, version),
                _Length(len(n)),
                n,
                _Length(len(h)),
                h,
                _Length(len(t)),
                t,
            )
        head = _Row(5, len(tenant)) + tenant
        self._sent += len(batch.commands)
        for command, digest, start, end in batch.commands:
            c, d = command.encode(), digest.encode()
            self._commands += (
                head,
                _Length(len(c)),
                c,
                _Length(len(d)),
                d,
                _Number8(8, first + start),
                _Number8(8, first + end),
            )
        if self._copy is None:
            self._copying = self._cursor.copy(_COPY_EVENTS)
            self._copy = self._copying.__enter__()
            self._copy.write(_COPY_HEAD)
        with self._conflicts():
            self._copy.write(b"".join(parts))
        self._written += len(batch.rows)
        self.last = first + len(batch.rows) - 1
        return first

    def finish(self) -> None:
        """Send what is left, so that only the commit is to be done."""
        if self._copy is None:
            return
        copy, self._copy = self._copy, None
        with self._conflicts():
            copy.write(_COPY_END)
            self._copying.__exit__(None, None, None)
            written = self._cursor.rowcount
            with self._cursor.copy(_COPY_COMMANDS) as commands:
                commands.write(_COPY_HEAD + b"".join(self._commands) + _COPY_END)
            self._check_written(written, self._cursor.rowcount)

    def _check_written(self, events: int, commands: int) -> None:
        """That all rows were written, and nothing else was."""
        [now] = self._cursor.execute(f"SELECT {_COUNTED}").fetchall()
        sent = self._written, self._sent
        for written, count, end, begun in zip(
            (events, commands), sent, now, self._earlier, strict=True
        ):
            self._database.check_written(written, count)
            self._database.check_written(max(count, end - begun), count)

    def leave(self, error: BaseException) -> None:
        """Break off a COPY under way and undo what was begun."""
        if self._copy is not None:
            with suppress(psycopg.Error):
                self._copying.__exit__(type(error), error, None)
        self._cursor.execute("ROLLBACK")

    def _check(self, batch: Batch) -> None:
        database = self._database
        if not batch.expected:
            return
        found = database.rows(
            "SELECT crm_mismatch(%b::text, %b::text[], %b::int[], %b::bigint)",
            (
                database.tenant,
                list(batch.expected),
                list(batch.expected.values()),
                self._first + ROWS_MAX,
            ),
        )
        if found[0][0] is not None:
            raise Conflict(*found[0][0])

    @contextmanager
    def _conflicts(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            seen = Batch((), self._expected, ())
            raise self._database._refusal(error, seen) or error from error


class _NotifyListener:
    """Waits for a notification of the server's, or for this process's own bell."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database
        self._bell = BellListener(database.bell, database.bell.rung)
        self._connection: Any = None

    def wait(self, seconds: float) -> bool:
        """Whether something may have been appended; at the latest after `seconds`."""
        self._database.check_process()
        if self._bell.wait(0):
            return True
        try:
            if self._connection is None:
                engine = self._database.engine
                self._connection = psycopg.connect(
                    *engine.dialect.create_connect_args(engine.url)[0],
                    **engine.dialect.create_connect_args(engine.url)[1],
                    autocommit=True,
                )
                self._connection.execute(f"LISTEN {CHANNEL}")
                # What came before is not announced any more.
                return True
            heard = list(self._connection.notifies(timeout=seconds, stop_after=1))
            return any(notice.payload == self._database.tenant for notice in heard)
        except psycopg.Error:
            # Without a line to the server the caller polls, and the next wait tries again.
            self.close()
            sleep(seconds)
            return True

    def close(self) -> None:
        """Close the line to the server."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _alive(driver: Any) -> bool:
    """Whether the server is still there, as far as the line tells: it says nothing unasked."""
    if driver.closed:
        return False
    line = poll()
    line.register(driver.fileno(), POLLIN)
    return not line.poll(0)


def _check_alive(driver: Any, _record: Any, _fairy: Any) -> None:
    """Connections that died while they were idle are replaced, all at once, and not used."""
    if not _alive(driver):
        raise InvalidatePoolError


def _check_size(rows: int) -> None:
    if rows > ROWS_MAX:
        raise Invalid.one(
            "append_too_large", sentence="append_of_too_many", most=ROWS_MAX, events=rows
        )
