"""Whose turn it is by lot, so that anybody can draw again (VIS-01, VIS-02).

As with samples of key data, the lot of a name is the SHA-256 of the seed, a line feed and the name,
in UTF-8, written as hexadecimal. The seed is the digest of an event of the log, taken by the
library: nobody chooses it, and whoever has the log finds it again.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

ALGORITHM = "sha256(seed LF household)/1"
"""How households are drawn, said with every draw."""

_WHOLE = 1 << 256


def lot(seed: str, name: str) -> str:
    """The lot of a name, as hexadecimal."""
    return sha256(f"{seed}\n{name}".encode()).hexdigest()


def drawn(seed: str, households: Iterable[str], size: int) -> tuple[str, ...]:
    """The households that a seed draws, in the order in which it draws them.

    >>> drawn("b2", ["V1", "V2", "V3"], 2)
    ('V3', 'V2')
    """
    return tuple(sorted(households, key=lambda one: lot(seed, one))[:size])


def falls_on(seed: str, name: str, percent: int) -> bool:
    """Whether the lot falls on a name, where it falls on so many in a hundred."""
    return int(lot(seed, name), 16) * 100 < percent * _WHOLE


def digest_of_frame(households: Iterable[str]) -> str:
    """The SHA-256 of the numbers, sorted, a line feed behind each."""
    return sha256("".join(f"{one}\n" for one in sorted(households)).encode()).hexdigest()
