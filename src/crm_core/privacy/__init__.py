"""Privacy: consents, leaks, what persons ask for, and who is erased or kept (隐私保护)."""

from crm_core.kernel.recorded import STAFF_ROLES
from crm_core.kernel.roles import FILES, HOUSEHOLDERS, LEADERS, MANAGEMENT
from crm_core.kernel.slice import Act, PolicyKind, Slice
from crm_core.kernel.worklists import waiting
from crm_core.privacy import (
    consent,
    consent_texts,
    incident_clock,
    incident_events,
    right_clock,
    rights,
)
from crm_core.privacy.commands import (
    DeclineErasure,
    DeclineStaffErasure,
    EraseHousehold,
    EraseMember,
    EraseStaff,
    LiftLegalHold,
    LiftStaffHold,
    PlaceLegalHold,
    PlaceStaffHold,
)
from crm_core.privacy.consent import (
    CONSENTS,
    Consents,
    GiveConsent,
    Use,
    WithdrawConsent,
    may_use,
)
from crm_core.privacy.consent_texts import CONSENT_TEXTS, ConsentTexts, PublishConsentText
from crm_core.privacy.decide import ERASING, RETENTION, STAFF_RETENTION
from crm_core.privacy.events import ERASURES
from crm_core.privacy.incidents import (
    LEAK,
    CloseLeak,
    DecideSilence,
    Leak,
    ListAffected,
    OpenLeak,
    ProposeSilence,
    ReassessLeak,
    RecordOrder,
    StateLeak,
    StateLeakKinds,
    TellOfLeak,
    TellPersons,
)
from crm_core.privacy.leak_policy import LeaksPolicy
from crm_core.privacy.lookups import LOOK_UPS
from crm_core.privacy.policy import KIND, RetentionPolicy
from crm_core.privacy.purposes import PurposesPolicy
from crm_core.privacy.rights import (
    RIGHT,
    AskRight,
    CheckIdentity,
    ExtendRight,
    FulfilRight,
    RefuseRight,
    RightCase,
    WithdrawRight,
)
from crm_core.privacy.rights_policy import RightsPolicy
from crm_core.privacy.state import Erasures, Retention

EVENTS = (
    *consent_texts.EVENTS,
    *consent.EVENTS,
    *incident_events.EVENTS,
    *rights.EVENTS,
    *ERASURES,
)

KEEPERS = (*LEADERS, "custodian")
"""Who answers for personal data and decides about keys: whoever leads, and the custodian."""

SLICE = Slice(
    name="privacy",
    package=__name__,
    events=EVENTS,
    aggregates=(CONSENT_TEXTS, CONSENTS, LEAK, RIGHT, ERASING, RETENTION, STAFF_RETENTION),
    readable={
        ConsentTexts: CONSENT_TEXTS,
        Consents: CONSENTS,
        Leak: LEAK,
        RightCase: RIGHT,
        Erasures: ERASING,
    },
    acts=(
        Act(PublishConsentText, MANAGEMENT),
        Act(GiveConsent, (*FILES, "sales", *HOUSEHOLDERS)),
        Act(WithdrawConsent, (*STAFF_ROLES, *HOUSEHOLDERS)),
        Act("see-consents", (*STAFF_ROLES, "auditor", "host", "system")),
        Act(OpenLeak, (*STAFF_ROLES, "host")),
        Act(StateLeak, KEEPERS),
        Act(StateLeakKinds, KEEPERS),
        Act(ReassessLeak, KEEPERS),
        Act(ListAffected, KEEPERS),
        Act("determine-affected", KEEPERS),
        Act(TellOfLeak, KEEPERS),
        Act(TellPersons, KEEPERS),
        Act(ProposeSilence, KEEPERS),
        Act(DecideSilence, MANAGEMENT),
        Act(RecordOrder, KEEPERS),
        Act(CloseLeak, MANAGEMENT),
        Act("see-leaks", (*KEEPERS, "auditor")),
        Act(AskRight, (*STAFF_ROLES, *HOUSEHOLDERS)),
        Act(CheckIdentity, FILES),
        Act(ExtendRight, KEEPERS),
        Act(FulfilRight, KEEPERS),
        Act(RefuseRight, MANAGEMENT),
        Act(WithdrawRight, (*STAFF_ROLES, *HOUSEHOLDERS)),
        Act("erase-person", KEEPERS),
        Act(PlaceLegalHold, KEEPERS),
        Act(LiftLegalHold, KEEPERS),
        Act(PlaceStaffHold, KEEPERS),
        Act(LiftStaffHold, KEEPERS),
        Act(DeclineErasure, KEEPERS),
        Act(DeclineStaffErasure, KEEPERS),
    ),
    look_ups=LOOK_UPS,
    policies=(
        PolicyKind("purposes", PurposesPolicy, PurposesPolicy.parse),
        PolicyKind("leaks", LeaksPolicy, LeaksPolicy.parse),
        PolicyKind("rights", RightsPolicy, RightsPolicy.parse),
        PolicyKind(KIND, RetentionPolicy, RetentionPolicy.parse),
    ),
    shipped=("policies",),
    clock=(incident_clock.CLOCK, right_clock.CLOCK),
    worklists=(
        waiting("privacy", {kind.cls: kind.stored for kind in EVENTS}, (incident_clock.WAITS,)),
        incident_clock.WORKLIST,
        right_clock.WORKLIST,
    ),
    data_map="data-map.toml",
)

__all__ = [
    "CONSENTS",
    "CONSENT_TEXTS",
    "ERASING",
    "ERASURES",
    "EVENTS",
    "KEEPERS",
    "LEAK",
    "RETENTION",
    "RIGHT",
    "SLICE",
    "STAFF_RETENTION",
    "AskRight",
    "CheckIdentity",
    "CloseLeak",
    "ConsentTexts",
    "Consents",
    "DecideSilence",
    "DeclineErasure",
    "DeclineStaffErasure",
    "EraseHousehold",
    "EraseMember",
    "EraseStaff",
    "Erasures",
    "ExtendRight",
    "FulfilRight",
    "GiveConsent",
    "Leak",
    "LeaksPolicy",
    "LiftLegalHold",
    "LiftStaffHold",
    "ListAffected",
    "OpenLeak",
    "PlaceLegalHold",
    "PlaceStaffHold",
    "ProposeSilence",
    "PublishConsentText",
    "PurposesPolicy",
    "ReassessLeak",
    "RecordOrder",
    "RefuseRight",
    "Retention",
    "RetentionPolicy",
    "RightCase",
    "RightsPolicy",
    "StateLeak",
    "StateLeakKinds",
    "TellOfLeak",
    "TellPersons",
    "Use",
    "WithdrawConsent",
    "WithdrawRight",
    "may_use",
]
