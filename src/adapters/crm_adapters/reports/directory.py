"""The directory of graded customers (客户分级目录) as a document (GRD-16)."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from datetime import date
from html import escape
from pathlib import Path
from typing import Any

from crm_adapters.reports.html import write_whole
from crm_adapters.reports.spreadsheets import HIDDEN, harmless, shown
from crm_core.errors import Invalid
from crm_core.gradings.words import layer_name, status_name, type_name
from crm_core.kernel.sealed import Withheld
from crm_core.kernel.sentences import Lang
from crm_core.kernel.yuan import yuan_from_fen

HEADERS = (
    ("户号", "Household"),
    ("客户层级", "Layer"),
    ("客户类型", "Type"),
    ("状态", "Status"),
    ("计算层级", "Computed layer"),
    ("信用等级", "Credit"),
    ("服务消费（元）", "Purchases (yuan)"),
    ("评级年度", "Year"),
)

_STYLE = (
    "body{font:14px/1.5 sans-serif;margin:2em;color:#222}h1{font-size:1.4em}"
    "table{border-collapse:collapse}th,td{border:1px solid #bbb;padding:.3em .6em;text-align:left}"
    "th{background:#f2f2f2}small{color:#555;display:block;font-weight:normal}"
)


def write_directory(path: Path, lines: Sequence[dict[str, Any]], on: date, mark: str = "") -> None:
    """Write the directory, HTML or CSV by the name of the file.

    Args:
        mark: Who had it made, when, and what for (PRV-10).

    Raises:
        Invalid: the file has another ending, or cannot be written.
    """
    render = {".csv": render_csv, ".html": render_html}.get(path.suffix.lower())
    if render is None:
        raise Invalid.one("format_unknown", "--out", file=path.name)
    write_whole(path, render(lines, on, mark).encode())


def render_csv(lines: Sequence[dict[str, Any]], _on: date, mark: str = "") -> str:
    """The directory as CSV with Chinese headers; nothing in it is a formula."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([chinese for chinese, _ in HEADERS])
    for line in lines:
        writer.writerow(
            [cell if _is_amount(cell) else harmless(cell) for cell in _cells(line, "zh")]
        )
    if mark:
        writer.writerow([harmless(mark)])
    return out.getvalue()


def render_html(lines: Sequence[dict[str, Any]], on: date, mark: str = "") -> str:
    """The directory as a page that needs nothing else, in Chinese and English."""
    head = "".join(f"<th>{zh}<small>{en}</small></th>" for zh, en in HEADERS)
    rows = "\n".join(
        "<tr>"
        + "".join(
            f"<td>{escape(zh)}</td>"
            if zh == en
            else f"<td>{escape(zh)}<small>{escape(en)}</small></td>"
            for zh, en in zip(_cells(line, "zh"), _cells(line, "en"), strict=True)
        )
        + "</tr>"
        for line in lines
    )
    made = f"<p class='mark'>{escape(mark)}</p>\n" if mark else ""
    return (
        '<!doctype html>\n<html lang="zh"><head><meta charset="utf-8">'
        f"<title>客户分级目录 {on}</title><style>{_STYLE}</style></head><body>\n"
        f"<h1>客户分级目录<small>Directory of graded customers</small></h1>\n"
        f"<p>{on}，{len(lines)} 户<small>{on}, {len(lines)} households</small></p>\n"
        f"<table><thead><tr>{head}</tr></thead><tbody>\n{rows}\n</tbody></table>\n"
        f"{made}</body></html>\n"
    )


def _cells(line: dict[str, Any], lang: Lang) -> list[str]:
    return [
        line["household"],
        _said(line["layer"], layer_name, lang),
        _said(line["type"], type_name, lang),
        _said(line["status"], status_name, lang),
        _said(line["computed_layer"], layer_name, lang),
        shown(line["credit"]),
        HIDDEN if _hides(line["purchases_fen"]) else yuan_from_fen(line["purchases_fen"]),
        str(line["year"]),
    ]


def _said(value: Any, name: Callable[[str, Lang], str], lang: Lang) -> str:
    return HIDDEN if _hides(value) else name(value, lang)


def _hides(value: Any) -> bool:
    return isinstance(value, Withheld)


def _is_amount(cell: str) -> bool:
    return cell.removeprefix("-").replace(".", "", 1).isdigit()
