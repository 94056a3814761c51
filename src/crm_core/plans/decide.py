"""Decisions about maintenance plans: drafting and approval (PLN-01, PLN-02)."""

from __future__ import annotations

from typing import Any

from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.authority import Own
from crm_core.kernel.decider import Decider, Decision, Refusal, by_command, by_event
from crm_core.kernel.refusals import no_reason, unknown
from crm_core.plans import carrying_out, closing
from crm_core.plans.commands import (
    ApprovePlan,
    CancelTask,
    CheckReport,
    CheckTask,
    DraftPlan,
    DropPlan,
    FollowHousehold,
    GuideEvaluation,
    OpenPlan,
    ReassignTask,
    ReviewPlan,
    SuggestForPlan,
    TellPlanDue,
    WithdrawSpending,
)
from crm_core.plans.events import (
    Measure,
    PlanApproved,
    PlanDrafted,
    PlanDropped,
    PlanOpened,
    PlanPassed,
    PlanRejected,
    PlanReturned,
    PlanSuggestionMade,
)
from crm_core.plans.evolve import EVOLVE
from crm_core.plans.policy import LAYERS, MEASURES
from crm_core.plans.refusals import before, closed, is_gone, missing
from crm_core.plans.state import DRAFTED, PASSED, RETURNED, MaintenancePlan, PlanTask

MEASURES_MAX = 100
"""What is longer is no plan that anybody carries out."""

FEN_MAX = 10**13
"""No plan costs more: a hundred thousand million yuan."""

# --- drafting --------------------------------------------------------------------------------


def _open(command: OpenPlan, state: MaintenancePlan) -> Decision:
    if state.opened is not None:
        return Refusal("plan_exists", "PLN-01", {"plan": command.plan})
    if bool(command.household) == bool(command.layer):
        return Refusal("plan_for_whom", "PLN-01")
    if command.layer and command.layer not in LAYERS:
        return unknown("layer", command.layer, LAYERS, rule="PLN-01")
    if command.no_basis:
        details = {"assessment": command.assessment, "year": command.list_year}
        return Refusal("plan_without_basis", "PLN-01", details, command.no_basis)
    if not command.suggestion.strip():
        return missing("suggestion", "PLN-01")
    return (
        PlanOpened(
            plan=command.plan,
            household=command.household,
            assessment=command.assessment,
            layer=command.layer,
            list_year=command.list_year,
            on=command.on,
            suggestion=command.suggestion,
            opened_by=command.by.id,
        ),
    )


def _suggest(command: SuggestForPlan, state: MaintenancePlan) -> Decision:
    refused = _not_open(state, command.plan) or is_gone(command.gone) or before(command, state)
    if refused is not None:
        return refused
    if not command.suggestion.strip():
        return missing("suggestion", "PLN-01")
    return (PlanSuggestionMade(command.plan, command.on, command.suggestion, command.by.id),)


def _draft(command: DraftPlan, state: MaintenancePlan) -> Decision:
    refused = _not_open(state, command.plan) or is_gone(command.gone) or before(command, state)
    if refused is not None:
        return refused
    if not state.helped - command.by.ids:
        return Refusal("drafted_alone", "PLN-02", {"plan": command.plan})
    refused = _incomplete(command) or _unfit_measures(command)
    if refused is not None:
        return refused
    if state.pending_is == RETURNED and not command.answer.strip():
        return missing("answer", "PLN-01")
    budget = sum(measure.cost_fen for measure in command.measures)
    if budget > FEN_MAX:
        return Refusal("cost_out_of_range", "PLN-01", {"most_fen": FEN_MAX})
    refused = _below_spent(command.measures, budget, state)
    if refused is not None:
        return refused
    return (
        PlanDrafted(
            plan=command.plan,
            version=state.version + 1,
            method=command.method,
            goal=command.goal,
            measures=command.measures,
            budget_fen=budget,
            runs_from=command.runs_from,
            runs_to=command.runs_to,
            answer=command.answer,
            on=command.on,
            drafted_by=command.by.id,
        ),
    )


def _incomplete(command: DraftPlan) -> Refusal | None:
    """What a plan must say and this one does not (PLN-01)."""
    for name in ("method", "goal"):
        if not getattr(command, name).strip():
            return missing(name, "PLN-01")
    if not command.measures:
        return Refusal("measures_missing", "PLN-01")
    if len(command.measures) > MEASURES_MAX:
        return Refusal("measures_too_many", "PLN-01", {"most": MEASURES_MAX})
    if not command.on <= command.runs_from <= command.runs_to:
        return Refusal("plan_backwards", "PLN-01")
    if command.runs_to.year - command.runs_from.year > YEARS_MAX:
        return Refusal("plan_too_long", "PLN-01", {"years": YEARS_MAX})
    return None


YEARS_MAX = 5
"""Longer than that nobody knows what a relation needs."""


def _unfit_measures(command: DraftPlan) -> Refusal | None:
    """Why one of the measures cannot stand, if so."""
    seen: set[str] = set()
    for measure in command.measures:
        refused = _unfit(measure, command)
        if refused is not None:
            return refused
        if measure.measure in seen:
            return Refusal("measure_twice", "PLN-01", {"measure": measure.measure})
        seen.add(measure.measure)
    if command.strangers:
        return Refusal("unknown_staff", "PLN-01", {"staff": command.strangers[0]})
    return None


def _unfit(measure: Measure, command: DraftPlan) -> Refusal | None:
    details: dict[str, Any] = {"measure": measure.measure}
    if not measure.measure or not measure.responsible:
        return Refusal("measure_incomplete", "PLN-01", details)
    if measure.kind not in MEASURES:
        return unknown("measure_kind", measure.kind, MEASURES, rule="PLN-01")
    said = (measure.what, measure.feasible, measure.economical)
    if not all(str(text).strip() for text in said):
        return Refusal("measure_incomplete", "PLN-01", details)
    if not 0 <= measure.cost_fen <= FEN_MAX:
        return Refusal("cost_out_of_range", "PLN-01", {"most_fen": FEN_MAX})
    if not command.runs_from <= measure.due <= command.runs_to:
        details |= {"from": command.runs_from.isoformat(), "to": command.runs_to.isoformat()}
        return Refusal("measure_not_within", "PLN-01", details)
    return None


def _below_spent(
    measures: tuple[Measure, ...], budget_fen: int, state: MaintenancePlan
) -> Refusal | None:
    """Why a version would make what was spent too much: in all, or on one of its measures."""
    if budget_fen < state.spent_fen:
        details: dict[str, Any] = {"budget_fen": budget_fen, "spent_fen": state.spent_fen}
        return Refusal("budget_below_spent", "PLN-03", details)
    for one in measures:
        spent = state.spent_on(one.measure)
        if one.cost_fen < spent:
            details = {"measure": one.measure, "budget_fen": one.cost_fen, "spent_fen": spent}
            return Refusal("budget_below_spent", "PLN-03", details, "budget_below_spent_measure")
    return None


# --- the chain of approval -------------------------------------------------------------------


def _review(command: ReviewPlan, state: MaintenancePlan) -> Decision:
    refused = (
        _not_open(state, command.plan)
        or _not_at(command.version, state, DRAFTED)
        or before(command, state)
    )
    if refused is not None:
        return refused
    if not command.passed:
        if not command.suggestions.strip():
            return missing("suggestions", "PLN-01")
        return (
            PlanReturned(
                plan=command.plan,
                version=command.version,
                on=command.on,
                suggestions=command.suggestions,
                reviewed_by=command.by.id,
            ),
        )
    gone = is_gone(command.gone)
    if gone is not None:
        return gone
    return (PlanPassed(command.plan, command.version, command.on, command.by.id),)


def _approve(command: ApprovePlan, state: MaintenancePlan) -> Decision:
    refused = (
        _not_open(state, command.plan)
        or _not_at(command.version, state, PASSED)
        or before(command, state)
    )
    if refused is not None:
        return refused
    if not command.approved:
        if not command.reason.strip():
            return no_reason("PLN-02", "rejecting_plan")
        return (
            PlanRejected(
                plan=command.plan,
                version=command.version,
                on=command.on,
                reason=command.reason,
                rejected_by=command.by.id,
            ),
        )
    gone = is_gone(command.gone)
    if gone is not None:
        return gone
    assert state.pending is not None, "INVARIANT: what was passed was drafted"
    if max(command.on, command.known_on) > state.pending.runs_to:
        # Whatever day is said: money that was spent long ago is not approved by a plan of now.
        return Refusal("plan_over", "PLN-02", {"last": state.pending.runs_to.isoformat()})
    # Spent under the version in force while this one was on its way.
    refused = _below_spent(state.pending.measures, state.pending.budget_fen, state)
    if refused is not None:
        return refused
    return (
        PlanApproved(
            plan=command.plan,
            version=command.version,
            on=command.on,
            policy=command.policy.ref,
            approved_by=command.by.id,
        ),
    )


def _drop(command: DropPlan, state: MaintenancePlan) -> Decision:
    refused = _not_open(state, command.plan) or before(command, state)
    if refused is not None:
        return refused
    if state.pending is None and state.in_force is not None:
        return Refusal("nothing_drafted", "PLN-02", {"plan": command.plan})
    if not command.reason.strip():
        return no_reason("PLN-02", "dropping_plan")
    return (PlanDropped(command.plan, command.on, command.reason, command.by.id),)


def _not_open(state: MaintenancePlan, plan: str) -> Refusal | None:
    """Why nothing can be drafted or decided any more, if so."""
    if state.opened is None:
        return Refusal("unknown_plan", "PLN-01", {"plan": plan})
    if state.ended is not None:
        return Refusal("plan_ended", "PLN-03", {"plan": plan})
    return closed(state, plan)


def _not_at(version: int, state: MaintenancePlan, stage: str) -> Refusal | None:
    """Why that version does not wait for this step, if so: a lie, or a reader who is late."""
    if state.pending is None or state.pending_is != stage:
        details = {"stage": stage, "stands": state.pending_is or "none"}
        return Refusal("plan_not_at_step", "PLN-02", details, f"plan_not_{stage}")
    if state.version != version:
        return Refusal("version_outdated", "PLN-02", {"version": state.version})
    return None


_DECIDE: dict[type, Any] = {
    OpenPlan: _open,
    SuggestForPlan: _suggest,
    DraftPlan: _draft,
    ReviewPlan: _review,
    ApprovePlan: _approve,
    DropPlan: _drop,
    **carrying_out.DECIDE,
    **closing.DECIDE,
}


# --- whose own it is -------------------------------------------------------------------------


def _own(command: Any, state: MaintenancePlan) -> Own | None:
    """Nobody decides what they had a part in, whenever and under whichever role (PLN-02)."""
    kind = type(command)
    if kind is ReviewPlan:
        return Own(others=state.hands)
    if kind is ApprovePlan:
        return Own(others=state.hands | state.reviewers)
    if kind in (CheckTask, CancelTask, ReassignTask):
        task = state.task(command.task)
        if task is None or (kind is ReassignTask and _is_handed_on(command, task)):
            return None
        return Own(task.done_by, frozenset({task.person}))
    if kind is CheckReport:
        report = state.reports.get(command.report)
        return None if report is None else Own(report.reported_by)
    if kind is WithdrawSpending:
        spent = state.spent.get(command.spending)
        return None if spent is None else Own(spent.recorded_by)
    if kind is GuideEvaluation:
        evaluated = state.evaluated.get(command.year)
        return None if evaluated is None else Own(evaluated.evaluated_by)
    return None


def _is_handed_on(command: ReassignTask, task: PlanTask) -> bool:
    """Whether another gets the task, and no more time: that may be done by who has it."""
    return command.person != task.person and command.due <= task.due


def _plan(command: Any) -> str:
    return command.plan  # type: ignore[no-any-return]


def _household(command: Any) -> str:
    return getattr(command, "household", "")


PLAN = Aggregate(
    Decider("plan", MaintenancePlan(), by_command(_DECIDE), by_event(EVOLVE)),
    tuple(_DECIDE),
    _plan,
    _household,
    own=_own,
    inside=frozenset({TellPlanDue, FollowHousehold}),
    # A plan for a file that is void is still ended, evaluated and filed.
    void_too=True,
    closed_by_merge=frozenset({OpenPlan}),
)
