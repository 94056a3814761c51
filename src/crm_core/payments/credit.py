"""The credit grade: how long the oldest unpaid charge is overdue (PAY-04, PAY-05, PAY-07).

Only principal that is not in dispute counts (PAY-06, PAY-08).
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from functools import cached_property

from attrs import field

from crm_core.kernel.dates import Period, add_months
from crm_core.kernel.policy import (
    Header,
    PolicyFault,
    PolicyRef,
    digest_of_table,
    read_toml,
    structure,
    wrong,
)
from crm_core.kernel.rules import Ranking
from crm_core.kernel.sentences import Malformed
from crm_core.kernel.values import define, frozen
from crm_core.payments.allocation import allocate
from crm_core.payments.ledger import REFUND, Charge, Ledger

DEFAULT_CREDIT = "credit-cn-default"

_DAY = timedelta(days=1)

GRADES = ("A", "B1", "B2", "B3", "B4", "B5")
"""Credit grades, best first: a table says where each ends, not which there are (PAY-04)."""

DAYS, MONTHS, MONTHS_OF_FEE = "days", "months", "months_of_fee"
UNITS = (DAYS, MONTHS, MONTHS_OF_FEE)

_MANAGEMENT_FEE = "management_fee"
_QUARTER, _YEAR = re.compile(r"[0-9]{4}-?Q[1-4]"), re.compile(r"[0-9]{4}")


@frozen
class Bucket:
    """A grade, and the most in the table's unit that it still covers; the last covers the rest."""

    grade: str
    upto: int | None = None


@frozen
class _Contents:
    """The file of a credit policy."""

    kind: str
    policy: Header
    unit: str
    buckets: tuple[Bucket, ...]


@define(frozen=True, slots=False)
class CreditPolicy:
    """A credit table as data.

    Args:
        header: Identity and approval.
        ref: Name, version and digest.
        unit: `days` or `months` since the due date, or `months_of_fee`: the overdue amount in
            months of the management fee.
        buckets: Grades, best first; the first is for no arrears.
    """

    header: Header
    ref: PolicyRef
    unit: str
    buckets: tuple[Bucket, ...] = field()

    @classmethod
    def parse(cls, text: str) -> CreditPolicy:
        """The policy in TOML text.

        Raises:
            PolicyFault: the text is not such a policy.
        """
        data = read_toml(text)
        contents = structure(data, _Contents)
        faults = []
        if contents.kind != "credit":
            faults.append(wrong("kind", "unknown_kind", kind=contents.kind, needed="credit"))
        if contents.unit not in UNITS:
            faults.append(wrong("unit", "not_one_of", value=contents.unit, accepted=UNITS))
        if tuple(bucket.grade for bucket in contents.buckets) != GRADES:
            faults.append(wrong("buckets", "grades_of_other_order", grades=GRADES))
        ref = PolicyRef(digest_of_table(data), contents.policy.name, contents.policy.version)
        try:
            policy = cls(contents.policy, ref, contents.unit, contents.buckets)
        except Malformed as error:
            faults.append(("buckets", error))
        if faults:
            raise PolicyFault(faults)
        return policy

    @buckets.validator
    def _check_buckets(self, _: object, buckets: tuple[Bucket, ...]) -> None:
        limits = [bucket.upto for bucket in buckets]
        known = [limit for limit in limits[:-1] if limit is not None]
        if (
            len(buckets) < 2
            or limits[0] != 0
            or limits[-1] is not None
            or len(known) != len(limits) - 1
            or known != sorted(set(known))
        ):
            raise Malformed("buckets_form")

    @cached_property
    def ranking(self) -> Ranking:
        """The grades, best first."""
        return Ranking(tuple(bucket.grade for bucket in self.buckets))

    def grade(self, due: date | None, on: date) -> str:
        """The grade on a day if the oldest unpaid charge was due on `due` (None: nothing unpaid).

        The due date itself is day 0 and not yet overdue. For tables in days or months.
        """
        return self.buckets[self.rank(due, on)].grade

    def rank(self, due: date | None, on: date) -> int:
        """The place of that grade among the grades, from 0."""
        # INVARIANT: whoever has no more than a due date has a table in days or months.
        assert self.unit != MONTHS_OF_FEE
        if due is None or due >= on:
            return 0
        if self.unit == DAYS:
            return bisect_left(self._limits, (on - due).days)
        return sum([on > add_months(due, limit) for limit in self._limits])

    @cached_property
    def _limits(self) -> list[int]:
        return [bucket.upto for bucket in self.buckets if bucket.upto is not None]

    def begins(self, due: date) -> tuple[date, ...]:
        """The first day of each grade but the best, if a charge due then stays unpaid.

        `grade(due, on)` is the grade as many places behind the best as days here are not behind
        `on`. For tables in days or months.
        """
        # INVARIANT: as for `grade`.
        assert self.unit != MONTHS_OF_FEE
        days = [due + _DAY]
        for bucket in self.buckets[1:-1]:
            upto = bucket.upto
            assert upto is not None
            last = due + upto * _DAY if self.unit == DAYS else add_months(due, upto)
            days.append(last + _DAY)
        return tuple(days)

    def grade_of_amount(self, overdue_fen: int, fee: tuple[int, int]) -> str:
        """The grade of an overdue amount, where so much is the fee of so many months.

        For tables in months of the fee.
        """
        fen, months = fee
        for bucket in self.buckets[:-1]:
            upto = bucket.upto
            assert upto is not None
            if overdue_fen * months <= upto * fen:
                return bucket.grade
        return self.buckets[-1].grade


@frozen
class CreditStanding:
    """How a household stands on one day (PAY-03, PAY-04).

    Args:
        grade: Credit grade.
        overdue_days: Days since the due date of the oldest unpaid overdue charge; 0 if none.
        overdue_fen: Unpaid principal of all charges due before the day, without what is disputed.
        oldest: Number of the oldest overdue charge, or None.
    """

    grade: str
    overdue_days: int
    overdue_fen: int
    oldest: str | None


def credit_standing(ledger: Ledger, on: date, policy: CreditPolicy) -> CreditStanding:
    """The standing at the end of a day, of what the ledger knows."""
    overdue = [
        (charge, fen) for charge, fen in allocate(ledger, on).undisputed() if charge.due < on
    ]
    if not overdue:
        return CreditStanding(policy.buckets[0].grade, 0, 0, None)
    oldest = overdue[0][0]
    fen = sum([fen for _, fen in overdue])
    if policy.unit == MONTHS_OF_FEE:
        grade = policy.grade_of_amount(fen, fee(ledger.charges, on))
    else:
        grade = policy.grade(oldest.due, on)
    return CreditStanding(grade, (on - oldest.due).days, fen, oldest.number)


def fee(charges: Iterable[Charge], on: date) -> tuple[int, int]:
    """The household's fee on a day: an amount, and for how many months it is.

    It is that of the newest management fee that was due before the day, or of the newest other
    charge where there is none. A period `2011` is twelve months, `2011-Q1` three, any other one.
    """
    due = [charge for charge in charges if charge.due < on]
    due = [charge for charge in due if charge.kind != REFUND] or due
    fees = [charge for charge in due if charge.kind == _MANAGEMENT_FEE]
    newest = (fees or due)[-1]
    if _YEAR.fullmatch(newest.period):
        return newest.amount_fen, 12
    return newest.amount_fen, 3 if _QUARTER.fullmatch(newest.period) else 1


@frozen
class Course:
    """Credit over a window, day by day, as known at one cut-off (PAY-07).

    Args:
        worst: Worst grade on any single day of the window.
        last: Grade on its last day.
        entered: How often each grade or a worse one was entered: a day of the window at it or
            worse after a day better than it; the day before the window counts as the day before.
        since: Due date of the oldest charge that was overdue on any of these days, if one was.
    """

    worst: str
    last: str
    entered: dict[str, int]
    since: date | None


def course(ledger: Ledger, window: Period, policy: CreditPolicy) -> Course:
    """Credit over every day of the window.

    Between two days on which something happens the oldest unpaid charge stays the same and only
    grows older, so the grade can only fall: the ends of such stretches tell all.
    """
    grades = policy.ranking.values
    worst = 0
    last = 0
    entered = [0] * len(grades)
    before: int | None = None
    since: date | None = None
    for end, oldest, first, last in _graded(ledger, window, policy):
        if oldest is not None and oldest < end and (since is None or oldest < since):
            since = oldest
        if last > worst and end >= window.start:
            worst = last
        # INVARIANT: a stretch holds the day before the window alone, or days of the window.
        entry = first if before is None else min(before, first)
        if entry < last:
            for level in range(entry + 1, last + 1):
                entered[level] += 1
        before = last
    return Course(grades[worst], grades[last], dict(zip(grades, entered, strict=True)), since)


def _graded(
    ledger: Ledger, window: Period, policy: CreditPolicy
) -> Iterator[tuple[date, date | None, int, int]]:
    """Stretches: last day, due date of the oldest unpaid charge, ranks of first and last day."""
    if policy.unit != MONTHS_OF_FEE:
        for start, end, oldest in stretches(ledger, window):
            # Most stretches of most households are without arrears.
            owing = oldest is not None and oldest < end
            last = policy.rank(oldest, end) if owing else 0
            yield end, oldest, policy.rank(oldest, start) if owing else 0, last
        return
    # An amount changes when a charge becomes overdue, too; between two such days it stands still.
    falls_due = {charge.due for charge in (*ledger.charges, *ledger.late)}
    overdue = {day + _DAY for day in falls_due}
    for start, end in _between(window, ledger.turns() | falls_due | overdue):
        now = credit_standing(ledger, start, policy)
        due = start - timedelta(days=now.overdue_days) if now.overdue_days else None
        rank = policy.ranking.rank(now.grade)
        yield end, due, rank, rank


def stretches(ledger: Ledger, window: Period) -> Iterator[tuple[date, date, date | None]]:
    """Stretches of days with the same oldest unpaid charge: first day, last day, its due date.

    The first stretch is the day before the window; the others cover the window.
    """
    if ledger.plain:
        yield from _settled_stretches(ledger, window)
        return
    # What falls due takes money before what is in dispute, and may be the oldest that is open.
    falls_due = {charge.due for charge in (*ledger.charges, *ledger.late)}
    for start, end in _between(window, ledger.turns() | falls_due):
        left = allocate(ledger, start).undisputed()
        yield start, end, left[0][0].due if left else None


def _between(window: Period, turns: set[date]) -> Iterator[tuple[date, date]]:
    """First and last day of the stretches that begin on such days; the day before comes first."""
    before = window.start - _DAY
    starts = [window.start, *sorted(day for day in turns if window.start < day <= window.end)]
    yield before, before
    yield from zip(starts, [*(day - _DAY for day in starts[1:]), window.end], strict=True)


def _settled_stretches(ledger: Ledger, window: Period) -> Iterator[tuple[date, date, date | None]]:
    """The same where there is nothing but principal, all of it undisputed, in one pass."""
    charges, settlements = ledger.charges, ledger.settlements
    index_of = {charge.number: index for index, charge in enumerate(charges)}
    needs = [charge.amount_fen for charge in charges]
    named = [0] * len(charges)
    applied = total = 0
    at = 0
    count = len(settlements)
    start = window.start - _DAY
    while start <= window.end:
        while at < count and settlements[at].effective <= start:
            settlement = settlements[at]
            at += 1
            total += settlement.amount_fen
            index = -1 if settlement.charge is None else index_of.get(settlement.charge, -1)
            if index >= 0:
                amount = charges[index].amount_fen
                named[index] += settlement.amount_fen
                settled = min(max(named[index], 0), amount)
                applied += settled - (amount - needs[index])
                needs[index] = amount - settled
        if start < window.start:
            end = start
        elif at < count and settlements[at].effective <= window.end:
            end = settlements[at].effective - _DAY
        else:
            end = window.end
        pool = total - applied
        oldest = None
        for charge, need in zip(charges, needs, strict=True):
            if need:
                if need > pool:
                    oldest = charge.due
                    break
                pool -= need
        yield start, end, oldest
        start = end + _DAY
