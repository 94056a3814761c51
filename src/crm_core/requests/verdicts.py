"""Verdicts: whether each clock of a request was kept, with its trace (REQ-15)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from attrs import frozen

from crm_core.kernel.calendars import Segment, WorkingCalendar
from crm_core.kernel.policy import PolicyRef
from crm_core.requests import clocks as timing
from crm_core.requests.clocks import SECOND, WORK, Clock, Pause
from crm_core.requests.sla import SlaPolicy
from crm_core.requests.state import Request, pause_of

Pinned = Callable[[PolicyRef, tuple[PolicyRef, ...]], SlaPolicy]
"""Where a pinned policy is found, under the notices that are pinned; see `Requests.pinned`."""


@frozen
class Verdict:
    """Whether one clock was kept.

    Args:
        clock: Kind and ordinal: `closing-1`, after reopening `closing-2`.
        superseded: Whether the clock is told as it stood before a re-base or another severity.
        policy: Policy it was held to.
        basis: `target` or `commitment`.
        started_at: When the clock started.
        due_at: When it was due; exactly then is still kept. In a pause: as if it ended at once.
        stopped_at: When it stopped, or None while it runs.
        kept: True, False, or None while it runs and is not yet due.
        late_seconds: Seconds over (positive) or to spare (negative), counted to `stopped_at` or
            to now.
        notices: The official notices that counted (REQ-11).
        provisional: The years that were counted without one: by its due time, or up to its end.
    """

    clock: str
    superseded: bool
    policy: str
    basis: str
    started_at: datetime
    due_at: datetime
    stopped_at: datetime | None
    kept: bool | None
    late_seconds: int
    notices: tuple[PolicyRef, ...] = ()
    provisional: tuple[int, ...] = ()


def verdicts(state: Request, now: datetime, pinned: Pinned | None = None) -> list[Verdict]:
    """All verdicts of a request by the start of their clocks, superseded ones first.

    They are read from what was recorded: no policy and no calendar of today can change them.

    Args:
        pinned: With it, each says by which notices it counted, and in which years without one.
    """
    pause = pause_of(state)
    # A clock that ran when it was superseded stops when the one that replaced it does.
    stops = {clock.name: clock.stopped_at for clock in state.clocks()}
    found = []
    for clock in state.superseded:
        stopped = clock.stopped_at or stops.get(clock.name)
        until = _until(clock, pause, now)
        calendar = None if pinned is None else calendar_counted(clock, pinned)
        found.append(verdict_of(clock, stopped, calendar, until, superseded=True))
    for clock in state.clocks():
        until = _until(clock, pause, now)
        calendar = None if pinned is None else calendar_counted(clock, pinned)
        found.append(verdict_of(clock, clock.stopped_at, calendar, until))
    return found


def calendar_counted(clock: Clock, pinned: Pinned) -> WorkingCalendar:
    """The calendar that a clock runs on, by the notices that it pins.

    Raises:
        UnknownPolicy, PolicyDigestMismatch: what the clock pins is not at hand.
    """
    policy = pinned(clock.policy, clock.notices)
    return timing.calendar_of(clock.kind, clock.set.basis, policy)


def answer_verdict(state: Request) -> dict[str, Any] | None:
    """Whether the phone was answered in time, counted in rings (REQ-02)."""
    rings, target = state.received.rings, state.received.targets.answer_rings
    if rings is None:
        return None
    return {"rings": rings, "target": target, "kept": rings <= target}


def trace(clock: Clock, state: Request, now: datetime, pinned: Pinned) -> tuple[Segment, ...]:
    """Every stretch of a clock's time, counted or not, and why (REQ-15).

    Raises:
        UnknownPolicy, PolicyDigestMismatch: what the clock pins is not at hand.
    """
    calendar = calendar_counted(clock, pinned)
    pauses = pauses_of(state) if clock.kind in WORK else ()
    end = clock.stopped_at or max(now, clock.set.started_at)
    return timing.trace(calendar, clock.set.started_at, end, pauses)


def pauses_of(state: Request) -> tuple[Pause, ...]:
    """All pauses of a request, also the one that lasts."""
    lasting = pause_of(state)
    return (*state.pauses,) if lasting is None else (*state.pauses, lasting)


def verdict_of(
    clock: Clock,
    stopped_at: datetime | None,
    calendar: WorkingCalendar | None,
    until: datetime | None = None,
    *,
    superseded: bool = False,
) -> Verdict:
    """Whether one clock was kept.

    Args:
        calendar: The calendar it runs on, with the notices that it pins; see `verdicts`.
        until: Up to when it has run, if it has not stopped.
    """
    started_at, due_at = clock.set.started_at, clock.set.due_at
    end = stopped_at or until or due_at
    late = end - due_at
    kept: bool | None = late <= timedelta(0) and not clock.broken
    if stopped_at is None and kept:
        kept = None
    return Verdict(
        clock=clock.name,
        superseded=superseded,
        policy=str(clock.policy),
        basis=clock.set.basis,
        started_at=started_at,
        due_at=due_at,
        stopped_at=stopped_at,
        kept=kept,
        late_seconds=late // SECOND,
        notices=() if calendar is None else calendar.counting(started_at, max(end, due_at)),
        provisional=() if calendar is None else calendar.provisional(started_at, max(end, due_at)),
    )


def _until(clock: Clock, pause: Pause | None, now: datetime) -> datetime:
    """Up to when a clock has run: in a pause no further than to where it stands still."""
    if pause is None or clock.kind not in WORK:
        return now
    return max(pause.since, clock.set.started_at)
