"""Kill the dispatcher at random moments and compare what was queued with what arrived.

    python tests/notify/kills.py FOLDER KILLS

The sink is a process of its own that appends the id of every message to a file before it answers.
Workers are forked, follow the log, send what is due, and are killed with SIGKILL.
"""

from __future__ import annotations

import json
import os
import random  # noqa: TID251 - seeded, and only for when to kill
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, NoReturn

import attrs

from crm_adapters import open_crm
from crm_adapters.notify import Outbox, notices
from crm_adapters.notify.webhook import WebhookNotifier
from crm_core import CRM, Actor, Personal, PolicyBook
from crm_core.application.notices import noticed_names
from crm_core.messages import MessagePolicy
from crm_core.messages.views import DUE
from crm_core.owners import RegisterHousehold
from crm_core.payments import ReceivePayment
from crm_core.slices import registry

BY = Actor("S17", "specialist")
START = datetime(2011, 3, 1, 1, 0, tzinfo=UTC)
QUEUED = "messages.queued/1"
PER_KILL = 3
"""Messages for each kill, so that the last kill still finds work."""


class Clock:
    """Stands still within a round; every round is later than the leases of the one before."""

    def __init__(self, rounds: int) -> None:
        self._at = START + timedelta(seconds=2 * rounds)

    def now(self) -> datetime:
        return self._at


def policies() -> PolicyBook:
    """Those shipped, with short leases and delays and room for all messages on one day."""
    [policy] = [p for p in registry().shipped if isinstance(p, MessagePolicy)]
    quick = attrs.evolve(
        policy, lease=timedelta(seconds=1), delays=(timedelta(seconds=1),) * 100, per_day=10**6
    )
    others = [p for p in registry().shipped if not isinstance(p, MessagePolicy)]
    return PolicyBook([*others, quick])


def forked(work: Callable[[], Any]) -> int:
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:  # noqa: BLE001 - a child must not run on as its parent
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return child


def sink(server: HTTPServer, file: Path) -> NoReturn:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            body = self.rfile.read(length)
            if len(body) < length:
                return  # The sender was killed in the middle of a word.
            with file.open("a", encoding="ascii") as out:
                out.write(json.loads(body)["id"] + "\n")
            try:
                self.send_response(204)
                self.end_headers()
            except OSError:
                return  # The sender was killed while it waited for the answer.

        def log_message(self, *_: Any) -> None:
            """Nobody reads it."""

    server.RequestHandlerClass = Handler
    server.serve_forever()
    raise AssertionError


def opened(folder: Path, rounds: int) -> CRM:
    crm = open_crm(f"sqlite:///{folder / 'crm.db'}", create=True, policies=policies())
    crm.host.clock = Clock(rounds)
    return crm


def worker(folder: Path, port: int, rounds: int, ready: int) -> None:
    crm = opened(folder, rounds)
    following = notices(crm)
    done = {e.event.cause for e in crm.log.feed(names=[QUEUED])}
    notifier = WebhookNotifier("127.0.0.1", port, "/", tls=False)
    outbox = Outbox(crm, {"": notifier})
    # A few events and then what is due, so that kills meet both.
    waiting = [
        e for e in crm.log.feed(names=noticed_names(registry())) if e.envelope.event_id not in done
    ]
    # What is read once is read before, or on a busy machine every kill came while it was.
    crm.authority()
    crm.staff  # noqa: B018
    outbox.dispatch(stop=lambda: True)
    os.write(ready, b".")
    while waiting:
        for recorded in waiting[:2]:
            following.handle(recorded)
        del waiting[:2]
        outbox.dispatch()
    outbox.dispatch()
    crm.close()


class Trial:
    """An estate whose dispatcher is killed again and again.

    Args:
        folder: Where log and arrivals are kept.
        kills: How often.
    """

    def __init__(self, folder: Path, kills: int) -> None:
        self.folder, self.kills = folder, kills
        self.arrived = folder / "arrived"
        self.arrived.touch()
        self.causes = self.rounds = self.killed = 0
        self.homes = [f"V{n}" for n in range(max(1, kills * PER_KILL // 50))]

    def crm(self) -> CRM:
        return opened(self.folder, self.rounds)

    def register(self) -> None:
        crm = self.crm()
        for home in self.homes:
            mei, number = (Personal(f"{home}#owner", text) for text in ("Mei", "13800000000"))
            day = date(2010, 1, 1)
            place = ("x", "1", "1", home)
            crm.do(RegisterHousehold(home, *place, owner=mei, phone=number, moved_in=day), by=BY)
        crm.close()

    def pay(self, times: int) -> None:
        crm = self.crm()
        for n in range(self.causes, self.causes + times):
            home = self.homes[n % len(self.homes)]
            payment = ReceivePayment(home, f"P{n}", 100, date(2011, 3, 1), "cash")
            crm.do(payment, by=BY, id=f"pay-{n}")
        self.causes += times
        crm.close()

    def work(self, port: int, *, kill_after: float | None = None, arrival: bool = False) -> bool:
        """One worker; whether it was killed before it was done.

        Args:
            kill_after: Seconds to wait before it is killed; None lets it live.
            arrival: Wait for a message to arrive first, so that the kill comes about when the
                worker is to record it, however busy the machine is.
        """
        self.rounds += 1
        told, ready = os.pipe()
        child = forked(partial(worker, self.folder, port, self.rounds, ready))
        os.close(ready)
        os.read(told, 1)
        os.close(told)
        if kill_after is not None:
            if arrival:
                self._wait_for_arrival()
            time.sleep(kill_after)
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status) and os.WEXITSTATUS(status):
            raise SystemExit(f"round {self.rounds} failed")
        return os.WIFSIGNALED(status)

    def _wait_for_arrival(self) -> None:
        before, end = self.arrived.stat().st_size, time.monotonic() + 1
        while self.arrived.stat().st_size == before and time.monotonic() < end:
            time.sleep(0.0002)

    def idle(self) -> bool:
        crm = self.crm()
        crm.views.catch_up(DUE)
        left = crm.views.scan(DUE, limit=1)
        crm.close()
        return not left

    def run(self, port: int) -> None:
        chance = random.Random(self.kills)
        while self.killed < self.kills:
            arrival = chance.random() < 0.3
            after = chance.uniform(0, 0.002 if arrival else 0.05)
            if self.work(port, kill_after=after, arrival=arrival):
                self.killed += 1
            else:
                # It was done before the kill came: more work, so that kills hit busy hands.
                self.pay(20)
        # The leases of the last kill run out; then nothing is due any more.
        while True:
            self.work(port)
            if self.idle():
                return

    def result(self) -> dict[str, Any]:
        crm = self.crm()
        queued = [e.event for e in crm.log.feed(names=[QUEUED])]
        ids = {event.message for event in queued}
        sent = [e.event.message for e in crm.log.feed(names=["messages.sent/1"])]
        begun = Counter(e.event.message for e in crm.log.feed(names=["messages.released/1"]))
        arrivals = Counter(self.arrived.read_text(encoding="ascii").split())
        intact = crm.verify().intact
        crm.close()
        return {
            "kills": self.killed,
            "causes": self.causes,
            "queued": len(queued),
            "sent": len(sent),
            "arrived": sum(arrivals.values()),
            "repeated": sum(arrivals.values()) - len(arrivals),
            "in_flight": sum(begun.values()) - len(begun),
            "lost": sorted(ids - set(arrivals)),
            "unknown": sorted(set(arrivals) - ids),
            # A sink that knows ids keeps one message for each; a second id would be a second one.
            "doubled_after_dedup": len(arrivals) - len({event.cause for event in queued}),
            "intact": intact,
        }


def main(folder: Path, kills: int) -> None:
    server = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    trial = Trial(folder, kills)
    keeper = forked(partial(sink, server, trial.arrived))
    try:
        trial.register()
        trial.pay(kills * PER_KILL)
        trial.run(server.server_port)
    finally:
        os.kill(keeper, signal.SIGKILL)
        os.waitpid(keeper, 0)
        server.server_close()
    print(json.dumps(trial.result()))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
