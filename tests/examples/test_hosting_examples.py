"""The examples of hosting, from the built wheel in a fresh environment; one of them under load.

Fork, threads and ended connections at once: what was answered was done, and nothing twice.
"""

from __future__ import annotations

import http.client
import json
import os
import random  # noqa: TID251 - a client's jitter
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from typing import Any

import psycopg
import pytest

from crm_adapters import open_crm
from crm_core import Actor
from crm_core.owners import RegisterHousehold

ROOT = Path(__file__).parents[2]
EXAMPLES = ("fastapi_property", "django_property")

FAULTS = {
    "the key is not used": (
        "fastapi_property", "app.py", ", id=command_id(by.id, idempotency_key)", "",
    ),
    "callers share keys": (
        "fastapi_property", "app.py", "command_id(by.id,", 'command_id("all",',
    ),
    "nobody is told when to come again": (
        "fastapi_property", "app.py", "{} if seconds is None", "{} if True",
    ),
    "every error is the server's": (
        "django_property", "web.py", "return answer(error) if isinstance(error, CrmError)",
        "raise error if isinstance(error, CrmError)",
    ),
    "a log is used across a fork": (
        "django_property", "log.py", "PerProcess(lambda:", "__import__('functools').cache(lambda:",
    ),
}  # fmt: skip
"""Name, and what is changed in which file of which example."""

CLIENTS, PAYMENTS = 6, 25


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with the built wheel and what both examples need, and copies of them."""
    folder = tmp_path_factory.mktemp("hosting")
    wheels = folder / "wheels"
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    _run([*pip, "wheel", "--no-deps", "--wheel-dir", str(wheels), str(ROOT)])
    _run([sys.executable, "-m", "venv", str(folder / "venv")])
    [wheel] = wheels.glob("crm_core-*.whl")
    for name in EXAMPLES:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "examples" / name, folder / name, ignore=ignored)
    needed = [need for name in EXAMPLES for need in _needs(name) if "crm-core" not in need]
    _run([str(_python(folder)), "-m", "pip", "install", "--quiet",
          f"{wheel}[postgres,testing]", *needed])  # fmt: skip
    return folder


def _needs(example: str) -> list[str]:
    import tomllib

    text = (ROOT / "examples" / example / "pyproject.toml").read_text(encoding="utf-8")
    project = tomllib.loads(text)["project"]
    return [*project["dependencies"], *project["optional-dependencies"]["tests"]]


def _python(folder: Path) -> Path:
    return folder / "venv" / "bin" / "python"


def _run(command: list[str]) -> None:
    done = subprocess.run(command, check=False, capture_output=True, timeout=600)
    assert done.returncode == 0, done.stderr.decode()[-2000:]


def _tested(folder: Path, example: str) -> tuple[int, str]:
    command = [str(_python(folder)), "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
    done = subprocess.run(
        command, cwd=folder / example, check=False, capture_output=True, timeout=300,
        env={"PYTHONPATH": "."},
    )  # fmt: skip
    return done.returncode, done.stdout.decode() + done.stderr.decode()


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_tested_from_the_wheel_alone(host: Path, example: str) -> None:
    status, told = _tested(host, example)
    assert status == 0, told
    assert " passed" in told


@pytest.mark.parametrize("fault", FAULTS)
def test_the_tests_of_an_example_find_a_fault_of_it(host: Path, fault: str) -> None:
    example, name, before, after = FAULTS[fault]
    path = host / example / example / name
    text = path.read_text(encoding="utf-8")
    assert before in text
    try:
        path.write_text(text.replace(before, after), encoding="utf-8")
        status, told = _tested(host, example)
        assert status == 1, told
    finally:
        path.write_text(text, encoding="utf-8")


# --- under load ----------------------------------------------------------------------------------


@contextmanager
def serving(host: Path, command: list[str], example: str, **more: str) -> Iterator[tuple[int, int]]:
    """A server on a free port; its process and port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [str(_python(host)), "-m", *command, f"127.0.0.1:{port}"],
        cwd=host / example, env={"PYTHONPATH": ".", "PATH": os.defpath, **more},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        until = time.monotonic() + 60
        while asked(port, "GET", "/health")[0] != 200:
            assert server.poll() is None, "the server ended"
            assert time.monotonic() < until
            time.sleep(0.1)
        yield server.pid, port
    finally:
        server.terminate()
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def asked(port: int, method: str, path: str, body: Any = None, key: str = "") -> tuple[int, Any]:
    """Status and body of an answer; status 0 if there was none."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Authorization": "Bearer token-of-s1", "Idempotency-Key": key or "-"}
    if body is not None:
        headers["Content-Type"] = "application/json"
    try:
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        if answer.status == 503:
            assert int(answer.headers["Retry-After"]) > 0
        return answer.status, json.loads(text) if text.startswith("{") else text
    except (OSError, http.client.HTTPException):
        return 0, None
    finally:
        connection.close()


def paid(port: int, payment: str, seen: list[int]) -> Any:
    """A client that does as the page says: the same key again, waiting longer each time."""
    body = {
        "household": "V1", "payment": payment, "amount_fen": 100, "paid_on": "2024-03-01",
        "method": "cash",
    }  # fmt: skip
    for attempt in range(40):
        status, answer = asked(port, "POST", "/payments", body, payment)
        seen.append(status)
        if status not in (0, 503):
            return status, answer
        time.sleep(min(0.02 * 2**attempt, 1) * random.uniform(0.5, 1.5))
    return status, answer


def load(port: int) -> tuple[dict[str, Any], list[int]]:
    """What each payment was answered, and all statuses that were seen."""
    answers: dict[str, Any] = {}
    seen: list[int] = []

    def client(name: str) -> None:
        for number in range(PAYMENTS):
            payment = f"{name}{number}"
            answers[payment] = paid(port, payment, seen)

    threads = [Thread(target=client, args=(name,)) for name in "ABCDEF"[:CLIENTS]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers, seen


def workers(server: int) -> list[int]:
    """The processes that a server has forked."""
    text = Path(f"/proc/{server}/task/{server}/children").read_text(encoding="ascii")
    return [int(word) for word in text.split()]


@pytest.mark.case("K59")
@pytest.mark.rule("LOG-01")
def test_what_was_answered_was_done_once_whatever_ends_meanwhile(
    host: Path, postgres_url: str, tmp_path: Path
) -> None:
    """Workers are forked from a process with an open log, and killed; connections are ended."""
    keys = tmp_path / "crm.keys"
    with open_crm(postgres_url, create=True, keys=keys) as crm:
        crm.do(RegisterHousehold("V1", "Anhe", "1", "1", "101"), by=Actor("S1", "specialist"))
    # The worst way to load an application: its log is open before the workers are forked.
    program = (
        "from django_property.wsgi import application\n"
        "from django_property.log import crm\n"
        "crm().log.head()\n"
    )
    (host / "django_property" / "preloaded.py").write_text(program, encoding="utf-8")
    stop, ended = Event(), [0]

    def end_connections() -> None:
        with psycopg.connect(postgres_url, autocommit=True) as admin:
            while not stop.wait(0.1):
                [(count,)] = admin.execute(
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                ).fetchall()
                ended[0] += count

    gunicorn = ["gunicorn", "--preload", "--workers", "2", "--threads", "4", "preloaded", "--bind"]
    database = {"CRM_DB": postgres_url, "CRM_KEYS": str(keys)}
    with serving(host, gunicorn, "django_property", **database) as (server, port):
        first = workers(server)
        killer = Thread(target=end_connections)
        killer.start()
        kills = Thread(target=_kill_workers, args=(server, stop))
        kills.start()
        answers, seen = load(port)
        stop.set()
        killer.join()
        kills.join()
        assert not set(first) & set(workers(server)), "each worker that began was killed"
    with open_crm(postgres_url, keys=keys) as crm:
        events = [e for e in crm.history("account/V1") if hasattr(e.event, "payment")]
        recorded = [e.event.payment for e in events]
        assert crm.verify().intact
    counted = {status: seen.count(status) for status in sorted({*seen})}
    print(f"{counted} answers by status, {ended[0]} connections ended")
    assert {status for status, _ in answers.values()} == {200}
    assert {*seen} <= {0, 200, 503}, "no error has another name"
    assert ended[0] > 10
    assert len(recorded) == len(set(recorded)), "nothing twice"
    assert sorted(recorded) == sorted(answers), "nothing is lost"


def _kill_workers(server: int, stop: Event) -> None:
    """Kill the oldest worker four times over."""
    for _ in range(4):
        if stop.wait(0.5):
            break
        for worker in workers(server)[:1]:
            with suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)
