"""One layer more for proven creditworthiness: proposed, and approved or rejected (GRD-05)."""

from __future__ import annotations

from crm_core.gradings.commands import DecideUplift, ProposeUplift
from crm_core.gradings.deciding.refusals import contested, graded, other_role
from crm_core.gradings.events import (
    GradingDecided,
    LayerUplifted,
    UpliftProposed,
    UpliftRejected,
)
from crm_core.gradings.policy import GRADES, INSUFFICIENT
from crm_core.gradings.review import CONTESTED, about, open_uplift, standing
from crm_core.gradings.state import Gradings
from crm_core.kernel.commands import reason_of
from crm_core.kernel.decider import Decision, Refusal
from crm_core.kernel.refusals import no_reason


def propose_uplift(command: ProposeUplift, state: Gradings) -> Decision:
    """An uplift is proposed only where it could be approved."""
    grading = graded(command, state)
    if isinstance(grading, Refusal):
        return grading
    if not command.reason.strip():
        return no_reason("GRD-05", "uplift")
    if open_uplift(about(state.acts, grading)) is not None:
        return Refusal("uplift_proposed_already", "GRD-05")
    lifted = _lifted(command, grading, state)
    if isinstance(lifted, Refusal):
        return lifted
    return (
        UpliftProposed(
            household=command.household,
            tenure=grading.tenure,
            year=grading.year,
            run=grading.run,
            reason=command.reason,
            proposed_by=command.by.id,
            on=command.on,
        ),
    )


def decide_uplift(command: DecideUplift, state: Gradings) -> Decision:
    """The uplift proposed lifts the household, or is rejected with a reason."""
    grading = graded(command, state)
    if isinstance(grading, Refusal):
        return grading
    proposed = open_uplift(about(state.acts, grading))
    if proposed is None:
        return Refusal("nothing_proposed", "GRD-05", {}, "nothing_proposed_uplift")
    if not command.approved:
        return _reject(command, grading, proposed)
    lifted = _lifted(command, grading, state)
    if isinstance(lifted, Refusal):
        return lifted
    layer, target = lifted
    if _lacks_promises(command) and command.condition_by in command.by.ids:
        # What lifts it must be the word of somebody else (LOG-08).
        return Refusal("same_person", "GRD-05", {}, "same_person_condition")
    if target in command.grading_policy.needs_confirmation and command.by.role != "director":
        return other_role(
            command.by, ("director",), "GRD-05", "role_insufficient_uplift", layer=target
        )
    return (
        LayerUplifted(
            household=command.household,
            tenure=grading.tenure,
            year=grading.year,
            run=grading.run,
            from_layer=layer,
            layer=target,
            promises=command.promises.kept,
            condition=command.condition,
            reason=reason_of(command, proposed),
            proposed_by=proposed.proposed_by,
            approved_by=command.by.id,
            role=command.by.role,
            policy=command.policy.ref,
            on=command.on,
        ),
    )


def _reject(command: DecideUplift, grading: GradingDecided, proposed: UpliftProposed) -> Decision:
    if not command.reason.strip():
        return no_reason("GRD-05", "rejection")
    return (
        UpliftRejected(
            household=command.household,
            tenure=grading.tenure,
            year=grading.year,
            run=grading.run,
            reason=command.reason,
            proposed_by=proposed.proposed_by,
            rejected_by=command.by.id,
            role=command.by.role,
            on=command.on,
        ),
    )


def _lacks_promises(command: ProposeUplift | DecideUplift) -> bool:
    """Whether the account alone does not prove what an uplift needs."""
    kept, broken = command.promises.kept, command.promises.broken
    return len(kept) < command.policy.kept_promises or bool(broken)


def _lifted(
    command: ProposeUplift | DecideUplift, grading: GradingDecided, state: Gradings
) -> tuple[str, str] | Refusal:
    """The layer that the household has and the one it would rise to, or why it cannot."""
    if command.expired:
        return Refusal("year_superseded", "GRD-05", {"year": grading.year})
    now = standing(state, grading.run, lambda _: command.grading_policy)
    if now.status == CONTESTED:
        return contested()
    if now.uplift is not None:
        return Refusal("uplifted_already", "GRD-05")
    credit, never_from = now.grading.facts.credit, command.policy.never_from
    if GRADES.rank(credit) >= GRADES.rank(never_from):
        return Refusal("credit_too_low", "GRD-05", {"credit": credit, "never_from": never_from})
    kept, broken = command.promises.kept, command.promises.broken
    if _lacks_promises(command) and command.condition is None:
        return Refusal(
            "promises_missing",
            "GRD-05",
            {
                "needed": command.policy.kept_promises,
                "kept": list(kept),
                "kept_count": len(kept),
                "broken": list(broken),
                "broken_count": len(broken),
            },
        )
    layer, layers = now.outcome.layer, command.grading_policy.layers
    if layer in (INSUFFICIENT, layers[0]):
        return Refusal("no_layer_above", "GRD-05", {"layer": layer})
    return layer, layers[layers.index(layer) - 1]
