"""Questions about requests: statistics, early warnings, what a plan has moved.

`CRM.requests` is one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from functools import cache
from typing import Any, Unpack

from crm_core.application.access import Asked
from crm_core.application.adopted import NOT_FACTS, every, pinned
from crm_core.application.calendars import notices_in_force
from crm_core.application.checking import utc
from crm_core.application.desk import Desk
from crm_core.application.host import Host
from crm_core.application.places import place_of
from crm_core.errors import Invalid
from crm_core.kernel.dates import Period, local_date
from crm_core.kernel.policy import PolicyRef
from crm_core.kernel.public_holidays import HolidayNotice
from crm_core.kernel.recorded import SYSTEM, Actor, Cutoff, Recorded
from crm_core.kernel.sentences import Lang
from crm_core.owners.facts import REGISTERED
from crm_core.requests import PLAN, REQUEST
from crm_core.requests.calendars import Provisional, provisional
from crm_core.requests.call_statistics import (
    CALL_NAMES,
    CallStatistics,
    call_statistics,
    call_verdicts,
)
from crm_core.requests.early_warning import (
    EVENTS as _WARNINGS,
)
from crm_core.requests.early_warning import (
    OCCURRENCE_NAMES,
    Counted,
    Occurrence,
    Unusual,
    WarningRaised,
    first_day,
    occurrence_key,
    occurrence_of,
    raise_warning,
    unusual,
)
from crm_core.requests.events import EVENTS as _REQUESTS
from crm_core.requests.events import PolicyRebased, RequestReceived
from crm_core.requests.greeting import DEFAULT_GREETING, GreetingPolicy
from crm_core.requests.improvement import Effect, effect
from crm_core.requests.sla import DEFAULT_SLA, SlaPolicy
from crm_core.requests.statistics import EVENT_NAMES as REQUEST_NAMES
from crm_core.requests.statistics import Happening, Statistics, happenings, statistics
from crm_core.staff import REGISTER, ROSTER, Register, Roster
from crm_core.staff.duty import EVENTS as _DUTY
from crm_core.staff.duty import Gap
from crm_core.staff.lookups import gone
from crm_core.staff.policy import DEFAULT_COVER, CoverPolicy
from crm_core.staff.register import WHOLE

ROSTER_NAMES = frozenset(kind.stored for kind in _DUTY)
"""Stored names of the events of rosters."""


class Requests:
    """Questions about requests.

    Args:
        host: Ports and policies.
        desk: Where warnings are recorded.
    """

    def __init__(self, host: Host, desk: Desk) -> None:
        self._host, self._desk = host, desk

    def statistics(
        self,
        period: Period,
        *,
        known: datetime | None = None,
        **_asked: Unpack[Asked],
    ) -> Statistics:
        """Requests of a period: all, and by trade, kind, place, staff and household (REQ-18).

        The place of a household is its estate and building. The result names the cut-off at which
        it was counted: counting again with the same `known` gives the same numbers.
        """
        cutoff = self._cutoff(known)
        return statistics(self._happenings(cutoff), period, cutoff)

    def counted_of(self, estate: str, period: Period, cutoff: Cutoff) -> dict[str, int]:
        """The counts of the requests of an estate's households, as known at a cut-off (SUR-05).

        Args:
            estate: Which one; of all where it is empty, and of places that are nobody's, too.
        """
        estates: dict[str, str] = {}
        events = self._events(cutoff, REQUEST_NAMES, estates, lambda file: str(file.estate))
        zone, known = self._host.zone, cache(self.pinned)
        found = happenings(events, cutoff, zone, lambda home: estates.get(home, ""), known)
        if estate:
            found = (one for one in found if estates.get(one.household) == estate)
        return statistics(found, period, cutoff).total

    def calls(
        self,
        period: Period,
        *,
        known: datetime | None = None,
        **_asked: Unpack[Asked],
    ) -> CallStatistics:
        """Calls of a period, in time, late and missed, for each line and staff (REQ-02).

        A missed call counts for whoever was on duty by the roster.
        """
        cutoff = self._cutoff(known)
        rosters: dict[str, Roster] = {}

        def calls() -> Iterator[Recorded[Any]]:
            names = CALL_NAMES | ROSTER_NAMES
            for recorded in self._host.log.feed(upto=cutoff.position, names=names):
                if recorded.name not in ROSTER_NAMES:
                    yield recorded
                elif cutoff.sees(recorded):
                    line = recorded.event.line
                    roster = rosters.get(line, ROSTER.decider.initial)
                    rosters[line] = ROSTER.decider.evolve(roster, recorded.event)

        def on_duty(line: str, at: datetime) -> tuple[str, ...]:
            return rosters[line].on_duty(at) if line in rosters else ()

        found = call_verdicts(calls(), cutoff, self._host.zone, on_duty)
        return call_statistics(found, period, cutoff)

    def cover(
        self,
        line: str,
        start: datetime,
        end: datetime,
        **_asked: Unpack[Asked],
    ) -> list[Gap]:
        """When nobody answers a line between two instants (REQ-02).

        A shift of somebody who has left the staff is none.
        """
        log = self._host.log
        roster: Roster
        roster, _ = log.fold(ROSTER.stream(line), ROSTER.decider.evolve, ROSTER.decider.initial)
        register: Register
        register, _ = log.fold(
            REGISTER.stream(WHOLE), REGISTER.decider.evolve, REGISTER.decider.initial
        )
        return roster.gaps(start, end, gone(register, self._host.zone))

    def lines(self) -> list[str]:
        """The lines that are to be answered day and night: duty was planned for them once."""
        feed = self._host.log.feed(names=ROSTER_NAMES)
        planned = {recorded.event.line for recorded in feed}
        if not planned:
            return []
        today = local_date(self._host.clock.now(), self._host.zone)
        policy = self._host.policies.find(CoverPolicy, DEFAULT_COVER, today)
        return sorted(planned.difference(policy.shifts_only))

    def greeting(self, lang: Lang = "zh", on: date | None = None) -> str:
        """What whoever answers the phone says first (REQ-02).

        Args:
            on: The day whose policy is asked; by default the present one.
        """
        day = on or local_date(self._host.clock.now(), self._host.zone)
        return self._host.policies.find(GreetingPolicy, DEFAULT_GREETING, day).words[lang]

    def warnings(
        self,
        on: date,
        *,
        known: datetime | None = None,
        policy: str = DEFAULT_SLA,
        **_asked: Unpack[Asked],
    ) -> list[Unusual]:
        """Places and trades in which more than usual happened up to a day (REQ-19)."""
        table = self._host.policies.find(SlaPolicy, policy, on).early_warning
        first = first_day(on, table)
        counted = self._counted(self._cutoff(known))
        return unusual((one for one in counted if first <= one.day <= on), {on: table})

    def warn(self, on: date, *, by: Actor = SYSTEM, policy: str = DEFAULT_SLA) -> list[Unusual]:
        """Record the warnings of a day with the events behind them; each one once.

        `CRM.tick` does it for every day that has ended; this is for who does not want to wait.

        Raises:
            Refused: it is not for `by`.
        """
        self._desk.may(by, "warn")
        found = self.warnings(on, policy=policy)
        for one in found:
            self._desk.within(raise_warning(one), by=by)
        return found

    def raised(
        self,
        since: date = date.min,
        **_asked: Unpack[Asked],
    ) -> list[WarningRaised]:
        """The warnings that were raised for windows that end on a day or later, in that order."""
        names = {kind.stored for kind in _WARNINGS if kind.cls is WarningRaised}
        found = [recorded.event for recorded in self._host.log.feed(names=names)]
        return sorted(
            (one for one in found if one.window_end >= since),
            key=lambda one: (one.window_end, one.place, one.trade, one.measure),
        )

    def effect(
        self,
        plan: str,
        *,
        known: datetime | None = None,
        **_asked: Unpack[Asked],
    ) -> Effect:
        """What an improvement plan has moved so far, computed from the events (REQ-18).

        Days that have ended count; whether it reached what was planned is said once it is over.

        Raises:
            Invalid: there is no such plan.
        """
        log = self._host.log
        state, _ = log.fold(PLAN.stream(plan), PLAN.decider.evolve, PLAN.decider.initial)
        if state.proposed is None:
            raise Invalid.one("plan_unknown", plan=plan)
        today = local_date(utc(known, "known") or self._host.clock.now(), self._host.zone)
        return effect(state.proposed, self._happenings(self._cutoff(known)), today)

    def pinned(self, policy: PolicyRef, notices: tuple[PolicyRef, ...] = ()) -> SlaPolicy:
        """The policy that a clock pins, its calendars by the official notices that it pins.

        Raises:
            UnknownPolicy, PolicyDigestMismatch: one of them is not at hand.
        """
        host = self._host
        table = host.policies.pinned(SlaPolicy, policy)

        def others() -> tuple[HolidayNotice, ...]:
            return every(host.log, host.registry, host.policies, HolidayNotice)

        return table.under(pinned(host.policies, HolidayNotice, one, others) for one in notices)

    def provisional(
        self,
        *,
        all: bool = False,
        **_asked: Unpack[Asked],
    ) -> Iterator[Provisional]:
        """By request, verdicts over years without a notice that would now differ (REQ-11).

        They stay as they are: what was told to the household was told. Those of closed requests are
        among them, and of clocks that had stopped before the notice came.

        Args:
            all: All provisional verdicts, also those that would be the same.

        Raises:
            UnknownPolicy, PolicyDigestMismatch: what a request pins is not at hand.
        """
        host, now = self._host, self._host.clock.now()
        known = notices_in_force(host, now)
        keeps = cache(lambda policy: bool(self.pinned(policy).countries))
        found = cache(self.pinned)
        pins = [kind.stored for kind in _REQUESTS if kind.cls in (RequestReceived, PolicyRebased)]
        pinning = (recorded.event for recorded in host.log.feed(names=pins))
        decider = REQUEST.decider
        for request in sorted({e.request for e in pinning if keeps(e.policy)}):
            state, _ = host.log.fold(REQUEST.stream(request), decider.evolve, decider.initial)
            for one in provisional(state, found, known):
                if all or one.differs:
                    yield one

    def _cutoff(self, known: datetime | None) -> Cutoff:
        return self._host.log.cutoff(utc(known, "known"), without=NOT_FACTS)

    def _happenings(self, cutoff: Cutoff) -> Iterable[Happening]:
        places: dict[str, str] = {}
        events = self._events(cutoff, REQUEST_NAMES, places)
        return happenings(
            events,
            cutoff,
            self._host.zone,
            lambda household: places.get(household, ""),
            cache(self.pinned),
        )

    def _counted(self, cutoff: Cutoff) -> Iterator[Counted]:
        """What is counted for early warnings, as known at the cut-off."""
        places: dict[str, str] = {}
        counted: dict[str, Occurrence] = {}
        for recorded in self._events(cutoff, OCCURRENCE_NAMES, places):
            if cutoff.sees(recorded):
                key, one = occurrence_key(recorded.event), occurrence_of(recorded)
                counted.pop(key, None)
                if one is not None:
                    counted[key] = one
        for one in counted.values():
            yield Counted(
                place=places.get(one.household) or one.place,
                trade=one.trade,
                measure=one.measure,
                day=local_date(one.at, self._host.zone),
                position=one.position,
            )

    def _events(
        self,
        cutoff: Cutoff,
        names: frozenset[str],
        places: dict[str, str],
        place: Callable[[Any], str] = place_of,
    ) -> Iterator[Recorded[Any]]:
        """Events of these names; the places of households are noted on the way."""
        for recorded in self._host.log.feed(upto=cutoff.position, names=names | {REGISTERED}):
            if recorded.name == REGISTERED:
                file = recorded.event
                places[file.household] = place(file)
            else:
                yield recorded
