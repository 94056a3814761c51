"""Gradings of a household, and runs, as they stand."""

from __future__ import annotations

from attrs import define, field

from crm_core.gradings.events import (
    AutomaticAccepted,
    AutomaticRefused,
    GradingConfirmed,
    GradingContested,
    GradingDecided,
    LayerUplifted,
    QuotaAllotted,
    ReviewDecided,
    RunStarted,
    TypeConfirmed,
    TypeProposed,
    UpliftProposed,
    UpliftRejected,
)
from crm_core.kernel.growing import EMPTY, NOTHING, GrowingList, GrowingMap

Act = (
    AutomaticAccepted
    | AutomaticRefused
    | GradingConfirmed
    | GradingContested
    | LayerUplifted
    | ReviewDecided
    | TypeConfirmed
    | TypeProposed
    | UpliftProposed
    | UpliftRejected
)
"""What people did about a household's gradings."""


@define
class Gradings:
    """All gradings of one household, by run, and what people did about them.

    None ever replaces another: `crm_core.gradings.review.standing` says what holds.
    """

    by_run: GrowingMap[str, GradingDecided] = field(default=EMPTY)
    acts: GrowingList[Act] = field(default=NOTHING)


@define
class Run:
    """A yearly run.

    Args:
        started: What it was started with; None before.
        gradings: How many households it graded; None until it is complete.
        quotas: Allotments of its households, oldest first.
    """

    started: RunStarted | None = None
    gradings: int | None = None
    quotas: GrowingList[QuotaAllotted] = field(default=NOTHING)
