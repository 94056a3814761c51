"""Decisions about how a plan is judged and filed, and what the clock tells of it (PLN-03)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from crm_core.kernel.decider import Decision, Refusal
from crm_core.kernel.refusals import unknown
from crm_core.plans.commands import (
    EFFECTS,
    ArchivePlan,
    EvaluatePlan,
    FollowHousehold,
    GuideEvaluation,
    ImprovePlan,
    SummarisePlan,
    TellPlanDue,
)
from crm_core.plans.events import (
    EvaluationGuided,
    EvaluationMissed,
    PlanArchived,
    PlanEvaluated,
    PlanImproved,
    PlanResumed,
    PlanStopped,
    PlanSummarised,
    ReportMissed,
    TaskOverdue,
)
from crm_core.plans.refusals import closed, missing, too_early
from crm_core.plans.state import CANCELLED, CHECKED, NEW, MaintenancePlan

# --- a year ----------------------------------------------------------------------------------


def _evaluate(command: EvaluatePlan, state: MaintenancePlan) -> Decision:
    refused = _no_year(state, command.plan, command.year)
    if refused is not None:
        return refused
    if command.year in state.evaluated:
        return Refusal("year_evaluated", "PLN-03", {"year": command.year})
    if command.effect not in EFFECTS:
        return unknown("effect", command.effect, EFFECTS, rule="PLN-03")
    refused = too_early(command.on, state.year_is_over_from(command.year))
    if refused is not None:
        return refused
    if not command.findings.strip():
        return missing("findings", "PLN-03")
    return (
        PlanEvaluated(
            plan=command.plan,
            year=command.year,
            effect=command.effect,
            on=command.on,
            findings=command.findings,
            spent_fen=state.spent_fen,
            evaluated_by=command.by.id,
        ),
    )


def _guide(command: GuideEvaluation, state: MaintenancePlan) -> Decision:
    evaluated = state.evaluated.get(command.year)
    refused = _no_year(state, command.plan, command.year) or _not_before(
        evaluated, "evaluated", command
    )
    if refused is not None:
        return refused
    if command.year in state.guided:
        return Refusal("year_guided", "PLN-03", {"year": command.year})
    if not command.guidance.strip():
        return missing("guidance", "PLN-03")
    return (
        EvaluationGuided(command.plan, command.year, command.on, command.guidance, command.by.id),
    )


def _improve(command: ImprovePlan, state: MaintenancePlan) -> Decision:
    guided = state.guided.get(command.year)
    refused = _no_year(state, command.plan, command.year) or _not_before(guided, "guided", command)
    if refused is not None:
        return refused
    if command.year in state.improved:
        return Refusal("year_improved", "PLN-03", {"year": command.year})
    if not command.improvement.strip():
        return missing("improvement", "PLN-03")
    return (
        PlanImproved(command.plan, command.year, command.on, command.improvement, command.by.id),
    )


def _summarise(command: SummarisePlan, state: MaintenancePlan) -> Decision:
    improved = state.improved.get(command.year)
    refused = _no_year(state, command.plan, command.year) or _not_before(
        improved, "improved", command
    )
    if refused is not None:
        return refused
    if not command.summary.strip():
        return missing("summary", "PLN-03")
    tasks = [task for task in state.all_tasks() if task.status != CANCELLED]
    return (
        PlanSummarised(
            plan=command.plan,
            year=command.year,
            on=command.on,
            summary=command.summary,
            budget_fen=state.budget_fen,
            spent_fen=state.spent_fen,
            tasks=len(tasks),
            tasks_checked=sum(1 for task in tasks if task.status == CHECKED),
            tasks_late=sum(len(task.late) for task in tasks),
            feedback=len(state.feedback),
            summarised_by=command.by.id,
        ),
    )


def _archive(command: ArchivePlan, state: MaintenancePlan) -> Decision:
    refused = _unknown(state, command.plan)
    if refused is not None:
        return refused
    if not state.is_over(command.on):
        last = state.last_day
        details = {"earliest": "" if last is None else last.isoformat()}
        return Refusal("plan_not_over", "PLN-03", details)
    if state.pending is not None:
        return Refusal("plan_pending", "PLN-03", {"version": state.version})
    open_ones = [task.task for task in state.all_tasks() if task.is_open]
    if open_ones:
        return Refusal("tasks_open", "PLN-03", {"tasks": open_ones[:_NAMED_MAX]})
    summaries = [state.summary(year) for year in state.years()]
    if None in summaries:
        year = state.years()[summaries.index(None)]
        return Refusal("year_not_summarised", "PLN-03", {"year": year})
    if state.spending_moved:
        return Refusal("summary_outdated", "PLN-03", {"spent_fen": state.spent_fen})
    refused = too_early(command.on, max(one.on for one in summaries if one is not None))
    if refused is not None:
        return refused
    return (PlanArchived(command.plan, command.on, command.by.id),)


_NAMED_MAX = 5
"""So many of them are named; who mends those sees the next."""


def _unknown(state: MaintenancePlan, plan: str) -> Refusal | None:
    if state.opened is None:
        return Refusal("unknown_plan", "PLN-01", {"plan": plan})
    if state.in_force is None:
        return Refusal("plan_not_approved", "PLN-03", {"plan": plan})
    return closed(state, plan)


def _no_year(state: MaintenancePlan, plan: str, year: int) -> Refusal | None:
    """Why there is nothing to say of a year, if so."""
    refused = _unknown(state, plan)
    if refused is not None:
        return refused
    years = state.years()
    if year in years:
        return None
    details = {"year": year, "first": years[0], "last": years[-1]}
    return Refusal("year_not_of_plan", "PLN-03", details)


def _not_before(step: Any, name: str, command: Any) -> Refusal | None:
    """Why a step of the year cannot follow, if so: the one before it is missing, or later."""
    if step is None:
        return Refusal("year_not_yet", "PLN-03", {"year": command.year}, f"year_not_{name}")
    return too_early(command.on, step.on)


# --- the clock -------------------------------------------------------------------------------


def _tell(command: TellPlanDue, state: MaintenancePlan) -> Decision:
    """Nothing, where it has come to nothing meanwhile, or was told before."""
    if closed(state, command.plan) is not None or state.in_force is None:
        return ()
    due = command.due
    if command.step == "task":
        task = state.task(command.number)
        if task is None or task.status != NEW or task.due != due or due in task.late:
            return ()
        return () if _rests(state) else (TaskOverdue(command.plan, task.task, task.person, due),)
    if command.step == "report":
        return () if _rests(state) or due in state.missed else (ReportMissed(command.plan, due),)
    year = int(command.number)
    if year in state.evaluated or year in state.not_evaluated:
        return ()
    return (EvaluationMissed(command.plan, year, due),)


def _rests(state: MaintenancePlan) -> bool:
    return state.stopped is not None or state.ended is not None


def _follow(command: FollowHousehold, state: MaintenancePlan) -> Decision:
    if state.opened is None or state.archived is not None or not state.household:
        return ()
    if command.gone and state.stopped is None:
        return (PlanStopped(command.plan, command.gone, state.stops, command.known_on),)
    if not command.gone and state.stopped is not None:
        return (PlanResumed(command.plan, state.stops - 1, command.known_on),)
    return ()


def next_report(state: MaintenancePlan, every_days: int) -> date | None:
    """The last day on which the next report is in time; None where none is owed."""
    if state.since is None or _rests(state) or state.archived is not None:
        return None
    told = [day for day in (state.since, state.last_report, *state.missed) if day is not None]
    due = max(told) + timedelta(days=every_days)
    last = state.last_day
    return due if last is not None and due <= last else None


DECIDE: dict[type, Any] = {
    EvaluatePlan: _evaluate,
    GuideEvaluation: _guide,
    ImprovePlan: _improve,
    SummarisePlan: _summarise,
    ArchivePlan: _archive,
    TellPlanDue: _tell,
    FollowHousehold: _follow,
}
