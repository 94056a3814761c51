"""Tenures: who owes what falls due on a day, and whose dealings those of the day are (PAY-16)."""

from __future__ import annotations

from bisect import bisect_right
from datetime import date

from crm_core.kernel.values import frozen

FIRST = "first"
"""The key of a household's first tenure, which reaches back to the beginning."""


@frozen
class Tenure:
    """The time in which the same people own a household, or the same tenant owes by contract.

    Args:
        key: `first`, or its first day (`2024-06-16`); of a tenant `tenant-2024-06-16`. It stays
            when an earlier tenure comes to be known.
        debtors: Ids of the members who owe, in the order in which they came; those who left it
            while others stayed are among them.
        tenant: Whether they owe as tenants, by contract.
    """

    key: str
    debtors: tuple[str, ...] = ()
    tenant: bool = False


@frozen
class Span:
    """Days of a tenure: from the first until the day before the next span begins."""

    first: date
    tenure: int


@frozen
class Tenures:
    """All tenures of a household, as known at some cut-off.

    One holds on every day. That of an owner can rest while a tenant owes, and go on afterwards.

    Args:
        every: In the order in which they began.
        spans: Spans in order; the first begins with the first of all days.
    """

    every: tuple[Tenure, ...]
    spans: tuple[Span, ...]

    def index(self, day: date) -> int:
        """The number of the tenure of a day, from 0."""
        if len(self.spans) == 1:
            return 0
        return self.spans[bisect_right([span.first for span in self.spans], day) - 1].tenure

    def on(self, day: date) -> Tenure:
        """The tenure of a day."""
        return self.every[self.index(day)]

    def find(self, key: str) -> int | None:
        """The number of the tenure of a key, if there is one."""
        return next((n for n, tenure in enumerate(self.every) if tenure.key == key), None)

    def of(self, member: str, day: date) -> int | None:
        """The number of the tenure in which a member owes: that of the day, else the latest before.

        Whoever only owes later owes in the first of those tenures; None for who never does.
        """
        if member in self.on(day).debtors:
            return self.index(day)
        mine = [span for span in self.spans if member in self.every[span.tenure].debtors]
        before = [span for span in mine if span.first <= day]
        chosen = before[-1:] or mine[:1]
        return chosen[0].tenure if chosen else None

    def days(self, number: int) -> tuple[tuple[date, date], ...]:
        """First and last days of a tenure; the last of all days where it has no end."""
        ends = [*(date.fromordinal(s.first.toordinal() - 1) for s in self.spans[1:]), date.max]
        return tuple(
            (span.first, end)
            for span, end in zip(self.spans, ends, strict=True)
            if span.tenure == number
        )


ONE = Tenures((Tenure(FIRST),), (Span(date.min, 0),))
"""A household of which nobody knows that it ever changed hands."""
