"""Gradings as people and other systems read them."""

from __future__ import annotations

from typing import Any

from crm_core.gradings.events import GradingDecided


def grading_row(grading: GradingDecided) -> dict[str, Any]:
    """One line of the graded list."""
    facts, outcome = grading.facts, grading.outcome
    return {
        "household": grading.household,
        "layer": outcome.layer,
        "status": outcome.status,
        "type": outcome.type,
        "credit": facts.credit,
        "worst_credit": facts.worst_credit,
        "purchases_fen": facts.purchases_fen,
        "attention": facts.attention,
        "overdue_days": facts.overdue_days,
    }
