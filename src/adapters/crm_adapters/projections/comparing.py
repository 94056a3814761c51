"""Views beside what the events say: made anew in memory and compared (LOG-05).

Views are derived and vouch for nothing; whoever answers from them relies on this, or makes them
anew.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from crm_adapters.projections.memory import MemoryViewStore
from crm_adapters.projections.runner import Runner
from crm_adapters.projections.store import LIVE, Place, ViewStore
from crm_core.kernel.projection import Projection
from crm_core.kernel.values import frozen
from crm_core.ports import Clock, EventLog

PAGE_ROWS = 1000
"""Rows of a view read at once."""


@frozen
class Compared:
    """How views stand to the events.

    Args:
        rows: Rows of live builds that were compared.
        first_fault: View and key of the first row that is not what the events say, if there is one.
    """

    rows: int
    first_fault: tuple[str, str] | None


def compare(
    log: EventLog,
    store: ViewStore,
    clock: Clock,
    views: Iterable[Projection[Any]],
    *,
    put_off: Collection[str],
) -> Compared:
    """Compare the live builds with what the same events give anew; what is parked counts, too.

    Args:
        put_off: Views whose rows the clock puts off: their order is not told by events, and is not
            compared.
    """
    counted, end = 0, log.head()
    first: tuple[str, str] | None = None
    for view in views:
        for found in store.checkpoints(view.name):
            place = found.place
            if place.version != view.version or found.state != LIVE:
                continue
            anew = MemoryViewStore()
            anew.begin(place, LIVE)
            Runner(log, anew, clock).advance(view, place, found.position)
            ordered = view.name not in put_off
            stored, made = (_rows(one, place, ordered=ordered) for one in (store, anew))
            parked, parked_anew = (set(one.parked_streams(place).items()) for one in (store, anew))
            counted += len(stored)
            # Ahead of the log it would pass over what is still to come.
            wrong = [""] if found.position > end else []
            wrong += sorted({key for key, _ in stored.items() ^ made.items()})
            wrong += sorted(stream for stream, _ in parked ^ parked_anew)
            if wrong and first is None:
                first = view.name, wrong[0]
    return Compared(counted, first)


def _rows(store: ViewStore, place: Place, *, ordered: bool) -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    after = ("", "")
    while page := store.live_rows(place.consumer, place.version, after, None, PAGE_ROWS):
        found.update((key, (sort if ordered else "", data)) for sort, key, data in page)
        after = page[-1][0], page[-1][1]
    return found
