"""Files as property people have them: read, or one fault that names the cause (IMP-03)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import made
import pytest

from crm_adapters import open_crm
from crm_adapters.files.finding import Declared
from crm_adapters.files.importing import import_files
from crm_core import CRM, Actor

WHO = Actor("tester", "host")


@pytest.fixture
def crm(tmp_path: Path) -> Iterator[CRM]:
    """A log that has the two households."""
    with open_crm("memory:") as opened:
        households = made.written(made.text(made.HOUSEHOLDS), "业主资料.csv")(tmp_path)
        assert not import_files(opened, [households], by=WHO).faults
        yield opened


def charges(crm: CRM) -> dict[str, tuple[object, ...]]:
    raised = [e for e in crm.log.feed() if e.name == "payments.charge_raised/1"]
    return {
        e.event.charge: (e.household, e.event.kind, e.event.amount_fen, e.event.due) for e in raised
    }


@pytest.mark.rule("IMP-03")
@pytest.mark.parametrize("name", made.STRICT)
def test_a_file_as_people_have_it_is_read(name: str, crm: CRM, tmp_path: Path) -> None:
    path = made.STRICT[name](tmp_path)
    report = import_files(crm, [path], by=WHO)
    assert [(f.row, f.column, f.code, f.message) for f in report.faults] == []
    assert charges(crm) == made.ROWS
    [counts] = report.files.values()
    assert (counts.rows, counts.imported) == (2, 2)


@pytest.mark.rule("IMP-03")
@pytest.mark.case("K42")
def test_what_spreadsheets_add_is_passed_over_and_moves_no_row(crm: CRM, tmp_path: Path) -> None:
    """Rows of commas, and columns without a name in which nothing stands; a fault keeps its row."""
    header, first, second = made.CHARGES
    rows = [[*header, "", ""], [*first, "", ""], [""] * 8, [*second[:4], "much", second[5], "", ""]]
    path = made.written(made.text(rows) + ",,,,,,,\r\n")(tmp_path)
    report = import_files(crm, [path], by=WHO)
    assert [(f.row, f.column, f.code) for f in report.faults] == [
        (4, header[4], "amount_malformed")
    ]
    rows[3][4] = second[4]
    path = made.written(made.text(rows) + ",,,,,,,\r\n")(tmp_path)
    report = import_files(crm, [path], by=WHO)
    assert (report.faults, charges(crm)) == ([], made.ROWS)
    [counts] = report.files.values()
    assert (counts.rows, counts.imported) == (2, 2)


@pytest.mark.rule("IMP-03")
@pytest.mark.parametrize("name", made.LENIENT)
def test_what_is_taken_leniently_is_refused_strictly(name: str, crm: CRM, tmp_path: Path) -> None:
    path = made.LENIENT[name](tmp_path)
    head = crm.log.head()
    assert import_files(crm, [path], by=WHO).faults
    assert crm.log.head() == head
    report = import_files(crm, [path], by=WHO, declared=Declared(lenient=True))
    assert [(f.row, f.column, f.code, f.message) for f in report.faults] == []
    assert charges(crm) == made.ROWS
    assert report.readings, "each reading is told"


@pytest.mark.rule("IMP-03")
@pytest.mark.case("K43")
@pytest.mark.parametrize("name", made.REFUSED)
def test_one_cause_is_one_fault_that_names_it_and_the_repair(
    name: str, crm: CRM, tmp_path: Path
) -> None:
    make, code, words, row = made.REFUSED[name]
    path = make(tmp_path)
    report = import_files(crm, [path], by=WHO)
    [fault] = report.faults
    assert (fault.file, fault.row, fault.code) == (path.name, row, code)
    assert words in fault.message
    assert fault.told("zh") != fault.told("en")
    assert charges(crm) == {}


READ = {
    "hidden rows": {"hidden_rows": 1},
    "a hidden sheet": {"hidden_sheets": 1},
    "sheets beside it": {"other_sheets": 1},
    "total rows": {"total_rows": 2},
    "notes under the table": {"blank_rows": 1, "notes": 2},
    "title rows above the header": {"title_rows": 2},
    "a workbook that is called csv": {"renamed": 1},
    "UTF-16, as a spreadsheet saves it": {"utf_16": 1},
    "rows of commas only": {"blank_rows": 2},
    "headers again on each page": {"repeated_headers": 1},
    "the export of a billing system": {
        "title_rows": 2, "total_rows": 1, "ignored_columns": 1,
    },
    "full-width digits": {"full_width": 1},
    "signs of currency": {"currency": 2, "thousands": 1},
    "days with a time": {"times_dropped": 2, "date_forms": 1},
    "semicolons": {"separator_found": 1},
    "GB18030 with Chinese headers": {"gb18030": 1},
}  # fmt: skip


@pytest.mark.rule("IMP-03")
@pytest.mark.parametrize("name", READ)
def test_what_was_seen_and_read_is_told_with_its_count(name: str, crm: CRM, tmp_path: Path) -> None:
    make = {**made.STRICT, **made.LENIENT}[name]
    report = import_files(
        crm, [make(tmp_path)], by=WHO, declared=Declared(lenient=name in made.LENIENT)
    )
    found: dict[str, int] = {}
    for reading in report.readings:
        found[reading.what] = max(reading.count, found.get(reading.what, 0))
    assert found == READ[name]
