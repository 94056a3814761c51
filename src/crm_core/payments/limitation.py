"""Limitation watch: until when a court can still be asked for a charge (PAY-12).

Three years per charge from its due date (Civil Code, art. 188), begun anew by a documented demand
before they are over, by a suit, or by an acknowledgement (art. 195); an acknowledgement counts
even after they are over (art. 192). A promise to pay is one. A payment alone is not taken for one:
the watch would rather warn too early.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from attrs import frozen

from crm_core.payments.acts import DEMANDS, SUIT, StepDone
from crm_core.payments.allocation import allocate
from crm_core.payments.credit import add_months
from crm_core.payments.events import DebtAcknowledged, PaymentPromised
from crm_core.payments.ledger import Ledger

LIMITATION_YEARS = 3
"""Civil Code, art. 188."""


@frozen
class Limit:
    """How long a charge can be sued for.

    Args:
        charge: Its number.
        due: Its due date.
        unpaid_fen: What is open of it, disputed or not.
        runs_from: The due date, or the day of the latest fact that began the time anew.
        ends_on: Last day.
        restarts: Log positions of the facts that began the time anew.
    """

    charge: str
    due: date
    unpaid_fen: int
    runs_from: date
    ends_on: date
    restarts: tuple[int, ...]

    def days_left(self, on: date) -> int:
        """Days from `on` until the last day; below zero when it is past."""
        return (self.ends_on - on).days


def limits(facts: Iterable[tuple[Any, int]], on: date) -> tuple[Limit, ...]:
    """The limitation of every charge that is overdue on a day, soonest end first.

    Args:
        facts: Events of account and collection of one household with their positions, in the
            order of the log.
    """
    facts = list(facts)
    ledger = Ledger.of(facts)
    restarts = sorted(
        (found for event, position in facts for found in _restarts(event, position, ledger)),
        key=lambda restart: (restart[1], restart[3]),
    )
    found = []
    for charge, fen in allocate(ledger, on).unpaid:
        if charge.due < on:
            found.append(_limit(charge.number, charge.due, fen, restarts, on))
    return tuple(sorted(found, key=lambda limit: (limit.ends_on, limit.charge)))


Restart = tuple[frozenset[str], date, bool, int]
"""Charges, day, whether it revives what is over, position."""


def _restarts(event: Any, position: int, ledger: Ledger) -> Iterable[Restart]:
    match event:
        case DebtAcknowledged():
            yield frozenset(event.charges), event.on, True, position
        case PaymentPromised():
            # Who promises to pay acknowledges what is overdue then.
            unpaid = allocate(ledger, event.on).undisputed()
            overdue = frozenset(c.number for c, _ in unpaid if c.due < event.on)
            yield overdue, event.on, True, position
        case StepDone() if event.act == SUIT or (
            event.act in DEMANDS and any(proof.kind == "delivery" for proof in event.proofs)
        ):
            yield frozenset(event.charges), event.on, False, position
        case _:
            pass


def _limit(number: str, due: date, fen: int, restarts: list[Restart], on: date) -> Limit:
    runs_from, positions = due, list[int]()
    for charges, day, revives, position in restarts:
        if number in charges and runs_from < day <= on and (revives or day <= _end(runs_from)):
            runs_from = day
            positions.append(position)
    return Limit(
        charge=number,
        due=due,
        unpaid_fen=fen,
        runs_from=runs_from,
        ends_on=_end(runs_from),
        restarts=tuple(positions),
    )


def _end(runs_from: date) -> date:
    if runs_from > date.max - timedelta(days=366 * LIMITATION_YEARS):
        return date.max
    return add_months(runs_from, 12 * LIMITATION_YEARS)
