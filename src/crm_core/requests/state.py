"""A request as it stands: one small type for each status."""

from __future__ import annotations

from datetime import datetime

from attrs import define, frozen

from crm_core.kernel.growing import NOTHING, GrowingList
from crm_core.kernel.policy import PolicyRef
from crm_core.requests.clocks import Clock, Pause, kind_of
from crm_core.requests.events import RequestReceived
from crm_core.requests.sla import Targets


@define
class NotReceived:
    """No such request has come in."""


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


@define
class Request:
    """What every received request has.

    Args:
        received: How it came in; this part never changes.
        owner: The person who owns it; there always is one (REQ-01).
        assignment: Who does the work; somebody always does (REQ-06).
        policy: The policy it is held to (REQ-14).
        notices: The official notices that its calendars go by (REQ-11).
        running: Clocks that run, or stand still in a pause.
        finished: Clocks that have stopped, in that order; their verdicts stay (REQ-16).
        superseded: Clocks as they stood before a re-base or another severity (REQ-14).
        counts: How many clocks of each kind there were.
        pauses: The pauses that are over.
        promise: The promise that is outstanding.
        duties: Apologies that are owed; the request cannot close before they are made.
        first_promise_at: When the first promise was made.
        done_by: Who reported it done last.
        attempts: How often the customer was asked in vain since the work was done.
        reopened: How often it was opened again.
    """

    received: RequestReceived
    owner: str
    assignment: Assignment
    kind: str
    trade: str
    severity: str
    policy: PolicyRef
    notices: tuple[PolicyRef, ...]
    targets: Targets
    running: tuple[Clock, ...]
    counts: dict[str, int]
    finished: GrowingList[Clock] = NOTHING
    superseded: GrowingList[Clock] = NOTHING
    pauses: GrowingList[Pause] = NOTHING
    promise: Promise | None = None
    duties: tuple[Duty, ...] = ()
    first_promise_at: datetime | None = None
    done_at: datetime | None = None
    done_by: str = ""
    attempts: int = 0
    last_attempt_at: datetime | None = None
    duplicate_of: str | None = None
    incident: str | None = None
    reopened: int = 0

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

    def clock(self, kind: str) -> Clock | None:
        """The running clock of that kind."""
        for clock in self.running:
            if kind_of(clock.set.clock) == kind:
                return clock
        return None

    def clocks(self) -> tuple[Clock, ...]:
        """All clocks but the superseded ones, by their start and name."""
        every = (*self.finished, *self.running)
        return tuple(sorted(every, key=lambda c: (c.set.started_at, c.kind, len(c.name), c.name)))


@define
class Open(Request):
    """Being worked on; the clocks run."""


@define
class Paused(Request):
    """Waiting for the customer or a third party; the clocks of the work stand still (REQ-12)."""

    pause: Pause | None = None


@define
class Done(Request):
    """Reported done; the customer is being asked (REQ-08)."""


@define
class Closed(Request):
    """Closed; `outcome` is `confirmed` or `unconfirmed`."""

    closed_at: datetime | None = None
    outcome: str = ""
    satisfied: bool | None = None


@define
class Merged(Request):
    """Going on in another request, of which it is a duplicate."""

    merged_at: datetime | None = None


RequestState = NotReceived | Request


def pause_of(state: Request) -> Pause | None:
    """The pause that lasts, if the request is paused."""
    return state.pause if isinstance(state, Paused) else None
