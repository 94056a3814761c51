"""Whatever is entered of a member is held to one data standard, whoever enters it (OWN-05)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from crm_adapters import open_crm
from crm_core import Actor, Personal, Refused
from crm_core.crm import CRM
from crm_core.kernel.text import check_phone
from crm_core.owners import (
    AddMember,
    ChangeContact,
    DecideChange,
    ProposeChange,
    RecordProspect,
    RegisterHousehold,
    TransferOwnership,
)

CLERK = Actor("S17", "specialist")
HOME = "V1"
OWNER = "V1#owner"
ENTERED = datetime(2010, 1, 5, 4, tzinfo=UTC)
DAY = date(2011, 6, 1)
TYPED, KEPT = "（0755）８８８８ 8888", "075588888888"


@pytest.fixture
def crm() -> Iterator[CRM]:
    with open_crm("memory:") as opened:
        owner = Personal(OWNER, "张伟")
        place = ("星河小区", "1号楼", "2单元", "301")
        opened.do(RegisterHousehold(HOME, *place, owner=owner), by=CLERK, at=ENTERED)
        yield opened


def registers(name: str, phone: str) -> tuple[Any, str, str]:
    member = "V2#owner"
    command = RegisterHousehold(
        "V2", "星河小区", "1号楼", "2单元", "302",
        owner=Personal(member, name), phone=Personal(member, phone),
    )  # fmt: skip
    return command, "V2", member


def adds(name: str, phone: str) -> tuple[Any, str, str]:
    member = "V1#m1"
    told = (Personal(member, name), Personal(member, phone))
    return AddMember(HOME, member, "tenant", DAY, *told), HOME, member


def transfers(name: str, phone: str) -> tuple[Any, str, str]:
    member = "V1#buyer"
    command = TransferOwnership(
        HOME, member, DAY, Personal(member, name), "sold", phone=Personal(member, phone)
    )
    return command, HOME, member


def changes(name: str, phone: str) -> tuple[Any, str, str]:
    told = (Personal(OWNER, name), Personal(OWNER, phone))
    return ChangeContact(HOME, OWNER, "new number", *told), HOME, OWNER


WAYS = (registers, adds, transfers, changes)
Way = Callable[[str, str], tuple[Any, str, str]]


@pytest.mark.rule("OWN-05")
@pytest.mark.parametrize("way", WAYS)
def test_a_number_is_kept_in_its_one_form_and_a_name_as_it_is_written(crm: CRM, way: Way) -> None:
    command, household, member = way(" 欧阳　修 (Ouyang)", TYPED)
    crm.do(command, by=CLERK)
    shown = {
        field: crm.reveal(household, member, field, by=CLERK, purpose="file")
        for field in ("name", "phone")
    }
    assert shown == {"name": " 欧阳　修 (Ouyang)", "phone": KEPT}


@pytest.mark.rule("OWN-05")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("name", "phone", "item"),
    [(" ", KEPT, "name"), ("\u3000", KEPT, "name"), ("张伟", "ring me", "phone")],
)
def test_what_is_no_name_and_no_number_is_refused_and_not_repeated(
    crm: CRM, way: Way, name: str, phone: str, item: str
) -> None:
    command, _, _ = way(name, phone)
    with pytest.raises(Refused) as refused:
        crm.do(command, by=CLERK)
    assert (refused.value.reason, refused.value.rule) == ("item_malformed", "OWN-05")
    assert refused.value.details["item"] == item
    assert "ring me" not in str(refused.value)


@pytest.mark.rule("OWN-02")
@pytest.mark.rule("PRV-03")
def test_the_first_owner_is_kept_under_their_own_key(crm: CRM) -> None:
    """Under another's their name would outlive them, or go with somebody else."""
    other = Personal("P7", "张伟")
    place = ("星河小区", "1号楼", "2单元", "302")
    with pytest.raises(Refused) as refused:
        crm.do(RegisterHousehold("V2", *place, owner=other), by=CLERK)
    assert refused.value.reason == "person_of_another"


@pytest.mark.rule("OWN-05")
@pytest.mark.rule("OWN-06")
@pytest.mark.rule("OWN-08")
def test_potential_customers_and_proposals_are_held_to_it_too(crm: CRM) -> None:
    me = Actor(OWNER, "owner")
    unnamed = RecordProspect("P1", Personal("P1", " "), DAY)
    proposed = ProposeChange(HOME, "C1", OWNER, "phone", Personal(OWNER, TYPED), DAY, "new")
    blank = ProposeChange(HOME, "C2", OWNER, "name", Personal(OWNER, " "), DAY, "new")
    for command, by in ((unnamed, CLERK), (blank, me)):
        with pytest.raises(Refused) as refused:
            crm.do(command, by=by)
        assert refused.value.reason == "item_malformed"
    crm.do(proposed, by=me)
    crm.do(DecideChange(HOME, "C1", True, "called back"), by=CLERK)
    assert crm.reveal(HOME, OWNER, "phone", by=CLERK, purpose="file") == KEPT


@pytest.mark.rule("OWN-05")
@pytest.mark.parametrize("text", [TYPED, "0755-8888 8888", "(0755)88888888"])
def test_a_number_is_one_number_however_it_is_written(text: str) -> None:
    assert check_phone(text) == KEPT
    assert check_phone(KEPT) == KEPT
