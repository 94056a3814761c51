"""What a verifier asks of an SQLite file besides its events (decision record 0045).

What there ought to be is not written down here: a log made anew in memory tells it.
"""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from sqlalchemy import Table, create_engine

from crm_adapters.eventlog import schema
from crm_adapters.eventlog.verifying import CommandRow, RawRow, is_of_nobody, shown
from crm_core.kernel.values import frozen
from crm_core.ports import ChainFault

if TYPE_CHECKING:
    from crm_adapters.eventlog.database import Database

_BY_POSITION = "sqlite_autoindex_crm_events_1"
"""What SQLite calls the index of the primary key, by which readers follow positions."""

_NOT_INDEXED = "NOT INDEXED"

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
        self.unchecked: tuple[str, ...] = () if deep else ("pages",)

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
                found += self._of_table(table)
            found += self._of_tenants()
            if self._deep:
                found += self._of_pages()
            return found

    # --- tables and what hangs on them ---------------------------------------------------------

    def _of_schema(self) -> Iterator[ChainFault]:
        expected = Counter(map(_as_made, _expected(self._database)))
        found = Counter(map(_as_made, _ours(_made(self._around))))
        for kind, name, _, _ in sorted((expected - found) | (found - expected)):
            yield ChainFault(0, "", "schema", f"{kind} {name}")

    # --- values, indexes and the order of the tables themselves --------------------------------

    def _of_table(self, table: Table) -> Iterator[ChainFault]:
        """That every value is of its column's kind, and every row is found by every index.

        Rows are looked for as readers look for them; that nothing else is found, counting tells.
        """
        ways = list(self._ways(table))
        doubts = [("type", table.name, _is_of_other_kind(table))]
        doubts += [("index", way.name, way.misses) for way in ways]
        # All at once, because mostly there is nothing to be found: the table is read once.
        any_of_them = " OR ".join(doubt for _, _, doubt in doubts)
        if self._first_row(table, any_of_them):
            for kind, name, doubt in doubts:
                for place in self._first_row(table, doubt):
                    yield ChainFault(*place, kind, name)
        [there] = self._around.execute(
            f"SELECT {', '.join(f'count({way.counts})' for way in ways)}"
            f" FROM {table.name} t NOT INDEXED"
        )
        for way, count in zip(ways, there, strict=True):
            [(found,)] = self._around.execute(
                f"SELECT count(*) FROM {table.name} t {way.by} WHERE {way.partial('t')}"
            )
            if found != count:
                yield ChainFault(0, "", "index", way.name)

    def _first_row(self, table: Table, where: str) -> list[tuple[int, str]]:
        place = "t.position, t.stream" if table is schema.events else "0, ''"
        return [
            (position if isinstance(position, int) else 0, shown(stream))
            for position, stream in self._around.execute(
                f"SELECT {place} FROM {table.name} t NOT INDEXED WHERE {where} LIMIT 1"
            )
        ]

    def _ways(self, table: Table) -> Iterator[_Way]:
        """How rows of the table are found: by its own order, and by its indexes."""
        own = _own_key(table)
        yield _Way(table, table.name, _NOT_INDEXED, own, "")
        for index, condition in self._indexes(table.name):
            columns = self._around.execute(
                "SELECT name FROM pragma_index_xinfo(?) WHERE key = 1 ORDER BY seqno", (index,)
            )
            key = [*(name.decode() for (name,) in columns), *own]
            yield _Way(table, index, f"INDEXED BY {_quoted(index)}", key, condition)

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
                # A blob would stand behind every text, and behind itself: its kind is found above.
                "SELECT min(tenant) FROM crm_events WHERE tenant > CAST(? AS TEXT)"
                " AND tenant < x''",
                (tenant,),
            )

    # --- pages ---------------------------------------------------------------------------------

    def _of_pages(self) -> Iterator[ChainFault]:
        for (said,) in self._around.execute("PRAGMA integrity_check(1)"):
            if said != b"ok":
                yield ChainFault(0, "", "pages", shown(said).strip().splitlines()[-1])

    def _first(self, statement: str, values: tuple[Any, ...] = ()) -> list[Any]:
        found: list[Any] = self._around.execute(f"{statement} LIMIT 1", values).fetchall()
        return found


@frozen
class _Way:
    """One way to find the rows of a table.

    Args:
        name: Of the index, or of the table itself.
        by: How a statement is made to go this way.
        key: Columns that lead to one row.
        condition: Of a partial index; empty where it has all rows.
    """

    table: Table
    name: str
    by: str
    key: list[str]
    condition: str

    def partial(self, alias: str) -> str:
        """The condition for a table under an alias."""
        if not self.condition:
            return "1"
        # Both sides of a look-up have columns of these names; what stands in quotes is a value.
        columns = re.compile(rf"\b({'|'.join(self.table.columns.keys())})\b")
        parts = self.condition.split("'")
        parts[::2] = [columns.sub(rf"{alias}.\1", part) for part in parts[::2]]
        return "'".join(["(" + parts[0], *parts[1:]]) + ")"

    @property
    def misses(self) -> str:
        """That a row `t` is not found."""
        found = " AND ".join(
            _same(self.table, column, self.by) for column in dict.fromkeys(self.key)
        )
        rows = f"SELECT 1 FROM {self.table.name} i {self.by} WHERE {found} AND {self.partial('i')}"
        return f"({self.partial('t')} AND NOT EXISTS ({rows}))"

    @property
    def counts(self) -> str:
        """What counts the rows that ought to be found, in `count(...)`."""
        return f"CASE WHEN {self.partial('t')} THEN 1 END" if self.condition else "*"


def _own_key(table: Table) -> list[str]:
    """By what the rows of a table are kept in order: their key, or SQLite's own number."""
    if table.dialect_options["sqlite"]["with_rowid"]:
        return ["rowid"]
    return [column.name for column in table.primary_key]


def _same(table: Table, column: str, by: str) -> str:
    if column == "rowid" and by != _NOT_INDEXED:
        # Not sought, as another column of the key, but read from the entry that was found: there
        # readers take the row's number from its end, whatever its head says.
        return "+i.rowid = t.rowid"
    nullable = column in table.columns and table.columns[column].nullable
    return f"i.{_quoted(column)} {'IS' if nullable else '='} t.{_quoted(column)}"


def _is_of_other_kind(table: Table) -> str:
    """That some value of a row `t` is of another kind than its column's."""
    wrong = []
    for column in table.columns:
        kinds = [f"'{_KINDS[column.type.python_type]}'", *["'null'"] * bool(column.nullable)]
        wrong.append(f"typeof(t.{_quoted(column.name)}) NOT IN ({', '.join(kinds)})")
    return f"({' OR '.join(wrong)})"


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


_KNOWN: dict[tuple[str, ...], list[Made]] = {}
"""What logs are made of, by their revisions: within one version it is always the same."""


def _expected(database: Database) -> list[Made]:
    if schema.REVISIONS not in _KNOWN:
        _KNOWN[schema.REVISIONS] = _made_anew(database)
    return _KNOWN[schema.REVISIONS]


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
