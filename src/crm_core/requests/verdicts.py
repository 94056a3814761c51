"""Verdicts: whether each clock of a request was kept, with its trace (REQ-15)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from crm_core.kernel.calendars import Segment, WorkingCalendar
from crm_core.kernel.policy import PolicyRef
from crm_core.kernel.values import frozen
from crm_core.requests import clocks as timing
from crm_core.requests.clocks import WORK, Clock
from crm_core.requests.sla import SlaPolicy
from crm_core.requests.state import Request, notices_at, pauses_of

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
        late_seconds: Seconds over (positive) or to spare (negative) in the clock's own time,
            counted to `stopped_at` or to now: nights, pauses and days off are none (REQ-15).
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


def verdicts(state: Request, now: datetime, pinned: Pinned) -> list[Verdict]:
    """All verdicts of a request by the start of their clocks, superseded ones first.

    They follow from the clocks and pauses on record and the very policy that each clock was set by.

    Raises:
        UnknownPolicy, PolicyDigestMismatch: the policy that a clock was set by is not at hand.
    """
    # A clock that ran when it was superseded stops when the one that replaced it does.
    stops = {clock.name: clock.stopped_at for clock in state.clocks()}
    found = []
    for clock in state.superseded:
        stopped = clock.stopped_at or stops.get(clock.name)
        found.append(_verdict(clock, stopped, state, now, pinned, superseded=True))
    for clock in state.clocks():
        found.append(_verdict(clock, clock.stopped_at, state, now, pinned, superseded=False))
    return found


def calendar_counted(clock: Clock, state: Request, pinned: Pinned) -> WorkingCalendar:
    """The calendar that a clock runs on, by the notices that count for it.

    Raises:
        UnknownPolicy, PolicyDigestMismatch: what the clock pins is not at hand.
    """
    policy = pinned(clock.policy, notices_at(state, clock.set.started_at))
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
    calendar = calendar_counted(clock, state, pinned)
    pauses = pauses_of(state) if clock.kind in WORK else ()
    end = clock.stopped_at or max(now, clock.set.started_at)
    return timing.trace(calendar, clock.set.started_at, end, pauses)


def _verdict(
    clock: Clock,
    stopped_at: datetime | None,
    state: Request,
    now: datetime,
    pinned: Pinned,
    *,
    superseded: bool,
) -> Verdict:
    calendar = calendar_counted(clock, state, pinned)
    end = stopped_at or max(now, clock.set.started_at)
    return verdict_of(clock, stopped_at, state, end, calendar, superseded=superseded)


def verdict_of(
    clock: Clock,
    stopped_at: datetime | None,
    state: Request,
    end: datetime,
    calendar: WorkingCalendar,
    *,
    superseded: bool = False,
) -> Verdict:
    """Whether one clock was kept.

    Args:
        end: Up to when it has run.
        calendar: What it runs on.
    """
    held = clock.set
    # What happens in a pause is judged as if the pause had ended at that instant (REQ-12).
    pauses = timing.as_ended(pauses_of(state), end) if clock.kind in WORK else ()
    due_at = timing.due_of(held, calendar, pauses)
    in_time = end <= timing.exceeded_at(calendar, due_at, pauses)
    kept: bool | None = in_time and not clock.broken
    if stopped_at is None and kept:
        kept = None
    return Verdict(
        clock=clock.name,
        superseded=superseded,
        policy=str(clock.policy),
        basis=held.basis,
        started_at=held.started_at,
        due_at=due_at,
        stopped_at=stopped_at,
        kept=kept,
        late_seconds=timing.counted(calendar, held.started_at, end, pauses) - held.seconds,
        notices=calendar.counting(held.started_at, max(end, due_at)),
        provisional=calendar.provisional(held.started_at, max(end, due_at)),
    )
