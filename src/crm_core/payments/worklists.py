"""What waits for people on accounts and in collection: decisions, steps, promises (LOG-08)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from typing import Any

from crm_core.kernel.commands import act_of
from crm_core.kernel.dates import local_date, sortable_text, start_of_day
from crm_core.kernel.projection import Projection, Put, Remove, Rows
from crm_core.kernel.recorded import Recorded
from crm_core.kernel.tenures import FIRST
from crm_core.kernel.values import frozen
from crm_core.kernel.worklists import (
    EVERY,
    Asker,
    Task,
    Waits,
    Worklist,
    end_of_day,
    waiting,
)
from crm_core.payments.acts import BILL, THANKS, StepDone
from crm_core.payments.answers import reference
from crm_core.payments.collection.commands import (
    CompleteStep,
    ConfirmStep,
    DecideHold,
    DecideStep,
    ProposeStep,
)
from crm_core.payments.collection.decide import of_identity
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
    StepReported,
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
    ReceivePayment,
)
from crm_core.payments.events import (
    ACCOUNT_EVENTS,
    PROPOSAL_EVENTS,
    ChargeDisputed,
    ChargeRaised,
    ChargeWaived,
    CreditRefunded,
    DisputeDecided,
    DisputeDecisionProposed,
    DisputeWithdrawn,
    Instalment,
    InstalmentsProposed,
    PaymentPromised,
    PaymentReceived,
    ProposalRejected,
    RefundProposed,
    WaiverProposed,
)
from crm_core.payments.promises import OPEN, promises
from crm_core.payments.state import Account


def _rejected(what: str) -> Callable[[ProposalRejected], str | None]:
    return lambda event: event.number if event.what == what else None


def _named(field: str) -> Callable[[str, str], dict[str, object]]:
    return lambda subject, household: {"household": household, field: subject}


def _step(subject: str, collection: str) -> dict[str, object]:
    household, tenure = of_identity(collection)
    return {"household": household, "step": int(subject), "tenure": tenure}


def _hold(subject: str, collection: str) -> dict[str, object]:
    household, tenure = of_identity(collection)
    return {"household": household, "hold": subject, "tenure": tenure}


def _due(state: Collection, subject: str) -> date | None:
    step = state.opened.get(int(subject))
    return None if step is None else step.due


def _first_day(state: Collection, subject: str) -> date | None:
    """A hold that is decided later than the day it is to begin on came too late for that day."""
    hold = state.proposed.get(reference("hold", subject))
    return None if hold is None else hold.on


def _of_step(state: Collection, subject: str) -> dict[str, str]:
    step = state.opened.get(int(subject))
    if step is None:
        return {}
    told = {"step": step.act}
    return told if step.tenure == FIRST else {**told, "tenure": step.tenure}


def _approves(state: Collection, subject: str, role: str) -> bool:
    """Whether the role is the one that the step needs, or stands above it (PAY-10)."""
    step = state.opened.get(int(subject))
    return step is not None and (step.approver is None or may_approve(role, step.approver))


def _number(event: Any) -> str:
    return str(event.step)


_OVER = {CollectionClosed: lambda _: EVERY, CollectionGradeChanged: lambda _: EVERY}
"""What is open of a case is void when it closes, and the steps of a grade with the grade."""

_ENDED = {StepDone: _number, StepSkipped: _number, **_OVER}

_VOID = {StepDone: _number, StepSkipped: _number}
"""Bills and thanks are of no grade and outlive their case."""


def _to_do(event: StepOpened) -> str | None:
    return None if event.approver or event.act in (BILL, THANKS) else _number(event)


def _besides(act: str) -> Callable[[StepOpened], str | None]:
    return lambda event: _number(event) if event.act == act and event.approver is None else None


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
            due=_due,
            details=_of_step,
        ),
        Waits(
            what="collection_step_to_approve",
            command=DecideStep,
            opens={StepProposed: _number},
            settles={StepApproved: _number, StepRejected: _number, **_ENDED},
            fields=_step,
            allows=_approves,
            due=_due,
            details=_of_step,
        ),
        Waits(
            what="collection_step",
            command=CompleteStep,
            opens={StepOpened: _to_do, StepApproved: _number},
            settles={StepReported: _number, **_ENDED},
            fields=_step,
            due=_due,
            details=_of_step,
        ),
        Waits(
            what="collection_step_to_confirm",
            command=ConfirmStep,
            opens={StepReported: _number},
            settles=_ENDED,
            fields=_step,
            due=_due,
            details=_of_step,
        ),
        Waits(
            what="bill",
            command=CompleteStep,
            opens={StepOpened: _besides(BILL)},
            settles=_VOID,
            fields=_step,
            due=_due,
            details=_of_step,
        ),
        Waits(
            what="thanks",
            command=CompleteStep,
            opens={StepOpened: _besides(THANKS)},
            settles=_VOID,
            fields=_step,
            due=_due,
            details=_of_step,
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
            fields=_hold,
            due=_first_day,
        ),
    ),
)


# --- promises that break today (PAY-09) --------------------------------------------------------


@frozen
class Given:
    """A promise, and when its parts are due."""

    promise: str
    instalments: tuple[Instalment, ...]


@frozen
class Promised:
    """Promises of a household of which something may still be due."""

    household: str
    promises: tuple[Given, ...]


def _promise(rows: Rows[Promised], recorded: Recorded[Any]) -> Iterable[Put[Promised] | Remove]:
    event, home = recorded.event, recorded.household
    row = rows.get(home)
    # A day has begun everywhere when it is over where days begin first.
    day = (recorded.recorded - timedelta(hours=14)).date()
    kept = tuple(
        given
        for given in (() if row is None else row.promises)
        if given.instalments[-1].due >= day
        and not (isinstance(event, PaymentPromised) and event.replaces == given.promise)
    )
    # A promise of nothing is none; no decider makes one.
    if isinstance(event, PaymentPromised) and event.instalments:
        kept = (*kept, Given(event.promise, event.instalments))
    if row is not None and kept == row.promises:
        return ()
    if not kept:
        return () if row is None else (Remove(home),)
    first = min(given.instalments[0].due for given in kept)
    return (Put(home, Promised(home, kept), sortable_text(start_of_day(first))),)


def _breaking(row: Promised, asker: Asker) -> Iterable[Task]:
    """Promises that are broken tomorrow if what is due of them today is not paid."""
    today = local_date(asker.now, asker.zone)
    due = [g for g in row.promises if any(part.due == today for part in g.instalments)]
    command = ReceivePayment(
        household=row.household, payment="", amount_fen=0, paid_on=today, method=""
    )
    if not due or not asker.may(command):
        return
    account: Account = asker.state_of(command)
    standings = {one.promise.promise: one for one in promises(account.facts.values(), today)}
    for given in due:
        standing = standings.get(given.promise)
        needed = sum(part.amount_fen for part in given.instalments if part.due <= today)
        if standing is not None and standing.status == OPEN and standing.paid_fen < needed:
            yield Task(
                what="promise",
                subject=given.promise,
                household=row.household,
                act=act_of(ReceivePayment),
                since=start_of_day(today, asker.zone),
                due_at=end_of_day(today, asker.zone),
                because="role",
            )


PROMISES = Worklist(
    Projection(
        name="payments.promised",
        version=1,
        row=Promised,
        names=frozenset(
            kind.stored
            for kind in ACCOUNT_EVENTS
            if kind.cls in (PaymentPromised, PaymentReceived, ChargeRaised)
        ),
        apply=_promise,
    ),
    _breaking,
)
"""Promises of which something is due today."""
