"""Views folded from the log into memory: enough for one process that looks at what is due."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence
from typing import Any, TypeVar

from crm_core.kernel.projection import Projection, Put
from crm_core.ports import EventLog

R = TypeVar("R")


class FoldedViews:
    """Rows in memory, read from the log from its beginning; nothing is left behind.

    Args:
        log: What they are folded from.
    """

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._rows: dict[str, _Rows] = {}

    def catch_up(self, view: Projection[Any]) -> int:
        """Apply what the feed holds behind the place reached; the place reached now."""
        rows = self._rows.setdefault(view.name, _Rows())
        for recorded in self._log.feed(after=rows.place, names=view.names):
            for change in list(view.apply(rows, recorded)):
                rows.remove(change.key)
                if isinstance(change, Put):
                    rows.put(change.order, change.key, change.row)
            rows.place = recorded.position
        return rows.place

    def get(self, view: Projection[R], key: str) -> R | None:
        """The row of that key as of the place reached, or None."""
        row: R | None = self._rows.setdefault(view.name, _Rows()).get(key)
        return row

    def scan(
        self,
        view: Projection[R],
        *,
        upto: str | None = None,
        after: tuple[str, str] = ("", ""),
        limit: int = 1000,
    ) -> Sequence[tuple[str, str, R]]:
        """Rows as (order, key, row), sorted by order and key."""
        rows = self._rows.setdefault(view.name, _Rows())
        found: list[tuple[str, str, R]] = []
        for order, key in rows.sorted[bisect_right(rows.sorted, after) :]:
            if len(found) == limit or (upto is not None and order > upto):
                break
            found.append((order, key, rows.rows[key][1]))
        return found


class _Rows:
    """The rows of one view and the place they have reached."""

    def __init__(self) -> None:
        self.place = 0
        self.rows: dict[str, tuple[str, Any]] = {}
        self.sorted: list[tuple[str, str]] = []

    def get(self, key: str) -> Any:
        row = self.rows.get(key)
        return None if row is None else row[1]

    def put(self, order: str, key: str, row: Any) -> None:
        self.rows[key] = (order, row)
        insort(self.sorted, (order, key))

    def remove(self, key: str) -> None:
        row = self.rows.pop(key, None)
        if row is not None:
            del self.sorted[bisect_right(self.sorted, (row[0], key)) - 1]
