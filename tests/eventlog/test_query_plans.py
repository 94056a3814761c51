"""Every look-up is by an index, however long the log is; both databases are asked (N1, N2)."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import ClientCursor
from sqlalchemy import Engine, event

from crm_adapters import open_crm
from crm_adapters.eventlog.schema import RARE, RARE_NAMES
from crm_core import CRM, Actor
from crm_core.application.requests import ROSTER_NAMES
from crm_core.gradings.events import ABOUT_YEARS
from crm_core.payments import ReceivePayment
from crm_core.slices import catalog
from crm_core.testing.towns import Town, fill, known_at
from faults.logs import note, open_log

TOWN = Town(seed=3, households=120, years=2)
CLERK = Actor("S1", "specialist")
ON = date(2012, 6, 30)
HOUSEHOLD = "V0000060"

LARGE = {"crm_events", "crm_commands", "crm_tiles", "crm_reads", "crm_tracking", "crm_views",
         "crm_parked"}  # fmt: skip
"""Tables that grow with the log."""

WHOLE = {
    r"SELECT ? FROM crm_events WHERE tenant = ? LIMIT ?": "one row, whichever",
    r"SELECT max(position) FROM crm_events WHERE tenant = ?": "the end of an index",
    r"SELECT coalesce(max(position), ?) FROM crm_events WHERE tenant = ?": "the end of an index",
}
"""Statements that a plan seems to read whole although they are not, and why."""

Asked = list[tuple[str, Any]]


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/town.db"
    return str(request.getfixturevalue("postgres_url"))


# --- what is asked, and how a database goes about it ---------------------------------------------


@contextmanager
def recorded(url: str) -> Iterator[Asked]:
    """All statements that go to the database meanwhile, with their values."""
    asked: Asked = []
    if url.startswith("sqlite"):
        connect = sqlite3.connect

        def traced(*arguments: Any, **options: Any) -> sqlite3.Connection:
            connection: sqlite3.Connection = connect(*arguments, **options)
            connection.set_trace_callback(lambda text: asked.append((text, None)))
            return connection

        # Of readers and of the one that writes, which is no engine's.
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(sqlite3, "connect", traced)
            yield asked
        return
    with pytest.MonkeyPatch.context() as patched:
        execute = psycopg.Cursor.execute

        def noted(self: Any, query: Any, params: Any = None, **options: Any) -> Any:
            asked.append((str(query), params))
            return execute(self, query, params, **options)

        patched.setattr(psycopg.Cursor, "execute", noted)
        yield asked


def shape(statement: str) -> str:
    """A statement without its values."""
    text = re.sub(r"'(?:[^']|'')*'|%[bs](?:::\w+(?:\[\])?)?|\b\d+\b", "?", statement)
    return re.sub(r"\(\?(?:, \?)+\)", "(?, …)", " ".join(text.split()))


def about_tables(asked: Asked) -> dict[str, tuple[str, Any]]:
    """One statement of each shape that reads or writes large tables."""
    wanted = re.compile(r"(SELECT|INSERT|UPDATE|DELETE|WITH)\b")
    return {
        shape(text): (text, values)
        for text, values in asked
        if wanted.match(text) and any(table in text for table in LARGE)
    }


def whole_in_sqlite(connection: sqlite3.Connection, statement: str) -> list[str]:
    """What SQLite would read whole for a statement."""
    found = []
    for *_, detail in connection.execute(f"EXPLAIN QUERY PLAN {statement}"):
        match = re.match(r"(SCAN|SEARCH) (\w+)(.*)", detail)
        # A name that is no table's is short for one, or for values in the statement itself.
        if match is None or (match[2] not in {*LARGE, "e"}):
            continue
        by = re.search(r"\((.*)\)", match[3])
        if match[1] == "SCAN" or by is None or by[1] == "tenant=?":
            found.append(detail)
    return found


def whole_in_postgres(connection: psycopg.Connection[Any], query: str, values: Any) -> list[str]:
    """What PostgreSQL would read whole for a statement, were it large."""
    found: list[str] = []
    defined = connection.execute("SELECT indexname, indexdef FROM pg_indexes").fetchall()
    # A condition on later columns alone walks through the whole index.
    first = {name: re.findall(r"\w+", made.partition(" (")[2])[:2] for name, made in defined}

    def look(node: dict[str, Any]) -> None:
        table, index = node.get("Relation Name"), node.get("Index Name", "")
        if table in LARGE and node["Node Type"] == "Seq Scan":
            found.append(f"Seq Scan on {table}")
        elif index.startswith("crm_"):
            by = node.get("Index Cond", "")
            if not all(re.search(rf"\b{column}\b", by) for column in first[index]):
                found.append(f"{node['Node Type']} of {index}: {node.get('Index Cond')}")
        for below in node.get("Plans", ()):
            look(below)

    cursor = ClientCursor(connection)
    [(plan,)] = cursor.execute(f"EXPLAIN (FORMAT JSON) {query}", values).fetchall()
    look(plan[0]["Plan"])
    return found


def read_whole(url: str, asked: Asked) -> dict[str, list[str]]:
    """Of all statements those that read a large table whole, and what the planner says."""
    found: dict[str, list[str]] = {}
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            for form, (text, _) in about_tables(asked).items():
                found[form] = whole_in_sqlite(connection, text)
    else:
        with psycopg.connect(url, autocommit=True) as server:
            server.execute("ANALYZE")
            # The tables of a test are so small that reading them whole would be best.
            server.execute("SET enable_seqscan = off")
            for form, (text, values) in about_tables(asked).items():
                found[form] = whole_in_postgres(server, text, values)
    return {form: plans for form, plans in found.items() if plans}


# --- every query of the library ------------------------------------------------------------------


def live(crm: CRM) -> None:
    """A bit of everything that the library does with a log."""
    fill(crm.log, TOWN)
    for year in (2011, 2012):
        crm.grade(year, known=known_at(year))
    crm.do(ReceivePayment(HOUSEHOLD, "P-1", 12_345, date(2013, 2, 1), "cash"), by=CLERK)
    crm.tick(known_at(2012))
    crm.todo(by=CLERK, now=known_at(2012))
    ask_of_one(crm)
    ask_of_the_log(crm)
    list(crm.accounts.credit(ON))
    list(crm.accounts.arrears(ON))
    list(crm.gradings.directory())
    list(crm.gradings.waiting())
    list(crm.gradings.affected())
    crm.gradings.grades(2011)
    crm.replay(2011)
    crm.outcome("none")
    crm.log.count()
    crm.log.outcomes([f"c{n}" for n in range(600)])
    crm.log.empty()
    crm.log.frontier()
    crm.log.settled(names=["payments.payment_received/1"])
    crm.views.status()
    crm.views.parked_rows()
    list(crm.requests.provisional())


def ask_of_one(crm: CRM) -> None:
    """What is asked of one household (N1)."""
    list(crm.accounts.credit(ON, households=[HOUSEHOLD]))
    crm.gradings.history(HOUSEHOLD)
    crm.explain(HOUSEHOLD, 2011)
    crm.accounts.statement(HOUSEHOLD, ON)
    list(crm.history(f"account/{HOUSEHOLD}"))


def ask_of_the_log(crm: CRM) -> None:
    """What is asked of the whole log and has a short answer (N2)."""
    crm.gradings._service._asked(2012, None, None, trial=True)
    crm.gradings._service._asked(2012, datetime(2012, 3, 1, tzinfo=UTC), None, trial=True)
    crm.gradings.cutoff(None)
    crm.gradings.cutoff(known_at(2011))
    crm.gradings.records()
    crm.gradings.runs(2011)
    crm.gradings.in_force(ON)
    crm.gradings.allocations()
    crm.requests.lines()
    crm.requests.raised()
    crm.log.root()
    crm.log.root(5000)
    crm.log.head()
    crm.log.tips([f"account/{HOUSEHOLD}", "account/nobody"])


def test_no_query_of_the_library_reads_a_large_table_whole(url: str) -> None:
    with recorded(url) as asked, open_crm(url, create=True) as crm:
        live(crm)
    forms = about_tables(asked)
    # The town is read by pages, in order: those have a place to begin at, and show as look-ups.
    assert len(forms) > 25
    assert any("household IN" in form for form in forms)
    whole = read_whole(url, asked)
    assert {form: plans for form, plans in whole.items() if form not in WHOLE} == {}


def test_what_is_named_as_read_whole_is_still_asked(tmp_path: Path) -> None:
    """No exception outlives its statement."""
    url = f"sqlite:///{tmp_path}/town.db"
    with recorded(url) as asked, open_crm(url, create=True) as crm:
        live(crm)
    assert set(WHOLE) <= set(about_tables(asked))


@pytest.mark.parametrize(
    "planted",
    [
        "SELECT state FROM crm_events WHERE tenant = '' AND name = 'payments.charge_raised/1'",
        "SELECT state FROM crm_events WHERE version = 7",
        "SELECT state FROM crm_events WHERE tenant = '' AND household LIKE '%1'",
        "SELECT command FROM crm_commands WHERE tenant = '' AND first_position = 7",
    ],
)
def test_a_query_that_does_is_found(url: str, planted: str) -> None:
    """Planted: conditions that no index serves, or not from its beginning."""
    with closing(open_log(url)) as log:
        log.append(note(f"c{n}", f"a/{n}") for n in range(100))
    assert list(read_whole(url, [(planted, None)])) == [shape(planted)]


# --- flat ----------------------------------------------------------------------------------------


def multiply(url: str, times: int) -> None:
    """As if so many more households lived as those of the town did, a century later.

    Runs there are as many as before.
    """
    statement = (
        "INSERT INTO crm_events (tenant, position, stream, version, name, household, state)"
        " SELECT tenant, position + {0} * {1}, stream || '~{0}', version, name,"
        " CASE household WHEN '' THEN '' ELSE household || '~{0}' END,"
        ' replace(state, \'"recorded":"20\', \'"recorded":"21\')'
        f" FROM crm_events WHERE position <= {{1}} AND NOT ({RARE})"
    )
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection, connection:
            [(end,)] = connection.execute("SELECT max(position) FROM crm_events")
            for n in range(1, times):
                connection.execute(statement.format(n, end))
    else:
        with psycopg.connect(url, autocommit=True) as server:
            [(end,)] = server.execute("SELECT max(position) FROM crm_events").fetchall()
            # Behind all that was there; new transactions come behind all of it.
            server.execute("UPDATE crm_origin SET origin = origin - %s", ((times * end) >> 20,))
            for n in range(1, times):
                server.execute(statement.format(n, end))
            server.execute("VACUUM ANALYZE")


def steps(url: str, work: Callable[[CRM], None]) -> int:
    """What a database does for some work, the second time it is asked.

    SQLite counts the steps of its programs, PostgreSQL the pages it looks at.
    """
    count = 0
    if url.startswith("sqlite"):

        def counted() -> None:
            nonlocal count
            count += 1

        def watch(connection: Any, _record: Any) -> None:
            connection.set_progress_handler(counted, 10)

        event.listen(Engine, "connect", watch)
        try:
            with open_crm(url, create=True) as crm:
                work(crm)
                count = 0
                work(crm)
        finally:
            event.remove(Engine, "connect", watch)
        return count
    with open_crm(url, create=True) as crm:
        work(crm)
        with recorded(url) as asked:
            work(crm)
    with psycopg.connect(url, autocommit=True) as server:
        for text, values in asked:
            if text.startswith(("SELECT", "WITH")):
                explained = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {text}"
                [(plan,)] = ClientCursor(server).execute(explained, values).fetchall()
                top = plan[0]["Plan"]
                count += top["Shared Hit Blocks"] + top["Shared Read Blocks"]
    return count


@pytest.mark.rule("LOG-03")
@pytest.mark.parametrize("work", [ask_of_one, ask_of_the_log])
def test_ten_times_the_households_are_no_more_work(url: str, work: Callable[[CRM], None]) -> None:
    with open_crm(url, create=True) as crm:
        fill(crm.log, TOWN)
        for year in (2011, 2012):
            crm.grade(year, known=known_at(year))
    before = steps(url, work)
    multiply(url, 10)
    after = steps(url, work)
    assert before > 0
    # Trees of pages are a level deeper, and there are more tiles.
    assert after <= 2.5 * before


# --- rare names ----------------------------------------------------------------------------------


def test_rare_names_are_names_of_events_and_all_that_are_asked_for_together() -> None:
    """Their list is part of an index; what is asked for by them must be there whole."""
    known = catalog().names()
    assert set(RARE_NAMES) <= set(known)
    assert list(RARE_NAMES) == sorted(set(RARE_NAMES))
    assert {*ABOUT_YEARS, *ROSTER_NAMES, "requests.warning_raised/1"} <= set(RARE_NAMES)
    # Of a fact that is rare every version is.
    facts = {name.partition("/")[0] for name in RARE_NAMES}
    assert {name for name in known if name.partition("/")[0] in facts} == set(RARE_NAMES)
    assert {name for name in known if name.startswith("gradings.policy_")} <= set(RARE_NAMES)
