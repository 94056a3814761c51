"""Requests: what a household asks for, what was promised, and whether it was kept."""

from crm_core.kernel.public_holidays import KIND as NOTICE
from crm_core.kernel.public_holidays import HolidayNotice
from crm_core.kernel.roles import DESK, HOST, LEADERS, MANAGEMENT, SITE, WORK
from crm_core.kernel.slice import Act, PolicyKind, Slice
from crm_core.requests.calls import CALL, AnswerCall, Call, LinkCall, MissCall, WithdrawCall
from crm_core.requests.calls import EVENTS as _CALLS
from crm_core.requests.commands import (
    AcceptCommitment,
    AnswerCustomer,
    Apologise,
    Arrive,
    CloseImported,
    ConfirmClosing,
    ConfirmEntry,
    Dispatch,
    ExtendPause,
    FollowIncident,
    GiveUpCommitment,
    GrabOrder,
    HandOver,
    LinkToIncident,
    MakeCommitment,
    MarkDuplicate,
    MergeDuplicate,
    NoteFailedAttempt,
    NoteProgress,
    PauseRequest,
    Rebase,
    ReceiveRequest,
    Reclassify,
    RefuseOrder,
    Renegotiate,
    Reopen,
    ReportDone,
    ResumeRequest,
    ReturnOrder,
    TakeStep,
    UndoDuplicate,
)
from crm_core.requests.decide import REQUEST
from crm_core.requests.early_warning import EVENTS as _EARLY_WARNING
from crm_core.requests.early_warning import OCCURRENCES, OUTLOOK, WARNING, WARNINGS
from crm_core.requests.events import EVENTS as _REQUESTS
from crm_core.requests.follows import CLOCK, REACTIONS
from crm_core.requests.greeting import GreetingPolicy
from crm_core.requests.holidays import EVENTS as _HOLIDAYS
from crm_core.requests.holidays import HOLIDAYS
from crm_core.requests.holidays import LOOK_UPS as _FOR_HOLIDAYS
from crm_core.requests.improvement import EVENTS as _IMPROVEMENT
from crm_core.requests.improvement import (
    PLAN,
    DecideImprovement,
    EndImprovement,
    Plan,
    ProposeImprovement,
    SuperviseExecution,
)
from crm_core.requests.incidents import EVENTS as _INCIDENTS
from crm_core.requests.incidents import (
    INCIDENT,
    AnswerIncident,
    GatherRequest,
    Incident,
    OpenIncident,
    ResolveIncident,
)
from crm_core.requests.inspections import EVENTS as _INSPECTIONS
from crm_core.requests.inspections import FINDING, RecordFinding
from crm_core.requests.lookups import LOOK_UPS
from crm_core.requests.notices import NOTICES, STAFF_NOTICES
from crm_core.requests.parts import Evidence
from crm_core.requests.rotation import EVENTS as _ROTATION
from crm_core.requests.rotation import ROTATION, Rotation
from crm_core.requests.sla import SlaPolicy
from crm_core.requests.state import Closed, Done, Merged, NotReceived, Open, Paused, Request
from crm_core.requests.views import DUE_REQUESTS, OPEN
from crm_core.requests.worklists import WORKLISTS

EVENTS = (
    *_REQUESTS,
    *_INCIDENTS,
    *_INSPECTIONS,
    *_IMPROVEMENT,
    *_EARLY_WARNING,
    *_ROTATION,
    *_CALLS,
    *_HOLIDAYS,
)

RECEIVING = (*WORK, "sales", "engineering", "security", "cleaning", "finance")
"""Whoever is asked first receives (REQ-02)."""

SLICE = Slice(
    name="requests",
    package=__name__,
    events=EVENTS,
    aggregates=(REQUEST, INCIDENT, FINDING, PLAN, WARNING, ROTATION, OUTLOOK, CALL, HOLIDAYS),
    readable={
        Request: REQUEST,
        Incident: INCIDENT,
        Plan: PLAN,
        Rotation: ROTATION,
        Call: CALL,
    },
    acts=(
        Act(ReceiveRequest, RECEIVING, importable=True),
        Act(MakeCommitment, WORK),
        Act(AcceptCommitment, DESK),
        Act(Renegotiate, WORK),
        Act(GiveUpCommitment, WORK),
        Act(AnswerCustomer, WORK),
        Act(HandOver, DESK),
        Act(Dispatch, DESK),
        Act(GrabOrder, ("operator",)),
        Act(RefuseOrder, SITE),
        Act(ReturnOrder, SITE),
        Act(Arrive, WORK),
        Act(NoteProgress, WORK),
        Act(PauseRequest, WORK),
        Act(ExtendPause, WORK),
        Act(ResumeRequest, WORK),
        Act(ReportDone, WORK),
        Act(NoteFailedAttempt, DESK),
        Act(ConfirmClosing, DESK),
        Act(ConfirmEntry, DESK),
        Act(Apologise, DESK),
        Act(CloseImported, importable=True),
        Act(Reopen, DESK),
        Act(Reclassify, DESK),
        Act(Rebase, LEADERS),
        Act(MarkDuplicate, DESK),
        Act(MergeDuplicate, DESK),
        Act(UndoDuplicate, DESK),
        Act(OpenIncident, DESK),
        Act(GatherRequest, DESK),
        Act(AnswerIncident, DESK),
        Act(ResolveIncident, WORK),
        Act(RecordFinding, SITE),
        Act(ProposeImprovement, DESK),
        Act(DecideImprovement, MANAGEMENT),
        Act(SuperviseExecution, LEADERS),
        Act(EndImprovement, LEADERS),
        Act("warn", (*HOST, *DESK)),
        Act(AnswerCall, RECEIVING),
        Act(MissCall, RECEIVING),
        Act(LinkCall, RECEIVING),
        Act(WithdrawCall, LEADERS),
    ),
    look_ups={**LOOK_UPS, **_FOR_HOLIDAYS},
    policies=(
        PolicyKind("sla", SlaPolicy, SlaPolicy.parse),
        PolicyKind("greeting", GreetingPolicy, GreetingPolicy.parse),
        PolicyKind(NOTICE, HolidayNotice, HolidayNotice.parse, adoptable=True),
    ),
    shipped=("policies",),
    projections=(DUE_REQUESTS, OPEN, OCCURRENCES, WARNINGS),
    clock=CLOCK,
    reactions=REACTIONS,
    notices=NOTICES,
    staff_notices=STAFF_NOTICES,
    worklists=WORKLISTS,
    data_map="data-map.toml",
)

__all__ = [
    "CALL",
    "EVENTS",
    "FINDING",
    "HOLIDAYS",
    "INCIDENT",
    "PLAN",
    "REQUEST",
    "ROTATION",
    "SLICE",
    "WARNING",
    "AcceptCommitment",
    "AnswerCall",
    "AnswerCustomer",
    "Apologise",
    "Arrive",
    "Call",
    "CloseImported",
    "Closed",
    "ConfirmClosing",
    "ConfirmEntry",
    "Dispatch",
    "Done",
    "Evidence",
    "ExtendPause",
    "FollowIncident",
    "GiveUpCommitment",
    "GrabOrder",
    "GreetingPolicy",
    "HandOver",
    "LinkCall",
    "LinkToIncident",
    "MakeCommitment",
    "MarkDuplicate",
    "MergeDuplicate",
    "Merged",
    "MissCall",
    "NotReceived",
    "NoteFailedAttempt",
    "NoteProgress",
    "Open",
    "PauseRequest",
    "Paused",
    "Plan",
    "Rebase",
    "ReceiveRequest",
    "Reclassify",
    "RefuseOrder",
    "Renegotiate",
    "Reopen",
    "ReportDone",
    "Request",
    "ResumeRequest",
    "ReturnOrder",
    "Rotation",
    "SlaPolicy",
    "TakeStep",
    "UndoDuplicate",
    "WithdrawCall",
]
