"""What is recorded of a watched forum (SUR-04). Names and fields are a storage contract."""

from __future__ import annotations

from datetime import date, datetime

from crm_core.kernel.catalog import EventType
from crm_core.kernel.sealed import Text
from crm_core.kernel.values import frozen


@frozen
class ForumWatched:
    """Somebody is to look into the forum every day, from a day on.

    Args:
        watcher: The designated person (专人).
        stand_in: Who does in their place, if anybody is named.
        looks_at: The fixed time, `09:00`, where the estate is.
        tolerance_minutes: How long before and after it a check is in time.
    """

    forum: str
    estate: str
    watcher: str
    stand_in: str
    looks_at: str
    tolerance_minutes: int
    since: date
    set_by: str


@frozen
class WatchEnded:
    """The forum is watched no more behind a day."""

    forum: str
    last: date
    reason: Text
    ended_by: str


@frozen
class ForumChecked:
    """The forum was looked into, and so many posts were new; none is recorded, too.

    Args:
        on: The day it is for.
        stood_in: Whether the stand-in did.
    """

    forum: str
    on: date
    checked_at: datetime
    posts: int
    note: Text
    stood_in: bool
    checked_by: str


@frozen
class ForumDayMissed:
    """Nobody looked into the forum in time that day; the clock found it."""

    forum: str
    on: date
    watcher: str


@frozen
class MissExplained:
    """Somebody else than who should have looked said why nobody did."""

    forum: str
    on: date
    reason: Text
    explained_by: str


@frozen
class PostRecorded:
    """A post was taken down.

    Args:
        thread: The thread it stands in: one matter, however often its author writes.
        member: Its author, where they made themselves known; empty otherwise.
        opinion: Under which number it is heard (GRD-02); empty where it is not, or was already.
        seen_at: When it came to be known.
    """

    forum: str
    post: str
    thread: str
    posted_on: date
    summary: Text
    household: str
    member: str
    opinion: str
    seen_at: datetime
    recorded_by: str


@frozen
class PostTurned:
    """A post became a request (SUR-04).

    Args:
        household: Whose request it is; that of the author, where they are known.
        place: Where on the estate, of what is nobody's.
        spot: Where within a home.
        received_at: When the company knew of it.
        first_asked: Who found it.
        opinion: Under which number the post was heard before.
        heard: Under which it is from now on, as about the request: they are one matter.
    """

    forum: str
    post: str
    thread: str
    request: str
    household: str
    member: str
    kind: str
    trade: str
    severity: str
    place: str
    spot: Text
    summary: Text
    posted_on: date
    received_at: datetime
    first_asked: str
    on: date
    opinion: str
    heard: str
    turned_by: str


@frozen
class PostWithdrawn:
    """A post was taken down by mistake, or as somebody's who did not write it.

    Args:
        opinion: Under which number it was heard, if it was.
    """

    forum: str
    post: str
    household: str
    member: str
    opinion: str
    on: date
    reason: Text
    withdrawn_by: str


FORUM_EVENTS = (
    EventType("surveys.forum_watched", 1, ForumWatched, "since"),
    EventType("surveys.watch_ended", 1, WatchEnded, "last"),
    EventType("surveys.forum_checked", 1, ForumChecked, "on"),
    EventType("surveys.forum_day_missed", 1, ForumDayMissed, "on"),
    EventType("surveys.miss_explained", 1, MissExplained),
    EventType("surveys.post_recorded", 1, PostRecorded, "posted_on"),
    EventType("surveys.post_turned", 1, PostTurned, "on"),
    EventType("surveys.post_withdrawn", 1, PostWithdrawn, "on"),
)
