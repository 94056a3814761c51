"""A paper as a workbook (XLSX), or its list alone as CSV."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator, Sequence
from xml.etree import ElementTree as ET

from crm_adapters.reports.papers.block import Block, unreadable
from crm_adapters.reports.papers.page import FAMILY, Cell, Line, Page
from crm_adapters.reports.papers.page import Block as Section
from crm_adapters.reports.papers.parts import PART_BYTES_MAX
from crm_adapters.reports.spreadsheets import harmless
from crm_adapters.reports.workbook import Cell as Written
from crm_adapters.reports.workbook import Heading, Layout, workbook
from crm_core.application.papers import PAPERS
from crm_core.kernel.sentences import say

SHEET = "crm-document"
"""The sheet that says of itself what the workbook is."""

_SECOND = "xl/worksheets/sheet2.xml"
_TEXT = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}t"

WIDTH_MIN, WIDTH_MAX = 8, 44
TITLE_MAX = 31
"""A spreadsheet takes no longer title of a sheet."""


def xlsx(page: Page, block: Block) -> bytes:
    """The workbook: the paper, and what it says of itself."""
    rows = list(_rows(page))
    return workbook(
        page.title[:TITLE_MAX],
        rows,
        (SHEET, [[block.text()]]),
        layout=Layout(_widths(rows), page.is_wide),
    )


def block_text(content: bytes) -> str:
    """What a workbook says of itself.

    Raises:
        Invalid: it is no workbook of ours.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            if parts.getinfo(_SECOND).file_size > PART_BYTES_MAX:
                raise unreadable()
            sheet = ET.fromstring(parts.read(_SECOND))  # noqa: S314 - small, and no entities
    except (zipfile.BadZipFile, KeyError, ET.ParseError, OSError) as error:
        raise unreadable() from error
    return "".join(one.text or "" for one in sheet.iter(_TEXT))


def csv_text(page: Page, mark: str = "") -> str:
    """The list of a paper that is one, for programs; nothing in it is a formula.

    Args:
        mark: Who had it made, when and what for, which stands in its last line (PRV-10).
    """
    [section] = [one for one in page.blocks if one.name == PAPERS[page.name].main]
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(section.heads)
    for line in section.lines:
        writer.writerow([_plain(cell) for cell in line.cells])
    if mark:
        writer.writerow([harmless(mark)])
    return out.getvalue()


def _plain(cell: Cell) -> str:
    return harmless(cell.text) if cell.number is None else str(cell.number)


def _rows(page: Page) -> Iterator[Sequence[Written]]:
    def told(code: str) -> str:
        return say(FAMILY, code, page.lang)

    yield [Heading(page.title)]
    yield [told("number"), page.number]
    yield from page.facts
    yield from page.changes
    for section in page.blocks:
        yield []
        yield [Heading(section.title)]
        if not section.lines:
            yield [told("none")]
        elif section.is_card:
            for line in section.lines:
                yield from _card(section, line, told("mark_of_change"))
        else:
            mark = [Heading(told("mark_of_change"))] if page.is_marked else []
            yield [*mark, *map(Heading, section.heads)]
            for line in section.lines:
                yield [*([line.told] if page.is_marked else []), *map(_written, line.cells)]
    yield []
    yield [Heading(told("control"))]
    yield [Heading(told(code)) for code in ("step", "who", "day")]
    for what, who, day in page.stamps:
        yield [what, who or told("no_act"), day]
    yield []
    yield from page.proof


def _card(section: Section, line: Line, mark: str) -> Iterator[Sequence[Written]]:
    if line.told:
        yield [Heading(mark), line.told]
    for head, cell in zip(section.heads, line.cells, strict=True):
        yield [head, _written(cell)]


def _written(cell: Cell) -> Written:
    return cell.text if cell.number is None else cell.number


def _widths(rows: Sequence[Sequence[Written]]) -> tuple[int, ...]:
    """Wide enough for what stands in a column, Chinese signs being two wide."""
    columns = max(map(len, rows))
    # What stands alone, as titles do, reaches over the columns beside it.
    beside = [row for row in rows if len(row) > 1]
    return tuple(
        max(
            WIDTH_MIN,
            min(WIDTH_MAX, 2 + max((_wide(r[n]) for r in beside if len(r) > n), default=0)),
        )
        for n in range(columns)
    )


def _wide(cell: Written) -> int:
    return sum(2 if ord(sign) > 0x2E80 else 1 for sign in str(cell))
