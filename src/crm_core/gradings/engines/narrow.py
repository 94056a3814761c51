"""The facts of a grading as narrow rows: one event, one row of plain values.

What `gather` and `Ledger` read from events, a columnar engine reads from these rows. Which events
there are, and what each says, is said here once; how rows are kept is an adapter's affair.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from enum import IntEnum
from typing import Any, NamedTuple

from crm_core.gradings.facts import opinion_key
from crm_core.kernel.recorded import Recorded
from crm_core.opinions.facts import SOURCES, OpinionRecorded, OpinionWithdrawn
from crm_core.owners.facts import (
    OWNING,
    ConductConfirmed,
    DebtorAgreed,
    DebtorReleased,
    HouseholdRegistered,
    HouseholdVoided,
    InterestRecorded,
    MemberAdded,
    RoleEnded,
    RoleEndVoided,
    RoleVoided,
)
from crm_core.payments.facts import (
    ALLOCATION,
    COSTS,
    ChargeCancelled,
    ChargeCorrected,
    ChargeDisputed,
    ChargeRaised,
    ChargeWaived,
    ClauseAgreed,
    CreditRefunded,
    DisputeDecided,
    DisputeWithdrawn,
    LateChargeClaimed,
    PaymentMovedIn,
    PaymentMovedOut,
    PaymentReceived,
    PaymentReversed,
    PurchaseMade,
    PurchaseRefunded,
    PurchaseVoided,
    WaiverTakenBack,
)
from crm_core.requests.facts import (
    KINDS,
    DuplicateUndone,
    MarkedDuplicate,
    Reclassified,
    RequestReceived,
    RequestVoided,
)


class Kind(IntEnum):
    """What a row says. The numbers stand in files that are kept.

    Money is told in narrow rows as long as charge and day say whose it is and what it settles; of
    what is `OF_MEMBER`, `IN_PARTS`, written off, taken back or owed by a tenant no more is told
    than that it is there.
    """

    REGISTERED = 1
    CHARGE = 2
    CANCELLED = 3
    PAYMENT = 4
    PAYMENT_BACK = 5
    REFUND = 6
    WAIVER = 7
    DISPUTE = 8
    DISPUTE_ENDED = 9
    LATE_CHARGE = 10
    PURCHASE = 11
    REQUEST = 12
    DUPLICATE = 13
    INTEREST = 14
    CONDUCT = 15
    RECLASSIFIED = 17
    UNDONE = 18
    CORRECTION = 19
    COSTS = 20
    OWNER = 21
    OWNER_ENDED = 22
    WRITE_OFF = 23
    TAKEN_BACK = 24
    OF_MEMBER = 25
    IN_PARTS = 26
    TENANT_OWES = 27
    CLAUSE = 28
    OPINION = 29
    OPINION_GONE = 30
    VOIDED = 31


class NarrowRow(NamedTuple):
    """One fact.

    Args:
        position: Of its event in the log.
        household: Whose.
        kind: A `Kind`.
        effective: The day from which it counts, as `date.toordinal` counts days; for a charge the
            day on which it falls due; of a request, which has an instant, the place of its kind in
            `KINDS` of requests.
        recorded: When the company knew, in microseconds since 1970-01-01T00:00Z.
        amount: Fen, negative where money is given back; for a dispute that ended what was upheld;
            for a request the instant it was received, in microseconds; for one that was
            reclassified the place of its kind now; for an opinion that of its source in `SOURCES`;
            of an owner the place of the role in `OWNING`. Else 0.
        reference: Number of the charge, payment, dispute or request it is or is about; of a
            household the estate it is in; of an owner the member.
        other: The charge that money names, that a dispute is about, a late charge belongs to or a
            negative bill corrects;
            the request that another is a duplicate of, or follows; the one an opinion is about.
    """

    position: int
    household: str
    kind: int
    effective: int
    recorded: int
    amount: int
    reference: str | None
    other: str | None


Said = tuple[Kind, int, int, str | None, str | None]
"""Kind, effective, amount, reference, other."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def microseconds(instant: datetime) -> int:
    """Microseconds since 1970-01-01T00:00Z."""
    return (instant - _EPOCH) // _MICROSECOND


def instant_of(microseconds: int) -> datetime:
    """The instant so many microseconds behind 1970-01-01T00:00Z."""
    return _EPOCH + microseconds * _MICROSECOND


def narrow(recorded: Recorded[Any]) -> NarrowRow | None:
    """The row of an event, or None for one that says nothing to a grading."""
    event = recorded.envelope.data
    say = _SAY.get(type(event))
    said = None if say is None else say(event)
    if said is None:
        return None
    kind, effective, amount, reference, other = said
    instant = microseconds(recorded.envelope.recorded)
    return NarrowRow(
        recorded.position,
        recorded.household,
        int(kind),
        effective,
        instant,
        amount,
        reference,
        other,
    )


def _say(
    kind: Kind, on: date, amount: int = 0, reference: str | None = None, other: str | None = None
) -> Said:
    return kind, on.toordinal(), amount, reference, other


def _charge(e: ChargeRaised) -> Said:
    if e.debtor is not None:
        return _say(Kind.OF_MEMBER, e.due, e.amount_fen, e.charge)
    kind = Kind.COSTS if e.kind == COSTS else Kind.CHARGE
    return _say(kind, e.due, e.amount_fen, e.charge)


def _payment(e: PaymentReceived | PaymentMovedIn) -> Said:
    if e.payer is not None:
        return _say(Kind.OF_MEMBER, e.paid_on, e.amount_fen, e.payment)
    if e.parts:
        return _say(Kind.IN_PARTS, e.paid_on, e.amount_fen, e.payment)
    return _say(Kind.PAYMENT, e.paid_on, e.amount_fen, e.payment, e.charge)


def _clause(e: ClauseAgreed) -> Said | None:
    return _say(Kind.CLAUSE, e.on, 0, e.clause) if e.subject == ALLOCATION else None


def _waiver(e: ChargeWaived) -> Said:
    kind = Kind.WRITE_OFF if e.write_off else Kind.WAIVER
    return _say(kind, e.on, e.amount_fen, e.waiver, e.charge)


def _role(e: MemberAdded) -> Said | None:
    # Whose the household is; other roles, and who holds any, say nothing here.
    if e.role not in OWNING:
        return None
    return _say(Kind.OWNER, e.since, OWNING.index(e.role), e.member)


def _role_ended(e: RoleEnded) -> Said | None:
    if e.role not in OWNING:
        return None
    return _say(Kind.OWNER_ENDED, e.until, OWNING.index(e.role), e.member)


def _request(e: RequestReceived) -> Said:
    return Kind.REQUEST, KINDS.index(e.kind), microseconds(e.received_at), e.request, e.follows


_SAY: dict[type, Callable[[Any], Said | None]] = {
    HouseholdRegistered: lambda e: (Kind.REGISTERED, 0, 0, e.estate, None),
    MemberAdded: _role,
    RoleEnded: _role_ended,
    DebtorAgreed: lambda e: _say(Kind.TENANT_OWES, e.since, 0, e.agreement),
    DebtorReleased: lambda e: _say(Kind.TENANT_OWES, e.until, 0, e.agreement),
    ChargeRaised: _charge,
    ClauseAgreed: _clause,
    ChargeCorrected: lambda e: _say(Kind.CORRECTION, e.due, e.amount_fen, e.charge, e.of),
    ChargeCancelled: lambda e: _say(Kind.CANCELLED, e.on, 0, e.charge),
    PaymentReceived: _payment,
    PaymentMovedIn: _payment,
    PaymentReversed: lambda e: _say(Kind.PAYMENT_BACK, e.on, 0, e.payment),
    PaymentMovedOut: lambda e: _say(Kind.PAYMENT_BACK, e.paid_on, 0, e.payment),
    CreditRefunded: lambda e: _say(Kind.REFUND, e.on, -e.amount_fen),
    ChargeWaived: _waiver,
    WaiverTakenBack: lambda e: _say(Kind.TAKEN_BACK, e.on, 0, e.waiver),
    ChargeDisputed: lambda e: _say(Kind.DISPUTE, e.on, e.amount_fen, e.dispute, e.charge),
    DisputeDecided: lambda e: _say(Kind.DISPUTE_ENDED, e.on, e.upheld_fen, e.dispute),
    DisputeWithdrawn: lambda e: _say(Kind.DISPUTE_ENDED, e.on, 0, e.dispute),
    LateChargeClaimed: lambda e: _say(Kind.LATE_CHARGE, e.due, e.amount_fen, e.charge, e.of),
    PurchaseMade: lambda e: _say(Kind.PURCHASE, e.on, e.amount_fen),
    PurchaseRefunded: lambda e: _say(Kind.PURCHASE, e.on, -e.amount_fen),
    RequestReceived: _request,
    Reclassified: lambda e: (Kind.RECLASSIFIED, 0, KINDS.index(e.kind), e.request, None),
    OpinionRecorded: lambda e: _say(
        Kind.OPINION, e.on, SOURCES.index(e.source), opinion_key(e.opinion), e.about
    ),
    OpinionWithdrawn: lambda e: _say(Kind.OPINION_GONE, e.on, 0, opinion_key(e.opinion)),
    MarkedDuplicate: lambda e: (Kind.DUPLICATE, 0, 0, e.request, e.of),
    DuplicateUndone: lambda e: (Kind.UNDONE, 0, 0, e.request, None),
    InterestRecorded: lambda e: _say(Kind.INTEREST, e.on),
    ConductConfirmed: lambda e: _say(Kind.CONDUCT, e.on),
    # Where something never was, no more is told than that: the events decide.
    HouseholdVoided: lambda e: _say(Kind.VOIDED, e.on),
    RoleVoided: lambda e: _say(Kind.VOIDED, e.since),
    RoleEndVoided: lambda e: _say(Kind.VOIDED, e.until),
    PurchaseVoided: lambda e: _say(Kind.VOIDED, e.on),
    RequestVoided: lambda _: (Kind.VOIDED, 0, 0, None, None),
}
