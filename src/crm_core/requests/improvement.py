"""Improvement: plans with the metric that they should move, and what they moved (REQ-18).

A plan is proposed by one person, decided by another, carried out by a third or the first, and
supervised by somebody else than who carries it out. Plans are recorded; the numbers behind them
are computed from the events (`statistics`).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

import attrs
from attrs import define, frozen

from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.authority import Own
from crm_core.kernel.catalog import EventType
from crm_core.kernel.commands import fields_said, looked_up
from crm_core.kernel.dates import Period
from crm_core.kernel.decider import Decider, Decision, Refusal, by_command, by_event
from crm_core.kernel.growing import NOTHING, GrowingList
from crm_core.kernel.recorded import Actor
from crm_core.kernel.refusals import no_reason
from crm_core.requests.statistics import DIMENSIONS, Happening

METRICS: dict[str, tuple[str, tuple[str, ...]]] = {
    "volume": ("received", ()),
    "late_share": ("done_late", ("done_in_time", "done_late")),
    "dissatisfied_share": ("dissatisfied", ("satisfied", "partly", "dissatisfied")),
    "broken_share": ("promises_broken", ("promises_kept", "promises_broken")),
    "reopened_share": ("reopened", ("done_in_time", "done_late")),
}
"""What a plan can move: a count in thousandths a day, or in thousandths of other counts."""


# --- events ----------------------------------------------------------------------------------


@frozen
class ImprovementProposed:
    """A measure was proposed, with the metric it should move, from where, and by how much."""

    plan: str
    measure: str
    metric: str
    dimension: str
    value: str
    baseline_start: date
    baseline_end: date
    runs_from: date
    runs_to: date
    change_per_mille: int
    responsible: str
    supervisor: str
    proposed_by: str


@frozen
class ImprovementApproved:
    """Another person than who proposed the plan approved it, so it can be carried out."""

    plan: str
    on: date
    approved_by: str


@frozen
class ImprovementRejected:
    """Another person than who proposed the plan rejected it, for a reason."""

    plan: str
    on: date
    reason: str
    rejected_by: str


@frozen
class ExecutionSupervised:
    """The supervisor looked at how the plan is carried out (督导执行)."""

    plan: str
    on: date
    carried_out: bool
    note: str
    supervised_by: str


@frozen
class ImprovementEnded:
    """The plan is over, and this is what came of it."""

    plan: str
    on: date
    conclusion: str
    ended_by: str


EVENTS = (
    EventType("requests.improvement_proposed", 1, ImprovementProposed),
    EventType("requests.improvement_approved", 1, ImprovementApproved, "on"),
    EventType("requests.improvement_rejected", 1, ImprovementRejected, "on"),
    EventType("requests.execution_supervised", 1, ExecutionSupervised, "on"),
    EventType("requests.improvement_ended", 1, ImprovementEnded, "on"),
)


# --- state -----------------------------------------------------------------------------------


@define
class Plan:
    """An improvement plan as it stands.

    Args:
        proposed: What was proposed; None if nothing was.
        approved: Who approved it, if anybody did: then it is carried out.
        rejected: Who rejected it, if anybody did.
        supervised: How it was carried out, look by look.
        ended: How it ended, if it did.
    """

    proposed: ImprovementProposed | None = None
    approved: ImprovementApproved | None = None
    rejected: ImprovementRejected | None = None
    supervised: GrowingList[ExecutionSupervised] = NOTHING
    ended: ImprovementEnded | None = None


# --- commands --------------------------------------------------------------------------------


@frozen
class ProposeImprovement:
    """Propose a measure.

    Args:
        metric: One of `METRICS`.
        dimension: `trade`, `kind`, `place` or `staff`; `value` says which.
        change_per_mille: By how much the metric should move against the baseline, in thousandths
            of it: -200 is a fifth less.
        responsible: Who is to carry it out.
        supervisor: Who is to supervise it; another person than who carries it out.
    """

    plan: str
    measure: str
    metric: str
    dimension: str
    value: str
    baseline_start: date
    baseline_end: date
    runs_from: date
    runs_to: date
    change_per_mille: int
    responsible: str
    supervisor: str
    by: Actor = looked_up()


@frozen
class DecideImprovement:
    """Approve a proposed plan, or reject it for a reason.

    Neither who proposed it nor who is to carry it out decides it.
    """

    plan: str
    approved: bool
    on: date
    reason: str = ""
    by: Actor = looked_up()


@frozen
class SuperviseExecution:
    """Look at how a plan is carried out; its supervisor does."""

    plan: str
    on: date
    carried_out: bool
    note: str
    by: Actor = looked_up()


@frozen
class EndImprovement:
    """End a plan that was supervised; its supervisor does."""

    plan: str
    on: date
    conclusion: str
    by: Actor = looked_up()


# --- decisions -------------------------------------------------------------------------------


def _propose(command: ProposeImprovement, state: Plan) -> Decision:
    if state.proposed is not None:
        return Refusal("plan_exists", "REQ-18", {"plan": command.plan})
    if command.metric not in METRICS or command.dimension not in DIMENSIONS:
        return Refusal(
            "metric_unknown", "REQ-18", {"metrics": list(METRICS), "dimensions": list(DIMENSIONS)}
        )
    if not command.measure or command.change_per_mille >= 0:
        return Refusal("effect_missing", "REQ-18")
    if not command.baseline_start <= command.baseline_end < command.runs_from <= command.runs_to:
        return Refusal("plan_backwards", "REQ-18")
    if not command.responsible or command.supervisor in ("", command.responsible):
        return Refusal("supervisor_missing", "REQ-18")
    said = {name: getattr(command, name) for name in fields_said(ProposeImprovement)}
    return (ImprovementProposed(**said, proposed_by=command.by.id),)


def _decide(command: DecideImprovement, state: Plan) -> Decision:
    if state.proposed is None:
        return Refusal("plan_not_proposed", "REQ-18", {"plan": command.plan})
    if state.approved is not None or state.rejected is not None:
        return Refusal("plan_decided", "REQ-18", {"plan": command.plan})
    if not command.approved:
        if not command.reason:
            return no_reason("REQ-18", "rejecting")
        return (ImprovementRejected(command.plan, command.on, command.reason, command.by.id),)
    if command.on > state.proposed.runs_to:
        return Refusal("plan_over", "REQ-18", {"last": state.proposed.runs_to.isoformat()})
    return (ImprovementApproved(command.plan, command.on, command.by.id),)


def _supervise(command: SuperviseExecution, state: Plan) -> Decision:
    refused = _unfit(command, state)
    if refused is not None:
        return refused
    if not command.note:
        return Refusal("note_missing", "REQ-18", sentence="note_missing_supervision")
    return (
        ExecutionSupervised(
            plan=command.plan,
            on=command.on,
            carried_out=command.carried_out,
            note=command.note,
            supervised_by=command.by.id,
        ),
    )


def _end(command: EndImprovement, state: Plan) -> Decision:
    refused = _unfit(command, state)
    if refused is not None:
        return refused
    if not len(state.supervised):
        return Refusal("never_supervised", "REQ-18")
    if not command.conclusion:
        return Refusal("note_missing", "REQ-18", sentence="note_missing_conclusion")
    return (ImprovementEnded(command.plan, command.on, command.conclusion, command.by.id),)


def _unfit(command: SuperviseExecution | EndImprovement, state: Plan) -> Refusal | None:
    if state.proposed is None or state.approved is None or state.ended is not None:
        return Refusal("plan_not_running", "REQ-18")
    if command.by.id != state.proposed.supervisor:
        return Refusal("not_the_supervisor", "REQ-18")
    earliest = max(state.proposed.runs_from, state.approved.on)
    if command.on < earliest:
        return Refusal(
            "too_early", "REQ-18", {"earliest": earliest.isoformat()}, "too_early_supervision"
        )
    return None


_DECIDE: dict[type, Any] = {
    ProposeImprovement: _propose,
    DecideImprovement: _decide,
    SuperviseExecution: _supervise,
    EndImprovement: _end,
}


def _own(command: Any, state: Plan) -> Own | None:
    if type(command) is not DecideImprovement or state.proposed is None:
        return None
    return Own(state.proposed.proposed_by, frozenset({state.proposed.responsible}))


PLAN = Aggregate(
    Decider(
        "improvement",
        Plan(),
        by_command(_DECIDE),
        by_event(
            {
                ImprovementProposed: lambda state, e: attrs.evolve(state, proposed=e),
                ImprovementApproved: lambda state, e: attrs.evolve(state, approved=e),
                ImprovementRejected: lambda state, e: attrs.evolve(state, rejected=e),
                ExecutionSupervised: lambda state, e: attrs.evolve(
                    state, supervised=state.supervised.append(e)
                ),
                ImprovementEnded: lambda state, e: attrs.evolve(state, ended=e),
            }
        ),
    ),
    tuple(_DECIDE),
    lambda command: command.plan,
    lambda _: "",
    needs_file=False,
    own=_own,
)


# --- effect ----------------------------------------------------------------------------------


@frozen
class Effect:
    """What became of a plan's metric, computed from the events (REQ-18).

    Args:
        before: The metric in the baseline; None if there was nothing to measure.
        after: The metric while the plan ran.
        change_per_mille: How far it moved, in thousandths of what it was.
        reached: Whether it moved as far as was planned; None if that cannot be said.
    """

    before: int | None
    after: int | None
    change_per_mille: int | None
    reached: bool | None


def effect(plan: ImprovementProposed, found: Iterable[Happening]) -> Effect:
    """The effect of a plan so far."""
    baseline = Period(plan.baseline_start, plan.baseline_end)
    running = Period(plan.runs_from, plan.runs_to)
    concerned = [h for h in found if h.value(plan.dimension) == plan.value]
    before, after = (_metric(plan.metric, concerned, period) for period in (baseline, running))
    if before is None or after is None or before == 0:
        return Effect(before, after, None, None)
    change = (after - before) * 1000 // before
    return Effect(before, after, change, change <= plan.change_per_mille)


def _metric(metric: str, found: Iterable[Happening], period: Period) -> int | None:
    counted, of = METRICS[metric]
    counts = [happening.count for happening in found if happening.day in period]
    number = counts.count(counted)
    whole = sum(counts.count(name) for name in of)
    if not of:
        whole = (period.end - period.start).days + 1
    return number * 1000 // whole if whole else None
