"""`crm notify` and `crm messages`, as people and schedules run them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from crm_adapters import open_crm
from crm_adapters.cli.app import run
from crm_core import Actor, Personal
from crm_core.messages import ChangePreference
from crm_core.owners import RegisterHousehold
from crm_core.payments import ReceivePayment
from notify.servers import HOST, MailServer, Receiver

pytestmark = pytest.mark.rule("OUT-01")

BY = Actor("S17", "specialist")


def noon() -> str:
    """A zone where it is about noon, so that no hour is quiet whenever the tests run."""
    ahead = 12 - datetime.now(UTC).hour
    return f"Etc/GMT{-ahead:+d}"


@pytest.fixture
def db(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A log with a household that paid just now, and one that paid long ago."""
    monkeypatch.chdir(tmp_path)
    url = f"sqlite:///{tmp_path / 'crm.db'}"
    with open_crm(url, create=True) as crm:
        for home in ("V1", "V2"):
            owner = f"{home}#owner"
            register = RegisterHousehold(
                home,
                "x",
                "1",
                "1",
                home,
                owner=Personal(owner, "Ouyang Xiu"),
                phone=Personal(owner, "mei@example.com"),
                moved_in=date(2010, 1, 1),
            )
            crm.do(register, by=BY)
        day = crm.clock.now().date()
        crm.do(ReceivePayment("V1", "P1", 12700, day, "cash"), by=BY)
        long_ago = crm.clock.now() - timedelta(days=60)
        crm.do(ReceivePayment("V2", "P2", 12700, day, "cash"), by=BY, at=long_ago)
    return url


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.stop()


def crm(db: str, *arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, Any, str]:
    """Status, JSON and messages of a command."""
    capsys.readouterr()
    status = run(["--db", db, "--zone", noon(), "--format", "json", *arguments])
    out, err = capsys.readouterr()
    return status, json.loads(out) if out else None, err


def test_what_is_due_is_sent_once_and_shown(
    db: str, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    hook = f"webhook+http://{HOST}:{receiver.port}/"
    status, done, _ = crm(db, "notify", "--to", hook, "--once", capsys=capsys)
    assert (status, done) == (0, {"sent": 1, "failed": 0, "deferred": 0, "withheld": 0})
    _, done, _ = crm(db, "notify", "--to", hook, "--once", capsys=capsys)
    assert done == {"sent": 0, "failed": 0, "deferred": 0, "withheld": 0}
    assert len(receiver.received) == 1
    _, rows, err = crm(db, "messages", capsys=capsys)
    assert [(row["household"], row["status"], row["receipt"]) for row in rows] == [
        ("V1", "sent", "200")
    ]
    assert "Ouyang" not in json.dumps(rows) + err
    assert crm(db, "messages", "V2", capsys=capsys)[1] == []


def test_a_channel_has_its_own_notifier_and_the_others_share_one(
    db: str, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    server = MailServer()
    mail = f"sms=smtp://{HOST}:{server.port}?from=a@example.com&security=none"
    hook = f"webhook+http://{HOST}:{receiver.port}/"
    status, done, _ = crm(db, "notify", "--to", mail, "--to", hook, "--once", capsys=capsys)
    server.stop()
    assert (status, done["sent"], len(server.mails), receiver.received) == (0, 1, 1, [])
    assert server.mails[0].recipients == ["mei@example.com"]


def test_failures_are_found_and_shown_with_their_reason(
    db: str, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    receiver.answer = 500
    hook = f"webhook+http://:s3cret@{HOST}:{receiver.port}/"
    status, done, err = crm(db, "notify", "--to", hook, "--once", capsys=capsys)
    assert (status, done["failed"]) == (1, 1)
    assert "s3cret" not in err
    _, [row], _ = crm(db, "messages", "V1", capsys=capsys)
    assert (row["status"], row["reason"], row["attempts"]) == ("waiting", "rejected", 1)
    assert run(["--db", db, "messages"]) == 0
    out = capsys.readouterr().out
    assert "payment-received/1" in out
    assert "rejected" in out


def test_the_console_shows_the_message_and_no_whole_address(
    db: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, _, err = crm(db, "notify", "--to", "console:", "--once", capsys=capsys)
    assert status == 0
    assert "127.00 元" in err
    assert "mei@example.com" not in err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["notify", "--once"], "usage_wrong"),
        (["notify", "--once", "--to", "pigeon://s3cret"], "notifier_unusable"),
        (["notify", "--once", "--to", "console:", "--to", "console:"], "notifier_unusable"),
        (["notify", "--once", "--to", "sms=console:", "--to", "sms=console:"], "notifier_unusable"),
        (["messages", "V9"], "household_unknown"),
    ],
)
def test_a_command_that_cannot_be_run_says_why_in_one_line(
    arguments: list[str], code: str, db: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, _, err = crm(db, *arguments, capsys=capsys)
    assert status == 2
    assert err.count("\n") == 1
    assert code in err
    assert "s3cret" not in err


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_it_goes_on_until_it_is_told_to_end(
    db: str, receiver: Receiver, ending: signal.Signals
) -> None:
    hook = f"webhook+http://{HOST}:{receiver.port}/"
    arguments = ["--db", db, "--zone", noon(), "--format", "json", "notify", "--to", hook]
    child = subprocess.Popen(
        [sys.executable, "-m", "crm_adapters.cli", *arguments, "--poll", "0.1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ},  # noqa: TID251 - a child lives where we do
    )
    for _ in range(200):
        if receiver.received:
            break
        time.sleep(0.05)
    time.sleep(0.3)
    with open_crm(db, create=True) as opened:
        # Another process works on the log meanwhile.
        change = ChangePreference("V2", "V2#owner", "personalisation", allowed=False)
        opened.do(change, by=BY)
        day = opened.clock.now().date()
        opened.do(ReceivePayment("V2", "P3", 100, day, "cash"), by=BY)
    for _ in range(200):
        if len(receiver.received) == 2:
            break
        time.sleep(0.05)
    time.sleep(0.3)
    child.send_signal(ending)
    out, err = child.communicate(timeout=20)
    assert (child.returncode, err) == (0, b"")
    assert json.loads(out) == {"sent": 2, "failed": 0, "deferred": 0, "withheld": 0}
    assert "Ouyang" in receiver.received[0].body.decode()
    assert "Ouyang" not in receiver.received[1].body.decode()
