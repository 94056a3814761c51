"""Views in memory: a real store for tests and trials, gone with the process."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from threading import RLock
from typing import Any
from uuid import uuid4

import attrs
from attrs import field

from crm_adapters.projections.store import (
    BUILDING,
    LIVE,
    RETIRED,
    Change,
    Checkpoint,
    Place,
    Row,
)
from crm_core.errors import ViewNotReady
from crm_core.kernel.projection import Parked
from crm_core.kernel.values import define


@define
class _Build:
    checkpoint: Checkpoint
    rows: dict[str, Row] = field(factory=dict)
    parked: dict[int, Parked] = field(factory=dict)


def first_revision() -> int:
    """Where the revisions of a build begin: elsewhere than those of any build before it.

    So a worker that was away while a build was dropped and begun anew cannot take it for the
    one it knew.
    """
    return uuid4().int >> 80


class MemoryViewStore:
    """Keeps views in dictionaries."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._builds: dict[Place, _Build] = {}

    def checkpoints(self, consumer: str | None = None) -> list[Checkpoint]:
        with self._lock:
            return [
                build.checkpoint
                for place, build in sorted(self._builds.items(), key=lambda item: item[0])
                if consumer in (None, place.consumer)
            ]

    def checkpoint(self, place: Place) -> Checkpoint | None:
        with self._lock:
            build = self._builds.get(place)
            return None if build is None else build.checkpoint

    def begin(self, place: Place, state: str) -> None:
        with self._lock:
            fresh = _Build(Checkpoint(place, 0, first_revision(), state))
            self._builds.setdefault(place, fresh)

    def commit(self, change: Change) -> bool:
        with self._lock:
            build = self._as_seen(change.seen)
            if build is None:
                return False
            for key, row in change.rows.items():
                if row is None:
                    build.rows.pop(key, None)
                else:
                    build.rows[key] = row
            for position in change.unparked:
                build.parked.pop(position, None)
            build.parked.update((parked.position, parked) for parked in change.parked)
            self._advance(build, position=change.position, mark=change.mark, held_until=None)
            return True

    def hold(self, seen: Checkpoint, until: datetime) -> Checkpoint | None:
        with self._lock:
            build = self._as_seen(seen)
            return None if build is None else self._advance(build, held_until=until)

    def switch(self, seen: Checkpoint) -> bool:
        with self._lock:
            build = self._as_seen(seen)
            if build is None or seen.state != BUILDING:
                return False
            live = self._live(seen.place.consumer, seen.place.version)
            if live is not None:
                if live.checkpoint.position > seen.position:
                    return False
                self._advance(live, state=RETIRED)
            self._advance(build, state=LIVE)
            return True

    def retire(self, place: Place) -> None:
        with self._lock:
            build = self._builds.get(place)
            if build is not None:
                self._advance(build, state=RETIRED)

    def clear(self, place: Place) -> None:
        with self._lock:
            build = self._builds.get(place)
            if build is not None and build.checkpoint.state == RETIRED:
                del self._builds[place]

    def row(self, place: Place, key: str) -> str | None:
        with self._lock:
            build = self._builds.get(place)
            row = None if build is None else build.rows.get(key)
            return None if row is None else row.data

    def live_row(self, consumer: str, version: int, key: str) -> str | None:
        with self._lock:
            row = self._ready(consumer, version).rows.get(key)
            return None if row is None else row.data

    def live_named(self, consumer: str, version: int, keys: Sequence[str]) -> dict[str, str]:
        with self._lock:
            rows = self._ready(consumer, version).rows
            return {key: rows[key].data for key in keys if key in rows}

    def live_rows(
        self, consumer: str, version: int, after: tuple[str, str], upto: str | None, limit: int
    ) -> list[tuple[str, str, str]]:
        with self._lock:
            found = sorted(
                (row.sort, key, row.data)
                for key, row in self._ready(consumer, version).rows.items()
                if (row.sort, key) > after and (upto is None or row.sort <= upto)
            )
            return found[:limit]

    def parked(
        self, place: Place, *, stream: str | None = None, after: int = 0, limit: int = 1000
    ) -> list[Parked]:
        with self._lock:
            found = self._parked(place)
            return [p for p in found if p.position > after and stream in (None, p.stream)][:limit]

    def parked_streams(self, place: Place) -> dict[str, int]:
        streams: dict[str, int] = {}
        with self._lock:
            for parked in self._parked(place):
                streams.setdefault(parked.stream, parked.position)
        return streams

    def parked_count(self, place: Place) -> int:
        with self._lock:
            return len(self._parked(place))

    def close(self) -> None:
        """Nothing is held open."""

    def _parked(self, place: Place) -> list[Parked]:
        build = self._builds.get(place)
        return [] if build is None else [parked for _, parked in sorted(build.parked.items())]

    def _as_seen(self, seen: Checkpoint) -> _Build | None:
        build = self._builds.get(seen.place)
        if build is None or build.checkpoint.revision != seen.revision:
            return None
        return None if build.checkpoint.state == RETIRED else build

    @staticmethod
    def _advance(build: _Build, **changes: Any) -> Checkpoint:
        revision = build.checkpoint.revision + 1
        build.checkpoint = attrs.evolve(build.checkpoint, revision=revision, **changes)
        return build.checkpoint

    def _live(self, consumer: str, version: int) -> _Build | None:
        for place, build in self._builds.items():
            if place[:2] == (consumer, version) and build.checkpoint.state == LIVE:
                return build
        return None

    def _ready(self, consumer: str, version: int) -> _Build:
        live = self._live(consumer, version)
        if live is None:
            raise ViewNotReady(consumer, version)
        return live
