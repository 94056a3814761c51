"""Groups of roles that acts are given by, in the order in which tables name them (LOG-08)."""

from __future__ import annotations

MANAGEMENT = ("manager", "director")
LEADERS = ("supervisor", *MANAGEMENT)
DESK = ("specialist", *LEADERS)
"""The people of customer service and those above them."""

ACCOUNTS = (*DESK, "finance")
FILES = (*DESK, "custodian")
WORK = (*DESK, "operator")
SITE = (*WORK, "engineering", "security", "cleaning")
HOUSEHOLDERS = ("owner", "user")
HOST = ("host", "system")
