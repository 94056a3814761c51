"""What everything that crosses slices needs of whoever holds it: ports, policies, slices."""

from __future__ import annotations

from datetime import date
from typing import Protocol

from crm_core.hosting import Patience
from crm_core.kernel.dates import local_date
from crm_core.kernel.registry import Registry
from crm_core.policies import PolicyBook
from crm_core.ports import Clock, EventLog, Ids, KeyVault, Tombstones, Traces, Urns, Views


class Host(Protocol):
    """The ports of the facade, each read when it is used, and what the library is made of."""

    log: EventLog
    vault: KeyVault
    clock: Clock
    ids: Ids
    tombstones: Tombstones
    traces: Traces
    urns: Urns
    policies: PolicyBook
    zone: str
    patience: Patience

    @property
    def registry(self) -> Registry:
        """What follows from the slices."""
        ...

    @property
    def views(self) -> Views:
        """The read models (LOG-05)."""
        ...


def present_day(host: Host) -> date:
    """The present day in the estate's zone."""
    return local_date(host.clock.now(), host.zone)
