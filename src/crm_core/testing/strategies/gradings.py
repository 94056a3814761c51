"""Strategies for gradings: facts as they can be, decisions, and what people do about them.

Needs hypothesis.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from typing import Any

from attrs import evolve
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from crm_core.gradings.commands import (
    AcceptAutomatic,
    ApprovePolicy,
    AssessPolicy,
    ConfirmGrading,
    ConfirmType,
    ContestGrading,
    DecideReview,
    DecideUplift,
    Document,
    DraftPolicy,
    MakePolicyEffective,
    ProposeType,
    ProposeUplift,
    RecordGrading,
    RefuseAutomatic,
    Tried,
)
from crm_core.gradings.criteria import assess
from crm_core.gradings.events import GradingDecided
from crm_core.gradings.facts import Evidence, Facts
from crm_core.gradings.policy import DEFAULT_GRADING, GRADES, LAYERS, TYPES, GradingPolicy
from crm_core.gradings.reading import DEFAULT_READING, Reading
from crm_core.gradings.uplift import DEFAULT_UPLIFT, Promises, UpliftPolicy
from crm_core.kernel.dates import Period, start_of_day
from crm_core.kernel.recorded import Actor
from crm_core.kernel.tenures import FIRST
from crm_core.kernel.word import Word
from crm_core.payments.credit import DEFAULT_CREDIT, CreditPolicy
from crm_core.slices import shipped

DAY = date(2012, 1, 10)

_OVERDUE = {"A": 0, "B1": 30, "B2": 31, "B3": 180, "B4": 365, "B5": 366}
_EDGES = (8_000_00, 10_000_00, 16_000_00, 20_000_00)
_RUNS = ("run-1", "run-2")
_ROLES = ("specialist", "supervisor", "manager", "director")


@st.composite
def facts(draw: DrawFn) -> Facts:
    """Facts as they can be: a grade is never better than the worst of its year, and so on.

    They lean towards the amounts on which the default policy turns.
    """
    worst = draw(st.sampled_from(GRADES.values))
    credit = draw(st.sampled_from(GRADES.values[: GRADES.rank(worst) + 1]))
    days = _OVERDUE[credit]
    around = st.sampled_from([fen + d for fen in _EDGES for d in (-1, 0, 1)])
    purchases = draw(around | st.integers(-100, 100) | st.integers(-10_000_00, 30_000_00))
    previous = draw(
        st.sampled_from([0, purchases, purchases * 10 // 11, purchases * 10 // 11 + 1])
        | st.sampled_from([fen * 10 // 11 + d for fen in _EDGES for d in (0, 1)])
        | st.integers(-10_000_00, 30_000_00)
    )
    attention = draw(st.integers(0, 6))
    return Facts(
        attention=attention,
        b2_entries=draw(st.integers(0, 3)) if worst not in ("A", "B1") else 0,
        charges_due=draw(st.integers(0, 3)),
        complaints=draw(st.integers(0, attention) | st.just(attention)),
        conduct=draw(st.integers(0, 1)),
        credit=credit,
        interests=draw(st.integers(0, 1)),
        overdue_days=days,
        overdue_fen=draw(st.integers(1, 500_00)) if days else 0,
        previous_purchases_fen=previous,
        purchases_fen=purchases,
        worst_credit=worst,
    )


def gradings(household: str = "V00001", run: str = "run-1") -> SearchStrategy[GradingDecided]:
    """Decisions that follow from their facts, under the default policies."""
    return facts().map(lambda seen: _graded(household, run, seen))


def grading_openings(household: str = "V00001") -> SearchStrategy[RecordGrading]:
    """Commands that write a first grading into a household's history."""
    return gradings(household).map(lambda grading: RecordGrading(grading, policy=_grading_policy()))


def grading_commands(household: str = "V00001") -> SearchStrategy[object]:
    """Commands about one household's gradings, by all kinds of people; many are refused.

    What is looked up stands in them, as for any decider.
    """
    people, days, year = _people(household), _days(), st.just(2011)
    # Which run holds is looked up: most often one that graded the household.
    runs = st.sampled_from((*_RUNS, *_RUNS, "run-1.RV1", "run-9", None))
    home, policy = st.just(household), st.just(_grading_policy())
    reasons = st.sampled_from(("looked into", "looked into", ""))
    reviews = st.sampled_from(("RV1", "RV2"))
    owner = f"{household}#owner"
    tenures = st.sampled_from((FIRST, FIRST, "2011-07-01"))
    wishes = {
        "word": st.sampled_from((None, None, Word(owner, "phone", "call-7"))),
        "by": people,
        "members": st.sampled_from((frozenset(), frozenset({owner}))),
    }
    shown = {
        "by": people,
        "grading_policy": policy,
        "policy": st.just(_uplift_policy()),
        "promises": st.builds(Promises, _positions(), st.just(()) | _positions()),
        "condition": st.sampled_from((None, None, 7)),
        "expired": st.sampled_from((False, False, False, True)),
        "run": runs,
    }
    return st.one_of(
        st.builds(
            RecordGrading,
            st.one_of(*(gradings(household, run) for run in _RUNS)),
            policy=policy,
        ),
        st.builds(
            ProposeType,
            household=home,
            year=year,
            run=runs,
            type=st.sampled_from((*TYPES, "rich")),
            on=days,
            reason=reasons,
            by=people,
            policy=policy,
        ),
        st.builds(ConfirmType, home, year, days, by=people, policy=policy, run=runs),
        st.builds(ConfirmGrading, home, year, days, by=people, policy=policy, run=runs),
        st.builds(ProposeUplift, home, year, reasons, days, **shown),
        st.builds(
            DecideUplift,
            household=home,
            year=year,
            approved=st.booleans(),
            on=days,
            reason=reasons,
            **shown,
        ),
        st.builds(RefuseAutomatic, home, days, tenure=tenures, **wishes),
        st.builds(AcceptAutomatic, home, days, tenure=tenures, **wishes),
        st.builds(
            ContestGrading,
            household=home,
            year=year,
            run=runs,
            review=reviews,
            reason=reasons,
            on=days,
            **wishes,
        ),
        st.builds(
            DecideReview,
            household=home,
            review=reviews,
            result=st.sampled_from(("upheld", "corrected", "overridden", "ignored")),
            reason=reasons,
            on=days,
            layer=st.none() | st.sampled_from(LAYERS),
            until=st.none() | days.map(lambda day: day + timedelta(days=90)),
            by=people,
            again=gradings(household, "run-1.RV1"),
            policy=policy,
            run=st.sampled_from(("run-1", "run-2")),
        ),
    )


def adoption_commands(name: str = "our-grades") -> SearchStrategy[object]:
    """Commands about one policy, by all kinds of people; many are refused.

    What is looked up stands in them, as for any decider.
    """
    people, days, reasons = _people(), _days(), st.sampled_from(("fairer", "fairer", ""))
    numbers = st.integers(1, 3)
    named = st.just(name)
    tried = st.builds(
        Tried, st.just(("run-1",)) | st.just(()), st.just(9), st.integers(0, 9), st.just(0)
    )

    def drafted(number: int, **said: Any) -> DraftPolicy:
        text = policy_text(name, number)
        return DraftPolicy(
            name, Document(text), policy=GradingPolicy.parse(text).ref, faults=[], **said
        )

    return st.one_of(
        st.builds(
            drafted,
            numbers,
            reason=reasons,
            on=days,
            by=people,
            taken=st.sampled_from((None, None, None, "0" * 64)),
            another_kind=st.sampled_from((False, False, False, True)),
        ),
        st.builds(
            AssessPolicy,
            name=named,
            version=numbers,
            assessment=reasons,
            tried=tried,
            on=days,
            by=people,
        ),
        st.builds(ApprovePolicy, named, numbers, days, by=people),
        st.builds(MakePolicyEffective, named, numbers, days, days, by=people),
    )


def policy_text(name: str, version: int) -> str:
    """A small grading policy as a draft: all cautious or ordinary, main from 8,000 yuan on."""
    return (
        f'kind = "grading"\ncredit = "{DEFAULT_CREDIT}/1"\nlayers = ["main", "small"]\n'
        "needs_confirmation = []\n"
        f'[policy]\nname = "{name}"\nversion = {version}\n'
        '[[attention_level]]\noutcome = "low"\n'
        '[[prospect]]\noutcome = "limited"\n'
        '[[type]]\noutcome = "ordinary"\n'
        '[[layer]]\noutcome = "main"\n'
        'when = [{ fact = "purchases_fen", op = "at_least", threshold = 800_000 }]\n'
        '[[layer]]\noutcome = "small"\n'
    )


def _people(household: str = "V00001") -> SearchStrategy[Actor]:
    staff = st.builds(Actor, st.sampled_from(("p1", "p2", "p3")), st.sampled_from(_ROLES))
    return staff | staff | st.just(Actor(f"{household}#owner", "owner"))


def _positions() -> SearchStrategy[tuple[int, ...]]:
    return st.lists(st.integers(1, 99), max_size=4).map(tuple)


def _days() -> SearchStrategy[date]:
    return st.integers(0, 30).map(lambda late: DAY + timedelta(days=late))


def _graded(household: str, run: str, seen: Facts) -> GradingDecided:
    policy, _window = _grading_policy(), Period.of_year(2011)
    return GradingDecided(
        household=household,
        tenure=FIRST,
        run=run,
        year=2011,
        policy=policy.ref,
        credit_policy=_credit_policy().ref,
        reading=_reading().ref,
        # What was corrected is seen later than what it corrects.
        cutoff_position=9 if "." not in run else 10,
        cutoff_known=start_of_day(DAY),
        facts=seen,
        evidence=Evidence(
            attention=(),
            complaints=(),
            conduct=(),
            credit=(),
            interests=(),
            previous_purchases=(),
            purchases=(),
        ),
        outcome=assess(seen, policy).outcome(),
        decided_by="rule",
        allocations=(),
        disclosable=(),
    )


@cache
def _grading_policy() -> GradingPolicy:
    return shipped().find(GradingPolicy, DEFAULT_GRADING, DAY)


@cache
def _reading() -> Reading:
    return shipped().find(Reading, DEFAULT_READING, DAY)


@cache
def _credit_policy() -> CreditPolicy:
    return shipped().find(CreditPolicy, DEFAULT_CREDIT, DAY)


@cache
def _uplift_policy() -> UpliftPolicy:
    return evolve(shipped().find(UpliftPolicy, DEFAULT_UPLIFT, DAY), kept_promises=1)
