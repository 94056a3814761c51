"""The tables of views: rows, places reached, and what is parked; one tenant beside another."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, Table, Text

from crm_adapters.eventlog.schema import Name, Position, metadata

views = Table(
    "crm_views",
    metadata,
    Column("tenant", Name, primary_key=True),
    Column("view", Name, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("build", Integer, primary_key=True),
    Column("key", Name, primary_key=True),
    Column("sort", Name, nullable=False),
    Column("data", Text, nullable=False),
    sqlite_with_rowid=False,
)

Index(
    "crm_views_sort",
    views.c.tenant,
    views.c.view,
    views.c.version,
    views.c.build,
    views.c.sort,
    views.c.key,
)

checkpoints = Table(
    "crm_checkpoints",
    metadata,
    Column("tenant", Name, primary_key=True),
    Column("consumer", Name, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("build", Integer, primary_key=True),
    Column("position", Position, nullable=False),
    Column("revision", Position, nullable=False),
    Column("state", Name, nullable=False),
    Column("held_until", Text),
    sqlite_with_rowid=False,
)

parked = Table(
    "crm_parked",
    metadata,
    Column("tenant", Name, primary_key=True),
    Column("consumer", Name, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("build", Integer, primary_key=True),
    Column("position", Position, primary_key=True, autoincrement=False),
    Column("stream", Name, nullable=False),
    Column("stream_version", Integer, nullable=False),
    Column("name", Name, nullable=False),
    Column("error", Text, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("first_at", Text, nullable=False),
    Column("last_at", Text, nullable=False),
    sqlite_with_rowid=False,
)

Index(
    "crm_parked_stream",
    parked.c.tenant,
    parked.c.consumer,
    parked.c.version,
    parked.c.build,
    parked.c.stream,
    parked.c.position,
)
