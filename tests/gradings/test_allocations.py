"""A grading allocates by the policies that it pins, whatever comes into force later (PAY-02)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

import crm_core
from crm_adapters import open_crm
from crm_adapters.cli.app import run
from crm_core import CRM
from crm_core.gradings.engines.port import Ask
from crm_core.gradings.reading import DEFAULT_READING, Reading
from crm_core.gradings.uplift import DEFAULT_UPLIFT, UpliftPolicy, promises
from crm_core.kernel.dates import Period
from crm_core.kernel.word import Word
from crm_core.owners.commands import owner_id
from crm_core.payments import CreditPolicy, RaiseCharge, ReceivePayment
from crm_core.payments.allocation_policy import AllocationPolicy, Epoch
from crm_core.payments.commands import AgreeClause
from crm_core.payments.events import ChargeRaised, PaymentReceived
from crm_core.policies import PolicyBook
from crm_core.slices import shipped
from estate import DIRECTOR, do, home

ENGINES = ("events", "frames", "frames-duckdb")
CODE = "allocation-cn-civil-code/1"


@pytest.fixture
def crm() -> Iterator[CRM]:
    with open_crm("memory:") as opened:
        for name in ("V1", "V2"):
            home(opened, name)
            # A year's parking and the fee: the fee weighs more, the parking is older.
            parking = RaiseCharge(name, "PK", "parking", "2011", 100_00, date(2011, 1, 31))
            fee = RaiseCharge(name, "FEE", "management_fee", "2011", 100_00, date(2011, 11, 30))
            money = ReceivePayment(name, "PX", 100_00, date(2011, 12, 1), "cash")
            do(opened, parking, fee, money)
        yield opened


def agree(crm: CRM, name: str) -> None:
    word = Word(owner_id(name), "letter", "contract 7")
    on = date(2011, 1, 1)
    do(crm, AgreeClause(name, "K1", "allocation", CODE, on, "contract 7", word))


def graded(crm: CRM, engine: str = "events") -> dict[str, tuple[str, tuple[str, ...]]]:
    run = crm.grade(2011, by=DIRECTOR, engine=engine)
    return {g.household: (g.facts.credit, tuple(map(str, g.allocations))) for g in run.gradings}


def estates_code(estate: str) -> AllocationPolicy:
    """The Civil Code's way for one estate."""
    folder = Path(crm_core.__file__ or "").parent / "payments" / "policies"
    text = (folder / "allocation-cn-civil-code.toml").read_text(encoding="utf-8")
    text = text.replace("allocation-cn-civil-code", "allocation-of-ours")
    return AllocationPolicy.parse(f'estates = ["{estate}"]\n{text}')


@pytest.mark.rule("PAY-02", "GRD-08")
@pytest.mark.parametrize("engine", ENGINES)
def test_a_clause_of_the_contract_is_in_the_grade_and_in_what_it_pins(
    crm: CRM, engine: str
) -> None:
    before = graded(crm)
    assert before["V1"] == before["V2"]
    agree(crm, "V1")
    after = graded(crm, engine)
    assert after["V2"] == before["V2"]
    assert after["V2"][1] == ()
    # The fee is paid, and the parking stays open since January.
    assert (before["V1"][0], after["V1"][0]) == ("B2", "B4")
    assert after["V1"][1] == ("allocation-cn-default/1", CODE)
    for replaying in ENGINES:
        found = crm.replay(engine=replaying)
        assert (found.gradings, found.differing) == (4, ())
    credit = crm.policies.find(CreditPolicy, "credit-cn-default", date(2011, 12, 31))
    reading = shipped().find(Reading, DEFAULT_READING, date(2011, 12, 31))
    cutoff, at_hand = crm.gradings.cutoff(None), crm.gradings.allocations()
    ask = Ask(Period.of_year(2011), cutoff, credit, reading, at_hand)
    rows = [list(crm.gradings.engine(name).gather(ask)) for name in ENGINES]
    assert rows[0] == rows[1] == rows[2]
    lines = [list(crm.accounts.credit(date(2011, 12, 31), engine=name)) for name in ENGINES]
    assert lines[0] == lines[1] == lines[2]
    assert [line.grade for line in lines[0]] == [after["V1"][0], after["V2"][0]]


@pytest.mark.rule("PAY-02", "GRD-08")
@pytest.mark.parametrize("engine", ENGINES)
def test_what_comes_into_force_later_changes_no_grading_that_was_decided(
    crm: CRM, engine: str
) -> None:
    before = graded(crm, engine)
    place = next(iter(crm.history("V1"))).event.estate
    crm.host.policies = PolicyBook([*crm.registry.shipped, estates_code(place)])
    assert crm.replay(engine=engine).differing == ()
    [line, _] = crm.accounts.credit(date(2011, 12, 31), engine=engine)
    assert (before["V1"][0], line.grade) == ("B2", "B4")


@pytest.mark.rule("PAY-02", "GRD-08")
@pytest.mark.parametrize("engine", ENGINES)
def test_a_grading_whose_pinned_policy_is_not_at_hand_is_said_to_be(crm: CRM, engine: str) -> None:
    before = crm.policies
    place = next(iter(crm.history("V1"))).event.estate
    crm.host.policies = PolicyBook([*crm.registry.shipped, estates_code(place)])
    assert graded(crm, engine) == dict.fromkeys(("V1", "V2"), ("B4", ("allocation-of-ours/1",)))
    assert crm.replay(engine=engine).differing == ()
    crm.host.policies = before
    found = crm.replay(engine=engine)
    assert [one.household for one in found.differing] == ["V1", "V2"]
    assert all("allocation-of-ours/1" in one.first_difference for one in found.differing)


@pytest.mark.rule("PAY-02", "GRD-05")
def test_which_bills_were_paid_in_time_follows_the_policy_too() -> None:
    """By the Civil Code the fee comes before the older parking, and was paid on its day."""
    facts = [
        (ChargeRaised("PK", "parking", "2011", 100_00, date(2011, 1, 31), None), 1),
        (ChargeRaised("FEE", "management_fee", "2011", 100_00, date(2011, 2, 28), None), 2),
        (PaymentReceived("P1", 100_00, date(2011, 2, 28), "cash", None, (), None), 3),
    ]
    on = date(2011, 3, 1)
    table = shipped().find(UpliftPolicy, DEFAULT_UPLIFT, on)
    code = shipped().find(AllocationPolicy, "allocation-cn-civil-code", on)
    assert promises(facts, on, table).kept == ()
    assert promises(facts, on, table, (Epoch(date.min, code),)).kept == (2,)


@pytest.mark.rule("PAY-02", "PAY-03")
def test_the_file_and_the_statement_say_the_same_of_the_account(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    db = f"sqlite:///{tmp_path / 'crm.db'}"
    with open_crm(db, create=True) as crm:
        home(crm, "V1")
        parking = RaiseCharge("V1", "PK", "parking", "2011", 100_00, date(2011, 1, 31))
        fee = RaiseCharge("V1", "FEE", "management_fee", "2011", 100_00, date(2011, 11, 30))
        do(crm, parking, fee, ReceivePayment("V1", "PX", 100_00, date(2011, 12, 1), "cash"))
        agree(crm, "V1")
    said = []
    for args in (("account", "V1"), ("show", "V1")):
        told = ["--db", db, "--format", "json", *args, "--on", "2011-12-31"]
        assert run(told) == 0
        said.append(json.loads(capsys.readouterr().out))
    account, shown = said[0], said[1]["account"]
    assert {name: account[name] for name in shown} == shown
    # The fee weighs more than the older parking: what shows is the contract's way.
    unpaid = {row["charge"] for row in shown["unpaid"]}
    assert "PK" in unpaid
    assert "FEE" not in unpaid
