"""What a later version could do to the tables: something told of every event, and a new table."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """A column that is filled for all tenants, and last a table."""
    postgres = op.get_bind().dialect.name == "postgresql"
    if postgres:
        # Row-level security would show the owner one tenant alone.
        op.execute("ALTER TABLE crm_events NO FORCE ROW LEVEL SECURITY")
    op.add_column("crm_events", sa.Column("length", sa.Integer))
    op.execute("UPDATE crm_events SET length = length(state)")
    if postgres:
        op.execute("ALTER TABLE crm_events FORCE ROW LEVEL SECURITY")
    op.create_table("crm_later", sa.Column("number", sa.Integer, nullable=False))
