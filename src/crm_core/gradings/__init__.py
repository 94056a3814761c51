"""Gradings: type and layer of a household, decided, explained, replayed."""

from crm_core.gradings.adoption import ADOPTION, POLICY_KIND, list_drafted
from crm_core.gradings.commands import (
    AcceptAutomatic,
    ApprovePolicy,
    ConfirmGrading,
    ConfirmType,
    ContestGrading,
    DecideReview,
    DecideUplift,
    DraftPolicy,
    MakePolicyEffective,
    ProposeType,
    ProposeUplift,
    RefuseAutomatic,
    ReplaceRecord,
)
from crm_core.gradings.criteria import Counterfactual, Outcome, assess, counterfactuals
from crm_core.gradings.decide import GRADING, YEAR
from crm_core.gradings.events import EVENTS, GradingDecided, PolicyDrafted
from crm_core.gradings.explain import explanation
from crm_core.gradings.facts import Evidence, Facts, gather
from crm_core.gradings.policy import GradingPolicy
from crm_core.gradings.reading import Reading
from crm_core.gradings.replay import Affected, Difference
from crm_core.gradings.state import Gradings, Year
from crm_core.gradings.studies.shares import SharesPolicy
from crm_core.gradings.uplift import UpliftPolicy
from crm_core.gradings.views import GRADED, RECORDS
from crm_core.gradings.worklists import WORKLIST
from crm_core.kernel.roles import DESK, HOST, HOUSEHOLDERS, LEADERS, MANAGEMENT
from crm_core.kernel.slice import Act, PolicyKind, Slice

SLICE = Slice(
    name="gradings",
    package=__name__,
    events=EVENTS,
    aggregates=(GRADING, YEAR, ADOPTION, POLICY_KIND),
    acts=(
        Act(ProposeType, ("specialist",)),
        Act(ConfirmType, LEADERS),
        Act(ConfirmGrading, LEADERS),
        Act(ProposeUplift, DESK),
        Act(DecideUplift, MANAGEMENT),
        Act(RefuseAutomatic, (*HOUSEHOLDERS, *DESK)),
        Act(AcceptAutomatic, (*HOUSEHOLDERS, *DESK)),
        Act(ContestGrading, (*HOUSEHOLDERS, *DESK)),
        Act(DecideReview, LEADERS),
        Act(ReplaceRecord, ("director",)),
        Act(DraftPolicy, LEADERS),
        Act("assess-policy", LEADERS),
        Act(ApprovePolicy, ("director",)),
        Act(MakePolicyEffective, MANAGEMENT),
        Act("allot-quota", MANAGEMENT),
        Act("grade", (*HOST, *LEADERS)),
    ),
    policies=(
        PolicyKind("grading", GradingPolicy, GradingPolicy.parse, adoptable=True),
        PolicyKind("reading", Reading, Reading.parse),
        PolicyKind("shares", SharesPolicy, SharesPolicy.parse),
        PolicyKind("uplift", UpliftPolicy, UpliftPolicy.parse),
    ),
    shipped=("policies",),
    projections=(GRADED, RECORDS),
    worklists=(WORKLIST,),
    reactions={PolicyDrafted: list_drafted},
    data_map="data-map.toml",
)

__all__ = [
    "EVENTS",
    "GRADING",
    "SLICE",
    "YEAR",
    "Affected",
    "Counterfactual",
    "Difference",
    "Evidence",
    "Facts",
    "GradingDecided",
    "GradingPolicy",
    "Gradings",
    "Outcome",
    "Reading",
    "Year",
    "assess",
    "counterfactuals",
    "explanation",
    "gather",
]
