"""What our recorders keep beyond the library's own tests, which run in `tests/upstream`."""

from __future__ import annotations

import threading
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from eventsourcing.persistence import (
    IntegrityError,
    OperationalError,
    ProgrammingError,
    StoredEvent,
    Tracking,
)

from crm_adapters.codec import Codec, StoredRow
from crm_adapters.eventlog.database import Database
from crm_adapters.eventlog.log import CodecEventLog
from crm_adapters.eventlog.opening import open_database
from crm_adapters.eventlog.store import Batch
from crm_adapters.eventsourcing import (
    SQLAlchemyAggregateRecorder,
    SQLAlchemyApplicationRecorder,
    SQLAlchemyProcessRecorder,
    SQLAlchemySnapshotRecorder,
)
from crm_adapters.keys import LocalVault
from crm_core.testing.contracts.events import CATALOG

# --- what we add ---------------------------------------------------------------------------------


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/recorder.db"
    else:
        url = request.getfixturevalue("postgres_url")
    database = open_database(url, create=True, contiguous=True)
    yield database
    database.close()


@pytest.fixture
def recorder(database: Database) -> SQLAlchemyProcessRecorder:
    return SQLAlchemyProcessRecorder(database, originator_id_type="text", poll_seconds=0.05)


def stored(stream: Any, version: int, state: bytes = b"{}", topic: str = "t") -> StoredEvent:
    return StoredEvent(stream, version, topic, state)


def versions(recorder: SQLAlchemyAggregateRecorder, stream: Any = "a") -> list[int]:
    return [event.originator_version for event in recorder.select_events(stream)]


@pytest.mark.rule("LOG-01")
@pytest.mark.parametrize("begin", [0, 1])
def test_a_stream_begins_at_0_or_1_and_grows_by_one(
    recorder: SQLAlchemyProcessRecorder, begin: int
) -> None:
    recorder.insert_events([stored("a", begin), stored("b", 1 - begin), stored("a", begin + 1)])
    recorder.insert_events([stored("a", begin + 2)])
    assert versions(recorder) == [begin, begin + 1, begin + 2]
    for wrong in (-1, 0, 1, begin + 2, begin + 4, 99):
        with pytest.raises(IntegrityError):
            recorder.insert_events([stored("c", 1), stored("a", wrong)])
    for gap in ([stored("c", 2)], [stored("c", 1), stored("c", 3)], [stored("c", -1)]):
        with pytest.raises(IntegrityError):
            recorder.insert_events(gap)
    assert versions(recorder, "c") == []
    assert recorder.max_notification_id() == 4


@pytest.mark.rule("LOG-01")
def test_a_stream_that_began_at_1_gets_no_version_0(recorder: SQLAlchemyProcessRecorder) -> None:
    recorder.insert_events([stored("a", 1)])
    with pytest.raises(IntegrityError):
        recorder.insert_events([stored("a", 0)])
    assert versions(recorder) == [1]


@pytest.mark.rule("LOG-01")
@pytest.mark.parametrize(
    "state",
    [
        b"",
        zlib.compress(b"{}" * 50),
        b"\xff\xfe",
        b"\xed\xa0\x80",
        b"a\x00b",
        b'\x1e{"base64":1}\nx',
    ],
)
def test_states_that_are_no_text_come_back_as_the_same_bytes(
    recorder: SQLAlchemyProcessRecorder, state: bytes
) -> None:
    events = [stored("a", 1), stored("a", 2, state)]
    recorder.insert_events(events, tracking=Tracking("upstream", 1))
    assert recorder.select_events("a") == events
    assert [one.state for one in recorder.select_notifications(1, 10)] == [b"{}", state]


@pytest.mark.rule("LOG-01")
def test_what_a_later_version_has_stored_is_not_read_without_a_word(
    recorder: SQLAlchemyProcessRecorder,
) -> None:
    """UUIDs and metadata have no place in the events of version 9."""
    head = '\x1e{"metadata": {"causation_id": "c"}, "uuid": "00000000-0000-0000-0000-000000000001"}'
    row = StoredRow(0, "a", 1, "t", "", f"{head}\n{{}}")
    recorder.database.insert(Batch([row], {"a": 0}, ()))
    with pytest.raises(ProgrammingError, match="version 10"):
        recorder.select_events("a")
    with pytest.raises(ProgrammingError, match="version 10"):
        recorder.select_notifications(1, 10)


def test_snapshots_leap_and_are_kept_once(database: Database) -> None:
    recorder = SQLAlchemySnapshotRecorder(database, originator_id_type="text")
    recorder.insert_events([stored("a", 7), stored("a", 3), stored("b", 50)])
    assert versions(recorder) == [3, 7]
    with pytest.raises(IntegrityError, match="version 7"):
        recorder.insert_events([stored("c", 1), stored("a", 7)])
    assert versions(recorder, "c") == []
    # They are no events: nobody who follows sees them, and a verifier finds nothing strange.
    assert database.head() == 0
    assert CodecEventLog(database, Codec(CATALOG, LocalVault())).verify().intact


@pytest.mark.parametrize(
    "event",
    [stored("a\0b", 1), stored("\ud800", 1), stored("a", 1, topic="\0"), stored(uuid4(), 1)],
)
def test_ids_and_topics_that_are_not_text_are_refused(
    recorder: SQLAlchemyProcessRecorder, event: StoredEvent
) -> None:
    with pytest.raises(ProgrammingError):
        recorder.insert_events([event])
    with pytest.raises(ProgrammingError):
        recorder.select_events(uuid4())
    assert recorder.max_notification_id() is None


def test_any_text_comes_back_as_the_same_bytes(recorder: SQLAlchemyProcessRecorder) -> None:
    state = '{"a":"星\U0001f3e0 \\u0000 \x01 \ufeff %s ? \'"}'.encode()
    recorder.insert_events([stored("户/一 '", 1, state, "主题")])
    [found] = recorder.select_events("户/一 '")
    assert found == stored("户/一 '", 1, state, "主题")
    [notification] = recorder.select_notifications(None, 10, topics=["主题"])
    assert (notification.state, notification.originator_id) == (state, "户/一 '")


def test_ids_are_of_the_declared_kind(database: Database) -> None:
    recorder = SQLAlchemyApplicationRecorder(database)
    one = uuid4()
    recorder.insert_events([stored(one, 1)])
    [notification] = recorder.select_notifications(1, 1)
    assert isinstance(notification.originator_id, UUID)
    assert notification.originator_id == one
    with pytest.raises(ProgrammingError, match="uuid ids"):
        recorder.insert_events([stored("a", 1)])
    SQLAlchemyApplicationRecorder(database, originator_id_type="text").insert_events(
        [stored("a", 1)]
    )
    with pytest.raises(ProgrammingError, match="not a UUID"):
        recorder.select_notifications(1, 10)
    with pytest.raises(ProgrammingError, match="not `integer`"):
        SQLAlchemyApplicationRecorder(database, originator_id_type="integer")  # type: ignore[arg-type]


@pytest.mark.rule("LOG-01")
def test_events_and_tracking_are_recorded_together_or_not_at_all(
    recorder: SQLAlchemyProcessRecorder,
) -> None:
    recorder.insert_events([stored("a", 1)], tracking=Tracking("upstream", 5))
    with pytest.raises(IntegrityError):
        recorder.insert_events([stored("a", 3)], tracking=Tracking("upstream", 6))
    assert recorder.max_tracking_id("upstream") == 5
    with pytest.raises(IntegrityError):
        recorder.insert_events([stored("a", 2)], tracking=Tracking("upstream", 5))
    assert versions(recorder) == [1]
    assert recorder.insert_events([], tracking=Tracking("upstream", 6)) == []
    assert recorder.max_tracking_id("upstream") == 6


def test_a_recorder_that_cannot_track_says_so(database: Database) -> None:
    recorder = SQLAlchemyApplicationRecorder(database, originator_id_type="text")
    with pytest.raises(ProgrammingError, match="cannot record tracking"):
        recorder.insert_events([stored("a", 1)], tracking=Tracking("upstream", 1))
    assert recorder.max_notification_id() is None


@pytest.mark.rule("LOG-03")
def test_a_subscription_sees_each_event_of_its_topics_once(
    recorder: SQLAlchemyProcessRecorder,
) -> None:
    """More than one page behind it and then live, with few of the wanted topic among many."""
    recorder.insert_events(
        [stored("a", n, topic="wanted" if n % 100 == 0 else "other") for n in range(1, 1_201)]
    )
    with recorder.subscribe() as subscription:
        assert [next(subscription).id for _ in range(1_200)] == list(range(1, 1_201))
    found = []
    with recorder.subscribe(gt=100, topics=["wanted"]) as subscription:
        for notification in subscription:
            found.append(notification.id)
            if notification.id == 1_200:
                recorder.insert_events([stored("b", n, topic="other") for n in range(1, 600)])
                recorder.insert_events([stored("c", 1, topic="wanted")])
            if notification.id == 1_800:
                break
    assert found == [*range(200, 1_201, 100), 1_800]


@pytest.mark.rule("LOG-03")
def test_a_subscription_costs_at_most_one_sleep(recorder: SQLAlchemyProcessRecorder) -> None:
    seen: list[float] = []
    with recorder.subscribe() as subscription:

        def follow() -> None:
            seen.extend(time.monotonic() for _ in subscription)

        reader = threading.Thread(target=follow)
        reader.start()
        time.sleep(0.12)
        written = time.monotonic()
        recorder.insert_events([stored("a", 1)])
        while not seen and time.monotonic() < written + 10:
            time.sleep(0.005)
        # Stopping wakes a reader that sleeps.
        subscription.stop()
        reader.join(10)
    assert not reader.is_alive()
    assert len(seen) == 1
    assert seen[0] - written < recorder.poll_seconds + 1


def test_a_store_that_is_gone_is_an_operational_error(
    tmp_path: Path, postgres_url: str, postgres_admin: Any
) -> None:
    database = open_database(postgres_url, create=True)
    recorder = SQLAlchemyProcessRecorder(database, originator_id_type="text")
    recorder.insert_events([stored("a", 1)])
    name = database.engine.url.database
    postgres_admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    for use in (
        lambda: recorder.insert_events([stored("a", 2)]),
        lambda: recorder.select_events("a"),
        recorder.max_notification_id,
        lambda: recorder.max_tracking_id("upstream"),
    ):
        with pytest.raises(OperationalError):
            use()
    database.close()
    postgres_admin.execute(f'CREATE DATABASE "{name}"')


@pytest.mark.rule("LOG-03")
def test_names_are_sorted_by_code_point(postgres_url: str, postgres_admin: Any) -> None:
    """Whatever language the server sorts by, a log's order is that of Python and SQLite."""
    database = open_database(postgres_url, create=True)
    found = database.rows(
        "SELECT attname, collname FROM pg_attribute JOIN pg_collation c ON attcollation = c.oid"
        " WHERE attrelid = 'crm_events'::regclass AND attname <> 'state'",
        (),
    )
    database.close()
    assert dict(found) == {"tenant": "C", "stream": "C", "name": "C", "household": "C"}
