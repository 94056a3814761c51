"""Surveys as the clock and people look for them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from attrs import evolve

from crm_core.kernel.dates import local_date, start_of_day
from crm_core.kernel.projection import Projection, Put, Rows
from crm_core.kernel.recorded import Recorded
from crm_core.kernel.ticking import DueCommand, Look, NothingBefore, Source
from crm_core.kernel.values import frozen
from crm_core.kernel.worklists import Asker, Task, Worklist, end_of_day
from crm_core.surveys.commands import CloseSurvey, ReachHousehold
from crm_core.surveys.events import (
    SURVEY_EVENTS,
    AnsweredByName,
    AnswersCounted,
    AnswerWithdrawn,
    HouseholdReached,
    SurveyCancelled,
    SurveyClosed,
    SurveyOpened,
    TookPart,
)

_NAMES = {kind.cls: kind.stored for kind in SURVEY_EVENTS}
_DAY = timedelta(days=1)


@frozen
class SurveyRow:
    """A survey at a glance.

    Args:
        state: `open`, `closed` or `cancelled`; one that has not begun yet is open, too.
        reached: Households that were reached, or answered without having been.
        returned: Households that took a slip, or answered by name.
    """

    survey: str
    estate: str
    named: bool
    opens_on: date
    closes_on: date
    households: int
    state: str
    reached: int
    returned: int


def _applied(rows: Rows[SurveyRow], recorded: Recorded[Any]) -> Iterable[Put[SurveyRow]]:
    event = recorded.event
    if isinstance(event, SurveyOpened):
        row = SurveyRow(
            survey=event.survey,
            estate=event.estate,
            named=event.named,
            opens_on=event.opens_on,
            closes_on=event.closes_on,
            households=event.households,
            state="open",
            reached=0,
            returned=0,
        )
        return (_put(row),)
    found = rows.get(event.survey)
    if found is None:
        return ()
    match event:
        case HouseholdReached():
            found = evolve(found, reached=found.reached + 1)
        case TookPart() | AnsweredByName():
            found = evolve(found, returned=found.returned + 1)
        case AnswerWithdrawn():
            found = evolve(found, returned=found.returned - 1)
        case SurveyClosed():
            found = evolve(found, state="closed")
        case SurveyCancelled():
            found = evolve(found, state="cancelled")
    return (_put(found),)


def _put(row: SurveyRow) -> Put[SurveyRow]:
    # A day is behind all days that are to come, and rows that ask nothing stand behind all.
    order = row.closes_on.isoformat() if row.state == "open" else "~"
    return Put(row.survey, row, order)


SURVEYS = Projection(
    name="surveys.surveys",
    version=1,
    row=SurveyRow,
    names=frozenset(_NAMES.values()) - {_NAMES[AnswersCounted]},
    apply=_applied,
)
"""Surveys, open ones by their last day."""

_MOMENT = timedelta(microseconds=1)


def _due(row: SurveyRow, look: Look) -> Iterable[DueCommand | NothingBefore]:
    """The end of its last day."""
    if row.state != "open":
        return
    ends = start_of_day(row.closes_on + _DAY, look.zone)
    closing = CloseSurvey(row.survey, row.closes_on + _DAY)
    yield DueCommand(f"tick:survey:{row.survey}", closing, ends - _MOMENT)
    yield NothingBefore(ends - _MOMENT)


def _tasks(row: SurveyRow, asker: Asker) -> Iterable[Task]:
    """An open survey, for whoever asks households."""
    today = local_date(asker.now, asker.zone)
    if row.state != "open" or not row.opens_on <= today <= row.closes_on:
        return
    if asker.may(ReachHousehold(row.survey, "", "", today)):
        yield Task(
            what="survey",
            subject=row.survey,
            household="",
            act="reach-household",
            since=start_of_day(row.opens_on, asker.zone),
            due_at=end_of_day(row.closes_on, asker.zone),
            because="role",
            details={"returned": str(row.returned), "households": str(row.households)},
        )


CLOSING = Source("surveys", SURVEYS, _due)
OPEN_SURVEYS = Worklist(SURVEYS, _tasks)
