"""Logs, commits and checks that all harnesses of faults share."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from threading import Thread
from typing import Any

from crm_adapters.codec import Codec
from crm_adapters.eventlog.guards import SQLITE_GUARDS, SQLITE_LIFTED
from crm_adapters.eventlog.log import CodecEventLog
from crm_adapters.eventlog.opening import open_database
from crm_adapters.keys import LocalVault
from crm_core.kernel.recorded import Commit, Envelope, Recorded, StreamAppend, Tip
from crm_core.testing.contracts.events import CATALOG, Noted

DAY, NOON = date(2011, 7, 1), datetime(2011, 7, 1, 4, tzinfo=UTC)


def codec() -> Codec:
    return Codec(CATALOG, LocalVault())


def open_log(url: str, tenant: str = "", **options: Any) -> CodecEventLog:
    return CodecEventLog(open_database(url, create=True, tenant=tenant, **options), codec())


def note(
    command: str,
    stream: str,
    tip: Tip | None = None,
    texts: Sequence[str] = ("",),
    household: str = "V1",
) -> Commit:
    """A command that notes those texts in one stream."""
    envelopes = tuple(
        Envelope("system:test", command, Noted(text), DAY, NOON, nth)
        for nth, text in enumerate(texts)
    )
    return Commit(command, "d", (StreamAppend(stream, tip or Tip(), household, envelopes),))


def lift(connection: sqlite3.Connection) -> sqlite3.Connection:
    """Take the guards of a log away, as whoever owns the file can."""
    for statement in SQLITE_LIFTED:
        connection.execute(statement)
    return connection


def guard(connection: sqlite3.Connection) -> sqlite3.Connection:
    """Set the guards again, as whoever has edited a log would."""
    lift(connection)
    for statement in SQLITE_GUARDS:
        connection.execute(statement)
    return connection


def texts(events: Iterable[Recorded[Any]]) -> list[str]:
    return [one.event.text for one in events]


def batch(commit: Commit) -> Any:
    """The rows of a commit, as the log hands them to a store."""
    from crm_adapters.eventlog.log import _Chunk

    chunk = _Chunk(codec(), "")
    chunk.add(commit)
    return chunk.batch()


def in_threads(jobs: Sequence[Callable[[], None]]) -> None:
    """Run the jobs at once; the first error of any is raised."""
    errors: list[BaseException] = []

    def run(job: Callable[[], None]) -> None:
        try:
            job()
        except BaseException as error:  # noqa: BLE001 - raised below
            errors.append(error)

    threads = [Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
