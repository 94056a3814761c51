"""Gradings of a household, and runs, as they stand."""

from __future__ import annotations

from attrs import define, field

from crm_core.gradings.events import GradingDecided, RunStarted
from crm_core.kernel.growing import EMPTY, GrowingMap


@define
class Gradings:
    """All gradings of one household, by run; none ever replaces another."""

    by_run: GrowingMap[str, GradingDecided] = field(default=EMPTY)


@define
class Run:
    """A yearly run.

    Args:
        started: What it was started with; None before.
        gradings: How many households it graded; None until it is complete.
    """

    started: RunStarted | None = None
    gradings: int | None = None
