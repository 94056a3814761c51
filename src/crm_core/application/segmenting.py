"""Segments that can be counted (OWN-11): households by what their members let be kept of them.

An item counts for the purpose that it was kept for and for no other, on the basis it was kept on,
as long as that holds. What few share is not told: whoever counted them would know who they are.
Nor is it told by way of other answers (decision record 0082):

- A table is that of the first day of a month, as known when it began; between two answers there
  lies a month of everybody's changes. Where one of those counted wants it no more, or was erased,
  the table of their estate is told no more at all.
- A number is told in steps of five, up or down at random around what it is, drawn anew each month
  under the key of the company. So no difference of two numbers is that of the households.
- The whole is the sum of what is told of the estates, and says nothing that they do not.
- Words of a closed list stand in every table; other words only with a number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from hashlib import sha256
from typing import Any

from crm_core.kernel.dates import start_of_day
from crm_core.kernel.recorded import Recorded
from crm_core.kernel.sealed import Opened, Personal, Place, Plain, Sealed
from crm_core.kernel.text import fold_width
from crm_core.kernel.values import frozen
from crm_core.owners.card.events import ItemRecorded, ItemWithdrawn
from crm_core.owners.card.standard import accepted
from crm_core.owners.card.state import holding_with, key_of
from crm_core.owners.redirects import Redirects

CELL_MIN = 5
"""Cells with fewer households are suppressed (PRV-01); numbers are told in steps of as many."""

DRAWING = "segments"
"""Whose key numbers are drawn under: nobody's, so that it is never erased."""

ITEM_NAMES = frozenset({"owners.item_recorded/1", "owners.item_withdrawn/1"})

BEFORE, SINCE = "before", "since"
"""When a word came to carry an item no more: before the month began, or since."""

Told = tuple[str, list[Recorded[Any]]]
"""A household, and what was told of its items."""


@frozen
class Segments:
    """Households by an item.

    Args:
        on: The first day of the month, as of which they were counted.
        counts: About how many households, by value, in steps of five; None where they are too few
            to be told, or the table is not told any more.
    """

    item: str
    purpose: str
    on: date
    counts: Mapping[str, int | None]


@frozen
class Counting:
    """What is counted, and how somebody's word is asked for.

    Args:
        estates: The estate of each file.
        merges: Files of one household count once.
        opens: Opens a value.
        lost: Since when a member's word carries an item no more: `before` the month began, or
            `since`; empty where it does.
        erased: Whether somebody was erased behind an instant.
        fingerprint: A digest under the key of the company.
    """

    item: str
    purpose: str
    on: date
    zone: str
    estates: Mapping[str, str]
    merges: Redirects
    opens: Callable[[Sealed, Place], Opened]
    lost: Callable[[str, ItemRecorded], str]
    erased: Callable[[str, datetime], bool]
    fingerprint: Callable[[Personal], str]

    @property
    def start(self) -> datetime:
        """When the month began: nothing is counted that was known later."""
        return start_of_day(self.on, self.zone)


def month_of(day: date) -> date:
    """The first day of the month, as of which households are counted on any day of it."""
    return day.replace(day=1)


def counted(told: Iterable[Told], asked: Counting, estate: str = "") -> Segments:
    """The households by an item, each once for a value.

    Args:
        estate: Of this one alone; by default of all together.
    """
    found: dict[str, dict[str, set[str]]] = {}
    stopped: set[str] = set()
    for household, events in told:
        survivor = asked.merges.survivor(household)
        where = asked.estates.get(survivor, "")
        values = _kept(household, events, asked)
        if values is None:
            stopped.add(where)
            continue
        for value in values:
            found.setdefault(where, {}).setdefault(value, set()).add(survivor)
    words = _words(asked.item)
    sums: dict[str, int] = {}
    for where, cells in found.items():
        if where in stopped or estate not in ("", where):
            continue
        for value, households in cells.items():
            sums[value] = sums.get(value, 0) + _shown(where, value, len(households), asked)
    listed = {*words, *(value for value, number in sums.items() if number)}
    counts = {value: sums.get(value) or None for value in sorted(listed)}
    return Segments(asked.item, asked.purpose, asked.on, counts)


def _kept(household: str, events: list[Recorded[Any]], asked: Counting) -> list[str] | None:
    """The values of a household that count; None where one of them may be counted no more."""
    items = [
        (one, one.event) for one in events if isinstance(one.event, ItemRecorded | ItemWithdrawn)
    ]
    before = ((event, one) for one, event in items if one.recorded <= asked.start)
    gone = {
        key_of(event)
        for one, event in items
        if isinstance(event, ItemWithdrawn) and one.recorded > asked.start
    }
    values = []
    for key, (said, recorded) in holding_with(before, asked.on).items():
        if said.item != asked.item or said.kept_for != asked.purpose:
            continue
        if said.basis not in ("consent", "contract"):
            continue
        lost = SINCE if key in gone else asked.lost(household, said)
        if lost == SINCE:
            return None
        if lost:
            continue
        opened = asked.opens(said.value, Place(recorded.stream, recorded.version, "value"))
        if isinstance(opened, Plain):
            values.append(_segment(asked.item, opened.text))
        elif asked.erased(said.member, asked.start):
            return None
    return values


def _shown(where: str, value: str, number: int, asked: Counting) -> int:
    """A number in steps of five, up or down at random, the nearer the likelier; 0 if too few."""
    if number < CELL_MIN:
        return 0
    below, rest = divmod(number, CELL_MIN)
    cell = f"{asked.item}\n{asked.purpose}\n{asked.on.isoformat()}\n{where}\n{value}"
    drawn = int(sha256(asked.fingerprint(Personal(DRAWING, cell)).encode()).hexdigest(), 16)
    return CELL_MIN * (below + (drawn % CELL_MIN < rest))


def _words(item: str) -> tuple[str, ...]:
    if item == "birthday":
        return tuple(f"{month:02}" for month in range(1, 13))
    return accepted(item)


def _segment(item: str, text: str) -> str:
    """The segment of a value: of a birthday its month, of words the same however typed."""
    return text[:2] if item == "birthday" else fold_width(text).strip().casefold()
