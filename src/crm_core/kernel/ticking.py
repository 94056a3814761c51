"""What the clock alone brings about: sources of due rows, and the commands that follow (0021).

A source is pure: a projection whose rows are ordered by the instant at which something falls due,
and a function from a row to commands. Whoever has the time asks for what is due; the cost lies
with what is due, not with what exists.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, NamedTuple

from attrs import frozen

from crm_core.kernel.policy import Policies
from crm_core.kernel.projection import Projection


class DueCommand(NamedTuple):
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
        policies: Where policies are found.
        changes: Whether a command would record anything.
    """

    now: datetime
    zone: str
    policies: Policies
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
    due: Callable[[Any, Look], Iterable[DueCommand]]
