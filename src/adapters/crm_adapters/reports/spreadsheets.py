"""What a spreadsheet makes of a cell, and what it must not make of it (IMP-02)."""

from __future__ import annotations

from typing import Any

from crm_core.kernel.sealed import Withheld

HIDDEN = "—"
"""What stands in a cell whose value whoever takes the document may not see (PRV-01)."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""How a cell begins that is computed, in some program or other, and not shown; full-width forms
among them, and what hides such a beginning."""

_MARK = "'"


def shown(value: Any) -> str:
    """A value as text, or what stands for one that is withheld."""
    return HIDDEN if isinstance(value, Withheld) else str(value)


def harmless(cell: str) -> str:
    """The cell as text also where a spreadsheet would compute it and not show it.

    A text that begins with the mark is marked, too, so that `meant` gives each text back.
    """
    return f"{_MARK}{cell}" if cell.startswith((*_FORMULA, _MARK)) else cell


def meant(cell: str) -> str:
    """The text that a cell stands for: what `harmless` has put before it is taken away."""
    marked = cell.startswith(_MARK) and cell[1:].startswith((*_FORMULA, _MARK))
    return cell[1:] if marked else cell
