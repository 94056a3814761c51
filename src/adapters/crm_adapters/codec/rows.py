"""A row as every store keeps it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class StoredRow(NamedTuple):
    """One event as stored: the same six values in every store.

    Args:
        position: Place in the log, from 1 (0 before the store has given one).
        stream: Name of its stream.
        version: Place in the stream, from 1.
        name: Stored event name with version.
        household: The household it concerns, or an empty text.
        state: The stored text (see `crm_core.kernel.canonical`).
    """

    position: int
    stream: str
    version: int
    name: str
    household: str
    state: str


def bare(rows: Iterable[StoredRow]) -> list[tuple[str, int, str, str]]:
    """Household, position, name and text of rows."""
    return [(row.household, row.position, row.name, row.state) for row in rows]
