"""What happened to a request. Names and fields are a storage contract."""

from __future__ import annotations

from datetime import datetime

from crm_core.kernel.catalog import EventType
from crm_core.kernel.policy import PolicyRef
from crm_core.kernel.sealed import Text
from crm_core.kernel.values import frozen
from crm_core.kernel.word import Word
from crm_core.requests.clocks import ClockSet
from crm_core.requests.parts import Evidence, Standing
from crm_core.requests.sla import Targets

IMPORT = "import"
"""Who did the work of a request that was closed in another system."""


@frozen(kw_only=True)
class Entry:
    """What somebody said that happened to a request; time is told anew where it comes late (0038).

    Args:
        counts_from: The instant from which it counts: when it happened, or when it became known
            where it would lift a breach without evidence (REQ-10); None where it makes no sense by
            then.
        entered_by: Who entered it.
        evidence: What shows when it happened.
    """

    counts_from: datetime | None
    entered_by: str
    evidence: Evidence | None


@frozen
class RequestReceived:
    """A request came in; `owner` is the person first asked, who owns it (REQ-01).

    What is written about it is about the member who asked, where that is known (PRV-02). `place`
    is where on the estate, of what is nobody's; `spot` is where within a home.

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
    spot: Text
    summary: Text
    owner: str
    received_at: datetime
    policy: PolicyRef
    targets: Targets
    clocks: tuple[ClockSet, ...]
    follows: str | None
    rings: int | None
    asked_by: str | None
    notices: tuple[PolicyRef, ...]


@frozen
class CommitmentMade(Entry):
    """A named person promised an outcome or an answer by a time (REQ-03)."""

    request: str
    promised_by: str
    form: str
    outcome: Text
    clock: str
    due_at: datetime
    made_at: datetime
    clocks: tuple[ClockSet, ...]


@frozen
class CommitmentAccepted(Entry):
    """The customer accepted the promise; its time replaces the target (REQ-04).

    `word` is missing where the time was imported: nobody's word on it is in the files.
    """

    request: str
    due_at: datetime
    word: Word | None
    accepted_at: datetime
    on_site: bool
    clocks: tuple[ClockSet, ...]


@frozen
class CommitmentRenegotiated(Entry):
    """A promise was replaced by another one (REQ-10).

    `word` is what the customer said to it: with it a promise whose time has not passed is kept,
    without it broken. `replaces` is its clock; empty where its time had passed.
    """

    request: str
    promised_by: str
    form: str
    outcome: Text
    clock: str
    due_at: datetime
    renegotiated_at: datetime
    reason: Text
    replaces: str
    word: Word | None
    clocks: tuple[ClockSet, ...]


@frozen
class CommitmentKept:
    """What was promised was given in time, or replaced by what the customer accepted (REQ-10).

    `late` is True where that came to be known after it had been judged otherwise.
    """

    request: str
    promised_by: str
    clock: str
    due_at: datetime
    kept_at: datetime
    late: bool


@frozen
class CommitmentBroken:
    """A promise cannot be kept, or its time has passed: an apology is owed (REQ-09).

    `why` is `passed`, `given_up`, or `moved` where staff moved it without the customer's word.
    """

    request: str
    promised_by: str
    clock: str
    due_at: datetime
    broken_at: datetime
    why: str
    late: bool
    clocks: tuple[ClockSet, ...]


@frozen
class CommitmentGivenUp(Entry):
    """Somebody said before its time that a promise cannot be kept (REQ-09)."""

    request: str
    given_up_at: datetime
    reason: Text


@frozen
class CustomerAnswered(Entry):
    """The customer got the answer that was asked for or promised (REQ-03)."""

    request: str
    answered_by: str
    answered_at: datetime
    clocks: tuple[ClockSet, ...]


@frozen
class HandedOver(Entry):
    """Another person owns the request from now on (REQ-01)."""

    request: str
    from_owner: str
    to_owner: str
    reason: Text


@frozen
class OrderDispatched(Entry):
    """The centre gave the work to a department or to one operator (REQ-06).

    `turn` is that of the trade's round-robin (`TurnGiven`), if it was given by one.
    """

    request: str
    to: str
    form: str
    mode: str
    turn: int | None
    on_site: bool
    dispatched_at: datetime
    clocks: tuple[ClockSet, ...]


@frozen
class OrderGivenBack(Entry):
    """An order was refused or returned, for a reason; `to` has it now (REQ-06)."""

    request: str
    from_assignee: str
    to: str
    form: str
    how: str
    reason: Text
    given_back_at: datetime


@frozen
class ArrivedOnSite(Entry):
    """Somebody is on site (REQ-05)."""

    request: str
    arrived_at: datetime
    arrived_by: str


@frozen
class ProgressNoted(Entry):
    """How the work goes on, and whether the customer was told (REQ-07)."""

    request: str
    note: Text
    customer_told: bool
    noted_at: datetime
    noted_by: str
    clocks: tuple[ClockSet, ...]


@frozen
class RequestPaused(Entry):
    """The clocks of the work stand still until an expected end (REQ-12)."""

    request: str
    reason: str
    side: str
    note: Text
    paused_at: datetime
    expected_end: datetime


@frozen
class PauseExtended(Entry):
    """The pause is expected to last longer, for a reason (REQ-12)."""

    request: str
    reason: Text
    extended_at: datetime
    expected_end: datetime


@frozen
class RequestResumed(Entry):
    """Somebody said that the clocks go on before the expected end (REQ-12)."""

    request: str
    resumed_at: datetime
    clocks: tuple[ClockSet, ...]


@frozen
class PauseEnded:
    """The pause ended: at its expected end, or because the work was done or merged (REQ-12)."""

    request: str
    ended_at: datetime
    clocks: tuple[ClockSet, ...]


@frozen
class WorkReportedDone(Entry):
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
    late: bool
    clocks: tuple[ClockSet, ...]


@frozen
class ConfirmationAttemptFailed(Entry):
    """The customer was asked and did not answer (REQ-08)."""

    request: str
    attempted_at: datetime
    channel: str
    clocks: tuple[ClockSet, ...]


@frozen
class Apologised(Entry):
    """The apology that was owed, with its three parts, and the new time (REQ-09).

    `new_due_at` is promised by who apologises; None where it was not said with the apology.
    `lifts` has the clocks of the apologies that were owed by then.
    """

    request: str
    apology: Text
    cause: Text
    remedy: Text
    apologised_at: datetime
    apologised_by: str
    new_due_at: datetime | None
    lifts: tuple[str, ...]
    clocks: tuple[ClockSet, ...]


@frozen
class RequestClosed(Entry):
    """The request is closed: `confirmed` by the customer's `word`, or `unconfirmed` (REQ-08).

    `unconfirmed` here is what another system closed; see `ClosedUnanswered` for who was asked.
    `opinion` is missing where nobody gave one: that is no satisfied customer.
    """

    request: str
    closed_at: datetime
    outcome: str
    opinion: str | None
    words: Text
    word: Word | None


@frozen
class ClosedUnanswered:
    """The customer was asked in vain for long enough: closed, unconfirmed (REQ-08)."""

    request: str
    closed_at: datetime
    attempts: int
    late: bool


@frozen
class CustomerDissatisfied:
    """The customer is not, or only partly, satisfied: a new request follows (REQ-08)."""

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
class RequestReopened(Entry):
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
    reason: Text
    clocks: tuple[ClockSet, ...]


@frozen
class Reclassified(Entry):
    """Kind, trade or severity were put right; elapsed and paused time stay (REQ-12)."""

    request: str
    kind: str
    trade: str
    severity: str
    reason: Text
    targets: Targets
    reclassified_at: datetime
    clocks: tuple[ClockSet, ...]


@frozen
class PolicyRebased(Entry):
    """The request is held to another policy from now on; earlier verdicts stay (REQ-14)."""

    request: str
    policy: PolicyRef
    targets: Targets
    reason: Text
    rebased_at: datetime
    clocks: tuple[ClockSet, ...]


@frozen
class MarkedDuplicate:
    """The request raises the same matter as another one."""

    request: str
    of: str
    reason: Text


@frozen
class RequestMerged(Entry):
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
    late: bool
    clocks: tuple[ClockSet, ...]


@frozen
class ClockBreached:
    """A clock ran past its target; `told` is the role that is told (REQ-13)."""

    request: str
    clock: str
    at: datetime
    told: str
    late: bool
    clocks: tuple[ClockSet, ...]


@frozen
class Escalated:
    """A breach goes on; the next role is told (REQ-13)."""

    request: str
    clock: str
    percent: int
    at: datetime
    told: str
    late: bool
    clocks: tuple[ClockSet, ...]


@frozen
class DuplicateUndone:
    """The request was no duplicate of `of`; what was merged is told anew without that (REQ-08)."""

    request: str
    of: str
    reason: Text
    undone_at: datetime


@frozen
class StepLifted:
    """A step turned out not to have been due; what came to be known late says so (REQ-09, REQ-13).

    Args:
        what: What was lifted: `warned`, `breached`, `escalated`, `asked`, `unanswered`,
            `promise_broken` or `promise_kept`.
        clock: The clock it was taken on.
        percent: As the step said; the number of the attempt, where a customer was asked.
        at: When it was said to be due.
        because: The entry that says otherwise, by the name of its event; `calendar_renewed` where
            an official notice does (REQ-11), `closing_voided` where an end never was.
        because_at: When that happened.
    """

    request: str
    what: str
    clock: str
    percent: int
    at: datetime
    because: str
    because_at: datetime


@frozen
class RequestRetold:
    """Where a request stands after its course was told anew with what came to be known late.

    Household, place and receipt stand here for whoever reads this event alone.
    """

    request: str
    household: str
    place: str
    received_at: datetime
    told_until: datetime
    standing: Standing


@frozen
class EntryConfirmed:
    """Somebody else confirmed by evidence when something happened: it counts from then (REQ-10).

    `entry` is its number among the entries of the request, beginning with 1.
    """

    request: str
    entry: int
    counts_from: datetime
    confirmed_by: str
    evidence: Evidence


@frozen
class CalendarRenewed:
    """A request that is open counts by other official notices (REQ-11).

    Its clocks that started at `since` or later count by them from their own start; what stopped
    before it was reopened stays as it was told.
    """

    request: str
    notices: tuple[PolicyRef, ...]
    since: datetime
    renewed_at: datetime


@frozen
class RequestVoided:
    """The request never came in: it was entered by mistake, and all about it is void (IMP-01)."""

    request: str
    household: str
    received_at: datetime
    reason: Text


@frozen
class ClosingVoided:
    """What another system said of its end was a mistake: it is told anew without that (IMP-01)."""

    request: str
    closed_at: datetime
    reason: Text


ENTERED_AT: dict[type[Entry], str] = {
    Apologised: "apologised_at",
    ArrivedOnSite: "arrived_at",
    CommitmentAccepted: "accepted_at",
    CommitmentGivenUp: "given_up_at",
    CommitmentMade: "made_at",
    CommitmentRenegotiated: "renegotiated_at",
    ConfirmationAttemptFailed: "attempted_at",
    CustomerAnswered: "answered_at",
    HandedOver: "counts_from",
    OrderDispatched: "dispatched_at",
    OrderGivenBack: "given_back_at",
    PauseExtended: "extended_at",
    PolicyRebased: "rebased_at",
    ProgressNoted: "noted_at",
    Reclassified: "reclassified_at",
    RequestClosed: "closed_at",
    RequestMerged: "merged_at",
    RequestPaused: "paused_at",
    RequestReopened: "reopened_at",
    RequestResumed: "resumed_at",
    WorkReportedDone: "done_at",
}
"""The entries, with the field that says when it happened."""


def told_elsewhere(entry: Entry, closed_at: datetime) -> bool:
    """Whether it is what another system said of an end: nobody's word is on record (REQ-08)."""
    if isinstance(entry, WorkReportedDone):
        return entry.done_by == IMPORT and entry.done_at == closed_at
    return isinstance(entry, RequestClosed) and entry.word is None and entry.closed_at == closed_at


def entered_at(entry: Entry) -> datetime:
    """When it happened, as it was said."""
    found: datetime = getattr(entry, ENTERED_AT[type(entry)])
    return found


EVENTS = (
    EventType("requests.received", 1, RequestReceived),
    EventType("requests.commitment_made", 1, CommitmentMade),
    EventType("requests.commitment_accepted", 1, CommitmentAccepted),
    EventType("requests.commitment_renegotiated", 1, CommitmentRenegotiated),
    EventType("requests.commitment_kept", 1, CommitmentKept),
    EventType("requests.commitment_broken", 1, CommitmentBroken),
    EventType("requests.commitment_given_up", 1, CommitmentGivenUp),
    EventType("requests.customer_answered", 1, CustomerAnswered),
    EventType("requests.handed_over", 1, HandedOver),
    EventType("requests.order_dispatched", 1, OrderDispatched),
    EventType("requests.order_given_back", 1, OrderGivenBack),
    EventType("requests.arrived_on_site", 1, ArrivedOnSite),
    EventType("requests.progress_noted", 1, ProgressNoted),
    EventType("requests.paused", 1, RequestPaused),
    EventType("requests.pause_extended", 1, PauseExtended),
    EventType("requests.resumed", 1, RequestResumed),
    EventType("requests.pause_ended", 1, PauseEnded),
    EventType("requests.work_reported_done", 1, WorkReportedDone),
    EventType("requests.confirmation_due", 1, ConfirmationDue),
    EventType("requests.confirmation_attempt_failed", 1, ConfirmationAttemptFailed),
    EventType("requests.apologised", 1, Apologised),
    EventType("requests.closed", 1, RequestClosed),
    EventType("requests.closed_unanswered", 1, ClosedUnanswered),
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
    EventType("requests.step_lifted", 1, StepLifted),
    EventType("requests.retold", 1, RequestRetold),
    EventType("requests.entry_confirmed", 1, EntryConfirmed),
    EventType("requests.duplicate_undone", 1, DuplicateUndone),
    EventType("requests.calendar_renewed", 1, CalendarRenewed),
    EventType("requests.voided", 1, RequestVoided),
    EventType("requests.closing_voided", 1, ClosingVoided),
)

ENTRY_NAMES: dict[type, str] = {
    kind.cls: kind.name.partition(".")[2] for kind in EVENTS if kind.cls in ENTERED_AT
}
"""The entries as people name them: `paused`, `work_reported_done`."""

CLOSING_VOIDED = "closing_voided"
"""What lifts a step that followed from an end that never was, as `StepLifted` names it."""

CALENDAR_RENEWED = "calendar_renewed"
"""What lifts a step that was wrong by an official notice, as `StepLifted` names it (REQ-11)."""
