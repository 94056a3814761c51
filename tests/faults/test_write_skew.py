"""What is promised per stream and what across streams, with money that moves between accounts."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from datetime import date
from functools import partial
from pathlib import Path
from random import Random
from time import monotonic, sleep

import pytest

from crm_adapters import open_crm
from crm_core import CRM, Account, Conflict, Refused
from crm_core.kernel.recorded import Actor, Recorded
from crm_core.owners import RegisterHousehold
from crm_core.payments import MovePayment, ReceivePayment
from faults.logs import in_threads, note, open_log

HOUSEHOLDS, PAYMENTS, MOVERS = 6, 30, 6
MOVES, LONG_MOVES = 60, 1500


CLERK = Actor("M1", "specialist")


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/crm.db"
    return str(request.getfixturevalue("postgres_url"))


def opened(url: str, tmp_path: Path) -> CRM:
    return open_crm(url, create=True, keys=tmp_path / "keys")


def fill(crm: CRM) -> None:
    for n in range(HOUSEHOLDS):
        crm.do(RegisterHousehold(f"V{n}", "星河", "1", "1", f"{n}"), by=CLERK, id=f"r{n}")
    for n in range(PAYMENTS):
        paid = ReceivePayment(f"V{n % HOUSEHOLDS}", f"P{n}", 2**n, date(2011, 1, 1), "cash")
        crm.do(paid, by=CLERK, id=f"p{n}")


def nothing_follows(_: Recorded[object]) -> None:
    """Stands for a program that ends between a command and what follows from it."""


def move(crm: CRM, mover: int, moves: int, random: Random) -> None:
    """Move any payment from any account to any other; stop half-way, and now and then mend it."""
    broken = CRM(crm.log, vault=crm.host.vault, clock=crm.clock, ids=crm.ids, reads=crm.host.reads)
    broken._desk.follow = nothing_follows  # type: ignore[method-assign]
    for n in range(moves):
        if random.random() < 0.02:
            crm.views.catch_up(crm.reactions)
        payment, (source, target) = random.randrange(PAYMENTS), random.sample(range(HOUSEHOLDS), 2)
        command = MovePayment(f"V{source}", f"P{payment}", f"V{target}", "booked wrongly")
        try:
            (broken if random.random() < 0.3 else crm).do(command, by=CLERK, id=f"m{mover}-{n}")
        except (Refused, Conflict):
            continue


def held(crm: CRM) -> Counter[str]:
    """Which payments are in accounts, and in how many."""
    found: Counter[str] = Counter()
    for n in range(HOUSEHOLDS):
        account = crm.get(Account, f"V{n}")
        assert account is not None
        found.update(payment for payment, _ in account.live())
    return found


def check(crm: CRM) -> None:
    assert held(crm) == Counter({f"P{n}": 1 for n in range(PAYMENTS)}), "money is lost or doubled"


def wait_until_final(crm: CRM) -> None:
    """Transactions of others, as those of the server's own housekeeping, hold the consumer back."""
    deadline = monotonic() + 60
    while crm.log.frontier().behind:
        assert monotonic() < deadline
        sleep(0.01)


@pytest.mark.rule("LOG-01", "LOG-05")
def test_money_that_moves_is_conserved(
    url: str, tmp_path: Path, seeded: Random, long: bool
) -> None:
    """Each account is a stream; a move is one event in each, the second follows from the first."""
    with closing(opened(url, tmp_path)) as crm:
        fill(crm)
        randoms = [Random(seeded.random()) for _ in range(MOVERS)]
        moves = LONG_MOVES if long else MOVES
        in_threads([partial(move, crm, n, moves, randoms[n]) for n in range(MOVERS)])
        under_way = PAYMENTS - sum(held(crm).values())
        moved = sum(1 for _ in crm.log.feed(names=["payments.payment_moved_out/1"]))
        print(f"{moved} moved, {under_way} under way before the consumer ran")
        assert moved > MOVERS
        assert under_way >= 0
        for _ in range(2):
            wait_until_final(crm)
            crm.views.catch_up(crm.reactions)
            assert list(crm.views.parked("reactions", 1, 1)) == []
            check(crm)
        assert crm.log.verify().intact


def test_a_move_that_stops_half_way_is_caught(url: str, tmp_path: Path, seeded: Random) -> None:
    """Planted: nobody runs what an interruption left undone."""
    with closing(opened(url, tmp_path)) as crm:
        fill(crm)
        crm.views.catch_up = nothing_follows  # type: ignore[method-assign, assignment]
        move(crm, 0, 200, seeded)
        del crm.views.catch_up
        with pytest.raises(AssertionError, match="lost or doubled"):
            check(crm)
        crm.views.catch_up(crm.reactions)
        check(crm)


@pytest.mark.rule("LOG-01")
def test_a_condition_over_two_streams_is_not_promised(url: str) -> None:
    """Write skew: two deciders who look at both streams and write one each both go through.

    What must hold across streams is therefore claimed in a stream of its own (OWN-01), or decided
    in one stream and carried out in the other by a reaction (PAY-01).
    """
    with closing(open_log(url)) as log:
        assert log.tips(["a/1", "b/1"]) == {}
        # Both have seen both streams empty, which was to hold for one of them at least.
        log.append([note("one", "a/1")])
        log.append([note("other", "b/1")])
        assert set(log.tips(["a/1", "b/1"])) == {"a/1", "b/1"}


@pytest.mark.rule("OWN-01")
def test_a_claim_turns_a_condition_over_streams_into_one_of_a_stream(
    url: str, tmp_path: Path
) -> None:
    """Of eight who register the same place at once under other numbers one gets it."""
    with closing(opened(url, tmp_path)) as crm:
        ends: list[str] = []

        def register(n: int) -> None:
            try:
                crm.do(RegisterHousehold(f"V{n}", "星河", "1", "1", "101"), by=CLERK, id=f"r{n}")
                ends.append("registered")
            except Refused as refused:
                ends.append(refused.reason)

        in_threads([partial(register, n) for n in range(8)])
        assert Counter(ends) == {"registered": 1, "place_taken": 7}
