"""Standard streams that are closed or full: one line, status 2, and the log as it was (K59)."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from crm_adapters import open_crm
from crm_core import Actor
from crm_core.owners.commands import RegisterHousehold

Shell = Callable[[str], "subprocess.CompletedProcess[str]"]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    with open_crm(f"sqlite:///{tmp_path / 'crm.db'}", create=True) as crm:
        for number in range(3):
            command = RegisterHousehold(f"V{number}", "Anhe", "1", "1", str(number))
            crm.do(command, by=Actor("S1", "specialist"))
    return tmp_path / "crm.db"


@pytest.fixture
def shell(log: Path) -> Shell:
    """Runs a line of a shell in which `crm` is this library's, over the log."""

    def run(line: str) -> subprocess.CompletedProcess[str]:
        crm = f"{sys.executable} -m crm_adapters.cli"
        return subprocess.run(
            ["bash", "-c", line.replace("crm ", f"{crm} ", 1)],
            cwd=log.parent,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def _bytes(log: Path) -> str:
    return sha256(log.read_bytes()).hexdigest()


@pytest.mark.case("K59")
@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("crm credit --on 2012-01-01 >&-", "output_closed"),
        ("crm do register-household --household V9 >&-", "output_closed"),
        ("crm --help >&-", "output_closed"),
        ("crm do - <&-", "input_closed"),
        ("crm history V404 <&-", "stream_unknown"),
    ],
)
def test_a_closed_stream_is_named(shell: Shell, log: Path, line: str, code: str) -> None:
    before = _bytes(log)
    done = shell(line)
    assert (done.returncode, done.stdout) == (2, "")
    assert code in done.stderr
    assert "Traceback" not in done.stderr
    assert _bytes(log) == before


@pytest.mark.case("K59")
@pytest.mark.parametrize("closed", ["2>&-", "<&-", "<&- 2>&-"])
def test_what_needs_no_closed_stream_goes_on(shell: Shell, closed: str) -> None:
    done = shell(f"crm --format json credit --on 2012-01-01 {closed}")
    assert done.returncode == 0
    assert '"V2"' in done.stdout


@pytest.mark.case("K59")
@pytest.mark.parametrize("closed", [">&- 2>&-", "<&- >&- 2>&-", "<&- 2>&-"])
def test_what_is_said_never_gets_into_the_log(shell: Shell, log: Path, closed: str) -> None:
    # The numbers of closed streams would be given to the files that are opened next.
    before = _bytes(log)
    assert shell(f"crm history V404 {closed}").returncode == 2
    assert _bytes(log) == before
    assert shell("crm verify").returncode == 0


@pytest.mark.case("K59")
@pytest.mark.parametrize("line", ["crm credit --on 2012-01-01", "echo '{}' | crm do -"])
def test_a_full_output_is_told(shell: Shell, log: Path, line: str) -> None:
    full = log.parent / "full"
    try:
        os.mknod(full, 0o20600, os.makedev(1, 7))
    except PermissionError:
        pytest.skip("making a device needs root")
    done = shell(f"{line} > {full}")
    assert done.returncode == 2
    assert "output_unusable" in done.stderr
    assert len(done.stderr.splitlines()) == 1
