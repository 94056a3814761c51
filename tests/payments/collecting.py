"""The shipped ladder, and what keeps to it."""

from __future__ import annotations

from datetime import date
from typing import Any

from paying import CLERK, day

from crm_core.crm import CRM
from crm_core.kernel.recorded import Actor
from crm_core.payments import COLLECTION, Account, Collection, CollectionPolicy, CreditPolicy
from crm_core.payments.acts import Proof
from crm_core.payments.collection.commands import (
    AdvanceCollection,
    CheckDefects,
    CompleteStep,
    DecideStep,
    ProposeStep,
)
from crm_core.payments.collection.dues import dues
from crm_core.payments.collection.events import StepOpened
from crm_core.payments.collection.policy import DEFAULT_COLLECTION
from crm_core.payments.commands import RaiseCharge
from crm_core.slices import shipped

LADDER = shipped().find(CollectionPolicy, DEFAULT_COLLECTION, date(2011, 1, 1))


def proofs(*kinds: str) -> tuple[Proof, ...]:
    return tuple(Proof(k, "away" if k == "reason_code" else f"{k} 7") for k in kinds)


CHARGED = RaiseCharge("V1", "C1", "management_fee", "2011-01", 100_00, day("2011-01-31"))
NEXT = RaiseCharge("V1", "C2", "management_fee", "2011-03", 100_00, day("2011-03-20"))


def obey(crm: CRM, step: StepOpened, on: date, **other: Any) -> None:
    """People do what they were handed: one asks, another in the role approves, a third does it."""
    crm.do(CheckDefects("V1", on, 0, "round 7"), by=Actor("S2", "specialist"), **other)
    if step.approver is not None:
        crm.do(ProposeStep("V1", step.step, on), by=CLERK, **other)
        approver = Actor("B1", step.approver)
        crm.do(DecideStep("V1", step.step, True, on), by=approver, **other)
    crm.do(CompleteStep("V1", step.step, on, proofs(*step.needs)), by=CLERK, **other)


def commands_due(
    household: str,
    account: Account,
    state: Collection,
    on: date,
    policy: CollectionPolicy,
    credit: CreditPolicy,
) -> tuple[AdvanceCollection, ...]:
    """The commands that a day itself brings about in one household's collection: one, or none."""
    found = dues(account, on, credit)
    command = AdvanceCollection(household, on, dues=found, policy=policy, present_day=on)
    if not COLLECTION.decider.decide(command, state):
        return ()
    return (AdvanceCollection(household, on),)
