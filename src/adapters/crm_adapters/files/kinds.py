"""The import files that there are (IMP-01)."""

from __future__ import annotations

from crm_adapters.files.rows.charges import CHARGES
from crm_adapters.files.rows.households import HOUSEHOLDS
from crm_adapters.files.rows.kind import FileKind
from crm_adapters.files.rows.payments import PAYMENTS
from crm_adapters.files.rows.purchases import PURCHASES
from crm_adapters.files.rows.requests import REQUESTS
from crm_adapters.files.rows.transfers import TRANSFERS

KINDS: tuple[FileKind, ...] = (
    HOUSEHOLDS,
    TRANSFERS,
    CHARGES,
    PAYMENTS,
    PURCHASES,
    REQUESTS,
)
"""What is known of the same instant is recorded in this order; each may name those before it."""
