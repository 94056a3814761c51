"""Segments are counted with a purpose and a basis, and no grade sees them (OWN-11)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import crm_core
from crm_adapters import open_crm
from crm_core import Actor, Invalid, Personal, Refused
from crm_core.application.segmenting import Counting, counted
from crm_core.crm import CRM
from crm_core.gradings.facts import EVENT_NAMES
from crm_core.kernel.dates import start_of_day
from crm_core.kernel.recorded import Envelope, Recorded
from crm_core.kernel.sealed import Plain
from crm_core.kernel.word import Word
from crm_core.owners import (
    MergeHousehold,
    RecordItem,
    RegisterHousehold,
    WithdrawItem,
)
from crm_core.owners.card.events import EVENTS, ItemRecorded
from crm_core.owners.card.standard import SEGMENTED
from crm_core.owners.redirects import NO_REDIRECTS
from crm_core.privacy.consent import WithdrawConsent

CLERK = Actor("S17", "specialist")
LEADER = Actor("S2", "supervisor")
CUSTODIAN = Actor("S5", "custodian")
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


def count(crm: CRM, item: str, purpose: str = "greetings", **more: Any) -> dict[str, int]:
    """What is told of an item, without the words of its list that few or none have."""
    asked: dict[str, Any] = {"by": LEADER, "purpose": purpose, "on": DAY} | more
    told = crm.owners.segments(item, **asked).counts
    return {value: number for value, number in told.items() if number}


@pytest.mark.rule("OWN-11")
@pytest.mark.rule("PRV-01")
def test_households_are_counted_and_cells_under_five_are_not_told(crm: CRM) -> None:
    for number in range(1, 6):
        keep(crm, number, "age_band", "60-79")
    for number in (6, 7, 8):
        keep(crm, number, "age_band", "18-34")
    told = crm.owners.segments("age_band", by=LEADER, purpose="greetings", on=DAY)
    assert (told.on, dict(told.counts)) == (
        DAY, {"0-17": None, "18-34": None, "35-59": None, "60-79": 5, "80+": None},
    )  # fmt: skip
    assert count(crm, "age_band", estate="星河小区") == {"60-79": 5}
    # Nobody, and a few, look the same.
    assert count(crm, "age_band", estate="Anhe") == {}


@pytest.mark.rule("OWN-11")
def test_a_word_of_their_own_that_few_have_is_not_even_named(crm: CRM) -> None:
    for number in range(1, 6):
        keep(crm, number, "occupation", "teacher")
    keep(crm, 6, "occupation", "judge at the high court")
    assert dict(
        crm.owners.segments("occupation", by=LEADER, purpose="greetings", on=DAY).counts
    ) == {"teacher": 5}


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
    for number in range(1, 8):
        keep(crm, number, "occupation", "teacher", word=None, document="contract 3")
    assert set(count(crm, "occupation")) == {"teacher"}
    assert count(crm, "occupation", purpose="advertising") == {}
    for number in (1, 2, 3):
        command = WithdrawItem(home(number), f"{home(number)}#owner", "occupation", DAY, "asked")
        crm.do(command, by=CLERK, at=start_of_day(DAY))
    assert count(crm, "occupation") == {}


@pytest.mark.rule("OWN-11")
@pytest.mark.rule("OWN-09")
def test_two_files_of_one_household_count_once_where_the_surviving_one_lies(crm: CRM) -> None:
    for number in range(1, 6):
        keep(crm, number, "key_household", "yes")
    keep(crm, 8, "key_household", "yes")
    merge = MergeHousehold(home(5), home(4), date(2011, 1, 1), "twice")
    crm.do(merge, by=LEADER, at=start_of_day(DAY))
    assert count(crm, "key_household") == {}
    other = MergeHousehold(home(8), home(3), date(2011, 1, 1), "twice")
    crm.do(other, by=LEADER, at=start_of_day(DAY))
    keep(crm, 6, "key_household", "yes")
    assert count(crm, "key_household") == {"yes": 5}
    assert count(crm, "key_household", estate="Anhe") == {}


# --- somebody who compares answers ---------------------------------------------------------------


JULY = date(2011, 7, 1)


def at(day: date) -> datetime:
    return start_of_day(day) + timedelta(hours=9)


@pytest.mark.rule("OWN-11")
@pytest.mark.rule("PRV-01")
def test_the_whole_less_an_estate_is_no_suppressed_cell(crm: CRM) -> None:
    """Five in one estate and one in the other: the difference would be the one."""
    for number in (1, 2, 3, 4, 5, 8):
        keep(crm, number, "key_household", "yes")
    assert count(crm, "key_household", estate="Anhe") == {}
    whole, one = (count(crm, "key_household", estate=e) for e in ("", "星河小区"))
    assert whole == one == {"yes": 5}


@pytest.mark.rule("OWN-11")
@pytest.mark.rule("PRV-01")
def test_what_one_household_tells_within_a_month_moves_no_answer_of_it(crm: CRM) -> None:
    for number in range(1, 6):
        keep(crm, number, "age_band", "60-79")
    before = count(crm, "age_band", on=JULY - timedelta(days=1))
    member = f"{home(6)}#owner"
    late = RecordItem(
        home(6), member, "age_band", Personal(member, "60-79"), DAY,
        kept_for="greetings", word=Word(member, "app", "consent 1"),
    )  # fmt: skip
    crm.do(late, by=CLERK, at=at(date(2011, 6, 20)))
    assert count(crm, "age_band", on=date(2011, 6, 30)) == before
    for day in (date(2011, 6, 15), DAY):
        assert count(crm, "age_band", on=day) == before


@pytest.mark.rule("OWN-11")
@pytest.mark.rule("PRV-05")
def test_whoever_wants_it_no_more_takes_the_table_away_and_shows_no_cell_of_theirs(
    crm: CRM,
) -> None:
    """Were their cell one less, everybody who knows of the withdrawal would know what they are."""
    for number in range(1, 8):
        keep(crm, number, "key_household", "yes" if number < 7 else "no")
    assert count(crm, "key_household")
    member = f"{home(1)}#owner"
    gone = WithdrawItem(home(1), member, "key_household", date(2011, 6, 9), "asked")
    crm.do(gone, by=CLERK, at=at(date(2011, 6, 9)))
    assert count(crm, "key_household") == {}
    # The next month has a table without them.
    assert count(crm, "key_household", on=JULY) == {"yes": 5}


@pytest.mark.rule("OWN-11")
@pytest.mark.rule("PRV-05")
@pytest.mark.parametrize("purpose", ["segment", "interest"])
def test_a_consent_that_is_withdrawn_carries_no_count_from_that_moment(
    crm: CRM, purpose: str
) -> None:
    for number in range(1, 7):
        keep(crm, number, "interest", "tai chi", kept_for="interest")
    assert count(crm, "interest", purpose="interest")
    member = f"{home(1)}#owner"
    now = crm.host.clock.now()
    said = WithdrawConsent(home(1), member, purpose, now, Word(member, "phone", "call 9"))
    crm.do(said, by=CLERK)
    assert count(crm, "interest", purpose="interest") == {}


@pytest.mark.rule("OWN-11")
@pytest.mark.rule("PRV-04")
def test_who_is_erased_is_not_told_by_what_is_missing(crm: CRM) -> None:
    for number in range(1, 7):
        keep(crm, number, "key_household", "yes")
    assert count(crm, "key_household")
    crm.privacy.erase(home(1), f"{home(1)}#owner", by=CUSTODIAN, purpose="rights: asked for it")
    assert count(crm, "key_household") == {}


@pytest.mark.rule("OWN-11")
@pytest.mark.rule("PRV-01")
def test_a_number_is_told_in_steps_of_five_drawn_anew_each_month_and_once_in_it(crm: CRM) -> None:
    """Seven of a cell are five or ten; who compares two months cannot tell one household's move."""

    def told(households: int, month: date) -> int | None:
        events = [(home(n), [recorded(home(n))]) for n in range(1, households + 1)]
        asked = Counting(
            item="interest", purpose="greetings", on=month, zone=crm.host.zone,
            estates={home(n): "Anhe" for n in range(1, 20)}, merges=NO_REDIRECTS,
            opens=lambda value, _: Plain(value.reveal()), lost=lambda *_: "",
            erased=lambda *_: False, fingerprint=crm.host.vault.fingerprint,
        )  # fmt: skip
        return counted(events, asked).counts.get("tai chi")

    months = [date(2012 + n // 12, n % 12 + 1, 1) for n in range(120)]
    drawn = [told(7, month) for month in months]
    assert set(drawn) == {5, 10}
    assert drawn == [told(7, month) for month in months], "asked again, it is the same"
    assert 30 < drawn.count(10) < 66, "seven on average"
    assert {told(10, month) for month in months} == {10}
    assert {told(4, month) for month in months} == {None}
    # One household more or less looks as a month that changed nothing does.
    assert {told(6, month) for month in months} == {told(9, month) for month in months} == {5, 10}


def recorded(household: str) -> Recorded[Any]:
    member = f"{household}#owner"
    item = ItemRecorded(
        basis="consent", document="", entry="", hours=None, household=household, item="interest",
        kept_for="greetings", language=None, member=member, on=DAY, preferred=False,
        source="phone", value=Personal(member, "Tai Chi"), word=Word(member, "app", "consent 1"),
    )  # fmt: skip
    envelope = Envelope("specialist:S17", "c", item, DAY, start_of_day(DAY))
    return Recorded(1, f"card/{household}", 1, "", household, "", envelope)


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
