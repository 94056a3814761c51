"""The grading itself: written once, and only if it follows (GRD-06)."""

from __future__ import annotations

from crm_core.gradings.commands import RecordGrading
from crm_core.gradings.criteria import assess
from crm_core.gradings.state import Gradings
from crm_core.kernel.decider import Decision, Refusal


def record(command: RecordGrading, state: Gradings) -> Decision:
    """A grading is written once per run, and only if its own facts and policy give it."""
    grading = command.grading
    if grading.run in state.by_run:
        return ()
    if grading.policy != command.policy.ref:
        return Refusal("policy_not_pinned", "GRD-06", {"policy": str(grading.policy)})
    # Checked on the way to the store, and again on the way back (GRD-06).
    if assess(grading.facts, command.policy).outcome() != grading.outcome:
        return Refusal("outcome_does_not_follow", "GRD-06")
    return (grading,)
