"""Decision tables: rules as data, that say what they saw.

A table is a list of rows; a row is an outcome and the conditions that must all be true.
The first row that matches decides. Every condition is a named statement about one fact, with its
value, its threshold and its result, so a decision can be explained line by line, evaluated for
one household or for all, and compared with another table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

from attrs import frozen

Value = int | str | bool
Facts = Mapping[str, Value]


class Operator(StrEnum):
    """How a fact is compared with its threshold; "or more" is inclusive (Civil Code, art. 1259)."""

    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    ABOVE = "above"
    IS = "is"
    ONE_OF = "one_of"
    NO_WORSE_THAN = "no_worse_than"
    NO_BETTER_THAN = "no_better_than"
    AT_LEAST_PERCENT_OF = "at_least_percent_of"


@frozen
class Condition:
    """A statement about a fact that is true or not.

    Args:
        fact: Name of the fact.
        op: How it is compared.
        threshold: With what; for `one_of` the values, for `at_least_percent_of` the percentage.
        of: For `at_least_percent_of`: the fact the percentage is of.
    """

    fact: str
    op: Operator
    threshold: Value | tuple[str, ...]
    of: str | None = None


@frozen
class Row:
    """One line of a table."""

    outcome: str
    when: tuple[Condition, ...] = ()


@frozen
class Criterion:
    """A condition as it was seen in one decision.

    Args:
        name: `table.outcome.fact`, a statement that can be true.
        fact: The fact it is about.
        value: What was seen.
        op: How it was compared.
        threshold: With what.
        met: Whether it was true.
    """

    name: str
    fact: str
    value: Value
    op: Operator
    threshold: Value | tuple[str, ...]
    met: bool


@frozen
class Ranking:
    """The order of the values of a fact that are words, best first (credit grades)."""

    values: tuple[str, ...]

    def rank(self, value: Value) -> int:
        return self.values.index(str(value))


@frozen
class Verdict:
    """What a table decided and the criteria it looked at, in order."""

    outcome: str
    row: int
    criteria: tuple[Criterion, ...]


@frozen
class Table:
    """A decision table.

    Args:
        name: What it decides: `prospect`, `type`, `layer`.
        rows: First match wins; the last row has no conditions, so one always matches.
        ranking: Order of grades for `no_worse_than` and `no_better_than`.
    """

    name: str
    rows: tuple[Row, ...]
    ranking: Ranking

    def decide(self, facts: Facts) -> Verdict:
        """The first row whose conditions are all true, and everything looked at on the way."""
        seen: dict[tuple[str, Operator, object, str | None], Criterion] = {}
        for index, row in enumerate(self.rows):
            matched = True
            for condition in row.when:
                met = holds(condition, facts, self.ranking)
                key = (condition.fact, condition.op, condition.threshold, condition.of)
                if key not in seen:
                    seen[key] = Criterion(
                        f"{self.name}.{row.outcome}.{condition.fact}",
                        condition.fact,
                        facts[condition.fact],
                        condition.op,
                        _threshold(condition, facts),
                        met,
                    )
                matched = matched and met
            if matched:
                return Verdict(row.outcome, index, tuple(seen.values()))
        raise AssertionError(f"INVARIANT: table `{self.name}` has a row that always matches")

    def outcome(self, facts: Facts) -> str:
        """What `decide` decides, without what it looked at."""
        for row in self.rows:
            if all(holds(condition, facts, self.ranking) for condition in row.when):
                return row.outcome
        raise AssertionError(f"INVARIANT: table `{self.name}` has a row that always matches")


def holds(condition: Condition, facts: Facts, ranking: Ranking) -> bool:
    """Whether the condition is true of the facts."""
    value = facts[condition.fact]
    return _COMPARE[condition.op](value, _threshold(condition, facts), ranking)


def _threshold(condition: Condition, facts: Facts) -> Value | tuple[str, ...]:
    """The threshold as a number of the fact's own unit."""
    if condition.op is not Operator.AT_LEAST_PERCENT_OF:
        return condition.threshold
    base, percent = facts[str(condition.of)], condition.threshold
    assert isinstance(base, int)
    assert isinstance(percent, int)
    # Rounded up: value >= base * percent / 100 exactly when value >= its ceiling.
    return -(-base * percent // 100)


def _at_least(value: object, threshold: object, _: Ranking) -> bool:
    assert isinstance(value, int)
    assert isinstance(threshold, int)
    return value >= threshold


def _at_most(value: object, threshold: object, _: Ranking) -> bool:
    assert isinstance(value, int)
    assert isinstance(threshold, int)
    return value <= threshold


def _above(value: object, threshold: object, _: Ranking) -> bool:
    assert isinstance(value, int)
    assert isinstance(threshold, int)
    return value > threshold


def _is(value: object, threshold: object, _: Ranking) -> bool:
    return value == threshold


def _one_of(value: object, threshold: object, _: Ranking) -> bool:
    assert isinstance(threshold, Sequence)
    return value in threshold


def _no_worse_than(value: object, threshold: object, ranking: Ranking) -> bool:
    return ranking.rank(str(value)) <= ranking.rank(str(threshold))


def _no_better_than(value: object, threshold: object, ranking: Ranking) -> bool:
    return ranking.rank(str(value)) >= ranking.rank(str(threshold))


_COMPARE = {
    Operator.AT_LEAST: _at_least,
    Operator.AT_MOST: _at_most,
    Operator.ABOVE: _above,
    Operator.IS: _is,
    Operator.ONE_OF: _one_of,
    Operator.NO_WORSE_THAN: _no_worse_than,
    Operator.NO_BETTER_THAN: _no_better_than,
    Operator.AT_LEAST_PERCENT_OF: _at_least,
}
