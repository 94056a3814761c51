"""`crm projections` and `crm work`."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from threading import Thread
from time import monotonic, sleep
from typing import Any

import pytest

from crm_adapters import open_crm
from crm_adapters.cli.app import run
from crm_adapters.projections.worker import Worker
from crm_core import CRM, Actor
from crm_core.errors import StoreUnreachable
from crm_core.owners import RegisterHousehold
from crm_core.owners.views import DIRECTORY
from crm_core.payments import MovePayment, RaiseCharge, ReceivePayment
from crm_core.slices import registry

CLERK = Actor("M1", "specialist")
NOW = datetime(2011, 7, 1, tzinfo=UTC)
WORK = ("work", "--poll", "0.02", "--format", "json")


def register(crm: CRM, *numbers: int) -> None:
    for n in numbers:
        crm.do(RegisterHousehold(f"V{n}", "星河", "1", "1", str(n)), by=CLERK, at=NOW)


def strand_a_payment(crm: CRM) -> None:
    """A payment has left one account and is refused by the other."""
    register(crm, 1, 2)
    day = date(2011, 1, 1)
    crm.do(RaiseCharge("V1", "C1", "management_fee", "2011-01", 100, day), by=CLERK, at=NOW)
    crm.do(ReceivePayment("V1", "P1", 100, day, "cash"), by=CLERK, at=NOW)
    interrupted = CRM(
        crm.log, vault=crm.host.vault, clock=crm.clock, ids=crm.ids, reads=crm.host.reads
    )
    interrupted._desk.follow = lambda _: None  # type: ignore[method-assign]
    interrupted.do(MovePayment("V1", "P1", "V2", "booked wrongly"), by=CLERK, at=NOW)
    crm.do(ReceivePayment("V2", "P1", 100, day, "cash"), by=CLERK, at=NOW)


@pytest.fixture
def db(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'crm.db'}"


def asked(db: str, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    status = run(["--db", db, "--format", "json", *arguments])
    return status, json.loads(capsys.readouterr().out or "null")


@pytest.mark.rule("LOG-05")
def test_what_is_parked_is_shown_with_its_place_and_cause(
    db: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_crm(db, create=True) as crm:
        strand_a_payment(crm)
        end = crm.log.head()
    status, before = asked(db, capsys, "projections")
    assert status == 0
    assert [one["name"] for one in before] == sorted(
        [
            "reactions",
            *(view.name for view in registry().projections),
        ]
    ) + sorted(f"clock:{source.name}" for source in registry().clock)
    assert {(one["state"], one["position"], one["end"], one["lag"]) for one in before} == {
        ("new", 0, end, end)
    }
    status, shown = asked(db, capsys, "projections", "--catch-up")
    assert status == 1
    [reactions] = [one for one in shown if one["name"] == "reactions"]
    assert (reactions["kind"], reactions["position"], reactions["lag"]) == ("consumer", end, 0)
    assert reactions["parked"] == 1
    assert reactions["parked_since"]
    [event] = reactions["parked_events"]
    assert (event["stream"], event["name"]) == ("account/V1", "payments.payment_moved_out/1")
    assert event["error"] == "refused by PAY-01: payment_exists [CRM-R001]"
    status, shown = asked(db, capsys, "projections", "--retry", "reactions")
    assert status == 1
    [reactions] = [one for one in shown if one["name"] == "reactions"]
    assert reactions["parked_events"][0]["tries"] == 2
    assert run(["--db", db, "projections"]) == 1
    assert "account/V1" in capsys.readouterr().out


def test_views_are_rebuilt_and_pruned_from_the_command_line(
    db: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_crm(db, create=True) as crm:
        register(crm, 1)
    status, shown = asked(
        db, capsys, "projections", "--catch-up", "--rebuild", "owners.directory", "--prune"
    )
    assert status == 0
    [directory] = [one for one in shown if one["name"] == "owners.directory"]
    assert directory["state"] == "live"
    with open_crm(db) as crm:
        assert crm.views.get(DIRECTORY, "V1") is not None
        before = [one.build for one in crm.views.status() if one.consumer == "owners.directory"]
    asked(db, capsys, "projections", "--rebuild", "owners.directory")
    with open_crm(db) as crm:
        after = [one.build for one in crm.views.status() if one.consumer == "owners.directory"]
    assert after == [before[0] + 1]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--retry", "nobody"], "projection_unknown"),
        (["--rebuild", "nobody"], "projection_unknown"),
        (["--rebuild", "reactions"], "rebuild_impossible"),
    ],
)
def test_what_there_is_not_is_told_and_nothing_is_done(
    db: str, capsys: pytest.CaptureFixture[str], arguments: list[str], code: str
) -> None:
    with open_crm(db, create=True) as crm:
        register(crm, 1)
    assert run(["--db", db, "projections", "--catch-up", *arguments]) == 2
    assert code in capsys.readouterr().err
    with open_crm(db) as crm:
        assert list(crm.views.status()) == []


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_work_goes_on_until_it_is_told_to_end(db: str, ending: signal.Signals) -> None:
    """New events are taken at the next poll; the end is clean and quick."""
    with open_crm(db, create=True) as crm:
        register(crm, 1)
        process = subprocess.Popen(
            [sys.executable, "-m", "crm_adapters.cli", "--db", db, *WORK],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            wait_for(crm)
            register(crm, 2, 3)
            wait_for(crm)
            assert crm.views.get(DIRECTORY, "V3") is not None
            process.send_signal(ending)
            out, err = process.communicate(timeout=20)
        finally:
            process.kill()
            process.wait()
        assert (process.returncode, err) == (0, "")
        assert json.loads(out) == {"position": crm.log.head(), "parked": 0}


def wait_for(crm: CRM) -> None:
    deadline = monotonic() + 20
    wanted = {"reactions", *(view.name for view in registry().projections)}
    while monotonic() < deadline:
        found = {s.consumer for s in crm.views.status() if s.state == "live" and s.lag == 0}
        if found == wanted:
            return
        sleep(0.02)
    raise AssertionError(f"still behind: {crm.views.status()}")


def test_trouble_of_one_consumer_is_told_and_the_others_go_on(db: str) -> None:
    """And everything is tried again at the next poll."""
    said: list[str] = []
    with open_crm(db, create=True) as crm:
        register(crm, 1)
        catch_up, calls = crm.views.catch_up, list[str]()

        def troubled(task: Any, *, stop: Any = None) -> int:
            calls.append(task.name)
            if task.name == "reactions" and calls.count("reactions") < 3:
                raise StoreUnreachable("store_unusable", store="x", reason="silent")
            return catch_up(task, stop=stop)

        crm.views.catch_up = troubled  # type: ignore[method-assign]
        worker = Worker(crm.log, crm.views, [crm.reactions, DIRECTORY], say=said.append)
        assert worker.once() is False
        assert crm.views.get(DIRECTORY, "V1") is not None
        running = Thread(target=worker.run, args=(0.01,))
        running.start()
        while calls.count("reactions") < 3:
            sleep(0.01)
        sleep(0.3)
        worker.stop()
        running.join(10)
        assert not running.is_alive()
    assert said == ["reactions: `x` cannot be used: silent [CRM-F004]"] * 2
    # Caught up at the third time, and not asked again while nothing happens.
    assert calls.count("reactions") == 3


def test_what_the_clock_brings_about_is_done_at_every_poll(db: str) -> None:
    """After the tasks, whether anything happened or not; trouble is told and tried again."""
    said, calls = list[str](), list[bool]()

    def then(stop: Callable[[], bool]) -> None:
        assert crm.views.get(DIRECTORY, "V1") is not None
        calls.append(stop())
        if len(calls) < 3:
            raise StoreUnreachable("store_unusable", store="x", reason="silent")

    with open_crm(db, create=True) as crm:
        register(crm, 1)
        worker = Worker(crm.log, crm.views, [DIRECTORY], say=said.append, then=then)
        assert worker.once() is False
        running = Thread(target=worker.run, args=(0.01,))
        running.start()
        deadline = monotonic() + 20
        while len(calls) < 10 and monotonic() < deadline:
            sleep(0.01)
        worker.stop()
        running.join(10)
        assert not running.is_alive()
        count = len(calls)
        assert worker.once() is True, "who is told to end begins nothing more"
    assert count >= 10
    assert (len(calls), calls.count(True)) == (count, 0)
    assert said == ["`x` cannot be used: silent [CRM-F004]"] * 2
