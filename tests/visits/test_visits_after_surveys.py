"""Who said by name that they are dissatisfied is called about it within five days (VIS-01)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import attrs
import pytest
from visiting import (
    CLERK,
    DAY,
    MINUTE,
    START,
    SUPERVISOR,
    at,
    estate,
    now,
    open_visits,
    tick,
    visit,
)

from crm_core import CRM, Personal, shipped
from crm_core.owners import MergeHousehold, TransferOwnership
from crm_core.privacy import WithdrawConsent
from crm_core.surveys import AnswerByName, OpenSurvey, WithdrawAnswer
from crm_core.surveys.policy import DEFAULT_SURVEY, SurveyPolicy
from crm_core.surveys.questionnaire import DEFAULT_QUESTIONNAIRE, Questionnaire
from crm_core.surveys.statistics import is_dissatisfied

pytestmark = pytest.mark.rule("VIS-01")

TODAY = date(2024, 5, 6)
NAMES = ("overall", "staff", "repairs", "cleaning", "security", "greening", "complaints")
VISIT = "survey_dissatisfied:by-S1"


@pytest.fixture
def crm() -> Iterator[CRM]:
    with estate(households=3) as opened:
        survey = OpenSurvey("S1", TODAY, TODAY + 20 * DAY, named=True, reason="a pilot")
        opened.do(survey, by=SUPERVISOR)
        yield opened


def answer(household: str, overall: int, **more: Any) -> AnswerByName:
    said = tuple(f"{name}={overall if name == 'overall' else 3 + n % 2}"
                 for n, name in enumerate(NAMES))  # fmt: skip
    values: dict[str, Any] = {
        "survey": "S1",
        "household": household,
        "member": f"{household}#owner",
        "channel": "paper",
        "on": TODAY,
        "answers": said,
        "reference": "form 7",
    }
    return AnswerByName(**{**values, **more})


def test_who_is_dissatisfied_is_called_within_five_days_and_nobody_else(crm: CRM) -> None:
    crm.do(answer("V1", 2), by=CLERK)
    crm.do(answer("V2", 3), by=CLERK)
    tick(crm)
    assert open_visits(crm) == {VISIT}
    assert open_visits(crm, "V2") == set()
    found = visit(crm, VISIT)
    assert (found.scheduled.row, found.scheduled.content) == ("survey_dissatisfied", "mediation")
    assert (found.must, found.scheduled.purpose) == (True, "survey")
    assert found.due_at == START + 5 * DAY + 14 * 60 * MINUTE, "the end of the fifth day"
    assert tick(crm) == 0


def test_an_answer_withdrawn_calls_for_nothing_and_another_may(crm: CRM) -> None:
    crm.do(answer("V1", 1), by=CLERK)
    tick(crm)
    crm.do(WithdrawAnswer("S1", "V1", TODAY, "of another flat"), by=SUPERVISOR)
    tick(crm)
    assert visit(crm, VISIT).why == "matter"
    crm.do(answer("V1", 2, reference="form 8"), by=CLERK)
    tick(crm)
    assert open_visits(crm) == {VISIT}


def test_an_anonymous_answer_calls_for_nothing(crm: CRM) -> None:
    crm.do(OpenSurvey("S2", TODAY, TODAY + 3 * DAY), by=SUPERVISOR)
    slips = [crm.care.surveys.take_slip("S2", f"V{n}", "app", by=CLERK) for n in (1, 2, 3)]
    for slip in slips:
        crm.care.surveys.cast(slip, answer("V1", 1).answers, by=CLERK)
    for days in (0, 4, 5):
        at(crm, START + days * DAY)
        tick(crm)
        assert not any(open_visits(crm, f"V{n}") for n in (1, 2, 3))


def test_it_goes_with_the_household_and_not_with_who_bought_it(crm: CRM) -> None:
    crm.do(answer("V1", 1), by=CLERK)
    tick(crm)
    crm.do(MergeHousehold("V1", "V2", TODAY, "the same flat"), by=SUPERVISOR)
    tick(crm)
    assert open_visits(crm, "V2") == {"survey_dissatisfied:by-V1-S1"}
    assert open_visits(crm) == set()
    at(crm, now(crm) + DAY)
    buyer = Personal("V2#b", "Wang")
    crm.do(
        TransferOwnership("V2", "V2#b", date(2024, 5, 7), buyer, reason="transfer of ownership"),
        by=CLERK,
    )
    tick(crm)
    assert visit(crm, "survey_dissatisfied:by-V1-S1", "V2").why == "tenure"


def test_who_refuses_to_be_asked_is_not_called(crm: CRM) -> None:
    crm.do(answer("V1", 1), by=CLERK)
    crm.do(WithdrawConsent("V1", "V1#owner", "survey", now(crm)), by=CLERK)
    tick(crm)
    assert open_visits(crm) == set()


def test_a_draw_of_the_same_household_leaves_the_visit_where_it_is(crm: CRM) -> None:
    crm.do(answer("V1", 1), by=CLERK)
    tick(crm)
    crm.care.visits.draw("D1", "round", 3, by=SUPERVISOR)
    assert open_visits(crm) == {VISIT, "draw:D1"}


def test_dissatisfied_is_the_worst_of_the_steps_by_which_the_best_are_satisfied() -> None:
    asked = shipped().find(Questionnaire, DEFAULT_QUESTIONNAIRE, TODAY)
    policy = shipped().find(SurveyPolicy, DEFAULT_SURVEY, TODAY)

    def marks(overall: str, others: str) -> tuple[str, ...]:
        scales = dict.fromkeys(NAMES, others) | {"overall": overall}
        return tuple(scales.get(one.item, "") for one in asked.marked)

    for overall, expected in (("1", True), ("2", True), ("3", False), ("5", False), ("", False)):
        assert is_dissatisfied(marks(overall, "4"), asked, policy) is expected
    # Where no item asks for the whole, most of them say it.
    none = attrs.evolve(asked, overall="")
    assert is_dissatisfied(marks("5", "2"), none, policy)
    assert not is_dissatisfied(marks("1", "4"), none, policy)
    assert not is_dissatisfied(marks("", ""), none, policy)
