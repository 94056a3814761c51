"""Doing the work: arriving, telling how it goes on, pausing, reporting it done, and incidents."""

from __future__ import annotations

from datetime import datetime

from crm_core.kernel.decider import Decision, Refusal
from crm_core.kernel.refusals import no_reason
from crm_core.requests.clocks import ARRIVAL
from crm_core.requests.commands import (
    Arrive,
    ExtendPause,
    FollowIncident,
    LinkToIncident,
    NoteProgress,
    PauseRequest,
    ReportDone,
    ResumeRequest,
)
from crm_core.requests.deciding.course import Course, begun, paused_since
from crm_core.requests.deciding.refusals import not_open, not_paused, too_early
from crm_core.requests.events import (
    ArrivedOnSite,
    LinkedToIncident,
    PauseExtended,
    ProgressNoted,
    RequestPaused,
    WorkReportedDone,
)
from crm_core.requests.state import Open, Paused, RequestState


def arrive(command: Arrive, state: RequestState) -> Decision:
    """Somebody is on site (REQ-05)."""
    if not isinstance(state, Open):
        return not_open(state)
    course = Course(command, state).time_passes(command.arrived_at)
    clock = course.state.clock(ARRIVAL)
    if clock is None:
        return Refusal("nobody_expected", "REQ-05")
    if command.arrived_at < clock.set.started_at:
        return too_early("arrival", clock.set.started_at)
    course.happens(ArrivedOnSite(command.request, command.arrived_at, command.by.id))
    return course.decided()


def note_progress(command: NoteProgress, state: RequestState) -> Decision:
    """How the work goes on; only what the customer was told ends a silence (REQ-07)."""
    if not isinstance(state, Open | Paused):
        return not_open(state)
    at = command.noted_at
    if not command.note:
        return Refusal("note_missing", "REQ-07", sentence="note_missing_progress")
    if at < begun(state):
        return too_early("note", begun(state))
    course = Course(command, state).time_passes(at)
    _note(course, command.note, at, by=command.by.id, told=command.customer_told)
    return course.decided()


def pause(command: PauseRequest, state: RequestState) -> Decision:
    """The clocks of the work stand still, for a reason on another's side (REQ-12)."""
    if isinstance(state, Paused):
        return Refusal("already_paused", "REQ-12")
    if not isinstance(state, Open):
        return not_open(state)
    at = command.paused_at
    course = Course(command, state)
    side = course.policy.side(command.reason)
    if side is None:
        return Refusal(
            "pause_reason_unknown",
            "REQ-12",
            {"reasons": [*course.policy.pauses.customer, *course.policy.pauses.third_party]},
        )
    if command.expected_end <= at:
        return Refusal("pause_without_end", "REQ-12")
    if at < begun(state):
        return too_early("pause", begun(state))
    course.time_passes(at)
    course.happens(
        RequestPaused(
            request=command.request,
            reason=command.reason,
            side=side,
            note=command.note,
            paused_at=at,
            expected_end=command.expected_end,
        )
    )
    return course.decided()


def extend(command: ExtendPause, state: RequestState) -> Decision:
    """The pause is expected to last longer."""
    if not isinstance(state, Paused):
        return not_paused(state)
    if not command.reason:
        return no_reason("REQ-12", "extending")
    assert state.pause is not None
    if command.extended_at < state.pause.since:
        return too_early("extending", state.pause.since)
    if command.extended_at >= state.pause.expected_end:
        return Refusal("pause_over", "REQ-12")
    if command.expected_end <= command.extended_at:
        return Refusal("pause_without_end", "REQ-12")
    return (
        PauseExtended(command.request, command.reason, command.extended_at, command.expected_end),
    )


def resume(command: ResumeRequest, state: RequestState) -> Decision:
    """The clocks go on, unless they do already because the pause was to end before."""
    if not isinstance(state, Paused):
        return not_paused(state)
    assert state.pause is not None
    if command.resumed_at < state.pause.since:
        return too_early("resuming", state.pause.since)
    course = Course(command, state).time_passes(command.resumed_at)
    if isinstance(course.state, Paused):
        course.resumes(command.resumed_at)
    return course.decided()


def report_done(command: ReportDone, state: RequestState) -> Decision:
    """The work is done: the clocks of the work stop, and the customer is asked (REQ-08)."""
    if not isinstance(state, Open | Paused):
        return not_open(state)
    earliest = max(begun(state), paused_since(state))
    if command.done_at < earliest:
        return too_early("done", earliest)
    course = Course(command, state).time_passes(command.done_at)
    _finish(course, command.done_at, command.by.id)
    return course.decided()


def link(command: LinkToIncident, state: RequestState) -> Decision:
    """The request belongs to an incident, and to one alone (REQ-17)."""
    if not isinstance(state, Open | Paused):
        return not_open(state)
    if state.incident == command.incident:
        return ()
    if state.incident is not None:
        return Refusal("incident_linked", "REQ-17", {"incident": state.incident})
    return (LinkedToIncident(command.request, command.incident),)


def follow(command: FollowIncident, state: RequestState) -> Decision:
    """What its incident says holds for the request, if it still goes along with it (REQ-17)."""
    if not isinstance(state, Open | Paused) or state.incident != command.incident:
        return ()
    at = max(command.at, begun(state), paused_since(state))
    course = Course(command, state).time_passes(at)
    if command.what == "done":
        _finish(course, at, command.told_by)
    else:
        _note(course, command.note, at, by=command.told_by, told=True)
    return course.decided()


def _note(course: Course, note: str, at: datetime, *, by: str, told: bool) -> None:
    course.happens(
        ProgressNoted(
            request=course.request,
            note=note,
            customer_told=told,
            noted_at=at,
            noted_by=by,
            clocks=(course.silence(at),) if told else (),
        )
    )


def _finish(course: Course, at: datetime, by: str) -> None:
    if isinstance(course.state, Paused):
        course.resumes(at)
    course.keeps_promise(at)
    course.finds_kept(at)
    course.happens(WorkReportedDone(course.request, at, by, (course.asking(at),)))
