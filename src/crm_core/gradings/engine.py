"""The events engine: facts folded from the log, one household after another.

It is the reference of `FactsEngine`. Memory grows with the longest history of a household, not
with the log.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any

from attrs import field, frozen

from crm_core.gradings.criteria import layer_and_type
from crm_core.gradings.events import DECIDED, GradingDecided
from crm_core.gradings.facts import EVENT_NAMES, REGISTERED, gather
from crm_core.gradings.facts_engine import Ask, Assessed, CreditLine, Gathered
from crm_core.gradings.policy import GradingPolicy
from crm_core.gradings.replay import Finding, Policies, Replay, check
from crm_core.history import visible
from crm_core.kernel.recorded import Recorded
from crm_core.payments.credit import CreditPolicy, standing
from crm_core.payments.ledger import Ledger
from crm_core.ports import EventLog, Progress

Events = list[Recorded[Any]]

_READ = EVENT_NAMES | {REGISTERED}


@frozen
class EventsEngine:
    """Reads every household's facts from the log.

    Args:
        log: The history.
        zone: Zone in which instants fall on days.
    """

    log: EventLog
    zone: str
    name: str = field(default="events", init=False)

    def credit(
        self,
        on: date,
        known: datetime | None,
        table: CreditPolicy,
        households: Sequence[str] | None = None,
    ) -> Iterator[CreditLine]:
        """Credit on a day as known at an instant (PAY-03, PAY-04)."""
        for household, events in self.log.by_household(names=_READ, households=households):
            seen = visible(events, known=known)
            if any(e.name == REGISTERED for e in seen):
                now = standing(Ledger.of((e.event, e.position) for e in seen), on, table)
                yield CreditLine(household, now.grade, now.overdue_days, now.overdue_fen)

    def gather(self, ask: Ask, households: Sequence[str] | None = None) -> Iterator[Gathered]:
        """Facts and evidence of every household known at the cut-off."""
        window, cutoff, credit = ask.window, ask.cutoff, ask.credit
        for household, events in self.log.by_household(
            upto=cutoff.position, names=_READ, households=households
        ):
            if any(e.name == REGISTERED and cutoff.sees(e) for e in events):
                yield Gathered(household, *gather(events, window, cutoff, credit, self.zone))

    def assess(
        self, ask: Ask, policy: GradingPolicy, households: Sequence[str] | None = None
    ) -> Iterator[Assessed]:
        """Facts, type and layer of every household known at the cut-off."""
        for household, facts, _ in self.gather(ask, households):
            layer, kind = layer_and_type(facts, policy)
            yield Assessed(household, facts, kind, layer)

    def replay(self, year: int | None, policies: Policies, progress: Progress) -> Replay:
        """Recorded gradings decided again, each household's facts read once for all of them."""
        findings: list[Finding] = []
        gradings = events = 0
        for _, facts, decided in self.decided():
            events += len(facts) + len(decided)
            for grading in decided:
                if year is not None and grading.year != year:
                    continue
                gradings += 1
                finding = check(grading, facts, policies, self.zone, self.log.canonical)
                if finding is not None:
                    findings.append(finding)
            progress(len(decided))
        return Replay(gradings, gradings - len(findings), tuple(findings), events, self.name)

    def decided(self) -> Iterator[tuple[str, Events, list[GradingDecided]]]:
        """Each household with its facts and its recorded gradings."""
        for household, events in self.log.by_household(names=_READ | {DECIDED}):
            decided = [e.event for e in events if e.name == DECIDED]
            yield household, [e for e in events if e.name != DECIDED], decided
