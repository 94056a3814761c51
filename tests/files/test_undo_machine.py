"""Imports, undos and corrections in any order: what holds is what the files that stand say."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from crm_adapters import open_crm
from crm_core import Account, Household, Refused, Request
from crm_core.requests import Closed
from import_estates import (
    BOSS,
    CHARGE,
    CLERK,
    HOUSEHOLD,
    PAYMENT,
    PURCHASE,
    REQUEST,
    Files,
    take_in,
)

HOMES = ("V1", "V2")
FEN = st.sampled_from(["1.00", "127.00", "340.50"])
DUE = date(2024, 1, 1)


def rows_about(home: str, number: int, amount: str) -> Files:
    """A charge, a payment of it, a purchase and a request of one household."""
    mine = {"household": home, "recorded": ""}
    asked = {"household": home, "request": f"R{home}{number}"}
    charge = f"C{number}"
    return {
        "charges": [{**CHARGE, **mine, "charge": charge, "amount": amount}],
        "payments": [{**PAYMENT, **mine, "payment": f"P{number}", "charge": charge}],
        "purchases": [{**PURCHASE, **mine, "purchase": f"S{number}", "amount": amount}],
        "requests": [{**REQUEST, **asked}],
    }


def homes() -> Iterable[dict[str, str]]:
    return (
        {**HOUSEHOLD, "household": home, "room": f"10{nth}", "phone": ""}
        for nth, home in enumerate(HOMES)
    )


class Imports(RuleBasedStateMachine):
    """The model: what each import that stands has said, by household and number."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.crm = open_crm("memory:")
        self.made = 0
        self.stands: dict[str, dict[tuple[str, int], str]] = {}
        self.corrected: set[tuple[str, int]] = set()
        self.put({"households": [*homes()]})

    def put(self, files: Files, **options: Any) -> Any:
        self.made += 1
        return take_in(self.crm, Path(self.folder.name) / str(self.made), files, **options)

    def said(self) -> dict[tuple[str, int], str]:
        return {key: fen for one in self.stands.values() for key, fen in one.items()}

    @rule(home=st.sampled_from(HOMES), number=st.integers(1, 3), amount=FEN)
    def import_rows(self, home: str, number: int, amount: str) -> None:
        """New rows come in; those that stand are repeated, or differ and are faults."""
        known = self.said().get((home, number))
        report = self.put(rows_about(home, number, amount))
        if known is None:
            assert report.faults == []
            if report.events:
                self.stands[self.crm.imports.every()[-1].number] = {(home, number): amount}
        elif known == amount:
            assert (report.events, report.faults) == (0, [])
        else:
            assert report.events == 0

    @precondition(lambda self: bool(self.stands))
    @rule(data=st.data())
    def undo(self, data: st.DataObject) -> None:
        """An import is undone, unless one of its rows was corrected since."""
        number = data.draw(st.sampled_from(sorted(self.stands)))
        if self.corrected & set(self.stands[number]):
            with pytest.raises(Refused, match="records rest on facts"):
                self.crm.imports.undo(number, by=BOSS, reason="of another month")
            return
        self.crm.imports.undo(number, by=BOSS, reason="of another month")
        del self.stands[number]

    @precondition(lambda self: bool(self.stands))
    @rule(data=st.data(), amount=FEN)
    def correct(self, data: st.DataObject, amount: str) -> None:
        """Rows that stand come back corrected: only a difference becomes events."""
        number = data.draw(st.sampled_from(sorted(self.stands)))
        (home, nth), before = next(iter(self.stands[number].items()))
        report = self.put(rows_about(home, nth, amount), by=CLERK, corrects="read again")
        assert report.faults == []
        assert (report.events == 0) == (before == amount)
        if before != amount:
            self.stands[number] = {(home, nth): amount}
            self.corrected.add((home, nth))

    @invariant()
    def what_holds_is_what_the_files_say(self) -> None:
        said = self.said()
        for home in HOMES:
            assert isinstance(self.crm.get(Household, home, by=BOSS, purpose="file"), Household)
            account = self.crm.get(Account, home, by=BOSS, purpose="file") or Account()
            for number in (1, 2, 3):
                amount = said.get((home, number))
                charge = account.charge(f"C{number}")
                purchase = account.purchase(f"S{number}")
                request = self.crm.get(Request, f"R{home}{number}", by=BOSS, purpose="file")
                assert (account.payment(f"P{number}") is None) == (amount is None)
                assert isinstance(request, Closed) == (amount is not None)
                if amount is None:
                    assert charge is purchase is request is None
                else:
                    fen = int(amount.replace(".", ""))
                    assert (charge.amount_fen, purchase.amount_fen) == (fen, fen)  # type: ignore[union-attr]

    @invariant()
    def both_engines_see_the_same(self) -> None:
        for day in (DUE, date(2024, 6, 1)):
            events = list(self.crm.accounts.credit(day))
            assert events == list(self.crm.accounts.credit(day, engine="frames"))

    def teardown(self) -> None:
        self.crm.close()
        self.folder.cleanup()


TestImports = pytest.mark.rule("IMP-01")(Imports.TestCase)
TestImports.settings = settings(
    max_examples=8, stateful_step_count=8, suppress_health_check=[HealthCheck.too_slow]
)
