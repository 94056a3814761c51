"""A process that follows a log: run by tests, and killed by them.

python follower.py URL follow        until it has caught up
python follower.py URL rebuild       rebuilds for ever
python follower.py URL handle FILE   a consumer that writes a line for each event
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from crm_adapters.codec import Codec
from crm_adapters.eventlog.log import CodecEventLog
from crm_adapters.eventlog.opening import open_database
from crm_adapters.keys import LocalVault
from crm_adapters.projections import DatabaseViewStore, LogViews
from crm_adapters.wiring import SystemClock
from crm_core.kernel.projection import Consumer
from crm_core.ports import Clock
from crm_core.testing.contracts.events import CATALOG
from crm_core.testing.contracts.tally import NOTED, TALLY

BATCH = 7


def open_views(url: str, clock: Clock | None = None, tenant: str = "") -> LogViews:
    database = open_database(url, create=True, tenant=tenant)
    log = CodecEventLog(database, Codec(CATALOG, LocalVault()))
    store = DatabaseViewStore(database, owned=True)
    return LogViews(log, store, clock or SystemClock(), batch=BATCH)


def writer(path: str) -> Consumer:
    def handle(recorded: Any) -> None:
        with Path(path).open("a") as file:
            file.write(f"{recorded.stream} {recorded.event.text}\n")
            file.flush()

    return Consumer("tests.writer", [NOTED], handle)


def main(url: str, what: str, *rest: str) -> None:
    views = open_views(url)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    if what == "follow":
        while views.catch_up(TALLY) < views.log.head():
            pass
    elif what == "rebuild":
        while True:
            views.rebuild(TALLY)
            views.catch_up(TALLY)
    else:
        while views.catch_up(writer(rest[0])) < views.log.head() and os.getppid() != 1:
            pass
    views.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
