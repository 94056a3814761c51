"""What an event changes in an account. What is only proposed changes no fact (LOG-08)."""

from __future__ import annotations

from typing import Any

from attrs import evolve as evolved

from crm_core.kernel.decider import Evolve, by_event
from crm_core.payments.answers import reference
from crm_core.payments.events import (
    ChargeCancelled,
    ChargeCorrected,
    ChargeDisputed,
    ChargeRaised,
    ChargeWaived,
    ClauseAgreed,
    ClauseEnded,
    CreditRefunded,
    DebtAcknowledged,
    DisputeDecided,
    DisputeDecisionProposed,
    DisputeWithdrawn,
    InstalmentsProposed,
    LateChargeClaimed,
    PaymentMovedIn,
    PaymentMovedOut,
    PaymentPromised,
    PaymentReceived,
    PaymentReversed,
    ProposalRejected,
    PurchaseMade,
    PurchaseRefunded,
    PurchaseVoided,
    RateApproved,
    RefundProposed,
    WaiverProposed,
    WaiverTakenBack,
)
from crm_core.payments.state import MOVED, REVERSED, Account, Bought, Claims, Proposal


def _raised(s: Account, e: ChargeRaised | ChargeCorrected) -> Account:
    facts = s.facts.append(e)
    charges = s.charges.add(s.billed(e.charge), e)
    return Account(
        facts, charges, s.cancelled, s.payments, s.ended, s.references, s.claims, s.bought
    )


def _cancelled(s: Account, e: ChargeCancelled) -> Account:
    facts = s.facts.append(e)
    stay = s.billed(e.charge)
    cancelled = s.cancelled.add(stay, True) if stay in s.charges else s.cancelled
    return Account(
        facts, s.charges, cancelled, s.payments, s.ended, s.references, s.claims, s.bought
    )


def _paid(s: Account, e: PaymentReceived | PaymentMovedIn) -> Account:
    facts = s.facts.append(e)
    # Mostly no payment has ever left, and then every stay is the first.
    stay = s.stay(e.payment) if s.ended else (e.payment, 0)
    payments = s.payments.add(stay, e)
    return Account(
        facts, s.charges, s.cancelled, payments, s.ended, s.references, s.claims, s.bought
    )


def _reversed(s: Account, e: PaymentReversed) -> Account:
    return _unpaid(s, e, REVERSED)


def _moved_out(s: Account, e: PaymentMovedOut) -> Account:
    return _unpaid(s, e, MOVED)


def _unpaid(s: Account, e: PaymentReversed | PaymentMovedOut, how: str) -> Account:
    facts = s.facts.append(e)
    stay = s.stay(e.payment)
    ended = s.ended.add(stay, how) if stay in s.payments else s.ended
    return Account(
        facts, s.charges, s.cancelled, s.payments, ended, s.references, s.claims, s.bought
    )


def _refunded(s: Account, e: CreditRefunded) -> Account:
    return _referred(s, e, reference("refund", e.refund))


def _waived(s: Account, e: ChargeWaived) -> Account:
    return _referred(s, e, reference("waiver", e.waiver))


def _taken_back(s: Account, e: WaiverTakenBack) -> Account:
    return _referred(s, e, reference("waiver_taken_back", e.waiver))


def _purchased(s: Account, e: PurchaseMade | PurchaseRefunded) -> Account:
    bought = s.bought
    made = bought.made.add(bought.stay(e.purchase), e)
    return _buying(s, e, Bought(made, bought.voided))


def _purchase_voided(s: Account, e: PurchaseVoided) -> Account:
    bought = s.bought
    stay = bought.stay(e.purchase)
    voided = bought.voided.add(stay, True) if stay in bought.made else bought.voided
    return _buying(s, e, Bought(bought.made, voided))


def _buying(s: Account, e: Any, bought: Bought) -> Account:
    facts = s.facts.append(e)
    return Account(
        facts, s.charges, s.cancelled, s.payments, s.ended, s.references, s.claims, bought
    )


def _acknowledged(s: Account, e: DebtAcknowledged) -> Account:
    return _referred(s, e, reference("acknowledgement", e.acknowledgement))


def _agreed(s: Account, e: ClauseAgreed) -> Account:
    return _referred(s, e, reference("clause", e.clause))


def _of_clause(s: Account, e: ClauseEnded | RateApproved) -> Account:
    return _claiming(s, e, s.claims)


def _referred(s: Account, e: Any, number: str) -> Account:
    facts = s.facts.append(e)
    references = s.references.add(number, True)
    claims = _closed(s.claims, number)
    return Account(facts, s.charges, s.cancelled, s.payments, s.ended, references, claims, s.bought)


# --- claims ----------------------------------------------------------------------------------


def _disputed(s: Account, e: ChargeDisputed) -> Account:
    return _claiming(s, e, evolved(s.claims, disputes=s.disputes.add(e.dispute, e)))


def _settled(s: Account, e: DisputeDecided | DisputeWithdrawn) -> Account:
    # Withdrawn, there is nothing left to decide, whatever is proposed.
    claims = _closed(s.claims, reference("dispute_decision", e.dispute))
    return _claiming(s, e, evolved(claims, decided=s.decided.add(e.dispute, True)))


def _promised(s: Account, e: PaymentPromised) -> Account:
    claims = _closed(s.claims, reference("promise", e.promise))
    return _claiming(s, e, evolved(claims, promises=s.promises.add(e.promise, e)))


def _claimed(s: Account, e: LateChargeClaimed) -> Account:
    charges = s.charges.add(s.billed(e.charge), e)
    facts = s.facts.append(e)
    return Account(
        facts, charges, s.cancelled, s.payments, s.ended, s.references, s.claims, s.bought
    )


def _claiming(s: Account, e: Any, claims: Claims) -> Account:
    facts = s.facts.append(e)
    return Account(
        facts, s.charges, s.cancelled, s.payments, s.ended, s.references, claims, s.bought
    )


# --- proposals -------------------------------------------------------------------------------


def _refund_proposed(s: Account, e: RefundProposed) -> Account:
    return _proposed(s, e, reference("refund", e.refund))


def _waiver_proposed(s: Account, e: WaiverProposed) -> Account:
    return _proposed(s, e, reference("waiver", e.waiver))


def _instalments_proposed(s: Account, e: InstalmentsProposed) -> Account:
    return _proposed(s, e, reference("promise", e.promise))


def _decision_proposed(s: Account, e: DisputeDecisionProposed) -> Account:
    return _proposed(s, e, reference("dispute_decision", e.dispute))


def _proposed(s: Account, e: Proposal, number: str) -> Account:
    references = s.references.add(number, True)
    claims = evolved(s.claims, proposed={**s.proposed, number: e})
    return Account(
        s.facts, s.charges, s.cancelled, s.payments, s.ended, references, claims, s.bought
    )


def _rejected(s: Account, e: ProposalRejected) -> Account:
    claims = _closed(s.claims, reference(e.what, e.number))
    return Account(
        s.facts, s.charges, s.cancelled, s.payments, s.ended, s.references, claims, s.bought
    )


def _closed(claims: Claims, number: str) -> Claims:
    """The claims without what was proposed under a number, which is decided or void."""
    if number not in claims.proposed:
        return claims
    return evolved(claims, proposed={n: p for n, p in claims.proposed.items() if n != number})


evolve: Evolve = by_event(
    {
        ChargeRaised: _raised,
        ChargeCorrected: _raised,
        ChargeCancelled: _cancelled,
        PaymentReceived: _paid,
        PaymentMovedIn: _paid,
        PaymentReversed: _reversed,
        PaymentMovedOut: _moved_out,
        CreditRefunded: _refunded,
        ChargeWaived: _waived,
        WaiverTakenBack: _taken_back,
        PurchaseMade: _purchased,
        PurchaseRefunded: _purchased,
        PurchaseVoided: _purchase_voided,
        ChargeDisputed: _disputed,
        DisputeDecided: _settled,
        DisputeWithdrawn: _settled,
        PaymentPromised: _promised,
        LateChargeClaimed: _claimed,
        DebtAcknowledged: _acknowledged,
        ClauseAgreed: _agreed,
        ClauseEnded: _of_clause,
        RateApproved: _of_clause,
        RefundProposed: _refund_proposed,
        WaiverProposed: _waiver_proposed,
        DisputeDecisionProposed: _decision_proposed,
        InstalmentsProposed: _instalments_proposed,
        ProposalRejected: _rejected,
    }
)
