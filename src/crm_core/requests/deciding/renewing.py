"""A notice of public holidays that comes later: what it changes of an open request (REQ-11)."""

from __future__ import annotations

from datetime import datetime

from crm_core.kernel.decider import Decision
from crm_core.requests import clocks as timing
from crm_core.requests.clocks import ATTEMPT, CONFIRMATION, TARGET, WORK, Clock, ClockSet
from crm_core.requests.commands import RenewCalendar
from crm_core.requests.deciding.course import Course
from crm_core.requests.deciding.refusals import not_open
from crm_core.requests.events import CalendarRenewed
from crm_core.requests.state import Done, NotReceived, Open, Paused, RequestState


def renew(command: RenewCalendar, state: RequestState) -> Decision:
    """An open request counts by the notices in force; a closed one keeps what was decided."""
    if isinstance(state, NotReceived):
        return not_open(state)
    notices = tuple(notice.ref for notice in command.policy.notices)
    if not isinstance(state, Open | Paused | Done) or notices == state.notices:
        return ()
    if command.at < state.received_at:
        return ()
    course = Course(command, state)
    clocks = [(clock, _anew(course, clock, command.at)) for clock in state.running]
    course.happens(
        CalendarRenewed(
            request=command.request,
            notices=notices,
            renewed_at=command.at,
            clocks=tuple(anew for clock, anew in clocks if anew != clock.set),
        )
    )
    return course.decided()


def _anew(course: Course, clock: Clock, at: datetime) -> ClockSet:
    """The clock by the calendar as it is now known, from its own start."""
    if clock.kind == CONFIRMATION:
        return _asking_anew(course, clock)
    if clock.set.basis != TARGET:
        return clock.set
    calendar = timing.calendar_of(clock.kind, clock.set.basis, course.policy)
    pauses = course.pauses if clock.kind in WORK else ()
    started_at, seconds = clock.set.started_at, clock.set.seconds
    due_at = timing.reached_at(calendar, started_at, seconds, pauses)
    steps = timing.steps_of(clock.kind, course.policy)
    names = [step for step, _ in steps]
    taken = names[: names.index(clock.set.step)] if clock.set.step in names else names
    found = timing.due_anew(clock.set, due_at)
    for step, percent in steps:
        step_at = due_at
        if percent != 100:
            step_at = timing.reached_at(calendar, started_at, seconds * percent // 100, pauses)
        # What was recorded too early falls due again at its time; what was recorded rightly does
        # not, and warnings of before are not given afterwards.
        if step_at > at or (percent >= 100 and step not in taken):
            return timing.with_step(found, step_at, step)
    return timing.with_step(found, None, "")


def _asking_anew(course: Course, clock: Clock) -> ClockSet:
    """The customer is asked in service hours, on days that are worked after all."""
    if not clock.set.step.startswith(ATTEMPT):
        return clock.set
    targets = course.state.targets
    return timing.confirmation(
        clock.name,
        clock.set.started_at,
        attempts=targets.confirm_attempts,
        made=int(clock.set.step.removeprefix(ATTEMPT)) - 1,
        days=targets.confirm_days,
        policy=course.policy,
    )
