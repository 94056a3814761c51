"""A few hundred of the changes that `nox -s damage` does by the thousand."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from random import Random  # noqa: TID251 - seeded: the same damage in every run

import pytest

from crm_adapters.eventlog import sqlite_checks
from eventlog.damage import PAGE, Judge, by_statement, make, try_out

pytestmark = [pytest.mark.rule("LOG-04"), pytest.mark.case("K50", "K51")]


def test_no_damage_gives_a_wrong_answer_under_an_intact(tmp_path: Path) -> None:
    """Given a log, when its file is changed, then `verify` says so or every answer is the same."""
    seen, bad = try_out(tmp_path, Random(2026), 120, 120)
    assert not bad
    assert seen["found"] > 40, seen
    assert seen["refused"] > 5, seen
    assert seen["harmless"] > 20, seen


def test_the_harness_finds_a_verifier_that_reads_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if kinds of values and indexes were not looked at: then something would be wrong."""
    path = make(tmp_path)
    judge = Judge(path)
    monkeypatch.setattr(sqlite_checks.SqliteInspection, "_of_table", lambda *_: iter(()))
    seen = set()
    for seed in range(400):
        copy = tmp_path / "changed.db"
        copy.write_bytes(path.read_bytes())
        if "a blob" in by_statement(copy, Random(seed)):
            seen.add(judge.judge(copy))
        if "wrong" in seen:
            return
    pytest.fail(f"nothing was wrong: {seen}")


@pytest.mark.case("K51")
@pytest.mark.parametrize("index", ["crm_events_household", "sqlite_autoindex_crm_events_2"])
def test_an_entry_whose_length_is_another_leads_nobody_astray(tmp_path: Path, index: str) -> None:
    """Its key is found as before, and readers take the row's number from where it ends."""
    path = make(tmp_path)
    judge = Judge(path)
    data = path.read_bytes()
    with closing(sqlite3.connect(path)) as connection:
        [(root,)] = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = ?", (index,)
        )
    leaf = (root - 1) * PAGE
    while data[leaf] == 2:
        # Of a page that only leads on, its first cell begins with the number of the next.
        cell = leaf + int.from_bytes(data[leaf + 12 : leaf + 14], "big")
        leaf = (int.from_bytes(data[cell : cell + 4], "big") - 1) * PAGE
    count = int.from_bytes(data[leaf + 3 : leaf + 5], "big")
    came = set()
    for cell in range(1, count, 6):
        place = leaf + 8 + 2 * cell
        at = leaf + int.from_bytes(data[place : place + 2], "big")
        changed = bytearray(data)
        changed[at] ^= 32
        copy = tmp_path / "changed.db"
        copy.write_bytes(changed)
        came.add(judge.judge(copy))
    assert came <= {"found", "harmless", "refused"}
    assert "found" in came
