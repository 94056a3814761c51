"""Databases seen from below: what is in them, and logs of other forms and other versions."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from crm_adapters.eventlog import migrating, schema
from crm_adapters.eventlog.log import CodecEventLog
from crm_core.kernel.recorded import Tip
from faults.logs import note, open_log

LATER = Path(__file__).parent / "later_revisions"

FORMATLESS = {
    "crm_schema": """
DROP TABLE crm_format; DROP TABLE crm_revision;
CREATE TABLE crm_schema (version INTEGER PRIMARY KEY); INSERT INTO crm_schema VALUES (1)
""",
    "0001": "DROP TABLE crm_format",
    "0002": "DROP TABLE crm_format; UPDATE crm_revision SET version_num = '0002'",
}
"""What makes a log of today one from before there were format numbers, by how it can be known.

The last is what a log of before is, table by table; the others had other columns besides, which
nobody looks at.
"""


@contextmanager
def later_version() -> Iterator[None]:
    """As if this were a later version of the library, with one revision more."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(schema, "REVISIONS", (*schema.REVISIONS, "0002"))
        patched.setattr(migrating, "REVISIONS", (*migrating.REVISIONS, LATER))
        yield


def make(url: str, tenant: str = "", **options: Any) -> dict[str, Any]:
    """Make a log with a history; all it tells of itself."""
    with closing(open_log(url, tenant, **options)) as log:
        for n in range(12):
            stream = f"a/{n % 4}"
            tip = log.tips([stream]).get(stream, Tip())
            household = f"V{n % 3}" if n % 3 else ""
            texts = (f"{tenant}{n}", "二\n\x00\U0001f3e0 'x'")
            log.append([note(f"c{n}", stream, tip, texts, household)])
        return told(log)


def told(log: CodecEventLog) -> dict[str, Any]:
    """Everything a log tells of itself, the stored bytes and the root among it."""
    verified, fault = log.verify(), log.verify().first_fault
    return {
        "format": log.format_number,
        "raw": list(log.store.raw()),
        # What this version expects of tables says nothing of those of a later one.
        "verified": (verified.events, verified.root, fault if fault and fault.position else None),
        "feed": list(log.feed()),
        "households": list(log.by_household()),
        "tips": log.tips([f"a/{n}" for n in range(4)]),
        "commands": log.outcomes([f"c{n}" for n in range(12)]),
    }


def run(url: str, statements: str) -> None:
    """Run statements past the library."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(file(url))) as connection:
            connection.executescript(statements)
        return
    with psycopg.connect(url) as server:
        server.execute(statements)


def file(url: str) -> Path:
    """The file of a log in SQLite."""
    return Path(url.removeprefix("sqlite:///"))


def contents(url: str) -> dict[str, Any]:
    """Everything there is in a database: what it is made of, all rows, and the bytes of a file."""
    if url.startswith("sqlite"):
        path = file(url)
        found: dict[str, Any] = {"bytes": path.read_bytes()}
        with closing(sqlite3.connect(path)) as connection:
            made = connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY 1, 2")
            found["schema"] = made.fetchall()
            for kind, name, _ in found["schema"]:
                if kind == "table":
                    found[name] = sorted(connection.execute(f"SELECT * FROM {name}"), key=repr)
        return found
    with psycopg.connect(url) as server:
        found = {"schema": catalogue(server)}
        for [name] in server.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        ).fetchall():
            found[name] = sorted(server.execute(f"SELECT * FROM {name}").fetchall(), key=repr)
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
