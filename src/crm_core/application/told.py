"""Where a name or a number of a member stands as it was told last (OWN-01, OWN-08)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from crm_core.kernel.data_map import CLASSES
from crm_core.kernel.recorded import Recorded
from crm_core.kernel.sealed import Place, Sealed
from crm_core.owners import CARD, HOUSEHOLD
from crm_core.owners.card.events import ChangeDecided, ChangeProposed
from crm_core.ports import EventLog

PERSONAL = {"name": CLASSES["name"].name, "phone": CLASSES["contact"].name}
"""The fields that can be opened, with their class of data."""


def last_told(
    log: EventLog, household: str, member: str, field: str
) -> tuple[Sealed, Place] | None:
    """The value and where it stands; None where nothing was ever told."""
    found: tuple[Sealed, Place] | None = None
    latest = 0
    for recorded in log.read(HOUSEHOLD.stream(household)):
        event = recorded.event
        value = getattr(event, field, None) if getattr(event, "member", None) == member else None
        if isinstance(value, Sealed):
            found = value, Place(recorded.stream, recorded.version, field)
            latest = recorded.position
    for recorded in _accepted(log, household, member, field):
        value = recorded.event.value
        if recorded.position > latest and isinstance(value, Sealed):
            found = value, Place(recorded.stream, recorded.version, "value")
    return found


def _accepted(log: EventLog, household: str, member: str, field: str) -> Iterator[Recorded[Any]]:
    """Changes of a name or number that were accepted, in the order in which they were.

    Each comes with the place of the proposal, where the value stands.
    """
    proposed: dict[str, Recorded[Any]] = {}
    for recorded in log.read(CARD.stream(household)):
        event = recorded.event
        if isinstance(event, ChangeProposed) and (event.member, event.item) == (member, field):
            proposed[event.change] = recorded
        elif isinstance(event, ChangeDecided) and event.accepted and event.change in proposed:
            yield attrs.evolve(proposed[event.change], position=recorded.position)
