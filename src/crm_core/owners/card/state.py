"""A record card as it stands."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any, TypeVar

from crm_core.kernel.growing import EMPTY, NOTHING, GrowingList, GrowingMap
from crm_core.kernel.values import frozen
from crm_core.owners.card.events import (
    ChangeDecided,
    ChangeProposed,
    ItemRecorded,
    ItemVerified,
    ItemWithdrawn,
    KeeperAssigned,
)

T = TypeVar("T")

Key = tuple[str, str, str]
"""Member, item and entry."""


def key_of(event: Any) -> Key:
    """Which item an event is about."""
    return event.member, event.item, event.entry


@frozen
class Card:
    """What is on record of a household's members beside their roles.

    Args:
        told: Items recorded, withdrawn and accepted, in the order in which they came to hold.
        proposed: Changes that were proposed, by their number.
        decided: What became of them.
        verified: What checks found, in order.
        keepers: Who was to keep the file, in order.
    """

    told: GrowingList[ItemRecorded | ItemWithdrawn | ChangeProposed] = NOTHING
    proposed: GrowingMap[str, ChangeProposed] = EMPTY
    decided: GrowingMap[str, ChangeDecided] = EMPTY
    verified: GrowingList[ItemVerified] = NOTHING
    keepers: GrowingList[KeeperAssigned] = NOTHING

    def items(self, on: date | None = None) -> dict[Key, ItemRecorded | ChangeProposed]:
        """The items that hold on a day; without a day, as told last."""
        return holding(self.told, on)

    def keeper(self, on: date | None = None) -> str | None:
        """Who keeps the file on a day, if somebody is named; of several of one day the last."""
        return keeper_on(self.keepers, on)


def keeper_on(assigned: Iterable[KeeperAssigned], on: date | None = None) -> str | None:
    """Who was to keep a file on a day; without a day, as assigned for the latest one."""
    found: KeeperAssigned | None = None
    for one in assigned:
        if (on is None or one.on <= on) and (found is None or found.on <= one.on):
            found = one
    return None if found is None else found.keeper


def holding(told: Iterable[Any], on: date | None = None) -> dict[Key, Any]:
    """Of what was told of items, what holds on a day: the latest day counts, then the last word."""
    return {key: said for key, (said, _) in holding_with(((one, None) for one in told), on).items()}


def holding_with(told: Iterable[tuple[Any, T]], on: date | None = None) -> dict[Key, tuple[Any, T]]:
    """The same, each with what it was told with."""
    held: dict[Key, tuple[Any, T]] = {}
    for said, beside in told:
        if on is not None and said.on > on:
            continue
        key = key_of(said)
        if key not in held or held[key][0].on <= said.on:
            held[key] = said, beside
    return {key: one for key, one in held.items() if type(one[0]) is not ItemWithdrawn}
