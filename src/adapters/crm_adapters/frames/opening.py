"""A frames engine by name: what it needs is imported when it is first used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from crm_core.errors import Invalid
from crm_core.gradings.engines.port import Ask, Assessed, CreditLine, Gathered
from crm_core.gradings.policy import GradingPolicy
from crm_core.gradings.replay import Policies, Replay
from crm_core.payments.facts import Aged, CreditPolicy
from crm_core.ports import EventLog, Progress

if TYPE_CHECKING:
    from crm_adapters.frames.engine import FramesEngine
    from crm_adapters.frames.kept import Compared

BACKENDS = {
    "frames": ("PolarsBackend", "polars", "frames"),
    "frames-duckdb": ("DuckDBBackend", "duckdb", "frames"),
    "frames-spark": ("SparkBackend", "pyspark", "spark"),
}
"""Names of the engines: class of the backend, the package it needs, the extra that brings it."""


class FramesOn:
    """A frames engine that is made when it is first asked (a `FactsEngine`).

    Args:
        name: One of `BACKENDS`.
        log: The history.
        zone: Zone in which instants fall on days.
        folder: Where the kept rows lie; None for a folder that goes with the engine.
    """

    def __init__(self, name: str, log: EventLog, zone: str, folder: Path | None) -> None:
        self.name = name
        self._log = log
        self._zone = zone
        self._folder = folder
        self._made: FramesEngine | None = None

    def credit(
        self,
        on: date,
        known: datetime | None,
        table: CreditPolicy,
        households: Sequence[str] | None = None,
    ) -> Iterator[CreditLine]:
        """See `FactsEngine.credit`."""
        return self._engine().credit(on, known, table, households)

    def arrears(
        self, on: date, known: datetime | None, table: CreditPolicy
    ) -> Iterator[tuple[str, str, Aged]]:
        """See `FactsEngine.arrears`."""
        return self._engine().arrears(on, known, table)

    def gather(self, ask: Ask, households: Sequence[str] | None = None) -> Iterator[Gathered]:
        """See `FactsEngine.gather`."""
        return self._engine().gather(ask, households)

    def assess(
        self, ask: Ask, policy: GradingPolicy, households: Sequence[str] | None = None
    ) -> Iterator[Assessed]:
        """See `FactsEngine.assess`."""
        return self._engine().assess(ask, policy, households)

    def replay(self, year: int | None, policies: Policies, progress: Progress) -> Replay:
        """See `FactsEngine.replay`."""
        return self._engine().replay(year, policies, progress)

    def verify(self, policies: Policies) -> Compared | None:
        """Compare the kept rows with rows made anew from the log; None if there are none of it.

        Deleting the folder mends whatever is found: the next use makes the rows anew.

        Args:
            policies: Finds the two policies that a decision pins.

        Raises:
            Invalid: there are rows, and what reads them is not installed.
            StoreUnreachable: they cannot be read.
        """
        if self._folder is None or not any(self._folder.glob("*.parquet")):
            return None
        self._import("polars")
        kept = import_module("crm_adapters.frames.kept")
        shapes = import_module("crm_adapters.frames.shapes")
        found: Compared | None = None
        for shape in (shapes.FactsShape(), shapes.GradingsShape(policies)):
            one = kept.Kept(self._log, shape, self._folder).verify()
            if one is not None:
                rows = one.rows + (0 if found is None else found.rows)
                found = one._replace(rows=rows)
                if found.first_fault is not None:
                    break
        return found

    @property
    def folder(self) -> Path | None:
        """Where the kept rows lie, if they outlast the engine."""
        return self._folder

    def close(self) -> None:
        """Give back what the engine holds, if it was made."""
        if self._made is not None:
            self._made.close()
            self._made = None

    def _engine(self) -> FramesEngine:
        """The engine.

        Raises:
            Invalid: a package it needs is not installed.
        """
        if self._made is None:
            backend, package, _ = BACKENDS[self.name]
            self._import("narwhals", "polars", package)
            engine = import_module("crm_adapters.frames.engine")
            backends = import_module("crm_adapters.frames.backends")
            self._made = engine.FramesEngine(
                self._log, self._zone, self._folder, self.name, getattr(backends, backend)
            )
        return self._made

    def _import(self, *packages: str) -> None:
        try:
            for package in packages:
                import_module(package)
        except ImportError as error:
            _, package, extra = BACKENDS[self.name]
            raise Invalid.one(
                "engine_missing", "--engine", engine=self.name, package=package, extra=extra
            ) from error
