"""Gradings of a household, and runs, as they stand."""

from __future__ import annotations

from attrs import field

from crm_core.gradings.events import (
    AutomaticAccepted,
    AutomaticRefused,
    GradingConfirmed,
    GradingContested,
    GradingDecided,
    LayerUplifted,
    QuotaAllotted,
    RecordReplaced,
    ReviewDecided,
    RunStarted,
    TypeConfirmed,
    TypeProposed,
    UpliftProposed,
    UpliftRejected,
)
from crm_core.kernel.growing import EMPTY, NOTHING, GrowingList, GrowingMap
from crm_core.kernel.values import define

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

    None ever replaces another: `crm_core.gradings.record` says which run holds, and
    `crm_core.gradings.review.standing` what holds of its grading.
    """

    by_run: GrowingMap[str, GradingDecided] = field(default=EMPTY)
    acts: GrowingList[Act] = field(default=NOTHING)


@define
class Year:
    """The runs of a year.

    Args:
        runs: As they were started, in that order.
        completed: How many households those graded that are complete.
        replaced: What directors let hold, oldest first.
        quotas: Allotments of households, oldest first.
    """

    runs: GrowingMap[str, RunStarted] = field(default=EMPTY)
    completed: GrowingMap[str, int] = field(default=EMPTY)
    replaced: GrowingList[RecordReplaced] = field(default=NOTHING)
    quotas: GrowingList[QuotaAllotted] = field(default=NOTHING)
