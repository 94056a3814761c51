"""The generic log on MariaDB: what of it is not in the contract (decision record 0069)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import date
from pathlib import Path
from threading import Event, Thread
from time import monotonic, sleep
from typing import Any

import pymysql
import pytest
from sqlalchemy.engine import make_url

from crm_adapters import open_crm
from crm_adapters.codec.rows import StoredRow
from crm_adapters.eventlog.log import CodecEventLog
from crm_adapters.eventlog.mariadb import PACKET_SPARE
from crm_adapters.eventlog.migrating import migrate
from crm_adapters.eventlog.opening import open_database
from crm_adapters.eventlog.store import Batch
from crm_core import Actor, Household, Personal
from crm_core.errors import (
    CommitUnknown,
    Conflict,
    FormatUnknown,
    Invalid,
    NotALog,
    StoreUnreachable,
)
from crm_core.kernel.recorded import Tip
from crm_core.owners import RegisterHousehold
from crm_core.payments import RaiseCharge, ReceivePayment
from crm_core.ports import ChainFault
from eventlog.bending import CHANGES, fill, whole
from faults.logs import batch, in_threads, note, open_log, texts
from mariadb_server import MariaServer, server

pytestmark = [
    pytest.mark.rule("LOG-01"),
    # Of sockets whose server went away while the driver made a connection.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


CLERK = Actor("M1", "specialist")
OWNER = Personal("V1#owner", "张三")


def name_of(url: str) -> str:
    return str(make_url(url).database)


@pytest.fixture
def run(mariadb_server: MariaServer, mariadb_url: str) -> Callable[..., list[Any]]:
    """Runs statements past the library, as root."""

    def run(*statements: str) -> list[Any]:
        return mariadb_server.run(*statements, database=name_of(mariadb_url))

    return run


@pytest.fixture
def log(mariadb_url: str) -> Iterator[CodecEventLog]:
    with closing(open_log(mariadb_url)) as log:
        yield log


# --- text ----------------------------------------------------------------------------------------

ALIKE = [
    *("v1", "V1", "v1 ", "v1  ", "\u04751", "\uff561", "e", "\u00e9", "e\u0301"),
    *("ss", "\u00df", "ff", "\ufb00", "\U0001f3e0"),
]
"""What a collation of people's languages takes for the same."""


def test_names_that_look_alike_are_different(log: CodecEventLog) -> None:
    """Case, accents, width, spaces at the end, and what lies beyond the first 65,536 characters."""
    for n, name in enumerate(ALIKE):
        # Of each a stream, a command and a household of its own: any confusion is a conflict.
        log.append([note(f"c/{name}", f"a/{name}", None, (str(n),), name)])
    for n, name in enumerate(ALIKE):
        assert texts(log.read(f"a/{name}")) == [str(n)]
        [(_, events)] = log.by_household(households=[name])
        assert texts(events) == [str(n)]
        assert log.tips([f"a/{name}"]).keys() == {f"a/{name}"}
        assert log.outcomes([f"c/{name}"]).keys() == {f"c/{name}"}
    in_order = [household for household, _ in log.by_household()]
    assert in_order == sorted(ALIKE)
    assert log.verify().intact


def test_a_long_text_comes_back_whole_and_one_too_long_is_refused(log: CodecEventLog) -> None:
    """As a recorder may be given; TEXT of 64 KiB would have cut it."""
    store: Any = log.store
    most = (store.packet_bytes - PACKET_SPARE) // 2
    # Quotes and backslashes take two bytes on their way.
    long = '二"\\' * (most // 5)
    store.insert(Batch([StoredRow(0, "a/1", 1, "t", "", long)], {"a/1": 0}, ()))
    assert [row[5] for row in store.read("a/1", 0)] == [long]
    with pytest.raises(Invalid, match="max_allowed_packet") as raised:
        store.insert(Batch([StoredRow(0, "a/2", 1, "t", "", "二" * most)], {"a/2": 0}, ()))
    assert raised.value.faults[0].code == "append_too_large"
    assert store.head() == 1
    # Many at once are more than one message.
    many = [StoredRow(0, "a/3", n, "t", "", '"' * 60_000) for n in range(1, 101)]
    assert store.insert(Batch(many, {"a/3": 0}, ())) == 2
    assert len(store.read("a/3", 0)) == 100


def test_positions_are_of_64_bits(
    mariadb_url: str, log: CodecEventLog, run: Callable[..., Any]
) -> None:
    """Also where others have used up those of 32: the next stands behind them."""
    far = 2**40
    log.append([note("c1", "a/1", None, ("1",))])
    run(
        *(f"DROP TRIGGER {table}_no_update" for table in ("crm_events", "crm_commands")),
        f"UPDATE crm_events SET position = {far}",
        f"UPDATE crm_commands SET first_position = {far}, last_position = {far}",
    )
    [done] = log.append([note("c2", "a/2", None, ("2",))])
    assert (done.first, log.head()) == (far + 1, far + 1)
    assert [event.position for event in log.feed(after=2**33)] == [far, far + 1]


# --- writers in each other's way -----------------------------------------------------------------


def test_positions_follow_commits_while_a_writer_lingers(mariadb_url: str) -> None:
    """Whoever comes second waits for the head row, so that no reader passes a gap."""
    with closing(open_log(mariadb_url)) as slow, closing(open_log(mariadb_url)) as fast:
        inserted, go = Event(), Event()

        def linger() -> None:
            with slow.store.transaction() as writer:
                assert writer.insert(batch(note("c1", "a/1", None, ("1",)))) == 1
                inserted.set()
                go.wait(20)

        seen: list[int] = []

        def hurry() -> None:
            inserted.wait(20)
            [done] = fast.append([note("c2", "a/2", None, ("2",))])
            seen.append(done.first)

        threads = [Thread(target=linger), Thread(target=hurry)]
        for thread in threads:
            thread.start()
        assert inserted.wait(20)
        sleep(0.3)
        # What is not committed nobody sees, and nobody has overtaken it.
        assert (seen, fast.head(), texts(fast.feed())) == ([], 0, [])
        go.set()
        for thread in threads:
            thread.join()
        assert seen == [2]
        assert texts(fast.feed()) == ["1", "2"]
        assert fast.verify().intact


def test_another_tenant_waits_for_nobody(mariadb_url: str) -> None:
    with (
        closing(open_log(mariadb_url, "a")) as one,
        closing(open_log(mariadb_url, "b")) as other,
        one.store.transaction() as writer,
    ):
        writer.insert(batch(note("c1", "a/1", None, ("1",))))
        began = monotonic()
        assert other.append([note("c1", "a/1", None, ("2",))])[0].first == 1
        assert monotonic() - began < 10


@pytest.mark.rule("LOG-07")
def test_tenants_see_nothing_of_each_other(mariadb_url: str) -> None:
    with closing(open_log(mariadb_url, "A")) as one, closing(open_log(mariadb_url, "a")) as other:
        one.append([note("c1", "a/1", None, ("1", "2"))])
        other.append([note("c1", "a/1", None, ("3",))])
        assert (texts(one.feed()), texts(other.feed())) == (["1", "2"], ["3"])
        assert (one.head(), other.head()) == (2, 1)
        [(_, events)] = other.by_household(households=["V1"])
        assert texts(events) == ["3"]
        assert one.verify().intact
        assert other.verify().intact
        assert one.verify().root != other.verify().root


# --- connections that end ------------------------------------------------------------------------


def kill_all(run: Callable[..., Any]) -> None:
    for (number,) in run(
        "SELECT id FROM information_schema.processlist"
        " WHERE db = DATABASE() AND id <> CONNECTION_ID()"
    ):
        # Gone by itself.
        with suppress(pymysql.Error):
            run(f"KILL {number}")


def test_a_connection_that_ends_within_an_append_leaves_nothing(
    mariadb_url: str, run: Callable[..., Any]
) -> None:
    with closing(open_log(mariadb_url)) as log:
        log.append([note("c0", "a/0", None, ("0",))])

        def interrupted() -> None:
            with log.store.transaction() as writer:
                writer.insert(batch(note("c1", "a/1", None, ("1",))))
                kill_all(run)
                writer.insert(batch(note("c2", "a/2", None, ("2",))))

        with pytest.raises(StoreUnreachable) as raised:
            interrupted()
        assert raised.value.retry_safe
        # The head row is free again, and the same log goes on by new connections.
        assert log.outcomes(["c1", "c2"]) == {}
        log.append([note("c1", "a/1", None, ("1",)), note("c2", "a/2", None, ("2",))])
        assert texts(log.feed()) == ["0", "1", "2"]
        assert log.verify().intact


def test_connections_that_died_idle_are_replaced_unseen(
    mariadb_url: str, run: Callable[..., Any]
) -> None:
    with closing(open_log(mariadb_url)) as log:
        for n in range(3):
            kill_all(run)
            assert log.head() == n
            kill_all(run)
            log.append([note(f"c{n}", f"a/{n}", None, (str(n),))])


def test_writers_go_on_while_connections_are_killed(
    mariadb_url: str, run: Callable[..., Any]
) -> None:
    """Each sends its command until it is heard: all are done once, without a gap."""
    writers, each = 4, 12
    over = Event()

    logs = [open_log(mariadb_url) for _ in range(writers)]

    def write(n: int) -> None:
        with closing(logs[n]) as log:
            for command in (f"c{n}-{c}" for c in range(each)):
                done: list[Any] = []
                while not done:
                    with suppress(StoreUnreachable, CommitUnknown):
                        done = log.append([note(command, f"a/{command}", None, (command,))])

    def disturb() -> None:
        while not over.is_set():
            kill_all(run)
            sleep(0.05)

    disturber = Thread(target=disturb)
    disturber.start()
    try:
        in_threads([lambda n=n: write(n) for n in range(writers)])  # type: ignore[misc]
    finally:
        over.set()
        disturber.join()
    with closing(open_log(mariadb_url)) as log:
        assert [event.position for event in log.feed()] == list(range(1, writers * each + 1))
        assert sorted(texts(log.feed())) == sorted(
            f"c{n}-{c}" for n in range(writers) for c in range(each)
        )
        assert log.verify().intact


def test_what_was_heard_stands_when_the_server_dies(tmp_path: Path) -> None:
    with server("--innodb-flush-log-at-trx-commit=1") as first:
        url = first.url(first.make())
        with closing(open_log(url)) as log:
            log.append([note("c1", "a/1", None, ("1",))])

            def interrupted() -> None:
                with log.store.transaction() as writer:
                    writer.insert(batch(note("c2", "a/2", None, ("2",))))
                    first.kill()
                    writer.insert(batch(note("c3", "a/3", None, ("3",))))

            with pytest.raises(StoreUnreachable):
                interrupted()
            with pytest.raises(StoreUnreachable):
                log.head()
            again = MariaServer(first.folder, "--innodb-flush-log-at-trx-commit=1")
            try:
                assert texts(log.feed()) == ["1"]
                log.append([note("c2", "a/2", None, ("2",))])
                assert log.verify(deep=True).intact
            finally:
                again.stop()


# --- what is there stays -------------------------------------------------------------------------


@pytest.mark.rule("LOG-04")
@pytest.mark.parametrize("statement", CHANGES)
def test_the_server_refuses_to_change_what_is_there(
    mariadb_url: str, run: Callable[..., Any], statement: str
) -> None:
    fill(mariadb_url)
    with pytest.raises(pymysql.Error, match="is append-only"):
        run(statement)
    assert whole(mariadb_url)


@pytest.mark.rule("LOG-04")
def test_a_row_put_in_place_of_another_is_refused(
    mariadb_url: str, run: Callable[..., Any]
) -> None:
    fill(mariadb_url)
    again = "INTO crm_events SELECT * FROM crm_events WHERE position = 2"
    for statement in (
        f"REPLACE {again}",
        f"INSERT {again} ON DUPLICATE KEY UPDATE state = 'x'",
    ):
        with pytest.raises(pymysql.Error, match="is append-only"):
            run(statement)
    assert whole(mariadb_url)


def lifted() -> list[str]:
    return [
        f"DROP TRIGGER {table}_no_{what}"
        for table in ("crm_events", "crm_commands")
        for what in ("update", "delete")
    ]


def guarded(run: Callable[..., Any], *statements: str) -> None:
    """Change the log as whoever owns it can, and set the guards again."""
    guards = run(
        "SELECT TRIGGER_NAME, EVENT_MANIPULATION, EVENT_OBJECT_TABLE, ACTION_STATEMENT"
        " FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE()"
    )
    set_again = [
        f"CREATE TRIGGER {name} BEFORE {what} ON {table} FOR EACH ROW {body}"
        for name, what, table, body in guards
        if table in ("crm_events", "crm_commands")
    ]
    run(*lifted(), *statements, *set_again)


DAMAGE: dict[str, tuple[str, ChainFault]] = {
    "a character of a text": (
        """UPDATE crm_events SET state = replace(state, '"text":"2"', '"text":"9"')""",
        ChainFault(2, "a/1", "digest"),
    ),
    "a household": (
        "UPDATE crm_events SET household = 'v1' WHERE position = 3",
        ChainFault(3, "a/2", "malformed"),
    ),
    "a stream in case alone": (
        "UPDATE crm_events SET stream = 'A/2' WHERE position = 3",
        ChainFault(3, "A/2", "digest"),
    ),
    "a space behind a name": (
        "UPDATE crm_events SET name = concat(name, ' ') WHERE position = 1",
        ChainFault(1, "a/1", "digest"),
    ),
    "a version": (
        "UPDATE crm_events SET version = 7 WHERE position = 2",
        ChainFault(2, "a/1", "version"),
    ),
    "a position": (
        "UPDATE crm_events SET position = 9 WHERE position = 3",
        ChainFault(9, "a/2", "position"),
    ),
    "an event in the middle": (
        "DELETE FROM crm_events WHERE position = 2",
        ChainFault(3, "a/2", "position"),
    ),
    "the last event": (
        "DELETE FROM crm_events WHERE position = 3",
        ChainFault(3, "", "command", "c2"),
    ),
    "a command": (
        "DELETE FROM crm_commands WHERE command = 'c2'",
        ChainFault(3, "", "command", "c2"),
    ),
    "a digest of a command": (
        "UPDATE crm_commands SET digest = 'e' WHERE command = 'c1'",
        ChainFault(1, "", "command", "c1"),
    ),
    "a command more": (
        "INSERT INTO crm_commands VALUES ('', 'c9', 'd', 9, 9)",
        ChainFault(9, "", "command", "c9"),
    ),
    "rows of nobody": (
        (
            "INSERT INTO crm_events SELECT 'x', position, stream, version, name, household, state"
            " FROM crm_events WHERE position = 3"
        ),
        ChainFault(0, "", "tenant", "x"),
    ),
}


@pytest.mark.rule("LOG-03")
@pytest.mark.parametrize("what", DAMAGE)
def test_damage_is_found_where_it_is(mariadb_url: str, run: Callable[..., Any], what: str) -> None:
    fill(mariadb_url)
    statement, fault = DAMAGE[what]
    guarded(run, statement)
    with closing(open_log(mariadb_url)) as log:
        found = log.verify().first_fault
    assert found is not None
    assert (found.position, found.stream, found.kind) == (fault.position, fault.stream, fault.kind)
    assert found.object in ("", fault.object)


TABLES = {
    "a guard is away": ("DROP TRIGGER crm_events_no_delete", "trigger crm_events_no_delete"),
    "a guard does nothing": (
        (
            "DROP TRIGGER crm_reads_no_update; CREATE TRIGGER crm_reads_no_update BEFORE UPDATE"
            " ON crm_reads FOR EACH ROW SET @a = 1"
        ),
        "trigger crm_reads_no_update",
    ),
    "a trigger hangs on the log": (
        "CREATE TRIGGER t BEFORE INSERT ON crm_events FOR EACH ROW SET NEW.household = 'V9'",
        "trigger t",
    ),
    "an index is away": ("DROP INDEX crm_events_household ON crm_events", "table crm_events"),
    "names are compared otherwise": (
        "ALTER TABLE crm_commands MODIFY command varchar(256) COLLATE utf8mb4_general_ci NOT NULL",
        "table crm_commands",
    ),
    "an engine without transactions": ("ALTER TABLE crm_events ENGINE = Aria", "table crm_events"),
    "a table more": ("CREATE TABLE crm_more (a int)", "table crm_more"),
    "a view for a table": (
        "RENAME TABLE crm_reads TO other; CREATE VIEW crm_reads AS SELECT * FROM other",
        "table crm_reads",
    ),
    "a cascade": (
        (
            "CREATE TABLE more (tenant varchar(64) COLLATE utf8mb4_nopad_bin, position bigint,"
            " PRIMARY KEY (tenant, position)) CHARACTER SET utf8mb4;"
            " INSERT INTO more SELECT tenant, position FROM crm_events; ALTER TABLE crm_events"
            " ADD FOREIGN KEY (tenant, position) REFERENCES more (tenant, position)"
            " ON DELETE CASCADE"
        ),
        "table crm_events",
    ),
}


@pytest.mark.rule("LOG-04")
@pytest.mark.parametrize("what", TABLES)
def test_tables_that_are_not_as_made_are_found(
    mariadb_url: str, run: Callable[..., Any], what: str
) -> None:
    fill(mariadb_url)
    statements, fault = TABLES[what]
    run(*statements.split(";"))
    with closing(open_log(mariadb_url)) as log:
        found = log.verify().first_fault
    assert found == ChainFault(0, "", "schema", fault)


@pytest.mark.rule("LOG-04")
def test_a_trigger_that_changes_what_is_written_is_found(
    mariadb_url: str, run: Callable[..., Any]
) -> None:
    with closing(open_log(mariadb_url)) as log:
        log.append([note("c1", "a/1", None, ("1",))])
        run(
            "CREATE TRIGGER t BEFORE INSERT ON crm_events FOR EACH ROW"
            " SET NEW.state = replace(NEW.state, '2', '3')"
        )
        log.append([note("c2", "a/2", None, ("2",))])
        assert not log.verify().intact
        run(
            "DROP TRIGGER t",
            "CREATE TRIGGER t AFTER INSERT ON crm_events FOR EACH ROW"
            " UPDATE crm_commands SET digest = 'x'",
        )
        with pytest.raises(NotALog) as raised:
            log.append([note("c3", "a/3", None, ("3",))])
        assert raised.value.sentence == "rows_altered"
        assert log.outcomes(["c3"]) == {}


# --- who may what --------------------------------------------------------------------------------


@pytest.fixture
def roles(mariadb_server: MariaServer, mariadb_url: str) -> Iterator[Callable[[str], str]]:
    """URLs of a writer and a verifier, with the grants of the page and no more."""
    name = name_of(mariadb_url)
    open_database(mariadb_url, create=True).close()
    page = Path(__file__).parents[2] / "docs/how-to/mariadb.md"
    grants = page.read_text("utf-8").split("```sql\n")[1].split("```")[0]
    statements = [one.replace("estate", name).strip() for one in grants.split(";") if one.strip()]
    mariadb_server.run(*statements)
    yield lambda user: mariadb_server.url(name, user)
    mariadb_server.run("DROP USER crm_writer@localhost, crm_verifier@localhost")


@pytest.mark.rule("LOG-04")
def test_the_grants_of_the_page_are_enough_and_no_more(
    roles: Callable[[str], str], mariadb_server: MariaServer
) -> None:
    writer = roles("crm_writer")
    with closing(open_log(writer)) as log:
        log.append([note("c1", "a/1", None, ("1", "2")), note("c2", "a/2", None, ("3",))])
        assert log.verify().intact
        with pytest.raises(StoreUnreachable), log.store.write() as cursor:  # type: ignore[attr-defined]
            cursor.execute("TRUNCATE crm_events")
        with pytest.raises(StoreUnreachable), log.store.write() as cursor:  # type: ignore[attr-defined]
            cursor.execute("DROP TRIGGER crm_events_no_update")
    with closing(open_log(roles("crm_verifier"))) as log:
        found = log.verify(deep=True)
        assert (found.intact, found.events) == (True, 3)
        assert "schema" in found.unchecked  # it may make no tables, not even its own
        with pytest.raises(StoreUnreachable):
            log.append([note("c4", "a/4", None, ("4",))])
    assert whole(writer)


# --- opening -------------------------------------------------------------------------------------


def test_a_crm_opens_by_its_url(
    new_mariadb: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mariadb_url = new_mariadb()
    monkeypatch.chdir(tmp_path)
    charge = RaiseCharge("V1", "CV1", "management_fee", "2011-07", 12700, date(2011, 7, 31))
    paid = ReceivePayment("V1", "PV1", 12700, date(2011, 8, 9), "wechat", "CV1")
    with open_crm(mariadb_url, create=True) as crm:
        crm.do(RegisterHousehold("V1", "星河", "1", "1", "101", owner=OWNER), by=CLERK)
        crm.do(charge, by=CLERK)
        crm.do(paid, by=CLERK)
    # The other name of the same kind of log, and the key file beside it.
    with open_crm(mariadb_url.replace("mariadb+", "mysql+")) as crm:
        [line] = crm.accounts.credit(date(2011, 8, 31), by=CLERK, purpose="service: a call")
        assert (line.household, line.overdue_days) == ("V1", 0)
        found = crm.get(Household, "V1", by=CLERK, purpose="service: a call")
        assert (found.household, found.estate) == ("V1", "星河")
        assert crm.log.verify().intact
    with pytest.raises(Invalid) as raised:
        open_crm(new_mariadb())
    assert raised.value.faults[0].code == "log_missing"


@pytest.mark.parametrize(
    ("end", "sentence"),
    [
        ("?charset=latin1", "url_of_driver_options"),
        ("?init_command=SET+sql_mode%3D''", "url_of_driver_options"),
        ("", "url_of_mariadb"),
    ],
)
def test_a_url_that_would_decide_what_is_stored_is_refused(end: str, sentence: str) -> None:
    with pytest.raises(Invalid) as raised:
        open_database(f"mariadb+pymysql://root@127.0.0.1/{end}".replace("/?", "/crm?"))
    assert raised.value.faults[0].sentence == sentence


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("mysql+mysqldb://root@127.0.0.1/crm", "url_malformed"),
        ("oracle://root@127.0.0.1/crm", "database_unsupported"),
        ("mssql://root@127.0.0.1/crm", "database_unsupported"),
    ],
)
def test_what_was_not_run_is_refused(url: str, code: str) -> None:
    with pytest.raises(Invalid) as raised:
        open_database(url)
    assert raised.value.faults[0].code == code


@pytest.mark.parametrize("version", ["8.0.36", "10.6.17-MariaDB"])
def test_a_server_on_which_nothing_was_run_is_refused(version: str) -> None:
    with server(f"--version={version}") as other, pytest.raises(Invalid) as raised:
        open_database(other.url(other.make()), create=True)
    assert raised.value.faults[0].sentence == "mariadb_wanted"


def test_a_server_that_may_be_behind_is_refused(
    mariadb_server: MariaServer, mariadb_url: str
) -> None:
    fill(mariadb_url)
    try:
        mariadb_server.run("SET GLOBAL read_only = ON")
        with pytest.raises(StoreUnreachable, match="read-only"):
            open_database(mariadb_url)
    finally:
        mariadb_server.run("SET GLOBAL read_only = OFF")
    assert whole(mariadb_url)


def test_settings_of_the_server_do_not_change_what_is_stored(
    mariadb_server: MariaServer, mariadb_url: str
) -> None:
    """Of a server that cuts what does not fit, reads quotes otherwise and checks no keys."""
    before = mariadb_server.run("SELECT @@global.sql_mode, @@global.tx_isolation")[0]
    try:
        mariadb_server.run(
            "SET GLOBAL sql_mode = ''",
            "SET GLOBAL tx_isolation = 'READ-UNCOMMITTED'",
            "SET GLOBAL unique_checks = 0",
        )
        fill(mariadb_url)
        assert whole(mariadb_url)
        with closing(open_log(mariadb_url)) as log:
            with pytest.raises(Conflict):
                log.append([note("c3", "a/1", Tip(), ("x",))])
            with log.store.transaction() as writer:
                writer.insert(batch(note("c4", "a/4", None, ("4",))))
                with closing(open_log(mariadb_url)) as other:
                    assert other.head() == 3
    finally:
        mariadb_server.run(
            f"SET GLOBAL sql_mode = '{before[0]}'",
            f"SET GLOBAL tx_isolation = '{before[1]}'",
            "SET GLOBAL unique_checks = 1",
        )


def test_a_log_half_made_is_made_anew(mariadb_url: str, run: Callable[..., Any]) -> None:
    """Whoever made it died before the last step; and what is not ours is left alone."""
    run("CREATE TABLE crm_made_events (a int)", "CREATE TABLE theirs (a int)")
    fill(mariadb_url)
    assert whole(mariadb_url)
    assert ("crm_made_events",) not in run("SHOW TABLES")
    assert ("theirs",) in run("SHOW TABLES")


def test_a_log_without_its_events_is_no_place_for_a_new_one(
    mariadb_url: str, run: Callable[..., Any]
) -> None:
    fill(mariadb_url)
    run("DROP TABLE crm_events")
    with pytest.raises(NotALog) as raised:
        open_database(mariadb_url, create=True)
    assert raised.value.sentence == "tables_missing"
    assert run("SELECT count(*) FROM crm_commands") == [(2,)]


def test_a_dump_carries_a_log_with_its_guards(
    mariadb_server: MariaServer, new_mariadb: Callable[[], str]
) -> None:
    log, copy = new_mariadb(), new_mariadb()
    fill(log)
    dumped = mariadb_server.dump(name_of(log))
    mariadb_server.load(name_of(copy), dumped)
    with closing(open_log(log)) as first, closing(open_log(copy)) as other:
        assert other.verify(deep=True) == first.verify(deep=True)
    assert whole(copy)


def test_other_forms_and_revisions_are_refused(mariadb_url: str, run: Callable[..., Any]) -> None:
    fill(mariadb_url)
    assert migrate(mariadb_url) == ("0001", "0001")
    run("UPDATE crm_format SET number = 9")
    with pytest.raises(FormatUnknown):
        open_database(mariadb_url)
    run("UPDATE crm_format SET number = 1", "UPDATE crm_revision SET version_num = '0009'")
    with pytest.raises(NotALog):
        open_database(mariadb_url)
    run("UPDATE crm_revision SET version_num = '0001'")
    with (
        closing(open_database(mariadb_url)) as database,
        pytest.raises(NotALog) as raised,
        database.schema_change(),
    ):
        raise AssertionError
    assert raised.value.sentence == "migration_unsupported"
    assert whole(mariadb_url)
