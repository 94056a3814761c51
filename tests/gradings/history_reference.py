"""What was played into a CRM, as the reference grader reads it.

The reference keeps no log and knows no moves or cancellations: a moved payment is one that never
counted in the first account and is paid in the other under another number, both from the instant
of the move; where it comes back, it names the charge it named before. A cancelled charge is none.
Nor does it know proposals: what was proposed counts once it is approved, from the later of the two
days and from the instant of the approval. What a late charge comes to is computed by the
reference, not read from the library.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, Protocol

import reference_grader as reference
from crm_core.owners.commands import ConfirmConduct, RecordInterest
from crm_core.payments.commands import (
    CancelCharge,
    ClaimLateCharge,
    DecideDispute,
    DecideRefund,
    DecideWaiver,
    DisputeCharge,
    MovePayment,
    ProposeDisputeDecision,
    ProposeRefund,
    ProposeWaiver,
    RaiseCharge,
    ReceivePayment,
    RecordPurchase,
    ReversePayment,
    WithdrawDispute,
)
from crm_core.requests.commands import (
    MarkDuplicate,
    MergeDuplicate,
    ReceiveRequest,
    Reclassify,
    UndoDuplicate,
)


class Heard(Protocol):
    """Something the company came to know."""

    @property
    def command(self) -> Any: ...

    @property
    def at(self) -> datetime: ...


def reference_households(
    households: Iterable[str], accepted: Iterable[Heard], year: int, known: datetime
) -> list[reference.Household]:
    """The households with what was accepted about them.

    Most facts keep their recorded instants. What the reference cannot date (cancellations,
    interests, conduct, requests entered late) is left out here if it was not known at `known`.
    """
    told = _Told(households)
    for heard in accepted:
        told.hear(heard.command, heard.at)
    return [told.household(home, year, known) for home in told.facts]


class _Told:
    """What was told so far, in the order in which it was entered."""

    def __init__(self, households: Iterable[str]) -> None:
        self.facts: dict[str, dict[str, list[Any]]] = {h: defaultdict(list) for h in households}
        self._paid: dict[str, ReceivePayment] = {}
        self._stays: dict[str, str] = {}
        self._kinds: dict[str, list[tuple[str, datetime]]] = defaultdict(list)
        self._marks: dict[str, list[tuple[str | None, datetime]]] = defaultdict(list)
        self._proposed: dict[tuple[str, type, str], Any] = {}

    def hear(self, command: Any, at: datetime) -> None:
        home = self.facts.get(getattr(command, "household", ""), {})
        match command:
            case RaiseCharge():
                charge = reference.Charge(command.charge, command.due, command.amount_fen, at)
                home["charges"].append(charge)
            case CancelCharge():
                home["cancelled"].append((command.charge, at))
            case ReceivePayment():
                self._paid[command.payment] = command
                self._stays[command.payment] = command.payment
                payment = reference.Payment(
                    command.payment, command.amount_fen, command.paid_on, at, command.charge
                )
                home["payments"].append(payment)
            case ReversePayment():
                number = self._stays[command.payment]
                home["reversals"].append(reference.Reversal(number, command.on, at))
            case MovePayment():
                first = self._paid[command.payment]
                number, on = self._stays[command.payment], first.paid_on
                home["reversals"].append(reference.Reversal(number, on, at))
                there = self.facts[command.to_household]
                charge = first.charge if command.to_household == first.household else None
                number = self._stays[command.payment] = f"{number}>"
                there["payments"].append(
                    reference.Payment(number, first.amount_fen, on, at, charge)
                )
            case ProposeWaiver():
                self._proposed[command.household, DecideWaiver, command.waiver] = command
            case DecideWaiver(approved=True):
                told, on = self._approved(command, command.waiver)
                waiver = reference.Waiver(told.charge, told.amount_fen, on, at)
                home["waivers"].append(waiver)
            case ProposeRefund():
                self._proposed[command.household, DecideRefund, command.refund] = command
            case DecideRefund(approved=True):
                told, on = self._approved(command, command.refund)
                home["refunds"].append(reference.Refund(told.amount_fen, on, at))
            case DisputeCharge():
                dispute = reference.Dispute(
                    command.dispute, command.charge, command.amount_fen, command.on, at
                )
                home["disputes"].append(dispute)
            case ProposeDisputeDecision():
                self._proposed[command.household, DecideDispute, command.dispute] = command
            case DecideDispute(approved=True):
                told, on = self._approved(command, command.dispute)
                end = reference.DisputeEnd(command.dispute, told.upheld_fen, on, at)
                home["dispute_ends"].append(end)
            case WithdrawDispute():
                home["dispute_ends"].append(
                    reference.DisputeEnd(command.dispute, 0, command.on, at)
                )
            case ClaimLateCharge():
                fen = self._late(command)
                home["late_charges"].append(
                    reference.LateCharge(command.charge, command.of, fen, at)
                )
            case RecordPurchase():
                purchase = reference.Purchase(command.amount_fen, command.on, at)
                home["purchases"].append(purchase)
            case RecordInterest():
                home["interests"].append((command.on, at))
            case ConfirmConduct():
                home["conduct"].append((command.on, at))
            case ReceiveRequest():
                home["requests"].append((command, at))
            case Reclassify():
                self._kinds[command.request].append((command.kind, at))
            case MarkDuplicate():
                self._marks[command.request].append((command.of, at))
            case MergeDuplicate():
                self._marks[command.request].append((command.into, at))
            case UndoDuplicate():
                self._marks[command.request].append((None, at))

    def _approved(self, decision: Any, number: str) -> tuple[Any, date]:
        """What was proposed, and the day from which it counts."""
        proposal = self._proposed[decision.household, type(decision), number]
        return proposal, max(proposal.on, decision.on)

    def household(self, home: str, year: int, known: datetime) -> reference.Household:
        """A household as the reference grades it for a year, as known then."""
        told = self.facts[home]
        cancelled = {number for number, at in told["cancelled"] if at <= known}
        return reference.Household(
            id=home,
            charges=tuple(c for c in told["charges"] if c.number not in cancelled),
            payments=tuple(told["payments"]),
            reversals=tuple(told["reversals"]),
            waivers=tuple(told["waivers"]),
            refunds=tuple(told["refunds"]),
            disputes=tuple(told["disputes"]),
            dispute_ends=tuple(told["dispute_ends"]),
            late_charges=tuple(c for c in told["late_charges"] if c.number not in cancelled),
            purchases=tuple(told["purchases"]),
            requests=tuple(self._request(r) for r, at in told["requests"] if at <= known),
            interests=_in(told["interests"], year, known),
            confirmed_conduct=_in(told["conduct"], year, known),
        )

    def _request(self, received: ReceiveRequest) -> reference.Request:
        return reference.Request(
            received.request,
            received.kind,
            received.received_at,
            tuple(self._kinds[received.request]),
            tuple(self._marks[received.request]),
            received.follows,
        )

    def _late(self, claim: ClaimLateCharge) -> int:
        """What the reference would ask for: a claim says on which charge and until when."""
        everything = reference.EVERYTHING_KNOWN
        so_far = self.household(claim.household, claim.on.year, everything)
        found = reference.late_charge_fen(so_far, claim.of, claim.on, everything)
        return found - sum(c.amount_fen for c in so_far.late_charges if c.of == claim.of)


def _in(dated: list[tuple[date, datetime]], year: int, known: datetime) -> int:
    return sum(1 for on, at in dated if at <= known and on.year == year)
