"""Where in an event there is something sealed, at whatever depth, and what takes its place.

Personal values and texts that people typed are closed on their way to the store, each for the place
it stands in: `name`, `word.reference`, `proofs.0.reference`. What opens them, and what looks whom
they are about, goes through events in the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, NamedTuple, get_type_hints

import attrs

from crm_core.kernel.hints import classes_in, holds_several
from crm_core.kernel.sealed import PersonalValue, Place, Sealed

PURPOSE = "@purpose"
"""The place of the purpose that stands around an event; no field of one is called so."""

Change = Callable[[Any, str], Any]
"""`(value, place) -> what takes its place`; the same value where nothing does."""


class Step(NamedTuple):
    """A field in which something is sealed.

    Args:
        text: Whether it is a text that people type, and no personal value.
        inner: Whether it holds values with fields of their own.
        several: Whether it holds a tuple.
    """

    name: str
    text: bool
    inner: bool
    several: bool


@cache
def steps_of(cls: Any) -> tuple[Step, ...]:
    """The fields of a class in which something is sealed, at whatever depth."""
    if not attrs.has(cls):
        return ()
    found = []
    for name, hint in get_type_hints(cls).items():
        kinds: list[Any] = [*classes_in(hint)]
        sealed = any(issubclass(kind, PersonalValue) for kind in kinds)
        inner = any(steps_of(kind) for kind in kinds if not issubclass(kind, PersonalValue))
        if sealed or inner:
            found.append(Step(name, sealed and str in kinds, inner, holds_several(hint)))
    return tuple(found)


@cache
def has_texts(cls: Any) -> bool:
    """Whether there is a text that people type in an event of a class, at whatever depth."""
    return bool(_texts_of(cls))


@cache
def _texts_of(cls: Any) -> tuple[Step, ...]:
    """The fields of a class in which there is one."""
    hints = get_type_hints(cls) if attrs.has(cls) else {}
    return tuple(
        step
        for step in steps_of(cls)
        if step.text or any(_texts_of(kind) for kind in classes_in(hints[step.name]))
    )


def changed(value: Any, change: Change) -> Any:
    """A value of fields, with what is or is to be sealed in it changed; itself if nothing is."""
    return _changed(value, change, "", steps_of)


def changed_texts(value: Any, change: Change) -> Any:
    """The same of the texts alone."""
    return _changed(value, change, "", _texts_of)


def _changed(
    value: Any, change: Change, within: str, steps: Callable[[Any], tuple[Step, ...]]
) -> Any:
    changes: dict[str, Any] = {}
    for name, _, inner, several in steps(type(value)):
        held = getattr(value, name)
        if held is None:
            continue
        place = within + name
        made: Any
        if several:
            made = tuple(
                _one(item, inner, change, f"{place}.{number}", steps)
                for number, item in enumerate(held)
            )
            same = all(one is other for one, other in zip(made, held, strict=True))
        else:
            made = _one(held, inner, change, place, steps)
            same = made is held
        if not same:
            changes[name] = made
    return attrs.evolve(value, **changes) if changes else value


def _one(
    value: Any,
    inner: bool,
    change: Change,
    place: str,
    steps: Callable[[Any], tuple[Step, ...]],
) -> Any:
    if inner:
        return _changed(value, change, f"{place}.", steps)
    return change(value, place)


def sealed_in(stream: str, version: int, event: Any) -> Iterator[tuple[Sealed, Place]]:
    """Every sealed value of an event, with its place."""
    yield from _sealed_in(stream, version, event, changed)


def texts_in(stream: str, version: int, event: Any) -> Iterator[tuple[Sealed, Place]]:
    """The same of the texts that people typed alone."""
    yield from _sealed_in(stream, version, event, changed_texts)


def _sealed_in(
    stream: str, version: int, event: Any, through: Callable[[Any, Change], Any]
) -> list[tuple[Sealed, Place]]:
    found: list[tuple[Sealed, Place]] = []

    def note(value: Any, place: str) -> Any:
        if isinstance(value, Sealed):
            found.append((value, Place(stream, version, place)))
        return value

    through(event, note)
    return found
