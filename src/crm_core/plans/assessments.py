"""The assessment of a relation (合作关系评估): beside the grade, and never instead of it.

A specialist gathers what the five kinds of records say, compares it with the company's strategy and
with what the service asks for, names the gap, and proposes a result; a supervisor decides it. No
grading reads it, and it shows no grade.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import attrs

from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.authority import Own
from crm_core.kernel.catalog import EventType
from crm_core.kernel.commands import Id, looked_up
from crm_core.kernel.decider import Decider, Decision, Refusal, by_command, by_event
from crm_core.kernel.growing import EMPTY, GrowingMap
from crm_core.kernel.recorded import Actor
from crm_core.kernel.refusals import no_reason, unknown
from crm_core.kernel.sealed import Text
from crm_core.kernel.values import define, frozen

KINDS = ("complaints", "other", "receptions", "transactions", "visits")
"""The five kinds of information: 客服交易信息, 回访记录, 接待记录, 投诉记录, 其他."""

RESULTS = ("close", "steady", "distant", "strained")
"""How a relation stands, from the best: 紧密, 稳定, 疏远, 紧张."""


# --- events ----------------------------------------------------------------------------------


@frozen
class InformationGathered:
    """What one kind of records says of a household, also if that is nothing.

    Args:
        entry: Its number within the assessment.
        kind: One of `KINDS`.
        reference: Where that is on record.
    """

    assessment: str
    entry: str
    household: str
    kind: str
    on: date
    findings: Text
    reference: Text
    gathered_by: str


@frozen
class AssessmentProposed:
    """The result was proposed, with the gap that it comes from.

    Args:
        period_start: First day that is looked at.
        period_end: Last day that is looked at.
        summary: What the information comes to.
        strategy: What the company's strategy would have.
        requirements: What the service asks for.
        gap: What lies between (差距).
        method: By which method the result was found.
        result: One of `RESULTS`.
    """

    assessment: str
    household: str
    period_start: date
    period_end: date
    summary: Text
    strategy: Text
    requirements: Text
    gap: Text
    method: Text
    result: str
    on: date
    proposed_by: str


@frozen
class AssessmentDecided:
    """Another person decided how the relation stands.

    Args:
        proposed: The result that was proposed.
        result: The one that holds; another one has a reason.
    """

    assessment: str
    household: str
    proposed: str
    result: str
    on: date
    reason: Text
    decided_by: str


@frozen
class AssessmentReturned:
    """Another person gave the proposal back: something is missing."""

    assessment: str
    household: str
    on: date
    reason: Text
    returned_by: str


EVENTS = (
    EventType("plans.information_gathered", 1, InformationGathered, "on"),
    EventType("plans.assessment_proposed", 1, AssessmentProposed, "on"),
    EventType("plans.assessment_decided", 1, AssessmentDecided, "on"),
    EventType("plans.assessment_returned", 1, AssessmentReturned, "on"),
)


# --- state -----------------------------------------------------------------------------------


@define
class Assessment:
    """An assessment as it stands.

    Args:
        gathered: What was gathered, by its number.
        proposed: The proposal that waits, or was decided; None while nothing does.
        decided: How it was decided, if it was.
    """

    household: str = ""
    gathered: GrowingMap[str, InformationGathered] = EMPTY
    proposed: AssessmentProposed | None = None
    decided: AssessmentDecided | None = None

    def kinds_missing(self) -> list[str]:
        """The kinds of information of which nothing was gathered, not even that there is none."""
        there = {one.kind for one in self.gathered.values()}
        return [kind for kind in KINDS if kind not in there]


# --- commands --------------------------------------------------------------------------------


@frozen
class GatherInformation:
    """Gather what one kind of records says of a household; that there is nothing is said, too.

    Args:
        kind: One of `KINDS`.
    """

    assessment: str
    household: str
    entry: Id
    kind: str
    on: date
    findings: str
    reference: str
    by: Actor = looked_up()


@frozen
class ProposeAssessment:
    """Propose how the relation stands, once all five kinds of information are gathered.

    Args:
        result: One of `RESULTS`.
    """

    assessment: str
    period_start: date
    period_end: date
    summary: str
    strategy: str
    requirements: str
    gap: str
    method: str
    result: str
    on: date
    by: Actor = looked_up()


@frozen
class DecideAssessment:
    """Decide an assessment that somebody else proposed, or give it back, for a reason.

    Args:
        result: The result that holds, with a reason where another was proposed; empty to give it
            back.
    """

    assessment: str
    on: date
    result: str = ""
    reason: str = ""
    by: Actor = looked_up()


# --- decisions -------------------------------------------------------------------------------


def _gather(command: GatherInformation, state: Assessment) -> Decision:
    if state.decided is not None:
        return Refusal("assessment_decided", "PLN-01", {"assessment": command.assessment})
    if state.household not in ("", command.household):
        details = {"assessment": command.assessment, "household": state.household}
        return Refusal("assessment_of_another", "PLN-01", details)
    if command.entry in state.gathered:
        return Refusal("entry_exists", "PLN-01", {"entry": command.entry})
    if command.kind not in KINDS:
        return unknown("information_kind", command.kind, KINDS, rule="PLN-01")
    if not (command.entry and command.findings.strip() and command.reference.strip()):
        return Refusal("note_missing", "PLN-01", sentence="note_missing_information")
    return (
        InformationGathered(
            assessment=command.assessment,
            entry=command.entry,
            household=command.household,
            kind=command.kind,
            on=command.on,
            findings=command.findings,
            reference=command.reference,
            gathered_by=command.by.id,
        ),
    )


def _propose(command: ProposeAssessment, state: Assessment) -> Decision:
    if not state.household:
        return Refusal("unknown_assessment", "PLN-01", {"assessment": command.assessment})
    if state.decided is not None:
        return Refusal("assessment_decided", "PLN-01", {"assessment": command.assessment})
    missing = state.kinds_missing()
    if missing:
        return Refusal("information_missing", "PLN-01", {"kinds": missing})
    if not command.period_start <= command.period_end <= command.on:
        return Refusal("assessment_backwards", "PLN-01")
    gathered = max(one.on for one in state.gathered.values())
    if command.on < gathered:
        return _too_early(gathered)
    if command.result not in RESULTS:
        return unknown("relation", command.result, RESULTS, rule="PLN-01")
    said = (command.summary, command.strategy, command.requirements, command.gap, command.method)
    if not all(text.strip() for text in said):
        return Refusal("note_missing", "PLN-01", sentence="note_missing_assessment")
    return (
        AssessmentProposed(
            assessment=command.assessment,
            household=state.household,
            period_start=command.period_start,
            period_end=command.period_end,
            summary=command.summary,
            strategy=command.strategy,
            requirements=command.requirements,
            gap=command.gap,
            method=command.method,
            result=command.result,
            on=command.on,
            proposed_by=command.by.id,
        ),
    )


def _decide(command: DecideAssessment, state: Assessment) -> Decision:
    proposed = state.proposed
    if state.decided is not None:
        return Refusal("assessment_decided", "PLN-01", {"assessment": command.assessment})
    if proposed is None:
        return Refusal("assessment_not_proposed", "PLN-01", {"assessment": command.assessment})
    if command.on < proposed.on:
        return _too_early(proposed.on)
    if not command.reason.strip() and command.result != proposed.result:
        return no_reason("PLN-01", "assessment")
    if not command.result:
        return (
            AssessmentReturned(
                assessment=command.assessment,
                household=state.household,
                on=command.on,
                reason=command.reason,
                returned_by=command.by.id,
            ),
        )
    if command.result not in RESULTS:
        return unknown("relation", command.result, RESULTS, rule="PLN-01")
    return (
        AssessmentDecided(
            assessment=command.assessment,
            household=state.household,
            proposed=proposed.result,
            result=command.result,
            on=command.on,
            reason=command.reason,
            decided_by=command.by.id,
        ),
    )


def _too_early(earliest: date) -> Refusal:
    details = {"earliest": earliest.isoformat()}
    return Refusal("too_early", "PLN-01", details, "too_early_plan")


_DECIDE: dict[type, Any] = {
    GatherInformation: _gather,
    ProposeAssessment: _propose,
    DecideAssessment: _decide,
}


def _own(command: Any, state: Assessment) -> Own | None:
    if type(command) is not DecideAssessment or state.proposed is None:
        return None
    return Own(state.proposed.proposed_by)


def _gathered(state: Assessment, e: InformationGathered) -> Assessment:
    # What comes in behind a proposal was not before who proposed: it is proposed anew.
    return attrs.evolve(
        state, household=e.household, gathered=state.gathered.add(e.entry, e), proposed=None
    )


ASSESSMENT = Aggregate(
    Decider(
        "assessment",
        Assessment(),
        by_command(_DECIDE),
        by_event(
            {
                InformationGathered: _gathered,
                AssessmentProposed: lambda s, e: attrs.evolve(s, proposed=e),
                AssessmentDecided: lambda s, e: attrs.evolve(s, decided=e),
                AssessmentReturned: lambda s, _: attrs.evolve(s, proposed=None),
            }
        ),
    ),
    tuple(_DECIDE),
    lambda command: command.assessment,
    lambda command: getattr(command, "household", ""),
    own=_own,
    closed_by_merge=frozenset({GatherInformation}),
)
