"""Costs of enforcement: asked for like a charge, and apart from principal (PAY-04, PAY-08)."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from agreeing import KEPT, claim
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from paying import (
    ACCOUNTS,
    DAILY,
    DEFAULT,
    JANUARY,
    TABLES,
    charge_it,
    day,
    decide_waiver,
    grade,
    paid,
    placed,
    raised,
    unpaid,
    waive,
    waived,
    waiver_proposed,
)

from crm_adapters.cli.app import run
from crm_adapters.wiring import open_crm
from crm_core.kernel.dates import Period
from crm_core.payments import ACCOUNT, Ledger, allocate, credit_standing
from crm_core.payments.books import trial_balance
from crm_core.payments.changes import changes
from crm_core.payments.commands import CHARGE_KINDS
from crm_core.payments.credit import CreditPolicy, course
from crm_core.payments.events import ChargeRaised
from crm_core.payments.late import late_charges
from crm_core.payments.owing import overdue
from crm_core.testing.scenario import given as scenario

COSTS = "enforcement_costs"


def costs(number: str = "E1", due: str = "2011-01-31", fen: int = 50_00) -> ChargeRaised:
    return ChargeRaised(number, COSTS, "suit 7", fen, day(due), None)


@pytest.mark.rule("PAY-01", "PAY-04")
def test_costs_of_enforcement_are_a_kind_of_charge() -> None:
    assert COSTS in CHARGE_KINDS
    asked = charge_it("E1", kind=COSTS, period="suit 7", amount_fen=50_00)
    scenario(ACCOUNT).when(asked).then(costs())


@pytest.mark.rule("PAY-04")
def test_they_age_no_grade_and_are_owed_all_the_same() -> None:
    booked = [costs()]
    for on in ("2011-02-01", "2011-06-30", "2013-01-01"):
        assert grade(booked, on)[0] == "A"
        assert overdue(Ledger.of(placed(booked)), day(on)) is None
        assert allocate(Ledger.of(placed(booked)), day(on)).owed_fen == 50_00
    assert unpaid(booked, "2011-06-30") == {}
    over = course(Ledger.of(placed(booked)), Period.of_year(2011), DEFAULT)
    assert (over.worst, over.last) == ("A", "A")
    assert list(changes(placed(booked), Period.of_year(2011), DEFAULT)) == []
    # Beside principal they neither make it older nor larger.
    assert grade([costs("E1", "2010-01-31"), JANUARY], "2011-02-10") == grade(
        [JANUARY], "2011-02-10"
    )


@pytest.mark.rule("PAY-04", "PAY-06")
@given(
    ACCOUNTS,
    st.sampled_from(TABLES),
    st.integers(1, 10_000),
    st.dates(date(2010, 1, 1), date(2011, 12, 31)),
)
def test_they_never_worsen_a_grade(
    booked: tuple[Any, ...], table: CreditPolicy, fen: int, due: date
) -> None:
    """Nor the course of a year: no money without a name settles them before principal."""
    plain = Ledger.of(placed(booked))
    with_them = Ledger.of(placed([*booked, ChargeRaised("EX", COSTS, "suit", fen, due, None)]))
    for on in (due, due + timedelta(days=1), date(2011, 12, 31), date(2012, 6, 30)):
        assert credit_standing(with_them, on, table) == credit_standing(plain, on, table)
    window = Period.of_year(2011)
    assert course(with_them, window, table) == course(plain, window, table)


@pytest.mark.rule("PAY-04", "PAY-02", "PAY-15")
def test_money_without_a_name_settles_them_after_all_principal() -> None:
    booked = [costs(), JANUARY]
    found = allocate(Ledger.of(placed([*booked, paid(fen=120_00)])), day("2011-02-10"))
    assert (found.unpaid, [(c.number, fen) for c, fen in found.late]) == ((), [("E1", 30_00)])
    named = allocate(Ledger.of(placed([*booked, paid(fen=50_00, charge="E1")])), day("2011-02-10"))
    assert ([(c.number, fen) for c, fen in named.unpaid], named.late) == ([("C1", 100_00)], ())
    for facts in (booked, [*booked, paid(fen=120_00)], [costs(), paid(fen=60_00, charge="E1")]):
        assert trial_balance(placed(facts), day("2011-12-31")).unexplained_fen == 0


@pytest.mark.rule("PAY-04", "PAY-01")
def test_they_can_be_given_up() -> None:
    asked = waive("W1", "E1", 50_00)
    scenario(ACCOUNT, costs()).when(asked, decide_waiver()).then(
        waiver_proposed("W1", "E1", 50_00), waived("W1", "E1", 50_00)
    )
    found = allocate(Ledger.of(placed([costs(), waived("W1", "E1", 50_00)])), day("2011-12-31"))
    assert (found.owed_fen, found.advance_fen) == (0, 0)


@pytest.mark.rule("PAY-04", "PAY-08")
def test_they_bear_no_late_charge_by_any_policy() -> None:
    every = evolve(DAILY, kinds=CHARGE_KINDS)
    ledger = Ledger.of(placed([costs(), raised()]))
    assert [one.charge for one in late_charges(ledger, day("2011-06-30"), every)] == ["C1"]
    scenario(ACCOUNT, costs(), KEPT).when(claim(of="E1", policy=every)).refused(
        "no_late_charge", "PAY-08"
    )


@pytest.mark.rule("PAY-04", "PAY-12")
def test_they_are_imported_like_any_charge(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "households.csv").write_text(
        "household,estate,building,unit,room,kind\nV1,Anhe,1,1,101,person\n", encoding="utf-8"
    )
    (tmp_path / "charges.csv").write_text(
        "charge,household,kind,period,amount,due\n"
        f"E1,V1,{COSTS},suit 7,50.00,2011-01-31\nC1,V1,management_fee,2011-02,100.00,2011-02-28\n",
        encoding="utf-8",
    )
    db = f"sqlite:///{tmp_path / 'crm.db'}"
    assert run(["--db", db, "import", str(tmp_path)]) == 0
    capsys.readouterr()
    with open_crm(db, create=True) as crm:
        [line] = crm.accounts.credit(day("2011-02-28"))
        assert (line.grade, line.overdue_fen) == ("A", 0)
        [line] = crm.accounts.credit(day("2011-03-31"))
        assert (line.grade, line.overdue_days, line.overdue_fen) == ("B2", 31, 100_00)
        told = crm.accounts.statement("V1", day("2011-03-31"))
        assert told["balance_fen"] == 150_00
        for engine in ("frames", "frames-duckdb"):
            assert list(crm.accounts.credit(day("2011-03-31"), engine=engine)) == [line]
