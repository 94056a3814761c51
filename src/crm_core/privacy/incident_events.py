"""What happened to leaks of personal data. Names and fields are a storage contract (PRV-08)."""

from __future__ import annotations

from datetime import datetime

from crm_core.kernel.catalog import EventType
from crm_core.kernel.policy import PolicyRef
from crm_core.kernel.sealed import Text
from crm_core.kernel.values import frozen
from crm_core.privacy.leak_policy import DutyClock

ITEMS = ("causes", "harm", "remedies", "advice", "contact")
"""What is told of a leak in words: its causes, the harm that may come, what was done about it, how
persons protect themselves, and whom they reach."""

READ_LOG, LISTED = "read_log", "list"


@frozen
class LeakOpened:
    """Personal data leaked, was changed or lost, or may have been.

    Args:
        clocks: By when whom is told.
        since: From when on, as far as is known.
        until: Up to when; None while it goes on or nobody knows.
    """

    clocks: tuple[DutyClock, ...]
    discovered_at: datetime
    leak: str
    opened_by: str
    policy: PolicyRef
    severity: str
    since: datetime
    summary: Text
    until: datetime | None


@frozen
class LeakStated:
    """Something that is told of a leak was put into words; the latest words count.

    Args:
        item: One of `ITEMS`.
    """

    item: str
    leak: str
    stated_by: str
    text: Text


@frozen
class LeakKindsStated:
    """Which classes of data it is about."""

    kinds: tuple[str, ...]
    leak: str
    stated_by: str


@frozen
class LeakReassessed:
    """It is as bad as that, and its clocks are these."""

    clocks: tuple[DutyClock, ...]
    leak: str
    policy: PolicyRef
    reason: Text
    reassessed_by: str
    severity: str


@frozen
class AffectedDetermined:
    """Who is affected was found out; what is kept is how, how many, and a digest of the list.

    Args:
        determined_at: When.
        digest: Of the sorted ids of the persons.
        fields: The fields whose readers were asked for; none for all.
        number: How many persons.
        position: Up to where the log was asked who is in the households; 0 for a list.
        reference: Where a list came from.
        since: The window of reads that was asked for; None for a list.
        source: `read_log` or `list`.
        until: Its end.
    """

    determined_at: datetime
    determined_by: str
    digest: str
    fields: tuple[str, ...]
    leak: str
    number: int
    position: int
    reference: Text
    since: datetime | None
    source: str
    until: datetime | None


@frozen
class LeakTold:
    """Whoever answers for it in the company, or the authority, was told.

    Args:
        duty: `internal` or `authority`.
        informed: Who was told.
        reference: Where that is on record.
    """

    duty: str
    informed: Text
    leak: str
    reference: Text
    told_at: datetime
    told_by: str


@frozen
class PersonsTold:
    """Persons who are affected were told.

    Args:
        channel: How.
        digest: Of the list of affected persons as it was.
        number: How many were told.
        text: What they were told.
    """

    channel: str
    digest: str
    leak: str
    number: int
    text: Text
    told_at: datetime
    told_by: str


@frozen
class SilenceProposed:
    """Somebody proposes not to tell the persons, because harm was effectively avoided."""

    leak: str
    proposed_by: str
    reason: Text


@frozen
class SilenceDecided:
    """Another person agreed that the persons need not be told, or did not."""

    approved: bool
    decided_at: datetime
    decided_by: str
    leak: str
    reason: Text


@frozen
class NotificationOrdered:
    """The authority orders that the persons be told, whatever was decided before.

    Args:
        clock: By when.
    """

    authority: Text
    clock: DutyClock
    entered_by: str
    leak: str
    ordered_at: datetime
    reference: Text


@frozen
class LeakClockTold:
    """A clock of a leak has come so far, or has run out.

    Args:
        due_at: When it runs out.
        percent: Which share of its time is over; 100 for all of it.
        reached_at: When that was.
    """

    due_at: datetime
    duty: str
    leak: str
    percent: int
    reached_at: datetime


@frozen
class LeakClosed:
    """All that is owed was done, and this is what was learned."""

    closed_at: datetime
    closed_by: str
    conclusion: Text
    leak: str


EVENTS = (
    EventType("privacy.leak_opened", 1, LeakOpened),
    EventType("privacy.leak_stated", 1, LeakStated),
    EventType("privacy.leak_kinds_stated", 1, LeakKindsStated),
    EventType("privacy.leak_reassessed", 1, LeakReassessed),
    EventType("privacy.affected_determined", 1, AffectedDetermined),
    EventType("privacy.leak_told", 1, LeakTold),
    EventType("privacy.persons_told", 1, PersonsTold),
    EventType("privacy.silence_proposed", 1, SilenceProposed),
    EventType("privacy.silence_decided", 1, SilenceDecided),
    EventType("privacy.notification_ordered", 1, NotificationOrdered),
    EventType("privacy.leak_clock_told", 1, LeakClockTold),
    EventType("privacy.leak_closed", 1, LeakClosed),
)
