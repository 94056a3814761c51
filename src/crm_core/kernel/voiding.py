"""What was taken back as if it had never been: from its own day on, as known from then on (LOG-06).

An event that voids others of its household says so in its slice's table: which events it takes
back. Whoever reads facts leaves those out that are void, and the event with them. Who looks at an
earlier knowledge never sees the event, so everything stands there as it was known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from operator import itemgetter
from typing import Any, TypeVar

T = TypeVar("T")

Voids = Mapping[type, Callable[[Any, Any], bool]]
"""By the class of an event that voids: `(it, an earlier event) -> whether it takes that back`."""

_EVENT: Callable[[Any], Any] = itemgetter(2)


def standing(told: Iterable[T], voids: Voids, event_of: Callable[[T], Any] = _EVENT) -> list[T]:
    """What is told of one household, without what is void; in the order of the log.

    Args:
        told: What is seen: by default `KnownEvent`s.
        event_of: The event of what is told.
    """
    every = list(told)
    if voids.keys().isdisjoint([type(event_of(one)) for one in every]):
        return every
    kept: list[T] = []
    for one in every:
        event = event_of(one)
        takes_back = voids.get(type(event))
        if takes_back is None:
            kept.append(one)
        else:
            kept = [other for other in kept if not takes_back(event, event_of(other))]
    return kept
