"""Return visits (回访): who is visited or called again, when, by whom, and what they said."""

from crm_core.kernel.roles import DESK, LEADERS
from crm_core.kernel.slice import Act, PolicyKind, Slice
from crm_core.visits.commands import (
    AppointVisit,
    ArrangeVisits,
    NoteVisitAttempt,
    RecordOccasion,
    RecordVisit,
    WithdrawOccasion,
    WithdrawVisit,
)
from crm_core.visits.decide import VISITS
from crm_core.visits.draws import DRAW, CallOffDraw, Draw, DrawVisits
from crm_core.visits.draws import EVENTS as _DRAWS
from crm_core.visits.events import EVENTS as _VISITS
from crm_core.visits.follows import CLOCK, REACTIONS, WORKLISTS
from crm_core.visits.notices import STAFF_NOTICES
from crm_core.visits.policy import VisitPolicy
from crm_core.visits.state import Visit, Visits
from crm_core.visits.views import WATCHED

EVENTS = (*_VISITS, *_DRAWS)

DRAWING = "select-visits"
"""The act of whoever asks for a draw; the library draws."""

SLICE = Slice(
    name="visits",
    package=__name__,
    events=EVENTS,
    aggregates=(VISITS, DRAW),
    readable={Visits: VISITS, Draw: DRAW},
    acts=(
        Act(AppointVisit, DESK),
        Act(NoteVisitAttempt, DESK),
        Act(RecordVisit, DESK),
        Act(WithdrawVisit, LEADERS),
        Act(RecordOccasion, DESK),
        Act(WithdrawOccasion, DESK),
        Act(DRAWING, LEADERS),
        Act(CallOffDraw, LEADERS),
    ),
    policies=(PolicyKind("visits", VisitPolicy, VisitPolicy.parse),),
    shipped=("policies",),
    projections=(WATCHED,),
    clock=CLOCK,
    reactions=REACTIONS,
    staff_notices=STAFF_NOTICES,
    worklists=WORKLISTS,
    data_map="data-map.toml",
)

__all__ = [
    "DRAW",
    "DRAWING",
    "EVENTS",
    "SLICE",
    "VISITS",
    "AppointVisit",
    "ArrangeVisits",
    "CallOffDraw",
    "Draw",
    "DrawVisits",
    "NoteVisitAttempt",
    "RecordOccasion",
    "RecordVisit",
    "Visit",
    "VisitPolicy",
    "Visits",
    "WithdrawOccasion",
    "WithdrawVisit",
]
