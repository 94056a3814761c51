"""Every act of an insider on a PostgreSQL server, and what is found: the table of SECURITY.md."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from crm_adapters.eventlog.guards import POSTGRES_GUARDS, POSTGRES_LIFTED
from eventlog.insider import ACTS, NONE, Deed, Kept, do, fill, judge, table

pytestmark = [pytest.mark.rule("LOG-04")]

BASE, COPY = "insider_base", "insider_copy"


@pytest.fixture(scope="module")
def whole(
    tmp_path_factory: pytest.TempPathFactory,
    postgres_server: Any,
    postgres_admin: psycopg.Connection[Any],
) -> Iterator[tuple[Callable[[], str], Path, Kept]]:
    """Gives fresh copies of one log."""
    folder = tmp_path_factory.mktemp("insider")
    drop = 'DROP DATABASE IF EXISTS "{}" WITH (FORCE)'
    postgres_admin.execute(f'CREATE DATABASE "{BASE}"')
    kept = fill(postgres_server.get_uri(database=BASE), folder, folder / "keys")

    def fresh() -> str:
        postgres_admin.execute(drop.format(COPY))
        postgres_admin.execute(f'CREATE DATABASE "{COPY}" TEMPLATE "{BASE}"')
        return str(postgres_server.get_uri(database=COPY))

    yield fresh, folder / "keys", kept
    for name in (COPY, BASE):
        postgres_admin.execute(drop.format(name))


def commit(url: str, deed: Deed) -> None:
    """Do it past the library, as the owner of the database, whom no trigger stops."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET allow_system_table_mods = on")
        for statement in POSTGRES_LIFTED:
            connection.execute(statement)

        def run(statement: str, *values: Any) -> list[Any]:
            cursor = connection.execute(statement.replace("?", "%s"), values or None)
            return cursor.fetchall() if cursor.description else []

        do(deed, run)
        for statement in POSTGRES_GUARDS:
            # What the trigger hung on may be gone, or another thing.
            with suppress(psycopg.Error):
                connection.execute(statement)


@pytest.mark.parametrize("what", sorted(table().keys() | ACTS.keys()))
def test_what_is_found_on_postgresql_is_what_the_table_says(
    what: str, whole: tuple[Callable[[], str], Path, Kept]
) -> None:
    fresh, keys, kept = whole
    _, said = table()[what]
    deeds = ACTS[what].postgres
    if not deeds:
        assert said == NONE
    for deed in deeds:
        url = fresh()
        commit(url, deed)
        assert judge(url, keys, kept) == said
