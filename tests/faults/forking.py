"""Something that is done in a forked process."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable


def in_a_fork(work: Callable[[], None]) -> None:
    """Do something in a forked process; it fails here if it failed there."""
    sys.stdout.flush()
    child = os.fork()
    if not child:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - told by the status
            os.write(2, f"{type(error).__name__}: {error}\n".encode())
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
