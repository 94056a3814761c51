"""Decision tables: the first row whose conditions are all true decides, and says what it saw."""

from __future__ import annotations

import copy
import math
import pickle
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_core.kernel.rules import (
    Condition,
    Criterion,
    Operator,
    Ranking,
    Row,
    Table,
    Verdict,
    holds,
)

GRADES = Ranking(("A", "B1", "B2", "B3", "B4", "B5"))
AMOUNTS = st.integers(-5, 5) | st.integers(-(10**12), 10**12)


def is_true(fact: Any, op: str, threshold: Any, **others: Any) -> bool:
    of = "other" if others else None
    condition = Condition("fact", Operator(op), threshold, of)
    return holds(condition, {"fact": fact, **others}, GRADES)


@pytest.mark.parametrize(
    ("op", "threshold", "true", "false"),
    [
        ("at_least", 4, [4, 5, 10**12], [3, 0, -4]),
        ("at_most", 4, [4, 3, -1], [5]),
        ("above", 0, [1], [0, -1]),
        ("is", "high", ["high"], ["low", "High", ""]),
        ("is", 0, [0], [1, -1]),
        ("one_of", ("lively", "ordinary"), ["lively", "ordinary"], ["problem", "", "live"]),
        ("no_worse_than", "B1", ["A", "B1"], ["B2", "B5"]),
        ("no_better_than", "B3", ["B3", "B4", "B5"], ["A", "B2"]),
    ],
)
def test_each_operator_includes_what_it_says(
    op: str, threshold: Any, true: list[Any], false: list[Any]
) -> None:
    """ "Or more", "no worse" and "no better" include the threshold itself; "above" does not."""
    assert [is_true(value, op, threshold) for value in true] == [True] * len(true)
    assert [is_true(value, op, threshold) for value in false] == [False] * len(false)


def test_every_operator_is_tried_above() -> None:
    tried = {"at_least", "at_most", "above", "is", "one_of", "no_worse_than", "no_better_than"}
    assert {op.value for op in Operator} == tried | {"at_least_percent_of"}


@pytest.mark.parametrize(
    ("value", "base", "met"),
    [
        (1_100_000, 1_000_000, True),
        (1_099_999, 1_000_000, False),
        (111, 101, False),  # 1.1 times 101 fen is 111.1 fen
        (112, 101, True),
        (0, 0, True),
        (0, -100, True),
        (-110, -100, True),
        (-111, -100, False),
        (-110, -101, True),  # 1.1 times -101 fen is -111.1 fen
    ],
)
@pytest.mark.rule("GRD-02")
def test_a_percentage_is_compared_to_the_fen(value: int, base: int, met: bool) -> None:
    assert is_true(value, "at_least_percent_of", 110, other=base) is met


@given(AMOUNTS, AMOUNTS, st.integers(1, 300))
@pytest.mark.rule("GRD-02")
def test_a_percentage_is_never_rounded_in_anyones_favour(
    value: int, base: int, percent: int
) -> None:
    exact = Fraction(base * percent, 100)
    assert is_true(value, "at_least_percent_of", percent, other=base) is (value >= exact)


@given(AMOUNTS, AMOUNTS)
def test_thresholds_are_edges(value: int, threshold: int) -> None:
    """Around a threshold, the neighbouring fen fall on the sides the operators say."""
    assert is_true(threshold, "at_least", threshold)
    assert not is_true(threshold - 1, "at_least", threshold)
    assert is_true(threshold, "at_most", threshold)
    assert not is_true(threshold + 1, "at_most", threshold)
    assert not is_true(threshold, "above", threshold)
    assert is_true(threshold + 1, "above", threshold)
    assert is_true(value, "at_most", threshold) is not is_true(value, "above", threshold)


@given(st.sampled_from(GRADES.values), st.sampled_from(GRADES.values))
def test_grades_are_ordered_best_first(value: str, threshold: str) -> None:
    no_worse = is_true(value, "no_worse_than", threshold)
    no_better = is_true(value, "no_better_than", threshold)
    assert no_worse or no_better
    assert (no_worse and no_better) is (value == threshold)
    assert no_worse is (GRADES.rank(value) <= GRADES.rank(threshold))


# --- whole tables --------------------------------------------------------------------------------

NUMBERS = ("purchases", "attention")
_CONDITIONS = st.one_of(
    st.builds(
        Condition,
        st.sampled_from(NUMBERS),
        st.sampled_from([Operator.AT_LEAST, Operator.AT_MOST, Operator.ABOVE]),
        st.integers(-2, 5),
    ),
    st.builds(
        Condition,
        st.just("purchases"),
        st.just(Operator.AT_LEAST_PERCENT_OF),
        st.sampled_from([50, 110]),
        st.sampled_from(NUMBERS),
    ),
    st.builds(
        Condition,
        st.just("credit"),
        st.sampled_from([Operator.NO_WORSE_THAN, Operator.NO_BETTER_THAN, Operator.IS]),
        st.sampled_from(GRADES.values),
    ),
    st.builds(
        Condition,
        st.just("credit"),
        st.just(Operator.ONE_OF),
        st.lists(st.sampled_from(GRADES.values), max_size=3).map(tuple),
    ),
)
_ROWS = st.lists(
    st.builds(
        Row, st.sampled_from("abc"), st.lists(_CONDITIONS, min_size=1, max_size=3).map(tuple)
    ),
    max_size=5,
)
TABLES = st.builds(lambda rows: Table("layer", (*rows, Row("rest")), GRADES), _ROWS)
FACTS = st.fixed_dictionaries(
    {
        "purchases": st.integers(-3, 6),
        "attention": st.integers(0, 6),
        "credit": st.sampled_from(GRADES.values),
    }
)


@given(TABLES, FACTS)
def test_exactly_one_row_decides_and_it_is_the_first_that_is_true(
    table: Table, facts: dict[str, Any]
) -> None:
    verdict = table.decide(facts)
    true = [
        index
        for index, row in enumerate(table.rows)
        if all(holds(condition, facts, GRADES) for condition in row.when)
    ]
    assert verdict.row == true[0]
    assert verdict.outcome == table.rows[true[0]].outcome


@given(TABLES, FACTS)
@pytest.mark.rule("GRD-06")
def test_a_verdict_tells_every_condition_it_looked_at_and_no_other(
    table: Table, facts: dict[str, Any]
) -> None:
    """From the criteria alone it follows why this row, and why none before it."""
    verdict = table.decide(facts)
    looked_at = [c for row in table.rows[: verdict.row + 1] for c in row.when]
    distinct = {(c.fact, c.op, c.threshold, c.of) for c in looked_at}
    assert len(verdict.criteria) == len(distinct)
    for criterion in verdict.criteria:
        assert criterion.value == facts[criterion.fact]
        plain = Condition(
            criterion.fact,
            Operator.AT_LEAST if criterion.op is Operator.AT_LEAST_PERCENT_OF else criterion.op,
            criterion.threshold,
        )
        assert holds(plain, facts, GRADES) is criterion.met
    met = {
        (c.fact, c.op): [k for k in verdict.criteria if (k.fact, k.op) == (c.fact, c.op)]
        for c in looked_at
    }
    for condition in table.rows[verdict.row].when:
        assert any(criterion.met for criterion in met[condition.fact, condition.op])


def plain(table: Table, facts: dict[str, Any]) -> Verdict:
    """A table decided as it is read, condition by condition."""
    seen: dict[Any, Criterion] = {}
    for index, row in enumerate(table.rows):
        for condition in row.when:
            threshold = condition.threshold
            if condition.of is not None:
                threshold = math.ceil(Fraction(facts[condition.of] * threshold, 100))
            name = f"{table.name}.{row.outcome}.{condition.fact}"
            value, met = facts[condition.fact], holds(condition, facts, table.ranking)
            criterion = Criterion(name, condition.fact, value, condition.op, threshold, met)
            seen.setdefault(
                (condition.fact, condition.op, condition.threshold, condition.of), criterion
            )
        if all(holds(condition, facts, table.ranking) for condition in row.when):
            return Verdict(row.outcome, index, tuple(seen.values()))
    raise AssertionError


@given(TABLES, st.lists(FACTS, min_size=1, max_size=5))
def test_a_table_decides_as_it_is_read(table: Table, facts: list[dict[str, Any]]) -> None:
    """However often it has decided before, and about whatever values."""
    for one in facts:
        verdict = plain(table, one)
        assert table.decide(one) == verdict
        assert table.outcome(one) == verdict.outcome
        for row, single in zip(table.rows, table.singles, strict=True):
            alone = Table(table.name, (row, Row("rest")), table.ranking)
            assert single.decide(one).criteria == plain(alone, one).criteria


@given(TABLES, FACTS)
def test_a_table_that_has_decided_can_be_sent_and_copied(
    table: Table, facts: dict[str, Any]
) -> None:
    verdict, outcome = table.decide(facts), table.outcome(facts)
    for same in (copy.deepcopy(table), pickle.loads(pickle.dumps(table))):
        assert same == table
        assert (same.decide(facts), same.outcome(facts)) == (verdict, outcome)


def test_the_number_one_is_not_seen_as_true() -> None:
    table = Table("t", (Row("a", (Condition("f", Operator.IS, 1),)), Row("b")), GRADES)
    seen = [table.decide({"f": value}).criteria[0].value for value in (1, True, 0, False)]
    assert [type(value) for value in seen] == [int, bool, int, bool]


def test_a_grade_that_there_is_not_is_no_grade() -> None:
    """Forged facts must be told from honest ones (GRD-06): nothing is decided about them."""
    for op in (Operator.NO_WORSE_THAN, Operator.NO_BETTER_THAN):
        table = Table("t", (Row("a", (Condition("credit", op, "B1"),)), Row("b")), GRADES)
        for decide in (table.decide, table.outcome):
            with pytest.raises(ValueError, match="not in tuple"):
                decide({"credit": "C1"})


@given(TABLES, FACTS)
def test_deciding_twice_says_the_same(table: Table, facts: dict[str, Any]) -> None:
    assert table.decide(facts) == table.decide(dict(reversed(facts.items())))


def test_percentages_of_two_facts_are_two_criteria() -> None:
    percent = Operator.AT_LEAST_PERCENT_OF
    row = Row(
        "high",
        (
            Condition("purchases", percent, 100, "attention"),
            Condition("purchases", percent, 100, "purchases"),
        ),
    )
    verdict = Table("prospect", (row, Row("limited")), GRADES).decide(
        {"purchases": 3, "attention": 7}
    )
    assert verdict == Verdict(
        "limited",
        1,
        (
            Criterion("prospect.high.purchases", "purchases", 3, percent, 7, False),
            Criterion("prospect.high.purchases", "purchases", 3, percent, 3, True),
        ),
    )


def test_a_table_without_a_last_resort_says_that_it_is_wrong() -> None:
    table = Table("layer", (Row("a", (Condition("x", Operator.ABOVE, 0),)),), GRADES)
    with pytest.raises(AssertionError, match="INVARIANT: table `layer`"):
        table.decide({"x": 0})
