"""What can be asked of a request.

`policy` is looked up: the one in force where a request is received or re-based, else the very
policy that the request pins (REQ-14). `by` is who gives the command, where an event names them.
"""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from crm_core.kernel.commands import looked_up
from crm_core.kernel.recorded import Actor
from crm_core.kernel.word import Word
from crm_core.requests.sla import SlaPolicy

CHANNELS = (
    "phone",
    "counter",
    "app",
    "wechat",
    "forum",
    "letter",
    "home_visit",
    "inspection",
    "other",
)
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
PROMISE_FORMS = ("outcome", "answer")
ASSIGNEE_FORMS = ("department", "operator")
MODES = ("order", "grab", "round_robin")


@frozen
class ReceiveRequest:
    """Take in a request.

    Args:
        first_asked: The person first asked; owns it until it is handed over (REQ-01).
        agreed_due_at: A time the customer accepted when it was received (REQ-04).
        agreed: Their word on that; only an import may lack it.
        follows: The request whose outcome it is about.
        rings: How often the phone rang before it was answered (REQ-02).
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
    agreed: Word | None = None
    follows: str | None = None
    rings: int | None = None
    policy: SlaPolicy = looked_up()
    imported: bool = looked_up()


@frozen
class MakeCommitment:
    """Promise an outcome or an answer by a time; who gives it promises, in person (REQ-03).

    Args:
        form: `outcome` or `answer`: what is to be there by then.
    """

    request: str
    outcome: str
    due_at: datetime
    made_at: datetime
    form: str = "outcome"
    policy: SlaPolicy = looked_up()
    by: Actor = looked_up()


@frozen
class AcceptCommitment:
    """The customer accepts the promise, or a time agreed elsewhere (`due_at`).

    Args:
        word: Who of the household accepted it, how, and where that is on record (REQ-04).
        on_site: Whether somebody is to come: then the clock of arrival starts (REQ-05).
    """

    request: str
    word: Word
    accepted_at: datetime
    due_at: datetime | None = None
    on_site: bool = False
    policy: SlaPolicy = looked_up()


@frozen
class Renegotiate:
    """Agree on another promise: before its time that keeps it, afterwards it is broken (REQ-10).

    Args:
        word: What the customer said to it, if they were asked.
    """

    request: str
    outcome: str
    due_at: datetime
    renegotiated_at: datetime
    reason: str
    form: str = "outcome"
    word: Word | None = None
    policy: SlaPolicy = looked_up()
    by: Actor = looked_up()


@frozen
class GiveUpCommitment:
    """Say that a promise cannot be kept, before its time has passed (REQ-09)."""

    request: str
    given_up_at: datetime
    reason: str
    policy: SlaPolicy = looked_up()


@frozen
class AnswerCustomer:
    """Give the customer the answer that was asked for or promised."""

    request: str
    answered_at: datetime
    policy: SlaPolicy = looked_up()
    by: Actor = looked_up()


@frozen
class HandOver:
    """Give the request to another person, who accepts it."""

    request: str
    to_owner: str
    reason: str


@frozen
class Dispatch:
    """Give the work straight to a department or to one operator (REQ-06).

    Args:
        mode: `order` to one; `grab` to a department whose first taker does it; `round_robin` to
            the operator of `pool` whose turn it is.
        pool: Operators in their order.
        turn: How many orders the pool was given before.
        on_site: Whether somebody is to come: then the clock of arrival starts (REQ-05).
    """

    request: str
    to: str
    form: str
    dispatched_at: datetime
    mode: str = "order"
    pool: tuple[str, ...] = ()
    turn: int = 0
    on_site: bool = False
    policy: SlaPolicy = looked_up()


@frozen
class GrabOrder:
    """Take an order that was offered to a department; who gives it has it then (REQ-06)."""

    request: str
    grabbed_at: datetime
    policy: SlaPolicy = looked_up()
    by: Actor = looked_up()


@frozen
class RefuseOrder:
    """Refuse an order when it comes; it goes to `to`, or back to the owner (REQ-06)."""

    request: str
    reason: str
    refused_at: datetime
    to: str = ""
    form: str = "operator"
    by: Actor = looked_up()


@frozen
class ReturnOrder:
    """Give back an order that was taken on; it goes to `to`, or back to the owner (REQ-06)."""

    request: str
    reason: str
    returned_at: datetime
    to: str = ""
    form: str = "operator"
    by: Actor = looked_up()


@frozen
class Arrive:
    """Arrive on site (REQ-05)."""

    request: str
    arrived_at: datetime
    policy: SlaPolicy = looked_up()
    by: Actor = looked_up()


@frozen
class NoteProgress:
    """Note how the work goes on; only what the customer was told ends a silence (REQ-07)."""

    request: str
    note: str
    customer_told: bool
    noted_at: datetime
    policy: SlaPolicy = looked_up()
    by: Actor = looked_up()


@frozen
class PauseRequest:
    """Stop the clocks of the work, for a reason that the policy names (REQ-12)."""

    request: str
    reason: str
    paused_at: datetime
    expected_end: datetime
    note: str = ""
    policy: SlaPolicy = looked_up()


@frozen
class ExtendPause:
    """Expect the pause to last longer (REQ-12)."""

    request: str
    reason: str
    extended_at: datetime
    expected_end: datetime
    policy: SlaPolicy = looked_up()


@frozen
class ResumeRequest:
    """Let the clocks go on (REQ-12)."""

    request: str
    resumed_at: datetime
    policy: SlaPolicy = looked_up()


@frozen
class ReportDone:
    """Report the work done."""

    request: str
    done_at: datetime
    policy: SlaPolicy = looked_up()
    by: Actor = looked_up()


@frozen
class NoteFailedAttempt:
    """Note that the customer was asked for confirmation and did not answer."""

    request: str
    attempted_at: datetime
    channel: str
    policy: SlaPolicy = looked_up()


@frozen
class ConfirmClosing:
    """The customer's own word: satisfied, or not; entered by another than who did it (REQ-08)."""

    request: str
    confirmed_at: datetime
    satisfied: bool
    word: Word


@frozen
class Apologise:
    """Apologise with the concrete reason and a concrete remedy (REQ-09)."""

    request: str
    apology: str
    cause: str
    remedy: str
    apologised_at: datetime
    policy: SlaPolicy = looked_up()
    by: Actor = looked_up()


@frozen
class CloseImported:
    """A request closed in another system, with no confirmation on record."""

    request: str
    closed_at: datetime


@frozen
class Reopen:
    """Open a closed request again."""

    request: str
    reopened_at: datetime
    reason: str
    policy: SlaPolicy = looked_up()


@frozen
class Reclassify:
    """Put kind, trade or severity right; None leaves one as it is (REQ-12)."""

    request: str
    reason: str
    reclassified_at: datetime
    kind: str | None = None
    trade: str | None = None
    severity: str | None = None
    policy: SlaPolicy = looked_up()


@frozen
class Rebase:
    """Hold an open request to another policy."""

    request: str
    reason: str
    rebased_at: datetime
    policy: SlaPolicy = looked_up()


@frozen
class MarkDuplicate:
    """Say that a request raises the same matter as another one."""

    request: str
    of: str
    reason: str


@frozen
class MergeDuplicate:
    """Let a request go on in the other one that raises the same matter."""

    request: str
    into: str
    reason: str
    merged_at: datetime
    policy: SlaPolicy = looked_up()


@frozen
class LinkToIncident:
    """Say that a request belongs to an incident (REQ-17)."""

    request: str
    incident: str


@frozen
class FollowIncident:
    """Let a request follow its incident: the customer was told, or the work is done (REQ-17).

    A request that has gone its own way stays as it is.

    Args:
        what: `answered` or `done`.
        told_by: Who answered for the incident, or resolved it, as its event says.
    """

    request: str
    incident: str
    what: str
    note: str
    at: datetime
    told_by: str
    policy: SlaPolicy = looked_up()


@frozen
class TakeStep:
    """Record what time alone has brought about (REQ-13).

    Args:
        clock: The clock, or `pause`.
        step: Its step that fell due.
        at: When it did.
    """

    request: str
    clock: str
    step: str
    at: datetime
    policy: SlaPolicy = looked_up()


@frozen
class RenewCalendar:
    """Let an open request count by the official notices that are in force (REQ-11).

    `policy` is the one it pins, with its calendars by these notices.
    """

    request: str
    at: datetime
    policy: SlaPolicy = looked_up()
