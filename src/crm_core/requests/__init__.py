"""Requests: what a household asks for, what was promised, and whether it was kept."""

from crm_core.requests.commands import (
    AcceptCommitment,
    AnswerCustomer,
    Apologise,
    Arrive,
    CloseImported,
    ConfirmClosing,
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
)
from crm_core.requests.decide import REQUEST
from crm_core.requests.early_warning import EVENTS as _EARLY_WARNING
from crm_core.requests.early_warning import WARNING
from crm_core.requests.events import EVENTS as _REQUESTS
from crm_core.requests.improvement import EVENTS as _IMPROVEMENT
from crm_core.requests.improvement import PLAN
from crm_core.requests.incidents import EVENTS as _INCIDENTS
from crm_core.requests.incidents import INCIDENT
from crm_core.requests.inspections import EVENTS as _INSPECTIONS
from crm_core.requests.inspections import FINDING
from crm_core.requests.sla import SlaPolicy
from crm_core.requests.state import Closed, Done, Merged, NotReceived, Open, Paused, Request

EVENTS = (*_REQUESTS, *_INCIDENTS, *_INSPECTIONS, *_IMPROVEMENT, *_EARLY_WARNING)

__all__ = [
    "EVENTS",
    "FINDING",
    "INCIDENT",
    "PLAN",
    "REQUEST",
    "WARNING",
    "AcceptCommitment",
    "AnswerCustomer",
    "Apologise",
    "Arrive",
    "CloseImported",
    "Closed",
    "ConfirmClosing",
    "Dispatch",
    "Done",
    "ExtendPause",
    "FollowIncident",
    "GiveUpCommitment",
    "GrabOrder",
    "HandOver",
    "LinkToIncident",
    "MakeCommitment",
    "MarkDuplicate",
    "MergeDuplicate",
    "Merged",
    "NotReceived",
    "NoteFailedAttempt",
    "NoteProgress",
    "Open",
    "PauseRequest",
    "Paused",
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
    "SlaPolicy",
    "TakeStep",
]
