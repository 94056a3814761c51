"""Chance, days and amounts of a generated estate: the same on every machine and every Python.

Chance comes from `random.Random.random` alone, the one method whose sequence Python promises to
keep.
"""

import random
from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from typing import Final, TypeVar

T = TypeVar("T")
Weighted = Sequence[tuple[T, int]]
"""Values with their weights; the weights need not add up to anything in particular."""
Curve = Sequence[tuple[int, int]]
"""Quantiles: (households out of ten thousand, value), straight lines between the knots."""

SECONDS_PER_DAY: Final = 86_400


class Draw:
    """Chance for one household, from `random()` alone."""

    def __init__(self, seed: str) -> None:
        # A text seed, because `Random(-1)` and `Random(1)` are the same generator.
        self._unit = random.Random(seed).random

    def below(self, limit: int) -> int:
        """Draw an integer from 0 up to, not including, the limit."""
        return int(self._unit() * limit)

    def between(self, bounds: tuple[int, int]) -> int:
        """Draw an integer from the bounds, both included."""
        low, high = bounds
        return low + int(self._unit() * (high - low + 1))

    def chance(self, per_mille: int) -> bool:
        """Say yes so many times out of a thousand."""
        return self._unit() * 1_000 < per_mille

    def one_of(self, values: Sequence[T]) -> T:
        """Draw one of the values, all alike."""
        return values[int(self._unit() * len(values))]

    def weighted(self, table: Weighted[T]) -> T:
        """Draw one of the values according to its weight."""
        rest = int(self._unit() * sum(weight for _, weight in table))
        for value, weight in table:
            rest -= weight
            if rest < 0:
                return value
        raise AssertionError("weights must be positive")  # pragma: no cover

    def on(self, curve: Curve, steps: int = 100) -> int:
        """Draw a value whose quantiles are those of the curve, times `steps`."""
        rank = self.below(10_000 * steps)
        for (left, low), (right, high) in pairwise(curve):
            if rank < right * steps:
                return low * steps + (rank - left * steps) * (high - low) // (right - left)
        raise AssertionError("a curve must end at 10,000")  # pragma: no cover


class Span:
    """The years to write, in days counted as `date.toordinal` counts them."""

    def __init__(self, first_year: int, last_year: int) -> None:
        self.first_year = first_year
        self.last_year = last_year
        self.first_day = date(first_year, 1, 1).toordinal()
        self.last_day = date(last_year, 12, 31).toordinal()

    def years(self) -> range:
        """The years."""
        return range(self.first_year, self.last_year + 1)


def day_text(day: int) -> str:
    """Write a day as the files do."""
    return date.fromordinal(day).isoformat()


def instant_text(day: int, seconds: int) -> str:
    """Write an instant of the estate's zone; the seconds may run over into later days."""
    days, seconds = divmod(seconds, SECONDS_PER_DAY)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{day_text(day + days)}T{hour:02d}:{minute:02d}:{second:02d}+08:00"


def yuan(fen: int) -> str:
    """Write an amount in yuan with two decimals."""
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100}.{abs(fen) % 100:02d}"
