"""What requests publish as facts: all of this slice that gradings may see (GRD-15).

A new event of the slice is no fact before it stands in `FACTS`, where somebody has looked at it.
"""

from __future__ import annotations

from crm_core.requests.commands import KINDS
from crm_core.requests.events import (
    EVENTS,
    DuplicateUndone,
    MarkedDuplicate,
    Reclassified,
    RequestReceived,
)

FACTS = (RequestReceived, Reclassified, MarkedDuplicate, DuplicateUndone)
"""The events that are facts."""

FACT_NAMES = frozenset(kind.stored for kind in EVENTS if kind.cls in FACTS)
"""Their stored names."""

RECEIVED = next(kind.stored for kind in EVENTS if kind.cls is RequestReceived)
"""Stored name of the event by which a complaint is known."""

__all__ = [
    "FACTS",
    "FACT_NAMES",
    "KINDS",
    "RECEIVED",
    "DuplicateUndone",
    "MarkedDuplicate",
    "Reclassified",
    "RequestReceived",
]
