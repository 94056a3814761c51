"""What a store of views promises the runner, where the runner alone would seldom ask for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import attrs
import pytest

from crm_adapters.eventlog.opening import open_database
from crm_adapters.projections import DatabaseViewStore, MemoryViewStore, ViewStore
from crm_adapters.projections.store import (
    BUILDING,
    LIVE,
    RETIRED,
    Change,
    Checkpoint,
    Place,
    Row,
)
from crm_core.kernel.projection import Parked

FIRST, SECOND = Place("tests.view", 1, 1), Place("tests.view", 1, 2)
NOW = datetime(2011, 7, 1, 4, 0, 0, 123, tzinfo=UTC)


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ViewStore]:
    if request.param == "memory":
        yield MemoryViewStore()
        return
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'views.db'}"
    else:
        make: Callable[[], str] = request.getfixturevalue("new_postgres")
        url = make()
    opened = DatabaseViewStore(open_database(url, create=True), owned=True)
    yield opened
    opened.close()


def at(store: ViewStore, place: Place) -> Checkpoint:
    found = store.checkpoint(place)
    assert found is not None
    return found


def begun(store: ViewStore, place: Place, state: str, position: int) -> Checkpoint:
    store.begin(place, state)
    assert store.commit(Change(at(store, place), position, {}))
    return at(store, place)


def parked(position: int, stream: str = "note/a") -> Parked:
    return Parked(position, stream, 1, "x/1", "why", 1, NOW, NOW)


def test_beginning_twice_changes_nothing(store: ViewStore) -> None:
    first = begun(store, FIRST, LIVE, 5)
    store.begin(FIRST, BUILDING)
    assert at(store, FIRST) == first


def test_a_change_is_made_as_seen_or_not_at_all(store: ViewStore) -> None:
    seen = begun(store, FIRST, LIVE, 5)
    change = Change(seen, 6, {"k": Row("o", "{}"), "gone": None}, [parked(6)])
    assert store.commit(change)
    assert not store.commit(attrs.evolve(change, position=7, rows={"k": None}, parked=[]))
    assert store.row(FIRST, "k") == "{}"
    assert (at(store, FIRST).position, store.parked_count(FIRST)) == (6, 1)
    assert store.parked(FIRST) == [parked(6)]
    assert store.commit(Change(at(store, FIRST), 7, {"k": None}, [], [6]))
    assert (store.row(FIRST, "k"), store.parked(FIRST)) == (None, [])


def test_a_row_is_moved_when_its_order_changes(store: ViewStore) -> None:
    seen = begun(store, FIRST, LIVE, 1)
    store.commit(Change(seen, 2, {"a": Row("2", "{}"), "b": Row("1", "{}")}))
    store.commit(Change(at(store, FIRST), 3, {"a": Row("0", "[]")}))
    rows = store.live_rows("tests.view", 1, ("", ""), None, 10)
    assert rows == [("0", "a", "[]"), ("1", "b", "{}")]


def test_a_build_behind_the_live_one_does_not_take_its_place(store: ViewStore) -> None:
    """Readers never see a view go back."""
    begun(store, FIRST, LIVE, 5)
    second = begun(store, SECOND, BUILDING, 4)
    assert not store.switch(second)
    assert [c.state for c in store.checkpoints()] == [LIVE, BUILDING]
    assert store.commit(Change(second, 5, {}))
    assert not store.switch(second)
    assert store.switch(at(store, SECOND))
    assert [c.state for c in store.checkpoints()] == [RETIRED, LIVE]
    assert not store.switch(at(store, SECOND))


def test_nobody_changes_or_holds_a_retired_build(store: ViewStore) -> None:
    begun(store, FIRST, BUILDING, 5)
    store.retire(FIRST)
    now = at(store, FIRST)
    assert not store.commit(Change(now, 6, {}))
    assert store.hold(now, NOW) is None
    assert not store.switch(now)


def test_only_a_retired_build_is_cleared_and_wholly(store: ViewStore) -> None:
    seen = begun(store, FIRST, LIVE, 5)
    many = {str(n): Row("", "{}") for n in range(2500)}
    store.commit(Change(seen, 6, many, [parked(6)]))
    begun(store, SECOND, BUILDING, 6)
    store.commit(Change(at(store, SECOND), 6, {"k": Row("", "{}")}, [parked(6)]))
    store.clear(FIRST)
    assert store.row(FIRST, "2499") == "{}"
    store.retire(FIRST)
    store.clear(FIRST)
    store.clear(FIRST)
    assert store.checkpoint(FIRST) is None
    # A build of the same number begins empty, and is not taken for the one before.
    store.begin(FIRST, LIVE)
    assert (store.row(FIRST, "1"), store.parked(FIRST)) == (None, [])
    assert not store.commit(Change(seen, 7, {}))
    assert (store.row(SECOND, "k"), store.parked_count(SECOND)) == ("{}", 1)


def test_a_hold_is_seen_by_others_and_ends_with_the_next_change(store: ViewStore) -> None:
    seen = begun(store, FIRST, LIVE, 5)
    until = NOW + timedelta(seconds=60)
    held = store.hold(seen, until)
    assert held is not None
    assert at(store, FIRST) == held
    assert held.held_until == until
    assert store.hold(seen, until) is None
    assert store.commit(Change(held, 6, {}))
    assert at(store, FIRST).held_until is None


def test_parked_streams_come_in_the_order_of_their_first_event(store: ViewStore) -> None:
    seen = begun(store, FIRST, LIVE, 5)
    events = [parked(1, "note/z"), parked(2, "note/a"), parked(3, "note/z")]
    store.commit(Change(seen, 6, {}, events))
    assert list(store.parked_streams(FIRST).items()) == [("note/z", 1), ("note/a", 2)]
    assert store.parked(FIRST, stream="note/z", after=1) == [events[2]]
    assert store.parked(FIRST, limit=2) == events[:2]
