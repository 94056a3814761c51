"""Where in an event there is something sealed, at whatever depth, and what takes its place.

Personal values and texts that people typed are closed on their way to the store, each for the place
it stands in: `name`, `word.reference`, `proofs.0.reference`. What opens them, and what looks whom
they are about, goes through events in the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, NamedTuple, get_args, get_origin, get_type_hints

import attrs

from crm_core.kernel.sealed import PersonalValue, Place, Sealed

PURPOSE = "@purpose"
"""The place of the purpose that stands around an event; no field of one is called so."""

Change = Callable[[Any, str], Any]
"""`(value, place) -> what takes its place`; the same value where nothing does."""


class Step(NamedTuple):
    """A field in which something is sealed.

    Args:
        inner: Whether it holds values with fields of their own.
        several: Whether it holds a tuple.
    """

    name: str
    inner: bool
    several: bool


@cache
def steps_of(cls: type) -> tuple[Step, ...]:
    """The fields of a class in which something is sealed, at whatever depth."""
    if not attrs.has(cls):
        return ()
    return tuple(
        Step(name, inner, _is_tuple(hint))
        for name, hint in get_type_hints(cls).items()
        for sealed, inner in [_holds(hint)]
        if sealed or inner
    )


def _holds(hint: Any) -> tuple[bool, bool]:
    kinds = [*_classes(hint)]
    sealed = any(issubclass(kind, PersonalValue) for kind in kinds)
    others = [kind for kind in kinds if not issubclass(kind, PersonalValue)]
    return sealed, any(steps_of(kind) for kind in others)


def _classes(hint: Any) -> Iterator[type]:
    inner = get_args(hint)
    if not inner and isinstance(hint, type):
        yield hint
    for one in inner:
        yield from _classes(one)


def _is_tuple(hint: Any) -> bool:
    return get_origin(hint) is tuple or any(_is_tuple(one) for one in get_args(hint))


def changed(value: Any, change: Change, within: str = "") -> Any:
    """A value of fields, with what is or is to be sealed in it changed; itself if nothing is."""
    changes: dict[str, Any] = {}
    for name, inner, several in steps_of(type(value)):
        held = getattr(value, name)
        if held is None:
            continue
        place = within + name
        made: Any
        if several:
            made = tuple(
                _changed(one, inner, change, f"{place}.{number}") for number, one in enumerate(held)
            )
            same = all(one is other for one, other in zip(made, held, strict=True))
        else:
            made = _changed(held, inner, change, place)
            same = made is held
        if not same:
            changes[name] = made
    return attrs.evolve(value, **changes) if changes else value


def _changed(value: Any, inner: bool, change: Change, place: str) -> Any:
    if inner and steps_of(type(value)) and not isinstance(value, PersonalValue):
        return changed(value, change, f"{place}.")
    return change(value, place)


def sealed_in(stream: str, version: int, event: Any) -> Iterator[tuple[Sealed, Place]]:
    """Every sealed value of an event, with its place."""
    found: list[tuple[Sealed, Place]] = []

    def note(value: Any, place: str) -> Any:
        if isinstance(value, Sealed):
            found.append((value, Place(stream, version, place)))
        return value

    changed(event, note)
    yield from found
