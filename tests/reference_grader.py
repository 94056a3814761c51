"""A slow, obvious grader, to check the library against.

It shares no code with the library and reads the rules as literally as it can: for every single day of
the calendar year the whole account is settled again from the raw facts, and nothing is carried from one
day to the next except the question "was yesterday better than B2?".
It is meant to be read beside the rules; each function names those it states.

Times: a fact counts on day D as known at K when its own date is D or earlier and it was recorded at K or
earlier (PAY-03).
Both comparisons are inclusive.
Money: integer fen, never floats.

Command line::

    python tests/reference_grader.py FOLDER YEAR [--known INSTANT]
"""

import argparse
import csv
import json
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Shanghai")
EVERYTHING_KNOWN = datetime(9999, 1, 1, tzinfo=UTC)

YUAN = 100  # fen

# PAY-04: the grades from best to worst, and the last day of each bucket that has one.
GRADES = ("A", "B1", "B2", "B3", "B4", "B5")
LAST_DAY = (("A", 0), ("B1", 30), ("B2", 90), ("B3", 180), ("B4", 365))

# GRD-02
HIGH_ATTENTION = 4

# GRD-03: what a year's purchases must reach, inclusive. A problem customer reaches neither layer.
IMPORTANT_FROM = {"cautious": 20_000 * YUAN, "lively": 16_000 * YUAN, "ordinary": 16_000 * YUAN}
MAIN_FROM = {"cautious": 10_000 * YUAN, "lively": 8_000 * YUAN, "ordinary": 8_000 * YUAN}


# ---------------------------------------------------------------------------------------------- facts


@dataclass(frozen=True)
class Charge:
    """What the household owes, and by when (PAY-01)."""

    number: str
    due: date
    amount_fen: int
    recorded: datetime


@dataclass(frozen=True)
class Payment:
    """Money received; it may name the charge it is for (PAY-02)."""

    number: str
    amount_fen: int
    paid_on: date
    recorded: datetime
    charge: str | None = None


@dataclass(frozen=True)
class Reversal:
    """A payment that no longer counts, from the effective day on."""

    payment: str
    effective: date
    recorded: datetime


@dataclass(frozen=True)
class Waiver:
    """Part of a charge that need not be paid, from the effective day on (also a write-off)."""

    charge: str
    amount_fen: int
    effective: date
    recorded: datetime


@dataclass(frozen=True)
class Refund:
    """Money given back to the household, from the effective day on."""

    amount_fen: int
    effective: date
    recorded: datetime


@dataclass(frozen=True)
class Dispute:
    """Part or all of a charge that the household contests, from the effective day on (PAY-06)."""

    number: str
    charge: str
    amount_fen: int
    effective: date
    recorded: datetime


@dataclass(frozen=True)
class DisputeEnd:
    """The dispute was decided or withdrawn; `upheld_fen` was never owed, nothing of it if withdrawn (PAY-06)."""

    dispute: str
    upheld_fen: int
    effective: date
    recorded: datetime


@dataclass(frozen=True)
class LateCharge:
    """What was asked for because a charge was paid late; it is no principal (PAY-08)."""

    number: str
    of: str
    amount_fen: int
    recorded: datetime


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
class Household:
    """All facts about one household.

    `interests` counts interests recorded with consent and `confirmed_conduct` confirmed bad records and
    disturbances; both carry no date here and are taken to belong to the window and to be known.
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
    interests: int = 0
    confirmed_conduct: int = 0


# ------------------------------------------------------------------------------- the account on one day


def charges_known(household: Household, known: datetime) -> list[Charge]:
    """The charges known at `known`, oldest due date first, then by charge number (PAY-02).

    A charge that was upheld in full in a dispute was never owed: it is none, as if it had been cancelled (PAY-06).
    """
    charges = [
        charge
        for charge in household.charges
        if charge.recorded <= known and charge.amount_fen > upheld_fen(household, charge, known)
    ]
    return sorted(charges, key=lambda charge: (charge.due, charge.number))


def payments_in_force(household: Household, day: date, known: datetime) -> list[Payment]:
    """Payments made by `day` and known at `known`, without those reversed by then (PAY-01, PAY-03)."""
    reversed_numbers = [
        reversal.payment
        for reversal in household.reversals
        if reversal.effective <= day and reversal.recorded <= known
    ]
    return [
        payment
        for payment in household.payments
        if payment.paid_on <= day
        and payment.recorded <= known
        and payment.number not in reversed_numbers
    ]


def upheld_fen(household: Household, charge: Charge, known: datetime) -> int:
    """How much of a charge was never owed: what was upheld in its disputes, on whatever day (PAY-06)."""
    disputes = [dispute.number for dispute in household.disputes if dispute.charge == charge.number]
    return sum(
        end.upheld_fen
        for end in household.dispute_ends
        if end.dispute in disputes and end.recorded <= known
    )


def disputed_fen(household: Household, charge: Charge, day: date, known: datetime) -> int:
    """How much of a charge is in dispute on `day` (PAY-06).

    From the day of the dispute until the day before its end; of what was upheld nothing is left to dispute.
    """
    disputed = 0
    for dispute in household.disputes:
        if dispute.charge != charge.number or dispute.recorded > known or dispute.effective > day:
            continue
        amount = dispute.amount_fen
        over = False
        for end in household.dispute_ends:
            if end.dispute == dispute.number and end.recorded <= known:
                amount -= end.upheld_fen
                over = end.effective <= day
        if not over:
            disputed += amount
    return disputed


def waived_fen(household: Household, number: str, day: date, known: datetime) -> int:
    """How much of a charge, or of a late charge, is waived or written off."""
    return sum(
        waiver.amount_fen
        for waiver in household.waivers
        if waiver.charge == number and waiver.effective <= day and waiver.recorded <= known
    )


def refunded_fen(household: Household, day: date, known: datetime) -> int:
    """How much was given back by `day`, as known at `known`."""
    return sum(
        refund.amount_fen
        for refund in household.refunds
        if refund.effective <= day and refund.recorded <= known
    )


def unpaid_charges(household: Household, day: date, known: datetime) -> list[tuple[Charge, int]]:
    """Every known charge and what is unpaid and undisputed of it on `day` (PAY-02, PAY-06, PAY-08).

    First each payment settles the charge it names, its undisputed part before the disputed one; what names
    none, names a charge not known, or is left over goes into one pool.
    The pool, less refunds, then settles the oldest undisputed amounts first.
    Whatever still remains in it settles disputed amounts, then late charges, then it is credit in advance:
    none of that is asked for here.
    """
    charges = charges_known(household, known)
    # What each charge asks for; a waiver is not money, so a charge never asks for less than nothing.
    unpaid = {}
    for charge in charges:
        asked = charge.amount_fen - upheld_fen(household, charge, known)
        unpaid[charge.number] = max(0, asked - waived_fen(household, charge.number, day, known))
    for late in household.late_charges:
        # What is asked for because a charge was late falls with that charge.
        if late.recorded <= known and late.of in unpaid:
            waived = waived_fen(household, late.number, day, known)
            unpaid[late.number] = max(0, late.amount_fen - waived)
    pool = 0

    for payment in payments_in_force(household, day, known):
        settled = min(payment.amount_fen, unpaid.get(payment.charge, 0))
        if settled > 0:
            unpaid[payment.charge] -= settled
        pool += payment.amount_fen - settled

    pool = max(0, pool - refunded_fen(household, day, known))

    undisputed = []
    for charge in charges:
        left = unpaid[charge.number]
        left -= min(left, disputed_fen(household, charge, day, known))
        settled = min(pool, left)
        pool -= settled
        undisputed.append((charge, left - settled))
    return undisputed


def late_charge_fen(household: Household, number: str, on: date, known: datetime) -> int:
    """What has come together on a charge by `on`: 0.05 % a day of what was unpaid, simple (PAY-08).

    A day counts that begins with something unpaid and undisputed, after the due date; the sum is rounded
    once, half up, and stays within 30 % of the charge's principal.
    """
    [charge] = [charge for charge in charges_known(household, known) if charge.number == number]
    fen_days = 0
    day = charge.due + timedelta(days=1)
    while day <= on:
        before = unpaid_charges(household, day - timedelta(days=1), known)
        fen_days += sum(unpaid for one, unpaid in before if one.number == number)
        day += timedelta(days=1)
    principal = charge.amount_fen - upheld_fen(household, charge, known)
    return min((fen_days * 5 + 5_000) // 10_000, principal * 30 // 100)


def grade_for_days(overdue_days: int) -> str:
    """The credit grade for an age in days: 0 A, 1-30 B1, 31-90 B2, 91-180 B3, 181-365 B4, then B5 (PAY-04)."""
    for name, last_day in LAST_DAY:
        if overdue_days <= last_day:
            return name
    return "B5"


def credit(household: Household, day: date, known: datetime) -> tuple[str, int, int]:
    """Credit grade, days overdue and fen overdue on `day` as known at `known` (PAY-02, PAY-03, PAY-04).

    Only charges due before `day` can be overdue; the due date itself is day 0.
    """
    if not any(charge.due < day for charge in household.charges):
        return ("A", 0, 0)  # before the first due date nothing can be overdue
    overdue = [
        (charge, unpaid)
        for charge, unpaid in unpaid_charges(household, day, known)
        if charge.due < day and unpaid > 0
    ]
    if not overdue:
        return ("A", 0, 0)
    oldest_due = min(charge.due for charge, _ in overdue)
    overdue_days = (day - oldest_due).days
    return (grade_for_days(overdue_days), overdue_days, sum(unpaid for _, unpaid in overdue))


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


def purchases_fen(household: Household, year: int, known: datetime) -> int:
    """Purchases less refunds, dated in the year and known at `known` (PAY-13)."""
    return sum(
        purchase.amount_fen
        for purchase in household.purchases
        if purchase.on.year == year and purchase.recorded <= known
    )


def attention(household: Household, year: int, known: datetime) -> int:
    """Distinct matters raised in the year (GRD-02).

    Requests other than repairs, as they stand classified; a request belongs to the year of its date
    in the estate's zone, and is known from its receipt. All that are called duplicates of each
    other, or follow each other, are one matter: however long the chain, and wherever its head is.
    """
    seen = [request for request in household.requests if request.received_at <= known]
    raised = {
        request.number
        for request in seen
        if said_last(request.kinds, known, request.kind) != "repair"
        and request.received_at.astimezone(ZONE).year == year
    }
    joined: dict[str, set[str]] = {}
    for request in seen:
        of = said_last(request.marks, known, None) or request.follows
        together = joined.get(request.number, {request.number})
        if of is not None:
            together |= joined.get(of, {of})
        for number in together:
            joined[number] = together
    return len({min(joined[number] & raised) for number in raised})


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


def charges_due_in(household: Household, year: int, known: datetime) -> int:
    """How many charges known at `known` are due in the year; without one the grading is insufficient (GRD-12)."""
    return sum(charge.due.year == year for charge in charges_known(household, known))


def facts_of(household: Household, year: int, known: datetime) -> dict:
    """What a grading of the calendar year looks at, from what was known at `known` (GRD-01)."""
    grade_before, _, _ = credit(household, date(year - 1, 12, 31), known)
    daily_grades = []
    for day in days_of(year):
        grade_today, _, _ = credit(household, day, known)
        daily_grades.append(grade_today)
    credit_now, overdue_days, overdue_fen = credit(household, date(year, 12, 31), known)

    return {
        "attention": attention(household, year, known),
        "b2_entries": times_entered_b2(grade_before, daily_grades),
        "charges_due": charges_due_in(household, year, known),
        "conduct": household.confirmed_conduct,
        "credit": credit_now,
        "interests": household.interests,
        "overdue_days": overdue_days,
        "overdue_fen": overdue_fen,
        "previous_purchases_fen": purchases_fen(household, year - 1, known),
        "purchases_fen": purchases_fen(household, year, known),
        "worst_credit": worst_credit(daily_grades),
    }


def grade(household: Household, year: int, known: datetime) -> dict:
    """The grading on 31 December over the calendar year, from what was known at `known` (GRD-01)."""
    return grading_from(household, facts_of(household, year, known))


def grading_from(household: Household, facts: dict) -> dict:
    """What follows from the facts of a year (GRD-02, GRD-03)."""
    has_hard_fact = (
        is_at_least_as_bad(facts["worst_credit"], "B3")
        or facts["b2_entries"] >= 2
        or facts["conduct"] > 0
    )
    kind = customer_type(
        facts["attention"] >= HIGH_ATTENTION,
        prospect_is_high(
            facts["interests"], facts["purchases_fen"], facts["previous_purchases_fen"]
        ),
        has_hard_fact,
    )
    if facts["charges_due"] > 0:
        layer = pyramid_layer(
            kind,
            facts["credit"],
            facts["worst_credit"],
            facts["purchases_fen"],
            facts["attention"],
        )
    else:
        layer = "insufficient"

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
    return [
        Household(
            id=household,
            charges=tuple(charges[household]),
            payments=tuple(payments[household]),
            purchases=tuple(purchases[household]),
            requests=tuple(requests[household]),
        )
        for household in households
    ]


def grade_estate(folder: str | Path, year: int, known: datetime | None = None) -> list[dict]:
    """Every household's grading, sorted by household; without `known` everything recorded is known."""
    return [grade(household, year, known or EVERYTHING_KNOWN) for household in read_estate(folder)]


def main(arguments: list[str] | None = None) -> None:
    """Print the gradings of an import folder as JSON."""
    parser = argparse.ArgumentParser(description="Grade an import folder, slowly and obviously.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("year", type=int)
    parser.add_argument(
        "--known", type=instant, metavar="INSTANT", help="ISO 8601 with offset; default: everything"
    )
    options = parser.parse_args(arguments)
    print(
        json.dumps(
            grade_estate(options.folder, options.year, options.known), ensure_ascii=False, indent=1
        )
    )


if __name__ == "__main__":
    main()
