"""The run of record: which run of a year holds, what a trial is, and who may change it."""

from __future__ import annotations

from contextlib import closing
from datetime import date, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from attrs import evolve

from crm_adapters.wiring import open_crm
from crm_core.application.gradings import GradingRun
from crm_core.crm import CRM
from crm_core.errors import Invalid, Refused
from crm_core.gradings.commands import (
    ConfirmType,
    ContestGrading,
    DecideReview,
    DecideUplift,
    ProposeType,
    ProposeUplift,
    ReplaceRecord,
)
from crm_core.gradings.record import is_timely
from crm_core.gradings.uses import Use
from crm_core.kernel.dates import parse_instant
from crm_core.kernel.recorded import Actor
from crm_core.payments.commands import RecordPurchase
from estate import (
    DAY,
    DIRECTOR,
    MANAGER,
    OWNER,
    SPECIALIST,
    SUPERVISOR,
    TOLD,
    FixedClock,
    asked,
    crm,
    do,
    home,
    interrupted,
    of,
)

__all__ = ["crm"]

AFTER = parse_instant("2012-02-01T09:00:00+08:00")


def stands(crm: CRM, household: str = "V1", year: int = 2011) -> Any:
    return [now for now in crm.gradings.history(household) if now.grading.year == year][-1]


def standings(crm: CRM, year: int = 2011) -> dict[str, str]:
    return {line.run: line.standing for line in crm.gradings.runs(year)}


def seen_by_nobody(crm: CRM, run: GradingRun) -> None:
    """No list, use or work list reads of it; whoever names it can see it and replay it."""
    assert run.standing == "trial"
    assert all(now.grading.run != run.run for now in crm.gradings.directory())
    assert all(now.grading.run != run.run for now in crm.gradings.history("V1"))
    assert all(now.grading.run != run.run for now in crm.gradings.waiting())
    assert all(one.run != run.run for one in crm.gradings.affected())
    assert crm.gradings.grades(run.year, run=run.run) == run
    assert crm.explain("V1", run.year, run=run.run)["run"] == run.run
    found = crm.replay(run.year)
    assert found.differing == ()
    assert found.gradings >= len(run.gradings)


def bought(crm: CRM, fen: int, household: str = "V1", number: str = "B2") -> None:
    """A purchase of the year that becomes known after it."""
    do(crm, RecordPurchase(household, number, "cleaning", fen, date(2011, 7, 1)), at=AFTER)


# --- K30: a year that is not over --------------------------------------------------------------


@pytest.mark.case("K30")
@pytest.mark.rule("GRD-01", "GRD-17")
@pytest.mark.parametrize("now", ["2011-06-01T09:00:00+08:00", "2011-12-31T23:59:59.999999+08:00"])
def test_a_year_that_is_not_over_is_refused_and_nothing_is_written(crm: CRM, now: str) -> None:
    home(crm, "V1", buys=9_000_00)
    head = crm.log.head()
    crm.host.clock = FixedClock(parse_instant(now))
    with pytest.raises(Invalid) as refused:
        crm.grade(2011)
    assert [fault.code for fault in refused.value.faults] == ["year_not_over"]
    assert crm.log.head() == head
    crm.host.clock = FixedClock(parse_instant("2012-01-01T00:00:00+08:00"))
    assert crm.grade(2011).standing == "of_record"


@pytest.mark.case("K30")
@pytest.mark.rule("GRD-17", "GRD-13")
def test_as_a_trial_it_is_kept_and_seen_by_nobody_and_stands_in_no_way(crm: CRM) -> None:
    home(crm, "V1", buys=20_000_00)
    crm.host.clock = FixedClock(parse_instant("2011-11-30T09:00:00+08:00"))
    trial = crm.grade(2011, trial=True)
    seen_by_nobody(crm, trial)
    with pytest.raises(Invalid, match=trial.run) as refused:
        crm.gradings.grades(2011)
    assert [fault.code for fault in refused.value.faults] == ["year_without_record"]
    with pytest.raises(Invalid):
        crm.explain("V1", 2011)
    used = crm.studies.influence("V1", Use.CARE_PLAN)
    assert (used.layer, used.because) == ("ordinary", "ungraded")
    with pytest.raises(Refused) as denied:
        asked(crm, ContestGrading("V1", 2011, "RV1", "no", date(2011, 12, 1)), OWNER)
    assert denied.value.reason == "year_without_record"
    crm.host.clock = FixedClock(parse_instant("2012-01-15T09:00:00+08:00"))
    run = crm.grade(2011)
    assert (run.standing, run.run != trial.run) == ("of_record", True)
    assert standings(crm) == {trial.run: "trial", run.run: "of_record"}
    # One year's trial leaves the open items of other years where they are.
    assert [now.grading.run for now in crm.gradings.waiting()] == [run.run]


@pytest.mark.case("K30")
@pytest.mark.rule("GRD-13", "GRD-03")
def test_every_open_item_of_every_year_waits(crm: CRM) -> None:
    home(crm, "V1", buys=20_000_00)
    home(crm, "V2")
    do(crm, RecordPurchase("V1", "B3", "cleaning", 30_000_00, date(2010, 7, 1)))
    crm.grade(2010)
    crm.grade(2011)
    asked(crm, ContestGrading("V2", 2011, "RV1", "not I", DAY, TOLD_V2), SPECIALIST)
    crm.host.clock = FixedClock(parse_instant("2012-06-01T09:00:00+08:00"))
    crm.grade(2012, trial=True)
    waits = [(now.grading.household, now.grading.year) for now in crm.gradings.waiting()]
    assert waits == [("V1", 2011), ("V2", 2011)]
    asked(crm, ProposeType("V2", 2010, "lively", DAY, "known to us"), SPECIALIST)
    waits = [(now.grading.household, now.grading.year) for now in crm.gradings.waiting()]
    assert waits == [("V1", 2011), ("V2", 2010), ("V2", 2011)]


TOLD_V2 = type(TOLD)("V2#owner", "phone", "call-8")


# --- K31: what people decided, and another run --------------------------------------------------


@pytest.fixture
def decided(crm: CRM) -> CRM:
    """V1 and V2 are graded."""
    home(crm, "V1", buys=9_350_00)
    home(crm, "V2", buys=100_00)
    crm.grade(2011)
    return crm


def _replacing(crm: CRM, run: str, reason: str) -> ReplaceRecord:
    """The act of a director who has looked at whom it moves."""
    return ReplaceRecord(2011, run, reason, DAY, len(crm.gradings.replacing(2011, run)))


def graded_again(crm: CRM) -> GradingRun:
    """A second run that sees a late fact of another household, made the run of record."""
    bought(crm, 50_00, "V2")
    again = crm.grade(2011)
    assert again.standing == "trial"
    asked(crm, _replacing(crm, again.run, "late facts"), DIRECTOR)
    assert crm.gradings.grades(2011).run == again.run
    return again


@pytest.mark.case("K31")
@pytest.mark.rule("GRD-13", "GRD-17")
def test_a_contest_survives_a_second_run_and_is_reviewed_there(decided: CRM) -> None:
    crm = decided
    asked(crm, ContestGrading("V1", 2011, "RV1", "too low", DAY), OWNER)
    bought(crm, 50_00, "V2")
    crm.grade(2011)  # a trial moves nothing
    assert (stands(crm).status, stands(crm).review.review) == ("contested", "RV1")
    again = crm.gradings.runs(2011)[-1]
    asked(crm, _replacing(crm, again.run, "late facts"), DIRECTOR)
    now = stands(crm)
    assert (now.grading.run, now.status, now.review.review) == (again.run, "contested", "RV1")
    layer, until = "main", date(2012, 12, 31)
    review = DecideReview("V1", "RV1", "overridden", "hardship", DAY, layer, until)
    asked(crm, review, MANAGER)
    now = stands(crm)
    assert (now.layer, now.status, now.grading.outcome.layer) == ("main", "overridden", "ordinary")
    # And with a third run.
    bought(crm, 70_00, "V2", "B4")
    third = crm.grade(2011)
    asked(crm, _replacing(crm, third.run, "more late facts"), DIRECTOR)
    now = stands(crm)
    assert (now.grading.run, now.layer, now.status) == (third.run, "main", "overridden")
    assert crm.replay().differing == ()


@pytest.mark.case("K31")
@pytest.mark.rule("GRD-02", "GRD-13")
def test_a_confirmed_type_survives_and_its_layer_follows_from_the_new_facts(decided: CRM) -> None:
    crm = decided
    asked(crm, ProposeType("V1", 2011, "ordinary", DAY, "once a decade"), SPECIALIST)
    asked(crm, ConfirmType("V1", 2011, DAY), SUPERVISOR)
    assert (stands(crm).type, stands(crm).layer) == ("ordinary", "main")
    again = graded_again(crm)
    now = stands(crm)
    assert (now.grading.run, now.type, now.layer, now.type_confirmed) == (
        again.run, "ordinary", "main", True,
    )  # fmt: skip


@pytest.mark.case("K31")
@pytest.mark.rule("GRD-05")
def test_an_uplift_survives_and_expires_with_the_next_years_record(decided: CRM) -> None:
    crm = decided
    asked(crm, ProposeUplift("V1", 2011, "always pays", DAY), SPECIALIST)
    asked(crm, DecideUplift("V1", 2011, True, DAY), MANAGER)
    assert (stands(crm).layer, stands(crm).uplift is not None) == ("main", True)
    again = graded_again(crm)
    now = stands(crm)
    assert (now.grading.run, now.layer) == (again.run, "main")
    crm.host.clock = FixedClock(parse_instant("2012-12-01T09:00:00+08:00"))
    crm.grade(2012, trial=True)
    assert stands(crm).layer == "main"  # a trial of the next year ends nothing
    crm.host.clock = FixedClock(parse_instant("2013-01-10T09:00:00+08:00"))
    crm.grade(2012)
    now = stands(crm)
    assert (now.layer, now.uplift) == ("ordinary", None)


# --- K32: less knowledge after the year's run ----------------------------------------------------


@pytest.mark.case("K32")
@pytest.mark.rule("GRD-09", "GRD-17")
def test_a_look_back_with_less_knowledge_is_a_trial_in_whatever_order(crm: CRM) -> None:
    home(crm, "V1", buys=20_000_00)
    early = parse_instant("2011-01-03T09:00:00+08:00")
    do(
        crm,
        RecordPurchase("V1", "B9", "cleaning", 5_00, date(2011, 9, 1)),
        at=parse_instant("2011-09-01T09:00:00+08:00"),
    )
    first = crm.grade(2011, known=early)
    seen_by_nobody(crm, first)
    run = crm.grade(2011)
    assert run.standing == "of_record"
    later = crm.grade(2011, known=parse_instant("2011-05-03T09:00:00+08:00"))
    seen_by_nobody(crm, later)
    assert crm.gradings.grades(2011) == run
    # As of the year's end everything that was known then was seen: such a run could have held.
    assert crm.grade(2011, known=parse_instant("2012-01-01T00:00:00+08:00")).standing == "trial"


@pytest.mark.case("K32")
@pytest.mark.rule("GRD-17")
def test_it_would_have_held_had_it_seen_all_that_was_recorded_by_the_years_end(crm: CRM) -> None:
    home(crm, "V1", buys=20_000_00)
    bought(crm, 100_00)  # known in February only
    run = crm.grade(2011, known=parse_instant("2012-01-01T00:00:00+08:00"))
    assert run.standing == "of_record"
    assert of(run).facts.purchases_fen == 20_000_00
    assert crm.grade(2011).standing == "trial"


@pytest.mark.rule("GRD-17")
def test_another_policy_than_the_one_in_force_is_a_trial(crm: CRM) -> None:
    home(crm, "V1", buys=9_000_00)
    other = crm.grade(2011, policy="grade-cn-monotone")
    seen_by_nobody(crm, other)
    run = crm.grade(2011)
    assert (run.standing, run.policy.name) == ("of_record", "grade-cn-default")


@pytest.mark.rule("GRD-17")
def test_what_was_asked_for_as_a_trial_is_one_also_after_the_years_end(crm: CRM) -> None:
    home(crm, "V1", buys=9_000_00)
    trial = crm.grade(2011, trial=True)
    seen_by_nobody(crm, trial)
    run = crm.grade(2011)
    assert (run.standing, run.run != trial.run) == ("of_record", True)


@pytest.mark.rule("GRD-17")
def test_every_condition_of_a_timely_run_counts(crm: CRM) -> None:
    home(crm, "V1", buys=9_000_00)
    run = crm.grade(2011).run
    started = crm.gradings.year(2011).runs[run]
    assert is_timely(started)
    assert is_timely(evolve(started, started_at=started.year_ended))
    second = timedelta(seconds=1)
    for change in (
        {"trial": True},
        {"started_at": started.year_ended - second},
        {"in_force": started.credit_policy},
        {"unseen": 1},
    ):
        assert not is_timely(evolve(started, **change))


@pytest.mark.rule("GRD-17", "GRD-09")
def test_a_preview_writes_nothing_and_says_what_a_run_would_say(crm: CRM) -> None:
    home(crm, "V1", buys=9_000_00)
    head = crm.log.head()
    asked_first = crm.gradings.preview(2011)
    assert (crm.log.head(), asked_first.standing) == (head, "preview")
    run = crm.grade(2011)
    assert [g.facts for g in asked_first.gradings] == [g.facts for g in run.gradings]
    assert [g.outcome for g in asked_first.gradings] == [g.outcome for g in run.gradings]


# --- taking the record's place ------------------------------------------------------------------


@pytest.mark.rule("GRD-17")
def test_only_a_director_replaces_the_record_and_sees_whom_it_moves(crm: CRM) -> None:
    home(crm, "V1", buys=7_000_00)
    home(crm, "V2")
    first = crm.grade(2011)
    bought(crm, 8_000_00)
    second = crm.grade(2011)
    assert standings(crm) == {first.run: "of_record", second.run: "trial"}
    [moved] = crm.gradings.replacing(2011, second.run)
    assert (moved.household, moved.layer, moved.layer_then) == ("V1", "ordinary", "main")
    for somebody in (SPECIALIST, SUPERVISOR, MANAGER, OWNER, Actor("wang", "host")):
        with pytest.raises(Refused) as denied:
            asked(crm, ReplaceRecord(2011, second.run, "late", DAY, 1), somebody)
        assert denied.value.rule == "LOG-08"
    for command, reason in (
        (ReplaceRecord(2011, second.run, "", DAY, 1), "reason_missing"),
        (ReplaceRecord(2011, first.run, "late", DAY, 0), "record_already"),
        (ReplaceRecord(2011, "2011-0000", "late", DAY, 0), "run_unknown"),
        (ReplaceRecord(2011, second.run, "late", DAY, moves=0), "moves_otherwise"),
    ):
        with pytest.raises(Refused) as refused:
            asked(crm, command, DIRECTOR)
        assert (refused.value.reason, refused.value.rule) == (reason, "GRD-17")
    assert standings(crm) == {first.run: "of_record", second.run: "trial"}
    [replaced] = asked(crm, ReplaceRecord(2011, second.run, "late", DAY, moves=1), DIRECTOR).events
    assert (replaced.instead_of, replaced.decided_by) == (first.run, "D1")
    assert [one.household for one in replaced.moved] == ["V1"]
    assert standings(crm) == {first.run: "trial", second.run: "of_record"}
    assert stands(crm).layer == "main"
    # A run under the record's policy again is a trial, and the first can be put back.
    assert crm.grade(2011).standing == "of_record"
    asked(crm, _replacing(crm, first.run, "a mistake"), DIRECTOR)
    assert stands(crm).layer == "ordinary"


@pytest.mark.rule("GRD-17")
def test_a_run_that_began_before_the_years_end_never_holds(crm: CRM) -> None:
    home(crm, "V1")
    crm.host.clock = FixedClock(parse_instant("2011-11-30T09:00:00+08:00"))
    trial = crm.grade(2011, trial=True)
    crm.host.clock = FixedClock(parse_instant("2012-01-15T09:00:00+08:00"))
    with pytest.raises(Refused) as refused:
        asked(crm, ReplaceRecord(2011, trial.run, "in a hurry", DAY, 0), DIRECTOR)
    assert refused.value.reason == "record_too_early"


@pytest.mark.rule("GRD-17")
def test_which_run_held_is_known_as_of_any_instant(crm: CRM) -> None:
    home(crm, "V1", buys=7_000_00)
    first = crm.grade(2011)
    before = crm.clock.now()
    crm.host.clock = FixedClock(parse_instant("2012-03-01T09:00:00+08:00"))
    bought(crm, 8_000_00)
    second = crm.grade(2011)
    asked(crm, ReplaceRecord(2011, second.run, "late", date(2012, 3, 1), moves=1), DIRECTOR)
    assert crm.gradings.grades(2011).run == second.run
    assert crm.gradings.grades(2011, known=before).run == first.run
    [then] = crm.gradings.directory(known=before)
    assert (then.grading.run, then.layer) == (first.run, "ordinary")
    with pytest.raises(Invalid):
        crm.gradings.grades(2011, known=parse_instant("2012-01-01T09:00:00+08:00"))


@pytest.mark.rule("GRD-17")
def test_without_a_policy_a_year_is_graded_by_that_of_its_record(crm: CRM) -> None:
    home(crm, "V1", buys=9_000_00)
    other = crm.grade(2011, policy="grade-cn-monotone")
    crm.grade(2011)
    asked(crm, _replacing(crm, other.run, "as agreed"), DIRECTOR)
    bought(crm, 1_00)
    again = crm.grade(2011)
    assert (again.policy, again.standing) == (other.policy, "trial")


# --- K34: several at once ------------------------------------------------------------------------


@pytest.mark.case("K34")
@pytest.mark.rule("GRD-12", "GRD-17")
@pytest.mark.parametrize("store", ["sqlite", "postgres"])
def test_several_who_grade_at_once_all_get_the_one_run(
    store: str, tmp_path: Any, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path}/crm.db"
    if store == "postgres":
        url = request.getfixturevalue("postgres_url")
    with open_crm(url, create=True) as opened:
        for number in range(1, 40):
            home(opened, f"V{number}", buys=9_000_00 + number)
    callers, start = 4, Barrier(4)
    found: list[GradingRun] = []
    failed: list[Exception] = []

    def grade(nth: int) -> None:
        try:
            with closing(open_crm(url, create=True)) as mine:
                start.wait()
                if nth == callers - 1:
                    # A fact that comes meanwhile does not make another run of it.
                    do(mine, RecordPurchase("V1", "B9", "cleaning", 1_00, date(2011, 9, 1)))
                found.append(mine.grade(2011))
        except Exception as error:  # noqa: BLE001
            failed.append(error)

    threads = [Thread(target=grade, args=(nth,)) for nth in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    with closing(open_crm(url)) as read:
        complete = read.gradings.runs(2011)
        assert {run.run for run in found} == {line.run for line in complete}
        assert [line.standing for line in complete].count("of_record") == 1
        assert all(line.gradings == 39 for line in complete)
        assert read.replay(2011).differing == ()
        # Whoever saw the same facts got the same run.
        assert len({(run.run, run.cutoff.position) for run in found}) == len(complete)


@pytest.mark.case("K34")
@pytest.mark.rule("GRD-12")
@pytest.mark.parametrize("store", ["sqlite", "postgres"])
def test_three_at_once_over_the_same_facts_make_one_run(
    store: str, tmp_path: Any, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path}/crm.db"
    if store == "postgres":
        url = request.getfixturevalue("postgres_url")
    with open_crm(url, create=True) as opened:
        for number in range(1, 40):
            home(opened, f"V{number}", buys=9_000_00 + number)
    start = Barrier(3)
    found: list[GradingRun] = []
    failed: list[Exception] = []

    def grade() -> None:
        try:
            with closing(open_crm(url, create=True)) as mine:
                start.wait()
                found.append(mine.grade(2011))
        except Exception as error:  # noqa: BLE001
            failed.append(error)

    threads = [Thread(target=grade) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert len(found) == 3
    assert found[0] == found[1] == found[2]
    with closing(open_crm(url)) as read:
        [line] = read.gradings.runs(2011)
        assert (line.standing, line.gradings) == ("of_record", 39)
        assert read.replay(2011).gradings == 39


@pytest.mark.rule("GRD-12")
def test_an_interrupted_run_is_taken_up_and_stays_one_run(crm: CRM) -> None:
    for number in range(1, 4):
        home(crm, f"V{number}")

    interrupted(crm, 2011)
    assert crm.gradings.runs(2011) == ()
    # What is not complete does not hold.
    with pytest.raises(Invalid):
        crm.gradings.grades(2011)
    assert list(crm.gradings.directory()) == []
    # Who asks for what was known at an instant takes no part in it.
    asked_as_of = crm.grade(2011, known=parse_instant("2011-01-01T00:00:00+08:00"))
    assert (asked_as_of.standing, asked_as_of.gradings) == ("trial", ())
    # A fact that comes meanwhile belongs to another run: this one keeps its cut-off.
    bought(crm, 1_00)
    run = crm.grade(2011)
    assert run.standing == "of_record"
    assert of(run).facts.purchases_fen == 0
    assert standings(crm) == {run.run: "of_record", asked_as_of.run: "trial"}


@pytest.mark.rule("GRD-12", "GRD-17")
def test_what_was_interrupted_holds_back_no_other_and_puts_nothing_aside(crm: CRM) -> None:
    """As known at the year's end it could have held, but nobody takes it up in time."""
    home(crm, "V1")

    end = parse_instant("2012-01-01T00:00:00+08:00")
    interrupted(crm, 2011, known=end)
    bought(crm, 1_00)
    run = crm.grade(2011)
    assert run.standing == "of_record"
    late = crm.grade(2011, known=end)
    assert (late.standing, late.run != run.run) == ("trial", True)
    assert crm.gradings.grades(2011).run == run.run


@pytest.mark.rule("GRD-12", "GRD-09")
def test_who_asks_as_of_an_instant_takes_part_in_no_run_of_another_instant(crm: CRM) -> None:
    home(crm, "V1")

    early, late = (parse_instant(f"2011-0{month}-01T00:00:00+08:00") for month in (2, 3))
    interrupted(crm, 2011, known=early)
    run = crm.grade(2011, known=late)
    assert run.cutoff.known == late
    assert [line.cutoff.known for line in crm.gradings.runs(2011)] == [late]
    # The one that was interrupted is taken up by whoever asks for the same.
    assert crm.grade(2011, known=early).cutoff.known == early
