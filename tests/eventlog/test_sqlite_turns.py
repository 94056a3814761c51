"""Whoever writes or checkpoints an SQLite file waits for its turn; readers do neither (D9)."""

from __future__ import annotations

import gc
import json
import os
import socket
import sqlite3
import subprocess
import sys
import weakref
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import pairwise
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from crm_adapters import open_crm
from crm_adapters.eventlog import sqlite_files
from crm_adapters.eventlog.opening import open_database
from crm_adapters.eventlog.sqlite_files import has_reset_bug, locks_hold
from crm_core.errors import StoreUnreachable
from crm_core.kernel.recorded import Actor
from crm_core.owners import RegisterHousehold

CLERK = Actor("S1", "specialist")


def register(crm: Any, household: str) -> None:
    crm.do(RegisterHousehold(household, "A", "1", "1", household), by=CLERK)


def there(crm: Any, household: str) -> bool:
    return bool([*crm.history(household)])


def url(folder: Path) -> str:
    return f"sqlite:///{folder}/crm.db"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """The folder of a log with one household."""
    with open_crm(url(tmp_path), create=True) as crm:
        register(crm, "V1")
    return tmp_path


# --- which versions, which file systems --------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "affected"),
    [
        ("3.6.23", False), ("3.7.0", True), ("3.7.17", True), ("3.40.1", True), ("3.46.1", True),
        ("3.50.4", True), ("3.51.0", True), ("3.51.2", True), ("3.51.3", False),
        ("3.52.0", False), ("4.0.0", False),
    ],
)  # fmt: skip
def test_versions_that_can_damage_a_file_are_known(version: str, affected: bool) -> None:
    assert has_reset_bug(map(int, version.split("."))) is affected


MOUNTS = r"""
21 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw
22 21 0:5 / /proc rw - proc proc rw
30 21 0:44 / /srv/share rw,relatime shared:7 - nfs4 nas:/export rw,vers=4.2
31 30 8:2 / /srv/share/local rw - xfs /dev/sdb1 rw
32 21 0:45 / /mnt/with\040space rw - cifs //nas/x rw
33 21 0:46 / /home/li/remote rw - fuse.sshfs li@host: rw
34 21 0:47 / /work rw - overlay overlay rw
broken line
"""


@pytest.mark.parametrize(
    ("path", "hold"),
    [
        ("/crm.db", True), ("/srv/crm.db", True), ("/srv/share/crm.db", False),
        ("/srv/share/deep/er/crm.db", False), ("/srv/share/local/crm.db", True),
        ("/srv/shared/crm.db", True), ("/mnt/with space/crm.db", False),
        ("/home/li/remote/crm.db", False), ("/home/li/crm.db", True), ("/work/crm.db", True),
    ],
)  # fmt: skip
def test_file_systems_on_which_locks_do_not_hold_are_known(path: str, hold: bool) -> None:
    assert locks_hold(Path(path), MOUNTS) is hold
    assert locks_hold(Path(path), "")


# --- turns -------------------------------------------------------------------------------------

HOLDER = """
import sys
from pathlib import Path
from crm_adapters.eventlog.sqlite_files import Turn
with Turn(Path(sys.argv[1]), "log"):
    print("held", flush=True)
    sys.stdin.readline()
"""


@contextmanager
def held(folder: Path) -> Iterator[Any]:
    """The turn, in another process, until it is told to go on."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder / "crm.db")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as child:  # fmt: skip
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"

        def go_on() -> None:
            assert child.stdin is not None
            child.stdin.close()

        yield go_on
        go_on()


def test_a_writer_waits_for_the_turn_of_another_process(log: Path) -> None:
    with open_crm(url(log)) as crm:
        with held(log) as go_on:
            writer = Thread(target=register, args=(crm, "V2"))
            writer.start()
            writer.join(0.3)
            assert writer.is_alive()
            # Readers wait for nobody.
            assert not there(crm, "V2")
            go_on()
            writer.join(20)
            assert not writer.is_alive()
        assert there(crm, "V2")


def test_the_checkpoint_at_the_end_waits_for_its_turn(log: Path) -> None:
    """The last connection that closes moves the write-ahead log into the file."""
    crm = open_crm(url(log))
    register(crm, "V2")
    before = (log / "crm.db").read_bytes()
    with held(log) as go_on:
        closer = Thread(target=crm.close)
        closer.start()
        closer.join(0.3)
        assert closer.is_alive()
        assert (log / "crm.db").read_bytes() == before
        go_on()
        closer.join(20)
    assert not (log / "crm.db-wal").exists()
    assert (log / "crm.db").read_bytes() != before


def test_what_nobody_closes_is_closed_in_turn(log: Path) -> None:
    """A program that ends without closing leaves a whole log, and no lock."""
    code = (
        "import sys\nfrom crm_adapters import open_crm\n"
        "from crm_core.kernel.recorded import Actor\n"
        "from crm_core.owners import RegisterHousehold\n"
        "crm = open_crm(sys.argv[1])\n"
        "crm.do(RegisterHousehold('V2', 'A', '1', '1', '2'), by=Actor('S1', 'specialist'))\n"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", code, url(log)], check=True)
    with open_crm(url(log)) as crm:
        assert there(crm, "V2")
        register(crm, "V3")


def test_what_is_collected_within_a_turn_of_its_own_process_waits_for_none(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a log that nobody closed, when the garbage collector comes while the same process
    writes the same file by another, then it does not wait for the turn that this process has.
    """
    monkeypatch.setattr(sqlite_files, "BUSY_SECONDS", 0.1)
    waits: list[float] = []
    monkeypatch.setattr(sqlite_files, "sleep", waits.append)
    forgotten = open_crm(url(log))
    register(forgotten, "V2")
    with open_crm(url(log)) as crm:
        with crm.log.store.file.turn:  # type: ignore[attr-defined]
            gone = weakref.ref(forgotten.log.store)  # type: ignore[attr-defined]
            del forgotten
            gc.collect()
            assert gone() is None
            assert waits == []
        register(crm, "V3")
        assert there(crm, "V2")
    assert not (log / "crm.db-wal").exists()
    with open_crm(url(log)) as crm:
        assert there(crm, "V3")


def test_who_gets_no_turn_is_told_so(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_files, "BUSY_SECONDS", 0.1)
    with open_crm(url(log)) as crm, held(log):
        with pytest.raises(StoreUnreachable) as refused:
            register(crm, "V2")
        assert refused.value.sentence == "log_busy"
        assert not there(crm, "V2")


WRITER = """
import json, sys, time
from crm_adapters import open_crm
from crm_core.kernel.recorded import Actor
from crm_core.owners import RegisterHousehold

url, name, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
crm = open_crm(url)
file = crm.log.store.file
spans = []

def trace(statement):
    if statement.startswith("BEGIN"):
        spans.append([time.monotonic_ns(), 0])
    elif statement.startswith("COMMIT"):
        spans[-1][1] = time.monotonic_ns()

with file.turn:
    # Everybody checkpoints as often as can be.
    file.writer().execute("PRAGMA wal_autocheckpoint = 1")
file.writer().set_trace_callback(trace)
print("ready", flush=True)
sys.stdin.readline()
for n in range(rounds):
    home = f"{name}{n}"
    crm.do(RegisterHousehold(home, "A", name, "1", str(n)), by=Actor("S1", "specialist"))
file.writer().set_trace_callback(None)
crm.close()
print(json.dumps([span for span in spans if span[1]]), flush=True)
"""


def test_no_two_processes_write_or_checkpoint_at_once(log: Path) -> None:
    """Each begins when the one before has begun to commit, and nothing is lost or damaged."""
    rounds, children = 25, []
    for name in "PQRS":
        children.append(
            subprocess.Popen(
                [sys.executable, "-c", WRITER, url(log), name, str(rounds)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            )
        )  # fmt: skip
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    told = []
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    for child in children:
        out, _ = child.communicate(timeout=100)
        assert child.returncode == 0
        told += json.loads(out)
    spans = sorted(told)
    assert len(spans) >= 4 * rounds
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    with open_crm(url(log)) as crm:
        assert crm.verify().intact
        for name in "PQRS":
            assert all(there(crm, f"{name}{n}") for n in range(rounds))
    with closing(sqlite3.connect(log / "crm.db")) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_connections_that_read_can_do_nothing_else(log: Path) -> None:
    with closing(open_database(url(log))) as database:
        for statement, values in (
            ("DELETE FROM crm_views", ()), ("PRAGMA user_version = 7", ()),
        ):  # fmt: skip
            with pytest.raises(StoreUnreachable):
                database.rows(statement, values)
        with open_crm(url(log)) as crm:
            register(crm, "V2")
            wal = (log / "crm.db-wal").stat().st_size
            before = (log / "crm.db").read_bytes()
            assert wal > 0
            assert database.head() > 0
            database.close()
            assert (log / "crm.db-wal").stat().st_size == wal
            assert (log / "crm.db").read_bytes() == before


def test_readers_leave_no_empty_files_beside_the_log(log: Path) -> None:
    before = sorted(path.name for path in log.iterdir())
    assert "crm.db-wal" not in before
    with open_crm(url(log)) as crm:
        assert crm.log.head() > 0
    assert sorted(path.name for path in log.iterdir()) == before


# --- where locks do not hold -------------------------------------------------------------------

ALONE = """
import sys
from pathlib import Path
from crm_adapters.eventlog import sqlite_files
mounts = Path("/proc/self/mountinfo").read_text().splitlines()
sqlite_files.NETWORK = frozenset(line.partition(" - ")[2].split(" ")[0] for line in mounts)
from crm_adapters.cli.app import run
from crm_adapters import open_crm
if sys.argv[2:]:
    sys.exit(run(["--db", sys.argv[1], *sys.argv[2:]]))
with open_crm("sqlite:///" + sys.argv[1]) as crm, open_crm("sqlite:///" + sys.argv[1]) as again:
    print("open", flush=True)
    sys.stdin.readline()
"""


def alone(log: Path, *line: str) -> subprocess.CompletedProcess[str]:
    """A process for which the file system is one on which locks do not hold."""
    return subprocess.run(
        [sys.executable, "-c", ALONE, str(log / "crm.db"), *line],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_where_locks_do_not_hold_a_second_process_is_refused(log: Path) -> None:
    """By name and with what lifts it; the same process may open the log twice."""
    owner = log / "crm.db-owner"
    with subprocess.Popen(
        [sys.executable, "-c", ALONE, str(log / "crm.db")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as first:  # fmt: skip
        assert first.stdin is not None
        assert first.stdout is not None
        assert first.stdout.readline() == "open\n"
        assert owner.read_text(encoding="utf-8") == f"{socket.gethostname()} {first.pid}"
        second = alone(log, "verify")
        assert second.returncode == 2
        assert second.stderr.count("\n") == 1
        for part in (str(owner), socket.gethostname(), str(first.pid), "`shared`", "CRM-F004"):
            assert part in second.stderr
        first.stdin.close()
    assert not owner.exists()
    assert alone(log, "verify").returncode == 0
    assert not owner.exists()


def test_a_process_that_ended_without_closing_does_not_stand_in_the_way(log: Path) -> None:
    """On this machine, that is; of another nobody knows whether its process goes on."""
    owner = log / "crm.db-owner"
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    owner.write_text(f"{socket.gethostname()} {gone.pid}", encoding="utf-8")
    assert alone(log, "verify").returncode == 0
    assert not owner.exists()
    owner.write_text(f"elsewhere {os.getpid()}", encoding="utf-8")
    assert alone(log, "verify").returncode == 2
    owner.write_text("shared\n", encoding="utf-8")
    assert alone(log, "verify").returncode == 0
    assert owner.read_text(encoding="utf-8") == "shared\n"


def test_doctor_says_what_keeps_writers_apart(log: Path) -> None:
    told = json.loads(alone(log, "--format", "json", "doctor").stdout)["sqlite"]
    assert told == {"version": sqlite3.sqlite_version, "reset_bug": has_reset_bug(),
                    "apart": "one process"}  # fmt: skip
    (log / "crm.db-owner").write_text("shared", encoding="utf-8")
    ran = alone(log, "--format", "json", "doctor")
    assert ran.returncode == 1
    assert json.loads(ran.stdout)["sqlite"]["apart"] == "nothing"
    assert json.loads(ran.stdout)["findings"] == ["writers_together"]
