"""Assessment: facts and a policy give type, layer, and every criterion that was looked at.

Pure and total: the same facts and policy give the same outcome for ever (GRD-06, GRD-08).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Any

from crm_core.gradings.facts import Facts
from crm_core.gradings.policy import INSUFFICIENT, GradingPolicy
from crm_core.kernel.rules import (
    Condition,
    Criterion,
    Operator,
    Table,
    Value,
)
from crm_core.kernel.values import frozen

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
    """What follows from the facts, as it is stored.

    Args:
        criteria: Digest of everything looked at: see `digest_of_criteria`. The criteria themselves
            follow from facts and policy at any time, and replay compares them by this.
        layer: Layer of the pyramid, or `insufficient`.
        status: `computed`, or `awaiting_confirmation` where people must confirm the layer.
        type: Customer type, as the rule suggests it (GRD-02).
    """

    criteria: str
    layer: str
    status: str
    type: str


@frozen
class Assessment:
    """What follows from the facts, with all that was looked at.

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

    def outcome(self) -> Outcome:
        """As it is stored."""
        digest = digest_of_criteria(self.criteria, self.distance)
        return Outcome(criteria=digest, layer=self.layer, status=self.status, type=self.type)


def digest_of_criteria(criteria: Iterable[Criterion], distance: Distance | None) -> str:
    """SHA-256, as hex, over a line for each criterion and then the way to the next better layer.

    See `Criterion.line`; what is missing follows in the same way behind a line with the name of
    the layer.
    """
    lines = [criterion.line for criterion in criteria]
    if distance is not None:
        lines.append(distance.layer)
        lines.extend([criterion.line for criterion in distance.missing])
    return sha256("\n".join(lines).encode()).hexdigest()


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


def assess(facts: Facts, policy: GradingPolicy, confirmed: str | None = None) -> Assessment:
    """What follows from the facts of one household.

    Args:
        confirmed: The type that people confirmed; without one it is as the rule suggests.
    """
    values = facts.values()
    known = dict(values)
    criteria: list[Criterion] = []
    for table in policy.tables:
        verdict = table.decide(values)
        criteria.extend(verdict.criteria)
        values[table.name] = verdict.outcome
        if confirmed is not None and table.name == "type":
            values["type"] = confirmed
    layer = str(values["layer"])
    return Assessment(
        criteria=tuple(criteria),
        distance=_distance(known, values, layer, policy, confirmed),
        layer=layer,
        status=AWAITING if layer in policy.needs_confirmation else COMPUTED,
        type=str(values["type"]),
    )


def follows(outcome: Outcome, facts: Facts, policy: GradingPolicy) -> bool:
    """Whether the outcome is what the policy makes of the facts (GRD-06)."""
    try:
        return assess(facts, policy).outcome() == outcome
    except ValueError:
        # Facts that no honest grading has, a credit grade that does not exist for one.
        return False


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
    index = table.decide(values).row
    row = table.rows[index]
    if row.when:
        return table.singles[index].decide(values).criteria
    distance = _distance(facts.values(), values, row.outcome, policy, confirmed)
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
    # What was bought the year before is told only where nothing of the year itself would do.
    nearest = [way for way in nearest if not _of_before(way) or not _by_the_year(way, nearest)]
    found = [*nearest, *_ways_down(facts, layer, policy, confirmed)]
    unique: dict[tuple[Change, ...], Counterfactual] = {}
    for way in found:
        unique.setdefault(way.changes, way)
    return list(unique.values())


def apply_changes(facts: Facts, changes: tuple[Change, ...]) -> Facts:
    """The facts with those changes; a household without arrears has no overdue days or amount."""
    changed: dict[str, Any] = _changed(facts.values(), changes)
    return Facts(**changed)


def _changed(known: Mapping[str, Value], changes: tuple[Change, ...]) -> dict[str, Value]:
    changed = dict(known)
    for change in changes:
        changed[change.fact] = change.to
    if changed["credit"] == "A" and known["credit"] != "A":
        changed["overdue_days"] = changed["overdue_fen"] = 0
    return changed


def _ways_up(
    facts: Facts, layer: str, policy: GradingPolicy, confirmed: str | None
) -> Iterator[Counterfactual]:
    table, known = table_of(policy, "layer"), facts.values()
    values = derived(facts, policy, confirmed)
    for target in policy.layers[: policy.layers.index(layer)]:
        for row, single in zip(table.rows, table.singles, strict=True):
            if row.outcome != target:
                continue
            way = _reach(known, _missing(single, values), target, policy, confirmed)
            if way is not None:
                yield way


def _missing(single: Table, values: dict[str, Value]) -> list[Criterion]:
    """What of a row is not met."""
    return [criterion for criterion in single.decide(values).criteria if not criterion.met]


def _reach(
    known: Mapping[str, Value],
    missing: list[Criterion],
    layer: str,
    policy: GradingPolicy,
    confirmed: str | None,
) -> Counterfactual | None:
    """Meet everything missing in a row that can be met by changing the fact it is about."""
    changes: dict[str, Change] = {}
    for criterion in missing:
        to = _least(criterion)
        if criterion.fact not in known or to is None:
            # A type is not a fact: it may follow from the other changes, or it does not.
            continue
        changes[criterion.fact] = Change(criterion.fact, criterion.value, to)
    if not changes:
        return None
    ordered = tuple([changes[name] for name in sorted(changes)])
    then = _derived(_changed(known, ordered), policy, confirmed)
    if table_of(policy, "layer").outcome(then) != layer:
        return None
    return Counterfactual(ordered, layer, str(then["type"]))


def _is_nearer(one: Counterfactual, other: Counterfactual) -> bool:
    """Whether `one` reaches the same layer with a part of what `other` changes."""
    further = {change.fact: change.to for change in other.changes}
    return (
        one.layer == other.layer
        and one.changes != other.changes
        and all(_is_on_the_way(change, further.get(change.fact)) for change in one.changes)
    )


def _of_before(way: Counterfactual) -> bool:
    """Whether something before the window would have had to be otherwise."""
    return any(change.fact == "previous_purchases_fen" for change in way.changes)


def _by_the_year(way: Counterfactual, ways: list[Counterfactual]) -> bool:
    """Whether another way leads to the same layer by the window alone."""
    return any(other.layer == way.layer and not _of_before(other) for other in ways)


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


def _distance(
    known: Mapping[str, Value],
    values: dict[str, Value],
    layer: str,
    policy: GradingPolicy,
    confirmed: str | None,
) -> Distance | None:
    """What is missing to the next better layer: of the rows that can be reached, the nearest.

    A row can be reached if meeting its conditions about facts leads to the layer: what follows
    from the facts, the type, may change on the way.

    Args:
        known: The facts.
        values: The facts, and what follows from them.
    """
    if layer == INSUFFICIENT or layer == policy.layers[0]:
        return None
    target = policy.layers[policy.layers.index(layer) - 1]
    table = table_of(policy, "layer")
    best: tuple[bool, int, tuple[Criterion, ...]] | None = None
    rows = [
        _missing(single, values)
        for row, single in zip(table.rows, table.singles, strict=True)
        if row.outcome == target
    ]
    reached = [_reach(known, missing, target, policy, confirmed) for missing in rows]
    ways = [way for way in reached if way is not None]
    for unmet, way in zip(rows, reached, strict=True):
        if way is not None and len(ways) > 1 and any(_is_nearer(other, way) for other in ways):
            continue
        missing = tuple([c for c in unmet if way is None or c.fact in known])
        found = (way is None, len(missing), missing)
        if best is None or found[:2] < best[:2]:
            best = found
    return Distance(target, best[2] if best is not None else ())


def derived(facts: Facts, policy: GradingPolicy, confirmed: str | None = None) -> dict[str, Value]:
    """The facts, and what follows from them before the layer is decided."""
    return _derived(facts.values(), policy, confirmed)


def _derived(
    values: dict[str, Value], policy: GradingPolicy, confirmed: str | None
) -> dict[str, Value]:
    for table in policy.tables[:-1]:
        values[table.name] = table.outcome(values)
    if confirmed is not None:
        values["type"] = confirmed
    return values


def table_of(policy: GradingPolicy, name: str) -> Table:
    """The decision table of that name."""
    for table in policy.tables:
        if table.name == name:
            return table
    raise AssertionError(f"INVARIANT: a policy has a table `{name}`")


def _least(condition: Condition | Criterion) -> Value | None:
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
