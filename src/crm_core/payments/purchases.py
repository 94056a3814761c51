"""What households bought of value-added services in a year, less what was given back (PAY-13)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from attrs import field

from crm_core.kernel.dates import Period
from crm_core.kernel.tenures import ONE, Tenures
from crm_core.kernel.values import define
from crm_core.payments.events import PurchaseMade, PurchaseRefunded


@define
class Purchases:
    """The purchases of one tenure over some days; each counts on its own day.

    Args:
        tenure: Key of the tenure (PAY-16).
        bought_fen: What was bought.
        refunded_fen: What was given back, of whatever day it was bought on.
        positions: Where the log says so.
    """

    tenure: str
    bought_fen: int = 0
    refunded_fen: int = 0
    positions: list[int] = field(factory=list)

    @property
    def purchases_fen(self) -> int:
        """What was bought less what was given back; it may be below zero."""
        return self.bought_fen - self.refunded_fen


def purchases(
    facts: Iterable[tuple[Any, int]], days: Period, tenures: Tenures = ONE
) -> tuple[Purchases, ...]:
    """The purchases and refunds of some days, for each tenure of a household by its number.

    Args:
        facts: Events of one household with their positions; others than purchases do no harm.
    """
    found = tuple(Purchases(tenure.key) for tenure in tenures.every)
    for event, position in facts:
        if isinstance(event, PurchaseMade | PurchaseRefunded) and event.on in days:
            mine = found[tenures.index(event.on)]
            mine.positions.append(position)
            if isinstance(event, PurchaseMade):
                mine.bought_fen += event.amount_fen
            else:
                mine.refunded_fen += event.amount_fen
    return found
