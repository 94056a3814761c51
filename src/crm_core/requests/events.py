"""What happened to a request. Names and fields are a storage contract."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from crm_core.kernel.catalog import EventType
from crm_core.kernel.policy import PolicyRef
from crm_core.kernel.word import Word
from crm_core.requests.clocks import ClockSet
from crm_core.requests.sla import Targets


@frozen
class RequestReceived:
    """A request came in; `owner` is the person first asked, who owns it (REQ-01).

    Policy, targets and the clocks of promise and closing are pinned here (REQ-14), and the official
    notices of public holidays that its calendars go by (REQ-11).
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
    clocks: tuple[ClockSet, ...]
    follows: str | None
    rings: int | None
    notices: tuple[PolicyRef, ...]


@frozen
class CommitmentMade:
    """A named person promised an outcome or an answer by a time (REQ-03).

    `word` is what the customer said to it where it follows another promise.
    """

    request: str
    promised_by: str
    form: str
    outcome: str
    clock: str
    due_at: datetime
    made_at: datetime
    word: Word | None
    clocks: tuple[ClockSet, ...]


@frozen
class CommitmentAccepted:
    """The customer accepted the promise; its time replaces the target (REQ-04).

    `word` is missing where the time was imported: nobody's word on it is in the files.
    """

    request: str
    due_at: datetime
    word: Word | None
    accepted_at: datetime
    clocks: tuple[ClockSet, ...]


@frozen
class CommitmentRenegotiated:
    """Before its time a promise was replaced by another one, which keeps it (REQ-10).

    `word` is what the customer said to it, if they were asked.
    """

    request: str
    promised_by: str
    form: str
    outcome: str
    clock: str
    due_at: datetime
    renegotiated_at: datetime
    reason: str
    replaces: str
    word: Word | None
    clocks: tuple[ClockSet, ...]


@frozen
class CommitmentKept:
    """What was promised was given in time (REQ-10).

    `lifted` is the clock of an apology that was owed only because nobody knew of it yet.
    """

    request: str
    promised_by: str
    clock: str
    due_at: datetime
    kept_at: datetime
    lifted: str


@frozen
class CommitmentBroken:
    """A promise cannot be kept, or its time has passed: an apology is owed (REQ-09)."""

    request: str
    promised_by: str
    clock: str
    due_at: datetime
    broken_at: datetime
    given_up: bool
    reason: str
    clocks: tuple[ClockSet, ...]


@frozen
class CustomerAnswered:
    """The customer got the answer that was asked for or promised (REQ-03)."""

    request: str
    answered_by: str
    answered_at: datetime
    clocks: tuple[ClockSet, ...]


@frozen
class HandedOver:
    """Another person owns the request from now on (REQ-01)."""

    request: str
    from_owner: str
    to_owner: str
    reason: str


@frozen
class OrderDispatched:
    """The centre gave the work to a department or to one operator (REQ-06)."""

    request: str
    to: str
    form: str
    mode: str
    on_site: bool
    dispatched_at: datetime
    clocks: tuple[ClockSet, ...]


@frozen
class OrderGivenBack:
    """An order was refused or returned, for a reason; `to` has it now (REQ-06)."""

    request: str
    from_assignee: str
    to: str
    form: str
    how: str
    reason: str
    given_back_at: datetime


@frozen
class ArrivedOnSite:
    """Somebody is on site (REQ-05)."""

    request: str
    arrived_at: datetime
    arrived_by: str


@frozen
class ProgressNoted:
    """How the work goes on, and whether the customer was told (REQ-07)."""

    request: str
    note: str
    customer_told: bool
    noted_at: datetime
    noted_by: str
    clocks: tuple[ClockSet, ...]


@frozen
class RequestPaused:
    """The clocks of the work stand still until an expected end (REQ-12)."""

    request: str
    reason: str
    side: str
    note: str
    paused_at: datetime
    expected_end: datetime


@frozen
class PauseExtended:
    """The pause is expected to last longer, for a reason (REQ-12)."""

    request: str
    reason: str
    extended_at: datetime
    expected_end: datetime


@frozen
class RequestResumed:
    """The clocks go on: when somebody says so, at the latest at the expected end (REQ-12)."""

    request: str
    resumed_at: datetime
    clocks: tuple[ClockSet, ...]


@frozen
class WorkReportedDone:
    """The work is done as far as the staff can tell; the closing clock stops (REQ-08)."""

    request: str
    done_at: datetime
    done_by: str
    clocks: tuple[ClockSet, ...]


@frozen
class ConfirmationDue:
    """The customer is to be asked for confirmation now (REQ-08)."""

    request: str
    attempt: int
    due_at: datetime
    clocks: tuple[ClockSet, ...]


@frozen
class ConfirmationAttemptFailed:
    """The customer was asked and did not answer (REQ-08)."""

    request: str
    attempted_at: datetime
    channel: str
    clocks: tuple[ClockSet, ...]


@frozen
class Apologised:
    """The apology that was owed, with its three parts (REQ-09)."""

    request: str
    apology: str
    cause: str
    remedy: str
    apologised_at: datetime
    apologised_by: str
    clocks: tuple[ClockSet, ...]


@frozen
class RequestClosed:
    """The request is closed: `confirmed` by the customer's `word`, or `unconfirmed` (REQ-08)."""

    request: str
    closed_at: datetime
    outcome: str
    satisfied: bool | None
    reason: str
    word: Word | None


@frozen
class CustomerDissatisfied:
    """The customer is not satisfied with what was done: a new request follows (REQ-08)."""

    request: str
    channel: str
    household: str
    owner: str
    place: str
    said_at: datetime
    severity: str
    successor: str
    trade: str


@frozen
class RequestReopened:
    """The request is open again; its first verdict stays, a second clock starts (REQ-16)."""

    request: str
    household: str
    kind: str
    trade: str
    severity: str
    place: str
    owner: str
    received_at: datetime
    reopened_at: datetime
    reason: str
    clocks: tuple[ClockSet, ...]


@frozen
class Reclassified:
    """Kind, trade or severity were put right; elapsed and paused time stay (REQ-12)."""

    request: str
    kind: str
    trade: str
    severity: str
    reason: str
    targets: Targets
    reclassified_at: datetime
    clocks: tuple[ClockSet, ...]


@frozen
class PolicyRebased:
    """The request is held to another policy from now on; earlier verdicts stay (REQ-14)."""

    request: str
    policy: PolicyRef
    targets: Targets
    reason: str
    rebased_at: datetime
    clocks: tuple[ClockSet, ...]
    notices: tuple[PolicyRef, ...]


@frozen
class MarkedDuplicate:
    """The request raises the same matter as another one."""

    request: str
    of: str
    reason: str


@frozen
class RequestMerged:
    """A duplicate goes on in the other request; its own clocks stop (GRD-02)."""

    request: str
    into: str
    merged_at: datetime


@frozen
class LinkedToIncident:
    """The request belongs to an incident that many raise (REQ-17)."""

    request: str
    incident: str


@frozen
class ClockWarned:
    """So many percent of a clock's target are used up (REQ-13)."""

    request: str
    clock: str
    percent: int
    at: datetime
    clocks: tuple[ClockSet, ...]


@frozen
class ClockBreached:
    """A clock ran past its target; `told` is the role that is told (REQ-13)."""

    request: str
    clock: str
    at: datetime
    told: str
    clocks: tuple[ClockSet, ...]


@frozen
class Escalated:
    """A breach goes on; the next role is told (REQ-13)."""

    request: str
    clock: str
    percent: int
    at: datetime
    told: str
    clocks: tuple[ClockSet, ...]


@frozen
class CalendarRenewed:
    """From now on the request counts by other official notices (REQ-11).

    What had been counted of its clocks, which go on, is counted anew from their own start.
    """

    request: str
    notices: tuple[PolicyRef, ...]
    renewed_at: datetime
    clocks: tuple[ClockSet, ...]


EVENTS = (
    EventType("requests.received", 1, RequestReceived),
    EventType("requests.commitment_made", 1, CommitmentMade),
    EventType("requests.commitment_accepted", 1, CommitmentAccepted),
    EventType("requests.commitment_renegotiated", 1, CommitmentRenegotiated),
    EventType("requests.commitment_kept", 1, CommitmentKept),
    EventType("requests.commitment_broken", 1, CommitmentBroken),
    EventType("requests.customer_answered", 1, CustomerAnswered),
    EventType("requests.handed_over", 1, HandedOver),
    EventType("requests.order_dispatched", 1, OrderDispatched),
    EventType("requests.order_given_back", 1, OrderGivenBack),
    EventType("requests.arrived_on_site", 1, ArrivedOnSite),
    EventType("requests.progress_noted", 1, ProgressNoted),
    EventType("requests.paused", 1, RequestPaused),
    EventType("requests.pause_extended", 1, PauseExtended),
    EventType("requests.resumed", 1, RequestResumed),
    EventType("requests.work_reported_done", 1, WorkReportedDone),
    EventType("requests.confirmation_due", 1, ConfirmationDue),
    EventType("requests.confirmation_attempt_failed", 1, ConfirmationAttemptFailed),
    EventType("requests.apologised", 1, Apologised),
    EventType("requests.closed", 1, RequestClosed),
    EventType("requests.customer_dissatisfied", 1, CustomerDissatisfied),
    EventType("requests.reopened", 1, RequestReopened),
    EventType("requests.reclassified", 1, Reclassified),
    EventType("requests.policy_rebased", 1, PolicyRebased),
    EventType("requests.marked_duplicate", 1, MarkedDuplicate),
    EventType("requests.merged", 1, RequestMerged),
    EventType("requests.linked_to_incident", 1, LinkedToIncident),
    EventType("requests.clock_warned", 1, ClockWarned),
    EventType("requests.clock_breached", 1, ClockBreached),
    EventType("requests.escalated", 1, Escalated),
    EventType("requests.calendar_renewed", 1, CalendarRenewed),
)
