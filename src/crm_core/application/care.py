"""Questions about the care for households. `CRM.care` is one."""

from __future__ import annotations

from functools import cached_property

from crm_core.application.desk import Desk
from crm_core.application.gradings import Gradings
from crm_core.application.host import Host
from crm_core.application.owners import Owners
from crm_core.application.return_visits import ReturnVisits


class Care:
    """Questions about the care for households.

    Args:
        host: Ports and policies.
        desk: Where draws are recorded.
        owners: Opens names, for a stated purpose.
        gradings: Whose layers visits may go by (GRD-14).
    """

    def __init__(self, host: Host, desk: Desk, owners: Owners, gradings: Gradings) -> None:
        self._host, self._desk, self._owners, self._gradings = host, desk, owners, gradings

    @cached_property
    def visits(self) -> ReturnVisits:
        """Return visits: which are due, what is said, draws, coverage."""
        return ReturnVisits(self._host, self._desk, self._owners, self._gradings)
