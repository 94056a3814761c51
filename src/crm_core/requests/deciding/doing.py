"""Doing the work: arriving, telling how it goes on, pausing, reporting it done, and incidents."""

from __future__ import annotations

from datetime import datetime

import attrs

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
from crm_core.requests.deciding.course import Course
from crm_core.requests.deciding.refusals import not_open, not_paused
from crm_core.requests.events import (
    ArrivedOnSite,
    LinkedToIncident,
    PauseExtended,
    ProgressNoted,
    RequestPaused,
    RequestResumed,
    WorkReportedDone,
)
from crm_core.requests.state import Open, Paused, RequestState, pause_of

# --- what is said --------------------------------------------------------------------------------


def arrive(command: Arrive, course: Course) -> Decision:
    """Somebody is on site (REQ-05)."""
    if not isinstance(course.state, Open | Paused):
        return not_open(course.state)
    if course.state.clock(ARRIVAL) is None:
        return Refusal("nobody_expected", "REQ-05")
    return (
        ArrivedOnSite(
            request=command.request,
            arrived_at=command.arrived_at,
            arrived_by=command.by.id,
            counts_from=command.arrived_at,
            entered_by=command.by.id,
            evidence=command.evidence,
        ),
    )


def note_progress(command: NoteProgress, course: Course) -> Decision:
    """How the work goes on; only what the customer was told ends a silence (REQ-07)."""
    if not isinstance(course.state, Open | Paused):
        return not_open(course.state)
    if not command.note.strip():
        return Refusal("note_missing", "REQ-07", sentence="note_missing_progress")
    return (
        ProgressNoted(
            request=command.request,
            note=command.note,
            customer_told=command.customer_told,
            noted_at=command.noted_at,
            noted_by=command.by.id,
            clocks=(),
            counts_from=command.noted_at,
            entered_by=command.by.id,
            evidence=command.evidence,
        ),
    )


def pause(command: PauseRequest, course: Course) -> Decision:
    """The clocks of the work stand still, for a reason on another's side (REQ-12)."""
    state, at = course.state, command.paused_at
    if isinstance(state, Paused):
        return Refusal("already_paused", "REQ-12")
    if not isinstance(state, Open):
        return not_open(state)
    side = course.policy.side(command.reason)
    if side is None:
        return Refusal(
            "pause_reason_unknown",
            "REQ-12",
            {"reasons": [*course.policy.pauses.customer, *course.policy.pauses.third_party]},
        )
    if command.expected_end <= at:
        return Refusal("pause_without_end", "REQ-12")
    return (
        RequestPaused(
            request=command.request,
            reason=command.reason,
            side=side,
            note=command.note,
            paused_at=at,
            expected_end=command.expected_end,
            counts_from=at,
            entered_by=command.by.id,
            evidence=command.evidence,
        ),
    )


def extend(command: ExtendPause, course: Course) -> Decision:
    """The pause is expected to last longer."""
    if not isinstance(course.state, Paused):
        return not_paused(course.state)
    if not command.reason.strip():
        return no_reason("REQ-12", "extending")
    if command.expected_end <= command.extended_at:
        return Refusal("pause_without_end", "REQ-12")
    return (
        PauseExtended(
            request=command.request,
            reason=command.reason,
            extended_at=command.extended_at,
            expected_end=command.expected_end,
            counts_from=command.extended_at,
            entered_by=command.by.id,
            evidence=command.evidence,
        ),
    )


def resume(command: ResumeRequest, course: Course) -> Decision:
    """The clocks go on, unless they do already because the pause was to end before."""
    if not isinstance(course.state, Paused):
        return () if course.state.pauses else not_paused(course.state)
    return (
        RequestResumed(
            request=command.request,
            resumed_at=command.resumed_at,
            clocks=(),
            counts_from=command.resumed_at,
            entered_by=command.by.id,
            evidence=command.evidence,
        ),
    )


def report_done(command: ReportDone, course: Course) -> Decision:
    """The work is done: the clocks of the work stop, and the customer is asked (REQ-08)."""
    if not isinstance(course.state, Open | Paused):
        return not_open(course.state)
    return (
        WorkReportedDone(
            request=command.request,
            done_at=command.done_at,
            done_by=command.by.id,
            clocks=(),
            counts_from=command.done_at,
            entered_by=command.by.id,
            evidence=command.evidence,
        ),
    )


def follow(command: FollowIncident, course: Course) -> Decision:
    """What its incident says holds for the request, if it still goes along with it (REQ-17)."""
    state = course.state
    if not isinstance(state, Open | Paused) or state.incident != command.incident:
        return ()
    at = follows_at(command, state)
    if command.what == "done":
        return (
            WorkReportedDone(
                request=command.request,
                done_at=at,
                done_by=command.told_by,
                clocks=(),
                counts_from=at,
                entered_by=command.told_by,
                evidence=command.evidence,
            ),
        )
    return (
        ProgressNoted(
            request=command.request,
            note=command.note,
            customer_told=True,
            noted_at=at,
            noted_by=command.told_by,
            clocks=(),
            counts_from=at,
            entered_by=command.told_by,
            evidence=command.evidence,
        ),
    )


def follows_at(command: FollowIncident, state: RequestState) -> datetime:
    """No incident reaches back before the request."""
    received_at: datetime = getattr(state, "received_at", command.at)
    return max(command.at, received_at)


def link(command: LinkToIncident, state: RequestState) -> Decision:
    """The request belongs to an incident, and to one alone (REQ-17)."""
    if not isinstance(state, Open | Paused):
        return not_open(state)
    if state.incident == command.incident:
        return ()
    if state.incident is not None:
        return Refusal("incident_linked", "REQ-17", {"incident": state.incident})
    return (LinkedToIncident(command.request, command.incident),)


# --- what it leads to ----------------------------------------------------------------------------


def arrived(course: Course, e: ArrivedOnSite, at: datetime) -> None:
    """The clock of arrival stops."""
    if isinstance(course.state, Open | Paused) and course.state.clock(ARRIVAL) is not None:
        course.happens(e)


def noted(course: Course, e: ProgressNoted, at: datetime) -> None:
    """What the customer is told ends a silence, and another begins."""
    if isinstance(course.state, Open | Paused):
        clocks = course.silence(at) if e.customer_told else ()
        course.happens(attrs.evolve(e, clocks=clocks))


def paused(course: Course, e: RequestPaused, at: datetime) -> None:
    """The clocks of the work stand still until the expected end."""
    if type(course.state) is Open and e.expected_end > at:
        course.happens(e)


def extended(course: Course, e: PauseExtended, at: datetime) -> None:
    """They stand still until another end."""
    if pause_of(course.state) is not None and e.expected_end > at:
        course.happens(e)


def resumed(course: Course, e: RequestResumed, at: datetime) -> None:
    """They go on."""
    if pause_of(course.state) is not None:
        course.happens(attrs.evolve(e, clocks=course.gone_on(at)))


def done(course: Course, e: WorkReportedDone, at: datetime) -> None:
    """Pause and promise end with the work, and the customer is asked."""
    if not isinstance(course.state, Open | Paused):
        return
    if pause_of(course.state) is not None:
        course.ends_pause(at)
    course.keeps_promise(at)
    course.happens(attrs.evolve(e, clocks=(course.asking(at),)))
