"""Tombstones: who was erased stays erased when log or keys of before it are put back (PRV-04).

There are three who know of an erasure: the log by its event, the keys by an empty row, and the
tombstones. Whichever one or two of them are lost or put back, whoever opens the log lets the others
hold (decision records 0055 and 0088).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from hashlib import sha256

from attrs import evolve

from crm_core.application.host import Host
from crm_core.errors import StoreUnreachable
from crm_core.ports import Tombstone, Trace
from crm_core.privacy import ERASING
from crm_core.privacy.decide import WHOLE
from crm_core.privacy.events import HouseholdErased, MemberErased, StaffErased

STREAM = ERASING.stream(WHOLE)
"""Where all erasures stand in the log."""

Erased = HouseholdErased | MemberErased | StaffErased
_ERASED = (HouseholdErased, MemberErased, StaffErased)


def resume(host: Host, finish: Callable[[], object]) -> frozenset[str]:
    """Let everybody who was erased stay erased, before anything else is read of a log.

    Args:
        finish: Does what is left undone of erasures.

    Returns:
        Whose keys had been put back.

    Raises:
        TombstonesTampered: the tombstones are not what was written.
    """
    # First: whoever erases meanwhile keeps the tombstone before the key is gone.
    gone = host.vault.erased()
    stones = host.tombstones.read()
    every = [*stones, *missing(host, stones)]
    _learn(host, unsaid(gone, every))
    if not every:
        return frozenset()
    returned = host.vault.keep_erased({key for stone in every for key in stone.keys})
    if not all(stone.settled for stone in every):
        finish()
    return returned


def unsaid(gone: Collection[str], stones: Sequence[Tombstone]) -> frozenset[str]:
    """Whose keys were destroyed as the keys alone know, and neither log nor tombstones do."""
    return frozenset(gone).difference(*(stone.keys for stone in stones))


def _learn(host: Host, keys: Collection[str]) -> None:
    """Keep tombstones of what the keys alone know: they may be put back next."""
    if not keys:
        return
    told = tuple(sorted(keys))
    digest = "keys:" + sha256("\n".join(told).encode()).hexdigest()
    # What followed of it followed then: of them there is nothing to search for any more.
    stone = Tombstone(household="", keys=told, version=0, digest=digest, settled=True)
    with suppress(StoreUnreachable):
        # Whoever may only read goes on reading.
        host.tombstones.add(stone)


def missing(host: Host, stones: Sequence[Tombstone]) -> list[Tombstone]:
    """What the log says was erased and no tombstone does."""
    told = (stone for stone in stones if stone.version)
    last = max(told, key=lambda stone: stone.version, default=None)
    found = list(host.log.read(STREAM, after=0 if last is None else last.version - 1))
    if last is not None and (not found or found[0].digest != last.digest):
        # An older log was put back, and may have gone on another way since.
        found = list(host.log.read(STREAM))
    known = {stone.digest for stone in stones}
    return [
        stone_of(recorded.event, recorded.version, recorded.digest)
        for recorded in found
        if isinstance(recorded.event, _ERASED) and recorded.digest not in known
    ]


def stone_of(event: Erased, version: int, digest: str) -> Tombstone:
    """The tombstone of an erasure that stands in the log."""
    household = "" if isinstance(event, StaffErased) else event.household
    return Tombstone(household, event.keys, version, digest)


class MemoryTombstones:
    """Of a log in memory: they are gone with the log that they are of."""

    def __init__(self) -> None:
        self._stones: dict[str, Tombstone] = {}

    def read(self) -> Sequence[Tombstone]:
        return tuple(self._stones.values())

    def add(self, stone: Tombstone) -> None:
        self._stones.setdefault(stone.digest, stone)

    def settle(self, digest: str) -> None:
        self._stones[digest] = evolve(self._stones[digest], settled=True)

    @contextmanager
    def turn(self, *, wait: bool = True) -> Iterator[bool]:
        yield True


class NoTraces:
    """Nothing was written besides log and keys."""

    def look(self, stone: Tombstone, values: Collection[str] | None) -> Sequence[Trace]:
        return ()

    def purge(self, stone: Tombstone, values: Collection[str] | None) -> Sequence[Trace]:
        return ()
