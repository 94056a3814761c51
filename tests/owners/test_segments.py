"""Segments are counted with a purpose and a basis, and no grade sees them (OWN-11)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

import crm_core
from crm_adapters import open_crm
from crm_core import Actor, Invalid, Personal, Refused
from crm_core.crm import CRM
from crm_core.gradings.facts import EVENT_NAMES
from crm_core.kernel.dates import start_of_day
from crm_core.kernel.word import Word
from crm_core.owners import (
    MergeHousehold,
    RecordItem,
    RegisterHousehold,
    WithdrawItem,
)
from crm_core.owners.card.events import EVENTS
from crm_core.owners.card.standard import SEGMENTED

CLERK = Actor("S17", "specialist")
LEADER = Actor("S2", "supervisor")
ENTERED = datetime(2010, 1, 5, 4, tzinfo=UTC)
DAY = date(2011, 6, 1)


def home(number: int) -> str:
    return f"V{number:05}"


@pytest.fixture
def crm() -> Iterator[CRM]:
    with open_crm("memory:") as opened:
        for number in range(1, 9):
            household = home(number)
            owner = Personal(f"{household}#owner", "张伟")
            estate = "星河小区" if number < 8 else "Anhe"
            place = (estate, "1号楼", "1单元", str(number))
            opened.do(RegisterHousehold(household, *place, owner=owner), by=CLERK, at=ENTERED)
        yield opened


def keep(crm: CRM, number: int, item: str, text: str, **more: Any) -> None:
    member = f"{home(number)}#owner"
    said: dict[str, Any] = {"kept_for": "greetings", "word": Word(member, "app", "consent 1")}
    value = Personal(member, text)
    command = RecordItem(home(number), member, item, value, DAY, **(said | more))
    crm.do(command, by=CLERK, at=start_of_day(DAY))


def count(crm: CRM, item: str, purpose: str = "greetings", **more: Any) -> dict[str, int | None]:
    return dict(crm.owners.segments(item, by=LEADER, purpose=purpose, on=DAY, **more).counts)


@pytest.mark.rule("OWN-11")
@pytest.mark.rule("PRV-01")
def test_households_are_counted_and_cells_under_five_are_not_told(crm: CRM) -> None:
    for number in range(1, 6):
        keep(crm, number, "age_band", "60-79")
    keep(crm, 6, "age_band", "18-34")
    assert count(crm, "age_band") == {"18-34": None, "60-79": 5}
    assert count(crm, "age_band", estate="星河小区")["60-79"] == 5
    assert count(crm, "age_band", estate="Anhe") == {}


@pytest.mark.rule("OWN-11")
def test_birthdays_are_counted_by_month_and_words_however_they_are_typed(crm: CRM) -> None:
    for number in range(1, 6):
        keep(crm, number, "birthday", f"03-{number:02}")
        keep(crm, number, "interest", "Ｔａｉ Chi" if number % 2 else "tai chi ")
    assert count(crm, "birthday") == {"03": 5}
    assert count(crm, "interest") == {"tai chi": 5}


@pytest.mark.rule("OWN-11")
@pytest.mark.parametrize("item", SEGMENTED)
def test_nothing_of_it_is_kept_without_a_purpose_and_a_basis(crm: CRM, item: str) -> None:
    for missing in ({"word": None}, {"kept_for": ""}):
        with pytest.raises(Refused) as refused:
            keep(crm, 1, item, "x", **missing)
        assert (refused.value.reason, refused.value.rule) == ("basis_missing", "OWN-11")


@pytest.mark.rule("OWN-11")
def test_an_item_counts_for_its_own_purpose_as_long_as_it_is_not_withdrawn(crm: CRM) -> None:
    for number in range(1, 7):
        keep(crm, number, "occupation", "teacher", word=None, document="contract 3")
    assert count(crm, "occupation") == {"teacher": 6}
    assert count(crm, "occupation", purpose="advertising") == {}
    for number in (1, 2):
        command = WithdrawItem(home(number), f"{home(number)}#owner", "occupation", DAY, "asked")
        crm.do(command, by=CLERK, at=start_of_day(DAY))
    assert count(crm, "occupation") == {"teacher": None}


@pytest.mark.rule("OWN-11")
@pytest.mark.rule("OWN-09")
def test_two_files_of_one_household_and_who_was_erased_do_not_swell_a_cell(crm: CRM) -> None:
    for number in range(1, 7):
        keep(crm, number, "key_household", "yes")
    assert count(crm, "key_household") == {"yes": 6}
    merge = MergeHousehold(home(6), home(5), date(2011, 1, 1), "twice")
    crm.do(merge, by=LEADER, at=start_of_day(DAY))
    assert count(crm, "key_household") == {"yes": 5}
    crm.host.vault.erase(f"{home(1)}#owner")
    assert count(crm, "key_household") == {"yes": None}


@pytest.mark.rule("OWN-11")
def test_who_may_not_count_or_says_not_what_for_counts_nothing(crm: CRM) -> None:
    with pytest.raises(Refused):
        crm.owners.segments("age_band", by=CLERK, purpose="greetings")
    with pytest.raises(Invalid):
        crm.owners.segments("age_band", by=LEADER, purpose="")
    with pytest.raises(Invalid):
        crm.owners.segments("employer", by=LEADER, purpose="greetings")


@pytest.mark.rule("OWN-11")
@pytest.mark.rule("GRD-15")
def test_no_grade_sees_a_record_card() -> None:
    """Neither as a fact, nor by an import of the card anywhere in gradings or payments."""
    assert not EVENT_NAMES & {kind.stored for kind in EVENTS}
    root = Path(crm_core.__file__).parent
    for part in ("gradings", "payments"):
        for file in sorted((root / part).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ImportFrom):
                    assert not (node.module or "").startswith("crm_core.owners.card"), file
                    assert not (node.module or "").startswith("crm_core.owners.prospects"), file
