"""The grading policy as data: tables for attention, prospect, type and layer (GRD-02, GRD-03)."""

from __future__ import annotations

from attrs import fields

from crm_core.gradings.facts import Facts
from crm_core.kernel.policy import (
    Header,
    PathFault,
    PolicyFault,
    PolicyRef,
    digest_of_table,
    read_toml,
    structure,
    wrong,
)
from crm_core.kernel.rules import Condition, Operator, Ranking, Row, Table
from crm_core.kernel.values import define, frozen
from crm_core.payments.facts import GRADES as CREDIT_GRADES

DEFAULT_GRADING = "grade-cn-default"

GRADES = Ranking(CREDIT_GRADES)
"""Credit grades, best first (PAY-04), as tables and merits compare them."""

INSUFFICIENT = "insufficient"

_GRADED = ("credit", "worst_credit")
_WORDS = (*_GRADED, "attention_level", "prospect", "type")

LAYERS = ("important", "main", "ordinary", "small")
TYPES = ("lively", "cautious", "ordinary", "problem")

_RANKS = {"important": 0, "main": 1, "ordinary": 3, "small": 4, INSUFFICIENT: 5}


def layer_rank(layer: str) -> int:
    """Best first; layers that only a policy of one's own has stand between main and ordinary."""
    return _RANKS.get(layer, 2)


@frozen
class _Contents:
    """The file of a grading policy."""

    kind: str
    credit: str
    layers: tuple[str, ...]
    needs_confirmation: tuple[str, ...]
    policy: Header
    attention_level: tuple[Row, ...]
    prospect: tuple[Row, ...]
    type: tuple[Row, ...]
    layer: tuple[Row, ...]


@define(frozen=True)
class GradingPolicy:
    """How facts become type and layer.

    Args:
        header: Identity and approval.
        ref: Name, version and digest, pinned by every decision.
        credit: Name and version of the credit table it grades with.
        layers: Layers, best first.
        needs_confirmation: Layers that people must confirm.
        tables: The decision tables in the order in which they are decided.
    """

    header: Header
    ref: PolicyRef
    credit: str
    layers: tuple[str, ...]
    needs_confirmation: tuple[str, ...]
    tables: tuple[Table, ...]

    @classmethod
    def parse(cls, text: str) -> GradingPolicy:
        """The policy in TOML text.

        Raises:
            PolicyFault: the text is not such a policy; all faults with their paths.
        """
        data = read_toml(text)
        contents = structure(data, _Contents)
        known = {field.name for field in fields(Facts)}
        tables = []
        faults: list[PathFault] = []
        for name, outcomes in (
            ("attention_level", ("high", "low")),
            ("prospect", ("high", "limited")),
            ("type", TYPES),
            ("layer", (*contents.layers, INSUFFICIENT)),
        ):
            rows: tuple[Row, ...] = getattr(contents, name)
            faults.extend(_check(name, rows, outcomes, known))
            tables.append(Table(name, rows, GRADES))
            known.add(name)
        if contents.kind != "grading":
            faults.append(wrong("kind", "unknown_kind", kind=contents.kind, needed="grading"))
        if faults:
            raise PolicyFault(faults)
        ref = PolicyRef(digest_of_table(data), contents.policy.name, contents.policy.version)
        return cls(
            header=contents.policy,
            ref=ref,
            credit=contents.credit,
            layers=contents.layers,
            needs_confirmation=contents.needs_confirmation,
            tables=tuple(tables),
        )


def _check(
    name: str, rows: tuple[Row, ...], outcomes: tuple[str, ...], known: set[str]
) -> list[PathFault]:
    faults = []
    if not rows or rows[-1].when:
        faults.append(wrong(name, "last_row_with_conditions"))
    for index, row in enumerate(rows):
        at = f"{name}[{index}]"
        if row.outcome not in outcomes:
            faults.append(
                wrong(f"{at}.outcome", "not_one_of", value=row.outcome, accepted=outcomes)
            )
        for number, condition in enumerate(row.when):
            faults.extend(_check_condition(f"{at}.when[{number}]", condition, known))
    return faults


def _check_condition(at: str, condition: Condition, known: set[str]) -> list[PathFault]:
    fact, threshold = condition.fact, condition.threshold
    if fact not in known:
        return [wrong(f"{at}.fact", "fact_unseen", fact=fact)]
    if condition.op in (Operator.NO_WORSE_THAN, Operator.NO_BETTER_THAN):
        if fact not in _GRADED:
            return [wrong(f"{at}.fact", "not_a_grade", value=fact)]
        if threshold not in GRADES.values:
            return [wrong(f"{at}.threshold", "not_a_grade", value=str(threshold))]
    elif condition.op is Operator.ONE_OF:
        if not isinstance(threshold, tuple):
            return [wrong(f"{at}.threshold", "texts_expected")]
    elif condition.op is not Operator.IS:
        if fact in _WORDS:
            return [wrong(f"{at}.fact", "not_a_number", value=fact)]
        if type(threshold) is not int:
            return [wrong(f"{at}.threshold", "whole_number_expected")]
    if (condition.op is Operator.AT_LEAST_PERCENT_OF) != (condition.of is not None):
        return [wrong(f"{at}.of", "of_elsewhere")]
    if condition.of is not None and condition.of not in known:
        return [wrong(f"{at}.of", "fact_unseen", fact=condition.of)]
    if condition.of in _WORDS:
        return [wrong(f"{at}.of", "not_a_number", value=condition.of)]
    return []
