"""The tables' history: one Alembic revision per change, forwards only.

A revision moves tables and never what is stored of events. On PostgreSQL row-level security is
forced upon the owner too: a revision that changes rows lifts it for that long (`NO FORCE`), or it
would see one tenant alone. A new revision is listed in `schema.REVISIONS`.
"""
