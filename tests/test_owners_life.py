"""An owner's life in one story, told through the public API alone.

Registered, promised, broken, apologised, repaired, owing, paying, graded, explained, contested,
overridden, graded again, the flat sold, the buyer graded.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from attrs import define

from crm_adapters.wiring import open_crm
from crm_core import CRM, Actor, Personal, Refused, Request, Word
from crm_core.gradings.commands import ContestGrading, DecideReview, ReplaceRecord
from crm_core.gradings.uses import Use
from crm_core.kernel.dates import parse_instant
from crm_core.owners.commands import RegisterHousehold, TransferOwnership
from crm_core.payments.commands import RaiseCharge, ReceivePayment, RecordPurchase
from crm_core.requests.commands import (
    Apologise,
    ConfirmClosing,
    Dispatch,
    MakeCommitment,
    ReceiveRequest,
    ReportDone,
)

CLERK = Actor("chen", "specialist")
PLUMBER = Actor("li", "operator")
FINANCE = Actor("qian", "finance")
MANAGER = Actor("ma", "manager")
DIRECTOR = Actor("zhao", "director")
SELLER = "V1#owner"
BUYER = "wu"


@define
class Clock:
    """Time passes when the story says so."""

    at: datetime

    def now(self) -> datetime:
        return self.at


@define
class Story:
    """A CRM, and the words the story is told in."""

    crm: CRM
    clock: Clock

    def on(self, instant: str) -> datetime:
        """It is now that instant, in the estate's zone."""
        self.clock.at = parse_instant(f"{instant}:00+08:00")
        return self.clock.at

    def does(self, by: Actor, command: Any) -> tuple[str, ...]:
        """Somebody does something; the names of what happened."""
        return tuple(type(event).__name__ for event in self.crm.do(command, by=by).events)

    def owes(self, charge: str, due: date) -> None:
        """A fee of 200.00 yuan for a month."""
        fee = RaiseCharge("V1", charge, "management_fee", f"{due:%Y-%m}", 200_00, due)
        self.does(FINANCE, fee)

    def happened(self, stream: str) -> list[str]:
        """The names of all that happened there."""
        return [type(recorded.event).__name__ for recorded in self.crm.log.read(stream)]

    def request(self, number: str) -> Any:
        return self.crm.get(Request, number)

    def stands(self, year: int) -> Any:
        return [now for now in self.crm.gradings.history("V1") if now.grading.year == year][-1]


@pytest.mark.rule("GRD-01", "GRD-07", "GRD-13", "GRD-17", "PAY-16", "REQ-09", "GRD-14")
def test_an_owners_life() -> None:
    with open_crm("memory:") as crm:
        clock = Clock(parse_instant("2023-01-05T09:00:00+08:00"))
        crm.host.clock = clock
        told = Story(crm, clock)
        moves_in(told)
        is_let_down_and_made_good(told)
        owes_and_pays(told)
        is_graded_and_told_why(told)
        contests_and_is_overridden(told)
        is_graded_again_with_what_came_late(told)
        sells(told)
        assert crm.replay().differing == ()
        assert crm.verify().intact


def moves_in(told: Story) -> None:
    owner = Personal(SELLER, "Ouyang Xiu")
    told.does(
        CLERK,
        RegisterHousehold("V1", "Anhe", "1", "1", "101", owner=owner, moved_in=date(2023, 1, 1)),
    )


def is_let_down_and_made_good(told: Story) -> None:
    """The tap drips: a time is promised, passes, is apologised for; then it is repaired."""
    at = told.on("2023-03-06T09:00")
    told.does(
        CLERK,
        ReceiveRequest(
            "R1", "V1", "phone", "repair", "engineering", "general", "the tap drips", at, "chen"
        ),
    )
    told.does(CLERK, MakeCommitment("R1", "the plumber comes", at + timedelta(hours=4), at))
    told.on("2023-03-06T14:00")
    told.crm.tick(told.clock.at)
    assert "CommitmentBroken" in told.happened("request/R1")
    at = told.clock.at
    told.does(
        CLERK,
        Apologise(
            "R1",
            "we are sorry",
            "the plumber was ill",
            "another comes",
            at,
            at + timedelta(hours=2),
        ),
    )
    told.does(CLERK, Dispatch("R1", PLUMBER.id, "operator", at))
    at = told.on("2023-03-06T15:30")
    told.does(PLUMBER, ReportDone("R1", at))
    word = Word(SELLER, "phone", "call 12")
    told.does(CLERK, ConfirmClosing("R1", at, "satisfied", word, ""))
    assert type(told.request("R1")).__name__ == "Closed"


def owes_and_pays(told: Story) -> None:
    """Fees are two months late once; a card for the gym is bought."""
    for month in range(2, 8):
        due = date(2023, month, 28)
        told.does(
            FINANCE,
            RaiseCharge("V1", f"C{month}", "management_fee", f"2023-{month:02}", 200_00, due),
        )
    told.on("2023-09-30T09:00")
    told.does(FINANCE, ReceivePayment("V1", "P1", 1_200_00, date(2023, 9, 30), "transfer"))
    told.on("2023-10-08T10:00")
    told.does(FINANCE, RecordPurchase("V1", "B1", "gym", 7_500_00, date(2023, 10, 8)))
    [line] = told.crm.accounts.credit(date(2023, 8, 31), households=["V1"])
    assert line.overdue_fen == 1_200_00
    [line] = told.crm.accounts.credit(date(2023, 12, 31), households=["V1"])
    assert (line.grade, line.overdue_fen) == ("A", 0)


def is_graded_and_told_why(told: Story) -> None:
    told.on("2024-01-03T09:00")
    run = told.crm.grade(2023, by=DIRECTOR)
    [grading] = run.gradings
    assert (run.standing, grading.outcome.layer, grading.outcome.type) == (
        "of_record", "ordinary", "cautious",
    )  # fmt: skip
    said = told.crm.explain("V1", 2023, reader="owner", lang="en")
    assert said["layer"] == "ordinary"
    # What they would have had to buy is told, and comes true when it is done (below).
    assert any(
        way["layer"] == "main"
        and any(change["fact"] == "purchases_fen" for change in way["changes"])
        for way in said["counterfactuals"]
    )
    assert "policy" not in said


def contests_and_is_overridden(told: Story) -> None:
    """A review by a person who had no part in it; meanwhile nothing adverse."""
    owner = Actor(SELLER, "owner")
    on = told.on("2024-01-10T09:00").date()
    assert told.does(
        owner, ContestGrading("V1", 2023, "2023-1", "you let me down in March", on)
    ) == ("GradingContested",)
    assert told.stands(2023).status == "contested"
    used = told.crm.studies.influence("V1", Use.CARE_PLAN)
    assert (used.layer, used.because) == ("ordinary", "contested")
    review = DecideReview(
        "V1", "2023-1", "overridden", "our fault", on, layer="main", until=date(2024, 12, 31)
    )
    with pytest.raises(Refused):
        told.does(owner, review)
    told.does(MANAGER, review)
    now = told.stands(2023)
    assert (now.layer, now.grading.outcome.layer, now.status) == ("main", "ordinary", "overridden")


def is_graded_again_with_what_came_late(told: Story) -> None:
    """A receipt that was mislaid turns up; the director lets the new run hold."""
    told.on("2024-02-01T09:00")
    told.does(FINANCE, RecordPurchase("V1", "B2", "cleaning", 2_600_00, date(2023, 11, 11)))
    [affected] = told.crm.gradings.affected(2023)
    assert (affected.layer, affected.layer_now) == ("ordinary", "main")
    again = told.crm.grade(2023, by=DIRECTOR)
    assert again.standing == "trial"
    assert told.stands(2023).grading.run != again.run
    # Who was overridden to `main` stays where they are, by right now: nobody is moved.
    assert told.crm.gradings.replacing(2023, again.run) == ()
    on = told.clock.at.date()
    told.does(DIRECTOR, ReplaceRecord(2023, again.run, "a mislaid receipt", on, moves=0))
    now = told.stands(2023)
    assert (now.grading.run, now.grading.outcome.layer, now.layer) == (again.run, "main", "main")
    assert [review.result for review in now.reviews] == ["overridden"]


def sells(told: Story) -> None:
    """Fees are left unpaid, and the flat is sold; the buyer is graded by their own dealings."""
    told.does(
        FINANCE, RaiseCharge("V1", "C21", "management_fee", "2024-01", 200_00, date(2024, 1, 31))
    )
    at = told.on("2024-06-16T09:00")
    told.does(
        CLERK,
        TransferOwnership(
            "V1", BUYER, at.date(), Personal(BUYER, "Wu Jingzi"), reason="transfer of ownership"
        ),
    )
    used = told.crm.studies.influence("V1", Use.CARE_PLAN)
    assert (used.layer, used.because) == ("ordinary", "ungraded")
    told.does(
        FINANCE, RaiseCharge("V1", "C22", "management_fee", "2024-07", 200_00, date(2024, 7, 31))
    )
    told.on("2024-07-20T09:00")
    paid = ReceivePayment("V1", "P2", 200_00, date(2024, 7, 20), "wechat", payer=BUYER)
    told.does(FINANCE, paid)
    told.on("2025-01-02T09:00")
    run = told.crm.grade(2024, by=DIRECTOR)
    [grading] = run.gradings
    assert (grading.tenure, grading.facts.worst_credit, grading.facts.charges_due) == (
        "2024-06-16", "A", 1,
    )  # fmt: skip
    on = told.clock.at.date()
    # Each disputes their own year, and not that of the other.
    for year, member, review in ((2024, SELLER, "2024-1"), (2023, BUYER, "2023-2")):
        with pytest.raises(Refused) as refused:
            told.does(Actor(member, "owner"), ContestGrading("V1", year, review, "unjust", on))
        assert refused.value.reason == "not_the_owner"
    told.does(
        Actor(BUYER, "owner"), ContestGrading("V1", 2024, "2024-1", "a year is too short", on)
    )
    told.does(Actor(SELLER, "owner"), ContestGrading("V1", 2023, "2023-2", "I was away", on))
    waiting = [(now.grading.year, now.status) for now in told.crm.gradings.waiting()]
    assert waiting == [(2023, "contested"), (2024, "contested")]
