"""Whatever is asked of the facade, in whatever order, some things always hold.

Hypothesis plays a year at an estate of four households: files, money, requests, gradings, and
people who press the button twice.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from crm_adapters.wiring import open_crm
from crm_core.crm import Receipt
from crm_core.errors import CommandReused, Invalid, Refused
from crm_core.kernel.commands import as_said
from crm_core.kernel.dates import parse_instant
from crm_core.kernel.recorded import Actor
from crm_core.kernel.sealed import Personal, PersonalValue
from crm_core.kernel.word import Word
from crm_core.owners import HOUSEHOLD
from crm_core.owners.commands import (
    AddMember,
    ConfirmConduct,
    EndRole,
    RecordInterest,
    RegisterHousehold,
)
from crm_core.owners.state import Household
from crm_core.payments import (
    ACCOUNT,
    COLLECTION,
    Account,
    Collection,
    Instalment,
    Proof,
    trial_balance,
)
from crm_core.payments.acts import EVIDENCE
from crm_core.payments.collection.commands import (
    AdvanceCollection,
    CheckDefects,
    CompleteStep,
    DecideHold,
    DecideStep,
    ProposeHold,
    ProposeStep,
)
from crm_core.payments.commands import (
    AgreeClause,
    ApproveRate,
    CancelCharge,
    ClaimLateCharge,
    DecideDispute,
    DecideRefund,
    DecideWaiver,
    DisputeCharge,
    EndClause,
    MovePayment,
    PromisePayment,
    ProposeDisputeDecision,
    ProposeRefund,
    ProposeWaiver,
    RaiseCharge,
    ReceivePayment,
    RecordPurchase,
    ReversePayment,
    WithdrawDispute,
)
from crm_core.requests import REQUEST, Closed, Done, Open, Request
from crm_core.requests.commands import (
    KINDS,
    OPINIONS,
    AcceptCommitment,
    ConfirmClosing,
    HandOver,
    MakeCommitment,
    MarkDuplicate,
    MergeDuplicate,
    NoteFailedAttempt,
    ReceiveRequest,
    Reopen,
    ReportDone,
    UndoDuplicate,
)
from crm_core.testing.strategies import owner_commands

CLERK = Actor("S1", "specialist")
OPERATOR = Actor("S2", "operator")
MANAGER = Actor("M1", "manager")
DIRECTOR = Actor("M1", "director")
START = parse_instant("2011-01-01T09:00:00+08:00")
HOMES = ("V1", "V2", "V3", "V4")
DAYS = (date(2010, 12, 31), date(2011, 6, 30), date(2011, 12, 31), date.max)

homes = st.sampled_from(HOMES)
requests = st.sampled_from(("R1", "R2", "R3"))
numbers = st.integers(1, 6)
amounts = st.sampled_from((100_00, 1, 40_00)) | st.integers(1, 300_00)
days = st.dates(date(2010, 6, 1), date(2011, 12, 31))
picks = st.integers(0, 10**6)

PROOFS = tuple(
    Proof(kind, "forgotten" if kind == "reason_code" else f"{kind} 7") for kind in EVIDENCE
)

STREAMS: dict[str, tuple[Any, type]] = {
    "household": (HOUSEHOLD, Household),
    "account": (ACCOUNT, Account),
    "collection": (COLLECTION, Collection),
    "request": (REQUEST, Request),
}


def without_personal(value: Any) -> Any:
    """The value with whom a personal value is about in its place: sealed or not, it is the same."""
    if isinstance(value, PersonalValue):
        return ("personal", value.subject)
    if attrs.has(type(value)):
        return type(value).__name__, [
            without_personal(getattr(value, field.name)) for field in attrs.fields(type(value))
        ]
    if isinstance(value, tuple):
        return [without_personal(item) for item in value]
    return value


def word(home: str, reference: str = "call") -> Word:
    """What the owner of a household said."""
    return Word(f"{home}#owner", "phone", reference)


class FacadeMachine(RuleBasedStateMachine):
    """The facade over the memory log, and what is remembered of it outside."""

    def __init__(self) -> None:
        super().__init__()
        self.crm = open_crm("memory:")
        self.now = START
        self.count = 0
        self.done: list[tuple[str, Any, datetime, Receipt]] = []
        self.states: dict[str, Any] = {}
        self.head = 0

    def teardown(self) -> None:
        try:
            self.everything_is_replayed()
        finally:
            self.crm.close()

    # --- doing -------------------------------------------------------------------------------

    def ask(self, command: Any, by: Actor = CLERK) -> None:
        """Do it, or be refused and find nothing changed."""
        self.count += 1
        self.now += timedelta(hours=7)
        # Every fifth fact came to be known long before it was entered.
        at = self.now - timedelta(days=90) if self.count % 5 == 0 else self.now
        id, before = f"c{self.count}", self.crm.verify()
        try:
            receipt = self.crm.do(command, by=by, id=id, at=at)
        except (Refused, Invalid):
            assert self.crm.verify() == before
            assert self.crm.log.outcomes([id]) == {}
            return
        self.follow(receipt, before.events)
        if receipt.events:
            self.done.append((id, command, at, receipt))

    def follow(self, receipt: Receipt, before: int) -> None:
        """Carry the new events over into what is remembered."""
        new = list(self.crm.host.texts.each(self.crm.log.feed(after=before)))
        assert [recorded.position for recorded in new] == [
            before + n for n in range(1, len(new) + 1)
        ]
        own = [recorded for recorded in new if recorded.stream == receipt.stream]
        # What follows by itself is in other streams, so this is the command's own.
        assert without_personal(tuple(r.event for r in own)) == without_personal(receipt.events)
        if own:
            assert receipt.version == own[-1].version
            assert receipt.position in {recorded.position for recorded in new}
        else:
            assert (receipt.position, new) == (0, [])
        for recorded in new:
            kind = recorded.stream.partition("/")[0]
            if kind in STREAMS:
                decider = STREAMS[kind][0].decider
                state = self.states.get(recorded.stream, decider.initial)
                self.states[recorded.stream] = decider.evolve(state, recorded.event)
        self.head = before + len(new)

    @initialize()
    def some_files(self) -> None:
        for number, home in enumerate(HOMES[:3], 1):
            owner = Personal(f"{home}#owner", f"Owner {number}")
            self.ask(RegisterHousehold(home, "Anhe", "1", "1", f"{number}01", owner=owner))

    # --- files -------------------------------------------------------------------------------

    @rule(home=homes, room=st.sampled_from(["401", "501", " 4０1", "101"]))
    def register(self, home: str, room: str) -> None:
        self.ask(RegisterHousehold(home, "Anhe", "1", "1", room))

    @rule(command=homes.flatmap(owner_commands))
    def change_a_file(self, command: Any) -> None:
        by = MANAGER if isinstance(command, ConfirmConduct) else CLERK
        self.ask(as_said(command), by)

    @rule(home=homes, day=st.integers(1, 28))
    def record_an_interest(self, home: str, day: int) -> None:
        self.ask(RecordInterest(home, "housekeeping", date(2011, 5, day), word(home)))

    @rule(home=homes, day=st.integers(1, 28), kind=st.sampled_from(["bad_record", "disturbance"]))
    def confirm_conduct(self, home: str, day: int, kind: str) -> None:
        self.ask(ConfirmConduct(home, kind, date(2011, 6, day), "report 7"), MANAGER)

    @rule(home=homes, day=st.integers(1, 28))
    def end_a_role(self, home: str, day: int) -> None:
        member = f"{home}#m{day % 3}"
        since = date(2010, 6, day)
        self.ask(AddMember(home, member, "tenant", since, Personal(member, "Tenant")))
        self.ask(EndRole(home, member, "tenant", since + timedelta(days=90), "moved away"))

    # --- money -------------------------------------------------------------------------------

    @rule(home=homes, number=numbers, fen=amounts, due=days)
    def raise_a_charge(self, home: str, number: int, fen: int, due: date) -> None:
        self.ask(RaiseCharge(home, f"C{number}", "parking", "2011", fen, due))

    @rule(home=homes, number=numbers, fen=amounts, on=days, named=st.none() | numbers)
    def receive_money(self, home: str, number: int, fen: int, on: date, named: int | None) -> None:
        charge = None if named is None else f"C{named}"
        self.ask(ReceivePayment(home, f"P{number}", fen, on, "cash", charge, charge_follows=True))

    @precondition(lambda self: self.live())
    @rule(which=picks, later=st.integers(-1, 90))
    def reverse(self, which: int, later: int) -> None:
        home, payment = self.pick(self.live(), which)
        on = payment.paid_on + timedelta(days=later)
        self.ask(ReversePayment(home, payment.payment, on, "bounced"))

    @precondition(lambda self: self.live())
    @rule(which=picks, to=homes)
    def move(self, which: int, to: str) -> None:
        home, payment = self.pick(self.live(), which)
        self.ask(MovePayment(home, payment.payment, to, "wrong room"))

    @precondition(lambda self: self.live())
    @rule(which=picks, number=numbers, fen=amounts)
    def refund(self, which: int, number: int, fen: int) -> None:
        home, payment = self.pick(self.live(), which)
        on = payment.paid_on + timedelta(days=30)
        self.ask(ProposeRefund(home, f"F{number}", fen, on, "moved away"))
        self.ask(DecideRefund(home, f"F{number}", bool(which % 4), on, "seen"), MANAGER)

    @precondition(lambda self: self.charged())
    @rule(which=picks, number=numbers, fen=amounts, write_off=st.booleans())
    def waive(self, which: int, number: int, fen: int, *, write_off: bool) -> None:
        home, charge = self.pick(self.charged(), which)
        amount = min(fen, charge.amount_fen)
        waiver, on = f"W{number}", charge.due
        self.ask(ProposeWaiver(home, waiver, charge.charge, amount, on, "hard", write_off))
        self.ask(DecideWaiver(home, waiver, bool(which % 4), on, "seen"), MANAGER)

    @precondition(lambda self: self.charged())
    @rule(which=picks)
    def cancel(self, which: int) -> None:
        home, charge = self.pick(self.charged(), which)
        self.ask(CancelCharge(home, charge.charge, charge.due, "raised twice"))

    @precondition(lambda self: self.charged())
    @rule(which=picks, number=numbers, fen=amounts, later=st.integers(0, 400))
    def dispute(self, which: int, number: int, fen: int, later: int) -> None:
        home, charge = self.pick(self.charged(), which)
        on, amount = charge.due + timedelta(days=later), min(fen, charge.amount_fen)
        self.ask(
            DisputeCharge(home, f"D{number}", charge.charge, amount, on, "not mine", word(home))
        )

    @precondition(lambda self: self.disputed())
    @rule(which=picks, later=st.integers(-1, 90), share=st.sampled_from((0, 1, 2)))
    def end_a_dispute(self, which: int, later: int, share: int) -> None:
        home, dispute = self.pick(self.disputed(), which)
        on = dispute.on + timedelta(days=later)
        if share == 2 and later % 2:
            self.ask(WithdrawDispute(home, dispute.dispute, on, "was mine", word(home)))
            return
        upheld = dispute.amount_fen * share // 2
        self.ask(ProposeDisputeDecision(home, dispute.dispute, upheld, on, "looked at"))
        self.ask(DecideDispute(home, dispute.dispute, bool(which % 4), on, "seen"), MANAGER)

    @rule(home=homes, number=numbers, on=days, days_more=st.none() | st.integers(0, 400))
    def agree_on_late_charges(
        self, home: str, number: int, on: date, days_more: int | None
    ) -> None:
        until = None if days_more is None else on + timedelta(days=days_more)
        said = ("late_charge", "late-charge-daily", on, "contract", word(home), until)
        self.ask(AgreeClause(home, f"K{number}", *said))

    @rule(home=homes, number=numbers, on=days)
    def end_a_clause(self, home: str, number: int, on: date) -> None:
        self.ask(EndClause(home, f"K{number}", on, "new contract"))
        self.ask(ApproveRate(home, f"K{number}", on, "as agreed"), DIRECTOR)

    @precondition(lambda self: self.charged())
    @rule(which=picks, number=numbers, later=st.integers(1, 400))
    def claim_a_late_charge(self, which: int, number: int, later: int) -> None:
        home, charge = self.pick(self.charged(), which)
        on = charge.due + timedelta(days=later)
        claim = ClaimLateCharge(home, f"L{number}", charge.charge, on, on)
        self.ask(claim, MANAGER)

    @precondition(lambda self: self.charged())
    @rule(which=picks, number=numbers, fen=amounts, days_more=st.integers(0, 60))
    def promise_money(self, which: int, number: int, fen: int, days_more: int) -> None:
        home, charge = self.pick(self.charged(), which)
        parts = (Instalment(fen, charge.due + timedelta(days=days_more)),)
        self.ask(PromisePayment(home, f"Z{number}", parts, charge.due, "said so", word(home)))

    # --- collection --------------------------------------------------------------------------

    @rule(home=homes, on=days)
    def let_collection_take_its_course(self, home: str, on: date) -> None:
        self.ask(AdvanceCollection(home, on))

    @rule(home=homes, step=numbers, on=days, proofs=st.sampled_from((PROOFS, ())))
    def finish_a_step(self, home: str, step: int, on: date, proofs: tuple[Proof, ...]) -> None:
        self.ask(ProposeStep(home, step, on))
        self.ask(DecideStep(home, step, True, on), DIRECTOR)
        self.ask(CheckDefects(home, on, 0, "round 7"), OPERATOR)
        self.ask(CompleteStep(home, step, on, proofs))

    @rule(home=homes, number=numbers, on=days, length=st.integers(-1, 60))
    def hold(self, home: str, number: int, on: date, length: int) -> None:
        until = on + timedelta(days=length)
        self.ask(ProposeHold(home, f"H{number}", on, until, "illness"))
        self.ask(DecideHold(home, f"H{number}", bool(length % 4), on, "seen"), MANAGER)

    @rule(home=homes, number=numbers, fen=amounts, on=days, back=st.booleans())
    def purchase(self, home: str, number: int, fen: int, on: date, *, back: bool) -> None:
        amount = -fen if back else fen * 100
        self.ask(RecordPurchase(home, f"B{number}", "cleaning", amount, on))

    def live(self) -> list[tuple[str, Any]]:
        """Payments that are neither reversed nor moved, and whose they are."""
        return [
            (home, payment) for home, account in self.accounts() for _, payment in account.live()
        ]

    def charged(self) -> list[tuple[str, Any]]:
        """Charges, and whose they are."""
        return [
            (home, charge)
            for home, account in self.accounts()
            for charge in account.charges.values()
        ]

    def disputed(self) -> list[tuple[str, Any]]:
        """Disputes that are open, and whose they are."""
        return [
            (home, dispute)
            for home, account in self.accounts()
            for number, dispute in account.disputes.items()
            if number not in account.decided
        ]

    def accounts(self) -> list[tuple[str, Account]]:
        return [
            (stream.partition("/")[2], state)
            for stream, state in self.states.items()
            if isinstance(state, Account)
        ]

    def pick(self, things: list[Any], which: int) -> Any:
        return things[which % len(things)]

    # --- requests ----------------------------------------------------------------------------

    @rule(request=requests, home=homes, kind=st.sampled_from(KINDS), major=st.booleans())
    def receive_a_request(self, request: str, home: str, kind: str, *, major: bool) -> None:
        severity = "major" if major else "general"
        self.ask(
            ReceiveRequest(
                request, home, "phone", kind, "security", severity, "noise", self.now, "S1"
            )
        )

    @precondition(lambda self: self.received())
    @rule(which=picks, hours=st.integers(0, 48))
    def promise(self, which: int, hours: int) -> None:
        due = self.now + timedelta(hours=hours)
        request = self.pick(self.received(Open), which)
        self.ask(MakeCommitment(request, "somebody comes", due, self.now), OPERATOR)

    @precondition(lambda self: self.received())
    @rule(which=picks, who=st.sampled_from(["S1", "S2", "S3", ""]))
    def hand_over(self, which: int, who: str) -> None:
        self.ask(HandOver(self.pick(self.received(), which), who, "on leave"))

    @precondition(lambda self: self.received())
    @rule(which=picks, reference=st.sampled_from(["call", "call", ""]))
    def accept(self, which: int, reference: str) -> None:
        due = self.now + timedelta(days=1) if which % 2 else None
        request = self.pick(self.received(Open), which)
        said = word(self.home_of(request), reference)
        self.ask(AcceptCommitment(request, said, self.now, due))

    @precondition(lambda self: self.received())
    @rule(which=picks)
    def finish(self, which: int) -> None:
        self.ask(ReportDone(self.pick(self.received(Open), which), self.now), OPERATOR)

    @precondition(lambda self: self.received())
    @rule(which=picks, answer=st.sampled_from([*OPINIONS, None]))
    def ask_the_customer(self, which: int, *, answer: str | None) -> None:
        request = self.pick(self.received(Done), which)
        if answer is None:
            self.ask(NoteFailedAttempt(request, self.now, "phone"))
        else:
            self.ask(
                ConfirmClosing(request, self.now, answer, word(self.home_of(request)), "so-so")
            )

    @precondition(lambda self: self.received())
    @rule(which=picks, opinion=st.sampled_from(OPINIONS))
    def finish_and_ask_at_once(self, which: int, *, opinion: str) -> None:
        request = self.pick(self.received(Open), which)
        self.ask(ReportDone(request, self.now), OPERATOR)
        self.ask(ConfirmClosing(request, self.now, opinion, word(self.home_of(request)), "so-so"))

    @precondition(lambda self: self.received())
    @rule(which=picks)
    def reopen(self, which: int) -> None:
        self.ask(Reopen(self.pick(self.received(Done, Closed), which), self.now, "it leaks again"))

    @precondition(lambda self: self.received())
    @rule(which=picks, other=picks, anybody=st.booleans(), undone=st.booleans())
    def call_a_duplicate(self, which: int, other: int, *, anybody: bool, undone: bool) -> None:
        """Of a request of the same household mostly, else of anybody's."""
        request = self.pick(self.received(), which)
        home = self.home_of(request)
        of = [r for r in self.received() if anybody or self.home_of(r) == home]
        self.ask(MarkDuplicate(request, self.pick(of, other), "the same noise"))
        if which % 2:
            self.ask(MergeDuplicate(request, self.pick(of, other), "the same noise", self.now))
        if undone:
            self.ask(UndoDuplicate(request, "another noise", self.now))

    @rule(home=homes, undone=st.booleans())
    def raise_the_same_matter_twice(self, home: str, *, undone: bool) -> None:
        first, second = (f"R{len(self.states) + more}-{home}" for more in (0, 1))
        for request in (first, second):
            self.receive_a_request(request, home, "complaint", major=False)
        self.ask(MarkDuplicate(second, first, "the same noise"))
        if undone:
            self.ask(UndoDuplicate(second, "another noise", self.now))

    @precondition(lambda self: self.received())
    @rule(which=picks)
    def undo_a_duplicate(self, which: int) -> None:
        duplicates = [s.request for s in self.states.values() if getattr(s, "duplicate_of", None)]
        request = self.pick(duplicates or self.received(), which)
        self.ask(UndoDuplicate(request, "another noise", self.now))

    def received(self, *status: type) -> list[str]:
        """Requests of that status, or all if there is none of it."""
        all_of_them = [state for state in self.states.values() if isinstance(state, Request)]
        wanted = [one for one in all_of_them if isinstance(one, status or Request)]
        return [one.request for one in wanted or all_of_them]

    def home_of(self, request: str) -> str:
        state = self.states[REQUEST.stream(request)]
        return str(state.household)

    # --- pressing the button twice -----------------------------------------------------------

    @precondition(lambda self: self.done)
    @rule(which=picks)
    def repeat(self, which: int) -> None:
        id, command, at, first = self.pick(self.done, which)
        before = self.crm.verify()
        again = self.crm.do(command, by=Actor("other", "manager"), id=id, at=at)
        assert (again.stream, again.version, again.position) == (
            first.stream,
            first.version,
            first.position,
        )
        assert without_personal(again.events) == without_personal(first.events)
        assert self.crm.verify() == before

    @precondition(lambda self: self.done)
    @rule(which=picks)
    def reuse_an_id(self, which: int) -> None:
        id, _, _, _ = self.pick(self.done, which)
        before = self.crm.verify()
        with pytest.raises(CommandReused):
            self.crm.do(RecordPurchase("V1", "B9", "another", 7, DAYS[1]), by=CLERK, id=id)
        assert self.crm.verify() == before

    # --- grading -----------------------------------------------------------------------------

    @rule(year=st.sampled_from([2010, 2011, 2012]), late=st.none() | st.integers(0, 400))
    def grade(self, year: int, late: int | None) -> None:
        known = None if late is None else START + timedelta(days=late)
        run = self.crm.grade(year, known=known)
        self.head = self.crm.log.head()
        files = {
            recorded.household
            for recorded in self.crm.log.feed(names=["owners.household_registered/1"])
            if run.cutoff.sees(recorded)
        }
        assert [grading.household for grading in run.gradings] == sorted(files)
        assert self.crm.grade(year, known=known) == run
        assert self.crm.gradings.grades(year, run=run.run) == run
        for grading in run.gradings:
            explained = self.crm.explain(grading.household, year, run=run.run)
            assert explained["layer"] == grading.outcome.layer
        list(self.crm.gradings.affected(year))
        assert self.crm.log.head() == self.head

    @rule()
    def everything_is_replayed(self) -> None:
        replay = self.crm.replay()
        assert replay.differing == ()
        assert replay.identical == replay.gradings

    # --- what always holds -------------------------------------------------------------------

    @invariant()
    def the_log_is_whole(self) -> None:
        found = self.crm.verify()
        assert found.intact
        assert found.events == self.crm.log.head() == self.head

    @invariant()
    def what_is_read_is_what_was_remembered(self) -> None:
        for stream, state in self.states.items():
            kind, _, identity = stream.partition("/")
            aggregate, cls = STREAMS[kind]
            told = self.crm.history(stream, by=CLERK, purpose="file")
            events = (recorded.event for recorded in told)
            found = self.crm.get(cls, identity, by=CLERK, purpose="file")
            assert found == state
            assert found == aggregate.decider.fold(events)

    @invariant()
    def the_books_balance(self) -> None:
        accounts = [account for _, account in self.accounts()]
        for day in DAYS:
            balances = [
                trial_balance(((event, 0) for event in account.facts.values()), day)
                for account in accounts
            ]
            for balance in balances:
                assert sum(balance.accounts.values()) == 0
                assert balance.unexplained_fen == 0
            # Nothing is lost on its way from one account to another.
            assert sum(balance.accounts["moved"] for balance in balances) == 0

    @invariant()
    def every_request_has_an_owner_and_every_file_a_place_of_its_own(self) -> None:
        requests = [state for state in self.states.values() if isinstance(state, Request)]
        assert all(request.owner for request in requests)
        files = [state for state in self.states.values() if isinstance(state, Household)]
        assert all(request.household in {file.household for file in files} for request in requests)
        places = {(file.estate, file.building, file.unit, file.room) for file in files}
        assert len(places) == len(files)


def run(machine: type[RuleBasedStateMachine], examples: int) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=60,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )


@pytest.mark.rule(
    "OWN-01", "REQ-01", "PAY-01", "PAY-15", "GRD-08", "GRD-12", "LOG-01", "LOG-04", "LOG-06"
)
def test_whatever_is_asked_of_the_facade_some_things_always_hold() -> None:
    """And most of what can happen does happen, or the machine would say little."""
    seen: set[str] = set()

    class Watched(FacadeMachine):
        def follow(self, receipt: Receipt, before: int) -> None:
            super().follow(receipt, before)
            seen.update(type(event).__name__ for event in receipt.events)

    run(Watched, 160)
    assert seen >= {
        "ChargeRaised",
        "ChargeWaived",
        "CommitmentAccepted",
        "ConductConfirmed",
        "InterestRecorded",
        "DuplicateUndone",
        "MarkedDuplicate",
        "PaymentMovedOut",
        "PaymentReceived",
        "PaymentReversed",
        "PurchaseRefunded",
        "RequestClosed",
        "RequestReopened",
        "RoleEnded",
    }
