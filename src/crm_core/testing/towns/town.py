"""Whole towns, and logs filled with them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from itertools import islice

from crm_core.kernel.dates import start_of_day
from crm_core.kernel.values import frozen
from crm_core.ports import EventLog
from crm_core.testing.towns.deciding import Told
from crm_core.testing.towns.households import Pair
from crm_core.testing.towns.plan import Plan


@frozen
class Town(Plan):
    """Which town; what it is made from stands in `Plan`."""

    def blocks(self) -> Iterator[list[Told]]:
        """All that is told, in the order of the log, a block of households at a time."""
        pairs = ((n, min(n + 1, self.households)) for n in range(1, self.households + 1, 2))
        while some := list(islice(pairs, max(self.block // 2, 1))):
            told: list[tuple[datetime, int, Told]] = []
            for first, last in some:
                for one in Pair(self, first, last).told():
                    # Each comes with its place already; what it follows from stands before it.
                    told.append((one.placed, len(told), one))
            told.sort()
            yield [one for _, _, one in told]

    def told(self) -> Iterator[Told]:
        """All that is told, in the order of the log."""
        for block in self.blocks():
            yield from block


def fill(log: EventLog, town: Town) -> int:
    """Append the whole town to a log, a block in one transaction; how many events."""
    events = 0
    for block in town.blocks():
        log.append(one.commit for one in block)
        events += sum(len(append.events) for one in block for append in one.commit.appends)
    return events


def known_at(year: int) -> datetime:
    """An instant at which a year is usually graded: a fortnight after its end."""
    return start_of_day(date(year + 1, 1, 15))
