"""The line to a MariaDB server is cut at any byte of an append (LOG-01)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from time import monotonic, sleep
from typing import Any

import pytest
from sqlalchemy.engine import make_url

from crm_core.kernel.recorded import Commit
from faults.cutting import (
    LONG,
    Caller,
    check,
    commit,
    drill,
    in_bulk,
    named,
    singly,
    taken_for_done,
    taken_for_undone,
    with_a_new_id,
)
from faults.line import CuttingLine
from faults.logs import note, open_log
from mariadb_server import MariaServer

SHORT = 40
"""Cuts of a short run; each costs what an append and its repetition do."""

pytestmark = [
    pytest.mark.rule("LOG-01"),
    # Of sockets whose line was cut while the driver made a connection.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


class MariaCaller(Caller):
    """The same over a line to MariaDB."""

    def wait_until_settled(self) -> None:
        """Until no transaction is open on the server any more."""
        deadline = monotonic() + 10
        server: Any = self.server
        while server.run("SELECT count(*) FROM information_schema.innodb_trx") != [(0,)]:
            assert monotonic() < deadline
            sleep(0.001)


@pytest.fixture
def caller(
    new_mariadb: Callable[[], str], mariadb_server: MariaServer, seeded: Random
) -> Iterator[Caller]:
    url = new_mariadb()
    line = CuttingLine(mariadb_server.socket)
    direct = open_log(url)
    log = open_log(f"mariadb+pymysql://root@127.0.0.1:{line.port}/{make_url(url).database}")
    server: Any = mariadb_server
    yield MariaCaller(log, direct, line, server, seeded, word=b"COMMIT")
    log.close()
    direct.close()
    line.close()


def test_a_single_append_cut_anywhere_is_resolved_by_its_id(caller: Caller, long: bool) -> None:
    cuts = drill(
        caller,
        singly,
        lambda n: [commit(caller, f"c{n}x{1 + n % 3}", f"a/{n % 5}")],
        caller.resolve,
        cuts=LONG if long else SHORT,
        seconds=600,
    )
    print(f"{cuts} cuts: {dict(caller.outcomes)}")
    assert cuts >= SHORT
    assert min(caller.outcomes["unreachable"], caller.outcomes["unknown"]) > cuts / 20
    check(caller)


def test_a_bulk_append_cut_anywhere_is_whole_or_nothing(caller: Caller, long: bool) -> None:
    def many(n: int) -> list[Commit]:
        return [note(f"b{n}-{c}x99", f"b{n}/{c}", None, named(f"b{n}-{c}x99")) for c in range(11)]

    def resolve(commits: list[Commit], ended: str) -> None:
        caller.wait_until_settled()
        done = caller.direct.outcomes([one.command for one in commits])
        assert len(done) in (0, len(commits))
        caller.resolve(commits, ended)

    cuts = drill(caller, in_bulk, many, resolve, cuts=LONG if long else SHORT, seconds=600)
    print(f"{cuts} cuts: {dict(caller.outcomes)}")
    assert cuts >= SHORT
    assert min(caller.outcomes["unreachable"], caller.outcomes["unknown"]) > cuts / 20
    check(caller)


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
