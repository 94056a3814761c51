"""What the collection of an account's arrears has to know of it on a day."""

from __future__ import annotations

from datetime import date

from attrs import frozen

from crm_core.payments.allocation import allocate
from crm_core.payments.answers import ledger
from crm_core.payments.credit import CreditPolicy, credit_standing
from crm_core.payments.promises import open_promise, promises
from crm_core.payments.state import Account


@frozen
class Upcoming:
    """A charge that is not due yet."""

    charge: str
    due: date


@frozen
class Dues:
    """What an account says to the collection of its arrears on a day.

    Args:
        grade: Credit grade.
        charges: Charges that are overdue and undisputed, oldest first.
        upcoming: Charges that are not due yet and not paid, soonest first.
        promised: Whether a promise to pay is being kept.
    """

    grade: str
    charges: tuple[str, ...] = ()
    upcoming: tuple[Upcoming, ...] = ()
    promised: bool = False


def dues(account: Account, on: date, credit: CreditPolicy) -> Dues:
    """What an account says to the collection of its arrears on a day."""
    book = ledger(account)
    allocation = allocate(book, on)
    return Dues(
        credit_standing(book, on, credit).grade,
        tuple(charge.number for charge, _ in allocation.undisputed() if charge.due < on),
        tuple(Upcoming(c.number, c.due) for c, _ in allocation.undisputed() if c.due >= on),
        open_promise(promises(account.facts.values(), on)) is not None,
    )
