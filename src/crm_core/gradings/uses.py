"""What a grade may influence: a closed list, and nothing else (GRD-14).

A fee, a deposit, a discount, utilities, safety and statutory repairs, the priority of a complaint
and access are no members of `Use`, so nothing can be asked for them. Other slices may import this
module and no other of gradings; those that charge or repair may not import this one either.
"""

from __future__ import annotations

from enum import StrEnum

from attrs import frozen

from crm_core.gradings.criteria import AWAITING
from crm_core.gradings.policy import INSUFFICIENT, LAYERS
from crm_core.gradings.review import CONTESTED, PROVISIONAL, Standing


class Use(StrEnum):
    """What a grade may influence."""

    CARE_PLAN = "care_plan"
    CONTACT_CHANNEL = "contact_channel"
    SURVEY_SAMPLING = "survey_sampling"
    VISIT_FREQUENCY = "visit_frequency"


NEUTRAL = "ordinary"
"""The layer in whose way a household is treated about which nothing may be held."""


@frozen
class Influence:
    """The layer to go by, for one use; nothing else of a grading goes out.

    Args:
        because: `graded`, or why it is not the layer of the grading: `ungraded`, `insufficient`,
            `contested`, `provisional`, `awaiting_confirmation`.
    """

    household: str
    use: Use
    layer: str
    because: str


def influence(
    household: str, use: Use, now: Standing | None, before: Standing | None = None
) -> Influence:
    """The layer to go by.

    A contested or provisional grading has no adverse use: meanwhile the household is treated as
    before, or neutrally, or as the grading says, whichever is best. A top layer that waits for
    its confirmations is not used yet, and a lack of data is never held against anybody.

    Args:
        now: How the household's latest grading stands; None if it was never graded.
        before: How the one before it stands.

    Raises:
        ValueError: the use is not on the list.
    """
    layer, because = _layer(now, before)
    return Influence(household, Use(use), layer, because)


def _layer(now: Standing | None, before: Standing | None) -> tuple[str, str]:
    if now is None:
        return NEUTRAL, "ungraded"
    if now.status in (CONTESTED, PROVISIONAL):
        held = () if before is None else (before.layer,)
        return _best(now.layer, NEUTRAL, *held), now.status
    if now.layer == INSUFFICIENT:
        return NEUTRAL, INSUFFICIENT
    if now.status == AWAITING and now.layer in LAYERS:
        return LAYERS[min(LAYERS.index(now.layer) + 1, len(LAYERS) - 1)], AWAITING
    return now.layer, "graded"


def _best(*layers: str) -> str:
    known = [layer for layer in LAYERS if layer in layers]
    return known[0] if known else NEUTRAL
