"""A read log in memory: the reference of the others."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from threading import Lock

from crm_adapters.reads.rows import ReadRow, chained, first_fault, instant, micros
from crm_core.kernel.canonical import GENESIS
from crm_core.reads import Read, Seen


class MemoryReadLog:
    """Keeps reads in a list."""

    def __init__(self) -> None:
        self._rows: list[ReadRow] = []
        self._lock = Lock()

    def write(self, reads: Sequence[Read]) -> None:
        with self._lock:
            self._rows.extend(chained(reads, "", len(self._rows), self.head()))

    def about(
        self,
        household: str,
        subject: str | None = None,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Iterator[Read]:
        for row in self._within(since, until):
            # What was seen of the household as a whole is of everybody in it.
            whose = row.household == household and subject in (None, row.subject)
            if whose or (household and row.household == household and not row.subject):
                yield row.read()

    def affected(
        self,
        since: datetime | None = None,
        until: datetime | None = None,
        *,
        actors: Collection[str] = (),
        fields: Collection[str] = (),
    ) -> Sequence[Seen]:
        found: dict[tuple[str, str], list[int]] = {}
        for row in self._within(since, until):
            if row.reason or (actors and row.actor not in actors):
                continue
            if fields and not any(f" {name} " in row.fields for name in fields):
                continue
            found.setdefault((row.household, row.subject), []).append(row.at)
        return [
            Seen(household, subject, len(ats), instant(min(ats)), instant(max(ats)))
            for (household, subject), ats in sorted(found.items())
        ]

    def verify(self, noted: str = "") -> int | None:
        return first_fault(self._rows, "", noted)

    def head(self) -> str:
        return self._rows[-1].digest if self._rows else GENESIS

    def count(self) -> int:
        return len(self._rows)

    def _within(self, since: datetime | None, until: datetime | None) -> Iterator[ReadRow]:
        first = None if since is None else micros(since)
        end = None if until is None else micros(until)
        rows = self._rows
        for row in rows[: len(rows)]:
            if (first is None or row.at >= first) and (end is None or row.at < end):
                yield row
