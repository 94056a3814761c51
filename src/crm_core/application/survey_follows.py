"""What follows elsewhere from surveys, forums and meetings: who said it by name is heard (GRD-02).

A post can become a request (SUR-04). Nothing follows from what is said without a name.
"""

from __future__ import annotations

from typing import Any

from crm_core.kernel.recorded import Recorded
from crm_core.kernel.slice import Reaction
from crm_core.opinions.commands import RecordOpinion, WithdrawOpinion
from crm_core.requests.commands import ReceiveRequest
from crm_core.surveys.events import AnsweredByName, AnswerWithdrawn
from crm_core.surveys.forum_events import PostRecorded, PostTurned, PostWithdrawn
from crm_core.surveys.meetings import AttendanceWithdrawn, MeetingAttended


def _answered(recorded: Recorded[AnsweredByName]) -> tuple[Any, ...]:
    """A comment by name is a matter raised; marks alone are none, and nothing anonymous is."""
    said = recorded.event
    if not said.opinion:
        return ()
    return (
        RecordOpinion(
            household=said.household,
            opinion=said.opinion,
            source="survey",
            member=said.member,
            on=said.on,
            reference=said.survey,
        ),
    )


def _withdrawn(recorded: Recorded[Any]) -> tuple[Any, ...]:
    said = recorded.event
    if not said.opinion:
        return ()
    return (WithdrawOpinion(said.household, said.opinion, said.on, str(said.reason)),)


# --- forums and meetings -------------------------------------------------------------------------


def _posted(recorded: Recorded[PostRecorded]) -> tuple[Any, ...]:
    """What a member wrote under their own name is a matter raised, once for a thread."""
    post = recorded.event
    return (_opinion(post, post.opinion),) if post.opinion else ()


def _turned(recorded: Recorded[PostTurned]) -> tuple[Any, ...]:
    """It is a request from now on; what was heard of it is about that: they are one matter."""
    post = recorded.event
    asked = ReceiveRequest(
        request=post.request,
        household=post.household,
        channel="forum",
        kind=post.kind,
        trade=post.trade,
        severity=post.severity,
        summary=post.summary,  # type: ignore[arg-type]  # opened for what follows
        received_at=post.received_at,
        first_asked=post.first_asked,
        place=post.spot or post.place,  # type: ignore[arg-type]  # opened like the summary
        asked_by=post.member or None,
    )
    if not post.opinion:
        return (asked,)
    became = WithdrawOpinion(post.household, post.opinion, post.on, post.request)
    return (asked, became, _opinion(post, post.heard, post.request))


def _opinion(post: PostRecorded | PostTurned, number: str, about: str | None = None) -> Any:
    return RecordOpinion(
        household=post.household,
        opinion=number,
        source="forum",
        member=post.member,
        on=post.posted_on,
        reference=f"{post.forum}/{post.thread}",
        about=about,
    )


def _came(recorded: Recorded[MeetingAttended]) -> tuple[Any, ...]:
    came = recorded.event
    return (
        RecordOpinion(
            household=came.household,
            opinion=came.opinion,
            source="meeting",
            member=came.member,
            on=came.on,
            reference=came.meeting,
        ),
    )


REACTIONS: dict[type, Reaction] = {
    AnsweredByName: _answered,
    AnswerWithdrawn: _withdrawn,
    AttendanceWithdrawn: _withdrawn,
    MeetingAttended: _came,
    PostRecorded: _posted,
    PostTurned: _turned,
    PostWithdrawn: _withdrawn,
}
"""Commands that follow elsewhere, by the event they follow from."""
