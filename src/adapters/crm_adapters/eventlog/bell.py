"""A bell: writers ring it after a commit, followers in the same process wait for it."""

from __future__ import annotations

from threading import Condition

from crm_core.kernel.values import define


class Bell:
    """Tells whoever follows a store that something was appended."""

    def __init__(self) -> None:
        self._changed = Condition()
        self.rung = 0

    def ring(self) -> None:
        """Wake whoever waits."""
        with self._changed:
            self.rung += 1
            self._changed.notify_all()

    def wait(self, heard: int, seconds: float) -> int:
        """Wait for a ring behind the `heard`-th, at most `seconds`; how many there were by then."""
        with self._changed:
            self._changed.wait_for(lambda: self.rung != heard, seconds)
            return self.rung


@define
class BellListener:
    """Hears every ring from its making on; one between two waits is not lost."""

    bell: Bell
    heard: int

    def wait(self, seconds: float) -> bool:
        """Return at the next ring, at once if there was one since the last wait."""
        before, self.heard = self.heard, self.bell.wait(self.heard, seconds)
        return self.heard != before

    def close(self) -> None:
        """Nothing is held open."""
