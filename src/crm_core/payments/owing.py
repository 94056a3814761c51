"""Who owes what since when: a line for each tenure that has something overdue (PAY-03, PAY-16)."""

from __future__ import annotations

from datetime import date

from crm_core.kernel.values import frozen
from crm_core.payments.allocation import allocate
from crm_core.payments.ledger import Ledger


@frozen
class Overdue:
    """What is overdue of one ledger on a day.

    Args:
        oldest_due: Due date of the oldest unpaid, undisputed charge.
        overdue_days: Days since then.
        overdue_fen: Unpaid, undisputed principal that is overdue.
    """

    oldest_due: date
    overdue_days: int
    overdue_fen: int


@frozen
class OwingRow:
    """Who owes what since when, with the place.

    Args:
        tenure: Key of the tenure that owes it (PAY-16).
        oldest_due: Due date of its oldest unpaid, undisputed charge.
        overdue_days: Days since then.
        overdue_fen: Unpaid, undisputed principal that is overdue.
    """

    household: str
    tenure: str
    estate: str
    building: str
    unit: str
    room: str
    oldest_due: date
    overdue_days: int
    overdue_fen: int

    @property
    def largest_first(self) -> tuple[int, str, str]:
        """The place of the row in a list: the largest amount first, then by household."""
        return -self.overdue_fen, self.household, self.tenure


def overdue(ledger: Ledger, on: date) -> Overdue | None:
    """What is overdue at the end of a day, or None."""
    late = [(charge, fen) for charge, fen in allocate(ledger, on).undisputed() if charge.due < on]
    if not late:
        return None
    oldest = late[0][0].due
    return Overdue(oldest, (on - oldest).days, sum(fen for _, fen in late))
