"""Bills of our billing system, told to the log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from crm_core import CRM, Actor
from crm_core.payments.commands import RaiseCharge

BILLING = Actor("billing", "finance")


@dataclass(frozen=True)
class Bill:
    """A bill as our billing system has it.

    Args:
        yuan: The amount, with two decimals.
        sent: The day on which it was sent; it is due thirty days later.
    """

    number: str
    household: str
    yuan: Decimal
    sent: date


def tell(crm: CRM, bill: Bill) -> None:
    """Raise the charge; told twice it is raised once."""
    charge = RaiseCharge(
        household=bill.household,
        charge=bill.number,
        kind="management_fee",
        period=f"{bill.sent:%Y-%m}",
        amount_fen=int(bill.yuan * 100),
        due=bill.sent + timedelta(days=30),
    )
    crm.do(charge, by=BILLING, id=f"bill-{bill.number}")
