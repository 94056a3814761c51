"""Tables that are exported leave as lists do: what is in them, their cap and record (PRV-10)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from crm_adapters import open_crm
from crm_adapters.cli.app import run
from crm_adapters.files.exporting import export_table, leaving
from crm_adapters.files.tables import Table, Watermark, write_table
from crm_adapters.reports.spreadsheets import HIDDEN
from crm_core import CRM, Actor, Invalid, Refused
from crm_core.application.access import shipped_access
from crm_core.exports import ListTaken
from import_estates import CLERK, EVERYTHING, HOST, take_in

FINANCE = Actor("qian", "finance")


@pytest.fixture
def crm(tmp_path: Path) -> Iterator[CRM]:
    with open_crm("memory:") as opened:
        take_in(opened, tmp_path / "import", EVERYTHING)
        yield opened


def lists_taken(crm: CRM) -> list[ListTaken]:
    return [one.event for one in crm.log.feed(names=["exports.list_taken/1"])]


def taken(crm: CRM, name: str, by: Actor, purpose: str = "") -> tuple[Table, str]:
    made, mark = leaving(
        crm, export_table(crm, name, by=by, purpose=purpose, year=2024), by=by, purpose=purpose
    )
    return made, mark.export


@pytest.mark.rule("PRV-10")
def test_a_table_with_places_or_names_leaves_with_a_number_that_stands_in_the_log(crm: CRM) -> None:
    table, number = taken(crm, "households", CLERK, "file")
    [event] = lists_taken(crm)
    assert event.export == number != ""
    assert (event.what, event.rows, event.taken_by) == ("households", len(list(table.rows)), "li")
    assert event.fields == ("building", "estate", "owner", "phone", "room", "unit")


@pytest.mark.rule("PRV-10")
def test_a_table_under_numbers_alone_leaves_without_a_record(crm: CRM) -> None:
    for name in ("charges", "payments", "purchases"):
        assert taken(crm, name, HOST)[1] == ""
    assert lists_taken(crm) == []


@pytest.mark.rule("PRV-10")
def test_what_people_typed_and_whom_it_names_leaves_as_a_list(crm: CRM, tmp_path: Path) -> None:
    """A list of requests tells what members said, one of transfers who they are."""
    for name, leads in (("requests", ("summary",)), ("transfers", ("member", "name"))):
        table, number = taken(crm, name, CLERK, "service")
        assert number == lists_taken(crm)[-1].export != ""
        assert lists_taken(crm)[-1].fields == leads
        assert lists_taken(crm)[-1].rows == len(list(table.rows)) > 0
    # The host's account reads it for no purpose, and takes nothing with it.
    with pytest.raises(Invalid) as nameless:
        taken(crm, "requests", HOST)
    assert nameless.value.faults[0].code == "purpose_missing"
    with pytest.raises(Refused) as refused:
        taken(crm, "requests", HOST, "service")
    assert refused.value.reason == "role_insufficient"
    assert len(lists_taken(crm)) == 2


@pytest.mark.rule("PRV-10")
def test_a_program_cannot_write_a_table_that_leads_to_persons_unnoticed(
    crm: CRM, tmp_path: Path
) -> None:
    path = tmp_path / "requests.csv"
    table = export_table(crm, "requests", by=CLERK, purpose="service")
    table = attrs.evolve(table, rows=list(table.rows))
    unmarked = Watermark(str(CLERK), crm.clock.now(), "service")
    with pytest.raises(Invalid) as invalid:
        write_table(path, table, unmarked)
    assert invalid.value.faults[0].code == "table_unmarked"
    assert not path.exists()
    made, mark = leaving(crm, table, by=CLERK, purpose="service")
    assert write_table(path, made, mark) == 1
    charges = export_table(crm, "charges", by=FINANCE, purpose="accounts")
    assert write_table(tmp_path / "charges.csv", charges, unmarked) == 1


@pytest.mark.rule("PRV-01")
def test_columns_are_left_out_that_are_not_theirs_to_see(crm: CRM) -> None:
    """Given who states no purpose, then amounts are left out, and the reason is told."""
    without = export_table(crm, "charges", by=CLERK)
    assert "amount" not in without.columns
    assert without.withheld["amount"] == "purpose_missing"
    assert "amount" in export_table(crm, "charges", by=FINANCE, purpose="accounts").columns
    assert {"building", "room"} <= set(export_table(crm, "households", by=HOST).withheld)
    assert "amount" not in export_table(crm, "purchases", by=FINANCE, purpose="accounts").columns


@pytest.mark.rule("PRV-10")
def test_no_more_rows_leave_than_the_role_may_take(crm: CRM, tmp_path: Path) -> None:
    most = shipped_access().rows_max[CLERK.role]
    made = export_table(crm, "households", by=CLERK, purpose="file")
    row = next(iter(made.rows))
    for rows, fits in ((most, True), (most + 1, False)):
        many = attrs.evolve(made, rows=[row] * rows)
        if fits:
            leaving(crm, many, by=CLERK, purpose="file")
            continue
        with pytest.raises(Refused) as refused:
            leaving(crm, many, by=CLERK, purpose="file")
        assert refused.value.reason == "export_too_large"
    assert [event.rows for event in lists_taken(crm)] == [most]


@pytest.mark.rule("PRV-06")
def test_what_was_bought_and_leaves_is_written_down_once_a_household(crm: CRM) -> None:
    assert crm.host.reads is not None
    before = crm.host.reads.count()
    list(export_table(crm, "purchases", by=CLERK, purpose="file").rows)
    [read] = list(crm.host.reads.about("V1"))[-1:]
    assert crm.host.reads.count() == before + 1
    assert (read.actor, read.purpose, read.fields) == (str(CLERK), "file", ("amount", "service"))


@pytest.mark.rule("PRV-01", "PRV-10")
def test_grades_under_a_number_are_anybodys_list_who_may_see_them_so(crm: CRM) -> None:
    """Given a graded year, then a supervisor's list has no number, and a specialist's has one."""
    crm.grade(2024)
    assert taken(crm, "grades", Actor("sun", "supervisor"))[1] == ""
    assert taken(crm, "grades", CLERK, "grading")[1] != ""
    made, number = taken(crm, "grades", CLERK)
    assert number == ""
    assert [row[2:] for row in made.rows] == [[HIDDEN] * 3]


@pytest.mark.rule("PRV-10")
def test_the_command_line_writes_the_number_into_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"sqlite:///{tmp_path / 'crm.db'}"
    with open_crm(url, create=True) as crm:
        take_in(crm, tmp_path / "import", EVERYTHING)
    out = tmp_path / "households.csv"
    line = ["--db", url, "--as", str(CLERK), "--purpose", "file", "--format", "json"]
    assert run([*line, "export", "households", "--out", str(out)]) == 0
    told = json.loads(capsys.readouterr().out)
    with open_crm(url) as crm:
        [event] = lists_taken(crm)
    assert told["export"] == event.export
    assert out.read_text("utf-8-sig").splitlines()[-1].split(",")[-1] == event.export
    cleaner = ["--db", url, "--as", "cleaning:o", "--purpose", "file"]
    assert run([*cleaner, "export", "households", "--out", str(tmp_path / "no.csv")]) != 0
    assert not (tmp_path / "no.csv").exists()
