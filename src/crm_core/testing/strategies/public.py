"""Every public type and valid values of it: what `st.from_type` gives after `register()`.

Hypothesis calls it by itself, by the entry point, where `crm-core` is installed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, get_type_hints

import attrs
import hypothesis.strategies as st
from hypothesis.strategies import SearchStrategy

import crm_core
from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.commands import (
    fields_looked_up,
)
from crm_core.kernel.decider import Refusal
from crm_core.kernel.hints import classes_in
from crm_core.kernel.money import Money
from crm_core.kernel.policy import PolicyRef
from crm_core.kernel.recorded import Actor, Cutoff
from crm_core.kernel.sealed import Personal, Sealed
from crm_core.kernel.word import Word
from crm_core.policies import PolicyBook
from crm_core.slices import SLICES, catalog, registry
from crm_core.testing.strategies import classes, values
from crm_core.testing.strategies.dealings import Estate, estates
from crm_core.testing.strategies.histories import History
from crm_core.testing.strategies.pasts import HOUSEHOLD, aggregates, pasts, states
from crm_core.testing.strategies.policies import policies

YEAR = 2011

_VALUES: Mapping[type, Callable[[], SearchStrategy[Any]]] = {
    Actor: values.actors,
    Cutoff: lambda: st.builds(Cutoff, st.integers(0, 10**9), values.instants()),
    Money: values.money,
    Personal: values.personal,
    PolicyRef: values.policy_refs,
    Refusal: lambda: st.one_of([pasts(one) for one in aggregates()]).flatmap(_refusals),
    Sealed: values.sealed,
    Word: values.words,
    crm_core.Period: values.periods,
    crm_core.Slice: lambda: st.sampled_from(SLICES),
    Aggregate: lambda: st.sampled_from(aggregates()),
    PolicyBook: lambda: st.lists(st.sampled_from(_shipped()), max_size=5).map(PolicyBook),
    History: lambda: st.one_of([pasts(one) for one in aggregates()]),
    Estate: lambda: estates(YEAR),
}
"""Types that are not made field by field."""


def said(command: type) -> SearchStrategy[Any]:
    """Commands of a class as callers give them: the data standard takes each (OWN-05)."""
    return _made(command, stored=False, more={n: st.none() for n in fields_looked_up(command)})


@cache
def public_types() -> dict[type, Callable[[], SearchStrategy[Any]]]:
    """Every public type with what draws it.

    Values, events, commands with what stands in them, states, policies, histories and estates, and
    whatever else `crm_core` names that holds data.
    """
    found: dict[type, Callable[[], SearchStrategy[Any]]] = dict(_VALUES)
    for one in aggregates():
        found.setdefault(type(one.decider.initial), lambda one=one: states(one))  # type: ignore[misc]
    for part in SLICES:
        for kind in part.policies:
            if any(type(one) is kind.cls for one in _shipped()):
                found.setdefault(kind.cls, lambda cls=kind.cls: policies(cls))  # type: ignore[misc]
    commands = [command for one in aggregates() for command in one.commands]
    for command in commands:
        found.setdefault(command, lambda cls=command: said(cls))  # type: ignore[misc]
    for event in catalog().types:
        found.setdefault(event.cls, lambda cls=event.cls: _made(cls))  # type: ignore[misc]
    for whole in [*commands, *(event.cls for event in catalog().types)]:
        for inner in _parts(whole):
            found.setdefault(inner, lambda cls=inner: _made(cls))  # type: ignore[misc]
    return found


def register() -> None:
    """Let `st.from_type` give valid values of every public type."""
    for cls in public_types():
        st.register_type_strategy(cls, _drawn)


def _shipped() -> tuple[Any, ...]:
    return tuple(registry().shipped)


def _refusals(past: History) -> SearchStrategy[Refusal]:
    """What was refused in a history; something that is always refused where nothing was."""
    found = [step.decided for step in past.steps if isinstance(step.decided, Refusal)]
    return (
        st.sampled_from(found)
        if found
        else st.just(Refusal("household_exists", "OWN-01", {"household": HOUSEHOLD}))
    )


def _drawn(cls: Any) -> SearchStrategy[Any]:
    return public_types()[cls]()


def _made(
    cls: type, *, stored: bool = True, more: Mapping[str, SearchStrategy[Any]] | None = None
) -> SearchStrategy[Any]:
    return classes.instances(cls, stored=stored, **(more or {}))


def _parts(cls: type) -> Iterator[type]:
    for name, hint in get_type_hints(cls).items():
        if name not in fields_looked_up(cls):
            for inner in classes_in(hint):
                if attrs.has(inner):
                    yield inner
                    yield from _parts(inner)
