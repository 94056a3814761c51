"""Owners: one file per household, its members and the roles they hold (一户一档)."""

from crm_core.kernel.roles import DESK, FILES, HOUSEHOLDERS, MANAGEMENT, SITE
from crm_core.kernel.slice import Act, Slice
from crm_core.owners.commands import (
    AddMember,
    AgreeDebtor,
    ChangeContact,
    ConfirmConduct,
    EndRole,
    RecordCondition,
    RecordInterest,
    RegisterHousehold,
    ReleaseDebtor,
    TransferOwnership,
)
from crm_core.owners.decide import HOUSEHOLD
from crm_core.owners.events import EVENTS
from crm_core.owners.lookups import LOOK_UPS
from crm_core.owners.state import Household, NoHousehold
from crm_core.owners.views import DIRECTORY

SLICE = Slice(
    name="owners",
    package=__name__,
    events=EVENTS,
    aggregates=(HOUSEHOLD,),
    readable={Household: HOUSEHOLD},
    acts=(
        Act(RegisterHousehold, (*FILES, "sales"), importable=True),
        Act(AddMember, FILES, importable=True),
        Act(EndRole, FILES, importable=True),
        Act(TransferOwnership, FILES, importable=True),
        Act(ChangeContact, FILES),
        Act(RecordInterest, (*DESK, "sales")),
        Act(ConfirmConduct, MANAGEMENT),
        Act(RecordCondition, DESK),
        Act(AgreeDebtor, FILES),
        Act(ReleaseDebtor, FILES),
        # Which values, and for what, the access policy says; see `crm_core.kernel.access`.
        Act("reveal", (*SITE, "custodian", "finance", "sales", *HOUSEHOLDERS, "system")),
    ),
    look_ups=LOOK_UPS,
    projections=(DIRECTORY,),
    data_map="data-map.toml",
)

__all__ = [
    "EVENTS",
    "HOUSEHOLD",
    "SLICE",
    "AddMember",
    "AgreeDebtor",
    "ChangeContact",
    "ConfirmConduct",
    "EndRole",
    "Household",
    "NoHousehold",
    "RecordCondition",
    "RecordInterest",
    "RegisterHousehold",
    "ReleaseDebtor",
    "TransferOwnership",
]
