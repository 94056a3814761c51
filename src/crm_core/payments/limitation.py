"""Limitation watch: until when a court can still be asked for a charge (PAY-12).

Two or three years per charge, by the law of their time (`LIMITATIONS`), begun anew before they are
over by a documented demand, by a suit, by a written acknowledgement, or by a promise to pay, which
is one (Civil Code, art. 195). What is over is over: only a written acknowledgement that names the
charge brings it back, because who agrees to pay it then can no longer plead that it is late (art.
192). A promise names no charge and brings nothing back; a payment alone is taken for nothing of
the kind. The watch would rather warn too early.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from crm_core.kernel.dates import add_months
from crm_core.kernel.tenures import ONE, Tenures
from crm_core.kernel.values import frozen
from crm_core.payments.acts import DEMANDS, SUIT, StepDone
from crm_core.payments.allocation import allocate
from crm_core.payments.allocation_policy import Epochs
from crm_core.payments.events import DebtAcknowledged, PaymentPromised
from crm_core.payments.ledger import Ledger, ledgers


@frozen
class Limitation:
    """For how long a debt can be sued for, from a day on.

    Args:
        first_day: First day on which it holds.
        years: How long, from the due date or from what began it anew.
        article: The article that says so.
        source: Where that article stands, and what says from when it holds for whom.
    """

    first_day: date
    years: int
    article: str
    source: str


LIMITATIONS = (
    Limitation(date(1987, 1, 1), 2, "art. 135", "General Principles of the Civil Law, 1986"),
    Limitation(
        date(2017, 10, 1),
        3,
        "art. 188",
        "General Provisions of the Civil Law, 2017; for what was not over on that day, Fa Shi "
        "[2018] No. 12, arts. 2 and 3",
    ),
    Limitation(date(2021, 1, 1), 3, "art. 188", "Civil Code, 2020"),
)
"""The law of limitation by the day from which it holds; the first row holds for all days before.

What has not run out when a new row begins to hold runs as long as that one says; what has run out
by then stays so.
"""


@frozen
class Limit:
    """How long a charge can be sued for.

    Args:
        charge: Its number.
        due: Its due date.
        unpaid_fen: What is open of it, disputed or not.
        runs_from: The due date, or the day of the latest fact that began the time anew.
        ends_on: Last day.
        law: The law by which it is the last one.
        restarts: Log positions of the facts that began the time anew.
    """

    charge: str
    due: date
    unpaid_fen: int
    runs_from: date
    ends_on: date
    law: Limitation
    restarts: tuple[int, ...]

    def days_left(self, on: date) -> int:
        """Days from `on` until the last day; below zero when it is past."""
        return (self.ends_on - on).days


def limits(
    facts: Iterable[tuple[Any, int]], on: date, tenures: Tenures = ONE, epochs: Epochs = ()
) -> tuple[Limit, ...]:
    """The limitation of every charge that is overdue on a day, soonest end first.

    Args:
        facts: Events of account and collection of one household with their positions, in the
            order of the log.
    """
    facts = list(facts)
    books = ledgers(facts, tenures, epochs)
    found = []
    for tenure, ledger in enumerate(books):
        # What names charges is for those; a promise is for what its own tenure owes.
        restarts = sorted(
            (
                found
                for event, position in facts
                if not isinstance(event, PaymentPromised) or tenures.index(event.on) == tenure
                for found in _restarts(event, position, ledger)
            ),
            key=lambda restart: (restart[1], restart[3]),
        )
        owed = allocate(ledger, on)
        for charge, fen in (*owed.unpaid, *owed.late):
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
            # Who promises to pay acknowledges what is overdue then, but names no charge: that is
            # no agreement to pay what is barred (arts. 192 and 195).
            unpaid = allocate(ledger, event.on).undisputed()
            overdue = frozenset(c.number for c, _ in unpaid if c.due < event.on)
            yield overdue, event.on, False, position
        case StepDone() if event.act == SUIT or (
            event.act in DEMANDS and any(proof.kind == "delivery" for proof in event.proofs)
        ):
            yield frozenset(event.charges), event.on, False, position
        case _:
            pass


def _limit(number: str, due: date, fen: int, restarts: list[Restart], on: date) -> Limit:
    runs_from, positions = due, list[int]()
    for charges, day, revives, position in restarts:
        in_time = day <= last_day(runs_from)[0]
        if number in charges and runs_from < day <= on and (revives or in_time):
            runs_from = day
            positions.append(position)
    ends_on, law = last_day(runs_from)
    return Limit(
        charge=number,
        due=due,
        unpaid_fen=fen,
        runs_from=runs_from,
        ends_on=ends_on,
        law=law,
        restarts=tuple(positions),
    )


def last_day(runs_from: date) -> tuple[date, Limitation]:
    """The last day of a limitation that runs from a day, and the law that says so."""
    law = LIMITATIONS[0]
    end = _years_later(runs_from, law.years)
    for row in LIMITATIONS[1:]:
        if row.first_day <= end:
            law, end = row, _years_later(runs_from, row.years)
    return end, law


def _years_later(day: date, years: int) -> date:
    if day > date.max - timedelta(days=366 * years):
        return date.max
    return add_months(day, 12 * years)
