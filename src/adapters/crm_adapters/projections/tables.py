"""The tables of views: rows, places reached, and what is parked; one tenant beside another."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Index, Integer, Table, Text

from crm_adapters.eventlog.schema import Name, Position, metadata


def _build_of(whose: str) -> list[Column[Any]]:
    """The columns that say to which build of what a row belongs; its key begins with them."""
    return [
        Column("tenant", Name, primary_key=True),
        Column(whose, Name, primary_key=True),
        Column("version", Integer, primary_key=True),
        Column("build", Integer, primary_key=True),
    ]


views = Table(
    "crm_views",
    metadata,
    *_build_of("view"),
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
    *_build_of("consumer"),
    Column("position", Position, nullable=False),
    Column("revision", Position, nullable=False),
    Column("state", Name, nullable=False),
    Column("held_until", Text),
    sqlite_with_rowid=False,
)

parked = Table(
    "crm_parked",
    metadata,
    *_build_of("consumer"),
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
