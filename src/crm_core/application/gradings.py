"""Gradings over the log: runs, explanations, replay. `CRM.gradings` is one.

What is decided stands in `crm_core.gradings`; here it is read from the log and written to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any, Unpack

from crm_core.application.access import Asked
from crm_core.application.adopted import (
    NOT_FACTS,
    adopted,
    adopted_of,
    allocations_at_hand,
    book_with_adopted,
    pinned,
)
from crm_core.application.checking import utc
from crm_core.application.desk import Desk, Given, Receipt
from crm_core.application.host import Host, present_day
from crm_core.application.records import graded_in, moved, records_of, records_since, year_of
from crm_core.application.runs import GradingRun, RunLine, run_of
from crm_core.application.work import Planned
from crm_core.errors import Conflict, DecisionMismatch, Invalid, PolicyInactive, Refused
from crm_core.gradings.commands import CompleteRun, RecordGrading, ReplaceRecord, StartRun
from crm_core.gradings.criteria import assess, follows
from crm_core.gradings.decide import GRADING, unfit
from crm_core.gradings.engines.events import READ, EventsEngine
from crm_core.gradings.engines.merged import (
    facts_of,
    merged_ever,
    merges_at,
    merges_seen,
    merges_telling,
)
from crm_core.gradings.engines.port import Ask, FactsEngine
from crm_core.gradings.events import (
    ABOUT_HOUSEHOLDS,
    DECIDED,
    GradingDecided,
    Moved,
    RunStarted,
)
from crm_core.gradings.explain import explanation
from crm_core.gradings.policy import DEFAULT_GRADING, GradingPolicy
from crm_core.gradings.reading import DEFAULT_READING, Reading
from crm_core.gradings.record import OF_RECORD, Records, joined, run_of_record, standing_of, trials
from crm_core.gradings.replay import Affected, Replay, affected, run_id
from crm_core.gradings.review import Standing, correction, disputes, holding, standing
from crm_core.gradings.state import Gradings as Graded
from crm_core.gradings.state import Year
from crm_core.kernel.dates import (
    EARLIEST_YEAR,
    LATEST_YEAR,
    Period,
    instant_text,
    start_of_day,
)
from crm_core.kernel.history import visible
from crm_core.kernel.policy import PolicyRef
from crm_core.kernel.recorded import SYSTEM, Actor, Cutoff
from crm_core.kernel.sentences import Lang
from crm_core.payments.allocation_policy import AllocationPolicy
from crm_core.payments.clauses import Allocations
from crm_core.payments.credit import CreditPolicy
from crm_core.policies import PolicyBook
from crm_core.ports import EVENTS, Progress, silent

PREVIEW = "preview"

LOOKS = 8
"""How often a cut-off is looked for while facts come in."""

CHUNK_HOUSEHOLDS = 500
"""Gradings written in one transaction of a run; an interruption loses no more than these."""


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
        policy: str | None = None,
        trial: bool = False,
        by: Actor = SYSTEM,
        progress: Progress = silent,
        engine: str = EVENTS,
    ) -> GradingRun:
        """See `CRM.grade`."""
        self._desk.may(by, "grade")
        facts = self.engine(engine)
        asked = self._asked(year, known, policy, trial=trial)
        if not trial and asked.started_at < asked.year_ended:
            raise Invalid.one("year_not_over", year=year, day=str(Period.of_year(year).end))
        if asked.run not in self.year(year).completed:
            # The same run is begun once, though the clock differs for whoever begins it.
            begins = f"{asked.run}:start:{instant_text(asked.started_at)}:{asked.unseen}"
            self._desk.within(StartRun(asked), by=by, id=begins)
        begun = self.year(year)
        run = joined(begun, asked)
        if run not in begun.completed:
            self._decide(begun.runs[run], facts, by, progress)
        return self._recorded_run(year, run)

    def preview(
        self,
        year: int,
        *,
        known: datetime | None = None,
        policy: str | None = None,
        engine: str = EVENTS,
        **_asked: Unpack[Asked],
    ) -> GradingRun:
        """What a run would say, as known at an instant; it writes nothing (GRD-09).

        Args:
            policy: As for `CRM.grade`.
        """
        started = self._asked(year, known, policy, trial=False)
        table = self.policy(started.policy)
        decided = tuple(_decided(started, table, self._ask(started), self.engine(engine)))
        return run_of(started, PREVIEW, decided)

    def grades(
        self,
        year: int,
        *,
        run: str | None = None,
        known: datetime | None = None,
        **_asked: Unpack[Asked],
    ) -> GradingRun:
        """The recorded gradings of a year: of its run of record, or of the run named.

        Args:
            known: As known at this instant: runs and what people did about them since are left out.

        Raises:
            Invalid: there is no such run; or the year has no run of record (its trials are named).
            DecisionMismatch: a recorded outcome does not follow from its own facts and policy.
        """
        known = utc(known, "known")
        return self._recorded_run(year, self.named(year, run, known), known)

    def named(self, year: int, run: str | None = None, known: datetime | None = None) -> str:
        """The run of record of a year, or the run named if it is complete.

        Raises:
            Invalid: there is none.
        """
        state = self.year(year, known)
        if run is not None:
            if run not in state.completed:
                raise Invalid.one("run_unknown", run=run, year=year)
            return run
        found = run_of_record(state)
        if found is not None:
            return found
        left = trials(state)
        if not left:
            raise Invalid.one("run_unknown", sentence="year_ungraded", run="", year=year)
        raise Invalid.one("year_without_record", year=year, trials=[f"`{one}`" for one in left])

    def runs(
        self,
        year: int,
        *,
        known: datetime | None = None,
        **_asked: Unpack[Asked],
    ) -> tuple[RunLine, ...]:
        """The complete runs of a year in the order in which they began, trials among them."""
        state = self.year(year, utc(known, "known"))
        return tuple(
            RunLine(
                run=run,
                year=year,
                standing=standing_of(state, run),
                policy=begun.policy,
                started_at=begun.started_at,
                cutoff=Cutoff(begun.cutoff_position, begun.cutoff_known),
                gradings=state.completed[run],
            )
            for run, begun in state.runs.items()
            if run in state.completed
        )

    def year(
        self,
        year: int,
        known: datetime | None = None,
        **_asked: Unpack[Asked],
    ) -> Year:
        """The runs of a year, as known at an instant."""
        return year_of(self._log, year, known)

    def records(self, known: datetime | None = None) -> Records:
        """The runs of record of all years, as known at an instant."""
        return records_of(self._log, known)

    def replacing(
        self,
        year: int,
        run: str,
        **_asked: Unpack[Asked],
    ) -> tuple[Moved, ...]:
        """Whom it would move if a run took the place of the run of record (GRD-17).

        What people decided is applied to either, so who was overridden stays where they are.

        Raises:
            Invalid: there is no such run.
            Refused: it is the run of record already, or began before the year was over.
        """
        named = self.named(year, run)
        refusal = unfit(self.year(year), year, named)
        if refusal is not None:
            raise Refused(refusal)
        return moved(self._log, year, named, self.policy, present_day(self._host))

    def replace(self, year: int, run: str, reason: str, *, by: Actor, moves: int) -> Receipt:
        """Let a run take the place of the run of record, as a director; see `ReplaceRecord`."""
        command = ReplaceRecord(
            year=year, run=run, reason=reason, on=present_day(self._host), moves=moves
        )
        return self._desk.do(command, Given(by))

    # --- explanation, replay, late facts ---------------------------------------------------

    def explain(
        self,
        household: str,
        year: int,
        *,
        run: str | None = None,
        reader: str = "auditor",
        lang: Lang = "en",
        **_asked: Unpack[Asked],
    ) -> dict[str, Any]:
        """See `CRM.explain`."""
        state = GRADING.decider.initial
        for recorded in self._desk.texts.each(self._log.read(GRADING.stream(household))):
            event = recorded.event
            if recorded.name == DECIDED and event.year == year:
                # Each of them, also one that somebody wrote a second time past the decider.
                check_decision(event, self.policy(event.policy))
            state = GRADING.decider.evolve(state, event)
        held = holding(state, self.named(year)) if run is None else run
        if held is None or held not in state.by_run or state.by_run[held].year != year:
            raise Invalid.one("grading_unknown", household=household, year=year)
        now = self._standing(state, held, self._records_since(year))
        runs = self.year(year)
        # A review's correction is a run of no year, and none of the trials.
        of_record = held not in runs.runs or standing_of(runs, held) == OF_RECORD
        return explanation(now, self.policy(now.grading.policy), reader, lang, of_record=of_record)

    def history(
        self,
        household: str,
        *,
        on: date | None = None,
        known: datetime | None = None,
        **_asked: Unpack[Asked],
    ) -> list[Standing]:
        """The graded history of a household: the grading of each year that held (GRD-16).

        Where a review corrected it, what it corrected comes before it.

        Args:
            on: As of this day; by default today.
            known: As known at this instant.
        """
        known = utc(known, "known")
        told = self._desk.texts.each(self._log.read(GRADING.stream(household)))
        seen = visible(told, on=on, known=known)
        state = GRADING.decider.fold(e.event for e in seen)
        years = [grading.year for grading in state.by_run.values()]
        records = self._records_since(min(years), known) if years else Records()
        held = [records.by_year[year] for year in sorted(records.by_year)]
        runs = [run for first in held for run in _in_turn(state, first)]
        return [self._standing(state, run, records, on) for run in runs]

    def directory(
        self,
        *,
        on: date | None = None,
        known: datetime | None = None,
        **_asked: Unpack[Asked],
    ) -> Iterator[Standing]:
        """The directory of graded customers (客户分级目录), GRD-16, sorted by household.

        Each household's latest grading of record, as it stood on a day and as known at an instant.
        """
        known = utc(known, "known")
        records = self.records(known)
        latest = sorted(records.by_year, reverse=True)
        merges = merges_seen(self._log, on, known)
        for household, events in self._log.by_household(names=ABOUT_HOUSEHOLDS):
            if household in merges.into:
                # No customer any more: the surviving file is (OWN-09).
                continue
            seen = self._desk.texts.each(visible(events, on=on, known=known))
            state = GRADING.decider.fold(e.event for e in seen)
            runs = (holding(state, records.by_year[year]) for year in latest)
            run = next((run for run in runs if run is not None), None)
            if run is not None:
                yield self._standing(state, run, records, on)

    def waiting(
        self,
        **_asked: Unpack[Asked],
    ) -> Iterator[Standing]:
        """Gradings that wait for a person (GRD-02, GRD-03, GRD-13): every open item of every year.

        Sorted by household; those of record alone can wait for anybody.
        """
        records = self.records()
        for _, events in self._log.by_household(names=ABOUT_HOUSEHOLDS):
            state = GRADING.decider.fold(e.event for e in self._desk.texts.each(events))
            for year in sorted(records.by_year):
                run = holding(state, records.by_year[year])
                tenure = None if run is None else state.by_run[run].tenure
                # A later record may be of another tenure: then a dispute stays with its grading.
                runs = [run, *(one.run for one in disputes(state, year) if one.tenure != tenure)]
                for found in runs:
                    now = None if found is None else self._standing(state, found, records)
                    if now is not None and now.waits_for:
                        yield now

    def replay(
        self,
        year: int | None = None,
        *,
        progress: Progress = silent,
        engine: str = EVENTS,
        verify: bool = False,
        **_asked: Unpack[Asked],
    ) -> Replay:
        """See `CRM.replay`."""
        found = self.engine(engine)
        return found.replay(year, self.pinned, progress, allocations=self.allocated, verify=verify)

    def affected(
        self,
        year: int | None = None,
        **_asked: Unpack[Asked],
    ) -> Iterator[Affected]:
        """Decisions that hold and that facts known by now would change (GRD-09).

        Nothing is changed. A merge is such a fact to both files: gradings of the one that was
        merged stand, and are listed with the one that its facts count for now (OWN-09).
        """
        now, records = self.cutoff(None), self.records()
        merges, concerned = merges_seen(self._log, None), merged_ever(self._log)
        for household, facts, decided in self._events.decided():
            held: set[str | None] = set(records.by_year.values())
            if len({grading.year for grading in decided}) < len(decided):
                # One of several may be a correction, which the acts tell.
                acts = self._log.read(GRADING.stream(household))
                state = GRADING.decider.fold(e.event for e in acts)
                held = {holding(state, run) for run in records.by_year.values()}
            for grading in decided:
                if grading.run not in held or year not in (None, grading.year):
                    continue
                if household in merges.into:
                    yield self._merged(grading, merges.survivor(household))
                    continue
                seen = facts
                if household in concerned:
                    day = merges_at(self._log, grading.period_end, now)
                    seen = facts_of(self._log, household, facts, day, READ)
                found = affected(grading, seen, self.pinned, self._host.zone, now, self.allocated)
                if found is not None:
                    yield found

    # --- within ----------------------------------------------------------------------------

    def _merged(self, grading: GradingDecided, into: str) -> Affected:
        outcome = grading.outcome
        return Affected(
            household=grading.household,
            year=grading.year,
            run=grading.run,
            layer=outcome.layer,
            layer_now=outcome.layer,
            type=outcome.type,
            type_now=outcome.type,
            credit=grading.facts.credit,
            credit_now=grading.facts.credit,
            because=merges_telling(self._log, grading.household),
            merged_into=into,
        )

    def cutoff(self, known: datetime | None) -> Cutoff:
        """The cut-off of that knowledge; gradings are no facts and do not move it."""
        return self._log.cutoff(utc(known, "known"), without=NOT_FACTS)

    def book(self, name: str) -> PolicyBook:
        """The policies at hand, with the versions of that name that were adopted in the log."""
        return book_with_adopted(self._log, self._host.registry, self._host.policies, name)

    def pinned(
        self, policy: PolicyRef, credit: PolicyRef, reading: PolicyRef
    ) -> tuple[GradingPolicy, CreditPolicy, Reading]:
        """The policies and the reading that a decision pins.

        Raises:
            UnknownPolicy, PolicyDigestMismatch: they are not at hand.
        """
        book = self._host.policies
        return (
            self.policy(policy),
            book.pinned(CreditPolicy, credit),
            book.pinned(Reading, reading),
        )

    def in_force(self, end: date) -> GradingPolicy:
        """The grading policy in force on the last day of a year: the one adopted last by then.

        Of several that began on one day it is the one that was put up last. Where none was adopted
        it is the newest of the default policy.
        """
        host = self._host
        chosen = [
            policy
            for policy in adopted_of(host.log, host.registry, GradingPolicy)
            if policy.header.covers(end)
        ]
        if not chosen:
            return self.book(DEFAULT_GRADING).find(GradingPolicy, DEFAULT_GRADING, end)
        began = [policy.header.effective_from or date.min for policy in chosen]
        _, last = max((day, nth) for nth, day in enumerate(began))
        return chosen[last]

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

    def _asked(
        self, year: int, known: datetime | None, policy: str | None, *, trial: bool
    ) -> RunStarted:
        """The run that is asked for."""
        if not EARLIEST_YEAR <= year <= LATEST_YEAR:
            raise Invalid.one("year_out_of_range", earliest=EARLIEST_YEAR, latest=LATEST_YEAR)
        end = Period.of_year(year).end
        host = self._host
        table = self._table(year, policy, end)
        credit = host.policies.find(CreditPolicy, table.credit, end)
        reading = host.policies.find(Reading, DEFAULT_READING, end)
        ended = start_of_day(end + timedelta(days=1), host.zone)
        cutoff, unseen = self._cutoff(known, ended)
        return RunStarted(
            run=run_id(year, table.ref, credit.ref, reading.ref, cutoff, trial=trial),
            year=year,
            trial=trial,
            as_of=known is not None,
            policy=table.ref,
            in_force=self.in_force(end).ref,
            credit_policy=credit.ref,
            reading=reading.ref,
            cutoff_position=cutoff.position,
            cutoff_known=cutoff.known,
            started_at=host.clock.now(),
            year_ended=ended,
            unseen=unseen,
        )

    def _cutoff(self, known: datetime | None, ended: datetime) -> tuple[Cutoff, int]:
        """The cut-off, and how many facts recorded by the year's end lie beyond it.

        Facts that come in while it is looked for are seen, unless they come in all the time.
        """
        for _ in range(LOOKS):
            cutoff = self.cutoff(known)
            unseen = self._log.unseen(cutoff, ended, without=NOT_FACTS)
            if known is not None or not unseen:
                break
        return cutoff, unseen

    def _table(self, year: int, policy: str | None, end: date) -> GradingPolicy:
        """The policy asked for; else that of the run of record, else the one in force."""
        if policy is not None:
            table = self.book(policy).find(GradingPolicy, policy, end)
            self._check_adopted(table)
            return table
        state = self.year(year)
        held = run_of_record(state)
        return self.in_force(end) if held is None else self.policy(state.runs[held].policy)

    def _ask(self, started: RunStarted) -> Ask:
        _, credit, reading = self.pinned(started.policy, started.credit_policy, started.reading)
        cutoff = Cutoff(started.cutoff_position, started.cutoff_known)
        return Ask(
            window=Period.of_year(started.year),
            cutoff=cutoff,
            credit=credit,
            reading=reading,
            allocations=self.allocations(),
        )

    def _decide(
        self, started: RunStarted, facts: FactsEngine, by: Actor, progress: Progress
    ) -> None:
        """Grade every household, as far as that has not been done."""
        table, count = self.policy(started.policy), 0
        decided = _decided(started, table, self._ask(started), facts)
        while chunk := list(islice(decided, CHUNK_HOUSEHOLDS)):
            count += len(chunk)
            self._record(chunk, table, by)
            progress(len(chunk))
        run = started.run
        self._desk.within(CompleteRun(run, started.year, count), by=by, id=f"{run}:complete")

    def _record(self, gradings: Sequence[GradingDecided], table: GradingPolicy, by: Actor) -> None:
        at = self._host.clock.now()
        planned = [
            Planned(RecordGrading(g, policy=table), f"{g.run}:{g.household}", at) for g in gradings
        ]
        patience = self._host.patience
        for tried in range(1, patience.tries + 1):
            known = self._log.outcomes([item.id for item in planned])
            fresh = [item for item in planned if item.id not in known]
            try:
                self._desk.batch(fresh, by=by, inside=True)
            except Conflict:
                # Somebody else takes part in the same run, or decides about one of them.
                if tried == patience.tries:
                    raise
                patience.wait(tried)
                continue
            return

    def _records_since(self, year: int, known: datetime | None = None) -> Records:
        return records_since(self._log, year, present_day(self._host), known)

    def _standing(
        self, state: Graded, run: str, records: Records, on: date | None = None
    ) -> Standing:
        day = on or present_day(self._host)
        expired = records.has_later(state.by_run[run].year, day)
        return standing(state, run, self.policy, day, expired=expired)

    def _recorded_run(self, year: int, run: str, known: datetime | None = None) -> GradingRun:
        state = self.year(year, known)
        if run not in state.runs:
            raise DecisionMismatch("run_never_started", run=run)
        gradings, standings = list[GradingDecided](), dict[str, Standing]()
        day, records = present_day(self._host), self._records_since(year, known)
        for grading, now in graded_in(self._log, run, self.policy, day, records, known):
            check_decision(grading, self.policy(grading.policy))
            gradings.append(grading)
            if now is not None:
                standings[grading.household] = now
        return run_of(state.runs[run], standing_of(state, run), tuple(gradings), standings)


def _in_turn(state: Graded, run: str) -> Iterator[str]:
    """The grading of a run of record, and what corrected it."""
    if run in state.by_run:
        yield run
        corrected = correction(state, state.by_run[run])
        if corrected is not None:
            yield corrected


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


def _decided(
    started: RunStarted, table: GradingPolicy, ask: Ask, engine: FactsEngine
) -> Iterator[GradingDecided]:
    for found in engine.gather(ask):
        yield GradingDecided(
            household=found.household,
            tenure=found.tenure,
            run=started.run,
            year=started.year,
            policy=table.ref,
            credit_policy=ask.credit.ref,
            reading=ask.reading.ref,
            cutoff_position=ask.cutoff.position,
            cutoff_known=ask.cutoff.known,
            facts=found.facts,
            evidence=found.evidence,
            outcome=assess(found.facts, table).outcome(),
            decided_by="rule",
            allocations=found.allocations,
            disclosable=(),
        )
