"""Tenants, and tables of views; what was there belongs to the tenant whose name is empty."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TEXT

revision = "0002"
down_revision = "0001"

_POSITION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_NAME = sa.Text().with_variant(TEXT(collation="C"), "postgresql")

_TABLES = {
    "crm_events": "position, stream, version, name, household, state",
    "crm_commands": "command, digest, first_position, last_position",
    "crm_tracking": "consumer, position",
}

_VIEWS = ("crm_views", "crm_checkpoints", "crm_parked")

_FIRST_FUNCTION = (
    "DROP FUNCTION crm_append(text[], int[], text[], text[], text[], text[], int[], text[],"
    " text[], int[], int[], text, bigint)"
)

# From PostgreSQL 18 on NOT NULL has a name; the old tables still had it when the new were made.
_NAMED_AS_NEW = """
DO $$ DECLARE c record; BEGIN
    FOR c IN SELECT conrelid::regclass AS held, conname FROM pg_constraint
        WHERE contype = 'n' AND conname LIKE '%!_not!_null1' ESCAPE '!' AND conrelid IN
            ('crm_events'::regclass, 'crm_commands'::regclass, 'crm_tracking'::regclass)
    LOOP
        EXECUTE format('ALTER TABLE %s RENAME CONSTRAINT %I TO %I',
            c.held, c.conname, left(c.conname, -1));
    END LOOP;
END $$
"""


def upgrade() -> None:
    """New tables, filled from the old ones; positions stay what they are, contiguous."""
    postgres = op.get_bind().dialect.name == "postgresql"
    for table in _TABLES:
        op.rename_table(table, f"{table}_1")
    op.drop_index("crm_events_household", "crm_events_1")
    if postgres:
        op.execute(_FIRST_FUNCTION)
        op.execute("ALTER TABLE crm_events_1 DROP CONSTRAINT crm_events_stream_version")
    op.create_table(
        "crm_events",
        sa.Column("tenant", _NAME, nullable=False),
        sa.Column("position", _POSITION, nullable=False),
        sa.Column("stream", _NAME, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("name", _NAME, nullable=False),
        sa.Column("household", _NAME, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "position", name="crm_events_position"),
        sa.UniqueConstraint("tenant", "stream", "version", name="crm_events_stream_version"),
    )
    op.create_table(
        "crm_commands",
        sa.Column("tenant", _NAME, nullable=False),
        sa.Column("command", _NAME, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("first_position", _POSITION, nullable=False),
        sa.Column("last_position", _POSITION, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "command", name="crm_commands_command"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "crm_tracking",
        sa.Column("tenant", _NAME, nullable=False),
        sa.Column("consumer", _NAME, nullable=False),
        sa.Column("position", _POSITION, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "consumer", "position", name="crm_tracking_position"),
        sqlite_with_rowid=False,
    )
    for table, columns in _TABLES.items():
        order = " ORDER BY position" if "position" in columns.split(", ") else ""
        op.execute(
            f"INSERT INTO {table} (tenant, {columns}) SELECT '', {columns} FROM {table}_1{order}"
        )
        op.drop_table(f"{table}_1")
    op.create_index(
        "crm_events_household",
        "crm_events",
        ["tenant", "household", "position"],
        postgresql_where=sa.text("household <> ''"),
        sqlite_where=sa.text("household <> ''"),
    )
    op.drop_table("crm_schema")
    _create_views()
    if not postgres:
        return
    op.execute(_NAMED_AS_NEW)
    op.execute("CREATE TABLE crm_origin (origin bigint)")
    op.execute("INSERT INTO crm_origin VALUES (NULL)")
    for table in (*_TABLES, *_VIEWS):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY crm_tenant ON {table}"
            " USING (tenant = current_setting('crm.tenant', true))"
        )


def _create_views() -> None:
    op.create_table(
        "crm_views",
        sa.Column("tenant", _NAME, primary_key=True),
        sa.Column("view", _NAME, primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True),
        sa.Column("build", sa.Integer, primary_key=True),
        sa.Column("key", _NAME, primary_key=True),
        sa.Column("sort", _NAME, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "crm_views_sort", "crm_views", ["tenant", "view", "version", "build", "sort", "key"]
    )
    op.create_table(
        "crm_checkpoints",
        sa.Column("tenant", _NAME, primary_key=True),
        sa.Column("consumer", _NAME, primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True),
        sa.Column("build", sa.Integer, primary_key=True),
        sa.Column("position", _POSITION, nullable=False),
        sa.Column("revision", _POSITION, nullable=False),
        sa.Column("state", _NAME, nullable=False),
        sa.Column("held_until", sa.Text),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "crm_parked",
        sa.Column("tenant", _NAME, primary_key=True),
        sa.Column("consumer", _NAME, primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True),
        sa.Column("build", sa.Integer, primary_key=True),
        sa.Column("position", _POSITION, primary_key=True, autoincrement=False),
        sa.Column("stream", _NAME, nullable=False),
        sa.Column("stream_version", sa.Integer, nullable=False),
        sa.Column("name", _NAME, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("first_at", sa.Text, nullable=False),
        sa.Column("last_at", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "crm_parked_stream",
        "crm_parked",
        ["tenant", "consumer", "version", "build", "stream", "position"],
    )
