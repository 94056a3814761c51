"""The port `Views` over a log and a store of views (see `crm_core.ports`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, TypeVar

import msgspec

from crm_adapters.projections.runner import BATCH_EVENTS, Runner, Task, decoder_of
from crm_adapters.projections.store import (
    BUILDING,
    LIVE,
    RETIRED,
    Checkpoint,
    Place,
    ViewStore,
)
from crm_core.errors import Invalid
from crm_core.kernel.projection import BuildStatus, Consumer, Parked, Projection
from crm_core.ports import Clock, EventLog

R = TypeVar("R")


class LogViews:
    """Views of a log; the store may be the log's own database or another one.

    Args:
        clock: Tells when something was parked.
        batch: Events taken at a time.
    """

    def __init__(
        self, log: EventLog, store: ViewStore, clock: Clock, *, batch: int = BATCH_EVENTS
    ) -> None:
        self.log = log
        self.store = store
        self.runner = Runner(log, store, clock, batch=batch)

    # --- going on -------------------------------------------------------------------------

    def catch_up(
        self, view: Projection[Any] | Consumer, *, stop: Callable[[], bool] | None = None
    ) -> int:
        if not self._builds(view):
            state = BUILDING if isinstance(view, Projection) else LIVE
            self.store.begin(Place(view.name, view.version, 1), state)
        end = self.log.head()
        # The live build first: readers wait for nothing else.
        for found in sorted(self._builds(view), key=lambda c: (c.state != LIVE, c.place)):
            if found.state == RETIRED:
                self.store.clear(found.place)
            elif self.runner.advance(view, found.place, end, stop) and found.state == BUILDING:
                self._switch(found.place)
        return max((c.position for c in self._builds(view) if c.state == LIVE), default=0)

    def _switch(self, place: Place) -> None:
        """Make a build that has caught up the live one, unless it fares worse."""
        now = self.store.checkpoint(place)
        if now is None:
            return
        builds = [c for c in self.store.checkpoints(place.consumer) if c.place[:2] == place[:2]]
        live = [c.place for c in builds if c.state == LIVE]
        allowed = [self.store.parked_count(other) for other in live]
        if allowed and self.store.parked_count(place) > allowed[0]:
            return
        if self.store.switch(now):
            for other in live:
                self.store.clear(other)

    # --- reading --------------------------------------------------------------------------

    def get(self, view: Projection[R], key: str) -> R | None:
        text = self.store.live_row(view.name, view.version, key)
        return None if text is None else _Reader(view).read(text)

    def scan(
        self,
        view: Projection[R],
        *,
        upto: str | None = None,
        after: tuple[str, str] = ("", ""),
        limit: int = 1000,
    ) -> Sequence[tuple[str, str, R]]:
        read = _Reader(view).read
        rows = self.store.live_rows(view.name, view.version, after, upto, limit)
        return [(order, key, read(text)) for order, key, text in rows]

    # --- looking after them ---------------------------------------------------------------

    def rebuild(self, view: Projection[Any]) -> int:
        builds = self._builds(view)
        for found in builds:
            if found.state == BUILDING:
                self.store.retire(found.place)
        build = max((found.place.build for found in builds), default=0) + 1
        self.store.begin(Place(view.name, view.version, build), BUILDING)
        return build

    def retry(self, view: Projection[Any] | Consumer) -> int:
        return sum(
            self.runner.retry(view, found.place)
            for found in self._builds(view)
            if found.state != RETIRED
        )

    def status(self) -> list[BuildStatus]:
        end = self.log.head()
        return [self._status(found, end) for found in self.store.checkpoints()]

    def _status(self, found: Checkpoint, end: int) -> BuildStatus:
        first = self.store.parked(found.place, limit=1)
        return BuildStatus(
            *found.place,
            found.state,
            found.position,
            end,
            self.log.count(after=found.position) if found.position < end else 0,
            self.store.parked_count(found.place) if first else 0,
            # Events are parked in order of position: the first is the oldest.
            first[0].first_at if first else None,
            first[0].error if first else "",
        )

    def parked(
        self, consumer: str, version: int, build: int, *, after: int = 0, limit: int = 1000
    ) -> list[Parked]:
        return self.store.parked(Place(consumer, version, build), after=after, limit=limit)

    def prune(self, views: Iterable[Projection[Any]]) -> int:
        count = 0
        for view in views:
            for found in self.store.checkpoints(view.name):
                if found.place.version < view.version:
                    self.store.retire(found.place)
                    self.store.clear(found.place)
                    count += 1
        return count

    def close(self) -> None:
        self.store.close()

    def _builds(self, task: Task) -> list[Checkpoint]:
        found = self.store.checkpoints(task.name)
        return [checkpoint for checkpoint in found if checkpoint.place.version == task.version]


class _Reader(Generic[R]):
    """Reads rows of a view from their texts."""

    def __init__(self, view: Projection[R]) -> None:
        self._view = view
        self._decode = decoder_of(view.row).decode

    def read(self, text: str) -> R:
        try:
            row: R = self._decode(text)
        except msgspec.MsgspecError as error:
            view = self._view
            raise Invalid.one(
                "row_shape_other", view=view.name, version=view.version, shape=view.row.__name__
            ) from error
        return row
