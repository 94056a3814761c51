"""What payments publishes to gradings: a closed list of facts, and how to read them (GRD-15).

Gradings import from payments through this module alone. A new event of payments is no fact until
somebody writes it here.
"""

from __future__ import annotations

from crm_core.payments.credit import (
    GRADES,
    MONTHS_OF_FEE,
    CreditPolicy,
    Standing,
    add_months,
    course,
    standing,
)
from crm_core.payments.events import (
    ACCOUNT_EVENTS,
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
from crm_core.payments.ledger import Charge, Ledger, allocate
from crm_core.payments.promises import BROKEN, KEPT, promises
from crm_core.payments.views import Aged, aged

__all__ = [
    "BROKEN",
    "FACTS",
    "FACT_NAMES",
    "GRADES",
    "KEPT",
    "MONTHS_OF_FEE",
    "Aged",
    "Charge",
    "ChargeCancelled",
    "ChargeDisputed",
    "ChargeRaised",
    "ChargeWaived",
    "CreditPolicy",
    "CreditRefunded",
    "DisputeDecided",
    "DisputeWithdrawn",
    "LateChargeClaimed",
    "Ledger",
    "PaymentMovedIn",
    "PaymentMovedOut",
    "PaymentPromised",
    "PaymentReceived",
    "PaymentReversed",
    "PurchaseMade",
    "PurchaseRefunded",
    "Standing",
    "add_months",
    "aged",
    "allocate",
    "course",
    "promises",
    "standing",
]

FACTS = (
    ChargeRaised,
    ChargeCancelled,
    PaymentReceived,
    PaymentReversed,
    PaymentMovedOut,
    PaymentMovedIn,
    CreditRefunded,
    ChargeWaived,
    PurchaseMade,
    PurchaseRefunded,
    ChargeDisputed,
    DisputeDecided,
    DisputeWithdrawn,
    PaymentPromised,
    LateChargeClaimed,
    DebtAcknowledged,
)
"""Dealings of a household: nothing that was only proposed, and nothing of collection."""

FACT_NAMES = frozenset(kind.stored for kind in ACCOUNT_EVENTS if kind.cls in FACTS)
"""Their stored names."""
