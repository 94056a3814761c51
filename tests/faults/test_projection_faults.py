"""The harness passes the runner, and finds each of the mistakes planted in it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import attrs
import pytest

from crm_adapters.projections import LogViews, Runner, ViewStore
from crm_adapters.projections.runner import Applied, Batch, Cache
from crm_adapters.projections.store import Change, Checkpoint
from crm_adapters.wiring import SystemClock
from crm_core.kernel.recorded import Settled, Unreadable
from crm_core.ports import EventLog
from faults.projection_harness import (
    BATCH,
    CHECKS,
    Make,
    check_interrupted_commits,
    check_interrupted_work,
    check_meeting,
    check_poison,
    check_unknown,
    honest,
)


@pytest.mark.rule("LOG-05")
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_runner_passes(check: Callable[[Make], None]) -> None:
    check(honest)


# --- mistakes ---------------------------------------------------------------------------------


class CheckpointFirst(Runner):
    """Says that it is done before it is."""

    def step(self, task: Any, seen: Checkpoint, cache: Cache) -> bool:
        page = self.log.settled(after=seen.position, names=task.names, limit=self.batch)
        self.store.commit(Change(seen, page.reached, {}))
        now = self.store.checkpoint(seen.place)
        assert now is not None
        batch = Applied(self, task, now, cache)
        for taken in page.events:
            batch.take(taken)
        batch.commit(page.reached)
        return True


class RowsFirst(Runner):
    """Rows in one transaction, the place reached in another."""

    def step(self, task: Any, seen: Checkpoint, cache: Cache) -> bool:
        page = self.log.settled(after=seen.position, names=task.names, limit=self.batch)
        batch = Applied(self, task, seen, cache)
        for taken in page.events:
            batch.take(taken)
        if batch.commit(seen.position):
            now = self.store.checkpoint(seen.place)
            assert now is not None
            self.store.commit(Change(now, page.reached, {}))
        return True


class Unconditional:
    """A store that asks nobody whether another was first."""

    def __init__(self, store: Any) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def commit(self, change: Change) -> bool:
        now = self._store.checkpoint(change.seen.place)
        done: bool = self._store.commit(attrs.evolve(change, seen=now))
        return done


class OnlyWanted:
    """A log that gives what is asked for, and so hides what nobody could ask for."""

    def __init__(self, log: Any) -> None:
        self._log = log

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    def settled(
        self, *, after: int = 0, names: Collection[str] | None = None, limit: int = 1000
    ) -> Settled:
        page: Settled = self._log.settled(after=after, names=names, limit=limit)
        wanted = tuple(e for e in page.events if not isinstance(e, Unreadable))
        return Settled(wanted, page.reached)


class AheadOfItself(OnlyWanted):
    """A log that says it has reached its end when the page was full."""

    def settled(
        self, *, after: int = 0, names: Collection[str] | None = None, limit: int = 1000
    ) -> Settled:
        page: Settled = self._log.settled(after=after, names=names, limit=limit)
        return Settled(page.events, self._log.head())


def running(runner: type[Runner]) -> Make:
    def make(log: EventLog, store: ViewStore) -> LogViews:
        views = honest(log, store)
        views.runner = runner(log, store, SystemClock(), batch=BATCH)
        return views

    return make


def swallowing(monkeypatch: pytest.MonkeyPatch) -> Make:
    """Exceptions of `apply` are nobody's business."""
    attempt = Batch._attempt

    def silent(self: Batch, taken: Any) -> None:
        attempt(self, taken)

    monkeypatch.setattr(Batch, "_attempt", silent)
    return honest


def overtaking(monkeypatch: pytest.MonkeyPatch) -> Make:
    """Later events of a parked stream are applied all the same."""
    take = Batch.take

    def forgetful(self: Batch, taken: Any) -> None:
        self.waiting = {}
        take(self, taken)

    monkeypatch.setattr(Batch, "take", forgetful)
    return honest


def unkept(monkeypatch: pytest.MonkeyPatch) -> Make:
    """What failed is left out, and not parked."""
    monkeypatch.setattr(Batch, "_park", lambda *_: None)
    return honest


def half(monkeypatch: pytest.MonkeyPatch) -> Make:
    """The cache outlives a batch that another worker's has overtaken."""

    def keep(self: Cache, revision: int) -> dict[str, str | None]:
        return self.rows

    monkeypatch.setattr(Cache, "at", keep)
    return honest


MISTAKES: dict[str, tuple[Callable[[pytest.MonkeyPatch], Make], Callable[[Make], None]]] = {
    "checkpoint before work": (lambda _: running(CheckpointFirst), check_interrupted_work),
    "rows before checkpoint": (lambda _: running(RowsFirst), check_interrupted_commits),
    "swallowed exception": (swallowing, check_poison),
    "no parking": (unkept, check_poison),
    "a parked stream overtaken": (overtaking, check_poison),
    "no condition": (
        lambda _: lambda log, store: honest(log, Unconditional(store)),  # type: ignore[arg-type]
        check_meeting,
    ),
    "stale cache": (half, check_meeting),
    "unknown names hidden": (
        lambda _: lambda log, store: honest(OnlyWanted(log), store),  # type: ignore[arg-type]
        check_unknown,
    ),
    "place ahead of the page": (
        lambda _: lambda log, store: honest(AheadOfItself(log), store),  # type: ignore[arg-type]
        check_interrupted_work,
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_harness_finds_a_planted_mistake(mistake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plant, check = MISTAKES[mistake]
    with pytest.raises((AssertionError, TypeError)):
        check(plant(monkeypatch))
