"""Followers hear of news at once, miss none if a word is lost, cost nothing while all is quiet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from queue import Empty, Queue
from threading import Event, Thread
from time import monotonic, sleep
from typing import Any

import pytest
from sqlalchemy.engine import make_url

from crm_adapters.eventlog.bell import Bell
from crm_adapters.eventlog.log import CodecEventLog
from crm_adapters.eventlog.memory import MemoryStore
from crm_adapters.eventlog.opening import open_database
from crm_adapters.eventlog.postgres import PostgresDatabase
from crm_adapters.eventsourcing import RecorderStore, SQLAlchemyApplicationRecorder
from crm_core.errors import StoreUnreachable
from faults.cluster import Cluster
from faults.logs import codec, note, open_log

STORES = ["memory", "sqlite", "postgresql", "bridge"]
Seen = Queue[tuple[str, float]]
"""Texts of events, and when they came."""

POLL = 5.0
"""So long that whoever waits for it has heard nothing."""


@pytest.fixture
def make(
    tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Callable[[str], tuple[CodecEventLog, CodecEventLog]]]:
    """A log to write to and the same log to follow, as two programs have it where that can be."""

    def logs(store: str) -> tuple[CodecEventLog, CodecEventLog]:
        if store == "memory":
            one = CodecEventLog(MemoryStore(), codec())
            return one, one
        if store == "bridge":
            database = open_database(f"sqlite:///{tmp_path}/bridge.db", create=True)
            recorder = SQLAlchemyApplicationRecorder(database, originator_id_type="text")
            bridged = CodecEventLog(RecorderStore(recorder), codec())
            held.callback(database.close)
            return bridged, bridged
        url = f"sqlite:///{tmp_path}/crm.db"
        if store == "postgresql":
            url = request.getfixturevalue("postgres_url")
        opened = [held.enter_context(closing(open_log(url))) for _ in range(2)]
        # In SQLite nobody tells other programs; there a follower hears of its own log object.
        return (opened[0], opened[1]) if store == "postgresql" else (opened[0], opened[0])

    with ExitStack() as held:
        yield logs


@contextmanager
def following(
    log: CodecEventLog, poll: float, **options: Any
) -> Iterator[Queue[tuple[str, float]]]:
    """What a follower sees, and when."""
    stop, seen = Event(), Seen()

    def follow() -> None:
        for one in log.follow(stop=stop, poll_seconds=poll, **options):
            seen.put((one.event.text, monotonic()))

    thread = Thread(target=follow)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        # It looks whether to stop when it wakes.
        bell = getattr(log.store, "bell", None)
        while thread.is_alive():
            if bell is not None:
                bell.ring()
            thread.join(0.05)


@pytest.mark.rule("LOG-03")
@pytest.mark.parametrize("store", STORES)
def test_news_come_long_before_the_next_poll(store: str, make: Any) -> None:
    writer, reader = make(store)
    with following(reader, POLL) as seen:
        # By now it waits as long as it ever does.
        sleep(0.5)
        for n in range(5):
            written = monotonic()
            writer.append([note(f"c{n}", f"a/{n}", None, (f"{n}",))])
            text, at = seen.get(timeout=POLL * 0.8)
            assert text == f"{n}"
            assert at - written < POLL / 2
            sleep(0.05)
        writer.append(iter([note("bulk", "b/1", None, ("x", "y"))]))
        assert [seen.get(timeout=POLL * 0.8)[0] for _ in range(2)] == ["x", "y"]


@pytest.mark.rule("LOG-03")
@pytest.mark.parametrize("store", ["memory", "sqlite", "postgresql"])
def test_a_lost_word_costs_at_most_one_poll(
    store: str, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Bell, "ring", lambda _: None)
    monkeypatch.setattr(PostgresDatabase, "_announce", lambda *_: None)
    writer, reader = make(store)
    poll = 0.3
    with following(reader, poll) as seen:
        # Long enough for a pause that grew without end to have grown too long.
        sleep(1.5)
        for n in range(2):
            written = monotonic()
            writer.append([note(f"c{n}", f"a/{n}", None, (f"{n}",))])
            text, at = seen.get(timeout=5)
            assert text == f"{n}"
            assert at - written < poll + 0.4
            sleep(0.5)


@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
def test_an_idle_follower_asks_once_a_poll(
    store: str, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer, reader = make(store)
    writer.append([note("c0", "a/0", None, ("before",))])
    asked: list[float] = []
    rows = type(reader.store).rows

    def counted(self: Any, *statement: Any) -> Any:
        asked.append(monotonic())
        return rows(self, *statement)

    with following(reader, 0.5) as seen:
        assert seen.get(timeout=5)[0] == "before"
        sleep(1.2)
        monkeypatch.setattr(type(reader.store), "rows", counted)
        sleep(2.0)
        count = len(asked)
    assert 2 <= count <= 6, "it asks without pause, or not at all"


@pytest.mark.parametrize("store", STORES)
def test_a_follower_stops_when_it_is_told(store: str, make: Any) -> None:
    writer, reader = make(store)
    writer.append([note("c0", "a/0", None, ("before",))])
    stop, ended = Event(), Event()

    def follow() -> None:
        for _ in reader.follow(stop=stop, poll_seconds=0.1):
            pass
        ended.set()

    thread = Thread(target=follow)
    thread.start()
    sleep(0.2)
    assert not ended.is_set()
    stop.set()
    assert ended.wait(2)
    thread.join()
    # One that is told before it begins reads nothing.
    assert list(reader.follow(stop=stop)) == []


@pytest.mark.rule("LOG-03")
def test_a_follower_of_some_names_is_not_held_up_by_others(make: Any) -> None:
    writer, reader = make("sqlite")
    writer.append([note("c0", "a/0", None, ("before",))])
    with following(reader, 0.1, names=["contract.counted/2"]) as seen:
        sleep(0.2)
        with pytest.raises(Empty):
            seen.get_nowait()


# --- PostgreSQL ----------------------------------------------------------------------------------


@pytest.mark.rule("LOG-03")
def test_a_follower_goes_on_when_the_server_comes_back(cluster: Cluster) -> None:
    """While it is away the follower says so; begun again, it goes on behind what it had read."""
    url = cluster.make_database("followed")
    with closing(open_log(url)) as log, closing(open_log(url)) as writer:
        stop, seen, failed = Event(), Queue[str](), list[StoreUnreachable]()

        def follow() -> None:
            after = 0
            while not stop.is_set():
                try:
                    for one in log.follow(after=after, stop=stop, poll_seconds=0.2):
                        after = one.position
                        seen.put(one.event.text)
                except StoreUnreachable as error:
                    failed.append(error)
                    sleep(0.02)

        thread = Thread(target=follow)
        thread.start()
        try:
            for n in range(3):
                writer.append([note(f"c{n}", f"a/{n}", None, (f"{n}",))])
                assert seen.get(timeout=10) == f"{n}"
                cluster.kill()
                sleep(0.5)
                cluster.start()
            writer.append([note("last", "b/0", None, ("last",))])
            assert seen.get(timeout=10) == "last"
            assert failed
        finally:
            stop.set()
            thread.join()


@pytest.mark.rule("LOG-03")
def test_a_listener_whose_line_is_cut_polls_and_listens_again(
    postgres_url: str, postgres_admin: Any
) -> None:
    """The follower's own line to the server ends, and nothing else: nobody notices."""
    database = make_url(postgres_url).database
    end = (
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        " WHERE datname = %s AND query LIKE 'LISTEN%%'"
    )
    with (
        closing(open_log(postgres_url)) as log,
        closing(open_log(postgres_url)) as writer,
        following(log, 0.3) as seen,
    ):
        for n in range(2):
            sleep(0.6)
            assert postgres_admin.execute(end, (database,)).fetchone() == (1,)
            writer.append([note(f"c{n}", f"a/{n}", None, (f"{n}",))])
            assert seen.get(timeout=5)[0] == f"{n}"


@pytest.mark.rule("LOG-07")
def test_news_of_another_tenant_wake_nobody_for_long(postgres_url: str) -> None:
    with (
        closing(open_log(postgres_url, "a")) as log,
        closing(open_log(postgres_url, "b")) as other,
        following(log, 0.2) as seen,
    ):
        for n in range(5):
            other.append([note(f"c{n}", f"a/{n}", None, ("theirs",))])
        log.append([note("c0", "a/0", None, ("ours",))])
        assert seen.get(timeout=5)[0] == "ours"
        sleep(0.3)
        assert seen.empty()
