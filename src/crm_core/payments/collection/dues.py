"""What the collection of an account's arrears has to know of it on a day.

It is always that of one tenure: who owes the arrears is asked for them, whoever owns the household
by now (PAY-16).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from operator import attrgetter
from typing import Any

from attrs import define, field, frozen

from crm_core.kernel.tenures import FIRST, ONE, Tenures
from crm_core.payments.allocation import allocate
from crm_core.payments.collection.policy import CollectionPolicy
from crm_core.payments.credit import (
    GRADES,
    MONTHS_OF_FEE,
    CreditPolicy,
    credit_standing,
)
from crm_core.payments.events import (
    ChargeCancelled,
    ChargeCorrected,
    ChargeDisputed,
    ChargeRaised,
    ChargeWaived,
    DisputeDecided,
    PaymentMovedIn,
    PaymentMovedOut,
    PaymentPromised,
    PaymentReceived,
    PaymentReversed,
)
from crm_core.payments.ledger import (
    COSTS,
    LATE_CHARGE,
    REFUND,
    Charge,
    Ledger,
    Settlement,
    ledgers,
    whose,
)
from crm_core.payments.promises import open_promise, promises
from crm_core.payments.state import Account

_DAY = timedelta(days=1)

_MONEY = (PaymentReceived, PaymentMovedIn, PaymentReversed, PaymentMovedOut)

_NOT_BILLED = (LATE_CHARGE, COSTS, REFUND)
"""What nobody is sent a bill for before it falls due: it follows from something that is over."""


@frozen
class Upcoming:
    """A charge that is not due yet."""

    charge: str
    due: date


@frozen
class Dues:
    """What an account says to the collection of its arrears on a day.

    Args:
        grade: Credit grade.
        charges: Charges that are overdue and undisputed, oldest first.
        upcoming: Charges that are not due yet and not paid, soonest first.
        promised: Whether a promise to pay is being kept.
        tenant: Whether who owes does so as a tenant, by contract.
        paid: Whether it was money that settled what the open case was about (PAY-10).
    """

    grade: str
    charges: tuple[str, ...] = ()
    upcoming: tuple[Upcoming, ...] = ()
    promised: bool = False
    tenant: bool = False
    paid: bool = False


@frozen
class Day:
    """A day that brings something about in a collection, and what there is to know of it."""

    on: date
    dues: Dues
    policy: CollectionPolicy


def dues(
    account: Account,
    on: date,
    credit: CreditPolicy,
    *,
    tenures: Tenures = ONE,
    tenure: str = FIRST,
    began: date | None = None,
) -> Dues | None:
    """What an account says of one tenure's arrears on a day; None if there is no such tenure.

    Args:
        began: Day on which the case that is open was opened, if one is.
    """
    index = tenures.find(tenure)
    if index is None:
        return None
    return Arrears([*account.facts.values()], tenures, index).look(on, credit, began=began)[0]


def ledger_of(facts: Sequence[Any], tenures: Tenures, index: int) -> Ledger:
    """What is asked of one tenure of a household, and what it gave."""
    return ledgers(((fact, place) for place, fact in enumerate(facts, 1)), tenures)[index]


class Arrears:
    """The arrears of one tenure, as known now: made once, and asked about many days.

    Days that are asked about in their order cost what changes between them, on an account that has
    nothing but charges and money; on any other they cost what there is.

    Args:
        facts: Events of the account, in the order of the log.
        known: The day on which each charge came to be known; those not named always were.
    """

    def __init__(
        self,
        facts: Sequence[Any],
        tenures: Tenures = ONE,
        index: int = 0,
        known: Mapping[str, date] | None = None,
    ) -> None:
        self._facts, self._tenures, self._index = facts, tenures, index
        self._known = known or {}
        self._tenant = tenures.every[index].tenant
        self._ledger = ledger_of(facts, tenures, index)
        self._running = _Running(self._ledger) if self._ledger.plain else None
        self._promised = [
            fact
            for fact in facts
            if isinstance(fact, PaymentPromised) and self._says(fact.word.member, fact.on)
        ]
        self._owing: set[date] = set()

    def settled(self, on: date) -> bool:
        """Whether nothing at all is asked any more that was not paid by a day."""
        found = allocate(self._ledger, on)
        return not (found.unpaid or found.late or found.upcoming)

    def look(
        self,
        on: date,
        credit: CreditPolicy,
        *,
        ahead: int | None = None,
        began: date | None = None,
    ) -> tuple[Dues, date | None]:
        """What is due on a day, and the next day on which time alone may change that.

        Args:
            ahead: How many days before a charge falls due somebody wants to hear of it; None for
                all charges that are known.
            began: Day on which the case that is open was opened, if one is.
        """
        overdue, coming = self._open(on)
        grade, turn = _graded(overdue, on, credit, self._ledger)
        last = None if ahead is None or on > date.max - ahead * _DAY else on + ahead * _DAY
        soon = len(coming) if last is None else bisect_right(coming, last, key=_due_of)
        turns = [] if turn is None else [turn]
        if coming and (not overdue or credit.unit == MONTHS_OF_FEE):
            turns.append(coming[0].due + _DAY)
        if soon < len(coming) and ahead is not None:
            turns.append(coming[soon].due - ahead * _DAY)
        told = Dues(
            grade=grade,
            charges=tuple([charge.number for charge in overdue]),
            upcoming=tuple(
                Upcoming(c.number, c.due)
                for c in coming[:soon]
                if c.kind not in _NOT_BILLED and self._known.get(c.number, on) <= on
            ),
            promised=self._is_promised(on),
            tenant=self._tenant,
            paid=grade == GRADES[0] and began is not None and self._paid(began, on, credit),
        )
        if grade != GRADES[0]:
            self._owing.add(on)
        return told, min(turns, default=None)

    # --- what is open --------------------------------------------------------------------

    def _open(self, on: date) -> tuple[Sequence[Charge], Sequence[Charge]]:
        """Undisputed charges of which something is open: those that are overdue, and the others."""
        if self._running is not None:
            return self._running.open(on)
        found = allocate(self._ledger, on)
        disputed = self._ledger.disputed_on(on)
        due = [charge for charge, _ in found.undisputed()]
        later = [c for c, fen in found.upcoming if fen > disputed.get(c.number, 0)]
        at = bisect_left(due, on, key=_due_of)
        return due[:at], sorted([*due[at:], *later], key=_due_of)

    # --- promises, and what ends a case ---------------------------------------------------

    def _says(self, member: str, on: date) -> bool:
        """Whether it is who owes in this tenure that says something on a day."""
        return whose(self._tenures, member, on) == self._index

    def _is_promised(self, on: date) -> bool:
        if not any(one.on <= on <= one.instalments[-1].due for one in self._promised):
            return False
        money = (fact for fact in self._facts if isinstance(fact, _MONEY))
        return open_promise(promises((*self._promised, *money), on)) is not None

    def _paid(self, began: date, on: date, credit: CreditPolicy) -> bool:
        """Whether money alone can have brought about that nothing is overdue any more.

        It can if something still was when anything else had its last say since the case was
        opened: a dispute, a waiver, a write-off, a cancellation, a correction.
        """
        said = max([began, *(day for day in self._reliefs() if began <= day <= on)])
        if said in self._owing:
            return True
        # What was paid on that very day may have come after it.
        before = [f for f in self._facts if not (_is_payment(f) and f.paid_on == said)]
        ledger = ledger_of(before, self._tenures, self._index)
        return credit_standing(ledger, said, credit).grade != GRADES[0]

    def _reliefs(self) -> Iterable[date]:
        """Days on which something other than money took away from what was asked."""
        mine = {
            fact.charge
            for fact in self._facts
            if isinstance(fact, ChargeRaised) and self._owes(fact)
        }
        about: dict[str, str] = {}
        for fact in self._facts:
            match fact:
                case ChargeDisputed():
                    about[fact.dispute] = fact.charge
                    charge, on = fact.charge, fact.on
                case DisputeDecided() if fact.upheld_fen:
                    charge, on = about.get(fact.dispute, ""), fact.on
                case ChargeWaived() | ChargeCancelled():
                    charge, on = fact.charge, fact.on
                case ChargeCorrected():
                    charge, on = fact.of, fact.due
                case _:
                    continue
            if charge in mine:
                yield on

    def _owes(self, fact: ChargeRaised) -> bool:
        return whose(self._tenures, fact.debtor, fact.due) == self._index


def _is_payment(fact: Any) -> bool:
    return isinstance(fact, PaymentReceived | PaymentMovedIn)


_due_of = attrgetter("due")


def _graded(
    overdue: Sequence[Charge], on: date, credit: CreditPolicy, ledger: Ledger
) -> tuple[str, date | None]:
    """The grade of a day, and the first day of the next one if nothing is paid."""
    if not overdue:
        return GRADES[0], None
    if credit.unit == MONTHS_OF_FEE:
        return credit_standing(ledger, on, credit).grade, None
    oldest = overdue[0].due
    return credit.grade(oldest, on), next((d for d in credit.begins(oldest) if d > on), None)


@define
class _Running:
    """What is open of charges when money comes day by day, each day for what changes on it.

    A sum that names a charge settles it; all that is left over settles the first charges that it
    reaches, oldest due first (PAY-02). It says what `allocate` says of the same ledger.

    Args:
        needs: What no money with a name has settled, by charge.
        live: Which of them are above zero, in order.
        reached: The first charge that the money without a name does not settle in full.
        left: What of that money those before it have left.
    """

    ledger: Ledger
    needs: list[int] = field(init=False)
    live: list[int] = field(init=False)
    named: dict[str, int] = field(init=False)
    place: dict[str, int] = field(init=False)
    reached: int = field(init=False)
    left: int = field(init=False)
    at: int = field(init=False)
    day: date = field(init=False)

    def __attrs_post_init__(self) -> None:
        charges = self.ledger.charges
        self.needs = [charge.amount_fen for charge in charges]
        self.live = [index for index, need in enumerate(self.needs) if need]
        self.named = {}
        self.place = {charge.number: index for index, charge in enumerate(charges)}
        self.reached = self.left = self.at = 0
        self.day = date.min

    def open(self, on: date) -> tuple[list[Charge], Sequence[Charge]]:
        """Charges of which something is open on a day: those that are overdue, and the others."""
        if on < self.day:
            self.__attrs_post_init__()
        self.day = on
        settlements = self.ledger.settlements
        while self.at < len(settlements) and settlements[self.at].effective <= on:
            self._take(settlements[self.at])
            self.at += 1
        charges = self.ledger.charges
        first = bisect_left(self.live, self.reached)
        due = bisect_left(charges, on, key=_due_of)
        middle = max(first, bisect_left(self.live, due))
        return (
            [charges[index] for index in self.live[first:middle]],
            _Picked(charges, self.live, middle),
        )

    def _take(self, settlement: Settlement) -> None:
        number, fen = settlement.charge, settlement.amount_fen
        index = None if number is None else self.place.get(number)
        if number is not None and index is not None:
            amount = self.ledger.charges[index].amount_fen
            given = self.named.get(number, 0)
            self.named[number] = given + fen
            used = min(max(given + fen, 0), amount) - min(max(given, 0), amount)
            self._need(index, -used)
            fen -= used
        self.left += fen
        self._reach()

    def _need(self, index: int, fen: int) -> None:
        """A charge needs so much more."""
        before = self.needs[index]
        self.needs[index] = before + fen
        if index < self.reached:
            self.left -= fen
        if before and not self.needs[index]:
            del self.live[bisect_left(self.live, index)]
        elif not before and self.needs[index]:
            insort(self.live, index)

    def _reach(self) -> None:
        needs = self.needs
        while self.left < 0 < self.reached:
            self.reached -= 1
            self.left += needs[self.reached]
        while self.reached < len(needs) and needs[self.reached] <= self.left:
            self.left -= needs[self.reached]
            self.reached += 1


@frozen
class _Picked(Sequence[Charge]):
    """Some of the charges, picked when they are asked for: mostly only the first few are."""

    charges: Sequence[Charge]
    live: Sequence[int]
    start: int

    def __len__(self) -> int:
        return len(self.live) - self.start

    def __getitem__(self, at: Any) -> Any:
        if isinstance(at, slice):
            begin, end, _ = at.indices(len(self))
            found = self.live[self.start + begin : self.start + end]
            return [self.charges[index] for index in found]
        if not -len(self) <= at < len(self):
            raise IndexError(at)
        return self.charges[self.live[self.start + at % len(self)]]
