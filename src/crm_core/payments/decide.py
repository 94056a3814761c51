"""Decisions about an account (PAY-01)."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import Any

from attrs import evolve as evolved

from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.decider import Decider, Refusal, dispatch
from crm_core.kernel.money import FEN_MAX, yuan_from_fen
from crm_core.payments.commands import (
    CHARGE_KINDS,
    METHODS,
    AcceptMovedPayment,
    AcknowledgeDebt,
    CancelCharge,
    ClaimLateCharge,
    DecideDispute,
    DisputeCharge,
    MovePayment,
    PromisePayment,
    RaiseCharge,
    ReceivePayment,
    RecordPurchase,
    RefundCredit,
    ReversePayment,
    WaiveCharge,
    WithdrawDispute,
)
from crm_core.payments.events import (
    ChargeCancelled,
    ChargeDisputed,
    ChargeRaised,
    ChargeWaived,
    CreditRefunded,
    DebtAcknowledged,
    DisputeDecided,
    DisputeWithdrawn,
    LateChargeClaimed,
    PaymentMovedIn,
    PaymentMovedOut,
    PaymentPromised,
    PaymentReceived,
    PaymentReversed,
    PurchaseMade,
    PurchaseRefunded,
)
from crm_core.payments.late import late_charges
from crm_core.payments.ledger import Ledger, allocate
from crm_core.payments.promises import open_promise, promises
from crm_core.payments.state import MOVED, REVERSED, Account, Claims

Decision = tuple[Any, ...] | Refusal

AMOUNT_FEN_MAX = 10**12
"""Largest single amount (ten thousand million yuan): sums of many still fit into 2^53."""

assert AMOUNT_FEN_MAX < FEN_MAX


# --- what follows from a command -------------------------------------------------------------


def _raise_charge(command: RaiseCharge, state: Account) -> Decision:
    if command.charge in state.charges or command.charge in state.late:
        return _exists("charge", command.charge)
    if command.kind not in CHARGE_KINDS:
        return _unknown("charge_kind", command.kind, CHARGE_KINDS)
    if not 0 < command.amount_fen <= AMOUNT_FEN_MAX:
        return _amount(command.amount_fen)
    return (
        ChargeRaised(command.charge, command.kind, command.period, command.amount_fen, command.due),
    )


def _cancel_charge(command: CancelCharge, state: Account) -> Decision:
    if command.charge not in state.charges and command.charge not in state.late:
        return _missing("charge", command.charge)
    if command.charge in state.cancelled:
        return ()
    if not command.reason:
        return _no_reason()
    return (ChargeCancelled(command.charge, command.on, command.reason),)


def _receive_payment(command: ReceivePayment, state: Account) -> Decision:
    if (command.payment, 0) in state.payments:
        return _exists("payment", command.payment)
    if not 0 < command.amount_fen <= AMOUNT_FEN_MAX:
        return _amount(command.amount_fen)
    if command.method not in METHODS:
        return _unknown("method", command.method, METHODS)
    named = command.charge
    known = named is None or named in state.charges or named in state.late
    if named is not None and not known and not command.charge_follows:
        return _missing("charge", named)
    return (
        PaymentReceived(
            command.payment, command.amount_fen, command.paid_on, command.method, named
        ),
    )


def _reverse_payment(command: ReversePayment, state: Account) -> Decision:
    payment = state.payment(command.payment)
    if payment is None:
        return _gone(command.payment, state)
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
    payment = state.payment(command.payment)
    if payment is None:
        return _gone(command.payment, state)
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
    if not state.takes(command.payment):
        return _exists("payment", command.payment)
    # What comes back names the charge that it named before it left.
    number, times = state.stay(command.payment)
    before = state.payments.get((number, times - 1))
    charge = command.charge if before is None else command.charge or before.charge
    return (
        PaymentMovedIn(
            command.payment,
            command.from_household,
            command.amount_fen,
            command.paid_on,
            command.method,
            charge,
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
    known = command.charge in state.charges or command.charge in state.late
    if not known or command.charge in state.cancelled:
        return _missing("charge", command.charge)
    if not 0 < command.amount_fen <= AMOUNT_FEN_MAX:
        return _amount(command.amount_fen)
    if not command.approver or not command.reason:
        return _no_approver()
    book = ledger(state)
    latest = max([command.on, *(s.effective for s in book.settlements)])
    open_fen = min(_open_of(command.charge, book, day) for day in (command.on, latest))
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


# --- disputes (PAY-06) -----------------------------------------------------------------------


def _dispute(command: DisputeCharge, state: Account) -> Decision:
    if command.dispute in state.disputes:
        return _exists("dispute", command.dispute)
    if command.charge not in state.charges or command.charge in state.cancelled:
        return _missing("charge", command.charge)
    if not command.reason:
        return _no_reason()
    under_way = (d.charge for n, d in state.disputes.items() if n not in state.decided)
    if command.charge in under_way:
        return Refusal("dispute_open", "PAY-06", f"charge `{command.charge}` is in dispute already")
    left = _principal(command.charge, state)
    if not 0 < command.amount_fen <= left:
        return Refusal(
            "dispute_exceeds_charge",
            "PAY-06",
            f"up to {yuan_from_fen(left)} yuan of charge `{command.charge}` can be disputed, not"
            f" {yuan_from_fen(command.amount_fen)}",
            {"charge_fen": left},
        )
    return (
        ChargeDisputed(
            command.dispute, command.charge, command.amount_fen, command.on, command.reason
        ),
    )


def _decide_dispute(command: DecideDispute, state: Account) -> Decision:
    refusal = _not_in_dispute(command.dispute, command.on, state)
    if refusal is not None:
        return refusal
    if not command.approver or not command.reason:
        return _no_approver()
    dispute = state.disputes[command.dispute]
    # What was waived is asked for no more, so it cannot be taken off a second time.
    waived = sum(
        event.amount_fen
        for event in state.facts.values()
        if isinstance(event, ChargeWaived) and event.charge == dispute.charge
    )
    most = max(min(dispute.amount_fen, _principal(dispute.charge, state) - waived), 0)
    if not 0 <= command.upheld_fen <= most:
        return Refusal(
            "upheld_exceeds_dispute",
            "PAY-06",
            f"from nothing up to {yuan_from_fen(most)} yuan can be upheld, not"
            f" {yuan_from_fen(command.upheld_fen)}",
            {"disputed_fen": most},
        )
    return (
        DisputeDecided(
            command.dispute, command.upheld_fen, command.on, command.reason, command.approver
        ),
    )


def _withdraw_dispute(command: WithdrawDispute, state: Account) -> Decision:
    refusal = _not_in_dispute(command.dispute, command.on, state)
    if refusal is not None:
        return refusal
    if not command.reason:
        return _no_reason()
    return (DisputeWithdrawn(command.dispute, command.on, command.reason),)


def _not_in_dispute(number: str, on: date, state: Account) -> Refusal | None:
    dispute = state.disputes.get(number)
    if dispute is None:
        return _missing("dispute", number)
    if number in state.decided:
        return Refusal("dispute_over", "PAY-06", f"dispute `{number}` was decided or withdrawn")
    if on < dispute.on:
        return Refusal(
            "dispute_ends_early",
            "PAY-06",
            f"dispute `{number}` began on {dispute.on}, it cannot end on {on}",
        )
    return None


def _principal(charge: str, state: Account) -> int:
    """What a charge comes to without what disputes took off it."""
    return next((c.amount_fen for c in ledger(state).charges if c.number == charge), 0)


# --- promises, late charges, acknowledgements (PAY-09, PAY-08, PAY-12) -------------------------


def _promise(command: PromisePayment, state: Account) -> Decision:
    if command.promise in state.promises:
        return _exists("promise", command.promise)
    days = [part.due for part in command.instalments]
    rising = all(before < after for before, after in pairwise(days))
    if not days or not rising or days[0] < command.on:
        return Refusal(
            "instalments_out_of_order",
            "PAY-09",
            "a promise has instalments on rising days, none before the promise itself",
        )
    for part in command.instalments:
        if not 0 < part.amount_fen <= AMOUNT_FEN_MAX:
            return _amount(part.amount_fen)
    if not command.taken_by or not command.reason:
        return _no_reason()
    if len(days) > 1 and not command.approver:
        return Refusal(
            "plan_unapproved", "PAY-09", "a plan of several instalments needs an approver"
        )
    before = command.replaces
    if before is not None:
        earlier = state.promises.get(before)
        if earlier is None or any(p.replaces == before for p in state.promises.values()):
            return _missing("promise", before)
        if command.on < earlier.on:
            return Refusal(
                "renegotiated_early", "PAY-09", f"promise `{before}` was made on {earlier.on}"
            )
    kept = open_promise(promises(state.facts.values(), command.on))
    if kept is not None and kept.promise.promise != before:
        return Refusal(
            "promise_open",
            "PAY-09",
            f"promise `{kept.promise.promise}` is being kept: renegotiate it, or await its end",
            {"promise": kept.promise.promise},
        )
    return (
        PaymentPromised(
            command.promise,
            command.instalments,
            command.on,
            command.taken_by,
            command.approver,
            before,
            command.reason,
        ),
    )


def _claim_late(command: ClaimLateCharge, state: Account) -> Decision:
    policy = command.policy
    assert policy is not None, "INVARIANT: the policy is looked up before deciding"
    if command.charge in state.charges or command.charge in state.late:
        return _exists("charge", command.charge)
    if command.of not in state.charges or command.of in state.cancelled:
        return _missing("charge", command.of)
    if not command.approver:
        return _no_approver()
    if command.due < command.on:
        return Refusal(
            "late_charge_due_early", "PAY-08", "a late charge falls due on its day or later"
        )
    found = {one.charge: one.amount_fen for one in late_charges(ledger(state), command.on, policy)}
    claimed = sum(
        late.amount_fen
        for number, late in state.late.items()
        if late.of == command.of and number not in state.cancelled
    )
    fen = found.get(command.of, 0) - claimed
    if fen <= 0:
        return Refusal(
            "no_late_charge",
            "PAY-08",
            f"by `{policy.ref}` nothing more has come together on charge `{command.of}`",
            {"claimed_fen": claimed},
        )
    return (
        LateChargeClaimed(
            command.charge,
            command.of,
            fen,
            command.on,
            command.due,
            policy.ref,
            command.approver,
        ),
    )


def _acknowledge(command: AcknowledgeDebt, state: Account) -> Decision:
    if _reference("acknowledgement", command.acknowledgement) in state.references:
        return _exists("acknowledgement", command.acknowledgement)
    for charge in command.charges:
        if charge not in state.charges or charge in state.cancelled:
            return _missing("charge", charge)
    if not command.document or not command.charges:
        return Refusal(
            "document_missing", "PAY-12", "an acknowledgement names charges and its document"
        )
    return (
        DebtAcknowledged(command.acknowledgement, command.charges, command.on, command.document),
    )


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
    DisputeCharge: _dispute,
    DecideDispute: _decide_dispute,
    WithdrawDispute: _withdraw_dispute,
    PromisePayment: _promise,
    ClaimLateCharge: _claim_late,
    AcknowledgeDebt: _acknowledge,
}


def decide(command: Any, state: Account) -> Decision:
    """Events that follow from the command, or why not."""
    return _DECIDE[type(command)](command, state)  # type: ignore[no-any-return]


def _open_of(charge: str, book: Ledger, day: date) -> int:
    """What is open of a charge, or of a late charge, at the end of a day."""
    found = allocate(book, day)
    return next((fen for c, fen in (*found.unpaid, *found.late) if c.number == charge), 0)


def ledger(state: Account) -> Ledger:
    """The ledger of everything booked so far."""
    return Ledger.of((event, 0) for event in state.facts.values())


# --- what follows from an event --------------------------------------------------------------


def _raised(s: Account, e: ChargeRaised) -> Account:
    facts = s.facts.append(e)
    charges = s.charges.add(e.charge, e)
    return Account(facts, charges, s.cancelled, s.payments, s.ended, s.references, s.claims)


def _cancelled(s: Account, e: ChargeCancelled) -> Account:
    facts = s.facts.append(e)
    cancelled = s.cancelled.add(e.charge, True)
    return Account(facts, s.charges, cancelled, s.payments, s.ended, s.references, s.claims)


def _paid(s: Account, e: PaymentReceived | PaymentMovedIn) -> Account:
    facts = s.facts.append(e)
    # Mostly no payment has ever left, and then every stay is the first.
    stay = s.stay(e.payment) if s.ended else (e.payment, 0)
    payments = s.payments.add(stay, e)
    return Account(facts, s.charges, s.cancelled, payments, s.ended, s.references, s.claims)


def _reversed(s: Account, e: PaymentReversed) -> Account:
    return _unpaid(s, e, REVERSED)


def _moved_out(s: Account, e: PaymentMovedOut) -> Account:
    return _unpaid(s, e, MOVED)


def _unpaid(s: Account, e: PaymentReversed | PaymentMovedOut, how: str) -> Account:
    facts = s.facts.append(e)
    stay = s.stay(e.payment)
    ended = s.ended.add(stay, how) if stay in s.payments else s.ended
    return Account(facts, s.charges, s.cancelled, s.payments, ended, s.references, s.claims)


def _refunded(s: Account, e: CreditRefunded) -> Account:
    return _referred(s, e, _reference("refund", e.refund))


def _waived(s: Account, e: ChargeWaived) -> Account:
    return _referred(s, e, _reference("waiver", e.waiver))


def _purchased(s: Account, e: PurchaseMade | PurchaseRefunded) -> Account:
    return _referred(s, e, _reference("purchase", e.purchase))


def _acknowledged(s: Account, e: DebtAcknowledged) -> Account:
    return _referred(s, e, _reference("acknowledgement", e.acknowledgement))


def _referred(s: Account, e: Any, reference: str) -> Account:
    facts = s.facts.append(e)
    references = s.references.add(reference, True)
    return Account(facts, s.charges, s.cancelled, s.payments, s.ended, references, s.claims)


def _disputed(s: Account, e: ChargeDisputed) -> Account:
    return _claiming(s, e, evolved(s.claims, disputes=s.disputes.add(e.dispute, e)))


def _settled(s: Account, e: DisputeDecided | DisputeWithdrawn) -> Account:
    return _claiming(s, e, evolved(s.claims, decided=s.decided.add(e.dispute, True)))


def _promised(s: Account, e: PaymentPromised) -> Account:
    return _claiming(s, e, evolved(s.claims, promises=s.promises.add(e.promise, e)))


def _claimed(s: Account, e: LateChargeClaimed) -> Account:
    return _claiming(s, e, evolved(s.claims, late=s.late.add(e.charge, e)))


def _claiming(s: Account, e: Any, claims: Claims) -> Account:
    facts = s.facts.append(e)
    return Account(facts, s.charges, s.cancelled, s.payments, s.ended, s.references, claims)


evolve = dispatch(
    {
        ChargeRaised: _raised,
        ChargeCancelled: _cancelled,
        PaymentReceived: _paid,
        PaymentMovedIn: _paid,
        PaymentReversed: _reversed,
        PaymentMovedOut: _moved_out,
        CreditRefunded: _refunded,
        ChargeWaived: _waived,
        PurchaseMade: _purchased,
        PurchaseRefunded: _purchased,
        ChargeDisputed: _disputed,
        DisputeDecided: _settled,
        DisputeWithdrawn: _settled,
        PaymentPromised: _promised,
        LateChargeClaimed: _claimed,
        DebtAcknowledged: _acknowledged,
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


def _gone(payment: str, state: Account) -> Refusal:
    if (payment, 0) not in state.payments:
        return _missing("payment", payment)
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
