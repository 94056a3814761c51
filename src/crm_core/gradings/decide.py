"""Gradings and runs: where each command is decided, and what follows from each event."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

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
    ReviewDecided,
    RunCompleted,
    RunStarted,
    TypeConfirmed,
    TypeProposed,
    UpliftProposed,
    UpliftRejected,
)
from crm_core.gradings.review import about, open_proposal, open_review, open_uplift, persons
from crm_core.gradings.state import Act, Gradings, Run
from crm_core.gradings.studies.shares import allot, cohort_digest, places_digest
from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.authority import Own
from crm_core.kernel.decider import Decider, Decision, Refusal, by_command, by_event

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
    if isinstance(command, ConfirmType):
        proposed = open_proposal(about(state.acts, command.run))
        return None if proposed is None else Own(proposed.proposed_by)
    if isinstance(command, DecideUplift):
        lifting = None if command.run not in state.by_run else open_uplift(state, command.run)
        return None if lifting is None else Own(lifting.proposed_by)
    if isinstance(command, DecideReview):
        opened = contested_as(state, command.review)
        if opened is None:
            return None
        acts = about(state.acts, opened.run)
        if open_review(acts) != opened:
            return None
        return Own(others=frozenset(persons(state.by_run[opened.run], acts)))
    return None


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


# --- runs ------------------------------------------------------------------------------------


def decide_run(command: StartRun | CompleteRun | AllotQuota, state: Run) -> Decision:
    """A run is started once and completed once, and its quota is allotted once per policy."""
    if isinstance(command, StartRun):
        return () if state.started is not None else (command.started,)
    if state.started is None:
        return Refusal("run_not_started", "GRD-12", {"run": command.run})
    if isinstance(command, AllotQuota):
        return _allot(command, state)
    if state.gradings is not None:
        return ()
    return (RunCompleted(command.run, command.year, command.gradings),)


def _allot(command: AllotQuota, state: Run) -> Decision:
    cohort = command.cohort.candidates
    if state.gradings != len(cohort):
        return Refusal("cohort_incomplete", "GRD-04", {"households": len(cohort)})
    if any(quota.policy == command.policy.ref for quota in state.quotas):
        return ()
    places = allot(cohort, command.policy)
    return (
        QuotaAllotted(
            run=command.run,
            policy=command.policy.ref,
            cohort_digest=cohort_digest(cohort),
            households=len(places),
            places_digest=places_digest(places),
            on=command.on,
        ),
    )


def _started(state: Run, e: RunStarted) -> Run:
    return Run(e, state.gradings, state.quotas)


def _completed(state: Run, e: RunCompleted) -> Run:
    return Run(state.started, e.gradings, state.quotas)


def _allotted(state: Run, e: QuotaAllotted) -> Run:
    return Run(state.started, state.gradings, state.quotas.append(e))


RUN = Aggregate(
    Decider(
        "grading-run",
        Run(),
        decide_run,
        by_event({RunStarted: _started, RunCompleted: _completed, QuotaAllotted: _allotted}),
    ),
    (StartRun, CompleteRun, AllotQuota),
    lambda command: command.started.run if isinstance(command, StartRun) else command.run,
    lambda command: "",
    needs_file=False,
    inside=frozenset({StartRun, CompleteRun, AllotQuota}),
)
