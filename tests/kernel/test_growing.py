"""A growing map is a value: whatever becomes of newer maps, this one stays as it is."""

from __future__ import annotations

import sys
from collections.abc import Callable
from threading import Barrier, Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_core.kernel.growing import EMPTY, GrowingMap

Grown = tuple[GrowingMap[str, int], dict[str, int]]

_STEPS = st.lists(st.tuples(st.integers(0, 7), st.sampled_from("abcdef"), st.integers()))


@given(_STEPS)
def test_every_map_ever_made_is_the_dict_it_was_when_made(
    steps: list[tuple[int, str, int]],
) -> None:
    """Maps grow from any older map, not only from the newest, and none shows another's entries."""
    made: list[Grown] = [(GrowingMap(), {})]
    for which, key, value in steps:
        grown, model = made[which % len(made)]
        made.append((grown.add(key, value), {**model, key: model.get(key, value)}))
        for older, expected in made:
            _check(older, expected)


def _check(grown: GrowingMap[str, int], model: dict[str, int]) -> None:
    assert list(grown.items()) == list(model.items())
    assert list(grown) == list(model)
    assert list(grown.values()) == list(model.values())
    assert len(grown) == len(model)
    assert bool(grown) == bool(model)
    for key in "abcdefg":
        assert (key in grown) == (key in model)
        assert grown.get(key) == model.get(key)
        if key in model:
            assert grown[key] == model[key]
        else:
            with pytest.raises(KeyError):
                grown[key]


def test_two_views_that_grow_apart_do_not_see_each_other() -> None:
    one = GrowingMap[str, int]().add("a", 1)
    left, right = one.add("b", 2), one.add("c", 3)
    assert (dict(one.items()), dict(left.items())) == ({"a": 1}, {"a": 1, "b": 2})
    assert dict(right.items()) == {"a": 1, "c": 3}
    assert dict(left.add("c", 4).items()) == {"a": 1, "b": 2, "c": 4}
    assert dict(right.items()) == {"a": 1, "c": 3}


def test_the_first_value_of_a_key_stays() -> None:
    one = GrowingMap[str, int]().add("a", 1)
    assert one.add("a", 2) is one
    assert one["a"] == 1


def test_values_that_are_none_or_zero_are_entries_too() -> None:
    one = GrowingMap[str, int | None]().add("a", None).add("b", 0)
    assert "a" in one
    assert one["a"] is None
    assert one.add("a", 1).get("a") is None
    assert list(one.values()) == [None, 0]


def test_maps_are_equal_when_they_hold_the_same_in_the_same_order() -> None:
    one = GrowingMap[str, int]().add("a", 1).add("b", 2)
    assert one == GrowingMap[str, int]().add("a", 1).add("b", 2)
    assert one != GrowingMap[str, int]().add("b", 2).add("a", 1)
    assert one != {"a": 1, "b": 2}
    with pytest.raises(TypeError):
        hash(one)


def test_what_everything_starts_from_stays_empty() -> None:
    """Every state of every aggregate in the process grows from the one empty map."""
    first, second = EMPTY.add("a", 1), EMPTY.add("b", 2)
    assert len(EMPTY) == 0
    assert list(EMPTY) == []
    assert (dict(first.items()), dict(second.items())) == ({"a": 1}, {"b": 2})


def test_adding_takes_the_same_time_however_long_the_map_is() -> None:
    """A map that copied itself would need 5,000,000,000 steps here, not 100,000."""
    grown = GrowingMap[int, int]()
    for number in range(100_000):
        grown = grown.add(number, number)
    assert len(grown) == 100_000
    assert grown[99_999] == 99_999


class Meddling:
    """A key that lets another writer grow the same map just while it is being added."""

    def __init__(self, moment: int, meddle: Callable[[], None]) -> None:
        self.moment, self.meddle = moment, meddle

    def __hash__(self) -> int:
        self.moment -= 1
        if self.moment == 0:
            self.meddle()
        return 7


@pytest.mark.parametrize("moment", [1, 2, 3])
def test_a_writer_that_comes_in_between_is_not_mixed_in(moment: int) -> None:
    """Two threads grow one map at once: whichever is first, each gets its own entry alone."""
    base = GrowingMap[object, str]().add("a", "base")
    others: list[GrowingMap[object, str]] = []
    key = Meddling(moment, lambda: others.append(base.add("b", "other")))
    mine = base.add(key, "mine")
    assert list(base.items()) == [("a", "base")]
    assert list(mine.items()) == [("a", "base"), (key, "mine")]
    for other in others:
        assert list(other.items()) == [("a", "base"), ("b", "other")]
        assert list(other.add("c", "later").values()) == ["base", "other", "later"]
    assert list(mine.add("d", "last").values()) == ["base", "mine", "last"]


def test_threads_that_grow_one_map_get_each_its_own() -> None:
    workers, rounds, length = 4, 60, 40
    found: list[list[tuple[tuple[int, int], int]]] = []
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(rounds):
            base = GrowingMap[tuple[int, int], int]().add((-1, 0), 0)
            gate = Barrier(workers)

            def grow(
                worker: int,
                grown: GrowingMap[tuple[int, int], int] = base,
                gate: Barrier = gate,
            ) -> None:
                gate.wait()
                for number in range(length):
                    grown = grown.add((worker, number), number)
                found.append(list(grown.items()))

            threads = [Thread(target=grow, args=(worker,)) for worker in range(workers)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert list(base.items()) == [((-1, 0), 0)]
    finally:
        sys.setswitchinterval(interval)
    assert len(found) == workers * rounds
    for items in found:
        worker = items[1][0][0]
        assert items == [((-1, 0), 0), *(((worker, n), n) for n in range(length))]
