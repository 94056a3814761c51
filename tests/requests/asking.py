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
from crm_core.requests.events import RequestClosed, RequestReceived
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
    "厨房",
    "水管漏水",
    "S17",
    START,
    SLA.ref,
    TARGETS,
    (CLOSING, PROMISE_CLOCK),
    None,
    None,
    (),
)
REPORT = ReportDone("R1010", START + 20 * MINUTE, by=OPERATOR)
CONFIRM = ConfirmClosing("R1010", START + HOUR, True, WORD)
CONFIRMED = RequestClosed(
    "R1010", START + HOUR, "confirmed", True, "confirmed by the customer", WORD
)
PROMISE = MakeCommitment("R1010", "fixed", START + 2 * HOUR, START + 4 * MINUTE)
ACCEPT = AcceptCommitment("R1010", WORD, START + 5 * MINUTE)
REOPEN = Reopen("R1010", START + 2 * DAY, "leaks again")
REBASE = Rebase("R1010", "as agreed with the owners' meeting", START + 6 * MINUTE, policy=STRICT)


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
    facts = {"by": CLERK, "policy": policy}
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


def verdict(state: Request, clock: str, now: datetime = LATER) -> Verdict:
    [found] = [v for v in verdicts(state, now) if v.clock == clock and not v.superseded]
    return found


def closings(state: Request) -> int:
    return sum(clock.kind == "closing" for clock in state.clocks())


def superseded(state: Request, clock: str, now: datetime = LATER) -> Verdict:
    [found] = [v for v in verdicts(state, now) if v.clock == clock and v.superseded]
    return found


def folded(*events: Any) -> Any:
    return REQUEST.decider.fold(events)


[DONE] = after(REPORT)[1:]
[PROMISED] = after(PROMISE)[1:]
[ACCEPTED] = after(ACCEPT, past=(RECEIVED, PROMISED))[2:]
