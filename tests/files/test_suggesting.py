"""A mapping that is proposed: to look over and to save, and then it reads the file (IMP-03)."""

from __future__ import annotations

import tomllib
from pathlib import Path

import made
import pytest

from cli.office import Office
from crm_adapters import open_crm
from crm_adapters.files.finding import Declared
from crm_adapters.files.importing import import_files
from crm_adapters.files.mapping import mapping_of
from crm_adapters.files.suggesting import suggest
from crm_core import Actor, Invalid

WHO = Actor("tester", "host")


def proposed(path: Path, lang: str = "en") -> str:
    return suggest([path], Declared(), lang)  # type: ignore[arg-type]


@pytest.mark.rule("IMP-03")
@pytest.mark.parametrize("name", [*made.STRICT, *made.LENIENT])
def test_what_is_proposed_for_a_known_table_reads_it(name: str, tmp_path: Path) -> None:
    """Whatever is odd in it: the proposal says it, and no leniency is needed beside."""
    path = {**made.STRICT, **made.LENIENT}[name](tmp_path)
    mapping = mapping_of(proposed(path).encode())
    with open_crm("memory:") as crm:
        households = made.written(made.text(made.HOUSEHOLDS), "业主资料.csv")(tmp_path)
        import_files(crm, [households], by=WHO)
        report = import_files(crm, [path], by=WHO, declared=Declared(mapping=mapping))
        assert not report.faults
        raised = [e.event for e in crm.log.feed() if e.name == "payments.charge_raised/1"]
        assert {e.charge: (e.kind, e.amount_fen, e.due) for e in raised} == {
            charge: row[1:] for charge, row in made.ROWS.items()
        }


FOREIGN = """小区应收表
单据,房间,费项,月份,应收（元）,最迟缴费日,管家
A1,101,物业费,2024-07,"1,127.00",05/07/2024,小李
A2,102,会所费,2024-07,88.00,06/07/2024,小李
合计,,,,"1,215.00",,
"""


@pytest.mark.rule("IMP-03")
def test_what_cannot_be_told_is_left_open_beside_its_place(tmp_path: Path) -> None:
    path = made.written(FOREIGN.replace("最迟缴费日", "到期日"), "x.csv")(tmp_path)
    text = proposed(path)
    said = tomllib.loads(text)
    [table] = said["tables"]
    assert table["kind"] == "charges"
    assert table["columns"] == {"kind": "费项", "amount": "应收（元）", "due": "到期日"}
    assert said["readings"] == ["thousands"]
    assert "# charge = " in text
    assert "单据, 房间, 月份, 管家" in text
    assert '# "会所费" = ' in text
    assert "management_fee, utilities" in text
    assert "M/D/YYYY, D/M/YYYY" in text
    assert "请核对后保存" in proposed(path, "zh")


@pytest.mark.rule("IMP-03")
def test_days_of_which_one_tells_the_order_are_no_doubt(tmp_path: Path) -> None:
    rows = made.with_cells(F2="01/07/2024", F3="31/07/2024")
    text = proposed(made.written(made.text(rows))(tmp_path))
    assert tomllib.loads(text)["tables"][0]["dates"] == ["D/M/YYYY"]


@pytest.mark.rule("IMP-03", "PRV-01")
def test_no_name_and_no_telephone_number_is_in_a_proposal(tmp_path: Path) -> None:
    path = made.written(made.text(made.HOUSEHOLDS), "x.csv")(tmp_path)
    text = proposed(path)
    assert "张三" not in text
    assert "13800000001" not in text


@pytest.mark.rule("IMP-03")
def test_each_sheet_has_a_table_and_an_encoding_is_said(tmp_path: Path) -> None:
    path = made.book(tmp_path / "x.xlsx", 业主=made.HOUSEHOLDS, 应收=made.CHARGES)
    tables = tomllib.loads(proposed(path))["tables"]
    assert [(t["kind"], t["sheet"]) for t in tables] == [
        ("households", "业主"),
        ("charges", "应收"),
    ]
    chinese = made.written(made.text(made.CHINESE, ";"), encoding="gb18030")(tmp_path)
    said = tomllib.loads(proposed(chinese))
    assert (said["encoding"], said["separator"]) == ("gb18030", ";")


@pytest.mark.parametrize("name", ["an old xls", "a broken workbook", "an empty workbook"])
def test_of_a_file_that_cannot_be_read_nothing_is_proposed(name: str, tmp_path: Path) -> None:
    make, code, _, _ = made.REFUSED[name]
    with pytest.raises(Invalid) as caught:
        proposed(make(tmp_path))
    assert [fault.code for fault in caught.value.faults] == [code]


@pytest.mark.rule("IMP-03")
def test_the_command_line_prints_the_file_and_makes_no_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = Office(tmp_path, monkeypatch)
    path = made.written(made.text(made.CHARGES), "x.csv")(tmp_path)
    new = tmp_path / "new.db"
    status, out, _ = office.run("--db", str(new), "import", "--suggest", str(path))
    assert status == 0
    assert not new.exists()
    saved = tmp_path / "m.toml"
    saved.write_text(out, encoding="utf-8")
    households = made.written(made.text(made.HOUSEHOLDS), "households.csv")(tmp_path)
    office.json("import", str(households))
    assert office.json("import", "--mapping", str(saved), str(path))["events"] == 2
    assert tomllib.loads(office.json("import", "--suggest", str(path))["mapping"])["tables"]
