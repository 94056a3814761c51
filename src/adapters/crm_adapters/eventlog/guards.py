"""What keeps the log append-only in the database itself (LOG-04, decision record 0046).

History is never changed, by nobody: not by this library, and not by whoever has a connection and
means well. Who owns the tables can take the guards away; that is found by verifying.
"""

from __future__ import annotations

GUARDED = ("crm_events", "crm_commands", "crm_reads")
"""Tables whose rows are inserted and then stay."""

_SQLITE = """
CREATE TRIGGER {table}_no_{what} BEFORE {what} ON {table}
BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END
"""

SQLITE_GUARDS = tuple(
    _SQLITE.format(table=table, what=what) for table in GUARDED for what in ("update", "delete")
)
"""Statements that set the guards of an SQLite file."""

SQLITE_LIFTED = tuple(
    f"DROP TRIGGER IF EXISTS {table}_no_{what}"
    for table in GUARDED
    for what in ("update", "delete")
)
"""Statements that lift them, for a migration."""

REFUSED = "CR004"
"""State our trigger raises on PostgreSQL."""

_REFUSE = f"""
CREATE OR REPLACE FUNCTION crm_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = '{REFUSED}';
END $$
"""

# By row: a table that inherits is changed through its parent, whose own triggers know nothing.
# Always: not even who replays a replication changes what is there.
_POSTGRES = """
CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION crm_refuse_change();
CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION crm_refuse_change();
ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_no_change;
ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_no_truncate
"""

POSTGRES_LIFTED = tuple(
    f"DROP TRIGGER IF EXISTS {table}_no_{what} ON {table}"
    for table in GUARDED
    for what in ("change", "truncate")
)
"""Statements that lift the guards of a PostgreSQL database, for a migration."""

POSTGRES_GUARDS = (_REFUSE, *(_POSTGRES.format(table=table) for table in GUARDED))
"""Statements that set them."""

MARIADB_GUARDS = {
    f"{table}_no_{what.lower()}": (
        table,
        what,
        f"SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{table} is append-only'",
    )
    for table in GUARDED
    for what in ("UPDATE", "DELETE")
}
"""Guards of a MariaDB database by name: on which table, against what, and what they do.

Nothing there guards against emptying a table as a whole; it takes the right to drop tables.
"""

MARIADB_TRIGGER = "CREATE TRIGGER {name} BEFORE {what} ON {table} FOR EACH ROW {body}"
"""Statement that sets one of them."""
