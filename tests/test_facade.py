"""The facade: what is malformed is told by its name, and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
from attrs import evolve

from crm_adapters import open_crm
from crm_core import CRM, Account, Actor, CommandReused, Household, Invalid, Personal, Planned
from crm_core.owners import ChangeContact, RegisterHousehold
from crm_core.payments import MovePayment, RaiseCharge, ReceivePayment

CLERK = Actor("M1", "specialist")
NAIVE = datetime(2011, 1, 1)  # noqa: DTZ001 - the point of these tests
NOW = datetime(2011, 1, 1, tzinfo=UTC)


@pytest.fixture
def crm() -> CRM:
    opened = open_crm("memory:")
    owner = Personal("V1#owner", "张三")
    opened.do(RegisterHousehold("V1", "星河", "1", "1", "101", owner=owner), by=CLERK, at=NOW)
    return opened


CHARGE = RaiseCharge("V1", "C1", "management_fee", "2011-01", 100, date(2011, 1, 1))


@pytest.mark.parametrize(
    "ask",
    [
        lambda crm: crm.do(CHARGE, by=CLERK, at=NAIVE),
        lambda crm: crm.get(Household, "V1", known=NAIVE),
        lambda crm: list(crm.accounts.credit(date(2011, 1, 1), known=NAIVE)),
        lambda crm: crm.grade(2011, known=NAIVE),
        lambda crm: crm.batch([Planned(CHARGE, "c1", NAIVE)], by=CLERK),
    ],
    ids=["do", "get", "credit", "grade", "batch"],
)
def test_an_instant_without_an_offset_is_told_and_nothing_is_written(
    crm: CRM, ask: Callable[[CRM], object]
) -> None:
    before = crm.log.head()
    with pytest.raises(Invalid) as refused:
        ask(crm)
    assert [fault.code for fault in refused.value.faults] == ["instant_malformed"]
    assert crm.log.head() == before


def test_a_batch_takes_no_value_that_could_not_be_read_back(crm: CRM) -> None:
    before = crm.log.head()
    fine = Planned(CHARGE, "c1", NOW)
    broken = Planned(ReceivePayment("V1", "P1", True, date(2011, 1, 1), "cash"), "p1", NOW)
    with pytest.raises(Invalid) as refused:
        crm.batch([fine, broken], by=CLERK)
    assert [fault.where for fault in refused.value.faults] == ["ReceivePayment.amount_fen"]
    assert crm.log.head() == before
    assert crm.get(Account, "V1") is None


@pytest.mark.rule("LOG-01", "PRV-03")
def test_a_command_id_tells_two_personal_values_apart_without_keeping_either(crm: CRM) -> None:
    """The digest of a command is keyed by the person: the same id with another name is refused."""

    def change(name: str) -> ChangeContact:
        return ChangeContact("V1", "V1#owner", "told by phone", name=Personal("V1#owner", name))

    first = crm.do(change("李四"), by=CLERK, id="change-1")
    assert crm.do(change("李四"), by=CLERK, id="change-1").version == first.version
    with pytest.raises(CommandReused):
        crm.do(change("王五"), by=CLERK, id="change-1")


MOVE = MovePayment("V1", "P1", "V2", "booked wrongly")


def ready_to_move(crm: CRM) -> None:
    crm.do(CHARGE, by=CLERK, at=NOW)
    crm.do(ReceivePayment("V1", "P1", 100, date(2011, 1, 1), "cash"), by=CLERK, at=NOW)
    crm.do(RegisterHousehold("V2", "星河", "1", "1", "102"), by=CLERK, at=NOW)


def moved_in(crm: CRM) -> list[str]:
    return [e.stream for e in crm.log.feed(names=["payments.payment_moved_in/1"])]


@pytest.mark.rule("LOG-05")
def test_what_follows_from_a_batch_is_run_behind_it(crm: CRM) -> None:
    """Its events come first, all in one transaction; then what they lead to in other streams."""
    ready_to_move(crm)
    before = crm.log.head()
    assert crm.batch([Planned(MOVE, "m1", NOW)], by=CLERK) == 1
    assert moved_in(crm) == ["account/V2"]
    assert crm.log.head() == before + 2


@pytest.mark.rule("LOG-05")
def test_the_consumer_runs_what_an_interruption_left_undone_and_nothing_twice(crm: CRM) -> None:
    ready_to_move(crm)
    done: list[object] = []
    interrupted = CRM(
        crm.log, vault=crm.host.vault, clock=crm.clock, ids=crm.ids, reads=crm.host.reads
    )
    interrupted._desk.follow = done.append  # type: ignore[assignment, method-assign]
    interrupted.do(MOVE, by=CLERK, id="m1", at=NOW)
    assert len(done) == 1
    assert moved_in(crm) == []
    crm.views.catch_up(crm.reactions)
    assert moved_in(crm) == ["account/V2"]
    # Everything again: by the consumer of another name, and by the command itself.
    crm.views.catch_up(evolve(crm.reactions, name="again"))
    crm.do(MOVE, by=CLERK, id="m1", at=NOW)
    assert moved_in(crm) == ["account/V2"]


@pytest.mark.rule("LOG-05")
def test_a_refused_reaction_is_parked_with_the_code_of_the_refusal(crm: CRM) -> None:
    """The payment has left one account; that it did not arrive in the other is seen by all."""
    ready_to_move(crm)
    interrupted = CRM(
        crm.log, vault=crm.host.vault, clock=crm.clock, ids=crm.ids, reads=crm.host.reads
    )
    interrupted._desk.follow = lambda _: None  # type: ignore[method-assign]
    interrupted.do(MOVE, by=CLERK, id="m1", at=NOW)
    # Meanwhile the other account gets a payment of that very number.
    crm.do(ReceivePayment("V2", "P1", 100, date(2011, 1, 1), "cash"), by=CLERK, at=NOW)
    assert crm.do(MOVE, by=CLERK, id="m1", at=NOW).stream == "account/V1"
    crm.views.catch_up(crm.reactions)
    [parked] = crm.views.parked("reactions", 1, 1)
    assert parked.stream == "account/V1"
    assert parked.error == "refused by PAY-01: payment_exists [CRM-R001]"
    assert crm.views.retry(crm.reactions) == 0
    [parked] = crm.views.parked("reactions", 1, 1)
    assert parked.tries == 2


def test_a_crm_without_views_says_so(crm: CRM) -> None:
    bare = CRM(crm.log, vault=crm.host.vault, clock=crm.clock, ids=crm.ids, reads=crm.host.reads)
    with pytest.raises(Invalid, match="without views"):
        bare.views.status()


@pytest.mark.parametrize("year", [1, 1899, 2201, 9999])
def test_a_year_out_of_range_is_told(crm: CRM, year: int) -> None:
    with pytest.raises(Invalid, match="between 1900 and 2200"):
        crm.grade(year)


def test_an_unknown_kind_of_aggregate_is_told(crm: CRM) -> None:
    with pytest.raises(Invalid, match="is not kept in the log"):
        crm.get(int, "V1", by=CLERK)


@pytest.mark.rule("LOG-01")
def test_what_became_of_a_command_is_found_by_its_id(crm: CRM) -> None:
    assert crm.outcome("c1") is None
    receipt = crm.do(CHARGE, by=CLERK, at=NOW, id="c1")
    crm.do(evolve(CHARGE, charge="C2"), by=CLERK, at=NOW, id="c2")
    assert crm.outcome("c1") == receipt == crm.do(CHARGE, by=CLERK, at=NOW, id="c1")
