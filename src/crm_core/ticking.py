"""What the clock alone brings about: sources of due rows, and the commands that follow (0021).

A source is pure: a projection whose rows are ordered by the instant at which something falls due,
and a function from a row to a command. Whoever has the time asks for what is due; the cost lies
with what is due, not with what exists.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from attrs import frozen

from crm_core.kernel.dates import instant_text, sortable_text
from crm_core.kernel.projection import Projection
from crm_core.ports import Views
from crm_core.requests.commands import TakeStep
from crm_core.requests.views import DUE, DueRequest

PAGE_ROWS = 1000
"""Rows that are looked at, and commands that are written, at once."""


class Due(NamedTuple):
    """A command that the clock brings about.

    Args:
        id: Derived from what fell due, and from nothing else: recording it twice does nothing.
        at: When it fell due.
    """

    id: str
    command: Any
    at: datetime


@frozen
class Source:
    """Where something can fall due.

    Args:
        name: What falls due, e.g. `requests`.
        view: Rows ordered by `sortable_text` of the instant at which something is next due.
        due: `(row, now) -> what is due of it by now`.
    """

    name: str
    view: Projection[Any]
    due: Callable[[Any, datetime], Iterable[Due]]


def _requests_due(row: DueRequest, _now: datetime) -> tuple[Due, ...]:
    """The next step of a request; what follows from it is due in the next round."""
    step = row.first()
    return (
        Due(
            f"tick:{row.request}:{step.clock}:{step.step}:{instant_text(step.at)}",
            TakeStep(row.request, step.clock, step.step, step.at),
            step.at,
        ),
    )


SOURCES: tuple[Source, ...] = (Source("requests", DUE, _requests_due),)
"""All that the clock can bring about."""


def pages(views: Views, source: Source, now: datetime) -> Iterator[list[Due]]:
    """What is due by now, page by page.

    A target is still kept at the very instant at which it is due, so only what lies before now is.
    """
    upto = sortable_text(now - timedelta(microseconds=1))
    after = ("", "")
    while True:
        rows = views.scan(source.view, upto=upto, after=after, limit=PAGE_ROWS)
        if not rows:
            return
        yield [due for _, _, row in rows for due in source.due(row, now)]
        after = rows[-1][0], rows[-1][1]


@frozen
class Tick:
    """What a tick did.

    Args:
        now: The instant it was asked for.
        events: How many events were recorded, by source.
    """

    now: datetime
    events: dict[str, int]
