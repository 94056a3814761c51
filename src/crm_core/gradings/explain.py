"""Explanations of one grading, for three readers, from the same data (GRD-07).

They name what was actually applied to this household, with the events it was read from, and
nothing that was not known at the decision's cut-off.
"""

from __future__ import annotations

from typing import Any

from crm_core.gradings.criteria import counterfactuals
from crm_core.gradings.events import GradingDecided
from crm_core.gradings.policy import GradingPolicy
from crm_core.gradings.words import Lang, sentences
from crm_core.kernel.dates import instant_text
from crm_core.kernel.rules import Criterion

READERS = ("owner", "clerk", "auditor")


def explanation(
    grading: GradingDecided, policy: GradingPolicy, reader: str = "auditor", lang: Lang = "en"
) -> dict[str, Any]:
    """The explanation as plain data.

    Args:
        reader: `owner` (sentences in the owner's words come first), `clerk` or `auditor`
            (policy digests and cut-off as well).
        lang: Language of the sentences, `zh` or `en`.
    """
    outcome = grading.outcome
    ways = counterfactuals(grading.facts, policy)
    explained: dict[str, Any] = {
        "household": grading.household,
        "year": grading.year,
        "run": grading.run,
        "layer": outcome.layer,
        "type": outcome.type,
        "status": outcome.status,
        "credit": grading.facts.credit,
        "criteria": [_criterion(c, grading) for c in outcome.criteria],
        "distance": None
        if outcome.distance is None
        else {
            "layer": outcome.distance.layer,
            "missing": [_criterion(c, grading) for c in outcome.distance.missing],
        },
        "counterfactuals": [
            {
                "changes": [
                    {"fact": change.fact, "value": change.value, "to": change.to}
                    for change in way.changes
                ],
                "layer": way.layer,
                "type": way.type,
            }
            for way in ways
        ],
        "sentences": sentences(grading, ways, lang),
        "suggested": "type suggested by rule, not confirmed by a person",
    }
    if reader != "owner":
        explained["policy"] = str(grading.policy)
        explained["credit_policy"] = str(grading.credit_policy)
    if reader == "auditor":
        explained["policy_digest"] = grading.policy.digest
        explained["credit_policy_digest"] = grading.credit_policy.digest
        explained["cutoff"] = {
            "position": grading.cutoff_position,
            "known": instant_text(grading.cutoff_known),
        }
        explained["decided_by"] = grading.decided_by
    return explained


def _criterion(criterion: Criterion, grading: GradingDecided) -> dict[str, Any]:
    threshold = criterion.threshold
    return {
        "name": criterion.name,
        "fact": criterion.fact,
        "value": criterion.value,
        "op": str(criterion.op),
        "threshold": list(threshold) if isinstance(threshold, tuple) else threshold,
        "met": criterion.met,
        "evidence": list(grading.evidence.of(criterion.fact)),
    }
