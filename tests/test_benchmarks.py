"""The benchmarks run; how fast anything is, is not a test's business."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

RUN = Path(__file__).parents[1] / "benchmarks" / "run.py"


def test_a_smoke_run_of_one_row_prints_its_table() -> None:
    """A smoke run ends well, prints the row asked for with its goal, and gives no verdict."""
    done = subprocess.run(
        [sys.executable, str(RUN), "--quick", "I1"],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    [row] = [line for line in done.stdout.splitlines() if line.startswith("| I1")]
    assert "import crm_core" in row
    assert "≤ 150 ms" in row
    assert "reached" not in row


@pytest.mark.rule("PRV-08")
@pytest.mark.case("L8")
def test_who_is_affected_has_a_row_with_its_goal() -> None:
    done = subprocess.run(
        [sys.executable, str(RUN), "--quick", "L8"],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [line for line in done.stdout.splitlines() if line.startswith("| L8")]
    assert len(rows) == 4
    assert sum("≤ 5 s" in row for row in rows) == 2


@pytest.mark.rule("GRD-08")
def test_both_sides_of_the_audit_find_what_was_planted_and_nothing_else() -> None:
    """Rivals that decide otherwise are no rivals: each contender compares what it finds."""
    done = subprocess.run(
        [sys.executable, str(RUN), "--quick", "R2", "U1"],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "37 of them wrong" in done.stdout
    rows = [line for line in done.stdout.splitlines() if line.startswith(("| R2", "| U1"))]
    assert {"≥ 20 ×", "≥ 15 ×"} <= {cell.strip() for row in rows for cell in row.split("|")}


def test_the_engine_of_columns_and_polars_by_hand_find_the_same_errors() -> None:
    """A contender that finds other errors than were planted is not measured, and that is told."""
    done = subprocess.run(
        [sys.executable, str(RUN), "--quick", "U2"],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [line for line in done.stdout.splitlines() if line.startswith("| U2")]
    beside = [line.split("|")[4].strip() for line in rows]
    assert beside == ["", *["eventsourcing", "Polars by hand"] * 2]
    # No rate of columns without a word on who keeps them.
    assert all("kept rows" in line for line in rows)
    assert "NOT MEASURED" not in done.stdout


def test_an_unknown_row_is_refused() -> None:
    """A row that does not exist is bad usage, and the message lists those that do."""
    done = subprocess.run(
        [sys.executable, str(RUN), "Z9"],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "there is no row `Z9`" in done.stderr
