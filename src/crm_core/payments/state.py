"""A household's account as it stands."""

from __future__ import annotations

from typing import Any

from attrs import define, field

from crm_core.kernel.growing import EMPTY, NOTHING, GrowingList, GrowingMap
from crm_core.payments.events import ChargeRaised, PaymentMovedIn, PaymentReceived


@define
class Account:
    """One household's account (PAY-01). A value: `evolve` makes a new one, nothing changes it.

    Args:
        facts: Every event in order, what the ledger is computed from.
        charges: Charges by number.
        cancelled: Numbers of cancelled charges.
        payments: Payments by number, those moved in included.
        ended: Numbers of payments that were reversed or moved out.
        references: Numbers of refunds, waivers and purchases, which come once.
    """

    facts: GrowingList[Any] = field(default=NOTHING)
    charges: GrowingMap[str, ChargeRaised] = field(default=EMPTY)
    cancelled: GrowingMap[str, bool] = field(default=EMPTY)
    payments: GrowingMap[str, PaymentReceived | PaymentMovedIn] = field(default=EMPTY)
    ended: GrowingMap[str, bool] = field(default=EMPTY)
    references: GrowingMap[str, Any] = field(default=EMPTY)
