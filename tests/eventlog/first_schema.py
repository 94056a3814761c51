"""Databases as the first version of this library made them, for migrations to start from."""

from __future__ import annotations

import sqlite3
from typing import Any

import psycopg

from crm_adapters.eventlog.log import CodecEventLog
from crm_adapters.eventlog.memory import MemoryStore
from crm_core.kernel.recorded import Tip
from faults.logs import codec, note

TABLES = """
CREATE TABLE crm_commands (
    command {name} NOT NULL,
    digest TEXT NOT NULL,
    first_position {position} NOT NULL,
    last_position {position} NOT NULL,
    PRIMARY KEY (command)
){rowid};
CREATE TABLE crm_events (
    position {position} NOT NULL,
    stream {name} NOT NULL,
    version INTEGER NOT NULL,
    name {name} NOT NULL,
    household {name} NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (position),
    CONSTRAINT crm_events_stream_version UNIQUE (stream, version)
);
CREATE INDEX crm_events_household ON crm_events (household, position) WHERE household != '';
CREATE TABLE crm_schema (version {serial} NOT NULL, PRIMARY KEY (version));
CREATE TABLE crm_tracking (
    consumer {name} NOT NULL,
    position {position} NOT NULL,
    PRIMARY KEY (consumer, position)
){rowid};
INSERT INTO crm_schema VALUES (1)
"""

SQLITE = TABLES.format(name="TEXT", position="INTEGER", serial="INTEGER", rowid=" WITHOUT ROWID")
POSTGRES = TABLES.format(name='TEXT COLLATE "C"', position="BIGINT", serial="SERIAL", rowid="")

FUNCTION = """
CREATE FUNCTION crm_append(
    streams text[], versions int[], names text[], households text[], states text[],
    touched text[], expected int[],
    command_ids text[], digests text[], starts int[], ends int[],
    consumer text, tracked bigint
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    first bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(4702111234474983745);
    SELECT coalesce(max(position), 0) + 1 INTO first FROM crm_events;
    INSERT INTO crm_events (position, stream, version, name, household, state)
        SELECT first + n - 1, s, v, e, h, t
        FROM unnest(streams, versions, names, households, states)
            WITH ORDINALITY AS u(s, v, e, h, t, n);
    RETURN first;
END $$
"""
"""What appended in the first version: its signature, and enough of its body to append."""


def history() -> CodecEventLog:
    """Rows as that version wrote them: the stored text of events has not changed since."""
    log = CodecEventLog(MemoryStore(), codec())
    for n in range(12):
        stream = f"a/{n % 4}"
        tip = log.tips([stream]).get(stream, Tip())
        household = f"V{n % 3}" if n % 3 else ""
        log.append([note(f"c{n}", stream, tip, (f"{n}", "二\n\x00\U0001f3e0 'x'"), household)])
    return log


def rows(log: CodecEventLog) -> tuple[list[Any], list[Any], list[Any]]:
    """Events, commands and tracking, as tuples in the order of the columns."""
    events = [
        (position, stream.decode(), version, name.decode(), household.decode(), state.decode())
        for position, stream, version, name, household, state in log.store.raw()
    ]
    known = log.outcomes([f"c{n}" for n in range(12)]).values()
    commands = [(one.command, one.digest, one.first, one.last) for one in known]
    return events, commands, [("consumer", 3), ("consumer", 7)]


def make(url: str, log: CodecEventLog) -> None:
    """Make the tables and fill them with the history."""
    events, commands, tracking = rows(log)
    inserts = (
        ("crm_events", events),
        ("crm_commands", commands),
        ("crm_tracking", tracking),
    )
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"))
        connection.executescript(SQLITE)
        for table, values in inserts:
            marks = ", ".join("?" * len(values[0]))
            connection.executemany(f"INSERT INTO {table} VALUES ({marks})", values)
        connection.commit()
        connection.close()
        return
    with psycopg.connect(url) as server:
        for statement in (*POSTGRES.split(";"), FUNCTION):
            server.execute(statement)
        for table, values in inserts:
            marks = ", ".join(["%s"] * len(values[0]))
            server.cursor().executemany(f"INSERT INTO {table} VALUES ({marks})", values)


def contents(url: str) -> dict[str, Any]:
    """Everything there is in a database of either version: tables and rows, and functions."""
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"))
        made = connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY 1, 2")
        found: dict[str, Any] = {"schema": made.fetchall()}
        for kind, name, _ in found["schema"]:
            if kind == "table":
                found[name] = sorted(connection.execute(f"SELECT * FROM {name}").fetchall())
        connection.close()
        return found
    with psycopg.connect(url) as server:
        found = {"schema": catalogue(server)}
        for [name] in server.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        ).fetchall():
            found[name] = sorted(server.execute(f"SELECT * FROM {name}").fetchall())
        return found


def catalogue(server: psycopg.Connection[Any]) -> dict[str, list[Any]]:
    """What the server's own tables tell of the schema `public`."""
    asked = {
        "relations": "SELECT relname, relkind, relrowsecurity, relforcerowsecurity"
        " FROM pg_class WHERE relnamespace = 'public'::regnamespace",
        "columns": "SELECT table_name, column_name, ordinal_position, data_type, is_nullable,"
        " column_default, collation_name, character_maximum_length"
        " FROM information_schema.columns WHERE table_schema = 'public'",
        "constraints": "SELECT conname, conrelid::regclass::text, pg_get_constraintdef(oid)"
        " FROM pg_constraint WHERE connamespace = 'public'::regnamespace",
        "indexes": "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
        "policies": "SELECT tablename, policyname, permissive, roles::text, cmd, qual, with_check"
        " FROM pg_policies",
        "functions": "SELECT proname, pg_get_function_arguments(oid), provolatile, prosrc"
        " FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
        "triggers": "SELECT tgname, tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal",
    }
    return {
        what: sorted(server.execute(query).fetchall(), key=str) for what, query in asked.items()
    }
