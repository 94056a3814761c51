"""Groups of roles that acts are given by, in the order in which tables name them (LOG-08)."""

from __future__ import annotations

MANAGEMENT = ("manager", "director")
"""Who decides what others propose."""

LEADERS = ("supervisor", *MANAGEMENT)
"""Whoever leads others."""

DESK = ("specialist", *LEADERS)
"""The people of customer service and those above them."""

ACCOUNTS = (*DESK, "finance")
"""Whoever keeps accounts."""

FILES = (*DESK, "custodian")
"""Whoever keeps the households' files."""

WORK = (*DESK, "operator")
"""Whoever does the work that was asked for, and customer service."""

SITE = (*WORK, "engineering", "security", "cleaning")
"""Whoever is on site."""

HOUSEHOLDERS = ("owner", "user")
"""Members who act for their household."""

HOST = ("host", "system")
"""The account that the library runs under, and the library itself."""
