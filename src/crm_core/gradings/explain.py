"""Explanations of one grading, for three readers, from the same data (GRD-07).

They name what was actually applied to this household, with the events it was read from, and
nothing that was not known at the decision's cut-off (GDPR, art. 15 with CJEU C-203/22; PIPL,
art. 24). What people decided stands beside what was computed, never instead of it; the criteria
explain the computed layer and not a person's override.
"""

from __future__ import annotations

from typing import Any

from crm_core.gradings.criteria import assess, counterfactuals, decisive
from crm_core.gradings.events import GradingDecided, ReviewDecided
from crm_core.gradings.policy import GradingPolicy
from crm_core.gradings.record import OF_RECORD, TRIAL
from crm_core.gradings.review import Standing
from crm_core.gradings.words import sentences, suggested
from crm_core.kernel.dates import instant_text
from crm_core.kernel.rules import Criterion
from crm_core.kernel.sentences import Lang

READERS = ("owner", "clerk", "auditor")


def explanation(
    standing: Standing,
    policy: GradingPolicy,
    reader: str = "auditor",
    lang: Lang = "en",
    *,
    of_record: bool = True,
) -> dict[str, Any]:
    """The explanation as plain data.

    Args:
        standing: The grading, and what people did about it.
        reader: `owner` (sentences in the owner's words come first), `clerk` (policies and roles
            as well) or `auditor` (digests, cut-off and persons as well).
        lang: Language of the sentences, `zh` or `en`.
        of_record: Whether the grading is that of a run of record; one of a trial says so (GRD-17).
    """
    grading = standing.grading
    confirmed = standing.outcome.type if standing.type_confirmed else None
    outcome = assess(grading.facts, policy, confirmed)
    ways = counterfactuals(grading.facts, policy, confirmed)
    applied = decisive(grading.facts, policy, confirmed)
    explained: dict[str, Any] = {
        "household": grading.household,
        "tenure": grading.tenure,
        "year": grading.year,
        "run": grading.run,
        "standing": OF_RECORD if of_record else TRIAL,
        "layer": grading.outcome.layer,
        "type": grading.outcome.type,
        "status": standing.status,
        "credit": grading.facts.credit,
        "decisive": [_criterion(c, grading) for c in applied],
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
        "opinions": _opinions(grading),
        "complaints": list(grading.evidence.complaints),
        "applied": _applied(standing, reader),
        "reviews": [_review(review, reader) for review in standing.reviews],
        "sentences": sentences(standing, applied, ways, lang, of_record=of_record),
        "suggested": suggested(standing, lang),
    }
    if reader != "owner":
        explained["policy"] = str(grading.policy)
        explained["credit_policy"] = str(grading.credit_policy)
        explained["reading"] = str(grading.reading)
    if reader == "auditor":
        explained["policy_digest"] = grading.policy.digest
        explained["credit_policy_digest"] = grading.credit_policy.digest
        explained["reading_digest"] = grading.reading.digest
        explained["criteria_digest"] = grading.outcome.criteria
        explained["cutoff"] = {
            "position": grading.cutoff_position,
            "known": instant_text(grading.cutoff_known),
        }
        explained["decided_by"] = grading.decided_by
    return explained


def _opinions(grading: GradingDecided) -> list[int]:
    """Positions of opinions and suggestions among the matters, for who may read them (GRD-01)."""
    complaints = set(grading.evidence.complaints)
    return [position for position in grading.evidence.attention if position not in complaints]


def _applied(standing: Standing, reader: str) -> dict[str, Any]:
    """What holds, and by which act of a person if by one."""
    found: dict[str, Any] = {
        "layer": standing.layer,
        "type": standing.type,
        "status": standing.status,
        "replaced_by": standing.replaced_by,
        "until": None if standing.override is None else _day(standing.override.until),
        "uplift": None,
        "review": None if standing.review is None else standing.review.review,
        "conflicts": list(standing.conflicts),
    }
    uplift = standing.uplift
    if uplift is not None:
        found["uplift"] = {
            "from": uplift.from_layer,
            "reason": uplift.reason,
            "promises": list(uplift.promises),
            "on": uplift.on.isoformat(),
        }
        if reader != "owner":
            found["uplift"]["role"] = uplift.role
        if reader == "auditor":
            found["uplift"]["approved_by"] = uplift.approved_by
            found["uplift"]["proposed_by"] = uplift.proposed_by
    if reader == "auditor" and standing.confirmed_by:
        found["confirmed_by"] = list(standing.confirmed_by)
    return found


def _review(review: ReviewDecided, reader: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "review": review.review,
        "result": review.result,
        "reason": review.reason,
        "layer": review.layer,
        "until": _day(review.until),
        "corrected": review.corrected,
        "on": review.on.isoformat(),
    }
    if reader != "owner":
        found["role"] = review.role
    if reader == "auditor":
        found["decided_by"] = review.decided_by
    return found


def _day(day: Any) -> str | None:
    return None if day is None else str(day.isoformat())


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
