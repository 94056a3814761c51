"""What happened to the return visits of a household. Names and fields are a storage contract."""

from __future__ import annotations

from datetime import date, datetime

from crm_core.kernel.catalog import EventType
from crm_core.kernel.policy import PolicyRef
from crm_core.kernel.sealed import Text
from crm_core.kernel.values import frozen
from crm_core.kernel.word import Word


@frozen
class VisitScheduled:
    """Something happened after which a household is visited, or called, again (VIS-01).

    Args:
        visit: Its number: what called for it, and nothing else.
        row: The row of the policy; of a draw its method.
        content: What it is about (VIS-03).
        purpose: What the member's data are used for.
        means: By which it may be made.
        request: The request it is about.
        occasion: What else it is about, as it was recorded; of an answer by name its survey.
        draw: The draw that took the household.
        since: When that happened which calls for it.
        from_at: From when on it may be made; `due_at` by when, `latest_at` at the latest; nobody is
            asked to make it from `lapses_at` on.
        must: Whether it has to be made: the lot fell on it, or no lot is asked.
        seed: What the lot follows from (`crm_core.visits.chance`); empty where none was asked.
        hands: Who did the work it is about: they do not visit (VIS-04).
    """

    visit: str
    household: str
    row: str
    content: str
    purpose: str
    means: tuple[str, ...]
    request: str | None
    occasion: str | None
    draw: str | None
    since: datetime
    from_at: datetime
    due_at: datetime
    latest_at: datetime
    lapses_at: datetime
    must: bool
    seed: str
    hands: tuple[str, ...]
    policy: PolicyRef


@frozen
class VisitRenewed:
    """What calls for the visit was otherwise than it was known, so its times or hands are."""

    visit: str
    household: str
    since: datetime
    from_at: datetime
    due_at: datetime
    latest_at: datetime
    lapses_at: datetime
    must: bool
    hands: tuple[str, ...]


@frozen
class VisitCalledOff:
    """Nothing calls for the visit any more.

    Args:
        why: `matter` where what it is about is no more (open again, merged, void), `file` where the
            file is void or was merged, `tenure` where others have the household, `erased`,
            `refused` where nobody may be called for it, `nobody` where nobody is left,
            `draw` where the draw was called off.
    """

    visit: str
    household: str
    why: str
    at: datetime


@frozen
class VisitAppointed:
    """A member said when it suits them; then the visit may be made at any hour (VIS-04)."""

    visit: str
    household: str
    appointed_at: datetime
    said_at: datetime
    word: Word
    entered_by: str


@frozen
class VisitAttempted:
    """Somebody tried to reach the household, in vain (VIS-04).

    Args:
        result: One of `crm_core.visits.commands.RESULTS`.
        attempt: Which one it was of those that count; one that failed by us counts as none, and
            neither does one before the time at which they were to be tried again.
        next_at: When it is to be tried again.
        appointed: Whether the member named that time.
    """

    visit: str
    household: str
    attempted_at: datetime
    means: str
    result: str
    attempt: int
    next_at: datetime
    appointed: bool
    attempted_by: str


@frozen
class VisitGivenUp:
    """Nobody was reached often enough, or in time, or the member refused (VIS-04).

    Args:
        why: `unreached`, `refused`, or `lapsed` where nobody made it until it was too late.
    """

    visit: str
    household: str
    why: str
    attempts: int
    at: datetime


@frozen
class VisitMade:
    """The household was visited, or called, again (VIS-04).

    Args:
        member: Who was spoken or written to.
        address: The form of address.
        convenient: That they said it was convenient; None where nobody was spoken to.
        opinion: `A` satisfied, `B` fairly, `C` dissatisfied; None where nobody was spoken to.
        contact_left: Id of the member of staff whose contact was left: who did the repair.
        visited_by: Who made it, by who recorded it.
        successor: Number of the request that follows from a `C`.
        recording: How often a making was recorded, with this one.
        trade: Of the request that follows; so are `severity` and `place`.
        request: The request that the visit was about.
    """

    visit: str
    household: str
    visited_at: datetime
    means: str
    member: str
    address: str
    convenient: bool | None
    opinion: str | None
    words: Text
    contact_left: str
    visited_by: str
    successor: str | None
    recording: int
    trade: str
    severity: str
    place: str
    request: str | None


@frozen
class VisitWithdrawn:
    """It was recorded by mistake that the visit was made: it is to be made as before (LOG-06).

    Args:
        successor: The request that followed from it; it stays, and people see to it.
    """

    visit: str
    household: str
    reason: Text
    withdrawn_by: str
    successor: str | None


@frozen
class OccasionRecorded:
    """Something happened after which households are visited, and that stands nowhere else.

    Args:
        kind: One of `crm_core.visits.commands.OCCASIONS`.
        on: Its day; of a contract the first.
        until: The last day of a contract.
        reference: Where it is on record.
    """

    occasion: str
    household: str
    kind: str
    on: date
    until: date | None
    reference: Text
    recorded_by: str


@frozen
class OccasionWithdrawn:
    """The occasion was recorded by mistake; its number is not used again."""

    occasion: str
    household: str
    reason: Text
    withdrawn_by: str


EVENTS = (
    EventType("visits.scheduled", 1, VisitScheduled),
    EventType("visits.renewed", 1, VisitRenewed),
    EventType("visits.called_off", 1, VisitCalledOff),
    EventType("visits.appointed", 1, VisitAppointed),
    EventType("visits.attempted", 1, VisitAttempted),
    EventType("visits.given_up", 1, VisitGivenUp),
    EventType("visits.made", 1, VisitMade),
    EventType("visits.withdrawn", 1, VisitWithdrawn),
    EventType("visits.occasion_recorded", 1, OccasionRecorded, effective="on"),
    EventType("visits.occasion_withdrawn", 1, OccasionWithdrawn),
)
