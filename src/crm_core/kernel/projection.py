"""A projection: a read model's rows as a pure function of the events (LOG-05).

Whoever runs it (see `crm_core.ports.Views`) keeps the rows, the place reached in the feed, and
what could not be applied; the function itself only says what an event changes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any, Generic, Protocol, TypeVar

from attrs import frozen

from crm_core.kernel.recorded import Recorded

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


@frozen
class Put(Generic[R]):
    """Write a row, whether or not there was one.

    Args:
        key: The row's name in its view, e.g. a request's id.
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
