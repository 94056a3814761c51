"""A projection: a read model's rows as a pure function of the events (LOG-05).

Whoever runs it (see `crm_core.ports.Views`) keeps the rows, the place reached in the feed, and
what could not be applied; the function itself only says what an event changes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from crm_core.kernel.recorded import Recorded
from crm_core.kernel.values import frozen

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


@frozen
class Put(Generic[R]):
    """Write a row, whether or not there was one.

    Args:
        key: The row's name in its view, e.g. a request's id; never an empty text.
        row: What it says.
        order: Text that rows can be scanned by, e.g. the UTC instant at which it falls due.
    """

    key: str
    row: R
    order: str = ""


@frozen
class Remove:
    """Take a row away, if there is one."""

    key: str


class Rows(Protocol[R_co]):
    """The rows as they stand before an event."""

    def get(self, key: str) -> R_co | None:
        """The row of that key, or None."""
        ...


@frozen
class Projection(Generic[R]):
    """A read model.

    Args:
        name: Its name, `slice.view`, e.g. `requests.open`.
        version: Of the meaning of its rows; another version is built beside the live one.
        row: The attrs class of its rows.
        names: Stored names of the events it looks at, all versions of them.
        apply: `(rows, recorded) -> changes`: pure, and total for the named events.
    """

    name: str
    version: int
    row: type[R]
    names: Collection[str]
    apply: Callable[[Rows[R], Recorded[Any]], Iterable[Put[R] | Remove]]


@frozen
class Consumer:
    """Something that follows the log and acts outside the views: reactions, outbox, relay.

    Args:
        name: Its name: workers of the same name, on any machine, share the work.
        names: Stored names of the events it looks at, all versions of them.
        handle: Called for each of them, in order, and once more after an interruption; so what it
            does must be recognised when it comes again. An exception parks the event's stream,
            except for trouble of a store that says a retry is safe: that stops the work here.
        version: Of what it is for; another version begins at the start of the log.
        check: Called before it is brought up, also where nothing is new: raises if what it acts on
            is not of this log, or cannot be reached.
    """

    name: str
    names: Collection[str]
    handle: Callable[[Recorded[Any]], object]
    version: int = 1
    check: Callable[[], object] | None = None


@frozen
class Parked:
    """An event that a consumer could not take, or that waits behind such a one of its stream.

    Args:
        version: Version of the event in its stream.
        error: What was wrong: codes and places in the program, never the words of an exception,
            which may hold personal data.
        tries: How often it was tried; 0 while it waits behind another.
        first_at: When it was parked.
        last_at: When it was tried last.
    """

    position: int
    stream: str
    version: int
    name: str
    error: str
    tries: int
    first_at: datetime
    last_at: datetime


@frozen
class BuildStatus:
    """How far one build of a view, or a consumer, has come.

    Args:
        consumer: Name of the projection or consumer.
        state: `live`, which readers see; `building`, which becomes live once it has caught up;
            `retired`, which waits to be cleared away.
        position: Everything up to here was handled or is parked.
        end: The end of the feed.
        lag: Events between the two.
        parked: How many events are parked.
        parked_since: Since when the oldest of them is.
        error: What is wrong with the first of them, or with the place reached: it may be of
            another past of the log.
    """

    consumer: str
    version: int
    build: int
    state: str
    position: int
    end: int
    lag: int
    parked: int = 0
    parked_since: datetime | None = None
    error: str = ""
