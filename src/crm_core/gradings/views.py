"""Gradings as people and other systems read them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attrs import frozen

from crm_core.gradings.events import GradingDecided
from crm_core.kernel.projection import Projection, Put, Rows
from crm_core.kernel.recorded import Recorded


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


@frozen
class LatestGrading:
    """What was decided last about a household for a year.

    Args:
        run: The run that decided it.
        position: Where the decision stands in the log.
    """

    household: str
    year: int
    run: str
    position: int
    layer: str
    type: str
    status: str
    credit: str


def _latest(
    _rows: Rows[LatestGrading], recorded: Recorded[GradingDecided]
) -> Iterator[Put[LatestGrading]]:
    grading = recorded.event
    outcome = grading.outcome
    row = LatestGrading(
        grading.household,
        grading.year,
        grading.run,
        recorded.position,
        outcome.layer,
        outcome.type,
        outcome.status,
        grading.facts.credit,
    )
    yield Put(f"{grading.household}/{grading.year}", row, f"{grading.year:04}")


LATEST = Projection("gradings.latest", 1, LatestGrading, ("gradings.decided/1",), _latest)
"""The grading decided last, by `household/year`; in order of years."""
