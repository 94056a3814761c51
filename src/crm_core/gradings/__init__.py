"""Gradings: type and layer of a household, decided, explained, replayed."""

from crm_core.gradings.criteria import Counterfactual, Outcome, assess, counterfactuals
from crm_core.gradings.decide import GRADING, RUN
from crm_core.gradings.events import EVENTS, GradingDecided
from crm_core.gradings.explain import explanation
from crm_core.gradings.facts import Evidence, Facts, gather
from crm_core.gradings.policy import GradingPolicy
from crm_core.gradings.replay import Affected, Difference
from crm_core.gradings.state import Gradings, Run

__all__ = [
    "EVENTS",
    "GRADING",
    "RUN",
    "Affected",
    "Counterfactual",
    "Difference",
    "Evidence",
    "Facts",
    "GradingDecided",
    "GradingPolicy",
    "Gradings",
    "Outcome",
    "Run",
    "assess",
    "counterfactuals",
    "explanation",
    "gather",
]
