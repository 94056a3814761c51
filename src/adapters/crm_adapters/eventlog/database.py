"""A log's database: connections, transactions, errors by their true names.

SQLAlchemy gives engine, pool, dialect and schema; the few hot statements go to the driver as they
are (no ORM, no row objects): that is where the speed of appending and loading comes from.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from os import getpid
from typing import Any

from sqlalchemy import Engine, create_engine, inspect, select
from sqlalchemy.engine import URL
from sqlalchemy.exc import DatabaseError, SQLAlchemyError

from crm_adapters.codec.rows import StoredRow
from crm_adapters.eventlog import schema
from crm_adapters.eventlog.bell import Bell, BellListener
from crm_adapters.eventlog.store import FORMAT, Batch, Inspection
from crm_adapters.eventlog.tile_table import TileTable
from crm_adapters.eventlog.tiles import Tiles
from crm_core.errors import Failed, FormatUnknown, Invalid, LogOutdated, NotALog, StoreUnreachable
from crm_core.kernel.recorded import Appended, Tip
from crm_core.kernel.values import frozen
from crm_core.ports import Frontier, Listener

COLUMNS = "position, stream, version, name, household, state"

_RARE = frozenset(schema.RARE_NAMES)

BEFORE_FORMATS = frozenset({"crm_schema", "crm_revision"})
"""Tables that logs had before they had a format number: one of them tells such a log."""


@frozen
class CursorWriter:
    """An open transaction on one connection."""

    database: Database
    cursor: Any

    def insert(self, batch: Batch) -> int:
        return self.database.insert_with(self.cursor, batch)


class Database(ABC):
    """One database with the tables of a log; a `RowStore`.

    Subclasses know one dialect: its place-holders, its locking, its names for trouble.
    """

    contiguous = True
    exact = True
    tenant: str
    mark: str
    """Place-holder for a value in a statement."""
    households_max = 500
    """How many households one statement names: it takes so many values and no more."""
    insert_tiles: str
    """How tiles are inserted where some may stand already."""
    insert_new = "INSERT {} ON CONFLICT DO NOTHING"
    """How a row is inserted that is left as it is where it stands already."""
    _named = (
        "SELECT {columns} FROM crm_events WHERE {where} ORDER BY household, position LIMIT {mark}"
    )

    def __init__(
        self, engine: Engine, tenant: str = "", *, create: bool = False, outdated: bool = False
    ) -> None:
        self.engine = engine
        self.tenant = tenant
        self.bell = Bell()
        self.tiles: Tiles = TileTable(self)
        self.format_number = FORMAT
        self.revision = schema.REVISIONS[-1]
        """Of the tables; an earlier one only if `outdated` allows it."""
        self._create, self._outdated = create, outdated
        self._process = getpid()
        try:
            self._prepare()
        except BaseException:
            engine.dispose()
            raise

    # --- opening and closing ---------------------------------------------------------------

    def _prepare(self) -> None:
        """Make the tables where there are none, if that is wanted; refuse what is no such log."""
        with self.translate(""):
            try:
                with self.schema_engine().begin() as connection:
                    tables = set(inspect(connection).get_table_names())
                    if schema.events.name not in tables:
                        self._absent(connection)
                        # Two processes may open a new log at once; the second finds it made.
                        self.lock(connection)
                        tables = set(inspect(connection).get_table_names())
                    if schema.events.name not in tables:
                        self.create(connection)
                        self.create_routines(connection)
                    else:
                        self._check_format(connection, tables)
                        self._check_revision(connection, tables)
            except DatabaseError as error:
                raise self.failure(error.orig or error, None) from error

    def _absent(self, _connection: Any) -> None:
        """Refuse a database without a log, unless one is to be made."""
        if not self._create:
            raise self._missing()

    def _missing(self) -> Invalid:
        return Invalid.one("log_missing", url=self.name)

    def _check_format(self, connection: Any, tables: set[str]) -> None:
        if schema.log_format.name in tables:
            found = list(connection.scalars(select(schema.log_format.c.number)))
            if found == [FORMAT]:
                return
            if len(found) == 1:
                raise FormatUnknown(self.name, found[0], FORMAT)
        elif tables & BEFORE_FORMATS:
            raise FormatUnknown(self.name, None, FORMAT)
        raise NotALog("not_a_log", database=self.name)

    def _check_revision(self, connection: Any, tables: set[str]) -> None:
        found: list[str] = []
        if schema.revision.name in tables:
            found += map(str, connection.scalars(select(schema.revision.c.version_num)))
        needed = schema.REVISIONS[-1]
        if len(found) == 1 and found[0] in schema.REVISIONS[:-1]:
            self.revision = found[0]
            if not self._outdated:
                raise LogOutdated(self.name, found[0], needed)
        elif found != [needed]:
            raise NotALog(
                "revision_unknown", database=self.name, found=found or ["-"], needed=needed
            )

    def schema_engine(self) -> Engine:
        """The engine for looking at tables and making them, in transactions of SQLAlchemy's."""
        return self.engine

    @contextmanager
    def schema_change(self) -> Iterator[Any]:
        """A transaction of SQLAlchemy's for changing tables, which holds the write lock."""
        with self.schema_engine().begin() as connection:
            self.lock(connection)
            yield connection

    def create(self, connection: Any) -> None:
        """Create what the log needs."""
        schema.metadata.create_all(connection)
        connection.execute(schema.log_format.insert().values(number=FORMAT))
        connection.execute(schema.revision.insert().values(version_num=schema.REVISIONS[-1]))

    lifted: tuple[str, ...]
    """Statements that lift the guards of the log, for a migration."""
    routines: tuple[str, ...]
    """Statements that make what the log needs besides tables, once the guards are lifted."""

    def lift_guards(self, connection: Any) -> None:
        """Let the tables be migrated; `create_routines` sets the guards again."""
        for statement in self.lifted:
            connection.exec_driver_sql(statement)

    def create_routines(self, connection: Any) -> None:
        """Create, or make anew, what the log needs besides tables."""
        for statement in (*self.lifted, *self.routines):
            connection.exec_driver_sql(statement.replace("%", "%%"))

    @property
    def read_only(self) -> bool:
        """Whether nothing can be written, by mode or medium, as far as can be told beforehand."""
        return False

    @property
    def name(self) -> str:
        """The database as it may be shown: without a password."""
        return self.engine.url.render_as_string(hide_password=True)

    def close(self) -> None:
        # In a process that was forked the connections are the parent's: closing one here would end
        # it there.
        self.engine.dispose(close=not self.forked)

    @property
    def forked(self) -> bool:
        """Whether this is a copy in a process that was forked from the one that opened it."""
        return getpid() != self._process

    def check_process(self) -> None:
        """Refuse to work in another process than the one that opened this.

        Raises:
            StoreUnreachable: two processes would talk over one connection.
        """
        if self.forked:
            raise StoreUnreachable("process_forked", store=self.name)

    def connect(self) -> Any:
        """A connection of the pool; errors of the driver's are the caller's to translate.

        Raises:
            StoreUnreachable: the pool has none to give, or this process was forked.
        """
        self.check_process()
        try:
            return self.engine.raw_connection()
        except SQLAlchemyError as error:
            # The pool's own: all in use for too long, or the line was cut twice in a row.
            reason = str(error).splitlines()[0]
            raise StoreUnreachable("store_unusable", store=self.name, reason=reason) from error

    # --- dialect ---------------------------------------------------------------------------

    @abstractmethod
    def lock(self, connection: Any) -> None:
        """Take the write lock until the end of the connection's transaction."""

    @abstractmethod
    def insert(self, batch: Batch, *, tracking: tuple[str, int] | None = None) -> int:
        """Insert in a transaction of its own."""

    @abstractmethod
    def insert_with(
        self, cursor: Any, batch: Batch, *, tracking: tuple[str, int] | None = None
    ) -> int:
        """Insert within an open transaction that holds the write lock."""

    @abstractmethod
    def transaction(self) -> Any:
        """A transaction that holds the write lock, as a `Writer`."""

    @abstractmethod
    def write(self) -> AbstractContextManager[Any]:
        """A cursor in a short transaction for other tables than those of the log.

        It does not wait for writers of the log more than the database itself makes it.
        """

    def replacing(self, key: Sequence[str], columns: Sequence[str]) -> str:
        """The end of an INSERT that puts the columns into the row of that key, if there is one."""
        changed = ", ".join(f"{column} = excluded.{column}" for column in columns)
        return f" ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changed}"

    def take_turn(self, cursor: Any) -> None:
        """Wait within a transaction of `write` until nobody else writes rows that are chained.

        Where one writes at a time there is nothing to wait for.
        """
        del cursor

    @abstractmethod
    def inspect(self, *, deep: bool = False) -> AbstractContextManager[Inspection]:
        """The database at this instant, for whoever verifies it."""

    def raw(self) -> Iterator[tuple[int, bytes, int, bytes, bytes, bytes]]:
        """All rows as bytes."""
        with self.inspect() as inspection:
            yield from inspection.raw()

    @abstractmethod
    def failure(self, error: BaseException, command: str | None) -> Failed:
        """What the driver's error means here; `command` if it came while committing."""

    def check_written(self, written: int, sent: int) -> None:
        """That so many rows were written as were sent.

        Raises:
            NotALog: something that hangs on the tables has swallowed or added some (LOG-01).
        """
        if written != sent:
            raise NotALog("rows_altered", database=self.name, written=written, sent=sent)

    @contextmanager
    def translate(self, command: str | None) -> Iterator[None]:
        """Turn the driver's errors into ours."""
        try:
            yield
        except self.driver_errors as error:
            raise self.failure(error, command or None) from error

    driver_errors: tuple[type[BaseException], ...]

    # --- reading ---------------------------------------------------------------------------

    def rows(self, statement: str, values: Sequence[Any]) -> list[Any]:
        """All rows of a query."""
        # Plain calls: two context managers would be a tenth of loading a short stream.
        try:
            connection = self.connect()
            try:
                cursor: Any = connection.driver_connection.cursor()
                cursor.execute(statement, values)
                found: list[Any] = cursor.fetchall()
                cursor.close()
            except self.driver_errors:
                # What broke it may have broken the connection.
                connection.invalidate()
                raise
            connection.close()
            return found
        except self.driver_errors as error:
            raise self.failure(error, None) from error

    def read(self, stream: str, after: int) -> Sequence[StoredRow]:
        mark = self.mark
        return self.rows(
            f"SELECT {COLUMNS} FROM crm_events WHERE tenant = {mark} AND stream = {mark}"
            f" AND version > {mark} ORDER BY version",
            (self.tenant, stream, after),
        )

    def bare(self, stream: str) -> Sequence[tuple[int, str, str]]:
        mark = self.mark
        return self.rows(
            f"SELECT version, name, state FROM crm_events WHERE tenant = {mark}"
            f" AND stream = {mark} ORDER BY version",
            (self.tenant, stream),
        )

    def tips(self, streams: Collection[str]) -> dict[str, Tip]:
        found: dict[str, Tip] = {}
        wanted = list(streams)
        for start in range(0, len(wanted), 500):
            part = wanted[start : start + 500]
            # One look at the end of each stream, however long it is.
            rows = self.rows(
                "SELECT e.stream, e.version, substr(e.state, 12, 64)"
                f" FROM (VALUES {', '.join([f'({self.mark})'] * len(part))}) AS wanted"
                f" JOIN crm_events e ON e.tenant = {self.mark} AND e.stream = wanted.column1"
                " AND e.version = (SELECT max(version) FROM crm_events"
                f" WHERE tenant = {self.mark} AND stream = wanted.column1)",
                (*part, self.tenant, self.tenant),
            )
            for stream, version, digest in rows:
                found[stream] = Tip(version, digest)
        return found

    def page(
        self, after: int, upto: int, names: Collection[str] | None, limit: int
    ) -> Sequence[StoredRow]:
        mark = self.mark
        chosen, extra = self._chosen("name", names)
        position = "position"
        if names and _RARE.issuperset(names):
            # There are few, but a planner prefers the index that is in order: the sign hides it.
            position, chosen = "+position", f"{chosen} AND ({schema.RARE})"
        return self.rows(
            f"SELECT {COLUMNS} FROM crm_events WHERE tenant = {mark} AND {position} > {mark}"
            f" AND {position} <= {mark}{chosen} ORDER BY {position} LIMIT {mark}",
            (self.tenant, after, upto, *extra, limit),
        )

    def page_without(
        self, after: int, upto: int, names: Collection[str], limit: int
    ) -> Sequence[StoredRow]:
        return self.columns_without(COLUMNS, after, upto, names, limit)

    def columns_without(
        self, columns: str, after: int, upto: int, names: Collection[str], limit: int
    ) -> list[Any]:
        """The page `page_without`, in columns of one's choice."""
        mark, hidden = self.mark, sorted(names)
        chosen = f" AND name NOT IN ({self.marks(hidden)})" if hidden else ""
        return self.rows(
            f"SELECT {columns} FROM crm_events WHERE tenant = {mark} AND position > {mark}"
            f" AND position <= {mark}{chosen} ORDER BY position LIMIT {mark}",
            (self.tenant, after, upto, *hidden, limit),
        )

    def count(self, after: int) -> int:
        [(count,)] = self.rows(
            f"SELECT count(*) FROM crm_events WHERE tenant = {self.mark}"
            f" AND position > {self.mark} AND position <= {self.mark}",
            (self.tenant, after, self.frontier().position),
        )
        return int(count)

    def household_page(
        self,
        after: tuple[str, int],
        upto: int,
        names: Collection[str] | None,
        households: Sequence[str] | None,
        limit: int,
    ) -> Sequence[StoredRow]:
        return self._household_page(COLUMNS, after, upto, names, households, limit)

    def bare_household_page(
        self,
        after: tuple[str, int],
        upto: int,
        names: Collection[str] | None,
        households: Sequence[str] | None,
        limit: int,
    ) -> Sequence[tuple[str, int, str, str]]:
        columns = "household, position, name, state"
        return self._household_page(columns, after, upto, names, households, limit)

    def _household_page(
        self,
        columns: str,
        after: tuple[str, int],
        upto: int,
        names: Collection[str] | None,
        households: Sequence[str] | None,
        limit: int,
    ) -> list[Any]:
        mark = self.mark
        chosen, extra = self._chosen("name", names)
        if households is None:
            return self.rows(
                f"SELECT {columns} FROM crm_events WHERE tenant = {mark} AND household <> ''"
                f" AND (household, position) > ({mark}, {mark})"
                f" AND position <= {mark}{chosen}"
                f" ORDER BY household, position LIMIT {mark}",
                (self.tenant, *after, upto, *extra, limit),
            )
        wanted = sorted(set(households) - {""})
        wanted = wanted[bisect_left(wanted, after[0]) :]
        found: list[Any] = []
        for start in range(0, len(wanted), self.households_max):
            part = wanted[start : start + self.households_max]
            # Not a range of both columns: a planner would walk through all that lies between.
            behind = f" AND NOT (household = {mark} AND position <= {mark})"
            found += self.rows(
                self._named.format(
                    columns=columns,
                    where=f"tenant = {mark} AND household <> ''"
                    f" AND household IN ({self.marks(part)}){behind if part[0] == after[0] else ''}"
                    f" AND position <= {mark}{chosen}",
                    mark=mark,
                ),
                (
                    self.tenant,
                    *part,
                    *(after if part[0] == after[0] else ()),
                    upto,
                    *extra,
                    limit - len(found),
                ),
            )
            if len(found) >= limit:
                break
        return found

    def cuts(self, parts: int) -> list[str]:
        """Households that cut all of them, sorted, into so many parts of about as many rows."""
        mark, found = self.mark, list[str]()
        each = self.count(0) // parts
        while len(found) < parts - 1:
            next_one = self.rows(
                f"SELECT household FROM crm_events WHERE tenant = {mark} AND household <> ''"
                f" AND household > {mark} ORDER BY household LIMIT 1 OFFSET {mark}",
                (self.tenant, found[-1] if found else "", each),
            )
            if not next_one:
                break
            found.append(next_one[0][0])
        return found

    def outcomes(self, commands: Collection[str]) -> dict[str, Appended]:
        found: dict[str, Appended] = {}
        wanted = list(commands)
        for start in range(0, len(wanted), 500):
            part = wanted[start : start + 500]
            rows = self.rows(
                "SELECT command, digest, first_position, last_position FROM crm_commands"
                f" WHERE tenant = {self.mark} AND command IN ({self.marks(part)})",
                (self.tenant, *part),
            )
            for command, digest, first, last in rows:
                found[command] = Appended(command, digest, first, last)
        return found

    def empty(self) -> bool:
        return not self.rows(
            f"SELECT 1 FROM crm_events WHERE tenant = {self.mark} LIMIT 1", (self.tenant,)
        )

    def head(self) -> int:
        return self.frontier().position

    def frontier(self) -> Frontier:
        [(position,)] = self.rows(
            f"SELECT coalesce(max(position), 0) FROM crm_events WHERE tenant = {self.mark}",
            (self.tenant,),
        )
        return Frontier(int(position), 0, None)

    def listen(self) -> Listener:
        return BellListener(self.bell, self.bell.rung)

    def marks(self, values: Collection[Any]) -> str:
        """As many place-holders as there are values."""
        return ", ".join([self.mark] * len(values))

    def _chosen(self, column: str, values: Collection[str] | None) -> tuple[str, list[str]]:
        if values is None:
            return "", []
        if not values:
            return " AND 1 = 0", []
        ordered = sorted(values)
        return f" AND {column} IN ({self.marks(ordered)})", ordered


def make_engine(url: URL, **options: Any) -> Engine:
    """An engine for a log."""
    return create_engine(url, **options)
