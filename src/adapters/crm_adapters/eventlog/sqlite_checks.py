"""What a verifier asks of an SQLite file besides its events (decision record 0045).

What there ought to be is not written down here: a log made anew in memory tells it.
"""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, Table, create_engine

from crm_adapters.eventlog import schema
from crm_adapters.eventlog.verifying import CommandRow, RawRow, is_of_nobody, shown
from crm_core.ports import ChainFault

if TYPE_CHECKING:
    from crm_adapters.eventlog.database import Database

_BY_POSITION = "sqlite_autoindex_crm_events_1"
"""What SQLite calls the index of the primary key, by which readers follow positions."""

_KINDS = {int: "integer", str: "text", bytes: "blob"}

Made = tuple[str, str, str, str]
"""Kind, name, table and statement of something in a database."""


class SqliteInspection:
    """An SQLite file at one instant.

    Args:
        rows: A connection in a read transaction, for events and commands.
        around: Another one, for everything else.
        deep: Also have SQLite check its own pages.
    """

    def __init__(self, database: Database, rows: Any, around: Any, *, deep: bool) -> None:
        self._database, self._rows, self._around, self._deep = database, rows, around, deep
        self._tenant = database.tenant
        self.unchecked = () if deep else ("pages",)

    def raw(self) -> Iterator[RawRow]:
        # By the index that readers follow, each row sought as they seek it.
        rows: Iterator[RawRow] = self._rows.execute(
            "SELECT i.position, t.stream, t.version, t.name, t.household, t.state"
            f" FROM crm_events i INDEXED BY {_BY_POSITION}"
            " CROSS JOIN crm_events t ON t.rowid = i.rowid WHERE i.tenant = ? ORDER BY i.position",
            (self._tenant,),
        )
        return rows

    def commands(self) -> Iterator[CommandRow]:
        rows: Iterator[CommandRow] = self._rows.execute(
            "SELECT command, digest, first_position, last_position FROM crm_commands"
            " WHERE tenant = ? AND first_position <= last_position"
            " ORDER BY first_position, last_position",
            (self._tenant,),
        )
        return rows

    def faults(self) -> list[ChainFault]:
        with self._database.translate(None):
            # Where something else stands in the place of a table, the rest means nothing.
            found = list(self._of_schema())
            if found:
                return found
            for table in schema.metadata.sorted_tables:
                found += self._of_types(table)
                found += self._of_indexes(table)
            found += self._of_tenants()
            if self._deep:
                found += self._of_pages()
            return found

    # --- tables and what hangs on them ---------------------------------------------------------

    def _of_schema(self) -> Iterator[ChainFault]:
        expected = Counter(map(_as_made, _made_anew(self._database)))
        found = Counter(map(_as_made, _ours(_made(self._around))))
        for kind, name, _, _ in sorted((expected - found) | (found - expected)):
            yield ChainFault(0, "", "schema", f"{kind} {name}")

    # --- kinds of values -----------------------------------------------------------------------

    def _of_types(self, table: Table) -> Iterator[ChainFault]:
        wrong = " OR ".join(_is_of_other_kind(column) for column in table.columns)
        for row in self._first(f"SELECT {_place(table, 't')} FROM {table.name} t WHERE {wrong}"):
            yield ChainFault(*_placed(row), "type", table.name)

    # --- indexes and the order of the tables themselves ----------------------------------------

    def _of_indexes(self, table: Table) -> Iterator[ChainFault]:
        """That every row is found by every index, as readers look for it, and nothing else is."""
        place, name = _place(table, "t"), table.name
        own = _own_key(table)
        sought = [(name, "NOT INDEXED", own, "")]
        for index, partial in self._indexes(name):
            key = [
                row[0].decode()
                for row in self._around.execute(
                    "SELECT name FROM pragma_index_xinfo(?) WHERE key = 1 ORDER BY seqno", (index,)
                )
            ]
            sought.append((index, f"INDEXED BY {_quoted(index)}", [*key, *own], partial))
        for index, by, key, partial in sought:
            same = " AND ".join(f"i.{_quoted(c)} IS t.{_quoted(c)}" for c in dict.fromkeys(key))
            found = self._first(
                f"SELECT {place} FROM {name} t NOT INDEXED WHERE {_where(partial, 't')}"
                f" AND NOT EXISTS (SELECT 1 FROM {name} i {by}"
                f" WHERE {same} AND {_where(partial, 'i')})"
            ) or self._other_count(name, by, partial)
            for row in found:
                yield ChainFault(*_placed(row), "index", index)

    def _other_count(self, table: str, by: str, partial: str) -> list[tuple[Any, Any]]:
        where = _where(partial, "t")
        [(counted,)] = self._around.execute(f"SELECT count(*) FROM {table} t {by} WHERE {where}")
        [(there,)] = self._around.execute(
            f"SELECT count(*) FROM {table} t NOT INDEXED WHERE {where}"
        )
        return [] if counted == there else [(0, b"")]

    def _indexes(self, table: str) -> Iterator[tuple[str, str]]:
        """Name and condition of the indexes that are not the table itself."""
        for name, sql in self._around.execute(
            "SELECT l.name, m.sql FROM pragma_index_list(?) l"
            " JOIN sqlite_master m ON m.type = 'index' AND m.name = l.name ORDER BY 1",
            (table,),
        ):
            _, _, partial = (sql or b"").decode().partition(" WHERE ")
            yield name.decode(), partial

    # --- whose rows they are -------------------------------------------------------------------

    def _of_tenants(self) -> Iterator[ChainFault]:
        """That the rows of others are a log of their own, beginning with a first event."""
        tenant: bytes | None = b""
        while tenant is not None:
            if tenant != self._tenant.encode():
                for row in self._first(
                    "SELECT position, stream, version, name, state FROM crm_events"
                    " WHERE tenant = CAST(? AS TEXT) ORDER BY position",
                    (tenant,),
                ):
                    if is_of_nobody(tenant, *row):
                        yield ChainFault(0, "", "tenant", shown(tenant))
            [(tenant,)] = self._around.execute(
                "SELECT min(tenant) FROM crm_events WHERE tenant > CAST(? AS TEXT)", (tenant,)
            )

    # --- pages ---------------------------------------------------------------------------------

    def _of_pages(self) -> Iterator[ChainFault]:
        for (said,) in self._around.execute("PRAGMA integrity_check(1)"):
            if said != b"ok":
                yield ChainFault(0, "", "pages", shown(said).strip().splitlines()[-1])

    def _first(self, statement: str, values: tuple[Any, ...] = ()) -> list[Any]:
        found: list[Any] = self._around.execute(f"{statement} LIMIT 1", values).fetchall()
        return found


def _place(table: Table, alias: str) -> str:
    """Where a row of the table stands in the history, if that is where it stands."""
    if table is schema.events:
        return f"{alias}.position, {alias}.stream"
    return "0, ''"


def _placed(row: tuple[Any, Any]) -> tuple[int, str]:
    position, stream = row
    return position if isinstance(position, int) else 0, shown(stream)


def _own_key(table: Table) -> list[str]:
    """By what the rows of a table are kept in order: their key, or SQLite's own number."""
    if table.dialect_options["sqlite"]["with_rowid"]:
        return ["rowid"]
    return [column.name for column in table.primary_key]


def _is_of_other_kind(column: Column[Any]) -> str:
    kinds = [f"'{_KINDS[column.type.python_type]}'", *["'null'"] * bool(column.nullable)]
    return f"typeof(t.{_quoted(column.name)}) NOT IN ({', '.join(kinds)})"


def _where(partial: str, alias: str) -> str:
    """The condition of a partial index for a table under an alias."""
    # Its columns are named without a table, and both sides of the look-up have them.
    return re.sub(r"^(\w+)", rf"{alias}.\1", partial) if partial else "1"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


# --- what there is, and what there ought to be ----------------------------------------------------


def _made(connection: Any) -> list[Made]:
    return [
        (shown(kind), shown(name).lower(), shown(table).lower(), "" if sql is None else shown(sql))
        for kind, name, table, sql in connection.execute(
            "SELECT type, name, tbl_name, sql FROM sqlite_master"
        )
    ]


def _made_anew(database: Database) -> list[Made]:
    """What a log of this version is made of, from one made in memory."""
    engine = create_engine("sqlite://")
    try:
        with engine.begin() as connection:
            database.create(connection)
            database.create_routines(connection)
            driver = connection.connection.driver_connection
            assert isinstance(driver, sqlite3.Connection)
            return _made(driver)
    finally:
        engine.dispose()


def _ours(found: Iterable[Made]) -> Iterator[Made]:
    """Of all there is, what a log is made of, and what is named like it or hangs on it."""
    return (one for one in found if one[1].startswith("crm_") or one[2].startswith("crm_"))


def _as_made(one: Made) -> Made:
    """The same for tables made by a migration, whose statements are spaced otherwise."""
    kind, name, table, sql = one
    return kind, name, table, re.sub(r"[\s\"]+", "", sql).replace("!=", "<>").lower()
