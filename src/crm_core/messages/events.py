"""What happened to messages for a household. Names and fields are a storage contract.

No event holds a name, a number, an address or the text that was sent: a recipient is a member of
the household's file, and the text follows from the template, the parameters and the file.
"""

from __future__ import annotations

from datetime import date, datetime

from crm_core.kernel.catalog import EventType
from crm_core.kernel.policy import PolicyRef
from crm_core.kernel.sealed import Text
from crm_core.kernel.values import frozen
from crm_core.kernel.word import Word


@frozen
class Parameter:
    """A value that a template is filled with; never one about a person."""

    name: str
    value: str


@frozen
class MessageQueued:
    """The household is to be told something; `cause` is the event that it is about (OUT-01).

    Template, its neutral twin and the policy are pinned here.
    """

    message: str
    cause: str
    template: PolicyRef
    neutral: PolicyRef | None
    policy: PolicyRef
    purpose: str
    channel: str
    language: str
    recipient: str
    parameters: tuple[Parameter, ...]
    not_before: datetime
    expires_at: datetime


@frozen
class MessageReleased:
    """An attempt to send begins; nobody else begins one before `leased_until` (OUT-01).

    `template` is the one used: the neutral twin for who refused personalisation. The message
    counts towards the household's messages of `day`.
    """

    message: str
    attempt: int
    template: PolicyRef
    day: date
    leased_until: datetime


@frozen
class MessageDeferred:
    """It is not sent before `until`: quiet hours, or enough messages for the day (OUT-01)."""

    message: str
    reason: str
    until: datetime


@frozen
class MessageSent:
    """The channel took the message; `receipt` is its answer (OUT-01)."""

    message: str
    attempt: int
    day: date
    receipt: Text


@frozen
class DeliveryFailed:
    """An attempt failed; without `retry_at` the message is given up (OUT-01)."""

    message: str
    attempt: int
    reason: str
    retry_at: datetime | None


@frozen
class MessageWithheld:
    """The message is not sent, for the reason named; nothing vanishes silently (OUT-01)."""

    message: str
    reason: str


@frozen
class PreferenceChanged:
    """A member agrees to a purpose, or to personalisation, or refuses it (PIPL, art. 15 and 24).

    Without a channel it is said of all of them. Without a word the member told the program
    themselves, or somebody of the staff entered a refusal, which needs none.
    """

    member: str
    about: str
    channel: str | None
    allowed: bool
    word: Word | None


EVENTS = (
    EventType("messages.queued", 1, MessageQueued),
    EventType("messages.released", 1, MessageReleased, effective="day"),
    EventType("messages.deferred", 1, MessageDeferred),
    EventType("messages.sent", 1, MessageSent, effective="day"),
    EventType("messages.failed", 1, DeliveryFailed),
    EventType("messages.withheld", 1, MessageWithheld),
    EventType("messages.preference_changed", 1, PreferenceChanged),
)
