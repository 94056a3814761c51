"""Collections that grow by one and stay values: adding costs the same however long they are.

A stream can be long, and copying a dict for every event would make the fold quadratic.
A view sees a prefix of storage that only ever grows, so older views never change.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from itertools import islice
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_new = object.__new__


class GrowingMap(Generic[K, V]):
    """An immutable map whose only change is a new key, in constant time.

    >>> one = GrowingMap().add("a", 1)
    >>> two = one.add("b", 2)
    >>> ("b" in one, "b" in two, len(one), len(two))
    (False, True, 1, 2)
    """

    __slots__ = ("_entries", "_order", "_size")

    def __init__(self) -> None:
        self._order: list[tuple[int, K, V]] = []
        self._entries: dict[K, tuple[int, K, V]] = {}
        self._size = 0

    def add(self, key: K, value: V) -> GrowingMap[K, V]:
        """The map with one more entry; a key that is already there keeps its first value."""
        size, order, entries = self._size, self._order, self._entries
        known = entries.get(key)
        if known is not None and known[0] < size:
            return self
        entry = (size, key, value)
        if 0 < size == len(order):
            order.append(entry)
        if size == 0 or order[size] is not entry:
            # Another view has grown the shared storage another way, perhaps in another thread
            # and only just now; whoever holds the place goes on with it, this map parts from it.
            # Maps that grow from an empty one always have storage of their own.
            before = order[:size]
            order = [*before, entry]
            entries = {other[1]: other for other in before}
        entries[key] = entry
        grown: GrowingMap[K, V] = _new(GrowingMap)
        grown._order, grown._entries, grown._size = order, entries, size + 1
        return grown

    def get(self, key: K) -> V | None:
        """The value of `key`, or None."""
        entry = self._entries.get(key)
        return entry[2] if entry is not None and entry[0] < self._size else None

    def __getitem__(self, key: K) -> V:
        entry = self._entries[key]
        if entry[0] >= self._size:
            raise KeyError(key)
        return entry[2]

    def __contains__(self, key: object) -> bool:
        entry = self._entries.get(key)  # type: ignore[arg-type]
        return entry is not None and entry[0] < self._size

    def __iter__(self) -> Iterator[K]:
        for _, key, _ in islice(self._order, self._size):
            yield key

    def values(self) -> Iterator[V]:
        """Values in the order in which their keys were added."""
        for _, _, value in islice(self._order, self._size):
            yield value

    def items(self) -> Iterator[tuple[K, V]]:
        """Entries in the order in which they were added."""
        for _, key, value in islice(self._order, self._size):
            yield key, value

    def __len__(self) -> int:
        return self._size

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, GrowingMap):
            return NotImplemented
        return self._size == other._size and list(self.items()) == list(other.items())

    def __hash__(self) -> int:
        raise TypeError("a growing map is not hashable")

    def __repr__(self) -> str:
        return f"GrowingMap({dict(self.items())!r})"


EMPTY: GrowingMap[Any, Any] = GrowingMap()
"""The empty map every aggregate starts from."""


def without(entries: GrowingMap[K, V], *keys: K) -> GrowingMap[K, V]:
    """The map as if those keys had never been added; it costs as much as there are entries."""
    grown: GrowingMap[K, V] = EMPTY
    for key, value in entries.items():
        if key not in keys:
            grown = grown.add(key, value)
    return grown


class GrowingList(Generic[V]):
    """An immutable sequence whose only change is one more item, in constant time.

    >>> one = GrowingList().append("a")
    >>> two = one.append("b")
    >>> (list(one.values()), list(two.values()))
    (['a'], ['a', 'b'])
    """

    __slots__ = ("_items", "_size")

    def __init__(self) -> None:
        self._items: list[V] = []
        self._size = 0

    def append(self, item: V) -> GrowingList[V]:
        """The sequence with one more item."""
        size, items = self._size, self._items
        if 0 < size == len(items):
            items.append(item)
        if size == 0 or items[size] is not item:
            # As in a map: whoever holds the place goes on with it, the other parts from it.
            items = [*items[:size], item]
        grown: GrowingList[V] = _new(GrowingList)
        grown._items, grown._size = items, size + 1
        return grown

    @property
    def last(self) -> V | None:
        """The item added last, or None."""
        return self._items[self._size - 1] if self._size else None

    def values(self) -> Iterator[V]:
        """The items in the order in which they were added."""
        return islice(self._items, self._size)

    def __iter__(self) -> Iterator[V]:
        return self.values()

    def __len__(self) -> int:
        return self._size

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, GrowingList):
            return NotImplemented
        return self._size == other._size and list(self) == list(other)

    def __hash__(self) -> int:
        raise TypeError("a growing list is not hashable")

    def __repr__(self) -> str:
        return f"GrowingList({list(self)!r})"


NOTHING: GrowingList[Any] = GrowingList()
"""The empty sequence every aggregate starts from."""
