"""All that a household was told, or is still to be told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime

from crm_core.kernel.growing import GrowingList, GrowingMap
from crm_core.kernel.sealed import Text
from crm_core.kernel.values import define
from crm_core.messages.events import (
    DeliveryFailed,
    MessageDeferred,
    MessageQueued,
    MessageReleased,
    MessageSent,
    MessageWithheld,
    PreferenceChanged,
)

ANY = "any"
"""Every purpose that can be refused."""

PERSONALISATION = "personalisation"
"""Being spoken to by name, or by what is known of one."""

Step = MessageReleased | MessageDeferred | MessageSent | DeliveryFailed | MessageWithheld


@define
class Messages:
    """The messages of one household.

    Args:
        queued: By message id, in the order in which they were queued.
        about: Message by (cause, template).
        steps: What then happened to a message, by (message, ordinal from 0). A message expires,
            so its steps are few.
        sent: Messages that a channel took.
        taken: Messages by (day, ordinal from 0): those that count on a day.
        counted: Messages that count on a day, by (day, message).
        preferences: What members agreed to and refused, oldest first.
    """

    queued: GrowingMap[str, MessageQueued]
    about: GrowingMap[tuple[str, str], str]
    steps: GrowingMap[tuple[str, int], Step]
    sent: GrowingMap[str, int]
    taken: GrowingMap[tuple[date, int], str]
    counted: GrowingMap[tuple[date, str], int]
    preferences: GrowingList[PreferenceChanged]

    def steps_of(self, message: str) -> Iterator[Step]:
        """What happened to a message, oldest first."""
        ordinal = 0
        while (step := self.steps.get((message, ordinal))) is not None:
            yield step
            ordinal += 1

    def status(self, message: str) -> Status:
        """How a message stands."""
        queued = self.queued[message]
        status = Status("waiting", queued.not_before, "", 0, 0, "")
        for step in self.steps_of(message):
            status = status.after(step)
        return status

    def told_on(self, day: date) -> int:
        """How many messages count on a day."""
        ordinal = 0
        while (day, ordinal) in self.taken:
            ordinal += 1
        return ordinal

    def allows(self, member: str, about: str, channel: str) -> bool | None:
        """The latest word of a member that covers a purpose on a channel; None if there is none."""
        said = None
        for change in self.preferences:
            if (
                change.member == member
                and (change.about == about or (change.about == ANY and about != PERSONALISATION))
                and change.channel in (None, channel)
            ):
                said = change.allowed
        return said


def allowed(files: Iterable[Messages], member: str, about: str, channel: str) -> bool | None:
    """What a member said in any file of their household; one refusal is enough (OWN-09)."""
    said = [file.allows(member, about, channel) for file in files]
    return False if False in said else True if True in said else None


@define
class Status:
    """How a message stands.

    Args:
        name: `waiting`, `sending`, or how it ended: `sent`, `withheld`, `given_up`.
        next_at: Before then nothing is done about it; of no meaning at the end.
        reason: Why it waits, was withheld or given up; empty otherwise.
        attempts: How often sending was begun.
        failures: How often it failed.
        receipt: What the channel answered.
    """

    name: str
    next_at: datetime
    reason: str
    attempts: int
    failures: int
    receipt: Text

    @property
    def ended(self) -> bool:
        return self.name in ("sent", "withheld", "given_up")

    def after(self, step: Step) -> Status:
        """How it stands after one more step; what was sent stays sent."""
        name, next_at, reason = self.name, self.next_at, self.reason
        attempts, failures, receipt = self.attempts, self.failures, self.receipt
        if isinstance(step, MessageSent):
            name, reason, receipt = "sent", "", step.receipt
        elif name == "sent":
            return self
        elif isinstance(step, MessageWithheld):
            name, reason = "withheld", step.reason
        elif isinstance(step, MessageReleased):
            name, next_at, reason, attempts = "sending", step.leased_until, "", step.attempt
        elif isinstance(step, MessageDeferred):
            name, next_at, reason = "waiting", step.until, step.reason
        elif step.retry_at is None:
            name, reason, failures = "given_up", step.reason, failures + 1
        else:
            name, next_at, reason = "waiting", step.retry_at, step.reason
            failures += 1
        return Status(name, next_at, reason, attempts, failures, receipt)
