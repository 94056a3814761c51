"""What was decided about gradings. Names and fields are a storage contract."""

from __future__ import annotations

from datetime import date, datetime

from attrs import frozen

from crm_core.catalog import EventType
from crm_core.gradings.criteria import Outcome
from crm_core.gradings.facts import Evidence, Facts
from crm_core.kernel.policy import PolicyRef


@frozen
class RunStarted:
    """A yearly run began; its cut-off is fixed from here on (GRD-12)."""

    run: str
    year: int
    policy: PolicyRef
    credit_policy: PolicyRef
    cutoff_position: int
    cutoff_known: datetime


@frozen
class GradingDecided:
    """One household was graded (GRD-06).

    `assess(facts, policy) == outcome` holds for ever, and so does reading the facts again from
    the log up to the cut-off.
    """

    household: str
    run: str
    year: int
    period_start: date
    period_end: date
    policy: PolicyRef
    credit_policy: PolicyRef
    cutoff_position: int
    cutoff_known: datetime
    facts: Facts
    evidence: Evidence
    outcome: Outcome
    decided_by: str


@frozen
class RunCompleted:
    """Every household known at the cut-off was graded."""

    run: str
    year: int
    gradings: int


EVENTS = (
    EventType("gradings.run_started", 1, RunStarted),
    EventType("gradings.decided", 1, GradingDecided, effective="period_end"),
    EventType("gradings.run_completed", 1, RunCompleted),
)

DECIDED = "gradings.decided/1"
COMPLETED = "gradings.run_completed/1"
"""Stored names that readers of the log ask for."""
