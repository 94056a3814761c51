"""What can be asked of an account, and of the collection of arrears."""

from __future__ import annotations

from datetime import date

from attrs import frozen

from crm_core.kernel.decider import Refusal
from crm_core.payments.collection import CollectionPolicy, Dues
from crm_core.payments.events import Instalment, Proof
from crm_core.payments.late import LateChargePolicy

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


# --- disputes, promises, late charges, limitation ----------------------------------------------


@frozen
class DisputeCharge:
    """Note that the household contests an amount of a charge (PAY-06)."""

    household: str
    dispute: str
    charge: str
    amount_fen: int
    on: date
    reason: str


@frozen
class DecideDispute:
    """Uphold a dispute in whole or in part, or reject it with nothing upheld."""

    household: str
    dispute: str
    upheld_fen: int
    on: date
    reason: str
    approver: str


@frozen
class WithdrawDispute:
    """Note that the household contests no longer."""

    household: str
    dispute: str
    on: date
    reason: str


@frozen
class PromisePayment:
    """Note a promise to pay, or agree on a payment plan of several instalments (PAY-09).

    Args:
        replaces: The promise that is renegotiated, if one is.
    """

    household: str
    promise: str
    instalments: tuple[Instalment, ...]
    on: date
    taken_by: str
    reason: str
    approver: str | None = None
    replaces: str | None = None


@frozen
class ClaimLateCharge:
    """Ask for the late charge of a charge as it stands on a day (PAY-08).

    Args:
        of: The charge that was late.
        policy: Looked up by its name, `policy_name`.
    """

    household: str
    charge: str
    of: str
    on: date
    due: date
    policy_name: str
    approver: str
    policy: LateChargePolicy | None = None


@frozen
class AcknowledgeDebt:
    """Note that the household acknowledged charges in writing (PAY-12)."""

    household: str
    acknowledgement: str
    charges: tuple[str, ...]
    on: date
    document: str


# --- collection --------------------------------------------------------------------------------


@frozen
class AdvanceCollection:
    """Let the ladder take its course: open, change, close a case, hand over to the next step.

    Args:
        dues: Looked up: what is due and overdue on the day.
        policy: Looked up: the ladder in force on the day.
    """

    household: str
    on: date
    dues: Dues | None = None
    policy: CollectionPolicy | None = None


@frozen
class ApproveStep:
    """Approve a step that needs it."""

    household: str
    step: int
    approver: str
    role: str
    on: date


@frozen
class CompleteStep:
    """Report a step done, with its evidence."""

    household: str
    step: int
    on: date
    by: str
    proofs: tuple[Proof, ...] = ()


@frozen
class SkipStep:
    """Leave a step out."""

    household: str
    step: int
    on: date
    reason: str
    approver: str


@frozen
class CheckDefects:
    """Note what a look at the company's own service found."""

    household: str
    on: date
    open_defects: int
    reference: str
    by: str


@frozen
class HoldCollection:
    """Ask nothing more of the household until the end of a day."""

    household: str
    hold: str
    on: date
    until: date
    reason: str
    approver: str


@frozen
class ReleaseHold:
    """End a hold before its day."""

    household: str
    hold: str
    on: date
    reason: str
