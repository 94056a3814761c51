"""The register of files that were written and may tell of persons, so that an erasure finds them.

It lies beside the log, a line for each file: its path, what sort of file it is, and whom it is
about, where that is known. A file is noted before it stands under its name (PRV-04, 0055).
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from errno import EROFS
from fcntl import LOCK_EX, flock
from pathlib import Path

from crm_adapters.outputs import written_whole
from crm_core.kernel.values import frozen

BACKUP, PAPER, PERSON, REJECTS, TABLE = "backup", "paper", "person", "rejects", "table"
"""Sorts of files: a copy of log or keys, a paper of the method, a copy of what is about somebody,
rows with faults, a table or report about many.
"""


@frozen
class Noted:
    """A file that was written.

    Args:
        path: Absolute.
        kind: One of the sorts.
        about: Ids of whom it is about; none where it may be anybody.
    """

    path: Path
    kind: str
    about: tuple[str, ...]


class Register:
    """What was written for a log.

    Args:
        path: The register's own file; it is made with the first note.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def note(self, paths: Sequence[Path], kind: str, about: Sequence[str]) -> None:
        """Note files; each is in the register once, as it was written last."""
        new = {path.absolute(): Noted(path.absolute(), kind, tuple(about)) for path in paths}
        self._change(lambda known: [*(n for n in known if n.path not in new), *new.values()])

    def forget(self, *paths: Path) -> None:
        """Take files out that are no more."""
        gone = {path.absolute() for path in paths}
        if gone:
            self._change(lambda known: [n for n in known if n.path not in gone])

    def noted(self) -> list[Noted]:
        """All files that were written and not taken out, in the order in which they were."""
        try:
            lines = self.path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []
        return [_noted(line) for line in lines]

    def _change(self, change: Callable[[list[Noted]], list[Noted]]) -> None:
        """On a medium that cannot be written nothing is noted: nobody is erased there."""
        try:
            with self._turn():
                lines = [_line(one) for one in change(self.noted())]
                written_whole(self.path, "".join(lines).encode(), private=True)
        except OSError as error:
            if error.errno != EROFS:
                raise

    @contextmanager
    def _turn(self) -> Iterator[None]:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        number = os.open(self.path.with_name(f"{self.path.name}-turn"), flags, 0o600)
        try:
            flock(number, LOCK_EX)
            yield
        finally:
            os.close(number)


def _line(noted: Noted) -> str:
    # A name whose bytes are no text is kept all the same.
    path = os.fsencode(noted.path).decode(errors="surrogateescape")
    said = {"about": list(noted.about), "kind": noted.kind, "path": path}
    return json.dumps(said, sort_keys=True) + "\n"


def _noted(line: str) -> Noted:
    said = json.loads(line)
    path = Path(os.fsdecode(said["path"].encode(errors="surrogateescape")))
    return Noted(path, said["kind"], tuple(said["about"]))
