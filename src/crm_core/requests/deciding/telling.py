"""What is said of a request, told in its course; what comes late is told anew (decision 0038).

Each subject of this package says of its commands what they say happened, judged where the request
stood at that instant (`Says`), and of its entries what they lead to (`Leads`). Told in the order in
which things happened, a request stands where timely knowledge would have brought it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import attrs

from crm_core.kernel.decider import Decision, Refusal
from crm_core.kernel.sealed import typed
from crm_core.requests.clocks import ARRIVAL, CLOSING, kind_of
from crm_core.requests.commands import ConfirmEntry, Timed
from crm_core.requests.deciding.course import Course, Policies
from crm_core.requests.deciding.refusals import not_open, too_early
from crm_core.requests.events import (
    CALENDAR_RENEWED,
    CLOSING_VOIDED,
    ENTERED_AT,
    ENTRY_NAMES,
    CalendarRenewed,
    ClosingVoided,
    Entry,
    EntryConfirmed,
    RequestRetold,
    StepLifted,
    entered_at,
)
from crm_core.requests.evolve import evolve, standing_of, taken_of
from crm_core.requests.parts import BREACHED, PROMISE_BROKEN, Evidence, Taken
from crm_core.requests.state import NotReceived, Request, RequestState

Says = Callable[[Any, Course], Decision]
"""`(command, course up to that instant) -> what is said to have happened, or why it cannot have`.

Entries among it are told; other events are recorded behind them as they are.
"""

Leads = Callable[[Course, Any, datetime], None]
"""`(course, entry, from when it counts)`: what it leads to; nothing, where it makes no sense."""


Because = Entry | CalendarRenewed | ClosingVoided
"""What a request is told anew for."""


class Teller:
    """Tells what is said, by what each entry leads to.

    Args:
        leads: What each kind of entry leads to.
    """

    def __init__(self, leads: Mapping[type, Leads]) -> None:
        self._leads = leads

    def enter(self, command: Any, state: RequestState, at: datetime, says: Says) -> Decision:
        """What follows when something is said to have happened at an instant."""
        if isinstance(state, NotReceived):
            return not_open(state)
        if at < state.received_at:
            return too_early("entry", state.received_at)
        policies = policies_of(command, state)
        if at >= state.told_until:
            return self._told(command, Course(state, policies).passes(at), says)
        entries = _in_order(state.entries)
        course = self._begin(state, policies)
        self._go_on(course, [e for e in entries if e[0] <= at], at)
        said = says(command, course)
        if isinstance(said, Refusal):
            return said
        new, aside = _apart(said)
        if not new:
            return tuple(aside)
        for entry in new:
            self._leads[type(entry)](course, entry, at)
        self._go_on(course, [e for e in entries if e[0] > at], state.told_until)
        relieved = _relieved(state, course, at)
        if relieved and not _may_lift(command, state, relieved):
            # It is kept, and lifts nothing: it counts from when it became known (REQ-10).
            known_at = max(command.known_at or state.told_until, state.told_until)
            later = Course(state, policies).passes(known_at)
            for entry in new:
                self._leads_to(later, attrs.evolve(entry, counts_from=known_at))
            return (*later.events, *aside)
        return (*new, *_told_anew(state, course, new[0]), *aside)

    def confirm(self, command: ConfirmEntry, state: RequestState) -> Decision:
        """Somebody else shows by evidence when an entry happened; it counts from then (REQ-10)."""
        if isinstance(state, NotReceived):
            return not_open(state)
        entries = tuple(state.entries)
        if not 0 < command.entry <= len(entries):
            return Refusal("entry_unknown", "REQ-10", {"entries": len(entries)})
        entry = entries[command.entry - 1]
        at = entered_at(entry)
        if entry.counts_from == at:
            return Refusal("entry_counts", "REQ-10")
        if entry.entered_by in command.by.ids:
            return Refusal("entry_own", "REQ-10")
        confirmed = attrs.evolve(entry, counts_from=at)
        told = [confirmed if e is entry else e for e in entries]
        course = self._begin(state, policies_of(command, state))
        self._go_on(course, _in_order(told), state.told_until)
        if not _may_lift(command, state, _relieved(state, course, at)):
            return Refusal("evidence_insufficient", "REQ-10")
        event = EntryConfirmed(
            request=state.request,
            entry=command.entry,
            counts_from=at,
            confirmed_by=command.by.id,
            evidence=command.evidence,
        )
        return (event, *_told_anew(state, course, confirmed))

    def again(
        self,
        command: Any,
        state: Request,
        entries: Iterable[Entry],
        because: Because,
    ) -> tuple[Any, ...]:
        """The request told anew, with other entries or by other notices than it was told."""
        course = self._begin(state, policies_of(command, state))
        self._go_on(course, _in_order(entries), state.told_until)
        return tuple(_told_anew(state, course, because))

    def _told(self, command: Any, course: Course, says: Says) -> Decision:
        said = says(command, course)
        if isinstance(said, Refusal):
            return said
        new, aside = _apart(said)
        if not new:
            # What says nothing new records nothing; the clock brings what time has brought.
            return tuple(aside)
        for entry in new:
            self._leads_to(course, entry)
        return (*course.events, *aside)

    def _leads_to(self, course: Course, entry: Entry) -> None:
        """What the entry leads to; where that is nothing, it is kept and counts from nowhere."""
        known = len(course.state.entries)
        assert entry.counts_from is not None
        self._leads[type(entry)](course, entry, entry.counts_from)
        if len(course.state.entries) == known:
            course.happens(attrs.evolve(entry, counts_from=None))

    def _begin(self, state: Request, policies: Policies) -> Course:
        begun = evolve(NotReceived(), state.received)
        assert isinstance(begun, Request)
        begun.noticed = state.noticed
        course = Course(begun, policies)
        course.counts_anew()
        return course

    def _go_on(
        self, course: Course, entries: Iterable[tuple[datetime, Entry]], until: datetime
    ) -> None:
        for at, entry in entries:
            course.passes(at)
            self._leads[type(entry)](course, entry, at)
        course.passes(until)


def policies_of(command: Timed, state: Request) -> Policies:
    """The policies that a request was or is held to, as they were looked up."""
    return Policies((*(command.held_to or ()), command.policy))


def _in_order(entries: Iterable[Entry]) -> list[tuple[datetime, Entry]]:
    """Those that count, as they happened; at one instant as they became known."""
    counting = ((e.counts_from, e) for e in entries if e.counts_from is not None)
    return sorted(counting, key=lambda pair: pair[0])


def _apart(said: tuple[Any, ...]) -> tuple[list[Any], list[Any]]:
    new = [event for event in said if type(event) in ENTERED_AT]
    return new, [event for event in said if type(event) not in ENTERED_AT]


# --- what was recorded, and what is told now -----------------------------------------------------


def _relieved(state: Request, course: Course, at: datetime) -> list[Taken]:
    """Breaches and broken promises on record that would not stand any more, or come later.

    Args:
        at: When that happened which says so; it excuses nothing that was breached before.
    """
    stands: dict[tuple[str, str], list[datetime]] = defaultdict(list)
    for taken in course.state.taken:
        stands[taken.what, kind_of(taken.clock)].append(taken.at)
    for times in stands.values():
        times.sort(reverse=True)
    relieved = []
    for taken in sorted(state.taken, key=lambda step: step.at):
        if taken.what in _BREACHES:
            # What is told anew may number its clocks otherwise.
            times = stands[taken.what, kind_of(taken.clock)]
            if (not times or times.pop() > taken.at) and taken.at >= at:
                relieved.append(taken)
    return relieved


_BREACHES = frozenset({BREACHED, PROMISE_BROKEN})


def _may_lift(command: Any, state: Request, relieved: list[Taken]) -> bool:
    """Only the word of somebody else, with evidence older than the breach, lifts one (REQ-09)."""
    if getattr(command, "imported", False):
        # The file of another system is nobody's own word.
        return True
    evidence: Evidence | None = getattr(command, "evidence", None)
    if evidence is None or not typed(evidence.reference).strip():
        return not relieved
    return all(
        evidence.dated_at < taken.at and command.by.ids.isdisjoint(_counts_for(taken, state))
        for taken in relieved
    )


def _counts_for(taken: Taken, state: Request) -> set[str]:
    """Whose breach it is: who promised; else who owns the request, and who does its work."""
    if taken.what == PROMISE_BROKEN:
        return {taken.by}
    found = {state.owner}
    if kind_of(taken.clock) in (ARRIVAL, CLOSING):
        found |= {state.assignment.to, state.done_by}
    return found


def _told_anew(state: Request, course: Course, because: Because) -> Iterator[Any]:
    """What is lifted, what is recorded late, and where the request stands then."""
    name, at = _cause(because)
    stands = Counter(course.state.taken)
    for taken in state.taken:
        if stands[taken]:
            stands[taken] -= 1
        else:
            yield StepLifted(
                request=state.request,
                what=taken.what,
                clock=taken.clock,
                percent=taken.percent,
                at=taken.at,
                because=name,
                because_at=at,
            )
    for event in course.events:
        found = taken_of(event)
        if found is not None and stands[found]:
            stands[found] -= 1
            yield attrs.evolve(event, late=True)
    yield RequestRetold(
        request=state.request,
        household=state.household,
        place=state.received.place,
        received_at=state.received_at,
        told_until=state.told_until,
        standing=standing_of(course.state),
    )


def _cause(because: Because) -> tuple[str, datetime]:
    """What says otherwise, by the name of its event, and when that was."""
    if isinstance(because, CalendarRenewed):
        return CALENDAR_RENEWED, because.renewed_at
    if isinstance(because, ClosingVoided):
        return CLOSING_VOIDED, because.closed_at
    return ENTRY_NAMES[type(because)], entered_at(because)
