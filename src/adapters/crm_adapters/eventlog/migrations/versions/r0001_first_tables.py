"""The tables of the first released version."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TEXT

revision = "0001"
down_revision = None

_POSITION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_NAME = sa.Text().with_variant(TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    """Events, commands, tracking, and the number of the schema."""
    op.create_table(
        "crm_events",
        sa.Column("position", _POSITION, primary_key=True, autoincrement=False),
        sa.Column("stream", _NAME, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("name", _NAME, nullable=False),
        sa.Column("household", _NAME, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.UniqueConstraint("stream", "version", name="crm_events_stream_version"),
    )
    op.create_index(
        "crm_events_household",
        "crm_events",
        ["household", "position"],
        postgresql_where=sa.text("household <> ''"),
        sqlite_where=sa.text("household <> ''"),
    )
    op.create_table(
        "crm_commands",
        sa.Column("command", _NAME, primary_key=True),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("first_position", _POSITION, nullable=False),
        sa.Column("last_position", _POSITION, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "crm_tracking",
        sa.Column("consumer", _NAME, primary_key=True),
        sa.Column("position", _POSITION, primary_key=True, autoincrement=False),
        sqlite_with_rowid=False,
    )
    op.create_table("crm_schema", sa.Column("version", sa.Integer, primary_key=True))
    op.execute("INSERT INTO crm_schema VALUES (1)")
