"""What was said lies in no server in plain text, and opens nowhere once they are erased (S11).

The walk through every command, on PostgreSQL, with what it relays to NATS and sends by a webhook.
Values are sealed before they leave the process: so neither rows, nor versions of rows that are dead
and not vacuumed, nor write-ahead logs, nor streams hold anything that an erasure has to find.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest

from crm_adapters import open_crm
from crm_adapters.notify.outbox import Outbox
from crm_adapters.notify.webhook import WebhookNotifier
from crm_adapters.relay.nats import NatsRelay
from crm_core import CRM
from crm_core.kernel.sealed import Plain
from crm_core.messages import QueueMessage
from crm_core.messages.events import Parameter
from notify.servers import HOST, Receiver
from privacy.canaries import Canaries, files, forms
from privacy.forgetting import sealed_of
from privacy.singing import HOME, OTHER, OWNER, Choir
from privacy.walk import GONE, forget, walk
from relay.server import Server

pytestmark = [pytest.mark.rule("PRV-04"), pytest.mark.case("S11")]

SUNG = "金丝雀-canary-"
"""How every canary begins."""


class Servers(NamedTuple):
    """A company on servers of ours, before and after some of it is forgotten."""

    canaries: Canaries
    before: dict[str, Any]
    after: dict[str, Any]
    relayed: int
    sent: list[bytes]


def told(home: Path, data: Path, url: str, crm: CRM) -> dict[str, Any]:
    """In which file, and in which table, a canary stands; which open; and what was recorded."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
        tables = {name: rows(connection, name) for name in tables_of(connection)}
    marks = [*forms(SUNG)]
    opened = (crm.host.vault.open(value, place) for place, value in sealed_of(crm))
    return {
        "files": [
            str(path)
            for folder in (home, data)
            for path in files(folder)
            if any(mark in content(path) for mark in marks)
        ],
        "tables": [name for name, found in tables.items() if any(SUNG in row for row in found)],
        "events": tables["crm_events"],
        "names": {*tables},
        "open": {one.text for one in opened if isinstance(one, Plain)},
        "head": crm.log.head(),
        "root": crm.log.root(),
    }


def content(path: Path) -> bytes:
    """Of a file that the server may take away meanwhile."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def tables_of(connection: psycopg.Connection[Any]) -> list[str]:
    found = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    return sorted(name for (name,) in found)


def rows(connection: psycopg.Connection[Any], name: str) -> list[str]:
    """Every row of a table as a text: what is compressed in its file is not here."""
    return sorted(row for (row,) in connection.execute(f'SELECT t::text FROM "{name}" t'))


def queue(choir: Choir, household: str, member: str) -> None:
    """Something is to be told to a member today."""
    filled = (
        Parameter("request", "R-0"),
        Parameter("answer_by", choir.now().isoformat(timespec="seconds")),
    )
    cause = f"told-{household}:0"
    choir.say(QueueMessage(household, cause, "request-received", filled, member), whose=household)


@pytest.fixture(scope="module")
def servers(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: Any, postgres_databases: Any
) -> Iterator[Servers]:
    top = tmp_path_factory.mktemp("servers")
    home, canaries = top / "ours", Canaries()
    home.mkdir()
    name = postgres_databases.take()
    url = postgres_databases.url(name)
    data, stream, receiver = Path(postgres_server.pgdata), Server(home / "stream"), Receiver()
    stream.start()
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(home)
            with open_crm(url, create=True) as crm:
                choir = Choir(crm, canaries)
                walk(choir, top / "theirs")
                queue(choir, OTHER, "V2#owner")
                hook = WebhookNotifier(HOST, receiver.port, "/", tls=False)
                Outbox(crm, {"": hook}).dispatch()
                # What waits when they are erased is not sent any more.
                queue(choir, HOME, OWNER)
                for view in crm.registry.projections:
                    crm.views.catch_up(view)
                relay = NatsRelay(stream.url, crm.log)
                relayed = [relay.handle(one) for one in crm.log.feed()]
                before = told(home, data, url, crm)
                sent = len(receiver.received)
                forget(choir)
                assert Outbox(crm, {"": hook}).dispatch().sent == 0
                assert len(receiver.received) == sent
                assert crm.verify(deep=True).intact
                assert crm.log.root(before["head"]) == before["root"]
                for one in crm.log.feed(after=before["head"]):
                    relay.handle(one)
                relay.close()
                after = told(home, data, url, crm)
        bodies = [one.body for one in receiver.received]
        yield Servers(canaries, before, after, len(relayed), bodies)
    finally:
        receiver.stop()
        stream.stop()
        postgres_databases.give_back(name)


def of(servers: Servers, *whose: str) -> set[str]:
    return {text for one in whose for text in servers.canaries.of.get(one, ())}


def test_no_file_of_a_server_and_no_row_holds_what_was_said(servers: Servers) -> None:
    """Neither before nor after: rows, dead ones, write-ahead logs, its own log, and the stream."""
    for found in (servers.before, servers.after):
        assert found["files"] == []
        assert found["tables"] == []
    assert servers.after["names"] >= {"crm_commands", "crm_events", "crm_reads", "crm_views"}
    assert servers.relayed > 500


def test_what_was_sent_had_what_it_needed_and_nothing_of_it_is_kept(servers: Servers) -> None:
    assert servers.sent
    assert any(form in body for body in servers.sent for form in forms(SUNG))


def test_no_key_opens_what_was_said_of_them_and_every_other_opens(servers: Servers) -> None:
    assert servers.before["open"] & of(servers, *GONE)
    assert servers.after["open"] & of(servers, *GONE) == set()
    others = of(servers, *(servers.canaries.of.keys() - {*GONE}))
    assert servers.before["open"] & others - servers.after["open"] == set()
    assert servers.after["open"] >= of(servers, OTHER) & servers.before["open"]


def test_no_row_of_the_log_has_changed(servers: Servers) -> None:
    assert {*servers.before["events"]} <= {*servers.after["events"]}
