"""Only `create`, `import`, `demo` and `open_crm(create=True)` make a log, none by chance."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import URL

from cli.office import Office
from crm_adapters import open_crm
from crm_adapters.cli.commands import COMMANDS
from crm_adapters.eventlog.opening import open_database
from crm_adapters.eventlog.sqlite import SqliteDatabase
from crm_core.errors import Failed, Invalid, NotALog
from crm_core.kernel.recorded import Actor
from crm_core.owners import RegisterHousehold

pytestmark = pytest.mark.case("K56")


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    (tmp_path / "home").mkdir()
    return Office(tmp_path / "home", monkeypatch)


def database(path: Path, journal: str = "DELETE") -> None:
    """A database of somebody else."""
    with closing(sqlite3.connect(path)) as made:
        made.execute(f"PRAGMA journal_mode = {journal}")
        made.execute("CREATE TABLE theirs (it TEXT)")


NOT_A_LOG: dict[str, Callable[[Path], object]] = {
    "a byte": lambda path: path.write_bytes(b"x"),
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("household,estate\n" * 400, encoding="utf-8"),
    "zeros": lambda path: path.write_bytes(bytes(8192)),
    "a header": lambda path: path.write_bytes(b"SQLite format 3\0"),
    "a folder": lambda path: path.mkdir(),
    "a pipe": os.mkfifo,
    "another database": database,
    "another with a write-ahead log": lambda path: database(path, "WAL"),
    "a link to nothing": lambda path: path.symlink_to("nowhere/at/all.db"),
}


def lies(path: Path) -> Any:
    """What lies there, and everything beside it, to the byte."""
    told = path.lstat()
    content = path.read_bytes() if path.is_file() else b""
    names = sorted(one.name for one in path.parent.iterdir())
    return told.st_mode, told.st_ino, told.st_mtime_ns, content, names


@pytest.mark.parametrize("make", NOT_A_LOG.values(), ids=NOT_A_LOG)
@pytest.mark.parametrize("create", [False, True])
def test_what_is_no_log_is_told_and_left_as_it_is(
    make: Callable[[Path], object], create: bool, tmp_path: Path
) -> None:
    path = tmp_path / "crm.db"
    make(path)
    before = lies(path)
    for opened in (open_crm, open_database):
        with pytest.raises((Failed, Invalid)) as refused:
            opened(f"sqlite:///{path}", create=create)
        if not path.is_symlink():
            assert isinstance(refused.value, NotALog)
        assert lies(path) == before


@pytest.mark.parametrize(
    "line",
    ["verify", "replay", "credit --on 2024-12-31", "history V1", "do tick", "import estate",
     "create", "doctor", "migrate", "backup --out copy.db"],
)  # fmt: skip
@pytest.mark.parametrize("make", NOT_A_LOG.values(), ids=NOT_A_LOG)
def test_no_command_takes_for_a_log_what_is_none(
    line: str, make: Callable[[Path], object], office: Office, tmp_path: Path
) -> None:
    (tmp_path / "apart").mkdir()
    path = tmp_path / "apart" / "other.db"
    make(path)
    before = lies(path)
    office.db = str(path)
    words = [str(tmp_path / word) if word in ("estate", "copy.db") else word
             for word in line.split(" ")]  # fmt: skip
    status, _, err = office.run(*words)
    assert status == (1 if line == "doctor" else 2), err
    assert lies(path) == before
    assert not (tmp_path / "copy.db").exists()


def test_no_command_but_those_that_make_logs_makes_one(office: Office, tmp_path: Path) -> None:
    """A name mistyped is an error for every command, before it reads anything else."""
    office.db = str(tmp_path / "none.db")
    without = {"create", "data-map", "demo", "doctor", "generate", "import"}
    for name in sorted({*COMMANDS} - without):
        status, _, err = office.run(name)
        assert status == 2, name
        assert "Traceback" not in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home"]
    with pytest.raises(Invalid) as refused:
        open_crm(f"sqlite:///{tmp_path}/none.db")
    assert refused.value.faults[0].code == "log_missing"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home"]


def test_a_new_log_is_whole_or_not_there(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error while the tables are made leaves nothing behind."""

    def fails(*_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    office.db = str(tmp_path / "new.db")
    with monkeypatch.context() as patch:
        patch.setattr("crm_adapters.eventlog.sqlite.SqliteDatabase.create", fails)
        assert office.run("create")[0] == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home"]
    told = office.json("create")
    assert told["log"] == f"sqlite:///{tmp_path}/new.db"
    assert (told["format"], told["revision"]) == (1, open_revision(tmp_path / "new.db"))
    assert office.json("verify")["events"] == 0
    office.refuses("log_there", "create")


def test_of_two_that_make_a_log_at_once_the_first_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was recorded in it meanwhile is in the log that the second opens."""
    url = f"sqlite:///{tmp_path}/new.db"
    create, first = SqliteDatabase.create, list[str]()

    def slowly(database: SqliteDatabase, connection: Any) -> None:
        create(database, connection)
        if not first:
            first.append("made")
            with open_crm(url, create=True) as crm:
                crm.do(RegisterHousehold("V1", "A", "1", "1", "1"), by=Actor("S1", "specialist"))

    monkeypatch.setattr(SqliteDatabase, "create", slowly)
    with open_crm(url, create=True) as crm:
        assert [*crm.history("V1")]
    assert not list(tmp_path.glob(".crm-*"))


def open_revision(path: Path) -> str:
    with closing(open_database(f"sqlite:///{path}")) as opened:
        return opened.revision


def test_a_log_in_memory_is_not_created(office: Office) -> None:
    office.db = "memory:"
    status, _, err = office.run("create")
    assert (status, "log_in_memory" in err) == (2, True)


def test_an_empty_postgresql_database_becomes_a_log_only_when_asked(
    postgres_url: str, office: Office
) -> None:
    office.db = postgres_url
    for line in (["verify"], ["credit", "--on", "2024-12-31"], ["migrate"]):
        status, _, err = office.run(*line)
        assert status == 2
        assert err.endswith("[CRM-I001 log_missing]\n")
    assert office.json("create")["format"] == 1
    assert office.json("verify")["events"] == 0
    office.refuses("log_there", "create")


@pytest.mark.parametrize(
    "options", ["mode=ro", "mode=rw", "immutable=1", "uri=true", "timeout=5", "nolock=1&uri=true"]
)
def test_options_of_sqlite_in_an_address_are_refused_everywhere_alike(
    options: str, office: Office
) -> None:
    """They were honoured where the address was used and forgotten where only the path was."""
    before = lies(office.path)
    for db in (f"sqlite:///{office.path}?{options}", f"sqlite:///file:{office.path}?{options}"):
        office.db = db
        for line in (["verify"], ["create"], ["migrate"], ["credit", "--on", "2024-12-31"],
                     ["replay", "--processes", "2"], ["import", str(office.path.parent)],
                     ["backup", "--out", str(office.path.parent / "copy")]):  # fmt: skip
            status, _, err = office.run(*line)
            assert (status, "url_malformed" in err) == (2, True), err
        with pytest.raises(Invalid):
            open_crm(db, create=True)
    assert lies(office.path) == before


def test_a_path_with_the_marks_of_an_address_in_it_is_a_path(tmp_path: Path) -> None:
    for name in ("a?mode=ro.db", "b#c%20d.db", "小区.db", "file:x.db"):
        made = tmp_path / name
        if name.startswith("file:"):
            with pytest.raises(Invalid):
                open_crm(f"sqlite:///{name}", create=True)
            continue
        with closing(open_database(URL.create("sqlite", database=str(made)), create=True)):
            assert made.is_file()
