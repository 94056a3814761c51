"""The events engine: facts folded from the log, one household after another.

It is the reference of `FactsEngine`. Memory grows with the longest history of a household, not
with the log.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from functools import partial

from attrs import field

from crm_core.gradings.criteria import layer_and_type
from crm_core.gradings.engines.merged import (
    facts_by_household,
    facts_of,
    merged_ever,
    merges_at,
    merges_seen,
)
from crm_core.gradings.engines.port import Ask, Assessed, CreditLine, Gathered, Owing
from crm_core.gradings.events import DECIDED, GradingDecided, GradingHead
from crm_core.gradings.facts import EVENT_NAMES, VOIDS, gather
from crm_core.gradings.policy import GradingPolicy
from crm_core.gradings.replay import (
    Difference,
    FindAllocations,
    Policies,
    Replay,
    check,
    check_intact,
    epochs_seen,
    estate_of,
    none_at_hand,
)
from crm_core.kernel.recorded import Cutoff, KnownEvent, Verbatim
from crm_core.kernel.tenures import Tenures
from crm_core.kernel.values import frozen
from crm_core.kernel.voiding import standing
from crm_core.owners.facts import REGISTERED, TENURES, HouseholdRegistered, tenures
from crm_core.payments.facts import (
    USUAL,
    Allocations,
    CreditPolicy,
    Ledger,
    aged,
    credit_standing,
    ledgers,
    others,
)
from crm_core.ports import EventLog, Progress

READ = EVENT_NAMES | {REGISTERED}
"""Stored names of what is read of a household."""


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
        allocations: Allocations = USUAL,
    ) -> Iterator[CreditLine]:
        """Credit on a day as known at an instant (PAY-03, PAY-04)."""
        for household, _, books, held in self._accounts(on, known, households, allocations):
            now = credit_standing(books[held.index(on)], on, table)
            yield CreditLine(household, now.grade, now.overdue_days, now.overdue_fen)

    def gather(self, ask: Ask, households: Sequence[str] | None = None) -> Iterator[Gathered]:
        """Facts and evidence of every household known at the cut-off."""
        window, cutoff, credit = ask.window, ask.cutoff, ask.credit
        merges = merges_at(self.log, window.end, cutoff)
        for household, told in facts_by_household(
            self.log, merges, names=READ, upto=cutoff.position, households=households
        ):
            estate = estate_of(told, cutoff)
            if estate is not None:
                by = epochs_seen(ask.allocations, estate, told, cutoff)
                found = gather(told, window, cutoff, credit, self.zone, ask.reading, by)
                yield Gathered(household, *found, others(by))

    def assess(
        self, ask: Ask, policy: GradingPolicy, households: Sequence[str] | None = None
    ) -> Iterator[Assessed]:
        """Facts, type and layer of every household known at the cut-off."""
        for found in self.gather(ask, households):
            layer, kind = layer_and_type(found.facts, policy)
            yield Assessed(found.household, found.facts, kind, layer)

    def arrears(
        self,
        on: date,
        known: datetime | None,
        table: CreditPolicy,
        households: Sequence[str] | None = None,
        allocations: Allocations = USUAL,
    ) -> Iterator[Owing]:
        """Whatever is owed on a day, of each tenure (PAY-03, PAY-16); households sorted."""
        for household, file, books, held in self._accounts(on, known, households, allocations):
            for tenure, ledger in zip(held.every, books, strict=True):
                found = aged(ledger, on, table)
                if found.overdue_fen or found.disputed_fen:
                    yield Owing(household, tenure.key, file.estate, found)

    def replay(
        self,
        year: int | None,
        policies: Policies,
        progress: Progress,
        *,
        upto: int | None = None,
        households: Sequence[str] | None = None,
        within: tuple[str, str | None] = ("", None),
        allocations: FindAllocations = none_at_hand,
        verify: bool = False,
    ) -> Replay:
        """Recorded gradings decided again, each household's facts read once for all of them.

        Args:
            upto: Last position to be read; by default that of the end of the log.
            households: Only these; all by default.
            within: Only households from the first on, and before the second if there is one.
            allocations: Finds the allocation policies that a decision pins.
            verify: Verify the log's chain first.
        """
        if verify:
            check_intact(self.log)
        differing: list[Difference] = []
        gradings = events = 0
        concerned = merged_ever(self.log)
        for household, facts in self.log.facts(
            upto=upto,
            names=READ | {DECIDED},
            households=households,
            heads={DECIDED: GradingHead},
            within=within,
        ):
            told = [fact for fact in facts if type(fact[2]) is not Verbatim]
            events += len(facts)
            for position, _, kept in facts:
                if type(kept) is not Verbatim or year not in (None, kept.head.year):
                    continue
                gradings += 1
                whole = partial(self._decided_at, position)
                seen = told
                if household in concerned:
                    seen = self._seen_by(kept.head, household, told)
                difference = check(
                    kept, seen, policies, self.zone, self.log.canonical, whole, allocations
                )
                if difference is not None:
                    differing.append(difference)
            progress(len(facts) - len(told))
        return Replay(
            gradings=gradings,
            identical=gradings - len(differing),
            differing=tuple(differing),
            events=events,
            engine=self.name,
        )

    def close(self) -> None:
        """Nothing is held but the log."""

    def decided(self) -> Iterator[tuple[str, list[KnownEvent], list[GradingDecided]]]:
        """Each household with its facts and its recorded gradings."""
        for household, facts in self.log.facts(names=READ | {DECIDED}):
            decided = [event for _, _, event in facts if type(event) is GradingDecided]
            yield household, [f for f in facts if type(f[2]) is not GradingDecided], decided

    def _seen_by(
        self, grading: GradingHead, household: str, told: list[KnownEvent]
    ) -> list[KnownEvent]:
        """The facts that a grading was decided on, as files were merged at its own cut-off."""
        cutoff = Cutoff(grading.cutoff_position, grading.cutoff_known)
        merges = merges_at(self.log, grading.period_end, cutoff)
        return facts_of(self.log, household, told, merges, READ)

    def _accounts(
        self,
        on: date,
        known: datetime | None,
        households: Sequence[str] | None,
        allocations: Allocations,
    ) -> Iterator[tuple[str, HouseholdRegistered, tuple[Ledger, ...], Tenures]]:
        """Households whose file was known at an instant, with their ledgers, one a tenure."""
        merges = merges_seen(self.log, on, known)
        for household, told in facts_by_household(
            self.log, merges, names=READ, households=households
        ):
            held_then = [fact for fact in told if known is None or fact[1] <= known]
            seen = [(event, position) for position, _, event in standing(held_then, VOIDS)]
            file = next((e for e, _ in seen if type(e) is HouseholdRegistered), None)
            if file is not None:
                by = allocations.of(file.estate, [e for e, _ in seen])
                held = tenures([e for e, _ in seen if type(e) in TENURES])
                yield household, file, ledgers(seen, held, by), held

    def _decided_at(self, position: int) -> GradingDecided:
        [recorded] = self.log.feed(after=position - 1, upto=position)
        return recorded.event  # type: ignore[no-any-return]
