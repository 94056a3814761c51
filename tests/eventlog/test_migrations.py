"""Tables of an earlier version are brought forward whole, or left as they are."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from first_schema import contents, history, make, rows

from crm_adapters.eventlog import schema
from crm_adapters.eventlog.database import Database
from crm_adapters.eventlog.migrating import migrate
from crm_adapters.eventlog.opening import open_database
from crm_core.errors import Failed, LogOutdated, NotALog
from crm_core.kernel.recorded import Appended, Tip
from faults.logs import note, open_log, texts
from faults.racing import context

STORES = ["sqlite", "postgresql"]
FIRST, NOW = "0001", schema.REVISION


@pytest.fixture(params=STORES)
def new_url(
    request: pytest.FixtureRequest, tmp_path: Path, new_postgres: Callable[[], str]
) -> Callable[[], str]:
    """Gives empty databases of one kind."""
    names = iter("abc")
    if request.param == "sqlite":
        return lambda: f"sqlite:///{tmp_path}/{next(names)}.db"
    return new_postgres


@pytest.fixture
def url(new_url: Callable[[], str]) -> str:
    """A database of the first version, with a history in it."""
    made = new_url()
    make(made, history())
    return made


@pytest.mark.rule("LOG-01", "LOG-02")
def test_events_stay_as_they_are_byte_for_byte(url: str) -> None:
    old = history()
    with pytest.raises(LogOutdated) as raised:
        open_log(url)
    assert (raised.value.found, raised.value.needed) == (FIRST, NOW)
    assert migrate(url) == (FIRST, NOW)
    assert migrate(url) == (NOW, NOW)
    with closing(open_log(url)) as log:
        assert list(log.store.raw()) == list(old.store.raw())
        assert log.verify() == old.verify()
        assert log.verify().intact
        assert list(log.feed()) == list(old.feed())
        assert list(log.by_household()) == list(old.by_household())
        assert log.tips(["a/0", "a/3"]) == old.tips(["a/0", "a/3"])
        assert log.head() == old.head() == 24
    after = contents(url)
    _, commands, tracking = rows(old)
    assert after["crm_commands"] == sorted(("", *row) for row in commands)
    assert after["crm_tracking"] == sorted(("", *row) for row in tracking)


@pytest.mark.rule("LOG-01")
def test_appending_goes_on_with_ids_and_versions_that_were_there(url: str) -> None:
    old = history()
    migrate(url)
    with closing(open_log(url)) as log:
        assert log.store.contiguous
        assert log.append([note("c0", "a/0", None, ("0", "二\n\x00\U0001f3e0 'x'"))]) == [
            Appended("c0", "d", 1, 2)
        ]
        tip = log.tips(["a/0"])["a/0"]
        log.append([note("new", "a/0", tip, ("new",))])
        log.append(iter([note("bulk", "b/0", None, ("x", "y"))]))
        assert [one.position for one in log.feed()] == list(range(1, 28))
        assert texts(log.feed(after=24)) == ["new", "x", "y"]
        verified = log.verify()
        assert (verified.intact, verified.events) == (True, old.verify().events + 3)
    with closing(open_log(url, "another")) as log:
        assert log.empty()
        log.append([note("c0", "a/0", Tip(), ("theirs",))])
        assert texts(log.feed()) == ["theirs"]


def test_what_was_migrated_is_made_like_what_is_new(url: str, new_url: Callable[[], str]) -> None:
    """Tables, columns, types, collations, constraints, indexes, policies and functions."""
    migrate(url)
    fresh = new_url()
    open_database(fresh, contiguous=True).close()
    found, made = contents(url), contents(fresh)
    assert found.keys() == made.keys()
    if url.startswith("sqlite"):
        assert as_made(found["schema"]) == as_made(made["schema"])
        assert described(url) == described(fresh)
    else:
        for what, new in made["schema"].items():
            assert found["schema"][what] == new, what
    for table in ("crm_revision", "crm_origin"):
        assert found.get(table) == made.get(table)


def as_made(found: list[Any]) -> list[Any]:
    """Statements that differ in nothing but blanks, quotes and signs of the same meaning."""
    return [
        (kind, name, re.sub(r"[\s\"]+", "", sql or "").replace("!=", "<>").lower())
        for kind, name, sql in found
    ]


def described(url: str) -> dict[str, Any]:
    """What SQLite itself says of tables and indexes."""
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        return {
            name: [
                connection.execute(f"PRAGMA {what}({name})").fetchall()
                for what in ("table_xinfo", "index_list", "foreign_key_list")
            ]
            for [name] in names.fetchall()
        }


@pytest.mark.parametrize("step", ["tables", "routines"])
def test_a_failure_in_the_middle_leaves_the_old_tables_whole(
    url: str, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if step == "tables":
        # Somebody's own table has the name of one that is to be made, late.
        run(url, "CREATE TABLE crm_checkpoints (mine INTEGER)")
    before = contents(url)
    with monkeypatch.context() as patched:
        if step == "routines":
            patched.setattr(Database, "create_routines", breaks)
            patched.setattr(
                "crm_adapters.eventlog.postgres.PostgresDatabase.create_routines", breaks
            )
        for _ in range(2):
            with pytest.raises(Failed if step == "tables" else Broken):
                migrate(url)
            assert contents(url) == before
    assert contents(url) == before
    if step == "tables":
        run(url, "DROP TABLE crm_checkpoints")
    assert migrate(url) == (FIRST, NOW)
    with closing(open_log(url)) as log:
        assert log.verify() == history().verify()


class Broken(Exception):
    """What goes wrong in a test."""


def breaks(*_: object) -> None:
    raise Broken


def run(url: str, statement: str) -> None:
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            connection.execute(statement)
            connection.commit()
        return
    with psycopg.connect(url) as server:
        server.execute(statement)


def test_the_check_would_see_a_half_migrated_database(url: str) -> None:
    before = contents(url)
    run(url, "ALTER TABLE crm_events RENAME TO crm_events_1")
    assert contents(url) != before


def migrating(url: str, start: Any, results: Any) -> None:
    try:
        start.wait(60)
        results.put(migrate(url))
    except BaseException as error:
        results.put(repr(error))
        raise


def test_two_who_migrate_at_once_do_it_once(url: str) -> None:
    made = context()
    start, results = made.Barrier(3), made.Queue()
    processes = [made.Process(target=migrating, args=(url, start, results)) for _ in range(3)]
    for process in processes:
        process.start()
    found = [results.get(timeout=60) for _ in processes]
    for process in processes:
        process.join()
    results.close()
    results.join_thread()
    assert set(found) <= {(FIRST, NOW), (NOW, NOW)}
    assert (FIRST, NOW) in found
    with closing(open_log(url)) as log:
        assert log.verify() == history().verify()
        log.append([note("new", "n/1")])


@pytest.mark.parametrize("revision", ["0003", "9999", "", "x"])
def test_a_revision_that_is_not_known_is_refused_and_nothing_changes(
    url: str, revision: str
) -> None:
    migrate(url)
    run(url, f"UPDATE crm_revision SET version_num = '{revision}'")
    before = contents(url)
    for opens in (open_log, migrate):
        with pytest.raises(NotALog):
            opens(url)
    assert contents(url) == before


def test_what_is_no_log_is_not_migrated(url: str, new_url: Callable[[], str]) -> None:
    run(url, "DROP TABLE crm_schema")
    before = contents(url)
    with pytest.raises(NotALog):
        migrate(url)
    assert contents(url) == before


def test_a_program_of_the_first_version_fails_loudly_after_the_migration(
    postgres_url: str,
) -> None:
    """Its function is gone, so it cannot write rows without a tenant."""
    make(postgres_url, history())
    call = "SELECT crm_append('{}','{}','{}','{}','{}','{}','{}','{}','{}','{}','{}', NULL, NULL)"
    with psycopg.connect(postgres_url, autocommit=True) as program:
        program.execute(call)
        migrate(postgres_url)
        with pytest.raises(psycopg.errors.UndefinedFunction):
            program.execute(call)
