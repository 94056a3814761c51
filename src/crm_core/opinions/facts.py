"""What opinions publish as facts: all of this slice that gradings may see (GRD-15).

A new event of the slice is no fact before it stands in `FACTS`, where somebody has looked at it.
"""

from __future__ import annotations

from crm_core.opinions.commands import SOURCES
from crm_core.opinions.events import EVENTS, OpinionRecorded, OpinionWithdrawn

FACTS = (OpinionRecorded, OpinionWithdrawn)
"""The events that are facts."""

FACT_NAMES = frozenset(kind.stored for kind in EVENTS if kind.cls in FACTS)
"""Their stored names."""

__all__ = ["FACTS", "FACT_NAMES", "SOURCES", "OpinionRecorded", "OpinionWithdrawn"]
