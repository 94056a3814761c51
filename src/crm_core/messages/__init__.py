"""Messages: what a household or a member of staff is told, when, how, and the proof of it."""

from crm_core.kernel.roles import DESK, FILES, HOST, HOUSEHOLDERS
from crm_core.kernel.slice import Act, PolicyKind, Slice
from crm_core.messages.commands import (
    ChangePreference,
    QueueMessage,
    RecordFailure,
    RecordSent,
    ReleaseMessage,
)
from crm_core.messages.decide import MESSAGES, message_id
from crm_core.messages.events import EVENTS, Parameter
from crm_core.messages.policy import MessagePolicy
from crm_core.messages.staff import (
    STAFF_MESSAGES,
    RecordFailureToStaff,
    RecordSentToStaff,
    ReleaseToStaff,
    TellStaff,
)
from crm_core.messages.state import Messages
from crm_core.messages.template import Template
from crm_core.messages.views import DUE

SLICE = Slice(
    name="messages",
    package=__name__,
    events=EVENTS,
    aggregates=(MESSAGES, STAFF_MESSAGES),
    acts=(
        Act(QueueMessage, (*DESK, *HOST)),
        Act(ReleaseMessage, HOST),
        Act(RecordSent, HOST),
        Act(RecordFailure, HOST),
        Act(ChangePreference, (*HOUSEHOLDERS, *FILES)),
        Act(TellStaff, HOST),
        Act(ReleaseToStaff, HOST),
        Act(RecordSentToStaff, HOST),
        Act(RecordFailureToStaff, HOST),
    ),
    policies=(
        PolicyKind("messages", MessagePolicy, MessagePolicy.parse),
        PolicyKind("template", Template, Template.parse),
    ),
    shipped=("policies", "templates"),
    projections=(DUE,),
    data_map="data-map.toml",
)

__all__ = [
    "EVENTS",
    "MESSAGES",
    "SLICE",
    "STAFF_MESSAGES",
    "ChangePreference",
    "MessagePolicy",
    "Messages",
    "Parameter",
    "QueueMessage",
    "RecordFailure",
    "RecordFailureToStaff",
    "RecordSent",
    "RecordSentToStaff",
    "ReleaseMessage",
    "ReleaseToStaff",
    "TellStaff",
    "Template",
    "message_id",
]
