"""Days on which a forum is to be looked into: for the clock, and for who is to look (SUR-04)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from attrs import evolve

from crm_core.kernel.dates import local_date, start_of_day
from crm_core.kernel.projection import Projection, Put, Rows
from crm_core.kernel.recorded import Recorded
from crm_core.kernel.ticking import NEVER, DueCommand, Look, NothingBefore, Source
from crm_core.kernel.values import frozen
from crm_core.kernel.worklists import Asker, Task, Waits, Worklist, waiting
from crm_core.surveys.forum import (
    CheckForum,
    ExplainMiss,
    MissForumDay,
    Watch,
    WatchForum,
    watch_on,
    watches_after,
)
from crm_core.surveys.forum_events import (
    FORUM_EVENTS,
    ForumChecked,
    ForumDayMissed,
    ForumWatched,
    MissExplained,
    WatchEnded,
)
from crm_core.surveys.publications import PUBLICATION_EVENTS, TO_APPROVE

_NAMES = {kind.cls: kind.stored for kind in FORUM_EVENTS}
_DAY = timedelta(days=1)


@frozen
class WatchedForum:
    """A forum and the first day that nobody has looked on, nor missed.

    Args:
        next_on: That day; None while it is not watched.
        settled: Later days that are settled already.
    """

    forum: str
    watches: tuple[Watch, ...]
    next_on: date | None
    settled: tuple[date, ...]


def _applied(rows: Rows[WatchedForum], recorded: Recorded[Any]) -> Iterable[Put[WatchedForum]]:
    event = recorded.event
    row = rows.get(event.forum) or WatchedForum(event.forum, (), None, ())
    if isinstance(event, ForumWatched | WatchEnded):
        row = evolve(row, watches=watches_after(row.watches, event))
        start = row.next_on
        if isinstance(event, ForumWatched) and (start is None or event.since < start):
            start = event.since
    else:
        row = evolve(row, settled=(*row.settled, event.on))
        start = row.next_on
    following = None if start is None else _following(row, start)
    left = () if following is None else tuple(on for on in row.settled if on > following)
    row = evolve(row, next_on=following, settled=left)
    # Where the estate lies far east, its morning is the evening before in UTC.
    order = NEVER if following is None else (following - _DAY).isoformat()
    return (Put(row.forum, row, order),)


def _following(row: WatchedForum, start: date) -> date | None:
    """The first day from one on that is watched and not settled."""
    day = start
    while True:
        if watch_on(row.watches, day) is None:
            later = [one.since for one in row.watches if one.watcher and one.since > day]
            if not later:
                return None
            day = min(later)
            if watch_on(row.watches, day) is None:
                return None
        if day not in row.settled:
            return day
        day += _DAY


FORUMS = Projection(
    name="surveys.forums",
    version=1,
    row=WatchedForum,
    names=frozenset(
        _NAMES[cls] for cls in (ForumWatched, WatchEnded, ForumChecked, ForumDayMissed)
    ),
    apply=_applied,
)
"""Forums by the day that is to be looked on next."""


def _due(row: WatchedForum, look: Look) -> Iterable[DueCommand | NothingBefore]:
    """The end of the time in which somebody should have looked."""
    day = row.next_on
    watch = None if day is None else watch_on(row.watches, day)
    if day is None or watch is None:
        yield NothingBefore(None)
        return
    ends = watch.until(day, look.zone)
    yield DueCommand(
        f"tick:forum:{row.forum}:{day.isoformat()}", MissForumDay(row.forum, day), ends
    )
    yield NothingBefore(ends)


def _tasks(row: WatchedForum, asker: Asker) -> Iterable[Task]:
    """The check of today, for the designated person and who stands in.

    A designated person who does not work here any more is to be replaced by who leads.
    """
    today = local_date(asker.now, asker.zone)
    watch = watch_on(row.watches, today)
    if watch is not None and asker.has_left(watch.watcher):
        yield from _unwatched(row, watch, asker)
    open_today = row.next_on is not None and row.next_on <= today and today not in row.settled
    if watch is None or not open_today or asker.id not in watch.who():
        return
    since, ends = watch.from_(today, asker.zone), watch.until(today, asker.zone)
    if since <= asker.now <= ends and asker.may(CheckForum(row.forum, asker.now, 0)):
        yield Task(
            what="forum",
            subject=row.forum,
            household="",
            act="check-forum",
            since=since,
            due_at=ends,
            because="own",
        )


def _unwatched(row: WatchedForum, watch: Watch, asker: Asker) -> Iterable[Task]:
    today = local_date(asker.now, asker.zone)
    anew = WatchForum(row.forum, "", "", watch.looks_at, today)
    if any(one.since > today for one in row.watches) or not asker.may(anew):
        # Somebody else is designated already, or the watch ends.
        return
    yield Task(
        what="forum_watcher",
        subject=row.forum,
        household="",
        act="watch-forum",
        since=start_of_day(today, asker.zone),
        due_at=watch.until(today, asker.zone),
        because="role",
        details={"person": watch.watcher},
    )


FORUM_DAYS = Source("forums", FORUMS, _due)
FORUM_CHECKS = Worklist(FORUMS, _tasks)

MISSED = Waits(
    what="forum_missed",
    command=ExplainMiss,
    opens={ForumDayMissed: lambda e: e.on.isoformat()},
    settles={MissExplained: lambda e: e.on.isoformat()},
    fields=lambda on, forum: {"forum": forum, "on": date.fromisoformat(on)},
)
"""Days that nobody looked on, for whoever can say why."""

_DECIDED = (*FORUM_EVENTS, *PUBLICATION_EVENTS)

DECISIONS = waiting("surveys", {kind.cls: kind.stored for kind in _DECIDED}, (MISSED, TO_APPROVE))
