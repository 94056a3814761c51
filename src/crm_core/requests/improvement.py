"""Improvement: plans with the metric that they should move, and what they moved (REQ-18).

A plan is proposed by one person, decided by another, carried out by a third or the first, and
supervised by somebody else than who carries it out. Plans are recorded; the numbers behind them
are computed from the events (`statistics`).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import attrs

from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.authority import Own
from crm_core.kernel.catalog import EventType
from crm_core.kernel.commands import DayAhead, Id, fields_said, looked_up
from crm_core.kernel.dates import Period
from crm_core.kernel.decider import Decider, Decision, Refusal, by_command, by_event
from crm_core.kernel.growing import NOTHING, GrowingList
from crm_core.kernel.recorded import Actor
from crm_core.kernel.refusals import no_reason
from crm_core.kernel.sealed import Text
from crm_core.kernel.trades import TRADES
from crm_core.kernel.values import define, frozen
from crm_core.requests.commands import KINDS
from crm_core.requests.statistics import DIMENSIONS, Happening


@frozen
class Metric:
    """What a plan can move.

    Args:
        counted: The count it is of, one of `COUNTS`.
        of: What it is a share of; nothing if it is counted by the day.
        better: Which way it gets better: -1 down, 1 up, 0 either.
    """

    counted: str
    of: tuple[str, ...]
    better: int


METRICS: dict[str, Metric] = {
    "volume": Metric("received", (), 0),
    "late_share": Metric("done_late", ("done_in_time", "done_late"), -1),
    "in_time_share": Metric("done_in_time", ("done_in_time", "done_late"), 1),
    "dissatisfied_share": Metric("dissatisfied", ("satisfied", "partly", "dissatisfied"), -1),
    "satisfied_share": Metric("satisfied", ("satisfied", "partly", "dissatisfied"), 1),
    "broken_share": Metric("promises_broken", ("promises_kept", "promises_broken"), -1),
    "kept_share": Metric("promises_kept", ("promises_kept", "promises_broken"), 1),
    "reopened_share": Metric("reopened", ("done_in_time", "done_late"), -1),
}
"""What a plan can move: a count in thousandths a day, or in thousandths of other counts."""

_VALUES = {"trade": TRADES, "kind": KINDS}
"""What a metric can be counted for, where there is a closed list of it."""

_DAY = timedelta(days=1)


# --- events ----------------------------------------------------------------------------------


@frozen
class ImprovementProposed:
    """A measure was proposed, with the metric it should move, from where, and by how much."""

    plan: str
    measure: Text
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
    reason: Text
    rejected_by: str


@frozen
class ExecutionSupervised:
    """The supervisor looked at how the plan is carried out (督导执行)."""

    plan: str
    on: date
    carried_out: bool
    note: Text
    supervised_by: str


@frozen
class ImprovementEnded:
    """The plan is over, and this is what came of it."""

    plan: str
    on: date
    conclusion: Text
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
        change_per_mille: In which direction and by how much the metric should move against the
            baseline, in thousandths of it: -200 is a fifth less, 200 a fifth more.
        responsible: Who is to carry it out.
        supervisor: Who is to supervise it; another person than who carries it out.
        alike: Whether the register knows the two as one person.
    """

    plan: str
    measure: str
    metric: str
    dimension: str
    value: str
    baseline_start: date
    baseline_end: date
    runs_from: DayAhead
    runs_to: DayAhead
    change_per_mille: int
    responsible: Id
    supervisor: Id
    by: Actor = looked_up()
    known_on: date = looked_up()
    strangers: tuple[str, ...] = looked_up()
    alike: bool = looked_up()


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
    known_on: date = looked_up()


@frozen
class SuperviseExecution:
    """Look at how a plan is carried out; its supervisor does."""

    plan: str
    on: date
    carried_out: bool
    note: str
    by: Actor = looked_up()
    known_on: date = looked_up()


@frozen
class EndImprovement:
    """End a plan that was supervised, once its last day is over; its supervisor does."""

    plan: str
    on: date
    conclusion: str
    by: Actor = looked_up()
    known_on: date = looked_up()


# --- decisions -------------------------------------------------------------------------------


def _propose(command: ProposeImprovement, state: Plan) -> Decision:
    if state.proposed is not None:
        return Refusal("plan_exists", "REQ-18", {"plan": command.plan})
    refused = _moves_nothing(command)
    if refused is not None:
        return refused
    if not command.baseline_start <= command.baseline_end < command.runs_from <= command.runs_to:
        return Refusal("plan_backwards", "REQ-18")
    if command.runs_from < command.known_on:
        # What has happened already moved by itself.
        return Refusal("plan_in_the_past", "REQ-18", {"today": command.known_on.isoformat()})
    if not command.responsible or command.supervisor in ("", command.responsible):
        return Refusal("supervisor_missing", "REQ-18")
    if command.alike:
        return Refusal("supervisor_missing", "REQ-18")
    if command.strangers:
        return Refusal("unknown_staff", "REQ-18", {"staff": command.strangers[0]})
    said = {name: getattr(command, name) for name in fields_said(ProposeImprovement)}
    return (ImprovementProposed(**said, proposed_by=command.by.id),)


def _moves_nothing(command: ProposeImprovement) -> Refusal | None:
    """Why it does not say what is to become better, and by how much, if so."""
    metric = METRICS.get(command.metric)
    if metric is None or command.dimension not in DIMENSIONS:
        return Refusal(
            "metric_unknown", "REQ-18", {"metrics": list(METRICS), "dimensions": list(DIMENSIONS)}
        )
    values = _VALUES.get(command.dimension)
    if not command.value or (values is not None and command.value not in values):
        details = {"dimension": command.dimension, "value": command.value}
        return Refusal("metric_of_nothing", "REQ-18", details)
    if not command.measure or not command.change_per_mille:
        return Refusal("effect_missing", "REQ-18")
    if metric.better * command.change_per_mille < 0:
        return Refusal("effect_worse", "REQ-18", {"metric": command.metric})
    return None


def _decide(command: DecideImprovement, state: Plan) -> Decision:
    if state.proposed is None:
        return Refusal("plan_not_proposed", "REQ-18", {"plan": command.plan})
    if state.approved is not None or state.rejected is not None:
        return Refusal("plan_decided", "REQ-18", {"plan": command.plan})
    if command.on > command.known_on:
        return _not_yet(command.known_on)
    if not command.approved:
        if not command.reason.strip():
            return no_reason("REQ-18", "rejecting")
        return (ImprovementRejected(command.plan, command.on, command.reason, command.by.id),)
    if command.known_on > state.proposed.runs_to:
        return Refusal("plan_over", "REQ-18", {"last": state.proposed.runs_to.isoformat()})
    return (ImprovementApproved(command.plan, command.on, command.by.id),)


def _supervise(command: SuperviseExecution, state: Plan) -> Decision:
    refused = _unfit(command, state)
    if refused is not None:
        return refused
    if not command.note.strip():
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
    assert state.proposed is not None
    ends = state.proposed.runs_to + _DAY
    if command.on < ends:
        return Refusal("too_early", "REQ-18", {"earliest": ends.isoformat()}, "too_early_ending")
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
    if command.on > command.known_on:
        return _not_yet(command.known_on)
    earliest = max(state.proposed.runs_from, state.approved.on)
    if command.on < earliest:
        return Refusal(
            "too_early", "REQ-18", {"earliest": earliest.isoformat()}, "too_early_supervision"
        )
    return None


def _not_yet(today: date) -> Refusal:
    return Refusal("not_yet", "REQ-18", {"today": today.isoformat()}, "not_yet_plan")


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
        before: The metric in the baseline, rounded down; None if there was nothing to measure.
        after: The metric while the plan ran, on days that have ended.
        change_per_mille: How far it moved, in thousandths of what it was, rounded towards nothing.
        reached: Whether it moved as far as was planned, without rounding; None while the plan
            runs, and where that cannot be said.
        over: Whether its last day has ended.
    """

    before: int | None
    after: int | None
    change_per_mille: int | None
    reached: bool | None
    over: bool


def effect(plan: ImprovementProposed, found: Iterable[Happening], today: date) -> Effect:
    """The effect of a plan up to a day that has not ended."""
    concerned = [h for h in found if h.value(plan.dimension) == plan.value]
    before = _metric(plan.metric, concerned, Period(plan.baseline_start, plan.baseline_end))
    last = min(plan.runs_to, today - _DAY)
    after = None
    if last >= plan.runs_from:
        after = _metric(plan.metric, concerned, Period(plan.runs_from, last))
    over = today > plan.runs_to
    change = None if not before or after is None else Fraction((after - before) * 1000, before)
    planned = plan.change_per_mille
    reached = None
    if over and change is not None:
        reached = change <= planned if planned < 0 else change >= planned
    return Effect(
        before=_whole(before),
        after=_whole(after),
        change_per_mille=None if change is None else int(change),
        reached=reached,
        over=over,
    )


def _metric(name: str, found: Iterable[Happening], period: Period) -> Fraction | None:
    """In thousandths, exactly."""
    metric = METRICS[name]
    counts = [happening.count for happening in found if happening.day in period]
    number = counts.count(metric.counted)
    whole = sum(counts.count(name) for name in metric.of)
    if not metric.of:
        whole = (period.end - period.start).days + 1
    return Fraction(number * 1000, whole) if whole else None


def _whole(value: Fraction | None) -> int | None:
    return None if value is None else int(value)
