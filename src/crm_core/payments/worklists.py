"""What waits for a decision on accounts and in collection (LOG-08)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from crm_core.kernel.worklists import EVERY, Waits, waiting
from crm_core.payments.acts import StepDone
from crm_core.payments.collection.commands import (
    CompleteStep,
    DecideHold,
    DecideStep,
    ProposeStep,
)
from crm_core.payments.collection.events import (
    COLLECTION_EVENTS,
    CollectionClosed,
    CollectionGradeChanged,
    CollectionHeld,
    HoldProposed,
    HoldRejected,
    StepApproved,
    StepOpened,
    StepProposed,
    StepRejected,
    StepSkipped,
)
from crm_core.payments.collection.policy import may_approve
from crm_core.payments.collection.state import Collection
from crm_core.payments.commands import (
    DecideDispute,
    DecideInstalments,
    DecideRefund,
    DecideWaiver,
    ProposeDisputeDecision,
)
from crm_core.payments.events import (
    ACCOUNT_EVENTS,
    PROPOSAL_EVENTS,
    ChargeDisputed,
    ChargeWaived,
    CreditRefunded,
    DisputeDecided,
    DisputeDecisionProposed,
    DisputeWithdrawn,
    InstalmentsProposed,
    PaymentPromised,
    ProposalRejected,
    RefundProposed,
    WaiverProposed,
)


def _rejected(what: str) -> Callable[[ProposalRejected], str | None]:
    return lambda event: event.number if event.what == what else None


def _named(field: str) -> Callable[[str, str], dict[str, object]]:
    return lambda subject, household: {"household": household, field: subject}


def _step(subject: str, household: str) -> dict[str, object]:
    return {"household": household, "step": int(subject)}


def _approves(state: Collection, subject: str, role: str) -> bool:
    """Whether the role is the one that the step needs, or stands above it (PAY-10)."""
    step = state.opened.get(int(subject))
    return step is not None and (step.approver is None or may_approve(role, step.approver))


def _number(event: Any) -> str:
    return str(event.step)


_OVER = {CollectionClosed: lambda _: EVERY, CollectionGradeChanged: lambda _: EVERY}
"""What is open of a case is void when it closes, and the steps of a grade with the grade."""

_ENDED = {StepDone: _number, StepSkipped: _number, **_OVER}

WORKLIST = waiting(
    "payments",
    {kind.cls: kind.stored for kind in (*ACCOUNT_EVENTS, *PROPOSAL_EVENTS, *COLLECTION_EVENTS)},
    (
        Waits(
            what="waiver",
            command=DecideWaiver,
            opens={WaiverProposed: lambda e: None if e.write_off else e.waiver},
            settles={ChargeWaived: lambda e: e.waiver, ProposalRejected: _rejected("waiver")},
            fields=_named("waiver"),
        ),
        Waits(
            what="write_off",
            command=DecideWaiver,
            opens={WaiverProposed: lambda e: e.waiver if e.write_off else None},
            settles={ChargeWaived: lambda e: e.waiver, ProposalRejected: _rejected("waiver")},
            fields=_named("waiver"),
        ),
        Waits(
            what="refund",
            command=DecideRefund,
            opens={RefundProposed: lambda e: e.refund},
            settles={CreditRefunded: lambda e: e.refund, ProposalRejected: _rejected("refund")},
            fields=_named("refund"),
        ),
        Waits(
            what="dispute",
            command=ProposeDisputeDecision,
            opens={
                ChargeDisputed: lambda e: e.dispute,
                ProposalRejected: _rejected("dispute_decision"),
            },
            settles={
                DisputeDecisionProposed: lambda e: e.dispute,
                DisputeDecided: lambda e: e.dispute,
                DisputeWithdrawn: lambda e: e.dispute,
            },
            fields=_named("dispute"),
        ),
        Waits(
            what="dispute_decision",
            command=DecideDispute,
            opens={DisputeDecisionProposed: lambda e: e.dispute},
            settles={
                DisputeDecided: lambda e: e.dispute,
                DisputeWithdrawn: lambda e: e.dispute,
                ProposalRejected: _rejected("dispute_decision"),
            },
            fields=_named("dispute"),
        ),
        Waits(
            what="instalments",
            command=DecideInstalments,
            opens={InstalmentsProposed: lambda e: e.promise},
            settles={PaymentPromised: lambda e: e.promise, ProposalRejected: _rejected("promise")},
            fields=_named("promise"),
        ),
        Waits(
            what="collection_step_to_propose",
            command=ProposeStep,
            opens={
                StepOpened: lambda e: None if e.approver is None else _number(e),
                StepRejected: _number,
            },
            settles={StepProposed: _number, StepApproved: _number, **_ENDED},
            fields=_step,
        ),
        Waits(
            what="collection_step_to_approve",
            command=DecideStep,
            opens={StepProposed: _number},
            settles={StepApproved: _number, StepRejected: _number, **_ENDED},
            fields=_step,
            allows=_approves,
        ),
        Waits(
            what="collection_step",
            command=CompleteStep,
            opens={
                StepOpened: lambda e: _number(e) if e.approver is None else None,
                StepApproved: _number,
            },
            settles=_ENDED,
            fields=_step,
        ),
        Waits(
            what="hold",
            command=DecideHold,
            opens={HoldProposed: lambda e: e.hold},
            settles={
                CollectionHeld: lambda e: e.hold,
                HoldRejected: lambda e: e.hold,
                CollectionClosed: lambda _: EVERY,
            },
            fields=_named("hold"),
        ),
    ),
)
