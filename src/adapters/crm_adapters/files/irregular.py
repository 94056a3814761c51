"""What an estate has that is not regular: sales, co-owners, tenants, odd bills, bulk payments.

Every household has a chance of its own for it, so an irregular estate is the regular one of the
same seed, and what is told here besides. Each kind touches more than one household of a hundred.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from crm_adapters.files.chance import Draw, Span, day_text, instant_text, yuan

EXTRA_COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "charges": ("debtor", "corrects"),
    "payments": ("payer",),
}
"""Columns that an irregular estate has besides, before the last one."""

TRANSFERS: Final = ("household", "member", "role", "name", "since", "until", "recorded")

SOLD_PER_MILLE: Final = 60
SOLD_TWICE_PER_MILLE: Final = 250  # of those that are sold at all
KNOWN_DAYS: Final = (0, 12)
KNOWN_LATE_PER_MILLE: Final = 300
KNOWN_LATE_DAYS: Final = (60, 200)
CO_OWNER_PER_MILLE: Final = 50
TENANT_PER_MILLE: Final = 40
TENANCY_DAYS: Final = (180, 720)
FINAL_BILL_PER_MILLE: Final = 600  # sellers who are sent a bill for the last weeks
FINAL_BILL_FEN: Final = (500, 9_000)
ZERO_BILL_PER_MILLE: Final = 4  # months in which the meters stood still, and a bill goes out anyway
CORRECTED_PER_MILLE: Final = 4  # months in which the fee is billed too high
CORRECTED_PERCENT: Final = (2, 20)
BULK_PER_MILLE: Final = 400  # payments of several bills whose payer says which
NAMED_PAYER_PER_MILLE: Final = 200

NOON: Final = 43_200


@dataclass(frozen=True, slots=True)
class Sale:
    """A new owner from a day on, and when the company learned of it."""

    day: int
    known: int
    member: str


@dataclass(slots=True)
class Oddities:
    """What is not regular about one household.

    Args:
        household: Its id.
        owner: The member whom it is registered with.
        sales: Changes of owners, in order.
    """

    household: str
    owner: str
    draw: Draw
    sales: list[Sale] = field(default_factory=list)

    def owner_on(self, day: int) -> str:
        """Who owns it on a day."""
        return next((sale.member for sale in reversed(self.sales) if sale.day <= day), self.owner)

    def payer(self, day: int, known: int) -> str:
        """Who is named as having paid: nobody mostly, and nobody whom the company does not know."""
        owner = self.owner_on(day)
        heard_of = all(sale.known < known for sale in self.sales if sale.member == owner)
        return owner if heard_of and self.draw.chance(NAMED_PAYER_PER_MILLE) else ""

    def correction(self, fee: int) -> int:
        """How much too high a month's fee is billed; 0 mostly."""
        if not self.draw.chance(CORRECTED_PER_MILLE):
            return 0
        return fee * self.draw.between(CORRECTED_PERCENT) // 100

    def names_all(self) -> bool:
        """Whether who pays several bills at once says which."""
        return self.draw.chance(BULK_PER_MILLE)


def oddities(
    digits: str,
    moved_in: int,
    name: str,
    a_name: Callable[[Draw], str],
    span: Span,
    draw: Draw,
    write: Callable[..., object],
) -> Oddities:
    """Draw what is not regular about a household, and write its members.

    Args:
        name: Of the owner whom it is registered with.
        a_name: Draws the name of somebody else.
        write: Takes a row of `transfers`.
    """
    household = f"H{digits}"
    odd = Oddities(household, f"{household}#owner", draw)

    def told(member: str, role: str, called: str, since: int, until: int, known: int) -> None:
        recorded = instant_text(known, NOON) if known else ""
        last = day_text(until) if until else ""
        write(household, member, role, called, day_text(since), last, recorded)

    first = max(moved_in, span.first_day) + 30
    holds: list[tuple[str, str, int]] = [(odd.owner, name, moved_in)]
    if draw.chance(SOLD_PER_MILLE):
        for nth in range(1, 3 if draw.chance(SOLD_TWICE_PER_MILLE) else 2):
            if first + 30 > span.last_day:
                break
            day = draw.between((first, span.last_day - 14))
            late = draw.chance(KNOWN_LATE_PER_MILLE)
            days = draw.between(KNOWN_LATE_DAYS if late else KNOWN_DAYS)
            odd.sales.append(Sale(day, min(day + days, span.last_day), f"{household}#buyer{nth}"))
            holds.append((f"{household}#buyer{nth}", a_name(draw), day))
            first = day + 60
    for nth, (member, called, since) in enumerate(holds):
        sold = odd.sales[nth] if nth < len(odd.sales) else None
        known = odd.sales[nth - 1].known if nth else 0
        if nth:
            told(member, "owner", called, since, 0, known)
        if sold is not None:
            told(member, "owner", called, since, sold.day - 1, sold.known)
    if draw.chance(CO_OWNER_PER_MILLE):
        day = draw.between((moved_in, max(moved_in, span.last_day - 14)))
        told(f"{household}#spouse", "co_owner", a_name(draw), day, 0, 0)
    if draw.chance(TENANT_PER_MILLE) and first + 30 < span.last_day:
        day = draw.between((first, span.last_day - 14))
        until = day + draw.between(TENANCY_DAYS)
        told(f"{household}#tenant", "tenant", a_name(draw), day, until, 0)
    return odd


def parts(fen: int, open_charges: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    """What of a payment is for which of the open charges; the rest is for none."""
    found = []
    for number, asked in open_charges:
        if not fen:
            break
        found.append((number, min(fen, asked)))
        fen -= min(fen, asked)
    return [*found, ("", fen)] if fen else found


def write_odd_bills(odd: Oddities, digits: str, month: date, write: Callable[..., object]) -> None:
    """Write a bill of nothing, now and then."""
    if odd.draw.chance(ZERO_BILL_PER_MILLE):
        period, due = f"{month:%Y-%m}", month.toordinal()
        number = f"C{digits}-{month:%Y%m}U"
        sent = instant_text(due - 15, NOON)
        write(number, odd.household, "utilities", period, "0.00", day_text(due), sent)


def write_final_bills(
    odd: Oddities,
    digits: str,
    span: Span,
    charge: Callable[..., object],
    pay: Callable[..., object],
) -> None:
    """Write what sellers owe for their last weeks, due when the flat is somebody else's already."""
    for nth, sale in enumerate(odd.sales, start=1):
        seller = odd.owner_on(sale.day - 1)
        due = sale.day + 7
        if nth > 1 or not odd.draw.chance(FINAL_BILL_PER_MILLE) or due + 7 > span.last_day:
            continue
        number, amount = f"C{digits}-F{nth}", yuan(odd.draw.between(FINAL_BILL_FEN))
        period = f"{date.fromordinal(sale.day):%Y-%m}"
        sent = instant_text(sale.day, NOON)
        charge(
            number, odd.household, "utilities", period, amount, day_text(due), sent, debtor=seller
        )
        if odd.draw.chance(500):
            day, sent = day_text(due + 2), instant_text(due + 3, NOON)
            payment = f"P{digits}-F{nth}"
            pay(payment, odd.household, amount, day, "transfer", number, sent, payer=seller)
