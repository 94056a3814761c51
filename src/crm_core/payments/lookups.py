"""What commands about accounts must be told to be decided (LOG-08)."""

from __future__ import annotations

from typing import Any

import attrs

from crm_core.kernel.slice import LookUp, Sight
from crm_core.payments.collection import DEFAULT_COLLECTION, CollectionPolicy
from crm_core.payments.commands import AdvanceCollection, ClaimLateCharge
from crm_core.payments.credit import CreditPolicy
from crm_core.payments.decide import ACCOUNT
from crm_core.payments.ladder import dues
from crm_core.payments.late import LateChargePolicy


def with_late_charge(command: ClaimLateCharge, _state: Any, sight: Sight) -> ClaimLateCharge:
    """The late charge that was agreed (PAY-08)."""
    policy = sight.policy(LateChargePolicy, command.policy_name, command.on)
    return attrs.evolve(command, policy=policy)


def with_dues(command: AdvanceCollection, _state: Any, sight: Sight) -> AdvanceCollection:
    """What is owed on the day, and by which ladder it is asked for (PAY-10)."""
    policy = sight.policy(CollectionPolicy, DEFAULT_COLLECTION, command.on)
    credit = sight.policy(CreditPolicy, policy.credit, command.on)
    found = dues(sight.state(ACCOUNT, command.household), command.on, credit)
    return attrs.evolve(command, dues=found, policy=policy, present_day=sight.present_day)


LOOK_UPS: dict[type, LookUp] = {AdvanceCollection: with_dues, ClaimLateCharge: with_late_charge}
