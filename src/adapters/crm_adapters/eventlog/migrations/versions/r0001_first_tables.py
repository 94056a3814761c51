"""The tables of format 1: the log, how it is kept, and the views of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TEXT

revision = "0001"
down_revision = None

_POSITION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_RARE_NAMES = (
    "gradings.policy_approved/1",
    "gradings.policy_assessed/1",
    "gradings.policy_drafted/1",
    "gradings.policy_listed/1",
    "gradings.policy_made_effective/1",
    "gradings.policy_superseded/1",
    "gradings.quota_allotted/1",
    "gradings.record_replaced/1",
    "gradings.run_completed/1",
    "gradings.run_started/1",
    "requests.warning_raised/1",
    "staff.cover_cancelled/1",
    "staff.cover_gap_found/1",
    "staff.cover_planned/1",
    "staff.line_retired/1",
)
_RARE = " OR ".join(f"name = '{name}'" for name in _RARE_NAMES)
_NAME = sa.Text().with_variant(TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    """As a log was made by the first release."""
    _create_log()
    _create_views()
    if op.get_bind().dialect.name == "postgresql":
        _create_origin()
        _secure()


def _create_log() -> None:
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
    op.create_index(
        "crm_events_household",
        "crm_events",
        ["tenant", "household", "position"],
        postgresql_where=sa.text("household <> ''"),
        sqlite_where=sa.text("household <> ''"),
    )
    op.create_index(
        "crm_events_rare",
        "crm_events",
        ["tenant", "name", "position"],
        postgresql_where=sa.text(_RARE),
        sqlite_where=sa.text(_RARE),
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
        "crm_tiles",
        sa.Column("tenant", _NAME, nullable=False),
        sa.Column("level", sa.Integer, nullable=False),
        sa.Column("number", _POSITION, nullable=False),
        sa.Column("last", _POSITION, nullable=False),
        sa.Column("root", sa.Text, nullable=False),
        sa.Column("facts", _POSITION, nullable=False),
        sa.Column("fact", _POSITION, nullable=False),
        sa.Column("earliest", _POSITION, nullable=False),
        sa.Column("latest", _POSITION, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "level", "number", name="crm_tiles_number"),
        sa.UniqueConstraint("tenant", "level", "last", name="crm_tiles_last"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "crm_reads",
        sa.Column("tenant", _NAME, nullable=False),
        sa.Column("number", _POSITION, nullable=False),
        sa.Column("at", _POSITION, nullable=False),
        sa.Column("actor", _NAME, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("household", _NAME, nullable=False),
        sa.Column("subject", _NAME, nullable=False),
        sa.Column("fields", sa.Text, nullable=False),
        sa.Column("source", _NAME, nullable=False),
        sa.Column("correlation", sa.Text, nullable=False),
        sa.Column("reason", _NAME, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "number", name="crm_reads_number"),
        sqlite_with_rowid=False,
    )
    op.create_index("crm_reads_about", "crm_reads", ["tenant", "household", "at"])
    op.create_index("crm_reads_at", "crm_reads", ["tenant", "at"])
    op.create_table(
        "crm_tracking",
        sa.Column("tenant", _NAME, nullable=False),
        sa.Column("consumer", _NAME, nullable=False),
        sa.Column("position", _POSITION, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "consumer", "position", name="crm_tracking_position"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "crm_format",
        sa.Column("number", sa.Integer, nullable=False, autoincrement=False),
        sa.PrimaryKeyConstraint("number", name="crm_format_number"),
    )
    op.execute("INSERT INTO crm_format VALUES (1)")


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
        sa.Column("mark", sa.Text, nullable=False),
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


def _create_origin() -> None:
    op.execute("CREATE TABLE crm_origin (origin bigint)")
    op.execute(
        "INSERT INTO crm_origin SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint - 1"
    )


def _secure() -> None:
    for table in (
        "crm_events",
        "crm_commands",
        "crm_tiles",
        "crm_reads",
        "crm_tracking",
        "crm_views",
        "crm_checkpoints",
        "crm_parked",
    ):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY crm_tenant ON {table}"
            " USING (tenant = current_setting('crm.tenant', true))"
        )
