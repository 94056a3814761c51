"""What events and states of a request both speak of: promises, duties, evidence, standing."""

from __future__ import annotations

from datetime import datetime

from crm_core.kernel.policy import PolicyRef
from crm_core.kernel.sealed import Text
from crm_core.kernel.values import frozen
from crm_core.requests.clocks import Clock, Pause
from crm_core.requests.sla import Targets

WARNED, BREACHED, ESCALATED = "warned", "breached", "escalated"
ASKED, UNANSWERED = "asked", "unanswered"
PROMISE_BROKEN, PROMISE_KEPT = "promise_broken", "promise_kept"
"""Steps that time takes on a request, as `Taken` names them."""

GIVEN_UP, MOVED = "given_up", "moved"
"""Why a promise is broken whose time has not passed (REQ-09, REQ-10)."""


@frozen
class Evidence:
    """What shows that something happened when it is said to have (REQ-09, REQ-10).

    Args:
        kind: What it is, e.g. `recording`, `signed_note`, `photo`, `gate_log`.
        reference: Where it is on record.
        dated_at: When it came about.
    """

    kind: str
    reference: Text
    dated_at: datetime


@frozen
class Assignment:
    """Who does the work (REQ-06).

    Args:
        to: A department or a person; the request's owner until an order is given out.
        form: `department` or `operator`.
        mode: `order`, `grab` or `round_robin`.
    """

    to: str
    form: str = "operator"
    mode: str = "order"


@frozen
class Promise:
    """A promise that is neither kept nor broken yet (REQ-03).

    Args:
        form: `outcome` or `answer`.
        clock: The clock that tells when its time has passed.
    """

    by: str
    form: str
    made_at: datetime
    clock: str


@frozen
class Duty:
    """An apology that is owed (REQ-09).

    Args:
        promised_by: Whose promise was broken.
        due_at: The promised time.
        commitment: The clock of the promise.
        clock: The clock of the apology.
    """

    promised_by: str
    due_at: datetime
    commitment: str
    clock: str


@frozen
class Noticed:
    """By which official notices a request counts (REQ-11).

    Args:
        since: Clocks that start then or later run by them.
        notices: The notices, as policies that were pinned.
    """

    since: datetime
    notices: tuple[PolicyRef, ...]


@frozen
class Taken:
    """A step that time took on a request, and that stands (REQ-13).

    Args:
        what: One of the words above.
        clock: The clock it was taken on.
        percent: How much of the target was used up; the number of the attempt, where a customer
            was asked.
        at: When it was due.
        by: Whose promise was broken or kept; empty for all else.
    """

    what: str
    clock: str
    percent: int
    at: datetime
    by: str


@frozen
class Standing:
    """Where a request stands in its course; what `Request` says of each, and of each status."""

    status: str
    owner: str
    assignment: Assignment
    kind: str
    trade: str
    severity: str
    policy: PolicyRef
    targets: Targets
    running: tuple[Clock, ...]
    finished: tuple[Clock, ...]
    superseded: tuple[Clock, ...]
    pauses: tuple[Pause, ...]
    promise: Promise | None
    duties: tuple[Duty, ...]
    done_at: datetime | None
    done_by: str
    attempts: int
    last_attempt_at: datetime | None
    reopened: int
    ordered: bool
    hands: tuple[str, ...]
    pause: Pause | None
    closed_at: datetime | None
    outcome: str
    opinion: str | None
    words: Text
    merged_at: datetime | None
