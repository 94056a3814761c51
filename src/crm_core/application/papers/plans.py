"""Papers of relations cared for: 客户关系评估表, 维护方案, 强化表, 维护报告, 客户维护总结表
(PLN-01 to PLN-03).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from crm_core.application.papers.base import (
    ASSESSMENT,
    PLAN,
    Ask,
    Filled,
    Paper,
    line,
    printed,
    stamp,
    typed,
)
from crm_core.application.papers.model import (
    APPROVED,
    CARD,
    DAY,
    DRAFTED,
    FEN,
    NUMBER,
    REVIEWED,
    SIGN,
    TABLE,
    Line,
    Printed,
    Section,
    Stamp,
    Value,
)
from crm_core.errors import Invalid
from crm_core.kernel.values import frozen
from crm_core.plans import ASSESSMENT as ASSESSMENTS
from crm_core.plans import PLAN as PLANS
from crm_core.plans import assessments as said
from crm_core.plans import events as told


@frozen
class _Told:
    """What is seen of a plan or an assessment: its events by their class, in order."""

    number: str
    by_kind: Mapping[type, list[Any]]
    household: str

    def all(self, *kinds: type) -> list[Any]:
        return [one for kind in kinds for one in self.by_kind.get(kind, [])]

    def last(self, kind: type) -> Any:
        found = self.by_kind.get(kind)
        return found[-1] if found else None

    def stamp(self, what: str, by: str, *kinds: type) -> Stamp:
        return stamp(what, ((one.on, getattr(one, by)) for one in self.all(*kinds)))

    def line(self, **values: Value) -> Line:
        return line(self.household, **values)


def _told(ask: Ask, stream: str, missing: Invalid) -> _Told:
    by_kind: dict[type, list[Any]] = {}
    household = ""
    for recorded in ask.sources.host.log.read(stream):
        if ask.seen(recorded):
            event = ask.sources.texts.opened(recorded).event
            by_kind.setdefault(type(event), []).append(event)
            household = household or recorded.household
    if not by_kind:
        raise missing
    return _Told(ask.asked.about, by_kind, household)


def _field(name: str, event: str, field: str = "", kind: str = "text") -> Printed:
    return printed(name, f"plans.{event}/1.{field or name}", kind=kind)


# --- 客户关系评估表 ------------------------------------------------------------------------------


def _assessed(ask: Ask) -> Filled:
    number = ask.asked.about
    missing = Invalid.one("assessment_unknown", number=number)
    found = _told(ask, ASSESSMENTS.stream(number), missing)
    proposed, decided = found.last(said.AssessmentProposed), found.last(said.AssessmentDecided)
    texts = ("summary", "strategy", "requirements", "gap", "method")
    return Filled(
        stamps=[
            found.stamp(DRAFTED, "proposed_by", said.AssessmentProposed),
            found.stamp(APPROVED, "decided_by", said.AssessmentDecided),
        ],
        lines={
            "relation": [
                found.line(
                    household=found.household,
                    **{name: typed(getattr(proposed, name, None)) for name in texts},
                    period_start=getattr(proposed, "period_start", None),
                    period_end=getattr(proposed, "period_end", None),
                    proposed=getattr(proposed, "result", None),
                    relation=getattr(decided, "result", None),
                    reason=typed(getattr(decided, "reason", None)),
                )
            ],
            "information": [
                found.line(
                    information=one.kind,
                    on=one.on,
                    findings=typed(one.findings),
                    reference=typed(one.reference),
                    gathered_by=one.gathered_by,
                )
                for one in found.all(said.InformationGathered)
            ],
        },
    )


_PROPOSED, _DECIDED = "assessment_proposed", "assessment_decided"

RELATION = Paper(
    name="relation-assessment",
    about=ASSESSMENT,
    stamps={
        DRAFTED: (f"plans.{_PROPOSED}/1.on", f"plans.{_PROPOSED}/1.proposed_by"),
        APPROVED: (f"plans.{_DECIDED}/1.on", f"plans.{_DECIDED}/1.decided_by"),
    },
    fill=_assessed,
    sections=(
        Section(
            "relation",
            CARD,
            (
                _field("household", "information_gathered", kind=SIGN),
                _field("period_start", _PROPOSED, kind=DAY),
                _field("period_end", _PROPOSED, kind=DAY),
                *(
                    _field(name, _PROPOSED)
                    for name in ("summary", "strategy", "requirements", "gap", "method")
                ),
                _field("proposed", _PROPOSED, "result", kind="relation"),
                _field("relation", _DECIDED, "result", kind="relation"),
                _field("reason", _DECIDED),
            ),
        ),
        Section(
            "information",
            TABLE,
            (
                _field("information", "information_gathered", "kind", kind="information"),
                _field("on", "information_gathered", kind=DAY),
                _field("findings", "information_gathered"),
                _field("reference", "information_gathered"),
                _field("gathered_by", "information_gathered", kind=SIGN),
            ),
            key=("information", "on"),
        ),
    ),
)

# --- 客户关系维护方案 ----------------------------------------------------------------------------


def _plan_of(ask: Ask) -> _Told:
    number = ask.asked.about
    missing = Invalid.one("maintenance_plan_unknown", number=number)
    return _told(ask, PLANS.stream(number), missing)


def _planned(ask: Ask) -> Filled:
    found = _plan_of(ask)
    opened, drafted = found.last(told.PlanOpened), found.last(told.PlanDrafted)
    state = PLANS.decider.fold(_in_order(ask))
    return Filled(
        stamps=[
            found.stamp(DRAFTED, "drafted_by", told.PlanDrafted),
            found.stamp(REVIEWED, "reviewed_by", told.PlanReturned, told.PlanPassed),
            found.stamp(APPROVED, "approved_by", told.PlanApproved),
        ],
        lines={
            "plan": [
                found.line(
                    plan=found.number,
                    household=found.household or None,
                    layer=getattr(opened, "layer", None) or None,
                    assessment=getattr(opened, "assessment", None) or None,
                    version=None if drafted is None else drafted.version,
                    plan_status=state.stands(ask.on),
                    goal=typed(getattr(drafted, "goal", None)),
                    method=typed(getattr(drafted, "method", None)),
                    runs_from=getattr(drafted, "runs_from", None),
                    runs_to=getattr(drafted, "runs_to", None),
                    budget_fen=getattr(drafted, "budget_fen", None),
                )
            ],
            "measures": []
            if drafted is None
            else [
                found.line(
                    number=one.measure,
                    measure=one.kind,
                    what=typed(one.what),
                    responsible=one.responsible,
                    due=one.due,
                    cost_fen=one.cost_fen,
                    feasible=typed(one.feasible),
                    economical=typed(one.economical),
                )
                for one in drafted.measures
            ],
            "suggestions": [
                found.line(on=one.on, who=who, text=typed(text))
                for one, who, text in _suggestions(found)
            ],
        },
    )


def _in_order(ask: Ask) -> Iterator[Any]:
    for recorded in ask.sources.host.log.read(PLANS.stream(ask.asked.about)):
        if ask.seen(recorded):
            yield recorded.event


def _suggestions(found: _Told) -> Iterator[tuple[Any, str, Any]]:
    for one in found.all(told.PlanSuggestionMade):
        yield one, one.suggested_by, one.suggestion
    for one in found.all(told.PlanReturned):
        yield one, one.reviewed_by, one.suggestions


PLAN_STAMPS: Mapping[str, tuple[str, ...]] = {
    DRAFTED: ("plans.drafted/1.on", "plans.drafted/1.drafted_by"),
    REVIEWED: ("plans.passed/1.on", "plans.passed/1.reviewed_by"),
    APPROVED: ("plans.approved/1.on", "plans.approved/1.approved_by"),
}


def _measure(name: str, field: str = "", kind: str = "text") -> Printed:
    return _field(name, "drafted", f"measures.{field or name}", kind)


MAINTENANCE_PLAN = Paper(
    name="maintenance-plan",
    about=PLAN,
    stamps=PLAN_STAMPS,
    fill=_planned,
    sections=(
        Section(
            "plan",
            CARD,
            (
                _field("plan", "opened", kind=SIGN),
                _field("household", "opened", kind=SIGN),
                _field("layer", "opened", kind="layer"),
                _field("assessment", "opened", kind=SIGN),
                _field("version", "drafted", kind=NUMBER),
                printed(
                    "plan_status", "plans.approved/1.version", "plans.archived/1.on", kind="plan"
                ),
                _field("goal", "drafted"),
                _field("method", "drafted"),
                _field("runs_from", "drafted", kind=DAY),
                _field("runs_to", "drafted", kind=DAY),
                _field("budget_fen", "drafted", kind=FEN),
            ),
        ),
        Section(
            "measures",
            TABLE,
            (
                _measure("number", "measure", SIGN),
                _measure("measure", "kind", "measure"),
                _measure("what"),
                _measure("responsible", kind=SIGN),
                _measure("due", kind=DAY),
                _measure("cost_fen", kind=FEN),
                _measure("feasible"),
                _measure("economical"),
            ),
            key=("number",),
        ),
        Section(
            "suggestions",
            TABLE,
            (
                printed("on", "plans.suggestion_made/1.on", "plans.returned/1.on", kind=DAY),
                printed(
                    "who",
                    "plans.suggestion_made/1.suggested_by",
                    "plans.returned/1.reviewed_by",
                    kind=SIGN,
                ),
                printed(
                    "text", "plans.suggestion_made/1.suggestion", "plans.returned/1.suggestions"
                ),
            ),
            key=("on", "who"),
        ),
    ),
)

# --- 客户关系强化表 ------------------------------------------------------------------------------


def _strengthened(ask: Ask) -> Filled:
    found = _plan_of(ask)
    done = {one.task: one for one in found.all(told.TaskDone)}
    checked = {one.task: one for one in found.all(told.TaskChecked)}
    given = {one.task: one for one in found.all(told.TaskAssigned, told.TaskReassigned)}
    gone = {one.spending for one in found.all(told.SpendingWithdrawn)}
    return Filled(
        stamps=[
            found.stamp(DRAFTED, "assigned_by", told.TaskAssigned, told.TaskReassigned),
            found.stamp(REVIEWED, "checked_by", told.TaskChecked),
        ],
        lines={
            "tasks": [
                found.line(
                    task=one.task,
                    number=one.measure,
                    what=typed(one.what),
                    responsible=given[one.task].person,
                    due=given[one.task].due,
                    done_on=getattr(done.get(one.task), "on", None),
                    done=typed(getattr(done.get(one.task), "what", None)),
                    effective=getattr(checked.get(one.task), "effective", None),
                    note=typed(getattr(checked.get(one.task), "note", None)),
                )
                for one in found.all(told.TaskAssigned)
            ],
            "feedback": [
                line(one.household, on=one.on, household=one.household, text=typed(one.what))
                for one in found.all(told.FeedbackHeard)
            ],
            "spending": [
                found.line(
                    on=one.on,
                    number=one.measure,
                    amount_fen=one.amount_fen,
                    reference=typed(one.receipt),
                )
                for one in found.all(told.SpendingRecorded)
                if one.spending not in gone
            ],
        },
    )


STRENGTHENING = Paper(
    name="relation-strengthening",
    about=PLAN,
    stamps={
        DRAFTED: ("plans.task_assigned/1.on", "plans.task_assigned/1.assigned_by"),
        REVIEWED: ("plans.task_checked/1.on", "plans.task_checked/1.checked_by"),
    },
    fill=_strengthened,
    sections=(
        Section(
            "tasks",
            TABLE,
            (
                _field("task", "task_assigned", kind=SIGN),
                _field("number", "task_assigned", "measure", kind=SIGN),
                _field("what", "task_assigned"),
                _field("responsible", "task_assigned", "person", kind=SIGN),
                _field("due", "task_assigned", kind=DAY),
                _field("done_on", "task_done", "on", kind=DAY),
                _field("done", "task_done", "what"),
                _field("effective", "task_checked", kind="effective"),
                _field("note", "task_checked"),
            ),
            key=("task",),
        ),
        Section(
            "feedback",
            TABLE,
            (
                _field("on", "feedback_heard", kind=DAY),
                _field("household", "feedback_heard", kind=SIGN),
                _field("text", "feedback_heard", "what"),
            ),
            key=("on", "household"),
        ),
        Section(
            "spending",
            TABLE,
            (
                _field("on", "spending_recorded", kind=DAY),
                _field("number", "spending_recorded", "measure", kind=SIGN),
                _field("amount_fen", "spending_recorded", kind=FEN),
                _field("reference", "spending_recorded", "receipt"),
            ),
            key=("on", "number"),
        ),
    ),
)

# --- 客户关系维护报告 and 客户维护总结表 ---------------------------------------------------------


def _reported(ask: Ask) -> Filled:
    found = _plan_of(ask)
    checked = {one.report: one for one in found.all(told.ReportChecked)}
    return Filled(
        stamps=[
            found.stamp(DRAFTED, "reported_by", told.PlanReported),
            found.stamp(REVIEWED, "checked_by", told.ReportChecked),
        ],
        lines={
            "reports": [
                found.line(
                    number=one.report,
                    on=one.on,
                    text=typed(one.what),
                    who=one.reported_by,
                    effective=getattr(checked.get(one.report), "effective", None),
                    note=typed(getattr(checked.get(one.report), "note", None)),
                )
                for one in found.all(told.PlanReported)
            ],
            "missed": [found.line(due=one.due) for one in found.all(told.ReportMissed)],
        },
    )


REPORT = Paper(
    name="maintenance-report",
    about=PLAN,
    stamps={
        DRAFTED: ("plans.reported/1.on", "plans.reported/1.reported_by"),
        REVIEWED: ("plans.report_checked/1.on", "plans.report_checked/1.checked_by"),
    },
    fill=_reported,
    sections=(
        Section(
            "reports",
            TABLE,
            (
                _field("number", "reported", "report", kind=SIGN),
                _field("on", "reported", kind=DAY),
                _field("text", "reported", "what"),
                _field("who", "reported", "reported_by", kind=SIGN),
                _field("effective", "report_checked", kind="effective"),
                _field("note", "report_checked"),
            ),
            key=("number",),
        ),
        Section("missed", TABLE, (_field("due", "report_missed", kind=DAY),), key=("due",)),
    ),
)

_COUNTED = ("tasks", "tasks_checked", "tasks_late", "feedback")


def _summarised(ask: Ask) -> Filled:
    found = _plan_of(ask)
    guided = {one.year: one for one in found.all(told.EvaluationGuided)}
    improved = {one.year: one for one in found.all(told.PlanImproved)}
    summed = {one.year: one for one in found.all(told.PlanSummarised)}
    return Filled(
        stamps=[
            found.stamp(DRAFTED, "summarised_by", told.PlanSummarised),
            found.stamp(REVIEWED, "guided_by", told.EvaluationGuided),
            found.stamp(APPROVED, "archived_by", told.PlanArchived),
        ],
        lines={
            "years": [
                found.line(
                    year=str(one.year),
                    effect=one.effect,
                    findings=typed(one.findings),
                    guidance=typed(getattr(guided.get(one.year), "guidance", None)),
                    improvement=typed(getattr(improved.get(one.year), "improvement", None)),
                    summary=typed(getattr(summed.get(one.year), "summary", None)),
                    budget_fen=getattr(summed.get(one.year), "budget_fen", None),
                    spent_fen=one.spent_fen,
                    **{name: getattr(summed.get(one.year), name, None) for name in _COUNTED},
                )
                for one in found.all(told.PlanEvaluated)
            ]
        },
    )


SUMMARY = Paper(
    name="maintenance-summary",
    about=PLAN,
    stamps={
        DRAFTED: ("plans.summarised/1.on", "plans.summarised/1.summarised_by"),
        REVIEWED: ("plans.evaluation_guided/1.on", "plans.evaluation_guided/1.guided_by"),
        APPROVED: ("plans.archived/1.on", "plans.archived/1.archived_by"),
    },
    fill=_summarised,
    sections=(
        Section(
            "years",
            CARD,
            (
                _field("year", "evaluated", kind=SIGN),
                _field("effect", "evaluated", kind="effect"),
                _field("findings", "evaluated"),
                _field("guidance", "evaluation_guided"),
                _field("improvement", "improved"),
                _field("summary", "summarised"),
                _field("budget_fen", "summarised", kind=FEN),
                _field("spent_fen", "evaluated", kind=FEN),
                *(_field(name, "summarised", kind=NUMBER) for name in _COUNTED),
            ),
            key=("year",),
        ),
    ),
)
