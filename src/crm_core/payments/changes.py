"""How a household's credit changed over a period, and what each change came of (PAY-05).

What a change came of is found by leaving out: of the facts that count from its day on, those
without which the grade of the day would be another one. Where nothing but the calendar moved, it is
the charge that grew a day older.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, timedelta
from typing import Any

from attrs import fields

from crm_core.kernel.dates import Period
from crm_core.kernel.tenures import ONE, Tenures
from crm_core.kernel.values import frozen
from crm_core.payments.allocation_policy import Epochs
from crm_core.payments.credit import MONTHS_OF_FEE, CreditPolicy, CreditStanding, credit_standing
from crm_core.payments.events import ACCOUNT_EVENTS
from crm_core.payments.ledger import Ledger, ledgers

_DAY = timedelta(days=1)

Fact = tuple[Any, int]
"""An event and its position."""

TENURE = "tenure"
"""What something is that changes whose credit it is (PAY-16)."""

_TYPES = {kind.cls: kind for kind in ACCOUNT_EVENTS}


@frozen
class Cause:
    """What a change came of.

    Args:
        position: Where the log says so.
        what: The stored name of the event, without slice and version; `tenure` for what changes
            whose credit it is.
        number: The number of the charge, payment, waiver, refund or dispute; of a tenure its key.
    """

    position: int
    what: str
    number: str


@frozen
class CreditChange:
    """A day on which the grade is another one than on the day before.

    Args:
        day: The first day of the new grade.
        before: The grade of the day before.
        after: The grade of the day.
        calendar: Whether nothing but the calendar moved: a charge grew older.
        causes: What it came of, in the order of the log; of the calendar the charge that is the
            oldest one open.
    """

    day: date
    before: str
    after: str
    calendar: bool
    causes: tuple[Cause, ...]


def changes(
    facts: Iterable[Fact],
    window: Period,
    policy: CreditPolicy,
    tenures: Callable[[Iterable[Any]], Tenures] = lambda _: ONE,
    epochs: Epochs = (),
) -> Iterator[CreditChange]:
    """The changes of a household's grade over the days of a window, in their order.

    The grade of a day is that of the tenure of the day. The first day is compared with the day
    before the window.

    Args:
        facts: Events of one household with their positions, in the order of the log; those that
            tell tenures among them.
        tenures: The tenures that events tell of.
        epochs: By which policies its money is allocated.
    """
    facts = list(facts)
    known = _Known(facts, policy, tenures, epochs)
    day = window.start - _DAY
    before = known.on(day)
    while (day := known.next_turn(day, before)) <= window.end:
        after = known.on(day)
        if after.grade != before.grade:
            yield _change(known, day, before, after)
        before = after


class _Known:
    """A household as some facts tell of it."""

    def __init__(
        self,
        facts: Sequence[Fact],
        policy: CreditPolicy,
        tenures: Callable[[Iterable[Any]], Tenures],
        epochs: Epochs,
    ) -> None:
        self._epochs = epochs
        self.facts, self.policy, self._tenures = facts, policy, tenures
        self.held = tenures([event for event, _ in facts])
        self._books = ledgers(facts, self.held, epochs)
        self._turns: list[date] | None = None

    def book(self, day: date) -> Ledger:
        """The ledger of whoever owes on a day."""
        return self._books[self.held.index(day)]

    def on(self, day: date) -> CreditStanding:
        """The standing of a day."""
        return credit_standing(self.book(day), day, self.policy)

    def without(self, left_out: Sequence[Fact]) -> _Known:
        """The household as the other facts tell of it."""
        positions = {position for _, position in left_out}
        others = [fact for fact in self.facts if fact[1] not in positions]
        return _Known(others, self.policy, self._tenures, self._epochs)

    def next_turn(self, day: date, now: CreditStanding) -> date:
        """The next day on which the grade can be another one, after a day of that standing."""
        if self._turns is None:
            self._turns = sorted(
                {turn for book in self._books for turn in _turns(book)}
                | {span.first for span in self.held.spans}
            )
        coming = [turn for turn in self._turns if turn > day][:1]
        if now.oldest is not None and self.policy.unit != MONTHS_OF_FEE:
            begins = self.policy.begins(day - timedelta(days=now.overdue_days))
            coming += [begin for begin in begins if begin > day][:1]
        return min(coming, default=date.max)

    def counting_from(self, day: date) -> list[Fact]:
        """The facts that count from a day on; on the first of a tenure those that made it begin."""
        found = [fact for fact in self.facts if _counts_from(fact[0]) == day]
        if self.held.index(day) != self.held.index(day - _DAY):
            found += [fact for fact in self.facts if _begins_or_ends(fact[0], day)]
        return found


def _turns(ledger: Ledger) -> set[date]:
    """Days on which something counts, falls due, or is overdue for the first time."""
    due = {charge.due for charge in (*ledger.charges, *ledger.late)}
    return ledger.turns() | due | {day + _DAY for day in due}


def _counts_from(event: Any) -> date | None:
    kind = _TYPES.get(type(event))
    return None if kind is None or kind.effective is None else getattr(event, kind.effective)


def _begins_or_ends(event: Any, day: date) -> bool:
    """Whether an event of the household's file says that somebody came or left then.

    A last day belongs to who leaves, so they may have come the day before.
    """
    said = {getattr(event, "since", None), getattr(event, "until", None)}
    return type(event) not in _TYPES and bool(said & {day - _DAY, day})


def _change(
    known: _Known, day: date, before: CreditStanding, after: CreditStanding
) -> CreditChange:
    moved = known.counting_from(day)
    calendar = not moved or known.without(moved).on(day).grade == after.grade
    if calendar:
        book = known.book(day)
        number = after.oldest or before.oldest
        causes = [
            Cause(charge.position, "charge_raised", charge.number)
            for charge in book.charges
            if charge.number == number
        ]
    else:
        needed = [fact for fact in moved if known.without([fact]).on(day).grade != after.grade]
        # Where none is needed any one of several was enough: they brought it about together.
        causes = [_cause(event, at, known.held.on(day).key) for event, at in needed or moved]
    return CreditChange(
        day=day,
        before=before.grade,
        after=after.grade,
        calendar=calendar,
        causes=tuple(sorted(causes, key=lambda cause: cause.position)),
    )


def _cause(event: Any, position: int, tenure: str) -> Cause:
    kind = _TYPES.get(type(event))
    if kind is None:
        return Cause(position, TENURE, tenure)
    what = kind.stored.partition(".")[2].partition("/")[0]
    # Of every event of an account the number stands first.
    number = getattr(event, fields(kind.cls)[0].name)
    return Cause(position, what, number)
