"""Several companies in one database: each has a log of its own, whatever the others do (LOG-07)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from threading import Barrier, Event
from typing import Any

import psycopg
import pytest
from granted_roles import Granted

from crm_adapters import open_crm
from crm_adapters.codec import Codec
from crm_adapters.eventlog.database import Database
from crm_adapters.eventlog.guards import POSTGRES_LIFTED
from crm_adapters.eventlog.log import CodecEventLog
from crm_adapters.eventlog.opening import open_database
from crm_adapters.eventlog.schema import metadata
from crm_adapters.eventlog.store import RowStore
from crm_adapters.keys import LocalVault
from crm_core import Actor, Household, Personal
from crm_core.errors import CommandReused, Conflict, Invalid, StoreUnreachable
from crm_core.kernel.catalog import Catalog
from crm_core.kernel.recorded import Tip
from crm_core.owners import RegisterHousehold
from crm_core.ports import EventLog
from crm_core.testing.contracts import EventLogContract
from crm_core.testing.contracts.events import CATALOG
from faults.logs import in_threads, note, open_log, texts

STORES = ["sqlite", "postgresql", "contiguous"]
SECURED = ["crm_events", "crm_commands", "crm_tiles", "crm_reads", "crm_tracking", "crm_views",
           "crm_checkpoints", "crm_parked"]  # fmt: skip
LIFTED = "; ".join(POSTGRES_LIFTED)


@pytest.fixture(params=STORES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/crm.db"
    url = str(request.getfixturevalue("postgres_url"))
    open_database(url, create=True, contiguous=request.param == "contiguous").close()
    return url


# --- the whole contract, beside others -----------------------------------------------------------


class BesideOthers(EventLogContract):
    """Every log of the contract is one more tenant of the same database, with the same names."""

    root = ""

    @pytest.fixture(autouse=True)
    def resources(self) -> Iterator[None]:
        with ExitStack() as self.held:
            self.vault = LocalVault()
            self.made = 0
            yield

    def shared_url(self) -> str:
        raise NotImplementedError

    def store(self, tenant: str) -> RowStore:
        store = open_database(self.shared_url(), create=True, tenant=tenant)
        self.held.callback(store.close)
        return store

    def make_log(self, catalog: Catalog) -> EventLog:
        self.made += 1
        neighbour = CodecEventLog(self.store("neighbour"), Codec(CATALOG, self.vault))
        for stream in ("a/1", "a/2"):
            tip = neighbour.tips([stream]).get(stream, Tip())
            neighbour.append([note(f"c{self.made}-{stream}", stream, tip, ("theirs",))])
        return CodecEventLog(self.store(f"t{self.made}"), Codec(catalog, self.vault))

    def reopen(self, log: EventLog, catalog: Catalog) -> EventLog:
        assert isinstance(log, CodecEventLog)
        assert isinstance(log.store, Database)
        return CodecEventLog(self.store(log.store.tenant), Codec(catalog, self.vault))


class TestSqliteBesideOthers(BesideOthers):
    examples = 15

    @pytest.fixture(autouse=True)
    def folder(self, tmp_path: Path) -> None:
        self.path = tmp_path

    def shared_url(self) -> str:
        return f"sqlite:///{self.path}/crm.db"


class TestPostgresBesideOthers(BesideOthers):
    """As programs log in that may do nothing but what the page grants: all under the policies."""

    contiguous = False
    examples = 10
    many = 4_101

    @pytest.fixture(autouse=True)
    def program(self, granted: Granted) -> None:
        self.granted = granted

    def shared_url(self) -> str:
        return self.granted.writer


# --- roles ---------------------------------------------------------------------------------------


@pytest.fixture
def granted(postgres_url: str) -> Granted:
    return Granted(postgres_url)


@pytest.mark.rule("LOG-07")
def test_every_table_with_rows_of_tenants_has_a_policy_that_binds_the_owner_too(
    postgres_url: str,
) -> None:
    open_database(postgres_url, create=True).close()
    with psycopg.connect(postgres_url) as connection:
        secured = connection.execute(
            "SELECT relname FROM pg_class JOIN pg_policy ON polrelid = pg_class.oid"
            " WHERE relrowsecurity AND relforcerowsecurity AND polcmd = '*' AND polpermissive"
            " ORDER BY 1"
        ).fetchall()
    with_tenant = {table.name for table in metadata.tables.values() if "tenant" in table.columns}
    assert {name for [name] in secured} == with_tenant == set(SECURED)


@pytest.mark.rule("LOG-07")
@pytest.mark.parametrize("role", ["migrator", "writer"])
def test_a_session_reaches_no_row_of_another_tenant_by_any_statement(
    granted: Granted, role: str
) -> None:
    for tenant in "ab":
        with closing(open_log(granted.writer, tenant)) as log:
            log.append([note("c1", "a/1", None, ("1", "2"))])
    with psycopg.connect(granted.admin, autocommit=True) as admin:
        # So that what keeps rows apart are the policies and not the want of a grant.
        admin.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO crm_{role}")
        # And not the guards either, which refuse every change.
        admin.execute(LIFTED)
        for table in set(SECURED) - {"crm_events", "crm_commands"}:
            fill(admin, table)
        before = {table: rows(admin, table, "b") for table in SECURED}
        assert all(before.values())
        with psycopg.connect(getattr(granted, role), autocommit=True) as session:
            session.execute("SELECT set_config('crm.tenant', 'a', false)")
            for table in SECURED:
                assert {row[0] for row in session.execute(f"SELECT * FROM {table}")} == {"a"}
                for where in ("", " WHERE tenant = 'b'", " WHERE tenant <> 'a'"):
                    seen = session.execute(f"SELECT count(*) FROM {table}{where}").fetchone()
                    own = 0 if where else len(rows(admin, table, "a"))
                    assert seen == (own,)
                copied = session.execute(f"UPDATE {table} SET tenant = tenant WHERE tenant = 'b'")
                assert copied.rowcount == 0
                for statement in (
                    f"INSERT INTO {table} SELECT 'b', {rest(session, table)} FROM {table}",
                    f"UPDATE {table} SET tenant = 'b'",
                ):
                    with pytest.raises(psycopg.errors.InsufficientPrivilege):
                        session.execute(statement)
                assert rows(admin, table, "b") == before[table]
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                # Nor by the functions of the log, which act for who calls them.
                session.execute(
                    "SELECT crm_append_stream('b', 'x/1', 0, '', '{n}', '{s}', 'c9', 'd')"
                )
            for table in SECURED:
                # A statement without any condition.
                session.execute(f"UPDATE {table} SET tenant = 'a'")
                session.execute(f"DELETE FROM {table}")
                assert rows(admin, table, "a") == []
                assert rows(admin, table, "b") == before[table]
            session.execute("SELECT set_config('crm.tenant', '', false)")
            assert session.execute("SELECT count(*) FROM crm_events").fetchone() == (0,)
        with psycopg.connect(getattr(granted, role)) as session:
            # Nothing was said about a tenant at all.
            assert session.execute("SELECT count(*) FROM crm_events").fetchone() == (0,)


def rows(admin: psycopg.Connection[Any], table: str, tenant: str) -> list[Any]:
    return admin.execute(
        f"SELECT * FROM {table} WHERE tenant = %s ORDER BY 1, 2", (tenant,)
    ).fetchall()


def rest(session: psycopg.Connection[Any], table: str) -> str:
    """The columns behind the tenant."""
    found = session.execute(f"SELECT * FROM {table} LIMIT 0").description or []
    return ", ".join(column.name for column in found[1:])


def fill(admin: psycopg.Connection[Any], table: str) -> None:
    """A row for each tenant."""
    for tenant in "ab":
        columns = admin.execute(
            "SELECT column_name, data_type FROM information_schema.columns"
            " WHERE table_name = %s ORDER BY ordinal_position",
            (table,),
        ).fetchall()
        values = [tenant, *("1" if kind != "text" else "x" for _, kind in columns[1:])]
        marks = ", ".join(["%s"] * len(values))
        admin.execute(f"INSERT INTO {table} VALUES ({marks})", values)


@pytest.mark.rule("LOG-07")
def test_without_a_policy_the_same_statements_would_reach_everything(granted: Granted) -> None:
    """Planted: the policy of one table is gone."""
    for tenant in "ab":
        with closing(open_log(granted.writer, tenant)) as log:
            log.append([note("c1", "a/1")])
    with psycopg.connect(granted.migrator, autocommit=True) as owner:
        owner.execute("ALTER TABLE crm_events DISABLE ROW LEVEL SECURITY")
    with psycopg.connect(granted.writer) as session:
        session.execute("SELECT set_config('crm.tenant', 'a', false)")
        assert session.execute("SELECT count(*) FROM crm_events").fetchone() == (2,)


@pytest.mark.rule("LOG-04")
def test_a_program_can_add_and_not_change_or_remove(granted: Granted) -> None:
    with closing(open_log(granted.writer, "a")) as log:
        log.append([note("c1", "a/1")])
    with psycopg.connect(granted.writer, autocommit=True) as session:
        session.execute("SELECT set_config('crm.tenant', 'a', false)")
        for statement in (
            "UPDATE crm_events SET state = 'x'",
            "DELETE FROM crm_events",
            "TRUNCATE crm_events",
            "DELETE FROM crm_commands",
            "UPDATE crm_commands SET digest = ''",
            "DROP TABLE crm_events",
            "ALTER TABLE crm_events DISABLE ROW LEVEL SECURITY",
            "DROP POLICY crm_tenant ON crm_events",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                session.execute(statement)


@pytest.mark.rule("LOG-01")
def test_a_large_append_of_a_program_is_one_transaction_of_many_calls(granted: Granted) -> None:
    """`COPY` is not for it, and one call takes no more than a chunk."""
    with closing(open_log(granted.writer, "a")) as log:
        commits = [note(f"c{n}", f"a/{n}", None, ("x",) * 10) for n in range(350)]
        done = log.append(iter(commits))
        assert len(texts(log.feed())) == 3500
        assert log.append(commits) == done

        def broken() -> Iterator[Any]:
            yield from (note(f"d{n}", f"d/{n}", None, ("x",) * 10) for n in range(350))
            yield note("d350", "a/1")

        with pytest.raises(Conflict) as raised:
            log.append(broken())
        assert (raised.value.stream, raised.value.expected, raised.value.actual) == ("a/1", 0, 10)
        assert log.verify().events == 3500


def test_a_reader_reads_and_cannot_write(granted: Granted) -> None:
    with closing(open_log(granted.writer, "a")) as log:
        log.append([note("c1", "a/1", None, ("1",))])
    with closing(open_log(granted.reader, "a")) as log:
        assert texts(log.feed()) == ["1"]
        assert log.verify().intact
        with pytest.raises(StoreUnreachable, match="permission denied"):
            log.append([note("c2", "a/2")])
        assert log.outcomes(["c2"]) == {}


def test_a_role_that_may_not_make_tables_is_told_so(postgres_url: str, granted: Granted) -> None:
    with psycopg.connect(granted.admin, autocommit=True) as admin:
        admin.execute("DROP SCHEMA public CASCADE")
        admin.execute("CREATE SCHEMA public")
        admin.execute("GRANT USAGE ON SCHEMA public TO crm_writer")
    with pytest.raises(StoreUnreachable, match="permission denied"):
        open_log(granted.writer)


# --- two tenants with the same names -------------------------------------------------------------


def write(log: CodecEventLog, tenant: str) -> None:
    """The same streams, commands and households in each; other texts, and another number."""
    many = 2 if tenant == "a" else 3
    for n in range(many):
        tip = log.tips(["a/1"]).get("a/1", Tip())
        log.append([note(f"c{n}", "a/1", tip, (f"{tenant}{n}",), household="V1")])
    log.append(iter([note("bulk", "a/2", None, (f"{tenant} bulk",), household="V2")]))


def told(log: CodecEventLog) -> dict[str, Any]:
    """Everything a log says of itself, places left out."""
    found = list(log.feed())
    return {
        "feed": [(one.stream, one.version, one.event.text) for one in found],
        "order": [one.position for one in found] == sorted(one.position for one in found),
        "head": [one.position for one in found][-1] == log.head() == log.frontier().position,
        "behind": log.frontier().behind,
        "count": log.count(),
        "settled": [event.event.text for event in log.settled().events],
        "names": texts(log.feed(names=["contract.noted/1"])),
        "a/1": texts(log.read("a/1")),
        "fold": log.fold("a/1", lambda state, event: (*state, event.text), ()),
        "tips": log.tips(["a/1", "a/2", "a/3"]),
        "households": [(key, texts(events)) for key, events in log.by_household()],
        "V2": [(key, texts(events)) for key, events in log.by_household(households=["V2"])],
        "outcomes": sorted(log.outcomes(["c0", "c1", "c2", "bulk", "other"])),
        "verified": log.verify(),
        "cutoff": log.cutoff(None, without="x").known,
        "all known": log.cutoff(datetime(2012, 1, 1, tzinfo=UTC), without="x").position
        == log.head(),
        "empty": log.empty(),
    }


@pytest.mark.rule("LOG-07")
def test_a_tenant_sees_its_own_and_nothing_else(
    url: str, tmp_path: Path, new_postgres: Callable[[], str]
) -> None:
    """What a log says beside another it says alone, word for word."""
    alone = {}
    for tenant in "ab":
        only = new_postgres() if "postgres" in url else f"sqlite:///{tmp_path}/only-{tenant}.db"
        with closing(open_log(only, tenant)) as log:
            write(log, tenant)
            alone[tenant] = told(log)
    assert alone["a"] != alone["b"]
    with closing(open_log(url, "a")) as a, closing(open_log(url, "b")) as b:
        write(a, "a")
        assert b.empty()
        assert (b.head(), list(b.feed()), b.verify().events) == (0, [], 0)
        write(b, "b")
        assert {"a": told(a), "b": told(b)} == alone
    with closing(open_log(url)) as unnamed:
        assert unnamed.empty()


@pytest.mark.rule("LOG-07")
def test_a_command_id_and_a_version_are_a_tenants_own(url: str) -> None:
    with closing(open_log(url, "a")) as a, closing(open_log(url, "b")) as b:
        [done] = a.append([note("c1", "a/1", None, ("ours",))])
        [other] = b.append([note("c1", "a/1", None, ("theirs",))])
        assert a.append([note("c1", "a/1", None, ("ours",))]) == [done]
        assert b.outcomes(["c1"]) == {"c1": other}
        with pytest.raises(CommandReused):
            a.append([note("c1", "a/1")._replace(digest="another")])
        tip = a.tips(["a/1"])["a/1"]
        a.append([note("c2", "a/1", tip, ("more",))])
        with pytest.raises(Conflict):
            b.append([note("c2", "a/1", tip._replace(version=2), ("more",))])
        assert texts(b.feed()) == ["theirs"]
        assert texts(a.feed()) == ["ours", "more"]


@pytest.mark.rule("LOG-07", "LOG-03")
def test_tenants_that_write_at_once_do_not_meet(url: str) -> None:
    each, writers = 40, 3
    start = Barrier(2 * writers)
    stop, seen = Event(), {tenant: list[str]() for tenant in "ab"}
    logs = {tenant: open_log(url, tenant) for tenant in "ab"}

    def put(tenant: str, writer: int) -> None:
        start.wait()
        for n in range(each):
            stream = f"s/{writer}"
            tip = logs[tenant].tips([stream]).get(stream, Tip())
            logs[tenant].append([note(f"c{writer}-{n}", stream, tip, (f"{tenant}{writer}-{n}",))])

    def follow(tenant: str) -> None:
        for one in logs[tenant].follow(stop=stop, poll_seconds=0.02):
            seen[tenant].append(one.event.text)
            if len(seen[tenant]) == each * writers:
                return

    in_threads(
        [
            *(partial(put, tenant, n) for tenant in "ab" for n in range(writers)),
            *(partial(follow, tenant) for tenant in "ab"),
        ]
    )
    for tenant, log in logs.items():
        assert {text[0] for text in seen[tenant]} == {tenant}
        assert seen[tenant] == texts(log.feed())
        assert log.verify().events == each * writers
        assert log.verify().intact
        if log.store.contiguous:
            assert [one.position for one in log.feed()] == list(range(1, each * writers + 1))
        log.close()


@pytest.mark.rule("LOG-07", "PRV-03")
def test_erasing_a_person_of_one_leaves_every_byte_and_key_of_the_other(
    url: str, tmp_path: Path
) -> None:
    clerk = Actor("M1", "specialist")
    keys = {tenant: tmp_path / f"{tenant}.keys" for tenant in "ab"}
    shown = {}
    for tenant in "ab":
        with closing(open_crm(url, create=True, tenant=tenant, keys=keys[tenant])) as crm:
            owner = Personal("V1#owner", f"owner of {tenant}")
            crm.do(RegisterHousehold("V1", "星河", "1", "1", "101", owner=owner), by=clerk, id="r1")
    with closing(open_crm(url, create=True, tenant="b", keys=keys["b"])) as b:
        before = list(b.log.store.raw())  # type: ignore[attr-defined]
        held = keys["b"].read_bytes()
        with closing(open_crm(url, create=True, tenant="a", keys=keys["a"])) as a:
            a.host.vault.erase("V1#owner")
            a.host.vault.flush()
            for crm, tenant in ((a, "a"), (b, "b")):
                shown[tenant] = crm.reveal("V1", "V1#owner", "name", by=clerk, purpose="service")
                assert crm.get(Household, "V1") is not None
        assert list(b.log.store.raw()) == before  # type: ignore[attr-defined]
        assert keys["b"].read_bytes() == held
    assert shown == {"a": "personal value erased", "b": "owner of b"}


@pytest.mark.parametrize("tenant", [" ", "a b", "../a", "a/b", "x" * 65, "\n"])
def test_a_tenant_has_a_name_like_any_id(tmp_path: Path, tenant: str) -> None:
    with pytest.raises(Invalid) as raised:
        open_log(f"sqlite:///{tmp_path}/crm.db", tenant)
    assert raised.value.faults[0].code == "tenant_malformed"
    assert list(tmp_path.iterdir()) == []
