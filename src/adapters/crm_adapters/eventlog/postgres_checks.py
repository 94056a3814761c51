"""What a verifier asks of a PostgreSQL server besides the events (decision record 0045).

What there ought to be is not written down here: tables made anew in the session's own schema, in a
transaction that is rolled back, tell it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import psycopg

from crm_adapters.eventlog import schema
from crm_adapters.eventlog.database import COLUMNS
from crm_adapters.eventlog.verifying import CommandRow, RawRow, is_of_nobody, shown
from crm_core.ports import ChainFault

if TYPE_CHECKING:
    from crm_adapters.eventlog.postgres import PostgresDatabase

PAGE_ROWS = 4000
"""Rows fetched from the server at once."""

_SCHEMA = """
SELECT 'relation', c.relname::text, concat_ws(' ', c.relkind, c.relrowsecurity,
        c.relforcerowsecurity)
    FROM pg_class c WHERE c.relnamespace = %(of)s AND c.relname LIKE 'crm\\_%%' AND c.relkind <> 'i'
UNION ALL SELECT 'column', c.relname || '.' || a.attname, concat_ws(' ', a.attnum,
        format_type(a.atttypid, a.atttypmod), l.collname, a.attnotnull, a.attgenerated,
        a.attidentity, pg_get_expr(d.adbin, d.adrelid))
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    LEFT JOIN pg_collation l ON l.oid = a.attcollation AND l.collname <> 'default'
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relnamespace = %(of)s AND c.relname LIKE 'crm\\_%%' AND c.relkind <> 'i'
        AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL SELECT 'index', i.relname::text, concat_ws(' ', pg_get_indexdef(x.indexrelid),
        x.indisvalid, x.indisready, x.indislive)
    FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class c ON c.oid = x.indrelid
    WHERE c.relnamespace = %(of)s AND c.relname LIKE 'crm\\_%%'
UNION ALL SELECT 'constraint', n.conname::text, concat_ws(' ', c.relname,
        pg_get_constraintdef(n.oid))
    FROM pg_constraint n JOIN pg_class c ON c.oid = n.conrelid
    WHERE c.relnamespace = %(of)s AND c.relname LIKE 'crm\\_%%'
UNION ALL SELECT 'policy', p.polname::text, concat_ws(' ', c.relname, p.polpermissive, p.polcmd,
        p.polroles, pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid),
        (SELECT bool_or(CASE WHEN r = 0 THEN true ELSE has_table_privilege(r, c.oid, 'INSERT') END)
            FROM unnest(p.polroles) AS r))
    FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
    WHERE c.relnamespace = %(of)s AND c.relname LIKE 'crm\\_%%'
UNION ALL SELECT 'rule', r.rulename::text, pg_get_ruledef(r.oid)
    FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class
    WHERE c.relnamespace = %(of)s AND c.relname LIKE 'crm\\_%%'
UNION ALL SELECT 'trigger', t.tgname::text, concat_ws(' ', t.tgenabled, pg_get_triggerdef(t.oid))
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    WHERE c.relnamespace = %(of)s AND c.relname LIKE 'crm\\_%%' AND NOT t.tgisinternal
UNION ALL SELECT 'function', p.proname::text, concat_ws(' ', pg_get_function_arguments(p.oid),
        pg_get_function_result(p.oid), p.provolatile, p.prosecdef, p.proconfig, p.proisstrict,
        (SELECT lanname FROM pg_language l WHERE l.oid = p.prolang), p.prosrc)
    FROM pg_proc p WHERE p.pronamespace = %(of)s AND p.proname LIKE 'crm\\_%%'
"""


class PostgresInspection:
    """A log in PostgreSQL at one instant.

    Args:
        rows: A connection in a read transaction, for events and commands.
        around: Another one, for everything else.
        deep: Also have the server check its indexes, where it has `amcheck`.
    """

    def __init__(self, database: PostgresDatabase, rows: Any, around: Any, *, deep: bool) -> None:
        self._database, self._rows, self._around = database, rows, around
        self._tenant = database.tenant
        self._pages = deep and self._has_amcheck()
        self._comparable = self._may_make_tables()
        self.unchecked = (
            *["pages"] * (not self._pages),
            *["schema"] * (not self._comparable),
            *["tenants"] * self._secured(),
        )

    def raw(self) -> Iterator[RawRow]:
        for position, stream, version, name, household, state in self._page_by_page(
            "crm_verify_events",
            f"SELECT {COLUMNS} FROM crm_events WHERE tenant = %s ORDER BY position",
        ):
            yield (
                position,
                stream.encode(),
                version,
                name.encode(),
                household.encode(),
                state.encode(),
            )

    def commands(self) -> Iterator[CommandRow]:
        for command, digest, first, last in self._page_by_page(
            "crm_verify_commands",
            "SELECT command, digest, first_position, last_position FROM crm_commands"
            " WHERE tenant = %s AND first_position <= last_position"
            " ORDER BY first_position, last_position",
        ):
            yield command.encode(), digest.encode(), first, last

    def _page_by_page(self, name: str, statement: str) -> Iterator[Any]:
        with self._rows.cursor(name=name) as cursor:
            cursor.itersize = PAGE_ROWS
            cursor.execute(statement, (self._tenant,))
            yield from cursor

    def faults(self) -> list[ChainFault]:
        with self._database.translate(None):
            found = list(self._of_schema()) if self._comparable else []
            if found:
                return found
            found += self._of_counts()
            found += self._of_tenants()
            if self._pages:
                found += self._of_pages()
            return found

    # --- tables, functions and what hangs on them ----------------------------------------------

    def _of_schema(self) -> Iterator[ChainFault]:
        [(here, name)] = self._asked(
            "SELECT relnamespace, relnamespace::regnamespace::text FROM pg_class"
            " WHERE oid = 'crm_events'::regclass"
        )
        found = self._made(self._around, here, name)
        for one in [one for one in found if _lets_verify(*one)]:
            # To whom the page on PostgreSQL gives it: a verifier reads the rows of all tenants.
            del found[one]
        expected = self._made_anew()
        for kind, what in sorted({one[:2] for one in (expected - found) | (found - expected)}):
            yield ChainFault(0, "", "schema", f"{kind} {what}")
        for (table,) in self._asked(
            "SELECT relname FROM pg_class WHERE relnamespace = %s AND relname LIKE 'crm\\_%%'"
            " AND relpersistence <> 'p' AND relkind = 'r' ORDER BY 1",
            (here,),
        ):
            # Its rows are gone when the server falls.
            yield ChainFault(0, "", "schema", f"relation {table}")

    def _made(self, driver: Any, here: int, name: str) -> Counter[tuple[str, str, str]]:
        rows = driver.execute(_SCHEMA, {"of": here}).fetchall()
        # Statements name the schema, which is another in a table made anew.
        return Counter(
            (kind, what, (how or "").replace(f"{name}.", "").replace("pg_temp.", ""))
            for kind, what, how in rows
        )

    def _made_anew(self) -> Counter[tuple[str, str, str]]:
        engine = self._database.schema_engine()
        try:
            with engine.connect() as connection:
                connection.exec_driver_sql("BEGIN")
                connection.exec_driver_sql("SET LOCAL search_path = pg_temp")
                self._database.create(connection)
                for statement in self._database.routines:
                    # Functions of the session's own schema are found by their full names alone.
                    own = statement.replace("EXECUTE FUNCTION ", "EXECUTE FUNCTION pg_temp.")
                    connection.exec_driver_sql(own.replace("%", "%%"))
                driver = connection.connection.driver_connection
                assert isinstance(driver, psycopg.Connection)
                [(here, name)] = driver.execute(
                    "SELECT pg_my_temp_schema(), pg_my_temp_schema()::regnamespace::text"
                ).fetchall()
                made = self._made(driver, here, name)
                connection.exec_driver_sql("ROLLBACK")
            return made
        finally:
            engine.dispose()

    def _may_make_tables(self) -> bool:
        [(may,)] = self._asked("SELECT has_database_privilege(current_database(), 'TEMP')")
        return bool(may)

    # --- rows ----------------------------------------------------------------------------------

    def _of_counts(self) -> Iterator[ChainFault]:
        """That indexes lead to as many rows as there are."""
        for table in ("crm_events", "crm_commands"):
            counted = []
            for way in ("seqscan", "indexscan"):
                other = "indexscan" if way == "seqscan" else "seqscan"
                self._around.execute(f"SET LOCAL enable_{way} = on")
                self._around.execute(f"SET LOCAL enable_{other} = off")
                self._around.execute(f"SET LOCAL enable_indexonlyscan = {_on(way == 'indexscan')}")
                self._around.execute(f"SET LOCAL enable_bitmapscan = {_on(way == 'indexscan')}")
                counted += self._asked(
                    f"SELECT count(*) FROM {table} WHERE tenant = %s", (self._tenant,)
                )
            if counted[0] != counted[1]:
                yield ChainFault(0, "", "index", table)

    def _of_tenants(self) -> Iterator[ChainFault]:
        """That the rows of others are a log of their own, beginning with a first event."""
        tenant: str | None = ""
        while tenant is not None:
            if tenant != self._tenant:
                for position, stream, version, name, state in self._asked(
                    "SELECT position, stream, version, name, state FROM crm_events"
                    " WHERE tenant = %s ORDER BY position LIMIT 1",
                    (tenant,),
                ):
                    texts = stream.encode(), name.encode(), state.encode()
                    row = position, texts[0], version, texts[1], texts[2]
                    if is_of_nobody(tenant.encode(), *row):
                        yield ChainFault(0, "", "tenant", tenant)
            [(tenant,)] = self._asked(
                "SELECT min(tenant) FROM crm_events WHERE tenant > %s", (tenant,)
            )

    def _secured(self) -> bool:
        """Whether the server shows this session the rows of its tenant alone."""
        [(secured,)] = self._asked("SELECT row_security_active('crm_events')")
        return bool(secured)

    # --- pages ---------------------------------------------------------------------------------

    def _has_amcheck(self) -> bool:
        [(has,)] = self._asked(
            "SELECT EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'amcheck')"
            " AND has_function_privilege('bt_index_check(regclass, boolean)', 'EXECUTE')"
            if self._asked("SELECT 1 FROM pg_extension WHERE extname = 'amcheck'")
            else "SELECT false"
        )
        return bool(has)

    def _of_pages(self) -> Iterator[ChainFault]:
        tables = [table.name for table in schema.metadata.sorted_tables]
        indexes = self._asked(
            "SELECT i.oid, i.relname FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid"
            " JOIN pg_class c ON c.oid = x.indrelid JOIN pg_am a ON a.oid = i.relam"
            " WHERE c.relname = ANY(%s) AND a.amname = 'btree'"
            " AND c.relnamespace = (SELECT relnamespace FROM pg_class"
            " WHERE oid = 'crm_events'::regclass) ORDER BY 2",
            (tables,),
        )
        for index, name in indexes:
            try:
                with self._around.transaction():
                    self._around.execute("SELECT bt_index_check(%s::regclass, true)", (index,))
            except (psycopg.errors.DataCorrupted, psycopg.errors.IndexCorrupted):
                yield ChainFault(0, "", "pages", shown(name))

    def _asked(self, statement: str, values: tuple[Any, ...] = ()) -> list[Any]:
        found: list[Any] = self._around.execute(statement, values or None).fetchall()
        return found


def _lets_verify(kind: str, name: str, how: str) -> bool:
    """Whether it is a policy by which roles that add nothing, and not all roles, read all rows."""
    reads = re.fullmatch(r"crm_(?:events|commands|tiles) t r \{[0-9,]+\} true f", how)
    return (kind, name) == ("policy", "crm_verifies") and reads is not None


def _on(wanted: bool) -> str:
    return "on" if wanted else "off"
