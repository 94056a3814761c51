"""What the collection of an account's arrears has to know of it on a day.

It is always that of one tenure: who owes the arrears is asked for them, whoever owns the household
by now (PAY-16).
"""

from __future__ import annotations

from datetime import date

from crm_core.kernel.values import frozen
from crm_core.payments.collection.policy import CollectionPolicy


@frozen
class Upcoming:
    """A charge that is not due yet.

    Args:
        known: The day on which it came to be known, where that is asked: its number may have been
            that of another one before.
    """

    charge: str
    due: date
    known: date = date.min


@frozen
class Dues:
    """What an account says to the collection of its arrears on a day.

    Args:
        grade: Credit grade.
        charges: Charges that are overdue and undisputed, oldest first.
        upcoming: Charges that are not due yet and not paid, soonest first.
        promised: Whether a promise to pay is being kept.
        tenant: Whether who owes does so as a tenant, by contract.
        paid: Whether it was money that settled what the open case was about (PAY-10).
    """

    grade: str
    charges: tuple[str, ...] = ()
    upcoming: tuple[Upcoming, ...] = ()
    promised: bool = False
    tenant: bool = False
    paid: bool = False


@frozen
class Day:
    """A day that brings something about in a collection, and what there is to know of it."""

    on: date
    dues: Dues
    policy: CollectionPolicy
