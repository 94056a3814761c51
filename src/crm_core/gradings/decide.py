"""Decisions about gradings and runs."""

from __future__ import annotations

from typing import Any

from crm_core.gradings.commands import CompleteRun, RecordGrading, StartRun
from crm_core.gradings.criteria import assess
from crm_core.gradings.events import GradingDecided, RunCompleted, RunStarted
from crm_core.gradings.state import Gradings, Run
from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.decider import Decider, Refusal, dispatch

Decision = tuple[Any, ...] | Refusal


def decide_grading(command: RecordGrading, state: Gradings) -> Decision:
    """A grading is written once per run, and only if its own facts and policy give it."""
    grading = command.grading
    if grading.run in state.by_run:
        return ()
    if grading.policy != command.policy.ref:
        return Refusal(
            "policy_not_pinned", "GRD-06", f"the grading pins `{grading.policy}`, not the policy"
        )
    # Checked on the way to the store, and again on the way back (GRD-06).
    if assess(grading.facts, command.policy) != grading.outcome:
        return Refusal(
            "outcome_does_not_follow", "GRD-06", "the outcome does not follow from the facts"
        )
    return (grading,)


def _decided(state: Gradings, e: GradingDecided) -> Gradings:
    return Gradings(state.by_run.add(e.run, e))


GRADING = Aggregate(
    Decider("grading", Gradings(), decide_grading, dispatch({GradingDecided: _decided})),
    (RecordGrading,),
    lambda command: command.grading.household,
    lambda command: command.grading.household,
)


def decide_run(command: StartRun | CompleteRun, state: Run) -> Decision:
    """A run is started once and completed once."""
    if isinstance(command, StartRun):
        return () if state.started is not None else (command.started,)
    if state.started is None:
        return Refusal("run_not_started", "GRD-12", f"run `{command.run}` was not started")
    if state.gradings is not None:
        return ()
    return (RunCompleted(command.run, command.year, command.gradings),)


def _started(state: Run, e: RunStarted) -> Run:
    return Run(e, state.gradings)


def _completed(state: Run, e: RunCompleted) -> Run:
    return Run(state.started, e.gradings)


RUN = Aggregate(
    Decider(
        "grading-run", Run(), decide_run, dispatch({RunStarted: _started, RunCompleted: _completed})
    ),
    (StartRun, CompleteRun),
    lambda command: command.started.run if isinstance(command, StartRun) else command.run,
    lambda command: "",
    needs_file=False,
)
