"""Staff: who is on duty, and what is owed to who was wronged on it."""

from crm_core.staff.awards import EVENTS as _AWARDS
from crm_core.staff.awards import STAFF, GrantAward, Member, RecordWrong
from crm_core.staff.duty import EVENTS as _DUTY
from crm_core.staff.duty import ROSTER, CancelCover, PlanCover, Roster, gaps

EVENTS = (*_DUTY, *_AWARDS)

__all__ = [
    "EVENTS",
    "ROSTER",
    "STAFF",
    "CancelCover",
    "GrantAward",
    "Member",
    "PlanCover",
    "RecordWrong",
    "Roster",
    "gaps",
]
