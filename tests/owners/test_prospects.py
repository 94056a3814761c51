"""Potential customers become members of households and keep their history (OWN-06)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import attrs
import pytest

from crm_adapters import open_crm
from crm_core import Actor, Personal
from crm_core.crm import CRM
from crm_core.kernel.dates import start_of_day
from crm_core.kernel.sealed import Sealed
from crm_core.owners import (
    PROSPECT,
    AddMember,
    ChangeProspect,
    ConvertProspect,
    NoteProspect,
    Prospect,
    RecordProspect,
    RegisterHousehold,
)
from crm_core.owners.prospects import ProspectJoined, ProspectRecorded
from crm_core.testing import given

CLERK = Actor("S17", "specialist")
SALES = Actor("S50", "sales")
DAY = date(2011, 3, 1)
NAME, PHONE = Personal("P7", "王芳"), Personal("P7", "139 0000 0000")
RECORD = RecordProspect("P7", NAME, DAY, PHONE, "星河小区")
KEPT = ProspectRecorded("星河小区", NAME, DAY, Personal("P7", "13900000000"), "P7", "sales")


@pytest.fixture
def crm() -> Iterator[CRM]:
    with open_crm("memory:") as opened:
        opened.do(RECORD, by=SALES, at=start_of_day(DAY))
        yield opened


@pytest.mark.rule("OWN-06")
@pytest.mark.rule("OWN-05")
def test_a_potential_customer_is_kept_sealed_and_by_the_data_standard(crm: CRM) -> None:
    given(PROSPECT).when(RECORD).then(KEPT)
    [recorded] = crm.history(PROSPECT.stream("P7"))
    assert isinstance(recorded.event.name, Sealed)
    assert recorded.event.name.subject == "P7"
    assert crm.get(Prospect, "P7", by=SALES) == Prospect("new")


@pytest.mark.rule("OWN-06")
def test_who_becomes_a_member_keeps_what_was_known_before(crm: CRM) -> None:
    noted = NoteProspect("P7", "wants a parking place", date(2011, 3, 5))
    crm.do(noted, by=SALES, at=start_of_day(date(2011, 3, 5)))
    changed = ChangeProspect("P7", "interested", date(2011, 3, 9), "signed up")
    crm.do(changed, by=SALES, at=start_of_day(date(2011, 3, 9)))
    crm.do(RegisterHousehold("V00001", "星河小区", "1号楼", "2单元", "301"), by=SALES)
    crm.do(AddMember("V00001", "P7", "owner", date(2011, 4, 1), NAME), by=CLERK)
    crm.do(ConvertProspect("P7", "V00001", date(2011, 4, 1)), by=SALES)

    assert crm.get(Prospect, "P7", by=SALES) == Prospect("household", "V00001")
    file = crm.owners.file("V00001", by=CLERK, purpose="case 1")
    assert file is not None
    assert [(one.on, one.what) for one in file.leads] == [
        (DAY, "recorded"),
        (date(2011, 3, 5), "noted"),
        (date(2011, 3, 9), "interested"),
        (date(2011, 4, 1), "joined"),
    ]
    assert {one.member for one in file.leads} == {"P7"}
    # One key for all of it: what was known before goes with the person.
    crm.host.vault.erase("P7")
    [recorded, *_] = crm.history(PROSPECT.stream("P7"))
    assert crm.history("V00001")
    assert recorded.event.name.subject == "P7"


JOINED = ProspectJoined("V00001", DAY, "P7")


@pytest.mark.rule("OWN-06")
@pytest.mark.parametrize(
    ("before", "command", "reason", "rule"),
    [
        ((KEPT,), RECORD, "prospect_exists", "OWN-06"),
        ((), attrs.evolve(RECORD, source="hearsay"), "unknown_source", "OWN-05"),
        ((), attrs.evolve(RECORD, phone=Personal("P7", "x")), "item_malformed", "OWN-05"),
        ((), attrs.evolve(RECORD, phone=Personal("P8", "1")), "person_of_another", "OWN-02"),
        ((), NoteProspect("P7", "x", DAY), "unknown_prospect", "OWN-06"),
        ((KEPT,), NoteProspect("P7", " ", DAY), "note_missing", "OWN-06"),
        ((KEPT,), NoteProspect("P7", "x", DAY, "hearsay"), "unknown_source", "OWN-05"),
        ((KEPT,), ChangeProspect("P7", "sold", DAY, "x"), "unknown_status", "OWN-06"),
        ((KEPT,), ChangeProspect("P7", "lost", DAY, ""), "reason_missing", "LOG-06"),
        ((KEPT, JOINED), ChangeProspect("P7", "lost", DAY, "x"), "prospect_is_customer", "OWN-06"),
        ((KEPT, JOINED), ConvertProspect("P7", "V00002", DAY), "prospect_is_customer", "OWN-06"),
    ],
)
def test_what_cannot_be_said_of_a_potential_customer(
    before: tuple[Any, ...], command: Any, reason: str, rule: str
) -> None:
    given(PROSPECT, *before).when(command).refused(reason, rule)


@pytest.mark.rule("OWN-06")
def test_nobody_joins_a_household_whose_file_does_not_have_them() -> None:
    command = attrs.evolve(ConvertProspect("P7", "V00001", DAY), stranger=True)
    given(PROSPECT, KEPT).when(command).refused("unknown_member", "OWN-02")
    given(PROSPECT, KEPT, JOINED).when(ConvertProspect("P7", "V00001", DAY)).then()
