"""Late charges: what the contract adds for paying late, computed and never stored (PAY-08).

Simple, never compound; whole numbers only. For every day that begins with principal unpaid after
the grace days, the day's rate of that principal is due; the sum is rounded once per charge, by the
rule the policy names, and capped. Days on which an amount is in dispute bear nothing, nor do days
on which no clause of the contract holds (`crm_core.payments.clauses`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from itertools import pairwise

from crm_core.kernel.policy import (
    Header,
    PathFault,
    PolicyFault,
    PolicyRef,
    digest_of_table,
    read_toml,
    structure,
    wrong,
)
from crm_core.kernel.values import define, frozen
from crm_core.payments.allocation import allocate
from crm_core.payments.ledger import COSTS, LATE_CHARGE, Charge, Ledger

_DAY = timedelta(days=1)
_PERCENT = re.compile(r"([0-9]{1,4})(?:\.([0-9]{1,6}))?")
_MILLION = 10**6

DAYS_OF_A_YEAR = 365
"""A yearly rate is this many times the daily one."""

ROUNDINGS = ("half_up", "half_even", "down")
"""How a fraction of a fen is rounded: the half up, the half to the even fen, always down."""


NEVER_BEARING = (COSTS, LATE_CHARGE)
"""Kinds of what is asked for that no policy can let bear a late charge (PAY-08)."""

Days = tuple[date, date]
"""A first and a last day, both included."""

ALWAYS: tuple[Days, ...] = ((date.min, date.max),)
"""Every day."""


@frozen
class _CeilingRow:
    """A row of the table of ceilings as its file says it."""

    first_day: date
    last_day: date
    percent_per_year: str
    source: str


@frozen
class _Contents:
    """The file of a late charge policy."""

    kind: str
    policy: Header
    percent_per_day: str
    grace_days: int
    cap_percent: str
    rounding: str
    kinds: tuple[str, ...]
    ceilings: tuple[_CeilingRow, ...] = ()


@frozen
class Ceiling:
    """The most that a year may cost on some days, and who says so.

    Args:
        first_day: First day it is for.
        last_day: Last day it is for; of the last row the day until which the table is good.
        rate: Millionths of a percent a year.
        source: Where it is from.
    """

    first_day: date
    last_day: date
    rate: int
    source: str


@define(frozen=True)
class LateChargePolicy:
    """What the contract adds for paying late.

    Args:
        rate: Millionths of a percent of unpaid principal a day; 0 is off.
        grace_days: Days after the due date that bear nothing.
        cap: Millionths of a percent of its principal that a charge's late charge stays within.
        rounding: One of `ROUNDINGS`.
        kinds: Kinds of charges it is agreed for.
        ceilings: The most that a year may cost, by day, oldest first. A day without a row has no
            ceiling that is known.
    """

    header: Header
    ref: PolicyRef
    rate: int
    grace_days: int
    cap: int
    rounding: str
    kinds: tuple[str, ...]
    ceilings: tuple[Ceiling, ...] = ()

    @classmethod
    def parse(cls, text: str) -> LateChargePolicy:
        """The policy in TOML text.

        Raises:
            PolicyFault: the text is not such a policy. A rate above a ceiling is none of its
                faults: it is refused where it is used (`LateChargePolicy.above`).
        """
        data = read_toml(text)
        contents = structure(data, _Contents)
        faults = []
        if contents.kind != "late-charge":
            faults.append(wrong("kind", "unknown_kind", kind=contents.kind, needed="late-charge"))
        if contents.rounding not in ROUNDINGS:
            faults.append(wrong("rounding", "one_of_expected", accepted=ROUNDINGS))
        if contents.grace_days < 0:
            faults.append(wrong("grace_days", "below_zero"))
        read = {}
        for name in ("percent_per_day", "cap_percent"):
            read[name] = _millionths(getattr(contents, name))
            if read[name] is None:
                faults.append(wrong(name, "percentage_form"))
        rate, cap = read["percent_per_day"], read["cap_percent"]
        faults += [
            wrong("kinds", "kind_never_bears", kind=kind)
            for kind in contents.kinds
            if kind in NEVER_BEARING
        ]
        faults += _ceiling_faults(contents.ceilings)
        if rate and not contents.ceilings:
            faults.append(wrong("ceilings", "missing"))
        if faults:
            raise PolicyFault(faults)
        assert rate is not None
        assert cap is not None
        ref = PolicyRef(digest_of_table(data), contents.policy.name, contents.policy.version)
        return cls(
            header=contents.policy,
            ref=ref,
            rate=rate,
            grace_days=contents.grace_days,
            cap=cap,
            rounding=contents.rounding,
            kinds=contents.kinds,
            ceilings=tuple(map(_ceiling, contents.ceilings)),
        )

    @property
    def yearly_rate(self) -> int:
        """Millionths of a percent a year."""
        return self.rate * DAYS_OF_A_YEAR

    def above(self, days: Iterable[Days]) -> Above | None:
        """The first of some days on which the rate is above the ceiling, or none is known."""
        return next(filter(None, (self._above(first, last) for first, last in days)), None)

    def _above(self, day: date, last: date) -> Above | None:
        for ceiling in self.ceilings:
            if ceiling.first_day <= day <= ceiling.last_day:
                if self.yearly_rate > ceiling.rate:
                    return Above(day, self.yearly_rate, ceiling)
                if last <= ceiling.last_day:
                    return None
                day = ceiling.last_day + _DAY
        return Above(day, self.yearly_rate, None)

    def most(self, principal_fen: int) -> int:
        """The fen that a charge's late charge stays within."""
        return principal_fen * self.cap // (100 * _MILLION)

    def amount(self, fen_days: int, principal_fen: int) -> int:
        """The late charge in fen for so many fen times days, of a charge of that principal."""
        whole, rest = divmod(fen_days * self.rate, 100 * _MILLION)
        twice = 2 * rest - 100 * _MILLION
        if self.rounding == "half_up":
            whole += twice >= 0
        elif self.rounding == "half_even":
            whole += twice > 0 or (twice == 0 and whole % 2 == 1)
        return min(whole, self.most(principal_fen))


@frozen
class Above:
    """A day on which a rate is above its ceiling.

    Args:
        rate: Millionths of a percent a year.
        ceiling: The ceiling of the day; None where the table has none.
    """

    day: date
    rate: int
    ceiling: Ceiling | None


@frozen
class LateCharge:
    """The late charge of one charge as it stands on a day.

    Args:
        charge: The charge that is, or was, late.
        bearing: The days that bear something, oldest first.
        amount_fen: What has come together, rounded and capped.
        capped: Whether the cap holds it there.
    """

    charge: str
    bearing: tuple[Days, ...]
    amount_fen: int
    capped: bool

    @property
    def days(self) -> int:
        """How many days bear something."""
        return sum((last - first).days + 1 for first, last in self.bearing)


def late_charges(
    ledger: Ledger, on: date, policy: LateChargePolicy, agreed: Sequence[Days] = ALWAYS
) -> tuple[LateCharge, ...]:
    """Late charges as they stand at the end of a day, of what the ledger knows, oldest due first.

    A day bears interest on what was unpaid and undisputed as it began: a charge paid on the day
    after its due date was late for one day.

    Args:
        agreed: Days on which the contract agrees on a late charge, oldest first; no other bears
            anything.
    """
    if not policy.rate:
        return ()
    late = {
        c.number: c for c in ledger.charges if c.kind in policy.kinds and _first(c, policy) < on
    }
    fen_days = dict.fromkeys(late, 0)
    bearing: dict[str, list[Days]] = {number: [] for number in late}
    for start, end in _stretches(ledger, late, on):
        for charge, fen in allocate(ledger, start).undisputed():
            if charge.number in late:
                begins = max(start, _first(charge, policy)) + _DAY
                for first, last in within([(begins, end)], agreed):
                    fen_days[charge.number] += fen * ((last - first).days + 1)
                    bearing[charge.number].append((first, last))
    found = []
    for number, charge in late.items():
        if bearing[number]:
            fen = policy.amount(fen_days[number], charge.amount_fen)
            capped = fen < policy.amount(fen_days[number], charge.amount_fen * 10**6)
            found.append(LateCharge(number, tuple(bearing[number]), fen, capped))
    return tuple(found)


def _first(charge: Charge, policy: LateChargePolicy) -> date:
    """The last day that bears nothing whatever is unpaid at its end."""
    return charge.due + timedelta(days=policy.grace_days)


def within(days: Iterable[Days], others: Sequence[Days]) -> Iterator[Days]:
    """What of some days lies in others."""
    for first, last in days:
        for begins, ends in others:
            if max(first, begins) <= min(last, ends):
                yield max(first, begins), min(last, ends)


def _stretches(ledger: Ledger, late: dict[str, Charge], on: date) -> Iterator[tuple[date, date]]:
    """Stretches of days with the same unpaid amounts: first day, and the day after the last."""
    if not late:
        return
    start = min(charge.due for charge in late.values())
    # Money for a charge that is not due yet can settle another one until then.
    turns = ledger.turns() | {charge.due for charge in (*ledger.charges, *ledger.late)}
    inner = sorted(turn for turn in turns if start < turn < on)
    yield from zip([start, *inner], [*inner, on], strict=True)


def _ceiling_faults(rows: Sequence[_CeilingRow]) -> Iterator[PathFault]:
    for number, row in enumerate(rows):
        where = f"ceilings[{number}]"
        if _millionths(row.percent_per_year) is None:
            yield wrong(f"{where}.percent_per_year", "percentage_form")
        if not row.source:
            yield wrong(f"{where}.source", "missing")
        if row.last_day < row.first_day:
            yield wrong(f"{where}.last_day", "period_reversed", end=row.last_day.isoformat())
    for number, (before, row) in enumerate(pairwise(rows), start=1):
        if row.first_day <= before.last_day:
            yield wrong(f"ceilings[{number}].first_day", "days_out_of_order")


def _ceiling(row: _CeilingRow) -> Ceiling:
    rate = _millionths(row.percent_per_year)
    assert rate is not None
    return Ceiling(row.first_day, row.last_day, rate, row.source)


def _millionths(text: str) -> int | None:
    match = _PERCENT.fullmatch(text)
    if match is None:
        return None
    return int(match[1]) * _MILLION + int((match[2] or "").ljust(6, "0"))


def percent_text(millionths: int) -> str:
    """Millionths of a percent as people write a percentage: `18.25`."""
    whole, rest = divmod(millionths, _MILLION)
    return f"{whole}.{rest:06d}".rstrip("0").rstrip(".")
