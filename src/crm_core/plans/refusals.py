"""Refusals that several decisions about plans share."""

from __future__ import annotations

from datetime import date
from typing import Any

from crm_core.kernel.decider import Refusal
from crm_core.plans.state import MaintenancePlan


def missing(what: str, rule: str) -> Refusal:
    """Something that a person has to say was left empty: code `note_missing`."""
    return Refusal("note_missing", rule, sentence=f"note_missing_{what}")


def closed(state: MaintenancePlan, plan: str) -> Refusal | None:
    """Why nothing is added to a plan any more, if so."""
    if state.archived is not None:
        return Refusal("plan_archived", "PLN-03", {"plan": plan})
    if state.dropped and state.in_force is None:
        return Refusal("plan_dropped", "PLN-02", {"plan": plan})
    return None


def is_gone(gone: str) -> Refusal | None:
    """Why a household is cared for no more: sold since, void, or erased."""
    return Refusal("household_gone", "PLN-03", sentence=f"household_{gone}") if gone else None


def before(command: Any, state: MaintenancePlan) -> Refusal | None:
    """A step that would come before the one it rests on."""
    return too_early(command.on, state.step_on)


def too_early(on: date, earliest: date | None) -> Refusal | None:
    """Something that would be earlier than what it is about."""
    if earliest is None or on >= earliest:
        return None
    details = {"earliest": earliest.isoformat()}
    return Refusal("too_early", "PLN-03", details, "too_early_plan")
