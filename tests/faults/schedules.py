"""Sessions driven step by step through every order of their steps: races without timing."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from itertools import count
from typing import Any

import psycopg

from crm_adapters.eventlog.database import Database
from crm_adapters.eventlog.opening import open_database
from faults.logs import batch, note, open_log

Steps = Mapping[str, Sequence[str]]
"""What each session does, in its order."""

PLAN: Steps = {
    "B": ("begin", "write", "commit"),
    "C": ("begin", "commit"),
    "A": ("write", "commit"),
}
"""B draws an id and then writes two events; C sits idle with an id; A writes one event."""

FIXED = ("B.begin", "C.begin", "A.write", "A.commit", "B.write", "B.commit", "C.commit")
"""The schedule that caught peers: who began last writes first, the idle one ends last."""


def interleavings(plan: Steps) -> Iterator[tuple[str, ...]]:
    """Every order in which the steps of the sessions can come."""

    def go(left: Mapping[str, Sequence[str]], done: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        if not any(left.values()):
            yield done
        for name, steps in left.items():
            if steps:
                yield from go({**left, name: steps[1:]}, (*done, f"{name}.{steps[0]}"))

    yield from go(plan, ())


class World(ABC):
    """A table of events with a way to write it and a way to follow it.

    What is written are texts; `truth` tells which are committed, in the order of their places.
    """

    events = 2
    """How many the session B writes."""

    @abstractmethod
    def begin(self, session: str) -> None:
        """Open a transaction and draw an id."""

    @abstractmethod
    def write(self, session: str, texts: Sequence[str]) -> None:
        """Write in the session's transaction, which is begun if it is not open."""

    @abstractmethod
    def end(self, session: str, *, commit: bool) -> None:
        """Commit or roll back."""

    @abstractmethod
    def read(self) -> list[str]:
        """What has come since the last call."""

    @abstractmethod
    def truth(self) -> list[str]:
        """All that is committed."""

    @abstractmethod
    def close(self) -> None:
        """Give back what is held open."""


def run(world: World, order: Sequence[str], *, aborted: str = "") -> tuple[list[str], list[str]]:
    """Drive the world through one schedule; what a follower saw, and what is true.

    Args:
        aborted: The session that rolls back where the schedule says commit.
    """
    world.read()
    before = len(world.truth())
    seen: list[str] = []
    number = next(_NUMBERS)
    for step in order:
        name, _, what = step.partition(".")
        if what == "begin":
            world.begin(name)
        elif what == "write":
            many = world.events if name == "B" else 1
            world.write(name, [f"{number}-{name}-{n}" for n in range(many)])
        else:
            world.end(name, commit=name != aborted)
        seen += world.read()
    return seen, world.truth()[before:]


def caught(world: World, *, plan: Steps = PLAN) -> tuple[str, ...] | None:
    """The first schedule in which a follower of the world misses something, or sees it twice."""
    for order in interleavings(plan):
        seen, truth = run(world, order)
        if seen != truth:
            return order
    return None


_NUMBERS = count()


class Ours(World):
    """Our own tables, written through the server's functions, followed as a log is followed."""

    def __init__(self, url: str) -> None:
        self.log = open_log(url)
        store = self.log.store
        assert isinstance(store, Database)
        self.database = store
        self.sessions = {name: psycopg.connect(_plain(url), autocommit=True) for name in "ABC"}
        for session in self.sessions.values():
            session.execute("SELECT set_config('crm.tenant', '', false)")
        self.after = 0

    def begin(self, session: str) -> None:
        self.sessions[session].execute("BEGIN")
        self.sessions[session].execute("SELECT pg_current_xact_id()")

    def write(self, session: str, texts: Sequence[str]) -> None:
        connection = self.sessions[session]
        if connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE:
            connection.execute("BEGIN")
        stream = texts[0]
        self.database.insert_with(connection.cursor(), batch(note(stream, stream, texts=texts)))

    def end(self, session: str, *, commit: bool) -> None:
        self.sessions[session].execute("COMMIT" if commit else "ROLLBACK")

    def read(self) -> list[str]:
        end = self.log.store.frontier().position
        found = [one.event.text for one in self.log.feed(after=self.after, upto=end)]
        assert end >= self.after
        self.after = end
        return found

    def truth(self) -> list[str]:
        return [one.event.text for one in self.log.feed(upto=2**62)]

    def close(self) -> None:
        self.log.close()
        for session in self.sessions.values():
            session.close()


class OursInBulk(Ours):
    """The same, where B appends in bulk: its first event draws the id, the second follows."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.bulk = open_database(url, create=True)
        self._open: AbstractContextManager[Any] | None = None
        self.writer: Any = None

    def begin(self, session: str) -> None:
        if session != "B":
            super().begin(session)
            return
        self._open = self.bulk.transaction()
        self.writer = self._open.__enter__()
        first = f"first-{next(_NUMBERS)}"
        self.writer.insert(batch(note(first, first, texts=[first])))

    def write(self, session: str, texts: Sequence[str]) -> None:
        if session != "B":
            super().write(session, texts)
            return
        self.writer.insert(batch(note(texts[0], texts[0], texts=texts)))

    def end(self, session: str, *, commit: bool) -> None:
        if session != "B":
            super().end(session, commit=commit)
            return
        assert self._open is not None
        if commit:
            self._open.__exit__(None, None, None)
        else:
            with suppress(RuntimeError):
                self._open.__exit__(RuntimeError, RuntimeError("given up"), None)

    def close(self) -> None:
        self.bulk.close()
        super().close()


class Naive(Ours):
    """A planted defect: the follower takes whatever it sees and goes on behind the last of it."""

    def read(self) -> list[str]:
        found = list(self.log.feed(after=self.after, upto=2**62))
        if found:
            self.after = found[-1].position
        return [one.event.text for one in found]


class Peers(World):
    """The design of comparable packages: a sequence for the order, the oldest id as the edge.

    Number and id are drawn at different moments, so their orders cross.
    """

    def __init__(self, url: str) -> None:
        plain = _plain(url)
        self.reader = psycopg.connect(plain, autocommit=True)
        self.reader.execute(
            "CREATE TABLE peer (id bigserial PRIMARY KEY, text text NOT NULL,"
            " txid xid8 NOT NULL DEFAULT pg_current_xact_id())"
        )
        self.sessions = {name: psycopg.connect(plain, autocommit=True) for name in "ABC"}
        self.after = 0

    def begin(self, session: str) -> None:
        self.sessions[session].execute("BEGIN")
        self.sessions[session].execute("SELECT pg_current_xact_id()")

    def write(self, session: str, texts: Sequence[str]) -> None:
        connection = self.sessions[session]
        if connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE:
            connection.execute("BEGIN")
        for text in texts:
            connection.execute("INSERT INTO peer (text) VALUES (%s)", (text,))

    def end(self, session: str, *, commit: bool) -> None:
        self.sessions[session].execute("COMMIT" if commit else "ROLLBACK")

    def read(self) -> list[str]:
        found = self.reader.execute(
            "SELECT id, text FROM peer WHERE id > %s"
            " AND txid < pg_snapshot_xmin(pg_current_snapshot()) ORDER BY id",
            (self.after,),
        ).fetchall()
        if found:
            self.after = found[-1][0]
        return [text for _, text in found]

    def truth(self) -> list[str]:
        return [text for [text] in self.reader.execute("SELECT text FROM peer ORDER BY id")]

    def close(self) -> None:
        for session in (self.reader, *self.sessions.values()):
            session.close()


def _plain(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://")
