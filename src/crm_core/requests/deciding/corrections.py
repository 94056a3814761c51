"""Putting right: another kind, trade or severity, another policy, one matter raised twice."""

from __future__ import annotations

from datetime import datetime

from crm_core.kernel.decider import Decision, Refusal
from crm_core.kernel.refusals import no_reason
from crm_core.requests.clocks import ARRIVAL, CLOSING, PROMISE, TARGET, ClockSet
from crm_core.requests.commands import MarkDuplicate, MergeDuplicate, Rebase, Reclassify
from crm_core.requests.deciding.course import Course, begun, paused_since
from crm_core.requests.deciding.refusals import (
    apology_open,
    not_open,
    outstanding,
    too_early,
    unknown_word,
)
from crm_core.requests.events import MarkedDuplicate, PolicyRebased, Reclassified, RequestMerged
from crm_core.requests.state import NotReceived, Open, Paused, Request, RequestState


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
            notices=tuple(notice.ref for notice in policy.notices),
        )
    )
    return course.decided()


def mark_duplicate(command: MarkDuplicate, state: RequestState) -> Decision:
    """The request raises the same matter as another one (GRD-02)."""
    if isinstance(state, NotReceived):
        return not_open(state)
    refused = _unfit_duplicate(command.request, command.of, state)
    if refused is not None:
        return refused
    return (MarkedDuplicate(command.request, command.of, command.reason),)


def merge(command: MergeDuplicate, state: RequestState) -> Decision:
    """The request goes on in the other one; nothing that it owes is lost with it."""
    if not isinstance(state, Open | Paused):
        return not_open(state)
    known = state.duplicate_of == command.into
    refused = None if known else _unfit_duplicate(command.request, command.into, state)
    if refused is not None:
        return refused
    earliest = max(begun(state), paused_since(state))
    if command.merged_at < earliest:
        return too_early("merging", earliest)
    course = Course(command, state).time_passes(command.merged_at)
    if course.state.duties:
        return apology_open()
    if course.state.promise is not None:
        return outstanding()
    if isinstance(course.state, Paused):
        course.resumes(command.merged_at)
    if not known:
        course.happens(MarkedDuplicate(command.request, command.into, command.reason))
    course.happens(RequestMerged(command.request, command.into, command.merged_at))
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


def _unfit_duplicate(request: str, of: str, state: Request) -> Refusal | None:
    if of == request:
        return Refusal("duplicate_of_itself", "GRD-02")
    if state.duplicate_of is not None:
        return Refusal("duplicate_already", "GRD-02", {"of": state.duplicate_of})
    return None
