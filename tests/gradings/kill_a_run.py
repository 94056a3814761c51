"""Grades a log and is killed by its parent in the middle; says when the first chunk is written."""

from __future__ import annotations

import sys
import time

from crm_adapters.wiring import open_crm


def wait(_count: int) -> None:
    sys.stdout.write("written\n")
    sys.stdout.flush()
    time.sleep(600)


with open_crm(sys.argv[1], create=True) as crm:
    crm.grade(2011, progress=wait)
