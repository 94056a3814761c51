"""Staff: who holds which role, who is on duty, what is owed to who was wronged on it, and what
binds those who see personal values: undertakings, training, sanctions, contracts of suppliers.
"""

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
    JoinStaffIds,
    PartStaffIds,
    Register,
    RegisterStaff,
)
from crm_core.staff.sanctions import EVENTS as _SANCTIONS
from crm_core.staff.sanctions import (
    SANCTIONS,
    DecideSanction,
    ProposeSanction,
    SanctionDecided,
    SanctionProposed,
    Sanctions,
)
from crm_core.staff.suppliers import EVENTS as _SUPPLIERS
from crm_core.staff.suppliers import SUPPLIER, EndSupplier, EngageSupplier, Supplier
from crm_core.staff.undertakings import EVENTS as _UNDERTAKINGS
from crm_core.staff.undertakings import (
    UNDERTAKINGS,
    EndClearance,
    RecordTraining,
    RecordUndertaking,
    Undertakings,
)

EVENTS = (*_DUTY, *_AWARDS, *_REGISTER, *_UNDERTAKINGS, *_SANCTIONS, *_SUPPLIERS)

SLICE = Slice(
    name="staff",
    package=__name__,
    events=EVENTS,
    aggregates=(ROSTER, STAFF, REGISTER, UNDERTAKINGS, SANCTIONS, SUPPLIER),
    worklists=(
        waiting(
            "staff",
            {kind.cls: kind.stored for kind in (*_AWARDS, *_SANCTIONS)},
            (
                Waits(
                    what="award",
                    command=GrantAward,
                    opens={WrongSuffered: lambda e: e.case},
                    settles={AwardGranted: lambda e: e.case, WrongWithdrawn: lambda e: e.case},
                    fields=lambda case, staff: {"staff": staff, "case": case},
                ),
                Waits(
                    what="sanction",
                    command=DecideSanction,
                    opens={SanctionProposed: lambda e: e.case},
                    settles={SanctionDecided: lambda e: e.case},
                    fields=lambda case, staff: {"staff": staff, "case": case, "take": True},
                ),
            ),
        ),
        COVER_GAPS,
    ),
    readable={
        Register: REGISTER,
        Roster: ROSTER,
        StaffRecord: STAFF,
        Undertakings: UNDERTAKINGS,
        Sanctions: SANCTIONS,
        Supplier: SUPPLIER,
    },
    acts=(
        Act(RegisterStaff, MANAGEMENT),
        Act(EndStaffRole, MANAGEMENT),
        Act(ChangeStaffContact, MANAGEMENT),
        Act(AssignTrades, LEADERS),
        Act(JoinStaffIds, MANAGEMENT),
        Act(PartStaffIds, MANAGEMENT),
        Act("reach-staff", (*LEADERS, *HOST)),
        Act("todo", (*STAFF_ROLES, *HOST)),
        Act(PlanCover, LEADERS),
        Act(CancelCover, LEADERS),
        Act(RetireLine, LEADERS),
        Act(RecordWrong, DESK),
        Act(GrantAward, MANAGEMENT),
        Act(WithdrawWrong, MANAGEMENT),
        Act(RecordUndertaking, (*LEADERS, "custodian")),
        Act(RecordTraining, (*LEADERS, "custodian")),
        Act(EndClearance, (*LEADERS, "custodian")),
        Act(ProposeSanction, LEADERS),
        Act(DecideSanction, MANAGEMENT),
        Act(EngageSupplier, (*MANAGEMENT, "custodian")),
        Act(EndSupplier, (*MANAGEMENT, "custodian")),
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
    "SANCTIONS",
    "SLICE",
    "STAFF",
    "SUPPLIER",
    "UNDERTAKINGS",
    "AssignTrades",
    "AwardPolicy",
    "CancelCover",
    "ChangeStaffContact",
    "CoverPolicy",
    "DecideSanction",
    "EndClearance",
    "EndStaffRole",
    "EndSupplier",
    "EngageSupplier",
    "GrantAward",
    "JoinStaffIds",
    "PartStaffIds",
    "PlanCover",
    "ProposeSanction",
    "RecordTraining",
    "RecordUndertaking",
    "RecordWrong",
    "Register",
    "RegisterStaff",
    "RetireLine",
    "Roster",
    "Sanctions",
    "StaffRecord",
    "Supplier",
    "Undertakings",
    "WithdrawWrong",
    "gaps",
]
