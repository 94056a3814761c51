"""The log as it stood at a position: whoever reads it sees nothing that came behind (LOG-08).

Time alone does not say what was in the log: a fact may be recorded today as known for a month. So
what is to be made again, byte for byte, is made from the log up to a position (decision 0066).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import takewhile
from typing import Any, NoReturn

from crm_core.errors import Invalid
from crm_core.kernel.recorded import Appended, Commit, Cutoff, KnownEvent, Recorded, Settled, Tip
from crm_core.ports import NO_HEADS, EventLog, Frontier, Listener, Root, Verification

_NEVER = datetime.min.replace(tzinfo=UTC)


class LogOfThePast:
    """An `EventLog` that ends at a position, for reading alone.

    Args:
        log: The whole log.
        position: Its last event; not behind the head of the log.
    """

    def __init__(self, log: EventLog, position: int) -> None:
        self._log = log
        self.position: int = position

    def read(self, stream: str, *, after: int = 0) -> Iterator[Recorded[Any]]:
        """Events of a stream up to the position."""
        return takewhile(lambda e: e.position <= self.position, self._log.read(stream, after=after))

    def fold(
        self,
        stream: str,
        evolve: Callable[[Any, Any], Any],
        state: Any,
        *,
        opened: Callable[[str, int, Any], Any] | None = None,
    ) -> tuple[Any, Tip]:
        """The state of a stream at the position, and its end there."""
        tip = Tip()
        for one in self.read(stream):
            event = one.event if opened is None else opened(stream, one.version, one.event)
            state, tip = evolve(state, event), Tip(one.version, one.digest)
        return state, tip

    def tips(self, streams: Collection[str]) -> dict[str, Tip]:
        """Ends of those of the streams that had events."""
        found = {}
        for stream in self._log.tips(streams):
            _, tip = self.fold(stream, lambda state, _: state, None)
            if tip != Tip():
                found[stream] = tip
        return found

    def feed(
        self, *, after: int = 0, upto: int | None = None, names: Collection[str] | None = None
    ) -> Iterator[Recorded[Any]]:
        """All events behind `after`, up to the position."""
        return self._log.feed(after=after, upto=self._end(upto), names=names)

    def digests(
        self, *, after: int = 0, upto: int | None = None, names: Collection[str] | None = None
    ) -> Iterator[tuple[int, str, str]]:
        """Position, household and digest of these events."""
        return self._log.digests(after=after, upto=self._end(upto), names=names)

    def identity(self, position: int) -> str | None:
        """The digest of the event at a position."""
        return self._log.identity(position) if position <= self.position else None

    def count(self, *, after: int = 0) -> int:
        """How many events stand behind position `after`."""
        return sum(1 for _ in self.digests(after=after))

    def by_household(
        self,
        *,
        upto: int | None = None,
        names: Collection[str] | None = None,
        households: Sequence[str] | None = None,
    ) -> Iterator[tuple[str, list[Recorded[Any]]]]:
        """Events of one household after another."""
        return self._log.by_household(upto=self._end(upto), names=names, households=households)

    def facts(
        self,
        *,
        upto: int | None = None,
        names: Collection[str] | None = None,
        households: Sequence[str] | None = None,
        heads: Mapping[str, type] = NO_HEADS,
        within: tuple[str, str | None] = ("", None),
    ) -> Iterator[tuple[str, list[KnownEvent]]]:
        """The same, but only what a fold looks at."""
        return self._log.facts(
            upto=self._end(upto), names=names, households=households, heads=heads, within=within
        )

    def outcomes(self, commands: Collection[str]) -> dict[str, Appended]:
        """What was appended for commands, of those up to the position."""
        found = self._log.outcomes(commands)
        return {command: one for command, one in found.items() if one.last <= self.position}

    def empty(self) -> bool:
        """Whether there were no events at all."""
        return self.position == 0

    def head(self) -> int:
        """The position."""
        return self.position

    def frontier(self) -> Frontier:
        """Final up to the position, and nothing is held back."""
        return Frontier(self.position, 0, None)

    def cutoff(self, known: datetime | None, *, without: str) -> Cutoff:
        """The cut-off at which everything known by then is seen."""
        position, latest = 0, _NEVER
        for one in self._facts(without):
            if known is None or one.recorded <= known:
                position, latest = one.position, max(latest, one.recorded)
        return Cutoff(position, latest if known is None else known)

    def unseen(self, cutoff: Cutoff, by: datetime, *, without: str) -> int:
        """How many facts lay beyond a cut-off and were recorded by an instant."""
        facts = self._facts(without)
        return sum(one.recorded <= by and not cutoff.sees(one) for one in facts)

    def root(self, position: int | None = None) -> Root:
        """The root of the tree over all events at or before a position."""
        return self._log.root(self._end(position))

    def canonical(self, event: Any) -> bytes:
        """The bytes of an event as they are stored."""
        return self._log.canonical(event)

    def close(self) -> None:
        """The log itself stays open."""

    # --- what only a living log can do -----------------------------------------------------

    def append(self, commits: Iterable[Commit]) -> list[Appended]:
        """Nothing is added to the past."""
        return _over()

    def settled(
        self, *, after: int = 0, names: Collection[str] | None = None, limit: int = 1000
    ) -> Settled:
        """Nobody follows the past."""
        return _over()

    def listen(self) -> Listener:
        """Nobody waits for the past."""
        return _over()

    def verify(self, *, deep: bool = False) -> Verification:
        """The log is verified as a whole."""
        return _over()

    def _facts(self, without: str) -> Iterator[Recorded[Any]]:
        return (one for one in self.feed() if not one.name.startswith(without))

    def _end(self, position: int | None) -> int:
        return self.position if position is None else min(position, self.position)


def _over() -> NoReturn:
    raise Invalid.one("log_of_the_past")
