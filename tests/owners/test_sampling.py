"""Key data are verified by samples that anybody can draw again (OWN-07)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_adapters import open_crm
from crm_core import Actor, Invalid, Personal, Refused
from crm_core.crm import CRM
from crm_core.kernel.text import place_key
from crm_core.owners import (
    SAMPLE,
    DrawSample,
    MergeHousehold,
    RegisterHousehold,
    Sample,
    VerifyItem,
)
from crm_core.owners.commands import VoidHousehold
from crm_core.owners.sampling import ALGORITHM, SampleDrawn, drawn
from crm_core.testing import given as past

CLERK = Actor("S17", "specialist")
LEADER = Actor("S2", "supervisor")
ENTERED = datetime(2010, 1, 5, 4, tzinfo=UTC)
DAY = date(2011, 6, 1)
SEED = "lottery 2011-06-01: 03 07 12 19 22 31 05"


def drawn_elsewhere(seed: str, households: list[str], size: int) -> list[str]:
    """The page of the reference, followed with nothing of the library: a table, sorted by hand."""
    table = []
    for household in households:
        lot = hashlib.new("sha256")
        lot.update(seed.encode("utf-8"))
        lot.update(b"\x0a")
        lot.update(household.encode("utf-8"))
        table.append((int.from_bytes(lot.digest(), "big"), household))
    chosen: list[str] = []
    while table and len(chosen) < size:
        least = table[0]
        for row in table:
            if row[0] < least[0]:
                least = row
        table.remove(least)
        chosen.append(least[1])
    return chosen


@pytest.mark.rule("OWN-07")
@given(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20),
    st.lists(st.text("V0123456789户", min_size=1, max_size=8), unique=True, max_size=30),
    st.integers(0, 12),
)
def test_a_sample_is_redrawn_identically_elsewhere(
    seed: str, households: list[str], size: int
) -> None:
    assert list(drawn(seed, households, size)) == drawn_elsewhere(seed, households, size)
    assert drawn(seed, sorted(households), size) == drawn(seed, households[::-1], size)


@pytest.fixture
def crm() -> Iterator[CRM]:
    with open_crm("memory:") as opened:
        for number in range(1, 21):
            household = f"V{number:05}"
            owner = Personal(f"{household}#owner", "张伟")
            estate = "星河小区" if number <= 15 else "Anhe"
            place = (estate, "1号楼", "1单元", str(number))
            opened.do(RegisterHousehold(household, *place, owner=owner), by=CLERK, at=ENTERED)
        yield opened


def draw(crm: CRM, sample: str = "Q1", **changes: Any) -> SampleDrawn:
    command = attrs.evolve(DrawSample(sample, SEED, 5, ("name", "mobile"), DAY), **changes)
    [event] = crm.do(command, by=LEADER).events
    assert isinstance(event, SampleDrawn)
    return event


@pytest.mark.rule("OWN-07")
def test_the_draw_says_all_that_is_needed_to_draw_it_again(crm: CRM) -> None:
    event = draw(crm)
    everybody = [f"V{number:05}" for number in range(1, 21)]
    assert (event.seed, event.algorithm, event.population) == (SEED, ALGORITHM, 20)
    assert list(event.households) == drawn_elsewhere(SEED, everybody, 5)
    told = "".join(f"{one}\n" for one in everybody)
    assert event.population_digest == hashlib.sha256(told.encode()).hexdigest()
    assert crm.get(Sample, "Q1") == Sample(event)


@pytest.mark.rule("OWN-07")
def test_of_an_estate_its_own_households_take_part_and_no_merged_or_later_file(crm: CRM) -> None:
    merge = MergeHousehold("V00016", "V00017", date(2011, 1, 1), "twice")
    crm.do(merge, by=LEADER, at=ENTERED.replace(year=2011))
    later = RegisterHousehold("V00099", "Anhe", "9", "9", "9")
    crm.do(later, by=CLERK, at=ENTERED.replace(year=2012))
    assert draw(crm, estate="Anhe", size=4).population == 4
    assert set(draw(crm, "Q2", estate="Anhe", size=4).households) == {
        f"V{number:05}" for number in range(17, 21)
    }


@pytest.mark.rule("OWN-07")
def test_results_stand_by_item_and_what_was_not_drawn_is_none(crm: CRM) -> None:
    first, *_ = draw(crm).households
    mine = f"{first}#owner"
    check = VerifyItem(first, mine, "name", "confirmed", "phone", DAY, sample="Q1")
    crm.do(check, by=CLERK)
    found = {(one.household, one.item): one.result for one in crm.owners.sampled("Q1", by=LEADER)}
    assert len(found) == 10
    assert {key for key, result in found.items() if result} == {(first, "name")}
    assert found[first, "name"] == "confirmed"
    other = next(f"V{n:05}" for n in range(1, 21) if (f"V{n:05}", "name") not in found)
    for command in (
        VerifyItem(other, f"{other}#owner", "name", "confirmed", "phone", DAY, sample="Q1"),
        attrs.evolve(check, item="phone"),
        attrs.evolve(check, sample="Q9"),
    ):
        with pytest.raises(Refused) as refused:
            crm.do(command, by=CLERK)
        assert refused.value.reason == "not_drawn"
    with pytest.raises(Invalid):
        crm.owners.sampled("Q9", by=LEADER)


@pytest.mark.rule("OWN-07")
@pytest.mark.rule("OWN-09")
def test_what_was_drawn_before_its_file_was_merged_is_checked_in_the_surviving_one(
    crm: CRM,
) -> None:
    first, *others = draw(crm).households
    into = next(f"V{n:05}" for n in range(1, 21) if f"V{n:05}" not in (first, *others))
    crm.do(MergeHousehold(first, into, DAY, "twice"), by=LEADER)
    check = VerifyItem(into, f"{into}#owner", "name", "wrong", "phone", DAY, sample="Q1")
    crm.do(check, by=CLERK)
    found = {(one.household, one.item): one.result for one in crm.owners.sampled("Q1", by=LEADER)}
    assert found[first, "name"] == "wrong"


@pytest.mark.rule("OWN-07")
@pytest.mark.rule("IMP-01")
def test_no_file_that_never_was_takes_part_in_a_draw(crm: CRM) -> None:
    crm._desk.within(
        VoidHousehold("V00020", place_key("Anhe", "1号楼", "1单元", "20"), DAY, "of another month"),
        by=LEADER,
    )
    assert draw(crm, estate="Anhe", size=4).population == 4


@pytest.mark.rule("OWN-07")
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"seed": " "}, "seed_missing"),
        ({"size": 0}, "sample_size"),
        ({"size": 3}, "sample_size"),
        ({"items": ()}, "sample_size"),
        ({"items": ("birthday",)}, "unknown_item"),
    ],
)
def test_a_draw_without_a_seed_or_of_nobody_is_refused(
    changes: dict[str, Any], reason: str
) -> None:
    command = DrawSample("Q1", SEED, 1, ("name",), DAY)
    command = attrs.evolve(command, by=LEADER, population=("V1", "V2"), **changes)
    past(SAMPLE).when(command).refused(reason, "OWN-07")


@pytest.mark.rule("OWN-07")
def test_a_sample_is_drawn_once(crm: CRM) -> None:
    """Or somebody would draw until the sample suits."""
    draw(crm)
    with pytest.raises(Refused) as refused:
        draw(crm, seed="another")
    assert refused.value.reason == "sample_exists"
