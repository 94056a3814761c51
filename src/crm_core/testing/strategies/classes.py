"""Events and commands of any class, each field by its name or its type hint.

A new event class needs nothing: `events_of` builds any class of the catalog from its type hints.
A new kind of value needs a line in `_BY_TYPE` or `_BY_NAME`.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from datetime import date, datetime
from enum import Enum
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import attrs
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from crm_core.kernel.canonical import INTEGER_MAX
from crm_core.kernel.catalog import EventType
from crm_core.kernel.commands import fields_named
from crm_core.kernel.dates import Period
from crm_core.kernel.growing import GrowingMap
from crm_core.kernel.money import Money
from crm_core.kernel.policy import PolicyRef
from crm_core.kernel.recorded import Actor
from crm_core.kernel.rules import Operator
from crm_core.kernel.sealed import Personal, PersonalValue, Sealed
from crm_core.kernel.word import Word
from crm_core.messages.policy import MessagePolicy
from crm_core.messages.template import Template
from crm_core.owners import commands as owners
from crm_core.requests.sla import SlaPolicy, Targets
from crm_core.slices import catalog, registry
from crm_core.testing.strategies.policies import (
    message_template,
    messages_policy,
    sla_policies,
    targets,
)
from crm_core.testing.strategies.values import (
    FIRST_DAY,
    LAST_DAY,
    actors,
    days,
    digests,
    fen,
    ids,
    instants,
    money,
    periods,
    personal,
    policy_refs,
    sealed,
    texts,
    words,
)

_WIDE_INTEGERS = st.integers(-INTEGER_MAX, INTEGER_MAX)

_BY_TYPE: Mapping[Any, Callable[[], SearchStrategy[Any]]] = {
    bool: st.booleans,
    date: days,
    datetime: instants,
    int: lambda: st.integers(-3, 3) | _WIDE_INTEGERS,
    str: texts,
    Actor: actors,
    Money: money,
    MessagePolicy: lambda: st.just(messages_policy()),
    Operator: lambda: st.sampled_from(Operator),
    Period: periods,
    PolicyRef: policy_refs,
    SlaPolicy: sla_policies,
    Targets: targets,
    Template: lambda: st.just(message_template("request-received")),
    Word: words,
    type(None): st.none,
}
"""What stands for a type wherever it occurs."""

_BY_NAME: Mapping[str, Callable[[], SearchStrategy[Any]]] = {
    "amount_fen": lambda: fen(1),
    "digest": digests,
    "household": ids,
    "from_household": ids,
    "to_household": ids,
    "member": ids,
    "request": ids,
    "role": lambda: st.sampled_from(owners.ROLES),
    "source": lambda: st.sampled_from(owners.SOURCES),
    "version": lambda: st.integers(1, 99),
    "year": lambda: st.integers(FIRST_DAY.year, LAST_DAY.year),
}
"""What stands for a field of that name; the type alone would say less."""


def from_hint(hint: Any, *, stored: bool = True) -> SearchStrategy[Any]:
    """Values of a type hint, as the fields of events and commands use them.

    Args:
        stored: Personal values are sealed, as in the log; else plain ones come too.
    """
    if hint is Sealed:
        return sealed()
    if hint is PersonalValue:
        return sealed() if stored else sealed() | personal()
    if hint is Personal:
        return personal()
    if hint in _BY_TYPE:
        return _BY_TYPE[hint]()
    known = _shipped(hint) if isinstance(hint, type) else []
    if known:
        return st.sampled_from(known)
    origin, inner = get_origin(hint), get_args(hint)
    if Sealed in inner and str in inner:
        # A text that people type: sealed in the log, plain in a command.
        inner = tuple(one for one in inner if one is not (str if stored else Sealed))
    if origin in (Union, types.UnionType):
        return st.one_of([from_hint(one, stored=stored) for one in _none_first(inner)])
    if origin is tuple and inner[-1] is Ellipsis:
        return st.lists(from_hint(inner[0], stored=stored), max_size=3).map(tuple)
    if origin is frozenset:
        return st.frozensets(from_hint(inner[0], stored=stored), max_size=3)
    if origin is tuple:
        return st.tuples(*(from_hint(one, stored=stored) for one in inner))
    if origin is dict:
        key, value = (from_hint(one, stored=stored) for one in inner)
        return st.dictionaries(key, value, max_size=3)
    if origin is GrowingMap:
        pairs = st.tuples(*(from_hint(one, stored=stored) for one in inner))
        return st.lists(pairs, max_size=3).map(_grown)
    if origin is Literal:
        return st.sampled_from(inner)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return st.sampled_from(list(hint))
    if isinstance(hint, type) and attrs.has(hint):
        return instances(hint, stored=stored)
    raise TypeError(f"no strategy is known for `{hint}`: add it to `_BY_TYPE`")


def _grown(pairs: list[tuple[Any, Any]]) -> GrowingMap[Any, Any]:
    grown: GrowingMap[Any, Any] = GrowingMap()
    for key, value in pairs:
        grown = grown.add(key, value)
    return grown


def _shipped(cls: type) -> list[Any]:
    return [*registry().shipped_of(cls)]


def instances(
    cls: type, *, stored: bool = True, **fields: SearchStrategy[Any]
) -> SearchStrategy[Any]:
    """Instances of an attrs class, each field by its name or its type hint.

    Args:
        stored: See `from_hint`.
        fields: Strategies for fields that are to be something special.
    """
    hints = get_type_hints(cls)
    named = fields_named(cls)

    def made(name: str) -> SearchStrategy[Any]:
        if name in fields:
            return fields[name]
        if name in _BY_NAME:
            one = _BY_NAME[name]()
            return st.none() | one if type(None) in get_args(hints[name]) else one
        found = from_hint(hints[name], stored=stored)
        return found.flatmap(_as_ids) if name in named else found

    return st.builds(cls, **{field.name: made(field.name) for field in attrs.fields(cls)})


def _as_ids(value: Any) -> SearchStrategy[Any]:
    """Ids instead of texts, several or none of them as they come."""
    if isinstance(value, tuple):
        return st.lists(ids(), min_size=len(value), max_size=len(value)).map(tuple)
    return ids() if isinstance(value, str) else st.just(value)


def events_of(kind: EventType, *, stored: bool = True) -> SearchStrategy[Any]:
    """Events of one type of the catalog; possible values, though not always a likely story.

    Args:
        stored: Personal values are sealed, as in the log; else plain ones come too.
    """
    return instances(kind.cls, stored=stored)


def any_events(*, stored: bool = True) -> SearchStrategy[Any]:
    """Events of every type of the catalog."""
    return st.one_of([events_of(kind, stored=stored) for kind in catalog().types])


def command_of(
    cls: type,
    common: Mapping[str, SearchStrategy[Any]],
    own: Mapping[type, Mapping[str, SearchStrategy[Any]]],
) -> SearchStrategy[Any]:
    """Commands of a class of a slice, with some of their values accepted and some not.

    Args:
        common: Strategies for fields by their name, whatever the class.
        own: The same for the fields of one class; they go before.
    """
    names = {field.name for field in attrs.fields(cls)}
    fields = {name: made for name, made in common.items() if name in names}
    return instances(cls, stored=False, **{**fields, **own.get(cls, {})})


def command_classes(module: types.ModuleType) -> list[type]:
    """The command classes of a slice, in the order in which they are written.

    What several commands have in common, and is none itself, is left out.
    """
    classes = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and attrs.has(value) and value.__module__ == module.__name__
    ]
    return [cls for cls in classes if not any(cls in other.__bases__ for other in classes)]


def _none_first(hints: tuple[Any, ...]) -> list[Any]:
    # Hypothesis shrinks towards the first: nothing is simpler than something.
    return sorted(hints, key=lambda hint: hint is not type(None))
