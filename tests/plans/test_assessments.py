"""The assessment of a relation: five kinds of information, a gap, and two persons."""

from __future__ import annotations

from datetime import date
from typing import Any

import attrs
import pytest
from caring import (
    DAY,
    HOME,
    JAN,
    MANAGER,
    SPECIALIST,
    SUPERVISOR,
    assess,
    gather,
    open_plan,
    opened,
    propose,
    sell,
    settle,
)

from crm_core.gradings.facts import EVENT_NAMES
from crm_core.plans import (
    ASSESSMENT,
    LIST,
    CompileList,
    DecideAssessment,
    LearnDifficulty,
    OpenPlan,
)
from crm_core.plans.assessments import (
    EVENTS,
    KINDS,
    AssessmentDecided,
    AssessmentProposed,
    AssessmentReturned,
)
from crm_core.plans.graded_list import ListCompiled
from crm_core.testing import given


def by(command: Any, actor: Any = SPECIALIST) -> Any:
    return attrs.evolve(command, by=actor)


GATHERED = tuple(given(ASSESSMENT).when(by(gather("A1", kind, JAN))).events[0] for kind in KINDS)
PROPOSE = by(propose("A1", JAN))
PROPOSED = given(ASSESSMENT, *GATHERED).when(PROPOSE).events[0]
DECIDE = by(DecideAssessment("A1", JAN, "distant"), SUPERVISOR)
DECIDED = AssessmentDecided("A1", HOME, "distant", "distant", JAN, "", "U1")


@pytest.mark.rule("PLN-01")
def test_all_five_kinds_are_gathered_before_a_result_is_proposed() -> None:
    assert isinstance(PROPOSED, AssessmentProposed)
    for n in range(len(KINDS)):
        left = given(ASSESSMENT, *GATHERED[:n], *GATHERED[n + 1 :]).when(PROPOSE)
        left.refused("information_missing", "PLN-01")
        assert left.refusal is not None
        assert left.refusal.details == {"kinds": [KINDS[n]]}
    given(ASSESSMENT).when(PROPOSE).refused("unknown_assessment", "PLN-01")
    one = by(gather("A1", "visits", JAN))
    for changes, code in (
        ({"kind": "gossip"}, "unknown_information_kind"),
        ({"findings": ""}, "note_missing"),
        ({"reference": ""}, "note_missing"),
    ):
        given(ASSESSMENT).when(attrs.evolve(one, **changes)).refused(code, "PLN-01")
    given(ASSESSMENT, *GATHERED).when(one).refused("entry_exists", "PLN-01")
    other = attrs.evolve(one, household="V2", entry="I9")
    given(ASSESSMENT, *GATHERED).when(other).refused("assessment_of_another", "PLN-01")


@pytest.mark.rule("PLN-01")
def test_strategy_requirements_gap_and_method_are_named() -> None:
    for name in ("summary", "strategy", "requirements", "gap", "method"):
        empty = attrs.evolve(PROPOSE, **{name: " "})
        given(ASSESSMENT, *GATHERED).when(empty).refused("note_missing", "PLN-01")
    for changes, code in (
        ({"result": "important"}, "unknown_relation"),
        ({"period_end": JAN + DAY}, "assessment_backwards"),
        ({"on": JAN - DAY, "period_end": JAN - DAY}, "too_early"),
    ):
        given(ASSESSMENT, *GATHERED).when(attrs.evolve(PROPOSE, **changes)).refused(code)


@pytest.mark.rule("PLN-01", "LOG-08")
def test_another_person_decides_and_another_result_has_a_reason() -> None:
    past = (*GATHERED, PROPOSED)
    given(ASSESSMENT, *past).when(DECIDE).then(DECIDED)
    given(ASSESSMENT, *GATHERED).when(DECIDE).refused("assessment_not_proposed", "PLN-01")
    given(ASSESSMENT, *past, DECIDED).when(DECIDE).refused("assessment_decided", "PLN-01")
    other = attrs.evolve(DECIDE, result="steady")
    given(ASSESSMENT, *past).when(other).refused("reason_missing", "PLN-01")
    other = attrs.evolve(other, reason="they were called on in May")
    then = attrs.evolve(DECIDED, result="steady", reason="they were called on in May")
    given(ASSESSMENT, *past).when(other).then(then)
    back = attrs.evolve(other, result="")
    returned = AssessmentReturned("A1", HOME, JAN, "they were called on in May", "U1")
    given(ASSESSMENT, *past).when(back).then(returned)
    given(ASSESSMENT, *past, returned).when(DECIDE).refused("assessment_not_proposed")
    own = ASSESSMENT.own(DECIDE, ASSESSMENT.decider.fold(past))
    assert own is not None
    assert own.proposed_by == "S1"


@pytest.mark.rule("PLN-01")
def test_what_comes_in_behind_a_proposal_takes_it_back() -> None:
    more = attrs.evolve(by(gather("A1", "visits", JAN)), entry="I9")
    given(ASSESSMENT, *GATHERED, PROPOSED).when(more, DECIDE).refused("assessment_not_proposed")


@pytest.mark.rule("PLN-01", "GRD-15", "LOG-08")
def test_it_stands_beside_the_grade_and_nobody_decides_their_own() -> None:
    assert {kind.stored for kind in EVENTS}.isdisjoint(EVENT_NAMES)
    with opened() as estate:
        estate.on(JAN)
        for kind in KINDS:
            estate.do(gather("A1", kind, JAN), SUPERVISOR)
        estate.do(propose("A1", JAN), SUPERVISOR)
        decide = DecideAssessment("A1", JAN, "distant")
        assert estate.refused(decide, SUPERVISOR) == "own_proposal"
        assert estate.refused(decide, SPECIALIST) == "role_insufficient"
        estate.do(decide, MANAGER)
        told = [one.event for one in estate.crm.care.assessments(HOME)]
        assert [type(one).__name__ for one in told][-2:] == [
            "AssessmentProposed",
            "AssessmentDecided",
        ]


@pytest.mark.rule("PLN-01")
def test_a_plan_follows_from_a_fresh_assessment_of_the_people_who_are_there() -> None:
    with opened() as estate:
        settle(estate, "V2")
        estate.on(JAN)
        plan = open_plan()
        assert estate.refused(plan, SPECIALIST) == "plan_without_basis"
        assess(estate)
        other = attrs.evolve(plan, household="V2")
        assert estate.refused(other, SPECIALIST) == "plan_without_basis"
        year_later = JAN.replace(year=2025)
        estate.on(year_later)
        late = attrs.evolve(plan, on=year_later)
        assert estate.refused(late, SPECIALIST) == "plan_without_basis"
        # Nor as of a day on which it would have carried one.
        assert estate.refused(plan, SPECIALIST) == "plan_without_basis"
        estate.on(JAN + 9 * DAY)
        sell(estate, HOME, JAN + 5 * DAY)
        sold = attrs.evolve(plan, on=JAN + 9 * DAY)
        assert estate.refused(sold, SPECIALIST) == "plan_without_basis"


@pytest.mark.rule("PLN-01", "GRD-16")
def test_a_plan_for_a_layer_follows_from_the_list_of_a_run_of_record() -> None:
    compiled = ListCompiled(2023, "R1", 3, JAN, "U1")
    command = attrs.evolve(CompileList(2023, JAN), by=SUPERVISOR, run="R1", households=3)
    given(LIST).when(command).then(compiled)
    given(LIST).when(command, command).then(compiled)
    given(LIST).when(attrs.evolve(command, run="")).refused("no_run_of_record", "PLN-01")
    early = attrs.evolve(command, on=date(2023, 12, 31))
    given(LIST).when(early).refused("too_early", "PLN-01")
    with opened() as estate:
        estate.on(JAN)
        plan = OpenPlan("P9", "a meeting for them", JAN, layer="small", list_year=2023)
        assert estate.refused(CompileList(2023, JAN), SUPERVISOR) == "no_run_of_record"
        assert estate.refused(plan, SPECIALIST) == "plan_without_basis"
        estate.crm.grade(2023, by=SUPERVISOR)
        estate.do(CompileList(2023, JAN), SUPERVISOR)
        estate.do(plan, SPECIALIST)
        assert [one.plan for one in estate.crm.care.plans(layer="small")] == ["P9"]


@pytest.mark.rule("PLN-04", "LOG-08")
def test_a_customer_s_word_is_that_of_a_member_of_the_household() -> None:
    from crm_core.kernel.word import Word

    with opened() as estate:
        estate.on(JAN)
        stranger = Word("V9#owner", "phone", "call 3")
        learn = LearnDifficulty("Q1", HOME, "the door sticks", stranger, "S1", JAN, JAN)
        assert estate.refused(learn, SPECIALIST) == "not_a_member"
