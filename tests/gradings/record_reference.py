"""Which run of a year holds, told as literally as GRD-17 tells it.

It shares no code with the library: whether a run saw everything is asked of the facts themselves,
one after another, and which run is of record is told anew for every moment from all that happened
by then. Positions say in which order things stand in the log, and a moment is a position: what
stands at it has happened.

GRD-17: "One run of a year holds: the first timely one under the policy in force, which is one that
started after the year's end (by the clock, in the estate's zone) and beyond whose cut-off no fact
lay that was in the log and recorded by that end. [...] A later run takes its place only by an
explicit act of the director that lists whom it would move. Every other run (earlier knowledge,
another policy, an unfinished year) is a trial."
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

OF_RECORD, TRIAL = "of_record", "trial"


@dataclass(frozen=True)
class Fact:
    """Something in the log that a grading can look at, and when the company came to know it.

    Runs, replacements and what is decided about gradings are none, nor are records of reads
    (PRV-06).
    """

    position: int
    recorded: datetime


@dataclass(frozen=True)
class Run:
    """One grading of all households for one year (GRD-12).

    Args:
        position: Where its beginning stands: all before it was in the log when it began.
        started: When it began, by the host's clock.
        zone: That of the estate.
        cutoff_position: What stands beyond it was not read.
        cutoff_known: What was recorded after it was not read.
        in_force: The policy that was in force for the year when it began.
        trial: Whether it was asked for as a trial.
        as_of: Whether it was asked for as known at an instant.
        completed: Where its completion stands; None while it is not complete.
    """

    id: str
    year: int
    position: int
    started: datetime
    cutoff_position: int
    cutoff_known: datetime
    policy: str
    in_force: str
    completed: int | None
    trial: bool = False
    as_of: bool = False
    zone: str = "Asia/Shanghai"


@dataclass(frozen=True)
class Replacement:
    """The director lets another run of the year hold, and lists whom it moves.

    `moved` are households, with layer and type before and after.
    """

    position: int
    year: int
    run: str
    by: str = "director"
    reason: str = "asked"
    moved: tuple[tuple[str, str | None, str | None, str | None, str | None], ...] = ()


@dataclass(frozen=True)
class History:
    """What happened: facts, runs and replacements, in any order."""

    facts: tuple[Fact, ...] = ()
    runs: tuple[Run, ...] = ()
    replacements: tuple[Replacement, ...] = ()
    gradings: Mapping[str, Mapping[str, tuple[str, str]]] = field(default_factory=dict)
    """Layer and type of every household, by run; only for whom a replacement moves."""

    @property
    def moments(self) -> list[int]:
        """The positions at which something can change, and the one before everything."""
        found = {0} | {run.position for run in self.runs} | {r.position for r in self.replacements}
        return sorted(found | {run.completed for run in self.runs if run.completed is not None})


def end_of(year: int, zone: str) -> datetime:
    """The instant at which a year is over in a zone: the midnight that begins the next."""
    return datetime(year + 1, 1, 1, tzinfo=ZoneInfo(zone))


def started_after_the_years_end(run: Run) -> bool:
    """By the clock, in the estate's zone; at the very midnight the year is over."""
    return run.started - end_of(run.year, run.zone) >= timedelta(0)


def facts_not_seen(run: Run, facts: Iterable[Fact]) -> list[Fact]:
    """The facts beyond the cut-off that were in the log and recorded by the year's end.

    A fact is beyond the cut-off if it stands after its position or was recorded after its instant.
    It was in the log if it stood there when the run began: what a file brings later with an older
    instant was not.
    """
    end = end_of(run.year, run.zone)
    missed = []
    for fact in facts:
        beyond = fact.position > run.cutoff_position or fact.recorded > run.cutoff_known
        was_in_the_log = fact.position < run.position
        by_the_end = fact.recorded <= end
        if beyond and was_in_the_log and by_the_end:
            missed.append(fact)
    return missed


def is_timely(run: Run, facts: Iterable[Fact]) -> bool:
    """Whether a run is timely (GRD-17)."""
    return started_after_the_years_end(run) and not facts_not_seen(run, facts)


def is_under_the_policy_in_force(run: Run) -> bool:
    """Whether it was graded by the policy in force for the year."""
    return run.policy == run.in_force


def can_hold_by_itself(run: Run, facts: Iterable[Fact]) -> bool:
    """A timely one under the policy in force, not asked for as a trial (GRD-17, GRD-01)."""
    return is_timely(run, facts) and is_under_the_policy_in_force(run) and not run.trial


def complete_at(history: History, year: int, moment: int) -> list[Run]:
    """The runs of a year that were complete at a moment, in the order of their completion."""
    runs = [
        run
        for run in history.runs
        if run.year == year and run.completed is not None and run.completed <= moment
    ]
    return sorted(runs, key=lambda run: run.completed or 0)


def objections(history: History, act: Replacement) -> list[str]:
    """What is to be said against a replacement, when it is asked for (GRD-17)."""
    return objections_while(history, act, record(history, act.year, act.position - 1))


def objections_while(history: History, act: Replacement, holding: str | None) -> list[str]:
    """The same, while that run holds."""
    complete = [run.id for run in complete_at(history, act.year, act.position - 1)]
    found = []
    if act.by != "director":
        found.append("it is the director's act")
    if not act.reason:
        found.append("it has no reason")
    if act.run not in complete:
        found.append("it is no complete run of the year")
    elif act.run == holding:
        found.append("it is the record already")
    elif not all(started_after_the_years_end(run) for run in history.runs if run.id == act.run):
        # GRD-17: a run of an unfinished year is a trial for ever, whoever asks for it.
        found.append("it began before the year was over")
    elif act.moved != moved(history, holding, act.run):
        found.append("it does not list whom it would move")
    return found


def moved(
    history: History, instead_of: str | None, run: str
) -> tuple[tuple[str, str | None, str | None, str | None, str | None], ...]:
    """The households whose layer or type would be another, with both; None where there is none."""
    then = history.gradings.get(instead_of or "", {})
    now = history.gradings.get(run, {})
    found = []
    for household in sorted({*then, *now}):
        layer_then, type_then = then.get(household, (None, None))
        layer, type = now.get(household, (None, None))
        if (layer, type) != (layer_then, type_then):
            found.append((household, layer_then, layer, type_then, type))
    return tuple(found)


def record(history: History, year: int, moment: int) -> str | None:
    """The run of record of a year at a moment: told from the beginning, one thing after another.

    GRD-17: the first one that can hold by itself is the first of them to be complete, so that one
    that was interrupted holds back no other. After that, or instead of it, only the director's act
    lets another one hold. An act with an objection is refused, so that it does not change anything.
    """
    holding: str | None = None
    for happened in [one for one in history.moments if one <= moment]:
        if holding is None:
            holding = first_that_can_hold(history, year, happened)
        for act in history.replacements:
            asked_now = act.position == happened and act.year == year
            if asked_now and not objections_while(history, act, holding):
                holding = act.run
    return holding


def first_that_can_hold(history: History, year: int, moment: int) -> str | None:
    """The one that was complete first of those that can hold by themselves (GRD-17)."""
    for run in complete_at(history, year, moment):
        if can_hold_by_itself(run, history.facts):
            return run.id
    return None


def standing(history: History, run: Run, moment: int) -> str:
    """Whether a run is of record at a moment, or a trial as every other is (GRD-17)."""
    return OF_RECORD if record(history, run.year, moment) == run.id else TRIAL


def trials(history: History, year: int, moment: int) -> list[str]:
    """The trials of a year, which a list names where the year has no record (GRD-17)."""
    return [
        run.id
        for run in complete_at(history, year, moment)
        if standing(history, run, moment) == TRIAL
    ]


def may_begin(run: Run) -> bool:
    """A year that is not over is refused, except as a trial (GRD-01)."""
    return run.trial or started_after_the_years_end(run)


def policy_to_use(history: History, year: int, moment: int, in_force: str) -> str:
    """Without a policy named, that of the year's record is used, else the one in force."""
    holding = record(history, year, moment)
    return next((run.policy for run in history.runs if run.id == holding), in_force)


def to_join(history: History, asked: Run) -> str | None:
    """The open run that whoever asks gets too: of the same year and policy (GRD-12)."""
    for run in history.runs:
        began_before = run.position < asked.position
        open_then = run.completed is None or run.completed > asked.position
        same = (run.year, run.policy, run.trial) == (asked.year, asked.policy, asked.trial)
        # Who asks with the knowledge of an instant asks for that and no other.
        by_instant = run.as_of or asked.as_of
        if began_before and open_then and same and not by_instant:
            return run.id
    return None


# --- as it stands in a log ---------------------------------------------------------------------

_NO_FACTS = ("gradings.", "privacy.")
"""What is decided about gradings, and records of reads, are none of the facts (PRV-06)."""


class Stands(Protocol):
    """An event as it stands in the log."""

    @property
    def position(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def recorded(self) -> datetime: ...
    @property
    def event(self) -> Any: ...


def history_from(events: Iterable[Stands], zone: str = "Asia/Shanghai") -> History:
    """What happened, as a log tells it; events are known by the names of their classes.

    What a run says of itself is not believed: neither whether it saw all, nor when its year ended.
    """
    facts, runs, replacements, gradings = [], {}, [], {}
    for stands in events:
        told = stands.event
        match type(told).__name__:
            case "RunStarted":
                runs[told.run] = Run(
                    told.run,
                    told.year,
                    stands.position,
                    stands.recorded,
                    told.cutoff_position,
                    told.cutoff_known,
                    str(told.policy),
                    str(told.in_force),
                    None,
                    told.trial,
                    told.as_of,
                    zone,
                )
            case "GradingDecided":
                outcome = told.outcome
                of_run = gradings.setdefault(told.run, {})
                of_run[told.household] = (outcome.layer, outcome.type)
            case "RunCompleted":
                runs[told.run] = replace(runs[told.run], completed=stands.position)
            case "RecordReplaced":
                moved = tuple(
                    (
                        one.household,
                        one.layer or None,
                        one.layer_then or None,
                        one.type or None,
                        one.type_then or None,
                    )
                    for one in sorted(told.moved, key=lambda one: one.household)
                )
                replacements.append(
                    Replacement(
                        stands.position, told.year, told.run, reason=told.reason, moved=moved
                    )
                )
            case _ if not stands.name.startswith(_NO_FACTS):
                facts.append(Fact(stands.position, stands.recorded))
    return History(tuple(facts), tuple(runs.values()), tuple(replacements), gradings)
