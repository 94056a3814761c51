"""What commands about accounts must be told to be decided (LOG-08)."""

from __future__ import annotations

from typing import Any

import attrs

from crm_core.kernel.policy import Policy
from crm_core.kernel.slice import LookUp, Sight
from crm_core.payments.allocation_policy import AllocationPolicy
from crm_core.payments.clauses import ALLOCATION, epochs_of, late_clauses
from crm_core.payments.collection.arrears import dues
from crm_core.payments.collection.commands import (
    AdvanceCollection,
    CatchUpCollection,
    CheckDefects,
    CompleteStep,
    ConfirmStep,
    ProposeHold,
)
from crm_core.payments.collection.course import course_of, told_of
from crm_core.payments.collection.policy import DEFAULT_COLLECTION, CollectionPolicy
from crm_core.payments.collection.state import Collection
from crm_core.payments.commands import AgreeClause, ClaimLateCharge
from crm_core.payments.credit import CreditPolicy
from crm_core.payments.decide import ACCOUNT
from crm_core.payments.late import LateChargePolicy
from crm_core.payments.ledger import LATE_CHARGE
from crm_core.payments.state import Account

AGREEABLE: dict[str, type[Policy]] = {
    ALLOCATION: AllocationPolicy,
    LATE_CHARGE: LateChargePolicy,
}
"""The kinds of policies that a clause can agree on, by its subject."""


def with_known_policies(command: AgreeClause, _state: Any, sight: Sight) -> AgreeClause:
    """Which policies there are that the clause could name."""
    kind = AGREEABLE.get(command.subject)
    refs = [] if kind is None else [policy.ref for policy in sight.every(kind)]
    known = tuple(sorted({name for ref in refs for name in (ref.name, str(ref))}))
    return attrs.evolve(command, known_policies=known)


def with_late_charge(command: ClaimLateCharge, state: Account, sight: Sight) -> ClaimLateCharge:
    """The late charge that the contract agrees on, if it does (PAY-08)."""
    late = state.charge(command.of)
    found = late and late_clauses(state.facts.values(), late.due, command.on, command.policy_name)
    if not found:
        return command
    policy = sight.policy(LateChargePolicy, found[-1].policy_name, command.on)
    return attrs.evolve(command, policy=policy)


def with_dues(command: AdvanceCollection, state: Collection, sight: Sight) -> AdvanceCollection:
    """What a tenure owes on the day, and by which ladder it is asked for (PAY-10, PAY-16)."""
    policy = sight.policy(CollectionPolicy, DEFAULT_COLLECTION, command.on)
    credit = sight.policy(CreditPolicy, policy.credit, command.on)
    account = sight.state(ACCOUNT, command.household)
    found = dues(
        account,
        command.on,
        credit,
        tenures=sight.tenures(command.household),
        tenure=command.tenure,
        epochs=epochs_of(command.household, account, sight),
        began=None if state.grade is None else state.began,
    )
    return attrs.evolve(command, dues=found, policy=policy, present_day=sight.present_day)


def with_days(command: CatchUpCollection, state: Collection, sight: Sight) -> CatchUpCollection:
    """The days that bring something about, and what is owed on each (PAY-10)."""
    days, _ = course_of(command, state, sight, told_of(command.household, sight))
    return attrs.evolve(command, days=days, present_day=sight.present_day)


def with_tenures(command: Any, _state: Any, sight: Sight) -> Any:
    """Whose arrears there can be (PAY-16)."""
    return attrs.evolve(command, tenures=sight.tenures(command.household))


def with_present_day(command: Any, _state: Any, sight: Sight) -> Any:
    """The day it is: nothing was done on one that is still to come (PAY-10)."""
    return attrs.evolve(command, present_day=sight.present_day)


LOOK_UPS: dict[type, LookUp] = {
    AdvanceCollection: with_dues,
    AgreeClause: with_known_policies,
    CatchUpCollection: with_days,
    CheckDefects: with_tenures,
    ClaimLateCharge: with_late_charge,
    CompleteStep: with_present_day,
    ConfirmStep: with_present_day,
    ProposeHold: with_tenures,
}
