"""Retention: whose period is over is proposed to be erased; a person decides (PRV-09).

Members are kept for some months after their last role in a household and its last request, and
while they owe or an objection to a grading is open; staff after their last role; who may become a
customer after the last contact; whoever is several of these until the last of them is over. How
long is a policy. The clock proposes, and what it proposes stands on the work list of whoever may
erase until it is erased, or declined until another day.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Any

import attrs

from crm_core import owners, privacy, requests, staff
from crm_core.gradings import GRADING
from crm_core.gradings.review import disputes
from crm_core.gradings.state import Gradings
from crm_core.kernel.dates import add_months, local_date, sortable_text, start_of_day
from crm_core.kernel.projection import Projection, Put, Rows
from crm_core.kernel.recorded import Recorded
from crm_core.kernel.slice import Sight
from crm_core.kernel.ticking import NEVER, DueCommand, Look, NothingBefore, Source
from crm_core.kernel.values import frozen
from crm_core.kernel.worklists import Asker, Task, Worklist
from crm_core.owners.events import (
    HouseholdVoided,
    MemberAdded,
    RoleEnded,
    RoleEndVoided,
    RoleVoided,
)
from crm_core.owners.prospects import (
    ProspectJoined,
    ProspectNoted,
    ProspectRecorded,
    ProspectStatusChanged,
)
from crm_core.payments import ACCOUNT, Account
from crm_core.payments.clauses import epochs_of
from crm_core.payments.collection.arrears import ALWAYS, Arrears
from crm_core.privacy.commands import (
    DeclineErasure,
    DeclineStaffErasure,
    ProposeErasure,
    ProposeStaffErasure,
)
from crm_core.privacy.events import (
    ErasureDeclined,
    ErasureProposed,
    HouseholdErased,
    MemberErased,
    StaffErased,
    StaffErasureDeclined,
    StaffErasureProposed,
)
from crm_core.privacy.policy import (
    CASE,
    CONTACT,
    DEFAULT_RETENTION,
    EMPLOYMENT,
    TENURE,
    RetentionPolicy,
)
from crm_core.requests.events import (
    ClosedUnanswered,
    ClosingVoided,
    DuplicateUndone,
    RequestClosed,
    RequestMerged,
    RequestReceived,
    RequestReopened,
    RequestVoided,
)
from crm_core.staff.register import StaffRoleBegun, StaffRoleEnded

_DAY = timedelta(days=1)


@frozen
class Held:
    """A role that a person holds or held, or something else that they are kept for.

    Args:
        role: The role; empty for a request.
        kept: For how long: one of the periods of the policy.
    """

    person: str
    role: str
    since: date
    until: date | None
    kept: str


@frozen
class Proposed:
    """A proposal that stands, or was declined until another day."""

    person: str
    since: datetime
    until: date | None


@frozen
class Line:
    """What the retention of the persons of a household, or of somebody of none, hangs on.

    Args:
        household: The household; empty for a member of staff, and for a potential customer.
        held: Every role.
        open: Numbers of its requests that are not closed.
        merged: Numbers of those that go on in another one.
        closed: The day on which one was closed last.
        proposed: What was proposed, by person.
        erased: Who is erased.
        beside: What its persons hold, or are kept for, by other lines: whoever is erased in one
            household is erased in all of them.
        lines: Keys of those lines. The row of a person has the lines in which they stand, and
            nothing else.
    """

    household: str
    held: tuple[Held, ...] = ()
    open: tuple[str, ...] = ()
    merged: tuple[str, ...] = ()
    closed: date | None = None
    proposed: tuple[Proposed, ...] = ()
    erased: tuple[str, ...] = ()
    beside: tuple[Held, ...] = ()
    lines: tuple[str, ...] = ()

    def ended(self) -> dict[str, date]:
        """Who holds no role any more, here or elsewhere, and is not erased; with the last day."""
        last: dict[str, date] = {}
        every = (*self.held, *self.beside)
        going_on = {one.person for one in every if one.until is None}
        # Who became a member is let go of as one.
        members = {one.person for one in self.beside if one.kept == TENURE}
        mine = {one.person for one in self.held if one.kept != CONTACT or one.person not in members}
        for one in every:
            if one.until is not None and one.kept != CASE and one.person in mine - going_on:
                last[one.person] = max(one.until, last.get(one.person, one.until))
        return {person: day for person, day in last.items() if person not in self.erased}

    def kept_until(self, person: str, policy: RetentionPolicy) -> date:
        """The last day on which a person is kept who holds no role any more."""
        months = policy.months
        every = [one for one in (*self.held, *self.beside) if one.person == person]
        days = [add_months(one.until, months[one.kept]) for one in every if one.until is not None]
        if self.closed is not None:
            days.append(add_months(self.closed, months[CASE]))
        return max(days)

    def proposal(self, person: str) -> Proposed | None:
        """What was proposed of a person last."""
        return next((one for one in self.proposed if one.person == person), None)


# --- what an event changes ---------------------------------------------------------------------


def _begun(line: Line, recorded: Recorded[Any]) -> Line:
    event = recorded.event
    if isinstance(event, MemberAdded):
        begun = _held(event.member, event, TENURE)
    else:
        begun = _held(event.staff, event, EMPLOYMENT)
    return attrs.evolve(line, held=(*line.held, begun))


def _held(person: str, begun: Any, kept: str) -> Held:
    return Held(person=person, role=begun.role, since=begun.since, until=None, kept=kept)


def _met(line: Line, recorded: Recorded[Any]) -> Line:
    """There was contact with somebody who may become a customer; what counts is the last."""
    who, day = recorded.event.prospect, recorded.event.on
    before = [one for one in line.held if one.kept == CONTACT]
    days = [day, *(one.until for one in before if one.until is not None)]
    since = min([day, *(one.since for one in before)])
    contact = Held(person=who, role="prospect", since=since, until=max(days), kept=CONTACT)
    return attrs.evolve(line, held=(*(one for one in line.held if one.kept != CONTACT), contact))


def _over(line: Line, recorded: Recorded[Any]) -> Line:
    event = recorded.event
    person = event.member if isinstance(event, RoleEnded) else event.staff
    held = tuple(
        attrs.evolve(one, until=event.until)
        if (one.person, one.role) == (person, event.role)
        and one.since <= event.until
        and not _over_by(one, event.until)
        else one
        for one in line.held
    )
    return attrs.evolve(line, held=held)


def _over_by(held: Held, day: date) -> bool:
    return held.until is not None and held.until <= day


def _never(line: Line, _: Recorded[Any]) -> Line:
    """Nobody ever belonged to a file that is void."""
    return attrs.evolve(line, held=())


def _never_held(line: Line, recorded: Recorded[Any]) -> Line:
    event = recorded.event
    told = (event.member, event.role, event.since)
    held = tuple(one for one in line.held if (one.person, one.role, one.since) != told)
    return attrs.evolve(line, held=held)


def _goes_on(line: Line, recorded: Recorded[Any]) -> Line:
    event = recorded.event
    told = (event.member, event.role, event.since)
    held = tuple(
        attrs.evolve(one, until=None) if (one.person, one.role, one.since) == told else one
        for one in line.held
    )
    return attrs.evolve(line, held=held)


def _never_asked(line: Line, recorded: Recorded[Any]) -> Line:
    """What is void keeps nobody; the day of an end that was told before stays, and keeps longer."""
    left = tuple(one for one in line.open if one != recorded.event.request)
    return attrs.evolve(line, open=left)


def _asked(line: Line, recorded: Recorded[Any]) -> Line:
    number = recorded.event.request
    return attrs.evolve(line, open=tuple(sorted({*line.open, number})))


def _answered(line: Line, recorded: Recorded[Any]) -> Line:
    number, day = recorded.event.request, recorded.effective
    left = tuple(one for one in line.open if one != number)
    return attrs.evolve(line, open=left, closed=max(day, line.closed or day))


def _gone_on(line: Line, recorded: Recorded[Any]) -> Line:
    number = recorded.event.request
    merged = tuple(sorted({*line.merged, number}))
    return attrs.evolve(_answered(line, recorded), merged=merged)


def _parted(line: Line, recorded: Recorded[Any]) -> Line:
    """What was merged by mistake is open again; what was only marked stands as it did."""
    if recorded.event.request not in line.merged:
        return line
    left = tuple(one for one in line.merged if one != recorded.event.request)
    return attrs.evolve(_asked(line, recorded), merged=left)


def _proposed(line: Line, recorded: Recorded[Any]) -> Line:
    event = recorded.event
    person = event.member if hasattr(event, "member") else event.staff
    until = getattr(event, "until", None)
    others = tuple(one for one in line.proposed if one.person != person)
    return attrs.evolve(line, proposed=(*others, Proposed(person, recorded.recorded, until)))


_CHANGES: dict[type, Any] = {
    MemberAdded: _begun,
    RoleEnded: _over,
    HouseholdVoided: _never,
    RoleVoided: _never_held,
    RoleEndVoided: _goes_on,
    StaffRoleBegun: _begun,
    StaffRoleEnded: _over,
    RequestReceived: _asked,
    RequestReopened: _asked,
    ClosingVoided: _asked,
    RequestVoided: _never_asked,
    RequestClosed: _answered,
    ClosedUnanswered: _answered,
    RequestMerged: _gone_on,
    DuplicateUndone: _parted,
    ErasureProposed: _proposed,
    ErasureDeclined: _proposed,
    StaffErasureProposed: _proposed,
    StaffErasureDeclined: _proposed,
    ProspectRecorded: _met,
    ProspectNoted: _met,
    ProspectStatusChanged: _met,
    ProspectJoined: _met,
}

_ERASED = (HouseholdErased, MemberErased, StaffErased)

_NAMES = frozenset(
    kind.stored
    for slice in (owners.SLICE, requests.SLICE, staff.SLICE, privacy.SLICE)
    for kind in slice.events
    if kind.cls in _CHANGES or kind.cls in _ERASED
)


def _after(rows: Rows[Line], recorded: Recorded[Any]) -> dict[str, Line]:
    """The rows that an event changes, as they are afterwards, by their keys."""
    event = recorded.event
    if isinstance(event, _ERASED):
        return _without(rows, event.keys)
    who = getattr(event, "prospect", "")
    if not who and not recorded.household:
        who = event.staff
    key = f"staff/{who}" if who else f"household/{recorded.household}"
    before = rows.get(key) or Line("" if who else recorded.household)
    line: Line = _CHANGES[type(event)](before, recorded)
    changed: dict[str, Line] = {}
    lines = {*before.lines}
    for person in sorted(_persons(line) - _persons(before)):
        index = rows.get(_of_person(person)) or Line("")
        lines |= {*index.lines} - {key}
        if key not in index.lines:
            changed[_of_person(person)] = attrs.evolve(index, lines=(*index.lines, key))
    others = {one: other for one in sorted(lines) if (other := rows.get(one)) is not None}
    if others:
        line = attrs.evolve(line, lines=(*others,), beside=_beside(line, others.values()))
        for one, other in others.items():
            beside = [line, *(found for x in other.lines if x != key and (found := rows.get(x)))]
            now = attrs.evolve(
                other, lines=tuple(sorted({*other.lines, key})), beside=_beside(other, beside)
            )
            if now != other:
                changed[one] = now
    return {**changed, key: line}


def _without(rows: Rows[Line], keys: Iterable[str]) -> dict[str, Line]:
    """Whoever is erased is erased in every line in which they stand."""
    changed: dict[str, Line] = {}
    for person in keys:
        index = rows.get(_of_person(person))
        for key in () if index is None else index.lines:
            found = changed.get(key) or rows.get(key)
            assert found is not None
            erased = tuple(sorted({*found.erased, person}))
            changed[key] = attrs.evolve(found, erased=erased)
    return changed


def _beside(line: Line, others: Iterable[Line]) -> tuple[Held, ...]:
    """What the persons of a line hold, or are kept for, by others."""
    mine, found = _persons(line), list[Held]()
    for other in others:
        shared = [one for one in other.held if one.person in mine]
        found += shared
        for person in sorted({one.person for one in shared}):
            if other.open:
                found.append(_case(person, shared[0].since, None))
            if other.closed is not None:
                found.append(_case(person, other.closed, other.closed))
    return tuple(found)


def _case(person: str, since: date, until: date | None) -> Held:
    return Held(person=person, role="", since=since, until=until, kept=CASE)


def _persons(line: Line) -> set[str]:
    return {one.person for one in line.held}


def _of_person(person: str) -> str:
    return f"person/{person}"


# --- what the clock proposes -------------------------------------------------------------------


def _by_end(rows: Rows[Line], recorded: Recorded[Any]) -> Iterator[Put[Line]]:
    for key, line in _after(rows, recorded).items():
        first = min(line.ended().values(), default=None)
        order = NEVER if first is None or line.open else f"{first.isoformat()}"
        yield Put(key, line, order)


RETENTION = Projection(
    name="application.retention",
    version=1,
    row=Line,
    names=_NAMES,
    apply=_by_end,
)
"""Whom a role of is over, in the order in which it was."""


def _due(line: Line, look: Look) -> Iterable[DueCommand | NothingBefore]:
    """A proposal for everybody whose period is over; what lies ahead puts the row off."""
    today = local_date(look.now, look.zone)
    policy = look.policies.find(RetentionPolicy, DEFAULT_RETENTION, today)
    found: list[DueCommand] = []
    ahead: list[datetime] = []
    for person, ended in line.ended().items() if not line.open else ():
        for due in _proposal(line, person, ended, policy, look):
            if due.at >= look.now:
                ahead.append(due.at)
            elif any(_is_unfinished(one, person, today, look.sight) for one in _households(line)):
                # What ends it changes no row of ours: it is looked at again tomorrow.
                ahead.append(start_of_day(today + _DAY, look.zone))
                continue
            found.append(due)
    found.sort(key=lambda due: due.at)
    return [*found, NothingBefore(min(ahead, default=None))]


def _households(line: Line) -> list[str]:
    """The households in which the persons of a line stand."""
    found = [line.household] if line.household else []
    return found + [key.partition("/")[2] for key in line.lines if key.startswith("household/")]


def _is_unfinished(household: str, person: str, today: date, sight: Sight) -> bool:
    """Whether something is still open for which a person is needed: then they are kept.

    What is unpaid of a tenure in which they owe, and an objection to a grading that nobody has
    decided (PIPL, art. 47: the purpose is not achieved).
    """
    gradings: Gradings = sight.state(GRADING, household)
    if any(disputes(gradings, year) for year in {g.year for g in gradings.by_run.values()}):
        return True
    account: Account = sight.state(ACCOUNT, household)
    tenures = sight.tenures(household)
    facts = [(ALWAYS, fact) for fact in account.facts.values()]
    epochs = epochs_of(household, account, sight)
    return any(
        not Arrears(facts, ((ALWAYS, tenures),), tenure.key, epochs).settled(today)
        for tenure in tenures.every
        if person in tenure.debtors
    )


def _proposal(
    line: Line, person: str, ended: date, policy: RetentionPolicy, look: Look
) -> Iterator[DueCommand]:
    before = line.proposal(person)
    if before is not None and before.until is None:
        return
    on = line.kept_until(person, policy) + _DAY
    if before is not None and before.until is not None:
        on = max(on, before.until)
    command = (
        ProposeErasure(household=line.household, member=person, ended=ended, on=on, policy=policy)
        if line.household
        else ProposeStaffErasure(person, ended, on, policy)
    )
    id = f"tick:retention:{line.household}:{person}:{on.isoformat()}"
    yield DueCommand(id, command, start_of_day(on, look.zone))


CLOCK = (Source("retention", RETENTION, _due),)

# --- who is to decide --------------------------------------------------------------------------


def _by_proposal(rows: Rows[Line], recorded: Recorded[Any]) -> Iterator[Put[Line]]:
    for key, line in _after(rows, recorded).items():
        standing = [one.since for one in line.proposed if one.until is None]
        yield Put(key, line, sortable_text(min(standing)) if standing else NEVER)


PROPOSALS = Projection(
    name="application.erasures",
    version=1,
    row=Line,
    names=_NAMES,
    apply=_by_proposal,
)
"""Whose erasure was proposed, in the order in which it was."""


def _to_decide(line: Line, asker: Asker) -> Iterable[Task]:
    """Proposals that stand, for whoever may decide; not of whom has come back since."""
    ended = line.ended()
    for one in line.proposed:
        if one.until is not None or one.person not in ended:
            continue
        command = (
            DeclineErasure(
                household=line.household,
                member=one.person,
                on=one.since.date(),
                reason="",
                until=one.since.date(),
            )
            if line.household
            else DeclineStaffErasure(one.person, one.since.date(), "", one.since.date())
        )
        if asker.may(command):
            yield Task(
                what="erasure",
                subject=one.person,
                household=line.household,
                act="erase-person",
                since=one.since,
                due_at=None,
                because="role",
                details={"ended": ended[one.person].isoformat()},
            )


WORKLIST = Worklist(PROPOSALS, _to_decide)
"""Proposals on the list of whoever may erase."""
