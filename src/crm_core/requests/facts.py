"""What requests publish as facts: all of this slice that gradings may see (GRD-15).

A new event of the slice is no fact before it stands in `FACTS`, where somebody has looked at it.
"""

from __future__ import annotations

from crm_core.kernel.voiding import Voids
from crm_core.requests.commands import KINDS
from crm_core.requests.events import (
    EVENTS,
    DuplicateUndone,
    MarkedDuplicate,
    Reclassified,
    RequestReceived,
    RequestVoided,
)

FACTS = (RequestReceived, Reclassified, MarkedDuplicate, DuplicateUndone)
"""The events that are facts."""

FACT_NAMES = frozenset(kind.stored for kind in EVENTS if kind.cls in FACTS)
"""Their stored names."""

RECEIVED = next(kind.stored for kind in EVENTS if kind.cls is RequestReceived)
"""Stored name of the event by which a complaint is known."""

_REQUESTS = tuple(kind.cls for kind in EVENTS)

VOIDS: Voids = {
    RequestVoided: lambda void, event: (
        isinstance(event, _REQUESTS) and getattr(event, "request", None) == void.request
    ),
}
"""What takes back which facts of requests as if they had never been (IMP-01)."""

VOID_NAMES = frozenset(kind.stored for kind in EVENTS if kind.cls in VOIDS)
"""Their stored names."""

__all__ = [
    "FACTS",
    "FACT_NAMES",
    "KINDS",
    "RECEIVED",
    "VOIDS",
    "VOID_NAMES",
    "DuplicateUndone",
    "MarkedDuplicate",
    "Reclassified",
    "RequestReceived",
    "RequestVoided",
]
