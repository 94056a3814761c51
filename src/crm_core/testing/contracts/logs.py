"""What contracts over logs and views have in common."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from crm_core.kernel.catalog import Catalog
from crm_core.ports import EventLog, Views
from crm_core.testing.contracts.events import CATALOG


class OverLogs:
    """A contract over logs: a subclass says how to make one, and how to come back to it."""

    def make_log(self, catalog: Catalog) -> EventLog:
        """A log over a new, empty store."""
        raise NotImplementedError

    def reopen(self, log: EventLog, catalog: Catalog) -> EventLog:
        """The history of `log`, as a program sees it that begins now and knows `catalog`."""
        raise NotImplementedError

    @pytest.fixture
    def log(self) -> Iterator[EventLog]:
        """A new log that knows the events of the contract."""
        log = self.make_log(CATALOG)
        yield log
        log.close()


class OfLogs(OverLogs):
    """A contract about logs.

    A subclass defines `make_log` and `reopen`, as methods that may use what its fixtures set up.
    """

    contiguous = True
    """Whether positions of the log have no gaps; a store that may leave some says False."""

    many = 4_321
    """A number of events that is more than one page of the store."""

    def positions(self, log: EventLog) -> list[int]:
        """Where the events stand, the first under index 1; in order, without gaps if so said."""
        found = [0, *(recorded.position for recorded in log.feed())]
        assert found == sorted(set(found))
        if self.contiguous:
            assert found == list(range(len(found)))
        assert log.head() == found[-1]
        return found


class OverViews(OverLogs):
    """A contract over views of a log."""

    def make_views(self, log: EventLog, batch: int) -> Views:
        """Views of a log; made twice, the second shares the rows of the first."""
        raise NotImplementedError

    @pytest.fixture
    def views(self, log: EventLog) -> Views:
        return self.make_views(log, 3)
