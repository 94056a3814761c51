"""A small town for tests of access: two households, an open request, gradings, a register."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any

from crm_adapters import open_crm
from crm_core import CRM, Actor
from crm_core.kernel.dates import parse_instant
from crm_core.kernel.recorded import ROLES
from crm_core.kernel.sealed import Personal
from crm_core.kernel.word import Word
from crm_core.opinions import RecordOpinion
from crm_core.owners import RecordInterest, RegisterHousehold
from crm_core.payments import RaiseCharge, ReceivePayment, RecordPurchase
from crm_core.plans import HearFeedback
from crm_core.requests import ReceiveRequest
from plans.caring import Estate, approve

CLERK = Actor("S1", "specialist")
BOSS = Actor("D1", "director")
NOW = parse_instant("2024-03-01T10:00:00+08:00")
V1_OWNER, V2_OWNER = Actor("V1#owner", "owner"), Actor("V2#owner", "owner")


class StandingClock:
    """A clock that stands."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


def somebody(role: str) -> Actor:
    """One person of each role, who is of V1 where a role is of a household."""
    return V1_OWNER if role == "owner" else Actor({"user": "V1#user"}.get(role, f"X-{role}"), role)


PEOPLE = [somebody(role) for role in ROLES]


def told() -> Iterator[tuple[Any, str]]:
    """What happened, and when it became known."""
    for home, name, phone in (("V1", "张三", "13800000001"), ("V2", "李四", "13800000002")):
        who = f"{home}#owner"
        yield (
            RegisterHousehold(
                home, "Anhe", "1", "2", f"10{home[1]}", owner=Personal(who, name),
                phone=Personal(who, phone), moved_in=date(2020, 1, 1),
            ),
            "2022-12-01T09:00:00+08:00",
        )  # fmt: skip
        yield (
            RaiseCharge(home, "C1", "management_fee", "2023", 1000_00, date(2023, 3, 31)),
            "2023-01-02T09:00:00+08:00",
        )
        yield (
            RecordPurchase(home, "B1", "cleaning", 9000_00, date(2023, 5, 5)),
            "2023-05-05T10:00:00+08:00",
        )
        yield (
            RecordOpinion(home, "O1", "forum", who, date(2023, 6, 1), "thread 7"),
            "2023-06-02T10:00:00+08:00",
        )
    yield (
        RecordInterest("V1", "cleaning", date(2023, 6, 1), Word("V1#owner", "phone", "rec 1")),
        "2023-06-03T10:00:00+08:00",
    )
    yield (
        ReceivePayment("V1", "P1", 1000_00, date(2023, 3, 1), "cash"),
        "2023-03-01T10:00:00+08:00",
    )


REQUEST = ReceiveRequest(
    "R1",
    "V1",
    "phone",
    "repair",
    "engineering",
    "general",
    "the tap leaks",
    received_at=NOW,
    first_asked="X-engineering",
)
"""A request of V1 that is the engineer's."""


def cared_for(crm: CRM) -> None:
    """V1 is assessed and has a plan in force, and is drawn to be called on."""
    approve(Estate(crm), "P1", NOW.date())
    said = Word("V1#owner", "phone", "rec 2")
    crm.do(HearFeedback("P1", "F1", "V1", "they want a lamp", said, NOW.date()), by=CLERK)
    crm.care.visits.draw("W1", "random", 2, by=BOSS)
    crm.host.clock = StandingClock(NOW + timedelta(hours=4))


@contextmanager
def town(url: str = "memory:", *, keys: Any = None) -> Iterator[CRM]:
    """The town, with its year 2023 graded."""
    with open_crm(url, create=url != "memory:", keys=keys) as crm:
        for command, at in told():
            crm.do(command, by=CLERK, at=parse_instant(at))
        crm.host.clock = StandingClock(NOW)
        crm.grade(2023)
        yield crm
