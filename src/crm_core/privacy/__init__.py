"""Privacy: what members agreed to, leaks of their data, and what they ask about it."""

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
from crm_core.privacy.consent import (
    CONSENTS,
    Consents,
    GiveConsent,
    Use,
    WithdrawConsent,
    may_use,
)
from crm_core.privacy.consent_texts import CONSENT_TEXTS, ConsentTexts, PublishConsentText
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

EVENTS = (*consent_texts.EVENTS, *consent.EVENTS, *incident_events.EVENTS, *rights.EVENTS)

_ANSWERING = (*LEADERS, "custodian")
"""Who answers for personal data: whoever leads, and the custodian of the files."""

SLICE = Slice(
    name="privacy",
    package=__name__,
    events=EVENTS,
    aggregates=(CONSENT_TEXTS, CONSENTS, LEAK, RIGHT),
    readable={
        ConsentTexts: CONSENT_TEXTS,
        Consents: CONSENTS,
        Leak: LEAK,
        RightCase: RIGHT,
    },
    acts=(
        Act(PublishConsentText, MANAGEMENT),
        Act(GiveConsent, (*FILES, "sales", *HOUSEHOLDERS)),
        Act(WithdrawConsent, (*STAFF_ROLES, *HOUSEHOLDERS)),
        Act("see-consents", (*STAFF_ROLES, "auditor", "host", "system")),
        Act(OpenLeak, (*STAFF_ROLES, "host")),
        Act(StateLeak, _ANSWERING),
        Act(StateLeakKinds, _ANSWERING),
        Act(ReassessLeak, _ANSWERING),
        Act(ListAffected, _ANSWERING),
        Act("determine-affected", _ANSWERING),
        Act(TellOfLeak, _ANSWERING),
        Act(TellPersons, _ANSWERING),
        Act(ProposeSilence, _ANSWERING),
        Act(DecideSilence, MANAGEMENT),
        Act(RecordOrder, _ANSWERING),
        Act(CloseLeak, MANAGEMENT),
        Act("see-leaks", (*_ANSWERING, "auditor")),
        Act(AskRight, (*STAFF_ROLES, *HOUSEHOLDERS)),
        Act(CheckIdentity, FILES),
        Act(ExtendRight, _ANSWERING),
        Act(FulfilRight, _ANSWERING),
        Act(RefuseRight, MANAGEMENT),
        Act(WithdrawRight, (*STAFF_ROLES, *HOUSEHOLDERS)),
    ),
    look_ups=LOOK_UPS,
    policies=(
        PolicyKind("purposes", PurposesPolicy, PurposesPolicy.parse),
        PolicyKind("leaks", LeaksPolicy, LeaksPolicy.parse),
        PolicyKind("rights", RightsPolicy, RightsPolicy.parse),
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
    "EVENTS",
    "LEAK",
    "RIGHT",
    "SLICE",
    "AskRight",
    "CheckIdentity",
    "CloseLeak",
    "ConsentTexts",
    "Consents",
    "DecideSilence",
    "ExtendRight",
    "FulfilRight",
    "GiveConsent",
    "Leak",
    "LeaksPolicy",
    "ListAffected",
    "OpenLeak",
    "ProposeSilence",
    "PublishConsentText",
    "PurposesPolicy",
    "ReassessLeak",
    "RecordOrder",
    "RefuseRight",
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
