"""What a command is made of: what its giver says, and what the library looks up (LOG-08).

A field made by `looked_up()` is filled by the library alone. A caller who supplies one is told so,
and it is no part of what the command says, nor of its digest (decision record 0033).

A field `by: Actor = looked_up()` is who gives the command: events name the actor, and no command
has an argument that says who decided (decision record 0034). A field `imported: bool = looked_up()`
says whether an import brings it, which has no evidence but its files.

A date or an instant of a command says that something has happened, and is refused while it is still
to come (PAY-03). What a command plans, promises or agrees for later is a `DayAhead` or an
`InstantAhead`, or within a field that is `Annotated` as `AHEAD`.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from functools import cache
from typing import Annotated, Any, TypeVar, get_args, get_type_hints

import attrs

from crm_core.kernel.recorded import Actor

C = TypeVar("C")

_LOOKED_UP = "crm_core.looked_up"

AHEAD = "ahead"
"""Marks a field whose dates may be still to come."""

DayAhead = Annotated[date, AHEAD]
"""A day that may be still to come: a due date, a last day, the first day of what is planned."""

InstantAhead = Annotated[datetime, AHEAD]
"""An instant that may be still to come: by when something is promised or expected."""

_NAMED = "id"

Id = Annotated[str, _NAMED]
"""A number or an id that the giver of a command chooses or repeats: it has the form of ids, so that
nobody types anything else where nothing is sealed (PRV-02). Whether it may be empty is a rule's."""

_FILE = "file"

FileText = Annotated[str, _FILE]
"""The text of a policy file, which may be as long as one."""

ACTOR = "by"
"""The field that holds who gives the command."""

IMPORTED = "imported"
"""The field that holds whether an import brings it."""


def looked_up() -> Any:
    """A field that the library fills; None until it has."""
    return attrs.field(default=None, kw_only=True, metadata={_LOOKED_UP: True})


@cache
def fields_looked_up(command: type) -> tuple[str, ...]:
    """Names of the fields that the library fills."""
    return tuple(f.name for f in attrs.fields(command) if f.metadata.get(_LOOKED_UP))


@cache
def fields_said(command: type) -> tuple[str, ...]:
    """Names of the fields that its giver fills, in their order; those of a base class behind."""
    said = [f for f in attrs.fields(command) if not f.metadata.get(_LOOKED_UP)]
    return tuple(f.name for f in sorted(said, key=lambda f: f.kw_only))


@cache
def fields_ahead(kind: type) -> frozenset[str]:
    """Names of the fields whose dates and instants may be still to come."""
    return _marked(kind, AHEAD)


@cache
def fields_named(kind: type) -> frozenset[str]:
    """Names of the fields that hold an `Id`, or several."""
    return _marked(kind, _NAMED)


@cache
def fields_of_files(kind: type) -> frozenset[str]:
    """Names of the fields that hold a `FileText`."""
    return _marked(kind, _FILE)


def _marked(kind: type, mark: str) -> frozenset[str]:
    return frozenset(
        name
        for name, hint in get_type_hints(kind, include_extras=True).items()
        if any(mark in getattr(arm, "__metadata__", ()) for arm in (hint, *get_args(hint)))
    )


@cache
def act_of(command: type) -> str:
    """The act that a command is, as tables and the command line name it: `raise-charge`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", command.__name__).lower()


def given_by(command: C, actor: Actor, *, imported: bool = False) -> C:
    """The command as that actor gives it: its fields `by` and `imported` filled, if it has them."""
    kind: type = type(command)
    known = {ACTOR: actor, IMPORTED: imported}
    found = {name: known[name] for name in fields_looked_up(kind) if name in known}
    return attrs.evolve(command, **found) if found else command  # type: ignore[misc]


def as_said(command: C) -> C:
    """The command as its giver says it: nothing of what the library looks up stands in it."""
    kind: type = type(command)
    return attrs.evolve(command, **dict.fromkeys(fields_looked_up(kind)))  # type: ignore[misc]


def reason_of(command: Any, proposal: Any) -> str:
    """Why something proposed is approved: as whoever approves says, else as it was proposed."""
    said: str = command.reason if command.reason.strip() else proposal.reason
    return said
