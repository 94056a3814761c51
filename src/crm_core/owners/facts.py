"""What owners publishes to gradings: a closed list of facts, and what the audit sees (GRD-15).

Gradings import from owners through this module alone. A new event of owners is no fact until
somebody writes it here.
"""

from __future__ import annotations

from crm_core.owners.events import (
    EVENTS,
    ConductConfirmed,
    HouseholdRegistered,
    InterestRecorded,
    MemberAdded,
    RoleEnded,
)

__all__ = [
    "AUDITED",
    "AUDIT_NAMES",
    "FACTS",
    "FACT_NAMES",
    "REGISTERED",
    "ConductConfirmed",
    "HouseholdRegistered",
    "InterestRecorded",
    "MemberAdded",
    "RoleEnded",
]

FACTS = (InterestRecorded, ConductConfirmed)
"""Dealings of a household; nothing of who lives there."""

FACT_NAMES = frozenset(kind.stored for kind in EVENTS if kind.cls in FACTS)
"""Their stored names."""

REGISTERED = next(kind.stored for kind in EVENTS if kind.cls is HouseholdRegistered)
"""Stored name of what makes a household one that is graded; it tells a grading nothing else."""

AUDITED = (HouseholdRegistered, MemberAdded, RoleEnded)
"""What no grading sees: the audit of fairness alone reads attributes from it."""

AUDIT_NAMES = frozenset(kind.stored for kind in EVENTS if kind.cls in AUDITED)
"""Their stored names."""
