"""The frames engines: what one needs is imported when it is first asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from crm_core.errors import Invalid
from crm_core.gradings.engines.events import EventsEngine
from crm_core.gradings.engines.port import (
    Ask,
    Assessed,
    CreditLine,
    FactsEngine,
    Gathered,
    Owing,
)
from crm_core.gradings.policy import GradingPolicy
from crm_core.gradings.replay import FindAllocations, Policies, Replay, none_at_hand
from crm_core.payments.facts import MONTHS_OF_FEE, USUAL, Allocations, CreditPolicy
from crm_core.ports import EventLog, Progress

if TYPE_CHECKING:
    from crm_adapters.frames.columns import Columns
    from crm_adapters.frames.kept import Compared

BACKENDS = {
    "frames": ("PolarsBackend", "polars", "frames"),
    "frames-duckdb": ("DuckDBBackend", "duckdb", "frames"),
    "frames-spark": ("SparkBackend", "pyspark", "spark"),
}
"""Names of the engines: class of the backend, the package it needs, the extra that brings it."""


class FramesEngine:
    """Facts of all households at once, by columns on one of the backends (a `FactsEngine`).

    A credit table in months of the fee is left to the events engine: its grades hang on amounts,
    not on days.

    Args:
        name: One of `BACKENDS`.
        log: The history.
        zone: Zone in which instants fall on days.
        folder: Where the kept rows lie; None for a folder that goes with the engine.
    """

    def __init__(self, name: str, log: EventLog, zone: str, folder: Path | None) -> None:
        self.name = name
        self.folder = folder
        self._log = log
        self._zone = zone
        self._events = EventsEngine(log, zone)
        self._opened: Columns | None = None

    def credit(
        self,
        on: date,
        known: datetime | None,
        table: CreditPolicy,
        households: Sequence[str] | None = None,
        allocations: Allocations = USUAL,
    ) -> Iterator[CreditLine]:
        """Credit on a day as known at an instant (PAY-03, PAY-04)."""
        return self._fit_for(table).credit(on, known, table, households, allocations)

    def arrears(
        self,
        on: date,
        known: datetime | None,
        table: CreditPolicy,
        households: Sequence[str] | None = None,
        allocations: Allocations = USUAL,
    ) -> Iterator[Owing]:
        """Whatever is owed on a day, of each tenure (PAY-03, PAY-16)."""
        return self._fit_for(table).arrears(on, known, table, households, allocations)

    def gather(self, ask: Ask, households: Sequence[str] | None = None) -> Iterator[Gathered]:
        """Facts and evidence of every household known at the cut-off."""
        return self._fit_for(ask.credit).gather(ask, households)

    def assess(
        self, ask: Ask, policy: GradingPolicy, households: Sequence[str] | None = None
    ) -> Iterator[Assessed]:
        """Facts, type and layer of every household known at the cut-off."""
        return self._fit_for(ask.credit).assess(ask, policy, households)

    def replay(
        self,
        year: int | None,
        policies: Policies,
        progress: Progress,
        *,
        allocations: FindAllocations = none_at_hand,
        verify: bool = False,
    ) -> Replay:
        """Recorded gradings decided again, all of a run at once."""
        return self._columns().replay(
            year, policies, progress, allocations=allocations, verify=verify
        )

    def verify(self, policies: Policies) -> Compared | None:
        """Compare the kept rows with rows made anew from the log; None if there are none of it.

        Deleting the folder mends whatever is found: the next use makes the rows anew.

        Args:
            policies: Finds the two policies that a decision pins.

        Raises:
            Invalid: there are rows, and what reads them is not installed.
            StoreUnreachable: they cannot be read.
        """
        if self.folder is None or not any(self.folder.glob("*.parquet")):
            return None
        self._import("polars")
        kept = import_module("crm_adapters.frames.kept")
        shapes = import_module("crm_adapters.frames.shapes")
        found: Compared | None = None
        for shape in (shapes.FactsShape(), shapes.GradingsShape(policies)):
            one = kept.Kept(self._log, shape, self.folder).verify()
            if one is not None:
                rows = one.rows + (0 if found is None else found.rows)
                found = one._replace(rows=rows)
                if found.first_fault is not None:
                    break
        return found

    def close(self) -> None:
        """Give back what the columns hold, if anything was asked of them."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def _fit_for(self, table: CreditPolicy) -> FactsEngine:
        """What answers by such a credit table."""
        columns = self._columns()
        return self._events if table.unit == MONTHS_OF_FEE else columns

    def _columns(self) -> Columns:
        """The columns, opened at the first question.

        Raises:
            Invalid: a package they need is not installed.
        """
        if self._opened is None:
            backend, package, _ = BACKENDS[self.name]
            self._import("narwhals", "polars", package)
            columns = import_module("crm_adapters.frames.columns")
            backends = import_module("crm_adapters.frames.backends")
            self._opened = columns.Columns(
                name=self.name,
                log=self._log,
                zone=self._zone,
                folder=self.folder,
                backend=getattr(backends, backend),
                events=self._events,
            )
        return self._opened

    def _import(self, *packages: str) -> None:
        try:
            for package in packages:
                import_module(package)
        except ImportError as error:
            _, package, extra = BACKENDS[self.name]
            raise Invalid.one(
                "engine_missing", "--engine", engine=self.name, package=package, extra=extra
            ) from error
