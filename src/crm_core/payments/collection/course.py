"""The course of a collection: which days bring something about, one after the other (PAY-10).

Only days are looked at on which something can change: a fact begins to count or comes to be known,
time alone makes a difference, a step of the case may begin, a period or a hold is over.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from crm_core.kernel.dates import local_date
from crm_core.kernel.recorded import KnownEvent
from crm_core.kernel.slice import Sight
from crm_core.kernel.tenures import ONE, Tenures
from crm_core.payments.acts import BILL, StepDone
from crm_core.payments.allocation_policy import AllocationPolicy, Epochs
from crm_core.payments.clauses import Allocations
from crm_core.payments.collection.arrears import ALWAYS, Arrears, Known
from crm_core.payments.collection.commands import CatchUpCollection
from crm_core.payments.collection.decide import COLLECTION, advanced, identity
from crm_core.payments.collection.dues import Day, Dues
from crm_core.payments.collection.events import CollectionHeld, HoldReleased, StepSkipped
from crm_core.payments.collection.evolve import evolve
from crm_core.payments.collection.policy import DEFAULT_COLLECTION, CollectionPolicy
from crm_core.payments.collection.state import Collection
from crm_core.payments.collection.watch import COLLECTED, OWED
from crm_core.payments.credit import GRADES, CreditPolicy
from crm_core.payments.decide import ACCOUNT
from crm_core.payments.events import (
    ChargeCancelled,
    ChargeCorrected,
    ChargeRaised,
    DisputeDecided,
    LateChargeClaimed,
    PaymentMovedIn,
    PaymentMovedOut,
    PaymentPromised,
    PaymentReceived,
)

_DAY, _LONG_BEFORE = timedelta(days=1), timedelta(days=366)

Tables = Callable[[date], tuple[CollectionPolicy, CreditPolicy]]
"""The ladder and the credit table in force on a day."""


class Told:
    """What the log tells of a household's arrears.

    Args:
        account: Events of its account, in the order of the log.
        whose: The tenures of the household, each time they came to be known otherwise.
        zone: Zone in which instants fall on days.
        by: By which policies the money of such an account is allocated.
        upto: The day that is asked about. What came to be known after it is taken as known all
            along: who asks about a day of the past knows it.
    """

    def __init__(
        self,
        account: Iterable[KnownEvent],
        whose: Iterable[tuple[datetime, Tenures]],
        zone: str,
        by: Callable[[Iterable[Any]], Epochs] = lambda _: (),
        upto: date = date.max,
    ) -> None:
        self._zone, self._upto = zone, upto
        self.facts: list[Known] = [
            (self._day(at), event) for _, at, event in account if type(event) in OWED
        ]
        self._epochs = by([event for _, event in self.facts])
        self._whose = [(self._day(at), one) for at, one in whose] or [(ALWAYS, ONE)]
        if self._whose[-1][0] == ALWAYS:
            del self._whose[:-1]
        self._turns = {day for day, _ in self._whose[1:]}
        for day, event in self.facts:
            self._turns.update(max(turn, day) for turn in _turns(event, day))

    def _day(self, at: datetime) -> date:
        """The day on which something came to be known at an instant."""
        day = local_date(at, self._zone)
        return day if day <= self._upto else ALWAYS

    @property
    def tenures(self) -> Tenures:
        """The tenures of the household as they are known now."""
        return self._whose[-1][1]

    def arrears(self, tenure: str) -> Arrears:
        """What one of the tenures owes."""
        return Arrears(self.facts, self._whose, tenure, self._epochs)

    def turns(self, collected: Iterable[KnownEvent]) -> list[date]:
        """Days on which something told begins or ends to count, and is known.

        Args:
            collected: Events of the collection of one tenure's arrears.
        """
        turns = set(self._turns)
        for _, at, event in collected:
            if type(event) in COLLECTED:
                day = self._day(at)
                turns.update(max(turn, day) for turn in _turns(event, day))
        return sorted(turns)


def _turns(event: Any, known: date) -> Iterable[date]:
    match event:
        case ChargeRaised() | LateChargeClaimed() | ChargeCorrected():
            # Of which nobody asks when it came to be known: in time for every bill.
            return (event.due - _LONG_BEFORE if known == ALWAYS else known,)
        case ChargeCancelled() | DisputeDecided():
            # What was never owed is void from the start: it counts as soon as it is known.
            return (event.on,) if known == ALWAYS else (event.on, known)
        case PaymentReceived() | PaymentMovedIn() | PaymentMovedOut():
            return (event.paid_on,)
        case PaymentPromised():
            return (event.on, *(part.due + _DAY for part in event.instalments))
        case StepDone() | CollectionHeld() | HoldReleased() | StepSkipped():
            return (event.on,)
        case _:
            on = getattr(event, "on", None)
            return () if on is None else (on,)


def told_of(household: str, sight: Sight, upto: date) -> Told:
    """What the log tells of a household, for who asks about a day."""
    account = sight.known(ACCOUNT, household)
    allocations, estate = Allocations(sight.every(AllocationPolicy)), sight.estate(household)
    whose = sight.tenures_known(household)
    by = partial(allocations.of, estate)
    return Told(account=account, whose=whose, zone=sight.zone, by=by, upto=upto)


def course_of(
    command: CatchUpCollection, state: Collection, sight: Sight, told: Told, *, first: bool = False
) -> tuple[tuple[Day, ...], date | None]:
    """The days that bring something about until the one that a command names, and the next one.

    The next one is the first that may bring something about; None if nothing is to be expected.

    Args:
        first: Whether no more than the first of these days is asked for, and nothing behind it.
    """

    def tables(on: date) -> tuple[CollectionPolicy, CreditPolicy]:
        policy = sight.policy(CollectionPolicy, DEFAULT_COLLECTION, on)
        return policy, sight.policy(CreditPolicy, policy.credit, on)

    tenure = command.tenure
    collected = (
        sight.known(COLLECTION, identity(command.household, tenure))
        if state.acts or state.holds
        else ()
    )
    turns = told.turns(collected)
    return course(command, state, told.arrears(tenure), turns, tables, first=first)


def course(
    command: CatchUpCollection,
    state: Collection,
    arrears: Arrears,
    turns: Sequence[date],
    tables: Tables,
    *,
    first: bool = False,
) -> tuple[tuple[Day, ...], date | None]:
    """The same, of arrears and the days on which what is known of them turns."""
    upto = command.upto
    if state.grade is None and arrears.settled(upto):
        # What was paid in full before anybody asked is not collected in hindsight.
        return (), next(iter(turns[bisect_right(turns, upto) :]), None)
    begins = {part.header.effective_from for part in tables(upto)}
    start = state.acted if state.acts else next(iter(turns), upto)
    days = sorted({start, *turns, *(day for day in begins if day is not None)})
    days = days[bisect_left(days, start) :]
    found: list[Day] = []
    on: date | None = start
    while on is not None and on <= upto:
        policy, credit = tables(on)
        ahead = max((-rung.from_day for rung in policy.steps if rung.act == BILL), default=0)
        began = None if state.grade is None else state.began
        after = days[bisect_right(days, on) :][:1]
        looked = arrears.look(on, credit, ahead=ahead, began=began)
        if looked is not None:
            due, turn = looked
            day = Day(on, due, policy)
            came = advanced(command, day, state)
            if came:
                found.append(day)
                if first:
                    return tuple(found), None
                for event in came:
                    state = evolve(state, event)
            after += _own_turns(on, state, due, policy)
            if turn is not None:
                after.append(turn)
        on = min(after, default=None)
    return tuple(found), on


def _own_turns(on: date, s: Collection, due: Dues, policy: CollectionPolicy) -> Iterable[date]:
    """Later days on which the case itself may go on."""
    for hold in s.holds.values():
        if hold.until >= on:
            yield hold.until + _DAY
    for rung in policy.of(GRADES[0]):
        for charge in due.upcoming:
            first = charge.due + timedelta(days=rung.from_day)
            if rung.act == BILL and first > on and not s.is_billed(charge):
                yield first
    if s.grade is None or s.waiting:
        return
    ladder = policy.of(s.grade, tenant=due.tenant)
    if s.steps < len(ladder):
        first = s.since + timedelta(days=ladder[s.steps].from_day)
        if first > on:
            yield first
    done = None if s.last is None else s.done.get(s.last)
    if done is not None and done.respond_by is not None and done.respond_by >= on:
        yield done.respond_by + _DAY
