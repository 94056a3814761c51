"""Clocks of a request: how long they may run, what falls due next, what a pause does (REQ-11)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import attrs

from crm_core.kernel.calendars import ALWAYS, Segment, WorkingCalendar
from crm_core.kernel.policy import PolicyRef
from crm_core.kernel.values import define, frozen
from crm_core.requests.sla import SlaPolicy

APOLOGY = "apology"
ARRIVAL = "arrival"
CLOSING = "closing"
COMMITMENT = "commitment"
CONFIRMATION = "confirmation"
PROGRESS = "progress"
PROMISE = "promise"

WORK = frozenset({ARRIVAL, CLOSING, COMMITMENT, PROGRESS, PROMISE})
"""Clocks of the work itself: they stand still in a pause, and stop when the work is done."""

TARGET, AGREED = "target", "commitment"

PASSED = "passed"
"""What falls due on a promise: that its time has passed (REQ-09)."""

CLOSE = "close"
"""What falls due when a customer was asked in vain for long enough (REQ-08)."""

ATTEMPT = "attempt_"

PAUSE, RESUME = "pause", "resume"
"""What stands for a pause, and for its end, among the clocks and steps that fall due."""

SECOND = timedelta(seconds=1)


@frozen
class ClockSet:
    """A clock as an event sets it.

    Args:
        basis: `target` of the policy, or `commitment`.
        clock: Kind and ordinal: `closing-1`, after reopening `closing-2`.
        due_at: Exactly then is still in time.
        next_at: When its next step falls due; None if none is left.
        seconds: How long it may run, on the calendar of its kind and without pauses.
        started_at: When it started.
        step: The next step, e.g. `warn_50`, `breach`, `escalate_150`; empty if none is left.
    """

    basis: str
    clock: str
    due_at: datetime
    next_at: datetime | None
    seconds: int
    started_at: datetime
    step: str


@define
class Clock:
    """A clock of a request as it stands.

    Args:
        policy: What it was set by.
        stopped_at: None while it runs.
        broken: Whether what it measured was given up, whenever that was.
    """

    set: ClockSet
    policy: PolicyRef
    stopped_at: datetime | None = None
    broken: bool = False

    @property
    def name(self) -> str:
        """Kind and ordinal."""
        return self.set.clock

    @property
    def kind(self) -> str:
        """What it measures."""
        return kind_of(self.set.clock)


@define
class Pause:
    """A time in which the clocks of the work stood still (REQ-12).

    Args:
        side: `customer` or `third_party`.
        until: When they went on; None while they stand.
    """

    reason: str
    side: str
    since: datetime
    expected_end: datetime
    until: datetime | None = None


def kind_of(clock: str) -> str:
    """What a clock of that name measures."""
    return clock.partition("-")[0]


def calendar_of(kind: str, basis: str, policy: SlaPolicy) -> WorkingCalendar:
    """What a clock runs on: the policy's calendar for it, or day and night where it was agreed.

    A customer is asked within so many days of the calendar on the wall; only the attempts
    themselves keep to service hours.
    """
    agreed = basis == AGREED or kind in (COMMITMENT, CONFIRMATION)
    return ALWAYS if agreed else policy.calendars[kind]


def steps_of(kind: str, policy: SlaPolicy) -> tuple[tuple[str, int], ...]:
    """What falls due while such a clock runs, with the percent of its target, in order."""
    return ((PASSED, 100),) if kind == COMMITMENT else policy.steps


# --- arithmetic ------------------------------------------------------------------------------


def add(calendar: WorkingCalendar, start: datetime, seconds: int) -> datetime:
    """The instant when that much of the calendar's time is over."""
    if calendar is ALWAYS:
        return start + timedelta(seconds=seconds)
    return calendar.add(start, seconds)


def elapsed(calendar: WorkingCalendar, start: datetime, end: datetime) -> int:
    """Whole seconds of the calendar's time from `start` to `end`; none if the end is earlier."""
    if calendar is ALWAYS:
        return max(0, (end - start) // SECOND)
    return calendar.elapsed(start, end)


def reached_at(
    calendar: WorkingCalendar, start: datetime, seconds: int, pauses: Iterable[Pause]
) -> datetime:
    """When a clock has counted so many seconds; pauses do not count (REQ-12).

    A pause that still lasts counts as if it ended at once: when it does end, what was to come
    moves on by what it took.
    """
    at = add(calendar, start, seconds)
    for pause in pauses:
        if pause.until is not None:
            at = moved_on(calendar, at, started_at=start, since=pause.since, until=pause.until)
    return at


def counted(
    calendar: WorkingCalendar, start: datetime, end: datetime, pauses: Iterable[Pause]
) -> int:
    """Seconds that a clock has counted from `start` to `end`."""
    total, at = 0, start
    for pause in pauses:
        if pause.since >= end:
            break
        if pause.until is not None and pause.until <= at:
            continue
        total += elapsed(calendar, at, pause.since)
        if pause.until is None or pause.until >= end:
            return total
        at = pause.until
    return total + elapsed(calendar, at, end)


def due_of(clock: ClockSet, calendar: WorkingCalendar, pauses: Iterable[Pause]) -> datetime:
    """When a clock is due under these pauses."""
    at = reached_at(calendar, clock.started_at, clock.seconds, pauses)
    # Targets are counted in whole seconds; what was agreed may lie within one.
    return clock.due_at if abs(at - clock.due_at) < SECOND else at


def exceeded_at(calendar: WorkingCalendar, due_at: datetime, pauses: Iterable[Pause]) -> datetime:
    """The last instant at which a clock has counted no more than its target (REQ-15).

    Time that is used up with a shift, or when a pause begins, is exceeded when the clock goes on.
    """
    at, known = due_at, tuple(pauses)
    while True:
        on = at if calendar is ALWAYS else calendar.roll(at)
        on = next((p.until for p in known if p.until and p.since <= on < p.until), on)
        if on == at:
            return at
        at = on


def as_ended(pauses: Iterable[Pause], at: datetime) -> tuple[Pause, ...]:
    """The pauses before an instant, as if one that lasts ended then (REQ-12)."""
    found = []
    for pause in pauses:
        if pause.since < at:
            ended = pause.until is not None and pause.until <= at
            found.append(pause if ended else attrs.evolve(pause, until=at))
    return tuple(found)


def moved_on(
    calendar: WorkingCalendar, at: datetime, started_at: datetime, since: datetime, until: datetime
) -> datetime:
    """Where an instant of a clock lies after a pause from `since` to `until`."""
    stood = max(since, started_at)
    if at <= stood or until <= stood:
        return at
    if calendar is ALWAYS:
        return at + (until - stood)
    return calendar.add(until, calendar.elapsed(stood, at))


# --- setting ---------------------------------------------------------------------------------


def start(
    clock: str,
    started_at: datetime,
    seconds: int,
    policy: SlaPolicy,
    *,
    at: datetime | None = None,
    pauses: tuple[Pause, ...] = (),
    agreed: datetime | None = None,
) -> ClockSet:
    """A clock with its next step.

    Args:
        seconds: Its target; not looked at where a time was agreed.
        at: When it is set, if not when it starts: warnings of before are not given again.
        agreed: The time that was agreed instead of a target.
    """
    kind = kind_of(clock)
    basis = TARGET if agreed is None else AGREED
    calendar = calendar_of(kind, basis, policy)
    if agreed is None:
        due_at = reached_at(calendar, started_at, seconds, pauses)
    else:
        due_at, seconds = agreed, counted(calendar, started_at, agreed, pauses)
    running = ClockSet(
        basis=basis,
        clock=clock,
        due_at=due_at,
        next_at=None,
        seconds=seconds,
        started_at=started_at,
        step="",
    )
    now = started_at if at is None else at
    for step, percent in steps_of(kind, policy):
        next_at = _step_at(calendar, running, percent, pauses)
        if next_at > now or percent >= 100:
            return with_step(running, next_at, step)
    return running


def with_step(clock: ClockSet, next_at: datetime | None, step: str) -> ClockSet:
    """The clock with another step ahead."""
    return ClockSet(
        basis=clock.basis,
        clock=clock.clock,
        due_at=clock.due_at,
        next_at=next_at,
        seconds=clock.seconds,
        started_at=clock.started_at,
        step=step,
    )


def after_step(clock: ClockSet, policy: SlaPolicy, pauses: tuple[Pause, ...]) -> ClockSet:
    """The clock with the step behind the one that it has come to."""
    kind = kind_of(clock.clock)
    calendar = calendar_of(kind, clock.basis, policy)
    reached = percent_of(clock.step)
    for step, percent in steps_of(kind, policy):
        if percent > reached:
            return with_step(clock, _step_at(calendar, clock, percent, pauses), step)
    return with_step(clock, None, "")


def percent_of(step: str) -> int:
    """How much of a target is used up when a step falls due; 100 where its name does not say."""
    number = step.partition("_")[2]
    return int(number) if number else 100


def again(clock: ClockSet, policy: SlaPolicy, pauses: tuple[Pause, ...]) -> ClockSet:
    """The clock after a pause: what was to come moves on by what it took (REQ-12)."""
    calendar = calendar_of(kind_of(clock.clock), clock.basis, policy)
    due_at = due_of(clock, calendar, pauses)
    moved = ClockSet(
        basis=clock.basis,
        clock=clock.clock,
        due_at=due_at,
        next_at=clock.next_at,
        seconds=clock.seconds,
        started_at=clock.started_at,
        step=clock.step,
    )
    if not clock.step:
        return moved
    return with_step(moved, _step_at(calendar, moved, percent_of(clock.step), pauses), clock.step)


def confirmation(
    clock: str, done_at: datetime, attempts: int, made: int, days: int, policy: SlaPolicy
) -> ClockSet:
    """The clock of asking the customer: an attempt a day in service hours, then the end (REQ-08).

    Args:
        attempts: How often the customer is asked at least.
        made: How often that was tried.
    """
    due_at = done_at + timedelta(days=days)
    next_at, step = due_at, CLOSE
    if made < attempts:
        hours = policy.calendars[CONFIRMATION]
        next_at = min(hours.roll(done_at + timedelta(days=min(made, days))), due_at)
        step = f"{ATTEMPT}{made + 1}"
    return ClockSet(
        basis=TARGET,
        clock=clock,
        due_at=due_at,
        next_at=next_at,
        seconds=days * 86400,
        started_at=done_at,
        step=step,
    )


def attempted(clock: ClockSet, policy: SlaPolicy, attempts: int) -> ClockSet:
    """The clock of asking after it has said that an attempt is due."""
    said = int(clock.step.removeprefix(ATTEMPT))
    if said >= attempts:
        return with_step(clock, clock.due_at, CLOSE)
    hours = policy.calendars[CONFIRMATION]
    at = min(hours.roll(clock.started_at + timedelta(days=said)), clock.due_at)
    return with_step(clock, at, f"{ATTEMPT}{said + 1}")


def trace(
    calendar: WorkingCalendar, start_at: datetime, end: datetime, pauses: Iterable[Pause]
) -> tuple[Segment, ...]:
    """Every stretch from `start_at` to `end`, counted or not, and why (REQ-15)."""
    found: list[Segment] = []
    at = start_at
    for pause in pauses:
        if pause.since >= end:
            break
        until = end if pause.until is None else min(pause.until, end)
        if until <= at:
            continue
        since = max(pause.since, at)
        found.extend(_stretches(calendar, at, since))
        found.append(Segment(since, until, False, f"paused: {pause.reason}"))
        at = until
    found.extend(_stretches(calendar, at, end))
    return tuple(found)


def _stretches(calendar: WorkingCalendar, start_at: datetime, end: datetime) -> tuple[Segment, ...]:
    if end <= start_at:
        return ()
    if calendar is ALWAYS:
        return (Segment(start_at, end, True, "day and night"),)
    return calendar.segments(start_at, end)


def _step_at(
    calendar: WorkingCalendar, clock: ClockSet, percent: int, pauses: tuple[Pause, ...]
) -> datetime:
    if percent == 100:
        return exceeded_at(calendar, clock.due_at, pauses)
    return reached_at(calendar, clock.started_at, clock.seconds * percent // 100, pauses)
