"""The generic log on MariaDB: what of it SQLAlchemy does not say (decision record 0069).

Text is compared by code point and spaces at its end count; nothing is cut to fit; the storage
engine is the one with transactions. The server is asked whether it is what the log was tried on,
whenever a connection is made.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pymysql
from sqlalchemy import Engine, Index, MetaData, Table, event, inspect
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool
from sqlalchemy.schema import CreateIndex, CreateTable, ExecutableDDLElement

from crm_adapters.codec.rows import StoredRow
from crm_adapters.eventlog import schema
from crm_adapters.eventlog.database import make_engine
from crm_adapters.eventlog.generic import GenericDatabase, heads
from crm_adapters.eventlog.guards import MARIADB_GUARDS, MARIADB_TRIGGER
from crm_adapters.eventlog.mariadb_checks import MariaInspection
from crm_adapters.eventlog.store import FORMAT, Inspection
from crm_core.errors import Invalid, NotALog, StoreUnreachable

VERSION_MIN = (10, 11)
"""The oldest server on which the log was run."""

DRIVERS = ("mariadb", "mariadb+pymysql", "mysql", "mysql+pymysql")

LOCK_SECONDS = 60
"""How long one who makes the tables waits for another who does."""

PACKET_MIN = 2 * 1024 * 1024
"""The driver sends many rows in one message of a million bytes."""

PACKET_SPARE = 64 * 1024
"""Of the largest message the server takes: what is left for everything but one event's text."""

_OURS = ("autocommit", "charset", "conv", "cursorclass", "init_command", "sql_mode", "use_unicode")
"""Options of the driver that decide what is stored and read."""

_SESSION = (
    "SET SESSION sql_mode = 'ANSI_QUOTES,NO_ENGINE_SUBSTITUTION,STRICT_ALL_TABLES',"
    " SESSION unique_checks = 1, SESSION foreign_key_checks = 1"
)

_SERVER = (
    "SHOW VARIABLES WHERE Variable_name IN"
    " ('max_allowed_packet', 'read_only', 'version', 'wsrep_on')"
)

_KEPT_IN = {
    "mysql_engine": "InnoDB",
    "mysql_row_format": "DYNAMIC",
    "mysql_charset": schema.CHARSET,
    "mysql_collate": schema.COLLATION,
}

_FULL = (1021, 1037, 1038, 1041, 1114)
_CONTENDED = (1020, 1213)
_MISSING = (1054, 1146)
_REFUSED = 1644
_MAKING = "crm_made_"


class MariaDatabase(GenericDatabase):
    """A log in one database of a MariaDB server."""

    mark = "%s"
    driver_errors = (SQLAlchemyError, pymysql.Error)
    insert_tiles = "REPLACE INTO {}"
    insert_new = "INSERT {} ON DUPLICATE KEY UPDATE tenant = VALUES(tenant)"
    # The tables come with their guards, and of their first revision there is no earlier one.
    lifted, routines = (), ()

    def __init__(
        self, url: URL, tenant: str = "", *, create: bool = False, outdated: bool = False
    ) -> None:
        self.packet_bytes = 0
        self._given, self._url = url, _url_of(url)
        engine = self._engine(pool_size=8, max_overflow=32, pool_pre_ping=True)
        super().__init__(engine, tenant, create=create, outdated=outdated)

    @property
    def name(self) -> str:
        # As it was given: what is added to it is nobody's concern.
        return self._given.render_as_string(hide_password=True)

    def _engine(self, **options: Any) -> Engine:
        engine = make_engine(self._url, connect_args={"init_command": _SESSION}, **options)
        # Before SQLAlchemy asks it anything.
        event.listen(engine, "connect", self._check_server, insert=True)
        return engine

    def _check_server(self, connection: Any, _record: Any) -> None:
        """Refuse a server on which nothing here was tried, and one that may be behind."""
        try:
            with connection.cursor() as cursor:
                cursor.execute(_SERVER)
                told: dict[str, str] = dict(cursor.fetchall())
                self._check_told(told)
                cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
        except BaseException:
            # The pool knows nothing of it yet.
            connection.close()
            raise

    def _check_told(self, told: dict[str, str]) -> None:
        version = told["version"]
        numbers = re.match(r"(\d+)\.(\d+)", version)
        if (
            "mariadb" not in version.lower()
            or numbers is None
            or (int(numbers[1]), int(numbers[2])) < VERSION_MIN
        ):
            raise Invalid.one(
                "database_unsupported",
                "--db",
                sentence="mariadb_wanted",
                found=version,
                least=".".join(map(str, VERSION_MIN)),
            )
        if told.get("wsrep_on", "OFF") != "OFF":
            # Rows are locked on one node of a cluster, and others read what may be behind.
            raise Invalid.one("database_unsupported", "--db", sentence="cluster_unsupported")
        if told["read_only"] != "OFF":
            # Nothing is decided on what may be behind (LOG-01).
            raise self._unusable("the server is read-only")
        self.packet_bytes = int(told["max_allowed_packet"])
        if self.packet_bytes < PACKET_MIN:
            raise self._unusable(f"max_allowed_packet is less than {PACKET_MIN}")

    def _unusable(self, reason: str) -> StoreUnreachable:
        return StoreUnreachable("store_unusable", store=self.name, reason=reason)

    # --- making the tables -----------------------------------------------------------------

    def schema_engine(self) -> Engine:
        return self._engine(poolclass=NullPool)

    def lock(self, connection: Any) -> None:
        """Be the only one who makes tables in this database, until the connection ends."""
        name = f"crm {self._url.database}"[:64]
        got = connection.exec_driver_sql("SELECT GET_LOCK(%s, %s)", (name, LOCK_SECONDS)).scalar()
        if got != 1:
            raise self._unusable("another program makes its tables")

    def create(self, connection: Any) -> None:
        """Make everything under other names, and rename it at once: a log is there whole or not."""
        made = {table.name: _MAKING + table.name.removeprefix("crm_") for table in self.tables()}
        if made.keys() & set(inspect(connection).get_table_names()):
            # Of a log whose events somebody took away: nothing is put in their place.
            raise NotALog("tables_missing", database=self.name)
        dropped = ", ".join(made.values())
        connection.exec_driver_sql(f"DROP TABLE IF EXISTS {dropped}")
        for table in self.tables(made):
            for step in steps(table):
                connection.execute(step)
            if table.name == made[schema.log_format.name]:
                connection.execute(table.insert().values(number=FORMAT))
            if table.name == made[schema.revision.name]:
                connection.execute(table.insert().values(version_num=schema.REVISIONS[-1]))
        for name, (guarded, what, body) in MARIADB_GUARDS.items():
            connection.exec_driver_sql(
                MARIADB_TRIGGER.format(name=name, what=what, table=made[guarded], body=body)
            )
        # One after another, though none alone; that of events tells that there is a log.
        ordered = sorted(made.items(), key=lambda one: one[0] == schema.events.name)
        renamed = ", ".join(f"{new} TO {name}" for name, new in ordered)
        # What was put into them is committed with it.
        connection.exec_driver_sql(f"RENAME TABLE {renamed}")

    def tables(self, names: Mapping[str, str] | None = None) -> list[Table]:
        """The tables of a log in an engine that has transactions, here or under other names."""
        found = []
        for table in (*schema.metadata.sorted_tables, heads):
            made = table.to_metadata(MetaData(), name=(names or {}).get(table.name))
            made.dialect_kwargs.update(_KEPT_IN)
            if table is schema.commands:
                # A verifier goes through them page by page.
                Index(
                    "crm_commands_position",
                    made.c.tenant,
                    made.c.first_position,
                    made.c.last_position,
                )
            found.append(made)
        return found

    def create_routines(self, connection: Any) -> None:
        """Guards are made with the tables."""

    @contextmanager
    def schema_change(self) -> Iterator[Any]:
        raise NotALog("migration_unsupported", database=self.name)
        yield

    # --- what its errors mean --------------------------------------------------------------

    def check_rows(self, rows: Sequence[StoredRow]) -> None:
        # The driver writes a backslash before quotes, so that a text can double.
        most = (self.packet_bytes - PACKET_SPARE) // 2
        for row in rows:
            size = len(row[5])
            if size * 4 > most and (size := len(row[5].encode())) > most:
                raise Invalid.one(
                    "append_too_large", sentence="event_too_large", most=most, bytes=size
                )

    def replacing(self, key: Sequence[str], columns: Sequence[str]) -> str:
        changed = ", ".join(f"{column} = VALUES({column})" for column in columns)
        return f" ON DUPLICATE KEY UPDATE {changed}"

    def is_full(self, error: BaseException) -> bool:
        return _number(error) in _FULL

    def is_contended(self, error: BaseException) -> bool:
        return _number(error) in _CONTENDED

    def is_refused(self, error: BaseException) -> bool:
        return _number(error) == _REFUSED

    def is_missing(self, error: BaseException) -> bool:
        return _number(error) in _MISSING

    # --- verifying -------------------------------------------------------------------------

    @contextmanager
    def inspect(self, *, deep: bool = False) -> Iterator[Inspection]:
        with self.translate(None), self._inspecting() as rows, self._inspecting() as around:
            yield MariaInspection(self, rows, around, deep=deep)

    @contextmanager
    def _inspecting(self) -> Iterator[Any]:
        """A connection that sees one instant."""
        connection = self.connect()
        driver: Any = connection.driver_connection
        try:
            with driver.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
            yield driver
        finally:
            # Its tables of the session go with it.
            connection.invalidate()


def steps(table: Table) -> list[ExecutableDDLElement]:
    """What makes a table, with its indexes always in the same order."""
    indexes = sorted(table.indexes, key=lambda index: str(index.name))
    return [CreateTable(table), *map(CreateIndex, indexes)]


def _url_of(url: URL) -> URL:
    """The URL with what is ours to say.

    Raises:
        Invalid: it says some of that itself, or names no database.
    """
    options = sorted(set(url.query) & set(_OURS))
    if options:
        raise Invalid.one(
            "url_malformed", "--db", sentence="url_of_driver_options", options=options
        )
    if not (url.database or "").strip("/") or url.drivername not in DRIVERS:
        raise Invalid.one("url_malformed", "--db", sentence="url_of_mariadb")
    return url.set(drivername="mysql+pymysql").update_query_dict({"charset": schema.CHARSET})


def _number(error: BaseException) -> int:
    number = error.args[0] if error.args else 0
    return number if isinstance(number, int) else 0
