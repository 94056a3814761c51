"""What one tenure of a household owes, asked about day after day (PAY-10, PAY-16)."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from operator import attrgetter
from typing import Any

from attrs import field

from crm_core.kernel.tenures import FIRST, ONE, Tenures
from crm_core.kernel.values import define, frozen
from crm_core.payments.allocation import allocate
from crm_core.payments.allocation_policy import Epochs
from crm_core.payments.collection.dues import Dues, Upcoming
from crm_core.payments.credit import GRADES, MONTHS_OF_FEE, CreditPolicy, credit_standing
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

_FROM_THE_START = (ChargeCancelled, ChargeCorrected, DisputeDecided)
"""What was never owed is void from the start: before such a fact is known, it was owed."""

_NOT_BILLED = (LATE_CHARGE, COSTS, REFUND)
"""What nobody is sent a bill for before it falls due: it follows from something that is over."""

ALWAYS = date.min
"""The day on which something came to be known of which nobody asks when."""

Known = tuple[date, Any]
"""An event of an account, and the day on which it came to be known."""


def dues(
    account: Account,
    on: date,
    credit: CreditPolicy,
    *,
    tenures: Tenures = ONE,
    tenure: str = FIRST,
    began: date | None = None,
    epochs: Epochs = (),
) -> Dues | None:
    """What an account says of one tenure's arrears on a day; None if there is no such tenure.

    Args:
        began: Day on which the case that is open was opened, if one is.
        epochs: By which policies the money of the account is allocated.
    """
    facts = [(ALWAYS, fact) for fact in account.facts.values()]
    found = Arrears(facts, ((ALWAYS, tenures),), tenure, epochs).look(on, credit, began=began)
    return None if found is None else found[0]


class Arrears:
    """The arrears of one tenure: made once, and asked about many days.

    What is said of a day is what was known on it, so whoever asks late is told the same as who
    asked in time. Days that are asked about in their order cost what changes between them, where
    there is nothing but charges and money; elsewhere they cost what there is.

    Args:
        facts: Events of the account, in the order of the log.
        whose: The tenures of the household, each time they came to be known otherwise.
        tenure: Key of the one whose arrears they are.
        epochs: By which policies the money of the account is allocated.
    """

    def __init__(
        self,
        facts: Sequence[Known],
        whose: Sequence[tuple[date, Tenures]] = ((ALWAYS, ONE),),
        tenure: str = FIRST,
        epochs: Epochs = (),
    ) -> None:
        self._facts, self._whose, self._tenure = facts, whose, tenure
        self._epochs = epochs
        numbers = Counter(number for _, fact in facts if (number := _number(fact)) is not None)
        self._again = {number for number, times in numbers.items() if times > 1}
        self._late = sorted(day for day, fact in facts if self._is_late(day, fact))
        self._views: dict[int, _View | None] = {}
        self._view: tuple[tuple[int, int], _View | None] = ((-1, 0), None)
        self._owing: set[date] = set()

    def settled(self, on: date) -> bool:
        """Whether nothing at all is asked any more that was not paid by a day, as known now."""
        view = self._view_of(self._facts, self._whose[-1][1])
        if view is None:
            return True
        found = allocate(view.ledger, on)
        return not (found.unpaid or found.late or found.upcoming)

    def look(
        self,
        on: date,
        credit: CreditPolicy,
        *,
        ahead: int | None = None,
        began: date | None = None,
    ) -> tuple[Dues, date | None] | None:
        """What is due on a day, and the next day on which time alone may change that.

        Args:
            ahead: How many days before a charge falls due somebody wants to hear of it; None for
                all charges that are known.
            began: Day on which the case that is open was opened, if one is.

        Returns:
            None if nobody knew of such a tenure on that day.
        """
        view = self._known_on(on)
        if view is None:
            return None
        overdue, coming = view.open(on)
        grade, turn = _graded(overdue, on, credit, view.ledger)
        last = None if ahead is None or on > date.max - ahead * _DAY else on + ahead * _DAY
        soon = len(coming) if last is None else bisect_right(coming, last, key=_due_of)
        turns = [] if turn is None else [turn]
        if coming and (not overdue or credit.unit == MONTHS_OF_FEE):
            turns.append(coming[0].due + _DAY)
        if soon < len(coming) and ahead is not None:
            turns.append(coming[soon].due - ahead * _DAY)
        found = Dues(
            grade=grade,
            charges=tuple([charge.number for charge in overdue]),
            upcoming=tuple(
                Upcoming(c.number, c.due, view.known[c.position - 1])
                for c in coming[:soon]
                if c.kind not in _NOT_BILLED and view.known[c.position - 1] <= on
            ),
            promised=view.is_promised(on),
            tenant=view.tenures.every[view.index].tenant,
            paid=grade == GRADES[0] and began is not None and self._paid(view, began, on, credit),
        )
        if grade != GRADES[0]:
            self._owing.add(on)
        return found, min(turns, default=None)

    def _paid(self, view: _View, began: date, on: date, credit: CreditPolicy) -> bool:
        """Whether money alone can have brought about that nothing is overdue any more.

        It can if something still was when anything else had its last say since the case was
        opened: a dispute, a waiver, a write-off, a cancellation, a correction.
        """
        said = max([began, *(day for day in view.reliefs() if began <= day <= on)])
        if said == began and said in self._owing and not self._learnt(began, on):
            return True
        # What was paid on that very day may have come after it.
        before = [
            fact
            for known, fact in self._facts
            if known <= on and not (_is_payment(fact) and fact.paid_on == said)
        ]
        ledger = _ledger(before, view.tenures, view.index, self._epochs)
        return credit_standing(ledger, said, credit).grade != GRADES[0]

    def _learnt(self, after: date, upto: date) -> bool:
        """Whether something of earlier days came to be known between two days."""
        return bisect_right(self._late, after) < bisect_right(self._late, upto)

    # --- what was known on a day -----------------------------------------------------------

    def _known_on(self, on: date) -> _View | None:
        """The account as it was known on a day."""
        at = max(bisect_right(self._whose, on, key=_first) - 1, 0)
        if at not in self._views:
            self._views[at] = self._running(at)
        view = self._views[at]
        if view is None or view.running is not None:
            return view
        seen = (at, bisect_right(self._late, on))
        if self._view[0] != seen:
            known = [(d, f) for d, f in self._facts if d <= on or not self._is_late(d, f)]
            self._view = (seen, self._view_of(known, self._whose[at][1]))
        return self._view[1]

    def _is_late(self, known: date, fact: Any) -> bool:
        """Whether it makes a difference that a fact was not known before."""
        return _is_late(known, fact) or _number(fact) in self._again

    def _view_of(self, facts: Sequence[Known], tenures: Tenures) -> _View | None:
        index = tenures.find(self._tenure)
        if index is None:
            return None
        told = [fact for _, fact in facts]
        known = [day for day, _ in facts]
        return _View(told, known, tenures, index, _ledger(told, tenures, index, self._epochs))

    def _running(self, at: int) -> _View | None:
        """A view that goes on from day to day, if it can, with the tenures as known then."""
        view = self._view_of(self._facts, self._whose[at][1])
        if (
            view is not None
            and view.ledger.plain
            and not self._again
            and not any(isinstance(fact, _FROM_THE_START) for fact in view.facts)
        ):
            view.running = Running(view.ledger, view.known)
        return view


def _number(fact: Any) -> tuple[str, str] | None:
    """The number of a charge or a payment, which can be used again once it is free."""
    if isinstance(fact, ChargeRaised):
        return "charge", fact.charge
    return ("payment", fact.payment) if _is_payment(fact) else None


def _is_late(known: date, fact: Any) -> bool:
    """Whether a fact counted before it was known."""
    match fact:
        case _ if isinstance(fact, _FROM_THE_START):
            return True
        case ChargeRaised():
            return fact.due < known
        case PaymentReceived() | PaymentMovedIn() | PaymentMovedOut():
            return fact.paid_on < known
        case _:
            on: date = getattr(fact, "on", ALWAYS)
            return on < known


def _ledger(facts: Iterable[Any], tenures: Tenures, index: int, epochs: Epochs) -> Ledger:
    placed = ((fact, place) for place, fact in enumerate(facts, 1))
    return ledgers(placed, tenures, epochs)[index]


@define
class _View:
    """An account as seen by one of its tenures.

    Args:
        known: The day on which each of the facts came to be known.
        running: What is open of it from day to day, where that can be told.
    """

    facts: list[Any]
    known: list[date]
    tenures: Tenures
    index: int
    ledger: Ledger
    running: Running | None = None
    promised: list[PaymentPromised] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.promised = [
            fact
            for fact in self.facts
            if isinstance(fact, PaymentPromised)
            and whose(self.tenures, fact.word.member, fact.on) == self.index
        ]

    def open(self, on: date) -> tuple[Sequence[Charge], Sequence[Charge]]:
        """Undisputed charges of which something is open: those that are overdue, and the others."""
        if self.running is not None:
            return self.running.open(on)
        found = allocate(self.ledger, on)
        disputed = self.ledger.disputed_on(on)
        due = [charge for charge, _ in found.undisputed()]
        later = [c for c, fen in found.upcoming if fen > disputed.get(c.number, 0)]
        at = bisect_left(due, on, key=_due_of)
        return due[:at], sorted([*due[at:], *later], key=_due_of)

    def is_promised(self, on: date) -> bool:
        """Whether a promise of theirs is being kept on a day."""
        if not any(one.on <= on <= one.instalments[-1].due for one in self.promised):
            return False
        money = (fact for fact in self.facts if isinstance(fact, _MONEY))
        return open_promise(promises((*self.promised, *money), on)) is not None

    def reliefs(self) -> Iterable[date]:
        """Days on which something other than money took away from what was asked."""
        mine = {
            fact.charge
            for fact in self.facts
            if isinstance(fact, ChargeRaised)
            and whose(self.tenures, fact.debtor, fact.due) == self.index
        }
        about: dict[str, str] = {}
        for fact in self.facts:
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


def _is_payment(fact: Any) -> bool:
    return isinstance(fact, PaymentReceived | PaymentMovedIn)


_due_of = attrgetter("due")


def _first(pair: tuple[date, Any]) -> date:
    return pair[0]


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
class Running:
    """What is open of charges when money comes day by day, each day for what changes on it.

    A sum that names a charge settles it; all that is left over settles the first charges that it
    reaches, oldest due first (PAY-02). It says what `allocate` says of what is known of the same
    ledger on the day.

    Args:
        known: The day on which each fact of the ledger came to be known, by its place.
        asked: What each charge asks for; nothing before it is known.
        needs: What of it no money with a name has settled.
        live: Charges that need something, in order.
        reached: The first charge that the money without a name does not settle in full.
        left: What of that money those before it have left.
    """

    ledger: Ledger
    known: Sequence[date]
    days: list[tuple[date, int | Settlement]] = field(init=False)
    asked: list[int] = field(init=False)
    needs: list[int] = field(init=False)
    live: list[int] = field(init=False)
    named: dict[str, int] = field(init=False)
    place: dict[str, int] = field(init=False)
    reached: int = field(init=False)
    left: int = field(init=False)
    at: int = field(init=False)
    day: date = field(init=False)

    def __attrs_post_init__(self) -> None:
        charges, known = self.ledger.charges, self.known
        self.place = {charge.number: index for index, charge in enumerate(charges)}
        days: list[tuple[date, int | Settlement]] = [
            (known[charge.position - 1], index) for index, charge in enumerate(charges)
        ]
        days += [(max(s.effective, known[s.position - 1]), s) for s in self.ledger.settlements]
        self.days = sorted(days, key=_first)
        self._begin()

    def _begin(self) -> None:
        self.asked = [0] * len(self.ledger.charges)
        self.needs = [0] * len(self.asked)
        self.live, self.named = [], {}
        self.reached = self.left = self.at = 0
        self.day = date.min

    def open(self, on: date) -> tuple[list[Charge], Sequence[Charge]]:
        """Charges of which something is open on a day: those that are overdue, and the others."""
        if on < self.day:
            self._begin()
        self.day = on
        days = self.days
        while self.at < len(days) and days[self.at][0] <= on:
            self._take(days[self.at][1])
            self.at += 1
        charges = self.ledger.charges
        first = bisect_left(self.live, self.reached)
        due = bisect_left(charges, on, key=_due_of)
        middle = max(first, bisect_left(self.live, due))
        return (
            [charges[index] for index in self.live[first:middle]],
            _Picked(charges, self.live, middle),
        )

    def _take(self, what: int | Settlement) -> None:
        """A charge comes to be known, or money counts."""
        fen = 0
        if isinstance(what, int):
            index: int | None = what
            number: str | None = self.ledger.charges[what].number
        else:
            number, fen = what.charge, what.amount_fen
            index = None if number is None else self.place.get(number)
        if number is not None and index is not None:
            used = self.asked[index] - self.needs[index]
            self.named[number] = given = self.named.get(number, 0) + fen
            if isinstance(what, int):
                self.asked[index] = self.ledger.charges[index].amount_fen
            now = min(max(given, 0), self.asked[index])
            self._need(index, self.asked[index] - now)
            fen -= now - used
        self.left += fen
        self._reach()

    def _need(self, index: int, fen: int) -> None:
        """A charge needs so much now."""
        before = self.needs[index]
        self.needs[index] = fen
        if index < self.reached:
            self.left -= fen - before
        if before and not fen:
            del self.live[bisect_left(self.live, index)]
        elif not before and fen:
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
