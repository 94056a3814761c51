"""A process that writes to SQLite is killed at any moment: what it was told stands, whole."""

from __future__ import annotations

import os
from collections import Counter
from contextlib import closing
from pathlib import Path
from random import Random
from time import sleep

import pytest

from faults.logs import open_log
from faults.racing import context
from faults.writing import EVENTS, write

LONG, SHORT = 5000, 50


def kill(url: str, name: str, random: Random, *, early: bool = False) -> list[str]:
    """Start a writer, kill it after a while; what it told before."""
    made = context()
    ours, theirs = made.Pipe(duplex=False)
    process = made.Process(target=write, args=(url, name, theirs), kwargs={"early": early})
    process.start()
    theirs.close()
    told = [os.read(ours.fileno(), 2**20)]
    sleep(random.random() * 0.05)
    process.kill()
    while told[-1]:
        told.append(os.read(ours.fileno(), 2**20))
    process.join()
    process.close()
    ours.close()
    return b"".join(told).decode().split("\n")[:-1]


def check(url: str, told: list[str]) -> int:
    with closing(open_log(url)) as log:
        stands = Counter(one.envelope.command for one in log.feed())
        lost = set(told) - set(stands)
        assert not lost, f"{len(lost)} acknowledged and lost"
        assert set(stands.values()) == {EVENTS}
        assert set(log.outcomes(list(stands))) == set(stands)
        verified = log.verify()
        assert verified.intact
        assert verified.events == log.head()
        return verified.events


@pytest.mark.rule("LOG-01")
def test_what_was_acknowledged_outlives_the_writer(
    tmp_path: Path, seeded: Random, long: bool
) -> None:
    kills, events, acknowledged = LONG if long else SHORT, 0, 0
    for start in range(0, kills, SHORT):
        url = f"sqlite:///{tmp_path}/{start}.db"
        told: list[str] = []
        for n in range(SHORT):
            told += kill(url, f"k{n}", seeded)
            if n == SHORT // 2:
                check(url, told)
        events += check(url, told)
        acknowledged += len(told)
        (tmp_path / f"{start}.db").unlink()
    print(f"{kills} kills, {acknowledged} acknowledged, {events} events")
    assert acknowledged > kills


def test_an_acknowledgement_before_the_append_is_caught(tmp_path: Path, seeded: Random) -> None:
    url = f"sqlite:///{tmp_path}/crm.db"
    told = [one for n in range(8) for one in kill(url, f"k{n}", seeded, early=True)]
    with pytest.raises(AssertionError, match="acknowledged and lost"):
        check(url, told)
