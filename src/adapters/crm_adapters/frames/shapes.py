"""What is kept: the facts table, and the recorded gradings beside it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from typing import Any, ClassVar

import polars as pl
from attrs import astuple, fields

from crm_core.errors import PolicyDigestMismatch, UnknownPolicy
from crm_core.gradings.criteria import follows
from crm_core.gradings.engines.narrow import Kind, NarrowRow, microseconds, narrow
from crm_core.gradings.events import DECIDED, GradingDecided
from crm_core.gradings.facts import EVENT_NAMES, Evidence, Facts
from crm_core.gradings.policy import GRADES
from crm_core.gradings.replay import Policies
from crm_core.kernel.policy import PolicyRef
from crm_core.kernel.recorded import Recorded
from crm_core.kernel.values import frozen
from crm_core.owners.facts import REGISTERED

EVIDENCE = tuple(field.name for field in fields(Evidence))
"""Names of the evidence; a row of evidence holds their number."""

FACTS = tuple(field.name for field in fields(Facts))
"""Names of the facts; credit grades are kept as ranks."""


FACTS_MADE = 4
"""Counted up, by hand, whenever the same events would make other rows of facts than before."""

GRADINGS_MADE = 3
"""The same of the rows of gradings, also of what is found to follow from recorded facts."""


@cache
def _mark(*declared: Any) -> str:
    """A mark of all that rows are declared by: what was made by another is not read, but made anew.

    A test compares the rows themselves with those of the last mark.
    """
    return sha256(repr(declared).encode()).hexdigest()[:8]


_TEXTS = {"household": pl.String, "reference": pl.String, "other": pl.String}
_ROW = {
    name: _TEXTS.get(name, pl.Int8 if name == "kind" else pl.Int64) for name in NarrowRow._fields
}


class FactsShape:
    """The facts table: a `NarrowRow` for every fact.

    Besides, the rows have numbers for the texts in them: `home` of the household, `ref` and `of` of
    the two references. A number is made of the position at which the text was first seen in that
    household, so it never changes and is nobody else's.
    """

    events = EVENT_NAMES | {REGISTERED}
    untold: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        kinds = tuple((kind.name, kind.value) for kind in Kind)
        return f"facts-{_mark(FACTS_MADE, *_ROW.items(), *_NUMBERS, *kinds, *sorted(self.events))}"

    def row(self, recorded: Recorded[Any]) -> NarrowRow | None:
        return narrow(recorded)

    def frame(self, rows: Sequence[tuple[Any, ...]], before: pl.LazyFrame | None) -> pl.DataFrame:
        frame = pl.DataFrame(rows, schema=_ROW, orient="row")
        return (
            _numbered(frame, before)
            .select("home", *frame.columns, "ref", "of")
            .sort("home", "position")
        )


def _numbered(rows: pl.DataFrame, before: pl.LazyFrame | None) -> pl.DataFrame:
    """The rows with numbers for their texts, given the rows before them."""
    homes = rows.group_by("household").agg(home=pl.col("position").min())
    known = pl.DataFrame(schema={"household": pl.String, "home": pl.Int64})
    texts = pl.DataFrame(schema={"home": pl.Int64, "text": pl.String, "number": pl.Int64})
    if before is not None:
        mine = before.join(homes.lazy(), on="household", how="semi")
        known = mine.select("household", "home").unique().collect()
        parts = [mine.select("home", text=text, number=number) for text, number in _NUMBERS]
        texts = pl.concat(parts).drop_nulls().unique().collect()
    homes = pl.concat([known, homes]).group_by("household").agg(pl.col("home").min())
    rows = rows.join(homes, on="household", how="left")
    new = [
        rows.select("home", text=text, number=pl.col("position") * 2 + nth)
        for nth, (text, _) in enumerate(_NUMBERS)
    ]
    all_ = pl.concat([texts, *new]).drop_nulls()
    numbers = all_.group_by("home", "text").agg(pl.col("number").min())
    for text, number in _NUMBERS:
        chosen = numbers.select("home", pl.col("text").alias(text), pl.col("number").alias(number))
        rows = rows.join(chosen, on=["home", text], how="left")
    return rows


_NUMBERS = (("reference", "ref"), ("other", "of"))


@frozen
class GradingsShape:
    """The recorded gradings: facts and evidence as they were recorded.

    `sound` says whether the outcome with all its criteria follows from the facts; it is null where
    a policy that the grading pins is not at hand.

    Args:
        policies: Finds the policies and the reading that a decision pins.
    """

    events: ClassVar[frozenset[str]] = frozenset({DECIDED})
    untold: ClassVar[tuple[str, ...]] = ("sound",)

    policies: Policies

    @property
    def name(self) -> str:
        words = (*EVIDENCE, *GRADES.values, *sorted(self.events))
        return f"gradings-{_mark(GRADINGS_MADE, *_GRADING.items(), *words)}"

    def frame(self, rows: Sequence[tuple[Any, ...]], before: pl.LazyFrame | None) -> pl.DataFrame:
        return pl.DataFrame(rows, schema=_GRADING, orient="row").sort("household", "position")

    def row(self, recorded: Recorded[GradingDecided]) -> tuple[Any, ...]:
        g = recorded.envelope.data
        return (
            g.household,
            recorded.position,
            recorded.household,
            g.run,
            g.year,
            g.period_start.toordinal(),
            g.period_end.toordinal(),
            *_ref(g.policy),
            *_ref(g.credit_policy),
            *_ref(g.reading),
            g.tenure,
            g.cutoff_position,
            microseconds(g.cutoff_known),
            recorded.household == g.household and self._sound(g),
            g.outcome.type,
            g.outcome.layer,
            *(_number(name, getattr(g.facts, name)) for name in FACTS),
            [
                evidence_key(position, number)
                for number, positions in enumerate(astuple(g.evidence, recurse=False))
                for position in positions
            ],
        )

    def _sound(self, g: GradingDecided) -> bool | None:
        try:
            policy, _, _ = self.policies(g.policy, g.credit_policy, g.reading)
        except (UnknownPolicy, PolicyDigestMismatch):
            return None
        sorted_ = all(
            list(positions) == sorted(set(positions))
            for positions in astuple(g.evidence, recurse=False)
        )
        # Whose money is not allocated oldest first is decided from the events.
        told = g.allocations or g.disclosable
        return sorted_ and not told and follows(g.outcome, g.facts, policy)


def evidence_key(position: Any, number: int) -> Any:
    """A position and which evidence it is, as one number; of an expression, an expression."""
    return position * len(EVIDENCE) + number


def _ref(policy: PolicyRef) -> tuple[str, int, str]:
    return policy.name, policy.version, policy.digest


def _number(name: str, value: Any) -> int:
    if name not in ("credit", "worst_credit"):
        return int(value)
    # A grade that does not exist is no rank at all, and the row is not sound.
    return GRADES.values.index(value) if value in GRADES.values else -1


_GRADING: dict[str, Any] = {
    "household": pl.String,
    "position": pl.Int64,
    "concerns": pl.String,
    "run": pl.String,
    "year": pl.Int64,
    "period_start": pl.Int64,
    "period_end": pl.Int64,
    "policy": pl.String,
    "policy_version": pl.Int64,
    "policy_digest": pl.String,
    "credit_policy": pl.String,
    "credit_version": pl.Int64,
    "credit_digest": pl.String,
    "reading": pl.String,
    "reading_version": pl.Int64,
    "reading_digest": pl.String,
    "tenure": pl.String,
    "cutoff_position": pl.Int64,
    "cutoff_known": pl.Int64,
    "sound": pl.Boolean,
    "type": pl.String,
    "layer": pl.String,
    **dict.fromkeys(FACTS, pl.Int64),
    "evidence": pl.List(pl.Int64),
}
