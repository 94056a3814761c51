"""What the report of a year says of gradings: layers, types, who moved and why, the graded list."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from crm_adapters.reports.figures import Bar, MatrixRow, bar, matrix, share
from crm_adapters.reports.speech import Word, both, known, listed, same, sentence
from crm_core.application.reporting.model import Graded, Layers
from crm_core.application.runs import GradingRun
from crm_core.crm import CRM
from crm_core.gradings.events import GradingDecided
from crm_core.gradings.explain import explanation
from crm_core.gradings.policy import GRADES, INSUFFICIENT, GradingPolicy
from crm_core.gradings.record import OF_RECORD
from crm_core.gradings.review import Standing, untouched
from crm_core.gradings.words import layer_name, status_name, type_name
from crm_core.kernel.sentences import sentences
from crm_core.kernel.values import frozen
from crm_core.kernel.yuan import yuan_shown
from crm_core.owners.events import EVENTS as OWNERS
from crm_core.owners.events import HouseholdRegistered

POSITIONS_MAX = 6
"""Log positions shown behind a criterion; of more their number is given."""

REASONS_MAX = 3
"""Criteria told of a household whose layer moved."""

_REGISTERED = next(kind.stored for kind in OWNERS if kind.cls is HouseholdRegistered)


@frozen
class Moved:
    """One household whose layer is another than before, and by which criteria."""

    household: str
    before: Word
    after: Word
    direction: Word
    why: tuple[Word, ...]


@frozen
class Movement:
    """A run beside the recorded one of an earlier year."""

    year: int
    run: str
    both: str
    bars: tuple[Bar, ...]
    columns: tuple[Word, ...]
    rows: tuple[MatrixRow, ...]
    moved: tuple[Moved, ...]
    more: str


@frozen
class CriterionLine:
    """One criterion of an explained household."""

    table: Word
    outcome: Word
    fact: Word
    value: Word
    op: Word
    threshold: Word
    met: bool
    evidence: str
    more: str


@frozen
class Explained:
    """One household with the reasons for its layer."""

    household: str
    layer: Word
    key: str
    english: tuple[str, ...]
    chinese: tuple[str, ...]
    criteria: tuple[CriterionLine, ...]
    met: int


@frozen
class ListedHousehold:
    """One line of the graded list."""

    household: str
    layer: Word
    key: str
    status: Word
    type: Word
    credit: str
    worst_credit: str
    purchases: str
    attention: str
    overdue_days: str
    overdue: str


@frozen
class EstateLine:
    """The households of one estate."""

    name: str
    households: str
    layers: tuple[str, ...]
    paid_up: str


# --- words -------------------------------------------------------------------------------------


def layer_word(name: str) -> Word:
    """The word for a layer."""
    return both(lambda lang: layer_name(name, lang))


def type_word(name: str) -> Word:
    """The word for a customer type."""
    return both(lambda lang: type_name(name, lang))


def value_word(fact: str, value: Any) -> Word:
    """What was seen, or what it was compared with, in words."""
    if isinstance(value, list | tuple):
        return listed([value_word(fact, one) for one in value])
    if fact == "layer":
        return layer_word(value)
    if fact == "type":
        return type_word(value)
    if fact in ("attention_level", "prospect"):
        return known(f"level_{value}")
    if fact.endswith("_fen"):
        return sentence("amount", yuan=yuan_shown(value))
    return same(f"{value:,}" if isinstance(value, int) else str(value))


def fact_word(fact: str) -> Word:
    """The word for a fact, or for what the decision tables derive from facts."""
    texts = sentences("explanations").get(f"fact_{fact}")
    return known(f"fact_{fact}") if texts is None else (texts["en"], texts["zh"])


# --- counting ----------------------------------------------------------------------------------


def course(gradings: Sequence[GradingDecided]) -> tuple[MatrixRow, ...]:
    """Worst credit grade of the year (rows) beside that of its last day (columns)."""
    counts = Counter((g.facts.worst_credit, g.facts.credit) for g in gradings)
    return matrix(counts, ((grade, same(grade)) for grade in GRADES.values), GRADES.values)


def course_counts(gradings: Sequence[GradingDecided]) -> dict[str, str]:
    """Who was in arrears in the year, and who of them is not at its end."""
    best = GRADES.values[0]
    late = [g for g in gradings if g.facts.worst_credit != best]
    return {
        "late_homes": f"{len(late):,}",
        "late_share": share(len(late), len(gradings)),
        "recovered": f"{sum(1 for g in late if g.facts.credit == best):,}",
    }


def estates(crm: CRM, run: GradingRun, layers: Sequence[str]) -> list[EstateLine]:
    """Households by estate, in the order of the estates' names."""
    estate_of: dict[str, str] = {}
    for recorded in crm.log.feed(upto=run.cutoff.position, names=[_REGISTERED]):
        estate_of.setdefault(recorded.household, recorded.event.estate)
    by_estate: dict[str, Counter[str]] = {}
    paid_up: Counter[str] = Counter()
    for grading in run.gradings:
        estate = estate_of.get(grading.household)
        if estate is None:
            continue
        by_estate.setdefault(estate, Counter())[grading.outcome.layer] += 1
        paid_up[estate] += grading.facts.credit == GRADES.values[0]
    return [
        EstateLine(
            estate,
            f"{counts.total():,}",
            tuple(f"{counts[layer]:,}" for layer in layers),
            share(paid_up[estate], counts.total()),
        )
        for estate, counts in sorted(by_estate.items())
    ]


# --- movement ----------------------------------------------------------------------------------

_NEW, _GONE = "new", "gone"
_UP, _STAYED, _DOWN, _OTHER = "up", "stayed", "down", "other"


def movement(
    crm: CRM, found: Graded, layers: Sequence[str], policy: GradingPolicy
) -> Movement | None:
    """What changed since the run of record of the nearest earlier year; None if there is none."""
    earlier, run = found.moved, found.run
    if earlier is None:
        return None
    before = earlier.before
    after = {grading.household: grading.outcome.layer for grading in run.gradings}
    shared = [household for household in after if household in before]
    directions = Counter(_direction(before[h], after[h], layers) for h in shared)
    counts = Counter((before.get(h, _NEW), layer) for h, layer in after.items())
    counts.update((layer, _GONE) for h, layer in before.items() if h not in after)
    names = [(layer, layer_word(layer)) for layer in layers]
    others = [(layer, layer_word(layer)) for layer in sorted(set(before.values()) - set(layers))]
    rows = [*names, *others, (_NEW, sentence("not_graded_in", year=earlier.year))]
    return Movement(
        year=earlier.year,
        run=earlier.run,
        both=f"{len(shared):,}",
        bars=tuple(
            bar(key, sentence(f"move_{key}"), directions[key], len(shared))
            for key in (_UP, _STAYED, _DOWN, _OTHER)
        ),
        columns=(*(name for _, name in names), sentence("not_graded_in", year=run.year)),
        rows=matrix(counts, rows, (*layers, _GONE)),
        moved=tuple(_moved(crm, earlier, layers, policy)),
        more=f"{max(earlier.found - len(earlier.moved), 0):,}",
    )


def _direction(before: str, after: str, layers: Sequence[str]) -> str:
    if before == after:
        return _STAYED
    if INSUFFICIENT in (before, after) or not {before, after} <= set(layers):
        return _OTHER
    return _UP if layers.index(after) < layers.index(before) else _DOWN


def _moved(
    crm: CRM, earlier: Layers, layers: Sequence[str], policy: GradingPolicy
) -> Iterable[Moved]:
    for before, after in earlier.moved:
        old, new = before.outcome.layer, after.outcome.layer
        yield Moved(
            household=after.household,
            before=layer_word(old),
            after=layer_word(new),
            direction=sentence(f"move_{_direction(old, new, layers)}"),
            why=_why(crm, before, after, policy),
        )


def _why(
    crm: CRM, before: GradingDecided, after: GradingDecided, policy: GradingPolicy
) -> tuple[Word, ...]:
    """The criteria that were met in one of the years only, with what was seen in both."""
    then = _criteria(before, crm.gradings.policy(before.policy))
    now = _criteria(after, policy)
    told = [
        sentence(
            "criterion_moved",
            fact=fact_word(one["fact"]),
            then=value_word(one["fact"], then[key]["value"]),
            now=value_word(one["fact"], one["value"]),
            op=known(f"op_{one['op']}"),
            wanted=value_word(one["fact"], one["threshold"]),
            met=sentence("met_now" if one["met"] else "not_met_now"),
        )
        for key, one in now.items()
        if key in then and then[key]["met"] != one["met"]
    ]
    if before.policy != after.policy:
        told.insert(0, sentence("policy_moved", then=str(before.policy), now=str(after.policy)))
    return tuple(told[:REASONS_MAX]) or (sentence("no_single_criterion"),)


def _criteria(grading: GradingDecided, policy: GradingPolicy) -> dict[str, Mapping[str, Any]]:
    """The criteria for layers, by what they ask."""
    said = explanation(untouched(grading), policy, "clerk", "en")
    return {
        f"{one['name']} {one['op']} {one['threshold']}": one
        for one in said["criteria"]
        if one["name"].startswith("layer.")
    }


# --- households --------------------------------------------------------------------------------


def explained(run: GradingRun, now: Standing, policy: GradingPolicy) -> Explained:
    """One household with the reasons for its layer."""
    grading, of_record = now.grading, run.standing == OF_RECORD
    said = explanation(now, policy, "clerk", "en", of_record=of_record)
    chinese = explanation(now, policy, "owner", "zh", of_record=of_record)
    return Explained(
        household=grading.household,
        layer=layer_word(grading.outcome.layer),
        key=grading.outcome.layer,
        english=tuple(said["sentences"]),
        chinese=tuple(chinese["sentences"]),
        criteria=tuple(_criterion(c) for c in said["criteria"]),
        met=sum(1 for c in said["criteria"] if c["met"]),
    )


def _criterion(criterion: Mapping[str, Any]) -> CriterionLine:
    name, outcome, _ = criterion["name"].split(".", 2)
    fact, evidence = criterion["fact"], criterion["evidence"]
    return CriterionLine(
        table=fact_word(name),
        outcome=value_word(name, outcome),
        fact=fact_word(fact),
        value=value_word(fact, criterion["value"]),
        op=known(f"op_{criterion['op']}"),
        threshold=value_word(fact, criterion["threshold"]),
        met=criterion["met"],
        evidence=" ".join(str(position) for position in evidence[:POSITIONS_MAX]),
        more=f"{len(evidence):,}" if len(evidence) > POSITIONS_MAX else "",
    )


def lines(found: Graded) -> list[ListedHousehold]:
    """The graded list."""
    return [
        ListedHousehold(
            household=g.household,
            layer=layer_word(g.outcome.layer),
            key=g.outcome.layer,
            status=_status(found.run.of(g).status),
            type=type_word(g.outcome.type),
            credit=g.facts.credit,
            worst_credit=g.facts.worst_credit,
            purchases=yuan_shown(g.facts.purchases_fen),
            attention=f"{g.facts.attention:,}",
            overdue_days=f"{g.facts.overdue_days:,}",
            overdue=yuan_shown(g.facts.overdue_fen),
        )
        for g in found.listed
    ]


def _status(status: str) -> Word:
    return both(lambda lang: status_name(status, lang))
