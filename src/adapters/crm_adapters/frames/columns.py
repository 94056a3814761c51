"""Facts of all households at once, as expressions over the kept facts table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from heapq import merge
from operator import attrgetter, itemgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import narwhals as nw
import polars as pl

from crm_adapters.frames.apart import apart
from crm_adapters.frames.arrears import BUCKETS
from crm_adapters.frames.backends import Backend, Frame, Row
from crm_adapters.frames.facts import COLUMNS, Found, Look, files_known, find, owed, seen
from crm_adapters.frames.kept import Kept
from crm_adapters.frames.replaying import Run, differing, runs
from crm_adapters.frames.shapes import EVIDENCE, FACTS, FactsShape, GradingsShape
from crm_adapters.frames.tables import decided
from crm_core.errors import PolicyDigestMismatch, UnknownPolicy
from crm_core.gradings.engines.events import EventsEngine
from crm_core.gradings.engines.merged import merges_at, merges_seen
from crm_core.gradings.engines.narrow import Kind, microseconds
from crm_core.gradings.engines.port import Ask, Assessed, CreditLine, Gathered, Owing
from crm_core.gradings.facts import Evidence, Facts
from crm_core.gradings.policy import GRADES, GradingPolicy
from crm_core.gradings.replay import (
    Difference,
    FindAllocations,
    Policies,
    Replay,
    check_intact,
    none_at_hand,
)
from crm_core.kernel.dates import Period
from crm_core.kernel.tenures import FIRST
from crm_core.kernel.values import frozen
from crm_core.owners.facts import Redirects
from crm_core.payments.facts import MONTHS_OF_FEE, USUAL, Aged, Allocations, CreditPolicy
from crm_core.ports import EventLog, Progress, silent

HOMES = 250_000
"""Households computed at a time: what bounds the memory."""


class Columns:
    """What `FactsEngine` asks, for credit tables in days, on one of the backends.

    Args:
        name: What the engine is called.
        log: The history.
        zone: Zone in which instants fall on days.
        folder: Where the facts table is kept; None for one that goes with this process.
        backend: Makes the backend when it is first needed.
        events: The engine for what cannot be decided here.
    """

    def __init__(
        self,
        name: str,
        log: EventLog,
        zone: str,
        folder: Path | None,
        backend: Callable[[], Backend],
        events: EventsEngine,
    ) -> None:
        self.name = name
        self._zone = zone
        self._log = log
        self._events = events
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
        allocations: Allocations = USUAL,
    ) -> Iterator[CreditLine]:
        """Credit on a day as known at an instant (PAY-03, PAY-04)."""
        look, merges = self._look_on(on, known), merges_seen(self._log, on, known)
        for part in self._parts(households, merges):
            rows, left, _ = self._apart(part, look, merges, allocations=allocations)
            _, due = owed(rows, look, table, self.backend)
            numbers = (nw.col(n).fill_null(0) for n in ("rank", "overdue_days", "overdue_fen"))
            lines = files_known(rows).join(due.standing, on="home", how="left")
            told = self._named(part, lines.select("home", *numbers))
            yield from _merged(
                (
                    CreditLine(household, GRADES.values[rank], days, fen)
                    for (household, _, _), rank, days, fen in told
                ),
                self._events.credit(on, known, table, left, allocations) if left else (),
            )

    def arrears(
        self,
        on: date,
        known: datetime | None,
        table: CreditPolicy,
        households: Sequence[str] | None = None,
        allocations: Allocations = USUAL,
    ) -> Iterator[Owing]:
        """Whatever is owed on a day, of each tenure (PAY-03, PAY-16)."""
        look, merges = self._look_on(on, known), merges_seen(self._log, on, known)
        numbers = ("rank", "overdue_days", "overdue_fen", "disputed_fen", *BUCKETS)
        for part in self._parts(households, merges):
            rows, left, _ = self._apart(part, look, merges, every=True, allocations=allocations)
            _, due = owed(rows, look, table, self.backend)
            lines = due.aged.join(files_known(rows), on="home", how="inner")
            told = self._named(part, lines.select("home", *numbers))
            yield from _merged(
                (Owing(named[0], FIRST, named[2], _aged(values)) for named, *values in told),
                self._events.arrears(on, known, table, left, allocations) if left else (),
            )

    def gather(self, ask: Ask, households: Sequence[str] | None = None) -> Iterator[Gathered]:
        """Facts and evidence of every household known at the cut-off."""
        merges = merges_at(self._log, ask.window.end, ask.cutoff)
        for part in self._parts(households, merges):
            found, left, held = self._find(part, ask, merges)
            evidence: dict[int, list[list[int]]] = {}
            for home, number, position in sorted(self.backend.rows(found.evidence)):
                evidence.setdefault(home, [[] for _ in EVIDENCE])[number].append(position)
            none: list[list[int]] = [[] for _ in EVIDENCE]
            facts = found.facts.select("home", *FACTS)
            told = (
                Gathered(
                    household,
                    _facts(values),
                    Evidence(*map(tuple, evidence.get(home, none))),
                    held.get(home, FIRST),
                )
                for (household, home, _), *values in self._named(part, facts)
            )
            yield from _merged(told, self._events.gather(ask, left) if left else ())

    def assess(
        self, ask: Ask, policy: GradingPolicy, households: Sequence[str] | None = None
    ) -> Iterator[Assessed]:
        """Facts, type and layer of every household known at the cut-off."""
        merges = merges_at(self._log, ask.window.end, ask.cutoff)
        for part in self._parts(households, merges):
            found, left, _ = self._find(part, ask, merges)
            frame = decided(found.facts, policy).select("home", "type", "layer", *FACTS)
            told = (
                Assessed(household, _facts(values), kind, layer)
                for (household, _, _), kind, layer, *values in self._named(part, frame)
            )
            yield from _merged(told, self._events.assess(ask, policy, left) if left else ())

    def replay(
        self,
        year: int | None,
        policies: Policies,
        progress: Progress,
        *,
        allocations: FindAllocations = none_at_hand,
        verify: bool = False,
    ) -> Replay:
        """Recorded gradings decided again, all of a run at once.

        What differs, and what cannot be decided here, is decided again from the events, which also
        tell what differs first.
        """
        kept = Kept(self._log, GradingsShape(policies), self._folder)
        files, facts = kept.files(), self._table.files()
        if verify:
            check_intact(self._log)
            kept.check(files)
            self._table.check(facts)
        events = sum(file.events for file in (*files, *facts))
        if not files:
            return Replay(0, 0, (), events, self.name, verify)
        recorded = pl.scan_parquet([file.path for file in files], glob=False)
        if year is not None:
            recorded = recorded.filter(pl.col("year") == year)
        suspects: set[str] = set()
        decidable, gradings = list[tuple[Run, GradingPolicy, Ask, Redirects]](), 0
        for run in runs(recorded):
            gradings += run.gradings
            try:
                policy, credit, reading = policies(run.policy, run.credit, run.reading)
            except (UnknownPolicy, PolicyDigestMismatch):
                suspects |= run.households()
                continue
            if credit.unit == MONTHS_OF_FEE:
                suspects |= run.households()
            else:
                merges = merges_at(self._log, run.window.end, run.cutoff)
                ask = Ask(run.window, run.cutoff, credit, reading)
                decidable.append((run, policy, ask, merges))
        looked_at = Counter[Run]()
        for part in self._parts(None):
            for run, policy, ask, merges in decidable:
                found, left, held = self._find(part, ask, merges)
                wrong, count = differing(found, part.names, run, policy, self.backend)
                # Of a household that changed hands it matters whose grading it is.
                wrong |= run.of_other_tenures(
                    {name: held[home] for name, home, _ in part.homes if home in held},
                    (name for name, _, _ in part.homes),
                )
                # Whom columns do not decide is decided from the events.
                suspects |= wrong.union(left)
                count += run.of(left)
                looked_at[run] += count
                progress(count)
        for run, *_ in decidable:
            if looked_at[run] != run.gradings:
                # Somebody was graded whose file was not known.
                suspects |= run.households()
        findings: tuple[Difference, ...] = ()
        if suspects:
            wanted = sorted(suspects)
            found_again = self._events.replay(
                year, policies, silent, households=wanted, allocations=allocations
            )
            findings = found_again.differing
        return Replay(gradings, gradings - len(findings), findings, events, self.name, verify)

    def close(self) -> None:
        """Give back what is held open."""
        if self._backend is not None:
            self._backend.close()
            self._backend = None
        if self._own is not None:
            self._own.cleanup()

    # --- within ----------------------------------------------------------------------------

    def _look_on(self, on: date, known: datetime | None) -> Look:
        instant = None if known is None else microseconds(known)
        return Look(Period(on, on), self._zone, None, instant)

    def _find(
        self, part: _Part, ask: Ask, merges: Redirects
    ) -> tuple[Found, list[str], dict[int, str]]:
        """What columns find, the households that are left to the events, and tenures (`apart`)."""
        cutoff = ask.cutoff
        known = microseconds(cutoff.known)
        look = Look(ask.window, self._zone, cutoff.position, known, ask.reading)
        rows, left, held = self._apart(part, look, merges, allocations=ask.allocations)
        return find(rows, look, ask.credit, self.backend), left, held

    def _apart(
        self,
        part: _Part,
        look: Look,
        merges: Redirects,
        *,
        every: bool = False,
        allocations: Allocations = USUAL,
    ) -> tuple[Frame, list[str], dict[int, str]]:
        """The rows that are seen and decided here, the households left to the events, and the
        tenures of those that changed hands.

        Files that are one household by a merge are left to the events together, under the
        surviving one (OWN-09).
        """
        rows = seen(part.rows, look)
        day, zone = look.window.end, self._zone
        estates = {estate for _, _, estate in part.homes}
        other = {estate for estate in estates if allocations.differs(estate)}
        joined = {*merges.into, *merges.groups()}
        homes = frozenset(
            home for household, home, estate in part.homes if estate in other or household in joined
        )
        found = apart(rows, day, zone, self.backend, every=every, besides=homes)
        left = [
            household
            for household, home, _ in part.homes
            if home in found.left and household not in merges.into
        ]
        return found.rows, left, found.tenures

    def _parts(
        self, households: Sequence[str] | None, merges: Redirects | None = None
    ) -> Iterator[_Part]:
        """All rows, of so many households at a time, households sorted."""
        if households is not None and merges is not None:
            households = merges.survivors(households)
        backend = self.backend
        files = [file.path for file in self._table.files()]
        if not files:
            return
        table = backend.scan(files)
        registered = nw.col("kind") == int(Kind.REGISTERED)
        known = table.filter(registered).select("household", "home", "position", "reference")
        if households is not None:
            known = known.filter(nw.col("household").is_in(list(households)))
        # A file that is void may have been opened again, elsewhere.
        last = {row[0]: row for row in sorted(backend.rows(known), key=itemgetter(2))}
        homes = sorted((household, home, estate) for household, home, _, estate in last.values())
        for start in range(0, len(homes), HOMES):
            mine = homes[start : start + HOMES]
            numbers = [home for _, home, _ in mine]
            rows = table.filter(nw.col("home") >= min(numbers), nw.col("home") <= max(numbers))
            if households is not None or len(mine) < len(homes):
                only = backend.table(pl.DataFrame({"home": numbers}, schema={"home": pl.Int64}))
                rows = rows.join(only, on="home", how="semi")
            names = pl.DataFrame(mine, schema=_NAMES, orient="row")
            rows = backend.keep(rows.select(*COLUMNS))
            yield _Part(rows, backend.table(names.select("home", "household")), mine)
            backend.release()

    def _named(self, part: _Part, frame: Frame) -> Iterator[tuple[Any, ...]]:
        """The rows of a frame whose first column is `home`, with names for it, sorted by them."""
        found = {row[0]: row for row in self.backend.rows(frame)}
        for named in part.homes:
            row = found.get(named[1])
            if row is not None:
                yield named, *row[1:]


@frozen
class _Part:
    """Some of the households.

    Args:
        rows: All that is kept of them, numbers only.
        names: `home` and `household`.
        homes: Household, home and estate, sorted.
    """

    rows: Frame
    names: Frame
    homes: list[Row]


R = TypeVar("R", CreditLine, Owing, Gathered, Assessed)


def _merged(here: Iterable[R], there: Iterable[R]) -> Iterator[R]:
    """Two answers sorted by household as one."""
    return merge(here, there, key=attrgetter("household"))


def _aged(values: list[Any]) -> Aged:
    rank, days, fen, disputed, *buckets = values
    return Aged(GRADES.values[rank], days, fen, disputed, dict(zip(BUCKETS, buckets, strict=True)))


_NAMES = {"household": pl.String, "home": pl.Int64, "estate": pl.String}
_CREDIT, _WORST = FACTS.index("credit"), FACTS.index("worst_credit")


def _facts(values: list[Any]) -> Facts:
    values[_CREDIT] = GRADES.values[values[_CREDIT]]
    values[_WORST] = GRADES.values[values[_WORST]]
    return Facts(*values)
