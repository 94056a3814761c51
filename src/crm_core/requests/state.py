"""A request as it stands: one small type for each status."""

from __future__ import annotations

from datetime import datetime

from attrs import define

from crm_core.requests.sla import Targets


@define
class NotReceived:
    """No such request has come in."""


@define
class Clock:
    """One closing clock of a request.

    A request has one from receipt and one more for every time it was reopened. What a clock has
    counted stays as it was (REQ-16).

    Args:
        started_at: Receipt, or reopening.
        due_at: End of the target, or the accepted commitment.
        basis: Why then: `target` or `commitment`.
        policy: Name and version of the policy behind the target.
        stopped_at: When the work was reported done; None while it runs.
    """

    started_at: datetime
    due_at: datetime
    basis: str
    policy: str
    stopped_at: datetime | None = None


@define
class Request:
    """What every received request has.

    Args:
        owner: The person who owns it; there always is one (REQ-01).
        clocks: Closing clocks, oldest first; a request is reopened a handful of times at most.
        promised: (made at, due at, by whom) of the latest promise, if one was made.
        first_promise_at: When the first promise was made.
        superseded: Clocks as they stood before a re-base, for their verdicts (REQ-14).
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
    policy: str
    targets: Targets
    clocks: tuple[Clock, ...]
    promised: tuple[datetime, datetime, str] | None = None
    first_promise_at: datetime | None = None
    superseded: tuple[Clock, ...] = ()
    duplicate_of: str | None = None


@define
class Open(Request):
    """Being worked on; the last clock runs."""


@define
class Done(Request):
    """Reported done; the customer is being asked (REQ-08).

    Args:
        attempts: When the customer was asked in vain.
    """

    attempts: tuple[datetime, ...] = ()


@define
class Closed(Request):
    """Closed; `outcome` is `confirmed` or `unconfirmed`."""

    closed_at: datetime | None = None
    outcome: str = ""
    satisfied: bool | None = None


RequestState = NotReceived | Open | Done | Closed
