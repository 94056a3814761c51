"""What staff are told of visits: what has to be made at once, and what nobody made (OUT-01)."""

from __future__ import annotations

from datetime import timedelta

from crm_core.kernel.slice import Reading, StaffNotice, StaffNotices
from crm_core.visits.decide import VISITS
from crm_core.visits.events import VisitGivenUp, VisitScheduled
from crm_core.visits.state import LAPSED, Visits

_AT_ONCE = timedelta(days=1)
"""Who has less time than this for a visit hears of it, and finds the others on their list."""


def _due(event: VisitScheduled, _: Reading) -> tuple[StaffNotice, ...]:
    if not event.must or event.due_at - event.since > _AT_ONCE:
        return ()
    values = {"visit": event.visit, "due_at": event.due_at}
    return (StaffNotice("return-visit-due", values, event.since, role="specialist"),)


def _lapsed(event: VisitGivenUp, reading: Reading) -> tuple[StaffNotice, ...]:
    visits: Visits = reading.state(VISITS, event.household)
    visit = visits.visit(event.visit)
    if event.why != LAPSED or visit is None or not visit.must:
        return ()
    values = {"visit": event.visit, "due_at": visit.due_at}
    return (StaffNotice("return-visit-lapsed", values, None, role="supervisor"),)


STAFF_NOTICES: dict[type, StaffNotices] = {VisitGivenUp: _lapsed, VisitScheduled: _due}
