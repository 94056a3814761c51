"""Who owes what since when, as a document: XLSX, CSV or one HTML page.

Households appear by number and place, and never by name (PRV-10).
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from html import escape
from io import StringIO
from pathlib import Path
from typing import Any

from crm_adapters.reports.html import write_whole
from crm_adapters.reports.spreadsheets import HIDDEN, harmless, shown
from crm_adapters.reports.workbook import workbook
from crm_core.errors import Invalid
from crm_core.kernel.dates import instant_text
from crm_core.kernel.sealed import Withheld
from crm_core.kernel.yuan import yuan_from_fen

COLUMNS = (
    ("household", "household", "户号"),
    ("tenure", "tenure", "产权或租赁时段"),
    ("estate", "estate", "小区"),
    ("building", "building", "楼栋"),
    ("unit", "unit", "单元"),
    ("room", "room", "房号"),
    ("oldest_due", "oldest due", "最早应缴日"),
    ("overdue_days", "days overdue", "欠费天数"),
    ("overdue_fen", "overdue yuan", "欠费金额（元）"),
)
"""Fields of a row with their headings in English and Chinese; the last two are numbers."""

STYLE = (
    "body{font:14px/1.5 sans-serif;margin:2em;color:#222}h1{font-size:1.4em}"
    "table{border-collapse:collapse}th,td{border:1px solid #bbb;padding:.3em .6em;text-align:left}"
    "th{background:#f2f2f2}small{color:#555;display:block;font-weight:normal}"
    ".number{text-align:right;font-variant-numeric:tabular-nums}"
)

Row = Mapping[str, Any]


def write_arrears(
    path: Path, rows: Sequence[Row], on: date, known: datetime | None, mark: str = ""
) -> None:
    """Write the document; the form follows the name's ending.

    Args:
        mark: Who took it, when and for what, where it has places (PRV-10).

    Raises:
        Invalid: the name ends otherwise than in `.xlsx`, `.csv` or `.html`, or it cannot be
            written.
    """
    match path.suffix.lower():
        case ".xlsx":
            cells = [[*_texts(row), row["overdue_days"], _yuan(row)] for row in rows]
            page = workbook("欠费 Arrears", [_headings(), *cells, *([[mark]] if mark else [])])
        case ".csv":
            # With a byte order mark, by which spreadsheets see that it is UTF-8.
            page = ("\ufeff" + _csv(rows, mark)).encode()
        case ".html":
            page = _html(rows, on, known, mark).encode()
        case _:
            raise Invalid.one(
                "form_unknown", "--out", sentence="form_of_sheet_unknown", file=path.name
            )
    write_whole(path, page)


def _headings() -> list[str]:
    return [f"{english} {chinese}" for _, english, chinese in COLUMNS]


def _texts(row: Row) -> list[str]:
    return [shown(row[name]) for name, _, _ in COLUMNS[:-2]]


def _yuan(row: Row) -> Decimal | str:
    if isinstance(row["overdue_fen"], Withheld):
        return HIDDEN
    return Decimal(yuan_from_fen(row["overdue_fen"]))


def _csv(rows: Sequence[Row], mark: str) -> str:
    out = StringIO()
    writer = csv.writer(out)
    writer.writerow(_headings())
    for row in rows:
        writer.writerow([*map(harmless, _texts(row)), shown(row["overdue_days"]), _yuan(row)])
    if mark:
        writer.writerow([mark])
    return out.getvalue()


def _html(rows: Sequence[Row], on: date, known: datetime | None, mark: str) -> str:
    heads = "".join(
        f"<th>{escape(chinese)}<small lang='en'>{escape(english)}</small></th>"
        for _, english, chinese in COLUMNS
    )
    lines = "\n".join(
        "<tr>"
        + "".join(f"<td>{escape(text)}</td>" for text in _texts(row))
        + "".join(f"<td class='number'>{cell}</td>" for cell in (row["overdue_days"], _yuan(row)))
        + "</tr>"
        for row in rows
    )
    sums = [row["overdue_fen"] for row in rows if not isinstance(row["overdue_fen"], Withheld)]
    total = yuan_from_fen(sum(sums))
    taken = f"<p class='mark'>{escape(mark)}</p>" if mark else ""
    told = "现有全部记录 (all that is recorded)" if known is None else instant_text(known)
    return f"""<!DOCTYPE html>
<html lang="zh-Hans">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>欠费 Arrears {on}</title>
<style>{STYLE}</style>
</head>
<body>
<h1>欠费 <span lang="en">Arrears</span> {on}</h1>
<p>{told}</p>
<table>
<thead><tr>{heads}</tr></thead>
<tbody>
{lines}
</tbody>
<tfoot><tr><td colspan="8">合计 <span lang="en">total</span></td>
<td class="number">{total}</td></tr></tfoot>
</table>
{taken}
</body>
</html>
"""
