"""A paper as a DOCX, by a company's own template or by the library's (docxtpl).

A template is a Word file with tags in it; what they can name stands in `context`. It is filled in a
sandbox: it can show what it is given, and reach nothing else.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256
from typing import Any
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from crm_adapters.reports.papers.block import Block, unreadable
from crm_adapters.reports.papers.page import FAMILY, Page
from crm_adapters.reports.papers.page import Block as Section
from crm_adapters.reports.papers.parts import PART_BYTES_MAX, packed, parts_of
from crm_core.errors import Invalid
from crm_core.kernel.sentences import Lang, say

PART = "customXml/crmDocument.xml"
"""The part that says of itself what the file is."""

_SPACE = "urn:crm-core:document"
FONT = "Noto Sans CJK SC"


def digest_of(template: bytes | None) -> str:
    """What a company's own template is known by; nothing for the library's own."""
    return "" if template is None else sha256(template).hexdigest()


def docx(page: Page, block: Block, template: bytes | None = None) -> bytes:
    """The file.

    Args:
        template: A company's own; the library's by default.

    Raises:
        Invalid: it is no template that can be filled, or nothing is installed that fills one.
    """
    template_of = _library()
    own = own_template(across=page.is_wide, lang=page.lang) if template is None else template
    made = template_of(io.BytesIO(own))
    try:
        environment = ImmutableSandboxedEnvironment(autoescape=True, undefined=StrictUndefined)
        made.render(context(page), environment, autoescape=True)
        _tell(made.docx, block.text())
        out = io.BytesIO()
        made.docx.save(out)
    except (TemplateError, zipfile.BadZipFile, KeyError, ValueError) as error:
        raise _unfit(str(error)) from error
    return packed(parts_of(out.getvalue()))


def context(page: Page) -> dict[str, Any]:
    """What a template can name: `title`, `number`, `facts`, `stamps`, `changes`, `proof`, `parts`,
    and each section by its name, e.g. `customers` with `rows`.
    """
    parts = [_part(page, section) for section in page.blocks]
    told = ("none", "control", "step", "who", "day", "mark_of_change", "number")
    return {
        "title": page.title,
        "number": page.number,
        "marked": page.is_marked,
        "facts": [{"name": name, "value": value} for name, value in page.facts + page.changes],
        "stamps": [
            {"step": what, "who": who or say(FAMILY, "no_act", page.lang), "day": day}
            for what, who, day in page.stamps
        ],
        "proof": [{"name": name, "value": value} for name, value in page.proof],
        "say": {code: say(FAMILY, code, page.lang) for code in told},
        "parts": parts,
        **{part["name"]: part for part in parts},
    }


def _part(page: Page, section: Section) -> dict[str, Any]:
    marks = page.is_marked and not section.is_card
    rows = [
        {
            "cells": [*([line.told] if marks else []), *(cell.text for cell in line.cells)],
            "mark": line.told,
            "field": dict(zip(section.names, (c.text for c in line.cells), strict=True)),
        }
        for line in section.lines
    ]
    return {
        "name": section.name,
        "title": section.title,
        "is_card": section.is_card,
        "heads": [*([say(FAMILY, "mark_of_change", page.lang)] if marks else []), *section.heads],
        "rows": rows,
        "pairs": [
            {"name": head, "value": cell.text}
            for line in section.lines
            for head, cell in zip(section.heads, line.cells, strict=True)
        ]
        if section.is_card
        else [],
    }


def block_text(content: bytes) -> str:
    """What a DOCX says of itself.

    Raises:
        Invalid: it is none of ours.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            if parts.getinfo(PART).file_size > PART_BYTES_MAX:
                raise unreadable()
            found = ET.fromstring(parts.read(PART))  # noqa: S314 - small, and no entities
    except (zipfile.BadZipFile, KeyError, ET.ParseError, OSError) as error:
        raise unreadable() from error
    return found.text or ""


def _tell(document: Any, text: str) -> None:
    """Say in a part of its own what the file is; Word leaves such a part where it is."""
    from docx.opc.constants import RELATIONSHIP_TYPE
    from docx.opc.packuri import PackURI
    from docx.opc.part import Part

    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    said = f'{head}<document xmlns="{_SPACE}">{escape(text)}</document>'
    name = PackURI(f"/{PART}")
    part = Part(name, "application/xml", said.encode(), document.part.package)
    document.part.relate_to(part, RELATIONSHIP_TYPE.CUSTOM_XML)


def _library() -> Any:
    try:
        from docxtpl import DocxTemplate  # type: ignore[import-untyped]
    except ModuleNotFoundError as error:
        raise Invalid.one("docxtpl_missing", "--out") from error
    return DocxTemplate


def _unfit(why: str) -> Invalid:
    return Invalid.one("paper_template_unfit", "--template", why=why)


# --- the library's own template ------------------------------------------------------------------


def own_template(*, across: bool = False, lang: Lang = "zh") -> bytes:
    """The template that the library fills, for a company to make its own from.

    Args:
        across: Whether the paper lies across.
        lang: Of the file, for Word's own spelling.
    """
    _library()
    from docx import Document
    from docx.enum.section import WD_ORIENT
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.oxml.ns import qn
    from docx.shared import Mm, Pt

    made = Document()
    properties = made.core_properties
    properties.author, properties.title, properties.comments = "", "", ""
    properties.language = "zh-CN" if lang == "zh" else "en-GB"
    properties.created = properties.modified = datetime(1980, 1, 1)  # noqa: DTZ001 - of no clock
    section = made.sections[0]
    wide, high = Mm(297), Mm(210)
    section.orientation = WD_ORIENT.LANDSCAPE if across else WD_ORIENT.PORTRAIT
    section.page_width, section.page_height = (wide, high) if across else (high, wide)
    section.left_margin = section.right_margin = Mm(14)
    section.top_margin = section.bottom_margin = Mm(14)
    for style, size in (("Normal", 8 if across else 9.5), ("Title", 16), ("Heading 1", 11)):
        font = made.styles[style].font
        font.name, font.size = FONT, Pt(size)
        made.styles[style].element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), FONT)
    title = made.add_paragraph("{{ title }}", style="Title")
    title.alignment = WD_ALIGN_PARAGRAPH.CENTER
    made.add_paragraph("{{ say.number }} {{ number }}")
    _pairs(made, "facts")
    made.add_paragraph("{%p for part in parts %}")
    made.add_paragraph("{{ part.title }}", style="Heading 1")
    made.add_paragraph("{%p if not part.rows %}")
    made.add_paragraph("{{ say.none }}")
    made.add_paragraph("{%p elif part.is_card %}")
    _pairs(made, "part.pairs")
    made.add_paragraph("{%p else %}")
    _grid(made)
    made.add_paragraph("{%p endif %}")
    made.add_paragraph("{%p endfor %}")
    made.add_paragraph("{{ say.control }}", style="Heading 1")
    _table(
        made,
        ("{{ say.step }}", "{{ say.who }}", "{{ say.day }}"),
        ("{%tr for one in stamps %}",),
        ("{{ one.step }}", "{{ one.who }}", "{{ one.day }}"),
        ("{%tr endfor %}",),
    )
    made.add_paragraph("")
    _pairs(made, "proof")
    out = io.BytesIO()
    made.save(out)
    return packed(parts_of(out.getvalue()))


def _pairs(made: Any, name: str) -> None:
    _table(
        made,
        (f"{{%tr for one in {name} %}}",),
        ("{{ one.name }}", "{{ one.value }}"),
        ("{%tr endfor %}",),
        columns=2,
    )


def _grid(made: Any) -> None:
    """A table of as many columns as its section has."""
    _table(
        made,
        ("{%tc for head in part.heads %}", "{{ head }}", "{%tc endfor %}"),
        ("{%tr for row in part.rows %}",),
        ("{%tc for cell in row.cells %}", "{{ cell }}", "{%tc endfor %}"),
        ("{%tr endfor %}",),
    )


def _table(made: Any, *rows: Iterable[str], columns: int = 3) -> None:
    table = made.add_table(rows=0, cols=columns)
    table.style = "Table Grid"
    table.autofit = True
    for row in rows:
        cells = table.add_row().cells
        for cell, text in zip(cells, row, strict=False):
            cell.text = text
