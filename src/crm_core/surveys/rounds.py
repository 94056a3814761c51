"""When an estate is to be asked again: yearly, unless the policy says otherwise (SUR-01).

An estate that was never asked is to be asked so long after its first file, once the company asks
any: nobody is told to hold surveys because a program was installed.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from attrs import evolve

from crm_core.kernel.dates import add_months, local_date, start_of_day
from crm_core.kernel.projection import Projection, Put, Rows
from crm_core.kernel.recorded import Recorded
from crm_core.kernel.values import frozen
from crm_core.kernel.worklists import SETTLED, Asker, Task, Worklist, end_of_day
from crm_core.surveys.commands import OpenSurvey
from crm_core.surveys.events import SURVEY_EVENTS, SurveyCancelled, SurveyOpened
from crm_core.surveys.policy import DEFAULT_SURVEY, SurveyPolicy

REGISTERED_NAME = "owners.household_registered/1"
"""By its name, which is a public contract (LOG-02)."""

_NAMES = {kind.cls: kind.stored for kind in SURVEY_EVENTS}
_ROW = "estates"
_ANY = "any"
"""Who may open a survey may open any: it is nobody's own."""


@frozen
class KnownEstate:
    """An estate, and since when the log knows it."""

    estate: str
    since: datetime


@frozen
class Asked:
    """A survey that was opened, and of which estate; empty for all."""

    survey: str
    estate: str
    on: date


@frozen
class Estates:
    """The estates, and when they were asked.

    Args:
        known: Each estate.
        asked: Surveys that were not given up.
        begun: Whether the company ever opened one.
    """

    known: tuple[KnownEstate, ...] = ()
    asked: tuple[Asked, ...] = ()
    begun: bool = False


def _applied(rows: Rows[Estates], recorded: Recorded[Any]) -> Iterable[Put[Estates]]:
    event, row = recorded.event, rows.get(_ROW) or Estates()
    if recorded.name == REGISTERED_NAME:
        if any(one.estate == event.estate for one in row.known):
            return ()
        row = evolve(row, known=(*row.known, KnownEstate(event.estate, recorded.recorded)))
    elif isinstance(event, SurveyOpened):
        asked = Asked(event.survey, event.estate, event.opens_on)
        row = evolve(row, asked=(*row.asked, asked), begun=True)
    else:
        row = evolve(row, asked=tuple(one for one in row.asked if one.survey != event.survey))
    return (Put(_ROW, row, "" if row.begun else SETTLED),)


ROUNDS = Projection(
    name="surveys.rounds",
    version=2,
    row=Estates,
    names=frozenset({REGISTERED_NAME, _NAMES[SurveyOpened], _NAMES[SurveyCancelled]}),
    apply=_applied,
)
"""All estates, in one row: a company has few."""


def _tasks(row: Estates, asker: Asker) -> Iterable[Task]:
    """Estates that are to be asked again, for whoever may open a survey."""
    policy = asker.policy(SurveyPolicy, DEFAULT_SURVEY)
    today = local_date(asker.now, asker.zone)
    if policy is None or not asker.may(OpenSurvey(_ANY, today, today)):
        return
    for known in row.known:
        asked = [one.on for one in row.asked if one.estate in ("", known.estate)]
        last = max(asked, default=local_date(known.since, asker.zone))
        due = add_months(last, policy.every_months)
        if due <= today:
            yield Task(
                what="survey_due",
                subject=known.estate,
                household="",
                act="open-survey",
                since=start_of_day(due, asker.zone),
                due_at=end_of_day(due, asker.zone),
                because="role",
                details={"asked": last.isoformat()} if asked else {},
            )


ESTATES_TO_ASK = Worklist(ROUNDS, _tasks)
