"""Refusals that several decisions about a grading share."""

from __future__ import annotations

from crm_core.kernel.decider import Refusal
from crm_core.kernel.recorded import Actor


def no_grading(household: str, run: str) -> Refusal:
    """There is no grading of that household by that run."""
    return Refusal("unknown_grading", "GRD-06", {"household": household, "run": run})


def contested() -> Refusal:
    """While a review is open nothing else is decided."""
    return Refusal("grading_contested", "GRD-13")


def other_role(by: Actor, roles: tuple[str, ...], rule: str, sentence: str, **more: str) -> Refusal:
    """What it takes depends on the grading: who may at all, the authority policy says."""
    details = {"role": by.role, "accepted": list(roles), **more}
    return Refusal("role_insufficient", rule, details, sentence)
