"""A few hundred of the changes that `nox -s damage` does by the thousand."""

from __future__ import annotations

from pathlib import Path
from random import Random  # noqa: TID251 - seeded: the same damage in every run

import pytest

from crm_adapters.eventlog import sqlite_checks
from eventlog.damage import Judge, by_statement, make, try_out

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
