"""The trades that requests are of, and that operators work in (REQ-01, REQ-06)."""

from __future__ import annotations

TRADES = (
    "engineering",
    "security",
    "cleaning",
    "greening",
    "parking",
    "finance",
    "service",
    "other",
)
