"""What can be asked of a request."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from crm_core.requests.sla import SlaPolicy

CHANNELS = ("phone", "counter", "app", "wechat", "forum", "letter", "home_visit", "other")
KINDS = ("repair", "complaint", "enquiry", "suggestion", "praise", "other")
TRADES = (
    "engineering",
    "security",
    "cleaning",
    "greening",
    "parking",
    "finance",
    "service",
    "other",
)
SEVERITIES = ("general", "major")


@frozen
class ReceiveRequest:
    """Take in a request.

    Args:
        first_asked: The person first asked; owns it until it is handed over (REQ-01).
        agreed_due_at: A time the customer accepted when it was received (REQ-04).
        agreed_on: The evidence of that.
        policy: Looked up: the SLA policy in force when it is received (REQ-14).
    """

    request: str
    household: str
    channel: str
    kind: str
    trade: str
    severity: str
    summary: str
    received_at: datetime
    first_asked: str
    place: str = ""
    agreed_due_at: datetime | None = None
    agreed_on: str = ""
    policy: SlaPolicy | None = None


@frozen
class MakeCommitment:
    """Promise an outcome or an answer by a time, in person (REQ-03)."""

    request: str
    promised_by: str
    outcome: str
    due_at: datetime
    made_at: datetime


@frozen
class AcceptCommitment:
    """The customer accepts the latest promise, or a time agreed elsewhere (`due_at`)."""

    request: str
    evidence: str
    due_at: datetime | None = None


@frozen
class HandOver:
    """Give the request to another person, who accepts it."""

    request: str
    to_owner: str
    reason: str


@frozen
class ReportDone:
    """Report the work done."""

    request: str
    done_at: datetime
    done_by: str


@frozen
class NoteFailedAttempt:
    """Note that the customer was asked for confirmation and did not answer."""

    request: str
    attempted_at: datetime
    channel: str


@frozen
class ConfirmClosing:
    """The customer's own word: satisfied, or not (REQ-08)."""

    request: str
    confirmed_at: datetime
    satisfied: bool


@frozen
class CloseImported:
    """A request closed in another system, with no confirmation on record."""

    request: str
    closed_at: datetime
    done_by: str


@frozen
class Reopen:
    """Open a closed request again."""

    request: str
    reopened_at: datetime
    reason: str


@frozen
class Rebase:
    """Hold an open request to another policy."""

    request: str
    reason: str
    policy: SlaPolicy | None = None


@frozen
class MarkDuplicate:
    """Say that a request raises the same matter as another one."""

    request: str
    of: str
    reason: str
