"""The server is killed under load and started again: what was acknowledged stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from random import Random
from threading import Event, Thread
from time import monotonic, sleep

import psycopg
import pytest
from attrs import define, field

from crm_adapters.eventlog.log import CodecEventLog
from crm_core.errors import CommitUnknown, Failed, StoreUnreachable
from crm_core.kernel.recorded import Commit, Tip
from faults.cluster import Cluster
from faults.logs import note, open_log

LONG, SHORT = 200, 8
WRITERS = 4


@define
class Writer:
    """Writes on and on; what it is not told about, it asks for again with the same ids."""

    log: CodecEventLog
    name: str
    bulk: bool
    acknowledged: list[str] = field(factory=list)
    troubles: Counter[str] = field(factory=Counter)
    last_trouble: float = 0.0

    def run(self, stop: Event) -> None:
        n = 0
        while not stop.is_set():
            commits = self.commits(n)
            self.send(commits)
            self.acknowledged += [commit.command for commit in commits]
            n += 1

    def commits(self, n: int) -> list[Commit]:
        """Two events of one command, or three commands of two events each."""
        return [
            note(f"{self.name}-{n}-{c}", f"{self.name}/{n}-{c}", None, ("first", "second"))
            for c in range(3 if self.bulk else 1)
        ]

    def send(self, commits: list[Commit]) -> None:
        try:
            self.log.append(iter(commits) if self.bulk else commits)
            return
        except (CommitUnknown, StoreUnreachable) as error:
            self.trouble(error)
        while True:
            try:
                self.log.append(commits)
                return
            except (CommitUnknown, StoreUnreachable) as error:
                self.trouble(error)
                sleep(0.005)

    def trouble(self, error: Failed) -> None:
        self.troubles[type(error).__name__] += 1
        self.last_trouble = monotonic()


@pytest.fixture
def url(cluster: Cluster) -> Iterator[str]:
    yield cluster.make_database("killed")
    cluster.start()


def kill_under_load(
    cluster: Cluster, url: str, kills: int, random: Random
) -> tuple[list[Writer], list[float]]:
    """Kill and start again, so many times; the writers, and when the server was back each time."""
    log = open_log(url)
    writers = [Writer(log, f"w{n}", bulk=n == 0) for n in range(WRITERS)]
    stop, back = Event(), list[float]()
    threads = [Thread(target=writer.run, args=(stop,)) for writer in writers]
    for thread in threads:
        thread.start()
    try:
        for _ in range(kills):
            sleep(0.1 + random.random() * 0.2)
            cluster.kill()
            cluster.start()
            back.append(monotonic())
        sleep(0.3)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        log.close()
    return writers, back


def check(url: str, acknowledged: list[str]) -> int:
    """All of it stands once, every command whole; how many events there are."""
    with closing(open_log(url)) as log:
        stands = Counter(one.envelope.command for one in log.feed(upto=2**62))
        assert set(acknowledged) <= set(stands), "acknowledged and lost"
        assert set(stands.values()) <= {2}, "in part, or doubled"
        assert len(acknowledged) == len(set(acknowledged))
        assert set(log.outcomes(list(stands))) == set(stands)
        verified = log.verify()
        assert verified.intact
        assert verified.events == sum(stands.values()) > 0
        assert log.head() == log.store.frontier().position
    return verified.events


@pytest.mark.rule("LOG-01")
def test_what_was_acknowledged_outlives_the_server(
    cluster: Cluster, url: str, seeded: Random, long: bool
) -> None:
    kills = LONG if long else SHORT
    writers, back = kill_under_load(cluster, url, kills, seeded)
    events = check(url, [command for writer in writers for command in writer.acknowledged])
    troubles = sum((writer.troubles for writer in writers), Counter[str]())
    print(f"{kills} kills, {events} events, troubles met: {dict(troubles)}")
    for writer in writers:
        assert writer.acknowledged
        # Soon after the server is back all connections are good again, by themselves.
        assert writer.last_trouble < back[-1] + 0.2
    assert troubles


def test_a_server_that_does_not_flush_is_not_what_this_is_about(
    cluster: Cluster, url: str, seeded: Random
) -> None:
    """Planted: an acknowledgement before the commit is on the disk is caught by the same check."""
    open_log(url).close()  # The tables themselves are on the disk before.
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER DATABASE killed SET synchronous_commit = off")
        connection.execute("ALTER SYSTEM SET wal_writer_delay = '10s'")
        connection.execute("SELECT pg_reload_conf()")
    try:
        writers, _ = kill_under_load(cluster, url, 3, seeded)
        with pytest.raises(AssertionError, match="acknowledged and lost"):
            check(url, [command for writer in writers for command in writer.acknowledged])
    finally:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM RESET wal_writer_delay")
            connection.execute("SELECT pg_reload_conf()")


# --- connections after the server was away -------------------------------------------------------


def fill(log: CodecEventLog, connections: int) -> None:
    """Have so many connections opened for reading and for writing, and left idle."""
    barrier = Event()

    def both(n: int) -> None:
        with log.store.transaction():  # type: ignore[attr-defined]
            log.tips([f"x/{n}"])
            barrier.wait(0.3)

    threads = [Thread(target=both, args=(n,)) for n in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


READS: dict[str, Callable[[CodecEventLog], object]] = {
    "read": lambda log: list(log.read("a/1")),
    "fold": lambda log: log.fold("a/1", lambda state, _: state, None),
    "tips": lambda log: log.tips(["a/1"]),
    "feed": lambda log: list(log.feed()),
    "households": lambda log: list(log.by_household()),
    "outcomes": lambda log: log.outcomes(["c1"]),
    "head": lambda log: log.head(),
    "verify": lambda log: log.verify(),
}


@pytest.mark.parametrize("first", ["tips", "verify", "feed"])
def test_reading_is_typed_trouble_while_the_server_is_away_and_none_when_it_is_back(
    cluster: Cluster, url: str, first: str
) -> None:
    log = open_log(url)
    log.append([note("c1", "a/1")])
    before = {what: read(log) for what, read in READS.items()}
    fill(log, 4)
    cluster.kill()
    cluster.start()
    # The very first, with nothing but dead connections in the pool.
    assert READS[first](log) == before[first]
    assert {what: read(log) for what, read in READS.items()} == before
    cluster.kill()
    for read in READS.values():
        with pytest.raises(StoreUnreachable):
            read(log)
    cluster.start()
    assert {what: read(log) for what, read in READS.items()} == before
    log.close()


def test_the_first_append_after_the_server_was_away_goes_through(
    cluster: Cluster, url: str
) -> None:
    """Connections that have died while nobody used them are not written to."""
    log = open_log(url)
    tip = Tip()
    for n in range(2):
        log.append([note(f"c{n}", "a/1", tip)])
        tip = log.tips(["a/1"])["a/1"]
        fill(log, 4)
        cluster.kill()
        cluster.start()
        log.append([note(f"d{n}", "a/1", tip)])
        log.append(iter([note(f"e{n}", f"b/{n}")]))
        tip = log.tips(["a/1"])["a/1"]
    assert log.tips(["a/1"])["a/1"].version == 4
    log.close()
