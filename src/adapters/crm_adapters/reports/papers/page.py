"""A paper in words: what every form of it prints, in one language."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal

from crm_core.application.method import Both
from crm_core.application.papers import PAPERS
from crm_core.application.papers.model import (
    CARD,
    DAY,
    FEN,
    INSTANT,
    NUMBER,
    SIGN,
    TEXT,
    Document,
    Part,
    Printed,
    Row,
    Value,
)
from crm_core.kernel.dates import zone
from crm_core.kernel.sealed import Withheld
from crm_core.kernel.sentences import Lang, sentences
from crm_core.kernel.sentences import say as said
from crm_core.kernel.values import frozen
from crm_core.kernel.yuan import yuan_from_fen

FAMILY = "papers"
"""Where titles, headings and words of papers stand in the catalogue of sentences."""

_WORDS = (FAMILY, "words", "explanations")
"""Where the library's own words stand; the first that has one says it."""

_PLAIN = (DAY, FEN, INSTANT, NUMBER, SIGN, TEXT)

SEVERAL = ", "
"""Stands between several words of a cell."""

WIDE = 8
"""A table of more columns is printed across."""


@frozen
class Cell:
    """A cell as it is printed.

    Args:
        text: In words.
        number: What a spreadsheet can add up, if it is a number.
        changed: Whether it is otherwise than it was.
        hidden: Whether it is not shown to who asked.
        form: `s` for a sign or a word, which is never broken, `i` for an instant, which is broken
            behind its day alone; empty for text.
    """

    text: str
    number: int | Decimal | None = None
    changed: bool = False
    hidden: bool = False
    form: str = ""


@frozen
class Line:
    """A row.

    Args:
        mark: Code of the change, or empty.
        told: The mark in words.
    """

    cells: tuple[Cell, ...]
    mark: str = ""
    told: str = ""


@frozen
class Block:
    """A section.

    Args:
        name: Its code.
        names: Codes of its fields.
        numbers: Whether a column is of numbers.
    """

    name: str
    title: str
    is_card: bool
    names: tuple[str, ...]
    heads: tuple[str, ...]
    numbers: tuple[bool, ...]
    lines: tuple[Line, ...]


@frozen
class Page:
    """A paper in words.

    Args:
        number: What it is called by (编号).
        facts: What it is and what it rests on, name by name.
        stamps: Who drafted, reviewed and approved it, and when.
        changes: How it is marked; empty if it is not.
        proof: Where it was made from, by whom, and what for.
    """

    name: str
    lang: Lang
    title: str
    number: str
    facts: tuple[tuple[str, str], ...]
    stamps: tuple[tuple[str, str, str], ...]
    changes: tuple[tuple[str, str], ...]
    blocks: tuple[Block, ...]
    proof: tuple[tuple[str, str], ...]

    @property
    def is_marked(self) -> bool:
        """Whether its rows have marks."""
        return bool(self.changes)

    @property
    def is_wide(self) -> bool:
        """Whether it is printed across."""
        return any(len(one.heads) > WIDE for one in self.blocks if not one.is_card)


def title_of(name: str, lang: Lang) -> str:
    """What a paper is called."""
    return said(FAMILY, f"title_{name}", lang)


def named(text: str) -> str:
    """The name of the paper that somebody means: its code, or its title in either language."""
    wanted = text.strip().casefold().strip("《》")
    for name in PAPERS:
        titles = sentences(FAMILY).get(f"title_{name}", {})
        if wanted in {name, *(title.casefold() for title in titles.values())}:
            return name
    return text


def page_of(document: Document, lang: Lang) -> Page:
    """The paper in words."""
    asked = document.asked
    return Page(
        name=asked.paper,
        lang=lang,
        title=title_of(asked.paper, lang),
        number=f"{asked.paper}-{asked.about or 'all'}-{asked.on:%Y%m%d}-{document.digest[:8]}",
        facts=tuple(_facts(document, lang)),
        stamps=tuple(
            (said(FAMILY, one.what, lang), one.by, _told(one.on, DAY, lang, document.zone))
            for one in document.stamps
        ),
        changes=tuple(_changes(document, lang)),
        blocks=tuple(_block(part, document, lang) for part in document.parts),
        proof=tuple(_proof(document, lang)),
    )


def _facts(document: Document, lang: Lang) -> Iterator[tuple[str, str]]:
    asked = document.asked
    if asked.about:
        yield said(FAMILY, f"about_{PAPERS[asked.paper].about}", lang), asked.about
    yield said(FAMILY, "on", lang), asked.on.isoformat()
    known = said(FAMILY, "known_all", lang)
    if asked.known is not None:
        known = _told(asked.known, INSTANT, lang, document.zone)
    yield said(FAMILY, "known", lang), known
    if asked.options:
        told = [said(FAMILY, f"option_{one.partition('=')[0]}", lang) for one in asked.options]
        yield said(FAMILY, "options", lang), said(FAMILY, "several", lang, several=told)
    for policy in document.policies:
        ref, _, digest = policy.partition(" ")
        yield said(FAMILY, "policy", lang), f"{ref} · {digest[:16]}"


def _changes(document: Document, lang: Lang) -> Iterator[tuple[str, str]]:
    since = document.asked.since
    if since is not None:
        yield said(FAMILY, "since", lang), since.isoformat()
        yield said(FAMILY, "changes", lang), str(document.changes)


def _proof(document: Document, lang: Lang) -> Iterator[tuple[str, str]]:
    yield said(FAMILY, "position", lang), f"{document.position:,}"
    yield said(FAMILY, "root", lang), document.root
    yield said(FAMILY, "digest", lang), document.digest
    yield said(FAMILY, "made_at", lang), _told(document.made_at, INSTANT, lang, document.zone)
    yield said(FAMILY, "by", lang), document.by
    yield said(FAMILY, "purpose", lang), document.purpose or said(FAMILY, "no_purpose", lang)
    if document.withheld:
        yield said(FAMILY, "withheld_cells", lang), f"{document.withheld:,}"
    if document.mark:
        yield said(FAMILY, "mark", lang), document.mark


def _block(part: Part, document: Document, lang: Lang) -> Block:
    section, fields = part.section, part.fields
    return Block(
        name=section.name,
        title=said(FAMILY, f"section_{section.name}", lang),
        is_card=section.form == CARD,
        names=tuple(field.name for field in fields),
        heads=tuple(head_of(field, lang) for field in fields),
        numbers=tuple(field.kind in (FEN, NUMBER) for field in fields),
        lines=tuple(_line(row, fields, document.zone, lang) for row in part.rows),
    )


def head_of(field: Printed, lang: Lang) -> str:
    """The heading of a field."""
    return said(FAMILY, f"field_{field.name}", lang)


def _line(row: Row, fields: Sequence[Printed], place: str, lang: Lang) -> Line:
    return Line(
        tuple(
            Cell(
                text=_told(cell, field.kind, lang, place),
                number=_number(cell, field.kind),
                changed=field.name in row.changed,
                hidden=isinstance(cell, Withheld),
                form={TEXT: "", INSTANT: "i"}.get(field.kind, "s"),
            )
            for field, cell in zip(fields, row.cells, strict=True)
        ),
        row.mark,
        said(FAMILY, f"mark_{row.mark}", lang) if row.mark else "",
    )


def _number(value: Value, kind: str) -> int | Decimal | None:
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return Decimal(yuan_from_fen(value)) if kind == FEN else value


def _told(value: Value, kind: str, lang: Lang, place: str) -> str:
    """A value in words."""
    match value:
        case None:
            return ""
        case Withheld(reason=reason):
            return _word("withheld", reason, lang) or said(FAMILY, "withheld", lang)
        case Both(zh=zh, en=en):
            return zh if lang == "zh" else en
        case bool():
            return _word(kind, str(value).lower(), lang) or said(
                FAMILY, "yes" if value else "no", lang
            )
        case datetime():
            return f"{value.astimezone(zone(place)):%Y-%m-%d %H:%M}"
        case date():
            return value.isoformat()
        case int() if kind == FEN:
            return f"{Decimal(yuan_from_fen(value)):,.2f}"
        case int():
            return f"{value:,}"
    if kind in _PLAIN:
        return value
    told = [_word(kind, one, lang) or one for one in value.split(SEVERAL)]
    return told[0] if len(told) == 1 else said(FAMILY, "several", lang, several=told)


def _word(kind: str, code: str, lang: Lang) -> str:
    for family in _WORDS:
        texts = sentences(family).get(f"{kind}_{code}")
        if texts is not None:
            return texts[lang]
    return ""
