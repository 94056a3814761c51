"""Decision tables: rules as data, that say what they saw.

A table is a list of rows; a row is an outcome and the conditions that must all be true.
The first row that matches decides. Every condition is a named statement about one fact, with its
value, its threshold and its result, so a decision can be explained line by line, evaluated for
one household or for all, and compared with another table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import cached_property
from typing import Any

from crm_core.kernel.values import define, frozen

Value = int | str | bool
Facts = Mapping[str, Value]

_Test = Callable[[Any], bool]

KNOWN_VALUES = 64
"""How many values of a fact a table remembers: the few of grades and counts, not all amounts."""


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

    @cached_property
    def line(self) -> str:
        """The criterion in a line: `name op threshold value met`, divided by tabs."""
        threshold = self.threshold
        needed = ",".join(threshold) if type(threshold) is tuple else threshold
        return f"{self.name}\t{self.op}\t{needed}\t{self.value}\t{self.met}"


_Look = Callable[[Any], Criterion]


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


@define(frozen=True, slots=False)
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
        looks, rows = self._looks
        seen: list[Criterion] = []
        for index, (outcome, needs, upto) in enumerate(rows):
            for look in looks[len(seen) : upto]:
                seen.append(look(facts))
            for need in needs:
                if not seen[need].met:
                    break
            else:
                return Verdict(outcome, index, tuple(seen))
        raise AssertionError(f"INVARIANT: table `{self.name}` has a row that always matches")

    def outcome(self, facts: Facts) -> str:
        """What `decide` decides, without what it looked at."""
        for outcome, tests in self._tests:
            for test in tests:
                if not test(facts):
                    break
            else:
                return outcome
        raise AssertionError(f"INVARIANT: table `{self.name}` has a row that always matches")

    def __reduce__(self) -> tuple[type[Table], tuple[Any, ...]]:
        # What was looked up is looked up again where a table arrives.
        return Table, (self.name, self.rows, self.ranking)

    @cached_property
    def singles(self) -> tuple[Table, ...]:
        """Each row alone, as a table that says what of this row is met."""
        return tuple(Table(self.name, (row, Row("")), self.ranking) for row in self.rows)

    # A table decides for every household: names and operators are looked up once for all of them.

    @cached_property
    def _tests(self) -> tuple[tuple[str, tuple[_Test, ...]], ...]:
        return tuple(
            (row.outcome, tuple(_test(condition, self.ranking) for condition in row.when))
            for row in self.rows
        )

    @cached_property
    def _looks(self) -> tuple[list[_Look], list[tuple[str, list[int], int]]]:
        """The distinct conditions in order; of each row, which of them and how many by then."""
        places: dict[tuple[str, Operator, object, str | None], int] = {}
        looks: list[_Look] = []
        rows = []
        for row in self.rows:
            needs = []
            for condition in row.when:
                key = (condition.fact, condition.op, condition.threshold, condition.of)
                if key not in places:
                    places[key] = len(looks)
                    name = f"{self.name}.{row.outcome}.{condition.fact}"
                    looks.append(_look(name, condition, self.ranking))
                needs.append(places[key])
            rows.append((row.outcome, needs, len(looks)))
        return looks, rows


def holds(condition: Condition, facts: Facts, ranking: Ranking) -> bool:
    """Whether the condition is true of the facts."""
    return _test(condition, ranking)(facts)


def _test(condition: Condition, ranking: Ranking) -> _Test:
    """The condition as a test of any facts."""
    fact, op = condition.fact, condition.op
    threshold: Any = condition.threshold
    rank = ranking.values.index
    if op is Operator.AT_LEAST:
        return lambda facts: facts[fact] >= threshold
    if op is Operator.AT_MOST:
        return lambda facts: facts[fact] <= threshold
    if op is Operator.ABOVE:
        return lambda facts: facts[fact] > threshold
    if op is Operator.IS:
        return lambda facts: facts[fact] == threshold
    if op is Operator.ONE_OF:
        return lambda facts: facts[fact] in threshold
    if op is Operator.AT_LEAST_PERCENT_OF:
        return lambda facts: facts[fact] >= _threshold(condition, facts)
    limit = ranking.rank(threshold)
    if op is Operator.NO_WORSE_THAN:
        return lambda facts: rank(facts[fact]) <= limit
    return lambda facts: rank(facts[fact]) >= limit


def _look(name: str, condition: Condition, ranking: Ranking) -> _Look:
    """The condition as it is seen; values that come again are seen as the same criterion."""
    fact, op, test = condition.fact, condition.op, _test(condition, ranking)
    if op is Operator.AT_LEAST_PERCENT_OF:
        return lambda facts: Criterion(
            name=name,
            fact=fact,
            value=facts[fact],
            op=op,
            threshold=_threshold(condition, facts),
            met=test(facts),
        )
    threshold = condition.threshold
    known: dict[Value, Criterion] = {}

    def look(facts: Any) -> Criterion:
        value = facts[fact]
        found = known.get(value)
        # The numbers 0 and 1 are not false and true, though they equal them.
        if found is None or type(found.value) is not type(value):
            found = Criterion(
                name=name, fact=fact, value=value, op=op, threshold=threshold, met=test(facts)
            )
            if len(known) < KNOWN_VALUES:
                known[value] = found
        return found

    return look


def _threshold(condition: Condition, facts: Facts) -> Value | tuple[str, ...]:
    """The threshold as a number of the fact's own unit."""
    if condition.op is not Operator.AT_LEAST_PERCENT_OF:
        return condition.threshold
    base, percent = facts[str(condition.of)], condition.threshold
    assert isinstance(base, int)
    assert isinstance(percent, int)
    # Rounded up: value >= base * percent / 100 exactly when value >= its ceiling.
    return -(-base * percent // 100)
