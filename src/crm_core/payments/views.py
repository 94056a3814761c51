"""Arrears, statements and the credit table as people read them; every one true on its own day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import attrs
from attrs import define, field, frozen

from crm_core.kernel.dates import Period, local_date, sortable_text
from crm_core.kernel.projection import Projection, Put, Rows
from crm_core.kernel.recorded import Recorded
from crm_core.payments.books import postings
from crm_core.payments.collection import BILL, THANKS, CollectionPolicy
from crm_core.payments.credit import (
    DAYS,
    GRADES,
    MONTHS_OF_FEE,
    CreditPolicy,
    add_months,
    course,
    standing,
)
from crm_core.payments.events import (
    EVENTS,
    ChargeCancelled,
    ChargeDisputed,
    ChargeRaised,
    ChargeWaived,
    CollectionClosed,
    CollectionGradeChanged,
    CollectionHeld,
    CollectionOpened,
    CreditRefunded,
    DisputeDecided,
    DisputeWithdrawn,
    HoldReleased,
    LateChargeClaimed,
    PaymentMovedIn,
    PaymentMovedOut,
    PaymentPromised,
    PaymentReceived,
    PaymentReversed,
    StepDone,
    StepOpened,
    StepSkipped,
)
from crm_core.payments.late import LateChargePolicy, late_charges
from crm_core.payments.ledger import Ledger, allocate
from crm_core.payments.limitation import limits
from crm_core.payments.promises import promises

Facts = Iterable[tuple[Any, int]]
"""Events of one household with their positions, in the order of the log."""


def account_view(ledger: Ledger, on: date, policy: CreditPolicy) -> dict[str, Any]:
    """How the account stands at the end of a day, as plain data."""
    allocation = allocate(ledger, on)
    now = standing(ledger, on, policy)
    return {
        "credit": now.grade,
        "overdue_days": now.overdue_days,
        "overdue_fen": now.overdue_fen,
        "advance_fen": allocation.advance_fen,
        "unpaid": [
            {
                "charge": charge.number,
                "due": charge.due.isoformat(),
                "amount_fen": charge.amount_fen,
                "unpaid_fen": fen,
                "disputed_fen": allocation.disputed.get(charge.number, 0),
                "position": charge.position,
            }
            for charge, fen in allocation.unpaid
        ],
    }


# --- ageing ----------------------------------------------------------------------------------


@frozen
class Aged:
    """A household's arrears on a day.

    Args:
        grade: Credit grade.
        overdue_days: Days since the due date of the oldest unpaid, undisputed charge.
        overdue_fen: Unpaid, undisputed principal that is overdue.
        disputed_fen: Overdue principal that is in dispute and does not age.
        buckets: The overdue amount by the grade that each charge's own age falls into.
    """

    grade: str
    overdue_days: int
    overdue_fen: int
    disputed_fen: int
    buckets: Mapping[str, int]


def aged(ledger: Ledger, on: date, policy: CreditPolicy) -> Aged:
    """The arrears at the end of a day, of what the ledger knows.

    A table in months of the fee knows no age of a single charge: all falls into the bucket of the
    household's own grade.
    """
    now = standing(ledger, on, policy)
    allocation = allocate(ledger, on)
    buckets = dict.fromkeys(GRADES[1:], 0)
    for charge, fen in allocation.undisputed():
        if charge.due < on:
            of_amount = policy.unit == MONTHS_OF_FEE
            buckets[now.grade if of_amount else policy.grade(charge.due, on)] += fen
    disputed = sum(
        allocation.disputed.get(charge.number, 0)
        for charge, _ in allocation.unpaid
        if charge.due < on
    )
    return Aged(now.grade, now.overdue_days, now.overdue_fen, disputed, buckets)


@define
class Ageing:
    """Arrears added up over households: of a bucket, an estate, or everybody.

    Args:
        households: How many have arrears.
        overdue_fen: Unpaid, undisputed principal that is overdue.
        disputed_fen: Overdue principal in dispute.
        buckets: The overdue amount by bucket.
    """

    households: int = 0
    overdue_fen: int = 0
    disputed_fen: int = 0
    buckets: dict[str, int] = field(factory=lambda: dict.fromkeys(GRADES[1:], 0))

    def add(self, one: Aged) -> None:
        """Count one more household."""
        self.households += one.overdue_fen > 0
        self.overdue_fen += one.overdue_fen
        self.disputed_fen += one.disputed_fen
        for bucket, fen in one.buckets.items():
            self.buckets[bucket] += fen


# --- the statement of one account ------------------------------------------------------------


def statement(
    facts: Facts,
    on: date,
    policy: CreditPolicy,
    late: LateChargePolicy | None = None,
) -> dict[str, Any]:
    """A household's account on a day: every movement with the balance after it, and what is open.

    A balance above zero is owed by the household, one below zero is credit in advance. A charge
    moves it on its due date. Late charges are shown by a policy only if one is given.
    """
    facts = list(facts)
    ledger = Ledger.of(facts)
    view = account_view(ledger, on, policy)
    ends = {limit.charge: limit.ends_on for limit in limits(facts, on)}
    for row in view["unpaid"]:
        end = ends.get(row["charge"])
        row["limitation_ends"] = None if end is None else end.isoformat()
    balance = 0
    lines = []
    moves = [posting for posting in postings(facts) if posting.on <= on]
    for posting in sorted(moves, key=lambda p: (p.on, p.position)):
        fen = posting.amount_fen if posting.debit == "household" else -posting.amount_fen
        balance += fen
        lines.append(
            {
                "on": posting.on.isoformat(),
                "what": posting.what,
                "number": posting.number,
                "charge": posting.charge,
                "amount_fen": fen,
                "balance_fen": balance,
                "position": posting.position,
            }
        )
    found = () if late is None else late_charges(ledger, on, late)
    return {
        **view,
        "balance_fen": balance,
        "lines": lines,
        "late_unpaid_fen": sum(fen for _, fen in allocate(ledger, on).late),
        "late_charges": [
            {
                "charge": one.charge,
                "days": one.days,
                "amount_fen": one.amount_fen,
                "capped": one.capped,
            }
            for one in found
        ],
        "promises": [
            {
                "promise": one.promise.promise,
                "on": one.promise.on.isoformat(),
                "status": one.status,
                "promised_fen": sum(part.amount_fen for part in one.promise.instalments),
                "paid_fen": one.paid_fen,
                "last_due": one.promise.instalments[-1].due.isoformat(),
                "broken_on": None if one.broken_on is None else one.broken_on.isoformat(),
            }
            for one in promises((event for event, _ in facts), on)
        ],
    }


# --- the credit table (信用等级表) --------------------------------------------------------------


@frozen
class CreditRow:
    """A line of the credit table.

    Args:
        overdue_days: Days since the due date of the oldest unpaid, undisputed charge.
        disputed_fen: Overdue principal in dispute.
        worst: Worst grade on any day of the last twelve months (PAY-07).
        oldest: The oldest overdue charge, or None.
    """

    household: str
    estate: str
    grade: str
    overdue_days: int
    overdue_fen: int
    disputed_fen: int
    worst: str
    oldest: str | None


def credit_row(
    household: str, estate: str, ledger: Ledger, on: date, policy: CreditPolicy
) -> CreditRow:
    """A household's line on a day, of what the ledger knows."""
    now = standing(ledger, on, policy)
    over = course(ledger, last_twelve_months(on), policy)
    disputed = aged(ledger, on, policy).disputed_fen
    return CreditRow(
        household,
        estate,
        now.grade,
        now.overdue_days,
        now.overdue_fen,
        disputed,
        over.worst,
        now.oldest,
    )


def last_twelve_months(on: date) -> Period:
    """The twelve months that end with a day: from the day after the same day a year before."""
    before = add_months(on, -12)
    return Period(date.fromordinal(before.toordinal() + 1), on)


# --- whose collection is to be looked at -------------------------------------------------------

_DAY = timedelta(days=1)
_EARLIEST_ZONE, _NEVER = timedelta(hours=14), "~"


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
            return _NEVER
        days = [moment.on for moment in self.moments]
        days += [
            charge.due + _DAY if charge.billed else (charge.known - _EARLIEST_ZONE).date()
            for charge in self.charges
        ]
        if self.grade is not None:
            days.append(self.came)
        first = max(min(days, default=self.acted), self.acted, date(1, 1, 2))
        return sortable_text(datetime.combine(first, time(), UTC) - _EARLIEST_ZONE)

    def days(
        self, on: date, zone: str, policy: CollectionPolicy, credit: CreditPolicy
    ) -> tuple[date, ...]:
        """Days up to one on which collection may have something to do, in order.

        Args:
            policy: The ladder in force on that day.
            credit: Its credit table.
        """
        if self.settled(on):
            return ()
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
        return tuple(sorted(day for day in found if self.acted <= day <= on))


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
        charges.append(Asked(e.charge, e.due, e.amount_fen, at, billed=False))
    elif isinstance(e, LateChargeClaimed):
        charges.append(Asked(e.charge, e.due, e.amount_fen, at, billed=True))
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
    "payments.watched",
    1,
    Watched,
    frozenset(kind.stored for kind in EVENTS if kind.cls in _LOOKED_AT),
    _watch,
)
"""Households by the earliest day on which their collection may have something to do (PAY-10).

Never later than that day; who has paid everything comes behind all instants.
"""
