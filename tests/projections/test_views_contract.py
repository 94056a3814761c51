"""Every store of views keeps the contract of the port, in the log's database and beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from eventsourcing.popo import POPOApplicationRecorder

from crm_adapters.codec import Codec
from crm_adapters.eventlog.database import Database
from crm_adapters.eventlog.log import CodecEventLog
from crm_adapters.eventlog.memory import MemoryStore
from crm_adapters.eventlog.opening import open_database
from crm_adapters.eventlog.store import RowStore
from crm_adapters.eventsourcing import RecorderStore
from crm_adapters.keys import LocalVault
from crm_adapters.projections import DatabaseViewStore, LogViews, MemoryViewStore, ViewStore
from crm_adapters.wiring import SystemClock
from crm_core.kernel.catalog import Catalog
from crm_core.ports import EventLog, Views
from crm_core.testing.contracts import ViewsContract


class AdapterContract(ViewsContract):
    @pytest.fixture(autouse=True)
    def resources(self) -> Iterator[None]:
        with ExitStack() as self.held:
            self.vault = LocalVault()
            self.held.callback(self.vault.close)
            self.stores: dict[int, tuple[RowStore, ViewStore]] = {}
            yield

    def make_store(self) -> RowStore:
        raise NotImplementedError

    def make_view_store(self, store: RowStore) -> ViewStore:
        raise NotImplementedError

    def make_log(self, catalog: Catalog) -> EventLog:
        store = self.make_store()
        self.held.callback(store.close)
        return CodecEventLog(store, Codec(catalog, self.vault))

    def reopen(self, log: EventLog, catalog: Catalog) -> EventLog:
        assert isinstance(log, CodecEventLog)
        return CodecEventLog(log.store, Codec(catalog, self.vault))

    def make_views(self, log: EventLog, batch: int) -> Views:
        store: Any = log.store  # type: ignore[attr-defined]
        key = id(store)
        if key not in self.stores:
            self.stores[key] = (store, self.make_view_store(store))
        return LogViews(log, self.stores[key][1], SystemClock(), batch=batch)


class FileContract(AdapterContract):
    @pytest.fixture(autouse=True)
    def folder(self, tmp_path: Path) -> None:
        self.path, self.made = tmp_path, 0

    def new_database(self) -> Database:
        self.made += 1
        return open_database(f"sqlite:///{self.path / str(self.made)}.db", create=True)


class TestMemory(AdapterContract):
    def make_store(self) -> RowStore:
        return MemoryStore()

    def make_view_store(self, store: RowStore) -> ViewStore:
        return MemoryViewStore()


class TestBridge(TestMemory):
    """A log in a recorder of the eventsourcing library."""

    def make_store(self) -> RowStore:
        return RecorderStore(POPOApplicationRecorder())


class TestSqlite(FileContract):
    def make_store(self) -> RowStore:
        return self.new_database()

    def make_view_store(self, store: RowStore) -> ViewStore:
        assert isinstance(store, Database)
        return DatabaseViewStore(store)


class TestAnotherDatabase(FileContract):
    """The log in memory, its views in a file."""

    def make_store(self) -> RowStore:
        return MemoryStore()

    def make_view_store(self, store: RowStore) -> ViewStore:
        views = DatabaseViewStore(self.new_database(), owned=True)
        self.held.callback(views.close)
        return views


class TestPostgres(AdapterContract):
    @pytest.fixture(autouse=True)
    def server(self, new_postgres: Callable[[], str]) -> None:
        self.new_postgres = new_postgres

    def make_store(self) -> RowStore:
        return open_database(self.new_postgres(), create=True)

    def make_view_store(self, store: RowStore) -> ViewStore:
        assert isinstance(store, Database)
        return DatabaseViewStore(store)


class TestMariadb(AdapterContract):
    @pytest.fixture(autouse=True)
    def server(self, new_mariadb: Callable[[], str]) -> None:
        self.new_mariadb = new_mariadb

    def make_store(self) -> RowStore:
        return open_database(self.new_mariadb(), create=True)

    def make_view_store(self, store: RowStore) -> ViewStore:
        assert isinstance(store, Database)
        return DatabaseViewStore(store)
