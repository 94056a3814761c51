"""The relay to NATS JetStream, against the real server: all of it, once, in order, still sealed."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import nats
import pytest
from nats.js.api import ConsumerConfig, DeliverPolicy

from crm_adapters import open_crm
from crm_adapters.cli.app import run
from crm_adapters.relay.nats import NatsRelay
from crm_core import CRM, Actor, Personal
from crm_core.errors import NotDelivered, OtherPast
from crm_core.owners import RegisterHousehold
from crm_core.payments import ReceivePayment
from notify.servers import HOST, free_port
from relay.server import Server

pytestmark = pytest.mark.rule("OUT-01")

BY = Actor("S17", "specialist")
AT = datetime(2011, 3, 1, 1, 0, tzinfo=UTC)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path / "jetstream")
    made.start()
    yield made
    made.stop()


@pytest.fixture
def crm() -> Iterator[CRM]:
    opened = open_crm("memory:")
    register(opened)
    pay(opened, 0, 20)
    yield opened
    opened.close()


def register(crm: CRM) -> None:
    owner = Personal("V1#owner", "Ouyang Xiu")
    command = RegisterHousehold("V1", "x", "1", "1", "1", owner=owner, moved_in=date(2010, 1, 1))
    crm.do(command, by=BY, at=AT, id="register", correlation="matter-1")


def pay(crm: CRM, first: int, last: int) -> None:
    for n in range(first, last):
        payment = ReceivePayment("V1", f"P{n}", 100, date(2011, 3, 1), "cash")
        crm.do(payment, by=BY, at=AT, id=f"pay-{n}")


def relayed(crm: CRM, relay: NatsRelay, after: int = 0, *, patience: int = 0) -> int:
    """Hand over what stands behind a position, as a runner does; the last one handed over."""
    for recorded in crm.log.feed(after=after):
        for attempt in range(patience + 1):
            try:
                relay.handle(recorded)
                break
            except NotDelivered as error:
                if attempt == patience or not error.transient:
                    raise
        after = recorded.position
    return after


async def removed(server: Server) -> None:
    """The stream is removed by whoever looks after the server."""
    client = await nats.connect(server.url)
    await client.jetstream().delete_stream("CRM")
    await client.close()


def kept(server: Server, stream: str = "CRM") -> list[tuple[str, dict[str, str], dict[str, Any]]]:
    """Subject, headers and CloudEvent of everything in the stream, in its order."""

    async def read() -> list[tuple[str, dict[str, str], dict[str, Any]]]:
        client = await nats.connect(server.url)
        try:
            jetstream = client.jetstream()
            count = (await jetstream.stream_info(stream)).state.messages
            config = ConsumerConfig(deliver_policy=DeliverPolicy.ALL)
            found: list[tuple[str, dict[str, str], dict[str, Any]]] = []
            subscription = await jetstream.pull_subscribe("crm.>", stream=stream, config=config)
            while len(found) < count:
                for message in await subscription.fetch(count - len(found), timeout=5):
                    await message.ack()
                    body = json.loads(message.data)
                    found.append((message.subject, dict(message.headers or {}), body))
            return found
        finally:
            await client.close()

    return asyncio.run(read())


def ids(crm: CRM) -> list[str]:
    return [recorded.envelope.event_id for recorded in crm.log.feed()]


def test_every_event_arrives_once_in_order_as_a_cloud_event(server: Server, crm: CRM) -> None:
    relay = NatsRelay(server.url, crm.log, source="estate-1")
    relayed(crm, relay)
    relay.close()
    found = kept(server)
    assert [event["id"] for _, _, event in found] == ids(crm)
    subject, headers, event = found[-1]
    assert subject == "crm.payments.payment_received"
    assert headers["Nats-Msg-Id"] == event["id"] == "pay-19:0"
    assert headers["Content-Type"] == "application/cloudevents+json"
    assert event == {
        "specversion": "1.0",
        "id": "pay-19:0",
        "source": "estate-1",
        "type": "payments.payment_received/1",
        "subject": "account/V1",
        "time": "2011-03-01T01:00:00Z",
        "datacontenttype": "application/json",
        "household": "V1",
        "sequence": f"{crm.log.head():020}",
        "streamversion": 20,
        "effective": "2011-03-01",
        "data": {
            "payment": "P19",
            "amount_fen": 100,
            "paid_on": "2011-03-01",
            "method": "cash",
            "charge": None,
            "parts": [],
            "payer": None,
        },
    }
    assert found[0][2]["correlation"] == "matter-1"


def test_sealed_values_stay_sealed(server: Server, crm: CRM) -> None:
    relay = NatsRelay(server.url, crm.log)
    relayed(crm, relay)
    relay.close()
    [added] = [e for _, _, e in kept(server) if e["type"] == "owners.member_added/1"]
    assert added["data"]["name"].keys() == {"subject", "token"}
    assert "Ouyang" not in json.dumps(kept(server))


def test_handing_over_again_from_the_beginning_doubles_nothing(server: Server, crm: CRM) -> None:
    for _ in range(3):
        relay = NatsRelay(server.url, crm.log)
        relayed(crm, relay)
        relayed(crm, relay)
        relay.close()
    assert [event["id"] for _, _, event in kept(server)] == ids(crm)


def test_the_server_itself_drops_a_repetition(server: Server, crm: CRM) -> None:
    """Even when the relay does not know how far it came: the event's id is the message's."""
    relay = NatsRelay(server.url, crm.log)
    relayed(crm, relay)
    relay._place = 0
    for recorded in list(crm.log.feed())[:5]:
        relay.handle(recorded)
        relay._place = 0
    relay.close()
    assert [event["id"] for _, _, event in kept(server)] == ids(crm)


def test_after_an_outage_longer_than_the_window_the_stream_says_how_far_it_came(
    server: Server, crm: CRM, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crm_adapters.relay.nats.DUPLICATES_SECONDS", 0.1)
    relay = NatsRelay(server.url, crm.log)
    relayed(crm, relay)
    relay.close()
    time.sleep(0.5)
    pay(crm, 20, 25)
    relay = NatsRelay(server.url, crm.log)
    relayed(crm, relay)
    relay.close()
    assert [event["id"] for _, _, event in kept(server)] == ids(crm)


@pytest.mark.parametrize("kill", [False, True], ids=["stopped", "killed"])
def test_a_server_that_ends_in_the_middle_loses_nothing_and_doubles_nothing(
    kill: bool, server: Server, crm: CRM
) -> None:
    relay = NatsRelay(server.url, crm.log, timeout=1)
    place = 0
    for round in range(3):
        place = relayed(crm, relay, place)
        server.stop(kill=kill)
        pay(crm, 20 + round * 10, 30 + round * 10)
        with pytest.raises(NotDelivered) as refused:
            relayed(crm, relay, place)
        assert (refused.value.reason, refused.value.transient) == ("unreachable", True)
        server.start()
        # A runner whose checkpoint was behind hands some over again.
        place = max(0, place - 7)
    relayed(crm, relay, place, patience=5)
    relay.close()
    assert [event["id"] for _, _, event in kept(server)] == ids(crm)


def test_a_server_that_was_never_there_is_an_error_that_may_pass(crm: CRM) -> None:
    relay = NatsRelay(f"nats://{HOST}:{free_port()}", crm.log, timeout=1)
    with pytest.raises(NotDelivered):
        relayed(crm, relay)
    relay.close()


# --- another past of the log ---------------------------------------------------------------------


def payments(crm: CRM, *numbers: str) -> None:
    for number in numbers:
        crm.do(ReceivePayment("V1", number, 100, date(2011, 3, 1), "cash"), by=BY, id=number)


def restored(tmp_path: Path, server: Server) -> str:
    """An older log under a stream that is ahead: what came behind it was published, and is gone."""
    newer, older = tmp_path / "newer.db", tmp_path / "older.db"
    with open_crm(f"sqlite:///{newer}", create=True) as crm:
        register(crm)
        payments(crm, "P1", "P2")
    shutil.copy(newer, older)
    with open_crm(f"sqlite:///{newer}") as crm:
        payments(crm, "P3", "P4", "P5")
        to = NatsRelay(server.url, crm.log)
        relayed(crm, to)
        to.close()
    return f"sqlite:///{older}"


@pytest.mark.case("K54")
@pytest.mark.parametrize(
    "new", [(), ("N1",), ("N1", "N2", "N3"), ("N1", "N2", "N3", "N4", "N5")], ids=len
)
def test_an_older_log_under_a_stream_that_is_ahead_is_refused(
    server: Server, tmp_path: Path, new: tuple[str, ...]
) -> None:
    """Also where it has come as far again, or further."""
    url = restored(tmp_path, server)
    before = kept(server)
    with open_crm(url) as crm:
        payments(crm, *new)
        last = before[-1][1]
        to = NatsRelay(server.url, crm.log)
        for use in (to.check, lambda: relayed(crm, to)):
            with pytest.raises(OtherPast) as refused:
                use()
            error = refused.value
            assert (error.follower, error.position) == ("CRM", int(last["Crm-Position"]))
            assert error.expected == last["Crm-Digest"] != error.found
            assert "--stream" in error.told("en")
        to.close()
    assert kept(server) == before


@pytest.mark.case("K54")
@pytest.mark.parametrize("new", [(), ("N1",)], ids=len)
def test_the_command_refuses_it_and_publishes_to_a_new_stream(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str], new: tuple[str, ...]
) -> None:
    """And tells it also where there is nothing new to publish."""
    url = restored(tmp_path, server)
    before = kept(server)
    with open_crm(url) as crm:
        payments(crm, *new)
    command = ("--db", url, "relay", "--to", server.url, "--once")
    for _ in range(2):
        status, told, err = relay(capsys, *command)
        assert (status, told["parked"]) == (1, 0)
        assert "CRM-F019" in err
    assert kept(server) == before
    asyncio.run(removed(server))
    status, told, _ = relay(capsys, *command, "--stream", "CRM2")
    with open_crm(url) as crm:
        assert (status, told["position"], told["lag"]) == (0, crm.log.head(), 0)
        assert [event["id"] for _, _, event in kept(server, "CRM2")] == ids(crm)


@pytest.mark.case("K54")
def test_a_stream_of_another_log_is_refused(server: Server, crm: CRM) -> None:
    to = NatsRelay(server.url, crm.log)
    relayed(crm, to)
    to.close()
    with open_crm("memory:") as other:
        register(other)
        payments(other, *(f"O{n}" for n in range(30)))
        to = NatsRelay(server.url, other.log)
        with pytest.raises(OtherPast):
            relayed(other, to)
        to.close()


def test_a_stream_that_others_write_to_is_refused(server: Server, crm: CRM) -> None:
    """Nobody can tell how far it came."""

    async def publish() -> None:
        client = await nats.connect(server.url)
        await client.jetstream().publish("crm.by.others", b"x", headers={"Crm-Position": "two"})
        await client.close()

    to = NatsRelay(server.url, crm.log)
    relayed(crm, to)
    to.close()
    asyncio.run(publish())
    to = NatsRelay(server.url, crm.log)
    with pytest.raises(OtherPast):
        to.check()
    to.close()


# --- the command ---------------------------------------------------------------------------------


def relay(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any, str]:
    status = run(["--format", "json", *arguments])
    told = capsys.readouterr()
    return status, json.loads(told.out) if told.out else None, told.err


def test_the_command_publishes_what_is_new_and_keeps_its_place(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    db = f"sqlite:///{tmp_path / 'crm.db'}"
    command = ("--db", db, "relay", "--to", server.url, "--once")
    with open_crm(db, create=True) as crm:
        register(crm)
        pay(crm, 0, 3)
        end = crm.log.head()
    assert relay(capsys, *command)[:2] == (0, {"position": end, "lag": 0, "parked": 0})
    assert len(kept(server)) == end
    with open_crm(db) as crm:
        crm.do(ReceivePayment("V1", "new", 100, date(2011, 3, 1), "cash"), by=BY)
    assert relay(capsys, *command)[:2] == (0, {"position": end + 1, "lag": 0, "parked": 0})
    assert relay(capsys, *command[:-1], "--retry")[2] == "0 events published again\n"
    assert len(kept(server)) == end + 1


def test_a_parked_event_is_published_out_of_its_order(server: Server, crm: CRM) -> None:
    """The stream is further on already: by its place alone the event would be left out."""
    late, *others = crm.log.feed()
    first = NatsRelay(server.url, crm.log)
    for recorded in others:
        first.handle(recorded)
    first.close()
    again = NatsRelay(server.url, crm.log, resume=False)
    again.handle(late)
    again.close()
    assert len(kept(server)) == len(others) + 1


def test_a_server_that_is_away_is_told_and_loses_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    db = f"sqlite:///{tmp_path / 'crm.db'}"
    with open_crm(db, create=True) as crm:
        register(crm)
    url = f"nats://{HOST}:{free_port()}"
    status, told, err = relay(capsys, "--db", db, "relay", "--to", url, "--once")
    assert (status, told["position"], told["parked"]) == (1, 0, 0)
    assert "CRM-F013" in err
    assert relay(capsys, "--db", db, "relay", "--to", "http://x", "--once")[0] == 2
