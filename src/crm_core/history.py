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

    With a day they come in the order in which they became true, because a late fact about an
    early day belongs before what happened after it; else in the order of the log.
    """
    seen = [e for e in events if known is None or e.recorded <= known]
    if on is None:
        return seen
    return sorted((e for e in seen if e.effective <= on), key=lambda e: (e.effective, e.position))


def as_of(
    decider: Decider[Any, Any, Any],
    events: Iterable[Recorded[Any]],
    *,
    on: date | None = None,
    known: datetime | None = None,
) -> Any:
    """The state of a stream as it stood (OWN-10). Never from a snapshot: late facts reorder."""
    return decider.fold(e.event for e in visible(events, on=on, known=known))
