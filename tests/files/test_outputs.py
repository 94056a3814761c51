"""What commands write never replaces the log, its keys, an input, or what is no file of ours."""

from __future__ import annotations

import ast
import json
import os
import socket
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

import crm_adapters
from cli.office import Office
from cli.places import options
from crm_adapters.cli.group import App
from crm_adapters.outputs import Kept, check_output, sides, written, written_whole
from crm_core.errors import Invalid

pytestmark = pytest.mark.case("K55")


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A log with keys, import files and a graded year."""
    with pytest.MonkeyPatch.context() as patch:
        office = Office(tmp_path_factory.mktemp("year"), patch)
        home = office.path.parent
        made = ("generate", "--households", "3", "--years", "2024", "--out", str(home / "estate"))
        period = ("--from", "2024-01-01", "--to", "2024-03-31", "--as", "finance:F1")
        approved = ("--publication", "P1", "--approved", "true", "--on", "2025-01-02")
        for line in (
            made,
            ("import", str(home / "estate")),
            ("grade", "2024"),
            ("survey", "draft", "P1", "statement", *period),
            ("do", "decide-publication", *approved, "--as", "director:D1"),
        ):
            assert office.run(*line)[0] == 0
        charges = home / "faulty"
        charges.mkdir()
        lines = (home / "estate" / "charges.csv").read_text(encoding="utf-8").splitlines()
        faulty = [lines[0], lines[1].replace(lines[1].split(",")[0], "spoilt", 1) + ",more"]
        (charges / "charges.csv").write_text("\n".join(faulty) + "\n", encoding="utf-8")
        (home / "own.toml").write_text("policy", encoding="utf-8")
        (home / "crm.db.facts").mkdir(exist_ok=True)
        (home / "crm.db.facts" / "kept.parquet").write_bytes(b"kept")
        yield office


WRITING = {
    ("arrears", "out"): "arrears --on 2024-12-31 --out {}",
    ("backup", "out"): "backup --out {}",
    ("credit-table", "out"): "credit-table --on 2024-12-31 --out {}",
    ("directory", "out"): "directory --on 2025-06-30 --out {}",
    ("document", "model"): "document --write-template {}",
    ("document", "out"): "document graded-list --on 2025-06-30 --out {}",
    ("export", "out"): "export charges --out {}",
    ("export-person", "out"): ("--as custodian:C1 export-person H00001 --purpose rights --out {}"),
    ("import", "rejects"): "import faulty --skip-faulty --rejects {}",
    ("report", "out"): "report 2024 --out {}",
    ("survey report", "out"): "--as supervisor:S1 survey report P1 --out {}",
}
"""A command line for every option that names a file to be written."""

FOLDERS = {
    ("demo", "target"): ("demo --out {}", "report.html"),
    ("generate", "out"): ("generate --households 3 --years 2024 --out {}", "charges.csv"),
}
"""The same of folders, with a file that is written into it."""


def test_every_option_that_names_an_output_is_tried_here() -> None:
    """A new one fails this until its line stands above."""
    found = [*options()]
    assert {(c, o) for c, o, kind in found if kind == "file"} == {*WRITING}
    assert {(c, o) for c, o, kind in found if kind == "folder"} == {*FOLDERS}


def state(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Every file of the folder: its inode, its kind and mode, its bytes."""
    found = {}
    for path in sorted(folder.rglob("*")):
        told = path.lstat()
        content = path.read_bytes() if stat.S_ISREG(told.st_mode) else b""
        if not path.name.endswith(("-wal", "-shm", "-turn")):
            found[str(path.relative_to(folder))] = (told.st_ino, told.st_mode, content)
    return found


def refused(office: Office, line: str, place: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The code with which it is refused; not one byte or inode has changed."""
    home = office.path.parent
    monkeypatch.chdir(home)
    before = state(home)
    status, out, err = office.run(*[word.replace("{}", place) for word in line.split(" ")])
    assert (status, out) == (2, ""), err
    assert err.count("\n") == 1
    assert state(home) == before
    return err.rsplit(" ", 1)[1].removesuffix("]\n")


@pytest.mark.parametrize("line", WRITING.values(), ids=[name for name, _ in WRITING])
@pytest.mark.parametrize(
    ("place", "code"),
    [
        ("crm.db", "output_kept"),
        ("./estate/../crm.db", "output_kept"),
        ("crm.db-wal", "output_kept"),
        ("crm.db-shm", "output_kept"),
        ("crm.db-journal", "output_kept"),
        ("crm.db.keys", "output_kept"),
        ("crm.db.keys-journal", "output_kept"),
        ("crm.db.urn", "output_kept"),
        ("crm.db.facts/kept.parquet", "output_kept"),
        ("crm.db.facts/new.html", "output_kept"),
        ("linked.html", "output_kept"),
        ("hard.html", "output_kept"),
        ("dangling.html", "output_no_file"),
        ("pipe.html", "output_no_file"),
        ("socket.html", "output_no_file"),
        ("other.html", "output_database"),
    ],
)
def test_no_output_replaces_what_it_must_not(
    line: str, place: str, code: str, year: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the log nor what belongs to it, by whatever name; nor a link, a pipe, a socket."""
    home = year.path.parent
    if not (home / "pipe.html").exists():
        (home / "linked.html").symlink_to("crm.db")
        (home / "hard.html").hardlink_to(home / "crm.db")
        (home / "dangling.html").symlink_to("nowhere.html")
        os.mkfifo(home / "pipe.html")
        monkeypatch.chdir(home)
        with closing(socket.socket(socket.AF_UNIX)) as bound:
            bound.bind("socket.html")
        with closing(sqlite3.connect(home / "other.html")) as other:
            other.execute("CREATE TABLE theirs (it TEXT)")
    assert refused(year, line, place, monkeypatch) == code


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes devices and files of others")
@pytest.mark.parametrize("line", WRITING.values(), ids=[name for name, _ in WRITING])
def test_no_output_replaces_a_device_or_a_file_of_another_account(
    line: str, year: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = year.path.parent
    if not (home / "null.html").exists():
        os.mknod(home / "null.html", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        (home / "theirs.html").write_text("theirs", encoding="utf-8")
        os.chown(home / "theirs.html", 12345, 12345)
    assert refused(year, line, "null.html", monkeypatch) == "output_no_file"
    assert refused(year, line, "theirs.html", monkeypatch) == "output_of_another"


def test_no_output_replaces_what_the_command_reads(
    year: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    for line, place in (
        (WRITING["import", "rejects"], "faulty/charges.csv"),
        ("report 2024 --policy own.toml --out {}", "own.toml"),
    ):
        assert refused(year, line, place, monkeypatch) == "output_kept"


@pytest.mark.parametrize(("line", "name"), FOLDERS.values(), ids=[name for name, _ in FOLDERS])
def test_no_file_of_a_folder_replaces_what_it_must_not(
    line: str, name: str, year: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder to write into holds links to the log, or is that of the kept rows."""
    target = year.path.parent / f"into {name}"
    target.mkdir()
    for made, code in (
        (lambda path: path.symlink_to("../crm.db"), "output_"),
        (lambda path: path.hardlink_to(year.path), "output_"),
        (os.mkfifo, "output_no_file"),
    ):  # type: Callable[[Path], object], str
        made(target / name)
        words = line.rsplit(" ", 1)[0]
        home = year.path.parent
        before = state(home)
        status, out, err = year.run(*words.split(" "), str(target))
        assert (status, out) == (2, ""), err
        assert code in err
        assert state(home) == before
        (target / name).unlink()


@pytest.mark.parametrize("line", WRITING.values(), ids=[name for name, _ in WRITING])
def test_a_new_file_is_written_and_a_file_of_ours_replaced(
    line: str, year: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And who might not read the old one may not read the new one."""
    home = year.path.parent
    monkeypatch.chdir(home)
    words = [word.replace("{}", "page.csv") for word in line.split(" ")]
    if line.startswith("report") or "export-person" in line:
        words = [word.replace(".csv", ".html") for word in words]
    page = home / words[-1]
    page.unlink(missing_ok=True)
    assert year.run(*words)[0] == 0
    first = page.read_bytes()
    assert first
    page.write_text("ours", encoding="utf-8")
    page.chmod(0o600)
    assert year.run(*words)[0] == 0
    assert page.read_bytes() == first
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    assert not list(home.rglob("*.part"))


def test_what_is_refused_is_refused_before_a_log_is_made(
    tmp_path: Path, year: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = year.path.parent
    monkeypatch.chdir(home)
    for rejects in ("new.db", "new.db.keys", "new.db-wal"):
        line = ["--db", "new.db", "import", "estate", "--skip-faulty", "--rejects", rejects]
        status, _, err = year.run(*line)
        assert status == 2
        assert "output_kept" in err
        assert not (home / "new.db").exists()


def test_what_lies_in_the_working_folder_for_a_log_elsewhere_is_kept_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keys and kept rows of a log in PostgreSQL; and those named for a log in memory."""
    monkeypatch.chdir(tmp_path)
    for app, names in (
        (App(db="postgresql://db/estate"), ("crm.keys", "crm.keys-journal", "crm.facts/a.html")),
        (App(db="postgresql://db/estate", tenant="x"), ("crm.x.keys", "crm.x.facts/a.html")),
        (App(db="memory:", keys="own"), ("own", "own-journal")),
    ):
        (tmp_path / "crm.facts").mkdir(exist_ok=True)
        (tmp_path / "crm.x.facts").mkdir(exist_ok=True)
        for name in names:
            with pytest.raises(Invalid) as refused:
                app.to_write(Path(name))
            assert refused.value.faults[0].code == "output_kept"
        assert app.to_write(Path("page.html")) == Path("page.html")


# --- the module itself -------------------------------------------------------------------------


def test_files_stand_under_their_names_together_or_not_at_all(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("before", encoding="utf-8")
    with suppress(ZeroDivisionError), written(one, two) as files:
        for file in files:
            file.write("after")
        raise ZeroDivisionError
    assert [path.name for path in tmp_path.iterdir()] == ["one"]
    assert one.read_text(encoding="utf-8") == "before"
    with written(one, two, private=True) as files:
        for file in files:
            file.write("后\r\n")
        assert one.read_text(encoding="utf-8") == "before"
    for path in (one, two):
        assert path.read_bytes() == "后\r\n".encode()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len([*tmp_path.iterdir()]) == 2


def test_what_comes_to_lie_there_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    page, log = tmp_path / "page", tmp_path / "log"
    refused = False
    try:
        with written(page, kept=Kept(sides(log))) as [file]:
            file.write("page")
            log.write_text("log", encoding="utf-8")
            page.hardlink_to(log)
    except Invalid:
        refused = True
    assert refused
    assert page.read_text(encoding="utf-8") == "log"
    assert {path.name for path in tmp_path.iterdir()} == {"page", "log"}


def test_a_name_of_the_greatest_length_can_be_written(tmp_path: Path) -> None:
    page = tmp_path / ("x" * 255)
    written_whole(page, b"page")
    assert page.read_bytes() == b"page"
    with pytest.raises(OSError, match="too long"):
        written_whole(tmp_path / ("x" * 256), b"page")


def test_a_folder_in_the_way_is_no_place(tmp_path: Path) -> None:
    with pytest.raises(Invalid) as refused:
        check_output(tmp_path)
    assert json.loads(json.dumps(refused.value.as_dict()))["faults"][0]["code"] == "output_no_file"


ELSEWHERE = {
    "outputs.py",
    # What is made there is the log itself, or its keys.
    "eventlog/sqlite_files.py",
    "keys/files.py",
    "keys/local.py",
    # Rows that can be made again, under names of its own in a folder of its own.
    "frames/kept.py",
    # Tombstones are added to, line by line, and never written anew; files of erased persons go.
    "register.py",
    "tombstones.py",
    "traces.py",
    # Slips and answers without names lie there until they are counted (0063).
    "urns.py",
    # The standard streams, not files.
    "cli/app.py",
    "cli/output.py",
}
"""Modules that write otherwise."""


def test_nothing_else_writes_files() -> None:
    """Whatever opens a file for writing, moves or copies one does so by `crm_adapters.outputs`."""
    root = Path(crm_adapters.__file__).parent
    found = set()
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and _writes(node):
                found.add(str(path.relative_to(root)))
    assert found <= ELSEWHERE


def _writes(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    owner = getattr(getattr(call.func, "value", None), "id", "")
    if name == "write_text" and owner == "formatter":
        return False  # Click's, for help.
    if name in ("write_text", "write_bytes", "copyfile", "copy2", "copytree", "fdopen"):
        return True
    if owner == "os" and name in ("open", "replace", "rename", "link"):
        return True
    modes = [a.value for a in (*call.args, *(k.value for k in call.keywords))
             if isinstance(a, ast.Constant) and isinstance(a.value, str)]  # fmt: skip
    return name == "open" and any(set(mode) & set("wxa") and len(mode) < 4 for mode in modes)
