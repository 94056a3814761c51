"""What household and company say about charges: disputes, promises, late charges, limitation."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any

import pytest
from agreeing import AGREED, AGREED_REFUSED, ONE, promised
from claiming import TWO, WORD, assert_told, decided, disputed, parts, refusal_codes
from hypothesis import given
from hypothesis import strategies as st
from paying import (
    ACCOUNTS,
    BOOKED,
    CLERK,
    DAILY,
    DEFAULT,
    FEBRUARY,
    FINANCE,
    JANUARY,
    MANAGER,
    REFUSED,
    TABLES,
    TOO_MUCH,
    advance,
    bought,
    cancelled,
    day,
    decide_refund,
    decide_waiver,
    grade,
    paid,
    placed,
    raised,
    refund,
    refund_proposed,
    rejected,
    reversed_,
    unpaid,
    waive,
    waived,
    waiver_proposed,
)

from crm_adapters.wiring import open_crm
from crm_core.crm import CRM
from crm_core.kernel.authority import Own
from crm_core.kernel.dates import Period, parse_instant
from crm_core.kernel.recorded import Actor
from crm_core.kernel.sealed import Personal
from crm_core.owners.commands import RegisterHousehold, owner_id
from crm_core.payments import (
    ACCOUNT,
    Account,
    Ledger,
    allocate,
    answers,
    claims,
    clauses,
    credit_standing,
)
from crm_core.payments import decide as decisions
from crm_core.payments.books import trial_balance
from crm_core.payments.commands import (
    DecideDispute,
    DecideInstalments,
    DisputeCharge,
    MovePayment,
    PromisePayment,
    ProposeDisputeDecision,
    ProposeInstalments,
    RaiseCharge,
    ReceivePayment,
    ReversePayment,
    WithdrawDispute,
)
from crm_core.payments.credit import course
from crm_core.payments.events import (
    ACCOUNT_EVENTS,
    PROPOSAL_EVENTS,
    ChargeDisputed,
    ChargeRaised,
    DisputeDecided,
    DisputeDecisionProposed,
    DisputeWithdrawn,
    Instalment,
    InstalmentsProposed,
    ProposalRejected,
)
from crm_core.payments.promises import promises
from crm_core.payments.views import statement
from crm_core.testing.scenario import given as scenario

# --- facts and commands in few words ---------------------------------------------------------


SUPERVISOR = Actor("U1", "supervisor")


def proposed(
    number: str = "D1", upheld: int = 0, on: str = "2011-04-10"
) -> DisputeDecisionProposed:
    return DisputeDecisionProposed(number, upheld, day(on), "looked at", "S1")


def withdrawn(number: str = "D1", on: str = "2011-04-10") -> DisputeWithdrawn:
    return DisputeWithdrawn(number, day(on), "was mine", WORD)


def offered(
    number: str = "Z1",
    instalments: tuple[Instalment, ...] = TWO,
    on: str = "2011-03-01",
    replaces: str | None = None,
) -> InstalmentsProposed:
    return InstalmentsProposed(number, instalments, day(on), replaces, "on the phone", WORD, "S1")


def dispute(number: str = "D1", **other: Any) -> DisputeCharge:
    fields = {"charge": "C1", "amount_fen": 100_00, "on": day("2011-03-01"), "reason": "no lift"}
    return DisputeCharge("V1", number, **{**fields, "word": WORD, **other})


def propose(number: str = "D1", upheld: int = 0, **other: Any) -> ProposeDisputeDecision:
    fields = {"on": day("2011-04-10"), "reason": "looked at", "by": CLERK}
    return ProposeDisputeDecision("V1", number, upheld, **{**fields, **other})


def decide(number: str = "D1", approved: bool = True, **other: Any) -> DecideDispute:
    fields = {"on": day("2011-04-10"), "by": MANAGER, **other}
    return DecideDispute("V1", number, approved, **fields)


def withdraw(number: str = "D1", **other: Any) -> WithdrawDispute:
    fields = {"on": day("2011-04-10"), "reason": "was mine", "word": WORD}
    return WithdrawDispute("V1", number, **{**fields, **other})


def promise(
    number: str = "Z1", instalments: tuple[Instalment, ...] = ONE, **other: Any
) -> PromisePayment:
    fields = {"on": day("2011-03-01"), "reason": "on the phone", "word": WORD, "by": CLERK}
    return PromisePayment("V1", number, instalments, **{**fields, **other})


def offer(
    number: str = "Z1", instalments: tuple[Instalment, ...] = TWO, **other: Any
) -> ProposeInstalments:
    fields = {"on": day("2011-03-01"), "reason": "on the phone", "word": WORD, "by": CLERK}
    return ProposeInstalments("V1", number, instalments, **{**fields, **other})


def agree(number: str = "Z1", approved: bool = True, **other: Any) -> DecideInstalments:
    fields = {"on": day("2011-03-01"), "by": MANAGER, **other}
    return DecideInstalments("V1", number, approved, **fields)


# --- what is booked and what is refused ------------------------------------------------------

CLAIMS: list[tuple[list[Any], Any, Any]] = [
    ([JANUARY], dispute(), disputed()),
    ([JANUARY], dispute(amount_fen=1), disputed(fen=1)),
    ([JANUARY, disputed()], propose(), proposed()),
    ([JANUARY, disputed(), proposed()], decide(), decided()),
    ([JANUARY, disputed()], propose(upheld=100_00), proposed(upheld=100_00)),
    ([JANUARY, disputed(), proposed(upheld=100_00)], decide(), decided(upheld=100_00)),
    ([JANUARY, disputed()], propose(on=day("2011-03-01")), proposed(on="2011-03-01")),
    (
        [JANUARY, disputed(), proposed(on="2011-03-01")],
        decide(on=day("2011-03-01")),
        decided(on="2011-03-01"),
    ),
    ([JANUARY, disputed(), proposed(on="2011-03-01")], decide(), decided()),
    # A proposal that is rejected leaves the dispute open, and another one can be made.
    (
        [JANUARY, disputed(), proposed()],
        decide(approved=False, reason="not a case for it"),
        rejected("dispute_decision", "D1", "2011-04-10"),
    ),
    (
        [JANUARY, disputed(), proposed(), rejected("dispute_decision", "D1", "2011-04-10")],
        propose(upheld=50_00),
        proposed(upheld=50_00),
    ),
    ([JANUARY, disputed()], withdraw(), withdrawn()),
    ([JANUARY, disputed(), decided()], dispute("D2"), disputed("D2")),
    ([], promise(), promised()),
    ([], offer(), offered()),
    ([offered()], agree(), promised(instalments=TWO, approved_by="M1")),
    # The household promised on its own day, whenever somebody decides on it.
    ([offered()], agree(on=day("2011-03-31")), promised(instalments=TWO, approved_by="M1")),
    (
        [offered()],
        agree(approved=False, reason="not a case for it"),
        rejected("promise", "Z1", "2011-03-01"),
    ),
    ([offered(), rejected("promise", "Z1", "2011-03-01")], offer("Z2"), offered("Z2")),
    ([promised()], offer("Z2", replaces="Z1"), offered("Z2", replaces="Z1")),
    (
        [promised(), offered("Z2", replaces="Z1")],
        agree("Z2"),
        promised("Z2", TWO, approved_by="M1", replaces="Z1"),
    ),
    # What was paid meanwhile is paid on the plan.
    (
        [offered(), paid(on="2011-03-10", fen=40_00)],
        agree(on=day("2011-04-01")),
        promised(instalments=TWO, approved_by="M1"),
    ),
    ([promised()], promise("Z2", replaces="Z1"), promised("Z2", replaces="Z1")),
    # What is proposed binds nobody: it can be proposed about, paid and withdrawn all the same.
    ([JANUARY, disputed(), proposed()], withdraw(), withdrawn()),
    ([offered()], promise("Z2"), promised("Z2")),
]


@pytest.mark.rule("PAY-06", "PAY-08", "PAY-09", "PAY-12")
@pytest.mark.parametrize(
    ("past", "command", "event"),
    CLAIMS,
    ids=lambda value: type(value).__name__ if not isinstance(value, list) else "",
)
def test_what_is_said_about_charges_is_booked(past: list[Any], command: Any, event: Any) -> None:
    scenario(ACCOUNT, *past).when(command).then(event)


CLAIMS_REFUSED: list[tuple[list[Any], Any, str, str]] = [
    ([JANUARY, disputed()], dispute(), "dispute_exists", "PAY-01"),
    ([JANUARY, disputed()], dispute("D2"), "dispute_open", "PAY-06"),
    ([], dispute(), "unknown_charge", "PAY-01"),
    ([JANUARY, cancelled()], dispute(), "unknown_charge", "PAY-01"),
    ([JANUARY], dispute(reason=""), "reason_missing", "LOG-06"),
    ([JANUARY], dispute(amount_fen=0), "dispute_exceeds_charge", "PAY-06"),
    ([JANUARY], dispute(amount_fen=100_01), "dispute_exceeds_charge", "PAY-06"),
    (
        [JANUARY, disputed(), decided(upheld=60_00)],
        dispute("D2", amount_fen=40_01),
        "dispute_exceeds_charge",
        "PAY-06",
    ),
    ([], propose(), "unknown_dispute", "PAY-01"),
    ([], decide(), "unknown_dispute", "PAY-01"),
    ([JANUARY, disputed(), decided()], propose(), "dispute_over", "PAY-06"),
    ([JANUARY, disputed(), decided()], decide(), "dispute_over", "PAY-06"),
    ([JANUARY, disputed(), proposed(), withdrawn()], decide(), "dispute_over", "PAY-06"),
    ([JANUARY, disputed(), proposed()], propose(), "dispute_decision_exists", "PAY-01"),
    ([JANUARY, disputed()], decide(), "unknown_proposal", "PAY-01"),
    (
        [JANUARY, disputed(), proposed(), rejected("dispute_decision", "D1")],
        decide(),
        "unknown_proposal",
        "PAY-01",
    ),
    ([JANUARY, disputed(), withdrawn()], withdraw(), "dispute_over", "PAY-06"),
    ([JANUARY, disputed()], propose(on=day("2011-02-28")), "dispute_ends_early", "PAY-06"),
    (
        [JANUARY, disputed(), proposed()],
        decide(on=day("2011-02-28")),
        "dispute_ends_early",
        "PAY-06",
    ),
    ([JANUARY, disputed()], withdraw(on=day("2011-02-28")), "dispute_ends_early", "PAY-06"),
    ([JANUARY, disputed()], propose(reason=""), "reason_missing", "LOG-06"),
    ([JANUARY, disputed(), proposed()], decide(approved=False), "reason_missing", "LOG-06"),
    ([JANUARY, disputed()], withdraw(reason=""), "reason_missing", "LOG-06"),
    ([JANUARY, disputed(fen=1)], propose(upheld=2), "upheld_exceeds_dispute", "PAY-06"),
    ([JANUARY, disputed()], propose(upheld=-1), "upheld_exceeds_dispute", "PAY-06"),
    (
        [JANUARY, waived(fen=60_00), disputed()],
        propose(upheld=40_01),
        "upheld_exceeds_dispute",
        "PAY-06",
    ),
    # A decision looks at what was waived meanwhile.
    (
        [JANUARY, disputed(), proposed(upheld=40_01), waived(fen=60_00)],
        decide(),
        "upheld_exceeds_dispute",
        "PAY-06",
    ),
    ([promised()], promise(), "promise_exists", "PAY-01"),
    ([promised()], offer(), "promise_exists", "PAY-01"),
    ([offered()], offer(), "promise_exists", "PAY-01"),
    ([offered()], promise(), "promise_exists", "PAY-01"),
    ([offered(), rejected("promise", "Z1")], promise(), "promise_exists", "PAY-01"),
    ([], promise(instalments=()), "instalments_out_of_order", "PAY-09"),
    ([], promise(instalments=(*ONE, *ONE)), "instalments_out_of_order", "PAY-09"),
    ([], promise(on=day("2011-04-01")), "instalments_out_of_order", "PAY-09"),
    ([], promise(instalments=parts(("2011-03-31", 0))), "amount_out_of_range", "PAY-01"),
    ([], promise(instalments=parts(("2011-03-31", TOO_MUCH))), "amount_out_of_range", "PAY-01"),
    ([], promise(reason=""), "reason_missing", "LOG-06"),
    ([], promise(instalments=TWO), "plan_unapproved", "PAY-09"),
    ([promised()], promise("Z2"), "promise_open", "PAY-09"),
    ([], promise(replaces="Z9"), "unknown_promise", "PAY-01"),
    ([], offer(instalments=()), "instalments_out_of_order", "PAY-09"),
    ([], offer(on=day("2011-04-01")), "instalments_out_of_order", "PAY-09"),
    ([], offer(instalments=parts(("2011-03-31", 0))), "amount_out_of_range", "PAY-01"),
    ([], offer(reason=""), "reason_missing", "LOG-06"),
    ([promised()], offer("Z2"), "promise_open", "PAY-09"),
    ([], offer(replaces="Z9"), "unknown_promise", "PAY-01"),
    ([], agree(), "unknown_proposal", "PAY-01"),
    ([offered(), promised(instalments=TWO)], agree(), "unknown_proposal", "PAY-01"),
    ([offered()], agree(approved=False), "reason_missing", "LOG-06"),
    # A decision looks at what was promised and paid meanwhile.
    ([offered(), promised("Z2")], agree(), "promise_open", "PAY-09"),
    (
        [promised(), offered("Z2", replaces="Z1"), promised("Z3", replaces="Z1")],
        agree("Z2"),
        "unknown_promise",
        "PAY-01",
    ),
    ([offered()], agree(on=day("2011-04-01")), "plan_overtaken", "PAY-09"),
    (
        [offered(), paid(on="2011-03-10", fen=39_99)],
        agree(on=day("2011-04-01")),
        "plan_overtaken",
        "PAY-09",
    ),
    (
        [promised(), promised("Z2", replaces="Z1")],
        promise("Z3", replaces="Z1"),
        "unknown_promise",
        "PAY-01",
    ),
    (
        [promised()],
        promise("Z2", on=day("2011-02-28"), replaces="Z1"),
        "renegotiated_early",
        "PAY-09",
    ),
]


@pytest.mark.rule("PAY-06", "PAY-08", "PAY-09", "PAY-12")
@pytest.mark.parametrize(("past", "command", "code", "rule"), CLAIMS_REFUSED)
def test_what_cannot_be_said_is_refused(
    past: list[Any], command: Any, code: str, rule: str
) -> None:
    scenario(ACCOUNT, *past).when(command).refused(code, rule)


def test_every_event_of_accounts_has_a_scenario() -> None:
    booked = {type(event) for _, _, event in (*BOOKED, *CLAIMS, *AGREED)}
    assert booked == {kind.cls for kind in (*ACCOUNT_EVENTS, *PROPOSAL_EVENTS)}


def test_every_refusal_of_accounts_has_a_scenario() -> None:
    codes = refusal_codes(decisions, claims, answers, clauses)
    assert {"*_exists", "unknown_*", "refund_exceeds_credit"} <= codes
    reached = {code for _, _, code, _ in (*REFUSED, *CLAIMS_REFUSED, *AGREED_REFUSED)}
    assert [code for code in codes if not fnmatch.filter(reached, code)] == []


@pytest.mark.parametrize(
    ("past", "command"), [case[:2] for case in (*REFUSED, *CLAIMS_REFUSED, *AGREED_REFUSED)]
)
def test_every_refusal_of_accounts_is_told_in_both_languages(past: list[Any], command: Any) -> None:
    refusal = scenario(ACCOUNT, *past).when(command).refusal
    assert refusal is not None
    if refusal.code != "no":
        assert_told(refusal)


# --- proposals (LOG-08) ----------------------------------------------------------------------

PROPOSED: list[tuple[list[Any], Any, Any]] = [
    ([paid()], refund(), decide_refund),
    ([JANUARY], waive(), decide_waiver),
    ([JANUARY, disputed()], propose(upheld=100_00), decide),
    ([JANUARY], offer(), agree),
]
"""What is booked, what is then proposed, and how it is decided."""


def as_it_stands(account: Account) -> dict[str, Any]:
    """All that is told of an account on some days, and all that is computed from it."""
    facts = list(placed(list(account.facts.values())))
    return {
        on: (statement(facts, day(on), DEFAULT, DAILY), trial_balance(facts, day(on)))
        for on in ("2011-02-15", "2011-04-10", "2011-12-31")
    }


@pytest.mark.rule("LOG-08", "PAY-01")
@pytest.mark.parametrize(("past", "proposal", "decision"), PROPOSED)
def test_nobodys_proposal_takes_effect_without_a_decision(
    past: list[Any], proposal: Any, decision: Any
) -> None:
    before = ACCOUNT.decider.fold(past)
    asked = scenario(ACCOUNT, *past).when(proposal)
    [event] = asked.events
    assert type(event) in {kind.cls for kind in PROPOSAL_EVENTS}
    assert event.proposed_by == "S1"
    assert as_it_stands(asked.after) == as_it_stands(before)
    assert list(asked.after.facts) == past
    decided_on = scenario(ACCOUNT, *past, event).when(decision())
    assert as_it_stands(decided_on.after) != as_it_stands(before)
    [fact] = decided_on.events
    assert (fact.proposed_by, fact.approved_by) == ("S1", "M1")
    assert decided_on.after.proposed == {}


@pytest.mark.rule("LOG-08", "PAY-01", "LOG-06")
@pytest.mark.parametrize(("past", "proposal", "decision"), PROPOSED)
def test_a_rejected_proposal_leaves_a_trace_and_changes_no_balance(
    past: list[Any], proposal: Any, decision: Any
) -> None:
    before = ACCOUNT.decider.fold(past)
    [event] = scenario(ACCOUNT, *past).when(proposal).events
    outcome = scenario(ACCOUNT, *past, event).when(decision(approved=False, reason="no case"))
    [trace] = outcome.events
    assert (type(trace), trace.reason, trace.rejected_by) == (ProposalRejected, "no case", "M1")
    assert as_it_stands(outcome.after) == as_it_stands(before)
    assert outcome.after.proposed == {}
    # Once is enough, and without a reason it is none.
    scenario(ACCOUNT, *past, event, trace).when(decision()).refused("unknown_proposal", "PAY-01")
    scenario(ACCOUNT, *past, event).when(decision(approved=False)).refused("reason_missing")


@pytest.mark.rule("LOG-08")
@pytest.mark.parametrize(
    ("past", "command", "own"),
    [
        ([paid(), refund_proposed(fen=30_00)], decide_refund(), Own("S1", amount_fen=30_00)),
        ([JANUARY, waiver_proposed(fen=20_00)], decide_waiver(), Own("S1", amount_fen=20_00)),
        # Whoever upholds nothing decides about all that is in dispute.
        ([JANUARY, disputed(), proposed()], decide(), Own("S1", amount_fen=100_00)),
        ([offered()], agree(), Own("S1", amount_fen=100_00)),
        ([JANUARY], decide_waiver(), None),
        ([JANUARY], waive(), None),
        ([JANUARY], promise(), None),
    ],
)
def test_an_account_says_whose_proposal_a_decision_is_about(
    past: list[Any], command: Any, own: Own | None
) -> None:
    assert ACCOUNT.own(command, ACCOUNT.decider.fold(past)) == own


@pytest.mark.rule("LOG-08")
@given(ACCOUNTS)
def test_whatever_is_proposed_or_rejected_facts_are_what_was_decided(
    booked: tuple[Any, ...],
) -> None:
    """An account with its proposals is worth one that never heard of them."""
    only_proposed = {kind.cls for kind in PROPOSAL_EVENTS}
    kept = [event for event in booked if type(event) not in only_proposed]
    account = ACCOUNT.decider.fold(booked)
    assert list(account.facts) == kept
    assert as_it_stands(account) == as_it_stands(ACCOUNT.decider.fold(kept))


# --- PAY-06: disputes (T15) ------------------------------------------------------------------


@pytest.mark.rule("PAY-06")
def test_a_disputed_amount_does_not_age_until_it_is_decided() -> None:
    """T15: due on 31 January; in dispute from 1 March until it is rejected on 10 April."""
    for end in (decided(), withdrawn()):
        booked = [JANUARY, disputed(), end]
        assert grade(booked, "2011-02-28") == ("B1", 28, 100_00)
        assert grade(booked, "2011-03-01") == ("A", 0, 0)
        assert grade(booked, "2011-04-09") == ("A", 0, 0)
        # It ages again in full: from its due date, not from where it had stopped.
        assert grade(booked, "2011-04-10") == ("B2", 69, 100_00)
    assert grade([JANUARY, disputed()], "2019-01-01") == ("A", 0, 0)


@pytest.mark.rule("PAY-06")
def test_what_is_upheld_was_never_owed_and_the_rest_ages_in_full() -> None:
    partly = [JANUARY, disputed(), decided(upheld=60_00)]
    assert grade(partly, "2011-02-28") == ("B1", 28, 40_00)
    assert grade(partly, "2011-03-31") == ("A", 0, 0)
    assert grade(partly, "2011-04-10") == ("B2", 69, 40_00)
    whole = [JANUARY, disputed(), decided(upheld=100_00)]
    assert grade(whole, "2011-02-28") == ("A", 0, 0)
    # What was paid on it is free again.
    assert unpaid([*whole, FEBRUARY, paid(charge="C1")], "2011-04-10") == {}
    assert advance([*whole, paid(charge="C1")], "2011-04-10") == 100_00


@pytest.mark.rule("PAY-06")
def test_what_was_upheld_is_no_part_of_what_was_in_dispute() -> None:
    """60 of 100 yuan in dispute, 30 of them never owed: 40 were undisputed all the time."""
    booked = [JANUARY, disputed(fen=60_00), decided(upheld=30_00)]
    assert grade(booked, "2011-03-31") == ("B2", 59, 40_00)
    assert grade(booked, "2011-04-10") == ("B2", 69, 70_00)


@pytest.mark.rule("PAY-06")
def test_the_part_that_is_not_disputed_goes_on_ageing() -> None:
    booked = [JANUARY, disputed(fen=60_00)]
    assert grade(booked, "2011-03-02") == ("B1", 30, 40_00)
    # What is paid settles what is not disputed first, and ends the arrears.
    assert grade([*booked, paid(fen=40_00, charge="C1")], "2011-03-02") == ("A", 0, 0)
    assert grade([*booked, paid(fen=39_99, charge="C1")], "2011-03-02") == ("B1", 30, 1)


@pytest.mark.rule("PAY-06", "PAY-02")
def test_money_without_a_name_settles_disputed_amounts_last() -> None:
    booked = [JANUARY, FEBRUARY, disputed(), paid(on="2011-03-05")]
    assert unpaid(booked, "2011-03-05") == {"C1": 100_00}
    assert grade(booked, "2011-12-31") == ("A", 0, 0)
    # Once it is rejected, the oldest charge is the first again.
    assert unpaid([*booked, decided()], "2011-04-10") == {"C2": 100_00}
    # Nothing becomes credit to be refunded while something is open.
    assert advance([JANUARY, disputed(), paid(on="2011-03-05")], "2011-03-05") == 0
    # A payment that names the disputed charge settles it.
    assert unpaid([JANUARY, FEBRUARY, disputed(), paid(charge="C1")], "2011-03-05") == {
        "C2": 100_00
    }


@pytest.mark.rule("PAY-06", "PAY-07")
def test_a_dispute_ends_a_stay_at_a_grade_and_a_rejection_enters_it_again() -> None:
    booked = [raised(due="2011-01-01"), disputed(on="2011-02-15"), decided(on="2011-06-01")]
    over = course(Ledger.of(placed(booked)), Period.of_year(2011), DEFAULT)
    # B2 on 1 February, A from 15 February, B3 on 1 June: entered twice.
    assert (over.worst, over.last, over.entered["B2"]) == ("B4", "B4", 2)


@pytest.fixture
def crm() -> Iterator[CRM]:
    with open_crm("memory:") as opened:
        for number, household in enumerate(("V1", "V2"), 1):
            owner = Personal(owner_id(household), "Ouyang Xiu")
            opened.do(
                RegisterHousehold(household, "Anhe", "1", "1", f"{number}01", owner=owner),
                by=CLERK,
                at=parse_instant("2010-01-01T00:00:00+08:00"),
            )
        yield opened


def at(text: str) -> Any:
    return parse_instant(f"{text}T10:00:00+08:00")


def table(crm: CRM, days: Sequence[str], known: Sequence[str], household: str = "V1") -> list[str]:
    """Grades on three days, one text for each of three instants."""
    return [
        " ".join(
            next(
                iter(crm.accounts.credit(day(on), known=at(instant), households=[household]))
            ).grade
            for on in days
        )
        for instant in known
    ]


@pytest.mark.rule("PAY-03", "PAY-06")
def test_three_by_three_around_a_late_payment(crm: CRM) -> None:
    """Paid on 10 March, booked on 20 March."""
    crm.do(
        RaiseCharge("V1", "C1", "other", "x", 1, day("2011-01-31")), by=FINANCE, at=at("2011-01-01")
    )
    late = ReceivePayment("V1", "P1", 1, day("2011-03-10"), "cash")
    crm.do(late, by=FINANCE, at=at("2011-03-20"))
    assert table(
        crm, ["2011-03-09", "2011-03-10", "2011-06-01"], ["2011-03-10", "2011-03-19", "2011-03-20"]
    ) == ["B2 B2 B3", "B2 B2 B3", "B2 A A"]


@pytest.mark.rule("PAY-03", "PAY-06")
def test_three_by_three_around_a_reversal(crm: CRM) -> None:
    """Paid in time, bounced on 10 March, known on 20 March."""
    crm.do(
        RaiseCharge("V1", "C1", "other", "x", 1, day("2011-01-31")), by=FINANCE, at=at("2011-01-01")
    )
    crm.do(
        ReceivePayment("V1", "P1", 1, day("2011-01-31"), "cash"), by=FINANCE, at=at("2011-01-31")
    )
    crm.do(
        ReversePayment("V1", "P1", day("2011-03-10"), "bounced"), by=FINANCE, at=at("2011-03-20")
    )
    assert table(
        crm, ["2011-03-09", "2011-03-10", "2011-06-01"], ["2011-03-10", "2011-03-19", "2011-03-20"]
    ) == ["A A A", "A A A", "A B2 B3"]


@pytest.mark.rule("PAY-03", "PAY-06")
def test_three_by_three_around_a_moved_payment(crm: CRM) -> None:
    """Paid on 10 March into the wrong account, moved on 20 March."""
    for home in ("V1", "V2"):
        charge = RaiseCharge(home, "C1", "other", "x", 1, day("2011-01-31"))
        crm.do(charge, by=FINANCE, at=at("2011-01-01"))
    crm.do(
        ReceivePayment("V1", "P1", 1, day("2011-03-10"), "cash"), by=FINANCE, at=at("2011-03-10")
    )
    crm.do(MovePayment("V1", "P1", "V2", "wrong room"), by=FINANCE, at=at("2011-03-20"))
    days, known = (
        ["2011-03-09", "2011-03-10", "2011-06-01"],
        ["2011-03-10", "2011-03-19", "2011-03-20"],
    )
    assert table(crm, days, known) == ["B2 A A", "B2 A A", "B2 B2 B3"]
    assert table(crm, days, known, "V2") == ["B2 B2 B3", "B2 B2 B3", "B2 A A"]


@pytest.mark.rule("PAY-03", "PAY-06")
def test_three_by_three_around_a_rejected_dispute(crm: CRM) -> None:
    """T15: disputed on 10 March, known on 12 March; rejected on 1 May, known on 5 May."""
    crm.do(
        RaiseCharge("V1", "C1", "other", "x", 1, day("2011-01-31")), by=FINANCE, at=at("2011-01-01")
    )
    crm.do(
        DisputeCharge("V1", "D1", "C1", 1, day("2011-03-10"), "no", WORD),
        by=FINANCE,
        at=at("2011-03-12"),
    )
    nothing = ProposeDisputeDecision("V1", "D1", 0, day("2011-05-01"), "looked at")
    crm.do(nothing, by=FINANCE, at=at("2011-05-05"))
    told_already = table(crm, ["2011-05-02"], ["2011-05-05"])
    crm.do(DecideDispute("V1", "D1", True, day("2011-05-01")), by=SUPERVISOR, at=at("2011-05-05"))
    assert told_already == ["A"]
    assert table(
        crm, ["2011-03-09", "2011-03-10", "2011-05-02"], ["2011-03-11", "2011-03-12", "2011-05-05"]
    ) == ["B2 B2 B3", "B2 A A", "B2 A B3"]


@pytest.mark.rule("PAY-06", "GRD-07")
def test_a_grading_names_the_dispute_among_its_evidence(crm: CRM) -> None:
    crm.do(
        RaiseCharge("V1", "C1", "other", "x", 1, day("2011-01-31")), by=FINANCE, at=at("2011-01-01")
    )
    crm.do(
        DisputeCharge("V1", "D1", "C1", 1, day("2011-03-10"), "no", WORD),
        by=FINANCE,
        at=at("2011-03-12"),
    )
    [grading, _] = crm.grade(2011).gradings
    assert (grading.facts.credit, grading.facts.worst_credit) == ("A", "B2")
    positions = {r.position: type(r.event) for r in crm.history("account/V1")}
    assert {positions[p] for p in grading.evidence.credit} == {ChargeRaised, ChargeDisputed}


@pytest.mark.rule("PAY-06")
@given(ACCOUNTS, st.dates(date(2010, 1, 1), date(2011, 12, 31)), st.integers(0, 200))
def test_a_dispute_never_worsens_a_grade_and_its_rejection_leaves_no_trace_after_it(
    booked: tuple[Any, ...], on: date, length: int
) -> None:
    ledger = Ledger.of(placed(booked))
    taken = {event.charge for event in booked if isinstance(event, ChargeDisputed)}
    free = [charge for charge in ledger.charges if charge.number not in taken]
    for charge in free[:1]:
        opened = ChargeDisputed("DX", charge.number, charge.amount_fen, on, "no", WORD)
        end = on + timedelta(days=length)
        closed = DisputeDecided("DX", 0, end, "looked at", "S1", "M1")
        with_it = Ledger.of(placed([*booked, opened, closed]))
        for look in (on - timedelta(days=1), on, end - timedelta(days=1), end, date(2013, 1, 1)):
            for credit in TABLES:
                rank = credit.ranking.values.index
                before, after = (
                    credit_standing(ledger, look, credit),
                    credit_standing(with_it, look, credit),
                )
                assert rank(after.grade) <= rank(before.grade)
                if not on <= look < end:
                    assert after == before


# --- PAY-09: promises ------------------------------------------------------------------------


def status(events: Sequence[Any], on: str) -> list[tuple[str, int]]:
    return [(one.status, one.paid_fen) for one in promises(events, day(on))]


@pytest.mark.rule("PAY-09")
@pytest.mark.parametrize(
    ("events", "on", "found"),
    [
        ([promised()], "2011-02-28", []),
        ([promised()], "2011-03-31", [("open", 0)]),
        ([promised()], "2011-04-01", [("broken", 0)]),
        ([promised(), paid(on="2011-03-31")], "2011-04-01", [("kept", 100_00)]),
        ([promised(), paid(on="2011-03-31", fen=99_99)], "2011-04-01", [("broken", 99_99)]),
        ([promised(), paid(on="2011-04-01")], "2011-04-02", [("broken", 0)]),
        ([promised(), paid(on="2011-02-28")], "2011-04-01", [("broken", 0)]),
        ([promised(), paid(on="2011-03-01")], "2011-03-02", [("kept", 100_00)]),
        # A bounced payment keeps nothing.
        (
            [promised(), paid(on="2011-03-05"), reversed_(on="2011-03-10")],
            "2011-04-01",
            [("broken", 0)],
        ),
        # A plan: every instalment on its day, what was paid before counted in.
        (
            [promised(instalments=TWO), paid(on="2011-03-05", fen=40_00)],
            "2011-04-30",
            [("open", 40_00)],
        ),
        (
            [promised(instalments=TWO), paid(on="2011-03-05", fen=40_00)],
            "2011-05-01",
            [("broken", 40_00)],
        ),
        (
            [promised(instalments=TWO), paid(on="2011-03-05", fen=100_00)],
            "2011-03-06",
            [("kept", 100_00)],
        ),
        (
            [promised(instalments=TWO), paid(on="2011-04-01", fen=100_00)],
            "2011-05-01",
            [("broken", 100_00)],
        ),
        # Renegotiated on the day itself it is not broken; a day later it is.
        (
            [promised(), promised("Z2", parts(("2011-05-31", 1)), "2011-03-31", replaces="Z1")],
            "2011-05-01",
            [("renegotiated", 0), ("open", 0)],
        ),
        (
            [promised(), promised("Z2", parts(("2011-05-31", 1)), "2011-04-01", replaces="Z1")],
            "2011-05-01",
            [("broken", 0), ("open", 0)],
        ),
    ],
)
def test_a_promise_is_kept_broken_or_renegotiated(
    events: list[Any], on: str, found: list[tuple[str, int]]
) -> None:
    assert status(events, on) == found


@pytest.mark.rule("PAY-09", "PAY-03")
def test_a_payment_booked_late_keeps_the_promise_it_was_made_for() -> None:
    """What becomes of a promise is a function of the facts, and names the day it was broken on."""
    [broken] = promises([promised(instalments=TWO)], day("2011-06-01"))
    assert broken.broken_on == day("2011-03-31")
    assert status([promised(), paid(on="2011-03-20")], "2011-06-01") == [("kept", 100_00)]


@pytest.mark.rule("PAY-09")
def test_a_promise_changes_no_due_date_and_no_grade() -> None:
    booked = [JANUARY, promised()]
    assert grade(booked, "2011-03-15") == grade([JANUARY], "2011-03-15") == ("B2", 43, 100_00)


# --- what the whole account says -------------------------------------------------------------


@pytest.mark.rule("PAY-03", "PAY-15")
@given(ACCOUNTS, st.dates(date(2009, 6, 1), date(2012, 3, 31)))
def test_the_statement_ends_with_what_allocation_says(booked: tuple[Any, ...], on: date) -> None:
    told = statement(placed(booked), on, DEFAULT)
    balances = [0, *(line["balance_fen"] for line in told["lines"])]
    assert balances[-1] == told["balance_fen"]
    allocation = allocate(Ledger.of(placed(booked)), on)
    owed = sum(fen for _, fen in (*allocation.unpaid, *allocation.late))
    assert told["balance_fen"] == owed - allocation.advance_fen
    assert [line["on"] for line in told["lines"]] == sorted(line["on"] for line in told["lines"])


@pytest.mark.rule("PAY-01")
def test_purchases_are_no_part_of_the_statement() -> None:
    told = statement(placed([JANUARY, bought(), paid()]), day("2011-12-31"), DEFAULT)
    assert [line["what"] for line in told["lines"]] == ["payment_received", "charge_raised"]
    assert [line["balance_fen"] for line in told["lines"]] == [-100_00, 0]
