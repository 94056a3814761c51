"""A small estate by hand, and policies changed by a word, for the tests of gradings."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from crm_adapters.wiring import open_crm
from crm_core.application.authority import Authority
from crm_core.application.gradings import GradingRun
from crm_core.application.present import happenings
from crm_core.crm import CRM
from crm_core.gradings import GradingDecided, GradingPolicy
from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.authority import DEFAULT_AUTHORITY, AuthorityPolicy
from crm_core.kernel.commands import act_of
from crm_core.kernel.dates import parse_instant, start_of_day
from crm_core.kernel.decider import Decider
from crm_core.kernel.recorded import Actor
from crm_core.kernel.sealed import Personal
from crm_core.kernel.word import Word
from crm_core.owners.commands import RegisterHousehold
from crm_core.payments.commands import RaiseCharge, ReceivePayment, RecordPurchase
from crm_core.policies import PolicyBook
from crm_core.requests.commands import ReceiveRequest
from crm_core.slices import shipped
from crm_core.staff import REGISTER

SPECIALIST = Actor("S1", "specialist")
SUPERVISOR = Actor("U1", "supervisor")
MANAGER = Actor("M1", "manager")
DIRECTOR = Actor("D1", "director")
OWNER = Actor("V1#owner", "owner")
TOLD = Word(OWNER.id, "phone", "call-7")
"""What the owner of V1 said, as a member of staff heard it."""

START = parse_instant("2011-01-01T09:00:00+08:00")
DAY = date(2012, 1, 10)
MOVED_IN = date(2010, 1, 1)
DEFAULT = shipped().find(GradingPolicy, "grade-cn-default", date(2011, 12, 31))
AUTHORITY = Authority(
    shipped().find(AuthorityPolicy, DEFAULT_AUTHORITY, DAY), REGISTER.decider.initial, DAY
)
LAYERS = ("important", "main", "ordinary", "small")


class FixedClock:
    """A clock that stands until it is set."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


def home(crm: CRM, name: str, *, buys: int = 0, pays: date | None = date(2011, 3, 1)) -> None:
    """A household with a charge a month in the first half of the year, and one purchase."""
    owner = Personal(f"{name}#owner", "somebody")
    do(crm, RegisterHousehold(name, "Anhe", "1", "1", name, owner=owner, moved_in=MOVED_IN))
    for month in range(2, 8):
        do(
            crm,
            RaiseCharge(name, f"C{month}", "parking", f"2011-{month}", 100, date(2011, month, 1)),
        )
    if pays is not None:
        do(crm, ReceivePayment(name, "P", 600, date(2011, 1, 15), "cash"))
    if buys:
        do(crm, RecordPurchase(name, "B", "cleaning", buys, date(2011, 6, 1)))


def do(crm: CRM, *commands: Any, by: Actor = SPECIALIST, at: datetime = START) -> list[int]:
    """Positions of the last event of each; a clock that stands is set on to when it happens."""
    for command in commands:
        reach(crm, at, *(happened for _, happened in happenings(command, "")))
    return [crm.do(command, by=by, at=at).position for command in commands]


def reach(crm: CRM, *happened: date) -> None:
    """Set a clock that stands on to the latest of what happened."""
    clock = crm.clock
    if isinstance(clock, FixedClock):
        instants = (h if isinstance(h, datetime) else start_of_day(h) for h in happened)
        clock.at = max([clock.at, *instants])


def asked(crm: CRM, command: Any, by: Actor) -> Any:
    """Do what is proposed or decided in person, as that person and on its day."""
    reach(crm, *(happened for _, happened in happenings(command, "")))
    return crm.do(command, by=by)


def interrupted(crm: CRM, year: int, **asked: Any) -> None:
    """Begin a run whose plug is pulled behind its first households."""

    class Pulled(Exception):
        """The plug was pulled."""

    def pull(_count: int) -> None:
        raise Pulled

    with pytest.raises(Pulled):
        crm.grade(year, progress=pull, **asked)


def guarded(aggregate: Aggregate) -> Decider[Any, Any, Any]:
    """The decider as commands reach it: nobody decides their own (LOG-08)."""

    def decide(command: Any, state: Any) -> Any:
        own = aggregate.own(command, state)
        refused = AUTHORITY.refuses_own(command.by, act_of(type(command)), own)
        return refused or aggregate.decider.decide(command, state)

    return evolve(aggregate.decider, decide=decide)


def complain(number: str, household: str = "V1") -> ReceiveRequest:
    return ReceiveRequest(
        number, household, "phone", "complaint", "cleaning", "general", "", START, "S1"
    )


def of(run: GradingRun, household: str = "V1") -> GradingDecided:
    return next(grading for grading in run.gradings if grading.household == household)


def policy_text(name: str = "grade-cn-default-2") -> str:
    folder = Path(sys.modules["crm_core"].__file__ or "").parent / "gradings" / "policies"
    return (folder / f"{name}.toml").read_text(encoding="utf-8")


def changed(text: str, before: str, after: str) -> str:
    assert before in text
    return text.replace(before, after)


def candidate(*changes: tuple[str, str], name: str = "ours") -> GradingPolicy:
    """The shipped policy under another name, with some words replaced."""
    text = changed(policy_text(), 'name = "grade-cn-default"', f'name = "{name}"')
    for before, after in changes:
        text = changed(text, before, after)
    return GradingPolicy.parse(text)


def with_policies(crm: CRM, policies: PolicyBook) -> CRM:
    """The same log, read with other policies at hand."""
    return CRM(
        crm.log,
        vault=crm.host.vault,
        clock=crm.clock,
        ids=crm.ids,
        policies=policies,
        reads=crm.host.reads,
    )


@pytest.fixture
def crm() -> Iterator[CRM]:
    with open_crm("memory:") as opened:
        opened.host.clock = FixedClock(parse_instant("2012-01-15T09:00:00+08:00"))
        yield opened
