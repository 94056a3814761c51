"""Duty cover: who answers a line, and when nobody does (REQ-02).

A line is staffed day and night from its first planned shift on, until it is retired. The clock
reports every gap ahead, once; one that comes about again is reported again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, TypeVar

import attrs

from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.catalog import EventType
from crm_core.kernel.commands import Id, InstantAhead, looked_up
from crm_core.kernel.dates import instant_text, local_date, start_of_day
from crm_core.kernel.decider import Decider, Decision, Refusal, by_command, by_event
from crm_core.kernel.growing import EMPTY, GrowingMap
from crm_core.kernel.projection import Projection, Put, Rows
from crm_core.kernel.recorded import Recorded
from crm_core.kernel.refusals import no_reason
from crm_core.kernel.sealed import Text
from crm_core.kernel.ticking import DueCommand, Look, Source
from crm_core.kernel.values import define, frozen
from crm_core.kernel.worklists import Asker, Task, Worklist
from crm_core.staff.policy import DEFAULT_COVER, CoverPolicy

FOR_EVER = datetime.max.replace(tzinfo=UTC)


class Span(Protocol):
    """From an instant up to and without another."""

    @property
    def start(self) -> datetime: ...

    @property
    def end(self) -> datetime: ...


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
    reason: Text


@frozen
class CoverGapFound:
    """The clock found a time in which nobody answers the line, or answered it.

    Args:
        start: From when on.
        end: Up to and without this instant.
    """

    line: str
    start: datetime
    end: datetime
    found_at: datetime


@frozen
class LineRetired:
    """The line is answered no more from an instant on, until a later shift is planned."""

    line: str
    since: datetime
    reason: Text


EVENTS = (
    EventType("staff.cover_planned", 1, CoverPlanned),
    EventType("staff.cover_cancelled", 1, CoverCancelled),
    EventType("staff.cover_gap_found", 1, CoverGapFound),
    EventType("staff.line_retired", 1, LineRetired),
)


@frozen
class Gap:
    """A time in which nobody answers."""

    start: datetime
    end: datetime


@define
class Roster:
    """The shifts of a line.

    Args:
        planned: All shifts by their number.
        cancelled: Those that are not kept, with the reason.
        reported: Gaps that were reported, as far as no shift was planned into them since.
        retired: When the line is not answered, nor has to be.
    """

    planned: GrowingMap[str, CoverPlanned] = EMPTY
    cancelled: GrowingMap[str, str] = EMPTY
    reported: tuple[Gap, ...] = ()
    retired: tuple[Gap, ...] = ()

    def shifts(self, left: Mapping[str, datetime] | None = None) -> list[CoverPlanned]:
        """The shifts that are kept, by their start.

        Args:
            left: Since when somebody is on the staff no more; they come to no shift behind that.
        """
        gone = left or {}
        kept = [
            attrs.evolve(shift, end=min(shift.end, gone.get(shift.staff, shift.end)))
            for number, shift in self.planned.items()
            if number not in self.cancelled and shift.start < gone.get(shift.staff, FOR_EVER)
        ]
        return sorted(kept, key=lambda shift: (shift.start, shift.end, shift.shift))

    def on_duty(self, at: datetime) -> tuple[str, ...]:
        """Who answers the line at an instant, sorted."""
        return tuple(sorted({s.staff for s in self.shifts() if s.start <= at < s.end}))

    def gaps(
        self, start: datetime, end: datetime, left: Mapping[str, datetime] | None = None
    ) -> list[Gap]:
        """When nobody answers between two instants, though the line is in use.

        Args:
            left: See `shifts`.
        """
        spans: list[Span] = [*self.shifts(left), *self.retired]
        return gaps(sorted(spans, key=lambda span: span.start), start, end)

    def news(self, end: datetime, left: Mapping[str, datetime]) -> list[Gap]:
        """Gaps up to an instant that were not reported, from the first shift ever planned on."""
        if not len(self.planned):
            return []
        start = min(shift.start for shift in self.planned.values())
        spans: list[Span] = [*self.shifts(left), *self.retired, *self.reported]
        return gaps(sorted(spans, key=lambda span: span.start), start, end)


@frozen
class PlanCover:
    """Put somebody on duty."""

    line: str
    shift: str
    staff: Id
    start: InstantAhead
    end: InstantAhead
    stranger: bool = looked_up()


@frozen
class CancelCover:
    """Take a shift from the roster, for a reason."""

    line: str
    shift: str
    reason: str


@frozen
class RetireLine:
    """Say that a line is answered no more from an instant on; a later shift takes it up again."""

    line: str
    since: InstantAhead
    reason: str


@frozen
class ReportGaps:
    """Report the gaps of a line up to an instant that were not reported yet.

    Args:
        known_at: The instant of the clock.
        left: Since when who is on the staff no more, sorted.
    """

    line: str
    upto: datetime
    known_at: datetime = looked_up()
    left: tuple[tuple[str, datetime], ...] = looked_up()


def _plan(command: PlanCover, state: Roster) -> Decision:
    if command.shift in state.planned:
        return Refusal("shift_exists", "REQ-02", {"shift": command.shift})
    if not command.staff or command.end <= command.start:
        return Refusal("shift_empty", "REQ-02")
    if command.stranger:
        return Refusal("unknown_staff", "REQ-02", {"staff": command.staff})
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
    if not command.reason.strip():
        return no_reason("REQ-02", "shift")
    if command.shift in state.cancelled:
        return ()
    return (CoverCancelled(command.line, command.shift, command.reason),)


def _retire(command: RetireLine, state: Roster) -> Decision:
    if not len(state.planned):
        return Refusal("unknown_line", "REQ-02", {"line": command.line})
    if not command.reason.strip():
        return no_reason("REQ-02", "line")
    if any(span.start <= command.since < span.end for span in state.retired):
        return ()
    if any(shift.end > command.since for shift in state.shifts()):
        return Refusal("shift_later", "REQ-02", {"since": command.since.isoformat()})
    return (LineRetired(command.line, command.since, command.reason),)


def _report(command: ReportGaps, state: Roster) -> Decision:
    return tuple(
        CoverGapFound(line=command.line, start=gap.start, end=gap.end, found_at=command.known_at)
        for gap in state.news(command.upto, dict(command.left))
    )


_DECIDE: dict[type, Any] = {
    PlanCover: _plan,
    CancelCover: _cancel,
    RetireLine: _retire,
    ReportGaps: _report,
}


# --- what follows from an event --------------------------------------------------------------


def _planned(state: Roster, e: CoverPlanned) -> Roster:
    return attrs.evolve(
        state,
        planned=state.planned.add(e.shift, e),
        reported=_without(state.reported, e),
        retired=tuple(_until(span, e) for span in state.retired),
    )


def _until(span: Gap, shift: CoverPlanned) -> Gap:
    """A line that was retired is in use again from a shift on."""
    if span.end != FOR_EVER or shift.end <= span.start:
        return span
    return Gap(span.start, max(span.start, shift.start))


G = TypeVar("G", Gap, "OpenGap")


def _without(reported: Iterable[G], shift: Span) -> tuple[G, ...]:
    """What is left of gaps where somebody comes after all: should they not, it is news again."""
    left: list[G] = []
    for gap in reported:
        if gap.start < shift.start:
            left.append(attrs.evolve(gap, end=min(gap.end, shift.start)))
        if gap.end > shift.end:
            left.append(attrs.evolve(gap, start=max(gap.start, shift.end)))
    return tuple(left)


ROSTER = Aggregate(
    Decider(
        "roster",
        Roster(),
        by_command(_DECIDE),
        by_event(
            {
                CoverPlanned: _planned,
                CoverCancelled: lambda state, e: attrs.evolve(
                    state, cancelled=state.cancelled.add(e.shift, e.reason)
                ),
                CoverGapFound: lambda state, e: attrs.evolve(
                    state, reported=(*state.reported, Gap(e.start, e.end))
                ),
                LineRetired: lambda state, e: attrs.evolve(
                    state, retired=(*state.retired, Gap(e.since, FOR_EVER))
                ),
            }
        ),
    ),
    tuple(_DECIDE),
    lambda command: command.line,
    lambda _: "",
    needs_file=False,
    inside=frozenset({ReportGaps}),
)


def gaps(shifts: Iterable[Span], start: datetime, end: datetime) -> list[Gap]:
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


# --- the clock -------------------------------------------------------------------------------


@frozen
class OpenGap:
    """A gap that was reported, and when."""

    start: datetime
    end: datetime
    found_at: datetime


@frozen
class Covered:
    """A line that duty was planned for.

    Args:
        changes: How often its roster changed.
        gaps: Gaps that were reported, are not over and were not filled, by their start.
    """

    line: str
    changes: int
    gaps: tuple[OpenGap, ...]


def _covered(rows: Rows[Covered], recorded: Recorded[Any]) -> tuple[Put[Covered], ...]:
    event, at = recorded.event, recorded.recorded
    row = rows.get(event.line) or Covered(line=event.line, changes=0, gaps=())
    open_gaps = tuple(gap for gap in row.gaps if gap.end > at)
    if isinstance(event, CoverGapFound):
        if event.end > at:
            open_gaps = (*open_gaps, OpenGap(event.start, event.end, event.found_at))
    elif isinstance(event, CoverPlanned):
        open_gaps = _without(open_gaps, event)
    elif isinstance(event, LineRetired):
        open_gaps = _without(open_gaps, Gap(event.since, FOR_EVER))
    changed = row.changes + (not isinstance(event, CoverGapFound))
    row = attrs.evolve(
        row, changes=changed, gaps=tuple(sorted(open_gaps, key=lambda gap: gap.start))
    )
    # Lines are few, and each is due at every look.
    return (Put(row.line, row),)


COVER = Projection(
    name="staff.cover",
    version=1,
    row=Covered,
    names=frozenset(kind.stored for kind in EVENTS),
    apply=_covered,
)
"""Lines with the gaps in their cover that people have to fill."""


def _to_fill(row: Covered, asker: Asker) -> Iterable[Task]:
    """Gaps that are not over, for whoever plans duty."""
    fill = PlanCover(
        line=row.line, shift="", staff=asker.id, start=asker.now, end=asker.now + timedelta(days=1)
    )
    if not asker.may(fill):
        return
    for gap in row.gaps:
        if gap.end > asker.now:
            yield Task(
                what="cover_gap",
                subject=row.line,
                household="",
                act="plan-cover",
                since=gap.found_at,
                due_at=gap.start,
                because="role",
                details={"from": instant_text(gap.start), "to": instant_text(gap.end)},
            )


WORKLIST = Worklist(COVER, _to_fill)
"""Gaps on the list of whoever plans duty (REQ-02)."""

_MOMENT = timedelta(microseconds=1)
"""What is due at this very instant is not due before it."""


def _due(row: Covered, look: Look) -> Iterable[DueCommand]:
    """A look at the line; it records what is news, and where nothing is, nothing."""
    today = local_date(look.now, look.zone)
    policy = look.policies.find(CoverPolicy, DEFAULT_COVER, today)
    if row.line in policy.shifts_only:
        return ()
    upto = start_of_day(today + timedelta(days=policy.ahead_days + 1), look.zone)
    # Duty of the staff ends elsewhere, so no count of changes here tells of all that is news.
    id = f"tick:cover:{row.line}:{row.changes}:{instant_text(look.now)}"
    return (DueCommand(id, ReportGaps(row.line, upto), look.now - _MOMENT),)


CLOCK = (Source("cover", COVER, _due),)
