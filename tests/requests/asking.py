"""What the tests of requests share: one request, two policies, who acts, and how it is decided."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import attrs

from crm_core import CRM, Actor, Personal, PolicyBook, Request, shipped
from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.authority import DEFAULT_AUTHORITY, AuthorityPolicy
from crm_core.kernel.commands import fields_looked_up
from crm_core.kernel.decider import Refusal
from crm_core.kernel.policy import PolicyRef
from crm_core.kernel.sentences import sentences
from crm_core.kernel.word import Word
from crm_core.owners import RegisterHousehold
from crm_core.owners.commands import owner_id
from crm_core.requests import (
    REQUEST,
    AcceptCommitment,
    Arrive,
    ConfirmClosing,
    GrabOrder,
    MakeCommitment,
    Rebase,
    ReceiveRequest,
    RefuseOrder,
    Reopen,
    ReportDone,
    ReturnOrder,
    SlaPolicy,
)
from crm_core.requests.clocks import ClockSet
from crm_core.requests.events import (
    ClockBreached,
    ClockWarned,
    Escalated,
    RequestClosed,
    RequestReceived,
    WorkReportedDone,
)
from crm_core.requests.heads import Head
from crm_core.requests.inspections import RecordFinding
from crm_core.requests.rotation import Crew, Rotation
from crm_core.requests.sla import Targets
from crm_core.requests.verdicts import Verdict, verdicts
from crm_core.testing import given as plainly_given
from crm_core.testing.scenario import Outcome
from crm_core.testing.strategies import sla_text

CLERK = Actor("S17", "specialist")
S1, S2, S18 = (Actor(staff, "specialist") for staff in ("S1", "S2", "S18"))
OPERATOR, E5 = (Actor(staff, "operator") for staff in ("E4", "E5"))
SUPERVISOR = Actor("B3", "supervisor")
MANAGER, M2 = (Actor(staff, "manager") for staff in ("M1", "M2"))
WORD = Word("V00001#owner", "phone", "call 77")
START = datetime(2011, 3, 1, 1, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SECOND = timedelta(seconds=1)
LATER = START + 365 * DAY


def told(at: datetime, by: str = "S17") -> dict[str, Any]:
    """What every entry has besides what it says: here it counts from when it happened."""
    return {"counts_from": at, "entered_by": by, "evidence": None}


SLA = shipped().find(SlaPolicy, "sla-cn-default", START.date())
STRICT = SlaPolicy.parse(
    sla_text(2, 600, 3600, 20, 2)
    .replace("sla-generated", "sla-cn-default")
    .replace("1990-01-01", "2011-03-02")
)
TARGETS = Targets(2, 1800, 1800, 1800, 3, 3, 300)

RECEIVE = ReceiveRequest(
    "R1010",
    "V00001",
    "phone",
    "repair",
    "engineering",
    "general",
    "水管漏水",
    START,
    "S17",
    "厨房",
)
CLOSING = ClockSet(
    "target", "closing-1", START + 30 * MINUTE, START + 15 * MINUTE, 1800, START, "warn_50"
)
PROMISE_CLOCK = ClockSet(
    "target", "promise-1", START + 5 * MINUTE, START + 150 * SECOND, 300, START, "warn_50"
)
RECEIVED = RequestReceived(
    "R1010",
    "V00001",
    "phone",
    "repair",
    "engineering",
    "general",
    "",
    "厨房",
    "水管漏水",
    "S17",
    START,
    SLA.ref,
    TARGETS,
    (CLOSING, PROMISE_CLOCK),
    None,
    None,
    None,
    (),
)
WARNED = ClockWarned(
    request="R1010",
    clock="promise-1",
    percent=50,
    at=START + 150 * SECOND,
    late=False,
    clocks=(attrs.evolve(PROMISE_CLOCK, next_at=START + 240 * SECOND, step="warn_80"),),
)
"""What time has brought four minutes after the receipt; of the closing clock nothing yet."""
REPORT = ReportDone("R1010", START + 20 * MINUTE, by=OPERATOR)
CONFIRM = ConfirmClosing("R1010", START + HOUR, "satisfied", WORD)
CONFIRMED = RequestClosed(
    request="R1010",
    closed_at=START + HOUR,
    outcome="confirmed",
    opinion="satisfied",
    words="",
    word=WORD,
    **told(START + HOUR),
)
PROMISE = MakeCommitment("R1010", "fixed", START + 2 * HOUR, START + 4 * MINUTE)
ACCEPT = AcceptCommitment("R1010", WORD, START + 5 * MINUTE)
REOPEN = Reopen("R1010", START + 2 * DAY, "leaks again")
REBASE = Rebase("R1010", "as agreed with the owners' meeting", START + 6 * MINUTE, policy=STRICT)


def said(outcome: Outcome | tuple[Any, ...]) -> list[Any]:
    """What followed, but for the steps of clocks: see `steps`."""
    events = outcome if isinstance(outcome, tuple) else outcome.events
    return [event for event in events if not isinstance(event, STEPS)]


def kinds(outcome: Outcome | tuple[Any, ...]) -> list[type]:
    """The types of what followed, but for the steps of clocks."""
    return [type(event) for event in said(outcome)]


def steps(outcome: Outcome | tuple[Any, ...]) -> list[str]:
    """What fell due on clocks: `promise-1 50`; what is recorded late is marked."""
    events = outcome if isinstance(outcome, tuple) else outcome.events
    return [
        f"{event.clock} {getattr(event, 'percent', 100)}{' late' if event.late else ''}"
        for event in events
        if isinstance(event, STEPS)
    ]


STEPS = (ClockWarned, ClockBreached, Escalated)


# --- decided as the facade decides ---------------------------------------------------------------


class Asked:
    """Something with a past; for each command is looked up what the facade looks up for it."""

    def __init__(self, aggregate: Aggregate, *past: Any) -> None:
        self._aggregate = aggregate
        self._past = past

    def when(self, *commands: Any) -> Outcome:
        found: tuple[Any, ...] = ()
        for number, command in enumerate(commands, 1):
            past = (*self._past, *found)
            state = self._aggregate.decider.fold(past)
            outcome = plainly_given(self._aggregate, *past).when(looked_up(command, state))
            found += outcome.events
            assert outcome.refusal is None or number == len(commands), outcome.refusal
        if outcome.refusal is not None:
            has_its_sentence(outcome.refusal)
        return Outcome(found, outcome.after, outcome.refusal)

    def state(self, predicate: Any) -> Asked:
        plainly_given(self._aggregate, *self._past).state(predicate)
        return self


def looked_up(command: Any, state: Any, pinned: SlaPolicy = SLA) -> Any:
    """The command with what is looked up for it: who acts, and the policy of the request."""
    policy = STRICT if getattr(state, "policy", None) == STRICT.ref else pinned
    today = getattr(command, "on", START.date())
    head = Head("open", "V00001", "", None, ("R1",))
    facts = {
        "by": CLERK,
        "policy": policy,
        "held_to": (pinned, STRICT),
        "head": head,
        "crew": Crew("engineering"),
        "rotation": Rotation(),
        "stranger": False,
        "known_at": LATER if isinstance(command, RecordFinding) else None,
        "known_on": today,
        "strangers": (),
    }
    missing = [name for name in fields_looked_up(type(command)) if getattr(command, name) is None]
    return attrs.evolve(command, **{name: facts[name] for name in missing if name in facts})


def has_its_sentence(refusal: Refusal) -> None:
    """A refusal by a rule of requests is told in both languages, with nothing left to fill in."""
    if refusal.rule.startswith("REQ-"):
        assert (refusal.sentence or refusal.code) in sentences("refused-req"), refusal
    for told in (refusal.told("zh"), refusal.told("en")):
        assert "{" not in told, told


def given(aggregate: Aggregate, *past: Any) -> Asked:
    return Asked(aggregate, *past)


# --- through the facade --------------------------------------------------------------------------

AUTHORITY = shipped().find(AuthorityPolicy, DEFAULT_AUTHORITY, START.date())
ONLY_STRICT = PolicyBook([STRICT, AUTHORITY])
"""A book in which the first policy of requests is gone."""


def register(crm: CRM, household: str, estate: str, building: str, unit: str, room: str) -> None:
    """Open a household's file, with its owner."""
    owner = Personal(owner_id(household), "张三")
    file = RegisterHousehold(household, estate, building, unit, room, owner=owner)
    crm.do(file, by=CLERK, at=START - DAY)


def word(household: str, reference: str = "call 77") -> Word:
    """What the owner of a household said by telephone."""
    return Word(owner_id(household), "phone", reference)


def giver(command: Any) -> Actor:
    """Who gives such a command here: who does the work reports it done, a supervisor re-bases."""
    if isinstance(command, Arrive | GrabOrder | RefuseOrder | ReportDone | ReturnOrder):
        return OPERATOR
    return SUPERVISOR if isinstance(command, Rebase) else CLERK


def after(*commands: Any, past: tuple[Any, ...] = (RECEIVED,)) -> tuple[Any, ...]:
    """Past events, and those that the commands lead to."""
    return (*past, *given(REQUEST, *past).when(*commands).events)


def policy_of(ref: PolicyRef, _notices: tuple[PolicyRef, ...] = ()) -> SlaPolicy:
    """The policy that a clock was set by."""
    return STRICT if ref == STRICT.ref else SLA


def verdict(state: Request, clock: str, now: datetime = LATER) -> Verdict:
    [found] = [v for v in verdicts(state, now, policy_of) if v.clock == clock and not v.superseded]
    return found


def closings(state: Request) -> int:
    return sum(clock.kind == "closing" for clock in state.clocks())


def superseded(state: Request, clock: str, now: datetime = LATER) -> Verdict:
    [found] = [v for v in verdicts(state, now, policy_of) if v.clock == clock and v.superseded]
    return found


def folded(*events: Any) -> Any:
    return REQUEST.decider.fold(events)


def done(at: datetime) -> WorkReportedDone:
    """The work was reported done then."""
    return attrs.evolve(DONE, done_at=at, counts_from=at)


# What time brought about before them is left out: a test says what it needs of that.
DONE = after(REPORT)[-1]
PROMISED = after(PROMISE)[-1]
ACCEPTED = after(ACCEPT, past=(RECEIVED, PROMISED))[-1]
