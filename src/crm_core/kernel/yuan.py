"""How amounts are written: the library counts in fen, and people read yuan."""

from __future__ import annotations


def yuan_from_fen(fen: int) -> str:
    """Fen as yuan with two decimals: `-5` is `-0.05`."""
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100}.{abs(fen) % 100:02d}"


def yuan_shown(fen: int) -> str:
    """The same with separators, as people read it: `112700` is `1,127.00`."""
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100:,}.{abs(fen) % 100:02d}"
