"""An estate in any mix of the forms that people write is the same estate (IMP-03)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import made
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_adapters import open_crm
from crm_adapters.files.finding import Declared
from crm_adapters.files.importing import import_files
from crm_adapters.files.kinds import KINDS
from crm_core import Actor
from crm_core.kernel.yuan import yuan_from_fen

WHO = Actor("tester", "host")
OF = {kind.name: kind for kind in KINDS}

WORDS = {
    "person": ["个人", "自然人"],
    "company": ["单位", "公司"],
    "management_fee": ["物业费", "物业管理费", "物业服务费"],
    "parking": ["停车费", "车位费"],
    "utilities": ["水费", "电费"],
    "wechat": ["微信", "微信支付"],
    "cash": ["现金"],
    "transfer": ["转账", "银行转账"],
}
HEADERS = {
    "household": ["户号", "客户编号", "房屋编号"],
    "estate": ["小区", "项目名称"],
    "building": ["楼栋", "楼号"],
    "unit": ["单元", "单元号"],
    "room": ["房号", "房间号"],
    "owner": ["业主", "业主姓名"],
    "phone": ["电话", "手机号码"],
    "moved_in": ["入住日期", "交房日期"],
    "charge": ["账单号", "账单编号", "单据编号"],
    "period": ["账期", "费用期间"],
    "due": ["应缴日期", "到期日"],
    "payment": ["缴费单号", "收据号"],
    "paid_on": ["缴费日期", "收款日期"],
    "method": ["缴费方式", "支付方式"],
}
KIND_HEADERS = {"households": ["类别", "客户类型"], "charges": ["费用类别", "费用名称", "费项"]}
AMOUNT_HEADERS = {"charges": ["金额", "应收金额（元）"], "payments": ["金额", "实收金额"]}

days = st.dates(date(2020, 1, 1), date(2024, 12, 31))


@st.composite
def estates(draw: st.DrawFn) -> dict[str, list[dict[str, Any]]]:
    """Households, their charges and payments, as values."""
    rooms = draw(st.integers(1, 4))
    households = [
        {
            "household": f"V{n}", "estate": "星河小区", "building": "1号楼", "unit": "1单元",
            "room": f"10{n}", "kind": draw(st.sampled_from(["person", "company"])),
            "owner": draw(st.sampled_from(["张三", "王\U0003158e", "星河物业"])),
            "phone": "13800000001", "moved_in": draw(days),
        }
        for n in range(rooms)
    ]  # fmt: skip
    owing = st.integers(0, rooms - 1)
    fen = st.integers(1, 10**9)
    charges = [
        {
            "charge": f"C{n}", "household": f"V{draw(owing)}",
            "kind": draw(st.sampled_from(["management_fee", "parking", "utilities"])),
            "period": "2024-07", "amount": draw(fen), "due": draw(days),
        }
        for n in range(draw(st.integers(1, 5)))
    ]  # fmt: skip
    payments = [
        {
            "payment": f"P{n}", "household": f"V{draw(owing)}", "amount": draw(fen),
            "paid_on": draw(days), "method": draw(st.sampled_from(["wechat", "cash", "transfer"])),
        }
        for n in range(draw(st.integers(1, 5)))
    ]  # fmt: skip
    return {"households": households, "charges": charges, "payments": payments}


def plain(value: Any, column: str) -> str:
    return yuan_from_fen(value) if column == "amount" else str(value)


def wide(text: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if c.isascii() and c.isalnum() else c for c in text)


def typed(draw: st.DrawFn, column: str, value: Any, is_book: bool) -> Any:
    """A cell in one of the forms of its value."""
    if column == "amount":
        yuan = yuan_from_fen(value)
        forms = [yuan, f"{value / 100:,.2f}", f"¥{yuan}", f"{yuan}元", wide(yuan), f" {yuan} "]
        return draw(st.sampled_from([*forms, value / 100] if is_book else forms))
    if isinstance(value, date):
        forms = [
            value.isoformat(), f"{value.year}/{value.month}/{value.day}", f"{value:%Y%m%d}",
            f"{value.year}年{value.month}月{value.day}日", f"{value.day}-{value:%b}-{value.year}",
            str(value.toordinal() - date(1899, 12, 30).toordinal()),
        ]  # fmt: skip
        if is_book:
            return draw(st.sampled_from([*forms, datetime.combine(value, datetime.min.time())]))
        return draw(st.sampled_from(forms))
    if column in ("household", "charge", "payment"):
        return draw(st.sampled_from([value, wide(value), f"{value}\t", f"\u202a{value}"]))
    return draw(st.sampled_from([value, *WORDS.get(value, [])]))


def header(draw: st.DrawFn, kind: str, column: str) -> str:
    known = {"kind": KIND_HEADERS, "amount": AMOUNT_HEADERS}.get(column, {}).get(kind)
    return draw(st.sampled_from([column, *(known or HEADERS[column])]))


def table(draw: st.DrawFn, kind: str, rows: list[dict[str, Any]], is_book: bool) -> made.Grid:
    """Rows in any order of columns, with what people put around and between them."""
    columns = draw(st.permutations(list(rows[0])))
    if draw(st.booleans()):
        columns = [*columns, ""]
    grid: list[list[Any]] = [[header(draw, kind, c) if c else "" for c in columns]]
    for row in rows:
        grid.append([typed(draw, c, row[c], is_book) if c else "" for c in columns])
        if draw(st.booleans()):
            grid.append([""] * len(columns))
    extras = draw(
        st.lists(
            st.sampled_from(["title", "total", "note", "number", "again"]), max_size=3, unique=True
        )
    )
    if "again" in extras:
        grid.insert(len(grid) - 1, grid[0])
    if "number" in extras:
        grid = [["序号" if row is grid[0] or row == grid[0] else n, *row]
                for n, row in enumerate(grid)]  # fmt: skip
        grid = [row if any(row[1:]) else [""] * len(row) for row in grid]
    if "total" in extras:
        grid.append(["合计", *[""] * (len(grid[0]) - 2), "1,234.00"])
    if "note" in extras:
        grid += [[], ["注：由系统导出"], ["制表人：李四", "审核：王五"]]
    if "title" in extras:
        grid = [["星河小区 2024 年"], [], *grid]
    return grid


def write(draw: st.DrawFn, folder: Path, kind: str, rows: list[dict[str, Any]]) -> Path:
    is_book = draw(st.booleans())
    grid = table(draw, kind, rows, is_book)
    name = draw(st.sampled_from([kind, "导出", "1"]))
    if is_book:
        return made.book(
            folder / f"{name}-{kind}.xlsx", **{draw(st.sampled_from(["Sheet1", kind])): grid}
        )
    width = max(map(len, grid))
    padded = [[*row, *[""] * (width - len(row))] for row in grid]
    separator = draw(st.sampled_from([",", ";", "\t"]))
    said = f"sep={separator}\r\n" if draw(st.booleans()) else ""
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
    ending = draw(st.sampled_from([".csv", ".txt", ".xls"]))
    content = (said + made.text(padded, separator)).encode(encoding)
    path = folder / f"{name}-{kind}{ending}"
    path.write_bytes(content)
    return path


def facts(paths: list[Path], declared: Declared) -> list[tuple[object, ...]]:
    with open_crm("memory:") as crm:
        report = import_files(crm, paths, by=WHO, declared=declared)
        assert [(f.file, f.row, f.column, f.message, f.value) for f in report.faults] == []
        again = import_files(crm, paths, by=WHO, declared=declared)
        assert again.events == 0
        return sorted(
            (e.stream, e.name, e.recorded, e.effective,
             repr(e.event) if e.name.startswith("payments.") else "")
            for e in crm.log.feed()
        )  # fmt: skip


@pytest.mark.rule("IMP-01", "IMP-03")
@given(data=st.data())
def test_any_estate_in_any_mix_of_forms_is_the_same_facts(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    estate = data.draw(estates())
    folder = tmp_path_factory.mktemp("forms")
    expected = []
    for kind, rows in estate.items():
        path = folder / f"{kind}.csv"
        lines = [[plain(row[c], c) for c in row] for row in rows]
        path.write_text(made.text([list(rows[0]), *lines]), encoding="utf-8", newline="")
        expected.append(path)
    odd = tmp_path_factory.mktemp("odd")
    draw: Callable[..., Any] = data.draw
    written = [write(partial(draw), odd, kind, rows) for kind, rows in estate.items()]  # type: ignore[arg-type]
    assert facts(written, Declared(lenient=True)) == facts(expected, Declared())
