"""The work: the same payments and the same accounts for every contender, on every machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from threading import Barrier
from time import perf_counter
from typing import NamedTuple
from uuid import UUID

METHODS = ("wechat", "transfer", "alipay", "cash")
ACTOR = "system:import"
FIRST_DAY = date(2011, 1, 1)
ARREARS_DAY = date(2011, 7, 1)
SEED = 20_110_701
FIRST_INSTANT = datetime(2011, 1, 2, 1, 30, tzinfo=UTC)


class Payment(NamedTuple):
    """A payment of a household: the seven fields every contender stores, and when it was known."""

    payment: str
    amount_fen: int
    paid_on: date
    method: str
    charge: str | None
    household: str
    actor: str
    recorded: datetime


class Charge(NamedTuple):
    """A charge of a household."""

    charge: str
    kind: str
    period: str
    amount_fen: int
    due: date
    recorded: datetime


def household(number: int) -> str:
    """The household with that number."""
    return f"V{number:06}"


def identity(number: int) -> UUID:
    """Its id where ids are UUIDs: spread like random ones, the same in every run."""
    return UUID(bytes=sha256(f"account {number}".encode()).digest()[:16], version=4)


def command_id(number: int) -> str:
    """A command id, as random ids look."""
    return str(UUID(bytes=sha256(f"command {number}".encode()).digest()[:16], version=4))


def digest(number: int) -> str:
    """What a command's digest looks like."""
    return sha256(f"digest {number}".encode()).hexdigest()


def payment(account: int, number: int) -> Payment:
    """A payment of an account, by its number within the account."""
    seed = account * 7919 + number * 104_729
    day = FIRST_DAY + timedelta(days=seed % 365)
    who = household(account)
    return Payment(
        f"P{who}-{number}",
        10_000 + seed % 90_001,
        day,
        METHODS[seed % 4],
        f"C{who}-{day:%Y%m}" if seed % 3 else None,
        who,
        ACTOR,
        FIRST_INSTANT + timedelta(minutes=seed % 500_000),
    )


def payments(account: int, count: int) -> list[Payment]:
    """The first payments of an account."""
    return [payment(account, number) for number in range(1, count + 1)]


def charge(account: int, number: int) -> Charge:
    """A monthly charge of an account."""
    due = date(1985 + number // 12, number % 12 + 1, 1)
    return Charge(
        f"C{household(account)}-{due:%Y%m}",
        "management_fee",
        f"{due:%Y-%m}",
        10_000 + account % 90_001,
        due,
        FIRST_INSTANT + timedelta(minutes=number),
    )


def in_threads(tasks: Sequence[Callable[[], None]]) -> float:
    """Seconds from the moment all threads are there until the last one is done."""
    start = Barrier(len(tasks) + 1)

    def run(task: Callable[[], None]) -> None:
        start.wait()
        task()

    with ThreadPoolExecutor(len(tasks)) as pool:
        running = [pool.submit(run, task) for task in tasks]
        start.wait()
        started = perf_counter()
        for one in running:
            one.result()
        return perf_counter() - started
