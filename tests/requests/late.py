"""Lives that become known in another order than they happened, and what is done about it.

Whoever enters something late shows by evidence when it happened; where that is not enough, because
the breach it lifts is their own, somebody else confirms the entry (REQ-09, REQ-10).
"""

from __future__ import annotations

import random  # noqa: TID251 - seeded: a life can be had again
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import attrs
from slow.calendar import SHIPPED, Rules, instant
from slow.comparing import CLERK, REQUEST, Shown, actor, command_of, opened, shown
from slow.model import Life

from crm_core import CRM, Actor, Refused
from crm_core.application.work import Planned
from crm_core.requests import ConfirmEntry, Evidence
from crm_core.requests.events import entered_at
from crm_core.requests.state import Request

AUDITOR = Actor("B9", "supervisor")
"""Somebody whom no breach counts for."""

FOLLOWS: dict[str, tuple[str, ...]] = {
    "accepted": ("promised", "moved_alone", "moved_agreed"),
    "apologised": ("promised", "accepted", "moved_alone", "moved_agreed", "given_up"),
    "arrived": ("ordered", "accepted"),
    "attempted": ("done", "attempted", "reopened"),
    "confirmed": ("done", "apologised", "attempted"),
    "extended": ("paused", "extended"),
    "given_up": ("promised", "accepted", "moved_alone", "moved_agreed"),
    "moved_agreed": ("promised", "accepted", "moved_alone", "moved_agreed"),
    "moved_alone": ("promised", "accepted", "moved_alone", "moved_agreed"),
    "reopened": ("done", "confirmed", "attempted", "imported_closing"),
    "resumed": ("paused", "extended"),
    "imported_closing": ("reopened",),
    "done": ("reopened",),
}
"""What an entry refers to: nobody knows of an answer before what it answers."""


@dataclass(frozen=True)
class Known:
    """When each entry of a life became known, and before which the clock was asked, in minutes."""

    minutes: tuple[int, ...]
    ticks: frozenset[int]


def known_late(life: Life, seed: int) -> Known:
    """Half of the entries become known later than they happened, by minutes or by days."""
    chosen = random.Random(seed)
    minutes: list[int] = []
    for number, entry in enumerate(life):
        late = chosen.choice((0, 0, 0, 7, 45, 400, 2000, 5000)) if number else 0
        at = entry.at + (chosen.randint(1, late) if late else 0)
        for before in range(number):
            # Nobody works on what was done before they know that it was opened again; and of one
            # minute it is known what came first.
            refers = life[before].kind in (*FOLLOWS.get(entry.kind, ()), "reopened")
            if refers or life[before].at == entry.at:
                at = max(at, minutes[before])
        minutes.append(max(at, minutes[0]) if minutes else at)
    ticks = frozenset(n for n in range(len(life)) if chosen.random() < 0.5)
    return Known(tuple(minutes), ticks)


def lived_late(life: Life, known: Known, now: int, rules: Rules = SHIPPED) -> Shown:
    """A life through the library in the order in which it became known."""
    refused: dict[int, str] = {}
    with opened(rules) as crm:
        order = sorted(range(len(life)), key=lambda n: (known.minutes[n], n))
        for number in order:
            at = instant(known.minutes[number])
            if number in known.ticks:
                crm.tick(at)
            entry = life[number]
            command: Any = command_of(entry)
            said: list[str] = []
            if entry.kind == "imported_closing":
                crm.batch(
                    [Planned(command, f"import-{number}", at)],
                    by=CLERK,
                    imported=at,
                    on_refusal=lambda _, refusal, said=said: said.append(refusal.code),
                )
            else:
                if entry.kind != "received":
                    command = attrs.evolve(command, evidence=_shown(instant(entry.at)))
                try:
                    crm.do(command, by=actor(entry), at=at)
                except Refused as error:
                    said.append(error.reason)
            if said:
                refused[number] = said[0]
            _confirm(crm, at)
        crm.tick(instant(now))
        return shown(crm, instant(now), refused)


def _shown(at: Any) -> Evidence:
    return Evidence("recording", "line 3", at - timedelta(minutes=1))


def _confirm(crm: CRM, at: Any) -> None:
    """What was kept and lifted nothing is confirmed by somebody else."""
    state = crm.get(Request, REQUEST)
    for number, entry in enumerate(() if state is None else state.entries, 1):
        if entry.counts_from != entered_at(entry):
            evidence = _shown(entered_at(entry))
            crm.do(ConfirmEntry(REQUEST, number, evidence), by=AUDITOR, at=at)
