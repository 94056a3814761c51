"""What an answer is made of: whose it is, whether it says anything, and a copy that says less."""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from typing import Any

import attrs

from crm_core.application.classes import parts
from crm_core.kernel.growing import GrowingList, GrowingMap
from crm_core.kernel.sealed import Withheld


def household_of(value: Any) -> str:
    """The household that a value says it is of, itself or by a value that it holds."""
    found = getattr(value, "household", None)
    if isinstance(found, str):
        return found
    if attrs.has(type(value)):
        cls: type = type(value)
        for name in parts(cls):
            found = getattr(getattr(value, name), "household", None)
            if isinstance(found, str) and found:
                return found
    return ""


def household_in(value: Any) -> str:
    """The same, of a pair of a household and what is said of it, too."""
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], str):
        return value[0]
    return household_of(value)


def is_nothing(value: Any) -> bool:
    """Whether a value says nothing, or is withheld."""
    return isinstance(value, Withheld | None) or (
        isinstance(value, str | tuple | list | dict) and not value
    )


def changed(value: Any, changes: dict[str, Any]) -> Any:
    """A copy with other values; what a constructor would refuse is put there past it."""
    made = copy(value)
    for name, one in changes.items():
        object.__setattr__(made, name, one)
    return made


def growing_map(pairs: Iterable[tuple[Any, Any]]) -> GrowingMap[Any, Any]:
    """A map of these pairs."""
    made: GrowingMap[Any, Any] = GrowingMap()
    for key, value in pairs:
        made = made.add(key, value)
    return made


def growing_list(values: Iterable[Any]) -> GrowingList[Any]:
    """A list of these values."""
    made: GrowingList[Any] = GrowingList()
    for value in values:
        made = made.append(value)
    return made
