"""What of payments needs a second person, through the facade: waivers, refunds, holds, steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Any

import attrs
import pytest
from claiming import TWO, WORD
from collecting import CHARGED, proofs
from paying import CLERK, DAILY, FINANCE, MANAGER, day

from crm_adapters.wiring import open_crm
from crm_core.crm import CRM, Planned
from crm_core.errors import Invalid, Refused
from crm_core.kernel.dates import start_of_day
from crm_core.kernel.decider import Refusal
from crm_core.kernel.recorded import Actor
from crm_core.kernel.sealed import Personal
from crm_core.kernel.word import Word
from crm_core.owners.commands import RegisterHousehold, owner_id
from crm_core.payments.acts import StepDone
from crm_core.payments.collection.commands import (
    AdvanceCollection,
    CheckDefects,
    CompleteStep,
    ConfirmStep,
    DecideHold,
    DecideStep,
    ProposeHold,
    ProposeStep,
    SkipStep,
)
from crm_core.payments.collection.dues import Dues
from crm_core.payments.collection.events import StepApproved, StepOpened, StepProposed
from crm_core.payments.commands import (
    AcknowledgeDebt,
    AgreeClause,
    ClaimLateCharge,
    DecideDispute,
    DecideInstalments,
    DecideRefund,
    DecideWaiver,
    DisputeCharge,
    MovePayment,
    PromisePayment,
    ProposeDisputeDecision,
    ProposeInstalments,
    ProposeRefund,
    ProposeWaiver,
    RaiseCharge,
    ReceivePayment,
)
from crm_core.payments.events import ChargeWaived, Instalment, ProposalRejected, WaiverProposed

DAY = timedelta(days=1)
SUPERVISOR, DIRECTOR = Actor("U1", "supervisor"), Actor("D1", "director")
LOOKER = Actor("S2", "specialist")
TODAY = day("2011-05-02")
"""91 days after the charge fell due: its household is at B3."""


class Clock:
    """Stands still until it is set."""

    def __init__(self, today: date) -> None:
        self.today = today

    def now(self) -> datetime:
        return start_of_day(self.today) + timedelta(hours=9)


@pytest.fixture
def crm() -> Iterator[CRM]:
    """One household that owes 100 yuan, on a day that does not pass by itself."""
    with open_crm("memory:") as opened:
        opened.host.clock = Clock(TODAY)
        owner = Personal(owner_id("V1"), "Ouyang Xiu")
        opened.do(RegisterHousehold("V1", "Anhe", "1", "1", "101", owner=owner), by=CLERK)
        opened.do(RegisterHousehold("V2", "Anhe", "1", "1", "102"), by=CLERK)
        opened.do(CHARGED, by=FINANCE)
        yield opened


def refused(crm: CRM, command: Any, by: Actor) -> str:
    """Why it was refused; nothing was written."""
    head = crm.log.head()
    with pytest.raises(Refused) as found:
        crm.do(command, by=by)
    assert crm.log.head() == head
    return found.value.reason


def happened(crm: CRM, stream: str, *kinds: type) -> list[Any]:
    return [r.event for r in crm.history(stream) if isinstance(r.event, kinds)]


def balance(crm: CRM) -> tuple[int, str]:
    """What the household owes, and its credit grade."""
    told = crm.accounts.statement("V1", TODAY)
    return told["balance_fen"], told["credit"]


# --- a waiver --------------------------------------------------------------------------------

WAIVER = ProposeWaiver("V1", "W1", "C1", 60_00, TODAY, "hardship")


def waiver(approved: bool = True, reason: str = "") -> DecideWaiver:
    return DecideWaiver("V1", "W1", approved, TODAY, reason)


@pytest.mark.rule("LOG-08", "PAY-01")
def test_a_waiver_counts_from_its_decision_by_another_person(crm: CRM) -> None:
    assert balance(crm) == (100_00, "B3")
    crm.do(WAIVER, by=CLERK)
    assert balance(crm) == (100_00, "B3")
    [line] = crm.accounts.credit(TODAY, households=["V1"])
    assert line.overdue_fen == 100_00
    crm.do(waiver(reason="seen the papers"), by=MANAGER)
    assert balance(crm) == (40_00, "B3")
    assert happened(crm, "account/V1", WaiverProposed, ChargeWaived) == [
        WaiverProposed("W1", "C1", 60_00, TODAY, False, "hardship", "S1"),
        ChargeWaived("W1", "C1", 60_00, TODAY, False, "seen the papers", "S1", "M1"),
    ]
    actors = [r.envelope.actor for r in crm.history("account/V1")]
    assert actors == ["finance:F1", "specialist:S1", "manager:M1"]
    assert refused(crm, waiver(), MANAGER) == "unknown_proposal"


@pytest.mark.rule("LOG-08", "LOG-06", "PAY-01")
def test_a_rejected_waiver_leaves_a_trace_and_the_debt(crm: CRM) -> None:
    crm.do(WAIVER, by=CLERK)
    assert refused(crm, waiver(approved=False), MANAGER) == "reason_missing"
    crm.do(waiver(approved=False, reason="can pay"), by=MANAGER)
    assert balance(crm) == (100_00, "B3")
    assert happened(crm, "account/V1", ProposalRejected) == [
        ProposalRejected("waiver", "W1", TODAY, "can pay", "M1")
    ]
    # Its number is taken; another proposal has another one.
    assert refused(crm, waiver(), DIRECTOR) == "unknown_proposal"
    assert refused(crm, WAIVER, CLERK) == "waiver_exists"
    crm.do(attrs.evolve(WAIVER, waiver="W2"), by=CLERK)


@pytest.mark.rule("LOG-08", "PAY-01")
def test_a_waiver_of_what_was_paid_meanwhile_is_refused_and_can_be_rejected(crm: CRM) -> None:
    crm.do(WAIVER, by=CLERK)
    crm.do(ReceivePayment("V1", "P1", 100_00, TODAY, "cash"), by=FINANCE)
    assert refused(crm, waiver(), MANAGER) == "waiver_exceeds_unpaid"
    assert balance(crm) == (0, "A")
    crm.do(waiver(approved=False, reason="it was paid"), by=MANAGER)
    assert balance(crm) == (0, "A")


# --- nobody decides their own (K29) ----------------------------------------------------------

Decision = Callable[[bool], Any]


def _decisions() -> list[Any]:
    """A name, what comes before, what is proposed, and how it is decided."""
    paid = ReceivePayment("V1", "P1", 300_00, TODAY, "cash")
    disputed = DisputeCharge("V1", "D1", "C1", 60_00, TODAY, "no lift", WORD)
    parts = (Instalment(40_00, TODAY), Instalment(60_00, TODAY + 30 * DAY))
    told: list[tuple[str, tuple[Any, ...], Any, Decision]] = [
        ("waiver", (), WAIVER, waiver),
        (
            "write-off",
            (),
            attrs.evolve(WAIVER, write_off=True),
            waiver,
        ),
        (
            "refund",
            (paid,),
            ProposeRefund("V1", "F1", 100_00, TODAY, "moved away"),
            lambda yes: DecideRefund("V1", "F1", yes, TODAY, "looked into"),
        ),
        (
            "dispute",
            (disputed,),
            ProposeDisputeDecision("V1", "D1", 60_00, TODAY, "looked into"),
            lambda yes: DecideDispute("V1", "D1", yes, TODAY, "looked into"),
        ),
        (
            "instalments",
            (),
            ProposeInstalments("V1", "Z1", parts, TODAY, "short of money", WORD),
            lambda yes: DecideInstalments("V1", "Z1", yes, TODAY, "looked into"),
        ),
        (
            "hold",
            (),
            ProposeHold("V1", "H1", TODAY, TODAY + 9 * DAY, "illness"),
            lambda yes: DecideHold("V1", "H1", yes, TODAY, "looked into"),
        ),
    ]
    return [pytest.param(*one[1:], id=one[0]) for one in told]


@pytest.mark.rule("LOG-08", "PAY-01", "PAY-06", "PAY-09", "PAY-10")
@pytest.mark.case("K29")
@pytest.mark.parametrize(("before", "proposal", "decision"), _decisions())
def test_what_somebody_proposes_somebody_else_decides(
    crm: CRM, before: tuple[Any, ...], proposal: Any, decision: Decision
) -> None:
    for command in before:
        crm.do(command, by=FINANCE)
    assert refused(crm, decision(True), MANAGER) == "unknown_proposal"
    crm.do(proposal, by=CLERK)
    # A clerk decides nothing, and whoever proposed it nothing of their own, in no role.
    assert refused(crm, decision(True), LOOKER) == "role_insufficient"
    for role in ("manager", "director"):
        for approved in (True, False):
            assert refused(crm, decision(approved), Actor("S1", role)) == "own_proposal"
    planned = Planned(decision(True), "in-a-batch", crm.clock.now())
    with pytest.raises(Refused) as found:
        crm.batch([planned], by=Actor("S1", "director"))
    assert found.value.reason == "own_proposal"
    [fact] = crm.do(decision(True), by=MANAGER).events
    assert (fact.proposed_by, fact.approved_by) == ("S1", "M1")


@pytest.mark.rule("LOG-08", "PAY-01")
@pytest.mark.case("K29")
def test_who_approves_is_no_argument(crm: CRM) -> None:
    told: dict[str, Any] = {"household": "V1", "waiver": "W1", "on": TODAY}
    for name in ("approver", "approved_by", "role", "decided_by"):
        with pytest.raises(TypeError, match=name):
            ProposeWaiver(**told, charge="C1", amount_fen=1, reason="x", **{name: "M1"})
        with pytest.raises(TypeError, match=name):
            DecideWaiver(**told, approved=True, **{name: "M1"})
    # Nor is who gives a command part of it.
    forged = attrs.evolve(WAIVER, by=MANAGER)
    assert wrong(crm, forged, CLERK) == ["ProposeWaiver.by"]


# --- what the library looks up (K28) ---------------------------------------------------------


def wrong(crm: CRM, command: Any, by: Actor, code: str = "looked_up") -> list[str]:
    """Fields that are nobody's to supply; nothing was written, in a batch neither."""
    head = crm.log.head()
    with pytest.raises(Invalid) as found:
        crm.do(command, by=by)
    with pytest.raises(Invalid):
        crm.batch([Planned(command, "in-a-batch", crm.clock.now())], by=by)
    assert crm.log.head() == head
    assert {fault.code for fault in found.value.faults} == {code}
    return [fault.where for fault in found.value.faults]


@pytest.mark.rule("LOG-08", "PAY-08")
@pytest.mark.case("K28")
def test_a_late_charge_is_computed_by_the_policy_of_its_name_and_by_no_other(crm: CRM) -> None:
    clause = AgreeClause(
        "V1", "K1", "late_charge", "late-charge-daily", date(2000, 1, 1), "contract 12", WORD
    )
    crm.do(clause, by=CLERK)
    claim = ClaimLateCharge("V1", "L1", "C1", TODAY, TODAY, "late-charge-daily")
    dear = attrs.evolve(DAILY, rate=100 * DAILY.rate)
    for policy in (dear, DAILY):
        forged = attrs.evolve(claim, policy=policy)
        assert wrong(crm, forged, MANAGER) == ["ClaimLateCharge.policy"]
    [claimed] = crm.do(claim, by=MANAGER).events
    # 91 days of 0.05 % of 100 yuan.
    assert (claimed.amount_fen, claimed.policy, claimed.claimed_by) == (4_55, DAILY.ref, "M1")


@pytest.mark.rule("LOG-08", "PAY-10")
@pytest.mark.case("K28")
def test_what_a_household_owes_is_looked_up_before_it_is_collected(crm: CRM) -> None:
    """V2 owes nothing, whatever is said of it."""
    advance = AdvanceCollection("V2", TODAY)
    owing = Dues("B5", ("C1",))
    assert wrong(crm, attrs.evolve(advance, dues=owing), CLERK) == ["AdvanceCollection.dues"]
    both = attrs.evolve(advance, dues=owing, present_day=TODAY + DAY)
    assert wrong(crm, both, CLERK) == ["AdvanceCollection.dues", "AdvanceCollection.present_day"]
    assert crm.do(advance, by=CLERK).events == ()
    assert happened(crm, "collection/V2") == []


@pytest.mark.rule("LOG-08", "PAY-10")
@pytest.mark.case("K28")
def test_no_step_is_handed_over_ahead_of_its_day(crm: CRM) -> None:
    crm.do(AdvanceCollection("V1", TODAY), by=CLERK)
    before = happened(crm, "collection/V1", object)
    for late in (1, 400):
        ahead = AdvanceCollection("V1", TODAY + late * DAY)
        assert wrong(crm, ahead, MANAGER, "from_the_future") == ["AdvanceCollection.on"]
    assert happened(crm, "collection/V1", object) == before


@pytest.mark.rule("LOG-08", "PAY-01")
@pytest.mark.case("K28")
def test_whether_the_other_account_takes_a_payment_is_looked_up(crm: CRM) -> None:
    crm.do(ReceivePayment("V1", "P1", 1, TODAY, "cash"), by=FINANCE)
    move = MovePayment("V1", "P1", "V2", "wrong room", refused_there=Refusal("no", "PAY-01"))
    assert wrong(crm, move, FINANCE) == ["MovePayment.refused_there"]


# --- the household's own word ----------------------------------------------------------------


def _said(word: Word) -> list[Any]:
    once = (Instalment(100_00, TODAY + 30 * DAY),)
    return [
        DisputeCharge("V1", "D1", "C1", 1, TODAY, "no lift", word),
        PromisePayment("V1", "Z1", once, TODAY, "on the phone", word),
        ProposeInstalments("V1", "Z1", TWO, day("2011-03-01"), "on the phone", word),
        AcknowledgeDebt("V1", "A1", ("C1",), TODAY, "letter 7", word),
    ]


@pytest.mark.rule("LOG-08", "PAY-06", "PAY-09", "PAY-12")
@pytest.mark.case("K29")
@pytest.mark.parametrize("number", range(4))
def test_what_a_household_says_is_the_word_of_a_member_and_never_of_staff(
    crm: CRM, number: int
) -> None:
    for word, code in (
        (Word("S1", "phone", "call 7"), "word_of_staff"),
        (Word(owner_id("V2"), "phone", "call 7"), "not_a_member"),
        (Word(owner_id("V1"), "rumour", "call 7"), "unknown_channel"),
        (Word(owner_id("V1"), "phone", ""), "evidence_missing"),
    ):
        assert refused(crm, _said(word)[number], CLERK) == code
    [event] = crm.do(_said(WORD)[number], by=CLERK).events
    assert event.word == WORD


# --- the ladder from B3 to suit --------------------------------------------------------------


def handed(crm: CRM, on: date) -> list[StepOpened]:
    """Steps that a day hands over."""
    crm.clock.today = on  # type: ignore[attr-defined]
    events = crm.do(AdvanceCollection("V1", on), by=CLERK).events
    return [event for event in events if isinstance(event, StepOpened)]


def somebody(role: str) -> Actor:
    """Somebody in a role, who has proposed nothing."""
    return next(one for one in (SUPERVISOR, MANAGER, DIRECTOR) if one.role == role)


@pytest.mark.rule("LOG-08", "PAY-10", "PAY-11")
@pytest.mark.case("K29")
def test_the_ladder_from_b3_to_the_suit_takes_two_persons_at_every_step_that_needs_it(
    crm: CRM,
) -> None:
    """One asks, another in the role approves, and who approved does not do it."""
    climbed: list[tuple[str, str | None]] = []
    on = TODAY
    while on < day("2012-03-31"):
        for step in handed(crm, on):
            number = step.step
            done = CompleteStep("V1", number, on, proofs(*step.needs, on=on))
            crm.do(CheckDefects("V1", on, 0, "round 7"), by=LOOKER)
            climbed.append((step.act, step.approver))
            if step.approver is not None:
                approval = DecideStep("V1", number, True, on)
                assert refused(crm, done, CLERK) == "approval_missing"
                assert refused(crm, approval, DIRECTOR) == "unknown_proposal"
                crm.do(ProposeStep("V1", number, on), by=CLERK)
                assert refused(crm, done, CLERK) == "approval_missing"
                assert refused(crm, approval, LOOKER) == "role_insufficient"
                if step.approver in ("manager", "director"):
                    assert refused(crm, approval, SUPERVISOR) == "approver_too_low"
                assert refused(crm, approval, Actor("S1", "director")) == "own_proposal"
                approver = somebody(step.approver)
                crm.do(approval, by=approver)
                assert refused(crm, done, approver) == "self_approval"
            crm.do(done, by=CLERK)
            if step.persons > 1:
                # Reported by one it is not done: the ladder stands still until another confirms.
                assert handed(crm, on + 9 * DAY) == []
                crm.clock.today = on  # type: ignore[attr-defined]
                assert happened(crm, "collection/V1", StepDone)[-1].step != number
                confirmed = ConfirmStep("V1", number, on)
                for role in ("specialist", "supervisor", "manager", "director"):
                    assert refused(crm, confirmed, Actor("S1", role)) == "own_proposal"
                crm.do(confirmed, by=LOOKER)
                both = happened(crm, "collection/V1", StepDone)[-1]
                assert (both.done_by, both.confirmed_by, both.on) == ("S1", "S2", on)
        on += DAY
    assert climbed == [
        ("manager_informed", None),
        ("formal_demand", "supervisor"),
        ("two_person_visit", None),
        ("value_added_services_paused", "manager"),
        ("lawyers_letter", "manager"),
        ("mediation", None),
        ("formal_demand", "manager"),
        ("legal_action", "director"),
    ]
    asked = happened(crm, "collection/V1", StepProposed)
    approved = happened(crm, "collection/V1", StepApproved)
    assert [(one.step, one.proposed_by) for one in asked] == [
        (one.step, one.proposed_by) for one in approved
    ]
    assert [(one.proposed_by, one.approved_by, one.role) for one in approved] == [
        ("S1", "U1", "supervisor"),
        ("S1", "M1", "manager"),
        ("S1", "M1", "manager"),
        ("S1", "M1", "manager"),
        ("S1", "D1", "director"),
    ]
    by = {one.step: one.approved_by for one in approved}
    done_by = {one.step: one.done_by for one in happened(crm, "collection/V1", StepDone)}
    assert set(by) < set(done_by)
    assert all(done_by[step] != by[step] for step in by)


@pytest.mark.rule("LOG-08", "PAY-10", "PAY-11")
@pytest.mark.case("K29")
@pytest.mark.parametrize("skips", [False, True], ids=["every step", "leaving steps out"])
def test_one_person_does_not_walk_the_ladder_to_the_suit_alone(crm: CRM, skips: bool) -> None:
    """Whatever roles they claim, and whatever a supervisor could leave out."""
    me = [Actor("S1", role) for role in ("specialist", "supervisor", "manager", "director")]

    def tried(command: Any) -> None:
        for by in me:
            try:
                crm.do(command, by=by)
            except Refused:
                continue
            return

    on, acts = TODAY, set()
    while on < day("2012-03-31"):
        for step in handed(crm, on):
            acts.add(step.act)
            tried(CheckDefects("V1", on, 0, "round 7"))
            tried(ProposeStep("V1", step.step, on))
            for by in me[1:]:
                decision = DecideStep("V1", step.step, True, on)
                assert step.approver is None or refused(crm, decision, by) == "own_proposal"
            tried(CompleteStep("V1", step.step, on, proofs(*step.needs, on=on)))
            tried(ConfirmStep("V1", step.step, on))
            if skips and step.act != "legal_action":
                assert refused(crm, SkipStep("V1", step.step, on, "no"), CLERK) in (
                    "role_insufficient",
                    "unknown_step",
                )
                tried(SkipStep("V1", step.step, on, "no time"))
        on += DAY
    assert ("legal_action" in acts) == skips
    assert happened(crm, "collection/V1", StepApproved) == []
    done = {step.act for step in happened(crm, "collection/V1", StepDone)}
    assert done <= {"manager_informed", "mediation"}


@pytest.mark.rule("LOG-08", "PAY-10")
def test_a_step_that_was_not_approved_can_be_asked_for_again(crm: CRM) -> None:
    [informed] = handed(crm, TODAY)
    crm.do(CompleteStep("V1", informed.step, TODAY), by=CLERK)
    [demand] = handed(crm, TODAY + DAY)
    assert demand.act == "formal_demand"
    crm.do(ProposeStep("V1", demand.step, TODAY + DAY), by=CLERK)
    no = DecideStep("V1", demand.step, False, TODAY + DAY)
    assert refused(crm, no, SUPERVISOR) == "reason_missing"
    crm.do(attrs.evolve(no, reason="not yet"), by=SUPERVISOR)
    done = CompleteStep("V1", demand.step, TODAY + DAY, proofs(*demand.needs, on=TODAY + DAY))
    crm.do(CheckDefects("V1", TODAY + DAY, 0, "round 7"), by=LOOKER)
    assert refused(crm, done, CLERK) == "approval_missing"
    crm.do(ProposeStep("V1", demand.step, TODAY + DAY), by=LOOKER)
    crm.do(attrs.evolve(no, approved=True), by=SUPERVISOR)
    crm.do(done, by=CLERK)


@pytest.mark.rule("LOG-08", "PAY-04", "GRD-01")
def test_what_is_only_proposed_is_no_fact_for_a_grading(crm: CRM) -> None:
    """The same gradings, whether or not somebody proposed something."""
    year_end = day("2012-01-10")
    fee = RaiseCharge("V1", "C2", "management_fee", "2011-06", 10_00, day("2011-06-30"))
    crm.do(fee, by=FINANCE)
    crm.do(DisputeCharge("V1", "D1", "C1", 60_00, TODAY, "no lift", WORD), by=FINANCE)
    crm.clock.today = year_end  # type: ignore[attr-defined]
    without = crm.grade(2011).gradings
    for command in (
        ProposeWaiver("V1", "W1", "C2", 10_00, TODAY, "hardship"),
        ProposeDisputeDecision("V1", "D1", 60_00, TODAY, "looked into"),
        ProposeInstalments("V1", "Z1", TWO, day("2011-03-01"), "on the phone", WORD),
        ProposeHold("V1", "H1", TODAY, TODAY + DAY, "illness"),
    ):
        crm.do(command, by=CLERK)
    again = crm.grade(2011).gradings
    assert [(g.household, g.facts, g.evidence, g.outcome) for g in again] == [
        (g.household, g.facts, g.evidence, g.outcome) for g in without
    ]
    crm.do(DecideWaiver("V1", "W1", True, TODAY), by=MANAGER)
    facts = [run[0].facts for run in (without, crm.grade(2011).gradings)]
    assert [(f.overdue_fen, f.charges_due) for f in facts] == [(50_00, 2), (40_00, 2)]
