"""Payments: charges, payments, arrears and the credit grade that follows from them.

A fee can never depend on a grade: this slice cannot import `gradings` (PAY-14).
"""

from crm_core.payments.commands import (
    AcceptMovedPayment,
    CancelCharge,
    MovePayment,
    RaiseCharge,
    ReceivePayment,
    RecordPurchase,
    RefundCredit,
    ReversePayment,
    WaiveCharge,
)
from crm_core.payments.credit import CreditPolicy, Standing, standing
from crm_core.payments.decide import ACCOUNT
from crm_core.payments.events import EVENTS
from crm_core.payments.ledger import Ledger, allocate, trial_balance
from crm_core.payments.state import Account

__all__ = [
    "ACCOUNT",
    "EVENTS",
    "AcceptMovedPayment",
    "Account",
    "CancelCharge",
    "CreditPolicy",
    "Ledger",
    "MovePayment",
    "RaiseCharge",
    "ReceivePayment",
    "RecordPurchase",
    "RefundCredit",
    "ReversePayment",
    "Standing",
    "WaiveCharge",
    "allocate",
    "standing",
    "trial_balance",
]
