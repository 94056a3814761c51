"""The company's calendar of care: when it goes by it, and the one meeting of a year (PLN-04).

Nothing is opened for any household before the management has begun: households are not greeted
because a program was installed.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import attrs

from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.catalog import EventType
from crm_core.kernel.commands import DayAhead, looked_up
from crm_core.kernel.decider import Decider, Decision, Refusal, by_command, by_event
from crm_core.kernel.growing import EMPTY, GrowingMap
from crm_core.kernel.recorded import Actor
from crm_core.kernel.refusals import no_reason
from crm_core.kernel.sealed import Text
from crm_core.kernel.values import define, frozen

WHOLE = "company"
"""The one stream: the meeting of a year is the company's."""


# --- events ----------------------------------------------------------------------------------


@frozen
class CareBegun:
    """The company goes by its calendar of care from now on."""

    on: date
    begun_by: str


@frozen
class CareSuspended:
    """It does not go by it until it is begun anew."""

    on: date
    reason: Text
    suspended_by: str


@frozen
class OccasionServed:
    """All households were looked at for an occasion; recorded by the clock, once for each day.

    Args:
        occasion: Its name.
        day: Its day.
        opened: For how many of them something was opened.
    """

    occasion: str
    day: date
    opened: int


@frozen
class MeetingPlanned:
    """The customer meeting of a year is to be on a day (S115)."""

    year: int
    on: date
    planned_for: date
    planned_by: str


@frozen
class MeetingHeld:
    """The customer meeting of a year was held."""

    year: int
    on: date
    note: Text
    held_by: str


@frozen
class MeetingMissed:
    """A year ended in which the calendar held and no meeting was; recorded by the clock."""

    year: int


EVENTS = (
    EventType("plans.care_begun", 1, CareBegun, "on"),
    EventType("plans.care_suspended", 1, CareSuspended, "on"),
    EventType("plans.occasion_served", 1, OccasionServed, "day"),
    EventType("plans.meeting_planned", 1, MeetingPlanned, "on"),
    EventType("plans.meeting_held", 1, MeetingHeld, "on"),
    EventType("plans.meeting_missed", 1, MeetingMissed),
)


# --- state -----------------------------------------------------------------------------------


@define
class CareCalendar:
    """How the company goes by its calendar.

    Args:
        begun: When it began, as it goes by it now; None while it does not.
        served: Days of occasions that all households were looked at for.
        planned: Meetings by their year and how often it had been planned; the last one holds.
        held: Meetings that were held, by their year.
        missed: Years without one.
    """

    begun: CareBegun | None = None
    served: GrowingMap[tuple[str, date], OccasionServed] = EMPTY
    planned: GrowingMap[tuple[int, int], MeetingPlanned] = EMPTY
    held: GrowingMap[int, MeetingHeld] = EMPTY
    missed: GrowingMap[int, MeetingMissed] = EMPTY

    def meeting(self, year: int) -> MeetingPlanned | None:
        """For when the meeting of a year is planned, if it is."""
        found, nth = None, 0
        while (one := self.planned.get((year, nth))) is not None:
            found, nth = one, nth + 1
        return found


# --- commands --------------------------------------------------------------------------------


@frozen
class BeginCare:
    """Go by the calendar of care from now on."""

    on: date
    by: Actor = looked_up()


@frozen
class SuspendCare:
    """Do not go by the calendar of care until it is begun anew."""

    on: date
    reason: str
    by: Actor = looked_up()


@frozen
class ServeOccasion:
    """Keep that all households were looked at for an occasion; the clock does."""

    occasion: str
    day: date
    opened: int


@frozen
class PlanMeeting:
    """Say on which day the customer meeting of a year is to be, or another day for it."""

    year: int
    planned_for: DayAhead
    on: date
    by: Actor = looked_up()


@frozen
class HoldMeeting:
    """Record that the customer meeting of a year was held; there is one."""

    year: int
    on: date
    note: str
    by: Actor = looked_up()


@frozen
class TellMeetingMissed:
    """Keep that a year ended without a customer meeting; the clock does."""

    year: int


# --- decisions -------------------------------------------------------------------------------


def _begin(command: BeginCare, state: CareCalendar) -> Decision:
    if state.begun is not None:
        return Refusal("care_begun", "PLN-04", {"since": state.begun.on.isoformat()})
    return (CareBegun(command.on, command.by.id),)


def _suspend(command: SuspendCare, state: CareCalendar) -> Decision:
    if state.begun is None:
        return Refusal("care_not_begun", "PLN-04")
    if not command.reason.strip():
        return no_reason("PLN-04", "suspending_care")
    return (CareSuspended(command.on, command.reason, command.by.id),)


def _serve(command: ServeOccasion, state: CareCalendar) -> Decision:
    if (command.occasion, command.day) in state.served:
        return ()
    return (OccasionServed(command.occasion, command.day, command.opened),)


def _plan(command: PlanMeeting, state: CareCalendar) -> Decision:
    if command.planned_for.year != command.year or command.planned_for < command.on:
        return Refusal("meeting_not_in_year", "PLN-04", {"year": command.year})
    if command.year in state.held:
        return Refusal("meeting_held", "PLN-04", {"year": command.year})
    before = state.meeting(command.year)
    if before is not None and before.planned_for == command.planned_for:
        return ()
    return (MeetingPlanned(command.year, command.on, command.planned_for, command.by.id),)


def _hold(command: HoldMeeting, state: CareCalendar) -> Decision:
    if command.on.year != command.year:
        return Refusal("meeting_not_in_year", "PLN-04", {"year": command.year})
    if command.year in state.held:
        return Refusal("meeting_held", "PLN-04", {"year": command.year})
    if not command.note.strip():
        return Refusal("note_missing", "PLN-04", sentence="note_missing_meeting")
    return (MeetingHeld(command.year, command.on, command.note, command.by.id),)


def _miss(command: TellMeetingMissed, state: CareCalendar) -> Decision:
    if command.year in state.held or command.year in state.missed:
        return ()
    if state.begun is None or state.begun.on.year > command.year:
        return ()
    return (MeetingMissed(command.year),)


_DECIDE: dict[type, Any] = {
    BeginCare: _begin,
    SuspendCare: _suspend,
    ServeOccasion: _serve,
    PlanMeeting: _plan,
    HoldMeeting: _hold,
    TellMeetingMissed: _miss,
}


def _planned(state: CareCalendar, e: MeetingPlanned) -> CareCalendar:
    nth = 0
    while (e.year, nth) in state.planned:
        nth += 1
    return attrs.evolve(state, planned=state.planned.add((e.year, nth), e))


CALENDAR = Aggregate(
    Decider(
        "care-calendar",
        CareCalendar(),
        by_command(_DECIDE),
        by_event(
            {
                CareBegun: lambda s, e: attrs.evolve(s, begun=e),
                CareSuspended: lambda s, _: attrs.evolve(s, begun=None),
                OccasionServed: lambda s, e: attrs.evolve(
                    s, served=s.served.add((e.occasion, e.day), e)
                ),
                MeetingPlanned: _planned,
                MeetingHeld: lambda s, e: attrs.evolve(s, held=s.held.add(e.year, e)),
                MeetingMissed: lambda s, e: attrs.evolve(s, missed=s.missed.add(e.year, e)),
            }
        ),
    ),
    tuple(_DECIDE),
    lambda _: WHOLE,
    lambda _: "",
    needs_file=False,
    inside=frozenset({ServeOccasion, TellMeetingMissed}),
)
