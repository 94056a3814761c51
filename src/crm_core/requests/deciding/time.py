"""What time alone brings about: steps of a clock, and the end of a pause (REQ-13)."""

from __future__ import annotations

from datetime import datetime

from crm_core.kernel.decider import Decision
from crm_core.requests import clocks as timing
from crm_core.requests.clocks import ATTEMPT, CLOSE, PASSED, PAUSE, WORK, ClockSet
from crm_core.requests.commands import TakeStep
from crm_core.requests.deciding.closing import unconfirmed
from crm_core.requests.deciding.course import TIME_PASSED, Course, clock_named
from crm_core.requests.deciding.refusals import not_open
from crm_core.requests.events import ClockBreached, ClockWarned, ConfirmationDue, Escalated
from crm_core.requests.sla import BREACH
from crm_core.requests.state import NotReceived, RequestState, pause_of


def take_step(command: TakeStep, state: RequestState) -> Decision:
    """Record a step that fell due; one that has been taken, or has moved on, is nothing."""
    if isinstance(state, NotReceived):
        return not_open(state)
    pause = pause_of(state)
    if command.clock == PAUSE:
        if pause is None or pause.expected_end != command.at:
            return ()
        return Course(command, state).time_passes(command.at).decided()
    clock = clock_named(state, command.clock)
    if clock is None or (clock.set.step, clock.set.next_at) != (command.step, command.at):
        return ()
    if pause is not None and clock.kind in WORK and command.at > pause.since:
        return ()
    course = Course(command, state)
    _STEPS.get(command.step.partition("_")[0], _escalates)(course, clock.set, command.at)
    return course.decided()


def _warns(course: Course, clock: ClockSet, at: datetime) -> None:
    course.happens(
        ClockWarned(
            request=course.request,
            clock=clock.clock,
            percent=timing.percent_of(clock.step),
            at=at,
            clocks=(timing.after_step(clock, course.policy, course.pauses),),
        )
    )


def _breaches(course: Course, clock: ClockSet, at: datetime) -> None:
    breached = timing.with_step(clock, clock.next_at, BREACH)
    course.happens(
        ClockBreached(
            request=course.request,
            clock=clock.clock,
            at=at,
            told=course.policy.escalation.roles[0],
            clocks=(timing.after_step(breached, course.policy, course.pauses),),
        )
    )


def _escalates(course: Course, clock: ClockSet, at: datetime) -> None:
    percent = timing.percent_of(clock.step)
    escalation = course.policy.escalation
    level = (percent - 100) // escalation.step_percent
    course.happens(
        Escalated(
            request=course.request,
            clock=clock.clock,
            percent=percent,
            at=at,
            told=escalation.roles[min(level, len(escalation.roles) - 1)],
            clocks=(timing.after_step(clock, course.policy, course.pauses),),
        )
    )


def _passes(course: Course, _: ClockSet, at: datetime) -> None:
    course.breaks_promise(at, TIME_PASSED, given_up=False)


def _asks(course: Course, clock: ClockSet, at: datetime) -> None:
    attempt = int(clock.step.removeprefix(ATTEMPT))
    after = timing.attempted(clock, course.policy, course.state.targets.confirm_attempts)
    course.happens(ConfirmationDue(course.request, attempt, at, (after,)))


def _closes(course: Course, clock: ClockSet, at: datetime) -> None:
    """Asked in vain for long enough; else the staff have not asked, and that is a breach."""
    state = course.state
    if state.attempts >= state.targets.confirm_attempts and not state.duties:
        course.happens(unconfirmed(state, at))
    else:
        _breaches(course, clock, at)


_STEPS = {
    "warn": _warns,
    BREACH: _breaches,
    PASSED: _passes,
    ATTEMPT.rstrip("_"): _asks,
    CLOSE: _closes,
}
"""What follows from a step, by the first word of its name; all others escalate."""
