"""What was played into a CRM, as the reference grader reads it.

The reference keeps no log and knows no moves or cancellations: a moved payment is one that never
counted in the first account and is paid in the other under another number, both from the instant
of the move; where it comes back, it names the charge it named before. A cancelled charge is none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import reference_grader as reference
from crm_core.owners.commands import ConfirmConduct, RecordInterest
from crm_core.payments.commands import (
    CancelCharge,
    MovePayment,
    RaiseCharge,
    ReceivePayment,
    RecordPurchase,
    RefundCredit,
    ReversePayment,
    WaiveCharge,
)
from crm_core.requests.commands import MarkDuplicate, ReceiveRequest
from crm_core.testing.dealings import Entry


def reference_households(
    households: Iterable[str], accepted: Iterable[Entry], year: int, known: datetime
) -> list[reference.Household]:
    """The households with what was accepted about them.

    Most facts keep their recorded instants. What the reference cannot date (cancellations,
    interests, conduct, requests entered late) is left out here if it was not known at `known`.
    """
    facts: dict[str, dict[str, list[Any]]] = {home: defaultdict(list) for home in households}
    paid: dict[str, ReceivePayment] = {}
    stays: dict[str, str] = {}
    cancelled: set[tuple[str, str]] = set()
    received: dict[str, ReceiveRequest] = {}
    duplicate_from: dict[str, datetime] = {}
    for entry in accepted:
        command, at = entry.command, entry.at
        home = facts.get(getattr(command, "household", ""), {})
        match command:
            case RaiseCharge():
                charge = reference.Charge(command.charge, command.due, command.amount_fen, at)
                home["charges"].append(charge)
            case CancelCharge():
                if at <= known:
                    cancelled.add((command.household, command.charge))
            case ReceivePayment():
                paid[command.payment] = command
                stays[command.payment] = command.payment
                payment = reference.Payment(
                    command.payment, command.amount_fen, command.paid_on, at, command.charge
                )
                home["payments"].append(payment)
            case ReversePayment():
                number = stays[command.payment]
                home["reversals"].append(reference.Reversal(number, command.on, at))
            case MovePayment():
                first = paid[command.payment]
                number, on = stays[command.payment], first.paid_on
                home["reversals"].append(reference.Reversal(number, on, at))
                there = facts[command.to_household]
                charge = first.charge if command.to_household == first.household else None
                number = stays[command.payment] = f"{number}>"
                there["payments"].append(
                    reference.Payment(number, first.amount_fen, on, at, charge)
                )
            case WaiveCharge():
                waiver = reference.Waiver(command.charge, command.amount_fen, command.on, at)
                home["waivers"].append(waiver)
            case RefundCredit():
                home["refunds"].append(reference.Refund(command.amount_fen, command.on, at))
            case RecordPurchase():
                purchase = reference.Purchase(command.amount_fen, command.on, at)
                home["purchases"].append(purchase)
            case RecordInterest():
                if at <= known and command.on.year == year:
                    home["interests"].append(at)
            case ConfirmConduct():
                if at <= known and command.on.year == year:
                    home["conduct"].append(at)
            case ReceiveRequest():
                if at <= known:
                    received[command.request] = command
            case MarkDuplicate():
                duplicate_from[command.request] = at
    for number, request in received.items():
        entry = reference.Request(
            number, request.kind, request.received_at, duplicate_from.get(number)
        )
        facts[request.household]["requests"].append(entry)
    return [
        reference.Household(
            id=home,
            charges=tuple(c for c in told["charges"] if (home, c.number) not in cancelled),
            payments=tuple(told["payments"]),
            reversals=tuple(told["reversals"]),
            waivers=tuple(told["waivers"]),
            refunds=tuple(told["refunds"]),
            purchases=tuple(told["purchases"]),
            requests=tuple(told["requests"]),
            interests=len(told["interests"]),
            confirmed_conduct=len(told["conduct"]),
        )
        for home, told in facts.items()
    ]
