"""One matter raised twice: marking it, letting it go on in the other request, and undoing that."""

from __future__ import annotations

from datetime import datetime

from crm_core.kernel.decider import Decision, Refusal
from crm_core.kernel.refusals import no_reason
from crm_core.requests.commands import MarkDuplicate, MergeDuplicate, UndoDuplicate
from crm_core.requests.deciding.course import Course
from crm_core.requests.deciding.refusals import apology_open, not_open, outstanding, too_early
from crm_core.requests.events import DuplicateUndone, MarkedDuplicate, RequestMerged
from crm_core.requests.heads import Head
from crm_core.requests.state import (
    Merged,
    NotReceived,
    Open,
    Paused,
    Request,
    RequestState,
    pause_of,
)


def mark(command: MarkDuplicate, state: RequestState) -> Decision:
    """The request raises the same matter as another one (GRD-02)."""
    if isinstance(state, NotReceived):
        return not_open(state)
    refused = _unfit(command.of, command.reason, command.head, state)
    if refused is not None:
        return refused
    return (MarkedDuplicate(command.request, command.of, command.reason),)


def unfit_merge(command: MergeDuplicate, state: Request) -> Refusal | None:
    """Why the request cannot go on in that one, whenever that is (REQ-08)."""
    known = state.duplicate_of == command.into
    refused = _unfit(command.into, command.reason, command.head, state, known=known)
    if refused is not None:
        return refused
    assert command.head is not None
    if command.head.status in ("closed", "merged"):
        # What is over, or goes on elsewhere itself, carries nothing on.
        status = command.head.status
        details = {"into": command.into, "status": status, "head": command.head.chain[-1]}
        return Refusal("head_not_open", "REQ-08", details, f"head_not_open_{status}")
    return None


def merge(command: MergeDuplicate, course: Course) -> Decision:
    """The request goes on in the other one; nothing that it owes is lost with it (REQ-08)."""
    state = course.state
    if not isinstance(state, Open | Paused):
        return not_open(state)
    if state.duties:
        return apology_open()
    if state.promise is not None:
        return outstanding()
    return (
        RequestMerged(
            request=command.request,
            into=command.into,
            merged_at=command.merged_at,
            counts_from=command.merged_at,
            entered_by=command.by.id,
            evidence=command.evidence,
        ),
        MarkedDuplicate(command.request, command.into, command.reason),
    )


def merged(course: Course, e: RequestMerged, at: datetime) -> None:
    """Its own clocks stop."""
    if isinstance(course.state, Open | Paused):
        if pause_of(course.state) is not None:
            course.ends_pause(at)
        course.happens(e)


def undo(command: UndoDuplicate, state: RequestState) -> Decision:
    """It was no duplicate: it is open again as it stood, and its clocks have run on meanwhile.

    What has become of the other request does not matter: the mistake was this one's (REQ-08).
    """
    if isinstance(state, NotReceived):
        return not_open(state)
    if state.duplicate_of is None:
        return Refusal("not_a_duplicate", "REQ-08")
    if not command.reason.strip():
        return no_reason("REQ-08", "duplicate")
    earliest = (state.merged_at if isinstance(state, Merged) else None) or state.received_at
    if command.undone_at < earliest:
        return too_early("undoing", earliest)
    return (
        DuplicateUndone(
            request=command.request,
            of=state.duplicate_of,
            reason=command.reason,
            undone_at=command.undone_at,
        ),
    )


def _unfit(
    of: str, reason: str, head: Head | None, state: Request, *, known: bool = False
) -> Refusal | None:
    """Why the request cannot be a duplicate of that one, if it cannot.

    Args:
        known: Whether it was marked as its duplicate before.
    """
    if of == state.request:
        return Refusal("duplicate_of_itself", "GRD-02")
    if state.duplicate_of is not None and not known:
        return Refusal("duplicate_already", "GRD-02", {"of": state.duplicate_of})
    if not reason.strip():
        return no_reason("REQ-08", "duplicate")
    if head is None:
        return Refusal("head_unknown", "REQ-08", {"of": of})
    if state.request in head.chain:
        return Refusal("duplicates_in_a_circle", "REQ-08", {"of": of})
    if not _of_one_matter(state, head):
        return Refusal("head_of_another", "REQ-08", {"of": of})
    return None


def _of_one_matter(state: Request, head: Head) -> bool:
    """Whether both are of one household, of one place that is nobody's, or of one incident."""
    if state.incident is not None and state.incident == head.incident:
        return True
    if state.household != head.household:
        return False
    return bool(state.household) or state.received.place == head.place
