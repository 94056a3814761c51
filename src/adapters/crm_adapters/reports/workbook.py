"""A workbook (XLSX) of text, whole numbers and amounts, without any library.

The same rows give the same bytes, also under later releases: a paper is checked by making it again
(decision record 0072). Text is stored as text, so that nothing of it is ever a formula
(IMP-02); amounts are numbers that a spreadsheet can add up.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Final
from xml.sax.saxutils import escape

from crm_core.errors import Invalid
from crm_core.kernel.values import frozen


class Heading(str):
    """A text in bold."""

    __slots__ = ()


Cell = str | int | Decimal
"""Text, a whole number, or an amount with two decimals."""


@frozen
class Layout:
    """How a sheet is shown and printed, on A4 and as wide as the paper.

    Args:
        widths: Of its columns, in characters.
        across: Whether the paper lies across.
    """

    widths: tuple[int, ...]
    across: bool = False


ROWS_MAX: Final = 1_048_576
"""Rows of a sheet, as spreadsheets have them."""

TEXT_MAX: Final = 32_767
"""Characters of a cell, likewise; what is longer ends in `…`."""

_TITLE_MAX: Final = 31

_DAY_ONE = (1980, 1, 1, 0, 0, 0)
"""The instant that every part says it is of: that of no clock."""

_UNWRITABLE = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML does not have."""

_NO_TITLE = re.compile(r"[\[\]:*?/\\]")
"""Characters that the title of a sheet does not have."""

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"

_STYLES = (
    # Forms of a cell: as it is, an amount with two decimals, bold, and text in several lines.
    f'<styleSheet xmlns="{_MAIN}"><fonts count="2"><font/><font><b/></font></fonts>'
    '<fills count="1"><fill><patternFill/></fill></fills><borders count="1"><border/></borders>'
    '<cellStyleXfs count="1"><xf/></cellStyleXfs>'
    '<cellXfs count="4"><xf/><xf numFmtId="4" applyNumberFormat="1"/>'
    '<xf fontId="1" applyFont="1"/>'
    '<xf applyAlignment="1"><alignment vertical="top" wrapText="1"/></xf></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>'
    "</styleSheet>"
)


def _parts(sheets: Sequence[Sheet]) -> dict[str, str]:
    """What a workbook has around its sheets."""
    numbers = range(1, len(sheets) + 1)
    kinds = "".join(
        f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{_KIND}.worksheet+xml"/>'
        for n in numbers
    )
    there = "".join(
        f'<Relationship Id="r{n}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n in numbers
    )
    named = "".join(
        f'<sheet name="{_text(_NO_TITLE.sub(" ", title)[:_TITLE_MAX])}" sheetId="{n}" r:id="r{n}"/>'
        for n, (title, _) in enumerate(sheets, 1)
    )
    return {
        "[Content_Types].xml": (
            f'<Types xmlns="{_PACKAGE}/content-types">'
            '<Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{_KIND}.sheet.main+xml"/>{kinds}'
            f'<Override PartName="/xl/styles.xml" ContentType="{_KIND}.styles+xml"/></Types>'
        ),
        "_rels/.rels": (
            f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r1" '
            f'Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
        ),
        "xl/_rels/workbook.xml.rels": (
            f'<Relationships xmlns="{_PACKAGE}/relationships">{there}'
            f'<Relationship Id="r{len(sheets) + 1}" Type="{_OFFICE}/styles" Target="styles.xml"/>'
            "</Relationships>"
        ),
        "xl/styles.xml": _STYLES,
        "xl/workbook.xml": (
            f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{named}</sheets></workbook>'
        ),
    }


Sheet = tuple[str, Iterable[Sequence[Cell]]]
"""The title of a sheet, and its rows."""


def workbook(
    title: str, rows: Iterable[Sequence[Cell]], *others: Sheet, layout: Layout | None = None
) -> bytes:
    """The bytes of a workbook whose first sheet has that title and those rows.

    Args:
        layout: How the first sheet is shown.

    Raises:
        Invalid: `sheet_too_long`, with the rows that a sheet has at most.
    """
    sheets = [(title, rows), *others]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as parts:
        for name, text in {**_parts(sheets), **_sheets(sheets, layout)}.items():
            part = zipfile.ZipInfo(name, _DAY_ONE)
            part.compress_type = zipfile.ZIP_DEFLATED
            parts.writestr(part, f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode())
    return out.getvalue()


def _sheets(sheets: Sequence[Sheet], layout: Layout | None) -> dict[str, str]:
    return {
        f"xl/worksheets/sheet{nth}.xml": _sheet(rows, layout if nth == 1 else None)
        for nth, (_, rows) in enumerate(sheets, 1)
    }


def _sheet(rows: Iterable[Sequence[Cell]], layout: Layout | None) -> str:
    before, behind, text = "", "", 0
    if layout is not None:
        columns = "".join(
            f'<col min="{nth}" max="{nth}" width="{width}" customWidth="1"/>'
            for nth, width in enumerate(layout.widths, 1)
        )
        before = f'<sheetPr><pageSetUpPr fitToPage="1"/></sheetPr><cols>{columns}</cols>'
        orientation = "landscape" if layout.across else "portrait"
        behind = f'<pageSetup paperSize="9" fitToHeight="0" orientation="{orientation}"/>'
        text = _LINES
    told = "".join(_row(row, text) for row in _counted(rows))
    return f'<worksheet xmlns="{_MAIN}">{before}<sheetData>{told}</sheetData>{behind}</worksheet>'


def _counted(rows: Iterable[Sequence[Cell]]) -> Iterator[Sequence[Cell]]:
    for nth, row in enumerate(rows):
        if nth == ROWS_MAX:
            raise Invalid.one("sheet_too_long", most=ROWS_MAX)
        yield row


_BOLD, _LINES = 2, 3


def _row(cells: Sequence[Cell], text: int) -> str:
    return f"<row>{''.join(_cell(cell, text) for cell in cells)}</row>"


def _cell(value: Cell, text: int) -> str:
    if isinstance(value, Decimal):
        return f'<c s="1"><v>{value}</v></c>'
    if isinstance(value, int):
        return f"<c><v>{value}</v></c>"
    form = _BOLD if isinstance(value, Heading) else text
    style = f' s="{form}"' if form else ""
    return f'<c t="inlineStr"{style}><is><t xml:space="preserve">{_text(value)}</t></is></c>'


def _text(value: str) -> str:
    if len(value) > TEXT_MAX:
        value = f"{value[: TEXT_MAX - 1]}…"
    return escape(_UNWRITABLE.sub("\ufffd", value), {'"': "&quot;"})
