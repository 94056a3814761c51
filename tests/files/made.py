"""Files as property companies have them, made for the tests: one for each thing that is odd."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Callable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.worksheet.worksheet import Worksheet

Grid = Sequence[Sequence[Any]]

HOUSEHOLDS: Grid = [
    ["户号", "小区", "楼栋", "单元", "房号", "类别", "业主", "电话", "入住日期"],
    ["V1", "星河小区", "1号楼", "1单元", "101", "person", "张三", "13800000001", "2010-03-01"],
    ["V2", "星河小区", "1号楼", "1单元", "102", "company", "星河物业服务社", "010-5550000", ""],
]
CHARGES: Grid = [
    ["账单号", "户号", "费用类别", "账期", "金额", "应缴日期"],
    ["C1", "V1", "management_fee", "2024-07", "1127.00", "2024-07-01"],
    ["C2", "V2", "parking", "2024-07", "340.50", "2024-07-01"],
]
ROWS = {"C1": ("V1", "management_fee", 112700, date(2024, 7, 1)),
        "C2": ("V2", "parking", 34050, date(2024, 7, 1))}  # fmt: skip
"""What every one of the files of charges says."""


def text(rows: Grid, separator: str = ",") -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=separator, lineterminator="\r\n").writerows(rows)
    return out.getvalue()


def book(path: Path, finish: Callable[[Worksheet], None] | None = None, **sheets: Grid) -> Path:
    """A workbook of those sheets; `finish` is given the first."""
    made = openpyxl.Workbook()
    made.remove(made.active)
    for name, rows in sheets.items():
        sheet = made.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    if finish is not None:
        finish(made.worksheets[0])
    made.save(path)
    return path


def with_cells(**changed: Any) -> list[list[Any]]:
    """The charges with cells changed, by the place they have on a sheet: `E2`."""
    rows = [list(row) for row in CHARGES]
    for place, value in changed.items():
        rows[int(place[1:]) - 1]["ABCDEF".index(place[0])] = value
    return rows


def written(content: str | bytes, name: str = "应收.csv", encoding: str = "utf-8") -> Made:
    def make(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    return make


Made = Callable[[Path], Path]


def in_book(
    rows: Grid,
    finish: Callable[[Worksheet], None] | None = None,
    name: str = "系统导出.xlsx",
    sheet: str = "应收明细",
    **more: Grid,
) -> Made:
    def make(folder: Path) -> Path:
        return book(folder / name, finish, **{sheet: rows}, **more)

    return make


def _hide(sheet: Worksheet) -> None:
    sheet.row_dimensions[3].hidden = True


def _hide_a_sheet(sheet: Worksheet) -> None:
    other = sheet.parent.create_sheet("草稿")
    other.append(["C9", "V9"])
    other.sheet_state = "hidden"


TITLE = [["星河小区 2024 年 7 月应收明细表"], ["制表日期：2024-07-31"], []]
EXCEL_DAY = datetime(2024, 7, 1)  # noqa: DTZ001 - a spreadsheet has no zones
CHINESE = with_cells(C2="物业费", C3="停车费")
BILLING = [
    [
        "序号",
        "账单编号",
        "客户编号",
        "费用名称",
        "所属期间",
        "应收金额（元）",
        "缴费截止日期",
        "备注",
    ],
    [1, "C1", "V1", "物业管理费", "2024-07", 1127, EXCEL_DAY, None],
    [2, "C2", "V2", "车位管理费", "2024-07", 340.5, EXCEL_DAY, "已通知"],
    ["合计", None, None, None, None, "=SUM(F4:F5)", None, None],
]

STRICT: dict[str, Made] = {
    "a workbook whose sheet has a name": in_book(CHARGES, sheet="charges"),
    "a sheet with a Chinese name": in_book(CHARGES, sheet="收费明细"),
    "a sheet that is recognised by its headers": in_book(CHARGES, sheet="Sheet1"),
    "sheets beside it": in_book(CHARGES, 填表说明=[["每月五日前填报"], ["谢谢"]]),
    "a hidden sheet": in_book(CHARGES, _hide_a_sheet),
    "numbers and days as spreadsheets have them": in_book(
        with_cells(E2=1127, F2=EXCEL_DAY, E3=340.5, F3=date(2024, 7, 1))
    ),
    "a csv of any name": written(text(CHARGES), "七月.csv"),
    "a txt": written(text(CHARGES), "charges.txt"),
    "Chinese values under Chinese headers": written(text(CHINESE)),
    "Chinese values under English headers": written(
        text([["charge", "household", "kind", "period", "amount", "due"], *CHINESE[1:]])
    ),
    "a mark before the text": written(text(CHARGES), encoding="utf-8-sig"),
    "UTF-16, as a spreadsheet saves it": written(text(CHARGES), encoding="utf-16"),
    "a first line that says the separator": written("sep=;\r\n" + text(CHARGES, ";")),
    "a first line that says TAB": written("sep=\t\r\n" + text(CHARGES, "\t")),
    "blank rows": written(text([*CHARGES[:2], [], ["", "", "", "", "", ""], CHARGES[2], []])),
    "rows of commas only": written(text(CHARGES) + ",,,,,\r\n,,,,,,,,\r\n"),
    "empty trailing columns": written(text([[*row, "", ""] for row in CHARGES])),
    "total rows": written(
        text([*CHARGES, ["小计", "", "", "", "1467.50", ""], ["", "", "总计：", "", "1467.50", ""]])
    ),
    "an English total": written(text([*CHARGES, ["Grand Total", "", "", "", "1467.50", ""]])),
    "notes under the table": in_book(
        [*CHARGES, [], ["注：以上为七月应收"], ["制表人：李四", None, "审核人：王五"]]
    ),
    "title rows above the header": in_book([*TITLE, *CHARGES]),
    "a title above text": written("星河小区应收\r\n\r\n" + text(CHARGES)),
    "headers again on each page": written(text([*CHARGES[:2], CHARGES[0], CHARGES[2]])),
    "hidden rows": in_book(CHARGES, _hide),
    "a workbook that is called csv": in_book(CHARGES, name="应收.csv"),
    "text that is called xlsx": written(text(CHARGES), "应收.xlsx"),
    "text that is called xls": written(text(CHARGES), "应收.xls"),
    "the export of a billing system": in_book([*TITLE, *BILLING]),
    "headers with units and blanks": written(
        text([["账单号", " 户 号", "费用类别", "账期", "金额(元)", "应缴日期"], *CHARGES[1:]])
    ),
}
"""Files of charges that are read as they are, each for what is odd in it."""

LENIENT: dict[str, Made] = {
    "semicolons": written(text(CHARGES, ";")),
    "tabs": written(text(CHARGES, "\t"), "应收.txt"),
    "tabs in UTF-16 under the name of a spreadsheet": written(
        text(CHARGES, "\t"), "应收.xls", "utf-16"
    ),
    "GB18030 with Chinese headers": written(text(CHINESE), encoding="gb18030"),
    "full-width digits": written(text(with_cells(E2="１１２７．００", B2="Ｖ１"))),
    "separators of thousands": written(text(with_cells(E2="1,127.00"))),
    "signs of currency": written(text(with_cells(E2="¥1,127.00", E3="340.5元"))),
    "serial numbers of days": written(text(with_cells(F2="45474", F3="45474"))),
    "serial numbers in a workbook": in_book(with_cells(F2=45474, F3=45474)),
    "days with slashes": written(text(with_cells(F2="2024/7/1", F3="2024/07/01"))),
    "Chinese days": written(text(with_cells(F2="2024年7月1日", F3="2024年07月01日"))),
    "days in eight digits": written(text(with_cells(F2="20240701", F3="20240701"))),
    "days with an English month": written(text(with_cells(F2="1-Jul-2024", F3="Jul 1, 2024"))),
    "days with a time": written(text(with_cells(F2="2024-07-01 00:00:00", F3="2024/7/1 0:00"))),
    "marks of text": written(text(with_cells(A2="'C1", A3="`C2", E2="1127.00\t"))),
    "invisible marks": written(text(with_cells(B2="\u202aV1\u202c", A3="C2\u200b"))),
    "columns that nobody knows": written(
        text([[*CHARGES[0], "管家"], *([*row, "小李"] for row in CHARGES[1:])])
    ),
    "a sheet kept by hand": in_book(
        [
            ["七月份欠费情况"],
            ["账单号", "户号", "费用类别", "账期", "金额", "应缴日期"],
            ["C1", "V1", "物业费", "2024-07", "1,127.00元", "2024.7.1"],
            ["C2", "V2", "车位费", "2024-07", " 340.5 ", "2024/7/1"],
            ["合计", None, None, None, "1,467.50", None],
            ["说明：车位费按月收"],
        ],
        sheet="Sheet1",
    ),
}  # fmt: skip
"""Files of charges that are read leniently."""


def page(folder: Path) -> Path:
    path = folder / "应收.xls"
    path.write_text("<html><body><table><tr><td>账单号</td></tr></table></body></html>", "utf-8")
    return path


def broken_book(folder: Path) -> Path:
    path = book(folder / "应收.xlsx", 应收=CHARGES)
    path.write_bytes(path.read_bytes()[:-400])
    return path


def word_document(folder: Path) -> Path:
    path = folder / "应收.xlsx"
    with zipfile.ZipFile(path, "w") as parts:
        parts.writestr("word/document.xml", "<w/>")
    return path


def with_parts(path: Path, parts: dict[str, bytes]) -> Path:
    """A workbook with some of its parts replaced."""
    with zipfile.ZipFile(path) as before:
        kept = {name: before.read(name) for name in before.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as after:
        for name, content in {**kept, **parts}.items():
            after.writestr(name, content)
    return path


def shared(path: Path) -> Path:
    """The workbook as Excel writes it: texts stand in a part of their own."""
    with zipfile.ZipFile(path) as parts:
        sheet = parts.read("xl/worksheets/sheet1.xml").decode()
        kinds = parts.read("[Content_Types].xml").decode()
        relations = parts.read("xl/_rels/workbook.xml.rels").decode()
    texts: list[str] = []

    def share(match: re.Match[str]) -> str:
        texts.append(match[2])
        return f'<c r="{match[1]}" t="s"><v>{len(texts) - 1}</v></c>'

    cell = r'<c r="([A-Z]+[0-9]+)" t="inlineStr"><is>(<t.*?</t>)</is></c>'
    sheet = re.sub(cell, share, sheet)
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    override = f'<Override PartName="/xl/sharedStrings.xml" ContentType="{kind}"/></Types>'
    relation = f'<Relationship Id="s1" Type="{office}/sharedStrings" Target="sharedStrings.xml"/>'
    items = "".join(f"<si>{text}</si>" for text in texts)
    changed = {
        "xl/worksheets/sheet1.xml": sheet,
        "xl/sharedStrings.xml": f'<sst xmlns="{main}">{items}</sst>',
        "[Content_Types].xml": kinds.replace("</Types>", override),
        "xl/_rels/workbook.xml.rels": relations.replace(
            "</Relationships>", f"{relation}</Relationships>"
        ),
    }
    return with_parts(path, {name: content.encode() for name, content in changed.items()})


def as_excel_writes_it(folder: Path) -> Path:
    return shared(book(folder / "系统导出.xlsx", 应收明细=CHINESE))


STRICT["a workbook as Excel writes it"] = as_excel_writes_it


def bomb(folder: Path) -> Path:
    """A small workbook that unpacks to 300 MiB."""
    path = book(folder / "应收.xlsx", 应收=CHARGES)
    return with_parts(path, {"xl/media/image1.bin": bytes(300 << 20)})


def far_cell(folder: Path) -> Path:
    """Two cells, so far apart that no memory holds what lies between them."""
    path = book(folder / "应收.xlsx", 应收=CHARGES)
    with zipfile.ZipFile(path) as parts:
        sheet = parts.read("xl/worksheets/sheet1.xml")
    far = b'<row r="1048576"><c r="XFD1048576" t="n"><v>1</v></c></row></sheetData>'
    return with_parts(path, {"xl/worksheets/sheet1.xml": sheet.replace(b"</sheetData>", far)})


REFUSED: dict[str, tuple[Made, str, str, int]] = {
    "semicolons": (written(text(CHARGES, ";")), "separator_wrong", "`;`", 1),
    "tabs": (written(text(CHARGES, "\t")), "separator_wrong", "TAB", 1),
    "an old xls": (
        written(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "应收.xls"),
        "spreadsheet_unread", "as .xlsx", 0,
    ),
    "a web page": (page, "spreadsheet_unread", "web page", 0),
    "a pdf": (written(b"%PDF-1.7\n", "应收.xlsx"), "spreadsheet_unread", "PDF", 0),
    "a broken workbook": (broken_book, "spreadsheet_unread", "save it again", 0),
    "another office file": (word_document, "spreadsheet_unread", "not .xlsx", 0),
    "a zip bomb": (bomb, "file_too_large", "divide", 0),
    "a cell at the end of the world": (far_cell, "file_too_large", "delete what lies beside", 0),
    "UTF-16 without a mark": (
        written(text(CHARGES).encode("utf-16-le")), "encoding_wrong", "UTF-16", 1
    ),
    "GB18030 that nobody declared": (
        written(text(CHINESE), encoding="gb18030"), "encoding_wrong", "--encoding", 1
    ),
    "an empty workbook": (in_book([[]]), "file_empty", "header", 1),
    "a list of something else": (
        written("姓名,部门\n李四,保洁\n", "花名册.csv"), "file_unknown", "--kind", 0
    ),
}  # fmt: skip
"""Files of which one fault tells the cause and the repair: code, words of it, row."""
