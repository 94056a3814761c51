"""How large import files may be: what just fits is read, and one more is one fault (IMP-02)."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import made
import pytest

from crm_adapters import open_crm
from crm_adapters.files import sheets
from crm_adapters.files.importing import import_files
from crm_adapters.files.limits import IMPORT_LIMITS
from crm_core import CRM, Actor

WHO = Actor("tester", "host")


@pytest.fixture
def crm() -> Iterator[CRM]:
    with open_crm("memory:") as opened:
        yield opened


def codes(crm: CRM, path: Path) -> list[str]:
    return sorted({fault.code for fault in import_files(crm, [path], by=WHO).faults})


@pytest.mark.rule("IMP-02")
def test_a_file_has_so_many_bytes_and_no_more(
    crm: CRM, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = made.written(made.text(made.HOUSEHOLDS), "households.csv")(tmp_path)
    size = path.stat().st_size
    monkeypatch.setattr("crm_adapters.files.opening.BYTES_MAX", size - 1)
    assert codes(crm, path) == ["file_too_large"]
    monkeypatch.setattr("crm_adapters.files.opening.BYTES_MAX", size)
    assert codes(crm, path) == []


@pytest.mark.rule("IMP-02")
def test_a_workbook_unpacks_to_so_many_bytes_and_no_more(
    crm: CRM, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = made.book(tmp_path / "households.xlsx", households=made.HOUSEHOLDS)
    with zipfile.ZipFile(path) as parts:
        size = sum(info.file_size for info in parts.infolist())
    monkeypatch.setattr("crm_adapters.files.workbooks.BYTES_MAX", size - 1)
    assert codes(crm, path) == ["file_too_large"]
    monkeypatch.setattr("crm_adapters.files.workbooks.BYTES_MAX", size)
    assert codes(crm, path) == []


@pytest.mark.rule("IMP-02")
@pytest.mark.parametrize("name", ["households.csv", "households.xlsx"])
@pytest.mark.parametrize(("limit", "there"), [("ROWS_MAX", 3), ("COLUMNS_MAX", 9)])
def test_a_table_has_so_many_rows_and_columns_and_no_more(
    name: str, limit: str, there: int, crm: CRM, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name.endswith("csv"):
        path = made.written(made.text(made.HOUSEHOLDS), name)(tmp_path)
    else:
        path = made.book(tmp_path / name, households=made.HOUSEHOLDS)
    for module in ("texts", "workbooks"):
        monkeypatch.setattr(f"crm_adapters.files.{module}.{limit}", there - 1)
    assert codes(crm, path) == ["file_too_large"]
    for module in ("texts", "workbooks"):
        monkeypatch.setattr(f"crm_adapters.files.{module}.{limit}", there)
    assert codes(crm, path) == []


def as_written(text: str, content: bytes) -> bytes:
    """The text as it stands in XML: some writers have no letter outside ASCII in it."""
    plain = text.encode()
    return plain if plain in content else text.encode("ascii", "xmlcharrefreplace")


@pytest.mark.rule("IMP-02")
@pytest.mark.parametrize("part", ["xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"])
def test_a_text_of_a_workbook_that_no_spreadsheet_writes_is_refused(
    part: str, crm: CRM, tmp_path: Path
) -> None:
    path = made.book(tmp_path / "households.xlsx", households=made.HOUSEHOLDS)
    if "shared" in part:
        made.shared(path)
    with zipfile.ZipFile(path) as parts:
        content = parts.read(part)
    made.with_parts(path, {part: content.replace(as_written("张三", content), b"x" * 200_000)})
    assert codes(crm, path) == ["spreadsheet_unread"]


@pytest.mark.rule("IMP-02")
def test_a_text_that_many_cells_share_counts_for_each(
    crm: CRM, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A few bytes in the file would fill any memory."""
    rows = [[*row[:6], "业主" * 100, *row[7:]] for row in made.HOUSEHOLDS[1:]] * 200
    path = made.shared(
        made.book(tmp_path / "households.xlsx", households=[made.HOUSEHOLDS[0], *rows])
    )
    with zipfile.ZipFile(path) as parts:
        size = sum(info.file_size for info in parts.infolist())
        _, *others = parts.read("xl/sharedStrings.xml").split(b"<si>")
        sheet = parts.read("xl/worksheets/sheet1.xml")
    monkeypatch.setattr("crm_adapters.files.workbooks.BYTES_MAX", size)
    assert "file_too_large" not in codes(crm, path)
    owner = next(n for n, text in enumerate(others) if as_written("业主" * 100, text) in text)
    same = re.sub(rb't="s"><v>[0-9]+</v>', b't="s"><v>%d</v>' % owner, sheet)
    made.with_parts(path, {"xl/worksheets/sheet1.xml": same})
    assert codes(crm, path) == ["file_too_large"]


@pytest.mark.rule("IMP-02")
def test_a_part_that_is_larger_than_it_says_is_refused(crm: CRM, tmp_path: Path) -> None:
    path = made.book(tmp_path / "households.xlsx", households=made.HOUSEHOLDS)
    raw = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as parts:
        size = parts.getinfo("xl/worksheets/sheet1.xml").file_size
    lie = raw.replace(size.to_bytes(4, "little"), (size // 2).to_bytes(4, "little"))
    assert lie != raw
    path.write_bytes(lie)
    assert codes(crm, path) == ["spreadsheet_unread"]


def test_the_limits_are_what_the_page_says() -> None:
    most = {limit.what: limit.most for limit in IMPORT_LIMITS}
    assert most["rows of one table that is imported"] == sheets.ROWS_MAX >= 200_000
    assert most["bytes of one import file"] == 256 * 1024 * 1024
