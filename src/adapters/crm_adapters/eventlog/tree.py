"""What the tiles of a log tell: its root at any position, the cut-off at any instant."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from crm_adapters.codec import StoredRow
from crm_adapters.eventlog.store import RowStore
from crm_adapters.eventlog.tiles import (
    FAR_AHEAD,
    LONG_AGO,
    WIDTH,
    MemoryTiles,
    MissingTile,
    Subtrees,
    Tile,
    Tiler,
    Tiles,
    instant,
    is_fact,
    leaf_hash,
    microseconds,
    tile_of_events,
)
from crm_core.errors import Failed
from crm_core.kernel.recorded import Cutoff
from crm_core.ports import Root

PAGE_ROWS = 8 * WIDTH

RecordedOf = Callable[[StoredRow], datetime]
"""Tells when the event of a row was recorded.

Raises:
    UnreadableEvent: its bytes do not say.
"""

T = TypeVar("T")


class Tree:
    """The tree over a log, kept up with it.

    Tiles that are missing are made when something is asked, and kept where the store allows it:
    whoever may only read keeps them in memory.
    """

    def __init__(self, store: RowStore, recorded: RecordedOf) -> None:
        self._store = store
        self._recorded = recorded
        self._tiles = store.tiles

    def root(self, position: int) -> Root:
        """The root over all events at or before a position; nothing is written there any more."""
        return self._ask(position, _Seen.root)

    def cutoff(self, known: datetime | None, end: int, never: datetime) -> Cutoff:
        """See `EventLog.cutoff`.

        Args:
            end: Of the log.
            never: The instant of a log without facts.
        """
        if known is None:
            position, latest = self._ask(end, _Seen.last)
            return Cutoff(position, never if latest is None else instant(latest))
        by = microseconds(known)
        return Cutoff(self._ask(end, lambda seen: seen.last_known(by)), known)

    def unseen(self, cutoff: Cutoff, by: datetime, end: int) -> int:
        """See `EventLog.unseen`."""
        known, until = microseconds(cutoff.known), microseconds(by)
        return self._ask(end, lambda seen: seen.beyond(cutoff.position, known, until))

    def _ask(self, position: int, question: Callable[[_Seen], T]) -> T:
        for again in (self._drop, self._forget):
            try:
                return question(_Seen(self._store, self._tiles, position, self._recorded))
            except _NotKept:
                self._tiles = MemoryTiles(self._tiles)
            except MissingTile:
                again()
        return question(_Seen(self._store, self._tiles, position, self._recorded))

    def _drop(self) -> None:
        """One tile is gone: all are made anew."""
        try:
            self._tiles.drop()
        except Failed:
            self._forget()

    def _forget(self) -> None:
        self._tiles = MemoryTiles()


class _NotKept(Exception):
    """The store does not let tiles be kept."""


class _Seen:
    """A log up to a position: tiles, the largest first, and the rows behind them.

    Raises:
        MissingTile: one is not there, though others are that cover it or stand behind it.
    """

    def __init__(self, store: RowStore, tiles: Tiles, position: int, recorded: RecordedOf) -> None:
        self._store, self._tiles, self._recorded = store, tiles, recorded
        count, self._tail = self._catch_up(position)
        counts = [count]
        while counts[-1] >= WIDTH:
            counts.append(counts[-1] // WIDTH)
        self._cover: list[Tile] = []
        first = 0
        for level in reversed(range(len(counts))):
            self._cover += self._rows(level, first, counts[level])
            first = counts[level] * WIDTH

    def root(self) -> Root:
        subtrees = Subtrees()
        for tile in self._cover:
            subtrees.add(bytes.fromhex(tile.root), WIDTH ** (tile.level + 1))
        for *_, state in self._tail:
            subtrees.add(leaf_hash(state.encode()))
        return Root(subtrees.size, subtrees.root().hex())

    def last(self) -> tuple[int, int | None]:
        """Position of the last fact, and when the last of them to be recorded was."""
        facts = self._facts(self._tail)
        tiles = [tile for tile in self._cover if tile.facts]
        position = max([at for at, _ in facts] + [tile.fact for tile in tiles], default=0)
        latest = [at for _, at in facts] + [self._latest(tile) for tile in tiles]
        return position, max(latest, default=None)

    def last_known(self, by: int) -> int:
        """Position of the last fact recorded by an instant; 0 if there is none."""
        in_tail = max((position for position, at in self._facts(self._tail) if at <= by), default=0)
        return in_tail or self._last_known(self._cover, by)

    def beyond(self, position: int, known: int, by: int) -> int:
        """How many facts recorded by an instant lie behind a position, or were known later."""

        def count(tiles: Sequence[Tile], end: int) -> int:
            found = 0
            for tile in tiles:
                start, end = end, tile.last
                if not tile.facts or tile.earliest > by:
                    continue
                behind, before = start >= position, end <= position
                if before and tile.latest <= known:
                    continue
                if tile.latest <= by and (behind or (before and tile.earliest > known)):
                    found += tile.facts
                elif tile.level:
                    found += count(self._children(tile), start)
                else:
                    found += counted(self._events(tile))
            return found

        def counted(rows: Sequence[StoredRow]) -> int:
            facts = self._facts(rows)
            return sum(at <= by and (place > position or at > known) for place, at in facts)

        return count(self._cover, 0) + counted(self._tail)

    # --- within ----------------------------------------------------------------------------

    def _catch_up(self, position: int) -> tuple[int, Sequence[StoredRow]]:
        """Make the tiles that are missing; how many there are now, and the rows behind them."""
        number = self._tiles.count(position)
        after = self._rows(0, number - 1, number)[0].last if number else 0
        tiler = Tiler(self._tiles, number)
        rest: list[StoredRow] = []
        while page := self._store.page(after, position, None, PAGE_ROWS):
            rest += page
            made: list[Tile] = []
            while len(rest) >= WIDTH:
                positions, _, _, names, _, states = zip(*rest[:WIDTH], strict=True)
                made += tiler.push(tile_of_events(tiler.number, positions, names, states))
                rest = rest[WIDTH:]
            if made:
                try:
                    self._tiles.keep(made)
                except Failed as error:
                    raise _NotKept from error
            after = page[-1][0]
            if len(page) < PAGE_ROWS:
                break
        return tiler.number, rest

    def _last_known(self, tiles: Sequence[Tile], by: int) -> int:
        for tile in reversed(tiles):
            if tile.facts and tile.earliest <= by:
                if tile.level:
                    found = self._last_known(self._children(tile), by)
                else:
                    facts = self._facts(self._events(tile))
                    found = max((position for position, at in facts if at <= by), default=0)
                if found:
                    return found
        return 0

    def _latest(self, tile: Tile) -> int:
        if tile.latest >= FAR_AHEAD:
            # One of its events does not say; whoever reads it is told which.
            self._last_known([tile], LONG_AGO)
        return tile.latest

    def _rows(self, level: int, first: int, before: int) -> Sequence[Tile]:
        found = self._tiles.rows(level, first, before)
        if len(found) != before - first:
            raise MissingTile
        return found

    def _children(self, tile: Tile) -> Sequence[Tile]:
        return self._rows(tile.level - 1, tile.number * WIDTH, (tile.number + 1) * WIDTH)

    def _events(self, tile: Tile) -> Sequence[StoredRow]:
        number = tile.number
        start = self._rows(0, number - 1, number)[0].last if number else 0
        return self._store.page(start, tile.last, None, WIDTH)

    def _facts(self, rows: Sequence[StoredRow]) -> list[tuple[int, int]]:
        """Position and instant of the facts among rows."""
        recorded = self._recorded
        return [(row[0], microseconds(recorded(row))) for row in rows if is_fact(row[3])]
