"""The shipped ladder, and what keeps to it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from paying import CLERK, day

from crm_core.crm import CRM
from crm_core.kernel.decider import Refusal
from crm_core.kernel.recorded import Actor
from crm_core.payments import COLLECTION, Account, Collection, CollectionPolicy, CreditPolicy
from crm_core.payments.acts import Proof
from crm_core.payments.collection.arrears import dues
from crm_core.payments.collection.commands import (
    AdvanceCollection,
    CheckDefects,
    CompleteStep,
    ConfirmStep,
    DecideStep,
    ProposeStep,
)
from crm_core.payments.collection.events import StepOpened
from crm_core.payments.collection.policy import DEFAULT_COLLECTION
from crm_core.payments.commands import RaiseCharge
from crm_core.slices import shipped

LADDER = shipped().find(CollectionPolicy, DEFAULT_COLLECTION, date(2011, 1, 1))


def proofs(*kinds: str, on: date = date(2011, 3, 5)) -> tuple[Proof, ...]:
    return tuple(proof(kind, on) for kind in kinds)


def proof(kind: str, on: date) -> Proof:
    if kind == "delivery":
        return Proof(kind, "EMS 1017", on, "courier_ems")
    return Proof(kind, "away" if kind == "reason_code" else f"{kind} 7")


CHARGED = RaiseCharge("V1", "C1", "management_fee", "2011-01", 100_00, day("2011-01-31"))
NEXT = RaiseCharge("V1", "C2", "management_fee", "2011-03", 100_00, day("2011-03-20"))


def obey(crm: CRM, step: StepOpened, on: date, **other: Any) -> None:
    """People do what they were handed: one asks, another in the role approves, a third does it.

    A fourth confirms what takes two.
    """
    look = CheckDefects("V1", on, 0, "round 7", step.tenure)
    crm.do(look, by=Actor("S2", "specialist"), **other)
    if step.approver is not None:
        crm.do(ProposeStep("V1", step.step, on, step.tenure), by=CLERK, **other)
        approval = DecideStep("V1", step.step, True, on, tenure=step.tenure)
        crm.do(approval, by=Actor("B1", step.approver), **other)
    tenure = step.tenure
    done = CompleteStep("V1", step.step, on, proofs(*step.needs, on=on), tenure)
    crm.do(done, by=CLERK, **other)
    if step.persons > 1:
        crm.do(ConfirmStep("V1", step.step, on, tenure), by=Actor("S2", "specialist"), **other)


def day_by_day(
    account: Account,
    state: Collection,
    days: Iterable[date],
    policy: CollectionPolicy,
    credit: CreditPolicy,
) -> tuple[list[Any], Collection]:
    """What days bring about where somebody asks on each of them: events, and what they leave."""
    said: list[Any] = []
    for on in days:
        began = None if state.grade is None else state.began
        found = dues(account, on, credit, began=began)
        command = AdvanceCollection("V1", on, dues=found, policy=policy, present_day=on)
        events = COLLECTION.decider.decide(command, state)
        assert not isinstance(events, Refusal)
        said += events
        state = COLLECTION.decider.fold(events, state)
    return said, state
