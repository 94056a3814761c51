"""A process that forks, and a server that ends connections: typed errors, nothing lost."""

from __future__ import annotations

import os
from pathlib import Path
from threading import Event, Thread
from time import monotonic

import psycopg
import pytest

from crm_adapters import open_crm
from crm_core import CRM, Actor
from crm_core.errors import CrmError, StoreUnreachable
from crm_core.owners.commands import RegisterHousehold
from faults.forking import in_a_fork

CLERK = Actor("S1", "specialist")


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'crm.db'}"
    return str(request.getfixturevalue("postgres_url"))


def register(crm: CRM, household: str) -> None:
    crm.do(RegisterHousehold(household, "Anhe", "1", "1", household), by=CLERK)


@pytest.mark.case("K59")
@pytest.mark.rule("LOG-01")
def test_a_fork_is_told_to_open_its_own_and_harms_nobody(url: str, tmp_path: Path) -> None:
    keys = tmp_path / "crm.keys"
    with open_crm(url, create=True, keys=keys) as crm:
        register(crm, "V1")

        def work() -> None:
            for attempt in (
                lambda: register(crm, "V2"),
                lambda: list(crm.history("V1")),
                crm.verify,
                lambda: crm.gradings.runs(2011),
                crm.log.head,
                lambda: next(crm.log.follow(poll_seconds=0.01)),
            ):
                with pytest.raises(StoreUnreachable) as refused:
                    attempt()
                assert refused.value.sentence == "process_forked"
            crm.close()
            with open_crm(url, keys=keys) as own:
                register(own, f"V{os.getpid()}")

        for _ in range(3):
            in_a_fork(work)
        # What the forks closed was not the connections of this process.
        register(crm, "V3")
        assert next(e.household for e in crm.log.feed()) == "V1"
        assert len({e.household for e in crm.log.feed()}) == 5
        assert crm.verify().intact


@pytest.mark.case("K59")
@pytest.mark.rule("LOG-01")
def test_connections_that_the_server_ends_fail_by_their_true_names(
    postgres_url: str, tmp_path: Path
) -> None:
    acknowledged: list[str] = []
    strange: list[BaseException] = []
    stop = Event()

    def write(crm: CRM, name: str) -> None:
        for number in range(10_000):
            if stop.is_set():
                return
            try:
                register(crm, f"{name}{number}")
                acknowledged.append(f"{name}{number}")
            except CrmError:
                pass
            except BaseException as error:  # noqa: BLE001 - what is asked here
                strange.append(error)

    def read(crm: CRM) -> None:
        while not stop.is_set():
            try:
                list(crm.history("A0"))
                crm.log.head()
            except CrmError:
                pass
            except BaseException as error:  # noqa: BLE001 - what is asked here
                strange.append(error)

    with open_crm(postgres_url, create=True, keys=tmp_path / "crm.keys") as crm:
        threads = [Thread(target=write, args=(crm, name)) for name in "ABC"]
        threads += [Thread(target=read, args=(crm,)) for _ in range(2)]
        for thread in threads:
            thread.start()
        ended = 0
        with psycopg.connect(postgres_url, autocommit=True) as admin:
            until = monotonic() + 3
            while monotonic() < until:
                [(count,)] = admin.execute(
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                ).fetchall()
                ended += count
        stop.set()
        for thread in threads:
            thread.join()
        assert ended > 100
        assert not strange
        register(crm, "Z")
        assert {*acknowledged, "Z"} <= {e.household for e in crm.log.feed()}
        assert crm.verify().intact
