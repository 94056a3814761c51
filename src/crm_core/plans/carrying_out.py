"""Decisions about a plan that is carried out: tasks, feedback, reports, money (PLN-03)."""

from __future__ import annotations

from datetime import date
from typing import Any

from crm_core.kernel.decider import Decision, Refusal
from crm_core.kernel.refusals import no_reason
from crm_core.plans.commands import (
    AssignTask,
    CancelTask,
    CheckReport,
    CheckTask,
    EndPlan,
    FinishTask,
    HearFeedback,
    ReassignTask,
    RecordSpending,
    ReportOnPlan,
    WithdrawSpending,
)
from crm_core.plans.events import (
    FeedbackHeard,
    PlanDrafted,
    PlanEnded,
    PlanReported,
    ReportChecked,
    SpendingRecorded,
    SpendingWithdrawn,
    TaskAssigned,
    TaskCancelled,
    TaskChecked,
    TaskDone,
    TaskReassigned,
)
from crm_core.plans.refusals import closed, is_gone, missing, too_early
from crm_core.plans.state import DONE, NEW, MaintenancePlan, PlanTask

# --- tasks -----------------------------------------------------------------------------------


def _assign(command: AssignTask, state: MaintenancePlan) -> Decision:
    refused = _not_carried_out(state, command.plan, command.on) or is_gone(command.gone)
    if refused is not None:
        return refused
    assigned = TaskAssigned(
        plan=command.plan,
        task=command.task,
        measure=command.measure,
        what=command.what,
        person=command.person,
        due=command.due,
        on=command.on,
        assigned_by=command.by.id,
    )
    if state.task(command.task) is not None:
        return Refusal("task_exists", "PLN-03", {"task": command.task})
    if not command.task or not command.what.strip():
        return missing("task", "PLN-03")
    refused = _no_measure(state, command.measure) or _unfit_deadline(command, state)
    return (assigned,) if refused is None else refused


def _reassign(command: ReassignTask, state: MaintenancePlan) -> Decision:
    refused = _not_carried_out(state, command.plan, command.on) or is_gone(command.gone)
    if refused is not None:
        return refused
    task = state.task(command.task)
    if task is None or not task.is_open:
        return _no_task(command.task, task)
    if (command.person, command.due) == (task.person, task.due) and task.status == NEW:
        return ()
    if not command.reason.strip():
        return no_reason("PLN-03", "reassigning")
    refused = _unfit_deadline(command, state) or too_early(command.on, task.since)
    if refused is not None:
        return refused
    return (
        TaskReassigned(
            plan=command.plan,
            task=command.task,
            person=command.person,
            due=command.due,
            on=command.on,
            reason=command.reason,
            assigned_by=command.by.id,
        ),
    )


def _unfit_deadline(command: AssignTask | ReassignTask, state: MaintenancePlan) -> Refusal | None:
    """Why nobody can have it done by then, if so."""
    if not command.person:
        return missing("person", "PLN-03")
    if command.strangers:
        return Refusal("unknown_staff", "PLN-03", {"staff": command.strangers[0]})
    last = _in_force(state).runs_to
    if not command.on <= command.due <= last:
        details = {"from": command.on.isoformat(), "to": last.isoformat()}
        return Refusal("deadline_not_within", "PLN-03", details)
    return None


def _finish(command: FinishTask, state: MaintenancePlan) -> Decision:
    task = state.task(command.task)
    if task is None or task.status != NEW:
        if task is not None and task.status == DONE and task.done_by == command.by.id:
            return ()
        return _no_task(command.task, task)
    refused = closed(state, command.plan) or too_early(command.on, task.since)
    if refused is not None:
        return refused
    if command.by.id != task.person:
        return Refusal("not_their_task", "PLN-03", {"task": command.task})
    if not command.what.strip():
        return missing("done", "PLN-03")
    return (TaskDone(command.plan, command.task, command.on, command.what, command.by.id),)


def _check(command: CheckTask, state: MaintenancePlan) -> Decision:
    task = state.task(command.task)
    if task is None or task.status != DONE:
        return _no_task(command.task, task, "not_done")
    refused = closed(state, command.plan) or too_early(command.on, task.done_on)
    if refused is not None:
        return refused
    if not command.note.strip():
        return missing("check", "PLN-03")
    return (
        TaskChecked(
            plan=command.plan,
            task=command.task,
            effective=command.effective,
            on=command.on,
            note=command.note,
            checked_by=command.by.id,
        ),
    )


def _cancel(command: CancelTask, state: MaintenancePlan) -> Decision:
    task = state.task(command.task)
    if task is None or not task.is_open:
        return _no_task(command.task, task)
    refused = closed(state, command.plan) or too_early(command.on, task.since)
    if refused is not None:
        return refused
    if not command.reason.strip():
        return no_reason("PLN-03", "cancelling_task")
    return (TaskCancelled(command.plan, command.task, command.on, command.reason, command.by.id),)


# --- feedback and reports --------------------------------------------------------------------


def _hear(command: HearFeedback, state: MaintenancePlan) -> Decision:
    refused = _never_in_force(state, command.plan, command.on)
    if refused is not None:
        return refused
    if command.feedback in state.feedback:
        return Refusal("feedback_exists", "PLN-03", {"feedback": command.feedback})
    if command.of_another:
        return Refusal("feedback_of_another", "PLN-03", {"household": command.household})
    if not command.feedback or not command.what.strip():
        return missing("feedback", "PLN-03")
    return (
        FeedbackHeard(
            plan=command.plan,
            feedback=command.feedback,
            household=command.household,
            on=command.on,
            what=command.what,
            word=command.word,
            heard_by=command.by.id,
        ),
    )


def _report(command: ReportOnPlan, state: MaintenancePlan) -> Decision:
    refused = _never_in_force(state, command.plan, command.on)
    if refused is not None:
        return refused
    if command.report in state.reports:
        return Refusal("report_exists", "PLN-03", {"report": command.report})
    if not command.report or not command.what.strip():
        return missing("report", "PLN-03")
    return (PlanReported(command.plan, command.report, command.on, command.what, command.by.id),)


def _check_report(command: CheckReport, state: MaintenancePlan) -> Decision:
    report = state.reports.get(command.report)
    if report is None:
        return Refusal("unknown_report", "PLN-03", {"report": command.report})
    if command.report in state.checked:
        return Refusal("report_checked", "PLN-03", {"report": command.report})
    refused = closed(state, command.plan) or too_early(command.on, report.on)
    if refused is not None:
        return refused
    if not command.note.strip():
        return missing("check", "PLN-03")
    return (
        ReportChecked(
            plan=command.plan,
            report=command.report,
            effective=command.effective,
            on=command.on,
            note=command.note,
            checked_by=command.by.id,
        ),
    )


# --- money -----------------------------------------------------------------------------------


def _spend(command: RecordSpending, state: MaintenancePlan) -> Decision:
    refused = _never_in_force(state, command.plan, command.on)
    if refused is not None:
        return refused
    if command.spending in state.spent:
        return Refusal("spending_exists", "PLN-03", {"spending": command.spending})
    if not command.spending or not command.receipt.strip():
        return missing("receipt", "PLN-03")
    refused = _no_measure(state, command.measure)
    if refused is not None:
        return refused
    last = state.last_day
    if last is not None and command.on > last:
        return Refusal("plan_over", "PLN-02", {"last": last.isoformat()})
    if command.amount_fen <= 0:
        return Refusal("amount_not_positive", "PLN-03")
    left = state.budget_fen - state.spent_fen
    # INVARIANT: what was spent is never more than the budget in force, nor on a measure more than
    # it was approved with; the stream decides it, so of two who spend the last of it at once one is
    # decided anew and refused.
    if command.amount_fen > left:
        return Refusal("budget_exceeded", "PLN-03", {"left_fen": left})
    [cost] = [one.cost_fen for one in _in_force(state).measures if one.measure == command.measure]
    left = cost - state.spent_on(command.measure)
    if command.amount_fen > left:
        details = {"left_fen": left, "measure": command.measure}
        return Refusal("budget_exceeded", "PLN-03", details, "budget_exceeded_measure")
    return (
        SpendingRecorded(
            plan=command.plan,
            spending=command.spending,
            measure=command.measure,
            amount_fen=command.amount_fen,
            on=command.on,
            receipt=command.receipt,
            recorded_by=command.by.id,
        ),
    )


def _take_back(command: WithdrawSpending, state: MaintenancePlan) -> Decision:
    spent = state.spent.get(command.spending)
    if spent is None:
        return Refusal("unknown_spending", "PLN-03", {"spending": command.spending})
    if command.spending in state.withdrawn:
        return ()
    refused = closed(state, command.plan) or too_early(command.on, spent.on)
    if refused is not None:
        return refused
    if not command.reason.strip():
        return no_reason("PLN-03", "withdrawing_spending")
    return (
        SpendingWithdrawn(
            plan=command.plan,
            spending=command.spending,
            amount_fen=spent.amount_fen,
            on=command.on,
            reason=command.reason,
            withdrawn_by=command.by.id,
        ),
    )


def _end(command: EndPlan, state: MaintenancePlan) -> Decision:
    if state.ended is not None:
        return Refusal("plan_ended", "PLN-03", {"plan": command.plan})
    refused = _never_in_force(state, command.plan, command.on)
    if refused is not None:
        return refused
    if command.on > _in_force(state).runs_to:
        return Refusal("plan_over", "PLN-02", {"last": _in_force(state).runs_to.isoformat()})
    # What was done for it was done while it ran, or its year would never be judged.
    refused = too_early(command.on, state.worked_on)
    if refused is not None:
        return refused
    if not command.reason.strip():
        return no_reason("PLN-03", "ending_plan")
    return (PlanEnded(command.plan, command.on, command.reason, command.by.id),)


# --- refusals --------------------------------------------------------------------------------


def _in_force(state: MaintenancePlan) -> PlanDrafted:
    assert state.in_force is not None, "INVARIANT: it was asked whether it is in force"
    return state.in_force


def _never_in_force(state: MaintenancePlan, plan: str, on: date) -> Refusal | None:
    """Why nothing can have been done for the plan on that day, whatever came of it since."""
    if state.opened is None:
        return Refusal("unknown_plan", "PLN-01", {"plan": plan})
    if state.in_force is None or state.since is None:
        return Refusal("plan_not_approved", "PLN-03", {"plan": plan})
    return closed(state, plan) or too_early(on, state.since)


def _not_carried_out(state: MaintenancePlan, plan: str, on: date) -> Refusal | None:
    """Why nothing new is to be done for the plan, if so."""
    refused = _never_in_force(state, plan, on)
    if refused is not None:
        return refused
    if state.stopped is not None:
        return is_gone(state.stopped.because)
    if state.ended is not None:
        return Refusal("plan_ended", "PLN-03", {"plan": plan})
    if on > _in_force(state).runs_to:
        return Refusal("plan_over", "PLN-02", {"last": _in_force(state).runs_to.isoformat()})
    return None


def _no_measure(state: MaintenancePlan, measure: str) -> Refusal | None:
    known = [one.measure for one in _in_force(state).measures]
    if measure in known:
        return None
    return Refusal("unknown_measure", "PLN-03", {"measure": measure, "accepted": known})


def _no_task(number: str, task: PlanTask | None, why: str = "over") -> Refusal:
    """There is no such task, or not any more, or nothing was done about it yet."""
    if task is None:
        return Refusal("unknown_task", "PLN-03", {"task": number})
    if why == "not_done" and task.status == NEW:
        return Refusal("task_not_done", "PLN-03", {"task": number})
    return Refusal("task_over", "PLN-03", {"task": number})


DECIDE: dict[type, Any] = {
    AssignTask: _assign,
    ReassignTask: _reassign,
    FinishTask: _finish,
    CheckTask: _check,
    CancelTask: _cancel,
    HearFeedback: _hear,
    ReportOnPlan: _report,
    CheckReport: _check_report,
    RecordSpending: _spend,
    WithdrawSpending: _take_back,
    EndPlan: _end,
}
