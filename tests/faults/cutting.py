"""Programs that send commands over a line that is cut, and what they are to do about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from random import Random
from time import monotonic, sleep
from typing import Any

from attrs import define, field

from crm_adapters.eventlog.log import CodecEventLog
from crm_core.errors import CommitUnknown, Failed, StoreUnreachable
from crm_core.kernel.recorded import Commit, Tip
from faults.line import ANSWER, ASK, CuttingLine
from faults.logs import note

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
    server: Any
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
