"""A paper shows what the access policy grants whoever asks, and what it shows is written down."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import pytest

from access.expected_access import sees
from crm_adapters.reads import MemoryReadLog
from crm_core import CRM, Actor, Refused
from crm_core.application.papers import PAPERS
from crm_core.application.papers.gate import class_of, events
from crm_core.application.papers.model import Document
from crm_core.errors import Failed, StoreUnreachable
from crm_core.kernel.access import IDENTIFYING, is_personal
from crm_core.kernel.data_map import CLASSES
from crm_core.kernel.sealed import Withheld
from crm_core.plans import ASSESSMENT, PLAN
from crm_core.slices import registry
from papers.method import FLAT, SHOP, SUPERVISOR, asks, day, told

ON = day("2026-02-01")
PEOPLE = [
    *(Actor("S17", "specialist"), SUPERVISOR, Actor("K1", "custodian"), Actor("F1", "finance")),
    *(Actor("A1", "sales"), Actor("G1", "security"), Actor("U1", "auditor")),
    *(Actor("host", "host"), Actor(f"{FLAT}#owner", "owner")),
]
KNOWN = events(registry())


@pytest.fixture(scope="module")
def crm() -> Iterator[CRM]:
    with told() as opened:
        yield opened


def reads(crm: CRM) -> list[Any]:
    assert isinstance(crm.host.reads, MemoryReadLog)
    return [row.read() for row in crm.host.reads._rows]


def subjects() -> Mapping[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name, about, _ in asks():
        found.setdefault(name, set()).add(about)
    return found


def classes(name: str) -> dict[str, str]:
    """The class of each field that a paper can print, by section and field."""
    return {
        f"{section.name}.{field.name}": class_of(field, KNOWN).data.name
        for section in PAPERS[name].sections
        for field in section.fields
    }


STREAMS = {"plan": PLAN, "assessment": ASSESSMENT}


def whose(crm: CRM, made: Document) -> str:
    """The household that a paper is about, by the log; empty for a list."""
    about, kind = made.asked.about, PAPERS[made.asked.paper].about
    if kind in STREAMS:
        told = crm.log.read(STREAMS[kind].stream(about))
        return next((one.household for one in told if one.household), "")
    return about if kind == "household" else ""


def shown(made: Document, about: str = "") -> Iterator[tuple[str, str, Any]]:
    """Household, field and value of what a paper shows, by columns of its own."""
    for part in made.parts:
        names = [field.name for field in part.fields]
        for row in part.rows:
            told = dict(zip(names, row.cells, strict=True))
            home = told.get("household") or about
            for name, value in told.items():
                if value is not None and not isinstance(value, Withheld):
                    yield home, f"{part.section.name}.{name}", value


@pytest.mark.rule("REP-01", "PRV-01")
@pytest.mark.parametrize("purpose", [None, "file", "collection", "marketing", "curiosity"])
@pytest.mark.parametrize("by", PEOPLE, ids=lambda by: by.role)
def test_no_paper_shows_anybody_what_the_rules_do_not_grant(
    crm: CRM, by: Actor, purpose: str | None
) -> None:
    checked, in_hand = 0, cache(crm._access.in_hand)
    for name, abouts in subjects().items():
        known = classes(name)
        for about in abouts:
            options = ("places",) if name == "credit-table" else ()
            try:
                made = crm.papers.paper(name, about, by=by, purpose=purpose, on=ON, options=options)
            except Refused:
                # Another household, or a list, for a member of a household.
                assert by.role == "owner"
                assert about != FLAT
                continue
            leads = {data for data in known.values() if data in IDENTIFYING}
            for home, name_, _ in shown(made, whose(crm, made)):
                data, own = known[name_], by.role == "owner" and home == FLAT
                listed = PAPERS[name].is_list
                case = in_hand(by, home)
                how = {"own": own, "listed": listed, "case": case}
                joined = any(sees(by.role, lead, purpose, **how) for lead in leads)
                granted = sees(by.role, data, purpose, joined=joined, **how)
                assert granted, (name, name_, by, purpose)
                checked += 1
    assert checked


@pytest.mark.rule("REP-01", "PRV-06")
@pytest.mark.parametrize("name", ["graded-list", "customer-file", "customer-status", "record-card"])
def test_every_personal_value_that_a_paper_shows_is_written_down_first(crm: CRM, name: str) -> None:
    """Of a person what is the person's, and of the household what is the household's."""
    about = SHOP if PAPERS[name].about == "household" else ""
    before = len(reads(crm))
    clerk = Actor("S17", "specialist")
    made = crm.papers.paper(name, about, by=clerk, purpose="file: a look", on=ON)
    rows = reads(crm)[before:]
    assert {row.source for row in rows} == {"papers.paper"}
    # The code of the purpose stays in the clear; the words of it are closed under their keys.
    assert {row.purpose.partition(":")[0] for row in rows} == {"file"}
    assert not [row for row in rows if "a look" in row.purpose]
    kept = {(row.household, field) for row in rows if not row.reason for field in row.fields}
    known = classes(name)
    personal = {
        (home, field.partition(".")[2])
        for home, field, _ in shown(made, about)
        if is_personal(CLASSES[known[field]]) and field not in ("card.value", "paying.paid_by")
    }
    assert personal
    assert personal <= kept
    if name == "graded-list":
        assert kept == personal
    again = crm.papers.paper(name, about, by=clerk, on=ON)
    assert not [
        field for _, field, _ in shown(again) if is_personal(CLASSES[known[field]])
    ]  # Without a purpose nothing personal is shown.
    assert {row.reason for row in reads(crm)[before + len(rows) :]} == {"purpose_missing"}


class Closed(MemoryReadLog):
    """A read log that takes nothing."""

    def write(self, reads: Any) -> None:
        raise StoreUnreachable("reads_read_only", store="full")


@pytest.mark.rule("REP-01", "PRV-06")
def test_where_reads_cannot_be_written_no_paper_shows_anything_personal() -> None:
    with told() as crm:
        crm.host.reads = Closed()
        for name, about in (("record-card", SHOP), ("graded-list", "")):
            with pytest.raises(Failed):
                crm.papers.paper(name, about, by=Actor("S17", "specialist"), purpose="file", on=ON)
        crm.host.reads = None
        made = crm.papers.paper("record-card", SHOP, by=SUPERVISOR, purpose="file", on=ON)
        known = classes("record-card")
        assert not [f for _, f, _ in shown(made) if is_personal(CLASSES[known[f]])]


@pytest.mark.rule("REP-01", "PRV-01")
def test_a_grade_in_a_file_is_beside_a_place_and_in_a_list_under_a_number(crm: CRM) -> None:
    """As in every other answer: what is pseudonymous gives way to the place in a file."""
    file = crm.papers.paper("customer-file", SHOP, on=ON, by=Actor("host", "host"))
    cells = {field.name: cell for field, cell in file.cells()}
    assert cells["room"] == "A01"
    assert cells["layer"] == Withheld("joined")
    listed = crm.papers.paper("graded-list", on=ON, by=Actor("host", "host"))
    assert not isinstance(listed.part("customers").rows[0].cells[1], Withheld)
    assert listed.leads == ()


@pytest.mark.rule("REP-01", "PRV-10")
def test_a_list_knows_what_in_it_leads_to_doors_and_persons(crm: CRM) -> None:
    def table(purpose: str | None) -> Document:
        boss = Actor("S9", "director")
        return crm.papers.paper(
            "credit-table", on=ON, by=boss, purpose=purpose, options=("places",)
        )

    assert table("collection").leads == ("building", "room", "unit")
    assert table(None).leads == ()
    # Of one household it is no list.
    assert crm.papers.paper("customer-file", SHOP, on=ON, by=SUPERVISOR, purpose="file").leads == ()
