"""What a town is made from: how many households and years, and how much is out of the ordinary."""

from __future__ import annotations

from attrs import field

from crm_core.kernel.sentences import Malformed
from crm_core.kernel.values import frozen


@frozen
class Shares:
    """How many of a thousand.

    Args:
        cancelled: Charges raised by mistake.
        companies: Households that are companies.
        conduct: Years of a household with a confirmed bad record or disturbance.
        disputed: Years with a charge in dispute: open, upheld, upheld in part, rejected, withdrawn.
        duplicates: Years with requests that are called duplicates, in chains or by mistake.
        imported: Households taken over from an older system after their first year.
        in_part: Charges paid in two parts.
        interested: Years with an interest.
        known_late: Facts that come to be known one to six months late.
        late: Charges paid after their due date.
        late_charges: Years in which a late charge is asked for.
        loud: Years with many requests.
        moved: Payments that belong to the neighbour.
        newcomers: Households that move in after the first year.
        purchase_refunds: Purchases that are given back, in part or whole.
        reclassified: Requests whose kind was put down wrongly.
        reversed: Payments that bounce.
        too_much: Charges paid more than in full; half of the rest is refunded.
        uncharged: Years without any charge.
        unnamed: Households whose payments name no charge.
        unpaid: Charges never paid.
        waived: Years in which a charge is waived or written off.
    """

    cancelled: int = 6
    companies: int = 40
    conduct: int = 10
    disputed: int = 30
    duplicates: int = 40
    imported: int = 200
    in_part: int = 40
    interested: int = 60
    known_late: int = 60
    late: int = 200
    late_charges: int = 25
    loud: int = 60
    moved: int = 8
    newcomers: int = 30
    purchase_refunds: int = 60
    reclassified: int = 15
    reversed: int = 12
    too_much: int = 20
    uncharged: int = 10
    unnamed: int = 250
    unpaid: int = 8
    waived: int = 15


REGULAR = Shares(
    cancelled=0, conduct=0, disputed=0, duplicates=0, imported=0, in_part=0, interested=0,
    known_late=0, late_charges=0, loud=0, moved=0, newcomers=0, purchase_refunds=0, reclassified=0,
    reversed=0, too_much=0, uncharged=0, unpaid=0, waived=0,
)  # fmt: skip
"""Nothing out of the ordinary but payments that are late."""


def _not_negative(_town: object, _name: object, households: int) -> None:
    if households < 0:
        raise Malformed("town_below_zero", households=households)


@frozen
class Plan:
    """What a town is made from.

    Args:
        seed: Another seed, another town.
        households: How many; the first ones of a larger town are those of a smaller one, as far
            as they come in pairs of neighbours.
        years: Calendar years of dealings.
        first_year: The first of them.
        facts_a_year: About how many facts a household has in a year; with its yearly grading one
            event more. What is out of the ordinary may make it a few more.
        shares: What is out of the ordinary, and how often.
        block: Households whose facts stand in the log in the order in which they were known, one
            block behind the other.
    """

    seed: int = 1
    households: int = field(default=1000, validator=_not_negative)
    years: int = 3
    first_year: int = 2011
    facts_a_year: int = 11
    shares: Shares = Shares()
    block: int = 100

    def household(self, number: int) -> str:
        """Id of a household, by its number from 1."""
        return f"V{number:07}"
