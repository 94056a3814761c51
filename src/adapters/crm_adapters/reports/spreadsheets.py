"""What a spreadsheet makes of a cell, and what it must not make of it (IMP-02)."""

from __future__ import annotations

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""How a cell begins that is computed, in some program or other, and not shown; full-width forms
among them, and what hides such a beginning."""


def harmless(cell: str) -> str:
    """The cell as text also where a spreadsheet would compute it and not show it."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
