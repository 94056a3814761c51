"""Whose the events of a household are: of which of its members, by the days they had a part in it.

What names a member, or is addressed to one, is theirs. What belongs to a tenure is of those who
owed in it, or lived in the household then. All else belongs to a matter - a charge, a payment, a
request - and is of those who had a part on the day on which the matter began, however late it is
told or settled (PAY-16, GRD-13).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import date
from functools import cache
from typing import Any

import attrs

from crm_core.application.tombstones import STREAM as ERASURES
from crm_core.kernel.dates import Period
from crm_core.kernel.naming import Naming, actor_named
from crm_core.kernel.recorded import Recorded
from crm_core.owners import HOUSEHOLD
from crm_core.owners.events import (
    HouseholdRegistered,
    HouseholdVoided,
    MemberAdded,
    PlaceClaimed,
    PlaceReleased,
)
from crm_core.owners.state import Household, Role
from crm_core.owners.tenures import CONCERNED, concerned, tenures_of

_OF_ALL = (HouseholdRegistered, HouseholdVoided, PlaceClaimed, PlaceReleased)
"""Events that are about whoever has a part in the household."""

_ALONE = ("member", "recipient")
"""Fields of an event that is about that member alone."""

_MATTERS = {
    "acknowledgement": "acknowledgement",
    "agreement": "agreement",
    "charge": "charge",
    "charges": "charge",
    "clause": "clause",
    "dispute": "dispute",
    "hold": "hold",
    "message": "message",
    "of": "charge",
    "opinion": "opinion",
    "payment": "payment",
    "promise": "promise",
    "purchase": "purchase",
    "refund": "refund",
    "replaces": "promise",
    "waiver": "waiver",
}
"""Fields with the number of a matter, and of which kind it is."""

_MONEY = ("account", "collection")
"""Streams of what is owed: of who owes on a day, whoever lives there."""

_ALWAYS = Period(date.min, date.max)


class Residents:
    """The members of a household, and what is theirs.

    Args:
        household: The file whose members they are.
        events: All events of the file that are known, in order.
        naming: Whom they name.
        files: All files of the household, of whose events it may be asked.
    """

    def __init__(
        self,
        household: str,
        events: Iterable[Recorded[Any]],
        naming: Naming,
        files: Collection[str] = (),
    ) -> None:
        self._files, self._naming = {household, *files}, naming
        stream = HOUSEHOLD.stream(household)
        evolve = HOUSEHOLD.decider.evolve
        state = HOUSEHOLD.decider.initial
        told: set[str] = set()
        self.there = False
        for recorded in events:
            if recorded.stream == stream:
                self.there = True
                state = evolve(state, recorded.event)
                if isinstance(recorded.event, MemberAdded):
                    told.add(recorded.event.member)
        self.file: Household | None = state if isinstance(state, Household) else None
        self.roles: list[Role] = [] if self.file is None else self.file.roles()
        # Whoever was ever told of: by mistake, too, for what was written about them is there.
        self.members: frozenset[str] = frozenset(told)
        self._tenures = None if self.file is None else tenures_of(self.file)
        self._matters: dict[tuple[str, str], frozenset[str]] = {}

    def on(self, day: date) -> frozenset[str]:
        """Who owns or uses the household on a day."""
        return frozenset(
            role.member
            for role in self.roles
            if role.role in CONCERNED and role.since <= day <= (role.until or date.max)
        )

    def owing(self, day: date, member: str | None = None) -> frozenset[str]:
        """Who owes what is due on a day; by a member who is named, in a tenure of theirs."""
        if self._tenures is None:
            return frozenset()
        number = None if member is None else self._tenures.of(member, day)
        tenure = self._tenures.on(day) if number is None else self._tenures.every[number]
        debtors = frozenset(tenure.debtors)
        # Whoever left a tenure in which others stayed owes no more of it.
        return debtors & self.on(day) or debtors

    def whose(self, recorded: Recorded[Any]) -> frozenset[str]:
        """The members whose an event is; to be asked in the order of the log."""
        event = recorded.event
        keys = list(self._keys(recorded))
        alone = self.members & {getattr(event, name, None) for name in _ALONE}
        if alone:
            found = alone
        elif isinstance(event, _OF_ALL):
            found = self.members
        else:
            found = self._named(recorded) | self._part(recorded, keys)
        for key in keys:
            self._matters.setdefault(key, found)
        return found

    def _named(self, recorded: Recorded[Any]) -> frozenset[str]:
        ids = {one for kind, one in self._naming.named(recorded) if kind == "person"}
        ids.add(actor_named(recorded.envelope.actor))
        return self.members & ids

    def _part(self, recorded: Recorded[Any], keys: list[tuple[str, str]]) -> frozenset[str]:
        """Who had a part in what it is about."""
        event, day = recorded.event, recorded.effective
        money = recorded.stream.partition("/")[0] in _MONEY
        tenure = getattr(event, "tenure", None)
        if isinstance(tenure, str) and self.file is not None and self._tenures is not None:
            number = self._tenures.find(tenure)
            if money and number is not None:
                return frozenset(self._tenures.every[number].debtors)
            year = getattr(event, "year", None)
            days = Period.of_year(year) if isinstance(year, int) else _ALWAYS
            return frozenset(concerned(self.file, tenure, days))
        before = [self._matters[key] for key in keys if key in self._matters]
        if before:
            return frozenset().union(*before)
        if not money:
            return self.on(day)
        by = getattr(event, "payer", None) or getattr(event, "debtor", None)
        return self.owing(day, by if by in self.members else None)

    def _keys(self, recorded: Recorded[Any]) -> Iterator[tuple[str, str]]:
        """The matters that an event belongs to."""
        if recorded.stream == ERASURES:
            # One stream for everybody: of a hold each thing that is said of it is a matter.
            hold = getattr(recorded.event, "hold", None)
            yield from () if hold is None else (("legal_hold", hold),)
            return
        if recorded.stream.partition("/")[2] not in self._files:
            yield "", recorded.stream
            return
        # Two files may have a charge of one number.
        file = recorded.household
        yield from ((matter, f"{file}/{number}") for matter, number in _numbers(recorded.event))


class ResidentsOfAll:
    """The members of all files of one household, and what is theirs (OWN-09).

    What stands in one file counts for the surviving one, and so it is also of whoever had a part
    in the other on the day of it; what is about one member alone is theirs alone.

    Args:
        files: The files of the household, the surviving one first.
        events: All events of these files that are known, in order.
        naming: Whom they name.
    """

    def __init__(
        self, files: tuple[str, ...], events: Collection[Recorded[Any]], naming: Naming
    ) -> None:
        self._files = {
            one: Residents(one, [e for e in events if e.household == one], naming, files)
            for one in files
        }
        every = self._files.values()
        self.roles: list[Role] = [role for file in every for role in file.roles]
        self.members: frozenset[str] = frozenset(
            member for file in every for member in file.members
        )

    def known(self, household: str) -> bool:
        """Whether that one of the files was ever registered, void or not."""
        return self._files[household].there

    def on(self, day: date) -> frozenset[str]:
        """Who owns or uses the household on a day."""
        return frozenset(member for file in self._files.values() for member in file.on(day))

    def whose(self, recorded: Recorded[Any]) -> frozenset[str]:
        """The members whose an event is; to be asked in the order of the log."""
        own = self._files[recorded.household].whose(recorded)
        alone = {getattr(recorded.event, name, None) for name in _ALONE}
        if not self.members.isdisjoint(alone):
            return own
        others = (file for name, file in self._files.items() if name != recorded.household)
        return own.union(*(file.whose(recorded) for file in others))


def _numbers(event: Any) -> Iterator[tuple[str, str]]:
    kind: type = type(event)
    for name, matter in _matters_of(kind):
        value = getattr(event, name)
        if isinstance(value, str):
            yield matter, value
        elif isinstance(value, tuple):
            yield from ((matter, one) for one in value if isinstance(one, str))
    for part in getattr(event, "parts", ()):
        yield from _numbers(part)
    number = getattr(event, "number", None)
    if isinstance(number, str):
        # A proposal that was rejected says of what it was.
        yield str(getattr(event, "what", "")).removesuffix("_decision"), number


@cache
def _matters_of(cls: type) -> tuple[tuple[str, str], ...]:
    names = {field.name for field in attrs.fields(cls)}
    return tuple((name, matter) for name, matter in _MATTERS.items() if name in names)
