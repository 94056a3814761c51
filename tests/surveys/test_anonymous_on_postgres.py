"""Nobody can tell whose an anonymous answer is from all that PostgreSQL keeps (SUR-02, 0063).

Whoever attacks holds the server's own files, its write-ahead log among them, and may look at them
while the survey runs, too. What a table says is not all that a server keeps of a row: where it
lies, by which transaction it came, and what lay there before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path
from random import Random  # noqa: TID251 - seeded: the same survey in every run
from typing import Any

import psycopg
import pytest

from crm_adapters import open_crm
from crm_core import CRM
from surveys.asking_round import (
    CLERK,
    MORNING,
    OTHER,
    Counting,
    opened,
    over,
    put,
    settle,
    varied,
)

HOMES = 5
SECRET = "意见只此一家"
ODD = timedelta(minutes=7, seconds=13, microseconds=467_911)

OWN_TABLES = """
    SELECT c.oid::regclass::text, c.relkind::text
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'public' AND c.relkind IN ('r', 'S') ORDER BY 1
"""


def rows_of(url: str) -> dict[str, list[Any]]:
    """Every row of every table as it lies there: its place, its transaction, and what it says.

    Transactions are numbered in the order in which they came: the server counts those of other
    databases with them.
    """
    found: dict[str, list[Any]] = {}
    with psycopg.connect(url, autocommit=True) as connection:
        for table, kind in connection.execute(OWN_TABLES).fetchall():
            if kind == "S":
                found[table] = connection.execute(f"SELECT * FROM {table}").fetchall()
                continue
            asked = f"SELECT ctid::text, xmin::text, xmax::text, t.* FROM {table} t ORDER BY ctid"
            found[table] = [
                row if table != "crm_checkpoints" else row[:3]
                for row in connection.execute(asked).fetchall()
            ]
    came = {int(row[1]) for rows in found.values() for row in rows if str(row[0])[:1] == "("}
    numbers = {xid: place for place, xid in enumerate(sorted(came))}

    # A position in the log has the number of its transaction, from an origin on, in its upper bits.
    each = [value for rows in found.values() for row in rows for value in row]
    high = {value >> POSITION_BITS for value in each if isinstance(value, int)}
    places = {number: place for place, number in enumerate(sorted(high))}

    def told(value: Any) -> Any:
        if not isinstance(value, int):
            return value
        return places[value >> POSITION_BITS], value % (1 << POSITION_BITS)

    return {
        table: [
            (row[0], numbers[int(row[1])], row[2] == "0", *map(told, row[3:]))
            if str(row[0])[:1] == "("
            else row
            for row in rows
        ]
        for table, rows in found.items()
    }


POSITION_BITS = 20


@pytest.fixture
def copies(
    postgres_admin: psycopg.Connection[Any],
    postgres_databases: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Callable[[], str]]:
    """Databases with one and the same survey that is open, under one and the same keys."""
    monkeypatch.chdir(tmp_path)
    names = ["asked_base"]
    postgres_admin.execute("CREATE DATABASE asked_base")
    with open_crm(postgres_databases.url("asked_base"), create=True) as crm:
        settle(crm, HOMES)
        opened(crm)
    keys = Path("crm.keys").read_bytes()

    def copy() -> str:
        names.append(f"asked_{len(names)}")
        postgres_admin.execute(f"CREATE DATABASE {names[-1]} TEMPLATE asked_base")
        Path("crm.keys").write_bytes(keys)
        Path("crm.urn").write_text('{"surveys": {}, "urn": "urn-0"}')
        return str(postgres_databases.url(names[-1]))

    yield copy
    for name in names:
        postgres_admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def answer(crm: CRM, order: Sequence[int], casting: Sequence[int]) -> list[datetime]:
    """Household n gives answer order[n]; they cast in another order, at instants of their own."""
    crm.host.ids = Counting()
    slips, at = [], []
    for n in range(HOMES):
        put(crm, MORNING + n * ODD)
        slips.append(crm.care.surveys.take_slip("S1", f"V{n + 1}", "app", by=CLERK))
    for place, n in enumerate(casting):
        # At no instant at which anything else is done on this server, by other tests neither.
        at.append(MORNING + timedelta(days=1) + (place + 1) * ODD)
        put(crm, at[-1])
        crm.care.surveys.cast(slips[n], varied(order[n] * 7 + 1), by=OTHER)
    return at


@pytest.mark.rule("SUR-02")
def test_rows_lie_the_same_whoever_answered_what(copies: Callable[[], str]) -> None:
    """No column, no place, no transaction and no sequence tells one answerer from another."""
    first = None
    chance = Random(5)
    for order in chance.sample(list(permutations(range(HOMES))), 4):
        url = copies()
        with open_crm(url) as crm:
            answer(crm, order, chance.sample(range(HOMES), HOMES))
            over(crm)
        found = rows_of(url)
        first = first or found
        assert {*found} == {*first}
        for table, rows in found.items():
            assert rows == first[table], table
    assert first is not None
    assert len(first["crm_events"]) > 3 * HOMES


@pytest.mark.rule("SUR-02")
def test_another_answer_gives_other_rows(copies: Callable[[], str]) -> None:
    """So the test above can fail."""
    found = []
    for order in (range(HOMES), [0, 1, 2, 3, 3]):
        url = copies()
        with open_crm(url) as crm:
            answer(crm, order, range(HOMES))
            over(crm)
        found.append(rows_of(url)["crm_events"])
    assert found[0] != found[1]


# --- the server's own files --------------------------------------------------------------------


def files_of(server: Any) -> list[Path]:
    """Whatever the server keeps, its write-ahead log and its tables."""
    return [one for one in Path(server.pgdata).rglob("*") if one.is_file()]


def forms_of(at: datetime) -> list[bytes]:
    """An instant as a program or a server writes it."""
    since_1970 = int(at.timestamp() * 1_000_000)
    since_2000 = since_1970 - int(datetime(2000, 1, 1, tzinfo=UTC).timestamp() * 1_000_000)
    return [
        at.strftime("%Y-%m-%dT%H:%M:%S.%f").encode(),
        at.strftime("%Y-%m-%d %H:%M:%S.%f").encode(),
        str(since_1970).encode(),
        *(n.to_bytes(8, order) for n in (since_1970, since_2000) for order in ("big", "little")),  # type: ignore[arg-type]
    ]


@pytest.mark.rule("SUR-02")
def test_casting_an_answer_makes_the_server_write_nothing(
    copies: Callable[[], str], postgres_server: Any, postgres_admin: psycopg.Connection[Any]
) -> None:
    """Given somebody who watches the server's files, when an answer is cast, then no table has
    another byte and no transaction has begun.
    """
    url = copies()
    with open_crm(url) as crm:
        crm.host.ids = Counting()
        put(crm, MORNING)
        slip = crm.care.surveys.take_slip("S1", "V1", "app", by=CLERK)
        other = crm.care.surveys.take_slip("S1", "V2", "app", by=CLERK)
        # What is read first marks rows as seen; nothing of that is to be taken for an answer.
        crm.care.surveys.cast(slip, varied(1), by=OTHER)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("VACUUM (FREEZE)")
            before = tables_of(postgres_server, postgres_admin, connection)
            crm.care.surveys.cast(other, varied(8, comment=SECRET), by=OTHER)
            after = tables_of(postgres_server, postgres_admin, connection)
        assert before == after
        assert len(before[1]) > 5
    for path in files_of(postgres_server):
        assert SECRET.encode() not in path.read_bytes(), path


def tables_of(
    server: Any, admin: psycopg.Connection[Any], connection: psycopg.Connection[Any]
) -> tuple[Any, dict[str, bytes], Any]:
    """The next transaction, each table byte by byte, and how many rows were ever written to it."""
    admin.execute("CHECKPOINT")
    [(paths, xid, written)] = connection.execute(
        """
        SELECT array_agg(pg_relation_filepath(c.oid)),
            pg_snapshot_xmax(pg_current_snapshot())::text,
            (SELECT array_agg((relname, n_tup_ins, n_tup_upd, n_tup_del)::text ORDER BY relname)
             FROM pg_stat_user_tables)
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname IN ('public', 'pg_toast') AND c.relkind IN ('r', 'i', 't')
        """
    ).fetchall()
    files = {path: (Path(server.pgdata) / path).read_bytes() for path in paths}
    return xid, files, written


@pytest.mark.rule("SUR-02")
def test_no_instant_of_an_answer_is_in_any_file_of_the_server(
    copies: Callable[[], str], postgres_server: Any, postgres_admin: psycopg.Connection[Any]
) -> None:
    url = copies()
    with open_crm(url) as crm:
        at = answer(crm, range(HOMES), [3, 0, 4, 1, 2])
        over(crm)
    postgres_admin.execute("CHECKPOINT")
    contents = {path: path.read_bytes() for path in files_of(postgres_server)}
    taken = forms_of(MORNING + 3 * ODD)
    assert any(form in content for content in contents.values() for form in taken), "they are told"
    for path, content in contents.items():
        for instant in at:
            assert not any(form in content for form in forms_of(instant)), (path, instant)
