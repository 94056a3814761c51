"""A log restored into another cluster, whose transaction ids are others, goes on where it ended."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from contextlib import closing
from functools import partial
from threading import Event, Thread
from typing import Any

import psycopg
import pytest

from crm_adapters.eventlog.log import CodecEventLog
from crm_adapters.eventlog.postgres import PostgresDatabase
from crm_adapters.eventlog.routines import ROUTINES, SETTLED
from crm_core.ports import Frontier
from faults.cluster import Cluster, burn_ids, next_id
from faults.logs import batch, note, open_log, texts

AHEAD = 30_000
"""By how many transaction ids one cluster is ahead of the other."""

Move = Callable[[str], str]
"""Restores the database behind one URL elsewhere; the URL there."""


@pytest.fixture
def new_url(cluster: Cluster, request: pytest.FixtureRequest) -> Callable[[], str]:
    def make() -> str:
        return cluster.make_database(request.node.name.partition("[")[0][:60])

    return make


def carry(cluster: Cluster, source: str, target: str) -> str:
    file = cluster.folder / "log.dump"
    for program, *arguments in (
        ("pg_dump", "--format=custom", f"--file={file}", source),
        ("pg_restore", "--exit-on-error", f"--dbname={target}", str(file)),
    ):
        subprocess.run([cluster.programs / program, *arguments], check=True, capture_output=True)
    return target


@pytest.fixture(params=["lower", "higher"])
def moved(
    request: pytest.FixtureRequest,
    cluster: Cluster,
    new_url: Callable[[], str],
    new_postgres: Callable[[], str],
) -> tuple[str, Move]:
    """Where a log is made, and how it gets to a cluster whose ids are lower, or higher."""
    here, there = new_postgres(), new_url()
    source, target = (here, there) if request.param == "lower" else (there, here)
    with psycopg.connect(cluster.url() if source is here else target) as other:
        behind = next_id(other)
    if request.param == "lower":
        burn_ids(source, behind + AHEAD)
    else:
        with psycopg.connect(source) as other:
            burn_ids(target, next_id(other) + AHEAD)
    return source, lambda url: carry(cluster, url, target)


def fill(url: str, tenant: str = "", count: int = 5) -> list[str]:
    """Write so many commands of two events each, with ids used up in between."""
    with closing(open_log(url, tenant)) as log:
        for n in range(count):
            log.append([note(f"{tenant}{n}", f"a/{n}", None, (f"{tenant}{n}.0", f"{tenant}{n}.1"))])
        return texts(log.feed())


def followed(log: CodecEventLog, count: int, after: int = 0) -> list[str]:
    """What a follower sees, until it has seen so many or has waited for too long."""
    stop, seen = Event(), list[str]()

    def follow() -> None:
        for one in log.follow(after=after, stop=stop, poll_seconds=0.05):
            seen.append(one.event.text)
            if len(seen) == count:
                return

    thread = Thread(target=follow)
    thread.start()
    thread.join(2)
    stop.set()
    thread.join()
    return seen


def goes_on(url: str, before: list[str], at: int, tenant: str = "") -> None:
    """The restored log is whole, and what is written now stands behind all that was there."""
    with closing(open_log(url, tenant)) as log, closing(open_log(url, tenant)) as reader:
        assert texts(log.feed()) == before, "hidden from the feed"
        assert log.head() == at, "hidden behind the head"
        assert log.store.frontier() == Frontier(at, 0, None)
        assert followed(reader, len(before)) == before, "hidden from followers"
        [done] = log.append([note("new1", "n/1", None, ("n1",))])
        assert done.first > at, "written before what was there"
        tip = log.tips(["a/0"])["a/0"]
        log.append([note("new2", "a/0", tip, ("n2",))])
        log.append(iter([note("new3", "n/3", None, ("n3",)), note("new4", "n/4", None, ("n4",))]))
        assert log.append([note("new1", "n/1", None, ("n1",))]) == [done]
        after = [*before, "n1", "n2", "n3", "n4"]
        assert texts(log.feed()) == texts(reader.feed()) == after
        assert followed(reader, 4, at) == after[-4:]
        assert [household for household, _ in log.by_household()] == ["V1"]
        verified = log.verify()
        assert (verified.intact, verified.events) == (True, len(after))


@pytest.mark.rule("LOG-03")
def test_a_restored_log_goes_on_behind_where_it_was(moved: tuple[str, Move]) -> None:
    source, move = moved
    before = fill(source)
    with closing(open_log(source)) as log:
        at = log.head()
    goes_on(move(source), before, at)


@pytest.mark.rule("LOG-03")
def test_a_restored_log_may_first_be_appended_to(moved: tuple[str, Move]) -> None:
    """Also in bulk, and where nothing has read it yet."""
    for first in ([note("new", "n/1")], iter([note("new", "n/1")])):
        source, move = moved
        if "0" not in texts_of(source):
            fill(source)
        with closing(open_log(source)) as log:
            at = log.head()
        url = move(source)
        with closing(open_log(url)) as log:
            [done] = log.append(first)
            assert done.first > at
            assert log.head() == done.last
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("DROP SCHEMA public CASCADE")
            connection.execute("CREATE SCHEMA public")


def texts_of(url: str) -> set[str]:
    with closing(open_log(url)) as log:
        return {text.partition(".")[0] for text in texts(log.feed())}


@pytest.mark.rule("LOG-03")
def test_a_contiguous_log_goes_on_contiguously(moved: tuple[str, Move]) -> None:
    source, move = moved
    open_log(source, contiguous=True).close()
    before = fill(source)
    goes_on(move(source), before, 10)


def never_anchored(database: PostgresDatabase) -> Frontier:
    [(_, _, position, _)] = database.rows(SETTLED, (database.tenant, database.tenant))
    return Frontier(int(position or 0), 0, None)


@pytest.mark.parametrize("moved", ["lower"], indirect=True)
def test_a_log_that_is_not_anchored_anew_is_caught(
    moved: tuple[str, Move], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted: neither readers nor writers notice that the cluster is another."""
    source, move = moved
    before = fill(source)
    with closing(open_log(source)) as log:
        at = log.head()
    url = move(source)
    with psycopg.connect(url, autocommit=True) as connection:
        for routine in ROUTINES:
            connection.execute(routine.replace("RAISE EXCEPTION 'restored'", "PERFORM 1; --"))
    monkeypatch.setattr(PostgresDatabase, "frontier", never_anchored)
    with pytest.raises(AssertionError, match="hidden"):
        goes_on(url, before, at)
    with closing(open_log(url)) as log:
        [done] = log.append([note("new", "n/1")])
        assert done.first < at, "the defect that was planted"


# --- several tenants -----------------------------------------------------------------------------


@pytest.mark.rule("LOG-03", "LOG-07")
@pytest.mark.parametrize("moved", ["lower"], indirect=True)
@pytest.mark.parametrize("order", ["ab", "ba"])
def test_each_tenant_goes_on_behind_its_own_last_event(moved: tuple[str, Move], order: str) -> None:
    source, move = moved
    before = {"a": fill(source, "a")}
    with psycopg.connect(source) as connection:
        burn_ids(source, next_id(connection) + AHEAD)
    before["b"] = fill(source, "b", 7)
    at = {}
    for tenant in "ab":
        with closing(open_log(source, tenant)) as log:
            at[tenant] = log.head()
    assert at["a"] < at["b"]
    url = move(source)
    for tenant in order:
        goes_on(url, before[tenant], at[tenant], tenant)
    for tenant in order:
        with closing(open_log(url, tenant)) as log:
            assert texts(log.feed())[: len(before[tenant])] == before[tenant]
            assert log.verify().intact
            log.append([note("last", "last/1", None, ("last",))])
            assert texts(log.feed())[-2:] == ["n4", "last"]


@pytest.mark.rule("LOG-03", "LOG-07")
@pytest.mark.parametrize("moved", ["lower"], indirect=True)
def test_anchoring_for_one_tenant_waits_for_what_another_is_writing(
    moved: tuple[str, Move],
) -> None:
    """Else the other's reader would pass a place that is still being written to."""
    source, move = moved
    fill(source, "a", 1)
    with psycopg.connect(source) as connection:
        burn_ids(source, next_id(connection) + AHEAD)
    fill(source, "b", 1)
    url = move(source)
    log = open_log(url, "a")
    seen = texts(log.feed())
    at = log.head()

    session = psycopg.connect(url, autocommit=True)
    session.execute("SELECT set_config('crm.tenant', 'a', false)")
    session.execute("BEGIN")
    store: Any = log.store
    store.insert_with(session.cursor(), batch(note("slow", "slow/1", None, ("slow",))))

    threads: list[Thread] = []

    def other_tenant() -> None:
        with closing(open_log(url, "b")) as other:
            assert texts(other.feed()) == ["b0.0", "b0.1"]

    def other_writer(name: str) -> None:
        with closing(open_log(url, "a")) as other:
            other.append([note(name, name, None, (name,))])

    def reader() -> None:
        nonlocal at
        end = log.store.frontier().position
        seen.extend(texts(log.feed(after=at, upto=end)))
        at = end

    jobs = (
        partial(other_writer, "quick1"),
        other_tenant,
        partial(other_writer, "quick2"),
        reader,
    )
    for job in jobs:
        threads.append(Thread(target=job))
        threads[-1].start()
        threads[-1].join(0.3)
    session.execute("COMMIT")
    session.close()
    for thread in threads:
        thread.join()
    reader()
    assert sorted(seen) == ["a0.0", "a0.1", "quick1", "quick2", "slow"]
    assert seen == texts(log.feed())
    log.close()
