"""What can be asked about the return visits of a household."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from crm_core.kernel.calendars import WorkingCalendar
from crm_core.kernel.commands import DayAhead, Id, InstantAhead, looked_up
from crm_core.kernel.policy import PolicyRef
from crm_core.kernel.recorded import Actor
from crm_core.kernel.values import frozen
from crm_core.kernel.word import Word
from crm_core.visits.policy import VisitPolicy

OPINIONS = ("A", "B", "C")
"""Satisfied, fairly, dissatisfied (VIS-04)."""

DISSATISFIED = "C"

NO_ANSWER, NOT_CONVENIENT, WRONG_NUMBER, NOT_THERE, BY_US, REFUSED = (
    "no_answer",
    "not_convenient",
    "wrong_number",
    "not_there",
    "missed_by_us",
    "refused",
)
RESULTS = (NO_ANSWER, NOT_CONVENIENT, WRONG_NUMBER, NOT_THERE, BY_US, REFUSED)
"""How an attempt ends in vain: `not_there` is an appointment that the member missed, `missed_by_us`
one that we did, `refused` a member who wants no such visit."""

INSTALLED, CONTRACTED, SERVED, SURVEYED = (
    "installation",
    "contract",
    "special_service",
    "survey_dissatisfied",
)
OCCASIONS = (INSTALLED, CONTRACTED, SERVED, SURVEYED)
"""What can be recorded that stands nowhere else: equipment installed and handed over, a contract or
purchase, a special service from one day to another, a survey answered by name and not satisfied."""


@frozen
class Occasion:
    """What calls for a visit today, as the library finds it.

    Args:
        visit: Number of the visit that follows.
        request: The request it is about.
        occasion: What was recorded, or the survey that was answered.
        draw: The draw that took the household.
    """

    visit: str
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
class ArrangeVisits:
    """Have the visits scheduled that something calls for, and the others called off (VIS-01).

    Args:
        requests: Numbers of requests that may call for a visit, besides those of open visits.
        draws: Draws that took the household.
        surveys: Surveys that it answered by name, besides those of open visits.
        occasions: What calls for visits by all that is known.
        gone: Why an open visit is called for no more, by its number.
        known_at: The instant of it.
    """

    household: str
    requests: tuple[str, ...] = ()
    draws: tuple[str, ...] = ()
    surveys: tuple[str, ...] = ()
    occasions: tuple[Occasion, ...] = looked_up()
    gone: Mapping[str, str] = looked_up()
    known_at: datetime = looked_up()


@frozen
class Call:
    """What is to be known of a call, and of who is called, before it counts.

    Args:
        policy: The policy of the visit.
        hours: When calls are made, by the official notices.
        members: Who holds a role in the household on the day.
        barred: Those of them who may not be called for the purpose of the visit.
        staff: Whether the member named is, or was, on the staff.
        hands: Who did the work that the visit is about, as it is known now.
        trade: Of a request that would follow; so are `severity` and `place`.
        left: Who of those that did does not work here any more on the day.
        elsewhere: When somebody was spoken to by visits of other files of the household.
    """

    policy: VisitPolicy
    hours: WorkingCalendar
    members: frozenset[str]
    barred: frozenset[str]
    staff: bool
    hands: frozenset[str]
    trade: str
    severity: str
    place: str
    left: frozenset[str] = frozenset()
    elsewhere: tuple[datetime, ...] = ()


@frozen
class AppointVisit:
    """Record when a member wants to be visited or called: then it may be at any hour.

    Args:
        at: The time they named.
        said_at: When they did.
        word: Who said it, how, and where that is on record.
    """

    household: str
    visit: str
    at: InstantAhead
    said_at: datetime
    word: Word
    by: Actor = looked_up()
    call: Call | None = looked_up()


@frozen
class NoteVisitAttempt:
    """Record that nobody could be visited or called (VIS-04).

    Args:
        means: By which it was tried.
        result: One of `RESULTS`.
        agreed_at: When the member wants to be called instead, where it was not convenient.
    """

    household: str
    visit: str
    attempted_at: datetime
    means: str
    result: str
    agreed_at: InstantAhead | None = None
    by: Actor = looked_up()
    call: Call | None = looked_up()


@frozen
class RecordVisit:
    """Record that a household was visited, or called, again; who gives it made it (VIS-04).

    Args:
        visited_at: When; the same call can serve several visits.
        means: By which.
        member: Who was spoken or written to.
        address: The form of address, one of the policy's.
        convenient: What they answered whether it was convenient; None where it was in writing.
        opinion: `A`, `B` or `C`; none where it was in writing.
        words: What they said; who is not satisfied says why.
        contact_left: Id of who did the repair, whose contact was left.
    """

    household: str
    visit: str
    visited_at: datetime
    means: str
    member: Id
    address: str
    convenient: bool | None = None
    opinion: str | None = None
    words: str = ""
    contact_left: Id = ""
    by: Actor = looked_up()
    call: Call | None = looked_up()


@frozen
class WithdrawVisit:
    """Say that a visit was recorded by mistake: it is to be made as before (LOG-06)."""

    household: str
    visit: str
    reason: str
    by: Actor = looked_up()


@frozen
class RecordOccasion:
    """Record something after which households are visited, and that stands nowhere else.

    Args:
        occasion: Its number, one of the household's.
        kind: One of `OCCASIONS`.
        on: Its day; of a contract or a special service the first.
        reference: Where it is on record.
        until: The last day of a special service.
    """

    household: str
    occasion: Id
    kind: str
    on: date
    reference: str
    until: DayAhead | None = None
    by: Actor = looked_up()


@frozen
class WithdrawOccasion:
    """Say that an occasion was recorded by mistake."""

    household: str
    occasion: str
    reason: str
    by: Actor = looked_up()
