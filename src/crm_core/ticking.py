"""What the clock alone brings about: sources of due rows, and the commands that follow (0021).

A source is pure: a projection whose rows are ordered by the instant at which something falls due,
and a function from a row to commands. Whoever has the time asks for what is due; the cost lies
with what is due, not with what exists.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from attrs import frozen

from crm_core.kernel.dates import instant_text, local_date, sortable_text, start_of_day
from crm_core.kernel.projection import Projection
from crm_core.payments.collection import CollectionPolicy
from crm_core.payments.commands import AdvanceCollection
from crm_core.payments.credit import CreditPolicy
from crm_core.payments.views import WATCHED, Watched
from crm_core.policies import DEFAULT_COLLECTION, PolicyBook
from crm_core.ports import Views
from crm_core.requests.commands import TakeStep
from crm_core.requests.views import DUE_REQUESTS, DueRequest

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
class Look:
    """What a look at a page of rows needs to know beyond them.

    Args:
        now: What fell due before it is due.
        zone: Zone of the estate's days.
        changes: Whether a command would record anything.
    """

    now: datetime
    zone: str
    policies: PolicyBook
    changes: Callable[[Any], bool]


@frozen
class Source:
    """Where something can fall due.

    Args:
        name: What falls due, e.g. `requests`.
        view: Rows ordered by `sortable_text` of the instant at which something is next due.
        due: `(row, look) -> what is due of it`.
    """

    name: str
    view: Projection[Any]
    due: Callable[[Any, Look], Iterable[Due]]


def _requests_due(row: DueRequest, _look: Look) -> tuple[Due, ...]:
    """The next step of a request; what follows from it is due in the next round."""
    step = row.first()
    return (
        Due(
            f"tick:{row.request}:{step.clock}:{step.step}:{instant_text(step.at)}",
            TakeStep(row.request, step.clock, step.step, step.at),
            step.at,
        ),
    )


def _collection_due(row: Watched, look: Look) -> tuple[Due, ...]:
    """The first day that brings something about in a household's collection (PAY-10).

    What the next day brings about depends on it, and is due in the next round. Days that change
    nothing leave nothing behind, so they are looked at in every round, and no command follows.
    """
    today = local_date(look.now - timedelta(microseconds=1), look.zone)
    policy = look.policies.find(CollectionPolicy, DEFAULT_COLLECTION, today)
    credit = look.policies.find(CreditPolicy, policy.credit, today)
    for day in row.days(today, look.zone, policy, credit):
        command = AdvanceCollection(row.household, day)
        if look.changes(command):
            # Facts of the same day can bring about something more, so the acts so far count.
            id = f"tick:collection:{row.household}:{day}:{row.acts}"
            return (Due(id, command, start_of_day(day, look.zone)),)
    return ()


SOURCES: tuple[Source, ...] = (
    Source("requests", DUE_REQUESTS, _requests_due),
    Source("collection", WATCHED, _collection_due),
)
"""All that the clock can bring about."""


def pages(views: Views, source: Source, look: Callable[[], Look]) -> Iterator[list[Due]]:
    """What is due, page by page, each with a look of its own.

    A target is still kept at the very instant at which it is due, so only what lies before now is.
    """
    upto = sortable_text(look().now - timedelta(microseconds=1))
    after = ("", "")
    while True:
        rows = views.scan(source.view, upto=upto, after=after, limit=PAGE_ROWS)
        if not rows:
            return
        seen = look()
        yield [due for _, _, row in rows for due in source.due(row, seen)]
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
