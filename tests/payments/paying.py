"""Facts and commands of an account in few words, and what is booked or refused of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from attrs import evolve
from hypothesis import strategies as st

from crm_core.kernel.commands import given_by
from crm_core.kernel.decider import Refusal
from crm_core.kernel.recorded import Actor
from crm_core.payments import ACCOUNT, CreditPolicy, Ledger, allocate
from crm_core.payments.answers import AMOUNT_FEN_MAX
from crm_core.payments.commands import (
    AcceptMovedPayment,
    AgreeClause,
    CancelCharge,
    ClaimLateCharge,
    DecideRefund,
    DecideWaiver,
    MovePayment,
    ProposeRefund,
    ProposeWaiver,
    RaiseCharge,
    ReceivePayment,
    RecordPurchase,
    ReversePayment,
    TakeBackWaiver,
    VoidPurchase,
)
from crm_core.payments.credit import credit_standing
from crm_core.payments.events import (
    ChargeCancelled,
    ChargeCorrected,
    ChargeRaised,
    ChargeWaived,
    CreditRefunded,
    Part,
    PaymentMovedIn,
    PaymentMovedOut,
    PaymentReceived,
    PaymentReversed,
    ProposalRejected,
    PurchaseMade,
    PurchaseRefunded,
    PurchaseVoided,
    RefundProposed,
    WaiverProposed,
    WaiverTakenBack,
)
from crm_core.payments.late import LateChargePolicy
from crm_core.slices import shipped
from crm_core.testing.strategies import histories
from crm_core.testing.strategies.dealings import Estate, estates
from crm_core.testing.strategies.payments import account_commands, account_openings, account_stories

CLERK, FINANCE = Actor("S1", "specialist"), Actor("F1", "finance")
MANAGER = Actor("M1", "manager")
ANY_DAY = date(2011, 6, 30)
DEFAULT = shipped().find(CreditPolicy, "credit-cn-default", ANY_DAY)
DAILY = shipped().find(LateChargePolicy, "late-charge-daily", ANY_DAY)
TABLES = [
    shipped().find(CreditPolicy, name, ANY_DAY)
    for name in (
        "credit-cn-default",
        "credit-ageing-30",
        "credit-months",
        "credit-amount-in-months-of-fee",
    )
]


def booked_for_v1(estate: Estate) -> tuple[Any, ...]:
    """What is booked on the account of V1, without what other households move to it."""
    events: list[Any] = []
    state = ACCOUNT.decider.initial
    for entry in estate.entries:
        if isinstance(entry.command, ACCOUNT.commands) and entry.command.household == "V1":
            command = given_by(entry.command, entry.by)
            if isinstance(command, ClaimLateCharge):
                command = evolve(command, policy=DAILY)
            elif isinstance(command, AgreeClause):
                command = evolve(command, known_policies=(DAILY.ref.name,))
            decided = ACCOUNT.decider.decide(command, state)
            if not isinstance(decided, Refusal):
                events.extend(decided)
                state = ACCOUNT.decider.fold(decided, state)
    return tuple(events)


ACCOUNTS = st.one_of(
    estates(2011, households_max=2).map(booked_for_v1),
    histories(
        ACCOUNT, account_commands(), opening=account_openings() | account_stories(), max_size=18
    ).map(lambda told: told.events),
)
"""Events of one account: likely stories, and unlikely ones."""


def day(text: str) -> date:
    return date.fromisoformat(text)


# --- facts in few words ----------------------------------------------------------------------


def raised(number: str = "C1", due: str = "2011-01-31", fen: int = 100_00) -> ChargeRaised:
    return ChargeRaised(number, "management_fee", due[:7], fen, day(due), None)


def paid(
    number: str = "P1", on: str = "2011-01-20", fen: int = 100_00, charge: str | None = None
) -> PaymentReceived:
    return PaymentReceived(number, fen, day(on), "wechat", charge, (), None)


def reversed_(number: str = "P1", on: str = "2011-02-10") -> PaymentReversed:
    return PaymentReversed(number, day(on), "bounced")


def moved_out(number: str = "P1", on: str = "2011-01-20", fen: int = 100_00) -> PaymentMovedOut:
    return PaymentMovedOut(number, "V2", fen, day(on), "wechat", "wrong room")


def moved_in(number: str = "P1", on: str = "2011-01-20", fen: int = 100_00) -> PaymentMovedIn:
    return PaymentMovedIn(number, "V2", fen, day(on), "wechat", None, "wrong room", (), None)


def waiver_proposed(
    number: str = "W1", charge: str = "C1", fen: int = 100_00, **other: Any
) -> WaiverProposed:
    fields = {"on": day("2011-02-15"), "write_off": False, "reason": "hardship", **other}
    return WaiverProposed(number, charge, fen, **fields, proposed_by="S1")


def waived(number: str = "W1", charge: str = "C1", fen: int = 100_00, **other: Any) -> ChargeWaived:
    fields = {"on": day("2011-02-15"), "write_off": False, "reason": "hardship", **other}
    return ChargeWaived(number, charge, fen, **fields, proposed_by="S1", approved_by="M1")


def refund_proposed(
    number: str = "F1", fen: int = 100_00, on: str = "2011-02-15"
) -> RefundProposed:
    return RefundProposed(number, fen, day(on), "moved away", "S1", None)


def refunded(number: str = "F1", fen: int = 100_00, on: str = "2011-02-15") -> CreditRefunded:
    return CreditRefunded(number, fen, day(on), "moved away", "S1", "M1", None)


def rejected(what: str, number: str, on: str = "2011-02-15") -> ProposalRejected:
    return ProposalRejected(what, number, day(on), "not a case for it", "M1")


def cancelled(number: str = "C1") -> ChargeCancelled:
    return ChargeCancelled(number, day("2011-02-01"), "raised twice")


def corrected(number: str = "K1", of: str = "C1", fen: int = 30_00) -> ChargeCorrected:
    return ChargeCorrected(number, of, "management_fee", "2011-01", fen, day("2011-02-28"))


def taken_back(number: str = "W1", on: str = "2011-03-15") -> WaiverTakenBack:
    return WaiverTakenBack(number, day(on), "granted by mistake", "M2")


def bought(number: str = "B1", fen: int = 100_00) -> PurchaseMade:
    return PurchaseMade(number, "cleaning", fen, ANY_DAY)


def purchase_void(number: str = "B1") -> PurchaseVoided:
    return PurchaseVoided(number, ANY_DAY, "of another month")


# --- the same as commands to household V1 ----------------------------------------------------


def charge_it(number: str = "C1", **other: Any) -> RaiseCharge:
    fields = {"kind": "management_fee", "period": "2011-01", "amount_fen": 100_00}
    return RaiseCharge("V1", number, **{**fields, "due": day("2011-01-31"), **other})


def credit_note(number: str = "K1", **other: Any) -> RaiseCharge:
    fields = {"amount_fen": -30_00, "due": day("2011-02-28"), "corrects": "C1", **other}
    return charge_it(number, **fields)


def take_back(
    number: str = "W1", on: str = "2011-03-15", reason: str = "granted by mistake"
) -> TakeBackWaiver:
    return TakeBackWaiver("V1", number, day(on), reason, by=Actor("M2", "manager"))


def pay(number: str = "P1", **other: Any) -> ReceivePayment:
    fields = {"amount_fen": 100_00, "paid_on": day("2011-01-20"), "method": "wechat"}
    return ReceivePayment("V1", number, **{**fields, **other})


def reverse(number: str = "P1", on: str = "2011-02-10", reason: str = "bounced") -> ReversePayment:
    return ReversePayment("V1", number, day(on), reason)


def move(number: str = "P1", to: str = "V2", **other: Any) -> MovePayment:
    return MovePayment("V1", number, to, **{"reason": "wrong room", **other})


def accept_moved(number: str = "P1") -> AcceptMovedPayment:
    return AcceptMovedPayment("V1", number, "V2", 100_00, day("2011-01-20"), "wechat", "wrong room")


def refund(number: str = "F1", fen: int = 100_00, **other: Any) -> ProposeRefund:
    fields = {"on": day("2011-02-15"), "reason": "moved away", "by": CLERK}
    return ProposeRefund("V1", number, fen, **{**fields, **other})


def decide_refund(number: str = "F1", approved: bool = True, **other: Any) -> DecideRefund:
    fields = {"on": day("2011-02-15"), "by": MANAGER, **other}
    return DecideRefund("V1", number, approved, **fields)


def waive(number: str = "W1", charge: str = "C1", fen: int = 100_00, **other: Any) -> ProposeWaiver:
    fields = {"on": day("2011-02-15"), "reason": "hardship", "by": CLERK}
    return ProposeWaiver("V1", number, charge, fen, **{**fields, **other})


def decide_waiver(number: str = "W1", approved: bool = True, **other: Any) -> DecideWaiver:
    fields = {"on": day("2011-02-15"), "by": MANAGER, **other}
    return DecideWaiver("V1", number, approved, **fields)


def cancel(number: str = "C1", reason: str = "raised twice") -> CancelCharge:
    return CancelCharge("V1", number, day("2011-02-01"), reason)


def buy(number: str = "B1", fen: int = 100_00, on: str = "2011-06-30") -> RecordPurchase:
    return RecordPurchase("V1", number, "cleaning", fen, day(on))


# --- what is booked and what is refused ------------------------------------------------------

BOOKED: list[tuple[list[Any], Any, Any]] = [
    ([], charge_it(), raised()),
    ([raised()], cancel(), cancelled()),
    ([raised()], pay(charge="C1"), paid(charge="C1")),
    ([], pay(), paid()),
    # A bill of nothing; one of less than nothing corrects the bill it names.
    ([], charge_it(amount_fen=0), raised(fen=0)),
    ([raised()], credit_note(), corrected()),
    ([raised(), corrected()], credit_note("K2", amount_fen=-70_00), corrected("K2", fen=70_00)),
    ([raised(), corrected()], cancel("K1"), cancelled("K1")),
    # Numbers of what is no more can be used again.
    ([raised(), cancelled()], charge_it(), raised()),
    ([raised(), corrected(), cancelled("K1")], credit_note(), corrected()),
    ([paid(), reversed_()], pay(), paid()),
    ([paid(), reversed_()], accept_moved(), moved_in()),
    # One transfer for two charges, the rest for none.
    (
        [raised(), raised("C2")],
        pay(parts=(Part("C1", 30_00), Part("C2", 60_00))),
        evolve(paid(), parts=(Part("C1", 30_00), Part("C2", 60_00))),
    ),
    # What was bought by mistake never was, and its number is free again.
    ([bought()], VoidPurchase("V1", "B1", "of another month"), purchase_void()),
    ([bought(), purchase_void()], buy(), bought()),
    ([], pay(payer="V1#owner"), evolve(paid(), payer="V1#owner")),
    # The payer pays a bill that was cancelled meanwhile.
    ([raised(), cancelled()], pay(charge="C1"), paid(charge="C1")),
    ([raised(), waived()], take_back(), taken_back()),
    ([], pay(charge="C9", charge_follows=True), paid(charge="C9")),
    ([paid()], reverse(), reversed_()),
    ([paid()], reverse(on="2011-01-20"), reversed_(on="2011-01-20")),
    ([paid(charge="C1")], move(), moved_out()),
    ([], accept_moved(), moved_in()),
    ([moved_in()], move(), moved_out()),
    ([moved_in()], reverse(), reversed_()),
    ([paid()], refund(), refund_proposed()),
    ([paid(), refund_proposed()], decide_refund(), refunded()),
    (
        [paid(), refund_proposed()],
        decide_refund(approved=False, reason="not a case for it"),
        rejected("refund", "F1"),
    ),
    ([paid(fen=2), refunded(fen=1)], refund("F2", fen=1), refund_proposed("F2", fen=1)),
    ([raised()], waive(), waiver_proposed()),
    ([raised(), waiver_proposed()], decide_waiver(), waived()),
    (
        [raised(), waiver_proposed()],
        decide_waiver(approved=False, reason="not a case for it"),
        rejected("waiver", "W1"),
    ),
    ([raised()], waive(write_off=True), waiver_proposed(write_off=True)),
    ([raised(), waiver_proposed(write_off=True)], decide_waiver(), waived(write_off=True)),
    # It counts from its decision on, or from its own day if that is later; who decides may say why.
    (
        [raised(), waiver_proposed()],
        decide_waiver(on=day("2011-02-20")),
        waived(on=day("2011-02-20")),
    ),
    ([raised(), waiver_proposed()], decide_waiver(on=day("2011-02-10")), waived()),
    ([raised(), waiver_proposed()], decide_waiver(reason="agreed"), waived(reason="agreed")),
    (
        [paid(), refund_proposed()],
        decide_refund(on=day("2011-02-20")),
        refunded(on="2011-02-20"),
    ),
    # What was rejected can be proposed anew under another number.
    (
        [raised(), waiver_proposed(), rejected("waiver", "W1")],
        waive("W2"),
        waiver_proposed("W2"),
    ),
    ([], buy(), bought()),
    ([bought()], buy("B2", -1), PurchaseRefunded("B2", "cleaning", 1, ANY_DAY)),
]

TOO_MUCH = AMOUNT_FEN_MAX + 1

REFUSED: list[tuple[list[Any], Any, str, str]] = [
    ([raised()], charge_it(), "charge_exists", "PAY-01"),
    ([], charge_it(kind="gift"), "unknown_charge_kind", "PAY-01"),
    ([], charge_it(amount_fen=-1), "corrected_charge_missing", "PAY-01"),
    ([], credit_note(), "unknown_charge", "PAY-01"),
    ([raised(), corrected()], credit_note("K2", corrects="K1"), "unknown_charge", "PAY-01"),
    ([raised()], credit_note(amount_fen=30_00), "amount_out_of_range", "PAY-01"),
    ([raised()], credit_note(amount_fen=-100_01), "correction_exceeds_charge", "PAY-01"),
    (
        [raised(), corrected()],
        credit_note("K2", amount_fen=-70_01),
        "correction_exceeds_charge",
        "PAY-01",
    ),
    ([raised(), corrected()], credit_note(), "charge_exists", "PAY-01"),
    ([], charge_it(debtor="V1#nobody"), "debtor_unknown", "PAY-16"),
    ([], charge_it(amount_fen=TOO_MUCH), "amount_out_of_range", "PAY-01"),
    ([], cancel(), "unknown_charge", "PAY-01"),
    ([raised()], cancel(reason=""), "reason_missing", "LOG-06"),
    ([paid()], pay(), "payment_exists", "PAY-01"),
    ([moved_in()], pay(), "payment_exists", "PAY-01"),
    ([], pay(amount_fen=0), "amount_out_of_range", "PAY-01"),
    ([], pay(amount_fen=-1), "amount_out_of_range", "PAY-01"),
    ([], pay(amount_fen=TOO_MUCH), "amount_out_of_range", "PAY-01"),
    ([], pay(method="shells"), "unknown_method", "PAY-01"),
    ([], pay(charge="C9"), "unknown_charge", "PAY-01"),
    ([raised()], pay(parts=(Part("C9", 1),)), "unknown_charge", "PAY-01"),
    ([raised(), corrected()], pay(charge="K1"), "unknown_charge", "PAY-01"),
    ([raised()], pay(charge="C1", parts=(Part("C1", 1),)), "charges_named_twice", "PAY-01"),
    ([raised()], pay(parts=(Part("C1", 1), Part("C1", 2))), "parts_unfit", "PAY-01"),
    ([raised()], pay(parts=(Part("C1", 0),)), "parts_unfit", "PAY-01"),
    ([raised()], pay(parts=(Part("C1", 100_01),)), "parts_exceed_payment", "PAY-01"),
    (
        [],
        pay(payer="V1#nobody", members=frozenset({"V1#owner"})),
        "payer_unknown",
        "PAY-16",
    ),
    ([paid()], refund(payee="V1#nobody"), "payee_unknown", "PAY-16"),
    ([raised()], take_back(), "unknown_waiver", "PAY-01"),
    ([raised(), waiver_proposed()], take_back(), "unknown_waiver", "PAY-01"),
    ([raised(), waived(), taken_back()], take_back(), "waiver_taken_back", "PAY-01"),
    ([raised(), waived()], take_back(reason=""), "reason_missing", "LOG-06"),
    ([raised(), waived()], take_back(on="2011-02-14"), "taken_back_before_waived", "PAY-01"),
    ([], reverse(), "unknown_payment", "PAY-01"),
    ([paid(), reversed_()], reverse(), "payment_ended", "PAY-01"),
    ([paid(), moved_out()], reverse(), "payment_ended", "PAY-01"),
    ([paid()], reverse(reason=""), "reason_missing", "LOG-06"),
    ([paid()], reverse(on="2011-01-19"), "reversed_before_paid", "PAY-01"),
    ([], move(), "unknown_payment", "PAY-01"),
    ([paid(), moved_out()], move(), "payment_ended", "PAY-01"),
    ([paid(), reversed_()], move(), "payment_ended", "PAY-01"),
    ([paid()], move(to="V1"), "moved_to_itself", "PAY-01"),
    ([paid()], move(reason=""), "reason_missing", "LOG-06"),
    ([paid()], move(refused_there=Refusal("no", "OWN-01", "not there")), "no", "OWN-01"),
    ([paid()], accept_moved(), "payment_exists", "PAY-01"),
    ([paid("P1", fen=2), refunded(fen=1)], refund(fen=1), "refund_exists", "PAY-01"),
    ([paid()], refund(fen=0), "amount_out_of_range", "PAY-01"),
    ([paid()], refund(fen=TOO_MUCH), "amount_out_of_range", "PAY-01"),
    ([paid()], refund(reason=""), "reason_missing", "LOG-06"),
    ([paid(), refund_proposed()], refund(), "refund_exists", "PAY-01"),
    ([paid(), refund_proposed(), rejected("refund", "F1")], refund(), "refund_exists", "PAY-01"),
    ([paid()], decide_refund(), "unknown_proposal", "PAY-01"),
    ([paid(), refund_proposed(), refunded()], decide_refund(), "unknown_proposal", "PAY-01"),
    (
        [paid(), refund_proposed(), rejected("refund", "F1")],
        decide_refund(),
        "unknown_proposal",
        "PAY-01",
    ),
    ([paid(), refund_proposed()], decide_refund(approved=False), "reason_missing", "LOG-06"),
    ([], refund(fen=1), "refund_exceeds_credit", "PAY-01"),
    ([paid()], refund(fen=100_01), "refund_exceeds_credit", "PAY-01"),
    ([raised(), paid()], refund(fen=1), "refund_exceeds_credit", "PAY-01"),
    ([paid(on="2011-02-16")], refund(fen=1), "refund_exceeds_credit", "PAY-01"),
    ([paid(), reversed_(on="2011-05-01")], refund(fen=1), "refund_exceeds_credit", "PAY-01"),
    # A decision looks at the account as it is then.
    ([paid(), refund_proposed(), raised()], decide_refund(), "refund_exceeds_credit", "PAY-01"),
    ([paid(), refund_proposed(), reversed_()], decide_refund(), "refund_exceeds_credit", "PAY-01"),
    (
        [paid(), refund_proposed(), refunded("F2", fen=1)],
        decide_refund(),
        "refund_exceeds_credit",
        "PAY-01",
    ),
    ([raised(), waived(fen=1)], waive(fen=1), "waiver_exists", "PAY-01"),
    ([], waive(), "unknown_charge", "PAY-01"),
    ([raised(), cancelled()], waive(), "unknown_charge", "PAY-01"),
    ([raised()], waive(fen=0), "amount_out_of_range", "PAY-01"),
    ([raised()], waive(fen=TOO_MUCH), "amount_out_of_range", "PAY-01"),
    ([raised()], waive(reason=""), "reason_missing", "LOG-06"),
    ([raised(), waiver_proposed()], waive(), "waiver_exists", "PAY-01"),
    ([raised(), waiver_proposed(), rejected("waiver", "W1")], waive(), "waiver_exists", "PAY-01"),
    ([raised()], decide_waiver(), "unknown_proposal", "PAY-01"),
    ([raised(), waiver_proposed(), waived()], decide_waiver(), "unknown_proposal", "PAY-01"),
    ([raised(), waiver_proposed()], decide_waiver("W2"), "unknown_proposal", "PAY-01"),
    (
        [raised(), waiver_proposed(), rejected("waiver", "W1")],
        decide_waiver(),
        "unknown_proposal",
        "PAY-01",
    ),
    ([raised(), waiver_proposed()], decide_waiver(approved=False), "reason_missing", "LOG-06"),
    # A decision looks at the account as it is then.
    ([raised(), waiver_proposed(), paid()], decide_waiver(), "waiver_exceeds_unpaid", "PAY-01"),
    (
        [raised(), waiver_proposed(), waived("W2", fen=1)],
        decide_waiver(),
        "waiver_exceeds_unpaid",
        "PAY-01",
    ),
    ([raised(), waiver_proposed(), cancelled()], decide_waiver(), "unknown_charge", "PAY-01"),
    ([raised()], waive(fen=100_01), "waiver_exceeds_unpaid", "PAY-01"),
    ([raised(), paid(fen=1)], waive(fen=100_00), "waiver_exceeds_unpaid", "PAY-01"),
    ([raised(), waived(fen=1)], waive("W2"), "waiver_exceeds_unpaid", "PAY-01"),
    ([raised(), paid(on="2011-02-16")], waive(fen=1), "waiver_exceeds_unpaid", "PAY-01"),
    ([bought()], buy(), "purchase_exists", "PAY-01"),
    ([bought()], buy(fen=-1), "purchase_exists", "PAY-01"),
    ([], buy(fen=0), "amount_out_of_range", "PAY-01"),
    ([], buy(fen=TOO_MUCH), "amount_out_of_range", "PAY-01"),
    ([], buy(fen=-TOO_MUCH), "amount_out_of_range", "PAY-01"),
]


def unpaid(events: Sequence[Any], on: str) -> dict[str, int]:
    return {c.number: fen for c, fen in allocate(Ledger.of(placed(events)), day(on)).unpaid}


def advance(events: Sequence[Any], on: str) -> int:
    return allocate(Ledger.of(placed(events)), day(on)).advance_fen


def grade(events: Sequence[Any], on: str) -> tuple[str, int, int]:
    now = credit_standing(Ledger.of(placed(events)), day(on), DEFAULT)
    return now.grade, now.overdue_days, now.overdue_fen


def placed(events: Sequence[Any]) -> Iterator[tuple[Any, int]]:
    return ((event, position) for position, event in enumerate(events, 1))


JANUARY = raised("C1", "2011-01-31")
FEBRUARY = raised("C2", "2011-02-28")
MARCH = raised("C3", "2011-03-31")
