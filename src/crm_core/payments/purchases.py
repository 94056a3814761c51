"""What households bought of value-added services in a year, less what was given back (PAY-13)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from attrs import frozen

from crm_core.payments.events import PurchaseMade, PurchaseRefunded


@frozen
class Purchases:
    """The purchases of a household over some days; each counts on its own day.

    Args:
        bought_fen: What was bought.
        refunded_fen: What was given back, of whatever year it was bought in.
        positions: Where the log says so.
    """

    bought_fen: int
    refunded_fen: int
    positions: tuple[int, ...]

    @property
    def purchases_fen(self) -> int:
        """What was bought less what was given back; it may be below zero."""
        return self.bought_fen - self.refunded_fen


def purchases(facts: Iterable[tuple[Any, int]], first: date, last: date) -> Purchases:
    """The purchases and refunds whose day is one of some days.

    Args:
        facts: Events of one household with their positions; others than purchases do no harm.
    """
    bought = refunded = 0
    positions = []
    for event, position in facts:
        if isinstance(event, PurchaseMade | PurchaseRefunded) and first <= event.on <= last:
            positions.append(position)
            if isinstance(event, PurchaseMade):
                bought += event.amount_fen
            else:
                refunded += event.amount_fen
    return Purchases(bought, refunded, tuple(positions))
