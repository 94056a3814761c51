"""Compound names as they are, and odd scripts: through registration, the card and merging.

Names of estates are written with brackets, numerals and Latin letters, and one name stands in two
districts; people are called in every script there is. Nothing of it is put right by the library.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_adapters import open_crm
from crm_core import Actor, Household, Personal, Refused
from crm_core.crm import CRM
from crm_core.kernel.text import place_key
from crm_core.owners import MergeHousehold, RecordItem, RegisterHousehold
from crm_core.owners.views import DIRECTORY

CLERK = Actor("S17", "specialist")
LEADER = Actor("S2", "supervisor")
ENTERED = datetime(2010, 1, 5, 4, tzinfo=UTC)
DAY = date(2011, 6, 1)

STEMS = (
    "阳光100",
    "万科城",
    "锦绣花园",
    "SOHO现代城",
    "𠮷祥里",
    "㵲水湾",
    "Château d'Or",
    "ЖК Заря",
)
BRACKETS = ("", "（东区）", "(二期)", "【A座】", "·北苑", "Ⅲ", "③", " No.7")
DISTRICTS = ("朝阳区", "海淀区", "Pudong")
ESTATES = st.builds("".join, st.tuples(*map(st.sampled_from, (DISTRICTS, STEMS, BRACKETS))))
PARTS = st.sampled_from(("1号楼", "十二栋", "B座", "Ⅱ", "3-甲", "地下-1", "12A", "〇一"))
PLACES = st.tuples(ESTATES, PARTS, PARTS, PARTS)
PEOPLE = st.one_of(
    st.sampled_from(
        ("欧阳𬭎", "阿卜杜拉·买买提", "O'Neil-Smith III", "กานต์", "محمد", "𱁬", "Văn Ả")
    ),
    st.text(st.characters(categories=["Lu", "Ll", "Lo", "Mn"], max_codepoint=0x2FFFF), min_size=1)
    .map(str.strip)
    .filter(bool),
)


def opened() -> CRM:
    return open_crm("memory:")


def register(crm: CRM, household: str, place: tuple[str, ...], name: str) -> None:
    estate, building, unit, room = place
    owner = Personal(f"{household}#owner", name)
    command = RegisterHousehold(household, estate, building, unit, room, owner=owner)
    crm.do(command, by=CLERK, at=ENTERED)


@pytest.mark.rule("OWN-01")
@pytest.mark.rule("OWN-05")
@given(st.lists(st.tuples(PLACES, PEOPLE), min_size=1, max_size=6))
def test_places_and_names_come_back_as_they_were_written(
    homes: list[tuple[tuple[str, ...], str]],
) -> None:
    """And a place is taken exactly if somebody has it, however its width, case or spaces."""
    with opened() as crm:
        taken: dict[str, str] = {}
        for number, (place, name) in enumerate(homes, start=1):
            household, key = f"V{number}", place_key(*place)
            if key in taken:
                with pytest.raises(Refused) as refused:
                    register(crm, household, place, name)
                assert refused.value.details == {"household": taken[key]}
                continue
            register(crm, household, place, name)
            taken[key] = household
            file = crm.owners.file(household, by=CLERK, purpose="case 1")
            assert file is not None
            found = file.property
            assert (found.estate, found.building, found.unit, found.room) == place
            assert [one.value for one in file.identity if one.item == "name"] == [name]
        crm.views.catch_up(DIRECTORY)
        rows = crm.views.scan(DIRECTORY, limit=100)
        assert {row.household for _, _, row in rows} == set(taken.values())


@pytest.mark.rule("OWN-01")
@given(st.sampled_from(STEMS), st.sampled_from(BRACKETS), st.tuples(PARTS, PARTS, PARTS))
def test_one_name_in_two_districts_is_two_places(
    stem: str, bracket: str, rest: tuple[str, str, str]
) -> None:
    with opened() as crm:
        for number, district in enumerate(DISTRICTS):
            register(crm, f"V{number}", (f"{district}{stem}{bracket}", *rest), "张伟")
            assert crm.get(Household, f"V{number}", by=CLERK) is not None


@pytest.mark.rule("OWN-04")
@pytest.mark.rule("OWN-09")
@given(PLACES, PLACES, PEOPLE, PEOPLE)
def test_odd_names_go_through_the_card_and_a_merge_unchanged(
    one: tuple[str, ...], other: tuple[str, ...], owner: str, employer: str
) -> None:
    with opened() as crm:
        register(crm, "V1", one, owner)
        if place_key(*one) == place_key(*other):
            return
        register(crm, "V2", other, owner)
        member = "V2#owner"
        kept = RecordItem("V2", member, "employer", Personal(member, employer), DAY)
        crm.do(kept, by=CLERK)
        crm.do(MergeHousehold("V2", "V1", DAY, f"{owner}, twice"), by=LEADER)
        file = crm.owners.file("V2", by=CLERK, purpose="case 1")
        assert file is not None
        assert (file.household, file.property.estate) == ("V1", one[0])
        values = {(item.member, item.item): item.value for item in file.items()}
        assert values == {
            ("V1#owner", "name"): owner,
            (member, "name"): owner,
            (member, "employer"): employer,
        }
