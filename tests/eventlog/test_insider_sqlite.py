"""Every act of an insider on an SQLite file, and what is found of it: the table of SECURITY.md."""

from __future__ import annotations

import shutil
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from crm_adapters.cli.app import run as run_command
from crm_adapters.eventlog.opening import open_database
from crm_adapters.eventlog.store import Batch
from crm_adapters.projections import DatabaseViewStore
from crm_adapters.projections.store import Change
from crm_core.kernel.projection import Parked
from eventlog.insider import ACTS, NONE, Deed, Kept, do, judge, note, table

pytestmark = [pytest.mark.rule("LOG-04"), pytest.mark.case("K50", "K51")]

NOON = datetime(2026, 1, 1, tzinfo=UTC)


def fill(url: str, folder: Path, keys: Path) -> Kept:
    """A year of two households, views that have caught up, one parked event, one follower."""
    estate = str(folder / "estate")
    size = ["--households", "2", "--years", "2024-2024", "--seed", "5"]
    assert run_command(["generate", *size, "--out", estate]) == 0
    at = ["--db", url, "--keys", str(keys)]
    assert run_command([*at, "import", estate]) == 0
    assert run_command([*at, "projections", "--catch-up"]) == 0
    database = open_database(url)
    database.insert(Batch((), {}, ()), tracking=("follower", 1))
    views = DatabaseViewStore(database)
    [seen] = views.checkpoints("reactions")
    parked = Parked(
        position=3,
        stream="place/x",
        version=1,
        name="owners.place_claimed/1",
        error="x",
        tries=1,
        first_at=NOON,
        last_at=NOON,
    )
    assert views.commit(Change(seen, seen.position, {}, [parked]))
    database.close()
    return note(url, keys)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Kept]:
    folder = tmp_path_factory.mktemp("insider")
    path = folder / "crm.db"
    kept = fill(f"sqlite:///{path}", folder, folder / "keys")
    return folder, kept


def commit(path: Path, deed: Deed) -> None:
    """Do it past the library, and without its triggers, which the owner of a file can drop."""
    connection = sqlite3.connect(path, isolation_level=None)
    guards = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'crm%'"
    ).fetchall()
    for name, _ in guards:
        connection.execute(f"DROP TRIGGER {name}")

    def run(statement: str, *values: Any) -> list[Any]:
        nonlocal connection
        if statement == "reopen":
            connection.close()
            connection = sqlite3.connect(path, isolation_level=None)
            return []
        return connection.execute(statement, values).fetchall()

    do(deed, run)
    for _, sql in guards:
        connection.execute(sql)
    connection.close()


@pytest.mark.parametrize("what", sorted(table().keys() | ACTS.keys()))
def test_what_is_found_on_sqlite_is_what_the_table_says(
    what: str, whole: tuple[Path, Kept], tmp_path: Path
) -> None:
    folder, kept = whole
    said, _ = table()[what]
    deeds = ACTS[what].sqlite
    if not deeds:
        assert said == NONE
    for number, deed in enumerate(deeds):
        path = tmp_path / f"{number}.db"
        shutil.copy(folder / "crm.db", path)
        commit(path, deed)
        assert judge(f"sqlite:///{path}", folder / "keys", kept) == said
