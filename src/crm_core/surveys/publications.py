"""What is published to owners: the service report, and what came in and was spent (SUR-05).

Figures are derived from the log as it was known at a cut-off, and stand in the draft, so that
anybody can derive them again. Who drafts one does not approve it. What was spent is entered by
finance; what came in is on the accounts.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import attrs

from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.authority import Own
from crm_core.kernel.catalog import EventType
from crm_core.kernel.commands import Id, looked_up
from crm_core.kernel.decider import Decider, Decision, Refusal, by_command, by_event
from crm_core.kernel.recorded import Actor
from crm_core.kernel.refusals import no_reason, unknown
from crm_core.kernel.sealed import Text
from crm_core.kernel.values import define, frozen
from crm_core.kernel.worklists import Waits

SERVICE, STATEMENT = "service", "statement"
KINDS = (SERVICE, STATEMENT)
"""What is published: how the service was (服务报告), what came in and was spent (收支情况)."""

CATEGORIES = (
    "staff",
    "repairs",
    "cleaning",
    "security",
    "greening",
    "utilities",
    "insurance",
    "management",
    "taxes",
    "other",
)
"""What money is spent on."""

COUNT, FEN, SHARE = "count", "fen", "share"
"""Units of figures: a number, an amount, ten-thousandths."""

# --- events ------------------------------------------------------------------------------------


@frozen
class Figure:
    """A figure of a publication.

    Args:
        figure: What it is of, by its code.
        of: The survey or the category, where it is one of several.
        unit: `count`, `fen` or `share`.
    """

    figure: str
    of: str
    unit: str
    value: int


@frozen
class SpendingRecorded:
    """Money was spent for an estate."""

    spending: str
    estate: str
    category: str
    amount_fen: int
    on: date
    evidence: Text
    recorded_by: str


@frozen
class SpendingWithdrawn:
    """It was not, after all: it counts from no day on."""

    spending: str
    on: date
    reason: Text
    withdrawn_by: str


@frozen
class PublicationDrafted:
    """A report was drafted, with its figures as they follow from the log.

    Args:
        kind: `service` or `statement`.
        estate: Of which estate; empty for all.
        position: Of the last fact that was seen.
        known: As known when.
    """

    publication: str
    kind: str
    estate: str
    start: date
    end: date
    figures: tuple[Figure, ...]
    position: int
    known: datetime
    drafted_by: str


@frozen
class PublicationApproved:
    """Another person than who drafted it approved it: it is published."""

    publication: str
    on: date
    approved_by: str


@frozen
class PublicationRejected:
    """Another person than who drafted it did not approve it."""

    publication: str
    on: date
    reason: Text
    rejected_by: str


@frozen
class PublicationWithdrawn:
    """What was published is so no more, for a reason that owners are told."""

    publication: str
    on: date
    reason: Text
    withdrawn_by: str


PUBLICATION_EVENTS = (
    EventType("surveys.spending_recorded", 1, SpendingRecorded, "on"),
    EventType("surveys.spending_withdrawn", 1, SpendingWithdrawn, "on"),
    EventType("surveys.publication_drafted", 1, PublicationDrafted),
    EventType("surveys.publication_approved", 1, PublicationApproved, "on"),
    EventType("surveys.publication_rejected", 1, PublicationRejected, "on"),
    EventType("surveys.publication_withdrawn", 1, PublicationWithdrawn, "on"),
)


# --- state -------------------------------------------------------------------------------------


@define
class Spending:
    """Money that was spent, as it stands."""

    recorded: SpendingRecorded | None = None
    withdrawn: SpendingWithdrawn | None = None


@define
class Publication:
    """A publication as it stands."""

    drafted: PublicationDrafted | None = None
    approved: PublicationApproved | None = None
    rejected: PublicationRejected | None = None
    withdrawn: PublicationWithdrawn | None = None

    @property
    def published(self) -> bool:
        """Whether owners may read it."""
        return self.approved is not None and self.withdrawn is None


# --- commands ----------------------------------------------------------------------------------


@frozen
class RecordOutlay:
    """Record what was spent for an estate, with its evidence.

    Args:
        category: One of `CATEGORIES`.
    """

    spending: Id
    estate: str
    category: str
    amount_fen: int
    on: date
    evidence: str
    by: Actor = looked_up()


@frozen
class WithdrawOutlay:
    """Say that it was not spent after all; not who recorded it."""

    spending: Id
    on: date
    reason: str
    by: Actor = looked_up()


@frozen
class DraftPublication:
    """Draft a report; `CRM.care.publications` does, as its figures follow from the log."""

    publication: Id
    kind: str
    estate: str
    start: date
    end: date
    figures: tuple[Figure, ...]
    position: int
    known: datetime
    by: Actor = looked_up()


@frozen
class DecidePublication:
    """Approve a draft, so that it is published, or reject it for a reason; not who drafted it."""

    publication: Id
    approved: bool
    on: date
    reason: str = ""
    by: Actor = looked_up()


@frozen
class WithdrawPublication:
    """Take back what was published, for a reason."""

    publication: Id
    on: date
    reason: str
    by: Actor = looked_up()


# --- decisions about spending ------------------------------------------------------------------


def _spend(command: RecordOutlay, state: Spending) -> Decision:
    spent = SpendingRecorded(
        spending=command.spending,
        estate=command.estate,
        category=command.category,
        amount_fen=command.amount_fen,
        on=command.on,
        evidence=command.evidence,
        recorded_by=command.by.id,
    )
    first = state.recorded
    if first is not None:
        known = attrs.evolve(spent, recorded_by=first.recorded_by) == first
        if known and state.withdrawn is None:
            return ()
        return Refusal("spending_exists", "SUR-05", {"spending": command.spending})
    if command.category not in CATEGORIES:
        return unknown("category", command.category, CATEGORIES, rule="SUR-05")
    if not command.estate or command.amount_fen <= 0 or not command.evidence.strip():
        return Refusal("spending_incomplete", "SUR-05")
    return (spent,)


def _take_back(command: WithdrawOutlay, state: Spending) -> Decision:
    if state.recorded is None or state.withdrawn is not None:
        return Refusal("unknown_spending", "SUR-05", {"spending": command.spending})
    if not command.reason.strip():
        return no_reason("SUR-05", "spending")
    if command.on < state.recorded.on:
        return _too_early(state.recorded.on, "spending")
    return (SpendingWithdrawn(command.spending, command.on, command.reason, command.by.id),)


def _spending_own(command: Any, state: Spending) -> Own | None:
    if isinstance(command, WithdrawOutlay) and state.recorded is not None:
        return Own(state.recorded.recorded_by)
    return None


SPENDING = Aggregate(
    Decider(
        "spending",
        Spending(),
        by_command({RecordOutlay: _spend, WithdrawOutlay: _take_back}),
        by_event(
            {
                SpendingRecorded: lambda state, e: attrs.evolve(state, recorded=e),
                SpendingWithdrawn: lambda state, e: attrs.evolve(state, withdrawn=e),
            }
        ),
    ),
    (RecordOutlay, WithdrawOutlay),
    lambda command: command.spending,
    lambda _: "",
    needs_file=False,
    own=_spending_own,
)


# --- decisions about publications --------------------------------------------------------------


def _draft(command: DraftPublication, state: Publication) -> Decision:
    if state.drafted is not None:
        return Refusal("publication_exists", "SUR-05", {"publication": command.publication})
    if command.kind not in KINDS:
        return unknown("kind", command.kind, KINDS, rule="SUR-05")
    if command.end < command.start:
        return Refusal("period_backwards", "SUR-05")
    return (
        PublicationDrafted(
            publication=command.publication,
            kind=command.kind,
            estate=command.estate,
            start=command.start,
            end=command.end,
            figures=command.figures,
            position=command.position,
            known=command.known,
            drafted_by=command.by.id,
        ),
    )


def _decide(command: DecidePublication, state: Publication) -> Decision:
    if state.drafted is None:
        return Refusal("unknown_publication", "SUR-05", {"publication": command.publication})
    if state.approved is not None or state.rejected is not None:
        return Refusal("publication_decided", "SUR-05", {"publication": command.publication})
    if command.on <= state.drafted.end:
        # Nobody can have read a report of days that were not over.
        return _too_early(state.drafted.end + timedelta(days=1), "publication")
    if command.approved:
        return (PublicationApproved(command.publication, command.on, command.by.id),)
    if not command.reason.strip():
        return no_reason("SUR-05", "publication")
    return (PublicationRejected(command.publication, command.on, command.reason, command.by.id),)


def _withdraw(command: WithdrawPublication, state: Publication) -> Decision:
    if state.approved is None or state.withdrawn is not None:
        return Refusal("not_published", "SUR-05", {"publication": command.publication})
    if not command.reason.strip():
        return no_reason("SUR-05", "publication")
    if command.on < state.approved.on:
        return _too_early(state.approved.on, "publication")
    return (PublicationWithdrawn(command.publication, command.on, command.reason, command.by.id),)


def _too_early(earliest: date, of: str) -> Refusal:
    return Refusal("too_early", "SUR-05", {"from": earliest.isoformat()}, f"too_early_{of}")


def _own(command: Any, state: Publication) -> Own | None:
    if isinstance(command, DecidePublication) and state.drafted is not None:
        return Own(state.drafted.drafted_by)
    return None


PUBLICATION = Aggregate(
    Decider(
        "publication",
        Publication(),
        by_command(
            {
                DraftPublication: _draft,
                DecidePublication: _decide,
                WithdrawPublication: _withdraw,
            }
        ),
        by_event(
            {
                PublicationDrafted: lambda state, e: attrs.evolve(state, drafted=e),
                PublicationApproved: lambda state, e: attrs.evolve(state, approved=e),
                PublicationRejected: lambda state, e: attrs.evolve(state, rejected=e),
                PublicationWithdrawn: lambda state, e: attrs.evolve(state, withdrawn=e),
            }
        ),
    ),
    (DraftPublication, DecidePublication, WithdrawPublication),
    lambda command: command.publication,
    lambda _: "",
    needs_file=False,
    own=_own,
    inside=frozenset({DraftPublication}),
)

TO_APPROVE = Waits(
    what="publication",
    command=DecidePublication,
    opens={PublicationDrafted: lambda e: e.publication},
    settles={
        PublicationApproved: lambda e: e.publication,
        PublicationRejected: lambda e: e.publication,
    },
    fields=lambda publication, _: {"publication": publication},
)
"""Drafts, for whoever can approve them."""
