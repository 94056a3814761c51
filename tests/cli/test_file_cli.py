"""The household's file by hand: the card, changes, merging, samples and segments."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from cli.office import Office
from crm_core.owners.card.events import EVENTS

HOME, OWNER = "V1", "V1#owner"


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    office = Office(tmp_path, monkeypatch)
    office.on(date(2024, 1, 1))
    office.register()
    office.on(date(2024, 3, 1))
    return office


def record(office: Office, item: str, value: str, *more: str) -> None:
    said = ("--household", HOME, "--member", OWNER, "--item", item, "--value", value)
    office.act("specialist:S17", "record-item", *said, "--on", "2024-01-02", *more)


@pytest.mark.rule("OWN-04")
@pytest.mark.rule("OWN-08")
def test_the_card_is_kept_by_hand_and_shown_for_a_purpose(office: Office) -> None:
    assert len(EVENTS) == 6
    record(office, "mobile", "138 0013-8000", "--entry", "2", "--preferred")
    said = ("--household", HOME, "--member", OWNER, "--item", "post", "--value", "engineer")
    change = (*said, "--change", "C1", "--on", "2024-01-02", "--reason", "new post")
    office.act("security:S40", "report-change", *change)
    decided = ("--household", HOME, "--change", "C1", "--accepted", "yes", "--reason", "seen")
    office.act("specialist:S17", "decide-change", *decided)
    asked = ("show", HOME, "--purpose", "case 1", "--as", "specialist:S17")
    shown = office.json(*asked)["file"]
    values = {one["item"]: one["value"] for one in shown["identity"]}
    assert (values["mobile"], values["post"]) == ("13800138000", "engineer")
    closed = office.json("show", HOME, "--as", "specialist:S17")["file"]
    withheld = {str(one["value"]) for one in closed["identity"]}
    assert withheld == {str({"withheld": "purpose_missing"})}
    status, out, _ = office.run(*asked)
    assert status == 0
    assert "13800138000" in out


@pytest.mark.rule("OWN-09")
def test_a_file_that_was_merged_is_shown_by_the_surviving_one(office: Office) -> None:
    place = ("--estate", "星河小区", "--building", "99", "--unit", "1", "--room", "1")
    office.act("specialist:S17", "register-household", "--household", "V00099", *place)
    merged = ("--household", "V00099", "--into", HOME, "--on", "2024-01-02", "--reason", "twice")
    office.act("supervisor:S2", "merge-household", *merged)
    shown = office.json("show", "V00099")
    assert (shown["household"], shown["file"]["merged"]) == (HOME, ["V00099"])
    office.act("supervisor:S2", "undo-merge", "--household", "V00099", "--reason", "two flats")
    assert office.json("show", "V00099")["household"] == "V00099"


@pytest.mark.rule("OWN-06")
@pytest.mark.rule("OWN-07")
@pytest.mark.rule("OWN-11")
def test_prospects_samples_and_segments_are_within_reach(office: Office) -> None:
    lead = ("--prospect", "P7", "--name", "王芳", "--on", "2024-01-02")
    office.act("sales:A1", "record-prospect", *lead)
    drawn = ("--sample", "Q1", "--seed", "lottery 7", "--size", "1", "--items", "name")
    office.act("supervisor:S2", "draw-sample", *drawn, "--on", "2024-02-02")
    [row] = office.json("sample", "Q1", "--as", "supervisor:S2")
    assert (row["item"], row["result"]) == ("name", None)
    word = ("--word.member", OWNER, "--word.channel", "app", "--word.reference", "consent 1")
    record(office, "age_band", "60-79", "--kept-for", "greetings", *word)
    asked = ("segments", "age_band", "--purpose", "greetings", "--as", "supervisor:S2")
    told = office.json(*asked)
    assert told["on"].endswith("-01")
    assert set(told["counts"]) == {"0-17", "18-34", "35-59", "60-79", "80+"}
    assert set(told["counts"].values()) == {None}
    status, out, _ = office.run(*asked)
    assert status == 0
    assert "fewer than five" in out
