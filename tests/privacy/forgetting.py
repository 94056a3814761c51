"""A company with persons to be erased: a log and its files in a folder, at a time of one's own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from crm_adapters import open_crm
from crm_core import CRM, Actor, Personal
from crm_core.kernel.sealed import Erased, Place, Plain, Sealed
from crm_core.kernel.sealing import sealed_in, texts_in
from crm_core.owners import AddMember, EndRole, RegisterHousehold
from crm_core.staff import RecordTraining, RecordUndertaking, RegisterStaff

CLERK, LEADER = Actor("li", "specialist"), Actor("wu", "supervisor")
KEEPER, DIRECTOR = Actor("kong", "custodian"), Actor("yang", "director")
DAY = date(2024, 1, 10)
WHY = "asked for it"
NOWHERE = Place("household/X", 1, "name")


class At:
    """A clock that is set by hand."""

    def __init__(self, day: date = DAY) -> None:
        self.day(day)

    def day(self, day: date) -> None:
        """Noon of that day in the estate's zone."""
        self._now = datetime(day.year, day.month, day.day, 4, tzinfo=UTC)

    def now(self) -> datetime:
        self._now += timedelta(seconds=1)
        return self._now


class Company:
    """A log with its files in a folder; opened anew whenever it is asked for.

    Args:
        folder: Where everything lies.
        url: By default an SQLite file in the folder.
    """

    def __init__(self, folder: Path, url: str = "", **more: Any) -> None:
        self.folder, self.clock = folder, At()
        self.url = url or f"sqlite:///{folder / 'crm.db'}"
        self.keys, self.erased = folder / "crm.db.keys", folder / "crm.db.erased"
        self._more = more

    def open(self, *, create: bool = False, **more: Any) -> CRM:
        files = {"keys": self.keys, "erased": self.erased}
        crm = open_crm(self.url, create=create, **{**files, **self._more, **more})
        crm.host.clock = self.clock
        return crm

    def settle_in(self) -> None:
        """V1 with its owner and a lodger, V2 next door, and a director with a telephone."""
        with self.open(create=True) as crm:
            inhabit(crm)

    def shown(self, *keys: str) -> dict[str, str]:
        """What each person's values show to a process that opens the log now."""
        with self.open() as crm:
            return shown(crm, *keys)


def inhabit(crm: CRM) -> None:
    """V1 with its owner and a lodger, V2 next door, and a director with a telephone."""
    contact = Personal(DIRECTOR.id, "phone of yang")
    crm.do(RegisterStaff(DIRECTOR.id, "director", DAY, contact), by=Actor("mei", "manager"))
    for actor in (CLERK, LEADER, KEEPER):
        crm.do(RegisterStaff(actor.id, actor.role, DAY), by=DIRECTOR)
        clear(crm, actor)
    for number, room in (("V1", "101"), ("V2", "102")):
        owner = f"{number}#owner"
        crm.do(
            RegisterHousehold(
                number, "Anhe", "1", "1", room,
                owner=Personal(owner, f"name of {owner}"),
                phone=Personal(owner, f"phone-of-{owner}@x.cn"),
            ),
            by=CLERK,
        )  # fmt: skip
    crm.do(AddMember("V1", "M7", "tenant", DAY, Personal("M7", "name of M7")), by=CLERK)


def clear(crm: CRM, actor: Actor) -> None:
    """Who has signed and learnt what it takes to see personal values (PRV-07)."""
    until = date(2034, 1, 10)
    crm.do(RecordUndertaking(actor.id, "NDA-1", DAY, until), by=DIRECTOR)
    crm.do(RecordTraining(actor.id, "personal data", DAY, until), by=DIRECTOR)


def leave(crm: CRM, member: str, until: date, household: str = "V1") -> None:
    """A lodger moves out."""
    crm.do(EndRole(household, member, "tenant", until, "moved out"), by=CLERK)


def sealed_of(crm: CRM) -> Iterator[tuple[Any, Sealed]]:
    """Every sealed value of the log, with its place."""
    for recorded in crm.log.feed():
        for value, place in sealed_in(recorded.stream, recorded.version, recorded.event):
            yield place, value


def names_of(crm: CRM) -> Iterator[tuple[Any, Sealed]]:
    """The same of names and contacts alone, without what people typed."""
    for recorded in crm.log.feed():
        at = recorded.stream, recorded.version, recorded.event
        texts = {place for _, place in texts_in(*at)}
        yield from ((place, value) for value, place in sealed_in(*at) if place not in texts)


def shown(crm: CRM, *keys: str) -> dict[str, str]:
    """What the names of each person show: `open`, `erased`, or another code; never a mixture."""
    found: dict[str, set[str]] = {}
    for place, value in names_of(crm):
        opened = crm.host.vault.open(value, place)
        code = "open" if isinstance(opened, Plain) else opened.code
        if isinstance(opened, Plain) and " of " in opened.text:
            assert opened.text.endswith(f" of {value.subject}")
        found.setdefault(value.subject, set()).add(code)
    assert all(len(codes) == 1 for codes in found.values()), found
    told = {subject: next(iter(codes)) for subject, codes in found.items()}
    return {key: told[key] for key in keys} if keys else told


def is_erased(crm: CRM, key: str) -> bool:
    """Whether a key was destroyed."""
    return isinstance(crm.host.vault.open(Sealed(key, "AAAA"), NOWHERE), Erased)
