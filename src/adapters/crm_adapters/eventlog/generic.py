"""The log in a database for which there are no functions of our own (decision record 0069).

Everything goes through SQLAlchemy Core. Writers take turns by one row of the tenant's, locked from
the first statement of an append to its commit: positions are given in the order of commits and have
no gaps, so whoever reads up to the highest position has missed nothing.

What SQLAlchemy does not say alike for all databases, a subclass says: how tables are made, how the
session is set up, what errors mean, and what a verifier looks at.
"""

from __future__ import annotations

from abc import abstractmethod
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Engine,
    MetaData,
    PrimaryKeyConstraint,
    Select,
    Table,
    and_,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from crm_adapters.codec.rows import StoredRow
from crm_adapters.eventlog import schema
from crm_adapters.eventlog.database import Database
from crm_adapters.eventlog.store import Batch
from crm_core.errors import CommitUnknown, Conflict, Failed, NotALog, StoreFull, StoreUnreachable
from crm_core.kernel.canonical import DIGEST_END, DIGEST_START
from crm_core.kernel.recorded import Appended, Tip
from crm_core.kernel.values import frozen
from crm_core.ports import Frontier

NAMED_MAX = 500
"""How many streams, commands or households one statement names."""

EVENTS, READS = "events", "reads"
"""For what writers queue: rows of the log, and rows of the read log."""

heads = Table(
    "crm_heads",
    MetaData(),
    Column("tenant", schema.Id, nullable=False),
    Column("queue", schema.Id, nullable=False),
    # How many have had their turn. No position: the events alone say where they end.
    Column("turn", schema.Position, nullable=False),
    PrimaryKeyConstraint("tenant", "queue", name="crm_heads_queue"),
)

_e, _c, _t = schema.events.c, schema.commands.c, schema.tracking.c
_COLUMNS = (_e.position, _e.stream, _e.version, _e.name, _e.household, _e.state)


@frozen
class ConnectionWriter:
    """An open transaction that holds the head row."""

    database: GenericDatabase
    connection: Connection

    def insert(self, batch: Batch) -> int:
        return self.database.insert_with(self.connection, batch)


class GenericDatabase(Database):
    """A log in one database of any kind that SQLAlchemy speaks to."""

    contiguous = True
    exact = True

    def __init__(self, engine: Engine, tenant: str = "", **options: bool) -> None:
        self._seated: set[str] = set()
        super().__init__(engine, tenant, **options)

    # --- what a subclass says ----------------------------------------------------------------

    def check_rows(self, rows: Sequence[StoredRow]) -> None:
        """Refuse rows that the database could not take."""

    @abstractmethod
    def is_full(self, error: BaseException) -> bool:
        """Whether the driver's error says that there is no room left."""

    @abstractmethod
    def is_contended(self, error: BaseException) -> bool:
        """Whether it says that two transactions were in each other's way, and this one gave in."""

    @abstractmethod
    def is_refused(self, error: BaseException) -> bool:
        """Whether it comes from the guards of the tables."""

    @abstractmethod
    def is_missing(self, error: BaseException) -> bool:
        """Whether it says that a table or a column is not there."""

    # --- writing -----------------------------------------------------------------------------

    def insert(self, batch: Batch, *, tracking: tuple[str, int] | None = None) -> int:
        command = batch.commands[0][0] if batch.commands else None
        with self._turn(command) as connection:
            first = self.insert_with(connection, batch, tracking=tracking)
        self.bell.ring()
        return first

    @contextmanager
    def transaction(self) -> Iterator[ConnectionWriter]:
        with self._turn("?") as connection:
            yield ConnectionWriter(self, connection)
        self.bell.ring()

    @contextmanager
    def write(self) -> Iterator[Any]:
        with self._transaction(None) as connection:
            yield connection.connection.cursor()

    def take_turn(self, cursor: Any) -> None:
        self._seat(READS)
        mark = self.mark
        cursor.execute(
            f"UPDATE crm_heads SET turn = turn + 1 WHERE tenant = {mark} AND queue = {mark}",
            (self.tenant, READS),
        )
        if cursor.rowcount != 1:
            self._seated.discard(READS)
            raise NotALog("tables_missing", database=self.name)

    def insert_with(
        self, cursor: Any, batch: Batch, *, tracking: tuple[str, int] | None = None
    ) -> int:
        """Insert in the transaction of the connection, which holds the head row."""
        connection: Connection = cursor
        self.check_rows(batch.rows)
        try:
            if tracking is not None:
                self._track(connection, *tracking)
            self._check_expected(connection, batch)
            first = self._last(connection) + 1
            self._put(
                connection,
                schema.events,
                [
                    (self.tenant, position, *row[1:])
                    for position, row in enumerate(batch.rows, first)
                ],
            )
            self._put(
                connection,
                schema.commands,
                [
                    (self.tenant, command, digest, first + start, first + end)
                    for command, digest, start, end in batch.commands
                ],
            )
        except DBAPIError as error:
            raise self._refusal(error, batch) or error from error
        return first

    def _put(self, connection: Connection, table: Table, rows: Iterable[Sequence[Any]]) -> None:
        names = table.columns.keys()
        values = [dict(zip(names, row, strict=True)) for row in rows]
        if values:
            self.check_written(connection.execute(insert(table), values).rowcount, len(values))

    def _check_expected(self, connection: Connection, batch: Batch) -> None:
        """That the streams are where the writer saw them; nobody can move them any more."""
        actual: dict[str, int] = {}
        for part in _parts(batch.expected):
            found = connection.execute(
                select(_e.stream, func.max(_e.version))
                .where(_e.tenant == self.tenant, _e.stream.in_(part))
                .group_by(_e.stream)
            )
            actual.update((stream, version) for stream, version in found)
        for stream, expected in batch.expected.items():
            version = actual.get(stream)
            if (version or 0) != expected and not (version is None and expected is None):
                raise Conflict(stream, -1 if expected is None else expected, version or 0)

    def _track(self, connection: Connection, consumer: str, position: int) -> None:
        last = connection.scalar(
            select(func.max(_t.position)).where(_t.tenant == self.tenant, _t.consumer == consumer)
        )
        if last is not None and last >= position:
            raise Conflict(consumer, position - 1, last, "tracking_conflict")
        self._put(connection, schema.tracking, [(self.tenant, consumer, position)])

    def _refusal(self, error: DBAPIError, batch: Batch) -> Exception | None:
        """What an error says about the batch, if it is about the batch."""
        said = error.orig or error
        if self.is_refused(said):
            # What hangs on the tables has met their guards: no other writer was first.
            return NotALog("rows_altered", database=self.name, written=0, sent=len(batch.rows))
        if isinstance(error, IntegrityError) or self.is_contended(said):
            return Conflict(next(iter(batch.expected), "?"), -1, None)
        return None

    @contextmanager
    def _turn(self, command: str | None) -> Iterator[Connection]:
        """A transaction that holds the head row of the log."""
        self._seat(EVENTS)
        with self._transaction(command) as connection:
            taken = connection.execute(
                update(heads)
                .where(heads.c.tenant == self.tenant, heads.c.queue == EVENTS)
                .values(turn=heads.c.turn + 1)
            )
            if taken.rowcount != 1:
                self._seated.discard(EVENTS)
                raise NotALog("tables_missing", database=self.name)
            yield connection

    def _seat(self, queue: str) -> None:
        """Make the row by which writers of the tenant queue, where it is not there yet."""
        if queue in self._seated:
            return
        here = heads.c.tenant == self.tenant, heads.c.queue == queue
        if not self._asked(select(heads.c.turn).where(*here)):
            with suppress(_Known), self._transaction(None) as connection:
                try:
                    connection.execute(
                        insert(heads).values(tenant=self.tenant, queue=queue, turn=0)
                    )
                except IntegrityError as error:
                    raise _Known from error
        self._seated.add(queue)

    @contextmanager
    def _transaction(self, command: str | None) -> Iterator[Connection]:
        """A transaction; the loss of its commit is unknown if it is a command's."""
        with self._connected() as connection:
            transaction = connection.begin()
            try:
                yield connection
            except BaseException:
                try:
                    transaction.rollback()
                except Exception:  # noqa: BLE001 - what it was undone for is what counts
                    connection.invalidate()
                raise
            with self.translate(command):
                transaction.commit()

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        self.check_process()
        with self.translate(None), self.engine.connect() as connection:
            try:
                yield connection
            except self.driver_errors as error:
                if not isinstance(error, SQLAlchemyError):
                    # Of the bare cursor: SQLAlchemy knows nothing of what it may have broken.
                    connection.invalidate()
                raise

    def failure(self, error: BaseException, command: str | None) -> Failed:
        said: BaseException = getattr(error, "orig", None) or error
        if self.is_full(said):
            return StoreFull("store_full", store=self.name)
        if command:
            return CommitUnknown(command)
        if self.is_missing(said):
            return NotALog("tables_missing", database=self.name)
        # Drivers put a number before the words.
        words = str(said.args[-1] if said.args else said).splitlines()
        reason = words[0] if words else type(said).__name__
        return StoreUnreachable("store_unusable", store=self.name, reason=reason)

    # --- reading -----------------------------------------------------------------------------

    def _asked(self, query: Select[Any]) -> list[Any]:
        """All rows of a query, as plain tuples."""
        with self._connected() as connection:
            return [tuple(row) for row in connection.execute(query)]

    def read(self, stream: str, after: int) -> Sequence[StoredRow]:
        return self._asked(
            select(*_COLUMNS)
            .where(_e.tenant == self.tenant, _e.stream == stream, _e.version > after)
            .order_by(_e.version)
        )

    def bare(self, stream: str) -> Sequence[tuple[int, str, str]]:
        return self._asked(
            select(_e.version, _e.name, _e.state)
            .where(_e.tenant == self.tenant, _e.stream == stream)
            .order_by(_e.version)
        )

    def tips(self, streams: Collection[str]) -> dict[str, Tip]:
        found: dict[str, Tip] = {}
        digest = func.substr(_e.state, DIGEST_START + 1, DIGEST_END - DIGEST_START)
        for part in _parts(streams):
            ends = (
                select(_e.stream.label("at"), func.max(_e.version).label("last"))
                .where(_e.tenant == self.tenant, _e.stream.in_(part))
                .group_by(_e.stream)
                .subquery()
            )
            query = (
                select(_e.stream, _e.version, digest)
                .join(ends, and_(_e.stream == ends.c.at, _e.version == ends.c.last))
                .where(_e.tenant == self.tenant)
            )
            for stream, version, said in self._asked(query):
                found[stream] = Tip(version, said)
        return found

    def page(
        self, after: int, upto: int, names: Collection[str] | None, limit: int
    ) -> Sequence[StoredRow]:
        return self._page(_COLUMNS, after, upto, limit, *_chosen(names))

    def columns_without(
        self, columns: str, after: int, upto: int, names: Collection[str], limit: int
    ) -> list[Any]:
        wanted = [schema.events.c[column] for column in columns.split(", ")]
        hidden = [_e.name.not_in(sorted(names))] if names else []
        return self._page(wanted, after, upto, limit, *hidden)

    def _page(
        self, columns: Sequence[Any], after: int, upto: int, limit: int, *only: ColumnElement[bool]
    ) -> list[Any]:
        return self._asked(
            select(*columns)
            .where(_e.tenant == self.tenant, _e.position > after, _e.position <= upto, *only)
            .order_by(_e.position)
            .limit(limit)
        )

    def count(self, after: int) -> int:
        [(count,)] = self._asked(
            select(func.count())
            .select_from(schema.events)
            .where(_e.tenant == self.tenant, _e.position > after)
        )
        return int(count)

    def _household_page(
        self,
        columns: str,
        after: tuple[str, int],
        upto: int,
        names: Collection[str] | None,
        households: Sequence[str] | None,
        limit: int,
    ) -> list[Any]:
        household, position = after
        query = (
            select(*(schema.events.c[column] for column in columns.split(", ")))
            .where(
                _e.tenant == self.tenant,
                _e.household > "",
                _e.position <= upto,
                # Said twice: not every planner makes a range of the second.
                _e.household >= household,
                or_(_e.household > household, _e.position > position),
                *_chosen(names),
            )
            .order_by(_e.household, _e.position)
        )
        if households is None:
            return self._asked(query.limit(limit))
        wanted = sorted(set(households) - {""})
        found: list[Any] = []
        for part in _parts(wanted[bisect_left(wanted, household) :]):
            if len(found) >= limit:
                break
            found += self._asked(query.where(_e.household.in_(part)).limit(limit - len(found)))
        return found

    def cuts(self, parts: int) -> list[str]:
        found: list[str] = []
        each = self.count(0) // parts
        while len(found) < parts - 1:
            next_one = self._asked(
                select(_e.household)
                .where(_e.tenant == self.tenant, _e.household > (found[-1] if found else ""))
                .order_by(_e.household)
                .limit(1)
                .offset(each)
            )
            if not next_one:
                break
            found.append(next_one[0][0])
        return found

    def outcomes(self, commands: Collection[str]) -> dict[str, Appended]:
        found: dict[str, Appended] = {}
        for part in _parts(commands):
            query = select(_c.command, _c.digest, _c.first_position, _c.last_position).where(
                _c.tenant == self.tenant, _c.command.in_(part)
            )
            for command, digest, first, last in self._asked(query):
                found[command] = Appended(command, digest, first, last)
        return found

    def empty(self) -> bool:
        query = select(literal(1)).select_from(schema.events)
        return not self._asked(query.where(_e.tenant == self.tenant).limit(1))

    def frontier(self) -> Frontier:
        with self._connected() as connection:
            return Frontier(self._last(connection), 0, None)

    def _last(self, connection: Connection) -> int:
        last = connection.scalar(select(func.max(_e.position)).where(_e.tenant == self.tenant))
        return int(last or 0)


class _Known(Exception):
    """Somebody else has made the row."""


def _parts(values: Iterable[str]) -> Iterator[list[str]]:
    wanted = list(values)
    for start in range(0, len(wanted), NAMED_MAX):
        yield wanted[start : start + NAMED_MAX]


def _chosen(names: Collection[str] | None) -> list[ColumnElement[bool]]:
    return [] if names is None else [_e.name.in_(sorted(names))]
