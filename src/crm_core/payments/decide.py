"""Decisions about an account (PAY-01)."""

from __future__ import annotations

from datetime import date
from typing import Any

from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.authority import Own
from crm_core.kernel.commands import reason_of
from crm_core.kernel.decider import Decider, Decision, Refusal, by_command
from crm_core.kernel.refusals import no_reason, unknown
from crm_core.kernel.tenures import ONE, Tenures
from crm_core.payments.allocation import allocate
from crm_core.payments.answers import (
    asked_of,
    decided,
    exists,
    missing,
    out_of_range,
    placed,
    reference,
)
from crm_core.payments.claims import (
    acknowledge,
    claim_late,
    decide_dispute,
    decide_instalments,
    dispute,
    promise,
    propose_dispute_decision,
    propose_instalments,
    withdraw_dispute,
)
from crm_core.payments.clauses import agree_clause, approve_rate, clauses, end_clause
from crm_core.payments.commands import (
    CHARGE_KINDS,
    METHODS,
    AcceptMovedPayment,
    AcknowledgeDebt,
    AgreeClause,
    ApproveRate,
    CancelCharge,
    ClaimLateCharge,
    DecideDispute,
    DecideInstalments,
    DecideRefund,
    DecideWaiver,
    DisputeCharge,
    EndClause,
    MovePayment,
    PromisePayment,
    ProposeDisputeDecision,
    ProposeInstalments,
    ProposeRefund,
    ProposeWaiver,
    RaiseCharge,
    ReceivePayment,
    RecordPurchase,
    ReversePayment,
    TakeBackWaiver,
    VoidPurchase,
    WithdrawDispute,
)
from crm_core.payments.events import (
    ChargeCancelled,
    ChargeCorrected,
    ChargeRaised,
    ChargeWaived,
    CreditRefunded,
    DisputeDecisionProposed,
    InstalmentsProposed,
    PaymentMovedIn,
    PaymentMovedOut,
    PaymentReceived,
    PaymentReversed,
    PurchaseMade,
    PurchaseRefunded,
    PurchaseVoided,
    RefundProposed,
    WaiverProposed,
    WaiverTakenBack,
)
from crm_core.payments.evolve import evolve
from crm_core.payments.ledger import ledgers, whose
from crm_core.payments.state import MOVED, Account, Proposal

# --- charges and payments --------------------------------------------------------------------


def _raise_charge(command: RaiseCharge, state: Account) -> Decision:
    if state.charge(command.charge) is not None:
        return exists("charge", command.charge)
    if command.kind not in CHARGE_KINDS:
        return unknown("charge_kind", command.kind, CHARGE_KINDS, rule="PAY-01")
    if command.amount_fen < 0 or command.corrects is not None:
        return _correct(command, state)
    if command.amount_fen and (refusal := out_of_range(command.amount_fen)):
        return refusal
    if command.debtor is not None and _tenures(command).of(command.debtor, command.due) is None:
        return Refusal("debtor_unknown", "PAY-16", {"debtor": command.debtor})
    return (
        ChargeRaised(
            charge=command.charge,
            kind=command.kind,
            period=command.period,
            amount_fen=command.amount_fen,
            due=command.due,
            debtor=command.debtor,
        ),
    )


def _correct(command: RaiseCharge, state: Account) -> Decision:
    """A negative bill takes off the charge it names what was never owed of it."""
    of, fen = command.corrects, -command.amount_fen
    if of is None:
        return Refusal("corrected_charge_missing", "PAY-01", {"amount_fen": command.amount_fen})
    if not isinstance(state.charge(of), ChargeRaised):
        return missing("charge", of)
    refusal = out_of_range(fen)
    if refusal is not None:
        return refusal
    left = asked_of(of, state)
    if fen > left:
        found = {"charge": of, "charge_fen": left, "amount_fen": fen}
        return Refusal("correction_exceeds_charge", "PAY-01", found)
    return (
        ChargeCorrected(
            charge=command.charge,
            of=of,
            kind=command.kind,
            period=command.period,
            amount_fen=fen,
            due=command.due,
        ),
    )


def _cancel_charge(command: CancelCharge, state: Account) -> Decision:
    if state.charge(command.charge) is None:
        # What is cancelled already is not cancelled again.
        known = (command.charge, 0) in state.charges
        return () if known else missing("charge", command.charge)
    if not command.reason.strip():
        return no_reason("LOG-06")
    return (ChargeCancelled(command.charge, command.on, command.reason),)


def _receive_payment(command: ReceivePayment, state: Account) -> Decision:
    if state.payment(command.payment) is not None:
        return exists("payment", command.payment)
    refusal = out_of_range(command.amount_fen)
    if refusal is not None:
        return refusal
    if command.method not in METHODS:
        return unknown("method", command.method, METHODS, rule="PAY-01")
    named = [part.charge for part in command.parts]
    if command.charge is not None and named:
        return Refusal("charges_named_twice", "PAY-01", {"charge": command.charge})
    if len(set(named)) < len(named) or any(part.amount_fen <= 0 for part in command.parts):
        return Refusal("parts_unfit", "PAY-01", {"charges": named})
    parts_fen = sum(part.amount_fen for part in command.parts)
    if parts_fen > command.amount_fen:
        found = {"parts_fen": parts_fen, "amount_fen": command.amount_fen}
        return Refusal("parts_exceed_payment", "PAY-01", found)
    for number in [command.charge, *named]:
        if number is not None and not state.asked(number) and not command.charge_follows:
            return missing("charge", number)
    payer, members = command.payer, command.members
    if payer is not None and members is not None and payer not in members:
        return Refusal("payer_unknown", "PAY-16", {"payer": payer})
    return (
        PaymentReceived(
            payment=command.payment,
            amount_fen=command.amount_fen,
            paid_on=command.paid_on,
            method=command.method,
            charge=command.charge,
            parts=command.parts,
            payer=command.payer,
        ),
    )


def _reverse_payment(command: ReversePayment, state: Account) -> Decision:
    payment = state.payment(command.payment)
    if payment is None:
        return _gone(command.payment, state)
    if not command.reason.strip():
        return no_reason("LOG-06")
    if command.on < payment.paid_on:
        days = {"paid_on": payment.paid_on.isoformat(), "on": command.on.isoformat()}
        return Refusal("reversed_before_paid", "PAY-01", {"payment": command.payment, **days})
    return (PaymentReversed(command.payment, command.on, command.reason),)


def _move_payment(command: MovePayment, state: Account) -> Decision:
    payment = state.payment(command.payment)
    if payment is None:
        return _gone(command.payment, state)
    if command.to_household == command.household:
        return Refusal("moved_to_itself", "PAY-01", {"household": command.household})
    if not command.reason.strip():
        return no_reason("LOG-06")
    if command.refused_there is not None:
        return command.refused_there
    return (
        PaymentMovedOut(
            payment=command.payment,
            to_household=command.to_household,
            amount_fen=payment.amount_fen,
            paid_on=payment.paid_on,
            method=payment.method,
            reason=command.reason,
        ),
    )


def _accept_moved(command: AcceptMovedPayment, state: Account) -> Decision:
    if not state.takes(command.payment):
        return exists("payment", command.payment)
    # What comes back names what it named before it left.
    number, times = state.stay(command.payment)
    before = state.payments.get((number, times - 1))
    if state.ended.get((number, times - 1)) != MOVED:
        before = None
    charge = command.charge if before is None else command.charge or before.charge
    return (
        PaymentMovedIn(
            payment=command.payment,
            from_household=command.from_household,
            amount_fen=command.amount_fen,
            paid_on=command.paid_on,
            method=command.method,
            charge=charge,
            reason=command.reason,
            parts=() if before is None else before.parts,
            payer=None if before is None else before.payer,
        ),
    )


def _record_purchase(command: RecordPurchase, state: Account) -> Decision:
    if state.purchase(command.purchase) is not None:
        return exists("purchase", command.purchase)
    fen = command.amount_fen
    refusal = out_of_range(abs(fen))
    if refusal is not None:
        return refusal
    if fen > 0:
        return (PurchaseMade(command.purchase, command.service, fen, command.on),)
    return (PurchaseRefunded(command.purchase, command.service, -fen, command.on),)


def _void_purchase(command: VoidPurchase, state: Account) -> Decision:
    purchase = state.purchase(command.purchase)
    if purchase is None:
        return ()
    if not command.reason.strip():
        return no_reason("LOG-06")
    return (PurchaseVoided(command.purchase, purchase.on, command.reason),)


# --- refunds and waivers: one proposes, another decides (LOG-08) -------------------------------


def _propose_refund(command: ProposeRefund, state: Account) -> Decision:
    if reference("refund", command.refund) in state.references:
        return exists("refund", command.refund)
    if not command.reason.strip():
        return no_reason("LOG-06")
    payee = command.payee
    if payee is not None and _tenures(command).of(payee, command.on) is None:
        return Refusal("payee_unknown", "PAY-16", {"payee": payee})
    return _not_refundable(command, command.amount_fen, payee, command.on, state) or (
        RefundProposed(
            refund=command.refund,
            amount_fen=command.amount_fen,
            on=command.on,
            reason=command.reason,
            proposed_by=command.by.id,
            payee=payee,
        ),
    )


def _decide_refund(command: DecideRefund, state: Account) -> Decision:
    def approve(proposal: RefundProposed) -> Decision:
        on = max(proposal.on, command.on)
        return _not_refundable(command, proposal.amount_fen, proposal.payee, on, state) or (
            CreditRefunded(
                refund=proposal.refund,
                amount_fen=proposal.amount_fen,
                on=on,
                reason=reason_of(command, proposal),
                proposed_by=proposal.proposed_by,
                approved_by=command.by.id,
                payee=proposal.payee,
            ),
        )

    return decided("refund", command.refund, command, state, approve)


def _not_refundable(
    command: ProposeRefund | DecideRefund,
    amount_fen: int,
    payee: str | None,
    on: date,
    state: Account,
) -> Refusal | None:
    """Why there is no such credit to pay back from a day on, if so."""
    refusal = out_of_range(amount_fen)
    if refusal is not None:
        return refusal
    # Money refunded must be there on the day and stay there on every later day on record.
    tenures = _tenures(command)
    book = ledgers(placed(state), tenures, command.epochs or ())[whose(tenures, payee, on)]
    days = book.turns() | {charge.due for charge in (*book.charges, *book.late)}
    free = min(allocate(book, day).advance_fen for day in {on, *days} if day >= on)
    if amount_fen <= free:
        return None
    found = {"credit_fen": max(free, 0), "amount_fen": amount_fen}
    return Refusal("refund_exceeds_credit", "PAY-01", found)


def _propose_waiver(command: ProposeWaiver, state: Account) -> Decision:
    if reference("waiver", command.waiver) in state.references:
        return exists("waiver", command.waiver)
    if not command.reason.strip():
        return no_reason("LOG-06")
    return _not_waivable(command, command.charge, command.amount_fen, command.on, state) or (
        WaiverProposed(
            waiver=command.waiver,
            charge=command.charge,
            amount_fen=command.amount_fen,
            on=command.on,
            write_off=command.write_off,
            reason=command.reason,
            proposed_by=command.by.id,
        ),
    )


def _decide_waiver(command: DecideWaiver, state: Account) -> Decision:
    def approve(proposal: WaiverProposed) -> Decision:
        on = max(proposal.on, command.on)
        return _not_waivable(command, proposal.charge, proposal.amount_fen, on, state) or (
            ChargeWaived(
                waiver=proposal.waiver,
                charge=proposal.charge,
                amount_fen=proposal.amount_fen,
                on=on,
                write_off=proposal.write_off,
                reason=reason_of(command, proposal),
                proposed_by=proposal.proposed_by,
                approved_by=command.by.id,
            ),
        )

    return decided("waiver", command.waiver, command, state, approve)


def _take_back_waiver(command: TakeBackWaiver, state: Account) -> Decision:
    waived = [
        event
        for event in state.facts.values()
        if isinstance(event, ChargeWaived) and event.waiver == command.waiver
    ]
    if not waived:
        return missing("waiver", command.waiver)
    if reference("waiver_taken_back", command.waiver) in state.references:
        return Refusal("waiver_taken_back", "PAY-01", {"waiver": command.waiver})
    if not command.reason.strip():
        return no_reason("LOG-06")
    if command.on < waived[0].on:
        days = {"waived_on": waived[0].on.isoformat(), "on": command.on.isoformat()}
        return Refusal("taken_back_before_waived", "PAY-01", {"waiver": command.waiver, **days})
    return (WaiverTakenBack(command.waiver, command.on, command.reason, command.by.id),)


def _not_waivable(
    command: ProposeWaiver | DecideWaiver, charge: str, amount_fen: int, on: date, state: Account
) -> Refusal | None:
    """Why so much of a charge cannot be given up from a day on, if so."""
    if not state.asks(charge):
        return missing("charge", charge)
    refusal = out_of_range(amount_fen)
    if refusal is not None:
        return refusal
    open_fen = (
        min(
            min(allocate(book, day).open_of(charge) for day in (on, max([on, *book.turns()])))
            for book in ledgers(placed(state), _tenures(command), command.epochs or ())
            if any(c.number == charge for c in (*book.charges, *book.late))
        )
        if asked_of(charge, state)
        else 0
    )
    if amount_fen <= open_fen:
        return None
    found = {"charge": charge, "unpaid_fen": open_fen, "amount_fen": amount_fen}
    return Refusal("waiver_exceeds_unpaid", "PAY-01", found)


def _tenures(command: Any) -> Tenures:
    """The tenures that were looked up, if they were."""
    return command.tenures or ONE


# --- the account as an aggregate -------------------------------------------------------------

_DECIDE: dict[type, Any] = {
    RaiseCharge: _raise_charge,
    CancelCharge: _cancel_charge,
    ReceivePayment: _receive_payment,
    ReversePayment: _reverse_payment,
    MovePayment: _move_payment,
    AcceptMovedPayment: _accept_moved,
    ProposeRefund: _propose_refund,
    DecideRefund: _decide_refund,
    ProposeWaiver: _propose_waiver,
    DecideWaiver: _decide_waiver,
    TakeBackWaiver: _take_back_waiver,
    RecordPurchase: _record_purchase,
    VoidPurchase: _void_purchase,
    DisputeCharge: dispute,
    ProposeDisputeDecision: propose_dispute_decision,
    DecideDispute: decide_dispute,
    WithdrawDispute: withdraw_dispute,
    PromisePayment: promise,
    ProposeInstalments: propose_instalments,
    DecideInstalments: decide_instalments,
    ClaimLateCharge: claim_late,
    AcknowledgeDebt: acknowledge,
    AgreeClause: agree_clause,
    EndClause: end_clause,
    ApproveRate: approve_rate,
}


def own(command: Any, state: Account) -> Own | None:
    """Whose proposal a command decides, and about how much; None if it decides none (LOG-08)."""
    match command:
        case DecideRefund():
            number = reference("refund", command.refund)
        case DecideWaiver():
            number = reference("waiver", command.waiver)
        case DecideDispute():
            number = reference("dispute_decision", command.dispute)
        case DecideInstalments():
            number = reference("promise", command.promise)
        case ApproveRate():
            return _own_clause(command.clause, state)
        case _:
            return None
    proposal = state.proposed.get(number)
    if proposal is None:
        return None
    return Own(proposal.proposed_by, amount_fen=_at_stake(proposal, state))


def _own_clause(number: str, state: Account) -> Own | None:
    found = (c for c in clauses(state.facts.values()) if c.number == number)
    return next((Own(clause.agreed.entered_by) for clause in found), None)


def _at_stake(proposal: Proposal, state: Account) -> int:
    if isinstance(proposal, DisputeDecisionProposed):
        # Whoever upholds nothing decides about all that is in dispute.
        return state.disputes[proposal.dispute].amount_fen
    if isinstance(proposal, InstalmentsProposed):
        return sum(part.amount_fen for part in proposal.instalments)
    return proposal.amount_fen


def _household(command: Any) -> str:
    return command.household  # type: ignore[no-any-return]


ACCOUNT = Aggregate(
    decider=Decider("account", Account(), by_command(_DECIDE), evolve),
    commands=tuple(_DECIDE),
    id_of=_household,
    household_of=_household,
    own=own,
    inside=frozenset({AcceptMovedPayment, VoidPurchase}),
)


def _gone(payment: str, state: Account) -> Refusal:
    if (payment, 0) not in state.payments:
        return missing("payment", payment)
    return Refusal("payment_ended", "PAY-01", {"payment": payment})
