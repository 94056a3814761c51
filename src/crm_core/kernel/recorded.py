"""The envelope of an event: two times, who, why, and which command (decision record 0004)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Generic, NamedTuple, TypeVar

from attrs import field

from crm_core.kernel.canonical import GENESIS
from crm_core.kernel.sealed import Text
from crm_core.kernel.values import define, frozen

E = TypeVar("E")


STAFF_ROLES = (
    "specialist",
    "supervisor",
    "manager",
    "director",
    "custodian",
    "operator",
    "finance",
    "sales",
    "engineering",
    "security",
    "cleaning",
)
"""Roles of the company's own people."""

HOUSEHOLD_ROLES = ("owner", "user")
"""Roles of those who act for a household; their id is that of the member."""

ROLES = (*STAFF_ROLES, *HOUSEHOLD_ROLES, "auditor", "host", "system")
"""Every role there is."""


@frozen
class Actor:
    """Who acts: a member of staff, somebody of a household, the host's program, or the system.

    Args:
        id: Pseudonymous id; it is stored with every event, so never a name or a phone number.
            Persons are compared by it alone, whatever their roles (LOG-08). An owner's or user's
            id is the member's.
        role: One of `ROLES`.
        also: Other ids that the register of staff knows the same person by; the library fills it
            in.
    """

    id: str
    role: str
    also: frozenset[str] = field(default=frozenset(), eq=False, repr=False, kw_only=True)

    @property
    def ids(self) -> frozenset[str]:
        """Every id that this person is known by."""
        return self.also | {self.id}

    def __str__(self) -> str:
        return f"{self.role}:{self.id}"


SYSTEM = Actor("crm", "system")


@define
class Envelope(Generic[E]):
    """What is stored of an event besides its place.

    Fields stand in the order of their names, as in the stored bytes.

    Args:
        actor: `role:id` of who caused it.
        causation: Event id that led to the command, if one did.
        command: Id of the command it came from.
        command_digest: What the command said, with the first event of the command; the log writes
            it and nobody else has to.
        correlation: Id of the matter this belongs to, if any.
        data: The event itself.
        effective: The day it is true from, in the estate's zone.
        imported: Moment of import, for imported facts only.
        nth: Ordinal among the events of the command; `command:nth` is the event's id.
        purpose: What it was done for, where the caller said so; sealed like what it says.
        recorded: When the company knew (UTC).
    """

    actor: str
    command: str
    data: E
    effective: date
    recorded: datetime
    nth: int = 0
    causation: str | None = None
    command_digest: str | None = None
    correlation: str | None = None
    imported: datetime | None = None
    purpose: Text | None = None

    @property
    def event_id(self) -> str:
        """Unique id of the event."""
        return f"{self.command}:{self.nth}"


class Tip(NamedTuple):
    """The end of a stream: its version and the digest of its last event."""

    version: int = 0
    digest: str = GENESIS


@define
class Recorded(Generic[E]):
    """An event as it stands in the log.

    Args:
        position: Place in the log, from 1.
        stream: Name of its stream, `kind/id`.
        version: Place in the stream, from 1.
        name: Stored name with version, e.g. `payments.payment_received/1`.
        household: The household it concerns, or an empty text.
        digest: Its digest in the stream's chain.
        envelope: The rest.
    """

    position: int
    stream: str
    version: int
    name: str
    household: str
    digest: str
    envelope: Envelope[E]

    @property
    def event(self) -> E:
        return self.envelope.data

    @property
    def recorded(self) -> datetime:
        return self.envelope.recorded

    @property
    def effective(self) -> date:
        return self.envelope.effective


KnownEvent = tuple[int, datetime, Any]
"""What a fold looks at of an event: its position, when the company knew, and the event itself."""


class Verbatim(NamedTuple):
    """An event as it is stored, and the few of its values that are asked for.

    Args:
        head: The values, as fields of the class that was named.
        stored: The stored bytes of the event alone; `EventLog.canonical` gives these for an event
            that is the same.
    """

    head: Any
    stored: bytes


@frozen
class Unreadable:
    """An event that stands in the log and cannot be given: its place, and why.

    Args:
        name: Stored name with version, which may be one that is not known here.
        error: Code and reason, e.g. `event `x/2` is not known to this version [CRM-F006]`.
    """

    position: int
    stream: str
    version: int
    name: str
    household: str
    error: str


@frozen
class Settled:
    """A page of the feed in which nothing is left out (LOG-03, LOG-05).

    Args:
        events: In order of position; what cannot be read stands in its place as a value.
        reached: Everything up to this position is in `events`, or is known and was not asked for.
            Where nothing more is settled, it is the end of the feed.
    """

    events: tuple[Recorded[Any] | Unreadable, ...]
    reached: int


class StreamAppend(NamedTuple):
    """Events for one stream, on condition that it still ends at `tip`.

    Args:
        about: For each event the subject of its texts (`kernel.subjects`), which stands with what
            is sealed. Without any they are about the household, or the company.
    """

    stream: str
    tip: Tip
    household: str
    events: tuple[Envelope[Any], ...]
    about: tuple[str, ...] = ()


class Commit(NamedTuple):
    """All that one command appends, to one stream or several, or nothing of it.

    Args:
        command: The command's id; a repeated id appends nothing (LOG-01).
        digest: What the command said; the same id with another digest is refused.
    """

    command: str
    digest: str
    appends: tuple[StreamAppend, ...]


class Appended(NamedTuple):
    """Where a command's events stand: positions from `first` to `last`."""

    command: str
    digest: str
    first: int
    last: int


@frozen
class Cutoff:
    """What was known: every event up to `position` recorded at `known` or before (GRD-12)."""

    position: int
    known: datetime

    def sees(self, event: Recorded[Any]) -> bool:
        """Whether the event was known at the cut-off."""
        return self.saw(event.position, event.envelope.recorded)

    def saw(self, position: int, recorded: datetime) -> bool:
        """Whether what stands there, and was recorded then, was known at the cut-off."""
        return position <= self.position and recorded <= self.known
