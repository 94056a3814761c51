"""Somebody else's process, by the mapping in `examples/`: 4,951 fines to the cent."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import timedelta
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

from crm_adapters import open_crm
from crm_core import CRM
from crm_core.payments.collection.events import CollectionOpened
from kernel.shared_data import FOLDER

EXAMPLE = Path(__file__).parents[2] / "examples" / "traffic_fines.py"
DATA = FOLDER / "traffic-fines" / "traffic_fines.csv.gz"

if not EXAMPLE.is_file():
    pytest.skip("the tests do not stand beside the examples", allow_module_level=True)
if not DATA.is_file():
    pytest.skip(
        f"no fines in `{DATA.parent}`: set CRM_SHARED_DATA to the folder that holds them",
        allow_module_level=True,
    )


def _example() -> Any:
    spec = spec_from_file_location("traffic_fines", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


fines = _example()


@pytest.fixture(scope="module")
def cases() -> Any:
    return fines.read(DATA)


@pytest.fixture(scope="module")
def crm(cases: Any) -> Iterator[CRM]:
    with open_crm("memory:") as opened:
        fines.play(opened, cases)
        yield opened


def accounts(crm: CRM, cases: Any) -> dict[str, dict[str, Any]]:
    last = max(on for case in cases for on, _ in case.commands)
    return {case.number: crm.accounts.statement(case.number, last) for case in cases}


@pytest.mark.rule("PAY-01", "PAY-15")
def test_final_balances_are_amount_and_expense_less_what_was_paid(crm: CRM, cases: Any) -> None:
    assert len(cases) == 4951
    found = accounts(crm, cases)
    for case in cases:
        told = found[case.number]
        assert told["balance_fen"] == case.balance_fen, case.number
        unpaid = sum(row["unpaid_fen"] for row in told["unpaid"])
        assert unpaid - told["advance_fen"] == case.balance_fen, case.number


@pytest.mark.rule("PAY-10", "PAY-03")
def test_no_case_sent_to_collection_is_settled(crm: CRM, cases: Any) -> None:
    sent = {case.number: case.sent_on for case in cases if case.sent_on is not None}
    assert len(sent) == 1665
    opened = {r.household: r.event for r in crm.log.feed(names=["payments.collection_opened/1"])}
    assert opened.keys() == sent.keys()
    for number, on in sent.items():
        event = opened[number]
        assert isinstance(event, CollectionOpened)
        assert (event.on, event.grade != "A") == (on, True)
    for day in sorted(set(sent.values())):
        known = fines.noon(day)
        owing = {one.household: one.aged for one in crm.accounts.arrears(day, known=known)}
        for number, on in sent.items():
            if on == day:
                assert owing[number].overdue_fen > 0


@pytest.mark.rule("PAY-06")
def test_what_is_appealed_against_does_not_age_until_it_is_decided(crm: CRM, cases: Any) -> None:
    appealed = [
        (case.number, command.on)
        for case in cases
        for _, command in case.commands
        if type(command).__name__ == "DisputeCharge"
    ]
    # 120 to the prefecture and 14 to a judge, five of them to both.
    assert len({number for number, _ in appealed}) == 129
    for number, on in appealed[:40]:
        before = crm.accounts.statement(number, on - timedelta(days=1))
        after = crm.accounts.statement(number, on)
        assert after["overdue_fen"] <= before["overdue_fen"]


def test_the_damaged_column_is_reported_and_not_added_up(
    cases: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    damage = [one for case in cases for one in case.damage]
    assert len(damage) == 2428
    assert damage[0] == fines.Damage("A10005", "360.0", 36_00)
    assert sum(case.paid_fen for case in cases) == sum(one.paid_fen for one in damage)
    assert fines.main(DATA) == 0
    told = capsys.readouterr().out
    assert "2,428 values of `paymentamount` are damaged and were not added up" in told
    assert "case A10005: `360.0` where 36.00 were paid" in told
