"""What a store of rows offers to the log above it.

A store knows nothing of events: it keeps rows, in order, under three conditions: streams grow
one by one from where the writer saw them, a command id comes once, and a transaction is whole.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from crm_adapters.codec.rows import StoredRow
from crm_adapters.eventlog.tiles import Tiles
from crm_core.kernel.recorded import Appended, Tip
from crm_core.kernel.values import frozen
from crm_core.ports import ChainFault, Frontier, Listener

FORMAT = 1
"""The form of what is stored: rows, envelopes, digests. Another form has another number."""


@frozen
class Batch:
    """Rows that are inserted together.

    Args:
        rows: In the order they are to stand; their positions are given by the store.
        expected: For every stream that the batch begins to touch: the version it must be at;
            None if it must have no rows at all and begins at version 0.
        commands: Command ids with their digest and the offsets of their first and last row.
    """

    rows: Sequence[StoredRow]
    expected: Mapping[str, int | None]
    commands: Sequence[tuple[str, str, int, int]]


class Writer(Protocol):
    """An open transaction."""

    def insert(self, batch: Batch) -> int:
        """Insert the batch; the position of its first row.

        Raises:
            Conflict: a stream is not where `expected` says, or a command id is known.
        """
        ...


class Inspection(Protocol):
    """A store seen at one instant by somebody who trusts nothing in it."""

    unchecked: tuple[str, ...]
    """What cannot be looked at here; see `Verification`."""

    def raw(self) -> Iterator[tuple[int, bytes, int, bytes, bytes, bytes]]:
        """All rows as stored bytes, in order of position, decoded by nobody."""
        ...

    def commands(self) -> Iterator[tuple[bytes, bytes, int, int]] | None:
        """Id, digest, first and last position of every command with events, in that order.

        None where the store keeps no commands.
        """
        ...

    def faults(self) -> Sequence[ChainFault]:
        """What is wrong around the rows: kinds of values, indexes, tables, rows of nobody."""
        ...


class RowStore(Protocol):
    """Keeps the rows of one tenant."""

    tenant: str
    """Whose rows they are; an empty text in a store of one log."""
    contiguous: bool
    """Whether positions have no gaps, so that a gap is a fault."""
    exact: bool
    """Whether `insert` answers the true position; otherwise it guesses, and `outcomes` tells."""
    tiles: Tiles
    """What is known of 256 rows at once, and so on: derived, and kept beside the rows."""

    @property
    def format_number(self) -> int:
        """The form in which everything here is stored; a log keeps the one it was made with."""
        ...

    def insert(self, batch: Batch) -> int:
        """Insert one batch in a transaction of its own; the position of its first row."""
        ...

    def transaction(self) -> AbstractContextManager[Writer]:
        """A transaction for many batches: all of them, or none if an exception leaves it."""
        ...

    def read(self, stream: str, after: int) -> Sequence[StoredRow]:
        """Rows of one stream behind version `after`, in order."""
        ...

    def bare(self, stream: str) -> Sequence[tuple[int, str, str]]:
        """Version, name and text of the rows of one stream, in order."""
        ...

    def tips(self, streams: Collection[str]) -> dict[str, Tip]:
        """Ends of those of the streams that have rows."""
        ...

    def page(
        self, after: int, upto: int, names: Collection[str] | None, limit: int
    ) -> Sequence[StoredRow]:
        """Up to `limit` rows behind position `after` up to `upto`, in order of position."""
        ...

    def page_without(
        self, after: int, upto: int, names: Collection[str], limit: int
    ) -> Sequence[StoredRow]:
        """The same, of all rows whose name is not one of `names`."""
        ...

    def count(self, after: int) -> int:
        """How many settled rows stand behind position `after`."""
        ...

    def household_page(
        self,
        after: tuple[str, int],
        upto: int,
        names: Collection[str] | None,
        households: Sequence[str] | None,
        limit: int,
    ) -> Sequence[StoredRow]:
        """Up to `limit` rows that concern a household, in order of household and position."""
        ...

    def bare_household_page(
        self,
        after: tuple[str, int],
        upto: int,
        names: Collection[str] | None,
        households: Sequence[str] | None,
        limit: int,
    ) -> Sequence[tuple[str, int, str, str]]:
        """Household, position, name and text of the same rows."""
        ...

    def outcomes(self, commands: Collection[str]) -> dict[str, Appended]:
        """What is known of those command ids; an empty digest where the store keeps none."""
        ...

    def empty(self) -> bool:
        """Whether there are no rows at all."""
        ...

    def head(self) -> int:
        """The highest position that is final, or 0.

        What this store object has appended itself is waited for, a quarter of a second at most.
        """
        ...

    def frontier(self) -> Frontier:
        """The same without waiting, and what is held back."""
        ...

    def listen(self) -> Listener:
        """Someone to wait with for the next append."""
        ...

    def raw(self) -> Iterator[tuple[int, bytes, int, bytes, bytes, bytes]]:
        """All rows as stored bytes, in order of position, decoded by nobody."""
        ...

    def inspect(self, *, deep: bool = False) -> AbstractContextManager[Inspection]:
        """The store at this instant, for whoever verifies it.

        Args:
            deep: Also have the database check its own pages.
        """
        ...

    def close(self) -> None:
        """Give back what is held open."""
        ...
