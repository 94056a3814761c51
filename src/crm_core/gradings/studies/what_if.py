"""What-if: a candidate policy over recorded gradings, compared and explained, written nowhere.

Nothing here decides about anybody: it says who would stand in another layer, by which criterion,
how much of their money moves with them, and whom the change would treat worse (GRD-10).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from crm_core.gradings.criteria import derived, table_of
from crm_core.gradings.facts import Facts
from crm_core.gradings.policy import GradingPolicy, layer_rank
from crm_core.gradings.studies.fairness import Attributes, Cell, by_attribute
from crm_core.kernel.policy import PolicyRef
from crm_core.kernel.rules import Criterion, Table, Value
from crm_core.kernel.values import frozen


@frozen
class Seen:
    """A fact, or what follows from facts, as one of the two policies saw it."""

    value: Value
    threshold: Value | tuple[str, ...]
    met: bool


@frozen
class Reason:
    """A criterion that makes the difference: as it was, and as it would be.

    One side is None where that policy does not ask about the fact on the way to the layer.
    """

    fact: str
    before: Seen | None
    after: Seen | None


@frozen
class Moved:
    """A household that would stand in another layer."""

    household: str
    year: int
    run: str
    layer: str
    layer_then: str
    type: str
    type_then: str
    purchases_fen: int
    overdue_fen: int
    because: tuple[Reason, ...]

    @property
    def worse(self) -> bool:
        """Whether the candidate would treat it worse."""
        return layer_rank(self.layer_then) > layer_rank(self.layer)


@frozen
class Money:
    """Purchases and arrears of the households that move one way."""

    households: int
    purchases_fen: int
    overdue_fen: int


@frozen
class Compared:
    """One household under both policies."""

    household: str
    year: int
    run: str
    facts: Facts
    facts_then: Facts
    layer: str
    layer_then: str
    type: str
    type_then: str


@frozen
class WhatIf:
    """What a candidate would change.

    Args:
        policy: The candidate.
        runs: The recorded runs it was compared with.
        compared: Gradings compared.
        moved: Those that would be in another layer, by year and household.
        matrix: How many would move, by the layer they are in and the one they would be in.
        types: The same for the types, whether or not the layer moves.
        better: Money of those that would rise.
        worse: Money of those that would fall.
        fairness: Rises and falls by attributes that no grading sees, small cells suppressed.
    """

    policy: PolicyRef
    runs: tuple[str, ...]
    compared: int
    moved: tuple[Moved, ...]
    matrix: Mapping[str, Mapping[str, int]]
    types: Mapping[str, Mapping[str, int]]
    better: Money
    worse: Money
    fairness: Mapping[str, tuple[Cell, ...]]


def what_if(
    pairs: Iterable[Compared],
    policies: Mapping[str, GradingPolicy],
    candidate: GradingPolicy,
    attributes: Mapping[str, Attributes],
) -> WhatIf:
    """Compare recorded gradings with what a candidate makes of the same knowledge.

    Args:
        pairs: The households under both policies.
        policies: The policy of each run.
        attributes: Of each household, for the audit alone.
    """
    compared, runs = 0, dict[str, None]()
    moved: list[Moved] = []
    types: Counter[tuple[str, str]] = Counter()
    ways: dict[str, list[str]] = {}
    for pair in pairs:
        compared += 1
        runs[pair.run] = None
        if pair.type != pair.type_then:
            types[pair.type, pair.type_then] += 1
        way = "same"
        if pair.layer != pair.layer_then:
            moved.append(_moved(pair, policies[pair.run], candidate))
            way = "worse" if moved[-1].worse else "better"
        ways.setdefault(pair.household, []).append(way)
    return WhatIf(
        policy=candidate.ref,
        runs=tuple(runs),
        compared=compared,
        moved=tuple(moved),
        matrix=_nested(Counter((one.layer, one.layer_then) for one in moved)),
        types=_nested(types),
        better=_money(one for one in moved if not one.worse),
        worse=_money(one for one in moved if one.worse),
        fairness=by_attribute(ways, attributes, ("better", "same", "worse")),
    )


def reasons(
    facts: Facts, facts_then: Facts, before: GradingPolicy, after: GradingPolicy
) -> tuple[Reason, ...]:
    """The criteria that make the difference between two policies for one household.

    Of the better of the two layers: what is missing to it under the policy that does not give it,
    and the same facts as the policy that does give it sees them.
    """
    values = (derived(facts, before), derived(facts_then, after))
    tables = (table_of(before, "layer"), table_of(after, "layer"))
    layers = tuple(table.outcome(v) for table, v in zip(tables, values, strict=True))
    there = 0 if layer_rank(layers[0]) < layer_rank(layers[1]) else 1
    missing = _missing(tables[1 - there], values[1 - there], layers[there])
    given = _matched(tables[there], values[there])
    if not missing:
        # No condition is missing: an earlier row matched, and it is what makes the difference.
        missing = _matched(tables[1 - there], values[1 - there]) or given
    by_fact = {criterion.fact: criterion for criterion in given}
    found = []
    for criterion in missing:
        here, other = _seen(criterion), _seen(by_fact.get(criterion.fact))
        pair = (other, here) if there == 0 else (here, other)
        found.append(Reason(criterion.fact, *pair))
    return tuple(found)


def as_dict(found: WhatIf) -> dict[str, Any]:
    """The comparison as plain data."""
    return {
        "moved": len(found.moved),
        "matrix": found.matrix,
        "households": [
            {
                "household": one.household,
                "year": one.year,
                "run": one.run,
                "from": one.layer,
                "to": one.layer_then,
                "type_from": one.type,
                "type_to": one.type_then,
                "because": [
                    {"fact": r.fact, "before": _plain(r.before), "after": _plain(r.after)}
                    for r in one.because
                ],
                "purchases_fen": one.purchases_fen,
                "overdue_fen": one.overdue_fen,
            }
            for one in found.moved
        ],
        "compared": found.compared,
        "types": found.types,
        "money": {
            "better": _money_dict(found.better),
            "worse": _money_dict(found.worse),
        },
        "fairness": {
            name: [cell.as_dict() for cell in cells] for name, cells in found.fairness.items()
        },
        "policy": str(found.policy),
        "policy_digest": found.policy.digest,
        "runs": list(found.runs),
    }


def _moved(pair: Compared, before: GradingPolicy, after: GradingPolicy) -> Moved:
    return Moved(
        household=pair.household,
        year=pair.year,
        run=pair.run,
        layer=pair.layer,
        layer_then=pair.layer_then,
        type=pair.type,
        type_then=pair.type_then,
        purchases_fen=pair.facts.purchases_fen,
        overdue_fen=pair.facts.overdue_fen,
        because=reasons(pair.facts, pair.facts_then, before, after),
    )


def _missing(table: Table, values: Mapping[str, Value], layer: str) -> tuple[Criterion, ...]:
    """What is missing to a layer by the row that misses least."""
    best: tuple[Criterion, ...] | None = None
    for row, single in zip(table.rows, table.singles, strict=True):
        if row.outcome == layer:
            unmet = tuple(c for c in single.decide(values).criteria if not c.met)
            if best is None or len(unmet) < len(best):
                best = unmet
    return best or ()


def _matched(table: Table, values: Mapping[str, Value]) -> tuple[Criterion, ...]:
    return table.singles[table.decide(values).row].decide(values).criteria


def _seen(criterion: Criterion | None) -> Seen | None:
    if criterion is None:
        return None
    return Seen(criterion.value, criterion.threshold, criterion.met)


def _plain(seen: Seen | None) -> dict[str, Any] | None:
    if seen is None:
        return None
    threshold = seen.threshold
    return {
        "value": seen.value,
        "threshold": list(threshold) if isinstance(threshold, tuple) else threshold,
        "met": seen.met,
    }


def _nested(counts: Counter[tuple[str, str]]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for way in sorted(counts, key=lambda way: [*map(layer_rank, way)]):
        before, after = way
        found.setdefault(before, {})[after] = counts[way]
    return found


def _money(moved: Iterable[Moved]) -> Money:
    them = list(moved)
    return Money(
        len(them), sum(one.purchases_fen for one in them), sum(one.overdue_fen for one in them)
    )


def _money_dict(money: Money) -> dict[str, int]:
    return {
        "households": money.households,
        "purchases_fen": money.purchases_fen,
        "overdue_fen": money.overdue_fen,
    }
