"""What a store of views offers to the runner above it.

A store knows nothing of events: it keeps rows as text, places reached and parked events, and
changes all three in one short transaction, on condition that nobody else was first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from crm_core.kernel.projection import Parked
from crm_core.kernel.values import frozen

LIVE, BUILDING, RETIRED = "live", "building", "retired"


class Place(NamedTuple):
    """One build of one version of a view; a consumer has a single build."""

    consumer: str
    version: int
    build: int


@frozen
class Checkpoint:
    """How far a build has come.

    Args:
        position: Everything up to here was handled or is parked.
        revision: Grows with every change of the build; another worker's change shows by it.
        state: `live`, `building` or `retired`.
        held_until: Until when a worker has it to itself, if one has.
        mark: The digest of the event at `position`; an empty text where there is none.
    """

    place: Place
    position: int
    revision: int
    state: str
    held_until: datetime | None = None
    mark: str = ""


class Row(NamedTuple):
    """A row as kept: what it is scanned by, and its canonical text."""

    sort: str
    data: str


@frozen
class Change:
    """What a batch changes, all of it or nothing.

    Args:
        seen: The checkpoint that the batch was computed from.
        position: The place reached with it.
        rows: Rows by key; None takes the row away.
        parked: Events parked, or parked ones that were tried again.
        unparked: Positions of parked events that took effect.
        mark: The digest of the event at `position`.
    """

    seen: Checkpoint
    position: int
    rows: Mapping[str, Row | None]
    parked: Sequence[Parked] = ()
    unparked: Sequence[int] = ()
    mark: str = ""


class ViewStore(Protocol):
    """Keeps views; safe for threads, and where it is a database for processes."""

    def checkpoints(self, consumer: str | None = None) -> list[Checkpoint]:
        """Checkpoints of a consumer, or of all, sorted by place."""
        ...

    def checkpoint(self, place: Place) -> Checkpoint | None:
        """Where a build stands; None if there is no such build."""
        ...

    def begin(self, place: Place, state: str) -> None:
        """Begin a build at position 0, unless it was begun before."""
        ...

    def commit(self, change: Change) -> bool:
        """Make a change; False, and nothing made, if the build is not as it was seen."""
        ...

    def hold(self, seen: Checkpoint, until: datetime) -> Checkpoint | None:
        """The checkpoint as held by the caller; None if it is not as it was seen."""
        ...

    def switch(self, seen: Checkpoint) -> bool:
        """Make a build the live one and retire the one that was.

        False, and nothing done, if it is not as it was seen or is behind the live one.
        """
        ...

    def retire(self, place: Place) -> None:
        """Take a build out of use; whoever works on it fails to commit."""
        ...

    def clear(self, place: Place) -> None:
        """Delete a retired build, in short transactions; it may be done again."""
        ...

    def row(self, place: Place, key: str) -> str | None:
        """The text of a row of a build."""
        ...

    def live_row(self, consumer: str, version: int, key: str) -> str | None:
        """The text of a row of the live build.

        Raises:
            ViewNotReady: there is no live build.
        """
        ...

    def live_named(self, consumer: str, version: int, keys: Sequence[str]) -> dict[str, str]:
        """The texts of those rows of the live build that there are, by key.

        Raises:
            ViewNotReady: there is no live build.
        """
        ...

    def live_rows(
        self, consumer: str, version: int, after: tuple[str, str], upto: str | None, limit: int
    ) -> list[tuple[str, str, str]]:
        """Rows of the live build as (sort, key, text), sorted.

        Raises:
            ViewNotReady: there is no live build.
        """
        ...

    def parked(
        self, place: Place, *, stream: str | None = None, after: int = 0, limit: int = 1000
    ) -> list[Parked]:
        """Parked events of a build, or of one stream, in order of position."""
        ...

    def parked_streams(self, place: Place) -> dict[str, int]:
        """Streams with parked events, each with the position of the first, in its order."""
        ...

    def parked_count(self, place: Place) -> int:
        """How many events are parked."""
        ...

    def close(self) -> None:
        """Give back what is held open."""
        ...
