"""Commands to the collection of one household's arrears, and cases that are climbed."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from crm_core.kernel.decider import Refusal
from crm_core.kernel.recorded import Actor
from crm_core.kernel.tenures import FIRST
from crm_core.payments import COLLECTION
from crm_core.payments.acts import EVIDENCE, MEANS, REASONS, Proof
from crm_core.payments.collection.commands import (
    AdvanceCollection,
    CatchUpCollection,
    CheckDefects,
    CompleteStep,
    ConfirmStep,
    DecideHold,
    DecideStep,
    ProposeHold,
    ProposeStep,
    ReleaseHold,
    SkipStep,
)
from crm_core.payments.collection.dues import Day, Dues, Upcoming
from crm_core.payments.collection.policy import DEFAULT_COLLECTION, ROLES, CollectionPolicy
from crm_core.payments.credit import GRADES
from crm_core.slices import shipped
from crm_core.testing.strategies.payments import decision_of
from crm_core.testing.strategies.values import CLERKS, DECIDERS, SELDOM, ends_of, mostly


def _proof(kind: str, on: date) -> Proof:
    match kind:
        case "reason_code":
            return Proof(kind, REASONS[0])
        case "delivery":
            return Proof(kind, "EMS 7", on, MEANS[0])
        case _:
            return Proof(kind, f"{kind} 7", on)


def _whole(on: date) -> tuple[Proof, ...]:
    return tuple(_proof(kind, on) for kind in EVIDENCE)


def collection_commands(household: str = "V1", year: int = 2011) -> SearchStrategy[Any]:
    """Commands to the collection of one household's arrears, by the shipped ladder.

    Every kind is there, and so is every way of being refused. What is looked up stands in them, as
    for any decider.
    """
    home = st.just(household)
    policy = shipped().find(CollectionPolicy, DEFAULT_COLLECTION, date(year, 1, 1))
    on = st.one_of(st.dates(*ends_of(year)), st.dates(date(year, 1, 1), date(year, 3, 1)))
    step = st.sampled_from([1, 1, 1, 2, 2, 3, 4, 5])
    hold = st.sampled_from(["H1", "H1", "H2"])
    reason = mostly(("told so",), "")
    role = st.sampled_from([*ROLES, "manager", "director", "director", "guest"])
    someone = st.builds(Actor, st.sampled_from(["M1", "M2"]), role)
    proof = st.one_of(
        st.builds(_proof, st.sampled_from([*EVIDENCE, "rumour"]), on),
        st.sampled_from(
            [
                Proof("reason_code", "none of your business"),
                Proof("delivery", "EMS 7", date(year, 2, 1), "pigeon"),
                Proof("delivery", "EMS 7"),
            ]
        ),
    )
    found = st.builds(
        Dues,
        grade=st.sampled_from([*GRADES, "B2", "B3", "B4", "B5", "B5"]),
        charges=st.sampled_from([("C1",), ("C1", "C2")]),
        upcoming=st.sampled_from([(), (Upcoming("C9", date(year, 2, 1)),)]),
        promised=SELDOM,
        tenant=st.booleans(),
        paid=st.booleans(),
    )
    tenure = mostly((FIRST,), "2010-01-01")
    today = st.sampled_from([*[date(year + 1, 1, 1)] * 9, date(year, 2, 1)])
    advance = st.builds(
        AdvanceCollection,
        household=home,
        on=on,
        dues=st.one_of(found, found, found, found, st.none()),
        policy=st.just(policy),
        present_day=today,
    )
    days = st.lists(st.builds(Day, on, found, st.just(policy)), max_size=4)
    catch_up = st.builds(
        CatchUpCollection,
        household=home,
        upto=on,
        days=days.map(lambda found: tuple(sorted(found, key=lambda day: day.on))),
        present_day=today,
    )
    decide_step = st.builds(
        DecideStep,
        household=home,
        step=step,
        approved=st.sampled_from([True, True, False]),
        on=on,
        reason=reason,
        by=someone,
    )
    acts = [
        st.builds(ProposeStep, home, step, on, by=CLERKS),
        decide_step,
        on.flatmap(
            lambda day: st.builds(
                CompleteStep,
                household=home,
                step=step,
                on=st.just(day),
                proofs=st.one_of(
                    st.just(_whole(day)),
                    st.just(_whole(day)),
                    st.lists(proof, max_size=2).map(tuple),
                ),
                by=st.one_of(CLERKS, DECIDERS),
                present_day=today,
            )
        ),
        st.builds(
            ConfirmStep,
            household=home,
            step=step,
            on=on,
            by=st.one_of(CLERKS, DECIDERS),
            present_day=today,
        ),
    ]
    return st.one_of(
        advance,
        advance,
        catch_up,
        *acts,
        *acts,
        st.builds(SkipStep, home, step, on, reason, by=DECIDERS),
        st.builds(
            CheckDefects,
            household=home,
            on=on,
            open_defects=st.integers(-1, 1),
            reference=reason,
            tenure=tenure,
            by=CLERKS,
        ),
        st.builds(
            ProposeHold,
            household=home,
            hold=hold,
            on=on,
            until=on,
            reason=reason,
            tenure=tenure,
            by=CLERKS,
        ),
        decision_of(DecideHold, home, hold, on),
        st.builds(ReleaseHold, home, hold, on, reason),
    )


@st.composite
def collection_stories(draw: DrawFn, household: str = "V1", year: int = 2011) -> tuple[Any, ...]:
    """A case that is climbed for some steps: each is proposed, decided and done as it needs."""
    policy = shipped().find(CollectionPolicy, DEFAULT_COLLECTION, date(year, 1, 1))
    clerk, decider = draw(CLERKS), Actor("D1", "director")
    decide, evolve = COLLECTION.decider.decide, COLLECTION.decider.evolve
    on, state = draw(st.dates(date(year, 1, 1), date(year, 2, 1))), COLLECTION.decider.initial
    grade = draw(st.sampled_from(GRADES[1:]))
    told: list[Any] = []

    def tell(command: Any) -> None:
        nonlocal state
        told.append(command)
        decided = decide(command, state)
        if not isinstance(decided, Refusal):
            for event in decided:
                state = evolve(state, event)

    for _ in range(draw(st.integers(1, 5))):
        owing = Dues(grade, ("C1",))
        tell(AdvanceCollection(household, on, dues=owing, policy=policy, present_day=on))
        for step in state.open_steps():
            tell(CheckDefects(household, on, 0, "round 7", by=clerk))
            if step.approver is not None:
                approved = draw(st.sampled_from([True, True, True, False]))
                tell(ProposeStep(household, step.step, on, by=clerk))
                tell(
                    DecideStep(
                        household=household,
                        step=step.step,
                        approved=approved,
                        on=on,
                        reason="looked into",
                        by=decider,
                    )
                )
            whole = _whole(on)
            tell(CompleteStep(household, step.step, on, whole, by=clerk, present_day=on))
            if step.persons > 1:
                second = draw(DECIDERS)
                tell(ConfirmStep(household, step.step, on, by=second, present_day=on))
        on += timedelta(days=draw(st.integers(1, 40)))
    return tuple(told)
