"""A command that is sent twice at the same time is done once, and both senders hear the same."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import closing
from datetime import date
from functools import partial
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from crm_adapters import open_crm
from crm_core import CRM, Receipt
from crm_core.kernel.recorded import Actor, Appended
from crm_core.owners import RegisterHousehold
from crm_core.payments import MovePayment, RaiseCharge, ReceivePayment
from faults.logs import in_threads

CLERK = Actor("M1", "specialist")


@pytest.fixture(params=["sqlite", "postgresql"])
def crm(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    url = f"sqlite:///{tmp_path}/crm.db"
    if request.param == "postgresql":
        url = str(request.getfixturevalue("postgres_url"))
    with closing(open_crm(url, create=True, keys=tmp_path / "keys")) as crm:
        for n in (1, 2):
            crm.do(RegisterHousehold(f"V{n}", "星河", "1", "1", f"10{n}"), by=CLERK, id=f"r{n}")
        yield crm


class Meanwhile:
    """A log beside which something happens behind the first look at what is known."""

    def __init__(self, log: Any, happens: Callable[[], object]) -> None:
        self._log, self._happens = log, happens
        self._looked = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    def outcomes(self, commands: Collection[str]) -> dict[str, Appended]:
        known: dict[str, Appended] = self._log.outcomes(commands)
        if not self._looked:
            self._looked = True
            self._happens()
        return known


RAISE = RaiseCharge("V1", "C1", "management_fee", "2011-01", 100, date(2011, 1, 1))
RECEIVE = ReceivePayment("V1", "P1", 100, date(2011, 1, 1), "cash")


@pytest.mark.rule("LOG-01")
@pytest.mark.parametrize("command", [RAISE, RECEIVE], ids=["charge", "payment"])
def test_whoever_comes_second_hears_what_the_first_heard(crm: CRM, command: Any) -> None:
    """To decide anew would refuse it: its own effect is what would be in the way."""
    first: list[Receipt] = []
    log: Any = Meanwhile(crm.log, lambda: first.append(crm.do(command, by=CLERK, id="c1")))
    late = CRM(log, vault=crm.host.vault, clock=crm.clock, ids=crm.ids, reads=crm.host.reads)
    assert [late.do(command, by=CLERK, id="c1")] == first
    assert len(list(crm.log.read("account/V1"))) == 1


@pytest.mark.rule("LOG-01", "LOG-05")
def test_a_reaction_run_by_two_at_once_is_not_refused(crm: CRM) -> None:
    """Else the consumer would park what has long been done, and its whole stream with it."""
    crm.do(RECEIVE, by=CLERK, id="p1")
    silent = CRM(crm.log, vault=crm.host.vault, clock=crm.clock, ids=crm.ids, reads=crm.host.reads)
    silent._desk.follow = lambda _: None  # type: ignore[method-assign]
    silent.do(MovePayment("V1", "P1", "V2", "booked wrongly"), by=CLERK, id="m1")
    [out] = crm.log.feed(names=["payments.payment_moved_out/1"])
    log: Any = Meanwhile(crm.log, lambda: crm._desk.follow(out))
    late = CRM(log, vault=crm.host.vault, clock=crm.clock, ids=crm.ids, reads=crm.host.reads)
    late._desk.follow(out)
    assert len(list(crm.log.read("account/V2"))) == 1


@pytest.mark.rule("LOG-01")
def test_eight_who_send_the_same_at_once_hear_the_same(crm: CRM) -> None:
    for n in range(25):
        start, heard = Barrier(8), list[Receipt]()
        command = ReceivePayment("V1", f"P{n}", 100, date(2011, 1, 1), "cash")

        def send(start: Barrier, heard: list[Receipt], command: Any, n: int) -> None:
            start.wait()
            heard.append(crm.do(command, by=CLERK, id=f"p{n}"))

        in_threads([partial(send, start, heard, command, n)] * 8)
        assert len(heard) == 8
        assert len({(one.version, one.position, one.events) for one in heard}) == 1
    assert len(list(crm.log.read("account/V1"))) == 25
