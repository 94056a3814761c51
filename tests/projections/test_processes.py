"""Several processes on one view, and processes that are killed."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import sleep

import pytest

from crm_adapters.projections import LogViews
from crm_core.testing.contracts.tally import TALLY, note, tallied
from projections.follower import open_views, writer

FOLLOWER = Path(__file__).parent / "follower.py"
STREAMS = [f"note/{n}" for n in range(5)]


class Ahead:
    """A clock that goes so much ahead of the machine's."""

    def __init__(self, by: timedelta) -> None:
        self._by = by

    def now(self) -> datetime:
        return datetime.now(UTC) + self._by


def start(url: str, *arguments: str) -> subprocess.Popen[str]:
    """A follower that stands ready."""
    process = subprocess.Popen(
        [sys.executable, str(FOLLOWER), url, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def end(process: subprocess.Popen[str]) -> int:
    with process:
        return process.wait(timeout=60)


def fill(views: LogViews, rounds: int) -> None:
    for n in range(rounds):
        for stream in STREAMS:
            note(views.log, stream, str(n))


def rows(views: LogViews) -> list[object]:
    return list(views.scan(TALLY))


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'log.db'}"
    make: Callable[[], str] = request.getfixturevalue("new_postgres")
    return make()


@pytest.mark.rule("LOG-05")
@pytest.mark.parametrize("workers", [2, 4])
def test_processes_that_race_lose_and_double_nothing(url: str, workers: int) -> None:
    """While events are appended."""
    views = open_views(url)
    fill(views, 10)
    followers = [start(url, "follow") for _ in range(workers)]
    for follower in followers:
        go(follower)
    fill(views, 10)
    assert [end(follower) for follower in followers] == [0] * workers
    views.catch_up(TALLY)
    assert rows(views) == tallied(views.log)
    assert [(one.parked, one.lag) for one in views.status()] == [(0, 0)]
    views.close()


@pytest.mark.rule("LOG-05")
def test_a_rebuild_that_is_killed_at_any_moment_loses_nothing(tmp_path: Path) -> None:
    """Readers see a whole view all the time, and whoever comes next goes on."""
    url = f"sqlite:///{tmp_path / 'log.db'}"
    views = open_views(url)
    fill(views, 20)
    views.catch_up(TALLY)
    expected = tallied(views.log)
    states: Counter[str] = Counter()
    for n in range(14):
        process = start(url, "rebuild")
        go(process)
        sleep(0.002 + 0.0037 * n)
        process.kill()
        assert end(process) == -signal.SIGKILL
        assert rows(views) == expected
        states.update(one.state for one in views.status())
        if n % 3 == 2:
            views.catch_up(TALLY)
            assert rows(views) == expected
            assert [one.state for one in views.status()] == ["live"]
    # It was killed in the midst of builds, and not only between them.
    assert states["building"] > 3
    views.close()


@pytest.mark.rule("LOG-05")
def test_a_killed_consumer_is_taken_over_when_its_hold_has_run_out(
    tmp_path: Path,
) -> None:
    """Nothing is left out, and nothing handled twice but what the killed one had in hand."""
    url, file = f"sqlite:///{tmp_path / 'log.db'}", tmp_path / "written"
    views = open_views(url)
    fill(views, 400)
    process = start(url, "handle", str(file))
    go(process)
    while not file.exists() or len(file.read_text().splitlines()) < 30:
        sleep(0.001)
    process.kill()
    end(process)
    written = file.read_text().splitlines()
    [status] = views.status()
    assert len(written) < 2000
    held = views.store.checkpoint(views.store.checkpoints()[0].place)
    assert held is not None
    if held.held_until is not None:
        views.catch_up(writer(str(file)))
        assert file.read_text().splitlines() == written
    later = open_views(url, Ahead(timedelta(seconds=61)))
    later.catch_up(writer(str(file)))
    lines = file.read_text().splitlines()
    wanted = [f"{e.stream} {e.event.text}" for e in views.log.feed()]
    assert set(lines) == set(wanted)
    assert len(written) - status.position <= 7
    assert len(lines) - len(wanted) <= 7
    later.close()
    views.close()


@pytest.mark.rule("LOG-05")
def test_processes_share_a_consumer_without_handling_anything_twice(
    url: str, tmp_path: Path
) -> None:
    views = open_views(url)
    fill(views, 10)
    file = tmp_path / "written"
    processes = [start(url, "handle", str(file)) for _ in range(2)]
    for process in processes:
        go(process)
    assert [end(process) for process in processes] == [0, 0]
    wanted = [f"{e.stream} {e.event.text}" for e in views.log.feed()]
    assert file.read_text().splitlines() == wanted
    views.close()
