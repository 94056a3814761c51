"""eventsourcing: its event store with its own recorders, or with those of its SQLAlchemy extension.

It stores the same seven fields, with the same types; a transcoding for days is added as its
documentation tells. Aggregates fold into plain dicts, the cheapest that it allows.
"""

from __future__ import annotations

import gc
from datetime import date
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from itertools import count as counter
from time import perf_counter
from typing import Any
from urllib.parse import parse_qs, urlsplit

from eventsourcing.application import Repository
from eventsourcing.domain import Aggregate
from eventsourcing.persistence import (
    DatetimeAsISO,
    DecimalAsStr,
    EventStore,
    InfrastructureFactory,
    Transcoding,
    UUIDAsHex,
)
from eventsourcing.utils import Environment

from contenders import work


class DateAsISO(Transcoding):
    """Days as text."""

    type = date
    name = "date_iso"

    def encode(self, obj: date) -> str:
        return obj.isoformat()

    def decode(self, data: str) -> date:
        return date.fromisoformat(data)


class Account(Aggregate):
    """The account of a household."""

    class Opened(Aggregate.Created):
        """The first event of every aggregate of this library."""

        household: str

    class ChargeRaised(Aggregate.Event):
        """A charge falls due."""

        charge: str
        kind: str
        period: str
        amount_fen: int
        due: date

        def apply(self, aggregate: Any) -> None:
            aggregate.charges[self.charge] = (self.amount_fen, self.due, self.kind, self.period)

    class PaymentReceived(Aggregate.Event):
        """Money came in."""

        payment: str
        amount_fen: int
        paid_on: date
        method: str
        charge: str | None
        household: str
        actor: str

        def apply(self, aggregate: Any) -> None:
            aggregate.payments[self.payment] = (
                self.amount_fen, self.paid_on, self.method, self.charge,
            )  # fmt: skip

    def __init__(self, household: str) -> None:
        self.household = household
        self.charges: dict[str, Any] = {}
        self.payments: dict[str, Any] = {}


def _put_all(put: Any, tasks: list[Any]) -> None:
    for events in tasks:
        put(events)


class Contender:
    """What it can be asked for."""

    def __init__(self) -> None:
        self._stores: dict[str, tuple[Any, EventStore[Any]]] = {}
        self._numbers = counter(1)

    def versions(self) -> dict[str, str]:
        found = {}
        for name in ("eventsourcing", "eventsourcing_sqlalchemy", "sqlalchemy", "psycopg"):
            try:
                found[name] = version(name)
            except PackageNotFoundError:
                continue
        return found

    def append(self, url: str, batch: int, count: int, module: str = "") -> float:
        """Put `count` batches, each into a new aggregate."""
        put = self._store(url, module).put
        tasks = [received(next(self._numbers), batch) for _ in range(count)]
        gc.collect()
        started = perf_counter()
        for events in tasks:
            put(events)
        return perf_counter() - started

    def append_from_threads(self, url: str, writers: int, each: int) -> float:
        """Put one event at a time from several threads, each into a new aggregate."""
        put = self._store(url).put
        tasks = [[received(next(self._numbers), 1) for _ in range(each)] for _ in range(writers)]
        gc.collect()
        return work.in_threads([partial(_put_all, put, task) for task in tasks])

    def put_many(self, url: str, events: int, batch: int, streams: int) -> float:
        """Put so many events in batches, spread over so many aggregates; making them is free."""
        put = self._store(url).put
        seconds = 0.0
        for first in range(0, events, batch):
            task = [
                _received(
                    work.identity(n % streams), n // streams + 1, work.payment(n % streams, n)
                )
                for n in range(first, min(first + batch, events))
            ]
            started = perf_counter()
            put(task)
            seconds += perf_counter() - started
        return seconds

    def prepare(self, url: str, accounts: int, size: int) -> None:
        """Fill a store with aggregates that grow side by side, one event at a time."""
        store = self._store(url)
        for version_ in range(1, size + 1):
            store.put([account_event(number, version_) for number in range(1, accounts + 1)])

    def load(self, url: str, first: int, count: int, size: int) -> float:
        """Load `count` aggregates through the library's repository."""
        repository: Repository[Any] = Repository(self._store(url))
        identities = [work.identity(number) for number in range(first, first + count)]
        gc.collect()
        started = perf_counter()
        for identity in identities:
            account: Any = repository.get(identity)
        seconds = perf_counter() - started
        assert account.version == size
        assert len(account.charges) + len(account.payments) == size - 1
        return seconds

    def arrears(self, url: str, households: int) -> float:
        """Arrears of everybody from aggregates, each loaded through the library's repository."""
        repository: Repository[Any] = Repository(self._store(url))
        identities = [work.identity(number) for number in range(1, households + 1)]
        gc.collect()
        started = perf_counter()
        owing = 0
        for identity in identities:
            account: Any = repository.get(identity)
            owing += _overdue(account) > 0
        seconds = perf_counter() - started
        assert owing
        return seconds

    def close(self, url: str) -> None:
        self._stores.pop(url)[0].close()

    def close_all(self) -> None:
        for url in list(self._stores):
            self.close(url)

    def _store(self, url: str, module: str = "") -> EventStore[Any]:
        if url not in self._stores:
            settings = {"PERSISTENCE_MODULE": module, "SQLALCHEMY_URL": url}
            if not module:
                settings = _own_settings(url)
            factory: Any = InfrastructureFactory.construct(Environment("bench", settings))
            transcoder = factory.transcoder()
            for transcoding in (UUIDAsHex(), DecimalAsStr(), DatetimeAsISO(), DateAsISO()):
                transcoder.register(transcoding)
            store = factory.event_store(mapper=factory.mapper(transcoder=transcoder))
            self._stores[url] = (factory, store)
        return self._stores[url][1]


def _overdue(account: Any) -> int:
    """Overdue on the day, the plainest way: what is due less what was paid, named or not."""
    day = work.ARREARS_DAY
    due = sum(fen for fen, on, *_ in account.charges.values() if on < day)
    paid = sum(fen for fen, on, *_ in account.payments.values() if on <= day)
    return max(due - paid, 0)


def _own_settings(url: str) -> dict[str, str]:
    """The library's settings for its own recorder; all else is as it comes."""
    if url.startswith("sqlite:///"):
        path = url.removeprefix("sqlite:///")
        return {"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": path}
    parts = urlsplit(url)
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": parts.path.strip("/"),
        "POSTGRES_HOST": parse_qs(parts.query)["host"][0],
        "POSTGRES_PORT": str(parts.port or 5432),
        "POSTGRES_USER": parts.username or "postgres",
        "POSTGRES_PASSWORD": parts.password or "none",
    }


def received(account: int, batch: int) -> list[Any]:
    """Payments of a new aggregate."""
    identity = work.identity(account)
    return [
        _received(identity, number, fact)
        for number, fact in enumerate(work.payments(account, batch), 1)
    ]


def account_event(account: int, number: int) -> Any:
    """An aggregate's events: its beginning, then charges and payments in turn."""
    identity = work.identity(account)
    if number == 1:
        return Account.Opened(
            originator_topic=f"{Account.__module__}:Account",
            originator_id=identity,
            originator_version=1,
            timestamp=work.FIRST_INSTANT,
            household=work.household(account),
        )
    if number % 2:
        *fields, recorded = work.charge(account, number // 2)
        return Account.ChargeRaised(identity, number, recorded, *fields)
    return _received(identity, number, work.payment(account, number // 2))


def _received(identity: Any, number: int, fact: work.Payment) -> Any:
    *fields, recorded = fact
    return Account.PaymentReceived(identity, number, recorded, *fields)
