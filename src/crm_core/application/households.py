"""Asking for households that have a file."""

from __future__ import annotations

from collections.abc import Sequence

from crm_core.errors import Invalid
from crm_core.owners import HOUSEHOLD
from crm_core.ports import EventLog


def check_households(log: EventLog, households: Sequence[str]) -> None:
    """Refuse to be asked about a household that nobody knows.

    Raises:
        Invalid: one of them has no file.
    """
    streams = {HOUSEHOLD.stream(household): household for household in households}
    known = log.tips(list(streams))
    missing = [household for stream, household in streams.items() if stream not in known]
    if missing:
        raise Invalid.one("household_unknown", household=missing[0])
