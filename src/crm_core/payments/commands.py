"""What can be asked of an account."""

from __future__ import annotations

from datetime import date

from attrs import frozen

from crm_core.kernel.decider import Refusal

CHARGE_KINDS = ("management_fee", "utilities", "parking", "other")
METHODS = ("wechat", "alipay", "transfer", "cash", "card", "other")


@frozen
class RaiseCharge:
    """Ask for an amount by a due date."""

    household: str
    charge: str
    kind: str
    period: str
    amount_fen: int
    due: date


@frozen
class CancelCharge:
    """Take back a charge raised by mistake."""

    household: str
    charge: str
    on: date
    reason: str


@frozen
class ReceivePayment:
    """Book money that came in.

    Args:
        charge: The charge it names, if any.
        charge_follows: The named charge is not booked yet but is known to come (imports).
    """

    household: str
    payment: str
    amount_fen: int
    paid_on: date
    method: str
    charge: str | None = None
    charge_follows: bool = False


@frozen
class ReversePayment:
    """Undo a payment from a day on."""

    household: str
    payment: str
    on: date
    reason: str


@frozen
class MovePayment:
    """Move a payment booked here to the household it belongs to.

    Args:
        refused_there: Looked up: why the other account would not take it, if so.
    """

    household: str
    payment: str
    to_household: str
    reason: str
    refused_there: Refusal | None = None


@frozen
class AcceptMovedPayment:
    """The other half of a move; it follows from `PaymentMovedOut` by itself."""

    household: str
    payment: str
    from_household: str
    amount_fen: int
    paid_on: date
    method: str
    reason: str
    charge: str | None = None


@frozen
class RefundCredit:
    """Pay back credit in advance."""

    household: str
    refund: str
    amount_fen: int
    on: date
    reason: str
    approver: str


@frozen
class WaiveCharge:
    """Ask no longer for a charge or a part of it; `write_off` gives up what stays owed."""

    household: str
    waiver: str
    charge: str
    amount_fen: int
    on: date
    reason: str
    approver: str
    write_off: bool = False


@frozen
class RecordPurchase:
    """Book a value-added service; a negative amount is a refund."""

    household: str
    purchase: str
    service: str
    amount_fen: int
    on: date
