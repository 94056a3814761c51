"""A report to owners as a document: CSV or one HTML page, in Chinese and English (SUR-05)."""

from __future__ import annotations

import csv
from html import escape
from io import StringIO
from pathlib import Path

from crm_adapters.reports.arrears import STYLE
from crm_adapters.reports.html import write_whole
from crm_adapters.reports.spreadsheets import harmless
from crm_core.errors import Invalid
from crm_core.kernel.dates import instant_text
from crm_core.kernel.sentences import LANGS, say
from crm_core.kernel.yuan import yuan_from_fen
from crm_core.surveys.publications import FEN, SHARE, Figure, Publication

WORDS = "words"
"""The family of the catalogue that has the words of figures."""


def write_publication(path: Path, state: Publication) -> None:
    """Write the document; the form follows the name's ending.

    Args:
        state: It is published: somebody else than who drafted it approved it.

    Raises:
        Invalid: the name ends otherwise than in `.csv` or `.html`, or it cannot be written.
    """
    match path.suffix.lower():
        case ".csv":
            # With a byte order mark, by which spreadsheets see that it is UTF-8.
            page = ("\ufeff" + _csv(state)).encode()
        case ".html":
            page = _html(state).encode()
        case _:
            raise Invalid.one(
                "form_unknown", "--out", sentence="form_of_page_unknown", file=path.name
            )
    write_whole(path, page)


def _both(prefix: str, code: str) -> tuple[str, str]:
    zh, en = (say(WORDS, f"{prefix}_{code}", lang) for lang in LANGS)
    return zh, en


def _value(one: Figure) -> str:
    if one.unit == FEN:
        return yuan_from_fen(one.value)
    return f"{one.value // 100}.{one.value % 100:02d}" if one.unit == SHARE else str(one.value)


def _rows(state: Publication) -> list[tuple[str, str, str, str, str]]:
    assert state.drafted is not None
    found = []
    for one in state.drafted.figures:
        zh, en = _both("figure", one.figure)
        of = " ".join(_both("category", one.of)) if one.figure == "spent_on" else one.of
        found.append((zh, en, of, _value(one), " ".join(_both("unit", one.unit))))
    return found


def _csv(state: Publication) -> str:
    out = StringIO()
    writer = csv.writer(out)
    writer.writerow(["项目", "figure", "of", "value", "unit"])
    writer.writerows([harmless(cell) for cell in row] for row in _rows(state))
    return out.getvalue()


def _html(state: Publication) -> str:
    drafted, approved = state.drafted, state.approved
    assert drafted is not None
    assert approved is not None
    zh, en = _both("publication", drafted.kind)
    lines = "\n".join(
        f"<tr><td>{escape(zh_name)}<small lang='en'>{escape(en_name)}</small></td>"
        f"<td>{escape(of)}</td><td class='number'>{escape(value)}</td><td>{escape(unit)}</td></tr>"
        for zh_name, en_name, of, value, unit in _rows(state)
    )
    title = escape(f"{zh} {en} {drafted.estate} {drafted.start} - {drafted.end}")
    return f"""<!DOCTYPE html>
<html lang="zh-Hans">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>{STYLE}</style>
</head>
<body>
<h1>{title}</h1>
<p>批准 <span lang="en">approved</span>: {escape(approved.approved_by)}, {approved.on}.
数据截止 <span lang="en">as known</span>: {instant_text(drafted.known)}.</p>
<table>
<tbody>
{lines}
</tbody>
</table>
</body>
</html>
"""
