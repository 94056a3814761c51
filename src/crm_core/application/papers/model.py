"""A paper of the method as facts: sections of rows whose every cell names where it comes from.

It holds no sentence and no form: renderers give it both, in one language or the other (REP-01).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any

import attrs

from crm_core.application.method import Both
from crm_core.kernel.canonical import digest_of
from crm_core.kernel.dates import instant_text
from crm_core.kernel.sealed import Withheld
from crm_core.kernel.values import frozen

Value = str | int | bool | date | datetime | Both | Withheld | None
"""What a cell holds; None where nothing was told."""

TEXT, DAY, INSTANT, FEN, NUMBER, SIGN = "text", "day", "instant", "fen", "number", "sign"
"""Kinds of values; any other kind is that of a word of the catalogue, e.g. `layer`. A sign is an
id or a number by which something is called: never added up, and never broken over lines."""

CARD, TABLE = "card", "table"
"""Forms of sections: names beside values, or a row for each."""

DRAFTED, REVIEWED, APPROVED = "drafted", "reviewed", "approved"
STAMPS = (DRAFTED, REVIEWED, APPROVED)
"""编制, 审核, 批准: who, and on which day."""

ADDED, CHANGED, GONE = "added", "changed", "gone"
"""Marks of what changed since (修改标记)."""


@frozen
class Printed:
    """A field that a paper prints.

    Args:
        name: Its code; the heading stands in `papers.toml` of the catalogue.
        of: The event fields it comes from, `slice.event/1.field`, or `slice.event/1@member` for
            what the envelope says; of a figure those that it is computed from.
        kind: One of the kinds of values, or that of a word.
        option: The option without which it is not printed; empty for always.
        data: The class of data of a figure that says more than its sources, e.g. `grade`.
    """

    name: str
    of: tuple[str, ...]
    kind: str = TEXT
    option: str = ""
    data: str = ""


@frozen
class Section:
    """A part of a paper.

    Args:
        name: Its code, for the catalogue.
        form: `card` or `table`.
        fields: What it prints, in order.
        key: The fields by which a row is the same row on another day.
    """

    name: str
    form: str
    fields: tuple[Printed, ...]
    key: tuple[str, ...] = ()


@frozen
class Line:
    """What is known for a row before anybody looks: values by the name of their field.

    Args:
        household: Whose it is; empty for nobody's.
    """

    household: str
    values: Mapping[str, Value]


@frozen
class Stamp:
    """Who drafted, reviewed or approved what a paper rests on, and on which day.

    Args:
        what: One of `STAMPS`.
        on: None where the log knows of no such act.
        by: Id of who did.
    """

    what: str
    on: date | None
    by: str


@frozen
class Row:
    """A row.

    Args:
        cells: In the order of the section's fields.
        mark: `added`, `changed`, `gone`, or nothing.
        changed: Fields that are otherwise than they were.
    """

    cells: tuple[Value, ...]
    mark: str = ""
    changed: tuple[str, ...] = ()


@frozen
class Part:
    """A section with its rows."""

    section: Section
    rows: tuple[Row, ...]

    @property
    def fields(self) -> tuple[Printed, ...]:
        """What its rows hold."""
        return self.section.fields


@frozen
class Asked:
    """What a paper is asked for.

    Args:
        paper: Its name.
        about: The household, year or number it is about; empty for everybody.
        on: The day it stands on.
        known: Only what was recorded by then is in it; None for all up to the position.
        since: The day since which changes are marked; None for no marks.
        options: What is printed or left out besides, by name.
    """

    paper: str
    about: str
    on: date
    known: datetime | None = None
    since: date | None = None
    options: tuple[str, ...] = ()


@frozen
class Document:
    """A paper as it stood.

    Args:
        asked: What it is.
        parts: Its sections.
        stamps: Who drafted, reviewed and approved it.
        policies: The policies it rests on, as `name/version digest`.
        position: The last event of the log it was made from.
        root: What all events up to there are bound by.
        zone: Of its days and instants.
        made_at: When it was made.
        by: Who asked for it, as `role:id`.
        purpose: What for.
        mark: What the library noted of a list that leaves (PRV-10); empty if it did not have to.
        opened: The households of which it shows what is sealed in the log.
        leads: Of a list, or of a form that tells of several households, the fields in which it
            shows what leads to the door or the person, what people typed about them, or what is
            personal: with them it leaves as a list does (PRV-10).
        households: Of how many it shows that.
    """

    asked: Asked
    parts: tuple[Part, ...]
    stamps: tuple[Stamp, ...]
    policies: tuple[str, ...]
    position: int
    root: str
    zone: str
    made_at: datetime
    by: str
    purpose: str
    mark: str = ""
    opened: tuple[str, ...] = ()
    leads: tuple[str, ...] = ()
    households: int = 0

    @property
    def digest(self) -> str:
        """What it says, whoever asked and whenever."""
        return digest_of(
            {
                "asked": _plain(self.asked),
                "parts": [
                    [part.section.name, [field.name for field in part.fields], _plain(part.rows)]
                    for part in self.parts
                ],
                "policies": list(self.policies),
                "position": self.position,
                "root": self.root,
                "stamps": _plain(self.stamps),
                "zone": self.zone,
            }
        )

    @property
    def withheld(self) -> int:
        """How many of its cells were not shown."""
        return sum(isinstance(cell, Withheld) for _, cell in self.cells())

    @property
    def changes(self) -> int:
        """How many rows are marked (修改处数)."""
        return sum(bool(row.mark) for part in self.parts for row in part.rows)

    def part(self, name: str) -> Part:
        """The section of that name."""
        return next(part for part in self.parts if part.section.name == name)

    def cells(self) -> Iterator[tuple[Printed, Value]]:
        """Every cell with its field."""
        for part in self.parts:
            for row in part.rows:
                yield from zip(part.fields, row.cells, strict=True)


def _plain(value: Any) -> Any:
    if isinstance(value, Withheld):
        return {"withheld": value.reason}
    if isinstance(value, datetime):
        return instant_text(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if attrs.has(type(value)):
        return {f.name: _plain(getattr(value, f.name)) for f in attrs.fields(type(value))}
    return value
