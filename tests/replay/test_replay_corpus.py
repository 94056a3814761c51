"""R1: the kept corpus is decided to the same bytes on every Python, zone, locale and hash seed.

What it holds was written by a CRM (`make_corpus.py`). It is decided again by the core alone, which
is pure Python, so other interpreters need nothing but attrs and cattrs, and find these beside the
present one.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import attrs
import decide_corpus
import pytest

import crm_core
from crm_core.gradings.facts import EVENT_NAMES
from crm_core.gradings.policy import GRADES, INSUFFICIENT, LAYERS, TYPES
from crm_core.owners import facts as owners
from crm_core.owners.facts import REGISTERED
from crm_core.payments import facts as payments
from crm_core.requests import facts as requests

HERE = Path(__file__).parent
CORPUS, EXPECTED = HERE / "corpus.json", HERE / "expected.json"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
SEEDS = range(5)


def interpreter(version: str) -> str | None:
    """A Python of that version: the present one, one on the path, or one that pyenv keeps."""
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return sys.executable
    kept = Path(os.getenv("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    found = sorted(kept.glob(f"{version}.*/bin/python")) if kept.is_dir() else []
    for candidate in (shutil.which(f"python{version}"), *map(str, found)):
        if candidate and _is(candidate, version):
            return candidate
    return None


def _is(python: str, version: str) -> bool:
    asked = "import sys; print('%d.%d' % sys.version_info[:2])"
    done = subprocess.run([python, "-c", asked], capture_output=True, text=True, check=False)
    return done.stdout.strip() == version


def corpus() -> dict[str, Any]:
    return json.loads(CORPUS.read_text(encoding="utf-8"))  # type: ignore[no-any-return]


@pytest.mark.rule("GRD-08", "GRD-07")
@pytest.mark.parametrize("version", PYTHONS)
def test_the_corpus_is_decided_to_the_same_bytes(version: str) -> None:
    """Five hash seeds, each through three zones and three locales with another part in each."""
    python = interpreter(version)
    if python is None:
        pytest.skip(f"there is no Python {version} here")
    expected = json.loads(EXPECTED.read_text(encoding="utf-8"))
    core = Path(crm_core.__file__ or "").parents[1]
    beside = Path(attrs.__file__).parents[1]
    for seed in SEEDS:
        done = subprocess.run(
            [
                python,
                "-B",
                "-W",
                "error",
                str(HERE / "decide_corpus.py"),
                str(CORPUS),
                str(2 * seed),
            ],
            env={"PYTHONPATH": f"{core}:{beside}", "PYTHONHASHSEED": str(seed)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        parts = [json.loads(line) for line in done.stdout.splitlines()]
        assert len(parts) == len(decide_corpus.ZONES) * len(decide_corpus.LOCALES)
        told = {key: digest for part in parts for key, digest in part.items()}
        assert {key for key in expected if told.get(key) != expected[key]} == set()
        assert told == expected


@pytest.mark.rule("GRD-08")
def test_the_corpus_has_what_rules_turn_on() -> None:
    """Late, reversed, moved and waived money, duplicates, and every layer and type."""
    estates = corpus()["estates"]
    rows = [row for estate in estates for rows in estate["households"].values() for row in rows]
    # What an import that was undone brings is tried where imports are (`tests/files/test_undo.py`).
    voids = {*owners.VOID_NAMES, *payments.VOID_NAMES, *requests.VOID_NAMES}
    assert {row["name"] for row in rows} | voids == EVENT_NAMES | {REGISTERED}
    assert any(row["recorded"][:10] > row["effective"] for row in rows)
    graded = [grading for estate in estates for grading in decide_corpus.gradings(estate)]
    assert {grading.outcome.layer for grading in graded} == {*LAYERS, INSUFFICIENT}
    assert {grading.outcome.type for grading in graded} == {*TYPES}
    assert {grading.facts.credit for grading in graded} == {*GRADES.values}
