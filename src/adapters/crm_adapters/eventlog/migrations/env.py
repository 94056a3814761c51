"""What Alembic runs: all revisions that are missing, in the transaction it is given."""

from __future__ import annotations

from alembic import context

from crm_adapters.eventlog import schema

context.configure(
    connection=context.config.attributes["connection"], version_table=schema.revision.name
)
context.run_migrations()
