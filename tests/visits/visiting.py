"""A small estate whose households are visited: a clock that can be set, and the usual people."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from crm_adapters import open_crm
from crm_core import CRM, Actor, Personal, Refused
from crm_core.kernel.word import Word
from crm_core.owners import RegisterHousehold
from crm_core.requests import Arrive, ConfirmClosing, Dispatch, ReceiveRequest, ReportDone
from crm_core.visits import VISITS, RecordVisit, Visit, Visits

START = datetime(2024, 5, 6, 2, tzinfo=UTC)
"""Monday, 10:00 on the estate."""
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

CLERK, OTHER = Actor("S9", "specialist"), Actor("S8", "specialist")
SUPERVISOR, DIRECTOR = Actor("S2", "supervisor"), Actor("D1", "director")
FITTER = Actor("E1", "operator")


class Clock:
    """A clock that is set."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


@contextmanager
def estate(url: str = "memory:", households: int = 2) -> Iterator[CRM]:
    """An estate of some households, long since moved in."""
    with open_crm(url, create=True) as crm:
        crm.host.clock = Clock(START)
        for n in range(1, households + 1):
            home(crm, f"V{n}")
        yield crm


def home(crm: CRM, household: str, moved_in: date | None = date(2015, 1, 1)) -> None:
    owner = Personal(f"{household}#owner", "Li Hua")
    file = RegisterHousehold(household, "Anhe", "1", "1", household, owner=owner, moved_in=moved_in)
    crm.do(file, by=CLERK)


def at(crm: CRM, instant: datetime) -> datetime:
    """Set the clock."""
    clock: Any = crm.clock
    clock.at = instant
    return instant


def now(crm: CRM) -> datetime:
    return crm.clock.now()


def receive(
    crm: CRM,
    number: str = "R1",
    household: str = "V1",
    *,
    kind: str = "repair",
    channel: str = "counter",
    severity: str = "general",
    summary: str = "the door sticks",
) -> None:
    command = ReceiveRequest(
        request=number,
        household=household,
        channel=channel,
        kind=kind,
        trade="engineering",
        severity=severity,
        summary=summary,
        received_at=now(crm),
        first_asked="S9",
    )
    crm.do(command, by=CLERK)


def send(crm: CRM, number: str = "R1", to: str = "E1") -> None:
    crm.do(Dispatch(number, to, "operator", now(crm), on_site=True), by=CLERK)


def repair(crm: CRM, number: str = "R1", household: str = "V1", by: Actor = FITTER) -> None:
    """The work is done by an operator, within a few minutes."""
    send(crm, number, by.id)
    at(crm, now(crm) + MINUTE)
    crm.do(Arrive(number, now(crm)), by=by)
    at(crm, now(crm) + MINUTE)
    crm.do(ReportDone(number, now(crm)), by=by)


def close(crm: CRM, number: str = "R1", household: str = "V1", opinion: str = "satisfied") -> None:
    word = Word(f"{household}#owner", "phone", "77")
    words = "" if opinion == "satisfied" else "not good"
    crm.do(ConfirmClosing(number, now(crm), opinion, word, words), by=CLERK)


def finished(crm: CRM, number: str = "R1", household: str = "V1", **said: Any) -> None:
    """A repair from its receipt to its closing."""
    receive(crm, number, household, **said)
    repair(crm, number, household)
    close(crm, number, household)


def tick(crm: CRM) -> int:
    """How many events of visits a tick records, a moment later."""
    done = crm.tick(now(crm) + timedelta(seconds=1))
    assert done.parked["visits"] == 0
    return done.events["visits"]


def state(crm: CRM, household: str = "V1") -> Visits:
    found = crm.get(Visits, household, by=CLERK, purpose="care")
    return VISITS.decider.initial if found is None else found


def visit(crm: CRM, number: str, household: str = "V1") -> Visit:
    found = state(crm, household).visit(number)
    assert found is not None, [one.visit for one in state(crm, household).every()]
    return found


def open_visits(crm: CRM, household: str = "V1") -> set[str]:
    return {one.visit for one in state(crm, household).open()}


def made(number: str, when: datetime, household: str = "V1", **other: Any) -> RecordVisit:
    """A call that went well."""
    values: dict[str, Any] = {
        "means": "phone",
        "member": f"{household}#owner",
        "address": "ms",
        "convenient": True,
        "opinion": "A",
        **other,
    }
    return RecordVisit(household=household, visit=number, visited_at=when, **values)


def refused(crm: CRM, command: Any, by: Actor = CLERK) -> tuple[str, str]:
    """Why it is refused; nothing is recorded, and it can be told in both languages."""
    before = crm.log.head()
    with pytest.raises(Refused) as caught:
        crm.do(command, by=by)
    assert crm.log.head() == before
    for lang in ("zh", "en"):
        assert "{" not in caught.value.told(lang)
    return caught.value.reason, caught.value.rule
