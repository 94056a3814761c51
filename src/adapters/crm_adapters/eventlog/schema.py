"""The tables of a log, the same on every database.

Positions are given by the writer, not by a sequence: they are contiguous, never reused, and
their order is the order of commits.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, Table, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import TEXT

SCHEMA_VERSION = 1

metadata = MetaData()

_Position = BigInteger().with_variant(Integer(), "sqlite")

# By code point, as Python and SQLite sort; a database's own collation may be any language's.
_Name = Text().with_variant(TEXT(collation="C"), "postgresql")

events = Table(
    "crm_events",
    metadata,
    Column("position", _Position, primary_key=True, autoincrement=False),
    Column("stream", _Name, nullable=False),
    Column("version", Integer, nullable=False),
    Column("name", _Name, nullable=False),
    Column("household", _Name, nullable=False),
    Column("state", Text, nullable=False),
    UniqueConstraint("stream", "version", name="crm_events_stream_version"),
)

Index(
    "crm_events_household",
    events.c.household,
    events.c.position,
    postgresql_where=events.c.household != "",
    sqlite_where=events.c.household != "",
)

commands = Table(
    "crm_commands",
    metadata,
    Column("command", _Name, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("first_position", _Position, nullable=False),
    Column("last_position", _Position, nullable=False),
    sqlite_with_rowid=False,
)

tracking = Table(
    "crm_tracking",
    metadata,
    Column("consumer", _Name, primary_key=True),
    Column("position", _Position, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

schema_version = Table("crm_schema", metadata, Column("version", Integer, primary_key=True))
