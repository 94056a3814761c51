"""Commands about maintenance plans and assessments of relations."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from crm_core.kernel.recorded import Actor
from crm_core.kernel.word import Word
from crm_core.plans import assessments
from crm_core.plans import commands as plans
from crm_core.plans.assessments import KINDS, RESULTS
from crm_core.plans.commands import EFFECTS, GONE
from crm_core.plans.events import Measure
from crm_core.plans.policy import DEFAULT_CARE, MEASURES, CarePolicy
from crm_core.slices import shipped
from crm_core.testing.strategies.classes import command_classes, command_of
from crm_core.testing.strategies.values import days, mostly

FIRST, LAST = date(2023, 1, 1), date(2023, 12, 31)
_LATER = date(2024, 1, 5)
SPECIALIST, SUPERVISOR = Actor("S1", "specialist"), Actor("U1", "supervisor")
MANAGER, DIRECTOR = Actor("M1", "manager"), Actor("D1", "director")
_PEOPLE = st.sampled_from([SPECIALIST, SUPERVISOR, MANAGER, DIRECTOR])
_TEXT = mostly(("as agreed",), "")


def measures() -> SearchStrategy[Measure]:
    """Measures of a plan of the year 2023, nearly all of which are accepted."""
    return st.builds(
        Measure,
        measure=st.sampled_from(("M1", "M2")),
        kind=mostly(MEASURES[:3], "discount"),
        what=_TEXT,
        responsible=st.sampled_from(("S1", "S2")),
        due=days(FIRST, LAST),
        cost_fen=st.sampled_from((0, 100_00, 300_00)),
        feasible=_TEXT,
        economical=_TEXT,
    )


def plan_commands(plan: str = "P1", household: str = "V1") -> SearchStrategy[Any]:
    """Commands about one plan: few numbers, persons and days, so that they meet."""
    common = _common(plan, household)
    return st.one_of(*(command_of(cls, common, _OWN) for cls in command_classes(plans)))


@st.composite
def plan_stories(draw: DrawFn, plan: str = "P1", household: str = "V1") -> tuple[Any, ...]:
    """A plan from its beginning until it is in force, or until a step before that.

    All of it is accepted where there is no plan of that number.
    """
    policy = shipped().find(CarePolicy, DEFAULT_CARE, FIRST)
    measure = Measure(
        measure="M1",
        kind="visit",
        what="call on them",
        responsible="S1",
        due=LAST,
        cost_fen=300_00,
        feasible="one can",
        economical="little",
    )
    told: dict[str, Any] = {"gone": "", "strangers": ()}
    chain = (
        plans.OpenPlan(
            plan=plan,
            suggestion="a visit",
            on=FIRST,
            household=household,
            assessment="A1",
            by=SPECIALIST,
            no_basis="",
        ),
        plans.DraftPlan(
            plan=plan,
            method="visits",
            goal="trust",
            measures=(measure,),
            runs_from=FIRST,
            runs_to=LAST,
            on=FIRST,
            by=SUPERVISOR,
            **told,
        ),
        plans.ReviewPlan(plan, 1, True, FIRST, by=MANAGER, gone=""),
        plans.ApprovePlan(
            plan, 1, True, FIRST, by=DIRECTOR, gone="", known_on=FIRST, policy=policy
        ),
        plans.AssignTask(
            plan=plan,
            task="T1",
            measure="M1",
            what="first visit",
            person="S1",
            due=LAST,
            on=FIRST,
            by=SUPERVISOR,
            **told,
        ),
    )
    return chain[: draw(st.sampled_from((5, 5, 4, 4, 3, 2, 1)))]


def assessment_commands(assessment: str = "A1", household: str = "V1") -> SearchStrategy[Any]:
    """Commands about one assessment; some of the values are not accepted."""
    common = {**_common("P1", household), "assessment": st.just(assessment)}
    own: dict[type, Mapping[str, SearchStrategy[Any]]] = {
        assessments.GatherInformation: {
            "kind": mostly(KINDS, "gossip"),
            "entry": st.sampled_from(("I1", "I2", "I3", "I4", "I5", "I6", "I7")),
            "household": mostly((household,), "V2"),
        },
        assessments.ProposeAssessment: {"result": mostly(RESULTS, "grand")},
        assessments.DecideAssessment: {"result": mostly((*RESULTS, ""), "grand")},
    }
    kinds = (
        assessments.GatherInformation,
        assessments.ProposeAssessment,
        assessments.DecideAssessment,
    )
    return st.one_of(*(command_of(cls, common, own) for cls in kinds))


def assessment_stories(
    assessment: str = "A1", household: str = "V1"
) -> SearchStrategy[tuple[Any, ...]]:
    """All five kinds of information, gathered one after the other."""
    told = tuple(
        assessments.GatherInformation(
            assessment=assessment,
            household=household,
            entry=f"I-{kind}",
            kind=kind,
            on=FIRST,
            findings="as usual",
            reference="file 7",
            by=SPECIALIST,
        )
        for kind in KINDS
    )
    return st.just(told)


def _common(plan: str, household: str) -> dict[str, SearchStrategy[Any]]:
    policy = shipped().find(CarePolicy, DEFAULT_CARE, FIRST)
    text = dict.fromkeys(
        (
            "answer", "economical", "feasible", "findings", "gap", "goal", "guidance",
            "improvement", "method", "note", "reason", "receipt", "reference", "requirements",
            "strategy", "suggestion", "suggestions", "summary", "what",
        ),
        _TEXT,
    )  # fmt: skip
    return {
        **text,
        "plan": st.just(plan),
        "household": st.just(household),
        "assessment": st.just("A1"),
        "version": mostly((1, 2), 9),
        "on": days(FIRST, _LATER),
        "due": days(FIRST, _LATER),
        "period_start": st.just(FIRST),
        "period_end": mostly((FIRST,), LAST),
        "runs_from": mostly((FIRST,), LAST),
        "runs_to": mostly((LAST,), FIRST),
        "year": mostly((2023,), 2024),
        "measure": mostly(("M1",), "M9"),
        "task": st.sampled_from(("T1", "T2")),
        "spending": st.sampled_from(("X1", "X2", "X3")),
        "report": st.sampled_from(("R1", "R2")),
        "feedback": st.sampled_from(("F1", "F2")),
        "person": st.sampled_from(("S1", "U1")),
        "amount_fen": mostly((100_00, 50_00), -1),
        "word": st.just(Word(f"{household}#owner", "phone", "call 17")),
        "measures": st.lists(measures(), max_size=3).map(tuple),
        "effect": mostly(EFFECTS, "grand"),
        "step": st.sampled_from(plans.STEPS),
        "by": _PEOPLE,
        "gone": mostly(("",), GONE[1]),
        "no_basis": mostly(("",), "assessment_missing"),
        "strangers": mostly(((),), ("S1",)),
        "known_on": st.just(_LATER),
        "policy": st.just(policy),
    }


_OWN: dict[type, Mapping[str, SearchStrategy[Any]]] = {
    plans.OpenPlan: {"layer": st.just(""), "list_year": st.none()},
    plans.TellPlanDue: {"number": st.sampled_from(("T1", "T2", "2023")), "step": st.just("task")},
}

__all__ = [
    "assessment_commands",
    "assessment_stories",
    "measures",
    "plan_commands",
    "plan_stories",
]
