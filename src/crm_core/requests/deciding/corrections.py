"""Putting right: another kind, trade or severity, and another policy."""

from __future__ import annotations

from datetime import datetime

from crm_core.kernel.decider import Decision
from crm_core.kernel.refusals import no_reason
from crm_core.requests.clocks import ARRIVAL, CLOSING, PROMISE, TARGET, ClockSet
from crm_core.requests.commands import Rebase, Reclassify
from crm_core.requests.deciding.course import Course, begun
from crm_core.requests.deciding.refusals import not_open, too_early, unknown_word
from crm_core.requests.events import PolicyRebased, Reclassified
from crm_core.requests.state import Open, Paused, RequestState


def reclassify(command: Reclassify, state: RequestState) -> Decision:
    """Kind, trade or severity were put down wrongly; elapsed and paused time stay (REQ-12)."""
    if not isinstance(state, Open | Paused):
        return not_open(state)
    kind, trade = command.kind or state.kind, command.trade or state.trade
    severity = command.severity or state.severity
    refused = unknown_word(kind=kind, trade=trade, severity=severity)
    if refused is not None:
        return refused
    if not command.reason:
        return no_reason("REQ-12", "reclassifying")
    at = command.reclassified_at
    if at < begun(state):
        return too_early("reclassifying", begun(state))
    if (kind, trade, severity) == (state.kind, state.trade, state.severity):
        return ()
    course = Course(command, state).time_passes(at)
    targets = course.policy.targets(severity, state.received.channel)
    held_to = {CLOSING: targets.close_seconds, ARRIVAL: targets.arrival_seconds}
    course.happens(
        Reclassified(
            request=command.request,
            kind=kind,
            trade=trade,
            severity=severity,
            reason=command.reason,
            targets=targets,
            reclassified_at=at,
            clocks=_set_anew(course, held_to, at),
        )
    )
    return course.decided()


def rebase(command: Rebase, state: RequestState) -> Decision:
    """The request is held to another policy from now on (REQ-14)."""
    if not isinstance(state, Open | Paused):
        return not_open(state)
    policy, at = command.policy, command.rebased_at
    if not command.reason:
        return no_reason("REQ-14", "rebasing")
    if at < begun(state):
        return too_early("rebasing", begun(state))
    if policy.ref == state.policy:
        return ()
    course = Course(command, state)
    targets = policy.targets(state.severity, state.received.channel)
    held_to = {
        CLOSING: targets.close_seconds,
        ARRIVAL: targets.arrival_seconds,
        PROMISE: targets.promise_seconds,
    }
    course.happens(
        PolicyRebased(
            request=command.request,
            policy=policy.ref,
            targets=targets,
            reason=command.reason,
            rebased_at=at,
            clocks=_set_anew(course, held_to, at),
        )
    )
    return course.decided()


def _set_anew(course: Course, held_to: dict[str, int], at: datetime) -> tuple[ClockSet, ...]:
    """Running clocks that other targets change; what was agreed stays agreed.

    Args:
        held_to: Seconds by the kind of clock.
    """
    changed = []
    for clock in course.state.running:
        seconds = held_to.get(clock.kind)
        if seconds is not None and clock.set.basis == TARGET:
            anew = course.set_anew(clock, at, seconds=seconds)
            if anew.seconds != clock.set.seconds or anew.due_at != clock.set.due_at:
                changed.append(anew)
    return tuple(changed)
