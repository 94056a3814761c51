"""The tables of views: rows, places reached, and what is parked; one tenant beside another."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text
from sqlalchemy.dialects.postgresql import TEXT

from crm_adapters.eventlog.schema import metadata

_Number = BigInteger().with_variant(Integer(), "sqlite")

# By code point, so that every store and Python sort rows alike.
_Name = Text().with_variant(TEXT(collation="C"), "postgresql")

views = Table(
    "crm_views",
    metadata,
    Column("tenant", _Name, primary_key=True),
    Column("view", _Name, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("build", Integer, primary_key=True),
    Column("key", _Name, primary_key=True),
    Column("sort", _Name, nullable=False),
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
    Column("tenant", _Name, primary_key=True),
    Column("consumer", _Name, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("build", Integer, primary_key=True),
    Column("position", _Number, nullable=False),
    Column("revision", _Number, nullable=False),
    Column("state", _Name, nullable=False),
    Column("held_until", Text),
    sqlite_with_rowid=False,
)

parked = Table(
    "crm_parked",
    metadata,
    Column("tenant", _Name, primary_key=True),
    Column("consumer", _Name, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("build", Integer, primary_key=True),
    Column("position", _Number, primary_key=True, autoincrement=False),
    Column("stream", _Name, nullable=False),
    Column("stream_version", Integer, nullable=False),
    Column("name", _Name, nullable=False),
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
