"""A log of another form is refused; tables of an earlier version are brought forward whole."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic.script import ScriptDirectory
from eventsourcing.popo import POPOApplicationRecorder
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool
from stored_tables import FORMATLESS, contents, file, later_version, make, run, told

from crm_adapters.eventlog import migrating, schema
from crm_adapters.eventlog.database import Database
from crm_adapters.eventlog.log import CodecEventLog
from crm_adapters.eventlog.memory import MemoryStore
from crm_adapters.eventlog.migrating import migrate, upgrade
from crm_adapters.eventlog.opening import open_database
from crm_adapters.eventlog.postgres import PostgresDatabase
from crm_adapters.eventlog.store import FORMAT
from crm_adapters.eventsourcing import RecorderStore
from crm_core.errors import Failed, FormatUnknown, LogOutdated, NotALog
from crm_core.kernel.recorded import Appended, Tip
from faults.logs import codec, note, open_log, texts
from faults.racing import context

STORES = ["sqlite", "postgresql"]
FIRST, LAST = "0001", "0002"


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
    """An empty database."""
    return new_url()


def opens(url: str) -> None:
    open_log(url).close()


def opens_to_migrate(url: str) -> None:
    open_database(url, create=True, outdated=True).close()


WAYS = [opens, opens_to_migrate, migrate]


# --- formats -------------------------------------------------------------------------------------


@pytest.mark.rule("LOG-02")
def test_a_log_has_the_format_number_it_was_made_with(url: str) -> None:
    for tenant in ("", "another"):
        with closing(open_log(url, tenant)) as log:
            assert (log.format_number, log.store.format_number) == (FORMAT, FORMAT)
    assert contents(url)["crm_format"] == [(1,)]


def test_a_log_elsewhere_has_the_format_of_this_version() -> None:
    """Nothing of it outlives the process, or nothing in it can keep a number."""
    for store in (MemoryStore(), RecorderStore(POPOApplicationRecorder())):
        assert CodecEventLog(store, codec()).format_number == FORMAT == 1


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("number", [0, 2, 9999])
@pytest.mark.rule("LOG-02")
def test_a_log_of_another_format_is_refused_and_nothing_changes(
    url: str, number: int, way: Callable[[str], None]
) -> None:
    make(url)
    run(url, f"UPDATE crm_format SET number = {number}")
    before = contents(url)
    for _ in range(2):
        with pytest.raises(FormatUnknown) as refused:
            way(url)
        assert (refused.value.code, refused.value.retry_safe) == ("CRM-F015", False)
        assert (refused.value.found, refused.value.needed) == (number, FORMAT)
        assert {"found": number, "needed": FORMAT}.items() <= refused.value.values.items()
    assert contents(url) == before


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("known_by", FORMATLESS)
@pytest.mark.rule("LOG-02")
def test_a_log_from_before_the_formats_is_refused_and_nothing_changes(
    url: str, known_by: str, way: Callable[[str], None]
) -> None:
    make(url)
    run(url, FORMATLESS[known_by])
    before = contents(url)
    with pytest.raises(FormatUnknown) as refused:
        way(url)
    assert (refused.value.found, refused.value.needed) == (None, FORMAT)
    assert contents(url) == before


def test_a_file_that_is_refused_is_not_even_switched_to_another_journal(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/a.db"
    make(url)
    run(url, "UPDATE crm_format SET number = 2; PRAGMA journal_mode = DELETE")
    before = file(url).read_bytes()
    with pytest.raises(FormatUnknown):
        opens(url)
    assert file(url).read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"a.db", "a.db-turn"}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM crm_format",
        "INSERT INTO crm_format VALUES (2)",
        "DELETE FROM crm_revision",
        "DROP TABLE crm_revision",
        "DROP TABLE crm_format; DROP TABLE crm_revision",
        "UPDATE crm_revision SET version_num = '0002'",
        "UPDATE crm_revision SET version_num = '9999'",
        "UPDATE crm_revision SET version_num = ''",
        "UPDATE crm_revision SET version_num = 'x'",
    ],
)
def test_what_is_no_log_or_one_of_later_tables_is_refused_and_nothing_changes(
    url: str, statement: str, way: Callable[[str], None]
) -> None:
    make(url)
    run(url, statement)
    before = contents(url)
    with pytest.raises(NotALog):
        way(url)
    assert contents(url) == before


# --- the first revision --------------------------------------------------------------------------


def test_the_revisions_lead_from_the_first_to_the_last() -> None:
    assert revisions() == schema.REVISIONS == (FIRST,)
    with later_version():
        assert revisions() == schema.REVISIONS == (FIRST, LAST)


def revisions() -> tuple[str, ...]:
    """As they lie in their folders, oldest first."""
    steps = list(ScriptDirectory.from_config(migrating._config()).walk_revisions())
    return tuple(step.revision for step in reversed(steps))


def test_a_log_of_this_version_is_left_as_it_is(url: str) -> None:
    make(url)
    before = contents(url)
    assert migrate(url) == (FIRST, FIRST)
    assert contents(url) == before


def test_what_the_revisions_make_is_made_like_what_is_new(
    url: str, new_url: Callable[[], str]
) -> None:
    """Tables, columns, types, collations, constraints, indexes, policies and functions."""
    fresh = new_url()
    expected = make(fresh)
    made_by_revisions(url)
    told_there = make(url)
    assert told_there["verified"] == expected["verified"]
    found, new = contents(url), contents(fresh)
    assert found.keys() == new.keys()
    if url.startswith("sqlite"):
        assert as_made(found["schema"]) == as_made(new["schema"])
        assert described(url) == described(fresh)
    else:
        for what, those in new["schema"].items():
            assert found["schema"][what] == those, what
    for table in ("crm_format", "crm_revision"):
        assert found[table] == new[table]


def made_by_revisions(url: str) -> None:
    """Make a log in an empty database by nothing but the revisions."""
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"), poolclass=NullPool)
    with engine.begin() as connection:
        upgrade(connection)
    with (
        closing(open_database(url, create=True)) as database,
        database.schema_change() as connection,
    ):
        database.create_routines(connection)


def as_made(found: list[Any]) -> list[Any]:
    """Statements that differ in nothing but blanks, quotes and signs of the same meaning."""
    return [
        (kind, name, re.sub(r"[\s\"]+", "", sql or "").replace("!=", "<>").lower())
        for kind, name, sql in found
    ]


def described(url: str) -> dict[str, Any]:
    """What SQLite itself says of tables and indexes."""
    with closing(sqlite3.connect(file(url))) as connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        return {
            name: [
                connection.execute(f"PRAGMA {what}({name})").fetchall()
                for what in ("table_xinfo", "foreign_key_list")
            ]
            # In no order: that in which a table's indexes are made means nothing.
            + [sorted(row[1:] for row in connection.execute(f"PRAGMA index_list({name})"))]
            for [name] in names.fetchall()
        }


# --- a later revision ----------------------------------------------------------------------------


@pytest.mark.rule("LOG-01", "LOG-02")
def test_a_later_version_refuses_earlier_tables_by_name_until_they_are_migrated(url: str) -> None:
    before = make(url)
    there = contents(url)
    with later_version():
        for _ in range(2):
            with pytest.raises(LogOutdated) as raised:
                opens(url)
            assert raised.value.code == "CRM-F014"
            assert (raised.value.found, raised.value.needed) == (FIRST, LAST)
        assert contents(url) == there
        assert migrate(url) == (FIRST, LAST)
        assert migrate(url) == (LAST, LAST)
        with closing(open_log(url)) as log:
            assert told(log) == before
            assert before["verified"][-1] is None
    assert contents(url)["crm_format"] == [(FORMAT,)]


@pytest.mark.rule("LOG-01", "LOG-07")
def test_a_migration_carries_the_logs_of_all_tenants(url: str) -> None:
    before = {tenant: make(url, tenant) for tenant in ("", "a", "b")}
    with later_version():
        migrate(url)
        for tenant, expected in before.items():
            with closing(open_log(url, tenant)) as log:
                assert told(log) == expected
    lengths = [row[-1] for row in contents(url)["crm_events"]]
    assert len(lengths) == 72
    assert all(lengths)


@pytest.mark.rule("LOG-07")
def test_an_owner_who_is_no_superuser_migrates_all_tenants(
    postgres_url: str, postgres_admin: psycopg.Connection[Any]
) -> None:
    """Though row-level security is forced upon the owner as well."""
    with ExitStack() as held:
        postgres_admin.execute("CREATE ROLE crm_migrates LOGIN")
        held.callback(postgres_admin.execute, "DROP ROLE crm_migrates")
        run(postgres_url, "GRANT USAGE, CREATE ON SCHEMA public TO crm_migrates")
        held.callback(run, postgres_url, "DROP OWNED BY crm_migrates")
        owner = make_url(postgres_url).set(username="crm_migrates").render_as_string()
        before = {tenant: make(owner, tenant) for tenant in "ab"}
        secured = contents(postgres_url)["schema"]["relations"]
        with later_version():
            assert migrate(owner) == (FIRST, LAST)
            for tenant, expected in before.items():
                with closing(open_log(owner, tenant)) as log:
                    assert told(log) == expected
        after = contents(postgres_url)
        assert all(row[-1] for row in after["crm_events"])
        assert set(after["schema"]["relations"]) >= set(secured)


@pytest.mark.parametrize("contiguous", [False, True])
@pytest.mark.rule("LOG-01")
def test_appending_goes_on_with_ids_and_versions_that_were_there(
    url: str, contiguous: bool
) -> None:
    before = make(url, contiguous=contiguous)
    with later_version():
        migrate(url)
        with closing(open_log(url)) as log:
            assert log.store.contiguous == (contiguous or url.startswith("sqlite"))
            again = note("c0", "a/0", None, ("0", "二\n\x00\U0001f3e0 'x'"))
            first = before["commands"]["c0"]
            assert log.append([again]) == [Appended("c0", "d", first.first, first.last)]
            end = log.head()
            log.append([note("new", "a/0", log.tips(["a/0"])["a/0"], ("new",))])
            log.append(iter([note("bulk", "b/0", None, ("x", "y"))]))
            assert texts(log.feed(after=end)) == ["new", "x", "y"]
            verified = log.verify()
            # What this version expects of tables says nothing of those of a later one.
            assert verified.first_fault is None or verified.first_fault.kind == "schema"
            assert verified.events == 27
        with closing(open_log(url, "another")) as log:
            assert log.empty()
            log.append([note("c0", "a/0", Tip(), ("theirs",))])
            assert texts(log.feed()) == ["theirs"]


@pytest.mark.parametrize("step", ["tables", "routines"])
def test_a_failure_in_the_middle_leaves_the_old_tables_whole(
    url: str, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = make(url)
    if step == "tables":
        # Somebody's own table has the name of the one that is to be made last.
        run(url, "CREATE TABLE crm_later (mine INTEGER)")
    before = contents(url)
    with later_version(), monkeypatch.context() as patched:
        if step == "routines":
            for kind in (Database, PostgresDatabase):
                patched.setattr(kind, "create_routines", breaks)
        for _ in range(2):
            with pytest.raises(Failed if step == "tables" else Broken):
                migrate(url)
            assert contents(url) == before
    # So the version that made it goes on with it.
    with closing(open_log(url)) as log:
        assert told(log) == expected
    if step == "tables":
        run(url, "DROP TABLE crm_later")
    with later_version():
        assert migrate(url) == (FIRST, LAST)
        with closing(open_log(url)) as log:
            assert told(log) == expected


class Broken(Exception):
    """What goes wrong in a test."""


def breaks(*_: object) -> None:
    raise Broken


def test_the_check_would_see_a_half_migrated_database(url: str) -> None:
    make(url)
    before = contents(url)
    run(url, "ALTER TABLE crm_events RENAME TO crm_events_1")
    assert contents(url) != before


def migrating_once(url: str, start: Any, results: Any) -> None:
    try:
        with later_version():
            start.wait(60)
            results.put(migrate(url))
    except BaseException as error:
        results.put(repr(error))
        raise


def test_two_who_migrate_at_once_do_it_once(url: str) -> None:
    expected = make(url)
    made = context()
    start, results = made.Barrier(3), made.Queue()
    processes = [made.Process(target=migrating_once, args=(url, start, results)) for _ in range(3)]
    for process in processes:
        process.start()
    found = [results.get(timeout=60) for _ in processes]
    for process in processes:
        process.join()
    results.close()
    results.join_thread()
    assert set(found) <= {(FIRST, LAST), (LAST, LAST)}
    assert (FIRST, LAST) in found
    with later_version(), closing(open_log(url)) as log:
        assert told(log) == expected
        log.append([note("new", "n/1")])


def test_the_earlier_version_refuses_what_a_later_one_has_migrated(url: str) -> None:
    make(url)
    with later_version():
        migrate(url)
    before = contents(url)
    for way in WAYS:
        with pytest.raises(NotALog):
            way(url)
    assert contents(url) == before
