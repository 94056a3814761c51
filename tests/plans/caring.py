"""What the tests of plans share: an estate with a clock that is set, who acts, and the steps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any

from crm_adapters import open_crm
from crm_core import CRM, Actor, Personal, Refused
from crm_core.kernel.dates import start_of_day
from crm_core.kernel.word import Word
from crm_core.owners import RegisterHousehold
from crm_core.owners.commands import TransferOwnership
from crm_core.plans import (
    ApprovePlan,
    DecideAssessment,
    DraftPlan,
    GatherInformation,
    Measure,
    OpenPlan,
    ProposeAssessment,
    ReviewPlan,
)
from crm_core.plans.assessments import KINDS

SPECIALIST, S2 = Actor("S1", "specialist"), Actor("S2", "specialist")
SUPERVISOR, U2 = Actor("U1", "supervisor"), Actor("U2", "supervisor")
MANAGER, M2 = Actor("M1", "manager"), Actor("M2", "manager")
DIRECTOR, D2 = Actor("D1", "director"), Actor("D2", "director")
FINANCE = Actor("F1", "finance")

HOME = "V1"
OWNER = f"{HOME}#owner"
WORD = Word(OWNER, "phone", "call 17")

JAN = date(2024, 1, 10)
DAY = timedelta(days=1)
NOON = timedelta(hours=12)

VISIT = Measure(
    measure="M1",
    kind="visit",
    what="call on them every quarter",
    responsible="S1",
    due=date(2024, 12, 31),
    cost_fen=300_00,
    feasible="one specialist has an afternoon a quarter",
    economical="a gift of fruit and the way there",
)
GIFT = Measure(
    measure="M2",
    kind="gift",
    what="a gift at the Mid-Autumn Festival",
    responsible="S2",
    due=date(2024, 9, 30),
    cost_fen=200_00,
    feasible="bought with the others",
    economical="a tenth of what they buy in a month",
)


class SetClock:
    """A clock that stands until it is set."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


def noon(day: date) -> datetime:
    return start_of_day(day) + NOON


class Estate:
    """A log with a clock, in which people act on days."""

    def __init__(self, crm: CRM) -> None:
        self.crm = crm
        self.clock = SetClock(noon(date(2023, 6, 1)))
        crm.host.clock = self.clock

    def on(self, day: date) -> Estate:
        """It is noon of that day."""
        self.clock.at = noon(day)
        return self

    def do(self, command: Any, by: Actor, **more: Any) -> list[Any]:
        """The events that follow."""
        receipt = self.crm.do(command, by=by, **more)
        found = self.crm.history(receipt.stream) if receipt.stream else iter(())
        names = len(receipt.events)
        return [one.event for one in found][-names:] if names else []

    def refused(self, command: Any, by: Actor) -> str:
        """Why it is refused; fails if it is not."""
        try:
            self.crm.do(command, by=by)
        except Refused as error:
            return error.reason
        raise AssertionError(f"not refused: {command}")

    def tick(self, day: date | None = None) -> dict[str, int]:
        if day is not None:
            self.on(day)
        done = self.crm.tick()
        assert not any(done.parked.values()), done.parked
        return done.events

    def names(self, stream: str) -> list[str]:
        return [one.name.partition("/")[0] for one in self.crm.history(stream)]

    def todo(self, by: Actor) -> list[tuple[str, str]]:
        return [(one.what, one.subject) for one in self.crm.todo(by=by)]


@contextmanager
def opened(url: str = "memory:") -> Iterator[Estate]:
    with open_crm(url, create=True) as crm:
        estate = Estate(crm)
        settle(estate, HOME)
        yield estate


def settle(estate: Estate, household: str, since: date = date(2020, 1, 1)) -> None:
    """A household with one owner."""
    owner = Personal(f"{household}#owner", "王芳")
    file = RegisterHousehold(household, "星河", "1", "1", household, owner=owner, moved_in=since)
    estate.do(file, SPECIALIST)


def sell(estate: Estate, household: str, on: date) -> None:
    buyer = Personal(f"{household}#buyer", "李强")
    estate.do(
        TransferOwnership(
            household, f"{household}#buyer", on, buyer, reason="transfer of ownership"
        ),
        SPECIALIST,
    )


# --- steps -----------------------------------------------------------------------------------


def gather(assessment: str, kind: str, on: date, household: str = HOME) -> GatherInformation:
    return GatherInformation(
        assessment, household, f"I-{kind}", kind, on, f"{kind}: as usual", "file 7"
    )


def propose(assessment: str, on: date, result: str = "distant") -> ProposeAssessment:
    return ProposeAssessment(
        assessment=assessment,
        period_start=on.replace(year=on.year - 1),
        period_end=on,
        summary="buys much, is never heard",
        strategy="main customers are known in person",
        requirements="a contact in every quarter",
        gap="no contact since they moved in",
        method="comparison with the standard",
        result=result,
        on=on,
    )


def assess(estate: Estate, assessment: str = "A1", on: date = JAN, household: str = HOME) -> None:
    """A decided assessment."""
    for kind in KINDS:
        estate.do(gather(assessment, kind, on, household), SPECIALIST)
    estate.do(propose(assessment, on), SPECIALIST)
    estate.do(DecideAssessment(assessment, on, "distant"), SUPERVISOR)


def open_plan(plan: str = "P1", on: date = JAN, household: str = HOME) -> OpenPlan:
    return OpenPlan(plan, "they have never been called on", on, household, "A1")


def draft(
    plan: str = "P1",
    on: date = JAN,
    measures: tuple[Measure, ...] = (VISIT, GIFT),
    answer: str = "",
    runs_to: date = date(2024, 12, 31),
) -> DraftPlan:
    return DraftPlan(
        plan=plan,
        method="regular visits",
        goal="they tell us what they need",
        measures=measures,
        runs_from=on,
        runs_to=runs_to,
        on=on,
        answer=answer,
    )


def approve(estate: Estate, plan: str = "P1", on: date = JAN) -> None:
    """A plan in force, from its assessment on."""
    estate.on(on)
    assess(estate, "A1", on)
    estate.do(open_plan(plan, on), SPECIALIST)
    estate.do(draft(plan, on), SUPERVISOR)
    estate.do(ReviewPlan(plan, 1, True, on), MANAGER)
    estate.do(ApprovePlan(plan, 1, True, on), DIRECTOR)
