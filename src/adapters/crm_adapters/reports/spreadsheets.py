"""What a spreadsheet makes of a cell, and what it must not make of it (IMP-02)."""

from __future__ import annotations

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def harmless(cell: str) -> str:
    """The cell as text also where a spreadsheet would compute it and not show it."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
