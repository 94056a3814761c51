"""Questions about owners: personal values, opened for a stated purpose. `CRM.owners` is one."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date, datetime
from functools import partial
from operator import attrgetter
from typing import Any

import attrs
from attrs import frozen

from crm_core.application.adopted import allocations_at_hand
from crm_core.application.authority import OF_HOUSEHOLD, acting
from crm_core.application.checking import utc
from crm_core.application.desk import Desk
from crm_core.application.filing import HouseholdFile, Payments, Show, Shown, filed
from crm_core.application.host import Host, present_day
from crm_core.application.segmenting import ITEM_NAMES, Segments, counted, on_record
from crm_core.application.streams import Streams
from crm_core.errors import Invalid, Refused
from crm_core.gradings.engines.merged import merges_seen
from crm_core.kernel.decider import Refusal
from crm_core.kernel.recorded import HOUSEHOLD_ROLES, Actor, Recorded
from crm_core.kernel.sealed import Opened, PersonalValue, Place, Plain, Sealed, Withheld
from crm_core.owners import CARD, HOUSEHOLD, PROSPECT, SAMPLE
from crm_core.owners.card.events import ChangeDecided, ChangeProposed, ItemVerified
from crm_core.owners.card.standard import SEGMENTED
from crm_core.owners.facts import REGISTERED, tenures
from crm_core.owners.state import Household
from crm_core.payments.books import postings
from crm_core.payments.credit import DEFAULT_CREDIT, CreditPolicy
from crm_core.payments.ledger import ledgers
from crm_core.payments.views import account_view

_PERSONAL = ("name", "phone")


@frozen
class SampledItem:
    """An item of a household that a sample is to check.

    Args:
        result: What was found; None while nobody has checked it.
        on: When.
        by: Id of who checked it.
    """

    household: str
    item: str
    result: str | None
    on: date | None
    by: str | None


class Owners:
    """Questions about owners.

    Args:
        host: Ports.
        desk: Knows who may ask.
    """

    def __init__(self, host: Host, desk: Desk) -> None:
        self._host, self._desk = host, desk

    def opened(
        self, household: str, member: str, field: str, *, by: Actor, purpose: str
    ) -> Opened | None:
        """A personal value of a member as last told: it finds where the value stands.

        Args:
            member: Id of the member, e.g. `V00001#owner`.
            field: `name` or `phone`.
            by: Who looks; owners and users see their own household's.
            purpose: What for.

        Returns:
            `Plain`, or why it cannot be opened; None where nothing was ever told.

        Raises:
            Refused: it is not for `by` to see.
            Invalid: no purpose is stated, or there is no such member or field.
        """
        by = acting(by)
        if not purpose:
            raise Invalid.one("purpose_missing")
        if field not in _PERSONAL:
            raise Invalid.one("field_unknown", field=field, accepted=_PERSONAL)
        self._desk.may(by, "reveal")
        streams = Streams(self._host.log, self._desk.texts)
        if member not in _members(streams, household):
            # A member of a file that is of the same household is known there (OWN-09).
            others = streams.merges().group(household)
            household = next((one for one in others if member in _members(streams, one)), household)
        found: tuple[Sealed, Place] | None = None
        file, latest = HOUSEHOLD.decider.initial, 0
        for recorded in self._host.log.read(HOUSEHOLD.stream(household)):
            event = recorded.event
            file = HOUSEHOLD.decider.evolve(file, event)
            value = getattr(event, field, None) if _of(event, member) else None
            if isinstance(value, Sealed):
                place = Place(recorded.stream, recorded.version, field)
                found, latest = (value, place), recorded.position
        for recorded in self._accepted(household, member, field):
            value = recorded.event.value
            if recorded.position > latest and isinstance(value, Sealed):
                found = value, Place(recorded.stream, recorded.version, "value")
        self._check_belongs(by, household, streams)
        if not isinstance(file, Household) or member not in file.members():
            raise Invalid.one("member_unknown", member=member, household=household)
        return None if found is None else self._open(*found)

    def file(
        self,
        household: str,
        *,
        by: Actor,
        purpose: str | None = None,
        on: date | None = None,
        known: datetime | None = None,
    ) -> HouseholdFile | None:
        """The file as of a day, as known at an instant (OWN-03, OWN-10); None if there was none.

        Personal values are opened for a stated purpose, to whoever may see them; else there stands
        why they are not.

        Args:
            by: Who looks; owners and users see their own household's.
            purpose: What for.
            on: The day it stood on; by default today, with what is known to begin later.
            known: As known at this instant.

        Raises:
            Refused: a member of another household asks.
        """
        by, host = acting(by), self._host
        known, day = utc(known, "known"), on or present_day(host)
        self._check_belongs(by, household, Streams(host.log, self._desk.texts))
        merges = merges_seen(host.log, day, known)
        group = merges.group(household)
        events = [
            recorded
            for _, told in host.log.by_household(households=sorted(group))
            for recorded in told
            if known is None or recorded.recorded <= known
        ]
        if len(group) > 1:
            events.sort(key=attrgetter("position"))
        events = [*self._before(events, known), *events]
        return filed(
            events,
            household=group[0],
            on=day,
            every_day=on is None,
            known=known,
            zone=host.zone,
            show=self._shows(by, purpose),
            account=partial(self._account, day),
        )

    def segments(
        self, item: str, *, by: Actor, purpose: str, on: date | None = None, estate: str = ""
    ) -> Segments:
        """Households by an item that was kept for this purpose (OWN-11); small cells suppressed.

        Args:
            item: One of `card.standard.SEGMENTED`.
            on: The day; by default today.
            estate: Only of this estate.

        Raises:
            Refused: it is not for `by` to count.
            Invalid: no purpose is stated, or households are not counted by such an item.
        """
        by, host = acting(by), self._host
        self._desk.may(by, "count-segments")
        if not purpose:
            raise Invalid.one("purpose_missing")
        if item not in SEGMENTED:
            raise Invalid.one("field_unknown", field=item, accepted=SEGMENTED)
        day = on or present_day(host)
        told = host.log.by_household(names=ITEM_NAMES)
        if estate:
            there = {
                household
                for household, facts in host.log.facts(names={REGISTERED})
                if any(file.estate == estate for _, _, file in facts)
            }
            told = (one for one in told if one[0] in there)
        return counted(
            told,
            item=item,
            purpose=purpose,
            on=day,
            merges=merges_seen(host.log, day),
            opens=self._open,
            allows=on_record,
        )

    def sampled(self, sample: str, *, by: Actor) -> tuple[SampledItem, ...]:
        """The items that a sample is to check, with what was found so far (OWN-07).

        Raises:
            Invalid: there is no such sample.
        """
        acting(by)
        drawn = SAMPLE.decider.fold(one.event for one in self._host.log.read(SAMPLE.stream(sample)))
        if drawn.drawn is None:
            raise Invalid.one("sample_unknown", sample=sample)
        found = []
        for household in drawn.drawn.households:
            checks: dict[str, ItemVerified] = {}
            for recorded in self._host.log.read(CARD.stream(household)):
                event = recorded.event
                if isinstance(event, ItemVerified) and event.sample == sample:
                    checks[event.item] = event
            for item in drawn.drawn.items:
                check = checks.get(item)
                found.append(
                    SampledItem(
                        household=household,
                        item=item,
                        result=None if check is None else check.result,
                        on=None if check is None else check.on,
                        by=None if check is None else check.verified_by,
                    )
                )
        return tuple(found)

    def _before(
        self, events: list[Recorded[Any]], known: datetime | None
    ) -> Iterator[Recorded[Any]]:
        """What was known of members while they were potential customers (OWN-06)."""
        members = {getattr(one.event, "member", None) for one in events}
        streams = [PROSPECT.stream(member) for member in members if member]
        for stream in sorted(self._host.log.tips(streams)) if streams else ():
            for recorded in self._host.log.read(stream):
                # How they joined concerns the household, and stands among its events already.
                if not recorded.household and (known is None or recorded.recorded <= known):
                    yield recorded

    def _account(self, day: date, facts: list[tuple[Any, int]], file: Household) -> Payments:
        """The account of the day's tenure: how it stands, and every movement up to the day."""
        table = self._host.policies.find(CreditPolicy, DEFAULT_CREDIT, day)
        told = [event for event, _ in facts]
        held, by = tenures(told), allocations_at_hand(self._host).of(file.estate, told)
        mine, books = held.index(day), ledgers(facts, held, by)
        moved = postings(facts, held, by, books)
        return Payments(
            **account_view(books[mine], day, table),
            lines=tuple(one for one in moved if one.on <= day and one.tenure == mine),
        )

    def _open(self, value: Sealed, place: Place) -> Opened:
        """The one place that opens personal values of members (PRV-03)."""
        return self._host.vault.open(value, place)

    def _shows(self, by: Actor, purpose: str | None) -> Show:
        """How personal values are shown to somebody."""
        withheld: Withheld | None = None
        if not purpose:
            withheld = Withheld("purpose_missing")
        else:
            refused = self._desk.authority().refuses(by, "reveal")
            if refused is not None:
                withheld = Withheld(refused.code)

        def show(value: PersonalValue | None, place: Place) -> Shown:
            if not isinstance(value, Sealed):
                return None
            if withheld is not None:
                return withheld
            opened = self._open(value, place)
            return opened.text if isinstance(opened, Plain) else Withheld(opened.code)

        return show

    def _accepted(self, household: str, member: str, field: str) -> Iterator[Recorded[Any]]:
        """Changes of a name or number that were accepted, in the order in which they were.

        Each comes with the place of the proposal, where the value stands.
        """
        proposed: dict[str, Recorded[Any]] = {}
        for recorded in self._host.log.read(CARD.stream(household)):
            event = recorded.event
            if isinstance(event, ChangeProposed) and (event.member, event.item) == (member, field):
                proposed[event.change] = recorded
            elif isinstance(event, ChangeDecided) and event.accepted and event.change in proposed:
                yield attrs.evolve(proposed[event.change], position=recorded.position)

    def _check_belongs(self, by: Actor, household: str, streams: Streams) -> None:
        """Owners and users see their own household's; who moved out has no part in it.

        Raises:
            Refused: it is another's.
        """
        if by.role not in HOUSEHOLD_ROLES:
            return
        today = present_day(self._host)
        files = [streams.file(one) for one in streams.merges().group(household)]
        if not any(
            role.member == by.id
            for file in files
            if file is not None
            for kind in OF_HOUSEHOLD[by.role]
            for role in file.holding(kind, today)
        ):
            details = {"role": by.role, "household": household}
            raise Refused(Refusal("not_of_household", "LOG-08", details))


def _members(streams: Streams, household: str) -> Collection[str]:
    file = streams.file(household)
    return () if file is None else file.members()


def _of(event: Any, member: str) -> bool:
    return getattr(event, "member", None) == member
