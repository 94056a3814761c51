"""What payments publish as facts: all of this slice that gradings may see (GRD-15).

A new event of the slice is no fact before it stands in `FACTS`, where somebody has looked at it.
Beside the events stands what reads them: ledger, credit grade, ageing and promises.
"""

from __future__ import annotations

from crm_core.kernel.voiding import Voids
from crm_core.payments.allocation import allocate
from crm_core.payments.allocation_policy import Epochs
from crm_core.payments.clauses import ALLOCATION, USUAL, Allocations, others
from crm_core.payments.credit import (
    GRADES,
    MONTHS_OF_FEE,
    CreditPolicy,
    CreditStanding,
    course,
    credit_standing,
)
from crm_core.payments.events import (
    ACCOUNT_EVENTS,
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
    DisputeWithdrawn,
    LateChargeClaimed,
    PaymentMovedIn,
    PaymentMovedOut,
    PaymentPromised,
    PaymentReceived,
    PaymentReversed,
    PurchaseMade,
    PurchaseRefunded,
    PurchaseVoided,
    WaiverTakenBack,
)
from crm_core.payments.ledger import COSTS, REFUND, Charge, Ledger, ledgers
from crm_core.payments.promises import BROKEN, KEPT, promises, said_in
from crm_core.payments.views import Aged, aged

FACTS = (
    ChargeRaised,
    ChargeCorrected,
    ChargeCancelled,
    PaymentReceived,
    PaymentReversed,
    PaymentMovedOut,
    PaymentMovedIn,
    CreditRefunded,
    ChargeWaived,
    WaiverTakenBack,
    PurchaseMade,
    PurchaseRefunded,
    ChargeDisputed,
    DisputeDecided,
    DisputeWithdrawn,
    PaymentPromised,
    LateChargeClaimed,
    DebtAcknowledged,
    ClauseAgreed,
    ClauseEnded,
)
"""The events that are facts."""

FACT_NAMES = frozenset(kind.stored for kind in ACCOUNT_EVENTS if kind.cls in FACTS)
"""Their stored names."""

VOIDS: Voids = {
    PurchaseVoided: lambda void, event: (
        isinstance(event, PurchaseMade | PurchaseRefunded) and event.purchase == void.purchase
    ),
}
"""What takes back which facts of an account as if they had never been (IMP-01); of charges and
payments the ledger itself knows."""

VOID_NAMES = frozenset(kind.stored for kind in ACCOUNT_EVENTS if kind.cls in VOIDS)
"""Their stored names."""

__all__ = [
    "ALLOCATION",
    "BROKEN",
    "COSTS",
    "FACTS",
    "FACT_NAMES",
    "GRADES",
    "KEPT",
    "MONTHS_OF_FEE",
    "REFUND",
    "USUAL",
    "VOIDS",
    "VOID_NAMES",
    "Aged",
    "Allocations",
    "Charge",
    "ChargeCancelled",
    "ChargeCorrected",
    "ChargeDisputed",
    "ChargeRaised",
    "ChargeWaived",
    "ClauseAgreed",
    "ClauseEnded",
    "CreditPolicy",
    "CreditRefunded",
    "CreditStanding",
    "DebtAcknowledged",
    "DisputeDecided",
    "DisputeWithdrawn",
    "Epochs",
    "LateChargeClaimed",
    "Ledger",
    "PaymentMovedIn",
    "PaymentMovedOut",
    "PaymentPromised",
    "PaymentReceived",
    "PaymentReversed",
    "PurchaseMade",
    "PurchaseRefunded",
    "PurchaseVoided",
    "WaiverTakenBack",
    "aged",
    "allocate",
    "course",
    "credit_standing",
    "ledgers",
    "others",
    "promises",
    "said_in",
]
