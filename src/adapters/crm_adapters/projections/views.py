"""The port `Views` over a log and a store of views (see `crm_core.ports`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar

import msgspec

from crm_adapters.projections.runner import (
    BATCH_EVENTS,
    Runner,
    Task,
    check_text,
    decoder_of,
    encoded,
)
from crm_adapters.projections.store import (
    BUILDING,
    LIVE,
    RETIRED,
    Change,
    Checkpoint,
    Place,
    Row,
    ViewStore,
)
from crm_core.errors import Invalid, OtherPast
from crm_core.hosting import Telemetry, Unwatched, watched
from crm_core.kernel.projection import BuildStatus, Consumer, Parked, Projection
from crm_core.kernel.ticking import ParkedRow
from crm_core.ports import Clock, EventLog

R = TypeVar("R")

CLOCK = "clock:"
"""What the clock keeps of a source lies with the views under this name; no view is called so."""

PAGE_ROWS = 1000
"""Rows of the clock read at once."""

_BASIS = ("", "basis")
"""Order and key of the row that says what the rows of a source were put off by; the first of all,
since a row of a view has a key."""


class LogViews:
    """Views of a log; the store may be the log's own database or another one.

    Args:
        clock: Tells when something was parked.
        batch: Events taken at a time.
        telemetry: Is told how far each view has come; by default nobody is.
    """

    def __init__(
        self,
        log: EventLog,
        store: ViewStore,
        clock: Clock,
        *,
        batch: int = BATCH_EVENTS,
        telemetry: Telemetry | None = None,
    ) -> None:
        self.log = log
        self.store = store
        self.telemetry = telemetry or Unwatched()
        self.runner = Runner(log, store, clock, batch=batch)

    # --- going on -------------------------------------------------------------------------

    def catch_up(
        self,
        view: Projection[Any] | Consumer,
        *,
        stop: Callable[[], bool] | None = None,
        changed: Callable[[str], object] | None = None,
    ) -> int:
        with watched(self.telemetry, "catch_up", view=view.name) as span:
            position = self._catch_up(view, stop, changed)
            span.note(position=position)
        return position

    def _catch_up(
        self,
        view: Projection[Any] | Consumer,
        stop: Callable[[], bool] | None,
        changed: Callable[[str], object] | None,
    ) -> int:
        if not self._builds(view):
            state = BUILDING if isinstance(view, Projection) else LIVE
            self.store.begin(Place(view.name, view.version, 1), state)
        end = self.log.head()
        other: dict[Place, OtherPast] = {}
        # The live build first: readers wait for nothing else.
        for found in sorted(self._builds(view), key=lambda c: (c.state != LIVE, c.place)):
            if found.state == RETIRED:
                self.store.clear(found.place)
                continue
            told = changed if found.state == LIVE else None
            try:
                reached = self.runner.advance(view, found.place, end, stop=stop, changed=told)
            except OtherPast as error:
                other[found.place] = error
                continue
            if reached and found.state == BUILDING:
                # What is of another past is no measure of how far the new one must come.
                for place in other:
                    self.store.retire(place)
                other.clear()
                self._switch(found.place)
        if other:
            raise next(iter(other.values()))
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

    def named(self, view: Projection[R], keys: Sequence[str]) -> dict[str, R]:
        read = _Reader(view).read
        texts = self.store.live_named(view.name, view.version, keys)
        return {key: read(text) for key, text in texts.items()}

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

    def put_off(self, view: Projection[R], orders: Mapping[str, tuple[R, str]]) -> bool:
        seen = next((c for c in self._builds(view) if c.state == LIVE), None)
        if seen is None or not orders:
            return False
        read = _Reader(view).read
        rows: dict[str, Row | None] = {}
        texts = self.store.live_named(view.name, view.version, [*orders])
        for key, (row, order) in orders.items():
            check_text(order)
            text = texts.get(key)
            if text is not None and read(text) == row:
                rows[key] = Row(order, text)
        return bool(rows) and self.store.commit(Change(seen, seen.position, rows, mark=seen.mark))

    # --- what the clock cannot serve ------------------------------------------------------

    def parked_rows(self, source: str | None = None) -> list[ParkedRow]:
        if source is None:
            places = {c.place.consumer for c in self.store.checkpoints()}
            sources = sorted(p.removeprefix(CLOCK) for p in places if p.startswith(CLOCK))
            return [row for one in sources for row in self.parked_rows(one)]
        found = self._kept(source, after=(_BASIS[0], _BASIS[1]))
        return [_parked_reader.decode(text) for text in found]

    def park_rows(
        self, source: str, rows: Iterable[ParkedRow], served: Iterable[ParkedRow]
    ) -> None:
        changes: dict[str, Row | None] = {_name_of(one): None for one in served}
        changes |= {_name_of(one): Row(one.row, encoded(one)) for one in rows}
        self._keep(source, changes)

    def basis(self, source: str) -> str:
        return self.store.row(_place_of(source), _BASIS[1]) or ""

    def keep_basis(self, source: str, basis: str) -> None:
        self._keep(source, {_BASIS[1]: Row(_BASIS[0], basis)})

    def _kept(self, source: str, after: tuple[str, str]) -> Iterator[str]:
        place = _place_of(source)
        if self.store.checkpoint(place) is None:
            return
        while rows := self.store.live_rows(place.consumer, place.version, after, None, PAGE_ROWS):
            yield from (text for _, _, text in rows)
            after = rows[-1][0], rows[-1][1]

    def _keep(self, source: str, changes: Mapping[str, Row | None]) -> None:
        if not changes:
            return
        place = _place_of(source)
        self.store.begin(place, LIVE)
        while True:
            seen = self.store.checkpoint(place)
            # Two hosts may tick at once: what each has found is kept after the other.
            if seen is None:
                return
            if self.store.commit(Change(seen, seen.position, changes, mark=seen.mark)):
                return

    # --- looking after them ---------------------------------------------------------------

    def rebuild(self, view: Projection[Any] | Consumer) -> int:
        builds = self._builds(view)
        if isinstance(view, Consumer):
            return self._begin_anew(view, builds)
        for found in builds:
            if found.state == BUILDING:
                self.store.retire(found.place)
        build = max((found.place.build for found in builds), default=0) + 1
        self.store.begin(Place(view.name, view.version, build), BUILDING)
        return build

    def _begin_anew(self, consumer: Consumer, builds: Sequence[Checkpoint]) -> int:
        if not any(map(self._other_past, builds)):
            raise Invalid.one("rebuild_impossible", "--rebuild", name=consumer.name)
        for found in builds:
            self.store.retire(found.place)
            self.store.clear(found.place)
        self.store.begin(Place(consumer.name, consumer.version, 1), LIVE)
        return 1

    def _other_past(self, found: Checkpoint) -> OtherPast | None:
        """What is wrong with the place reached, if it is not of this log."""
        try:
            self.runner.check(found)
        except OtherPast as error:
            return error
        return None

    def retry(self, view: Projection[Any] | Consumer) -> int:
        return sum(
            self.runner.retry(view, found.place)
            for found in self._builds(view)
            if found.state != RETIRED
        )

    def status(self) -> list[BuildStatus]:
        end = self.log.head()
        kept = self.store.checkpoints()
        return [self._status(c, end) for c in kept if not c.place.consumer.startswith(CLOCK)]

    def _status(self, found: Checkpoint, end: int) -> BuildStatus:
        first = self.store.parked(found.place, limit=1)
        other = self._other_past(found)
        return BuildStatus(
            *found.place,
            found.state,
            found.position,
            end,
            self.log.count(after=found.position) if found.position < end else 0,
            self.store.parked_count(found.place) if first else 0,
            # Events are parked in order of position: the first is the oldest.
            first[0].first_at if first else None,
            str(other) if other else first[0].error if first else "",
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


_parked_reader = msgspec.json.Decoder(ParkedRow)


def _place_of(source: str) -> Place:
    return Place(f"{CLOCK}{source}", 1, 1)


def _name_of(one: ParkedRow) -> str:
    """Unambiguous, however rows and steps are called."""
    return f"{len(one.row)}:{one.row}:{one.step}"


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
