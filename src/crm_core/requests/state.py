"""A request as it stands: one small type for each status."""

from __future__ import annotations

from datetime import datetime

from crm_core.kernel.growing import NOTHING, GrowingList
from crm_core.kernel.policy import PolicyRef
from crm_core.kernel.values import define
from crm_core.requests.clocks import Clock, Pause, kind_of
from crm_core.requests.events import Entry, PolicyRebased, RequestReceived
from crm_core.requests.parts import PROMISE_BROKEN, Assignment, Duty, Noticed, Promise, Taken
from crm_core.requests.sla import Targets


@define
class NotReceived:
    """No such request has come in."""


@define
class Request:
    """What every received request has.

    Args:
        received: How it came in; this part never changes.
        owner: The person who owns it; there always is one (REQ-01).
        assignment: Who does the work; somebody always does (REQ-06).
        policy: The policy it is held to (REQ-14).
        noticed: The official notices that its calendars go by, by the start of the clocks that they
            count for; those of a time before it was reopened stay (REQ-11, REQ-16).
        running: Clocks that run, or stand still in a pause.
        finished: Clocks that have stopped, in that order; their verdicts stay (REQ-16).
        superseded: Clocks as they stood before a re-base or another severity (REQ-14).
        counts: How many clocks of each kind there were.
        pauses: The pauses that are over.
        promise: The promise that is outstanding.
        duties: Apologies that are owed; the request cannot close before they are made.
        done_by: Who reported it done last.
        attempts: How often the customer was asked in vain since the work was done.
        reopened: How often it was opened again.
        ordered: Whether the work was given out, be it to the owner, and not given back to them.
        hands: Ids of who arrived or reported the work done since it was last opened (REQ-08).
        entries: What people said that happened, in the order in which it became known.
        taken: Steps that time took and that stand.
        told_until: All that happened or fell due before this instant has been told; what happened
            before it and comes to be known later is late.
        retold: How often its course was told anew.
    """

    received: RequestReceived
    owner: str
    assignment: Assignment
    kind: str
    trade: str
    severity: str
    policy: PolicyRef
    noticed: tuple[Noticed, ...]
    targets: Targets
    running: tuple[Clock, ...]
    counts: dict[str, int]
    told_until: datetime
    finished: GrowingList[Clock] = NOTHING
    superseded: GrowingList[Clock] = NOTHING
    pauses: GrowingList[Pause] = NOTHING
    promise: Promise | None = None
    duties: tuple[Duty, ...] = ()
    done_at: datetime | None = None
    done_by: str = ""
    attempts: int = 0
    last_attempt_at: datetime | None = None
    duplicate_of: str | None = None
    incident: str | None = None
    reopened: int = 0
    ordered: bool = False
    hands: tuple[str, ...] = ()
    entries: GrowingList[Entry] = NOTHING
    taken: GrowingList[Taken] = NOTHING
    retold: int = 0

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
    """Closed; `outcome` is `confirmed`, with an opinion, or `unconfirmed`, without."""

    closed_at: datetime | None = None
    outcome: str = ""
    opinion: str | None = None
    words: str = ""


@define
class Merged(Request):
    """Going on in another request, of which it is a duplicate."""

    merged_at: datetime | None = None


RequestState = NotReceived | Request


STATUSES: dict[str, type[Request]] = {
    kind.__name__.lower(): kind for kind in (Open, Paused, Done, Closed, Merged)
}
"""The statuses by their names."""


def status_of(state: RequestState) -> str:
    """Its status as views and refusals name it."""
    return "not_received" if isinstance(state, NotReceived) else type(state).__name__.lower()


def new_time_owed(state: Request) -> bool:
    """Whether a promise was broken and nobody has promised another time since (REQ-09)."""
    broken = any(step.what == PROMISE_BROKEN for step in state.taken)
    return broken and isinstance(state, Open | Paused) and state.promise is None


def held_to(state: Request) -> tuple[PolicyRef, ...]:
    """Every policy that it was held to, in the order in which that became known (REQ-14)."""
    rebased = (entry.policy for entry in state.entries if isinstance(entry, PolicyRebased))
    return tuple(dict.fromkeys((state.received.policy, *rebased)))


def notices_at(state: Request, started_at: datetime) -> tuple[PolicyRef, ...]:
    """The official notices by which a clock runs that starts then (REQ-11)."""
    found = state.noticed[0].notices
    for one in state.noticed:
        if one.since <= started_at:
            found = one.notices
    return found


def pauses_of(state: Request) -> tuple[Pause, ...]:
    """All its pauses, also the one that lasts."""
    lasting = pause_of(state)
    return (*state.pauses,) if lasting is None else (*state.pauses, lasting)


def pause_of(state: Request) -> Pause | None:
    """The pause that lasts, if the request is paused."""
    return state.pause if isinstance(state, Paused) else None
