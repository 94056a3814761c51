"""Cases of the library `eventsourcing`, run on our tables: it finds them by its own variables."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from gc import collect
from pathlib import Path
from typing import Any

import pytest

from crm_adapters.eventlog.database import Database
from crm_adapters.eventlog.opening import open_database

PERSISTENCE = "crm_adapters.eventsourcing"


@contextmanager
def threads_joined() -> Iterator[None]:
    """Waits for what the library's tests leave running: readers that are about to stop."""
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        thread.join(10)


class OnTables:
    """Gives a case a fresh database, open for recorders and named for applications."""

    database: Database
    url: str

    @contextmanager
    def held(self, url: str, *, contiguous: bool = True) -> Iterator[None]:
        self.url = url
        said = {"PERSISTENCE_MODULE": PERSISTENCE, "APPLICATION_DB": url}
        self.database = open_database(url, create=True, contiguous=contiguous)
        with pytest.MonkeyPatch.context() as patched:
            for name, value in said.items():
                patched.setenv(name, value)
            with threads_joined():
                yield
        self.database.close()
        # Some leave applications open, which close when they are let go.
        collect()


class OnSqlite(OnTables):
    @pytest.fixture(autouse=True)
    def _database(self, tmp_path: Path) -> Iterator[None]:
        with self.held(f"sqlite:///{tmp_path}/application.db"):
            yield


class OnPostgres(OnTables):
    @pytest.fixture(autouse=True)
    def _database(self, postgres_url: str) -> Iterator[None]:
        with self.held(postgres_url):
            yield


class OnLockFreePostgres(OnTables):
    """For those of the cases that do not spell positions out."""

    EXPECT_CONTIGUOUS_NOTIFICATION_IDS = False

    @pytest.fixture(autouse=True)
    def _database(self, postgres_url: str) -> Iterator[None]:
        with self.held(postgres_url, contiguous=False):
            yield


PLACES: tuple[type[OnTables], ...] = (OnSqlite, OnPostgres)


def placed(case: type, place: type, module: str) -> tuple[str, Any]:
    """A case of the library in a place, under a name that pytest collects."""
    name = f"Test{case.__name__}{place.__name__}"
    made = type(name, (place, case), {"__module__": module})
    return name, pytest.mark.rule("LOG-01", "LOG-03")(made)


def names_of(case: type) -> list[str]:
    return [name for name in dir(case) if name.startswith("test")]
