"""A yearly run of gradings, as it is handed out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from attrs import Factory

from crm_core.gradings.events import GradingDecided, RunStarted
from crm_core.gradings.review import Standing, untouched
from crm_core.gradings.views import grading_row
from crm_core.kernel.policy import PolicyRef
from crm_core.kernel.recorded import Cutoff
from crm_core.kernel.values import frozen


@frozen
class GradingRun:
    """A yearly run with its gradings, sorted by household.

    Args:
        policy: The grading policy.
        reading: Which events counted how.
        standing: `of_record`, `trial`, or `preview` of one that was never written.
        standings: What holds today, for the households about whose grading people did something.
    """

    run: str
    year: int
    policy: PolicyRef
    reading: PolicyRef
    cutoff: Cutoff
    standing: str
    gradings: tuple[GradingDecided, ...]
    standings: Mapping[str, Standing] = Factory(dict)

    def of(self, grading: GradingDecided) -> Standing:
        """What holds of one of its gradings."""
        return self.standings.get(grading.household) or untouched(grading)

    def rows(self) -> list[dict[str, Any]]:
        """The graded list as plain data."""
        return [grading_row(g, self.standings.get(g.household)) for g in self.gradings]


@frozen
class RunLine:
    """A complete run of a year, and whether it holds.

    Args:
        standing: `of_record` or `trial`.
        gradings: How many households it graded.
    """

    run: str
    year: int
    standing: str
    policy: PolicyRef
    started_at: datetime
    cutoff: Cutoff
    gradings: int


def run_of(
    started: RunStarted,
    standing: str,
    gradings: tuple[GradingDecided, ...],
    standings: Mapping[str, Standing] | None = None,
) -> GradingRun:
    """What was begun, with the gradings of it."""
    return GradingRun(
        run=started.run,
        year=started.year,
        policy=started.policy,
        reading=started.reading,
        cutoff=Cutoff(started.cutoff_position, started.cutoff_known),
        standing=standing,
        gradings=gradings,
        standings=standings or {},
    )
