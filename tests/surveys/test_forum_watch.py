"""The owners' forum is looked into daily, and a day on which it was not is known (SUR-04)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_adapters import open_crm
from crm_core import CRM, Actor, Invalid, Refused
from crm_core.opinions import Opinions
from crm_core.requests import Open, Request
from crm_core.staff import EndStaffRole, RegisterStaff
from crm_core.surveys import (
    AnswerByName,
    CheckForum,
    EndWatch,
    ExplainMiss,
    Forum,
    HoldOwnersMeeting,
    RecordAttendance,
    RecordPost,
    TurnPost,
    WatchForum,
    WithdrawAttendance,
    WithdrawPost,
)
from crm_core.surveys.forum import Watch, watch_on
from crm_core.surveys.forum_events import ForumChecked, ForumDayMissed
from surveys.asking_round import (
    BOSS,
    CLERK,
    DAY,
    LEAD,
    MORNING,
    OTHER,
    TODAY,
    opened,
    owner_of,
    put,
    settle,
    varied,
)

HOUR = timedelta(hours=1)
WATCH = WatchForum("F1", "星河", CLERK.id, "09:00", TODAY, OTHER.id)
STRANGER = Actor("S3", "specialist")


@pytest.fixture
def crm() -> Iterator[CRM]:
    """It is nine o'clock on the first day of a watch, the time at which S1 looks."""
    with open_crm("memory:") as crm:
        settle(crm, 3)
        crm.do(WATCH, by=LEAD)
        yield crm


def refused(crm: CRM, command: Any, by: Actor = CLERK) -> str:
    with pytest.raises(Refused) as found:
        crm.do(command, by=by)
    assert "{" not in found.value.told("zh") + found.value.told("en")
    return found.value.reason


def missed(crm: CRM) -> list[date]:
    return [r.event.on for r in crm.log.feed() if isinstance(r.event, ForumDayMissed)]


def waiting(crm: CRM, by: Actor) -> list[tuple[str, str, str]]:
    return [
        (one.what, one.subject, one.act)
        for one in crm.todo(by=by)
        if one.what in ("forum", "forum_missed")
    ]


# --- checks ------------------------------------------------------------------------------------


@pytest.mark.rule("SUR-04")
def test_a_check_is_recorded_even_when_nothing_was_found(crm: CRM) -> None:
    [event] = crm.do(CheckForum("F1", MORNING, 0), by=CLERK).events
    assert isinstance(event, ForumChecked)
    assert (event.on, event.posts, event.stood_in) == (TODAY, 0, False)
    assert crm.do(CheckForum("F1", MORNING, 0), by=CLERK).events == ()
    assert refused(crm, CheckForum("F1", MORNING, 3)) == "day_settled"


@pytest.mark.rule("SUR-04")
def test_only_the_designated_person_or_who_stands_in_records(crm: CRM) -> None:
    check = CheckForum("F1", MORNING, 1)
    post = RecordPost("F1", "P1", "T1", TODAY, "电梯太慢")
    for by in (STRANGER, LEAD, BOSS):
        assert refused(crm, check, by) == "not_the_watcher"
        assert refused(crm, post, by) == "not_the_watcher"
    [event] = crm.do(check, by=OTHER).events
    assert isinstance(event, ForumChecked)
    assert event.stood_in
    crm.do(post, by=OTHER)
    assert refused(crm, attrs.evolve(check, forum="F9")) == "forum_not_watched"


@pytest.mark.rule("SUR-04")
@pytest.mark.parametrize(
    ("checked", "known", "reason"),
    [
        (-2.0, 0.0, None),
        (-2.01, 0.0, "check_too_early"),
        (2.0, 2.0, None),
        (0.0, 2.0, None),
        (0.0, 2.01, "day_missed"),
        (2.5, 2.5, "day_missed"),
        (1.0, 0.5, "not_yet"),
    ],
)
def test_a_check_is_in_time_within_two_hours_and_entered_by_then(
    crm: CRM, checked: float, known: float, reason: str | None
) -> None:
    put(crm, MORNING + known * HOUR)
    check = CheckForum("F1", MORNING + checked * HOUR, 0)
    if reason is None:
        assert len(crm.do(check, by=CLERK).events) == 1
    elif reason == "not_yet":
        # By the clock of the library itself it would not even be looked at.
        with pytest.raises(Invalid) as invalid:
            crm.do(check, by=CLERK)
        assert [fault.code for fault in invalid.value.faults] == ["from_the_future"]
    else:
        assert refused(crm, check) == reason


# --- missed days -------------------------------------------------------------------------------


@pytest.mark.rule("SUR-04")
def test_a_day_on_which_nobody_looked_is_reported_by_the_clock_once(crm: CRM) -> None:
    put(crm, MORNING + 2 * HOUR)
    assert crm.tick().events["forums"] == 0, "at the very instant it is still in time"
    put(crm, MORNING + 2 * HOUR + timedelta(seconds=1))
    assert crm.tick().events["forums"] == 1
    assert crm.tick().events["forums"] == 0
    assert missed(crm) == [TODAY]


@pytest.mark.rule("SUR-04")
def test_a_clock_that_stood_still_reports_every_day_that_was_missed(crm: CRM) -> None:
    crm.do(CheckForum("F1", MORNING, 0), by=CLERK)
    put(crm, MORNING + 2 * DAY)
    crm.do(CheckForum("F1", MORNING + 2 * DAY, 1), by=OTHER)
    put(crm, MORNING + 5 * DAY)
    assert crm.tick().events["forums"] == 3
    assert missed(crm) == [TODAY + n * DAY for n in (1, 3, 4)]


@pytest.mark.rule("SUR-04", "LOG-08")
def test_a_missed_day_stays_missed_and_somebody_else_says_why(crm: CRM) -> None:
    put(crm, MORNING + DAY)
    crm.tick()
    explain = ExplainMiss("F1", TODAY, "ill")
    assert waiting(crm, LEAD) == [("forum_missed", "2024-05-06", "explain-miss")]
    assert ("forum_missed", "2024-05-06", "explain-miss") not in waiting(crm, CLERK)
    for own in (Actor(CLERK.id, "supervisor"), Actor(OTHER.id, "manager")):
        assert refused(crm, explain, own) == "own_matter"
    assert refused(crm, attrs.evolve(explain, reason=" "), LEAD) == "reason_missing"
    assert refused(crm, attrs.evolve(explain, on=TODAY + DAY), LEAD) == "day_not_missed"
    crm.do(explain, by=LEAD)
    assert refused(crm, explain, LEAD) == "miss_explained"
    assert waiting(crm, LEAD) == []
    forum = crm.get(Forum, "F1", by=LEAD, purpose="service")
    assert forum is not None
    assert TODAY in forum.missed


@pytest.mark.rule("SUR-04")
def test_the_check_of_today_waits_for_who_is_to_look(crm: CRM) -> None:
    check = ("forum", "F1", "check-forum")
    assert waiting(crm, CLERK) == waiting(crm, OTHER) == [check]
    assert waiting(crm, STRANGER) == waiting(crm, LEAD) == []
    [task] = [one for one in crm.todo(by=CLERK) if one.what == "forum"]
    assert task.due_at == MORNING + 2 * HOUR
    crm.do(CheckForum("F1", MORNING, 0), by=OTHER)
    assert waiting(crm, CLERK) == []
    put(crm, MORNING + DAY - 3 * HOUR)
    assert waiting(crm, CLERK) == [], "not yet"
    put(crm, MORNING + DAY)
    assert waiting(crm, CLERK) == [check]


# --- who watches when --------------------------------------------------------------------------


@pytest.mark.rule("SUR-04")
def test_another_watches_from_a_day_on_and_what_was_missed_before_is_of_the_first(
    crm: CRM,
) -> None:
    put(crm, MORNING + DAY)
    crm.do(attrs.evolve(WATCH, watcher=STRANGER.id, stand_in="", since=TODAY + 2 * DAY), by=LEAD)
    put(crm, MORNING + 2 * DAY)
    assert refused(crm, CheckForum("F1", MORNING + 2 * DAY, 0), CLERK) == "not_the_watcher"
    crm.do(CheckForum("F1", MORNING + 2 * DAY, 0), by=STRANGER)
    put(crm, MORNING + 4 * DAY)
    crm.tick()
    found = [r.event for r in crm.log.feed() if isinstance(r.event, ForumDayMissed)]
    assert [(e.on, e.watcher) for e in found] == [
        (TODAY, "S1"), (TODAY + DAY, "S1"), (TODAY + 3 * DAY, "S3"),
    ]  # fmt: skip


@pytest.mark.rule("SUR-04")
def test_who_watches_is_said_ahead_and_no_missed_day_is_made_away_with(crm: CRM) -> None:
    put(crm, MORNING + 3 * HOUR)
    late = attrs.evolve(WATCH, watcher="S3")
    assert refused(crm, late, LEAD) == "watch_too_late"
    assert refused(crm, attrs.evolve(late, since=TODAY - DAY), LEAD) == "watch_too_late"
    assert refused(crm, EndWatch("F1", TODAY - DAY, "x"), LEAD) == "forum_not_watched"
    put(crm, MORNING + DAY + 3 * HOUR)
    assert refused(crm, EndWatch("F1", TODAY, "x"), LEAD) == "watch_too_late"
    assert refused(crm, attrs.evolve(late, looks_at="23:00"), LEAD) == "watch_too_late"
    crm.tick()
    assert missed(crm) == [TODAY, TODAY + DAY]


@pytest.mark.rule("SUR-04")
def test_a_forum_that_is_watched_no_more_misses_nothing_until_it_is_again(crm: CRM) -> None:
    crm.do(CheckForum("F1", MORNING, 0), by=CLERK)
    assert refused(crm, EndWatch("F1", TODAY, ""), LEAD) == "reason_missing"
    crm.do(EndWatch("F1", TODAY, "closed by its owners"), by=LEAD)
    put(crm, MORNING + 3 * DAY)
    assert crm.tick().events["forums"] == 0
    assert refused(crm, CheckForum("F1", MORNING + 3 * DAY, 0)) == "forum_not_watched"
    crm.do(attrs.evolve(WATCH, since=TODAY + 3 * DAY), by=LEAD)
    put(crm, MORNING + 5 * DAY)
    assert crm.tick().events["forums"] == 2
    assert missed(crm) == [TODAY + 3 * DAY, TODAY + 4 * DAY]


@pytest.mark.rule("SUR-04")
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"looks_at": "9:00"}, "time_malformed"),
        ({"looks_at": "25:00"}, "time_malformed"),
        ({"looks_at": "noon"}, "time_malformed"),
        ({"watcher": ""}, "watcher_missing"),
        ({"stand_in": CLERK.id}, "watcher_missing"),
        ({"estate": "明月"}, "forum_elsewhere"),
    ],
)
def test_a_watch_that_says_nothing_is_refused(
    crm: CRM, change: dict[str, Any], reason: str
) -> None:
    assert refused(crm, attrs.evolve(WATCH, **change), LEAD) == reason


@pytest.mark.rule("SUR-04")
def test_who_is_not_on_the_staff_watches_nothing(crm: CRM) -> None:
    for by, role in ((BOSS, "director"), (LEAD, "supervisor"), (CLERK, "specialist")):
        crm.do(RegisterStaff(by.id, role, TODAY - DAY), by=BOSS)
    later = attrs.evolve(WATCH, since=TODAY + DAY, stand_in="")
    assert refused(crm, attrs.evolve(later, watcher="S9"), LEAD) == "unknown_staff"
    assert refused(crm, attrs.evolve(later, stand_in="S9"), LEAD) == "unknown_staff"
    crm.do(later, by=LEAD)


@pytest.mark.rule("SUR-04", "LOG-08")
def test_a_forum_whose_watcher_left_waits_for_who_leads(crm: CRM) -> None:
    """Given a designated person who leaves, then who leads is to designate another; and no more
    once they have, from whatever day on.
    """

    def waits(by: Actor = LEAD) -> list[tuple[str, str, str]]:
        return [
            (one.subject, one.act, one.details["person"])
            for one in crm.todo(by=by)
            if one.what == "forum_watcher"
        ]

    for one in (BOSS, LEAD, CLERK, OTHER):
        crm.do(RegisterStaff(one.id, one.role, date(2020, 1, 1)), by=BOSS)
    crm.do(EndStaffRole(CLERK.id, CLERK.role, TODAY, "moves away"), by=BOSS)
    assert waits() == []
    put(crm, MORNING + DAY)
    assert waits() == [("F1", "watch-forum", CLERK.id)]
    assert waits(OTHER) == []
    # Who stands in looks meanwhile, and it waits all the same.
    crm.do(CheckForum("F1", MORNING + DAY, 0), by=OTHER)
    assert waits() == [("F1", "watch-forum", CLERK.id)]
    crm.do(WatchForum("F1", "星河", OTHER.id, "09:00", TODAY + 2 * DAY), by=LEAD)
    assert waits() == []
    put(crm, MORNING + 2 * DAY)
    assert waits() == []


@pytest.mark.rule("SUR-04")
def test_a_late_hour_ends_with_its_day(crm: CRM) -> None:
    watch = Watch(TODAY, "S1", "", "23:30", 120)
    assert watch.until(TODAY, "Asia/Shanghai") < datetime(2024, 5, 6, 16, tzinfo=UTC)
    assert watch.from_(TODAY, "Asia/Shanghai") == datetime(2024, 5, 6, 13, 30, tzinfo=UTC)
    early = Watch(TODAY, "S1", "", "00:30", 120)
    assert early.from_(TODAY, "Asia/Shanghai") == datetime(2024, 5, 5, 16, tzinfo=UTC)


DONE = ("check", "stand in", "nothing")


@pytest.mark.rule("SUR-04")
@settings(max_examples=25)
@given(
    st.lists(st.sampled_from(["check", "stand in", "nothing"]), min_size=1, max_size=8), st.data()
)
def test_every_watched_day_is_checked_or_missed_however_often_the_clock_is_asked(
    days: list[str], data: Any
) -> None:
    with open_crm("memory:") as crm:
        put(crm, MORNING)
        crm.do(WATCH, by=LEAD)
        for number, what in enumerate(days):
            put(crm, MORNING + number * DAY)
            if what != "nothing":
                check = CheckForum("F1", MORNING + number * DAY, 0)
                crm.do(check, by=CLERK if what == "check" else OTHER)
            for _ in range(data.draw(st.integers(0, 2))):
                put(crm, MORNING + number * DAY + data.draw(st.integers(0, 14)) * HOUR)
                crm.tick()
        put(crm, MORNING + (len(days) - 1) * DAY + 3 * HOUR)
        crm.tick()
        forum = crm.get(Forum, "F1", by=LEAD, purpose="service")
        assert forum is not None
        every = {TODAY + n * DAY for n in range(len(days))}
        checked = {on for on, _ in forum.checked.items()}
        assert checked == {TODAY + n * DAY for n, what in enumerate(days) if what != "nothing"}
        assert {on for on, _ in forum.missed.items()} == every - checked


@given(st.lists(st.tuples(st.integers(0, 6), st.sampled_from(["", "A", "B"])), max_size=6))
def test_who_watches_on_a_day_is_who_was_designated_last_for_it(said: list[Any]) -> None:
    watches = [Watch(TODAY + since * DAY, who) for since, who in said]
    for number in range(8):
        on = TODAY + number * DAY
        before = [(one.since, place) for place, one in enumerate(watches) if one.since <= on]
        expected = watches[max(before)[1]].watcher if before else ""
        found = watch_on(watches, on)
        assert (found.watcher if found else "") == expected


# --- posts -------------------------------------------------------------------------------------

POST = RecordPost("F1", "P1", "T1", TODAY, "电梯太慢", "V1", owner_of("V1"))


def heard(crm: CRM, home: str = "V1") -> list[tuple[str, str, str | None]]:
    found = crm.get(Opinions, home, by=CLERK, purpose="service")
    return (
        [] if found is None else [(o.source, str(o.reference), o.about) for o in found.standing()]
    )


@pytest.mark.rule("SUR-04", "GRD-02")
def test_what_a_member_wrote_under_their_own_name_is_one_matter_for_a_thread(crm: CRM) -> None:
    crm.do(POST, by=CLERK)
    crm.do(attrs.evolve(POST, post="P2"), by=CLERK)
    assert heard(crm) == [("forum", "F1/T1", None)]
    crm.do(attrs.evolve(POST, post="P3", thread="T2"), by=OTHER)
    assert len(heard(crm)) == 2
    crm.do(RecordPost("F1", "P4", "T1", TODAY, "+1"), by=CLERK)
    assert not [
        r for r in crm.log.feed() if r.name == "opinions.recorded/1" and r.household != "V1"
    ]


@pytest.mark.rule("SUR-04", "LOG-08")
def test_an_author_is_a_member_and_nobody_who_works_here(crm: CRM) -> None:
    assert refused(crm, attrs.evolve(POST, member=owner_of("V2"))) == "not_a_member"
    assert refused(crm, attrs.evolve(POST, member="")) == "author_half_known"
    assert refused(crm, attrs.evolve(POST, posted_on=date(2019, 1, 1))) == "not_a_member"
    assert refused(crm, attrs.evolve(POST, summary=" ")) == "summary_missing"
    crm.do(attrs.evolve(WATCH, watcher=owner_of("V1"), since=TODAY + DAY), by=LEAD)
    put(crm, MORNING + DAY)
    own = Actor(owner_of("V1"), "specialist")
    assert refused(crm, POST, own) == "word_of_staff"


@pytest.mark.rule("SUR-04", "GRD-02")
def test_a_post_becomes_a_request_of_its_author_and_stays_one_matter(crm: CRM) -> None:
    crm.do(POST, by=CLERK)
    put(crm, MORNING + HOUR)
    turn = TurnPost("F1", "P1", "R1", "complaint", "engineering", "general", TODAY, "V1")
    assert refused(crm, attrs.evolve(turn, household="V2"), OTHER) == "post_of_another"
    assert refused(crm, attrs.evolve(turn, kind="poem"), OTHER) == "unknown_kind"
    assert refused(crm, attrs.evolve(turn, post="P9"), OTHER) == "unknown_post"
    crm.do(turn, by=OTHER)
    request = crm.get(Request, "R1", by=CLERK, purpose="service")
    assert isinstance(request, Open)
    received = request.received
    assert (received.channel, received.kind, received.asked_by) == (
        "forum",
        "complaint",
        owner_of("V1"),
    )
    assert received.received_at == MORNING, "its time runs from when the post was seen"
    assert received.owner == CLERK.id, "who read it was asked first, and not who turned it"
    assert str(received.summary) == "电梯太慢"
    assert heard(crm) == [("forum", "F1/T1", "R1")], "the thread is about the request now"
    assert refused(crm, attrs.evolve(turn, request="R2"), OTHER) == "post_turned"
    assert refused(crm, WithdrawPost("F1", "P1", TODAY, "x"), LEAD) == "post_turned"


@pytest.mark.rule("SUR-04")
def test_a_post_of_nobody_known_becomes_a_request_with_a_place(crm: CRM) -> None:
    crm.do(RecordPost("F1", "P1", "T1", TODAY, "路灯不亮"), by=CLERK)
    turn = TurnPost("F1", "P1", "R1", "repair", "engineering", "general", TODAY)
    assert refused(crm, turn) == "place_missing"
    crm.do(attrs.evolve(turn, place="东门"), by=CLERK)
    request = crm.get(Request, "R1", by=CLERK, purpose="service")
    assert isinstance(request, Open)
    assert (request.household, request.received.place) == ("", "东门")
    crm.do(RecordPost("F1", "P2", "T1", TODAY, "还是不亮"), by=CLERK)
    again = attrs.evolve(turn, post="P2", place="东门")
    assert refused(crm, again) == "request_exists"


@pytest.mark.rule("SUR-04", "GRD-02")
def test_a_post_withdrawn_is_heard_no_more_and_makes_room(crm: CRM) -> None:
    crm.do(POST, by=CLERK)
    crm.do(attrs.evolve(POST, post="P2"), by=CLERK)
    withdraw = WithdrawPost("F1", "P1", TODAY, "somebody else of that name")
    assert refused(crm, withdraw, CLERK) == "role_insufficient"
    assert refused(crm, withdraw, LEAD) == "post_stands_for"
    assert refused(crm, withdraw, Actor(owner_of("V1"), "supervisor")) == "own_matter"
    crm.do(attrs.evolve(withdraw, post="P2"), by=LEAD)
    assert refused(crm, attrs.evolve(withdraw, reason=""), LEAD) == "reason_missing"
    crm.do(withdraw, by=LEAD)
    assert refused(crm, withdraw, LEAD) == "post_withdrawn"
    assert heard(crm) == []
    assert refused(crm, POST) == "post_exists"
    crm.do(attrs.evolve(POST, post="P3"), by=CLERK)
    assert heard(crm) == [("forum", "F1/T1", None)]


@pytest.mark.rule("SUR-04")
def test_the_same_post_told_again_is_nothing_new(crm: CRM) -> None:
    crm.do(POST, by=CLERK)
    assert crm.do(POST, by=OTHER).events == ()
    assert refused(crm, attrs.evolve(POST, summary="else")) == "post_exists"


# --- meetings ----------------------------------------------------------------------------------


@pytest.mark.rule("GRD-02")
def test_coming_to_a_meeting_is_a_matter_and_not_having_come_is_none(crm: CRM) -> None:
    crm.do(HoldOwnersMeeting("M1", "星河", TODAY, "年度业主会"), by=CLERK)
    came = RecordAttendance("M1", "V1", owner_of("V1"), TODAY)
    crm.do(came, by=CLERK)
    assert crm.do(came, by=OTHER).events == ()
    assert heard(crm) == [("meeting", "M1", None)]
    assert refused(crm, attrs.evolve(came, on=TODAY - DAY)) == "meeting_another_day"
    assert refused(crm, attrs.evolve(came, meeting="M9")) == "unknown_meeting"
    assert refused(crm, attrs.evolve(came, household="V2")) == "not_a_member"
    withdraw = WithdrawAttendance("M1", "V1", owner_of("V1"), TODAY, "her brother")
    assert refused(crm, withdraw, CLERK) == "role_insufficient"
    assert refused(crm, withdraw, Actor(owner_of("V1"), "manager")) == "own_matter"
    crm.do(withdraw, by=LEAD)
    assert heard(crm) == []
    assert refused(crm, withdraw, LEAD) == "did_not_attend"
    crm.do(came, by=CLERK)
    assert heard(crm) == [("meeting", "M1", None)]
    assert refused(crm, HoldOwnersMeeting("M1", "星河", TODAY, "again")) == "meeting_exists"


@pytest.mark.rule("GRD-02", "GRD-01")
def test_threads_comments_and_meetings_are_what_attention_counts(crm: CRM) -> None:
    """Four distinct matters make attention high; a thread that became a request is one of them."""
    opened(crm, "S2", named=True, reason="整改回访")
    answer = AnswerByName(
        "S2", "V1", owner_of("V1"), "paper", TODAY, varied(1, comment="谢谢"), reference="7"
    )
    crm.do(answer, by=CLERK)
    crm.do(HoldOwnersMeeting("M1", "星河", TODAY, "年度业主会"), by=CLERK)
    crm.do(RecordAttendance("M1", "V1", owner_of("V1"), TODAY), by=CLERK)
    crm.do(POST, by=CLERK)
    crm.do(
        TurnPost("F1", "P1", "R1", "suggestion", "engineering", "general", TODAY, "V1"), by=CLERK
    )
    crm.do(attrs.evolve(POST, post="P2", thread="T2"), by=CLERK)
    put(crm, datetime(2025, 1, 2, tzinfo=UTC))
    run = crm.grade(2024, by=LEAD)
    attention = {one.household: one.facts.attention for one in run.gradings}
    assert (attention["V1"], attention["V2"]) == (4, 0)
