"""What follows from events for the return visits of a household."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

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
from crm_core.visits.state import CALLED_OFF, GIVEN_UP, MADE, OPEN, Visit, Visits


def evolve(state: Visits, event: Any) -> Visits:
    """The visits after an event; every event counts, whatever it says."""
    step = _STEPS.get(type(event))
    if step is None:
        return state
    return attrs.evolve(step(state, event), household=event.household, told=state.told + 1)


def _scheduled(state: Visits, e: VisitScheduled) -> Visits:
    before = state.visit(e.visit)
    visit = Visit(
        scheduled=e,
        since=e.since,
        from_at=e.from_at,
        due_at=e.due_at,
        latest_at=e.latest_at,
        lapses_at=e.lapses_at,
        must=e.must,
        hands=e.hands,
        next_at=e.from_at,
        # What was called off and is called for again goes on where it stood.
        attempts=0 if before is None else before.attempts,
        recordings=0 if before is None else before.recordings,
    )
    return state.with_visit(visit)


def _changed(state: Visits, number: str, change: Callable[[Visit], Visit]) -> Visits:
    visit = state.visit(number)
    return state if visit is None else state.with_visit(change(visit))


def _renewed(state: Visits, e: VisitRenewed) -> Visits:
    return _changed(
        state,
        e.visit,
        lambda visit: attrs.evolve(
            visit,
            since=e.since,
            from_at=e.from_at,
            due_at=e.due_at,
            latest_at=e.latest_at,
            lapses_at=e.lapses_at,
            must=e.must,
            hands=e.hands,
            next_at=visit.next_at if visit.attempts or visit.appointed_at else e.from_at,
        ),
    )


def _called_off(state: Visits, e: VisitCalledOff) -> Visits:
    return _changed(
        state,
        e.visit,
        lambda visit: attrs.evolve(
            visit, status=CALLED_OFF, over_at=e.at, why=e.why, appointed_at=None
        ),
    )


def _appointed(state: Visits, e: VisitAppointed) -> Visits:
    return _changed(
        state,
        e.visit,
        lambda visit: attrs.evolve(visit, appointed_at=e.appointed_at, next_at=e.appointed_at),
    )


def _attempted(state: Visits, e: VisitAttempted) -> Visits:
    return _changed(
        state,
        e.visit,
        lambda visit: attrs.evolve(
            visit,
            attempts=e.attempt,
            last=e,
            next_at=e.next_at,
            appointed_at=e.next_at if e.appointed else None,
        ),
    )


def _given_up(state: Visits, e: VisitGivenUp) -> Visits:
    return _changed(
        state,
        e.visit,
        lambda visit: attrs.evolve(
            visit, status=GIVEN_UP, over_at=e.at, why=e.why, appointed_at=None
        ),
    )


def _made(state: Visits, e: VisitMade) -> Visits:
    return _changed(
        state,
        e.visit,
        lambda visit: attrs.evolve(
            visit, status=MADE, made=e, recordings=e.recording, over_at=None, why=""
        ),
    )


def _withdrawn(state: Visits, e: VisitWithdrawn) -> Visits:
    return _changed(
        state,
        e.visit,
        # Who was given up before stays to be tried: somebody thought they had been reached.
        lambda visit: attrs.evolve(visit, status=OPEN, made=None, over_at=None, why=""),
    )


def _recorded(state: Visits, e: OccasionRecorded) -> Visits:
    return attrs.evolve(state, occasions=state.occasions.add(e.occasion, e))


def _occasion_withdrawn(state: Visits, e: OccasionWithdrawn) -> Visits:
    return attrs.evolve(state, withdrawn=state.withdrawn.add(e.occasion, True))


_STEPS: dict[type, Callable[[Visits, Any], Visits]] = {
    OccasionRecorded: _recorded,
    OccasionWithdrawn: _occasion_withdrawn,
    VisitAppointed: _appointed,
    VisitAttempted: _attempted,
    VisitCalledOff: _called_off,
    VisitGivenUp: _given_up,
    VisitMade: _made,
    VisitRenewed: _renewed,
    VisitScheduled: _scheduled,
    VisitWithdrawn: _withdrawn,
}
