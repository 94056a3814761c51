"""Questions about requests: statistics, early warnings, what a plan has moved.

`CRM.requests` is one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Any

from crm_core.application.adopted import NOT_FACTS
from crm_core.application.checking import utc
from crm_core.application.desk import Desk
from crm_core.application.host import Host
from crm_core.application.places import place_of
from crm_core.errors import Invalid
from crm_core.kernel.dates import Period, local_date
from crm_core.kernel.recorded import SYSTEM, Actor, Cutoff, Recorded
from crm_core.owners.facts import REGISTERED
from crm_core.requests import PLAN
from crm_core.requests.early_warning import (
    EVENTS as _WARNINGS,
)
from crm_core.requests.early_warning import (
    MATTER_NAMES,
    Counted,
    Unusual,
    WarningRaised,
    first_day,
    matter_of,
    raise_warning,
    unusual,
)
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

    def raised(self, since: date = date.min) -> list[WarningRaised]:
        """The warnings that were raised for windows that end on a day or later, in that order."""
        names = {kind.stored for kind in _WARNINGS if kind.cls is WarningRaised}
        found = [recorded.event for recorded in self._host.log.feed(names=names)]
        return sorted(
            (one for one in found if one.window_end >= since),
            key=lambda one: (one.window_end, one.place, one.trade, one.measure),
        )

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

    def _cutoff(self, known: datetime | None) -> Cutoff:
        return self._host.log.cutoff(utc(known, "known"), without=NOT_FACTS)

    def _happenings(self, cutoff: Cutoff) -> Iterable[Happening]:
        places: dict[str, str] = {}
        events = self._events(cutoff, REQUEST_NAMES, places)
        return happenings(
            events, cutoff, self._host.zone, lambda household: places.get(household, "")
        )

    def _counted(self, cutoff: Cutoff) -> Iterator[Counted]:
        """What is counted for early warnings, as known at the cut-off."""
        places: dict[str, str] = {}
        for recorded in self._events(cutoff, MATTER_NAMES, places):
            matter = matter_of(recorded)
            if matter is not None and cutoff.sees(recorded):
                yield Counted(
                    place=places.get(matter.household) or matter.place,
                    trade=matter.trade,
                    measure=matter.measure,
                    day=local_date(matter.at, self._host.zone),
                    position=matter.position,
                )

    def _events(
        self, cutoff: Cutoff, names: frozenset[str], places: dict[str, str]
    ) -> Iterator[Recorded[Any]]:
        """Events of these names; the places of households are noted on the way."""
        for recorded in self._host.log.feed(upto=cutoff.position, names=names | {REGISTERED}):
            if recorded.name == REGISTERED:
                file = recorded.event
                places[file.household] = place_of(file)
            else:
                yield recorded
