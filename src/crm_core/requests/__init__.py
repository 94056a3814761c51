"""Requests: what a household asks for, what was promised, and whether it was kept."""

from crm_core.requests.commands import (
    AcceptCommitment,
    CloseImported,
    ConfirmClosing,
    HandOver,
    MakeCommitment,
    MarkDuplicate,
    NoteFailedAttempt,
    Rebase,
    ReceiveRequest,
    Reopen,
    ReportDone,
)
from crm_core.requests.decide import REQUEST
from crm_core.requests.events import EVENTS
from crm_core.requests.sla import SlaPolicy
from crm_core.requests.state import Closed, Done, NotReceived, Open, Request

__all__ = [
    "EVENTS",
    "REQUEST",
    "AcceptCommitment",
    "CloseImported",
    "Closed",
    "ConfirmClosing",
    "Done",
    "HandOver",
    "MakeCommitment",
    "MarkDuplicate",
    "NotReceived",
    "NoteFailedAttempt",
    "Open",
    "Rebase",
    "ReceiveRequest",
    "Reopen",
    "ReportDone",
    "Request",
    "SlaPolicy",
]
