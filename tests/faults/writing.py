"""A process that writes on and on until it is killed, and tells what was acknowledged to it."""

from __future__ import annotations

import os
from typing import Any

from faults.logs import note, open_log

EVENTS = 3


def write(url: str, name: str, told: Any, *, early: bool = False) -> None:
    """Append commands of three events, now and then in bulk; each is told when it returned.

    Args:
        early: A planted defect: the command is told before it is appended.
    """
    log = open_log(url)
    line = told.fileno()
    n = 0
    while True:
        many = 40 if n % 10 == 9 else 1
        names = [f"{name}-{n}-{c}" for c in range(many)]
        commits = [note(one, one, None, ("1", "2", "3")) for one in names]
        if early:
            os.write(line, "".join(f"{one}\n" for one in names).encode())
        log.append(commits if many == 1 else iter(commits))
        if not early:
            os.write(line, "".join(f"{one}\n" for one in names).encode())
        n += 1
