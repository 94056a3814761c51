"""Gradings over the log: runs, explanations, replay. `CRM.gradings` is one.

What is decided stands in `crm_core.gradings`; here it is read from the log and written to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import islice
from typing import Any

from attrs import Factory, frozen

from crm_core.application.adopted import (
    NOT_FACTS,
    adopted,
    allocations_at_hand,
    book_with_adopted,
    pinned,
)
from crm_core.application.checking import utc
from crm_core.application.desk import Desk
from crm_core.application.host import Host, present_day
from crm_core.application.work import Planned
from crm_core.errors import DecisionMismatch, Invalid, PolicyInactive
from crm_core.gradings.commands import CompleteRun, RecordGrading, StartRun
from crm_core.gradings.criteria import assess, follows
from crm_core.gradings.decide import GRADING, RUN
from crm_core.gradings.engines.events import EventsEngine
from crm_core.gradings.engines.port import Ask, FactsEngine
from crm_core.gradings.events import (
    ABOUT_HOUSEHOLDS,
    COMPLETED,
    DECIDED,
    GradingDecided,
    RunStarted,
)
from crm_core.gradings.explain import explanation
from crm_core.gradings.policy import DEFAULT_GRADING, GradingPolicy
from crm_core.gradings.replay import Affected, Replay, affected, run_id
from crm_core.gradings.review import Standing, standing, untouched
from crm_core.gradings.state import Gradings as Graded
from crm_core.gradings.views import grading_row
from crm_core.kernel.dates import EARLIEST_YEAR, LATEST_YEAR, Period
from crm_core.kernel.history import visible
from crm_core.kernel.policy import PolicyRef
from crm_core.kernel.recorded import SYSTEM, Actor, Cutoff
from crm_core.kernel.sentences import Lang
from crm_core.payments.allocation_policy import AllocationPolicy
from crm_core.payments.clauses import Allocations
from crm_core.payments.credit import CreditPolicy
from crm_core.policies import PolicyBook
from crm_core.ports import EVENTS, Progress, silent

CHUNK_HOUSEHOLDS = 500
"""Gradings written in one transaction of a run; an interruption loses no more than these."""


@frozen
class GradingRun:
    """A yearly run with its gradings, sorted by household.

    Args:
        standings: What holds today, for the households about whose grading people did something.
    """

    run: str
    year: int
    policy: PolicyRef
    cutoff: Cutoff
    gradings: tuple[GradingDecided, ...]
    standings: Mapping[str, Standing] = Factory(dict)

    def standing(self, grading: GradingDecided) -> Standing:
        """What holds of one of its gradings."""
        return self.standings.get(grading.household) or untouched(grading)

    def rows(self) -> list[dict[str, Any]]:
        """The graded list as plain data."""
        return [grading_row(g, self.standings.get(g.household)) for g in self.gradings]


class Gradings:
    """Runs, explanations and replay.

    Args:
        host: Ports and policies.
        desk: Where gradings are written down.
        engines: Engines besides the one that reads events, each under its name.
    """

    def __init__(self, host: Host, desk: Desk, engines: Iterable[FactsEngine] = ()) -> None:
        self._host, self._desk = host, desk
        self._log = host.log
        self._events = EventsEngine(host.log, host.zone)
        self._known: dict[PolicyRef, GradingPolicy] = {}
        self.engines: Mapping[str, FactsEngine] = {
            engine.name: engine for engine in (self._events, *engines)
        }

    def engine(self, name: str) -> FactsEngine:
        """The engine of that name.

        Raises:
            Invalid: there is none.
        """
        found = self.engines.get(name)
        if found is None:
            known = [f"`{one}`" for one in sorted(self.engines)]
            raise Invalid.one("engine_unknown", engine=name, known=known)
        return found

    # --- runs ------------------------------------------------------------------------------

    def grade(
        self,
        year: int,
        *,
        known: datetime | None = None,
        policy: str = DEFAULT_GRADING,
        by: Actor = SYSTEM,
        progress: Progress = silent,
        engine: str = EVENTS,
    ) -> GradingRun:
        """See `CRM.grade`."""
        self._desk.may(by, "grade")
        if not EARLIEST_YEAR <= year <= LATEST_YEAR:
            raise Invalid.one("year_out_of_range", earliest=EARLIEST_YEAR, latest=LATEST_YEAR)
        facts = self.engine(engine)
        window = Period.of_year(year)
        table = self.book(policy).find(GradingPolicy, policy, window.end)
        self._check_adopted(table)
        credit = self._host.policies.find(CreditPolicy, table.credit, window.end)
        cutoff = self.cutoff(known)
        run = run_id(year, table.ref, credit.ref, cutoff)
        state, _ = self._log.fold(RUN.stream(run), RUN.decider.evolve, RUN.decider.initial)
        if state.gradings is not None:
            return self._recorded_run(run, state.started)
        started = RunStarted(
            run=run,
            year=year,
            policy=table.ref,
            credit_policy=credit.ref,
            cutoff_position=cutoff.position,
            cutoff_known=cutoff.known,
        )
        self._desk.within(StartRun(started), by=by, id=f"{run}:start")
        count = 0
        decided = _decided(started, table, Ask(window, cutoff, credit, self.allocations()), facts)
        while chunk := list(islice(decided, CHUNK_HOUSEHOLDS)):
            count += len(chunk)
            self._record(chunk, table, by)
            progress(len(chunk))
        self._desk.within(CompleteRun(run, year, count), by=by, id=f"{run}:complete")
        return self._recorded_run(run, started)

    def grades(
        self, year: int, *, run: str | None = None, known: datetime | None = None
    ) -> GradingRun:
        """The recorded gradings of a year: of its latest complete run, or of the run named.

        Args:
            known: As known at this instant: runs and what people did about them since are left out.

        Raises:
            Invalid: there is no such run.
            DecisionMismatch: a recorded outcome does not follow from its own facts and policy.
        """
        known = utc(known, "known")
        started = self.started(year, run, known)
        return self._recorded_run(started.run, started, known)

    def started(
        self, year: int, run: str | None = None, known: datetime | None = None
    ) -> RunStarted:
        """How the latest complete run of a year, or the run named, was started.

        Raises:
            Invalid: there is no such run.
            DecisionMismatch: it is complete but was never started.
        """
        wanted: str | None = None
        for completed in self._log.feed(names=[COMPLETED]):
            if known is not None and completed.recorded > known:
                continue
            if completed.event.year == year and run in (None, completed.event.run):
                wanted = completed.event.run
        if wanted is None:
            which = "run_unknown" if run else "year_ungraded"
            raise Invalid.one("run_unknown", sentence=which, run=run or "", year=year)
        state, _ = self._log.fold(RUN.stream(wanted), RUN.decider.evolve, RUN.decider.initial)
        return _started(wanted, state.started)

    # --- explanation, replay, late facts ---------------------------------------------------

    def explain(
        self,
        household: str,
        year: int,
        *,
        run: str | None = None,
        reader: str = "auditor",
        lang: Lang = "en",
    ) -> dict[str, Any]:
        """See `CRM.explain`."""
        state, found = GRADING.decider.initial, list[str]()
        for recorded in self._log.read(GRADING.stream(household)):
            event = recorded.event
            if recorded.name == DECIDED and event.year == year and run in (None, event.run):
                # Each of them, also one that somebody wrote a second time past the decider.
                check_decision(event, self.policy(event.policy))
                found.append(event.run)
            state = GRADING.decider.evolve(state, event)
        if not found:
            raise Invalid.one("grading_unknown", household=household, year=year)
        now = standing(state, found[-1], present_day(self._host))
        policy = self.policy(now.grading.policy)
        _check_confirmed(now, policy)
        return explanation(now, policy, reader, lang)

    def history(
        self, household: str, *, on: date | None = None, known: datetime | None = None
    ) -> list[Standing]:
        """The graded history of a household: every grading, as it stood (GRD-16).

        Args:
            on: As of this day; by default today.
            known: As known at this instant.
        """
        seen = visible(self._log.read(GRADING.stream(household)), on=on, known=utc(known, "known"))
        state = GRADING.decider.fold(e.event for e in seen)
        return [standing(state, run, on or present_day(self._host)) for run in state.by_run]

    def directory(
        self, *, on: date | None = None, known: datetime | None = None
    ) -> Iterator[Standing]:
        """The directory of graded customers (客户分级目录), GRD-16, sorted by household.

        Each household's latest grading, as it stood on a day and as known at an instant.
        """
        known = utc(known, "known")
        for _, events in self._log.by_household(names=ABOUT_HOUSEHOLDS):
            state = GRADING.decider.fold(e.event for e in visible(events, on=on, known=known))
            latest = _latest(state)
            if latest is not None:
                yield standing(state, latest, on or present_day(self._host))

    def waiting(self) -> Iterator[Standing]:
        """Gradings that wait for a person (GRD-02, GRD-03, GRD-13), sorted by household.

        Of a household's gradings the latest can wait for confirmations, and each for a review or
        for the confirmation of a type that was proposed.
        """
        for _, events in self._log.by_household(names=ABOUT_HOUSEHOLDS):
            state = GRADING.decider.fold(e.event for e in events)
            latest = _latest(state)
            for run in state.by_run:
                now = standing(state, run, present_day(self._host))
                if now.waits_for and (run == latest or {"review", "type"} & {*now.waits_for}):
                    yield now

    def replay(
        self, year: int | None = None, *, progress: Progress = silent, engine: str = EVENTS
    ) -> Replay:
        """See `CRM.replay`."""
        found = self.engine(engine)
        return found.replay(year, self.pinned, progress, allocations=self.allocated)

    def affected(self, year: int | None = None) -> Iterator[Affected]:
        """Recorded decisions that facts known by now would change (GRD-09); nothing is changed."""
        now = self.cutoff(None)
        for _, facts, decided in self._events.decided():
            for grading in decided:
                if year in (None, grading.year):
                    found = affected(
                        grading, facts, self.pinned, self._host.zone, now, self.allocated
                    )
                    if found is not None:
                        yield found

    # --- within ----------------------------------------------------------------------------

    def cutoff(self, known: datetime | None) -> Cutoff:
        """The cut-off of that knowledge; gradings are no facts and do not move it."""
        return self._log.cutoff(utc(known, "known"), without=NOT_FACTS)

    def book(self, name: str) -> PolicyBook:
        """The policies at hand, with the versions of that name that were adopted in the log."""
        return book_with_adopted(self._log, self._host.registry, self._host.policies, name)

    def pinned(self, policy: PolicyRef, credit: PolicyRef) -> tuple[GradingPolicy, CreditPolicy]:
        """The two policies that a decision pins.

        Raises:
            UnknownPolicy, PolicyDigestMismatch: they are not at hand.
        """
        return self.policy(policy), self._host.policies.pinned(CreditPolicy, credit)

    def allocations(self) -> Allocations:
        """The allocation policies at hand, those adopted in the log among them."""
        return allocations_at_hand(self._host)

    def allocated(self, refs: tuple[PolicyRef, ...]) -> Allocations:
        """The allocation policies that a decision pins.

        Raises:
            UnknownPolicy, PolicyDigestMismatch: they are not at hand.
        """
        found = self.allocations().policies
        book = self._host.policies
        return Allocations(
            tuple(pinned(book, AllocationPolicy, ref, lambda: found) for ref in refs)
        )

    def policy(self, ref: PolicyRef) -> GradingPolicy:
        """The grading policy that a decision pins.

        Raises:
            UnknownPolicy, PolicyDigestMismatch: it is not at hand.
        """
        found = self._known.get(ref)
        if found is None:
            found = self._known[ref] = self.book(ref.name).pinned(GradingPolicy, ref)
        return found

    def _check_adopted(self, table: GradingPolicy) -> None:
        """What stands in the log as a draft is one, whatever a file says of itself."""
        version = adopted(self._log, table.ref.name).get(table.ref.version)
        if version is not None and not version.usable:
            raise PolicyInactive.one(
                "policy_inactive",
                sentence=f"policy_inactive_{version.stage}",
                policy=str(table.ref),
            )

    def _record(self, gradings: Sequence[GradingDecided], table: GradingPolicy, by: Actor) -> None:
        at = self._host.clock.now()
        planned = [
            Planned(RecordGrading(g, policy=table), f"{g.run}:{g.household}", at) for g in gradings
        ]
        known = self._log.outcomes([item.id for item in planned])
        fresh = [item for item in planned if item.id not in known]
        self._desk.batch(fresh, by=by, inside=True)

    def _recorded_run(
        self, run: str, started: RunStarted | None, known: datetime | None = None
    ) -> GradingRun:
        begun = _started(run, started)
        gradings, standings = [], {}
        today = present_day(self._host)
        for household, events in self._log.by_household(names=ABOUT_HOUSEHOLDS):
            graded = [e.event for e in events if e.name == DECIDED and e.event.run == begun.run]
            for grading in graded:
                check_decision(grading, self.policy(grading.policy))
                gradings.append(grading)
            if graded and any(e.name != DECIDED for e in events):
                seen = visible(events, known=known)
                state = GRADING.decider.fold(e.event for e in seen)
                if state.acts:
                    standings[household] = standing(state, begun.run, today)
        cutoff = Cutoff(begun.cutoff_position, begun.cutoff_known)
        return GradingRun(
            run=begun.run,
            year=begun.year,
            policy=begun.policy,
            cutoff=cutoff,
            gradings=tuple(gradings),
            standings=standings,
        )


def _latest(state: Graded) -> str | None:
    """Run of the grading of the latest year; of several the one decided last."""
    latest = max(
        enumerate(state.by_run.values()),
        key=lambda numbered: (numbered[1].period_end, numbered[0]),
        default=None,
    )
    return None if latest is None else latest[1].run


def check_decision(grading: GradingDecided, policy: GradingPolicy) -> None:
    """The paired assertion on the way back from the store.

    Raises:
        DecisionMismatch: the outcome does not follow from the grading's own facts.
    """
    # INVARIANT (GRD-06): checked on the way to the store, and here on the way back.
    if not follows(grading.outcome, grading.facts, policy):
        raise DecisionMismatch(
            "grading_does_not_follow", household=grading.household, year=grading.year
        )


def _check_confirmed(now: Standing, policy: GradingPolicy) -> None:
    if now.type_confirmed and assess(now.grading.facts, policy, now.type) != now.outcome:
        raise DecisionMismatch(
            "confirmed_type_does_not_follow",
            household=now.grading.household,
            year=now.grading.year,
        )


def _decided(
    started: RunStarted, table: GradingPolicy, ask: Ask, engine: FactsEngine
) -> Iterator[GradingDecided]:
    for household, facts, evidence, allocations in engine.gather(ask):
        yield GradingDecided(
            household=household,
            run=started.run,
            year=started.year,
            period_start=ask.window.start,
            period_end=ask.window.end,
            policy=table.ref,
            credit_policy=ask.credit.ref,
            cutoff_position=ask.cutoff.position,
            cutoff_known=ask.cutoff.known,
            facts=facts,
            evidence=evidence,
            outcome=assess(facts, table),
            decided_by="rule",
            allocations=allocations,
        )


def _started(run: str, started: RunStarted | None) -> RunStarted:
    if started is None:
        raise DecisionMismatch("run_never_started", run=run)
    return started
