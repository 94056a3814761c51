"""What the report of a year says of money, found in one pass over all accounts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta

from attrs import evolve, field

from crm_core.application.accounts import Told
from crm_core.application.reporting.model import (
    ROWS_MAX,
    Age,
    BrokenPay,
    CreditMove,
    Movement,
    Rows,
)
from crm_core.kernel.dates import Period
from crm_core.kernel.values import define
from crm_core.payments.allocation import allocate
from crm_core.payments.changes import CreditChange
from crm_core.payments.credit import GRADES, MONTHS_OF_FEE, CreditPolicy, credit_standing
from crm_core.payments.ledger import Ledger
from crm_core.payments.owing import OwingRow, overdue
from crm_core.payments.promises import BROKEN, promises, said_in

_DAY = timedelta(days=1)

ChangesOf = Callable[[str], Iterable[CreditChange]]
"""Gives the changes of a household's credit."""


@define
class Money:
    """Everything that is counted.

    Args:
        owed: Households, and what they owe, by the credit of the present tenure.
        earlier: What those owe who had a household before.
        ages: Charges and what is overdue of them, by their own age.
    """

    period: Period
    table: CreditPolicy
    on: date
    owing: list[OwingRow] = field(factory=list)
    owed: dict[str, tuple[int, int]] = field(factory=lambda: dict.fromkeys(GRADES, (0, 0)))
    ages: dict[str, tuple[int, int]] = field(factory=lambda: dict.fromkeys(GRADES[1:], (0, 0)))
    broken: list[BrokenPay] = field(factory=list)
    counts: Counter[tuple[str, str]] = field(factory=Counter)
    moved: list[CreditMove] = field(factory=list)

    def add(self, told: Told) -> None:
        """One more household."""
        books = told.books
        now = books[told.held.index(self.on)]
        for tenure, ledger in zip(told.held.every, books, strict=True):
            found = overdue(ledger, self.on)
            if found is not None:
                self.owing.append(
                    OwingRow(
                        household=told.household,
                        tenure=tenure.key,
                        estate=told.file.estate,
                        building=told.file.building,
                        unit=told.file.unit,
                        room=told.file.room,
                        oldest_due=found.oldest_due,
                        overdue_days=found.overdue_days,
                        overdue_fen=found.overdue_fen,
                    )
                )
            self._age(ledger)
        standing = credit_standing(now, self.on, self.table)
        households, fen = self.owed[standing.grade]
        self.owed[standing.grade] = households + 1, fen + standing.overdue_fen
        self._move(told, books, standing.grade)
        self.broken.extend(self._promises(told))

    def _age(self, ledger: Ledger) -> None:
        """What is overdue of a ledger, charge by charge."""
        if self.table.unit == MONTHS_OF_FEE:
            return
        for charge, fen in allocate(ledger, self.on).undisputed():
            if charge.due < self.on:
                grade = self.table.grade(charge.due, self.on)
                charges, sum_fen = self.ages[grade]
                self.ages[grade] = charges + 1, sum_fen + fen

    def _move(self, told: Told, books: tuple[Ledger, ...], after: str) -> None:
        day = self.period.start - _DAY
        before = credit_standing(books[told.held.index(day)], day, self.table).grade
        self.counts[before, after] += 1
        if before != after:
            self.moved.append(CreditMove(told.household, before, after))

    def _promises(self, told: Told) -> Iterator[BrokenPay]:
        facts = [event for event, _ in told.facts]
        for tenure in range(len(told.held.every)):
            for one in promises(said_in(facts, told.held, tenure), self.on):
                broken = one.broken_on
                if one.status == BROKEN and broken is not None and broken in self.period:
                    yield BrokenPay(
                        household=told.household,
                        promise=one.promise.promise,
                        on=one.promise.on,
                        broken_on=broken,
                        promised_fen=sum(part.amount_fen for part in one.promise.instalments),
                        paid_fen=one.paid_fen,
                    )

    # --- what is told of it ------------------------------------------------------------------

    def largest(self) -> Rows[OwingRow]:
        """Who owes most."""
        rows = sorted(self.owing, key=lambda row: row.largest_first)
        return Rows(tuple(rows[:ROWS_MAX]), len(rows), sum(row.overdue_fen for row in rows))

    def by_age(self) -> tuple[Age, ...]:
        """What is overdue by the age of each charge; empty where the table knows no ages."""
        if self.table.unit == MONTHS_OF_FEE:
            return ()
        return tuple(Age(grade, *found) for grade, found in self.ages.items())

    def promised(self) -> Rows[BrokenPay]:
        """Promises to pay that were broken, the last first."""
        rows = sorted(self.broken, key=lambda one: (one.broken_on, one.household), reverse=True)
        return Rows(tuple(rows[:ROWS_MAX]), len(rows))

    def movement(self, changes: ChangesOf) -> Movement:
        """Who moved how far, the worst fall first, and the first of them with the reasons.

        Args:
            changes: Gives the changes of a household's credit in the period.
        """
        rank = {grade: number for number, grade in enumerate(GRADES)}
        rows = sorted(
            self.moved,
            key=lambda one: (rank[one.before] - rank[one.after], one.household),
        )
        # Both ends of the list: who fell farthest, and who recovered most.
        half = ROWS_MAX // 2
        first = rows if len(rows) <= ROWS_MAX else [*rows[:half], *rows[-half:]]
        told = tuple(evolve(one, changes=tuple(changes(one.household))) for one in first)
        return Movement(dict(self.counts), Rows(told, len(rows)))


def counted(told: Iterable[Told], period: Period, on: date, table: CreditPolicy) -> Money:
    """Everything that is counted of the accounts of all households."""
    money = Money(period, table, on)
    for one in told:
        money.add(one)
    return money
