"""Streams as they stood: on a day (effective), as known at an instant (recorded)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from crm_core.kernel.decider import Decider
from crm_core.kernel.recorded import Recorded


def visible(
    events: Iterable[Recorded[Any]], *, on: date | None = None, known: datetime | None = None
) -> list[Recorded[Any]]:
    """The events true on `on` (all days if None) and known at `known` (always if None).

    They stay in the order of the log, in which each was decided on what stands before it: sorted
    by day, a member's late beginning would come before the file, and an end would meet roles
    that nobody knew of when it was decided.
    """
    return [
        e
        for e in events
        if (known is None or e.recorded <= known) and (on is None or e.effective <= on)
    ]


def as_of(
    decider: Decider[Any, Any, Any],
    events: Iterable[Recorded[Any]],
    *,
    on: date | None = None,
    known: datetime | None = None,
) -> Any:
    """The state of a stream as it stood (OWN-10). Never from a snapshot of another knowledge."""
    return decider.fold(e.event for e in visible(events, on=on, known=known))
