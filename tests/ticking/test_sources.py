"""Parked rows of the library's own sources, and where people see them (REQ-13)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from crm_adapters.cli.app import run
from crm_adapters.wiring import open_crm
from crm_core import CRM, Actor, PolicyBook
from crm_core.kernel.dates import sortable_text, start_of_day
from crm_core.owners import RegisterHousehold
from crm_core.payments.collection.events import CollectionOpened
from crm_core.payments.collection.watch import WATCHED
from crm_core.payments.commands import RaiseCharge
from crm_core.requests import ReceiveRequest, SlaPolicy
from crm_core.testing.strategies import sla_text

CLERK, FINANCE = Actor("S17", "specialist"), Actor("F1", "finance")
MOMENT, DAY = timedelta(microseconds=1), timedelta(days=1)
LONG_AGO = datetime(1995, 3, 1, tzinfo=UTC)
"""Before the first ladder and the first table of credit came into force."""
START = datetime(2011, 3, 1, 1, 0, tzinfo=UTC)


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def crm(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[CRM]:
    urls = {"memory": "memory:", "sqlite": f"sqlite:///{tmp_path / 'crm.db'}"}
    if request.param == "postgresql":
        new: Callable[[], str] = request.getfixturevalue("new_postgres")
        urls["postgresql"] = new()
    with open_crm(urls[request.param], create=True) as opened:
        settle(opened)
        yield opened


def settle(crm: CRM) -> None:
    for number in ("1", "2", "3"):
        file = RegisterHousehold(f"V{number}", "Anhe", "1", "1", number)
        crm.do(file, by=CLERK, at=LONG_AGO)


def charge(household: str, due: date) -> RaiseCharge:
    return RaiseCharge(
        household=household,
        charge=f"C-{household}",
        kind="management_fee",
        period="x",
        amount_fen=100_00,
        due=due,
    )


def opened_of(crm: CRM, household: str) -> list[date]:
    found = [e.event for e in crm.history(f"collection/{household}")]
    return [event.on for event in found if isinstance(event, CollectionOpened)]


def receive(crm: CRM, number: str) -> None:
    command = ReceiveRequest(
        request=number,
        household="V1",
        channel="phone",
        kind="repair",
        trade="engineering",
        severity="general",
        summary="water",
        received_at=START,
        first_asked="S17",
    )
    crm.do(command, by=CLERK, at=START)


@pytest.mark.rule("REQ-13", "PAY-10")
@pytest.mark.case("K04")
def test_a_household_whose_days_have_no_ladder_stops_no_other_collection(crm: CRM) -> None:
    crm.do(charge("V1", date(1995, 3, 31)), by=FINANCE, at=LONG_AGO)
    crm.do(charge("V2", date(2011, 3, 31)), by=FINANCE, at=START)
    done = crm.tick(start_of_day(date(2011, 4, 2)))
    assert done.parked == {
        "collection": 1,
        "cover": 0,
        "forums": 0,
        "leaks": 0,
        "plans": 0,
        "requests": 0,
        "retention": 0,
        "rights": 0,
        "surveys": 0,
        "visits": 0,
    }
    assert (opened_of(crm, "V1"), opened_of(crm, "V2")) == ([], [date(2011, 4, 1)])
    [parked] = crm.views.parked_rows()
    assert (parked.source, parked.row, parked.step) == ("collection", "V1", "")
    assert "CRM-I003" in parked.error


@pytest.mark.rule("REQ-13", "REQ-14")
@pytest.mark.case("K04")
def test_a_request_whose_policy_is_gone_is_parked_until_it_is_there_again(crm: CRM) -> None:
    strict = SlaPolicy.parse(
        sla_text(2).replace("sla-generated", "sla-cn-default").replace("1990-01-01", "2011-01-01")
    )
    plain: PolicyBook = crm.policies
    receive(crm, "R1")
    crm.host.policies = plain.add(strict)
    receive(crm, "R2")
    crm.host.policies = plain
    done = crm.tick(START + DAY)
    assert done.parked["requests"] == 2
    assert {(p.row, p.error[-10:]) for p in crm.views.parked_rows("requests")} == {
        ("R2", "[CRM-I002]")
    }
    assert "requests.clock_breached/1" in {e.name for e in crm.history("request/R1")}
    assert len(list(crm.history("request/R2"))) == 1
    crm.host.policies = plain.add(strict)
    assert crm.tick(START + DAY).parked["requests"] == 0
    assert "requests.clock_breached/1" in {e.name for e in crm.history("request/R2")}


@pytest.mark.rule("REQ-13", "PAY-10")
def test_a_household_in_which_nothing_is_due_is_not_looked_at_every_day(crm: CRM) -> None:
    """It comes up again on its next day, or when something about it changes."""
    crm.do(charge("V2", date(2011, 3, 31)), by=FINANCE, at=START)

    def ahead(on: date) -> list[str]:
        crm.tick(start_of_day(on) + MOMENT)
        found = crm.views.scan(WATCHED, upto=sortable_text(start_of_day(on)))
        return [key for _, key, _ in found]

    for day in range(5, 31):
        assert ahead(date(2011, 3, day)) == [], day
    assert opened_of(crm, "V2") == []
    assert ahead(date(2011, 4, 1)) == []
    assert opened_of(crm, "V2") == [date(2011, 4, 1)]


# --- where people see it --------------------------------------------------------------------------


class Desk:
    """The command line over one log."""

    def __init__(self, url: str, capsys: pytest.CaptureFixture[str]) -> None:
        self._url, self._capsys = url, capsys

    def said(self, *arguments: str) -> tuple[int, Any]:
        status = run(["--db", self._url, "--format", "json", *arguments])
        out = self._capsys.readouterr().out
        return status, json.loads(out)

    def shown(self, *arguments: str) -> str:
        run(["--db", self._url, *arguments])
        return self._capsys.readouterr().out


@pytest.mark.rule("REQ-13")
@pytest.mark.case("K04")
def test_the_command_line_shows_what_is_parked_wherever_somebody_looks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"sqlite:///{tmp_path / 'crm.db'}"
    with open_crm(url, create=True) as crm:
        settle(crm)
    desk = Desk(url, capsys)
    april, may = ("2011-04-02T00:00:00+08:00", "2011-05-02T00:00:00+08:00")
    assert desk.said("tick", "--now", april)[1]["parked"] == {
        "collection": 0,
        "cover": 0,
        "forums": 0,
        "leaks": 0,
        "plans": 0,
        "requests": 0,
        "retention": 0,
        "rights": 0,
        "surveys": 0,
        "visits": 0,
    }
    assert desk.said("doctor")[1]["parked"] == {"events": 0, "rows": 0}
    assert desk.said("projections")[0] == 0
    with open_crm(url) as crm:
        crm.do(charge("V1", date(1995, 3, 31)), by=FINANCE, at=LONG_AGO)
        crm.do(charge("V2", date(2011, 3, 31)), by=FINANCE, at=START)
    status, ticked = desk.said("tick", "--now", april)
    assert (status, ticked["parked"]) == (
        1,
        {
            "collection": 1,
            "cover": 0,
            "forums": 0,
            "leaks": 0,
            "plans": 0,
            "requests": 0,
            "retention": 0,
            "rights": 0,
            "surveys": 0,
            "visits": 0,
        },
    )
    assert ticked["events"]["collection"] > 0
    assert "1 could not be computed" in desk.shown("tick", "--now", may)
    status, listed = desk.said("projections")
    [clock] = [one for one in listed if one["name"] == "clock:collection"]
    assert (status, clock["kind"], clock["parked"]) == (1, "clock", 1)
    assert clock["parked_since"] == "2011-04-01T16:00:00Z"
    [row] = clock["parked_rows"]
    assert (row["source"], row["row"], row["step"], row["tries"]) == ("collection", "V1", "", 2)
    assert "CRM-I003" in row["error"]
    assert "V1" in desk.shown("projections")
    status, told = desk.said("doctor")
    assert (status, told["findings"]) == (1, ["parked"])
    assert told["parked"] == {"events": 0, "rows": 1}
    assert "amiss: events or rows are parked" in desk.shown("doctor")
