"""Commands about forums, meetings with owners, and what is published (SUR-04, SUR-05)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from crm_core.kernel.decider import Refusal
from crm_core.kernel.recorded import Actor
from crm_core.slices import shipped
from crm_core.surveys import FORUM, MEETING, PUBLICATION, SPENDING
from crm_core.surveys.forum import WatchForum
from crm_core.surveys.meetings import HoldOwnersMeeting
from crm_core.surveys.policy import DEFAULT_SURVEY, SurveyPolicy
from crm_core.surveys.publications import CATEGORIES, KINDS, DraftPublication, Figure
from crm_core.testing.strategies.classes import command_of
from crm_core.testing.strategies.values import CLERKS, DECIDERS, SELDOM, days, mostly

_FIRST, _LAST = date(2024, 5, 6), date(2024, 5, 10)
_NINE = datetime(2024, 5, 6, 1, tzinfo=UTC)
"""Nine o'clock where the estate is."""


def forum_commands(forum_number: str = "F1") -> SearchStrategy[Any]:
    """Commands about one forum: few days, posts and people, so that commands meet."""
    common = _of_forum(forum_number)
    return st.one_of(*(command_of(cls, common, {}) for cls in FORUM.commands))


def forum_openings(forum_number: str = "F1") -> SearchStrategy[Any]:
    """Commands by which somebody is designated to look into a forum."""
    accepted = {
        "watcher": st.just("S1"),
        "stand_in": st.just("S2"),
        "since": st.just(_FIRST),
        "known_at": st.just(_NINE - timedelta(hours=1)),
        "strangers": st.just(()),
        "looks_at": st.just("09:00"),
        "estate": st.just("Anhe"),
    }
    return command_of(WatchForum, {**_of_forum(forum_number), **accepted}, {})


def meeting_commands(meeting: str = "M1") -> SearchStrategy[Any]:
    """Commands about one meeting with owners."""
    common = _of_meeting(meeting)
    return st.one_of(*(command_of(cls, common, {}) for cls in MEETING.commands))


def meeting_openings(meeting: str = "M1") -> SearchStrategy[Any]:
    """Commands by which a meeting took place."""
    accepted = {"estate": st.just("Anhe"), "subject": st.just("the lift"), "on": st.just(_FIRST)}
    return command_of(HoldOwnersMeeting, {**_of_meeting(meeting), **accepted}, {})


def publication_commands(publication: str = "P1") -> SearchStrategy[Any]:
    """Commands about one report to owners."""
    common = {**_of_publication(publication), "by": DECIDERS}
    return st.one_of(*(command_of(cls, common, {}) for cls in PUBLICATION.commands))


def publication_openings(publication: str = "P1") -> SearchStrategy[Any]:
    """Commands by which a report is drafted."""
    accepted = {"kind": st.sampled_from(KINDS), "end": st.just(_FIRST)}
    return command_of(DraftPublication, {**_of_publication(publication), **accepted}, {})


def outlay_commands(spending: str = "X1") -> SearchStrategy[Any]:
    """Commands about one amount that was spent for an estate."""
    common: dict[str, SearchStrategy[Any]] = {
        "spending": st.just(spending),
        "estate": mostly(("Anhe",), ""),
        "category": mostly(CATEGORIES, "bribes"),
        "amount_fen": mostly((100_00, 50_00), 0),
        "on": days(_FIRST, _LAST),
        "evidence": mostly(("invoice 7",), ""),
        "reason": mostly(("entered twice",), ""),
        "by": st.sampled_from((Actor("F1", "finance"), Actor("F2", "finance"))),
    }
    return st.one_of(*(command_of(cls, common, {}) for cls in SPENDING.commands))


def _of_forum(number: str) -> Mapping[str, SearchStrategy[Any]]:
    instants = st.integers(0, 4 * 24).map(lambda hours: _NINE + timedelta(hours=hours))
    mornings = st.integers(0, 4).map(lambda count: _NINE + timedelta(days=count))
    elsewhere = Refusal("request_exists", "REQ-01", {"request": "R1"})
    return {
        "forum": st.just(number),
        "estate": mostly(("Anhe",), "Elsewhere"),
        "watcher": st.sampled_from(("S1", "S2")),
        "stand_in": st.sampled_from(("", "S2", "S3")),
        "looks_at": mostly(("09:00", "21:30"), "9 o'clock"),
        **dict.fromkeys(("since", "last", "on", "posted_on"), days(_FIRST, _LAST)),
        "checked_at": mornings,
        "known_at": mornings | mornings | instants,
        "posts": mostly((0, 3), -1),
        "post": st.sampled_from(("P1", "P2", "P3")),
        "thread": st.sampled_from(("T1", "T2")),
        "summary": mostly(("the lift is slow",), ""),
        **dict.fromkeys(("note", "place"), st.just("")),
        "reason": mostly(("ill",), ""),
        "household": mostly(("V1", "V1"), ""),
        "member": mostly(("V1#owner", "V1#owner"), ""),
        "request": st.sampled_from(("R1", "R2")),
        "kind": st.just("complaint"),
        "trade": st.just("engineering"),
        "severity": st.just("general"),
        "zone": st.just("Asia/Shanghai"),
        "strangers": mostly(((),), ("S1",)),
        "refused_there": mostly((None,), elsewhere),
        "policy": st.just(shipped().find(SurveyPolicy, DEFAULT_SURVEY, _FIRST)),
        "by": CLERKS,
        **dict.fromkeys(("stranger", "left", "on_staff"), SELDOM),
    }


def _of_meeting(number: str) -> Mapping[str, SearchStrategy[Any]]:
    return {
        "meeting": st.just(number),
        "estate": mostly(("Anhe",), ""),
        "subject": mostly(("the lift",), ""),
        "on": days(_FIRST, _FIRST + timedelta(days=1)),
        "household": st.sampled_from(("V1", "V2")),
        "member": st.sampled_from(("V1#owner", "V2#owner")),
        "reason": mostly(("another person",), ""),
        "by": CLERKS,
        **dict.fromkeys(("stranger", "left", "on_staff"), SELDOM),
    }


def _of_publication(number: str) -> Mapping[str, SearchStrategy[Any]]:
    return {
        "publication": st.just(number),
        "kind": mostly(KINDS, "gossip"),
        "estate": st.just("Anhe"),
        "start": st.just(date(2024, 5, 1)),
        "end": mostly((_FIRST,), date(2024, 4, 1)),
        "figures": st.just((Figure("income", "", "fen", 100_00),)),
        "position": st.just(7),
        "known": st.just(_NINE),
        "approved": st.booleans(),
        "on": days(_FIRST, _LAST),
        "reason": mostly(("a slip",), ""),
        "by": CLERKS,
    }


__all__ = [
    "forum_commands",
    "forum_openings",
    "meeting_commands",
    "meeting_openings",
    "outlay_commands",
    "publication_commands",
    "publication_openings",
]
