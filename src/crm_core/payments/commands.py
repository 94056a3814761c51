"""What can be asked of an account.

What needs a second person is two commands, `Propose…` and `Decide…` (LOG-08). What is proposed
counts from its decision on, or from its own day if that is later.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated

from crm_core.kernel.commands import AHEAD, DayAhead, Id, looked_up
from crm_core.kernel.decider import Refusal
from crm_core.kernel.recorded import Actor
from crm_core.kernel.tenures import Tenures
from crm_core.kernel.values import frozen
from crm_core.kernel.word import Word
from crm_core.payments.allocation_policy import Epochs
from crm_core.payments.events import Instalment, Part
from crm_core.payments.late import LateChargePolicy

CHARGE_KINDS = ("management_fee", "utilities", "parking", "enforcement_costs", "other")
METHODS = ("wechat", "alipay", "transfer", "cash", "card", "other")


@frozen
class RaiseCharge:
    """Ask for an amount by a due date.

    Args:
        amount_fen: 0 is settled at once; below zero it corrects the charge that `corrects` names.
        debtor: The member who owes it, if it is not who owns the household when it falls due.
        corrects: The charge that a negative bill corrects.
    """

    household: str
    charge: Id
    kind: str
    period: str
    amount_fen: int
    due: DayAhead
    debtor: str | None = None
    corrects: Id | None = None
    tenures: Tenures = looked_up()


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
        charge_follows: The named charges are not booked yet but are known to come (imports).
        parts: The charges it names and how much of it is for each, if it names several.
        payer: The member who paid, if not whoever owes on the day (PAY-16).
    """

    household: str
    payment: Id
    amount_fen: int
    paid_on: date
    method: str
    charge: Id | None = None
    charge_follows: bool = False
    parts: tuple[Part, ...] = ()
    payer: str | None = None
    members: frozenset[str] = looked_up()


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
        refused_there: Why the other account would not take it, if so.
    """

    household: str
    payment: str
    to_household: str
    reason: str
    refused_there: Refusal | None = looked_up()


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
class ProposeRefund:
    """Propose to pay back credit in advance.

    Args:
        payee: The member whose credit it is, if not that of who owes on the day (PAY-16).
    """

    household: str
    refund: Id
    amount_fen: int
    on: date
    reason: str
    payee: str | None = None
    by: Actor = looked_up()
    tenures: Tenures = looked_up()
    epochs: Epochs = looked_up()


@frozen
class DecideRefund:
    """Pay back what somebody else proposed to, or not; a rejection has a reason."""

    household: str
    refund: str
    approved: bool
    on: date
    reason: str = ""
    by: Actor = looked_up()
    tenures: Tenures = looked_up()
    epochs: Epochs = looked_up()


@frozen
class ProposeWaiver:
    """Propose to ask no longer for a charge or a part of it.

    Args:
        write_off: Whether what stays owed is given up.
    """

    household: str
    waiver: Id
    charge: str
    amount_fen: int
    on: DayAhead
    reason: str
    write_off: bool = False
    by: Actor = looked_up()
    tenures: Tenures = looked_up()
    epochs: Epochs = looked_up()


@frozen
class DecideWaiver:
    """Waive what somebody else proposed to, or not; a rejection has a reason."""

    household: str
    waiver: str
    approved: bool
    on: date
    reason: str = ""
    by: Actor = looked_up()
    tenures: Tenures = looked_up()
    epochs: Epochs = looked_up()


@frozen
class TakeBackWaiver:
    """Ask again for what was waived or written off, from a day on (PAY-01)."""

    household: str
    waiver: str
    on: date
    reason: str
    by: Actor = looked_up()


@frozen
class RecordPurchase:
    """Book a value-added service; a negative amount is a refund."""

    household: str
    purchase: Id
    service: str
    amount_fen: int
    on: date


@frozen
class VoidPurchase:
    """Void a purchase that was booked by mistake; the library gives it, to undo an import."""

    household: str
    purchase: str
    reason: str


# --- disputes, promises, late charges, limitation ----------------------------------------------


@frozen
class DisputeCharge:
    """Note that the household contests an amount of a charge, on its word (PAY-06)."""

    household: str
    dispute: Id
    charge: str
    amount_fen: int
    on: date
    reason: str
    word: Word


@frozen
class ProposeDisputeDecision:
    """Propose to uphold a dispute in whole or in part, or to reject it with nothing upheld."""

    household: str
    dispute: str
    upheld_fen: int
    on: date
    reason: str
    by: Actor = looked_up()


@frozen
class DecideDispute:
    """Decide a dispute as somebody else proposed, or reject what they proposed with a reason.

    A rejected proposal leaves the dispute open, and another one can be made.
    """

    household: str
    dispute: str
    approved: bool
    on: date
    reason: str = ""
    by: Actor = looked_up()


@frozen
class WithdrawDispute:
    """Note that the household contests no longer, on its word."""

    household: str
    dispute: str
    on: date
    reason: str
    word: Word


@frozen
class PromisePayment:
    """Note a promise to pay one amount by a day, on the household's word (PAY-09).

    Args:
        instalments: The one amount and its day; several are a plan (`ProposeInstalments`).
        replaces: The promise that is renegotiated, if one is.
    """

    household: str
    promise: Id
    instalments: Annotated[tuple[Instalment, ...], AHEAD]
    on: date
    reason: str
    word: Word
    replaces: str | None = None
    by: Actor = looked_up()
    tenures: Tenures = looked_up()


@frozen
class ProposeInstalments:
    """Propose a payment plan as the household offers it (PAY-09).

    Args:
        replaces: The promise that is renegotiated, if one is.
    """

    household: str
    promise: Id
    instalments: Annotated[tuple[Instalment, ...], AHEAD]
    on: date
    reason: str
    word: Word
    replaces: str | None = None
    by: Actor = looked_up()
    tenures: Tenures = looked_up()


@frozen
class DecideInstalments:
    """Agree on a plan that somebody else proposed, or not; a rejection has a reason."""

    household: str
    promise: str
    approved: bool
    on: date
    reason: str = ""
    by: Actor = looked_up()
    tenures: Tenures = looked_up()


@frozen
class ClaimLateCharge:
    """Ask for the late charge of a charge as it stands on a day (PAY-08).

    A clause of the contract must agree on it; days on which none holds bear nothing.

    Args:
        of: The charge that was late.
        policy_name: The policy of the clause, where clauses of several hold; else the latest.
        policy: The policy that the clause names.
    """

    household: str
    charge: Id
    of: str
    on: date
    due: DayAhead
    policy_name: str | None = None
    policy: LateChargePolicy | None = looked_up()
    tenures: Tenures = looked_up()
    epochs: Epochs = looked_up()
    by: Actor = looked_up()


@frozen
class AcknowledgeDebt:
    """Note that the household acknowledged charges in writing (PAY-12)."""

    household: str
    acknowledgement: Id
    charges: tuple[str, ...]
    on: date
    document: str
    word: Word


# --- what the contract says --------------------------------------------------------------------


@frozen
class AgreeClause:
    """Put a clause of the contract on record: the policy that it agrees on (PAY-02, PAY-08).

    Args:
        subject: `late_charge` or `allocation`.
        policy_name: Name of the policy, with or without a version.
        on: First day it holds.
        document: The contract, and where it is kept.
        word: Who agreed for the household.
        until: Last day it holds, if the contract says one.
        known_policies: The policies there are of the subject, by name and by name and version.
    """

    household: str
    clause: Id
    subject: str
    policy_name: str
    on: DayAhead
    document: str
    word: Word
    until: DayAhead | None = None
    known_policies: tuple[str, ...] = looked_up()
    by: Actor = looked_up()


@frozen
class EndClause:
    """Let a clause hold until a day and no longer; before its first day, it never held."""

    household: str
    clause: str
    until: DayAhead
    reason: str


@frozen
class ApproveRate:
    """Let the rate of a clause stand above its ceiling, in claims from a day on (PAY-08)."""

    household: str
    clause: str
    on: date
    reason: str
    by: Actor = looked_up()
