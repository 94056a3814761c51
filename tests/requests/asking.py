"""What the tests of requests share: one request, two policies, and how commands are decided."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import attrs

from crm_core import Actor, Request, shipped
from crm_core.requests import (
    REQUEST,
    AcceptCommitment,
    ConfirmClosing,
    MakeCommitment,
    Rebase,
    ReceiveRequest,
    Reopen,
    ReportDone,
    SlaPolicy,
)
from crm_core.requests.clocks import ClockSet
from crm_core.requests.events import RequestClosed, RequestReceived
from crm_core.requests.sla import Targets
from crm_core.requests.views import Verdict, verdicts
from crm_core.testing import given as plainly_given
from crm_core.testing.scenario import Outcome
from crm_core.testing.strategies import sla_text

CLERK = Actor("S17", "specialist")
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
    policy=SLA,
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
)
REPORT = ReportDone("R1010", START + 20 * MINUTE, "E4")
CONFIRM = ConfirmClosing("R1010", START + HOUR, True)
CONFIRMED = RequestClosed("R1010", START + HOUR, "confirmed", True, "confirmed by the customer")
PROMISE = MakeCommitment("R1010", "S17", "fixed", START + 2 * HOUR, START + 4 * MINUTE)
ACCEPT = AcceptCommitment("R1010", "call 77", START + 5 * MINUTE)
REOPEN = Reopen("R1010", START + 2 * DAY, "leaks again")
REBASE = Rebase("R1010", "as agreed with the owners' meeting", START + 6 * MINUTE, STRICT)


class Asked:
    """A request with a past; commands are decided by the policy it pins, as the facade does."""

    def __init__(self, *past: Any) -> None:
        self._past = past

    def when(self, *commands: Any) -> Outcome:
        found: tuple[Any, ...] = ()
        for number, command in enumerate(commands, 1):
            asked = command
            if "policy" in attrs.fields_dict(type(command)) and command.policy is None:
                policy = getattr(folded(*self._past, *found), "policy", SLA.ref)
                asked = attrs.evolve(command, policy=STRICT if policy == STRICT.ref else SLA)
            outcome = plainly_given(REQUEST, *self._past, *found).when(asked)
            found += outcome.events
            assert outcome.refusal is None or number == len(commands), outcome.refusal
        return Outcome(found, outcome.after, outcome.refusal)

    def state(self, predicate: Any) -> Asked:
        plainly_given(REQUEST, *self._past).state(predicate)
        return self


def given(_: Any, *past: Any) -> Asked:
    return Asked(*past)


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
