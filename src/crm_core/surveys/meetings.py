"""Meetings with owners and who came to them: what a member came to is a matter raised (GRD-02)."""

from __future__ import annotations

from datetime import date
from typing import Any

import attrs

from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.authority import Own
from crm_core.kernel.catalog import EventType
from crm_core.kernel.commands import Id, looked_up
from crm_core.kernel.decider import Decider, Decision, Refusal, by_command, by_event
from crm_core.kernel.growing import EMPTY, GrowingMap
from crm_core.kernel.recorded import Actor
from crm_core.kernel.refusals import no_reason
from crm_core.kernel.sealed import Text
from crm_core.kernel.values import define, frozen
from crm_core.surveys.hearing import heard_as

# --- events ------------------------------------------------------------------------------------


@frozen
class MeetingHeld:
    """A meeting with owners took place."""

    meeting: str
    estate: str
    on: date
    subject: Text
    held_by: str


@frozen
class MeetingAttended:
    """A member came.

    Args:
        opinion: Under which number it is heard (GRD-02).
    """

    meeting: str
    household: str
    member: str
    on: date
    opinion: str
    entered_by: str


@frozen
class AttendanceWithdrawn:
    """Somebody had not come after all.

    Args:
        opinion: Under which number it was heard.
    """

    meeting: str
    household: str
    member: str
    on: date
    opinion: str
    reason: Text
    withdrawn_by: str


MEETING_EVENTS = (
    EventType("surveys.meeting_held", 1, MeetingHeld, "on"),
    EventType("surveys.meeting_attended", 1, MeetingAttended, "on"),
    EventType("surveys.attendance_withdrawn", 1, AttendanceWithdrawn, "on"),
)


# --- state -------------------------------------------------------------------------------------


@define
class Meeting:
    """A meeting.

    Args:
        held: That it took place; None if there was none.
        attended: Who came, by member and how often it was withdrawn before.
        withdrawn: What was withdrawn.
    """

    held: MeetingHeld | None = None
    attended: GrowingMap[tuple[str, int], MeetingAttended] = EMPTY
    withdrawn: GrowingMap[tuple[str, int], AttendanceWithdrawn] = EMPTY

    def latest(self, member: str) -> tuple[str, int]:
        """Where the attendance of a member stands, or would stand next."""
        number = 0
        while (member, number) in self.withdrawn:
            number += 1
        return member, number


# --- commands ----------------------------------------------------------------------------------


@frozen
class HoldOwnersMeeting:
    """Record that a meeting with owners took place."""

    meeting: Id
    estate: str
    on: date
    subject: str
    by: Actor = looked_up()


@frozen
class RecordAttendance:
    """Record that a member came to a meeting; they held a role in the household on that day.

    Args:
        on: The day of the meeting.
    """

    meeting: Id
    household: str
    member: Id
    on: date
    by: Actor = looked_up()
    stranger: bool = looked_up()
    left: bool = looked_up()
    on_staff: bool = looked_up()


@frozen
class WithdrawAttendance:
    """Say that somebody had not come after all."""

    meeting: Id
    household: str
    member: Id
    on: date
    reason: str
    by: Actor = looked_up()


# --- decisions ---------------------------------------------------------------------------------


def _hold(command: HoldOwnersMeeting, state: Meeting) -> Decision:
    if state.held is not None:
        return Refusal("meeting_exists", "SUR-01", {"meeting": command.meeting})
    if not command.estate or not command.subject.strip():
        return Refusal("subject_missing", "SUR-01")
    return (
        MeetingHeld(command.meeting, command.estate, command.on, command.subject, command.by.id),
    )


def _attend(command: RecordAttendance, state: Meeting) -> Decision:
    if state.held is None:
        return _unknown(command.meeting)
    if command.on != state.held.on:
        details = {"meeting": command.meeting, "on": state.held.on.isoformat()}
        return Refusal("meeting_another_day", "SUR-01", details)
    details = {"member": command.member, "household": command.household}
    if command.on_staff or command.member in command.by.ids:
        return Refusal("word_of_staff", "LOG-08", {"member": command.member})
    if command.stranger:
        return Refusal("not_a_member", "LOG-08", details)
    if command.left:
        details["on"] = command.on.isoformat()
        return Refusal("not_a_member", "LOG-08", details, "not_a_member_then")
    key = state.latest(command.member)
    if key in state.attended:
        return ()
    return (
        MeetingAttended(
            meeting=command.meeting,
            household=command.household,
            member=command.member,
            on=command.on,
            opinion=heard_as("meeting", command.meeting, *key),
            entered_by=command.by.id,
        ),
    )


def _withdraw(command: WithdrawAttendance, state: Meeting) -> Decision:
    if state.held is None:
        return _unknown(command.meeting)
    attended = state.attended.get(state.latest(command.member))
    if attended is None or attended.household != command.household:
        details = {"member": command.member, "meeting": command.meeting}
        return Refusal("did_not_attend", "SUR-01", details)
    if not command.reason.strip():
        return no_reason("SUR-01", "attendance")
    if command.on < attended.on:
        details = {"from": attended.on.isoformat()}
        return Refusal("too_early", "SUR-01", details, "too_early_attendance")
    return (
        AttendanceWithdrawn(
            meeting=command.meeting,
            household=command.household,
            member=command.member,
            on=command.on,
            opinion=attended.opinion,
            reason=command.reason,
            withdrawn_by=command.by.id,
        ),
    )


def _unknown(meeting: str) -> Refusal:
    return Refusal("unknown_meeting", "SUR-01", {"meeting": meeting})


def _own(command: Any, _state: Meeting) -> Own | None:
    """Nobody makes their own coming go away."""
    if isinstance(command, WithdrawAttendance):
        return Own(others=frozenset({command.member}))
    return None


_DECIDE: dict[type, Any] = {
    HoldOwnersMeeting: _hold,
    RecordAttendance: _attend,
    WithdrawAttendance: _withdraw,
}


def _attended(state: Meeting, e: MeetingAttended) -> Meeting:
    return attrs.evolve(state, attended=state.attended.add(state.latest(e.member), e))


def _withdrawn(state: Meeting, e: AttendanceWithdrawn) -> Meeting:
    return attrs.evolve(state, withdrawn=state.withdrawn.add(state.latest(e.member), e))


MEETING = Aggregate(
    Decider(
        "meeting",
        Meeting(),
        by_command(_DECIDE),
        by_event(
            {
                MeetingHeld: lambda state, e: attrs.evolve(state, held=e),
                MeetingAttended: _attended,
                AttendanceWithdrawn: _withdrawn,
            }
        ),
    ),
    tuple(_DECIDE),
    lambda command: command.meeting,
    lambda command: getattr(command, "household", ""),
    own=_own,
)
