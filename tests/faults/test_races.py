"""Two and eight processes at one stream: one wins each version, the others learn the truth."""

from __future__ import annotations

from pathlib import Path

import pytest

from crm_core.kernel.recorded import Tip
from faults.logs import note, open_log
from faults.racing import STREAM, check, run

SHORT = {"postgresql": {2: 1500, 8: 500}, "sqlite": {2: 1700, 8: 300}}
LONG = {2: 70_000, 8: 30_000}


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def url(store: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    if store == "postgresql":
        return str(request.getfixturevalue("postgres_url"))
    return f"sqlite:///{tmp_path}/crm.db"


@pytest.mark.rule("LOG-01")
@pytest.mark.parametrize("writers", [2, 8])
def test_exactly_one_wins_each_race(store: str, url: str, writers: int, long: bool) -> None:
    races = LONG[writers] if long else SHORT[store][writers]
    found = run(url, writers, races)
    check(url, found, races)
    print(f"{races} races of {writers} writers, 0 lost updates")


def test_a_writer_that_does_not_look_is_caught(tmp_path: Path) -> None:
    """Planted: an update that is written without looking at the version it was decided on."""
    url = f"sqlite:///{tmp_path}/crm.db"
    log = open_log(url)
    for n, writer in enumerate((0, 1)):
        tip = log.tips([STREAM]).get(STREAM, Tip())
        log.append([note(f"w{writer}-0", STREAM, tip, [f"{n}"])])
    log.close()
    with pytest.raises(AssertionError):
        check(url, {0: [None], 1: [None]}, 1)


def test_a_conflict_that_tells_another_version_is_caught(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/crm.db"
    log = open_log(url)
    log.append([note("w0-0", STREAM, Tip(), ["0"])])
    log.close()
    check(url, {0: [None], 1: [(STREAM, 0, 1)]}, 1)
    for told in ((STREAM, 0, None), (STREAM, 0, 2), (STREAM, 1, 1)):
        with pytest.raises(AssertionError):
            check(url, {0: [None], 1: [told]}, 1)
