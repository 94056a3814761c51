"""The credit grade: how long the oldest unpaid charge is overdue (PAY-04, PAY-05, PAY-07)."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from datetime import date, timedelta
from functools import cached_property

from attrs import define, field, frozen

from crm_core.kernel.dates import Period
from crm_core.kernel.policy import (
    Header,
    PolicyFault,
    PolicyRef,
    digest_of_table,
    read_toml,
    structure,
)
from crm_core.kernel.rules import Ranking
from crm_core.payments.ledger import Ledger, allocate

_DAY = timedelta(days=1)

GRADES = ("A", "B1", "B2", "B3", "B4", "B5")
"""Credit grades, best first: a table says where each ends, not which there are (PAY-04)."""


@frozen
class Bucket:
    """A grade and the longest overdue time it still covers; the last one covers the rest."""

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
        unit: `days` or `months` since the due date.
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
            faults.append(("kind", f"`{contents.kind}` is not `credit`"))
        if contents.unit not in ("days", "months"):
            faults.append(("unit", f"`{contents.unit}` is not one of days, months"))
        if tuple(bucket.grade for bucket in contents.buckets) != GRADES:
            faults.append(("buckets", f"the grades are {', '.join(GRADES)}, in this order"))
        ref = PolicyRef(digest_of_table(data), contents.policy.name, contents.policy.version)
        try:
            policy = cls(contents.policy, ref, contents.unit, contents.buckets)
        except ValueError as error:
            faults.append(("buckets", str(error)))
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
            raise ValueError("buckets begin with 0, rise, and end with one that has no limit")

    @cached_property
    def ranking(self) -> Ranking:
        """The grades, best first."""
        return Ranking(tuple(bucket.grade for bucket in self.buckets))

    def grade(self, due: date | None, on: date) -> str:
        """The grade on a day if the oldest unpaid charge was due on `due` (None: nothing unpaid).

        The due date itself is day 0 and not yet overdue.
        """
        if due is None or due >= on:
            return self.buckets[0].grade
        days = (on - due).days
        for bucket in self.buckets[1:-1]:
            upto = bucket.upto
            assert upto is not None
            if days <= upto if self.unit == "days" else on <= add_months(due, upto):
                return bucket.grade
        return self.buckets[-1].grade


@frozen
class Standing:
    """How a household stands on one day (PAY-03, PAY-04).

    Args:
        grade: Credit grade.
        overdue_days: Days since the due date of the oldest unpaid overdue charge; 0 if none.
        overdue_fen: Unpaid principal of all charges due before the day.
        oldest: Number of the oldest overdue charge, or None.
    """

    grade: str
    overdue_days: int
    overdue_fen: int
    oldest: str | None


def standing(ledger: Ledger, on: date, policy: CreditPolicy) -> Standing:
    """The standing at the end of a day, of what the ledger knows."""
    overdue = [(charge, fen) for charge, fen in allocate(ledger, on).unpaid if charge.due < on]
    if not overdue:
        return Standing(policy.grade(None, on), 0, 0, None)
    oldest = overdue[0][0]
    return Standing(
        policy.grade(oldest.due, on),
        (on - oldest.due).days,
        sum(fen for _, fen in overdue),
        oldest.number,
    )


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
    rank = policy.ranking.values.index
    grades = policy.ranking.values
    worst = 0
    last = 0
    entered = [0] * len(grades)
    before: int | None = None
    since: date | None = None
    for start, end, oldest in stretches(ledger, window):
        if oldest is not None and oldest < end:
            since = oldest if since is None else min(since, oldest)
        first_rank = rank(policy.grade(oldest, start))
        last = rank(policy.grade(oldest, end))
        if end >= window.start:
            worst = max(worst, last)
        if before is not None:
            for level in range(before + 1, first_rank + 1):
                entered[level] += 1
        # INVARIANT: a stretch holds the day before the window alone, or days of the window.
        for level in range(first_rank + 1, last + 1):
            entered[level] += 1
        before = last
    return Course(grades[worst], grades[last], dict(zip(grades, entered, strict=True)), since)


def stretches(ledger: Ledger, window: Period) -> Iterator[tuple[date, date, date | None]]:
    """Stretches of days with the same oldest unpaid charge: first day, last day, its due date.

    The first stretch is the day before the window; the others cover the window.
    """
    charges, settlements = ledger.charges, ledger.settlements
    index_of = {charge.number: index for index, charge in enumerate(charges)}
    needs = [charge.amount_fen for charge in charges]
    named = [0] * len(charges)
    applied = total = 0
    at = 0
    count = len(settlements)

    def oldest() -> date | None:
        pool = total - applied
        for index, need in enumerate(needs):
            if need > pool:
                if need > 0:
                    return charges[index].due
            elif need:
                pool -= need
        return None

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
        yield start, end, oldest()
        start = end + _DAY


def add_months(day: date, months: int) -> date:
    """The same day of a later month, or that month's last day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
