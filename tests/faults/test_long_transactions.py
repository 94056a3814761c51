"""A transaction that stays open holds followers back, visibly, and nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from threading import Event, Thread
from time import sleep

import psycopg
import pytest

from crm_adapters import open_crm
from crm_adapters.eventlog.log import CodecEventLog
from crm_core import Account
from crm_core.kernel.recorded import Actor
from crm_core.owners import RegisterHousehold
from crm_core.payments import MovePayment, ReceivePayment
from crm_core.ports import Frontier
from faults.logs import batch, note, open_log, texts

CLERK = Actor("M1", "specialist")


@pytest.fixture
def log(postgres_url: str) -> Iterator[CodecEventLog]:
    with closing(open_log(postgres_url)) as log:
        log.append([note("c0", "a/1", None, ("before",))])
        yield log


@pytest.fixture
def held(log: CodecEventLog, postgres_url: str) -> Iterator[psycopg.Connection[object]]:
    """Somebody's transaction that has an id and does nothing; not even in our tables."""
    with psycopg.connect(postgres_url, autocommit=True) as session:
        session.execute("BEGIN")
        session.execute("SELECT pg_current_xact_id()")
        yield session


@pytest.mark.rule("LOG-03")
def test_what_is_held_back_is_told_and_comes_when_the_transaction_ends(
    log: CodecEventLog, held: psycopg.Connection[object]
) -> None:
    at = log.head()
    stop, seen = Event(), list[str]()

    def follow() -> None:
        for one in log.follow(stop=stop, poll_seconds=0.05):
            seen.append(one.event.text)

    follower = Thread(target=follow)
    follower.start()
    try:
        [one] = log.append([note("c1", "a/2", None, ("x", "y"))])
        [two] = log.append(iter([note("c2", "a/3", None, ("z",))]))
        assert at < one.first < one.last < two.first
        sleep(0.2)
        edge = log.store.frontier()
        assert (edge.position, edge.behind) == (at, 3)
        assert edge.seconds is not None
        assert 0.2 <= edge.seconds < 30
        assert seen == ["before"], "a follower went beyond what is final"
        assert log.head() == at
        assert texts(log.feed()) == ["before"]

        held.execute("COMMIT")
        for _ in range(100):
            if len(seen) == 4:
                break
            sleep(0.01)
        assert seen == ["before", "x", "y", "z"]
        assert log.store.frontier() == Frontier(two.last, 0, None)
    finally:
        stop.set()
        follower.join()


@pytest.mark.rule("LOG-01")
def test_writing_and_reading_ones_own_goes_on_meanwhile(
    log: CodecEventLog, held: psycopg.Connection[object]
) -> None:
    one = note("c1", "a/2", None, ("x", "y"))
    [done] = log.append([one])
    assert log.append([one]) == [done]
    assert log.outcomes(["c1"]) == {"c1": done}
    assert texts(log.feed(after=done.first - 1, upto=done.last)) == ["x", "y"]
    assert texts(log.read("a/2")) == ["x", "y"]
    tip = log.tips(["a/2"])["a/2"]
    assert tip.version == 2
    log.append([note("c2", "a/2", tip, ("more",))])
    assert log.fold("a/2", lambda n, _: n + 1, 0)[0] == 3
    assert log.verify().events == 4
    assert not log.empty()


@pytest.mark.rule("LOG-03")
@pytest.mark.parametrize("end", ["COMMIT", "ROLLBACK"])
def test_a_position_that_was_held_back_is_never_passed(
    log: CodecEventLog, postgres_url: str, end: str
) -> None:
    """The long transaction writes itself, before and behind what others write."""
    with (
        closing(open_log(postgres_url)) as slow,
        psycopg.connect(postgres_url, autocommit=True) as idle,
    ):
        idle.execute("BEGIN")
        idle.execute("SELECT pg_current_xact_id()")
        with slow.store.transaction() as writer:
            writer.insert(batch(note("s1", "s/1", None, ("slow",))))
            log.append([note("c1", "a/2", None, ("quick",))])
            assert texts(log.feed()) == ["before"]
            idle.execute(end)
            assert texts(log.feed()) == ["before"]
    assert texts(log.feed()) == ["before", "slow", "quick"]


@pytest.mark.rule("LOG-01")
def test_commands_are_decided_while_a_transaction_is_open(
    postgres_url: str, tmp_path: Path
) -> None:
    """Decisions look at streams, and streams have no horizon; repeated ids are known at once."""
    with (
        closing(open_crm(postgres_url, create=True, keys=tmp_path / "keys")) as crm,
        psycopg.connect(postgres_url, autocommit=True) as session,
    ):
        session.execute("BEGIN")
        session.execute("SELECT pg_current_xact_id()")
        for n in (1, 2):
            crm.do(RegisterHousehold(f"V{n}", "星河", "1", "1", f"10{n}"), by=CLERK, id=f"r{n}")
        crm.do(ReceivePayment("V1", "P1", 100, date(2011, 1, 1), "cash"), by=CLERK, id="p1")
        move = MovePayment("V1", "P1", "V2", "booked wrongly")
        receipt = crm.do(move, by=CLERK, id="m1")
        assert crm.do(move, by=CLERK, id="m1") == receipt
        account = crm.get(Account, "V2")
        assert account is not None
        assert [number for number, _ in account.live()] == ["P1"]
        assert crm.log.head() == 0
        session.execute("COMMIT")
        assert [one.position for one in crm.log.feed()][-1] == crm.log.head()
