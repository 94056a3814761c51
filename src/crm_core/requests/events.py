"""What happened to a request. Names and fields are a storage contract."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from crm_core.catalog import EventType
from crm_core.kernel.policy import PolicyRef
from crm_core.requests.sla import Targets


@frozen
class RequestReceived:
    """A request came in; `owner` is the person first asked, who owns it (REQ-01).

    Policy and targets are pinned here (REQ-14).
    """

    request: str
    household: str
    channel: str
    kind: str
    trade: str
    severity: str
    place: str
    summary: str
    owner: str
    received_at: datetime
    policy: PolicyRef
    targets: Targets


@frozen
class CommitmentMade:
    """A named person promised an outcome or an answer by a time (REQ-03)."""

    request: str
    promised_by: str
    outcome: str
    due_at: datetime
    made_at: datetime


@frozen
class CommitmentAccepted:
    """The customer accepted the promise; its time replaces the target (REQ-04)."""

    request: str
    due_at: datetime
    evidence: str


@frozen
class HandedOver:
    """Another person owns the request from now on (REQ-01)."""

    request: str
    from_owner: str
    to_owner: str
    reason: str


@frozen
class WorkReportedDone:
    """The work is done as far as the staff can tell; the closing clock stops (REQ-08)."""

    request: str
    done_at: datetime
    done_by: str


@frozen
class ConfirmationAttemptFailed:
    """The customer was asked and did not answer (REQ-08)."""

    request: str
    attempted_at: datetime
    channel: str


@frozen
class RequestClosed:
    """The request is closed: `confirmed` by the customer, or `unconfirmed` (REQ-08)."""

    request: str
    closed_at: datetime
    outcome: str
    satisfied: bool | None
    reason: str


@frozen
class RequestReopened:
    """The request is open again; its first verdict stays, a second clock starts (REQ-16)."""

    request: str
    reopened_at: datetime
    reason: str
    targets: Targets


@frozen
class PolicyRebased:
    """The request is held to another policy from now on; earlier verdicts stay (REQ-14)."""

    request: str
    policy: PolicyRef
    targets: Targets
    reason: str


@frozen
class MarkedDuplicate:
    """The request raises the same matter as another one."""

    request: str
    of: str
    reason: str


EVENTS = (
    EventType("requests.received", 1, RequestReceived),
    EventType("requests.commitment_made", 1, CommitmentMade),
    EventType("requests.commitment_accepted", 1, CommitmentAccepted),
    EventType("requests.handed_over", 1, HandedOver),
    EventType("requests.work_reported_done", 1, WorkReportedDone),
    EventType("requests.confirmation_attempt_failed", 1, ConfirmationAttemptFailed),
    EventType("requests.closed", 1, RequestClosed),
    EventType("requests.reopened", 1, RequestReopened),
    EventType("requests.policy_rebased", 1, PolicyRebased),
    EventType("requests.marked_duplicate", 1, MarkedDuplicate),
)
