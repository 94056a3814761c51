"""Tiles: made as the log grows, true whatever happens to them, and never believed (LOG-04)."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from granted_roles import Granted
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_adapters.codec import StoredRow
from crm_adapters.eventlog.database import Database
from crm_adapters.eventlog.log import CodecEventLog
from crm_adapters.eventlog.memory import MemoryStore
from crm_adapters.eventlog.opening import open_database
from crm_adapters.eventlog.store import Batch, RowStore
from crm_adapters.eventlog.tiles import (
    NO_FACTS,
    WIDTH,
    Subtrees,
    Tile,
    leaf_hash,
    microseconds,
    tile_of_bytes,
    tile_of_events,
)
from crm_adapters.eventlog.tree import Tree
from crm_core.application.adopted import NOT_FACTS
from crm_core.errors import UnreadableEvent
from crm_core.kernel.merkle import MerkleTree
from crm_core.kernel.recorded import Cutoff
from crm_core.ports import Root
from crm_core.testing.contracts.events import NOON
from faults.logs import codec, in_threads, lift, note, open_log

pytestmark = pytest.mark.rule("LOG-04")

NEVER = datetime.min.replace(tzinfo=UTC)


def stored(number: int, at: datetime, name: str = "contract.noted/1") -> StoredRow:
    """A row as a log would store it; its digest is any."""
    digest = f"{number:064x}"
    recorded = at.isoformat().replace("+00:00", "Z")
    event = f'{{"command":"c{number}","data":{{"text":"x"}},"recorded":"{recorded}"}}'
    state = f'{{"digest":"{digest}","event":{event},"household":""}}'
    return StoredRow(0, f"a/{number}", 1, name, "", state)


def many(count: int, first: int = 0) -> list[StoredRow]:
    """So many rows, one a minute, every tenth of them a grading."""
    names = ["contract.noted/1"] * 9 + ["gradings.graded/1"]
    return [stored(n, NOON + timedelta(minutes=n), names[n % 10]) for n in range(first, count)]


def put(store: RowStore, rows: list[StoredRow], at_once: int = 1000) -> None:
    for start in range(0, len(rows), at_once):
        store.insert(Batch(rows[start : start + at_once], {}, ()))


def roots(rows: list[StoredRow]) -> list[str]:
    """The root after each row, from the first tree on."""
    tree = MerkleTree()
    found = [tree.root()]
    for row in rows:
        tree.append(row.state[11:75].encode())
        found.append(tree.root())
    return found


def tree_of(store: RowStore) -> Tree:
    return Tree(store, codec().recorded)


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RowStore]:
    if request.param == "memory":
        yield MemoryStore()
        return
    url = f"sqlite:///{tmp_path}/log.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    with closing(open_database(url, create=True)) as database:
        yield database


# --- the root, and what is kept ------------------------------------------------------------------


def test_what_is_no_fact_is_said_alike_in_both_places() -> None:
    assert NO_FACTS == NOT_FACTS


@given(st.integers(0, 700))
def test_subtrees_of_any_size_put_together_are_the_tree(count: int) -> None:
    subtrees = Subtrees()
    rows = many(count)
    tree = MerkleTree()
    for row in rows:
        tree.append(row.state[11:75].encode())
        subtrees.add(leaf_hash(row.state.encode()))
    assert subtrees.root().hex() == tree.root()
    assert subtrees.size == count


def test_three_levels_of_tiles_have_the_root_of_their_events(store: RowStore) -> None:
    """More than 256 tiles, so that some are covered by one of the next level."""
    rows = many(WIDTH * WIDTH + 3 * WIDTH + 17)
    put(store, rows, 5000)
    expected = roots(rows)
    positions = [row[0] for row in store.page(0, 2**62, None, len(rows))]
    tree = tree_of(store)
    assert tree.root(store.head()) == Root(len(rows), expected[-1])
    for events in (WIDTH * WIDTH - 1, WIDTH * WIDTH, WIDTH * WIDTH + 1, WIDTH * 200 + 5, 1):
        assert tree.root(positions[events - 1]) == Root(events, expected[events])
    [top] = store.tiles.rows(1, 0, 10)
    assert (top.last, top.root) == (positions[WIDTH * WIDTH - 1], expected[WIDTH * WIDTH])
    assert len(store.tiles.rows(0, 0, 1000)) == WIDTH + 3


@pytest.mark.parametrize("at_once", [1, 7, 255, 256, 257, 1000])
def test_an_append_to_sqlite_keeps_the_tiles_that_it_fills(tmp_path: Path, at_once: int) -> None:
    """Nobody has to ask first; what is kept is what would be made of the events."""
    with closing(open_database(f"sqlite:///{tmp_path}/log.db", create=True)) as database:
        rows = many(2 * WIDTH + 30)
        put(database, rows, at_once)
        made: list[Tile] = []
        for number in range(2):
            places = range(number * WIDTH, number * WIDTH + WIDTH)
            texts = [rows[n].state for n in places]
            names = [rows[n].name for n in places]
            made.append(tile_of_events(number, [n + 1 for n in places], names, texts))
        assert database.tiles.rows(0, 0, 100) == made
        assert [tile.last for tile in made] == [WIDTH, 2 * WIDTH]


def test_an_append_that_is_undone_leaves_no_tile(tmp_path: Path) -> None:
    with closing(open_database(f"sqlite:///{tmp_path}/log.db", create=True)) as database:
        put(database, many(WIDTH - 1))
        with suppress(ZeroDivisionError), database.transaction() as writer:
            writer.insert(Batch(many(WIDTH + 5, WIDTH - 1), {}, ()))
            assert len(database.rows("SELECT 1 FROM crm_tiles", ())) == 0
            1 / 0  # noqa: B018 - something goes wrong
        assert database.tiles.rows(0, 0, 100) == []
        put(database, many(WIDTH, WIDTH - 1))
        assert len(database.tiles.rows(0, 0, 100)) == 1


def test_a_bulk_append_fills_tiles_of_both_levels_in_one_transaction(tmp_path: Path) -> None:
    with closing(open_database(f"sqlite:///{tmp_path}/log.db", create=True)) as database:
        rows = many(WIDTH * WIDTH)
        with database.transaction() as writer:
            for start in range(0, len(rows), 1000):
                writer.insert(Batch(rows[start : start + 1000], {}, ()))
        [top] = database.tiles.rows(1, 0, 10)
        assert top.root == roots(rows)[-1]


def test_a_tile_of_bytes_is_that_of_the_texts() -> None:
    rows = many(WIDTH)
    rows[7] = stored(7, NOON - timedelta(microseconds=1))
    rows[9] = stored(9, NOON.astimezone(timezone(timedelta(hours=8))) - timedelta(days=1))
    rows[11] = rows[11]._replace(state=rows[11].state.replace('"x"', '"业主"'))
    places = range(1, WIDTH + 1)
    tile = tile_of_events(0, places, [row.name for row in rows], [row.state for row in rows])
    names, states = (
        [text.encode() for text in column]
        for column in ([row.name for row in rows], [row.state for row in rows])
    )
    assert tile_of_bytes(0, places, names, states) == tile
    assert (tile.facts, tile.fact) == (232, 256)
    assert tile.earliest == microseconds(NOON - timedelta(days=1))
    assert tile.latest == microseconds(NOON + timedelta(minutes=255))


# --- the cut-off ---------------------------------------------------------------------------------


@st.composite
def histories(draw: st.DrawFn) -> list[StoredRow]:
    """Facts and gradings told in any order: in runs, backwards, all at one instant."""
    rows: list[StoredRow] = []
    for _ in range(draw(st.integers(0, 6))):
        count = draw(st.sampled_from([1, 3, 100, WIDTH, 300]))
        start, step = draw(st.integers(0, 50)), draw(st.sampled_from([-1, 0, 1, 1, 7]))
        name = draw(st.sampled_from(["contract.noted/1", "gradings.graded/1"]))
        for n in range(count):
            at = NOON + timedelta(hours=start + step * n)
            rows.append(stored(len(rows), at, name))
    return rows


@given(histories(), st.lists(st.integers(-320, 2200), min_size=1, max_size=6), st.data())
@settings(deadline=None)
@pytest.mark.rule("GRD-12", "GRD-17")
def test_cut_offs_are_those_of_a_list_of_all_facts(
    rows: list[StoredRow], hours: list[int], data: st.DataObject
) -> None:
    store = MemoryStore()
    put(store, rows, data.draw(st.sampled_from([100, 1000])))
    tree, end = tree_of(store), store.head()
    recorded = codec().recorded
    facts = [
        (row.position, recorded(row))
        for row in store.page(0, end, None, 10_000)
        if not row.name.startswith("gradings.")
    ]
    latest = max((at for _, at in facts), default=NEVER)
    assert tree.cutoff(None, end, NEVER) == Cutoff(max((p for p, _ in facts), default=0), latest)
    for hour in hours:
        known = NOON + timedelta(hours=hour)
        seen = max((position for position, at in facts if at <= known), default=0)
        cutoff = tree.cutoff(known, end, NEVER)
        assert cutoff == Cutoff(seen, known)
        some = Cutoff(data.draw(st.integers(0, end)), known)
        by = NOON + timedelta(hours=data.draw(st.integers(-320, 2200)))
        for one in (cutoff, some):
            beyond = sum(at <= by and not one.saw(place, at) for place, at in facts)
            assert tree.unseen(one, by, end) == beyond


def test_a_fact_that_does_not_tell_its_instant_is_read_by_who_asks(tmp_path: Path) -> None:
    """A tile hides no damage: whoever asks is told which event is not readable."""
    rows = many(WIDTH + 10)
    broken = rows[5]
    rows[5] = broken._replace(state=broken.state.replace('"recorded":"2', '"recorded":"?'))
    with closing(open_database(f"sqlite:///{tmp_path}/log.db", create=True)) as database:
        put(database, rows)
        tree = tree_of(database)
        for known in (None, NOON - timedelta(days=1)):
            with pytest.raises(UnreadableEvent) as raised:
                tree.cutoff(known, database.head(), NEVER)
            assert raised.value.position == 6


# --- tiles never vouch ---------------------------------------------------------------------------


def noted_log(url: str, count: int) -> CodecEventLog:
    """A log of real events with so many of them."""
    log = open_log(url)
    log.append(note(f"c{n}", f"a/{n}") for n in range(count))
    return log


FORGED = {
    "a root": "UPDATE crm_tiles SET root = replace(root, substr(root, 1, 1), 'x') WHERE number = 1",
    "an end": "UPDATE crm_tiles SET last = last + 1 WHERE number = 1",
    "a number of facts": "UPDATE crm_tiles SET facts = facts - 1 WHERE number = 1",
    "the last fact": "UPDATE crm_tiles SET fact = fact - 1 WHERE number = 1",
    "an earliest instant": "UPDATE crm_tiles SET earliest = earliest + 1 WHERE number = 1",
    "a latest instant": "UPDATE crm_tiles SET latest = latest - 1 WHERE number = 1",
    "a tile of nothing": "INSERT INTO crm_tiles SELECT tenant, 0, 2, last + 256, root, facts, fact,"
    " earliest, latest FROM crm_tiles WHERE number = 1",
}
"""What somebody could write into the table of tiles."""


@pytest.mark.parametrize("forged", FORGED)
def test_a_forged_tile_is_found_by_who_verifies(tmp_path: Path, forged: str) -> None:
    path = tmp_path / "log.db"
    with closing(noted_log(f"sqlite:///{path}", 3 * WIDTH - 1)) as log:
        before = log.verify()
        assert before.intact
        with closing(sqlite3.connect(path)) as connection, connection:
            assert connection.execute(FORGED[forged]).rowcount == 1
        found = log.verify()
        assert found.first_fault is not None
        assert found.first_fault.kind == "tile"
        assert found.first_fault.position in (2 * WIDTH, 2 * WIDTH + 1, 3 * WIDTH)
        assert (found.events, found.root) == (before.events, before.root)


def test_a_log_cut_short_under_its_tiles_is_found(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    with closing(noted_log(f"sqlite:///{path}", 2 * WIDTH + 5)) as log:
        with closing(lift(sqlite3.connect(path))) as connection, connection:
            connection.execute("DELETE FROM crm_events WHERE position > 300")
            connection.execute("DELETE FROM crm_commands WHERE last_position > 300")
        found = log.verify()
        assert found.events == 300
        assert found.first_fault is not None
        assert (found.first_fault.kind, found.first_fault.position) == ("tile", 2 * WIDTH)
        # Who appends again writes over what was there.
        assert log.root() == Root(300, found.root)


GONE = ["level = 0 AND number = 0", "level = 0", "number = 2", "level = 1"]


@pytest.mark.parametrize("gone", GONE)
@pytest.mark.parametrize("store", ["sqlite", "postgresql"], indirect=True)
def test_a_tile_that_is_missing_is_made_anew(store: Database, gone: str) -> None:
    rows = many(WIDTH * WIDTH + 5 * WIDTH + 3)
    put(store, rows, 5000)
    tree = tree_of(store)
    expected = (tree.root(store.head()), tree.cutoff(None, store.head(), NEVER))
    kept = store.tiles.rows(0, 0, 1000)
    with store.write() as cursor:
        cursor.execute(f"DELETE FROM crm_tiles WHERE {gone}")
    tree = tree_of(store)
    again = (tree.root(store.head()), tree.cutoff(None, store.head(), NEVER))
    assert again == expected
    assert (
        tree.cutoff(NOON + timedelta(minutes=700), store.head(), NEVER).position
        == (store.page(0, 2**62, None, 701)[700][0])
    )
    assert store.tiles.rows(0, 0, 1000) == kept


def test_who_may_only_read_is_told_the_same(postgres_url: str) -> None:
    granted = Granted(postgres_url)
    with closing(open_log(granted.writer)) as log:
        put(log.store, many(600))
        expected = MerkleTree()
        for *_, state in log.store.page(0, 2**62, None, 600):
            expected.append(state[11:75].encode())
    for role in (granted.reader, granted.verifier):
        with closing(open_log(role)) as reading:
            assert reading.root() == Root(600, expected.root())
            assert reading.root() == Root(600, expected.root())
            cutoff = reading.cutoff(None, without=NO_FACTS)
            assert cutoff.known == NOON + timedelta(minutes=598)
            assert reading.store.tiles.rows(0, 0, 9) == []
    with closing(open_log(granted.writer)) as log:
        assert log.root() == Root(600, expected.root())
        assert len(log.store.tiles.rows(0, 0, 9)) == 2


def test_on_postgresql_no_tile_is_made_beyond_what_is_final(postgres_url: str) -> None:
    """A transaction that is still open may yet stand before what was committed meanwhile."""
    with closing(open_log(postgres_url)) as log:
        log.store.insert(Batch(many(10), {}, ()))
        with psycopg.connect(postgres_url) as other:
            other.execute("SELECT pg_current_xact_id()")
            before = log.root()
            put(log.store, many(700, 10))
            assert log.root(2**62) == before
            assert log.store.tiles.rows(0, 0, 9) == []
        assert log.root().events == 700
        assert log.verify().root == log.root().root


def test_two_who_catch_up_at_once_keep_the_same(postgres_url: str) -> None:
    with closing(open_log(postgres_url)) as log:
        put(log.store, many(3000))
    found: list[Root] = []

    def ask() -> None:
        with closing(open_log(postgres_url)) as log:
            found.append(log.root())

    in_threads([ask] * 4)
    assert len(set(found)) == 1
    with closing(open_log(postgres_url)) as log:
        assert len(log.store.tiles.rows(0, 0, 99)) == 3000 // WIDTH


# --- it takes no longer --------------------------------------------------------------------------


def reads(store: RowStore, work: Callable[[], Any]) -> int:
    """How many rows of the log are read by some work."""
    count = 0
    page = store.page

    def counted(*asked: Any) -> Any:
        nonlocal count
        found = page(*asked)
        count += len(found)
        return found

    store.page = counted  # type: ignore[method-assign]
    try:
        work()
    finally:
        store.page = page  # type: ignore[method-assign]
    return count


@pytest.mark.rule("GRD-12")
def test_a_hundred_times_the_events_are_no_more_to_read() -> None:
    for count in (600, 70_000):
        store = MemoryStore()
        put(store, many(count), 5000)
        tree, end = tree_of(store), store.head()
        tree.root(end)
        early, half = (NOON + timedelta(minutes=count // part) for part in (4, 2))
        for ask in (
            partial(tree.root, end),
            partial(tree.root, end // 2),
            partial(tree.cutoff, None, end, NEVER),
            partial(tree.cutoff, half, end, NEVER),
            partial(tree.unseen, Cutoff(end // 3, early), half, end),
        ):
            assert reads(store, ask) <= 4 * WIDTH
