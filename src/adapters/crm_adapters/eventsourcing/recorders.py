"""The eventsourcing library's recorders on our tables, through our connections.

For programs that are built on that library and want one kind of database underneath: SQLite and
PostgreSQL behave alike here, subscriptions included. Beyond what the library asks for, a stream
has no gaps: it begins at version 0 or 1 and grows by one, checked in the transaction that
inserts. Snapshots, whose versions leap, have a recorder and a table of their own.

States are stored as text; what is none, compressed or sealed, in base64.
Give an application a database of its own: a log of this library holds nothing but its own events.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Event
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Integer, MetaData, Table

from crm_adapters.codec.rows import StoredRow
from crm_adapters.eventlog import schema
from crm_adapters.eventlog.database import Database
from crm_adapters.eventlog.store import Batch
from crm_adapters.eventsourcing.library import (
    ID_TYPE,
    AggregateRecorder,
    ApplicationRecorder,
    IdType,
    IntegrityError,
    Notification,
    OperationalError,
    ProcessRecorder,
    ProgrammingError,
    StoredEvent,
    Subscription,
    Tracking,
    TrackingRecorder,
    make_notification,
    make_stored_event,
    stored_text,
    tracked,
)
from crm_core.errors import Conflict, Failed, NotALog

POLL_SECONDS = 0.1
"""How long a subscription sleeps when it has seen everything."""

POSITION_MAX = 2**63 - 1

_PAGE = 500

# Not among the tables of a log: what is here is derived, and nothing of a log is.
_snapshots = Table(
    "eventsourcing_snapshots",
    MetaData(),
    Column("tenant", schema.Id, primary_key=True),
    Column("stream", schema.Name, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("name", schema.Name, nullable=False),
    Column("state", schema.LongText, nullable=False),
)


class SQLAlchemyAggregateRecorder(AggregateRecorder):
    """Stores and selects the events of aggregates.

    Args:
        database: Where to; see `open_database`. It stays the caller's to close.
        originator_id_type: Whether aggregates are named by UUIDs or by text; as the library does,
            unless it is said.
    """

    table = "crm_events"
    """Where events of a stream are selected from."""

    def __init__(self, database: Database, *, originator_id_type: IdType = ID_TYPE) -> None:
        if originator_id_type not in ("uuid", "text"):
            raise ProgrammingError(f"ids are `uuid` or `text`, not `{originator_id_type}`")
        self.database = database
        self.originator_id_type = originator_id_type

    def insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        """Insert all of the events, or none.

        Raises:
            IntegrityError: a stream would have a gap or a repeated version.
            ProgrammingError: a topic or id is not text that can be stored.
        """
        self._insert(stored_events, kwargs.get("tracking"))
        return None

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        mark = self.database.mark
        statement = (
            f"SELECT version, name, state FROM {self.table}"
            f" WHERE tenant = {mark} AND stream = {mark}"
        )
        values: list[Any] = [self.database.tenant, self._stream(originator_id)]
        if gt is not None:
            statement += f" AND version > {mark}"
            values.append(gt)
        if lte is not None:
            statement += f" AND version <= {mark}"
            values.append(lte)
        statement += " ORDER BY version DESC" if desc else " ORDER BY version"
        if limit is not None:
            statement += f" LIMIT {mark}"
            values.append(limit)
        with _their_errors():
            rows = self.database.rows(statement, values)
        return [
            make_stored_event(originator_id, version, name, state) for version, name, state in rows
        ]

    def _insert(self, stored_events: Sequence[StoredEvent], tracking: Tracking | None) -> list[int]:
        if tracking is not None:
            raise ProgrammingError(f"`{type(self).__name__}` cannot record tracking")
        return self._insert_batch(self._batch(stored_events), None)

    def _insert_batch(self, batch: Batch, tracking: tuple[str, int] | None) -> list[int]:
        if not batch.rows and tracking is None:
            return []
        with _their_errors():
            first = self.database.insert(batch, tracking=tracking)
        return list(range(first, first + len(batch.rows)))

    def _batch(self, stored_events: Sequence[StoredEvent]) -> Batch:
        rows = []
        expected: dict[str, int | None] = {}
        versions: dict[str, int] = {}
        for stored in stored_events:
            stream, version = self._stream(stored.originator_id), stored.originator_version
            before = versions.get(stream)
            if before is None:
                # A stream that begins at 0 must be new; one that begins at 1 may be.
                expected[stream] = version - 1 if version > 0 else None
            if version < 0 or (before is not None and version != before + 1):
                raise IntegrityError(
                    f"version {version} of `{stream}` does not follow"
                    f" {'the beginning' if before is None else before}"
                )
            versions[stream] = version
            rows.append(
                StoredRow(0, stream, version, _text("topic", stored.topic), "", stored_text(stored))
            )
        return Batch(rows, expected, ())

    def _stream(self, originator_id: UUID | str) -> str:
        if isinstance(originator_id, UUID) != (self.originator_id_type == "uuid"):
            raise ProgrammingError(
                f"this recorder takes {self.originator_id_type} ids, not"
                f" `{type(originator_id).__name__}`"
            )
        return _text("id", str(originator_id))

    def _originator_id(self, stream: str) -> UUID | str:
        if self.originator_id_type == "text":
            return stream
        try:
            return UUID(stream)
        except ValueError as error:
            raise ProgrammingError(f"`{stream}` is not a UUID; were these text ids?") from error


class SQLAlchemyApplicationRecorder(SQLAlchemyAggregateRecorder, ApplicationRecorder):
    """Also keeps all events in one order, without gaps, and lets readers follow it.

    Args:
        poll_seconds: How long a subscription sleeps when it has seen everything.
    """

    def __init__(
        self,
        database: Database,
        *,
        originator_id_type: IdType = ID_TYPE,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        super().__init__(database, originator_id_type=originator_id_type)
        self.poll_seconds = poll_seconds

    def insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        """Insert all of the events, or none; their positions.

        Raises:
            IntegrityError: a stream would have a gap or a repeated version.
            ProgrammingError: a topic or id is not text that can be stored.
        """
        return self._insert(stored_events, kwargs.get("tracking"))

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        after = 0 if start is None else start - 1 if inclusive_of_start else start
        upto = POSITION_MAX if stop is None else stop
        with _their_errors():
            rows = self.database.page(after, upto, topics or None, limit)
        return [
            make_notification(position, self._originator_id(stream), version, name, state)
            for position, stream, version, name, _, state in rows
        ]

    def max_notification_id(self) -> int | None:
        with _their_errors():
            return self.database.head() or None

    def subscribe(
        self, gt: int | None = None, topics: Sequence[str] = ()
    ) -> Subscription[ApplicationRecorder]:
        """Events behind position `gt`, and then new ones as they come."""
        return PollingSubscription(self, gt, topics, self.poll_seconds)


class SQLAlchemyTrackingRecorder(TrackingRecorder):
    """Remembers how far another application's events were processed.

    Args:
        database: Where to; see `open_database`. It stays the caller's to close.
    """

    def __init__(self, database: Database) -> None:
        self.database = database

    def insert_tracking(self, tracking: Tracking) -> None:
        """Record a position.

        Raises:
            IntegrityError: it is not behind the last one recorded.
        """
        with _their_errors():
            self.database.insert(Batch((), {}, ()), tracking=tracked(tracking))

    @contextmanager
    def recording(self, tracking: Tracking) -> Iterator[Any]:
        """A cursor of a transaction that records the position too: all of it is kept, or nothing.

        For read models beside the log; statements are those of the database and its driver.

        Raises:
            IntegrityError: the position is not behind the last one recorded.
        """
        with _their_errors(), self.database.write() as cursor:
            self.database.insert_with(cursor, Batch((), {}, ()), tracking=tracked(tracking))
            yield cursor

    def max_tracking_id(self, application_name: str) -> int | None:
        with _their_errors():
            [(position,)] = self.database.rows(
                f"SELECT max(position) FROM crm_tracking WHERE tenant = {self.database.mark}"
                f" AND consumer = {self.database.mark}",
                (self.database.tenant, application_name),
            )
        return None if position is None else int(position)


class SQLAlchemyProcessRecorder(
    SQLAlchemyApplicationRecorder, SQLAlchemyTrackingRecorder, ProcessRecorder
):
    """Stores events and what led to them in one transaction: each is processed exactly once."""

    def _insert(self, stored_events: Sequence[StoredEvent], tracking: Tracking | None) -> list[int]:
        return self._insert_batch(
            self._batch(stored_events), None if tracking is None else tracked(tracking)
        )


class SQLAlchemySnapshotRecorder(SQLAlchemyAggregateRecorder):
    """Keeps snapshots of aggregates in a table of their own, which is made where it is missing.

    Raises:
        ProgrammingError: the database takes no change of its tables.
    """

    table = _snapshots.name

    def __init__(self, database: Database, *, originator_id_type: IdType = ID_TYPE) -> None:
        super().__init__(database, originator_id_type=originator_id_type)
        with _their_errors(), database.schema_change() as connection:
            _snapshots.create(connection, checkfirst=True)

    def _insert(self, stored_events: Sequence[StoredEvent], tracking: Tracking | None) -> list[int]:
        if tracking is not None:
            raise ProgrammingError("a snapshot has no tracking")
        rows = [
            (
                self.database.tenant,
                self._stream(stored.originator_id),
                stored.originator_version,
                _text("topic", stored.topic),
                stored_text(stored),
            )
            for stored in stored_events
        ]
        statement = self.database.insert_new.format(
            f"INTO {self.table} (tenant, stream, version, name, state)"
            f" VALUES ({self.database.marks(rows[0] if rows else ())})"
        )
        with _their_errors(), self.database.write() as cursor:
            for row in rows:
                cursor.execute(statement, row)
                if cursor.rowcount != 1:
                    raise IntegrityError(f"there is a snapshot of `{row[1]}` at version {row[2]}")
        return []


class PollingSubscription(Subscription[ApplicationRecorder]):
    """Follows a recorder by asking again; it needs nothing from the database but reading.

    A new event is seen after at most one sleep. Every event is looked at once, even when few of
    them have the wanted topics. Positions become visible in their order, so none is missed.
    """

    def __init__(
        self,
        recorder: SQLAlchemyApplicationRecorder,
        gt: int | None,
        topics: Sequence[str],
        poll_seconds: float,
    ) -> None:
        super().__init__(recorder, gt, topics)
        self._poll_seconds = poll_seconds
        self._after = gt or 0
        self._stopped = Event()
        self._page: Iterator[Notification] = iter(())

    def stop(self) -> None:
        """Stop the subscription; safe from any thread, also while another waits for an event."""
        super().stop()
        self._stopped.set()

    def __next__(self) -> Notification:
        while not self._stopped.is_set():
            found = next(self._page, None)
            if found is not None:
                return found
            if not self._read():
                self._stopped.wait(self._poll_seconds)
        raise StopIteration

    def _read(self) -> bool:
        # The end is read first: what comes later is left for the next page.
        end = self._recorder.max_notification_id() or 0
        if end <= self._after:
            return False
        page = self._recorder.select_notifications(
            self._after, _PAGE, end, self._topics, inclusive_of_start=False
        )
        self._after = page[-1].id if len(page) == _PAGE else end
        self._page = iter(page)
        return True


def _text(what: str, value: str) -> str:
    """The text, if both databases can store it."""
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ProgrammingError(f"the {what} of an event is not Unicode text") from error
    if "\0" in value:
        raise ProgrammingError(f"the {what} of an event has a NUL character")
    return value


@contextmanager
def _their_errors() -> Iterator[None]:
    """Our failures as the library's exceptions."""
    try:
        yield
    except Conflict as error:
        raise IntegrityError(str(error)) from error
    except NotALog as error:
        raise ProgrammingError(str(error)) from error
    except Failed as error:
        raise OperationalError(str(error)) from error
