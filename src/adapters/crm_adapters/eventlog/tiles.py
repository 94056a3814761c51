"""Tiles: what is known of 256 events at once, and of 256 such tiles, and so on (decision 0047).

The hashes of the log's tree (RFC 9162) lie in tiles as C2SP's `tlog-tiles` has them: a tile of
level 0 covers 256 events, one of level 1 covers 256 tiles of level 0. Kept is one row for each full
tile: its root, where it ends, and what its facts span. From those rows the root at any position,
the cut-off at any instant and the number of facts beyond one are found in logarithmic time.

Tiles are derived from the log and never vouch for it: `TileCheck` compares them with the events.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import NamedTuple, Protocol

from crm_core.kernel.canonical import DIGEST_END, DIGEST_START

WIDTH = 256
"""How many events a tile of level 0 covers, and how many tiles one of the next level."""

NO_FACTS = "gradings."
"""Events whose names begin so are no facts: they do not move a cut-off (decision record 0015)."""

LONG_AGO, FAR_AHEAD = -(2**62), 2**62
"""Instants between which a fact lies that does not tell its own: whoever asks looks at it."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_RECORDED = '"recorded":"'


class Tile(NamedTuple):
    """A full tile.

    Args:
        level: 0 for one of events; else it covers tiles of the level below.
        number: Among those of its level, from 0.
        last: Position of the last event that it covers.
        root: Of the tree over the events that it covers, as hex.
        facts: How many of them are facts.
        fact: Position of the last fact; 0 if there is none.
        earliest: When the first of its facts to be recorded was, in microseconds since 1970;
            `FAR_AHEAD` if there is none.
        latest: The same of the last to be recorded; `LONG_AGO` if there is none.
    """

    level: int
    number: int
    last: int
    root: str
    facts: int
    fact: int
    earliest: int
    latest: int


class Tiles(Protocol):
    """Where the full tiles of a log are kept."""

    def count(self, upto: int) -> int:
        """The number of the first tile of level 0 that does not end at or before a position."""
        ...

    def rows(self, level: int, first: int, before: int) -> Sequence[Tile]:
        """Those there are of a level from number `first` on, before number `before`, in order."""
        ...

    def keep(self, tiles: Sequence[Tile]) -> None:
        """Keep tiles; those that are there already stay."""
        ...

    def drop(self) -> None:
        """Forget all tiles: they are made anew from the events."""
        ...


class MemoryTiles:
    """Tiles in memory, for stores that have no table for them.

    Args:
        base: Tiles that are kept elsewhere and cannot be added to; those here come behind them.
    """

    def __init__(self, base: Tiles | None = None) -> None:
        self._base = base
        self._levels: dict[int, dict[int, Tile]] = {}

    def count(self, upto: int) -> int:
        there = list(self._levels.get(0, {}).values())
        here = bisect_right(there, upto, key=lambda tile: tile.last)
        before = 0 if self._base is None else self._base.count(upto)
        return max(before, there[here - 1].number + 1) if here else before

    def rows(self, level: int, first: int, before: int) -> Sequence[Tile]:
        found = [] if self._base is None else list(self._base.rows(level, first, before))
        there = self._levels.get(level, {})
        start = found[-1].number + 1 if found else first
        numbers = range(start, min(before, max(there, default=-1) + 1))
        return found + [there[number] for number in numbers if number in there]

    def keep(self, tiles: Sequence[Tile]) -> None:
        for tile in tiles:
            self._levels.setdefault(tile.level, {}).setdefault(tile.number, tile)

    def drop(self) -> None:
        self._base = None
        self._levels.clear()


class Subtrees:
    """The complete subtrees that make up a tree, largest first (RFC 9162, section 2.1.2)."""

    __slots__ = ("_nodes", "size")

    def __init__(self) -> None:
        self._nodes: list[tuple[int, bytes]] = []
        self.size = 0

    def add(self, node: bytes, size: int = 1) -> None:
        """Add the root of a complete subtree of so many leaves behind what is there."""
        nodes = self._nodes
        self.size += size
        while nodes and nodes[-1][0] == size:
            node = sha256(b"\x01" + nodes.pop()[1] + node).digest()
            size *= 2
        nodes.append((size, node))

    def root(self) -> bytes:
        """The root over all leaves."""
        if not self._nodes:
            return sha256().digest()
        node = self._nodes[-1][1]
        for _, before in reversed(self._nodes[:-1]):
            node = sha256(b"\x01" + before + node).digest()
        return node


def leaf_hash(state: bytes) -> bytes:
    """The hash of the leaf that an event is in the tree: of its digest, as it is stored."""
    return sha256(b"\x00" + state[DIGEST_START:DIGEST_END]).digest()


def is_fact(name: str) -> bool:
    """Whether events of a name move a cut-off."""
    return not name.startswith(NO_FACTS)


def microseconds(instant: datetime) -> int:
    """An instant as a number, in microseconds since 1970."""
    return (instant - _EPOCH) // _MICROSECOND


def instant(number: int) -> datetime:
    """The instant of a number of microseconds since 1970."""
    return _EPOCH + number * _MICROSECOND


def tile_of_events(
    number: int, positions: Sequence[int], names: Iterable[str], states: Sequence[str]
) -> Tile:
    """The tile over 256 events, of which we have positions, names and stored texts."""
    facts = [n for n, name in enumerate(names) if not name.startswith(NO_FACTS)]
    told: set[str] = set()
    for n in facts:
        state = states[n]
        # The last member of the envelope; the household behind it is an id.
        start = state.rfind(_RECORDED) + len(_RECORDED)
        told.add(state[start : state.find('"', start)])
    # What stands before the digest's end in bytes stands there in characters too, or earlier.
    leaves = [state[:DIGEST_END].encode()[DIGEST_START:DIGEST_END] for state in states]
    return _tile(number, positions, leaves, facts, told)


def tile_of_bytes(
    number: int, positions: Sequence[int], names: Iterable[bytes], states: Sequence[bytes]
) -> Tile:
    """The same of events as bytes."""
    recorded, gradings = _RECORDED.encode(), NO_FACTS.encode()
    facts = [n for n, name in enumerate(names) if not name.startswith(gradings)]
    told: set[bytes] = set()
    for n in facts:
        state = states[n]
        start = state.rfind(recorded) + len(recorded)
        told.add(state[start : state.find(b'"', start)])
    leaves = [state[DIGEST_START:DIGEST_END] for state in states]
    return _tile(number, positions, leaves, facts, {text.decode(errors="replace") for text in told})


def _tile(
    number: int,
    positions: Sequence[int],
    leaves: Sequence[bytes],
    facts: Sequence[int],
    told: set[str],
) -> Tile:
    # Instants in one form sort as texts: only the ends need be read.
    forms: dict[int, list[str]] = {}
    for text in told:
        forms.setdefault(len(text) if text.endswith("Z") else -1, []).append(text)
    ends = [end for form, texts in forms.items() for end in _ends(form, texts)]
    return Tile(
        0,
        number,
        positions[-1],
        _top([sha256(b"\x00" + leaf).digest() for leaf in leaves]),
        len(facts),
        positions[facts[-1]] if facts else 0,
        min(ends, default=FAR_AHEAD),
        max(ends, default=LONG_AGO),
    )


def _ends(form: int, texts: Sequence[str]) -> list[int]:
    """The earliest and the latest instant of texts: all of one length, unless the form is -1."""
    some = texts if form < 0 else (min(texts), max(texts))
    return [end for text in some for end in _instants(text)]


def tile_of_tiles(below: Sequence[Tile]) -> Tile:
    """The tile over 256 tiles that follow each other."""
    return Tile(
        below[0].level + 1,
        below[0].number // WIDTH,
        below[-1].last,
        _top([bytes.fromhex(tile.root) for tile in below]),
        sum(tile.facts for tile in below),
        max(tile.fact for tile in below),
        min(tile.earliest for tile in below),
        max(tile.latest for tile in below),
    )


def _instants(text: str) -> tuple[int, ...]:
    try:
        return (microseconds(datetime.fromisoformat(text)),)
    except (TypeError, ValueError):
        return LONG_AGO, FAR_AHEAD


def _top(hashes: list[bytes]) -> str:
    """The root of a complete tree, level by level."""
    while len(hashes) > 1:
        hashes = [
            sha256(b"\x01" + left + right).digest()
            for left, right in zip(hashes[::2], hashes[1::2], strict=True)
        ]
    return hashes[0].hex()


class MissingTile(Exception):
    """Of the tiles that are kept one is missing: they are made anew."""


class Tiler:
    """Takes tiles of events as they are made, and makes those of higher levels of them.

    Args:
        tiles: Where those are kept that are there.
        number: Of the first tile to come.
    """

    def __init__(self, tiles: Tiles, number: int = 0) -> None:
        self._tiles = tiles
        self.number = number
        self._levels: list[list[Tile]] = []

    def push(self, tile: Tile) -> Sequence[Tile]:
        """The tile that comes next, and those of higher levels that are full with it.

        Raises:
            MissingTile: one is not kept that a tile of a higher level is made of.
        """
        self.number += 1
        made = [tile]
        while True:
            while len(self._levels) <= tile.level:
                self._levels.append([])
            self._levels[tile.level].append(tile)
            if (tile.number + 1) % WIDTH:
                return made
            tile = tile_of_tiles(self._group(tile))
            made.append(tile)

    def _group(self, last: Tile) -> list[Tile]:
        """The 256 tiles up to the last of them: kept ones, and those made here."""
        first, here = last.number + 1 - WIDTH, self._levels[last.level]
        found = [*self._tiles.rows(last.level, first, here[0].number), *here]
        self._levels[last.level] = []
        if [tile.number for tile in found] != list(range(first, last.number + 1)):
            raise MissingTile
        return found


RawRow = tuple[int, bytes, int, bytes, bytes, bytes]


class TileCheck:
    """Compares the tiles that are kept with those that the events make, and tells the root.

    All events of a log pass through `watch` as they are stored; then it is asked. Tiles that are
    not kept are no fault: they are made when they are asked for.
    """

    def __init__(self, tiles: Tiles) -> None:
        self._kept = tiles
        # Before the events are read: of those that tiles cover by now, all will be.
        self._count = tiles.count(FAR_AHEAD)
        self._tiler = Tiler(MemoryTiles())
        self._subtrees = Subtrees()
        self._page: dict[int, Tile] = {}
        self._rest: list[RawRow] = []
        self._fault: Tile | None = None

    def watch(self, rows: Iterable[RawRow]) -> Iterator[RawRow]:
        """The rows as they come."""
        page = self._rest
        for row in rows:
            page.append(row)
            if len(page) == WIDTH:
                self._compare(self._tiler.push(self._tile(page)))
                page.clear()
            yield row

    def _tile(self, rows: Sequence[RawRow]) -> Tile:
        positions, names = [row[0] for row in rows], [row[3] for row in rows]
        states = [row[5] for row in rows]
        try:
            return tile_of_bytes(self._tiler.number, positions, names, states)
        except (AttributeError, TypeError):
            # What is damaged may be of any type; it is told, and here it is nothing.
            whole = [(*row[:3], _bytes(row[3]), b"", _bytes(row[5])) for row in rows]
            return self._tile(whole)

    def _compare(self, made: Sequence[Tile]) -> None:
        self._subtrees.add(bytes.fromhex(made[0].root), WIDTH)
        for tile in made:
            kept = self._of(tile) if tile.number < self._count else None
            if kept is not None and kept != tile and self._fault is None:
                self._fault = kept

    def _of(self, tile: Tile) -> Tile | None:
        """The tile that is kept in its place."""
        if tile.level:
            return next(iter(self._kept.rows(tile.level, tile.number, tile.number + 1)), None)
        if tile.number % WIDTH == 0:
            kept = self._kept.rows(0, tile.number, tile.number + WIDTH)
            self._page = {one.number: one for one in kept}
        return self._page.get(tile.number)

    def fault(self) -> Tile | None:
        """The first tile that is kept and says something else than the events, or None."""
        if self._fault is not None or self._count <= self._tiler.number:
            return self._fault
        # Of events that there are not: the end of the log was cut off.
        return next(iter(self._kept.rows(0, self._tiler.number, self._count)), None)

    def root(self) -> str:
        """The root over all events that have passed, as hex; nothing passes any more."""
        for row in self._rest:
            self._subtrees.add(leaf_hash(_bytes(row[5])))
        self._rest.clear()
        return self._subtrees.root().hex()


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else b""
