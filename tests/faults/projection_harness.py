"""A harness for runners of projections: every interruption, every poison event, every meeting.

It is worth something only if it finds planted mistakes too: see `test_projection_faults.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import attrs

from crm_adapters.codec import Codec
from crm_adapters.eventlog.log import CodecEventLog
from crm_adapters.eventlog.memory import MemoryStore
from crm_adapters.keys import LocalVault
from crm_adapters.projections import LogViews, MemoryViewStore
from crm_adapters.projections.store import Change, ViewStore
from crm_adapters.wiring import SystemClock
from crm_core.kernel.catalog import Catalog, EventType
from crm_core.kernel.projection import Projection
from crm_core.ports import EventLog
from crm_core.testing.contracts.events import CATALOG, Noted
from crm_core.testing.contracts.tally import TALLY, append_one, note, tallied

Make = Callable[[EventLog, ViewStore], LogViews]

PLAN = [("note/a", "p"), ("note/b", "q"), ("note/a", "r"), ("note/b", "s"), ("note/a", "t")]
BATCH = 2


class Killed(BaseException):
    """The process ends here; nothing may catch it."""


def honest(log: EventLog, store: ViewStore) -> LogViews:
    return LogViews(log, store, SystemClock(), batch=BATCH)


def new_log(catalog: Catalog = CATALOG) -> CodecEventLog:
    return CodecEventLog(MemoryStore(), Codec(catalog, LocalVault()))


def filled() -> CodecEventLog:
    log = new_log()
    for stream, text in PLAN:
        note(log, stream, text)
    return log


def rows(views: LogViews, view: Projection[Any] = TALLY) -> list[Any]:
    return list(views.scan(view, limit=1000))


def counting(view: Projection[Any], act: Callable[[int], None]) -> Projection[Any]:
    """The view, telling of each of its events how many came before."""
    seen = iter(range(10**6))

    def apply(before: Any, recorded: Any) -> Iterator[Any]:
        changes = list(view.apply(before, recorded))
        act(next(seen))
        yield from changes

    return attrs.evolve(view, apply=apply)


class Interrupted:
    """A store in front of which the process dies at the n-th commit, or just behind it."""

    def __init__(self, store: ViewStore, at: int, *, behind: bool) -> None:
        self._store, self._left, self._behind = store, at, behind

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def commit(self, change: Change) -> bool:
        self._left -= 1
        if self._left == 0 and not self._behind:
            raise Killed
        done = self._store.commit(change)
        if self._left == 0:
            raise Killed
        return done


# --- what is checked --------------------------------------------------------------------------


def check_interrupted_work(make: Make) -> None:
    """Killed at any event: whoever goes on loses and doubles nothing."""
    for k in range(len(PLAN)):
        log, store = filled(), MemoryViewStore()

        def die(n: int, k: int = k) -> None:
            if n == k:
                raise Killed

        try:
            make(log, store).catch_up(counting(TALLY, die))
        except Killed:
            pass
        else:
            raise AssertionError("it was to be killed")
        views = make(log, store)
        views.catch_up(TALLY)
        assert rows(views) == tallied(log), k


def check_interrupted_commits(make: Make) -> None:
    """Killed before or behind any commit: the same."""
    for behind in (False, True):
        for at in range(1, 8):
            log, store = filled(), MemoryViewStore()
            with suppress(Killed):
                make(log, Interrupted(store, at, behind=behind)).catch_up(TALLY)  # type: ignore[arg-type]
            views = make(log, store)
            views.catch_up(TALLY)
            assert rows(views) == tallied(log), (at, behind)


def check_poison(make: Make) -> None:
    """B2: any one event poisonous: the others proceed, all is visible, nothing is skipped."""
    for k, (poisoned, _) in enumerate(PLAN):
        log, store = filled(), MemoryViewStore()

        def apply(before: Any, recorded: Any, k: int = k) -> Any:
            if recorded.position == k + 1:
                raise ValueError
            return TALLY.apply(before, recorded)

        views = make(log, store)
        views.catch_up(attrs.evolve(TALLY, apply=apply))
        wanted = {key: row for _, key, row in tallied(log)}
        for other in {stream for stream, _ in PLAN} - {poisoned}:
            assert views.get(TALLY, other) == wanted[other], k
        behind = [n + 1 for n, (stream, _) in enumerate(PLAN) if stream == poisoned and n >= k]
        assert [one.position for one in views.parked(TALLY.name, 1, 1)] == behind, k
        assert views.status()[0].parked == len(behind)
        assert views.retry(TALLY) == len(behind)
        assert rows(views) == tallied(log), k
        assert views.status()[0].parked == 0


def check_meeting(make: Make) -> None:
    """Another worker does some batches in the midst of one's own, at any event."""
    for k in range(len(PLAN)):
        for batches in (1, 2, 3):
            log, store = filled(), MemoryViewStore()
            other = make(log, store)

            def meet(n: int, k: int = k, other: LogViews = other, batches: int = batches) -> None:
                if n == k:
                    asked = iter([False] * batches)
                    other.catch_up(TALLY, stop=lambda: next(asked, True))

            views = make(log, store)
            views.catch_up(counting(TALLY, meet))
            assert rows(views) == tallied(log), (k, batches)


def check_unknown(make: Make) -> None:
    """B1: an unknown name is parked with its stream, though nobody asked for it."""
    theirs = Catalog([*CATALOG.types, EventType("wave.open", 1, _Wave)])
    log = new_log(theirs)
    note(log, "note/a", "x")
    _wave(log, "note/a")
    note(log, "note/a", "y")
    note(log, "note/b", "z")
    ours = CodecEventLog(log.store, Codec(CATALOG, LocalVault()))
    views = make(ours, MemoryViewStore())
    views.catch_up(TALLY)
    assert [one.position for one in views.parked(TALLY.name, 1, 1)] == [2, 3]
    assert [row.trail for _, _, row in rows(views)] == ["x,", "z,"]


CHECKS = (
    check_interrupted_work,
    check_interrupted_commits,
    check_poison,
    check_meeting,
    check_unknown,
)


@attrs.frozen
class _Wave(Noted):
    """An event of another program."""


def _wave(log: EventLog, stream: str) -> None:
    append_one(log, stream, _Wave("?"))
