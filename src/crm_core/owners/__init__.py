"""Owners: one file per household, its members and the roles they hold (一户一档)."""

from crm_core.kernel.roles import DESK, FILES, HOUSEHOLDERS, LEADERS, MANAGEMENT, SITE
from crm_core.kernel.slice import Act, Slice
from crm_core.owners.card.commands import (
    AssignKeeper,
    DecideChange,
    ProposeChange,
    RecordItem,
    ReportChange,
    VerifyItem,
    WithdrawItem,
)
from crm_core.owners.card.decide import CARD
from crm_core.owners.card.events import EVENTS as CARD_EVENTS
from crm_core.owners.card.state import Card
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
from crm_core.owners.events import EVENTS as HOUSEHOLD_EVENTS
from crm_core.owners.lookups import LOOK_UPS
from crm_core.owners.merging import MERGES, MergeHousehold, Merges, UndoMerge
from crm_core.owners.prospects import EVENTS as PROSPECT_EVENTS
from crm_core.owners.prospects import (
    PROSPECT,
    ChangeProspect,
    ConvertProspect,
    NoteProspect,
    Prospect,
    RecordProspect,
)
from crm_core.owners.redirects import EVENTS as MERGE_EVENTS
from crm_core.owners.sampling import EVENTS as SAMPLE_EVENTS
from crm_core.owners.sampling import SAMPLE, DrawSample, Sample
from crm_core.owners.state import Household, NoHousehold
from crm_core.owners.views import DIRECTORY
from crm_core.owners.worklists import WORKLIST

EVENTS = (*HOUSEHOLD_EVENTS, *CARD_EVENTS, *MERGE_EVENTS, *PROSPECT_EVENTS, *SAMPLE_EVENTS)

SLICE = Slice(
    name="owners",
    package=__name__,
    events=EVENTS,
    aggregates=(HOUSEHOLD, CARD, MERGES, PROSPECT, SAMPLE),
    readable={Household: HOUSEHOLD, Card: CARD, Merges: MERGES, Prospect: PROSPECT, Sample: SAMPLE},
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
        Act(RecordItem, FILES),
        Act(WithdrawItem, FILES),
        Act(ProposeChange, HOUSEHOLDERS),
        Act(ReportChange, (*SITE, "custodian", "finance", "sales")),
        Act(DecideChange, FILES),
        Act(VerifyItem, FILES),
        Act(AssignKeeper, (*LEADERS, "custodian")),
        Act(MergeHousehold, (*LEADERS, "custodian")),
        Act(UndoMerge, (*LEADERS, "custodian")),
        Act(RecordProspect, (*FILES, "sales")),
        Act(NoteProspect, (*FILES, "sales")),
        Act(ChangeProspect, (*FILES, "sales")),
        Act(ConvertProspect, (*FILES, "sales")),
        Act(DrawSample, (*LEADERS, "custodian")),
        Act("count-segments", LEADERS),
        # Which values, and for what, the access policy says; see `crm_core.kernel.access`.
        Act("reveal", (*SITE, "custodian", "finance", "sales", *HOUSEHOLDERS, "system")),
    ),
    look_ups=LOOK_UPS,
    projections=(DIRECTORY,),
    worklists=(WORKLIST,),
    data_map="data-map.toml",
)

__all__ = [
    "CARD",
    "EVENTS",
    "HOUSEHOLD",
    "MERGES",
    "PROSPECT",
    "SAMPLE",
    "SLICE",
    "AddMember",
    "AgreeDebtor",
    "AssignKeeper",
    "Card",
    "ChangeContact",
    "ChangeProspect",
    "ConfirmConduct",
    "ConvertProspect",
    "DecideChange",
    "DrawSample",
    "EndRole",
    "Household",
    "MergeHousehold",
    "Merges",
    "NoHousehold",
    "NoteProspect",
    "ProposeChange",
    "Prospect",
    "RecordCondition",
    "RecordInterest",
    "RecordItem",
    "RecordProspect",
    "RegisterHousehold",
    "ReleaseDebtor",
    "ReportChange",
    "Sample",
    "TransferOwnership",
    "UndoMerge",
    "VerifyItem",
    "WithdrawItem",
]
