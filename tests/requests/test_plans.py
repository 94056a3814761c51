"""Improvement plans: what they name, whom, until when, and what they moved (REQ-18)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import attrs
import pytest
from asking import CLERK, DAY, M2, MANAGER, RECEIVE, START, given, register

from crm_adapters import open_crm
from crm_core import CRM, Actor, Refused
from crm_core.requests import PLAN
from crm_core.requests.improvement import (
    METRICS,
    DecideImprovement,
    Effect,
    EndImprovement,
    ImprovementApproved,
    ImprovementProposed,
    ProposeImprovement,
    SuperviseExecution,
    effect,
)
from crm_core.requests.statistics import COUNTS, Happening
from crm_core.staff import RegisterStaff

PROPOSE = ProposeImprovement(
    plan="P1",
    measure="check valves every week",
    metric="late_share",
    dimension="trade",
    value="engineering",
    baseline_start=date(2011, 3, 1),
    baseline_end=date(2011, 3, 10),
    runs_from=date(2011, 3, 11),
    runs_to=date(2011, 3, 20),
    change_per_mille=-500,
    responsible="S1",
    supervisor="M1",
)
APPROVE = DecideImprovement("P1", True, date(2011, 3, 11), by=M2)
LOOK = SuperviseExecution("P1", date(2011, 3, 12), True, "list is signed", by=MANAGER)
END = EndImprovement("P1", date(2011, 3, 21), "half as many", by=MANAGER)
PLANNED = ImprovementProposed(
    **{f.name: getattr(PROPOSE, f.name) for f in attrs.fields(ImprovementProposed)[:-1]},
    proposed_by="S17",
)
AFTER = date(2011, 3, 21)
"""The first day on which the plan is over."""


@pytest.fixture
def crm() -> Iterator[CRM]:
    with open_crm("memory:") as opened:
        yield opened


def at_noon(day: date) -> datetime:
    return datetime.combine(day, time(4), UTC)


# --- what it names -------------------------------------------------------------------------------


@pytest.mark.rule("REQ-18")
def test_a_plan_says_in_which_direction_and_by_how_much() -> None:
    """Up where more is better, down where less is; of mere volume either can be wanted."""
    for metric, worse in (("late_share", 1), ("satisfied_share", -1), ("kept_share", -1)):
        for change in (worse, worse * 500):
            given(PLAN).when(attrs.evolve(PROPOSE, metric=metric, change_per_mille=change)).refused(
                "effect_worse", "REQ-18"
            )
        better = attrs.evolve(PROPOSE, metric=metric, change_per_mille=-worse * 500)
        assert len(given(PLAN).when(better).events) == 1
    for change in (-100, 100):
        volume = attrs.evolve(PROPOSE, metric="volume", change_per_mille=change)
        assert len(given(PLAN).when(volume).events) == 1
    nothing = attrs.evolve(PROPOSE, change_per_mille=0)
    given(PLAN).when(nothing).refused("effect_missing", "REQ-18")


@pytest.mark.rule("REQ-18")
def test_every_metric_is_of_what_the_statistics_count() -> None:
    for metric in METRICS.values():
        assert {metric.counted, *metric.of} <= set(COUNTS)


@pytest.mark.rule("REQ-18")
def test_a_plan_moves_something_that_there_is() -> None:
    for dimension, value in (
        ("trade", "piracy"),
        ("kind", "engineering"),
        ("place", ""),
        ("staff", ""),
    ):
        nothing = attrs.evolve(PROPOSE, dimension=dimension, value=value)
        given(PLAN).when(nothing).refused("metric_of_nothing", "REQ-18")
    for dimension, value in (("kind", "repair"), ("place", "星河 1"), ("staff", "S1")):
        named = attrs.evolve(PROPOSE, dimension=dimension, value=value)
        assert len(given(PLAN).when(named).events) == 1


@pytest.mark.rule("REQ-18")
def test_a_plan_runs_from_its_proposal_at_the_earliest() -> None:
    """Else it would claim as its effect what had moved by itself."""
    late = attrs.evolve(PROPOSE, known_on=date(2011, 3, 12))
    given(PLAN).when(late).refused("plan_in_the_past", "REQ-18")
    assert len(given(PLAN).when(attrs.evolve(PROPOSE, known_on=PROPOSE.runs_from)).events) == 1


@pytest.mark.rule("REQ-18", "LOG-08")
def test_who_carries_it_out_and_who_supervises_it_are_of_the_staff(crm: CRM) -> None:
    director = Actor("D1", "director")
    for staff, role in (("D1", "director"), ("S17", "specialist"), ("S1", "operator")):
        crm.do(RegisterStaff(staff, role, date(2011, 1, 1)), by=director, at=START)
    with pytest.raises(Refused) as refused:
        crm.do(PROPOSE, by=CLERK, at=START)
    assert (refused.value.reason, refused.value.details) == ("unknown_staff", {"staff": "M1"})
    crm.do(RegisterStaff("M1", "manager", date(2011, 1, 1)), by=director, at=START)
    with pytest.raises(Refused) as refused:
        crm.do(attrs.evolve(PROPOSE, responsible="S8"), by=CLERK, at=START)
    assert refused.value.details == {"staff": "S8"}
    crm.do(PROPOSE, by=CLERK, at=START)


# --- until when ----------------------------------------------------------------------------------


@pytest.mark.rule("REQ-18")
def test_a_plan_is_not_ended_before_its_last_day_is_over() -> None:
    running = (PLANNED, ImprovementApproved("P1", APPROVE.on, "M2"))
    for early in (date(2011, 3, 12), PLANNED.runs_to):
        given(PLAN, *running).when(LOOK, attrs.evolve(END, on=early)).refused("too_early", "REQ-18")
    given(PLAN, *running).when(LOOK, END).state(lambda plan: plan.ended.on == END.on)


@pytest.mark.rule("REQ-18")
def test_no_day_that_has_not_come_is_said_to_be_the_end() -> None:
    """Whoever says on the 12th that it is the 21st ends nothing."""
    running = (PLANNED, ImprovementApproved("P1", APPROVE.on, "M2"))
    today = date(2011, 3, 12)
    for command in (END, attrs.evolve(LOOK, on=date(2011, 3, 13))):
        ahead = attrs.evolve(command, known_on=today)
        past = given(PLAN, *running).when(LOOK).events
        given(PLAN, *running, *past).when(ahead).refused("not_yet", "REQ-18")
    given(PLAN, PLANNED).when(attrs.evolve(APPROVE, known_on=date(2011, 3, 10))).refused(
        "not_yet", "REQ-18"
    )


@pytest.mark.rule("REQ-18")
def test_the_day_is_looked_up_and_never_said(crm: CRM) -> None:
    crm.do(PROPOSE, by=CLERK, at=START)
    said = attrs.evolve(APPROVE, by=None)
    with pytest.raises(Refused) as refused:
        crm.do(said, by=M2, at=at_noon(date(2011, 3, 10)))
    assert refused.value.reason == "not_yet"
    crm.do(said, by=M2, at=at_noon(said.on))


@pytest.mark.rule("REQ-18")
def test_a_plan_is_not_approved_with_a_day_of_its_run_once_that_is_over() -> None:
    late = attrs.evolve(APPROVE, known_on=AFTER)
    given(PLAN, PLANNED).when(late).refused("plan_over", "REQ-18")


# --- what it moved -------------------------------------------------------------------------------


def happened(count: str, day: date, times: int = 1, **changes: str) -> list[Happening]:
    values = {
        "trade": "engineering",
        "kind": "repair",
        "place": "星河 1",
        "staff": "S1",
        "household": "V1",
        **changes,
    }
    return [Happening(count=count, day=day, position=n, **values) for n in range(times)]


BEFORE, DURING = date(2011, 3, 5), date(2011, 3, 15)


def found(plan: Any, *counted: list[Happening], today: date = AFTER) -> Effect:
    return effect(plan, [one for several in counted for one in several], today)


@pytest.mark.rule("REQ-18")
def test_exactly_as_far_as_planned_is_reached_and_a_little_less_is_not() -> None:
    """3,000 a day before; 1,500 is half, and 1,501 is not, however it is rounded."""
    volume = attrs.evolve(PLANNED, metric="volume")
    before = happened("received", BEFORE, 30_000)
    for after, reached, change in ((15_000, True, -500), (15_001, False, -499)):
        measured = found(volume, before, happened("received", DURING, after))
        assert (measured.reached, measured.change_per_mille) == (reached, change)


@pytest.mark.rule("REQ-18")
def test_what_should_rise_is_reached_when_it_has_risen() -> None:
    rise = attrs.evolve(PLANNED, metric="satisfied_share", change_per_mille=500)
    before = [happened("satisfied", BEFORE), happened("dissatisfied", BEFORE)]
    for dissatisfied, reached in ((1, True), (2, False), (0, True)):
        measured = found(
            rise,
            *before,
            happened("satisfied", DURING, 3),
            happened("dissatisfied", DURING, dissatisfied),
        )
        assert measured.reached is reached, measured


@pytest.mark.rule("REQ-18")
def test_a_plan_that_runs_has_reached_nothing_yet_and_is_measured_by_days_that_ended() -> None:
    volume = attrs.evolve(PLANNED, metric="volume")
    before = happened("received", BEFORE, 100)
    first = happened("received", date(2011, 3, 11), 5)
    third = happened("received", date(2011, 3, 13), 90)
    measured = found(volume, before, first, third, today=date(2011, 3, 13))
    assert measured == Effect(10_000, 2_500, -750, None, False)
    assert found(volume, before, first, today=PLANNED.runs_from) == Effect(
        10_000, None, None, None, False
    )
    over = found(volume, before, first, third, today=AFTER)
    assert over == Effect(10_000, 9_500, -50, False, True)


@pytest.mark.rule("REQ-18")
def test_only_what_is_counted_for_the_same_counts_for_a_plan() -> None:
    plan = attrs.evolve(PLANNED, metric="volume", dimension="place", value="星河 1")
    measured = found(
        plan,
        happened("received", BEFORE, 10),
        happened("received", DURING, 4),
        happened("received", DURING, 50, place="星河 2"),
        happened("received", PLANNED.baseline_start - timedelta(days=1), 50),
        happened("received", AFTER, 50),
        today=AFTER + timedelta(days=9),
    )
    assert (measured.before, measured.after) == (1000, 400)


@pytest.mark.rule("REQ-18")
def test_the_effect_as_known_while_it_ran_stays_that_of_a_running_plan(crm: CRM) -> None:
    register(crm, "V1", "星河", "1", "1", "V1")
    crm.do(attrs.evolve(PROPOSE, metric="volume"), by=CLERK, at=START)
    for n in range(14):
        at = START + n * DAY
        crm.do(
            attrs.evolve(RECEIVE, request=f"R{n}", household="V1", received_at=at), by=CLERK, at=at
        )
    running = crm.requests.effect("P1", known=START + 13 * DAY)
    assert (running.before, running.after, running.over) == (1000, 1000, False)
    ended = crm.requests.effect("P1")
    assert (ended.before, ended.after, ended.reached, ended.over) == (1000, 400, True, True)
