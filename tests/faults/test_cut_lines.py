"""The line to the server is cut at any byte of an append: its command id tells what happened."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import psycopg
import pytest
from sqlalchemy.engine import make_url

from crm_core.kernel.recorded import Commit
from faults.cutting import (
    LONG,
    SHORT_SECONDS,
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
