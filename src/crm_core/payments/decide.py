"""Decisions about an account (PAY-01)."""

from __future__ import annotations

from typing import Any

from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.decider import Decider, Refusal, dispatch
from crm_core.kernel.money import FEN_MAX, yuan_from_fen
from crm_core.payments.commands import (
    CHARGE_KINDS,
    METHODS,
    AcceptMovedPayment,
    CancelCharge,
    MovePayment,
    RaiseCharge,
    ReceivePayment,
    RecordPurchase,
    RefundCredit,
    ReversePayment,
    WaiveCharge,
)
from crm_core.payments.events import (
    ChargeCancelled,
    ChargeRaised,
    ChargeWaived,
    CreditRefunded,
    PaymentMovedIn,
    PaymentMovedOut,
    PaymentReceived,
    PaymentReversed,
    PurchaseMade,
    PurchaseRefunded,
)
from crm_core.payments.ledger import Ledger, allocate
from crm_core.payments.state import Account

Decision = tuple[Any, ...] | Refusal

AMOUNT_FEN_MAX = 10**12
"""Largest single amount (ten thousand million yuan): sums of many still fit into 2^53."""

assert AMOUNT_FEN_MAX < FEN_MAX


# --- what follows from a command -------------------------------------------------------------


def _raise_charge(command: RaiseCharge, state: Account) -> Decision:
    if command.charge in state.charges:
        return _exists("charge", command.charge)
    if command.kind not in CHARGE_KINDS:
        return _unknown("charge_kind", command.kind, CHARGE_KINDS)
    if not 0 < command.amount_fen <= AMOUNT_FEN_MAX:
        return _amount(command.amount_fen)
    return (
        ChargeRaised(command.charge, command.kind, command.period, command.amount_fen, command.due),
    )


def _cancel_charge(command: CancelCharge, state: Account) -> Decision:
    if command.charge not in state.charges:
        return _missing("charge", command.charge)
    if command.charge in state.cancelled:
        return ()
    if not command.reason:
        return _no_reason()
    return (ChargeCancelled(command.charge, command.on, command.reason),)


def _receive_payment(command: ReceivePayment, state: Account) -> Decision:
    if command.payment in state.payments:
        return _exists("payment", command.payment)
    if not 0 < command.amount_fen <= AMOUNT_FEN_MAX:
        return _amount(command.amount_fen)
    if command.method not in METHODS:
        return _unknown("method", command.method, METHODS)
    named = command.charge
    if named is not None and named not in state.charges and not command.charge_follows:
        return _missing("charge", named)
    return (
        PaymentReceived(
            command.payment, command.amount_fen, command.paid_on, command.method, named
        ),
    )


def _reverse_payment(command: ReversePayment, state: Account) -> Decision:
    payment = state.payments.get(command.payment)
    if payment is None:
        return _missing("payment", command.payment)
    if command.payment in state.ended:
        return _ended(command.payment)
    if not command.reason:
        return _no_reason()
    if command.on < payment.paid_on:
        return Refusal(
            "reversed_before_paid",
            "PAY-01",
            f"payment `{command.payment}` was made on {payment.paid_on}, it cannot be reversed on"
            f" {command.on}",
        )
    return (PaymentReversed(command.payment, command.on, command.reason),)


def _move_payment(command: MovePayment, state: Account) -> Decision:
    payment = state.payments.get(command.payment)
    if payment is None:
        return _missing("payment", command.payment)
    if command.payment in state.ended:
        return _ended(command.payment)
    if command.to_household == command.household:
        return Refusal(
            "moved_to_itself", "PAY-01", "a payment is moved to another household, not to its own"
        )
    if not command.reason:
        return _no_reason()
    if command.refused_there is not None:
        return command.refused_there
    return (
        PaymentMovedOut(
            command.payment,
            command.to_household,
            payment.amount_fen,
            payment.paid_on,
            payment.method,
            command.reason,
        ),
    )


def _accept_moved(command: AcceptMovedPayment, state: Account) -> Decision:
    if command.payment in state.payments:
        return _exists("payment", command.payment)
    return (
        PaymentMovedIn(
            command.payment,
            command.from_household,
            command.amount_fen,
            command.paid_on,
            command.method,
            command.charge,
            command.reason,
        ),
    )


def _refund_credit(command: RefundCredit, state: Account) -> Decision:
    if _reference("refund", command.refund) in state.references:
        return _exists("refund", command.refund)
    if not 0 < command.amount_fen <= AMOUNT_FEN_MAX:
        return _amount(command.amount_fen)
    if not command.approver or not command.reason:
        return _no_approver()
    # Money refunded must be there on the day and stay there on every later day on record.
    book = ledger(state)
    free = min(
        allocate(book, day).advance_fen
        for day in {command.on, *(s.effective for s in book.settlements)}
        if day >= command.on
    )
    if command.amount_fen > free:
        return Refusal(
            "refund_exceeds_credit",
            "PAY-01",
            f"there is credit of {yuan_from_fen(max(free, 0))} yuan to refund, not"
            f" {yuan_from_fen(command.amount_fen)}",
            {"credit_fen": free},
        )
    return (
        CreditRefunded(
            command.refund, command.amount_fen, command.on, command.reason, command.approver
        ),
    )


def _waive_charge(command: WaiveCharge, state: Account) -> Decision:
    if _reference("waiver", command.waiver) in state.references:
        return _exists("waiver", command.waiver)
    if command.charge not in state.charges or command.charge in state.cancelled:
        return _missing("charge", command.charge)
    if not 0 < command.amount_fen <= AMOUNT_FEN_MAX:
        return _amount(command.amount_fen)
    if not command.approver or not command.reason:
        return _no_approver()
    book = ledger(state)
    latest = max([command.on, *(s.effective for s in book.settlements)])
    open_fen = min(
        {c.number: fen for c, fen in allocate(book, day).unpaid}.get(command.charge, 0)
        for day in (command.on, latest)
    )
    if command.amount_fen > open_fen:
        return Refusal(
            "waiver_exceeds_unpaid",
            "PAY-01",
            f"{yuan_from_fen(open_fen)} yuan of charge `{command.charge}` are unpaid, not"
            f" {yuan_from_fen(command.amount_fen)}",
            {"unpaid_fen": open_fen},
        )
    return (
        ChargeWaived(
            command.waiver,
            command.charge,
            command.amount_fen,
            command.on,
            command.write_off,
            command.reason,
            command.approver,
        ),
    )


def _record_purchase(command: RecordPurchase, state: Account) -> Decision:
    if _reference("purchase", command.purchase) in state.references:
        return _exists("purchase", command.purchase)
    fen = command.amount_fen
    if not 0 < abs(fen) <= AMOUNT_FEN_MAX:
        return _amount(fen)
    if fen > 0:
        return (PurchaseMade(command.purchase, command.service, fen, command.on),)
    return (PurchaseRefunded(command.purchase, command.service, -fen, command.on),)


_DECIDE: dict[type, Any] = {
    RaiseCharge: _raise_charge,
    CancelCharge: _cancel_charge,
    ReceivePayment: _receive_payment,
    ReversePayment: _reverse_payment,
    MovePayment: _move_payment,
    AcceptMovedPayment: _accept_moved,
    RefundCredit: _refund_credit,
    WaiveCharge: _waive_charge,
    RecordPurchase: _record_purchase,
}


def decide(command: Any, state: Account) -> Decision:
    """Events that follow from the command, or why not."""
    return _DECIDE[type(command)](command, state)  # type: ignore[no-any-return]


def ledger(state: Account) -> Ledger:
    """The ledger of everything booked so far."""
    return Ledger.of((event, 0) for event in state.facts.values())


# --- what follows from an event --------------------------------------------------------------


def _raised(s: Account, e: ChargeRaised) -> Account:
    facts = s.facts.append(e)
    charges = s.charges.add(e.charge, e)
    return Account(facts, charges, s.cancelled, s.payments, s.ended, s.references)


def _cancelled(s: Account, e: ChargeCancelled) -> Account:
    facts = s.facts.append(e)
    cancelled = s.cancelled.add(e.charge, True)
    return Account(facts, s.charges, cancelled, s.payments, s.ended, s.references)


def _paid(s: Account, e: PaymentReceived | PaymentMovedIn) -> Account:
    facts = s.facts.append(e)
    payments = s.payments.add(e.payment, e)
    return Account(facts, s.charges, s.cancelled, payments, s.ended, s.references)


def _unpaid(s: Account, e: PaymentReversed | PaymentMovedOut) -> Account:
    facts = s.facts.append(e)
    ended = s.ended.add(e.payment, True)
    return Account(facts, s.charges, s.cancelled, s.payments, ended, s.references)


def _refunded(s: Account, e: CreditRefunded) -> Account:
    return _referred(s, e, _reference("refund", e.refund))


def _waived(s: Account, e: ChargeWaived) -> Account:
    return _referred(s, e, _reference("waiver", e.waiver))


def _purchased(s: Account, e: PurchaseMade | PurchaseRefunded) -> Account:
    return _referred(s, e, _reference("purchase", e.purchase))


def _referred(s: Account, e: Any, reference: str) -> Account:
    facts = s.facts.append(e)
    references = s.references.add(reference, True)
    return Account(facts, s.charges, s.cancelled, s.payments, s.ended, references)


evolve = dispatch(
    {
        ChargeRaised: _raised,
        ChargeCancelled: _cancelled,
        PaymentReceived: _paid,
        PaymentMovedIn: _paid,
        PaymentReversed: _unpaid,
        PaymentMovedOut: _unpaid,
        CreditRefunded: _refunded,
        ChargeWaived: _waived,
        PurchaseMade: _purchased,
        PurchaseRefunded: _purchased,
    }
)


def _household(command: Any) -> str:
    return command.household  # type: ignore[no-any-return]


ACCOUNT = Aggregate(
    Decider("account", Account(), decide, evolve), tuple(_DECIDE), _household, _household
)


# --- refusals --------------------------------------------------------------------------------


def _reference(kind: str, number: str) -> str:
    return f"{kind}:{number}"


def _exists(what: str, number: str) -> Refusal:
    return Refusal(
        f"{what}_exists", "PAY-01", f"{what} `{number}` is booked already", {what: number}
    )


def _missing(what: str, number: str) -> Refusal:
    return Refusal(
        f"unknown_{what}", "PAY-01", f"the account has no {what} `{number}`", {what: number}
    )


def _ended(payment: str) -> Refusal:
    return Refusal("payment_ended", "PAY-01", f"payment `{payment}` was reversed or moved already")


def _unknown(what: str, value: str, known: tuple[str, ...]) -> Refusal:
    return Refusal(f"unknown_{what}", "PAY-01", f"`{value}` is not one of {', '.join(known)}")


def _amount(fen: int) -> Refusal:
    return Refusal(
        "amount_out_of_range",
        "PAY-01",
        f"{yuan_from_fen(fen)} yuan is not an amount above zero and up to"
        f" {yuan_from_fen(AMOUNT_FEN_MAX)}",
    )


def _no_reason() -> Refusal:
    return Refusal("reason_missing", "LOG-06", "a correction needs a reason")


def _no_approver() -> Refusal:
    return Refusal("approver_missing", "PAY-01", "it needs a reason and an approver")
