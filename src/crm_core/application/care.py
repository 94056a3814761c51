"""Questions about the care of households; `CRM.care` is one, each group an object of its own."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from crm_core.application.desk import Desk
from crm_core.application.host import Host

if TYPE_CHECKING:
    from crm_core.application.publications import Publications
    from crm_core.application.surveys import Surveys


class Care:
    """Questions about care.

    Args:
        host: Ports and policies.
        desk: Knows who may ask, and records.
    """

    def __init__(self, host: Host, desk: Desk) -> None:
        self._host, self._desk = host, desk

    @cached_property
    def surveys(self) -> Surveys:
        """Slips, answers that nobody's name is on, and what surveys say (SUR-01 to SUR-03)."""
        from crm_core.application.surveys import Surveys

        return Surveys(self._host, self._desk)

    @cached_property
    def publications(self) -> Publications:
        """Reports to owners: the service, and what came in and was spent (SUR-05)."""
        from crm_core.application.publications import Publications
        from crm_core.application.requests import Requests

        requests = Requests(self._host, self._desk)
        return Publications(self._host, self._desk, requests, self.surveys)
