"""What a spreadsheet makes of a cell, and what it must not make of it (IMP-02)."""

from __future__ import annotations

from typing import Any

from crm_core.kernel.sealed import Withheld

HIDDEN = "—"
"""What stands in a cell whose value whoever takes the document may not see (PRV-01)."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""How a cell begins that is computed, in some program or other, and not shown; full-width forms
among them, and what hides such a beginning."""


def shown(value: Any) -> str:
    """A value as text, or what stands for one that is withheld."""
    return HIDDEN if isinstance(value, Withheld) else str(value)


def harmless(cell: str) -> str:
    """The cell as text also where a spreadsheet would compute it and not show it."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
