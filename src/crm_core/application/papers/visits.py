"""回访记录表: the year's return visits, and what came of each (VIS-01 to VIS-04)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from crm_core.application.papers.base import (
    SIGNED,
    YEAR,
    Ask,
    Filled,
    Paper,
    line,
    printed,
    stamp,
    typed,
)
from crm_core.application.papers.model import (
    DRAFTED,
    INSTANT,
    NUMBER,
    SIGN,
    TABLE,
    Line,
    Section,
)
from crm_core.kernel.dates import local_date
from crm_core.kernel.values import define
from crm_core.visits.events import (
    EVENTS,
    VisitAttempted,
    VisitCalledOff,
    VisitGivenUp,
    VisitMade,
    VisitRenewed,
    VisitScheduled,
    VisitWithdrawn,
)

_NAMES = tuple(kind.stored for kind in EVENTS)
_SCHEDULED, _MADE = "visits.scheduled/1", "visits.made/1"
OPEN, DONE, GIVEN_UP, CALLED_OFF = "open", "made", "given_up", "called_off"


@define
class _Course:
    """A visit as it is seen on the day."""

    scheduled: VisitScheduled
    due_at: Any
    status: str = OPEN
    attempts: int = 0
    made: VisitMade | None = None


def _visits(ask: Ask) -> Filled:
    found = _courses(ask)
    year, zone = int(ask.asked.about), ask.sources.host.zone
    mine = [one for one in found if local_date(one.scheduled.since, zone).year == year]
    mine.sort(key=lambda one: (one.scheduled.since, one.scheduled.household, one.scheduled.visit))
    made = [one.made for one in mine if one.made is not None]
    done = ((local_date(one.visited_at, zone), one.visited_by) for one in made)
    return Filled(
        stamps=[stamp(DRAFTED, done)],
        policies=tuple(sorted({f"{o.scheduled.policy} {o.scheduled.policy.digest}" for o in mine})),
        lines={"reasons": _reasons(mine), "visits": [_line(one) for one in mine]},
    )


def _courses(ask: Ask) -> list[_Course]:
    found: dict[tuple[str, str], _Course] = {}
    for recorded in ask.events(*_NAMES):
        event = recorded.event
        key = (recorded.household, getattr(event, "visit", ""))
        if isinstance(event, VisitScheduled):
            found[key] = _Course(event, event.due_at)
        elif key in found:
            _take(found[key], event)
    return list(found.values())


def _take(course: _Course, event: Any) -> None:
    match event:
        case VisitRenewed():
            course.due_at = event.due_at
        case VisitAttempted():
            course.attempts += 1
        case VisitMade():
            course.status, course.made = DONE, event
        case VisitWithdrawn():
            course.status, course.made = OPEN, None
        case VisitGivenUp():
            course.status = GIVEN_UP
        case VisitCalledOff():
            course.status = CALLED_OFF


def _reasons(courses: Iterable[_Course]) -> Iterator[Line]:
    due, made, unhappy = Counter[str](), Counter[str](), Counter[str]()
    for one in courses:
        row = one.scheduled.row
        due[row] += one.status != CALLED_OFF
        made[row] += one.status == DONE
        unhappy[row] += one.made is not None and one.made.opinion == "C"
    for row in sorted(due):
        yield line(
            "", visit_row=row, visits_due=due[row], visits_made=made[row], unhappy=unhappy[row]
        )


def _line(course: _Course) -> Line:
    plan, made = course.scheduled, course.made
    return line(
        plan.household,
        visit=plan.visit,
        household=plan.household,
        visit_row=plan.row,
        visit_content=plan.content,
        due_at=course.due_at,
        visit_status=course.status,
        attempts=course.attempts,
        visited_at=getattr(made, "visited_at", None),
        visit_means=getattr(made, "means", None),
        spoken_to=getattr(made, "member", None),
        visit_opinion=getattr(made, "opinion", None),
        words=typed(getattr(made, "words", None)),
        visited_by=getattr(made, "visited_by", None),
        contact_left=getattr(made, "contact_left", None) or None,
        successor=getattr(made, "successor", None),
    )


VISITS = Paper(
    name="return-visits",
    about=YEAR,
    main="visits",
    stamps={DRAFTED: (f"{_MADE}.visited_at", f"{_MADE}.visited_by"), **SIGNED},
    fill=_visits,
    sections=(
        Section(
            "reasons",
            TABLE,
            (
                printed("visit_row", f"{_SCHEDULED}.row", kind="visit_row", data="statistic"),
                printed("visits_due", f"{_SCHEDULED}.visit", kind=NUMBER, data="statistic"),
                printed("visits_made", f"{_MADE}.visit", kind=NUMBER, data="statistic"),
                printed("unhappy", f"{_MADE}.opinion", kind=NUMBER, data="statistic"),
            ),
            key=("visit_row",),
        ),
        Section(
            "visits",
            TABLE,
            (
                printed("visit", f"{_SCHEDULED}.visit", kind=SIGN),
                printed("household", f"{_SCHEDULED}.household", kind=SIGN),
                printed("visit_row", f"{_SCHEDULED}.row", kind="visit_row"),
                printed("visit_content", f"{_SCHEDULED}.content", kind="visit_content"),
                printed("due_at", f"{_SCHEDULED}.due_at", "visits.renewed/1.due_at", kind=INSTANT),
                printed(
                    "visit_status",
                    f"{_MADE}.recording",
                    "visits.given_up/1.why",
                    "visits.called_off/1.why",
                    kind="visit_status",
                ),
                printed("attempts", "visits.attempted/1.attempt", kind=NUMBER),
                printed("visited_at", f"{_MADE}.visited_at", kind=INSTANT),
                printed("visit_means", f"{_MADE}.means", kind="visit_means"),
                printed("spoken_to", f"{_MADE}.member", kind=SIGN),
                printed("visit_opinion", f"{_MADE}.opinion", kind="visit_opinion"),
                printed("words", f"{_MADE}.words"),
                printed("visited_by", f"{_MADE}.visited_by", kind=SIGN),
                printed("contact_left", f"{_MADE}.contact_left", kind=SIGN),
                printed("successor", f"{_MADE}.successor", kind=SIGN),
            ),
            key=("household", "visit"),
        ),
    ),
)
"""回访记录表: every return visit of a year with its course."""
