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
    fields_named,
)
from crm_core.kernel.decider import Refusal
from crm_core.kernel.hints import classes_in
from crm_core.kernel.money import Money
from crm_core.kernel.policy import PolicyRef
from crm_core.kernel.recorded import Actor, Cutoff
from crm_core.kernel.sealed import Personal, Sealed
from crm_core.kernel.word import Word
from crm_core.messages.staff import ReleaseToStaff, TellStaff
from crm_core.policies import PolicyBook
from crm_core.requests.holidays import LookForNotices
from crm_core.requests.sla import SlaPolicy
from crm_core.slices import SLICES, catalog, registry
from crm_core.testing.scenario import decider_of
from crm_core.testing.strategies import classes, values
from crm_core.testing.strategies.collection import collection_commands, collection_stories
from crm_core.testing.strategies.dealings import Estate, estates
from crm_core.testing.strategies.gradings import (
    adoption_commands,
    grading_commands,
    grading_openings,
)
from crm_core.testing.strategies.histories import History, histories
from crm_core.testing.strategies.messages import (
    knowns,
    message_commands,
    message_openings,
)
from crm_core.testing.strategies.opinions import opinion_commands, opinion_openings
from crm_core.testing.strategies.owners import owner_commands, owner_openings
from crm_core.testing.strategies.payments import account_commands, account_openings
from crm_core.testing.strategies.policies import sla_policies
from crm_core.testing.strategies.requests import request_histories
from crm_core.visits.commands import ArrangeVisits, NoteVisitAttempt, RecordVisit

HOUSEHOLD, YEAR = "V00001", 2011

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


_LOOKED_UP: Mapping[type, Mapping[str, SearchStrategy[Any]]] = {
    TellStaff: {"known": knowns()},
    ReleaseToStaff: {"known": knowns()},
    LookForNotices: {"missing": st.lists(st.integers(1990, 2100), max_size=3).map(tuple)},
}
"""What the library finds for single commands, where a hint says too little."""

_TOLD_A_PICTURE = (ArrangeVisits, NoteVisitAttempt, RecordVisit)
"""Commands that are told a picture of other slices which no field by itself can be drawn for."""


def aggregates() -> tuple[Aggregate, ...]:
    """Every aggregate that takes a command."""
    return tuple(one for part in SLICES for one in part.aggregates if one.commands)


def pasts(aggregate: Aggregate) -> SearchStrategy[History]:
    """Histories of an aggregate of the library, made of its own commands."""
    match aggregate.decider.name:
        case "request":
            return request_histories()
        case "household":
            made, opening = owner_commands(HOUSEHOLD), owner_openings(HOUSEHOLD)
        case "account":
            made, opening = account_commands(), account_openings()
        case "collection":
            made, opening = collection_commands(), collection_stories()
        case "opinions":
            made, opening = opinion_commands(HOUSEHOLD), opinion_openings(HOUSEHOLD)
        case "grading":
            made, opening = grading_commands(HOUSEHOLD), grading_openings(HOUSEHOLD)
        case "policy":
            return histories(aggregate, adoption_commands())
        case "messages":
            made, opening = message_commands(HOUSEHOLD), message_openings(HOUSEHOLD)
        case _:
            taken = [one for one in aggregate.commands if one not in _TOLD_A_PICTURE]
            return histories(aggregate, st.one_of([looked_up(one) for one in taken]))
    return histories(aggregate, made, opening=opening)


def states(aggregate: Aggregate) -> SearchStrategy[Any]:
    """States of an aggregate that can really come about."""
    fold = decider_of(aggregate).fold
    return pasts(aggregate).map(lambda past: fold(past.events))


def looked_up(command: type) -> SearchStrategy[Any]:
    """Commands as a decider takes them: what the library looks up is filled in."""
    hints = get_type_hints(command)
    known = {
        name: _ZONES if name == "zone" else _filled(hints[name])
        for name in fields_looked_up(command)
    }
    # Of few, so that what one command begins another goes on with.
    known |= {name: _of_few(hints[name]) for name in fields_named(command)}
    known |= {name: _FEW for name in ("household", "staff", "member") if hints.get(name) is str}
    return _made(command, stored=False, more={**known, **_LOOKED_UP.get(command, {})})


def said(command: type) -> SearchStrategy[Any]:
    """Commands of a class as callers give them: the data standard takes each (OWN-05)."""
    return _made(command, stored=False, more={n: st.none() for n in fields_looked_up(command)})


def policies(kind: type) -> SearchStrategy[Any]:
    """Policies of a kind that are valid: those that are shipped, and others near them."""
    known = st.sampled_from([one for one in _shipped() if type(one) is kind])
    return known | sla_policies() if kind is SlaPolicy else known


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


_ZONES = st.sampled_from(("Asia/Shanghai", "UTC", "America/New_York"))
_FEW = st.sampled_from((HOUSEHOLD, "X1"))


def _of_few(hint: Any) -> SearchStrategy[Any]:
    return classes.from_hint(hint).flatmap(
        lambda one: (
            st.tuples(_FEW)
            if isinstance(one, tuple)
            else _FEW
            if isinstance(one, str)
            else st.just(one)
        )
    )


def _filled(hint: Any) -> SearchStrategy[Any]:
    try:
        return classes.from_hint(hint, stored=False)
    except TypeError:
        return st.none()


def _parts(cls: type) -> Iterator[type]:
    for name, hint in get_type_hints(cls).items():
        if name not in fields_looked_up(cls):
            for inner in classes_in(hint):
                if attrs.has(inner):
                    yield inner
                    yield from _parts(inner)
