"""Every command about money and grades."""

from __future__ import annotations

from datetime import date, timedelta
from importlib.resources import files
from typing import Any

from crm_core.gradings.commands import (
    AcceptAutomatic,
    ApprovePolicy,
    ConfirmGrading,
    ConfirmType,
    ContestGrading,
    DecideReview,
    DecideUplift,
    Document,
    DraftPolicy,
    MakePolicyEffective,
    ProposeType,
    ProposeUplift,
    RefuseAutomatic,
    ReplaceRecord,
)
from crm_core.owners import RecordCondition
from crm_core.payments import COLLECTION
from crm_core.payments.acts import Proof
from crm_core.payments.collection.commands import (
    AdvanceCollection,
    CheckDefects,
    CompleteStep,
    ConfirmStep,
    DecideHold,
    DecideStep,
    ProposeHold,
    ProposeStep,
    ReleaseHold,
    SkipStep,
)
from crm_core.payments.collection.events import StepOpened
from crm_core.payments.commands import (
    AcknowledgeDebt,
    AgreeClause,
    ApproveRate,
    CancelCharge,
    ClaimLateCharge,
    DecideDispute,
    DecideInstalments,
    DecideRefund,
    DecideWaiver,
    DisputeCharge,
    EndClause,
    MovePayment,
    PromisePayment,
    ProposeDisputeDecision,
    ProposeInstalments,
    ProposeRefund,
    ProposeWaiver,
    RaiseCharge,
    ReceivePayment,
    RecordPurchase,
    ReversePayment,
    TakeBackWaiver,
    WithdrawDispute,
)
from crm_core.payments.events import Instalment
from privacy.singing import (
    CLERK,
    COLLEAGUE,
    COMPANY,
    DIRECTOR,
    HOME,
    LEADER,
    MANAGER,
    OTHER,
    SING,
    Choir,
    word,
)


def money(choir: Choir) -> None:
    """Charges, payments, and what is said of them."""
    day = choir.on("2024-02-26")
    due = date(2024, 2, 1)
    for number in ("C1", "C2", "C3", "C4", "C5"):
        choir.say(RaiseCharge(HOME, number, "management_fee", "2024-01", 100_00, due))
    choir.say(
        CancelCharge(HOME, "C5", day, SING),
        ReceivePayment(HOME, "B1", 10_00, day, "transfer"),
        ReversePayment(HOME, "B1", day, SING),
        ReceivePayment(HOME, "B2", 10_00, day, "transfer"),
        MovePayment(HOME, "B2", OTHER, SING),
        ProposeWaiver(HOME, "W1", "C1", 10_00, day, SING),
        DecideWaiver(HOME, "W1", True, day, SING),
        TakeBackWaiver(HOME, "W1", day, SING),
        RecordPurchase(HOME, "P1", "保洁", 10_00, day),
        DisputeCharge(HOME, "D1", "C2", 10_00, day, SING, word()),
        ProposeDisputeDecision(HOME, "D1", 5_00, day, SING),
        DecideDispute(HOME, "D1", True, day, SING),
        DisputeCharge(HOME, "D2", "C3", 10_00, day, SING, word()),
        WithdrawDispute(HOME, "D2", day, SING, word()),
        AcknowledgeDebt(HOME, "A1", ("C1",), day, SING, word()),
        AgreeClause(HOME, "K1", "late_charge", "late-charge-daily", date(2020, 1, 1), SING, word()),
        ApproveRate(HOME, "K1", day, SING),
        ClaimLateCharge(HOME, "L1", "C1", day, day, "late-charge-daily"),
        EndClause(HOME, "K1", day, SING),
    )
    choir.say(
        RaiseCharge("V5", "C1", "management_fee", "2024-03", 100_00, date(2024, 3, 15)),
        ReceivePayment("V5", "B1", 100_00, day, "transfer"),
        RecordPurchase("V5", "P1", "保洁", 30_000_00, day),
    )
    choir.say(AdvanceCollection(HOME, day))
    parts = (Instalment(40_00, day + timedelta(days=2)), Instalment(60_00, day + timedelta(days=9)))
    choir.say(
        PromisePayment(HOME, "Z1", parts[:1], day, SING, word()),
        ProposeInstalments(HOME, "Z2", parts, day, SING, word(), replaces="Z1"),
        DecideInstalments(HOME, "Z2", True, day, SING),
    )


def refunds(choir: Choir) -> None:
    """Money that is given back."""
    day = choir.on("2024-12-30")
    choir.say(
        ReceivePayment(HOME, "B9", 9_000_00, day, "transfer"),
        ProposeRefund(HOME, "F1", 1_00, day, SING),
        DecideRefund(HOME, "F1", True, day, SING),
    )


def collection(choir: Choir) -> None:
    """Every step that the ladder hands over, and what is held and skipped."""
    day = choir.on("2024-06-10")
    choir.say(RaiseCharge(OTHER, "C1", "management_fee", "2024-06", 100_00, day), whose=OTHER)
    day = FIRST
    while day < date(2024, 12, 20):
        choir.tick(day.isoformat())
        for home in (HOME, OTHER):
            _climb(choir, home, day)
        day += timedelta(days=6)
    day = choir.on("2024-12-29")
    choir.say(
        ProposeHold(HOME, "H1", day, day + timedelta(days=9), SING),
        DecideHold(HOME, "H1", True, day, SING),
        ReleaseHold(HOME, "H1", day, SING),
    )


FIRST = date(2024, 6, 16)
"""When somebody looks first at what the ladder hands over."""


def _climb(choir: Choir, home: str, day: date) -> None:
    """Do what the ladder hands over; the first step is skipped."""
    while (step := _step(choir, home)) is not None:
        tenure = step.tenure
        choir.say(CheckDefects(home, day, 0, SING, tenure), whose=home)
        if home == HOME and day == FIRST:
            choir.say(SkipStep(home, step.step, day, SING, tenure))
            return
        if step.approver is not None:
            choir.say(
                ProposeStep(home, step.step, day, tenure),
                DecideStep(home, step.step, True, day, SING, tenure),
                whose=home,
            )
        proofs = tuple(
            Proof(kind, "away" if kind == "reason_code" else SING, *_delivered(kind, day))
            for kind in step.needs
        )
        choir.say(CompleteStep(home, step.step, day, proofs, tenure), by=CLERK, whose=home)
        if step.persons > 1:
            choir.say(ConfirmStep(home, step.step, day, tenure), by=COLLEAGUE)


def _delivered(kind: str, on: date) -> tuple[Any, ...]:
    return (on, "courier_ems") if kind == "delivery" else ()


def _step(choir: Choir, home: str) -> StepOpened | None:
    """The step that waits to be done."""
    state, _ = choir.crm.log.fold(
        COLLECTION.stream(home), COLLECTION.decider.evolve, COLLECTION.decider.initial
    )
    waiting = [one for number, one in state.opened.items() if number not in state.ended]
    return waiting[0] if waiting else None


def gradings(choir: Choir) -> None:
    """A year is graded, by a scheme of the company's own, and what is said of the grades."""
    day = choir.on("2025-01-05")
    text = (files("crm_core") / "gradings" / "policies" / "grade-cn-default-2.toml").read_text(
        encoding="utf-8"
    )
    own = 'name = "ours"\nversion = 1'
    text = text.replace('name = "grade-cn-default"\nversion = 2', own)
    text = text.replace('approved_by = "director"\n', "")
    choir.say(DraftPolicy("ours", Document(text), SING, day), whose=COMPANY)
    choir.crm.grade(2023, by=LEADER)
    choir.crm.studies.assess("ours", 1, "PIA-1", [2023], by=MANAGER, on=day)
    choir.say(
        ApprovePolicy("ours", 1, day), MakePolicyEffective("ours", 1, day, day), whose=COMPANY
    )
    choir.crm.grade(2024, by=LEADER)
    choir.crm.studies.allot(2024, by=DIRECTOR)
    again = choir.crm.grade(2024, by=LEADER, trial=True)
    choir.say(
        ReplaceRecord(
            2024, again.run, SING, day, len(choir.crm.gradings.replacing(2024, again.run))
        ),
        whose=COMPANY,
    )
    choir.say(
        ProposeType(HOME, 2024, "cautious", day, SING),
        ConfirmType(HOME, 2024, day),
        ConfirmGrading("V5", 2024, day),
        RecordCondition(HOME, True, SING, day),
        ProposeUplift(HOME, 2024, SING, day),
        DecideUplift(HOME, 2024, False, day, SING),
        RefuseAutomatic(HOME, day, word()),
        AcceptAutomatic(HOME, day, word()),
        ContestGrading(HOME, 2024, "RV1", SING, day, word()),
        DecideReview(HOME, "RV1", "upheld", SING, day),
    )
