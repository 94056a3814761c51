"""Whom an event names, told by what its fields are called, for the events of any slice (PRV-09).

Ids of persons, households and requests are plain texts; what a field is called says which it
holds. A person is named in `member`, `staff`, `payer`, ... and in every field that ends in `_by`;
persons are compared by their id alone, whether they work here or live here (LOG-08). A household
is named in `household` and in what ends in `_household`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, Literal, get_args, get_origin, get_type_hints

import attrs
from attrs import frozen

from crm_core.kernel.recorded import ROLES, SYSTEM
from crm_core.kernel.sealed import PersonalValue
from crm_core.kernel.trades import TRADES

Kind = Literal["household", "person", "position", "request"]

PERSONS = frozenset(
    {
        "by",
        "debtor",
        "from_assignee",
        "from_owner",
        "hands",
        "member",
        "on_duty",
        "owner",
        "passed_over",
        "payee",
        "payer",
        "recipient",
        "responsible",
        "staff",
        "supervisor",
        "to",
        "to_owner",
    }
)
"""Fields that hold the id of a person, or of several, besides those that end in `_by`."""

REQUESTS = frozenset({"follows", "into", "request", "requests", "successor"})
"""Fields that hold the number of a request, or several."""

POSITIONS = frozenset({"positions"})
"""Fields that hold places in the log, of whomever."""

TOLD = frozenset({"parameters"})
"""What a message is filled with: whatever it is about, and not who it goes to."""

DEPARTMENTS = frozenset({"", SYSTEM.id, *ROLES, *TRADES})
"""What can stand in the place of a person and is none."""


def kind_of(field: str, hint: type, stored: str) -> Kind | None:
    """What a field names, if anything.

    Args:
        hint: `str` or `int`; a field of another type names nobody.
        stored: Stored name of the event.
    """
    if hint is int:
        return "position" if field in POSITIONS else None
    if field in PERSONS or field.endswith("_by"):
        return "person"
    if field == "household" or field.endswith("_household"):
        return "household"
    # In an account `of` is the number of a charge.
    if field in REQUESTS or (field == "of" and stored.startswith("requests.")):
        return "request"
    return None


@frozen
class Field:
    """A field of an event, or of a part of one.

    Args:
        kind: What it names, if anything.
        several: Whether it holds a tuple.
        sealed: Whether it holds a personal value.
        inner: What it is made of, if it has fields itself.
        naming: Whether something is named in it, at whatever depth.
    """

    name: str
    kind: Kind | None
    several: bool
    sealed: bool
    inner: tuple[Field, ...]
    naming: bool


@cache
def fields_of(cls: type, stored: str) -> tuple[Field, ...]:
    """The fields of an event class."""
    return tuple(_field(name, hint, stored) for name, hint in get_type_hints(cls).items())


def _field(name: str, hint: Any, stored: str) -> Field:
    several, hints = False, [hint]
    while any(get_args(one) for one in hints):
        several = several or any(get_origin(one) is tuple for one in hints)
        hints = [inner for one in hints for inner in get_args(one) or (one,)]
    kinds = [kind_of(name, one, stored) for one in hints if one in (str, int)]
    inner = tuple(
        field
        for one in hints
        if isinstance(one, type) and attrs.has(one) and not issubclass(one, PersonalValue)
        for field in fields_of(one, stored)
    )
    kind = next((one for one in kinds if one is not None), None)
    sealed = any(isinstance(one, type) and issubclass(one, PersonalValue) for one in hints)
    return Field(
        name=name,
        kind=kind,
        several=several,
        sealed=sealed,
        inner=inner,
        naming=kind is not None or sealed or any(one.naming for one in inner),
    )


def items(field: Field, value: Any) -> tuple[Any, ...]:
    """The values of a field: several, one, or none."""
    if value is None:
        return ()
    return tuple(value) if isinstance(value, tuple | list) else (value,)


def named(fields: tuple[Field, ...], event: Any) -> Iterator[tuple[Kind, Any]]:
    """What an event names, at whatever depth: kinds with ids, or positions."""
    for field in fields:
        if not field.naming:
            continue
        for one in items(field, getattr(event, field.name)):
            if isinstance(one, PersonalValue):
                yield "person", one.subject
            elif field.kind is None:
                yield from named(field.inner, one)
            elif field.kind != "person" or one not in DEPARTMENTS:
                yield field.kind, one


def actor_named(actor: str) -> str | None:
    """The id of the person who acted; None for the host's program and the system."""
    role, _, identity = actor.partition(":")
    return None if role in ("host", "system") else identity
