"""Which visits are called for, told slowly from the rules: no policy, no calendar, no view.

It is written from VIS-01 and the table of the method alone, and steps through time minute by
minute. Public holidays lie outside the weeks it is used for.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

EAST = timedelta(hours=8)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
TARGETS = {"general": timedelta(minutes=30), "major": timedelta(hours=6)}


@dataclass
class Asked:
    """A request as the model remembers it; `began` is the start of its present course."""

    number: str
    household: str
    kind: str
    channel: str
    severity: str
    received: datetime
    began: datetime
    ordered: datetime | None = None
    done: bool = False
    closed: datetime | None = None
    reopened: int = 0
    duplicate: bool = False
    void: bool = False


@dataclass
class Estate:
    """What the model remembers.

    Args:
        begun: Since when the present owner has the household, by household.
        over: Visits that were made or given up.
    """

    asked: dict[str, Asked] = field(default_factory=dict)
    begun: dict[str, datetime] = field(default_factory=dict)
    over: set[tuple[str, str]] = field(default_factory=set)

    def wanted(self, household: str, now: datetime) -> dict[str, tuple[datetime, datetime]]:
        """Numbers of the visits still to be made, with from when and until when."""
        found: dict[str, tuple[datetime, datetime]] = {}
        for one in self.asked.values():
            if one.household == household and not one.void and not one.duplicate:
                found |= _of(one, now)
        begun = self.begun.get(household)
        return {
            number: times
            for number, times in found.items()
            if (household, number) not in self.over
            and (begun is None or _since(self.asked, number, now) >= begun)
        }


def _of(one: Asked, now: datetime) -> dict[str, tuple[datetime, datetime]]:
    found: dict[str, tuple[datetime, datetime]] = {}
    again = f":{one.reopened}" if one.reopened else ""
    in_writing = one.channel in ("letter", "forum")
    if one.kind == "complaint" and in_writing and one.closed is None:
        number = f"complaint_written:{one.number}"
        found[number] = one.received, two_hours_of_calling(one.received)
    if one.kind == "suggestion":
        number = f"proposal_received:{one.number}"
        found[number] = one.received, two_hours_of_calling(one.received)
    if one.kind == "complaint" and one.closed is not None:
        number = f"complaint_closed:{one.number}{again}"
        found[number] = one.closed, one.closed + 2 * DAY
    if one.kind == "repair":
        working = not one.done and one.closed is None
        if working and one.ordered is not None:
            number = f"repair_arranged:{one.number}{again}"
            found[number] = one.ordered, midnight(one.ordered, 1)
        late = one.began + TARGETS[one.severity]
        if working and late < now:
            number = f"repair_overdue:{one.number}:closing-{one.reopened + 1}"
            found[number] = late, two_hours_of_calling(late)
        if one.closed is not None:
            number = f"repair_finished:{one.number}{again}"
            found[number] = midnight(one.closed, 3), midnight(one.closed, 6)
    return found


def _since(asked: dict[str, Asked], number: str, now: datetime) -> datetime:
    row, request = number.split(":")[:2]
    one = asked[request]
    if row in ("complaint_written", "proposal_received"):
        return one.received
    if row == "repair_arranged":
        assert one.ordered is not None
        return one.ordered
    if row == "repair_overdue":
        return one.began + TARGETS[one.severity]
    assert one.closed is not None
    return one.closed


def midnight(at: datetime, days: int) -> datetime:
    """The beginning of the day so many days later, on the wall of the estate."""
    local = at + EAST
    return datetime(local.year, local.month, local.day, tzinfo=UTC) - EAST + days * DAY


def calling(at: datetime) -> bool:
    """Monday to Friday, from nine to six."""
    local = at + EAST
    return local.weekday() < 5 and 9 <= local.hour < 18


def two_hours_of_calling(at: datetime) -> datetime:
    """120 minutes of calling later."""
    left = timedelta(hours=2)
    while left:
        # The instants of a machine lie on whole minutes, so whole minutes count or do not.
        if calling(at):
            left -= MINUTE
        at += MINUTE
    return at
