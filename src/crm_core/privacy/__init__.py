"""Privacy: who is erased, who must be kept, and whose retention is over (删除、保全、保存期限)."""

from crm_core.kernel.roles import LEADERS
from crm_core.kernel.slice import Act, PolicyKind, Slice
from crm_core.privacy.commands import (
    DeclineErasure,
    DeclineStaffErasure,
    EraseHousehold,
    EraseMember,
    EraseStaff,
    LiftLegalHold,
    LiftStaffHold,
    PlaceLegalHold,
    PlaceStaffHold,
)
from crm_core.privacy.decide import ERASING, RETENTION, STAFF_RETENTION
from crm_core.privacy.events import ERASURES
from crm_core.privacy.policy import KIND, RetentionPolicy
from crm_core.privacy.state import Erasures, Retention

KEEPERS = (*LEADERS, "custodian")
"""Who decides about the keys of persons."""

EVENTS = ERASURES

SLICE = Slice(
    name="privacy",
    package=__name__,
    events=EVENTS,
    aggregates=(ERASING, RETENTION, STAFF_RETENTION),
    readable={Erasures: ERASING},
    acts=(
        Act("erase-person", KEEPERS),
        Act(PlaceLegalHold, KEEPERS),
        Act(LiftLegalHold, KEEPERS),
        Act(PlaceStaffHold, KEEPERS),
        Act(LiftStaffHold, KEEPERS),
        Act(DeclineErasure, KEEPERS),
        Act(DeclineStaffErasure, KEEPERS),
    ),
    policies=(PolicyKind(KIND, RetentionPolicy, RetentionPolicy.parse),),
    shipped=("policies",),
    data_map="data-map.toml",
)

__all__ = [
    "ERASING",
    "ERASURES",
    "EVENTS",
    "KEEPERS",
    "RETENTION",
    "SLICE",
    "STAFF_RETENTION",
    "DeclineErasure",
    "DeclineStaffErasure",
    "EraseHousehold",
    "EraseMember",
    "EraseStaff",
    "Erasures",
    "LiftLegalHold",
    "LiftStaffHold",
    "PlaceLegalHold",
    "PlaceStaffHold",
    "Retention",
    "RetentionPolicy",
]
