"""What owners publish as facts: all of this slice that gradings may see (GRD-15).

A new event of the slice is no fact before it stands in `FACTS`, where somebody has looked at it.
What the file says of persons is never one: it is published for the audit, and apart.
"""

from __future__ import annotations

from crm_core.kernel.voiding import Voids
from crm_core.owners.events import (
    EVENTS,
    ConditionRecorded,
    ConductConfirmed,
    DebtorAgreed,
    DebtorReleased,
    HouseholdRegistered,
    HouseholdVoided,
    InterestRecorded,
    MemberAdded,
    RoleEnded,
    RoleEndVoided,
    RoleVoided,
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

VOIDED = next(kind.stored for kind in EVENTS if kind.cls is HouseholdVoided)
"""Stored name of the event that says that there never was."""

MEMBER_ADDED = next(kind.stored for kind in EVENTS if kind.cls is MemberAdded)
"""Stored name of the event that says who is in a household."""

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

_FILE = tuple(kind.cls for kind in EVENTS)


def _file(void: HouseholdVoided, event: object) -> bool:
    return isinstance(event, _FILE) and getattr(event, "household", None) == void.household


def _role(void: RoleVoided, event: object) -> bool:
    return isinstance(event, MemberAdded) and (
        (event.household, event.member, event.role, event.since)
        == (void.household, void.member, void.role, void.since)
    )


def _role_end(void: RoleEndVoided, event: object) -> bool:
    return isinstance(event, RoleEnded) and (
        (event.household, event.member, event.role, event.until)
        == (void.household, void.member, void.role, void.until)
    )


VOIDS: Voids = {
    HouseholdVoided: _file,
    RoleVoided: _role,
    RoleEndVoided: _role_end,
}
"""What takes back which facts of a file as if they had never been (IMP-01)."""

VOID_NAMES = frozenset(kind.stored for kind in EVENTS if kind.cls in VOIDS)
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
    "VOIDED",
    "VOIDS",
    "VOID_NAMES",
    "ConditionRecorded",
    "ConductConfirmed",
    "DebtorAgreed",
    "DebtorReleased",
    "HouseholdMerged",
    "HouseholdRegistered",
    "HouseholdVoided",
    "InterestRecorded",
    "MemberAdded",
    "MergeUndone",
    "Redirects",
    "RoleEndVoided",
    "RoleEnded",
    "RoleVoided",
    "redirects",
    "tenures",
]
