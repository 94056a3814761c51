"""The literal model of the run of record, against histories worked out by hand (GRD-17)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from record_reference import (
    OF_RECORD,
    TRIAL,
    Fact,
    History,
    Replacement,
    Run,
    can_hold_by_itself,
    end_of,
    facts_not_seen,
    is_timely,
    may_begin,
    moved,
    objections,
    policy_to_use,
    record,
    standing,
    to_join,
    trials,
)

ZONE = ZoneInfo("Asia/Shanghai")
END = datetime(2025, 1, 1, tzinfo=ZONE)
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
FIRST, SECOND_POLICY = "grade-cn-default/1", "grade-cn-default/2"

FACTS = (
    Fact(1, datetime(2024, 1, 2, tzinfo=ZONE)),
    Fact(2, datetime(2024, 6, 1, tzinfo=ZONE)),
    Fact(3, datetime(2024, 12, 31, 23, 0, tzinfo=ZONE)),
    Fact(4, datetime(2025, 1, 5, tzinfo=ZONE)),
)


def run(id="A", position=10, started=END + 10 * DAY, **more):
    more = {
        "cutoff_position": position - 1,
        "cutoff_known": started,
        "policy": SECOND_POLICY,
        "in_force": SECOND_POLICY,
        "completed": position + 5,
        **more,
    }
    return Run(id, 2024, position, started, **more)


def of_record(*runs, facts=FACTS, replacements=(), moment=10_000, gradings=None):
    history = History(facts, runs, tuple(replacements), gradings or {})
    return record(history, 2024, moment)


@pytest.mark.case("K30")
def test_a_run_of_a_year_that_is_not_over_never_holds():
    early = run(started=END - SECOND, cutoff_known=END - SECOND)
    assert not may_begin(early)
    assert may_begin(replace(early, trial=True))
    assert not is_timely(early, FACTS)
    assert of_record(early) is None
    assert of_record(replace(early, trial=True)) is None
    # Time alone does not let it hold: neither when the year is over, nor when another run comes.
    assert of_record(early, run("B", 20)) == "B"
    assert of_record(run(started=END, cutoff_known=END)) == "A"


@pytest.mark.case("K30")
def test_the_year_is_over_by_the_clock_of_the_estate():
    started = datetime(2024, 12, 31, 16, 0, tzinfo=UTC)
    assert of_record(run(started=started)) == "A"
    assert of_record(run(started=started - SECOND)) is None
    assert of_record(run(started=started, zone="UTC")) is None
    assert of_record(run(started=started, zone="Pacific/Auckland")) == "A"
    assert end_of(2024, "UTC") == datetime(2025, 1, 1, tzinfo=UTC)


@pytest.mark.case("K32")
def test_a_run_as_of_earlier_knowledge_is_a_trial():
    record_, as_of = run(), run("B", 20, cutoff_known=datetime(2024, 1, 3, tzinfo=ZONE))
    assert of_record(record_, as_of) == "A"
    assert of_record(as_of) is None
    assert [fact.position for fact in facts_not_seen(as_of, FACTS)] == [2, 3]
    # It would have held, had it seen all: what came to be known later is not asked for.
    for known, holds in (
        (END, "B"),
        (FACTS[2].recorded, "B"),
        (FACTS[2].recorded - SECOND, None),
    ):
        assert of_record(replace(as_of, cutoff_known=known)) == holds


@pytest.mark.case("K32")
def test_a_cut_off_by_position_leaves_out_as_much():
    assert of_record(run(cutoff_position=3)) == "A"
    assert of_record(run(cutoff_position=2)) is None
    # What was in the log, but recorded after the year's end, need not be seen.
    assert of_record(run(cutoff_position=3, cutoff_known=END)) == "A"


def test_what_a_file_brings_later_was_not_in_the_log():
    older = Fact(12, datetime(2024, 6, 1, tzinfo=ZONE))
    assert of_record(run(position=10), facts=(*FACTS, older)) == "A"
    assert of_record(run(position=20, cutoff_position=11), facts=(*FACTS, older)) is None


def test_what_was_recorded_at_the_very_end_was_recorded_by_it():
    at_the_end = (Fact(1, END),)
    assert of_record(run(cutoff_known=END - SECOND), facts=at_the_end) is None
    assert of_record(run(cutoff_known=END), facts=at_the_end) == "A"
    assert of_record(run(cutoff_known=END - SECOND), facts=(Fact(1, END + SECOND),)) == "A"


def test_where_nothing_was_left_out_earlier_knowledge_is_no_less():
    """Knowledge of the spring is enough where nothing was heard after it."""
    as_of = run(cutoff_known=datetime(2024, 1, 3, tzinfo=ZONE))
    assert of_record(as_of, facts=FACTS[:1]) == "A"
    assert of_record(as_of, facts=()) == "A"


def test_another_policy_and_what_was_asked_for_as_a_trial_never_hold():
    assert of_record(run(policy=FIRST)) is None
    assert of_record(run(policy=FIRST, in_force=FIRST)) == "A"
    assert of_record(run(trial=True)) is None
    assert of_record(run(policy=FIRST), run("B", 20)) == "B"
    history = History(FACTS, (run(policy=FIRST), run("B", 20, trial=True)))
    assert trials(history, 2024, 100) == ["A", "B"]


def test_the_first_one_to_be_complete_holds_for_good():
    first, second = run(completed=40), run("B", 20, completed=30)
    assert of_record(first, second) == "B"
    assert of_record(second, first) == "B"
    history = History(FACTS, (first, second))
    assert [record(history, 2024, moment) for moment in (10, 29, 30, 39, 40, 99)] == [
        None, None, "B", "B", "B", "B",
    ]  # fmt: skip
    assert standing(history, second, 29) == TRIAL
    assert standing(history, second, 30) == OF_RECORD
    assert standing(history, first, 40) == TRIAL
    assert of_record(run(completed=None)) is None
    # One that is never completed holds back no other.
    assert of_record(run(completed=None), second) == "B"


def test_every_year_has_its_own():
    of_2023 = replace(run("B", 20), year=2023)
    history = History(FACTS, (run(), of_2023))
    assert record(history, 2024, 100) == "A"
    assert record(history, 2023, 100) == "B"
    assert record(history, 2022, 100) is None


GRADED = {
    "A": {"V1": ("main", "cautious"), "V2": ("small", "ordinary")},
    "B": {"V1": ("main", "cautious"), "V2": ("ordinary", "ordinary"), "V3": ("small", "ordinary")},
}
MOVED = (
    ("V2", "small", "ordinary", "ordinary", "ordinary"),
    ("V3", None, "small", None, "ordinary"),
)


@pytest.mark.case("K31")
def test_a_later_run_takes_its_place_by_the_directors_act_alone():
    """A fact about another household, then a second run: the first holds all the same."""
    runs = (run(), run("B", 20))
    facts = (*FACTS, Fact(18, END + 20 * DAY))
    assert of_record(*runs, facts=facts) == "A"
    act = Replacement(30, 2024, "B", moved=MOVED)
    asked = {"facts": facts, "gradings": GRADED}
    assert of_record(*runs, replacements=[act], **asked) == "B"
    assert of_record(*runs, replacements=[act], moment=29, **asked) == "A"
    for wrong, why in (
        (replace(act, by="manager"), "it is the director's act"),
        (replace(act, reason=""), "it has no reason"),
        (replace(act, run="C"), "it is no complete run of the year"),
        (replace(act, year=2023), "it is no complete run of the year"),
        (replace(act, position=24), "it is no complete run of the year"),
        (replace(act, run="A", moved=()), "it is the record already"),
        (replace(act, moved=MOVED[:1]), "it does not list whom it would move"),
        (replace(act, moved=()), "it does not list whom it would move"),
    ):
        assert objections(History(facts, runs, (), GRADED), wrong) == [why]
        assert of_record(*runs, replacements=[wrong], **asked) == "A"


def test_a_replacement_can_be_replaced_and_nothing_else_undoes_it():
    runs = (run(), run("B", 20), run("C", 50))
    back = tuple((home, now, then, t_now, t_then) for home, then, now, t_then, t_now in MOVED)
    acts = [Replacement(30, 2024, "B", moved=MOVED), Replacement(40, 2024, "A", moved=back)]
    assert of_record(*runs, replacements=acts[:1], gradings=GRADED) == "B"
    assert of_record(*runs, replacements=acts, gradings=GRADED) == "A"
    assert moved(History(gradings=GRADED), "B", "A") == back


def test_a_trial_can_be_made_the_record_where_there_is_none():
    trial = run(policy=FIRST)
    act = Replacement(
        30,
        2024,
        "A",
        moved=(("V1", None, "main", None, "cautious"), ("V2", None, "small", None, "ordinary")),
    )
    assert of_record(trial, replacements=[act], gradings=GRADED) == "A"
    # Then there is a record, and no timely run takes its place by itself.
    assert of_record(trial, run("B", 40), replacements=[act], gradings=GRADED) == "A"


def test_without_a_policy_named_the_records_own_is_used():
    history = History(FACTS, (run(policy=FIRST, in_force=FIRST),))
    assert policy_to_use(history, 2024, 100, SECOND_POLICY) == FIRST
    assert policy_to_use(history, 2024, 12, SECOND_POLICY) == SECOND_POLICY


@pytest.mark.case("K34")
def test_who_asks_while_a_run_is_open_gets_that_run():
    asked = run("B", 12)
    assert to_join(History(FACTS, (run(),)), asked) == "A"
    assert to_join(History(FACTS, (run(completed=None),)), run("B", 500)) == "A"
    assert to_join(History(FACTS, (run(),)), run("B", 20)) is None
    assert to_join(History(FACTS, (run(),)), replace(asked, policy=FIRST)) is None
    assert to_join(History(FACTS, (run(),)), replace(asked, year=2023)) is None
    assert to_join(History(FACTS, (run(),)), replace(asked, trial=True)) is None


# --- properties ------------------------------------------------------------------------------


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Facts and runs around the end of a year, and acts of which some are in order."""
    days = st.integers(-400, 100) | st.sampled_from([-1, 0, 1])
    facts = tuple(Fact(n, END + draw(days) * DAY) for n in range(1, draw(st.integers(0, 6)) + 1))
    runs, gradings = [], {}
    position = 10
    for id in "ABCD"[: draw(st.integers(0, 4))]:
        started = END + draw(days) * DAY
        runs.append(
            run(
                id,
                position,
                started,
                cutoff_position=draw(st.integers(0, 6) | st.just(position - 1)),
                cutoff_known=draw(st.just(started) | days.map(lambda d: END + d * DAY)),
                policy=draw(st.sampled_from([FIRST, SECOND_POLICY, SECOND_POLICY])),
                completed=draw(st.none() | st.integers(position + 1, position + 40)),
                trial=draw(st.booleans()) and draw(st.booleans()),
            )
        )
        layers = st.sampled_from(["main", "small"]).map(lambda layer: (layer, "ordinary"))
        gradings[id] = draw(st.dictionaries(st.sampled_from(["V1", "V2"]), layers))
        position += draw(st.integers(1, 20))
    history = History(facts, tuple(runs), (), gradings)
    for at in sorted(draw(st.sets(st.integers(11, 120), max_size=3))):
        id = draw(st.sampled_from("ABCD"))
        now = record(history, 2024, at - 1)
        act = Replacement(at, 2024, id, moved=moved(history, now, id))
        history = replace(history, replacements=(*history.replacements, act))
    return history


@given(histories())
def test_there_is_one_record_at_most_and_only_an_act_changes_it(history: History) -> None:
    moments = history.moments
    told = [record(history, 2024, moment) for moment in moments]
    acts = {act.position for act in history.replacements}
    for (_, before), (moment, after) in pairwise(zip(moments, told, strict=True)):
        if before is not None and after != before:
            assert moment in acts
    for moment in moments:
        standings = [standing(history, one, moment) for one in history.runs]
        assert standings.count(OF_RECORD) <= 1


@given(histories())
def test_without_acts_the_record_is_timely_and_the_first(history: History) -> None:
    history = replace(history, replacements=())
    by_id = {one.id: one for one in history.runs}
    id = record(history, 2024, 10_000)
    good = [
        one
        for one in history.runs
        if one.completed is not None and can_hold_by_itself(one, history.facts)
    ]
    assert good or id is None
    if id is not None:
        assert by_id[id] in good
        first = min(
            (one for one in history.runs if can_hold_by_itself(one, history.facts)),
            key=lambda one: one.position,
        )
        assert by_id[id] == first
        assert by_id[id].started >= END


@given(histories(), st.integers(0, 500), st.integers(0, 30))
def test_what_comes_to_the_log_later_moves_no_record(
    history: History, days: int, more: int
) -> None:
    """Standing is derived, and yet nothing that is appended changes what held before."""
    last = max([*history.moments, 200])
    later = Fact(last + 1 + more, END - days * DAY)
    another = replace(history, facts=(*history.facts, later))
    for moment in history.moments:
        assert record(another, 2024, moment) == record(history, 2024, moment)
