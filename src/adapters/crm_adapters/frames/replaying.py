"""Recorded gradings beside those decided again, a run at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import narwhals as nw
import polars as pl
from attrs import field

from crm_adapters.frames.backends import Backend, Frame
from crm_adapters.frames.facts import Found
from crm_adapters.frames.shapes import FACTS, evidence_key
from crm_adapters.frames.tables import decided
from crm_core.gradings.engines.narrow import instant_of
from crm_core.gradings.policy import GradingPolicy
from crm_core.kernel.dates import Period
from crm_core.kernel.policy import PolicyRef
from crm_core.kernel.recorded import Cutoff
from crm_core.kernel.tenures import FIRST
from crm_core.kernel.values import frozen

_RUN = (
    "period_start", "period_end", "policy_digest", "policy", "policy_version",
    "credit_digest", "credit_policy", "credit_version", "reading_digest", "reading",
    "reading_version", "cutoff_position", "cutoff_known",
)  # fmt: skip


@frozen
class Run:
    """Gradings that were decided with the same eyes: days, policies and cut-off.

    Those of one recorded run are such, and nobody has two; a second one was written by somebody.

    Args:
        rows: As they were recorded.
        gradings: How many.
    """

    window: Period
    policy: PolicyRef
    credit: PolicyRef
    reading: PolicyRef
    cutoff: Cutoff
    rows: pl.LazyFrame = field(eq=False)
    gradings: int

    def of(self, households: Sequence[str]) -> int:
        """How many of them concern some households."""
        if not households:
            return 0
        mine = self.rows.filter(pl.col("household").is_in(list(households)))
        return int(mine.select(pl.len()).collect().item())

    def of_other_tenures(self, held: Mapping[str, str], homes: Iterable[str]) -> set[str]:
        """Those of some households whose gradings are not said to be of the tenure they are of.

        Args:
            held: Keys of tenures of the households that changed hands; all others have but one.
        """
        told = self.rows.select("household", "tenure")
        odd = told.filter((pl.col("tenure") != FIRST) | pl.col("household").is_in(sorted(held)))
        found = odd.collect().rows()
        here = set(homes) if found else ()
        return {
            household
            for household, tenure in found
            if household in here and held.get(household, FIRST) != tenure
        }

    def households(self) -> set[str]:
        """Whom they concern."""
        return set(self.rows.select("concerns").unique().collect().to_series().to_list())


def runs(recorded: pl.LazyFrame) -> Iterator[Run]:
    """The recorded gradings by what they were decided with."""
    for values in recorded.group_by(_RUN).agg(count=pl.len()).sort(_RUN).collect().iter_rows():
        *key, count = values
        start, end, digest, name, number, credit_digest, credit, credit_number, *rest = key
        reading_digest, reading, reading_number, at, known = rest
        mine = [pl.col(column) == value for column, value in zip(_RUN, key, strict=True)]
        yield Run(
            Period(date.fromordinal(start), date.fromordinal(end)),
            PolicyRef(digest, name, number),
            PolicyRef(credit_digest, credit, credit_number),
            PolicyRef(reading_digest, reading, reading_number),
            Cutoff(at, instant_of(known)),
            recorded.filter(*mine),
            count,
        )


def differing(
    found: Found, names: Frame, run: Run, policy: GradingPolicy, backend: Backend
) -> tuple[set[str], int]:
    """Households of the run whose recorded gradings are not what follows from the facts.

    Args:
        found: The facts and evidence of some households; others are not looked at.
        names: Their `household` by `home`.

    Returns:
        The households, and how many gradings were looked at.
    """
    again = decided(found.facts, policy).select("home", "type", "layer", *FACTS)
    before = {name: f"{name}_before" for name in ("type", "layer", *FACTS)}
    columns = ["household", "sound", *before]
    recorded = backend.table(run.rows.select(columns).rename(before).collect())
    both = backend.keep(
        recorded.join(names, on="household", how="inner").join(again, on="home", how="inner")
    )
    same: Any = nw.col("sound").fill_null(False)
    for name, then in before.items():
        same &= nw.col(name) == nw.col(then)
    wrong = {household for (household,) in backend.rows(both.filter(~same).select("household"))}
    homes = both.select("home", "household")
    # Evidence of two gradings would be mixed: whoever has two is looked at event by event.
    twice = homes.group_by("household").agg(times=nw.len()).filter(nw.col("times") > 1)
    wrong.update(household for (household,) in backend.rows(twice.select("household")))
    wrong.update(_other_evidence(found.evidence, homes.unique(), run, backend))
    [(looked_at,)] = backend.rows(both.select(nw.len()))
    return wrong, looked_at


def _other_evidence(evidence: Frame, homes: Frame, run: Run, backend: Backend) -> set[str]:
    """Households whose recorded evidence is not what was read again."""
    lists = run.rows.select("household", key="evidence").explode("key").drop_nulls("key")
    recorded = backend.table(lists.collect())
    then = recorded.join(homes, on="household", how="inner").select("home", "key")
    now = evidence.join(homes.select("home").unique(), on="home", how="semi")
    keys = now.select("home", key=evidence_key(nw.col("position"), 0) + nw.col("evidence"))
    told = nw.concat(
        [
            then.with_columns(times=nw.lit(1, nw.Int64)),
            keys.with_columns(times=nw.lit(-1, nw.Int64)),
        ]
    )
    # A position is of one household, so the key alone tells them apart; a forged one shows as well.
    odd = (
        told.group_by("key")
        .agg(home=nw.col("home").max(), least=nw.col("home").min(), times=nw.col("times").sum())
        .filter((nw.col("times") != 0) | (nw.col("home") != nw.col("least")))
    )
    odd = nw.concat([odd.select("home"), odd.select(home="least")]).unique()
    found = odd.join(homes, on="home", how="inner").select("household").unique()
    return {household for (household,) in backend.rows(found)}
