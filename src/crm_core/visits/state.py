"""The return visits of a household as they stand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from attrs import evolve

from crm_core.kernel.growing import EMPTY, GrowingMap
from crm_core.kernel.values import frozen
from crm_core.visits.events import OccasionRecorded, VisitAttempted, VisitMade, VisitScheduled
from crm_core.visits.policy import CALLED

OPEN, MADE, GIVEN_UP, CALLED_OFF = "open", "made", "given_up", "called_off"
STATUSES = (OPEN, MADE, GIVEN_UP, CALLED_OFF)

SPOKEN_TO = ("not_convenient", "refused")
"""How an attempt ends in vain at which somebody was spoken to all the same."""

LAPSED = "lapsed"
"""Why a visit was given up that nobody made until it was too late."""


@frozen
class Visit:
    """A visit.

    Args:
        scheduled: How it came about; its times and hands are those below.
        status: One of `STATUSES`.
        next_at: When it is to be tried, or tried again.
        appointed_at: The time that a member named, while it stands.
        attempts: How often somebody was tried in vain, as far as it counts.
        last: The latest attempt.
        made: What is on record of its making, if it was made.
        recordings: How often a making was recorded, those withdrawn included.
        over_at: When it was given up or called off.
        why: Why it was.
    """

    scheduled: VisitScheduled
    since: datetime
    from_at: datetime
    due_at: datetime
    latest_at: datetime
    lapses_at: datetime
    must: bool
    hands: tuple[str, ...]
    next_at: datetime
    status: str = OPEN
    appointed_at: datetime | None = None
    attempts: int = 0
    last: VisitAttempted | None = None
    made: VisitMade | None = None
    recordings: int = 0
    over_at: datetime | None = None
    why: str = ""

    @property
    def visit(self) -> str:
        """Its number."""
        return self.scheduled.visit


@frozen
class Visits:
    """All visits of a household.

    Args:
        household: Its number; empty before anything was scheduled or recorded.
        told: How many events there were.
        numbers: Numbers of all visits, in the order in which they were first scheduled.
        entries: Every visit as it stood after each of its events, by number and how manieth.
        occasions: Occasions that were recorded, those withdrawn included.
        withdrawn: Numbers of those that were withdrawn.
    """

    household: str = ""
    told: int = 0
    numbers: GrowingMap[str, bool] = EMPTY
    entries: GrowingMap[tuple[str, int], Visit] = EMPTY
    occasions: GrowingMap[str, OccasionRecorded] = EMPTY
    withdrawn: GrowingMap[str, bool] = EMPTY

    def visit(self, number: str) -> Visit | None:
        """A visit as it stands, or None."""
        found, count = None, 0
        while (after := self.entries.get((number, count))) is not None:
            found, count = after, count + 1
        return found

    def with_visit(self, visit: Visit) -> Visits:
        """The same with a visit as it stands now."""
        count = 0
        while (visit.visit, count) in self.entries:
            count += 1
        return evolve(
            self,
            numbers=self.numbers.add(visit.visit, True),
            entries=self.entries.add((visit.visit, count), visit),
        )

    def every(self) -> Iterator[Visit]:
        """All visits as they stand, in the order in which they were first scheduled."""
        for number in self.numbers:
            visit = self.visit(number)
            if visit is not None:
                yield visit

    def open(self) -> Iterator[Visit]:
        """The visits that are still to be made."""
        return (visit for visit in self.every() if visit.status == OPEN)

    def standing(self) -> Iterator[OccasionRecorded]:
        """The occasions that were not withdrawn."""
        return (one for one in self.occasions.values() if one.occasion not in self.withdrawn)

    def calls(self) -> Iterator[tuple[datetime, str]]:
        """When somebody was spoken to, at which visit; who had no time was spoken to as well."""
        for (number, _), entry in self.entries.items():
            tried = entry.last
            if tried is not None and tried.result in SPOKEN_TO and tried.means in CALLED:
                yield tried.attempted_at, number
        for visit in self.every():
            made = visit.made
            if made is not None and made.convenient is not None:
                yield made.visited_at, visit.visit

    def address_of(self, member: str) -> str:
        """The form of address that was used to a member last; empty if none was."""
        made = [one.made for one in self.every() if one.made and one.made.member == member]
        return max(made, key=lambda one: one.visited_at).address if made else ""
