"""Decision tables as expressions: the rows that decide one household decide all of them."""

from __future__ import annotations

from typing import Any

import narwhals as nw

from crm_core.gradings.policy import GRADES, GradingPolicy
from crm_core.kernel.rules import Condition, Operator, Table

_GRADED = ("credit", "worst_credit")


def decided(facts: Any, policy: GradingPolicy) -> Any:
    """The facts with a column for every table of the policy: what it decides.

    Args:
        facts: A frame with a column for every fact, credit grades as ranks.
    """
    for table in policy.tables:
        facts = facts.with_columns(outcome(table).alias(table.name))
    return facts


def outcome(table: Table) -> nw.Expr:
    """What the table decides: the outcome of the first row whose conditions are all true."""
    rows = list(table.rows)
    # INVARIANT: the last row has no conditions.
    chosen: Any = nw.lit(rows[-1].outcome)
    for row in reversed(rows[:-1]):
        if not row.when:
            chosen = nw.lit(row.outcome)
            continue
        all_true = _holds(row.when[0])
        for condition in row.when[1:]:
            all_true &= _holds(condition)
        chosen = nw.when(all_true).then(nw.lit(row.outcome)).otherwise(chosen)
    return chosen  # type: ignore[no-any-return]


def _holds(condition: Condition) -> Any:
    value, threshold = nw.col(condition.fact), condition.threshold
    match condition.op:
        case Operator.AT_LEAST:
            return value >= threshold
        case Operator.AT_MOST:
            return value <= threshold
        case Operator.ABOVE:
            return value > threshold
        case Operator.IS:
            return value == _plain(condition.fact, threshold)
        case Operator.ONE_OF:
            assert isinstance(threshold, tuple)
            return value.is_in([_plain(condition.fact, one) for one in threshold])
        case Operator.NO_WORSE_THAN:
            return value <= GRADES.rank(str(threshold))
        case Operator.NO_BETTER_THAN:
            return value >= GRADES.rank(str(threshold))
        case Operator.AT_LEAST_PERCENT_OF:
            # value >= ceiling(base * percent / 100), without a fraction.
            return value * 100 >= nw.col(str(condition.of)) * threshold


def _plain(fact: str, threshold: object) -> Any:
    """A grade as its rank; a grade that does not exist is no rank at all."""
    if fact not in _GRADED:
        return threshold
    return GRADES.values.index(str(threshold)) if threshold in GRADES.values else -1
