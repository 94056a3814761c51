"""Segments that can be counted (OWN-11): households by what their members let be kept of them.

An item counts for the purpose that it was kept for and for no other, on the basis it was kept on,
as long as that holds. What few share is not told: whoever counted them would know who they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any

from crm_core.kernel.recorded import Recorded
from crm_core.kernel.sealed import Opened, Place, Plain, Sealed
from crm_core.kernel.text import fold_width
from crm_core.kernel.values import frozen
from crm_core.owners.card.events import ItemRecorded, ItemWithdrawn
from crm_core.owners.card.state import holding_with
from crm_core.owners.redirects import Redirects

CELL_MIN = 5
"""Cells with fewer households are suppressed (PRV-01)."""

ITEM_NAMES = frozenset({"owners.item_recorded/1", "owners.item_withdrawn/1"})


@frozen
class Segments:
    """Households by an item.

    Args:
        counts: How many households, by value; None where they are too few to be told.
    """

    item: str
    purpose: str
    on: date
    counts: Mapping[str, int | None]


Allows = Callable[[ItemRecorded, date], bool]
"""Whether the basis on which an item was kept still holds on a day."""


def on_record(item: ItemRecorded, _day: date) -> bool:
    """Whether it was kept on a basis at all: one that is taken back is withdrawn with its item."""
    return item.basis in ("consent", "contract")


def counted(
    events: Iterable[tuple[str, list[Recorded[Any]]]],
    *,
    item: str,
    purpose: str,
    on: date,
    merges: Redirects,
    opens: Callable[[Sealed, Place], Opened],
    allows: Allows,
) -> Segments:
    """The households by an item, each once for a value.

    Args:
        events: Items recorded and withdrawn, by household.
        merges: Files of one household count once.
    """
    found: dict[str, set[str]] = {}
    for household, told in events:
        items = (
            (one.event, Place(one.stream, one.version, "value"))
            for one in told
            if isinstance(one.event, ItemRecorded | ItemWithdrawn)
        )
        for said, place in holding_with(items, on).values():
            if said.item != item or said.kept_for != purpose or not allows(said, on):
                continue
            opened = opens(said.value, place)
            if isinstance(opened, Plain):
                key = _segment(item, opened.text)
                found.setdefault(key, set()).add(merges.survivor(household))
    counts = {
        value: len(households) if len(households) >= CELL_MIN else None
        for value, households in sorted(found.items())
    }
    return Segments(item, purpose, on, counts)


def _segment(item: str, text: str) -> str:
    """The segment of a value: of a birthday its month, of words the same however typed."""
    return text[:2] if item == "birthday" else fold_width(text).strip().casefold()
