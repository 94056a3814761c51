"""A read log in the database of the log, in a table of its own: SQLite and PostgreSQL alike.

Writers of reads take turns, so that each row is chained to the one before; they hold up no writer
of events but on SQLite, where all do.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any

from crm_adapters.eventlog.database import Database
from crm_adapters.reads.rows import ReadRow, chained, first_fault, instant, micros
from crm_core.errors import StoreUnreachable
from crm_core.kernel.canonical import GENESIS
from crm_core.reads import Read, Seen

_COLUMNS = (
    "number, at, actor, purpose, household, subject, fields, source, correlation, reason, digest"
)
_PAGE = 10_000
_FIRST, _LAST = -(2**62), 2**62
"""Instants before and behind all others."""


class DatabaseReadLog:
    """Keeps reads in a database.

    Args:
        database: An opened database with the tables of a log; rows are those of its tenant.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._tenant = database.tenant

    def write(self, reads: Sequence[Read]) -> None:
        database = self._database
        if database.read_only:
            raise StoreUnreachable("reads_read_only", store=database.name)
        with database.write() as cursor:
            database.take_turn(cursor)
            cursor.execute(
                self._sql(
                    "SELECT number, digest FROM crm_reads WHERE tenant = ?"
                    " ORDER BY number DESC LIMIT 1"
                ),
                (self._tenant,),
            )
            number, digest = cursor.fetchone() or (0, GENESIS)
            rows = [
                (self._tenant, *_values(row))
                for row in chained(reads, self._tenant, number, digest)
            ]
            cursor.executemany(
                self._sql(
                    f"INSERT INTO crm_reads (tenant, {_COLUMNS})"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                ),
                rows,
            )
            database.check_written(cursor.rowcount, len(rows))

    def about(
        self,
        household: str,
        subject: str | None = None,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Iterator[Read]:
        where, values = "household = ?", [household]
        if subject is not None:
            # What was seen of the household as a whole is of everybody in it.
            where += " AND subject IN (?, ?)" if household else " AND subject = ?"
            values += [subject, ""] if household else [subject]
        within, instants = _within(since, until)
        rows = self._rows(
            f"SELECT {_COLUMNS} FROM crm_reads WHERE tenant = ? AND {where}{within}"
            " ORDER BY at, number",
            (self._tenant, *values, *instants),
        )
        yield from (ReadRow(*row).read() for row in rows)

    def affected(
        self,
        since: datetime | None = None,
        until: datetime | None = None,
        *,
        actors: Collection[str] = (),
        fields: Collection[str] = (),
    ) -> Sequence[Seen]:
        # Always between two instants, of all time if need be: so SQLite finds the rows in the order
        # in which they lie. By households it would go to and fro among them, row by row.
        began = _FIRST if since is None else micros(since)
        end = _LAST if until is None else micros(until)
        chosen: list[Any] = [self._tenant, began, end]
        where = "tenant = ? AND reason = '' AND at >= ? AND at < ?"
        if actors:
            where += f" AND actor IN ({', '.join('?' * len(actors))})"
            chosen += sorted(actors)
        if fields:
            one = "fields LIKE ? ESCAPE '!'"
            where += f" AND ({' OR '.join([one] * len(fields))})"
            chosen += [f"% {_literally(name)} %" for name in sorted(fields)]
        rows = self._rows(
            "SELECT household, subject, count(*), min(at), max(at) FROM crm_reads"
            f" WHERE {where} GROUP BY household, subject ORDER BY household, subject",
            tuple(chosen),
        )
        return [
            Seen(household, subject, reads, instant(first), instant(last))
            for household, subject, reads, first, last in rows
        ]

    def verify(self, noted: str = "") -> int | None:
        return first_fault(self._every(), self._tenant, noted)

    def head(self) -> str:
        rows = self._rows(
            "SELECT digest FROM crm_reads WHERE tenant = ? ORDER BY number DESC LIMIT 1",
            (self._tenant,),
        )
        return str(rows[0][0]) if rows else GENESIS

    def count(self) -> int:
        [(count,)] = self._rows("SELECT count(*) FROM crm_reads WHERE tenant = ?", (self._tenant,))
        return int(count)

    def _every(self) -> Iterator[ReadRow]:
        """All rows in their order, page by page."""
        after = 0
        while rows := self._rows(
            f"SELECT {_COLUMNS} FROM crm_reads WHERE tenant = ? AND number > ?"
            f" ORDER BY number LIMIT {_PAGE}",
            (self._tenant, after),
        ):
            yield from (ReadRow(*row) for row in rows)
            after = rows[-1][0]

    def _rows(self, statement: str, values: Sequence[Any]) -> list[Any]:
        return self._database.rows(self._sql(statement), values)

    def _sql(self, statement: str) -> str:
        """The statement with the database's own place-holders."""
        return statement.replace("?", self._database.mark)


def _literally(text: str) -> str:
    """The text as a pattern of LIKE that matches itself alone; `!` escapes."""
    return re.sub("[!%_]", r"!\g<0>", text)


def _values(row: ReadRow) -> tuple[Any, ...]:
    return (
        row.number,
        row.at,
        row.actor,
        row.purpose,
        row.household,
        row.subject,
        row.fields,
        row.source,
        row.correlation,
        row.reason,
        row.digest,
    )


def _within(since: datetime | None, until: datetime | None) -> tuple[str, list[int]]:
    where, values = "", []
    if since is not None:
        where, values = " AND at >= ?", [micros(since)]
    if until is not None:
        where, values = f"{where} AND at < ?", [*values, micros(until)]
    return where, values
