"""Duty cover: who answers a line, and when nobody does (REQ-02)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import attrs
from attrs import define, frozen

from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.catalog import EventType
from crm_core.kernel.decider import Decider, Decision, Refusal, by_command, by_event
from crm_core.kernel.growing import EMPTY, GrowingMap
from crm_core.kernel.refusals import no_reason


@frozen
class CoverPlanned:
    """Somebody answers the line from `start` up to and without `end`."""

    line: str
    shift: str
    staff: str
    start: datetime
    end: datetime


@frozen
class CoverCancelled:
    """Somebody does not come after all."""

    line: str
    shift: str
    reason: str


EVENTS = (
    EventType("staff.cover_planned", 1, CoverPlanned),
    EventType("staff.cover_cancelled", 1, CoverCancelled),
)


@define
class Roster:
    """The shifts of a line.

    Args:
        planned: All shifts by their number.
        cancelled: Those that are not kept, with the reason.
    """

    planned: GrowingMap[str, CoverPlanned] = EMPTY
    cancelled: GrowingMap[str, str] = EMPTY

    def shifts(self) -> list[CoverPlanned]:
        """The shifts that are kept, by their start."""
        kept = [shift for number, shift in self.planned.items() if number not in self.cancelled]
        return sorted(kept, key=lambda shift: (shift.start, shift.end, shift.shift))

    def on_duty(self, at: datetime) -> tuple[str, ...]:
        """Who has a shift at an instant, sorted."""
        return tuple(sorted({s.staff for s in self.shifts() if s.start <= at < s.end}))


@frozen
class PlanCover:
    """Put somebody on duty."""

    line: str
    shift: str
    staff: str
    start: datetime
    end: datetime


@frozen
class CancelCover:
    """Take a shift from the roster, for a reason."""

    line: str
    shift: str
    reason: str


@frozen
class Gap:
    """A time in which nobody answers."""

    start: datetime
    end: datetime


def _plan(command: PlanCover, state: Roster) -> Decision:
    if command.shift in state.planned:
        return Refusal("shift_exists", "REQ-02", {"shift": command.shift})
    if not command.staff or command.end <= command.start:
        return Refusal("shift_empty", "REQ-02")
    return (
        CoverPlanned(
            line=command.line,
            shift=command.shift,
            staff=command.staff,
            start=command.start,
            end=command.end,
        ),
    )


def _cancel(command: CancelCover, state: Roster) -> Decision:
    if command.shift not in state.planned:
        return Refusal("unknown_shift", "REQ-02", {"shift": command.shift})
    if not command.reason:
        return no_reason("REQ-02", "shift")
    if command.shift in state.cancelled:
        return ()
    return (CoverCancelled(command.line, command.shift, command.reason),)


_DECIDE: dict[type, Any] = {PlanCover: _plan, CancelCover: _cancel}


ROSTER = Aggregate(
    Decider(
        "roster",
        Roster(),
        by_command(_DECIDE),
        by_event(
            {
                CoverPlanned: lambda state, e: attrs.evolve(
                    state, planned=state.planned.add(e.shift, e)
                ),
                CoverCancelled: lambda state, e: attrs.evolve(
                    state, cancelled=state.cancelled.add(e.shift, e.reason)
                ),
            }
        ),
    ),
    tuple(_DECIDE),
    lambda command: command.line,
    lambda _: "",
    needs_file=False,
)


def gaps(shifts: Iterable[CoverPlanned], start: datetime, end: datetime) -> list[Gap]:
    """When nobody answers between two instants: the line is staffed 24 hours (REQ-02).

    Args:
        shifts: By their start, as `Roster.shifts` gives them.
    """
    found = []
    covered = start
    for shift in shifts:
        if shift.start >= end:
            break
        if shift.start > covered:
            found.append(Gap(covered, shift.start))
        covered = max(covered, shift.end)
    if covered < end:
        found.append(Gap(covered, end))
    return found
