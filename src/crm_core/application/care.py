"""Questions about the care of households; `CRM.care` is one."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from crm_core.application.access import Access
from crm_core.application.desk import Desk
from crm_core.application.gradings import Gradings
from crm_core.application.host import Host
from crm_core.application.owners import Owners
from crm_core.application.plan_questions import PlanQuestions
from crm_core.application.studies import Studies

if TYPE_CHECKING:
    from crm_core.application.publications import Publications
    from crm_core.application.return_visits import ReturnVisits
    from crm_core.application.surveys import Surveys


class Care(PlanQuestions):
    """Questions about care: plans and the calendar, and in groups of their own the rest.

    Args:
        host: Ports and policies.
        desk: Knows who may ask, and records.
        owners: Opens names, for a stated purpose.
        gradings: Whose layers visits may go by (GRD-14).
        studies: Knows what a grade may influence.
        access: Knows who may see what.
    """

    def __init__(
        self,
        host: Host,
        desk: Desk,
        owners: Owners,
        gradings: Gradings,
        studies: Studies,
        access: Access,
    ) -> None:
        super().__init__(host, desk, studies, access)
        self._owners, self._gradings = owners, gradings

    @cached_property
    def visits(self) -> ReturnVisits:
        """Return visits: which are due, what is said, draws, coverage."""
        from crm_core.application.return_visits import ReturnVisits

        return ReturnVisits(self._host, self._desk, self._owners, self._gradings)

    @cached_property
    def surveys(self) -> Surveys:
        """Slips, answers that nobody's name is on, and what surveys say (SUR-01 to SUR-03)."""
        from crm_core.application.surveys import Surveys

        return Surveys(self._host, self._desk, self._access)

    @cached_property
    def publications(self) -> Publications:
        """Reports to owners: the service, and what came in and was spent (SUR-05)."""
        from crm_core.application.publications import Publications
        from crm_core.application.requests import Requests

        requests = Requests(self._host, self._desk)
        return Publications(self._host, self._desk, requests, self.surveys)
