"""Assessment: facts and a policy give type, layer, and every criterion that was looked at.

Pure and total: the same facts and policy give the same outcome for ever (GRD-06, GRD-08).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attrs import evolve, frozen

from crm_core.gradings.facts import Facts
from crm_core.gradings.policy import INSUFFICIENT, GradingPolicy
from crm_core.kernel.rules import (
    Condition,
    Criterion,
    Operator,
    Row,
    Table,
    Value,
    holds,
)

COMPUTED = "computed"
AWAITING = "awaiting_confirmation"


@frozen
class Distance:
    """What is missing to the next better layer, by the row that misses least.

    Args:
        layer: The next better layer.
        missing: The criteria of that row that are not met.
    """

    layer: str
    missing: tuple[Criterion, ...]


@frozen
class Outcome:
    """What follows from the facts.

    Args:
        criteria: Everything looked at, in the order of the tables.
        distance: Way to the next better layer; None from the best one and from *insufficient*.
        layer: Layer of the pyramid, or `insufficient`.
        status: `computed`, or `awaiting_confirmation` where people must confirm the layer.
        type: Customer type, as the rule suggests it or as people confirmed it (GRD-02).
    """

    criteria: tuple[Criterion, ...]
    distance: Distance | None
    layer: str
    status: str
    type: str


@frozen
class Change:
    """One fact as it is and as it would have to be."""

    fact: str
    value: Value
    to: Value


@frozen
class Counterfactual:
    """Changes that would have led to another layer; applied, they do (GRD-07)."""

    changes: tuple[Change, ...]
    layer: str
    type: str


def assess(facts: Facts, policy: GradingPolicy, confirmed: str | None = None) -> Outcome:
    """The outcome for one household.

    Args:
        confirmed: The type that people confirmed; without one it is as the rule suggests.
    """
    values = facts.values()
    criteria: list[Criterion] = []
    for table in policy.tables:
        verdict = table.decide(values)
        criteria.extend(verdict.criteria)
        values[table.name] = verdict.outcome
        if confirmed is not None and table.name == "type":
            values["type"] = confirmed
    layer = str(values["layer"])
    return Outcome(
        tuple(criteria),
        _distance(facts, layer, policy, confirmed),
        layer,
        AWAITING if layer in policy.needs_confirmation else COMPUTED,
        str(values["type"]),
    )


def layer_and_type(facts: Facts, policy: GradingPolicy) -> tuple[str, str]:
    """Layer and type alone, without what was looked at: a fraction of the work of `assess`."""
    values = derived(facts, policy)
    return table_of(policy, "layer").outcome(values), str(values["type"])


def decisive(
    facts: Facts, policy: GradingPolicy, confirmed: str | None = None
) -> tuple[Criterion, ...]:
    """The criteria that gave this household its layer: those of the row that matched, or, where
    nothing but the last row did, those that were missing to the next layer.
    """
    values = derived(facts, policy, confirmed)
    table = table_of(policy, "layer")
    row = table.rows[table.decide(values).row]
    if row.when:
        return Table(table.name, (row, Row(row.outcome)), table.ranking).decide(values).criteria
    distance = _distance(facts, row.outcome, policy, confirmed)
    return () if distance is None else distance.missing


def counterfactuals(
    facts: Facts, policy: GradingPolicy, confirmed: str | None = None
) -> list[Counterfactual]:
    """The nearest ways to each better layer, and what alone would lose the layer.

    Every one is checked by assessing the changed facts; what does not come true is left out.

    Args:
        confirmed: The type that people confirmed: no fact changes it.
    """
    layer = str(table_of(policy, "layer").outcome(derived(facts, policy, confirmed)))
    if layer == INSUFFICIENT:
        return []
    up = list(_ways_up(facts, layer, policy, confirmed))
    # One row may reach a layer with less than another one asks for: only the nearest are told.
    nearest = [way for way in up if not any(_is_nearer(other, way) for other in up)]
    found = [*nearest, *_ways_down(facts, layer, policy, confirmed)]
    unique: dict[tuple[Change, ...], Counterfactual] = {}
    for way in found:
        unique.setdefault(way.changes, way)
    return list(unique.values())


def apply_changes(facts: Facts, changes: tuple[Change, ...]) -> Facts:
    """The facts with those changes; a household without arrears has no overdue days or amount."""
    values: dict[str, Any] = {change.fact: change.to for change in changes}
    changed = evolve(facts, **values)
    if changed.credit == "A" and facts.credit != "A":
        changed = evolve(changed, overdue_days=0, overdue_fen=0)
    return changed


def _ways_up(
    facts: Facts, layer: str, policy: GradingPolicy, confirmed: str | None
) -> Iterator[Counterfactual]:
    table, values = table_of(policy, "layer"), derived(facts, policy, confirmed)
    for target in policy.layers[: policy.layers.index(layer)]:
        for row in table.rows:
            if row.outcome != target:
                continue
            way = _reach(facts, values, row, policy, confirmed)
            if way is not None:
                yield way


def _reach(
    facts: Facts,
    values: dict[str, Value],
    row: Row,
    policy: GradingPolicy,
    confirmed: str | None,
) -> Counterfactual | None:
    """Meet every condition of the row that can be met by changing the fact it is about."""
    changes: dict[str, Change] = {}
    ranking, known = table_of(policy, "layer").ranking, facts.values()
    for condition in row.when:
        if holds(condition, values, ranking):
            continue
        to = _least(condition)
        if condition.fact not in known or to is None:
            # A type is not a fact: it may follow from the other changes, or it does not.
            continue
        changes[condition.fact] = Change(condition.fact, values[condition.fact], to)
    if not changes:
        return None
    ordered = tuple(changes[name] for name in sorted(changes))
    return _checked(facts, ordered, row.outcome, policy, confirmed)


def _is_nearer(one: Counterfactual, other: Counterfactual) -> bool:
    """Whether `one` reaches the same layer with a part of what `other` changes."""
    further = {change.fact: change.to for change in other.changes}
    return (
        one.layer == other.layer
        and one.changes != other.changes
        and all(_is_on_the_way(change, further.get(change.fact)) for change in one.changes)
    )


def _is_on_the_way(change: Change, to: Value | None) -> bool:
    if isinstance(change.to, int) and isinstance(change.value, int) and isinstance(to, int):
        return change.value <= change.to <= to or change.value >= change.to >= to
    return change.to == to


def _ways_down(
    facts: Facts, layer: str, policy: GradingPolicy, confirmed: str | None
) -> Iterator[Counterfactual]:
    values = derived(facts, policy, confirmed)
    table = table_of(policy, "layer")
    row = table.rows[table.decide(values).row]
    for condition in row.when:
        value = values[condition.fact]
        if condition.fact not in facts.values():
            continue
        to = _just_missed(condition)
        if to is None or to == value:
            continue
        change = (Change(condition.fact, value, to),)
        values_then = derived(apply_changes(facts, change), policy, confirmed)
        then = table.outcome(values_then)
        if then != layer:
            yield Counterfactual(change, then, str(values_then["type"]))


def _checked(
    facts: Facts,
    changes: tuple[Change, ...],
    layer: str,
    policy: GradingPolicy,
    confirmed: str | None,
) -> Counterfactual | None:
    values = derived(apply_changes(facts, changes), policy, confirmed)
    if table_of(policy, "layer").outcome(values) != layer:
        return None
    return Counterfactual(changes, layer, str(values["type"]))


def _distance(
    facts: Facts, layer: str, policy: GradingPolicy, confirmed: str | None
) -> Distance | None:
    """What is missing to the next better layer: of the rows that can be reached, the nearest.

    A row can be reached if meeting its conditions about facts leads to the layer: what follows
    from the facts, the type, may change on the way.
    """
    if layer == INSUFFICIENT or layer == policy.layers[0]:
        return None
    target = policy.layers[policy.layers.index(layer) - 1]
    table = table_of(policy, "layer")
    values, known = derived(facts, policy, confirmed), facts.values()
    best: tuple[bool, int, tuple[Criterion, ...]] | None = None
    rows = [
        (r, _reach(facts, values, r, policy, confirmed)) for r in table.rows if r.outcome == target
    ]
    ways = [way for _, way in rows if way is not None]
    for row, way in rows:
        if way is not None and any(_is_nearer(other, way) for other in ways):
            continue
        only = Table(table.name, (row, Row(layer)), table.ranking)
        missing = tuple(c for c in only.decide(values).criteria if not c.met)
        if way is not None:
            missing = tuple(c for c in missing if c.fact in known)
        found = (way is None, len(missing), missing)
        if best is None or found[:2] < best[:2]:
            best = found
    return Distance(target, best[2] if best is not None else ())


def derived(facts: Facts, policy: GradingPolicy, confirmed: str | None = None) -> dict[str, Value]:
    """The facts, and what follows from them before the layer is decided."""
    values = facts.values()
    for table in policy.tables[:-1]:
        values[table.name] = table.outcome(values)
    if confirmed is not None:
        values["type"] = confirmed
    return values


def table_of(policy: GradingPolicy, name: str) -> Table:
    """The decision table of that name."""
    return next(table for table in policy.tables if table.name == name)


def _least(condition: Condition) -> Value | None:
    """The value nearest to the threshold for which the condition is true."""
    threshold = condition.threshold
    if condition.op is Operator.ABOVE:
        assert isinstance(threshold, int)
        return threshold + 1
    if condition.op in (Operator.AT_LEAST, Operator.AT_MOST, Operator.NO_WORSE_THAN):
        assert not isinstance(threshold, tuple)
        return threshold
    return None


def _just_missed(condition: Condition) -> Value | None:
    """The value nearest to the threshold for which the condition is false."""
    threshold = condition.threshold
    if condition.op is Operator.ABOVE:
        assert not isinstance(threshold, tuple)
        return threshold
    if condition.op is Operator.AT_LEAST:
        assert isinstance(threshold, int)
        return threshold - 1
    return None
