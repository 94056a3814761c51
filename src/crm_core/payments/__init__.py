"""Payments: charges, payments, arrears, the credit grade that follows from them, and collection.

A fee can never depend on a grade: this slice cannot import `gradings` (PAY-14).
"""

from crm_core.payments.acts import Proof
from crm_core.payments.books import TrialBalance, postings, trial_balance
from crm_core.payments.collection.commands import (
    AdvanceCollection,
    CheckDefects,
    CompleteStep,
    DecideHold,
    DecideStep,
    ProposeHold,
    ProposeStep,
    ReleaseHold,
    SkipStep,
)
from crm_core.payments.collection.decide import COLLECTION
from crm_core.payments.collection.events import COLLECTION_EVENTS
from crm_core.payments.collection.policy import CollectionPolicy
from crm_core.payments.collection.state import Collection
from crm_core.payments.commands import (
    AcceptMovedPayment,
    AcknowledgeDebt,
    CancelCharge,
    ClaimLateCharge,
    DecideDispute,
    DecideInstalments,
    DecideRefund,
    DecideWaiver,
    DisputeCharge,
    MovePayment,
    PromisePayment,
    ProposeDisputeDecision,
    ProposeInstalments,
    ProposeRefund,
    ProposeWaiver,
    RaiseCharge,
    ReceivePayment,
    RecordPurchase,
    ReversePayment,
    WithdrawDispute,
)
from crm_core.payments.credit import CreditPolicy, CreditStanding, credit_standing
from crm_core.payments.decide import ACCOUNT
from crm_core.payments.events import ACCOUNT_EVENTS, PROPOSAL_EVENTS, Instalment
from crm_core.payments.late import LateChargePolicy, late_charges
from crm_core.payments.ledger import Ledger, allocate
from crm_core.payments.limitation import limits
from crm_core.payments.promises import promises
from crm_core.payments.state import Account

__all__ = [
    "ACCOUNT",
    "COLLECTION",
    "EVENTS",
    "AcceptMovedPayment",
    "Account",
    "AcknowledgeDebt",
    "AdvanceCollection",
    "CancelCharge",
    "CheckDefects",
    "ClaimLateCharge",
    "Collection",
    "CollectionPolicy",
    "CompleteStep",
    "CreditPolicy",
    "CreditStanding",
    "DecideDispute",
    "DecideHold",
    "DecideInstalments",
    "DecideRefund",
    "DecideStep",
    "DecideWaiver",
    "DisputeCharge",
    "Instalment",
    "LateChargePolicy",
    "Ledger",
    "MovePayment",
    "PromisePayment",
    "Proof",
    "ProposeDisputeDecision",
    "ProposeHold",
    "ProposeInstalments",
    "ProposeRefund",
    "ProposeStep",
    "ProposeWaiver",
    "RaiseCharge",
    "ReceivePayment",
    "RecordPurchase",
    "ReleaseHold",
    "ReversePayment",
    "SkipStep",
    "TrialBalance",
    "WithdrawDispute",
    "allocate",
    "credit_standing",
    "late_charges",
    "limits",
    "postings",
    "promises",
    "trial_balance",
]

EVENTS = (*ACCOUNT_EVENTS, *PROPOSAL_EVENTS, *COLLECTION_EVENTS)
