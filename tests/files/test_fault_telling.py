"""Faults in the words of the file, with the repair, and never with what is personal (IMP-03)."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import made
import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.worksheet.worksheet import Worksheet

from cli.office import Office
from crm_adapters import open_crm
from crm_adapters.files.finding import Declared
from crm_adapters.files.importing import ImportReport, import_files
from crm_adapters.files.kinds import KINDS
from crm_adapters.files.rows.kind import FileKind
from crm_adapters.files.sheets import FAULTS_MAX, ImportFault
from crm_adapters.files.telling import grouped, showable
from crm_core import CRM, Actor
from crm_core.errors import Fault
from crm_core.kernel.sentences import LANGS, word

WHO = Actor("tester", "host")
OF = {kind.name: kind for kind in KINDS}


@pytest.fixture
def crm() -> Iterator[CRM]:
    with open_crm("memory:") as opened:
        yield opened


Load = Callable[..., ImportReport]


@pytest.fixture
def load(crm: CRM, tmp_path: Path) -> Load:
    def of(*files: made.Made, lenient: bool = False, **options: object) -> ImportReport:
        paths = [make(tmp_path) for make in files]
        declared = Declared(lenient=lenient)
        return import_files(crm, paths, by=WHO, declared=declared, **options)  # type: ignore[arg-type]

    return of


HOUSEHOLDS = made.written(made.text(made.HOUSEHOLDS), "业主资料.csv")


@pytest.mark.rule("IMP-03")
def test_a_fault_has_file_sheet_row_and_column_as_they_stand_there(load: Load) -> None:
    report = load(HOUSEHOLDS, made.in_book([*made.TITLE, *made.with_cells(E3="三百", C3="会费")]))
    first, second = report.faults
    assert (first.file, first.sheet) == ("系统导出.xlsx:应收明细", "应收明细")
    assert [(f.row, f.column, f.code) for f in (first, second)] == [
        (6, "费用类别", "kind_unknown"),
        (6, "金额", "amount_malformed"),
    ]
    assert first.value == "会费"
    assert second.value is None, "words where a number belongs may be a name"
    assert "values" in first.mended("en")
    assert "映射文件" in first.mended("zh")


@pytest.mark.rule("IMP-03")
@pytest.mark.parametrize(
    ("cell", "value", "words"),
    [
        ("E2", "1,127.00", "--lenient"),
        ("F2", "2024/7/1", "--lenient"),
        ("F2", "1/7/2024", "D/M/YYYY"),
        ("E2", "1.127,00", ""),
        ("E2", "1.13E+03", "column one of text"),
        ("A2", "4.20001E+27", "column one of text"),
    ],
)
def test_the_repair_is_told_where_another_reading_would_help(
    cell: str, value: str, words: str, load: Load
) -> None:
    [fault] = load(HOUSEHOLDS, made.written(made.text(made.with_cells(**{cell: value})))).faults
    assert fault.value == value
    assert words in f"{fault.message} {fault.mended('en')}"
    assert bool(fault.mended("en")) == (words.startswith("-") or "YYYY" in words)


PERSONAL = [
    ("households", "owner", "张三"),
    ("households", "phone", "13800000001"),
    ("households", "room", "101"),
    ("transfers", "name", "Li 4"),
    ("requests", "summary", "漏水 3"),
    ("purchases", "service", "elder_care 1"),
    ("purchases", "amount", "1,2"),
    ("charges", "charge", "13800000001"),
    ("charges", "household", "+86 13800000001"),
    ("charges", "amount", "１３８０００００００１"),
    ("charges", "due", "11010119900307123X"),
    ("payments", "payment", "6222020200112233445"),
    ("payments", "charge", "张三"),
    ("charges", "amount", "x" * 50 + "1"),
]


@pytest.mark.rule("IMP-03", "PRV-01")
@pytest.mark.parametrize(("kind", "column", "text"), PERSONAL)
def test_what_is_personal_or_looks_so_is_never_shown(kind: str, column: str, text: str) -> None:
    assert not showable(OF[kind], column, text)


@pytest.mark.rule("IMP-03")
@given(text=st.text(max_size=60), column=st.sampled_from(["owner", "phone", "estate", "room"]))
def test_no_cell_of_a_personal_column_is_shown(text: str, column: str) -> None:
    assert not showable(OF["households"], column, text)


@pytest.mark.rule("IMP-03")
def test_a_name_that_is_refused_is_not_in_the_answer(load: Load, tmp_path: Path) -> None:
    rows = [list(row) for row in made.HOUSEHOLDS]
    rows[1][6], rows[2][7] = "=张三丰", "张三丰的电话"
    report = load(made.written(made.text(rows), "households.csv"))
    assert [f.code for f in report.faults] == ["text_malformed", "phone_malformed"]
    assert "张三丰" not in json.dumps(report.as_dict(), ensure_ascii=False)


@pytest.mark.rule("IMP-03")
def test_many_rows_with_one_fault_are_told_as_one_beside_every_one(load: Load) -> None:
    rows = [[f"C{n}", "V1", "management_fee", "2024-07", f"1,{n:03}.00", "2024-07-01"]
            for n in range(500)]  # fmt: skip
    report = load(HOUSEHOLDS, made.written(made.text([made.CHARGES[0], *rows])))
    said = report.as_dict()
    assert len(said["faults"]) == 500
    [group] = said["groups"]
    assert (group["column"], group["code"], group["count"]) == ("金额", "amount_malformed", 500)
    assert group["rows"][:3] == [2, 3, 4]
    assert group["values"][:2] == ["1,000.00", "1,001.00"]
    assert "--lenient" in group["repair"]


@given(
    st.lists(
        st.builds(
            ImportFault,
            st.sampled_from(["a.csv", "b.csv"]),
            st.integers(0, 9),
            st.sampled_from(["金额", "due"]),
            st.sampled_from([Fault("cell_empty"), Fault("amount_malformed")]),
        )
    )
)
def test_groups_leave_no_fault_out_and_mix_no_causes(faults: list[ImportFault]) -> None:
    groups = grouped(faults)
    assert sum(len(group.rows) for group in groups) == len(faults)
    assert len(groups) == len({(f.file, f.column, f.code) for f in faults})


@pytest.mark.rule("IMP-03")
def test_the_command_line_tells_a_group_in_one_line_in_either_language(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = Office(tmp_path, monkeypatch)
    rows = [[f"C{n}", "V1", "物业费", "2024-07", "1,127.00", "2024-07-01"] for n in range(9)]
    paths = [
        str(HOUSEHOLDS(tmp_path)),
        str(made.written(made.text([made.CHARGES[0], *rows]))(tmp_path)),
    ]
    status, _, err = office.run("import", *paths)
    assert status == 2
    [line] = [line for line in err.splitlines() if "amount_malformed" in line]
    assert "rows 2, 3, 4 and 6 more, column 金额, `1,127.00`" in line
    assert "with --lenient it is read" in line
    _, _, err = office.run("--lang", "zh", "import", *paths)
    [line] = [line for line in err.splitlines() if "amount_malformed" in line]
    assert "第 2、3、4 行及另外 6 行" in line
    assert "--lenient 就能读" in line
    status, _, err = office.run("import", *paths, "--lenient")
    assert status == 0
    assert "column 金额: separators of thousands ×9" in err


# --- cells of spreadsheets -----------------------------------------------------------------------


@pytest.mark.rule("IMP-02", "IMP-03")
def test_a_formula_is_refused_at_its_cell_and_passed_over_in_a_sum(load: Load) -> None:
    rows = [*made.with_cells(E2="=1000+127"), ["合计", None, None, None, "=SUM(E2:E3)", None]]
    [fault] = load(HOUSEHOLDS, made.in_book(rows)).faults
    assert (fault.row, fault.column, fault.code) == (2, "金额", "amount_malformed")
    assert "paste them as values" in fault.message


@pytest.mark.rule("IMP-03")
def test_an_error_of_the_spreadsheet_is_refused_and_not_taken_for_nothing(load: Load) -> None:
    rows = [list(row) for row in made.HOUSEHOLDS]
    rows[1][6] = "#N/A"
    [fault] = load(made.in_book(rows, sheet="业主")).faults
    assert (fault.row, fault.column, fault.code) == (2, "业主", "cell_broken")
    assert "#N/A" in fault.message


@pytest.mark.rule("IMP-03")
def test_cells_merged_over_rows_are_read_in_each(load: Load, crm: CRM) -> None:
    def merge(sheet: Worksheet) -> None:
        sheet.merge_cells("B2:B3")

    report = load(HOUSEHOLDS, made.in_book(made.CHARGES, merge))
    assert not report.faults
    assert [(r.what, r.count, r.rows) for r in report.readings] == [("merged_cells", 1, [3])]
    raised = [e for e in crm.log.feed() if e.name == "payments.charge_raised/1"]
    assert [e.household for e in raised] == ["V1", "V1"]


@pytest.mark.rule("IMP-03")
def test_a_header_of_two_rows_is_found_where_it_is_whole(load: Load) -> None:
    def merge(sheet: Worksheet) -> None:
        for column in "ABCD":
            sheet.merge_cells(f"{column}1:{column}2")
        sheet.merge_cells("E1:F1")

    top = ["账单号", "户号", "费用类别", "账期", "应收", None]
    below = [None, None, None, None, "金额", "应缴日期"]
    assert not load(HOUSEHOLDS, made.in_book([top, below, *made.CHARGES[1:]], merge)).faults


@pytest.mark.rule("IMP-03")
def test_a_row_with_little_in_it_is_no_note_unless_it_says_so(load: Load) -> None:
    """Nothing is passed over that could have been a row."""
    rows = [*made.CHARGES, ["C3", "V1"], ["C4"]]
    assert {f.row for f in load(HOUSEHOLDS, made.in_book(rows)).faults} == {4, 5}


@pytest.mark.rule("IMP-03")
def test_a_note_amid_the_rows_is_a_fault(load: Load) -> None:
    rows = [*made.CHARGES[:2], ["注：以下为车位"], made.CHARGES[2]]
    assert {f.row for f in load(HOUSEHOLDS, made.in_book(rows)).faults} == {3}


@pytest.mark.rule("IMP-03")
def test_a_household_called_total_is_a_household(load: Load, crm: CRM) -> None:
    rows = [made.HOUSEHOLDS[0], ["Total", *made.HOUSEHOLDS[1][1:]]]
    assert not load(made.written(made.text(rows), "households.csv")).faults
    assert {e.stream for e in crm.log.feed() if "registered" in e.name} == {"household/Total"}


@pytest.mark.rule("IMP-03")
def test_rows_above_a_second_header_are_no_titles(load: Load) -> None:
    """The first whole header counts, also where another one below has more columns."""
    more = [*made.CHARGES[0], "登记时间"]
    rows = [*made.CHARGES, more, ["C3", "V1", "物业费", "2024-08", "5.00", "2024-08-01", ""]]
    report = load(HOUSEHOLDS, made.in_book(rows))
    assert {(f.row, f.code) for f in report.faults} >= {(1, "column_unknown"), (4, "kind_unknown")}
    assert {fault.row for fault in report.faults} == {1, 4}
    assert report.files["系统导出.xlsx:应收明细"].rows == 4


@pytest.mark.rule("IMP-03")
def test_a_sheet_for_each_month_is_one_import(load: Load, crm: CRM) -> None:
    later = [made.CHARGES[0], ["C3", "V1", "物业费", "2024-08", "5.00", "2024-08-01"]]
    report = load(HOUSEHOLDS, made.in_book(made.CHARGES, sheet="七月", 八月=later))
    assert not report.faults
    assert list(report.files) == [
        "业主资料.csv", "系统导出.xlsx:七月", "系统导出.xlsx:八月"
    ]  # fmt: skip
    assert sum(e.name == "payments.charge_raised/1" for e in crm.log.feed()) == 3


@pytest.mark.rule("IMP-03")
def test_the_same_row_in_two_sheets_is_imported_once(load: Load, crm: CRM) -> None:
    report = load(HOUSEHOLDS, made.in_book(made.CHARGES, sheet="七月", 七月补=made.CHARGES))
    assert not report.faults
    assert sum(f.repeated for f in report.files.values()) == 2
    assert sum(e.name == "payments.charge_raised/1" for e in crm.log.feed()) == 2


@pytest.mark.rule("IMP-03")
def test_faults_have_a_limit_and_the_row_at_which_it_ends_is_told(
    load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crm_adapters.files.reading.FAULTS_MAX", 10)
    rows = [[f"C{n}", "V1", "?", "2024-07", "?", "2024-07-01"] for n in range(100)]
    report = load(HOUSEHOLDS, made.written(made.text([made.CHARGES[0], *rows])))
    assert len(report.faults) == 11
    assert (report.faults[-1].row, report.faults[-1].code) == (7, "faults_too_many")
    assert FAULTS_MAX == 200_000


# --- the reject file -----------------------------------------------------------------------------

EVIL = ["=1+1", "+1", "-2+3", "@SUM(A1)", "＝1+1", "\t=1"]


@pytest.mark.rule("IMP-01", "IMP-02")
@pytest.mark.filterwarnings("ignore:Workbook contains no default style")
@pytest.mark.parametrize("name", ["rejects.csv", "rejects.xlsx"])
def test_the_reject_file_opens_in_a_spreadsheet_and_computes_nothing(
    name: str, load: Load, tmp_path: Path
) -> None:
    rows = [[f"C{n}", "V1", evil, evil, "?", "2024-07-01"] for n, evil in enumerate(EVIL)]
    rejects = tmp_path / name
    source = made.written(made.text([made.CHARGES[0], *rows]))
    report = load(HOUSEHOLDS, source, skip_faulty=True, rejects=rejects, lang="zh")
    assert report.faults
    assert rejects.stat().st_mode & 0o077 == 0
    if name.endswith("xlsx"):
        sheet = openpyxl.load_workbook(rejects).active
        cells = [cell for row in sheet.iter_rows() for cell in row if cell.value is not None]
        assert {cell.data_type for cell in cells} == {"s"}
        lines = [[cell.value for cell in row] for row in sheet.iter_rows()]
    else:
        assert rejects.read_bytes().startswith(b"\xef\xbb\xbf")
        with rejects.open(encoding="utf-8-sig", newline="") as file:
            lines = list(csv.reader(file))
        assert [c for line in lines for c in line if c and c[0] in "=+-@\t\r＝"] == []
    assert lines[0][:5] == ["file", "row", "column", "code", "message"]
    assert len(lines) == len(report.faults) + 1
    assert lines[1][:4] == ["应收.csv", "2", "账期", "text_malformed"]
    assert "C0" in lines[1]


@pytest.mark.rule("IMP-03")
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_word_by_which_we_call_a_column_is_read_as_its_header(
    kind: FileKind, crm: CRM, tmp_path: Path
) -> None:
    """Whoever writes the headers that a fault asks for is not told that they are missing."""
    for lang in LANGS:
        headers = [word("column", column, lang) for column in kind.columns]
        assert len({*headers}) == len(headers)
        file = tmp_path / f"{kind.name}.csv"
        file.write_text(",".join(headers) + "\n", encoding="utf-8")
        found = import_files(crm, [file], by=WHO).faults
        assert not [fault for fault in found if fault.code.startswith("column_")], (lang, found)
