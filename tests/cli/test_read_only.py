"""Every reading command answers from a medium that cannot be written, as it does otherwise."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from cli.office import Office
from crm_adapters import open_crm
from crm_adapters.eventlog.opening import open_database
from crm_core.errors import StoreUnreachable
from crm_core.kernel.recorded import Actor
from crm_core.owners import RegisterHousehold

pytestmark = pytest.mark.case("K57")

READING = [
    "verify",
    "credit --on 2024-12-31",
    "credit --on 2024-12-31 --engine frames",
    "grades 2024",
    "explain {} 2024",
    "replay",
    "replay 2024",
    "replay --engine frames",
    "history {}",
    "show {}",
    "show {} --purpose audit --as specialist:S1",
    "account {} --on 2024-12-31",
    "arrears --on 2024-12-31",
    "statistics --from 2024-01-01 --to 2024-12-31",
    "directory --on 2025-06-30",
    "runs 2024",
    "waiting",
    "todo",
    "warnings",
    "projections",
    "limitation --on 2024-12-31",
    "ageing --on 2024-12-31",
    "affected",
    "what-if 2024 --policy grade-cn-monotone/1",
    "shares 2024",
    "changes 2024-01-01 2024-12-31 {}",
    "purchases 2024",
    "preferences {}",
    "provisional",
    "policy list",
    "do --list",
    "report 2024 --out OUT.html",
    "credit-table --on 2024-12-31 --out OUT.csv",
    "backup --out OUT.db",
]


PLACE = "--estate A --building 1 --unit 1 --room 9"


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a log of a graded year, its keys and the estate."""
    with pytest.MonkeyPatch.context() as patch:
        office = Office(tmp_path_factory.mktemp("year"), patch)
        home = office.path.parent
        made = ("generate", "--households", "4", "--years", "2024", "--out", str(home / "estate"))
        for line in (made, ("import", str(home / "estate")), ("grade", "2024")):
            assert office.run(*line)[0] == 0
    return home


@contextmanager
def mounted_read_only(folder: Path) -> Iterator[Path]:
    """A mount of its own, over the same files."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root mounts")
    place = folder.with_name(f"{folder.name} read-only")
    place.mkdir()
    for options in (["--bind"], ["-o", "remount,ro,bind"]):
        done = subprocess.run(["mount", *options, folder, place], capture_output=True, check=False)
        if done.returncode:
            place.rmdir()
            pytest.skip("mounting is not allowed here")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)
        place.rmdir()


def copied(year: Path, tmp_path: Path) -> Path:
    """The log and its keys, cleanly closed, in a folder of their own."""
    home = tmp_path / "medium"
    home.mkdir()
    for name in ("crm.db", "crm.db.keys"):
        shutil.copy(year / name, home / name)
    assert not (year / "crm.db-wal").exists()
    return home


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_every_reading_command_answers_the_same(
    year: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = copied(year, tmp_path)
    office = Office(tmp_path, monkeypatch)
    with closing(sqlite3.connect(home / "crm.db")) as log:
        [(household,)] = log.execute("SELECT min(household) FROM crm_events WHERE household <> ''")
    lines = [line.replace("{}", household).split(" ") for line in READING]
    office.db = str(year / "crm.db")
    expected = {}
    for line in lines:
        status, out, err = office.run("--format", "json", *said(line, tmp_path, "written"))
        assert status == 0, (line, err)
        expected[tuple(line)] = out.replace("/written.", "/OUT.")
    before = content(home)
    with mounted_read_only(home) as place:
        office.db = str(place / "crm.db")
        for line in lines:
            status, out, err = office.run("--format", "json", *said(line, tmp_path, "read"))
            assert status == 0, (line, err)
            out = out.replace("/read.", "/OUT.")
            # Views are derived anew, and how far those are is what this one tells.
            if line != ["projections"]:
                assert without_seconds(out) == without_seconds(expected[tuple(line)]), line
        status, out, _ = office.run("doctor", "--format", "json")
        assert status == 0, out
    assert content(home) == before


def said(line: list[str], folder: Path, name: str) -> list[str]:
    """The words, with a place to write to that can be written."""
    return [word.replace("OUT", str(folder / name)) for word in line]


def without_seconds(out: str) -> list[str]:
    """What is told, but not how long it took."""
    return [part for part in out.split(", ") if not part.startswith('"seconds"')]


@pytest.mark.parametrize(
    ("line", "named"),
    [
        (f"do register-household --household V9 {PLACE} --as specialist:S1", "crm.db"),
        ("grade 2024 --known 2024-06-30T12:00:00+08:00", "crm.db"),
        ("create", "log_there"),
    ],
)  # fmt: skip
def test_what_would_write_says_which_file_cannot_be_written(
    line: str, named: str, year: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = copied(year, tmp_path)
    before = content(home)
    office = Office(tmp_path, monkeypatch)
    with mounted_read_only(home) as place:
        office.db = str(place / "crm.db")
        status, out, err = office.run(*line.split(" "))
        assert (status, out) == (2, "")
        assert named in err
        assert "keys" not in err
        if line != "create":
            assert "can only be read" in err
    assert content(home) == before


def test_a_log_without_its_keys_is_read_on_such_a_medium_too(
    year: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An auditor who is given no keys replays all the same."""
    home = copied(year, tmp_path)
    (home / "crm.db.keys").unlink()
    office = Office(tmp_path, monkeypatch)
    with mounted_read_only(home) as place:
        office.db = str(place / "crm.db")
        assert office.json("replay")["differing"] == []
        assert office.json("verify")["intact"]
    assert [*content(home)] == ["crm.db"]


def crashed(year: Path, tmp_path: Path) -> Path:
    """A log whose writer was killed: its last events are in the write-ahead log only."""
    home = copied(year, tmp_path)
    code = (
        "import os, sys\n"
        "from crm_adapters import open_crm\n"
        "from crm_core.kernel.recorded import Actor\n"
        "from crm_core.owners import RegisterHousehold\n"
        "crm = open_crm(sys.argv[1])\n"
        "crm.do(RegisterHousehold('V9', 'A', '1', '1', '9'), by=Actor('S1', 'specialist'))\n"
        "os._exit(0)\n"
    )
    subprocess.run([sys.executable, "-c", code, f"sqlite:///{home}/crm.db"], check=True)
    assert (home / "crm.db-wal").stat().st_size > 0
    return home


def test_what_only_the_write_ahead_log_holds_is_never_left_out(
    year: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its index it is read; without, the file that holds the rest is named."""
    home = crashed(year, tmp_path)
    office = Office(tmp_path, monkeypatch)
    with mounted_read_only(home) as place:
        office.db = str(place / "crm.db")
        assert office.json("history", "V9")
    (home / "crm.db-shm").unlink()
    with mounted_read_only(home) as place:
        office.db = str(place / "crm.db")
        status, out, err = office.run("verify")
        assert (status, out) == (2, "")
        assert f"{place}/crm.db-wal" in err
    office.db = str(home / "crm.db")
    assert office.json("history", "V9")


def test_readers_leave_the_file_as_it_is(
    year: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They never checkpoint: not even what a killed writer has left, not even at their end."""
    home = crashed(year, tmp_path)
    office = Office(tmp_path, monkeypatch)
    office.db = str(home / "crm.db")
    before = (home / "crm.db").read_bytes(), (home / "crm.db-wal").read_bytes()
    for line in ("verify", "history V9", "replay"):
        assert office.run(*line.split(" "))[0] == 0
    assert ((home / "crm.db").read_bytes(), (home / "crm.db-wal").read_bytes()) == before


def test_a_file_that_was_to_stay_as_it_is_and_does_not_is_told(year: Path, tmp_path: Path) -> None:
    """Another account may write what we can only read."""
    home = copied(year, tmp_path)
    with mounted_read_only(home) as place:
        reader = open_database(f"sqlite:///{place}/crm.db")
        assert reader.head() > 0
        with open_crm(f"sqlite:///{home}/crm.db") as crm:
            crm.do(RegisterHousehold("V8", "A", "1", "1", "8"), by=Actor("S1", "specialist"))
            for read in (reader.head, lambda: [*reader.raw()]):  # type: Callable[[], object]
                with pytest.raises(StoreUnreachable):
                    read()
        reader.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another account")
def test_a_folder_of_another_account_is_read(year: Path, tmp_path: Path) -> None:
    """Without root's rights: a folder that may be read and not written."""
    home = copied(year, tmp_path)
    for path in (home, *home.iterdir()):
        path.chmod(0o755 if path.is_dir() else 0o644)
    # Keys are for one account alone, and here it is this one.
    keys = home / "crm.db.keys"
    os.chown(keys, 65534, 65534)
    keys.chmod(0o400)
    for folder in home.parents:
        if folder.stat().st_uid == 0 and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o055)
    code = (
        "import os, sys\n"
        "from crm_adapters.cli.app import run\n"
        "def read(db): return run(['--db', db, 'verify']) or run(['--db', db, 'replay'])\n"
        "read(sys.argv[2])  # Whatever is imported for it is imported by now.\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "sys.exit(read(sys.argv[1]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(home / "crm.db"), str(year / "crm.db")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert sorted(content(home)) == ["crm.db", "crm.db.keys"]
