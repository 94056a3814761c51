"""What happened on a household's account.

Names and fields are a storage contract. Amounts are whole fen. Dates are days of the estate's zone.
"""

from __future__ import annotations

from datetime import date

from crm_core.kernel.catalog import EventType
from crm_core.kernel.policy import PolicyRef
from crm_core.kernel.sealed import Text
from crm_core.kernel.values import frozen
from crm_core.kernel.word import Word


@frozen
class ChargeRaised:
    """A charge falls due on `due`; it can be overdue from the day after (PAY-02).

    Args:
        amount_fen: Not below zero; one of 0 is settled at once.
        debtor: The member who owes it, if it is not owed by who owns the household when it falls
            due (PAY-16).
    """

    charge: str
    kind: str
    period: str
    amount_fen: int
    due: date
    debtor: str | None


@frozen
class ChargeCorrected:
    """A negative bill: so much of the charge it names was never owed (PAY-01).

    Args:
        charge: Its own number, under which it can be cancelled.
        of: The charge that it corrects.
        amount_fen: What it takes off, above zero.
    """

    charge: str
    of: str
    kind: str
    period: str
    amount_fen: int
    due: date


@frozen
class ChargeCancelled:
    """The charge was raised by mistake and is void from the start; what was paid is credit."""

    charge: str
    on: date
    reason: Text


@frozen
class Part:
    """So much of a payment is for that charge."""

    charge: str
    amount_fen: int


@frozen
class PaymentReceived:
    """Money came in; it settles the charge it names, else the oldest unpaid one (PAY-02).

    Args:
        charge: The charge it names, if it names one.
        parts: The charges it names, if it names several; what is left of it names none.
        payer: The member who paid, if that is known; else whoever owes on the day (PAY-16).
    """

    payment: str
    amount_fen: int
    paid_on: date
    method: str
    charge: str | None
    parts: tuple[Part, ...]
    payer: str | None


@frozen
class PaymentReversed:
    """A payment does not count from `on` (a bounced transfer, a mistaken booking)."""

    payment: str
    on: date
    reason: Text


@frozen
class PaymentMovedOut:
    """A payment booked here belongs to another household; it never counted here."""

    payment: str
    to_household: str
    amount_fen: int
    paid_on: date
    method: str
    reason: Text


@frozen
class PaymentMovedIn:
    """A payment booked to another household belongs here, from the day it was paid."""

    payment: str
    from_household: str
    amount_fen: int
    paid_on: date
    method: str
    charge: str | None
    reason: Text
    parts: tuple[Part, ...]
    payer: str | None


@frozen
class CreditRefunded:
    """Credit in advance was paid back, as one person proposed and another decided.

    Args:
        payee: The member whose credit it was, if not that of who owes on the day (PAY-16).
    """

    refund: str
    amount_fen: int
    on: date
    reason: Text
    proposed_by: str
    approved_by: str
    payee: str | None


@frozen
class ChargeWaived:
    """Part or all of a charge is no longer asked for; a write-off gives up what stays owed.

    One person proposed it and another decided.
    """

    waiver: str
    charge: str
    amount_fen: int
    on: date
    write_off: bool
    reason: Text
    proposed_by: str
    approved_by: str


@frozen
class WaiverTakenBack:
    """A waiver or a write-off counts no more from `on`: the charge is asked for again (PAY-01)."""

    waiver: str
    on: date
    reason: Text
    taken_back_by: str


@frozen
class PurchaseMade:
    """A value-added service was bought (PAY-13)."""

    purchase: str
    service: str
    amount_fen: int
    on: date


@frozen
class PurchaseRefunded:
    """Money for a value-added service was given back; it counts on its own day (PAY-13)."""

    purchase: str
    service: str
    amount_fen: int
    on: date


@frozen
class PurchaseVoided:
    """A purchase, or a refund, was booked by mistake and is void from its own day on (IMP-01)."""

    purchase: str
    on: date
    reason: Text


# --- disputes, promises, late charges, limitation ----------------------------------------------


@frozen
class ChargeDisputed:
    """The household contests an amount of a charge; it does not age from `on` on (PAY-06)."""

    dispute: str
    charge: str
    amount_fen: int
    on: date
    reason: Text
    word: Word


@frozen
class DisputeDecided:
    """The company decided: `upheld_fen` was never owed, the rest ages again in full (PAY-06).

    Nothing upheld is a rejection. One person proposed it and another decided.
    """

    dispute: str
    upheld_fen: int
    on: date
    reason: Text
    proposed_by: str
    approved_by: str


@frozen
class DisputeWithdrawn:
    """The household contests no longer; the amount ages again in full (PAY-06)."""

    dispute: str
    on: date
    reason: Text
    word: Word


@frozen
class Instalment:
    """A part of a promise: so much, on that day at the latest."""

    amount_fen: int
    due: date


@frozen
class PaymentPromised:
    """The household promised to pay what is overdue by stated days (PAY-09).

    Args:
        on: Day on which the household gave its word.
        proposed_by: Who took it; of a plan of several instalments who proposed it.
        approved_by: Who decided on a plan; None for a single instalment, which needs nobody.
        replaces: The promise that was renegotiated, if one was.
    """

    promise: str
    instalments: tuple[Instalment, ...]
    on: date
    proposed_by: str
    approved_by: str | None
    replaces: str | None
    reason: Text
    word: Word


@frozen
class LateChargeClaimed:
    """A late charge is asked for, computed from a policy; it is no principal (PAY-08)."""

    charge: str
    of: str
    amount_fen: int
    on: date
    due: date
    policy: PolicyRef
    claimed_by: str


@frozen
class DebtAcknowledged:
    """The household acknowledged charges in writing; their limitation begins anew (PAY-12)."""

    acknowledgement: str
    charges: tuple[str, ...]
    on: date
    document: Text
    word: Word


@frozen
class ClauseAgreed:
    """The contract agrees on a policy for the account, from `on` on (PAY-02, PAY-08).

    Args:
        subject: `late_charge` or `allocation`.
        policy_name: The policy it agrees on, with or without a version.
        until: Last day it holds, if the contract says one.
        document: The contract, and where it is kept.
        word: Who agreed for the household.
    """

    clause: str
    subject: str
    policy_name: str
    on: date
    until: date | None
    document: Text
    word: Word
    entered_by: str


@frozen
class ClauseEnded:
    """A clause holds no longer than until a day; before its first day, it never held."""

    clause: str
    until: date
    reason: Text


@frozen
class RateApproved:
    """The rate of a clause may be claimed from `on` on although it is above its ceiling (PAY-08).

    Who approved it is somebody else than who recorded the clause.
    """

    clause: str
    on: date
    reason: Text
    approved_by: str


# --- what waits for a second person (LOG-08) ---------------------------------------------------


@frozen
class RefundProposed:
    """Somebody proposed to pay back credit in advance; nothing is paid before it is decided."""

    refund: str
    amount_fen: int
    on: date
    reason: Text
    proposed_by: str
    payee: str | None


@frozen
class WaiverProposed:
    """Somebody proposed a waiver or a write-off; the charge is asked for until it is decided."""

    waiver: str
    charge: str
    amount_fen: int
    on: date
    write_off: bool
    reason: Text
    proposed_by: str


@frozen
class DisputeDecisionProposed:
    """Somebody proposed how to decide a dispute, which stays open until it is decided."""

    dispute: str
    upheld_fen: int
    on: date
    reason: Text
    proposed_by: str


@frozen
class InstalmentsProposed:
    """The household offers to pay in instalments; it is no promise until it is decided (PAY-09)."""

    promise: str
    instalments: tuple[Instalment, ...]
    on: date
    replaces: str | None
    reason: Text
    word: Word
    proposed_by: str


@frozen
class ProposalRejected:
    """Somebody else decided against a proposal; the account is as it was.

    Args:
        what: `refund`, `waiver`, `dispute_decision` or `promise`.
        number: Number of the refund, the waiver, the dispute or the promise.
    """

    what: str
    number: str
    on: date
    reason: Text
    rejected_by: str


ACCOUNT_EVENTS = (
    EventType("payments.charge_raised", 1, ChargeRaised, effective="due"),
    EventType("payments.charge_corrected", 1, ChargeCorrected, effective="due"),
    EventType("payments.charge_cancelled", 1, ChargeCancelled, effective="on"),
    EventType("payments.payment_received", 1, PaymentReceived, effective="paid_on"),
    EventType("payments.payment_reversed", 1, PaymentReversed, effective="on"),
    EventType("payments.payment_moved_out", 1, PaymentMovedOut, effective="paid_on"),
    EventType("payments.payment_moved_in", 1, PaymentMovedIn, effective="paid_on"),
    EventType("payments.credit_refunded", 1, CreditRefunded, effective="on"),
    EventType("payments.charge_waived", 1, ChargeWaived, effective="on"),
    EventType("payments.waiver_taken_back", 1, WaiverTakenBack, effective="on"),
    EventType("payments.purchase_made", 1, PurchaseMade, effective="on"),
    EventType("payments.purchase_refunded", 1, PurchaseRefunded, effective="on"),
    EventType("payments.purchase_voided", 1, PurchaseVoided, effective="on"),
    EventType("payments.charge_disputed", 1, ChargeDisputed, effective="on"),
    EventType("payments.dispute_decided", 1, DisputeDecided, effective="on"),
    EventType("payments.dispute_withdrawn", 1, DisputeWithdrawn, effective="on"),
    EventType("payments.payment_promised", 1, PaymentPromised, effective="on"),
    EventType("payments.late_charge_claimed", 1, LateChargeClaimed, effective="on"),
    EventType("payments.debt_acknowledged", 1, DebtAcknowledged, effective="on"),
    EventType("payments.clause_agreed", 1, ClauseAgreed, effective="on"),
    EventType("payments.clause_ended", 1, ClauseEnded, effective="until"),
    EventType("payments.rate_approved", 1, RateApproved, effective="on"),
)
"""What happened on accounts: all that ledgers and gradings are computed from."""

PROPOSAL_EVENTS = (
    EventType("payments.refund_proposed", 1, RefundProposed, effective="on"),
    EventType("payments.waiver_proposed", 1, WaiverProposed, effective="on"),
    EventType("payments.dispute_decision_proposed", 1, DisputeDecisionProposed, effective="on"),
    EventType("payments.instalments_proposed", 1, InstalmentsProposed, effective="on"),
    EventType("payments.proposal_rejected", 1, ProposalRejected, effective="on"),
)
"""What was only proposed on accounts. No fact of any kind: nothing is computed from it."""
