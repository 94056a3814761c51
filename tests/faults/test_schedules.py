"""A follower misses nothing, whatever the order in which three sessions begin, write and commit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial

import pytest

from crm_adapters.eventlog.store import Batch
from crm_core.errors import Conflict
from faults.logs import batch, note
from faults.schedules import (
    FIXED,
    PLAN,
    Naive,
    Ours,
    OursInBulk,
    Peers,
    World,
    caught,
    interleavings,
    run,
)

LONG_PLAN = dict.fromkeys("ABC", ("begin", "write", "commit"))


@pytest.fixture(params=[Ours, OursInBulk])
def ours(request: pytest.FixtureRequest, postgres_url: str) -> Iterator[World]:
    with closing(request.param(postgres_url)) as world:
        yield world


def test_there_are_as_many_orders_as_can_be_counted() -> None:
    orders = list(interleavings(PLAN))
    assert len(set(orders)) == len(orders) == 210
    assert FIXED in orders
    assert sum(1 for _ in interleavings(LONG_PLAN)) == 1680


@pytest.mark.rule("LOG-03")
def test_the_schedule_that_caught_peers_costs_a_follower_nothing(ours: World) -> None:
    seen, truth = run(ours, FIXED)
    assert len(truth) >= 3
    assert seen == truth


@pytest.mark.rule("LOG-03")
def test_no_order_of_three_sessions_hides_an_event(ours: World) -> None:
    assert caught(ours) is None
    assert len(ours.truth()) >= 3 * 210


@pytest.mark.rule("LOG-03")
@pytest.mark.parametrize("aborted", ["A", "B", "C"])
def test_a_session_that_rolls_back_hides_nothing_of_others(ours: World, aborted: str) -> None:
    for order in list(interleavings(PLAN))[::7]:
        seen, truth = run(ours, order, aborted=aborted)
        assert seen == truth, order
        assert not any(f"-{aborted}-" in text for text in truth)


@pytest.mark.rule("LOG-03")
def test_every_order_of_three_writers(postgres_url: str, long: bool) -> None:
    with closing(Ours(postgres_url)) as world:
        for n, order in enumerate(interleavings(LONG_PLAN)):
            if long or n % 8 == 0:
                seen, truth = run(world, order)
                assert seen == truth, order


@pytest.mark.parametrize("planted", [Naive, Peers])
def test_the_defects_of_peers_are_caught(
    planted: Callable[[str], World], postgres_url: str
) -> None:
    with closing(planted(postgres_url)) as world:
        assert caught(world) is not None


def test_the_fixed_schedule_alone_catches_both_defects(new_postgres: Callable[[], str]) -> None:
    for planted in (Naive, Peers):
        with closing(planted(new_postgres())) as world:
            seen, truth = run(world, FIXED)
            assert len(truth) == 3
            assert seen != truth


# --- a stream stands in the order of its versions ------------------------------------------------


@pytest.mark.rule("LOG-03")
@pytest.mark.parametrize("how", ["one stream", "two streams", "bulk"])
def test_a_stream_continued_by_a_later_transaction_is_not_continued_by_an_earlier_one(
    postgres_url: str, how: str
) -> None:
    """Else its second version would stand before its first, for whoever reads by position."""
    with closing(OursInBulk(postgres_url)) as world:
        early = "B" if how == "bulk" else "A"
        world.begin(early)
        world.log.append([note("later", "s/1", None, ("first",))])
        tip = world.log.tips(["s/1"])["s/1"]
        second = batch(note("early", "s/1", tip, ("second",)))
        if how == "two streams":
            other = batch(note("early", "s/2", None, ("other",)))
            second = Batch(
                [*second.rows, *other.rows], {**second.expected, **other.expected}, other.commands
            )
        insert = partial(world.database.insert_with, world.sessions["A"].cursor())
        if how == "bulk":
            insert = world.writer.insert
        with pytest.raises(Conflict) as raised:
            insert(second)
        assert raised.value.stream == "s/1"
        world.end(early, commit=False)
        world.log.append([note("again", "s/1", tip, ("second",))])
        found = [one for one in world.log.feed() if one.stream == "s/1"]
        assert [one.version for one in found] == [1, 2]
        assert world.log.verify().intact
