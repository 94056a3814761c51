"""Pages that list households say who had them made, when and what for (PRV-10)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.office import Office
from crm_adapters import open_crm
from crm_core.exports import ListTaken
from import_estates import EVERYTHING, take_in

PAGES = {
    "report": ("report", "2024"),
    "directory": ("directory", "--on", "2025-01-01"),
}


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    office = Office(tmp_path, monkeypatch)
    with open_crm(f"sqlite:///{office.path}") as crm:
        take_in(crm, tmp_path / "import", EVERYTHING)
        crm.grade(2024)
    return office


def taken(office: Office) -> list[ListTaken]:
    with open_crm(f"sqlite:///{office.path}") as crm:
        return [one.event for one in crm.log.feed(names=["exports.list_taken/1"])]


def made(office: Office, page: str, *said: str) -> str:
    out = office.path.with_name(f"{page}.html")
    status, _, err = office.run(*PAGES[page], "--out", str(out), *said)
    assert status == 0, err
    return out.read_text(encoding="utf-8")


@pytest.mark.rule("PRV-10")
@pytest.mark.parametrize("page", PAGES)
def test_a_page_says_who_had_it_made_when_and_what_for(office: Office, page: str) -> None:
    text = made(office, page, "--as", "supervisor:wu", "--purpose", "grading: the meeting")
    for part in ("supervisor:wu", str(office.now)[:10], "grading: the meeting"):
        assert part in text
    unstated = made(office, page)
    assert "for no stated purpose" in unstated
    assert "host:" in unstated


@pytest.mark.rule("PRV-10", "PRV-01")
@pytest.mark.parametrize("page", PAGES)
def test_a_page_of_grades_leaves_as_a_list_where_they_are_personal(
    office: Office, page: str
) -> None:
    """Under a number they are pseudonymous to a supervisor, and personal to a specialist."""
    made(office, page, "--as", "supervisor:wu", "--purpose", "grading")
    made(office, page)
    first = [event.what for event in taken(office)]
    text = made(office, page, "--as", "specialist:li", "--purpose", "grading")
    [*before, event] = taken(office)
    assert [one.what for one in before] == first
    what = {"directory": "graded-list"}.get(page, page)
    assert (event.what, event.rows, event.taken_by) == (what, 1, "li")
    assert event.export in text


@pytest.mark.rule("PRV-01")
def test_a_report_leaves_out_what_is_withheld_and_says_so(office: Office) -> None:
    """A specialist with no purpose sees neither grades nor money; both parts are named with why."""
    out = office.path.with_name("report.html")
    status, told, _ = office.run(
        "--format", "json", "report", "2024", "--out", str(out), "--as", "specialist:li"
    )
    assert status == 0
    assert json.loads(told)["withheld"] == {"grades": "purpose_missing", "money": "purpose_missing"}
    text = out.read_text(encoding="utf-8")
    assert 'data-part="who_owes"' in text
    assert 'id="list"' not in text
    assert taken(office) == []
