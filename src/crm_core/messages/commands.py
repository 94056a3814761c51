"""What can be asked about messages for a household."""

from __future__ import annotations

from datetime import datetime

from crm_core.kernel.commands import looked_up
from crm_core.kernel.recorded import Actor
from crm_core.kernel.values import frozen
from crm_core.kernel.word import Word
from crm_core.messages.events import Parameter
from crm_core.messages.policy import MessagePolicy
from crm_core.messages.state import Messages
from crm_core.messages.template import Template

FAILURES = (
    "address_missing",
    "address_unreadable",
    "address_unusable",
    "cause_unusable",
    "channel_unknown",
    "notifier_fault",
    "rejected",
    "template_unavailable",
    "unknown_outcome",
    "unreachable",
)
"""Why an attempt can fail. A channel's own words may repeat the address, so they are not kept."""

RECEIPT_LENGTH_MAX = 200


@frozen
class Known:
    """What the library looks up for every command about messages.

    Args:
        at: The instant of the decision.
        zone: The estate's zone.
        policy: The message policy in force.
        members: Members of the household with a role on that day; whom to tell first comes first.
            Of what staff are told: the member of staff, if they hold a role on that day.
        template: The template a message is to be made from, and its neutral twin, if it has one.
        duty_from: When the member of staff is on duty next, if they are not now.
        barred: Members with purposes that they withdrew or refused their consent to, or whose
            consent carries nothing any more (PRV-05).
        agreed: Members with purposes that a consent of theirs carries.
        erased: Who of the household, or of the staff, is erased.
        elsewhere: What other files of the same household were told and said (OWN-09).
    """

    at: datetime
    zone: str
    policy: MessagePolicy
    members: tuple[str, ...]
    template: Template | None = None
    neutral: Template | None = None
    duty_from: datetime | None = None
    barred: frozenset[tuple[str, str]] = frozenset()
    agreed: frozenset[tuple[str, str]] = frozenset()
    erased: frozenset[str] = frozenset()
    elsewhere: tuple[Messages, ...] = ()


@frozen
class QueueMessage:
    """Have the household told something.

    Args:
        cause: Id of the event it is about.
        template: Name of the template.
        recipient: Member to be told; by default the one who is told first.
        channel: By default that of the policy.
        language: By default that of the policy.
        happened_at: When the cause was recorded; what is too late to be told is withheld.
    """

    household: str
    cause: str
    template: str
    parameters: tuple[Parameter, ...] = ()
    recipient: str = ""
    channel: str = ""
    language: str = ""
    happened_at: datetime | None = None
    known: Known = looked_up()


@frozen
class WithholdRefused:
    """Withhold what waits for a member who withdrew their consent to its purpose (PRV-05)."""

    household: str
    member: str
    purpose: str
    known: Known = looked_up()


@frozen
class ReleaseMessage:
    """Begin to send a message, if it may be sent now."""

    household: str
    message: str
    known: Known = looked_up()


@frozen
class RecordSent:
    """The channel took the message; `receipt` is its answer, without anything personal."""

    household: str
    message: str
    attempt: int
    receipt: str
    known: Known = looked_up()


@frozen
class RecordFailure:
    """An attempt failed; a transient failure is worth another one."""

    household: str
    message: str
    attempt: int
    reason: str
    transient: bool
    known: Known = looked_up()


@frozen
class ChangePreference:
    """Keep what a member agrees to or refuses.

    Args:
        about: A purpose, `any` for all that can be refused, or `personalisation`.
        word: What they said, where a member of staff enters it: an agreement needs it, a refusal
            does not. Owners and users say for themselves what they want, without a word.
        channel: Only for this channel; by default for all.
    """

    household: str
    member: str
    about: str
    allowed: bool
    word: Word | None = None
    channel: str = ""
    known: Known = looked_up()
    by: Actor = looked_up()
