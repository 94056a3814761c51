"""Letters to be printed: one file for each message."""

from __future__ import annotations

from pathlib import Path

from crm_core.errors import NotDelivered
from crm_core.ports import Outgoing


class Letters:
    """A notifier that lays letters into a folder for the printer.

    Args:
        folder: Where they lie.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def send(self, outgoing: Outgoing) -> str:
        """Lay the letter down; its number is the receipt."""
        if not self.folder.is_dir():
            raise NotDelivered("unreachable", transient=True)
        subject = " ".join(outgoing.subject.split())
        number = len(list(self.folder.iterdir())) + 1
        text = f"{outgoing.id}\n{outgoing.address.reveal()}\n{subject}\n\n{outgoing.body}\n"
        (self.folder / f"{number:06}.txt").write_text(text, encoding="utf-8")
        return f"letter {number}"

    def close(self) -> None:
        """Nothing is held open."""
