"""Arrears and statements as people read them."""

from __future__ import annotations

from datetime import date
from typing import Any

from crm_core.payments.credit import CreditPolicy, standing
from crm_core.payments.ledger import Ledger, allocate


def account_view(ledger: Ledger, on: date, policy: CreditPolicy) -> dict[str, Any]:
    """How the account stands at the end of a day, as plain data."""
    allocation = allocate(ledger, on)
    now = standing(ledger, on, policy)
    return {
        "credit": now.grade,
        "overdue_days": now.overdue_days,
        "overdue_fen": now.overdue_fen,
        "advance_fen": allocation.advance_fen,
        "unpaid": [
            {
                "charge": charge.number,
                "due": charge.due.isoformat(),
                "amount_fen": charge.amount_fen,
                "unpaid_fen": fen,
                "position": charge.position,
            }
            for charge, fen in allocation.unpaid
        ],
    }
