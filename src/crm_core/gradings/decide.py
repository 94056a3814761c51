"""Gradings and runs: where each command is decided, and what follows from each event."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import evolve

from crm_core.gradings.commands import (
    AcceptAutomatic,
    AllotQuota,
    CompleteRun,
    ConfirmGrading,
    ConfirmType,
    ContestGrading,
    DecideReview,
    DecideUplift,
    ProposeType,
    ProposeUplift,
    RecordGrading,
    RefuseAutomatic,
    ReplaceRecord,
    StartRun,
)
from crm_core.gradings.deciding.confirming import confirm, confirm_type, propose_type
from crm_core.gradings.deciding.recording import record
from crm_core.gradings.deciding.reviewing import (
    accept_automatic,
    contest,
    contested_as,
    decide_review,
    refuse_automatic,
    reviewed,
)
from crm_core.gradings.deciding.uplifting import decide_uplift, propose_uplift
from crm_core.gradings.events import (
    AutomaticAccepted,
    AutomaticRefused,
    GradingConfirmed,
    GradingContested,
    GradingDecided,
    LayerUplifted,
    QuotaAllotted,
    RecordReplaced,
    ReviewDecided,
    RunCompleted,
    RunStarted,
    TypeConfirmed,
    TypeProposed,
    UpliftProposed,
    UpliftRejected,
)
from crm_core.gradings.record import run_of_record, under_way
from crm_core.gradings.review import open_proposal, open_review, open_uplift, persons
from crm_core.gradings.state import Act, Gradings, Year
from crm_core.gradings.studies.shares import allot, cohort_digest, places_digest
from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.authority import Own
from crm_core.kernel.decider import Decider, Decision, Refusal, by_command, by_event
from crm_core.kernel.refusals import no_reason

# --- gradings of a household -----------------------------------------------------------------

_DECIDE: dict[type, Callable[[Any, Gradings], Decision]] = {
    RecordGrading: record,
    ProposeType: propose_type,
    ConfirmType: confirm_type,
    ConfirmGrading: confirm,
    ProposeUplift: propose_uplift,
    DecideUplift: decide_uplift,
    RefuseAutomatic: refuse_automatic,
    AcceptAutomatic: accept_automatic,
    ContestGrading: contest,
    DecideReview: decide_review,
}


def own(command: Any, state: Gradings) -> Own | None:
    """Who cannot decide it: who proposed it, or had a part in the grading under review."""
    if isinstance(command, DecideReview):
        opened = contested_as(state, command.review)
        acts = [] if opened is None else reviewed(state, opened)
        if opened is None or open_review(acts) != opened:
            return None
        grading = state.by_run[command.run or opened.run]
        return Own(others=frozenset(persons(grading, acts)))
    if not isinstance(command, ConfirmType | DecideUplift):
        return None
    # It is asked before anything is looked up, so for a proposal of any tenure of the year.
    about_year = [act for act in state.acts if getattr(act, "year", None) == command.year]
    opened_by = open_proposal if isinstance(command, ConfirmType) else open_uplift
    tenures = dict.fromkeys(act.tenure for act in about_year)
    waiting = [opened_by(act for act in about_year if act.tenure == one) for one in tenures]
    proposers = [proposed.proposed_by for proposed in waiting if proposed is not None]
    if not proposers:
        return None
    return Own(proposers[-1], others=frozenset(proposers) - {proposers[-1]})


def _decided(state: Gradings, e: GradingDecided) -> Gradings:
    return Gradings(state.by_run.add(e.run, e), state.acts)


def _done(state: Gradings, e: Act) -> Gradings:
    return Gradings(state.by_run, state.acts.append(e))


def _household(command: Any) -> str:
    grading = command.grading if isinstance(command, RecordGrading) else command
    return str(grading.household)


GRADING = Aggregate(
    Decider(
        "grading",
        Gradings(),
        by_command(_DECIDE),
        by_event(
            {
                GradingDecided: _decided,
                TypeProposed: _done,
                TypeConfirmed: _done,
                GradingConfirmed: _done,
                UpliftProposed: _done,
                LayerUplifted: _done,
                UpliftRejected: _done,
                AutomaticRefused: _done,
                AutomaticAccepted: _done,
                GradingContested: _done,
                ReviewDecided: _done,
            }
        ),
    ),
    tuple(_DECIDE),
    _household,
    _household,
    own=own,
    inside=frozenset({RecordGrading}),
)


# --- the runs of a year -----------------------------------------------------------------------


def decide_year(
    command: StartRun | CompleteRun | ReplaceRecord | AllotQuota, state: Year
) -> Decision:
    """A run is started once and completed once; which of them holds, only a director changes."""
    if isinstance(command, StartRun):
        return _start(command.started, state)
    if isinstance(command, ReplaceRecord):
        return _replace(command, state)
    if command.run not in state.runs:
        return Refusal("run_not_started", "GRD-12", {"run": command.run})
    if isinstance(command, AllotQuota):
        return _allot(command, state)
    if command.run in state.completed:
        return ()
    return (RunCompleted(command.run, command.year, command.gradings),)


def _start(started: RunStarted, state: Year) -> Decision:
    # Whoever asks while one like it goes on takes part in that one: it is one run (GRD-12).
    if started.run in state.runs or under_way(state, started) is not None:
        return ()
    return (started,)


def _replace(command: ReplaceRecord, state: Year) -> Decision:
    """Whom it moves has been counted, so that nobody is moved unseen (GRD-17)."""
    if not command.reason.strip():
        return no_reason("GRD-17", "record")
    refusal = unfit(state, command.year, command.run)
    if refusal is not None:
        return refusal
    moves = len(command.moved)
    if command.moves != moves:
        return Refusal("moves_otherwise", "GRD-17", {"moves": moves, "seen": command.moves})
    return (
        RecordReplaced(
            year=command.year,
            run=command.run,
            instead_of=run_of_record(state),
            moved=command.moved,
            reason=command.reason,
            decided_by=command.by.id,
            on=command.on,
        ),
    )


def unfit(state: Year, year: int, run: str) -> Refusal | None:
    """Why a run cannot take the place of the run of record, if it cannot."""
    details = {"run": run, "year": year}
    if run not in state.completed:
        return Refusal("run_unknown", "GRD-17", details)
    if run == run_of_record(state):
        return Refusal("record_already", "GRD-17", details)
    started = state.runs[run]
    if started.started_at < started.year_ended:
        return Refusal("record_too_early", "GRD-17", details)
    return None


def _allot(command: AllotQuota, state: Year) -> Decision:
    cohort = command.cohort.candidates
    if command.run in state.completed and command.run != run_of_record(state):
        # A trial is read by no use of gradings (GRD-17).
        return Refusal("quota_of_trial", "GRD-17", {"run": command.run, "year": command.year})
    if state.completed.get(command.run) != len(cohort):
        return Refusal("cohort_incomplete", "GRD-04", {"households": len(cohort)})
    same = (command.run, command.policy.ref)
    if any((quota.run, quota.policy) == same for quota in state.quotas):
        return ()
    places = allot(cohort, command.policy)
    return (
        QuotaAllotted(
            run=command.run,
            year=command.year,
            policy=command.policy.ref,
            cohort_digest=cohort_digest(cohort),
            households=len(places),
            places_digest=places_digest(places),
            on=command.on,
        ),
    )


def _started(state: Year, e: RunStarted) -> Year:
    return evolve(state, runs=state.runs.add(e.run, e))


def _completed(state: Year, e: RunCompleted) -> Year:
    return evolve(state, completed=state.completed.add(e.run, e.gradings))


def _replaced(state: Year, e: RecordReplaced) -> Year:
    return evolve(state, replaced=state.replaced.append(e))


def _allotted(state: Year, e: QuotaAllotted) -> Year:
    return evolve(state, quotas=state.quotas.append(e))


def _year(command: Any) -> str:
    told = command.started if isinstance(command, StartRun) else command
    return str(told.year)


_OF_YEARS = (StartRun, CompleteRun, ReplaceRecord, AllotQuota)

YEAR = Aggregate(
    Decider(
        "grading-year",
        Year(),
        by_command(dict.fromkeys(_OF_YEARS, decide_year)),
        by_event(
            {
                RunStarted: _started,
                RunCompleted: _completed,
                RecordReplaced: _replaced,
                QuotaAllotted: _allotted,
            }
        ),
    ),
    _OF_YEARS,
    _year,
    lambda command: "",
    needs_file=False,
    inside=frozenset({StartRun, CompleteRun, AllotQuota}),
)
