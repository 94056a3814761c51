"""What a spreadsheet makes of a cell, and what it must not make of it (IMP-02)."""

from __future__ import annotations

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""How a cell begins that is computed, in some program or other, and not shown; full-width forms
among them, and what hides such a beginning."""

_MARK = "'"


def harmless(cell: str) -> str:
    """The cell as text also where a spreadsheet would compute it and not show it.

    A text that begins with the mark is marked, too, so that `meant` gives each text back.
    """
    return f"{_MARK}{cell}" if cell.startswith((*_FORMULA, _MARK)) else cell


def meant(cell: str) -> str:
    """The text that a cell stands for: what `harmless` has put before it is taken away."""
    marked = cell.startswith(_MARK) and cell[1:].startswith((*_FORMULA, _MARK))
    return cell[1:] if marked else cell
