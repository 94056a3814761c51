"""Whom an event names, as the data map says of its fields, for events of any slice (PRV-09).

Ids of persons, households and requests are plain texts; the class of a field says what it holds.
Persons are compared by their id alone, whether they work here or live here (LOG-08).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, get_type_hints

import attrs

from crm_core.kernel.catalog import Catalog
from crm_core.kernel.data_map import EVENT, Classified
from crm_core.kernel.hints import classes_in, holds_several
from crm_core.kernel.recorded import ROLES, SYSTEM, Recorded
from crm_core.kernel.sealed import PersonalValue
from crm_core.kernel.subjects import COMPANY, household_in, parts
from crm_core.kernel.trades import TRADES
from crm_core.kernel.values import frozen

Kind = Literal["household", "person", "position", "request"]

_CLASSES: Mapping[str, Kind] = {"household": "household", "person": "person", "staff": "person"}
"""Classes of data that are ids, and whose."""

REQUESTS = frozenset({"follows", "into", "request", "requests", "successor"})
"""Numbers that are those of requests; in an event of requests `of` is one, too."""

POSITIONS = frozenset({"positions"})
"""Numbers that are places in the log, of whomever."""

DEPARTMENTS = frozenset({"", SYSTEM.id, *ROLES, *TRADES})
"""What can stand in the place of a person and is none."""


@frozen
class Field:
    """A field of an event, or of a part of one.

    Args:
        data: Name of its class of data; empty where it is made of parts.
        kind: What it names, if anything.
        several: Whether it holds a tuple.
        inner: The fields of its parts, if it is made of any.
        naming: Whether somebody or something is named in it, at whatever depth.
        sealed: Whether it is closed under the keys of those it is about.
    """

    name: str
    data: str
    kind: Kind | None
    several: bool
    inner: tuple[Field, ...]
    naming: bool
    sealed: bool


class Naming:
    """Whom and what the events of a catalog name.

    Args:
        data_map: What every field is.
    """

    def __init__(self, catalog: Catalog, data_map: Iterable[Classified]) -> None:
        self._catalog = catalog
        self._classes: dict[str, dict[str, str]] = {}
        for row in data_map:
            if row.kind == EVENT:
                self._classes.setdefault(row.source, {})[row.field] = row.data.name
        self._fields: dict[type, tuple[Field, ...]] = {}

    def fields(self, cls: type) -> tuple[Field, ...]:
        """The fields of an event class."""
        found = self._fields.get(cls)
        if found is None:
            stored = self._catalog.by_class[cls].stored
            found = self._fields[cls] = tuple(self._of(cls, stored, ""))
        return found

    def stored(self, cls: type) -> str:
        """The stored name of an event class."""
        return self._catalog.by_class[cls].stored

    def named(self, recorded: Recorded[Any]) -> Iterator[tuple[Kind, Any]]:
        """What an event names, at whatever depth: kinds with ids, or positions."""
        return named(self.fields(type(recorded.event)), recorded.event)

    def _of(self, cls: type, stored: str, before: str) -> Iterator[Field]:
        for name, hint in get_type_hints(cls).items():
            classes = list(classes_in(hint))
            sealed = any(issubclass(one, PersonalValue) for one in classes)
            part = next((one for one in classes if attrs.has(one)), None)
            inner: tuple[Field, ...] = ()
            if part is not None and not sealed:
                inner = tuple(self._of(part, stored, f"{before}{name}."))
            # INVARIANT: a field without a class has stopped its slice already.
            data = "" if inner else self._classes[stored][before + name]
            kind = _kind(name, data, stored)
            yield Field(
                name=name,
                data=data,
                kind=kind,
                several=holds_several(hint),
                inner=inner,
                naming=sealed or kind is not None or any(one.naming for one in inner),
                sealed=sealed,
            )


def _kind(name: str, data: str, stored: str) -> Kind | None:
    if data != "number":
        return _CLASSES.get(data)
    if name in POSITIONS:
        return "position"
    # In an account `of` is the number of a charge.
    is_request = name in REQUESTS or (name == "of" and stored.startswith("requests."))
    return "request" if is_request else None


def items(value: Any) -> tuple[Any, ...]:
    """The values of a field: several, one, or none."""
    if value is None:
        return ()
    return value if isinstance(value, tuple) else (value,)


def named(fields: tuple[Field, ...], value: Any) -> Iterator[tuple[Kind, Any]]:
    """What a value of these fields names, at whatever depth."""
    for field in fields:
        if not field.naming:
            continue
        for one in items(getattr(value, field.name)):
            if isinstance(one, PersonalValue):
                for part in parts(one.subject):
                    household = household_in(part)
                    if household is not None:
                        yield "household", household
                    elif part != COMPANY:
                        yield "person", part
            elif isinstance(one, str) and field.sealed:
                # Said, and not closed yet, or nothing was said.
                continue
            elif field.kind is None:
                yield from named(field.inner, one)
            elif field.kind != "person" or one not in DEPARTMENTS:
                yield field.kind, one


def actor_named(actor: str) -> str | None:
    """The id of the person who acted; None for the host's program and the system."""
    role, _, identity = actor.partition(":")
    return None if role in ("host", "system") else identity
