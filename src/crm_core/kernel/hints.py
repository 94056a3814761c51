"""What a type hint is made of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args, get_origin


def classes_in(hint: Any) -> Iterator[type]:
    """The classes in a hint, however deep."""
    inner = get_args(hint)
    if not inner and isinstance(hint, type):
        yield hint
    for one in inner:
        yield from classes_in(one)


def holds_several(hint: Any) -> bool:
    """Whether there is a tuple in it."""
    return get_origin(hint) is tuple or any(holds_several(one) for one in get_args(hint))
