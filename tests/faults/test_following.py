"""Eight writers whose commits are held back at random, four followers: nothing is missed."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from faults.following import hasty, naive, run

LONG, SHORT = 100_000, 10_000


@pytest.mark.rule("LOG-03")
def test_followers_on_postgresql_miss_nothing(
    postgres_url: str, seeded: Random, long: bool
) -> None:
    seen, truth = run([postgres_url], events=LONG if long else SHORT, random=seeded)
    check(seen, truth)


@pytest.mark.rule("LOG-03")
def test_followers_on_sqlite_miss_nothing(tmp_path: Path, seeded: Random, long: bool) -> None:
    url = f"sqlite:///{tmp_path}/crm.db"
    seen, truth = run([url], events=LONG if long else SHORT, random=seeded)
    check(seen, truth)
    assert [position for position, _ in truth] == list(range(1, len(truth) + 1))


def check(seen: list[list[tuple[int, str]]], truth: list[tuple[int, str]]) -> None:
    print(f"{len(truth)} events, {len(seen)} followers")
    assert len({text for _, text in truth}) == len(truth) > 0
    for one in seen:
        missed, doubled = set(truth) - set(one), len(one) - len(set(one))
        assert (len(missed), doubled) == (0, 0), sorted(missed)[:3]
        assert one == truth


@pytest.mark.parametrize("planted", [naive, hasty])
def test_planted_followers_are_caught(planted: object, postgres_url: str, seeded: Random) -> None:
    seen, truth = run(
        [postgres_url],
        events=2_000,
        random=seeded,
        follow=planted,  # type: ignore[arg-type]
        patience=0.3,
    )
    with pytest.raises(AssertionError):
        check(seen, truth)
