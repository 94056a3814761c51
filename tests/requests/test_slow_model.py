"""The slow model says what was worked out by hand, and the lives at random are full of everything.

Times are Asia/Shanghai. 4 March 2024 is a Monday.
"""

from __future__ import annotations

from functools import cache

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from slow.calendar import (
    A_DAY,
    OFFICE,
    OFFICE_TEXT,
    SHIPPED,
    Rules,
    clock_time,
    instant,
    minute,
)
from slow.comparing import COMMANDS, command_of, compared, differences, lived
from slow.life import life_of, lives, shares
from slow.model import KINDS, PAUSED, SILENT, Entry, Judged, Life, Slow, judge

from crm_core.kernel.dates import instant_text

MONDAY = "2024-03-04"


def at(text: str) -> int:
    """`09:00` of that Monday, `03-08 17:20` of 2024, or a minute of any year."""
    if len(text) == 5:
        text = f"{MONDAY} {text}"
    return minute(text if len(text) == 16 else f"2024-{text}")


def entry(when: str, kind: str, by: str = "S17", **said: object) -> Entry:
    times = {key: at(str(said.pop(key))) for key in ("due", "end") if key in said}
    return Entry(kind=kind, at=at(when), by=by, **times, **said)  # type: ignore[arg-type]


def received(when: str, severity: str = "general", channel: str = "phone") -> Entry:
    return entry(when, "received", severity=severity, channel=channel)


def promised(when: str, due: str, form: str = "outcome", by: str = "S17") -> Entry:
    return entry(when, "promised", by, form=form, due=due)


def paused(when: str, end: str) -> Entry:
    return entry(when, "paused", reason="customer_absent", end=end)


def done(when: str, by: str = "E4") -> Entry:
    return entry(when, "done", by)


def judged(*life: Entry, now: str | None = None, rules: Rules = SHIPPED) -> Judged:
    """What the model says right after the last entry, or at `now`."""
    return judge(life, life[-1].at if now is None else at(now), rules)


def told(found: Judged, clock: str) -> tuple[bool | None, int]:
    """Whether a clock was kept, and the seconds it was late."""
    one = found.clocks[clock]
    return one.kept, one.late


def due(found: Judged, clock: str) -> str:
    due_at = found.clocks[clock].due_at
    assert due_at is not None
    return due_at.strftime("%m-%d %H:%M:%S")


# --- the rows of the list of what went wrong -----------------------------------------------------


def test_k01_an_answer_in_a_pause_stops_the_promise_limit_as_if_the_pause_ended_there() -> None:
    found = judged(
        received("09:00"), paused("09:02", "13:00"), entry("12:00", "answered"), now="18:00"
    )
    assert told(found, "promise-1") == (True, 0)
    assert found.clocks["promise-1"].counted == 120


def test_k02_what_is_late_is_counted_time() -> None:
    found = judged(received("09:00"), paused("10:00", "12:00"), done("12:10"))
    assert told(found, "closing-1") == (False, 2400)


def test_k08_a_promise_stands_still_in_a_pause() -> None:
    found = judged(
        received("09:00", "major"),
        promised("09:01", "10:00"),
        paused("09:30", "12:00"),
        done("12:10"),
        now="18:00",
    )
    assert found.promises[0].status == "kept"
    assert told(found, "commitment-1") == (True, 0)
    assert due(found, "commitment-1") == "03-04 12:30:00"
    assert found.duties == ()


def test_k10_another_severity_in_a_pause_counts_from_receipt_less_the_pauses() -> None:
    found = judged(
        received("09:00", "major"),
        paused("09:05", "12:00"),
        entry("11:30", "reclassified", severity="general"),
        now="12:30",
    )
    closing = found.clocks["closing-1"].reached
    assert closing.reached(50) == instant(at("12:10"))
    assert closing.reached(80) == instant(at("12:19"))
    assert due(found, "closing-1") == "03-04 12:25:00"


def test_k11_silences_are_reckoned_from_what_is_left_when_the_pause_began() -> None:
    notes = [entry(f"{hour}:00", "noted", told=True) for hour in (12, 14, 16, 18)]
    found = judged(received("09:00", "major"), paused("10:00", "20:00"), *notes)
    silences = [c.target for name, c in found.clocks.items() if name.startswith("progress")]
    assert silences == [9000, 9000, 9000, 9000]


def test_k13_a_promise_that_staff_move_alone_is_broken_then_and_there() -> None:
    found = judged(
        received("09:00", "major"),
        promised("09:01", "12:00"),
        entry("11:59", "moved_alone", form="outcome", due="2029-01-01 12:00"),
    )
    assert [p.status for p in found.promises] == ["broken", "running"]
    assert [(d.by, d.since) for d in found.owed] == [("S17", at("11:59"))]
    assert found.clocks["commitment-1"].kept is False


# --- closing, by hand ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("severity", "start", "end", "kept", "late"),
    [
        ("general", "09:00", "09:30", True, 0),
        ("general", "09:00", "09:31", False, 60),
        ("general", "23:45", "03-05 00:15", True, 0),
        ("major", "09:00", "15:00", True, 0),
        ("major", "23:30", "03-05 05:31", False, 60),
        ("general", "02-10 10:00", "02-10 10:31", False, 60),
    ],
    ids=["just in time", "late", "midnight", "major", "overnight", "Spring Festival"],
)
def test_day_and_night(severity: str, start: str, end: str, kept: bool, late: int) -> None:
    assert told(judged(received(start, severity), done(end)), "closing-1") == (kept, late)


@pytest.mark.parametrize(
    ("severity", "start", "due_at"),
    [
        ("general", "11:50", "03-04 13:50"),  # 10 minutes before lunch, 20 after it
        ("general", "11:30", "03-04 12:00"),  # at closing, not at the next opening
        ("major", "16:00", "03-05 14:30"),  # 1.5 h, 3.5 h in the morning, 1 h
        ("general", "03-08 17:20", "03-11 08:50"),  # over a weekend
        ("general", "03-09 10:00", "03-11 09:00"),  # received on a Saturday
        ("general", "03-07 17:20", "03-07 22:20"),  # 10 minutes, then the night shift
        ("general", "03-08 01:50", "03-08 08:50"),  # the end of the night shift of Thursday
        ("general", "04-03 17:20", "04-07 08:50"),  # Qingming off, the Sunday after is worked
        ("general", "04-04 23:00", "04-07 09:00"),  # no night shift on a holiday
        ("general", "02-09 17:20", "02-18 08:50"),  # the Spring Festival, and its make-up Sunday
        ("general", "09-30 17:25", "10-08 08:55"),  # the National Day
        ("general", "09-29 17:20", "09-30 08:50"),  # a Sunday that is worked
        ("general", "12-31 17:00", "12-31 17:30"),  # New Year's Eve
        ("general", "12-31 17:01", "2025-01-02 08:31"),  # and New Year
        ("general", "2027-01-01 09:00", "2027-01-01 09:30"),  # no notice yet: the regular week
    ],
)
def test_office_hours(severity: str, start: str, due_at: str) -> None:
    life = (received(start, severity), done(due_at))
    found = judge(life, at(due_at), OFFICE)
    assert told(found, "closing-1") == (True, 0)
    assert found.clocks["closing-1"].due_at == instant(at(due_at))


def test_what_is_done_before_the_next_opening_is_in_time_if_the_target_ends_at_closing() -> None:
    """Nothing is counted on New Year, so a day and a half later no more than the target was."""
    life = received("12-31 17:00")
    assert told(judged(life, done("2025-01-02 08:30"), rules=OFFICE), "closing-1") == (True, 0)
    assert told(judged(life, done("2025-01-02 08:31"), rules=OFFICE), "closing-1") == (False, 60)


@pytest.mark.parametrize(
    ("end", "kept", "late"), [("11:00", True, 0), ("11:01", False, 60), ("12:00", False, 3600)]
)
def test_two_pauses(end: str, kept: bool, late: int) -> None:
    found = judged(received("09:00"), paused("09:10", "09:40"), paused("09:50", "10:50"), done(end))
    assert told(found, "closing-1") == (kept, late)


def test_two_pauses_in_one_minute() -> None:
    found = judged(
        received("09:00"),
        paused("09:10", "10:00"),
        entry("09:10", "resumed"),
        paused("09:10", "09:30"),
        done("09:51"),
    )
    assert told(found, "closing-1") == (False, 60)


def test_a_pause_over_midnight() -> None:
    found = judged(received("23:50"), paused("23:55", "03-05 00:25"), done("03-05 00:50"))
    assert told(found, "closing-1") == (True, 0)
    assert due(found, "closing-1") == "03-05 00:50:00"


def test_a_pause_over_a_weekend_in_office_hours() -> None:
    life = (received("03-08 17:10"), paused("03-08 17:20", "03-11 09:00"), done("03-11 09:21"))
    found = judged(*life, rules=OFFICE)
    assert told(found, "closing-1") == (False, 60)
    assert due(found, "closing-1") == "03-11 09:20:00"


def test_a_pause_ends_when_it_was_expected_to_end() -> None:
    found = judged(received("09:00"), paused("09:10", "09:20"), done("09:41"))
    assert told(found, "closing-1") == (False, 60)


def test_a_pause_may_be_extended() -> None:
    found = judged(
        received("09:00"),
        paused("09:10", "09:20"),
        entry("09:15", "extended", end="10:00"),
        done("10:20"),
    )
    assert told(found, "closing-1") == (True, 0)


def test_a_pause_ends_when_it_is_resumed() -> None:
    found = judged(
        received("09:00"), paused("09:10", "12:00"), entry("09:30", "resumed"), done("09:51")
    )
    assert told(found, "closing-1") == (False, 60)


def test_done_in_a_pause_counts_nothing_of_the_pause() -> None:
    found = judged(received("09:00"), paused("09:30", "12:00"), done("11:00"), now="18:00")
    assert told(found, "closing-1") == (True, 0)
    assert found.clocks["closing-1"].counted == 1800


def test_the_general_target_of_what_was_major_counts_from_receipt() -> None:
    found = judged(
        received("09:00"), entry("09:20", "reclassified", severity="major"), done("15:01")
    )
    assert told(found, "closing-1") == (False, 60)


def test_reopening_leaves_the_first_verdict_and_begins_anew() -> None:
    found = judged(
        received("09:00"),
        done("09:40"),
        entry("10:00", "confirmed", opinion="satisfied"),
        entry("12:00", "reopened"),
        done("12:31"),
        now="18:00",
    )
    assert told(found, "closing-1") == (False, 600)
    assert told(found, "closing-2") == (False, 60)


# --- the promise limit and promises, by hand -----------------------------------------------------


@pytest.mark.parametrize(
    ("channel", "made", "kept", "late"),
    [
        ("phone", "09:05", True, 0),
        ("counter", "09:06", False, 60),
        ("wechat", "09:15", True, 0),
        ("other", "09:20", False, 300),
    ],
)
def test_promise_limit(channel: str, made: str, kept: bool, late: int) -> None:
    found = judged(received("09:00", channel=channel), promised(made, "15:00"))
    assert told(found, "promise-1") == (kept, late)


def test_what_the_customer_accepts_replaces_the_target() -> None:
    life = (received("09:00"), promised("09:05", "15:00"), entry("09:10", "accepted"))
    found = judged(*life, done("15:01"))
    assert told(found, "closing-1") == (False, 60)
    assert found.clocks["closing-1"].basis == "commitment"
    assert told(judged(*life, done("15:00")), "closing-1") == (True, 0)


def test_a_promise_that_nobody_accepted_replaces_nothing() -> None:
    found = judged(received("09:00"), promised("09:05", "15:00"), done("15:00"))
    assert told(found, "closing-1") == (False, 19800)
    assert found.promises[0].status == "kept"


def test_an_agreed_time_moves_by_the_pause() -> None:
    found = judged(
        received("09:00"),
        promised("09:05", "15:00"),
        entry("09:10", "accepted"),
        paused("14:00", "16:00"),
        done("17:00"),
    )
    assert told(found, "closing-1") == (True, 0)
    assert due(found, "closing-1") == due(found, "commitment-1") == "03-04 17:00:00"


def test_moved_with_the_customers_word_it_is_kept_and_the_new_time_is_the_target() -> None:
    found = judged(
        received("09:00"),
        promised("09:05", "12:00"),
        entry("11:00", "moved_agreed", form="outcome", due="16:00"),
        done("16:00"),
        now="18:00",
    )
    assert [p.status for p in found.promises] == ["moved", "kept"]
    assert told(found, "closing-1") == (True, 0)
    assert found.duties == ()


def test_moved_after_its_time_it_was_broken_when_its_time_passed() -> None:
    found = judged(
        received("09:00"),
        promised("09:05", "10:00"),
        entry("10:01", "moved_agreed", form="outcome", due="16:00"),
    )
    assert [(p.status, p.since) for p in found.promises] == [
        ("broken", at("10:00")),
        ("running", None),
    ]
    assert [(d.by, d.since) for d in found.owed] == [("S17", at("10:00"))]


def test_kept_and_broken_are_those_of_who_promised() -> None:
    found = judged(received("09:00", "major"), promised("09:01", "09:10", by="E4"), now="10:00")
    assert [(p.by, p.status) for p in found.promises] == [("E4", "broken")]
    assert [d.by for d in found.owed] == ["E4"]


@pytest.mark.parametrize(("when", "status"), [("10:00", "kept"), ("10:01", "broken")])
def test_an_answer_is_kept_by_the_answer(when: str, status: str) -> None:
    found = judged(
        received("09:00", "major"), promised("09:01", "10:00", "answer"), entry(when, "answered")
    )
    assert found.promises[0].status == status
    assert found.promises[0].since == at("10:00")


def test_an_answer_is_no_outcome() -> None:
    found = judged(
        received("09:00", "major"), promised("09:01", "10:00"), entry("09:30", "answered")
    )
    assert found.promises[0].status == "running"


# --- apologies and closing, by hand --------------------------------------------------------------


def test_given_up_an_apology_is_due_half_an_hour_later() -> None:
    life = (received("09:00", "major"), promised("09:01", "12:00"), entry("10:00", "given_up"))
    found = judged(*life, entry("10:31", "apologised"))
    assert told(found, "apology-1") == (False, 60)
    assert found.owed == ()
    assert [d.since for d in judged(*life).owed] == [at("10:00")]


def test_an_apology_is_owed_in_a_pause_too() -> None:
    found = judged(
        received("09:00", "major"),
        promised("09:01", "10:00"),
        paused("10:10", "12:00"),
        entry("10:31", "apologised"),
    )
    assert told(found, "apology-1") == (False, 60)


def test_an_apology_settles_what_was_broken_before_it_and_no_more() -> None:
    found = judged(
        received("09:00", "major"),
        promised("09:01", "10:00"),
        entry("10:05", "moved_agreed", form="outcome", due="11:00"),
        entry("10:30", "apologised"),
        now="12:00",
    )
    assert [(d.since, d.open) for d in found.duties] == [(at("10:00"), False), (at("11:00"), True)]


def test_nothing_closes_with_an_open_duty() -> None:
    life = (received("09:00", "major"), promised("09:01", "10:00"), done("10:10"))
    yes = entry("10:20", "confirmed", opinion="satisfied")
    assert judged(*life, yes).refused == {3: "REQ-09"}
    found = judged(*life, entry("10:15", "apologised"), yes)
    assert (found.status, found.outcome) == ("closed", "confirmed")


def test_who_did_the_work_does_not_confirm_it() -> None:
    found = judged(received("09:00"), done("09:10", "S17"), entry("09:20", "confirmed"))
    assert found.refused == {2: "LOG-08"}
    assert found.status == "done"


@pytest.mark.parametrize(
    ("third", "now", "status"),
    [
        ("03-06 10:00", "03-06 10:00", "closed"),  # spread over three days
        ("03-06 09:59", "03-07 09:59", "done"),
        ("03-06 09:59", "03-07 10:00", "closed"),  # three days are over
    ],
)
def test_three_attempts_in_three_days(third: str, now: str, status: str) -> None:
    tries = [entry(when, "attempted") for when in ("11:00", "03-05 11:00", third)]
    found = judged(received("09:50"), done("10:00"), *tries, now=now)
    assert found.status == status
    assert found.outcome == ("unconfirmed" if status == "closed" else None)


def test_an_imported_closing_closes_late_and_lifts_the_duty() -> None:
    found = judged(
        received("09:00", "major"), promised("09:01", "10:00"), entry("16:00", "imported_closing")
    )
    assert (found.status, found.outcome) == ("closed", "unconfirmed")
    assert told(found, "closing-1") == (False, 3600)
    assert found.owed == ()


# --- arrival and silences, by hand ---------------------------------------------------------------


def test_arrival_runs_from_the_first_order_that_says_that_somebody_comes() -> None:
    orders = [entry(when, "ordered", on_site=True) for when in ("09:05", "09:20")]
    found = judged(received("09:00"), *orders, entry("09:36", "arrived", "E4"))
    assert told(found, "arrival-1") == (False, 60)


def test_arrival_stands_still_in_a_pause() -> None:
    found = judged(
        received("09:00", "major"),
        entry("09:05", "ordered", on_site=True),
        paused("09:10", "11:00"),
        entry("11:10", "arrived", "E4"),
    )
    assert told(found, "arrival-1") == (True, 0)


@pytest.mark.parametrize(
    ("severity", "start", "made", "due_at"),
    [
        ("major", "20:00", "20:00", "03-05 10:00:00"),  # three hours, one of them today
        ("major", "09:00", "09:01", "03-04 12:00:30"),  # half of an odd number of minutes
        ("general", "09:00", "09:02", "03-04 09:17:00"),  # at least 15 minutes
        ("general", "09:00", "11:00", "03-04 11:15:00"),  # nothing is left
        ("general", "21:30", "21:31", "03-05 08:15:00"),  # nobody is called at night
    ],
)
def test_the_longest_silence(severity: str, start: str, made: str, due_at: str) -> None:
    found = judged(received(start, severity), promised(made, "03-08 12:00"))
    assert due(found, "progress-1") == due_at


def test_the_longest_silence_is_a_day_of_service_hours() -> None:
    """Half of four days is more: eleven hours on Monday, two on Tuesday."""
    found = judged(received("09:55"), promised("10:00", "03-08 10:00"), entry("10:00", "accepted"))
    assert due(found, "progress-2") == "03-05 10:00:00"


@pytest.mark.parametrize(
    ("when", "kept", "late"),
    [("03-05 07:59", True, 0), ("03-05 10:00", True, 0), ("03-05 10:01", False, 60)],
)
def test_a_silence_ends_when_the_customer_is_told(when: str, kept: bool, late: int) -> None:
    life = (received("20:00", "major"), promised("20:00", "03-08 12:00"))
    unheard = entry("20:30", "noted", told=False)
    found = judged(*life, unheard, entry(when, "noted", told=True))
    assert told(found, "progress-1") == (kept, late)


# --- the model as such ---------------------------------------------------------------------------


def test_the_policy_in_office_hours_is_one_that_the_library_reads() -> None:
    assert 'closing = "office"' in OFFICE_TEXT
    life = (received("03-08 17:20"), done("03-11 08:50"))
    assert lived(life, at("03-12 09:00"), OFFICE).refused == {}


@given(lives())
def test_what_is_kept_is_what_counted_no_more_than_its_target(life: Life) -> None:
    found = judge(life, life[-1].at + A_DAY)
    early = {f"commitment-{p.number}" for p in found.promises if p.status == "broken"}
    for name, clock in found.clocks.items():
        assert clock.late == max(0, clock.counted - clock.target)
        if clock.kept is None:
            assert clock.stopped is None
        elif name not in early:
            assert clock.kept is (clock.late == 0)


@given(lives(), st.integers(0, 3 * A_DAY))
def test_what_has_stopped_stays_as_it_is(life: Life, later: int) -> None:
    now, then = judge(life, life[-1].at), judge(life, life[-1].at + later)
    assert now.refused == then.refused
    for name, clock in now.clocks.items():
        if clock.stopped is not None:
            assert attrs_of(clock) == attrs_of(then.clocks[name])


def attrs_of(clock: object) -> dict[str, object]:
    return {name: getattr(clock, name) for name in ("kept", "late", "due_at", "counted", "stopped")}


@given(lives())
def test_a_broken_promise_is_a_duty_of_who_promised(life: Life) -> None:
    found = judge(life, life[-1].at + A_DAY)
    broken = [(p.number, p.by, p.since) for p in found.promises if p.status == "broken"]
    assert sorted(broken) == sorted((d.promise, d.by, d.since) for d in found.duties)


def test_every_doubt_is_in_the_list_of_what_the_rules_leave_open() -> None:
    found = set()
    for life in many()[:150]:
        for clock in judge(life, life[-1].at).clocks.values():
            found |= set(clock.doubts.values())
    assert len(found) >= 8
    assert all(f"- {key}:" in SILENT for key in found)


# --- lives at random -----------------------------------------------------------------------------


@cache
def many() -> list[Life]:
    return [life_of(seed) for seed in range(400)]


def test_a_seed_has_one_life() -> None:
    assert [life_of(seed) for seed in range(20)] == many()[:20]
    assert len(set(many())) == len(many())


def test_every_kind_of_entry_occurs() -> None:
    found = shares(many())
    assert {share.kind for share in found} == {*KINDS} - {"received"}
    assert [share for share in found if share.percent < 2] == []


def test_lives_are_in_order_and_as_long_as_they_should_be() -> None:
    for life in many():
        assert life[0].kind == "received"
        assert 2 <= len(life) <= 13
        assert [e.at for e in life] == sorted(e.at for e in life)


def test_lives_go_over_nights_and_weekends_and_have_things_happen_in_pauses() -> None:
    inside: set[str] = set()
    for life in many():
        slow = Slow()
        for one in life:
            slow.pass_to(one.at)
            if slow.status == PAUSED:
                inside.add(one.kind)
            slow.take(one)
    assert inside >= {*KINDS} - {"received", "reopened", "attempted", "confirmed", "paused"}
    nights = [e for life in many() for e in life if not 8 * 60 <= e.at % A_DAY < 21 * 60]
    weekends = [e for life in many() for e in life if clock_time(e.at)[:3] in ("Sat", "Sun")]
    entries = sum(map(len, many()))
    assert len(nights) > entries / 10
    assert len(weekends) > entries / 10


def test_most_of_what_is_entered_makes_sense() -> None:
    some = many()[:150]
    refused = sum(len(judge(life, life[-1].at).refused) for life in some)
    assert 0 < refused < sum(map(len, some)) * 0.05


# --- compared with the library -------------------------------------------------------------------

TIDY = (
    received("09:00", "major"),
    promised("09:03", "12:00"),
    entry("09:10", "ordered", on_site=True),
    entry("09:20", "arrived", "E4"),
    entry("10:00", "noted", told=True),
    done("11:40"),
    entry("11:50", "confirmed", "S18", opinion="satisfied"),
)


def test_every_kind_of_entry_is_a_command() -> None:
    assert set(COMMANDS) == set(KINDS)
    for life in many():
        for one in life:
            assert attrs.has(type(command_of(one)))


@pytest.mark.parametrize("ticks", [(), range(len(TIDY))], ids=["at the end", "before each entry"])
def test_of_a_tidy_life_both_say_the_same(ticks: range) -> None:
    assert compared(TIDY, at("03-06 09:00"), ticks=ticks) == []


def test_an_entry_may_become_known_later_than_it_happened() -> None:
    known = [one.at + (5 if one.kind == "noted" else 0) for one in TIDY]
    assert compared(TIDY, at("03-06 09:00"), known=known) == []


def test_a_difference_is_told() -> None:
    found = judge(TIDY, at("03-06 09:00"))
    closing = found.clocks["closing-1"]
    verdict = {
        "clock": "closing-1",
        "kept": False,
        "late_seconds": 60,
        "due_at": instant_text(instant(at("12:01"))),
        "stopped_at": instant_text(instant(closing.stopped or 0)),
        "basis": "target",
        "superseded": False,
    }
    others = {name: clock for name, clock in found.clocks.items() if name != "closing-1"}
    told_of = differences(found, [verdict])
    assert [line for line in told_of if line.startswith("closing-1")] == [
        "closing-1 kept: library False, model True",
        "closing-1 late: library 60, model 0",
        "closing-1 due: library 03-04 12:01:00, model 03-04 15:00:00",
    ]
    rest = [line for line in told_of if not line.startswith("closing-1")]
    assert rest == [f"{name}: library none, model one" for name in sorted(others)]
