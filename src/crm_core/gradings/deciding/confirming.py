"""Type and top layer: what people confirm of a grading (GRD-02, GRD-03)."""

from __future__ import annotations

from crm_core.gradings.commands import ConfirmGrading, ConfirmType, ProposeType
from crm_core.gradings.criteria import AWAITING
from crm_core.gradings.deciding.refusals import contested, graded, other_role
from crm_core.gradings.events import GradingConfirmed, TypeConfirmed, TypeProposed
from crm_core.gradings.policy import TYPES
from crm_core.gradings.review import (
    CONTESTED,
    PROVISIONAL,
    TOP_LAYER_ROLES,
    about,
    has_hard_fact,
    open_proposal,
    open_review,
    standing,
)
from crm_core.gradings.state import Gradings
from crm_core.kernel.decider import Decision, Refusal


def propose_type(command: ProposeType, state: Gradings) -> Decision:
    """A type is proposed with a reason if it is not the one that the rule suggests."""
    grading = graded(command, state)
    if isinstance(grading, Refusal):
        return grading
    if command.type not in TYPES:
        return Refusal("unknown_type", "GRD-02", {"type": command.type, "accepted": list(TYPES)})
    suggested = grading.outcome.type
    if command.type != suggested and not command.reason.strip():
        return Refusal("reason_missing", "GRD-02", {"suggested": suggested}, "reason_missing_type")
    # Complaints alone never make a problem customer, whoever says so (GRD-02).
    if command.type == "problem" and not has_hard_fact(grading.facts, command.policy):
        return Refusal("hard_fact_missing", "GRD-02")
    return (
        TypeProposed(
            household=command.household,
            tenure=grading.tenure,
            year=grading.year,
            run=grading.run,
            type=command.type,
            reason=command.reason,
            proposed_by=command.by.id,
            on=command.on,
        ),
    )


def confirm_type(command: ConfirmType, state: Gradings) -> Decision:
    """The type last proposed is confirmed; the layer follows from it."""
    grading = graded(command, state)
    if isinstance(grading, Refusal):
        return grading
    acts = about(state.acts, grading)
    if open_review(acts) is not None:
        return contested()
    proposed = open_proposal(acts)
    if proposed is None:
        return Refusal("nothing_proposed", "GRD-02", {}, "nothing_proposed_type")
    # It may have been proposed with other facts before one's eyes.
    if proposed.type == "problem" and not has_hard_fact(grading.facts, command.policy):
        return Refusal("hard_fact_missing", "GRD-02")
    return (
        TypeConfirmed(
            household=command.household,
            tenure=grading.tenure,
            year=grading.year,
            run=grading.run,
            type=proposed.type,
            confirmed_by=command.by.id,
            on=command.on,
        ),
    )


def confirm(command: ConfirmGrading, state: Gradings) -> Decision:
    """A person stands for a grading; for the top layer manager and director both do."""
    grading = graded(command, state)
    if isinstance(grading, Refusal):
        return grading
    now = standing(state, grading.run, lambda _: command.policy)
    if now.status == CONTESTED:
        return contested()
    confirmed = (
        GradingConfirmed(
            household=command.household,
            tenure=grading.tenure,
            year=grading.year,
            run=grading.run,
            layer=now.outcome.layer,
            confirmed_by=command.by.id,
            role=command.by.role,
            on=command.on,
        ),
    )
    if now.status == PROVISIONAL and now.outcome.status != AWAITING:
        return confirmed
    if now.status not in (AWAITING, PROVISIONAL):
        return Refusal("nothing_to_confirm", "GRD-03", {"status": now.status})
    if command.by.role not in TOP_LAYER_ROLES:
        return other_role(command.by, TOP_LAYER_ROLES, "GRD-03", "role_insufficient_top_layer")
    if any(said.startswith(f"{command.by.role}:") for said in now.confirmed_by):
        return ()
    # INVARIANT (GRD-03): who has confirmed in one role does not in the other.
    if any(said.partition(":")[2] in command.by.ids for said in now.confirmed_by):
        return Refusal("same_person", "GRD-03")
    return confirmed
