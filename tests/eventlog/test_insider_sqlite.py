"""Every act of an insider on an SQLite file, and what is found of it: the table of SECURITY.md."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from eventlog.insider import ACTS, NONE, Deed, Kept, do, fill, judge, table

pytestmark = [pytest.mark.rule("LOG-04"), pytest.mark.case("K50", "K51")]


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
        # What the trigger hung on may be gone, or another thing.
        with suppress(sqlite3.OperationalError):
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
