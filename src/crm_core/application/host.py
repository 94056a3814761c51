"""What the program that runs the library lends to it: ports, policies, slices."""

from __future__ import annotations

from datetime import date

from crm_core.application.texts import Texts
from crm_core.errors import Invalid
from crm_core.hosting import Patience, Telemetry
from crm_core.kernel.dates import local_date
from crm_core.kernel.registry import Registry
from crm_core.kernel.values import define
from crm_core.policies import PolicyBook
from crm_core.ports import Clock, EventLog, Ids, KeyVault, Tombstones, Traces, Urns, Views
from crm_core.reads import ReadLog


@define(eq=False)
class Host:
    """What the program that runs the library lends to it (`CRM.host`).

    Nobody is asked who they are here: `vault` and `texts` open what is sealed, `urns` hold answers
    before they are counted, and `reads` is written without anybody having seen anything. Whoever
    hands the facade to people hands them its questions, and none of this (0076).

    Args: see `crm_core.CRM`.
    """

    log: EventLog
    vault: KeyVault
    clock: Clock
    ids: Ids
    policies: PolicyBook
    zone: str
    tombstones: Tombstones
    traces: Traces
    urns: Urns
    registry: Registry
    reads: ReadLog | None
    patience: Patience
    telemetry: Telemetry
    read_models: Views | None

    @property
    def views(self) -> Views:
        """The read models (LOG-05).

        Raises:
            Invalid: there are none here.
        """
        if self.read_models is None:
            raise Invalid.one("views_missing")
        return self.read_models

    @property
    def texts(self) -> Texts:
        """Opens what people typed, for whatever is decided next (PRV-02)."""
        return Texts(self.vault)


def present_day(host: Host) -> date:
    """The present day in the estate's zone."""
    return local_date(host.clock.now(), host.zone)
