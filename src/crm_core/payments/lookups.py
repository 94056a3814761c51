"""What commands about accounts must be told to be decided (LOG-08)."""

from __future__ import annotations

from typing import Any

import attrs

from crm_core.kernel.policy import Policy
from crm_core.kernel.slice import LookUp, Sight
from crm_core.payments.allocation_policy import AllocationPolicy
from crm_core.payments.clauses import ALLOCATION, late_clauses
from crm_core.payments.collection.commands import AdvanceCollection
from crm_core.payments.collection.dues import dues
from crm_core.payments.collection.policy import DEFAULT_COLLECTION, CollectionPolicy
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


def with_dues(command: AdvanceCollection, _state: Any, sight: Sight) -> AdvanceCollection:
    """What is owed on the day, and by which ladder it is asked for (PAY-10)."""
    policy = sight.policy(CollectionPolicy, DEFAULT_COLLECTION, command.on)
    credit = sight.policy(CreditPolicy, policy.credit, command.on)
    found = dues(sight.state(ACCOUNT, command.household), command.on, credit)
    return attrs.evolve(command, dues=found, policy=policy, present_day=sight.present_day)


LOOK_UPS: dict[type, LookUp] = {
    AdvanceCollection: with_dues,
    AgreeClause: with_known_policies,
    ClaimLateCharge: with_late_charge,
}
