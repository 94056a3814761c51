"""Collection: each credit grade has its own steps, and what the law forbids has no words."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from claiming import WORD, assert_told, refusal_codes
from collecting import CHARGED, LADDER, NEXT, day_by_day, obey, proofs
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from paying import CLERK, DEFAULT, FINANCE, MANAGER, day

import crm_core
from crm_adapters.wiring import open_crm
from crm_core.crm import CRM
from crm_core.errors import Refused
from crm_core.kernel.authority import Own
from crm_core.kernel.dates import parse_instant
from crm_core.kernel.decider import Refusal
from crm_core.kernel.policy import PolicyFault
from crm_core.kernel.recorded import Actor
from crm_core.kernel.sealed import Personal
from crm_core.kernel.tenures import FIRST
from crm_core.owners.commands import RegisterHousehold, owner_id
from crm_core.payments import ACCOUNT, COLLECTION, Account, Collection, CollectionPolicy
from crm_core.payments.acts import ACTS, DEMANDS, EVIDENCE, REASONS, Proof, StepDone
from crm_core.payments.collection import decide as ladder
from crm_core.payments.collection.arrears import dues
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
from crm_core.payments.collection.events import (
    COLLECTION_EVENTS,
    CollectionClosed,
    CollectionGradeChanged,
    CollectionHeld,
    CollectionOpened,
    DefectsChecked,
    HoldProposed,
    HoldRejected,
    HoldReleased,
    StepApproved,
    StepOpened,
    StepProposed,
    StepRejected,
    StepReported,
    StepSkipped,
)
from crm_core.payments.collection.policy import forbidden, may_approve
from crm_core.payments.commands import DisputeCharge, PromisePayment, ReceivePayment
from crm_core.payments.credit import GRADES
from crm_core.payments.events import Instalment
from crm_core.testing.laws import check_decider
from crm_core.testing.scenario import given as scenario
from crm_core.testing.strategies import collection_commands, collection_stories
from policy_faults import said

FOLDER = Path(crm_core.__file__ or "").parent / "payments" / "policies"
TEXT = (FOLDER / "collection-cn-default.toml").read_text(encoding="utf-8")
DEMANDED = ("notice", "delivery")
SECOND = Actor("S2", "specialist")
TODAY = day("2012-12-31")


# --- facts and commands in few words ---------------------------------------------------------


def opened(grade: str = "B1", case: int = 1, on: str = "2011-03-01") -> CollectionOpened:
    return CollectionOpened("V1", case, grade, LADDER.ref, day(on), FIRST)


def regraded(grade: str, on: str = "2011-03-01") -> CollectionGradeChanged:
    return CollectionGradeChanged("V1", grade, LADDER.ref, day(on), FIRST)


def step(act: str, number: int = 1, on: str = "2011-03-01", **other: Any) -> StepOpened:
    """A step of the shipped ladder."""
    grade = other.pop("grade", None) or next(r.grade for r in LADDER.steps if r.act == act)
    rung = next(r for r in LADDER.of(grade) if r.act == act)
    told = {
        "charges": ("C1",),
        "due": day(on) + timedelta(days=rung.within_days),
        "approver": rung.approver,
    }
    told.update(other)
    return StepOpened(
        "V1", number, grade, act, rung.needs, told["approver"], rung.respond_days,
        told["charges"], day(on), told["due"], rung.persons, FIRST,
    )  # fmt: skip


def done(
    act: str, number: int = 1, on: str = "2011-03-05", respond_by: str | None = None
) -> StepDone:
    needs = next(rung.needs for rung in LADDER.steps if rung.act == act)
    by = None if respond_by is None else day(respond_by)
    evidence = proofs(*needs, on=day(on))
    return StepDone("V1", number, act, "S1", ("C1",), day(on), evidence, by, None, FIRST)


def reported(number: int = 1, on: str = "2011-03-05", by: str = "S1") -> StepReported:
    return StepReported("V1", number, day(on), proofs("record"), by, FIRST)


def step_proposed(number: int = 1) -> StepProposed:
    return StepProposed("V1", number, day("2011-03-02"), "S1", FIRST)


def approved(number: int = 1, role: str = "director") -> StepApproved:
    return StepApproved("V1", number, day("2011-03-02"), "S1", "M1", role, "", FIRST)


def not_approved(number: int = 1) -> StepRejected:
    return StepRejected("V1", number, day("2011-03-02"), "too soon", "M1", FIRST)


def checked(on: str = "2011-03-01", open_defects: int = 0) -> DefectsChecked:
    return DefectsChecked("V1", day(on), open_defects, "round 7", "S2", FIRST)


def skipped(number: int = 1) -> StepSkipped:
    return StepSkipped("V1", number, day("2011-03-05"), "no letter box", "M1", FIRST)


def hold_proposed(on: str = "2011-03-01", until: str = "2011-03-31") -> HoldProposed:
    return HoldProposed("V1", "H1", day(on), day(until), "illness", "S1", FIRST)


def held(on: str = "2011-03-01", until: str = "2011-03-31") -> CollectionHeld:
    return CollectionHeld("V1", "H1", day(on), day(until), "illness", "S1", "M1", FIRST)


def not_held() -> HoldRejected:
    return HoldRejected("V1", "H1", day("2011-03-01"), "too soon", "M1", FIRST)


def advance(grade: str = "B1", on: str = "2011-03-01", **other: Any) -> AdvanceCollection:
    present = other.pop("present_day", on)
    owing = Dues(grade, **{"charges": () if grade == "A" else ("C1",), **other})
    return AdvanceCollection("V1", day(on), dues=owing, policy=LADDER, present_day=day(present))


def approve(number: int = 1, role: str = "director", **other: Any) -> DecideStep:
    fields = {"on": day("2011-03-02"), "by": Actor("M1", role), "approved": True, **other}
    return DecideStep("V1", number, **fields)


def ask_for(number: int = 1) -> ProposeStep:
    return ProposeStep("V1", number, day("2011-03-02"), by=CLERK)


def finish(number: int = 1, on: str = "2011-03-05", **other: Any) -> CompleteStep:
    told = {"proofs": proofs(*EVIDENCE, on=day(on)), "by": CLERK, "present_day": TODAY}
    return CompleteStep("V1", number, day(on), **{**told, **other})


def confirm(number: int = 1, on: str = "2011-03-05", **other: Any) -> ConfirmStep:
    return ConfirmStep("V1", number, day(on), **{"by": SECOND, "present_day": TODAY, **other})


def check(open_defects: int = 0, reference: str = "round 7") -> CheckDefects:
    by = Actor("S2", "specialist")
    return CheckDefects("V1", day("2011-03-01"), open_defects, reference, by=by)


def hold(until: str = "2011-03-31", reason: str = "illness") -> ProposeHold:
    return ProposeHold("V1", "H1", day("2011-03-01"), day(until), reason, by=CLERK)


def decide_hold(approved: bool = True, **other: Any) -> DecideHold:
    return DecideHold("V1", "H1", approved, **{"on": day("2011-03-01"), "by": MANAGER, **other})


def release(on: str = "2011-03-10", reason: str = "well again") -> ReleaseHold:
    return ReleaseHold("V1", "H1", day(on), reason)


def skip(number: int = 1, reason: str = "no letter box") -> SkipStep:
    return SkipStep("V1", number, day("2011-03-05"), reason, by=MANAGER)


def told(grade: str, on: str, **other: Any) -> Day:
    """A day of a course, and what is due on it."""
    return Day(day(on), Dues(grade, ("C1",), **other), LADDER)


def catch_up(*days: Day, upto: str = "2011-03-08", present_day: str = "2011-03-08") -> Any:
    return CatchUpCollection("V1", day(upto), days=days, present_day=day(present_day))


def visited() -> StepDone:
    return attrs.evolve(done("two_person_visit"), confirmed_by="S2")


NOTICE = [opened("B2"), step("written_notice")]
DEMAND = [
    opened("B3"),
    step("manager_informed"),
    done("manager_informed"),
    step("formal_demand", 2),
]
SUIT = [opened("B5"), step("legal_action"), approved(), checked()]
SUED = [
    opened("B5"),
    step("formal_demand", grade="B5"),
    done("formal_demand", respond_by="2011-03-20"),
    step("legal_action", 2, "2011-03-21"),
    done("legal_action", 2, "2011-04-01"),
]
VISIT = [opened("B3"), step("two_person_visit")]


# --- PAY-10: the ladder ----------------------------------------------------------------------

BOOKED: list[tuple[list[Any], Any, list[Any]]] = [
    ([], advance("A"), []),
    # Entered by credit grade; the first step has its own day.
    ([], advance("B1"), [opened("B1")]),
    ([], advance("B2"), [opened("B2"), step("written_notice")]),
    ([], advance("B5"), [opened("B5"), step("formal_demand", grade="B5")]),
    ([opened()], advance(on="2011-03-03"), []),
    ([opened()], advance(on="2011-03-04"), [step("reminder", on="2011-03-04")]),
    # The next step comes after the end of the one before, and not before its own day.
    ([opened(), step("reminder")], advance(on="2011-04-30"), []),
    ([opened(), step("reminder"), done("reminder")], advance(on="2011-03-10"), []),
    (
        [opened(), step("reminder"), done("reminder")],
        advance(on="2011-03-11"),
        [step("reason_asked", 2, on="2011-03-11")],
    ),
    (
        [opened(), step("reminder"), skipped()],
        advance(on="2011-03-11"),
        [step("reason_asked", 2, on="2011-03-11")],
    ),
    # A period to answer is waited for.
    ([*NOTICE, done("written_notice", respond_by="2011-03-12")], advance("B2", "2011-03-12"), []),
    (
        [*NOTICE, done("written_notice", respond_by="2011-03-12")],
        advance("B2", "2011-03-13"),
        [step("call", 2, on="2011-03-13")],
    ),
    # Another grade has steps of its own, at once; what was open is void.
    (
        [opened(), step("reminder")],
        advance("B2"),
        [regraded("B2"), step("written_notice", 2)],
    ),
    ([*NOTICE], advance("B1"), [regraded("B1")]),
    # Paid: closed, with thanks; arrears again are a new case.
    (
        [opened()],
        advance("A", paid=True),
        [CollectionClosed("V1", 1, day("2011-03-01"), FIRST), step("thanks", charges=())],
    ),
    # Nothing is asked any more, but it was not paid: closed, and nobody is thanked (K22).
    ([opened()], advance("A"), [CollectionClosed("V1", 1, day("2011-03-01"), FIRST)]),
    (
        [opened(), CollectionClosed("V1", 1, day("2011-03-01"), FIRST), step("thanks", charges=())],
        advance("B2"),
        [opened("B2", case=2), step("written_notice", 2)],
    ),
    # While a promise is being kept no new step begins.
    ([], advance("B2", promised=True), [opened("B2")]),
    ([opened("B2")], advance("B2", "2011-05-01", promised=True), []),
    # A bill before the due date, once for each charge, whatever the grade.
    ([], advance("A", upcoming=(Upcoming("C9", day("2011-03-22")),)), []),
    (
        [],
        advance("A", upcoming=(Upcoming("C9", day("2011-03-21")),)),
        [step("bill", charges=("C9",))],
    ),
    (
        [],
        advance("B2", upcoming=(Upcoming("C9", day("2011-03-02")),)),
        [
            opened("B2"),
            step("written_notice"),
            step("bill", 2, charges=("C9",), due=day("2011-03-02")),
        ],
    ),
    (
        [step("bill", charges=("C9",))],
        advance("A", upcoming=(Upcoming("C9", day("2011-03-02")),)),
        [],
    ),
    # A hold keeps everything still, its last day included.
    ([held()], advance("B2", "2011-03-31"), []),
    (
        [held()],
        advance("B2", "2011-04-01"),
        [opened("B2", on="2011-04-01"), step("written_notice", on="2011-04-01")],
    ),
    (
        [held(), HoldReleased("V1", "H1", day("2011-03-10"), "well again", FIRST)],
        advance("B1", "2011-03-10"),
        [opened(on="2011-03-10")],
    ),
    ([opened(), held()], advance("A"), []),
    # Every day until one, each on what those before it left behind.
    (
        [],
        catch_up(told("B1", "2011-02-01"), told("B1", "2011-02-04"), told("B2", "2011-03-03")),
        [
            opened("B1", on="2011-02-01"),
            step("reminder", on="2011-02-04"),
            regraded("B2", "2011-03-03"),
            step("written_notice", 2, on="2011-03-03"),
        ],
    ),
    ([opened()], catch_up(told("B1", "2011-03-03")), []),
    ([], catch_up(told("B1", "2011-03-09")), []),
    # Nobody but a tenant by contract has a lease that could be ended (退租).
    ([*SUED], advance("B5", "2011-05-01"), []),
    (
        [*SUED],
        advance("B5", "2011-05-01", tenant=True),
        [step("lease_ended", 3, on="2011-05-01")],
    ),
    # What people do.
    (DEMAND, ask_for(2), [step_proposed(2)]),
    ([*DEMAND, step_proposed(2)], approve(2, "supervisor"), [approved(2, "supervisor")]),
    ([*DEMAND, step_proposed(2)], approve(2, "manager"), [approved(2, "manager")]),
    (
        [*DEMAND, step_proposed(2)],
        approve(2, reason="the third letter"),
        [attrs.evolve(approved(2), reason="the third letter")],
    ),
    ([*DEMAND, step_proposed(2), approved(2)], approve(2), []),
    (
        [*DEMAND, step_proposed(2)],
        approve(2, approved=False, reason="too soon"),
        [not_approved(2)],
    ),
    # What was not approved can be asked for again, or left out.
    ([*DEMAND, step_proposed(2), not_approved(2)], ask_for(2), [step_proposed(2)]),
    (
        [*DEMAND, step_proposed(2), not_approved(2), step_proposed(2)],
        approve(2),
        [approved(2)],
    ),
    ([*DEMAND, step_proposed(2)], skip(2), [skipped(2)]),
    (
        [opened(), step("reminder")],
        finish(proofs=proofs("notice")),
        [done("reminder")],
    ),
    (
        [*NOTICE, checked()],
        finish(proofs=proofs(*DEMANDED)),
        [done("written_notice", respond_by="2011-03-12")],
    ),
    (
        [*DEMAND, checked(), approved(2)],
        finish(2, proofs=proofs(*DEMANDED)),
        [done("formal_demand", 2, respond_by="2011-03-20")],
    ),
    # What takes two persons is not done by the word of one.
    ([*VISIT], finish(proofs=proofs("record")), [reported()]),
    ([*VISIT, reported()], confirm(on="2011-03-09"), [visited()]),
    # Whoever reports it last is the one whose word is confirmed.
    ([*VISIT, reported()], finish(proofs=proofs("record"), by=SECOND), [reported(by="S2")]),
    (
        [*VISIT, reported(), reported(by="S2")],
        confirm(by=CLERK),
        [attrs.evolve(visited(), done_by="S2", confirmed_by="S1")],
    ),
    ([*VISIT, reported()], advance("B3", "2011-04-30"), []),
    ([*VISIT, reported()], skip(), [skipped()]),
    ([opened(), step("reminder")], skip(), [skipped()]),
    ([], check(), [checked()]),
    ([], hold(), [hold_proposed()]),
    ([hold_proposed()], decide_hold(), [held()]),
    # It begins with its decision, or on its own first day if that is later.
    ([hold_proposed()], decide_hold(on=day("2011-03-09")), [held("2011-03-09")]),
    ([hold_proposed()], decide_hold(on=day("2011-02-09")), [held()]),
    ([hold_proposed()], decide_hold(approved=False, reason="too soon"), [not_held()]),
    # A hold that is only proposed keeps nothing still.
    (
        [hold_proposed()],
        advance("B2", "2011-03-31"),
        [opened("B2", on="2011-03-31"), step("written_notice", on="2011-03-31")],
    ),
    (
        [hold_proposed(), not_held()],
        advance("B2", "2011-03-31"),
        [opened("B2", on="2011-03-31"), step("written_notice", on="2011-03-31")],
    ),
    ([held()], release(), [HoldReleased("V1", "H1", day("2011-03-10"), "well again", FIRST)]),
    ([held(), HoldReleased("V1", "H1", day("2011-03-10"), "x", FIRST)], release(), []),
]


@pytest.mark.rule("PAY-10")
@pytest.mark.parametrize(("past", "command", "events"), BOOKED)
def test_the_ladder_is_climbed_step_by_step(
    past: list[Any], command: Any, events: list[Any]
) -> None:
    outcome = scenario(COLLECTION, *past).when(command)
    if events:
        outcome.then(*events)
    else:
        outcome.nothing()


AFTER_DEMAND = [
    opened("B5"),
    step("formal_demand", grade="B5"),
    done("formal_demand", respond_by="2011-03-20"),
    step("legal_action", 2, "2011-03-21"),
    approved(2),
    checked("2011-03-15"),
]

EMS = Proof("delivery", "EMS 1017", day("2011-03-03"), "courier_ems")

UNFIT: list[tuple[Proof, str]] = [
    (attrs.evolve(EMS, reference=""), "evidence_incomplete"),
    (attrs.evolve(EMS, on=None), "evidence_incomplete"),
    (attrs.evolve(EMS, means=""), "evidence_incomplete"),
    (Proof("notice", ""), "evidence_incomplete"),
    (attrs.evolve(EMS, means="pigeon"), "unknown_means"),
    (Proof("notice", "letter 7", means="courier_ems"), "unknown_means"),
    # Neither before the step was handed over, nor after it is said to be done.
    (attrs.evolve(EMS, on=day("2011-02-28")), "evidence_of_other_days"),
    (attrs.evolve(EMS, on=day("2011-03-06")), "evidence_of_other_days"),
    (Proof("notice", "letter 7", day("2011-03-06")), "evidence_of_other_days"),
]

COLLECTION_REFUSED: list[tuple[list[Any], Any, str, str]] = [
    # A day that has not come hands nothing over.
    ([], advance("B2", "2011-03-02", present_day="2011-03-01"), "day_not_come", "PAY-10"),
    ([], ask_for(), "unknown_step", "PAY-10"),
    ([opened(), step("reminder"), done("reminder")], ask_for(), "unknown_step", "PAY-10"),
    ([opened(), step("reminder")], ask_for(), "approval_not_needed", "PAY-10"),
    ([*DEMAND, step_proposed(2)], ask_for(2), "step_proposed", "PAY-10"),
    ([*DEMAND, step_proposed(2), approved(2)], ask_for(2), "step_proposed", "PAY-10"),
    ([], approve(), "unknown_step", "PAY-10"),
    ([opened(), step("reminder"), done("reminder")], approve(), "unknown_step", "PAY-10"),
    # Void with the grade of its step.
    ([*DEMAND, step_proposed(2), regraded("B2")], approve(2), "unknown_step", "PAY-10"),
    (DEMAND, approve(2), "unknown_proposal", "PAY-10"),
    ([*DEMAND, step_proposed(2), not_approved(2)], approve(2), "unknown_proposal", "PAY-10"),
    ([opened(), step("reminder")], approve(1), "unknown_proposal", "PAY-10"),
    (
        [*DEMAND, step_proposed(2), approved(2)],
        approve(2, approved=False, reason="too soon"),
        "unknown_proposal",
        "PAY-10",
    ),
    ([*DEMAND, step_proposed(2)], approve(2, "specialist"), "approver_too_low", "PAY-10"),
    ([*DEMAND, step_proposed(2)], approve(2, "king"), "approver_too_low", "PAY-10"),
    (
        [*DEMAND, step_proposed(2)],
        approve(2, "specialist", approved=False, reason="too soon"),
        "approver_too_low",
        "PAY-10",
    ),
    ([*DEMAND, step_proposed(2)], approve(2, approved=False), "reason_missing", "LOG-06"),
    ([], finish(), "unknown_step", "PAY-10"),
    ([opened(), step("reminder"), done("reminder")], finish(), "unknown_step", "PAY-10"),
    # Void with the grade it belonged to.
    ([opened(), step("reminder"), regraded("B2")], finish(), "unknown_step", "PAY-10"),
    ([opened(), step("reminder"), held()], finish(), "collection_held", "PAY-10"),
    ([opened(), step("reminder")], finish(on="2011-02-28"), "step_before_its_day", "PAY-10"),
    ([*DEMAND, checked()], finish(2), "approval_missing", "PAY-10"),
    # Asked for is not approved.
    ([*DEMAND, checked(), step_proposed(2)], finish(2), "approval_missing", "PAY-10"),
    (
        [*DEMAND, checked(), step_proposed(2), not_approved(2)],
        finish(2),
        "approval_missing",
        "PAY-10",
    ),
    # Persons are compared by their id, whatever their roles.
    ([*DEMAND, checked(), approved(2)], finish(2, by=MANAGER), "self_approval", "PAY-10"),
    # Nothing was done on a day that is still to come.
    ([opened(), step("reminder")], finish(present_day=day("2011-03-04")), "day_not_come", "PAY-10"),
    ([*VISIT, reported()], confirm(present_day=day("2011-03-04")), "day_not_come", "PAY-10"),
    ([], catch_up(present_day="2011-03-07"), "day_not_come", "PAY-10"),
    # Who is of no tenure owes nothing.
    ([], attrs.evolve(advance(), dues=None), "unknown_tenure", "PAY-16"),
    ([], attrs.evolve(check(), tenure="2011-02-01"), "unknown_tenure", "PAY-16"),
    ([], attrs.evolve(hold(), tenure="2011-02-01"), "unknown_tenure", "PAY-16"),
    # Two persons are two ids, and neither is that of who approved it.
    ([], confirm(), "unknown_step", "PAY-10"),
    ([*VISIT, reported(), skipped()], confirm(), "unknown_step", "PAY-10"),
    ([*VISIT], confirm(), "step_not_reported", "PAY-10"),
    ([*VISIT, reported()], confirm(by=CLERK), "second_person_missing", "PAY-10"),
    (
        [*VISIT, reported()],
        confirm(by=Actor("S1", "manager")),
        "second_person_missing",
        "PAY-10",
    ),
    ([*VISIT, reported(), reported(by="S2")], confirm(), "second_person_missing", "PAY-10"),
    ([*VISIT, approved(), reported()], confirm(by=MANAGER), "self_approval", "PAY-10"),
    ([*VISIT, reported()], confirm(on="2011-03-04"), "step_before_its_day", "PAY-10"),
    (
        [*DEMAND, checked(), approved(2)],
        finish(2, by=Actor("M1", "specialist")),
        "self_approval",
        "PAY-10",
    ),
    (
        [opened(), step("reminder")],
        finish(proofs=(Proof("rumour", "7"),)),
        "unknown_evidence",
        "PAY-10",
    ),
    *[
        ([*NOTICE, checked()], finish(proofs=(*proofs("notice"), proof)), code, "PAY-10")
        for proof, code in UNFIT
    ],
    (
        [opened(), step("reason_asked")],
        finish(proofs=(Proof("reason_code", "lazy"),)),
        "unknown_reason_code",
        "PAY-10",
    ),
    ([opened(), step("reminder")], finish(proofs=()), "evidence_missing", "PAY-10"),
    ([*NOTICE, checked()], finish(proofs=proofs("notice")), "evidence_missing", "PAY-10"),
    # The company's own service first: looked at, within 30 days, and nothing open.
    (NOTICE, finish(), "defects_unchecked", "PAY-10"),
    ([*NOTICE, checked("2011-02-02")], finish(), "defects_unchecked", "PAY-10"),
    ([*NOTICE, checked("2011-03-06")], finish(), "defects_unchecked", "PAY-10"),
    ([*NOTICE, checked(open_defects=1)], finish(), "own_defects_open", "PAY-10"),
    # Suits come after a demand and its reasonable period (Civil Code, art. 944).
    (SUIT, finish(), "demand_missing", "PAY-11"),
    (
        [opened("B5"), step("lease_ended"), approved(), checked()],
        finish(),
        "demand_missing",
        "PAY-11",
    ),
    (AFTER_DEMAND, finish(2, "2011-03-20"), "step_before_its_day", "PAY-10"),
    ([], skip(), "unknown_step", "PAY-10"),
    ([opened(), step("reminder")], skip(reason=""), "reason_missing", "LOG-06"),
    ([], check(-1), "defect_check_incomplete", "PAY-10"),
    ([], check(reference=""), "defect_check_incomplete", "PAY-10"),
    ([held()], hold(), "hold_exists", "PAY-10"),
    ([hold_proposed()], hold(), "hold_exists", "PAY-10"),
    ([hold_proposed(), not_held()], hold(), "hold_exists", "PAY-10"),
    ([], hold(until="2011-02-28"), "hold_ends_early", "PAY-10"),
    ([], hold(reason=""), "reason_missing", "LOG-06"),
    ([], decide_hold(), "unknown_proposal", "PAY-10"),
    ([hold_proposed(), held()], decide_hold(), "unknown_proposal", "PAY-10"),
    ([hold_proposed(), not_held()], decide_hold(), "unknown_proposal", "PAY-10"),
    ([hold_proposed()], decide_hold(approved=False), "reason_missing", "LOG-06"),
    # A decision looks at the day on which it is made.
    ([hold_proposed()], decide_hold(on=day("2011-04-01")), "hold_ends_early", "PAY-10"),
    ([], release(), "unknown_hold", "PAY-10"),
    ([hold_proposed()], release(), "unknown_hold", "PAY-10"),
    ([held()], release(reason=""), "reason_missing", "LOG-06"),
]


@pytest.mark.rule("PAY-10", "PAY-11")
@pytest.mark.parametrize(("past", "command", "code", "rule"), COLLECTION_REFUSED)
def test_a_step_without_what_it_needs_is_refused(
    past: list[Any], command: Any, code: str, rule: str
) -> None:
    scenario(COLLECTION, *past).when(command).refused(code, rule)


def test_every_event_and_refusal_of_collection_has_a_scenario() -> None:
    booked = {type(event) for _, _, events in BOOKED for event in events}
    assert booked == {kind.cls for kind in COLLECTION_EVENTS}
    reached = {code for _, _, code, _ in COLLECTION_REFUSED}
    codes = refusal_codes(ladder)
    assert [code for code in codes if not fnmatch.filter(reached, code)] == []
    assert reached == codes | {"reason_missing", "unknown_evidence", "unknown_reason_code"}


@pytest.mark.parametrize(("past", "command"), [case[:2] for case in COLLECTION_REFUSED])
def test_every_refusal_of_collection_is_told_in_both_languages(
    past: list[Any], command: Any
) -> None:
    refusal = scenario(COLLECTION, *past).when(command).refusal
    assert refusal is not None
    assert_told(refusal)


@pytest.mark.rule("LOG-08", "PAY-10")
@pytest.mark.parametrize(
    ("past", "command", "own"),
    [
        ([*DEMAND, step_proposed(2)], approve(2), Own("S1")),
        ([hold_proposed()], decide_hold(), Own("S1")),
        (DEMAND, approve(2), None),
        ([], decide_hold(), None),
        # What has ended is nobody's proposal any more.
        ([*DEMAND, step_proposed(2), skipped(2)], approve(2), None),
        ([*DEMAND, step_proposed(2), regraded("B2")], approve(2), None),
        ([opened(), step("reminder")], finish(), None),
        ([*VISIT, reported()], confirm(), Own("S1")),
        (VISIT, confirm(), None),
        ([*VISIT, reported(), skipped()], confirm(), None),
    ],
)
def test_a_collection_says_whose_proposal_a_decision_is_about(
    past: list[Any], command: Any, own: Own | None
) -> None:
    assert COLLECTION.own(command, COLLECTION.decider.fold(past)) == own


@pytest.mark.rule("PAY-10")
def test_a_written_demand_to_b1_needs_no_look_and_one_within_thirty_days_is_enough() -> None:
    scenario(COLLECTION, *NOTICE, checked("2011-02-03")).when(finish()).then(
        attrs.evolve(done("written_notice", respond_by="2011-03-12"), proofs=proofs(*EVIDENCE))
    )
    friendly = attrs.evolve(step("written_notice"), grade="B1")
    assert scenario(COLLECTION, opened(), friendly).when(finish()).refusal is None


@pytest.mark.rule("PAY-11")
def test_a_suit_comes_after_the_reasonable_period_of_this_cases_demand() -> None:
    on = day("2011-03-21")
    scenario(COLLECTION, *AFTER_DEMAND).when(finish(2, "2011-03-21")).then(
        StepDone(
            household="V1",
            step=2,
            act="legal_action",
            done_by="S1",
            charges=("C1",),
            on=on,
            proofs=proofs(*EVIDENCE, on=on),
            respond_by=None,
            confirmed_by=None,
            tenure=FIRST,
        )
    )
    early = attrs.evolve(AFTER_DEMAND[3], on=day("2011-03-10"))
    within = [*AFTER_DEMAND[:3], early, *AFTER_DEMAND[4:]]
    scenario(COLLECTION, *within).when(finish(2, "2011-03-20")).refused("demand_missing")
    # A demand of an earlier case does not serve the next one.
    again = [
        *AFTER_DEMAND[:3],
        CollectionClosed("V1", 1, day("2011-03-21"), FIRST),
        opened("B5", 2, "2011-04-01"),
        attrs.evolve(AFTER_DEMAND[3], on=day("2011-04-01")),
        approved(2),
        checked("2011-04-01"),
    ]
    scenario(COLLECTION, *again).when(finish(2, "2011-05-01")).refused("demand_missing")


def test_collection_keeps_the_laws_of_a_decider() -> None:
    opening = collection_stories()
    check_decider(COLLECTION, collection_commands(), opening=opening, max_examples=80)


# --- PAY-11: the legal guard -----------------------------------------------------------------

FORBIDDEN = [
    ("cut_power", "944"),
    ("cut off water", "944"),
    ("Stop-Heat", "944"),
    ("shut_gas", "944"),
    ("electricity_disconnected", "944"),
    ("suspend_utilities", "944"),
    ("停水", "944"),
    ("断电", "944"),
    ("停止供暖", "944"),
    ("block_gate", "236"),
    ("lock_cars", "236"),
    ("disable_access_card", "236"),
    ("clamp_vehicle", "236"),
    ("锁车", "236"),
    ("拦门禁", "236"),
    ("publish_names", "1024"),
    ("post_debtor_list", "1024"),
    ("公布姓名", "1024"),
    ("张贴名单", "1024"),
    ("tell_employer", "1034"),
    ("inform_workplace", "1034"),
    ("通知单位", "1034"),
]


@pytest.mark.rule("PAY-11")
@pytest.mark.parametrize(("act", "article"), FORBIDDEN)
def test_a_policy_that_names_a_forbidden_act_is_refused_naming_the_article(
    act: str, article: str
) -> None:
    with pytest.raises(PolicyFault) as found:
        CollectionPolicy.parse(TEXT.replace('act = "call"', f'act = "{act}"'))
    [(path, what)] = found.value.faults
    assert path.endswith(".act")
    message = str(what)
    assert "Civil Code" in message
    assert article in message
    assert "PAY-11" in message


@pytest.mark.rule("PAY-11")
def test_what_may_be_done_is_a_closed_set_without_a_forbidden_act_in_it() -> None:
    assert [act for act in ACTS if forbidden(act) is not None] == []
    for act in ("pray", "Call", "call ", "", "written_notice; cut_p0wer"):
        with pytest.raises(PolicyFault):
            CollectionPolicy.parse(TEXT.replace('act = "call"', f'act = "{act}"'))


@pytest.mark.rule("PAY-11")
def test_a_step_has_no_field_in_which_anything_else_could_be_said() -> None:
    """No free text in a step of a policy, nor in one that was handed over."""
    with pytest.raises(PolicyFault, match="not known here"):
        CollectionPolicy.parse(TEXT.replace('act = "call"', 'act = "call"\ntext = "cut power"'))
    texts = {field.name for field in attrs.fields(StepOpened) if "str" in str(field.type)}
    assert texts == {"household", "grade", "act", "needs", "approver", "charges", "tenure"}


@pytest.mark.rule("PAY-10", "PAY-11")
@pytest.mark.parametrize(
    ("before", "after", "path"),
    [
        ('kind = "collection"', 'kind = "credit"', "kind"),
        ('grade = "B1"\nact = "reminder"', 'grade = "B6"\nact = "reminder"', "steps[2].grade"),
        ('grade = "B1"\nact = "reminder"', 'grade = "A"\nact = "reminder"', "steps[2].grade"),
        ('grade = "A"\nact = "thanks"', 'grade = "B1"\nact = "thanks"', "steps[1].grade"),
        ('needs = ["reason_code"]', "needs = []", "steps[3].needs"),
        ('needs = ["reason_code"]', 'needs = ["reason_code", "rumour"]', "steps[3].needs"),
        (
            'needs = ["notice", "delivery"]\nrespond_days = 7',
            'needs = ["notice"]\nrespond_days = 7',
            "steps[4].needs",
        ),
        ("from_day = -20", "from_day = 20", "steps[0].from_day"),
        ("from_day = 3", "from_day = -3", "steps[2].from_day"),
        ("within_days = 4", "within_days = -4", "steps[2].within_days"),
        (
            'approver = "supervisor"\nrespond_days = 15',
            'approver = "supervisor"',
            "steps[9].respond_days",
        ),
        ('approver = "director"', 'approver = "manager"', "steps[15].approver"),
        ('approver = "director"', "", "steps[15].approver"),
        ('approver = "supervisor"', 'approver = "king"', "steps[9].approver"),
        ("persons = 2", "persons = 1", "steps[10].persons"),
        ("persons = 2", "", "steps[10].persons"),
        ("persons = 2", "persons = 3", "steps[10].persons"),
    ],
)
def test_a_ladder_keeps_its_order_evidence_and_approvers(
    before: str, after: str, path: str
) -> None:
    text = TEXT.replace("[policy]\nname", "[policy]\nname")
    head, tail = text.split("[[steps]]", 1)
    if "\napprover" not in before and 'approver = "director"' in before:
        tail = tail.replace(before, after)
        changed = f"{head}[[steps]]{tail}"
    else:
        changed = text.replace(before, after, 1)
    assert changed != text
    with pytest.raises(PolicyFault) as found:
        CollectionPolicy.parse(changed)
    assert path in said(found.value)


@pytest.mark.rule("PAY-10", "PAY-11")
def test_each_grade_has_its_own_steps_and_a_suit_comes_after_a_demand() -> None:
    assert {rung.grade for rung in LADDER.steps} == set(GRADES)
    assert {rung.act for rung in LADDER.steps} <= set(ACTS)
    rungs = TEXT.split("[[steps]]")
    without_b4 = "[[steps]]".join(r for r in rungs if 'grade = "B4"' not in r)
    with pytest.raises(PolicyFault, match="no step for B4"):
        CollectionPolicy.parse(without_b4)
    undemanded = "[[steps]]".join(r for r in rungs if 'act = "formal_demand"' not in r)
    with pytest.raises(PolicyFault, match=r"art\. 944"):
        CollectionPolicy.parse(undemanded)


def test_who_stands_higher_can_approve() -> None:
    assert may_approve("director", "manager")
    assert may_approve("manager", "manager")
    assert not may_approve("supervisor", "manager")
    assert not may_approve("guest", "specialist")


# --- what the account says, and what a day brings about ---------------------------------------


def account(*commands: Any) -> Account:
    state: Account = ACCOUNT.decider.initial
    for command in commands:
        decided = ACCOUNT.decider.decide(command, state)
        assert not isinstance(decided, Refusal), decided
        state = ACCOUNT.decider.fold(decided, state)
    return state


def collection(*events: Any) -> Collection:
    return COLLECTION.decider.fold(events)


@pytest.mark.rule("PAY-10", "PAY-06", "PAY-09")
def test_the_account_tells_what_is_due_and_what_is_left_alone() -> None:
    on = day("2011-03-05")
    assert dues(account(), on, DEFAULT) == Dues("A")
    coming = (Upcoming("C2", day("2011-03-20")),)
    assert dues(account(CHARGED, NEXT), on, DEFAULT) == Dues("B2", ("C1",), coming)
    # On its due date a charge is not overdue, but still to come.
    due_today = (Upcoming("C1", day("2011-01-31")),)
    assert dues(account(CHARGED), day("2011-01-31"), DEFAULT) == Dues("A", (), due_today)
    paid_ahead = ReceivePayment("V1", "P1", 200_00, on, "cash")
    assert dues(account(CHARGED, NEXT, paid_ahead), on, DEFAULT) == Dues("A")
    contested = DisputeCharge("V1", "D1", "C1", 100_00, on, "no lift", WORD)
    assert dues(account(CHARGED, contested), on, DEFAULT) == Dues("A")
    told = PromisePayment("V1", "Z1", (Instalment(1, on),), on, "soon", WORD, by=CLERK)
    assert dues(account(CHARGED, told), on, DEFAULT) == Dues("B2", ("C1",), (), True)
    after = on + timedelta(days=1)
    assert dues(account(CHARGED, told), after, DEFAULT) == Dues("B2", ("C1",))


@pytest.mark.rule("PAY-10", "PAY-05")
def test_a_day_itself_brings_about_something_or_nothing() -> None:
    owing = account(CHARGED)
    nothing = collection()

    def due(on: str, state: Collection) -> int:
        return len(day_by_day(owing, state, [day(on)], LADDER, DEFAULT)[0])

    assert due("2011-01-10", nothing) == 0
    assert due("2011-01-11", nothing) == 1  # the bill, 20 days before
    assert due("2011-01-11", collection(step("bill", on="2011-01-11"))) == 0
    assert due("2011-02-01", nothing) == 1  # the case
    first = collection(opened(on="2011-02-01"))
    assert [due(f"2011-02-0{n}", first) for n in (1, 3, 4)] == [0, 0, 1]


# --- through the facade ----------------------------------------------------------------------


@pytest.fixture
def crm() -> Iterator[CRM]:
    with open_crm("memory:") as opened_crm:
        opened_crm.do(
            RegisterHousehold(
                "V1", "Anhe", "1", "1", "101", owner=Personal(owner_id("V1"), "Ouyang Xiu")
            ),
            by=CLERK,
            at=parse_instant("2010-01-01T00:00:00+08:00"),
        )
        yield opened_crm


def run(crm: CRM, commands: Sequence[Any]) -> None:
    for command in commands:
        crm.do(command, by=FINANCE)


@pytest.mark.rule("PAY-10", "PAY-12")
def test_a_case_from_the_bill_to_the_suit(crm: CRM) -> None:
    """Every day is a tick; people do what they are handed. The demand begins limitation anew."""
    run(crm, [CHARGED])
    on = day("2011-01-01")
    seen: list[tuple[date, str]] = []
    while on < day("2012-06-01"):
        receipt = crm.do(AdvanceCollection("V1", on), by=FINANCE)
        for event in receipt.events:
            if isinstance(event, StepOpened):
                seen.append((on, event.act))
                obey(crm, event, on)
        on += timedelta(days=1)
    due = day("2011-01-31")
    assert [((when - due).days, act) for when, act in seen] == [
        (-20, "bill"),
        (4, "reminder"),
        (11, "reason_asked"),
        (31, "written_notice"),
        (39, "call"),
        (45, "visit"),
        (52, "plan_offered"),
        (91, "manager_informed"),
        (92, "formal_demand"),
        (111, "two_person_visit"),
        (121, "value_added_services_paused"),
        (181, "lawyers_letter"),
        (211, "mediation"),
        (366, "formal_demand"),
        (382, "legal_action"),
    ]
    state = crm.get(Collection, "V1")
    assert state is not None
    assert (state.case, state.grade, state.open_steps()) == (1, "B5", [])
    demanded = [when for when, act in seen if act in (*DEMANDS, "legal_action")]
    [(home, limit)] = crm.accounts.limitation(day("2012-06-01"))
    assert (home, limit.runs_from) == ("V1", demanded[-1])
    # Paying ends it.
    run(crm, [ReceivePayment("V1", "P1", 100_00, day("2012-06-01"), "cash")])
    receipt = crm.do(AdvanceCollection("V1", day("2012-06-01")), by=FINANCE)
    assert [type(event) for event in receipt.events] == [CollectionClosed, StepOpened]


@pytest.mark.rule("PAY-10")
def test_collection_needs_a_file(crm: CRM) -> None:
    with pytest.raises(Refused) as refused:
        crm.do(AdvanceCollection("V9", day("2011-03-01")), by=FINANCE)
    assert refused.value.reason == "unknown_household"


# --- whatever is asked -----------------------------------------------------------------------


PEOPLE = [CLERK, MANAGER, Actor("D1", "director")]


class LadderMachine(RuleBasedStateMachine):
    """One household's collection under any commands."""

    def __init__(self) -> None:
        super().__init__()
        self.state: Collection = COLLECTION.decider.initial
        self.events: list[Any] = []

    @rule(approved=st.booleans(), by=st.sampled_from(PEOPLE), second=st.sampled_from(PEOPLE))
    def climb(self, approved: bool, by: Actor, second: Actor) -> None:
        """Somebody does something about each step that is open."""
        for handed in self.state.open_steps():
            number, on = handed.step, handed.on
            self.ask(CheckDefects("V1", on, 0, "round 7", by=by))
            self.ask(ProposeStep("V1", number, on, by=CLERK))
            self.ask(DecideStep("V1", number, approved, on, "looked into", by=by))
            evidence = proofs(*handed.needs, on=on)
            self.ask(CompleteStep("V1", number, on, evidence, by=by, present_day=on))
            self.ask(ConfirmStep("V1", number, on, by=second, present_day=on))

    @rule(command=collection_commands())
    def try_anything(self, command: Any) -> None:
        self.ask(command)

    def ask(self, command: Any) -> None:
        decided = COLLECTION.decider.decide(command, self.state)
        if not isinstance(decided, Refusal):
            for event in decided:
                self.follow(event)
                self.state = COLLECTION.decider.evolve(self.state, event)
                self.events.append(event)

    def follow(self, event: Any) -> None:
        """What must be true of an event, given all before it."""
        if isinstance(event, StepOpened):
            assert event.act in ACTS
            assert event.step == 1 + sum(isinstance(e, StepOpened) for e in self.events)
            assert not self.state.held_on(event.on)
        if isinstance(event, StepApproved | StepRejected):
            asked = [e for e in self.events if isinstance(e, StepProposed) and e.step == event.step]
            answers = [
                e
                for e in self.events
                if isinstance(e, StepApproved | StepRejected) and e.step == event.step
            ]
            assert len(asked) == len(answers) + 1
            handed = self.state.opened[event.step]
            assert handed.approver is not None
            if isinstance(event, StepApproved):
                assert may_approve(event.role, handed.approver)
        if isinstance(event, StepDone):
            handed = next(
                e for e in self.events if isinstance(e, StepOpened) and e.step == event.step
            )
            kinds = {proof.kind for proof in event.proofs}
            assert set(handed.needs) <= kinds
            assert all(p.reference in REASONS for p in event.proofs if p.kind == "reason_code")
            approvers = [
                e for e in self.events if isinstance(e, StepApproved) and e.step == event.step
            ]
            assert bool(approvers) or handed.approver is None
            assert event.done_by not in [e.approved_by for e in approvers]
            if handed.persons > 1:
                reports = [e for e in self.events if isinstance(e, StepReported)]
                last = [e for e in reports if e.step == event.step][-1]
                assert (last.reported_by, last.proofs) == (event.done_by, event.proofs)
                assert event.confirmed_by not in (
                    None,
                    event.done_by,
                    *(e.approved_by for e in approvers),
                )
            else:
                assert event.confirmed_by is None
            for proof in event.proofs:
                assert proof.kind != "delivery" or (proof.means and proof.on is not None)
                assert proof.on is None or handed.on <= proof.on <= event.on
            if event.act in DEMANDS and handed.grade >= "B2":
                looks = [e for e in self.events if isinstance(e, DefectsChecked)]
                assert looks[-1].open_defects == 0
            if event.act == "legal_action":
                earlier = [
                    e for e in self.events if isinstance(e, StepDone) and e.act == "formal_demand"
                ]
                assert any(e.respond_by is not None and e.respond_by < event.on for e in earlier)
            assert event.step not in [e.step for e in self.events if isinstance(e, StepDone)]

    @invariant()
    def no_more_than_one_step_of_the_case_is_open(self) -> None:
        of_case = [s for s in self.state.open_steps() if s.act not in ("bill", "thanks")]
        assert len(of_case) <= (self.state.grade is not None)
        assert all(s.grade == self.state.grade for s in of_case)

    @invariant()
    def cases_open_and_close_in_turns(self) -> None:
        turns = [e for e in self.events if isinstance(e, CollectionOpened | CollectionClosed)]
        kinds = [type(e) for e in turns]
        assert kinds == [CollectionOpened, CollectionClosed] * (len(kinds) // 2) + (
            [CollectionOpened] if len(kinds) % 2 else []
        )
        assert (self.state.grade is not None) == bool(len(kinds) % 2)


@pytest.mark.rule("PAY-10", "PAY-11")
def test_whatever_is_asked_of_collection_it_stays_lawful() -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        LadderMachine, settings=settings(max_examples=40, stateful_step_count=30, deadline=None)
    )
