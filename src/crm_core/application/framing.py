"""Who takes part in a draw of households to be visited, by the log up to a position (VIS-02).

A frame follows from the events up to a position, the policies, and the method; from nothing else,
so another process finds the same one later, whatever was recorded since.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from attrs import field

from crm_core.application.sight import WorkSight
from crm_core.gradings.engines.merged import merges_seen
from crm_core.kernel.dates import local_date
from crm_core.kernel.recorded import Recorded
from crm_core.kernel.values import define, frozen
from crm_core.opinions.events import EVENTS as _OPINIONS
from crm_core.opinions.events import OpinionRecorded
from crm_core.owners import HOUSEHOLD
from crm_core.owners.commands import ROLES
from crm_core.owners.events import EVENTS as _OWNERS
from crm_core.owners.events import InterestRecorded
from crm_core.owners.state import Household
from crm_core.ports import EventLog
from crm_core.privacy import ERASING
from crm_core.privacy.consent import CONSENTS, may_use
from crm_core.privacy.consent import EVENTS as _CONSENTS
from crm_core.privacy.consent_texts import CONSENT_TEXTS
from crm_core.privacy.decide import WHOLE as COMPANY
from crm_core.privacy.purposes import DEFAULT_PURPOSES, PurposesPolicy
from crm_core.requests.events import EVENTS as _REQUESTS
from crm_core.requests.events import (
    ClosedUnanswered,
    ClosingVoided,
    RequestClosed,
    RequestMerged,
    RequestReceived,
    RequestReopened,
    RequestVoided,
)
from crm_core.visits import EVENTS as _VISITS
from crm_core.visits import VISITS
from crm_core.visits.commands import SERVED
from crm_core.visits.draws import DrawCalledOff, VisitsDrawn
from crm_core.visits.policy import (
    AFFECTION,
    LOW_SATISFACTION,
    ROUND,
    SERVICE,
    Selection,
    VisitPolicy,
)
from crm_core.visits.state import Visits

_OF_REQUESTS = (
    ClosedUnanswered, ClosingVoided, RequestClosed, RequestMerged, RequestReceived,
    RequestReopened, RequestVoided,
)  # fmt: skip

NAMES = frozenset(
    {kind.stored for kind in (*_OWNERS, *_OPINIONS, *_CONSENTS)}
    | {kind.stored for kind in _VISITS if kind.cls not in (DrawCalledOff, VisitsDrawn)}
    | {kind.stored for kind in _REQUESTS if kind.cls in _OF_REQUESTS}
)
"""Stored names of the events that a frame is made of."""


@frozen
class Asked:
    """What a draw asks for.

    Args:
        method: One of `crm_core.visits.policy.METHODS`.
        on: The day as of which.
        estate: Only of this estate; empty for all.
        code: Only numbers that begin so; empty for all.
        position: Of the last event that is seen.
    """

    method: str
    on: date
    estate: str
    code: str
    position: int


@define
class _Seen:
    """A household as far as the events of it, and of files merged into it, were seen.

    Args:
        received: Day of receipt by request; `open` those that wait.
        said: Whether a customer was satisfied, by day.
        contacts: Days on which there was any contact.
    """

    file: Any = HOUSEHOLD.decider.initial
    consents: Any = CONSENTS.decider.initial
    visits: Visits = VISITS.decider.initial
    received: dict[str, date] = field(factory=dict)
    open: set[str] = field(factory=set)
    closed: dict[str, tuple[date, bool]] = field(factory=dict)
    contacts: list[date] = field(factory=list)
    interests: list[date] = field(factory=list)
    others: list[Visits] = field(factory=list)


def frame(asked: Asked, policy: VisitPolicy, sight: WorkSight) -> tuple[str, ...]:
    """The households that take part, sorted."""
    log = sight.log
    merges = merges_seen(log, asked.on, position=asked.position)
    seen: dict[str, _Seen] = {}
    merged: dict[str, list[_Seen]] = {}
    for household, events in log.by_household(upto=asked.position, names=NAMES):
        one = _folded(events, sight.zone)
        survivor = merges.survivor(household)
        if survivor == household:
            seen[household] = one
        else:
            merged.setdefault(survivor, []).append(one)
    for household, others in merged.items():
        if household in seen:
            for other in others:
                _joined(seen[household], other)
    callable_members = _may_be_called(asked, policy, sight)
    chosen = _METHODS.get(asked.method, _everybody)
    selection = policy.selections[asked.method]
    return tuple(
        sorted(
            household
            for household, one in seen.items()
            if isinstance(one.file, Household)
            and asked.estate in ("", one.file.estate)
            and household.startswith(asked.code)
            and callable_members(one)
            and not _called_lately(one, asked.on, policy, sight.zone)
            and chosen(one, asked.on, selection, sight.zone)
        )
    )


def _joined(one: _Seen, other: _Seen) -> None:
    """What is known of a merged file is of the surviving one."""
    one.received |= other.received
    one.open |= other.open
    one.closed |= other.closed
    one.contacts += other.contacts
    one.interests += other.interests
    one.others.append(other.visits)


def _folded(events: Iterable[Recorded[Any]], zone: str) -> _Seen:
    seen = _Seen()
    for recorded in events:
        event = recorded.event
        kind = recorded.stream.partition("/")[0]
        if kind == HOUSEHOLD.decider.name:
            seen.file = HOUSEHOLD.decider.evolve(seen.file, event)
            if isinstance(event, InterestRecorded):
                seen.interests.append(event.on)
        elif kind == CONSENTS.decider.name:
            seen.consents = CONSENTS.decider.evolve(seen.consents, event)
        elif kind == VISITS.decider.name:
            seen.visits = VISITS.decider.evolve(seen.visits, event)
        elif isinstance(event, OpinionRecorded):
            seen.contacts.append(event.on)
        elif isinstance(event, _OF_REQUESTS):
            _of_request(seen, event, zone)
    return seen


def _of_request(seen: _Seen, event: Any, zone: str) -> None:
    number = event.request
    if isinstance(event, RequestVoided):
        seen.received.pop(number, None)
        seen.closed.pop(number, None)
        seen.open.discard(number)
        return
    if isinstance(event, RequestReceived):
        seen.received[number] = local_date(event.received_at, zone)
    if isinstance(event, RequestReceived | RequestReopened | ClosingVoided):
        seen.open.add(number)
        return
    seen.open.discard(number)
    if isinstance(event, RequestClosed) and event.opinion is not None:
        seen.closed[number] = local_date(event.closed_at, zone), event.opinion == "satisfied"


def _may_be_called(asked: Asked, policy: VisitPolicy, sight: WorkSight) -> Callable[[_Seen], bool]:
    """Whether somebody lives there who may be called: not erased, and not unwilling (PRV-05)."""

    def state_of(aggregate: Any, identity: str) -> Any:
        told = (
            one.event
            for one in sight.log.read(aggregate.stream(identity))
            if one.position <= asked.position
        )
        return aggregate.decider.fold(told)

    erased = state_of(ERASING, COMPANY).erased
    purpose = policy.drawn.purpose
    texts = state_of(CONSENT_TEXTS, purpose)
    purposes = sight.policy(PurposesPolicy, DEFAULT_PURPOSES, asked.on)

    def may(seen: _Seen) -> bool:
        members = {role.member for kind in ROLES for role in seen.file.holding(kind, asked.on)}
        return any(
            member not in erased
            and may_use(
                purpose, member, asked.on, consents=seen.consents, texts=texts, policy=purposes
            ).allowed
            for member in members
        )

    return may


# --- what each method asks for -------------------------------------------------------------------


def _visits(seen: _Seen) -> Iterator[Visits]:
    yield seen.visits
    yield from seen.others


def _visited(seen: _Seen, zone: str) -> Iterator[tuple[date, str | None]]:
    for visits in _visits(seen):
        for visit in visits.every():
            if visit.made is not None:
                yield local_date(visit.made.visited_at, zone), visit.made.opinion


def _called_lately(seen: _Seen, on: date, policy: VisitPolicy, zone: str) -> bool:
    """Whether somebody was called so lately that they are left in peace (VIS-04)."""
    days = (local_date(at, zone) for visits in _visits(seen) for at, _ in visits.calls())
    return any(on - policy.rest < day <= on for day in days)


def _everybody(_seen: _Seen, _on: date, _selection: Selection, _zone: str) -> bool:
    return True


def _low_satisfaction(seen: _Seen, on: date, selection: Selection, zone: str) -> bool:
    """The latest word of the time was not a satisfied one."""
    since = on - timedelta(days=selection.days)
    said = [(day, good) for day, good in seen.closed.values() if since < day <= on]
    said += [
        (day, opinion == "A")
        for day, opinion in _visited(seen, zone)
        if opinion is not None and since < day <= on
    ]
    return bool(said) and not max(said, key=lambda one: (one[0], not one[1]))[1]


def _service(seen: _Seen, on: date, selection: Selection, _zone: str) -> bool:
    """A request waits, a special service runs, or an interest was told in the time."""
    if any(seen.received.get(number, on) <= on for number in seen.open):
        return True
    since = on - timedelta(days=selection.days)
    if any(since < day <= on for day in seen.interests):
        return True
    return any(
        one.kind == SERVED and one.on <= on <= (one.until or one.on)
        for visits in _visits(seen)
        for one in visits.standing()
    )


def _rarely_contacted(seen: _Seen, on: date, selection: Selection, zone: str) -> bool:
    """There was no contact in the time."""
    since = on - timedelta(days=selection.days)
    days = [*seen.contacts, *seen.received.values(), *(day for day, _ in _visited(seen, zone))]
    return not any(since < day <= on for day in days)


def _round(seen: _Seen, on: date, _selection: Selection, zone: str) -> bool:
    """Nobody visited them in this year."""
    return not any(day.year == on.year and day <= on for day, _ in _visited(seen, zone))


_METHODS: Mapping[str, Callable[[_Seen, date, Selection, str], bool]] = {
    AFFECTION: _rarely_contacted,
    LOW_SATISFACTION: _low_satisfaction,
    ROUND: _round,
    SERVICE: _service,
}


def seed_at(log: EventLog, position: int) -> str:
    """The seed of a draw that sees the log up to a position: the digest of the event there."""
    return log.identity(position) or ""
