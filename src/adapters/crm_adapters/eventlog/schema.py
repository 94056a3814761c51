"""The tables of a log and of the views beside it, the same on every database.

Every row belongs to a tenant (LOG-07): a company or an estate with a log of its own, its own
positions, streams and command ids. The tenant of a store that keeps one log is an empty text.

On SQLite and in the generic log positions are given by the one writer: contiguous, in the order of
commits. On PostgreSQL they are made of the transaction's id and the row's ordinal in it (decision
record 0016).
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.mysql import LONGTEXT, VARCHAR
from sqlalchemy.dialects.postgresql import TEXT
from sqlalchemy.types import TypeEngine

from crm_core.kernel.text import ID_LENGTH_MAX, NAME_LENGTH_MAX

REVISIONS = ("0001",)
"""The revisions of these tables, oldest first; `migrations/` leads from each to the last."""

metadata = MetaData()

CHARSET, COLLATION = "utf8mb4", "utf8mb4_nopad_bin"
"""On MariaDB: all of Unicode; by code point, and a space at the end counts."""


def _name(length_max: int) -> TypeEngine[str]:
    """By code point, as Python and SQLite sort; a database's own collation may be any language's.

    MariaDB indexes only text of which it knows how long it can be.
    """
    text = Text().with_variant(TEXT(collation="C"), "postgresql")
    return text.with_variant(VARCHAR(length_max, charset=CHARSET, collation=COLLATION), "mysql")


Name = _name(NAME_LENGTH_MAX)
Id = _name(ID_LENGTH_MAX)
"""Of tenants and views: several of them stand in one index."""
LongText = Text().with_variant(LONGTEXT(charset=CHARSET, collation=COLLATION), "mysql")
Position = BigInteger().with_variant(Integer(), "sqlite")

events = Table(
    "crm_events",
    metadata,
    Column("tenant", Id, nullable=False),
    Column("position", Position, nullable=False),
    Column("stream", Name, nullable=False),
    Column("version", Integer, nullable=False),
    Column("name", Name, nullable=False),
    Column("household", Name, nullable=False),
    Column("state", LongText, nullable=False),
    PrimaryKeyConstraint("tenant", "position", name="crm_events_position"),
    UniqueConstraint("tenant", "stream", "version", name="crm_events_stream_version"),
)

Index(
    "crm_events_household",
    events.c.tenant,
    events.c.household,
    events.c.position,
    postgresql_where=events.c.household != "",
    sqlite_where=events.c.household != "",
)

RARE_NAMES = (
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
"""Names of events of which there are few, and which are asked for over the whole log.

Runs, adopted policies, warnings and rosters are found by them, however many other events there are.
Another list is another index, and so a revision of the tables.
"""

RARE = " OR ".join(f"name = '{name}'" for name in RARE_NAMES)
"""What a query must say, word for word, for SQLite to use the index of rare names.

Not `IN`: SQLite would put the names into a table of its own again for each row that is inserted.
"""

Index(
    "crm_events_rare",
    events.c.tenant,
    events.c.name,
    events.c.position,
    postgresql_where=text(RARE),
    sqlite_where=text(RARE),
)

commands = Table(
    "crm_commands",
    metadata,
    Column("tenant", Id, nullable=False),
    Column("command", Name, nullable=False),
    Column("digest", LongText, nullable=False),
    Column("first_position", Position, nullable=False),
    Column("last_position", Position, nullable=False),
    PrimaryKeyConstraint("tenant", "command", name="crm_commands_command"),
    sqlite_with_rowid=False,
)

# Derived from the events, and never vouching for them (decision record 0047).
tiles = Table(
    "crm_tiles",
    metadata,
    Column("tenant", Id, nullable=False),
    Column("level", Integer, nullable=False),
    Column("number", Position, nullable=False),
    Column("last", Position, nullable=False),
    Column("root", LongText, nullable=False),
    Column("facts", Position, nullable=False),
    Column("fact", Position, nullable=False),
    Column("earliest", Position, nullable=False),
    Column("latest", Position, nullable=False),
    PrimaryKeyConstraint("tenant", "level", "number", name="crm_tiles_number"),
    UniqueConstraint("tenant", "level", "last", name="crm_tiles_last"),
    sqlite_with_rowid=False,
)

tracking = Table(
    "crm_tracking",
    metadata,
    Column("tenant", Id, nullable=False),
    Column("consumer", Name, nullable=False),
    Column("position", Position, nullable=False),
    PrimaryKeyConstraint("tenant", "consumer", "position", name="crm_tracking_position"),
    sqlite_with_rowid=False,
)

# Who saw what about whom: rows that stay, and no events (decision record 0058).
reads = Table(
    "crm_reads",
    metadata,
    Column("tenant", Id, nullable=False),
    Column("number", Position, nullable=False),
    Column("at", Position, nullable=False),
    Column("actor", Name, nullable=False),
    Column("purpose", LongText, nullable=False),
    Column("household", Name, nullable=False),
    Column("subject", Name, nullable=False),
    Column("fields", LongText, nullable=False),
    Column("source", Name, nullable=False),
    Column("correlation", LongText, nullable=False),
    Column("reason", Name, nullable=False),
    Column("digest", LongText, nullable=False),
    PrimaryKeyConstraint("tenant", "number", name="crm_reads_number"),
    sqlite_with_rowid=False,
)

Index("crm_reads_about", reads.c.tenant, reads.c.household, reads.c.at)

Index("crm_reads_at", reads.c.tenant, reads.c.at)

# Of the one form in which everything here is stored (decision record 0035), for all tenants.
log_format = Table(
    "crm_format",
    metadata,
    Column("number", Integer, nullable=False, autoincrement=False),
    PrimaryKeyConstraint("number", name="crm_format_number"),
)

# As Alembic makes it, under a name of our own: the database may be a host's, with its own.
revision = Table(
    "crm_revision",
    metadata,
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="crm_revision_pkc"),
)

# --- views ------------------------------------------------------------------------------------


def _build_of(whose: str) -> list[Column[Any]]:
    """The columns that say to which build of what a row belongs; its key begins with them."""
    return [
        Column("tenant", Id, primary_key=True),
        Column(whose, Id, primary_key=True),
        Column("version", Integer, primary_key=True),
        Column("build", Integer, primary_key=True),
    ]


views = Table(
    "crm_views",
    metadata,
    *_build_of("view"),
    Column("key", Name, primary_key=True),
    Column("sort", Name, nullable=False),
    Column("data", LongText, nullable=False),
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
    Column("held_until", LongText),
    # The digest of the event at the position (decision record 0049).
    Column("mark", LongText, nullable=False),
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
    Column("error", LongText, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("first_at", LongText, nullable=False),
    Column("last_at", LongText, nullable=False),
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
