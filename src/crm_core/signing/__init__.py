"""Signing: papers of the method that are reviewed and approved as a whole (REP-01).

Most papers rest on an act of the method that approves what they say: a plan, a policy, the gradings
of a year. Those that rest on none, like the year's service work, are reviewed and approved as what
they are: a paper about something, as it stands on a day, from a position of the log.

A slice in one file: events, state, commands, decisions.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.authority import Own
from crm_core.kernel.catalog import EventType
from crm_core.kernel.commands import Id, looked_up
from crm_core.kernel.decider import Decider, Decision, Refusal, by_command, by_event
from crm_core.kernel.recorded import Actor
from crm_core.kernel.roles import LEADERS, MANAGEMENT
from crm_core.kernel.slice import Act, Slice
from crm_core.kernel.values import define, frozen
from crm_core.kernel.worklists import Waits, waiting


@frozen
class PaperReviewed:
    """Somebody looked a paper over.

    Args:
        paper: Its name, e.g. `work-record`.
        about: The year it is about; empty for everybody.
        on: The day it stands on.
        position: The last event of the log that was in it.
        reviewed_by: Id of who did.
    """

    paper: str
    about: str
    on: date
    position: int
    reviewed_by: str


@frozen
class PaperApproved:
    """Somebody else approved it as it was reviewed.

    Args:
        paper: Its name.
        about: The year it is about; empty for everybody.
        on: The day it stands on.
        position: That of the review.
        approved_by: Id of who did.
    """

    paper: str
    about: str
    on: date
    position: int
    approved_by: str


@define
class Unsigned:
    """Nobody has looked it over."""


@define
class Signed:
    """A paper that was reviewed, and perhaps approved.

    Args:
        approved: The latest approval; it may be of an earlier review.
    """

    reviewed: PaperReviewed
    approved: PaperApproved | None = None

    @property
    def is_approved(self) -> bool:
        """Whether what was reviewed last is approved."""
        return self.approved is not None and self.approved.position == self.reviewed.position


@frozen
class _OfPaper:
    paper: Id
    about: Id
    on: date
    by: Actor = looked_up()
    wrong: Refusal | None = looked_up()


@frozen
class ReviewPaper(_OfPaper):
    """Review a paper as it stands on a day, from all that is in the log now."""

    position: int = looked_up()


@frozen
class ApprovePaper(_OfPaper):
    """Approve a paper as it was reviewed, by somebody else."""


def _review(command: ReviewPaper, state: Unsigned | Signed) -> Decision:
    if command.wrong is not None:
        return command.wrong
    return (
        PaperReviewed(
            paper=command.paper,
            about=command.about,
            on=command.on,
            position=command.position,
            reviewed_by=command.by.id,
        ),
    )


def _approve(command: ApprovePaper, state: Unsigned | Signed) -> Decision:
    if command.wrong is not None:
        return command.wrong
    if isinstance(state, Unsigned):
        return Refusal("paper_unreviewed", "REP-01", {"paper": command.paper})
    if state.is_approved:
        return Refusal("paper_approved", "REP-01", {"paper": command.paper})
    return (
        PaperApproved(
            paper=command.paper,
            about=command.about,
            on=command.on,
            position=state.reviewed.position,
            approved_by=command.by.id,
        ),
    )


def _reviewed(state: Unsigned | Signed, e: PaperReviewed) -> Signed:
    """Who reviews anew takes no approval away: it stands as long as what it was of."""
    return Signed(e, state.approved if isinstance(state, Signed) else None)


def _own(command: Any, state: Unsigned | Signed) -> Own | None:
    """An approval is the reviewer's own matter (LOG-08)."""
    if isinstance(command, ApprovePaper) and isinstance(state, Signed):
        return Own(state.reviewed.reviewed_by)
    return None


def number_of(paper: str, about: str, on: date) -> str:
    """By what a paper on a day is called."""
    return f"{paper}:{about or 'all'}:{on.isoformat()}"


EVENTS = (
    EventType("signing.paper_reviewed", 1, PaperReviewed),
    EventType("signing.paper_approved", 1, PaperApproved),
)

_DECIDE: dict[type, Any] = {ReviewPaper: _review, ApprovePaper: _approve}

PAPER = Aggregate(
    Decider(
        "paper",
        Unsigned(),
        by_command(_DECIDE),
        by_event(
            {
                PaperReviewed: _reviewed,
                PaperApproved: lambda state, e: Signed(state.reviewed, e),
            }
        ),
    ),
    tuple(_DECIDE),
    lambda command: number_of(command.paper, command.about, command.on),
    lambda _: "",
    needs_file=False,
    own=_own,
)

SLICE = Slice(
    name="signing",
    package=__name__,
    events=EVENTS,
    aggregates=(PAPER,),
    worklists=(
        waiting(
            "signing",
            {kind.cls: kind.stored for kind in EVENTS},
            (
                Waits(
                    what="paper",
                    command=ApprovePaper,
                    opens={PaperReviewed: lambda e: number_of(e.paper, e.about, e.on)},
                    settles=dict.fromkeys(
                        (PaperReviewed, PaperApproved),
                        lambda e: number_of(e.paper, e.about, e.on),
                    ),
                    fields=lambda number, _: _said(number),
                ),
            ),
        ),
    ),
    readable={Signed: PAPER},
    acts=(Act(ReviewPaper, LEADERS), Act(ApprovePaper, MANAGEMENT)),
    data_map="data-map.toml",
)


def _said(number: str) -> dict[str, Any]:
    paper, about, on = number.split(":")
    return {
        "paper": paper,
        "about": "" if about == "all" else about,
        "on": date.fromisoformat(on),
    }


__all__ = [
    "EVENTS",
    "PAPER",
    "SLICE",
    "ApprovePaper",
    "PaperApproved",
    "PaperReviewed",
    "ReviewPaper",
    "Signed",
    "Unsigned",
    "number_of",
]
