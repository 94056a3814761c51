"""Our policy, our notifier and our integration, tested with the kit of crm-core alone."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from our_property.billing import Bill, tell
from our_property.letters import Letters
from our_property.policy import our_grades

from crm_adapters import open_crm
from crm_core import Account, Actor, Money
from crm_core.gradings import GradingPolicy
from crm_core.owners.commands import RegisterHousehold
from crm_core.testing import NotifierContract, check_monotone

CLERK = Actor("S1", "specialist")


@pytest.mark.rule("OUR-01")
def test_our_policy_is_monotone() -> None:
    """Whoever buys more, or owes less, is never graded lower for it."""
    check_monotone(our_grades())


@pytest.mark.rule("OUR-01")
def test_main_customers_begin_at_six_thousand() -> None:
    text = str(our_grades().tables)
    assert "threshold=600000" in text
    assert "threshold=800000" not in text


class TestLetters(NotifierContract):
    """Our notifier keeps the contract of the port."""

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path / "letters"
        self.folder.mkdir()

    def make(self) -> Letters:
        return Letters(self.folder)

    def taken(self) -> list[tuple[str, str]]:
        texts = [path.read_text(encoding="utf-8") for path in sorted(self.folder.iterdir())]
        return [(text.split("\n", 1)[0], text) for text in texts]

    def unreachable(self) -> Letters:
        return Letters(self.folder / "gone")


bills = st.builds(
    Bill,
    number=st.from_regex(r"B[0-9]{1,6}", fullmatch=True),
    household=st.just("V1"),
    yuan=st.integers(1, 10**8).map(lambda fen: Decimal(fen) / 100),
    sent=st.dates(date(2020, 1, 1), date(2024, 12, 31)),
)


@pytest.mark.rule("OUR-02")
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(bills, max_size=5, unique_by=lambda bill: bill.number))
def test_our_integration_loses_no_bill_and_no_fen(sent: list[Bill]) -> None:
    with open_crm("memory:") as crm:
        crm.do(RegisterHousehold("V1", "Anhe", "1", "1", "101"), by=CLERK)
        for bill in [*sent, *sent]:
            tell(crm, bill)
        raised = [e.event for e in crm.history("account/V1")] if sent else []
        told = {one.charge: (one.amount_fen, one.due) for one in raised}
        assert len(raised) == len(sent)
        for bill in sent:
            amount, due = told[bill.number]
            assert Decimal(amount) == bill.yuan * 100
            assert (due - bill.sent).days == 30


@settings(max_examples=30, deadline=None)
@given(st.from_type(Account), st.from_type(Money), st.from_type(GradingPolicy))
def test_values_of_public_types_come_by_themselves(account: Any, money: Any, policy: Any) -> None:
    assert isinstance(account, Account)
    assert isinstance(money, Money)
    assert isinstance(policy, GradingPolicy)


def test_the_fixture_is_a_new_log(crm: Any) -> None:
    assert crm.log.head() == 0
