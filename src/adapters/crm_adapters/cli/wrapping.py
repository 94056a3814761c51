"""Help in lines that fit: measured in cells of a terminal, where a Chinese character takes two."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from unicodedata import east_asian_width

import click

_PIECES = re.compile(r"\s+|[\u2e80-\uffef][，。；：、）”」]*|[^\s\u2e80-\uffef]+[，。；：、）”」]*")
"""What a line may end behind: a blank, a Chinese character, a word of other letters."""

_WITH_NEXT = "（“「"


def cells(text: str) -> int:
    """How many cells of a terminal the text takes."""
    return sum(2 if east_asian_width(c) in "WF" else 1 for c in text)


def lines_of(text: str, width: int) -> list[str]:
    """The text in lines of at most so many cells, if each word fits one."""
    lines, line = [], ""
    for piece in _pieces(text):
        if line and not piece.isspace() and cells(line + piece) > width:
            lines.append(line.rstrip())
            line = piece
        else:
            line += "" if piece.isspace() and not line else piece
    return [*lines, line.rstrip()] if line.strip() else lines


def _pieces(text: str) -> Iterator[str]:
    opened = ""
    for piece in _PIECES.findall(" ".join(text.split())):
        if piece in _WITH_NEXT:
            opened += piece
            continue
        yield opened + piece
        opened = ""
    if opened:
        yield opened


class HelpText(click.HelpFormatter):
    """Writes help in cells rather than characters."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        start = f"{prefix or ''}{prog} "
        indent = " " * cells(start)
        first, *others = lines_of(args, self.width - len(indent)) or [""]
        self.write(f"{start}{first}".rstrip() + "\n")
        for line in others:
            self.write(f"{indent}{line}\n")

    def write_heading(self, heading: str) -> None:
        self.write(f"{'':>{self.current_indent}}{heading}\n")

    def write_text(self, text: str) -> None:
        for line in lines_of(text, self.width - self.current_indent):
            self.write(f"{'':>{self.current_indent}}{line}\n")

    def write_dl(
        self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2
    ) -> None:
        rows = list(rows)
        first_column = min(max(cells(term) for term, _ in rows), col_max) + col_spacing
        indent = " " * (first_column + self.current_indent)
        for term, meaning in rows:
            self.write(f"{'':>{self.current_indent}}{term}")
            lines = lines_of(meaning, max(self.width - first_column - 2, 10))
            fits = cells(term) <= first_column - col_spacing
            self.write(" " * (first_column - cells(term)) if fits else f"\n{indent}")
            self.write(f"\n{indent}".join(lines) + "\n")


class ToldContext(click.Context):
    """The context of a command whose help is written so."""

    formatter_class = HelpText
