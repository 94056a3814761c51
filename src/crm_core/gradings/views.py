"""Gradings as people and other systems read them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attrs import evolve

from crm_core.gradings.events import GradingDecided, RecordReplaced, RunStarted
from crm_core.gradings.record import is_timely
from crm_core.gradings.review import Standing
from crm_core.kernel.projection import Projection, Put, Rows
from crm_core.kernel.recorded import Recorded
from crm_core.kernel.values import frozen


def grading_row(grading: GradingDecided, standing: Standing | None = None) -> dict[str, Any]:
    """One line of the graded list: what was computed, and how it stands.

    Args:
        standing: What people did about it, if anything. Where another layer or type holds than
            was computed, it comes beside it as `applied`.
    """
    facts, outcome = grading.facts, grading.outcome
    row = {
        "household": grading.household,
        "layer": outcome.layer,
        "status": outcome.status if standing is None else standing.status,
        "type": outcome.type,
        "credit": facts.credit,
        "worst_credit": facts.worst_credit,
        "purchases_fen": facts.purchases_fen,
        "attention": facts.attention,
        "overdue_days": facts.overdue_days,
    }
    if standing is not None and (standing.differs or standing.replaced_by is not None):
        override = standing.override
        row["applied"] = {
            "layer": standing.layer,
            "type": standing.type,
            "until": None if override is None or override.until is None else str(override.until),
            "replaced_by": standing.replaced_by,
        }
    if standing is not None and standing.conflicts:
        row["conflicts"] = list(standing.conflicts)
    return row


def graded_line(standing: Standing) -> dict[str, Any]:
    """One line of the directory of graded customers (客户分级目录): what holds, and from where."""
    grading = standing.grading
    return {
        "household": grading.household,
        "layer": standing.layer,
        "type": standing.type,
        "status": standing.status,
        "computed_layer": grading.outcome.layer,
        "computed_type": grading.outcome.type,
        "type_confirmed": standing.type_confirmed,
        "credit": grading.facts.credit,
        "purchases_fen": grading.facts.purchases_fen,
        "year": grading.year,
        "run": grading.run,
    }


def standing_row(now: Standing) -> dict[str, Any]:
    """How one grading stands: what holds, by whose word, and what it waits for."""
    grading, override = now.grading, now.override
    return {
        "household": grading.household,
        "tenure": grading.tenure,
        "year": grading.year,
        "run": grading.run,
        "layer": now.layer,
        "type": now.type,
        "status": now.status,
        "computed_layer": grading.outcome.layer,
        "computed_type": grading.outcome.type,
        "type_confirmed": now.type_confirmed,
        "proposed_type": None if now.proposed is None else now.proposed.type,
        "confirmed_by": list(now.confirmed_by),
        "uplifted": now.uplift is not None,
        "review": None if now.review is None else now.review.review,
        "until": None if override is None or override.until is None else str(override.until),
        "replaced_by": now.replaced_by,
        "conflicts": list(now.conflicts),
        "waits_for": list(now.waits_for),
    }


@frozen
class GradedRow:
    """What a run decided about a household; whether it holds, the run's year says.

    Args:
        position: Where the decision stands in the log.
    """

    household: str
    tenure: str
    year: int
    run: str
    position: int
    layer: str
    type: str
    status: str
    credit: str


def _graded(_rows: Rows[GradedRow], recorded: Recorded[GradingDecided]) -> Iterator[Put[GradedRow]]:
    grading = recorded.event
    outcome = grading.outcome
    row = GradedRow(
        household=grading.household,
        tenure=grading.tenure,
        year=grading.year,
        run=grading.run,
        position=recorded.position,
        layer=outcome.layer,
        type=outcome.type,
        status=outcome.status,
        credit=grading.facts.credit,
    )
    yield Put(f"{grading.run}/{grading.household}", row, grading.run)


GRADED = Projection("gradings.graded", 1, GradedRow, ("gradings.decided/1",), _graded)
"""Gradings by `run/household`, in order of runs: ask for those of the run that `RECORDS` names."""


@frozen
class RecordRow:
    """Which run of a year holds (GRD-17).

    Args:
        timely: The timely runs that began before there was a run of record.
        run: The run of record; empty as long as there is none.
    """

    year: int
    timely: tuple[str, ...] = ()
    run: str = ""


def _record(rows: Rows[RecordRow], recorded: Recorded[Any]) -> Iterator[Put[RecordRow]]:
    event = recorded.event
    key = f"{event.year:04}"
    row = rows.get(key) or RecordRow(event.year)
    if isinstance(event, RunStarted):
        waits = is_timely(event) and not row.run
        then = evolve(row, timely=(*row.timely, event.run)) if waits else row
    elif isinstance(event, RecordReplaced):
        then = evolve(row, run=event.run, timely=())
    else:
        first = event.run in row.timely
        then = evolve(row, run=event.run, timely=()) if first else row
    if then != row:
        yield Put(key, then, key)


RECORDS = Projection(
    "gradings.records",
    1,
    RecordRow,
    ("gradings.run_started/1", "gradings.run_completed/1", "gradings.record_replaced/1"),
    _record,
)
"""The run of record by year."""
