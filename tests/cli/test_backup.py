"""`crm backup`: one file, as the log stood at one moment, with its events and its root."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from threading import Event, Thread

import pytest

from cli.office import Office
from crm_adapters import open_crm
from crm_core.kernel.recorded import Actor
from crm_core.owners import RegisterHousehold
from faults.logs import lift


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    office = Office(tmp_path, monkeypatch)
    monkeypatch.chdir(tmp_path)
    office.register()
    return office


@pytest.mark.rule("LOG-04")
def test_a_copy_has_the_events_and_the_root_of_the_log(office: Office, tmp_path: Path) -> None:
    verified = office.json("verify")
    told = office.json("backup", "--out", "copy.db")
    assert told == {
        "file": "copy.db", "events": verified["events"], "root": verified["root"],
        "intact": True, "first_fault": None, "keys": None,
    }  # fmt: skip
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("copy")] == ["copy.db"]
    assert stat.S_IMODE((tmp_path / "copy.db").stat().st_mode) == 0o600
    office.db = "copy.db"
    assert office.json("verify")["root"] == verified["root"]
    assert office.json("history", "V1")
    # It is a log like any other.
    office.register("V2", "102")
    assert office.json("verify")["events"] > verified["events"]


def test_without_keys_nothing_personal_is_read_from_a_copy_and_with_them_it_is(
    office: Office,
) -> None:
    said = office.run("backup", "--out", "copy.db")[1]
    assert "the keys were not copied" in said
    said = office.run("backup", "--out", "whole.db", "--with-keys")[1]
    assert "the keys were copied to whole.db.keys" in said
    assert stat.S_IMODE(Path("whole.db.keys").stat().st_mode) == 0o600
    shown = {}
    for name in ("copy.db", "whole.db"):
        office.db = name
        asked = ("show", "V1", "--purpose", "return visit", "--as", "specialist:S1")
        [role] = office.json(*asked)["roles"]
        shown[name] = role["name"]
    assert shown["whole.db"] == "张三"
    assert shown["copy.db"] != "张三"


def test_a_copy_is_made_while_others_go_on_writing(office: Office, tmp_path: Path) -> None:
    """It ends between two transactions: what it holds is the beginning of the log."""
    ended = Event()

    def writes() -> None:
        with open_crm(f"sqlite:///{office.path}") as crm:
            n = 10
            while not ended.is_set():
                n += 1
                crm.do(
                    RegisterHousehold(f"W{n}", "B", "1", "1", str(n)), by=Actor("S1", "specialist")
                )

    writer = Thread(target=writes)
    writer.start()
    try:
        copies = [office.json("backup", "--out", f"copy{n}.db") for n in range(5)]
    finally:
        ended.set()
        writer.join()
    with closing(sqlite3.connect(office.path)) as log:
        rows = log.execute("SELECT * FROM crm_events ORDER BY position").fetchall()
    for told in copies:
        assert told["intact"]
        with closing(sqlite3.connect(tmp_path / told["file"])) as copy:
            held = copy.execute("SELECT * FROM crm_events ORDER BY position").fetchall()
            assert copy.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert held == rows[: told["events"]]
    assert len({told["events"] for told in copies}) > 1


def test_what_a_killed_writer_has_left_is_in_the_copy(office: Office, tmp_path: Path) -> None:
    """Copying the file alone would miss what is in the write-ahead log only."""
    code = (
        "import os, sys\n"
        "from crm_adapters import open_crm\n"
        "from crm_core.kernel.recorded import Actor\n"
        "from crm_core.owners import RegisterHousehold\n"
        "crm = open_crm(sys.argv[1])\n"
        "crm.do(RegisterHousehold('V7', 'A', '1', '1', '7'), by=Actor('S1', 'specialist'))\n"
        "os._exit(0)\n"
    )
    subprocess.run([sys.executable, "-c", code, f"sqlite:///{office.path}"], check=True)
    assert Path("crm.db-wal").stat().st_size > 0
    office.json("backup", "--out", "copy.db")
    office.db = "copy.db"
    assert office.json("history", "V7")


def test_a_copy_of_a_damaged_log_says_so(office: Office) -> None:
    """It is kept: it may be evidence."""
    with closing(lift(sqlite3.connect(office.path))) as log, log:
        log.execute(
            "UPDATE crm_events SET state = replace(state, 'Anhe', 'Xihu') WHERE position = 1"
        )
    status, out, _ = office.run("--format", "json", "backup", "--out", "copy.db")
    assert status == 1
    assert '"intact": false' in out
    assert '"position": 1' in out
    assert Path("copy.db").is_file()


@pytest.mark.case("K55")
def test_a_copy_replaces_nothing_that_is_a_database(office: Office) -> None:
    office.json("backup", "--out", "copy.db")
    before = Path("copy.db").read_bytes()
    office.register("V2", "102")
    office.refuses("output_database", "backup", "--out", "copy.db")
    office.refuses("output_kept", "backup", "--out", "crm.db")
    office.refuses("output_kept", "backup", "--out", "crm.db.keys")
    office.refuses("output_kept", "backup", "--out", "crm.db-wal")
    assert Path("copy.db").read_bytes() == before
    Path("other.db.keys").symlink_to("copy.db")
    office.refuses("output_no_file", "backup", "--out", "other.db", "--with-keys")
    assert not Path("other.db").exists()


def test_postgresql_has_a_tool_of_its_own(postgres_url: str, office: Office) -> None:
    office.db = postgres_url
    office.json("create")
    said = office.refuses("backup_elsewhere", "backup", "--out", "copy.db")
    assert "pg_dump" in said
    assert not Path("copy.db").exists()


def test_a_copy_for_which_there_is_no_place_leaves_nothing(office: Office) -> None:
    before = sorted(path.name for path in Path().iterdir())
    status, out, err = office.run("backup", "--out", "no/such/folder/copy.db")
    assert (status, out) == (2, "")
    assert err.endswith("[CRM-I001 file_unusable]\n")
    # What it began to write was noted first, and is taken out of the register again.
    written = {"crm.db.written", "crm.db.written-turn"}
    assert {path.name for path in Path().iterdir()} - written == {*before} - written
    assert Path("crm.db.written").read_text(encoding="utf-8") == ""
