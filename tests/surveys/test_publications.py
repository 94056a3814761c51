"""What is published to owners follows from the log, and nobody approves their own (SUR-05)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_adapters import open_crm
from crm_core import CRM, Actor, Invalid, Refused
from crm_core.payments import (
    DecideRefund,
    MovePayment,
    ProposeRefund,
    RaiseCharge,
    ReceivePayment,
    ReversePayment,
)
from crm_core.requests import ReceiveRequest
from crm_core.surveys import (
    AnswerByName,
    CheckForum,
    DecidePublication,
    DraftPublication,
    OpenSurvey,
    RecordOutlay,
    WatchForum,
    WithdrawAnswer,
    WithdrawOutlay,
    WithdrawPublication,
)
from crm_core.surveys.publications import CATEGORIES, Figure
from surveys.asking_round import (
    BOSS,
    CLERK,
    DAY,
    LEAD,
    MORNING,
    TODAY,
    opened,
    over,
    put,
    settle,
    varied,
)

FINANCE, OTHER_FINANCE = Actor("F1", "finance"), Actor("F2", "finance")
MAY, END = date(2024, 5, 1), date(2024, 5, 31)
JUNE = datetime(2024, 6, 3, 1, tzinfo=UTC)
SPENT = RecordOutlay("X1", "星河", "repairs", 300_00, TODAY, "invoice 7")


@pytest.fixture
def crm() -> Iterator[CRM]:
    with open_crm("memory:") as crm:
        settle(crm, 6)
        settle(crm, 2, "明月", first=20)
        yield crm


def refused(crm: CRM, command: Any, by: Actor) -> str:
    with pytest.raises(Refused) as found:
        crm.do(command, by=by)
    assert "{" not in found.value.told("zh") + found.value.told("en")
    return found.value.reason


def pay(crm: CRM, number: str, home: str, fen: int, on: date = TODAY) -> None:
    crm.do(ReceivePayment(home, number, fen, on, "transfer"), by=FINANCE)


def values(figures: tuple[Figure, ...]) -> dict[tuple[str, str], int]:
    return {(one.figure, one.of): one.value for one in figures}


# --- the statement -----------------------------------------------------------------------------


@pytest.mark.rule("SUR-05")
def test_the_statement_says_what_came_in_and_was_spent(crm: CRM) -> None:
    pay(crm, "P1", "V1", 1000_00)
    pay(crm, "P2", "V2", 500_00)
    pay(crm, "P3", "V20", 70_00)
    pay(crm, "P4", "V3", 9_00, date(2024, 4, 30))
    crm.do(ReversePayment("V2", "P2", TODAY, "bounced"), by=FINANCE)
    crm.do(SPENT, by=FINANCE)
    crm.do(attrs.evolve(SPENT, spending="X2", category="cleaning", amount_fen=50_00), by=FINANCE)
    crm.do(attrs.evolve(SPENT, spending="X3", estate="明月"), by=FINANCE)
    crm.do(attrs.evolve(SPENT, spending="X4", amount_fen=1_00), by=FINANCE)
    crm.do(WithdrawOutlay("X4", TODAY, "typed twice"), by=OTHER_FINANCE)
    put(crm, JUNE)
    drafted = crm.care.publications.draft("2024-05", "statement", "星河", MAY, END, by=FINANCE)
    assert values(drafted.figures) == {
        ("income_received", ""): 1500_00,
        ("income_reversed", ""): 500_00,
        ("income_refunded", ""): 0,
        ("income", ""): 1000_00,
        ("spent_on", "repairs"): 300_00,
        ("spent_on", "cleaning"): 50_00,
        ("spent", ""): 350_00,
        ("balance", ""): 650_00,
    }
    all_of_it = crm.care.publications.draft("all", "statement", "", MAY, END, by=FINANCE)
    assert values(all_of_it.figures)["income", ""] == 1070_00
    assert values(all_of_it.figures)["spent", ""] == 650_00


@pytest.mark.rule("SUR-05")
def test_money_counts_in_the_month_in_which_it_came_and_went(crm: CRM) -> None:
    """Given money that came in May, of which some bounced and some was paid back in June, then May
    has all of it and June what went.
    """
    pay(crm, "P1", "V1", 1000_00)
    pay(crm, "P2", "V2", 500_00)
    put(crm, JUNE)
    third = JUNE.date()
    crm.do(ReversePayment("V2", "P2", third, "bounced"), by=FINANCE)
    crm.do(ProposeRefund("V1", "B1", 300_00, third, "moves away"), by=FINANCE)
    crm.do(DecideRefund("V1", "B1", True, third), by=BOSS)
    put(crm, JUNE + 40 * DAY)
    found = [
        values(crm.care.publications.draft(name, "statement", "", *days, by=FINANCE).figures)
        for name, days in (("5", (MAY, END)), ("6", (date(2024, 6, 1), date(2024, 6, 30))))
    ]
    names = ("income_received", "income_reversed", "income_refunded", "income")
    assert [[one[name, ""] for name in names] for one in found] == [
        [1500_00, 0, 0, 1500_00],
        [0, 500_00, 300_00, -800_00],
    ]


@pytest.mark.rule("SUR-05")
def test_what_is_moved_to_another_estate_is_income_there(crm: CRM) -> None:
    pay(crm, "P1", "V1", 100_00)
    crm.do(MovePayment("V1", "P1", "V20", "wrong flat"), by=FINANCE)
    put(crm, JUNE)
    draft = crm.care.publications.draft
    here = draft("1", "statement", "星河", MAY, END, by=FINANCE)
    there = draft("2", "statement", "明月", MAY, END, by=FINANCE)
    both = draft("3", "statement", "", MAY, END, by=FINANCE)
    found = [values(one.figures)["income", ""] for one in (here, there, both)]
    assert found == [0, 100_00, 100_00]


@pytest.mark.rule("SUR-05")
@given(
    st.lists(
        st.tuples(
            st.sampled_from(("V1", "V2", "V20")),
            st.integers(1, 10**6),
            st.sampled_from((TODAY, date(2024, 4, 30))),
        ),
        max_size=6,
    ),
    st.lists(
        st.tuples(
            st.sampled_from(("星河", "明月")),
            st.sampled_from(CATEGORIES),
            st.integers(1, 10**6),
            st.booleans(),
        ),
        max_size=6,
    ),
)
def test_estates_add_up_to_the_whole(paid: list[Any], spent: list[Any]) -> None:
    with open_crm("memory:") as crm:
        settle(crm, 2)
        settle(crm, 1, "明月", first=20)
        for number, (home, fen, on) in enumerate(paid):
            pay(crm, f"P{number}", home, fen, on)
        for number, (estate, category, fen, withdrawn) in enumerate(spent):
            one = RecordOutlay(f"X{number}", estate, category, fen, TODAY, "invoice")
            crm.do(one, by=FINANCE)
            if withdrawn:
                crm.do(WithdrawOutlay(f"X{number}", TODAY, "no"), by=OTHER_FINANCE)
        put(crm, JUNE)
        draft = crm.care.publications.draft
        found = {
            estate: values(draft(f"of-{n}", "statement", estate, MAY, END, by=FINANCE).figures)
            for n, estate in enumerate(("", "星河", "明月"))
        }
        income = sum(fen for _, fen, on in paid if on == TODAY)
        costs = sum(fen for _, _, fen, withdrawn in spent if not withdrawn)
        assert found[""]["income", ""] == income
        assert found[""]["spent", ""] == costs
        for name in ("income", "spent", "balance"):
            parts = found["星河"][name, ""] + found["明月"][name, ""]
            assert found[""][name, ""] == parts
        assert found[""]["balance", ""] == income - costs


# --- the service report ------------------------------------------------------------------------


@pytest.mark.rule("SUR-05")
def test_the_service_report_says_what_was_asked_and_done_and_thought(crm: CRM) -> None:
    for number, home in enumerate(("V1", "V2", "V20")):
        crm.do(
            ReceiveRequest(
                f"R{number}",
                home,
                "phone",
                "repair",
                "engineering",
                "general",
                "tap",
                MORNING,
                "S1",
            ),
            by=CLERK,
        )
    crm.do(WatchForum("F1", "星河", CLERK.id, "09:00", TODAY), by=LEAD)
    crm.do(CheckForum("F1", MORNING, 0), by=CLERK)
    opened(crm, estate="星河")
    slips = crm.care.surveys.take_slips("S1", [f"V{n}" for n in range(1, 7)], "app", by=CLERK)
    for n, slip in enumerate(slips):
        crm.care.surveys.cast(slip, varied(n * 7 + 1), by=CLERK)
    over(crm)
    put(crm, JUNE)
    crm.tick()
    found = values(
        crm.care.publications.draft("2024-05", "service", "星河", MAY, END, by=LEAD).figures
    )
    assert found["requests_received", ""] == 2
    result = crm.care.surveys.result("S1", by=CLERK)
    assert found["survey_answers", "S1"] == 6
    assert found["survey_satisfied", "S1"] == result.said.satisfied.value
    assert found["survey_satisfied_from", "S1"] == result.said.satisfied.low
    assert found["survey_index", "S1"] == result.said.index.value
    assert (found["forum_checked", ""], found["forum_missed", ""]) == (1, 25)
    whole = crm.care.publications.draft("all", "service", "", MAY, END, by=LEAD)
    assert values(whole.figures)["requests_received", ""] == 3


# --- drafting and approving --------------------------------------------------------------------


@pytest.mark.rule("SUR-05", "LOG-08")
def test_nobody_approves_what_they_drafted(crm: CRM) -> None:
    put(crm, JUNE)
    both = Actor("M1", "manager")
    crm.care.publications.draft("P", "statement", "星河", MAY, END, by=both)
    approve = DecidePublication("P", True, JUNE.date())
    assert refused(crm, approve, both) == "own_proposal"
    assert refused(crm, approve, Actor("M1", "director")) == "own_proposal"
    assert refused(crm, approve, LEAD) == "role_insufficient"
    assert not [one for one in crm.todo(by=both) if one.what == "publication"]
    [task] = [one for one in crm.todo(by=BOSS) if one.what == "publication"]
    assert (task.subject, task.act) == ("P", "decide-publication")
    with pytest.raises(Refused) as found:
        crm.care.publications.published("P")
    assert found.value.reason == "not_published"
    crm.do(approve, by=BOSS)
    assert refused(crm, approve, BOSS) == "publication_decided"
    state = crm.care.publications.published("P")
    assert state.approved is not None
    assert state.approved.approved_by == "B1"


@pytest.mark.rule("SUR-05")
def test_a_draft_that_is_rejected_is_never_published(crm: CRM) -> None:
    put(crm, JUNE)
    crm.care.publications.draft("P", "statement", "星河", MAY, END, by=FINANCE)
    assert refused(crm, DecidePublication("P", False, JUNE.date()), BOSS) == "reason_missing"
    crm.do(DecidePublication("P", False, JUNE.date(), "invoices missing"), by=BOSS)
    assert refused(crm, DecidePublication("P", True, JUNE.date()), BOSS) == "publication_decided"
    with pytest.raises(Refused):
        crm.care.publications.published("P")
    assert refused(crm, DecidePublication("Q", True, JUNE.date()), BOSS) == "unknown_publication"


@pytest.mark.rule("SUR-05")
def test_what_was_published_can_be_taken_back_for_a_reason(crm: CRM) -> None:
    put(crm, JUNE)
    crm.care.publications.draft("P", "statement", "星河", MAY, END, by=FINANCE)
    withdraw = WithdrawPublication("P", JUNE.date(), "a slip in May")
    assert refused(crm, withdraw, BOSS) == "not_published"
    crm.do(DecidePublication("P", True, JUNE.date()), by=BOSS)
    assert refused(crm, attrs.evolve(withdraw, reason=""), BOSS) == "reason_missing"
    crm.do(withdraw, by=BOSS)
    with pytest.raises(Refused):
        crm.care.publications.published("P")


@pytest.mark.rule("SUR-05")
def test_nothing_is_decided_or_taken_back_before_it_was_there(crm: CRM) -> None:
    put(crm, JUNE)
    crm.care.publications.draft("P", "statement", "星河", MAY, END, by=FINANCE)
    early = DecidePublication("P", True, END)
    assert refused(crm, early, BOSS) == "too_early"
    crm.do(attrs.evolve(early, on=END + DAY), by=BOSS)
    assert refused(crm, WithdrawPublication("P", END, "a slip"), BOSS) == "too_early"
    crm.do(attrs.evolve(SPENT, on=END), by=FINANCE)
    withdraw = WithdrawOutlay("X1", END - DAY, "entered twice")
    assert refused(crm, withdraw, OTHER_FINANCE) == "too_early"
    crm.do(attrs.evolve(withdraw, on=END), by=OTHER_FINANCE)


@pytest.mark.rule("SUR-05")
def test_figures_are_of_a_period_that_is_over_and_are_drafted_once(crm: CRM) -> None:
    put(crm, JUNE)
    draft = crm.care.publications.draft
    for start, end, reason in (
        (date(2024, 6, 1), date(2024, 6, 30), "period_not_over"),
        (MAY, JUNE.date(), "period_not_over"),
        (END, MAY, "period_backwards"),
    ):
        with pytest.raises(Refused) as found:
            draft("P", "statement", "星河", start, end, by=FINANCE)
        assert found.value.reason == reason
    with pytest.raises(Refused) as found:
        draft("P", "poem", "星河", MAY, END, by=FINANCE)
    assert found.value.reason == "unknown_kind"
    with pytest.raises(Refused) as found:
        draft("P", "statement", "星河", MAY, END, by=CLERK)
    assert found.value.reason == "role_insufficient"
    draft("P", "statement", "星河", MAY, END, by=FINANCE)
    with pytest.raises(Refused) as found:
        draft("P", "statement", "星河", MAY, END, by=FINANCE)
    assert found.value.reason == "publication_exists"


@pytest.mark.rule("SUR-05")
def test_figures_can_be_derived_again_as_known_then(crm: CRM) -> None:
    pay(crm, "P1", "V1", 100_00)
    put(crm, JUNE)
    crm.care.publications.draft("P", "statement", "星河", MAY, END, by=FINANCE)
    put(crm, JUNE + DAY)
    pay(crm, "P2", "V2", 1_00)  # It came in May, and was not known then.
    assert crm.care.publications.derived("P", by=LEAD).differing == ()
    later = crm.care.publications.draft("Q", "statement", "星河", MAY, END, by=FINANCE)
    assert values(later.figures)["income", ""] == 101_00
    with pytest.raises(Invalid):
        crm.care.publications.derived("R", by=LEAD)


@pytest.mark.rule("SUR-05")
def test_a_figure_that_nothing_in_the_log_says_any_more_is_told(crm: CRM) -> None:
    """Given a draft with a figure of its own making, when it is derived again, then it is told."""
    crm.do(SPENT, by=FINANCE)
    put(crm, JUNE)
    drafted = crm.care.publications.draft("P", "statement", "星河", MAY, END, by=FINANCE)
    invented = Figure("spent_on", "greening", "fen", 5_00)
    wrong = tuple(
        attrs.evolve(one, value=one.value + 5_00) if one.figure == "spent" else one
        for one in drafted.figures
    )
    # Only the library drafts, by its own figures; the log of somebody else may say anything.
    forged = DraftPublication(
        publication="Q",
        kind="statement",
        estate="星河",
        start=MAY,
        end=END,
        figures=(*wrong, invented),
        position=drafted.position,
        known=drafted.known,
    )
    crm._desk.within(forged, by=FINANCE)
    found = crm.care.publications.derived("Q", by=LEAD).differing
    assert [(one.figure, one.of, one.drafted, one.derived) for one in found] == [
        ("spent", "", 305_00, 300_00),
        ("spent_on", "greening", 5_00, None),
    ]
    less = attrs.evolve(forged, publication="R", figures=drafted.figures[1:])
    crm._desk.within(less, by=FINANCE)
    [one] = crm.care.publications.derived("R", by=LEAD).differing
    assert (one.figure, one.drafted, one.derived) == ("income_received", None, 0)


@pytest.mark.rule("SUR-05")
def test_what_is_withdrawn_from_a_survey_later_leaves_its_report_as_it_was_known(crm: CRM) -> None:
    """Given a report on a survey by name, when an answer is withdrawn, then the report still
    follows from what was known, and a new one does without it.
    """
    crm.do(OpenSurvey("S1", TODAY, TODAY + 10 * DAY, named=True, reason="asked for"), by=LEAD)
    for n in range(1, 7):
        home = f"V{n}"
        said = AnswerByName(
            "S1", home, f"{home}#owner", "phone", TODAY, varied(n * 7 + 1), reference="tape"
        )
        crm.do(said, by=CLERK)
    over(crm)
    put(crm, JUNE)
    crm.tick()
    drafted = crm.care.publications.draft("P", "service", "", MAY, END, by=LEAD)
    assert values(drafted.figures)["survey_answers", "S1"] == 6
    put(crm, JUNE + DAY)
    crm.do(WithdrawAnswer("S1", "V1", (JUNE + DAY).date(), "another's form"), by=LEAD)
    assert crm.care.publications.derived("P", by=LEAD).differing == ()
    later = crm.care.publications.draft("Q", "service", "", MAY, END, by=LEAD)
    assert values(later.figures)["survey_answers", "S1"] == 5


# --- what was spent ----------------------------------------------------------------------------


@pytest.mark.rule("SUR-05", "LOG-08")
def test_finance_enters_what_was_spent_and_somebody_else_takes_it_back(crm: CRM) -> None:
    crm.do(SPENT, by=FINANCE)
    assert crm.do(SPENT, by=OTHER_FINANCE).events == ()
    assert refused(crm, attrs.evolve(SPENT, amount_fen=1), FINANCE) == "spending_exists"
    assert refused(crm, attrs.evolve(SPENT, spending="X9"), CLERK) == "role_insufficient"
    withdraw = WithdrawOutlay("X1", TODAY, "not ours")
    assert refused(crm, withdraw, FINANCE) == "own_proposal"
    assert refused(crm, attrs.evolve(withdraw, reason=""), OTHER_FINANCE) == "reason_missing"
    crm.do(withdraw, by=OTHER_FINANCE)
    assert refused(crm, withdraw, OTHER_FINANCE) == "unknown_spending"
    assert refused(crm, SPENT, FINANCE) == "spending_exists"


@pytest.mark.rule("SUR-05")
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"category": "yacht"}, "unknown_category"),
        ({"amount_fen": 0}, "spending_incomplete"),
        ({"amount_fen": -5}, "spending_incomplete"),
        ({"estate": ""}, "spending_incomplete"),
        ({"evidence": " "}, "spending_incomplete"),
    ],
)
def test_what_was_spent_says_what_on_and_by_what_evidence(
    crm: CRM, change: dict[str, Any], reason: str
) -> None:
    assert refused(crm, attrs.evolve(SPENT, **change), FINANCE) == reason


def test_a_charge_alone_is_no_income(crm: CRM) -> None:
    crm.do(RaiseCharge("V1", "C1", "management_fee", "2024-05", 100_00, TODAY), by=FINANCE)
    put(crm, JUNE)
    found = crm.care.publications.draft("P", "statement", "星河", MAY, END, by=FINANCE)
    assert values(found.figures)["income", ""] == 0
