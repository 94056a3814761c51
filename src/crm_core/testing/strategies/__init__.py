"""Strategies for Hypothesis: written once, public, and extended here.

`values` and `policies` are what all else is made of; `classes` makes events and commands of any
class by its type hints, `histories` the past of one stream; then each slice has its commands and
openings; `dealings` has whole estates, `calendars` working calendars of any kind.
"""

from crm_core.testing.strategies.calendars import calendars, shifts
from crm_core.testing.strategies.care import (
    care_calendar_commands,
    care_commands,
    care_openings,
    difficulty_commands,
    difficulty_openings,
)
from crm_core.testing.strategies.classes import any_events, events_of, from_hint, instances
from crm_core.testing.strategies.collection import collection_commands, collection_stories
from crm_core.testing.strategies.dealings import (
    Entry,
    Estate,
    estates,
    knowledge,
    merging_estates,
    play,
)
from crm_core.testing.strategies.forums import (
    forum_commands,
    forum_openings,
    meeting_commands,
    meeting_openings,
    outlay_commands,
    publication_commands,
    publication_openings,
)
from crm_core.testing.strategies.gradings import (
    adoption_commands,
    grading_commands,
    grading_openings,
)
from crm_core.testing.strategies.histories import History, Step, guided, histories
from crm_core.testing.strategies.messages import knowns, message_commands, message_openings
from crm_core.testing.strategies.opinions import opinion_commands, opinion_openings
from crm_core.testing.strategies.owners import owner_commands, owner_openings
from crm_core.testing.strategies.payments import (
    account_commands,
    account_openings,
    account_stories,
)
from crm_core.testing.strategies.plans import (
    assessment_commands,
    assessment_stories,
    measures,
    plan_commands,
    plan_stories,
)
from crm_core.testing.strategies.policies import policies, sla_policies, sla_text, targets
from crm_core.testing.strategies.requests import (
    request_commands,
    request_histories,
    request_openings,
)
from crm_core.testing.strategies.surveys import (
    fillings,
    questionnaires,
    survey_commands,
    survey_openings,
)
from crm_core.testing.strategies.values import (
    FIRST_DAY,
    LAST_DAY,
    actors,
    days,
    digests,
    fen,
    ids,
    instants,
    money,
    periods,
    personal,
    phones,
    policy_refs,
    sealed,
    texts,
    words,
)
from crm_core.testing.strategies.visits import draw_commands, visit_commands, visit_openings

__all__ = [
    "FIRST_DAY",
    "LAST_DAY",
    "Entry",
    "Estate",
    "History",
    "Step",
    "account_commands",
    "account_openings",
    "account_stories",
    "actors",
    "adoption_commands",
    "any_events",
    "assessment_commands",
    "assessment_stories",
    "calendars",
    "care_calendar_commands",
    "care_commands",
    "care_openings",
    "collection_commands",
    "collection_stories",
    "days",
    "difficulty_commands",
    "difficulty_openings",
    "digests",
    "draw_commands",
    "estates",
    "events_of",
    "fen",
    "fillings",
    "forum_commands",
    "forum_openings",
    "from_hint",
    "grading_commands",
    "grading_openings",
    "guided",
    "histories",
    "ids",
    "instances",
    "instants",
    "knowledge",
    "knowns",
    "measures",
    "meeting_commands",
    "meeting_openings",
    "merging_estates",
    "message_commands",
    "message_openings",
    "money",
    "opinion_commands",
    "opinion_openings",
    "outlay_commands",
    "owner_commands",
    "owner_openings",
    "periods",
    "personal",
    "phones",
    "plan_commands",
    "plan_stories",
    "play",
    "policies",
    "policy_refs",
    "publication_commands",
    "publication_openings",
    "questionnaires",
    "request_commands",
    "request_histories",
    "request_openings",
    "sealed",
    "shifts",
    "sla_policies",
    "sla_text",
    "survey_commands",
    "survey_openings",
    "targets",
    "texts",
    "visit_commands",
    "visit_openings",
    "words",
]
