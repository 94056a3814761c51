"""What can be asked about the opinions of a household."""

from __future__ import annotations

from datetime import date

from crm_core.kernel.commands import Id, looked_up
from crm_core.kernel.recorded import Actor
from crm_core.kernel.values import frozen

SOURCES = ("forum", "meeting", "survey")


@frozen
class RecordOpinion:
    """Record that a member was heard: in a forum, by a survey or at a meeting.

    A thread counts whose author made themselves known, a survey that was answered by name.

    Args:
        opinion: Its number, one of the household's.
        source: One of `SOURCES`.
        member: Whose it is; they held a role in the household on that day.
        on: Day of the thread, of the answer or of the meeting.
        reference: The thread, the survey or the meeting; what was said stands there, and not here.
        about: Number of the request of the household that it is about, if it is about one.
        stranger: Whether the file of the household has no such member.
        left: Whether it has, but no role of theirs on that day.
        on_staff: Whether the member is, or was, on the staff.
        about_unknown: Whether the household has no such request.
    """

    household: str
    opinion: Id
    source: str
    member: str
    on: date
    reference: str
    about: str | None = None
    by: Actor = looked_up()
    stranger: bool = looked_up()
    left: bool = looked_up()
    on_staff: bool = looked_up()
    about_unknown: bool = looked_up()


@frozen
class WithdrawOpinion:
    """Say that an opinion was recorded by mistake: it counts no more."""

    household: str
    opinion: str
    on: date
    reason: str
    by: Actor = looked_up()
