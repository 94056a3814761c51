"""The present: nothing that is said to have happened lies behind it (PAY-03, LOG-08).

Every date and instant of a command says that something has happened, unless its field is marked as
lying ahead (`crm_core.kernel.commands`). So does every instant at which something is said to have
become known. The present is that of the clock of the CRM, the day that of its zone.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

import attrs

from crm_core.application.host import Host
from crm_core.errors import Fault, Invalid
from crm_core.kernel.commands import fields_ahead, fields_looked_up
from crm_core.kernel.dates import local_date, zone
from crm_core.kernel.sealed import Personal
from crm_core.kernel.values import frozen

CLOCK_SKEW = timedelta(minutes=5)
"""So far ahead may another machine's clock be; days have no such leave."""


@frozen
class Present:
    """The instant it is, and the day.

    Args:
        zone: Zone of the day.
    """

    instant: datetime
    day: date
    zone: str

    @classmethod
    def at(cls, instant: datetime, zone: str) -> Present:
        """The present of an instant."""
        return cls(instant, local_date(instant, zone), zone)

    def fault(self, happened: date | None, where: str = "") -> Fault | None:
        """What is wrong with a date or an instant of what is said to have happened, if it is."""
        if isinstance(happened, datetime):
            if happened <= self.instant + CLOCK_SKEW:
                return None
            value, latest = self._told(happened), self._told(self.instant)
        else:
            if happened is None or happened <= self.day:
                return None
            value, latest = happened.isoformat(), self.day.isoformat()
        return Fault("from_the_future", where, {"value": value, "latest": latest})

    def check(self, happened: date | None, where: str) -> None:
        """Refuse what is said to have happened and is still to come.

        Raises:
            Invalid: it lies behind the present.
        """
        fault = self.fault(happened, where)
        if fault is not None:
            raise Invalid([fault])

    def faults(self, command: Any) -> Iterator[Fault]:
        """Whatever a command says has happened, and is still to come; each with its place."""
        for where, happened in happenings(command, type(command).__name__):
            fault = self.fault(happened, where)
            if fault is not None:
                yield fault

    def _told(self, instant: datetime) -> str:
        return instant.astimezone(zone(self.zone)).isoformat(timespec="seconds")


def present(host: Host) -> Present:
    """The present by the clock of the CRM."""
    return Present.at(host.clock.now(), host.zone)


def happenings(value: Any, where: str) -> Iterator[tuple[str, date]]:
    """Every date and instant of a value that says when something happened, with its place."""
    kind: type = type(value)
    for name, several in _fields(kind):
        found = getattr(value, name)
        parts = enumerate(found) if several else ((None, found),)
        for number, part in parts:
            at = f"{where}.{name}" if number is None else f"{where}.{name}[{number}]"
            if isinstance(part, date):
                yield at, part
            elif part is not None:
                yield from happenings(part, at)


@cache
def _fields(kind: Any) -> tuple[tuple[str, bool], ...]:
    """Fields with such a date, however deep, and whether a field has several values."""
    if not attrs.has(kind) or kind is Personal:
        return ()
    passed = {*fields_looked_up(kind), *fields_ahead(kind)}
    found = []
    for name, hint in get_type_hints(kind).items():
        kinds = get_args(hint) or (hint,)
        if name not in passed and any(_has_date(one) for one in kinds):
            found.append((name, get_origin(hint) is tuple))
    return tuple(found)


def _has_date(kind: Any) -> bool:
    return kind in (date, datetime) or (isinstance(kind, type) and bool(_fields(kind)))
