"""The owners' forum, watched daily at a fixed time by a designated person (业主论坛, SUR-04).

A check is recorded even when nothing was found. A day on which nobody looked in time is reported by
the clock, and stays reported: somebody else than who should have looked says why. What is found can
become a request; what a member said under their own name is heard (GRD-02).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import attrs

from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.authority import Own
from crm_core.kernel.commands import DayAhead, Id, looked_up
from crm_core.kernel.dates import local_date, start_of_day, zone
from crm_core.kernel.decider import Decider, Decision, Refusal, by_command, by_event
from crm_core.kernel.growing import EMPTY, GrowingMap
from crm_core.kernel.recorded import Actor
from crm_core.kernel.refusals import no_reason
from crm_core.kernel.values import define, frozen
from crm_core.surveys.forum_events import (
    ForumChecked,
    ForumDayMissed,
    ForumWatched,
    MissExplained,
    PostRecorded,
    PostTurned,
    PostWithdrawn,
    WatchEnded,
)
from crm_core.surveys.hearing import heard_as
from crm_core.surveys.policy import SurveyPolicy

# --- who watches when --------------------------------------------------------------------------


@frozen
class Watch:
    """Who watches from a day on; nobody does where there is no watcher."""

    since: date
    watcher: str = ""
    stand_in: str = ""
    looks_at: str = ""
    tolerance_minutes: int = 0

    def who(self) -> frozenset[str]:
        """Who may look: the designated person, and who stands in."""
        return frozenset({self.watcher, self.stand_in} - {""})

    def from_(self, day: date, zone_name: str) -> datetime:
        """From when on a check of that day is in time."""
        early = timedelta(minutes=self.tolerance_minutes)
        return max(fixed_time(day, self.looks_at, zone_name) - early, start_of_day(day, zone_name))

    def until(self, day: date, zone_name: str) -> datetime:
        """Up to when it is; never behind the day."""
        late = timedelta(minutes=self.tolerance_minutes)
        ends = start_of_day(day + timedelta(days=1), zone_name) - timedelta(microseconds=1)
        return min(fixed_time(day, self.looks_at, zone_name) + late, ends)


def fixed_time(day: date, looks_at: str, zone_name: str) -> datetime:
    """The instant of a time on a day, where the estate is."""
    at = datetime.combine(day, time.fromisoformat(looks_at), tzinfo=zone(zone_name))
    return at.astimezone(UTC)


def watch_on(watches: Iterable[Watch], day: date) -> Watch | None:
    """Who watches on a day; what was said last of it holds."""
    found: Watch | None = None
    for one in watches:
        if one.since <= day and (found is None or one.since >= found.since):
            found = one
    return found if found is not None and found.watcher else None


# --- state -------------------------------------------------------------------------------------


@define
class Forum:
    """A forum.

    Args:
        estate: Whose owners write there.
        watches: Who watches since when, in the order in which it was said.
        checked: Days that somebody looked on, by when.
        missed: Days that nobody did.
        explained: Those of which it was said why.
        posts: Posts that were taken down.
        turned: Those that became a request.
        withdrawn: Those that were withdrawn.
        heard: Which post is heard for a member in a thread, the last one of each.
    """

    estate: str = ""
    watches: tuple[Watch, ...] = ()
    checked: GrowingMap[date, ForumChecked] = EMPTY
    missed: GrowingMap[date, ForumDayMissed] = EMPTY
    explained: GrowingMap[date, MissExplained] = EMPTY
    posts: GrowingMap[str, PostRecorded] = EMPTY
    turned: GrowingMap[str, PostTurned] = EMPTY
    withdrawn: GrowingMap[str, PostWithdrawn] = EMPTY
    heard: GrowingMap[tuple[str, str, int], str] = EMPTY

    def turn(self, thread: str, member: str) -> int:
        """How often a member was heard in a thread, and what was heard was withdrawn."""
        number = 0
        while (post := self.heard.get((thread, member, number))) and post in self.withdrawn:
            number += 1
        return number


# --- commands ----------------------------------------------------------------------------------


@frozen
class WatchForum:
    """Say who looks into a forum every day, and when; from that day on nobody else does.

    Args:
        watcher: The designated person.
        looks_at: The fixed time, as `09:00`, where the estate is.
        stand_in: Who does when they are away.
        known_at: The instant it comes to be known.
        zone: Zone of the estate's days.
        strangers: Whom nobody knows of those it names.
    """

    forum: Id
    estate: str
    watcher: Id
    looks_at: str
    since: DayAhead
    stand_in: Id = ""
    by: Actor = looked_up()
    policy: SurveyPolicy = looked_up()
    known_at: datetime = looked_up()
    zone: str = looked_up()
    strangers: tuple[str, ...] = looked_up()


@frozen
class EndWatch:
    """Say that a forum is watched no more behind a day."""

    forum: Id
    last: DayAhead
    reason: str
    by: Actor = looked_up()
    known_at: datetime = looked_up()
    zone: str = looked_up()


@frozen
class CheckForum:
    """Say that the forum was looked into: the designated person does, or who stands in.

    Args:
        posts: How many posts are new; none is worth recording, too.
    """

    forum: Id
    checked_at: datetime
    posts: int
    note: str = ""
    by: Actor = looked_up()
    known_at: datetime = looked_up()
    zone: str = looked_up()


@frozen
class MissForumDay:
    """Note that nobody looked in time that day; the clock does."""

    forum: Id
    on: date
    known_at: datetime = looked_up()
    zone: str = looked_up()


@frozen
class ExplainMiss:
    """Say why nobody looked on a day; not who should have."""

    forum: Id
    on: date
    reason: str
    by: Actor = looked_up()


@frozen
class RecordPost:
    """Take a post down; the designated person does, or who stands in.

    Args:
        thread: The thread it stands in.
        household: That of its author, where they made themselves known.
        member: Its author, likewise; they held a role in the household on that day.
    """

    forum: Id
    post: Id
    thread: Id
    posted_on: date
    summary: str
    household: str = ""
    member: Id = ""
    by: Actor = looked_up()
    known_at: datetime = looked_up()
    zone: str = looked_up()
    stranger: bool = looked_up()
    left: bool = looked_up()
    on_staff: bool = looked_up()


@frozen
class TurnPost:
    """Make a request of a post.

    Args:
        request: Number of the request.
        household: Whose it is; that of the author where they are known. Empty for what is nobody's,
            which then has a place.
        refused_there: Why there can be no such request, if so.
    """

    forum: Id
    post: Id
    request: Id
    kind: str
    trade: str
    severity: str
    on: date
    household: str = ""
    place: str = ""
    by: Actor = looked_up()
    refused_there: Refusal | None = looked_up()


@frozen
class WithdrawPost:
    """Say that a post was taken down by mistake, or is not of who is said to have written it."""

    forum: Id
    post: Id
    on: date
    reason: str
    by: Actor = looked_up()


# --- decisions about watching --------------------------------------------------------------------


def _watch(command: WatchForum, state: Forum) -> Decision:
    try:
        at = time.fromisoformat(command.looks_at)
    except ValueError:
        at = None
    if at is None or command.looks_at != at.strftime("%H:%M"):
        return Refusal("time_malformed", "SUR-04")
    if not command.watcher or command.watcher == command.stand_in:
        return Refusal("watcher_missing", "SUR-04")
    if command.strangers:
        return Refusal("unknown_staff", "SUR-04", {"staff": command.strangers[0]})
    if not command.estate or state.estate not in ("", command.estate):
        return Refusal("forum_elsewhere", "SUR-04", {"estate": state.estate})
    watched = ForumWatched(
        forum=command.forum,
        estate=command.estate,
        watcher=command.watcher,
        stand_in=command.stand_in,
        looks_at=command.looks_at,
        tolerance_minutes=command.policy.forum.tolerance_minutes,
        since=command.since,
        set_by=command.by.id,
    )
    watch = _of(watched)
    if state.watches and watch == state.watches[-1]:
        return ()
    today = local_date(command.known_at, command.zone)
    if command.since < today or watch.until(command.since, command.zone) < command.known_at:
        # It would be missed before anybody could look, or make a missed day another's.
        return Refusal("watch_too_late", "SUR-04", {"today": today.isoformat()})
    if command.since in state.checked or command.since in state.missed:
        return Refusal("day_settled", "SUR-04", {"on": command.since.isoformat()})
    return (watched,)


def _end(command: EndWatch, state: Forum) -> Decision:
    if watch_on(state.watches, command.last) is None:
        return _not_watched(command.forum, command.last)
    if not command.reason.strip():
        return no_reason("SUR-04", "watch")
    today = local_date(command.known_at, command.zone)
    if command.last < today:
        return Refusal("watch_too_late", "SUR-04", {"today": today.isoformat()})
    return (WatchEnded(command.forum, command.last, command.reason, command.by.id),)


def _check(command: CheckForum, state: Forum) -> Decision:
    if command.checked_at > command.known_at:
        return Refusal("not_yet", "SUR-04", {"now": command.known_at.isoformat()})
    on = local_date(command.checked_at, command.zone)
    watch = watch_on(state.watches, on)
    if watch is None:
        return _not_watched(command.forum, on)
    if command.by.id not in watch.who():
        return Refusal("not_the_watcher", "SUR-04", {"forum": command.forum})
    if command.posts < 0:
        return Refusal("posts_below_zero", "SUR-04")
    checked = ForumChecked(
        forum=command.forum,
        on=on,
        checked_at=command.checked_at,
        posts=command.posts,
        note=command.note,
        stood_in=command.by.id != watch.watcher,
        checked_by=command.by.id,
    )
    first = state.checked.get(on)
    if first is not None:
        return () if first == checked else Refusal("day_settled", "SUR-04", {"on": on.isoformat()})
    opens, ends = watch.from_(on, command.zone), watch.until(on, command.zone)
    if on in state.missed or command.known_at > ends:
        # Whoever tells it so late could tell anything; another says why.
        return Refusal("day_missed", "SUR-04", {"on": on.isoformat(), "until": ends.isoformat()})
    if command.checked_at < opens:
        return Refusal("check_too_early", "SUR-04", {"from": opens.isoformat()})
    return (checked,)


def _miss(command: MissForumDay, state: Forum) -> Decision:
    watch = watch_on(state.watches, command.on)
    if watch is None or command.on in state.checked or command.on in state.missed:
        return ()
    if command.known_at <= watch.until(command.on, command.zone):
        return ()
    return (ForumDayMissed(command.forum, command.on, watch.watcher),)


def _explain(command: ExplainMiss, state: Forum) -> Decision:
    if command.on not in state.missed:
        return Refusal("day_not_missed", "SUR-04", {"on": command.on.isoformat()})
    if command.on in state.explained:
        return Refusal("miss_explained", "SUR-04", {"on": command.on.isoformat()})
    if not command.reason.strip():
        return no_reason("SUR-04", "miss")
    return (MissExplained(command.forum, command.on, command.reason, command.by.id),)


def _not_watched(forum: str, on: date) -> Refusal:
    return Refusal("forum_not_watched", "SUR-04", {"forum": forum, "on": on.isoformat()})


# --- decisions about posts -----------------------------------------------------------------------


def _record(command: RecordPost, state: Forum) -> Decision:
    on = local_date(command.known_at, command.zone)
    watch = watch_on(state.watches, on)
    if watch is None:
        return _not_watched(command.forum, on)
    if command.by.id not in watch.who():
        return Refusal("not_the_watcher", "SUR-04", {"forum": command.forum})
    recorded = PostRecorded(
        forum=command.forum,
        post=command.post,
        thread=command.thread,
        posted_on=command.posted_on,
        summary=command.summary,
        household=command.household,
        member=command.member,
        opinion=_heard(command, state),
        seen_at=command.known_at,
        recorded_by=command.by.id,
    )
    first = state.posts.get(command.post)
    if first is not None:
        same = attrs.evolve(
            recorded,
            opinion=first.opinion,
            seen_at=first.seen_at,
            recorded_by=first.recorded_by,
        )
        known = same == first and command.post not in state.withdrawn
        return () if known else Refusal("post_exists", "SUR-04", {"post": command.post})
    if not command.summary.strip() or not command.thread:
        return Refusal("summary_missing", "SUR-04")
    return _whose(command) or (recorded,)


def _heard(command: RecordPost, state: Forum) -> str:
    """Under which number it is heard, if it is: once for a member and a thread."""
    if not command.member:
        return ""
    number = state.turn(command.thread, command.member)
    if (command.thread, command.member, number) in state.heard:
        return ""
    return heard_as("forum", command.forum, command.thread, command.member, number)


def _whose(command: RecordPost) -> Refusal | None:
    """Why it is nothing that the member said, if so."""
    details = {"member": command.member, "household": command.household}
    if bool(command.member) != bool(command.household):
        return Refusal("author_half_known", "SUR-04")
    if not command.member:
        return None
    if command.on_staff or command.member in command.by.ids:
        return Refusal("word_of_staff", "LOG-08", {"member": command.member})
    if command.stranger:
        return Refusal("not_a_member", "LOG-08", details)
    if command.left:
        details["on"] = command.posted_on.isoformat()
        return Refusal("not_a_member", "LOG-08", details, "not_a_member_then")
    return None


def _turn(command: TurnPost, state: Forum) -> Decision:
    post = state.posts.get(command.post)
    if post is None or command.post in state.withdrawn:
        return Refusal("unknown_post", "SUR-04", {"post": command.post})
    turned = state.turned.get(command.post)
    if turned is not None:
        details = {"post": command.post, "request": turned.request}
        return Refusal("post_turned", "SUR-04", details)
    if post.household and command.household != post.household:
        return Refusal("post_of_another", "SUR-04", {"household": post.household})
    if command.on < post.posted_on:
        return Refusal(
            "too_early", "SUR-04", {"from": post.posted_on.isoformat()}, "too_early_post"
        )
    if command.refused_there is not None:
        return command.refused_there
    return (
        PostTurned(
            forum=command.forum,
            post=command.post,
            thread=post.thread,
            request=command.request,
            household=command.household,
            member=post.member,
            kind=command.kind,
            trade=command.trade,
            severity=command.severity,
            # Where within a home something is closes with who lives there (0062).
            place="" if command.household else command.place,
            spot=command.place if command.household else "",
            summary=post.summary,
            posted_on=post.posted_on,
            received_at=post.seen_at,
            first_asked=post.recorded_by,
            on=command.on,
            opinion=post.opinion,
            heard=_heard_anew(command) if post.opinion else "",
            turned_by=command.by.id,
        ),
    )


def _heard_anew(command: TurnPost) -> str:
    return heard_as("forum", command.forum, command.post, command.request)


def _withdraw(command: WithdrawPost, state: Forum) -> Decision:
    post = state.posts.get(command.post)
    if post is None:
        return Refusal("unknown_post", "SUR-04", {"post": command.post})
    if command.post in state.withdrawn:
        return Refusal("post_withdrawn", "SUR-04", {"post": command.post})
    if command.post in state.turned:
        details = {"post": command.post, "request": state.turned[command.post].request}
        return Refusal("post_turned", "SUR-04", details)
    if not command.reason.strip():
        return no_reason("SUR-04", "post")
    if command.on < post.posted_on:
        return Refusal(
            "too_early", "SUR-04", {"from": post.posted_on.isoformat()}, "too_early_post"
        )
    if post.opinion and (others := _also_of(post, state)):
        # It is heard for all that they wrote there, which would be heard no more.
        return Refusal("post_stands_for", "SUR-04", {"posts": others})
    return (
        PostWithdrawn(
            forum=command.forum,
            post=command.post,
            household=post.household,
            member=post.member,
            opinion=post.opinion,
            on=command.on,
            reason=command.reason,
            withdrawn_by=command.by.id,
        ),
    )


def _also_of(post: PostRecorded, state: Forum) -> list[str]:
    """What else the same member wrote in the thread, as far as it stands."""
    of = (post.thread, post.member)
    return [
        one.post
        for one in state.posts.values()
        if (one.thread, one.member) == of
        and one.post != post.post
        and one.post not in state.withdrawn
    ]


def _own(command: Any, state: Forum) -> Own | None:
    """Nobody explains a day that was theirs, or makes away with what they themselves wrote."""
    if isinstance(command, ExplainMiss):
        watch = watch_on(state.watches, command.on) if command.on is not None else None
        return None if watch is None else Own(others=watch.who())
    if isinstance(command, WithdrawPost):
        post = state.posts.get(command.post)
        return None if post is None or not post.member else Own(others=frozenset({post.member}))
    return None


# --- the aggregate -------------------------------------------------------------------------------

_DECIDE: dict[type, Any] = {
    WatchForum: _watch,
    EndWatch: _end,
    CheckForum: _check,
    MissForumDay: _miss,
    ExplainMiss: _explain,
    RecordPost: _record,
    TurnPost: _turn,
    WithdrawPost: _withdraw,
}


def _of(e: ForumWatched) -> Watch:
    return Watch(
        since=e.since,
        watcher=e.watcher,
        stand_in=e.stand_in,
        looks_at=e.looks_at,
        tolerance_minutes=e.tolerance_minutes,
    )


def watches_after(watches: tuple[Watch, ...], e: ForumWatched | WatchEnded) -> tuple[Watch, ...]:
    """Who watches when, once somebody was designated or the watch ended."""
    if isinstance(e, ForumWatched):
        return (*watches, _of(e))
    # Whoever was to watch later does not, either.
    kept = (one for one in watches if one.since <= e.last)
    return (*kept, Watch(since=e.last + timedelta(days=1)))


def _watched(state: Forum, e: ForumWatched) -> Forum:
    return attrs.evolve(state, estate=e.estate, watches=watches_after(state.watches, e))


def _recorded(state: Forum, e: PostRecorded) -> Forum:
    heard = state.heard
    if e.opinion:
        heard = heard.add((e.thread, e.member, state.turn(e.thread, e.member)), e.post)
    return attrs.evolve(state, posts=state.posts.add(e.post, e), heard=heard)


FORUM = Aggregate(
    Decider(
        "forum",
        Forum(),
        by_command(_DECIDE),
        by_event(
            {
                ForumWatched: _watched,
                WatchEnded: lambda state, e: attrs.evolve(
                    state, watches=watches_after(state.watches, e)
                ),
                ForumChecked: lambda state, e: attrs.evolve(
                    state, checked=state.checked.add(e.on, e)
                ),
                ForumDayMissed: lambda state, e: attrs.evolve(
                    state, missed=state.missed.add(e.on, e)
                ),
                MissExplained: lambda state, e: attrs.evolve(
                    state, explained=state.explained.add(e.on, e)
                ),
                PostRecorded: _recorded,
                PostTurned: lambda state, e: attrs.evolve(
                    state, turned=state.turned.add(e.post, e)
                ),
                PostWithdrawn: lambda state, e: attrs.evolve(
                    state, withdrawn=state.withdrawn.add(e.post, e)
                ),
            }
        ),
    ),
    tuple(_DECIDE),
    lambda command: command.forum,
    lambda command: getattr(command, "household", ""),
    own=_own,
    inside=frozenset({MissForumDay}),
)
