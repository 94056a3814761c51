"""The line to the server is cut at any byte of an append: its command id tells what happened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from random import Random
from time import monotonic, sleep
from typing import Any

import psycopg
import pytest
from attrs import define, field
from sqlalchemy.engine import make_url

from crm_adapters.eventlog.log import CodecEventLog
from crm_core.errors import CommitUnknown, Failed, StoreUnreachable
from crm_core.kernel.recorded import Commit, Tip
from faults.line import ANSWER, ASK, CuttingLine
from faults.logs import note, open_log

LONG = 1000
SHORT_SECONDS = 6.0

Append = Callable[[CodecEventLog, Sequence[Commit]], Any]
"""How commits are sent the first time: one by one, or in bulk."""


def singly(log: CodecEventLog, commits: Sequence[Commit]) -> None:
    log.append(list(commits))


def in_bulk(log: CodecEventLog, commits: Sequence[Commit]) -> None:
    log.append(iter(commits))


@define
class Caller:
    """A program that sends commands over a line that is cut, and believes what it is told.

    Args:
        log: Over the line.
        direct: Beside it.
    """

    log: CodecEventLog
    direct: CodecEventLog
    line: CuttingLine
    server: psycopg.Connection[Any]
    random: Random
    word: bytes = b"crm_append"
    """What the client says when it commits."""
    believed: list[str] = field(factory=list)
    """Commands taken for done, in order."""
    outcomes: Counter[str] = field(factory=Counter)

    def learn(self, send: Append, commits: Callable[[], list[Commit]]) -> dict[str, int]:
        """How many bytes an exchange has, each way."""
        known = commits()
        self.line.arm()
        send(self.log, known)
        self.believed += [commit.command for commit in known]
        return dict(self.line.carried)

    def cut(self, send: Append, commits: list[Commit], length: dict[str, int]) -> str:
        """Send once, with a cut at a random byte; how it ended."""
        way = self.random.choice((ASK, ANSWER))
        if self.random.random() < 0.5:
            self.line.arm(way, self.random.randrange(length[way]))
        else:
            # The commit is short beside all that is sent before it.
            self.line.arm(way, self.random.randrange(24), word=self.word)
        try:
            send(self.log, commits)
        except CommitUnknown:
            ended = "unknown"
        except StoreUnreachable:
            ended = "unreachable"
        else:
            ended = "done"
        self.line.arm()
        self.outcomes[ended] += 1
        return ended

    def wait_until_settled(self) -> None:
        """Until the server has no session of ours left that is in a transaction."""
        deadline = monotonic() + 10
        busy = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND state <> 'idle'"
        )
        while self.server.execute(busy).fetchone() != (0,):
            assert monotonic() < deadline
            sleep(0.001)

    def resolve(self, commits: list[Commit], ended: str) -> None:
        """What every caller is to do: the same commands again, until one is heard."""
        names = [commit.command for commit in commits]
        if ended == "unreachable":
            # It says that nothing was written; that must be so, also later.
            self.wait_until_settled()
            assert self.direct.outcomes(names) == {}
        again: list[Any] = []
        while not again:
            with suppress(Failed):
                again = self.log.append(commits)
        assert [one.command for one in again] == names
        self.believed += names


@pytest.fixture
def caller(postgres_url: str, seeded: Random) -> Iterator[Caller]:
    parsed = make_url(postgres_url)
    line = CuttingLine(Path(str(parsed.query["host"])) / ".s.PGSQL.5432")
    direct = open_log(postgres_url)
    url = f"postgresql://postgres:@127.0.0.1:{line.port}/{parsed.database}?sslmode=disable"
    log = open_log(url)
    with psycopg.connect(postgres_url, autocommit=True) as server:
        yield Caller(log, direct, line, server, seeded)
    log.close()
    direct.close()
    line.close()


def check(caller: Caller) -> None:
    """What callers believe is what stands: nothing lost, nothing doubled."""
    caller.wait_until_settled()
    stands = Counter(one.event.text for one in caller.direct.feed(upto=2**62))
    expected = Counter(text for command in caller.believed for text in named(command))
    assert stands - expected == Counter(), "doubled, or done against what was believed"
    assert expected - stands == Counter(), "lost"
    assert caller.direct.verify().intact


def named(command: str) -> list[str]:
    """The texts that a command notes: how many there are stands in its name."""
    name, _, many = command.replace("+", "").rpartition("x")
    return [f"{name}.{n}" for n in range(int(many))]


def commit(caller: Caller, command: str, stream: str) -> Commit:
    tip = caller.direct.tips([stream]).get(stream, Tip())
    return note(command, stream, tip, named(command))


def drill(
    caller: Caller,
    send: Append,
    make: Callable[[int], list[Commit]],
    resolve: Callable[[list[Commit], str], None],
    *,
    cuts: int,
    seconds: float,
) -> int:
    """Cut again and again, as often as asked or as time allows; how often it was."""
    length = caller.learn(send, lambda: make(-1))
    before, deadline = caller.line.cuts, monotonic() + seconds
    n = 0
    while caller.line.cuts - before < cuts and monotonic() < deadline:
        commits = make(n)
        n += 1
        ended = caller.cut(send, commits, length)
        if ended == "done":
            caller.believed += [one.command for one in commits]
        else:
            resolve(commits, ended)
    return caller.line.cuts - before


@pytest.mark.rule("LOG-01")
def test_a_single_append_cut_anywhere_is_resolved_by_its_id(caller: Caller, long: bool) -> None:
    cuts = drill(
        caller,
        singly,
        lambda n: [commit(caller, f"c{n}x{1 + n % 3}", f"a/{n % 5}")],
        caller.resolve,
        cuts=LONG,
        seconds=600 if long else SHORT_SECONDS,
    )
    print(f"{cuts} cuts: {dict(caller.outcomes)}")
    assert cuts == LONG or not long
    assert caller.outcomes["unknown"] > cuts / 4 > 10
    check(caller)


@pytest.mark.rule("LOG-01")
def test_a_bulk_append_cut_anywhere_is_whole_or_nothing(caller: Caller, long: bool) -> None:
    def many(n: int) -> list[Commit]:
        return [note(f"b{n}-{c}x20", f"b{n}/{c}", None, named(f"b{n}-{c}x20")) for c in range(60)]

    def resolve(commits: list[Commit], ended: str) -> None:
        caller.wait_until_settled()
        done = caller.direct.outcomes([one.command for one in commits])
        assert len(done) in (0, len(commits))
        caller.resolve(commits, ended)

    caller.word = b"COMMIT"
    cuts = drill(caller, in_bulk, many, resolve, cuts=LONG, seconds=600 if long else SHORT_SECONDS)
    print(f"{cuts} cuts: {dict(caller.outcomes)}")
    assert cuts == LONG or not long
    assert min(caller.outcomes["unreachable"], caller.outcomes["unknown"]) > cuts / 20 > 1
    check(caller)


# --- planted defects -----------------------------------------------------------------------------


def with_a_new_id(caller: Caller, commits: list[Commit], _ended: str) -> None:
    """Planted: the command is sent again under another id."""
    [one] = commits
    anew = f"{one.command.partition('x')[0]}+x{one.command.rpartition('x')[2]}"
    caller.wait_until_settled()
    caller.direct.append([commit(caller, anew, one.appends[0].stream)])
    caller.believed.append(anew)


def taken_for_undone(_caller: Caller, _commits: list[Commit], _ended: str) -> None:
    """Planted: an error at commit is taken for a command that was not done."""


def taken_for_done(caller: Caller, commits: list[Commit], _ended: str) -> None:
    """Planted: an error at commit is taken for a command that was done."""
    caller.believed += [one.command for one in commits]


@pytest.mark.parametrize("planted", [with_a_new_id, taken_for_undone, taken_for_done])
def test_callers_that_guess_are_caught(caller: Caller, planted: Any) -> None:
    drill(
        caller,
        singly,
        lambda n: [commit(caller, f"c{n}x1", f"a/{n % 5}")],
        lambda commits, ended: planted(caller, commits, ended),
        cuts=60,
        seconds=10,
    )
    with pytest.raises(AssertionError, match=r"lost|doubled"):
        check(caller)
