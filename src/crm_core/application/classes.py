"""Of which class of data each field is of everything that questions answer with (PRV-01, 0057).

Events, rows of views and the values in them are told of by the data map. States and answers are
put together of those, and most of their fields are called as there; what is called otherwise, or is
no slice's, stands in `answers.toml`, by module and class. A field that neither tells of is of no
class, and nobody sees it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, TypeVar, get_args, get_type_hints

import attrs

from crm_core.application.packaged import packaged
from crm_core.kernel.policy import read_toml
from crm_core.kernel.registry import Registry
from crm_core.kernel.sealed import PersonalValue, Withheld

CONTAINER = ""
"""Stands for the class of a field that holds values with fields of their own."""

ANYTHING = "*"
"""Stands for what a container of anything can hold."""

REST = "rest"
"""The name that stands for all keys of plain data that are not named."""

_VALUES = "values"
"""What `answers.toml` calls a container."""

_ROOT = "crm_core."


class Classes:
    """Knows the class of every field.

    Args:
        registry: What the library is made of.
    """

    def __init__(self, registry: Registry) -> None:
        self._exact = registry.classes
        self._said = _answers()
        self._named: dict[str, dict[str, str]] = {}
        for cls, fields in self._exact.items():
            mine = self._named.setdefault(_slice_of(cls), {})
            for name, data in fields.items():
                # What two events call alike and class otherwise tells nothing of a third.
                mine[name] = data if mine.get(name, data) == data else CONTAINER
        self._known: dict[type, Mapping[str, str | None]] = {}
        self._reach: dict[type, frozenset[str | None]] = {}

    def of(self, cls: type) -> Mapping[str, str | None]:
        """The class of data of each field of a class; None where nobody told."""
        if cls not in self._known:
            self._known[cls] = dict(self._fields(cls))
        return self._known[cls]

    def of_key(self, way: str, key: str) -> str | None:
        """The class of data of what stands under a key of plain data that a way gives."""
        said = self._said.get(way, {})
        return said.get(key, said.get(REST))

    def reach(self, cls: type) -> frozenset[str | None]:
        """All classes of data that a value of that class can hold, however deep."""
        if cls not in self._reach:
            self._reach[cls] = frozenset()  # Of one that holds others of its kind.
            found: set[str | None] = set()
            for name, data in self.of(cls).items():
                if data != CONTAINER:
                    found.add(data)
                elif name in _of_anything(cls):
                    found.add(ANYTHING)
                for part in parts(cls)[name]:
                    found |= self.reach(part)
            self._reach[cls] = frozenset(found)
        return self._reach[cls]

    def _fields(self, cls: type) -> Iterator[tuple[str, str | None]]:
        # A state of a matter that has gone on has the fields of the one before.
        said = {
            field: data
            for base in reversed(cls.__mro__)
            for field, data in self._said.get(name_of(base), {}).items()
        }
        exact, named = self._exact.get(cls, {}), self._named.get(_slice_of(cls), {})
        for field, within in parts(cls).items():
            told = said.get(field, said.get(REST, exact.get(field)))
            if told is None and within:
                told = CONTAINER
            if told is None:
                told = named.get(field) or None
            yield field, told


def name_of(cls: type) -> str:
    """How `answers.toml` names a class: `owners.state.Household`."""
    return f"{cls.__module__.removeprefix(_ROOT)}.{cls.__qualname__}"


@cache
def parts(cls: type) -> Mapping[str, tuple[type, ...]]:
    """Of each field the classes with fields of their own that it can hold."""
    hints = get_type_hints(cls)
    return {
        field.name: tuple(
            kind
            for kind in _kinds(hints[field.name])
            if attrs.has(kind) and not issubclass(kind, PersonalValue | Withheld)
        )
        for field in attrs.fields(cls)
    }


@cache
def _of_anything(cls: type) -> frozenset[str]:
    """The fields that hold values of no stated class."""
    hints = get_type_hints(cls)
    return frozenset(
        name for name, hint in hints.items() if Any in _within(hint) or TypeVar in _within(hint)
    )


def _within(hint: Any) -> set[Any]:
    inner = {type(hint) if isinstance(hint, TypeVar) else hint}
    return inner.union(*(_within(one) for one in get_args(hint)))


def _kinds(hint: Any) -> Iterator[type]:
    """The classes in a hint, however deep."""
    if isinstance(hint, type) and not get_args(hint):
        yield hint
    for inner in get_args(hint):
        yield from _kinds(inner)


def _slice_of(cls: type) -> str:
    return cls.__module__.removeprefix(_ROOT).partition(".")[0]


@cache
def _answers() -> Mapping[str, Mapping[str, str]]:
    return {
        name: {
            field: CONTAINER if data == _VALUES else data
            for data, fields in said.items()
            for field in fields
        }
        for name, said in read_toml(packaged("answers.toml")).items()
    }
