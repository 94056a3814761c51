"""A request as it stands: one small type for each status."""

from __future__ import annotations

from datetime import datetime, timedelta

from attrs import define

from crm_core.requests.events import RequestReceived
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
        received: How it came in; this part never changes.
        owner: The person who owns it; there always is one (REQ-01).
        clocks: Closing clocks, oldest first; a request is reopened a handful of times at most.
        promised: (made at, due at, by whom) of the latest promise, if one was made.
        first_promise_at: When the first promise was made.
        superseded: Clocks of promise and closing as they stood before a re-base, for their
            verdicts (REQ-14).
    """

    received: RequestReceived
    owner: str
    policy: str
    targets: Targets
    clocks: tuple[Clock, ...]
    promised: tuple[datetime, datetime, str] | None = None
    first_promise_at: datetime | None = None
    superseded: tuple[tuple[Clock, Clock], ...] = ()
    duplicate_of: str | None = None

    @property
    def request(self) -> str:
        """Its number."""
        return self.received.request

    @property
    def household(self) -> str:
        """The household it concerns."""
        return self.received.household

    @property
    def received_at(self) -> datetime:
        """When it came in: the start of its first clock."""
        return self.received.received_at

    @property
    def promise(self) -> Clock:
        """The clock of the first promise (REQ-03); work done before it ended the wait as well."""
        due_at = self.received_at + timedelta(seconds=self.targets.promise_seconds)
        stops = [stop for stop in (self.first_promise_at, self.clocks[0].stopped_at) if stop]
        return Clock(self.received_at, due_at, "target", self.policy, min(stops, default=None))


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
