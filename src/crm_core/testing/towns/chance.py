"""Chance from a seed, the same on every machine."""

from __future__ import annotations

from typing import Any

_MASK = (1 << 64) - 1


def _mixed(value: int) -> int:
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)


class Chance:
    """splitmix64: small, quick, and the same everywhere."""

    __slots__ = ("_state",)

    def __init__(self, *path: int) -> None:
        self._state = 0
        for part in path:
            self._state = _mixed((self._state + part + 0x9E3779B97F4A7C15) & _MASK)

    def below(self, limit: int) -> int:
        """A whole number from 0 up to but not including `limit`."""
        self._state = state = (self._state + 0x9E3779B97F4A7C15) & _MASK
        # `_mixed`, spelt out: this is called many times for each event.
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
        return ((state ^ (state >> 31)) * limit) >> 64

    def between(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        return low + self.below(high - low + 1)

    def one_of(self, values: Any) -> Any:
        return values[self.below(len(values))]

    def hits(self, share: int) -> bool:
        """True as often as so many of a thousand."""
        return share > 0 and self.below(1000) < share
