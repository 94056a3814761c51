"""What a verifier asks of a MariaDB server besides the events (decision record 0045).

What tables there ought to be is not written down here: tables of the session's own, made anew and
gone with it, tell it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pymysql

from crm_adapters.eventlog.guards import MARIADB_GUARDS
from crm_adapters.eventlog.verifying import CommandRow, RawRow, is_of_nobody, shown
from crm_core.ports import ChainFault

if TYPE_CHECKING:
    from crm_adapters.eventlog.mariadb import MariaDatabase

PAGE_ROWS = 4000
"""Rows fetched from the server at once."""

_BYTES = "position, {}, version, {}, {}, {}".format(
    *(f"CAST({column} AS BINARY)" for column in ("stream", "name", "household", "state"))
)
_OWN_TABLE = "CREATE TEMPORARY TABLE"
_DENIED = (1044, 1142, 1227)


class MariaInspection:
    """A log in MariaDB at one instant.

    Args:
        rows: A connection in a read transaction, for events and commands.
        around: Another one, for everything else.
        deep: Also have the server check its tables, page by page.
    """

    def __init__(self, database: MariaDatabase, rows: Any, around: Any, *, deep: bool) -> None:
        self._database, self._rows, self._around, self._deep = database, rows, around, deep
        self._tenant = database.tenant
        self._wanted = self._made_anew()
        self._sees_triggers = self._may_see_triggers()
        self.unchecked: tuple[str, ...] = (
            *["pages"] * (not deep),
            *["schema"] * (self._wanted is None or not self._sees_triggers),
        )

    def raw(self) -> Iterator[RawRow]:
        after = 0
        # Row by row as readers follow them: from a position on.
        while page := _ask(
            self._rows,
            f"SELECT {_BYTES} FROM crm_events WHERE tenant = %s AND position > %s"
            f" ORDER BY position LIMIT {PAGE_ROWS}",
            (self._tenant, after),
        ):
            yield from page
            after = page[-1][0]

    def commands(self) -> Iterator[CommandRow]:
        after = (0, 0)
        while page := _ask(
            self._rows,
            "SELECT CAST(command AS BINARY), CAST(digest AS BINARY), first_position, last_position"
            " FROM crm_commands WHERE tenant = %s AND first_position <= last_position"
            " AND first_position >= %s AND (first_position > %s OR last_position > %s)"
            f" ORDER BY first_position, last_position LIMIT {PAGE_ROWS}",
            (self._tenant, after[0], *after),
        ):
            yield from page
            after = page[-1][2:]

    def faults(self) -> list[ChainFault]:
        with self._database.translate(None):
            found = list(self._of_schema())
            if found:
                return found
            found += self._of_counts()
            found += self._of_tenants()
            if self._deep:
                found += self._of_pages()
            return found

    # --- tables and what hangs on them ---------------------------------------------------------

    def _of_schema(self) -> Iterator[ChainFault]:
        there = dict(
            self._ask(
                "SELECT TABLE_NAME, TABLE_TYPE FROM information_schema.TABLES"
                " WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME LIKE 'crm\\_%'"
            )
        )
        if self._wanted is not None:
            for table in sorted(there.keys() | self._wanted.keys()):
                if there.get(table) != "BASE TABLE" or self._wanted.get(table) != _as_made(
                    self._around, table
                ):
                    yield ChainFault(0, "", "schema", f"table {table}")
        if self._sees_triggers:
            yield from self._of_triggers()

    def _of_triggers(self) -> Iterator[ChainFault]:
        triggers = {
            name: tuple(rest)
            for name, *rest in self._ask(
                "SELECT TRIGGER_NAME, EVENT_OBJECT_TABLE, EVENT_MANIPULATION, ACTION_STATEMENT,"
                " ACTION_TIMING FROM information_schema.TRIGGERS"
                " WHERE TRIGGER_SCHEMA = DATABASE() AND EVENT_OBJECT_TABLE LIKE 'crm\\_%'"
            )
        }
        guards = {name: (*guard, "BEFORE") for name, guard in MARIADB_GUARDS.items()}
        for name in sorted(triggers.keys() | guards.keys()):
            if triggers.get(name) != guards.get(name):
                yield ChainFault(0, "", "schema", f"trigger {name}")

    def _made_anew(self) -> dict[str, str] | None:
        """How the server shows the tables of a log, by name; None where it may not make any."""
        # Both modules need each other.
        from crm_adapters.eventlog.mariadb import steps

        made, dialect = self._database.tables(), self._database.engine.dialect
        with closing(self._database.schema_engine().raw_connection()) as connection:
            driver: Any = connection.driver_connection
            try:
                for table in made:
                    for step in steps(table):
                        statement = str(step.compile(dialect=dialect))
                        _ask(driver, statement.replace("CREATE TABLE", _OWN_TABLE, 1))
            except pymysql.OperationalError as error:
                if error.args[0] in _DENIED:
                    return None
                raise
            return {
                table.name: _as_made(driver, table.name).replace("TEMPORARY ", "", 1)
                for table in made
            }

    def _may_see_triggers(self) -> bool:
        """Whether triggers are shown: it takes the right to make them."""
        try:
            self._ask(f"SHOW CREATE TRIGGER {next(iter(MARIADB_GUARDS))}")
        except pymysql.MySQLError as error:
            return error.args[0] not in _DENIED
        return True

    # --- rows ----------------------------------------------------------------------------------

    def _of_counts(self) -> Iterator[ChainFault]:
        """That every index leads to as many rows as there are."""
        for table in self._database.tables():
            counts = {
                self._ask(f"SELECT count(*) FROM {table.name} FORCE INDEX ({index})")
                for (index,) in self._ask(
                    "SELECT DISTINCT INDEX_NAME FROM information_schema.STATISTICS"
                    " WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = %s",
                    (table.name,),
                )
            }
            if len(counts) > 1:
                yield ChainFault(0, "", "index", table.name)

    def _of_tenants(self) -> Iterator[ChainFault]:
        """That the rows of others are a log of their own, beginning with a first event."""
        tenant: str | None = ""
        while tenant is not None:
            if tenant != self._tenant:
                for row in self._ask(
                    "SELECT position, CAST(stream AS BINARY), version, CAST(name AS BINARY),"
                    " CAST(state AS BINARY) FROM crm_events WHERE tenant = %s"
                    " ORDER BY position LIMIT 1",
                    (tenant,),
                ):
                    if is_of_nobody(tenant.encode(), *row):
                        yield ChainFault(0, "", "tenant", tenant)
            [(tenant,)] = self._ask(
                "SELECT min(tenant) FROM crm_events WHERE tenant > %s", (tenant,)
            )

    # --- pages ---------------------------------------------------------------------------------

    def _of_pages(self) -> Iterator[ChainFault]:
        for table in self._database.tables():
            for _, _, kind, said in self._ask(f"CHECK TABLE {table.name} EXTENDED"):
                if kind in ("error", "Error") or (kind == "status" and said != "OK"):
                    yield ChainFault(0, "", "pages", f"{table.name}: {shown(said)}")
                    break

    def _ask(self, statement: str, values: Sequence[Any] = ()) -> tuple[Any, ...]:
        return _ask(self._around, statement, values)


def _ask(driver: Any, statement: str, values: Sequence[Any] = ()) -> tuple[Any, ...]:
    with driver.cursor() as cursor:
        cursor.execute(statement, values or None)
        found: tuple[Any, ...] = cursor.fetchall()
        return found


def _as_made(driver: Any, table: str) -> str:
    """How the server shows that a table is made."""
    [(_, statement, *_)] = _ask(driver, f'SHOW CREATE TABLE "{table}"')
    return str(statement)
