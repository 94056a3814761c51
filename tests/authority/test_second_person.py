"""Nobody ever decides their own proposal, whatever roles they claim, in any slice (LOG-08).

The machine lets four persons propose and decide in every slice, each under any role. It remembers
who proposed what, and by the id alone it knows what must be refused.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from expected import EXPECTED, SECOND_PERSON
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from crm_adapters import open_crm
from crm_core import CRM, Actor, Personal, Planned, Refused
from crm_core.gradings.commands import (
    ApprovePolicy,
    ConfirmType,
    ContestGrading,
    DecideReview,
    DecideUplift,
    Document,
    DraftPolicy,
    ProposeType,
    ProposeUplift,
)
from crm_core.kernel.commands import act_of
from crm_core.kernel.word import Word
from crm_core.owners.commands import RegisterHousehold
from crm_core.payments.collection.commands import DecideHold, ProposeHold
from crm_core.payments.commands import (
    DecideDispute,
    DecideInstalments,
    DecideRefund,
    DecideWaiver,
    DisputeCharge,
    ProposeDisputeDecision,
    ProposeInstalments,
    ProposeRefund,
    ProposeWaiver,
    RaiseCharge,
    ReceivePayment,
)
from crm_core.payments.events import Instalment
from crm_core.plans import (
    ApprovePlan,
    CheckReport,
    DecideAssessment,
    DraftPlan,
    EndPlan,
    EvaluatePlan,
    GatherInformation,
    GuideEvaluation,
    Measure,
    OpenPlan,
    ProposeAssessment,
    ReportOnPlan,
    ReviewPlan,
)
from crm_core.plans.assessments import KINDS
from crm_core.privacy import DecideSilence, OpenLeak, ProposeSilence
from crm_core.requests.improvement import DecideImprovement, ProposeImprovement
from crm_core.signing import ApprovePaper, ReviewPaper
from crm_core.staff import (
    DecideSanction,
    GrantAward,
    JoinStaffIds,
    ProposeSanction,
    RecordWrong,
    RegisterStaff,
)
from crm_core.surveys import DecidePublication, DraftPublication

PERSONS = ("anna", "bo", "chen", "deng")
ROLES = ("specialist", "supervisor", "manager", "director", "finance")
DAY = date(2024, 3, 4)
NOW = datetime(2024, 3, 4, 1, tzinfo=UTC)
HOME = "V1"
OWNER = f"{HOME}#owner"
WORD = Word(OWNER, "phone", "call 17")

FINANCE = Actor("zhou", "finance")
DIRECTOR = Actor("yang", "director")
CLERK = Actor("zhao", "specialist")

POLICY = """
kind = "authority"
imports = []
[policy]
name = "{name}"
version = 1
[alone_up_to_fen]
[roles]
raise-charge = ["finance"]
"""


class Pair(NamedTuple):
    """A proposal and its decision.

    Args:
        propose: The command that proposes, given a number that is new.
        decide: The command that decides it, given the number and whether it is approved.
        prepare: What has to happen first.
    """

    propose: Callable[[str], Any]
    decide: Callable[[str, bool], Any]
    prepare: Callable[[CRM, str], None] = lambda _crm, _number: None


def charge(crm: CRM, number: str, due: date = DAY) -> None:
    crm.do(RaiseCharge(HOME, f"C{number}", "other", "2024", 100_00, due), by=FINANCE)


def disputed(crm: CRM, number: str) -> None:
    charge(crm, number)
    crm.do(DisputeCharge(HOME, number, f"C{number}", 50_00, DAY, "not mine", WORD), by=FINANCE)


def advance(crm: CRM, number: str) -> None:
    crm.do(ReceivePayment(HOME, f"P{number}", 500_000_00, DAY, "cash"), by=FINANCE)


def assessed(crm: CRM, number: str) -> None:
    crm.studies.assess(f"ours-{number}", 1, "PIA-1", (), by=DIRECTOR, on=DAY)


def leaked(crm: CRM, number: str) -> None:
    crm.do(OpenLeak(number, "general", crm.clock.now(), "a lost list"), by=FINANCE)


def gathered(crm: CRM, number: str) -> None:
    for kind in KINDS:
        said = GatherInformation(number, HOME, f"I-{kind}", kind, DAY, "as usual", "file 7")
        crm.do(said, by=CLERK)


def propose_assessment(number: str) -> ProposeAssessment:
    return ProposeAssessment(
        assessment=number,
        period_start=date(2023, 1, 1),
        period_end=DAY,
        summary="never heard",
        strategy="known in person",
        requirements="a contact a quarter",
        gap="no contact",
        method="comparison",
        result="distant",
        on=DAY,
    )


def begun(crm: CRM, number: str) -> None:
    """A plan that somebody else suggested, after an assessment that others made."""
    gathered(crm, number)
    crm.do(propose_assessment(number), by=CLERK)
    crm.do(DecideAssessment(number, DAY, "distant"), by=Actor("wu", "supervisor"))
    crm.do(OpenPlan(number, "a visit", DAY, HOME, number), by=CLERK)


def draft_plan(number: str) -> DraftPlan:
    visit = Measure(
        measure="M1",
        kind="visit",
        what="call on them",
        responsible="zhao",
        due=date(2024, 12, 31),
        cost_fen=300_00,
        feasible="one can",
        economical="little",
    )
    return DraftPlan(number, "visits", "trust", (visit,), DAY, date(2024, 12, 31), DAY)


def passed(crm: CRM, number: str) -> None:
    crm.do(ReviewPlan(number, 1, True, DAY), by=Actor("wang", "manager"))


def in_force(crm: CRM, number: str) -> None:
    begun(crm, number)
    crm.do(draft_plan(number), by=Actor("wu", "supervisor"))
    passed(crm, number)
    crm.do(ApprovePlan(number, 1, True, DAY), by=DIRECTOR)


def ended(crm: CRM, number: str) -> None:
    in_force(crm, number)
    crm.do(EndPlan(number, DAY, "they moved away"), by=Actor("wu", "supervisor"))


def report(number: str) -> DraftPublication:
    return DraftPublication(
        publication=number,
        kind="statement",
        estate="",
        start=date(2024, 1, 1),
        end=date(2024, 1, 31),
        figures=(),
        position=0,
        known=NOW,
    )


def no(reason: str, *, approved: bool) -> str:
    return "" if approved else reason


PAIRS: dict[str, Pair] = {
    "decide-silence": Pair(
        lambda n: ProposeSilence(n, "encrypted"),
        lambda n, yes: DecideSilence(n, yes, "seen"),
        leaked,
    ),
    "decide-waiver": Pair(
        lambda n: ProposeWaiver(HOME, n, f"C{n}", 10_00, DAY, "hardship"),
        lambda n, yes: DecideWaiver(HOME, n, yes, DAY, "seen"),
        charge,
    ),
    "decide-refund": Pair(
        lambda n: ProposeRefund(HOME, n, 1_00, DAY, "moved away"),
        lambda n, yes: DecideRefund(HOME, n, yes, DAY, "seen"),
        advance,
    ),
    "decide-dispute": Pair(
        lambda n: ProposeDisputeDecision(HOME, n, 10_00, DAY, "looked at"),
        lambda n, yes: DecideDispute(HOME, n, yes, DAY, "seen"),
        disputed,
    ),
    "decide-instalments": Pair(
        lambda n: ProposeInstalments(
            HOME,
            n,
            (Instalment(5_00, DAY), Instalment(5_00, DAY + timedelta(days=30))),
            DAY,
            "short of money",
            WORD,
        ),
        lambda n, yes: DecideInstalments(HOME, n, yes, DAY, "seen"),
    ),
    "decide-hold": Pair(
        lambda n: ProposeHold(HOME, n, DAY, DAY, "illness"),
        lambda n, yes: DecideHold(HOME, n, yes, DAY, "seen"),
    ),
    "confirm-type": Pair(
        lambda n: ProposeType(HOME, 2023, "lively", DAY, f"seen {n}"),
        lambda _n, _yes: ConfirmType(HOME, 2023, DAY),
    ),
    "decide-uplift": Pair(
        lambda n: ProposeUplift(HOME, 2023, f"reliable {n}", DAY),
        lambda _n, yes: DecideUplift(HOME, 2023, yes, DAY, "seen"),
    ),
    "decide-review": Pair(
        lambda n: ContestGrading(HOME, 2023, n, "it is wrong", DAY, WORD),
        lambda n, _yes: DecideReview(HOME, n, "upheld", "looked at", DAY),
    ),
    "decide-improvement": Pair(
        lambda n: ProposeImprovement(
            n,
            "more hands",
            "volume",
            "trade",
            "security",
            date(2023, 1, 1),
            date(2023, 12, 31),
            date(2024, 4, 1),
            date(2024, 6, 30),
            -200,
            "xu",
            "wang",
        ),
        lambda n, yes: DecideImprovement(n, yes, DAY, "seen"),
    ),
    "decide-sanction": Pair(
        lambda n: ProposeSanction("xu", n, "bad_record", "sold a list", "case file 7"),
        lambda n, yes: DecideSanction("xu", n, yes, "it is proved"),
    ),
    "grant-award": Pair(
        lambda n: RecordWrong("xu", n, DAY, "shouted at"),
        lambda n, _yes: GrantAward("xu", n, DAY, 100_00),
    ),
    "approve-paper": Pair(
        lambda n: ReviewPaper("work-record", str(1900 + int(n[1:])), DAY),
        lambda n, _yes: ApprovePaper("work-record", str(1900 + int(n[1:])), DAY),
    ),
    "approve-policy": Pair(
        lambda n: DraftPolicy(
            f"ours-{n}", Document(POLICY.format(name=f"ours-{n}")), "of our own", DAY
        ),
        lambda n, _yes: ApprovePolicy(f"ours-{n}", 1, DAY),
    ),
    "decide-assessment": Pair(
        propose_assessment,
        lambda n, yes: DecideAssessment(n, DAY, "distant" if yes else "", "" if yes else "seen"),
        gathered,
    ),
    "review-plan": Pair(draft_plan, lambda n, yes: ReviewPlan(n, 1, yes, DAY, "seen"), begun),
    "approve-plan": Pair(draft_plan, lambda n, yes: ApprovePlan(n, 1, yes, DAY, "seen"), begun),
    "check-report": Pair(
        lambda n: ReportOnPlan(n, "R1", DAY, "one visit was made"),
        lambda n, yes: CheckReport(n, "R1", yes, DAY, "seen"),
        in_force,
    ),
    "guide-evaluation": Pair(
        lambda n: EvaluatePlan(n, 2024, "partly", DAY, "one visit of four"),
        lambda n, _yes: GuideEvaluation(n, 2024, DAY, "plan fewer"),
        ended,
    ),
    "decide-publication": Pair(report, lambda n, yes: DecidePublication(n, yes, DAY, "seen")),
}
"""By the act that decides; `decide-step` has a scenario of its own among the tests of payments."""

AFTER = {"approve-policy": assessed, "approve-plan": passed}
"""What has to happen between a proposal and its decision."""


acts = st.sampled_from(sorted(PAIRS))
persons = st.sampled_from(PERSONS)
roles = st.sampled_from(ROLES)


def give(crm: CRM, command: Any, by: Actor) -> None:
    """Give a command; a report is drafted by the library alone, which is asked for it."""
    if isinstance(command, DraftPublication):
        drafted = command
        crm.care.publications.draft(
            drafted.publication, drafted.kind, drafted.estate, drafted.start, drafted.end, by=by
        )
    else:
        crm.do(command, by=by)


class SecondPerson(RuleBasedStateMachine):
    """Four persons and every decision that needs two of them."""

    def __init__(self) -> None:
        super().__init__()
        self.crm = open_crm("memory:")
        self.crm.host.clock = Clock()
        self.count = 0
        self.open: dict[tuple[str, str], str] = {}
        self.decided: set[str] = set()
        self.own: set[str] = set()

    def teardown(self) -> None:
        try:
            # At the end everything is proposed once more, and tried under every role that decides.
            for number, act in enumerate(PAIRS):
                proposing = sorted(EXPECTED[SECOND_PERSON[act]] & set(ROLES))
                self.propose(act, PERSONS[number % len(PERSONS)], proposing[0])
                latest = [who for (what, _), who in self.open.items() if what == act]
                for role in sorted(EXPECTED[act] & set(ROLES)) if latest else ():
                    self._decide(act, latest[-1], role, approved=True)
        finally:
            self.crm.close()

    def ask(self, command: Any, by: Actor) -> str | None:
        """Why it was refused, or None."""
        try:
            give(self.crm, command, by)
        except Refused as refused:
            return refused.reason
        return None

    @initialize()
    def an_estate(self) -> None:
        clerk = CLERK
        owner = Personal(OWNER, "somebody")
        at = datetime(2022, 12, 1, tzinfo=UTC)
        self.crm.do(RegisterHousehold(HOME, "Anhe", "1", "1", "101", owner=owner), by=clerk, at=at)
        for month in range(1, 13):
            due = date(2023, month, 1)
            booked = datetime(2023, month, 1, tzinfo=UTC)
            self.crm.batch(
                [
                    Planned(
                        RaiseCharge(HOME, f"M{month}", "management_fee", "2023", 100_00, due),
                        f"m{month}",
                        booked,
                    ),
                    Planned(
                        ReceivePayment(HOME, f"Q{month}", 100_00, due, "cash", f"M{month}"),
                        f"q{month}",
                        booked,
                    ),
                ],
                by=FINANCE,
            )
        self.crm.grade(2023)

    @rule(act=acts, who=persons, role=roles)
    def propose(self, act: str, who: str, role: str) -> None:
        self.count += 1
        number = f"N{self.count}"
        pair = PAIRS[act]
        pair.prepare(self.crm, number)
        command = pair.propose(number)
        allowed = role in EXPECTED[SECOND_PERSON[act]]
        refused = self.ask(command, Actor(who, role))
        # Somebody else's may still be open; but the role is refused exactly where it is not one.
        assert ((refused or "") == "role_insufficient") == (not allowed)
        if refused is not None:
            return
        if act in AFTER:
            AFTER[act](self.crm, number)
        self.open[act, number] = who

    @rule(act=acts, who=persons, role=roles, approved=st.booleans())
    def decide(self, act: str, who: str, role: str, *, approved: bool) -> None:
        self._decide(act, who, role, approved=approved)

    @rule(act=acts, who=persons, which=st.integers(0, 10))
    def propose_and_decide_in_one_go(self, act: str, who: str, which: int) -> None:
        """The clerk in a hurry: both acts, each under a role that may."""
        proposing, deciding = sorted(EXPECTED[SECOND_PERSON[act]]), sorted(EXPECTED[act])
        proposing = [role for role in proposing if role in ROLES]
        self.propose(act, who, proposing[which % len(proposing)])
        found = [by for (what, _), by in self.open.items() if what == act]
        if found:
            self._decide(act, found[-1], deciding[which % len(deciding)], approved=True)

    def _decide(self, act: str, who: str, role: str, *, approved: bool) -> None:
        found = [(number, by) for (what, number), by in self.open.items() if what == act]
        if not found:
            return
        number, proposer = found[-1]
        before = self.crm.log.head()
        refused = self.ask(PAIRS[act].decide(number, approved), Actor(who, role))
        if refused is not None:
            assert self.crm.log.head() == before
            if role not in EXPECTED[act]:
                assert refused == "role_insufficient"
            elif who == proposer:
                assert refused in {"own_proposal", "own_matter"}
                self.own.add(act)
            return
        # INVARIANT: whoever decided holds the role, and is another person than who proposed.
        assert role in EXPECTED[act]
        assert who != proposer
        assert self.crm.log.head() > before
        self.decided.add(act)
        for key in [
            key for key in self.open if key == (act, number) or (act in WHOLE and key[0] == act)
        ]:
            del self.open[key]

    @invariant()
    def what_stands_in_the_log_names_two_persons(self) -> None:
        for recorded in self.crm.log.feed():
            event = recorded.event
            proposed = getattr(event, "proposed_by", None)
            decided = getattr(event, "approved_by", None) or getattr(event, "rejected_by", None)
            if proposed and decided:
                assert proposed != decided
                assert recorded.envelope.actor.partition(":")[2] == decided


WHOLE = {"confirm-type", "decide-uplift"}
"""Of these there is one at a time: deciding one leaves none open."""


class Clock:
    def now(self) -> datetime:
        return NOW


@pytest.mark.rule("LOG-08")
@pytest.mark.parametrize("joined", [False, True])
@pytest.mark.parametrize("act", sorted(PAIRS))
def test_two_accounts_of_one_person_are_one_person(act: str, *, joined: bool) -> None:
    """Given what one account proposed, when another account of the same person decides it, then
    that is refused once the register of staff says whose they are; and of no other pair.
    """
    life = SecondPerson()
    try:
        life.an_estate()
        at = datetime(2020, 1, 1, tzinfo=UTC)
        first = RegisterStaff(DIRECTOR.id, DIRECTOR.role, date(2020, 1, 1))
        life.crm.do(first, by=DIRECTOR, at=at)
        for who in ("anna", "anna2", "wang", "wu", "xu", "zhao", "zhou"):
            for role in ROLES:
                life.crm.do(RegisterStaff(who, role, date(2020, 1, 1)), by=DIRECTOR, at=at)
        proposing = sorted(EXPECTED[SECOND_PERSON[act]] & set(ROLES))
        life.propose(act, "anna", proposing[0])
        [number] = [number for what, number in life.open if what == act]
        if joined:
            life.crm.do(JoinStaffIds("anna", "anna2", "one employment file"), by=DIRECTOR)
        tried = []
        for role in sorted(EXPECTED[act] & set(ROLES)):
            refused = life.ask(PAIRS[act].decide(number, True), Actor("anna2", role))
            tried.append(refused)
            if refused is None:
                break
        if joined:
            assert {*tried} <= {"own_proposal", "own_matter"}
        else:
            assert tried[-1] is None, tried
    finally:
        life.crm.close()


@pytest.mark.rule("LOG-08")
def test_every_decision_that_needs_two_has_a_pair_here() -> None:
    kinds = {act_of(type(pair.decide("X1", True))) for pair in PAIRS.values()}
    assert kinds == set(PAIRS)
    assert set(SECOND_PERSON) == set(PAIRS) | {"decide-step", "confirm-grading"} & set(
        SECOND_PERSON
    )
    for act, pair in PAIRS.items():
        assert act_of(type(pair.propose("X1"))) == SECOND_PERSON[act]


@pytest.mark.rule("LOG-08")
def test_nobody_ever_decides_their_own_proposal() -> None:
    decided: set[str] = set()
    own: set[str] = set()

    class Watched(SecondPerson):
        def teardown(self) -> None:
            super().teardown()
            decided.update(self.decided)
            own.update(self.own)

    run_state_machine_as_test(
        Watched,
        settings=settings(
            max_examples=40,
            phases=[Phase.generate],
            stateful_step_count=30,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
    # The machine wanders; each pair by itself is tried below.
    assert len(decided) >= 6
    assert len(own) >= 6


@pytest.mark.rule("LOG-08")
@pytest.mark.parametrize("act", sorted(PAIRS))
def test_one_person_under_two_roles_is_one_person(act: str) -> None:
    machine = SecondPerson()
    try:
        machine.an_estate()
        proposing = sorted(EXPECTED[SECOND_PERSON[act]] & set(ROLES))[0]
        deciding = sorted(EXPECTED[act] & set(ROLES))[0]
        pair = PAIRS[act]
        pair.prepare(machine.crm, "X1")
        give(machine.crm, pair.propose("X1"), Actor("li", proposing))
        if act in AFTER:
            AFTER[act](machine.crm, "X1")
        with pytest.raises(Refused) as refused:
            machine.crm.do(pair.decide("X1", True), by=Actor("li", deciding))
        assert refused.value.rule == "LOG-08"
        assert refused.value.reason in {"own_proposal", "own_matter"}
        assert machine.crm.do(pair.decide("X1", True), by=Actor("wu", deciding)).events
    finally:
        machine.crm.close()
