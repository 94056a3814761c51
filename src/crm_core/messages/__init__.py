"""Messages: what a household is told, when, by which channel, and the proof of it."""

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
from crm_core.messages.state import Messages
from crm_core.messages.template import Template

__all__ = [
    "EVENTS",
    "MESSAGES",
    "ChangePreference",
    "MessagePolicy",
    "Messages",
    "Parameter",
    "QueueMessage",
    "RecordFailure",
    "RecordSent",
    "ReleaseMessage",
    "Template",
    "message_id",
]
