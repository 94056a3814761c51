"""Laws and properties of plans and assessments over generated histories (PLN-01 to PLN-03)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given as hypothesis_given

from crm_core.gradings.facts import EVENT_NAMES
from crm_core.plans import ASSESSMENT, PLAN
from crm_core.plans.assessments import AssessmentDecided, AssessmentProposed
from crm_core.plans.events import PlanArchived, PlanStopped, SpendingRecorded, TaskOverdue
from crm_core.plans.views import EVENTS
from crm_core.testing.laws import check_decider
from crm_core.testing.strategies import (
    assessment_commands,
    assessment_stories,
    histories,
    plan_commands,
    plan_stories,
)

PLANS = histories(PLAN, plan_commands(), opening=plan_stories(), max_size=25)
ASSESSMENTS = histories(ASSESSMENT, assessment_commands(), opening=assessment_stories())


def test_plans_keep_the_laws() -> None:
    check_decider(PLAN, plan_commands(), opening=plan_stories(), max_examples=80)


def test_assessments_keep_the_laws() -> None:
    opening = assessment_stories()
    check_decider(ASSESSMENT, assessment_commands(), opening=opening, max_examples=60)


@pytest.mark.rule("PLN-03")
@hypothesis_given(PLANS)
def test_no_budget_is_overspent_and_nothing_follows_its_archive(history: Any) -> None:
    state, filed = PLAN.decider.initial, False
    for event in history.events:
        assert not filed
        state = PLAN.decider.evolve(state, event)
        filed = isinstance(event, PlanArchived)
        if isinstance(event, SpendingRecorded):
            assert event.amount_fen > 0
        kept = sum(
            one.amount_fen for number, one in state.spent.items() if number not in state.withdrawn
        )
        assert state.spent_fen == kept <= state.budget_fen


@pytest.mark.rule("PLN-03")
@hypothesis_given(PLANS)
def test_a_deadline_is_told_once_and_never_while_the_household_is_gone(history: Any) -> None:
    told: set[tuple[str, object]] = set()
    stopped = False
    for event in history.events:
        if isinstance(event, PlanStopped):
            stopped = True
        elif type(event).__name__ == "PlanResumed":
            stopped = False
        elif isinstance(event, TaskOverdue):
            assert not stopped
            assert (event.task, event.due) not in told
            told.add((event.task, event.due))


@pytest.mark.rule("PLN-01", "LOG-08")
@hypothesis_given(ASSESSMENTS)
def test_an_assessment_is_decided_once_and_upon_what_was_proposed_last(history: Any) -> None:
    proposed, decided = None, 0
    for event in history.events:
        if isinstance(event, AssessmentProposed):
            proposed = event
        if isinstance(event, AssessmentDecided):
            decided += 1
            assert proposed is not None
            assert event.proposed == proposed.result
            assert event.reason or event.result == proposed.result
    assert decided <= 1


@pytest.mark.rule("PLN-01", "GRD-15")
def test_no_grading_sees_anything_of_plans_and_assessments() -> None:
    assert {kind.stored for kind in EVENTS}.isdisjoint(EVENT_NAMES)
