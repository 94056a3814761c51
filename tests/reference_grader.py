"""A slow, obvious grader, to check the library against.

It shares no code with the library and reads the rules as literally as it can: for every single day of
the calendar year the whole account is settled again from the raw facts, and nothing is carried from one
day to the next except the question "was yesterday better than B2?".
(A day on which no fact has its date is settled as the day before it; that is all the haste there is.)
Who owns a household is walked through day by day, too.
It is meant to be read beside the rules; each function names those it states.

Times: a fact counts on day D as known at K when its own date is D or earlier and it was recorded at K or
earlier (PAY-03).
Both comparisons are inclusive.
What is void from the start (a cancelled charge, a correction, what was upheld) has no date of its own.
The order in which facts were entered matters for one thing only: whether a number was said before or
after what it stood for was cancelled or reversed (PAY-01).
Money: integer fen, never floats.

Command line::

    python tests/reference_grader.py FOLDER YEAR [--known INSTANT] [--policy NAME]
"""

import argparse
import csv
import json
import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Shanghai")
EVERYTHING_KNOWN = datetime(9999, 1, 1, tzinfo=UTC)

YUAN = 100  # fen

ONE_DAY = timedelta(days=1)
ANY_DAY = date(2000, 1, 1)

# PAY-04: the grades from best to worst, and the last day of each bucket that has one.
GRADES = ("A", "B1", "B2", "B3", "B4", "B5")
LAST_DAY = (("A", 0), ("B1", 30), ("B2", 90), ("B3", 180), ("B4", 365))

# GRD-02: how many matters are much attention, and how many complaints a problem customer has.
HIGH_ATTENTION = 4
MANY_COMPLAINTS = 4

# GRD-03: what a year's purchases must reach, inclusive. A problem customer reaches neither layer.
IMPORTANT_FROM = {"cautious": 20_000 * YUAN, "lively": 16_000 * YUAN, "ordinary": 16_000 * YUAN}
MAIN_FROM = {"cautious": 10_000 * YUAN, "lively": 8_000 * YUAN, "ordinary": 8_000 * YUAN}


# The policies. The monotone one has the types of the first and the layers of the second.
DEFAULT_1, DEFAULT_2 = "grade-cn-default/1", "grade-cn-default/2"
MONOTONE_1 = "grade-cn-monotone/1"
POLICIES = (DEFAULT_1, MONOTONE_1, DEFAULT_2)


# ---------------------------------------------------------------------------------------------- facts
#
# `recorded` says when a fact became known, `entered` where it stands in the order of what was entered.


@dataclass(frozen=True)
class Charge:
    """What the household owes, and by when; costs of enforcement are a kind of their own (PAY-01).

    `debtor` is the member who owes it, where it is not owed by who owns the household (PAY-16).
    """

    number: str
    due: date
    amount_fen: int
    recorded: datetime
    debtor: str | None = None
    kind: str = "management_fee"
    entered: int = 0


@dataclass(frozen=True)
class Correction:
    """A negative bill: so much of the charge it names was never owed (PAY-01)."""

    number: str
    of: str
    amount_fen: int
    recorded: datetime
    entered: int = 0


@dataclass(frozen=True)
class Cancellation:
    """A charge, a late charge or a correction is void from the start; its number is free again (PAY-01)."""

    charge: str
    recorded: datetime
    entered: int = 0


@dataclass(frozen=True)
class Payment:
    """Money received; it may name the charge it is for, or several with their parts (PAY-02).

    `payer` is the member who paid, if that is known (PAY-16).
    """

    number: str
    amount_fen: int
    paid_on: date
    recorded: datetime
    charge: str | None = None
    parts: tuple[tuple[str, int], ...] = ()
    payer: str | None = None
    entered: int = 0


@dataclass(frozen=True)
class Reversal:
    """A payment that no longer counts, from the effective day on."""

    payment: str
    effective: date
    recorded: datetime
    entered: int = 0


@dataclass(frozen=True)
class Waiver:
    """Part of a charge that is not asked for from the effective day on; a write-off gives up what stays owed."""

    charge: str
    amount_fen: int
    effective: date
    recorded: datetime
    number: str = ""
    write_off: bool = False
    entered: int = 0


@dataclass(frozen=True)
class TakenBack:
    """A waiver or a write-off counts no more, from the effective day on (PAY-01)."""

    waiver: str
    effective: date
    recorded: datetime
    entered: int = 0


@dataclass(frozen=True)
class Refund:
    """Money given back, from the effective day on; to the member `payee`, if that is known (PAY-16)."""

    amount_fen: int
    effective: date
    recorded: datetime
    payee: str | None = None
    entered: int = 0


@dataclass(frozen=True)
class Dispute:
    """Part or all of a charge that the household contests, from the effective day on (PAY-06)."""

    number: str
    charge: str
    amount_fen: int
    effective: date
    recorded: datetime
    entered: int = 0


@dataclass(frozen=True)
class DisputeEnd:
    """The dispute was decided or withdrawn; `upheld_fen` was never owed, nothing of it if withdrawn (PAY-06)."""

    dispute: str
    upheld_fen: int
    effective: date
    recorded: datetime
    entered: int = 0


@dataclass(frozen=True)
class LateCharge:
    """What was asked for because a charge was paid late; it is no principal (PAY-08)."""

    number: str
    of: str
    amount_fen: int
    recorded: datetime
    due: date = date.min
    entered: int = 0


@dataclass(frozen=True)
class Role:
    """A member is owner, co-owner or tenant from a day on (OWN-02)."""

    member: str
    role: str
    since: date
    recorded: datetime
    entered: int = 0


@dataclass(frozen=True)
class RoleEnd:
    """The last day of a role."""

    member: str
    role: str
    until: date
    recorded: datetime
    entered: int = 0


@dataclass(frozen=True)
class Agreement:
    """By contract a tenant owes what falls due from a day on, perhaps until another (PAY-16)."""

    number: str
    member: str
    since: date
    until: date | None
    recorded: datetime
    entered: int = 0


@dataclass(frozen=True)
class Release:
    """The last day on which a tenant owes what falls due."""

    agreement: str
    until: date
    recorded: datetime
    entered: int = 0


@dataclass(frozen=True)
class Purchase:
    """A value-added service bought; a negative amount is a refund of one (PAY-13)."""

    amount_fen: int
    on: date
    recorded: datetime


@dataclass(frozen=True)
class Request:
    """A matter raised (REQ-01), and what was said of it later, in the order in which it was entered.

    `kinds` are corrections of its kind; `marks` say of what it is a duplicate, or None for what was
    undone; both with when they were known.
    """

    number: str
    kind: str
    received_at: datetime
    kinds: tuple[tuple[str, datetime], ...] = ()
    marks: tuple[tuple[str | None, datetime], ...] = ()
    follows: str | None = None


@dataclass(frozen=True)
class Opinion:
    """A forum thread, a comment of a survey, or a meeting attended, and by whom if that is known (GRD-02).

    `about` is the request it is about, if it is about one.
    """

    number: str
    source: str
    on: date
    recorded: datetime
    member: str | None = None
    about: str | None = None
    entered: int = 0


@dataclass(frozen=True)
class OpinionWithdrawal:
    """An opinion counts no more, as if it had not been recorded (GRD-02)."""

    opinion: str
    recorded: datetime
    entered: int = 0


@dataclass(frozen=True)
class Household:
    """All facts about one household, those of each kind in the order in which they were entered.

    `interests` are the days of interests recorded with consent and `confirmed_conduct` those of confirmed
    bad records and disturbances, all of them taken to be known. `elsewhere` are requests of others, for
    what they are called duplicates of.
    """

    id: str
    charges: tuple[Charge, ...] = ()
    payments: tuple[Payment, ...] = ()
    reversals: tuple[Reversal, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    refunds: tuple[Refund, ...] = ()
    disputes: tuple[Dispute, ...] = ()
    dispute_ends: tuple[DisputeEnd, ...] = ()
    late_charges: tuple[LateCharge, ...] = ()
    purchases: tuple[Purchase, ...] = ()
    requests: tuple[Request, ...] = ()
    interests: tuple[date, ...] = ()
    confirmed_conduct: tuple[date, ...] = ()
    corrections: tuple[Correction, ...] = ()
    cancellations: tuple[Cancellation, ...] = ()
    taken_back: tuple[TakenBack, ...] = ()
    roles: tuple[Role, ...] = ()
    role_ends: tuple[RoleEnd, ...] = ()
    agreements: tuple[Agreement, ...] = ()
    releases: tuple[Release, ...] = ()
    opinions: tuple[Opinion, ...] = ()
    opinion_withdrawals: tuple[OpinionWithdrawal, ...] = ()
    elsewhere: tuple[Request, ...] = ()


def said(facts: Iterable, known: datetime) -> list:
    """The facts known at `known`, in the order in which they were entered (PAY-03)."""
    return [fact for fact in facts if fact.recorded <= known]


# --------------------------------------------------------------------------------- who owes, day by day


@dataclass
class Tenure:
    """The time of the same owners, or of the same tenant who owes by contract (PAY-16).

    `key` is `first`, or the day it began; `debtors` are all who ever belonged to it.
    """

    key: str
    debtors: set[str] = field(default_factory=set)


@dataclass
class Tenures:
    """The tenure of every day, as known at some instant.

    Before the first day listed it is that of the first day, after the last one that of the last.
    """

    by_day: dict[date, Tenure]
    first: date
    last: date

    def on(self, day: date) -> Tenure:
        """The tenure of a day."""
        return self.by_day[min(max(day, self.first), self.last)]

    def of(self, member: str | None, day: date) -> Tenure:
        """The tenure in which a member owes: that of the day, else the latest before, else the first after.

        Without a member, and for one who never owes, it is that of the day.
        """
        today = min(max(day, self.first), self.last)
        before = today
        while before >= self.first:
            if member in self.by_day[before].debtors:
                return self.by_day[before]
            before -= ONE_DAY
        after = today
        while after <= self.last:
            if member in self.by_day[after].debtors:
                return self.by_day[after]
            after += ONE_DAY
        return self.by_day[today]

    def all(self) -> list[str]:
        """All tenures, in the order of their first days."""
        return list(dict.fromkeys(tenure.key for tenure in self.by_day.values()))


@dataclass
class Stay:
    """The days on which a member has a role."""

    member: str
    since: date
    until: date = date.max

    def holds(self, day: date) -> bool:
        return self.since <= day <= self.until


def stays(household: Household, known: datetime, roles: tuple[str, ...]) -> list[Stay]:
    """Who had one of the roles, and from when to when (OWN-02).

    An end is one of those that began before it was entered and have no end yet.
    """
    begun = [(role, Stay(role.member, role.since)) for role in said(household.roles, known)]
    for end in said(household.role_ends, known):
        for role, stay in begun:
            same = (role.member, role.role) == (end.member, end.role)
            if same and role.entered < end.entered and stay.until == date.max:
                stay.until = end.until
    return [stay for role, stay in begun if role.role in roles]


def lettings(household: Household, known: datetime) -> list[Stay]:
    """Who owes as a tenant by contract, and when: not beyond a release, nor beyond the tenancy."""
    found = []
    tenants = stays(household, known, ("tenant",))
    for agreed in said(household.agreements, known):
        ends = [agreed.until or date.max]
        for release in said(household.releases, known):
            if release.agreement == agreed.number:
                ends = [release.until]
        for tenant in tenants:
            if tenant.member == agreed.member and tenant.since <= agreed.since <= tenant.until:
                ends.append(tenant.until)
        found.append(Stay(agreed.member, agreed.since, min(ends)))
    return found


def owing_tenant(tenants: list[Stay], day: date) -> str | None:
    """The tenant who owes on a day: one at a time, so that a contract ends the one before it (PAY-16)."""
    begun = [stay for stay in tenants if stay.since <= day]
    # Of two of one day the id says who came last, not who was entered last.
    latest = max(begun, key=lambda stay: (stay.since, stay.member), default=None)
    return latest.member if latest and latest.holds(day) else None


def tenures(household: Household, known: datetime) -> Tenures:
    """The tenure of every day, walked through from the first to the last on which a role changes (PAY-16).

    A new tenure begins when no owner of the old one remains. Who comes while one of them stays beyond the
    day joins them, and so does who comes on the last day of all of them and leaves on it; the last day
    belongs to who leaves, days without an owner to the last one, and the days before the first owner to
    the first. Where a tenant owes by contract the day is the tenant's, and the owners' tenure rests.
    """
    owners = stays(household, known, ("owner", "co_owner"))
    tenants = lettings(household, known)
    turns = {day for stay in owners + tenants for day in (stay.since, stay.until)} - {date.max}
    if not turns:
        return Tenures({ANY_DAY: Tenure("first")}, ANY_DAY, ANY_DAY)
    first, last = min(turns) - ONE_DAY, max(turns) + 2 * ONE_DAY

    owning = Tenure("first")
    letting = None
    by_day = {}
    day = first
    while day <= last:
        today = {stay.member for stay in owners if stay.holds(day)}
        tomorrow = {stay.member for stay in owners if stay.holds(day + ONE_DAY)}
        if not owning.debtors or today & owning.debtors & tomorrow:
            owning.debtors |= today
        elif today & owning.debtors:
            owning.debtors |= today - tomorrow
        elif today:
            owning = Tenure(day.isoformat(), today)
        tenant = owing_tenant(tenants, day)
        if tenant and (letting is None or tenant not in letting.debtors):
            letting = Tenure(f"tenant-{day.isoformat()}", {tenant})
        by_day[day] = letting if tenant else owning
        day += ONE_DAY
    return Tenures(by_day, first, last)


# --------------------------------------------------------------------------- what is known of an account

PRINCIPAL, COSTS, LATE, DEBT = "principal", "costs", "late", "debt"


@dataclass
class Asked:
    """What is asked for, without what was never owed of it.

    A debt is money that was refunded before it bounced.
    """

    number: str
    due: date
    amount_fen: int
    kind: str
    tenure: str


@dataclass
class Given:
    """Money: what it names, whose it is, and the days on which it counts."""

    number: str
    amount_fen: int
    named: tuple[tuple[str, int], ...]
    tenure: str
    paid_on: date
    until: date = date.max

    def counts(self, day: date) -> bool:
        return self.paid_on <= day < self.until


@dataclass
class Account:
    """What is known of an account at some instant, in order of days and numbers."""

    household: Household
    known: datetime
    tenures: Tenures
    charges: list[Asked]
    money: list[Given]
    refunds: list[tuple[date, int, str]]
    waivers: list[tuple[Waiver, date]]
    disputes: list[Dispute]
    dispute_ends: list[DisputeEnd]
    turns: list[date] = field(default_factory=list)
    settled: dict[date, dict[str, "Standing"]] = field(default_factory=dict)
    unsettled: dict[date, tuple[dict, dict, dict]] = field(default_factory=dict)


def standing_facts(
    household: Household, facts: Iterable, known: datetime, names: tuple[str, ...]
) -> list:
    """The known facts that are not void: no number they name was cancelled after they were entered (PAY-01)."""
    cancelled = said(household.cancellations, known)
    return [
        fact
        for fact in said(facts, known)
        if not any(
            cancellation.charge == getattr(fact, name) and cancellation.entered > fact.entered
            for cancellation in cancelled
            for name in names
        )
    ]


def charges_known(household: Household, known: datetime) -> list[tuple[Charge, int]]:
    """The charges known at `known` that ask for something, oldest due date first, then by number (PAY-02).

    With what each asks for: what was upheld in its disputes was never owed, on whatever day it was decided,
    nor what negative bills took off it. One that asks for nothing is none, as if it had been cancelled
    (PAY-01, PAY-06).
    """
    asked = []
    for charge in standing_facts(household, household.charges, known, ("number",)):
        fen = charge.amount_fen - upheld_fen(household, charge.number, known)
        corrections = standing_facts(household, household.corrections, known, ("number", "of"))
        fen -= sum(one.amount_fen for one in corrections if one.of == charge.number)
        if fen > 0:
            asked.append((charge, fen))
    return sorted(asked, key=lambda one: (one[0].due, one[0].number))


def upheld_fen(household: Household, number: str, known: datetime) -> int:
    """How much of a charge was never owed: what was upheld in its disputes, on whatever day (PAY-06)."""
    disputes = standing_facts(household, household.disputes, known, ("charge",))
    numbers = [dispute.number for dispute in disputes if dispute.charge == number]
    return sum(
        end.upheld_fen for end in said(household.dispute_ends, known) if end.dispute in numbers
    )


def money_known(household: Household, known: datetime, whose: Tenures) -> list[Given]:
    """All money with the days on which it counts; a reversal ends what its number stands for (PAY-01)."""
    money = []
    standing = {}
    facts = [*said(household.payments, known), *said(household.reversals, known)]
    for fact in sorted(facts, key=lambda fact: fact.entered):
        if isinstance(fact, Reversal):
            if fact.payment in standing:
                standing.pop(fact.payment).until = fact.effective
            continue
        named = fact.parts
        if fact.charge is not None:
            named = ((fact.charge, fact.amount_fen),)
        tenure = whose.of(fact.payer, fact.paid_on)
        given = Given(fact.number, fact.amount_fen, named, tenure.key, fact.paid_on)
        standing[fact.number] = given
        money.append(given)
    # Whoever pays first is the first whose money a charge needs.
    return sorted(money, key=lambda given: (given.paid_on, given.number))


def account_of(household: Household, known: datetime) -> Account:
    """Everything that is known of an account, without what is void (PAY-01, PAY-03, PAY-16)."""
    whose = tenures(household, known)
    charges = []
    for charge, fen in charges_known(household, known):
        kind = COSTS if charge.kind == "enforcement_costs" else PRINCIPAL
        tenure = whose.of(charge.debtor, charge.due)
        charges.append(Asked(charge.number, charge.due, fen, kind, tenure.key))
    owed_by = {charge.number: charge.tenure for charge in charges}
    for late in standing_facts(household, household.late_charges, known, ("number", "of")):
        # What is asked for because a charge was late falls with that charge.
        if late.of in owed_by:
            charges.append(Asked(late.number, late.due, late.amount_fen, LATE, owed_by[late.of]))
    charges.sort(key=lambda charge: (charge.due, charge.number))
    waivers = [
        (waiver, min(taken_back_on(household, waiver, known), default=date.max))
        for waiver in standing_facts(household, household.waivers, known, ("charge",))
    ]
    account = Account(
        household,
        known,
        whose,
        charges,
        money_known(household, known, whose),
        [
            (refund.effective, refund.amount_fen, whose.of(refund.payee, refund.effective).key)
            for refund in said(household.refunds, known)
        ],
        waivers,
        standing_facts(household, household.disputes, known, ("charge",)),
        said(household.dispute_ends, known),
    )
    turns = {charge.due for charge in account.charges}
    turns |= {day for given in account.money for day in (given.paid_on, given.until)}
    turns |= {day for day, _, _ in account.refunds}
    turns |= {day for waiver, end in waivers for day in (waiver.effective, end)}
    turns |= {fact.effective for fact in (*account.disputes, *account.dispute_ends)}
    account.turns = sorted({date.min, *turns})
    return account


def taken_back_on(household: Household, waiver: Waiver, known: datetime) -> list[date]:
    """The days on which a waiver was taken back."""
    taken = said(household.taken_back, known)
    return [one.effective for one in taken if one.waiver and one.waiver == waiver.number]


# ------------------------------------------------------------------------------- the account on one day


def disputed_fen(account: Account, number: str, day: date) -> int:
    """How much of a charge is in dispute on `day` (PAY-06).

    From the day of the dispute until the day before its end; of what was upheld nothing is left to dispute.
    """
    disputed = 0
    for dispute in account.disputes:
        if dispute.charge != number or dispute.effective > day:
            continue
        amount = dispute.amount_fen
        over = False
        for end in account.dispute_ends:
            if end.dispute == dispute.number:
                amount -= end.upheld_fen
                over = end.effective <= day
        if not over:
            disputed += amount
    return disputed


def given_up_fen(account: Account, number: str, day: date, *, write_off: bool) -> int:
    """How much of a charge, or of a late charge, is waived (or else written off) on `day`."""
    return sum(
        waiver.amount_fen
        for waiver, end in account.waivers
        if waiver.charge == number
        and waiver.write_off == write_off
        and waiver.effective <= day < end
    )


def money_that_names(account: Account, day: date) -> tuple[dict, dict, dict]:
    """First each payment settles the charges it names, whoever owes them (PAY-02, PAY-16).

    What is open of every charge; what is left over of the money, by the tenure of its payer; and what waits,
    by the same, for a charge that is not due yet: that is credit in advance until then.
    A waiver is not money, so a charge never asks for less than nothing.
    """
    if day not in account.unsettled:
        open_fen = {}
        for charge in account.charges:
            waived = given_up_fen(account, charge.number, day, write_off=False)
            open_fen[charge.number] = max(0, charge.amount_fen - waived)
        later = {charge.number for charge in account.charges if charge.due > day}
        free: dict[str, int] = defaultdict(int)
        waiting: dict[str, int] = defaultdict(int)
        for given in account.money:
            if not given.counts(day):
                continue
            rest = given.amount_fen
            for number, fen in given.named:
                settled = min(fen, open_fen.get(number, 0))
                if settled > 0:
                    open_fen[number] -= settled
                    rest -= settled
                    if number in later:
                        waiting[given.tenure] += settled
            free[given.tenure] += rest
        account.unsettled[day] = (open_fen, free, waiting)
    return account.unsettled[day]


def refunded_fen(account: Account, tenure: str, day: date) -> int:
    """How much was given back to a tenure by `day`."""
    return sum(fen for on, fen, whose in account.refunds if whose == tenure and on <= day)


def debts(account: Account, tenure: str, day: date) -> list[Asked]:
    """Money given back that turned out not to be there: a debt due on the day of the shortfall (PAY-01)."""
    if not any(whose == tenure for _, _, whose in account.refunds):
        return []
    found = []
    owed = 0
    for turn in account.turns:
        if turn > day:
            break
        _, free, _ = money_that_names(account, turn)
        short = refunded_fen(account, tenure, turn) - free[tenure]
        if short > owed:
            found.append(Asked("", turn, short - owed, DEBT, tenure))
            owed = short
    return found


@dataclass
class Standing:
    """How a tenure stands at the end of a day.

    `ages` is what is unpaid, undisputed and not given up of principal and debts, oldest due first, `disputed`
    what is in dispute; the others are sums of what is unpaid.
    """

    ages: list[tuple[Asked, int]]
    disputed: list[tuple[Asked, int]]
    costs_fen: int
    late_fen: int
    written_off_fen: int
    advance_fen: int

    @property
    def debt_fen(self) -> int:
        return sum(fen for asked, fen in self.ages if asked.kind == DEBT)

    @property
    def unpaid_fen(self) -> int:
        """Unpaid principal, whether in dispute or not."""
        return sum(fen for _, fen in self.ages + self.disputed) - self.debt_fen

    @property
    def balance_fen(self) -> int:
        """What the statement comes to: what is due and owed, less credit in advance."""
        owed = self.unpaid_fen + self.costs_fen + self.late_fen + self.debt_fen
        return owed - self.advance_fen


def settle(account: Account, tenure: str, day: date) -> Standing:
    """How a tenure's money settles its charges on `day`; only those due by then take part (PAY-02, PAY-08).

    What is written off is what stays unpaid after all money, so money for the charge comes before it.
    Money that names no charge, or is left over, less refunds, then settles undisputed principal and debts in
    the order of their due dates, then what is disputed, then late charges and costs, then what is written
    off. What still remains is credit in advance.
    """
    open_fen, free, waiting = money_that_names(account, day)
    owed_back = debts(account, tenure, day)
    pool = free[tenure] - refunded_fen(account, tenure, day) + sum(d.amount_fen for d in owed_back)

    ages: list[tuple[Asked, int]] = []
    disputed: list[tuple[Asked, int]] = []
    beside: list[tuple[Asked, int]] = []
    written_off: list[int] = []
    charges = [one for one in account.charges if one.tenure == tenure and one.due <= day]
    for charge in sorted(
        charges + owed_back, key=lambda one: (one.due, one.kind == DEBT, one.number)
    ):
        left = charge.amount_fen if charge.kind == DEBT else open_fen[charge.number]
        given_up = min(left, given_up_fen(account, charge.number, day, write_off=True))
        written_off.append(given_up)
        left -= given_up
        if charge.kind in (LATE, COSTS):
            beside.append((charge, left))
            continue
        contested = min(left, disputed_fen(account, charge.number, day))
        disputed.append((charge, contested))
        ages.append((charge, left - contested))

    def pay(fen: int) -> int:
        """What is left of an amount once the pool has paid of it what it can."""
        nonlocal pool
        paid = min(pool, fen)
        pool -= paid
        return fen - paid

    ages = [(charge, left) for charge, fen in ages if (left := pay(fen))]
    disputed = [(charge, left) for charge, fen in disputed if (left := pay(fen))]
    beside = [(charge, pay(fen)) for charge, fen in beside]
    written_off = [pay(fen) for fen in written_off]
    return Standing(
        ages=ages,
        disputed=disputed,
        costs_fen=sum(fen for charge, fen in beside if charge.kind == COSTS),
        late_fen=sum(fen for charge, fen in beside if charge.kind == LATE),
        written_off_fen=sum(written_off),
        advance_fen=pool + waiting[tenure],
    )


def standing(account: Account, tenure: str, day: date) -> Standing:
    """How a tenure stands on `day`: as on the last day on which some fact has its date."""
    turn = account.turns[bisect_right(account.turns, day) - 1]
    of_day = account.settled.setdefault(turn, {})
    if tenure not in of_day:
        of_day[tenure] = settle(account, tenure, turn)
    return of_day[tenure]


def late_charge_fen(household: Household, number: str, on: date, known: datetime) -> int:
    """What has come together on a charge by `on`: 0.05 % a day of what was unpaid, simple (PAY-08).

    A day counts that begins with something unpaid and undisputed, after the due date; the sum is rounded
    once, half up, and stays within 30 % of the charge's principal.
    """
    account = account_of(household, known)
    [charge] = [one for one in account.charges if one.number == number]
    fen_days = 0
    day = charge.due + ONE_DAY
    while day <= on:
        before = standing(account, charge.tenure, day - ONE_DAY)
        fen_days += sum(unpaid for one, unpaid in before.ages if one.number == number)
        day += ONE_DAY
    return min((fen_days * 5 + 5_000) // 10_000, charge.amount_fen * 30 // 100)


def grade_for_days(overdue_days: int) -> str:
    """The credit grade for an age in days: 0 A, 1-30 B1, 31-90 B2, 91-180 B3, 181-365 B4, then B5 (PAY-04)."""
    for name, last_day in LAST_DAY:
        if overdue_days <= last_day:
            return name
    return "B5"


def credit_of(account: Account, tenure: str, day: date) -> tuple[str, int, int]:
    """Credit grade, days overdue and fen overdue of a tenure on `day` (PAY-02, PAY-04, PAY-16).

    Only what was due before `day` can be overdue; the due date itself is day 0.
    """
    overdue = [
        (asked.due, fen) for asked, fen in standing(account, tenure, day).ages if asked.due < day
    ]
    if not overdue:
        return ("A", 0, 0)
    overdue_days = (day - min(due for due, _ in overdue)).days
    return (grade_for_days(overdue_days), overdue_days, sum(fen for _, fen in overdue))


def credit(household: Household, day: date, known: datetime) -> tuple[str, int, int]:
    """Credit of the tenure of `day`, as known at `known` (PAY-03, PAY-16)."""
    account = account_of(household, known)
    return credit_of(account, account.tenures.on(day).key, day)


def arrears(account: Account, day: date) -> dict[str, tuple[int, int, int]]:
    """Of every tenure with arrears: days and fen overdue, and fen in dispute (PAY-03, PAY-16)."""
    found = {}
    for tenure in account.tenures.all():
        _, overdue_days, overdue_fen = credit_of(account, tenure, day)
        disputed = standing(account, tenure, day).disputed
        disputed_fen = sum(fen for asked, fen in disputed if asked.due < day)
        if overdue_fen or disputed_fen:
            found[tenure] = (overdue_days, overdue_fen, disputed_fen)
    return found


def statements(account: Account, day: date) -> dict[str, dict[str, int]]:
    """What is unpaid, and what is credit in advance, of every tenure; the balance is their difference."""
    found = {}
    for tenure in account.tenures.all():
        now = standing(account, tenure, day)
        found[tenure] = {
            "unpaid_fen": now.unpaid_fen,
            "costs_fen": now.costs_fen,
            "late_fen": now.late_fen,
            "debt_fen": now.debt_fen,
            "advance_fen": now.advance_fen,
            "balance_fen": now.balance_fen,
        }
    return found


# ------------------------------------------------------------------------------------ the year's window


def is_at_least_as_bad(grade_name: str, as_grade: str) -> bool:
    """Whether a grade is `as_grade` or worse."""
    return GRADES.index(grade_name) >= GRADES.index(as_grade)


def days_of(year: int) -> list[date]:
    """Every day of the calendar year."""
    first = date(year, 1, 1)
    length = (date(year + 1, 1, 1) - first).days
    return [first + timedelta(days=number) for number in range(length)]


def worst_credit(daily_grades: list[str]) -> str:
    """The worst grade on any single day (PAY-07); it stays although the debt was paid since."""
    return max(daily_grades, key=GRADES.index)


def times_entered_b2(grade_before: str, daily_grades: list[str]) -> int:
    """Days at B2 or worse after a day better than B2 (GRD-02); the first day looks at the day before the year."""
    entered = 0
    yesterday = grade_before
    for today in daily_grades:
        if is_at_least_as_bad(today, "B2") and not is_at_least_as_bad(yesterday, "B2"):
            entered += 1
        yesterday = today
    return entered


def purchases_fen(account: Account, tenure: str, year: int) -> int:
    """Purchases less refunds of a tenure, dated in the year (PAY-13, PAY-16)."""
    return sum(
        purchase.amount_fen
        for purchase in said(account.household.purchases, account.known)
        if purchase.on.year == year and account.tenures.on(purchase.on).key == tenure
    )


def attention(account: Account, tenure: str, year: int) -> int:
    """Distinct matters that a tenure raised in the year (GRD-02, PAY-16)."""
    return len(matters(account, tenure, year))


def complaints(account: Account, tenure: str, year: int) -> int:
    """Those of the matters that are complaints, as they stand classified (GRD-02)."""
    return matters(account, tenure, year).count("complaint")


def matters(account: Account, tenure: str, year: int) -> list[str]:
    """What every distinct matter is that a tenure raised in the year (GRD-02, PAY-16).

    All that are called duplicates of each other, or follow each other, or are about each other, are one
    matter: however long the chain, and wherever its head is. It is what the request is that stands for it,
    and where none does, what the opinion is that was said first.
    """
    every = raised_by_anybody(account)
    here = [one for one in every if counts_here(one, account, tenure, year)]
    found = []
    while here:
        same = one_matter_with(here[0], every)
        found.append(
            min(
                (one for one in here if one.key in same), key=lambda one: one.precedence(every)
            ).kind
        )
        here = [one for one in here if one.key not in same]
    return found


@dataclass(frozen=True)
class Raised:
    """Something that raises a matter: a request, or an opinion, with what it is called the same matter as.

    `kind` is that of a request as it stands classified, and the source of an opinion. `linked` is when it
    was last said what it is the same as.
    """

    key: tuple[str, str]
    kind: str
    on: date
    at: datetime
    same_as: tuple[str, str] | None
    ours: bool
    linked: datetime

    def precedence(self, every: list["Raised"]) -> tuple:
        """Who stands for a matter: the head, before what is called the same.

        Where the head does not count here, a request, before an opinion; then the one that came first.
        In a circle what was said last, which closes it, does not count: whom it was said of is the head.
        """
        way = [self.key]
        links = {one.key: one.same_as for one in every}
        while links.get(way[-1]) is not None and links[way[-1]] not in way:
            way.append(links[way[-1]])
        is_head = len(way) == 1
        if links.get(way[-1]) == self.key:
            is_head = self.linked == max(one.linked for one in every if one.key in way)
        return (not is_head, self.key[0] != REQUEST, self.at)


REQUEST, OPINION = "request", "opinion"


def raised_by_anybody(account: Account) -> list[Raised]:
    """All that is known to have been raised, here and elsewhere.

    A request is known from its receipt, and stands as it was said last to stand; what was called a duplicate
    follows what it duplicates. An opinion that was withdrawn is none.
    """
    household, known = account.household, account.known
    found = []
    for request in (*household.requests, *household.elsewhere):
        if request.received_at <= known:
            of = said_last(request.marks, known, None) or request.follows
            found.append(
                Raised(
                    (REQUEST, request.number),
                    said_last(request.kinds, known, request.kind),
                    request.received_at.astimezone(ZONE).date(),
                    request.received_at,
                    (REQUEST, of) if of is not None else None,
                    request in household.requests,
                    max(
                        (at for _, at in request.marks if at <= known), default=request.received_at
                    ),
                )
            )
    for opinion in said(household.opinions, known):
        if not withdrawn(household, opinion, known):
            found.append(
                Raised(
                    (OPINION, opinion.number),
                    opinion.source if said_by_name(opinion) else "nobody's",
                    opinion.on,
                    datetime.combine(opinion.on, time(0, 0), ZONE),
                    (REQUEST, opinion.about) if opinion.about is not None else None,
                    True,
                    opinion.recorded,
                )
            )
    return found


def withdrawn(household: Household, opinion: Opinion, known: datetime) -> bool:
    """Whether an opinion was withdrawn after it was entered, on whatever day."""
    return any(
        one.opinion == opinion.number and one.entered > opinion.entered
        for one in said(household.opinion_withdrawals, known)
    )


def said_by_name(opinion: Opinion) -> bool:
    """Forum threads whose author made themselves known, and comments of surveys answered by name (GRD-02).

    Who attended a meeting was there.
    """
    return opinion.source == "meeting" or opinion.member is not None


def counts_here(one: Raised, account: Account, tenure: str, year: int) -> bool:
    """Whether it is a matter of this household, tenure and year by itself: all but repairs are (GRD-02).

    It belongs to the year, and the tenure, of its date in the estate's zone.
    """
    return (
        one.ours
        and one.kind not in ("repair", "nobody's")
        and belongs(account, tenure, year, one.on)
    )


def one_matter_with(first: Raised, every: list[Raised]) -> set[tuple[str, str]]:
    """All that are the same matter: looked for until nobody is found any more."""
    same = {first.key}
    while True:
        more = {one.key for one in every if one.same_as in same}
        more |= {one.same_as for one in every if one.key in same and one.same_as is not None}
        if more <= same:
            return same
        same |= more


def belongs(account: Account, tenure: str, year: int, day: date) -> bool:
    """Whether what happened on a day is of that year, and of that tenure (PAY-16)."""
    return day.year == year and account.tenures.on(day).key == tenure


def said_last(
    told: tuple[tuple[str | None, datetime], ...], known: datetime, otherwise: str | None
):
    """What was said last of all that was known by then."""
    return next((said for said, at in reversed(told) if at <= known), otherwise)


def prospect_is_high(interests: int, this_year: int, year_before: int) -> bool:
    """Purchases are positive and at least 1.1 times last year's, or an interest is recorded (GRD-02)."""
    if interests > 0:
        return True
    return this_year > 0 and this_year * 100 >= year_before * 110


def customer_type(attention_is_high: bool, prospect_is_high: bool, has_hard_fact: bool) -> str:
    """Attention x prospect; limited prospect is a problem only with a hard fact (GRD-02)."""
    if prospect_is_high:
        return "lively" if attention_is_high else "cautious"
    if attention_is_high and has_hard_fact:
        return "problem"
    return "ordinary"


def customer_type_2(
    attention_is_high: bool,
    prospect_is_high: bool,
    many_complaints: bool,
    purchases: int,
    has_hard_fact: bool,
) -> str:
    """The same by the second policy (GRD-02).

    A problem customer has many complaints, limited prospect, purchases below what makes an ordinary customer
    a main one, and a hard fact: all four.
    """
    if prospect_is_high:
        return "lively" if attention_is_high else "cautious"
    if many_complaints and purchases < MAIN_FROM["ordinary"] and has_hard_fact:
        return "problem"
    return "ordinary"


def pyramid_layer(kind: str, credit_now: str, worst: str, purchases: int, matters: int) -> str:
    """The first layer whose conditions hold (GRD-03); amounts are inclusive."""
    if (
        credit_now == "A"
        and not is_at_least_as_bad(worst, "B2")
        and kind in IMPORTANT_FROM
        and purchases >= IMPORTANT_FROM[kind]
    ):
        return "important"
    if credit_now == "A" and kind in MAIN_FROM and purchases >= MAIN_FROM[kind]:
        return "main"
    if credit_now in ("A", "B1") and kind != "problem" and (purchases > 0 or matters >= 1):
        return "ordinary"
    return "small"


def charges_due_in(account: Account, tenure: str, year: int) -> int:
    """How many charges of a tenure are due in the year; without one the grading is insufficient (GRD-12)."""
    return sum(
        charge.due.year == year
        for charge in account.charges
        if charge.kind == PRINCIPAL and charge.tenure == tenure
    )


def facts_of(household: Household, year: int, known: datetime) -> dict:
    """What a grading of the calendar year looks at, from what was known at `known` (GRD-01)."""
    return facts_from(account_of(household, known), year)


def facts_from(account: Account, year: int) -> dict:
    """What a grading of the calendar year looks at (GRD-01).

    It is that of the tenure on 31 December; what belongs to another is not seen (PAY-16).
    """
    household = account.household
    year_end = date(year, 12, 31)
    tenure = account.tenures.on(year_end).key
    grade_before, _, _ = credit_of(account, tenure, date(year - 1, 12, 31))
    daily_grades = []
    for day in days_of(year):
        grade_today, _, _ = credit_of(account, tenure, day)
        daily_grades.append(grade_today)
    credit_now, overdue_days, overdue_fen = credit_of(account, tenure, year_end)

    return {
        "attention": attention(account, tenure, year),
        "b2_entries": times_entered_b2(grade_before, daily_grades),
        "charges_due": charges_due_in(account, tenure, year),
        "complaints": complaints(account, tenure, year),
        "conduct": sum(belongs(account, tenure, year, on) for on in household.confirmed_conduct),
        "credit": credit_now,
        "interests": sum(belongs(account, tenure, year, on) for on in household.interests),
        "overdue_days": overdue_days,
        "overdue_fen": overdue_fen,
        "previous_purchases_fen": purchases_fen(account, tenure, year - 1),
        "purchases_fen": purchases_fen(account, tenure, year),
        "worst_credit": worst_credit(daily_grades),
    }


def grade(household: Household, year: int, known: datetime, policy: str = DEFAULT_2) -> dict:
    """The grading on 31 December over the calendar year, from what was known at `known` (GRD-01)."""
    return grading_from(household, facts_of(household, year, known), policy)


def type_from(facts: dict, policy: str = DEFAULT_2) -> str:
    """The customer type that follows from the facts (GRD-02)."""
    has_hard_fact = (
        is_at_least_as_bad(facts["worst_credit"], "B3")
        or facts["b2_entries"] >= 2
        or facts["conduct"] > 0
    )
    attention_is_high = facts["attention"] >= HIGH_ATTENTION
    high = prospect_is_high(
        facts["interests"], facts["purchases_fen"], facts["previous_purchases_fen"]
    )
    if policy == DEFAULT_2:
        many = facts["complaints"] >= MANY_COMPLAINTS
        return customer_type_2(attention_is_high, high, many, facts["purchases_fen"], has_hard_fact)
    return customer_type(attention_is_high, high, has_hard_fact)


def layer_by_amounts(facts: dict, policy: str) -> str:
    """The layer as the amounts decide it for the type (GRD-03, GRD-12)."""
    if facts["charges_due"] == 0:
        return "insufficient"
    return pyramid_layer(
        type_from(facts, policy),
        facts["credit"],
        facts["worst_credit"],
        facts["purchases_fen"],
        facts["attention"],
    )


def with_less(facts: dict) -> list[dict]:
    """The same customer with fewer purchases, without the interest, or both (GRD-03).

    Between two of these amounts nothing turns: the first fen, what the amounts of the layers are, and where
    the prospect becomes high; each is tried itself and one fen below it.
    """
    turns = {1, *IMPORTANT_FROM.values(), *MAIN_FROM.values()}
    turns.add(-(-facts["previous_purchases_fen"] * 110 // 100))
    amounts = {facts["purchases_fen"]} | {fen for turn in turns for fen in (turn - 1, turn)}
    return [
        facts | {"purchases_fen": fen, "interests": interests}
        for fen in sorted(amounts)
        if fen <= facts["purchases_fen"]
        for interests in {0, facts["interests"]}
    ]


def layer_from(facts: dict, policy: str = DEFAULT_2) -> str:
    """The layer that follows from the facts (GRD-03).

    Buying more or consenting to an interest never costs a layer: the amounts decide as they stand, except
    where the same customer with less would have been important, or main.
    """
    layer = layer_by_amounts(facts, policy)
    if policy == DEFAULT_1:
        return layer
    layers = {layer} | {layer_by_amounts(less, policy) for less in with_less(facts)}
    return next((better for better in ("important", "main") if better in layers), layer)


def layer_with_type(facts: dict, kind: str, policy: str = DEFAULT_2) -> str:
    """The layer of a customer whose type a person confirmed (GRD-02, GRD-03).

    The amounts decide for that type. With less, the same customer has it, too; a problem customer is none
    of those whom the exception is for.
    """
    if facts["charges_due"] == 0:
        return "insufficient"
    now = facts["credit"], facts["worst_credit"], facts["purchases_fen"], facts["attention"]
    layer = pyramid_layer(kind, *now)
    if policy == DEFAULT_1 or kind == "problem":
        return layer
    layers = {layer} | {layer_by_amounts(less, policy) for less in with_less(facts)}
    return next((better for better in ("important", "main") if better in layers), layer)


def grading_from(household: Household, facts: dict, policy: str = DEFAULT_2) -> dict:
    """What follows from the facts of a year by a policy (GRD-02, GRD-03)."""
    kind = type_from(facts, policy)
    layer = layer_from(facts, policy)
    return {
        "household": household.id,
        "layer": layer,
        # GRD-03: the important layer waits for the manager and the director.
        "status": "awaiting_confirmation" if layer == "important" else "computed",
        "type": kind,
        "credit": facts["credit"],
        "worst_credit": facts["worst_credit"],
        "purchases_fen": facts["purchases_fen"],
        "attention": facts["attention"],
        "overdue_days": facts["overdue_days"],
    }


# ------------------------------------------------------------------------------------- the import files


def fen(text: str) -> int:
    """Yuan with at most two decimals as fen: `"127.50"` is 12750, `"-4.6"` is -460."""
    match = re.fullmatch(r"(-?)([0-9]+)(?:\.([0-9]{1,2}))?", text)
    if match is None:
        raise ValueError(f"not an amount of yuan: `{text}`")
    sign, yuan, decimals = match.groups()
    amount = int(yuan) * YUAN + int((decimals or "").ljust(2, "0"))
    return -amount if sign else amount


def instant(text: str) -> datetime:
    """An ISO 8601 instant; without an offset it would not be one."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"an instant needs an offset: `{text}`")
    return moment


def recorded(row: dict, own_date: date) -> datetime:
    """When the fact became known; without the column, the start of the fact's own day in the estate's zone."""
    text = row.get("recorded")
    return instant(text) if text else datetime.combine(own_date, time(0, 0), ZONE)


def rows(folder: str | Path, name: str) -> list[dict]:
    """The rows of one file, UTF-8 with or without BOM, English headers; only households must be there."""
    path = Path(folder) / f"{name}.csv"
    if not path.exists() and name != "households":
        return []
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def read_charge(row: dict) -> Charge:
    """One row of charges.csv."""
    due = date.fromisoformat(row["due"])
    return Charge(row["charge"], due, fen(row["amount"]), recorded(row, due))


def read_payment(row: dict) -> Payment:
    """One row of payments.csv."""
    paid_on = date.fromisoformat(row["paid_on"])
    return Payment(
        row["payment"],
        fen(row["amount"]),
        paid_on,
        recorded(row, paid_on),
        row.get("charge") or None,
    )


def read_purchase(row: dict) -> Purchase:
    """One row of purchases.csv."""
    on = date.fromisoformat(row["purchased_on"])
    return Purchase(fen(row["amount"]), on, recorded(row, on))


def read_request(row: dict) -> Request:
    """One row of requests.csv; the import marks no duplicates."""
    return Request(row["request"], row["kind"], instant(row["received_at"]))


def read_opinion(row: dict) -> Opinion:
    """One row of opinions.csv, if there is one."""
    on = date.fromisoformat(row["on"])
    member, about = row.get("member") or None, row.get("about") or None
    return Opinion(row["opinion"], row["source"], on, recorded(row, on), member, about)


def by_household(folder: str | Path, name: str, read, households: list[str]) -> dict[str, list]:
    """The facts of one file, gathered per household; a household that is not registered is an error."""
    gathered = {household: [] for household in households}
    for row in rows(folder, name):
        if row["household"] not in gathered:
            raise ValueError(f"{name}: unknown household `{row['household']}`")
        gathered[row["household"]].append(read(row))
    return gathered


def read_estate(folder: str | Path) -> list[Household]:
    """All households of an import folder with their facts, sorted by household."""
    households = sorted(row["household"] for row in rows(folder, "households"))
    charges = by_household(folder, "charges", read_charge, households)
    payments = by_household(folder, "payments", read_payment, households)
    purchases = by_household(folder, "purchases", read_purchase, households)
    requests = by_household(folder, "requests", read_request, households)
    opinions = by_household(folder, "opinions", read_opinion, households)
    return [
        Household(
            id=household,
            charges=tuple(charges[household]),
            payments=tuple(payments[household]),
            purchases=tuple(purchases[household]),
            requests=tuple(requests[household]),
            opinions=tuple(opinions[household]),
        )
        for household in households
    ]


def grade_estate(
    folder: str | Path, year: int, known: datetime | None = None, policy: str = DEFAULT_2
) -> list[dict]:
    """Every household's grading, sorted by household; without `known` everything recorded is known."""
    known = known or EVERYTHING_KNOWN
    return [grade(household, year, known, policy) for household in read_estate(folder)]


def main(arguments: list[str] | None = None) -> None:
    """Print the gradings of an import folder as JSON."""
    parser = argparse.ArgumentParser(description="Grade an import folder, slowly and obviously.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("year", type=int)
    parser.add_argument(
        "--known", type=instant, metavar="INSTANT", help="ISO 8601 with offset; default: everything"
    )
    parser.add_argument("--policy", choices=POLICIES, default=DEFAULT_2)
    options = parser.parse_args(arguments)
    gradings = grade_estate(options.folder, options.year, options.known, options.policy)
    print(json.dumps(gradings, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
