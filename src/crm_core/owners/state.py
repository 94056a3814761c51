"""A household's file as it stands."""

from __future__ import annotations

from datetime import date

from crm_core.kernel.growing import EMPTY, NOTHING, GrowingList, GrowingMap
from crm_core.kernel.sealed import PersonalValue, Text
from crm_core.kernel.values import frozen
from crm_core.kernel.word import Word
from crm_core.owners.events import ConditionRecorded, DebtorAgreed


@frozen
class NoHousehold:
    """No file has been opened."""


@frozen
class Role:
    """A role and the days it holds; `until` is the last one, None while it goes on."""

    member: str
    role: str
    since: date
    until: date | None
    source: str


@frozen
class Member:
    """A person or a company, and how to reach them, as last told."""

    member: str
    name: PersonalValue
    phone: PersonalValue | None
    kind: str


@frozen
class Household:
    """An open file (OWN-01).

    Args:
        begun: Roles by (member, role, first day), in the order in which they were entered.
        ended: Last day and reason of those that ended.
        contacts: Every version of a member's name and number, in the order they were told.
        interests: Services in which an interest is kept, each with the word that allows it.
        conduct: Confirmed bad records and disturbances.
        agreed: Contracts by which tenants owe.
        released: Last days of those that were ended.
        conditions: How the business of a commercial customer was seen to stand, as it was told.
    """

    household: str
    estate: str
    building: str
    unit: str
    room: str
    kind: str
    moved_in: date | None
    source: str
    begun: GrowingMap[tuple[str, str, date], str]
    ended: GrowingMap[tuple[str, str, date], date]
    contacts: GrowingMap[int, Member]
    interests: GrowingMap[tuple[str, date], Word]
    conduct: GrowingMap[tuple[str, date], Text]
    agreed: GrowingMap[str, DebtorAgreed] = EMPTY
    released: GrowingMap[str, date] = EMPTY
    conditions: GrowingList[ConditionRecorded] = NOTHING

    def roles(self) -> list[Role]:
        """All roles, those that ended included."""
        return [
            Role(
                member=member,
                role=role,
                since=since,
                until=self.ended.get((member, role, since)),
                source=source,
            )
            for (member, role, since), source in self.begun.items()
        ]

    def holding(self, role: str, on: date | None = None) -> list[Role]:
        """Roles of that kind that hold on the day; without a day, those that have not ended."""
        return [
            r
            for r in self.roles()
            if r.role == role
            and (
                r.until is None if on is None else r.since <= on and not (r.until and r.until < on)
            )
        ]

    def overlapping(
        self, member: str, role: str, since: date, until: date | None = None
    ) -> list[Role]:
        """The times of that role of a member that share a day with those; none after `until`."""
        return [
            one
            for one in self.roles()
            if (one.member, one.role) == (member, role)
            and (until is None or one.since <= until)
            and (one.until is None or since <= one.until)
        ]

    def ends(self, member: str, role: str) -> set[date]:
        """The last days on which a member held a role."""
        return {until for key, until in self.ended.items() if key[:2] == (member, role)}

    def condition(self, on: date | None = None) -> ConditionRecorded | None:
        """How the business stands by the latest look up to a day, if it was looked at.

        Of several looks of one day the one told last holds.
        """
        found: ConditionRecorded | None = None
        for one in self.conditions:
            if (on is None or one.on <= on) and (found is None or found.on <= one.on):
                found = one
        return found

    def members(self) -> dict[str, Member]:
        """Each member as last told."""
        return {member.member: member for member in self.contacts.values()}


HouseholdState = NoHousehold | Household
