"""An undone import beside the household's file, its card, merges and retention (IMP-01, OWN-09)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from crm_adapters import open_crm
from crm_adapters.files.importing import ImportReport
from crm_core import CRM, Actor, Refused
from crm_core.kernel.dates import parse_instant
from crm_core.kernel.sealed import Personal, Sealed
from crm_core.owners.card.commands import AssignKeeper, RecordItem
from crm_core.owners.merging import MergeHousehold, UndoMerge
from crm_core.owners.prospects import ConvertProspect, RecordProspect
from import_estates import (
    BOSS,
    CLERK,
    EVERYTHING,
    HOUSEHOLD,
    PURCHASE,
    REQUEST,
    TENANT,
    Files,
    facts,
    picture,
    take_in,
)

WHY = "the files of another month"
DAY = date(2024, 12, 1)
OTHER = {**HOUSEHOLD, "household": "V2", "room": "102", "owner": "王五", "phone": ""}

Load = Callable[[Files], ImportReport]


@pytest.fixture(params=["memory", "sqlite"])
def crm(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[CRM]:
    if request.param == "memory":
        with open_crm("memory:") as opened:
            yield opened
        return
    with open_crm(f"sqlite:///{tmp_path}/log.db", create=True) as opened:
        yield opened


@pytest.fixture
def load(crm: CRM, tmp_path: Path) -> Load:
    def import_estate(files: Files) -> ImportReport:
        folder = tmp_path / f"import-{len(list(tmp_path.iterdir()))}"
        report = take_in(crm, folder, files)
        assert report.faults == []
        return report

    return import_estate


def undo(crm: CRM, number: str = "1") -> Any:
    return crm.imports.undo(number, by=BOSS, reason=WHY)


def rests(crm: CRM, number: str = "1") -> list[tuple[str, str, str]]:
    return [(one.name.partition("/")[0], one.what, one.number)
            for one in crm.imports.look(number, by=BOSS).rests]  # fmt: skip


# --- what rests on a file --------------------------------------------------------------------


@pytest.mark.rule("IMP-01", "OWN-08")
def test_a_keeper_and_a_card_rest_on_the_file(crm: CRM, load: Load) -> None:
    """Given a keeper and an item of a tenant, when the import is to be undone, then it is not."""
    load(EVERYTHING)
    crm.do(AssignKeeper("V1", "S17", DAY, "building 1"), by=BOSS)
    crm.do(RecordItem("V1", "T1", "employer", Personal("T1", "a school"), DAY), by=CLERK)
    assert rests(crm) == [
        ("owners.keeper_assigned", "household", "V1"),
        ("owners.item_recorded", "role", "T1"),
    ]
    with pytest.raises(Refused) as refused:
        undo(crm)
    assert refused.value.reason == "import_rested_on"


@pytest.mark.rule("IMP-01", "OWN-06")
def test_a_potential_customer_who_joined_rests_on_their_role(crm: CRM, load: Load) -> None:
    crm.do(RecordProspect("T1", Personal("T1", "李四"), date(2023, 1, 1)), by=CLERK)
    load({"households": [HOUSEHOLD]})
    load({"transfers": [TENANT]})
    crm.do(ConvertProspect("T1", "V1", date(2023, 2, 1)), by=CLERK)
    assert rests(crm, "2") == [("owners.prospect_joined", "role", "T1")]


@pytest.mark.rule("IMP-01", "OWN-09")
def test_a_merge_rests_on_both_files_until_it_is_undone(crm: CRM, load: Load) -> None:
    """Neither the file that was merged goes, nor the one that survives."""
    load({"households": [HOUSEHOLD]})
    load({"households": [OTHER]})
    crm.do(MergeHousehold("V2", "V1", DAY, "two files of one flat"), by=BOSS)
    for number, household in (("1", "V1"), ("2", "V2")):
        assert rests(crm, number) == [("owners.household_merged", "household", household)]
        with pytest.raises(Refused) as refused:
            undo(crm, number)
        assert refused.value.reason == "import_rested_on"
    crm.do(UndoMerge("V2", "they are two"), by=BOSS)
    assert (rests(crm, "1"), rests(crm, "2")) == ([], [])
    undo(crm, "2")
    undo(crm, "1")
    with pytest.raises(Refused) as refused:
        crm.do(MergeHousehold("V2", "V1", DAY, "two files of one flat"), by=BOSS)
    assert refused.value.reason == "unknown_household"


@pytest.mark.rule("IMP-01", "OWN-09")
@pytest.mark.parametrize("engine", ["events", "frames"])
def test_what_is_void_in_a_merged_file_takes_nothing_from_the_other(
    crm: CRM, load: Load, engine: str
) -> None:
    """Given purchases of one number in both files, when one is undone, then the other stands."""
    load({**EVERYTHING, "households": [HOUSEHOLD, OTHER]})
    crm.do(MergeHousehold("V2", "V1", date(2024, 1, 1), "two files of one flat"), by=BOSS)
    before = picture(crm), list(facts(crm, engine)), crm.owners.file("V1", by=CLERK, purpose="file")
    load({"purchases": [{**PURCHASE, "household": "V2", "amount": "500.00"}]})
    file = crm.owners.file("V1", by=CLERK, purpose="file")
    assert file is not None
    assert file.figures.highest_purchase_fen == 50_000
    undo(crm, "2")
    assert (
        picture(crm),
        list(facts(crm, engine)),
        crm.owners.file("V1", by=CLERK, purpose="file"),
    ) == before


@pytest.mark.rule("IMP-01", "OWN-09")
def test_a_role_that_never_was_in_a_merged_file_leaves_the_other_its_roles(
    crm: CRM, load: Load
) -> None:
    load({"households": [HOUSEHOLD, OTHER], "transfers": [TENANT]})
    before = picture(crm)
    load({"transfers": [{**TENANT, "household": "V2"}]})
    crm.do(MergeHousehold("V2", "V1", date(2024, 1, 1), "two files of one flat"), by=BOSS)
    merged = list(crm.accounts.credit(DAY))
    undo(crm, "2")
    assert list(crm.accounts.credit(DAY)) == merged
    crm.do(UndoMerge("V2", "they are two"), by=BOSS)
    assert picture(crm) == before


# --- the file as it stood --------------------------------------------------------------------


@pytest.mark.rule("IMP-01", "OWN-03")
def test_the_file_shows_nothing_that_never_was(crm: CRM, load: Load) -> None:
    """Purchases, requests, roles and the file itself; what was known before shows them still."""
    load({"households": [HOUSEHOLD]})
    alone = crm.owners.file("V1", by=CLERK, purpose="file")
    load({name: EVERYTHING[name] for name in ("transfers", "purchases", "requests")})
    full, then = crm.owners.file("V1", by=CLERK, purpose="file"), crm.clock.now()
    assert full is not None
    assert (len(full.family), len(full.voices), full.figures.highest_purchase_fen) == (2, 1, 13_912)
    undo(crm, "2")
    assert crm.owners.file("V1", by=CLERK, purpose="file") == alone
    known = crm.owners.file("V1", by=CLERK, purpose="file", known=then)
    assert known is not None
    assert (known.family, known.voices, known.contact_log) == (
        full.family,
        full.voices,
        full.contact_log,
    )
    undo(crm)
    assert crm.owners.file("V1", by=CLERK, purpose="file") is None
    load(EVERYTHING)
    again = crm.owners.file("V1", by=CLERK, purpose="file")
    assert again is not None
    assert len(again.family) == 2
    assert [voice.number for voice in again.voices] == ["R1"]


@pytest.mark.rule("IMP-01", "OWN-03")
def test_an_end_that_never_was_leaves_the_voice_open(crm: CRM, load: Load) -> None:
    load({**EVERYTHING, "requests": [{**REQUEST, "closed_at": ""}]})
    load({"requests": [REQUEST]})
    undo(crm, "2")
    file = crm.owners.file("V1", by=CLERK, purpose="file")
    assert file is not None
    assert [voice.status for voice in file.voices] == ["open"]


# --- retention -------------------------------------------------------------------------------

LEFT = {**TENANT, "since": "2001-02-01", "until": "2010-01-31", "recorded": ""}
LONG_AFTER = parse_instant("2026-01-01T12:00:00+08:00")


def proposed(crm: CRM) -> list[str]:
    crm.tick(LONG_AFTER)
    name = "privacy.erasure_proposed/1"
    return [e.event.member for e in crm.log.feed(names=[name])]


@pytest.mark.rule("IMP-01", "PRV-09")
@pytest.mark.parametrize("void", ["nothing", "the role", "its end", "the file"])
def test_nobody_is_proposed_for_erasure_by_what_never_was(crm: CRM, load: Load, void: str) -> None:
    """Given a tenant who left long ago, when that is undone, then no period of theirs is over."""
    if void == "its end":
        load({"households": [HOUSEHOLD], "transfers": [{**LEFT, "until": ""}]})
        load({"transfers": [LEFT]})
    else:
        load({"households": [HOUSEHOLD]} | ({"transfers": [LEFT]} if void == "the file" else {}))
        if void != "the file":
            load({"transfers": [LEFT]})
    if void != "nothing":
        undo(crm, "1" if void == "the file" else "2")
    assert proposed(crm) == (["T1"] if void == "nothing" else [])


# --- erasing ---------------------------------------------------------------------------------


@pytest.mark.rule("IMP-01", "PRV-04")
@pytest.mark.parametrize("number", ["1", "2"])
def test_whoever_never_came_is_erased_all_the_same(crm: CRM, load: Load, number: str) -> None:
    """Given a person who was imported by mistake: what was told of them is in the log, and goes."""
    load({"households": [HOUSEHOLD]})
    load({"transfers": [TENANT]})
    undo(crm, "2")
    if number == "1":
        undo(crm)
    keeper = Actor("C1", "custodian")
    erased = crm.privacy.erase("V1", "T1", by=keeper, purpose="entered by mistake")
    assert erased.done
    [tenant] = [e.event for e in crm.log.feed() if getattr(e.event, "member", "") == "T1"
                and e.name == "owners.member_added/1"]  # fmt: skip
    assert crm.host.vault.is_erased("T1")
    assert tenant.name.subject == "T1"
    with pytest.raises(Refused) as refused:
        crm.privacy.erase("V1", "X9", by=keeper, purpose="nobody")
    assert refused.value.reason == "unknown_member"
    crm.privacy.erase("V1", by=keeper, purpose="entered by mistake")
    assert crm.host.vault.is_erased("V1#owner")
    with pytest.raises(Refused) as refused:
        crm.privacy.erase("V9", by=keeper, purpose="nobody")
    assert refused.value.reason == "unknown_household"


# --- texts -------------------------------------------------------------------------------------


@pytest.mark.rule("IMP-01", "PRV-02")
def test_what_is_typed_of_an_import_is_sealed_and_told(crm: CRM, load: Load) -> None:
    """Names of files and reasons: stored closed, shown open."""
    load(EVERYTHING)
    undo(crm)
    [recorded] = crm.log.feed(names=["imports.recorded/1"])
    [undone] = crm.log.feed(names=["imports.undone/1"])
    assert all(isinstance(file.name, Sealed) for file in recorded.event.files)
    assert isinstance(undone.event.reason, Sealed)
    [one] = crm.imports.every()
    assert one.undone is not None
    assert one.undone.reason == WHY
    assert sorted(str(file.name) for file in one.recorded.files) == sorted(
        f"{name}.csv" for name in EVERYTHING
    )
    for name in ("household_voided", "role_voided"):
        [void] = crm.log.feed(names=[f"owners.{name}/1"])
        assert isinstance(void.event.reason, Sealed)
        assert crm.host.texts.opened(void).event.reason == WHY
