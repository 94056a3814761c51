"""Improvement: plans with the metric they should move, and warnings that ask for one (REQ-18).

Plans and warnings are recorded; numbers behind them are computed from the events (`statistics`).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

import attrs
from attrs import define, frozen

from crm_core.catalog import EventType
from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.canonical import digest_of
from crm_core.kernel.dates import Period
from crm_core.kernel.decider import Decider, Refusal, dispatch
from crm_core.kernel.growing import NOTHING, GrowingList
from crm_core.requests.statistics import DIMENSIONS, MEASURES, Happening

METRICS: dict[str, tuple[str, tuple[str, ...]]] = {
    "volume": ("received", ()),
    "late_share": ("done_late", ("done_in_time", "done_late")),
    "dissatisfied_share": ("dissatisfied", ("satisfied", "dissatisfied")),
    "broken_share": ("promises_broken", ("promises_kept", "promises_broken")),
    "reopened_share": ("reopened", ("done_in_time", "done_late")),
}
"""What a plan can move: a count in thousandths a day, or in thousandths of other counts."""


# --- events ----------------------------------------------------------------------------------


@frozen
class PlanMade:
    """A measure, the metric it should move, from where, and by how much."""

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


@frozen
class ExecutionSupervised:
    """The supervisor looked at how the plan is carried out (督导执行)."""

    plan: str
    on: date
    by: str
    carried_out: bool
    note: str


@frozen
class PlanEnded:
    """The plan is over, and this is what came of it."""

    plan: str
    on: date
    by: str
    conclusion: str


@frozen
class WarningRaised:
    """More than usual happened in one place and trade; `positions` are the events behind it."""

    warning: str
    place: str
    trade: str
    measure: str
    window_start: date
    window_end: date
    count: int
    usual_per_mille: int
    positions: tuple[int, ...]


EVENTS = (
    EventType("requests.plan_made", 1, PlanMade),
    EventType("requests.execution_supervised", 1, ExecutionSupervised, "on"),
    EventType("requests.plan_ended", 1, PlanEnded, "on"),
    EventType("requests.warning_raised", 1, WarningRaised),
)


# --- state -----------------------------------------------------------------------------------


@define
class Plan:
    """An improvement plan as it stands.

    Args:
        made: What was planned; None if nothing was.
        supervised: How it was carried out, look by look.
        ended: How it ended, if it did.
    """

    made: PlanMade | None = None
    supervised: GrowingList[ExecutionSupervised] = NOTHING
    ended: PlanEnded | None = None


@define
class Raised:
    """A warning, if it was raised."""

    warning: WarningRaised | None = None


# --- commands --------------------------------------------------------------------------------


@frozen
class MakePlan:
    """Plan a measure.

    Args:
        metric: One of `METRICS`.
        dimension: `trade`, `kind`, `place` or `staff`; `value` says which.
        change_per_mille: By how much the metric should move against the baseline, in thousandths
            of it: -200 is a fifth less.
        supervisor: Who supervises it; another person than who carries it out.
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


@frozen
class SuperviseExecution:
    """Look at how a plan is carried out."""

    plan: str
    on: date
    by: str
    carried_out: bool
    note: str


@frozen
class EndPlan:
    """End a plan that was supervised."""

    plan: str
    on: date
    by: str
    conclusion: str


@frozen
class RaiseWarning:
    """Record an early warning; once for a place, trade, measure and window."""

    place: str
    trade: str
    measure: str
    window_start: date
    window_end: date
    count: int
    usual_per_mille: int
    positions: tuple[int, ...]


# --- decisions -------------------------------------------------------------------------------

Decision = tuple[Any, ...] | Refusal


def _make(command: MakePlan, state: Plan) -> Decision:
    if state.made is not None:
        return Refusal("plan_exists", "REQ-18", f"plan `{command.plan}` was made")
    if command.metric not in METRICS or command.dimension not in DIMENSIONS:
        return Refusal(
            "metric_unknown",
            "REQ-18",
            f"a plan moves one of {', '.join(METRICS)} for one of {', '.join(DIMENSIONS)}",
        )
    if not command.measure or command.change_per_mille >= 0:
        return Refusal(
            "effect_missing", "REQ-18", "a plan names its measure, and what it should lower"
        )
    if not command.baseline_start <= command.baseline_end < command.runs_from <= command.runs_to:
        return Refusal("plan_backwards", "REQ-18", "a plan runs after the days it is compared with")
    if not command.responsible or command.supervisor in ("", command.responsible):
        return Refusal("supervisor_missing", "REQ-18", "a plan is supervised by another person")
    return (PlanMade(**{name: getattr(command, name) for name in _PLAN_FIELDS}),)


_PLAN_FIELDS = tuple(field.name for field in attrs.fields(PlanMade))


def _supervise(command: SuperviseExecution, state: Plan) -> Decision:
    refused = _unfit(command, state)
    if refused is not None:
        return refused
    if not command.note:
        return Refusal("note_missing", "REQ-18", "who supervises says what was seen")
    return (
        ExecutionSupervised(
            command.plan, command.on, command.by, command.carried_out, command.note
        ),
    )


def _end(command: EndPlan, state: Plan) -> Decision:
    refused = _unfit(command, state)
    if refused is not None:
        return refused
    if not len(state.supervised):
        return Refusal("never_supervised", "REQ-18", "a plan ends after it was supervised")
    if not command.conclusion:
        return Refusal("note_missing", "REQ-18", "who ends a plan says what came of it")
    return (PlanEnded(command.plan, command.on, command.by, command.conclusion),)


def _unfit(command: SuperviseExecution | EndPlan, state: Plan) -> Refusal | None:
    if state.made is None or state.ended is not None:
        return Refusal("plan_not_running", "REQ-18", "there is no such plan, or it has ended")
    if command.by != state.made.supervisor:
        return Refusal("not_the_supervisor", "REQ-18", "a plan is supervised by its supervisor")
    if command.on < state.made.runs_from:
        return Refusal("too_early", "REQ-18", f"the plan begins on {state.made.runs_from}")
    return None


_DECIDE: dict[type, Any] = {MakePlan: _make, SuperviseExecution: _supervise, EndPlan: _end}


def decide(command: Any, state: Plan) -> Decision:
    """Events that follow from the command, or why not."""
    return _DECIDE[type(command)](command, state)  # type: ignore[no-any-return]


PLAN = Aggregate(
    Decider(
        "improvement",
        Plan(),
        decide,
        dispatch(
            {
                PlanMade: lambda state, e: attrs.evolve(state, made=e),
                ExecutionSupervised: lambda state, e: attrs.evolve(
                    state, supervised=state.supervised.append(e)
                ),
                PlanEnded: lambda state, e: attrs.evolve(state, ended=e),
            }
        ),
    ),
    tuple(_DECIDE),
    lambda command: command.plan,
    lambda _: "",
    needs_file=False,
)


def warning_id(command: RaiseWarning) -> str:
    """The id of a warning: of one place, trade, measure and window there is one."""
    return digest_of(
        [command.place, command.trade, command.measure, command.window_end.isoformat()]
    )[:32]


def decide_warning(command: RaiseWarning, state: Raised) -> Decision:
    """The warning, unless it was raised before."""
    if state.warning is not None:
        return ()
    if command.measure not in MEASURES or not command.positions:
        return Refusal(
            "warning_without_events", "REQ-19", "a warning names its measure and its events"
        )
    return (
        WarningRaised(
            warning_id(command),
            command.place,
            command.trade,
            command.measure,
            command.window_start,
            command.window_end,
            command.count,
            command.usual_per_mille,
            command.positions,
        ),
    )


WARNING = Aggregate(
    Decider(
        "warning",
        Raised(),
        decide_warning,
        dispatch({WarningRaised: lambda state, e: attrs.evolve(state, warning=e)}),
    ),
    (RaiseWarning,),
    warning_id,
    lambda _: "",
    needs_file=False,
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


def effect(plan: PlanMade, found: Iterable[Happening]) -> Effect:
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
