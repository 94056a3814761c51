"""What follows from draws, and what the clock brings about (VIS-01, VIS-02)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from crm_core.kernel.dates import local_date, start_of_day
from crm_core.kernel.recorded import Recorded
from crm_core.kernel.slice import Reaction
from crm_core.kernel.ticking import DueCommand, Look, NothingBefore, Source
from crm_core.kernel.worklists import Asker, Task, Worklist
from crm_core.visits.commands import ArrangeVisits, RecordVisit
from crm_core.visits.decide import VISITS
from crm_core.visits.draws import DrawCalledOff, VisitsDrawn
from crm_core.visits.state import OPEN, Visits
from crm_core.visits.views import LINES, WATCHED, VisitLine, Watched

_MOMENT = timedelta(microseconds=1)


def _drawn(recorded: Recorded[VisitsDrawn]) -> tuple[Any, ...]:
    event = recorded.event
    return tuple(ArrangeVisits(one, draws=(event.draw,)) for one in event.households)


def _called_off(recorded: Recorded[DrawCalledOff]) -> tuple[Any, ...]:
    return tuple(ArrangeVisits(one) for one in recorded.event.households)


REACTIONS: dict[type, Reaction] = {DrawCalledOff: _called_off, VisitsDrawn: _drawn}


# --- the clock -----------------------------------------------------------------------------------


def _due(row: Watched, look: Look) -> tuple[DueCommand | NothingBefore, ...]:
    """What is called for by what came to be known of a household; nothing twice.

    A command of nothing is never recorded, and one of something makes the stream longer, so the
    same id always means the same step, whoever takes it and however often.
    """
    command = ArrangeVisits(
        row.household,
        requests=tuple(one.request for one in row.requests),
        surveys=tuple(one.survey for one in row.surveys),
    )
    if look.changes(command):
        state: Visits = look.sight.state(VISITS, row.household)
        id = f"tick:visits:{row.household}:{row.position}:{state.told}"
        return (DueCommand(id, command, min(row.at, look.now - _MOMENT)),)
    # Whoever has the household from a later day on is known today, if it is known at all.
    today = local_date(look.now, look.zone)
    spans = look.sight.tenures(row.household).spans
    later = [start_of_day(span.first, look.zone) for span in spans if span.first > today]
    visits: Visits = look.sight.state(VISITS, row.household)
    later += [visit.lapses_at for visit in visits.open()]
    return (NothingBefore(min(later, default=None)),)


CLOCK = (Source("visits", WATCHED, _due),)


# --- work lists ----------------------------------------------------------------------------------


def _tasks(row: VisitLine, asker: Asker) -> Iterable[Task]:
    """Visits that have to be made, for whoever may make them and did not do the work."""
    if row.status != OPEN or not row.must or not row.next_at <= asker.now < row.lapses_at:
        return
    if asker.may(RecordVisit(row.household, row.visit, asker.now, "", "", "")):
        yield Task(
            what="visit",
            subject=row.visit,
            household=row.household,
            act="record-visit",
            since=row.from_at,
            due_at=row.appointed_at or row.due_at,
            because="role",
            details={"row": row.row, "content": row.content},
        )


WORKLISTS = (Worklist(LINES, _tasks),)
