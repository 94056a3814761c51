"""Payments: charges, payments, arrears, the credit grade that follows from them, and collection.

A fee can never depend on a grade: this slice cannot import `gradings` (PAY-14).
"""

from crm_core.kernel.roles import ACCOUNTS, LEADERS, MANAGEMENT, WORK
from crm_core.kernel.slice import Act, PolicyKind, Slice
from crm_core.payments.acts import Proof
from crm_core.payments.allocation import allocate
from crm_core.payments.allocation_policy import AllocationPolicy
from crm_core.payments.books import TrialBalance, postings, trial_balance
from crm_core.payments.collection.commands import (
    AdvanceCollection,
    CheckDefects,
    CompleteStep,
    ConfirmStep,
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
from crm_core.payments.collection.watch import WATCHED
from crm_core.payments.commands import (
    AcceptMovedPayment,
    AcknowledgeDebt,
    AgreeClause,
    ApproveRate,
    CancelCharge,
    ClaimLateCharge,
    DecideDispute,
    DecideInstalments,
    DecideRefund,
    DecideWaiver,
    DisputeCharge,
    EndClause,
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
    TakeBackWaiver,
    WithdrawDispute,
)
from crm_core.payments.credit import CreditPolicy, CreditStanding, credit_standing
from crm_core.payments.decide import ACCOUNT
from crm_core.payments.events import ACCOUNT_EVENTS, PROPOSAL_EVENTS, Instalment
from crm_core.payments.follows import CLOCK, NOTICES, REACTIONS
from crm_core.payments.late import LateChargePolicy, late_charges
from crm_core.payments.ledger import Ledger
from crm_core.payments.limitation import limits
from crm_core.payments.lookups import LOOK_UPS
from crm_core.payments.promises import promises
from crm_core.payments.state import Account
from crm_core.payments.worklists import PROMISES, WORKLIST

EVENTS = (*ACCOUNT_EVENTS, *PROPOSAL_EVENTS, *COLLECTION_EVENTS)

SLICE = Slice(
    name="payments",
    package=__name__,
    events=EVENTS,
    aggregates=(ACCOUNT, COLLECTION),
    readable={Account: ACCOUNT, Collection: COLLECTION},
    acts=(
        Act(RaiseCharge, ACCOUNTS, importable=True),
        Act(CancelCharge, ACCOUNTS),
        Act(ReceivePayment, ACCOUNTS, importable=True),
        Act(ReversePayment, ACCOUNTS),
        Act(MovePayment, ACCOUNTS),
        Act(RecordPurchase, (*ACCOUNTS, "sales"), importable=True),
        Act(ProposeRefund, ACCOUNTS),
        Act(DecideRefund, MANAGEMENT),
        Act(ProposeWaiver, ACCOUNTS),
        Act(DecideWaiver, MANAGEMENT),
        Act(TakeBackWaiver, MANAGEMENT),
        Act(DisputeCharge, ACCOUNTS),
        Act(ProposeDisputeDecision, ACCOUNTS),
        Act(DecideDispute, LEADERS),
        Act(WithdrawDispute, ACCOUNTS),
        Act(PromisePayment, ACCOUNTS),
        Act(ProposeInstalments, ACCOUNTS),
        Act(DecideInstalments, LEADERS),
        Act(ClaimLateCharge, (*MANAGEMENT, "finance")),
        Act(AcknowledgeDebt, ACCOUNTS),
        Act(AgreeClause, ACCOUNTS),
        Act(EndClause, ACCOUNTS),
        Act(ApproveRate, ("director",)),
        Act(AdvanceCollection, ACCOUNTS),
        Act(ProposeStep, ACCOUNTS),
        Act(DecideStep, LEADERS),
        Act(CompleteStep, ACCOUNTS),
        Act(ConfirmStep, (*WORK, "finance")),
        Act(SkipStep, LEADERS),
        Act(CheckDefects, (*WORK, "engineering")),
        Act(ProposeHold, ACCOUNTS),
        Act(DecideHold, LEADERS),
        Act(ReleaseHold, LEADERS),
    ),
    look_ups=LOOK_UPS,
    policies=(
        PolicyKind("allocation", AllocationPolicy, AllocationPolicy.parse, adoptable=True),
        PolicyKind("collection", CollectionPolicy, CollectionPolicy.parse),
        PolicyKind("credit", CreditPolicy, CreditPolicy.parse),
        PolicyKind("late-charge", LateChargePolicy, LateChargePolicy.parse),
    ),
    shipped=("policies",),
    projections=(WATCHED,),
    clock=CLOCK,
    reactions=REACTIONS,
    notices=NOTICES,
    worklists=(WORKLIST, PROMISES),
    data_map="data-map.toml",
)

__all__ = [
    "ACCOUNT",
    "COLLECTION",
    "EVENTS",
    "SLICE",
    "AcceptMovedPayment",
    "Account",
    "AcknowledgeDebt",
    "AdvanceCollection",
    "AgreeClause",
    "ApproveRate",
    "CancelCharge",
    "CheckDefects",
    "ClaimLateCharge",
    "Collection",
    "CollectionPolicy",
    "CompleteStep",
    "ConfirmStep",
    "CreditPolicy",
    "CreditStanding",
    "DecideDispute",
    "DecideHold",
    "DecideInstalments",
    "DecideRefund",
    "DecideStep",
    "DecideWaiver",
    "DisputeCharge",
    "EndClause",
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
    "TakeBackWaiver",
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
