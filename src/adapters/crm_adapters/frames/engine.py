"""The frames engine: facts of all households at once, as expressions over the kept facts table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import narwhals as nw
import polars as pl
from attrs import evolve

from crm_adapters.frames.arrears import BUCKETS
from crm_adapters.frames.backends import Backend, Frame, Row
from crm_adapters.frames.facts import Found, Look, find, owed, seen
from crm_adapters.frames.kept import Kept
from crm_adapters.frames.replaying import Run, differing, runs
from crm_adapters.frames.shapes import EVIDENCE, FACTS, FactsShape, GradingsShape
from crm_adapters.frames.tables import decided
from crm_core.errors import PolicyDigestMismatch, UnknownPolicy
from crm_core.gradings.engine import EventsEngine
from crm_core.gradings.facts import Evidence, Facts
from crm_core.gradings.facts_engine import Ask, Assessed, CreditLine, Gathered
from crm_core.gradings.narrow import Kind, microseconds
from crm_core.gradings.policy import GRADES, GradingPolicy
from crm_core.gradings.replay import Finding, Policies, Replay
from crm_core.kernel.dates import Period
from crm_core.payments.credit import MONTHS_OF_FEE, CreditPolicy
from crm_core.payments.views import Aged
from crm_core.ports import EventLog, Progress

HOMES = 250_000
"""Households computed at a time: what bounds the memory."""


class FramesEngine:
    """Facts as expressions, on one of the backends (a `FactsEngine`).

    A credit table in months of the fee is left to the events engine: its grades hang on amounts,
    not on days.

    Args:
        log: The history.
        zone: Zone in which instants fall on days.
        folder: Where the facts table is kept; None for one that goes with this process.
        backend: Makes the backend when it is first needed.
    """

    def __init__(
        self,
        log: EventLog,
        zone: str,
        folder: Path | None,
        name: str,
        backend: Callable[[], Backend],
    ) -> None:
        self.name = name
        self._zone = zone
        self._log = log
        self._events = EventsEngine(log, zone)
        self._own = None if folder is not None else TemporaryDirectory(prefix="crm-facts-")
        self._folder = folder if folder is not None else Path(self._own.name)  # type: ignore[union-attr]
        self._table = Kept(log, FactsShape(), self._folder)
        self._make = backend
        self._backend: Backend | None = None

    @property
    def backend(self) -> Backend:
        """Where the expressions run."""
        if self._backend is None:
            self._backend = self._make()
        return self._backend

    def credit(
        self,
        on: date,
        known: datetime | None,
        table: CreditPolicy,
        households: Sequence[str] | None = None,
    ) -> Iterator[CreditLine]:
        """Credit on a day as known at an instant (PAY-03, PAY-04)."""
        if table.unit == MONTHS_OF_FEE:
            yield from self._events.credit(on, known, table, households)
            return
        instant = None if known is None else microseconds(known)
        look = Look(Period(on, on), self._zone, None, instant)
        for part, rows in self._parts(look, households):
            _, due = owed(rows, part, table, self.backend)
            known_ = rows.filter(nw.col("kind") == int(Kind.REGISTERED))
            lines = known_.select("home", "household").unique()
            lines = lines.join(due.standing, on="home", how="left").select(
                "household",
                *(nw.col(n).fill_null(0) for n in ("rank", "overdue_days", "overdue_fen")),
            )
            for household, rank, days, fen in self._sorted(lines):
                yield CreditLine(household, GRADES.values[rank], days, fen)

    def arrears(
        self, on: date, known: datetime | None, table: CreditPolicy
    ) -> Iterator[tuple[str, str, Aged]]:
        """Household, estate and arrears of everybody who owes something on a day (PAY-03)."""
        if table.unit == MONTHS_OF_FEE:
            yield from self._events.arrears(on, known, table)
            return
        instant = None if known is None else microseconds(known)
        look = Look(Period(on, on), self._zone, None, instant)
        for part, rows in self._parts(look, None):
            known_ = rows.filter(nw.col("kind") == int(Kind.REGISTERED))
            _, due = owed(rows, part, table, self.backend)
            lines = due.aged.join(
                known_.select("home", "household", "reference"), on="home", how="inner"
            ).select(
                "household",
                "reference",
                "rank",
                "overdue_days",
                "overdue_fen",
                "disputed_fen",
                *BUCKETS,
            )
            for household, estate, rank, days, fen, disputed, *buckets in self._sorted(lines):
                by_grade = dict(zip(GRADES.values[1:], buckets, strict=True))
                yield household, estate, Aged(GRADES.values[rank], days, fen, disputed, by_grade)

    def gather(self, ask: Ask, households: Sequence[str] | None = None) -> Iterator[Gathered]:
        """Facts and evidence of every household known at the cut-off."""
        if ask.credit.unit == MONTHS_OF_FEE:
            yield from self._events.gather(ask, households)
            return
        for found in self._found(ask, households):
            evidence: dict[int, list[list[int]]] = {}
            for home, number, position in sorted(self.backend.rows(found.evidence)):
                evidence.setdefault(home, [[] for _ in EVIDENCE])[number].append(position)
            none: list[list[int]] = [[] for _ in EVIDENCE]
            facts = found.facts.select("household", "home", *FACTS)
            for household, home, *values in self._sorted(facts):
                positions = evidence.get(home, none)
                yield Gathered(household, _facts(values), Evidence(*map(tuple, positions)))

    def assess(
        self, ask: Ask, policy: GradingPolicy, households: Sequence[str] | None = None
    ) -> Iterator[Assessed]:
        """Facts, type and layer of every household known at the cut-off."""
        if ask.credit.unit == MONTHS_OF_FEE:
            yield from self._events.assess(ask, policy, households)
            return
        for found in self._found(ask, households):
            frame = decided(found.facts, policy).select("household", "type", "layer", *FACTS)
            for household, kind, layer, *values in self._sorted(frame):
                yield Assessed(household, _facts(values), kind, layer)

    def replay(self, year: int | None, policies: Policies, progress: Progress) -> Replay:
        """Recorded gradings decided again, all of a run at once.

        What differs, and what cannot be decided here, is decided again from the events, which also
        tell what differs first.
        """
        kept = Kept(self._log, GradingsShape(policies), self._folder)
        files = kept.files()
        events = sum(file.events for file in (*files, *self._table.files()))
        if not files:
            return Replay(0, 0, (), events, self.name)
        recorded = pl.scan_parquet([file.path for file in files], glob=False)
        if year is not None:
            recorded = recorded.filter(pl.col("year") == year)
        gradings = 0
        suspects: set[str] = set()
        for run in runs(recorded):
            gradings += run.gradings
            suspects |= self._suspects(run, policies)
            progress(run.gradings)
        findings: tuple[Finding, ...] = ()
        if suspects:
            wanted = sorted(suspects)
            findings = self._events.replay(year, policies, _silent, wanted).differing
        return Replay(gradings, gradings - len(findings), findings, events, self.name)

    def close(self) -> None:
        """Give back what is held open."""
        if self._backend is not None:
            self._backend.close()
            self._backend = None
        if self._own is not None:
            self._own.cleanup()

    # --- within ----------------------------------------------------------------------------

    def _suspects(self, run: Run, policies: Policies) -> set[str]:
        """Households of a run that must be looked at event by event."""
        everyone = run.rows.select("concerns").unique()
        try:
            policy, credit = policies(run.policy, run.credit)
        except (UnknownPolicy, PolicyDigestMismatch):
            return _texts(everyone)
        if credit.unit == MONTHS_OF_FEE:
            return _texts(everyone)
        found, looked_at = set[str](), 0
        for one in self._found(Ask(run.window, run.cutoff, credit), None):
            wrong, count = differing(one, run, policy, self.backend)
            found |= wrong
            looked_at += count
        # If not all of them were looked at, somebody was graded whose file was not known.
        return found if looked_at == run.gradings else _texts(everyone)

    def _found(self, ask: Ask, households: Sequence[str] | None) -> Iterator[Found]:
        cutoff = ask.cutoff
        look = Look(ask.window, self._zone, cutoff.position, microseconds(cutoff.known))
        for part, rows in self._parts(look, households):
            yield find(rows, part, ask.credit, self.backend)

    def _parts(self, look: Look, households: Sequence[str] | None) -> Iterator[tuple[Look, Frame]]:
        """The rows that are looked at, so many households at a time, households sorted."""
        backend = self.backend
        files = [file.path for file in self._table.files()]
        if not files:
            return
        table = backend.scan(files)
        known = table.filter(nw.col("kind") == int(Kind.REGISTERED)).select("household", "home")
        if households is not None:
            known = known.filter(nw.col("household").is_in(list(households)))
        homes = [home for _, home in sorted(set(backend.rows(known)))]
        for start in range(0, len(homes), HOMES):
            only = homes[start : start + HOMES]
            chosen = None
            if households is not None or len(only) < len(homes):
                chosen = backend.table(pl.DataFrame({"home": only}, schema={"home": pl.Int64}))
            part = evolve(look, homes=chosen)
            yield part, backend.keep(seen(table, part))
            backend.release()

    def _sorted(self, frame: Frame) -> list[Row]:
        return sorted(self.backend.rows(frame), key=lambda row: row[0])


_CREDIT, _WORST = FACTS.index("credit"), FACTS.index("worst_credit")


def _facts(values: list[Any]) -> Facts:
    values[_CREDIT] = GRADES.values[values[_CREDIT]]
    values[_WORST] = GRADES.values[values[_WORST]]
    return Facts(*values)


def _texts(column: pl.LazyFrame) -> set[str]:
    return set(column.collect().to_series().to_list())


def _silent(_count: int) -> None:
    """Only the suspects are looked at again."""
