"""The log in an SQLite file: the embedded default (decision record 0011).

Write-ahead log with full synchronisation: a commit is on the disk when it returns.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import starmap
from pathlib import Path
from typing import Any
from weakref import finalize

from sqlalchemy import event
from sqlalchemy.engine import URL
from sqlalchemy.pool import QueuePool, StaticPool

from crm_adapters.codec.rows import StoredRow
from crm_adapters.eventlog.database import COLUMNS, CursorWriter, Database, make_engine
from crm_adapters.eventlog.guards import SQLITE_GUARDS, SQLITE_LIFTED
from crm_adapters.eventlog.sqlite_checks import SqliteInspection
from crm_adapters.eventlog.sqlite_files import SqliteFile
from crm_adapters.eventlog.store import Batch, Inspection
from crm_adapters.eventlog.tile_table import TileTable
from crm_adapters.eventlog.tiles import WIDTH, MissingTile, Tile, Tiler, tile_of_events
from crm_core.errors import (
    CommitUnknown,
    Conflict,
    Failed,
    Invalid,
    NotALog,
    StoreFull,
    StoreUnreachable,
    UnreadableEvent,
)

_DRIVER = "sqlite+pysqlite"

_INSERT = f"INSERT INTO crm_events (tenant, {COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)"
_BYTES = "position, {}, version, {}, {}, {}".format(
    *(f"CAST({column} AS BLOB)" for column in ("stream", "name", "household", "state"))
)
_VERSION = "SELECT max(version) FROM crm_events WHERE tenant = ? AND stream = ?"
_HEAD = "SELECT max(position) FROM crm_events WHERE tenant = ?"
# As bytes: damaged text need not be UTF-8, and must not keep anybody from appending.
_UNTILED = (
    "SELECT position, CAST(name AS BLOB), CAST(state AS BLOB) FROM crm_events"
    " WHERE tenant = ? AND position > ? ORDER BY position LIMIT ?"
)
_COMMAND = "INSERT INTO crm_commands VALUES (?, ?, ?, ?, ?)"


class SqliteDatabase(Database):
    """A log in one SQLite file.

    Threads of this process take turns by a lock, so that none starves;
    other processes wait for SQLite's own.
    """

    mark = "?"
    insert_tiles = "INSERT OR REPLACE INTO {}"
    lifted, routines = SQLITE_LIFTED, SQLITE_GUARDS
    # The driver fails to decode SQLite's own message where it quotes damaged bytes.
    driver_errors = (sqlite3.Error, UnicodeDecodeError)

    def __init__(
        self, url: URL, tenant: str = "", *, create: bool = False, outdated: bool = False
    ) -> None:
        self.file = SqliteFile(_path_of(url), url.render_as_string(hide_password=True))
        self._turn = self.file.turn
        engine = make_engine(
            url,
            # For reading; one connection writes, and is none of these.
            creator=self.file.reader,
            poolclass=QueuePool,
            pool_size=8,
            max_overflow=32,
            # Nothing is left open when a connection goes back: we begin and end transactions.
            pool_reset_on_return=None,
        )
        # What nobody closes is closed in turn all the same.
        finalize(self, self.file.abandon)
        super().__init__(engine, tenant, create=create, outdated=outdated)

    def _prepare(self) -> None:
        try:
            with self.translate(""):
                if not self.file.exists():
                    if not self._create:
                        raise self._missing()
                    self.file.make(self._fill)
                self.file.prepare()
                if self.file.immutable:
                    event.listen(self.engine, "checkout", lambda *_: self.file.check_still())
            super()._prepare()
        except BaseException:
            self.engine.dispose()
            self.file.refuse()
            raise

    def _fill(self, connection: sqlite3.Connection) -> None:
        """Make the tables of a log in a file of their own, which nobody else knows yet."""
        engine = make_engine(self.engine.url, creator=lambda: connection, poolclass=StaticPool)
        with engine.begin() as made:
            self.lock(made)
            self.create(made)
            self.create_routines(made)

    def _absent(self, _connection: Any) -> None:
        # Whose file it is nobody knows; nothing is added to it.
        raise NotALog("tables_missing", database=self.name)

    @property
    def read_only(self) -> bool:
        return self.file.read_only

    @contextmanager
    def schema_change(self) -> Iterator[Any]:
        with self._turn:
            engine = make_engine(self.engine.url, creator=self.file.writer, poolclass=StaticPool)
            with engine.begin() as connection:
                self.lock(connection)
                yield connection

    def lock(self, connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    def insert(self, batch: Batch, *, tracking: tuple[str, int] | None = None) -> int:
        with self._turn:
            cursor = self._begin()
            try:
                first = self.insert_with(cursor, batch, tracking=tracking)
            except BaseException as error:
                self._roll_back(cursor, error)
                raise
            self._commit(cursor, batch.commands[0][0] if batch.commands else "?")
        self.bell.ring()
        return first

    @contextmanager
    def transaction(self) -> Iterator[CursorWriter]:
        with self._transaction() as cursor:
            yield CursorWriter(self, cursor)
        self.bell.ring()

    @contextmanager
    def _transaction(self) -> Iterator[Any]:
        with self._turn:
            cursor = self._begin()
            try:
                yield cursor
            except BaseException as error:
                self._roll_back(cursor, error)
                raise
            self._commit(cursor)

    @contextmanager
    def write(self) -> Iterator[Any]:
        with self._transaction() as cursor:
            yield cursor

    def checkpoint(self) -> str:
        """Bring what stands beside the file into it, and leave nothing of it there.

        Returns:
            The file's name; empty where a reader holds it back, and the next checkpoint does it.
        """
        with self._turn:
            [(busy, _, _)] = self.file.writer().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return "" if busy else self.name

    def close(self) -> None:
        # Readers first: whoever is last may have to checkpoint, and only what writes does.
        super().close()
        self.file.close()

    def insert_with(
        self, cursor: Any, batch: Batch, *, tracking: tuple[str, int] | None = None
    ) -> int:
        tenant = self.tenant
        try:
            if tracking is not None:
                self._track(cursor, tracking)
            for stream, expected in batch.expected.items():
                [(actual,)] = cursor.execute(_VERSION, (tenant, stream))
                if (actual or 0) != expected and not (actual is None and expected is None):
                    raise Conflict(stream, -1 if expected is None else expected, actual or 0)
            [(head,)] = cursor.execute(_HEAD, (tenant,))
            first: int = (head or 0) + 1
            rows, commands = batch.rows, batch.commands
            before = cursor.connection.total_changes
            if len(rows) == 1:
                cursor.execute(_INSERT, (tenant, first, *rows[0][1:]))
            else:
                cursor.executemany(
                    _INSERT,
                    [(tenant, position, *row[1:]) for position, row in enumerate(rows, first)],
                )
            before = self._check_rows(cursor, before, len(rows))
            if len(commands) == 1:
                [(command, digest, start, end)] = commands
                cursor.execute(_COMMAND, (tenant, command, digest, first + start, first + end))
            else:
                cursor.executemany(
                    _COMMAND,
                    [(tenant, c, digest, first + a, first + b) for c, digest, a, b in commands],
                )
            self._check_rows(cursor, before, len(commands))
            if (first - 1) // WIDTH != (first + len(rows) - 1) // WIDTH:
                self._keep_tiles(cursor, first, rows)
        except sqlite3.IntegrityError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_CONSTRAINT_TRIGGER:
                # What hangs on the tables has met their guards: no other writer was first.
                raise NotALog(
                    "rows_altered", database=self.name, written=0, sent=len(batch.rows)
                ) from error
            raise Conflict(next(iter(batch.expected), "?"), -1, None) from error
        return first

    def _keep_tiles(self, cursor: Any, first: int, rows: Sequence[StoredRow]) -> None:
        """Keep the tiles that are full with these rows, the first of which stands at `first`."""
        number = (first - 1) // WIDTH
        start, tiles = number * WIDTH, TileTable(self, cursor)
        before = cursor.execute(_UNTILED, (self.tenant, start, first - 1 - start)).fetchall()
        kept = tiles.rows(0, number - 1, number)
        if [position for position, *_ in before] != list(range(start + 1, first)) or (
            number and (not kept or kept[0].last != start)
        ):
            # Somebody took rows or tiles away: whoever asks makes the tiles of what is left.
            return
        names = [name.decode(errors="replace") for _, name, _ in before]
        states = [state.decode(errors="replace") for *_, state in before]
        # Not those behind the last tile that is full.
        full = (first + len(rows) - 1) // WIDTH * WIDTH - first + 1
        names += [row.name for row in rows[:full]]
        states += [row.state for row in rows[:full]]
        tiler, made = Tiler(tiles, number), list[Tile]()
        with suppress(MissingTile):
            for start in range(0, len(names), WIDTH):
                end = start + WIDTH
                positions = range(number * WIDTH + start + 1, number * WIDTH + end + 1)
                tile = tile_of_events(tiler.number, positions, names[start:end], states[start:end])
                made += tiler.push(tile)
        tiles.keep(made)

    def _check_rows(self, cursor: Any, before: int, sent: int) -> int:
        """Check what has been inserted since; how many changes there were up to now.

        A trigger can leave a row out, or write others in its stead: SQLite counts these, too.
        """
        now: int = cursor.connection.total_changes
        if sent and cursor.rowcount != sent:
            self.check_written(cursor.rowcount, sent)
        if now - before != sent:
            self.check_written(now - before, sent)
        return now

    def _track(self, cursor: Any, tracking: tuple[str, int]) -> None:
        [(last,)] = cursor.execute(
            "SELECT max(position) FROM crm_tracking WHERE tenant = ? AND consumer = ?",
            (self.tenant, tracking[0]),
        )
        if last is not None and last >= tracking[1]:
            raise Conflict(tracking[0], tracking[1] - 1, last, "tracking_conflict")
        cursor.execute("INSERT INTO crm_tracking VALUES (?, ?, ?)", (self.tenant, *tracking))

    def page_without(
        self, after: int, upto: int, names: Collection[str], limit: int
    ) -> Sequence[StoredRow]:
        try:
            return super().page_without(after, upto, names, limit)
        except UnreadableEvent:
            # Somewhere the text is not UTF-8, and SQLite gives none of the rows: their bytes tell
            # in which, and the others go on.
            rows = self.columns_without(_BYTES, after, upto, names, limit)
            return list(starmap(_row_of_bytes, rows))

    @contextmanager
    def inspect(self, *, deep: bool = False) -> Iterator[Inspection]:
        with self.translate(None), self._inspecting() as rows, self._inspecting() as around:
            yield SqliteInspection(self, rows, around, deep=deep)

    @contextmanager
    def _inspecting(self) -> Iterator[Any]:
        """A connection that sees one instant, and gives texts as the bytes they are."""
        self.file.check_still()
        connection = self.connect()
        driver: Any = connection.driver_connection
        try:
            # Damaged text is not always UTF-8, and must be found rather than raised.
            driver.text_factory = bytes
            driver.execute("PRAGMA cell_size_check = ON")
            driver.execute("BEGIN")
            yield driver
        finally:
            # Whatever damage it has met, nobody else is to meet it by this connection.
            connection.invalidate()

    def failure(self, error: BaseException, command: str | None) -> Failed:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_FULL:
            return StoreFull("store_full", store=self.name)
        if command:
            return CommitUnknown(command)
        damaged = isinstance(error, UnicodeDecodeError)
        if damaged or code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
            return NotALog("sqlite_damaged", database=self.name)
        if str(error).startswith("Could not decode to UTF-8"):
            return UnreadableEvent(0, "?", "bytes_not_text")
        return StoreUnreachable("store_unusable", store=self.name, reason=str(error))

    def _begin(self) -> Any:
        """A cursor in a transaction that holds the write lock."""
        self.check_process()
        try:
            cursor = self.file.writer().cursor()
            cursor.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            raise self.failure(error, None) from error
        return cursor

    def _commit(self, cursor: Any, command: str = "?") -> None:
        try:
            cursor.execute("COMMIT")
        except sqlite3.Error as error:
            failure = self.failure(error, command)
            self._roll_back(cursor, None)
            raise failure from error

    def _roll_back(self, cursor: Any, error: BaseException | None) -> None:
        """Undo what was begun; an error of the driver's leaves under its true name."""
        # Where the disk is full SQLite has rolled back by itself.
        if cursor.connection.in_transaction:
            try:
                cursor.execute("ROLLBACK")
            except sqlite3.Error:
                # Nothing was committed; a new connection finds the log as it was.
                self.file.drop_writer()
        if isinstance(error, sqlite3.Error):
            raise self.failure(error, None) from error


def _row_of_bytes(
    position: int, stream: bytes, version: int, name: bytes, household: bytes, state: bytes
) -> StoredRow:
    """The row as it is; if a text of it is not UTF-8, a row that no event can be read from."""
    try:
        return StoredRow(
            position, stream.decode(), version, name.decode(), household.decode(), state.decode()
        )
    except UnicodeDecodeError:
        where, what, whose = (text.decode(errors="replace") for text in (stream, name, household))
        return StoredRow(position, where, version, what, whose, "")


def _path_of(url: URL) -> Path:
    """Where the file lies.

    Raises:
        Invalid: the URL says more than that, or less.
    """
    if not url.database or url.database == ":memory:":
        raise Invalid.one("url_malformed", "--db", sentence="url_of_memory")
    if url.query or url.database.startswith("file:"):
        # How it is opened is ours to say, and everywhere alike (decision record 0051).
        options = sorted(url.query) or ["file:"]
        raise Invalid.one("url_malformed", "--db", sentence="url_of_options", options=options)
    if url.host or url.port or url.username or url.drivername not in ("sqlite", _DRIVER):
        raise Invalid.one("url_malformed", "--db")
    return Path(url.database)
