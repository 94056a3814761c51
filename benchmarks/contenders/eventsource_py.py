"""eventsource-py: its repository over its SQLite store, folding into plain dicts."""

from __future__ import annotations

import asyncio
import gc
from datetime import date
from importlib.metadata import version
from time import perf_counter
from typing import Any
from uuid import UUID

from eventsource import (
    AggregateRepository,
    DeclarativeAggregate,
    DomainEvent,
    ExpectedVersion,
    SQLiteEventStore,
    StreamId,
    handles,
    register_event,
)
from pydantic import BaseModel, Field

from contenders import work

KIND = "Account"


@register_event
class ChargeRaised(DomainEvent):
    """A charge falls due."""

    aggregate_type: str = KIND
    charge: str
    kind: str
    period: str
    amount_fen: int
    due: date


@register_event
class PaymentReceived(DomainEvent):
    """Money came in."""

    aggregate_type: str = KIND
    payment: str
    amount_fen: int
    paid_on: date
    method: str
    charge: str | None
    household: str
    actor: str


class AccountState(BaseModel):
    """The account of a household."""

    charges: dict[str, Any] = Field(default_factory=dict)
    payments: dict[str, Any] = Field(default_factory=dict)


class Account(DeclarativeAggregate[AccountState]):
    """The aggregate."""

    aggregate_type = KIND

    def __init__(self, aggregate_id: UUID) -> None:
        super().__init__(aggregate_id)
        self._state = AccountState()

    def _get_initial_state(self) -> AccountState:
        return AccountState()

    @handles(ChargeRaised)
    def _raised(self, event: ChargeRaised) -> None:
        self.state.charges[event.charge] = (event.amount_fen, event.due, event.kind, event.period)

    @handles(PaymentReceived)
    def _received(self, event: PaymentReceived) -> None:
        self.state.payments[event.payment] = (
            event.amount_fen, event.paid_on, event.method, event.charge,
        )  # fmt: skip


class Contender:
    """What it can be asked for."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._stores: dict[str, SQLiteEventStore] = {}

    def versions(self) -> dict[str, str]:
        return {name: version(name) for name in ("eventsource-py", "pydantic", "aiosqlite")}

    def prepare(self, url: str, accounts: int, size: int) -> None:
        """Fill a store with aggregates that grow side by side, ten events at a time."""
        self._loop.run_until_complete(self._prepare(url, accounts, size))

    async def _prepare(self, url: str, accounts: int, size: int) -> None:
        store = self._store(url)
        for first in range(1, size + 1, 10):
            for number in range(1, accounts + 1):
                identity = work.identity(number)
                events = [
                    account_event(identity, number, version_)
                    for version_ in range(first, min(first + 10, size + 1))
                ]
                await store.append(StreamId(identity, KIND), events, ExpectedVersion.any_())

    def load(self, url: str, first: int, count: int, size: int) -> float:
        """Load `count` aggregates through the library's repository."""
        return self._loop.run_until_complete(self._load(url, first, count, size))

    async def _load(self, url: str, first: int, count: int, size: int) -> float:
        repository: Any = AggregateRepository(self._store(url), Account, enable_tracing=False)
        identities = [work.identity(number) for number in range(first, first + count)]
        gc.collect()
        started = perf_counter()
        for identity in identities:
            account = await repository.load(identity)
        seconds = perf_counter() - started
        assert account.version == size
        assert len(account.state.charges) + len(account.state.payments) == size
        return seconds

    def close(self, url: str) -> None:
        self._loop.run_until_complete(self._stores.pop(url).close())

    def close_all(self) -> None:
        for url in list(self._stores):
            self.close(url)

    def _store(self, url: str) -> SQLiteEventStore:
        if url not in self._stores:
            self._stores[url] = SQLiteEventStore(url.removeprefix("sqlite:///"))
        return self._stores[url]


def account_event(identity: UUID, account: int, number: int) -> DomainEvent:
    """An aggregate's events: charges and payments in turn."""
    if number % 2:
        raised = work.charge(account, number // 2)._asdict()
        recorded = raised.pop("recorded")
        return ChargeRaised(
            aggregate_id=identity, aggregate_version=number, occurred_at=recorded, **raised
        )
    received = work.payment(account, number // 2)._asdict()
    recorded = received.pop("recorded")
    return PaymentReceived(
        aggregate_id=identity, aggregate_version=number, occurred_at=recorded, **received
    )
