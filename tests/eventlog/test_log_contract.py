"""Every store keeps the contract of the event log, and all of them the same bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from eventsourcing.persistence import Notification, OperationalError, StoredEvent
from eventsourcing.popo import POPOApplicationRecorder
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from eventsourcing.sqlite import SQLiteApplicationRecorder, SQLiteDatastore
from sqlalchemy.engine import make_url

from crm_adapters.codec import Codec
from crm_adapters.eventlog.database import Database
from crm_adapters.eventlog.log import CodecEventLog
from crm_adapters.eventlog.memory import MemoryStore
from crm_adapters.eventlog.opening import open_database
from crm_adapters.eventlog.store import RowStore
from crm_adapters.eventsourcing import RecorderStore, SQLAlchemyApplicationRecorder
from crm_adapters.keys import LocalVault
from crm_core.errors import CommandReused, CommitUnknown, Conflict, Invalid, UnreadableEvent
from crm_core.kernel.catalog import Catalog
from crm_core.kernel.recorded import Appended, Commit, Envelope, StreamAppend, Tip
from crm_core.ports import ChainFault, EventLog
from crm_core.testing.contracts import EventLogContract
from crm_core.testing.contracts.events import CATALOG, Noted


def their_postgres(url: str, **options: Any) -> PostgresDatastore:
    parsed = make_url(url)
    return PostgresDatastore(
        dbname=str(parsed.database),
        host=str(parsed.query["host"]),
        port="",
        user=str(parsed.username),
        password="",
        originator_id_type="text",
        **options,
    )


class AdapterContract(EventLogContract):
    """The contract over a store of rows."""

    @pytest.fixture(autouse=True)
    def resources(self) -> Iterator[None]:
        with ExitStack() as self.held:
            self.vault = LocalVault()
            self.held.callback(self.vault.close)
            yield

    def make_store(self) -> RowStore:
        raise NotImplementedError

    def reopen_store(self, store: RowStore) -> RowStore:
        return store

    def make_log(self, catalog: Catalog) -> EventLog:
        return CodecEventLog(self.make_store(), Codec(catalog, self.vault))

    def reopen(self, log: EventLog, catalog: Catalog) -> EventLog:
        assert isinstance(log, CodecEventLog)
        return CodecEventLog(self.reopen_store(log.store), Codec(catalog, self.vault))


class FileContract(AdapterContract):
    @pytest.fixture(autouse=True)
    def folder(self, tmp_path: Path) -> None:
        self.path, self.made = tmp_path, 0

    def new_file(self) -> Path:
        self.made += 1
        return self.path / f"{self.made}.db"


class PostgresContract(AdapterContract):
    @pytest.fixture(autouse=True)
    def server(self, new_postgres: Callable[[], str]) -> None:
        self.new_postgres = new_postgres


class BridgeContract(AdapterContract):
    contiguous = False

    def make_recorder(self) -> Any:
        raise NotImplementedError

    def make_store(self) -> RowStore:
        return RecorderStore(self.make_recorder())

    def reopen_store(self, store: RowStore) -> RowStore:
        assert isinstance(store, RecorderStore)
        return RecorderStore(store.recorder)


class TestMemory(AdapterContract):
    def make_store(self) -> RowStore:
        return MemoryStore()


class TestSqlite(FileContract):
    def make_store(self) -> RowStore:
        return open_database(f"sqlite:///{self.new_file()}", create=True)

    def reopen_store(self, store: RowStore) -> RowStore:
        assert isinstance(store, Database)
        again = open_database(store.engine.url, create=True)
        self.held.callback(again.close)
        return again


class TestPostgres(PostgresContract):
    contiguous = False
    examples = 25

    def make_store(self) -> RowStore:
        return open_database(self.new_postgres(), create=True)

    def reopen_store(self, store: RowStore) -> RowStore:
        assert isinstance(store, Database)
        again = open_database(store.engine.url, create=True)
        self.held.callback(again.close)
        return again


class TestMariadb(AdapterContract):
    examples = 25

    @pytest.fixture(autouse=True)
    def server(self, new_mariadb: Callable[[], str]) -> None:
        self.new_mariadb = new_mariadb

    def make_store(self) -> RowStore:
        return open_database(self.new_mariadb(), create=True)

    def reopen_store(self, store: RowStore) -> RowStore:
        assert isinstance(store, Database)
        again = open_database(store.name, create=True)
        self.held.callback(again.close)
        return again


class TestBridgeOverTheirMemory(BridgeContract):
    contiguous = True

    def make_recorder(self) -> Any:
        return POPOApplicationRecorder()


class TestBridgeOverTheirSqlite(FileContract, BridgeContract):
    contiguous = True
    examples = 15

    def make_recorder(self) -> Any:
        datastore = SQLiteDatastore(str(self.new_file()), originator_id_type="text")
        self.held.callback(datastore.close)
        recorder = SQLiteApplicationRecorder(datastore)
        recorder.create_table()
        return recorder


class TestBridgeOverTheirPostgres(PostgresContract, BridgeContract):
    many = 432  # an insert must be small: see `insert_bytes_max`
    examples = 15

    def make_recorder(self) -> Any:
        datastore = their_postgres(self.new_postgres())
        self.held.callback(datastore.close)
        recorder = PostgresApplicationRecorder(datastore, events_table_name="events")
        recorder.create_table()
        return recorder


class TestBridgeOverOurSqlite(FileContract, BridgeContract):
    contiguous = True
    examples = 15

    def make_recorder(self) -> Any:
        database = open_database(f"sqlite:///{self.new_file()}", create=True)
        self.held.callback(database.close)
        return SQLAlchemyApplicationRecorder(database, originator_id_type="text")


class TestBridgeOverOurPostgres(PostgresContract, BridgeContract):
    examples = 15

    def make_recorder(self) -> Any:
        database = open_database(self.new_postgres(), create=True)
        self.held.callback(database.close)
        return SQLAlchemyApplicationRecorder(database, originator_id_type="text")


class RecorderWithGaps(POPOApplicationRecorder):
    """Positions leap by ever other steps, as those of some stores behind extensions do."""

    @staticmethod
    def outside(position: int) -> int:
        return position * 7 + position % 3

    def inside(self, position: int) -> int:
        return sum(self.outside(n) <= position for n in range(1, len(self._stored_events) + 1))

    def insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        return [self.outside(n) for n in super().insert_events(stored_events, **kwargs) or ()]

    def max_notification_id(self) -> int | None:
        found = super().max_notification_id()
        return None if found is None else self.outside(found)

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        assert start is not None
        assert not inclusive_of_start
        found = super().select_notifications(
            self.inside(start),
            limit,
            None if stop is None else self.inside(stop),
            topics,
            inclusive_of_start=False,
        )
        return [
            Notification(
                id=self.outside(one.id),
                originator_id=one.originator_id,
                originator_version=one.originator_version,
                topic=one.topic,
                state=one.state,
            )
            for one in found
        ]


class TestBridgeOverGaps(BridgeContract):
    many = 1_234

    def make_recorder(self) -> Any:
        return RecorderWithGaps()


# --- what the bridge makes of what recorders do not promise --------------------------------------


@pytest.fixture
def codec() -> Iterator[Codec]:
    vault = LocalVault()
    yield Codec(CATALOG, vault)
    vault.close()


def commit(
    command: str, text: str, tip: Tip | None = None, *, digest: str = "d", stream: str = "a/1"
) -> Commit:
    envelope = Envelope(
        "system:test", command, Noted(text), date(2011, 7, 1), datetime(2011, 7, 1, tzinfo=UTC)
    )
    return Commit(command, digest, (StreamAppend(stream, tip or Tip(), "V1", (envelope,)),))


class LosesAcknowledgements(POPOApplicationRecorder):
    """Inserts, and then loses the connection before it can say so."""

    lose = False

    def insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        positions = super().insert_events(stored_events, **kwargs)
        if self.lose:
            raise OperationalError("the connection was lost")
        return positions


@pytest.mark.rule("LOG-01")
def test_a_lost_acknowledgement_is_unknown_and_the_same_command_resolves_it(codec: Codec) -> None:
    recorder = LosesAcknowledgements()
    log = CodecEventLog(RecorderStore(recorder), codec)
    recorder.lose = True
    with pytest.raises(CommitUnknown) as raised:
        log.append([commit("c1", "1")])
    assert raised.value.command == "c1"
    recorder.lose = False
    [done] = log.append([commit("c1", "1")])
    assert done == Appended("c1", "d", 1, 1)
    assert log.head() == 1


@pytest.mark.rule("LOG-01")
def test_a_bridge_that_begins_later_knows_the_id_but_not_the_content(codec: Codec) -> None:
    """The digest of a command is not in its events: what is then possible is written down."""
    recorder = POPOApplicationRecorder()
    first = CodecEventLog(RecorderStore(recorder), codec)
    [done] = first.append([commit("c1", "1")])
    with pytest.raises(CommandReused):
        first.append([commit("c1", "2", digest="other")])
    later = CodecEventLog(RecorderStore(recorder), codec)
    assert later.outcomes(["c1"]) == {"c1": done._replace(digest="")}
    assert later.append([commit("c1", "2", digest="other")]) == [done._replace(digest="other")]
    assert [recorded.event for recorded in later.feed()] == [Noted("1")]


@pytest.mark.rule("LOG-01")
def test_a_gap_that_the_recorder_would_take_is_a_conflict(codec: Codec) -> None:
    recorder = POPOApplicationRecorder()
    log = CodecEventLog(RecorderStore(recorder), codec)
    log.append([commit("c1", "1")])
    with pytest.raises(Conflict):
        log.append([commit("c5", "5", Tip(4))])
    recorder.insert_events([StoredEvent("a/1", 5, "contract.noted/1", b"{}")])  # it would


@pytest.mark.rule("LOG-01")
def test_a_writer_who_comes_between_is_a_conflict(codec: Codec) -> None:
    recorder = POPOApplicationRecorder()
    one, other = (CodecEventLog(RecorderStore(recorder), codec) for _ in range(2))

    def commits() -> Iterator[Commit]:
        yield commit("c1", "1")
        other.append([commit("c2", "2")])
        yield commit("c3", "3", stream="a/3")

    with pytest.raises(Conflict) as raised:
        one.append(commits())
    assert (raised.value.stream, raised.value.expected, raised.value.actual) == ("a/1", 0, 1)

    def more() -> Iterator[Commit]:
        yield commit("c4", "4", stream="a/4")
        other.append([commit("c5", "5", stream="a/5")])
        yield commit("c6", "6", stream="a/6")

    # The places that were given are the true ones, not those that were to be expected.
    assert one.append(more()) == [Appended("c4", "d", 3, 3), Appended("c6", "d", 4, 4)]
    assert [e.envelope.command for e in one.feed()] == ["c2", "c5", "c4", "c6"]


@pytest.mark.rule("LOG-01")
def test_events_that_are_not_of_this_library_stop_the_bridge(codec: Codec) -> None:
    """A command that cannot be read might be the one that comes again."""
    recorder = POPOApplicationRecorder()
    recorder.insert_events([StoredEvent("a/1", 1, "other", b'{"name":"x"}')])
    log = CodecEventLog(RecorderStore(recorder), codec)
    with pytest.raises(UnreadableEvent) as raised:
        log.append([commit("c1", "1", stream="a/2")])
    assert (raised.value.position, raised.value.stream) == (1, "a/1")
    assert recorder.max_notification_id() == 1
    assert not log.verify().intact


@pytest.mark.rule("LOG-03")
def test_a_changed_text_is_found_behind_a_bridge(codec: Codec) -> None:
    recorder = POPOApplicationRecorder()
    log = CodecEventLog(RecorderStore(recorder), codec)
    log.append([commit("c1", "1"), commit("c2", "2", Tip(1))])
    stored = recorder._stored_events[1]
    changed = StoredEvent("a/1", 2, stored.topic, stored.state.replace(b'"2"', b'"3"'))
    recorder._stored_events[1] = changed
    assert log.verify().first_fault == ChainFault(2, "a/1", "digest")


def test_a_recorder_that_cannot_hold_a_log_is_refused(
    tmp_path: Path, postgres_url: str, codec: Codec
) -> None:
    ids = SQLiteDatastore(str(tmp_path / "ids.db"))
    with pytest.raises(Invalid, match="originator_id_type"):
        RecorderStore(SQLiteApplicationRecorder(ids))
    ids.close()
    ours = open_database(f"sqlite:///{tmp_path}/ours.db", create=True)
    with pytest.raises(Invalid, match="originator_id_type"):
        RecorderStore(SQLAlchemyApplicationRecorder(ours))
    ours.close()
    functions = their_postgres(postgres_url, enable_db_functions=True)
    with pytest.raises(Invalid, match="miss events"):
        RecorderStore(PostgresApplicationRecorder(functions, events_table_name="events"))
    functions.close()
    plain = their_postgres(postgres_url)
    recorder = PostgresApplicationRecorder(plain, events_table_name="events")
    recorder.create_table()
    log = CodecEventLog(RecorderStore(recorder), codec)
    long = [commit(f"c{n}", "long" * 15_000, tip=Tip(n)) for n in range(7)]
    with pytest.raises(Invalid, match="smaller parts"):
        log.append(long)
    assert log.head() == 0
    plain.close()


@pytest.mark.rule("LOG-03")
@pytest.mark.parametrize("store", ["sqlite", "postgres", "mariadb"])
def test_households_can_be_cut_into_parts_of_about_one_size(
    store: str, tmp_path: Path, codec: Codec, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path}/a.db"
    if store != "sqlite":
        url = request.getfixturevalue(f"{store}_url")
    database = open_database(url, create=True)
    log = CodecEventLog(database, codec)
    assert database.cuts(4) == []
    for n, household in enumerate(["V3", "", "V1", "v1", "é", "V2", "V3", "V3", "V4"]):
        one = commit(f"c{n}", "x", stream=f"a/{n}")
        moved = one.appends[0]._replace(household=household)
        log.append([one._replace(appends=(moved,))])
    for parts in range(1, 12):
        cuts = database.cuts(parts)
        assert cuts == sorted(set(cuts))
        assert len(cuts) < parts or parts == 1
        ranges = pairwise(["", *cuts, None])
        told = [group for part in ranges for group in log.facts(within=part)]
        assert told == list(log.facts())
    assert database.cuts(2) == ["V3"]
    log.close()


def test_a_log_can_move_from_a_recorder_of_ours_to_the_tables_themselves(
    tmp_path: Path, codec: Codec
) -> None:
    """The stored text is the same in every store, so the chain is too."""
    database = open_database(f"sqlite:///{tmp_path}/a.db", create=True)
    recorder = SQLAlchemyApplicationRecorder(database, originator_id_type="text")
    bridged = CodecEventLog(RecorderStore(recorder), codec)
    plain = CodecEventLog(MemoryStore(), codec)
    for log in (bridged, plain):
        log.append([commit("c1", "1"), commit("c2", "2", Tip(1))])
    assert [row[5] for row in bridged.store.raw()] == [row[5] for row in plain.store.raw()]
    found = bridged.verify()
    assert (found.intact, found.root) == (True, plain.verify().root)
    assert set(found.unchecked) > set(plain.verify().unchecked)
    database.close()
