"""A company in which every command of the library is given, with a canary wherever one can stand.

The command is given through the facade, by whoever of the staff may. What it records is read back:
each sealed value must be a canary, so that no field into which people type goes without.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any

import attrs
import pytest

from crm_core import CRM, Actor, Personal, Refused
from crm_core.application.work import Work
from crm_core.kernel.dates import start_of_day
from crm_core.kernel.decider import Refusal
from crm_core.kernel.recorded import SYSTEM
from crm_core.kernel.sealed import Plain
from crm_core.kernel.word import Word
from privacy.canaries import Canaries
from privacy.forgetting import sealed_of

SING = "♪"
"""Stands in a command for a canary of its own."""

HOME, OTHER, COMPANY = "V1", "V2", "the company"
OWNER, TENANT, NEXT = "V1#owner", "V1#tenant", "V2#owner"
ZHAO = "zhao"

CLERK, COLLEAGUE = Actor("S1", "specialist"), Actor("S2", "specialist")
LEADER, MANAGER, DIRECTOR = (
    Actor("U1", "supervisor"),
    Actor("M1", "manager"),
    Actor("D1", "director"),
)
MONEY, KEEPER = Actor("F1", "finance"), Actor("K1", "custodian")
FITTER, GUARD, SALES = Actor("E1", "operator"), Actor("G1", "security"), Actor("A1", "sales")
SECOND = Actor("U2", "supervisor"), Actor("M2", "manager"), Actor("D2", "director")
STAFF = (
    CLERK, COLLEAGUE, LEADER, MANAGER, DIRECTOR, MONEY, KEEPER, FITTER, GUARD, SALES, *SECOND
)  # fmt: skip
EVERYBODY = (*STAFF, Actor(OWNER, "owner"), Actor(TENANT, "user"), Actor("app", "host"))
"""Who is asked to give a command, one after another."""

NOT_THEIRS = {
    "approver_too_low", "nothing_to_confirm", "own_matter", "own_proposal", "role_insufficient",
    "role_not_registered", "self_approval",
}  # fmt: skip
"""Why somebody else of the staff is asked to give a command."""


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.at = start_of_day(date(2024, 1, 2))

    def now(self) -> datetime:
        self.at += timedelta(seconds=1)
        return self.at


class Choir:
    """Gives commands with canaries, and knows which were taken.

    Args:
        crm: The log of the company.
        canaries: Whose each canary is.
    """

    def __init__(self, crm: CRM, canaries: Canaries) -> None:
        self.crm, self.canaries = crm, canaries
        self.clock = Clock()
        crm.host.clock = self.clock

    def on(self, text: str, hour: float = 10) -> date:
        """It is that hour of that day from now on."""
        day = date.fromisoformat(text)
        self.clock.at = start_of_day(day) + timedelta(hours=hour)
        return day

    def now(self, minutes: float = 0) -> datetime:
        """The instant that it is, or one before it."""
        return self.clock.at - timedelta(minutes=minutes)

    def later(self, **by: float) -> datetime:
        """It is as much later."""
        self.clock.at += timedelta(**by)
        return self.clock.at

    def say(self, *commands: Any, whose: str = HOME, by: Actor | None = None) -> Any:
        """Give commands, each with canaries of somebody; the events of the last."""
        events: Any = ()
        for command in commands:
            events = self._said(_sung(command, whose, self.canaries), by)
        return events

    def _said(self, command: Any, by: Actor | None) -> Any:
        refused: list[str] = []
        for actor in (by,) if by else EVERYBODY:
            try:
                receipt = self.crm.do(command, by=actor, purpose=None)
            except Refused as error:
                refused.append(f"{actor}: {error}")
                if error.reason in NOT_THEIRS:
                    continue
                break
            assert receipt.events, f"nothing follows from {command}"
            return receipt.events
        raise AssertionError(f"{command}\n" + "\n".join(refused[-3:]))

    def inside(self, *commands: Any) -> None:
        """What the library itself gives."""
        for command in commands:
            assert self.crm._desk.within(command, by=SYSTEM).events, command

    def tick(self, text: str = "", hour: float = 10) -> None:
        """The clock looks at what is due."""
        if text:
            self.on(text, hour)
        done = self.crm.tick()
        assert not any(done.parked.values()), done.parked

    def silent(self) -> Iterator[str]:
        """Where in the log a sealed value stands that is no canary."""
        every = {text for one in self.canaries.of.values() for text in one}
        for place, value in sealed_of(self.crm):
            opened = self.crm.host.vault.open(value, place)
            text = opened.text if isinstance(opened, Plain) else ""
            if text.removesuffix(MAIL) not in every and not _SAID_BY_US.fullmatch(text):
                yield f"{place.stream} {place.field}: {opened}"


def _sung(value: Any, whose: str, canaries: Canaries) -> Any:
    """A command with canaries where `SING` stands."""
    if isinstance(value, str):
        return value.replace(SING, canaries.new(whose)) if SING in value else value
    if isinstance(value, Personal):
        return Personal(value.subject, _sung(value.reveal(), value.subject, canaries))
    if isinstance(value, tuple):
        return tuple(_sung(one, whose, canaries) for one in value)
    if attrs.has(type(value)):
        kind: type = type(value)
        found = {
            field.alias: _sung(getattr(value, field.name), whose, canaries)
            for field in attrs.fields(kind)
            if field.init
        }
        return kind(**found)
    return value


def word(member: str = OWNER) -> Word:
    """What somebody said, on record."""
    return Word(member, "phone", SING)


MAIL = "@example.com"


def reach(member: str) -> Personal:
    """Where somebody is reached, written as the data standard says."""
    return Personal(member, f"{SING}{MAIL}")


def person(member: str) -> Personal:
    """A value of somebody."""
    return Personal(member, SING)


@contextmanager
def heard_commands() -> Iterator[set[type]]:
    """The kinds of command that are decided, and record something, while it is open."""
    taken: set[type] = set()
    plan = Work.plan

    def heard(self: Work, command: Any, command_id: str, *told: Any, **named: Any) -> Any:
        commit = plan(self, command, command_id, *told, **named)
        if not isinstance(commit, Refusal) and commit.appends and command_id not in _LOOKED:
            taken.add(type(command))
        return commit

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Work, "plan", heard)
        yield taken


_SAID_BY_US = re.compile(r"[A-Z]\d+(/[A-Z]\d+)?|not satisfied with [A-Z]\d+|away|import|\w+\.csv")
"""Texts of the library's own: numbers of what it refers to, codes, a sentence, names of files."""

_LOOKED = ("look", "rehearsal")
"""What is only looked at is not done."""
