"""Laws and properties of forums, meetings and publications over generated histories."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given as hypothesis_given

from crm_core.surveys import FORUM, MEETING, PUBLICATION, SPENDING
from crm_core.surveys.forum_events import ForumChecked, ForumDayMissed, PostRecorded, PostWithdrawn
from crm_core.surveys.meetings import AttendanceWithdrawn, MeetingAttended
from crm_core.surveys.publications import (
    PublicationApproved,
    PublicationDrafted,
    PublicationRejected,
    PublicationWithdrawn,
)
from crm_core.testing import histories
from crm_core.testing.laws import check_decider
from crm_core.testing.strategies import (
    forum_commands,
    forum_openings,
    meeting_commands,
    meeting_openings,
    outlay_commands,
    publication_commands,
    publication_openings,
)

FORUMS = histories(FORUM, forum_commands(), opening=forum_openings(), max_size=20)
MEETINGS = histories(MEETING, meeting_commands(), opening=meeting_openings())
REPORTS = histories(PUBLICATION, publication_commands(), opening=publication_openings())


def test_forums_keep_the_laws() -> None:
    check_decider(FORUM, forum_commands(), opening=forum_openings(), max_examples=60)


def test_meetings_keep_the_laws() -> None:
    check_decider(MEETING, meeting_commands(), opening=meeting_openings(), max_examples=60)


def test_publications_and_spending_keep_the_laws() -> None:
    opening = publication_openings()
    check_decider(PUBLICATION, publication_commands(), opening=opening, max_examples=60)
    check_decider(SPENDING, outlay_commands(), max_examples=40)


@pytest.mark.rule("SUR-04", "GRD-02")
@hypothesis_given(FORUMS)
def test_a_day_is_checked_or_missed_once_and_a_thread_is_heard_once(history: Any) -> None:
    settled: set[Any] = set()
    heard: Counter[tuple[str, str]] = Counter()
    for event in history.events:
        if isinstance(event, ForumChecked | ForumDayMissed):
            assert event.on not in settled
            settled.add(event.on)
        if isinstance(event, PostRecorded) and event.opinion:
            heard[event.thread, event.member] += 1
        if isinstance(event, PostWithdrawn) and event.opinion:
            [of] = [
                (one.thread, one.member)
                for one in history.events
                if isinstance(one, PostRecorded) and one.post == event.post
            ]
            heard[of] -= 1
        assert set(heard.values()) <= {0, 1}


@pytest.mark.rule("GRD-02")
@hypothesis_given(MEETINGS)
def test_who_came_is_heard_once_under_a_number_that_is_not_used_again(history: Any) -> None:
    heard: set[str] = set()
    standing: Counter[str] = Counter()
    for event in history.events:
        if isinstance(event, MeetingAttended):
            assert event.opinion not in heard
            heard.add(event.opinion)
            standing[event.member] += 1
        if isinstance(event, AttendanceWithdrawn):
            standing[event.member] -= 1
        assert set(standing.values()) <= {0, 1}


@pytest.mark.rule("SUR-05")
@hypothesis_given(REPORTS)
def test_a_report_is_decided_once_after_its_period_and_withdrawn_after_that(history: Any) -> None:
    drafted: PublicationDrafted | None = None
    decided: PublicationApproved | PublicationRejected | None = None
    for event in history.events:
        if isinstance(event, PublicationDrafted):
            assert drafted is None
            drafted = event
        if isinstance(event, PublicationApproved | PublicationRejected):
            assert drafted is not None
            assert decided is None
            assert event.on > drafted.end
            decided = event
        if isinstance(event, PublicationWithdrawn):
            assert isinstance(decided, PublicationApproved)
            assert event.on >= decided.on
