"""Owners: one file per household, its members and the roles they hold (一户一档)."""

from crm_core.owners.commands import (
    AddMember,
    ChangeContact,
    ConfirmConduct,
    EndRole,
    RecordInterest,
    RegisterHousehold,
    TransferOwnership,
)
from crm_core.owners.decide import HOUSEHOLD
from crm_core.owners.events import EVENTS
from crm_core.owners.state import Household, NoHousehold

__all__ = [
    "EVENTS",
    "HOUSEHOLD",
    "AddMember",
    "ChangeContact",
    "ConfirmConduct",
    "EndRole",
    "Household",
    "NoHousehold",
    "RecordInterest",
    "RegisterHousehold",
    "TransferOwnership",
]
