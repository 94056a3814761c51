"""Stored event names and the classes that read them (LOG-02).

A name is `slice.fact/version`: public contract, never a class path, never imported.
Old versions are read through upcasters, pure functions from dict to dict, one step each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from attrs import field

from crm_core.kernel.sentences import Malformed
from crm_core.kernel.values import frozen

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]


@frozen
class EventType:
    """One kind of event.

    Args:
        name: Stored name without the version, `slice.fact`.
        version: Current version of its shape, from 1.
        cls: The class that holds it.
        effective: Field with the day it is true from; without one it is the day it was recorded.
        upcasters: For each older version, the step to the next one.
        large: Whether it may be longer than what people supply: it lists an estate's households,
            or holds a file.
    """

    name: str
    version: int
    cls: type
    effective: str | None = None
    upcasters: Mapping[int, Upcaster] = field(factory=dict)
    large: bool = False

    @property
    def stored(self) -> str:
        """Name and version as stored."""
        return f"{self.name}/{self.version}"


class Catalog:
    """The closed registry of events.

    Raises:
        ValueError: a name or class twice, or a gap in the upcasters.
    """

    def __init__(self, types: Iterable[EventType]) -> None:
        self.types: tuple[EventType, ...] = tuple(types)
        self.by_class: dict[type, EventType] = {}
        self.by_name: dict[str, EventType] = {}
        self.old: dict[str, tuple[EventType, int]] = {}
        for kind in self.types:
            if kind.cls in self.by_class or kind.stored in self.by_name:
                raise Malformed("event_twice", event=kind.stored)
            if set(kind.upcasters) != set(range(1, kind.version)):
                raise Malformed("upcaster_missing", event=kind.stored)
            self.by_class[kind.cls] = kind
            self.by_name[kind.stored] = kind
            for version in range(1, kind.version):
                self.old[f"{kind.name}/{version}"] = (kind, version)

    def upcast(self, name: str, data: dict[str, Any]) -> tuple[EventType, dict[str, Any]]:
        """The current type of an old stored name, and its data step by step in today's shape.

        Raises:
            KeyError: the name is not known.
        """
        kind, version = self.old[name]
        for step in range(version, kind.version):
            data = kind.upcasters[step](data)
        return kind, data

    def names(self) -> list[str]:
        """All stored names that can be read, sorted: the public contract."""
        return sorted([*self.by_name, *self.old])
