"""Households the clock has to look at, and visits as they are listed (VIS-01, VIS-04)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

import attrs

from crm_core.kernel.dates import sortable_text
from crm_core.kernel.projection import Projection, Put, Remove, Rows
from crm_core.kernel.recorded import Recorded
from crm_core.kernel.values import frozen
from crm_core.kernel.worklists import SETTLED
from crm_core.visits.draws import EVENTS as _DRAWS
from crm_core.visits.events import (
    EVENTS,
    OccasionRecorded,
    OccasionWithdrawn,
    VisitAppointed,
    VisitAttempted,
    VisitCalledOff,
    VisitGivenUp,
    VisitMade,
    VisitRenewed,
    VisitScheduled,
    VisitWithdrawn,
)
from crm_core.visits.state import CALLED_OFF, GIVEN_UP, MADE, OPEN

# --- whom the clock looks at ---------------------------------------------------------------------

REQUEST_NAMES = frozenset(
    f"requests.{name}/1"
    for name in (
        "arrived_on_site",
        "clock_breached",
        "closed",
        "closed_unanswered",
        "closing_voided",
        "duplicate_undone",
        "marked_duplicate",
        "merged",
        "order_dispatched",
        "order_given_back",
        "received",
        "reclassified",
        "reopened",
        "retold",
        "step_lifted",
        "voided",
        "work_reported_done",
    )
)
"""Events of requests after which a visit may be called for, or not any more.

By their names, which are a public contract (LOG-02): what they say is none of this slice's
business, and what follows from it is looked up when visits are arranged.
"""

SURVEY_NAMES = frozenset({"surveys.answered_by_name/1", "surveys.answer_withdrawn/1"})
"""Events of surveys after which somebody is, or is not, dissatisfied; by their names, too."""

MERGED, MERGE_UNDONE = "owners.household_merged/1", "owners.merge_undone/1"

HOUSEHOLD_NAMES = frozenset(
    {
        MERGED,
        MERGE_UNDONE,
        "owners.debtor_agreed/1",
        "owners.debtor_released/1",
        "owners.household_registered/1",
        "owners.household_voided/1",
        "owners.member_added/1",
        "owners.role_end_voided/1",
        "owners.role_ended/1",
        "owners.role_voided/1",
        "privacy.consent_given/1",
        "privacy.consent_withdrawn/1",
        "privacy.household_erased/1",
        "privacy.member_erased/1",
    }
)
"""Events after which others may be called, or nobody; by their names, too."""

_KEPT = timedelta(days=400)
"""How long a request is looked at behind the last of its events."""


@frozen
class Touched:
    """A request, and when something was last recorded of it."""

    request: str
    at: datetime


@frozen
class Answered:
    """A survey that was answered by name, and when something was last recorded of the answer."""

    survey: str
    at: datetime


@frozen
class Watched:
    """A household whose visits may have to be arranged anew.

    Args:
        position: Of the latest event about it: a row that was seen is the same row if this is.
        requests: Requests of it, and of files merged into it, that may call for a visit.
        into: The file that it was merged into.
        surveys: Surveys that the household, or a file merged into it, answered by name.
    """

    household: str
    position: int
    at: datetime
    requests: tuple[Touched, ...] = ()
    into: str = ""
    surveys: tuple[Answered, ...] = ()


def _watch(rows: Rows[Watched], recorded: Recorded[Any]) -> tuple[Put[Watched], ...]:
    event = recorded.event
    home = getattr(event, "household", "") or recorded.household
    if not home:
        return ()
    row = _looked(rows, home, recorded)
    if recorded.name in REQUEST_NAMES:
        row = _touched(row, Touched(event.request, recorded.recorded))
    if recorded.name in SURVEY_NAMES:
        row = _answered(row, Answered(event.survey, recorded.recorded))
    if recorded.name == MERGED:
        row = attrs.evolve(row, into=event.into)
    elif recorded.name == MERGE_UNDONE:
        row = attrs.evolve(row, into="")
    found = [row]
    beside = getattr(event, "into", "") if recorded.name == MERGE_UNDONE else row.into
    seen = {home}
    # What is of a merged file is of the surviving one, and of all on the way to it.
    while beside and beside not in seen:
        seen.add(beside)
        other = _looked(rows, beside, recorded)
        for one in row.requests:
            other = _touched(other, one)
        for said in row.surveys:
            other = _answered(other, said)
        found.append(other)
        beside = other.into
    # Before all instants: the next tick looks, whatever its own instant is.
    return tuple(Put(one.household, one) for one in found)


def _looked(rows: Rows[Watched], household: str, recorded: Recorded[Any]) -> Watched:
    """The row of a household, with this event as its latest, and without what is long over."""
    at = recorded.recorded
    row = rows.get(household) or Watched(household, 0, at)
    kept = tuple(one for one in row.requests if at - one.at < _KEPT)
    said = tuple(one for one in row.surveys if at - one.at < _KEPT)
    return attrs.evolve(row, position=recorded.position, at=at, requests=kept, surveys=said)


def _touched(row: Watched, touched: Touched) -> Watched:
    others = (one for one in row.requests if one.request != touched.request)
    return attrs.evolve(row, requests=(*others, touched))


def _answered(row: Watched, answered: Answered) -> Watched:
    others = (one for one in row.surveys if one.survey != answered.survey)
    return attrs.evolve(row, surveys=(*others, answered))


_WATCHED_OF = (OccasionRecorded, OccasionWithdrawn, VisitScheduled, VisitWithdrawn)
"""What is scheduled, or is to be made after all, lapses some day."""

WATCHED = Projection(
    name="visits.watched",
    version=2,
    row=Watched,
    names=REQUEST_NAMES
    | HOUSEHOLD_NAMES
    | SURVEY_NAMES
    | {k.stored for k in EVENTS if k.cls in _WATCHED_OF},
    apply=_watch,
)
"""Households whose visits may have to be arranged anew; the clock puts off those it has seen."""


# --- visits as they are listed -------------------------------------------------------------------


@frozen
class VisitLine:
    """A visit in the list; what it says is as in `crm_core.visits.events`.

    Args:
        next_at: When it is to be tried, or tried again.
        status: One of `crm_core.visits.state.STATUSES`.
        why: Why it was given up or called off, at `over_at`.
        visited_at: When it was made; `visited_by` by whom.
        successor: The request that followed.
    """

    visit: str
    household: str
    row: str
    content: str
    means: tuple[str, ...]
    request: str | None
    draw: str | None
    since: datetime
    from_at: datetime
    due_at: datetime
    latest_at: datetime
    lapses_at: datetime
    must: bool
    hands: tuple[str, ...]
    next_at: datetime
    policy_name: str
    status: str = OPEN
    attempts: int = 0
    appointed_at: datetime | None = None
    why: str = ""
    over_at: datetime | None = None
    visited_at: datetime | None = None
    visited_by: str = ""
    opinion: str | None = None
    successor: str | None = None


def line_key(household: str, visit: str) -> str:
    """The key of a visit's line."""
    return f"{household} {visit}"


def _lines(rows: Rows[VisitLine], recorded: Recorded[Any]) -> Iterable[Put[VisitLine] | Remove]:
    event = recorded.event
    before = rows.get(line_key(event.household, event.visit))
    if isinstance(event, VisitScheduled):
        after = _scheduled(event, before)
    elif before is None:
        return ()
    else:
        after = _CHANGES[type(event)](before, event)
    order = sortable_text(after.next_at) if after.status == OPEN else SETTLED
    return (Put(line_key(after.household, after.visit), after, order),)


def _scheduled(e: VisitScheduled, before: VisitLine | None) -> VisitLine:
    return VisitLine(
        visit=e.visit,
        household=e.household,
        row=e.row,
        content=e.content,
        means=e.means,
        request=e.request,
        draw=e.draw,
        since=e.since,
        from_at=e.from_at,
        due_at=e.due_at,
        latest_at=e.latest_at,
        lapses_at=e.lapses_at,
        must=e.must,
        hands=e.hands,
        next_at=e.from_at,
        policy_name=str(e.policy),
        attempts=0 if before is None else before.attempts,
    )


def _renewed(line: VisitLine, e: VisitRenewed) -> VisitLine:
    return attrs.evolve(
        line,
        since=e.since,
        from_at=e.from_at,
        due_at=e.due_at,
        latest_at=e.latest_at,
        lapses_at=e.lapses_at,
        must=e.must,
        hands=e.hands,
        next_at=line.next_at if line.attempts or line.appointed_at else e.from_at,
    )


def _called_off(line: VisitLine, e: VisitCalledOff) -> VisitLine:
    return attrs.evolve(line, status=CALLED_OFF, why=e.why, over_at=e.at, appointed_at=None)


def _given_up(line: VisitLine, e: VisitGivenUp) -> VisitLine:
    return attrs.evolve(line, status=GIVEN_UP, why=e.why, over_at=e.at, appointed_at=None)


def _appointed(line: VisitLine, e: VisitAppointed) -> VisitLine:
    return attrs.evolve(line, appointed_at=e.appointed_at, next_at=e.appointed_at)


def _attempted(line: VisitLine, e: VisitAttempted) -> VisitLine:
    return attrs.evolve(
        line,
        attempts=e.attempt,
        next_at=e.next_at,
        appointed_at=e.next_at if e.appointed else None,
    )


def _made(line: VisitLine, e: VisitMade) -> VisitLine:
    return attrs.evolve(
        line,
        status=MADE,
        why="",
        over_at=None,
        visited_at=e.visited_at,
        visited_by=e.visited_by,
        opinion=e.opinion,
        successor=e.successor,
    )


def _withdrawn(line: VisitLine, _: VisitWithdrawn) -> VisitLine:
    return attrs.evolve(
        line, status=OPEN, visited_at=None, visited_by="", opinion=None, successor=None
    )


_CHANGES: dict[type, Callable[[VisitLine, Any], VisitLine]] = {
    VisitAppointed: _appointed,
    VisitAttempted: _attempted,
    VisitCalledOff: _called_off,
    VisitGivenUp: _given_up,
    VisitMade: _made,
    VisitRenewed: _renewed,
    VisitWithdrawn: _withdrawn,
}

LINES = Projection(
    name="visits.lines",
    version=1,
    row=VisitLine,
    names=frozenset(k.stored for k in EVENTS if k.cls in (VisitScheduled, *_CHANGES)),
    apply=_lines,
)
"""Visits; those that are still to be made by when they are to be tried next."""

DRAW_NAMES = frozenset(kind.stored for kind in _DRAWS)
"""Stored names of the events of draws."""
