"""What owners publish as facts: all of this slice that gradings may see (GRD-15).

A new event of the slice is no fact before it stands in `FACTS`, where somebody has looked at it.
What the file says of persons is never one: it is published for the audit, and apart.
"""

from __future__ import annotations

from crm_core.owners.events import (
    EVENTS,
    ConditionRecorded,
    ConductConfirmed,
    DebtorAgreed,
    DebtorReleased,
    HouseholdRegistered,
    InterestRecorded,
    MemberAdded,
    RoleEnded,
)
from crm_core.owners.redirects import (
    MERGES_STREAM,
    HouseholdMerged,
    MergeUndone,
    Redirects,
    redirects,
)
from crm_core.owners.tenures import OWNING, tenures

FACTS = (InterestRecorded, ConductConfirmed)
"""The events that are facts."""

FACT_NAMES = frozenset(kind.stored for kind in EVENTS if kind.cls in FACTS)
"""Their stored names."""

REGISTERED = next(kind.stored for kind in EVENTS if kind.cls is HouseholdRegistered)
"""Stored name of the event that says that there is a household, and nothing to grade it by."""

TENURES = (MemberAdded, RoleEnded, DebtorAgreed, DebtorReleased)
"""The events that tell when a household changed hands: whose dealings the others are (PAY-16)."""

TENURE_NAMES = frozenset(kind.stored for kind in EVENTS if kind.cls in TENURES)
"""Their stored names."""

CONDITIONS = (ConditionRecorded,)
"""The events that an uplift may rest on, and that no grading sees (GRD-05)."""

CONDITION_NAMES = frozenset(kind.stored for kind in EVENTS if kind.cls in CONDITIONS)
"""Their stored names."""

AUDITED = (HouseholdRegistered, MemberAdded, RoleEnded)
"""The events that fairness is seen by from outside."""

AUDIT_NAMES = frozenset(kind.stored for kind in EVENTS if kind.cls in AUDITED)
"""Their stored names."""

__all__ = [
    "AUDITED",
    "AUDIT_NAMES",
    "CONDITIONS",
    "CONDITION_NAMES",
    "FACTS",
    "FACT_NAMES",
    "MERGES_STREAM",
    "OWNING",
    "REGISTERED",
    "TENURES",
    "TENURE_NAMES",
    "ConditionRecorded",
    "ConductConfirmed",
    "DebtorAgreed",
    "DebtorReleased",
    "HouseholdMerged",
    "HouseholdRegistered",
    "InterestRecorded",
    "MemberAdded",
    "MergeUndone",
    "Redirects",
    "RoleEnded",
    "redirects",
    "tenures",
]
