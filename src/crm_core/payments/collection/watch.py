"""Whose collection the clock has to look at, and when: rows by the earliest day (PAY-10)."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple

import attrs
from attrs import frozen

from crm_core.kernel.dates import local_date, sortable_text
from crm_core.kernel.projection import Projection, Put, Rows
from crm_core.kernel.recorded import Recorded
from crm_core.kernel.ticking import NEVER
from crm_core.payments.acts import BILL, THANKS, StepDone
from crm_core.payments.collection.events import (
    COLLECTION_EVENTS,
    CollectionClosed,
    CollectionGradeChanged,
    CollectionHeld,
    CollectionOpened,
    HoldReleased,
    StepOpened,
    StepSkipped,
)
from crm_core.payments.collection.policy import CollectionPolicy
from crm_core.payments.credit import DAYS, GRADES, MONTHS_OF_FEE, CreditPolicy, add_months
from crm_core.payments.events import (
    ACCOUNT_EVENTS,
    ChargeCancelled,
    ChargeDisputed,
    ChargeRaised,
    ChargeWaived,
    CreditRefunded,
    DisputeDecided,
    DisputeWithdrawn,
    LateChargeClaimed,
    PaymentMovedIn,
    PaymentMovedOut,
    PaymentPromised,
    PaymentReceived,
    PaymentReversed,
)

_DAY = timedelta(days=1)
_EARLIEST_ZONE = timedelta(hours=14)


@frozen
class Asked:
    """A charge of a watched account.

    Args:
        amount_fen: What is asked, without what was waived or never owed.
        known: Since when the company knows of it.
        billed: Whether no bill can follow any more.
    """

    charge: str
    due: date
    amount_fen: int
    known: datetime
    billed: bool


@frozen
class Moment:
    """A day on which something begins or ends, and when that came to be known."""

    on: date
    known: datetime


@frozen
class Paid:
    """A payment that counts."""

    payment: str
    amount_fen: int


@frozen
class Contested:
    """A dispute, and the charge it is about."""

    dispute: str
    charge: str


class Days(NamedTuple):
    """Days to be looked at.

    Args:
        come: Those that have come, in order.
        next: The first that has not; None if there is none.
    """

    come: tuple[date, ...]
    next: date | None


@frozen
class Watched:
    """What of an account and its collection tells when a day may bring something about (PAY-10).

    It is no account: money is not allocated, and a look at the account itself decides.

    Args:
        known: When the latest fact came to be known.
        money_fen: Payments that count, without refunds.
        counts_from: From when all that was given counts.
        moments: Days on which a fact counts, a period ends, or a hold.
        grade: Credit grade at which a case stands; None while none is open.
        came: Day on which it came to this grade.
        waiting: Whether people have a step of the case in hand.
        acts: How many events of collection days brought about.
        acted: The latest of these days; none before is looked at.
    """

    household: str
    known: datetime
    charges: tuple[Asked, ...] = ()
    payments: tuple[Paid, ...] = ()
    disputes: tuple[Contested, ...] = ()
    money_fen: int = 0
    counts_from: date = date.min
    moments: tuple[Moment, ...] = ()
    grade: str | None = None
    came: date = date.min
    waiting: bool = False
    acts: int = 0
    acted: date = date.min

    def settled(self, on: date) -> bool:
        """Whether all that is asked is paid and no case is open: a day brings about nothing."""
        asked = sum(charge.amount_fen for charge in self.charges)
        return self.grade is None and asked <= self.money_fen and self.counts_from <= on

    def order(self) -> str:
        """The instant at which the earliest day to look at begins anywhere, as sortable text."""
        if self.settled(_day_of(self.known)):
            return NEVER
        days = [moment.on for moment in self.moments]
        days += [
            charge.due + _DAY if charge.billed else (charge.known - _EARLIEST_ZONE).date()
            for charge in self.charges
        ]
        if self.grade is not None:
            days.append(self.came)
        first = max(min(days, default=self.acted), self.acted, date(1, 1, 2))
        return sortable_text(datetime.combine(first, time(), UTC) - _EARLIEST_ZONE)

    def days(self, on: date, zone: str, policy: CollectionPolicy, credit: CreditPolicy) -> Days:
        """Days on which collection may have something to do.

        Args:
            on: The present day.
            policy: The ladder in force on that day.
            credit: Its credit table.
        """
        if self.settled(on):
            return Days((), None)
        found = {max(moment.on, local_date(moment.known, zone)) for moment in self.moments}
        first = min([local_date(c.known, zone) for c in self.charges], default=self.acted)
        begins = (policy.header.effective_from, credit.header.effective_from)
        found |= {day for day in begins if day is not None and day >= first}
        bills = [rung.from_day for rung in policy.of(GRADES[0]) if rung.act == BILL]
        for charge in self.charges:
            known = local_date(charge.known, zone)
            ends = [_end(charge.due, bucket.upto, credit) for bucket in credit.buckets]
            found |= {max(known, end + _DAY) for end in ends if end is not None}
            if not charge.billed:
                found |= {max(known, charge.due + timedelta(days=n)) for n in bills}
        if self.grade is not None and not self.waiting:
            rungs = policy.of(self.grade)
            found |= {self.came + timedelta(days=rung.from_day) for rung in rungs}
        come = tuple(sorted(day for day in found if self.acted <= day <= on))
        return Days(come, min((day for day in found if day > on), default=None))


def _end(due: date, upto: int | None, credit: CreditPolicy) -> date | None:
    """The last day of a bucket for what was due on a day."""
    if upto is None:
        return None
    if credit.unit == MONTHS_OF_FEE:
        return due
    return due + timedelta(days=upto) if credit.unit == DAYS else add_months(due, upto)


def _day_of(instant: datetime) -> date:
    """The day that it is where days begin first."""
    return (instant + _EARLIEST_ZONE).date()


def _watch(rows: Rows[Watched], recorded: Recorded[Any]) -> tuple[Put[Watched], ...]:
    home, event, at = recorded.household, recorded.event, recorded.recorded
    row = rows.get(home) or Watched(home, at)
    if at > row.known:
        row = attrs.evolve(row, known=at)
    row = _with_case(_with_money(_with_charges(row, event, at), event), event)
    moments = {*row.moments, *(Moment(day, at) for day in _moments(event, at))}
    last = _day_of(row.known)
    idle = row.settled(last)
    kept = [
        moment
        for moment in moments
        if moment.on > last or (not idle and max(moment.on, _day_of(moment.known)) >= row.acted)
    ]
    row = attrs.evolve(row, moments=tuple(sorted(kept, key=lambda m: (m.on, m.known))))
    return (Put(home, row, row.order()),)


def _with_charges(row: Watched, e: Any, at: datetime) -> Watched:
    charges, disputes = list(row.charges), row.disputes
    if isinstance(e, ChargeRaised):
        charges.append(
            Asked(charge=e.charge, due=e.due, amount_fen=e.amount_fen, known=at, billed=False)
        )
    elif isinstance(e, LateChargeClaimed):
        charges.append(
            Asked(charge=e.charge, due=e.due, amount_fen=e.amount_fen, known=at, billed=True)
        )
    elif isinstance(e, ChargeCancelled):
        charges = [charge for charge in charges if charge.charge != e.charge]
    elif isinstance(e, ChargeWaived):
        charges = [_less(charge, e.charge, e.amount_fen) for charge in charges]
    elif isinstance(e, ChargeDisputed):
        disputes = (*disputes, Contested(e.dispute, e.charge))
    elif isinstance(e, DisputeDecided):
        about = {one.charge for one in disputes if one.dispute == e.dispute}
        charges = [_less(c, c.charge, e.upheld_fen) if c.charge in about else c for c in charges]
    elif isinstance(e, StepOpened) and e.act == BILL:
        charges = [attrs.evolve(c, billed=c.billed or c.charge in e.charges) for c in charges]
    else:
        return row
    return attrs.evolve(row, charges=tuple(charges), disputes=disputes)


def _less(charge: Asked, number: str, fen: int) -> Asked:
    if charge.charge != number:
        return charge
    return attrs.evolve(charge, amount_fen=max(charge.amount_fen - fen, 0))


def _with_money(row: Watched, e: Any) -> Watched:
    if isinstance(e, PaymentReceived | PaymentMovedIn):
        return attrs.evolve(
            row,
            payments=(*row.payments, Paid(e.payment, e.amount_fen)),
            money_fen=row.money_fen + e.amount_fen,
            counts_from=max(row.counts_from, e.paid_on),
        )
    if isinstance(e, PaymentReversed | PaymentMovedOut):
        gone = sum(paid.amount_fen for paid in row.payments if paid.payment == e.payment)
        left = tuple(paid for paid in row.payments if paid.payment != e.payment)
        return attrs.evolve(row, payments=left, money_fen=row.money_fen - gone)
    if isinstance(e, CreditRefunded):
        return attrs.evolve(row, money_fen=row.money_fen - e.amount_fen)
    if isinstance(e, ChargeWaived):
        return attrs.evolve(row, counts_from=max(row.counts_from, e.on))
    return row


def _with_case(row: Watched, e: Any) -> Watched:
    if isinstance(e, StepDone | StepSkipped):
        # A bill or thanks that was done says nothing of the case; to look once more does no harm.
        return attrs.evolve(row, waiting=False)
    if isinstance(e, CollectionOpened | CollectionGradeChanged):
        row = attrs.evolve(row, grade=e.grade, came=e.on, waiting=False)
    elif isinstance(e, CollectionClosed):
        row = attrs.evolve(row, grade=None, waiting=False)
    elif isinstance(e, StepOpened):
        row = attrs.evolve(row, waiting=row.waiting or e.act not in (BILL, THANKS))
    else:
        return row
    return attrs.evolve(row, acts=row.acts + 1, acted=max(row.acted, e.on))


def _moments(e: Any, at: datetime) -> tuple[date, ...]:
    """Days on which what the event says begins or ends to count."""
    if isinstance(e, ChargeCancelled | DisputeDecided):
        # What was never owed is void from the start: it counts as soon as it is known.
        return (e.on, (at - _EARLIEST_ZONE).date())
    if isinstance(e, PaymentReceived | PaymentMovedIn | PaymentMovedOut):
        return (e.paid_on,)
    if isinstance(e, PaymentPromised):
        return (e.on, *(part.due + _DAY for part in e.instalments))
    if isinstance(e, CollectionHeld):
        return (e.on, e.until + _DAY)
    if isinstance(e, StepDone):
        return (e.on,) if e.respond_by is None else (e.on, e.respond_by + _DAY)
    return (e.on,) if isinstance(e, _TURNS) else ()


_TURNS = (
    ChargeCancelled, ChargeDisputed, ChargeWaived, CreditRefunded, DisputeDecided,
    DisputeWithdrawn, HoldReleased, PaymentReversed, StepSkipped,
)  # fmt: skip

_LOOKED_AT = (
    *_TURNS, ChargeRaised, LateChargeClaimed, PaymentReceived, PaymentMovedIn, PaymentMovedOut,
    PaymentPromised, CollectionHeld, CollectionOpened, CollectionGradeChanged, CollectionClosed,
    StepOpened, StepDone,
)  # fmt: skip

WATCHED = Projection(
    name="payments.watched",
    version=1,
    row=Watched,
    names=frozenset(
        kind.stored for kind in (*ACCOUNT_EVENTS, *COLLECTION_EVENTS) if kind.cls in _LOOKED_AT
    ),
    apply=_watch,
)
"""Households by the earliest day on which their collection may have something to do (PAY-10).

Never later than that day; who has paid everything comes behind all instants.
"""
