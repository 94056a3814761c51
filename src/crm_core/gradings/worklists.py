"""What waits for a decision about gradings and their policies (GRD-02, GRD-05, GRD-11, GRD-13)."""

from __future__ import annotations

from typing import Any

from crm_core.gradings.commands import (
    ApprovePolicy,
    ConfirmType,
    DecideReview,
    DecideUplift,
    MakePolicyEffective,
)
from crm_core.gradings.events import (
    EVENTS,
    GradingContested,
    LayerUplifted,
    PolicyApproved,
    PolicyAssessed,
    PolicyMadeEffective,
    ReviewDecided,
    TypeConfirmed,
    TypeProposed,
    UpliftProposed,
    UpliftRejected,
)
from crm_core.kernel.worklists import Waits, waiting


def _of_year(subject: str, household: str) -> dict[str, object]:
    return {"household": household, "year": int(subject.partition("/")[0])}


def _year(event: Any) -> str:
    return f"{event.year}/{event.tenure}"


def _of_review(subject: str, household: str) -> dict[str, object]:
    return {"household": household, "review": subject}


def _of_policy(subject: str, name: str) -> dict[str, object]:
    return {"name": name, "version": int(subject.rpartition("/")[2])}


def _policy(event: Any) -> str:
    return str(event.policy)


WORKLIST = waiting(
    "gradings",
    {kind.cls: kind.stored for kind in EVENTS},
    (
        Waits(
            what="type",
            command=ConfirmType,
            opens={TypeProposed: _year},
            settles={TypeConfirmed: _year},
            fields=_of_year,
        ),
        Waits(
            what="uplift",
            command=DecideUplift,
            opens={UpliftProposed: _year},
            settles={LayerUplifted: _year, UpliftRejected: _year},
            fields=_of_year,
        ),
        Waits(
            what="review",
            command=DecideReview,
            opens={GradingContested: lambda e: e.review},
            settles={ReviewDecided: lambda e: e.review},
            fields=_of_review,
        ),
        Waits(
            what="policy_to_approve",
            command=ApprovePolicy,
            opens={PolicyAssessed: _policy},
            settles={PolicyApproved: _policy, PolicyMadeEffective: _policy},
            fields=_of_policy,
        ),
        Waits(
            what="policy_to_adopt",
            command=MakePolicyEffective,
            opens={PolicyApproved: _policy},
            settles={PolicyMadeEffective: _policy},
            fields=_of_policy,
        ),
    ),
)
