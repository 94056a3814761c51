"""The customer meeting of a year, for whoever is to plan and hold it (PLN-04, S115)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from attrs import evolve

from crm_core.kernel.dates import local_date, start_of_day
from crm_core.kernel.projection import Projection, Put, Rows
from crm_core.kernel.recorded import Recorded
from crm_core.kernel.values import frozen
from crm_core.kernel.worklists import SETTLED, Asker, Task, Worklist, end_of_day
from crm_core.plans.company_care import (
    EVENTS,
    WHOLE,
    CareBegun,
    CareSuspended,
    HoldMeeting,
    MeetingHeld,
    MeetingPlanned,
    PlanMeeting,
)


@frozen
class CustomerMeetings:
    """What is known of the customer meetings.

    Args:
        begun: Since when the company goes by its calendar of care; None while it does not.
        planned: For which days meetings are planned; of a year the last one holds.
        held: The years of those that were held.
    """

    begun: date | None = None
    planned: tuple[date, ...] = ()
    held: tuple[int, ...] = ()


def _applied(
    rows: Rows[CustomerMeetings], recorded: Recorded[Any]
) -> Iterable[Put[CustomerMeetings]]:
    event, row = recorded.event, rows.get(WHOLE) or CustomerMeetings()
    match event:
        case CareBegun():
            row = evolve(row, begun=event.on)
        case CareSuspended():
            row = evolve(row, begun=None)
        case MeetingPlanned():
            row = evolve(row, planned=(*row.planned, event.planned_for))
        case MeetingHeld():
            row = evolve(row, held=(*row.held, event.year))
    return (Put(WHOLE, row, SETTLED if row.begun is None else ""),)


_NAMES = {kind.cls: kind.stored for kind in EVENTS}

MEETINGS = Projection(
    name="plans.meetings",
    version=1,
    row=CustomerMeetings,
    names=frozenset(_NAMES[cls] for cls in (CareBegun, CareSuspended, MeetingHeld, MeetingPlanned)),
    apply=_applied,
)
"""The customer meetings, in one row."""


def _tasks(row: CustomerMeetings, asker: Asker) -> Iterable[Task]:
    """The meeting of the year: to be planned, and then to be held on its day."""
    today = local_date(asker.now, asker.zone)
    if row.begun is None or row.begun > today or today.year in row.held:
        return
    days = [day for day in row.planned if day.year == today.year]
    command: Any = PlanMeeting(today.year, today, today)
    if days:
        command = HoldMeeting(today.year, today, "")
    if asker.may(command):
        yield Task(
            what="customer_meeting",
            subject=str(today.year),
            household="",
            act="hold-meeting" if days else "plan-meeting",
            since=start_of_day(max(row.begun, date(today.year, 1, 1)), asker.zone),
            due_at=end_of_day(days[-1] if days else date(today.year, 12, 31), asker.zone),
            because="role",
        )


MEETING_OF_THE_YEAR = Worklist(MEETINGS, _tasks)
