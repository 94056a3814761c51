"""Decisions about the return visits of a household (VIS-01, VIS-04)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import attrs

from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.authority import Own
from crm_core.kernel.canonical import digest_of
from crm_core.kernel.dates import instant_text
from crm_core.kernel.decider import Decider, Decision, Refusal, by_command
from crm_core.kernel.recorded import Actor
from crm_core.kernel.refusals import no_reason, unknown
from crm_core.kernel.text import ID_LENGTH_MAX
from crm_core.visits.commands import (
    BY_US,
    DISSATISFIED,
    NOT_THERE,
    OCCASIONS,
    OPINIONS,
    REFUSED,
    RESULTS,
    SERVED,
    AppointVisit,
    ArrangeVisits,
    Call,
    NoteVisitAttempt,
    Occasion,
    RecordOccasion,
    RecordVisit,
    WithdrawOccasion,
    WithdrawVisit,
)
from crm_core.visits.events import (
    OccasionRecorded,
    OccasionWithdrawn,
    VisitAppointed,
    VisitAttempted,
    VisitCalledOff,
    VisitGivenUp,
    VisitMade,
    VisitRenewed,
    VisitScheduled,
    VisitWithdrawn,
)
from crm_core.visits.evolve import evolve
from crm_core.visits.policy import CALLED
from crm_core.visits.state import CALLED_OFF, GIVEN_UP, LAPSED, MADE, OPEN, Visit, Visits

# --- what is called for --------------------------------------------------------------------------


def _arrange(command: ArrangeVisits, state: Visits) -> Decision:
    """The visits that are called for and not there yet, and those no longer called for."""
    wanted = {one.visit: one for one in command.occasions}
    off = tuple(
        VisitCalledOff(
            visit=visit.visit,
            household=command.household,
            why=command.gone.get(visit.visit, "matter"),
            at=command.known_at,
        )
        for visit in state.open()
        if visit.visit not in wanted
    )
    found = (_arranged(one, state.visit(one.visit), command) for one in wanted.values())
    return (*off, *(event for event in found if event is not None))


def _arranged(
    one: Occasion, visit: Visit | None, command: ArrangeVisits
) -> VisitScheduled | VisitRenewed | VisitGivenUp | None:
    if visit is None or visit.status == CALLED_OFF:
        return _scheduled(one, command.household)
    if visit.status != OPEN:
        return None
    moved = one.since != visit.since
    lapses_at = one.lapses_at if moved else visit.lapses_at
    if lapses_at <= command.known_at:
        return VisitGivenUp(
            visit=visit.visit,
            household=command.household,
            why=LAPSED,
            attempts=visit.attempts,
            at=lapses_at,
        )
    if not moved and one.hands == visit.hands:
        return None
    return VisitRenewed(
        visit=one.visit,
        household=command.household,
        since=one.since,
        from_at=one.from_at if moved else visit.from_at,
        due_at=one.due_at if moved else visit.due_at,
        latest_at=one.latest_at if moved else visit.latest_at,
        lapses_at=lapses_at,
        must=visit.must,
        hands=one.hands,
    )


def _scheduled(one: Occasion, household: str) -> VisitScheduled:
    return VisitScheduled(
        visit=one.visit,
        household=household,
        row=one.row,
        content=one.content,
        purpose=one.purpose,
        means=one.means,
        request=one.request,
        occasion=one.occasion,
        draw=one.draw,
        since=one.since,
        from_at=one.from_at,
        due_at=one.due_at,
        latest_at=one.latest_at,
        lapses_at=one.lapses_at,
        must=one.must,
        seed=one.seed,
        hands=one.hands,
        policy=one.policy,
    )


# --- what every call keeps to --------------------------------------------------------------------


def _open_visit(number: str, state: Visits, at: datetime, *, late: bool = False) -> Visit | Refusal:
    """The visit, if something can still be recorded of it.

    Args:
        late: Whether what happened before it was given up or called off may be told afterwards.
    """
    visit = state.visit(number)
    if visit is None:
        return Refusal("unknown_visit", "VIS-04", {"visit": number})
    if visit.status == OPEN:
        return visit
    before = visit.over_at is not None and at < visit.over_at
    tried = visit.status == GIVEN_UP and visit.why != LAPSED
    if late and (tried or (visit.status in (CALLED_OFF, GIVEN_UP) and before)):
        return visit
    return Refusal(
        "visit_not_open", "VIS-04", {"visit": number}, sentence=f"visit_not_open_{visit.status}"
    )


def _against_the_script(
    visit: Visit, call: Call, at: datetime, means: str, by: Actor
) -> Refusal | None:
    """Why such a call keeps to no rule: who calls, when, and by which means (VIS-04)."""
    number = visit.visit
    if not by.ids.isdisjoint(call.hands | set(visit.hands)):
        return Refusal("own_work", "VIS-04", {"visit": number})
    if means not in visit.scheduled.means:
        return unknown("means", means, visit.scheduled.means, rule="VIS-04")
    if at < visit.from_at:
        details = {"visit": number, "from": instant_text(visit.from_at)}
        return Refusal("too_early", "VIS-04", details)
    agreed = _agreed(visit, call, at)
    if means in CALLED and not agreed and not call.hours.working(at):
        return Refusal("outside_hours", "VIS-04", {"at": instant_text(at)})
    return None


def _agreed(visit: Visit, call: Call, at: datetime) -> bool:
    """Whether it is the time that a member named."""
    return visit.appointed_at is not None and abs(at - visit.appointed_at) <= call.policy.agreed


# --- what people record --------------------------------------------------------------------------


def _appoint(command: AppointVisit, state: Visits) -> Decision:
    visit = _open_visit(command.visit, state, command.said_at)
    if isinstance(visit, Refusal):
        return visit
    if command.at < max(command.said_at, visit.from_at):
        details = {"visit": visit.visit, "from": instant_text(max(command.said_at, visit.from_at))}
        return Refusal("too_early", "VIS-04", details)
    if visit.appointed_at == command.at:
        return ()
    return (
        VisitAppointed(
            visit=visit.visit,
            household=command.household,
            appointed_at=command.at,
            said_at=command.said_at,
            word=command.word,
            entered_by=command.by.id,
        ),
    )


def _attempt(command: NoteVisitAttempt, state: Visits) -> Decision:
    visit = _open_visit(command.visit, state, command.attempted_at)
    if isinstance(visit, Refusal):
        return visit
    call = _known(command.call)
    if command.result not in RESULTS:
        return unknown("result", command.result, RESULTS, rule="VIS-04")
    last = visit.last
    if last is not None and (last.attempted_at, last.means) == (
        command.attempted_at,
        command.means,
    ):
        return Refusal("attempt_exists", "VIS-04", {"visit": visit.visit})
    refused = _no_appointment(command, visit)
    if refused is None and command.result != BY_US:
        at, means, by = command.attempted_at, command.means, command.by
        # In vain or not, the telephone rang.
        refused = _against_the_script(visit, call, at, means, by) or _too_soon(
            at, means, visit, call, state
        )
    if refused is not None:
        return refused
    return _attempted(command, visit, call)


def _no_appointment(command: NoteVisitAttempt, visit: Visit) -> Refusal | None:
    """Why nobody can have missed an appointment, or named another time, if so."""
    at = visit.appointed_at
    if command.result in (NOT_THERE, BY_US) and (at is None or command.attempted_at < at):
        return Refusal("no_appointment", "VIS-04", {"visit": visit.visit})
    if command.agreed_at is not None and command.agreed_at <= command.attempted_at:
        details = {"visit": visit.visit, "from": instant_text(command.attempted_at)}
        return Refusal("too_early", "VIS-04", details)
    return None


def _too_soon_to_count(command: NoteVisitAttempt, visit: Visit, call: Call) -> bool:
    """Whether it was before the time at which somebody is to be tried again (VIS-04)."""
    allowed = timedelta(0) if visit.appointed_at is None else call.policy.agreed
    return command.attempted_at < visit.next_at - allowed


def _attempted(command: NoteVisitAttempt, visit: Visit, call: Call) -> Decision:
    # An appointment that we missed is not held against who waited for us, and neither are calls
    # that come sooner than somebody is to be tried again: three within minutes are one.
    early = _too_soon_to_count(command, visit, call)
    attempt = visit.attempts + (command.result != BY_US and not early)
    again = call.hours.add(command.attempted_at, call.policy.retry_seconds)
    if early:
        again = max(again, visit.next_at)
    attempted = VisitAttempted(
        visit=visit.visit,
        household=command.household,
        attempted_at=command.attempted_at,
        means=command.means,
        result=command.result,
        attempt=attempt,
        next_at=command.agreed_at or again,
        appointed=command.agreed_at is not None,
        attempted_by=command.by.id,
    )
    if command.result == REFUSED or attempt >= call.policy.attempts:
        why = "refused" if command.result == REFUSED else "unreached"
        over = VisitGivenUp(
            visit=visit.visit,
            household=command.household,
            why=why,
            attempts=attempt,
            at=command.attempted_at,
        )
        return attempted, over
    return (attempted,)


def _record(command: RecordVisit, state: Visits) -> Decision:
    visit = _open_visit(command.visit, state, command.visited_at, late=True)
    if isinstance(visit, Refusal):
        return visit
    call = _known(command.call)
    at, by = command.visited_at, command.by
    refused = (
        _against_the_script(visit, call, at, command.means, by)
        or _too_soon(at, command.means, visit, call, state)
        or _not_to_be_called(command, call)
        or _said_otherwise(command, call)
        or _without_contact(command, visit, call)
    )
    if refused is not None:
        return refused
    recording = visit.recordings + 1
    follows = command.opinion == DISSATISFIED
    return (
        VisitMade(
            visit=visit.visit,
            household=command.household,
            visited_at=at,
            means=command.means,
            member=command.member,
            address=command.address,
            convenient=command.convenient,
            opinion=command.opinion,
            words=command.words,
            contact_left=command.contact_left,
            visited_by=by.id,
            successor=_successor(command, recording) if follows else None,
            recording=recording,
            trade=call.trade,
            severity=call.severity,
            place=call.place,
            request=visit.scheduled.request,
        ),
    )


def _too_soon(at: datetime, means: str, visit: Visit, call: Call, state: Visits) -> Refusal | None:
    """Nobody is called again within so many days, unless they asked for it (VIS-04)."""
    row = call.policy.row(visit.scheduled.row)
    if means not in CALLED or not row.rest or _agreed(visit, call, at):
        return None
    calls = [*state.calls(), *((then, "") for then in call.elsewhere)]
    for then, other in calls:
        apart = abs(at - then)
        # One call can serve several visits.
        if other != visit.visit and apart and apart < call.policy.rest:
            details = {"at": instant_text(then), "days": call.policy.rest.days}
            return Refusal("called_lately", "VIS-04", details)
    return None


def _not_to_be_called(command: RecordVisit, call: Call) -> Refusal | None:
    details = {"member": command.member, "household": command.household}
    if command.member not in call.members:
        return Refusal("not_a_member", "VIS-04", details)
    if call.staff:
        return Refusal("word_of_staff", "LOG-08", {"member": command.member})
    if command.member in call.barred:
        return Refusal("do_not_call", "VIS-04", details)
    return None


def _said_otherwise(command: RecordVisit, call: Call) -> Refusal | None:
    """What belongs to a conversation, and to nothing else."""
    forms = tuple(next(iter(call.policy.addresses.values())))
    if command.address not in forms:
        return unknown("address", command.address, forms, rule="VIS-04")
    if command.means not in CALLED:
        if command.opinion is not None or command.convenient is not None:
            return Refusal("nobody_spoken_to", "VIS-04", {"means": command.means})
        return None
    if command.convenient is None:
        return Refusal("convenience_missing", "VIS-04")
    if not command.convenient:
        return Refusal("not_convenient", "VIS-04")
    if command.opinion not in OPINIONS:
        return unknown("opinion", command.opinion or "", OPINIONS, rule="VIS-04")
    if command.opinion == DISSATISFIED and not command.words.strip():
        return Refusal("words_missing", "VIS-04")
    return None


def _without_contact(command: RecordVisit, visit: Visit, call: Call) -> Refusal | None:
    """After a repair the contact of who did it is left, as far as they still work here (VIS-04)."""
    known = sorted((call.hands | set(visit.hands)) - call.left)
    left = command.contact_left
    if left and left not in known:
        return unknown("contact", left, known, rule="VIS-04")
    if not left and known and call.policy.row(visit.scheduled.row).leaves_contact:
        return Refusal("contact_missing", "VIS-04", {"accepted": known})
    return None


def _successor(command: RecordVisit, recording: int) -> str:
    """Number of the request that follows; the same however often it is worked out."""
    number = f"{command.household}-{command.visit}-{recording}"
    return number if len(number) <= ID_LENGTH_MAX else digest_of(number)[:32]


def _withdraw(command: WithdrawVisit, state: Visits) -> Decision:
    visit = state.visit(command.visit)
    if visit is None:
        return Refusal("unknown_visit", "VIS-04", {"visit": command.visit})
    if visit.status != MADE or visit.made is None:
        return Refusal("visit_not_made", "VIS-04", {"visit": command.visit})
    if not command.reason.strip():
        return no_reason("LOG-06")
    return (
        VisitWithdrawn(
            visit=command.visit,
            household=command.household,
            reason=command.reason,
            withdrawn_by=command.by.id,
            successor=visit.made.successor,
        ),
    )


# --- what stands nowhere else --------------------------------------------------------------------


def _occasion(command: RecordOccasion, state: Visits) -> Decision:
    recorded = OccasionRecorded(
        occasion=command.occasion,
        household=command.household,
        kind=command.kind,
        on=command.on,
        until=command.until,
        reference=command.reference,
        recorded_by=command.by.id,
    )
    first = state.occasions.get(command.occasion)
    if command.occasion in state.withdrawn:
        return Refusal("occasion_withdrawn", "VIS-01", {"occasion": command.occasion})
    if first is not None:
        if attrs.evolve(recorded, recorded_by=first.recorded_by) == first:
            return ()
        return Refusal("occasion_exists", "VIS-01", {"occasion": command.occasion})
    if command.kind not in OCCASIONS:
        return unknown("occasion", command.kind, OCCASIONS, rule="VIS-01")
    if not command.reference.strip():
        return Refusal("reference_missing", "VIS-01")
    until, lasts = command.until, command.kind == SERVED
    if (until is not None) != lasts or (until is not None and until < command.on):
        return Refusal("until_wrong", "VIS-01", {"kind": command.kind})
    return (recorded,)


def _withdraw_occasion(command: WithdrawOccasion, state: Visits) -> Decision:
    if command.occasion in state.withdrawn:
        return ()
    if command.occasion not in state.occasions:
        return Refusal("occasion_unknown", "VIS-01", {"occasion": command.occasion})
    if not command.reason.strip():
        return no_reason("LOG-06")
    return (
        OccasionWithdrawn(
            occasion=command.occasion,
            household=command.household,
            reason=command.reason,
            withdrawn_by=command.by.id,
        ),
    )


# --- whose own it is -----------------------------------------------------------------------------


def _own(command: Any, state: Visits) -> Own | None:
    """Nobody visits about their own work, or makes go away what they recorded (VIS-04, LOG-08)."""
    if isinstance(command, RecordVisit | NoteVisitAttempt | AppointVisit):
        visit = state.visit(command.visit)
        return None if visit is None else Own(others=frozenset(visit.hands))
    if isinstance(command, WithdrawVisit):
        visit = state.visit(command.visit)
        if visit is None or visit.made is None:
            return None
        return Own(others=frozenset({visit.made.visited_by, *visit.hands}))
    return None


def _known(call: Call | None) -> Call:
    assert call is not None, "INVARIANT: looked up for every visit that there is"
    return call


def _household(command: Any) -> str:
    return command.household  # type: ignore[no-any-return]


_DECIDE: dict[type, Any] = {
    AppointVisit: _appoint,
    ArrangeVisits: _arrange,
    NoteVisitAttempt: _attempt,
    RecordOccasion: _occasion,
    RecordVisit: _record,
    WithdrawOccasion: _withdraw_occasion,
    WithdrawVisit: _withdraw,
}

_OF_PEOPLE = frozenset({AppointVisit, NoteVisitAttempt, RecordOccasion, RecordVisit})

VISITS = Aggregate(
    Decider("visits", Visits(), by_command(_DECIDE), evolve),
    tuple(_DECIDE),
    _household,
    _household,
    own=_own,
    inside=frozenset({ArrangeVisits}),
    void_too=True,
    closed_by_merge=_OF_PEOPLE,
)
