"""The catalog of all events: the public contract of the log (LOG-02)."""

from __future__ import annotations

from functools import cache

from crm_core import gradings, messages, owners, payments, requests, staff
from crm_core.kernel.catalog import Catalog


@cache
def catalog() -> Catalog:
    """Every event of every slice."""
    return Catalog(
        [
            *owners.EVENTS,
            *payments.EVENTS,
            *requests.EVENTS,
            *staff.EVENTS,
            *gradings.EVENTS,
            *messages.EVENTS,
        ]
    )
