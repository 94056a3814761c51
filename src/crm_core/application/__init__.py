"""What crosses slices: commands at work, look-ups, authority, reactions, notices, the clock, and
the services behind the facade's objects.

Everything here takes the host (see `host.py`) and never imports the facade.
"""

from crm_core.application.care_follows import REACTIONS as _OF_CARE
from crm_core.application.privacy_follows import REACTIONS as _OF_PRIVACY
from crm_core.application.retention import CLOCK, RETENTION, WORKLIST
from crm_core.application.survey_follows import REACTIONS as _OF_SURVEYS
from crm_core.application.visiting import dissatisfied
from crm_core.kernel.access import KIND as ACCESS
from crm_core.kernel.access import AccessPolicy
from crm_core.kernel.authority import KIND as AUTHORITY
from crm_core.kernel.authority import AuthorityPolicy
from crm_core.kernel.recorded import STAFF_ROLES
from crm_core.kernel.roles import DESK, FILES, HOST, HOUSEHOLDERS, LEADERS, MANAGEMENT
from crm_core.kernel.slice import Act, PolicyKind, Slice
from crm_core.visits.events import VisitMade

SLICE = Slice(
    name="application",
    package=__name__,
    acts=(
        Act("import", ("host", *FILES, "finance")),
        Act("tick", (*HOST, *DESK)),
        Act("export-person", (*MANAGEMENT, "custodian")),
        Act("who-saw", (*LEADERS, "custodian", *HOUSEHOLDERS, "auditor", *HOST)),
        Act("export-oneself", (*HOUSEHOLDERS, *STAFF_ROLES)),
    ),
    reactions={**_OF_PRIVACY, **_OF_CARE, **_OF_SURVEYS, VisitMade: dissatisfied},
    policies=(
        PolicyKind(ACCESS, AccessPolicy, AccessPolicy.parse, adoptable=True),
        PolicyKind(AUTHORITY, AuthorityPolicy, AuthorityPolicy.parse, adoptable=True),
    ),
    projections=(RETENTION,),
    clock=CLOCK,
    worklists=(WORKLIST,),
    data_map="data-map.toml",
    shipped=("policies",),
)
"""What people do that is no slice's alone."""

__all__ = ["SLICE"]
