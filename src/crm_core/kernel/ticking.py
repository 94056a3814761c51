"""What the clock alone brings about: sources of due rows, and the commands that follow (0021).

A source is pure: a projection whose rows are ordered by the instant at which something falls due,
and a function from a row to commands. Whoever has the time asks for what is due; the cost lies
with what is due, not with what exists.

Whatever a row raises concerns that row alone: it is parked where it can be seen, and nothing waits
behind it (REQ-13).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from crm_core.kernel.policy import Policies
from crm_core.kernel.projection import Projection
from crm_core.kernel.values import frozen

if TYPE_CHECKING:
    from crm_core.kernel.slice import Sight


class DueCommand(NamedTuple):
    """A command that the clock brings about.

    Args:
        id: Derived from what fell due, and from nothing else: recording it twice does nothing.
        at: When it fell due.
    """

    id: str
    command: Any
    at: datetime


class NothingBefore(NamedTuple):
    """Nothing comes of a row before an instant, unless it changes or the policies do.

    Args:
        at: That instant; None for never.
    """

    at: datetime | None


@frozen
class Look:
    """What a look at a page of rows needs to know beyond them.

    Args:
        now: What fell due before it is due.
        zone: Zone of the estate's days.
        policies: Where policies are found.
        changes: Whether a command would record anything.
        sight: Streams as they stand, and what look-ups see beside them.
    """

    now: datetime
    zone: str
    policies: Policies
    changes: Callable[[Any], bool]
    sight: Sight


@frozen
class Source:
    """Where something can fall due.

    Args:
        name: What falls due, e.g. `requests`.
        view: Rows ordered by `sortable_text` of the instant at which something is next due; never
            later than that.
        due: `(row, look) -> what falls due of it`, the earliest first. Of several, each is given
            once the ones before it can not be; the row is looked at anew after each that records
            something. What lies ahead of the look may be among them, and is not given. A row whose
            order is earlier than what it has to say ends with `NothingBefore`.
    """

    name: str
    view: Projection[Any]
    due: Callable[[Any, Look], Iterable[DueCommand | NothingBefore]]


NEVER = "~"
"""The order of a row of which nothing falls due: behind all instants."""


@frozen
class ParkedRow:
    """A row that the clock cannot serve, or one step of it.

    Args:
        source: Name of the source, e.g. `requests`.
        row: Key of the row in the source's view, e.g. a request's number.
        step: Id of the command that cannot be given; an empty text where it cannot even be told
            what is due.
        error: What is wrong: codes and places in the program, never the words of an exception,
            which may hold personal data.
        due_at: When the step fell due; when the row was looked at first, where there is no step.
        tries: How many ticks have tried it.
        first_at: The instant of the tick that parked it.
        last_at: The instant of the tick that tried it last.
    """

    source: str
    row: str
    step: str
    error: str
    due_at: datetime
    tries: int
    first_at: datetime
    last_at: datetime
