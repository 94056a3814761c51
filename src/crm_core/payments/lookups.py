"""What commands about accounts must be told to be decided (LOG-08)."""

from __future__ import annotations

from typing import Any

import attrs

from crm_core.kernel.slice import LookUp, Sight
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
from crm_core.payments.commands import ClaimLateCharge
from crm_core.payments.credit import CreditPolicy
from crm_core.payments.decide import ACCOUNT
from crm_core.payments.late import LateChargePolicy


def with_late_charge(command: ClaimLateCharge, _state: Any, sight: Sight) -> ClaimLateCharge:
    """The late charge that was agreed (PAY-08)."""
    policy = sight.policy(LateChargePolicy, command.policy_name, command.on)
    return attrs.evolve(command, policy=policy)


def with_dues(command: AdvanceCollection, state: Collection, sight: Sight) -> AdvanceCollection:
    """What a tenure owes on the day, and by which ladder it is asked for (PAY-10, PAY-16)."""
    policy = sight.policy(CollectionPolicy, DEFAULT_COLLECTION, command.on)
    credit = sight.policy(CreditPolicy, policy.credit, command.on)
    found = dues(
        sight.state(ACCOUNT, command.household),
        command.on,
        credit,
        tenures=sight.tenures(command.household),
        tenure=command.tenure,
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
    CatchUpCollection: with_days,
    CheckDefects: with_tenures,
    ClaimLateCharge: with_late_charge,
    CompleteStep: with_present_day,
    ConfirmStep: with_present_day,
    ProposeHold: with_tenures,
}
