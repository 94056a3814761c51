"""What can be asked of gradings."""

from __future__ import annotations

from attrs import frozen

from crm_core.gradings.events import GradingDecided, RunStarted
from crm_core.gradings.policy import GradingPolicy


@frozen
class RecordGrading:
    """Write a grading into the household's history.

    Args:
        grading: The decision, with facts and outcome.
        policy: Looked up: the policy it pins.
    """

    grading: GradingDecided
    policy: GradingPolicy


@frozen
class StartRun:
    """Begin a yearly run."""

    started: RunStarted


@frozen
class CompleteRun:
    """End a run once every household is graded."""

    run: str
    year: int
    gradings: int
