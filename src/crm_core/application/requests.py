"""Questions about requests: statistics, early warnings, what a plan has moved.

`CRM.requests` is one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from functools import cache
from typing import Any

from crm_core.application.adopted import NOT_FACTS, every, pinned
from crm_core.application.calendars import notices_in_force
from crm_core.application.checking import utc
from crm_core.application.desk import Desk
from crm_core.application.host import Host
from crm_core.errors import Invalid
from crm_core.kernel.dates import Period
from crm_core.kernel.policy import PolicyRef
from crm_core.kernel.public_holidays import HolidayNotice
from crm_core.kernel.recorded import SYSTEM, Actor, Cutoff, Recorded
from crm_core.owners.facts import REGISTERED
from crm_core.requests import PLAN, REQUEST
from crm_core.requests.calendars import Provisional, provisional
from crm_core.requests.early_warning import RaiseWarning, Unusual, early_warnings
from crm_core.requests.events import EVENTS, PolicyRebased, RequestReceived
from crm_core.requests.improvement import Effect, effect
from crm_core.requests.sla import DEFAULT_SLA, SlaPolicy
from crm_core.requests.statistics import EVENT_NAMES as REQUEST_NAMES
from crm_core.requests.statistics import Happening, Statistics, happenings, statistics


class Requests:
    """Questions about requests.

    Args:
        host: Ports and policies.
        desk: Where warnings are recorded.
    """

    def __init__(self, host: Host, desk: Desk) -> None:
        self._host, self._desk = host, desk

    def statistics(self, period: Period, *, known: datetime | None = None) -> Statistics:
        """Requests of a period for each trade, kind, place and member of staff (REQ-18).

        The place of a household is its estate and building. The result names the cut-off at which
        it was counted: counting again with the same `known` gives the same numbers.
        """
        cutoff = self._cutoff(known)
        return statistics(self._happenings(cutoff), period, cutoff)

    def warnings(
        self, on: date, *, known: datetime | None = None, policy: str = DEFAULT_SLA
    ) -> list[Unusual]:
        """Places and trades in which more than usual happened up to a day (REQ-19)."""
        table = self._host.policies.find(SlaPolicy, policy, on).early_warning
        return early_warnings(self._happenings(self._cutoff(known)), on, table)

    def warn(self, on: date, *, by: Actor = SYSTEM, policy: str = DEFAULT_SLA) -> list[Unusual]:
        """Record the warnings of a day with the events behind them; each one once.

        Raises:
            Refused: it is not for `by`.
        """
        self._desk.may(by, "warn")
        found = self.warnings(on, policy=policy)
        for w in found:
            warning = RaiseWarning(
                place=w.place,
                trade=w.trade,
                measure=w.measure,
                window_start=w.window.start,
                window_end=w.window.end,
                count=w.count,
                usual_per_mille=w.usual_per_mille,
                positions=w.positions,
            )
            self._desk.within(warning, by=by)
        return found

    def effect(self, plan: str, *, known: datetime | None = None) -> Effect:
        """What an improvement plan has moved so far, computed from the events (REQ-18).

        Raises:
            Invalid: there is no such plan.
        """
        log = self._host.log
        state, _ = log.fold(PLAN.stream(plan), PLAN.decider.evolve, PLAN.decider.initial)
        if state.proposed is None:
            raise Invalid.one("plan_unknown", plan=plan)
        return effect(state.proposed, self._happenings(self._cutoff(known)))

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

    def provisional(self, *, all: bool = False) -> Iterator[Provisional]:
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
        pins = [kind.stored for kind in EVENTS if kind.cls in (RequestReceived, PolicyRebased)]
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
        names = REQUEST_NAMES | {REGISTERED}
        events = self._host.log.feed(upto=cutoff.position, names=names)

        def requests() -> Iterator[Recorded[Any]]:
            for recorded in events:
                if recorded.name == REGISTERED:
                    file = recorded.event
                    places[file.household] = f"{file.estate} {file.building}"
                else:
                    yield recorded

        return happenings(
            requests(), cutoff, self._host.zone, lambda household: places.get(household, "")
        )
