"""What is in the log stays: the database itself refuses to change it, whoever asks (LOG-04)."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from granted_roles import Granted
from psycopg.errors import InsufficientPrivilege

from crm_adapters.eventlog.guards import REFUSED
from crm_core.errors import StoreUnreachable
from eventlog.bending import CHANGES, fill, whole
from faults.logs import lift, note, open_log, texts

pytestmark = pytest.mark.rule("LOG-04")


# --- SQLite --------------------------------------------------------------------------------------


@pytest.fixture
def path(tmp_path: Path) -> Path:
    fill(f"sqlite:///{tmp_path / 'log.db'}")
    return tmp_path / "log.db"


@pytest.mark.parametrize("statement", CHANGES)
def test_sqlite_refuses_to_change_what_is_there(path: Path, statement: str) -> None:
    with (
        closing(sqlite3.connect(path)) as connection,
        pytest.raises(sqlite3.IntegrityError, match="is append-only"),
        connection,
    ):
        connection.execute(statement)
    assert whole(f"sqlite:///{path}")


@pytest.mark.parametrize("statement", CHANGES)
def test_without_the_triggers_the_same_statements_bend_the_log(path: Path, statement: str) -> None:
    """Planted: whoever owns the file takes them away."""
    with closing(lift(sqlite3.connect(path))) as connection, connection:
        assert connection.execute(statement).rowcount > 0


def test_what_may_be_added_to_an_sqlite_log_still_is(path: Path) -> None:
    with closing(open_log(f"sqlite:///{path}")) as log:
        tips = log.tips(["a/1"])
        log.append([note("c3", "a/1", tips["a/1"], ("4",))])
        assert texts(log.feed()) == ["1", "2", "3", "4"]
        assert log.verify().intact


def test_a_row_put_in_place_of_another_is_found(path: Path) -> None:
    """`OR REPLACE` passes SQLite's triggers: whoever verifies is told where."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "INSERT OR REPLACE INTO crm_events"
            " SELECT tenant, position, stream, version, name, household,"
            ' replace(state, \'"text":"2"\', \'"text":"9"\')'
            " FROM crm_events WHERE position = 2"
        )
    with closing(open_log(f"sqlite:///{path}")) as log:
        assert log.verify().first_fault is not None


# --- PostgreSQL ----------------------------------------------------------------------------------


@pytest.fixture
def granted(postgres_url: str) -> Granted:
    return Granted(postgres_url)


def refused(session: psycopg.Connection[Any], statement: str) -> None:
    with pytest.raises(psycopg.Error) as raised, session.transaction():
        session.execute(statement)
    assert raised.value.sqlstate == REFUSED


def of_the_migrator(granted: Granted) -> str:
    return granted.migrator


def of_a_superuser(granted: Granted) -> str:
    return granted.admin


@pytest.mark.parametrize("whose", [of_the_migrator, of_a_superuser])
def test_postgresql_refuses_to_change_what_is_there(
    granted: Granted, whose: Callable[[Granted], str]
) -> None:
    """Also to who owns the tables, and to who says it is only replaying a replication."""
    fill(granted.writer)
    with psycopg.connect(whose(granted), autocommit=True) as session:
        session.execute("SELECT set_config('crm.tenant', '', false)")
        for statement in (*CHANGES, "TRUNCATE crm_events", "TRUNCATE crm_commands, crm_events"):
            refused(session, statement)
        refused(session, "UPDATE crm_events SET version = 7 WHERE position > 0 RETURNING state")
        if whose is of_a_superuser:
            session.execute("SET session_replication_role = replica")
            for statement in (*CHANGES, "TRUNCATE crm_events"):
                refused(session, statement)
    assert whole(granted.writer)


def test_a_table_above_the_log_changes_nothing_in_it(granted: Granted) -> None:
    """What is done to a parent is done to the tables that inherit from it."""
    fill(granted.writer)
    with psycopg.connect(granted.admin, autocommit=True) as session:
        session.execute("CREATE TABLE above (LIKE crm_events INCLUDING ALL)")
        session.execute("ALTER TABLE crm_events INHERIT above")
        for statement in ("UPDATE above SET state = ''", "DELETE FROM above"):
            refused(session, statement)
    assert whole(granted.writer)


def statements() -> Iterator[str]:
    """What neither a program nor a reader nor a verifier may do."""
    yield from CHANGES
    yield from ("TRUNCATE crm_events", "TRUNCATE crm_commands", "DROP TABLE crm_commands")
    for table in ("crm_events", "crm_commands"):
        yield f"ALTER TABLE {table} DISABLE TRIGGER ALL"
        yield f"DROP TRIGGER {table}_no_change ON {table}"
        yield f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY"
        yield f"DROP POLICY crm_tenant ON {table}"
    yield "DROP INDEX crm_events_household"
    yield "SET session_replication_role = replica"
    yield "UPDATE crm_format SET number = 2"
    yield "UPDATE crm_revision SET version_num = '0009'"


@pytest.mark.parametrize("role", ["writer", "reader", "verifier"])
def test_a_role_does_what_it_is_for_and_cannot_bend_the_log(granted: Granted, role: str) -> None:
    fill(granted.writer, "a")
    url = getattr(granted, role)
    with psycopg.connect(url, autocommit=True) as session:
        session.execute("SELECT set_config('crm.tenant', 'a', false)")
        for statement in statements():
            with pytest.raises(InsufficientPrivilege):
                session.execute(statement)
        if role != "writer":
            for table in ("crm_events", "crm_commands", "crm_tiles", "crm_views"):
                with pytest.raises(InsufficientPrivilege):
                    session.execute(f"INSERT INTO {table} SELECT * FROM {table}")
    with closing(open_log(url, "a")) as log:
        assert log.verify().intact
        assert log.root().events == 3
        if role == "writer":
            log.append([note("c3", "a/3")])
        else:
            with pytest.raises(StoreUnreachable, match="permission denied"):
                log.append([note("c3", "a/3")])
    assert whole(granted.writer, "a") or role == "writer"


def test_a_verifier_sees_what_belongs_to_nobody(granted: Granted) -> None:
    """Rows of every tenant, of whom a program sees its own alone."""
    fill(granted.writer, "a")
    fill(granted.writer, "b")
    asked = "SELECT count(*) FROM crm_events UNION ALL SELECT count(*) FROM crm_commands"
    with psycopg.connect(granted.verifier) as session:
        assert session.execute(asked).fetchall() == [(6,), (4,)]
    with psycopg.connect(granted.writer) as session:
        assert session.execute(asked).fetchall() == [(0,), (0,)]


@pytest.mark.rule("LOG-04", "LOG-07")
@pytest.mark.parametrize(
    ("policy", "fault"),
    [
        ("FOR SELECT TO crm_verifier USING (true)", None),
        ("FOR SELECT TO PUBLIC USING (true)", "policy crm_verifies"),
        ("FOR SELECT TO crm_writer USING (true)", "policy crm_verifies"),
        ("FOR SELECT TO crm_verifier, crm_writer USING (true)", "policy crm_verifies"),
        ("FOR ALL TO crm_verifier USING (true)", "policy crm_verifies"),
        ("FOR SELECT TO crm_verifier USING (tenant = '')", "policy crm_verifies"),
    ],
)
def test_only_a_verifier_is_let_into_the_rows_of_all(
    granted: Granted, policy: str, fault: str | None
) -> None:
    """Under the name that the page gives it, nobody else is, and to nothing else."""
    fill(granted.writer)
    with psycopg.connect(granted.admin, autocommit=True) as session:
        session.execute("DROP POLICY crm_verifies ON crm_events")
        session.execute(f"CREATE POLICY crm_verifies ON crm_events {policy}")
    with closing(open_log(granted.migrator)) as log:
        found = log.verify().first_fault
    assert (None if found is None else found.object) == fault


def test_the_migrator_can_bring_the_tables_forward(granted: Granted) -> None:
    fill(granted.writer)
    with psycopg.connect(granted.migrator, autocommit=True) as session:
        session.execute("ALTER TABLE crm_events ADD COLUMN later int")
        session.execute("ALTER TABLE crm_events DROP COLUMN later")
    assert whole(granted.writer)
