"""Who was erased, who must be kept, and what is proposed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

from attrs import field

from crm_core.kernel.growing import EMPTY, GrowingMap
from crm_core.kernel.subjects import of_household
from crm_core.kernel.values import frozen
from crm_core.privacy.events import HoldPlaced, StaffHoldPlaced

Hold = HoldPlaced | StaffHoldPlaced


@frozen
class Erasures:
    """All erasures and legal holds of the company.

    Persons are compared by their id alone, in whichever household they are named, and whether they
    work here or live here (LOG-08).

    Args:
        erased: When each person was erased, by their id.
        times: When each household was erased, by its id and how often it had been before.
        holds: Holds by their number, those that were lifted included.
        lifted: When those were lifted that were.
    """

    erased: GrowingMap[str, date] = EMPTY
    times: GrowingMap[tuple[str, int], date] = EMPTY
    holds: GrowingMap[str, Hold] = EMPTY
    lifted: GrowingMap[str, date] = EMPTY

    def standing(self) -> Iterator[Hold]:
        """The holds that were not lifted, in the order in which they were placed."""
        return (hold for number, hold in self.holds.items() if number not in self.lifted)

    def held(self, household: str, *persons: str) -> Hold | None:
        """The first hold that forbids to erase them, if one does.

        Args:
            household: The household they are erased in; a hold on it holds them all.
        """
        for hold in self.standing():
            if isinstance(hold, StaffHoldPlaced):
                if hold.staff in persons:
                    return hold
            elif hold.member is None:
                if hold.household == household:
                    return hold
            elif hold.member in persons:
                return hold
        return None

    def times_of(self, household: str) -> int:
        """How often a household was erased."""
        times = 0
        while (household, times) in self.times:
            times += 1
        return times

    def key(self, household: str) -> str:
        """Id of the household's own key: another one after each time it was erased."""
        return of_household(household, self.times_of(household) + 1)


@frozen
class Retention:
    """What is proposed about the persons of a household, or about a member of staff.

    Args:
        proposed: Until when it is left alone what was proposed of each person and declined; None
            while the proposal stands.
    """

    # A household has few members: copying costs nothing.
    proposed: Mapping[str, date | None] = field(factory=dict)
