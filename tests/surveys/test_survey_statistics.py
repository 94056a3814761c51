"""What a survey says, against the same computed otherwise: in floats, as published."""

from __future__ import annotations

import math
from collections import Counter
from fractions import Fraction
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_core.kernel.policy import PolicyFault
from crm_core.surveys.policy import SurveyPolicy
from crm_core.surveys.questionnaire import Filled, Questionnaire, Unfit, fill
from crm_core.surveys.statistics import careless, result, share
from crm_core.testing.strategies import fillings, questionnaires
from surveys.asking_round import ASKED, POLICY, twenty_eight

Z = 1.96


def wilson(part: float, whole: float, z: float = Z) -> tuple[float, float]:
    """As it stands in Wilson (1927), in floats."""
    p = part / whole
    middle = (p + z * z / (2 * whole)) / (1 + z * z / whole)
    half = z / (1 + z * z / whole) * math.sqrt(p * (1 - p) / whole + z * z / (4 * whole * whole))
    return middle - half, middle + half


# --- real questionnaires -----------------------------------------------------------------------


@pytest.mark.rule("SUR-01", "SUR-03")
def test_real_questionnaires_give_what_another_calculation_gives(rows: list[list[int]]) -> None:
    assert len(rows) == 5820
    filled = [Filled(tuple(map(str, row)), ()) for row in rows]
    found = result(filled, twenty_eight(), POLICY)

    kept = [row for row in rows if min(row) != max(row)]
    assert found.by_rule == {"same": len(rows) - len(kept), "hurried": 0, "half_empty": 0}
    assert (found.answers, found.dropped) == (5820, 5820 - len(kept))
    assert 2000 < found.dropped < 4000, "the data are known for straight lines"

    for place, item in enumerate(found.items):
        column = [row[place] for row in kept]
        good = sum(value >= 4 for value in column)
        low, high = wilson(good, len(column))
        assert item.satisfied is not None
        assert (item.satisfied.part, item.satisfied.whole) == (good, len(kept))
        assert item.satisfied.value == round(good / len(kept) * 10_000)
        assert (item.satisfied.low, item.satisfied.high) == (
            math.floor(low * 10_000),
            math.ceil(high * 10_000),
        )
        assert item.index is not None
        mean = sum(column) / len(column)
        deviation = math.sqrt(sum((v - mean) ** 2 for v in column) / (len(column) - 1))
        half = Z * deviation / math.sqrt(len(column))
        assert item.index.value == round(mean * 20 * 100)
        assert (item.index.low, item.index.high) == (
            math.floor((mean - half) * 2000),
            math.ceil((mean + half) * 2000),
        )
        assert item.left_out == 0
        assert item.counts == {str(n): column.count(n) for n in range(1, 6)}

    # As a whole: each household is one draw of 28 answers that hang together.
    rates = [sum(value >= 4 for value in row) / 28 for row in kept]
    rate = sum(rates) / len(rates)
    variance = sum((one - rate) ** 2 for one in rates) / (len(rates) - 1) / len(rates)
    effective = rate * (1 - rate) / variance
    low, high = wilson(rate * effective, effective)
    assert found.satisfied.value == round(rate * 10_000)
    assert (found.satisfied.low, found.satisfied.high) == (
        math.floor(low * 10_000),
        math.ceil(high * 10_000),
    )
    assert effective < 28 * len(kept) / 10, "naively it would seem ten times as sure"
    means = [sum(row) / 28 for row in kept]
    mean = sum(means) / len(means)
    half = Z * math.sqrt(sum((one - mean) ** 2 for one in means) / (len(means) - 1) / len(means))
    assert found.index.value == round(mean * 2000)
    assert (found.index.low, found.index.high) == (
        math.floor((mean - half) * 2000),
        math.ceil((mean + half) * 2000),
    )


@pytest.mark.rule("SUR-01")
def test_of_an_item_that_asks_for_the_whole_the_whole_is_told(rows: list[list[int]]) -> None:
    filled = [Filled(tuple(map(str, row)), ()) for row in rows]
    found = result(filled, twenty_eight("q28"), POLICY)
    assert found.satisfied == found.items[27].satisfied
    assert found.index == found.items[27].index


# --- careless answers --------------------------------------------------------------------------


def told(*answers: str, seconds: int | None = None) -> Filled:
    found = fill(ASKED, answers, seconds)
    assert isinstance(found, Filled)
    return found


STRAIGHT = tuple(
    f"{name}=3"
    for name in ("overall", "staff", "repairs", "cleaning", "security", "greening", "complaints")
)


@pytest.mark.rule("SUR-03")
@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (told(*STRAIGHT), ("same",)),
        (told(*STRAIGHT[:4]), ()),
        (told(*STRAIGHT[:5]), ("same",)),
        (told(*STRAIGHT[:-1], "complaints=4"), ()),
        (told("overall=5", "staff=4", "repairs=2"), ("half_empty",)),
        (told(*STRAIGHT[:3], "security=1"), ()),
        (told(*STRAIGHT[:6], "complaints=4", seconds=9), ("hurried",)),
        (told(*STRAIGHT[:6], "complaints=4", seconds=10), ()),
        (told(*STRAIGHT, seconds=0), ("same", "hurried")),
        (told("comment=谢谢"), ("half_empty",)),
    ],
)
def test_careless_answers_are_found_by_declared_rules(answer: Filled, found: tuple[str]) -> None:
    assert careless(answer, ASKED, POLICY.careless) == found


@pytest.mark.rule("SUR-03")
def test_a_rule_whose_limit_is_zero_is_switched_off() -> None:
    off = attrs.evolve(
        POLICY.careless, same_items_min=0, seconds_per_item_min=0, answered_per_mille_min=0
    )
    assert careless(told(*STRAIGHT, seconds=0), ASKED, off) == ()
    assert careless(told("comment=x"), ASKED, off) == ()


@pytest.mark.rule("SUR-03")
def test_what_was_dropped_is_counted_once_however_many_rules_find_it() -> None:
    careful = [told(*STRAIGHT[:6], f"complaints={n}") for n in (1, 2, 4, 5, 5)]
    found = result([*careful, told(*STRAIGHT, seconds=0)], ASKED, POLICY)
    assert (found.answers, found.dropped, found.counting) == (6, 1, 5)
    assert found.by_rule == {"same": 1, "hurried": 1, "half_empty": 0}


@pytest.mark.rule("SUR-01")
def test_of_fewer_answers_than_a_cell_nothing_is_told() -> None:
    four = [told(*STRAIGHT[:6], f"complaints={n}") for n in (1, 2, 4, 5)]
    found = result(four, ASKED, POLICY)
    assert (found.answers, found.counting, found.items) == (4, 4, ())
    assert (found.satisfied.value, found.index.value) == (None, None)


@pytest.mark.rule("SUR-01")
def test_who_left_an_item_out_is_counted_and_not_guessed() -> None:
    five = [told(*STRAIGHT[:6], f"complaints={n}") for n in (1, 2, 4, 5)]
    five.append(told(*STRAIGHT[1:6], "complaints=1"))
    overall = result(five, ASKED, POLICY).items[0]
    assert (overall.item, overall.valid, overall.left_out) == ("overall", 4, 1)


@pytest.mark.rule("SUR-01")
def test_choices_are_counted_each_for_itself() -> None:
    said = ["improve_first=repairs+parking", "improve_first=parking", *[""] * 3]
    answers = [
        told(*STRAIGHT[:6], f"complaints={n}", *filter(None, [more]))
        for n, more in zip((1, 2, 4, 5, 5), said, strict=True)
    ]
    [found] = [one for one in result(answers, ASKED, POLICY).items if one.item == "improve_first"]
    assert found.counts == {"repairs": 1, "cleaning": 0, "security": 0, "parking": 2}
    assert (found.valid, found.left_out) == (2, 3)


# --- properties --------------------------------------------------------------------------------


@pytest.mark.rule("SUR-01")
@given(st.integers(0, 400), st.integers(1, 400))
def test_the_interval_of_a_share_is_the_published_one_and_holds_it(part: int, whole: int) -> None:
    part = min(part, whole)
    found = share(part, whole, Fraction(196, 100))
    low, high = wilson(part, whole)
    assert found.low is not None
    assert found.high is not None
    assert found.value is not None
    assert 0 <= found.low <= found.value <= found.high <= 10_000
    assert found.low == pytest.approx(max(low, 0) * 10_000, abs=1.001)
    assert found.high == pytest.approx(min(high, 1) * 10_000, abs=1.001)


@pytest.mark.rule("SUR-01", "SUR-03")
@given(st.data())
def test_the_order_of_answers_changes_nothing_and_all_are_accounted_for(data: Any) -> None:
    asked = data.draw(questionnaires())
    answers = data.draw(st.lists(fillings(asked), max_size=12))
    found = result(answers, asked, POLICY)
    assert result(data.draw(st.permutations(answers)), asked, POLICY) == found
    assert found.answers == len(answers)
    assert found.dropped == sum(bool(careless(one, asked, POLICY.careless)) for one in answers)
    assert max(found.by_rule.values()) <= found.dropped <= sum(found.by_rule.values())
    for item in found.items:
        assert item.valid + item.left_out == found.counting
        if item.satisfied is not None:
            assert sum(item.counts.values()) == item.valid == item.satisfied.whole


@pytest.mark.rule("SUR-01")
@given(st.data())
def test_what_is_filled_in_says_what_was_said(data: Any) -> None:
    asked = data.draw(questionnaires())
    filled = data.draw(fillings(asked))
    values = dict(zip([one.item for one in asked.marked], filled.marks, strict=True))
    values |= dict(zip([one.item for one in asked.written], filled.texts, strict=True))
    said = data.draw(st.permutations([f"{item}={value}" for item, value in values.items()]))
    assert fill(asked, said, filled.seconds) == filled


# --- what is no answer, and no questionnaire ------------------------------------------------------


@pytest.mark.rule("SUR-01")
@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("overall=6", "answer_unfit"),
        ("overall=0", "answer_unfit"),
        ("overall=04", "answer_unfit"),
        ("overall=４", "answer_unfit"),
        ("reached_by=phone+app", "answer_unfit"),
        ("improve_first=repairs+repairs", "answer_unfit"),
        ("improve_first=roof", "answer_unfit"),
        ("weather=5", "unknown_item"),
        ("overall", "item_malformed"),
    ],
)
def test_what_is_no_answer_is_not_taken_for_one(said: str, code: str) -> None:
    found = fill(ASKED, [said], None)
    assert isinstance(found, Unfit)
    assert found.code == code


@pytest.mark.rule("SUR-01")
def test_nobody_answers_a_question_twice() -> None:
    found = fill(ASKED, ["overall=4", "overall=5"], None)
    assert isinstance(found, Unfit)
    assert (found.code, found.item) == ("item_twice", "overall")


@pytest.mark.rule("SUR-01")
def test_a_questionnaire_with_faults_is_refused_with_all_of_them() -> None:
    text = (
        'kind = "questionnaire"\noverall = "b"\n[policy]\nname = "x"\nversion = 1\n'
        '[title]\nzh = "题"\nen = ""\n'
        '[[items]]\nitem = "a"\nkind = "scale"\nsteps = 2\nzh = "甲"\nen = "A"\n'
        '[[items]]\nitem = "a"\nkind = "single"\nzh = "乙"\nen = "B"\n'
        '[[items]]\nitem = "C+"\nkind = "poll"\nzh = "丙"\nen = "C"\n'
    )
    with pytest.raises(PolicyFault) as refused:
        Questionnaire.parse(text)
    assert [path for path, _ in refused.value.faults] == [
        "title.en", "items[1]", "items[2]", "items[0].steps", "items[1].choices", "items[2].kind",
        "overall",
    ]  # fmt: skip


@pytest.mark.rule("SUR-01")
@pytest.mark.parametrize("field", ["every_months", "cell_min", "z_thousandths", "satisfied_steps"])
def test_a_survey_policy_that_counts_nothing_is_refused(field: str) -> None:
    from importlib.resources import files

    text = files("crm_core.surveys").joinpath("policies", "survey-cn-default.toml").read_text()
    lines = [f"{field} = 0" if one.startswith(field) else one for one in text.splitlines()]
    with pytest.raises(PolicyFault) as refused:
        SurveyPolicy.parse("\n".join(lines))
    assert [path for path, _ in refused.value.faults] == [field]


def test_the_shipped_questionnaire_has_every_kind_of_item() -> None:
    assert Counter(one.kind for one in ASKED.items) == Counter(
        {"scale": 7, "single": 1, "multiple": 1, "text": 1}
    )
