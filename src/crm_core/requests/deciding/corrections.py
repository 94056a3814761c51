"""Putting right: another kind, trade or severity, and another policy."""

from __future__ import annotations

from datetime import datetime

import attrs

from crm_core.kernel.decider import Decision
from crm_core.kernel.policy import PolicyRef
from crm_core.kernel.refusals import no_reason
from crm_core.requests.clocks import ARRIVAL, CLOSING, PROMISE, TARGET, ClockSet
from crm_core.requests.commands import Rebase, Reclassify
from crm_core.requests.deciding.course import Course
from crm_core.requests.deciding.refusals import not_open, unknown_word
from crm_core.requests.events import PolicyRebased, Reclassified
from crm_core.requests.state import Open, Paused

# --- what is said --------------------------------------------------------------------------------


def reclassify(command: Reclassify, course: Course) -> Decision:
    """Kind, trade or severity were put down wrongly; elapsed and paused time stay (REQ-12)."""
    state = course.state
    if not isinstance(state, Open | Paused):
        return not_open(state)
    kind, trade = command.kind or state.kind, command.trade or state.trade
    severity = command.severity or state.severity
    refused = unknown_word(kind=kind, trade=trade, severity=severity)
    if refused is not None:
        return refused
    if not command.reason.strip():
        return no_reason("REQ-12", "reclassifying")
    if (kind, trade, severity) == (state.kind, state.trade, state.severity):
        return ()
    return (
        Reclassified(
            request=command.request,
            kind=kind,
            trade=trade,
            severity=severity,
            reason=command.reason,
            targets=course.policy.targets(severity, state.received.channel),
            reclassified_at=command.reclassified_at,
            clocks=(),
            counts_from=command.reclassified_at,
            entered_by=command.by.id,
            evidence=command.evidence,
        ),
    )


def rebase(command: Rebase, course: Course) -> Decision:
    """The request is held to another policy from now on (REQ-14)."""
    state = course.state
    if not isinstance(state, Open | Paused):
        return not_open(state)
    policy = command.policy
    if not command.reason.strip():
        return no_reason("REQ-14", "rebasing")
    if policy.ref == state.policy:
        return ()
    return (
        PolicyRebased(
            request=command.request,
            policy=policy.ref,
            targets=policy.targets(state.severity, state.received.channel),
            reason=command.reason,
            rebased_at=command.rebased_at,
            clocks=(),
            counts_from=command.rebased_at,
            entered_by=command.by.id,
            evidence=command.evidence,
        ),
    )


# --- what it leads to ----------------------------------------------------------------------------


def reclassified(course: Course, e: Reclassified, at: datetime) -> None:
    """Running clocks are held to the other targets, from their own start."""
    if not isinstance(course.state, Open | Paused):
        return
    targets = course.policy.targets(e.severity, course.state.received.channel)
    held_to = {CLOSING: targets.close_seconds, ARRIVAL: targets.arrival_seconds}
    clocks = _set_anew(course, held_to, at)
    course.happens(attrs.evolve(e, targets=targets, clocks=clocks))


def rebased(course: Course, e: PolicyRebased, at: datetime) -> None:
    """Running clocks are held to the other policy, from their own start."""
    state = course.state
    if not isinstance(state, Open | Paused):
        return
    policy = course.policies.by(e.policy, state.noticed[-1].notices)
    targets = policy.targets(state.severity, state.received.channel)
    held_to = {
        CLOSING: targets.close_seconds,
        ARRIVAL: targets.arrival_seconds,
        PROMISE: targets.promise_seconds,
    }
    clocks = _set_anew(course, held_to, at, policy=e.policy)
    course.happens(attrs.evolve(e, targets=targets, clocks=clocks))


def _set_anew(
    course: Course, held_to: dict[str, int], at: datetime, policy: PolicyRef | None = None
) -> tuple[ClockSet, ...]:
    """Running clocks that other targets change; what was agreed stays agreed.

    Args:
        held_to: Seconds by the kind of clock.
        policy: Whose calendars they run on, if not on those of before.
    """
    changed = []
    for clock in course.state.running:
        seconds = held_to.get(clock.kind)
        if seconds is not None and clock.set.basis == TARGET:
            anew = course.set_anew(clock, at, seconds=seconds, policy=policy)
            if anew.seconds != clock.set.seconds or anew.due_at != clock.set.due_at:
                changed.append(anew)
    return tuple(changed)
