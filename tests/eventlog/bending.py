"""A small log, and statements that would bend its history."""

from __future__ import annotations

from contextlib import closing

from faults.logs import note, open_log, texts

CHANGES = [
    "UPDATE crm_events SET state = replace(state, '1', '2')",
    "UPDATE crm_events SET position = position + 100",
    "UPDATE crm_events SET household = 'V2' WHERE position > 0",
    "UPDATE crm_events SET tenant = 'elsewhere'",
    "DELETE FROM crm_events",
    "DELETE FROM crm_events WHERE position > 1",
    "UPDATE crm_commands SET digest = ''",
    "UPDATE crm_commands SET last_position = last_position + 1",
    "DELETE FROM crm_commands",
    "DELETE FROM crm_commands WHERE command = 'c2'",
]
"""Statements that would bend history."""


def fill(url: str, tenant: str = "") -> None:
    """Two commands, with three events between them."""
    with closing(open_log(url, tenant)) as log:
        log.append([note("c1", "a/1", None, ("1", "2")), note("c2", "a/2", None, ("3",))])


def whole(url: str, tenant: str = "") -> bool:
    """Whether the log is what was put into it."""
    with closing(open_log(url, tenant)) as log:
        found = log.outcomes(["c1", "c2"])
        return texts(log.feed()) == ["1", "2", "3"] and log.verify().intact and len(found) == 2
