"""What happened on a household's account. Names and fields are a storage contract.

Amounts are whole fen. Dates are days of the estate's zone.
"""

from __future__ import annotations

from datetime import date

from attrs import frozen

from crm_core.catalog import EventType


@frozen
class ChargeRaised:
    """A charge falls due on `due`; it can be overdue from the day after (PAY-02)."""

    charge: str
    kind: str
    period: str
    amount_fen: int
    due: date


@frozen
class ChargeCancelled:
    """The charge was raised by mistake and is void from the start; what was paid is credit."""

    charge: str
    on: date
    reason: str


@frozen
class PaymentReceived:
    """Money came in; it settles the charge it names, else the oldest unpaid one (PAY-02)."""

    payment: str
    amount_fen: int
    paid_on: date
    method: str
    charge: str | None


@frozen
class PaymentReversed:
    """A payment does not count from `on` (a bounced transfer, a mistaken booking)."""

    payment: str
    on: date
    reason: str


@frozen
class PaymentMovedOut:
    """A payment booked here belongs to another household; it never counted here."""

    payment: str
    to_household: str
    amount_fen: int
    paid_on: date
    method: str
    reason: str


@frozen
class PaymentMovedIn:
    """A payment booked to another household belongs here, from the day it was paid."""

    payment: str
    from_household: str
    amount_fen: int
    paid_on: date
    method: str
    charge: str | None
    reason: str


@frozen
class CreditRefunded:
    """Credit in advance was paid back."""

    refund: str
    amount_fen: int
    on: date
    reason: str
    approver: str


@frozen
class ChargeWaived:
    """Part or all of a charge is no longer asked for; a write-off gives up what stays owed."""

    waiver: str
    charge: str
    amount_fen: int
    on: date
    write_off: bool
    reason: str
    approver: str


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


EVENTS = (
    EventType("payments.charge_raised", 1, ChargeRaised, effective="due"),
    EventType("payments.charge_cancelled", 1, ChargeCancelled, effective="on"),
    EventType("payments.payment_received", 1, PaymentReceived, effective="paid_on"),
    EventType("payments.payment_reversed", 1, PaymentReversed, effective="on"),
    EventType("payments.payment_moved_out", 1, PaymentMovedOut, effective="paid_on"),
    EventType("payments.payment_moved_in", 1, PaymentMovedIn, effective="paid_on"),
    EventType("payments.credit_refunded", 1, CreditRefunded, effective="on"),
    EventType("payments.charge_waived", 1, ChargeWaived, effective="on"),
    EventType("payments.purchase_made", 1, PurchaseMade, effective="on"),
    EventType("payments.purchase_refunded", 1, PurchaseRefunded, effective="on"),
)
