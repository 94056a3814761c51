"""What a kind of row says of itself; reading and importing know nothing else of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from operator import itemgetter
from typing import Any

import attrs
from attrs import field

from crm_core.errors import Fault
from crm_core.kernel.sealed import Personal
from crm_core.kernel.values import define, frozen


@define
class Context:
    """What a row is read by besides itself.

    Args:
        zone: Zone in which days begin.
        now: The instant of the import.
        by: Id of whom the facts are recorded by.
        fingerprint: A digest of a personal value under its person's own key.
        charges: Household and number of every charge in the files.
        booked: Whether an account has a charge of that number already.
        registered: The first day of the owner that a household was registered with, if it was
            with one.
    """

    zone: str
    now: datetime
    by: str
    fingerprint: Callable[[Personal], str]
    charges: Collection[tuple[str, str]]
    booked: Callable[[str, str], bool]
    registered: Callable[[str], date | None]
    _first: dict[tuple[str, ...], datetime] = field(factory=dict, init=False)

    def mention(self, instant: datetime, *named: str) -> None:
        """A fact of that instant names a household, or a household and one of its charges."""
        first = self._first.get(named)
        if first is None or instant < first:
            self._first[named] = instant

    def mentioned(self, *named: str) -> datetime | None:
        """The earliest instant at which it was named; what was not there could not be."""
        return self._first.get(named)


def _nothing_wrong(_row: Any) -> Iterable[tuple[str, Fault]]:
    """A row whose cells are right is right."""
    return ()


def _names_nothing(_row: Any, _context: Context) -> None:
    """A row that names no other but its household."""


def member_of(household: str, member: str) -> tuple[str, str, str]:
    """What a member of a household is mentioned by."""
    return (household, "member", member)


def before(earlier: str, later: str) -> Fault:
    """The fault of a column that lies before another one of its row, which must come first."""
    return Fault("instants_reversed", values={"first": earlier, "then": later})


@frozen(eq=False)
class FileKind:
    """One of the import files.

    Args:
        name: Its name without an ending.
        row: What a line is.
        key: The column that names a line.
        aliases: Chinese headers for its columns.
        parts: What a line can say.
        facts: The parts that a line does say, and when the company came to know each.
        command: What a part asks for.
        identity: What a part is told by: an equal one again is the same command. Personal values
            enter only as fingerprints, so that it says nothing of them once the key is gone.
        told_apart: Columns of which two lines never have the same.
        shared: Columns in which lines of one household and key must agree, because they say one
            thing together; without any, each line stands for itself.
        joined: What such lines say together.
        mentions: Notes whom or what a line names, before any line is asked what it says.
        order: What is sorted by of what became known at the same instant; by default the parts in
            their order. Else it is told as it stands in the file.
        wrong: Of a line whose cells are right: columns, and what is wrong with them.
        blamed: The column to look at for a refusal or a fault, by its code, if it is not the key.
    """

    name: str
    row: type
    key: str
    aliases: Mapping[str, str]
    parts: tuple[str, ...]
    facts: Callable[[Any, Context], Iterable[tuple[str, datetime]]]
    command: Callable[[Any, str, Context], Any]
    identity: Callable[[Any, str, Context], Sequence[Any]]
    told_apart: tuple[str, ...]
    shared: tuple[str, ...] = ()
    joined: Callable[[Sequence[Any]], Any] = itemgetter(0)
    mentions: Callable[[Any, Context], None] = _names_nothing
    order: Callable[[Any, str], Any] | None = None
    wrong: Callable[[Any], Iterable[tuple[str, Fault]]] = _nothing_wrong
    blamed: Mapping[str, str] = field(factory=dict)

    def place(self, row: Any, part: str) -> Any:
        """Where a part stands among what became known at the same instant."""
        return self.parts.index(part) if self.order is None else self.order(row, part)

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns, in order."""
        return tuple(field.name for field in attrs.fields(self.row))

    @property
    def required(self) -> tuple[str, ...]:
        """Columns that must be there."""
        return tuple(f.name for f in attrs.fields(self.row) if f.default is attrs.NOTHING)
