"""What can be asked of a request."""

from __future__ import annotations

from datetime import datetime

from crm_core.kernel.commands import Id, InstantAhead, looked_up
from crm_core.kernel.policy import PolicyRef
from crm_core.kernel.recorded import Actor
from crm_core.kernel.values import frozen
from crm_core.kernel.word import Word
from crm_core.requests.heads import Head
from crm_core.requests.parts import Evidence
from crm_core.requests.rotation import Crew, Rotation
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
SEVERITIES = ("general", "major")
PROMISE_FORMS = ("outcome", "answer")
ASSIGNEE_FORMS = ("department", "operator")
MODES = ("order", "grab", "round_robin")
SATISFIED = "satisfied"
OPINIONS = (SATISFIED, "partly", "dissatisfied")
"""What a customer can say of what was done, for good (REQ-08)."""


@frozen(kw_only=True)
class Timed:
    """What is looked up for whatever is judged in the course of a request.

    Args:
        policy: The one in force where a request is received or re-based, else the very policy that
            the request pins (REQ-14).
        held_to: The policies that it was held to before.
        known_at: When it became known: the recorded instant.
        by: Who gives the command.
    """

    policy: SlaPolicy = looked_up()
    held_to: tuple[SlaPolicy, ...] = looked_up()
    known_at: datetime = looked_up()
    by: Actor = looked_up()


@frozen(kw_only=True)
class Said(Timed):
    """Something that happened to a request, said when it became known.

    Args:
        evidence: What shows when it happened. Without it, nothing that comes late lifts a breach
            or a broken promise (REQ-09, REQ-10).
    """

    evidence: Evidence | None = None


@frozen
class ReceiveRequest:
    """Take in a request.

    Args:
        first_asked: The person first asked; owns it until it is handed over (REQ-01).
        agreed_due_at: A time the customer accepted when it was received (REQ-04).
        agreed: Their word on that; only an import may lack it.
        follows: The request whose outcome it is about.
        rings: How often the phone rang before it was answered (REQ-02).
        asked_by: The member who asks, if that is known: what is written about it is about them
            (PRV-02).
    """

    request: str
    household: str
    channel: str
    kind: str
    trade: str
    severity: str
    summary: str
    received_at: datetime
    first_asked: Id
    place: str = ""
    agreed_due_at: InstantAhead | None = None
    agreed: Word | None = None
    follows: Id | None = None
    rings: int | None = None
    asked_by: Id | None = None
    policy: SlaPolicy = looked_up()
    by: Actor = looked_up()
    imported: bool = looked_up()


@frozen
class MakeCommitment(Said):
    """Promise an outcome or an answer by a time; who gives it promises, in person (REQ-03).

    Args:
        form: `outcome` or `answer`: what is to be there by then.
    """

    request: str
    outcome: str
    due_at: InstantAhead
    made_at: datetime
    form: str = "outcome"


@frozen
class AcceptCommitment(Said):
    """The customer accepts the promise, or a time agreed elsewhere (`due_at`).

    Args:
        word: Who of the household accepted it, how, and where that is on record (REQ-04).
        on_site: Whether somebody is to come: then the clock of arrival starts (REQ-05).
    """

    request: str
    word: Word
    accepted_at: datetime
    due_at: InstantAhead | None = None
    on_site: bool = False


@frozen
class Renegotiate(Said):
    """Replace a promise by another one (REQ-10).

    Accepted by the customer before its time, the first one is kept; moved by staff alone, or after
    its time, it is broken.

    Args:
        word: What the customer said to it, if they were asked.
    """

    request: str
    outcome: str
    due_at: InstantAhead
    renegotiated_at: datetime
    reason: str
    form: str = "outcome"
    word: Word | None = None


@frozen
class GiveUpCommitment(Said):
    """Say that a promise cannot be kept, before its time has passed (REQ-09)."""

    request: str
    given_up_at: datetime
    reason: str


@frozen
class AnswerCustomer(Said):
    """Give the customer the answer that was asked for or promised."""

    request: str
    answered_at: datetime


@frozen
class HandOver(Timed):
    """Give the request to another person, who accepts it.

    Args:
        stranger: Whether the register of staff does not know `to_owner`.
    """

    request: str
    to_owner: Id
    reason: str
    stranger: bool = looked_up()


@frozen
class Dispatch(Said):
    """Give the work straight to a department or to one operator (REQ-06).

    Args:
        to: A department or a person; in a round-robin the department, or nothing for that of the
            request's trade: nobody names who is next.
        mode: `order` to one; `grab` to a department whose first taker does it; `round_robin` to
            the operator of the trade on duty whose turn it is.
        on_site: Whether somebody is to come: then the clock of arrival starts (REQ-05).
        crew: The operators of the trade when the order was given.
        rotation: The turns that the trade has given before.
        stranger: Whether the register of staff does not know the person it names.
    """

    request: str
    to: Id
    form: str
    dispatched_at: datetime
    mode: str = "order"
    on_site: bool = False
    crew: Crew = looked_up()
    rotation: Rotation = looked_up()
    stranger: bool = looked_up()


@frozen
class GrabOrder(Said):
    """Take an order that was offered to a department; who gives it has it then (REQ-06).

    Args:
        crew: The operators of the trade at that instant: only one who is on duty can grab.
    """

    request: str
    grabbed_at: datetime
    crew: Crew = looked_up()


@frozen
class RefuseOrder(Said):
    """Refuse an order when it comes; it goes to `to`, or back to the owner (REQ-06)."""

    request: str
    reason: str
    refused_at: datetime
    to: Id = ""
    form: str = "operator"
    stranger: bool = looked_up()


@frozen
class ReturnOrder(Said):
    """Give back an order that was taken on; it goes to `to`, or back to the owner (REQ-06)."""

    request: str
    reason: str
    returned_at: datetime
    to: Id = ""
    form: str = "operator"
    stranger: bool = looked_up()


@frozen
class Arrive(Said):
    """Arrive on site (REQ-05)."""

    request: str
    arrived_at: datetime


@frozen
class NoteProgress(Said):
    """Note how the work goes on; only what the customer was told ends a silence (REQ-07)."""

    request: str
    note: str
    customer_told: bool
    noted_at: datetime


@frozen
class PauseRequest(Said):
    """Stop the clocks of the work, for a reason that the policy names (REQ-12)."""

    request: str
    reason: str
    paused_at: datetime
    expected_end: InstantAhead
    note: str = ""


@frozen
class ExtendPause(Said):
    """Expect the pause to last longer (REQ-12)."""

    request: str
    reason: str
    extended_at: datetime
    expected_end: InstantAhead


@frozen
class ResumeRequest(Said):
    """Let the clocks go on (REQ-12)."""

    request: str
    resumed_at: datetime


@frozen
class ReportDone(Said):
    """Report the work done."""

    request: str
    done_at: datetime


@frozen
class NoteFailedAttempt(Said):
    """Note that the customer was asked for confirmation and did not answer."""

    request: str
    attempted_at: datetime
    channel: str


@frozen
class ConfirmClosing(Said):
    """The customer's own opinion; entered by another than who did the work (REQ-08).

    Args:
        opinion: One of `OPINIONS`.
        word: Who of the household said it, how, and where that is on record.
        words: What they said, as they said it; only who is satisfied need say no more.
    """

    request: str
    confirmed_at: datetime
    opinion: str
    word: Word
    words: str = ""


@frozen
class Apologise(Said):
    """Apologise with the concrete reason, a concrete remedy and the new time (REQ-09).

    Args:
        new_due_at: By when it is promised now; who gives the command promises it in person. Where
            it is not said, the new time stays owed until somebody promises one.
    """

    request: str
    apology: str
    cause: str
    remedy: str
    apologised_at: datetime
    new_due_at: InstantAhead | None = None


@frozen
class CloseImported(Timed):
    """A request closed in another system, with no confirmation on record."""

    request: str
    closed_at: datetime
    imported: bool = looked_up()


@frozen
class VoidRequest:
    """Void a request that was entered by mistake; the library gives it, to undo an import."""

    request: str
    reason: str


@frozen
class VoidClosing(Timed):
    """Void an end that another system told by mistake; the library gives it, likewise."""

    request: str
    closed_at: datetime
    reason: str


@frozen
class Reopen(Said):
    """Open a closed request again."""

    request: str
    reopened_at: datetime
    reason: str


@frozen
class Reclassify(Said):
    """Put kind, trade or severity right; None leaves one as it is (REQ-12)."""

    request: str
    reason: str
    reclassified_at: datetime
    kind: str | None = None
    trade: str | None = None
    severity: str | None = None


@frozen
class Rebase(Said):
    """Hold an open request to another policy."""

    request: str
    reason: str
    rebased_at: datetime


@frozen
class MarkDuplicate:
    """Say that a request raises the same matter as another one.

    Args:
        head: The other one as it is found; None if there is none (REQ-08).
    """

    request: str
    of: str
    reason: str
    head: Head | None = looked_up()


@frozen
class MergeDuplicate(Said):
    """Let a request go on in the other one that raises the same matter.

    Args:
        head: The other one as it is found; None if there is none (REQ-08).
    """

    request: str
    into: str
    reason: str
    merged_at: datetime
    head: Head | None = looked_up()


@frozen
class LinkToIncident:
    """Say that a request belongs to an incident (REQ-17)."""

    request: str
    incident: str


@frozen
class FollowIncident(Said):
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


@frozen
class TakeStep(Timed):
    """Record what time alone has brought about (REQ-13).

    Args:
        clock: The clock, or `pause`.
        step: Its step that fell due.
        at: When it did.
        until: All that falls due before is recorded with it.
    """

    request: str
    clock: str
    step: str
    at: datetime
    until: datetime = looked_up()


@frozen
class ConfirmEntry(Timed):
    """Show by evidence when something happened that somebody else entered late (REQ-10).

    Args:
        entry: Its number among the entries of the request, beginning with 1.
    """

    request: str
    entry: int
    evidence: Evidence


@frozen
class UndoDuplicate(Timed):
    """Say that a request was no duplicate after all; if it was merged, it goes on by itself.

    Args:
        undone_at: When that was found; its clocks have run all the time (REQ-08).
    """

    request: str
    reason: str
    undone_at: datetime


@frozen
class RenewCalendar(Timed):
    """Let an open request count by the official notices that are in force (REQ-11).

    Args:
        at: When it is asked for.
        notices: Those that it ought to count by; the policies looked up go by them too.
    """

    request: str
    at: datetime
    notices: tuple[PolicyRef, ...] = looked_up()
