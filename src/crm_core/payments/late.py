"""Late charges: what the contract adds for paying late, computed and never stored (PAY-08).

Simple, never compound; whole numbers only. For every day that begins with principal unpaid after
the grace days, the day's rate of that principal is due; the sum is rounded once per charge, by the
rule the policy names, and capped. Days on which an amount is in dispute bear nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta

from attrs import define, frozen

from crm_core.kernel.policy import (
    Header,
    PolicyFault,
    PolicyRef,
    digest_of_table,
    read_toml,
    structure,
    wrong,
)
from crm_core.payments.allocation import allocate
from crm_core.payments.ledger import Charge, Ledger

_DAY = timedelta(days=1)
_PERCENT = re.compile(r"([0-9]{1,4})(?:\.([0-9]{1,6}))?")
_MILLION = 10**6

DAYS_OF_A_YEAR = 365
"""A yearly rate is this many times the daily one."""

ROUNDINGS = ("half_up", "half_even", "down")
"""How a fraction of a fen is rounded: the half up, the half to the even fen, always down."""


@frozen
class Override:
    """Why a rate above the ceiling is used all the same, and who answers for it."""

    approver: str
    reason: str


@frozen
class _Contents:
    """The file of a late charge policy."""

    kind: str
    policy: Header
    percent_per_day: str
    grace_days: int
    cap_percent: str
    rounding: str
    ceiling_percent_per_year: str
    kinds: tuple[str, ...]
    override: Override | None = None


@define(frozen=True)
class LateChargePolicy:
    """What the contract adds for paying late.

    Args:
        rate: Millionths of a percent of unpaid principal a day; 0 is off.
        grace_days: Days after the due date that bear nothing.
        cap: Millionths of a percent of its principal that a charge's late charge stays within.
        rounding: One of `ROUNDINGS`.
        kinds: Kinds of charges it is agreed for.
    """

    header: Header
    ref: PolicyRef
    rate: int
    grace_days: int
    cap: int
    rounding: str
    kinds: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> LateChargePolicy:
        """The policy in TOML text.

        Raises:
            PolicyFault: the text is not such a policy, or its yearly rate is above the ceiling it
                states and no override with reason and approver stands beside it.
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
        for name in ("percent_per_day", "cap_percent", "ceiling_percent_per_year"):
            read[name] = _millionths(getattr(contents, name))
            if read[name] is None:
                faults.append(wrong(name, "percentage_form"))
        rate, ceiling = read["percent_per_day"], read["ceiling_percent_per_year"]
        override = contents.override
        excused = override is not None and override.approver and override.reason
        if rate and ceiling is not None and rate * DAYS_OF_A_YEAR > ceiling and not excused:
            found, most = _percent(rate * DAYS_OF_A_YEAR), _percent(ceiling)
            faults.append(wrong("percent_per_day", "rate_above_ceiling", rate=found, ceiling=most))
        if faults:
            raise PolicyFault(faults)
        cap = read["cap_percent"]
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
        )

    def amount(self, fen_days: int, principal_fen: int) -> int:
        """The late charge in fen for so many fen times days, of a charge of that principal."""
        whole, rest = divmod(fen_days * self.rate, 100 * _MILLION)
        twice = 2 * rest - 100 * _MILLION
        if self.rounding == "half_up":
            whole += twice >= 0
        elif self.rounding == "half_even":
            whole += twice > 0 or (twice == 0 and whole % 2 == 1)
        return min(whole, principal_fen * self.cap // (100 * _MILLION))


@frozen
class LateCharge:
    """The late charge of one charge as it stands on a day.

    Args:
        charge: The charge that is, or was, late.
        days: Days that bear something.
        amount_fen: What has come together, rounded and capped.
        capped: Whether the cap holds it there.
    """

    charge: str
    days: int
    amount_fen: int
    capped: bool


def late_charges(ledger: Ledger, on: date, policy: LateChargePolicy) -> tuple[LateCharge, ...]:
    """Late charges as they stand at the end of a day, of what the ledger knows, oldest due first.

    A day bears interest on what was unpaid and undisputed as it began: a charge paid on the day
    after its due date was late for one day.
    """
    if not policy.rate:
        return ()
    late = {
        c.number: c for c in ledger.charges if c.kind in policy.kinds and _first(c, policy) < on
    }
    fen_days = dict.fromkeys(late, 0)
    days = dict.fromkeys(late, 0)
    for start, end in _stretches(ledger, late, on):
        for charge, fen in allocate(ledger, start).undisputed():
            if charge.number in late:
                counted = (end - max(start, _first(charge, policy))).days
                if counted > 0:
                    fen_days[charge.number] += fen * counted
                    days[charge.number] += counted
    found = []
    for number, charge in late.items():
        if days[number]:
            fen = policy.amount(fen_days[number], charge.amount_fen)
            capped = fen < policy.amount(fen_days[number], charge.amount_fen * 10**6)
            found.append(LateCharge(number, days[number], fen, capped))
    return tuple(found)


def _first(charge: Charge, policy: LateChargePolicy) -> date:
    """The last day that bears nothing whatever is unpaid at its end."""
    return charge.due + timedelta(days=policy.grace_days)


def _stretches(ledger: Ledger, late: dict[str, Charge], on: date) -> Iterator[tuple[date, date]]:
    """Stretches of days with the same unpaid amounts: first day, and the day after the last."""
    if not late:
        return
    start = min(charge.due for charge in late.values())
    turns = ledger.turns() | {charge.due for charge in (*ledger.charges, *ledger.late)}
    inner = sorted(turn for turn in turns if start < turn < on)
    yield from zip([start, *inner], [*inner, on], strict=True)


def _millionths(text: str) -> int | None:
    match = _PERCENT.fullmatch(text)
    if match is None:
        return None
    return int(match[1]) * _MILLION + int((match[2] or "").ljust(6, "0"))


def _percent(millionths: int) -> str:
    whole, rest = divmod(millionths, _MILLION)
    return f"{whole}.{rest:06d}".rstrip("0").rstrip(".")
