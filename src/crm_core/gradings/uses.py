"""What a grade may influence: a closed list, and nothing else (GRD-14).

A fee, a deposit, a discount, utilities, safety and statutory repairs, the priority of a complaint
and access are no members of `Use`, so nothing can be asked for them. Other slices may import this
module and no other of gradings; those that charge or repair may not import this one either.
"""

from __future__ import annotations

from enum import StrEnum

from crm_core.gradings.criteria import AWAITING
from crm_core.gradings.policy import INSUFFICIENT, LAYERS
from crm_core.gradings.review import CONTESTED, PROVISIONAL, TOP_LAYER_ROLES, Standing
from crm_core.kernel.values import frozen


class Use(StrEnum):
    """What a grade may influence: `CARE_MEASURES` by the customer type, all else by the layer."""

    CARE_MEASURES = "care_measures"
    CARE_PLAN = "care_plan"
    CONTACT_CHANNEL = "contact_channel"
    SURVEY_SAMPLING = "survey_sampling"
    VISIT_FREQUENCY = "visit_frequency"


BY_TYPE = frozenset({Use.CARE_MEASURES})
"""Uses that go by the type: the measures that the method names for each (应对措施)."""

NEUTRAL = "ordinary"
"""The layer, and the type, in whose way a household is treated about which nothing may be held."""

ADVERSE_TYPE = "problem"
"""The one type that is held against a household."""

GRADED, UNGRADED, SUGGESTED = "graded", "ungraded", "suggested"


@frozen
class Influence:
    """What to go by, for one use: the layer or the type; nothing else of a grading goes out.

    Args:
        layer: Of a use that goes by it; None for one that goes by the type.
        type: Of a use that goes by it; None for one that goes by the layer.
        because: `graded`, or `suggested` for a type that no person has confirmed; or why it is not
            what the grading says: `ungraded`, `insufficient`, `contested`, `provisional`,
            `awaiting_confirmation`.
    """

    household: str
    use: Use
    layer: str | None
    type: str | None
    because: str


def influence(
    household: str,
    use: Use,
    now: Standing | None,
    before: Standing | None = None,
    *,
    same_tenure: bool = True,
) -> Influence:
    """The layer, or the type, to go by.

    A contested or provisional grading has no adverse use: meanwhile the household is treated as
    before, or neutrally, or as the grading says, whichever is best. A top layer that waits for
    its confirmations is not used yet, and a lack of data is never held against anybody. Nor is
    what others did who had the household before (PAY-16).

    Args:
        now: How the household's latest grading stands; None if it was never graded.
        before: How the one before it stands; of the same tenure, or None.
        same_tenure: Whether `now` is about the tenure of the day on which it is used.

    Raises:
        ValueError: the use is not on the list.
    """
    use = Use(use)
    if not same_tenure:
        now = None
    layer: str | None = None
    type: str | None = None
    if use in BY_TYPE:
        type, because = _type(now, before)
    else:
        layer, because = _layer(now, before)
    return Influence(household=household, use=use, layer=layer, type=type, because=because)


# --- by the layer ----------------------------------------------------------------------------


def _layer(now: Standing | None, before: Standing | None) -> tuple[str, str]:
    if now is None:
        return NEUTRAL, UNGRADED
    usable = _usable(now)
    if now.status in (CONTESTED, PROVISIONAL):
        held = () if before is None else (_usable(before),)
        return _best(usable, NEUTRAL, *held), now.status
    if now.layer == INSUFFICIENT:
        return NEUTRAL, INSUFFICIENT
    return usable, GRADED if usable == now.layer else AWAITING


def _usable(standing: Standing) -> str:
    """The layer that holds; the next one while a top layer waits for its two persons (GRD-03)."""
    layer = standing.layer
    said = {by.partition(":")[0] for by in standing.confirmed_by}
    confirmed = standing.outcome.status != AWAITING or said.issuperset(TOP_LAYER_ROLES)
    by_person = standing.override is not None or standing.uplift is not None
    if confirmed or by_person or layer not in LAYERS:
        return layer
    return LAYERS[min(LAYERS.index(layer) + 1, len(LAYERS) - 1)]


def _best(*layers: str) -> str:
    known = [layer for layer in LAYERS if layer in layers]
    return known[0] if known else NEUTRAL


# --- by the type -----------------------------------------------------------------------------


def _type(now: Standing | None, before: Standing | None) -> tuple[str, str]:
    """The type that holds; it waits for nobody's confirmation of a layer."""
    if now is None:
        return NEUTRAL, UNGRADED
    open_to_doubt = now.status in (CONTESTED, PROVISIONAL)
    if now.layer == INSUFFICIENT:
        return NEUTRAL, now.status if open_to_doubt else INSUFFICIENT
    if open_to_doubt:
        return _not_adverse(now, before), now.status
    return now.type, GRADED if now.type_confirmed else SUGGESTED


def _not_adverse(now: Standing, before: Standing | None) -> str:
    """The type as it is if it harms nobody; else as before if that does not; else the neutral."""
    held = (now,) if before is None or before.layer == INSUFFICIENT else (now, before)
    return next((one.type for one in held if one.type != ADVERSE_TYPE), NEUTRAL)
