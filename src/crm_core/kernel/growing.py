"""Collections that grow by one and stay values: adding costs the same however long they are.

A stream can be long, and copying a dict for every event would make the fold quadratic.
A view sees a prefix of storage that only ever grows, so older views never change.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class GrowingMap(Generic[K, V]):
    """An immutable map whose only change is a new key, in constant time.

    >>> one = GrowingMap().add("a", 1)
    >>> two = one.add("b", 2)
    >>> ("b" in one, "b" in two, len(one), len(two))
    (False, True, 1, 2)
    """

    __slots__ = ("_entries", "_order", "_size")

    def __init__(self) -> None:
        self._order: list[K] = []
        self._entries: dict[K, tuple[int, V]] = {}
        self._size = 0

    def add(self, key: K, value: V) -> GrowingMap[K, V]:
        """This map and one more entry; a key that is already there keeps its first value."""
        if key in self:
            return self
        size = self._size
        order, entries = self._order, self._entries
        if len(order) != size or key in entries:
            # A newer view has grown the shared storage another way: part from it.
            order = order[:size]
            entries = {k: entries[k] for k in order}
        order.append(key)
        entries[key] = (size, value)
        grown: GrowingMap[K, V] = GrowingMap.__new__(GrowingMap)
        grown._order, grown._entries, grown._size = order, entries, size + 1
        return grown

    def get(self, key: K) -> V | None:
        """The value of `key`, or None."""
        entry = self._entries.get(key)
        return entry[1] if entry is not None and entry[0] < self._size else None

    def __getitem__(self, key: K) -> V:
        entry = self._entries[key]
        if entry[0] >= self._size:
            raise KeyError(key)
        return entry[1]

    def __contains__(self, key: object) -> bool:
        entry = self._entries.get(key)  # type: ignore[arg-type]
        return entry is not None and entry[0] < self._size

    def __iter__(self) -> Iterator[K]:
        for index in range(self._size):
            yield self._order[index]

    def values(self) -> Iterator[V]:
        """Values in the order in which their keys were added."""
        for index in range(self._size):
            yield self._entries[self._order[index]][1]

    def items(self) -> Iterator[tuple[K, V]]:
        """Entries in the order in which they were added."""
        for index in range(self._size):
            key = self._order[index]
            yield key, self._entries[key][1]

    def __len__(self) -> int:
        return self._size

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, GrowingMap):
            return NotImplemented
        return list(self.items()) == list(other.items())

    def __hash__(self) -> int:
        raise TypeError("a growing map is not hashable")

    def __repr__(self) -> str:
        return f"GrowingMap({dict(self.items())!r})"


EMPTY: GrowingMap[Any, Any] = GrowingMap()
"""The empty map every aggregate starts from."""
