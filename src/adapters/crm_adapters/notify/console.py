"""Messages on a terminal or in a file: to look at, and for trying things out."""

from __future__ import annotations

import sys
from typing import TextIO

from crm_core.ports import Outgoing


class ConsoleNotifier:
    """Writes messages as text.

    Args:
        out: Where to; standard error by default, because standard output is for results.
        show: Whether addresses are shown; by default only their last four characters are.
    """

    def __init__(self, out: TextIO | None = None, *, show: bool = False) -> None:
        self._out, self._show = out, show

    def send(self, outgoing: Outgoing) -> str:
        """Write the message."""
        address = outgoing.address.reveal()
        shown = address if self._show else f"…{address[-4:]}" if len(address) > 8 else "…"
        out = self._out or sys.stderr
        out.write(f"[{outgoing.channel} {shown} {outgoing.id}] {outgoing.subject}\n")
        out.write("".join(f"    {line}\n" for line in outgoing.body.splitlines()))
        out.flush()
        return "printed"

    def close(self) -> None:
        """Nothing is held open."""
