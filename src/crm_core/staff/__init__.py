"""Staff: who holds which role, who is on duty, and what is owed to who was wronged on it."""

from crm_core.kernel.recorded import STAFF_ROLES
from crm_core.kernel.roles import DESK, HOST, LEADERS, MANAGEMENT
from crm_core.kernel.slice import Act, PolicyKind, Slice
from crm_core.kernel.worklists import Waits, waiting
from crm_core.staff.awards import EVENTS as _AWARDS
from crm_core.staff.awards import (
    STAFF,
    AwardGranted,
    GrantAward,
    RecordWrong,
    StaffRecord,
    WithdrawWrong,
    WrongSuffered,
    WrongWithdrawn,
)
from crm_core.staff.duty import (
    CLOCK,
    ROSTER,
    CancelCover,
    PlanCover,
    RetireLine,
    Roster,
    gaps,
)
from crm_core.staff.duty import EVENTS as _DUTY
from crm_core.staff.duty import WORKLIST as COVER_GAPS
from crm_core.staff.lookups import LOOK_UPS
from crm_core.staff.policy import AwardPolicy, CoverPolicy
from crm_core.staff.register import EVENTS as _REGISTER
from crm_core.staff.register import (
    REGISTER,
    AssignTrades,
    ChangeStaffContact,
    EndStaffRole,
    Register,
    RegisterStaff,
)

EVENTS = (*_DUTY, *_AWARDS, *_REGISTER)

SLICE = Slice(
    name="staff",
    package=__name__,
    events=EVENTS,
    aggregates=(ROSTER, STAFF, REGISTER),
    worklists=(
        waiting(
            "staff",
            {kind.cls: kind.stored for kind in _AWARDS},
            (
                Waits(
                    what="award",
                    command=GrantAward,
                    opens={WrongSuffered: lambda e: e.case},
                    settles={AwardGranted: lambda e: e.case, WrongWithdrawn: lambda e: e.case},
                    fields=lambda case, staff: {"staff": staff, "case": case},
                ),
            ),
        ),
        COVER_GAPS,
    ),
    readable={Register: REGISTER, Roster: ROSTER, StaffRecord: STAFF},
    acts=(
        Act(RegisterStaff, MANAGEMENT),
        Act(EndStaffRole, MANAGEMENT),
        Act(ChangeStaffContact, MANAGEMENT),
        Act(AssignTrades, LEADERS),
        Act("reach-staff", (*LEADERS, *HOST)),
        Act("todo", (*STAFF_ROLES, *HOST)),
        Act(PlanCover, LEADERS),
        Act(CancelCover, LEADERS),
        Act(RetireLine, LEADERS),
        Act(RecordWrong, DESK),
        Act(GrantAward, MANAGEMENT),
        Act(WithdrawWrong, MANAGEMENT),
    ),
    look_ups=LOOK_UPS,
    policies=(
        PolicyKind("award", AwardPolicy, AwardPolicy.parse),
        PolicyKind("cover", CoverPolicy, CoverPolicy.parse),
    ),
    shipped=("policies",),
    clock=CLOCK,
    data_map="data-map.toml",
)

__all__ = [
    "EVENTS",
    "REGISTER",
    "ROSTER",
    "SLICE",
    "STAFF",
    "AssignTrades",
    "AwardPolicy",
    "CancelCover",
    "ChangeStaffContact",
    "CoverPolicy",
    "EndStaffRole",
    "GrantAward",
    "PlanCover",
    "RecordWrong",
    "Register",
    "RegisterStaff",
    "RetireLine",
    "Roster",
    "StaffRecord",
    "WithdrawWrong",
    "gaps",
]
