"""Who hears of what becomes of a plan, and what waits when somebody left (PLN-03, OUT-01)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from caring import (
    DAY,
    DIRECTOR,
    FINANCE,
    HOME,
    JAN,
    MANAGER,
    SPECIALIST,
    SUPERVISOR,
    WORD,
    Estate,
    approve,
    draft,
    open_plan,
    opened,
    sell,
)

from crm_core import Actor
from crm_core.plans import (
    ApprovePlan,
    AssignTask,
    CancelTask,
    CheckTask,
    EndPlan,
    FinishTask,
    GiveAdvice,
    LearnDifficulty,
    ReassignDifficulty,
    ReassignTask,
    ReviewPlan,
)
from crm_core.staff import EndStaffRole, JoinStaffIds, PartStaffIds, RegisterStaff

S2 = Actor("S2", "specialist")
LATER = date(2024, 3, 1)


@pytest.fixture
def estate() -> Iterator[Estate]:
    """A plan in force, with a task for S1, of a company that registers its staff."""
    with opened() as found:
        people = (DIRECTOR, MANAGER, SUPERVISOR, SPECIALIST, S2, FINANCE)
        for one in people:
            found.do(RegisterStaff(one.id, one.role, date(2020, 1, 1)), DIRECTOR)
        approve(found)
        found.do(AssignTask("P1", "T1", "M1", "call on them", "S1", LATER + 30 * DAY, JAN), MANAGER)
        yield found


def told(estate: Estate, name: str, stream: str = "plan/P1") -> list[tuple[str, str, str]]:
    """Who is told what of the last event of that name: person, template and word."""
    [*_, last] = (one for one in estate.crm.history(stream) if one.name == f"plans.{name}/1")
    found = []
    for _, command in estate.crm.staff.told_of(last):
        said = {one.name: str(one.value) for one in command.parameters}
        found.append((command.staff, command.template, said.get("how", said.get("step", ""))))
    return sorted(found)


@pytest.mark.rule("PLN-03", "OUT-01")
def test_whoever_works_for_a_plan_hears_that_it_was_ended_early(estate: Estate) -> None:
    estate.on(LATER)
    estate.do(EndPlan("P1", LATER, "the household moves away"), DIRECTOR)
    # S1 has a task and a measure, S2 a measure; U1 drafted it and leads.
    assert told(estate, "ended") == [
        ("S1", "plan-rests", "ended"),
        ("S2", "plan-rests", "ended"),
        ("U1", "plan-rests", "ended"),
    ]


@pytest.mark.rule("PLN-03", "OUT-01")
def test_whoever_works_for_a_plan_hears_that_it_stopped_with_its_household(estate: Estate) -> None:
    estate.on(LATER)
    sell(estate, HOME, LATER)
    estate.tick(LATER + DAY)
    assert ("S1", "plan-rests", "stopped") in told(estate, "stopped")


@pytest.mark.rule("PLN-03", "OUT-01")
def test_who_has_a_task_no_more_or_has_to_do_it_again_hears_of_it(estate: Estate) -> None:
    estate.on(LATER)
    estate.do(FinishTask("P1", "T1", LATER, "called on them"), SPECIALIST)
    estate.do(CheckTask("P1", "T1", False, LATER, "nobody was there"), MANAGER)
    assert told(estate, "task_checked") == [("S1", "task-over", "again")]
    due = LATER + 20 * DAY
    estate.do(ReassignTask("P1", "T1", "S2", due, LATER, "S1 is away"), MANAGER)
    assert told(estate, "task_reassigned") == [
        ("S1", "task-over", "handed_on"),
        ("S2", "task-given", ""),
    ]
    estate.do(ReassignTask("P1", "T1", "S1", due, LATER, "S1 is back"), MANAGER)
    assert told(estate, "task_reassigned") == [
        ("S1", "task-given", ""),
        ("S2", "task-over", "handed_on"),
    ]
    estate.do(CancelTask("P1", "T1", LATER, "not needed"), MANAGER)
    assert told(estate, "task_cancelled") == [("S1", "task-over", "cancelled")]


@pytest.mark.rule("PLN-04", "OUT-01")
def test_who_helps_no_more_with_a_difficulty_hears_of_it(estate: Estate) -> None:
    estate.on(LATER)
    learned = LearnDifficulty("D1", HOME, "the lift", WORD, "S1", LATER + 9 * DAY, LATER)
    estate.do(learned, SUPERVISOR)
    estate.do(ReassignDifficulty("D1", "S2", LATER + 9 * DAY, LATER, "knows lifts"), SUPERVISOR)
    assert told(estate, "difficulty_reassigned", "difficulty/D1") == [
        ("S1", "task-over", "handed_on"),
        ("S2", "task-given", ""),
    ]


@pytest.mark.rule("PLN-02", "OUT-01")
def test_who_leads_hears_that_a_version_was_approved_or_rejected(estate: Estate) -> None:
    assert told(estate, "approved") == [("U1", "plan-waits", "tasks")]
    estate.on(LATER)
    again = draft(on=LATER)
    estate.do(again, SUPERVISOR)
    estate.do(ReviewPlan("P1", 2, True, LATER), MANAGER)
    estate.do(ApprovePlan("P1", 2, False, LATER, "too dear"), DIRECTOR)
    assert told(estate, "rejected") == [("U1", "plan-waits", "refinement")]


@pytest.mark.rule("PLN-02", "LOG-08")
def test_nobody_drafts_alone_under_two_accounts(estate: Estate) -> None:
    """Given a plan that S1 began, when U1 drafts it, who is S1 by another account, then they draft
    alone.
    """
    estate.on(LATER)
    estate.do(open_plan("P2", LATER), SPECIALIST)
    again = draft("P2", LATER)
    estate.do(JoinStaffIds("S1", "U1", "one file of employment"), DIRECTOR)
    assert estate.refused(again, SUPERVISOR) == "drafted_alone"
    estate.do(PartStaffIds("S1", "U1", "two people of one name"), DIRECTOR)
    estate.do(again, SUPERVISOR)


@pytest.mark.rule("PLN-03", "PLN-04", "LOG-08")
def test_the_work_of_who_left_waits_for_who_leads_at_once(estate: Estate) -> None:
    """Given a task and a difficulty of somebody, when they leave the company long before either is
    due, then both wait for who leads, to be given to another.
    """
    estate.on(LATER)
    learned = LearnDifficulty("D1", HOME, "the lift", WORD, "S1", LATER + 30 * DAY, LATER)
    estate.do(learned, SUPERVISOR)

    def waits() -> list[tuple[str, str, str]]:
        return [
            (one.what, one.subject, one.act)
            for one in estate.crm.todo(by=SUPERVISOR)
            if one.what in ("difficulty", "plan_task")
        ]

    assert waits() == []
    estate.do(EndStaffRole("S1", "specialist", LATER, "moves away"), DIRECTOR)
    assert waits() == []
    estate.on(LATER + DAY)
    assert sorted(waits()) == [
        ("difficulty", "D1", "reassign-difficulty"),
        ("plan_task", "T1", "reassign-task"),
    ]
    due = LATER + timedelta(days=30)
    estate.do(ReassignTask("P1", "T1", "S2", due, LATER + DAY, "S1 left"), SUPERVISOR)
    estate.do(ReassignDifficulty("D1", "S2", due, LATER + DAY, "S1 left"), SUPERVISOR)
    assert waits() == []
    estate.do(GiveAdvice("D1", "call the firm", True, LATER + DAY), S2)
