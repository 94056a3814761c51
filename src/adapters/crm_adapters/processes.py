"""Replay in several processes, each with a connection of its own and some of the households."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import cache, partial
from itertools import pairwise
from multiprocessing import get_context
from typing import Any

from attrs import field

from crm_adapters.eventlog.database import Database
from crm_adapters.wiring import open_crm
from crm_core.crm import CRM
from crm_core.errors import Failed, Invalid
from crm_core.gradings.engines.events import EventsEngine
from crm_core.gradings.replay import Replay
from crm_core.kernel.dates import ESTATE_ZONE
from crm_core.kernel.values import frozen
from crm_core.policies import PolicyBook
from crm_core.ports import Progress

PARTS = 8
"""Parts for each process: they are not equally long, and after each of them progress is told."""


@frozen
class Source:
    """What `open_crm` opens; a log in memory has one process."""

    url: str
    tenant: str = ""
    keys: str | None = None
    zone: str = ESTATE_ZONE
    policies: PolicyBook | None = field(default=None, eq=False)

    def open(self) -> CRM:
        """A CRM over the log."""
        return open_crm(
            self.url, tenant=self.tenant, keys=self.keys, zone=self.zone, policies=self.policies
        )


def replay(source: Source, year: int | None, processes: int, progress: Progress) -> Replay:
    """The same as `CRM.replay` by the events engine, row for row, by so many processes at once.

    They are started anew (never forked), and all read up to the same position.

    Raises:
        Invalid: the log is in memory.
        Failed: a process died.
    """
    with source.open() as opened:
        store: Any = opened.log.store  # type: ignore[attr-defined]
        if not isinstance(store, Database):
            raise Invalid.one("processes_one", "--processes")
        upto, cuts = opened.log.head(), store.cuts(PARTS * processes)
    parts = list(pairwise(["", *cuts, None]))
    done: list[Replay] = []
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        try:
            for part in pool.map(partial(_part, source, year, upto), parts):
                done.append(part)
                progress(part.gradings)
        except BrokenProcessPool as error:
            raise Failed("process_died") from error
        finally:
            pool.shutdown(cancel_futures=True)
    return Replay(
        sum(part.gradings for part in done),
        sum(part.identical for part in done),
        tuple(finding for part in done for finding in part.differing),
        sum(part.events for part in done),
    )


def _part(source: Source, year: int | None, upto: int, within: tuple[str, str | None]) -> Replay:
    """In a process of its own: the gradings of some of the households."""
    crm = _opened(source)
    engine = EventsEngine(crm.log, crm.zone)
    return engine.replay(
        year,
        crm.gradings.pinned,
        lambda _: None,
        upto=upto,
        within=within,
        allocations=crm.gradings.allocated,
    )


@cache
def _opened(source: Source) -> CRM:
    """Opened once for all parts; the end of the process closes it."""
    return source.open()
